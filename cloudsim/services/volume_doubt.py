"""Volumes that were to be attached or detached when the host did not answer: made as the list says once it does."""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, exists, or_, select

from cloudsim.agents.base import AttachVolume, DetachVolume, DiskSpec
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.jobs.job import Order
from cloudsim.jobs.workflow import Workflow, workflow
from cloudsim.services import access, virtualmachine, volume_orders
from cloudsim.services.context import Context
from cloudsim.services.nouns import VIRTUAL_MACHINE
from cloudsim.services.vm_plain import Plain, address_of, host_address

table, vm, job = schema.volume, schema.vm, schema.job

_BUSY = exists().where(
    and_(
        job.c.instance_uuid == table.c.uuid,
        job.c.workflow == "volume.settle",
        or_(job.c.state == "queued", job.c.state == "running"),
    )
)
_DOUBTED = (
    select(table)
    .select_from(
        table.join(vm, table.c.doubt_vm_id == vm.c.id).outerjoin(schema.host, vm.c.host_id == schema.host.c.id)
    )
    .where(
        table.c.doubt_vm_id.is_not(None),
        table.c.removed.is_(None),
        or_(vm.c.host_id.is_(None), schema.host.c.status == "Up"),
        ~_BUSY,
    )
    .order_by(table.c.id)
    .limit(200)
)


def due(ctx: Context) -> int:
    """Orders that every doubt is settled whose host answers again; answers how many there are."""
    rows = ctx.tx.all(_DOUBTED)
    for row in rows:
        machine = access.row(ctx, VIRTUAL_MACHINE, row["doubt_vm_id"])
        ctx.submit(
            Order(
                command="",
                workflow="volume.settle",
                arguments={"volume_id": row["id"], "vm_id": machine["id"]},
                instance_type="Volume",
                instance_uuid=row["uuid"],
                lock=virtualmachine.lock(machine),
                account_id=row["account_id"],
                domain_id=row["domain_id"],
            )
        )
    return len(rows)


def _look(ctx: Context, volume_id: int, vm_id: int) -> Plain:
    row = volume_orders.alive(ctx, volume_id)
    machine = access.row(ctx, VIRTUAL_MACHINE, vm_id)
    if row["doubt_vm_id"] != vm_id or machine["removed"] is not None or machine["state"] != "Running":
        return {}  # what runs again was started with the disks that it has
    return {
        "host": address_of(ctx, machine["host_id"]),
        "machine": [machine["uuid"], machine["instance_name"]],
        "disk": [row["uuid"], row["path"], row["pool_uuid"], row["size"], row["device_id"]],
        "attach": row["vm_id"] == vm_id,
    }


def _settled(ctx: Context, volume_id: int, vm_id: int) -> dict[str, Any]:
    row = volume_orders.alive(ctx, volume_id)
    if row["doubt_vm_id"] == vm_id:
        _unless_unknown(ctx, row, access.row(ctx, VIRTUAL_MACHINE, vm_id))
    return {"success": True}


def _unless_unknown(ctx: Context, row: Row, machine: Row) -> None:
    if machine["removed"] is None:
        volume_orders.refuse_unknown_power(ctx, machine)
    volume_orders.write(ctx, row, doubt_vm_id=None)


@workflow("volume.settle")
async def run(wf: Workflow[Context], volume_id: int, vm_id: int) -> None:
    """Makes a machine have a volume on its host, or not have it, as the list says."""
    plan = await wf.step("look", _look, volume_id, vm_id)
    if plan:
        host, (uuid, name), (volume, path, pool, size, device) = plan["host"], plan["machine"], plan["disk"]
        if plan["attach"]:
            spec = DiskSpec(volume, path, pool, size, device, "DATADISK")
            await wf.call(host_address(host), AttachVolume(wf.command_id("attach"), uuid, name, spec))
        else:
            await wf.call(host_address(host), DetachVolume(wf.command_id("detach"), uuid, name, volume, path, pool))
    await wf.finish(_settled, volume_id, vm_id)
