"""Who calls: the user behind a request or a job, with the account, domain and role that decide what may be done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache

#: CloudStack's numbers of account types.
USER, ADMIN, DOMAIN_ADMIN, RESOURCE_ADMIN, PROJECT = 0, 1, 2, 3, 5

#: Commands that no default role names and that accounts of these types have all the same, where no rule denies them.
UNNAMED = {
    "createconsoleendpoint": frozenset((USER, DOMAIN_ADMIN, RESOURCE_ADMIN)),
    "listconsolesessions": frozenset((USER, DOMAIN_ADMIN, RESOURCE_ADMIN)),
}


@lru_cache(maxsize=64)
def _matcher(rules: tuple[tuple[str, bool], ...], account_type: int) -> dict[str, bool]:
    # one memory of answers for each distinct list of rules, filled as commands are asked for
    return {}


@dataclass(frozen=True, slots=True)
class Membership:
    """A user's part in a project."""

    project_id: int
    #: The account that owns what the project has.
    account_id: int
    admin: bool
    #: Those of the member's project role in their order; None: no project role.
    rules: tuple[tuple[str, bool], ...] | None = None

    def may(self, command: str) -> bool:
        """Whether the project role leaves a command to the member: the first rule that fits decides, else it does."""
        if self.admin or self.rules is None:
            return True
        return allowed(command, (*self.rules, ("*", True)))


@dataclass(frozen=True, slots=True)
class Caller:
    """One user, as of the start of the request."""

    user_id: int
    user_uuid: str
    username: str
    account_id: int
    account_uuid: str
    account_name: str
    account_type: int
    domain_id: int
    domain_uuid: str
    #: ``/`` for the root, ``/a/b/`` below it.
    domain_path: str
    role_id: int | None
    #: The role's rules in their order: (command name or pattern with ``*``, allowed).
    rules: tuple[tuple[str, bool], ...]
    #: The projects the user is in.
    projects: tuple[Membership, ...] = ()

    def member_of(self, account_id: int) -> Membership | None:
        """The part in the project that an account stands for; None where there is none."""
        for one in self.projects:
            if one.account_id == account_id:
                return one
        return None

    @property
    def is_admin(self) -> bool:
        """Whether this is a root administrator."""
        return self.account_type == ADMIN

    @property
    def is_domain_admin(self) -> bool:
        """Whether this is an administrator of a domain and what is below it."""
        return self.account_type in (DOMAIN_ADMIN, RESOURCE_ADMIN)

    def may(self, command: str) -> bool:
        """Whether the role has the command. The first rule that matches decides; without one the answer is no, but for
        the commands in `UNNAMED`.
        """
        known = _matcher(self.rules, self.account_type)
        answer = known.get(command)
        if answer is None:
            unnamed = self.account_type in UNNAMED.get(command.lower(), ())
            answer = known[command] = allowed(command, (*self.rules, ("*", unnamed)))
        return answer


def allowed(command: str, rules: Sequence[tuple[str, bool]]) -> bool:
    """What an ordered list of rules says of a command; names are matched without regard to case."""
    name = command.lower()
    for rule, allow in rules:
        if fnmatchcase(name, rule.lower()):
            return allow
    return False


def domain_path_text(path: str) -> str:
    """A domain's path as clients read it: ``ROOT`` or ``ROOT/a/b``."""
    return ("ROOT" + path).rstrip("/")
