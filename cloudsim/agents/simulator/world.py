"""The simulated world: hosts, virtual machines and volumes, in a SQLite file of their own.

What a hypervisor runs does not vanish because a management server was killed, so neither does this. Every change is
committed to the file before its answer is given. The journal is a write-ahead log without any sync: written data
belongs to the operating system and outlives the process however it dies, though not a power cut, and that is all that a
simulation needs.

"Once" is kept here: what a command does and the record of its answer are one transaction. A command that is found in
the records answers from there.

All calls are synchronous and made on the event loop's thread. That is on purpose: in a world that grew to 100,000
machines a `CreateVolume` took about 0.1 ms and a `StartMachine` about 0.15 ms, each with its record and its commit (the
whole of `SimulatorDriver.execute`, mean, two virtual processors, most of it system calls). Handing that to another
thread and back would cost more than it spares.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from cloudsim.agents.base import Answer, Command, CommandFailed, HostUnreachable
from cloudsim.agents.simulator import records, routing
from cloudsim.agents.simulator.records import Records
from cloudsim.core.clock import Clock

VERSION = 6
#: What brings a file of an older version to the next one.
_UPGRADES = {
    5: "ALTER TABLE volumes ADD COLUMN machine TEXT;",
    4: """
CREATE TABLE disk_snapshots (
    uuid TEXT NOT NULL, place TEXT NOT NULL, name TEXT NOT NULL, volume TEXT NOT NULL, size INTEGER NOT NULL,
    content TEXT NOT NULL, taken INTEGER NOT NULL, PRIMARY KEY (uuid, place)
) WITHOUT ROWID;
CREATE TABLE images (
    uuid TEXT NOT NULL, place TEXT NOT NULL, size INTEGER NOT NULL, content TEXT NOT NULL, PRIMARY KEY (uuid, place)
) WITHOUT ROWID;
""",
    3: routing.SCHEMA,
    2: """
CREATE TABLE snapshots (
    uuid TEXT PRIMARY KEY, name TEXT NOT NULL, machine TEXT NOT NULL, parent TEXT, memory TEXT, taken INTEGER NOT NULL,
    disks BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX snapshots_machine ON snapshots (machine);
ALTER TABLE volumes ADD COLUMN content TEXT NOT NULL DEFAULT '';
ALTER TABLE machines ADD COLUMN content TEXT NOT NULL DEFAULT '';
""",
    1: "ALTER TABLE hosts ADD COLUMN network INTEGER NOT NULL DEFAULT 1; ALTER TABLE hosts ADD COLUMN beat INTEGER;"
    " ALTER TABLE hosts ADD COLUMN shared INTEGER NOT NULL DEFAULT 1;",
}
#: Milliseconds after which a host that cannot write its heartbeat cuts its own power.
SELF_FENCE = 60_000

_SCHEMA = f"""
CREATE TABLE hosts (
    uuid TEXT PRIMARY KEY, url TEXT NOT NULL, name TEXT NOT NULL, cpus INTEGER NOT NULL, speed INTEGER NOT NULL,
    sockets INTEGER NOT NULL, memory INTEGER NOT NULL, overcommit REAL NOT NULL, storage INTEGER NOT NULL,
    version TEXT NOT NULL, up INTEGER NOT NULL DEFAULT 1,
    -- The memory of the machines that are on: kept with each of their changes, so that a start need not add them up.
    used INTEGER NOT NULL DEFAULT 0,
    -- Whether anybody reaches it over the network; and when (ms) it last wrote its heartbeat, NULL while it can.
    network INTEGER NOT NULL DEFAULT 1, beat INTEGER,
    -- Whether it reaches the shared storage: 1; 0; -1 where it has cut its own power because it does not.
    shared INTEGER NOT NULL DEFAULT 1
) WITHOUT ROWID;
CREATE TABLE machines (
    id INTEGER PRIMARY KEY, uuid TEXT NOT NULL UNIQUE, name TEXT NOT NULL, host TEXT NOT NULL, power TEXT NOT NULL,
    cpus INTEGER NOT NULL, memory INTEGER NOT NULL,
    -- Since when (ms) it has this power state, and whether its guest ignores a request to shut down.
    since INTEGER NOT NULL, deaf INTEGER NOT NULL, spec BLOB NOT NULL,
    -- What its memory holds, in a word: gone when it goes off.
    content TEXT NOT NULL DEFAULT ''
);
-- Has all that a ping asks for.
CREATE INDEX machines_host ON machines (host, name, power);
CREATE TABLE volumes (
    uuid TEXT PRIMARY KEY, name TEXT NOT NULL, pool TEXT NOT NULL, path TEXT NOT NULL, size INTEGER NOT NULL,
    template TEXT,
    -- What it holds, in a word.
    content TEXT NOT NULL DEFAULT '',
    -- The machine that has it, or had it last.
    machine TEXT
) WITHOUT ROWID;
-- Of machines: what each of their disks and, in those of running ones with memory, their memory held.
CREATE TABLE snapshots (
    uuid TEXT PRIMARY KEY, name TEXT NOT NULL, machine TEXT NOT NULL, parent TEXT, memory TEXT, taken INTEGER NOT NULL,
    disks BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX snapshots_machine ON snapshots (machine);
-- Of volumes: in which pool or on which image store a copy lies, and what it holds.
CREATE TABLE disk_snapshots (
    uuid TEXT NOT NULL, place TEXT NOT NULL, name TEXT NOT NULL, volume TEXT NOT NULL, size INTEGER NOT NULL,
    content TEXT NOT NULL, taken INTEGER NOT NULL, PRIMARY KEY (uuid, place)
) WITHOUT ROWID;
-- Templates that were made of disks, by the image store, and what they hold.
CREATE TABLE images (
    uuid TEXT NOT NULL, place TEXT NOT NULL, size INTEGER NOT NULL, content TEXT NOT NULL, PRIMARY KEY (uuid, place)
) WITHOUT ROWID;
{records.SCHEMA}
{routing.SCHEMA}
CREATE TABLE rules (id INTEGER PRIMARY KEY AUTOINCREMENT, remaining INTEGER, rule BLOB NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class Host:
    """A simulated host. Memory and storage in bytes, speed in MHz; `used` is the memory of what is on."""

    uuid: str
    url: str
    name: str
    cpus: int
    speed: int
    sockets: int
    memory: int
    overcommit: float
    storage: int
    version: str
    up: bool = True
    used: int = 0
    network: bool = True
    #: When its heartbeats ended, in milliseconds; None while it writes them.
    beat: int | None = None


@dataclass(frozen=True, slots=True)
class Machine:
    """A simulated virtual machine, where it is and whether it is on. Memory in bytes, `since` in milliseconds."""

    uuid: str
    name: str
    host: str
    power: str
    cpus: int
    memory: int
    since: int


@dataclass(frozen=True, slots=True)
class Volume:
    """A simulated volume; size in bytes."""

    uuid: str
    name: str
    pool: str
    path: str
    size: int
    template: str | None
    #: The machine that has it, or had it last.
    machine: str | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a simulated machine's disks held at an instant (ms), by uuid of the disk; `memory`: None without it."""

    uuid: str
    name: str
    machine: str
    parent: str | None
    memory: str | None
    taken: int
    disks: dict[str, str]


@dataclass(frozen=True, slots=True)
class DiskSnapshot:
    """A copy of a volume's snapshot, by the uuid of the pool or image store it lies in; size in bytes."""

    uuid: str
    place: str
    name: str
    volume: str
    size: int
    content: str
    taken: int


_HOST = "uuid, url, name, cpus, speed, sockets, memory, overcommit, storage, version, up, used, network, beat"
_MACHINE = "uuid, name, host, power, cpus, memory, since"

Action = Callable[["World", str, Any], Answer]


class World:
    """The file and all that is read from it and written to it. Opened once, by one process at a time."""

    def __init__(self, path: str | os.PathLike[str], clock: Clock) -> None:
        self.clock = clock
        self._path = os.fspath(path)
        self._db: sqlite3.Connection | None = None
        self._records: Records | None = None

    def open(self) -> None:
        """Opens the file, makes it where there is none. `HostUnreachable` where that cannot be done."""
        try:
            if self._path != ":memory:":
                Path(self._path).parent.mkdir(parents=True, exist_ok=True)
            db = self._db = sqlite3.connect(self._path, timeout=1.0, isolation_level=None, check_same_thread=False)
            db.execute("PRAGMA synchronous = OFF")
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA cache_size = -65536")
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if version == 0:
                db.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {VERSION}; COMMIT")
            while 0 < version < VERSION:
                db.executescript(f"BEGIN; {_UPGRADES[version]} PRAGMA user_version = {version + 1}; COMMIT")
                version += 1
            if version > VERSION:
                raise sqlite3.NotSupportedError(f"it has version {version}, and {VERSION} is understood")
            self._records = Records(db)
        except (OSError, sqlite3.Error) as error:
            self.close()
            raise HostUnreachable(f"The simulated world {self._path} cannot be opened: {error}") from error

    def close(self) -> None:
        """Closes the file; fine when it is not open."""
        db, self._db, self._records = self._db, None, None
        if db is not None:
            db.close()

    @property
    def is_open(self) -> bool:
        """Whether it was opened and not closed."""
        return self._db is not None

    @property
    def db(self) -> sqlite3.Connection:
        """The connection; `HostUnreachable` when the world is closed."""
        if self._db is None:
            raise HostUnreachable("The simulator is closed")
        return self._db

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing. What SQLite cannot do (no space, say) becomes `HostUnreachable`: nobody knows."""
        db = self.db
        try:
            db.execute("BEGIN IMMEDIATE")
            yield db
            db.execute("COMMIT")
        except BaseException as error:
            if db.in_transaction:
                db.execute("ROLLBACK")
                self.records.reload()
            if isinstance(error, sqlite3.Error):
                raise HostUnreachable(f"The simulated world {self._path} does not answer: {error}") from error
            raise

    # ---- commands

    @property
    def records(self) -> Records:
        """The answers that were given; `HostUnreachable` when the world is closed."""
        if self._records is None:
            raise HostUnreachable("The simulator is closed")
        return self._records

    def once(
        self, host: str, about: str, command: Command, action: Action, failure: str | None = None, *, off: bool = False
    ) -> Answer:
        """Carries `action` out and remembers its answer; or answers what is remembered.

        With `failure`, that is remembered as the answer and raised as `CommandFailed` though the action was done.
        What the action raises is not remembered: nothing was done. `about` tells uses of one id for different things.
        `off`: it is fine if the host is not up.
        """
        what = f"{command.wire} {about}"
        records = self.records
        with self.transaction():
            if not off:
                self.require_up(host)
            known = records.find(command.id, what)
            if known is not None:
                return known
            answer = action(self, host, command)
            records.add(command.id, what, answer, failure, self.clock.now())
        if failure is not None:
            raise CommandFailed(failure)
        return answer

    # ---- hosts

    def require_up(self, host: str) -> None:
        """`HostUnreachable` unless the host is there and up."""
        row = self.db.execute("SELECT up, network, beat FROM hosts WHERE uuid = ?", (host,)).fetchone()
        if row is None:
            raise HostUnreachable(f"Simulated host {host} is unknown")
        up, network, beat = row
        if up and beat is not None:
            up = self._outlived(host, beat)
        if not up or not network:
            raise HostUnreachable(f"Simulated host {host} is {'cut off' if up else 'down'}")

    def host(self, uuid: str) -> Host | None:
        """The host, or None."""
        return next(iter(self.hosts("WHERE uuid = ?", uuid)), None)

    def hosts(self, where: str = "", *values: str) -> list[Host]:
        """All hosts, or those that the SQL clause `where` picks."""
        rows = self.db.execute(f"SELECT {_HOST} FROM hosts {where}", values)
        return [Host(*(*row[:10], bool(row[10]), row[11], bool(row[12]), row[13])) for row in rows]

    def put_host(self, host: Host) -> None:
        """Makes the host, or changes what it is made of. Whether it is up and what it runs stay."""
        values = (host.uuid, host.url, host.name, host.cpus, host.speed, host.sockets, host.memory, host.overcommit)
        with self.transaction() as db:
            db.execute(
                "INSERT INTO hosts (uuid, url, name, cpus, speed, sockets, memory, overcommit, storage, version)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (uuid) DO UPDATE SET url = excluded.url,"
                " name = excluded.name, cpus = excluded.cpus, speed = excluded.speed, sockets = excluded.sockets,"
                " memory = excluded.memory, overcommit = excluded.overcommit, storage = excluded.storage,"
                " version = excluded.version",
                (*values, host.storage, host.version),
            )

    def set_host(self, uuid: str, up: bool) -> None:
        """Crashes the host, with all its machines, or powers it on, without them. ``LookupError`` if it is unknown."""
        with self.transaction():
            self.switch(uuid, up)

    def switch(self, uuid: str, up: bool) -> None:
        """`set_host` within the caller's transaction."""
        db, now = self.db, self.clock.now()
        if up:
            # one without storage has a minute again, until it cuts its own power
            change = f"up = 1, beat = CASE WHEN shared = 1 THEN NULL WHEN up THEN beat ELSE {now} END"
        else:
            change = f"up = 0, used = 0, beat = coalesce(beat, {now}), shared = max(shared, 0)"
        if not db.execute(f"UPDATE hosts SET {change} WHERE uuid = ?", (uuid,)).rowcount:
            raise LookupError(f"There is no simulated host {uuid}")
        if not up:
            db.execute(
                "UPDATE machines SET power = 'PowerOff', content = '', since = ? WHERE host = ? AND power = 'PowerOn'",
                (now, uuid),
            )

    def set_network(self, uuid: str, reachable: bool) -> None:
        """Cuts the host off, while its machines run on, or connects it again. ``LookupError`` if it is unknown."""
        with self.transaction() as db:
            if not db.execute("UPDATE hosts SET network = ? WHERE uuid = ?", (reachable, uuid)).rowcount:
                raise LookupError(f"There is no simulated host {uuid}")

    def set_storage(self, uuid: str, reachable: bool) -> None:
        """Takes its storage from the host, or gives it back. ``LookupError`` if it is unknown.

        Without storage it writes no heartbeat, and cuts its own power after a minute (`SELF_FENCE`); given back, it is
        powered on again where it had done that, and nobody else has cut its power since.
        """
        host = self.settled(uuid)
        with self.transaction() as db:
            if reachable:
                db.execute(
                    "UPDATE hosts SET up = up OR shared < 0, shared = 1,"
                    " beat = CASE WHEN up OR shared < 0 THEN NULL ELSE beat END WHERE uuid = ?",
                    (uuid,),
                )
            else:
                beat = self.clock.now() if host.beat is None else host.beat
                db.execute("UPDATE hosts SET shared = min(shared, 0), beat = ? WHERE uuid = ?", (beat, uuid))

    def settled(self, uuid: str) -> Host:
        """A host, after what time has done to it. ``LookupError`` if it is unknown."""
        host = self.host(uuid)
        if host is None:
            raise LookupError(f"There is no simulated host {uuid}")
        if host.up and host.beat is not None and not self._outlived(uuid, host.beat):
            return self.settled(uuid)
        return host

    def _outlived(self, uuid: str, beat: int) -> bool:
        """Whether a host that cannot write its heartbeat is still on; cuts its power where its time is over."""
        if self.clock.now() - beat < SELF_FENCE:
            return True
        if self.db.in_transaction:
            self._fence_itself(uuid)
        else:
            with self.transaction():
                self._fence_itself(uuid)
        return False

    def _fence_itself(self, uuid: str) -> None:
        self.switch(uuid, False)
        self.db.execute("UPDATE hosts SET shared = -1 WHERE uuid = ?", (uuid,))

    # ---- what is there

    def machines(self, where: str = "", *values: str) -> list[Machine]:
        """All machines, or those that the SQL clause `where` picks."""
        rows = self.db.execute(f"SELECT {_MACHINE} FROM machines {where}", values)
        return [Machine(*row) for row in rows]

    def spec(self, uuid: str) -> dict[str, Any]:
        """How a machine was last started. ``LookupError``: there is none."""
        row = self.db.execute("SELECT spec FROM machines WHERE uuid = ?", (uuid,)).fetchone()
        if row is None:
            raise LookupError(f"There is no simulated machine {uuid}")
        found: dict[str, Any] = orjson.loads(row[0])
        return found

    def volumes(self) -> list[Volume]:
        """All volumes."""
        rows = self.db.execute("SELECT uuid, name, pool, path, size, template, machine FROM volumes")
        return [Volume(*row) for row in rows]

    def disks(self) -> dict[str, list[dict[str, Any]]]:
        """The disks of each machine that is on, as `DiskSpec` has them, by the machine's uuid."""
        rows = self.db.execute("SELECT uuid, spec FROM machines WHERE power = 'PowerOn'")
        return {uuid: orjson.loads(spec)["disks"] for uuid, spec in rows}

    def snapshots(self, where: str = "", *values: str) -> list[Snapshot]:
        """All snapshots of machines, or those that the SQL clause `where` picks."""
        rows = self.db.execute(
            f"SELECT uuid, name, machine, parent, memory, taken, disks FROM snapshots {where}", values
        )
        return [Snapshot(*(*row[:6], orjson.loads(row[6]))) for row in rows]

    def disk_snapshots(self, where: str = "", *values: str) -> list[DiskSnapshot]:
        """All copies of snapshots of volumes, or those that the SQL clause `where` picks."""
        rows = self.db.execute(
            f"SELECT uuid, place, name, volume, size, content, taken FROM disk_snapshots {where}", values
        )
        return [DiskSnapshot(*row) for row in rows]

    def images(self) -> list[tuple[str, str]]:
        """uuid and image store of each template that was made of a disk."""
        return self.db.execute("SELECT uuid, place FROM images").fetchall()

    def shut_down(self, uuid: str) -> None:
        """Turns a machine off that runs. ``LookupError`` where it does not."""
        with self.transaction() as db:
            row = db.execute(
                "SELECT host, memory FROM machines WHERE uuid = ? AND power = 'PowerOn'", (uuid,)
            ).fetchone()
            if row is None:
                raise LookupError(f"No simulated machine {uuid} runs")
            db.execute(
                "UPDATE machines SET power = 'PowerOff', content = '', since = ? WHERE uuid = ?",
                (self.clock.now(), uuid),
            )
            db.execute("UPDATE hosts SET used = used - ? WHERE uuid = ?", (row[1], row[0]))

    def content(self, uuid: str, word: str | None = None) -> str:
        """What a volume, or the memory of a machine, holds; `word`: from now on. ``LookupError``: neither is there."""
        for table in ("volumes", "machines"):
            if word is not None:
                self.db.execute(f"UPDATE {table} SET content = ? WHERE uuid = ?", (word, uuid))
            row = self.db.execute(f"SELECT content FROM {table} WHERE uuid = ?", (uuid,)).fetchone()
            if row is not None:
                return str(row[0])
        raise LookupError(f"There is no simulated volume or machine {uuid}")

    def memory_used(self, host: str) -> int:
        """The bytes that the host's running machines have, added up from them."""
        query = "SELECT coalesce(sum(memory), 0) FROM machines WHERE host = ? AND power = 'PowerOn'"
        used: int = self.db.execute(query, (host,)).fetchone()[0]
        return used
