"""Where a running machine may move to: the request that placement is asked, and why a host or a pool cannot take it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from cloudsim.allocators.base import HostCandidate, PoolCandidate, Refusal, Request, VolumeRequest
from cloudsim.allocators.host_rules import host_refusal
from cloudsim.allocators.pool_rules import pool_refusal, reaches
from cloudsim.core.errors import InsufficientServers, InsufficientStorage, InvalidValue
from cloudsim.db import virtualmachine as db
from cloudsim.db.database import Row
from cloudsim.services import dedication, placement, shared_network, vm_request
from cloudsim.services.context import Context

MIB = 1024 * 1024
#: Rules that a host breaks because it has no room for this machine, or keeps apart from others: all the rest is about what
#: was asked for.
CAPACITY = frozenset(("affinity", "anti_affinity", "dedicated", "speed", "cores", "machine_limit", "cpu", "memory"))
ROOM = frozenset(("room", "threshold"))


def volume_request(disk: Row, pool_id: int | None) -> VolumeRequest:
    """What a volume asks for; `pool_id`: where it lies by then, None where any pool will do."""
    tags = placement.tags(disk["offering_tags"])
    return VolumeRequest(disk["size"], tags, local=disk["storage_type"] == "local", pool_id=pool_id)


def request_for(
    ctx: Context,
    row: Row,
    disks: Sequence[Row],
    *,
    host_id: int | None = None,
    cluster_id: int | None = None,
    to: Mapping[int, int | None] | None = None,
    offering: Row | None = None,
    size: tuple[int, int, int] | None = None,
) -> Request:
    """What a running machine needs of another host.

    `to`: the pools that volumes (by id) move to; `offering` and `size` (CPUs, MHz, MB) where it gets others on the way.
    """
    to = to or {}
    request = vm_request.of(
        ctx,
        row,
        disks,
        host_id=host_id,
        cluster_id=cluster_id,
        # the cloud's own machines have addresses of their pod
        pod_id=None if row["type"] == "User" else row["pod_id"],
        avoid={row["host_id"]: "the machine comes from there"} if row["host_id"] is not None else {},
        moves=True,
        offering=offering,
    )
    volumes = tuple(volume_request(disk, to.get(disk["id"], disk["pool_id"])) for disk in disks)
    if size is not None:
        cpus, speed, memory = size
        request = replace(request, cpus=cpus, speed=speed, memory=memory * MIB)
    request = replace(request, volumes=volumes)
    return shared_network.within_pods(ctx, row, db.nics_of(ctx.tx, row["id"]), request, stay=True)


class Places:
    """The hosts and pools of a machine's zone, read once."""

    def __init__(self, ctx: Context, row: Row, request: Request) -> None:
        self.request, hosts = dedication.apply(
            ctx,
            row["zone_id"],
            row["account_id"],
            request,
            placement.host_candidates(ctx, row["zone_id"], row["account_id"]),
        )
        self.hosts = {host.id: host for host in hosts}
        self.pools = {pool.id: pool for pool in placement.pool_candidates(ctx, row["zone_id"], row["account_id"])}
        self.policy = placement.policy(ctx, row["zone_id"])

    def refusal(self, host: HostCandidate) -> Refusal | None:
        """Why a host cannot take the machine; None: it can."""
        return host_refusal(replace(self.request, host_id=None), host)

    def waits(self, refusal: Refusal, host: HostCandidate) -> bool:
        """Whether it only waits for memory that others have now."""
        return refusal.rule == "memory" and self.request.memory <= host.memory_total

    def unreached(self, host: HostCandidate, disks: Sequence[Row]) -> list[Row]:
        """The volumes that a host does not reach where they lie."""
        return [
            disk
            for disk in disks
            if disk["pool_id"] not in self.pools or not reaches(host, self.pools[disk["pool_id"]])
        ]

    def local(self, disks: Sequence[Row]) -> list[Row]:
        """The volumes that lie on one host alone."""
        return [disk for disk in disks if disk["pool_id"] in self.pools and self.pools[disk["pool_id"]].scope == "HOST"]

    def check_pools(self, host: HostCandidate, disks: Sequence[Row], to: Mapping[int, int | None]) -> None:
        """Raises `InvalidValue` or `InsufficientStorage` where a pool cannot take a volume that moves there."""
        fuller: dict[int, int] = {}
        for disk in disks:
            pool_id = to.get(disk["id"])
            if pool_id is None:
                continue
            pool = self.pool(pool_id)
            pool = replace(pool, allocated=pool.allocated + fuller.get(pool_id, 0))
            refusal = pool_refusal(volume_request(disk, None), host, pool, self.policy)
            if refusal is not None:
                text = f"storage pool {refusal.name} cannot take volume {disk['name']}: {refusal.reason}"
                raise InsufficientStorage(text) if refusal.rule in ROOM else InvalidValue(text)
            fuller[pool_id] = fuller.get(pool_id, 0) + disk["size"]

    def pool(self, pool_id: int) -> PoolCandidate:
        """A pool of the zone. Raises `InvalidValue`."""
        found = self.pools.get(pool_id)
        if found is None:
            raise InvalidValue("the storage pool is in another zone, or gone")
        return found

    def any_pool(self, host: HostCandidate, disk: Row) -> bool:
        """Whether some pool that a host reaches can take a volume."""
        asked = volume_request(disk, None)
        return any(pool_refusal(asked, host, pool, self.policy) is None for pool in self.pools.values())


def refuse(refusal: Refusal) -> Any:
    """Raises why a host cannot take a machine: `InsufficientServers` where it has too little, else `InvalidValue`."""
    text = f"host {refusal.name} cannot take the virtual machine: {refusal.reason}"
    raise InsufficientServers(text) if refusal.rule in CAPACITY else InvalidValue(text)
