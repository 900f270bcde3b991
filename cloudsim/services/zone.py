"""Zones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, func, or_, select

from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.db.virtualmachine import DETAILS, TAGS, grouped
from cloudsim.services import capacity
from cloudsim.services.access import Scope
from cloudsim.services.context import Context
from cloudsim.services.listing import Listing, Page, equals, tags_of

zone = schema.zone

LISTING = Listing(
    zone,
    filters={
        "id": equals(zone.c.id, "id"),
        "ids": any_of(zone.c.id, "ids"),
        "name": equals(zone.c.name, "name"),
        "networktype": equals(zone.c.network_type, "networktype"),
        "domain": or_(zone.c.domain_id.is_(None), zone.c.domain_id == bindparam("domain")),
        "enabled": zone.c.allocation_state == "Enabled",
    },
    keyword=(zone.c.name, zone.c.description),
    order=(zone.c.sort_key, zone.c.id),
    tag_type="Zone",
    # not an admin: zones that are open to all, or dedicated to the own domain or one above it
    seen={
        "visible": or_(
            zone.c.domain_id.is_(None),
            zone.c.domain_id.in_(
                select(schema.domain.c.id).where(
                    func.substr(bindparam("scope_path"), 1, func.length(schema.domain.c.path)) == schema.domain.c.path
                )
            ),
        )
    },
)
_ROWS = (
    select(zone, schema.domain.c.uuid.label("domain_uuid"), schema.domain.c.name.label("domain_name"))
    .select_from(zone.outerjoin(schema.domain, zone.c.domain_id == schema.domain.c.id))
    .where(any_of(zone.c.id, "ids"))
)
_ARCHS = (
    select(schema.cluster.c.zone_id, func.count(schema.cluster.c.arch.distinct()).label("archs"))
    .where(any_of(schema.cluster.c.zone_id, "ids"), schema.cluster.c.removed.is_(None))
    .group_by(schema.cluster.c.zone_id)
)


def search(
    ctx: Context,
    page_: Page,
    tags: Mapping[str, Any] | None,
    *,
    id: Row | None,
    ids: Sequence[Row] | None,
    **given: Any,
) -> tuple[list[int], int]:
    """Ids of the zones that are asked for and the caller may see, and how many there are."""
    domain = given.pop("domain", None)
    available = given.pop("available", None)
    conditions: dict[str, Any] = {
        **given,
        "id": id["id"] if id else None,
        "ids": [row["id"] for row in ids] if ids else None,
        "domain": domain["id"] if domain else None,
    }
    scope = Scope("all")
    if not ctx.caller.is_admin:
        scope = Scope("visible", {"scope_path": ctx.caller.domain_path})
        if not available:
            conditions["enabled"] = True
    return LISTING.page(ctx, conditions, page_, scope, tags_of(tags))


def page(ctx: Context, ids: Sequence[int]) -> list[tuple[Row, list[Row], list[Row], int]]:
    """Zones in the order of their ids, each with its tags, details and number of CPU architectures."""
    rows = {row["id"]: row for row in ctx.tx.all(_ROWS, ids=ids)}
    tags = grouped(ctx.tx.all(TAGS, kind="Zone", ids=ids), "resource_id")
    details = grouped(ctx.tx.all(DETAILS, kind="Zone", ids=ids), "resource_id")
    archs = {row["zone_id"]: row["archs"] for row in ctx.tx.all(_ARCHS, ids=ids)}
    return [(rows[i], tags.get(i, []), details.get(i, []), archs.get(i, 0)) for i in ids if i in rows]


def add_capacities(ctx: Context, zone_objects: list[dict[str, Any]]) -> None:
    """Adds its capacities to each zone's response object."""
    capacity.add(ctx, "zone", zone_objects)
