"""Snapshots of virtual machines: all disks of one at an instant and, where it runs, its memory.

They form a tree: each follows the one that the machine was at when it was made (`parent`), and one is *current*.
Whatever would make them worthless is refused while there are any (`refuse_while_any`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import bindparam, func, or_, select

from cloudsim.core import states
from cloudsim.core.errors import InvalidValue, OperationFailed
from cloudsim.db import schema
from cloudsim.db import virtualmachine as db
from cloudsim.db.database import Row
from cloudsim.db.types import Big, any_of
from cloudsim.db.virtualmachine import TAGS, grouped
from cloudsim.jobs.job import Order
from cloudsim.services import access, resource, snapshot
from cloudsim.services.context import Context
from cloudsim.services.listing import Listing, equals, equals_nocase
from cloudsim.services.nouns import ACCOUNT, VM_SNAPSHOT
from cloudsim.services.virtualmachine import lock

table, vm = schema.vm_snapshot, schema.vm

LISTING = Listing(
    table,
    filters={
        "id": equals(table.c.id, "id"),
        "ids": any_of(table.c.id, "ids"),
        "vm": equals(table.c.vm_id, "vm"),
        "name": or_(equals_nocase(table.c.name, "name"), equals_nocase(table.c.display_name, "name")),
        "state": equals_nocase(table.c.state, "state"),
    },
    keyword=(table.c.name, table.c.display_name, table.c.description),
    order=(table.c.created.desc(), table.c.id.desc()),
    owner=(table.c.account_id, table.c.domain_id),
    tag_type="VMSnapshot",
)
_PARENT = table.alias("parent")
_ROWS = (
    select(
        table,
        vm.c.uuid.label("vm_uuid"),
        vm.c.name.label("vm_name"),
        vm.c.display_name.label("vm_display_name"),
        vm.c.hypervisor,
        schema.zone.c.uuid.label("zone_uuid"),
        schema.zone.c.name.label("zone_name"),
        _PARENT.c.uuid.label("parent_uuid"),
        _PARENT.c.display_name.label("parent_name"),
        schema.account.c.name.label("account_name"),
        schema.account.c.project_uuid,
        schema.account.c.project_name,
        schema.domain.c.uuid.label("domain_uuid"),
        schema.domain.c.name.label("domain_name"),
        schema.domain.c.path.label("domain_path"),
    )
    .select_from(
        table.join(vm, table.c.vm_id == vm.c.id)
        .join(schema.zone, vm.c.zone_id == schema.zone.c.id)
        .join(schema.account, table.c.account_id == schema.account.c.id)
        .join(schema.domain, table.c.domain_id == schema.domain.c.id)
        .outerjoin(_PARENT, table.c.parent_id == _PARENT.c.id)
    )
    .where(any_of(table.c.id, "ids"))
)
_OF = (
    select(table)
    .where(table.c.vm_id == bindparam("vm_id", type_=Big), table.c.removed.is_(None), table.c.state != "Error")
    .order_by(table.c.id)
)
_NAMED = select(func.count()).where(
    table.c.vm_id == bindparam("vm_id", type_=Big), table.c.name == bindparam("name"), table.c.removed.is_(None)
)
#: Whether something else is done with the snapshots of a machine.
_BUSY = ("Creating", "Reverting", "Expunging")
_EXPIRED = (
    select(table)
    .where(table.c.removed.is_(None), table.c.created < bindparam("before", type_=Big), table.c.state == "Ready")
    .order_by(table.c.id)
    .limit(200)
)


def page(ctx: Context, ids: Sequence[int]) -> list[tuple[Row, list[Row]]]:
    """Snapshots with their machines, parents and owners; and their tags."""
    rows = {row["id"]: row for row in ctx.tx.all(_ROWS, ids=ids)}
    tags = grouped(ctx.tx.all(TAGS, kind="VMSnapshot", ids=ids), "resource_id")
    return [(rows[i], tags.get(i, [])) for i in ids if i in rows]


def refuse_while_any(ctx: Context, vm_id: int, what: str, *, memory: bool = False) -> None:
    """Raises `InvalidValue` where a machine has snapshots; with `memory` only where one has its memory."""
    for row in ctx.tx.all(_OF, vm_id=vm_id):
        if not memory or row["type"] == "DiskAndMemory":
            kind = "snapshots with memory" if memory else "snapshots"
            raise InvalidValue(f"the virtual machine has {kind} (deleteVMSnapshot removes them): {what}")


def move(ctx: Context, row: Row, event: str, **values: Any) -> Row:
    """Takes a snapshot to the state after `event`. Raises `IllegalTransition`, `OperationFailed`."""
    changed = {
        "state": states.vmsnapshot.next(row["state"], event),
        "update_count": row["update_count"] + 1,
        **values,
    }
    if ctx.tx.update(table, {"id": row["id"], "update_count": row["update_count"]}, **changed) != 1:
        raise OperationFailed(f"virtual machine snapshot {row['uuid']} was changed by someone else meanwhile")
    return {**row, **changed}


def check_idle(ctx: Context, vm_id: int, but: int = 0) -> list[Row]:
    """The snapshots of a machine. Raises `OperationFailed` where something is done with one of them already."""
    found = ctx.tx.all(_OF, vm_id=vm_id)
    for row in found:
        if row["id"] != but and row["state"] in _BUSY:
            raise OperationFailed(
                f"snapshot {row['display_name']} of the virtual machine is {row['state']}: wait for that"
            )
    return found


def _name(ctx: Context, owner: Row) -> str:
    at = datetime.fromtimestamp(ctx.now / 1000, UTC)
    stem = f"{owner['instance_name']}_VS_{at:%Y%m%d%H%M%S}"
    name, number = stem, 1
    while ctx.tx.scalar(_NAMED, vm_id=owner["id"], name=name):
        number += 1
        name = f"{stem}_{number}"
    return name


def create(
    ctx: Context, owner: Row, *, name: str | None, description: str | None, memory: bool, quiesce: bool
) -> tuple[str, str]:
    """Orders a snapshot of a machine; answers its uuid and the job's. Raises `InvalidValue`, `OperationFailed`."""
    if owner["state"] not in ("Running", "Stopped"):
        raise InvalidValue(
            f"a virtual machine in state {owner['state']} has no snapshot made of it: it runs or is stopped"
        )
    if memory and owner["state"] != "Running":
        raise InvalidValue("only a running virtual machine has memory to keep: leave snapshotmemory out")
    if owner["hypervisor"] == "KVM" and owner["state"] == "Running" and not memory:
        raise InvalidValue(
            "KVM keeps the disks of a running virtual machine together with its memory only: stop it, or give "
            "snapshotmemory=true"
        )
    snapshot.refuse_while_made(ctx, owner["id"], "wait for that")
    if any(disk["state"] != "Ready" for disk in db.volumes_of(ctx.tx, owner["id"])):
        raise InvalidValue("a disk of the virtual machine is not ready; one that never ran has no disks yet")
    there = check_idle(ctx, owner["id"])
    most = ctx.settings.number("vmsnapshot.max", ("Account", owner["account_id"]), ("Domain", owner["domain_id"])) or 10
    if len(there) >= most:
        raise OperationFailed(
            f"a virtual machine has up to {most} snapshots (setting vmsnapshot.max): delete one first"
        )
    stored = _name(ctx, owner)
    uuid = ctx.uuid()
    current = next((row["id"] for row in there if row["current"]), None)
    row_id = ctx.tx.insert(
        table,
        uuid=uuid,
        created=ctx.now,
        removed=None,
        name=stored,
        display_name=name or stored,
        description=description,
        vm_id=owner["id"],
        account_id=owner["account_id"],
        domain_id=owner["domain_id"],
        type="DiskAndMemory" if memory else "Disk",
        state="Allocated",
        update_count=0,
        parent_id=current,
        current=False,
        quiesced=quiesce,
        **{key: owner[key] for key in ("service_offering_id", "cpu", "speed", "memory")},
    )
    row = access.row(ctx, VM_SNAPSHOT, row_id)
    move(ctx, row, "CreateRequested")
    return uuid, _order(ctx, row, owner, "vmsnapshot.create", "VMSNAPSHOT.CREATE", "creating")


def revert(ctx: Context, row: Row) -> str:
    """Orders that a machine goes back to a snapshot; answers the job's uuid. Raises `InvalidValue`, `OperationFailed`."""
    owner = _owner(ctx, row)
    check_revert(ctx, row, owner)
    check_idle(ctx, owner["id"])
    return _order(ctx, row, owner, "vmsnapshot.revert", "VMSNAPSHOT.REVERTTO", "going back to")


def check_revert(ctx: Context, row: Row, owner: Row) -> None:
    """Raises `InvalidValue` where the machine cannot go back as it is now, `LimitReached` where it may not be so large."""
    if row["state"] != "Ready":
        raise InvalidValue(f"virtual machine snapshot {row['display_name']} is {row['state']}, not Ready")
    wanted = "Running" if row["type"] == "DiskAndMemory" else "Stopped"
    if owner["state"] != wanted:
        raise InvalidValue(
            f"a snapshot {'with' if wanted == 'Running' else 'without'} memory is for a virtual machine that "
            f"{'runs' if wanted == 'Running' else 'is stopped'}; this one is {owner['state']}"
        )
    if wanted == "Stopped" and not ctx.settings.flag("resource.count.running.vms.only"):
        more = {name: row[name] - owner[name] for name in ("cpu", "memory")}
        resource.check(ctx, access.row(ctx, ACCOUNT, owner["account_id"]), more)


def delete(ctx: Context, row: Row) -> str:
    """Orders that a snapshot is removed; answers the job's uuid. Raises `InvalidValue`, `OperationFailed`."""
    owner = _owner(ctx, row)
    if not states.vmsnapshot.can(row["state"], "ExpungeRequested"):
        raise InvalidValue(
            f"virtual machine snapshot {row['display_name']} is {row['state']}: it cannot be deleted now"
        )
    check_idle(ctx, owner["id"], row["id"])
    return _order(ctx, row, owner, "vmsnapshot.delete", "VMSNAPSHOT.DELETE", "deleting")


def _owner(ctx: Context, row: Row) -> Row:
    found = ctx.tx.first(_VM, vm_id=row["vm_id"])
    if found is None:
        raise InvalidValue("the virtual machine of that snapshot is gone")
    return found


_VM = select(vm).where(vm.c.id == bindparam("vm_id", type_=Big), vm.c.removed.is_(None))


def _order(ctx: Context, row: Row, owner: Row, workflow: str, event: str, text: str) -> str:
    return ctx.submit(
        Order(
            command=ctx.command or "deleteVMSnapshot",
            workflow=workflow,
            arguments={"snapshot_id": row["id"]},
            instance_type="VmSnapshot",
            instance_uuid=row["uuid"],
            lock=lock(owner),
            event=event,
            event_text=f"{text} snapshot {row['display_name']} of virtual machine {owner['display_name'] or owner['name']}",
            account_id=row["account_id"],
            domain_id=row["domain_id"],
        )
    )


def expire(ctx: Context) -> int:
    """Orders that snapshots older than ``vmsnapshot.expire.interval`` hours are removed, oldest first."""
    shortest = _shortest(ctx)
    if shortest is None:
        return 0
    ordered = 0
    for row in ctx.tx.all(_EXPIRED, before=ctx.now - shortest * 3_600_000):
        hours = ctx.settings.number("vmsnapshot.expire.interval", ("Account", row["account_id"]))
        owner = ctx.tx.first(_VM, vm_id=row["vm_id"])
        if hours < 0 or owner is None or row["created"] >= ctx.now - hours * 3_600_000:
            continue
        if any(other["state"] in _BUSY for other in ctx.tx.all(_OF, vm_id=row["vm_id"])):
            continue
        _order(ctx, row, owner, "vmsnapshot.delete", "VMSNAPSHOT.DELETE", "deleting the outdated")
        ordered += 1
    return ordered


def _shortest(ctx: Context) -> int | None:
    """The smallest interval of any account, in hours; None where nothing expires."""
    name = "vmsnapshot.expire.interval"
    places = [(scope, scope_id) for other, scope, scope_id in ctx.settings.overrides if other == name]
    found = [ctx.settings.number(name), *(ctx.settings.number(name, place) for place in places)]
    return min((hours for hours in found if hours >= 0), default=None)
