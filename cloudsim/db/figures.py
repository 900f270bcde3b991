"""Figures of the database itself."""

from __future__ import annotations

import os
from typing import Any

from cloudsim.db.database import Transaction

_POSTGRESQL = (
    "SELECT current_setting('server_version'), version(),"
    " CAST(extract(epoch FROM now() - pg_postmaster_start_time()) AS bigint),"
    " (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()),"
    " (SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()),"
    " coalesce(host(inet_server_addr()), ''), current_setting('ssl')"
)
_REPLICAS = "SELECT coalesce(client_hostname, host(client_addr), application_name) FROM pg_stat_replication"


def read(tx: Transaction, now: int, opened: int) -> dict[str, Any]:
    """The figures, by the names of the wire. `opened`: when this process opened it (milliseconds)."""
    if tx.dialect == "postgresql":
        version, comment, uptime, connections, queries, host, ssl = tx._fetch(_POSTGRESQL, [])[0]
        return {
            "version": version,
            "versioncomment": comment,
            "uptime": int(uptime),
            "connections": int(connections),
            "queries": int(queries),
            "hostname": host,
            "replicas": [str(row[0]) for row in tx._fetch(_REPLICAS, [])],
            "dbloadaverages": [],
            "tlsversions": "TLS" if ssl == "on" else "",
        }
    ((version, source),) = tx._fetch("SELECT sqlite_version(), sqlite_source_id()", [])
    return {
        "version": f"SQLite {version}",
        "versioncomment": str(source)[:19],
        # it lives in the server's process, and so does its load
        "uptime": max(0, now - opened) // 1000,
        "connections": tx.connections,
        "queries": tx.queries,
        "replicas": [],
        "dbloadaverages": [round(load, 2) for load in os.getloadavg()],
    }
