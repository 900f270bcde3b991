"""What simulated hosts enforce of security groups: kept in a machine's definition, which goes with it to other hosts."""

from __future__ import annotations

import ipaddress
import sqlite3
from collections.abc import Mapping
from typing import Any

import orjson

from cloudsim.agents.base import SecuritySpec

_SPEC = "SELECT spec FROM machines WHERE uuid = ?"


def put(db: sqlite3.Connection, uuid: str, security: SecuritySpec) -> None:
    """Makes these the rules of a machine, in the caller's transaction."""
    (spec,) = db.execute(_SPEC, (uuid,)).fetchone()
    changed = {**orjson.loads(spec), "security": security}
    db.execute("UPDATE machines SET spec = ? WHERE uuid = ?", (orjson.dumps(changed, default=dict), uuid))


def get(db: sqlite3.Connection, uuid: str) -> dict[str, Any] | None:
    """The rules of a machine, as `SecuritySpec` has them; None where everything is let through."""
    row = db.execute(_SPEC, (uuid,)).fetchone()
    found: dict[str, Any] | None = None if row is None else orjson.loads(row[0]).get("security")
    return found


def permits(
    security: Mapping[str, Any] | None,
    direction: str,
    protocol: str,
    peer: str,
    port: int | None = None,
    code: int | None = None,
) -> bool:
    """Whether a packet gets through: ``ingress`` from `peer`, or ``egress`` to it.

    `port` is the port at the machine that is called; the type of ICMP, whose `code` goes with it.
    """
    if security is None or (direction == "egress" and not security["egress"]):
        return True
    address = ipaddress.ip_address(peer)
    return any(
        _fits(rule, protocol, port, code)
        and any(address in network for network in map(ipaddress.ip_network, rule["peers"]))
        for rule in security[direction]
    )


def _fits(rule: Mapping[str, Any], protocol: str, port: int | None, code: int | None) -> bool:
    if rule["protocol"] == "all":
        return True
    if rule["protocol"] != protocol:
        return False
    if protocol == "icmp":
        return rule["start"] in (-1, port) and rule["end"] in (-1, code)
    if rule["start"] is None:
        return True
    return port is not None and bool(rule["start"] <= port <= rule["end"])


__all__ = ["get", "permits", "put"]
