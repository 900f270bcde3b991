"""Ranges of shared networks that were made before their addresses were rows get them, and machines keep theirs."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from test_migrations import Place

from cloudsim.db.migrations import run


def insert(connection: sqlite3.Connection, table: str, **given: Any) -> None:
    """A row: what must be there and is not given is 1."""
    needed = [row[1] for row in connection.execute(f"PRAGMA table_info({table})") if row[3] and not row[5]]
    values = {**{name: f"{table}-{given['id']}" if name == "uuid" else 1 for name in needed}, **given}
    names, marks = ", ".join(f'"{name}"' for name in values), ", ".join("?" for _ in values)
    connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(values.values()))


async def test_ranges_get_their_addresses(tmp_path: Path) -> None:
    place = Place(str(tmp_path / "cloudsim.db"))
    await run.upgrade(place.where, "0006")
    with sqlite3.connect(place.where) as connection:
        insert(connection, "network", id=1, guest_type="Shared", state="Implemented", broadcast_uri="vlan://50")
        insert(connection, "network", id=2, guest_type="Isolated", state="Allocated", broadcast_uri=None)
        part = {"start": "10.5.0.10", "end": "10.5.0.12"}
        insert(connection, "vlan", id=1, network_id=1, type="DirectAttached", tag="50", **part)
        insert(connection, "vlan", id=2, network_id=2, type="DirectAttached", tag="untagged", **part)
        insert(connection, "vm", id=1, account_id=7, domain_id=8)
        insert(connection, "nic", id=1, network_id=1, vm_id=1, ip="10.5.0.11", created=99)
        insert(connection, "nic", id=2, network_id=1, vm_id=1, ip="10.5.0.200", mac="other")
    assert await place.prepare() == "upgraded"
    with sqlite3.connect(place.where) as connection:
        found = connection.execute(
            "SELECT address, vlan_id, state, account_id, allocated, removed FROM public_ip ORDER BY id"
        )
        assert found.fetchall() == [
            ("10.5.0.10", 1, "Free", None, None, None),
            ("10.5.0.11", 1, "Allocated", 7, 99, None),
            ("10.5.0.12", 1, "Free", None, None, None),
        ]
        assert connection.execute("SELECT tag FROM vlan").fetchall() == [("vlan://50",), ("vlan://untagged",)]
        assert connection.execute("SELECT state FROM network").fetchall() == [("Setup",), ("Allocated",)]
