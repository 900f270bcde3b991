"""Zones and what they are made of: what is refused, what is kept, what goes when it is empty."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from apiclient import Api, Refused

ZONE = {"dns1": "10.0.0.1", "internaldns1": "10.0.0.1", "networktype": "Advanced"}
POD = {"gateway": "10.9.0.1", "netmask": "255.255.255.0", "startip": "10.9.0.2", "endip": "10.9.0.9"}
RANGE = {"gateway": "10.8.0.1", "netmask": "255.255.255.0", "startip": "10.8.0.10", "endip": "10.8.0.19"}


async def refused(api: Api, command: str, **given: Any) -> tuple[int, str]:
    with pytest.raises(Refused) as caught:
        await api.call(command, **given)
    return caught.value.status, caught.value.text


async def zone(api: Api, name: str = "mine", **given: Any) -> str:
    return (await api.call("createZone", name=name, **{**ZONE, **given}))["zone"]["id"]


async def physical(api: Api, zoneid: str, **given: Any) -> str:
    made = await api.job("createPhysicalNetwork", zoneid=zoneid, name="wire", **given)
    return made["physicalnetwork"]["id"]


async def test_what_a_zone_must_not_be(api: Api) -> None:
    for given in (
        {"dns1": "nine"},
        {"internaldns1": "10.0.0.256"},
        {"ip6dns1": "10.0.0.1"},
        {"networktype": "Fancy"},
        {"guestcidraddress": "10.1.1.1/24"},
        {"guestcidraddress": "everything"},
        {"domain": "no spaces"},
        {"networktype": "Basic", "guestcidraddress": "10.1.1.0/24"},
        {"networktype": "Basic", "isedge": True},
    ):
        status, text = await refused(api, "createZone", name="bad", **{**ZONE, **given})
        assert status == 431, given
        assert text
    assert await api.call("listZones", name="bad") == {}
    made = await zone(api)
    assert (await refused(api, "createZone", name="mine", **ZONE))[0] == 431
    assert (await refused(api, "updateZone", id=made, name="zone1"))[0] == 431
    status, text = await refused(api, "updateZone", id=made, allocationstate="Enabled")
    assert status == 431
    assert "physical network" in text
    changed = (await api.call("updateZone", id=made, name="yours", dns2="10.0.0.2", domain="example.com"))["zone"]
    assert (changed["name"], changed["dns2"], changed["domain"]) == ("yours", "10.0.0.2", "example.com")
    await api.call("deleteZone", id=made)
    assert await api.call("listZones", id=made) == {}


async def test_a_zone_that_is_not_empty_stays(api: Api) -> None:
    where = await api.places()
    machine = await api.deploy()
    status, text = await refused(api, "deleteZone", id=where["zoneid"])
    assert status == 536
    assert "2 virtual machines" in text
    assert (await refused(api, "deletePod", id=where["podid"]))[0] == 536
    (wire,) = (await api.call("listPhysicalNetworks"))["physicalnetwork"]
    assert (await refused(api, "deletePhysicalNetwork", id=wire["id"]))[0] == 536
    (addresses,) = (await api.call("listVlanIpRanges"))["vlaniprange"]
    assert (await refused(api, "deleteVlanIpRange", id=addresses["id"]))[0] == 536
    assert (await api.call("listVirtualMachines", id=machine["id"]))["virtualmachine"][0]["state"] == "Running"


async def test_pods(api: Api) -> None:
    mine = await zone(api)
    for given in (
        {"gateway": "10.9.0"},
        {"netmask": "255.0.255.0"},
        {"netmask": "255.255.255.255"},
        {"startip": "10.9.1.2"},
        {"startip": "10.9.0.9", "endip": "10.9.0.2"},
        {"startip": "10.9.0.1"},
        {"endip": "10.9.0.255"},
        {"startip": None},
    ):
        assert (await refused(api, "createPod", zoneid=mine, name="p", **{**POD, **given}))[0] == 431, given
    pod = (await api.call("createPod", zoneid=mine, name="p", **POD))["pod"]
    assert (await refused(api, "createPod", zoneid=mine, name="p", **{**POD, "gateway": "10.7.0.1"}))[0] == 431
    status, text = await refused(api, "createPod", zoneid=mine, name="q", **{**POD, "netmask": "255.255.0.0"})
    assert status == 431
    assert "overlaps" in text
    assert (await api.call("updatePod", id=pod["id"], endip="10.9.0.20"))["pod"]["endip"] == ["10.9.0.20"]
    cluster = await api.call(
        "addCluster", zoneid=mine, podid=pod["id"], clustername="c", clustertype="CloudManaged", hypervisor="Simulator"
    )
    where = {"zoneid": mine, "podid": pod["id"], "clusterid": cluster["cluster"][0]["id"]}
    (host,) = (await api.call("addHost", **where, hypervisor="Simulator", url="http://sim/c/h"))["host"]
    assert host["ipaddress"] == "10.9.0.2"
    assert (await refused(api, "updatePod", id=pod["id"], startip="10.9.0.5"))[0] == 536
    assert (await refused(api, "deletePod", id=pod["id"]))[0] == 536
    await api.call("deleteHost", id=host["id"], forced=True)
    await api.call("deleteCluster", id=where["clusterid"])
    await api.call("deletePod", id=pod["id"])


async def test_physical_networks_and_their_vlans(api: Api) -> None:
    mine = await zone(api)
    for vlans in ("0-10", "10-5", "a-b", "100-4095", "1-99999999999999"):
        assert (await refused(api, "createPhysicalNetwork", zoneid=mine, name="w", vlan=vlans))[0] == 431, vlans
    for given in ({"isolationmethods": "ROPE"}, {"tags": "a,b"}, {"broadcastdomainrange": "POD"}):
        assert (await refused(api, "createPhysicalNetwork", zoneid=mine, name="w", **given))[0] == 431, given
    one = await physical(api, mine, vlan="100-110,200")
    two = await physical(api, mine)
    with pytest.raises(Refused) as caught:
        await api.job("updatePhysicalNetwork", id=two, vlan="110-120")
    assert caught.value.code == 431
    assert "110" in caught.value.text
    found = (await api.job("updatePhysicalNetwork", id=two, vlan="111-120", state="Enabled"))["physicalnetwork"]
    assert (found["vlan"], found["state"]) == ("111-120", "Enabled")
    found = (await api.job("updatePhysicalNetwork", id=one, vlan="300"))["physicalnetwork"]
    assert found["vlan"] == "300"
    await api.job("addTrafficType", physicalnetworkid=one, traffictype="Public", kvmnetworklabel="br0")
    assert (await refused(api, "addTrafficType", physicalnetworkid=two, traffictype="Public"))[0] == 431
    assert (await refused(api, "addTrafficType", physicalnetworkid=one, traffictype="Public"))[0] == 431
    (kind,) = (await api.call("listTrafficTypes", physicalnetworkid=one))["traffictype"]
    assert (kind["traffictype"], kind["kvmnetworklabel"]) == ("Public", "br0")
    changed = (await api.job("updateTrafficType", id=kind["id"], kvmnetworklabel="br1"))["traffictype"]
    assert changed["kvmnetworklabel"] == "br1"
    await api.job("deleteTrafficType", id=kind["id"])
    assert await api.call("listTrafficTypes", physicalnetworkid=one) == {}
    await api.job("deletePhysicalNetwork", id=one)
    assert (await refused(api, "listPhysicalNetworks", id=one))[0] == 431


async def test_a_vlan_in_use_stays(api: Api) -> None:
    machine = await api.deploy()
    vlan = machine["nic"][0]["broadcasturi"].removeprefix("vlan://")
    (wire,) = (await api.call("listPhysicalNetworks"))["physicalnetwork"]
    with pytest.raises(Refused) as caught:
        await api.job("updatePhysicalNetwork", id=wire["id"], vlan="2000-2010")
    assert (caught.value.code, vlan in caught.value.text) == (536, True)
    found = (await api.job("updatePhysicalNetwork", id=wire["id"], vlan=f"{vlan},2000-2010"))["physicalnetwork"]
    assert found["vlan"] == f"{vlan},2000-2010"


async def test_providers(api: Api) -> None:
    wire = await physical(api, await zone(api))
    names = (await api.call("listNetworkServiceProviders", physicalnetworkid=wire))["networkserviceprovider"]
    assert {one["name"] for one in names} == {"VirtualRouter", "VpcVirtualRouter", "InternalLbVm", "ConfigDrive"}
    (router,) = (await api.call("listNetworkServiceProviders", physicalnetworkid=wire, name="virtualrouter"))[
        "networkserviceprovider"
    ]
    status, text = await refused(api, "updateNetworkServiceProvider", id=router["id"], state="Enabled")
    assert status == 431
    assert "element" in text
    (element,) = (await api.call("listVirtualRouterElements", nspid=router["id"]))["virtualrouterelement"]
    wrong = await refused(api, "configureInternalLoadBalancerElement", id=element["id"], enabled=True)
    assert wrong[0] == 431
    await api.job("configureVirtualRouterElement", id=element["id"], enabled=True)
    assert (await refused(api, "updateNetworkServiceProvider", id=router["id"], servicelist="Coffee"))[0] == 431
    changed = await api.job("updateNetworkServiceProvider", id=router["id"], state="Enabled", servicelist="Dhcp,Dns")
    assert changed["networkserviceprovider"]["servicelist"] == ["Dhcp", "Dns"]
    assert (await refused(api, "addNetworkServiceProvider", physicalnetworkid=wire, name="Nobody"))[0] == 431
    assert (await refused(api, "addNetworkServiceProvider", physicalnetworkid=wire, name="VirtualRouter"))[0] == 431
    await api.job("deleteNetworkServiceProvider", id=router["id"])
    added = await api.job("addNetworkServiceProvider", physicalnetworkid=wire, name="VirtualRouter")
    assert added["networkserviceprovider"]["state"] == "Disabled"
    assert (await refused(api, "createVirtualRouterElement", nspid=added["networkserviceprovider"]["id"]))[0] == 431


async def test_ranges_of_public_addresses(api: Api) -> None:
    where = {"zoneid": (await api.places())["zoneid"], "forvirtualnetwork": True}
    for given in (
        {"startip": "10.8.1.1"},
        {"startip": "10.8.0.1", "endip": "10.8.0.9"},
        {"endip": "10.8.0.9"},
        {"netmask": "255.255.255.254"},
        {"vlan": "5000"},
        {"vlan": "100"},
        {"vlan": "a"},
        {"forvirtualnetwork": False},
        {"startipv6": "fc00::1"},
        {"account": "admin"},
        {"gateway": "198.18.0.1", "startip": "198.18.1.0", "endip": "198.18.1.9", "netmask": "255.255.252.0"},
    ):
        assert (await refused(api, "createVlanIpRange", **{**where, **RANGE, **given}))[0] == 431, given
    assert (await api.call("listVlanIpRanges"))["count"] == 1
    made = (await api.call("createVlanIpRange", **where, **RANGE, vlan="50"))["vlan"]
    assert (made["cidr"], made["vlan"]) == ("10.8.0.0/24", "vlan://50")
    second = {**RANGE, "startip": "10.8.0.19", "endip": "10.8.0.29"}
    assert (await refused(api, "createVlanIpRange", **where, **second, vlan="50"))[0] == 431
    second["startip"] = "10.8.0.20"
    assert (await refused(api, "createVlanIpRange", **where, **second, vlan="51"))[0] == 431
    await api.call("createVlanIpRange", **where, **second, vlan="50")
    assert (await api.call("listPublicIpAddresses", vlanid=made["id"], allocatedonly=False))["count"] == 10
    changed = (await api.call("updateVlanIpRange", id=made["id"], startip="10.8.0.5", endip="10.8.0.15"))["vlan"]
    assert (changed["startip"], changed["endip"]) == ("10.8.0.5", "10.8.0.15")
    assert (await api.call("listPublicIpAddresses", vlanid=made["id"], allocatedonly=False))["count"] == 11
    await api.call("deleteVlanIpRange", id=made["id"])
    assert (await refused(api, "listVlanIpRanges", id=made["id"]))[0] == 431


async def test_overlapping_ranges_at_once(api: Api) -> None:
    """Many ask for the same addresses: one gets them."""
    where = {"zoneid": (await api.places())["zoneid"], "forvirtualnetwork": True, **RANGE}
    asked = [api.call("createVlanIpRange", **where) for _ in range(20)]
    done = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(one, dict) for one in done) == 1
    assert all(isinstance(one, dict) or (isinstance(one, Refused) and one.status == 431) for one in done)


async def test_image_stores(api: Api) -> None:
    mine = await zone(api)
    for given in (
        {"provider": "Tape", "url": "nfs://a/b"},
        {"provider": "NFS", "url": "http://a/b"},
        {"provider": "NFS", "url": "nfs://a"},
        {"provider": "NFS"},
    ):
        assert (await refused(api, "addImageStore", zoneid=mine, **given))[0] == 431, given
    assert (await refused(api, "addImageStore", provider="NFS", url="nfs://a/b"))[0] == 431
    given = {"provider": "nfs", "url": "nfs://a/b", "zoneid": mine}
    store = (await api.call("addImageStore", **given))["imagestore"]
    assert (store["providername"], store["scope"]) == ("NFS", "ZONE")
    assert (await refused(api, "addImageStore", **given))[0] == 431
    changed = (await api.call("updateImageStore", id=store["id"], readonly=True, name="mine"))["imagestore"]
    assert (changed["readonly"], changed["name"]) == (True, "mine")
    await api.call("deleteImageStore", id=store["id"])
    assert await api.call("listImageStores", name="mine") == {}


async def test_what_a_physical_network_had_goes_with_it(api: Api) -> None:
    wire = await physical(api, await zone(api))
    (provider, *_) = (await api.call("listNetworkServiceProviders", physicalnetworkid=wire, name="VirtualRouter"))[
        "networkserviceprovider"
    ]
    (element,) = (await api.call("listVirtualRouterElements", nspid=provider["id"]))["virtualrouterelement"]
    asked: list[Any] = [await api.call("deletePhysicalNetwork", id=wire)]
    asked += await asyncio.gather(
        api.call("updatePhysicalNetwork", id=wire, state="Enabled"),
        api.call("deletePhysicalNetwork", id=wire),
        return_exceptions=True,
    )
    ended = [await api.wait(one["jobid"]) for one in asked if isinstance(one, dict)]
    # what was asked for while it went fails with a reason; nothing happens twice
    assert [one["jobstatus"] for one in ended] == [1] + [2] * (len(ended) - 1)
    assert {one["jobresult"]["errorcode"] for one in ended[1:]} <= {534}
    assert (await refused(api, "configureVirtualRouterElement", id=element["id"], enabled=True))[0] == 431
    assert (await refused(api, "updateNetworkServiceProvider", id=provider["id"], state="Disabled"))[0] == 431
