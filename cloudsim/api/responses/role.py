"""Roles and their rules, as clients read them."""

from __future__ import annotations

from collections.abc import Sequence

from cloudsim.api.responses.base import Object, Response, ordered, shown
from cloudsim.services import role
from cloudsim.services.context import Context, Row

ROLE = Response("role", boolean="isdefault ispublic", string="description id name state type")
ROLE_PERMISSION = Response("rolepermission", string="description id permission roleid rolename rule")


@ROLE.presents
def present(ctx: Context, ids: Sequence[int]) -> list[Object]:
    """Roles."""
    return [
        shown(
            id=row["uuid"],
            name=row["name"],
            type=row["type"],
            description=row["description"],
            isdefault=row["is_default"],
            ispublic=row["is_public"],
            state=row["state"],
        )
        for row in ordered(role.rows(ctx, ids), ids)
    ]


def rule(row: Row, of: Row, named: bool = True) -> Object:
    """One rule of a role; `named` as lists tell it, with the role's name."""
    return shown(
        id=row["uuid"],
        roleid=of["uuid"],
        rolename=of["name"] if named else None,
        rule=row["rule"],
        permission=row["permission"],
        description=row["description"],
    )
