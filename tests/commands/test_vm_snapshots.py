"""Snapshots of virtual machines: disks and memory, chains, going back, what is refused while there are any."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import invariants
import pytest
from apiclient import Api, Refused
from people import person, refused

from cloudsim.agents.simulator.faults import Rule
from cloudsim.db import schema
from cloudsim.server import Server


async def snapshot(api: Api, machine: dict[str, Any], **given: Any) -> dict[str, Any]:
    made = await api.job("createVMSnapshot", virtualmachineid=machine["id"], **given)
    return made["vmsnapshot"]


async def chain(api: Api, machine: dict[str, Any]) -> dict[str, tuple[str | None, bool]]:
    """Name to the name of the parent, and whether it is the current one."""
    found = (await api.call("listVMSnapshot", virtualmachineid=machine["id"])).get("vmSnapshot", [])
    return {row["displayname"]: (row.get("parentName"), row["current"]) for row in found}


async def root(api: Api, machine: dict[str, Any]) -> str:
    (volume,) = (await api.call("listVolumes", virtualmachineid=machine["id"], type="ROOT"))["volume"]
    return str(volume["id"])


async def test_disks_and_the_memory_of_a_running_machine(server: Server, api: Api) -> None:
    machine = await api.deploy()
    disk = await root(api, machine)
    server.simulator.content(disk, "written before")
    server.simulator.content(machine["id"], "editor open")
    made = await snapshot(api, machine, snapshotmemory=True, name="one", description="d", quiescevm=True)
    assert (made["type"], made["state"], made["current"]) == ("DiskAndMemory", "Ready", True)
    assert made["name"].startswith(f"{machine['instancename']}_VS_")
    server.simulator.content(disk, "written after")
    server.simulator.content(machine["id"], "editor closed")
    back = (await api.job("revertToVMSnapshot", vmsnapshotid=made["id"]))["virtualmachine"]
    assert (back["state"], back["hostid"]) == ("Running", machine["hostid"])
    assert server.simulator.content(disk) == "written before"
    assert server.simulator.content(machine["id"]) == "editor open"
    await invariants.check(server)


async def test_a_stopped_machine_goes_back_to_a_snapshot_of_its_disks(server: Server, api: Api) -> None:
    machine = await api.deploy()
    disk = await root(api, machine)
    server.simulator.content(disk, "then")
    made = await snapshot(api, machine)
    assert made["type"] == "Disk"
    server.simulator.content(disk, "now")
    status, text = await refused(api, "revertToVMSnapshot", vmsnapshotid=made["id"])
    assert status == 431
    assert "stopped" in text
    await api.job("stopVirtualMachine", id=machine["id"])
    back = (await api.job("revertToVMSnapshot", vmsnapshotid=made["id"]))["virtualmachine"]
    assert back["state"] == "Stopped"
    assert server.simulator.content(disk) == "then"


async def test_memory_needs_a_machine_that_runs(api: Api) -> None:
    machine = await api.deploy()
    made = await snapshot(api, machine, snapshotmemory=True)
    await api.job("stopVirtualMachine", id=machine["id"])
    assert (await refused(api, "createVMSnapshot", virtualmachineid=machine["id"], snapshotmemory=True))[0] == 431
    assert (await refused(api, "revertToVMSnapshot", vmsnapshotid=made["id"]))[0] == 431
    fresh = await api.deploy(startvm=False)
    assert (await refused(api, "createVMSnapshot", virtualmachineid=fresh["id"]))[0] == 431


async def test_each_follows_the_current_one_and_deleting_keeps_the_chain(server: Server, api: Api) -> None:
    machine = await api.deploy()
    one, two, three = [await snapshot(api, machine, name=name) for name in ("one", "two", "three")]
    assert await chain(api, machine) == {"one": (None, False), "two": ("one", False), "three": ("two", True)}
    await api.job("deleteVMSnapshot", vmsnapshotid=two["id"])
    assert await chain(api, machine) == {"one": (None, False), "three": ("one", True)}
    await api.job("deleteVMSnapshot", vmsnapshotid=three["id"])
    assert await chain(api, machine) == {"one": (None, True)}
    assert {found.name for found in server.simulator.snapshots()} == {one["name"]}
    # what follows after going back follows the one gone back to
    await snapshot(api, machine, name="four")
    await api.job("stopVirtualMachine", id=machine["id"])
    await api.job("revertToVMSnapshot", vmsnapshotid=one["id"])
    await snapshot(api, machine, name="five")
    assert await chain(api, machine) == {"one": (None, False), "four": ("one", False), "five": ("one", True)}


async def test_no_more_than_vmsnapshot_max(api: Api) -> None:
    await api.call("updateConfiguration", name="vmsnapshot.max", value=2)
    machine = await api.deploy()
    for _ in range(2):
        await snapshot(api, machine)
    status, text = await refused(api, "createVMSnapshot", virtualmachineid=machine["id"])
    assert (status, "vmsnapshot.max" in text) == (530, True)
    assert len(await chain(api, machine)) == 2


async def test_outdated_ones_are_removed(server: Server, api: Api) -> None:
    machine = await api.deploy()
    await snapshot(api, machine, name="old")
    await snapshot(api, machine, name="new")
    await server.db.write(lambda tx: tx.update(schema.vm_snapshot, {"display_name": "old"}, created=0))
    await server.periodic.run_now("vmsnapshot-expire")
    assert len(await chain(api, machine)) == 2
    await api.call("updateConfiguration", name="vmsnapshot.expire.interval", value=24)
    await server.periodic.run_now("vmsnapshot-expire")
    await invariants.rest(server)
    assert await chain(api, machine) == {"new": (None, True)}


async def test_they_go_with_the_machine(server: Server, api: Api) -> None:
    machine = await api.deploy()
    await snapshot(api, machine)
    await api.job("destroyVirtualMachine", id=machine["id"], expunge=True)
    assert await api.call("listVMSnapshot", listall=True) == {}
    assert server.simulator.snapshots() == []
    assert await invariants.rows(server, "SELECT id FROM usage WHERE kind = 'vmsnapshot' AND ended IS NULL") == []


async def test_a_snapshot_that_fails_is_in_error_and_can_be_deleted(server: Server, api: Api) -> None:
    machine = await api.deploy()
    server.simulator.add_rule(Rule("CreateVMSnapshotCommand", "fail", count=1))
    with pytest.raises(Refused, match="Simulated failure"):
        await snapshot(api, machine, name="bad")
    (bad,) = (await api.call("listVMSnapshot", virtualmachineid=machine["id"]))["vmSnapshot"]
    assert (bad["state"], bad["current"]) == ("Error", False)
    assert (await refused(api, "revertToVMSnapshot", vmsnapshotid=bad["id"]))[0] == 431
    await snapshot(api, machine, name="good")
    await api.job("deleteVMSnapshot", vmsnapshotid=bad["id"])
    assert await chain(api, machine) == {"good": (None, True)}


async def test_one_after_the_other(api: Api) -> None:
    """While one is made no other is begun; what is asked for twice at once is done once."""
    machine = await api.deploy()
    answers = await asyncio.gather(
        *(api.raw("createVMSnapshot", virtualmachineid=machine["id"]) for _ in range(10)),
    )
    assert sorted({status for status, _ in answers}) in ([200, 530], [200])
    for _ in range(200):
        found = (await api.call("listVMSnapshot", virtualmachineid=machine["id"]))["vmSnapshot"]
        if {row["state"] for row in found} == {"Ready"}:
            break
        await asyncio.sleep(0.02)
    assert len(found) == sum(status == 200 for status, _ in answers)
    assert sum(row["current"] for row in found) == 1


async def test_whose_they_are(api: Api, http: aiohttp.ClientSession) -> None:
    owner, other = await person(api, http, "owner"), await person(api, http, "other")
    machine = await owner.deploy()
    made = await snapshot(owner, machine, name="mine")
    for command, given in (
        ("createVMSnapshot", {"virtualmachineid": machine["id"]}),
        ("revertToVMSnapshot", {"vmsnapshotid": made["id"]}),
        ("deleteVMSnapshot", {"vmsnapshotid": made["id"]}),
        ("listVMSnapshot", {"vmsnapshotid": made["id"]}),
    ):
        assert (await refused(other, command, **given))[0] == 431
    assert await other.call("listVMSnapshot", listall=True) == {}
    assert (await owner.call("listVMSnapshot", name="MINE"))["count"] == 1
    tag = {"tags[0].key": "a", "tags[0].value": "b"}
    await owner.job("createTags", resourceids=made["id"], resourcetype="VMSnapshot", **tag)
    (found,) = (await owner.call("listVMSnapshot", **tag))["vmSnapshot"]
    assert found["tags"][0]["key"] == "a"
