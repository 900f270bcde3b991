"""Volumes grow and shrink and get other offerings, wherever they are; what is refused, and what a host may do wrong."""

from __future__ import annotations

from typing import Any

import aiohttp
import invariants
import pytest
from apiclient import Api
from disks import GIB, attach, detach, disk, look, new_offering, offering
from moves import hosts, pool, setting
from people import person, refused

from cloudsim.agents.simulator.faults import Rule
from cloudsim.server import Server


async def custom(api: Api, size: int = 2, **given: Any) -> dict[str, Any]:
    """A volume whose size can be chosen."""
    return await disk(api, diskofferingid=await offering(api, "Custom"), size=size, **given)


async def resized(api: Api, volume: dict[str, Any], size: int | None = None, **given: Any) -> dict[str, Any]:
    return dict((await api.job("resizeVolume", id=volume["id"], size=size, **given))["volume"])


async def root_of(api: Api, machine: dict[str, Any]) -> dict[str, Any]:
    (root,) = (await api.call("listVolumes", virtualmachineid=machine["id"], type="ROOT"))["volume"]
    return dict(root)


def real(server: Server, volume: dict[str, Any]) -> int:
    """GiB that a volume has in its pool."""
    return next(one.size for one in server.simulator.volumes() if one.uuid == volume["id"]) // GIB


@pytest.mark.parametrize("where", ["running", "stopped", "unattached", "nowhere"])
async def test_larger_and_smaller(server: Server, api: Api, where: str) -> None:
    volume = await custom(api)
    if where != "nowhere":
        machine = await api.deploy()
        await attach(api, volume, machine)
    if where == "stopped":
        await api.job("stopVirtualMachine", id=machine["id"])
    if where == "unattached":
        await detach(api, volume)
    found = await resized(api, volume, 5)
    assert (found["size"], found["state"]) == (5 * GIB, "Allocated" if where == "nowhere" else "Ready")
    await invariants.check(server)
    status, text = await refused(api, "resizeVolume", id=volume["id"], size=3)
    assert (status, "shrinkok" in text) == (431, True)
    assert (await resized(api, volume, 3, shrinkok=True))["size"] == 3 * GIB
    if where != "nowhere":
        assert real(server, volume) == 3
    if where == "running":
        (spec,) = [one for one in server.simulator.disks()[machine["id"]] if one["uuid"] == volume["id"]]
        assert spec["size"] == 3 * GIB
    await invariants.check(server)


async def test_the_root_disk_of_a_running_machine(server: Server, api: Api) -> None:
    machine = await api.deploy()
    root = await root_of(api, machine)
    assert (await resized(api, root, 9))["size"] == 9 * GIB
    assert real(server, root) == 9
    status, text = await refused(api, "resizeVolume", id=root["id"], size=1, shrinkok=True)
    assert (status, "template" in text) == (431, True)
    await invariants.check(server)


async def test_what_is_refused(api: Api, http: aiohttp.ClientSession) -> None:
    small, volume = await disk(api), await custom(api)
    for given in (
        {"id": volume["id"]},
        {"id": volume["id"], "size": 0},
        {"id": volume["id"], "size": 2},  # as it is
        {"id": volume["id"], "size": 1025},
        {"id": volume["id"], "maxiops": 5},
        {"id": small["id"], "size": 2**20},
        {"id": small["id"], "diskofferingid": await offering(api)},
        {"id": volume["id"], "diskofferingid": await offering(api, "Small"), "size": 7},
        {"id": volume["id"], "diskofferingid": (await new_offering(api, disksize=9, storagetype="local"))["id"]},
    ):
        assert (await refused(api, "resizeVolume", **given))[0] == 431, given
    await api.job("destroyVolume", id=volume["id"])
    assert (await refused(api, "resizeVolume", id=volume["id"], size=7))[0] == 431
    stranger = await person(api, http, "stranger")
    assert (await refused(stranger, "resizeVolume", id=small["id"], size=7))[0] == 431


async def test_while_the_machine_has_snapshots_its_disks_keep_their_size(api: Api) -> None:
    machine, volume = await api.deploy(), await custom(api)
    await attach(api, volume, machine)
    await api.job("createVMSnapshot", virtualmachineid=machine["id"])
    assert (await refused(api, "resizeVolume", id=volume["id"], size=7))[0] == 431


async def test_limits_of_storage(server: Server, api: Api, http: aiohttp.ClientSession) -> None:
    user = await person(api, http, "someone")
    volume = await custom(user)
    who = {"account": "someone", "domainid": (await api.call("listDomains", name="ROOT"))["domain"][0]["id"]}
    await api.call("updateResourceLimit", resourcetype=10, max=5, **who)
    assert (await refused(user, "resizeVolume", id=volume["id"], size=6))[0] == 535
    assert (await resized(user, volume, 5))["size"] == 5 * GIB
    await invariants.check(server)


async def test_room_in_the_pool(server: Server, api: Api) -> None:
    near, *_ = await hosts(api)
    await setting(api, "storage.overprovisioning.factor", 1)
    machine = await api.deploy(hostid=near["id"])
    await pool(api, "little", near, tags="little", capacitybytes=10 * GIB)
    tagged = await new_offering(api, customized=True, tags="little")
    volume = await disk(api, diskofferingid=tagged["id"], size=2)
    await attach(api, volume, machine)
    assert (await refused(api, "resizeVolume", id=volume["id"], size=11))[0] == 533
    status, text = await refused(api, "resizeVolume", id=volume["id"], size=9)
    assert (status, "85%" in text) == (533, True)
    await setting(api, "volume.resize.allowed.beyond.allocation", True)
    assert (await resized(api, volume, 9))["size"] == 9 * GIB
    assert (await refused(api, "resizeVolume", id=volume["id"], size=10))[0] == 533
    await invariants.check(server)


async def test_another_offering(server: Server, api: Api) -> None:
    machine, volume = await api.deploy(), await disk(api)
    await attach(api, volume, machine)
    large = await new_offering(api, disksize=8, miniops=10, maxiops=20)
    found = (await api.job("changeOfferingForVolume", id=volume["id"], diskofferingid=large["id"]))["volume"]
    assert (found["diskofferingid"], found["size"], found["miniops"], found["maxiops"]) == (
        large["id"],
        8 * GIB,
        10,
        20,
    )
    open_ = await new_offering(api, customized=True, customizediops=True)
    given = {"id": volume["id"], "diskofferingid": open_["id"], "size": 6, "miniops": 1, "maxiops": 2}
    assert (await refused(api, "changeOfferingForVolume", **given))[0] == 431
    found = (await api.job("changeOfferingForVolume", **given, shrinkok=True))["volume"]
    assert (found["size"], found["maxiops"]) == (6 * GIB, 2)
    found = await resized(api, volume, maxiops=9, miniops=3)
    assert (found["size"], found["miniops"], found["maxiops"]) == (6 * GIB, 3, 9)
    assert (await refused(api, "changeOfferingForVolume", id=volume["id"]))[0] == 431
    events = await api.call("listEvents", type="VOLUME.CHANGE.DISK.OFFERING", state="Completed", level="INFO")
    assert events["count"] == 2
    await invariants.check(server)


@pytest.mark.parametrize("runs", [True, False])
async def test_an_offering_that_asks_for_other_storage(server: Server, api: Api, runs: bool) -> None:
    near, *_ = await hosts(api)
    machine, volume = await api.deploy(hostid=near["id"]), await disk(api)
    await attach(api, volume, machine)
    server.simulator.content(volume["id"], "kept")
    if not runs:
        await api.job("stopVirtualMachine", id=machine["id"])
    fast = await new_offering(api, disksize=7, tags="fast")
    given = {"id": volume["id"], "diskofferingid": fast["id"]}
    assert (await refused(api, "changeOfferingForVolume", **given))[0] == 431
    assert (await refused(api, "changeOfferingForVolume", **given, automigrate=True))[0] == 533
    there = await pool(api, "fast", near, tags="fast")
    found = (await api.job("changeOfferingForVolume", **given, automigrate=True))["volume"]
    assert (found["storageid"], found["size"], found["diskofferingid"]) == (there, 7 * GIB, fast["id"])
    assert server.simulator.content(volume["id"]) == "kept"
    await invariants.check(server)


async def test_a_host_that_refuses_leaves_it_as_it_was(server: Server, api: Api) -> None:
    machine, volume = await api.deploy(), await custom(api)
    await attach(api, volume, machine)
    for size in (5, 1):
        server.simulator.add_rule(Rule("ResizeVolumeCommand", "fail", count=1))
        assert (await refused(api, "resizeVolume", id=volume["id"], size=size, shrinkok=True))[0] == 530
        assert (await look(api, volume))["size"] == 2 * GIB
        await invariants.check(server)
    assert (await resized(api, volume, 5))["size"] == 5 * GIB


@pytest.mark.parametrize("size", [5, 1])
async def test_what_a_silent_host_may_have_done_is_made_true(server: Server, api: Api, size: int) -> None:
    machine, volume = await api.deploy(), await custom(api)
    await attach(api, volume, machine)
    server.simulator.add_rule(Rule("ResizeVolumeCommand", "lose"))
    assert (await refused(api, "resizeVolume", id=volume["id"], size=size, shrinkok=True))[0] == 530
    server.simulator.clear()
    largest = max(size, 2)
    assert ((await look(api, volume))["size"], real(server, volume)) == (largest * GIB, size)
    assert (await refused(api, "resizeVolume", id=volume["id"], size=8))[0] == 534
    await server.periodic.run_now("volume-doubts")
    await invariants.check(server)
    assert real(server, volume) == largest
    await resized(api, volume, 8)


async def service(api: Api, name: str, size: int, **given: Any) -> dict[str, Any]:
    """A service offering with a root disk of so many GiB."""
    made = await api.call(
        "createServiceOffering", name=name, displaytext=name, cpunumber=1, cpuspeed=500, memory=512, rootdisksize=size,
        **given,
    )  # fmt: skip
    return dict(made["serviceoffering"])


async def test_the_root_disk_follows_the_service_offering(server: Server, api: Api) -> None:
    await setting(api, "allow.diskoffering.change.during.scale.vm", True)
    small, big = await service(api, "small", 4), await service(api, "big", 9)
    machine = await api.deploy(serviceofferingid=small["id"])
    await api.job("stopVirtualMachine", id=machine["id"])
    await api.job("scaleVirtualMachine", id=machine["id"], serviceofferingid=big["id"])
    root = await root_of(api, machine)
    assert (root["size"], real(server, root)) == (9 * GIB, 9)
    status, text = await refused(api, "scaleVirtualMachine", id=machine["id"], serviceofferingid=small["id"])
    assert (status, "shrinkok" in text) == (431, True)
    given = {"id": machine["id"], "serviceofferingid": small["id"]}
    server.simulator.add_rule(Rule("ResizeVolumeCommand", "fail", count=1))
    assert (await refused(api, "scaleVirtualMachine", **given, shrinkok=True))[0] == 530
    (found,) = (await api.call("listVirtualMachines", id=machine["id"]))["virtualmachine"]
    assert (found["serviceofferingid"], (await root_of(api, machine))["size"]) == (big["id"], 9 * GIB)
    await invariants.check(server)
    await api.call("changeServiceForVirtualMachine", id=machine["id"], serviceofferingid=small["id"], shrinkok=True)
    await invariants.check(server)
    assert real(server, root) == 4
    await api.job("startVirtualMachine", id=machine["id"])
    await invariants.check(server)


async def test_larger_than_its_offering_says_where_the_offering_is_not_strict(server: Server, api: Api) -> None:
    volume = await disk(api)
    assert (await resized(api, volume, 20))["size"] == 20 * GIB
    strict = (await new_offering(api, disksize=2, disksizestrictness=True))["id"]
    volume = await disk(api, diskofferingid=strict)
    assert (await refused(api, "resizeVolume", id=volume["id"], size=20))[0] == 431
    await invariants.check(server)
