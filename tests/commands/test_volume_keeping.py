"""Volumes are renamed, protected, corrected, given to others, checked, handed out."""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import invariants
from apiclient import Api
from disks import GIB, attach, detach, disk, look, zone
from moves import hosts, pool, setting
from people import account, domain, keyed, person, refused, role

from cloudsim.agents.simulator.faults import Rule
from cloudsim.db import schema
from cloudsim.server import Server


async def updated(api: Api, volume: dict[str, Any], **given: Any) -> dict[str, Any]:
    return dict((await api.job("updateVolume", id=volume["id"], **given))["volume"])


async def test_a_name_and_a_protection(server: Server, api: Api) -> None:
    volume = await disk(api)
    assert (await updated(api, volume, name="renamed"))["name"] == "renamed"
    assert (await updated(api, volume, deleteprotection=True))["deleteprotection"]
    for command in ("deleteVolume", "destroyVolume"):
        status, text = await refused(api, command, id=volume["id"])
        assert (status, "deleteprotection" in text) == (431, True)
    await updated(api, volume, deleteprotection=False)
    await api.call("deleteVolume", id=volume["id"])
    await invariants.check(server)


async def test_what_is_for_root_admins(api: Api, http: aiohttp.ClientSession) -> None:
    every = await role(api, "every command", "User", "*")
    user = await person(api, http, "someone", roleid=every["id"])
    volume = await disk(user)
    for given in ({"displayvolume": False}, {"customid": str(uuid.uuid4())}, {"path": "a"}, {"chaininfo": "a"},
                  {"state": "Ready"}):  # fmt: skip
        assert (await refused(user, "updateVolume", id=volume["id"], **given))[0] == 431
    assert (await updated(user, volume, name="mine"))["name"] == "mine"
    assert (await refused(user, "updateVolume", id=volume["id"]))[0] == 431
    assert (await refused(user, "updateVolume", name="which"))[0] == 431
    own = str(uuid.uuid4())
    found = await updated(api, volume, displayvolume=False, customid=own, chaininfo="base <- top")
    assert (found["id"], found["displayvolume"], found["chaininfo"]) == (own, False, "base <- top")
    assert (await refused(api, "updateVolume", id=(await disk(api))["id"], customid=own))[0] == 431


async def test_what_is_recorded_can_be_corrected(server: Server, api: Api) -> None:
    near, *_ = await hosts(api)
    volume, other = await disk(api), await pool(api, "other", near)
    for given in (
        {"state": "Ready"},
        {"state": "Nonsense"},
        {"state": "Migrating"},
        {"path": "a"},
        {"storageid": other},
    ):
        assert (await refused(api, "updateVolume", id=volume["id"], **given))[0] == 431
    found = await updated(api, volume, state="Ready", path="there", storageid=other)
    assert (found["state"], found["path"], found["storageid"]) == ("Ready", "there", other)
    assert (await api.call("getPathForVolume", volumeid=volume["id"])) == {"apipathforvolume": {"path": "there"}}
    await invariants.check_records(server)
    assert (await refused(api, "updateVolume", id=volume["id"], state="Allocated"))[0] == 431
    assert (await refused(api, "getPathForVolume", volumeid=(await disk(api))["id"]))[0] == 431
    assert (await refused(api, "getPathForVolume", volumeid="nothing"))[0] == 431


async def test_another_owner(server: Server, api: Api, http: aiohttp.ClientSession) -> None:
    top = await domain(api, "top")
    first, second = [await account(api, name, domainid=top["id"]) for name in ("first", "second")]
    one, two = [await keyed(api, http, who["user"][0]["id"]) for who in (first, second)]
    volume = await disk(one)
    tag = {"tags[0].key": "a", "tags[0].value": "b"}
    await one.job("createTags", resourceids=volume["id"], resourcetype="Volume", **tag)
    given = {"volumeid": volume["id"], "accountid": second["id"]}
    boss = await person(api, http, "boss", 2, domainid=top["id"])
    assert (await refused(boss, "assignVolume", volumeid=volume["id"]))[0] == 431
    assert (await refused(boss, "assignVolume", volumeid=volume["id"], accountid=first["id"]))[0] == 431
    await api.call("updateResourceLimit", resourcetype=2, max=0, account="second", domainid=top["id"])
    assert (await refused(boss, "assignVolume", **given))[0] == 535
    await api.call("updateResourceLimit", resourcetype=2, max=-1, account="second", domainid=top["id"])
    assert (await boss.call("assignVolume", **given))["volume"]["account"] == "second"
    assert (await refused(one, "listVolumes", id=volume["id"]))[0] == 431
    assert (await two.call("listVolumes", **tag))["count"] == 1
    await attach(two, volume, machine := await two.deploy())
    status, text = await refused(boss, "assignVolume", volumeid=volume["id"], accountid=first["id"])
    assert (status, "attached" in text) == (431, True)
    project = (await two.job("createProject", name="shared"))["project"]["id"]
    await detach(two, volume)
    made = await boss.call("assignVolume", volumeid=volume["id"], projectid=project)
    assert made["volume"]["projectid"] == project
    assert machine["id"]
    await invariants.check(server)


async def test_one_with_snapshots_keeps_its_owner(api: Api) -> None:
    other = await account(api, "other")
    volume = await attach(api, await disk(api), await api.deploy())
    await api.job("createSnapshot", volumeid=volume["id"])
    await detach(api, volume)
    status, text = await refused(api, "assignVolume", volumeid=volume["id"], accountid=other["id"])
    assert (status, "snapshots" in text) == (431, True)


async def test_checked(api: Api) -> None:
    machine = await api.deploy()
    volume = await disk(api)
    assert (await refused(api, "checkVolume", id=volume["id"]))[0] == 431
    await attach(api, volume, machine)
    assert (await refused(api, "checkVolume", id=volume["id"]))[0] == 431
    await detach(api, volume)
    found = (await api.job("checkVolume", id=volume["id"], repair="all"))["volume"]
    assert found["volumecheckresult"]["leaks"] == "0"
    assert (await refused(api, "checkVolume", id=volume["id"], repair="some"))[0] == 431


async def extracted(api: Api, volume: dict[str, Any], **given: Any) -> dict[str, Any]:
    made = await api.job(
        "extractVolume", **{"id": volume["id"], "zoneid": await zone(api), "mode": "HTTP_DOWNLOAD", **given}
    )
    return dict(made["volume"])


async def fetched(http: aiohttp.ClientSession, api: Api, url: str) -> tuple[int, bytes]:
    ours = urlsplit(api.endpoint)
    async with http.get(urlsplit(url)._replace(netloc=ours.netloc).geturl()) as response:
        return response.status, await response.read()


async def test_handed_out_for_a_time(server: Server, api: Api, http: aiohttp.ClientSession) -> None:
    machine, volume = await api.deploy(), await disk(api)
    given = {"id": volume["id"], "zoneid": await zone(api), "mode": "HTTP_DOWNLOAD"}
    assert (await refused(api, "extractVolume", **given))[0] == 431  # it holds nothing yet
    await attach(api, volume, machine)
    assert (await refused(api, "extractVolume", **given))[0] == 431
    await detach(api, volume)
    for wrong in ({"mode": "FTP_UPLOAD"}, {"mode": "nonsense"}, {"url": "http://example.com/"}):
        assert (await refused(api, "extractVolume", **{**given, **wrong}))[0] == 431
    made = await extracted(api, volume)
    assert (made["id"], made["state"], made["extractMode"]) == (volume["id"], "DOWNLOAD_URL_CREATED", "HTTP_DOWNLOAD")
    status, body = await fetched(http, api, made["url"])
    assert (status, body[:4], int.from_bytes(body[24:32], "big")) == (200, b"QFI\xfb", 5 * GIB)
    await attach(api, volume, machine)
    assert (await fetched(http, api, made["url"]))[0] == 404
    await api.job("stopVirtualMachine", id=machine["id"])
    assert (await fetched(http, api, made["url"]))[0] == 200
    await detach(api, volume)
    await setting(api, "extract.url.expiration.interval", 1)
    late = await extracted(api, volume)
    await server.db.write(lambda tx: tx.update(schema.volume, {"uuid": volume["id"]}, removed=1))
    assert (await fetched(http, api, late["url"]))[0] == 404


async def test_root_disks_of_templates_that_are_extractable(
    api: Api, http: aiohttp.ClientSession, server: Server
) -> None:
    user = await person(api, http, "someone")
    machine = await user.deploy()
    await user.job("stopVirtualMachine", id=machine["id"])
    (root,) = (await user.call("listVolumes", virtualmachineid=machine["id"]))["volume"]
    assert not (await look(user, root))["isextractable"]
    given = {"id": root["id"], "zoneid": await zone(api), "mode": "HTTP_DOWNLOAD"}
    assert (await refused(user, "extractVolume", **given))[0] == 531
    await extracted(api, root)
    await server.db.write(lambda tx: tx.update(schema.template, {"type": "BUILTIN"}, is_extractable=True))
    await extracted(user, root)


async def test_made_from_a_snapshot(server: Server, api: Api) -> None:
    machine = await api.deploy()
    volume = await attach(api, await disk(api), machine)
    server.simulator.content(volume["id"], "then")
    made = (await api.job("createSnapshot", volumeid=volume["id"]))["snapshot"]
    server.simulator.content(volume["id"], "now")
    copy = await disk(api, snapshotid=made["id"])
    assert (copy["state"], copy["size"], copy["snapshotid"]) == ("Ready", 5 * GIB, made["id"])
    assert copy["diskofferingid"] == volume["diskofferingid"]
    assert server.simulator.content(copy["id"]) == "then"
    await attach(api, copy, machine)
    same = await disk(api, snapshotid=made["id"], size=7)
    assert same["size"] == 5 * GIB, "without an offering it is as large as its snapshot"
    large = await disk(api, snapshotid=made["id"], virtualmachineid=machine["id"],
                       diskofferingid=(await api.call("listDiskOfferings", name="Custom"))["diskoffering"][0]["id"],
                       size=7)  # fmt: skip
    assert (large["size"], large["virtualmachineid"]) == (7 * GIB, machine["id"])
    for wrong in ({"diskofferingid": copy["diskofferingid"], "size": 3}, {"snapshotid": str(uuid.uuid4())}):
        given = {"snapshotid": made["id"], "name": "no", **wrong}
        assert (await refused(api, "createVolume", **given))[0] == 431
    await invariants.check(server)
    for kind, status in (("fail", 530), ("lose", 530)):
        server.simulator.add_rule(Rule("CreateVolumeFromSnapshotCommand", kind))
        assert (await refused(api, "createVolume", snapshotid=made["id"], name=kind))[0] == status
        server.simulator.clear()
    assert await api.call("listVolumes", name="fail") == {}
    (left,) = (await api.call("listVolumes", name="lose"))["volume"]
    assert left["state"] == "Destroy"
    await server.db.write(lambda tx: tx.update(schema.volume, {"uuid": left["id"]}, destroyed=0))
    await server.periodic.run_now("storage-cleanup")
    await invariants.check(server)
