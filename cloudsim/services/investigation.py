"""A host that does not answer: is it down? Its power is cut before anything it ran is started elsewhere.

Other hosts that are up, those of its cluster first, are asked what they see of it. One that answers its neighbours, or
still writes its heartbeat to the storage, is alive: it is only the server that does not reach it, its machines run on,
and nothing is done but to look again. One that does neither is fenced: its controller (out-of-band management) or a
neighbour cuts its power. Only when that was answered, and confirmed, is the host Down; its machines are then stopped in
the database, and those with HA are brought back. Where nobody can be asked, or nobody can cut the power, the host stays
in Alert and everything on it where it is: no machine may ever run on two hosts.

``host.fenced`` is the instant when it was decided to cut the power. It settles only what was known of the host by then:
a machine that the host was heard to run, or was asked to run, after it (a job was in flight, and the host was switched
on again) is not taken from it; if the host falls silent again, it is fenced anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Integer, and_, bindparam, case, exists, func, or_, select

from cloudsim.agents.base import AgentError, CommandFailed, FenceHost, InvestigateHost, StopMachine
from cloudsim.core import states
from cloudsim.core.errors import CloudError, OperationFailed
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import Big
from cloudsim.jobs.job import Order
from cloudsim.jobs.workflow import Workflow, workflow
from cloudsim.services import alert, ha, oobm
from cloudsim.services.context import Context
from cloudsim.services.nouns import HOST
from cloudsim.services.vm_workflows import Plain, address_of, host_address, leave_host

host, vm, job = schema.host, schema.vm, schema.job

#: How many other hosts are asked.
WITNESSES = 3
#: Seconds one of them may take.
PATIENCE = 20.0
#: Milliseconds after which a heartbeat says nothing any more.
HEARTBEAT = 60_000
#: Seconds after a fence when its neighbours are asked whether they still see the host.
A_MOMENT = 0.05
#: How often, a second apart, a controller is asked whether the power is off.
LOOKS = 10
#: Resource states of hosts that run nothing: an administrator has said so.
RESTS = ("Maintenance", "Degraded")
#: Milliseconds that a ping may come early.
SLACK = 5_000
#: How many machines leave a host in one transaction.
AT_ONCE = 100

_WITNESSES = (
    select(host.c.id)
    .where(
        host.c.zone_id == bindparam("zone_id"),
        host.c.hypervisor == bindparam("hypervisor"),
        host.c.status == "Up",
        host.c.id != bindparam("host_id"),
        host.c.type == "Routing",
        host.c.removed.is_(None),
    )
    .order_by(case((host.c.cluster_id == bindparam("cluster_id"), 0), else_=1), host.c.id)
    .limit(WITNESSES)
)
_OPEN = or_(job.c.state == "queued", job.c.state == "running")
_UNDER_WAY = select(job.c.id).where(job.c.lock == bindparam("lock"), _OPEN).limit(1)
_IDLE = ~exists().where(and_(job.c.lock == "vm:" + vm.c.uuid, _OPEN))
#: What is left on hosts that are down, the cloud's own machines first. What was heard of after the fence is not meant.
_LEFT = (
    select(vm, host.c.cluster_id)
    .select_from(vm.join(host, vm.c.host_id == host.c.id))
    .where(
        host.c.status == "Down",
        vm.c.removed.is_(None),
        or_(vm.c.state == "Running", vm.c.state == "Starting", vm.c.state == "Stopping"),
        func.coalesce(vm.c.power_time, 0) <= func.coalesce(host.c.fenced, 0),
        _IDLE,
    )
    .order_by(case((vm.c.type == "User", 1), else_=0), vm.c.id)
    .limit(bindparam("most", type_=Integer))
)
_LEFT_THERE = _LEFT.where(vm.c.host_id == bindparam("host_id"))
#: Machines that may run on a host though nobody is sure.
_UNKNOWN = and_(vm.c.power_state == "PowerUnknown", vm.c.power_host_id == bindparam("host_id"), vm.c.removed.is_(None))
_DOUBTED = (
    select(vm.c.id)
    .where(
        or_(_UNKNOWN, and_(vm.c.host_id == bindparam("host_id"), vm.c.removed.is_(None))),
        vm.c.power_time > bindparam("fenced", type_=Big),
        _IDLE,
    )
    .limit(1)
)
_SETTLED = (
    vm.update()
    .where(_UNKNOWN, vm.c.host_id.is_(None), vm.c.power_time <= bindparam("fenced", type_=Big))
    .values(power_state="PowerOff", power_host_id=None, power_time=bindparam("now", type_=Big))
)
#: HA that waited for it need not wait any more.
_WAITING = (
    schema.ha_work.update()
    .where(
        schema.ha_work.c.vm_id.in_(
            select(vm.c.id).where(_UNKNOWN, vm.c.host_id.is_(None), vm.c.power_time <= bindparam("fenced", type_=Big))
        )
    )
    .values(due=bindparam("now", type_=Big))
)
_VM = select(vm).where(vm.c.id == bindparam("vm_id"))
_THERE_PERHAPS = select(vm).where(_UNKNOWN, vm.c.host_id.is_(None), _IDLE).order_by(vm.c.id)
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
                vm.c.power_state == "PowerUnknown", vm.c.removed.is_(None), vm.c.host_id.is_(None), _IDLE
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


def doubted(ctx: Context, row: Row) -> bool:
    """Whether something may run on a host that was fenced: it was heard of, or asked for, after that."""
    return ctx.tx.scalar(_DOUBTED, host_id=row["id"], fenced=row["fenced"] or 0) is not None


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
    if row is None or row["removed"] is not None or row["status"] != "Alert" or guarded(ctx, host_id):
        return None
    if row["resource_state"] in RESTS and not doubted(ctx, row):
        return None
    return row


def how(ctx: Context, row: Row) -> Plain:
    """What looking into a host and fencing it need to know, as plain data."""
    try:
        blind = InvestigateHost not in ctx.cloud.agents.driver(row["hypervisor"]).verbs
    except AgentError:
        blind = True
    found = ctx.tx.all(
        _WITNESSES,
        zone_id=row["zone_id"],
        hypervisor=row["hypervisor"],
        host_id=row["id"],
        cluster_id=row["cluster_id"],
    )
    return {
        "uuid": row["uuid"],
        "url": row["url"],
        "now": ctx.now,
        "blind": blind,
        "witnesses": [] if blind else [address_of(ctx, one["id"]) for one in found],
        "controller": oobm.plan(ctx, row),
        "timeout": oobm.timeout(ctx),
    }


def _plan(ctx: Context, host_id: int) -> Plain:
    row = _silent(ctx, host_id)
    if row is None:
        return {}
    ctx.tx.update(host, {"id": host_id}, investigated=ctx.now)
    return how(ctx, row)


async def _seen(wf: Workflow[Context], plan: Plain, step: str, since: int) -> bool | None:
    """Whether a host is alive, as its neighbours see it: it answers one, or its heartbeat is younger than `since`."""
    dead = False
    for number, witness in enumerate(plan["witnesses"]):
        command = InvestigateHost(wf.command_id(f"{step}-{number}"), plan["uuid"], plan["url"])
        try:
            seen = await wf.call(host_address(witness), command, timeout=PATIENCE)
        except AgentError:
            continue
        if seen["answers"] or (seen["heartbeat"] is not None and seen["heartbeat"] > since):
            return True
        dead = True
    return False if dead else None


async def _verdict(wf: Workflow[Context], plan: Plain) -> bool | None:
    """Whether the host is alive; None where nobody can say."""
    alive = await _seen(wf, plan, "look", plan["now"] - HEARTBEAT)
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
        trouble(ctx, row, "nobody can say whether it is down: nothing is started elsewhere")
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


def trouble(ctx: Context, row: Row, text: str) -> None:
    """Raises an alert about a host, once until there is something else to say."""
    if row["trouble"] == text:
        return
    ctx.tx.update(host, {"id": row["id"]}, trouble=text)
    told = f"host {row['name']} ({row['uuid']}) does not answer, and {text}"
    alert.raise_(ctx, alert.HOST, told, zone_id=row["zone_id"], pod_id=row["pod_id"])


def _now(ctx: Context) -> int:
    return ctx.now


async def fence(wf: Workflow[Context], plan: Plain) -> None:
    """Has the power of a host cut, by its controller, else by a neighbour. Raises `OperationFailed` where nobody could.

    Nobody is believed blindly: the controller must tell that the power is off, and no neighbour may see the host alive
    then; where a neighbour has cut it, one must say that it is gone.
    """
    why = "there is no other host that could do it"
    if plan["controller"] is not None:
        try:
            await power_off(wf, plan)
            cut = await wf.step("cut", _now)
            await wf.pause(A_MOMENT)
            if await _seen(wf, plan, "off", cut) is not True:
                return
            why = "its controller says that the power is off, and others see it alive"
        except AgentError as error:
            why = f"its controller: {error}"
    for number, witness in enumerate(plan["witnesses"]):
        command = FenceHost(wf.command_id(f"fence-{number}"), plan["uuid"], plan["url"])
        try:
            await wf.call(host_address(witness), command, timeout=PATIENCE)
        except AgentError as error:
            why = f"host {witness['name']}: {error}"
            continue
        cut = await wf.step(f"cut-{number}", _now)
        await wf.pause(A_MOMENT)
        if await _seen(wf, plan, f"gone-{number}", cut) is False:
            return
        why = f"host {witness['name']} says that it was done, and nobody confirms it"
    raise OperationFailed(f"its power could not be cut ({why})")


async def power_off(wf: Workflow[Context], plan: Plain) -> None:
    """Switches a host off by its controller, and waits until it is. Raises `AgentError`."""
    one = oobm.controller(plan["controller"])
    await wf.power(one, "OFF", "power-off", timeout=plan["timeout"])
    for number in range(LOOKS):
        if await wf.power(one, "STATUS", f"power-{number}", timeout=plan["timeout"]) == "Off":
            return
        await wf.pause(1.0)
    raise CommandFailed("the power stays on")


def mark_down(ctx: Context, host_id: int, asked: int) -> None:
    """Writes down that a host's power was cut, after `asked`: nothing that was known of it by then runs any more."""
    row = ctx.tx.first(HOST.by_id, row_id=host_id)
    if row is None:
        return
    down = states.host_status.can(row["status"], "HostDown")
    ctx.tx.update(
        host,
        {"id": host_id},
        status=states.host_status.next(row["status"], "HostDown") if down else row["status"],
        fencing=False,
        fenced=asked,
        disconnected=ctx.now,
        trouble=None,
        update_count=row["update_count"] + 1,
    )
    ctx.tx.execute(_WAITING, host_id=host_id, fenced=asked, now=ctx.now)
    ctx.tx.execute(_SETTLED, host_id=host_id, fenced=asked, now=ctx.now)
    if row["removed"] is not None:
        return
    text = f"host {row['name']} ({row['uuid']}) is down; its machines are brought back elsewhere"
    alert.raise_(ctx, alert.HOST, text, zone_id=row["zone_id"], pod_id=row["pod_id"])
    ctx.event("HOST.DISCONNECT", f"host {row['name']} is down", level="ERROR", resource=("Host", row["uuid"]))


def _fenced(ctx: Context, host_id: int, asked: int) -> None:
    mark_down(ctx, host_id, asked)


def _not_fenced(ctx: Context, error: CloudError, host_id: int, **_: Any) -> None:
    row = ctx.tx.first(HOST.by_id, row_id=host_id)
    if row is not None and row["fencing"]:
        ctx.tx.update(host, {"id": host_id}, fencing=False)
        trouble(ctx, row, f"{error.message}: nothing is started elsewhere")


def clear(ctx: Context, host_id: int | None = None, most: int = AT_ONCE) -> int:
    """Takes up to `most` idle machines off hosts that are down, or off one of them; answers how many there were.

    They are stopped then; those that HA protects are brought back elsewhere, the cloud's own machines first.
    """
    found: Sequence[Row]
    found = ctx.tx.all(_LEFT, most=most) if host_id is None else ctx.tx.all(_LEFT_THERE, most=most, host_id=host_id)
    for row in found:
        home = row["host_id"]
        leave_host(ctx, row, True, "FollowAgentPowerOffReport")
        ctx.event(
            "VM.STOP",
            f"virtual machine {row['display_name'] or row['name']} went down with its host",
            level="WARN",
            resource=("VirtualMachine", row["uuid"]),
            account_id=row["account_id"],
            domain_id=row["domain_id"],
        )
        if ha.protects(ctx, row):
            ha.bring_back(ctx, row, "HostDown", home)
    return len(found)


@workflow("host.investigate", failed=_not_fenced)
async def investigate(wf: Workflow[Context], host_id: int) -> None:
    """Looks into a host that does not answer; fences it, and brings its machines back, where it is down."""
    plan = await wf.step("plan", _plan, host_id)
    asked = 0
    if plan:
        asked = await wf.step("decide", _decide, host_id, alive=await _verdict(wf, plan))
    if asked:
        if not wf.done("fenced"):
            await fence(wf, plan)
        await wf.step("fenced", _fenced, host_id, asked)
        number = 0
        while await wf.step(f"clear-{number}", clear, host_id):
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
    return {**how(ctx, row), "host": address_of(ctx, host_id), "machines": machines}


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
    mark_down(ctx, host_id, asked)
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
            await wf.call(host_address(plan["host"]), command, timeout=PATIENCE)
    except AgentError:
        await fence(wf, plan)
        await wf.finish(_cleared, host_id, plan["now"])
        return
    await wf.finish(_told, host_id, [one["id"] for one in plan["machines"]])
