"""Finds a host and storage for a virtual machine and takes the room, in one transaction: no two can take the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from cloudsim.allocators.affinity import content
from cloudsim.allocators.base import Destination, HostCandidate, Policy, PoolCandidate, Request
from cloudsim.allocators.find import find
from cloudsim.db import placement as db
from cloudsim.db.database import Row
from cloudsim.services import dedication
from cloudsim.services.context import Context
from cloudsim.services.hypervisor import guest_limit

_CPU_THRESHOLD = "cluster.cpu.allocated.capacity.disablethreshold"
_MEMORY_THRESHOLD = "cluster.memory.allocated.capacity.disablethreshold"
_ELSEWHERE = "allow.deploy.vm.if.deploy.on.given.host.fails"
_POOL_THRESHOLD = "pool.storage.allocated.capacity.disablethreshold"


def tags(text: str | None) -> frozenset[str]:
    """Tags as an offering has them, separated by commas."""
    return frozenset(part.strip() for part in (text or "").split(",") if part.strip())


def factors(ctx: Context, row: Row) -> tuple[float, float]:
    """A host's CPU and memory over-provisioning factors."""
    places = (("Cluster", row["cluster_id"]), ("Zone", row["zone_id"]))
    return (
        ctx.settings.share("cpu.overprovisioning.factor", *places) or 1.0,
        ctx.settings.share("mem.overprovisioning.factor", *places) or 1.0,
    )


def policy(ctx: Context, zone_id: int, planner: str | None = None) -> Policy:
    """The settings that rule placement in a zone."""
    settings, place = ctx.settings, ("Zone", zone_id)
    algorithm = settings.text("vm.allocation.algorithm", place) or "random"
    if algorithm.startswith("userconcentratedpod_"):  # the older way to ask for that planner
        algorithm, planner = algorithm.removeprefix("userconcentratedpod_"), planner or "UserConcentratedPodPlanner"
    return Policy(
        algorithm=algorithm,
        planner=planner or settings.text("vm.deployment.planner", place) or "FirstFitPlanner",
        cpu_disable_threshold=settings.share(_CPU_THRESHOLD, place),
        memory_disable_threshold=settings.share(_MEMORY_THRESHOLD, place),
        storage_disable_threshold=settings.share(_POOL_THRESHOLD, place),
        order_by=settings.text("host.capacityType.to.order.clusters", place) or "CPU",
        cpu_weight=settings.share("host.capacityType.to.order.clusters.cputomemoryweight", place),
        dispersion_weight=settings.share("vm.user.dispersion.weight", place),
        storage_algorithm=settings.text("volume.allocation.algorithm", place),
        cluster_thresholds=_cluster_thresholds(ctx, place),
    )


def _cluster_thresholds(ctx: Context, zone: tuple[str, int]) -> dict[int, tuple[float, float]]:
    """The thresholds of clusters that have some of their own."""
    settings = ctx.settings
    own = {
        scope_id
        for name, scope, scope_id in settings.overrides
        if scope == "Cluster" and name in (_CPU_THRESHOLD, _MEMORY_THRESHOLD)
    }
    return {
        cluster: (
            settings.share(_CPU_THRESHOLD, ("Cluster", cluster), zone),
            settings.share(_MEMORY_THRESHOLD, ("Cluster", cluster), zone),
        )
        for cluster in own
    }


def counts_machines(rules: Policy) -> bool:
    """Whether a part that decides may look at what the account has where: those of this server that do not are known."""
    plain = {"random", "firstfit", "firstfitleastconsumed", "fill", "spread"}
    return rules.planner != "FirstFitPlanner" or not {rules.algorithm, rules.storage_algorithm or "random"} <= plain


def host_candidates(ctx: Context, zone_id: int, account_id: int | None) -> list[HostCandidate]:
    """The hosts of a zone as the rules see them."""
    by_account = db.machines_by_host(ctx.tx, account_id) if account_id is not None else {}
    ha_tag = ctx.settings.text("ha.tag")
    made = []
    for row in db.hosts(ctx.tx, zone_id):
        cpu_factor, memory_factor = factors(ctx, row)
        made.append(
            HostCandidate(
                id=row["id"],
                uuid=row["uuid"],
                name=row["name"],
                zone_id=row["zone_id"],
                pod_id=row["pod_id"],
                cluster_id=row["cluster_id"],
                hypervisor=row["hypervisor"],
                status=row["status"],
                resource_state=row["resource_state"],
                cpu_total=row["cpu_cores"] * row["cpu_speed"] * cpu_factor,
                cpu_used=row["cpu_used"],
                memory_total=row["memory"] * memory_factor,
                memory_used=row["memory_used"],
                cpu_speed=row["cpu_speed"],
                cpu_cores=row["cpu_cores"],
                arch=row["arch"] or "x86_64",
                tags=frozenset(row["tags"]),
                os_category_id=row["os_category_id"],
                cluster_enabled=row["cluster_state"] == "Enabled" and row["cluster_managed"] == "Managed",
                pod_enabled=row["pod_state"] == "Enabled",
                zone_enabled=row["zone_state"] == "Enabled",
                machines=row["machines"],
                machine_limit=guest_limit(ctx, row["hypervisor"], row["hypervisor_version"]),
                account_machines=by_account.get(row["id"], 0),
                cluster_uuid=row["cluster_uuid"],
                cluster_name=row["cluster_name"],
                kept_for_ha=bool(ha_tag) and ha_tag in row["tags"],
            )
        )
    return made


def pool_candidates(ctx: Context, zone_id: int, account_id: int | None) -> list[PoolCandidate]:
    """The storage pools of a zone as the rules see them."""
    by_account = db.volumes_by_pool(ctx.tx, account_id) if account_id is not None else {}
    made = []
    for row in db.pools(ctx.tx, zone_id):
        places = (("StoragePool", row["id"]), ("Zone", zone_id))
        made.append(
            PoolCandidate(
                id=row["id"],
                uuid=row["uuid"],
                name=row["name"],
                zone_id=row["zone_id"],
                cluster_id=row["cluster_id"],
                pod_id=row["pod_id"],
                scope=row["scope"],
                status=row["status"],
                total=row["capacity"] * (ctx.settings.share("storage.overprovisioning.factor", *places) or 1.0),
                allocated=row["allocated"],
                tags=frozenset(row["tags"]),
                hypervisor=row["hypervisor"],
                account_volumes=by_account.get(row["id"], 0),
                disable_threshold=ctx.settings.share(_POOL_THRESHOLD, *places),
            )
        )
    return made


def wishes(
    ctx: Context, request: Request, last_host_id: int | None = None, others: Mapping[int, str] | None = None
) -> list[Request]:
    """The requests to try, one after the other: what would be best first, `request` itself at last.

    A machine goes back to the host it ran on last, unless its affinity groups would rather have it elsewhere;
    `others` are hosts that it keeps off if it can, with the reasons. With ``allow.deploy.vm.if.deploy.on.given.host.fails``
    a machine that the named host cannot take goes elsewhere.
    """
    made = [request]
    if request.host_id is not None and request.is_user and ctx.settings.flag(_ELSEWHERE):
        return [request, replace(request, host_id=None, strict_tags=None, ignore_disabled=False)]
    if others:
        made.insert(0, replace(request, avoid={**request.avoid, **others}))
    free = last_host_id is not None and request.host_id is None and last_host_id not in request.avoid
    if free and content(request.affinity, last_host_id or 0):
        made.insert(0, replace(made[0], host_id=last_host_id))
    return made


@dataclass(frozen=True, slots=True)
class Candidates:
    """What the allocators choose from, and the settings they obey."""

    request: Request
    hosts: Sequence[HostCandidate]
    pools: Sequence[PoolCandidate]
    rules: Policy


def candidates(
    ctx: Context, request: Request, *, zone_id: int, account_id: int, planner: str | None = None
) -> Candidates:
    """The hosts and pools of a zone for a request."""
    rules = policy(ctx, zone_id, planner)
    counted = account_id if counts_machines(rules) else None
    request, hosts = dedication.apply(ctx, zone_id, account_id, request, host_candidates(ctx, zone_id, counted))
    return Candidates(request, hosts, pool_candidates(ctx, zone_id, counted), rules)


def reserve(
    ctx: Context,
    request: Request,
    *,
    zone_id: int,
    account_id: int,
    sizes: Sequence[int],
    new: Sequence[bool],
    planner: str | None = None,
) -> Destination:
    """Chooses, and takes the room: CPU and memory of the host, `sizes` of the pools where `new` says it is not there yet.

    Raises `InsufficientServers` or `InsufficientStorage`, with the reasons.
    """
    among = candidates(ctx, request, zone_id=zone_id, account_id=account_id, planner=planner)
    found = find(among.request, among.hosts, among.pools, among.rules, ctx.chance)
    db.take(ctx.tx, found.host.id, request.cpus * request.speed, request.memory)
    for pool, size, is_new in zip(found.pools, sizes, new, strict=True):
        if is_new:
            db.allocate(ctx.tx, pool.id, size)
    return found


def release(ctx: Context, host_id: int, cpu: int, memory: int) -> None:
    """Gives a machine's room on its host back (MHz, bytes)."""
    db.take(ctx.tx, host_id, -cpu, -memory, -1)


__all__ = ["Mapping", "candidates", "factors", "policy", "release", "reserve", "tags", "wishes"]
