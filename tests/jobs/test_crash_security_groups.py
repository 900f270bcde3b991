"""Killed with SIGKILL while rules change or a machine of a basic zone comes and goes: the host ends up with the rules."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import zones
from apiclient import Api, admin_keys
from invariants import check, rest, rows
from options import make_config
from victims import at_each_boundary, victim

from cloudsim.server import Server

RULE = {"securitygroupname": "default", "protocol": "tcp", "startport": 22, "cidrlist": "0.0.0.0/0"}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A basic zone with a running machine, whose group lets port 80 in from machines of the group itself."""
    directory = tmp_path_factory.mktemp("basic")

    async def prepare() -> None:
        async with zones.empty_server(directory) as (server, api):
            await zones.basic_zone(api)
            await api.deploy(name="first")
            own = {"usersecuritygrouplist[0].account": "admin", "usersecuritygrouplist[0].group": "default"}
            given = {**RULE, "cidrlist": None, "startport": 80, **own}
            await api.job("authorizeSecurityGroupIngress", **given)
            await rest(server)

    asyncio.new_event_loop().run_until_complete(prepare())
    return directory / "data"


async def ask(api: Api, operation: str) -> str:
    """Asks for it; answers the job."""
    if operation == "authorize":
        return (await api.call("authorizeSecurityGroupIngress", **RULE))["jobid"]
    if operation == "revoke":
        (group,) = (await api.call("listSecurityGroups"))["securitygroup"]
        return (await api.call("revokeSecurityGroupIngress", id=group["ingressrule"][0]["ruleid"]))["jobid"]
    if operation == "deploy":
        return (await api.call("deployVirtualMachine", **await api.basics(), name="second"))["jobid"]
    (machine,) = (await api.call("listVirtualMachines"))["virtualmachine"]
    return (await api.call("destroyVirtualMachine", id=machine["id"], expunge=True))["jobid"]


async def look(server: Server, api: Api) -> set[int]:
    """Hosts keep what the database says, addresses are given to machines that are there; answers the ports let in."""
    await check(server)
    machines: list[dict[str, Any]] = (await api.call("listVirtualMachines")).get("virtualmachine", [])
    held = {machine["nic"][0]["ipaddress"] for machine in machines}
    (group,) = (await api.call("listSecurityGroups"))["securitygroup"]
    ports = {rule["startport"] for rule in group["ingressrule"]}
    for machine in machines:
        assert machine["state"] == "Running"
        for address in held:
            assert server.simulator.permits(machine["id"], "ingress", "tcp", address, 80) == (80 in ports), address
        assert server.simulator.permits(machine["id"], "ingress", "tcp", "8.8.8.8", 22) == (22 in ports)
    given = await rows(server, "SELECT address FROM public_ip WHERE state = 'Allocated' AND NOT is_system")
    assert {address for (address,) in given} == held
    assert await rows(server, "SELECT vm_id FROM security_group_pending") == []
    return ports


#: Operations: the ports that are let in when the job has succeeded, and how many boundaries are passed by each time.
OPERATIONS = {"authorize": ({22, 80}, 1), "revoke": (set(), 2), "deploy": ({80}, 3), "destroy": ({80}, 3)}


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
