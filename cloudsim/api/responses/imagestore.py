"""Image stores, as clients read them."""

from __future__ import annotations

from collections.abc import Sequence

from cloudsim.api.responses.base import Object, Response, shown
from cloudsim.services import imagestore
from cloudsim.services.context import Context

IMAGE_STORE = Response(
    "imagestore",
    boolean="hasannotations readonly",
    long="disksizetotal disksizeused",
    scopetype="scope",
    string="id name protocol providername url zoneid zonename",
)


@IMAGE_STORE.presents
def present(ctx: Context, ids: Sequence[int]) -> list[Object]:
    """Image stores with their zones."""
    return [
        shown(
            id=row["uuid"],
            zoneid=row["zone_uuid"],
            zonename=row["zone_name"],
            name=row["name"],
            url=row["url"],
            protocol=row["protocol"],
            providername=row["provider"],
            scope=row["scope"],
            readonly=row["read_only"],
            hasannotations=ctx.annotated(row["uuid"]),
        )
        for row in imagestore.page(ctx, ids)
    ]
