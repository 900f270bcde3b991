"""Instance groups, as clients read them."""

from __future__ import annotations

from collections.abc import Sequence

from cloudsim.api.responses.base import Object, Response, ordered, owner, shown
from cloudsim.core.caller import domain_path_text
from cloudsim.core.clock import to_wire
from cloudsim.services import instancegroup
from cloudsim.services.context import Context

INSTANCE_GROUP = Response(
    "instancegroup",
    boolean="hasannotations",
    date="created",
    string="account domain domainid domainpath id name project projectid",
)


@INSTANCE_GROUP.presents
def present(ctx: Context, ids: Sequence[int]) -> list[Object]:
    """Groups with their owners."""
    return [
        shown(
            id=row["uuid"],
            name=row["name"],
            created=to_wire(row["created"]),
            **owner(row),
            domainid=row["domain_uuid"],
            domain=row["domain_name"],
            domainpath=domain_path_text(row["domain_path"]),
            hasannotations=ctx.annotated(row["uuid"]),
        )
        for row in ordered(instancegroup.rows(ctx, ids), ids)
    ]
