"""Schedules of virtual machines: start, stop or reboot them at the times that a cron expression names.

The next time of each is stored. What is due is ordered in the transaction that stores the time after it, so nothing is
done twice and nothing is forgotten; what was missed by more than `GRACE` (the server was down) is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, select

from cloudsim.core.errors import InvalidValue
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import Big, any_of
from cloudsim.jobs import cron
from cloudsim.services import access, vm_orders
from cloudsim.services.context import Context
from cloudsim.services.listing import Listing, equals
from cloudsim.services.nouns import VIRTUAL_MACHINE, VM_SCHEDULE

table = schema.vm_schedule

ACTIONS = ("START", "STOP", "REBOOT", "FORCE_STOP", "FORCE_REBOOT")
#: In which state of a machine each makes sense.
_WANTS = {
    "START": "Stopped",
    "STOP": "Running",
    "REBOOT": "Running",
    "FORCE_STOP": "Running",
    "FORCE_REBOOT": "Running",
}
#: Milliseconds by which something may be late.
GRACE = 3_600_000
#: How many are carried out in one transaction.
AT_ONCE = 100

LISTING = Listing(
    table,
    filters={
        "id": equals(table.c.id, "id"),
        "vm": equals(table.c.vm_id, "vm"),
        "action": equals(table.c.action, "action"),
        "enabled": equals(table.c.enabled, "enabled"),
    },
    keyword=(table.c.description, table.c.schedule),
)
_ROWS = (
    select(table, schema.vm.c.uuid.label("vm_uuid"))
    .select_from(table.join(schema.vm, table.c.vm_id == schema.vm.c.id))
    .where(any_of(table.c.id, "ids"))
)
_DUE = (
    select(table)
    .where(table.c.due <= bindparam("now", type_=Big), table.c.removed.is_(None), table.c.enabled.is_(True))
    .order_by(table.c.due, table.c.id)
    .limit(AT_ONCE)
)


def rows(ctx: Context, ids: Sequence[int]) -> list[Row]:
    """Schedules, with the uuids of their machines."""
    return ctx.tx.all(_ROWS, ids=ids)


def create(
    ctx: Context,
    machine: Row,
    *,
    action: str,
    schedule: str,
    timezone: str,
    start: int | None,
    end: int | None,
    enabled: bool,
    description: str | None,
) -> int:
    """Makes a schedule; answers its row id. Raises `InvalidValue`."""
    zone = _timezone(timezone)
    expression = _schedule(schedule, zone)
    start = _start(ctx, start)
    _check_end(ctx, start, end)
    row_id = ctx.tx.insert(
        table,
        uuid=ctx.uuid(),
        created=ctx.now,
        removed=None,
        vm_id=machine["id"],
        account_id=machine["account_id"],
        domain_id=machine["domain_id"],
        description=description,
        schedule=expression,
        timezone=zone,
        action=action,
        enabled=enabled,
        start=start,
        end=end,
        due=_next(expression, zone, start - 1, end),
    )
    _tell(ctx, machine, "VM.SCHEDULE.CREATE", f"{action.lower()} at {expression} ({zone}) is scheduled")
    return row_id


def update(ctx: Context, row: Row, **given: Any) -> None:
    """Changes a schedule: `schedule`, `timezone`, `start`, `end`, `enabled`, `description`; None stays.

    Raises `InvalidValue`.
    """
    changed = {name: value for name, value in given.items() if value is not None}
    if not changed:
        return
    if "timezone" in changed:
        changed["timezone"] = _timezone(changed["timezone"])
    now = {**row, **changed}
    if "schedule" in changed or "timezone" in changed:
        now["schedule"] = changed["schedule"] = _schedule(now["schedule"], now["timezone"])
    if "start" in changed:
        now["start"] = changed["start"] = _start(ctx, changed["start"])
    if "end" in changed or "start" in changed:
        _check_end(ctx, now["start"], now["end"])
    changed["due"] = _next(now["schedule"], now["timezone"], max(now["start"] - 1, ctx.now), now["end"])
    ctx.tx.update(table, {"id": row["id"]}, **changed)
    machine = access.row(ctx, VIRTUAL_MACHINE, row["vm_id"])
    _tell(ctx, machine, "VM.SCHEDULE.UPDATE", "a schedule was changed")


def delete(ctx: Context, machine: Row, wanted: Sequence[Row]) -> None:
    """Removes schedules of a machine, all of them where none is named. Raises `InvalidValue`."""
    for row in wanted:
        if row["vm_id"] != machine["id"]:
            raise InvalidValue(f"schedule {row['uuid']} is not one of that virtual machine")
    gone = [row["id"] for row in wanted] or LISTING.ids(ctx, {"vm": machine["id"]})
    for row_id in gone:
        ctx.tx.update(table, {"id": row_id}, removed=ctx.now, due=None)
    if gone:
        _tell(ctx, machine, "VM.SCHEDULE.DELETE", f"{len(gone)} schedules were deleted")


def _timezone(name: str) -> str:
    try:
        return cron.check_timezone(name)
    except ValueError as error:
        raise InvalidValue(str(error)) from None


def _schedule(text: str, timezone: str) -> str:
    try:
        return cron.check(text, timezone)
    except ValueError as error:
        raise InvalidValue(str(error)) from None


def _start(ctx: Context, start: int | None) -> int:
    if start is None:
        return ctx.now
    if start <= ctx.now:
        raise InvalidValue("startdate is in the past")
    return start


def _check_end(ctx: Context, start: int, end: int | None) -> None:
    if end is not None and end <= max(start, ctx.now):
        raise InvalidValue("enddate is after startdate, and in the future")


def _next(schedule: str, timezone: str, after: int, end: int | None) -> int | None:
    found = cron.next_time(schedule, timezone, after)
    return None if found is None or (end is not None and found > end) else found


def _tell(ctx: Context, machine: Row, type_: str, text: str, level: str = "INFO") -> None:
    ctx.event(
        type_,
        f"virtual machine {machine['display_name'] or machine['name']}: {text}",
        level=level,
        resource=("VirtualMachine", machine["uuid"]),
        account_id=machine["account_id"],
        domain_id=machine["domain_id"],
    )


def follow(ctx: Context) -> int:
    """Carries out what is due; answers how many schedules were looked at."""
    found = ctx.tx.all(_DUE, now=ctx.now)
    for row in found:
        ctx.tx.update(
            table, {"id": row["id"]}, due=_next(row["schedule"], row["timezone"], ctx.now, row["end"])
        )  # fmt: skip
        machine = ctx.tx.first(VIRTUAL_MACHINE.by_id, row_id=row["vm_id"])
        if machine is None or machine["removed"] is not None or row["due"] < ctx.now - GRACE:
            continue
        event = f"VM.SCHEDULE.{row['action'].replace('_', '.')}"
        if machine["state"] != _WANTS[row["action"]]:
            _tell(ctx, machine, event, f"nothing to {row['action'].lower()}: it is {machine['state']}", "WARN")
            continue
        _tell(ctx, machine, event, f"scheduled {row['action'].lower()}")
        _order(ctx, machine, row["action"])
    return len(found)


def _order(ctx: Context, machine: Row, action: str) -> None:
    if action == "START":
        ctx.command = "startVirtualMachine"
        vm_orders.start(ctx, machine)
    elif action.endswith("STOP"):
        ctx.command = "stopVirtualMachine"
        vm_orders.stop(ctx, machine, forced=action == "FORCE_STOP")
    else:
        ctx.command = "rebootVirtualMachine"
        vm_orders.reboot(ctx, machine, forced=action == "FORCE_REBOOT")


__all__ = ["ACTIONS", "LISTING", "VM_SCHEDULE", "create", "delete", "follow", "rows", "update"]
