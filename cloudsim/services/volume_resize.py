"""Volumes grow and shrink, and get other disk offerings; on other storage where the new offering asks for that.

From the first step on a volume counts with the larger of its two sizes everywhere (limits, the pool's room); what it was
is kept in ``volume.resizing`` until the host has carried it out, and put back where that fails.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from cloudsim.agents.base import CommandFailed, HostUnreachable, ResizeVolume
from cloudsim.core.errors import (
    AgentTimeout,
    CloudError,
    InsufficientStorage,
    InvalidValue,
    OperationFailed,
    StorageUnavailable,
)
from cloudsim.db.database import Row
from cloudsim.db.placement import allocate
from cloudsim.jobs.workflow import Workflow, workflow
from cloudsim.services import access, placement, usage, vmsnapshot, volume_migrate, volume_orders
from cloudsim.services.context import Context
from cloudsim.services.nouns import ACCOUNT, DISK_OFFERING, SERVICE_OFFERING, STORAGE_POOL, TEMPLATE, VOLUME, ZONE
from cloudsim.services.snapshot_workflows import reaching
from cloudsim.services.virtualmachine import GIB
from cloudsim.services.vm_plain import Plain, address_of, host_address
from cloudsim.services.volume_orders import alive, held, machine_with, move, write

_THRESHOLD = "pool.storage.allocated.capacity.disablethreshold"
_BEYOND = "pool.storage.allocated.resize.capacity.disablethreshold"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a volume shall be: None where it stays as it is. `size` in GiB."""

    offering_id: int | None = None
    size: int | None = None
    min_iops: int | None = None
    max_iops: int | None = None
    shrink: bool = False
    auto_migrate: bool = False
    #: Bytes, whatever the offering says: the root disk follows the service offering of its machine.
    exactly: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of a volume: its columns, its size in bytes, and the pool it has to go to (None: it stays)."""

    values: dict[str, Any]
    size: int
    pool_id: int | None


def resize(ctx: Context, row: Row, wanted: Wanted) -> str:
    """Orders that a volume changes; answers the job's uuid.

    Raises `InvalidValue`, `LimitReached`, `InsufficientStorage`, `ResourceUnavailable`.
    """
    row = volume_orders.full(ctx, row)
    plan(ctx, row, wanted)
    changes = ctx.command == "changeOfferingForVolume"
    return volume_orders.order(
        ctx,
        row,
        "volume.resize",
        "VOLUME.CHANGE.DISK.OFFERING" if changes else "VOLUME.RESIZE",
        "changing the offering of" if changes else "resizing",
        {"vm_id": row["vm_id"], "wanted": asdict(wanted)},
        machine=machine_with(ctx, row),
    )


def plan(ctx: Context, row: Row, wanted: Wanted) -> Outcome:
    """What becomes of the volume. Raises what `resize` raises."""
    _check_state(ctx, row)
    current = volume_orders.offering_of(ctx, row)
    offering = access.row(ctx, DISK_OFFERING, wanted.offering_id) if wanted.offering_id is not None else None
    if offering is not None:
        _check_offering(ctx, row, current, offering, wanted)
    size = wanted.exactly if wanted.exactly is not None else _size(ctx, row, current, offering, wanted)
    values = _iops(row, offering or current, offering is not None, wanted)
    if offering is not None:
        values |= {"disk_offering_id": offering["id"], "provisioning": offering["provisioning"]}
    if size == row["size"] and all(row[name] == value for name, value in values.items()):
        raise InvalidValue(f"volume {row['name']} is like that already")
    _check_size(ctx, row, size, wanted.shrink)
    if size > row["size"]:
        volume_orders.check_limits(ctx, row["account_id"], offering or current, size=size - row["size"])
    pool_id = _other_pool(ctx, row, offering, size, wanted)
    if pool_id is None and size > row["size"] and row["pool_id"] is not None:
        check_room(ctx, row, size - row["size"])
    return Outcome(values, size, pool_id)


def _check_state(ctx: Context, row: Row) -> None:
    volume_orders.must_rest(row, "it stays as it is")
    volume_orders.refuse_in_doubt(ctx, row)
    machine = machine_with(ctx, row)
    if machine is None:
        return
    if machine["state"] not in ("Running", "Stopped"):
        raise InvalidValue(f"a virtual machine in state {machine['state']} keeps its volumes as they are")
    vmsnapshot.refuse_while_any(ctx, machine["id"], "its disks keep their size and offering")
    volume_orders.refuse_unknown_power(ctx, machine)
    if machine["state"] == "Running" and ResizeVolume not in ctx.cloud.agents.driver(machine["hypervisor"]).verbs:
        raise InvalidValue(f"hosts of hypervisor {machine['hypervisor']} resize no volumes of running virtual machines")


def _check_offering(ctx: Context, row: Row, current: Row | None, offering: Row, wanted: Wanted) -> None:
    account, zone = access.row(ctx, ACCOUNT, row["account_id"]), access.row(ctx, ZONE, row["zone_id"])
    if row["type"] == "ROOT":
        machine = machine_with(ctx, row)
        service = access.row(ctx, SERVICE_OFFERING, machine["service_offering_id"]) if machine is not None else None
        own = service is not None and service["disk_offering_id"] == offering["id"]
        if service is not None and service["disk_offering_strictness"] and not own:
            raise InvalidValue(f"service offering {service['name']} allows no other disk offering for the root disk")
        if not own:
            volume_orders.check_offering(ctx, offering, account, zone)
    else:
        volume_orders.check_offering(ctx, offering, account, zone)
    if current is None:
        return
    if current["storage_type"] != offering["storage_type"]:
        raise InvalidValue("a disk offering for local storage cannot take the place of one for shared storage, or back")
    if bool(current["encrypt"]) != bool(offering["encrypt"]) and row["path"] is not None:
        raise InvalidValue("a volume with content is neither encrypted nor decrypted")
    place = ("Zone", row["zone_id"])
    if ctx.settings.flag("match.storage.pool.tags.with.disk.offering", place) and not wanted.auto_migrate:
        missing = placement.tags(current["tags"]) - placement.tags(offering["tags"])
        if missing:
            raise InvalidValue(
                f"disk offering {offering['name']} lacks the storage tags {', '.join(sorted(missing))} of the present one"
            )


def _size(ctx: Context, row: Row, current: Row | None, offering: Row | None, wanted: Wanted) -> int:
    """The bytes that the volume has then."""
    if offering is None:
        if wanted.size is None:
            if wanted.min_iops is None and wanted.max_iops is None:
                raise InvalidValue("say what changes: size, diskofferingid, miniops or maxiops")
            return int(row["size"])
        if current is not None and current["size_strict"]:
            raise InvalidValue(f"disk offering {current['name']} is strict about the size")
        if row["type"] != "ROOT" and current is not None and current["customized"]:
            return volume_orders.size_of(ctx, current, wanted.size)
        return wanted.size * GIB
    strict = current is not None and current["size_strict"] and offering["id"] != current["id"]
    if strict and (offering["customized"] or offering["size"] != row["size"]):
        raise InvalidValue(f"the disk offering of volume {row['name']} is strict about the size")
    if offering["customized"]:
        if wanted.size is None and offering["compute_only"]:
            return int(row["size"])
        return volume_orders.size_of(ctx, offering, wanted.size)
    if not offering["size"]:  # the service offering's own: the size is the root disk's
        return wanted.size * GIB if wanted.size is not None else int(row["size"])
    if wanted.size is not None and wanted.size * GIB != offering["size"]:
        raise InvalidValue(f"disk offering {offering['name']} sets the size: leave size out")
    return int(offering["size"])


def _iops(row: Row, offering: Row | None, new: bool, wanted: Wanted) -> dict[str, Any]:
    if wanted.min_iops is None and wanted.max_iops is None and not new:
        return {}
    if offering is None:
        raise InvalidValue(f"volume {row['name']} has no disk offering that leaves the operations a second open")
    least, most = volume_orders.iops_of(offering, wanted.min_iops, wanted.max_iops)
    return {"min_iops": least, "max_iops": most}


def _check_size(ctx: Context, row: Row, size: int, shrink: bool) -> None:
    if size == row["size"]:
        return
    volume_orders.check_size(ctx, size)
    if size > row["size"]:
        return
    if not shrink:
        raise InvalidValue(
            f"volume {row['name']} would shrink from {row['size'] // GIB} to {size // GIB} GiB: say so with shrinkok=true"
        )
    if row["type"] == "ROOT" and row["template_id"] is not None:
        least = access.row(ctx, TEMPLATE, row["template_id"])["size"]
        if size < least:
            raise InvalidValue(f"a root disk is never smaller than its template, {-(-least // GIB)} GiB")


def _other_pool(ctx: Context, row: Row, offering: Row | None, size: int, wanted: Wanted) -> int | None:
    """The pool that the volume has to go to for a new offering; None: it stays."""
    if offering is None or row["pool_id"] is None:
        return None
    pool = access.row(ctx, STORAGE_POOL, row["pool_id"])
    missing = placement.tags(offering["tags"]) - frozenset(pool["tags"])
    if not missing:
        return None
    if not wanted.auto_migrate:
        raise InvalidValue(
            f"storage pool {pool['name']} lacks the storage tags {', '.join(sorted(missing))} of disk offering "
            f"{offering['name']}: give automigrate=true"
        )
    volume_migrate.check_still(ctx, row, True)
    larger = {**row, "size": max(size, row["size"])}
    return volume_migrate.Targets(ctx, larger, machine_with(ctx, row)).best(offering).id


def check_room(ctx: Context, row: Row, more: int) -> None:
    """Raises `InsufficientStorage`, `StorageUnavailable` where the pool of a volume has not so much room more."""
    pool = access.row(ctx, STORAGE_POOL, row["pool_id"])
    if pool["status"] != "Up":
        raise StorageUnavailable(f"storage pool {pool['name']} is in status {pool['status']}, not Up")
    places = (("StoragePool", pool["id"]), ("Zone", pool["zone_id"]))
    total = pool["capacity"] * (ctx.settings.share("storage.overprovisioning.factor", *places) or 1.0)
    beyond = ctx.settings.flag("volume.resize.allowed.beyond.allocation", *places)
    limit = ctx.settings.share(_BEYOND if beyond else _THRESHOLD, *places)
    wanted = pool["allocated"] + more
    if wanted > total or (total > 0 and wanted / total > limit):
        raise InsufficientStorage(
            f"storage pool {pool['name']} has no room for {-(-more // GIB)} GiB more: {pool['allocated'] // GIB} of "
            f"{int(total) // GIB} GiB are given away, and {limit:.0%} of it may be"
        )


# -- what happens


def _moving(ctx: Context, volume_id: int, vm_id: int | None, wanted: Plain) -> Plain:
    """The way to the pool that the new offering asks for; nothing where the volume stays."""
    row = held(ctx, volume_id, vm_id)
    outcome = plan(ctx, row, Wanted(**wanted))
    return volume_migrate.leave(ctx, row, outcome.pool_id) if outcome.pool_id is not None else {}


def _there(ctx: Context, volume_id: int, path: str | None) -> None:
    volume_migrate.arrive(ctx, volume_id, path)


def _resizing(ctx: Context, volume_id: int, vm_id: int | None, wanted: Plain) -> Plain:
    """Takes the room; answers what a host has to do, nothing where all is done with that."""
    row = held(ctx, volume_id, vm_id)
    outcome = plan(ctx, row, Wanted(**wanted))
    if row["path"] is None or outcome.size == row["size"]:
        if row["pool_id"] is not None:
            allocate(ctx.tx, row["pool_id"], outcome.size - row["size"])
        _changed(ctx, write(ctx, row, size=outcome.size, **outcome.values))
        return {}
    before = {name: row[name] for name in ("size", *outcome.values)}
    largest = max(outcome.size, row["size"])
    allocate(ctx.tx, row["pool_id"], largest - row["size"])
    move(ctx, row, "ResizeRequested", resizing=before, **{**outcome.values, "size": largest})
    machine = machine_with(ctx, row)
    made: Plain = {"volume": [row["uuid"], row["path"], row["pool_uuid"], outcome.size]}
    if machine is not None and machine["state"] == "Running":
        return made | {
            "host": address_of(ctx, machine["host_id"]),
            "machine": [machine["uuid"], machine["instance_name"]],
        }
    return made | {"host": reaching(ctx, row["pool_id"])}


def _changed(ctx: Context, row: Row) -> None:
    """Another size or offering is used from now on."""
    usage.end(ctx, "volume", row["id"])
    volume_orders.begin_usage(ctx, row)


def settle(ctx: Context, volume_id: int, size: int) -> None:
    """The volume has its new size."""
    row = alive(ctx, volume_id)
    allocate(ctx.tx, row["pool_id"], size - row["size"])
    _changed(ctx, move(ctx, row, "OperationSucceeded", size=size, resizing=None))


def _resized(ctx: Context, volume_id: int, size: int | None) -> Plain:
    if size is not None:
        settle(ctx, volume_id, size)
    return volume_orders.result(ctx, volume_id)


def resize_failed(ctx: Context, error: CloudError, volume_id: int, **_: Any) -> None:
    """The volume is as it was, and has the room it had.

    Where nobody knows it has the larger size, which is made true as soon as a host answers (`volume_doubt`).
    """
    volume_migrate.stay(ctx, error, volume_id)
    row = ctx.tx.first(VOLUME.by_id, row_id=volume_id)
    if row is None or row["state"] != "Resizing":
        return
    before: dict[str, Any] = dict(row["resizing"])
    if isinstance(error, AgentTimeout):
        old = before.pop("size")
        row = move(ctx, row, "OperationFailed", resizing={"size": old}, **before)
        _changed(ctx, row)
        return
    allocate(ctx.tx, row["pool_id"], before["size"] - row["size"])
    move(ctx, row, "OperationFailed", resizing=None, **before)


async def steps(wf: Workflow[Context], volume_id: int, vm_id: int | None, wanted: Plain) -> int | None:
    """The steps of a change, but the last; answers the size to settle, None where all is done."""
    way = await wf.step("moving", _moving, volume_id, vm_id, wanted)
    if way and not wf.done("there"):
        path = await volume_migrate.carry(wf, way)
        await wf.step("there", _there, volume_id, path)
    made = await wf.step("resizing", _resizing, volume_id, vm_id, wanted)
    if not made:
        return None
    machine = tuple(made["machine"]) if "machine" in made else None
    uuid, path, pool, size = made["volume"]
    command = ResizeVolume(wf.command_id("resize"), uuid, path, pool, size, machine)
    if not wf.done("resized"):
        try:
            await wf.call(host_address(made["host"]), command)
        except CommandFailed as error:
            raise OperationFailed(f"host {made['host']['name']}: {error}") from None
        except HostUnreachable as error:
            raise AgentTimeout(f"host {made['host']['name']}: {error}") from None
    return int(size)


@workflow("volume.resize", failed=resize_failed)
async def run(wf: Workflow[Context], volume_id: int, vm_id: int | None, wanted: Plain) -> None:
    """Changes the size or the offering of a volume."""
    await wf.finish(_resized, volume_id, await steps(wf, volume_id, vm_id, wanted))
