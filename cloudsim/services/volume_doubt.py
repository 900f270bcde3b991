"""Volumes of which nobody knows whether a host did what it was asked: made as the list says once a host answers.

One that was to be attached or detached is attached or detached; one that was to be moved is brought back to where it was;
one that was to be resized gets the size that it is listed with.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, exists, or_, select

from cloudsim.agents.base import AttachVolume, DetachVolume, DiskSpec, MigrateVolume, ResizeVolume
from cloudsim.core.errors import ResourceUnavailable
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.placement import allocate
from cloudsim.jobs.job import Order
from cloudsim.jobs.workflow import Workflow, workflow
from cloudsim.services import access, volume_orders
from cloudsim.services.context import Context
from cloudsim.services.nouns import HOST, STORAGE_POOL, VIRTUAL_MACHINE
from cloudsim.services.vm_plain import Plain, address_of, host_address, host_for_pool

table, job = schema.volume, schema.job

_BUSY = exists().where(
    and_(
        job.c.instance_uuid == table.c.uuid,
        job.c.workflow == "volume.settle",
        or_(job.c.state == "queued", job.c.state == "running"),
    )
)
_DOUBTED = (
    select(table)
    .where(
        or_(table.c.doubt_vm_id.is_not(None), table.c.target_pool_id.is_not(None), table.c.resizing.is_not(None)),
        table.c.state == "Ready",
        table.c.removed.is_(None),
        ~_BUSY,
    )
    .order_by(table.c.id)
    .limit(200)
)


def due(ctx: Context) -> int:
    """Orders that every doubt is settled whose host answers again; answers how many there are."""
    rows = [row for row in ctx.tx.all(_DOUBTED) if _host(ctx, row) is not None]
    for row in rows:
        vm_id = row["doubt_vm_id"] or row["vm_id"]
        machine = access.row(ctx, VIRTUAL_MACHINE, vm_id) if vm_id is not None else None
        ctx.submit(
            Order(
                command="",
                workflow="volume.settle",
                arguments={"volume_id": row["id"], "vm_id": vm_id},
                instance_type="Volume",
                instance_uuid=row["uuid"],
                lock=volume_orders.lock(row, machine),
                account_id=row["account_id"],
                domain_id=row["domain_id"],
            )
        )
    return len(rows)


def _host(ctx: Context, row: Row) -> int | None:
    """The host that is asked: its machine's, or one that reaches its pool; 0: none has to be. None: none answers."""
    vm_id = row["doubt_vm_id"] or row["vm_id"]
    machine = access.row(ctx, VIRTUAL_MACHINE, vm_id) if vm_id is not None else None
    if machine is not None and machine["host_id"] is not None and machine["removed"] is None:
        up = access.row(ctx, HOST, machine["host_id"])["status"] == "Up"
        return int(machine["host_id"]) if up and machine["state"] == "Running" else None
    if row["doubt_vm_id"] is not None:
        unknown = machine is not None and machine["removed"] is None and volume_orders.doubtful_host(ctx, machine)
        return None if unknown else 0  # what runs again is started with the disks that it has
    return host_for_pool(ctx, row["pool_id"])


def _look(ctx: Context, volume_id: int, vm_id: int | None) -> Plain:
    row = volume_orders.alive(ctx, volume_id)
    host_id = _host(ctx, row)
    if host_id is None:
        raise ResourceUnavailable("the host does not answer yet")
    if (row["doubt_vm_id"] or row["vm_id"]) != vm_id or row["state"] != "Ready":
        raise ResourceUnavailable("the volume was changed meanwhile")
    machine = access.row(ctx, VIRTUAL_MACHINE, vm_id) if vm_id is not None and host_id else None
    if host_id == 0:
        return {}
    made: Plain = {
        "host": address_of(ctx, host_id),
        "machine": [machine["uuid"], machine["instance_name"]] if machine and machine["host_id"] == host_id else None,
        "disk": [row["uuid"], row["path"], row["pool_uuid"], row["size"], row["device_id"]],
    }
    if row["doubt_vm_id"] is not None:
        made["attached"] = row["vm_id"] == vm_id
    if row["target_pool_id"] is not None:
        made["target"] = access.row(ctx, STORAGE_POOL, row["target_pool_id"])["uuid"]
    made["resized"] = row["resizing"] is not None
    return made


def _settled(ctx: Context, volume_id: int, vm_id: int | None) -> dict[str, Any]:
    row = volume_orders.alive(ctx, volume_id)
    if (row["doubt_vm_id"] or row["vm_id"]) != vm_id or row["state"] != "Ready":
        return {"success": False}
    if row["doubt_vm_id"] is not None:
        machine = access.row(ctx, VIRTUAL_MACHINE, row["doubt_vm_id"])
        if machine["removed"] is None:
            volume_orders.refuse_unknown_power(ctx, machine)
    if row["target_pool_id"] is not None:
        allocate(ctx.tx, row["target_pool_id"], -row["size"])
    volume_orders.write(ctx, row, doubt_vm_id=None, target_pool_id=None, resizing=None)
    return {"success": True}


@workflow("volume.settle")
async def run(wf: Workflow[Context], volume_id: int, vm_id: int | None) -> None:
    """Makes a volume on its host and in its pool what it is in the list."""
    plan = await wf.step("look", _look, volume_id, vm_id)
    if plan:
        host, (volume, path, pool, size, device) = host_address(plan["host"]), plan["disk"]
        machine = tuple(plan["machine"]) if plan["machine"] else None
        if "target" in plan:
            await wf.call(
                host, MigrateVolume(wf.command_id("back"), volume, path, plan["target"], pool, machine=machine)
            )
        if plan["resized"]:
            await wf.call(host, ResizeVolume(wf.command_id("size"), volume, path, pool, size, machine=machine))
        if "attached" in plan and machine is not None:
            if plan["attached"]:
                spec = DiskSpec(volume, path, pool, size, device, "DATADISK")
                await wf.call(host, AttachVolume(wf.command_id("attach"), machine[0], machine[1], spec))
            else:
                command = DetachVolume(wf.command_id("detach"), machine[0], machine[1], volume, path, pool)
                await wf.call(host, command)
    await wf.finish(_settled, volume_id, vm_id)
