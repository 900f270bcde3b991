"""Groups that an account puts its machines in."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, select

from cloudsim.core.errors import InvalidValue
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.services import access
from cloudsim.services.context import Context
from cloudsim.services.listing import Listing, equals
from cloudsim.services.nouns import INSTANCE_GROUP

table = schema.instance_group

LISTING = Listing(
    table,
    filters={"id": equals(table.c.id, "id"), "name": equals(table.c.name, "name")},
    keyword=(table.c.name,),
    owner=(table.c.account_id, table.c.domain_id),
)
_ROWS = (
    select(
        table,
        schema.account.c.name.label("account_name"),
        schema.account.c.project_uuid,
        schema.account.c.project_name,
        schema.domain.c.uuid.label("domain_uuid"),
        schema.domain.c.name.label("domain_name"),
        schema.domain.c.path.label("domain_path"),
    )
    .select_from(
        table.join(schema.account, table.c.account_id == schema.account.c.id).join(
            schema.domain, table.c.domain_id == schema.domain.c.id
        )
    )
    .where(any_of(table.c.id, "ids"))
)
_NAMED = select(table.c.id).where(
    table.c.account_id == bindparam("account_id"), table.c.name == bindparam("name"), table.c.removed.is_(None)
)


def rows(ctx: Context, ids: Sequence[int]) -> list[Row]:
    """Groups with their owners."""
    return ctx.tx.all(_ROWS, ids=ids)


def _name(ctx: Context, account_id: int, name: str, own: int | None = None) -> str:
    if not name.strip():
        raise InvalidValue("an instance group has a name")
    there = ctx.tx.scalar(_NAMED, account_id=account_id, name=name)
    if there is not None and there != own:
        raise InvalidValue(f"the account has an instance group named '{name[:64]}' already")
    return name


def create(ctx: Context, owner: Row, name: str) -> int:
    """Makes a group; answers its id. Raises `InvalidValue`."""
    return ctx.tx.insert(
        table,
        uuid=ctx.uuid(),
        created=ctx.now,
        removed=None,
        name=_name(ctx, owner["id"], name),
        account_id=owner["id"],
        domain_id=owner["domain_id"],
    )


def update(ctx: Context, row: Row, name: str | None) -> None:
    """Renames a group. Raises `InvalidValue`, `PermissionDenied`."""
    access.must_own(ctx, INSTANCE_GROUP, row)
    if name is not None:
        ctx.tx.update(table, {"id": row["id"]}, name=_name(ctx, row["account_id"], name, row["id"]))


def remove(ctx: Context, row: Row) -> None:
    """Deletes a group; its machines are in none then. Raises `PermissionDenied`."""
    access.must_own(ctx, INSTANCE_GROUP, row)
    ctx.tx.update(schema.vm, {"group_id": row["id"]}, group_id=None)
    ctx.tx.update(table, {"id": row["id"]}, removed=ctx.now)
