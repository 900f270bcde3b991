"""Networks that nobody uses give back what they have taken: their routers and their VLANs.

A network in which no machine runs is noted as idle when that is seen first (setting ``network.gc.interval`` says how often
is looked), and shut down when it is still idle ``network.gc.wait`` seconds later: it is as it was before its first machine,
with its public addresses and its rules, and the next machine makes it real again. What is persistent, shared, or has a VLAN
of its owner's choice stays.

The network is in use until its routers are gone: a machine that starts meanwhile keeps it.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, bindparam, exists, or_, select

from cloudsim.core import states
from cloudsim.core.errors import OperationFailed
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.jobs.job import Order
from cloudsim.jobs.workflow import Workflow, workflow
from cloudsim.services import access, network, router
from cloudsim.services.context import Context
from cloudsim.services.nouns import NETWORK, NETWORK_OFFERING

table, offering, nic, vm = schema.network, schema.network_offering, schema.nic, schema.vm

_USED = exists(
    select(nic.c.id)
    .select_from(nic.join(vm, nic.c.vm_id == vm.c.id))
    .where(
        nic.c.network_id == table.c.id,
        nic.c.removed.is_(None),
        vm.c.type == "User",
        vm.c.removed.is_(None),
        and_(*(vm.c.state != state for state in network.AT_REST)),
    )
)
_CANDIDATES = (
    select(table, _USED.label("used"))
    .select_from(table.join(offering, table.c.offering_id == offering.c.id))
    .where(
        table.c.removed.is_(None),
        table.c.state == "Implemented",
        table.c.traffic_type == "Guest",
        or_(table.c.guest_type == "Isolated", table.c.guest_type == "L2"),
        table.c.is_system.is_(False),
        offering.c.is_persistent.is_(False),
        offering.c.specify_vlan.is_(False),
    )
    .order_by(table.c.id)
)
_OPEN = select(schema.job.c.id).where(
    schema.job.c.lock == bindparam("lock"),
    (schema.job.c.state == "queued") | (schema.job.c.state == "running"),
)
_VNET = schema.vnet.update().where(schema.vnet.c.network_id == bindparam("which")).values(network_id=None, taken=None)
_CARDS = (
    nic.update()
    .where(nic.c.network_id == bindparam("which"), nic.c.removed.is_(None))
    .values(broadcast_uri=None, isolation_uri=None)
)


def look(ctx: Context) -> int:
    """Notes which networks are idle, and orders that those go that have been it for long enough; answers how many."""
    before = ctx.now - int(ctx.settings.number("network.gc.wait") * 1000)
    ordered = 0
    for row in ctx.tx.all(_CANDIDATES):
        if row["used"]:
            if row["idle_since"] is not None:
                ctx.tx.update(table, {"id": row["id"]}, idle_since=None)
        elif row["idle_since"] is None:
            ctx.tx.update(table, {"id": row["id"]}, idle_since=ctx.now)
        elif row["idle_since"] <= before and ctx.tx.scalar(_OPEN, lock=f"network:{row['uuid']}") is None:
            _order(ctx, row)
            ordered += 1
    return ordered


def _order(ctx: Context, row: Row) -> str:
    return ctx.submit(
        Order(
            command="deleteNetwork",
            workflow="network.gc",
            arguments={"network_id": row["id"]},
            instance_type="Network",
            instance_uuid=row["uuid"],
            lock=f"network:{row['uuid']}",
            account_id=row["account_id"],
            domain_id=row["domain_id"],
        )
    )


def _idle(ctx: Context, network_id: int) -> Row | None:
    row = ctx.tx.first(NETWORK.by_id, row_id=network_id)
    if row is None or row["removed"] is not None or row["state"] != "Implemented" or row["idle_since"] is None:
        return None
    offered = access.row(ctx, NETWORK_OFFERING, row["offering_id"])
    return None if offered["is_persistent"] or network.in_use(ctx, network_id) else row


def _closing(ctx: Context, network_id: int) -> list[str] | None:
    """Orders that the routers go; None where the network is in use again."""
    return None if _idle(ctx, network_id) is None else router.remove_all(ctx, network_id)


def _closed(ctx: Context, network_id: int) -> dict[str, Any]:
    row = _idle(ctx, network_id)
    if row is None:
        return {"success": True}
    left = router.of_network(ctx, network_id)
    if left:
        raise OperationFailed(f"router {left[0]['name']} of network {row['name']} could not be removed: see its job")
    shut_down(ctx, row)
    return {"success": True}


def shut_down(ctx: Context, row: Row) -> None:
    """Takes back what a network without routers has: it is Allocated, as before its first machine."""
    state = states.network.next(states.network.next(row["state"], "DestroyNetwork"), "OperationSucceeded")
    ctx.tx.execute(_VNET, which=row["id"])
    ctx.tx.execute(_CARDS, which=row["id"])
    ctx.tx.update(table, {"id": row["id"]}, state=state, vlan=None, broadcast_uri=None, idle_since=None)


@workflow("network.gc")
async def _gc(wf: Workflow[Context], network_id: int) -> None:
    jobs = await wf.step("closing", _closing, network_id)
    if jobs:
        await wf.ended(jobs)
    await wf.finish(_closed, network_id)
