"""What happens to machines when their leases are nearly over, over, or switched off; for the tasks that look."""

from __future__ import annotations

from sqlalchemy import bindparam, select

from cloudsim.core.errors import CloudError
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import Big
from cloudsim.services import vm_orders
from cloudsim.services.context import Context
from cloudsim.services.vm_lease_rules import CANCELLED, DAY, DONE, ENABLED, PENDING, days_left, tell

vm = schema.vm
#: At most so many at a time.
BATCH = 200

_LASTING = vm.c.removed.is_(None) & (vm.c.lease_state == PENDING)
_DUE = (
    select(vm)
    .where(_LASTING, vm.c.lease_expiry <= bindparam("now", type_=Big))
    .order_by(vm.c.lease_expiry)
    .limit(BATCH)
)  # fmt: skip
_NEAR = (
    select(vm)
    .where(
        _LASTING,
        vm.c.lease_expiry > bindparam("now", type_=Big),
        vm.c.lease_expiry <= bindparam("until", type_=Big),
    )
    .order_by(vm.c.lease_expiry)
)
_ALL = select(vm).where(_LASTING).order_by(vm.c.id).limit(BATCH)


def follow(ctx: Context) -> int:
    """Does what is due with leases that are over, and cancels all where they were switched off; answers how many."""
    if not ctx.settings.flag(ENABLED):
        return cancel(ctx)
    due = ctx.tx.all(_DUE, now=ctx.now)
    for row in due:
        ctx.tx.update(vm, {"id": row["id"]}, lease_state=DONE)
        tell(ctx, row, "VM.LEASE.EXPIRED", f"its lease is over: {row['lease_action'].lower()}")
        try:
            _act(ctx, row)
        except CloudError as error:
            tell(ctx, row, "VM.LEASE.EXPIRED", f"its lease is over, and it stays: {error.message}", "WARN")
    return len(due)


def _act(ctx: Context, row: Row) -> None:
    if row["lease_action"] == "DESTROY" and row["state"] not in ("Destroyed", "Expunging"):
        ctx.command = "destroyVirtualMachine"
        vm_orders.destroy(ctx, row)
    elif row["lease_action"] == "STOP" and row["state"] in ("Running", "Starting", "Migrating"):
        ctx.command = "stopVirtualMachine"
        vm_orders.stop(ctx, row, forced=True)


def cancel(ctx: Context) -> int:
    """Cancels every lease that lasts; answers how many."""
    found = ctx.tx.all(_ALL)
    for row in found:
        ctx.tx.update(vm, {"id": row["id"]}, lease_state=CANCELLED)
        tell(ctx, row, "VM.LEASE.CANCELLED", "its lease was cancelled: leases were switched off")
    return len(found)


def warn(ctx: Context) -> int:
    """Tells of leases that are over within ``instance.lease.expiryevent.daysbefore`` days; answers how many."""
    days = ctx.settings.number("instance.lease.expiryevent.daysbefore")
    if not ctx.settings.flag(ENABLED) or days < 1:
        return 0
    found = ctx.tx.all(_NEAR, now=ctx.now, until=ctx.now + days * DAY)
    for row in found:
        left = days_left(ctx.now, row["lease_expiry"])
        tell(ctx, row, "VM.LEASE.EXPIRING", f"its lease is over in {left} days: {row['lease_action'].lower()}")
    return len(found)
