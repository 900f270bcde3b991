"""Cutting the power of a host, and what follows from it: it is down, and nothing that was known of it runs any more.

``host.fenced`` is the instant when it was decided to cut the power. It settles only what was known of the host by then:
a machine that the host was heard to run, or was asked to run, after it (a job was in flight, and the host was switched
on again) is not taken from it; if the host falls silent again, it is fenced anew.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Integer, and_, bindparam, case, exists, func, or_, select

from cloudsim.agents.base import AgentError, CommandFailed, FenceHost, InvestigateHost
from cloudsim.core import states
from cloudsim.core.errors import OperationFailed
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import Big
from cloudsim.jobs.workflow import Workflow
from cloudsim.services import alert, ha, oobm
from cloudsim.services.context import Context
from cloudsim.services.nouns import HOST
from cloudsim.services.vm_plain import Plain, address_of, host_address
from cloudsim.services.vm_stop import leave_host

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
OPEN = or_(job.c.state == "queued", job.c.state == "running")
IDLE = ~exists().where(and_(job.c.lock == "vm:" + vm.c.uuid, OPEN))
#: What is left on hosts that are down, the cloud's own machines first. What was heard of after the fence is not meant.
_LEFT = (
    select(vm, host.c.cluster_id)
    .select_from(vm.join(host, vm.c.host_id == host.c.id))
    .where(
        host.c.status == "Down",
        vm.c.removed.is_(None),
        or_(vm.c.state == "Running", vm.c.state == "Starting", vm.c.state == "Stopping"),
        func.coalesce(vm.c.power_time, 0) <= func.coalesce(host.c.fenced, 0),
        IDLE,
    )
    .order_by(case((vm.c.type == "User", 1), else_=0), vm.c.id)
    .limit(bindparam("most", type_=Integer))
)
_LEFT_THERE = _LEFT.where(vm.c.host_id == bindparam("host_id"))
#: Machines that may run on a host though nobody is sure.
UNKNOWN = and_(vm.c.power_state == "PowerUnknown", vm.c.power_host_id == bindparam("host_id"), vm.c.removed.is_(None))
_DOUBTED = (
    select(vm.c.id)
    .where(
        or_(UNKNOWN, and_(vm.c.host_id == bindparam("host_id"), vm.c.removed.is_(None))),
        vm.c.power_time > bindparam("fenced", type_=Big),
        IDLE,
    )
    .limit(1)
)
_SETTLED = (
    vm.update()
    .where(UNKNOWN, vm.c.host_id.is_(None), vm.c.power_time <= bindparam("fenced", type_=Big))
    .values(power_state="PowerOff", power_host_id=None, power_time=bindparam("now", type_=Big))
)
#: HA that waited for it need not wait any more.
_WAITING = (
    schema.ha_work.update()
    .where(
        schema.ha_work.c.vm_id.in_(
            select(vm.c.id).where(UNKNOWN, vm.c.host_id.is_(None), vm.c.power_time <= bindparam("fenced", type_=Big))
        )
    )
    .values(due=bindparam("now", type_=Big))
)


def doubted(ctx: Context, row: Row) -> bool:
    """Whether something may run on a host that was fenced: it was heard of, or asked for, after that."""
    return ctx.tx.scalar(_DOUBTED, host_id=row["id"], fenced=row["fenced"] or 0) is not None


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


async def seen(wf: Workflow[Context], plan: Plain, step: str, since: int) -> bool | None:
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
            if await seen(wf, plan, "off", cut) is not True:
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
        if await seen(wf, plan, f"gone-{number}", cut) is False:
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
