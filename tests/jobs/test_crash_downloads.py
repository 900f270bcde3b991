"""Killed with SIGKILL at each step of a download, a server started again brings the file, once, and leaves nothing else."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from apiclient import Api, admin_keys
from imageserver import File, ImageServer, qcow2
from invariants import check
from options import make_config
from stores import files, listed, real_zone, register, until
from victims import at_each_boundary, victim

from cloudsim.server import Server

GIB = 1024**3


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, seeded_dir: Path) -> Path:
    """A data directory with a zone that has a real image store, in the directory ``store`` beside it."""
    base = tmp_path_factory.mktemp("downloads")

    async def prepare() -> None:
        shutil.copytree(seeded_dir, base / "data")
        server = Server(make_config(base / "data"))
        await server.start()
        try:
            async with aiohttp.ClientSession() as http:
                await real_zone(Api(http, server.url, *admin_keys(base / "data")), base / "store")
        finally:
            await server.stop()

    asyncio.new_event_loop().run_until_complete(prepare())
    return base


def copied(prepared: Path, base: Path) -> Path:
    """A copy of what was prepared, with a store of its own."""
    import sqlite3

    shutil.copytree(prepared / "data", base / "data")
    (base / "store").mkdir()
    connection = sqlite3.connect(base / "data" / "cloudsim.db")
    with connection:
        connection.execute("UPDATE image_store SET directory = ? WHERE directory IS NOT NULL", (str(base / "store"),))
    connection.close()
    return base / "data"


async def real(api: Api) -> str:
    return next(row["id"] for row in (await api.call("listZones"))["zone"] if row["name"] == "real")


@pytest.mark.parametrize("what", ["register", "delete"])
async def test_killed_at_each_step(what: str, prepared: Path, tmp_path: Path, http: aiohttp.ClientSession) -> None:
    data = qcow2(GIB, 5_000_000)

    async def crash(boundary: int) -> bool:
        base = tmp_path / str(boundary)
        base.mkdir()
        directory = copied(prepared, base)
        async with ImageServer() as images:
            images["/a.qcow2"] = File(data)
            alive, id = await live(directory, boundary, images)
            server = Server(make_config(directory))
            await server.start()
            try:
                await rest(Api(http, server.url, *admin_keys(directory)), server, base / "store", id)
            finally:
                await server.stop()
        return alive

    async def live(directory: Path, boundary: int, images: ImageServer) -> tuple[bool, str]:
        made: dict[str, Any] = {"id": ""}
        async with victim(directory, boundary) as (process, endpoint):
            api = Api(http, endpoint, *admin_keys(directory))
            try:
                made = await register(api, await real(api), images.url("/a.qcow2"))
                await until(api, made["id"], "DOWNLOADED")
                if what == "delete":
                    await api.job("deleteTemplate", id=made["id"])
                return True, made["id"]
            except (aiohttp.ClientError, ConnectionError):
                await process.wait()
                return False, made["id"]

    async def rest(api: Api, server: Server, store: Path, id: str) -> None:
        if not id:
            rows = (await api.call("listTemplates", templatefilter="self"))["template"]
            id = next(row["id"] for row in rows if row["name"] == "mine")
        if what == "delete":
            async with asyncio.timeout(20):
                while server.cloud.jobs.unfinished:
                    await asyncio.sleep(0.01)
            if await api.call("listTemplates", templatefilter="self", id=id) == {}:
                assert files(store) == []
                await check(server)
                return
        row = await until(api, id, "DOWNLOADED")
        (file,) = files(store)
        assert (file.read_bytes() == data, row["physicalsize"]) == (True, len(data))
        await check(server)

    await at_each_boundary(crash)


async def test_killed_in_the_middle_it_goes_on_where_it_was(
    prepared: Path, tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    data = qcow2(GIB, 9_000_000)
    directory = copied(prepared, tmp_path)
    async with ImageServer() as images:
        images["/a.qcow2"] = file = File(data, stall=6_000_000)
        async with victim(directory, 0) as (process, endpoint):
            api = Api(http, endpoint, *admin_keys(directory))
            made = await register(api, await real(api), images.url("/a.qcow2"))
            async with asyncio.timeout(20):
                while (await listed(api, made["id"]))["downloaddetails"][0]["downloadPercent"] == "0":
                    await asyncio.sleep(0.05)
            os.kill(process.ready.result()[0], signal.SIGKILL)
            await process.wait()
        (part,) = files(tmp_path / "store")
        assert part.name.endswith(".part")
        file.stall = -1
        server = Server(make_config(directory))
        await server.start()
        try:
            await until(Api(http, server.url, *admin_keys(directory)), made["id"], "DOWNLOADED")
            assert [path.read_bytes() == data for path in files(tmp_path / "store")] == [True]
            assert int(file.asked[-1]["Range"].removeprefix("bytes=").rstrip("-")) >= 2_000_000
            await check(server)
        finally:
            await server.stop()
