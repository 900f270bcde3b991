"""Primary storage pools."""

from __future__ import annotations

from cloudsim.api.command import AsyncCommand, Body, Command, ListCommand, id_of
from cloudsim.api.params import boolean, long, mapping, ref, string, strings
from cloudsim.api.responses.base import SUCCESS
from cloudsim.api.responses.storagepool import STORAGE_POOL
from cloudsim.core.errors import InvalidValue
from cloudsim.services import nouns, storage_maintenance, storagepool
from cloudsim.services.context import Context

_RULE = "Whether the tag is a rule to be worked out: true is refused, there are no such rules here"


class ListStoragePools(ListCommand, name="listStoragePools", response=STORAGE_POOL):
    """Lists primary storage pools."""

    clusterid = ref(nouns.CLUSTER)
    hostid = ref(nouns.HOST, "Only those this host can reach")
    id = ref(nouns.STORAGE_POOL)
    ipaddress = string()
    name = string()
    path = string()
    podid = ref(nouns.POD)
    scope = string(values=storagepool.SCOPES)
    status = string(values=storagepool.STATES)
    storageaccessgroup = string("Only those of this group: there are no such groups here", since="4.21.0")
    storagecustomstats = boolean("Whether a storage system's own figures are told: none has any", since="4.18.1")
    zoneid = ref(nouns.ZONE)

    def run(self, ctx: Context) -> Body:
        return self.select(
            ctx,
            storagepool.LISTING,
            id=id_of(self.id),
            name=self.name,
            zone=id_of(self.zoneid),
            pod=id_of(self.podid),
            cluster=id_of(self.clusterid),
            host=id_of(self.hostid),
            address=self.ipaddress,
            path=self.path,
            scope=self.scope,
            status=self.status,
            none=True if self.storageaccessgroup else None,
        )


class CreateStoragePool(Command, name="createStoragePool", response=STORAGE_POOL):
    """Adds primary storage, for a cluster or for a whole zone."""

    name = string(required=True)
    url = string("Where it is: nfs://server/path, filesystem:/path, sharedmountpoint:/path, rbd://...", required=True)
    zoneid = ref(nouns.ZONE, required=True)
    capacitybytes = long("How many bytes it holds; 1 TiB where nothing is said")
    capacityiops = long()
    clusterid = ref(nouns.CLUSTER)
    details = mapping()
    hypervisor = string("The hypervisor that it serves, for storage of a whole zone")
    istagarule = boolean(_RULE)
    managed = boolean()
    podid = ref(nouns.POD)
    provider = string("Who keeps it: DefaultPrimary")
    scope = string("cluster or zone; cluster where clusterid is given", values=("cluster", "zone"))
    storageaccessgroups = string("Groups of storage: there are no such groups here", since="4.21.0")
    tags = string()

    def run(self, ctx: Context) -> Body:
        if self.istagarule:
            raise InvalidValue("a tag that is a rule is not had here: give plain tags")
        made = storagepool.create(
            ctx,
            name=self.name,
            url=self.url,
            zone=self.zoneid,
            pod=self.podid,
            cluster=self.clusterid,
            scope=(self.scope or ("cluster" if self.clusterid else "zone")).upper(),
            hypervisor=self.hypervisor,
            provider=self.provider,
            capacity=self.capacitybytes,
            iops=self.capacityiops,
            tags=[tag.strip() for tag in (self.tags or "").split(",") if tag.strip()],
            managed=bool(self.managed),
            details=self.details or {},
        )
        return {"storagepool": ctx.present("storagepool", made)[0]}


class UpdateStoragePool(Command, name="updateStoragePool", response=STORAGE_POOL, since="3.0.0"):
    """Changes primary storage: its name, tags, size, and whether volumes are placed on it."""

    id = ref(nouns.STORAGE_POOL, required=True)
    capacitybytes = long()
    capacityiops = long()
    details = mapping(since="4.19.0")
    enabled = boolean("False: no new volumes are placed on it")
    istagarule = boolean(_RULE)
    name = string(since="4.15")
    tags = strings()
    url = string("Where it is, for storage that is disabled or in maintenance", since="4.19.0")

    def run(self, ctx: Context) -> Body:
        if self.istagarule:
            raise InvalidValue("a tag that is a rule is not had here: give plain tags")
        storagepool.update(
            ctx,
            self.id,
            name=self.name,
            url=self.url,
            capacity=self.capacitybytes,
            iops=self.capacityiops,
            tags=self.tags,
            enabled=self.enabled,
            details=self.details,
        )
        return {"storagepool": ctx.present("storagepool", self.id["id"])[0]}


class DeleteStoragePool(Command, name="deleteStoragePool", response=SUCCESS):
    """Removes primary storage that is disabled or in maintenance and holds no volume."""

    id = ref(nouns.STORAGE_POOL, required=True)
    forced = boolean("Whether it is removed from any state; volumes keep it in any case")

    def run(self, ctx: Context) -> Body:
        storagepool.delete(ctx, self.id, forced=bool(self.forced))
        return {"success": True}


class EnableStorageMaintenance(
    AsyncCommand, name="enableStorageMaintenance", response=STORAGE_POOL, event="MAINT.PREPARE.PS"
):
    """Stops what runs on a storage pool and puts it in maintenance."""

    envelope = "prepareprimarystorageformaintenanceresponse"

    id = ref(nouns.STORAGE_POOL, required=True)

    def run(self, ctx: Context) -> Body:
        return {"jobid": storage_maintenance.enable(ctx, self.id)}


class CancelStorageMaintenance(
    AsyncCommand, name="cancelStorageMaintenance", response=STORAGE_POOL, event="MAINT.CANCEL.PS"
):
    """Takes a storage pool out of maintenance and starts what was stopped for it."""

    envelope = "cancelprimarystoragemaintenanceresponse"

    id = ref(nouns.STORAGE_POOL, required=True)

    def run(self, ctx: Context) -> Body:
        return {"jobid": storage_maintenance.cancel(ctx, self.id)}


class SyncStoragePool(AsyncCommand, name="syncStoragePool", response=STORAGE_POOL, since="4.15.1"):
    """Brings a storage pool whose parts another system arranges in step: this server has none of that type."""

    id = ref(nouns.STORAGE_POOL, required=True)

    def run(self, ctx: Context) -> Body:
        return {"jobid": storage_maintenance.sync(self.id)}
