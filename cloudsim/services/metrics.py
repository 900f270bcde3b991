"""Figures in words: what metrics lists add to the objects of the plain lists.

Every function takes response objects of one page and adds to them in place; what is needed beside them is asked once for
the whole page. What hosts have not reported is left out.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import func, select

from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.services.context import Context

host, cluster, zone, vm, pool = schema.host, schema.cluster, schema.zone, schema.vm, schema.storage_pool

Object = dict[str, Any]

GIB = 1024**3

_COUNTS = (
    select(host.c.uuid, vm.c.type, vm.c.state, func.count().label("number"))
    .select_from(vm.join(host, vm.c.host_id == host.c.id))
    .where(any_of(host.c.uuid, "uuids"), vm.c.removed.is_(None))
    .group_by(host.c.uuid, vm.c.type, vm.c.state)
)
_CLUSTERS = select(cluster.c.id, cluster.c.uuid).where(any_of(cluster.c.uuid, "uuids"))
_HOSTS = {
    level: select(
        table.c.uuid.label("place"),
        host.c.uuid,
        host.c.cluster_id,
        host.c.status,
        host.c.resource_state,
        host.c.cpu_cores,
        host.c.cpu_speed,
        host.c.memory,
        schema.host_capacity.c.cpu_used,
        schema.host_capacity.c.memory_used,
    )
    .select_from(
        host.join(table, host.c[f"{level}_id"] == table.c.id).outerjoin(
            schema.host_capacity, schema.host_capacity.c.host_id == host.c.id
        )
    )
    .where(any_of(table.c.uuid, "uuids"), host.c.removed.is_(None), host.c.type == "Routing")
    for level, table in (("cluster", cluster), ("zone", zone))
}
_CLUSTERS_OF = (
    select(zone.c.uuid.label("place"), cluster.c.allocation_state, func.count().label("number"))
    .select_from(cluster.join(zone, cluster.c.zone_id == zone.c.id))
    .where(any_of(zone.c.uuid, "uuids"), cluster.c.removed.is_(None))
    .group_by(zone.c.uuid, cluster.c.allocation_state)
)
_POOLS = select(pool.c.id, pool.c.uuid, pool.c.zone_id, pool.c.cluster_id).where(any_of(pool.c.uuid, "uuids"))


def _uuids(objects: Iterable[Object], name: str = "id") -> list[str]:
    return list(dict.fromkeys(one[name] for one in objects if name in one))


def _ghz(mhz: float, factor: float = 1.0) -> str:
    return f"{mhz / 1000:.2f} Ghz" + (f" (x{factor})" if factor != 1.0 else "")


def _gb(size: float, factor: float = 1.0) -> str:
    return f"{size / GIB:.2f} GB" + (f" (x{factor})" if factor != 1.0 else "")


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.2f}%" if whole else "0.00%"


def _factors(ctx: Context, cluster_id: int | None) -> tuple[float, float]:
    place = ("Cluster", cluster_id or 0)
    cpu, memory = (ctx.settings.share(f"{what}.overprovisioning.factor", place) or 1.0 for what in ("cpu", "mem"))
    return cpu, memory


def _past(
    ctx: Context, place: tuple[str, int], *, cpu: float | None, memory: float | None, given: Mapping[str, float]
) -> Object:
    """Whether what is used, or given away, is past the share that is told of and the one at which a place is closed."""
    made = {}
    for name, used in (("cpu", cpu), ("memory", memory)):
        tell, close = (
            ctx.settings.share(f"cluster.{name}.allocated.capacity.{kind}threshold", place)
            for kind in ("notification", "disable")
        )
        made[f"{name}threshold"] = used is not None and used > tell
        made[f"{name}disablethreshold"] = used is not None and used > close
        made[f"{name}allocatedthreshold"] = given[name] > tell
        made[f"{name}allocateddisablethreshold"] = given[name] > close
    return made


def hosts(ctx: Context, objects: Sequence[Object]) -> None:
    """Adds the figures of hosts."""
    running: Counter[tuple[str, bool]] = Counter()
    placed: Counter[tuple[str, bool]] = Counter()
    for row in ctx.tx.all(_COUNTS, uuids=_uuids(objects)):
        key = (row["uuid"], row["type"] == "User")
        placed[key] += row["number"]
        running[key] += row["number"] if row["state"] == "Running" else 0
    ids = {row["uuid"]: row["id"] for row in ctx.tx.all(_CLUSTERS, uuids=_uuids(objects, "clusterid"))}
    for one in objects:
        cluster_id = ids.get(one.get("clusterid", ""))
        cpu_factor, memory_factor = _factors(ctx, cluster_id)
        speed, memory = one.get("cpunumber", 0) * one.get("cpuspeed", 0), one.get("memorytotal", 0)
        seen = ctx.cloud.observed.hosts.get(one["id"], {})
        own, system = ((one["id"], True), (one["id"], False))
        one.update(
            powerstate=one["outofbandmanagement"]["powerstate"],
            instances=f"{running[own]} / {placed[own]}",
            systeminstances=f"{running[system]} / {placed[system]}",
            cputotalghz=_ghz(speed, cpu_factor),
            cpuallocatedghz=_ghz(one["cpuallocatedvalue"]),
            memorytotalgb=_gb(memory, memory_factor),
            memoryallocatedgb=_gb(one["memoryallocatedbytes"]),
            **_past(
                ctx,
                ("Cluster", cluster_id or 0),
                cpu=seen["cpu"] / 100 if "cpu" in seen else None,
                memory=seen["memory"] / memory if "memory" in seen and memory else None,
                given={
                    "cpu": one["cpuallocatedvalue"] / (speed * cpu_factor) if speed else 0.0,
                    "memory": one["memoryallocatedbytes"] / (memory * memory_factor) if memory else 0.0,
                },
            ),
        )
        if "cpu" in seen:
            one["cpuusedghz"] = _ghz(speed * seen["cpu"] / 100)
        if "memory" in seen:
            one["memoryusedgb"] = _gb(seen["memory"])
        for name, figure in (("networkread", "net_read_kb"), ("networkwrite", "net_write_kb")):
            if figure in seen:
                one[name] = _gb(seen[figure] * 1024)


def _sum(ctx: Context, rows: Sequence[Row]) -> Object:
    """What the hosts of a place have, use and have given away together; only those that are enabled count."""
    total_cpu = total_memory = cpu_limit = memory_limit = given_cpu = given_memory = most_cpu = most_memory = 0.0
    cpus: list[tuple[float, float]] = []
    memories: list[tuple[float, float]] = []
    for row in rows:
        if row["resource_state"] != "Enabled":
            continue
        speed, memory = (row["cpu_cores"] or 0) * (row["cpu_speed"] or 0), row["memory"] or 0
        cpu_factor, memory_factor = _factors(ctx, row["cluster_id"])
        total_cpu, total_memory = total_cpu + speed, total_memory + memory
        cpu_limit, memory_limit = cpu_limit + speed * cpu_factor, memory_limit + memory * memory_factor
        given_cpu, given_memory = given_cpu + (row["cpu_used"] or 0), given_memory + (row["memory_used"] or 0)
        most_cpu, most_memory = max(most_cpu, speed * cpu_factor), max(most_memory, memory * memory_factor)
        seen = ctx.cloud.observed.hosts.get(row["uuid"], {})
        if "cpu" in seen and speed:
            cpus.append((speed * seen["cpu"] / 100, speed))
        if "memory" in seen and memory:
            memories.append((seen["memory"], memory))
    made: Object = {
        "cputotal": _ghz(cpu_limit),
        "cpuallocated": _percent(given_cpu, cpu_limit),
        "memorytotal": _gb(memory_limit),
        "memoryallocated": _percent(given_memory, memory_limit),
        "cpuafterhostfailure": _ghz(cpu_limit - most_cpu),
        "memoryafterhostfailure": _gb(memory_limit - most_memory),
        "survivesahostfailure": given_cpu <= cpu_limit - most_cpu and given_memory <= memory_limit - most_memory,
        "given": {
            "cpu": given_cpu / cpu_limit if cpu_limit else 0.0,
            "memory": given_memory / memory_limit if memory_limit else 0.0,
        },
        "used": {"cpu": None, "memory": None},
    }
    for name, parts, whole in (("cpu", cpus, total_cpu), ("memory", memories, total_memory)):
        if parts and whole:
            share = sum(part for part, _ in parts) / whole
            made["used"][name] = share
            made[f"{name}used"] = f"{100 * share:.2f}%"
            made[f"{name}maxdeviation"] = f"{100 * max(abs(part / size - share) for part, size in parts):.2f}%"
    return made


def _places(ctx: Context, level: str, objects: Sequence[Object]) -> dict[str, list[Row]]:
    made: dict[str, list[Row]] = {one["id"]: [] for one in objects}
    for row in ctx.tx.all(_HOSTS[level], uuids=list(made)):
        made[row["place"]].append(row)
    return made


def _imbalance(rows: Sequence[Row]) -> str:
    """How unevenly the memory of a cluster's hosts is given away: the deviation as a share of the mean."""
    shares = [(row["memory_used"] or 0) / row["memory"] for row in rows if row["memory"]]
    mean = sum(shares) / len(shares) if shares else 0.0
    if not mean:
        return "0.00%"
    return f"{100 * math.sqrt(sum((share - mean) ** 2 for share in shares) / len(shares)) / mean:.2f}%"


def clusters(ctx: Context, objects: Sequence[Object]) -> None:
    """Adds the figures of clusters."""
    ids = {row["uuid"]: row["id"] for row in ctx.tx.all(_CLUSTERS, uuids=_uuids(objects))}
    by_place = _places(ctx, "cluster", objects)
    for one in objects:
        rows = by_place[one["id"]]
        made = _sum(ctx, rows)
        given, used = made.pop("given"), made.pop("used")
        place = ("Cluster", ids[one["id"]])
        one.update(
            state=one["allocationstate"] if one["managedstate"] == "Managed" else one["managedstate"],
            hosts=f"{sum(row['status'] == 'Up' for row in rows)} / {len(rows)}",
            drsimbalance=_imbalance(rows),
            **made,
            **_past(ctx, place, cpu=used["cpu"], memory=used["memory"], given=given),
        )


def zones(ctx: Context, objects: Sequence[Object]) -> None:
    """Adds the figures of zones, for those who run the cloud."""
    if not ctx.caller.is_admin:
        return
    enabled: Counter[str] = Counter()
    there: Counter[str] = Counter()
    for row in ctx.tx.all(_CLUSTERS_OF, uuids=_uuids(objects)):
        there[row["place"]] += row["number"]
        enabled[row["place"]] += row["number"] if row["allocation_state"] == "Enabled" else 0
    by_place = _places(ctx, "zone", objects)
    for one in objects:
        made = _sum(ctx, by_place[one["id"]])
        given, used = made.pop("given"), made.pop("used")
        one.update(
            state=one["allocationstate"],
            clusters=f"{enabled[one['id']]} / {there[one['id']]}",
            **made,
            # what holds for the whole cloud: a zone has no thresholds of its own
            **_past(ctx, ("Cluster", 0), cpu=used["cpu"], memory=used["memory"], given=given),
        )


def pools(ctx: Context, objects: Sequence[Object]) -> None:
    """Adds the figures of storage pools."""
    rows = {row["uuid"]: row for row in ctx.tx.all(_POOLS, uuids=_uuids(objects))}
    for one in objects:
        row = rows[one["id"]]
        factor = float(one["overprovisionfactor"])
        total, used, given = one["disksizetotal"], one["disksizeused"], one["disksizeallocated"]
        own = (("StoragePool", row["id"]), ("Cluster", row["cluster_id"] or 0), ("Zone", row["zone_id"]))

        def past(name: str, part: float, whole: float, own: tuple[tuple[str, int], ...] = own) -> bool:
            return whole > 0 and part / whole > ctx.settings.share(name, *own)

        one.update(
            disksizeusedgb=_gb(used),
            disksizetotalgb=_gb(total, factor),
            disksizeallocatedgb=_gb(given),
            disksizeunallocatedgb=_gb(total * factor - given),
            storageusagethreshold=past("cluster.storage.capacity.notificationthreshold", used, total),
            storageusagedisablethreshold=past("pool.storage.capacity.disablethreshold", used, total),
            storageallocatedthreshold=past(
                "cluster.storage.allocated.capacity.notificationthreshold", given, total * factor
            ),
            storageallocateddisablethreshold=past(
                "pool.storage.allocated.capacity.disablethreshold", given, total * factor
            ),
        )


def volumes(objects: Sequence[Object]) -> None:
    """Adds the figures of volumes."""
    for one in objects:
        one["sizegb"] = f"{one['size'] / GIB:.2f} GiB"
        if "diskioread" in one:
            one["diskiopstotal"] = one["diskioread"] + one["diskiowrite"]


def machines(objects: Sequence[Object]) -> None:
    """Adds the figures of virtual machines."""
    for one in objects:
        one["cputotal"] = f"{one['cpunumber'] * one['cpuspeed'] / 1000:.1f} Ghz"
        one["memorytotal"] = f"{one['memory'] / 1024:.2f} GiB"
        one.update(readable(one))


def readable(one: Mapping[str, Any]) -> Object:
    """A machine's traffic in larger units, where it is known."""
    made: Object = {}
    for name, figure in (
        ("networkread", "networkkbsread"),
        ("networkwrite", "networkkbswrite"),
        ("diskread", "diskkbsread"),
        ("diskwrite", "diskkbswrite"),
    ):
        if figure in one:
            made[name] = f"{one[figure] / 1024:.2f} MB"
    if "diskioread" in one:
        made["diskiopstotal"] = one["diskioread"] + one["diskiowrite"]
    return made
