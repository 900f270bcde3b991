"""Snapshots of volumes that no machine runs with, and what is made of them: whole qcow2 files, copied by ``qemu-img``."""

from __future__ import annotations

from pathlib import Path

from cloudsim.agents import base
from cloudsim.agents.base import Answer, Command, CommandFailed
from cloudsim.agents.libvirt.domain_xml import check_name
from cloudsim.agents.libvirt.storage import Storage

VERBS: frozenset[type[Command]] = frozenset(
    {
        base.CreateVolumeSnapshot,
        base.CopyVolumeSnapshot,
        base.DeleteVolumeSnapshot,
        base.RevertVolumeSnapshot,
        base.CreateVolumeFromSnapshot,
        base.CreateTemplateFromDisk,
        base.DeleteTemplateFile,
    }
)


async def execute(storage: Storage, command: Command) -> Answer:
    """Carries one of `VERBS` out. Raises `CommandFailed`."""
    match command:
        case base.CreateVolumeSnapshot():
            return await _create(storage, command)
        case base.CopyVolumeSnapshot(uuid=uuid):
            _, taken = await storage.copy(storage.kept(command.source, uuid), storage.kept(command.target, uuid))
            return {"path": Storage.file_name(uuid), "size": taken}
        case base.DeleteVolumeSnapshot():
            await storage.remove(storage.kept(command.place, command.uuid))
            return {}
        case base.RevertVolumeSnapshot():
            kept, target = storage.kept(command.place, command.uuid), _volume(storage, command.volume, command.pool)
            await storage.copy(kept, target, again=True)
            return {}
        case base.CreateVolumeFromSnapshot(uuid=uuid):
            kept, target = storage.kept(command.place, command.snapshot), _volume(storage, uuid, command.pool)
            size, _ = await storage.copy(kept, target, size=command.size)
            return {"path": Storage.file_name(uuid), "size": size}
        case base.CreateTemplateFromDisk(disk=disk):
            kept = storage.kept(command.place, disk)
            source = kept if command.snapshot else _volume(storage, disk, command.place)
            size, taken = await storage.copy(source, storage.template(command.uuid))
            return {"path": Storage.file_name(command.uuid), "size": size, "physical_size": taken, "format": "QCOW2"}
        case base.DeleteTemplateFile():
            await storage.remove(storage.template(command.uuid))
            return {}
    raise base.Unsupported(f"libvirt hosts do not have {command.wire}")


async def _create(storage: Storage, command: base.CreateVolumeSnapshot) -> Answer:
    within = command.machine_snapshot[0] if command.machine_snapshot is not None else None
    if within is not None:
        check_name(within, "snapshot")
    elif command.machine is not None:
        raise CommandFailed(f"virtual machine {command.machine} writes to the volume: stop it first")
    source = _volume(storage, command.volume, command.pool)
    _, taken = await storage.copy(source, storage.kept(command.pool, command.uuid), within=within)
    return {"path": Storage.file_name(command.uuid), "size": taken}


def _volume(storage: Storage, uuid: str, pool: str) -> Path:
    return storage.locate(pool, Storage.file_name(uuid))
