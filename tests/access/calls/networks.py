"""Guest networks, public addresses, and what the cloud's networks are made of."""

from __future__ import annotations

from typing import Any

from access_cast import Cast
from access_rows import Row, thing

from cloudsim.db import schema

ISOLATED = "DefaultIsolatedNetworkOfferingWithSourceNatService"


@thing("isolated", owned="cloud")
async def _isolated(cast: Cast, **_: Any) -> str:
    return (await cast.api.call("listNetworkOfferings", name=ISOLATED))["networkoffering"][0]["id"]


@thing("network", needs=("isolated",))
async def _network(cast: Cast, **owner: Any) -> str:
    given = {"name": "mine", "zoneid": cast.id("zone", owner), "networkofferingid": cast.id("isolated", owner)}
    return (await cast.api.call("createNetwork", **given, **owner))["network"]["id"]


@thing("publicipaddress", needs=("network",))
async def _address(cast: Cast, **owner: Any) -> str:
    (network,) = cast.one("SELECT id FROM network WHERE uuid = ?", cast.id("network", owner))
    address = "10.99.0.1" if "projectid" in owner else "10.99.0.2"
    given = {"address": address, "state": "Allocated", "network_id": network, "allocated": 1}
    return await cast.insert(schema.public_ip, **given, **cast.owned(owner))


async def _first(cast: Cast, command: str, noun: str, **given: Any) -> str:
    return (await cast.api.call(command, **given))[noun][0]["id"]


@thing("physicalnetwork", owned="cloud")
async def _physical(cast: Cast, **_: Any) -> str:
    return await _first(cast, "listPhysicalNetworks", "physicalnetwork")


@thing("emptyphysical", owned="cloud", needs=("emptyzone",))
async def _empty_physical(cast: Cast, **owner: Any) -> str:
    given = {"name": "empty", "zoneid": cast.id("emptyzone", owner), "isolationmethods": "VLAN"}
    return (await cast.api.job("createPhysicalNetwork", **given))["physicalnetwork"]["id"]


@thing("traffictype", owned="cloud", needs=("emptyphysical",))
async def _traffic(cast: Cast, **owner: Any) -> str:
    where = {"physicalnetworkid": cast.id("emptyphysical", owner)}
    return (await cast.api.job("addTrafficType", traffictype="Guest", **where))["traffictype"]["id"]


@thing("provider", owned="cloud", needs=("emptyphysical",))
async def _provider(cast: Cast, **owner: Any) -> str:
    where = {"physicalnetworkid": cast.id("emptyphysical", owner), "name": "VirtualRouter"}
    return await _first(cast, "listNetworkServiceProviders", "networkserviceprovider", **where)


@thing("element", owned="cloud")
async def _element(cast: Cast, **_: Any) -> str:
    return await _first(cast, "listVirtualRouterElements", "virtualrouterelement")


@thing("lbelement", owned="cloud")
async def _lb_element(cast: Cast, **_: Any) -> str:
    return await _first(cast, "listInternalLoadBalancerElements", "internalloadbalancerelement")


@thing("vlaniprange", owned="cloud", needs=("physicalnetwork",))
async def _range(cast: Cast, **owner: Any) -> str:
    where = {"zoneid": cast.id("zone", owner), "physicalnetworkid": cast.id("physicalnetwork", owner)}
    return (await cast.api.call("createVlanIpRange", **where, **RANGE))["vlan"]["id"]


RANGE = {
    "gateway": "10.8.0.1",
    "netmask": "255.255.255.0",
    "startip": "10.8.0.2",
    "endip": "10.8.0.9",
    "vlan": "50",
    "forvirtualnetwork": True,
}
OTHER = {**RANGE, "gateway": "10.7.0.1", "startip": "10.7.0.2", "endip": "10.7.0.9", "vlan": "51"}
BARE = "DELETE FROM provider_element WHERE provider_id = (SELECT id FROM network_provider WHERE uuid = :id)"

ROWS = [
    Row("createNetwork", name="made", zoneid="@zone", networkofferingid="@isolated"),
    Row("updateNetwork", "network", displaytext="else"),
    Row("deleteNetwork", "network"),
    Row("restartNetwork", "network", given="UPDATE network SET state = 'Implemented' WHERE uuid = :id"),
    Row("listNetworks", "network"),
    Row("listPublicIpAddresses", "publicipaddress"),
    # -- the cloud's own
    Row("createPhysicalNetwork", name="made", zoneid="@zone", isolationmethods="VLAN", spread=False),
    Row("updatePhysicalNetwork", "physicalnetwork", tags="a"),
    Row("deletePhysicalNetwork", "emptyphysical"),
    Row("listPhysicalNetworks", "physicalnetwork"),
    Row("addTrafficType", "emptyphysical", by="physicalnetworkid", traffictype="Storage"),
    Row("updateTrafficType", "traffictype", kvmnetworklabel="a"),
    Row("deleteTrafficType", "traffictype"),
    Row("listTrafficTypes", "physicalnetwork", by="physicalnetworkid"),
    Row("addNetworkServiceProvider", "emptyphysical", by="physicalnetworkid", name="Ovs"),
    Row("updateNetworkServiceProvider", "provider", state="Disabled"),
    Row("deleteNetworkServiceProvider", "provider"),
    Row("listNetworkServiceProviders"),
    Row("configureVirtualRouterElement", "element", enabled=True),
    Row("configureInternalLoadBalancerElement", "lbelement", enabled=True),
    Row("createVirtualRouterElement", "provider", by="nspid", given=BARE),
    Row("listVirtualRouterElements", "element"),
    Row("listInternalLoadBalancerElements", "lbelement"),
    Row("createVlanIpRange", zoneid="@zone", physicalnetworkid="@physicalnetwork", **OTHER),
    Row("updateVlanIpRange", "vlaniprange", endip="10.8.0.12"),
    Row("deleteVlanIpRange", "vlaniprange"),
    Row("listVlanIpRanges", "vlaniprange"),
    Row("listSupportedNetworkServices"),
]
