"""Volumes are attached to machines that run or are stopped, and detached; what is refused, and what a host may do wrong."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import invariants
import pytest
from apiclient import Api, Refused
from disks import GIB, attach, detach, disk, look, new_offering, offering, on_host
from moves import hosts, pool
from people import person, refused

from cloudsim.agents.simulator.faults import Rule
from cloudsim.db import schema
from cloudsim.server import Server


async def test_a_running_machine_gets_a_volume_and_gives_it_back(server: Server, api: Api) -> None:
    machine, volume = await api.deploy(), await disk(api)
    assert (volume["state"], volume.get("storageid"), volume["hypervisor"]) == ("Allocated", None, "None")
    found = await attach(api, volume, machine)
    assert (found["state"], found["deviceid"], found["virtualmachineid"]) == ("Ready", 1, machine["id"])
    assert {"storageid", "path", "attached"} <= set(found)
    assert on_host(server, machine)[volume["id"]] == 1
    await invariants.check(server)
    server.simulator.content(volume["id"], "mine")
    found = await detach(api, volume)
    assert found["state"] == "Ready"
    assert found.keys() & {"deviceid", "virtualmachineid", "attached"} == set()
    assert volume["id"] not in on_host(server, machine)
    # the next machine finds what the first has left
    other = await api.deploy()
    await attach(api, volume, other)
    assert server.simulator.content(volume["id"]) == "mine"
    await invariants.check(server)


async def test_a_stopped_machine_has_it_at_its_next_start(server: Server, api: Api) -> None:
    machine, volume = await api.deploy(), await disk(api)
    await api.job("stopVirtualMachine", id=machine["id"])
    found = await attach(api, volume, machine)
    assert (found["state"], found["vmstate"]) == ("Ready", "Stopped")
    await api.job("startVirtualMachine", id=machine["id"])
    assert on_host(server, machine)[volume["id"]] == 1
    await api.job("stopVirtualMachine", id=machine["id"])
    await detach(api, volume)
    await api.job("startVirtualMachine", id=machine["id"])
    assert volume["id"] not in on_host(server, machine)
    await invariants.check(server)


async def test_with_a_machine_that_never_ran_it_comes_into_being(server: Server, api: Api) -> None:
    machine, volume = await api.deploy(startvm=False), await disk(api)
    found = await attach(api, volume, machine)
    assert (found["state"], found.get("storageid")) == ("Allocated", None)
    assert "attached" in found
    await api.job("startVirtualMachine", id=machine["id"])
    assert (await look(api, volume))["state"] == "Ready"
    assert on_host(server, machine)[volume["id"]] == 1
    await invariants.check(server)


async def test_each_disk_has_its_own_number(server: Server, api: Api) -> None:
    machine = await api.deploy()
    volumes = [await disk(api) for _ in range(5)]
    numbers = [(await attach(api, one, machine))["deviceid"] for one in volumes[:3]]
    assert numbers == [1, 2, 4]  # the CD-ROM drive is number 3
    assert (await attach(api, volumes[3], machine, deviceid=6))["deviceid"] == 6
    for number in (0, 3, 6, 8, -1):
        assert (await refused(api, "attachVolume", id=volumes[4]["id"], virtualmachineid=machine["id"],
                              deviceid=number))[0] == 431  # fmt: skip
    made = await api.job("detachVolume", virtualmachineid=machine["id"], deviceid=2)
    assert made["volume"]["id"] == volumes[1]["id"]
    assert (await attach(api, volumes[4], machine))["deviceid"] == 2
    for given in ({"virtualmachineid": machine["id"], "deviceid": 5}, {"virtualmachineid": machine["id"]}, {},
                  {"id": volumes[0]["id"], "deviceid": 1}):  # fmt: skip
        assert (await refused(api, "detachVolume", **given))[0] == 431
    await invariants.check(server)


async def test_no_more_disks_than_the_hypervisor_takes(api: Api) -> None:
    machine = await api.deploy(startvm=False)
    for _ in range(6):
        await attach(api, await disk(api), machine)
    status, text = await refused(api, "attachVolume", id=(await disk(api))["id"], virtualmachineid=machine["id"])
    assert (status, "6 data disks" in text) == (431, True)
    (entry,) = (await api.call("listHypervisorCapabilities", hypervisor="Simulator"))["hypervisorCapabilities"]
    await api.call("updateHypervisorCapabilities", id=entry["id"], maxdatavolumeslimit=7)
    await attach(api, await disk(api), machine)


async def test_the_root_disk_goes_and_comes_while_the_machine_is_stopped(server: Server, api: Api) -> None:
    machine = await api.deploy()
    (root,) = (await api.call("listVolumes", virtualmachineid=machine["id"]))["volume"]
    assert (await refused(api, "detachVolume", id=root["id"]))[0] == 431
    await api.job("stopVirtualMachine", id=machine["id"])
    assert (await detach(api, root))["type"] == "DATADISK"
    fresh = await disk(api)
    assert (await refused(api, "attachVolume", id=fresh["id"], virtualmachineid=machine["id"], deviceid=0))[0] == 431
    found = await attach(api, root, machine, deviceid=0)
    assert (found["type"], found["deviceid"]) == ("ROOT", 0)
    given = {"id": fresh["id"], "virtualmachineid": machine["id"], "deviceid": 0}
    assert "already" in (await refused(api, "attachVolume", **given))[1]
    await api.job("startVirtualMachine", id=machine["id"])
    await invariants.check(server)


async def test_a_volume_out_of_reach_is_moved_first(server: Server, api: Api) -> None:
    near, _, far, _ = await hosts(api)
    given = {"tags": "far"}
    there = await pool(api, "far", far, **given)
    tagged = await new_offering(api, disksize=1, tags="far")
    first = await api.deploy(hostid=far["id"])
    volume = await disk(api, diskofferingid=tagged["id"])
    assert (await attach(api, volume, first))["storageid"] == there
    server.simulator.content(volume["id"], "kept")
    await detach(api, volume)
    second = await api.deploy(hostid=near["id"])
    status, text = await refused(api, "attachVolume", id=volume["id"], virtualmachineid=second["id"])
    assert (status, "far" in text) == (533, True)
    close = await pool(api, "near", near, **given)
    await api.call("updateConfiguration", name="enable.storage.migration", value=False)
    assert (await refused(api, "attachVolume", id=volume["id"], virtualmachineid=second["id"]))[0] == 431
    await api.call("updateConfiguration", name="enable.storage.migration", value=True)
    found = await attach(api, volume, second)
    assert (found["storageid"], found["state"]) == (close, "Ready")
    assert server.simulator.content(volume["id"]) == "kept"
    await invariants.check(server)


async def test_no_volume_moves_away_from_local_storage(server: Server, api: Api) -> None:
    machine, volume = await api.deploy(), await disk(api)
    await attach(api, volume, machine)
    found = await detach(api, volume)
    (cluster, *_) = (await hosts(api))[3:]
    (row_id,) = (await invariants.rows(server, f"SELECT id FROM cluster WHERE uuid = '{cluster['clusterid']}'"))[0]
    await server.db.write(lambda tx: tx.update(
        schema.storage_pool, {"uuid": found["storageid"]}, scope="HOST", cluster_id=row_id
    ))  # fmt: skip
    first = (await hosts(api))[0]
    if machine["hostid"] not in [host["id"] for host in (await hosts(api))[:2]]:
        machine = await api.deploy(hostid=first["id"])
    assert (await refused(api, "attachVolume", id=volume["id"], virtualmachineid=machine["id"]))[0] == 431


async def test_what_is_refused(server: Server, api: Api, http: aiohttp.ClientSession) -> None:
    machine, volume = await api.deploy(), await disk(api)
    owner = await person(api, http, "owner")
    its = await disk(owner)
    assert (await refused(api, "attachVolume", id=its["id"], virtualmachineid=machine["id"]))[0] == 531
    assert (await refused(owner, "attachVolume", id=volume["id"], virtualmachineid=machine["id"]))[0] == 431
    assert (await refused(api, "detachVolume", id=volume["id"]))[0] == 431
    await attach(api, volume, machine)
    status, text = await refused(api, "attachVolume", id=volume["id"], virtualmachineid=machine["id"])
    assert (status, "already" in text) == (431, True)
    other = await disk(api)
    await api.job("destroyVolume", id=other["id"])
    assert (await refused(api, "attachVolume", id=other["id"], virtualmachineid=machine["id"]))[0] == 431
    gone = await api.deploy()
    await api.job("destroyVirtualMachine", id=gone["id"])
    assert (await refused(api, "attachVolume", id=(await disk(api))["id"], virtualmachineid=gone["id"]))[0] == 431
    zone = {"dns1": "10.0.0.1", "internaldns1": "10.0.0.1", "networktype": "Advanced", "name": "elsewhere"}
    far = await disk(api, zoneid=(await api.call("createZone", **zone))["zone"]["id"])
    status, text = await refused(api, "attachVolume", id=far["id"], virtualmachineid=machine["id"])
    assert (status, "another zone" in text) == (431, True)
    await invariants.check(server)


async def test_while_the_machine_has_snapshots_its_disks_stay(api: Api) -> None:
    machine, volume, other = await api.deploy(), await disk(api), await disk(api)
    await attach(api, volume, machine)
    made = await api.job("createVMSnapshot", virtualmachineid=machine["id"])
    for command, given in (
        ("attachVolume", {"id": other["id"], "virtualmachineid": machine["id"]}),
        ("detachVolume", {"id": volume["id"]}),
    ):
        status, text = await refused(api, command, **given)
        assert (status, "snapshots" in text) == (431, True)
    await api.job("deleteVMSnapshot", vmsnapshotid=made["vmsnapshot"]["id"])
    await attach(api, other, machine)
    await detach(api, volume)


async def test_200_callers_one_volume(server: Server, api: Api) -> None:
    volume = await disk(api)
    machines = [await api.deploy() for _ in range(4)]

    async def one(number: int) -> int:
        try:
            await api.job("attachVolume", id=volume["id"], virtualmachineid=machines[number % 4]["id"])
        except Refused as error:
            return error.status
        return 200

    found = await asyncio.gather(*(one(number) for number in range(200)))
    assert sorted(found) == [200] + [431] * 199
    await invariants.check(server)


@pytest.mark.parametrize("command", ["CreateObjectCommand", "AttachCommand"])
async def test_a_host_that_refuses_leaves_the_volume_free(server: Server, api: Api, command: str) -> None:
    machine, volume = await api.deploy(), await disk(api)
    server.simulator.add_rule(Rule(command, "fail", count=1))
    assert (await refused(api, "attachVolume", id=volume["id"], virtualmachineid=machine["id"]))[0] == 530
    assert (await look(api, volume)).get("virtualmachineid") is None
    await invariants.check(server)
    await attach(api, volume, machine)
    server.simulator.add_rule(Rule("DettachCommand", "fail", count=1))
    assert (await refused(api, "detachVolume", id=volume["id"]))[0] == 530
    assert (await look(api, volume))["virtualmachineid"] == machine["id"]
    await invariants.check(server)


async def test_what_a_silent_host_may_have_done_is_put_right(server: Server, api: Api) -> None:
    """The answers are lost: the volume may be with the machine though it is listed as free, and the other way round."""
    machine, other, volume = await api.deploy(), await api.deploy(), await disk(api)
    server.simulator.add_rule(Rule("AttachCommand", "lose"))
    assert (await refused(api, "attachVolume", id=volume["id"], virtualmachineid=machine["id"]))[0] == 530
    server.simulator.clear()
    assert volume["id"] in on_host(server, machine)
    for command, given in (
        ("attachVolume", {"virtualmachineid": other["id"]}), ("deleteVolume", {}), ("destroyVolume", {}),
    ):  # fmt: skip
        status, text = await refused(api, command, id=volume["id"], **given)
        assert (status, "may still have" in text) == (534, True)
    await server.periodic.run_now("volume-doubts")
    await invariants.rest(server)
    assert volume["id"] not in on_host(server, machine)
    await invariants.check(server)
    await attach(api, volume, other)
    server.simulator.add_rule(Rule("DettachCommand", "lose"))
    assert (await refused(api, "detachVolume", id=volume["id"]))[0] == 530
    server.simulator.clear()
    assert volume["id"] not in on_host(server, other)
    await server.periodic.run_now("volume-doubts")
    await invariants.rest(server)
    assert volume["id"] in on_host(server, other)
    await invariants.check(server)


async def test_created_and_attached_at_once(server: Server, api: Api) -> None:
    machine = await api.deploy()
    made = await disk(api, virtualmachineid=machine["id"])
    assert (made["state"], made["virtualmachineid"], made["deviceid"]) == ("Ready", machine["id"], 1)
    assert on_host(server, machine)[made["id"]] == 1
    server.simulator.add_rule(Rule("AttachCommand", "fail", count=1))
    given = {"virtualmachineid": machine["id"], "diskofferingid": await offering(api), "name": "unwanted"}
    assert (await refused(api, "createVolume", **given))[0] == 530
    (left,) = (await api.call("listVolumes", name="unwanted"))["volume"]
    assert left["state"] == "Destroy"
    server.simulator.add_rule(Rule("CreateObjectCommand", "fail", count=1))
    assert (await refused(api, "createVolume", **{**given, "name": "nowhere"}))[0] == 530
    assert await api.call("listVolumes", name="nowhere") == {}
    await invariants.check(server)


async def test_nothing_is_taken_twice_from_a_pool(server: Server, api: Api) -> None:
    """Volumes that fight for the last gigabytes of the only pool that will do: as many are placed as there is room for."""
    near, *_ = await hosts(api)
    machine = await api.deploy(hostid=near["id"])
    await pool(api, "little", near, tags="little", capacitybytes=11 * GIB)
    await api.call("updateConfiguration", name="storage.overprovisioning.factor", value=1)
    tagged = await new_offering(api, disksize=3, tags="little")
    volumes = [await disk(api, diskofferingid=tagged["id"]) for _ in range(5)]
    found: list[Any] = await asyncio.gather(*(attach(api, one, machine) for one in volumes), return_exceptions=True)
    assert sorted(one.status if isinstance(one, Refused) else 200 for one in found) == [200, 200, 200, 533, 533]
    await invariants.check(server)
