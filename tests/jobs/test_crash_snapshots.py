"""Killed with SIGKILL at each step of a snapshot's life, a server started again ends every job, once, and leaks nothing."""

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
from test_crash import victim

from cloudsim.server import Server

#: What is done before the crash is armed; the command; how many snapshots there are in the end.
OPERATIONS: dict[str, tuple[str, str, dict[str, Any], int]] = {
    "create": ("run", "createVMSnapshot", {}, 3),
    "create-with-memory": ("run", "createVMSnapshot", {"snapshotmemory": True}, 3),
    "revert": ("run", "revertToVMSnapshot", {}, 2),
    "revert-stopped": ("stop", "revertToVMSnapshot", {}, 2),
    "delete": ("run", "deleteVMSnapshot", {}, 1),
    "expunge": ("run", "destroyVirtualMachine", {"expunge": True}, 0),
}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, seeded_dir: Path) -> dict[str, Path]:
    """Data directories with a machine that has two snapshots, the first with memory or, where it is stopped, without."""

    async def prepare(kind: str) -> Path:
        directory = tmp_path_factory.mktemp(kind) / "data"
        shutil.copytree(seeded_dir, directory)
        server = Server(make_config(directory))
        await server.start()
        try:
            async with aiohttp.ClientSession() as http:
                api = Api(http, server.url, *admin_keys(directory))
                machine = await api.deploy()
                (root,) = (await api.call("listVolumes", virtualmachineid=machine["id"]))["volume"]
                server.simulator.content(root["id"], "first")
                for name in ("first", "second"):
                    given = {"virtualmachineid": machine["id"], "name": name, "snapshotmemory": kind == "run"}
                    await api.job("createVMSnapshot", **given)
                    server.simulator.content(root["id"], "later")
                if kind == "stop":
                    await api.job("stopVirtualMachine", id=machine["id"])
        finally:
            await server.stop()
        return directory

    return {kind: asyncio.new_event_loop().run_until_complete(prepare(kind)) for kind in ("run", "stop")}


async def crash_once(source: Path, directory: Path, boundary: int, operation: str, http: aiohttp.ClientSession) -> bool:
    """One round; answers whether the server was still alive at the end."""
    _, command, given, count = OPERATIONS[operation]
    shutil.copytree(source, directory)
    jobid = None
    async with victim(directory, boundary) as (process, endpoint):
        api = Api(http, endpoint, *admin_keys(directory))
        (machine,) = (await api.call("listVirtualMachines"))["virtualmachine"]
        (first,) = (await api.call("listVMSnapshot", name="first"))["vmSnapshot"]
        target = {
            "createVMSnapshot": {"virtualmachineid": machine["id"]},
            "destroyVirtualMachine": {"id": machine["id"]},
        }
        try:
            asked = {**given, **target.get(command, {"vmsnapshotid": first["id"]})}
            jobid = (await api.call(command, **asked))["jobid"]
            await api.wait(jobid)
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
            rows = (await api.call("listVMSnapshot")).get("vmSnapshot", [])
            assert [row["state"] for row in rows] == ["Ready"] * count
            assert sum(row["current"] for row in rows) == min(count, 1)
            assert len(server.simulator.snapshots()) == count
            if "revert" in operation:
                (root,) = (await api.call("listVolumes", virtualmachineid=machine["id"]))["volume"]
                assert server.simulator.content(root["id"]) == "first"
        await check(server)
    finally:
        await server.stop()
    return alive


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_killed_at_each_step(
    operation: str, prepared: dict[str, Path], tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    source = prepared[OPERATIONS[operation][0]]
    for boundary in range(1, 40):
        directory = tmp_path / str(boundary)
        if await crash_once(source, directory, boundary, operation, http):
            assert boundary > 3, "the server was not killed where it should have been"
            return
        shutil.rmtree(directory)
    pytest.fail("no end of boundaries")
