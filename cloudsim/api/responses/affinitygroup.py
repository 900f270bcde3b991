"""Affinity groups, as clients read them."""

from __future__ import annotations

from collections.abc import Sequence

from cloudsim.api.responses.base import Object, Response, owner, shown
from cloudsim.core.caller import domain_path_text
from cloudsim.services import affinitygroup
from cloudsim.services.context import Context, Row

AFFINITY_GROUP = Response(
    "affinitygroup",
    string="account description domain domainid domainpath id name project projectid type",
    list="dedicatedresources virtualmachineIds",
)
AFFINITY_GROUP_TYPE = Response("affinityGroupType", string="type")


@AFFINITY_GROUP.presents
def present(ctx: Context, ids: Sequence[int]) -> list[Object]:
    """Groups with their owners, the machines in them, and the places they stand for."""
    rows, members, places = affinitygroup.page(ctx, ids)
    return [
        shown(
            id=row["uuid"],
            name=row["name"],
            description=row["description"],
            **owner(row),
            domainid=row["domain_uuid"],
            domain=row["domain_name"],
            domainpath=domain_path_text(row["domain_path"]),
            type=row["type"],
            virtualmachineIds=[one["uuid"] for one in members.get(row["id"], ())] or None,
            dedicatedresources=_places(places.get(row["id"], ())) if ctx.caller.is_admin else None,
        )
        for row in rows
    ]


def _places(rows: Sequence[Row]) -> list[Object] | None:
    return [{"resourcetype": row["kind"], "resourceid": row["place_uuid"]} for row in rows] or None


def of_machine(row: Row) -> Object:
    """A group as a machine in it tells of it."""
    return shown(id=row["uuid"], name=row["name"], description=row["description"], account=row["account_name"])
