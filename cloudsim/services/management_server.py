"""Management servers: a row for each process that runs the cloud, kept alive by a heartbeat, and how they are put to rest.

Several servers may share one PostgreSQL database. What is asked of a server is written into its row; the server itself
sees it at its next heartbeat, at once where it was asked itself. While it is not Up it takes no new jobs. A server that
was in maintenance is in maintenance again after a restart; a shutdown that was prepared ends with the process.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, func, select

from cloudsim.core.caller import Caller
from cloudsim.core.errors import InvalidValue, OperationFailed
from cloudsim.db import schema
from cloudsim.db.database import Row, Transaction
from cloudsim.db.types import Big, any_of
from cloudsim.services import identity, own_process
from cloudsim.services.context import Cloud, Context
from cloudsim.services.listing import Listing, equals
from cloudsim.services.nouns import MANAGEMENT_SERVER

table = schema.management_server

UP, DOWN = "Up", "Down"
TO_MAINTENANCE, MAINTENANCE = "PreparingForMaintenance", "Maintenance"
TO_SHUTDOWN, READY, SHUTTING_DOWN = "PreparingForShutDown", "ReadyToShutDown", "ShuttingDown"

LISTING = Listing(
    table,
    filters={"id": equals(table.c.id, "id"), "name": equals(table.c.name, "name")},
    keyword=(table.c.name,),
)
_ROWS = select(table).where(any_of(table.c.id, "ids"))
_ALL = select(table).where(table.c.removed.is_(None)).order_by(table.c.id)
_OWN = select(table).where(table.c.uuid == bindparam("uuid"))
_AGENTS = (
    select(schema.host.c.uuid)
    .where(schema.host.c.status == "Up", schema.host.c.type == "Routing", schema.host.c.removed.is_(None))
    .order_by(schema.host.c.id)
)
_SESSIONS = select(func.count()).where(schema.session.c.used > bindparam("since", type_=Big))

#: Milliseconds between two heartbeats where no other server could look for them.
ALONE = 30_000
#: Where nothing is set.
PERIOD, THRESHOLD = 1500, 150_000


# -- its own row


def register(ctx: Context, address: str, version: str) -> str:
    """Writes down that this server runs from now on; answers its state."""
    facts = {**own_process.facts(), "address": address, "version": version}
    row = ctx.tx.first(_OWN, uuid=ctx.cloud.server_uuid)
    if row is None:
        ctx.tx.insert(
            table,
            uuid=ctx.cloud.server_uuid,
            created=ctx.now,
            removed=None,
            state=UP,
            forced=False,
            started=ctx.now,
            heartbeat=ctx.now,
            pending_jobs=0,
            **facts,
        )
        return UP
    state = row["state"] if row["removed"] is None and row["state"] in (TO_MAINTENANCE, MAINTENANCE) else UP
    # a server that was killed said nothing: its last heartbeat tells when that was
    stopped = row["stopped"] if _stopped(row) else row["heartbeat"]
    ctx.tx.update(
        table,
        {"id": row["id"]},
        state=state,
        removed=None,
        started=ctx.now,
        stopped=stopped,
        heartbeat=ctx.now,
        **facts,
    )
    return str(state)


def unregister(ctx: Context) -> None:
    """Writes down that this server ends."""
    ctx.tx.update(table, {"uuid": ctx.cloud.server_uuid}, stopped=ctx.now, heartbeat=ctx.now, pending_jobs=0)


def period(cloud: Cloud) -> float:
    """Seconds between two heartbeats."""
    return (cloud.settings.number("cluster.heartbeat.interval") or PERIOD) / 1000


async def beat(cloud: Cloud, admin: Caller, last: int) -> int:
    """One heartbeat, and what follows from this server's state; answers when the last one was written."""
    now = cloud.clock.now()
    if not cloud.db.shared and cloud.server_state == UP and 0 <= now - last < ALONE:
        return last  # nobody else looks, and nothing is asked of it but by itself
    await cloud.db.write(lambda tx: _beat(cloud.context(tx, admin)))
    return now


def _beat(ctx: Context) -> None:
    row = ctx.tx.first(_OWN, uuid=ctx.cloud.server_uuid)
    if row is None:
        return
    pending = ctx.cloud.jobs.unfinished
    state = row["state"]
    if state == TO_SHUTDOWN and not pending:
        state = READY
    elif state == TO_MAINTENANCE and not pending:
        state = MAINTENANCE
    elif state == TO_MAINTENANCE and _late(ctx, row):
        state = MAINTENANCE if row["forced"] else UP
    values: dict[str, Any] = {"heartbeat": ctx.now, "pending_jobs": pending, "state": state, "removed": None}
    if ctx.cloud.db.shared:
        values["figures"] = own_process.figures()
    ctx.tx.update(table, {"id": row["id"]}, **values)
    ctx.tx.on_commit(lambda: _now(ctx.cloud, state, pending))


def _late(ctx: Context, row: Row) -> bool:
    limit = ctx.settings.number("management.server.maintenance.timeout") * 60_000
    return bool(ctx.now - (row["preparing"] or ctx.now) > limit)


def _now(cloud: Cloud, state: str, pending: int) -> None:
    cloud.server_state = state
    if state == SHUTTING_DOWN and not pending:
        cloud.end()


# -- looking


def _stopped(row: Row) -> bool:
    return row["stopped"] is not None and row["stopped"] >= (row["started"] or 0)


def state_of(ctx: Context, row: Row) -> str:
    """The state of a server: Down where it has ended, or was not heard of for too long."""
    if row["uuid"] == ctx.cloud.server_uuid:
        return str(row["state"])
    return DOWN if _dead(ctx.cloud, row) else str(row["state"])


def _dead(cloud: Cloud, row: Row) -> bool:
    limit = cloud.settings.number("cluster.heartbeat.threshold") or THRESHOLD
    return _stopped(row) or cloud.clock.now() - row["heartbeat"] > limit


def living(cloud: Cloud, tx: Transaction) -> list[str]:
    """uuids of the servers that are alive: whose jobs nobody else touches."""
    if not cloud.db.shared:  # nobody else can be there
        return [cloud.server_uuid]
    return [row["uuid"] for row in tx.all(_ALL) if row["uuid"] == cloud.server_uuid or not _dead(cloud, row)]


def pending_of(ctx: Context, row: Row) -> int:
    """How many jobs it has that have not ended."""
    own = row["uuid"] == ctx.cloud.server_uuid
    return ctx.cloud.jobs.unfinished if own else int(row["pending_jobs"])


def rows(ctx: Context, ids: Sequence[int]) -> list[Row]:
    """Servers."""
    return ctx.tx.all(_ROWS, ids=ids)


def everyone(ctx: Context) -> list[Row]:
    """Every server that is known."""
    return ctx.tx.all(_ALL)


def agents(ctx: Context) -> list[str]:
    """uuids of the hosts that are connected: every server that is Up serves them all."""
    return [row["uuid"] for row in ctx.tx.all(_AGENTS)]


def sessions(ctx: Context) -> int:
    """How many sessions are open."""
    return int(ctx.tx.scalar(_SESSIONS, since=ctx.now - identity.SESSION_SECONDS * 1000))


def figures(ctx: Context, row: Row) -> dict[str, Any]:
    """What a server used: this one now, another at its last heartbeat."""
    if row["uuid"] == ctx.cloud.server_uuid:
        return own_process.figures()
    return row["figures"] or {}


# -- putting to rest


def _change(ctx: Context, row: Row, allowed: Sequence[str], state: str, event: str, what: str, **values: Any) -> None:
    """Takes a server to another state. Raises `OperationFailed` where it is in none of those that are allowed."""
    before = state_of(ctx, row)
    if before not in allowed:
        raise OperationFailed(f"management server {row['name']} is {before}: it cannot {what}")
    ctx.tx.update(table, {"id": row["id"]}, state=state, **values)
    text = f"management server {row['name']} goes from {before} to {state}"
    ctx.event(event, text, resource=("ManagementServer", row["uuid"]))
    if row["uuid"] == ctx.cloud.server_uuid:
        cloud = ctx.cloud
        ctx.tx.on_commit(lambda: _now(cloud, state, 1))  # whether jobs are left is for the next heartbeat to see


def prepare_shutdown(ctx: Context, row: Row) -> None:
    """The server takes no new jobs, so that it can be shut down. Raises `OperationFailed`."""
    _change(ctx, row, (UP,), TO_SHUTDOWN, "MS.SHUTDOWN.PREPARE", "prepare for shutdown", preparing=ctx.now)


def cancel_shutdown(ctx: Context, row: Row) -> None:
    """The server takes jobs again. Raises `OperationFailed`."""
    _change(ctx, row, (TO_SHUTDOWN, READY), UP, "MS.SHUTDOWN.CANCEL", "cancel a shutdown", preparing=None)


def trigger_shutdown(ctx: Context, row: Row) -> None:
    """The server ends as soon as its jobs have. Raises `OperationFailed`."""
    allowed = (UP, TO_SHUTDOWN, READY, MAINTENANCE)
    _change(ctx, row, allowed, SHUTTING_DOWN, "MS.SHUTDOWN", "shut down")


def prepare_maintenance(ctx: Context, row: Row, *, forced: bool) -> None:
    """The server takes no new jobs, and is in maintenance when those it has have ended. Raises `OperationFailed`."""
    event, what = "MS.MAINTENANCE.PREPARE", "prepare for maintenance"
    _change(ctx, row, (UP,), TO_MAINTENANCE, event, what, preparing=ctx.now, forced=forced)


def cancel_maintenance(ctx: Context, row: Row) -> None:
    """The server takes jobs again. Raises `OperationFailed`."""
    allowed = (TO_MAINTENANCE, MAINTENANCE)
    _change(ctx, row, allowed, UP, "MS.MAINTENANCE.CANCEL", "cancel maintenance", preparing=None, forced=False)


def readiness(ctx: Context, server_id: int) -> dict[str, Any]:
    """How far a server is with resting, as clients read it."""
    (row,) = rows(ctx, [server_id])
    state, pending = state_of(ctx, row), pending_of(ctx, row)
    connected = agents(ctx) if state != DOWN else []
    return {
        "managementserverid": row["uuid"],
        "state": state,
        "pendingjobscount": pending,
        "maintenanceinitiated": state in (TO_MAINTENANCE, MAINTENANCE),
        "shutdowntriggered": state == SHUTTING_DOWN,
        "readyforshutdown": state == READY or (state in (TO_SHUTDOWN, SHUTTING_DOWN) and not pending),
        "agents": connected,
        "agentscount": len(connected),
    }


def remove(ctx: Context, row: Row) -> None:
    """Forgets a server that has ended. Raises `InvalidValue`."""
    state = state_of(ctx, row)
    if state != DOWN:
        raise InvalidValue(f"management server {row['name']} is {state}: only one that is Down is removed")
    ctx.tx.update(table, {"id": row["id"]}, removed=ctx.now)


__all__ = ["LISTING", "MANAGEMENT_SERVER", "beat", "period", "register", "unregister"]
