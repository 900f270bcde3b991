"""A host that does not answer: is it down? Its power is cut before anything it ran is started elsewhere.

Other hosts that are up, those of its cluster first, are asked what they see of it. One that answers its neighbours, or
still writes its heartbeat to the storage, is alive: it is only the server that does not reach it, its machines run on,
and nothing is done but to look again. One that does neither is fenced: its controller (out-of-band management) or a
neighbour cuts its power. Only when that was answered, and confirmed, is the host Down; its machines are then stopped in
the database, and those with HA are brought back. Where nobody can be asked, or nobody can cut the power, the host stays
in Alert and everything on it where it is: no machine may ever run on two hosts.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, select

from cloudsim.agents.base import AgentError, StopMachine
from cloudsim.core.errors import CloudError
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.jobs.job import Order
from cloudsim.jobs.workflow import Workflow, workflow
from cloudsim.services import fencing, ha, oobm
from cloudsim.services.context import Context
from cloudsim.services.nouns import HOST
from cloudsim.services.vm_plain import Plain, address_of, host_address

host, vm, job = schema.host, schema.vm, schema.job
#: Resource states of hosts that run nothing: an administrator has said so.
RESTS = ("Maintenance", "Degraded")
#: Milliseconds that a ping may come early.
SLACK = 5_000
_UNDER_WAY = select(job.c.id).where(job.c.lock == bindparam("lock"), fencing.OPEN).limit(1)
_VM = select(vm).where(vm.c.id == bindparam("vm_id"))
_THERE_PERHAPS = select(vm).where(fencing.UNKNOWN, vm.c.host_id.is_(None), fencing.IDLE).order_by(vm.c.id)
_GUARDED = select(schema.host_ha.c.id).where(
    schema.host_ha.c.host_id == bindparam("host_id"),
    schema.host_ha.c.enabled,
    schema.host_ha.c.state != "Disabled",
    schema.host_ha.c.state != "Ineligible",
    # its part is done then
    schema.host_ha.c.state != "Fenced",
)
_LEFTOVERS = (
    select(host)
    .where(
        host.c.removed.is_not(None),
        host.c.id.in_(
            select(vm.c.power_host_id).where(
                vm.c.power_state == "PowerUnknown", vm.c.removed.is_(None), vm.c.host_id.is_(None), fencing.IDLE
            )
        ),
    )
    .order_by(host.c.id)
)


def lock(row: Row) -> str:
    """The lock that orders what is done with one host."""
    return f"host:{row['uuid']}"


def under_way(ctx: Context, row: Row) -> bool:
    """Whether something is being done with a host: a job that has not ended, of this server or of another."""
    return ctx.tx.scalar(_UNDER_WAY, lock=lock(row)) is not None


def guarded(ctx: Context, host_id: int) -> bool:
    """Whether host HA looks after a host: it is host HA then that recovers and fences it."""
    return ctx.tx.scalar(_GUARDED, host_id=host_id) is not None


def order(ctx: Context, row: Row) -> str | None:
    """Orders that a host which does not answer is looked into; None where that is under way, or was just done."""
    pause = (ctx.settings.number("investigate.retry.interval") or 60) * 1000
    if ctx.now - (row["investigated"] or 0) < pause - SLACK or guarded(ctx, row["id"]) or under_way(ctx, row):
        return None
    return ctx.submit(
        Order(
            command="reconnectHost",
            workflow="host.investigate",
            arguments={"host_id": row["id"]},
            instance_type="Host",
            instance_uuid=row["uuid"],
            lock=lock(row),
        )
    )


def _silent(ctx: Context, host_id: int) -> Row | None:
    row = ctx.tx.first(HOST.by_id, row_id=host_id)
    if row is None or row["removed"] is not None or guarded(ctx, host_id):
        return None
    if row["status"] not in ("Alert", "Disconnected"):
        return None
    if row["resource_state"] in RESTS and not fencing.doubted(ctx, row):
        return None
    return row


def _plan(ctx: Context, host_id: int) -> Plain:
    row = _silent(ctx, host_id)
    if row is None:
        return {}
    ctx.tx.update(host, {"id": host_id}, investigated=ctx.now)
    return fencing.how(ctx, row)


async def _verdict(wf: Workflow[Context], plan: Plain) -> bool | None:
    """Whether the host is alive; None where nobody can say."""
    alive = await fencing.seen(wf, plan, "look", plan["now"] - fencing.HEARTBEAT)
    if alive is not None or plan["controller"] is None:
        return alive
    try:
        power = await wf.power(oobm.controller(plan["controller"]), "STATUS", "look-power", timeout=plan["timeout"])
    except AgentError:
        return None
    # where no host of its kind can look at another, silence and a controller that can cut the power have to do
    return False if power == "Off" or plan["blind"] else None


def _decide(ctx: Context, host_id: int, *, alive: bool | None) -> int:
    """When it was decided that its power is cut, 0: it is not. What it says from then on does not count."""
    row = _silent(ctx, host_id)
    if row is None:
        return 0
    if alive is None:
        fencing.trouble(ctx, row, "nobody can say whether it is down: nothing is started elsewhere")
    if alive is not False:
        return 0
    ctx.tx.update(host, {"id": host_id}, fencing=True)
    ctx.event(
        "HOST.DISCONNECT",
        f"host {row['name']} is down, as others see it; its power is cut",
        level="WARN",
        resource=("Host", row["uuid"]),
    )
    return ctx.now


def _fenced(ctx: Context, host_id: int, asked: int) -> None:
    fencing.mark_down(ctx, host_id, asked)


def _not_fenced(ctx: Context, error: CloudError, host_id: int, **_: Any) -> None:
    row = ctx.tx.first(HOST.by_id, row_id=host_id)
    if row is not None and row["fencing"]:
        ctx.tx.update(host, {"id": host_id}, fencing=False)
        fencing.trouble(ctx, row, f"{error.message}: nothing is started elsewhere")


@workflow("host.investigate", failed=_not_fenced)
async def investigate(wf: Workflow[Context], host_id: int) -> None:
    """Looks into a host that does not answer; fences it, and brings its machines back, where it is down."""
    plan = await wf.step("plan", _plan, host_id)
    asked = 0
    if plan:
        alive = None if wf.done("decide") else await _verdict(wf, plan)
        asked = await wf.step("decide", _decide, host_id, alive=alive)
    if asked:
        if not wf.done("fenced"):  # else it may be on again, and run machines
            await fencing.fence(wf, plan)
        await wf.step("fenced", _fenced, host_id, asked)
        number = 0
        while await wf.step(f"clear-{number}", fencing.clear, host_id):
            number += 1
    await wf.finish(_ended)


def _ended(ctx: Context) -> Plain:
    ha.due(ctx)
    return {"success": True}


# -- hosts that were removed, and may still run something


def leftovers(ctx: Context) -> None:
    """Orders that hosts which were removed, did not answer then, and may run something, are fenced."""
    for row in ctx.tx.all(_LEFTOVERS):
        if ctx.now - (row["investigated"] or 0) >= 60_000 - SLACK and not under_way(ctx, row):
            ctx.submit(
                Order(
                    command="deleteHost",
                    workflow="host.clear-removed",
                    arguments={"host_id": row["id"]},
                    instance_type="Host",
                    instance_uuid=row["uuid"],
                    lock=lock(row),
                )
            )


def _removed(ctx: Context, host_id: int) -> Plain:
    row = ctx.tx.first(HOST.by_id, row_id=host_id)
    if row is None:
        return {}
    ctx.tx.update(host, {"id": host_id}, investigated=ctx.now)
    machines = [
        {"id": one["id"], "uuid": one["uuid"], "name": one["instance_name"]}
        for one in ctx.tx.all(_THERE_PERHAPS, host_id=host_id)
    ]
    return {**fencing.how(ctx, row), "host": address_of(ctx, host_id), "machines": machines}


def _told(ctx: Context, host_id: int, ids: list[int]) -> Plain:
    """The host has said that these do not run there."""
    for vm_id in ids:
        where = {"id": vm_id, "power_state": "PowerUnknown", "power_host_id": host_id, "host_id": None}
        row = ctx.tx.first(_VM, vm_id=vm_id)
        if row is not None and all(row[name] == value for name, value in where.items()):
            ctx.tx.update(vm, {"id": vm_id}, power_state="PowerOff", power_host_id=None, power_time=ctx.now)
            ctx.tx.update(schema.ha_work, {"vm_id": vm_id}, due=ctx.now)
    return _ended(ctx)


def _cleared(ctx: Context, host_id: int, asked: int) -> Plain:
    fencing.mark_down(ctx, host_id, asked)
    return _ended(ctx)


@workflow("host.clear-removed")
async def clear_removed(wf: Workflow[Context], host_id: int) -> None:
    """Has what may run on a host that was removed stopped, or the host fenced where it does not answer.

    None of that can be started anywhere before.
    """
    plan = await wf.step("plan", _removed, host_id)
    if not plan:
        await wf.finish(_ended)
        return
    try:
        for one in plan["machines"]:
            command = StopMachine(wf.command_id(f"stop-{one['id']}"), one["uuid"], one["name"], forced=True)
            await wf.call(host_address(plan["host"]), command, timeout=fencing.PATIENCE)
    except AgentError:
        await fencing.fence(wf, plan)
        await wf.finish(_cleared, host_id, plan["now"])
        return
    await wf.finish(_told, host_id, [one["id"] for one in plan["machines"]])
