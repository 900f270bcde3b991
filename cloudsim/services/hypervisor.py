"""Hypervisors: which there are, and what each can do."""

from __future__ import annotations

import uuid
from functools import cache
from typing import Any

from sqlalchemy import bindparam, select

from cloudsim.core.errors import BadParameter
from cloudsim.core.reference import reference
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.services.context import Context

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
def _known() -> list[dict[str, Any]]:
    return [
        {"id": str(uuid.uuid5(_SPACE, f"{row['hypervisor']}/{row['hypervisorversion']}")), **row}
        for row in reference("hypervisorcapabilities")
    ]


def capabilities(
    *, entry: str | None = None, hypervisor: str | None = None, keyword: str | None = None
) -> list[dict[str, Any]]:
    """What each version of each hypervisor can do, as the reference lists it. Raises `BadParameter` for an unknown id."""
    found = _known()
    if entry is not None:
        found = [row for row in found if row["id"] == entry]
        if not found:
            raise BadParameter(f"there are no hypervisor capabilities with id {entry[:64]}")
    if hypervisor is not None:
        found = [row for row in found if row["hypervisor"].lower() == hypervisor.lower()]
    if keyword is not None:
        found = [row for row in found if keyword.lower() in row["hypervisor"].lower()]
    return found


__all__ = ["capabilities", "names"]
