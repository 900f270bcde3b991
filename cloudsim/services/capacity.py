"""Capacities: what zones, pods and clusters have, and how much of it is taken. All levels and callers count in one way.

Counted is what new machines may use: hosts, clusters and pods that are enabled, storage pools that are up.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import case, func, or_, select

from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.placement import HOLDING
from cloudsim.db.types import any_of
from cloudsim.services import imagestore_choice, placement
from cloudsim.services.context import Context

MEMORY, CPU, STORAGE, STORAGE_ALLOCATED, PUBLIC_IP, PRIVATE_IP, SECONDARY_STORAGE, VLAN, SHARED_IP, LOCAL_STORAGE = (
    range(10)
)
CPU_CORE = 90
#: The numbers of the wire and their names.
NAMES = {
    MEMORY: "MEMORY",
    CPU: "CPU",
    STORAGE: "STORAGE",
    STORAGE_ALLOCATED: "STORAGE_ALLOCATED",
    PUBLIC_IP: "VIRTUAL_NETWORK_PUBLIC_IP",
    PRIVATE_IP: "PRIVATE_IP",
    SECONDARY_STORAGE: "SECONDARY_STORAGE",
    VLAN: "VLAN",
    SHARED_IP: "DIRECT_ATTACHED_PUBLIC_IP",
    LOCAL_STORAGE: "LOCAL_STORAGE",
    10: "VIRTUAL_NETWORK_IPV6_SUBNET",
    19: "GPU",
    20: "OBJECT_STORAGE",
    21: "BACKUP_STORAGE",
    CPU_CORE: "CPU_CORE",
}
#: The kinds that are told with what the failure of a host would leave of them.
ADVISED = frozenset((MEMORY, CPU))
#: The kinds that belong to hosts, and those that belong to storage pools: tags choose among these.
OF_HOSTS = frozenset((MEMORY, CPU, CPU_CORE))
OF_POOLS = frozenset((STORAGE, STORAGE_ALLOCATED, LOCAL_STORAGE))

zone, pod, cluster, host, pool = schema.zone, schema.pod, schema.cluster, schema.host, schema.storage_pool
vm, vlan, public_ip, vnet = schema.vm, schema.vlan, schema.public_ip, schema.vnet
_TABLES = {"zone": zone, "pod": pod, "cluster": cluster}
#: The level below each, for the places that use most.
BELOW = {"": "zone", "zone": "pod", "pod": "cluster"}


@dataclass(frozen=True, slots=True)
class Capacity:
    """One kind of room in one place: bytes, MHz, or how many."""

    kind: int
    used: int
    total: int
    #: What machines have been given, where that is told beside what is used.
    allocated: int | None = None
    #: What would be left in all if the host with most of it failed; None: it is not of hosts.
    spare: int | None = None

    @property
    def percent(self) -> float:
        """How much of it is used."""
        return self.used * 100 / self.total if self.total else 0.0

    def advice(self) -> dict[str, Any]:
        """What the failure of one host would leave, and whether that would do (N-1)."""
        if self.spare is None:
            return {}
        return {"capacityafterhostfailure": self.spare, "survivesahostfailure": self.used <= self.spare}

    def wire(self, **place: str) -> dict[str, Any]:
        """The object that clients read."""
        made: dict[str, Any] = {"type": self.kind, "name": NAMES[self.kind], **place}
        if self.allocated is not None:
            made["capacityallocated"] = self.allocated
        return {**made, "capacityused": self.used, "capacitytotal": self.total, "percentused": decimal(self.percent)}


def decimal(value: float) -> str:
    """A number with up to two decimals: ``68.75``, ``12.5``, ``0``."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _hosts(level: str) -> Any:
    return (
        select(
            host.c.id,
            host.c.zone_id,
            host.c.cluster_id,
            host.c[f"{level}_id"].label("place"),
            host.c.cpu_cores,
            host.c.cpu_speed,
            host.c.memory,
            host.c.tags,
            schema.host_capacity.c.cpu_used,
            schema.host_capacity.c.memory_used,
        )
        .select_from(
            host.join(schema.host_capacity, schema.host_capacity.c.host_id == host.c.id)
            .join(cluster, host.c.cluster_id == cluster.c.id)
            .join(pod, host.c.pod_id == pod.c.id)
        )
        .where(
            any_of(host.c[f"{level}_id"], "ids"),
            host.c.removed.is_(None),
            host.c.type == "Routing",
            host.c.resource_state == "Enabled",
            cluster.c.allocation_state == "Enabled",
            pod.c.allocation_state == "Enabled",
        )
    )


def _cores(level: str) -> Any:
    return (
        select(vm.c.host_id, func.sum(vm.c.cpu).label("cores"))
        .select_from(vm.join(host, vm.c.host_id == host.c.id))
        .where(
            any_of(host.c[f"{level}_id"], "ids"),
            vm.c.removed.is_(None),
            or_(*(vm.c.state == state for state in HOLDING)),
        )
        .group_by(vm.c.host_id)
    )


def _pools(level: str) -> Any:
    column = pool.c[f"{level}_id"]
    return select(
        column.label("place"), pool.c.id, pool.c.zone_id, pool.c.scope, pool.c.capacity, pool.c.used, pool.c.allocated,
        pool.c.tags,
    ).where(any_of(column, "ids"), pool.c.removed.is_(None), pool.c.status == "Up")  # fmt: skip


#: Addresses of a pod that the cloud's own machines have.
_SYSTEM = (
    select(func.count())
    .where(
        schema.system_nic.c.pod_id == pod.c.id,
        schema.system_nic.c.kind == "Management",
        schema.system_nic.c.removed.is_(None),
    )
    .correlate(pod)
    .scalar_subquery()
)
#: Those that were acquired for use outside.
_ACQUIRED = select(func.count()).where(schema.pod_ip.c.pod_id == pod.c.id).correlate(pod).scalar_subquery()


def _pods(level: str) -> Any:
    column = pod.c.zone_id if level == "zone" else pod.c.id
    return (
        select(column.label("place"), pod.c.ranges, (func.count(host.c.id) + _SYSTEM + _ACQUIRED).label("used"))
        .select_from(
            pod.outerjoin(host, (host.c.pod_id == pod.c.id) & host.c.removed.is_(None) & host.c.ip.is_not(None))
        )
        .where(any_of(column, "ids"), pod.c.removed.is_(None), pod.c.allocation_state == "Enabled")
        .group_by(pod.c.id, column, pod.c.ranges)
    )


_HOSTS = {level: _hosts(level) for level in _TABLES}
_CORES = {level: _cores(level) for level in _TABLES}
_POOLS = {level: _pools(level) for level in _TABLES}
_PODS = {level: _pods(level) for level in ("zone", "pod")}
_ADDRESSES = (
    select(
        public_ip.c.zone_id.label("place"),
        vlan.c.type,
        func.count().label("total"),
        func.sum(case((public_ip.c.state == "Free", 0), else_=1)).label("used"),
    )
    .select_from(public_ip.join(vlan, public_ip.c.vlan_id == vlan.c.id))
    .where(
        any_of(public_ip.c.zone_id, "ids"),
        vlan.c.portable_range_id.is_(None),
        public_ip.c.removed.is_(None),
        vlan.c.removed.is_(None),
    )
    .group_by(public_ip.c.zone_id, vlan.c.type)
)
_VLANS = (
    select(
        schema.physical_network.c.zone_id.label("place"),
        func.count().label("total"),
        func.count(vnet.c.network_id).label("used"),
    )
    .select_from(vnet.join(schema.physical_network, vnet.c.physical_network_id == schema.physical_network.c.id))
    .where(any_of(schema.physical_network.c.zone_id, "ids"), schema.physical_network.c.removed.is_(None))
    .group_by(schema.physical_network.c.zone_id)
)
_BY_UUID = {
    level: select(table.c.id, table.c.uuid).where(any_of(table.c.uuid, "uuids")) for level, table in _TABLES.items()
}
#: The places of a level inside another place, with the names of all they are in.
_NAMES = (zone.c.uuid.label("zone_uuid"), zone.c.name.label("zone_name"))
_POD_NAMES = (*_NAMES, pod.c.uuid.label("pod_uuid"), pod.c.name.label("pod_name"))
_CLUSTER_NAMES = (*_POD_NAMES, cluster.c.uuid.label("cluster_uuid"), cluster.c.name.label("cluster_name"))
_IN_POD = pod.join(zone, pod.c.zone_id == zone.c.id)
_IN_CLUSTER = cluster.join(pod, cluster.c.pod_id == pod.c.id).join(zone, cluster.c.zone_id == zone.c.id)
_PLACES: dict[tuple[str, str], Any] = {
    ("zone", ""): select(zone.c.id, *_NAMES).where(zone.c.removed.is_(None)),
    ("zone", "zone"): select(zone.c.id, *_NAMES).where(any_of(zone.c.id, "within")),
    ("pod", "zone"): select(pod.c.id, *_POD_NAMES)
    .select_from(_IN_POD)
    .where(any_of(pod.c.zone_id, "within"), pod.c.removed.is_(None)),
    ("pod", "pod"): select(pod.c.id, *_POD_NAMES).select_from(_IN_POD).where(any_of(pod.c.id, "within")),
    ("cluster", "pod"): select(cluster.c.id, *_CLUSTER_NAMES)
    .select_from(_IN_CLUSTER)
    .where(any_of(cluster.c.pod_id, "within"), cluster.c.removed.is_(None)),
    ("cluster", "cluster"): select(cluster.c.id, *_CLUSTER_NAMES)
    .select_from(_IN_CLUSTER)
    .where(any_of(cluster.c.id, "within")),
}


def of(
    ctx: Context, level: str, ids: Sequence[int], *, kind: int | None = None, tag: str | None = None
) -> dict[int, list[Capacity]]:
    """The capacities of places (zone, pod or cluster) by their ids, each list ordered by kind.

    `kind` limits them to one; `tag` to what hosts or storage pools with that tag have.
    """
    used: Counter[tuple[int, int]] = Counter()
    biggest: Counter[tuple[int, int]] = Counter()
    total: Counter[tuple[int, int]] = Counter()
    for place, what, taken, size in _pieces(ctx, level, ids, kind, tag):
        used[place, what] += taken
        total[place, what] += size
        if what in ADVISED and size > biggest[place, what]:
            biggest[place, what] = size
    made: dict[int, list[Capacity]] = {place: [] for place in ids}
    for place, what in sorted(total):
        size = total[place, what]
        if size or what in (STORAGE, SECONDARY_STORAGE):
            allocated = used[place, what] if level == "zone" and what in OF_HOSTS else None
            spare = size - biggest[place, what] if what in ADVISED else None
            made[place].append(Capacity(what, used[place, what], size, allocated, spare))
    return made


def _pieces(
    ctx: Context, level: str, ids: Sequence[int], kind: int | None, tag: str | None
) -> Iterator[tuple[int, int, int, int]]:
    """(place, kind, used, total), to be added up."""
    wanted = frozenset((kind,)) if kind is not None else frozenset(NAMES)
    if wanted & OF_HOSTS:
        yield from (piece for piece in _host_pieces(ctx, level, ids, tag) if piece[1] in wanted)
    if wanted & OF_POOLS:
        yield from (piece for piece in _pool_pieces(ctx, level, ids, tag) if piece[1] in wanted)
    if tag is not None:
        return
    if level != "cluster" and PRIVATE_IP in wanted:
        for row in ctx.tx.all(_PODS[level], ids=ids):
            yield row["place"], PRIVATE_IP, row["used"], sum(map(size_of, row["ranges"]))
    if level != "zone":
        return
    if wanted & {PUBLIC_IP, SHARED_IP}:
        for row in ctx.tx.all(_ADDRESSES, ids=ids):
            what = PUBLIC_IP if row["type"] == "VirtualNetwork" else SHARED_IP
            if what in wanted:
                yield row["place"], what, int(row["used"]), row["total"]
    if VLAN in wanted:
        for row in ctx.tx.all(_VLANS, ids=ids):
            yield row["place"], VLAN, row["used"], row["total"]
    if SECONDARY_STORAGE in wanted:
        for place in ids:
            yield place, SECONDARY_STORAGE, 0, 0
        for place, taken, size in imagestore_choice.of_zones(ctx, ids):
            yield place, SECONDARY_STORAGE, taken, size


def _host_pieces(ctx: Context, level: str, ids: Sequence[int], tag: str | None) -> Iterator[tuple[int, int, int, int]]:
    cores = {row["host_id"]: int(row["cores"]) for row in ctx.tx.all(_CORES[level], ids=ids)}
    for row in ctx.tx.all(_HOSTS[level], ids=ids):
        if tag is not None and tag not in row["tags"]:
            continue
        cpu_factor, memory_factor = placement.factors(ctx, row)
        yield row["place"], CPU, row["cpu_used"], int(row["cpu_cores"] * row["cpu_speed"] * cpu_factor)
        yield row["place"], MEMORY, row["memory_used"], int(row["memory"] * memory_factor)
        yield row["place"], CPU_CORE, cores.get(row["id"], 0), row["cpu_cores"]


def _pool_pieces(ctx: Context, level: str, ids: Sequence[int], tag: str | None) -> Iterator[tuple[int, int, int, int]]:
    if tag is None:
        for place in ids:
            yield place, STORAGE, 0, 0
    for row in ctx.tx.all(_POOLS[level], ids=ids):
        if tag is not None and tag not in row["tags"]:
            continue
        if row["scope"] == "HOST":
            yield row["place"], LOCAL_STORAGE, row["allocated"], row["capacity"]
            continue
        places = (("StoragePool", row["id"]), ("Zone", row["zone_id"]))
        factor = ctx.settings.share("storage.overprovisioning.factor", *places) or 1.0
        yield row["place"], STORAGE, row["used"], row["capacity"]
        yield row["place"], STORAGE_ALLOCATED, row["allocated"], int(row["capacity"] * factor)


def size_of(part: dict[str, Any]) -> int:
    """How many addresses a pod's range has."""
    start, end = ipaddress.ip_address(part["start"]), ipaddress.ip_address(part.get("end") or part["start"])
    return int(end) - int(start) + 1


def add(ctx: Context, level: str, objects: Sequence[dict[str, Any]]) -> None:
    """Adds ``capacity`` to response objects of zones, pods or clusters, for those who run the cloud."""
    if not objects or not ctx.caller.is_admin:
        return
    uuids = {row["uuid"]: row["id"] for row in ctx.tx.all(_BY_UUID[level], uuids=[one["id"] for one in objects])}
    found = of(ctx, level, list(uuids.values()))
    for one in objects:
        one["capacity"] = [capacity.wire() for capacity in found[uuids[one["id"]]]]


def table(
    ctx: Context,
    level: str,
    within: Row | None,
    *,
    kind: int | None = None,
    tag: str | None = None,
    below: bool = False,
) -> list[dict[str, Any]]:
    """Every capacity of a place (of all zones where `level` is empty), with the names of where it is.

    `below`: of the places one level below instead, those that are used most first.
    """
    shown = BELOW[level] if below or not level else level
    places = ctx.tx.all(_PLACES[shown, level], within=[within["id"]] if within else [])
    ids = [row["id"] for row in places]
    tags = [tag] if tag else [None, *_limited(ctx)]
    rows = []
    for one in tags:
        found = of(ctx, shown, ids, kind=kind, tag=one)
        rows += [(capacity, row, one) for row in places for capacity in found[row["id"]]]
    if below:
        rows.sort(key=lambda entry: -entry[0].percent)
    made = []
    for capacity, row, one in rows:
        where = {
            f"{part}{end}": row[f"{part}_{column}"]
            for part in ("zone", "pod", "cluster")
            for end, column in (("id", "uuid"), ("name", "name"))
            if f"{part}_uuid" in row
        }
        made.append({**capacity.wire(**where), **capacity.advice(), **({"tag": one} if one else {})})
    return made


def _limited(ctx: Context) -> list[str]:
    """The tags that have limits of their own: their capacities are told separately."""
    texts = (ctx.settings.text(f"resource.limit.{kind}.tags") for kind in ("host", "storage"))
    return list(dict.fromkeys(tag.strip() for text in texts for tag in text.split(",") if tag.strip()))


__all__ = ["NAMES", "Capacity", "add", "decimal", "of", "size_of", "table"]
