"""Primary storage that shall rest: what runs on it stops before, and starts again after."""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, delete, func, or_, select

from cloudsim.core.errors import InvalidValue, OperationFailed
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.jobs.job import Order
from cloudsim.jobs.workflow import Workflow, workflow
from cloudsim.services import access
from cloudsim.services.cloud_machine import order
from cloudsim.services.context import Context
from cloudsim.services.nouns import STORAGE_POOL

pool, vm, volume, detail = schema.storage_pool, schema.vm, schema.volume, schema.detail

#: What remembers the machines that were stopped for it: details of this kind, named by the machines' uuids.
_STOPPED = "StorageMaintenance"
_HOLDING = ("Starting", "Running", "Stopping", "Migrating")
_ON = vm.c.id.in_(select(volume.c.vm_id).where(volume.c.pool_id == bindparam("pool_id"), volume.c.removed.is_(None)))
_HERE = select(vm).where(_ON, vm.c.removed.is_(None), any_of(vm.c.state, "states")).order_by(vm.c.id)
_LEFT = select(func.count()).select_from(vm).where(_ON, vm.c.removed.is_(None), any_of(vm.c.state, "states"))
_PREPARING = select(pool.c.name).where(
    pool.c.cluster_id == bindparam("cluster_id"), pool.c.status == "PrepareForMaintenance", pool.c.removed.is_(None)
)
_KEPT = (
    select(vm)
    .select_from(detail.join(vm, detail.c.name == vm.c.uuid))
    .where(
        detail.c.resource_type == _STOPPED,
        detail.c.resource_id == bindparam("pool_id"),
        vm.c.removed.is_(None),
        or_(vm.c.state == "Stopped", vm.c.state == "Stopping"),
    )
    .order_by(vm.c.id)
)
_FORGET = delete(detail).where(detail.c.resource_type == _STOPPED, detail.c.resource_id == bindparam("pool_id"))


def _order(ctx: Context, row: Row, workflow_name: str, event: str, text: str) -> str:
    return ctx.submit(
        Order(
            command=ctx.command,
            workflow=workflow_name,
            arguments={"pool_id": row["id"]},
            instance_type="StoragePool",
            instance_uuid=row["uuid"],
            lock=f"storagepool:{row['uuid']}",
            event=event,
            event_text=f"{text} storage pool {row['name']}",
        )
    )


def _can_rest(ctx: Context, row: Row) -> None:
    if row["status"] not in ("Up", "Disabled", "ErrorInMaintenance"):
        raise InvalidValue(f"storage pool {row['name']} is {row['status']}: it cannot be put in maintenance")
    other = ctx.tx.scalar(_PREPARING, cluster_id=row["cluster_id"]) if row["cluster_id"] is not None else None
    if other is not None:
        raise InvalidValue(f"storage pool {other} of the same cluster is being put in maintenance: one at a time")


def enable(ctx: Context, row: Row) -> str:
    """Orders that what runs on a pool stops and it goes to maintenance; answers the job's uuid. Raises `InvalidValue`."""
    _can_rest(ctx, row)
    return _order(ctx, row, "storage.maintain", "MAINT.PREPARE.PS", "preparing maintenance of")


def _asked(ctx: Context, pool_id: int) -> list[str]:
    row = access.alive(ctx, STORAGE_POOL, pool_id)
    _can_rest(ctx, row)
    ctx.tx.update(pool, {"id": pool_id}, status="PrepareForMaintenance")
    ctx.tx.execute(_FORGET, pool_id=pool_id)
    jobs = []
    for machine in ctx.tx.all(_HERE, pool_id=pool_id, states=list(_HOLDING)):
        ctx.tx.insert(
            detail, resource_type=_STOPPED, resource_id=pool_id, name=machine["uuid"], value="", display=False
        )
        jobs.append(order(ctx, machine, "virtualmachine.stop", "STOP", "stopping"))
    return jobs


def _settle(ctx: Context, pool_id: int) -> int:
    left = int(ctx.tx.scalar(_LEFT, pool_id=pool_id, states=list(_HOLDING)))
    row = access.alive(ctx, STORAGE_POOL, pool_id)
    if row["status"] == "PrepareForMaintenance":
        ctx.tx.update(pool, {"id": pool_id}, status="ErrorInMaintenance" if left else "Maintenance")
    return left


def _shown(ctx: Context, pool_id: int) -> dict[str, Any]:
    return {"storagepool": ctx.present("storagepool", pool_id)[0]}


@workflow("storage.maintain")
async def _maintain(wf: Workflow[Context], pool_id: int) -> None:
    await wf.ended(await wf.step("asked", _asked, pool_id))
    left = await wf.step("settle", _settle, pool_id)
    if left:
        raise OperationFailed(f"{left} virtual machine(s) on the storage could not be stopped: see their jobs")
    await wf.finish(_shown, pool_id)


def cancel(ctx: Context, row: Row) -> str:
    """Orders that a pool serves again and what was stopped for it starts; answers the job's uuid. Raises `InvalidValue`."""
    if row["status"] not in ("Maintenance", "ErrorInMaintenance", "PrepareForMaintenance"):
        raise InvalidValue(f"storage pool {row['name']} is {row['status']}: it is not in maintenance")
    return _order(ctx, row, "storage.cancel-maintenance", "MAINT.CANCEL.PS", "ending maintenance of")


def _cancelled(ctx: Context, pool_id: int) -> list[str]:
    access.alive(ctx, STORAGE_POOL, pool_id)
    ctx.tx.update(pool, {"id": pool_id}, status="Up")
    return [
        order(ctx, machine, "virtualmachine.start", "START", "starting")
        for machine in ctx.tx.all(_KEPT, pool_id=pool_id)
    ]


def _done(ctx: Context, pool_id: int) -> dict[str, Any]:
    ctx.tx.execute(_FORGET, pool_id=pool_id)
    return _shown(ctx, pool_id)


@workflow("storage.cancel-maintenance")
async def _cancel(wf: Workflow[Context], pool_id: int) -> None:
    await wf.ended(await wf.step("cancelled", _cancelled, pool_id))
    await wf.finish(_done, pool_id)


def sync(row: Row) -> str:
    """Only storage whose parts another system arranges can be out of step with it: this server has none."""
    raise InvalidValue(f"storage pool {row['name']} is a {row['type']}: only a DatastoreCluster is kept in step")
