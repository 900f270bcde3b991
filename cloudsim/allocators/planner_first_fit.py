"""``FirstFitPlanner``, the default: the emptiest cluster first, clusters beyond their disable threshold not at all.

A planner of one's own may build on it: `arrange` puts the clusters in order, everything else stays.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from cloudsim.allocators.base import HostCandidate, Policy, Refusal, Request
from cloudsim.allocators.capacity import used_share
from cloudsim.allocators.text import percent


class ClusterCapacity:
    """What the hosts of a cluster add up to: CPU in MHz, memory in bytes, machines of the asking account."""

    __slots__ = ("account_machines", "cpu_total", "cpu_used", "first", "memory_total", "memory_used")

    def __init__(self, first: HostCandidate) -> None:
        #: The first host: it knows what the cluster and its pod are called and whether they are enabled.
        self.first = first
        self.cpu_total = self.cpu_used = self.memory_total = self.memory_used = 0.0
        self.account_machines = 0

    @property
    def id(self) -> int:
        """The cluster's id."""
        return self.first.cluster_id

    @property
    def pod_id(self) -> int:
        """The id of the pod it is in."""
        return self.first.pod_id

    def used_share(self, policy: Policy) -> float:
        """How full the cluster is, in the sense of ``host.capacityType.to.order.clusters``."""
        return used_share(self.cpu_used, self.cpu_total, self.memory_used, self.memory_total, policy)


def clusters_of(hosts: Sequence[HostCandidate]) -> list[ClusterCapacity]:
    """The clusters of `hosts`, in the order in which they first appear."""
    found: dict[int, ClusterCapacity] = {}
    for host in hosts:
        cluster = found.get(host.cluster_id)
        if cluster is None:
            cluster = found[host.cluster_id] = ClusterCapacity(host)
        cluster.cpu_total += host.cpu_total
        cluster.cpu_used += host.cpu_used
        cluster.memory_total += host.memory_total
        cluster.memory_used += host.memory_used
        cluster.account_machines += host.account_machines
    return list(found.values())


def _crossed(what: str, used: float, needed: float, total: float, limit: float) -> str | None:
    """Why a cluster is beyond a threshold; exactly the threshold is still allowed."""
    if total <= 0 or (share := (used + needed) / total) <= limit:
        return None
    return (
        f"{percent(share)} of its {what} would be allocated with this machine, its disable threshold is "
        f"{percent(limit)}"
    )


class FirstFitPlanner:
    """Clusters by how full they are: emptiest first, or fullest first where the algorithm is fill."""

    def arrange(self, clusters: list[ClusterCapacity], policy: Policy, chance: random.Random) -> list[ClusterCapacity]:
        """The clusters worth trying, best first; they come in the order of how full they are."""
        return clusters

    def order(
        self, request: Request, hosts: Sequence[HostCandidate], policy: Policy, chance: random.Random
    ) -> tuple[list[int], list[Refusal]]:
        """See `base.Planner`."""
        worth: list[ClusterCapacity] = []
        refusals: list[Refusal] = []
        for cluster in clusters_of(hosts):
            refusal = self.refusal(request, cluster, policy)
            if refusal is None:
                worth.append(cluster)
            else:
                refusals.append(refusal)
        if len(worth) > 1:
            # fill means the whole zone: the fullest cluster that still has room comes first
            fill = policy.algorithm == "fill"
            worth.sort(key=lambda cluster: cluster.used_share(policy), reverse=fill)
            worth = self.arrange(worth, policy, chance)
        return [cluster.id for cluster in worth], refusals

    def refusal(self, request: Request, cluster: ClusterCapacity, policy: Policy) -> Refusal | None:
        """Why no host of `cluster` is tried, or None: they are."""
        rule, reason = self._reason(request, cluster, policy)
        if reason is None:
            return None
        name = cluster.first.cluster_name or f"cluster {cluster.id}"
        return Refusal("cluster", cluster.first.cluster_uuid or str(cluster.id), name, reason, rule)

    def _reason(self, request: Request, cluster: ClusterCapacity, policy: Policy) -> tuple[str, str | None]:
        if request.cluster_id is not None and request.cluster_id != cluster.id:
            return "place", "another cluster was asked for"
        if request.pod_id is not None and request.pod_id != cluster.pod_id:
            return "place", "a cluster of another pod was asked for"
        if not request.ignore_disabled:
            if not cluster.first.cluster_enabled:
                return "cluster_enabled", "is disabled"
            if not cluster.first.pod_enabled:
                return "pod_enabled", "its pod is disabled"
        limits = policy.cluster_thresholds.get(cluster.id) if policy.cluster_thresholds else None
        cpu_limit, memory_limit = limits or (policy.cpu_disable_threshold, policy.memory_disable_threshold)
        needed = request.cpus * request.speed
        reason = _crossed("CPU", cluster.cpu_used, needed, cluster.cpu_total, cpu_limit)
        if reason is None:
            reason = _crossed("memory", cluster.memory_used, request.memory, cluster.memory_total, memory_limit)
        return "threshold", reason
