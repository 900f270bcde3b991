"""What simulated virtual routers do: the parts that they were told, and what becomes of a packet by them.

Each part lies under its own name, whole, and goes with the router's machine to other hosts. What a router that went off
had been told does not count any more, and its next start brings everything along.

`inbound` and `outbound` answer from the parts alone, so that a test can say what traffic comes through. Whatever else
sends traffic on to machines (static NAT, load balancers) is one more function in `TRANSLATORS`.
"""

from __future__ import annotations

import ipaddress
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from cloudsim.agents.base import MachineSpec
from cloudsim.agents.simulator.balancing import balanced

SCHEMA = """
-- What virtual routers were told, by parts.
CREATE TABLE router_parts (
    machine TEXT NOT NULL, part TEXT NOT NULL, content BLOB NOT NULL, PRIMARY KEY (machine, part)
) WITHOUT ROWID;
"""

Setting = Mapping[str, Any]
#: The parts of one router by their names.
Parts = Mapping[str, Sequence[Setting]]
#: Where a packet goes on to: a machine's address, and the port there (None without ports).
Target = tuple[str, int | None]

_GET = (
    "SELECT part, router_parts.content FROM router_parts JOIN machines ON machines.uuid = router_parts.machine"
    " WHERE machine = ? AND power = 'PowerOn' ORDER BY part"
)


# ---- kept in the world, in the caller's transaction


def put(db: sqlite3.Connection, machine: str, part: str, settings: Sequence[Setting] | None) -> None:
    """Makes this the part of a router (None: it does nothing of the kind); what was that already is not written."""
    if settings is None:
        db.execute("DELETE FROM router_parts WHERE machine = ? AND part = ?", (machine, part))
        return
    content = orjson.dumps(settings, default=dict)
    row = db.execute("SELECT content FROM router_parts WHERE machine = ? AND part = ?", (machine, part)).fetchone()
    if row is None or row[0] != content:
        db.execute("INSERT OR REPLACE INTO router_parts VALUES (?, ?, ?)", (machine, part, content))


def start(db: sqlite3.Connection, spec: MachineSpec) -> None:
    """What a machine that starts brings along; nothing else is left of what it had been told before."""
    if spec.router is None:
        return
    for (part,) in db.execute("SELECT part FROM router_parts WHERE machine = ?", (spec.uuid,)).fetchall():
        if part not in spec.router:
            put(db, spec.uuid, part, None)
    for part, settings in spec.router.items():
        put(db, spec.uuid, part, settings)


def forget(db: sqlite3.Connection, machine: str) -> None:
    """A machine is gone for good."""
    db.execute("DELETE FROM router_parts WHERE machine = ?", (machine,))


def get(db: sqlite3.Connection, machine: str) -> dict[str, list[dict[str, Any]]]:
    """All parts of a router; nothing where it does not run."""
    return {part: orjson.loads(content) for part, content in db.execute(_GET, (machine,)).fetchall()}


# ---- what becomes of a packet


def fits(setting: Setting, protocol: str, port: int | None, code: int | None = None) -> bool:
    """Whether a setting is for packets like this; `port` is the type of ICMP, whose `code` goes with it."""
    if setting["protocol"] == "all":
        return True
    if setting["protocol"] != protocol:
        return False
    if protocol == "icmp":
        return setting.get("type", -1) in (-1, None, port) and setting.get("code", -1) in (-1, None, code)
    if setting["start"] is None:
        return True
    return port is not None and bool(setting["start"] <= port <= setting["end"])


def within(address: str, networks: Sequence[str]) -> bool:
    """Whether an address is in one of some networks."""
    found = ipaddress.ip_address(address)
    return any(found in ipaddress.ip_network(network, strict=False) for network in networks)


def _forwarded(parts: Parts, address: str, protocol: str, port: int | None, source: str) -> Target | None:
    for one in parts.get("portforwarding", ()):
        if one["address"] == address and fits(one, protocol, port) and within(source, one["sources"] or ["0.0.0.0/0"]):
            if port is None or one["start"] is None:
                return one["guest"], port
            # a whole range goes to the same place in the other; to a single port, all of it goes there
            span = one["guest_end"] - one["guest_start"]
            return one["guest"], one["guest_start"] + min(port - one["start"], span)
    return None


def _opened(parts: Parts, address: str, protocol: str, port: int | None, source: str) -> Target | None:
    for one in parts.get("ipforwarding", ()):
        if one["address"] == address and fits(one, protocol, port) and within(source, one["sources"] or ["0.0.0.0/0"]):
            return one["guest"], port
    return None


def _static(parts: Parts, address: str, _protocol: str, port: int | None, _source: str) -> Target | None:
    return next(((one["guest"], port) for one in parts.get("staticnat", ()) if one["address"] == address), None)


#: What sends packets to public addresses on, in this order; the first that answers a target decides.
TRANSLATORS: list[Callable[[Parts, str, str, int | None, str], Target | None]] = [
    _forwarded,
    balanced,
    _opened,
    _static,
]


def inbound(
    parts: Parts, address: str, protocol: str, port: int | None, source: str, code: int | None = None
) -> Target | None:
    """Where a packet from `source` to a public address goes on to; None where the router drops it.

    A router that is no firewall (it has no such part) lets everything through. `port` is the type of ICMP, whose `code`
    goes with it.
    """
    if "firewall" in parts and not any(
        one["address"] == address and fits(one, protocol, port, code) and within(source, one["sources"])
        for one in parts["firewall"]
    ):
        return None
    return next((found for ask in TRANSLATORS if (found := ask(parts, address, protocol, port, source))), None)


def outbound(
    parts: Parts, protocol: str, port: int | None, source: str, destination: str, code: int | None = None
) -> bool:
    """Whether a packet of a machine (`source`) gets out to `destination`."""
    for one in parts.get("egress", ()):
        if (
            fits(one, protocol, port, code)
            and within(source, one["sources"])
            and within(destination, one["destinations"])
        ):
            return bool(one["action"] == "allow")
    return True
