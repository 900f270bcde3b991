"""What hosts and machines use, the lists with figures, samples that are kept, and rolling maintenance."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import invariants
import pytest
from apiclient import Api, admin_keys
from options import make_config
from people import person, refused, role
from test_system_vms import running

from cloudsim.server import Server

GIB = 1024**3
NET = ("networkkbsread", "networkkbswrite", "diskkbsread", "diskkbswrite", "diskioread", "diskiowrite")
OFF = [
    f"{name}{kind}threshold" for name in ("cpu", "memory") for kind in ("", "disable", "allocated", "allocateddisable")
]


async def one(api: Api, command: str, **given: Any) -> dict[str, Any]:
    """The only row of a list."""
    body = await api.call(command, **given)
    assert body["count"] == 1
    (rows,) = (value for value in body.values() if isinstance(value, list))
    return rows[0]


async def reader(api: Api, http: aiohttp.ClientSession) -> Api:
    """A user whose role has every list; the default one of users has no metrics."""
    made = await role(api, "reader", "User", "list*", "query*", "deployVirtualMachine")
    return await person(api, http, "someone", roleid=made["id"])


async def set_(api: Api, name: str, value: object, **place: str) -> None:
    await api.call("updateConfiguration", name=name, value=value, **place)


async def test_hosts_tell_what_their_machines_use(server: Server, api: Api) -> None:
    machines = [await api.deploy() for _ in range(3)]
    home = machines[0]["hostid"]
    await api.deploy(hostid=home)
    await server.periodic.run_now("host-ping")
    await server.periodic.run_now("vm-stats")
    host = await one(api, "listHosts", id=home)
    here = (await api.call("listVirtualMachines", hostid=home))["virtualmachine"]
    assert len(here) >= 2
    used = sum(row["memorykbs"] - row["memoryintfreekbs"] for row in here) * 1024
    assert abs(host["memoryused"] - used) < used / 10
    busy = sum(float(row["cpuused"].rstrip("%")) * row["cpunumber"] for row in here) / 100
    assert abs(host["cpuloadaverage"] - busy) < 0.2
    assert abs(float(host["cpuused"].rstrip("%")) - 100 * busy / host["cpunumber"]) < 0.5
    assert host["networkkbsread"] >= 0
    # nothing was written but that the hosts were seen, in one change for all of them
    before = await invariants.rows(server, "SELECT id, update_count, status FROM host ORDER BY id")
    await server.periodic.run_now("host-ping")
    assert await invariants.rows(server, "SELECT id, update_count, status FROM host ORDER BY id") == before
    assert len(set(await invariants.rows(server, "SELECT last_ping FROM host"))) == 1
    # a host that does not answer tells nothing
    server.simulator.set_host(home, False)
    await server.periodic.run_now("host-ping")
    assert "cpuused" not in await one(api, "listHosts", id=home)


async def test_details_of_hosts(api: Api) -> None:
    host = (await api.call("listHosts"))["host"][0]["id"]
    everything = set(await one(api, "listHosts", id=host))
    kinds = {kind: set(await one(api, "listHosts", id=host, details=kind)) for kind in ("capacity", "events", "stats")}
    least = set(await one(api, "listHosts", id=host, details="min"))
    assert kinds["events"] - least == {"events"}
    assert kinds["stats"] - least == {"cpuused", "cpuloadaverage", "memoryused", "networkkbsread", "networkkbswrite"}
    assert least | set().union(*kinds.values()) == everything
    assert set(await one(api, "listHosts", id=host, details="min,all")) == everything
    assert (await refused(api, "listHosts", details="nonsense"))[0] == 431
    assert "cpuallocatedghz" in await one(api, "listHostsMetrics", id=host, details="min")


async def test_traffic_since_the_look_before_and_since_the_start(server: Server, api: Api) -> None:
    machine = (await api.deploy())["id"]
    before = server.clock.now()
    await server.periodic.run_now("vm-stats")
    await asyncio.sleep(2.1)
    await server.periodic.run_now("vm-stats")
    lately = await one(api, "listVirtualMachines", id=machine)
    total = await one(api, "listVirtualMachines", id=machine, accumulate=True)
    assert any(lately[name] < total[name] for name in NET)
    assert all(0 <= lately[name] <= total[name] for name in NET)
    await set_(api, "vm.stats.increment.metrics", "true")
    found = await one(api, "listVirtualMachines", id=machine)
    assert [found[name] for name in NET] == [total[name] for name in NET]
    found = await one(api, "listVirtualMachines", id=machine, accumulate=False)
    assert [found[name] for name in NET] == [lately[name] for name in NET]
    volume = await one(api, "listVolumesMetrics", virtualmachineid=machine)
    assert (volume["diskkbsread"], volume["diskioread"]) == (lately["diskkbsread"], lately["diskioread"])
    assert volume["diskiopstotal"] == volume["diskioread"] + volume["diskiowrite"]
    # one that is stopped uses nothing; started anew it counts from there
    await api.job("stopVirtualMachine", id=machine)
    assert "cpuused" not in await one(api, "listVirtualMachines", id=machine)
    await api.job("startVirtualMachine", id=machine)
    await server.periodic.run_now("vm-stats")
    found = await one(api, "listVirtualMachines", id=machine)
    assert all(found[name] <= total[name] for name in NET)
    assert server.clock.now() - before < 60_000


async def test_hosts_with_figures(server: Server, api: Api) -> None:
    await server.periodic.run_now("system-vms")
    await running(api)
    machine = await api.deploy()
    home = machine["hostid"]
    await server.periodic.run_now("host-ping")
    host = await one(api, "listHostsMetrics", id=home)
    system = sum(row["hostid"] == home for row in await running(api))
    assert (host["instances"], host["systeminstances"]) == ("1 / 1", f"{system} / {system}")
    assert host["cputotalghz"] == f"{host['cpunumber'] * host['cpuspeed'] / 1000:.2f} Ghz"
    assert host["cpuallocatedghz"] == f"{host['cpuallocatedvalue'] / 1000:.2f} Ghz"
    assert host["memorytotalgb"] == f"{host['memorytotal'] / GIB:.2f} GB"
    assert host["memoryusedgb"] == f"{host['memoryused'] / GIB:.2f} GB"
    assert host["powerstate"] == "Disabled"
    assert not any(host[name] for name in OFF)
    await set_(api, "cpu.overprovisioning.factor", "2.0", clusterid=host["clusterid"])
    assert (await one(api, "listHostsMetrics", id=home))["cputotalghz"].endswith(" Ghz (x2.0)")
    await set_(api, "cluster.memory.allocated.capacity.notificationthreshold", "0", clusterid=host["clusterid"])
    await set_(api, "cluster.cpu.allocated.capacity.disablethreshold", "0", clusterid=host["clusterid"])
    host = await one(api, "listHostsMetrics", id=home)
    assert {name for name in OFF if host[name]} == {
        "memorythreshold", "memoryallocatedthreshold", "cpudisablethreshold", "cpuallocateddisablethreshold"
    }  # fmt: skip


async def test_clusters_and_zones_with_figures(server: Server, api: Api) -> None:
    machine = await api.deploy()
    await server.periodic.run_now("host-ping")
    host = await one(api, "listHosts", id=machine["hostid"])
    cluster = await one(api, "listClustersMetrics", id=host["clusterid"])
    hosts = (await api.call("listHosts", clusterid=host["clusterid"]))["host"]
    assert (cluster["state"], cluster["hosts"]) == ("Enabled", f"{len(hosts)} / {len(hosts)}")
    speed = sum(row["cpunumber"] * row["cpuspeed"] for row in hosts)
    memory = sum(row["memorytotal"] for row in hosts)
    given = sum(row["memoryallocatedbytes"] for row in hosts)
    assert cluster["cputotal"] == f"{speed / 1000:.2f} Ghz"
    assert cluster["memorytotal"] == f"{memory / GIB:.2f} GB"
    assert cluster["memoryallocated"] == f"{100 * given / memory:.2f}%"
    assert cluster["memoryused"] == f"{100 * sum(row['memoryused'] for row in hosts) / memory:.2f}%"
    # two hosts, one of which has everything: the deviation is as large as the mean
    assert (len(hosts), cluster["drsimbalance"]) == (2, "100.00%")
    mine, whole = host["memoryused"] / host["memorytotal"], host["memoryused"] / memory
    assert cluster["memorymaxdeviation"] == f"{100 * (mine - whole):.2f}%"
    other = next(row for row in hosts if row["id"] != host["id"])
    await api.call("updateHost", id=other["id"], allocationstate="Disable")
    again = await one(api, "listClustersMetrics", id=host["clusterid"])
    assert again["memorytotal"] == f"{host['memorytotal'] / GIB:.2f} GB"
    await api.call("updateCluster", id=host["clusterid"], allocationstate="Disabled")
    assert (await one(api, "listClustersMetrics", id=host["clusterid"]))["state"] == "Disabled"
    zone = await one(api, "listZonesMetrics", id=host["zoneid"], showcapacities=True)
    count = (await api.call("listClusters", zoneid=host["zoneid"]))["count"]
    assert (zone["state"], zone["clusters"]) == ("Enabled", f"{count - 1} / {count}")
    assert zone["capacity"]
    assert not any(zone[name] for name in OFF)


async def test_storage_with_figures(api: Api) -> None:
    machine = await api.deploy()
    volume = await one(api, "listVolumesMetrics", virtualmachineid=machine["id"])
    assert volume["sizegb"] == f"{volume['size'] / GIB:.2f} GiB"
    given = {"storageid": volume["storageid"]}
    pool = await one(api, "listStoragePoolsMetrics", id=volume["storageid"])
    factor = float(pool["overprovisionfactor"])
    assert pool["disksizetotalgb"] == f"{pool['disksizetotal'] / GIB:.2f} GB (x{factor})"
    # the router's may lie there as well
    there = sum(row["size"] for row in (await api.call("listVolumes", listsystemvms=True, **given))["volume"])
    assert pool["disksizeallocatedgb"] == f"{there / GIB:.2f} GB"
    assert pool["disksizeunallocatedgb"] == f"{(pool['disksizetotal'] * factor - there) / GIB:.2f} GB"
    names = ("storageusagethreshold", "storageallocatedthreshold", "storageallocateddisablethreshold")
    assert [pool[name] for name in names] == [False, False, False]
    await set_(api, "pool.storage.allocated.capacity.disablethreshold", "0", **given)
    await set_(api, "cluster.storage.allocated.capacity.notificationthreshold", "0")
    pool = await one(api, "listStoragePoolsMetrics", id=volume["storageid"])
    assert [pool[name] for name in names] == [False, True, True]


async def test_machines_with_figures(server: Server, api: Api, http: aiohttp.ClientSession) -> None:
    user = await reader(api, http)
    machine = await user.deploy()
    await server.periodic.run_now("vm-stats")
    found = await one(user, "listVirtualMachinesMetrics", id=machine["id"])
    assert found["cputotal"] == f"{found['cpunumber'] * found['cpuspeed'] / 1000:.1f} Ghz"
    assert found["memorytotal"] == f"{found['memory'] / 1024:.2f} GiB"
    assert found["networkread"] == f"{found['networkkbsread'] / 1024:.2f} MB"
    assert found["diskiopstotal"] == found["diskioread"] + found["diskiowrite"]
    assert (await one(user, "listVolumesMetrics"))["virtualmachineid"] == machine["id"]
    # figures of the cloud are for those who run it
    plain = await person(api, http, "plain")
    assert "cputotal" not in await one(user, "listZonesMetrics")
    for command in ("listHostsMetrics", "listClustersMetrics", "listStoragePoolsMetrics", "listInfrastructure",
                    "listManagementServers", "listDbMetrics", "listUsageServerMetrics"):  # fmt: skip
        assert (await refused(plain, command))[0] == 432, command


async def test_infrastructure(server: Server, api: Api) -> None:
    await server.periodic.run_now("system-vms")
    await running(api)
    found = (await api.call("listInfrastructure"))["infrastructure"]
    for name, command in (("zones", "listZones"), ("pods", "listPods"), ("clusters", "listClusters"),
                          ("hosts", "listHosts"), ("storagepools", "listStoragePools"), ("systemvms", "listSystemVms"),
                          ("imagestores", "listImageStores"), ("managementservers", "listManagementServers")):  # fmt: skip
        assert found[name] == (await api.call(command))["count"], name
    hosts = (await api.call("listHosts"))["host"]
    assert found["cpusockets"] == sum(row["cpusockets"] for row in hosts)
    await api.job("generateAlert", type=0, name="a", description="b")
    assert (await api.call("listInfrastructure"))["infrastructure"]["alerts"] == found["alerts"] + 1


# -- samples


async def test_samples_of_machines(server: Server, api: Api, http: aiohttp.ClientSession) -> None:
    await server.periodic.run_now("system-vms")
    await running(api)
    user = await reader(api, http)
    mine, other = await user.deploy(), await api.deploy()
    for _ in range(3):
        await server.periodic.run_now("vm-stats")
    found = await one(user, "listVirtualMachinesUsageHistory")
    assert (found["id"], found["name"]) == (mine["id"], mine["name"])
    assert len(found["stats"]) >= 3
    times = [row["timestamp"] for row in found["stats"]]
    assert times == sorted(times)
    last = found["stats"][-1]
    shown = await one(user, "listVirtualMachines", id=mine["id"])
    assert {name: last[name] for name in (*NET, "cpuused", "memorykbs")} == {
        name: shown[name] for name in (*NET, "cpuused", "memorykbs")
    }
    assert last["diskiopstotal"] == last["diskioread"] + last["diskiowrite"]
    assert (await refused(user, "listVirtualMachinesUsageHistory", id=other["id"]))[0] == 431
    assert (await api.call("listVirtualMachinesUsageHistory"))["count"] == 2
    both = await api.call("listVirtualMachinesUsageHistory", ids=f"{mine['id']},{other['id']}", startdate="2030-01-01")
    assert [row["stats"] for row in both["virtualmachine"]] == [[], []]
    early = await one(user, "listVirtualMachinesUsageHistory", enddate="2020-01-01")
    assert early["stats"] == []
    dates = {"startdate": "2030-01-01", "enddate": "2020-01-01"}
    assert (await refused(api, "listVirtualMachinesUsageHistory", **dates))[0] == 431
    system = await api.call("listSystemVmsUsageHistory")
    assert (system["count"], [len(row["stats"]) >= 3 for row in system["virtualmachine"]]) == (2, [True, True])
    (first, _) = await running(api)
    assert (await one(api, "listSystemVmsUsageHistory", id=first["id"]))["name"] == first["name"]


async def test_samples_are_kept_for_as_long_as_is_set(server: Server, api: Api) -> None:
    await api.deploy()
    await server.periodic.run_now("vm-stats")
    await server.db.write(lambda tx: tx._change("UPDATE stats SET taken = taken - 721 * 60000", []))
    await server.periodic.run_now("vm-stats")
    assert len((await one(api, "listVirtualMachinesUsageHistory"))["stats"]) == 1
    await set_(api, "vm.stats.max.retention.time", "0")
    await server.periodic.run_now("vm-stats")
    await asyncio.sleep(0.01)
    await server.periodic.run_now("vm-stats")
    assert (await one(api, "listVirtualMachinesUsageHistory"))["stats"] == []
    assert "cpuused" in (await api.call("listVirtualMachines"))["virtualmachine"][0]


async def test_samples_of_users_only(server: Server, api: Api) -> None:
    await set_(api, "vm.stats.user.vm.only", "true")
    await server.periodic.run_now("system-vms")
    await running(api)
    await api.deploy()
    await server.periodic.run_now("vm-stats")
    assert (await one(api, "listVirtualMachinesUsageHistory"))["stats"] != []
    assert all(row["stats"] == [] for row in (await api.call("listSystemVmsUsageHistory"))["virtualmachine"])


async def test_samples_of_volumes(server: Server, api: Api) -> None:
    machine = await api.deploy()
    await server.periodic.run_now("vm-stats")
    await server.periodic.run_now("volume-stats")
    volume = await one(api, "listVolumes", virtualmachineid=machine["id"])
    assert (await one(api, "listVolumesUsageHistory", id=volume["id"]))["stats"] == []
    await set_(api, "vm.disk.stats.retention.enabled", "true")
    await server.periodic.run_now("volume-stats")
    found = await one(api, "listVolumesUsageHistory", id=volume["id"])
    # the router of its network has a volume as well: admins are told of it
    both = (await api.call("listVolumesUsageHistory"))["volume"]
    assert sorted(len(row["stats"]) for row in both) == [1, 1]
    await set_(api, "vm.stats.user.vm.only", "true")
    await asyncio.sleep(0.01)
    await server.periodic.run_now("volume-stats")
    both = (await api.call("listVolumesUsageHistory"))["volume"]
    assert {row["id"] == volume["id"]: len(row["stats"]) for row in both} == {True: 2, False: 1}
    (sample,) = found["stats"]
    assert found["name"] == volume["name"]
    assert sample["diskkbsread"] == volume["diskkbsread"]
    assert sample["diskiopstotal"] == volume["diskioread"] + volume["diskiowrite"]


# -- rolling maintenance


async def test_rolling_maintenance(server: Server, api: Api) -> None:
    machines = [await api.deploy() for _ in range(4)]
    home = await one(api, "listHosts", id=machines[0]["hostid"])
    hosts = {row["id"]: row for row in (await api.call("listHosts", clusterid=home["clusterid"]))["host"]}
    made = (await api.job("startRollingMaintenance", clusterids=home["clusterid"]))["rollingmaintenance"]
    assert (made["success"], {row["hostid"] for row in made["hostsupdated"]}) == (True, set(hosts))
    assert made["hostsskipped"] == []
    ends = [(row["startdate"], row["enddate"]) for row in made["hostsupdated"]]
    assert all(start <= end for start, end in ends)
    assert ends[0][1] <= ends[1][0]
    assert {row["resourcestate"] for row in (await api.call("listHosts"))["host"]} == {"Enabled"}
    rows = (await api.call("listVirtualMachines"))["virtualmachine"]
    assert [row["state"] for row in rows] == ["Running"] * 4
    await invariants.check(server)


async def test_rolling_maintenance_of_hosts_that_cannot_rest(server: Server, api: Api) -> None:
    machine = await api.deploy()
    home = machine["hostid"]
    (closed, *_) = (row["id"] for row in (await api.call("listHosts"))["host"] if row["id"] != home)
    await api.call("updateHost", id=closed, allocationstate="Disable")
    await api.call("configureSimulator", name="MigrateCommand", value="fail:no way", hostid=home)
    status, text = await refused(api, "startRollingMaintenance", zoneids=machine["zoneid"])
    assert (status, "could not leave" in text) == (530, True)
    made = (await api.job("startRollingMaintenance", zoneids=machine["zoneid"], forced=True))["rollingmaintenance"]
    assert {row["hostid"] for row in made["hostsskipped"]} == {home, closed}
    assert all(row["reason"] for row in made["hostsskipped"])
    assert len(made["hostsupdated"]) == 2
    states = {row["id"]: row["resourcestate"] for row in (await api.call("listHosts"))["host"]}
    assert (states[home], states[closed]) == ("Enabled", "Disabled")
    assert (await refused(api, "startRollingMaintenance"))[0] == 431
    both = {"zoneids": machine["zoneid"], "hostids": home}
    assert (await refused(api, "startRollingMaintenance", **both))[0] == 431
    assert (await refused(api, "startRollingMaintenance", hostids="nobody"))[0] == 431
    await invariants.check(server)


@pytest.mark.parametrize("wait", [300, 1500])
async def test_rolling_maintenance_goes_on_after_a_restart(
    data_dir: Any, http: aiohttp.ClientSession, wait: int
) -> None:
    server = Server(make_config(data_dir))
    await server.start()
    api = Api(http, server.url, *admin_keys(data_dir))
    machine = await api.deploy()
    await api.call("configureSimulator", name="MigrateCommand", value=f"wait:{wait}", zoneid=machine["zoneid"])
    job = (await api.call("startRollingMaintenance", hostids=machine["hostid"]))["jobid"]
    await asyncio.sleep(0.15)
    await server.cloud.jobs.close(0)
    await server.stop()
    server = Server(make_config(data_dir))
    await server.start()
    try:
        api = Api(http, server.url, *admin_keys(data_dir))
        ended = await api.wait(job)
        assert ended["jobstatus"] == 1
        assert [row["hostid"] for row in ended["jobresult"]["rollingmaintenance"]["hostsupdated"]] == [
            machine["hostid"]
        ]
        host = await one(api, "listHosts", id=machine["hostid"])
        assert host["resourcestate"] == "Enabled"
        await invariants.check(server)
    finally:
        await server.stop()
