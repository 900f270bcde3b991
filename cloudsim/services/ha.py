"""High availability of virtual machines: what went down without being asked to is brought back.

Who finds a machine down (a host that was fenced, a guest that shut down by itself) leaves a row in ``ha_work`` in the
transaction that says so, and a job that starts it again. A start that fails is tried again after
``restart.retry.interval`` seconds, ``vm.ha.migration.max.retries`` times in all. Whatever an owner asks for meanwhile
(stop, start, destroy) ends the work: only a stop through the API keeps a machine down.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, bindparam, exists, or_, select

from cloudsim.core.errors import CloudError, InvalidValue
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import Big
from cloudsim.jobs.job import Order
from cloudsim.jobs.workflow import Workflow, workflow
from cloudsim.services import access, alert
from cloudsim.services.cloud_machine import kind_of
from cloudsim.services.context import Context
from cloudsim.services.nouns import VIRTUAL_MACHINE
from cloudsim.services.virtualmachine import lock
from cloudsim.services.vm_plain import Plain, result
from cloudsim.services.vm_start import run_start, start_failed, started

table, vm, job = schema.ha_work, schema.vm, schema.job

#: Milliseconds that the ping which finds a try due may come early.
SLACK = 5_000

_OF = select(table).where(table.c.vm_id == bindparam("vm_id", type_=Big))
_END = table.delete().where(table.c.vm_id == bindparam("vm_id", type_=Big))
_DUE = (
    select(vm)
    .select_from(table.join(vm, vm.c.id == table.c.vm_id))
    .where(
        table.c.due <= bindparam("now", type_=Big),
        ~exists().where(and_(job.c.lock == "vm:" + vm.c.uuid, or_(job.c.state == "queued", job.c.state == "running"))),
    )
    .order_by(table.c.id)
)
_BACK = (
    table.update()
    .where(table.c.host_id == bindparam("failed_id"))
    .values(host_id=None, due=bindparam("now", type_=Big))
)


def protects(ctx: Context, row: Row) -> bool:
    """Whether a machine that is found down is brought back: its offering has HA, or it is one of the cloud's own."""
    settings = ctx.settings
    places = (("Cluster", row["cluster_id"]),) if row.get("cluster_id") else ()
    if not settings.flag("vm.ha.enabled", *places, ("Zone", row["zone_id"])):
        return False
    return bool(row["ha_enabled"] or row["type"] != "User" or settings.flag("force.ha"))


def bring_back(ctx: Context, row: Row, reason: str, host_id: int | None = None) -> None:
    """Orders that a machine which was found down runs again, elsewhere than on the host that failed."""
    ctx.tx.execute(_END, vm_id=row["id"])
    ctx.tx.insert(table, vm_id=row["id"], reason=reason, host_id=host_id, tries=0, due=ctx.now, created=ctx.now)
    _order(ctx, row)


def _order(ctx: Context, row: Row) -> None:
    kind = kind_of(row)
    ctx.submit(
        Order(
            command="startVirtualMachine",
            workflow="virtualmachine.ha",
            arguments={"vm_id": row["id"]},
            instance_type=kind.instance,
            instance_uuid=row["uuid"],
            lock=lock(row),
            event="VM.START" if row["type"] == "User" else f"{kind.event}.HA",
            event_text=f"bringing {kind.label} {row['display_name'] or row['name']} back (HA)",
            account_id=row["account_id"],
            domain_id=row["domain_id"],
        )
    )


def host_back(ctx: Context, host_id: int) -> None:
    """A host that failed answers again: what it took down need not wait any longer."""
    ctx.tx.execute(_BACK, failed_id=host_id, now=ctx.now)


def due(ctx: Context) -> int:
    """Orders the next try of all work whose time has come; answers how many."""
    rows = ctx.tx.all(_DUE, now=ctx.now)
    for row in rows:
        if row["state"] == "Stopped" and row["removed"] is None:
            _order(ctx, row)
        else:
            ctx.tx.execute(_END, vm_id=row["id"])  # its owner has decided otherwise
    return len(rows)


# -- one try


def _taken_up(ctx: Context, vm_id: int) -> Plain:
    work = ctx.tx.first(_OF, vm_id=vm_id)
    if work is None:
        return {}
    row = ctx.tx.first(VIRTUAL_MACHINE.by_id, row_id=vm_id)
    if row is None or row["removed"] is not None or row["state"] != "Stopped":
        ctx.tx.execute(_END, vm_id=vm_id)
        return {}
    ctx.tx.update(table, {"id": work["id"]}, tries=work["tries"] + 1)
    # the host that failed may be the only one: it is left out once, and whenever it is not Up
    return {"avoid": [work["host_id"]] if work["host_id"] is not None and not work["tries"] else []}


def _nothing(ctx: Context, vm_id: int) -> Plain:
    row = access.row(ctx, VIRTUAL_MACHINE, vm_id)
    return result(ctx, vm_id) if row["removed"] is None else {"success": True}


def _brought_back(ctx: Context, vm_id: int, answer: Plain, paths: dict[str, str]) -> Plain:
    ctx.tx.execute(_END, vm_id=vm_id)
    return started(ctx, vm_id, answer, paths)


def _not_brought_back(ctx: Context, error: CloudError, vm_id: int, **_: Any) -> None:
    start_failed(ctx, error, vm_id)
    work, row = ctx.tx.first(_OF, vm_id=vm_id), ctx.tx.first(VIRTUAL_MACHINE.by_id, row_id=vm_id)
    if work is None or row is None:
        return
    most = ctx.settings.number("vm.ha.migration.max.retries") or 5
    name = row["display_name"] or row["name"]
    if work["tries"] < most and not isinstance(error, InvalidValue):
        pause = (ctx.settings.number("restart.retry.interval") or 600) * 1000
        ctx.tx.update(table, {"id": work["id"]}, due=ctx.now + pause - SLACK)
        return
    ctx.tx.execute(_END, vm_id=vm_id)
    if ctx.settings.flag("vm.ha.alerts.enabled"):
        alert.raise_(
            ctx,
            alert.OWN_MACHINES.get(row["type"], alert.MACHINE),
            f"virtual machine {name} ({row['uuid']}) was not brought back after {work['tries']} tries: {error.message}",
            zone_id=row["zone_id"],
            pod_id=row["pod_id"],
        )


@workflow("virtualmachine.ha", failed=_not_brought_back)
async def bring_back_one(wf: Workflow[Context], vm_id: int) -> None:
    """Starts a machine that was found down, unless its owner decided otherwise meanwhile."""
    work = await wf.step("work", _taken_up, vm_id)
    if not work:
        await wf.finish(_nothing, vm_id)
        return
    answer, paths = await run_start(wf, vm_id, {"ha": True, "avoid": work["avoid"]})
    await wf.finish(_brought_back, vm_id, answer, paths)
