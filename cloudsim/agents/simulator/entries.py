"""What simulated routers hand out by DHCP and know by DNS: many small settings, each in a row of its own.

So one machine more costs the same in a network of ten and of ten thousand.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

#: The parts that are kept here, and what names a setting of each.
KEYS = {"dhcp": "mac", "dns": "name"}

SCHEMA = """
-- What virtual routers know of single machines, by parts.
CREATE TABLE router_entries (
    machine TEXT NOT NULL, part TEXT NOT NULL, key TEXT NOT NULL, content BLOB NOT NULL,
    PRIMARY KEY (machine, part, key)
) WITHOUT ROWID;
"""


def add(db: sqlite3.Connection, machine: str, part: str, settings: Iterable[Mapping[str, Any]]) -> None:
    """Adds settings to a part, in the place of those with the same names."""
    key = KEYS[part]
    db.executemany(
        "INSERT OR REPLACE INTO router_entries VALUES (?, ?, ?, ?)",
        [(machine, part, setting[key], orjson.dumps(setting, default=dict)) for setting in settings],
    )


def put(db: sqlite3.Connection, machine: str, part: str, settings: Iterable[Mapping[str, Any]]) -> None:
    """Makes these all the settings of a part."""
    db.execute("DELETE FROM router_entries WHERE machine = ? AND part = ?", (machine, part))
    add(db, machine, part, settings)


def get(db: sqlite3.Connection, machine: str, part: str) -> list[dict[str, Any]]:
    """The settings of a part, by name."""
    rows = db.execute("SELECT content FROM router_entries WHERE machine = ? AND part = ? ORDER BY key", (machine, part))
    return [orjson.loads(content) for (content,) in rows.fetchall()]


def forget(db: sqlite3.Connection, machine: str) -> None:
    """A machine is gone for good."""
    db.execute("DELETE FROM router_entries WHERE machine = ?", (machine,))
