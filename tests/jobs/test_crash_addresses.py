"""Killed with SIGKILL while public addresses come and go: each is one account's, and the router has what lists show."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import zones
from apiclient import Api, admin_keys
from invariants import check, rest
from options import make_config
from victims import at_each_boundary, victim

from cloudsim.server import Server

PUBLIC = {"gateway": "192.0.2.1", "netmask": "255.255.255.0", "startip": "192.0.2.10", "endip": "192.0.2.20"}
ELASTIC = "DefaultSharedNetscalerEIPandELBNetworkOffering"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A zone with a running machine and two acquired addresses; the second is a machine's by static NAT."""
    directory = tmp_path_factory.mktemp("addresses") / "data"

    async def prepare() -> None:
        server = Server(make_config(directory))
        await server.start()
        try:
            async with aiohttp.ClientSession() as http:
                api = Api(http, server.url, *admin_keys(directory))
                machine = await api.deploy(name="first")
                net = machine["nic"][0]["networkid"]
                await api.job("associateIpAddress", networkid=net)
                mine = (await api.job("associateIpAddress", networkid=net))["ipaddress"]
                await api.call("enableStaticNat", ipaddressid=mine["id"], virtualmachineid=machine["id"])
                opened = {"protocol": "tcp", "startport": 22, "endport": 22}
                await api.job("createFirewallRule", ipaddressid=mine["id"], **opened)
                await rest(server)
        finally:
            await server.stop()

    asyncio.new_event_loop().run_until_complete(prepare())
    return directory


@pytest.fixture(scope="module")
def elastic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A basic zone whose machines get public addresses, with one that has its own."""
    directory = tmp_path_factory.mktemp("elastic")

    async def prepare() -> None:
        async with zones.empty_server(directory) as (server, api):
            public = {**PUBLIC, "forvirtualnetwork": True}
            await zones.basic_zone(api, offered=await zones.offering(api, ELASTIC), public=public)
            await api.deploy(name="first")
            await rest(server)

    asyncio.new_event_loop().run_until_complete(prepare())
    return directory / "data"


async def found(api: Api, **given: Any) -> list[dict[str, Any]]:
    listed = await api.call("listPublicIpAddresses", forvirtualnetwork=True, issourcenat=False, **given)
    return listed.get("publicipaddress", [])


async def ask(api: Api, operation: str) -> str | None:
    """Asks for it; answers the job, where it is one."""
    (machine,) = (await api.call("listVirtualMachines"))["virtualmachine"]
    held = {row["isstaticnat"]: row["id"] for row in await found(api)}
    if operation == "acquire":
        return (await api.call("associateIpAddress", networkid=machine["nic"][0]["networkid"]))["jobid"]
    if operation == "release":
        return (await api.call("disassociateIpAddress", id=held[True]))["jobid"]
    if operation == "disable":
        return (await api.call("disableStaticNat", ipaddressid=held[True]))["jobid"]
    if operation == "enable":
        await api.job("disableStaticNat", ipaddressid=held[True])
        await api.call("enableStaticNat", ipaddressid=held[False], virtualmachineid=machine["id"])
        return None
    if operation == "stop":
        return (await api.call("stopVirtualMachine", id=machine["id"]))["jobid"]
    if operation == "deploy":
        return (await api.call("deployVirtualMachine", **await api.basics(), name="second"))["jobid"]
    return (await api.call("destroyVirtualMachine", id=machine["id"], expunge=True))["jobid"]


#: Operations on each of the prepared servers: how many addresses there are at the end and how many are machines', and how
#: many boundaries are passed by each time.
OPERATIONS = {
    "acquire": (3, 1, 1), "release": (1, 0, 2), "disable": (2, 0, 2), "enable": (2, 1, 3), "destroy": (2, 0, 4),
}  # fmt: skip
ELASTIC_OPERATIONS = {"deploy": (2, 2, 4), "stop": (0, 0, 3), "destroy": (0, 0, 4)}


async def killed(
    operation: str, expected: tuple[int, int, int], prepared: Path, tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    async def crash(boundary: int) -> bool:
        directory = tmp_path / str(boundary)
        shutil.copytree(prepared, directory)
        jobid, alive, asked = None, True, False
        async with victim(directory, boundary) as (process, endpoint):
            api = Api(http, endpoint, *admin_keys(directory))
            try:
                jobid = await ask(api, operation)
                asked = True
                if jobid is not None:
                    await api.wait(jobid)
                # what else was ordered with it has its turn as well
                await asyncio.sleep(0.2)
                await api.call("listZones")
            except (aiohttp.ClientError, ConnectionError):
                alive = False
                await process.wait()
                assert process.returncode == -9
        server = Server(make_config(directory))
        await server.start()
        try:
            api = Api(http, server.url, *admin_keys(directory))
            if jobid is not None:
                ended = await api.wait(jobid)
                assert ended["jobstatus"] == 1, ended
            await check(server)
            rows = [row for row in await found(api) if not row["issystem"] or row["isstaticnat"]]
            assert {row["state"] for row in rows} <= {"Allocated"}
            if asked:
                assert (len(rows), sum(row["isstaticnat"] for row in rows)) == expected[:2], rows
        finally:
            await server.stop()
        return alive

    await at_each_boundary(crash, stride=expected[2])


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_killed_at_each_step(operation: str, prepared: Path, tmp_path: Path, http: aiohttp.ClientSession) -> None:
    await killed(operation, OPERATIONS[operation], prepared, tmp_path, http)


@pytest.mark.parametrize("operation", ELASTIC_OPERATIONS)
async def test_killed_while_the_system_gives_addresses(
    operation: str, elastic: Path, tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    await killed(operation, ELASTIC_OPERATIONS[operation], elastic, tmp_path, http)
