"""Whether a template can be brought to the primary storage of a zone."""

from __future__ import annotations

from cloudsim.core.errors import InvalidValue
from cloudsim.db.database import Row
from cloudsim.services import access
from cloudsim.services.context import Context
from cloudsim.services.nouns import TEMPLATE
from cloudsim.services.template import entry_id
from cloudsim.services.template_delete import places_of
from cloudsim.services.template_download import READY, is_iso


def prepare(ctx: Context, row: Row, zone: Row, pool: Row | None) -> int:
    """The id of the entry of a template that is ready in a zone. Raises `InvalidValue`.

    Nothing is brought anywhere: storage pools copy a template when a volume is made of it.
    """
    access.must_own(ctx, TEMPLATE, row)
    if is_iso(row):
        raise InvalidValue(f"{row['name']} is an ISO: no volume is made of it")
    if not any(place["zone_id"] == zone["id"] and place["state"] == READY for place in places_of(ctx, row["id"])):
        raise InvalidValue(f"template {row['name']} is not ready in zone {zone['name']}")
    if pool is not None and pool["zone_id"] != zone["id"]:
        raise InvalidValue(f"storage pool {pool['name']} is in another zone")
    return entry_id(row["id"], zone["id"])


__all__ = ["prepare"]
