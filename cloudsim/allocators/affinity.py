"""Affinity groups: machines that belong on one host, or on none together.

The strict kinds refuse hosts; the others put them in order: hosts that the groups would have come first, the rest where
nothing else fits.
"""

from __future__ import annotations

from collections.abc import Sequence

from cloudsim.allocators.base import AffinityGroup, HostCandidate, Request

HOST_ANTI_AFFINITY = "host anti-affinity"
HOST_AFFINITY = "host affinity"
NON_STRICT_ANTI_AFFINITY = "non-strict host anti-affinity"
NON_STRICT_AFFINITY = "non-strict host affinity"
EXPLICIT_DEDICATION = "ExplicitDedication"


def anti_affinity(request: Request, host: HostCandidate) -> str | None:
    """Without any machine of a host anti-affinity group that the machine is in."""
    for group in request.affinity:
        if group.kind == HOST_ANTI_AFFINITY and host.id in group.hosts:
            return f"has a machine of host anti-affinity group {group.name}"
    return None


def affinity(request: Request, host: HostCandidate) -> str | None:
    """Where the others of a host affinity group are; any host while none of them runs."""
    for group in request.affinity:
        if group.kind == HOST_AFFINITY and group.hosts and host.id not in group.hosts:
            return f"has no machine of host affinity group {group.name}, which is on another host"
    return None


def liking(groups: Sequence[AffinityGroup], host_id: int) -> int:
    """How much the groups that are not strict would have a host: the machines there that attract, less those that repel."""
    found = 0
    for group in groups:
        if group.kind == NON_STRICT_AFFINITY:
            found += group.hosts.get(host_id, 0)
        elif group.kind == NON_STRICT_ANTI_AFFINITY:
            found -= group.hosts.get(host_id, 0)
    return found


def content(groups: Sequence[AffinityGroup], host_id: int) -> bool:
    """Whether no group that is not strict would rather have another host than this one."""
    wanted = any(group.kind == NON_STRICT_AFFINITY and group.hosts for group in groups)
    found = liking(groups, host_id)
    return found > 0 if wanted else found >= 0


def by_liking(request: Request, hosts: Sequence[HostCandidate]) -> list[Sequence[HostCandidate]]:
    """The hosts to try, in turns: those that the groups like best first, and all of them at last."""
    if not any(
        group.kind in (NON_STRICT_AFFINITY, NON_STRICT_ANTI_AFFINITY) and group.hosts for group in request.affinity
    ):
        return [hosts]
    turns: dict[int, list[HostCandidate]] = {}
    for host in hosts:
        turns.setdefault(liking(request.affinity, host.id), []).append(host)
    best_first = [turns[found] for found in sorted(turns, reverse=True)]
    return [*best_first[:-1], hosts]
