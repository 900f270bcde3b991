"""A place for a virtual machine: a host, and a storage pool for each of its volumes.

The planner puts the clusters in order; in each, the host allocator puts the hosts in order; and for each host the
storage allocator must find a pool for every volume, volumes that go to the same pool adding up. The first host for
which all is found is the destination. When the request names a host the planner is not asked, as in the reference: the
thresholds of clusters do not apply to a machine that goes back to where it was, or where an administrator sends it.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from cloudsim.allocators import registry
from cloudsim.allocators.base import Destination, HostCandidate, Policy, PoolCandidate, Refusal, Request
from cloudsim.allocators.dedication import own_first
from cloudsim.allocators.errors import NoDestination, NoHost, NoPool
from cloudsim.allocators.text import megabytes
from cloudsim.allocators.volumes import VolumePlacement

__all__ = ["NoDestination", "NoHost", "NoPool", "find"]


def find(
    request: Request,
    hosts: Sequence[HostCandidate],
    pools: Sequence[PoolCandidate],
    policy: Policy,
    chance: random.Random,
) -> Destination:
    """The best destination for `request` among the `hosts` and `pools` of a zone.

    The same arguments and a `chance` in the same state give the same answer. Raises `NoHost`
    (an `InsufficientServers`) or `NoPool` (an `InsufficientStorage`), both with all `refusals`.
    """
    kept = [host for host in hosts if host.kept_for_ha] if request.ha else []
    if kept:
        free = [replace(host, kept_for_ha=False) for host in kept]
        with suppress(NoDestination):
            return find(replace(request, ha=False), free, pools, policy, chance)
    *first, last = own_first(request, hosts)
    for own in first:
        with suppress(NoDestination):
            return _among(request, hosts, own, pools, policy, chance)
    return _among(request, hosts, last, pools, policy, chance)


def _among(
    request: Request,
    hosts: Sequence[HostCandidate],
    tried: Sequence[HostCandidate],
    pools: Sequence[PoolCandidate],
    policy: Policy,
    chance: random.Random,
) -> Destination:
    clusters, refusals = _clusters(request, hosts, tried, policy, chance)
    host_allocator = registry.host_allocator(policy.algorithm)
    storage: VolumePlacement | None = None
    for members in clusters:
        fit, refused = host_allocator.order(request, members, policy, chance)
        refusals += refused
        if fit and not request.volumes:
            return Destination(fit[0], ())
        if fit and storage is None:
            storage = VolumePlacement(request, pools, policy, chance)
        for host in fit:
            assert storage is not None
            found = storage.find(host)
            if found is not None:
                return Destination(host, found)
    if storage is not None:
        raise NoPool([*storage.refusals, *refusals], "no storage pool can take the volumes of the virtual machine")
    raise NoHost(refusals, f"no host can take the virtual machine, {_needs(request)}")


def _needs(request: Request) -> str:
    cpus = "1 CPU" if request.cpus == 1 else f"{request.cpus} CPUs"
    return f"{request.hypervisor} with {cpus} of {request.speed} MHz and {megabytes(request.memory)} of memory"


def _clusters(
    request: Request,
    hosts: Sequence[HostCandidate],
    tried: Sequence[HostCandidate],
    policy: Policy,
    chance: random.Random,
) -> tuple[list[list[HostCandidate]], list[Refusal]]:
    """Those of the hosts that are `tried`, of each cluster worth it, best cluster first; why others are not."""
    if request.host_id is not None:
        asked = [host for host in hosts if host.id == request.host_id]
        if asked:
            return [asked], []
        wanted = str(request.host_id)
        return [], [Refusal("host", wanted, wanted, "the host asked for is not in this zone", "place")]
    order, refusals = registry.planner(policy.planner).order(request, hosts, policy, chance)
    by_cluster: dict[int, list[HostCandidate]] = {cluster_id: [] for cluster_id in order}
    for host in tried:
        members = by_cluster.get(host.cluster_id)
        if members is not None:
            members.append(host)
    return list(by_cluster.values()), list(refusals)
