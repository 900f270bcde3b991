"""Comments, as clients read them."""

from __future__ import annotations

from collections.abc import Sequence

from cloudsim.api.responses.base import Object, Response, shown
from cloudsim.core.clock import to_wire
from cloudsim.services import annotation
from cloudsim.services.context import Context

ANNOTATION = Response(
    "annotation",
    boolean="adminsonly",
    date="created removed",
    string="annotation entityid entityname entitytype id userid username",
)


@ANNOTATION.presents
def present(ctx: Context, ids: Sequence[int]) -> list[Object]:
    """Comments with who wrote them."""
    return [
        shown(
            id=row["uuid"],
            entitytype=row["entity_type"],
            entityid=row["entity_uuid"],
            entityname=name,
            annotation=row["annotation"],
            userid=row["user_uuid"],
            username=row["username"],
            adminsonly=row["admins_only"],
            created=to_wire(row["created"]),
            removed=to_wire(row["removed"]) if row["removed"] else None,
        )
        for row, name in annotation.rows(ctx, ids)
    ]
