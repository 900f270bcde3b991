"""Management servers, as clients read them, and figures of the database and of usage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cloudsim.api.responses.base import Object, Response, ordered, shown
from cloudsim.core.clock import to_wire
from cloudsim.services import management_server
from cloudsim.services.context import Context, Row

_SERVER: dict[str, Any] = {
    "list": "agents lastagents peers",
    "long": "agentscount pendingjobscount",
    "string": "id ipaddress javadistribution javaversion kernelversion name osdistribution serviceip version",
    "date": "lastboottime lastserverstart lastserverstop",
    "state": "state",
}
_WORDS = {
    "javadistribution": "what runs the server's code",
    "javaversion": "the version of what runs the server's code",
}
MANAGEMENT_SERVER = Response("managementserver", words=_WORDS, **_SERVER)
MANAGEMENT_SERVER_METRICS = Response(
    "managementserver",
    words=_WORDS,
    **{
        **_SERVER,
        "integer": "agentcount availableprocessors threadsblockedcount threadsdaemoncount threadsrunnablecount "
        "threadsteminatedcount threadstotalcount threadswaitingcount",
        "long": _SERVER["long"] + " heapmemorytotal heapmemoryused sessions",
        "date": _SERVER["date"] + " collectiontime",
        "string": _SERVER["string"] + " cpuload loginfo systemmemoryfree systemmemorytotal systemmemoryused "
        "systemmemoryvirtualsize",
        "boolean": "dbislocal usageislocal",
        "long[]": "systemcycleusage",
        "double[]": "systemloadaverages",
        "double": "systemtotalcpucycles",
    },
)
MAINTENANCE = Response(
    "managementservermaintenance",
    list="agents",
    long="agentscount pendingjobscount",
    boolean="maintenanceinitiated readyforshutdown shutdowntriggered",
    string="managementserverid",
    state="state",
)
_DB: dict[str, Any] = {
    "date": "collectiontime",
    "int": "connections",
    "double[]": "dbloadaverages",
    "string": "hostname tlsversions version versioncomment",
    "long": "queries uptime",
    "string[]": "replicas",
}
DB_METRICS = Response("dbMetrics", **_DB)
USAGE_METRICS = Response(
    "usageMetrics", date="collectiontime lastheartbeat lastsuccessfuljob", string="hostname", state="state"
)


@MANAGEMENT_SERVER.presents
def present(ctx: Context, ids: Sequence[int]) -> list[Object]:
    """Management servers with the hosts they serve."""
    agents = management_server.agents(ctx)
    return [_server(ctx, row, agents) for row in ordered(management_server.rows(ctx, ids), ids)]


def _server(ctx: Context, row: Row, agents: list[str]) -> Object:
    state = management_server.state_of(ctx, row)
    own = agents if state != management_server.DOWN else []
    return shown(
        id=row["uuid"],
        name=row["name"],
        state=state,
        version=row["version"],
        javadistribution=row["runtime_maker"],
        javaversion=row["runtime"],
        osdistribution=row["os"],
        kernelversion=row["kernel"],
        lastserverstart=to_wire(row["started"]),
        lastserverstop=to_wire(row["stopped"]),
        lastboottime=to_wire(row["booted"]),
        serviceip=row["address"],
        ipaddress=row["address"],
        lastagents=[],
        agents=own,
        agentscount=len(own),
        pendingjobscount=management_server.pending_of(ctx, row),
    )


def add_peers(ctx: Context, objects: Sequence[Object]) -> None:
    """Adds to each server how it sees the others."""
    rows = management_server.everyone(ctx)
    for one in objects:
        one["peers"] = [
            {
                "id": row["uuid"],
                "name": row["name"],
                "ipaddress": row["address"],
                "state": management_server.state_of(ctx, row),
                "lastupdated": to_wire(row["heartbeat"]),
            }
            for row in rows
            if row["uuid"] != one["id"]
        ]


def add_figures(ctx: Context, objects: Sequence[Object], *, system: bool) -> None:
    """Adds to each server what it uses; `system`: and what is used of its computer."""
    rows = {row["uuid"]: row for row in management_server.everyone(ctx)}
    sessions = management_server.sessions(ctx)
    for one in objects:
        row = rows.get(one["id"])
        found = management_server.figures(ctx, row) if row else {}
        taken = ctx.now if one["id"] == ctx.cloud.server_uuid or not row else row["heartbeat"]
        one.update(
            {name: value for name, value in found.items() if system or not name.startswith(("system", "cpuload"))},
            agentcount=one["agentscount"],
            sessions=sessions,
            collectiontime=to_wire(taken),
            dbislocal=not ctx.cloud.db.shared,
            # every server counts usage itself
            usageislocal=True,
        )
