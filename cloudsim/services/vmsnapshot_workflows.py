"""Snapshots of virtual machines, step by step."""

from __future__ import annotations

from sqlalchemy import bindparam, select

from cloudsim.agents.base import (
    AgentError,
    CreateMachineSnapshot,
    DeleteMachineSnapshot,
    HostUnreachable,
    RevertMachineSnapshot,
)
from cloudsim.core.errors import CloudError, InvalidValue, OperationFailed, ResourceUnavailable
from cloudsim.db import schema
from cloudsim.db import virtualmachine as db
from cloudsim.db.database import Row
from cloudsim.jobs.workflow import Workflow, workflow
from cloudsim.services import access, usage, vmsnapshot
from cloudsim.services.context import Context
from cloudsim.services.nouns import VIRTUAL_MACHINE, VM_SNAPSHOT
from cloudsim.services.vm_plain import Plain, address_of, host_address, host_for_pool, result

table = schema.vm_snapshot
#: What of a machine goes back with a snapshot of its disks.
_SIZE = ("service_offering_id", "cpu", "speed", "memory")
_CHILDREN = select(table.c.id).where(table.c.parent_id == bindparam("parent_id"), table.c.removed.is_(None))

_UNTAG = schema.tag.delete().where(
    schema.tag.c.resource_type == "VMSnapshot", schema.tag.c.resource_id == bindparam("row_id")
)


def _rows(ctx: Context, snapshot_id: int) -> tuple[Row, Row]:
    row = access.alive(ctx, VM_SNAPSHOT, snapshot_id)
    return row, access.alive(ctx, VIRTUAL_MACHINE, row["vm_id"])


def _plan(ctx: Context, row: Row, owner: Row) -> Plain:
    """What a host is told of a snapshot: its own host, or one that reaches the disks."""
    disks = [disk for disk in db.volumes_of(ctx.tx, owner["id"]) if disk["pool_id"] is not None]
    host_id = owner["host_id"]
    if host_id is None:
        host_id = next((found for disk in disks if (found := host_for_pool(ctx, disk["pool_id"]))), None)
    if host_id is None:
        raise ResourceUnavailable("no host that reaches the disks of the virtual machine is up")
    parent = access.row(ctx, VM_SNAPSHOT, row["parent_id"]) if row["parent_id"] else None
    return {
        "host": address_of(ctx, host_id),
        "command": {
            "uuid": owner["uuid"],
            "name": owner["instance_name"],
            "snapshot": row["uuid"],
            "snapshot_name": row["name"],
        },
        "disks": [[disk["uuid"], disk["pool_uuid"]] for disk in disks],
        "memory": row["type"] == "DiskAndMemory",
        "quiesce": row["quiesced"],
        "parent": parent["uuid"] if parent else None,
        "wait": ctx.settings.number("vmsnapshot.create.wait") or None,
    }


def _disks(plan: Plain) -> tuple[tuple[str, str], ...]:
    return tuple((uuid, pool) for uuid, pool in plan["disks"])


# -- create


def _creating(ctx: Context, snapshot_id: int) -> Plain:
    row, owner = _rows(ctx, snapshot_id)
    if owner["state"] not in ("Running", "Stopped"):
        raise InvalidValue(f"the virtual machine is {owner['state']} by now: no snapshot is made of it")
    if row["type"] == "DiskAndMemory" and owner["state"] != "Running":
        raise InvalidValue("the virtual machine has stopped meanwhile: there is no memory to keep")
    return _plan(ctx, row, owner)


def _created(ctx: Context, snapshot_id: int) -> Plain:
    row, owner = _rows(ctx, snapshot_id)
    ctx.tx.update(table, {"vm_id": owner["id"], "current": True}, current=False)
    vmsnapshot.move(ctx, row, "OperationSucceeded", current=True)
    name = row["display_name"]
    for disk in db.volumes_of(ctx.tx, owner["id"]):
        usage.begin(
            ctx,
            usage.VM_SNAPSHOT,
            "vmsnapshot",
            {**disk, "id": row["id"], "uuid": row["uuid"], "name": name},
            offering_id=disk["disk_offering_id"],
            vm_id=owner["id"],
            size=disk["size"],
        )
    return {"vmsnapshot": ctx.present("vmSnapshot", snapshot_id)[0]}


def _not_created(ctx: Context, error: CloudError, snapshot_id: int) -> None:
    row = ctx.tx.first(VM_SNAPSHOT.by_id, row_id=snapshot_id)
    if row is not None and row["removed"] is None and row["state"] == "Creating":
        vmsnapshot.move(ctx, row, "OperationFailed")


@workflow("vmsnapshot.create", failed=_not_created)
async def create(wf: Workflow[Context], snapshot_id: int) -> None:
    """Makes a snapshot; one that fails stays in Error, to be looked at and deleted."""
    plan = await wf.step("plan", _creating, snapshot_id)
    command = CreateMachineSnapshot(
        wf.command_id("create"),
        **plan["command"],
        disks=_disks(plan),
        memory=plan["memory"],
        quiesce=plan["quiesce"],
        parent=plan["parent"],
    )
    try:
        await wf.call(host_address(plan["host"]), command, timeout=plan["wait"])
    except HostUnreachable:
        raise
    except AgentError as error:
        raise OperationFailed(f"host {plan['host']['name']}: {error}") from None
    await wf.finish(_created, snapshot_id)


# -- revert


def _reverting(ctx: Context, snapshot_id: int) -> Plain:
    row, owner = _rows(ctx, snapshot_id)
    vmsnapshot.check_revert(ctx, row, owner)
    vmsnapshot.move(ctx, row, "RevertRequested")
    return _plan(ctx, row, owner)


def _reverted(ctx: Context, snapshot_id: int) -> Plain:
    row, owner = _rows(ctx, snapshot_id)
    ctx.tx.update(table, {"vm_id": owner["id"], "current": True}, current=False)
    vmsnapshot.move(ctx, row, "OperationSucceeded", current=True)
    if owner["state"] == "Stopped":  # it has no room on a host: its size may go back with it
        then = {key: row[key] for key in _SIZE}
        ctx.tx.update(schema.vm, {"id": owner["id"]}, updated=ctx.now, **then)
        if any(then[key] != owner[key] for key in _SIZE):
            usage.end(ctx, "vm", owner["id"], usage.ALLOCATED_VM)
            usage.machine(ctx, usage.ALLOCATED_VM, {**owner, **then})
    return result(ctx, owner["id"])


def _not_reverted(ctx: Context, error: CloudError, snapshot_id: int) -> None:
    row = ctx.tx.first(VM_SNAPSHOT.by_id, row_id=snapshot_id)
    if row is not None and row["removed"] is None and row["state"] == "Reverting":
        vmsnapshot.move(ctx, row, "OperationFailed")


@workflow("vmsnapshot.revert", failed=_not_reverted)
async def revert(wf: Workflow[Context], snapshot_id: int) -> None:
    """Takes a machine back to a snapshot."""
    plan = await wf.step("plan", _reverting, snapshot_id)
    command = RevertMachineSnapshot(wf.command_id("revert"), **plan["command"], disks=_disks(plan))
    await wf.call(host_address(plan["host"]), command)
    await wf.finish(_reverted, snapshot_id)


# -- delete


def _deleting(ctx: Context, snapshot_id: int) -> Plain:
    row = ctx.tx.first(VM_SNAPSHOT.by_id, row_id=snapshot_id)
    if row is None or row["removed"] is not None:
        return {}
    owner = access.alive(ctx, VIRTUAL_MACHINE, row["vm_id"])
    vmsnapshot.move(ctx, row, "ExpungeRequested")
    return _plan(ctx, row, owner)


def remove(ctx: Context, row: Row) -> None:
    """A snapshot is gone: those that followed it follow its parent, and the machine is at that one."""
    for child in ctx.tx.all(_CHILDREN, parent_id=row["id"]):
        ctx.tx.update(table, {"id": child["id"]}, parent_id=row["parent_id"])
    if row["current"] and row["parent_id"] is not None:
        ctx.tx.update(table, {"id": row["parent_id"]}, current=True)
    ctx.tx.update(table, {"id": row["id"]}, state="Removed", current=False, removed=ctx.now)
    ctx.tx.execute(_UNTAG, row_id=row["id"])
    usage.end(ctx, "vmsnapshot", row["id"])


def _deleted(ctx: Context, snapshot_id: int) -> Plain:
    row = ctx.tx.first(VM_SNAPSHOT.by_id, row_id=snapshot_id)
    if row is not None and row["removed"] is None:
        remove(ctx, row)
    return {"success": True}


def _not_deleted(ctx: Context, error: CloudError, snapshot_id: int) -> None:
    row = ctx.tx.first(VM_SNAPSHOT.by_id, row_id=snapshot_id)
    if row is not None and row["removed"] is None and row["state"] == "Expunging":
        vmsnapshot.move(ctx, row, "OperationFailed")


@workflow("vmsnapshot.delete", failed=_not_deleted)
async def delete(wf: Workflow[Context], snapshot_id: int) -> None:
    """Removes a snapshot, wherever it is in its chain."""
    plan = await wf.step("plan", _deleting, snapshot_id)
    if plan:
        command = DeleteMachineSnapshot(wf.command_id("delete"), **plan["command"], disks=_disks(plan))
        await wf.call(host_address(plan["host"]), command)
    await wf.finish(_deleted, snapshot_id)
