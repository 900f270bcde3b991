"""A placement explained: which hosts were looked at, and why each was left out. It decides as a deployment does."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from apiclient import Api
from people import domain, person, refused

from cloudsim.db import sqlite
from cloudsim.server import Server

COMMAND = "explainVirtualMachinePlacement"


async def explained(api: Api, **given: Any) -> dict[str, Any]:
    wanted = given if "virtualmachineid" in given else {**await api.basics(), **given}
    return (await api.call(COMMAND, **wanted))["placement"]


def host(found: dict[str, Any], host_id: str) -> dict[str, Any]:
    (one,) = (one for one in found["host"] if one["id"] == host_id)
    return one


async def ids(api: Api) -> list[str]:
    return [one["id"] for one in (await api.call("listHosts", type="Routing"))["host"]]


async def set_(api: Api, name: str, value: object) -> None:
    await api.call("updateConfiguration", name=name, value=value)


async def test_it_tells_of_every_host_and_pool_and_chooses_what_a_deployment_does(api: Api) -> None:
    await set_(api, "vm.allocation.algorithm", "firstfit")
    await set_(api, "volume.allocation.algorithm", "firstfit")
    await api.deploy()  # and the router of the network
    found = await explained(api)
    assert (found["found"], found["algorithm"], found["deploymentplanner"]) == (True, "firstfit", "FirstFitPlanner")
    assert {one["id"] for one in found["host"]} == set(await ids(api))
    assert [one["order"] for one in found["host"]] == list(range(1, len(found["host"]) + 1))
    assert [one["chosen"] for one in found["host"]] == [True] + [False] * (len(found["host"]) - 1)
    assert found["host"][0]["id"] == found["hostid"]
    (pool,) = (one for one in found["storagepool"] if one["chosen"])
    assert (pool["volume"], pool["order"]) == ("ROOT", 1)
    machine = await api.deploy()
    assert machine["hostid"] == found["hostid"]
    (volume,) = (await api.call("listVolumes", virtualmachineid=machine["id"]))["volume"]
    assert volume["storageid"] == pool["id"]


async def test_each_host_that_was_left_out_says_why(api: Api, http: aiohttp.ClientSession, server: Server) -> None:
    a = (await api.deploy())["hostid"]
    taken = {one["hostid"] for one in (await api.call("listRouters", listall=True))["router"]}
    b, *others = sorted(set(await ids(api)) - {a} - taken) + sorted(taken - {a})
    d = await domain(api, "d")
    await person(api, http, "ann", domainid=d["id"])
    web = (await api.job("createAffinityGroup", name="web", type="host anti-affinity"))["affinitygroup"]
    await api.deploy(affinitygroupids=web["id"], hostid=a)
    await api.job("dedicateHost", hostid=b, domainid=d["id"], account="ann")
    await api.call("updateHost", id=others[0], allocationstate="Disable")
    await api.job("prepareHostForMaintenance", id=others[1])
    found = await explained(api, affinitygroupids=web["id"])
    assert host(found, a)["rule"] == "anti_affinity"
    assert host(found, a)["reason"] == "has a machine of host anti-affinity group web"
    assert host(found, b)["reason"] == "is dedicated to account ann"
    assert host(found, others[0])["reason"] == "is in resource state Disabled, not Enabled"
    assert host(found, others[1])["rule"] == "resource_state"
    assert all(one["considered"] for one in found["host"])
    assert {one["id"] for one in found["host"] if "order" in one} == set(others[2:])
    assert found["found"] is bool(others[2:])
    mine = await explained(api, account="ann", domainid=d["id"], affinitygroupnames="DedicatedGrp-ann")
    assert mine["hostid"] == b
    assert host(mine, a)["reason"] == "is not dedicated to affinity group DedicatedGrp-ann"


async def test_it_is_the_answer_to_no_destination_found(api: Api) -> None:
    first, second = (await api.call("listClusters"))["cluster"]
    await api.call("updateCluster", id=first["id"], allocationstate="Disabled")
    for one in (await api.call("listHosts", clusterid=second["id"]))["host"]:
        await api.call("updateHost", id=one["id"], hosttags="slow")
    offering = await api.call(
        "createServiceOffering", name="b", displaytext="b", cpunumber=1, cpuspeed=500, memory=512, hosttags="fast"
    )
    given = {"serviceofferingid": offering["serviceoffering"]["id"]}
    status, text = await refused(api, "deployVirtualMachine", **{**await api.basics(), **given})
    found = await explained(api, **given)
    assert (status, found["found"], found["reason"]) == (533, False, text)
    for one in found["host"]:
        whole = one["clusterid"] == first["id"]
        assert (one["considered"], one["chosen"]) == (not whole, False)
        reason = f"cluster {first['name']}: is disabled" if whole else "lacks the host tags fast"
        assert one["reason"] == reason
    assert "hostid" not in found


async def test_storage_that_is_missing_is_told_pool_by_pool(api: Api) -> None:
    (disk,) = (await api.call("createDiskOffering", name="d", displaytext="d", disksize=1, tags="ssd")).values()
    found = await explained(api, diskofferingid=disk["id"])
    assert found["found"] is False
    assert {one["rule"] for one in found["host"]} == {"storage"}
    assert "lacks the storage tags ssd" in found["host"][0]["reason"]
    by_volume = {(one["volume"], one.get("reason", "")) for one in found["storagepool"]}
    assert ("DATADISK", "lacks the storage tags ssd") in by_volume
    assert not any(one["chosen"] for one in found["storagepool"])


async def test_a_machine_that_is_there(api: Api) -> None:
    machine = await api.deploy()
    moving = await explained(api, virtualmachineid=machine["id"])
    assert host(moving, machine["hostid"])["reason"] == "the machine comes from there"
    assert moving["hostid"] != machine["hostid"]
    await api.job("stopVirtualMachine", id=machine["id"])
    started = await explained(api, virtualmachineid=machine["id"])
    assert started["hostid"] == machine["hostid"]  # where it ran last
    elsewhere = next(one for one in await ids(api) if one != machine["hostid"])
    named = await explained(api, virtualmachineid=machine["id"], hostid=elsewhere)
    assert (named["hostid"], host(named, machine["hostid"])["considered"]) == (elsewhere, False)
    assert host(named, machine["hostid"])["reason"] == "another host was asked for"
    await api.job("destroyVirtualMachine", id=machine["id"])
    assert (await refused(api, COMMAND, virtualmachineid=machine["id"]))[0] == 431


async def test_it_changes_nothing(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = await api.deploy()
    written: list[str] = []
    change = sqlite._Write._change

    def writing(self: Any, sql: str, *arguments: Any) -> Any:
        written.append(sql)
        return change(self, sql, *arguments)

    before = await api.call("listCapacity")
    monkeypatch.setattr(sqlite._Write, "_change", writing)
    await explained(api)
    await explained(api, virtualmachineid=machine["id"])
    assert written == []
    assert await api.call("listCapacity") == before


async def test_what_is_refused(api: Api, http: aiohttp.ClientSession) -> None:
    ann, machine, basics = await person(api, http, "ann"), await api.deploy(), await api.basics()
    assert (await refused(ann, COMMAND, **basics))[0] == 432
    for given in (
        {},
        {**basics, "zoneid": None},
        {**basics, "size": 0},
        {**basics, "affinitygroupnames": "nothing"},
        {**basics, "virtualmachineid": machine["id"]},
        {"virtualmachineid": basics["zoneid"]},
        {**basics, "account": "nobody"},
    ):
        assert (await refused(api, COMMAND, **given))[0] == 431, given
