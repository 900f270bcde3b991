"""Accounts and domains, as they are listed, with what they use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Integer, and_, bindparam, case, func, select

from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import Big, any_of
from cloudsim.services.context import Context
from cloudsim.services.listing import Listing, equals, equals_nocase

account, domain = schema.account, schema.domain

LISTING = Listing(
    account,
    filters={
        "id": equals(account.c.id, "id"),
        "name": equals(account.c.name, "name"),
        "state": equals_nocase(account.c.state, "state"),
        "type": equals(account.c.type, "type"),
        "people": account.c.is_default.is_(False) | (account.c.name != "system"),
        "none": account.c.id < 0,
    },
    keyword=(account.c.name,),
    owner=(account.c.id, account.c.domain_id),
    tag_type="Account",
)
DOMAINS = Listing(
    domain,
    filters={
        "id": equals(domain.c.id, "id"),
        "name": equals(domain.c.name, "name"),
        "level": equals(domain.c.level, "level"),
        "none": domain.c.id < 0,
    },
    keyword=(domain.c.name,),
    order=(domain.c.path, domain.c.id),
    seen={
        "account": domain.c.id == bindparam("scope_domain", type_=Big),
        "below": and_(domain.c.path >= bindparam("scope_path"), domain.c.path < bindparam("scope_end")),
    },
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
_USERS = select(schema.user.c.id, schema.user.c.account_id).where(
    any_of(schema.user.c.account_id, "ids"), schema.user.c.removed.is_(None)
)
_DOMAINS = select(domain).where(any_of(domain.c.id, "ids"))
_TREE = select(domain.c.id, domain.c.uuid, domain.c.name, domain.c.path).where(domain.c.removed.is_(None))


def _count(table: Any, owner: str, *where: Any, **sums: Any) -> Any:
    column = table.c[owner]
    figures = [func.sum(value, type_=Integer).label(name) for name, value in sums.items()]
    return (
        select(column.label("owner"), func.count().label("total"), *figures)
        .where(any_of(column, "ids"), table.c.removed.is_(None), *where)
        .group_by(column)
    )


def _counts(owner: str) -> dict[str, Any]:
    vm, volume = schema.vm, schema.volume
    alive = and_(*(vm.c.state != state for state in ("Destroyed", "Expunging", "Error")))
    return {
        "vm": _count(
            vm,
            owner,
            alive,
            running=case((vm.c.state == "Running", 1), else_=0),
            stopped=case((vm.c.state == "Stopped", 1), else_=0),
            cpu=vm.c.cpu,
            memory=vm.c.memory,
        ),
        "volume": _count(volume, owner, volume.c.state != "Expunged", size=volume.c.size / 2**20),
        "network": _count(schema.network, owner),
        "ip": _count(schema.public_ip, owner, schema.public_ip.c.state == "Allocated"),
        "template": _count(schema.template, owner, schema.template.c.type == "USER"),
    }


_OF_ACCOUNTS = _counts("account_id")
_OF_DOMAINS = _counts("domain_id")

#: Kinds of resources that have a limit, by the name the API's fields begin with.
KINDS = (
    "vm", "ip", "volume", "snapshot", "backup", "backupstorage", "template", "project", "network", "vpc", "cpu",
    "memory", "gpu", "primarystorage", "secondarystorage", "bucket", "objectstorage",
)  # fmt: skip


def _used(ctx: Context, statements: dict[str, Any], ids: Sequence[int]) -> dict[int, dict[str, int]]:
    """What each owner has: one statement for each kind of thing."""
    made: dict[int, dict[str, int]] = {row_id: dict.fromkeys((*KINDS, "running", "stopped"), 0) for row_id in ids}
    for kind, statement in statements.items():
        for row in ctx.tx.all(statement, ids=ids):
            mine = made[row["owner"]]
            mine[kind] = row["total"]
            if kind == "vm":
                for name in ("running", "stopped", "cpu", "memory"):
                    mine[name] = int(row[name] or 0)
            elif kind == "volume":
                mine["primarystorage"] = int(row["size"] or 0) // 1024
    return made


def page(ctx: Context, ids: Sequence[int]) -> list[tuple[Row, dict[str, int], list[int]]]:
    """Accounts, what each has (numbers by kind; memory in MB, storage in GB), and the ids of its users."""
    rows = {row["id"]: row for row in ctx.tx.all(_ROWS, ids=ids)}
    used = _used(ctx, _OF_ACCOUNTS, list(rows))
    users: dict[int, list[int]] = {}
    for row in ctx.tx.all(_USERS, ids=list(rows)):
        users.setdefault(row["account_id"], []).append(row["id"])
    return [(rows[i], used[i], users.get(i, [])) for i in ids if i in rows]


def domains(ctx: Context, ids: Sequence[int]) -> list[tuple[Row, Row | None, bool, dict[str, int]]]:
    """Domains, each with its parent, whether it has children, and what it and those below it have."""
    rows = {row["id"]: row for row in ctx.tx.all(_DOMAINS, ids=ids)}
    tree = ctx.tx.all(_TREE)
    by_id = {row["id"]: row for row in tree}
    used = _used(ctx, _OF_DOMAINS, list(by_id))
    made = []
    for row_id in ids:
        if row_id not in rows:
            continue
        row = rows[row_id]
        below = [one["id"] for one in tree if str(one["path"]).startswith(row["path"])]
        total = {kind: sum(used[one][kind] for one in below) for kind in used.get(row_id, dict.fromkeys(KINDS, 0))}
        made.append((row, by_id.get(row["parent_id"]), len(below) > 1, total))
    return made
