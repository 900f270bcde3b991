"""Image stores, as clients read them."""

from __future__ import annotations

from collections.abc import Sequence

from cloudsim.api.responses.base import Object, Response, ordered, shown
from cloudsim.core.clock import to_wire
from cloudsim.services import imagestore, storageselector
from cloudsim.services.context import Context

IMAGE_STORE = Response(
    "imagestore",
    boolean="hasannotations readonly",
    long="disksizetotal disksizeused",
    scopetype="scope",
    string="id name protocol providername url zoneid zonename",
)
MIGRATION = Response("imagestoremigration", boolean="success", string="message migrationtype")
STORAGE_OBJECT = Response(
    "datastoreobject",
    boolean="isdirectory",
    date="lastupdated",
    long="size",
    string="format name snapshotid snapshotname templateid templatename volumeid volumename",
)
EXTRACTED = Response(
    "extractedobject",
    date="created",
    integer="uploadpercentage",
    string="accountid extractId extractMode id name resultstring state status storagetype url zoneid zonename",
)
SELECTOR = Response("heuristics", date="created removed", string="description heuristicrule id name type zoneid")


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
            disksizetotal=row["capacity"],
            disksizeused=size,
            hasannotations=ctx.annotated(row["uuid"]),
        )
        for row, size in imagestore.page(ctx, ids)
    ]


@SELECTOR.presents
def present_selectors(ctx: Context, ids: Sequence[int]) -> list[Object]:
    """Selectors of secondary storage."""
    return [
        shown(
            id=row["uuid"],
            name=row["name"],
            description=row["description"],
            zoneid=row["zone_uuid"],
            type=row["type"],
            heuristicrule=row["rule"],
            created=to_wire(row["created"]),
            removed=to_wire(row["removed"]) if row["removed"] else None,
        )
        for row in ordered(storageselector.rows(ctx, ids), ids)
    ]
