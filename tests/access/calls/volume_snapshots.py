"""Snapshots of volumes and their policies."""

from __future__ import annotations

from typing import Any

from access_cast import Cast
from access_rows import Row, thing

from cloudsim.db import schema


@thing("snapshot", needs=("virtualmachine",))
async def _snapshot(cast: Cast, **owner: Any) -> str:
    machine = cast.id("virtualmachine", owner)
    volume, zone, size = cast.one(
        "SELECT id, zone_id, size FROM volume WHERE vm_id = (SELECT id FROM vm WHERE uuid = ?) AND type = 'ROOT'",
        machine,
    )
    (pool,) = cast.one("SELECT min(id) FROM storage_pool WHERE zone_id = ?", zone)
    given = {"volume_id": volume, "zone_id": zone, "size": size, "hypervisor": "Simulator", "location": "PRIMARY"}
    made = await cast.insert(
        schema.snapshot, interval_type="MANUAL", state="BackedUp", quiesced=False, **given, **cast.owned(owner)
    )
    (row_id,) = cast.one("SELECT id FROM snapshot WHERE uuid = ?", made)
    values = {"snapshot_id": row_id, "zone_id": zone, "pool_id": pool, "role": "Primary", "state": "Ready"}
    await cast.server.db.write(
        lambda tx: tx.insert(schema.snapshot_store, **values, store_id=None, path="p", physical_size=0, created=0)
    )
    return made


@thing("snapshotpolicy", needs=("virtualmachine",))
async def _policy(cast: Cast, **owner: Any) -> str:
    machine = cast.id("virtualmachine", owner)
    (volume,) = cast.one(
        "SELECT id FROM volume WHERE vm_id = (SELECT id FROM vm WHERE uuid = ?) AND type = 'ROOT'", machine
    )
    given = {"schedule": "1", "timezone": "UTC", "interval_type": "HOURLY", "max_snaps": 1, "zone_ids": []}
    return await cast.insert(schema.snapshot_policy, volume_id=volume, **given, **cast.owned(owner))


POOL = "state = 'Ready', pool_id = (SELECT min(id) FROM storage_pool)"
READY = f"UPDATE volume SET {POOL} WHERE uuid = :id"
OF_SNAPSHOT = "(SELECT volume_id FROM snapshot WHERE uuid = :id)"
ON_STORE = (
    "UPDATE snapshot_store SET role = 'Image', pool_id = NULL, store_id = (SELECT min(id) FROM image_store)"
    " WHERE snapshot_id = (SELECT id FROM snapshot WHERE uuid = :id)"
)
ROWS = [
    Row("createSnapshot", "volume", by="volumeid", given=READY),
    Row("listSnapshots", "snapshot"),
    Row("deleteSnapshot", "snapshot"),
    Row("revertSnapshot", "snapshot", given=f"UPDATE volume SET {POOL}, vm_id = NULL WHERE id = {OF_SNAPSHOT}"),
    Row(
        "createSnapshotFromVMSnapshot",
        "vmsnapshot",
        by="vmsnapshotid",
        volumeid="@volume",
        answers=431,
        why="the volume of the cast came after the snapshot of the machine",
    ),
    Row("getVolumeSnapshotDetails", "snapshot", by="snapshotid", shows=False),
    Row("archiveSnapshot", "snapshot"),
    Row(
        "copySnapshot",
        "snapshot",
        destzoneids="@zone",
        given=ON_STORE,
        answers=431,
        why="there is one zone, which has it",
    ),
    Row("extractSnapshot", "snapshot", zoneid="@zone", given=ON_STORE),
    Row("createTemplate", "snapshot", by="snapshotid", name="made", ostypeid="@ownostype"),
    Row("createTemplate", "volume", by="volumeid", name="made", ostypeid="@ownostype", given=READY),
    Row(
        "createSnapshotPolicy",
        "volume",
        by="volumeid",
        intervaltype="DAILY",
        schedule="0:0",
        timezone="UTC",
        maxsnaps=1,
        given=READY,
    ),
    Row("updateSnapshotPolicy", "snapshotpolicy", fordisplay=False),
    Row("deleteSnapshotPolicies", "snapshotpolicy"),
    Row("listSnapshotPolicies", "snapshotpolicy"),
]
