"""Leases: machines that are stopped or destroyed when their time is over (setting ``instance.lease.enabled``).

A lease is given when a machine is made, by its request or by its offering. It can be prolonged, shortened or lifted while
it lasts, and none can be given later. Where leases are switched off, those that last are cancelled for good.
"""

from __future__ import annotations

from typing import Any

from cloudsim.core.errors import InvalidValue
from cloudsim.db.database import Row
from cloudsim.services.context import Context

DAY = 86_400_000
MOST = 36_500
ACTIONS = ("STOP", "DESTROY")
ENABLED = "instance.lease.enabled"
#: States of a lease: it lasts; its time was over; it was lifted; it was cancelled with all others.
PENDING, DONE, DISABLED, CANCELLED = "PENDING", "DONE", "DISABLED", "CANCELLED"


def check(duration: int | None, action: str | None) -> None:
    """Raises `InvalidValue` for a lease that cannot be: both parts are needed, and it lasts for 1 day at least."""
    if duration is None and action is None:
        return
    if duration is not None and duration != -1 and not 1 <= duration <= MOST:
        raise InvalidValue(f"leaseduration takes a number of days up to {MOST}, or -1 for none")
    if action is not None and action not in ACTIONS:
        raise InvalidValue(f"leaseexpiryaction takes {' or '.join(ACTIONS)}, not '{action[:32]}'")
    if duration != -1 and (duration is None or action is None):
        raise InvalidValue("a lease has both: give leaseduration and leaseexpiryaction")


def of_new(ctx: Context, offering: Row, duration: int | None, action: str | None) -> dict[str, Any]:
    """The columns of a new machine's lease: what was asked for, else what its offering says. Raises `InvalidValue`."""
    none: dict[str, Any] = {"lease_expiry": None, "lease_action": None, "lease_state": None}
    if not ctx.settings.flag(ENABLED):
        return none
    check(duration, action)
    if duration is None:
        duration, action = offering["lease_duration"], offering["lease_expiry_action"]
    if duration is None or duration < 1:
        return none
    return {"lease_expiry": ctx.now + duration * DAY, "lease_action": action, "lease_state": PENDING}


def changed(ctx: Context, row: Row, duration: int | None, action: str | None) -> dict[str, Any]:
    """The columns that an update of a lease changes; it is counted anew from now. Raises `InvalidValue`."""
    if (duration is None and action is None) or not ctx.settings.flag(ENABLED):
        return {}
    check(duration, action)
    if row["lease_state"] is None:
        raise InvalidValue("the virtual machine was made without a lease: none can be given later")
    if row["lease_state"] != PENDING or row["lease_expiry"] <= ctx.now:
        raise InvalidValue("the lease of the virtual machine is over: it cannot be changed")
    if duration is None or duration < 1:
        tell(ctx, row, "VM.LEASE.DISABLED", "its lease was lifted")
        return {"lease_state": DISABLED}
    return {"lease_expiry": ctx.now + duration * DAY, "lease_action": action}


def days_left(now: int, expiry: int) -> int:
    """How many days a lease still lasts, the one that has begun counted."""
    return max(0, -(-(expiry - now) // DAY))


def tell(ctx: Context, row: Row, type_: str, text: str, level: str = "INFO") -> None:
    """Records an event of a lease."""
    ctx.event(
        type_,
        f"virtual machine {row['display_name'] or row['name']}: {text}",
        level=level,
        resource=("VirtualMachine", row["uuid"]),
        account_id=row["account_id"],
        domain_id=row["domain_id"],
    )
