"""VLANs of guest networks: listed, kept for accounts, and never given twice."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest
from apiclient import Api
from invariants import check, rows
from people import domain, person, refused

from cloudsim.server import Server


@pytest.fixture
async def wire(api: Api) -> dict[str, Any]:
    """The seeded physical network, with the VLANs 100-1099."""
    (found,) = (await api.call("listPhysicalNetworks"))["physicalnetwork"]
    return found


async def offering(api: Api, **given: Any) -> str:
    """A network offering without services: its networks take a VLAN and nothing else."""
    values = {"name": "o", "displaytext": "o", "guestiptype": "L2", "traffictype": "GUEST", **given}
    made = (await api.call("createNetworkOffering", **values))["networkoffering"]
    await api.call("updateNetworkOffering", id=made["id"], state="Enabled")
    return made["id"]


async def network(api: Api, offered: str, name: str = "n", **given: Any) -> dict[str, Any]:
    zone = (await api.call("listZones"))["zone"][0]["id"]
    values = {"zoneid": zone, "networkofferingid": offered, "name": name, **given}
    return (await api.call("createNetwork", **values))["network"]


async def vlan_of(api: Api, made: dict[str, Any]) -> int:
    (found,) = (await api.call("listNetworks", id=made["id"]))["network"]
    return int(found["vlan"])


async def keep(api: Api, wire: dict[str, Any], vlans: str, **whose: Any) -> dict[str, Any]:
    made = await api.call("dedicateGuestVlanRange", physicalnetworkid=wire["id"], vlanrange=vlans, **whose)
    return made["dedicatedguestvlanrange"]


async def test_vlans_are_listed(api: Api, http: aiohttp.ClientSession, wire: dict[str, Any]) -> None:
    free = await api.call("listGuestVlans", page=1, pagesize=2)
    assert free["count"] == 1000
    first = free["guestvlan"][0]
    assert first == {
        "id": first["id"],
        "vlan": "100",
        "allocationstate": "Free",
        "zoneid": wire["zoneid"],
        "zonename": "zone1",
        "physicalnetworkid": wire["id"],
        "physicalnetworkname": wire["name"],
        "isdedicated": False,
    }
    made = await network(api, await offering(api, ispersistent=True))
    (used,) = (await api.call("listGuestVlans", allocatedonly=True))["guestvlan"]
    assert (used["vlan"], used["allocationstate"], used["account"]) == ("100", "Allocated", "admin")
    assert used["network"] == [{"id": made["id"], "name": "n"}]
    assert used["taken"]
    for given, count in (
        ({"id": first["id"]}, 1),
        ({"vnet": "1099"}, 1),
        ({"vnet": "1100"}, None),
        ({"zoneid": wire["zoneid"]}, 1000),
        ({"physicalnetworkid": wire["id"], "vnet": 101}, 1),
    ):
        assert (await api.call("listGuestVlans", **given)).get("count") == count, given
    for given in ({"vnet": "many"}, {"vnet": "100-101"}, {"id": "x"}, {"zoneid": "x"}):
        assert (await refused(api, "listGuestVlans", **given))[0] == 431, given
    ann = await person(api, http, "ann")
    assert (await refused(ann, "listGuestVlans"))[0] == 432
    await api.job("deleteNetwork", id=made["id"])
    assert await api.call("listGuestVlans", allocatedonly=True) == {}


async def test_a_range_is_kept_listed_and_released(
    api: Api, http: aiohttp.ClientSession, wire: dict[str, Any], server: Server
) -> None:
    d = await domain(api, "d")
    await person(api, http, "ann", domainid=d["id"])
    made = await keep(api, wire, "200-209", account="ann", domainid=d["id"])
    assert made == {
        "id": made["id"],
        "guestvlanrange": "200-209",
        "account": "ann",
        "domainid": d["id"],
        "domain": "d",
        "domainpath": "ROOT/d",
        "physicalnetworkid": 1,
        "zoneid": 1,
    }
    name = "listDedicatedGuestVlanRanges"
    for given in (
        {},
        {"id": made["id"]},
        {"account": "ann", "domainid": d["id"]},
        {"domainid": d["id"]},
        {"guestvlanrange": "200-209"},
        {"zoneid": wire["zoneid"]},
        {"physicalnetworkid": wire["id"]},
    ):
        assert await api.call(name, **given) == {"count": 1, "dedicatedguestvlanrange": [made]}, given
    root = (await api.call("listDomains", name="ROOT"))["domain"][0]["id"]
    for given in ({"guestvlanrange": "200-208"}, {"domainid": root}):
        assert await api.call(name, **given) == {}, given
    (one,) = (await api.call("listGuestVlans", vnet=205))["guestvlan"]
    assert (one["isdedicated"], one["account"], one["allocationstate"]) == (True, "ann", "Free")
    project = (await api.job("createProject", name="p", displaytext="p"))["project"]
    theirs = await keep(api, wire, "300", projectid=project["id"])
    assert (theirs["guestvlanrange"], theirs["project"]) == ("300-300", "p")
    assert (await api.call(name, projectid=project["id"]))["dedicatedguestvlanrange"] == [theirs]
    assert await api.job("releaseDedicatedGuestVlanRange", id=made["id"]) == {"success": True}
    assert (await refused(api, "releaseDedicatedGuestVlanRange", id=made["id"]))[0] == 431
    (one,) = (await api.call("listGuestVlans", vnet=205))["guestvlan"]
    assert (one["isdedicated"], "account" in one) == (False, False)
    await check(server)


async def test_ranges_that_cannot_be_kept(
    api: Api, http: aiohttp.ClientSession, wire: dict[str, Any], server: Server
) -> None:
    d = await domain(api, "d")
    ann, bob = await person(api, http, "ann", domainid=d["id"]), await person(api, http, "bob")
    whose = {"account": "ann", "domainid": d["id"]}
    for vlans in ("", "x", "0-5", "110-105", "4095", "90-110", "1099-1100", "100-102,110-112", "1" * 200, "١٠٠"):
        given = {"physicalnetworkid": wire["id"], "vlanrange": vlans, **whose}
        assert (await refused(api, "dedicateGuestVlanRange", **given))[0] == 431, vlans
    for given in ({}, {"account": "ann"}, {"domainid": d["id"]}, {"account": "bob", "domainid": d["id"]}):
        given = {"physicalnetworkid": wire["id"], "vlanrange": "200-209", **given}
        assert (await refused(api, "dedicateGuestVlanRange", **given))[0] == 431, given
    assert (await refused(ann, "dedicateGuestVlanRange", physicalnetworkid=wire["id"], vlanrange="200"))[0] == 432
    await network(bob, await offering(api, ispersistent=True))
    chosen = await offering(api, name="chosen", specifyvlan=True)
    await network(api, chosen, "chosen", vlan=250)
    status, text = await refused(
        api, "dedicateGuestVlanRange", physicalnetworkid=wire["id"], vlanrange="100-105", **whose
    )
    assert (status, "VLAN 100 is used" in text) == (431, True)
    assert (await refused(api, "dedicateGuestVlanRange", physicalnetworkid=wire["id"], vlanrange="250", **whose))[
        0
    ] == 431
    await keep(api, wire, "200-209", **whose)
    for vlans in ("200-209", "209-220", "190-200", "204"):
        given = {"physicalnetworkid": wire["id"], "vlanrange": vlans, **whose}
        assert (await refused(api, "dedicateGuestVlanRange", **given))[0] == 431, vlans
    assert len(await rows(server, "SELECT id FROM guest_range")) == 1
    # the physical network keeps what is dedicated, and a VLAN of another's is not chosen
    status, text = await refused(api, "updatePhysicalNetwork", id=wire["id"], vlan="100-205,250")
    assert (status, "VLAN 206 is dedicated" in text) == (536, True)
    zone = (await api.call("listZones"))["zone"][0]["id"]
    given = {"zoneid": zone, "networkofferingid": chosen, "name": "taken"}
    assert (await refused(api, "createNetwork", **given, vlan=205))[0] == 431
    changed = (await api.job("updatePhysicalNetwork", id=wire["id"], vlan="100-260"))["physicalnetwork"]
    assert changed["vlan"] == "100-260"
    (one,) = (await api.call("listGuestVlans", vnet=205))["guestvlan"]
    assert one["isdedicated"]


async def test_networks_take_their_owners_vlans_first(
    api: Api, http: aiohttp.ClientSession, wire: dict[str, Any], server: Server
) -> None:
    d = await domain(api, "d")
    ann, bob = await person(api, http, "ann", domainid=d["id"]), await person(api, http, "bob")
    await api.job("updatePhysicalNetwork", id=wire["id"], vlan="100-104")
    await keep(api, wire, "100-101", account="ann", domainid=d["id"])
    offered = await offering(api, ispersistent=True)
    assert [await vlan_of(api, await network(ann, offered, f"a{n}")) for n in range(2)] == [100, 101]
    assert await vlan_of(api, await network(bob, offered, "b0")) == 102
    await api.call("updateConfiguration", name="use.system.guest.vlans", value=False)
    zone = (await api.call("listZones"))["zone"][0]["id"]
    given = {"zoneid": zone, "networkofferingid": offered, "name": "no"}
    assert (await refused(ann, "createNetwork", **given))[0] == 533
    assert await vlan_of(api, await network(bob, offered, "b1")) == 103
    await api.call("updateConfiguration", name="use.system.guest.vlans", value=True)
    assert await vlan_of(api, await network(ann, offered, "a2")) == 104
    (mine,) = (await api.call("listNetworks", listall=True, name="a0"))["network"]
    await api.job("deleteNetwork", id=mine["id"])
    assert (await refused(bob, "createNetwork", **given))[0] == 533
    # what goes lets go of what was kept for it
    (account,) = (await api.call("listAccounts", name="ann", domainid=d["id"]))["account"]
    await api.job("deleteAccount", id=account["id"])
    assert await api.call("listDedicatedGuestVlanRanges") == {}
    assert await vlan_of(api, await network(bob, offered, "b2")) == 100
    assert await rows(server, "SELECT id FROM vnet WHERE guest_range_id IS NOT NULL") == []
    await check(server)


async def test_a_vlan_that_was_chosen_is_not_given_again(api: Api, wire: dict[str, Any], server: Server) -> None:
    chosen, offered = await offering(api, name="c", specifyvlan=True), await offering(api, ispersistent=True)
    await network(api, chosen, "chosen", vlan=100)
    await network(api, chosen, "outside", vlan=2000)
    assert await vlan_of(api, await network(api, offered)) == 101
    changed = await api.job("updatePhysicalNetwork", id=wire["id"], vlan="100-110,2000-2001")
    assert changed["physicalnetwork"]["vlan"] == "100-110,2000-2001"
    used = (await api.call("listGuestVlans", allocatedonly=True))["guestvlan"]
    assert [one["vlan"] for one in used] == ["100", "101", "2000"]
    await check(server)


async def test_two_hundred_networks_at_once(
    api: Api, http: aiohttp.ClientSession, wire: dict[str, Any], server: Server
) -> None:
    """120 VLANs, 20 of them kept for ann: each is given once, all are given, and nobody gets hers."""
    d = await domain(api, "d")
    ann, bob = await person(api, http, "ann", domainid=d["id"]), await person(api, http, "bob")
    await api.job("updatePhysicalNetwork", id=wire["id"], vlan="100-219")
    await keep(api, wire, "150-169", account="ann", domainid=d["id"])
    for account in (await api.call("listAccounts", listall=True))["account"]:
        given = {"account": account["name"], "domainid": account["domainid"]}
        await api.call("updateResourceLimit", resourcetype=6, max=-1, **given)
    offered = await offering(api, ispersistent=True)
    ended = await asyncio.gather(
        *(network((ann, bob)[n % 2], offered, f"n{n}") for n in range(200)), return_exceptions=True
    )
    assert sum(isinstance(one, dict) for one in ended) == 120
    found = await rows(
        server,
        "SELECT n.vlan, a.name, v.network_id = n.id FROM network n JOIN account a ON n.account_id = a.id"
        " JOIN vnet v ON v.vlan = n.vlan WHERE n.removed IS NULL",
    )
    assert sorted(number for number, _, _ in found) == list(range(100, 220))
    assert all(same for _, _, same in found)
    assert {name for number, name, _ in found if 150 <= number <= 169} == {"ann"}
    assert await rows(
        server, "SELECT count(*) FROM network WHERE removed IS NULL AND vlan IS NULL AND traffic_type = 'Guest'"
    ) == [(0,)]


async def test_many_want_the_same_range(
    api: Api, http: aiohttp.ClientSession, wire: dict[str, Any], server: Server
) -> None:
    d = await domain(api, "d")
    for n in range(8):
        await person(api, http, f"p{n}", domainid=d["id"])
    asked = (keep(api, wire, f"{200 + n}-{210 + n}", account=f"p{n}", domainid=d["id"]) for n in range(8))
    ended = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(one, dict) for one in ended) == 1
    assert await rows(server, "SELECT count(*) FROM guest_range") == [(1,)]
    assert await rows(server, "SELECT count(*) FROM vnet WHERE guest_range_id IS NOT NULL") == [(11,)]
