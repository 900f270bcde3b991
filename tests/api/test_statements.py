"""A page of any list costs as many SQL statements as its first row alone."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from apiclient import Api

from cloudsim.api.command import Command, ListCommand, commands
from cloudsim.db import sqlite

#: Lists of what belongs to one thing, which one of two parameters names.
OF_ONE = ("listLBStickinessPolicies", "listLBHealthCheckPolicies")
LISTS = [
    command
    for command in commands().values()
    if issubclass(command, ListCommand)
    and command.name not in OF_ONE
    and not any(param.required for param in command.params.values())
]
#: What lists need to say everything.
MORE: dict[str, dict[str, Any]] = {
    "listTemplates": {"templatefilter": "all"},
    "listIsos": {"isofilter": "all"},
    "listZones": {"showcapacities": True},
    "listPods": {"showcapacities": True},
    "listClusters": {"showcapacities": True},
}
#: Lists that look at each kind of thing their rows tell of: a statement for each kind, however many rows.
KINDS = {"listEvents": 8, "listTags": 8, "listAsyncJobs": 8}


@pytest.fixture
async def full(api: Api) -> Api:
    """A cloud with several of what most lists tell of."""
    machines = await asyncio.gather(*(api.deploy(userdata="Zg==") for _ in range(6)))
    for machine in machines:
        await api.job(
            "createTags",
            **{"resourceids": machine["id"], "resourcetype": "UserVm", "tags[0].key": "a", "tags[0].value": "b"},
        )
    where = await api.places()
    for number in range(4):
        await api.call("createSSHKeyPair", name=f"k{number}")
        await api.call("createServiceOffering", name="o", displaytext="o", cpunumber=1, cpuspeed=1, memory=64)
        await api.call("addHost", **where, hypervisor="Simulator", url="http://sim/c/h")
        await api.call("createStoragePool", **where, name="p", url=f"nfs://a/{number}")
        await api.call(
            "createAccount", "POST", username=f"u{number}", password="p", email="e", firstname="f", lastname="l",
            accounttype=0,
        )  # fmt: skip
        await api.call("createDomain", name=f"d{number}")
    return api


async def test_pages_cost_as_much_as_rows(full: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = 0
    fetch = sqlite._Read._fetch

    def counting(self: Any, *arguments: Any) -> Any:
        nonlocal counted
        counted += 1
        return fetch(self, *arguments)

    monkeypatch.setattr(sqlite._Read, "_fetch", counting)

    async def cost(command: type[Command], pagesize: int) -> tuple[int, int]:
        nonlocal counted
        counted = 0
        listall = {"listall": True} if "listall" in {param.name for param in command.params.values()} else {}
        more = {**listall, **MORE.get(command.name, {})}
        answer = await full.call(command.name, page=1, pagesize=pagesize, **more)
        rows = next((len(rows) for rows in answer.values() if isinstance(rows, list)), 0)
        return counted, rows

    several = set()
    for command in LISTS:
        await cost(command, 1)  # what is looked up once
        one, _ = await cost(command, 1)
        page, rows = await cost(command, 500)
        assert page <= one + 1 + KINDS.get(command.name, 0), (command.name, one, page, rows)
        if rows > 2:
            several.add(command.name)
    assert len(several) >= 19
    assert "listVirtualMachines" in several
    machines, rows = await cost(commands()["listvirtualmachines"], 500)
    assert (machines <= 8, rows) == (True, 6)
