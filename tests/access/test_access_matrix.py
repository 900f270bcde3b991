"""Every command, every kind of caller: what is allowed and what is seen.

How a command is called stands in ``calls/<noun>.py``, one line for each: `access_rows` says how to add one. What must be
answered is computed from `access_rule`:

* not signed: 401. The role has not got the command: 432.
* The target is out of sight: exactly what an id that names nothing is answered.
* In sight, but not the caller's: 531.
* Else it succeeds.

Lists are asked for the target by id, and for everything: a row is shown exactly to those who see it. Where a command takes
account, domainid or projectid it is called for another account and for a project. Calls that are refused are made once more
over HTTP, and the database is afterwards, byte for byte, what it was.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from access_cast import Cast
from access_rows import THINGS, Row, rows
from access_rule import CALLERS, STRANGER, Who, owns, sees, touches

from cloudsim.api.command import Command, ListCommand, commands
from cloudsim.api.params import _Ref, _Refs
from cloudsim.core.reference import reference

pytestmark = pytest.mark.asyncio(loop_scope="module")

GHOST = "00000000-1111-4222-8333-444444444444"


class Cells:
    """The cells of one row of the matrix: makes the calls and collects what is not as expected."""

    def __init__(self, cast: Cast, row: Row) -> None:
        self.cast = cast
        self.row = row
        self.command: type[Command] = commands()[row.command.lower()]
        self.wrong: list[str] = []

    def note(self, who: Who, variant: str, text: str) -> None:
        self.wrong.append(f"{self.row!r} by {who.name}, {variant}: {text}")

    async def ask(self, who: Who, parameters: dict[str, Any], target: str = "") -> tuple[int, dict[str, Any]]:
        given = (self.row.given, target) if self.row.given else None
        return await self.cast.ask(who.name, self.row.command, parameters, given, **(self.row.prepared or {}))

    async def refuses(self, who: Who, variant: str, parameters: dict[str, Any], seen: tuple[int, Any]) -> None:
        """A call that is refused is refused over HTTP as well, and nothing changes."""
        if seen[0] == 200:
            return
        before = self.cast.digest()
        again = await self.cast.send(who.name, self.row.command, parameters)
        if not self.row.given and again != seen:
            self.note(who, variant, f"over HTTP {again}, else {seen}")
        if self.cast.digest() != before:
            self.note(who, variant, "refused, but something changed")

    def expect(self, who: Who, variant: str, status: int, found: tuple[int, dict[str, Any]]) -> bool:
        if found[0] != status:
            self.note(who, variant, f"expected {status}, got {found[0]} {found[1].get('errortext', '')}")
            return False
        return True

    async def no_right(self, who: Who, parameters: dict[str, Any]) -> None:
        found = await self.ask(who, parameters)
        self.expect(who, "right", 432, found)
        await self.refuses(who, "right", parameters, found)

    async def like_nothing(
        self, who: Who, variant: str, parameters: dict[str, Any], swapped: dict[str, str], must: int | None
    ) -> None:
        """What is out of sight is answered exactly as what does not exist."""
        found = await self.ask(who, parameters)
        ghost = await self.ask(who, {**parameters, **swapped})
        texts = [json.dumps(one) for one in (found, ghost)]
        for name, text in swapped.items():
            texts = [one.replace(str(parameters[name]), "X").replace(text, "X") for one in texts]
        if texts[0] != texts[1]:
            self.note(who, variant, f"{found} tells that it is there: nothing is {ghost}")
        if must is not None:
            self.expect(who, variant, must, found)
        elif found[0] == 200 and any(isinstance(value, list) for value in found[1].values()):
            self.note(who, variant, f"shows {found[1]}")
        await self.refuses(who, variant, parameters, found)

    # -- the kinds of cells

    async def on_target(self, who: Who, variant: str) -> None:
        """The command on its target."""
        row = self.row
        assert row.target is not None
        owned = THINGS[row.target].owned
        target = self.cast.target(row.target, variant)
        parameters = {name: self.cast.value(value, variant) for name, value in row.parameters.items()}
        parameters[row.by] = target
        visible = who.name in row.sees if row.sees is not None else sees(who, owned, variant)
        if not visible:
            if row.hidden is not None:
                found = await self.ask(who, parameters, target)
                self.expect(who, variant, row.hidden, found)
                await self.refuses(who, variant, parameters, found)
                return
            is_ref = isinstance(self.param(row.by), (_Ref, _Refs)) or not self.command.reads
            await self.like_nothing(who, variant, parameters, {row.by: GHOST}, 431 if is_ref else None)
            return
        may = self.command.reads or touches(who, owned, variant)
        if row.only is not None:
            may = who.name in row.only
        found = await self.ask(who, parameters, target)
        self.expect(who, variant, row.answers if may else row.otherwise, found)
        if may and found[0] == 200 and issubclass(self.command, ListCommand) and not self.there(found[1], target):
            self.note(who, variant, f"does not show it: {str(found[1])[:200]}")
        await self.refuses(who, variant, parameters, found)

    async def listed(self, who: Who, variant: str) -> None:
        """The list of everything shows the target to whoever sees it, and to nobody else."""
        row = self.row
        if not (row.target and row.listed and issubclass(self.command, ListCommand)) or row.by not in ("id", "ids", ""):
            return
        parameters = {name: self.cast.value(value, variant) for name, value in row.parameters.items()}
        parameters.pop(row.by, None)
        if "listall" in self.command.params:
            parameters["listall"] = True
        if variant == "project":
            if "projectid" not in self.command.params:
                return
            parameters["projectid"] = "-1"
        owned = THINGS[row.target].owned
        visible = who.name in row.sees if row.sees is not None else sees(who, owned, variant)
        found = await self.ask(who, parameters)
        if self.expect(who, f"{variant}, list", 200, found):
            there = self.there(found[1], self.cast.target(row.target, variant))
            if there != visible:
                self.note(who, f"{variant}, list", "shows it" if there else f"does not show it: {str(found[1])[:200]}")

    async def plain(self, who: Who) -> None:
        """A command without a target, for the caller."""
        parameters = {name: self.cast.value(value, "account") for name, value in self.row.parameters.items()}
        found = await self.ask(who, parameters)
        may = self.row.only is None or who.name in self.row.only
        self.expect(who, "own", self.row.answers if may else self.row.otherwise, found)
        await self.refuses(who, "own", parameters, found)

    async def on_behalf(self, who: Who, variant: str) -> None:
        """A command without a target, with account and domainid, or with projectid."""
        params = self.command.params
        names = ("account", "domainid") if variant == "account" else ("projectid",)
        if not self.row.spread or any(name not in params or name in self.row.parameters for name in names):
            return
        parameters = {name: self.cast.value(value, variant) for name, value in self.row.parameters.items()}
        parameters.update(self.cast.owners[variant])
        if owns(who, variant):
            found = await self.ask(who, parameters)
            self.expect(who, f"for the {variant}", self.row.answers, found)
            await self.refuses(who, f"for the {variant}", parameters, found)
            return
        swapped = {"projectid": GHOST} if variant == "project" else {"account": "nobody"}
        if variant == "account" and not sees(who, "domain", variant):
            swapped = {"domainid": GHOST}
        await self.like_nothing(who, f"for the {variant}", parameters, swapped, 431)

    def there(self, body: dict[str, Any], target: str) -> bool:
        if not self.row.shows:
            return True
        return shown(body, target, self.row.key or ("id" if self.row.by in ("id", "ids") else self.row.by))

    def param(self, name: str) -> Any:
        return next((param for param in self.command.params.values() if param.name == name), None)

    async def run(self) -> None:
        row = self.row
        first = {name: self.cast.value(value, "account") for name, value in row.parameters.items()}
        if row.target:
            first[row.by] = self.cast.target(row.target, "account")
        before = self.cast.digest()
        status, _ = await self.cast.send(STRANGER, row.command, first)
        if (status, self.cast.digest()) != (401, before):
            self.wrong.append(f"{row!r} by a stranger: {status}")
        for who in CALLERS.values():
            if not (self.command.everyone or who.has(row.command)):
                await self.no_right(who, first)
                continue
            if row.target is None:
                await self.plain(who)
                for variant in row.variants:
                    await self.on_behalf(who, variant)
                continue
            for variant in row.variants:
                if variant == "account" or THINGS[row.target].projects:
                    if row.by:
                        await self.on_target(who, variant)
                    await self.listed(who, variant)


def shown(body: dict[str, Any], target: str, key: str) -> bool:
    """Whether a list has an object that is the target, or is about it."""
    objects = next((value for value in body.values() if isinstance(value, list)), [])
    if any(key in one for one in objects):
        return any(str(one.get(key)) == target for one in objects)
    return any(
        target == value or (isinstance(value, list) and target in value) for one in objects for value in one.values()
    )


@pytest.mark.parametrize("name", [command.name for command in commands().values()])
async def test_row_of_the_matrix(name: str, cast: Cast) -> None:
    found = rows().get(name.lower())
    assert found, (
        f"the matrix of access does not know how to call {name}: add a line to ROWS in tests/access/calls/<noun>.py, "
        f'such as Row("{name}", "<noun of its target>", ...); tests/access/access_rows.py says how'
    )
    wrong: list[str] = []
    for row in found:
        assert row.target is None or row.target in THINGS, f"{row!r}: no file of calls/ makes a {row.target}"
        cells = Cells(cast, row)
        await cells.run()
        wrong += cells.wrong
    assert not wrong, "\n".join(wrong)


async def test_nothing_in_the_rows_is_unknown() -> None:
    # a row may be there before its command is
    known = {name.lower() for name in reference("commands")}
    assert set(rows()) - set(commands()) - known == set()
