"""User data, as clients read them."""

from __future__ import annotations

from collections.abc import Sequence

from cloudsim.api.responses.base import Object, Response, ordered, owner, shown
from cloudsim.core.caller import domain_path_text
from cloudsim.services import userdata
from cloudsim.services.context import Context

USER_DATA = Response(
    "userdata",
    boolean="hasannotations",
    string="account accountid domain domainid domainpath id name params project projectid userdata",
)


@USER_DATA.presents
def present(ctx: Context, ids: Sequence[int]) -> list[Object]:
    """User data with their owners."""
    return [
        shown(
            id=row["uuid"],
            name=row["name"],
            **owner(row),
            domainid=row["domain_uuid"],
            domain=row["domain_name"],
            domainpath=domain_path_text(row["domain_path"]),
            userdata=row["data"],
            params=row["params"],
            hasannotations=ctx.annotated(row["uuid"]),
        )
        for row in ordered(userdata.rows(ctx, ids), ids)
    ]
