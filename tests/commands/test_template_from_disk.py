"""Templates that are made of volumes and of snapshots."""

from __future__ import annotations

from typing import Any

import aiohttp
import invariants
import pytest
from apiclient import Api, Refused
from people import person, refused
from test_snapshots import disk_of, snapshot
from zones import basic_zone

from cloudsim.agents.simulator.faults import Rule
from cloudsim.db import schema
from cloudsim.server import Server


async def os_type(api: Api) -> str:
    return str((await api.call("listOsTypes", page=1, pagesize=1))["ostype"][0]["id"])


async def template(api: Api, **given: Any) -> dict[str, Any]:
    made = await api.job("createTemplate", **{"name": "made", "ostypeid": await os_type(api), **given})
    return made["template"]


async def test_of_a_stopped_machine_and_deployed_at_once(server: Server, api: Api) -> None:
    machine = await api.deploy()
    disk = await disk_of(api, machine)
    server.simulator.content(disk["id"], "installed")
    await api.job("stopVirtualMachine", id=machine["id"])
    made = await template(api, volumeid=disk["id"], displaytext="words", passwordenabled=True, requireshvm=False)
    assert (made["isready"], made["status"], made["size"]) == (True, "Download Complete", disk["size"])
    assert (made["displaytext"], made["passwordenabled"], made["requireshvm"]) == ("words", True, False)
    assert (made["templatetype"], made["sourcetemplateid"]) == ("USER", machine["templateid"])
    again = await api.deploy(templateid=made["id"])
    assert server.simulator.content((await disk_of(api, again))["id"]) == "installed"
    await invariants.check(server)


async def test_of_a_snapshot_while_the_machine_runs(server: Server, api: Api) -> None:
    machine = await api.deploy()
    disk = await disk_of(api, machine)
    server.simulator.content(disk["id"], "then")
    kept = await snapshot(api, disk)
    server.simulator.content(disk["id"], "now")
    made = await template(api, snapshotid=kept["id"])
    again = await api.deploy(templateid=made["id"])
    assert server.simulator.content((await disk_of(api, again))["id"]) == "then"


async def stopped(api: Api, **given: Any) -> dict[str, Any]:
    """The root disk of a stopped machine."""
    machine = await api.deploy(**given)
    await api.job("stopVirtualMachine", id=machine["id"])
    return await disk_of(api, machine)


async def names(api: Api) -> list[str]:
    found = await api.call("listTemplates", templatefilter="self", listall=True)
    return [row["name"] for row in found.get("template", [])]


async def test_every_word_counts(server: Server, api: Api) -> None:
    disk = await stopped(api)
    plain = await template(api, volumeid=disk["id"])
    assert (plain["displaytext"], plain["ispublic"], plain["isfeatured"], plain["requireshvm"]) == (
        ("made", False, False, True)
    )
    made = await template(
        api,
        volumeid=disk["id"],
        name="other",
        arch="aarch64",
        bits=32,
        isdynamicallyscalable=True,
        isfeatured=True,
        ispublic=True,
        sshkeyenabled=True,
        templatetag="fast",
        zoneid=disk["zoneid"],
        **{"details[0].key": "rootDiskController", "details[0].value": "virtio"},
    )
    assert (made["arch"], made["isdynamicallyscalable"], made["isfeatured"], made["ispublic"]) == (
        ("aarch64", True, True, True)
    )
    assert (made["sshkeyenabled"], made["templatetag"], made["bits"]) == (True, "fast", 32)
    assert made["details"] == {"rootDiskController": "virtio"}
    assert (made["hypervisor"], made["format"], made["zoneid"]) == ("Simulator", "RAW", disk["zoneid"])
    events = (await api.call("listEvents", type="TEMPLATE.CREATE", resourceid=made["id"]))["event"]
    assert {one["state"] for one in events} >= {"Completed"}
    records = await api.call("listUsageRecords", type=7, startdate="2020-01-01", enddate="2100-01-01")
    assert {one["usageid"] for one in records["usagerecord"]} == {plain["id"], made["id"]}


async def test_bad_input(api: Api) -> None:
    machine = await api.deploy()
    running = await disk_of(api, machine)
    kept = await snapshot(api, running)
    fresh = await disk_of(api, await api.deploy(startvm=False))
    for wrong in (
        {},
        {"volumeid": running["id"], "snapshotid": kept["id"]},
        {"volumeid": running["id"]},  # its machine runs
        {"volumeid": fresh["id"]},  # it holds nothing yet
        {"snapshotid": kept["id"], "name": " "},
        {"snapshotid": kept["id"], "name": ""},
        {"snapshotid": kept["id"], "ostypeid": kept["id"]},
        {"snapshotid": kept["id"], "bits": 16},
        {"snapshotid": kept["id"], "arch": "z80"},
        {"snapshotid": kept["id"], "url": "http://a/b"},
        {"snapshotid": kept["id"], "virtualmachineid": machine["id"]},
        {"snapshotid": kept["id"], "zoneid": kept["id"]},
        {"snapshotid": kept["id"], "account": "nobody"},
        {"volumeid": kept["id"]},
    ):
        given = {"name": "bad", "ostypeid": kept["ostypeid"], **wrong}
        assert (await refused(api, "createTemplate", **given))[0] == 431, wrong
    assert "bad" not in await names(api)


async def test_what_users_may_not(api: Api, http: aiohttp.ClientSession) -> None:
    owner, other = await person(api, http, "owner"), await person(api, http, "other")
    disk = await stopped(owner)
    given = {"volumeid": disk["id"], "name": "mine", "ostypeid": await os_type(api)}
    assert (await refused(other, "createTemplate", **given))[0] == 431
    assert (await refused(owner, "createTemplate", **given, templatetag="fast"))[0] == 531
    made = await template(owner, volumeid=disk["id"], isfeatured=True, ispublic=True)
    assert (made["isfeatured"], made["ispublic"], made["account"]) == (False, True, "owner")
    await api.call("updateConfiguration", name="allow.public.user.templates", value=False)
    assert (await refused(owner, "createTemplate", **given, ispublic=True))[0] == 531
    # of somebody else's disk for somebody else: an admin
    (found,) = (await api.call("listAccounts", name="other", listall=True))["account"]
    made = await template(api, volumeid=disk["id"], account="other", domainid=found["domainid"])
    assert made["account"] == "other"


async def test_no_more_than_the_limits(server: Server, api: Api, http: aiohttp.ClientSession) -> None:
    owner = await person(api, http, "owner")
    disk = await stopped(owner)
    (account,) = (await api.call("listAccounts", name="owner", listall=True))["account"]
    whose = {"account": "owner", "domainid": account["domainid"]}
    given = {"volumeid": disk["id"], "name": "mine", "ostypeid": await os_type(api)}
    await api.call("updateResourceLimit", resourcetype=4, max=1, **whose)
    await template(owner, volumeid=disk["id"])
    assert (await refused(owner, "createTemplate", **given))[0] == 535
    await api.call("updateResourceLimit", resourcetype=4, max=-1, **whose)
    await api.call("updateResourceLimit", resourcetype=11, max=disk["size"] // 2**30, **whose)
    assert (await refused(owner, "createTemplate", **given))[0] == 535
    assert await names(owner) == ["made"]
    await invariants.check(server)


async def test_one_that_fails_leaves_nothing(server: Server, api: Api) -> None:
    disk = await stopped(api)
    server.simulator.add_rule(Rule("CreatePrivateTemplateFromVolumeCommand", "fail_after", count=1))
    with pytest.raises(Refused, match="Simulated failure"):
        await template(api, volumeid=disk["id"])
    assert "made" not in await names(api)
    assert len(server.simulator.images()) == 1  # the host had made it all the same
    await server.periodic.run_now("snapshot-cleanup")
    await invariants.check(server)
    assert server.simulator.images() == []


async def test_of_the_copy_in_another_zone(server: Server, api: Api) -> None:
    there = (await basic_zone(api, name="there"))["zoneid"]
    kept = await snapshot(api, await disk_of(api, await api.deploy()), zoneids=there)
    made = await template(api, snapshotid=kept["id"], zoneid=there)
    assert made["zoneid"] == there
    disk = await stopped(api)
    given = {"volumeid": disk["id"], "name": "bad", "ostypeid": await os_type(api)}
    assert (await refused(api, "createTemplate", **given, zoneid=there))[0] == 431
    await api.job("deleteSnapshot", id=kept["id"], zoneid=there)
    again = {"snapshotid": kept["id"], "name": "bad", "ostypeid": given["ostypeid"], "zoneid": there}
    assert (await refused(api, "createTemplate", **again))[0] == 431


async def test_the_file_goes_with_the_template(server: Server, api: Api) -> None:
    made = await template(api, volumeid=(await stopped(api))["id"])
    await server.periodic.run_now("snapshot-cleanup")
    assert len(server.simulator.images()) == 1
    now = server.clock.now()
    await server.db.write(lambda tx: tx.update(schema.template, {"uuid": made["id"]}, removed=now))
    await server.periodic.run_now("snapshot-cleanup")
    await invariants.rest(server)
    assert server.simulator.images() == []


async def test_it_is_handed_out_and_copied_as_others_are(server: Server, api: Api, http: aiohttp.ClientSession) -> None:
    made = await template(api, volumeid=(await stopped(api))["id"])
    given = {"id": made["id"], "zoneid": made["zoneid"], "mode": "HTTP_DOWNLOAD"}
    url = (await api.job("extractTemplate", **given))["template"]["url"]
    async with http.get(url) as response:
        assert response.status == 200
    other = await api.call("createZone", name="other", dns1="8.8.8.8", internaldns1="8.8.8.8", networktype="Advanced")
    zoneid = other["zone"]["id"]
    await api.call("addImageStore", provider="NFS", url="nfs://10.9.9.9/other", zoneid=zoneid)
    copied = (await api.job("copyTemplate", id=made["id"], destzoneid=zoneid))["template"]
    assert (copied["zoneid"], copied["isready"], copied["size"]) == (zoneid, True, made["size"])
    await api.job("deleteTemplate", id=made["id"])
    await invariants.check(server)
