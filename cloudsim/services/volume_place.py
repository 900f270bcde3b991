"""Which storage pool a volume goes to, so that the machine that is to have it reaches it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import bindparam, select

from cloudsim.allocators.base import HostCandidate, PoolCandidate, Request, VolumeRequest
from cloudsim.allocators.pool_rules import reaches
from cloudsim.allocators.volumes import VolumePlacement
from cloudsim.core.errors import InsufficientStorage, InvalidValue, StorageUnavailable
from cloudsim.db import schema
from cloudsim.db import virtualmachine as db
from cloudsim.db.database import Row
from cloudsim.db.types import Big
from cloudsim.services import access, vm_request
from cloudsim.services.context import Context
from cloudsim.services.nouns import HOST
from cloudsim.services.vm_placing import Places, volume_request

_CLUSTERS = select(schema.storage_pool.c.cluster_id).where(
    schema.storage_pool.c.id.in_(
        select(schema.volume.c.pool_id).where(
            schema.volume.c.vm_id == bindparam("vm_id", type_=Big), schema.volume.c.removed.is_(None)
        )
    )
)


def placed(disks: Sequence[Row]) -> bool:
    """Whether a machine has a disk on storage: what it gets later must be within reach of the same hosts."""
    return any(disk["pool_id"] is not None for disk in disks)


def within_reach(ctx: Context, machine: Row, row: Row) -> bool:
    """Whether the machine's host reaches the pool of a volume; of a stopped machine: a host that reaches its other disks."""
    if row["pool_zone_id"] != machine["zone_id"]:
        return False
    if row["pool_scope"] == "ZONE":
        return True
    if machine["host_id"] is not None:
        host = access.row(ctx, HOST, machine["host_id"])
        if row["pool_cluster_id"] is not None:
            return bool(host["cluster_id"] == row["pool_cluster_id"])
        return bool(host["pod_id"] == row["pool_pod_id"])
    others = {found["cluster_id"] for found in ctx.tx.all(_CLUSTERS, vm_id=machine["id"])} - {None}
    return not others or row["pool_cluster_id"] in (None, *others)


def check_pool(machine: Row, row: Row) -> None:
    """Raises `InvalidValue`, `StorageUnavailable` where a machine cannot use the pool of a volume, wherever it lies."""
    if row["pool_hypervisor"] not in (None, "", "Any", machine["hypervisor"]):
        raise InvalidValue(
            f"volume {row['name']} lies on storage for hypervisor {row['pool_hypervisor']}; "
            f"the virtual machine is for {machine['hypervisor']}"
        )
    if row["pool_status"] != "Up":
        raise StorageUnavailable(f"storage pool {row['pool_name']} is in status {row['pool_status']}, not Up")


def pool_for(ctx: Context, machine: Row, row: Row) -> PoolCandidate:
    """The pool that a volume of a machine goes to. Raises `InsufficientStorage`, with the reasons."""
    disks = [disk for disk in db.volumes_of(ctx.tx, machine["id"]) if disk["id"] != row["id"]]
    places = Places(ctx, machine, replace(vm_request.of(ctx, machine, disks, moves=True), volumes=_asked(row)))
    if machine["host_id"] is not None:
        return _choose(ctx, places, [places.hosts[machine["host_id"]]], row)
    return _choose(ctx, places, reaching_all(places, machine["hypervisor"], disks), row)


def reaching_all(places: Places, hypervisor: str, disks: Sequence[Row]) -> list[HostCandidate]:
    """The hosts of a hypervisor that reach every pool where some volumes lie."""
    there = [places.pool(disk["pool_id"]) for disk in disks if disk["pool_id"] is not None]
    return [
        host
        for host in places.hosts.values()
        if host.hypervisor == hypervisor and all(reaches(host, pool) for pool in there)
    ]


def pool_near(ctx: Context, row: Row, hypervisor: str, pool_id: int | None) -> PoolCandidate:
    """The pool that a volume which no machine has goes to, within reach of a host that reaches another pool as well.

    Raises `InsufficientStorage`, with the reasons.
    """
    places = Places(ctx, row, Request(cpus=0, speed=0, memory=0, hypervisor=hypervisor, volumes=_asked(row)))
    near: list[Row] = [{"pool_id": pool_id}] if pool_id is not None else []
    return _choose(ctx, places, reaching_all(places, hypervisor, near), row)


def _asked(row: Row) -> tuple[VolumeRequest, ...]:
    return (volume_request(row, None),)


def _choose(ctx: Context, places: Places, hosts: Sequence[HostCandidate], row: Row) -> PoolCandidate:
    placing = VolumePlacement(replace(places.request, volumes=_asked(row)), list(places.pools.values()), places.policy,
                              ctx.chance)  # fmt: skip
    for host in hosts:
        found = placing.find(host)
        if found is not None:
            return found[0]
    reasons = "; ".join(f"{one.name} {one.reason}" for one in list(placing.refusals)[:5])
    raise InsufficientStorage(f"no storage pool can take volume {row['name']}{': ' + reasons if reasons else ''}")
