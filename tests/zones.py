"""Zones whose machines share a network, built by API calls as clients build them; each call in the order of the wizard."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from apiclient import Api
from invariants import rows
from options import make_config

from cloudsim.server import Server

SECURED = "DefaultSharedNetworkOfferingWithSGService"
PLAIN = "DefaultSharedNetworkOffering"


@asynccontextmanager
async def empty_server(directory: Path, **options: Any) -> AsyncIterator[tuple[Server, Api]]:
    """A server without a zone, and its admin."""
    server = Server(make_config(directory / "data", seed=False, **options))
    await server.start()
    try:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
            yield server, await _admin(server, http)
    finally:
        await server.stop()


async def _admin(server: Server, http: aiohttp.ClientSession) -> Api:
    sql = "SELECT api_key, secret_key FROM \"user\" WHERE username = 'admin'"
    ((key, sealed),) = await rows(server, sql)
    return Api(http, server.url, key, server.cloud.cipher.open(sealed))


async def offering(api: Api, name: str) -> str:
    """The id of a network offering."""
    return (await api.call("listNetworkOfferings", name=name))["networkoffering"][0]["id"]


async def wire(api: Api, zoneid: str, traffic: tuple[str, ...], providers: tuple[str, ...]) -> str:
    """A physical network with its traffic types and providers enabled."""
    made = await api.job("createPhysicalNetwork", zoneid=zoneid, name="wire")
    network = made["physicalnetwork"]["id"]
    for kind in traffic:
        await api.job("addTrafficType", physicalnetworkid=network, traffictype=kind)
    await api.job("updatePhysicalNetwork", id=network, state="Enabled")
    for name in providers:
        found = await api.call("listNetworkServiceProviders", physicalnetworkid=network, name=name)
        (provider,) = found["networkserviceprovider"]
        for element in (await api.call("listVirtualRouterElements", nspid=provider["id"])).get(
            "virtualrouterelement", []
        ):
            await api.job("configureVirtualRouterElement", id=element["id"], enabled=True)
        await api.job("updateNetworkServiceProvider", id=provider["id"], state="Enabled")
    return network


async def pod(api: Api, zoneid: str, number: int = 1, hosts: int = 2) -> dict[str, str]:
    """A pod with a cluster, hosts and primary storage."""
    net = f"172.16.{number}"
    made = await api.call(
        "createPod", zoneid=zoneid, name=f"pod{number}", gateway=f"{net}.1", netmask="255.255.255.0",
        startip=f"{net}.2", endip=f"{net}.50",
    )  # fmt: skip
    where = {"zoneid": zoneid, "podid": made["pod"]["id"]}
    cluster = await api.call(
        "addCluster", **where, clustername=f"c{number}", clustertype="CloudManaged", hypervisor="Simulator"
    )
    where["clusterid"] = cluster["cluster"][0]["id"]
    for host in range(hosts):
        await api.call("addHost", **where, hypervisor="Simulator", url=f"http://sim{number}/c/h{host}")
    await api.call(
        "createStoragePool", zoneid=zoneid, scope="ZONE", hypervisor="Simulator", name=f"ps{number}",
        url=f"nfs://10.1.1.1/{zoneid}/p{number}",
    )  # fmt: skip
    return where


async def enable(api: Api, zoneid: str) -> None:
    """Secondary storage, and the zone opens; answers when its own machines run."""
    await api.call("addImageStore", zoneid=zoneid, provider="NFS", url=f"nfs://10.1.1.1/{zoneid}")
    await api.call("updateZone", id=zoneid, allocationstate="Enabled")
    await system_vms(api, zoneid)


async def system_vms(api: Api, zoneid: str) -> list[dict[str, Any]]:
    """The system virtual machines of a zone, once both run."""
    async with asyncio.timeout(20):
        while True:
            found = (await api.call("listSystemVms", zoneid=zoneid, state="Running")).get("systemvm", [])
            if len(found) == 2:
                return found
            await asyncio.sleep(0.02)


async def basic_zone(
    api: Api,
    *,
    name: str = "basic",
    secured: bool = True,
    ends: tuple[int, ...] = (200,),
    hosts: int = 2,
    offered: str | None = None,
    public: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """A basic zone with a pod for each of `ends`: pod n has the addresses 10.1.n.10 to 10.1.n.END.

    `offered`: its network's offering; `public`: a range of public addresses.
    """
    zone = await api.call(
        "createZone", name=name, networktype="Basic", dns1="10.0.0.1", internaldns1="10.0.0.1",
        securitygroupenabled=secured,
    )  # fmt: skip
    zoneid = zone["zone"]["id"]
    providers = ("VirtualRouter", "SecurityGroupProvider") if secured else ("VirtualRouter",)
    traffic = ("Guest", "Management") if public is None else ("Guest", "Management", "Public")
    physical = await wire(api, zoneid, traffic, providers)
    if public is not None:
        await api.job("addNetworkServiceProvider", physicalnetworkid=physical, name="Netscaler")
        (device,) = (await api.call("listNetworkServiceProviders", physicalnetworkid=physical, name="Netscaler"))[
            "networkserviceprovider"
        ]
        await api.job("updateNetworkServiceProvider", id=device["id"], state="Enabled")
        await api.call("createVlanIpRange", zoneid=zoneid, vlan="untagged", **public)
    network = await api.call(
        "createNetwork", zoneid=zoneid, name="guests", displaytext="guests", acltype="Domain",
        networkofferingid=offered or await offering(api, SECURED if secured else PLAIN),
    )  # fmt: skip
    made = {"zoneid": zoneid, "networkid": network["network"]["id"], "physicalnetworkid": physical}
    made["pods"], made["ranges"] = [], []
    for number, end in enumerate(ends, 1):
        place = await pod(api, zoneid, number, hosts)
        made["pods"].append(place["podid"])
        found = await api.call(
            "createVlanIpRange", podid=place["podid"], networkid=made["networkid"], forvirtualnetwork=False,
            gateway=f"10.1.{number}.1", netmask="255.255.255.0", startip=f"10.1.{number}.10",
            endip=f"10.1.{number}.{end}",
        )  # fmt: skip
        made["ranges"].append(found["vlan"]["id"])
    await enable(api, zoneid)
    return made


async def secured_zone(api: Api, *, end: int = 200) -> dict[str, Any]:
    """An advanced zone with security groups: its network has the addresses 10.2.0.10 to 10.2.0.END."""
    zone = await api.call(
        "createZone", name="secured", networktype="Advanced", dns1="10.0.0.1", internaldns1="10.0.0.1",
        securitygroupenabled=True,
    )  # fmt: skip
    zoneid = zone["zone"]["id"]
    physical = await wire(api, zoneid, ("Guest", "Management"), ("VirtualRouter", "SecurityGroupProvider"))
    network = await api.call(
        "createNetwork", zoneid=zoneid, name="guests", displaytext="guests", vlan="77", gateway="10.2.0.1",
        netmask="255.255.255.0", startip="10.2.0.10", endip=f"10.2.0.{end}",
        networkofferingid=await offering(api, SECURED),
    )  # fmt: skip
    await pod(api, zoneid)
    await enable(api, zoneid)
    return {"zoneid": zoneid, "networkid": network["network"]["id"], "physicalnetworkid": physical}


async def basics(api: Api, zoneid: str) -> dict[str, str]:
    """What a deployment in a zone needs."""
    return {**await api.basics(), "zoneid": zoneid}


def last(address: str) -> int:
    """The last number of an address."""
    return int(address.rsplit(".", 1)[1])
