"""Guest operating systems and their categories."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.services.context import Context
from cloudsim.services.listing import Listing, contains, equals, like

os, category = schema.guest_os, schema.guest_os_category

LISTING = Listing(
    os,
    filters={
        "id": equals(os.c.id, "id"),
        "category": equals(os.c.category_id, "category"),
        "description": contains(os.c.name, "description"),
        "shown": equals(os.c.for_display, "shown"),
    },
    keyword=(os.c.name,),
    order=(os.c.name, os.c.id),
)
CATEGORIES = Listing(
    category,
    filters={
        "id": equals(category.c.id, "id"),
        "ids": any_of(category.c.id, "ids"),
        "name": contains(category.c.name, "name"),
        "featured": equals(category.c.featured, "featured"),
    },
    keyword=(category.c.name,),
    order=(category.c.sort_key, category.c.id),
)
_ROWS = (
    select(os, category.c.uuid.label("category_uuid"), category.c.name.label("category_name"))
    .select_from(os.join(category, os.c.category_id == category.c.id))
    .where(any_of(os.c.id, "ids"))
)
_CATEGORIES = select(category).where(any_of(category.c.id, "ids"))
_IMAGES = (
    select(os.c.category_id, schema.template.c.format, schema.template.c.arch, schema.template_zone.c.zone_id)
    .select_from(
        schema.template.join(os, schema.template.c.guest_os_id == os.c.id).outerjoin(
            schema.template_zone, schema.template_zone.c.template_id == schema.template.c.id
        )
    )
    .where(schema.template.c.removed.is_(None), schema.template.c.type != "SYSTEM")
    .distinct()
)


def page(ctx: Context, ids: Sequence[int]) -> list[Row]:
    """OS types with their categories, in the order of their ids."""
    rows = {row["id"]: row for row in ctx.tx.all(_ROWS, ids=ids)}
    return [rows[row_id] for row_id in ids if row_id in rows]


def categories(ctx: Context, ids: Sequence[int]) -> list[Row]:
    """Categories in the order of their ids."""
    rows = {row["id"]: row for row in ctx.tx.all(_CATEGORIES, ids=ids)}
    return [rows[row_id] for row_id in ids if row_id in rows]


def with_images(
    ctx: Context, zone: Row | None, arch: str | None, iso: bool | None, vnf: bool | None
) -> list[int] | None:
    """Ids of the categories that have a template or ISO like that; None where nothing of that was asked for."""
    if zone is None and arch is None and iso is None and vnf is None:
        return None
    if vnf:
        return []
    return sorted(
        {
            row["category_id"]
            for row in ctx.tx.all(_IMAGES)
            if (zone is None or row["zone_id"] == zone["id"])
            and (arch is None or (row["arch"] or "x86_64").lower() == arch.lower())
            and (iso is None or (row["format"] == "ISO") == iso)
        }
    )


__all__ = ["CATEGORIES", "LISTING", "categories", "like", "page", "with_images"]
