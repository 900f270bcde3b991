"""Killed with SIGKILL at each step of a card's or a network's change, a server started again ends it, once."""

from __future__ import annotations

import asyncio
import shutil
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from apiclient import Api, admin_keys
from invariants import check
from options import make_config
from victims import at_each_boundary, victim

from cloudsim.server import Server

sys.path.insert(0, str(Path(__file__).parents[1] / "commands"))
from test_network_life import forwarded, offering
from test_nics import add, network

#: What is asked for of the machine and the networks that are prepared.
OPERATIONS = {
    "add": ("addNicToVirtualMachine", "used"),
    "add-first": ("addNicToVirtualMachine", "fresh"),
    "remove": ("removeNicFromVirtualMachine", "extra"),
    "default": ("updateDefaultNicForVirtualMachine", "extra"),
    "offering": ("updateNetwork", "extra"),
    "restart": ("restartNetwork", "extra"),
}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, seeded_dir: Path) -> Path:
    """A machine with two cards, a rule in the network of the second, a network with a router, one without."""

    async def prepare() -> Path:
        directory = tmp_path_factory.mktemp("nics") / "data"
        shutil.copytree(seeded_dir, directory)
        server = Server(make_config(directory))
        await server.start()
        try:
            async with aiohttp.ClientSession() as http:
                api = Api(http, server.url, *admin_keys(directory))
                machine = await api.deploy(name="main")
                extra, used = await network(api, "extra", 8), await network(api, "used", 9)
                await network(api, "fresh", 7)
                await offering(api, "less", ("Dhcp", "SourceNat", "Firewall"))
                machine = await add(api, machine, extra)
                await forwarded(api, extra, await api.deploy(networkids=extra["id"], name="target"))
                await api.deploy(networkids=used["id"], name="other")
        finally:
            await server.stop()
        return directory

    return asyncio.new_event_loop().run_until_complete(prepare())


async def ask(api: Api, operation: str) -> str:
    """Asks for the operation; answers the job."""
    command, name = OPERATIONS[operation]
    (machine,) = (await api.call("listVirtualMachines", name="main"))["virtualmachine"]
    (net,) = (await api.call("listNetworks", name=name))["network"]
    card = next((nic["id"] for nic in machine["nic"] if nic["networkid"] == net["id"]), None)
    given: dict[str, Any] = {"virtualmachineid": machine["id"]}
    if command == "addNicToVirtualMachine":
        given["networkid"] = net["id"]
    elif command == "updateNetwork":
        (offered,) = (await api.call("listNetworkOfferings", name="less"))["networkoffering"]
        given = {"id": net["id"], "networkofferingid": offered["id"], "forced": True}
    elif command == "restartNetwork":
        given = {"id": net["id"], "cleanup": True}
    else:
        given["nicid"] = card
    return str((await api.call(command, **given))["jobid"])


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_killed_at_each_step(operation: str, prepared: Path, tmp_path: Path, http: aiohttp.ClientSession) -> None:
    async def crash(boundary: int) -> bool:
        directory = tmp_path / str(boundary)
        shutil.copytree(prepared, directory)
        jobid, alive = None, True
        async with victim(directory, boundary) as (process, endpoint):
            api = Api(http, endpoint, *admin_keys(directory))
            try:
                jobid = await ask(api, operation)
                await api.wait(jobid)
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
                (machine,) = (await api.call("listVirtualMachines", name="main"))["virtualmachine"]
                cards = {"add": 3, "add-first": 3, "remove": 1}.get(operation, 2)
                assert len(machine["nic"]) == len(server.simulator.nics(machine["id"])) == cards
            await check(server)
        finally:
            await server.stop()
            shutil.rmtree(directory)
        return alive

    stride = 3 if operation in ("add-first", "restart") else 1
    await at_each_boundary(crash, stride=stride, least=1 if operation == "default" else 3)
