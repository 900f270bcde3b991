"""Events, as clients read them."""

from __future__ import annotations

from collections.abc import Sequence

from cloudsim.api.responses.base import Object, Response, ordered, owner, shown
from cloudsim.core.caller import domain_path_text
from cloudsim.core.clock import to_wire
from cloudsim.services import event_log
from cloudsim.services.context import Context

EVENT = Response(
    "event",
    boolean="archived",
    date="created",
    state="state",
    string="account description domain domainid domainpath id level parentid project projectid resourceid "
    "resourcename resourcetype type username",
)
EVENT_TYPE = Response("eventtype", string="name")


@EVENT.presents
def present(ctx: Context, ids: Sequence[int]) -> list[Object]:
    """Events with the names of what they are about."""
    rows = ordered(event_log.rows(ctx, ids), ids)
    names = event_log.resource_names(ctx, rows)
    return [
        shown(
            id=row["uuid"],
            username=row["username"],
            type=row["type"],
            level=row["level"],
            description=row["description"],
            **owner(row),
            domainid=row["domain_uuid"],
            domain=row["domain_name"],
            domainpath=domain_path_text(row["domain_path"]),
            resourceid=row["resource_uuid"],
            resourcetype=row["resource_type"],
            resourcename=names.get(row["resource_uuid"]),
            created=to_wire(row["created"]),
            state=row["state"],
            parentid=row["start_uuid"],
            archived=row["archived"],
        )
        for row in rows
    ]
