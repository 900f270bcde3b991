"""Killed with SIGKILL at each step of a volume's upload and of its way to primary storage, nothing is lost or left over."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from pathlib import Path

import aiohttp
import pytest
from apiclient import Api, admin_keys
from disks import zone
from imageserver import File, ImageServer, qcow2
from invariants import check, rest
from options import make_config
from stores import files
from victims import at_each_boundary, victim

from cloudsim.server import Server

GIB = 1024**3


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, seeded_dir: Path) -> Path:
    """A data directory whose zone has a machine that is stopped, and an image store with files."""
    base = tmp_path_factory.mktemp("uploads")

    async def prepare() -> None:
        shutil.copytree(seeded_dir, base / "data")
        (base / "store").mkdir()
        server = Server(make_config(base / "data"))
        await server.start()
        try:
            async with aiohttp.ClientSession() as http:
                api = Api(http, server.url, *admin_keys(base / "data"))
                await api.deploy(startvm=False)
                for found in (await api.call("listImageStores"))["imagestore"]:
                    await api.call("updateImageStore", id=found["id"], readonly=True)
                await api.call("updateConfiguration", name="secstorage.allowed.internal.sites", value="127.0.0.0/8")
                given = {"provider": "NFS", "url": f"file://{base / 'store'}", "zoneid": await zone(api)}
                await api.call("addImageStore", **given)
        finally:
            await server.stop()

    asyncio.new_event_loop().run_until_complete(prepare())
    return base


def copied(prepared: Path, base: Path) -> Path:
    """A copy of what was prepared, with a store of its own."""
    shutil.copytree(prepared / "data", base / "data")
    (base / "store").mkdir(parents=True)
    connection = sqlite3.connect(base / "data" / "cloudsim.db")
    with connection:
        connection.execute("UPDATE image_store SET directory = ? WHERE directory IS NOT NULL", (str(base / "store"),))
    connection.close()
    return base / "data"


async def come(api: Api) -> str:
    """The volume, once its file has come; "" where none was asked for."""
    async with asyncio.timeout(20):
        while True:
            found = (await api.call("listVolumes", name="mine")).get("volume", [])
            if not found or found[0]["state"] in ("Uploaded", "Ready"):
                return str(found[0]["id"]) if found else ""
            await asyncio.sleep(0.02)


async def bring(api: Api, url: str) -> None:
    await api.job("uploadVolume", name="mine", format="QCOW2", url=url, zoneid=await zone(api))


async def attach(api: Api) -> None:
    machine = (await api.call("listVirtualMachines"))["virtualmachine"][0]
    await api.job("attachVolume", id=await come(api), virtualmachineid=machine["id"])


async def test_killed_at_each_step(prepared: Path, tmp_path: Path, http: aiohttp.ClientSession) -> None:
    async def crash(boundary: int) -> bool:
        base = tmp_path / str(boundary)
        base.mkdir()
        directory = copied(prepared, base)
        async with ImageServer() as images:
            images["/a.qcow2"] = File(qcow2(GIB, 1_000_000))
            url = images.url("/a.qcow2")
            alive = True
            async with victim(directory, boundary) as (process, endpoint):
                api = Api(http, endpoint, *admin_keys(directory))
                try:
                    await bring(api, url)
                    await attach(api)
                except (aiohttp.ClientError, ConnectionError):
                    alive = False
                    await process.wait()
            server = Server(make_config(directory))
            await server.start()
            try:
                api = Api(http, server.url, *admin_keys(directory))
                await goes_on(api, server, url)
                assert files(base / "store") == []
                await check(server)
            finally:
                await server.stop()
        return alive

    async def goes_on(api: Api, server: Server, url: str) -> None:
        await rest(server)
        if not await come(api):
            await bring(api, url)
            await come(api)
        await rest(server)
        await check(server)
        (row,) = (await api.call("listVolumes", name="mine"))["volume"]
        if row["state"] == "Uploaded":
            await attach(api)
        (row,) = (await api.call("listVolumes", name="mine"))["volume"]
        assert (row["state"], row["deviceid"], row["size"]) == ("Ready", 1, GIB)

    await at_each_boundary(crash)
