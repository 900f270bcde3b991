"""Hypervisors: which there are, and what each can do."""

from __future__ import annotations

import uuid
from functools import cache
from typing import Any

from sqlalchemy import bindparam, select

from cloudsim.core.errors import BadParameter, InvalidValue
from cloudsim.core.reference import reference
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.services.context import Cloud, Context

table = schema.hypervisor_capability

_ALL = select(table)
_ONE = select(table).where(table.c.uuid == bindparam("uuid"))
_IN_ZONE = (
    select(schema.cluster.c.hypervisor)
    .where(schema.cluster.c.zone_id == bindparam("zone_id"), schema.cluster.c.removed.is_(None))
    .distinct()
    .order_by(schema.cluster.c.hypervisor)
)
#: So that an entry has the same id at every start.
_SPACE = uuid.UUID("7c1e55a4-3f0c-4d0e-9f57-5d7f1c6cbb0e")


def names(ctx: Context, zone: Row | None) -> list[str]:
    """The hypervisors of a zone's clusters, or all that this server has a driver for."""
    if zone is None:
        return list(ctx.cloud.agents.hypervisors)
    return [row["hypervisor"] for row in ctx.tx.all(_IN_ZONE, zone_id=zone["id"])]


@cache
def known() -> list[dict[str, Any]]:
    """What each version of each hypervisor can do, as the reference lists it."""
    return [
        {"id": str(uuid.uuid5(_SPACE, f"{row['hypervisor']}/{row['hypervisorversion']}")), **row}
        for row in reference("hypervisorcapabilities")
    ]


async def follow(cloud: Cloud) -> None:
    """Loads what administrators changed: placement asks for it with every machine."""
    for row in await cloud.db.read(lambda tx: tx.all(_ALL)):
        cloud.capabilities[row["uuid"]] = row["changed"]


def _found(ctx: Context, entry: str) -> dict[str, Any]:
    for row in known():
        if row["id"] == entry:
            return {**row, **ctx.cloud.capabilities.get(entry, {})}
    raise BadParameter(f"there are no hypervisor capabilities with id {entry[:64]}")


def capabilities(
    ctx: Context, *, entry: str | None = None, hypervisor: str | None = None, keyword: str | None = None
) -> list[dict[str, Any]]:
    """What each version of each hypervisor can do. Raises `BadParameter` for an unknown id."""
    if entry is not None:
        found = [_found(ctx, entry)]
    else:
        found = [{**row, **ctx.cloud.capabilities.get(row["id"], {})} for row in known()]
    if hypervisor is not None:
        found = [row for row in found if row["hypervisor"].lower() == hypervisor.lower()]
    if keyword is not None:
        found = [row for row in found if keyword.lower() in row["hypervisor"].lower()]
    return found


def update(
    ctx: Context, *, entry: str | None, hypervisor: str | None, version: str | None, **values: Any
) -> dict[str, Any]:
    """Changes what a version of a hypervisor can do; answers it. Raises `BadParameter`, `InvalidValue`."""
    if entry is None:
        if hypervisor is None or version is None:
            raise InvalidValue("say which capabilities: id, or hypervisor and hypervisorversion")
        pair = (hypervisor.lower(), version.lower())
        entry = next(
            (row["id"] for row in known() if (row["hypervisor"].lower(), row["hypervisorversion"].lower()) == pair),
            None,
        )
        if entry is None:
            raise InvalidValue(f"there are no capabilities of {hypervisor[:64]} {version[:64]}")
    found = _found(ctx, entry)
    given = {name: value for name, value in values.items() if value is not None}
    for name, value in given.items():
        if isinstance(value, int) and not isinstance(value, bool) and value < 1:
            raise InvalidValue(f"{name} starts at 1")
    if given:
        # from the table: what is in memory may be a transaction behind
        before = ctx.tx.first(_ONE, uuid=entry)
        changed = {**(before["changed"] if before is not None else {}), **given}
        if ctx.tx.update(table, {"uuid": entry}, changed=changed) == 0:
            ctx.tx.insert(table, uuid=entry, changed=changed)
        held = entry
        ctx.tx.on_commit(lambda: ctx.cloud.capabilities.update({held: changed}))
        found = {**found, **changed}
    return found


@cache
def _entry(hypervisor: str, version: str) -> dict[str, Any]:
    """The entry that is true of a version: its own, or that of all versions."""
    of = {row["hypervisorversion"]: row for row in known() if row["hypervisor"] == hypervisor}
    return of.get(version) or of.get("default") or {"id": ""}


def limit(ctx: Context, name: str, hypervisor: str, version: str | None) -> int | None:
    """A limit of the hosts of a version of a hypervisor, as it is listed; None where there is none."""
    row = _entry(hypervisor, version or "default")
    found: int | None = ctx.cloud.capabilities.get(row["id"], {}).get(name, row.get(name))
    return found


def guest_limit(ctx: Context, hypervisor: str, version: str | None) -> int | None:
    """How many machines a host takes where an administrator has said so; what the list comes with rules nothing."""
    if not ctx.cloud.capabilities:
        return None
    found: int | None = ctx.cloud.capabilities.get(_entry(hypervisor, version or "default")["id"], {}).get(
        "maxguestslimit"
    )
    return found


__all__ = ["capabilities", "follow", "guest_limit", "known", "limit", "names", "update"]
