"""Accounts, as they are listed: with their users, what they have and what they may have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, func, select

from cloudsim.core.caller import PROJECT
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.services import resource
from cloudsim.services.context import Context
from cloudsim.services.listing import Listing, equals, equals_nocase
from cloudsim.services.resource import Kind

account, domain = schema.account, schema.domain

LISTING = Listing(
    account,
    filters={
        "id": equals(account.c.id, "id"),
        "name": equals(account.c.name, "name"),
        "state": equals_nocase(account.c.state, "state"),
        "type": equals(account.c.type, "type"),
        "people": (account.c.is_default.is_(False) | (account.c.name != "system")) & (account.c.type != PROJECT),
        "access": func.coalesce(account.c.api_key_access, "Inherit") == bindparam("access"),
        "cleanup": equals(account.c.needs_cleanup, "cleanup"),
    },
    keyword=(account.c.name,),
    owner=(account.c.id, account.c.domain_id),
    tag_type="Account",
)
_ROWS = (
    select(
        account,
        schema.role.c.uuid.label("role_uuid"),
        schema.role.c.name.label("role_name"),
        schema.role.c.type.label("role_type"),
        domain.c.uuid.label("domain_uuid"),
        domain.c.name.label("domain_name"),
        domain.c.path.label("domain_path"),
        schema.zone.c.uuid.label("default_zone_uuid"),
    )
    .select_from(
        account.join(domain, account.c.domain_id == domain.c.id)
        .outerjoin(schema.role, account.c.role_id == schema.role.c.id)
        .outerjoin(schema.zone, account.c.default_zone_id == schema.zone.c.id)
    )
    .where(any_of(account.c.id, "ids"))
)
_DETAILS = select(schema.detail).where(
    schema.detail.c.resource_type == "Account", any_of(schema.detail.c.resource_id, "ids")
)
_USERS = select(schema.user.c.id, schema.user.c.account_id).where(
    any_of(schema.user.c.account_id, "ids"), schema.user.c.removed.is_(None)
)


@dataclass(frozen=True, slots=True)
class Entry:
    """An account with what belongs to it."""

    row: Row
    #: What it has, by the kind's field.
    used: dict[str, int]
    #: What it may have, by the kind's field; -1: as much as there is.
    limits: dict[str, int]
    #: Row ids.
    users: list[int]
    details: dict[str, str]
    #: For each kind and tag that has limits of its own: kind, tag, limit, count.
    tagged: list[tuple[Kind, str, int, int]]


def page(ctx: Context, ids: Sequence[int]) -> list[Entry]:
    """Accounts by their row ids, in that order: one statement for each kind of thing."""
    rows = {row["id"]: row for row in ctx.tx.all(_ROWS, ids=ids)}
    used = resource.used(ctx, "account", list(rows))
    limits = resource.Limits(ctx, list(rows), [])
    users: dict[int, list[int]] = {}
    for row in ctx.tx.all(_USERS, ids=list(rows)):
        users.setdefault(row["account_id"], []).append(row["id"])
    details: dict[int, dict[str, str]] = {}
    for row in ctx.tx.all(_DETAILS, ids=list(rows)):
        details.setdefault(row["resource_id"], {})[row["name"]] = row["value"]
    tagged: dict[int, list[tuple[Kind, str, int, int]]] = {row_id: [] for row_id in rows}
    for tag, kinds in tags(ctx):
        counts = resource.used(ctx, "account", list(rows), tag=tag)
        for row_id, row in rows.items():
            tagged[row_id] += [
                (kind, tag, limits.of_account(row_id, row["type"], kind, tag), counts[row_id][kind.field])
                for kind in kinds
            ]
    return [
        Entry(
            rows[i],
            used[i],
            {field: limits.of_account(i, rows[i]["type"], kind) for field, kind in resource.kinds().items()},
            users.get(i, []),
            details.get(i, {}),
            tagged[i],
        )
        for i in ids
        if i in rows
    ]


def tags(ctx: Context) -> list[tuple[str, list[Kind]]]:
    """The tags that may have limits of their own, each with the kinds it limits."""
    return [
        (tag, [kind for kind in resource.kinds().values() if kind.tags == group])
        for group in ("host", "storage")
        for tag in resource.tags_with_limits(ctx, group)
    ]
