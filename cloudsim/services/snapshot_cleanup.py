"""What is left over of snapshots of volumes: those that failed, and copies that nobody knows of whether they are there."""

from __future__ import annotations

from sqlalchemy import and_, exists, or_, select

from cloudsim.db import schema
from cloudsim.jobs.workflow import Workflow, workflow
from cloudsim.services import snapshot
from cloudsim.services import snapshot_orders as orders
from cloudsim.services import snapshot_workflows as steps
from cloudsim.services.context import Context
from cloudsim.services.nouns import SNAPSHOT
from cloudsim.services.vm_plain import Plain

table, store, job = schema.snapshot, schema.snapshot_store, schema.job
#: At most so many at a time: the rest has its turn at the next run.
BATCH = 200

_BUSY = exists().where(
    and_(job.c.instance_uuid == table.c.uuid, or_(job.c.state == "queued", job.c.state == "running"))
)
_LEFT = exists().where(store.c.snapshot_id == table.c.id, store.c.state == "Destroying")
_DUE = (
    select(table)
    .where(
        table.c.removed.is_(None),
        or_(table.c.state == "Error", and_(table.c.state == "BackedUp", _LEFT)),
        ~_BUSY,
    )
    .order_by(table.c.id)
    .limit(BATCH)
)


def due(ctx: Context) -> int:
    """Orders that what is left over is removed; answers of how many snapshots there is some."""
    if not ctx.settings.flag("storage.cleanup.enabled"):
        return 0
    rows = ctx.tx.all(_DUE)
    ctx.command = "deleteSnapshot"
    for row in rows:
        event = "SNAPSHOT.DELETE" if row["state"] == "Error" else None
        orders.order(ctx, row, "snapshot.cleanup", event, f"removing what is left of snapshot {row['name']}")
    return len(rows)


def _begin(ctx: Context, snapshot_id: int) -> Plain:
    row = ctx.tx.first(SNAPSHOT.by_id, row_id=snapshot_id)
    if row is None or row["removed"] is not None or row["state"] not in ("Error", "BackedUp"):
        return {"copies": []}
    left = [one for one in snapshot.places(ctx, [snapshot_id]) if one["state"] == "Destroying"]
    return {"copies": [steps.told_to_remove(ctx, row, one) for one in left]}


def _end(ctx: Context, snapshot_id: int) -> Plain:
    row = ctx.tx.first(SNAPSHOT.by_id, row_id=snapshot_id)
    if row is not None and row["removed"] is None and not snapshot.places(ctx, [snapshot_id]):
        if row["state"] == "BackedUp":  # it was to be deleted
            row = snapshot.move(ctx, row, "DestroyRequested")
        if row["state"] in ("Error", "Destroying"):
            steps.gone(ctx, row)
    return {"success": True}


@workflow("snapshot.cleanup")
async def cleanup(wf: Workflow[Context], snapshot_id: int) -> None:
    """Removes what is left over of one snapshot; where that fails it is left for the next run."""
    plan = await wf.step("begin", _begin, snapshot_id)
    await steps.run_removal(wf, plan["copies"])
    await wf.finish(_end, snapshot_id)
