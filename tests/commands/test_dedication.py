"""Zones, pods, clusters and hosts that are kept for some: who may get them, and whose machines go there."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import aiohttp
import pytest
from apiclient import Api
from invariants import check, rows
from people import domain, person, refused

from cloudsim.server import Server

KINDS = ("Zone", "Pod", "Cluster", "Host")


async def places(api: Api) -> dict[str, dict[str, Any]]:
    """The seeded zone and pod, its first cluster and a host in it."""
    found = {}
    for kind in KINDS:
        given = {"clusterid": found["Cluster"]["id"]} if kind == "Host" else {}
        found[kind] = (await api.call(f"list{kind}s", **given))[kind.lower()][0]
    return found


async def dedicate(api: Api, kind: str, place: dict[str, Any], **given: Any) -> dict[str, Any]:
    made = await api.job(f"dedicate{kind}", **{f"{kind.lower()}id": place["id"]}, **given)
    return made[f"dedicated{kind.lower()}"]


async def release(api: Api, kind: str, place: dict[str, Any]) -> None:
    await api.job(f"releaseDedicated{kind}", **{f"{kind.lower()}id": place["id"]})


async def host_of(api: Api, machine: dict[str, Any]) -> dict[str, Any]:
    """Where a machine runs: told to admins."""
    (found,) = (await api.call("listVirtualMachines", id=machine["id"]))["virtualmachine"]
    return (await api.call("listHosts", id=found["hostid"]))["host"][0]


async def cluster_of(api: Api, machine: dict[str, Any]) -> str:
    return (await host_of(api, machine))["clusterid"]


@pytest.mark.parametrize("kind", KINDS)
async def test_every_kind_is_dedicated_listed_and_released(
    api: Api, http: aiohttp.ClientSession, server: Server, kind: str
) -> None:
    place, noun = (await places(api))[kind], kind.lower()
    d = await domain(api, "d")
    await person(api, http, "ann", domainid=d["id"])
    (ann,) = (await api.call("listAccounts", name="ann", domainid=d["id"]))["account"]
    made = await dedicate(api, kind, place, domainid=d["id"], account="ann")
    assert made == {
        "id": made["id"],
        f"{noun}id": place["id"],
        f"{noun}name": place["name"],
        "domainid": d["id"],
        "accountid": ann["id"],
        "affinitygroupid": made["affinitygroupid"],
    }
    status, text = await refused(api, f"dedicate{kind}", **{f"{noun}id": place["id"]}, domainid=d["id"])
    assert (status, "account ann already" in text) == (530, True)
    name = f"listDedicated{kind}s"
    for given in (
        {},
        {f"{noun}id": place["id"]},
        {"domainid": d["id"]},
        {"domainid": d["id"], "account": "ann"},
        {"affinitygroupid": made["affinitygroupid"]},
        {"keyword": place["name"]},
    ):
        assert await api.call(name, **given) == {"count": 1, f"dedicated{noun}": [made]}, given
    root = (await api.call("listDomains", name="ROOT"))["domain"][0]["id"]
    for given in ({"domainid": root}, {"keyword": "nowhere"}):
        assert await api.call(name, **given) == {}, given
    assert (await refused(api, name, affinitygroupid=made["id"]))[0] == 431
    assert (await refused(api, name, account="ann"))[0] == 431
    assert (await refused(api, name, account="bob", domainid=d["id"]))[0] == 431
    await release(api, kind, place)
    assert await api.call(name) == {}
    assert (await refused(api, f"releaseDedicated{kind}", **{f"{noun}id": place["id"]}))[0] == 530
    events = Counter(one["type"] for one in (await api.call("listEvents", pagesize=100, page=1))["event"])
    assert {"DEDICATE.RESOURCE", "DEDICATE.RESOURCE.RELEASE"} <= set(events)
    await check(server)


async def test_what_is_refused(api: Api, http: aiohttp.ClientSession) -> None:
    where = await places(api)
    d, e = await domain(api, "d"), await domain(api, "e")
    ann = await person(api, http, "ann", domainid=d["id"])
    host = where["Host"]["id"]
    for given in (
        {"hostid": host},
        {"domainid": d["id"]},
        {"hostid": host, "domainid": "nothing"},
        {"hostid": host, "domainid": e["id"], "account": "ann"},
        {"hostid": where["Pod"]["id"], "domainid": d["id"]},
    ):
        assert (await refused(api, "dedicateHost", **given))[0] == 431, given
    for command in ("dedicateHost", "listDedicatedHosts", "releaseDedicatedHost"):
        assert (await refused(ann, command, hostid=host, domainid=d["id"]))[0] == 432
    assert await api.call("listDedicatedHosts") == {}


async def test_parts_of_what_is_dedicated(api: Api, http: aiohttp.ClientSession) -> None:
    """A domain may give parts to its own people; an account shares with nobody; the whole follows its parts."""
    where = await places(api)
    d, other = await domain(api, "d"), await domain(api, "other")
    below = await domain(api, "below", d)
    await person(api, http, "ann", domainid=below["id"])
    await dedicate(api, "Cluster", where["Cluster"], domainid=d["id"])
    status, text = await refused(api, "dedicateHost", hostid=where["Host"]["id"], domainid=other["id"])
    assert (status, "which is dedicated to domain d" in text) == (530, True)
    await dedicate(api, "Host", where["Host"], domainid=below["id"], account="ann")
    # not the pod to others, nor to an account; but to the domain, which takes the place of the cluster's dedication
    assert (await refused(api, "dedicatePod", podid=where["Pod"]["id"], domainid=other["id"]))[0] == 530
    assert (await refused(api, "dedicatePod", podid=where["Pod"]["id"], domainid=below["id"], account="ann"))[0] == 530
    await dedicate(api, "Pod", where["Pod"], domainid=d["id"])
    assert await api.call("listDedicatedClusters") == {}
    assert (await api.call("listDedicatedHosts"))["count"] == 1
    await release(api, "Pod", where["Pod"])
    await dedicate(api, "Cluster", where["Cluster"], domainid=below["id"], account="ann")
    assert await api.call("listDedicatedHosts") == {}
    status, text = await refused(api, "dedicateHost", hostid=where["Host"]["id"], domainid=below["id"])
    assert (status, "account ann" in text) == (530, True)


async def test_a_domain_does_not_move_away_with_a_part(api: Api) -> None:
    where = await places(api)
    d, other = await domain(api, "d"), await domain(api, "other")
    below = await domain(api, "below", d)
    await dedicate(api, "Cluster", where["Cluster"], domainid=d["id"])
    await dedicate(api, "Host", where["Host"], domainid=below["id"])
    status, text = await refused(api, "moveDomain", domainid=below["id"], parentdomainid=other["id"])
    assert (status, "is dedicated to it" in text) == (431, True)
    await release(api, "Host", where["Host"])
    moved = (await api.call("moveDomain", domainid=below["id"], parentdomainid=other["id"]))["domain"]
    assert moved["path"] == "ROOT/other/below"


async def test_not_while_machines_of_others_run_there(api: Api, http: aiohttp.ClientSession) -> None:
    where = await places(api)
    d = await domain(api, "d")
    ann = await person(api, http, "ann", domainid=d["id"])
    await person(api, http, "bob", domainid=d["id"])
    machine = await ann.deploy()
    host = await host_of(api, machine)
    for kind, place in (("Host", host["id"]), ("Cluster", host["clusterid"]), ("Zone", where["Zone"]["id"])):
        given = {f"{kind.lower()}id": place}
        status, text = await refused(api, f"dedicate{kind}", **given, domainid=d["id"], account="bob")
        assert (status, "runs on host" in text) == (530, True)
    await dedicate(api, "Host", host, domainid=d["id"], account="ann")
    await release(api, "Host", host)
    await ann.job("stopVirtualMachine", id=machine["id"])
    await dedicate(api, "Host", host, domainid=d["id"], account="bob")
    # it does not go back to where it was
    await ann.job("startVirtualMachine", id=machine["id"])
    assert (await host_of(api, machine))["id"] != host["id"]


async def test_machines_go_where_they_belong(api: Api, http: aiohttp.ClientSession, server: Server) -> None:
    where = await places(api)
    d = await domain(api, "d")
    below = await domain(api, "below", d)
    ann, bob = await person(api, http, "ann", domainid=below["id"]), await person(api, http, "bob")
    kept = where["Cluster"]
    made = await dedicate(api, "Cluster", kept, domainid=d["id"])
    machines = [await ann.deploy(affinitygroupids=made["affinitygroupid"]) for _ in range(6)]
    assert {await cluster_of(api, one) for one in machines} == {kept["id"]}
    others = [await bob.deploy() for _ in range(6)]
    assert kept["id"] not in {await cluster_of(api, one) for one in others}
    # an admin's order does not put one there either
    for command, given in (
        ("deployVirtualMachine", {**await api.basics(), "hostid": where["Host"]["id"]}),
        ("deployVirtualMachine", {**await api.basics(), "clusterid": kept["id"]}),
    ):
        status, text = await refused(api, command, **given)
        assert (status, "its cluster is dedicated to domain d" in text) == (533, True), command
    # those of the owner without the group of the dedication use what is shared, and those with it nothing else
    assert kept["id"] not in {await cluster_of(api, await ann.deploy()) for _ in range(4)}
    for host in (await api.call("listHosts", clusterid=kept["id"]))["host"]:
        await api.call("updateHost", id=host["id"], allocationstate="Disable")
    given = {**await ann.basics(), "affinitygroupids": made["affinitygroupid"]}
    assert (await refused(ann, "deployVirtualMachine", **given))[0] == 533
    await check(server)


async def test_maintenance_does_not_fill_what_is_dedicated(api: Api, http: aiohttp.ClientSession) -> None:
    """All hosts but one are kept for ann: what runs on that one can go nowhere."""
    d = await domain(api, "d")
    await person(api, http, "ann", domainid=d["id"])
    (pick, *_) = hosts = (await api.call("listHosts", type="Routing"))["host"]
    for host in hosts:
        if host["id"] != pick["id"]:
            await dedicate(api, "Host", host, domainid=d["id"], account="ann")
    machine = await api.deploy()
    assert machine["hostid"] == pick["id"]
    status, _ = await refused(api, "prepareHostForMaintenance", id=pick["id"])
    assert status == 530
    (found,) = (await api.call("listVirtualMachines", id=machine["id"]))["virtualmachine"]
    assert (found["state"], found["hostid"]) == ("Running", pick["id"])


async def test_system_machines_stay_out_of_dedicated_hosts(
    api: Api, http: aiohttp.ClientSession, server: Server
) -> None:
    d = await domain(api, "d")
    await person(api, http, "ann", domainid=d["id"])
    (pick, *_) = hosts = (await api.call("listHosts", type="Routing"))["host"]
    for host in hosts:
        if host["id"] != pick["id"]:
            await dedicate(api, "Host", host, domainid=d["id"], account="ann")
    await server.periodic.run_now("system-vms")
    async with asyncio.timeout(30):
        while len(found := (await api.call("listSystemVms", state="Running")).get("systemvm", [])) < 2:
            await asyncio.sleep(0.02)
    for machine in found:
        await api.job("stopSystemVm", id=machine["id"])
        started = (await api.job("startSystemVm", id=machine["id"]))["systemvm"]
        assert started["hostid"] == pick["id"]
    status, text = await refused(api, "migrateSystemVm", virtualmachineid=found[0]["id"], hostid=hosts[-1]["id"])
    assert (status, "is dedicated to account ann" in text) == (533, True)


async def test_a_dedicated_zone(api: Api, http: aiohttp.ClientSession) -> None:
    """Seen and used by those it is dedicated to; its own machines serve it still."""
    where = await places(api)
    d = await domain(api, "d")
    below = await domain(api, "below", d)
    boss = await person(api, http, "boss", 2, domainid=d["id"])
    ann = await person(api, http, "ann", domainid=below["id"])
    bob = await person(api, http, "bob", domainid=below["id"])
    stranger = await person(api, http, "stranger")
    everybody = {"boss": boss, "ann": ann, "bob": bob, "stranger": stranger}

    async def seen() -> set[str]:
        return {name for name, one in everybody.items() if await one.call("listZones")}

    assert await seen() == {"boss", "ann", "bob", "stranger"}
    basics = await api.basics()
    await dedicate(api, "Zone", where["Zone"], domainid=d["id"])
    assert await seen() == {"boss", "ann", "bob"}
    assert (await api.call("listZones"))["zone"][0]["domainid"] == d["id"]
    assert (await refused(stranger, "deployVirtualMachine", **basics))[0] == 531
    offering = (await api.call("listNetworkOfferings", guestiptype="Isolated"))["networkoffering"][0]["id"]
    network = {"name": "n", "zoneid": where["Zone"]["id"], "networkofferingid": offering}
    assert (await refused(stranger, "createNetwork", **network))[0] == 531
    assert (await ann.deploy(**basics))["state"] == "Running"
    await release(api, "Zone", where["Zone"])
    assert await seen() == {"boss", "ann", "bob", "stranger"}
    await dedicate(api, "Zone", where["Zone"], domainid=below["id"], account="ann")
    assert await seen() == {"boss", "ann"}
    assert (await refused(bob, "deployVirtualMachine", **basics))[0] == 531
    await api.call("updateZone", id=where["Zone"]["id"], ispublic=True)
    assert await api.call("listDedicatedZones") == {}
    assert await seen() == {"boss", "ann", "bob", "stranger"}


async def test_a_zone_made_for_a_domain_is_dedicated_to_it(api: Api) -> None:
    d = await domain(api, "d")
    given = {"dns1": "10.0.0.1", "internaldns1": "10.0.0.1", "networktype": "Advanced"}
    zone = (await api.call("createZone", name="theirs", domainid=d["id"], **given))["zone"]
    assert zone["domainid"] == d["id"]
    (found,) = (await api.call("listDedicatedZones"))["dedicatedzone"]
    assert (found["zoneid"], found["domainid"]) == (zone["id"], d["id"])
    await api.call("deleteZone", id=zone["id"])
    assert await api.call("listDedicatedZones") == {}


async def test_what_goes_ends_its_dedication(api: Api, http: aiohttp.ClientSession, server: Server) -> None:
    where = await places(api)
    d = await domain(api, "d")
    await person(api, http, "ann", domainid=d["id"])
    (ann,) = (await api.call("listAccounts", name="ann", domainid=d["id"]))["account"]
    await dedicate(api, "Zone", where["Zone"], domainid=d["id"])
    await dedicate(api, "Host", where["Host"], domainid=d["id"], account="ann")
    await api.job("deleteAccount", id=ann["id"])
    assert await api.call("listDedicatedHosts") == {}
    await dedicate(api, "Host", where["Host"], domainid=d["id"])
    await api.job("deleteDomain", id=d["id"], cleanup=True)
    assert await api.call("listDedicatedZones") == await api.call("listDedicatedHosts") == {}
    assert "domainid" not in (await api.call("listZones"))["zone"][0]
    e = await domain(api, "e")
    pod = {"gateway": "10.9.0.1", "netmask": "255.255.255.0", "startip": "10.9.0.2", "endip": "10.9.0.9"}
    pod = (await api.call("createPod", zoneid=where["Zone"]["id"], name="p", **pod))["pod"]
    cluster = {"clustername": "c", "clustertype": "CloudManaged", "hypervisor": "Simulator", "podid": pod["id"]}
    cluster = (await api.call("addCluster", zoneid=where["Zone"]["id"], **cluster))["cluster"][0]
    parts = {"zoneid": where["Zone"]["id"], "podid": pod["id"], "clusterid": cluster["id"]}
    (host,) = (await api.call("addHost", **parts, hypervisor="Simulator", url="http://sim/c/h"))["host"]
    below = await domain(api, "below", e)
    await dedicate(api, "Pod", pod, domainid=e["id"])
    await dedicate(api, "Cluster", cluster, domainid=below["id"])
    await dedicate(api, "Host", host, domainid=(await domain(api, "last", below))["id"])
    await api.call("deleteHost", id=host["id"], forced=True)
    await api.call("deleteCluster", id=cluster["id"])
    await api.call("deletePod", id=pod["id"])
    assert await rows(server, "SELECT kind FROM dedicated_resource WHERE removed IS NULL") == []


async def test_many_want_one_host(api: Api, http: aiohttp.ClientSession, server: Server) -> None:
    where = await places(api)
    domains = [await domain(api, f"d{number}") for number in range(12)]
    asked = await asyncio.gather(
        *(api.call("dedicateHost", hostid=where["Host"]["id"], domainid=one["id"]) for one in domains),
        return_exceptions=True,
    )
    ended = await asyncio.gather(*(api.wait(one["jobid"]) for one in asked if isinstance(one, dict)))
    assert Counter(one["jobstatus"] for one in ended)[1] == 1
    assert len(await rows(server, "SELECT id FROM dedicated_resource WHERE removed IS NULL")) == 1
    await check(server)
