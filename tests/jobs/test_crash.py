"""Killed with SIGKILL at each step of each operation, a server started again ends every job and leaks nothing."""

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

#: Operations: what is done before the crash is armed, the command, its parameters, the states it may end in.
OPERATIONS = {
    "deploy": (None, "deployVirtualMachine", {}, {"Running"}),
    "start": ("stop", "startVirtualMachine", {}, {"Running"}),
    "stop": ("run", "stopVirtualMachine", {}, {"Stopped"}),
    "reboot-forced": ("run", "rebootVirtualMachine", {"forced": True}, {"Running"}),
    "restore": ("run", "restoreVirtualMachine", {}, {"Running"}),
    "restore-expunge": ("run", "restoreVirtualMachine", {"expunge": True}, {"Running"}),
    "restore-stopped": ("stop", "restoreVirtualMachine", {"expunge": True}, {"Stopped"}),
    "destroy": ("run", "destroyVirtualMachine", {}, {"Destroyed"}),
    "expunge": ("run", "destroyVirtualMachine", {"expunge": True}, {None}),
}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, seeded_dir: Path) -> dict[str | None, Path]:
    """Data directories: as seeded; with a machine that runs; with one that is stopped."""
    made: dict[str | None, Path] = {None: seeded_dir}

    async def prepare(kind: str) -> Path:
        directory = tmp_path_factory.mktemp(kind) / "data"
        shutil.copytree(seeded_dir, directory)
        server = Server(make_config(directory))
        await server.start()
        try:
            async with aiohttp.ClientSession() as http:
                api = Api(http, server.url, *admin_keys(directory))
                machine = await api.deploy()
                if kind == "stop":
                    await api.job("stopVirtualMachine", id=machine["id"])
        finally:
            await server.stop()
        return directory

    for kind in ("run", "stop"):
        made[kind] = asyncio.new_event_loop().run_until_complete(prepare(kind))
    return made


async def crash_once(source: Path, directory: Path, boundary: int, operation: str, http: aiohttp.ClientSession) -> bool:
    """One round; answers whether the server was still alive at the end, i.e. there are no more boundaries."""
    _, command, given, ends = OPERATIONS[operation]
    shutil.copytree(source, directory)
    jobid = machine_id = None
    async with victim(directory, boundary) as (process, endpoint):
        api = Api(http, endpoint, *admin_keys(directory))
        parameters: dict[str, Any] = dict(given)
        if command == "deployVirtualMachine":
            parameters.update(await api.basics())
        else:
            machine_id = parameters["id"] = (await api.call("listVirtualMachines"))["virtualmachine"][0]["id"]
        try:
            if command == "restoreVirtualMachine":
                parameters["virtualmachineid"] = parameters.pop("id")
            answer = await api.call(command, **parameters)
            jobid = answer["jobid"]
            machine_id = machine_id or answer["id"]
            await api.wait(jobid)
            alive = True
        except (aiohttp.ClientError, ConnectionError):
            alive = False
            await process.wait()
            assert process.returncode == -9
    if alive:
        return True
    server = Server(make_config(directory))
    await server.start()
    try:
        api = Api(http, server.url, *admin_keys(directory))
        if jobid is not None:
            ended = await api.wait(jobid)
            assert ended["jobstatus"] == 1, ended
            found = (await api.call("listVirtualMachines", id=machine_id)).get("virtualmachine", [{}])
            assert found[0].get("state") in ends
        await check(server)
    finally:
        await server.stop()
    return False


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_killed_at_each_step(
    operation: str, prepared: dict[str | None, Path], tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    source = prepared[OPERATIONS[operation][0]]

    async def crash(boundary: int) -> bool:
        return await crash_once(source, tmp_path / str(boundary), boundary, operation, http)

    await at_each_boundary(crash)
