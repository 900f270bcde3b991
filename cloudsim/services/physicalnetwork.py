"""Physical networks."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select

from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.db.virtualmachine import grouped
from cloudsim.services.context import Context
from cloudsim.services.listing import Listing, equals

network, vnet = schema.physical_network, schema.vnet

LISTING = Listing(
    network,
    filters={
        "id": equals(network.c.id, "id"),
        "name": equals(network.c.name, "name"),
        "zone": equals(network.c.zone_id, "zone"),
    },
    keyword=(network.c.name,),
)
_ROWS = (
    select(network, schema.zone.c.uuid.label("zone_uuid"), schema.zone.c.name.label("zone_name"))
    .select_from(network.join(schema.zone, network.c.zone_id == schema.zone.c.id))
    .where(any_of(network.c.id, "ids"))
)
# VLANs that follow one another have the same distance to their place in the order
_NUMBERED = (
    select(
        vnet.c.physical_network_id,
        vnet.c.vlan,
        (vnet.c.vlan - func.row_number().over(partition_by=vnet.c.physical_network_id, order_by=vnet.c.vlan)).label(
            "run"
        ),
    )
    .where(any_of(vnet.c.physical_network_id, "ids"))
    .subquery()
)
_RANGES = (
    select(
        _NUMBERED.c.physical_network_id,
        func.min(_NUMBERED.c.vlan).label("first"),
        func.max(_NUMBERED.c.vlan).label("last"),
    )
    .group_by(_NUMBERED.c.physical_network_id, _NUMBERED.c.run)
    .order_by(_NUMBERED.c.physical_network_id, func.min(_NUMBERED.c.vlan))
)


def page(ctx: Context, ids: Sequence[int]) -> list[tuple[Row, str | None]]:
    """Physical networks with their zones and their VLANs (``100-200,300``), in the order of their ids."""
    rows = {row["id"]: row for row in ctx.tx.all(_ROWS, ids=ids)}
    ranges = grouped(ctx.tx.all(_RANGES, ids=ids), "physical_network_id")
    made = []
    for row_id in ids:
        if row_id in rows:
            parts = [
                f"{part['first']}-{part['last']}" if part["first"] != part["last"] else str(part["first"])
                for part in ranges.get(row_id, [])
            ]
            made.append((rows[row_id], ",".join(parts) or None))
    return made


__all__ = ["LISTING", "page"]
