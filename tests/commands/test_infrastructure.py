"""Clusters, hosts and storage through the API: adding, changing, removing; what there is room for."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from apiclient import Api, Refused

from cloudsim.server import Server

SIMULATED = {"hypervisor": "Simulator", "url": "http://sim1/c1/h1"}


async def refused(api: Api, command: str, **given: Any) -> tuple[int, str]:
    with pytest.raises(Refused) as caught:
        await api.call(command, **given)
    return caught.value.status, caught.value.text


async def cluster(api: Api, name: str, hypervisor: str = "Simulator", **given: Any) -> dict[str, Any]:
    where = await api.places()
    del where["clusterid"]
    made = await api.call(
        "addCluster", **where, clustername=name, clustertype="CloudManaged", hypervisor=hypervisor, **given
    )
    assert made["count"] == 1
    return made["cluster"][0]


async def test_a_cluster_of_its_own(api: Api) -> None:
    made = await cluster(api, "own")
    where = {"zoneid": made["zoneid"], "podid": made["podid"], "clusterid": made["id"]}
    (host,) = (await api.call("addHost", **where, **SIMULATED, hosttags="red,green"))["host"]
    assert (host["state"], host["cpunumber"], host["cpuspeed"], host["memorytotal"]) == ("Up", 4, 8000, 8 << 30)
    assert host["hosttags"] == "red,green"
    big = "http://sim1/cpucore=16&memory=34359738368"
    (other,) = (await api.call("addHost", **where, hypervisor="Simulator", url=big))["host"]
    assert (other["cpunumber"], other["memorytotal"]) == (16, 32 << 30)
    assert host["ipaddress"] != other["ipaddress"]
    store = await api.call("createStoragePool", **where, name="store", url="nfs://10.0.0.1/export/store", tags="fast")
    assert store["storagepool"]["scope"] == "CLUSTER"
    offering = await api.call(
        "createServiceOffering", name="r", displaytext="r", cpunumber=1, cpuspeed=100, memory=128,
        hosttags="red", tags="fast",
    )  # fmt: skip
    machine = await api.deploy(serviceofferingid=offering["serviceoffering"]["id"])
    assert machine["hostid"] == host["id"]
    (volume,) = (await api.call("listVolumes", virtualmachineid=machine["id"]))["volume"]
    assert volume["storage"] == "store"
    status, text = await refused(api, "deleteCluster", id=made["id"])
    assert status == 536
    assert "2 hosts" in text
    assert (await refused(api, "deleteStoragePool", id=store["storagepool"]["id"], forced=True))[0] == 536
    await api.job("destroyVirtualMachine", id=machine["id"], expunge=True)
    await api.call("updateStoragePool", id=store["storagepool"]["id"], enabled=False)
    await api.call("deleteStoragePool", id=store["storagepool"]["id"])
    for one in (host, other):
        assert (await refused(api, "deleteHost", id=one["id"]))[0] == 431
        await api.call("deleteHost", id=one["id"], forced=True)
    await api.call("deleteCluster", id=made["id"])
    assert await api.call("listClusters", name="own") == {}


async def test_what_a_host_must_not_be(api: Api) -> None:
    where = await api.places()
    hosts = (await api.call("listHosts"))["count"]
    for given in (
        {"hypervisor": "VMware", "url": "http://a"},
        {"hypervisor": "Simulator", "url": "ftp://sim/c/h"},
        {"hypervisor": "Simulator", "url": "nothing"},
        {"hypervisor": "Simulator", "url": "http://sim/memory=lots"},
        {"hypervisor": "KVM", "url": "http://127.0.0.1"},
        {"hypervisor": "Simulator", "url": "http://sim/c/h", "clustername": "another"},
    ):
        status, text = await refused(api, "addHost", **where, **given)
        assert status in (431, 530), given
        assert text
    without = {name: value for name, value in where.items() if name != "clusterid"}
    assert (await refused(api, "addHost", **without, **SIMULATED))[0] == 431
    assert (await api.call("listHosts"))["count"] == hosts
    await api.call("addHost", **without, **SIMULATED, clustername="new one")
    assert (await api.call("listClusters", name="new one"))["count"] == 1


async def test_a_host_that_is_disabled_gets_no_machines(api: Api) -> None:
    hosts = (await api.call("listHosts"))["host"]
    for host in hosts[1:]:
        changed = await api.call("updateHost", id=host["id"], allocationstate="Disable")
        assert changed["host"]["resourcestate"] == "Disabled"
    assert {(await api.deploy())["hostid"] for _ in range(3)} == {hosts[0]["id"]}
    await api.call("updateHost", id=hosts[0]["id"], allocationstate="Disable", name="first")
    with pytest.raises(Refused) as caught:
        await api.deploy()
    assert caught.value.code == 533
    await api.call("updateHost", id=hosts[1]["id"], allocationstate="Enable")
    assert (await api.deploy())["hostid"] == hosts[1]["id"]
    assert (await api.call("listHosts", name="first"))["host"][0]["id"] == hosts[0]["id"]


async def test_a_cluster_that_is_disabled_gets_no_machines(api: Api) -> None:
    first, second = (await api.call("listClusters"))["cluster"]
    await api.call("updateCluster", id=first["id"], allocationstate="Disabled", clustername="closed")
    hosts = {host["id"] for host in (await api.call("listHosts", clusterid=second["id"]))["host"]}
    assert {(await api.deploy())["hostid"] for _ in range(4)} <= hosts
    assert (await refused(api, "updateCluster", id=second["id"], clustername="closed"))[0] == 431
    assert (await refused(api, "updateCluster", id=second["id"], hypervisor="KVM"))[0] in (431, 536)


async def test_a_host_removed_by_force_leaves_its_machines_stopped(api: Api, server: Server) -> None:
    machine = await api.deploy()
    host = machine["hostid"]
    status, _ = await refused(api, "deleteHost", id=host)
    assert status == 431
    await api.call("deleteHost", id=host, forced=True)
    (found,) = (await api.call("listVirtualMachines", id=machine["id"]))["virtualmachine"]
    assert found["state"] == "Stopped"
    assert "hostid" not in found
    async with asyncio.timeout(10):
        while any(one.power == "PowerOn" for one in server.simulator.machines() if one.name.startswith("i-")):
            await asyncio.sleep(0.02)
    started = (await api.job("startVirtualMachine", id=machine["id"]))["virtualmachine"]
    assert started["hostid"] != host
    assert await api.call("listHosts", id=host) == {}


async def test_a_host_is_connected_anew(api: Api, server: Server) -> None:
    (host, *_) = (await api.call("listHosts"))["host"]
    found = (await api.job("reconnectHost", id=host["id"]))["host"]
    assert found["state"] == "Up"
    server.simulator.set_host(host["id"], False)
    with pytest.raises(Refused):
        await api.job("reconnectHost", id=host["id"])
    assert (await api.call("listHosts", id=host["id"]))["host"][0]["state"] == "Disconnected"
    server.simulator.set_host(host["id"], True)
    assert (await api.job("reconnectHost", id=host["id"]))["host"]["state"] == "Up"


async def test_storage_of_a_whole_zone(api: Api) -> None:
    where = await api.places()
    zone = {"zoneid": where["zoneid"], "scope": "zone"}
    for url in ("nfs://only-a-server", "ftp://a/b", "filesystem:relative", "nfs:///path", "nfs://a/../b"):
        assert (await refused(api, "createStoragePool", **zone, hypervisor="Simulator", name="a", url=url))[0] == 431
    assert (await refused(api, "createStoragePool", **zone, name="a", url="nfs://a/b"))[0] == 431
    assert (await refused(api, "createStoragePool", **where, scope="zone", name="a", url="nfs://a/b"))[0] == 431
    given = {**zone, "hypervisor": "simulator", "name": "a", "url": "nfs://a/b", "capacitybytes": 1 << 40}
    made = (await api.call("createStoragePool", **given, **{"details[0].mount": "hard"}))["storagepool"]
    assert (made["scope"], made["hypervisor"], made["details"]) == ("ZONE", "Simulator", {"mount": "hard"})
    assert (await refused(api, "createStoragePool", **given))[0] == 431
    changed = await api.call("updateStoragePool", id=made["id"], tags="x,y", name="b", capacityiops=7)
    assert (changed["storagepool"]["tags"], changed["storagepool"]["capacityiops"]) == ("x,y", 7)
    assert (await refused(api, "updateStoragePool", id=made["id"], capacitybytes=0))[0] == 431
    assert (await refused(api, "updateStoragePool", id=made["id"], url="nfs://a/c"))[0] == 530
    assert (await refused(api, "deleteStoragePool", id=made["id"]))[0] == 431
    await api.call("updateStoragePool", id=made["id"], enabled=False)
    (other, *_) = (await api.call("listStoragePools", name="primary1"))["storagepool"]
    taken = f"nfs://{other['ipaddress']}{other['path']}"
    assert (await refused(api, "updateStoragePool", id=made["id"], url=taken))[0] == 431
    moved = (await api.call("updateStoragePool", id=made["id"], url="nfs://a/c"))["storagepool"]
    assert (moved["path"], moved["state"]) == ("/c", "Disabled")
    await api.call("deleteStoragePool", id=made["id"], forced=True)
    assert await api.call("listStoragePools", name="b") == {}


async def test_what_there_is_room_for(api: Api) -> None:
    where = await api.places()
    before = {one["type"]: one for one in (await api.call("listCapacity"))["capacity"]}
    assert before[1]["capacitytotal"] == 4 * 128 * 4000
    assert before[0]["capacitytotal"] == 4 * 512 * 1024**3
    await api.deploy()
    after = {one["type"]: one for one in (await api.call("listCapacity", zoneid=where["zoneid"]))["capacity"]}
    # the machine and the router of its network
    assert after[1]["capacityused"] - before[1]["capacityused"] == 500 + 500
    assert after[0]["capacityused"] - before[0]["capacityused"] == (512 + 512) * 1024**2
    assert after[90]["capacityused"] - before[90]["capacityused"] == 2
    assert after[4]["capacityused"] > 0
    assert after[7]["capacityused"] > 0
    most = (await api.call("listCapacity", type=1, podid=where["podid"], sortby="usage"))["capacity"]
    assert sum(one["capacityused"] for one in most) == 1000
    assert "clusterid" in most[0]
    assert (await api.call("listCapacity", page=1, pagesize=2))["count"] == len(before)
    assert len((await api.call("listCapacity", page=1, pagesize=2))["capacity"]) == 2
    assert await api.call("listCapacity", tag="nobody") == {}
    assert (await refused(api, "listCapacity", sortby="name"))[0] == 431
    assert (await refused(api, "listCapacity", type=77))[0] == 431


async def test_lists_of_what_there_is(api: Api) -> None:
    (store,) = (await api.call("listImageStores", protocol="NFS"))["imagestore"]
    assert (store["scope"], store["providername"], store["readonly"]) == ("ZONE", "NFS", False)
    assert await api.call("listImageStores", readonly=True) == {}
    (network,) = (await api.call("listPhysicalNetworks"))["physicalnetwork"]
    assert network["vlan"] == "100-1099"
    categories = (await api.call("listOsCategories", keyword="cent"))["oscategory"]
    assert [one["name"] for one in categories] == ["CentOS"]
    assert (await api.call("listOsCategories", isiso=False))["oscategory"]
    assert await api.call("listOsCategories", isvnf=True) == {}
    (simulator,) = (await api.call("listHypervisorCapabilities", hypervisor="simulator"))["hypervisorCapabilities"]
    assert (await api.call("listHypervisorCapabilities", id=simulator["id"]))["count"] == 1


async def test_faults_on_order(api: Api) -> None:
    where = await api.places()
    rule = await api.call(
        "configureSimulator", name="StartCommand", value="result:fail", count=1, zoneid=where["zoneid"]
    )
    mock = rule["simulatormock"]
    assert (mock["name"], mock["count"]) == ("StartCommand", 1)
    assert isinstance(mock["zoneid"], int)
    machine = await api.deploy()  # another host is tried
    assert machine["state"] == "Running"
    assert (await api.call("querySimulatorMock", id=mock["id"]))["simulatormock"]["count"] == 0
    assert (await api.call("cleanupSimulatorMock", id=mock["id"]))["success"] is True
    assert (await refused(api, "querySimulatorMock", id=mock["id"]))[0] == 530
    assert (await refused(api, "cleanupSimulatorMock", id=mock["id"]))[0] == 530
    assert (await refused(api, "querySimulatorMock"))[0] == 431
    assert (await refused(api, "configureSimulator", name="StartCommand", value="what"))[0] == 431
    assert (await refused(api, "configureSimulator", name="StartCommand", value="fail", hostid="no"))[0] == 431
    rule = await api.call("configureSimulator", name="StopCommand", value="fail:no way", hostid=machine["hostid"])
    with pytest.raises(Refused) as caught:
        await api.job("stopVirtualMachine", id=machine["id"], forced=True)
    assert "no way" in caught.value.text
    await api.call("cleanupSimulatorMock", id=rule["simulatormock"]["id"])
    assert (await api.job("stopVirtualMachine", id=machine["id"]))["virtualmachine"]["state"] == "Stopped"
