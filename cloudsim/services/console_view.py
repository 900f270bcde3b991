"""Sessions of consoles in lists: which ones a caller sees, and what belongs to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, or_, select

from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import Big, any_of
from cloudsim.services import access
from cloudsim.services.context import Context
from cloudsim.services.listing import Listing, Page, equals
from cloudsim.services.nouns import CONSOLE_SESSION, DOMAIN

table, vm, host, user = schema.console_session, schema.vm, schema.host, schema.user

LISTING = Listing(
    table,
    filters={
        "id": equals(table.c.id, "id"),
        "account": equals(table.c.account_id, "account"),
        "user": equals(table.c.user_id, "user"),
        "mine": equals(table.c.user_id, "mine"),
        "host": equals(table.c.host_id, "host"),
        "vm": equals(table.c.vm_id, "vm"),
        "creator": equals(table.c.creator_address, "creator"),
        "client": equals(table.c.client_address, "client"),
        "since": table.c.created >= bindparam("since", type_=Big),
        "until": table.c.created <= bindparam("until", type_=Big),
        "active": table.c.removed.is_(None),
        "acquired": table.c.acquired.is_not(None),
        "unacquired": table.c.acquired.is_(None),
    },
    source=table.join(vm, table.c.vm_id == vm.c.id),
    keyword=(vm.c.display_name, vm.c.name),
    # those that have ended are listed as well
    base=(or_(table.c.removed.is_(None), table.c.removed.is_not(None)),),
    order=(table.c.created.desc(), table.c.id.desc()),
    owner=(table.c.account_id, table.c.domain_id),
)
_ROWS = (
    select(
        table,
        user.c.uuid.label("user_uuid"),
        user.c.username,
        schema.account.c.uuid.label("account_uuid"),
        schema.account.c.name.label("account_name"),
        schema.domain.c.uuid.label("domain_uuid"),
        schema.domain.c.name.label("domain_name"),
        schema.domain.c.path.label("domain_path"),
        vm.c.uuid.label("vm_uuid"),
        vm.c.name.label("vm_name"),
        vm.c.display_name.label("vm_display_name"),
        host.c.uuid.label("host_uuid"),
        host.c.name.label("host_name"),
    )
    .select_from(
        table.join(user, table.c.user_id == user.c.id)
        .join(schema.account, table.c.account_id == schema.account.c.id)
        .join(schema.domain, table.c.domain_id == schema.domain.c.id)
        .join(vm, table.c.vm_id == vm.c.id)
        .outerjoin(host, table.c.host_id == host.c.id)
    )
    .where(any_of(table.c.id, "ids"))
)
_BY_UUID = select(table).where(table.c.uuid == bindparam("uuid"))


def rows(ctx: Context, ids: Sequence[int]) -> list[Row]:
    """Sessions, with the names of what they are about."""
    return ctx.tx.all(_ROWS, ids=ids)


def find(ctx: Context, uuid: str) -> Row:
    """A session, also one that has ended. Raises `BadParameter`."""
    found = ctx.tx.first(_BY_UUID, uuid=uuid)
    mine = found is not None and found["user_id"] == ctx.caller.user_id
    if found is None or not (mine or (_is_admin(ctx) and access.may_see(ctx, CONSOLE_SESSION, found))):
        raise access.not_found(CONSOLE_SESSION, uuid)
    return found


def page(
    ctx: Context, given: Mapping[str, Any], page: Page, *, uuid: str | None, domain: Row | None, isrecursive: bool
) -> tuple[list[int], int]:
    """Ids of sessions under some conditions: a user's own; of admins, those of their domain, or of one below it."""
    given = dict(given)
    if uuid is not None:
        given["id"] = find(ctx, uuid)["id"]
        return LISTING.page(ctx, given, page)
    if not _is_admin(ctx):
        given["mine"] = ctx.caller.user_id
    elif domain is None:
        domain = access.row(ctx, DOMAIN, ctx.caller.domain_id)
    return LISTING.page(ctx, given, page, access.scope(ctx, domain=domain, isrecursive=isrecursive))


def _is_admin(ctx: Context) -> bool:
    return ctx.caller.is_admin or ctx.caller.is_domain_admin
