"""The tags that hosts and storage pools have: what offerings may ask for."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import select

from cloudsim.db import schema
from cloudsim.services.context import Context

_HOSTS, _POOLS = (
    select(table.c.id, table.c.uuid, table.c.tags).where(table.c.removed.is_(None)).order_by(table.c.id)
    for table in (schema.host, schema.storage_pool)
)


def _each(ctx: Context, statement: Any, keyword: str | None) -> list[tuple[str, int, str]]:
    """(an id that is the same each time, row id of the first that has it, tag), by tag."""
    found: dict[str, tuple[str, int, str]] = {}
    for row in ctx.tx.all(statement):
        for tag in row["tags"]:
            made = str(uuid.uuid5(uuid.UUID(row["uuid"]), tag))
            found.setdefault(tag, (made, int(row["id"]), tag))
    word = (keyword or "").lower()
    return [found[tag] for tag in sorted(found) if word in tag.lower()]


def hosts(ctx: Context, keyword: str | None) -> list[tuple[str, int, str]]:
    """The tags of hosts: (id, row id of a host that has it, tag)."""
    return _each(ctx, _HOSTS, keyword)


def pools(ctx: Context, keyword: str | None) -> list[tuple[str, int, str]]:
    """The tags of storage pools: (id, row id of a pool that has it, tag)."""
    return _each(ctx, _POOLS, keyword)
