"""Volumes that were destroyed and belong to no machine any more: wiped when ``storage.cleanup.delay`` is over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import and_, bindparam, exists, or_, select

from cloudsim.agents.base import DeleteVolume
from cloudsim.core import states
from cloudsim.core.errors import CloudError, ResourceUnavailable
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.placement import allocate
from cloudsim.db.types import Big
from cloudsim.jobs.job import Order
from cloudsim.jobs.workflow import Workflow, workflow
from cloudsim.services import vm_plain, volume_orders
from cloudsim.services.context import Context

volume, pool, job = schema.volume, schema.storage_pool, schema.job
#: At most so many at a time: the rest has its turn at the next run.
BATCH = 200

_BUSY = exists().where(
    and_(job.c.instance_uuid == volume.c.uuid, or_(job.c.state == "queued", job.c.state == "running"))
)
_DUE = (
    select(volume)
    .where(
        volume.c.removed.is_(None),
        volume.c.vm_id.is_(None),
        or_(
            and_(volume.c.state == "Destroy", volume.c.destroyed < bindparam("before", type_=Big)),
            volume.c.state == "Expunging",
        ),
        ~_BUSY,
    )
    .order_by(volume.c.id)
    .limit(BATCH)
)
_VOLUME = (
    select(volume, pool.c.uuid.label("pool_uuid"))
    .select_from(volume.outerjoin(pool, volume.c.pool_id == pool.c.id))
    .where(volume.c.id == bindparam("volume_id", type_=Big))
)


def due(ctx: Context) -> int:
    """Orders the wiping of every volume whose time is over; answers how many there are."""
    if not ctx.settings.flag("storage.cleanup.enabled"):
        return 0
    rows = ctx.tx.all(_DUE, before=ctx.now - ctx.settings.number("storage.cleanup.delay") * 1000)
    for row in rows:
        order(ctx, row)
    return len(rows)


def order(ctx: Context, row: Row) -> str:
    """Orders the wiping of a destroyed volume; answers the job's uuid."""
    return ctx.submit(
        Order(
            command="deleteVolume",
            workflow="volume.wipe",
            arguments={"volume_id": row["id"]},
            instance_type="Volume",
            instance_uuid=row["uuid"],
            lock=f"volume:{row['uuid']}",
            event="VOLUME.DELETE",
            event_text=f"wiping volume {row['name']}",
            account_id=row["account_id"],
            domain_id=row["domain_id"],
        )
    )


def _move(ctx: Context, row: Row, event: str, **values: Any) -> None:
    after = states.volume.next(row["state"], event)
    ctx.tx.update(
        volume,
        {"id": row["id"]},
        state=after,
        update_count=row["update_count"] + 1,
        updated=ctx.now,
        **values,
    )


def begin(ctx: Context, volume_id: int) -> dict[str, Any]:
    """A destroyed volume is being expunged; answers what a host has to do, nothing where it lies nowhere."""
    row = ctx.tx.first(_VOLUME, volume_id=volume_id)
    if row is None or row["removed"] is not None or row["vm_id"] is not None:
        return {}
    if row["state"] not in ("Destroy", "Expunging"):
        return {}  # it was recovered meanwhile
    _move(ctx, row, "ExpungingRequested")
    if row["pool_id"] is None:
        return {}
    host_id = vm_plain.host_for_pool(ctx, row["pool_id"])
    if host_id is None:
        raise ResourceUnavailable(f"no host reaches the storage of volume {row['name']}")
    return {
        "host": vm_plain.address_of(ctx, host_id),
        "uuid": row["uuid"],
        "path": row["path"] or row["uuid"],
        "pool": row["pool_uuid"],
    }


def wiped(ctx: Context, volume_id: int) -> dict[str, Any]:
    """The volume is gone: its room is given back."""
    row = ctx.tx.first(_VOLUME, volume_id=volume_id)
    if row is not None and row["state"] == "Expunging":
        if row["pool_id"] is not None:
            allocate(ctx.tx, row["pool_id"], -row["size"])
        _move(ctx, row, "OperationSucceeded", removed=ctx.now)
        volume_orders.forget(ctx, row)
    return {"success": True}


def failed(ctx: Context, error: CloudError, volume_id: int, **_: Any) -> None:
    """The volume stays destroyed, until the next run."""
    row = ctx.tx.first(_VOLUME, volume_id=volume_id)
    if row is not None and row["state"] == "Expunging":
        _move(ctx, row, "OperationFailed")


async def remove(wf: Workflow[Context], plan: Mapping[str, Any]) -> None:
    """Has a host remove what `begin` said."""
    command = DeleteVolume(wf.command_id("delete"), plan["uuid"], plan["path"], plan["pool"])
    await wf.call(vm_plain.host_address(plan["host"]), command)


@workflow("volume.wipe", failed=failed)
async def wipe(wf: Workflow[Context], volume_id: int) -> None:
    """Removes a destroyed volume from its storage; where that fails it stays destroyed, until the next run."""
    plan = await wf.step("begin", begin, volume_id)
    if plan:
        await remove(wf, plan)
    await wf.finish(wiped, volume_id)
