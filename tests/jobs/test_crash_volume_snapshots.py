"""Killed with SIGKILL at each step of a volume snapshot's life, a server started again ends every job and leaks nothing."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from apiclient import Api, admin_keys
from invariants import check
from options import make_config
from victims import at_each_boundary, victim

from cloudsim.server import Server

#: The command, and how many snapshots and templates made of disks there are in the end.
OPERATIONS: dict[str, tuple[str, dict[str, Any], int, int]] = {
    "create": ("createSnapshot", {}, 3, 0),
    "create-in-pool": ("createSnapshot", {"locationtype": "PRIMARY"}, 3, 0),
    "create-and-copy-later": ("createSnapshot", {"asyncbackup": True}, 3, 0),
    "archive": ("archiveSnapshot", {}, 2, 0),
    "revert": ("revertSnapshot", {}, 2, 0),
    "delete": ("deleteSnapshot", {}, 1, 0),
    "template": ("createTemplate", {"name": "made"}, 2, 1),
    "template-of-volume": ("createTemplate", {"name": "made"}, 2, 1),
}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, seeded_dir: Path) -> Path:
    """A data directory with a stopped machine that has a snapshot on an image store and one in its pool."""

    async def prepare() -> Path:
        directory = tmp_path_factory.mktemp("snapshots") / "data"
        shutil.copytree(seeded_dir, directory)
        server = Server(make_config(directory))
        await server.start()
        try:
            async with aiohttp.ClientSession() as http:
                api = Api(http, server.url, *admin_keys(directory))
                machine = await api.deploy()
                (root,) = (await api.call("listVolumes", virtualmachineid=machine["id"]))["volume"]
                server.simulator.content(root["id"], "first")
                await api.job("createSnapshot", volumeid=root["id"], name="stored")
                await api.job("createSnapshot", volumeid=root["id"], name="pooled", locationtype="PRIMARY")
                server.simulator.content(root["id"], "later")
                await api.job("stopVirtualMachine", id=machine["id"])
        finally:
            await server.stop()
        return directory

    return asyncio.new_event_loop().run_until_complete(prepare())


async def target(api: Api, operation: str) -> dict[str, Any]:
    """What the command is called on."""
    command = OPERATIONS[operation][0]
    (root,) = (await api.call("listVolumes"))["volume"]
    if command == "createSnapshot":
        return {"volumeid": root["id"]}
    name = "pooled" if operation == "archive" else "stored"
    (found,) = (await api.call("listSnapshots", name=name))["snapshot"]
    if command != "createTemplate":
        return {"id": found["id"]}
    disk = {"snapshotid": found["id"]} if operation == "template" else {"volumeid": root["id"]}
    return {**disk, "ostypeid": found["ostypeid"]}


async def crash_once(source: Path, directory: Path, boundary: int, operation: str, http: aiohttp.ClientSession) -> bool:
    """One round; answers whether the server was still alive at the end."""
    command, given, count, templates = OPERATIONS[operation]
    shutil.copytree(source, directory)
    jobid = None
    async with victim(directory, boundary) as (process, endpoint):
        api = Api(http, endpoint, *admin_keys(directory))
        asked = {**given, **await target(api, operation)}
        try:
            jobid = (await api.call(command, **asked))["jobid"]
            await api.wait(jobid)
            if operation == "create-and-copy-later":
                await asyncio.sleep(0.3)
            await api.call("listZones")
            alive = True
        except (aiohttp.ClientError, ConnectionError):
            alive = False
            await process.wait()
    server = Server(make_config(directory))
    await server.start()
    try:
        api = Api(http, server.url, *admin_keys(directory))
        if jobid is not None:
            ended = await api.wait(jobid)
            assert ended["jobstatus"] == 1, ended
            await check(server)
            rows = (await api.call("listSnapshots")).get("snapshot", [])
            assert [row["state"] for row in rows] == ["BackedUp"] * count
            assert len(server.simulator.disk_snapshots()) == count
            assert len(server.simulator.images()) == templates
            if operation == "revert":
                (root,) = (await api.call("listVolumes"))["volume"]
                assert server.simulator.content(root["id"]) == "first"
        await check(server)
    finally:
        await server.stop()
    return alive


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_killed_at_each_step(operation: str, prepared: Path, tmp_path: Path, http: aiohttp.ClientSession) -> None:
    await at_each_boundary(lambda number: crash_once(prepared, tmp_path / str(number), number, operation, http))
