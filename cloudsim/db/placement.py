"""What the allocators choose from, read in the transaction that reserves."""

from __future__ import annotations

from sqlalchemy import Integer, and_, bindparam, func, or_, select

from cloudsim.db import schema
from cloudsim.db.database import Row, Transaction, WriteTransaction

host, capacity, cluster, pod, vm = schema.host, schema.host_capacity, schema.cluster, schema.pod, schema.vm
pool, volume, snapshots = schema.storage_pool, schema.volume, schema.snapshot_store

_HOSTS = (
    select(
        host,
        capacity.c.cpu_used,
        capacity.c.memory_used,
        capacity.c.machines,
        cluster.c.uuid.label("cluster_uuid"),
        cluster.c.name.label("cluster_name"),
        cluster.c.allocation_state.label("cluster_state"),
        cluster.c.managed_state.label("cluster_managed"),
        pod.c.uuid.label("pod_uuid"),
        pod.c.allocation_state.label("pod_state"),
        schema.zone.c.uuid.label("zone_uuid"),
        schema.zone.c.allocation_state.label("zone_state"),
    )
    .select_from(
        host.join(capacity, capacity.c.host_id == host.c.id)
        .join(cluster, host.c.cluster_id == cluster.c.id)
        .join(pod, host.c.pod_id == pod.c.id)
        .join(schema.zone, host.c.zone_id == schema.zone.c.id)
    )
    .where(host.c.zone_id == bindparam("zone_id"), host.c.removed.is_(None), host.c.type == "Routing")
    .order_by(host.c.id)
)
_POOLS = select(pool).where(pool.c.zone_id == bindparam("zone_id"), pool.c.removed.is_(None)).order_by(pool.c.id)
_BY_ACCOUNT = (
    select(vm.c.host_id, func.count().label("machines"))
    .where(
        vm.c.account_id == bindparam("account_id"),
        vm.c.host_id.is_not(None),
        vm.c.removed.is_(None),
        vm.c.type == "User",
    )
    .group_by(vm.c.host_id)
)
_VOLUMES_BY_ACCOUNT = (
    select(volume.c.pool_id, func.count().label("volumes"))
    .where(
        volume.c.account_id == bindparam("account_id"),
        volume.c.pool_id.is_not(None),
        volume.c.removed.is_(None),
        volume.c.is_system.is_(False),
    )
    .group_by(volume.c.pool_id)
)
_TAKE = (
    capacity.update()
    .where(capacity.c.host_id == bindparam("which"))
    .values(
        cpu_used=capacity.c.cpu_used + bindparam("cpu", type_=capacity.c.cpu_used.type),
        memory_used=capacity.c.memory_used + bindparam("memory", type_=capacity.c.memory_used.type),
        machines=capacity.c.machines + bindparam("number", type_=Integer),
    )
)
_ALLOCATE = (
    pool.update()
    .where(pool.c.id == bindparam("which"))
    .values(allocated=pool.c.allocated + bindparam("size", type_=pool.c.allocated.type))
)
#: States in which a machine holds its place on its host.
HOLDING = ("Starting", "Running", "Stopping", "Migrating")
_HELD = (
    select(
        vm.c.host_id,
        func.sum(vm.c.cpu * vm.c.speed).label("cpu"),
        func.sum(vm.c.memory).label("memory"),
        func.count().label("machines"),
    )
    .where(
        vm.c.host_id.is_not(None),
        vm.c.removed.is_(None),
        or_(*(vm.c.state == state for state in HOLDING)),
    )
    .group_by(vm.c.host_id)
)
#: Until it has moved, a machine has its place on the host it comes from as well.
_LEAVING = (
    select(
        vm.c.last_host_id.label("host_id"),
        func.sum(vm.c.cpu * vm.c.speed).label("cpu"),
        func.sum(vm.c.memory).label("memory"),
        func.count().label("machines"),
    )
    .where(vm.c.state == "Migrating", vm.c.removed.is_(None), vm.c.last_host_id.is_not(None), vm.c.host_id.is_not(None))
    .group_by(vm.c.last_host_id)
)
#: Machines that grow while they move: where they come from they are as they were.
_GROWING = select(vm).where(
    vm.c.scaling.is_not(None),
    vm.c.state == "Migrating",
    vm.c.removed.is_(None),
    vm.c.last_host_id.is_not(None),
    vm.c.host_id.is_not(None),
)
_CAPACITIES = select(capacity)
_ALLOCATED = (
    select(volume.c.pool_id, func.sum(volume.c.size).label("size"))
    .where(and_(volume.c.pool_id.is_not(None), volume.c.removed.is_(None)))
    .group_by(volume.c.pool_id)
)
_COMING = (
    select(volume.c.target_pool_id.label("pool_id"), func.sum(volume.c.size).label("size"))
    .where(and_(volume.c.target_pool_id.is_not(None), volume.c.removed.is_(None)))
    .group_by(volume.c.target_pool_id)
)
#: What snapshots that stay in pools take there.
_KEPT = (
    select(snapshots.c.pool_id, func.sum(snapshots.c.physical_size).label("size"))
    .where(snapshots.c.pool_id.is_not(None))
    .group_by(snapshots.c.pool_id)
)
_POOL_SIZES = select(pool.c.id, pool.c.allocated).where(pool.c.removed.is_(None))


def hosts(tx: Transaction, zone_id: int) -> list[Row]:
    """Every host of a zone that machines can run on, with what it has given away and the states of its places."""
    return tx.all(_HOSTS, zone_id=zone_id)


def pools(tx: Transaction, zone_id: int) -> list[Row]:
    """Every storage pool of a zone."""
    return tx.all(_POOLS, zone_id=zone_id)


def machines_by_host(tx: Transaction, account_id: int) -> dict[int, int]:
    """How many machines of an account each host has."""
    return {row["host_id"]: row["machines"] for row in tx.all(_BY_ACCOUNT, account_id=account_id)}


def volumes_by_pool(tx: Transaction, account_id: int) -> dict[int, int]:
    """How many volumes of an account each pool has."""
    return {row["pool_id"]: row["volumes"] for row in tx.all(_VOLUMES_BY_ACCOUNT, account_id=account_id)}


def take(tx: WriteTransaction, host_id: int, cpu: int, memory: int, number: int = 1) -> None:
    """Adds to what a host has given away (MHz, bytes, machines); negative figures give back."""
    tx.execute(_TAKE, which=host_id, cpu=cpu, memory=memory, number=number)


def allocate(tx: WriteTransaction, pool_id: int, size: int) -> None:
    """Adds to what a pool has given away, in bytes; a negative size gives back."""
    tx.execute(_ALLOCATE, which=pool_id, size=size)


def recalculate(tx: WriteTransaction) -> int:
    """Sets what hosts and pools have given away to what their machines and volumes add up to; answers how many were off."""
    held = {row["host_id"]: row for row in tx.all(_HELD)}
    for row in tx.all(_LEAVING):
        there = held.get(row["host_id"], dict.fromkeys(("cpu", "memory", "machines"), 0))
        held[row["host_id"]] = {**row, **{name: there[name] + row[name] for name in ("cpu", "memory", "machines")}}
    for row in tx.all(_GROWING):
        there, before = held[row["last_host_id"]], row["scaling"]
        there["cpu"] += before["cpu"] * before["speed"] - row["cpu"] * row["speed"]
        there["memory"] += before["memory"] - row["memory"]
    off = 0
    for row in tx.all(_CAPACITIES):
        true = held.get(row["host_id"])
        values = {
            "cpu_used": int(true["cpu"]) if true else 0,
            "memory_used": int(true["memory"]) * 1024 * 1024 if true else 0,
            "machines": int(true["machines"]) if true else 0,
        }
        if any(row[name] != value for name, value in values.items()):
            off += 1
            tx.update(capacity, {"host_id": row["host_id"]}, **values)
    sizes = {row["pool_id"]: int(row["size"]) for row in tx.all(_ALLOCATED)}
    for row in (*tx.all(_COMING), *tx.all(_KEPT)):
        sizes[row["pool_id"]] = sizes.get(row["pool_id"], 0) + int(row["size"])
    for row in tx.all(_POOL_SIZES):
        if row["allocated"] != sizes.get(row["id"], 0):
            off += 1
            tx.update(pool, {"id": row["id"]}, allocated=sizes.get(row["id"], 0))
    return off
