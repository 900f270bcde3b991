"""Killed with SIGKILL at each step of what is done to rules: lists and simulated routers agree when the server is back."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from apiclient import Api, admin_keys
from invariants import check, rest, rows
from options import make_config
from victims import at_each_boundary, victim

from cloudsim.agents.simulator import routing
from cloudsim.server import Server

#: Two routers that stand in for each other, so that one may know what the other does not.
TWO = {
    "servicecapabilitylist[0].service": "SourceNat",
    "servicecapabilitylist[0].capabilitytype": "RedundantRouter",
    "servicecapabilitylist[0].capabilityvalue": "true",
}


async def prepare(api: Api) -> None:
    services = "Dhcp,Dns,SourceNat,Firewall,PortForwarding"
    offered = await api.call(
        "createNetworkOffering", "POST", name="two", displaytext="two", guestiptype="Isolated", traffictype="Guest",
        supportedservices=services, enable=True, **TWO,
    )  # fmt: skip
    zone = (await api.call("listZones"))["zone"][0]["id"]
    given = {"zoneid": zone, "networkofferingid": offered["networkoffering"]["id"]}
    network = (await api.call("createNetwork", name="n", **given))["network"]["id"]
    machine = await api.deploy(networkids=network)
    address = (await api.call("listPublicIpAddresses"))["publicipaddress"][0]["id"]
    forwarded = {"virtualmachineid": machine["id"], "protocol": "tcp", "publicport": 22, "privateport": 2222}
    await api.job("createPortForwardingRule", ipaddressid=address, **forwarded)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, seeded_dir: Path) -> Path:
    """A machine behind two routers, with port 22 forwarded to its port 2222."""
    directory = tmp_path_factory.mktemp("rules") / "data"

    async def make() -> None:
        shutil.copytree(seeded_dir, directory)
        server = Server(make_config(directory))
        await server.start()
        try:
            async with aiohttp.ClientSession() as http:
                await prepare(Api(http, server.url, *admin_keys(directory)))
                await rest(server)
        finally:
            await server.stop()

    asyncio.new_event_loop().run_until_complete(make())
    return directory


async def ask(api: Api, operation: str) -> str:
    """Asks for it; answers the job."""
    (machine,) = (await api.call("listVirtualMachines"))["virtualmachine"]
    address = (await api.call("listPublicIpAddresses"))["publicipaddress"][0]["id"]
    (rule,) = (await api.call("listPortForwardingRules"))["portforwardingrule"]
    if operation.startswith("refused"):
        await api.call("configureSimulator", name="SetPortForwardingRulesCommand", value="fail:no", count=1)
    given: dict[str, Any] = {"id": rule["id"]}
    if operation in ("create", "refused-create"):
        given = {"ipaddressid": address, "virtualmachineid": machine["id"], "protocol": "tcp"}
        given.update(publicport=80, privateport=8080)
        command = "createPortForwardingRule"
    elif operation == "delete":
        command = "deletePortForwardingRule"
    elif operation in ("update", "refused-update"):
        given["privateport"] = 2022
        command = "updatePortForwardingRule"
    else:
        given, command = {"id": machine["id"], "expunge": True}, "destroyVirtualMachine"
    return (await api.call(command, **given))["jobid"]


async def look(server: Server, api: Api) -> dict[int, int]:
    """Routers do what the lists show; answers what public ports are sent on to, by every router."""
    await server.periodic.run_now("router-rules")
    await check(server)
    assert await rows(server, "SELECT part FROM router_untold") == []
    rules = (await api.call("listPortForwardingRules")).get("portforwardingrule", [])
    opened = (await api.call("listFirewallRules")).get("firewallrule", [])
    assert {rule["state"] for rule in (*rules, *opened)} <= {"Active"}
    assert {rule["startport"] for rule in opened} == {int(rule["publicport"]) for rule in rules}
    address = (await api.call("listPublicIpAddresses"))["publicipaddress"][0]["ipaddress"]
    shown = {int(rule["publicport"]): int(rule["privateport"]) for rule in rules}
    routers = (await api.call("listRouters"))["router"]
    assert len(routers) == 2
    for router in routers:
        parts = server.simulator.router(router["id"])
        found = {port: routing.inbound(parts, address, "tcp", port, "203.0.113.9") for port in (22, 80)}
        assert {port: target[1] for port, target in found.items() if target} == shown
    return shown


#: Operations: whether the job succeeds, and what ports are sent on to then.
OPERATIONS: dict[str, tuple[bool, dict[int, int]]] = {
    "create": (True, {22: 2222, 80: 8080}),
    "refused-create": (False, {22: 2222}),
    "delete": (True, {}),
    "update": (True, {22: 2022}),
    "refused-update": (False, {22: 2222}),
    "expunge": (True, {}),
}


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_killed_at_each_step(operation: str, prepared: Path, tmp_path: Path, http: aiohttp.ClientSession) -> None:
    succeeds, expected = OPERATIONS[operation]
    before = {22: 2222}

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
            outcome = None
            if jobid is not None:
                outcome = (await api.wait(jobid))["jobstatus"]
                # one that was refused before the crash may be taken afterwards: only once it was to be refused
                assert outcome == 1 or not succeeds
            found = await look(server, api)
            done = OPERATIONS[operation.removeprefix("refused-")][1]
            assert found in ([expected] if outcome is not None and succeeds else [before, done])
            if outcome == 2:
                assert found == before
        finally:
            await server.stop()
        return alive

    await at_each_boundary(crash, stride=1 if operation in ("create", "delete") else 2)
