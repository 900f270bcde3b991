"""Alerts, as clients read them."""

from __future__ import annotations

from collections.abc import Sequence

from cloudsim.api.responses.base import Object, Response, ordered, shown
from cloudsim.core.clock import to_wire
from cloudsim.services import alert
from cloudsim.services.context import Context

ALERT = Response("alert", date="sent", short="type", string="description id name")


@ALERT.presents
def present(ctx: Context, ids: Sequence[int]) -> list[Object]:
    """Alerts."""
    return [
        shown(
            id=row["uuid"],
            type=row["type"],
            name=row["name"],
            description=row["description"],
            sent=to_wire(row["created"]),
        )
        for row in ordered(alert.rows(ctx, ids), ids)
    ]
