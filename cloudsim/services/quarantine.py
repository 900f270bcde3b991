"""Public addresses in quarantine: for a while after their release only who had them last may have them again.

How long is a setting (``public.ip.address.quarantine.duration``, minutes, also of domains); 0 is not at all.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Integer, bindparam, exists, or_, select

from cloudsim.core.errors import BadParameter, InvalidValue
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import Big, any_of
from cloudsim.services.access import EVERYTHING, Scope, find, within
from cloudsim.services.context import Context
from cloudsim.services.listing import Listing, Page, contains
from cloudsim.services.nouns import QUARANTINED_IP

table, public_ip = schema.quarantined_ip, schema.public_ip
SETTING = "public.ip.address.quarantine.duration"

_IN_FORCE = (table.c.removed.is_(None), table.c.ends > bindparam("kept_at", type_=Big))
#: Of an address in a statement: kept for somebody other than the account `kept_for`, at the instant `kept_at`.
KEPT = exists(
    select(table.c.id).where(
        table.c.address_id == public_ip.c.id, table.c.account_id != bindparam("kept_for", type_=Integer), *_IN_FORCE
    )
)
_OF = select(table).where(table.c.address_id == bindparam("address_id"), *_IN_FORCE).order_by(table.c.id.desc())
_NAMED = (
    select(table)
    .select_from(table.join(public_ip, table.c.address_id == public_ip.c.id))
    .where(public_ip.c.address == bindparam("address"), *_IN_FORCE)
    .order_by(table.c.id.desc())
)

LISTING = Listing(
    table,
    source=table.join(public_ip, table.c.address_id == public_ip.c.id).join(
        schema.account, table.c.account_id == schema.account.c.id
    ),
    # those that were removed may be asked for as well
    base=(or_(table.c.removed.is_(None), table.c.removed.is_not(None)),),
    filters={
        "there": table.c.removed.is_(None),
        "active": table.c.ends > bindparam("active", type_=Big),
        "keyword": or_(contains(public_ip.c.address, "keyword"), contains(schema.account.c.name, "keyword")),
    },
    owner=(table.c.account_id, table.c.domain_id),
)
_REMOVER = schema.account.alias("remover")
_ROWS = (
    select(
        table,
        public_ip.c.address,
        schema.account.c.uuid.label("account_uuid"),
        schema.account.c.name.label("account_name"),
        _REMOVER.c.uuid.label("remover_uuid"),
    )
    .select_from(
        table.join(public_ip, table.c.address_id == public_ip.c.id)
        .join(schema.account, table.c.account_id == schema.account.c.id)
        .outerjoin(_REMOVER, table.c.remover_id == _REMOVER.c.id)
    )
    .where(any_of(table.c.id, "ids"))
)


def search(ctx: Context, page: Page, *, inactive: bool, removed: bool, keyword: str | None) -> tuple[list[int], int]:
    """Quarantines whose last owners the caller may act for: ids of the page, and how many there are."""
    caller = ctx.caller
    scope = EVERYTHING
    if not caller.is_admin:
        path = caller.domain_path
        scope = (
            Scope("subtree", {"scope_path": path, "scope_end": path[:-1] + "0"})
            if caller.is_domain_admin
            else Scope("account", {"scope_account": caller.account_id})
        )
    given = {
        "active": None if inactive else ctx.now,
        "there": None if removed else True,
        "keyword": keyword,
    }
    return LISTING.page(ctx, given, page, scope)


def rows(ctx: Context, ids: Sequence[int]) -> list[Row]:
    """Quarantines with their addresses and accounts, in the order of their ids."""
    found = {row["id"]: row for row in ctx.tx.all(_ROWS, ids=ids)}
    return [found[row_id] for row_id in ids if row_id in found]


def begin(ctx: Context, address: Row) -> None:
    """An address is released: it is kept for who has had it, where the setting says so."""
    minutes = ctx.settings.number(SETTING, ("Domain", address["domain_id"]))
    if minutes > 0:
        ctx.tx.insert(
            table,
            uuid=ctx.uuid(),
            created=ctx.now,
            removed=None,
            address_id=address["id"],
            account_id=address["account_id"],
            domain_id=address["domain_id"],
            ends=ctx.now + minutes * 60_000,
            reason=None,
            remover_id=None,
        )


def check(ctx: Context, address: Row, account_id: int) -> None:
    """Raises `InvalidValue` where an address is kept for another account; for its own the quarantine is over."""
    for row in ctx.tx.all(_OF, address_id=address["id"], kept_at=ctx.now):
        if row["account_id"] != account_id:
            raise InvalidValue(f"public address {address['address']} is in quarantine for who had it last")


def over(ctx: Context, address: Row) -> None:
    """Who had an address last has it again."""
    for row in ctx.tx.all(_OF, address_id=address["id"], kept_at=ctx.now):
        ctx.tx.update(table, {"id": row["id"]}, ends=ctx.now)


# -- what admins change


def named(ctx: Context, uuid: str | None, address: str | None) -> Row:
    """The quarantine that is meant. Raises `BadParameter` where there is none, or none of the caller's."""
    if uuid is None and address is None:
        raise InvalidValue("give id or ipaddress")
    if uuid is not None:
        row = find(ctx, QUARANTINED_IP, uuid)
        if row["ends"] <= ctx.now:
            raise InvalidValue("the quarantine is over")
        return row
    for row in ctx.tx.all(_NAMED, address=address, kept_at=ctx.now):
        if ctx.caller.is_admin or row["account_id"] == ctx.caller.account_id or within(ctx, row["domain_id"]):
            return row
    raise BadParameter(f"public address {str(address)[:64]} is not in quarantine")


def update(ctx: Context, row: Row, ends: int) -> int:
    """Gives a quarantine another end; answers its id. Raises `InvalidValue`."""
    if ends <= ctx.now:
        raise InvalidValue("enddate is in the future")
    ctx.tx.update(table, {"id": row["id"]}, ends=ends)
    return int(row["id"])


def remove(ctx: Context, row: Row, reason: str) -> int:
    """Ends a quarantine: anybody may have the address; answers its id."""
    if not reason.strip():
        raise InvalidValue("removalreason says why")
    ctx.tx.update(table, {"id": row["id"]}, removed=ctx.now, reason=reason, remover_id=ctx.caller.account_id)
    return int(row["id"])


_FORGET = table.delete().where(any_of(table.c.address_id, "ids"))


def forget(ctx: Context, ids: Sequence[int]) -> None:
    """Addresses are not there any more."""
    ctx.tx.execute(_FORGET, ids=list(ids))
