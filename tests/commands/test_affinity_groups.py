"""Affinity groups: machines that belong on one host, or on none together; where they may go, and who says so."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from apiclient import Api
from invariants import check, rows
from options import make_config
from people import domain, person, refused
from test_management_servers import free_port

from cloudsim.db import sqlite
from cloudsim.server import Server
from cloudsim.services import access, vm_migration
from cloudsim.services.nouns import HOST, VIRTUAL_MACHINE

ANTI, TOGETHER = "host anti-affinity", "host affinity"
LOOSE_ANTI, LOOSE_TOGETHER = "non-strict host anti-affinity", "non-strict host affinity"
DEDICATION = "ExplicitDedication"


async def group(api: Api, name: str, kind: str = ANTI, **given: Any) -> dict[str, Any]:
    return (await api.job("createAffinityGroup", name=name, type=kind, **given))["affinitygroup"]


async def hosts(api: Api) -> list[dict[str, Any]]:
    return (await api.call("listHosts", type="Routing"))["host"]


async def only(api: Api, number: int) -> list[str]:
    """Leaves so many hosts enabled; answers their ids."""
    found = await hosts(api)
    for host in found[number:]:
        await api.call("updateHost", id=host["id"], allocationstate="Disable")
    return [host["id"] for host in found[:number]]


async def where(api: Api, machine: dict[str, Any]) -> str | None:
    return (await api.call("listVirtualMachines", id=machine["id"]))["virtualmachine"][0].get("hostid")


async def members(api: Api, one: dict[str, Any]) -> set[str]:
    found = (await api.call("listAffinityGroups", id=one["id"]))["affinitygroup"][0]
    return set(found.get("virtualmachineIds", ()))


async def moved(api: Api, server: Server, machine: dict[str, Any], host: str) -> dict[str, Any]:
    """The ended job of a live migration to a host."""

    def order(tx: Any) -> str:
        ctx = server.cloud.context(tx, server._admin(tx))
        row, target = access.find(ctx, VIRTUAL_MACHINE, machine["id"]), access.find(ctx, HOST, host)
        return vm_migration.order(ctx, row, "VM.MIGRATE", host=target)

    return await api.wait(await server.db.write(order))


# -- the groups themselves


async def test_there_are_five_types(api: Api) -> None:
    found = await api.call("listAffinityGroupTypes")
    assert [one["type"] for one in found["affinityGroupType"]] == [
        ANTI,
        TOGETHER,
        LOOSE_ANTI,
        LOOSE_TOGETHER,
        DEDICATION,
    ]
    assert (await api.call("listAffinityGroupTypes", keyword="strict"))["count"] == 2
    page = await api.call("listAffinityGroupTypes", page=2, pagesize=4)
    assert (page["count"], page["affinityGroupType"]) == (5, [{"type": DEDICATION}])


async def test_a_group_is_made_listed_and_deleted(api: Api, server: Server) -> None:
    made = await group(api, "web", description="the web servers")
    root = (await api.call("listDomains", name="ROOT"))["domain"][0]["id"]
    assert made == {
        "id": made["id"], "name": "web", "description": "the web servers", "account": "admin", "domainid": root,
        "domain": "ROOT", "domainpath": "ROOT", "type": ANTI,
    }  # fmt: skip
    await group(api, "db", TOGETHER)
    for given in ({"id": made["id"]}, {"name": "web"}, {"type": ANTI}, {"keyword": "WE"}):
        assert await api.call("listAffinityGroups", **given) == {"count": 1, "affinitygroup": [made]}, given
    assert (await api.call("listAffinityGroups"))["count"] == 2
    assert await api.job("deleteAffinityGroup", id=made["id"]) == {"success": True}
    await api.job("deleteAffinityGroup", name="db")
    assert await api.call("listAffinityGroups") == {}
    await group(api, "web")  # the name is free again
    events = Counter(one["type"] for one in (await api.call("listEvents", pagesize=100, page=1))["event"])
    assert events["AG.CREATE"] >= 3
    assert events["AG.DELETE"] >= 2
    await check(server)


async def test_what_is_refused_leaves_nothing(api: Api, http: aiohttp.ClientSession, server: Server) -> None:
    ann = await person(api, http, "ann")
    web = await group(api, "web")
    d = await domain(api, "d")
    before = await rows(server, "SELECT * FROM affinity_group")
    for caller, status, given in (
        (api, 431, {"type": ANTI}),
        (api, 431, {"name": "a"}),
        (api, 431, {"name": " ", "type": ANTI}),
        (api, 431, {"name": "a", "type": "host"}),
        (api, 431, {"name": "n" * 256, "type": ANTI}),
        (api, 431, {"name": "web", "type": TOGETHER}),
        (api, 431, {"name": "a", "type": ANTI, "domainid": d["id"]}),
        (api, 431, {"name": "a", "type": ANTI, "account": "nobody"}),
        (ann, 531, {"name": "a", "type": DEDICATION}),
        (ann, 431, {"name": "a", "type": ANTI, "account": "admin"}),
    ):
        assert (await refused(caller, "createAffinityGroup", **given))[0] == status, given
    for caller, given in (
        (api, {}),
        (api, {"name": "db"}),
        (api, {"id": web["id"], "name": "web"}),
        (api, {"id": d["id"]}),
        (ann, {"id": web["id"]}),
        (ann, {"name": "web"}),
    ):
        assert (await refused(caller, "deleteAffinityGroup", **given))[0] == 431, given
    assert await rows(server, "SELECT * FROM affinity_group") == before


async def test_each_account_has_groups_of_its_own(api: Api, http: aiohttp.ClientSession) -> None:
    d = await domain(api, "d")
    boss = await person(api, http, "boss", 2, domainid=d["id"])
    ann, bob = [await person(api, http, name, domainid=d["id"]) for name in ("ann", "bob")]
    mine = await group(ann, "web")
    theirs = await group(api, "web", account="bob", domainid=d["id"])
    assert (await ann.call("listAffinityGroups", listall=True))["affinitygroup"] == [mine]
    assert (await bob.call("listAffinityGroups"))["affinitygroup"] == [theirs]
    assert (await boss.call("listAffinityGroups", listall=True))["count"] == 2
    assert (await boss.call("listAffinityGroups", account="ann", domainid=d["id"]))["affinitygroup"] == [mine]
    status, text = await refused(bob, "listAffinityGroups", id=mine["id"])
    assert (status, text) == (431, f"there is no affinity group with id {mine['id']}")
    # a machine is in groups of its owner only
    basics = await bob.basics()
    assert (await refused(bob, "deployVirtualMachine", **basics, affinitygroupids=mine["id"]))[0] == 431
    status, text = await refused(
        boss, "deployVirtualMachine", **basics, affinitygroupids=mine["id"], account="bob", domainid=d["id"]
    )
    assert (status, "another account" in text) == (531, True)
    assert (await refused(bob, "deployVirtualMachine", **basics, affinitygroupnames="nothing"))[0] == 431
    both = {"affinitygroupnames": "web", "affinitygroupids": theirs["id"]}
    assert (await refused(bob, "deployVirtualMachine", **basics, **both))[0] == 431
    assert await bob.call("listVirtualMachines") == {}
    await boss.job("deleteAffinityGroup", name="web", account="ann", domainid=d["id"])
    assert await ann.call("listAffinityGroups") == {}


async def test_a_group_of_a_project(api: Api) -> None:
    project = (await api.job("createProject", name="p", displaytext="p"))["project"]
    made = await group(api, "web", projectid=project["id"])
    assert (made["project"], made["projectid"], "account" in made) == ("p", project["id"], False)
    assert await api.call("listAffinityGroups") == {}
    machine = await api.deploy(projectid=project["id"], affinitygroupnames="web")
    assert [one["id"] for one in machine["affinitygroup"]] == [made["id"]]
    (found,) = (await api.call("listAffinityGroups", projectid=project["id"]))["affinitygroup"]
    assert found["virtualmachineIds"] == [machine["id"]]


# -- the machines in them


async def test_groups_are_given_at_deploy_and_changed_while_stopped(api: Api, server: Server) -> None:
    web, db = await group(api, "web"), await group(api, "db", LOOSE_ANTI)
    machine = await api.deploy(affinitygroupnames="web,db")
    shown = [{"id": one["id"], "name": one["name"], "account": "admin"} for one in (web, db)]
    assert machine["affinitygroup"] == shown
    assert await members(api, web) == await members(api, db) == {machine["id"]}
    assert (await api.call("listAffinityGroups", virtualmachineid=machine["id"]))["count"] == 2
    other = await api.deploy(affinitygroupids=db["id"])
    assert (await api.call("listVirtualMachines", affinitygroupid=web["id"]))["count"] == 1
    assert (await api.call("listVirtualMachines", affinitygroupid=db["id"]))["count"] == 2
    status, text = await refused(api, "updateVMAffinityGroup", id=machine["id"], affinitygroupids=db["id"])
    assert (status, "while the virtual machine is stopped" in text) == (431, True)
    assert await members(api, web) == {machine["id"]}
    await api.job("stopVirtualMachine", id=machine["id"])
    changed = (await api.job("updateVMAffinityGroup", id=machine["id"], affinitygroupids=db["id"]))["virtualmachine"]
    assert changed["affinitygroup"] == shown[1:]
    assert (await members(api, web), await members(api, db)) == (set(), {machine["id"], other["id"]})
    for given in ({"affinitygroupids": web["id"], "affinitygroupnames": "db"}, {"affinitygroupnames": "nothing"}):
        assert (await refused(api, "updateVMAffinityGroup", id=machine["id"], **given))[0] == 431
    emptied = (await api.job("updateVMAffinityGroup", id=machine["id"], affinitygroupids=""))["virtualmachine"]
    assert emptied["affinitygroup"] == []
    events = Counter(one["type"] for one in (await api.call("listEvents", pagesize=100, page=1))["event"])
    assert (events["AG.REMOVE"], events["AG.ASSIGN"]) == (2, 0)
    await check(server)


async def test_a_deleted_group_frees_its_machines(api: Api, server: Server) -> None:
    (host,) = await only(api, 1)
    web = await group(api, "web")
    first, second = (
        await api.deploy(affinitygroupids=web["id"]),
        await api.deploy(affinitygroupids=web["id"], startvm=False),
    )
    assert (await refused(api, "startVirtualMachine", id=second["id"]))[0] == 533
    await api.job("deleteAffinityGroup", id=web["id"])
    for machine in (first, second):
        (found,) = (await api.call("listVirtualMachines", id=machine["id"]))["virtualmachine"]
        assert found["affinitygroup"] == []
    await api.job("startVirtualMachine", id=second["id"])
    assert await where(api, second) == host
    assert await rows(server, "SELECT * FROM affinity_group_vm") == []
    assert await rows(server, "SELECT id FROM vm WHERE in_affinity_groups") == []


async def test_an_expunged_machine_and_one_in_error_are_in_no_group(api: Api, server: Server) -> None:
    await only(api, 1)
    web = await group(api, "web")
    machine = await api.deploy(affinitygroupids=web["id"])
    assert (await refused(api, "deployVirtualMachine", **await api.basics(), affinitygroupids=web["id"]))[0] == 533
    assert await members(api, web) == {machine["id"]}
    await api.job("destroyVirtualMachine", id=machine["id"])
    assert await members(api, web) == {machine["id"]}  # it may be recovered
    await api.job("expungeVirtualMachine", id=machine["id"])
    assert await members(api, web) == set()
    assert await rows(server, "SELECT * FROM affinity_group_vm") == []


async def test_with_the_account_its_groups_go(api: Api, http: aiohttp.ClientSession, server: Server) -> None:
    ann = await person(api, http, "ann")
    await ann.deploy(affinitygroupids=(await group(ann, "web"))["id"])
    (account,) = (await api.call("listAccounts", name="ann"))["account"]
    await api.job("deleteAccount", id=account["id"])
    assert await api.call("listAffinityGroups", listall=True) == {}
    assert await rows(server, "SELECT * FROM affinity_group_vm") == []
    await check(server)


# -- where they go


async def test_no_two_machines_of_an_anti_affinity_group_are_on_one_host(api: Api, server: Server) -> None:
    await only(api, 3)
    web = await group(api, "web")
    machines = [await api.deploy(affinitygroupids=web["id"]) for _ in range(3)]
    assert len({machine["hostid"] for machine in machines}) == 3
    status, text = await refused(api, "deployVirtualMachine", **await api.basics(), affinitygroupids=web["id"])
    assert status == 533
    assert "has a machine of host anti-affinity group web" in text
    await api.deploy()  # others go where they like
    # nor does an administrator's order, or a live migration, bring them together
    named = {"affinitygroupids": web["id"], "hostid": machines[0]["hostid"]}
    assert (await refused(api, "deployVirtualMachine", **await api.basics(), **named))[0] == 533
    ended = await moved(api, server, machines[1], machines[0]["hostid"])
    assert (ended["jobresultcode"], "anti-affinity group web" in ended["jobresult"]["errortext"]) == (533, True)
    # a stopped one gives its place free, and does not come back to it
    await api.job("stopVirtualMachine", id=machines[0]["id"])
    late = await api.deploy(affinitygroupids=web["id"])
    assert late["hostid"] == machines[0]["hostid"]
    assert (await refused(api, "startVirtualMachine", id=machines[0]["id"]))[0] == 533


async def test_machines_started_at_the_same_time_never_land_on_one_host(api: Api, server: Server) -> None:
    await only(api, 4)
    web = await group(api, "web")
    basics = await api.basics()
    asked = await asyncio.gather(
        *(api.call("deployVirtualMachine", **basics, affinitygroupids=web["id"]) for _ in range(10))
    )
    ended = await asyncio.gather(*(api.wait(one["jobid"], 60) for one in asked))
    assert Counter(one["jobstatus"] for one in ended) == {1: 4, 2: 6}
    placed = await rows(server, "SELECT host_id FROM vm WHERE type = 'User' AND state = 'Running'")
    assert len(set(placed)) == 4
    running = [one["jobresult"]["virtualmachine"]["id"] for one in ended if one["jobstatus"] == 1]
    for _ in range(2):
        await asyncio.gather(*(api.job("stopVirtualMachine", id=one) for one in running))
        await asyncio.gather(*(api.job("startVirtualMachine", id=one) for one in running))
        placed = await rows(server, "SELECT host_id FROM vm WHERE type = 'User' AND state = 'Running'")
        assert len(set(placed)) == len(placed) == 4
    await check(server)


async def test_nor_do_those_that_two_servers_start_at_the_same_time(
    postgres_url: str, tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    """Two management servers share a database: each starts half of the machines."""
    servers = [
        Server(make_config(tmp_path / name, database=postgres_url, **{"integration-port": free_port()}))
        for name in ("one", "two")
    ]
    for server in servers:
        await server.start()
    try:
        first, second = (
            Api(http, f"http://127.0.0.1:{server.integration_port}/client/api", None, None)  # type: ignore[arg-type]
            for server in servers
        )
        await first.deploy()  # and the network with its router
        await only(first, 3)
        web = await group(first, "web")
        machines = [await first.deploy(affinitygroupids=web["id"], startvm=False) for _ in range(4)]

        async def started(api: Api, machine: dict[str, Any]) -> dict[str, Any]:
            return await api.wait((await api.call("startVirtualMachine", id=machine["id"]))["jobid"])

        ways = zip((first, second, first, second), machines, strict=True)
        ended = await asyncio.gather(*(started(api, machine) for api, machine in ways))
        assert sorted(one["jobstatus"] for one in ended) == [1, 1, 1, 2]
        placed = (await first.call("listVirtualMachines", affinitygroupid=web["id"], state="Running"))["virtualmachine"]
        assert len({one["hostid"] for one in placed}) == len(placed) == 3
    finally:
        for server in servers:
            await server.stop()


async def test_machines_of_an_affinity_group_are_on_one_host(api: Api, server: Server) -> None:
    db = await group(api, "db", TOGETHER)
    basics = await api.basics()
    asked = await asyncio.gather(
        *(api.call("deployVirtualMachine", **basics, affinitygroupids=db["id"]) for _ in range(6))
    )
    machines = [(await api.wait(one["jobid"]))["jobresult"]["virtualmachine"] for one in asked]
    assert len({machine["hostid"] for machine in machines}) == 1
    (host,) = {machine["hostid"] for machine in machines}
    other = next(one["id"] for one in await hosts(api) if one["id"] != host)
    status, text = await refused(api, "deployVirtualMachine", **basics, affinitygroupids=db["id"], hostid=other)
    assert (status, "has no machine of host affinity group db" in text) == (533, True)
    assert (await moved(api, server, machines[0], other))["jobresultcode"] == 533
    # where none runs any more, the first to start says where
    await asyncio.gather(*(api.job("stopVirtualMachine", id=one["id"]) for one in machines))
    await api.job("startVirtualMachine", id=machines[0]["id"], hostid=other)
    await api.job("startVirtualMachine", id=machines[1]["id"])
    assert await where(api, machines[1]) == other


async def test_groups_that_are_not_strict_only_prefer(api: Api) -> None:
    first, second = await only(api, 2)
    apart, near = await group(api, "apart", LOOSE_ANTI), await group(api, "near", LOOSE_TOGETHER)
    spread = [await api.deploy(affinitygroupids=apart["id"]) for _ in range(4)]
    assert Counter(machine["hostid"] for machine in spread) == {first: 2, second: 2}
    close = [await api.deploy(affinitygroupids=near["id"]) for _ in range(3)]
    assert len({machine["hostid"] for machine in close}) == 1
    # where the place they would have is closed, they go elsewhere
    there = close[0]["hostid"]
    await api.call("updateHost", id=there, allocationstate="Disable")
    late = await api.deploy(affinitygroupids=near["id"])
    assert late["hostid"] == ({first, second} - {there}).pop()
    # nor do they go back to the host they ran on last when the group would have another
    await api.call("updateHost", id=there, allocationstate="Enable")
    await api.job("stopVirtualMachine", id=late["id"])
    await api.job("startVirtualMachine", id=late["id"])
    assert await where(api, late) == there


async def test_maintenance_keeps_them_apart(api: Api, server: Server) -> None:
    await only(api, 3)
    web = await group(api, "web")
    machines = [await api.deploy(affinitygroupids=web["id"]) for _ in range(2)]
    await api.job("prepareHostForMaintenance", id=machines[0]["hostid"])
    async with asyncio.timeout(20):
        while (await where(api, machines[0])) == machines[0]["hostid"]:
            await asyncio.sleep(0.05)
    assert await where(api, machines[0]) not in (machines[0]["hostid"], machines[1]["hostid"])
    await check(server)


# -- explicit dedication


async def test_dedicating_makes_the_group_that_leads_there(
    api: Api, http: aiohttp.ClientSession, server: Server
) -> None:
    d = await domain(api, "d")
    ann = await person(api, http, "ann", domainid=d["id"])
    host, second, *_ = await hosts(api)
    given = {"domainid": d["id"], "account": "ann"}
    made = (await api.job("dedicateHost", hostid=host["id"], **given))["dedicatedhost"]
    (found,) = (await ann.call("listAffinityGroups"))["affinitygroup"]
    assert (found["id"], found["name"], found["type"]) == (made["affinitygroupid"], "DedicatedGrp-ann", DEDICATION)
    again = (await api.job("dedicateHost", hostid=second["id"], **given))["dedicatedhost"]
    assert again["affinitygroupid"] == made["affinitygroupid"]
    assert (await api.call("listDedicatedHosts", affinitygroupid=found["id"]))["count"] == 2
    (seen,) = (await api.call("listAffinityGroups", id=found["id"]))["affinitygroup"]
    assert [one["resourceid"] for one in seen["dedicatedresources"]] == [host["id"], second["id"]]
    # her machines are there as members of the group, and only as such
    inside = [await ann.deploy(affinitygroupids=found["id"]) for _ in range(4)]
    outside = [await ann.deploy() for _ in range(4)]
    kept = {host["id"], second["id"]}
    assert {await where(api, machine) for machine in inside} <= kept
    assert not {await where(api, machine) for machine in outside} & kept
    named = {"hostid": host["id"], "account": "ann", "domainid": d["id"]}
    status, text = await refused(api, "deployVirtualMachine", **await api.basics(), **named)
    assert (status, "only machines of its affinity group go there" in text) == (533, True)
    for one in kept:
        await api.call("updateHost", id=one, allocationstate="Disable")
    status, text = await refused(ann, "deployVirtualMachine", **await ann.basics(), affinitygroupids=found["id"])
    assert (status, "is not dedicated to affinity group DedicatedGrp-ann" in text) == (533, True)
    # the group goes with the last of its places, and with the group its places are everybody's
    await api.job("releaseDedicatedHost", hostid=second["id"])
    assert await members(api, found)
    await api.job("releaseDedicatedHost", hostid=host["id"])
    assert await ann.call("listAffinityGroups") == {}
    await api.job("dedicateHost", hostid=(await hosts(api))[-1]["id"], domainid=d["id"])
    (of_domain,) = (await api.call("listAffinityGroups", listall=True))["affinitygroup"]
    assert (await refused(ann, "deleteAffinityGroup", id=of_domain["id"]))[0] == 531
    await api.job("deleteAffinityGroup", id=of_domain["id"])
    assert await api.call("listDedicatedHosts") == {}
    await check(server)


async def test_the_group_of_a_domain_is_for_all_in_it(api: Api, http: aiohttp.ClientSession) -> None:
    d = await domain(api, "d")
    below = await domain(api, "below", d)
    ann, bob = await person(api, http, "ann", domainid=below["id"]), await person(api, http, "bob")
    cluster = (await api.call("listClusters"))["cluster"][0]
    made = (await api.job("dedicateCluster", clusterid=cluster["id"], domainid=d["id"]))["dedicatedcluster"]
    (seen,) = (await ann.call("listAffinityGroups"))["affinitygroup"]
    assert (seen["id"], seen["name"], seen["domainid"]) == (made["affinitygroupid"], "DedicatedGrp-domain-d", d["id"])
    assert "dedicatedresources" not in seen
    assert await bob.call("listAffinityGroups", listall=True) == {}
    assert (await refused(bob, "listAffinityGroups", id=seen["id"]))[0] == 431
    machine = await ann.deploy(affinitygroupnames=seen["name"])
    (host,) = (await api.call("listHosts", id=await where(api, machine)))["host"]
    assert host["clusterid"] == cluster["id"]
    await api.job("stopVirtualMachine", id=machine["id"])
    await api.job("updateVMAffinityGroup", id=machine["id"])
    await api.job("startVirtualMachine", id=machine["id"])
    (host,) = (await api.call("listHosts", id=await where(api, machine)))["host"]
    assert host["clusterid"] != cluster["id"]  # not even back to its last host
    own = await group(api, "more", DEDICATION, domainid=d["id"])
    assert (own["domainid"], own["account"]) == (d["id"], "system")
    assert (await refused(api, "createAffinityGroup", name="more", type=DEDICATION, domainid=d["id"]))[0] == 431
    await api.job("deleteAffinityGroup", name="more", domainid=d["id"])


# -- what it costs


async def test_machines_without_groups_cost_no_statement_more(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    await api.deploy()
    seen: list[str] = []
    fetch, change = sqlite._Read._fetch, sqlite._Write._change

    def reading(self: Any, sql: str, *arguments: Any) -> Any:
        seen.append(sql)
        return fetch(self, sql, *arguments)

    def writing(self: Any, sql: str, *arguments: Any) -> Any:
        seen.append(sql)
        return change(self, sql, *arguments)

    monkeypatch.setattr(sqlite._Read, "_fetch", reading)
    monkeypatch.setattr(sqlite._Write, "_change", writing)
    machine = await api.deploy()
    await api.job("stopVirtualMachine", id=machine["id"])
    await api.job("startVirtualMachine", id=machine["id"])
    await api.call("listVirtualMachines")
    assert len(seen) > 50
    assert [sql for sql in seen if "FROM affinity_group" in sql or "affinity_group_vm" in sql] == []
    # and a page of machines with groups costs one more, however many they are
    web = await group(api, "web")
    for _ in range(3):
        await api.deploy(affinitygroupids=web["id"])
    seen.clear()
    page = (await api.call("listVirtualMachines"))["virtualmachine"]
    assert [len(one["affinitygroup"]) for one in page] == [0, 0, 1, 1, 1]
    assert len([sql for sql in seen if "affinity_group_vm" in sql]) == 1
