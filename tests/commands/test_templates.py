"""Templates: what they may be, and in zones whose image store is simulated they become ready by themselves."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from apiclient import Api, admin_keys
from fakeclock import FakeClock
from invariants import check
from options import make_config
from people import person, refused
from stores import os_type, until, zone

from cloudsim.server import Server

URL = "http://images.example.com/a.qcow2"


async def seeded(api: Api, **given: Any) -> dict[str, Any]:
    """A template registered in the seeded zone."""
    place = {} if "zoneids" in given else {"zoneid": (await api.basics())["zoneid"]}
    asked = {"name": "mine", "format": "QCOW2", "hypervisor": "Simulator", "url": URL, "ostypeid": await os_type(api)}
    return (await api.call("registerTemplate", "POST", **{**asked, **place, **given}))["template"][0]


async def ready(api: Api, **given: Any) -> dict[str, Any]:
    return await until(api, (await seeded(api, **given))["id"], "DOWNLOADED")


async def test_a_registered_template_becomes_ready_by_itself_and_is_deployed(api: Api, server: Server) -> None:
    made = await seeded(api)
    assert made["isready"] is False
    row = await until(api, made["id"], "DOWNLOADED")
    assert (row["isready"], row["status"]) == (True, "Download Complete")
    machine = await api.deploy(templateid=made["id"])
    assert (machine["state"], machine["templateid"]) == ("Running", made["id"])
    await check(server)


async def test_what_is_not_ready_is_not_deployed(api: Api) -> None:
    await api.call("configureSimulator", name="DownloadCommand", value="wait:60000")
    made = await seeded(api)
    status, text = await refused(api, "deployVirtualMachine", **{**await api.basics(), "templateid": made["id"]})
    assert (status, "not ready" in text) == (431, True)


async def test_it_takes_the_time_that_is_asked_for_with_percents_on_the_way(data_dir: Path) -> None:
    clock = FakeClock()
    server = Server(make_config(data_dir, **{"simulator-latency": "DownloadCommand=constant:100"}), clock=clock)
    starting = asyncio.ensure_future(server.start())
    await clock.until(starting.done)
    await starting
    server.periodic.close()
    try:
        async with aiohttp.ClientSession() as http:
            api = Api(http, server.url, *admin_keys(data_dir))
            made = await seeded(api)
            found = []
            for _ in range(11):
                for _ in range(5):  # so that the server is done with what is due by now
                    (row,) = (await api.call("listTemplates", templatefilter="self", id=made["id"]))["template"]
                    await asyncio.sleep(0.01)
                found.append(row["status"])
                clock.advance(clock.now() + 10_000)
            assert found == [*(f"{percent}% Downloaded" for percent in range(0, 100, 10)), "Download Complete"]
    finally:
        stopping = asyncio.ensure_future(server.stop())
        await clock.until(stopping.done)


async def test_failures_can_be_asked_for(api: Api, server: Server) -> None:
    zoneid = (await api.basics())["zoneid"]
    await api.call("configureSimulator", name="DownloadCommand", value="fail:no such file", count=1, zoneid=zoneid)
    made = await seeded(api)
    row = await until(api, made["id"], "DOWNLOAD_ERROR")
    assert (row["isready"], row["status"], row["size"]) == (False, "no such file", 0)
    events = (await api.call("listEvents", listall=True, resourceid=made["id"], resourcetype="Template"))["event"]
    assert "TEMPLATE.DOWNLOAD.FAILED" in {row["type"] for row in events}
    await ready(api)
    await check(server)


async def test_it_goes_to_all_zones_or_to_some(api: Api, http: aiohttp.ClientSession) -> None:
    first = (await api.basics())["zoneid"]
    second = await zone(api, "second")
    await api.call("addImageStore", provider="NFS", url="nfs://s/second", zoneid=second)
    given = {"name": "all", "format": "QCOW2", "hypervisor": "Simulator", "url": URL, "ostypeid": await os_type(api)}
    body = await api.call("registerTemplate", **given, zoneid=-1)
    assert body["count"] == 2
    assert {row["zoneid"] for row in body["template"]} == {first, second}
    assert all(row["crossZones"] for row in body["template"])
    body = await api.call("registerTemplate", **given, zoneids=f"{first},{second}")
    assert (body["count"], body["template"][0]["crossZones"]) == (2, False)
    user = await person(api, http, "user")
    for wrong in ({"zoneid": -1}, {"zoneids": f"{first},-1"}, {}, {"zoneid": first, "zoneids": second}):
        assert (await refused(user, "registerTemplate", **given, **wrong))[0] == 431, wrong


async def test_a_zone_without_secondary_storage_takes_none(api: Api) -> None:
    empty = await zone(api, "empty")
    given = {"name": "x", "format": "QCOW2", "hypervisor": "Simulator", "url": URL, "zoneid": empty}
    assert (await refused(api, "registerTemplate", **given, ostypeid=await os_type(api)))[0] == 530


WRONG: list[dict[str, Any]] = [
    {"hypervisor": "none"},
    {"hypervisor": "KVM", "format": "OVA"},
    {"hypervisor": "VMware", "format": "QCOW2"},
    {"format": "ISO"},
    {"url": "ftp://images.example.com/a.qcow2"},
    {"url": "http://images.example.com/a.iso"},
    {"url": "http://127.0.0.1/a.qcow2"},
    {"checksum": "abc"},
    {"checksum": "{CRC}00000000"},
    {"checksum": "{SHA-256}0000"},
    {"bits": 48},
    {"arch": "vax"},
    {"deployasis": True},
    {"directdownload": True},
    {"hypervisor": "KVM", "directdownload": True},
    {"templatetype": "VNF"},
    {"templatetype": "USER", "isrouting": True},
    {"ostypeid": None},
    {"extensionid": "6d5ff8ea-6b57-4160-9d5d-186d953c247a"},
    {"externaldetails[0].a": "b"},
    {"name": " "},
]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
async def test_what_is_wrong_is_refused_and_nothing_is_stored(wrong: dict[str, Any], api: Api, server: Server) -> None:
    before = (await api.call("listTemplates", templatefilter="all"))["count"]
    given = {"name": "x", "format": "QCOW2", "hypervisor": "Simulator", "url": URL}
    given.update(zoneid=(await api.basics())["zoneid"], ostypeid=await os_type(api))
    assert (await refused(api, "registerTemplate", **{**given, **wrong}))[0] == 431
    assert (await api.call("listTemplates", templatefilter="all"))["count"] == before
    await check(server)


async def test_the_clouds_own_kinds_are_for_root_admins(api: Api, http: aiohttp.ClientSession) -> None:
    user = await person(api, http, "user")
    given = {"name": "x", "format": "QCOW2", "hypervisor": "Simulator", "url": URL}
    given.update(zoneid=(await api.basics())["zoneid"], ostypeid=await os_type(api))
    for own in ({"isrouting": True}, {"templatetype": "ROUTING"}, {"templatetag": "ssd"}, {"forcks": True}):
        assert (await refused(user, "registerTemplate", **given, **own))[0] == 531, own
    assert (await ready(api, isrouting=True))["templatetype"] == "ROUTING"


async def test_all_that_is_said_is_listed(api: Api) -> None:
    said = {
        "displaytext": "words", "passwordenabled": True, "sshkeyenabled": True, "isdynamicallyscalable": True,
        "requireshvm": False, "isextractable": True, "ispublic": True, "isfeatured": True, "templatetag": "ssd",
        "bits": 32, "arch": "aarch64", "forcks": True, "details[0].rootDiskController": "scsi",
    }  # fmt: skip
    row = await ready(api, **said)
    shown = {name: row[name] for name in said if "[" not in name}
    assert shown == {name: value for name, value in said.items() if "[" not in name}
    assert row["details"] == {"rootDiskController": "scsi"}
    rows = (await api.call("listTemplates", templatefilter="all", forcks=True))["template"]
    assert [one["id"] for one in rows] == [row["id"]]


async def test_the_limit_of_templates_holds(api: Api, http: aiohttp.ClientSession) -> None:
    user = await person(api, http, "user")
    (found,) = (await api.call("listAccounts", name="user"))["account"]
    await api.call("updateResourceLimit", account="user", domainid=found["domainid"], resourcetype=4, max=1)
    await seeded(user)
    given = {"name": "x", "format": "QCOW2", "hypervisor": "Simulator", "url": URL}
    given.update(zoneid=(await api.basics())["zoneid"], ostypeid=await os_type(api))
    assert (await refused(user, "registerTemplate", **given))[0] == 535


async def test_it_is_changed(api: Api, server: Server) -> None:
    made = await ready(api)
    windows = await os_type(api, "Windows 7 (32-bit)")
    row = (await api.call(
        "updateTemplate", id=made["id"], name="b", displaytext="c", passwordenabled=True, sshkeyenabled=True,
        isdynamicallyscalable=True, requireshvm=False, sortkey=7, ostypeid=windows, arch="aarch64", templatetag="t",
        format="RAW", **{"details[0].a": "b"},
    ))["template"]  # fmt: skip
    told = ("name", "displaytext", "passwordenabled", "sshkeyenabled", "isdynamicallyscalable", "requireshvm")
    assert [row[name] for name in told] == ["b", "c", True, True, True, False]
    assert (row["ostypename"], row["details"], row["format"]) == ("Windows 7 (32-bit)", {"a": "b"}, "RAW")
    row = (await api.call("updateTemplate", id=made["id"], cleanupdetails=True))["template"]
    assert row["details"] == {}
    for wrong in ({"name": " "}, {"format": "OVA2"}, {"arch": "vax"}, {"templatetype": "x"}):
        assert (await refused(api, "updateTemplate", id=made["id"], **wrong))[0] == 431, wrong
    await check(server)


async def test_the_os_type_below_machines_is_changed_by_force_only(api: Api) -> None:
    made = await ready(api)
    await api.deploy(templateid=made["id"])
    windows = await os_type(api, "Windows 7 (32-bit)")
    assert (await refused(api, "updateTemplate", id=made["id"], ostypeid=windows))[0] == 431
    await api.call("updateTemplate", id=made["id"], ostypeid=windows, forceupdateostype=True)


async def test_it_is_copied_to_another_zone(api: Api, server: Server) -> None:
    made = await ready(api)
    second = await zone(api, "second")
    assert (await refused(api, "copyTemplate", id=made["id"], destzoneid=second))[0] == 530  # it has no storage yet
    await api.call("addImageStore", provider="NFS", url="nfs://s/second", zoneid=second)
    row = (await api.job("copyTemplate", id=made["id"], destzoneid=second))["template"]
    assert (row["zoneid"], row["isready"]) == (second, True)
    assert (await api.call("listTemplates", templatefilter="self", id=made["id"]))["count"] == 2
    await api.job("deleteTemplate", id=made["id"], zoneid=second)
    rows = (await api.call("listTemplates", templatefilter="self", id=made["id"]))["template"]
    assert [one["zonename"] for one in rows] == [made["zonename"]]
    for wrong in ({}, {"destzoneid": second, "destzoneids": second}, {"destzoneid": second, "sourcezoneid": second}):
        assert (await refused(api, "copyTemplate", id=made["id"], **wrong))[0] == 431, wrong
    await check(server)


async def test_a_copy_that_fails_fails_its_job(api: Api) -> None:
    made = await ready(api)
    second = await zone(api, "second")
    await api.call("addImageStore", provider="NFS", url="nfs://s/second", zoneid=second)
    await api.call("configureSimulator", name="DownloadCommand", value="fail:broken", count=1, zoneid=second)
    assert await refused(api, "copyTemplate", id=made["id"], destzoneid=second) == (530, "broken")
    await api.job("copyTemplate", id=made["id"], destzoneid=second)  # and is tried again


async def test_it_is_deleted_when_no_machine_was_made_of_it(api: Api, server: Server) -> None:
    made = await ready(api)
    machine = await api.deploy(templateid=made["id"])
    status, text = await refused(api, "deleteTemplate", id=made["id"])
    assert (status, machine["name"] in text) == (431, True)
    assert await api.job("deleteTemplate", id=made["id"], forced=True) == {"success": True}
    assert (await refused(api, "deleteTemplate", id=made["id"]))[0] == 431
    assert (await api.job("stopVirtualMachine", id=machine["id"]))["virtualmachine"]["state"] == "Stopped"
    assert (await api.job("startVirtualMachine", id=machine["id"]))["virtualmachine"]["state"] == "Running"
    await check(server)


async def test_the_clouds_own_is_deleted_only_when_that_is_said(api: Api) -> None:
    rows = (await api.call("listTemplates", templatefilter="all", templatetype="SYSTEM"))["template"]
    assert (await refused(api, "deleteTemplate", id=rows[0]["id"]))[0] == 431


async def test_usage_is_written_from_ready_to_deleted(api: Api) -> None:
    made = await ready(api)
    await api.job("deleteTemplate", id=made["id"])
    rows = (await api.call("listUsageRecords", type=7, startdate="2020-01-01", enddate="2100-01-01"))["usagerecord"]
    assert [(row["usageid"], row["templateid"]) for row in rows] == [(made["id"], made["id"])]


async def test_it_is_prepared_for_primary_storage(api: Api) -> None:
    made = await ready(api)
    zoneid = (await api.basics())["zoneid"]
    body = await api.call("prepareTemplate", templateid=made["id"], zoneid=zoneid)
    assert [row["id"] for row in body["template"]] == [made["id"]]
    second = await zone(api, "second")
    assert (await refused(api, "prepareTemplate", templateid=made["id"], zoneid=second))[0] == 431


async def root(server: Server, machine: dict[str, Any]) -> str:
    return server.simulator.spec(machine["id"])["disks"][0]["bus"]


@pytest.mark.parametrize(
    ("os", "bus"), [("Ubuntu 22.04 LTS", "virtio"), ("CentOS 7", "virtio"), ("Windows 7 (32-bit)", "ide"),
                    ("Other PV (64-bit)", "virtio"), ("Other PV Virtio-SCSI (64-bit)", "scsi")],
)  # fmt: skip
async def test_root_disks_are_on_virtio_where_the_os_has_drivers(os: str, bus: str, api: Api, server: Server) -> None:
    made = await ready(api, ostypeid=await os_type(api, os))
    assert await root(server, await api.deploy(templateid=made["id"])) == bus


async def test_details_say_another_bus(api: Api, server: Server) -> None:
    made = await ready(api, **{"details[0].rootDiskController": "scsi"})
    assert await root(server, await api.deploy(templateid=made["id"])) == "scsi"
    own = {"details[0].key": "rootDiskController", "details[0].value": "sata"}
    assert await root(server, await api.deploy(templateid=made["id"], **own)) == "sata"


async def test_machines_are_scalable_where_their_template_is(api: Api) -> None:
    await api.call("updateConfiguration", name="enable.dynamic.scale.vm", value="true")
    yes, no = await ready(api, isdynamicallyscalable=True), await ready(api)
    assert (await api.deploy(templateid=yes["id"]))["isdynamicallyscalable"] is True
    assert (await api.deploy(templateid=no["id"]))["isdynamicallyscalable"] is False
