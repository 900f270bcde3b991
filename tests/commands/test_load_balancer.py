"""Load balancer rules: connections to a public port are spread over machines, as the simulated router enforces it."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest
from apiclient import Api, Refused
from balancers import WEB, Web, ip
from invariants import check, rest, rows
from people import domain, person, refused
from rulebook import USUAL, network, offering, place, redundant

from cloudsim.server import Server
from cloudsim.services import rules


@pytest.fixture
async def here(api: Api, server: Server) -> Web:
    return Web(**vars(await place(api, server, name="first")))


async def test_connections_are_spread_over_the_machines_of_a_rule(here: Web, api: Api, server: Server) -> None:
    second = await here.another(name="second")
    made = await here.make(description="of the shop")
    assert (made["state"], made["publicport"], made["privateport"]) == ("Add", "80", "8080")
    assert (made["publicip"], made["networkid"]) == (here.address["ipaddress"], here.network)
    assert await here.comes_in(80) is None
    assert await here.names(made) == []
    await here.assign(made, here.machine, second)
    assert (await here.rule(made))["state"] == "Active"
    assert await here.spread() == [here.guest, ip(second), here.guest, ip(second)]
    assert await here.comes_in(80) == (here.guest, 8080)
    assert await here.comes_in(81) is None
    assert await here.names(made) == ["first", "second"]
    pairs = (await api.call("listLoadBalancerRuleInstances", id=made["id"], lbvmips=True))["lbrulevmidip"]
    assert [one["lbvmipaddresses"] for one in pairs] == [[here.guest], [ip(second)]]
    assert [one["loadbalancerruleinstance"]["name"] for one in pairs] == ["first", "second"]
    await here.leave(made, here.machine)
    assert await here.spread() == [ip(second)] * 4
    await here.leave(made, second)
    assert (await here.rule(made))["state"] == "Add"
    assert await here.comes_in(80) is None
    await here.assign(made, second)
    await check(server)
    assert await api.job("deleteLoadBalancerRule", id=made["id"]) == {"success": True}
    assert await here.comes_in(80) is None
    assert not await here.lets_in(80)
    assert "loadbalancerrule" not in await api.call("listLoadBalancerRules")
    types = [event["type"] for event in (await api.call("listEvents"))["event"]]
    for name, times in (("CREATE", 1), ("ASSIGN.TO.RULE", 2), ("REMOVE.FROM.RULE", 2), ("DELETE", 1)):
        assert types.count(f"LB.{name}") == 3 * times, name  # scheduled, started, completed
    await check(server)


async def test_the_least_busy_machine_and_the_same_one_for_a_source(here: Web, api: Api) -> None:
    machines = [here.machine, await here.another(), await here.another()]
    made = await here.make(algorithm="LeastConn")
    assert made["algorithm"] == "leastconn"
    await here.assign(made, *machines)
    balancer, address = await here.balancer(), here.address["ipaddress"]
    first, second, third = (balancer.connect(address, "tcp", 80, "203.0.113.9") for _ in range(3))
    assert {first, second, third} == {(ip(one), 8080) for one in machines}
    assert second is not None
    balancer.close(address, 80, second)
    assert balancer.connect(address, "tcp", 80, "203.0.113.9") == second
    await api.job("updateLoadBalancerRule", id=made["id"], algorithm="source")
    sources = [f"203.0.113.{number}" for number in range(40)]
    found = {source: set(await here.spread(source=source)) for source in sources}
    assert {len(targets) for targets in found.values()} == {1}
    assert {target for targets in found.values() for target in targets} == {ip(one) for one in machines}


async def test_the_firewall_is_opened_with_the_rule_unless_it_is_not_wanted(here: Web, api: Api) -> None:
    made = await here.make()
    assert await here.lets_in(80)
    (opened,) = (await api.call("listFirewallRules"))["firewallrule"]
    assert (opened["startport"], opened["endport"], opened["cidrlist"], opened["state"]) == (
        80,
        80,
        "0.0.0.0/0",
        "Active",
    )
    closed = await here.make(publicport=81, openfirewall=False)
    await here.assign(closed, here.machine)
    assert await here.comes_in(81) is None
    assert await here.spread(1, 81) == [here.guest]
    own = await here.open(81, cidrlist="10.0.0.0/8")
    assert await here.comes_in(81, "10.1.1.1") == (here.guest, 8080)
    assert await here.comes_in(81) is None
    # what somebody opened stays when the rule goes
    await api.job("deleteLoadBalancerRule", id=closed["id"])
    await api.job("deleteLoadBalancerRule", id=made["id"])
    assert [one["id"] for one in (await api.call("listFirewallRules"))["firewallrule"]] == [own["id"]]


async def test_only_some_sources_are_let_through(here: Web, api: Api) -> None:
    made = await here.make(cidrlist="10.0.0.0/8,192.0.2.0/24")
    assert made["cidrlist"] == "10.0.0.0/8,192.0.2.0/24"
    await here.assign(made, here.machine)
    assert await here.comes_in(80, "192.0.2.7") == (here.guest, 8080)
    assert await here.comes_in(80) is None
    changed = await api.job("updateLoadBalancerRule", id=made["id"], cidrlist="203.0.113.0/24")
    assert changed["loadbalancer"]["cidrlist"] == "203.0.113.0/24"
    assert await here.comes_in(80) == (here.guest, 8080)
    assert await here.comes_in(80, "192.0.2.7") is None


async def test_a_stopped_machine_stays_assigned_and_gets_nothing(here: Web, api: Api, server: Server) -> None:
    second = await here.another(name="second")
    made = await here.make()
    await here.assign(made, here.machine, second)
    await api.job("stopVirtualMachine", id=second["id"])
    assert await here.spread() == [here.guest] * 4
    assert await here.names(made) == ["first", "second"]
    await check(server)
    await api.job("startVirtualMachine", id=second["id"])
    assert set(await here.spread()) == {here.guest, ip(second)}
    # one that never ran, either
    third = await here.another(name="third", startvm=False)
    await here.assign(made, third)
    assert len(set(await here.spread())) == 2
    await api.job("startVirtualMachine", id=third["id"])
    assert len(set(await here.spread())) == 3
    for machine in (here.machine, second):
        await api.job("destroyVirtualMachine", id=machine["id"])
    assert await here.spread() == [ip(third)] * 4
    assert await here.names(made) == ["third"]
    await api.call("recoverVirtualMachine", id=second["id"])
    assert await here.names(made) == ["second", "third"]
    await api.job("expungeVirtualMachine", id=here.machine["id"])
    assert await here.names(made) == ["second", "third"]
    assert await rows(server, "SELECT count(*) FROM load_balancer_vm") == [(2,)]
    await check(server)


async def test_a_rule_whose_last_machine_is_expunged_waits_for_others(here: Web, api: Api, server: Server) -> None:
    made = await here.make()
    last = await here.another(name="last")
    await here.assign(made, last)
    await api.job("destroyVirtualMachine", id=last["id"], expunge=True)
    assert (await here.rule(made))["state"] == "Add"
    assert await here.comes_in(80) is None
    await check(server)


async def test_changes_of_a_rule(here: Web, api: Api, server: Server) -> None:
    made = await here.make()
    mine = "0b8cd8cc-5e02-4b6c-8bb2-a2a4d1b6e3b1"
    given = {"name": "www", "description": "new", "protocol": "tcp-proxy", "customid": mine, "fordisplay": False}
    changed = (await api.job("updateLoadBalancerRule", id=made["id"], **given))["loadbalancer"]
    assert (changed["id"], changed["name"], changed["description"]) == (mine, "www", "new")
    assert (changed["protocol"], changed["fordisplay"], changed["state"]) == ("tcp-proxy", False, "Add")
    await here.assign(changed, here.machine)
    (router,) = await here.routers()
    (told,) = server.simulator.router(router["id"])["loadbalancer"]
    assert (told["protocol"], told["rule"]) == ("tcp-proxy", mine)
    assert (await refused(api, "updateLoadBalancerRule", id=made["id"], name="x"))[0] == 431
    for wrong in (
        {"name": " "}, {"algorithm": "fastest"}, {"protocol": "udp"}, {"protocol": "http"}, {"cidrlist": "nowhere"},
        {"customid": "x"},
    ):  # fmt: skip
        assert (await refused(api, "updateLoadBalancerRule", id=mine, **wrong))[0] == 431, wrong
    other = await here.make(publicport=81)
    assert (await refused(api, "updateLoadBalancerRule", id=other["id"], customid=mine))[0] == 431
    await check(server)


async def test_rules_for_udp_are_rules_of_their_own(here: Web) -> None:
    made = await here.make(publicport=5353, protocol="UDP")
    assert made["protocol"] == "udp"
    await here.assign(made, here.machine)
    await here.make(publicport=5353, name="tcp")
    assert await here.comes_in(5353, protocol="udp") == (here.guest, 8080)
    assert await here.comes_in(5353) is None


@pytest.mark.parametrize(
    "given",
    [
        {"name": None}, {"name": " "}, {"algorithm": None}, {"algorithm": "fastest"}, {"publicport": None},
        {"privateport": None}, {"publicport": 0}, {"publicport": 65536}, {"privateport": -1}, {"privateport": 70000},
        {"publicport": "x"}, {"protocol": "http"}, {"cidrlist": "10.0.0.0/33"}, {"cidrlist": "nowhere"},
        {"publicport": 8081}, {"publicport": 53}, {"publicipid": "nothing"}, {"networkid": "nothing"},
        {"account": "nobody"}, {"publicipid": None}, {"zoneid": "nothing"}, {"name": "a" * 256},
    ],
)  # fmt: skip
async def test_what_breaks_a_rule_is_refused(here: Web, server: Server, given: dict[str, Any]) -> None:
    asked = {**WEB, "publicipid": here.address["id"], **given}
    assert (await refused(here.api, "createLoadBalancerRule", **asked))[0] == 431
    assert await rows(server, "SELECT count(*) FROM firewall_rule") == [(0,)]
    assert await rows(server, "SELECT count(*) FROM load_balancer") == [(0,)]


async def test_a_port_belongs_to_one_rule(here: Web, api: Api, server: Server) -> None:
    await here.make()
    at = {"publicipid": here.address["id"]}
    assert (await refused(api, "createLoadBalancerRule", **{**WEB, **at, "name": "again"}))[0] == 537
    given = {"ipaddressid": here.address["id"], "virtualmachineid": here.machine["id"], "protocol": "tcp"}
    given |= {"privateport": 79, "privateendport": 81}
    forward = {**given, "publicport": 79, "publicendport": 81}
    assert (await refused(api, "createPortForwardingRule", **forward))[0] == 537
    await here.forward(22)
    assert (await refused(api, "createLoadBalancerRule", **{**WEB, **at, "publicport": 22}))[0] == 537
    address = here.address["id"]
    await server.db.write(lambda tx: tx._change("UPDATE public_ip SET static_nat = ? WHERE uuid = ?", [True, address]))
    assert (await refused(api, "createLoadBalancerRule", **{**WEB, **at, "publicport": 23}))[0] == 537
    assert await rows(server, "SELECT count(*) FROM load_balancer") == [(1,)]


async def test_of_many_who_want_a_port_one_gets_it(here: Web, api: Api, server: Server) -> None:
    asked = [here.make(name=f"web-{number}") for number in range(20)]
    got = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(not isinstance(one, Exception) for one in got) == 1
    assert {one.status for one in got if isinstance(one, Refused)} == {537}
    await check(server)


async def test_only_machines_of_the_network_and_each_once(here: Web, api: Api, server: Server) -> None:
    made = await here.make()
    elsewhere = await api.deploy(networkids=await network(api, await offering(api, *USUAL)), name="elsewhere")
    gone = await here.another(name="gone")
    await api.job("destroyVirtualMachine", id=gone["id"])
    command = "assignToLoadBalancerRule"
    both = f"{here.machine['id']},{elsewhere['id']}"
    for given in (
        {}, {"virtualmachineids": elsewhere["id"]}, {"virtualmachineids": both}, {"virtualmachineids": gone["id"]},
        {"virtualmachineids": "nothing"}, {"vmidipmap[0].vmip": "10.1.1.9"}, {"vmidipmap[0].vmid": "nothing"},
        {"vmidipmap[0].vmid": here.machine["id"], "vmidipmap[0].vmip": "10.1.1.9"},
    ):  # fmt: skip
        assert (await refused(api, command, id=made["id"], **given))[0] == 431, given
    assert await rows(server, "SELECT count(*) FROM load_balancer_vm") == [(0,)]
    assert await here.names(made, applied=False) == ["first"]
    named = {"vmidipmap[0].vmid": here.machine["id"], "vmidipmap[0].vmip": here.guest}
    await here.assign(made, here.machine, **named)
    assert await here.names(made, applied=False) == []
    for again in ({"virtualmachineids": here.machine["id"]}, named):
        status, text = await refused(api, command, id=made["id"], **again)
        assert (status, "already" in text) == (431, True)
    command = "removeFromLoadBalancerRule"
    for given in ({}, {"virtualmachineids": elsewhere["id"]}, {"virtualmachineids": gone["id"]}):
        assert (await refused(api, command, id=made["id"], **given))[0] == 431, given
    await api.job(command, id=made["id"], **named)
    assert (await refused(api, command, id=made["id"], **named))[0] == 431
    await check(server)


async def test_connections_go_to_secondary_addresses(here: Web, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "secondary", lambda _ctx, card: ["10.1.1.250"] if card["ip"] == here.guest else [])
    made = await here.make()
    named = {"vmidipmap[0].vmid": here.machine["id"], "vmidipmap[0].vmip": "10.1.1.250"}
    await api.job("assignToLoadBalancerRule", id=made["id"], **named)
    assert await here.spread() == ["10.1.1.250"] * 4
    await here.assign(made, here.machine)
    assert set(await here.spread()) == {"10.1.1.250", here.guest}
    assert await here.names(made) == ["first"]
    (pair,) = (await api.call("listLoadBalancerRuleInstances", id=made["id"], lbvmips=True))["lbrulevmidip"]
    assert pair["lbvmipaddresses"] == ["10.1.1.250", here.guest]
    await api.job("removeFromLoadBalancerRule", id=made["id"], **named)
    assert await here.spread() == [here.guest] * 4
    await api.job("assignToLoadBalancerRule", id=made["id"], **named)
    await here.leave(made, here.machine)
    assert await here.names(made) == []


async def test_an_address_is_taken_where_none_is_named(here: Web, api: Api, server: Server) -> None:
    free = "SELECT count(*) FROM public_ip WHERE state = 'Free'"
    before = await rows(server, free)
    made = (await api.job("createLoadBalancerRule", **WEB, networkid=here.network))["loadbalancer"]
    assert made["publicip"] != here.address["ipaddress"]
    assert await rows(server, free) == [(before[0][0] - 1,)]
    await here.assign(made, here.machine)
    await check(server)
    await api.job("deleteLoadBalancerRule", id=made["id"])
    assert await rows(server, free) == before
    zone = here.machine["zoneid"]
    inside = (await api.job("createLoadBalancerRule", **WEB, zoneid=zone))["loadbalancer"]
    assert (inside["networkid"], inside["zoneid"]) == (here.network, zone)
    await api.job("deleteLoadBalancerRule", id=inside["id"])
    await network(api, await offering(api, *USUAL))
    status, text = await refused(api, "createLoadBalancerRule", **WEB, zoneid=zone)
    assert (status, "several" in text) == (431, True)
    assert await rows(server, free) == before
    types = [event["type"] for event in (await api.call("listEvents"))["event"]]
    assert types.count("NET.IPRELEASE") == 2
    await check(server)


async def test_networks_without_load_balancers_and_without_a_firewall(here: Web, api: Api) -> None:
    bare = await place(api, here.server, networkids=await network(api, await offering(api, "Dhcp", "SourceNat")))
    given = {**WEB, "publicipid": bare.address["id"]}
    status, text = await refused(api, "createLoadBalancerRule", **given)
    assert (status, "Lb" in text) == (431, True)
    open_ = await place(api, here.server, networkids=await network(api, await offering(api, "Dhcp", "SourceNat", "Lb")))
    given = {**WEB, "publicipid": open_.address["id"]}
    assert (await refused(api, "createLoadBalancerRule", **given, openfirewall=True))[0] == 431
    made = (await api.job("createLoadBalancerRule", **given))["loadbalancer"]
    await here.assign(made, open_.machine)
    assert await open_.comes_in(80) == (open_.guest, 8080)


async def test_lists_of_rules(here: Web, api: Api) -> None:
    web, mail = await here.make(), await here.make(name="mail", publicport=25, fordisplay=False)
    await here.assign(web, here.machine)
    tags = {"tags[0].key": "tier", "tags[0].value": "front"}
    await api.job("createTags", resourcetype="LoadBalancer", resourceids=web["id"], **tags)

    async def names(**given: Any) -> set[str]:
        return {one["name"] for one in (await api.call("listLoadBalancerRules", **given)).get("loadbalancerrule", [])}

    zone = here.machine["zoneid"]
    for given, found in (
        ({}, {"web", "mail"}), ({"id": mail["id"]}, {"mail"}), ({"name": "web"}, {"web"}), ({"keyword": "AI"}, {"mail"}),
        ({"publicipid": here.address["id"]}, {"web", "mail"}), ({"networkid": here.network}, {"web", "mail"}),
        ({"virtualmachineid": here.machine["id"]}, {"web"}), ({"zoneid": zone}, {"web", "mail"}), (tags, {"web"}),
        ({"fordisplay": False}, {"mail"}), ({"fordisplay": True}, {"web"}), ({"page": 2, "pagesize": 1}, {"mail"}),
    ):  # fmt: skip
        assert await names(**given) == found, given
    (shown,) = (await here.rule(web))["tags"]
    assert (shown["key"], shown["value"], shown["resourcetype"]) == ("tier", "front", "LoadBalancer")


async def test_rules_are_their_owners(here: Web, api: Api, http: aiohttp.ClientSession, server: Server) -> None:
    below = await domain(api, "below")
    owner = await person(api, http, "owner", domainid=below["id"])
    other = await person(api, http, "other", domainid=below["id"])
    above = await person(api, http, "above", 2, domainid=below["id"])
    theirs = Web(**vars(await place(owner, server)))
    made = await theirs.make()
    hidden = await theirs.make(name="hidden", publicport=81)
    await api.job("updateLoadBalancerRule", id=hidden["id"], fordisplay=False)
    listed = (await owner.call("listLoadBalancerRules"))["loadbalancerrule"]
    assert [one["id"] for one in listed] == [made["id"]]
    assert (listed[0]["account"], listed[0]["domainpath"]) == ("owner", "ROOT/below")
    assert await other.call("listLoadBalancerRules", listall=True) == {}
    for command, given in (
        ("updateLoadBalancerRule", {"name": "x"}), ("deleteLoadBalancerRule", {}), ("listLoadBalancerRules", {}),
        ("assignToLoadBalancerRule", {"virtualmachineids": theirs.machine["id"]}), ("listLoadBalancerRuleInstances", {}),
    ):  # fmt: skip
        assert (await refused(other, command, id=made["id"], **given))[0] == 431, command
    assert (await refused(other, "createLoadBalancerRule", **WEB, publicipid=theirs.address["id"]))[0] == 431
    assert (await refused(other, "createLoadBalancerRule", **WEB, networkid=theirs.network))[0] == 431
    found = (await above.call("listLoadBalancerRules", account="owner", domainid=below["id"]))["loadbalancerrule"]
    assert [one["id"] for one in found] == [made["id"]]
    # a stranger's machine is no machine
    assert (await refused(owner, "assignToLoadBalancerRule", id=made["id"], virtualmachineids=here.machine["id"]))[
        0
    ] == 431
    mine = await here.make()
    given = {"id": mine["id"], "virtualmachineids": theirs.machine["id"]}
    assert (await refused(api, "assignToLoadBalancerRule", **given))[0] == 431
    await above.job("deleteLoadBalancerRule", id=made["id"])
    given = {**WEB, "publicipid": theirs.address["id"], "account": "other", "domainid": below["id"]}
    assert (await refused(above, "createLoadBalancerRule", **given))[0] == 431


async def test_a_machine_with_rules_gets_no_other_owner(here: Web, api: Api, http: aiohttp.ClientSession) -> None:
    await person(api, http, "other")
    made = await here.make()
    await here.assign(made, here.machine)
    await api.job("stopVirtualMachine", id=here.machine["id"])
    (root,) = (await api.call("listDomains", name="ROOT"))["domain"]
    given = {"virtualmachineid": here.machine["id"], "account": "other", "domainid": root["id"]}
    status, text = await refused(api, "assignVirtualMachine", **given)
    assert (status, "load balancer rule web" in text) == (431, True)
    await here.leave(made, here.machine)
    await api.call("assignVirtualMachine", **given)


async def test_two_routers_do_the_same(api: Api, server: Server) -> None:
    here = Web(**vars(await redundant(api, server)))
    made = await here.make()
    await here.assign(made, here.machine)
    assert len(await here.routers()) == 2
    assert await here.comes_in(80) == (here.guest, 8080)
    await check(server)
    await api.job("deleteLoadBalancerRule", id=made["id"])
    assert await here.comes_in(80) is None
    await check(server)


async def test_a_new_router_knows_all_rules(here: Web, api: Api, server: Server) -> None:
    made = await here.make()
    await here.assign(made, here.machine)
    (old,) = await here.routers()
    await api.job("restartNetwork", id=here.network, cleanup=True)
    (new,) = await here.routers()
    assert new["id"] != old["id"]
    assert await here.comes_in(80) == (here.guest, 8080)
    await api.job("stopRouter", id=new["id"])
    second = await here.another(startvm=False)
    await here.assign(made, second)
    assert (await here.rule(made))["state"] == "Active"
    await api.job("startRouter", id=new["id"])
    await api.job("startVirtualMachine", id=second["id"])
    assert set(await here.spread()) == {here.guest, ip(second)}
    await check(server)


@pytest.mark.parametrize("fault", ["fail", "fail_after", "lose|fail_after"])
async def test_what_a_router_was_not_told_is_as_before(here: Web, api: Api, server: Server, fault: str) -> None:
    second = await here.another(name="second")
    made = await here.make(protocol="ssl")
    await here.assign(made, here.machine)
    state = "SELECT rule_id, vm_id FROM load_balancer_vm ORDER BY 1, 2"

    async def broken(command: str, by: str = "id", **given: Any) -> None:
        before = await rows(server, state), await here.rule(made), await here.stickiness(made)
        await api.call("configureSimulator", name="LoadBalancerConfigCommand", value=fault, count=1)
        assert (await refused(api, command, **{by: made["id"]}, **given))[0] == 530, command
        await rest(server)
        assert (await rows(server, state), await here.rule(made), await here.stickiness(made)) == before, command
        await check(server)

    await broken("assignToLoadBalancerRule", virtualmachineids=second["id"])
    await broken("removeFromLoadBalancerRule", virtualmachineids=here.machine["id"])
    await broken("updateLoadBalancerRule", algorithm="source", name="other", cidrlist="10.0.0.0/8", description="new")
    await broken("createLBStickinessPolicy", by="lbruleid", name="s", methodname="SourceBased")
    await api.job("createLBStickinessPolicy", lbruleid=made["id"], name="s", methodname="SourceBased")
    await broken("createLBStickinessPolicy", by="lbruleid", name="t", methodname="LbCookie")
    # one that cannot be taken away stays on its way out, and is gone when the router has been told
    await api.call("configureSimulator", name="LoadBalancerConfigCommand", value=fault, count=1)
    assert (await refused(api, "deleteLoadBalancerRule", id=made["id"]))[0] == 530
    assert (await here.rule(made))["state"] == "Deleting"
    for command, given in (
        ("updateLoadBalancerRule", {"name": "x"}),
        ("assignToLoadBalancerRule", {"virtualmachineids": second["id"]}),
    ):
        assert (await refused(api, command, id=made["id"], **given))[0] == 431
    assert await api.job("deleteLoadBalancerRule", id=made["id"]) == {"success": True}
    assert await here.comes_in(80) is None
    await check(server)


async def test_what_is_put_back_does_not_undo_what_came_after(here: Web, api: Api, server: Server) -> None:
    second = await here.another(name="second")
    made = await here.make(protocol="ssl")
    await here.assign(made, here.machine, second)
    sticky = {"lbruleid": made["id"], "name": "first", "methodname": "SourceBased"}
    old = (await api.job("createLBStickinessPolicy", **sticky))["stickinesspolicies"]["stickinesspolicy"][0]
    # the router is slow and fails in the end; meanwhile others come and go
    await api.call("configureSimulator", name="LoadBalancerConfigCommand", value="wait:300|fail", count=1)
    both = f"{here.machine['id']},{second['id']}"
    leaving = await api.call("removeFromLoadBalancerRule", id=made["id"], virtualmachineids=both)
    ending = await api.call("deleteLBStickinessPolicy", id=old["id"])
    newer = await api.call("createLBStickinessPolicy", **{**sticky, "name": "second"})
    gone = await api.call("destroyVirtualMachine", id=second["id"], expunge=True)
    states = [(await api.wait(one["jobid"]))["jobstatus"] for one in (leaving, ending, newer, gone)]
    assert (states[0], states[3]) == (2, 1)
    await rest(server)
    assert [one["name"] for one in await here.stickiness(made)] in (["second"], ["first"])
    assert set(await here.names(made)) <= {"first"}
    await check(server)


async def test_a_rule_that_no_router_lets_in_is_not_made(here: Web, api: Api, server: Server) -> None:
    taken = "SELECT count(*) FROM public_ip WHERE state <> 'Free'"
    before = await rows(server, taken)
    await api.call("configureSimulator", name="SetFirewallRulesCommand", value="fail", count=1)
    assert (await refused(api, "createLoadBalancerRule", **WEB, networkid=here.network))[0] == 530
    assert await api.call("listLoadBalancerRules") == {}
    assert await api.call("listFirewallRules") == {}
    await check(server)
    assert await rows(server, taken) == before


async def test_rules_go_with_their_network(here: Web, api: Api, server: Server) -> None:
    made = await here.make()
    await here.assign(made, here.machine)
    await api.job("createLBStickinessPolicy", lbruleid=made["id"], name="s", methodname="SourceBased")
    await api.job("destroyVirtualMachine", id=here.machine["id"], expunge=True)
    await api.job("deleteNetwork", id=here.network)
    assert await api.call("listLoadBalancerRules") == {}
    await check(server)


async def test_rules_go_with_the_service(here: Web, api: Api, server: Server) -> None:
    made = await here.make()
    await here.assign(made, here.machine)
    less = await offering(api, *(service for service in USUAL if service != "Lb"))
    await api.job("updateNetwork", id=here.network, networkofferingid=less, forced=True)
    assert await api.call("listLoadBalancerRules") == {}
    assert await here.comes_in(80) is None
    await check(server)


async def test_how_long_a_rule_was_held(here: Web, api: Api) -> None:
    made = await here.make()
    types = {one["name"]: one["id"] for one in (await api.call("listUsageTypes"))["usagetype"]}
    given = {"startdate": "2000-01-01", "enddate": "2100-01-01", "type": types["LOAD_BALANCER_POLICY"]}
    (record,) = (await api.call("listUsageRecords", **given))["usagerecord"]
    assert (record["usageid"], record["name"]) == (made["id"], "web")
    await api.job("deleteLoadBalancerRule", id=made["id"])
    assert len((await api.call("listUsageRecords", **given))["usagerecord"]) == 1


async def test_what_load_balancers_of_a_network_can_do(here: Web, api: Api) -> None:
    (found,) = (await api.call("listNetworks", id=here.network))["network"]
    (service,) = [one for one in found["service"] if one["name"] == "Lb"]
    told = {one["name"]: one["value"] for one in service["capability"]}
    assert told["SupportedLbAlgorithms"] == "roundrobin,leastconn,source"
    assert told["SupportedProtocols"] == "tcp, udp, tcp-proxy, ssl"
    assert '"methodname":"LbCookie","paramlist":[{"paramname":"cookie-name"' in told["SupportedStickinessMethods"]
