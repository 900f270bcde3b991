"""Volumes change: their size, offering, storage, name, owner; and are looked into."""

from __future__ import annotations

from typing import Any

from cloudsim.api.command import AsyncCommand, Body, Command, ListCommand, id_of
from cloudsim.api.params import boolean, long, ref, string
from cloudsim.api.responses.base import Response
from cloudsim.api.responses.extract import EXTRACT_VOLUME
from cloudsim.api.responses.storagepool import STORAGE_POOL as POOL
from cloudsim.api.responses.volume import VOLUME
from cloudsim.core.errors import InvalidValue
from cloudsim.services import access, volume_extract, volume_migrate, volume_orders, volume_resize, volume_update
from cloudsim.services.context import Context
from cloudsim.services.nouns import ACCOUNT, DISK_OFFERING, PROJECT, STORAGE_POOL, ZONE
from cloudsim.services.nouns import VOLUME as NOUN

PATH = Response("apipathforvolume", string="path")


class ResizeVolume(AsyncCommand, name="resizeVolume", response=VOLUME, event="VOLUME.RESIZE"):
    """Resizes a volume, also while its virtual machine runs."""

    id = ref(NOUN, required=True)
    size = long("GiB that it shall have")
    diskofferingid = ref(DISK_OFFERING, "Another disk offering that it gets")
    miniops = long("Least operations a second, where the disk offering leaves them open")
    maxiops = long("Most operations a second, where the disk offering leaves them open")
    shrinkok = boolean("Whether it may become smaller: what lies behind its new end is lost")
    automigrate = boolean(
        "Whether it may move to other storage where the new disk offering asks for that", since="4.20.1"
    )

    def run(self, ctx: Context) -> Body:
        access.must_own(ctx, NOUN, self.id)
        return {"jobid": volume_resize.resize(ctx, self.id, self.wanted())}

    def wanted(self) -> volume_resize.Wanted:
        """What is asked for. Raises `InvalidValue`."""
        if self.size is not None and not 0 < self.size < 2**30:
            raise InvalidValue("size takes a number of GiB above 0")
        return volume_resize.Wanted(
            offering_id=id_of(self.diskofferingid),
            size=self.size,
            min_iops=self.miniops,
            max_iops=self.maxiops,
            shrink=bool(self.shrinkok),
            auto_migrate=bool(self.automigrate),
        )


class ChangeOfferingForVolume(
    ResizeVolume,
    name="changeOfferingForVolume",
    response=VOLUME,
    event="VOLUME.CHANGE.DISK.OFFERING",
    since="4.17",
):
    """Gives a volume another disk offering, and the size and storage that go with it."""

    diskofferingid = ref(DISK_OFFERING, "The disk offering that it gets", required=True)
    automigrate = boolean("Whether it may move to other storage where the new disk offering asks for that")


class MigrateVolume(AsyncCommand, name="migrateVolume", response=VOLUME, event="VOLUME.MIGRATE", since="3.0.0"):
    """Moves a volume to another storage pool."""

    volumeid = ref(NOUN, required=True)
    storageid = ref(STORAGE_POOL, "The storage pool it goes to", required=True)
    livemigrate = boolean("Whether it may move while its virtual machine runs")
    newdiskofferingid = ref(DISK_OFFERING, "The disk offering that it gets with that")

    def run(self, ctx: Context) -> Body:
        access.must_own(ctx, NOUN, self.volumeid)
        job = volume_migrate.migrate(
            ctx, self.volumeid, self.storageid, live=bool(self.livemigrate), offering=self.newdiskofferingid
        )
        return {"jobid": job}


class FindStoragePoolsForMigration(ListCommand, name="findStoragePoolsForMigration", response=POOL):
    """Finds the storage pools that a volume could move to."""

    id = ref(NOUN, required=True)

    def run(self, ctx: Context) -> Body:
        found = volume_migrate.pools_for(ctx, self.id, self.keyword)
        page = self.paging(ctx)
        part = found[page.offset : page.offset + page.limit]
        objects = ctx.present("storagepool", *(pool_id for pool_id, _ in part))
        for one, (_, fit) in zip(objects, part, strict=True):
            one.update(suitableformigration=fit)
        return self.body(objects, len(found))


class UpdateVolume(AsyncCommand, name="updateVolume", response=VOLUME, event="VOLUME.UPDATE"):
    """Updates a volume."""

    id = ref(NOUN)
    name = string(since="4.16")
    deleteprotection = boolean(since="4.20.0")
    displayvolume = boolean("Whether users see it; for root admins")
    customid = string("The id it shall have; for root admins", since="4.4")
    path = string("Where it lies in its storage pool; for root admins, to correct what is recorded")
    state = string("Ready or Allocated; for root admins, to correct what is recorded", since="4.3")
    storageid = ref(STORAGE_POOL, "Where it lies; for root admins, to correct what is recorded", since="4.3")
    chaininfo = string("What it is made of; for root admins, who write it down", since="4.4")

    def run(self, ctx: Context) -> Body:
        if self.id is None:
            raise InvalidValue("say which volume: id")
        access.must_own(ctx, NOUN, self.id)
        values: dict[str, Any] = {
            "name": self.name,
            "delete_protection": self.deleteprotection,
            "display": self.displayvolume,
            "uuid": access.custom_id(self.customid),
            "path": self.path,
            "state": self.state,
            "pool_id": id_of(self.storageid),
            "chain_info": self.chaininfo,
        }
        given = {name: value for name, value in values.items() if value is not None}
        return {"jobid": volume_update.update(ctx, self.id, given)}


class AssignVolume(Command, name="assignVolume", response=VOLUME, event="VOLUME.UPDATE", since="4.18.0.0"):
    """Gives a volume that no virtual machine has to another account or project."""

    volumeid = ref(NOUN, required=True)
    accountid = ref(ACCOUNT, "The account that gets it")
    projectid = ref(PROJECT, "The project that gets it")

    def run(self, ctx: Context) -> Body:
        access.must_own(ctx, NOUN, self.volumeid)
        if (self.accountid is None) == (self.projectid is None):
            raise InvalidValue("name the new owner: accountid or projectid")
        account = self.accountid or access.account_of(ctx, None, None, self.projectid)
        volume_update.assign(ctx, self.volumeid, account)
        return {"volume": ctx.present("volume", self.volumeid["id"])[0]}


class CheckVolume(AsyncCommand, name="checkVolume", response=VOLUME, event="VOLUME.CHECK", since="4.19.1"):
    """Checks whether a volume is whole, and repairs it."""

    id = ref(NOUN, required=True)
    repair = string("What is repaired; only looked at if not given", values=("leaks", "all"))

    def run(self, ctx: Context) -> Body:
        access.must_own(ctx, NOUN, self.id)
        return {"jobid": volume_extract.check(ctx, volume_orders.full(ctx, self.id), self.repair)}


class ExtractVolume(AsyncCommand, name="extractVolume", response=EXTRACT_VOLUME, event="VOLUME.EXTRACT"):
    """Makes a URL that a volume can be fetched from for a time."""

    id = ref(NOUN, required=True)
    zoneid = ref(ZONE, "The zone it is in", required=True)
    mode = string("HTTP_DOWNLOAD: to be fetched from a URL; nothing is sent to others' URLs here", required=True)
    url = string("Where it would be sent to in mode FTP_UPLOAD, which this server does not have", length=2048)

    def run(self, ctx: Context) -> Body:
        access.must_own(ctx, NOUN, self.id)
        return {"jobid": volume_extract.order(ctx, self.id, self.zoneid, self.mode, self.url)}


class GetPathForVolume(Command, name="getPathForVolume", response=PATH, reads=True):
    """Tells where a volume lies in its storage pool."""

    volumeid = string("The volume", required=True)

    def run(self, ctx: Context) -> Body:
        row = access.find(ctx, NOUN, self.volumeid)
        if row["path"] is None:
            raise InvalidValue(f"volume {row['name']} lies nowhere yet")
        return {PATH.name: {"path": row["path"]}}
