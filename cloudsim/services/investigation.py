"""A host that does not answer: is it down? Its power is cut before anything it ran is started elsewhere.

Other hosts that are up, those of its cluster first, are asked what they see of it. One that answers its neighbours, or
still writes its heartbeat to the storage, is alive: it is only the server that does not reach it, its machines run on,
and nothing is done but to look again. One that does neither is fenced: a neighbour cuts its power. Only when that was
answered is the host Down; its machines are then stopped in the database, and those with HA are brought back. Where
nobody can be asked, or nobody can cut the power, the host stays in Alert and everything on it where it is: no machine
may ever run on two hosts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Integer, and_, bindparam, case, exists, or_, select

from cloudsim.agents.base import AgentError, FenceHost, InvestigateHost, Unsupported
from cloudsim.core.errors import CloudError, OperationFailed
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.jobs.job import Order
from cloudsim.jobs.workflow import Workflow, workflow
from cloudsim.services import alert, ha, host_state
from cloudsim.services.context import Context
from cloudsim.services.nouns import HOST
from cloudsim.services.vm_workflows import Plain, address_of, host_address, leave_host

host, vm, job = schema.host, schema.vm, schema.job

#: How many other hosts are asked.
WITNESSES = 3
#: Seconds one of them may take.
PATIENCE = 20.0
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
#: What is left on hosts that are down, the cloud's own machines first.
_LEFT = (
    select(vm, host.c.cluster_id)
    .select_from(vm.join(host, vm.c.host_id == host.c.id))
    .where(host.c.status == "Down", vm.c.removed.is_(None), _IDLE)
    .order_by(case((vm.c.type == "User", 1), else_=0), vm.c.id)
    .limit(bindparam("most", type_=Integer))
)
_LEFT_THERE = _LEFT.where(vm.c.host_id == bindparam("host_id"))


def lock(row: Row) -> str:
    """The lock that orders what is done with one host."""
    return f"host:{row['uuid']}"


def order(ctx: Context, row: Row) -> str | None:
    """Orders that a host which does not answer is looked into; None where that is under way."""
    if ctx.tx.scalar(_UNDER_WAY, lock=lock(row)) is not None:
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
    if row is None or row["removed"] is not None or row["status"] != "Alert" or row["resource_state"] == "Maintenance":
        return None
    return row


def _plan(ctx: Context, host_id: int) -> Plain:
    row = _silent(ctx, host_id)
    if row is None:
        return {}
    witnesses = ctx.tx.all(
        _WITNESSES,
        zone_id=row["zone_id"],
        hypervisor=row["hypervisor"],
        host_id=host_id,
        cluster_id=row["cluster_id"],
    )
    return {
        "uuid": row["uuid"],
        "url": row["url"],
        "silent": row["disconnected"],
        "witnesses": [address_of(ctx, one["id"]) for one in witnesses],
    }


async def _verdict(wf: Workflow[Context], plan: Plain) -> bool | None:
    """Whether the host is alive, as its neighbours see it; None where nobody can say."""
    dead = False
    for number, witness in enumerate(plan["witnesses"]):
        command = InvestigateHost(wf.command_id(f"look-{number}"), plan["uuid"], plan["url"])
        try:
            seen = await wf.call(host_address(witness), command, timeout=PATIENCE)
        except Unsupported:
            return None
        except AgentError:
            continue
        beat = seen["heartbeat"]
        if seen["answers"] or (beat is not None and beat >= (plan["silent"] or 0)):
            return True
        dead = True
    return False if dead else None


def _decide(ctx: Context, host_id: int, *, alive: bool | None) -> bool:
    """Whether its power is to be cut. From then on what the host says does not count, until it is down."""
    row = _silent(ctx, host_id)
    if row is None or alive is not False:
        return False
    ctx.tx.update(host, {"id": host_id}, fencing=True)
    ctx.event(
        "HOST.DISCONNECT",
        f"host {row['name']} is down, as other hosts see it; its power is cut",
        level="WARN",
        resource=("Host", row["uuid"]),
    )
    return True


async def fence(wf: Workflow[Context], plan: Plain) -> None:
    """Has the power of a host cut. Raises `OperationFailed` where nobody could do that."""
    why = "there is no other host that could do it"
    for number, witness in enumerate(plan["witnesses"]):
        command = FenceHost(wf.command_id(f"fence-{number}"), plan["uuid"], plan["url"])
        try:
            await wf.call(host_address(witness), command, timeout=PATIENCE)
            return
        except AgentError as error:
            why = f"host {witness['name']}: {error}"
    raise OperationFailed(f"the power of the host could not be cut; {why}")


def _fenced(ctx: Context, host_id: int) -> None:
    row = ctx.tx.first(HOST.by_id, row_id=host_id)
    if row is None or not row["fencing"]:
        return
    host_state.reach(ctx, row, "HostDown", fencing=False)
    text = f"host {row['name']} ({row['uuid']}) is down; its machines are brought back elsewhere"
    alert.raise_(ctx, alert.HOST, text, zone_id=row["zone_id"], pod_id=row["pod_id"])
    ctx.event("HOST.DISCONNECT", f"host {row['name']} is down", level="ERROR", resource=("Host", row["uuid"]))


def _not_fenced(ctx: Context, error: CloudError, host_id: int, **_: Any) -> None:
    row = ctx.tx.first(HOST.by_id, row_id=host_id)
    if row is not None and row["fencing"]:
        ctx.tx.update(host, {"id": host_id}, fencing=False)
        text = f"host {row['name']} ({row['uuid']}) seems down, but {error.message}: nothing is started elsewhere"
        alert.raise_(ctx, alert.HOST, text, zone_id=row["zone_id"], pod_id=row["pod_id"])


def clear(ctx: Context, host_id: int | None = None, most: int = AT_ONCE) -> int:
    """Takes up to `most` idle machines off hosts that are down, or off one of them; answers how many there were.

    They are stopped then; those that HA protects are brought back elsewhere, the cloud's own machines first.
    """
    found: Sequence[Row]
    found = ctx.tx.all(_LEFT, most=most) if host_id is None else ctx.tx.all(_LEFT_THERE, most=most, host_id=host_id)
    for row in found:
        home = row["host_id"]
        leave_host(ctx, row, True, "FollowAgentPowerOffReport")
        protected = ha.protects(ctx, row)
        ctx.event(
            "VM.STOP",
            f"virtual machine {row['display_name'] or row['name']} went down with its host",
            level="WARN",
            resource=("VirtualMachine", row["uuid"]),
            account_id=row["account_id"],
            domain_id=row["domain_id"],
        )
        if protected:
            ha.bring_back(ctx, row, "HostDown", home)
    return len(found)


@workflow("host.investigate", failed=_not_fenced)
async def investigate(wf: Workflow[Context], host_id: int) -> None:
    """Looks into a host that does not answer; fences it, and brings its machines back, where it is down."""
    plan = await wf.step("plan", _plan, host_id)
    down = False
    if plan:
        alive = None if wf.recorded("decide") else await _verdict(wf, plan)
        down = await wf.step("decide", _decide, host_id, alive=alive)
    if down:
        if not wf.recorded("fenced"):  # else it may be on again, and run machines
            await fence(wf, plan)
            await wf.step("fenced", _fenced, host_id)
        number = 0
        while await wf.step(f"clear-{number}", clear, host_id):
            number += 1
    await wf.finish(_ended)


def _ended(ctx: Context) -> Plain:
    return {"success": True}
