"""Shared networks give addresses of their ranges: never others, never twice, until there are none left."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest
import zones
from apiclient import Api, Refused
from invariants import check, rows
from people import domain, person, refused

from cloudsim.server import Server


async def network(api: Api, **given: Any) -> dict[str, Any]:
    """A shared network with the addresses 10.5.0.10 to 10.5.0.20."""
    wanted = {
        "zoneid": (await api.places())["zoneid"], "name": "shared", "vlan": "2000", "gateway": "10.5.0.1",
        "netmask": "255.255.255.0", "startip": "10.5.0.10", "endip": "10.5.0.20",
        "networkofferingid": await zones.offering(api, zones.PLAIN),
    }  # fmt: skip
    return (await api.call("createNetwork", **{**wanted, **given}))["network"]


async def address(api: Api, **given: Any) -> str:
    machine = await api.deploy(startvm=False, **given)
    found: str = machine["nic"][0]["ipaddress"]
    return found


async def test_addresses_come_out_of_the_range(api: Api, server: Server) -> None:
    made = await network(api)
    assert (made["state"], made["vlan"], made["cidr"]) == ("Setup", "2000", "10.5.0.0/24")
    (part,) = (await api.call("listVlanIpRanges", networkid=made["id"]))["vlaniprange"]
    assert (part["vlan"], part["startip"], part["endip"]) == ("vlan://2000", "10.5.0.10", "10.5.0.20")
    held = [await address(api, networkids=made["id"]) for _ in range(11)]
    assert sorted(held, key=zones.last) == [f"10.5.0.{number}" for number in range(10, 21)]
    with pytest.raises(Refused) as caught:
        await api.call("deployVirtualMachine", **await api.basics(), networkids=made["id"])
    assert (caught.value.status, caught.value.cscode) == (533, 4320)
    free = await api.call("listPublicIpAddresses", networkid=made["id"], allocatedonly=False, state="Free")
    assert free == {}
    (machine, second, third, *_) = (await api.call("listVirtualMachines"))["virtualmachine"]
    await api.job("destroyVirtualMachine", id=machine["id"])
    assert (await refused(api, "deployVirtualMachine", **await api.basics(), networkids=made["id"]))[0] == 533
    await api.job("expungeVirtualMachine", id=machine["id"])
    assert await address(api, networkids=made["id"]) == machine["nic"][0]["ipaddress"]
    # one that runs needs the network's router, which has an address of the range, too
    for one in (second, third):
        await api.job("destroyVirtualMachine", id=one["id"], expunge=True)
    running = await api.deploy(networkids=made["id"])
    (router,) = (await api.call("listRouters", networkid=made["id"], listall=True))["router"]
    taken = {running["nic"][0]["ipaddress"], router["guestipaddress"]}
    assert taken == {second["nic"][0]["ipaddress"], third["nic"][0]["ipaddress"]}
    (now,) = (await api.call("listNetworks", id=made["id"]))["network"]
    assert now["state"] == "Setup"
    await check(server)


async def test_many_for_few_addresses(api: Api, server: Server) -> None:
    """Two hundred at once for fifty addresses: fifty get one each."""
    made = await network(api, endip="10.5.0.59")
    wanted = {**await api.basics(), "networkids": made["id"], "startvm": False}
    done = await asyncio.gather(
        *(api.call("deployVirtualMachine", **wanted) for _ in range(200)), return_exceptions=True
    )
    refusals = [one for one in done if isinstance(one, Refused)]
    assert (len(done) - len(refusals), len(refusals)) == (50, 150)
    assert {(one.status, one.cscode) for one in refusals} == {(533, 4320)}
    held = await rows(server, "SELECT ip FROM nic WHERE removed IS NULL")
    assert {ip for (ip,) in held} == {f"10.5.0.{number}" for number in range(10, 60)}
    assert await rows(server, "SELECT count(*) FROM vm WHERE type = 'User'") == [(50,)]
    await check(server)


async def test_an_address_that_is_asked_for(api: Api) -> None:
    made = await network(api)
    assert await address(api, networkids=made["id"], ipaddress="10.5.0.15") == "10.5.0.15"
    given = {"iptonetworklist[0].networkid": made["id"], "iptonetworklist[0].ip": "10.5.0.16"}
    assert await address(api, **given) == "10.5.0.16"
    wanted = {**await api.basics(), "networkids": made["id"]}
    for bad in ("10.5.0.15", "10.5.0.30", "10.5.0.1", "10.6.0.15", "10.5.0", "10.5.0.0"):
        assert (await refused(api, "deployVirtualMachine", **wanted, ipaddress=bad))[0] == 431, bad
    asked = [api.call("deployVirtualMachine", **wanted, ipaddress="10.5.0.17", startvm=False) for _ in range(10)]
    done = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(one, dict) for one in done) == 1


async def test_several_ranges_and_subnets(api: Api) -> None:
    made = await network(api, endip="10.5.0.11")
    part = {"networkid": made["id"], "forvirtualnetwork": False}
    more = (await api.call("createVlanIpRange", **part, startip="10.5.0.30", endip="10.5.0.31"))["vlan"]
    assert (more["gateway"], more["netmask"], more["vlan"]) == ("10.5.0.1", "255.255.255.0", "vlan://2000")
    other = await api.call(
        "createVlanIpRange", **part, gateway="10.7.0.1", netmask="255.255.0.0", startip="10.7.0.10", endip="10.7.0.10"
    )
    assert (await api.call("listVlanIpRanges", networkid=made["id"]))["count"] == 3
    machines = [await api.deploy(networkids=made["id"], startvm=False) for _ in range(5)]
    cards = [machine["nic"][0] for machine in machines]
    held = ["10.5.0.10", "10.5.0.11", "10.5.0.30", "10.5.0.31", "10.7.0.10"]
    assert [card["ipaddress"] for card in cards] == held
    assert (cards[-1]["gateway"], cards[-1]["netmask"]) == ("10.7.0.1", "255.255.0.0")
    assert (await refused(api, "deleteVlanIpRange", id=other["vlan"]["id"]))[0] == 536
    await api.job("destroyVirtualMachine", id=machines[-1]["id"], expunge=True)
    await api.call("deleteVlanIpRange", id=other["vlan"]["id"])
    assert (await refused(api, "deployVirtualMachine", **await api.basics(), networkids=made["id"]))[0] == 533
    await api.call("updateVlanIpRange", id=more["id"], endip="10.5.0.32")
    assert await address(api, networkids=made["id"]) == "10.5.0.32"
    assert (await refused(api, "updateVlanIpRange", id=more["id"], endip="10.5.0.31"))[0] == 536


@pytest.mark.parametrize(
    "given",
    [
        {"startip": "10.5.0.15", "endip": "10.5.0.30"},
        {"startip": "10.5.0.5", "endip": "10.5.0.10"},
        {"startip": "10.5.0.1", "endip": "10.5.0.5"},
        {"startip": "10.5.0.40", "endip": "10.5.0.30"},
        {"startip": "10.5.0.250", "endip": "10.5.0.255"},
        {"startip": "10.5.0.250", "endip": "10.5.1.5"},
        {"startip": "10.6.0.10"},
        {"startip": "ten"},
        {"startip": "10.5.0.30", "endip": "thirty"},
        {"startip": "10.5.0.30", "gateway": "10.5.0.1"},
        {"startip": "10.5.0.30", "gateway": "10.5.0.2", "netmask": "255.255.255.0"},
        {"startip": "10.5.0.30", "gateway": "10.5.0.1", "netmask": "255.255.0.0"},
        {"startip": "10.5.0.30", "gateway": "10.5.0.1", "netmask": "255.0.255.0"},
        {"startip": "10.5.0.30", "vlan": "2001"},
        {"startip": "10.5.0.30", "forvirtualnetwork": True},
        {"startip": "10.5.0.30", "account": "admin"},
        {"startip": "10.5.0.30", "forsystemvms": True},
        {"startip": "10.5.0.30", "startipv6": "fc00::1"},
        {"networkid": None, "startip": "10.5.0.30"},
    ],
)
async def test_what_is_no_range(api: Api, given: dict[str, Any]) -> None:
    made = await network(api)
    places = await api.places()
    wanted = {"networkid": made["id"], "zoneid": places["zoneid"], "forvirtualnetwork": False}
    assert (await refused(api, "createVlanIpRange", **{**wanted, **given}))[0] == 431
    assert (await refused(api, "createVlanIpRange", **wanted, podid=places["podid"], startip="10.5.0.30"))[0] == 431
    assert (await api.call("listVlanIpRanges", forvirtualnetwork=False))["count"] == 1


async def test_ranges_are_of_shared_networks(api: Api) -> None:
    machine = await api.deploy()
    own = machine["nic"][0]["networkid"]
    assert (await refused(api, "createVlanIpRange", networkid=own, startip="10.1.0.9", endip="10.1.0.9"))[0] == 431


async def test_the_same_addresses_on_another_vlan(api: Api) -> None:
    """Networks on VLANs of their own may have the same addresses; on one VLAN they may not."""
    first = await network(api)
    second = await network(api, name="second", vlan="2001")
    assert {await address(api, networkids=one["id"]) for one in (first, second)} == {"10.5.0.10"}
    with pytest.raises(Refused) as caught:
        await network(api, name="third", vlan="2000", bypassvlanoverlapcheck=True)
    assert caught.value.status == 431
    await network(api, name="third", vlan="2000", bypassvlanoverlapcheck=True, startip="10.5.0.30", endip="10.5.0.40")


@pytest.mark.parametrize(
    "given",
    [
        {"startip": "10.6.0.10"},
        {"endip": "10.5.1.1"},
        {"startip": "10.5.0.1"},
        {"endip": "10.5.0.255"},
        {"startip": None},
        {"gateway": None, "netmask": None},
        {"netmask": "255.255.255.255"},
        {"vlan": None},
        {"vlan": "4095"},
    ],
)
async def test_what_is_no_shared_network(api: Api, given: dict[str, Any]) -> None:
    with pytest.raises(Refused) as caught:
        await network(api, **given)
    assert caught.value.status == 431
    assert (await api.call("listVlanIpRanges"))["count"] == 1


async def test_whose_network_it_is(api: Api, http: aiohttp.ClientSession) -> None:
    above, beside = await domain(api, "above"), await domain(api, "beside")
    below = await domain(api, "below", above)
    made = await network(api, acltype="Domain", domainid=above["id"])
    assert (made["domainid"], made["subdomainaccess"]) == (above["id"], True)
    inside = await person(api, http, "inside", domainid=above["id"])
    child = await person(api, http, "child", domainid=below["id"])
    outside = await person(api, http, "outside", domainid=beside["id"])
    for user in (inside, child):
        assert (await address(user, networkids=made["id"])).startswith("10.5.0.")
        assert (await refused(user, "deleteNetwork", id=made["id"]))[0] == 531
        (held,) = (await user.call("listPublicIpAddresses", forvirtualnetwork=False))["publicipaddress"]
        assert (held["forvirtualnetwork"], held["virtualmachinetype"]) == (False, "User")
    assert (await refused(outside, "deployVirtualMachine", **await outside.basics(), networkids=made["id"]))[0] == 431
    closed = await network(api, name="c", vlan="2001", acltype="Domain", domainid=above["id"], subdomainaccess=False)
    await address(inside, networkids=closed["id"])
    assert (await refused(child, "deployVirtualMachine", **await child.basics(), networkids=closed["id"]))[0] == 431


async def test_a_network_goes_with_its_ranges(api: Api, server: Server) -> None:
    made = await network(api)
    machine = await api.deploy(networkids=made["id"])
    assert (await refused(api, "deleteNetwork", id=made["id"]))[0] == 530
    await api.job("destroyVirtualMachine", id=machine["id"], expunge=True)
    await api.job("deleteNetwork", id=made["id"])
    assert await api.call("listVlanIpRanges", forvirtualnetwork=False) == {}
    left = await rows(server, "SELECT count(*) FROM public_ip WHERE address LIKE '10.5.%'")
    assert left == [(0,)]
    await network(api)  # the same again
    await check(server)


async def test_beside_a_network_of_its_own(api: Api) -> None:
    made = await network(api)
    first = await api.deploy()
    both = await api.deploy(networkids=f"{first['nic'][0]['networkid']},{made['id']}")
    assert [card["type"] for card in both["nic"]] == ["Isolated", "Shared"]
    assert both["securitygroup"] == []


async def test_overlapping_ranges_at_once(api: Api) -> None:
    made = await network(api)
    given = {"networkid": made["id"], "startip": "10.5.0.30", "endip": "10.5.0.40"}
    done = await asyncio.gather(*(api.call("createVlanIpRange", **given) for _ in range(20)), return_exceptions=True)
    assert sum(isinstance(one, dict) for one in done) == 1
