"""Virtual routers: they come with a network's first machine, are looked after, and go with their network."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest
from apiclient import Api, Refused
from invariants import check, rows
from people import domain, person, refused

from cloudsim.agents.simulator import Rule
from cloudsim.server import Server

ISOLATED = "DefaultIsolatedNetworkOfferingWithSourceNatService"


async def routers(api: Api, **given: Any) -> list[dict[str, Any]]:
    return (await api.call("listRouters", **{"listall": True, **given})).get("router", [])


async def network(api: Api, offering: str, **given: Any) -> str:
    offerings = (await api.call("listNetworkOfferings", name=offering))["networkoffering"]
    zone = (await api.call("listZones"))["zone"][0]["id"]
    made = await api.call("createNetwork", name="n", zoneid=zone, networkofferingid=offerings[0]["id"], **given)
    return made["network"]["id"]


async def redundant(api: Api) -> str:
    await api.call(
        "createNetworkOffering", "POST", name="two", displaytext="two", guestiptype="Isolated", traffictype="Guest",
        supportedservices="Dhcp,Dns,SourceNat,UserData", enable=True,
        **{"servicecapabilitylist[0].service": "SourceNat", "servicecapabilitylist[0].capabilitytype": "RedundantRouter",
           "servicecapabilitylist[0].capabilityvalue": "true"},
    )  # fmt: skip
    return await network(api, "two")


async def test_the_first_machine_brings_a_router(api: Api, server: Server) -> None:
    assert await routers(api) == []
    machine = await api.deploy()
    (one,) = await routers(api)
    (found,) = (await api.call("listNetworks"))["network"]
    (nat,) = (await api.call("listPublicIpAddresses"))["publicipaddress"]
    assert (one["state"], one["role"], one["isredundantrouter"], one["redundantstate"]) == (
        "Running", "VIRTUAL_ROUTER", False, "UNKNOWN",
    )  # fmt: skip
    assert (one["guestipaddress"], one["guestnetworkid"]) == (found["gateway"], machine["nic"][0]["networkid"])
    assert (one["publicip"], one["networkdomain"]) == (nat["ipaddress"], found["networkdomain"])
    assert one["linklocalip"].startswith("169.254.")
    assert [card["traffictype"] for card in one["nic"]] == ["Guest", "Control", "Public"]
    assert one["name"] == f"r-{one['name'].split('-')[1]}-VM"
    assert (one["account"], one["serviceofferingname"]) == ("admin", "System Offering For Software Router")
    # it is nobody's machine, and in nobody's way
    assert [row["id"] for row in (await api.call("listVirtualMachines", listall=True))["virtualmachine"]] == [
        machine["id"]
    ]
    assert (await api.call("listVolumes", listall=True))["count"] == 1
    (disk,) = (row for row in (await api.call("listVolumes", listall=True, listsystemvms=True))["volume"]
               if row["vmtype"] == "DomainRouter")  # fmt: skip
    assert disk["virtualmachineid"] == one["id"]
    (root,) = (await api.call("listDomains", level=0))["domain"]
    assert (root["vmtotal"], root["volumetotal"], root["cputotal"]) == (1, 1, 1)
    assert [job["cmd"] for job in (await api.call("listAsyncJobs")).get("asyncjobs", [])] == []
    assert (await api.call("listHosts", type="Routing"))["count"] == 4
    for command in ("stopVirtualMachine", "destroyVirtualMachine", "listNics"):
        given = {"virtualmachineid": one["id"]} if command == "listNics" else {"id": one["id"]}
        assert (await refused(api, command, **given))[0] == 431
    await api.deploy()
    assert [row["id"] for row in await routers(api)] == [one["id"]]
    await check(server)


async def test_twenty_first_machines_share_one_router(api: Api, server: Server) -> None:
    basics = await api.basics()
    asked = await asyncio.gather(*(api.call("deployVirtualMachine", **basics) for _ in range(20)))
    ended = await asyncio.gather(*(api.wait(one["jobid"]) for one in asked))
    assert {one["jobstatus"] for one in ended} == {1}
    assert [row["state"] for row in await routers(api)] == ["Running"]
    assert await rows(server, "SELECT count(*) FROM vm WHERE type = 'DomainRouter'") == [(1,)]
    # it ran before any of them
    (ran,) = await rows(server, "SELECT completed FROM job WHERE instance_type = 'DomainRouter'")
    starts = (
        "SELECT min(s.created) FROM job_step s JOIN job j ON s.job_id = j.id WHERE j.instance_type = 'VirtualMachine'"
    )
    assert (await rows(server, starts + " AND s.name LIKE 'reserve-1-%'"))[0] >= ran
    await check(server)


async def test_two_that_stand_in_for_each_other(api: Api, server: Server) -> None:
    where = await redundant(api)
    basics = await api.basics()
    asked = await asyncio.gather(*(api.call("deployVirtualMachine", **basics, networkids=where) for _ in range(5)))
    assert {(await api.wait(one["jobid"]))["jobstatus"] for one in asked} == {1}
    one, other = await routers(api, networkid=where)
    assert {one["redundantstate"], other["redundantstate"]} == {"PRIMARY", "BACKUP"}
    assert one["isredundantrouter"] is other["isredundantrouter"] is True
    assert one["hostid"] != other["hostid"]
    assert one["publicip"] == other["publicip"]
    gateway = (await api.call("listNetworks", id=where))["network"][0]["gateway"]
    assert len({one["guestipaddress"], other["guestipaddress"], gateway}) == 3
    first, second = (one, other) if one["redundantstate"] == "PRIMARY" else (other, one)
    assert (await api.job("stopRouter", id=first["id"]))["router"]["redundantstate"] == "UNKNOWN"
    assert (await routers(api, id=second["id"]))[0]["redundantstate"] == "PRIMARY"
    # where the second cannot start, the machine does with the first
    rule = server.simulator.add_rule(Rule("StartCommand", "fail", count=3))
    assert (await api.deploy(networkids=where))["state"] == "Running"
    server.simulator.remove_rule(rule)
    await api.deploy(networkids=where)
    assert {row["redundantstate"] for row in await routers(api, networkid=where)} == {"PRIMARY", "BACKUP"}
    assert (await routers(api, id=second["id"]))[0]["redundantstate"] == "PRIMARY"
    await check(server)


async def test_one_that_was_stopped_or_destroyed_comes_back(api: Api, server: Server) -> None:
    machine = await api.deploy()
    (one,) = await routers(api)
    stopped = (await api.job("stopRouter", id=one["id"], forced=True))["router"]
    assert stopped["state"] == "Stopped"
    assert "linklocalip" not in stopped
    assert stopped["guestipaddress"] == one["guestipaddress"]
    await api.deploy()
    assert [(row["id"], row["state"]) for row in await routers(api)] == [(one["id"], "Running")]
    gone = (await api.job("destroyRouter", id=one["id"]))["router"]
    assert (gone["state"], gone["nic"]) == ("Destroyed", [])
    assert await routers(api) == []
    await check(server)
    await api.job("stopVirtualMachine", id=machine["id"])
    await api.job("startVirtualMachine", id=machine["id"])
    (anew,) = await routers(api)
    assert (anew["id"] != one["id"], anew["guestipaddress"]) == (True, one["guestipaddress"])
    # destroyed while machines start: they get one all the same
    basics = await api.basics()
    jobs = [(await api.call("destroyRouter", id=anew["id"]))["jobid"]]
    jobs += [(await api.call("deployVirtualMachine", **basics))["jobid"] for _ in range(5)]
    assert {(await api.wait(job))["jobstatus"] for job in jobs} == {1}
    await api.deploy()
    assert [row["state"] for row in await routers(api)] == ["Running"]
    await check(server)


async def test_a_machine_whose_router_cannot_start_fails_with_a_reason(api: Api, server: Server) -> None:
    rule = server.simulator.add_rule(Rule("StartCommand", "fail", text="no way"))
    status, text = await refused(api, "deployVirtualMachine", **await api.basics())
    assert (status, "router of network admin-network" in text, "no way" in text) == (534, True, True)
    (machine,) = (await api.call("listVirtualMachines"))["virtualmachine"]
    assert machine["state"] == "Error"
    server.simulator.remove_rule(rule)
    async with asyncio.timeout(10):
        while await routers(api):
            await asyncio.sleep(0.02)
    await check(server)
    assert "cannot start" in (await api.call("listAlerts", type=9))["alert"][0]["description"]
    assert server.simulator.volumes() == []
    await api.deploy()
    (one,) = await routers(api)
    # one that has run before stays stopped, and is tried again
    await api.job("stopRouter", id=one["id"])
    rule = server.simulator.add_rule(Rule("StartCommand", "fail", text="no way"))
    assert (await refused(api, "deployVirtualMachine", **await api.basics()))[0] == 534
    server.simulator.remove_rule(rule)
    assert [(row["id"], row["state"]) for row in await routers(api)] == [(one["id"], "Stopped")]
    await api.deploy()
    assert [(row["id"], row["state"]) for row in await routers(api)] == [(one["id"], "Running")]
    await check(server)


async def test_networks_of_other_kinds(api: Api, server: Server) -> None:
    shared = await network(
        api, "DefaultSharedNetworkOffering", vlan=50, gateway="10.50.0.1", netmask="255.255.255.0",
        startip="10.50.0.10", endip="10.50.0.20",
    )  # fmt: skip
    machine = await api.deploy(networkids=shared)
    (one,) = await routers(api, networkid=shared)
    assert one["guestipaddress"] not in ("10.50.0.1", machine["nic"][0]["ipaddress"])
    assert ("publicip" in one, one["gateway"], one["account"]) == (False, "10.50.0.1", "system")
    given = {
        "vlan": 51,
        "gateway": "10.51.0.1",
        "netmask": "255.255.255.0",
        "startip": "10.51.0.10",
        "endip": "10.51.0.20",
    }
    for wrong in ("10.51.0.1", "10.51.0.9", "10.52.0.9", "10.51.0.255", "x"):
        with pytest.raises(Refused) as caught:
            await network(api, "DefaultSharedNetworkOffering", **given, routerip=wrong)
        assert caught.value.status == 431
    chosen = await network(api, "DefaultSharedNetworkOffering", **given, routerip="10.51.0.19")
    assert (
        await refused(api, "deployVirtualMachine", **await api.basics(), networkids=chosen, ipaddress="10.51.0.19")
    )[0] == 431
    await api.deploy(networkids=chosen)
    assert [row["guestipaddress"] for row in await routers(api, networkid=chosen)] == ["10.51.0.19"]
    await api.call(
        "createNetworkOffering", name="plain", displaytext="plain", guestiptype="L2", traffictype="Guest", enable=True
    )
    flat = await network(api, "plain")
    await api.deploy(networkids=flat)
    assert await routers(api, networkid=flat) == []
    await check(server)


async def test_what_admins_do_with_routers(api: Api, server: Server, http: aiohttp.ClientSession) -> None:
    await api.deploy()
    (one,) = await routers(api)
    for forced in (False, True):
        assert (await api.job("rebootRouter", id=one["id"], forced=forced))["router"]["state"] == "Running"
    offering = await api.call(
        "createServiceOffering", name="big", displaytext="big", cpunumber=2, cpuspeed=500, memory=1024,
        issystem=True, systemvmtype="domainrouter",
    )  # fmt: skip
    big = offering["serviceoffering"]["id"]
    assert (await refused(api, "changeServiceForRouter", id=one["id"], serviceofferingid=big))[0] == 431
    assert (await refused(api, "startRouter", id=one["id"]))[0] == 431
    target = next(
        row["id"] for row in (await api.call("listHosts", type="Routing"))["host"] if row["id"] != one["hostid"]
    )
    moved = (await api.job("migrateSystemVm", virtualmachineid=one["id"], hostid=target))["systemvm"]
    assert (moved["hostid"], moved["systemvmtype"]) == (target, "domainrouter")
    assert (await api.job("patchSystemVm", id=one["id"], forced=True))["success"] is True
    assert (await routers(api))[0]["scriptsversion"] != one["scriptsversion"]
    assert (await refused(api, "patchSystemVm"))[0] == 431
    await api.job("stopRouter", id=one["id"])
    assert (await refused(api, "patchSystemVm", id=one["id"]))[0] == 431
    changed = (await api.call("changeServiceForRouter", id=one["id"], serviceofferingid=big))["router"]
    assert changed["serviceofferingname"] == "big"
    default = await api.call("listServiceOfferings", issystem=True, name=one["serviceofferingname"])
    wrong = await api.call("listServiceOfferings", issystem=True, name="System Offering For Console Proxy")
    assert (
        await refused(api, "changeServiceForRouter", id=one["id"], serviceofferingid=wrong["serviceoffering"][0]["id"])
    )[0] == 431
    back = default["serviceoffering"][0]["id"]
    assert (await api.job("scaleSystemVm", id=one["id"], serviceofferingid=back))["systemvm"][
        "serviceofferingid"
    ] == back
    started = await api.call("startRouter", id=one["id"])
    job = await api.wait(started["jobid"])
    assert (job["jobinstancetype"], job["jobinstanceid"]) == ("DomainRouter", one["id"])
    types = {row["type"] for row in (await api.call("listEvents", listall=True, pagesize=200, page=1))["event"]}
    assert {"ROUTER.CREATE", "ROUTER.START", "ROUTER.STOP", "ROUTER.REBOOT", "ROUTER.UPGRADE"} <= types
    user = await person(api, http, "user")
    assert (await refused(user, "listRouters"))[0] == 432
    # the setting says what new ones are made from
    await api.call("updateConfiguration", name="router.service.offering", value=big)
    await api.job("destroyRouter", id=one["id"])
    await api.deploy()
    assert (await routers(api))[0]["serviceofferingid"] == big
    await check(server)


async def test_lists_of_routers(api: Api, http: aiohttp.ClientSession) -> None:
    await api.deploy()
    below = await domain(api, "below")
    chief = await person(api, http, "chief", 2, domainid=below["id"])
    machine = await chief.deploy()
    one, other = await routers(api)
    assert [row["id"] for row in await routers(api, listall=None)] == [one["id"]]
    assert [row["id"] for row in await routers(api, account="chief", domainid=below["id"])] == [other["id"]]
    (mine,) = await routers(chief)
    assert (mine["id"], "hostid" in mine, "linklocalip" in mine) == (other["id"], False, False)
    assert (await refused(chief, "startRouter", id=one["id"]))[0] == 431
    host = (await api.call("listHosts", id=one["hostid"]))["host"][0]
    for given, expected in (
        ({"id": one["id"]}, {one["id"]}),
        ({"name": one["name"]}, {one["id"]}),
        ({"keyword": other["name"]}, {other["id"]}),
        ({"networkid": machine["nic"][0]["networkid"]}, {other["id"]}),
        ({"zoneid": one["zoneid"]}, {one["id"], other["id"]}),
        ({"podid": one["podid"]}, {one["id"], other["id"]}),
        ({"clusterid": host["clusterid"], "hostid": one["hostid"], "name": one["name"]}, {one["id"]}),
        ({"state": "running"}, {one["id"], other["id"]}),
        ({"state": "Stopped"}, set()),
        ({"version": "4.10.0"}, {one["id"], other["id"]}),
        ({"version": "1"}, set()),
        ({"arch": "x86_64"}, {one["id"], other["id"]}),
        ({"forvpc": True}, set()),
        ({"forvpc": False}, {one["id"], other["id"]}),
        ({"vpcid": one["id"]}, set()),
        ({"healthchecksfailed": True}, set()),
        ({"healthchecksfailed": False}, {one["id"], other["id"]}),
    ):
        assert {row["id"] for row in await routers(api, **given)} == expected, given


async def test_health_and_versions(api: Api, server: Server) -> None:
    await api.deploy()
    (one,) = await routers(api, fetchhealthcheckresults=True)
    assert {(row["checkname"], row["status"]) for row in one["healthcheckresults"]} == {
        ("connectivity.test", "SUCCESS"), ("router_version_check.py", "SUCCESS"),
    }  # fmt: skip
    assert await api.call("upgradeRouterTemplate", id=one["id"]) == {}
    await api.call("updateConfiguration", name="minreq.sysvmtemplate.version", value="4.20.1")
    (old,) = await routers(api, healthchecksfailed=True)
    assert (old["requiresupgrade"], old["healthchecksfailed"], old["version"]) == (True, True, "4.10.0")
    answer = await api.call("getRouterHealthCheckResults", routerid=one["id"], performfreshchecks=True)
    results = {row["checkname"]: row["success"] for row in answer["routerhealthchecks"]["healthchecks"]}
    assert results == {"connectivity.test": True, "router_version_check.py": False}
    await api.call("updateConfiguration", name="router.health.checks.to.exclude", value="router_version_check.py")
    assert await routers(api, healthchecksfailed=True) == []
    await api.call("updateConfiguration", name="router.health.checks.to.exclude", value="")
    for given in ({}, {"zoneid": one["zoneid"], "podid": one["podid"]}, {"account": "admin"}):
        assert (await refused(api, "upgradeRouterTemplate", **given))[0] == 431
    (job,) = (await api.call("upgradeRouterTemplate", zoneid=one["zoneid"]))["asyncjobs"]
    assert (await api.wait(job["jobid"]))["jobresult"]["router"]["version"] == "4.20.1"
    # a host that died is found out when it is asked
    server.simulator.set_host(one["hostid"], False)
    server.simulator.set_host(one["hostid"], True)
    assert (await api.call("listRouters", id=one["id"]))["router"][0]["state"] == "Running"
    where = (await routers(api))[0]["hostid"]
    await api.call("updateConfiguration", name="vm.ha.enabled", value="false")  # which would bring it back
    server.simulator.set_host(where, False)
    server.simulator.set_host(where, True)
    await asyncio.sleep(0.01)
    assert (await refused(api, "getRouterHealthCheckResults", routerid=one["id"], performfreshchecks=True))[0] == 530
    assert (await routers(api))[0]["state"] == "Stopped"
    await api.job("startRouter", id=one["id"])
    await api.call("updateConfiguration", name="router.health.checks.enabled", value="false")
    assert (await refused(api, "getRouterHealthCheckResults", routerid=one["id"]))[0] == 530
    await check(server)


async def test_a_network_made_anew(api: Api, server: Server) -> None:
    machine = await api.deploy()
    where = machine["nic"][0]["networkid"]
    (one,) = await routers(api)
    assert (await api.job("restartNetwork", id=where))["success"] is True
    assert [row["id"] for row in await routers(api)] == [one["id"]]
    await api.job("stopRouter", id=one["id"])
    await api.job("restartNetwork", id=where)
    assert [(row["id"], row["state"]) for row in await routers(api)] == [(one["id"], "Running")]
    before = (await routers(api))[0]["scriptsversion"]
    await api.job("restartNetwork", id=where, livepatch=True)
    assert (await routers(api))[0]["scriptsversion"] != before
    assert (await refused(api, "restartNetwork", id=where, livepatch=True, cleanup=True))[0] == 431
    await api.job("restartNetwork", id=where, cleanup=True)
    (anew,) = await routers(api)
    assert (anew["id"] != one["id"], anew["state"], anew["publicip"]) == (True, "Running", one["publicip"])
    await api.job("restartNetwork", id=where, cleanup=True, makeredundant=True)
    pair = await routers(api)
    assert {row["redundantstate"] for row in pair} == {"PRIMARY", "BACKUP"}
    assert (await api.call("listNetworks", id=where))["network"][0]["redundantrouter"] is True
    # machines that start meanwhile, and a second restart, do not make it more
    basics = await api.basics()
    jobs = [(await api.call("restartNetwork", id=where, cleanup=True))["jobid"] for _ in range(2)]
    jobs += [(await api.call("deployVirtualMachine", **basics))["jobid"] for _ in range(6)]
    assert {(await api.wait(job))["jobstatus"] for job in jobs} == {1}
    assert [row["state"] for row in await routers(api)] == ["Running", "Running"]
    rule = server.simulator.add_rule(Rule("StartCommand", "fail", text="no way"))
    assert (await refused(api, "restartNetwork", id=where, cleanup=True))[0] == 534
    server.simulator.remove_rule(rule)
    await check(server)


async def test_another_offering_another_router(api: Api, server: Server) -> None:
    machine = await api.deploy()
    where = machine["nic"][0]["networkid"]
    await redundant(api)
    two = (await api.call("listNetworkOfferings", name="two"))["networkoffering"][0]["id"]
    await api.job("updateNetwork", id=where, networkofferingid=two)
    assert [row["isredundantrouter"] for row in await routers(api, networkid=where)] == [True, True]
    one = (await api.call("listNetworkOfferings", name=ISOLATED))["networkoffering"][0]["id"]
    await api.job("updateNetwork", id=where, networkofferingid=one)
    (found,) = await routers(api, networkid=where)
    assert (found["state"], found["isredundantrouter"]) == ("Running", False)
    # the card outside follows the address that the network is given
    zone = (await api.basics())["zoneid"]
    free = (await api.call("listPublicIpAddresses", zoneid=zone, state="Free", allocatedonly=False))["publicipaddress"]
    await api.job("updateNetwork", id=where, sourcenatipaddress=free[0]["ipaddress"])
    assert (await routers(api, networkid=where))[0]["publicip"] == free[0]["ipaddress"]
    await check(server)


async def test_routers_go_with_their_network(api: Api, server: Server, http: aiohttp.ClientSession) -> None:
    machine = await api.deploy()
    where = machine["nic"][0]["networkid"]
    assert (await refused(api, "deleteNetwork", id=where))[0] == 530
    assert [row["state"] for row in await routers(api)] == ["Running"]
    await api.job("destroyVirtualMachine", id=machine["id"], expunge=True)
    assert (await api.job("deleteNetwork", id=where))["success"] is True
    assert await routers(api) == []
    # with their account, and with their project
    someone = await person(api, http, "someone")
    await someone.deploy()
    (found,) = (await api.call("listAccounts", name="someone", listall=True))["account"]
    await api.job("deleteAccount", id=found["id"])
    project = (await api.job("createProject", name="p", displaytext="p"))["project"]
    await api.deploy(projectid=project["id"])
    (one,) = await routers(api, projectid=project["id"])
    assert (one["projectid"], "account" in one) == (project["id"], False)
    await api.job("deleteProject", id=project["id"], cleanup=True)
    assert await routers(api) == []
    assert await rows(server, "SELECT count(*) FROM vm WHERE removed IS NULL") == [(0,)]
    assert await rows(server, "SELECT count(*) FROM system_nic WHERE removed IS NULL") == [(0,)]
    assert await rows(server, "SELECT count(*) FROM public_ip WHERE state <> 'Free'") == [(0,)]
    assert server.simulator.volumes() == []
    await check(server)


async def test_a_host_at_rest_has_no_router(api: Api, server: Server) -> None:
    await api.deploy()
    (one,) = await routers(api)
    await api.job("prepareHostForMaintenance", id=one["hostid"])
    (moved,) = await routers(api)
    assert (moved["id"], moved["state"]) == (one["id"], "Running")
    assert moved["hostid"] != one["hostid"]
    await check(server)


async def test_a_persistent_network_has_its_router_at_once(api: Api, server: Server) -> None:
    await api.call(
        "createNetworkOffering", name="lasting", displaytext="l", guestiptype="Isolated", traffictype="Guest",
        supportedservices="Dhcp,SourceNat", ispersistent=True, enable=True,
    )  # fmt: skip
    where = await network(api, "lasting")
    async with asyncio.timeout(10):
        while [row["state"] for row in await routers(api, networkid=where)] != ["Running"]:
            await asyncio.sleep(0.02)
    await api.job("deleteNetwork", id=where)
    assert await routers(api) == []
    await check(server)


async def test_where_the_router_runs_a_deployment_costs_one_statement(
    api: Api, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cloudsim.db import sqlite
    from cloudsim.services import router

    await api.deploy()
    statements, mine = 0, 0
    fetch, asked = sqlite._Write._fetch, router.require

    def counting(self: Any, *given: Any) -> Any:
        nonlocal statements
        statements += 1
        return fetch(self, *given)

    def required(*given: Any, **more: Any) -> Any:
        nonlocal mine
        before = statements
        found = asked(*given, **more)
        mine += statements - before
        return found

    monkeypatch.setattr(sqlite._Write, "_fetch", counting)
    monkeypatch.setattr(router, "require", required)
    before = (await rows(server, "SELECT count(*) FROM job_step"))[0][0]
    await api.deploy()
    assert mine == 1
    after = (await rows(server, "SELECT count(*) FROM job_step"))[0][0]
    assert after - before == 2  # check, reserve
    with pytest.raises(Refused):
        await api.call("startRouter", id=(await api.call("listVirtualMachines"))["virtualmachine"][0]["id"])
