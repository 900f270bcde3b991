"""What simulated hosts do with volumes: disks of machines that run come and go, volumes grow and shrink.

A volume knows the machine that has it (``machine``): a start says so, and an attaching; a detaching ends it. What a
machine that is off has counts for nothing.
"""

from __future__ import annotations

import sqlite3
from typing import Any

import orjson

from cloudsim.agents.base import (
    Answer,
    AttachVolume,
    CheckVolume,
    CommandFailed,
    DetachVolume,
    DiskSpec,
    MigrateVolume,
    ResizeVolume,
)
from cloudsim.agents.simulator.world import World

_SPEC = "SELECT spec FROM machines WHERE uuid = ? AND host = ? AND power = 'PowerOn'"


def claim(db: sqlite3.Connection, machine: str, name: str, disk: DiskSpec | dict[str, Any]) -> None:
    """Makes a volume a machine's. `CommandFailed` where it is not there, or a machine that is on has it."""
    uuid = disk["uuid"] if isinstance(disk, dict) else disk.uuid
    row = db.execute("SELECT machine FROM volumes WHERE uuid = ?", (uuid,)).fetchone()
    if row is None:
        raise CommandFailed(f"There is no volume {uuid} for virtual machine {name}")
    if row[0] == machine:
        return
    if row[0] is not None:
        other = db.execute("SELECT name, spec FROM machines WHERE uuid = ? AND power = 'PowerOn'", (row[0],)).fetchone()
        if other is not None and any(one["uuid"] == uuid for one in orjson.loads(other[1])["disks"]):
            raise CommandFailed(f"Virtual machine {other[0]} has volume {uuid}")
    db.execute("UPDATE volumes SET machine = ? WHERE uuid = ?", (machine, uuid))


def _running(world: World, host: str, uuid: str) -> dict[str, Any] | None:
    row = world.db.execute(_SPEC, (uuid, host)).fetchone()
    return None if row is None else orjson.loads(row[0])


def _write(world: World, uuid: str, spec: dict[str, Any]) -> None:
    world.db.execute("UPDATE machines SET spec = ? WHERE uuid = ?", (orjson.dumps(spec), uuid))


def attach_volume(world: World, host: str, command: AttachVolume) -> Answer:
    """Adds a disk to a machine that runs here."""
    spec = _running(world, host, command.uuid)
    if spec is None:
        raise CommandFailed(f"Virtual machine {command.name} does not run on host {host}")
    disk = command.disk
    if any(one["uuid"] == disk.uuid for one in spec["disks"]):
        return {}
    if any(one["device"] == disk.device for one in spec["disks"]):
        raise CommandFailed(f"Virtual machine {command.name} has a disk number {disk.device} already")
    claim(world.db, command.uuid, command.name, disk)
    spec["disks"].append(orjson.loads(orjson.dumps(disk)))
    _write(world, command.uuid, spec)
    return {}


def detach_volume(world: World, host: str, command: DetachVolume) -> Answer:
    """Takes a disk from a machine, if it runs here and has it."""
    spec = _running(world, host, command.uuid)
    if spec is not None:
        left = [one for one in spec["disks"] if one["uuid"] != command.volume]
        if len(left) != len(spec["disks"]):
            _write(world, command.uuid, {**spec, "disks": left})
    world.db.execute("UPDATE volumes SET machine = NULL WHERE uuid = ? AND machine = ?", (command.volume, command.uuid))
    return {}


def migrate_volume(world: World, host: str, command: MigrateVolume) -> Answer:
    """Moves a volume, with its content, from one pool to another."""
    row = world.db.execute("SELECT pool, path FROM volumes WHERE uuid = ?", (command.uuid,)).fetchone()
    if row is None or row[0] not in (command.pool, command.target):
        raise CommandFailed(f"There is no volume {command.uuid} in pool {command.pool}")
    if command.machine is not None:
        _change_disk(world, host, command.machine, command.uuid, "pool", command.target)
    world.db.execute("UPDATE volumes SET pool = ? WHERE uuid = ?", (command.target, command.uuid))
    return {"path": row[1]}


def _change_disk(world: World, host: str, machine: tuple[str, str], uuid: str, name: str, value: Any) -> None:
    """Changes something of a disk of a machine, which must run here."""
    spec = _running(world, host, machine[0])
    if spec is None:
        raise CommandFailed(f"Virtual machine {machine[1]} does not run on host {host}")
    for one in spec["disks"]:
        if one["uuid"] == uuid:
            one[name] = value
    _write(world, machine[0], spec)


def resize_volume(world: World, host: str, command: ResizeVolume) -> Answer:
    """Changes the size of a volume, and of the disk of the machine that runs with it."""
    row = world.db.execute("SELECT pool FROM volumes WHERE uuid = ?", (command.uuid,)).fetchone()
    if row is None or row[0] != command.pool:
        raise CommandFailed(f"There is no volume {command.uuid} in pool {command.pool}")
    if command.machine is not None:
        _change_disk(world, host, command.machine, command.uuid, "size", command.size)
    world.db.execute("UPDATE volumes SET size = ? WHERE uuid = ?", (command.size, command.uuid))
    return {"size": command.size}


def check_volume(world: World, _host: str, command: CheckVolume) -> Answer:
    """Finds nothing wrong: what is simulated does not decay."""
    row = world.db.execute(
        "SELECT size FROM volumes WHERE uuid = ? AND pool = ?", (command.uuid, command.pool)
    ).fetchone()
    if row is None:
        raise CommandFailed(f"There is no volume {command.uuid} in pool {command.pool}")
    return {
        "check": {"check-errors": "0", "leaks": "0", "corruptions": "0", "image-end-offset": str(row[0])},
        "repair": {},
    }
