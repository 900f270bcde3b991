"""Tags, as every tagged thing shows them."""

from __future__ import annotations

from collections.abc import Sequence

from cloudsim.api.responses.base import Object, Response, owner, shown
from cloudsim.core.caller import domain_path_text
from cloudsim.services import tag
from cloudsim.services.context import Context, Row

TAG = Response(
    "tag",
    string="account customer domain domainid domainpath key project projectid resourceid resourcetype value",
)


def tags(rows: Sequence[Row], kind: str, uuid: str) -> list[Object]:
    """The tags of one resource; `kind` as the API writes it, e.g. UserVm."""
    return [
        shown(
            key=row["key"],
            value=row["value"],
            resourcetype=kind,
            resourceid=uuid,
            **owner(row),
            domainid=row["domain_uuid"],
            domain=row["domain_name"],
            domainpath=domain_path_text(row["domain_path"]),
        )
        for row in rows
    ]


@TAG.presents
def present(ctx: Context, ids: Sequence[int]) -> list[Object]:
    """Tags, each with what it is on."""
    return [tags([row], row["resource_type"], uuid)[0] for row, uuid in tag.rows(ctx, ids)]
