"""Forgetting machines that were expunged: their rows, and those of all that went with them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import Table, bindparam, func, select

from cloudsim.core.errors import InvalidValue
from cloudsim.db import schema
from cloudsim.db.types import Big, any_of
from cloudsim.jobs.job import Order
from cloudsim.jobs.workflow import Workflow, workflow
from cloudsim.services.context import Context

vm, detail, tag = schema.vm, schema.detail, schema.tag

#: What can be forgotten.
KINDS = ("VirtualMachine",)
DAY = 86_400_000
_DUE = (
    select(vm.c.id)
    .where(
        vm.c.removed.is_not(None),
        vm.c.removed >= bindparam("since", type_=Big),
        vm.c.removed <= bindparam("until", type_=Big),
        vm.c.id > bindparam("after", type_=Big),
        # the newest stays: its number would be given again
        vm.c.id < select(func.max(vm.c.id)).scalar_subquery(),
    )
    .order_by(vm.c.id)
    .limit(bindparam("most", type_=Big))
)
#: What details and tags call the rows of a table.
_NAMES = {"vm": "UserVm", "volume": "Volume", "nic": "Nic"}
_DETAILS, _TAGS = (
    table.delete().where(table.c.resource_type == bindparam("kind"), any_of(table.c.resource_id, "ids"))
    for table in (detail, tag)
)


@cache
def _naming(table: Table) -> list[tuple[Table, Any, Any]]:
    """Each table with a column that names rows of `table`, and the statements for its rows that are there and all."""
    found = []
    for other in schema.metadata.sorted_tables:
        for column in other.columns:
            if any(key.column.table is table for key in column.foreign_keys):
                named = select(other).where(any_of(column, "ids"))
                found.append((other, column, named))
    return found


@cache
def _delete(table: Table, column: Any) -> Any:
    return table.delete().where(any_of(column, "ids"))


def _removable(ctx: Context, table: Table, row_id: int) -> bool:
    """Whether nothing that is there still names a row."""
    for other, _, named in _naming(table):
        for row in ctx.tx.all(named, ids=[row_id]):
            if "removed" in other.c and row["removed"] is None:
                return False
            if "id" in other.c and not _removable(ctx, other, row["id"]):
                return False
    return True


def _forget(ctx: Context, table: Table, ids: Sequence[int]) -> None:
    if not ids:
        return
    for other, column, named in _naming(table):
        if "id" in other.c:
            _forget(ctx, other, [row["id"] for row in ctx.tx.all(named, ids=list(ids))])
        else:
            ctx.tx.execute(_delete(other, column), ids=list(ids))
    if table.name in _NAMES:
        for statement in (_DETAILS, _TAGS):
            ctx.tx.execute(statement, kind=_NAMES[table.name], ids=list(ids))
    ctx.tx.execute(_delete(table, table.c.id), ids=list(ids))


def forget(ctx: Context, since: int, until: int, after: int, most: int) -> tuple[int, int]:
    """Forgets up to `most` machines that were removed between two instants; answers how many, and the last one looked at.

    A machine stays where something that is there still names it or what was its. The last looked at is 0 at the end.
    """
    found = [row["id"] for row in ctx.tx.all(_DUE, since=since, until=until, after=after, most=most)]
    gone = [row_id for row_id in found if _removable(ctx, vm, row_id)]
    _forget(ctx, vm, gone)
    return len(gone), found[-1] if len(found) == most else 0


def order(ctx: Context, kind: str | None, start: int | None, end: int | None, batch: int | None) -> str:
    """Orders that expunged machines are forgotten; answers the job's uuid. Raises `InvalidValue`."""
    if kind is not None and kind.lower() not in {one.lower() for one in KINDS}:
        raise InvalidValue(f"resourcetype takes {', '.join(KINDS)}, not '{kind[:64]}'")
    if batch is not None and not 1 <= batch <= 10_000:
        raise InvalidValue("batchsize takes 1 to 10000")
    if start is not None and end is not None and start > end:
        raise InvalidValue("startdate is after enddate")
    return ctx.submit(
        Order(
            command=ctx.command,
            workflow="purge.expunged",
            arguments={
                "since": start or 0,
                "until": min(end, ctx.now) if end is not None else ctx.now,
                "batch": batch or ctx.settings.number("expunged.resources.purge.batch.size") or 50,
            },
            lock="purge",
            event="PURGE.EXPUNGED.RESOURCES",
            event_text="forgetting expunged virtual machines",
        )
    )


def _batch(ctx: Context, since: int, until: int, after: int, most: int) -> list[int]:
    return list(forget(ctx, since, until, after, most))


def _ended(ctx: Context, number: int) -> dict[str, Any]:
    return {"success": True, "displaytext": f"{number} virtual machine(s) were forgotten"}


@workflow("purge.expunged")
async def _purge(wf: Workflow[Context], since: int, until: int, batch: int) -> None:
    number, after, turn = 0, 0, 0
    while True:
        gone, after = await wf.step(f"batch-{turn}", _batch, since, until, after, batch)
        number, turn = number + gone, turn + 1
        if not after:
            break
    await wf.finish(_ended, number)


def due(ctx: Context) -> int:
    """What ``expunged.resources.purge.*`` say: forgets one batch of what is past its days; answers how many."""
    settings = ctx.settings
    kinds = {word.strip().lower() for word in settings.text("expunged.resources.purge.resources").split(",")} - {""}
    if not settings.flag("expunged.resources.purge.enabled") or (kinds and KINDS[0].lower() not in kinds):
        return 0
    until = ctx.now - settings.number("expunged.resources.purge.keep.past.days") * DAY
    return forget(ctx, 0, until, 0, settings.number("expunged.resources.purge.batch.size") or 50)[0]
