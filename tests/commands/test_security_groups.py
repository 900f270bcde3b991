"""Security groups: whose they are, what they let through, and what hosts are told of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import zones
from apiclient import Api, Refused
from invariants import check, rest, rows
from people import domain, person, refused

from cloudsim.agents.base import SetSecurityRules
from cloudsim.agents.simulator import SimulatorDriver
from cloudsim.server import Server

EVERYWHERE = "0.0.0.0/0"
WEB = {"protocol": "tcp", "startport": 80, "endport": 81, "cidrlist": EVERYWHERE}


@pytest.fixture
async def cloud(tmp_path: Path) -> AsyncIterator[tuple[Server, Api]]:
    async with zones.empty_server(tmp_path) as (server, api):
        await zones.basic_zone(api)
        yield server, api


async def group(api: Api, name: str = "web", **given: Any) -> dict[str, Any]:
    return (await api.call("createSecurityGroup", name=name, **given))["securitygroup"]


async def named(api: Api, name: str, **given: Any) -> dict[str, Any]:
    (found,) = (await api.call("listSecurityGroups", securitygroupname=name, **given))["securitygroup"]
    return found


async def allow(api: Api, way: str = "Ingress", **given: Any) -> list[dict[str, Any]]:
    made = await api.job(f"authorizeSecurityGroup{way}", **given)
    return made["securitygroup"][f"{way.lower()}rule"]


def friend(account: str, name: str, number: int = 0) -> dict[str, str]:
    start = f"usersecuritygrouplist[{number}]"
    return {f"{start}.account": account, f"{start}.group": name}


async def test_from_making_to_deleting(api: Api) -> None:
    made = await group(api, description="servers")
    assert (made["name"], made["description"], made["account"]) == ("web", "servers", "admin")
    assert (made["ingressrule"], made["egressrule"], made["virtualmachineids"]) == ([], [], [])
    assert made["virtualmachinecount"] == 0
    for given in ({"name": "web"}, {"name": "default"}, {"name": "Default"}, {"name": " "}):
        assert (await refused(api, "createSecurityGroup", **given))[0] == 431, given
    changed = (await api.call("updateSecurityGroup", id=made["id"], name="www"))["securitygroup"]
    assert changed["name"] == "www"
    await group(api, "other")
    for name in ("other", "default", " "):
        assert (await refused(api, "updateSecurityGroup", id=made["id"], name=name))[0] == 431, name
    mine = "0b8cd8cc-5e02-4b6c-8bb2-a2a4d1b6e3b1"
    assert (await api.call("updateSecurityGroup", id=made["id"], customid=mine))["securitygroup"]["id"] == mine
    assert (await api.call("listSecurityGroups", keyword="servers"))["count"] == 1
    for given in ({}, {"id": mine, "name": "www"}, {"name": "nobody"}, {"id": made["id"]}):
        assert (await refused(api, "deleteSecurityGroup", **given))[0] == 431, given
    await api.call("deleteSecurityGroup", id=mine)
    await api.call("deleteSecurityGroup", name="other")
    left = (await api.call("listSecurityGroups"))["securitygroup"]
    assert [one["name"] for one in left] == ["default"]
    types = {event["type"] for event in (await api.call("listEvents", keyword="security group"))["event"]}
    assert {"SG.CREATE", "SG.UPDATE", "SG.DELETE"} <= types


async def test_the_default_group_stays(api: Api) -> None:
    found = await named(api, "default")
    assert found["description"] == "Default Security Group"
    assert (await refused(api, "deleteSecurityGroup", id=found["id"]))[0] == 431
    assert (await refused(api, "deleteSecurityGroup", name="default"))[0] == 431
    assert (await refused(api, "updateSecurityGroup", id=found["id"], name="mine"))[0] == 431
    asked = [api.call("listSecurityGroups") for _ in range(10)]
    assert {len(one["securitygroup"]) for one in await asyncio.gather(*asked)} == {1}


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        ({"protocol": "tcp", "startport": 22, "endport": 22}, {"protocol": "tcp", "startport": 22, "endport": 22}),
        ({"protocol": "UDP", "startport": 53}, {"protocol": "udp", "startport": 53, "endport": 53}),
        ({"protocol": "6", "startport": 1, "endport": 9}, {"protocol": "tcp", "startport": 1, "endport": 9}),
        ({"protocol": "icmp", "icmptype": 8, "icmpcode": 0}, {"protocol": "icmp", "icmptype": 8, "icmpcode": 0}),
        ({"protocol": "1", "icmptype": -1, "icmpcode": -1}, {"protocol": "icmp", "icmptype": -1, "icmpcode": -1}),
        ({"protocol": "all"}, {"protocol": "all"}),
        ({}, {"protocol": "all"}),
        ({"protocol": "47"}, {"protocol": "47"}),
    ],
)
async def test_kinds_of_rules(api: Api, given: dict[str, Any], rule: dict[str, Any]) -> None:
    made = await group(api)
    for way in ("Ingress", "Egress"):
        (told,) = await allow(api, way, securitygroupid=made["id"], cidrlist="10.0.0.0/8", **given)
        ruleid = told.pop("ruleid")
        assert told == {**rule, "cidr": "10.0.0.0/8", "tags": []}
        status, text = await refused(
            api, f"authorizeSecurityGroup{way}", securitygroupname="web", cidrlist="10.0.0.0/8", **given
        )
        assert (status, "already" in text) == (530, True)
        other = "Egress" if way == "Ingress" else "Ingress"
        assert (await refused(api, f"revokeSecurityGroup{other}", id=ruleid))[0] == 431
        await api.job(f"revokeSecurityGroup{way}", id=ruleid)
        assert (await refused(api, f"revokeSecurityGroup{way}", id=ruleid))[0] == 431
    found = await named(api, "web")
    assert (found["ingressrule"], found["egressrule"]) == ([], [])


@pytest.mark.parametrize(
    "given",
    [
        {"cidrlist": None},
        {"cidrlist": "10.1.1.1/24"},
        {"cidrlist": "10.0.0.0/8,nonsense"},
        {"cidrlist": "10.0.0.0/33"},
        {"protocol": "rope"},
        {"protocol": "256"},
        {"protocol": "-1"},
        {"startport": None},
        {"startport": 90},
        {"endport": 65536},
        {"startport": -1},
        {"icmptype": 8, "icmpcode": 0},
        {"protocol": "icmp"},
        {"protocol": "icmp", "startport": None, "endport": None},
        {"protocol": "icmp", "startport": None, "endport": None, "icmptype": -1, "icmpcode": 3},
        {"protocol": "icmp", "startport": None, "endport": None, "icmptype": 256, "icmpcode": 0},
        {"protocol": "all"},
        {"protocol": "47"},
        {"securitygroupid": None},
        {"securitygroupname": "web"},
        {"securitygroupid": None, "securitygroupname": "nobody"},
        {"usersecuritygrouplist[0].account": "admin"},
        {"usersecuritygrouplist[0].account": "nobody", "usersecuritygrouplist[0].group": "web"},
        {"usersecuritygrouplist[0].account": "admin", "usersecuritygrouplist[0].group": "nobody"},
    ],
)
async def test_what_is_no_rule(api: Api, given: dict[str, Any]) -> None:
    made = await group(api)
    wanted = {"securitygroupid": made["id"], **WEB, **given}
    for way in ("Ingress", "Egress"):
        assert (await refused(api, f"authorizeSecurityGroup{way}", **wanted))[0] == 431
    assert (await named(api, "web"))["ingressrule"] == []


async def test_several_rules_at_once(api: Api) -> None:
    await group(api)
    await group(api, "friends")
    given = {**WEB, "securitygroupname": "web", "cidrlist": "10.0.0.0/8,10.0.0.0/8,fd00::/8"}
    rules = await allow(api, **given, **friend("admin", "friends"), **friend("admin", "web", 1))
    told = {(rule.get("cidr"), rule.get("securitygroupname"), rule.get("account")) for rule in rules}
    mine = {(None, "friends", "admin"), (None, "web", "admin")}
    assert told == {("10.0.0.0/8", None, None), ("fd00::/8", None, None)} | mine
    # what is there already is not made again
    (more,) = await allow(api, **{**given, "cidrlist": "10.0.0.0/8,11.0.0.0/8"})
    assert more["cidr"] == "11.0.0.0/8"
    assert len((await named(api, "web"))["ingressrule"]) == 5
    status, text = await refused(api, "deleteSecurityGroup", name="friends")
    assert (status, "web" in text) == (536, True)
    await api.call("deleteSecurityGroup", name="web")  # its own rules name it, and go with it
    await api.call("deleteSecurityGroup", name="friends")


async def test_one_of_many_makes_a_rule(api: Api) -> None:
    """The same rule is asked for by many at once: it is there once, and one is told so."""
    await group(api)
    asked = [allow(api, securitygroupname="web", **WEB) for _ in range(10)]
    done = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(one, list) for one in done) == 1
    assert {one.code for one in done if isinstance(one, Refused)} == {530}
    assert len((await named(api, "web"))["ingressrule"]) == 1
    names = await asyncio.gather(*(group(api, "same") for _ in range(10)), return_exceptions=True)
    assert sum(isinstance(one, dict) for one in names) == 1


async def test_whose_groups_are_seen_and_touched(api: Api, http: aiohttp.ClientSession) -> None:
    place = await domain(api, "below")
    anna = await person(api, http, "anna", domainid=place["id"])
    bert = await person(api, http, "bert", domainid=place["id"])
    stranger = await person(api, http, "stranger", 2, domainid=(await domain(api, "beside"))["id"])
    boss = await person(api, http, "boss", 2, domainid=place["id"])
    made = await group(anna)
    rule = (await allow(anna, securitygroupid=made["id"], **WEB))[0]
    assert (await named(anna, "web"))["id"] == made["id"]
    for other in (bert, stranger):
        assert await other.call("listSecurityGroups", securitygroupname="web") == {}
        for command, given in (
            ("listSecurityGroups", {"id": made["id"]}),
            ("listVirtualMachines", {"securitygroupid": made["id"]}),
            ("deleteSecurityGroup", {"id": made["id"]}),
            ("authorizeSecurityGroupIngress", {"securitygroupid": made["id"], **WEB}),
            ("revokeSecurityGroupIngress", {"id": rule["ruleid"]}),
            ("createSecurityGroup", {"name": "x", "account": "anna", "domainid": place["id"]}),
        ):
            assert (await refused(other, command, **given))[0] == 431, command
    assert (await boss.call("listSecurityGroups", listall=True))["securitygroup"][0]["id"] == made["id"]
    # users let in groups of others of their domain, by name
    await allow(bert, securitygroupname="default", **{**WEB, "cidrlist": None}, **friend("anna", "web"))
    assert (await refused(anna, "deleteSecurityGroup", name="web"))[0] == 536
    await boss.job("revokeSecurityGroupIngress", id=rule["ruleid"])
    account = (await api.call("listAccounts", name="anna", listall=True))["account"][0]
    await api.job("deleteAccount", id=account["id"])
    assert (await named(bert, "default"))["ingressrule"] == [], "the group it named is gone"
    assert (await refused(api, "listSecurityGroups", id=made["id"]))[0] == 431


async def test_tags_and_projects(api: Api) -> None:
    made = await group(api)
    (rule,) = await allow(api, securitygroupid=made["id"], **WEB)
    for kind, uuid in (("SecurityGroup", made["id"]), ("SecurityGroupRule", rule["ruleid"])):
        tag = {"tags[0].key": "a", "tags[0].value": "b"}
        await api.job("createTags", resourceids=uuid, resourcetype=kind, **tag)
    found = (await api.call("listSecurityGroups", **{"tags[0].key": "a", "tags[0].value": "b"}))["securitygroup"]
    assert [one["id"] for one in found] == [made["id"]]
    assert found[0]["tags"][0]["resourcetype"] == "SecurityGroup"
    assert found[0]["ingressrule"][0]["tags"][0]["key"] == "a"
    project = (await api.job("createProject", name="p", displaytext="p"))["project"]
    own = await group(api, projectid=project["id"])
    assert (own["projectid"], "account" in own) == (project["id"], False)
    assert (await api.call("listSecurityGroups", projectid=project["id"]))["count"] == 1
    await allow(api, securitygroupname="web", projectid=project["id"], **WEB)
    assert (await named(api, "web", projectid=project["id"]))["ingressrule"][0]["cidr"] == EVERYWHERE
    await api.call("deleteSecurityGroup", name="web", projectid=project["id"])
    await api.call("deleteSecurityGroup", name="web")
    assert await api.call("listTags") == {}


# -- machines


async def test_hosts_keep_what_rules_say(cloud: tuple[Server, Api]) -> None:
    server, api = cloud
    world = server.simulator
    await group(api)
    await allow(api, securitygroupname="web", **WEB)
    machine = await api.deploy(securitygroupnames="web")
    assert {one["name"] for one in machine["securitygroup"]} == {"web", "default"}
    assert set(machine["securitygroup"][0]) >= {"id", "name", "description", "account"} - {"description"}
    uuid = machine["id"]
    assert world.permits(uuid, "ingress", "tcp", "8.8.8.8", 80)
    assert not world.permits(uuid, "ingress", "tcp", "8.8.8.8", 82)
    assert not world.permits(uuid, "ingress", "udp", "8.8.8.8", 80)
    assert world.permits(uuid, "egress", "udp", "8.8.8.8", 53), "without egress rules everything goes out"
    # while it runs: on the host when the job has ended
    await allow(api, securitygroupname="default", protocol="icmp", icmptype=8, icmpcode=-1, cidrlist="10.0.0.0/8")
    assert world.permits(uuid, "ingress", "icmp", "10.9.9.9", 8, 0)
    assert not world.permits(uuid, "ingress", "icmp", "11.9.9.9", 8, 0)
    (rule,) = await allow(api, "Egress", securitygroupname="web", protocol="udp", startport=53, cidrlist="9.9.9.9/32")
    assert world.permits(uuid, "egress", "udp", "9.9.9.9", 53)
    assert not world.permits(uuid, "egress", "udp", "8.8.8.8", 53)
    await api.job("revokeSecurityGroupEgress", id=rule["ruleid"])
    assert world.permits(uuid, "egress", "udp", "8.8.8.8", 53)
    found = (await api.call("listSecurityGroups", virtualmachineid=uuid))["securitygroup"]
    assert {one["name"] for one in found} == {"web", "default"}
    assert found[0]["virtualmachineids"] == [uuid]
    web = await named(api, "web")
    assert (await api.call("listVirtualMachines", securitygroupid=web["id"]))["count"] == 1
    status, text = await refused(api, "deleteSecurityGroup", name="web")
    assert (status, "virtual machine" in text) == (536, True)
    await api.job("destroyVirtualMachine", id=uuid, expunge=True)
    await api.call("deleteSecurityGroup", name="web")
    assert await rows(server, "SELECT * FROM security_group_vm") == []
    await check(server)


async def test_rules_follow_machines(cloud: tuple[Server, Api]) -> None:
    """A rule that names a group lets in the machines that are in it now, wherever they run."""
    server, api = cloud
    world = server.simulator
    await group(api, "front")
    await group(api, "back")
    await allow(api, securitygroupname="back", protocol="tcp", startport=5432, **friend("admin", "front"))
    back = await api.deploy(securitygroupnames="back")
    front = await api.deploy(securitygroupnames="front")
    await rest(server)
    address = front["nic"][0]["ipaddress"]

    def reaches() -> bool:
        return world.permits(back["id"], "ingress", "tcp", address, 5432)

    assert reaches()
    await api.job("stopVirtualMachine", id=front["id"])
    await rest(server)
    assert not reaches()
    await api.job("startVirtualMachine", id=front["id"])
    await rest(server)
    assert reaches()
    await api.job("prepareHostForMaintenance", id=back["hostid"])
    await rest(server)
    assert reaches()
    (row,) = (await api.call("listVirtualMachines", id=back["id"]))["virtualmachine"]
    assert row["hostid"] != back["hostid"]
    await api.job("cancelHostMaintenance", id=back["hostid"])
    await api.job("rebootVirtualMachine", id=back["id"])
    assert reaches()
    await api.job("destroyVirtualMachine", id=front["id"], expunge=True)
    await rest(server)
    assert not reaches()
    await check(server)


async def test_groups_of_a_machine_change_while_it_is_stopped(
    cloud: tuple[Server, Api], http: aiohttp.ClientSession
) -> None:
    server, api = cloud
    web, mail = await group(api), await group(api, "mail")
    await allow(api, securitygroupname="mail", protocol="tcp", startport=25, cidrlist=EVERYWHERE)
    machine = await api.deploy(securitygroupids=web["id"])
    uuid = machine["id"]
    assert (await refused(api, "updateVirtualMachine", id=uuid, securitygroupids=mail["id"]))[0] == 431
    await api.job("stopVirtualMachine", id=uuid)
    user = await person(api, http, "anna")
    theirs = await group(user, "theirs")
    for given, status in (
        ({"securitygroupids": mail["id"], "securitygroupnames": "web"}, 431),
        ({"securitygroupids": theirs["id"]}, 531),
        ({"securitygroupnames": "nobody"}, 431),
    ):
        assert (await refused(api, "updateVirtualMachine", id=uuid, **given))[0] == status, given
    changed = (await api.call("updateVirtualMachine", id=uuid, securitygroupids=mail["id"]))["virtualmachine"]
    assert [one["name"] for one in changed["securitygroup"]] == ["mail"]
    await api.job("startVirtualMachine", id=uuid)
    assert server.simulator.permits(uuid, "ingress", "tcp", "8.8.8.8", 25)
    types = {event["type"] for event in (await api.call("listEvents", keyword="security group"))["event"]}
    assert {"SG.ASSIGN", "SG.REMOVE"} <= types


async def test_what_a_deployment_must_not_ask_for(cloud: tuple[Server, Api], http: aiohttp.ClientSession) -> None:
    _, api = cloud
    made = await group(api)
    user = await person(api, http, "anna")
    theirs = await group(user, "theirs")
    wanted = await api.basics()
    for given, status in (
        ({"securitygroupids": made["id"], "securitygroupnames": "web"}, 431),
        ({"securitygroupnames": "nobody"}, 431),
        ({"securitygroupids": theirs["id"]}, 531),
        ({"securitygroupids": "0b8cd8cc-5e02-4b6c-8bb2-a2a4d1b6e3b1"}, 431),
    ):
        assert (await refused(api, "deployVirtualMachine", **wanted, **given))[0] == status, given
    assert (await refused(user, "deployVirtualMachine", **wanted, securitygroupids=made["id"]))[0] == 431
    assert await api.call("listVirtualMachines") == {}


async def test_hosts_that_keep_no_rules_run_no_such_machines(
    cloud: tuple[Server, Api], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, api = cloud
    monkeypatch.setattr(SimulatorDriver, "verbs", SimulatorDriver.verbs - {SetSecurityRules})
    status, text = await refused(api, "deployVirtualMachine", **await api.basics())
    assert (status, "do not keep" in text) == (431, True)


async def test_the_default_group_need_not_be_added(cloud: tuple[Server, Api]) -> None:
    _, api = cloud
    await group(api)
    await api.call("updateConfiguration", name="network.securitygroups.defaultadding", value="false")
    machine = await api.deploy(securitygroupnames="web")
    assert [one["name"] for one in machine["securitygroup"]] == ["web"]


async def test_a_host_that_does_not_answer_is_told_later(cloud: tuple[Server, Api]) -> None:
    server, api = cloud
    machine = await api.deploy()
    await api.call("configureSimulator", name="SecurityGroupRulesCmd", value="fail:no", count=1)
    await allow(api, securitygroupname="default", **WEB)
    assert not server.simulator.permits(machine["id"], "ingress", "tcp", "8.8.8.8", 80)
    assert len(await rows(server, "SELECT vm_id FROM security_group_pending")) == 1
    await server.periodic.run_now("security-groups")
    await rest(server)
    assert server.simulator.permits(machine["id"], "ingress", "tcp", "8.8.8.8", 80)
    assert await rows(server, "SELECT vm_id FROM security_group_pending") == []


async def test_many_changes_and_many_machines(cloud: tuple[Server, Api]) -> None:
    """However changes of rules and starts of machines meet, in the end each host keeps what the rules say."""
    server, api = cloud
    await group(api)
    ports = range(1, 31)
    changes = [allow(api, securitygroupname="web", protocol="tcp", startport=p, cidrlist=EVERYWHERE) for p in ports]
    machines = [api.deploy(securitygroupnames="web") for _ in range(15)]
    done = await asyncio.gather(*changes, *machines)
    await rest(server)
    for machine in done[len(changes) :]:
        assert all(server.simulator.permits(machine["id"], "ingress", "tcp", "8.8.8.8", port) for port in ports)
    await check(server)
