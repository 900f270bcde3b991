"""How the matrix of access calls each command: one line for each, in the files of ``calls/``, one for each group of nouns.

Adding a command
    Append a line to `ROWS` of ``calls/<noun>.py`` (any file there is found; a new one needs nothing else)::

        Row("updateInstanceGroup", "instancegroup", name="renamed")
        Row("createInstanceGroup", name="made")
        Row("startVirtualMachine", "virtualmachine")
        Row("listSnapshots", "snapshot")

    The first argument is the command, the second the noun that it is called on (its id is given as ``id``, or as what
    ``by`` says); what follows are the parameters of a call that succeeds for whoever may do it. A value ``"@noun"`` is
    the id of that thing of the cast, of the same owner as the target; ``@zone``, ``@domain``, ``@account`` (a name),
    ... stand for the surroundings, see `access_cast.Cast`. Without a noun the command is called for the caller; where it
    takes ``account``, ``domainid`` or ``projectid`` it is also called for another account and for a project.

    Jobs are not carried out and nothing is kept: the transaction of a call that succeeds is undone. ``given`` is SQL that
    puts the target (``:id``, its uuid) in the state the command needs, within that transaction.

    A line may be there before its command is; it is used from then on.

Adding a noun
    A function with ``@thing("noun")`` that makes one for an owner and answers its id; `insert` makes a row directly::

        @thing("vpc")
        async def _vpc(cast: Cast, **owner: Any) -> str:
            return await cast.insert(schema.vpc, **cast.owned(owner))

    ``owner`` is ``{"account": ..., "domainid": ...}`` or ``{"projectid": ...}``. ``owned="cloud"`` (or domains, public,
    domain, project, ...: see `access_rule`) where it is not an account's; ``needs=("network",)`` where others come first.

Exceptions
    ``only=(...)`` names the callers (of those who see the target) that may do it; the others are answered ``otherwise``
    (531). ``sees=(...)`` names those who see it, where the common rule does not say it. Each takes a reason, ``why``.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Thing:
    """One kind of thing the cast has: of an account, and of a project where it can be a project's."""

    name: str
    make: Callable[..., Awaitable[str]]
    owned: str = "account"
    projects: bool = True
    needs: tuple[str, ...] = ()


THINGS: dict[str, Thing] = {}


def thing(
    name: str, *, owned: str = "account", projects: bool | None = None, needs: Sequence[str] = ()
) -> Callable[[Callable[..., Awaitable[str]]], Callable[..., Awaitable[str]]]:
    """Registers how one of a kind is made."""

    def register(make: Callable[..., Awaitable[str]]) -> Callable[..., Awaitable[str]]:
        of_projects = owned == "account" if projects is None else projects
        THINGS[name] = Thing(name, make, owned, of_projects, tuple(needs))
        return make

    return register


class Row:
    """How one command is called on one kind of target. See the module's text."""

    def __init__(
        self,
        command: str,
        target: str | None = None,
        /,
        *,
        by: str = "id",
        given: str = "",
        only: Sequence[str] | None = None,
        sees: Sequence[str] | None = None,
        otherwise: int = 531,
        hidden: int | None = None,
        answers: int = 200,
        why: str = "",
        spread: bool = True,
        listed: bool = True,
        shows: bool = True,
        key: str = "",
        variants: Sequence[str] = ("account", "project"),
        prepared: dict[str, Any] | None = None,
        **parameters: Any,
    ) -> None:
        self.command = command
        #: A noun of `THINGS`; None: the command is called for the caller.
        self.target = target
        #: The parameter that names the target; empty: it is only listed.
        self.by = by
        self.given = given
        self.only = only
        self.sees = sees
        #: What those are answered who see the target and may not do it.
        self.otherwise = otherwise
        #: What those are answered who do not see it, where it is not what an id that names nothing is answered.
        self.hidden = hidden
        #: What the command answers those who may do it, where the cast is not in the state for it.
        self.answers = answers
        self.why = why
        #: Whether it is also called with account and domainid, and with projectid.
        self.spread = spread
        #: Whether a list is also asked without the id, with listall.
        self.listed = listed
        #: Whether what it lists is, or tells of, the target.
        self.shows = shows
        #: The field that holds the target's id, where it is not ``id``.
        self.key = key
        self.variants = tuple(variants)
        #: What takes long and is not what is looked at here (a password's hash).
        self.prepared = prepared
        self.parameters = parameters
        unusual = only is not None or sees is not None or hidden is not None or answers != 200
        assert why or not unusual, f"{command}: an exception takes a reason (why=...)"

    def __repr__(self) -> str:
        return f"{self.command}({self.target or ''})"


@cache
def rows() -> dict[str, list[Row]]:
    """Every row by the lower-cased name of its command; loads the things as well."""
    found: dict[str, list[Row]] = {}
    for path in sorted((HERE / "calls").glob("*.py")):
        spec = importlib.util.spec_from_file_location(f"access_calls_{path.stem}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for row in getattr(module, "ROWS", []):
            found.setdefault(row.command.lower(), []).append(row)
    return found
