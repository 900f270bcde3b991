"""Killed with SIGKILL at each step of what is done to routers, a server started again ends every job and leaks nothing."""

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

#: Operations: how the server was left before, the command, its parameters, how many routers run in the end.
OPERATIONS: dict[str, tuple[str, str, dict[str, Any], int]] = {
    "deploy-stopped": ("stopped", "deployVirtualMachine", {}, 1),
    "deploy-failing": ("empty", "deployVirtualMachine", {"fail": True}, 1),
    "destroy": ("running", "destroyRouter", {}, 0),
    "restart": ("running", "restartNetwork", {"cleanup": True, "makeredundant": True}, 2),
    "delete": ("idle", "deleteNetwork", {}, 0),
}


async def left(directory: Path, kind: str, seeded: Path) -> None:
    """A data directory with a router that runs, one that is stopped, or one in a network without machines."""
    shutil.copytree(seeded, directory)
    server = Server(make_config(directory))
    await server.start()
    try:
        async with aiohttp.ClientSession() as http:
            api = Api(http, server.url, *admin_keys(directory))
            if kind != "empty":
                machine = await api.deploy()
                if kind == "stopped":
                    await api.job("stopRouter", id=(await api.call("listRouters"))["router"][0]["id"])
                elif kind == "idle":
                    await api.job("destroyVirtualMachine", id=machine["id"], expunge=True)
    finally:
        await server.stop()


async def asked(api: Api, command: str, given: dict[str, Any]) -> dict[str, Any]:
    if command == "deployVirtualMachine":
        if given.get("fail"):
            await api.call("configureSimulator", name="StartCommand", value="fail:no way")
        return await api.basics()
    noun = "router" if "Router" in command else "network"
    found = (await api.call("listRouters" if noun == "router" else "listNetworks"))[noun]
    return {"id": found[0]["id"], **given}


async def crash_once(source: Path, directory: Path, boundary: int, operation: str, http: aiohttp.ClientSession) -> bool:
    """One round; answers whether the server was still alive at the end, i.e. there are no more boundaries."""
    _, command, given, running = OPERATIONS[operation]
    shutil.copytree(source, directory)
    jobid = None
    async with victim(directory, boundary) as (process, endpoint):
        api = Api(http, endpoint, *admin_keys(directory))
        parameters = await asked(api, command, given)
        try:
            jobid = (await api.call(command, **parameters))["jobid"]
            await api.wait(jobid)
            if given.get("fail"):
                await asyncio.sleep(0.3)  # the router that failed is removed
                await api.call("listZones")
            return True
        except (aiohttp.ClientError, ConnectionError):
            await process.wait()
            assert process.returncode == -9
    server = Server(make_config(directory))
    await server.start()
    try:
        api = Api(http, server.url, *admin_keys(directory))
        if jobid is not None:
            ended = await api.wait(jobid)
            assert given.get("fail") or ended["jobstatus"] == 1, ended
            await check(server)
            states = [row["state"] for row in (await api.call("listRouters")).get("router", [])]
            if given.get("fail"):
                assert states == ["Running"] * len(states)  # where it failed nothing is left of it
            else:
                assert states == ["Running"] * running
        for number in [rule.id for rule in server.simulator.rules()]:
            server.simulator.remove_rule(number)
        # whatever was cut short, the next machine has its router
        assert (await api.deploy())["state"] == "Running"
        assert {row["state"] for row in (await api.call("listRouters"))["router"]} == {"Running"}
        await check(server)
    finally:
        await server.stop()
    return False


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_killed_at_each_step(
    operation: str, tmp_path: Path, seeded_dir: Path, http: aiohttp.ClientSession
) -> None:
    source = tmp_path / "source"
    await left(source, OPERATIONS[operation][0], seeded_dir)

    async def crash(boundary: int) -> bool:
        return await crash_once(source, tmp_path / str(boundary), boundary, operation, http)

    await at_each_boundary(crash)
