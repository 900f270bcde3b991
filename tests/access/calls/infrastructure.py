"""Zones, pods, clusters, hosts, storage, system virtual machines, the simulator: for root admins, but for what all read."""

from __future__ import annotations

import itertools
from typing import Any

from access_cast import Cast
from access_rows import Row, thing

from cloudsim.db import schema


@thing("zone", owned="cloud")
async def _zone(cast: Cast, **owner: Any) -> str:
    return cast.id("zone", owner)


@thing("pod", owned="cloud")
async def _pod(cast: Cast, **owner: Any) -> str:
    return cast.id("pod", owner)


@thing("cluster", owned="cloud")
async def _cluster(cast: Cast, **owner: Any) -> str:
    return cast.id("cluster", owner)


@thing("host", owned="cloud")
async def _host(cast: Cast, **_: Any) -> str:
    return (await cast.api.call("listHosts", type="Routing"))["host"][0]["id"]


@thing("barezone", owned="cloud")
@thing("emptyzone", owned="cloud")
async def _empty_zone(cast: Cast, **_: Any) -> str:
    return (await cast.api.call("createZone", **{**ZONE, "name": f"empty{next(NUMBER)}"}))["zone"]["id"]


@thing("storagepool", owned="cloud")
async def _pool(cast: Cast, **_: Any) -> str:
    # so small that no machine's disk comes to lie there
    given = {**await cast.api.places(), "name": "mine", "url": "nfs://10.1.1.1:/export/one", "capacitybytes": 4096}
    return (await cast.api.call("createStoragePool", **given))["storagepool"]["id"]


@thing("imagestore", owned="cloud")
async def _store(cast: Cast, **_: Any) -> str:
    return (await cast.api.call("listImageStores"))["imagestore"][0]["id"]


@thing("ostype", owned="cloud")
async def _os(cast: Cast, **_: Any) -> str:
    return (await cast.api.call("listOsTypes"))["ostype"][0]["id"]


@thing("oscategory", owned="cloud")
async def _category(cast: Cast, **_: Any) -> str:
    return (await cast.api.call("listOsCategories"))["oscategory"][0]["id"]


@thing("systemvm", owned="cloud")
async def _system_vm(cast: Cast, **_: Any) -> str:
    (account, domain) = cast.one("SELECT id, domain_id FROM account WHERE name = 'system'")
    given = {"account_id": account, "domain_id": domain, "type": "ConsoleProxy", "state": "Stopped", "keypairs": []}
    (offering,) = cast.one("SELECT id FROM service_offering WHERE is_system AND system_vm_type = 'consoleproxy'")
    given |= {"instance_name": "v-99-VM", "name": "v-99-VM", "hypervisor": "Simulator", "power_state": "PowerOff"}
    return await cast.insert(schema.vm, service_offering_id=offering, **given)


@thing("systemoffering", owned="cloud")
async def _system_offering(cast: Cast, **_: Any) -> str:
    return cast.one("SELECT uuid FROM service_offering WHERE is_system AND system_vm_type = 'consoleproxy'")[0]


@thing("othermock", owned="cloud")
@thing("mock", owned="cloud")
async def _mock(cast: Cast, **_: Any) -> str:
    made = await cast.api.call("configureSimulator", name=f"Command{next(NUMBER)}", value="wait:1")
    return str(made["simulatormock"]["id"])


NUMBER = itertools.count()
ZONE = {"name": "made", "networktype": "Advanced", "dns1": "10.0.0.1", "internaldns1": "10.0.0.1"}
POD = {"name": "made", "gateway": "10.9.0.1", "netmask": "255.255.255.0", "startip": "10.9.0.2", "endip": "10.9.0.9"}
MAINTAINED = "UPDATE host SET resource_state = 'Maintenance' WHERE uuid = :id"
DISCONNECTED = "UPDATE host SET status = 'Alert' WHERE uuid = :id"
DEGRADED = "UPDATE host SET resource_state = 'Degraded' WHERE uuid = :id"
POOL_MAINTAINED = "UPDATE storage_pool SET status = 'Maintenance' WHERE uuid = :id"
UP = "UPDATE vm SET state = 'Running', host_id = (SELECT min(id) FROM host) WHERE uuid = :id"
USED = {"answers": 536, "why": "it is in use"}
PLACE = {"zoneid": "@zone", "podid": "@pod"}

ROWS = [
    Row("createZone", spread=False, **ZONE),
    Row("updateZone", "zone", dns2="10.0.0.3"),
    Row("deleteZone", "barezone"),
    Row("listZones", "zone"),
    Row("listZones", "zone", by="ids"),
    Row("createPod", "emptyzone", by="zoneid", **POD),
    Row("updatePod", "pod", allocationstate="Disabled"),
    Row("deletePod", "pod", **USED),
    Row("listPods", "pod"),
    Row("addCluster", clustername="made", clustertype="CloudManaged", hypervisor="Simulator", **PLACE),
    Row("updateCluster", "cluster", allocationstate="Disabled"),
    Row("deleteCluster", "cluster", **USED),
    Row("listClusters", "cluster"),
    Row("addHost", hypervisor="Simulator", url="http://sim1/c1/h9", clusterid="@cluster", **PLACE),
    Row("updateHost", "host", hosttags="a"),
    Row("deleteHost", "host", given=MAINTAINED, forced=True),
    Row("reconnectHost", "host", given=DISCONNECTED),
    Row("prepareHostForMaintenance", "host"),
    Row("cancelHostMaintenance", "host", given=MAINTAINED),
    Row("declareHostAsDegraded", "host", given=DISCONNECTED),
    Row("cancelHostAsDegraded", "host", given=DEGRADED),
    Row("listHosts", "host"),
    Row("listHostTags"),
    Row("listStorageTags"),
    Row("createStoragePool", name="made", url="nfs://10.1.1.1:/export/two", clusterid="@cluster", **PLACE),
    Row("updateStoragePool", "storagepool", tags="a"),
    Row("deleteStoragePool", "storagepool", given=POOL_MAINTAINED),
    Row("syncStoragePool", "storagepool", answers=431, why="it is no cluster of datastores"),
    Row("enableStorageMaintenance", "storagepool"),
    Row("cancelStorageMaintenance", "storagepool", given=POOL_MAINTAINED),
    Row("listStoragePools", "storagepool"),
    Row("addImageStore", provider="NFS", url="nfs://10.0.0.1/export/second", zoneid="@zone"),
    Row("updateImageStore", "imagestore", readonly=True),
    Row("deleteImageStore", "imagestore"),
    Row("listImageStores", "imagestore"),
    Row("listCapacity"),
    Row("listHypervisors"),
    Row("listHypervisorCapabilities"),
    Row("listOsTypes", "ostype", listed=False),
    Row("listOsCategories", "oscategory"),
    Row("listSystemVms", "systemvm"),
    Row("startSystemVm", "systemvm"),
    Row("stopSystemVm", "systemvm", given=UP),
    Row("rebootSystemVm", "systemvm", given=UP),
    Row("destroySystemVm", "systemvm"),
    Row("migrateSystemVm", "systemvm", by="virtualmachineid", hostid="@host", given=UP),
    Row("changeServiceForSystemVm", "systemvm", serviceofferingid="@systemoffering"),
    Row("scaleSystemVm", "systemvm", serviceofferingid="@systemoffering"),
    Row("configureSimulator", name="CheckHealthCommand", value="wait:1", count=1),
    Row("querySimulatorMock", "mock"),
    Row("cleanupSimulatorMock", "othermock"),
]
