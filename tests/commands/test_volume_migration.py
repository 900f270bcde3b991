"""Volumes move to other storage: which pools will do, while the machine runs or not, and what a host may do wrong."""

from __future__ import annotations

from typing import Any

import aiohttp
import invariants
import pytest
from apiclient import Api
from disks import attach, detach, disk, look, new_offering
from moves import hosts, pool, setting
from people import person, refused

from cloudsim.agents.simulator.faults import Rule
from cloudsim.server import Server


async def ready(api: Api, machine: dict[str, Any], **given: Any) -> dict[str, Any]:
    """A volume of a machine."""
    return await attach(api, await disk(api, **given), machine)


async def moved(api: Api, volume: dict[str, Any], where: str, **given: Any) -> dict[str, Any]:
    made = await api.job("migrateVolume", volumeid=volume["id"], storageid=where, **given)
    return dict(made["volume"])


async def pools(api: Api, volume: dict[str, Any], **given: Any) -> dict[str, bool]:
    found = await api.call("findStoragePoolsForMigration", id=volume["id"], **given)
    return {row["name"]: row["suitableformigration"] for row in found.get("storagepool", [])}


async def motion(api: Api, on: bool = True) -> None:
    (entry,) = (await api.call("listHypervisorCapabilities", hypervisor="Simulator"))["hypervisorCapabilities"]
    await api.call("updateHypervisorCapabilities", id=entry["id"], storagemotionenabled=on)


@pytest.mark.parametrize("where", ["running", "stopped", "unattached"])
async def test_to_another_pool(server: Server, api: Api, where: str) -> None:
    near, *_ = await hosts(api)
    machine = await api.deploy(hostid=near["id"])
    volume = await ready(api, machine)
    server.simulator.content(volume["id"], "kept")
    goal = await pool(api, "goal", near)
    given = {}
    if where == "running":
        status, text = await refused(api, "migrateVolume", volumeid=volume["id"], storageid=goal)
        assert (status, "livemigrate" in text) == (431, True)
        given["livemigrate"] = True
        await motion(api)
    elif where == "stopped":
        await api.job("stopVirtualMachine", id=machine["id"])
    else:
        await detach(api, volume)
    found = await moved(api, volume, goal, **given)
    assert (found["storageid"], found["state"]) == (goal, "Ready")
    assert server.simulator.content(volume["id"]) == "kept"
    await invariants.check(server)
    assert (await refused(api, "migrateVolume", volumeid=volume["id"], storageid=goal, **given))[0] == 431


async def test_the_root_disk_of_a_stopped_machine(server: Server, api: Api) -> None:
    near, *_ = await hosts(api)
    machine = await api.deploy(hostid=near["id"])
    await api.job("stopVirtualMachine", id=machine["id"])
    (root,) = (await api.call("listVolumes", virtualmachineid=machine["id"]))["volume"]
    goal = await pool(api, "goal", near)
    assert (await moved(api, root, goal))["storageid"] == goal
    await api.job("startVirtualMachine", id=machine["id"])
    await invariants.check(server)


async def test_which_pools_will_do(api: Api) -> None:
    near, _, far, _ = await hosts(api)
    machine = await api.deploy(hostid=near["id"])
    tagged = await new_offering(api, disksize=1, tags="fast")
    await pool(api, "first", near, tags="fast")
    volume = await ready(api, machine, diskofferingid=tagged["id"])
    await pool(api, "second", near, tags="fast")
    await pool(api, "slow", near)
    away = await pool(api, "away", far, tags="fast")
    await motion(api, on=False)
    assert await pools(api, volume) == {}
    await motion(api)
    found = await pools(api, volume)
    assert {name: found.get(name) for name in ("first", "second", "slow", "away")} == {
        "first": None, "second": True, "slow": False, "away": False,
    }  # fmt: skip
    assert next(iter(found)) == "second"
    assert await pools(api, volume, keyword="slow") == {"slow": False}
    assert (await api.call("findStoragePoolsForMigration", id=volume["id"], page=1, pagesize=1))["count"] == len(found)
    assert (await refused(api, "migrateVolume", volumeid=volume["id"], storageid=away, livemigrate=True))[0] == 431
    await detach(api, volume)
    assert (await pools(api, volume))["away"]
    await moved(api, volume, away)


async def test_with_another_offering(server: Server, api: Api) -> None:
    near, *_ = await hosts(api)
    machine = await api.deploy(hostid=near["id"])
    volume = await ready(api, machine)
    await detach(api, volume)
    goal = await pool(api, "fast", near, tags="fast")
    fast = await new_offering(api, disksize=5, tags="fast")
    larger = await new_offering(api, disksize=6, tags="fast")
    other = await new_offering(api, disksize=5, tags="slow")
    for one in (larger, other):
        given = {"volumeid": volume["id"], "storageid": goal, "newdiskofferingid": one["id"]}
        assert (await refused(api, "migrateVolume", **given))[0] == 431
    found = await moved(api, volume, goal, newdiskofferingid=fast["id"])
    assert (found["storageid"], found["diskofferingid"]) == (goal, fast["id"])
    await invariants.check(server)


async def test_what_is_refused(server: Server, api: Api, http: aiohttp.ClientSession) -> None:
    near, *_ = await hosts(api)
    machine, goal = await api.deploy(hostid=near["id"]), await pool(api, "goal", near)
    fresh = await disk(api)
    assert (await refused(api, "migrateVolume", volumeid=fresh["id"], storageid=goal))[0] == 431
    assert (await refused(api, "findStoragePoolsForMigration", id=fresh["id"]))[0] == 431
    volume = await attach(api, fresh, machine)
    await motion(api, on=False)
    given = {"volumeid": volume["id"], "storageid": goal}
    assert "storagemotionenabled" in (await refused(api, "migrateVolume", **given, livemigrate=True))[1]
    await api.job("stopVirtualMachine", id=machine["id"])
    await setting(api, "enable.storage.migration", False)
    assert (await refused(api, "migrateVolume", **given))[0] == 431
    await setting(api, "enable.storage.migration", True)
    await api.job("createVMSnapshot", virtualmachineid=machine["id"])
    assert "snapshots" in (await refused(api, "migrateVolume", **given))[1]
    user = await person(api, http, "someone")
    assert (await refused(user, "migrateVolume", **given))[0] == 432
    await invariants.check(server)


async def test_a_host_that_refuses_or_is_silent(server: Server, api: Api) -> None:
    near, *_ = await hosts(api)
    machine = await api.deploy(hostid=near["id"])
    volume = await ready(api, machine)
    goal, home = await pool(api, "goal", near), volume["storageid"]
    await detach(api, volume)
    server.simulator.add_rule(Rule("MigrateVolumeCommand", "fail", count=1))
    assert (await refused(api, "migrateVolume", volumeid=volume["id"], storageid=goal))[0] == 530
    assert (await look(api, volume))["storageid"] == home
    await invariants.check(server)
    server.simulator.add_rule(Rule("MigrateVolumeCommand", "lose"))
    assert (await refused(api, "migrateVolume", volumeid=volume["id"], storageid=goal))[0] == 530
    server.simulator.clear()
    for command, given in (
        ("attachVolume", {"virtualmachineid": machine["id"]}), ("deleteVolume", {}), ("resizeVolume", {"size": 9}),
    ):  # fmt: skip
        assert (await refused(api, command, id=volume["id"], **given))[0] == 534
    await server.periodic.run_now("volume-doubts")
    await invariants.check(server)
    assert (await look(api, volume))["storageid"] == home
    await moved(api, volume, goal)
    await invariants.check(server)
