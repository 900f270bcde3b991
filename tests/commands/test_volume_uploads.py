"""Volumes are brought from URLs and by requests, lie on image stores, and are copied to primary storage when attached."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from apiclient import Api
from disks import attach, detach, look, new_offering, offering, on_host, zone
from imageserver import File, ImageServer, qcow2
from invariants import check, rows
from people import account, keyed, person, refused
from stores import files, real_zone
from test_template_files import send

from cloudsim.agents.simulator.faults import Rule
from cloudsim.server import Server
from cloudsim.services import upload

GIB = 1024**3
URL = "http://images.example.com/a.qcow2"


@pytest.fixture
async def images() -> AsyncIterator[ImageServer]:
    async with ImageServer() as made:
        yield made


@pytest.fixture
async def store(api: Api, tmp_path: Path) -> tuple[str, Path]:
    return await real_zone(api, tmp_path / "store"), tmp_path / "store"


async def bring(api: Api, zoneid: str | None = None, url: str = URL, **given: Any) -> dict[str, Any]:
    """An uploaded volume, as the job tells of it."""
    asked = {"name": "mine", "format": "QCOW2", "url": url, "zoneid": zoneid or await zone(api), **given}
    return (await api.job("uploadVolume", **asked))["volume"]


async def until(api: Api, volume: dict[str, Any], *states: str) -> dict[str, Any]:
    """The volume, when it is in one of these states."""
    async with asyncio.timeout(20):
        while (row := await look(api, volume))["state"] not in states:
            await asyncio.sleep(0.02)
    return row


async def params(api: Api, zoneid: str | None = None, **given: Any) -> dict[str, str]:
    asked = {"name": "sent", "format": "QCOW2", "zoneid": zoneid or await zone(api), **given}
    return (await api.call("getUploadParamsForVolume", **asked))["getuploadparams"]


async def counts(api: Api) -> tuple[int, ...]:
    """The volumes, and the GiB on primary and on secondary storage, that the caller's account is told to have."""
    row = (await api.call("listAccounts"))["account"][0]
    return tuple(row[name] for name in ("volumetotal", "primarystoragetotal", "secondarystoragetotal"))


# -- fetched


async def test_a_volume_is_brought_from_its_url(
    api: Api, server: Server, images: ImageServer, store: tuple[str, Path]
) -> None:
    images["/a.qcow2"] = file = File(qcow2(2 * GIB, 900_000), stall=300_000)
    digest = "{SHA-256}" + hashlib.sha256(file.data).hexdigest()
    made = await bring(api, store[0], images.url("/a.qcow2"), checksum=digest)
    assert (made["state"], made["type"], made["name"], "virtualmachineid" in made) == (
        "Uploading",
        "DATADISK",
        "mine",
        False,
    )
    assert made["status"].endswith("% Uploaded")
    assert (await refused(api, "deleteVolume", id=made["id"]))[0] == 431
    file.go.set()
    row = await until(api, made, "Uploaded")
    assert (row["status"], row["size"], row["physicalsize"]) == ("Upload Complete", 2 * GIB, len(file.data))
    assert (row["virtualsize"], row["utilization"], row["diskofferingname"]) == (2 * GIB, "0.05%", "Custom")
    assert [path.read_bytes() == file.data for path in files(store[1])] == [True]
    await check(server)
    (there,) = [one for one in (await api.call("listImageStores"))["imagestore"] if one["zoneid"] == store[0]]
    folder = f"volumes/{files(store[1])[0].parent.parent.name}/{files(store[1])[0].parent.name}"
    (object_,) = (await api.call("listImageStoreObjects", id=there["id"], path=folder))["datastoreobject"]
    assert (object_["volumeid"], object_["size"]) == (row["id"], len(file.data))
    assert (await refused(api, "deleteImageStore", id=there["id"]))[0] == 536
    await api.call("deleteVolume", id=row["id"])
    async with asyncio.timeout(10):
        while files(store[1]):
            await asyncio.sleep(0.02)
    await check(server)


async def test_attached_it_is_copied_to_where_the_machine_reaches_it(api: Api, server: Server) -> None:
    machine, volume = await api.deploy(), await until(api, await bring(api), "Uploaded")
    found = await attach(api, volume, machine)
    assert (found["state"], found["deviceid"], "status" in found, found["size"]) == ("Ready", 1, False, GIB)
    assert on_host(server, machine)[volume["id"]] == 1
    assert await rows(server, "SELECT id FROM volume_store") == []
    await check(server)
    await detach(api, volume)
    await api.call("deleteVolume", id=volume["id"])
    await check(server)


async def test_its_file_goes_when_a_stopped_machine_gets_it(
    api: Api, server: Server, images: ImageServer, tmp_path: Path
) -> None:
    images["/a.qcow2"] = File(qcow2(GIB, 100_000))
    seeded = await zone(api)
    machine = await api.deploy(startvm=False)
    (first,) = (await api.call("listImageStores", zoneid=seeded))["imagestore"]
    await api.call("updateImageStore", id=first["id"], readonly=True)
    (tmp_path / "files").mkdir()
    await api.call("updateConfiguration", name="secstorage.allowed.internal.sites", value="127.0.0.0/8")
    await api.call("addImageStore", provider="NFS", url=f"file://{tmp_path / 'files'}", zoneid=seeded)
    volume = await until(api, await bring(api, url=images.url("/a.qcow2")), "Uploaded")
    assert len(files(tmp_path / "files")) == 1
    found = await attach(api, volume, machine)
    assert (found["state"], found["vmstate"], files(tmp_path / "files")) == ("Ready", "Stopped", [])
    await api.job("startVirtualMachine", id=machine["id"])
    assert on_host(server, machine)[volume["id"]] == 1
    await check(server)


async def test_it_counts_where_it_lies(api: Api, http: aiohttp.ClientSession, server: Server) -> None:
    own = await person(api, http, "counts")
    volume = await until(own, await bring(own), "Uploaded")
    assert await counts(own) == (1, 0, 1)
    open_ = f"SELECT type, size FROM usage WHERE ended IS NULL AND uuid = '{volume['id']}'"
    assert await rows(server, open_) == [(26, GIB)]
    machine = await own.deploy(startvm=False)
    before = (await counts(own))[1]
    await attach(own, volume, machine)
    assert (await counts(own))[1:] == (before + 1, 0)
    assert await rows(server, open_) == [(6, GIB)]


async def test_limits_hold(api: Api, http: aiohttp.ClientSession, server: Server) -> None:
    whose = await account(api, "limited")
    own = await keyed(api, http, whose["user"][0]["id"])
    given = {"account": "limited", "domainid": whose["domainid"]}
    await api.call("updateResourceLimit", resourcetype=11, max=0, **given)
    row = await until(own, await bring(own), "UploadError")
    assert "limit" in row["status"].lower()
    await api.call("updateResourceLimit", resourcetype=11, max=-1, **given)
    await api.call("updateResourceLimit", resourcetype=2, max=1, **given)
    asked = {"name": "a", "format": "QCOW2", "url": URL, "zoneid": await zone(api)}
    assert (await refused(own, "uploadVolume", **asked))[0] == 535
    await own.call("deleteVolume", id=row["id"])
    volume = await until(own, await bring(own), "Uploaded")
    await api.call("updateResourceLimit", resourcetype=2, max=-1, **given)
    machine = await own.deploy(startvm=False)
    await api.call("updateResourceLimit", resourcetype=10, max=(await counts(own))[1], **given)
    assert (await refused(own, "attachVolume", id=volume["id"], virtualmachineid=machine["id"]))[0] == 535
    assert (await look(own, volume))["state"] == "Uploaded"
    await check(server)


@pytest.mark.parametrize("what", ["status", "checksum", "format"])
async def test_what_cannot_be_brought_leaves_no_file(
    what: str, api: Api, server: Server, images: ImageServer, store: tuple[str, Path]
) -> None:
    data = b"no image" * 1000 if what == "format" else qcow2(GIB)
    images["/a.qcow2"] = File(data, status=404 if what == "status" else 200)
    given = {"checksum": "{MD5}" + "0" * 32} if what == "checksum" else {}
    made = await bring(api, store[0], images.url("/a.qcow2"), **given)
    row = await until(api, made, "UploadError")
    assert row["status"]
    assert files(store[1]) == []
    machine = await api.deploy(startvm=False)
    assert (await refused(api, "attachVolume", id=made["id"], virtualmachineid=machine["id"]))[0] == 431
    await check(server)
    await api.call("deleteVolume", id=made["id"])
    await check(server)


async def test_a_download_that_breaks_is_gone_on_with(api: Api, images: ImageServer, store: tuple[str, Path]) -> None:
    images["/a.qcow2"] = file = File(qcow2(GIB, 900_000), cut=500_000, cuts=1)
    await until(api, await bring(api, store[0], images.url("/a.qcow2")), "Uploaded")
    assert len(file.asked) == 2
    assert files(store[1])[0].read_bytes() == file.data


async def test_what_is_asked_wrongly_is_refused(api: Api, http: aiohttp.ClientSession) -> None:
    own = await person(api, http, "asks")
    asked = {"name": "a", "format": "QCOW2", "url": URL, "zoneid": await zone(api)}
    encrypted = (await new_offering(api, customized=True, encrypt=True))["id"]
    for given in (
        {"format": "TAR", "url": "http://images.example.com/a.tar"},
        {"url": "http://images.example.com/a.iso"},
        {"url": "ftp://images.example.com/a.qcow2"},
        {"checksum": "{SHA-3}1"},
        {"diskofferingid": await offering(api)},
        {"diskofferingid": encrypted},
        {"name": " "},
        {"zoneid": "nowhere"},
    ):
        assert (await refused(own, "uploadVolume", **{**asked, **given}))[0] == 431, given
    assert await api.call("listVolumes", listall=True) == {}


async def test_a_machine_gets_no_file_that_its_hosts_do_not_use(api: Api, server: Server) -> None:
    machine = await api.deploy(startvm=False)
    volume = await until(api, await bring(api), "Uploaded")
    assert (await refused(api, "attachVolume", id=volume["id"], virtualmachineid=machine["id"], deviceid=0))[0] == 431
    for command in ("resizeVolume", "extractVolume", "createSnapshot"):
        given = {
            "id": volume["id"],
            "volumeid": volume["id"],
            "zoneid": await zone(api),
            "mode": "HTTP_DOWNLOAD",
            "size": 9,
        }
        assert (await refused(api, command, **given))[0] == 431
    server.simulator.add_rule(Rule("CreateObjectCommand", "fail", count=1))
    assert (await refused(api, "attachVolume", id=volume["id"], virtualmachineid=machine["id"]))[0] == 530
    row = await look(api, volume)
    assert (row["state"], row["status"], "virtualmachineid" in row) == ("Uploaded", "Upload Complete", False)
    await check(server)
    assert (await attach(api, volume, machine))["state"] == "Ready"
    await check(server)


async def test_destroyed_it_can_be_recovered(api: Api, server: Server) -> None:
    volume = await until(api, await bring(api), "Uploaded")
    assert (await api.job("destroyVolume", id=volume["id"]))["volume"]["state"] == "Destroy"
    await check(server)
    await api.call("recoverVolume", id=volume["id"])
    assert (await look(api, volume))["state"] == "Uploaded"
    await check(server)
    await api.job("destroyVolume", id=volume["id"], expunge=True)
    await check(server)


async def test_what_comes_for_a_deleted_account_goes_with_it(
    api: Api, server: Server, images: ImageServer, store: tuple[str, Path]
) -> None:
    whose = await account(api, "goes")
    given = {"account": "goes", "domainid": whose["domainid"]}
    images["/a.qcow2"] = File(qcow2(GIB, 900_000), stall=300_000)
    await bring(api, store[0], images.url("/a.qcow2"), **given)
    async with asyncio.timeout(10):
        while not files(store[1]):
            await asyncio.sleep(0.02)
    await api.job("deleteAccount", id=whose["id"])
    async with asyncio.timeout(10):
        while files(store[1]):
            await asyncio.sleep(0.02)
    await check(server)


# -- sent


async def test_a_volume_is_sent(api: Api, server: Server, store: tuple[str, Path], http: aiohttp.ClientSession) -> None:
    data = qcow2(3 * GIB, 700_000)
    given = await params(api, store[0], checksum="{SHA-256}" + hashlib.sha256(data).hexdigest())
    assert (await look(api, given))["state"] == "NotUploaded"
    assert (await refused(api, "deleteVolume", id=given["id"]))[0] == 431
    assert (await send(http, given, data, signature="wrong"))[0] == 400
    assert (await send(http, given, data, form=True))[0] == 200
    row = await look(api, given)
    assert (row["state"], row["size"], row["physicalsize"]) == ("Uploaded", 3 * GIB, len(data))
    assert [path.read_bytes() == data for path in files(store[1])] == [True]
    assert (await send(http, given, data))[0] == 400
    await check(server)


async def test_what_is_sent_wrongly_leaves_no_file(
    api: Api, server: Server, store: tuple[str, Path], http: aiohttp.ClientSession
) -> None:
    given = await params(api, store[0])
    status, text = await send(http, given, b"no image" * 1000)
    row = await look(api, given)
    assert (status, row["state"], row["status"] in text) == (400, "UploadError", True)
    assert files(store[1]) == []
    await check(server)


async def test_what_is_not_sent_in_time_is_given_up(
    api: Api, server: Server, http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = await params(api)
    monkeypatch.setattr(upload, "MINUTE", 0)
    await server.periodic.run_now("uploads")
    assert (await look(api, given))["state"] == "UploadAbandoned"
    assert (await send(http, given, qcow2(GIB)))[0] == 400
    await check(server)
    await api.call("deleteVolume", id=given["id"])
    await check(server)


async def test_a_file_that_no_volume_has_is_swept_away(api: Api, server: Server, store: tuple[str, Path]) -> None:
    import os

    left = store[1] / "volumes" / "2" / "9" / "left.qcow2"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"x")
    os.utime(left, (1, 1))
    await server.periodic.run_now("image-files")
    assert files(store[1]) == []
