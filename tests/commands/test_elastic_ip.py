"""Elastic IP: a public address with static NAT for each machine that starts, where the zone's network gives one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import zones
from apiclient import Api
from invariants import check, rest, rows
from people import refused

from cloudsim.agents.simulator import routing
from cloudsim.server import Server

RECORDED = "DefaultSharedNetscalerEIPandELBNetworkOffering"
PUBLIC = {"gateway": "192.0.2.1", "netmask": "255.255.255.0", "startip": "192.0.2.10", "forvirtualnetwork": True}


@pytest.fixture
async def cloud(tmp_path: Path) -> AsyncIterator[tuple[Server, Api]]:
    async with zones.empty_server(tmp_path) as made:
        yield made


async def offering(api: Api, *, associate: str = "true") -> str:
    """An offering of one's own, with all services by the virtual router."""
    services = dict.fromkeys(("Dhcp", "Dns", "UserData", "StaticNat"), "VirtualRouter")
    services["SecurityGroup"] = "SecurityGroupProvider"
    given: dict[str, Any] = {"supportedservices": ",".join(services)}
    for number, (service, provider) in enumerate(services.items()):
        given[f"serviceproviderlist[{number}].service"] = service
        given[f"serviceproviderlist[{number}].provider"] = provider
    for number, (name, value) in enumerate((("ElasticIp", "true"), ("associatePublicIP", associate))):
        given[f"servicecapabilitylist[{number}].service"] = "StaticNat"
        given[f"servicecapabilitylist[{number}].capabilitytype"] = name
        given[f"servicecapabilitylist[{number}].capabilityvalue"] = value
    kind = {"guestiptype": "Shared", "traffictype": "GUEST", "specifyvlan": True, "specifyipranges": True}
    made = await api.call("createNetworkOffering", "POST", name="elastic", enable=True, **kind, **given)
    return made["networkoffering"]["id"]


async def elastic(
    api: Api, offered: str | None = None, *, last: int = 40, ends: tuple[int, ...] = (200,)
) -> dict[str, Any]:
    """A basic zone whose machines get public addresses, 192.0.2.10 to 192.0.2.LAST."""
    return await zones.basic_zone(
        api, offered=offered or await offering(api), public={**PUBLIC, "endip": f"192.0.2.{last}"}, ends=ends
    )


async def public(api: Api, **given: Any) -> list[dict[str, Any]]:
    found = await api.call("listPublicIpAddresses", forvirtualnetwork=True, **given)
    return found.get("publicipaddress", [])


async def machine_of(api: Api, machine: dict[str, Any]) -> dict[str, Any]:
    (found,) = (await api.call("listVirtualMachines", id=machine["id"]))["virtualmachine"]
    return found


async def target(api: Api, server: Server, address: str) -> str | None:
    await rest(server)
    (router,) = (await api.call("listRouters", listall=True))["router"]
    found = routing.inbound(server.simulator.router(router["id"]), address, "tcp", 22, "8.8.8.8")
    return found and found[0]


async def free(server: Server) -> int:
    sql = (
        "SELECT count(*) FROM public_ip p JOIN vlan v ON p.vlan_id = v.id"
        " WHERE p.state = 'Free' AND v.type = 'VirtualNetwork'"
    )
    ((number,),) = await rows(server, sql)
    return int(number)


async def test_each_new_machine_has_one(cloud: tuple[Server, Api]) -> None:
    server, api = cloud
    await elastic(api)
    machine = await api.deploy()
    (address,) = await public(api)
    assert (address["issystem"], address["isstaticnat"], address["issourcenat"]) == (True, True, False)
    assert (address["virtualmachineid"], address["vmipaddress"]) == (machine["id"], machine["nic"][0]["ipaddress"])
    assert (address["state"], address["account"]) == ("Allocated", "admin")
    assert (machine["publicip"], machine["publicipid"]) == (address["ipaddress"], address["id"])
    assert machine["nic"][0]["publicip"] == address["ipaddress"]
    assert (await api.call("listAccounts", name="admin"))["account"][0]["iptotal"] == 0, "it is not counted"
    assert await target(api, server, address["ipaddress"]) == machine["nic"][0]["ipaddress"]
    # it is not the account's to do with
    assert (await refused(api, "disassociateIpAddress", id=address["id"]))[0] == 431
    assert (await refused(api, "disableStaticNat", ipaddressid=address["id"]))[0] == 431
    given = {"ipaddressid": address["id"], "virtualmachineid": machine["id"]}
    assert (await refused(api, "enableStaticNat", **given))[0] == 431
    await check(server)


async def test_it_goes_back_to_the_pool(cloud: tuple[Server, Api]) -> None:
    server, api = cloud
    await elastic(api)
    before = await free(server)
    machine = await api.deploy()
    waiting = await api.deploy(startvm=False)
    assert await free(server) == before - 1, "one that does not run has none"
    await api.job("stopVirtualMachine", id=machine["id"])
    assert await free(server) == before
    assert "publicip" not in await machine_of(api, machine)
    assert await target(api, server, machine["publicip"]) is None
    started = (await api.job("startVirtualMachine", id=machine["id"]))["virtualmachine"]
    assert await target(api, server, started["publicip"]) == started["nic"][0]["ipaddress"]
    await api.job("rebootVirtualMachine", id=machine["id"])
    assert (await machine_of(api, machine))["publicip"] == started["publicip"]
    for one in (machine, waiting):
        await api.job("destroyVirtualMachine", id=one["id"], expunge=True)
    assert await free(server) == before
    assert await public(api) == []
    await check(server)


async def test_an_acquired_one_takes_its_place(cloud: tuple[Server, Api]) -> None:
    server, api = cloud
    made = await elastic(api)
    before = await free(server)
    machine = await api.deploy()
    mine = (await api.job("associateIpAddress", zoneid=made["zoneid"]))["ipaddress"]
    assert (mine["issystem"], "associatednetworkid" in mine) == (False, False)
    assert await free(server) == before - 2
    await api.call("enableStaticNat", ipaddressid=mine["id"], virtualmachineid=machine["id"])
    assert await free(server) == before - 1, "the system's went back"
    assert (await machine_of(api, machine))["publicip"] == mine["ipaddress"]
    assert await target(api, server, machine["publicip"]) is None
    assert await target(api, server, mine["ipaddress"]) == machine["nic"][0]["ipaddress"]
    # it stays while the machine is off, and no other is given when it starts
    await api.job("stopVirtualMachine", id=machine["id"])
    started = (await api.job("startVirtualMachine", id=machine["id"]))["virtualmachine"]
    assert (started["publicip"], await free(server)) == (mine["ipaddress"], before - 1)
    assert await target(api, server, mine["ipaddress"]) == started["nic"][0]["ipaddress"]
    await api.job("disableStaticNat", ipaddressid=mine["id"])
    again = (await machine_of(api, machine))["publicip"]
    assert again not in (mine["ipaddress"], None)
    assert await target(api, server, again) == started["nic"][0]["ipaddress"]
    # released while it is in use: the system gives one as well
    await api.call("enableStaticNat", ipaddressid=mine["id"], virtualmachineid=machine["id"])
    await api.job("disassociateIpAddress", id=mine["id"])
    assert await free(server) == before - 1
    assert (await public(api))[0]["issystem"] is True
    await api.job("destroyVirtualMachine", id=machine["id"], expunge=True)
    assert await free(server) == before
    await check(server)


@pytest.mark.parametrize("how", ["offering", "zone"])
async def test_not_where_it_is_said_so(how: str, cloud: tuple[Server, Api]) -> None:
    server, api = cloud
    made = await elastic(api, await offering(api, associate="false" if how == "offering" else "true"))
    if how == "zone":
        given = {"details[0].key": "associatepublicip", "details[0].value": "false"}
        await api.call("updateZone", id=made["zoneid"], **given)
    machine = await api.deploy()
    assert ("publicip" in machine, await public(api)) == (False, [])
    # but one may be acquired
    mine = (await api.job("associateIpAddress", zoneid=made["zoneid"]))["ipaddress"]
    await api.call("enableStaticNat", ipaddressid=mine["id"], virtualmachineid=machine["id"])
    assert await target(api, server, mine["ipaddress"]) == machine["nic"][0]["ipaddress"]
    await api.job("disableStaticNat", ipaddressid=mine["id"])
    assert "publicip" not in await machine_of(api, machine)
    await check(server)


async def test_without_a_free_one_it_does_not_start(cloud: tuple[Server, Api]) -> None:
    server, api = cloud
    await elastic(api, last=12)
    given = await api.basics()
    asked = [await api.call("deployVirtualMachine", **given) for _ in range(8)]
    ended = await asyncio.gather(*(api.wait(one["jobid"]) for one in asked))
    assert sorted(one["jobresultcode"] for one in ended) == [0, 0, 0, 533, 533, 533, 533, 533]
    assert len({row["virtualmachineid"] for row in await public(api)}) == 3
    assert await free(server) == 0
    await check(server)


async def test_a_host_that_fails(cloud: tuple[Server, Api]) -> None:
    server, api = cloud
    made = await elastic(api)
    await api.deploy()  # the router runs
    before = await free(server)
    fault = await api.call("configureSimulator", name="StartCommand", value="fail", zoneid=made["zoneid"])
    assert (await refused(api, "deployVirtualMachine", **await api.basics()))[0] in (530, 533)
    assert await free(server) == before
    await api.call("cleanupSimulatorMock", id=fault["simulatormock"]["id"])
    machine = await api.deploy()
    assert await target(api, server, machine["publicip"]) == machine["nic"][0]["ipaddress"]
    await check(server)


async def test_the_recorded_offering(cloud: tuple[Server, Api]) -> None:
    """What a Netscaler would do, the virtual router does in its place."""
    server, api = cloud
    await elastic(api, await zones.offering(api, RECORDED))
    machine = await api.deploy()
    assert await target(api, server, machine["publicip"]) == machine["nic"][0]["ipaddress"]
    await check(server)


async def test_another_pod_another_guest_address(cloud: tuple[Server, Api]) -> None:
    server, api = cloud
    made = await elastic(api, ends=(40, 40))
    machine = await api.deploy(podid=made["pods"][0])
    mine = (await api.job("associateIpAddress", zoneid=made["zoneid"]))["ipaddress"]
    await api.call("enableStaticNat", ipaddressid=mine["id"], virtualmachineid=machine["id"])
    await api.job("stopVirtualMachine", id=machine["id"])
    moved = (await api.job("startVirtualMachine", id=machine["id"], podid=made["pods"][1]))["virtualmachine"]
    assert moved["nic"][0]["ipaddress"].startswith("10.1.2.")
    assert await target(api, server, mine["ipaddress"]) == moved["nic"][0]["ipaddress"]
    (row,) = await public(api)
    assert row["vmipaddress"] == moved["nic"][0]["ipaddress"]
    await check(server)
