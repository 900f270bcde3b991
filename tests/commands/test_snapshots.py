"""Snapshots of volumes: made, listed, gone back to, copied, deleted, and what is refused."""

from __future__ import annotations

from typing import Any

import invariants
from apiclient import Api

from cloudsim.server import Server


async def disk_of(api: Api, machine: dict[str, Any], type_: str = "ROOT") -> dict[str, Any]:
    (found,) = (await api.call("listVolumes", virtualmachineid=machine["id"], type=type_, listall=True))["volume"]
    return found


async def snapshot(api: Api, disk: dict[str, Any], **given: Any) -> dict[str, Any]:
    return (await api.job("createSnapshot", volumeid=disk["id"], **given))["snapshot"]


async def listed(api: Api, **given: Any) -> list[dict[str, Any]]:
    return (await api.call("listSnapshots", **given)).get("snapshot", [])


async def test_of_a_running_machine_and_back(server: Server, api: Api) -> None:
    machine = await api.deploy()
    disk = await disk_of(api, machine)
    server.simulator.content(disk["id"], "then")
    made = await snapshot(api, disk)
    assert (made["state"], made["intervaltype"], made["snapshottype"]) == ("BackedUp", "MANUAL", "MANUAL")
    assert (made["locationtype"], made["virtualsize"]) == ("SECONDARY", disk["size"])
    assert made["name"].startswith(f"{machine['name']}_{disk['name']}_2")
    assert [one["id"] for one in await listed(api)] == [made["id"]]
    server.simulator.content(disk["id"], "now")
    await api.job("stopVirtualMachine", id=machine["id"])
    await api.job("revertSnapshot", id=made["id"])
    assert server.simulator.content(disk["id"]) == "then"
    await invariants.check(server)
    await api.job("deleteSnapshot", id=made["id"])
    assert await listed(api) == []
    assert server.simulator.disk_snapshots() == []
    await invariants.check(server)
