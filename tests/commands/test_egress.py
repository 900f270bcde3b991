"""Egress rules: what gets out of a network is what its rules and the default of its offering say."""

from __future__ import annotations

import ipaddress

import pytest
from apiclient import Api
from invariants import check, rows
from people import refused
from rulebook import USUAL, Place, network, offering, place

from cloudsim.server import Server


@pytest.fixture
async def here(api: Api, server: Server) -> Place:
    return await place(api, server)


async def cidr(api: Api, where: Place) -> str:
    return (await api.call("listNetworks", id=where.network))["network"][0]["cidr"]


async def test_nothing_gets_out_where_the_default_is_to_deny(here: Place, api: Api, server: Server) -> None:
    assert not await here.gets_out(80)
    made = await here.egress(startport=80, endport=81)
    assert (made["traffictype"], made["state"], made["networkid"]) == ("Egress", "Active", here.network)
    # the whole network where nothing is said
    assert (made["cidrlist"], made["destcidrlist"]) == (await cidr(api, here), "")
    assert "ipaddressid" not in made
    assert await here.gets_out(81)
    assert not await here.gets_out(82)
    assert not await here.gets_out(80, protocol="udp")
    assert await api.job("deleteEgressFirewallRule", id=made["id"]) == {"success": True}
    assert not await here.gets_out(81)
    types = {event["type"] for event in (await api.call("listEvents"))["event"]}
    assert {"FIREWALL.EGRESS.OPEN", "FIREWALL.EGRESS.CLOSE"} <= types
    await check(server)


async def test_a_rule_keeps_in_where_the_default_is_to_allow(api: Api, server: Server) -> None:
    here = await place(api, server, networkids=await network(api, await offering(api, *USUAL, egress=True)))
    assert await here.gets_out(25)
    made = await here.egress(startport=25, destcidrlist="198.51.100.0/24")
    assert made["destcidrlist"] == "198.51.100.0/24"
    assert not await here.gets_out(25, "198.51.100.7")
    assert await here.gets_out(25, "198.51.101.7")
    assert await here.gets_out(26, "198.51.100.7")
    await api.job("deleteEgressFirewallRule", id=made["id"])
    assert await here.gets_out(25, "198.51.100.7")
    await check(server)


async def test_for_parts_of_the_network_and_for_destinations(here: Place, api: Api) -> None:
    whole = ipaddress.IPv4Network(await cidr(api, here))
    first, second = (str(part) for part in whole.subnets(1))
    await here.egress(startport=53, protocol="udp", cidrlist=first, destcidrlist="8.8.8.0/24,9.9.9.9/32")
    inside, outside = str(ipaddress.IPv4Network(first)[5]), str(ipaddress.IPv4Network(second)[5])
    assert await here.gets_out(53, "8.8.8.8", "udp", source=inside)
    assert await here.gets_out(53, "9.9.9.9", "udp", source=inside)
    assert not await here.gets_out(53, "9.9.9.8", "udp", source=inside)
    assert not await here.gets_out(53, "8.8.8.8", "udp", source=outside)
    given = {"networkid": here.network, "protocol": "udp", "startport": 54}
    status, text = await refused(api, "createEgressFirewallRule", **given, cidrlist="192.168.77.0/24")
    assert (status, "parts of" in text) == (431, True)
    assert (await refused(api, "createEgressFirewallRule", **given, destcidrlist="x"))[0] == 431
    # everything means all of the network
    assert (await here.egress(startport=55, cidrlist="0.0.0.0/0"))["cidrlist"] == str(whole)
    pinged = await here.egress(protocol="icmp", icmptype=8, icmpcode=-1)
    assert (pinged["icmptype"], pinged["icmpcode"]) == (8, -1)
    assert await here.gets_out(8, protocol="icmp", code=4)
    assert not await here.gets_out(0, protocol="icmp")


async def test_the_same_twice_is_a_conflict(here: Place, api: Api, server: Server) -> None:
    given = {"networkid": here.network, "protocol": "All", "cidrlist": "0.0.0.0/0"}
    made = (await api.job("createEgressFirewallRule", **given))["firewallrule"]
    assert (await refused(api, "createEgressFirewallRule", **given))[0] == 537
    # other destinations are another thing
    await api.job("createEgressFirewallRule", **given, destcidrlist="10.9.0.0/16")
    # what comes in is no matter of what goes out
    await here.open(protocol="all")
    ids = [row["id"] for row in (await api.call("listEgressFirewallRules", networkid=here.network))["firewallrule"]]
    assert ids[0] == made["id"]
    assert len(ids) == 2
    assert await api.call("listEgressFirewallRules", ipaddressid=here.address["id"]) == {}
    assert (await refused(api, "deleteFirewallRule", id=made["id"]))[0] == 431
    assert (await refused(api, "listFirewallRules", id=made["id"]))[0] == 431
    changed = await api.job("updateEgressFirewallRule", id=made["id"], fordisplay=False)
    assert changed["firewallrule"] == {**made, "fordisplay": False}
    await check(server)


async def test_networks_without_a_firewall_have_no_egress_rules(api: Api, server: Server) -> None:
    bare = await network(api, await offering(api, "Dhcp", "SourceNat"))
    assert (await refused(api, "createEgressFirewallRule", networkid=bare, protocol="all"))[0] == 431
    assert await rows(server, "SELECT count(*) FROM firewall_rule") == [(0,)]


async def test_another_offering_has_another_default(here: Place, api: Api, server: Server) -> None:
    await here.egress(startport=80)
    await here.open(22)
    open_ = await offering(api, *USUAL, egress=True)
    await api.job("updateNetwork", id=here.network, networkofferingid=open_)
    assert not await here.gets_out(80)
    assert await here.gets_out(81)
    assert await here.lets_in(22)
    await check(server)
