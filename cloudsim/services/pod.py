"""Pods."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from sqlalchemy import bindparam, select

from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.services.context import Context
from cloudsim.services.listing import Listing, equals

pod = schema.pod

LISTING = Listing(
    pod,
    filters={
        "id": equals(pod.c.id, "id"),
        "name": equals(pod.c.name, "name"),
        "zone": equals(pod.c.zone_id, "zone"),
        "state": equals(pod.c.allocation_state, "state"),
        "none": pod.c.id < 0,
    },
    keyword=(pod.c.name,),
    order=(pod.c.name, pod.c.id),
)
_ROWS = (
    select(pod, schema.zone.c.uuid.label("zone_uuid"), schema.zone.c.name.label("zone_name"))
    .select_from(pod.join(schema.zone, pod.c.zone_id == schema.zone.c.id))
    .where(any_of(pod.c.id, "ids"))
)
_TAKEN = select(schema.host.c.ip).where(
    schema.host.c.pod_id == bindparam("pod_id"), schema.host.c.removed.is_(None), schema.host.c.ip.is_not(None)
)


def page(ctx: Context, ids: Sequence[int]) -> list[Row]:
    """Pods with the names of their zones, in the order of their ids."""
    rows = {row["id"]: row for row in ctx.tx.all(_ROWS, ids=ids)}
    return [rows[row_id] for row_id in ids if row_id in rows]


def free_address(ctx: Context, row: Row) -> str | None:
    """The first address of a pod that no host has; None when all are taken."""
    taken = {found["ip"] for found in ctx.tx.all(_TAKEN, pod_id=row["id"])}
    for part in row["ranges"]:
        if part.get("forsystemvms"):
            continue
        first, last = ipaddress.ip_address(part["start"]), ipaddress.ip_address(part.get("end") or part["start"])
        # of that many, one is free
        for number in range(int(first), min(int(last), int(first) + len(taken)) + 1):
            if str(ipaddress.ip_address(number)) not in taken:
                return str(ipaddress.ip_address(number))
    return None


__all__ = ["LISTING", "free_address", "page"]
