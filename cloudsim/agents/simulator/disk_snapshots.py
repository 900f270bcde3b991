"""What the commands about snapshots of volumes, and about what is made of them, do to the world."""

from __future__ import annotations

from typing import Any

from cloudsim.agents.base import (
    Answer,
    Command,
    CommandFailed,
    CopyVolumeSnapshot,
    CreateTemplateFromDisk,
    CreateVolumeFromSnapshot,
    CreateVolumeSnapshot,
    DeleteTemplateFile,
    DeleteVolumeSnapshot,
    RevertVolumeSnapshot,
)
from cloudsim.agents.simulator.world import Action, DiskSnapshot, World

_PUT = "INSERT OR REPLACE INTO disk_snapshots (uuid, place, name, volume, size, content, taken) VALUES (?, ?, ?, ?, ?, ?, ?)"


def create(world: World, _host: str, command: CreateVolumeSnapshot) -> Answer:
    """Keeps what the volume holds, in its pool."""
    there = _there(world, command.uuid, command.pool)
    if there is None:
        query = "SELECT size, content FROM volumes WHERE uuid = ? AND pool = ?"
        row = world.db.execute(query, (command.volume, command.pool)).fetchone()
        if row is None:
            raise CommandFailed(f"There is no volume {command.volume} in pool {command.pool}")
        size, content = row
        if command.machine_snapshot is not None:
            content = _of_machine(world, command.machine_snapshot[0], command.volume)
        values = (command.uuid, command.pool, command.name, command.volume, size, content, world.clock.now())
        world.db.execute(_PUT, values)
        return {"path": command.uuid, "size": size}
    return {"path": command.uuid, "size": there.size}


def _of_machine(world: World, uuid: str, volume: str) -> str:
    """What a volume held when a snapshot of its machine was made."""
    for found in world.snapshots("WHERE uuid = ?", uuid):
        if volume in found.disks:
            return found.disks[volume]
    raise CommandFailed(f"There is no snapshot {uuid} of a machine that has volume {volume}")


def copy(world: World, _host: str, command: CopyVolumeSnapshot) -> Answer:
    """Copies it to an image store."""
    found = _need(world, command.uuid, command.source)
    values = (found.uuid, command.target, found.name, found.volume, found.size, found.content, found.taken)
    world.db.execute(_PUT, values)
    return {"path": f"snapshots/{found.volume}/{found.uuid}", "size": found.size}


def delete(world: World, _host: str, command: DeleteVolumeSnapshot) -> Answer:
    """Removes one copy."""
    world.db.execute("DELETE FROM disk_snapshots WHERE uuid = ? AND place = ?", (command.uuid, command.place))
    return {}


def revert(world: World, _host: str, command: RevertVolumeSnapshot) -> Answer:
    """Puts back what it kept."""
    found = _need(world, command.uuid, command.place)
    query = "UPDATE volumes SET content = ?, size = ? WHERE uuid = ? AND pool = ?"
    if not world.db.execute(query, (found.content, found.size, command.volume, command.pool)).rowcount:
        raise CommandFailed(f"There is no volume {command.volume} in pool {command.pool}")
    return {}


def create_volume(world: World, _host: str, command: CreateVolumeFromSnapshot) -> Answer:
    """Makes a volume with what it kept. One of that uuid that is there as asked for is fine."""
    query = "SELECT pool, path, size FROM volumes WHERE uuid = ?"
    row = world.db.execute(query, (command.uuid,)).fetchone()
    if row is not None:
        if (row[0], row[2]) != (command.pool, command.size):
            raise CommandFailed(f"Volume {command.uuid} is there already, with {row[2]} bytes in pool {row[0]}")
        return {"path": row[1], "size": row[2]}
    found = _need(world, command.snapshot, command.place)
    if command.size < found.size:
        raise CommandFailed(f"Snapshot {command.snapshot} has {found.size} bytes, the volume {command.size}")
    world.db.execute(
        "INSERT INTO volumes (uuid, name, pool, path, size, template, content) VALUES (?, ?, ?, ?, ?, NULL, ?)",
        (command.uuid, command.name, command.pool, command.uuid, command.size, found.content),
    )
    return {"path": command.uuid, "size": command.size}


def create_template(world: World, _host: str, command: CreateTemplateFromDisk) -> Answer:
    """Makes a template that holds what a volume or a snapshot does."""
    if command.snapshot:
        found = _need(world, command.disk, command.place)
        size, content = found.size, found.content
    else:
        query = "SELECT size, content FROM volumes WHERE uuid = ? AND pool = ?"
        row = world.db.execute(query, (command.disk, command.place)).fetchone()
        if row is None:
            raise CommandFailed(f"There is no volume {command.disk} in pool {command.place}")
        size, content = row
    world.db.execute(
        "INSERT OR REPLACE INTO images (uuid, place, size, content) VALUES (?, ?, ?, ?)",
        (command.uuid, command.store, size, content),
    )
    return {"path": f"template/tmpl/{command.uuid}", "size": size, "physical_size": size, "format": "RAW"}


def delete_template(world: World, _host: str, command: DeleteTemplateFile) -> Answer:
    """Removes a template that was made."""
    world.db.execute("DELETE FROM images WHERE uuid = ? AND place = ?", (command.uuid, command.store))
    return {}


def content_of(world: World, template: str | None) -> str:
    """What a volume that is made of a template holds at first."""
    row = world.db.execute("SELECT content FROM images WHERE uuid = ? LIMIT 1", (template,)).fetchone()
    return "" if row is None else str(row[0])


def _there(world: World, uuid: str, place: str) -> DiskSnapshot | None:
    return next(iter(world.disk_snapshots("WHERE uuid = ? AND place = ?", uuid, place)), None)


def _need(world: World, uuid: str, place: str) -> DiskSnapshot:
    found = _there(world, uuid, place)
    if found is None:
        raise CommandFailed(f"There is no snapshot {uuid} in {place}")
    return found


DOING: dict[type[Command], Action] = {
    CreateVolumeSnapshot: create,
    CopyVolumeSnapshot: copy,
    DeleteVolumeSnapshot: delete,
    RevertVolumeSnapshot: revert,
    CreateVolumeFromSnapshot: create_volume,
    CreateTemplateFromDisk: create_template,
    DeleteTemplateFile: delete_template,
}


def pretended(command: Command) -> dict[str, Any]:
    """What one of these would answer if it went well."""
    match command:
        case CreateVolumeSnapshot() | CopyVolumeSnapshot():
            return {"path": command.uuid, "size": 0}
        case CreateVolumeFromSnapshot():
            return {"path": command.uuid, "size": command.size}
        case CreateTemplateFromDisk():
            return {"path": command.uuid, "size": 0, "physical_size": 0, "format": "RAW"}
        case _:
            return {}
