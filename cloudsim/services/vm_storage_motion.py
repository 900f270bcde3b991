"""Moving the disks of a stopped machine to other storage pools.

The machine is in Migrating meanwhile, so that nothing starts it; a volume has its room in both pools until it has moved.
Volumes move one after the other: those that have moved when one fails stay where they are then.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloudsim.agents.base import CommandFailed, HostUnreachable, MigrateVolume
from cloudsim.allocators.base import HostCandidate
from cloudsim.allocators.pool_rules import reaches
from cloudsim.core import states
from cloudsim.core.errors import AgentTimeout, CloudError, InvalidValue, OperationFailed, ResourceUnavailable
from cloudsim.db import placement as places_db
from cloudsim.db import schema
from cloudsim.db import virtualmachine as db
from cloudsim.db.database import Row
from cloudsim.jobs.job import Order
from cloudsim.jobs.workflow import Workflow, workflow
from cloudsim.services import access, vmsnapshot
from cloudsim.services.cloud_machine import kind_of
from cloudsim.services.context import Context
from cloudsim.services.nouns import STORAGE_POOL, VIRTUAL_MACHINE, VOLUME
from cloudsim.services.virtualmachine import lock, move
from cloudsim.services.vm_placing import Places, request_for
from cloudsim.services.vm_plain import Plain, address_of, host_address, host_for_pool, result

volume = schema.volume


def migrate(ctx: Context, row: Row, to: Mapping[int, int]) -> str:
    """Orders that volumes of a stopped machine (by id) move to other pools; answers the job's uuid.

    Raises `InvalidValue`, `InsufficientStorage`, `ResourceUnavailable`.
    """
    _check(ctx, row, to)
    return ctx.submit(
        Order(
            command=ctx.command,
            workflow="virtualmachine.migrate-storage",
            arguments={"vm_id": row["id"], "to": {str(key): pool for key, pool in to.items()}},
            instance_type=kind_of(row).instance,
            instance_uuid=row["uuid"],
            lock=lock(row),
            event="VM.MIGRATE",
            event_text=f"moving the disks of virtual machine {row['display_name'] or row['name']}",
            account_id=row["account_id"],
            domain_id=row["domain_id"],
        )
    )


def to_pool(ctx: Context, row: Row, pool_id: int) -> dict[int, int]:
    """All volumes of a machine, to one pool."""
    return {disk["id"]: pool_id for disk in db.volumes_of(ctx.tx, row["id"])}


def _check(ctx: Context, row: Row, to: Mapping[int, int]) -> list[Row]:
    """The volumes that move. Raises what `migrate` raises."""
    if row["state"] != "Stopped":
        raise InvalidValue(f"a virtual machine in state {row['state']} cannot have its disks moved: it must be stopped")
    vmsnapshot.refuse_while_any(ctx, row["id"], "its disks stay where they are")
    disks = db.volumes_of(ctx.tx, row["id"])
    if any(disk["state"] != "Ready" for disk in disks):
        raise InvalidValue("a disk of the virtual machine is not ready; one that never ran has no disks yet")
    places = Places(ctx, row, request_for(ctx, row, disks))
    moving = [disk for disk in disks if disk["id"] in to and to[disk["id"]] != disk["pool_id"]]
    if not moving:
        raise InvalidValue("the disks of the virtual machine lie there already")
    for disk in moving:
        if host_for_pool(ctx, disk["pool_id"]) is None:
            raise ResourceUnavailable(f"no host that is Up reaches the storage of volume {disk['name']}")
    targets = {disk["id"]: to.get(disk["id"], disk["pool_id"]) for disk in disks}
    # somebody must reach all of it afterwards: else the machine could never start again
    fit = [host for host in places.hosts.values() if host.hypervisor == row["hypervisor"]]
    near = [host for host in fit if all(reaches(host, places.pool(pool_id)) for pool_id in targets.values())]
    for host in near[:1]:
        places.check_pools(host, moving, to)
    if not near:
        _refuse_far(places, fit, moving, to)
    return moving


def _refuse_far(places: Places, fit: list[HostCandidate], moving: list[Row], to: Mapping[int, int]) -> None:
    for disk in moving:
        pool = places.pool(to[disk["id"]])
        if not any(reaches(host, pool) for host in fit):
            raise InvalidValue(f"no host that could run the virtual machine reaches storage pool {pool.name}")
    raise InvalidValue("no host would reach all disks of the virtual machine: move them together")


def _begin(ctx: Context, vm_id: int, to: Mapping[str, int]) -> Plain:
    row = access.alive(ctx, VIRTUAL_MACHINE, vm_id)
    wanted = {int(key): pool for key, pool in to.items()}
    moving = _check(ctx, row, wanted)
    plan = []
    for disk in moving:
        pool_id = wanted[disk["id"]]
        places_db.allocate(ctx.tx, pool_id, disk["size"])
        ctx.tx.update(
            volume,
            {"id": disk["id"]},
            target_pool_id=pool_id,
            state=states.volume.next(disk["state"], "MigrationRequested"),
            update_count=disk["update_count"] + 1,
        )
        reaching = host_for_pool(ctx, disk["pool_id"])
        assert reaching is not None
        pool = access.row(ctx, STORAGE_POOL, pool_id)
        plan.append(
            {
                "id": disk["id"],
                "uuid": disk["uuid"],
                "path": disk["path"],
                "pool": disk["pool_uuid"],
                "target": pool["uuid"],
                "host": address_of(ctx, reaching),
            }
        )
    move(ctx, row, "StorageMigrationRequested")
    return {"volumes": plan, "limit": ctx.settings.number("migratewait") or 3600}


def _one_moved(ctx: Context, volume_id: int, path: str | None) -> None:
    disk = ctx.tx.first(VOLUME.by_id, row_id=volume_id)
    if disk is None or disk["target_pool_id"] is None:
        return
    places_db.allocate(ctx.tx, disk["pool_id"], -disk["size"])
    ctx.tx.update(
        volume,
        {"id": volume_id},
        pool_id=disk["target_pool_id"],
        target_pool_id=None,
        path=path or disk["path"],
        state=states.volume.next(disk["state"], "OperationSucceeded"),
        update_count=disk["update_count"] + 1,
        updated=ctx.now,
    )
    ctx.event(
        "VOLUME.MIGRATE",
        f"volume {disk['name']} was moved to another storage pool",
        resource=("Volume", disk["uuid"]),
        account_id=disk["account_id"],
        domain_id=disk["domain_id"],
    )


def _end(ctx: Context, vm_id: int) -> Plain:
    _still(ctx, vm_id)
    return result(ctx, vm_id)


def _still(ctx: Context, vm_id: int) -> None:
    """It is stopped again; what had not moved has its room in one pool."""
    row = ctx.tx.first(VIRTUAL_MACHINE.by_id, row_id=vm_id)
    if row is None or row["state"] != "Migrating":
        return
    for disk in db.volumes_of(ctx.tx, vm_id):
        if disk["target_pool_id"] is not None:
            places_db.allocate(ctx.tx, disk["target_pool_id"], -disk["size"])
            ctx.tx.update(
                volume,
                {"id": disk["id"]},
                target_pool_id=None,
                state=states.volume.next(disk["state"], "OperationFailed"),
                update_count=disk["update_count"] + 1,
            )
    move(ctx, row, "AgentReportStopped")


def _failed(ctx: Context, error: CloudError, vm_id: int, **_: Any) -> None:
    _still(ctx, vm_id)


@workflow("virtualmachine.migrate-storage", failed=_failed)
async def migrate_storage(wf: Workflow[Context], vm_id: int, to: dict[str, int]) -> None:
    """Moves volumes of a stopped machine to other pools."""
    plan = await wf.step("begin", _begin, vm_id, to)
    for disk in plan["volumes"]:
        name = f"volume-{disk['id']}"
        command = MigrateVolume(wf.command_id(name), disk["uuid"], disk["path"], disk["pool"], disk["target"])
        try:
            answer = await wf.call(host_address(disk["host"]), command, timeout=plan["limit"])
        except CommandFailed as error:
            raise OperationFailed(f"host {disk['host']['name']}: {error}") from None
        except HostUnreachable as error:
            raise AgentTimeout(f"host {disk['host']['name']}: {error}") from None
        await wf.step(name, _one_moved, disk["id"], answer.get("path"))
    await wf.finish(_end, vm_id)
