"""A basic zone from nothing: one network for everybody, an address from the pod that a machine is placed in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import zones
from apiclient import Api, Refused
from invariants import check
from people import person, refused

from cloudsim.server import Server


@pytest.fixture
async def cloud(tmp_path: Path) -> AsyncIterator[tuple[Server, Api]]:
    async with zones.empty_server(tmp_path) as made:
        yield made


async def test_from_nothing_to_a_machine(cloud: tuple[Server, Api]) -> None:
    server, api = cloud
    made = await zones.basic_zone(api)
    (zone,) = (await api.call("listZones"))["zone"]
    assert (zone["networktype"], zone["securitygroupsenabled"], zone["allocationstate"]) == ("Basic", True, "Enabled")
    (network,) = (await api.call("listNetworks", zoneid=made["zoneid"]))["network"]
    assert (network["type"], network["acltype"], network["state"]) == ("Shared", "Domain", "Setup")
    assert network["broadcasturi"] == "vlan://untagged"
    assert "SecurityGroup" in {service["name"] for service in network["service"]}
    (part,) = (await api.call("listVlanIpRanges", networkid=made["networkid"]))["vlaniprange"]
    assert (part["podid"], part["networkid"], part["forvirtualnetwork"]) == (made["pods"][0], made["networkid"], False)
    for row in await zones.system_vms(api, made["zoneid"]):
        assert row["publicip"].startswith("10.1.1.")
        assert (row["gateway"], row["publicnetmask"]) == ("10.1.1.1", "255.255.255.0")
        assert row["privateip"].startswith("172.16.1.")
    machine = await api.deploy()
    (card,) = machine["nic"]
    assert (card["networkid"], card["gateway"], card["netmask"]) == (made["networkid"], "10.1.1.1", "255.255.255.0")
    assert 10 <= zones.last(card["ipaddress"]) <= 200
    assert (card["type"], card["traffictype"]) == ("Shared", "Guest")
    assert [group["name"] for group in machine["securitygroup"]] == ["default"]
    addresses = await api.call("listPublicIpAddresses", forvirtualnetwork=False, allocatedonly=False)
    assert addresses["count"] == 191
    mine = await api.call("listPublicIpAddresses", forvirtualnetwork=False, ipaddress=card["ipaddress"])
    (address,) = mine["publicipaddress"]
    assert (address["virtualmachineid"], address["networkid"]) == (machine["id"], made["networkid"])
    assert (address["vlanid"], address["vlanname"]) == (part["id"], "vlan://untagged")
    (admin,) = (await api.call("listAccounts", name="admin"))["account"]
    assert admin["iptotal"] == 0, "addresses of shared networks do not count as public ones"
    await api.job("stopVirtualMachine", id=machine["id"])
    again = (await api.job("startVirtualMachine", id=machine["id"]))["virtualmachine"]
    assert again["nic"][0]["ipaddress"] == card["ipaddress"]
    await api.job("destroyVirtualMachine", id=machine["id"], expunge=True)
    assert await api.call("listPublicIpAddresses", forvirtualnetwork=False, ipaddress=card["ipaddress"]) == {}
    await check(server)


async def test_a_machine_has_an_address_of_its_pod(cloud: tuple[Server, Api]) -> None:
    server, api = cloud
    made = await zones.basic_zone(api, ends=(40, 40), hosts=1)
    for number, pod in enumerate(made["pods"], 1):
        machine = await api.deploy(podid=pod)
        assert machine["nic"][0]["ipaddress"].startswith(f"10.1.{number}.")
        assert machine["nic"][0]["gateway"] == f"10.1.{number}.1"
    stopped = await api.deploy(startvm=False)
    assert "ipaddress" not in stopped["nic"][0], "its pod is not known yet"
    # started in another pod it gets another address; the first is free again
    started = (await api.job("startVirtualMachine", id=stopped["id"], podid=made["pods"][0]))["virtualmachine"]
    first = started["nic"][0]["ipaddress"]
    await api.job("stopVirtualMachine", id=stopped["id"])
    moved = (await api.job("startVirtualMachine", id=stopped["id"], podid=made["pods"][1]))["virtualmachine"]
    assert moved["nic"][0]["ipaddress"].startswith("10.1.2.")
    assert await api.call("listPublicIpAddresses", forvirtualnetwork=False, ipaddress=first) == {}
    # while it runs it stays where its address is
    status, text = await refused(api, "prepareHostForMaintenance", id=moved["hostid"])
    assert (status, "could not leave" in text) == (530, True)
    (row,) = (await api.call("listVirtualMachines", id=moved["id"]))["virtualmachine"]
    assert (row["state"], row["hostid"]) == ("Running", moved["hostid"])
    await api.job("cancelHostMaintenance", id=moved["hostid"])
    await check(server)


async def test_a_host_that_fails_gives_the_address_back(cloud: tuple[Server, Api]) -> None:
    server, api = cloud
    made = await zones.basic_zone(api, ends=(40, 40), hosts=1)
    (host,) = (await api.call("listHosts", podid=made["pods"][0], type="Routing"))["host"]
    await api.call("configureSimulator", name="StartCommand", value="fail", hostid=host["id"])
    held = {(await api.deploy())["nic"][0]["ipaddress"] for _ in range(4)}
    assert all(address.startswith("10.1.2.") for address in held)
    given = await api.call("listPublicIpAddresses", forvirtualnetwork=False)
    assert {row["ipaddress"] for row in given["publicipaddress"]} == held
    for row in await zones.system_vms(api, made["zoneid"]):
        await api.job("stopSystemVm", id=row["id"])
        again = (await api.job("startSystemVm", id=row["id"]))["systemvm"]
        assert (again["publicip"][:7], again["privateip"][:9]) == ("10.1.2.", "172.16.2.")
    await check(server)


async def test_an_address_that_is_asked_for_chooses_the_pod(cloud: tuple[Server, Api]) -> None:
    _, api = cloud
    await zones.basic_zone(api, ends=(40, 40))
    for address in ("10.1.2.33", "10.1.1.33"):
        machine = await api.deploy(ipaddress=address)
        assert machine["nic"][0]["ipaddress"] == address
        assert (await refused(api, "deployVirtualMachine", **await api.basics(), ipaddress=address))[0] == 431
    for bad in ("10.1.1.5", "10.1.3.20", "10.1.1", "10.1.1.1"):
        assert (await refused(api, "deployVirtualMachine", **await api.basics(), ipaddress=bad))[0] == 431, bad


async def test_a_full_pod_is_passed_by(cloud: tuple[Server, Api]) -> None:
    """Both pods together have room for three machines beside the zone's own and the router: just as many start."""
    server, api = cloud
    made = await zones.basic_zone(api, ends=(12, 12))
    wanted = await api.basics()
    asked = [api.job("deployVirtualMachine", **wanted) for _ in range(8)]
    done = await asyncio.gather(*asked, return_exceptions=True)
    started = [one["virtualmachine"] for one in done if isinstance(one, dict)]
    refusals = [one for one in done if isinstance(one, Refused)]
    assert (len(started), len(refusals)) == (3, 5)
    assert {(one.code, one.cscode) for one in refusals} <= {(533, None)}
    held = [machine["nic"][0]["ipaddress"] for machine in started]
    held += [row["publicip"] for row in await zones.system_vms(api, made["zoneid"])]
    held += [row["guestipaddress"] for row in (await api.call("listRouters", listall=True))["router"]]
    assert len(set(held)) == 6
    await check(server)


async def test_everybody_shares_the_network(cloud: tuple[Server, Api], http: aiohttp.ClientSession) -> None:
    _, api = cloud
    made = await zones.basic_zone(api)
    user = await person(api, http, "anna")
    machine = await user.deploy()
    assert machine["nic"][0]["networkid"] == made["networkid"]
    (network,) = (await user.call("listNetworks"))["network"]
    assert (network["id"], "physicalnetworkid" in network) == (made["networkid"], False)
    assert (await refused(user, "deleteNetwork", id=made["networkid"]))[0] == 531
    assert (await refused(user, "deployVirtualMachine", **await user.basics(), networkids=made["networkid"]))[0] == 431


async def test_without_security_groups(cloud: tuple[Server, Api]) -> None:
    server, api = cloud
    await zones.basic_zone(api, secured=False)
    machine = await api.deploy()
    assert machine["securitygroup"] == []
    assert server.simulator.security(machine["id"]) is None
    assert (await refused(api, "deployVirtualMachine", **await api.basics(), securitygroupnames="default"))[0] == 431


async def test_what_a_basic_zone_does_not_allow(cloud: tuple[Server, Api]) -> None:
    _, api = cloud
    zone = await api.call(
        "createZone", name="b", networktype="Basic", dns1="10.0.0.1", internaldns1="10.0.0.1", securitygroupenabled=True
    )
    zoneid = zone["zone"]["id"]
    shared = {"zoneid": zoneid, "name": "n", "networkofferingid": await zones.offering(api, zones.SECURED)}
    assert (await refused(api, "createNetwork", **shared))[0] == 431, "there is no physical network"
    physical = await zones.wire(api, zoneid, ("Guest", "Management"), ("VirtualRouter",))
    status, text = await refused(api, "createNetwork", **shared)
    assert (status, "SecurityGroupProvider" in text) == (431, True)
    (provider,) = (
        await api.call("listNetworkServiceProviders", physicalnetworkid=physical, name="SecurityGroupProvider")
    )["networkserviceprovider"]
    await api.job("updateNetworkServiceProvider", id=provider["id"], state="Enabled")
    isolated = await zones.offering(api, "DefaultIsolatedNetworkOfferingWithSourceNatService")
    for given in (
        {"networkofferingid": isolated},
        {"acltype": "Account"},
        {"gateway": "10.1.1.1", "netmask": "255.255.255.0", "startip": "10.1.1.2"},
        {"vlan": "50"},
    ):
        assert (await refused(api, "createNetwork", **{**shared, **given}))[0] == 431, given
    made = (await api.call("createNetwork", **shared, vlan="untagged"))["network"]
    assert (await refused(api, "createNetwork", **shared))[0] == 431, "it has one already"
    place = await zones.pod(api, zoneid)
    part = {"networkid": made["id"], "podid": place["podid"], "gateway": "10.1.1.1", "netmask": "255.255.255.0",
            "startip": "10.1.1.10", "endip": "10.1.1.20", "forvirtualnetwork": False}  # fmt: skip
    for given in (
        {"podid": None},
        {"startip": None},
        {"gateway": None},
        {"gateway": None, "netmask": None},
        {"startip": "10.1.2.10", "endip": "10.1.2.20"},
        {"startip": "10.1.1.20", "endip": "10.1.1.10"},
        {"endip": "10.1.2.5"},
        {"startip": "10.1.1.1"},
        {"vlan": "60"},
        {"forvirtualnetwork": True},
        {"forsystemvms": True},
        {"account": "admin", "domainid": made["domainid"]},
        {"gateway": "172.16.1.1", "startip": "172.16.1.40", "endip": "172.16.1.60"},
        {"netmask": "255.255.255.256"},
    ):
        assert (await refused(api, "createVlanIpRange", **{**part, **given}))[0] == 431, given
    found = (await api.call("createVlanIpRange", **{**part, "networkid": None}))["vlan"]
    assert found["networkid"] == made["id"]
    second = await zones.pod(api, zoneid, 2)
    for given in (
        {},
        {"startip": "10.1.1.15", "endip": "10.1.1.30"},
        {"podid": second["podid"], "startip": "10.1.1.30", "endip": "10.1.1.40"},
        {"gateway": "10.1.1.2", "startip": "10.1.1.30", "endip": "10.1.1.40"},
    ):
        assert (await refused(api, "createVlanIpRange", **{**part, **given}))[0] == 431, given
    more = {"startip": "10.1.1.30", "endip": "10.1.1.40", "gateway": None, "netmask": None}
    await api.call("createVlanIpRange", **{**part, **more})
    assert (await api.call("listVlanIpRanges", podid=place["podid"]))["count"] == 2
    for given in ({"endip": "10.1.1.30"}, {"startip": "10.1.1.1"}, {"endip": "10.1.2.1"}, {"forsystemvms": True}):
        assert (await refused(api, "updateVlanIpRange", id=found["id"], **given))[0] == 431, given
    changed = (await api.call("updateVlanIpRange", id=found["id"], endip="10.1.1.25"))["vlan"]
    assert changed["endip"] == "10.1.1.25"
    assert (await refused(api, "deletePod", id=second["podid"]))[0] == 536


async def test_what_is_in_use_stays(cloud: tuple[Server, Api]) -> None:
    _, api = cloud
    made = await zones.basic_zone(api)
    machine = await api.deploy()
    number = zones.last(machine["nic"][0]["ipaddress"])
    (part,) = made["ranges"]
    assert (await refused(api, "deleteVlanIpRange", id=part))[0] == 536
    assert (await refused(api, "updateVlanIpRange", id=part, startip=f"10.1.1.{number + 1}"))[0] == 536
    assert (await refused(api, "updateVlanIpRange", id=part, gateway="10.1.1.2"))[0] == 536
    assert (await refused(api, "deleteNetwork", id=made["networkid"]))[0] == 530
    await api.job("destroyVirtualMachine", id=machine["id"], expunge=True)
    status, text = await refused(api, "deleteNetwork", id=made["networkid"])
    assert (status, "given away" in text) == (536, True), "the zone's own machines are in it"
    await api.call("updateZone", id=made["zoneid"], allocationstate="Disabled")
    for row in await zones.system_vms(api, made["zoneid"]):
        await api.job("destroySystemVm", id=row["id"])
    await api.job("deleteNetwork", id=made["networkid"])
    assert await api.call("listVlanIpRanges") == {}
    assert await api.call("listPublicIpAddresses", allocatedonly=False) == {}


async def test_addresses_survive_a_restart(tmp_path: Path) -> None:
    async with zones.empty_server(tmp_path) as (_, api):
        await zones.basic_zone(api)
        before: dict[str, Any] = await api.deploy()
    async with zones.empty_server(tmp_path) as (server, api):
        (after,) = (await api.call("listVirtualMachines"))["virtualmachine"]
        assert after["nic"] == before["nic"]
        other = await api.deploy()
        assert other["nic"][0]["ipaddress"] != before["nic"][0]["ipaddress"]
        await check(server)
