"""A place for a virtual machine: a host, and a storage pool for each of its volumes.

The planner puts the clusters in order; in each, the host allocator puts the hosts in order; and for each host the
storage allocator must find a pool for every volume, volumes that go to the same pool adding up. The first host for
which all is found is the destination. When the request names a host the planner is not asked, as in the reference: the
thresholds of clusters do not apply to a machine that goes back to where it was, or where an administrator sends it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from cloudsim.allocators import registry
from cloudsim.allocators.affinity import by_liking
from cloudsim.allocators.base import Destination, HostCandidate, Policy, PoolCandidate, Refusal, Request
from cloudsim.allocators.dedication import own_first
from cloudsim.allocators.errors import NoDestination, NoHost, NoPool
from cloudsim.allocators.text import megabytes
from cloudsim.allocators.volumes import VolumePlacement

__all__ = ["NoDestination", "NoHost", "NoPool", "Report", "Turn", "destinations", "find", "turns"]


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
    *first, last = turns(request, hosts)
    for turn in first:
        for found in destinations(turn, pools, policy, chance, Report()):
            return found
    report = Report()
    for found in destinations(last, pools, policy, chance, report):
        return found
    raise report.error(request)


@dataclass(frozen=True, slots=True)
class Turn:
    """One search: all hosts that count (how full clusters are), and those of them that are tried."""

    request: Request
    hosts: Sequence[HostCandidate]
    tried: Sequence[HostCandidate]


@dataclass(slots=True)
class Report:
    """What a search saw."""

    #: Clusters and hosts that were left out.
    refusals: list[Refusal] = field(default_factory=list)
    #: Hosts that could take the machine and reach no storage for its volumes.
    without_storage: list[HostCandidate] = field(default_factory=list)
    storage: VolumePlacement | None = None

    def error(self, request: Request) -> NoDestination:
        """What a search that found nothing says."""
        if self.storage is not None:
            refusals = [*self.storage.refusals, *self.refusals]
            return NoPool(refusals, "no storage pool can take the volumes of the virtual machine")
        return NoHost(self.refusals, f"no host can take the virtual machine, {_needs(request)}")


def turns(request: Request, hosts: Sequence[HostCandidate]) -> list[Turn]:
    """The searches, one after the other until one finds something: what is preferred first, everything at last.

    Hosts that are kept for HA where HA brings the machine back; those dedicated to the owner of a router; those that
    affinity groups which are not strict would rather have.
    """
    made = []
    kept = [host for host in hosts if host.kept_for_ha] if request.ha else []
    if kept:
        free = [replace(host, kept_for_ha=False) for host in kept]
        made = turns(replace(request, ha=False), free)
    for own in own_first(request, hosts):
        made += [Turn(request, hosts, tried) for tried in by_liking(request, own)]
    return made


def destinations(
    turn: Turn, pools: Sequence[PoolCandidate], policy: Policy, chance: random.Random, report: Report
) -> Iterator[Destination]:
    """Every destination that a search finds, best first. What is asked for next is looked for then."""
    request = turn.request
    clusters, refusals = _clusters(request, turn.hosts, turn.tried, policy, chance)
    report.refusals += refusals
    host_allocator = registry.host_allocator(policy.algorithm)
    for members in clusters:
        fit, refused = host_allocator.order(request, members, policy, chance)
        report.refusals += refused
        for host in fit:
            if not request.volumes:
                yield Destination(host, ())
                continue
            if report.storage is None:
                report.storage = VolumePlacement(request, pools, policy, chance)
            found = report.storage.find(host)
            if found is not None:
                yield Destination(host, found)
            else:
                report.without_storage.append(host)


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
