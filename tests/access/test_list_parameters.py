"""Every list command obeys the parameters it declares: keyword, page and pagesize, ids, tags, and whose rows are listed.

Each list is asked for on the cast of the matrix with the parameters of its first row in ``calls/``; what a parameter means
is the same for all, so one test walks the registry. Lists that rightly differ are named in `EXCEPT`, with the reason.
"""

from __future__ import annotations

from typing import Any

import pytest
from access_cast import Cast
from access_rows import THINGS, rows

from cloudsim.api.command import Command, ListCommand, commands
from cloudsim.api.params import _Map

pytestmark = pytest.mark.asyncio(loop_scope="module")

GHOST = "00000000-1111-4222-8333-444444444444"
NOWHERE = "a text that is nowhere"
LISTS = [command.name for command in commands().values() if issubclass(command, ListCommand)]

#: (command, parameter): why it is otherwise here.
EXCEPT: dict[tuple[str, str], str] = {
    ("listConfigurations", "count"): "there are more settings than fit on a page",
    ("listGuestVlans", "count"): "there are more VLANs than fit on a page",
    ("listResourceDetails", "isrecursive"): "its first row names the resource",
    ("listProjectAccounts", "projectid"): "lists the accounts of the project themselves",
    ("listProjectInvitations", "projectid"): "lists the accounts that are invited",
    ("listResourceLimits", "projectid"): "tells the account that stands for the project",
}
for _name in ("listServiceOfferings", "listDiskOfferings"):
    for _parameter in ("account", "projectid"):
        EXCEPT[_name, _parameter] = "offerings belong to domains: the description says that it has no effect"


def identity(one: dict[str, Any]) -> Any:
    """What stays the same of an object while time goes by."""
    return one.get("id") or one.get("usageid") or one


def declared(command: type[Command]) -> set[str]:
    return {param.name for param in command.params.values()}


class Asking:
    """One list command on the cast."""

    def __init__(self, cast: Cast, name: str) -> None:
        self.cast = cast
        self.command = commands()[name.lower()]
        self.has = declared(self.command)
        self.row = rows()[name.lower()][0]
        given = {key: cast.value(value, "account") for key, value in self.row.parameters.items()}
        required = {param.name for param in self.command.params.values() if param.required}
        if self.row.target and (self.row.by not in ("id", "ids", "") or self.row.by in required):
            given[self.row.by] = cast.target(self.row.target, "account")
        if "listall" in self.has:
            given["listall"] = True
        self.base = given

    async def ask(self, **more: Any) -> tuple[int, list[dict[str, Any]], int]:
        """Status, objects and count."""
        status, body = await self.cast.ask("root", self.command.name, {**self.base, **more})
        objects = next((value for value in body.values() if isinstance(value, list)), []) if status == 200 else []
        return status, objects, body.get("count", 0)


@pytest.mark.parametrize("name", LISTS)
async def test_a_list_obeys_what_it_declares(name: str, cast: Cast) -> None:
    asking = Asking(cast, name)
    wrong: list[str] = []

    def must(fine: bool, parameter: str, text: Any = "") -> None:
        if not fine and (name, parameter) not in EXCEPT:
            wrong.append(f"{name} {parameter}: {str(text)[:300]}")

    status, base, count = await asking.ask()
    assert status == 200
    must(count == len(base), "count", (count, len(base)))
    # -- page and pagesize
    for page in (1, 2):
        status, part, total = await asking.ask(page=page, pagesize=1)
        same = [identity(one) for one in part] == [identity(one) for one in base[page - 1 : page]]
        must((status, same) == (200, True), "pagesize", (status, part))
        must(total == len(base) or not base, "count", total)
    for bad in ({"page": 1}, {"pagesize": 1}, {"page": 0, "pagesize": 1}, {"page": 1, "pagesize": 501}):
        must((await asking.ask(**bad))[0] == 431, "pagesize", bad)
    # -- keyword
    status, found, total = await asking.ask(keyword=NOWHERE)
    must((status, found, total) == (200, [], 0), "keyword", (status, total))
    if base and "name" in base[0]:
        word = str(base[0]["name"])
        status, found, _ = await asking.ask(keyword=word.upper()[:20])
        must(
            status == 200 and identity(base[0]) in [identity(one) for one in found],
            "keyword",
            (status, word, len(found)),
        )
    # -- ids
    if "ids" in asking.has:
        status, found, total = await asking.ask(ids=base[0]["id"])
        must((status, total, {one["id"] for one in found}) == (200, 1, {base[0]["id"]}), "ids", (status, total))
        must((await asking.ask(ids=f"{base[0]['id']},{GHOST}"))[0] == 431, "ids", "an id of nothing")
    # -- tags
    if isinstance(asking.command.params.get("tags"), _Map):
        status, found, total = await asking.ask(**{"tags[0].key": "no such", "tags[0].value": "tag"})
        must((status, found, total) == (200, [], 0), "tags", (status, total))
    # -- whose
    if "account" in asking.has and "domainid" in asking.has:
        status, found, _ = await asking.ask(**cast.owners["account"], listall=None)
        others = [one for one in found if one.get("account", "owner") != "owner" and not one.get("ispublic")]
        must((status, others) == (200, []), "account", (status, others))
        whole = asking.row.target and THINGS[asking.row.target].owned == "account"
        if whole and asking.row.shows and base:
            must(bool(found), "account", "shows nothing of the account")
        status, found, _ = await asking.ask(account="nobody", domainid=cast.names["account"]["domain"], listall=None)
        must(status == 431, "account", (status, found[:1]))
    if "domainid" in asking.has:
        side, top = cast.names["account"]["domain.top.side"], cast.names["account"]["domain.top"]
        status, found, _ = await asking.ask(domainid=side, listall=None)
        if status == 200:
            others = [one for one in found if one.get("domain", "side") != "side" and not one.get("ispublic")]
            must(others == [], "domainid", others)
        else:
            must(False, "domainid", status)
        must((await asking.ask(domainid=GHOST, listall=None))[0] == 431, "domainid", "a domain that is not there")
        if "isrecursive" in asking.has and asking.row.target in THINGS and asking.row.shows:
            target = cast.target(asking.row.target, "account")
            narrow = await asking.ask(domainid=top, listall=None)
            wide = await asking.ask(domainid=top, listall=None, isrecursive=True)
            if THINGS[asking.row.target].owned == "account":
                must(target in str(wide[1]) and target not in str(narrow[1]), "isrecursive", (narrow[2], wide[2]))
    if "projectid" in asking.has:
        project = cast.owners["project"]["projectid"]
        status, found, _ = await asking.ask(projectid=project, listall=None)
        others = [one for one in found if one.get("projectid", project) != project or "account" in one]
        others = [one for one in others if not one.get("ispublic")]
        must((status, others) == (200, []), "projectid", (status, others))
        must((await asking.ask(projectid=GHOST))[0] == 431, "projectid", "a project that is not there")
        if "account" in asking.has and "domainid" in asking.has:
            both = {**cast.owners["account"], "projectid": project}
            must((await asking.ask(**both))[0] == 431, "projectid", "with an account")
    assert not wrong, "\n".join(wrong)
