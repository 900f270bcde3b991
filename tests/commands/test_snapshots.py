"""Snapshots of volumes: made, listed, gone back to, copied, deleted, and what is refused."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import invariants
import pytest
from apiclient import Api, Refused
from people import person, refused
from zones import basic_zone

from cloudsim.agents.simulator.faults import Rule
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


async def test_what_is_listed(api: Api) -> None:
    machine = await api.deploy()
    disk = await disk_of(api, machine)
    tags = {"tags[0].key": "a", "tags[0].value": "b"}
    one = await snapshot(api, disk, name="one", **tags)
    two = await snapshot(api, disk, name="two", locationtype="primary")
    assert (one["locationtype"], two["locationtype"]) == ("SECONDARY", "PRIMARY")
    assert (one["datastoretype"], two["datastoretype"]) == ("Image", "Primary")
    assert one["volumeid"] == disk["id"]
    assert one["osdisplayname"]
    for given, names in (
        ({}, ["one", "two"]),
        ({"id": one["id"]}, ["one"]),
        ({"ids": f"{one['id']},{two['id']}"}, ["one", "two"]),
        ({"name": "two"}, ["two"]),
        ({"keyword": "TW"}, ["two"]),
        ({"volumeid": disk["id"]}, ["one", "two"]),
        ({"zoneid": disk["zoneid"]}, ["one", "two"]),
        ({"locationtype": "secondary"}, ["one"]),
        ({"locationtype": "PRIMARY"}, ["two"]),
        ({"storageid": two["datastoreid"]}, ["two"]),
        ({"imagestoreid": one["datastoreid"]}, ["one"]),
        ({"snapshottype": "manual"}, ["one", "two"]),
        ({"snapshottype": "RECURRING"}, []),
        ({"snapshottype": "GROUP"}, []),
        ({"intervaltype": "HOURLY"}, ["one", "two"]),
        ({"intervaltype": "HOURLY", "volumeid": disk["id"]}, []),
        (tags, ["one"]),
        ({"page": 2, "pagesize": 1}, ["two"]),
    ):
        assert [row["name"] for row in await listed(api, **given)] == names, given
    for wrong in ({"snapshottype": "yearly"}, {"locationtype": "moon"}, {"volumeid": disk["id"], "intervaltype": "x"}):
        assert (await refused(api, "listSnapshots", **wrong))[0] == 431
    await api.call("updateConfiguration", name="snapshot.show.chain.size", value=True)
    assert (await listed(api, id=one["id"]))[0]["chainsize"] == disk["size"]


async def test_unattached_and_of_a_machine_that_is_stopped(server: Server, api: Api) -> None:
    offering = (await api.call("listDiskOfferings", name="Small"))["diskoffering"][0]["id"]
    machine = await api.deploy(diskofferingid=offering)
    disk = await disk_of(api, machine, "DATADISK")
    await api.job("stopVirtualMachine", id=machine["id"])
    server.simulator.content(disk["id"], "one")
    made = await snapshot(api, disk, name="mine", quiescevm=True)
    assert made["name"] == "mine"
    await api.job("destroyVirtualMachine", id=machine["id"], expunge=True)
    (disk,) = (await api.call("listVolumes", id=disk["id"]))["volume"]
    assert "virtualmachineid" not in disk
    server.simulator.content(disk["id"], "two")
    later = await snapshot(api, disk)
    assert later["name"].startswith("detached_DATA-")
    await api.job("revertSnapshot", id=made["id"])
    assert server.simulator.content(disk["id"]) == "one"
    await invariants.check(server)


async def test_it_outlives_its_volume(server: Server, api: Api) -> None:
    machine = await api.deploy()
    made = await snapshot(api, await disk_of(api, machine))
    assert made["revertable"] is True
    await api.job("destroyVirtualMachine", id=machine["id"], expunge=True)
    (found,) = await listed(api)
    assert (found["id"], found["state"], found["revertable"]) == (made["id"], "BackedUp", False)
    assert (await refused(api, "revertSnapshot", id=made["id"]))[0] == 431
    await invariants.check(server)


async def test_where_it_goes_is_set_and_it_can_go_later(server: Server, api: Api) -> None:
    disk = await disk_of(api, await api.deploy())
    await api.call("updateConfiguration", name="snapshot.backup.to.secondary", value=False)
    made = await snapshot(api, disk)
    assert (made["locationtype"], made["state"]) == ("PRIMARY", "BackedUp")
    await invariants.check(server)
    moved = (await api.job("archiveSnapshot", id=made["id"]))["snapshot"]
    assert (moved["locationtype"], moved["state"]) == ("SECONDARY", "BackedUp")
    assert (await refused(api, "archiveSnapshot", id=made["id"]))[0] == 431
    await invariants.check(server)
    server.simulator.add_rule(Rule("BackupSnapshotCommand", "fail", count=1))
    again = await snapshot(api, disk)
    with pytest.raises(Refused, match="Simulated failure"):
        await api.job("archiveSnapshot", id=again["id"])
    (kept,) = await listed(api, id=again["id"])  # it is in its pool, as before
    assert (kept["locationtype"], kept["state"]) == ("PRIMARY", "BackedUp")
    await server.periodic.run_now("snapshot-cleanup")
    await invariants.check(server)


async def test_its_copying_may_go_on_by_itself(server: Server, api: Api) -> None:
    disk = await disk_of(api, await api.deploy())
    made = await snapshot(api, disk, asyncbackup=True)
    assert made["state"] == "CreatedOnPrimary"
    await invariants.check(server)
    (found,) = await listed(api)
    assert (found["state"], found["locationtype"]) == ("BackedUp", "SECONDARY")


async def test_in_more_zones(server: Server, api: Api) -> None:
    disk = await disk_of(api, await api.deploy())
    here, there = disk["zoneid"], (await basic_zone(api, name="there"))["zoneid"]
    made = await snapshot(api, disk, zoneids=there)
    both = await listed(api, id=made["id"])
    assert [one["zoneid"] for one in both] == [here, there]
    assert len(await listed(api, id=made["id"], showunique=True)) == 1
    assert len(await listed(api, zoneid=there)) == 1
    await invariants.check(server)
    await api.job("deleteSnapshot", id=made["id"], zoneid=there)
    assert [one["zoneid"] for one in await listed(api, id=made["id"])] == [here]
    assert (await refused(api, "deleteSnapshot", id=made["id"], zoneid=there))[0] == 431
    assert (await refused(api, "extractSnapshot", id=made["id"], zoneid=there))[0] == 431
    assert (await refused(api, "copySnapshot", id=made["id"]))[0] == 431
    assert (await refused(api, "copySnapshot", id=made["id"], destzoneids=here))[0] == 431
    assert (await refused(api, "copySnapshot", id=made["id"], destzoneid=there, sourcezoneid=there))[0] == 431
    await api.job("copySnapshot", id=made["id"], destzoneid=there)
    await api.job("deleteSnapshot", id=made["id"], zoneid=here)
    assert [one["zoneid"] for one in await listed(api, id=made["id"])] == [there]
    await invariants.check(server)
    await api.job("deleteSnapshot", id=made["id"], zoneid=there)
    assert await listed(api) == []
    await invariants.check(server)


async def test_a_copy_that_fails_leaves_what_was_there(server: Server, api: Api) -> None:
    disk = await disk_of(api, await api.deploy())
    there = (await basic_zone(api, name="there"))["zoneid"]
    made = await snapshot(api, disk)
    server.simulator.add_rule(Rule("BackupSnapshotCommand", "fail", count=1))
    with pytest.raises(Refused, match="Simulated failure"):
        await api.job("copySnapshot", id=made["id"], destzoneids=there)
    (found,) = await listed(api)
    assert (found["state"], found["zoneid"]) == ("BackedUp", disk["zoneid"])
    await server.periodic.run_now("snapshot-cleanup")
    await invariants.check(server)
    await api.job("copySnapshot", id=made["id"], destzoneids=there)
    assert len(await listed(api)) == 2


@pytest.mark.parametrize("step", ["CreateObjectCommand", "BackupSnapshotCommand"])
async def test_one_that_fails_is_in_error_until_it_is_cleaned_up(step: str, server: Server, api: Api) -> None:
    disk = await disk_of(api, await api.deploy())
    server.simulator.add_rule(Rule(step, "fail", count=1))
    with pytest.raises(Refused, match="Simulated failure"):
        await snapshot(api, disk)
    (found,) = await listed(api)
    assert found["state"] == "Error"
    assert (await disk_of(api, {"id": disk["virtualmachineid"]}))["state"] == "Ready"
    assert (await refused(api, "revertSnapshot", id=found["id"]))[0] == 431
    counts = (await api.call("updateResourceCount", resourcetype=3, domainid=found["domainid"]))["resourcecount"]
    assert counts[0]["resourcecount"] == 0
    await invariants.check(server)
    await server.periodic.run_now("snapshot-cleanup")
    await invariants.check(server)
    assert await listed(api) == []
    assert server.simulator.disk_snapshots() == []


async def test_what_stays_in_the_pool_though_it_should_not_is_removed_later(server: Server, api: Api) -> None:
    disk = await disk_of(api, await api.deploy())
    server.simulator.add_rule(Rule("DeleteCommand", "fail", count=1))
    made = await snapshot(api, disk)
    assert (made["state"], made["locationtype"]) == ("BackedUp", "SECONDARY")
    assert len(server.simulator.disk_snapshots()) == 2
    await invariants.check(server)
    await server.periodic.run_now("snapshot-cleanup")
    await invariants.check(server)
    assert len(server.simulator.disk_snapshots()) == 1
    assert [one["id"] for one in await listed(api)] == [made["id"]]


async def test_a_failed_one_can_be_deleted_by_hand(server: Server, api: Api) -> None:
    disk = await disk_of(api, await api.deploy())
    server.simulator.add_rule(Rule("CreateObjectCommand", "lose"))
    await api.call("updateConfiguration", name="backup.snapshot.wait", value=1)
    with pytest.raises(Refused):
        await snapshot(api, disk)
    server.simulator.clear()
    assert len(server.simulator.disk_snapshots()) == 1  # nobody knew
    (found,) = await listed(api)
    await api.job("deleteSnapshot", id=found["id"])
    assert await listed(api) == []
    assert server.simulator.disk_snapshots() == []
    await invariants.check(server)


async def test_a_removal_of_which_nobody_knows_is_done_again(server: Server, api: Api) -> None:
    disk = await disk_of(api, await api.deploy())
    made = await snapshot(api, disk)
    server.simulator.add_rule(Rule("DeleteCommand", "fail", count=1))
    with pytest.raises(Refused, match="Simulated failure"):
        await api.job("deleteSnapshot", id=made["id"])
    assert [(one["state"], one["locationtype"]) for one in await listed(api)] == [("BackedUp", "SECONDARY")]
    await invariants.check(server)
    await api.call("updateConfiguration", name="wait", value=1)
    server.simulator.add_rule(Rule("DeleteCommand", "lose"))
    with pytest.raises(Refused):
        await api.job("deleteSnapshot", id=made["id"])
    server.simulator.clear()
    assert server.simulator.disk_snapshots() == []
    assert (await refused(api, "createTemplate", snapshotid=made["id"], name="t", ostypeid=made["ostypeid"]))[0] == 431
    await server.periodic.run_now("snapshot-cleanup")
    await invariants.check(server)
    assert await listed(api) == []


async def test_snapshots_of_the_machine_and_of_its_volumes_do_not_meet(server: Server, api: Api) -> None:
    machine = await api.deploy()
    disk = await disk_of(api, machine)
    server.simulator.add_rule(Rule("BackupSnapshotCommand", "delay", seconds=0.5, count=1))
    job = await api.call("createSnapshot", volumeid=disk["id"])
    assert (await refused(api, "createVMSnapshot", virtualmachineid=machine["id"]))[0] == 530
    await api.wait(job["jobid"])
    server.simulator.add_rule(Rule("CreateVMSnapshotCommand", "delay", seconds=0.5, count=1))
    job = await api.call("createVMSnapshot", virtualmachineid=machine["id"])
    assert (await refused(api, "createSnapshot", volumeid=disk["id"]))[0] == 530
    await api.wait(job["jobid"])
    await snapshot(api, disk)


async def test_of_a_snapshot_of_the_machine(server: Server, api: Api) -> None:
    machine = await api.deploy()
    disk = await disk_of(api, machine)
    server.simulator.content(disk["id"], "then")
    whole = (await api.job("createVMSnapshot", virtualmachineid=machine["id"]))["vmsnapshot"]
    server.simulator.content(disk["id"], "now")
    made = await api.job("createSnapshotFromVMSnapshot", vmsnapshotid=whole["id"], volumeid=disk["id"], name="part")
    assert (made["snapshot"]["name"], made["snapshot"]["state"]) == ("part", "BackedUp")
    assert [one.content for one in server.simulator.disk_snapshots()] == ["then"]
    other = await disk_of(api, await api.deploy())
    given = {"vmsnapshotid": whole["id"], "volumeid": other["id"]}
    assert (await refused(api, "createSnapshotFromVMSnapshot", **given))[0] == 431
    await invariants.check(server)
    await api.job("stopVirtualMachine", id=machine["id"])
    assert (await refused(api, "revertSnapshot", id=made["snapshot"]["id"]))[0] == 431
    assert await api.call("getVolumeSnapshotDetails", snapshotid=made["snapshot"]["id"]) == {"volumeiScsiName": {}}


async def test_bad_input(api: Api) -> None:
    machine = await api.deploy(startvm=False)
    fresh = await disk_of(api, machine)
    assert (await refused(api, "createSnapshot", volumeid=fresh["id"]))[0] == 431  # it holds nothing yet
    await api.job("startVirtualMachine", id=machine["id"])
    zone = fresh["zoneid"]
    (pool, *_) = (await api.call("listStoragePools", zoneid=zone))["storagepool"]
    made = await snapshot(api, fresh)
    for wrong in (
        {"volumeid": ""},
        {"locationtype": "moon"},
        {"storageids": pool["id"]},
        {"usestoragereplication": True},
        {"policyid": made["id"]},
        {"account": "nobody"},
        {"zoneids": made["id"]},
        {"tags[0].key": "", "tags[0].value": "x"},
    ):
        assert (await refused(api, "createSnapshot", **{"volumeid": fresh["id"], **wrong}))[0] == 431, wrong
    (system, *_) = (await api.call("listVolumes", listsystemvms=True, listall=True)).get("volume", [None])
    if system is not None and system["id"] != fresh["id"]:
        assert (await refused(api, "createSnapshot", volumeid=system["id"]))[0] == 431
    assert (await refused(api, "revertSnapshot", id=made["id"]))[0] == 431  # the machine runs
    assert len(await listed(api)) == 1


async def test_whose_they_are(api: Api, http: aiohttp.ClientSession) -> None:
    owner, other = await person(api, http, "owner"), await person(api, http, "other")
    disk = await disk_of(owner, await owner.deploy())
    made = await snapshot(owner, disk)
    assert (made["account"], "datastoreid" in made) == ("owner", False)
    for command, given in (
        ("createSnapshot", {"volumeid": disk["id"]}),
        ("revertSnapshot", {"id": made["id"]}),
        ("deleteSnapshot", {"id": made["id"]}),
        ("listSnapshots", {"id": made["id"]}),
    ):
        assert (await refused(other, command, **given))[0] == 431
    assert await listed(other, listall=True) == []
    assert [one["id"] for one in await listed(api, listall=True)] == [made["id"]]
    assert [one["id"] for one in await listed(api, account="owner", domainid=made["domainid"])] == [made["id"]]
    # the root admin's are the owner's: the volume says whose
    assert (await snapshot(api, disk, account="owner", domainid=made["domainid"]))["account"] == "owner"
    assert (await refused(api, "createSnapshot", volumeid=disk["id"], account="other", domainid=made["domainid"]))[
        0
    ] == 431
    await owner.job(
        "createTags", resourceids=made["id"], resourcetype="Snapshot", **{"tags[0].key": "k", "tags[0].value": "v"}
    )
    assert (await listed(owner, id=made["id"]))[0]["tags"][0]["key"] == "k"


async def test_limits_hold_when_many_ask_at_once(server: Server, api: Api, http: aiohttp.ClientSession) -> None:
    owner = await person(api, http, "owner")
    disk = await disk_of(owner, await owner.deploy())
    (account,) = (await api.call("listAccounts", name="owner", listall=True))["account"]
    whose = {"account": "owner", "domainid": account["domainid"]}
    await api.call("updateResourceLimit", resourcetype=3, max=5, **whose)
    answers = await asyncio.gather(*(owner.raw("createSnapshot", volumeid=disk["id"]) for _ in range(200)))
    assert {status for status, _ in answers} <= {200, 431, 535}
    asked = [status for status, _ in answers].count(200)
    assert 1 <= asked <= 5
    await invariants.check(server)
    assert 1 <= len(await listed(owner)) <= 5
    while len(await listed(owner)) < 5:
        await snapshot(owner, disk)
    status, text = await refused(owner, "createSnapshot", volumeid=disk["id"])
    assert (status, "may have 5 of snapshot" in text) == (535, True)
    counts = (await api.call("listAccounts", name="owner", listall=True))["account"][0]
    assert (counts["snapshottotal"], counts["snapshotavailable"]) == (5, "0")
    await api.call("updateResourceLimit", resourcetype=3, max=-1, **whose)
    room = 5 * disk["size"] // 2**30
    await api.call("updateResourceLimit", resourcetype=11, max=room, **whose)
    assert (await refused(owner, "createSnapshot", volumeid=disk["id"]))[0] == 535
    await api.job("deleteSnapshot", id=(await listed(owner))[0]["id"])
    await snapshot(owner, disk)
    await invariants.check(server)


async def test_a_host_makes_so_many_at_a_time(server: Server, api: Api) -> None:
    first = await api.deploy()
    disks = [await disk_of(api, first), await disk_of(api, await api.deploy(hostid=first["hostid"]))]
    await api.call("updateConfiguration", name="concurrent.snapshots.threshold.perhost", value=1)
    server.simulator.add_rule(Rule("BackupSnapshotCommand", "delay", seconds=0.3))
    jobs = [(await api.call("createSnapshot", volumeid=disk["id"]))["jobid"] for disk in disks]
    most, states = 0, set()
    while not states or states != {"BackedUp"}:
        states = {one["state"] for one in await listed(api)}
        busy = "SELECT count(*) FROM snapshot WHERE host_id IS NOT NULL"
        most = max(most, (await invariants.rows(server, busy))[0][0])
        await asyncio.sleep(0.02)
    assert most == 1
    assert [(await api.wait(job))["jobstatus"] for job in jobs] == [1, 1]


async def test_what_an_account_leaves_is_removed(server: Server, api: Api, http: aiohttp.ClientSession) -> None:
    owner = await person(api, http, "owner")
    disk = await disk_of(owner, await owner.deploy())
    await snapshot(owner, disk)
    await snapshot(owner, disk, locationtype="PRIMARY")
    (account,) = (await api.call("listAccounts", name="owner", listall=True))["account"]
    await api.job("deleteAccount", id=account["id"])
    assert await listed(api, listall=True) == []
    assert server.simulator.disk_snapshots() == []
    await invariants.check(server)


async def test_the_image_store_has_them_and_stays(api: Api) -> None:
    made = await snapshot(api, await disk_of(api, await api.deploy()))
    where = {"id": made["datastoreid"], "path": "snapshots"}
    assert (await api.call("listImageStoreObjects", **where))["count"] == 1
    assert (await refused(api, "deleteImageStore", id=made["datastoreid"]))[0] == 536


async def test_what_it_cost_and_what_is_told(api: Api) -> None:
    disk = await disk_of(api, await api.deploy())
    made = await snapshot(api, disk)
    await api.job("deleteSnapshot", id=made["id"])
    records = (await api.call("listUsageRecords", type=9, startdate="2020-01-01", enddate="2100-01-01"))["usagerecord"]
    assert {(one["usageid"], one["usagetype"], one["size"]) for one in records} == {(made["id"], 9, disk["size"])}
    types = [one["type"] for one in (await api.call("listEvents", resourceid=made["id"]))["event"]]
    assert {"SNAPSHOT.CREATE", "SNAPSHOT.DELETE"} <= set(types)


async def test_a_url_hands_it_out_for_a_time(server: Server, api: Api, http: aiohttp.ClientSession) -> None:
    made = await snapshot(api, await disk_of(api, await api.deploy()))
    found = (await api.job("extractSnapshot", id=made["id"], zoneid=made["zoneid"]))["snapshot"]
    assert (found["state"], found["extractMode"]) == ("DOWNLOAD_URL_CREATED", "HTTP_DOWNLOAD")
    async with http.get(found["url"]) as answer:
        body = await answer.read()
    assert answer.status == 200
    assert body[:4] == b"QFI\xfb"
    assert int.from_bytes(body[24:32], "big") == made["virtualsize"]
    async with http.get(found["url"], headers={"Range": "bytes=4-7"}) as answer:
        assert (answer.status, await answer.read()) == (206, body[4:8])
    async with http.get(found["url"].replace("/userdata/", "/userdata/x")) as answer:
        assert answer.status == 404
    await api.call("updateConfiguration", name="extract.url.expiration.interval", value=1)
    short = (await api.job("extractSnapshot", id=made["id"], zoneid=made["zoneid"]))["snapshot"]
    await asyncio.sleep(1.1)
    assert (await http.get(short["url"])).status == 404
    await api.job("deleteSnapshot", id=made["id"])
    assert (await http.get(found["url"])).status == 404
