"""Policies of load balancers: a client comes to the same machine again, by cookie or address; health checks."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from apiclient import Api
from balancers import WEB, Web, ip
from invariants import check, rows
from people import person, refused
from rulebook import network, place

from cloudsim.server import Server

ADDRESS = "203.0.113.9"


def params(**given: Any) -> dict[str, str]:
    """Parameters of a method as clients write them; ``_`` stands for ``-``."""
    made = {}
    for number, (name, value) in enumerate(given.items()):
        made[f"param[{number}].name"] = name.replace("_", "-")
        if value is not None:
            made[f"param[{number}].value"] = str(value)
    return made


@pytest.fixture
async def here(api: Api, server: Server) -> Web:
    return Web(**vars(await place(api, server, name="first")))


async def policy(here: Web, rule: dict[str, Any], method: str, **given: Any) -> dict[str, Any]:
    asked = {"lbruleid": rule["id"], "name": "sticky", "methodname": method, **params(**given)}
    made = (await here.api.job("createLBStickinessPolicy", **asked))["stickinesspolicies"]
    assert made["lbruleid"] == rule["id"]
    (found,) = made["stickinesspolicy"]
    return dict(found)


async def test_a_source_comes_to_the_same_machine_again(here: Web, api: Api, server: Server) -> None:
    made = await here.make()
    await here.assign(made, here.machine, await here.another())
    assert len(set(await here.spread())) == 2
    sticky = await policy(here, made, "SourceBased", tablesize="300k", expire="40m")
    assert (sticky["name"], sticky["methodname"], sticky["state"]) == ("sticky", "SourceBased", "Active")
    assert sticky["params"] == {"tablesize": "300k", "expire": "40m"}
    assert len(set(await here.spread())) == 1
    assert await here.stickiness(made) == [sticky]
    await check(server)
    assert await api.job("deleteLBStickinessPolicy", id=sticky["id"]) == {"success": True}
    assert len(set(await here.spread())) == 2
    assert await here.stickiness(made) == []
    assert (await refused(api, "deleteLBStickinessPolicy", id=sticky["id"]))[0] == 431
    types = [event["type"] for event in (await api.call("listEvents"))["event"]]
    assert types.count("LB.STICKINESSPOLICY.CREATE") == types.count("LB.STICKINESSPOLICY.DELETE") == 3
    await check(server)


async def test_a_cookie_tells_clients_apart(here: Web) -> None:
    machines = [here.machine, await here.another()]
    made = await here.make()
    await here.assign(made, *machines)
    await policy(here, made, "AppCookie", cookie_name="JSESSIONID", length=4, holdtime="2h", request_learn=None)
    balancer, at = await here.balancer(), (here.address["ipaddress"], "tcp", 80)
    first = [balancer.connect(*at, ADDRESS, {"JSESSIONID": name}) for name in ("anna", "bert")]
    assert {target[0] for target in first if target} == {ip(one) for one in machines}
    again = [balancer.connect(*at, "192.0.2.1", {"JSESSIONID": name}) for name in ("anna-2", "bert-2")]
    assert again == first
    # without a cookie it is the next one's turn
    assert len({balancer.connect(*at, ADDRESS) for _ in range(2)}) == 2


async def test_a_client_whose_machine_left_comes_to_another(here: Web, api: Api) -> None:
    second = await here.another()
    made = await here.make()
    await here.assign(made, here.machine, second)
    await policy(here, made, "SourceBased")
    (home,) = set(await here.spread())
    leaving = here.machine if home == here.guest else second
    await api.job("stopVirtualMachine", id=leaving["id"], forced=True)
    (now,) = set(await here.spread())
    assert now != home


async def test_a_rule_has_one_policy_and_the_newest_counts(here: Web, server: Server) -> None:
    made = await here.make()
    first = await policy(here, made, "LbCookie", cookie_name="SRV", mode="insert", nocache=None, indirect=None)
    assert first["state"] == "Add"
    assert first["params"] == {"cookie-name": "SRV", "mode": "insert", "nocache": "true", "indirect": "true"}
    second = await policy(here, made, "sourcebased")
    assert [one["id"] for one in await here.stickiness(made)] == [second["id"]]
    assert (second["methodname"], second["params"]) == ("SourceBased", {})
    await check(server)


@pytest.mark.parametrize(
    ("method", "given"),
    [
        ("Cookie", {}), ("LbCookie", {"mode": "other"}), ("LbCookie", {"tablesize": "1k"}), ("LbCookie", {"domain": "a b"}),
        ("LbCookie", {"cookie_name": "a\nserver evil"}), ("LbCookie", {"cookie_name": None}), ("AppCookie", {"length": "x"}),
        ("AppCookie", {"holdtime": "3y"}), ("AppCookie", {"mode": "insert"}), ("AppCookie", {"cookie_name": "a;b"}),
        ("SourceBased", {"expire": "30"}), ("SourceBased", {"expire": "h"}), ("SourceBased", {"tablesize": "200"}),
        ("SourceBased", {"": "1"}),
    ],
)  # fmt: skip
async def test_parameters_that_methods_do_not_have(
    here: Web, server: Server, method: str, given: dict[str, Any]
) -> None:
    made = await here.make()
    asked = {"lbruleid": made["id"], "name": "sticky", "methodname": method, **params(**given)}
    assert (await refused(here.api, "createLBStickinessPolicy", **asked))[0] == 431
    assert await rows(server, "SELECT count(*) FROM lb_stickiness_policy") == [(0,)]


async def test_what_is_missing(here: Web, api: Api) -> None:
    made = await here.make()
    whole = {"lbruleid": made["id"], "name": "sticky", "methodname": "SourceBased"}
    for name in whole:
        assert (await refused(api, "createLBStickinessPolicy", **{**whole, name: None}))[0] == 431, name
    assert (await refused(api, "createLBStickinessPolicy", **{**whole, "name": " "}))[0] == 431
    assert (await refused(api, "createLBStickinessPolicy", **{**whole, "lbruleid": "nothing"}))[0] == 431
    assert (await refused(api, "listLBStickinessPolicies"))[0] == 431
    assert (await refused(api, "listLBHealthCheckPolicies"))[0] == 431


async def test_policies_are_hidden_and_renamed_by_admins(here: Web, api: Api, http: aiohttp.ClientSession) -> None:
    owner = await person(api, http, "owner")
    theirs = Web(**vars(await place(owner, here.server)))
    made = await theirs.make()
    sticky = await policy(theirs, made, "SourceBased")
    mine = "0b8cd8cc-5e02-4b6c-8bb2-a2a4d1b6e3b1"
    given = {"id": sticky["id"], "customid": mine, "fordisplay": False}
    changed = (await api.job("updateLBStickinessPolicy", **given))["stickinesspolicies"]
    assert (changed["stickinesspolicy"][0]["id"], changed["stickinesspolicy"][0]["fordisplay"]) == (mine, False)
    assert changed["account"] == "owner"
    assert await theirs.stickiness(made) == []
    (found,) = (await api.call("listLBStickinessPolicies", id=mine))["stickinesspolicies"]
    assert [one["id"] for one in found["stickinesspolicy"]] == [mine]
    other = await policy(theirs, await theirs.make(publicport=81), "SourceBased")
    assert (await refused(api, "updateLBStickinessPolicy", id=other["id"], customid=mine))[0] == 431
    stranger = await person(api, http, "stranger")
    for command in ("updateLBStickinessPolicy", "deleteLBStickinessPolicy", "listLBStickinessPolicies"):
        assert (await refused(stranger, command, id=other["id"]))[0] == 431, command


# -- health checks


CHECK = {"pingpath": "/alive", "responsetimeout": 3, "intervaltime": 10, "healthythreshold": 3, "unhealthythreshold": 4}


async def test_virtual_routers_make_no_health_checks(here: Web, api: Api, server: Server) -> None:
    made = await here.make()
    status, text = await refused(api, "createLBHealthCheckPolicy", lbruleid=made["id"])
    assert (status, "no health checks" in text) == (431, True)
    assert await rows(server, "SELECT count(*) FROM lb_health_check_policy") == [(0,)]


async def by_netscaler(here: Web) -> Web:
    """A place whose load balancers are another provider's."""
    given: dict[str, Any] = {}
    for number, service in enumerate(("Dhcp", "SourceNat", "Firewall", "Lb")):
        given[f"serviceproviderlist[{number}].service"] = service
        given[f"serviceproviderlist[{number}].provider"] = "Netscaler" if service == "Lb" else "VirtualRouter"
    offered = await here.api.call(
        "createNetworkOffering", "POST", name="netscaler", displaytext="own", guestiptype="Isolated", enable=True,
        traffictype="Guest", supportedservices="Dhcp,SourceNat,Firewall,Lb", **given,
    )  # fmt: skip
    found = await network(here.api, offered["networkoffering"]["id"])
    return Web(**vars(await place(here.api, here.server, networkids=found, name="other")))


async def test_health_checks_where_they_can_be_made(here: Web, api: Api, server: Server) -> None:
    other = await by_netscaler(here)
    made = await other.make(protocol="http")
    await other.assign(made, other.machine)
    assert (await other.rule(made))["state"] == "Active"
    assert await other.comes_in(80) is not None, "the router does what a Netscaler would"
    kept = (await api.job("createLBHealthCheckPolicy", lbruleid=made["id"], **CHECK, description="d"))[
        "healthcheckpolicies"
    ]
    (found,) = kept["healthcheckpolicy"]
    assert (found["pingpath"], found["responsetime"], found["healthcheckinterval"]) == ("/alive", 3, 10)
    assert (found["healthcheckthresshold"], found["unhealthcheckthresshold"], found["description"]) == (3, 4, "d")
    assert (await refused(api, "createLBHealthCheckPolicy", lbruleid=made["id"]))[0] == 431
    given = {"id": found["id"], "fordisplay": False}
    changed = (await api.job("updateLBHealthCheckPolicy", **given))["healthcheckpolicies"]
    assert changed["healthcheckpolicy"][0]["fordisplay"] is False
    (listed,) = (await api.call("listLBHealthCheckPolicies", lbruleid=made["id"]))["healthcheckpolicies"]
    assert [one["id"] for one in listed["healthcheckpolicy"]] == [found["id"]]
    await check(server)
    assert await api.job("deleteLBHealthCheckPolicy", id=found["id"]) == {"success": True}
    await api.job("createLBHealthCheckPolicy", lbruleid=made["id"])
    await api.job("deleteLoadBalancerRule", id=made["id"])
    await check(server)


@pytest.mark.parametrize(
    "given",
    [
        {"pingpath": "alive"}, {"pingpath": "/a b"}, {"responsetimeout": 1}, {"responsetimeout": 61}, {"intervaltime": 0},
        {"intervaltime": 30000}, {"intervaltime": 5, "responsetimeout": 6}, {"healthythreshold": 0},
        {"unhealthythreshold": 11}, {"lbruleid": None},
    ],
)  # fmt: skip
async def test_health_checks_that_cannot_be(here: Web, server: Server, given: dict[str, Any]) -> None:
    made = await (await by_netscaler(here)).make()
    asked = {"lbruleid": made["id"], **CHECK, **given}
    assert (await refused(here.api, "createLBHealthCheckPolicy", **asked))[0] == 431
    assert await rows(server, "SELECT count(*) FROM lb_health_check_policy") == [(0,)]


async def test_methods_are_those_of_the_provider(here: Web, api: Api) -> None:
    other = await by_netscaler(here)
    made = await other.make()
    given = {"lbruleid": made["id"], "name": "sticky", "methodname": "AppCookie"}
    status, text = await refused(api, "createLBStickinessPolicy", **given)
    assert (status, "needs parameter name" in text) == (431, True)
    await api.job("createLBStickinessPolicy", **given, **params(name="SESSION", holdtime="30m"))
    assert (await refused(api, "createLoadBalancerRule", **{**WEB, "publicport": 81}, publicipid=other.address["id"],
                          protocol="tcp-proxy"))[0] == 431  # fmt: skip
