"""Giving a machine another service offering: what must fit, and what changes with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, delete

from cloudsim.allocators.pool_rules import pool_refusal, reaches
from cloudsim.core.errors import InsufficientStorage, InvalidValue, OperationFailed
from cloudsim.db import schema
from cloudsim.db import virtualmachine as db
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.services import (
    access,
    placement,
    resource,
    usage,
    vm_storage_motion,
    vmsnapshot,
    volume_orders,
    volume_resize,
)
from cloudsim.services.context import Context
from cloudsim.services.nouns import ACCOUNT, DISK_OFFERING, SERVICE_OFFERING, VOLUME, ZONE
from cloudsim.services.virtualmachine import compute
from cloudsim.services.vm_placing import Places, request_for, volume_request
from cloudsim.services.volume_resize import Wanted

vm, volume = schema.vm, schema.volume

#: The details that say how big a machine of a custom offering is, and the offering's columns.
SIZES = {"cpuNumber": "cpu_number", "cpuSpeed": "cpu_speed", "memory": "memory"}
_NO_SIZES = delete(schema.detail).where(
    schema.detail.c.resource_type == "UserVm",
    schema.detail.c.resource_id == bindparam("vm_id"),
    any_of(schema.detail.c.name, "names"),
)


@dataclass(frozen=True, slots=True)
class Change:
    """What was asked for, beside the offering."""

    details: Mapping[str, str]
    #: What may become of the root disk where the offering's own disk offering comes with it.
    auto_migrate: bool = False
    shrink: bool = False
    min_iops: int | None = None
    max_iops: int | None = None


def check(ctx: Context, row: Row, offering: Row, details: Mapping[str, str]) -> tuple[int, int, int]:
    """CPUs, MHz and MB that the machine of a user would have. Raises `InvalidValue`, `LimitReached`."""
    if row["state"] not in ("Stopped", "Running"):
        raise InvalidValue(f"a virtual machine in state {row['state']} keeps its offering: it must run or be stopped")
    if offering["is_system"] or offering["state"] != "Active":
        raise InvalidValue(f"service offering {offering['name']} is not for virtual machines of users")
    zone = access.row(ctx, ZONE, row["zone_id"])
    if offering["zone_ids"] and zone["uuid"] not in offering["zone_ids"]:
        raise InvalidValue(f"service offering {offering['name']} is not available in zone {zone['name']}")
    size = compute(offering, {name: value for name, value in details.items() if name in SIZES})
    if row["service_offering_id"] == offering["id"] and size == (row["cpu"], row["speed"], row["memory"]):
        raise InvalidValue("the virtual machine has that service offering already")
    vmsnapshot.refuse_while_any(ctx, row["id"], "its offering cannot change", memory=True)
    _check_disk(ctx, row, offering)
    _check_limits(ctx, row, offering, size)
    return size


def _check_disk(ctx: Context, row: Row, offering: Row) -> None:
    """The root disk stays, so the new offering must be for disks like it."""
    current = access.row(ctx, SERVICE_OFFERING, row["service_offering_id"])
    before = access.row(ctx, DISK_OFFERING, current["disk_offering_id"])
    after = access.row(ctx, DISK_OFFERING, offering["disk_offering_id"])
    if before["storage_type"] != after["storage_type"]:
        raise InvalidValue(
            "a service offering for local storage cannot take the place of one for shared storage, or back"
        )
    if current["disk_offering_strictness"] != offering["disk_offering_strictness"]:
        raise InvalidValue("one of the two service offerings is strict about its disk offering, the other is not")
    if current["disk_offering_strictness"] and before["id"] != after["id"]:
        raise InvalidValue("the service offering is strict about its disk offering: the new one must have the same")
    if ctx.settings.flag("match.storage.pool.tags.with.disk.offering", ("Zone", row["zone_id"])):
        missing = placement.tags(before["tags"]) - placement.tags(after["tags"])
        if missing:
            raise InvalidValue(f"the new service offering lacks the storage tags {', '.join(sorted(missing))}")


def _check_limits(ctx: Context, row: Row, offering: Row, size: tuple[int, int, int]) -> None:
    if row["state"] == "Stopped" and ctx.settings.flag("resource.count.running.vms.only"):
        return
    owner = access.row(ctx, ACCOUNT, row["account_id"])
    more = {"cpu": size[0] - row["cpu"], "memory": size[2] - row["memory"]}
    resource.check(ctx, owner, more, tags={"host": sorted(placement.tags(offering["host_tags"]))})


def change_stopped(ctx: Context, row: Row, offering: Row, change: Change) -> None:
    """Gives a stopped machine another offering. Raises `InvalidValue`, `LimitReached`, `InsufficientStorage`."""
    if row["state"] != "Stopped":
        raise InvalidValue(
            f"the virtual machine is {row['state']}: stop it first (scaleVirtualMachine scales running ones)"
        )
    cpu, speed, memory = check(ctx, row, offering, change.details)
    resized = root_resize(ctx, row, offering, change)
    root, moves = root_change(ctx, row, offering, change)
    values = {"service_offering_id": offering["id"], "cpu": cpu, "speed": speed, "memory": memory}
    where = {"id": row["id"], "update_count": row["update_count"]}
    if ctx.tx.update(vm, where, update_count=row["update_count"] + 1, **values) != 1:
        raise OperationFailed(f"virtual machine {row['uuid']} was changed by someone else meanwhile")
    settle(ctx, {**row, **values, "update_count": row["update_count"] + 1}, offering, change.details, root)
    if resized is not None:
        root_id, wanted = resized
        volume_resize.resize(ctx, access.row(ctx, VOLUME, root_id), wanted)
    if moves:
        vm_storage_motion.migrate(ctx, {**row, **values}, moves)


def settle(ctx: Context, row: Row, offering: Row, details: Mapping[str, str], root: Mapping[str, Any]) -> None:
    """What else follows from an offering that a machine has by now: details, HA, usage."""
    ctx.tx.update(
        vm,
        {"id": row["id"]},
        ha_enabled=offering["offer_ha"],
        limit_cpu_use=offering["limit_cpu_use"],
        dynamically_scalable=row["dynamically_scalable"] and offering["dynamic_scaling"],
        updated=ctx.now,
    )
    ctx.tx.execute(_NO_SIZES, vm_id=row["id"], names=list(SIZES))
    ctx.tx.insert_many(
        schema.detail,
        [
            {"resource_type": "UserVm", "resource_id": row["id"], "name": name, "value": details[name], "display": True}
            for name, column in SIZES.items()
            if offering[column] is None
        ],
    )
    where = {"vm_id": row["id"], "type": "ROOT"}
    ctx.tx.update(volume, where, service_offering_id=offering["id"], updated=ctx.now, **root)
    if row["type"] == "User":
        usage.end(ctx, "vm", row["id"])
        usage.machine(ctx, usage.ALLOCATED_VM, row)
        if row["state"] == "Running":
            usage.machine(ctx, usage.RUNNING_VM, row)


# -- the root disk


def root_change(ctx: Context, row: Row, offering: Row, change: Change) -> tuple[dict[str, Any], dict[int, int]]:
    """What changes of the root disk where the offering's disk offering comes along.

    It does where ``allow.diskoffering.change.during.scale.vm`` says so. Answers the columns, and which volume must move to
    which pool for that. Raises `InvalidValue`, `InsufficientStorage`, `LimitReached`.
    """
    if not ctx.settings.flag("allow.diskoffering.change.during.scale.vm"):
        return {}, {}
    after = access.row(ctx, DISK_OFFERING, offering["disk_offering_id"])
    disks = db.volumes_of(ctx.tx, row["id"])
    root = next((disk for disk in disks if disk["type"] == "ROOT"), None)
    if root is None:
        return {}, {}
    if (change.min_iops is not None or change.max_iops is not None) and not after["customized_iops"]:
        raise InvalidValue(f"disk offering {after['name']} sets its operations a second: leave miniops and maxiops out")
    least, most = change.min_iops, change.max_iops
    if least is not None and most is not None and least > most:
        raise InvalidValue("miniops is at most maxiops")
    values: dict[str, Any] = {
        "disk_offering_id": after["id"],
        "min_iops": least if after["customized_iops"] else after["min_iops"],
        "max_iops": most if after["customized_iops"] else after["max_iops"],
    }
    wanted = int(after["size"] or offering["root_disk_size"] or 0) or root["size"]
    if wanted != root["size"]:
        _check_size(ctx, row, root, wanted, change)
        if root["pool_id"] is None:
            values["size"] = wanted
    moves = {}
    if root["pool_id"] is not None:
        moves = _moves(ctx, row, disks, {**root, "offering_tags": after["tags"]}, change)
    return values, moves


def _check_size(ctx: Context, row: Row, root: Row, wanted: int, change: Change) -> None:
    gib = 1024**3
    if wanted < root["size"] and not change.shrink:
        raise InvalidValue(f"the root disk would become smaller, {wanted // gib} GiB: say so with shrinkok=true")
    owner = access.row(ctx, ACCOUNT, row["account_id"])
    resource.check(ctx, owner, {"primarystorage": wanted - root["size"]})


def root_resize(ctx: Context, row: Row, offering: Row, change: Change) -> tuple[int, Wanted] | None:
    """The root disk on storage that must be resized for an offering, by id, and to what; None: it keeps its size.

    Raises what `root_change` and a resizing raise.
    """
    values, _ = root_change(ctx, row, offering, change)
    if not values or "size" in values:
        return None
    root = next(disk for disk in db.volumes_of(ctx.tx, row["id"]) if disk["type"] == "ROOT")
    after = access.row(ctx, DISK_OFFERING, offering["disk_offering_id"])
    wanted = int(after["size"] or offering["root_disk_size"] or 0) or root["size"]
    if root["pool_id"] is None or wanted == root["size"]:
        return None
    asked = Wanted(exactly=wanted, shrink=change.shrink)
    volume_resize.plan(ctx, volume_orders.full(ctx, root), asked)
    return root["id"], asked


def _moves(ctx: Context, row: Row, disks: list[Row], root: Row, change: Change) -> dict[int, int]:
    """Where the root disk must go: to a pool with the tags that it asks for, from where a host reaches all the others."""
    places = Places(ctx, row, request_for(ctx, row, disks))
    pool = places.pool(root["pool_id"])
    missing = placement.tags(root["offering_tags"]) - pool.tags
    if not missing:
        return {}
    if row["state"] != "Stopped" or not change.auto_migrate:
        raise InvalidValue(
            f"storage pool {pool.name} lacks the storage tags {', '.join(sorted(missing))} of the new offering: "
            "stop the virtual machine and give automigrate=true"
        )
    others = [places.pool(disk["pool_id"]) for disk in disks if disk["id"] != root["id"]]
    asked = volume_request(root, None)
    for other in sorted(places.pools.values(), key=lambda one: one.allocated / (one.total or 1)):
        for host in places.hosts.values():
            if all(reaches(host, one) for one in others) and pool_refusal(asked, host, other, places.policy) is None:
                return {root["id"]: other.id}
    raise InsufficientStorage(
        f"no storage pool with the storage tags {', '.join(sorted(missing))} can take the root disk"
    )
