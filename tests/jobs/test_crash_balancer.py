"""Killed with SIGKILL while load balancer rules change: the router ends up with what the lists show."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from apiclient import Api, admin_keys
from balancers import WEB
from invariants import check, rest
from options import make_config
from victims import at_each_boundary, victim

from cloudsim.agents.simulator.balancing import Balancer
from cloudsim.server import Server


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two machines that run, and a rule with the first of them."""
    directory = tmp_path_factory.mktemp("balanced")

    async def prepare() -> None:
        server = Server(make_config(directory))
        await server.start()
        try:
            async with aiohttp.ClientSession() as http:
                api = Api(http, server.url, *admin_keys(directory))
                first = await api.deploy(name="first")
                await api.deploy(name="second", networkids=first["nic"][0]["networkid"])
                found = await api.call("listPublicIpAddresses")
                given = {**WEB, "publicipid": found["publicipaddress"][0]["id"]}
                made = (await api.job("createLoadBalancerRule", **given))["loadbalancer"]
                await api.job("assignToLoadBalancerRule", id=made["id"], virtualmachineids=first["id"])
                await rest(server)
        finally:
            await server.stop()

    asyncio.new_event_loop().run_until_complete(prepare())
    return directory


async def ask(api: Api, operation: str) -> str:
    """Asks for it; answers the job."""
    (rule,) = (await api.call("listLoadBalancerRules"))["loadbalancerrule"]
    found = (await api.call("listVirtualMachines"))["virtualmachine"]
    machines = {one["name"]: one["id"] for one in found}
    commands: dict[str, tuple[str, dict[str, Any]]] = {
        "create": ("createLoadBalancerRule", {**WEB, "publicport": 81, "publicipid": rule["publicipid"]}),
        "assign": ("assignToLoadBalancerRule", {"id": rule["id"], "virtualmachineids": machines["second"]}),
        "remove": ("removeFromLoadBalancerRule", {"id": rule["id"], "virtualmachineids": machines["first"]}),
        "update": ("updateLoadBalancerRule", {"id": rule["id"], "algorithm": "source"}),
        "delete": ("deleteLoadBalancerRule", {"id": rule["id"]}),
        "stick": ("createLBStickinessPolicy", {"lbruleid": rule["id"], "name": "s", "methodname": "SourceBased"}),
        "stop": ("stopVirtualMachine", {"id": machines["first"]}),
        "expunge": ("destroyVirtualMachine", {"id": machines["first"], "expunge": True}),
    }
    command, given = commands[operation]
    return str((await api.call(command, **given))["jobid"])


async def look(server: Server, api: Api) -> tuple[list[str], int, bool]:
    """Algorithms of the rules, how many machines answer at port 80, and whether port 81 is open."""
    await check(server)
    rules = (await api.call("listLoadBalancerRules")).get("loadbalancerrule", [])
    (router,) = (await api.call("listRouters"))["router"]
    parts = server.simulator.router(router["id"])
    (address,) = (await api.call("listPublicIpAddresses", issourcenat=True))["publicipaddress"]
    balancer = Balancer(parts)
    found = {balancer.connect(address["ipaddress"], "tcp", 80, f"203.0.113.{number}") for number in range(20)}
    opened = any(one["start"] == 81 for one in parts["firewall"])
    return sorted(rule["algorithm"] for rule in rules), len(found - {None}), opened


#: What is there when the job has succeeded, and how many boundaries are passed by each time.
OPERATIONS: dict[str, tuple[tuple[list[str], int, bool], int]] = {
    "create": ((["roundrobin", "roundrobin"], 1, True), 1),
    "assign": ((["roundrobin"], 2, False), 1),
    "remove": ((["roundrobin"], 0, False), 2),
    "update": ((["source"], 1, False), 2),
    "delete": (([], 0, False), 1),
    "stick": ((["roundrobin"], 1, False), 2),
    "stop": ((["roundrobin"], 0, False), 3),
    "expunge": ((["roundrobin"], 0, False), 3),
}


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_killed_at_each_step(operation: str, prepared: Path, tmp_path: Path, http: aiohttp.ClientSession) -> None:
    expected, stride = OPERATIONS[operation]

    async def crash(boundary: int) -> bool:
        directory = tmp_path / str(boundary)
        shutil.copytree(prepared, directory)
        jobid, alive = None, True
        async with victim(directory, boundary) as (process, endpoint):
            api = Api(http, endpoint, *admin_keys(directory))
            try:
                jobid = await ask(api, operation)
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
            found = await look(server, api)
            assert found == expected or jobid is None
        finally:
            await server.stop()
        return alive

    await at_each_boundary(crash, stride=stride)
