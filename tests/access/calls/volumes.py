"""Volumes that no machine has, and what is done with volumes."""

from __future__ import annotations

from typing import Any

from access_cast import Cast
from access_rows import Row, thing

from cloudsim.db import schema


async def _made(cast: Cast, owner: dict[str, Any], **more: Any) -> str:
    zone = cast.one("SELECT id FROM zone WHERE uuid = ?", cast.id("zone", owner))[0]
    offering = cast.one("SELECT id FROM disk_offering WHERE name = 'Small'")[0]
    given = {"type": "DATADISK", "state": "Allocated", "size": 2**30, "zone_id": zone, "disk_offering_id": offering}
    return await cast.insert(schema.volume, name="a disk", **given, **more, **cast.owned(owner))


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


DESTROYED = "UPDATE volume SET state = 'Destroy' WHERE uuid = :id"
#: The cast's machines have snapshots, and so keep their disks.
NO_SNAPSHOTS = "UPDATE vm_snapshot SET removed = 1 WHERE :id <> ''"

ROWS = [
    Row("createVolume", name="made", zoneid="@zone", diskofferingid="@smallofferingofdisks"),
    Row("attachVolume", "disk", given=NO_SNAPSHOTS, virtualmachineid="@virtualmachine"),
    Row("detachVolume", "attacheddisk", given=NO_SNAPSHOTS),
    Row("deleteVolume", "disk"),
    Row("destroyVolume", "disk"),
    Row("recoverVolume", "disk", given=DESTROYED),
]
