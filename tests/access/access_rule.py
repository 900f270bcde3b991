"""The one rule for seeing and touching, as the matrix expects it: written from the contract, not from the code.

The tree is ``ROOT / top / (mid / leaf, side)``. All that is asked about is of account ``owner`` in ``mid``, or of a project
there that ``owner`` made and that account ``member`` is in.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import cloudsim

ROLES = json.loads((Path(cloudsim.__file__).parent / "core" / "data" / "roles.json").read_text())
MID = "/top/mid/"
#: No default role names them, and the reference lets users call them.
UNNAMED = ("createConsoleEndpoint", "listConsoleSessions")


@dataclass(frozen=True)
class Who:
    """One caller of the matrix."""

    name: str
    #: A role of roles.json.
    role: str
    account: str
    domain: str

    def has(self, command: str) -> bool:
        """Whether the role has a command: the first rule that fits says it."""
        for rule in ROLES[self.role]["rules"]:
            if fnmatchcase(command.lower(), rule.removeprefix("!").lower()):
                return not rule.startswith("!")
        return command in UNNAMED

    @property
    def leads(self) -> str | None:
        """The domain below which everything is the caller's to see and to change; None for a user."""
        if self.role == "Root Admin":
            return "/"
        return self.domain if self.role == "Domain Admin" else None


CALLERS = {
    who.name: who
    for who in (
        Who("root", "Root Admin", "admin", "/"),
        Who("above", "Domain Admin", "above", "/top/"),
        Who("beside", "Domain Admin", "beside", "/top/side/"),
        Who("below", "Domain Admin", "below", "/top/mid/leaf/"),
        Who("owner", "User", "owner", MID),
        Who("same", "User", "owner", MID),  # another user of the owner's account
        Who("other", "User", "other", MID),
        Who("member", "User", "member", MID),
    )
}
STRANGER = "stranger"  # who does not sign

USERS = ("owner", "same", "other", "member")
ABOVE = ("root", "above")
OWNERS = ("root", "above", "owner", "same")
IN_PROJECT = ("root", "above", "owner", "same", "member")
INSIDE = ("root", "above", "owner", "same", "other", "member")


def owns(who: Who, variant: str) -> bool:
    """Whether somebody may act for the owner of a thing: account `owner`, or the project."""
    if who.leads is not None:
        return MID.startswith(who.leads)
    return who.account == "owner" or (variant == "project" and who.account == "member")


def sees(who: Who, owned: str, variant: str) -> bool:
    """Whether somebody sees a thing that is `owned` so."""
    if who.role == "Root Admin" or owned in ("cloud", "public"):
        return True
    if owned == "domains":  # limited to mid: for mid and what is below, and for the admins above
        return who.domain.startswith(MID) or (who.leads is not None and MID.startswith(who.leads))
    if owned == "domain":  # mid itself: its own people and those above
        return MID.startswith(who.leads) if who.leads is not None else who.domain == MID
    if owned == "project":  # a project, or a part of one
        return owns(who, "project")
    assert owned == "account", owned
    return owns(who, variant)


def touches(who: Who, owned: str, variant: str) -> bool:
    """Whether somebody who sees a thing may change it."""
    if owned == "cloud":  # whose role has the command
        return True
    if owned == "public":  # the cloud's own account's
        return who.role == "Root Admin"
    if owned == "domains":  # an admin below uses what was made above, and leaves it as it is
        return who.leads is not None and MID.startswith(who.leads)
    if owned in ("domain", "project"):
        return sees(who, owned, variant)
    return owns(who, variant)
