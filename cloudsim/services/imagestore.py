"""Secondary storage: where templates and ISOs lie."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.services.context import Context
from cloudsim.services.listing import Listing, equals, equals_nocase

store = schema.image_store

LISTING = Listing(
    store,
    filters={
        "id": equals(store.c.id, "id"),
        "name": equals(store.c.name, "name"),
        "protocol": equals_nocase(store.c.protocol, "protocol"),
        "provider": equals_nocase(store.c.provider, "provider"),
        "readonly": equals(store.c.read_only, "readonly"),
        "zone": equals(store.c.zone_id, "zone"),
    },
    keyword=(store.c.name, store.c.provider),
)
_ROWS = (
    select(store, schema.zone.c.uuid.label("zone_uuid"), schema.zone.c.name.label("zone_name"))
    .select_from(store.outerjoin(schema.zone, store.c.zone_id == schema.zone.c.id))
    .where(any_of(store.c.id, "ids"))
)


def page(ctx: Context, ids: Sequence[int]) -> list[Row]:
    """Image stores with the names of their zones, in the order of their ids."""
    rows = {row["id"]: row for row in ctx.tx.all(_ROWS, ids=ids)}
    return [rows[row_id] for row_id in ids if row_id in rows]


__all__ = ["LISTING", "page"]
