"""Machines whose time is over: destroyed longer ago than ``expunge.delay``, or left half expunged."""

from __future__ import annotations

from sqlalchemy import and_, bindparam, exists, or_, select

from cloudsim.db.schema import job, vm
from cloudsim.services.cloud_machine import order
from cloudsim.services.context import Context

#: At most so many at a time: the rest has its turn at the next run.
BATCH = 200

_BUSY = exists().where(and_(job.c.instance_uuid == vm.c.uuid, or_(job.c.state == "queued", job.c.state == "running")))
_DUE = (
    select(vm)
    .where(
        vm.c.removed.is_(None),
        or_(
            and_(vm.c.state == "Destroyed", vm.c.destroyed < bindparam("before", type_=vm.c.destroyed.type)),
            and_(vm.c.state == "Error", vm.c.updated < bindparam("before", type_=vm.c.destroyed.type)),
            vm.c.state == "Expunging",
        ),
        ~_BUSY,
    )
    .order_by(vm.c.id)
    .limit(BATCH)
)


def due(ctx: Context) -> int:
    """Orders the expunging of every machine whose time is over; answers how many there are."""
    before = ctx.now - ctx.settings.number("expunge.delay") * 1000
    rows = ctx.tx.all(_DUE, before=before)
    for row in rows:
        event = "EXPUNGE" if row["type"] == "User" else "DESTROY"
        order(ctx, row, "virtualmachine.expunge", event, "expunging")
    return len(rows)
