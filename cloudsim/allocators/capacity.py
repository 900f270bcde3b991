"""How full a place is: the one figure by which clusters, hosts and pools are put in order.

``host.capacityType.to.order.clusters`` says what counts for clusters and hosts: CPU, RAM, or COMBINED, which mixes the
two with ``host.capacityType.to.order.clusters.cputomemoryweight``. Figures are shares of the total, as in the
reference: a small host that is empty has more room, in this sense, than a big one that is half full.
"""

from __future__ import annotations

from cloudsim.allocators.base import HostCandidate, Policy, PoolCandidate


def share(used: float, total: float) -> float:
    """What part of `total` is used; a place without any room counts as full."""
    return used / total if total > 0 else 1.0


def used_share(cpu_used: float, cpu_total: float, memory_used: float, memory_total: float, policy: Policy) -> float:
    """How full a place is in the sense of `policy.order_by`; an unknown word there counts as CPU."""
    order_by = policy.order_by.upper()
    if order_by == "RAM":
        return share(memory_used, memory_total)
    if order_by == "COMBINED":
        weight = policy.cpu_weight
        return weight * share(cpu_used, cpu_total) + (1 - weight) * share(memory_used, memory_total)
    return share(cpu_used, cpu_total)


def host_used(host: HostCandidate, policy: Policy) -> float:
    """How full a host is."""
    return used_share(host.cpu_used, host.cpu_total, host.memory_used, host.memory_total, policy)


def pool_used(pool: PoolCandidate) -> float:
    """How full a pool is."""
    return share(pool.allocated, pool.total)
