"""Snapshots of volumes."""

from __future__ import annotations

from cloudsim.api.command import AsyncCommand, Body, Command, OwnedList, id_of
from cloudsim.api.params import boolean, mapping, ref, refs, string
from cloudsim.api.responses.base import SUCCESS
from cloudsim.api.responses.extract import EXTRACT_SNAPSHOT
from cloudsim.api.responses.snapshot import SNAPSHOT, SNAPSHOT_DETAILS
from cloudsim.core.errors import InvalidValue
from cloudsim.services import access, nouns, snapshot, snapshot_copy, snapshot_orders
from cloudsim.services.context import Context

_LOCATIONS = (snapshot.PRIMARY, snapshot.SECONDARY)
NO_POOLS = "Storage pools that it is copied to: the pools here cannot do that, and ids are refused"
NO_REPLICATION = "Whether pools copy it to each other: those here cannot, and true is refused"


class CreateSnapshot(AsyncCommand, name="createSnapshot", response=SNAPSHOT, event="SNAPSHOT.CREATE"):
    """Makes a snapshot of a volume, whether a machine runs with it or not."""

    volumeid = ref(nouns.VOLUME, required=True)
    account = string("The account that the volume is of; it owns the snapshot in any case")
    domainid = ref(nouns.DOMAIN, "The domain of that account")
    name = string("What it is called; where it is not given, a name made from the machine's, the volume's and the time")
    locationtype = string(
        "Whether it stays in its storage pool or goes to an image store; as setting snapshot.backup.to.secondary has it "
        "where it is not given",
        values=_LOCATIONS,
    )
    asyncbackup = boolean("Whether the job ends when it is in the storage pool, and its copying goes on by itself")
    quiescevm = boolean("Whether the guest is asked to write its buffers first")
    policyid = ref(nouns.SNAPSHOT_POLICY, "The policy of the volume that it counts for")
    tags = mapping("Its tags")
    zoneids = refs(nouns.ZONE, "More zones, to an image store of which it is copied", since="4.19.0")
    storageids = refs(nouns.STORAGE_POOL, NO_POOLS, since="4.21.0")
    usestoragereplication = boolean(NO_REPLICATION)

    def run(self, ctx: Context) -> Body:
        access.must_own(ctx, nouns.VOLUME, self.volumeid)
        if self.account is not None or self.domainid is not None:
            given = access.account_of(ctx, self.domainid, self.account)
            if given["id"] != self.volumeid["account_id"]:
                raise InvalidValue("a snapshot is of the account that its volume is of: leave account and domainid out")
        snapshot_orders.check_replication(self.storageids or (), self.usestoragereplication)
        if self.policyid is not None and self.policyid["volume_id"] != self.volumeid["id"]:
            raise InvalidValue("policyid: that policy is of another volume")
        uuid, job = snapshot_orders.create(
            ctx,
            self.volumeid,
            name=self.name,
            location=self.locationtype,
            quiesce=bool(self.quiescevm),
            async_backup=bool(self.asyncbackup),
            zones=self.zoneids or (),
            tags=self.tags,
            policy=self.policyid,
        )
        return {"id": uuid, "jobid": job}


class ListSnapshots(OwnedList, name="listSnapshots", response=SNAPSHOT):
    """Lists snapshots of volumes, each for every place that has a copy of it."""

    id = ref(nouns.SNAPSHOT)
    ids = refs(nouns.SNAPSHOT, since="4.9")
    imagestoreid = ref(nouns.IMAGE_STORE, "Only copies on this image store", since="4.19")
    intervaltype = string("Which: MANUAL, HOURLY, DAILY, WEEKLY or MONTHLY; counts only together with volumeid")
    locationtype = string(
        "Only copies in storage pools, or only those on image stores", since="4.19.0", values=_LOCATIONS
    )
    name = string()
    showunique = boolean("Whether each is listed once, however many copies there are", since="4.19.0")
    snapshottype = string("Which: MANUAL, RECURRING, HOURLY, DAILY, WEEKLY or MONTHLY")
    storageid = ref(nouns.STORAGE_POOL, "Only copies in this storage pool", since="4.19")
    volumeid = ref(nouns.VOLUME)
    zoneid = ref(nouns.ZONE)

    def run(self, ctx: Context) -> Body:
        role = {snapshot.PRIMARY: "Primary", snapshot.SECONDARY: "Image"}.get(self.locationtype)
        scope = self.scope(ctx, by_id=self.id is not None)
        given = {
            "keyword": self.keyword,
            "id": id_of(self.id),
            "ids": [row["id"] for row in self.ids] if self.ids else None,
            "tagged": snapshot.tagged(ctx, self.tags) if self.tags else None,
            "name": self.name,
            "volume": id_of(self.volumeid),
            "zone": id_of(self.zoneid),
            "types": snapshot.types(self.snapshottype, self.intervaltype if self.volumeid else None),
            "role": role,
            "pool": id_of(self.storageid),
            "store": id_of(self.imagestoreid),
            "unique": True if self.showunique else None,
        }
        return self.answer(ctx, snapshot.LISTING.page(ctx, given, self.paging(ctx), scope))


class DeleteSnapshot(AsyncCommand, name="deleteSnapshot", response=SUCCESS, event="SNAPSHOT.DELETE"):
    """Deletes a snapshot of a volume wherever it lies, or in one zone."""

    id = ref(nouns.SNAPSHOT, required=True)
    zoneid = ref(nouns.ZONE, "Where its copies are deleted; everywhere where it is not given", since="4.19.0")

    def run(self, ctx: Context) -> Body:
        access.must_own(ctx, nouns.SNAPSHOT, self.id)
        return {"jobid": snapshot_orders.delete(ctx, self.id, self.zoneid)}


class RevertSnapshot(AsyncCommand, name="revertSnapshot", response=SNAPSHOT, event="SNAPSHOT.REVERT"):
    """Takes a volume, which no machine runs with, back to a snapshot of it."""

    id = ref(nouns.SNAPSHOT, required=True)

    def run(self, ctx: Context) -> Body:
        access.must_own(ctx, nouns.SNAPSHOT, self.id)
        return {"jobid": snapshot_orders.revert(ctx, self.id)}


class ArchiveSnapshot(AsyncCommand, name="archiveSnapshot", response=SNAPSHOT, event="SNAPSHOT.OFF_PRIMARY"):
    """Takes a snapshot of a volume from its storage pool to an image store."""

    id = ref(nouns.SNAPSHOT, required=True)

    def run(self, ctx: Context) -> Body:
        access.must_own(ctx, nouns.SNAPSHOT, self.id)
        return {"jobid": snapshot_copy.archive(ctx, self.id)}


class CopySnapshot(AsyncCommand, name="copySnapshot", response=SNAPSHOT, event="SNAPSHOT.COPY", since="4.19.0"):
    """Copies a snapshot of a volume to image stores of other zones."""

    id = ref(nouns.SNAPSHOT, required=True)
    sourcezoneid = ref(nouns.ZONE, "The zone that it is copied from; where it is not given, the one its volume is in")
    destzoneid = ref(nouns.ZONE, "The zone that it is copied to")
    destzoneids = refs(nouns.ZONE, "The zones that it is copied to")
    storageids = refs(nouns.STORAGE_POOL, NO_POOLS, since="4.21.0")
    usestoragereplication = boolean(NO_REPLICATION, since="4.21.0")

    def run(self, ctx: Context) -> Body:
        access.must_own(ctx, nouns.SNAPSHOT, self.id)
        snapshot_orders.check_replication(self.storageids or (), self.usestoragereplication)
        zones = {zone["id"]: zone for zone in (self.destzoneid, *(self.destzoneids or ())) if zone is not None}
        return {"jobid": snapshot_copy.copy(ctx, self.id, list(zones.values()), self.sourcezoneid)}


class ExtractSnapshot(
    AsyncCommand, name="extractSnapshot", response=EXTRACT_SNAPSHOT, event="SNAPSHOT.EXTRACT", since="4.20.0"
):
    """Answers a URL that a snapshot of a volume can be fetched from, for a time."""

    id = ref(nouns.SNAPSHOT, required=True, since="4.20.0")
    zoneid = ref(nouns.ZONE, "The zone of the image store that it is fetched from", required=True, since="4.20.0")

    def run(self, ctx: Context) -> Body:
        access.must_own(ctx, nouns.SNAPSHOT, self.id)
        return {"jobid": snapshot_copy.order_extract(ctx, self.id, self.zoneid)}


class CreateSnapshotFromVMSnapshot(
    AsyncCommand, name="createSnapshotFromVMSnapshot", response=SNAPSHOT, event="SNAPSHOT.CREATE", since="4.10.0"
):
    """Makes a snapshot of a volume, of what it held when a snapshot of its virtual machine was made."""

    vmsnapshotid = ref(nouns.VM_SNAPSHOT, required=True)
    volumeid = ref(nouns.VOLUME, required=True)
    name = string("What it is called; where it is not given, a name made from the machine's, the volume's and the time")

    def run(self, ctx: Context) -> Body:
        access.must_own(ctx, nouns.VM_SNAPSHOT, self.vmsnapshotid)
        access.must_own(ctx, nouns.VOLUME, self.volumeid)
        uuid, job = snapshot_orders.create_from_machine(ctx, self.vmsnapshotid, self.volumeid, self.name)
        return {"id": uuid, "jobid": job}


class GetVolumeSnapshotDetails(Command, name="getVolumeSnapshotDetails", response=SNAPSHOT_DETAILS, reads=True):
    """Tells the iSCSI name of a snapshot of a volume; no storage here hands snapshots out by iSCSI, so none has one."""

    snapshotid = string("The id of the snapshot", required=True)

    def run(self, ctx: Context) -> Body:
        access.find(ctx, nouns.SNAPSHOT, self.snapshotid)
        return {"volumeiScsiName": {}}
