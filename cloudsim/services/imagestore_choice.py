"""Which secondary storage something new goes to, and how full each is."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, func, or_, select

from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.services.context import Context

store, placed, template = schema.image_store, schema.template_zone, schema.template
snapshots = schema.snapshot_store

#: The stores that something of a zone may be written to.
_WRITABLE = (
    select(store)
    .where(
        or_(store.c.zone_id == bindparam("zone_id"), store.c.zone_id.is_(None)),
        store.c.role == "Image",
        store.c.read_only.is_(False),
        store.c.removed.is_(None),
    )
    .order_by(store.c.id)
)
_OF_ZONES = select(store).where(
    any_of(store.c.zone_id, "ids"), store.c.role == "Image", store.c.capacity.is_not(None), store.c.removed.is_(None)
)
_USED = (
    select(placed.c.store_id, func.sum(template.c.physical_size).label("size"))
    .select_from(placed.join(template, placed.c.template_id == template.c.id))
    .where(any_of(placed.c.store_id, "ids"), template.c.removed.is_(None))
    .group_by(placed.c.store_id)
)
_USED_BY_SNAPSHOTS = (
    select(snapshots.c.store_id, func.sum(snapshots.c.physical_size).label("size"))
    .where(any_of(snapshots.c.store_id, "ids"))
    .group_by(snapshots.c.store_id)
)


def used(ctx: Context, ids: Sequence[int]) -> dict[int, int]:
    """The bytes that lie on each of these stores, or are on their way there."""
    sizes = dict.fromkeys(ids, 0)
    for statement in (_USED, _USED_BY_SNAPSHOTS):
        for row in ctx.tx.all(statement, ids=list(ids)):
            sizes[int(row["store_id"])] += int(row["size"] or 0)
    return sizes


def of_zones(ctx: Context, ids: Sequence[int]) -> list[tuple[int, int, int]]:
    """The zone, the bytes used and those in all of each store of zones that somebody said the capacity of."""
    rows = ctx.tx.all(_OF_ZONES, ids=list(ids))
    sizes = used(ctx, [row["id"] for row in rows]) if rows else {}
    return [(row["zone_id"], sizes[row["id"]], row["capacity"]) for row in rows]


def fullness(row: Row, size: int) -> float:
    """How full a store is, as a share; one that nobody said the capacity of counts as a pebibyte."""
    return size / (row["capacity"] or 2**50)


def _threshold(ctx: Context, row: Row, zone: tuple[str, int]) -> float:
    return ctx.settings.share("secondary.storage.capacity.threshold", ("ImageStore", row["id"]), zone) or 1.0


def writable(ctx: Context, zone_id: int) -> list[Row]:
    """The stores of a zone that take something new, best first.

    As ``image.store.allocation.algorithm`` orders them, without those that are fuller than
    ``secondary.storage.capacity.threshold``.
    """
    rows: list[Row] = ctx.tx.all(_WRITABLE, zone_id=zone_id)
    if len(rows) == 1 and rows[0]["capacity"] is None:
        return rows
    sizes, zone = used(ctx, [row["id"] for row in rows]), ("Zone", zone_id)
    rows = [row for row in rows if fullness(row, sizes[row["id"]]) < _threshold(ctx, row, zone)]
    if ctx.settings.text("image.store.allocation.algorithm", zone) == "random":
        ctx.chance.shuffle(rows)
    else:
        rows.sort(key=lambda row: (fullness(row, sizes[row["id"]]), row["id"]))
    return rows


def choose(ctx: Context, zone_id: int) -> Row | None:
    """The store that something new of a zone goes to; None where the zone has none that takes it."""
    return next(iter(writable(ctx, zone_id)), None)


__all__ = ["choose", "fullness", "of_zones", "used", "writable"]
