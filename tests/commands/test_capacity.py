"""Capacities, compared with counts made by hand, and the alerts of those that run out."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Any

import aiohttp
import invariants
from apiclient import Api
from people import person, refused
from test_system_vms import running

from cloudsim.server import Server

MIB, GIB = 1024**2, 1024**3
HOLDS = ("Running", "Starting", "Stopping", "Migrating")


async def listed(api: Api, **given: Any) -> dict[int, tuple[int, int]]:
    """Type to (used, total)."""
    found = (await api.call("listCapacity", **given)).get("capacity", [])
    assert len({one["type"] for one in found}) == len(found), "one zone only"
    for one in found:
        share = 100 * one["capacityused"] / one["capacitytotal"] if one["capacitytotal"] else 0
        assert abs(float(one["percentused"]) - share) < 0.01
    return {one["type"]: (one["capacityused"], one["capacitytotal"]) for one in found}


async def full(server: Server, api: Api) -> dict[str, str]:
    """A cloud that uses something of all there is."""
    await server.periodic.run_now("system-vms")
    await running(api)
    where = await api.places()
    await api.call("createStoragePool", **where, name="made", url="nfs://10.1.1.1/one", capacitybytes=1 << 40, tags="t")
    await api.call("addHost", **where, hypervisor="Simulator", url="http://sim/c/h", hosttags="t")
    for _ in range(5):
        await api.deploy()
    await api.job("stopVirtualMachine", id=(await api.deploy())["id"])
    return where


async def by_hand(api: Api, key: str, place: str) -> dict[int, tuple[int, int]]:
    """What is counted from the lists of hosts, machines, pools and addresses of one place."""
    hosts = [one for one in (await api.call("listHosts", type="Routing"))["host"] if one[key] == place]
    ids = {one["id"] for one in hosts}
    users = (await api.call("listVirtualMachines", listall=True))["virtualmachine"]
    system = (await api.call("listSystemVms"))["systemvm"]
    routers = (await api.call("listRouters", listall=True)).get("router", [])
    offerings = {
        one["id"]: one
        for kind in (False, True)
        for one in (await api.call("listServiceOfferings", issystem=kind)).get("serviceoffering", [])
    }
    machines = [
        offerings[one["serviceofferingid"]]
        for one in (*users, *system, *routers)
        if one.get("hostid") in ids and one["state"] in HOLDS
    ]
    made = {
        0: (sum(one["memory"] * MIB for one in machines), sum(one["memorytotal"] for one in hosts)),
        1: (
            sum(one["cpunumber"] * one["cpuspeed"] for one in machines),
            sum(one["cpunumber"] * one["cpuspeed"] for one in hosts),
        ),
        90: (sum(one["cpunumber"] for one in machines), sum(one["cpunumber"] for one in hosts)),
    }
    pools = [one for one in (await api.call("listStoragePools"))["storagepool"] if one.get(key) == place]
    made[2] = (sum(one["disksizeused"] for one in pools), sum(one["capacitybytes"] for one in pools))
    made[3] = (
        sum(one["disksizeallocated"] for one in pools),
        sum(int(one["capacitybytes"] * float(one["overprovisionfactor"])) for one in pools),
    )
    return {what: figures for what, figures in made.items() if figures[1] or what == 2}


def addresses(ranges: Iterable[dict[str, Any]]) -> int:
    return sum(
        int(ipaddress.ip_address(one["endip"])) - int(ipaddress.ip_address(one["startip"])) + 1 for one in ranges
    )


async def test_every_figure_is_what_is_counted_by_hand(server: Server, api: Api) -> None:
    where = await full(server, api)
    for level, command in (("zone", "listZones"), ("pod", "listPods"), ("cluster", "listClusters")):
        expected = await by_hand(api, f"{level}id", where[f"{level}id"])
        found = await listed(api, **{f"{level}id": where[f"{level}id"]})
        assert {what: found[what] for what in expected} == expected, level
        assert set(expected) == set(found) & {0, 1, 2, 3, 90}
        assert (expected[1][0] > 0, expected[3][1] > 0) == (True, True)
        # the lists of places tell the same
        row = (await api.call(command, id=where[f"{level}id"], showcapacities=True))[level][0]
        told = {one["type"]: (one["capacityused"], one["capacitytotal"]) for one in row["capacity"]}
        assert told == found, level
    found = await listed(api)
    ranges = (await api.call("listVlanIpRanges", forvirtualnetwork=True))["vlaniprange"]
    taken = (await api.call("listPublicIpAddresses", listall=True, forvirtualnetwork=True, allocatedonly=True))["count"]
    by_system = sum("publicip" in one for one in await running(api))
    assert found[4][1] == addresses(ranges)
    assert found[4][0] in (taken, taken + by_system)
    pods = (await api.call("listPods"))["pod"]
    private = sum(addresses([{"startip": start, "endip": end}])
                  for pod in pods for start, end in zip(pod["startip"], pod["endip"], strict=True))  # fmt: skip
    in_pods = [one["ipaddress"] for one in (await api.call("listHosts", type="Routing"))["host"]]
    in_pods += [one["privateip"] for one in await running(api)]
    assert found[5] == (len(set(in_pods)), private)
    ((vlans, used),) = await invariants.rows(server, "SELECT count(*), count(network_id) FROM vnet")
    assert found[7] == (used, vlans)
    assert used > 0
    assert 6 in found


async def test_filters_and_order(server: Server, api: Api) -> None:
    where = await full(server, api)
    whole = await listed(api)
    for what, figures in whole.items():
        assert await listed(api, type=what) == {what: figures}
        assert await listed(api, type=what, fetchlatest=True, zoneid=where["zoneid"]) == {what: figures}
    # a cluster has no addresses and no VLANs, a pod no VLANs
    assert set(await listed(api, clusterid=where["clusterid"])) == {0, 1, 2, 3, 90}
    assert set(await listed(api, podid=where["podid"])) == {0, 1, 2, 3, 5, 90}
    tagged = await listed(api, tag="t", zoneid=where["zoneid"])
    host = next(one for one in (await api.call("listHosts"))["host"] if one.get("hosttags") == "t")
    assert tagged[0][1] == host["memorytotal"]
    assert tagged[2][1] == 1 << 40
    most = (await api.call("listCapacity", sortby="usage", podid=where["podid"]))["capacity"]
    shares = [float(one["percentused"]) for one in most]
    assert shares == sorted(shares, reverse=True)
    assert {one["clustername"] for one in most} == {one["name"] for one in (await api.call("listClusters"))["cluster"]}
    word = (await api.call("listCapacity", keyword="memory"))["capacity"]
    assert [one["name"] for one in word] == ["MEMORY"]
    # what is closed has no room
    await api.call("updateHost", id=host["id"], allocationstate="Disable")
    assert (await listed(api))[0][1] == whole[0][1] - host["memorytotal"]
    assert (await refused(api, "listCapacity", zoneid=where["podid"]))[0] == 431


async def test_only_those_who_run_the_cloud_are_told(api: Api, http: aiohttp.ClientSession) -> None:
    user = await person(api, http, "someone")
    assert (await refused(user, "listCapacity"))[0] == 432
    assert all("capacity" not in one for one in (await user.call("listZones", showcapacities=True))["zone"])


async def alerts(api: Api, number: int) -> list[str]:
    return [one["description"] for one in (await api.call("listAlerts", type=number)).get("alert", [])]


async def test_an_alert_is_told_once_until_it_was_fallen_below(server: Server, api: Api) -> None:
    machine = await api.deploy()
    where = await api.places()
    await server.periodic.run_now("capacity")
    assert await alerts(api, 0) == await alerts(api, 5) == []
    setting = "cluster.memory.allocated.capacity.notificationthreshold"
    host = (await api.call("listHosts", id=machine["hostid"]))["host"][0]
    await api.call("updateConfiguration", name=setting, value="0", clusterid=host["clusterid"])
    await api.call("updateConfiguration", name="pod.privateip.capacity.notificationthreshold", value="0")
    for _ in range(3):
        await server.periodic.run_now("capacity")
        (text,) = await alerts(api, 0)
        assert host["clustername"] in text
        assert len(await alerts(api, 5)) == 1
    told = (await api.call("listAlerts", type=5))["alert"][0]
    assert told["name"] == "ALERT.NETWORK.PRIVATEIP"
    await api.job("stopVirtualMachine", id=machine["id"])
    await server.periodic.run_now("capacity")
    assert len(await alerts(api, 0)) == 1
    assert await invariants.rows(server, "SELECT level FROM capacity_alert") == [("pod",)]
    await api.job("startVirtualMachine", id=machine["id"], clusterid=host["clusterid"])
    await server.periodic.run_now("capacity")
    assert len(await alerts(api, 0)) == 2
    assert where["zoneid"]
    await invariants.check(server)
