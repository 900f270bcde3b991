"""Ranges of addresses and VLANs of the cloud: for root admins."""

from __future__ import annotations

from typing import Any

from access_cast import Cast
from access_rows import Row, thing


@thing("storagerange", owned="cloud")
async def _storage(cast: Cast, **owner: Any) -> str:
    given = {"podid": cast.id("pod", owner), "startip": "172.20.0.2", "endip": "172.20.0.9", **STORAGE}
    return (await cast.api.job("createStorageNetworkIpRange", **given))["storagenetworkiprange"]["id"]


@thing("podrange", owned="cloud")
async def _pod_range(cast: Cast, **owner: Any) -> str:
    given = {"podid": cast.id("pod", owner), "startip": "172.16.20.1", "endip": "172.16.20.9", **POD}
    await cast.api.job("createManagementNetworkIpRange", **given)
    return cast.id("pod", owner)


@thing("podaddress", owned="cloud")
async def _pod_address(cast: Cast, **owner: Any) -> str:
    made = await cast.api.call("acquirePodIpAddress", zoneid=cast.id("zone", owner))
    return str(made["podipaddress"]["id"])


@thing("portablerange", owned="cloud")
async def _portable(cast: Cast, **_: Any) -> str:
    given = {"startip": "10.66.0.2", "endip": "10.66.0.9", "gateway": "10.66.0.1", **PORTABLE}
    return (await cast.api.job("createPortableIpRange", **given))["portableiprange"]["id"]


@thing("guestvlanrange", owned="cloud", needs=("physicalnetwork",))
async def _vlans(cast: Cast, **owner: Any) -> str:
    given = {"physicalnetworkid": cast.id("physicalnetwork", owner), "vlanrange": "200-209"}
    whose = {"account": "owner", "domainid": cast.id("domain", owner)}
    return (await cast.api.call("dedicateGuestVlanRange", **given, **whose))["dedicatedguestvlanrange"]["id"]


@thing("dedicatedrange", owned="cloud", needs=("physicalnetwork",))
async def _dedicated(cast: Cast, **owner: Any) -> str:
    where = {"zoneid": cast.id("zone", owner), "physicalnetworkid": cast.id("physicalnetwork", owner)}
    whose = {"account": "owner", "domainid": cast.id("domain", owner)}
    return (await cast.api.call("createVlanIpRange", **where, **whose, **PUBLIC))["vlan"]["id"]


PUBLIC = {"gateway": "10.6.0.1", "netmask": "255.255.255.0", "startip": "10.6.0.2", "endip": "10.6.0.9"}
PUBLIC |= {"vlan": "52", "forvirtualnetwork": True}
POD = {"gateway": "172.16.0.1", "netmask": "255.255.0.0"}
STORAGE = {"gateway": "172.20.0.1", "netmask": "255.255.255.0", "vlan": 61}
PORTABLE = {"regionid": 1, "netmask": "255.255.255.0", "vlan": "62"}
CURRENT = {"currentstartip": "172.16.20.1", "currentendip": "172.16.20.9"}
WHOSE = {"account": "owner", "domainid": "@domain"}

ROWS = [
    Row("createManagementNetworkIpRange", "pod", by="podid", startip="172.16.30.1", endip="172.16.30.9", **POD),
    Row("updatePodManagementNetworkIpRange", "podrange", by="podid", newendip="172.16.20.8", **CURRENT),
    Row(
        "deleteManagementNetworkIpRange",
        "podrange",
        by="podid",
        startip="172.16.20.1",
        endip="172.16.20.9",
        vlan="untagged",
    ),
    Row("acquirePodIpAddress", zoneid="@zone"),
    Row("releasePodIpAddress", "podaddress"),
    Row("createStorageNetworkIpRange", "pod", by="podid", startip="172.20.0.20", endip="172.20.0.29", **STORAGE),
    Row("updateStorageNetworkIpRange", "storagerange", endip="172.20.0.10"),
    Row("deleteStorageNetworkIpRange", "storagerange"),
    Row("createPortableIpRange", startip="10.67.0.2", endip="10.67.0.9", gateway="10.67.0.1", **PORTABLE),
    Row("deletePortableIpRange", "portablerange"),
    Row("dedicateGuestVlanRange", "physicalnetwork", by="physicalnetworkid", vlanrange="210-219", **WHOSE),
    Row("releaseDedicatedGuestVlanRange", "guestvlanrange"),
    Row("listDedicatedGuestVlanRanges", "guestvlanrange"),
    Row("listPortableIpRanges", "portablerange"),
    Row("listStorageNetworkIpRange", "storagerange"),
    Row("releasePublicIpRange", "dedicatedrange"),
]
