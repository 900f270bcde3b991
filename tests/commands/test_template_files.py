"""Files of templates and ISOs are fetched from this server, and sent to it, under URLs that expire."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from apiclient import Api
from imageserver import File, ImageServer, iso, qcow2
from invariants import check
from people import person, refused
from stores import files, os_type, real_zone, register, register_iso, until

from cloudsim.server import Server
from cloudsim.services import upload

GIB = 1024**3


@pytest.fixture
async def images() -> AsyncIterator[ImageServer]:
    async with ImageServer() as made:
        yield made


@pytest.fixture
async def store(api: Api, tmp_path: Path) -> tuple[str, Path]:
    return await real_zone(api, tmp_path / "store"), tmp_path / "store"


async def params(api: Api, zoneid: str, **given: Any) -> dict[str, str]:
    asked = {"name": "sent", "format": "QCOW2", "hypervisor": "KVM", "zoneid": zoneid, "ostypeid": await os_type(api)}
    return (await api.call("getUploadParamsForTemplate", "POST", **{**asked, **given}))["getuploadparams"]


async def send(
    http: aiohttp.ClientSession, given: dict[str, str], data: bytes, *, form: bool = False, **changed: str
) -> tuple[int, str]:
    """Status and text of a request that brings the file."""
    headers = {"X-signature": given["signature"], "X-metadata": given["metadata"], "X-expires": given["expires"]}
    headers.update({f"X-{name}": value for name, value in changed.items()})
    body: Any = data
    if form:
        body = aiohttp.FormData()
        body.add_field("files", data, filename="a.qcow2", content_type="application/octet-stream")
    async with http.post(given["postURL"], data=body, headers=headers) as response:
        return response.status, await response.text()


# -- fetched


async def test_a_template_is_fetched_under_a_url_that_is_made_for_it(
    api: Api, images: ImageServer, store: tuple[str, Path], http: aiohttp.ClientSession
) -> None:
    data = qcow2(GIB, 500_000)
    images["/a.qcow2"] = File(data)
    made = await register(api, store[0], images.url("/a.qcow2"), name="a name (of ours)/x")
    await until(api, made["id"], "DOWNLOADED")
    found = (await api.job("extractTemplate", id=made["id"], zoneid=store[0], mode="HTTP_DOWNLOAD"))["template"]
    assert (found["id"], found["extractMode"], found["state"]) == (made["id"], "HTTP_DOWNLOAD", "DOWNLOAD_URL_CREATED")
    assert found["url"].endswith("/a-name-of-ours-x.qcow2"), "the same when a client decodes it first"
    async with http.get(found["url"]) as response:
        assert (response.status, await response.read()) == (200, data)
    async with http.get(found["url"], headers={"Range": "bytes=100-199"}) as response:
        assert (response.status, await response.read()) == (206, data[100:200])
    word = found["url"].split("/")[-2]
    async with http.get(found["url"].replace(word, word[:-4] + "AAAA")) as response:
        assert response.status == 404
    await api.job("deleteTemplate", id=made["id"])
    async with http.get(found["url"]) as response:
        assert response.status == 404


async def test_the_url_expires(
    api: Api, images: ImageServer, store: tuple[str, Path], http: aiohttp.ClientSession
) -> None:
    await api.call("updateConfiguration", name="extract.url.expiration.interval", value="1")
    images["/a.iso"] = File(iso())
    made = await register_iso(api, store[0], images.url("/a.iso"))
    await until(api, made["id"], "DOWNLOADED", iso=True)
    url = (await api.job("extractIso", id=made["id"], mode="HTTP_DOWNLOAD"))["iso"]["url"]
    async with http.get(url) as response:
        assert response.status == 200
    await asyncio.sleep(1.2)
    async with http.get(url) as response:
        assert response.status == 404


async def test_what_may_not_be_extracted_is_not(api: Api, http: aiohttp.ClientSession) -> None:
    user, other = await person(api, http, "user"), await person(api, http, "other")
    zoneid = (await api.basics())["zoneid"]
    url = "http://images.example.com/a.qcow2"
    closed = await register(user, zoneid, url, hypervisor="Simulator")
    opened = await register(user, zoneid, url, hypervisor="Simulator", isextractable=True)
    assert (await refused(user, "extractTemplate", id=closed["id"], mode="HTTP_DOWNLOAD"))[0] == 531
    assert (await refused(other, "extractTemplate", id=opened["id"], mode="HTTP_DOWNLOAD"))[0] == 431
    for wrong in ({"mode": "FTP_UPLOAD"}, {"mode": "HTTP_DOWNLOAD", "url": "ftp://a/b"}):
        assert (await refused(user, "extractTemplate", id=opened["id"], **wrong))[0] == 431
    await api.call("updateConfiguration", name="disable.extraction", value="true")
    assert (await refused(user, "extractTemplate", id=opened["id"], mode="HTTP_DOWNLOAD"))[0] == 531


# -- sent


@pytest.mark.parametrize("form", [False, True])
async def test_a_template_is_sent_in_one_request(
    form: bool, api: Api, server: Server, store: tuple[str, Path], http: aiohttp.ClientSession
) -> None:
    data = qcow2(2 * GIB, 3_000_000)
    given = await params(api, store[0], checksum=hashlib.md5(data).hexdigest())
    (row,) = (await api.call("listTemplates", templatefilter="self", id=given["id"]))["template"]
    assert (row["isready"], row["downloaddetails"][0]["downloadState"]) == (False, "NOT_UPLOADED")
    assert await send(http, given, data, form=form) == (200, "uploaded\n")
    row = await until(api, given["id"], "DOWNLOADED")
    assert (row["isready"], row["size"], row["physicalsize"]) == (True, 2 * GIB, len(data))
    assert files(store[1])[0].read_bytes() == data
    assert (await send(http, given, data))[0] == 400  # once
    await check(server)


async def test_a_wrong_signature_is_refused(api: Api, store: tuple[str, Path], http: aiohttp.ClientSession) -> None:
    given, other = await params(api, store[0]), await params(api, store[0])
    for changed in ({"signature": other["signature"]}, {"metadata": other["metadata"]}, {"expires": "2099-01-01"},
                    {"signature": "abc"}, {"metadata": ""}):  # fmt: skip
        assert (await send(http, given, qcow2(GIB), **changed))[0] in (400, 403), changed
    assert files(store[1]) == []
    (row,) = (await api.call("listTemplates", templatefilter="self", id=given["id"]))["template"]
    assert row["downloaddetails"][0]["downloadState"] == "NOT_UPLOADED"


@pytest.mark.parametrize("data", [b"", b"<html>", qcow2(GIB, backing=b"/etc/passwd")])
async def test_what_is_sent_is_looked_at(
    data: bytes, api: Api, server: Server, store: tuple[str, Path], http: aiohttp.ClientSession
) -> None:
    given = await params(api, store[0])
    assert (await send(http, given, data))[0] == 400
    row = await until(api, given["id"], "UPLOAD_ERROR")
    assert (row["isready"], row["size"], files(store[1])) == (False, 0, [])
    await check(server)


async def test_who_breaks_off_leaves_nothing(api: Api, store: tuple[str, Path], http: aiohttp.ClientSession) -> None:
    given = await params(api, store[0])

    async def half() -> AsyncIterator[bytes]:
        yield qcow2(GIB, 3_000_000)
        raise ConnectionError

    headers = {"X-signature": given["signature"], "X-metadata": given["metadata"], "X-expires": given["expires"]}
    with pytest.raises((aiohttp.ClientError, ConnectionError)):
        await http.post(given["postURL"], data=half(), headers=headers)
    await until(api, given["id"], "UPLOAD_ERROR")
    assert files(store[1]) == []


async def test_what_is_not_sent_in_time_is_given_up(
    api: Api, server: Server, store: tuple[str, Path], http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = await params(api, store[0])
    monkeypatch.setattr(upload, "MINUTE", 0)
    await server.periodic.run_now("uploads")
    await until(api, given["id"], "ABANDONED")
    assert (await send(http, given, qcow2(GIB)))[0] == 400
    await check(server)


async def test_an_iso_is_sent_to_a_simulated_store(api: Api, http: aiohttp.ClientSession) -> None:
    zoneid = (await api.basics())["zoneid"]
    asked = {"name": "sent", "format": "ISO", "zoneid": zoneid, "ostypeid": await os_type(api)}
    given = (await api.call("getUploadParamsForIso", **asked))["getuploadparams"]
    assert (await send(http, given, iso()))[0] == 200
    row = await until(api, given["id"], "DOWNLOADED", iso=True)
    assert (row["isready"], row["size"]) == (True, len(iso()))


async def test_a_template_is_copied_between_real_stores(
    api: Api, server: Server, images: ImageServer, store: tuple[str, Path], tmp_path: Path
) -> None:
    data = qcow2(GIB, 400_000)
    images["/a.qcow2"] = File(data)
    made = await register(api, store[0], images.url("/a.qcow2"))
    await until(api, made["id"], "DOWNLOADED")
    second = await real_zone(api, tmp_path / "second", "second")
    row = (await api.job("copyTemplate", id=made["id"], destzoneid=second))["template"]
    assert (row["isready"], row["zoneid"]) == (True, second)
    assert (files(tmp_path / "second")[0].read_bytes(), len(images["/a.qcow2"].asked)) == (data, 1)
    await api.job("deleteTemplate", id=made["id"])
    assert files(tmp_path / "second") == files(store[1]) == []
    await check(server)
