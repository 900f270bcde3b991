"""Volumes that no machine has, and what is done with volumes."""

from __future__ import annotations

import itertools
from typing import Any

from access_cast import Cast
from access_rows import Row, thing

from cloudsim.db import schema


async def _made(cast: Cast, owner: dict[str, Any], **more: Any) -> str:
    zone = cast.one("SELECT id FROM zone WHERE uuid = ?", cast.id("zone", owner))[0]
    offering = cast.one("SELECT id FROM disk_offering WHERE name = 'Small'")[0]
    given: dict[str, Any] = {
        "type": "DATADISK",
        "state": "Allocated",
        "size": 2**30,
        "zone_id": zone,
        "disk_offering_id": offering,
    }
    return await cast.insert(schema.volume, name="a disk", **{**given, **more}, **cast.owned(owner))


@thing("disk")
async def _disk(cast: Cast, **owner: Any) -> str:
    return await _made(cast, owner)


@thing("attacheddisk", needs=("virtualmachine",))
async def _attached(cast: Cast, **owner: Any) -> str:
    machine = cast.one("SELECT id FROM vm WHERE uuid = ?", cast.id("virtualmachine", owner))[0]
    return await _made(cast, owner, vm_id=machine, device_id=5)


@thing("smallofferingofdisks", owned="public")
async def _offering(cast: Cast, **owner: Any) -> str:
    return str(cast.one("SELECT uuid FROM disk_offering WHERE name = 'Small'")[0])


@thing("readydisk")
async def _ready(cast: Cast, **owner: Any) -> str:
    pool = cast.one("SELECT id FROM storage_pool ORDER BY id LIMIT 1")[0]
    return await _made(cast, owner, state="Ready", pool_id=pool, path="there")


@thing("otherpool", owned="cloud")
async def _pool(cast: Cast, **owner: Any) -> str:
    given = {"zoneid": cast.id("zone", owner), "name": "other", "url": "nfs://10.9.9.9/other", "scope": "ZONE"}
    made = await cast.api.call("createStoragePool", hypervisor="Simulator", **given)
    return made["storagepool"]["id"]


@thing("mediumofferingofdisks", owned="public")
async def _medium(cast: Cast, **owner: Any) -> str:
    return str(cast.one("SELECT uuid FROM disk_offering WHERE name = 'Medium'")[0])


@thing("receiver")
async def _receiver(cast: Cast, **owner: Any) -> str:
    """An account in the domain of the owner."""
    domain = cast.owned(owner)["domain_id"]
    given = {"name": f"receiver{next(_NUMBERS)}", "type": 0, "state": "enabled", "role_id": 4}
    return await cast.insert(schema.account, **given, domain_id=domain)


_NUMBERS = itertools.count()
FOUND = [{"path": "there", "name": "there", "size": 2**30, "physical_size": 1, "format": "RAW"}]
DESTROYED = "UPDATE volume SET state = 'Destroy' WHERE uuid = :id"
#: The cast's machines have snapshots, and so keep their disks.
NO_SNAPSHOTS = "UPDATE vm_snapshot SET removed = 1 WHERE :id <> ''"

BROUGHT = {"name": "made", "format": "QCOW2", "zoneid": "@zone"}

ROWS = [
    Row("createVolume", name="made", zoneid="@zone", diskofferingid="@smallofferingofdisks"),
    Row("uploadVolume", **BROUGHT, url="http://images.example.com/a.qcow2"),
    Row("getUploadParamsForVolume", **BROUGHT),
    Row("attachVolume", "disk", given=NO_SNAPSHOTS, virtualmachineid="@virtualmachine"),
    Row("detachVolume", "attacheddisk", given=NO_SNAPSHOTS),
    Row("deleteVolume", "disk"),
    Row("destroyVolume", "disk"),
    Row("recoverVolume", "disk", given=DESTROYED),
    Row("resizeVolume", "disk", diskofferingid="@mediumofferingofdisks"),
    Row("changeOfferingForVolume", "disk", diskofferingid="@mediumofferingofdisks"),
    Row("migrateVolume", "readydisk", by="volumeid", storageid="@otherpool"),
    Row("findStoragePoolsForMigration", "readydisk", shows=False, listed=False),
    Row("updateVolume", "disk", name="renamed"),
    Row("assignVolume", "disk", by="volumeid", accountid="@receiver"),
    Row("checkVolume", "readydisk"),
    Row("extractVolume", "readydisk", zoneid="@zone", mode="HTTP_DOWNLOAD"),
    Row("getPathForVolume", "readydisk", by="volumeid"),
    Row("listVolumesForImport", "otherpool", by="storageid", shows=False, listed=False, prepared={"found": []}),
    Row("importVolume", "otherpool", by="storageid", path="there", prepared={"found": FOUND}),
    Row("unmanageVolume", "readydisk"),
]
