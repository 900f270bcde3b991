"""Zones, pods, clusters and hosts that are disabled: no new machines there, and nothing else; limits and thresholds."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest
from apiclient import Api
from invariants import check
from people import person, refused
from test_affinity_groups import moved

from cloudsim.server import Server


async def set_(api: Api, name: str, value: object, **place: str) -> None:
    await api.call("updateConfiguration", name=name, value=value, **place)


async def disable(api: Api, kind: str, where: str, state: str = "Disabled") -> None:
    word = {"Disabled": "Disable", "Enabled": "Enable"}[state] if kind == "Host" else state
    await api.call(f"update{kind}", id=where, allocationstate=word)


async def place_of(api: Api, kind: str, machine: dict[str, Any]) -> str:
    (found,) = (await api.call("listVirtualMachines", id=machine["id"]))["virtualmachine"]
    (host,) = (await api.call("listHosts", id=found["hostid"]))["host"]
    return host["id"] if kind == "Host" else host[f"{kind.lower()}id"]


async def second_pod(api: Api) -> None:
    """A pod with a cluster, a host and storage of its own."""
    zone = (await api.places())["zoneid"]
    pod = {"gateway": "10.9.0.1", "netmask": "255.255.255.0", "startip": "10.9.0.2", "endip": "10.9.0.90"}
    pod = (await api.call("createPod", zoneid=zone, name="p2", **pod))["pod"]
    cluster = {"clustername": "c2", "clustertype": "CloudManaged", "hypervisor": "Simulator", "podid": pod["id"]}
    (cluster,) = (await api.call("addCluster", zoneid=zone, **cluster))["cluster"]
    parts = {"zoneid": zone, "podid": pod["id"], "clusterid": cluster["id"]}
    url = "http://sim/c2/h1cpucore=64&cpuspeed=4000&memory=1099511627776"
    await api.call("addHost", **parts, hypervisor="Simulator", url=url)
    await api.call("createStoragePool", **parts, name="s2", url="nfs://10.9.0.200/one", scope="CLUSTER")


@pytest.mark.parametrize("kind", ["Pod", "Cluster", "Host"])
async def test_what_is_disabled_gets_no_new_machines_and_keeps_those_it_has(
    api: Api, server: Server, kind: str
) -> None:
    first = (await api.places())["clusterid"]
    machine = await api.deploy(clusterid=first)
    await second_pod(api)
    there = await place_of(api, kind, machine)
    await disable(api, kind, there)
    # what runs there stays, may be rebooted, and moved off
    assert (await api.job("rebootVirtualMachine", id=machine["id"]))["virtualmachine"]["state"] == "Running"
    assert await place_of(api, kind, machine) == there
    assert there not in {await place_of(api, kind, await api.deploy()) for _ in range(6)}
    # what was stopped there starts elsewhere
    await api.job("stopVirtualMachine", id=machine["id"])
    volume = (await api.call("listVolumes", virtualmachineid=machine["id"]))["volume"][0]
    (pool,) = (await api.call("listStoragePools", id=volume["storageid"]))["storagepool"]
    if pool["scope"] == "CLUSTER" and kind != "Host":
        # its volume is out of reach of every other pod: only an administrator's word brings it back
        assert (await refused(api, "startVirtualMachine", id=machine["id"]))[0] == 533
    else:
        await api.job("startVirtualMachine", id=machine["id"])
        assert await place_of(api, kind, machine) != there
    # an administrator may name a host there; enabled again, all may
    (host, *_) = (await api.call("listHosts", **{"id" if kind == "Host" else f"{kind.lower()}id": there}))["host"]
    assert (await api.deploy(hostid=host["id"]))["hostid"] == host["id"]
    await disable(api, kind, there, "Enabled")
    found = (await api.call("explainVirtualMachinePlacement", **await api.basics()))["placement"]
    assert "order" in next(one for one in found["host"] if one["id"] == host["id"])
    await check(server)


async def test_machines_are_moved_off_a_disabled_host_and_into_none(api: Api, server: Server) -> None:
    machine = await api.deploy()
    hosts = [one["id"] for one in (await api.call("listHosts", type="Routing"))["host"]]
    target, closed = [one for one in hosts if one != machine["hostid"]][:2]
    await disable(api, "Host", machine["hostid"])
    await disable(api, "Host", closed)
    ended = await moved(api, server, machine, closed)
    assert (ended["jobresultcode"], "not Enabled" in ended["jobresult"]["errortext"]) == (431, True)
    assert (await moved(api, server, machine, target))["jobstatus"] == 1
    assert await place_of(api, "Host", machine) == target


async def test_a_disabled_zone(api: Api, http: aiohttp.ClientSession, server: Server) -> None:
    ann = await person(api, http, "ann")
    runs, stopped = await ann.deploy(), await ann.deploy()
    await ann.job("stopVirtualMachine", id=stopped["id"])
    zone = (await api.places())["zoneid"]
    await disable(api, "Zone", zone)
    assert (await refused(ann, "deployVirtualMachine", **(await api.basics())))[0] == 531
    status, text = await refused(ann, "startVirtualMachine", id=stopped["id"])
    assert (status, "its zone is disabled" in text) == (533, True)
    found = (await api.call("explainVirtualMachinePlacement", virtualmachineid=stopped["id"]))["placement"]
    assert {one["reason"] for one in found["host"]} == {"its zone is disabled"}
    # what runs goes on: it is rebooted, moved, and brought back by HA
    await ann.job("rebootVirtualMachine", id=runs["id"])
    here = await place_of(api, "Host", runs)
    other = next(one["id"] for one in (await api.call("listHosts", type="Routing"))["host"] if one["id"] != here)
    assert (await moved(api, server, runs, other))["jobstatus"] == 1
    # an administrator may name a host, and all of it with the setting
    await api.job("startVirtualMachine", id=stopped["id"], hostid=other)
    await api.job("stopVirtualMachine", id=stopped["id"])
    assert (await refused(api, "startVirtualMachine", id=stopped["id"]))[0] == 533
    await set_(api, "allow.admin.vm.on.disabled.resources", "true")
    await api.job("startVirtualMachine", id=stopped["id"])
    await ann.job("stopVirtualMachine", id=stopped["id"])
    assert (await refused(ann, "startVirtualMachine", id=stopped["id"]))[0] == 533
    await disable(api, "Zone", zone, "Enabled")
    await ann.job("startVirtualMachine", id=stopped["id"])
    await check(server)


async def test_a_named_host_that_cannot_take_it(api: Api) -> None:
    host, *_ = (await api.call("listHosts", type="Routing"))["host"]
    await api.job("prepareHostForMaintenance", id=host["id"])
    given = {**await api.basics(), "hostid": host["id"]}
    assert (await refused(api, "deployVirtualMachine", **given))[0] == 533
    await set_(api, "allow.deploy.vm.if.deploy.on.given.host.fails", "true")
    assert (await api.deploy(hostid=host["id"]))["hostid"] != host["id"]


async def test_host_tags_and_those_that_are_strict(api: Api) -> None:
    """All of an offering's tags choose hosts; where an administrator names one, only those that are strict do."""
    tagged, bare, *_ = [one["id"] for one in (await api.call("listHosts", type="Routing"))["host"]]
    await api.call("updateHost", id=tagged, hosttags="ssd,gpu")
    offering = {"cpunumber": 1, "cpuspeed": 500, "memory": 512, "name": "t", "displaytext": "t", "hosttags": "ssd,gpu"}
    given = {"serviceofferingid": (await api.call("createServiceOffering", **offering))["serviceoffering"]["id"]}
    assert {(await api.deploy(**given))["hostid"] for _ in range(3)} == {tagged}
    assert (await api.deploy(**given, hostid=bare))["hostid"] == bare
    await set_(api, "vm.strict.host.tags", "gpu,other")
    status, text = await refused(api, "deployVirtualMachine", **{**await api.basics(), **given}, hostid=bare)
    assert (status, "lacks the host tags gpu" in text) == (533, True)
    await set_(api, "vm.strict.host.tags", "other")
    assert (await api.deploy(**given, hostid=bare))["hostid"] == bare
    # tags that limits are counted by are strict as well, unless that is switched off
    await set_(api, "resource.limit.host.tags", "ssd")
    status, text = await refused(api, "deployVirtualMachine", **{**await api.basics(), **given}, hostid=bare)
    assert (status, "lacks the host tags ssd" in text) == (533, True)
    await set_(api, "vm.strict.resource.limit.host.tag.check", "false")
    assert (await api.deploy(**given, hostid=bare))["hostid"] == bare
    assert (await api.deploy(**given, hostid=tagged))["hostid"] == tagged


async def test_a_host_takes_as_many_machines_as_its_hypervisor(api: Api, server: Server) -> None:
    host, *others = [one["id"] for one in (await api.call("listHosts", type="Routing"))["host"]]
    for one in others:
        await disable(api, "Host", one)
    first = await api.deploy()  # with the router of its network
    capability = next(
        one for one in (await api.call("listHypervisorCapabilities", hypervisor="Simulator"))["hypervisorCapabilities"]
    )
    await api.call("updateHypervisorCapabilities", id=capability["id"], maxguestslimit=4)
    basics = await api.basics()
    asked = await asyncio.gather(*(api.call("deployVirtualMachine", **basics) for _ in range(6)))
    ended = [await api.wait(one["jobid"]) for one in asked]
    assert sorted(one["jobstatus"] for one in ended) == [1, 1, 2, 2, 2, 2]
    (text, *_) = [one["jobresult"]["errortext"] for one in ended if one["jobstatus"] == 2]
    assert "its limit is 4" in text
    await api.job("stopVirtualMachine", id=first["id"])
    assert (await api.deploy())["hostid"] == host
    await check(server)


async def test_a_cluster_past_its_threshold_gets_no_machines_and_keeps_those_it_has(api: Api, server: Server) -> None:
    first, second = (await api.call("listClusters"))["cluster"]
    machine = await api.deploy(clusterid=first["id"])
    await set_(api, "cluster.memory.allocated.capacity.disablethreshold", "0", clusterid=first["id"])
    assert {await place_of(api, "Cluster", await api.deploy()) for _ in range(4)} == {second["id"]}
    await api.job("rebootVirtualMachine", id=machine["id"])
    # a stopped one goes back to its host, and an administrator may name one
    await api.job("stopVirtualMachine", id=machine["id"])
    await api.job("startVirtualMachine", id=machine["id"])
    assert await place_of(api, "Host", machine) == machine["hostid"]
    assert (await api.deploy(hostid=machine["hostid"]))["hostid"] == machine["hostid"]
    found = (await api.call("explainVirtualMachinePlacement", **await api.basics()))["placement"]
    reasons = {one["reason"] for one in found["host"] if one["clusterid"] == first["id"]}
    (reason,) = reasons
    assert "its disable threshold is 0%" in reason
    # the threshold for telling is told of, once
    await set_(api, "cluster.memory.allocated.capacity.notificationthreshold", "0", clusterid=second["id"])
    await server.periodic.run_now("capacity")
    alerts = [one["description"] for one in (await api.call("listAlerts"))["alert"]]
    assert [text for text in alerts if f"MEMORY of cluster {second['name']}" in text]


async def test_what_would_be_left_if_a_host_failed(api: Api) -> None:
    """Two hosts of 128 cores at 4000 MHz a cluster: with one gone half of it is left, which does while half is free."""
    (cluster, *_) = (await api.call("listClusters"))["cluster"]

    async def told() -> tuple[dict[str, Any], dict[str, Any]]:
        (cpu,) = (await api.call("listCapacity", clusterid=cluster["id"], type=1))["capacity"]
        (figures,) = (await api.call("listClustersMetrics", id=cluster["id"]))["cluster"]
        return cpu, figures

    hosts = (await api.call("listHosts", clusterid=cluster["id"]))["host"]
    biggest = 128 * 4000
    cpu, figures = await told()
    assert cpu["capacityafterhostfailure"] == cpu["capacitytotal"] - biggest == (len(hosts) - 1) * biggest
    assert (cpu["survivesahostfailure"], figures["survivesahostfailure"]) == (True, True)
    assert figures["cpuafterhostfailure"] == f"{(len(hosts) - 1) * biggest / 1000:.2f} Ghz"
    for host in hosts[1:]:
        await disable(api, "Host", host["id"])
    await api.deploy(hostid=hosts[0]["id"])
    cpu, figures = await told()
    assert (cpu["capacityafterhostfailure"], cpu["survivesahostfailure"]) == (0, False)
    assert (figures["cpuafterhostfailure"], figures["survivesahostfailure"]) == ("0.00 Ghz", False)
    (zone,) = (await api.call("listZonesMetrics"))["zone"]
    assert zone["survivesahostfailure"] is True  # the other cluster has room
    assert (
        "survivesahostfailure"
        not in (await api.call("listCapacity", type=9, fetchlatest=True)).get("capacity", [{}])[0]
    )
