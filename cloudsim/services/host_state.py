"""The two states of a host: how it is reached (``status``) and what an administrator wants (``resource_state``).

Both follow the tables of `core.states`; nothing else writes them.
"""

from __future__ import annotations

from typing import Any

from cloudsim.core import states
from cloudsim.core.errors import InvalidValue
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.services.context import Context


def reach(ctx: Context, row: Row, *events: str, **values: Any) -> Row:
    """Takes a host's status through events, in one change; answers its row as it is then. Raises `IllegalTransition`."""
    status = row["status"]
    for event in events:
        status = states.host_status.next(status, event)
    return _write(ctx, row, status=status, **values)


def wanted(row: Row, event: str, what: str) -> str:
    """The resource state after an event. Raises `InvalidValue`, saying that it cannot be `what`."""
    if not states.host_resourcestate.can(row["resource_state"], event):
        raise InvalidValue(f"a host that is {row['resource_state']} cannot be {what}")
    return states.host_resourcestate.next(row["resource_state"], event)


def want(ctx: Context, row: Row, event: str, what: str) -> Row:
    """Takes a host's resource state through an event; answers its row as it is then. Raises `InvalidValue`."""
    return _write(ctx, row, resource_state=wanted(row, event, what))


def _write(ctx: Context, row: Row, **values: Any) -> Row:
    values["update_count"] = row["update_count"] + 1
    ctx.tx.update(schema.host, {"id": row["id"], "update_count": row["update_count"]}, **values)
    return {**row, **values}


__all__ = ["reach", "want", "wanted"]
