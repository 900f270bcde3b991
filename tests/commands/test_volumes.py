"""Volumes are made, listed, destroyed, recovered, deleted: by whom, within which limits."""

from __future__ import annotations

import uuid
from typing import Any

import aiohttp
import invariants
import pytest
from apiclient import Api, Refused
from disks import GIB, attach, detach, disk, look, new_offering, offering, zone
from people import account, domain, keyed, person, refused, role
from stores import register_iso, until

from cloudsim.agents.simulator.faults import Rule
from cloudsim.db import schema
from cloudsim.server import Server


async def made(api: Api, **given: Any) -> tuple[int, str]:
    """Status and text of a refused createVolume."""
    place = given.pop("zoneid", None) or await zone(api)
    return await refused(api, "createVolume", **{"name": "no", "zoneid": place, **given})


async def master(api: Api, http: aiohttp.ClientSession, name: str) -> Api:
    """A user whose role has every command: the default one cannot destroy and recover."""
    made = await role(api, f"role of {name}", "User", "*")
    return await person(api, http, name, roleid=made["id"])


async def listed(api: Api, **given: Any) -> list[str]:
    return [row["name"] for row in (await api.call("listVolumes", **given)).get("volume", [])]


async def test_a_volume_of_an_offering(server: Server, api: Api) -> None:
    volume = await disk(api, name="plain")
    assert (volume["size"], volume["type"], volume["state"]) == (5 * GIB, "DATADISK", "Allocated")
    assert (volume["provisioningtype"], volume["storagetype"], volume["isextractable"]) == ("thin", "shared", True)
    assert await listed(api, id=volume["id"]) == ["plain"]
    given = await disk(api, customid=(own := str(uuid.uuid4())), displayvolume=False)
    assert (given["id"], given["displayvolume"]) == (own, False)
    assert (await made(api, diskofferingid=await offering(api), customid=own))[0] == 431
    events = await api.call("listEvents", type="VOLUME.CREATE", state="Completed")
    assert events["count"] == 2
    await invariants.check(server)


async def test_a_size_of_ones_own(api: Api) -> None:
    custom = await offering(api, "Custom")
    assert (await disk(api, diskofferingid=custom, size=7))["size"] == 7 * GIB
    for given in ({}, {"size": 0}, {"size": -1}, {"size": 1025}, {"size": 2**40}):
        assert (await made(api, diskofferingid=custom, **given))[0] == 431
    assert (await made(api, diskofferingid=await offering(api), size=7))[0] == 431
    await api.call("updateConfiguration", name="custom.diskoffering.size.min", value=8)
    assert (await made(api, diskofferingid=custom, size=7))[0] == 431
    await api.call("updateConfiguration", name="storage.max.volume.size", value=10)
    assert "storage.max.volume.size" in (await made(api, diskofferingid=custom, size=11))[1]


async def test_operations_a_second_of_ones_own(api: Api) -> None:
    open_ = (await new_offering(api, disksize=1, customizediops=True))["id"]
    fixed = (await new_offering(api, disksize=1, miniops=10, maxiops=20))["id"]

    async def found(**given: Any) -> tuple[int, int]:
        row = await disk(api, **given)
        return row["miniops"], row["maxiops"]

    assert await found(diskofferingid=open_) == (0, 0)
    assert await found(diskofferingid=open_, miniops=5, maxiops=6) == (5, 6)
    assert await found(diskofferingid=open_, maxiops=6) == (6, 6)
    assert await found(diskofferingid=fixed) == (10, 20)
    for given in ({"miniops": 5}, {"miniops": 7, "maxiops": 6}, {"maxiops": -1}):
        assert (await made(api, diskofferingid=open_, **given))[0] == 431
    assert (await made(api, diskofferingid=fixed, maxiops=6))[0] == 431


async def test_what_is_refused(server: Server, api: Api, http: aiohttp.ClientSession) -> None:
    user = await person(api, http, "someone")
    small = await offering(api)
    assert (await made(api))[0] == 431
    assert (await refused(api, "createVolume", diskofferingid=small))[0] == 431
    assert (await made(api, diskofferingid=str(uuid.uuid4())))[0] == 431
    (compute,) = await invariants.rows(server, "SELECT uuid FROM disk_offering WHERE compute_only LIMIT 1")
    assert (await made(api, diskofferingid=compute[0]))[0] == 431
    off = await new_offering(api, disksize=1)
    await api.call("updateDiskOffering", id=off["id"], state="Inactive")
    assert (await made(api, diskofferingid=off["id"]))[0] == 431
    elsewhere = await domain(api, "elsewhere")
    closed = await new_offering(api, disksize=1, domainid=elsewhere["id"])
    assert (await made(user, diskofferingid=closed["id"]))[0] == 431
    who = {"account": "someone", "domainid": (await api.call("listDomains", name="ROOT"))["domain"][0]["id"]}
    assert (await made(api, diskofferingid=closed["id"], **who))[0] == 531
    local = await new_offering(api, disksize=1, storagetype="local")
    assert (await made(api, diskofferingid=local["id"]))[0] == 431
    place = await zone(api)
    await api.call("updateZone", id=place, allocationstate="Disabled")
    assert (await made(user, diskofferingid=small, zoneid=place))[0] == 531
    await disk(api)
    assert await listed(api, listall=True, name="no") == []


async def test_limits_of_number_and_of_storage(server: Server, api: Api, http: aiohttp.ClientSession) -> None:
    user = await master(api, http, "someone")
    who = {"account": "someone", "domainid": (await api.call("listDomains", name="ROOT"))["domain"][0]["id"]}
    await api.call("updateResourceLimit", resourcetype=2, max=2, **who)
    first, second = await disk(user), await disk(user)
    small = await offering(api)
    assert (await made(user, diskofferingid=small))[0] == 535
    assert (await made(api, diskofferingid=small, **who))[0] == 535
    await user.job("destroyVolume", id=first["id"])
    await disk(user)
    assert (await refused(user, "recoverVolume", id=first["id"]))[0] == 535
    await api.call("updateResourceLimit", resourcetype=2, max=-1, **who)
    await api.call("updateResourceLimit", resourcetype=10, max=11, **who)
    assert (await made(user, diskofferingid=small))[0] == 535
    await user.call("deleteVolume", id=second["id"])
    await disk(user)
    await invariants.check(server)


async def test_for_another_account_a_domain_admin_and_a_project(api: Api, http: aiohttp.ClientSession) -> None:
    top = await domain(api, "top")
    owner = await account(api, "owner", domainid=top["id"])
    admin = await person(api, http, "boss", 2, domainid=top["id"])
    user = await keyed(api, http, owner["user"][0]["id"])
    given = await disk(admin, account="owner", domainid=top["id"])
    assert (given["account"], given["domainid"]) == ("owner", top["id"])
    project = (await user.job("createProject", name="shared"))["project"]["id"]
    ours = await disk(user, projectid=project)
    assert (ours["projectid"], ours.get("account")) == (project, None)
    assert await listed(user, projectid=project) == [ours["name"]]
    assert await listed(user) == [given["name"]]
    stranger = await master(api, http, "stranger")
    for command in ("deleteVolume", "destroyVolume", "recoverVolume", "detachVolume"):
        assert (await refused(stranger, command, id=given["id"]))[0] == 431
    assert (await made(stranger, diskofferingid=await offering(api), projectid=project))[0] == 431


async def test_destroyed_recovered_and_wiped(server: Server, api: Api) -> None:
    machine = await api.deploy()
    volume = await disk(api)
    await attach(api, volume, machine)
    for command in ("destroyVolume", "deleteVolume"):
        assert (await refused(api, command, id=volume["id"]))[0] == 431
    await detach(api, volume)
    server.simulator.content(volume["id"], "mine")
    gone = (await api.job("destroyVolume", id=volume["id"]))["volume"]
    assert (gone["state"], gone["destroyed"]) == ("Destroy", True)
    assert (await refused(api, "destroyVolume", id=volume["id"]))[0] == 431
    await invariants.check(server)
    back = (await api.call("recoverVolume", id=volume["id"]))["volume"]
    assert (back["state"], back["destroyed"]) == ("Ready", False)
    assert (await refused(api, "recoverVolume", id=volume["id"]))[0] == 431
    await attach(api, volume, machine)
    assert server.simulator.content(volume["id"]) == "mine"
    await detach(api, volume)
    await api.job("destroyVolume", id=volume["id"])
    await server.db.write(lambda tx: tx.update(schema.volume, {"uuid": volume["id"]}, destroyed=0))
    await server.periodic.run_now("storage-cleanup")
    await invariants.check(server)
    assert await api.call("listVolumes", id=volume["id"]) == {}


async def test_destroyed_for_good(server: Server, api: Api) -> None:
    machine, volume = await api.deploy(), await disk(api)
    await attach(api, volume, machine)
    await detach(api, volume)
    gone = (await api.job("destroyVolume", id=volume["id"], expunge=True))["volume"]
    assert gone["state"] == "Expunged"
    nowhere = await disk(api)
    await api.job("destroyVolume", id=nowhere["id"], expunge=True)
    assert await listed(api, listall=True, type="DATADISK") == []
    assert volume["id"] not in {one.uuid for one in server.simulator.volumes()}
    assert (await refused(api, "recoverVolume", id=volume["id"]))[0] == 431
    await invariants.check(server)


async def test_one_that_lay_nowhere_comes_back_as_it_was(server: Server, api: Api) -> None:
    volume = await disk(api)
    await api.job("destroyVolume", id=volume["id"])
    assert (await api.call("recoverVolume", id=volume["id"]))["volume"]["state"] == "Allocated"
    await attach(api, volume, await api.deploy())
    await invariants.check(server)


async def test_users_may_be_kept_from_expunging_and_recovering(api: Api, http: aiohttp.ClientSession) -> None:
    user = await master(api, http, "someone")
    volume = await disk(user)
    await api.call("updateConfiguration", name="allow.user.expunge.recover.volume", value=False)
    assert (await refused(user, "destroyVolume", id=volume["id"], expunge=True))[0] == 531
    await user.job("destroyVolume", id=volume["id"])
    assert (await refused(user, "recoverVolume", id=volume["id"]))[0] == 531
    await api.call("recoverVolume", id=volume["id"])


async def test_deleted_when_it_is_answered(server: Server, api: Api) -> None:
    machine, volume, nowhere = await api.deploy(), await disk(api), await disk(api)
    await attach(api, volume, machine)
    await detach(api, volume)
    for one in (volume, nowhere):
        assert await api.call("deleteVolume", id=one["id"]) == {"success": True}
        assert await api.call("listVolumes", id=one["id"]) == {}
        assert (await refused(api, "deleteVolume", id=one["id"]))[0] == 431
    assert volume["id"] not in {one.uuid for one in server.simulator.volumes()}
    events = await api.call("listEvents", type="VOLUME.DELETE", state="Completed")
    assert events["count"] == 2
    await invariants.check(server)


async def test_a_host_that_refuses_to_delete(server: Server, api: Api) -> None:
    machine, volume = await api.deploy(), await disk(api)
    await attach(api, volume, machine)
    await detach(api, volume)
    server.simulator.add_rule(Rule("DeleteCommand", "fail", count=1))
    with pytest.raises(Refused, match="530"):
        await api.call("deleteVolume", id=volume["id"])
    assert (await look(api, volume))["state"] == "Destroy"
    await invariants.check(server)
    await api.call("deleteVolume", id=volume["id"])
    await invariants.check(server)


async def test_what_a_volume_takes_is_told_by_its_host(server: Server, api: Api) -> None:
    machine, volume = await api.deploy(), await disk(api)
    await attach(api, volume, machine)
    await server.periodic.run_now("volume-sizes")
    row = await look(api, volume)
    assert (row["virtualsize"], row["physicalsize"], row["utilization"]) == (5 * GIB, 5 * GIB, "100.00%")
    fresh = await look(api, await disk(api))
    assert fresh.keys() & {"virtualsize", "physicalsize", "utilization"} == set()


async def test_a_root_disk_tells_the_iso_that_it_was_installed_from(api: Api) -> None:
    made = await register_iso(api, await zone(api), "http://images.example.com/a.iso", displaytext="words")
    await until(api, made["id"], "DOWNLOADED", iso=True)
    machine = await api.deploy(templateid=made["id"], diskofferingid=await offering(api), hypervisor="Simulator")
    (root,) = (await api.call("listVolumes", virtualmachineid=machine["id"], type="ROOT"))["volume"]
    assert (root["isoid"], root["isoname"], root["isodisplaytext"]) == (made["id"], "disc", "words")
