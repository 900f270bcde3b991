"""In a zone with a real image store templates are really downloaded, whatever the other side does."""

from __future__ import annotations

import asyncio
import bz2
import gzip
import hashlib
import io
import os
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from apiclient import Api
from imageserver import File, ImageServer, iso, qcow2
from invariants import check
from options import make_config
from people import refused
from stores import files, listed, real_zone, register, register_iso, state, until

from cloudsim.server import Server
from cloudsim.services import download, download_worker, transfer

GIB = 1024**3


@pytest.fixture
async def images() -> AsyncIterator[ImageServer]:
    async with ImageServer() as made:
        yield made


@pytest.fixture
async def store(api: Api, tmp_path: Path) -> tuple[str, Path]:
    """A zone with an image store in a directory."""
    return await real_zone(api, tmp_path / "store"), tmp_path / "store"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "PAUSE", 0.02)
    monkeypatch.setattr(download_worker, "BEAT", 0.05)


async def events(api: Api, id: str) -> list[str]:
    rows = (await api.call("listEvents", listall=True, resourceid=id, resourcetype="Template")).get("event", [])
    return sorted(row["type"] for row in rows)


async def fails(api: Api, server: Server, made: dict[str, Any], directory: Path) -> str:
    """Why a download failed, once it has; it has left no file and takes no room."""
    row = await until(api, made["id"], "DOWNLOAD_ERROR", iso=made["format"] == "ISO")
    assert (row["isready"], row["size"], row["physicalsize"]) == (False, 0, 0)
    assert files(directory) == []
    await check(server)
    return row["status"]


async def test_a_template_is_downloaded_and_becomes_ready(
    api: Api, server: Server, images: ImageServer, store: tuple[str, Path]
) -> None:
    zone, directory = store
    data = qcow2(3 * GIB, 5_000_000)
    images["/a.qcow2"] = File(data)
    made = await register(api, zone, images.url("/a.qcow2"))
    assert (made["isready"], made["status"]) == (False, "0% Downloaded")
    row = await until(api, made["id"], "DOWNLOADED")
    assert (row["isready"], row["status"]) == (True, "Download Complete")
    assert (row["size"], row["physicalsize"]) == (3 * GIB, len(data))
    (file,) = files(directory)
    assert (file.name, file.read_bytes()) == (f"{made['id']}.qcow2", data)
    assert await events(api, made["id"]) == ["TEMPLATE.CREATE", "TEMPLATE.DOWNLOAD.START", "TEMPLATE.DOWNLOAD.SUCCESS"]
    await check(server)


async def test_the_list_tells_the_percents_on_the_way(api: Api, images: ImageServer, store: tuple[str, Path]) -> None:
    data = qcow2(GIB, 4_000_000)
    images["/a.qcow2"] = file = File(data, stall=len(data) // 2)
    made = await register(api, store[0], images.url("/a.qcow2"))
    async with asyncio.timeout(20):
        while (row := await listed(api, made["id"]))["status"] != "49% Downloaded":
            assert row["status"] in ("0% Downloaded", "49% Downloaded", "50% Downloaded")
            if row["status"].startswith("50"):
                break
            await asyncio.sleep(0.02)
    assert row["downloaddetails"][0]["downloadPercent"] in ("49", "50")
    file.go.set()
    await until(api, made["id"], "DOWNLOADED")


@pytest.mark.parametrize("name", ["", "{MD5}", "{SHA-1}", "{SHA-256}", "{SHA-512}"])
async def test_a_checksum_is_checked(name: str, api: Api, images: ImageServer, store: tuple[str, Path]) -> None:
    data = qcow2(GIB, 100_000)
    images["/a.qcow2"] = File(data)
    algorithm = name.strip("{}").replace("-", "").lower() or "md5"
    sum_ = name + hashlib.new(algorithm, data).hexdigest()
    made = await register(api, store[0], images.url("/a.qcow2"), checksum=sum_)
    assert (await until(api, made["id"], "DOWNLOADED", "DOWNLOAD_ERROR"))["checksum"] == sum_
    assert state(await listed(api, made["id"])) == "DOWNLOADED"


@pytest.mark.parametrize("pack", ["gz", "bz2", "zip"])
async def test_what_is_compressed_is_expanded(
    pack: str, api: Api, images: ImageServer, store: tuple[str, Path]
) -> None:
    data = qcow2(GIB, 500_000)
    packed = {"gz": gzip.compress(data), "bz2": bz2.compress(data), "zip": b""}[pack]
    if pack == "zip":
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a.qcow2", data)
        packed = buffer.getvalue()
    images[f"/a.qcow2.{pack}"] = File(packed)
    made = await register(api, store[0], images.url(f"/a.qcow2.{pack}"), checksum=hashlib.md5(packed).hexdigest())
    row = await until(api, made["id"], "DOWNLOADED", "DOWNLOAD_ERROR")
    assert (state(row), row["size"], row["physicalsize"]) == ("DOWNLOADED", GIB, len(data)), row["status"]
    (file,) = files(store[1])
    assert file.read_bytes() == data


async def test_a_connection_that_breaks_is_gone_on_with(api: Api, images: ImageServer, store: tuple[str, Path]) -> None:
    data = qcow2(GIB, 6_000_000)
    images["/a.qcow2"] = file = File(data, cut=3_000_000, cuts=2)
    made = await register(api, store[0], images.url("/a.qcow2"), checksum=hashlib.md5(data).hexdigest())
    await until(api, made["id"], "DOWNLOADED")
    assert files(store[1])[0].read_bytes() == data
    assert "Range" not in file.asked[0]
    assert all(asked["Range"].startswith("bytes=") and asked["If-Range"] == file.entity() for asked in file.asked[1:])
    assert int(file.asked[-1]["Range"].removeprefix("bytes=").rstrip("-")) > 0


@pytest.mark.parametrize("heeds", [True, False])
async def test_a_file_that_changes_between_two_tries_is_not_mixed(
    heeds: bool, api: Api, images: ImageServer, store: tuple[str, Path]
) -> None:
    before, after = qcow2(GIB, 6_000_000), qcow2(2 * GIB, 5_000_000)
    images["/a.qcow2"] = file = File(before, cut=3_000_000, cuts=1, then=after, heeds=heeds)
    made = await register(api, store[0], images.url("/a.qcow2"))
    row = await until(api, made["id"], "DOWNLOADED")
    assert (files(store[1])[0].read_bytes() == after, row["size"]) == (True, 2 * GIB)
    assert "Range" in file.asked[1]


@pytest.mark.parametrize("how", [{"tag": ""}, {"tag": 'W/"weak"'}, {"ranges": False}])
async def test_without_a_way_to_go_on_it_begins_anew(
    how: dict[str, Any], api: Api, images: ImageServer, store: tuple[str, Path]
) -> None:
    data = qcow2(GIB, 6_000_000)
    images["/a.qcow2"] = file = File(data, cut=3_000_000, cuts=1, **how)
    made = await register(api, store[0], images.url("/a.qcow2"))
    await until(api, made["id"], "DOWNLOADED")
    assert files(store[1])[0].read_bytes() == data
    assert len(file.asked) == 2


async def test_a_server_that_is_stopped_and_started_goes_on_where_it_was(
    api: Api, server: Server, images: ImageServer, store: tuple[str, Path], http: Any
) -> None:
    data = qcow2(GIB, 6_000_000)
    images["/a.qcow2"] = file = File(data, stall=4_000_000)
    made = await register(api, store[0], images.url("/a.qcow2"), checksum=hashlib.md5(data).hexdigest())
    async with asyncio.timeout(10):
        while not any(path.stat().st_size > 2_000_000 for path in files(store[1])):
            await asyncio.sleep(0.02)
    await asyncio.sleep(0.2)
    await server.stop()
    file.stall = -1
    again = Server(make_config(server.config.data_dir))
    await again.start()
    try:
        await until(Api(http, again.url, api.key, api.secret), made["id"], "DOWNLOADED")
        assert files(store[1])[0].read_bytes() == data
        assert file.asked[-1]["Range"] != "bytes=0-"
    finally:
        await again.stop()


async def test_a_server_error_is_tried_again_a_bounded_number_of_times(
    api: Api, server: Server, images: ImageServer, store: tuple[str, Path]
) -> None:
    images["/a.qcow2"] = file = File(b"", status=503)
    made = await register(api, store[0], images.url("/a.qcow2"))
    assert await fails(api, server, made, store[1]) == "the other side answers 503"
    assert len(file.asked) == download.TRIES
    assert await events(api, made["id"]) == ["TEMPLATE.CREATE", "TEMPLATE.DOWNLOAD.FAILED", "TEMPLATE.DOWNLOAD.START"]


async def test_what_is_not_there_is_given_up_at_once(
    api: Api, server: Server, images: ImageServer, store: tuple[str, Path]
) -> None:
    images["/a.qcow2"] = file = File(b"", status=404)
    made = await register(api, store[0], images.url("/a.qcow2"))
    assert await fails(api, server, made, store[1]) == "the other side answers 404"
    assert len(file.asked) == 1


async def test_what_stalls_is_given_up_after_a_time(
    api: Api, server: Server, images: ImageServer, store: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download_worker, "STALL", 0.2)
    monkeypatch.setattr(download, "TRIES", 2)
    data = qcow2(GIB, 6_000_000)
    images["/a.qcow2"] = File(data, stall=1_000_000, cut=0)
    made = await register(api, store[0], images.url("/a.qcow2"))
    status = await fails(api, server, made, store[1])
    assert "took too long" in status or "hardly sends anything" in status


BAD = {
    # lies about the length
    "says more than it sends": (File(qcow2(GIB, 100_000), length=400_000), {}, "broke off"),
    "says less than it sends": (File(qcow2(GIB, 100_000), length=150_000), {}, "does not lie within it"),
    "breaks off in the middle of a chunk": (File(qcow2(GIB, 900_000), chunked=True, cut=600_000, tag=""), {}, "broke off"),
    # is not what it says
    "is a web page": (File(b"<html>not here</html>" * 100), {}, "does not begin so"),
    "refers to another file": (File(qcow2(GIB, backing=b"/etc/passwd")), {}, "refers to other files"),
    "is empty": (File(b""), {}, "empty"),
    "is another format": (File(qcow2(GIB)), {"format": "RAW", "path": "/a.raw"}, "begins like QCOW2"),
    "is no gzip file": (File(b"\x1f\x8b\x08" + b"x" * 1000), {"path": "/a.qcow2.gz"}, "gz"),
    "has another checksum": (File(qcow2(GIB)), {"checksum": "0" * 32}, "checksum"),
    "comes in an encoding": (File(qcow2(GIB), headers={"Content-Encoding": "gzip"}), {}, "encoding"),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD)
async def test_what_lies_is_refused_and_leaves_no_file(
    what: str, api: Api, server: Server, images: ImageServer, store: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "TRIES", 2)
    file, given, text = BAD[what]
    path = given.get("path", "/a.qcow2")
    images[path] = file
    more = {name: value for name, value in given.items() if name != "path"}
    made = await register(api, store[0], images.url(path), **more)
    assert text in await fails(api, server, made, store[1])


async def test_an_iso_that_is_none_is_refused(
    api: Api, server: Server, images: ImageServer, store: tuple[str, Path]
) -> None:
    images["/a.iso"] = File(b"x" * 200_000)
    images["/b.iso"] = File(iso())
    made = await register_iso(api, store[0], images.url("/a.iso"))
    assert "no volume descriptor" in await fails(api, server, made, store[1])
    good = await register_iso(api, store[0], images.url("/b.iso"))
    row = await until(api, good["id"], "DOWNLOADED", iso=True)
    assert (row["status"], row["size"]) == ("Successfully Installed", len(iso()))


async def test_what_is_too_large_is_refused(
    api: Api, server: Server, images: ImageServer, store: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download_worker, "GIB", 1000)  # so that max.template.iso.size is 50,000 bytes
    data = qcow2(GIB, 100_000)
    images["/told.qcow2"], images["/untold.qcow2"] = File(data), File(data, chunked=True)
    bomb = gzip.compress(bytes(60_000) + data)
    images["/bomb.qcow2.gz"] = File(gzip.compress(qcow2(GIB) + bytes(1_000_000)))
    assert len(bomb) < 50_000
    for path in ("/told.qcow2", "/untold.qcow2", "/bomb.qcow2.gz"):
        made = await register(api, store[0], images.url(path))
        assert "limit" in await fails(api, server, made, store[1]), path


@pytest.mark.parametrize("place", ["http://10.0.0.1/a.qcow2", "http://169.254.169.254/a.qcow2", "file:///etc/passwd"])
async def test_redirects_into_private_networks_are_not_followed(
    place: str, api: Api, server: Server, images: ImageServer, store: tuple[str, Path]
) -> None:
    images["/a.qcow2"] = File(b"", location=place)
    made = await register(api, store[0], images.url("/a.qcow2"))
    assert "store.download.follow.redirects" in await fails(api, server, made, store[1])
    await api.call("updateConfiguration", name="store.download.follow.redirects", value="true")
    made = await register(api, store[0], images.url("/a.qcow2"))
    status = await fails(api, server, made, store[1])
    assert "public internet" in status or "http" in status


async def test_redirects_are_followed_where_the_setting_says_so(
    api: Api, images: ImageServer, store: tuple[str, Path]
) -> None:
    await api.call("updateConfiguration", name="store.download.follow.redirects", value="true")
    images["/a.qcow2"] = File(b"", location=images.url("/b"))
    images["/b"] = File(qcow2(GIB))
    made = await register(api, store[0], images.url("/a.qcow2"))
    await until(api, made["id"], "DOWNLOADED")


async def test_a_full_disk_fails_it_and_leaves_nothing(
    api: Api, server: Server, images: ImageServer, store: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(file: int, block: list[bytes], *_: Any) -> None:
        os.write(file, block[0][:1000])
        raise OSError(28, "No space left on device")

    images["/a.qcow2"] = File(qcow2(GIB, 5_000_000))
    monkeypatch.setattr(transfer, "_write", full)
    made = await register(api, store[0], images.url("/a.qcow2"))
    assert "No space left" in await fails(api, server, made, store[1])


async def test_a_store_without_room_is_not_filled(
    api: Api, server: Server, images: ImageServer, store: tuple[str, Path]
) -> None:
    await api.call("updateConfiguration", name="max.template.iso.size", value="1000000000")
    images["/a.raw"] = File(b"x" * 1000, length=2**55)
    made = await register(api, store[0], images.url("/a.raw"), format="RAW")
    assert "no room" in await fails(api, server, made, store[1])


async def test_deleting_it_stops_the_download_and_removes_the_file(
    api: Api, server: Server, images: ImageServer, store: tuple[str, Path]
) -> None:
    data = qcow2(GIB, 5_000_000)
    images["/a.qcow2"], images["/b.qcow2"] = File(data, stall=2_000_000), File(data)
    coming = await register(api, store[0], images.url("/a.qcow2"))
    there = await register(api, store[0], images.url("/b.qcow2"), name="other")
    await until(api, there["id"], "DOWNLOADED")
    async with asyncio.timeout(10):
        while len(files(store[1])) < 2:
            await asyncio.sleep(0.02)
    for made in (coming, there):
        await api.job("deleteTemplate", id=made["id"])
    async with asyncio.timeout(10):
        while files(store[1]):
            await asyncio.sleep(0.02)
    assert not server.downloads._tasks
    await check(server)


async def test_what_an_account_may_not_have_is_not_downloaded(
    api: Api, server: Server, images: ImageServer, store: tuple[str, Path]
) -> None:
    from people import PERSON

    body = await api.call("createAccount", "POST", **PERSON, username="small", accounttype=0)
    owner = {"account": "small", "domainid": body["account"]["domainid"]}
    await api.call("updateResourceLimit", **owner, resourcetype=11, max=0)
    images["/a.qcow2"] = File(qcow2(GIB, 1_000_000))
    made = await register(api, store[0], images.url("/a.qcow2"), **owner)
    async with asyncio.timeout(20):
        while True:
            (row,) = (await api.call("listTemplates", templatefilter="all", id=made["id"]))["template"]
            if state(row) == "DOWNLOAD_ERROR":
                break
            await asyncio.sleep(0.02)
    assert "secondary_storage" in row["status"]
    assert files(store[1]) == []


async def test_urls_that_cannot_be_used_are_refused_at_once(
    api: Api, server: Server, images: ImageServer, store: tuple[str, Path]
) -> None:
    zone, _ = store
    before = (await api.call("listTemplates", templatefilter="all"))["count"]
    given = {"name": "x", "hypervisor": "KVM", "format": "QCOW2", "zoneid": zone}
    given["ostypeid"] = (await api.call("listOsTypes", description="CentOS 7"))["ostype"][0]["id"]
    for url in (
        "ftp://127.0.0.1/a.qcow2",
        "file:///etc/passwd.qcow2",
        "http://10.0.0.1/a.qcow2",
        "http://user:pass@127.0.0.1/a.qcow2",
        "http://no-such-host.invalid/a.qcow2",
        images.url("/a.txt"),
        images.url("/a.vhd"),
    ):
        assert (await refused(api, "registerTemplate", url=url, **given))[0] == 431, url
    assert (await api.call("listTemplates", templatefilter="all"))["count"] == before
    await check(server)


async def test_files_that_no_row_is_for_are_swept_away(api: Api, server: Server, store: tuple[str, Path]) -> None:
    folder = store[1] / "template" / "tmpl" / "1" / "99"
    folder.mkdir(parents=True)
    old, new, foreign = folder / "old.qcow2", folder / ".new.qcow2.part", store[1] / "mine.txt"
    for file in (old, new, foreign):
        file.write_bytes(b"x")
    os.utime(old, (0, 0))
    os.utime(foreign, (0, 0))
    await server.periodic.run_now("image-files")
    assert (old.exists(), new.exists(), foreign.exists()) == (False, True, True)


async def test_an_image_store_needs_a_directory_that_is_there(
    api: Api, store: tuple[str, Path], tmp_path: Path
) -> None:
    zone, directory = store
    for url in (f"file://{tmp_path}/none", f"file://{directory}", "file:///a/../b", "file://host/a"):
        assert (await refused(api, "addImageStore", provider="NFS", url=url, zoneid=zone))[0] == 431, url
    (tmp_path / "mounted").mkdir()
    given = {"details[0].key": "directory", "details[0].value": str(tmp_path / "mounted")}
    await api.call("addImageStore", provider="NFS", url="nfs://server/path", zoneid=zone, **given)
