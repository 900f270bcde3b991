"""Firewall rules: who comes in at a public address is who a rule lets in, as the simulated router enforces it."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from apiclient import Api
from invariants import check, rows
from people import domain, person, refused
from rulebook import USUAL, Place, network, offering, place

from cloudsim.server import Server


@pytest.fixture
async def here(api: Api, server: Server) -> Place:
    return await place(api, server)


async def listed(api: Api, command: str = "listFirewallRules", **given: object) -> list[dict[str, object]]:
    return (await api.call(command, **given)).get("firewallrule", [])


async def test_nobody_comes_in_where_no_rule_says_so(here: Place) -> None:
    assert not await here.lets_in(22)
    assert await here.comes_in(22) is None


async def test_ports_are_open_to_a_network_and_closed_to_others(here: Place, api: Api, server: Server) -> None:
    made = await here.open(22, endport=25, cidrlist="10.0.0.0/8,192.168.1.0/24")
    assert (made["state"], made["startport"], made["endport"], made["traffictype"]) == ("Active", 22, 25, "Ingress")
    assert made["cidrlist"] == "10.0.0.0/8,192.168.1.0/24"
    assert (made["ipaddressid"], made["networkid"]) == (here.address["id"], here.network)
    for port, source, enters in (
        (22, "10.4.5.6", True), (25, "192.168.1.7", True), (21, "10.4.5.6", False), (26, "10.4.5.6", False),
        (22, "192.168.2.7", False), (22, "203.0.113.9", False),
    ):  # fmt: skip
        assert await here.lets_in(port, source) is enters, (port, source)
    assert not await here.lets_in(22, "10.4.5.6", "udp")
    assert (await listed(api, id=made["id"]))[0] == made
    assert await api.job("deleteFirewallRule", id=made["id"]) == {"success": True}
    assert not await here.lets_in(22, "10.4.5.6")
    assert await listed(api) == []
    assert (await refused(api, "listFirewallRules", id=made["id"]))[0] == 431
    types = [event["type"] for event in (await api.call("listEvents"))["event"]]
    assert types.count("FIREWALL.OPEN") == types.count("FIREWALL.CLOSE") == 3  # scheduled, started, completed
    await check(server)


async def test_protocols_with_types_and_without_ports(here: Place) -> None:
    made = await here.open(protocol="icmp", icmptype=8, icmpcode=0)
    assert (made["icmptype"], made["icmpcode"], made.get("startport")) == (8, 0, None)
    assert await here.lets_in(8, protocol="icmp", code=0)
    assert not await here.lets_in(8, protocol="icmp", code=1)
    every = await here.open(protocol="ICMP")
    assert (every["icmptype"], every["icmpcode"]) == (-1, -1)
    assert await here.lets_in(3, protocol="icmp", code=1)
    whole = await here.open(protocol="udp")
    assert "startport" not in whole
    assert await here.lets_in(5353, protocol="udp")
    assert (await here.open(protocol="47"))["protocol"] == "47"
    assert not await here.lets_in(1)
    assert (await here.open(protocol="all"))["protocol"] == "all"
    assert await here.lets_in(1)
    # a network may be written with any of its addresses, and is shown as it was written
    assert (await here.open(9, cidrlist="55.55.0.0/11"))["cidrlist"] == "55.55.0.0/11"


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"protocol": "ipx"}, "protocol"),
        ({"startport": 0}, "startport"),
        ({"startport": 70000}, "startport"),
        ({"startport": 9, "endport": 8}, "above"),
        ({"startport": None, "endport": 8}, "startport"),
        ({"icmptype": 8}, "icmptype"),
        ({"protocol": "icmp", "icmptype": 8, "startport": 1}, "startport"),
        ({"protocol": "icmp", "icmptype": 300}, "icmptype"),
        ({"protocol": "icmp", "icmpcode": 3}, "icmpcode"),
        ({"protocol": "all", "startport": 1}, "startport"),
        ({"cidrlist": "10.0.0.0/33"}, "cidrlist"),
        ({"cidrlist": "nowhere"}, "cidrlist"),
        ({"cidrlist": "fd00::/8"}, "cidrlist"),
        ({"type": "other"}, "type"),
        ({"type": "system"}, "system"),
    ],
)
async def test_what_breaks_a_rule_is_refused(here: Place, server: Server, given: dict[str, object], text: str) -> None:
    asked = {"ipaddressid": here.address["id"], "protocol": "tcp", "startport": 22, **given}
    if given.get("protocol") == "icmp" and "startport" not in given:
        del asked["startport"]
    status, words = await refused(here.api, "createFirewallRule", **asked)
    assert status == 431
    assert text in words
    assert await rows(server, "SELECT count(*) FROM firewall_rule") == [(0,)]
    assert await here.untold() == []


async def test_rules_about_the_same_traffic_conflict(here: Place, api: Api) -> None:
    await here.open(20, endport=30, cidrlist="10.0.0.0/8")
    given = {"ipaddressid": here.address["id"], "protocol": "tcp", "startport": 30}
    assert (await refused(api, "createFirewallRule", **given, cidrlist="10.0.0.0/8,11.0.0.0/8"))[0] == 537
    await here.open(30, cidrlist="11.0.0.0/8")
    await here.open(30, cidrlist="10.0.0.0/8", protocol="udp")
    await here.open(31, cidrlist="10.0.0.0/8")
    await here.open(protocol="icmp", icmptype=8, icmpcode=0)
    again = {"ipaddressid": here.address["id"], "protocol": "icmp", "icmptype": 8, "icmpcode": 0}
    assert (await refused(api, "createFirewallRule", **again))[0] == 537
    # one that was taken away is in nobody's way
    (one,) = [row for row in await listed(api) if row.get("endport") == 30 and row["startport"] == 20]
    await api.job("deleteFirewallRule", id=one["id"])
    await here.open(20, cidrlist="10.0.0.0/8")


async def test_of_twenty_for_the_same_port_one_wins(here: Place, api: Api, server: Server) -> None:
    given = {"ipaddressid": here.address["id"], "protocol": "tcp", "startport": 443}
    answers = await asyncio.gather(*(api.raw("createFirewallRule", **given) for _ in range(20)))
    assert sorted(status for status, _ in answers) == [200] + [537] * 19
    await check(server)
    assert len(await listed(api)) == 1


async def test_the_network_of_the_address_must_have_a_firewall(here: Place, api: Api, server: Server) -> None:
    without = await place(api, server, networkids=await network(api, await offering(api, "Dhcp", "SourceNat")))
    given = {"protocol": "tcp", "startport": 22}
    status, text = await refused(api, "createFirewallRule", ipaddressid=without.address["id"], **given)
    assert status == 431
    assert "Firewall" in text
    # its router is no firewall: it lets all in that is sent on
    (router,) = await without.routers()
    assert "firewall" not in server.simulator.router(router["id"])
    (free,) = await rows(server, "SELECT uuid FROM public_ip WHERE state = 'Free' LIMIT 1")
    status, text = await refused(api, "createFirewallRule", ipaddressid=free[0], **given)
    assert status == 431
    assert "not associated" in text


async def test_how_a_rule_is_listed_can_change(here: Place, api: Api, server: Server) -> None:
    made = await here.open(22)
    own = "aaaaaaaa-0000-4000-8000-000000000001"
    changed = (await api.job("updateFirewallRule", id=made["id"], fordisplay=False, customid=own))["firewallrule"]
    assert changed == {**made, "id": own, "fordisplay": False}
    assert await listed(api, fordisplay=True) == []
    assert await listed(api, fordisplay=False) == [changed]
    assert (await refused(api, "updateFirewallRule", id=own, customid="no uuid"))[0] == 431
    assert (await refused(api, "updateEgressFirewallRule", id=own))[0] == 431
    await check(server)


async def test_lists_by_address_network_tag_and_page(here: Place, api: Api, server: Server) -> None:
    other = await place(api, server, networkids=await network(api, await offering(api, *USUAL)))
    mine, theirs = await here.open(1), await other.open(2)
    assert [row["id"] for row in await listed(api, ipaddressid=here.address["id"])] == [mine["id"]]
    assert [row["id"] for row in await listed(api, networkid=other.network)] == [theirs["id"]]
    await api.job("createTags", resourcetype="FirewallRule", resourceids=mine["id"],
                  **{"tags[0].key": "k", "tags[0].value": "v"})  # fmt: skip
    (tagged,) = await listed(api, **{"tags[0].key": "k", "tags[0].value": "v"})
    assert tagged["id"] == mine["id"]
    assert tagged["tags"][0]["resourcetype"] == "FirewallRule"  # type: ignore[index]
    assert [row["id"] for row in await listed(api, page=2, pagesize=1)] == [theirs["id"]]
    await api.job("deleteFirewallRule", id=mine["id"])
    assert "tag" not in await api.call("listTags", listall=True)
    await check(server)


async def test_rules_are_for_their_owner_and_the_admins_above(
    api: Api, server: Server, http: aiohttp.ClientSession
) -> None:
    above = await domain(api, "above")
    owner = await person(api, http, "owner", domainid=above["id"])
    chief = await person(api, http, "chief", 2, domainid=above["id"])
    other = await person(api, http, "other")
    mine = await place(owner, server)
    mine.api = owner
    made = await mine.open(22)
    assert "fordisplay" not in made
    given = {"ipaddressid": mine.address["id"], "protocol": "tcp", "startport": 23}
    for command, asked in (
        ("createFirewallRule", given), ("deleteFirewallRule", {"id": made["id"]}),
        ("listFirewallRules", {"id": made["id"]}), ("updateFirewallRule", {"id": made["id"]}),
        ("createEgressFirewallRule", {"networkid": mine.network, "protocol": "all"}),
    ):  # fmt: skip
        assert (await refused(other, command, **asked))[0] == 431, command
    assert await listed(other, listall=True) == []
    assert [row["id"] for row in await listed(chief, listall=True)] == [made["id"]]
    await chief.job("deleteFirewallRule", id=made["id"])
    await check(server)


async def test_rules_go_with_their_network_and_their_account(
    api: Api, server: Server, http: aiohttp.ClientSession
) -> None:
    owner = await person(api, http, "owner")
    mine = await place(owner, server)
    mine.api = owner
    await mine.forward(22)
    await mine.egress(startport=80)
    await owner.job("destroyVirtualMachine", id=mine.machine["id"])
    (account,) = (await api.call("listAccounts", name="owner", listall=True))["account"]
    await api.job("deleteAccount", id=account["id"])
    assert await rows(server, "SELECT uuid FROM firewall_rule WHERE removed IS NULL") == []
    here = await place(api, server)
    await here.open(22)
    await api.job("destroyVirtualMachine", id=here.machine["id"], expunge=True)
    assert await api.job("deleteNetwork", id=here.network) == {"success": True}
    assert await rows(server, "SELECT uuid FROM firewall_rule WHERE removed IS NULL") == []
    await check(server)
