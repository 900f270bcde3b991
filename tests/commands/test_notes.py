"""What is written down beside things: user data, groups, comments, alerts, details, regions, tags of hosts, usage."""

from __future__ import annotations

import base64
import time
from typing import Any

import aiohttp
from apiclient import Api
from people import account, keyed, person, refused, role

from cloudsim.server import Server


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


async def test_user_data(api: Api, http: aiohttp.ClientSession) -> None:
    # the default role of users does not have these commands
    every = await role(api, "every", "User", "*")
    one, other = [await person(api, http, name, roleid=every["id"]) for name in ("one", "other")]
    made = (await one.call("registerUserData", "POST", name="mine", userdata=b64("#cloud-config"), params="a, b"))[
        "userdata"
    ]
    assert (made["userdata"], made["params"], made["account"]) == (b64("#cloud-config"), "a,b", "one")
    for given in (
        {"name": "mine", "userdata": b64("x")},
        {"name": "else", "userdata": b64("#cloud-config")},
        {"name": "bad", "userdata": "n@t base64"},
        {"name": "  ", "userdata": b64("x")},
    ):
        assert (await refused(one, "registerUserData", **given))[0] == 431, given
    assert await other.call("listUserData") == {}
    assert (await refused(other, "deleteUserData", id=made["id"]))[0] == 431
    machine = await one.deploy(userdataid=made["id"])
    assert machine["userdataname"] == "mine"
    assert (await refused(one, "deleteUserData", id=made["id"]))[0] == 536
    await api.job("destroyVirtualMachine", id=machine["id"], expunge=True)
    await one.call("deleteUserData", id=made["id"])
    assert await one.call("listUserData") == {}


async def test_instance_groups(api: Api, http: aiohttp.ClientSession) -> None:
    one, other = await person(api, http, "one"), await person(api, http, "other")
    group = (await one.call("createInstanceGroup", name="g"))["instancegroup"]
    assert (await refused(one, "createInstanceGroup", name="g"))[0] == 431
    await other.call("createInstanceGroup", name="g")
    machine = await one.deploy(group="g", startvm=False)
    assert machine["groupid"] == group["id"]
    assert (await refused(other, "updateInstanceGroup", id=group["id"], name="x"))[0] == 431
    assert (await one.call("updateInstanceGroup", id=group["id"], name="h"))["instancegroup"]["name"] == "h"
    assert (await one.call("listVirtualMachines", groupid=group["id"]))["virtualmachine"][0]["group"] == "h"
    await one.call("deleteInstanceGroup", id=group["id"])
    assert "group" not in (await one.call("listVirtualMachines"))["virtualmachine"][0]
    assert await one.call("listInstanceGroups") == {}


async def test_comments(api: Api, http: aiohttp.ClientSession, server: Server) -> None:
    one, other = await person(api, http, "one"), await person(api, http, "other")
    machine = await one.deploy(startvm=False)
    on = {"entitytype": "VM", "entityid": machine["id"]}
    assert machine["hasannotations"] is False
    mine = (await one.call("addAnnotation", **on, annotation="mine"))["annotation"]
    assert (mine["annotation"], mine["username"], mine["adminsonly"]) == ("mine", "one", False)
    secret = (await api.call("addAnnotation", **on, annotation="secret", adminsonly=True))["annotation"]
    assert (await one.call("listVirtualMachines"))["virtualmachine"][0]["hasannotations"] is True
    assert [row["annotation"] for row in (await one.call("listAnnotations", **on))["annotation"]] == ["mine"]
    assert (await api.call("listAnnotations", **on))["count"] == 2
    assert (await refused(other, "listAnnotations", **on))[0] == 431
    assert (await refused(other, "addAnnotation", **on, annotation="x"))[0] == 431
    assert await other.call("listAnnotations") == {}
    assert (await refused(other, "removeAnnotation", id=mine["id"]))[0] == 431
    assert (await refused(one, "removeAnnotation", id=secret["id"]))[0] == 431
    assert (await refused(one, "addAnnotation", **on, annotation="x", adminsonly=True))[0] == 531
    for given in (
        {**on, "annotation": " "},
        {"entitytype": "SHOE", "entityid": machine["id"], "annotation": "x"},
        {"entitytype": "HOST", "entityid": (await api.call("listHosts"))["host"][0]["id"], "annotation": "x"},
        {**on},
    ):
        assert (await refused(one, "addAnnotation", **given))[0] == 431, given
    await one.call("removeAnnotation", id=mine["id"])
    assert (await one.call("listVirtualMachines"))["virtualmachine"][0]["hasannotations"] is False
    assert (await api.call("listVirtualMachines", listall=True))["virtualmachine"][0]["hasannotations"] is True
    await api.call("updateAnnotationVisibility", id=secret["id"], adminsonly=False)
    assert (await one.call("listAnnotations", **on))["count"] == 1
    host = (await api.call("listHosts", type="Routing"))["host"][0]["id"]
    await api.call("addAnnotation", entitytype="HOST", entityid=host, annotation="loud")
    assert (await api.call("listHosts", id=host))["host"][0]["hasannotations"] is True
    assert (await api.call("listAnnotations", annotationfilter="self"))["count"] == 2


async def test_alerts(api: Api, http: aiohttp.ClientSession, server: Server) -> None:
    types = (await api.call("listAlertTypes"))["alerttype"]
    assert {"alerttypeid": 7, "name": "ALERT.COMPUTE.HOST"} in types
    await api.job("generateAlert", type=7, name="mine", description="something")
    (row,) = (await api.call("listAlerts", type="ALERT.COMPUTE.HOST"))["alert"]
    assert (row["type"], row["name"], row["description"]) == (7, "mine", "something")
    assert (await api.call("listAlerts", keyword="some"))["count"] == 1
    assert await api.call("listAlerts", type=8) == {}
    assert (await refused(api, "archiveAlerts"))[0] == 431
    await api.call("archiveAlerts", ids=row["id"])
    assert await api.call("listAlerts") == {}
    await api.job("generateAlert", type=8, name="other", description="something")
    (row,) = (await api.call("listAlerts"))["alert"]
    await api.call("deleteAlerts", type=8)
    assert (await refused(api, "listAlerts", id=row["id"]))[0] == 431
    assert (await refused(await person(api, http, "one"), "listAlerts"))[0] == 432
    # a host that stops answering raises one
    home = (await api.call("listHosts", type="Routing"))["host"][0]
    server.simulator.set_host(home["id"], False)
    await api.call("updateConfiguration", name="ping.timeout", value="0.00001")
    await server.periodic.run_now("host-ping")
    (row,) = (await api.call("listAlerts"))["alert"]
    assert home["name"] in row["description"]


async def test_details(api: Api, http: aiohttp.ClientSession) -> None:
    every = await role(api, "every", "User", "*")
    one, other = [await person(api, http, name, roleid=every["id"]) for name in ("one", "other")]
    machine = await one.deploy(startvm=False)
    on = {"resourcetype": "UserVm", "resourceid": machine["id"]}
    await one.job("addResourceDetail", **on, **{"details[0].key": "a", "details[0].value": "b"})
    hidden = {"details[0].key": "h", "details[0].value": "x"}
    await api.job("addResourceDetail", **on, **hidden, fordisplay=False)
    found = {row["key"]: row["value"] for row in (await one.call("listResourceDetails", **on))["resourcedetail"]}
    assert found["a"] == "b"
    assert "h" not in found
    assert "h" in {row["key"] for row in (await api.call("listResourceDetails", **on))["resourcedetail"]}
    (row,) = (await one.call("listResourceDetails", resourcetype="UserVm", key="a"))["resourcedetail"]
    assert row["resourceid"] == machine["id"]
    assert await other.call("listResourceDetails", resourcetype="UserVm", key="a") == {}
    for command in ("addResourceDetail", "removeResourceDetail"):
        assert (await refused(other, command, **on, **hidden, key="a"))[0] == 431
    zone = (await api.places())["zoneid"]
    assert (await refused(one, "addResourceDetail", resourcetype="Zone", resourceid=zone, **hidden))[0] == 531
    await one.job("removeResourceDetail", **on, key="a")
    assert await one.call("listResourceDetails", **on, key="a") == {}
    assert (await refused(one, "listResourceDetails", resourcetype="UserVm"))[0] == 431


async def test_regions_and_tags_of_hosts(api: Api) -> None:
    (local,) = (await api.call("listRegions"))["region"]
    assert (local["id"], local["name"]) == (1, "Local")
    await api.call("addRegion", id=2, name="two", endpoint="https://two.example.com/client/api")
    for given in (
        {"id": 2, "name": "x", "endpoint": "https://x"},
        {"id": 3, "name": "two", "endpoint": "https://x"},
        {"id": 0, "name": "x", "endpoint": "https://x"},
        {"id": 3, "name": "x", "endpoint": "file:///etc/passwd"},
    ):
        assert (await refused(api, "addRegion", **given))[0] == 431, given
    assert (await api.call("updateRegion", id=2, name="zwei"))["region"]["name"] == "zwei"
    assert (await refused(api, "removeRegion", id=1))[0] == 431
    await api.call("removeRegion", id=2)
    assert (await refused(api, "updateRegion", id=2, name="x"))[0] == 431
    assert await api.call("listHostTags") == {}
    hosts = (await api.call("listHosts", type="Routing"))["host"]
    for row in hosts[:2]:
        await api.call("updateHost", id=row["id"], hosttags="gold,ssd")
    assert [row["name"] for row in (await api.call("listHostTags"))["hosttag"]] == ["gold", "ssd"]
    pool = (await api.call("listStoragePools"))["storagepool"][0]["id"]
    await api.call("updateStoragePool", id=pool, tags="fast")
    assert [row["name"] for row in (await api.call("listStorageTags", keyword="FA"))["storagetag"]] == ["fast"]


async def test_usage(api: Api, http: aiohttp.ClientSession, server: Server) -> None:
    made = await account(api, "one")
    one = await keyed(api, http, made["user"][0]["id"])
    every = await role(api, "every", "User", "*")
    other = await person(api, http, "other", roleid=every["id"])
    machine = await one.deploy()
    await one.job("stopVirtualMachine", id=machine["id"])
    await one.job("startVirtualMachine", id=machine["id"])
    days = {
        "startdate": time.strftime("%Y-%m-%d", time.gmtime(time.time() - 86400)),
        "enddate": time.strftime("%Y-%m-%d", time.gmtime(time.time() + 2 * 86400)),
    }

    async def by_type(caller: Api, **given: Any) -> dict[int, list[dict[str, Any]]]:
        found: dict[int, list[dict[str, Any]]] = {}
        for row in (await caller.call("listUsageRecords", **days, **given)).get("usagerecord", []):
            found.setdefault(row["usagetype"], []).append(row)
        return found

    # a day may end meanwhile: then a record is in two pieces
    types = await by_type(api)
    assert set(types) == {1, 2, 3, 6, 13, 30}
    assert len({row["startdate"] for row in types[1]}) >= 1
    assert len(types[1]) >= 2
    assert {row["usageid"] for row in types[1] + types[2]} == {machine["id"]}
    assert types[1][0]["offeringid"] == machine["serviceofferingid"]
    assert (types[6][0]["size"], types[3][0]["issourcenat"]) == (2 * 2**30, True)
    assert {row["account"] for rows in types.values() for row in rows} == {"one"}
    # the default role of users has no command for it: a role of its own shows what is the own
    assert (await refused(one, "listUsageRecords", **days))[0] == 432
    assert await by_type(api, accountid=(await api.call("listAccounts", name="other"))["account"][0]["id"]) == {}
    assert set(await by_type(api, type=6)) == {6}
    assert await by_type(other) == {}
    await other.deploy(startvm=False)
    assert {row["account"] for rows in (await by_type(other)).values() for row in rows} == {"other"}
    assert (await refused(api, "listUsageRecords", startdate=days["enddate"], enddate=days["startdate"]))[0] == 431
    assert (await refused(api, "listUsageRecords", startdate=days["startdate"]))[0] == 431
    await api.job("destroyVirtualMachine", id=machine["id"], expunge=True)
    mine = {"accountid": made["id"]}
    before = {kind: sum(float(row["rawusage"]) for row in rows) for kind, rows in (await by_type(api, **mine)).items()}
    time.sleep(0.05)
    after = {kind: sum(float(row["rawusage"]) for row in rows) for kind, rows in (await by_type(api, **mine)).items()}
    assert {kind for kind in after if after[kind] != before[kind]} <= {3, 30}
    names = {row["id"]: row["name"] for row in (await api.call("listUsageTypes"))["usagetype"]}
    assert (len(names), names[1]) == (25, "RUNNING_VM")
    await api.call("generateUsageRecords", **days)
    await api.call("removeRawUsageRecords", interval=1)
    assert set(await by_type(api, **mine)) == set(after)
    assert (await refused(api, "removeRawUsageRecords", interval=0))[0] == 431
