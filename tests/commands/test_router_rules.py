"""What routers have been told is what the lists show: whatever happens to routers, hosts and jobs meanwhile."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from apiclient import Api
from invariants import check, rest, rows
from people import refused
from rulebook import USUAL, Place, network, offering, place, redundant

from cloudsim.agents.simulator import Rule
from cloudsim.server import Server

FIREWALL, FORWARDING = "SetFirewallRulesCommand", "SetPortForwardingRulesCommand"


@pytest.fixture
async def here(api: Api, server: Server) -> Place:
    return await place(api, server)


async def ports(api: Api, **given: Any) -> dict[int, str]:
    """The ports of all firewall rules, with their states."""
    found = (await api.call("listFirewallRules", **given)).get("firewallrule", [])
    return {row["startport"]: row["state"] for row in found}


async def settle(server: Server) -> None:
    await server.periodic.run_now("host-ping")  # hosts that answer are Up again
    await server.periodic.run_now("router-rules")
    await rest(server)


async def test_rules_come_along_with_every_start(here: Place, api: Api, server: Server) -> None:
    await here.forward(22)
    await here.egress(startport=80)
    (router,) = await here.routers()
    before = server.simulator.router(router["id"])
    await api.job("stopRouter", id=router["id"], forced=True)
    assert server.simulator.router(router["id"]) == {}
    # no router, no waiting: it goes along with the next start
    assert (await here.open(443))["state"] == "Active"
    assert await here.untold() == []
    await api.job("startRouter", id=router["id"])
    assert await here.comes_in(22) == (here.guest, 22)
    assert await here.lets_in(443)
    assert await here.gets_out(80)
    assert server.simulator.router(router["id"]).keys() == before.keys()
    await api.job("rebootRouter", id=router["id"])
    assert await here.comes_in(22) == (here.guest, 22)
    # made anew
    await api.job("destroyRouter", id=router["id"])
    assert server.simulator.router(router["id"]) == {}
    await api.job("restartNetwork", id=here.network, cleanup=True)
    (other,) = await here.routers()
    assert other["id"] != router["id"]
    assert await here.comes_in(22) == (here.guest, 22)
    assert await here.lets_in(443)
    await check(server)


async def test_rules_move_with_a_router(here: Place, api: Api, server: Server) -> None:
    await here.forward(22)
    (router,) = await here.routers()
    await api.job("prepareHostForMaintenance", id=router["hostid"])
    await rest(server)
    (moved,) = await here.routers()
    assert moved["hostid"] != router["hostid"]
    assert await here.comes_in(22) == (here.guest, 22)
    await here.forward(23)
    assert await here.comes_in(23) == (here.guest, 23)
    await check(server)


async def test_a_network_without_a_router_yet_keeps_its_rules_for_it(api: Api, server: Server) -> None:
    found = await network(api, await offering(api, *USUAL))
    made = (await api.job("createEgressFirewallRule", networkid=found, protocol="tcp", startport=80))["firewallrule"]
    assert made["state"] == "Active"
    here = await place(api, server, networkids=found)
    assert await here.gets_out(80)
    assert not await here.gets_out(81)
    await check(server)


async def test_both_routers_of_a_redundant_network_enforce_them(api: Api, server: Server) -> None:
    here = await redundant(api, server)
    one, other = await here.routers()
    await here.forward(22)
    assert server.simulator.router(one["id"]) == server.simulator.router(other["id"])
    assert await here.comes_in(22) == (here.guest, 22)
    await api.job("stopRouter", id=one["id"], forced=True)
    await here.open(443)
    await api.job("startRouter", id=one["id"])
    assert server.simulator.router(one["id"]) == server.simulator.router(other["id"])
    assert await here.lets_in(443)
    # one that says no is enough: then neither has it
    rule = server.simulator.add_rule(Rule(FIREWALL, "fail", text="no way", host=other["hostid"]))
    given = {"ipaddressid": here.address["id"], "protocol": "tcp", "startport": 25}
    status, text = await refused(api, "createFirewallRule", **given)
    assert (status, "no way" in text) == (530, True)
    await rest(server)
    server.simulator.remove_rule(rule)
    await settle(server)
    assert await ports(api) == {22: "Active", 443: "Active"}
    assert server.simulator.router(one["id"]) == server.simulator.router(other["id"])
    assert not await here.lets_in(25)
    assert await here.untold() == []
    await check(server)


async def test_what_a_router_refuses_is_not_there(here: Place, api: Api, server: Server) -> None:
    await here.open(80)
    server.simulator.add_rule(Rule(FORWARDING, "fail", count=1, text="cannot do that"))
    given = {"ipaddressid": here.address["id"], "virtualmachineid": here.machine["id"], "protocol": "tcp"}
    status, text = await refused(api, "createPortForwardingRule", **given, publicport=22, privateport=22)
    assert (status, "cannot do that" in text) == (530, True)
    await rest(server)
    assert await api.call("listPortForwardingRules") == {}
    assert await ports(api) == {80: "Active"}
    assert not await here.lets_in(22)
    assert await here.untold() == []
    await here.forward(22)
    assert await here.comes_in(22) == (here.guest, 22)
    await check(server)


async def test_what_a_router_does_not_give_up_is_asked_again(here: Place, api: Api, server: Server) -> None:
    made = await here.open(22)
    rule = server.simulator.add_rule(Rule(FIREWALL, "fail", text="busy"))
    assert (await refused(api, "deleteFirewallRule", id=made["id"]))[0] == 530
    assert await ports(api) == {22: "Deleting"}
    assert await here.lets_in(22)
    assert await here.untold() == ["firewall"]
    # a new rule for the same port is not in conflict with one that goes
    server.simulator.remove_rule(rule)
    await settle(server)
    assert await ports(api) == {}
    assert not await here.lets_in(22)
    assert await here.untold() == []
    # or by whoever asks again
    made = await here.open(23)
    server.simulator.add_rule(Rule(FIREWALL, "fail", count=1))
    assert (await refused(api, "deleteFirewallRule", id=made["id"]))[0] == 530
    assert await api.job("deleteFirewallRule", id=made["id"]) == {"success": True}
    assert await ports(api) == {}
    await check(server)


@pytest.mark.parametrize("kind", ["lose", "fail_after"])
async def test_a_lost_answer_leaves_nothing_behind(kind: str, here: Place, api: Api, server: Server) -> None:
    rule = server.simulator.add_rule(Rule(FIREWALL, kind, text="lost"))
    given = {"ipaddressid": here.address["id"], "protocol": "tcp", "startport": 22}
    assert (await refused(api, "createFirewallRule", **given))[0] == 530
    server.simulator.remove_rule(rule)
    await rest(server)
    await settle(server)
    assert await ports(api) == {}
    assert not await here.lets_in(22)
    assert await here.untold() == []
    await check(server)


async def test_a_host_that_is_cut_off_and_comes_back(here: Place, api: Api, server: Server) -> None:
    kept, gone = await here.open(80), await here.open(81)
    (router,) = await here.routers()
    server.simulator.set_network(router["hostid"], False)
    assert (await refused(api, "deleteFirewallRule", id=gone["id"]))[0] == 530
    given = {"ipaddressid": here.address["id"], "protocol": "tcp", "startport": 82}
    assert (await refused(api, "createFirewallRule", **given))[0] == 530
    await rest(server)
    assert await ports(api) == {80: "Active", 81: "Deleting"}
    server.simulator.set_network(router["hostid"], True)
    await settle(server)
    assert await ports(api) == {80: "Active"}
    assert await here.lets_in(80)
    assert not await here.lets_in(81)
    assert await here.untold() == []
    assert kept["state"] == "Active"
    await check(server)


async def test_a_router_that_went_off_comes_back_with_them(here: Place, api: Api, server: Server) -> None:
    await here.forward(22)
    (router,) = await here.routers()
    server.simulator.shut_down(router["id"])
    # nobody has noticed yet: the host says that it does not run
    given = {"ipaddressid": here.address["id"], "protocol": "tcp", "startport": 25}
    status, text = await refused(api, "createFirewallRule", **given)
    assert (status, "does not run" in text) == (530, True)
    assert await ports(api) == {22: "Active"}
    await api.call("updateConfiguration", name="ping.interval", value="1")
    async with asyncio.timeout(20):
        while server.simulator.router(router["id"]) == {}:
            await server.periodic.run_now("host-ping")
            await asyncio.sleep(0.02)
    await rest(server)
    await settle(server)
    assert await here.comes_in(22) == (here.guest, 22)
    assert not await here.lets_in(25)
    assert await here.untold() == []
    await check(server)


async def test_a_change_that_a_router_refuses_is_taken_back(here: Place, api: Api, server: Server) -> None:
    made = await here.forward(22)
    server.simulator.add_rule(Rule(FORWARDING, "fail", count=1))
    assert (await refused(api, "updatePortForwardingRule", id=made["id"], privateport=2022))[0] == 530
    await rest(server)
    assert (await api.call("listPortForwardingRules"))["portforwardingrule"] == [made]
    assert await here.comes_in(22) == (here.guest, 22)
    assert await here.untold() == []
    await check(server)


async def test_a_hundred_rules_at_once(here: Place, api: Api, server: Server) -> None:
    given = {"ipaddressid": here.address["id"], "protocol": "tcp"}
    answers = await asyncio.gather(*(api.call("createFirewallRule", **given, startport=n) for n in range(1, 101)))
    ended = await asyncio.gather(*(api.wait(answer["jobid"]) for answer in answers))
    assert {one["jobstatus"] for one in ended} == {1}
    assert await ports(api) == dict.fromkeys(range(1, 101), "Active")
    # those that were asked for together were told together
    ((told,),) = await rows(server, "SELECT count(*) FROM job WHERE workflow = 'router.rules'")
    assert told < 60
    await check(server)
    ids = [answer["id"] for answer in answers]
    answers = await asyncio.gather(*(api.call("deleteFirewallRule", id=one) for one in ids))
    ended = await asyncio.gather(*(api.wait(answer["jobid"]) for answer in answers))
    assert {one["jobstatus"] for one in ended} == {1}
    assert await ports(api) == {}
    await check(server)


async def test_made_and_taken_away_in_one_breath(here: Place, api: Api, server: Server) -> None:
    server.simulator.add_rule(Rule(FIREWALL, "delay", seconds=0.2))
    given = {"ipaddressid": here.address["id"], "protocol": "tcp", "startport": 22}
    made = await api.call("createFirewallRule", **given)
    gone = [await api.call("deleteFirewallRule", id=made["id"]) for _ in range(2)]
    for job in (made, *gone):
        assert (await api.wait(job["jobid"]))["jobstatus"] in (1, 2)
    assert [(await api.wait(job["jobid"]))["jobstatus"] for job in gone] == [1, 1]
    assert await ports(api) == {}
    assert not await here.lets_in(22)
    await check(server)


async def test_rules_made_while_the_router_restarts(here: Place, api: Api, server: Server) -> None:
    (router,) = await here.routers()
    rebooted = await api.call("rebootRouter", id=router["id"], forced=True)
    given = {"ipaddressid": here.address["id"], "protocol": "tcp"}
    jobs = [await api.call("createFirewallRule", **given, startport=n) for n in range(1, 11)]
    for job in (rebooted, *jobs):
        assert (await api.wait(job["jobid"]))["jobstatus"] == 1
    assert all([await here.lets_in(n) for n in range(1, 11)])
    assert await here.untold() == []
    await check(server)


async def test_a_network_restarted_is_told_everything_again(here: Place, api: Api, server: Server) -> None:
    await here.forward(22)
    (router,) = await here.routers()
    with server.simulator._world.transaction() as db:
        db.execute("DELETE FROM router_parts")
    assert server.simulator.router(router["id"]) == {}
    await api.job("restartNetwork", id=here.network)
    assert await here.comes_in(22) == (here.guest, 22)
    server.simulator.add_rule(Rule(FIREWALL, "fail", count=1))
    assert (await refused(api, "restartNetwork", id=here.network))[0] == 530
    await settle(server)
    await check(server)


async def test_what_is_enforced_is_shown(here: Place, api: Api) -> None:
    await here.forward(22, 2222)
    (router,) = await here.routers()
    found = (await api.call("listSimulatedRouterRules", routerid=router["id"], part="portforwarding"))[
        "simulatedrouterrule"
    ]
    assert found == [
        {
            "routerid": router["id"], "routername": router["name"], "networkid": here.network,
            "hostid": router["hostid"], "part": "portforwarding",
            "setting": [{
                "address": here.address["ipaddress"], "protocol": "tcp", "start": 22, "end": 22, "sources": [],
                "guest": here.guest, "guest_start": 2222, "guest_end": 2222,
            }],
        }
    ]  # fmt: skip
    every = await api.call("listSimulatedRouterRules", networkid=here.network)
    assert {"firewall", "egress", "portforwarding"} <= {row["part"] for row in every["simulatedrouterrule"]}
    paged = await api.call("listSimulatedRouterRules", networkid=here.network, page=1, pagesize=1)
    assert (paged["count"], len(paged["simulatedrouterrule"])) == (every["count"], 1)
    await api.job("stopRouter", id=router["id"], forced=True)
    assert await api.call("listSimulatedRouterRules") == {}
    assert (await refused(api, "listSimulatedRouterRules", routerid=here.network))[0] == 431
