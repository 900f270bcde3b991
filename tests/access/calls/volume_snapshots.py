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


READY = "UPDATE volume SET state = 'Ready', pool_id = (SELECT min(id) FROM storage_pool) WHERE uuid = :id"
ROWS = [
    Row("createSnapshot", "volume", by="volumeid", given=READY),
    Row("listSnapshots", "snapshot"),
    Row("deleteSnapshot", "snapshot"),
    Row(
        "revertSnapshot",
        "snapshot",
        given="UPDATE volume SET state = 'Ready', vm_id = NULL, pool_id = (SELECT min(id) FROM storage_pool) WHERE id ="
        " (SELECT volume_id FROM snapshot WHERE uuid = :id)",
    ),
]
