"""A placement explained: every host and pool with what was decided about it, by the very parts that decide.

The same searches as `find.find` makes, but each is carried to its end, and what a search had to say is kept.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from cloudsim.allocators.base import Destination, HostCandidate, Policy, PoolCandidate, Request
from cloudsim.allocators.find import Report, destinations, turns
from cloudsim.allocators.volumes import VolumePlacement


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was decided about a host for the machine, or about a pool for one of its volumes."""

    id: int
    #: The place among those that would do, from 1; None: it was left out.
    order: int | None
    #: Whether its turn came: its cluster was not left out as a whole, and it was where the search was.
    considered: bool
    #: The rule that left it out, and what it says.
    rule: str = ""
    reason: str = ""
    #: Which volume of the request a pool was looked at for.
    volume: int = 0


@dataclass(frozen=True, slots=True)
class Explanation:
    """A placement as it would be now."""

    #: Where the machine would go.
    found: Destination | None
    hosts: tuple[Verdict, ...]
    pools: tuple[Verdict, ...]
    #: What the refusal says where nothing was found.
    message: str = ""


def explain(
    wishes: Sequence[Request],
    hosts: Sequence[HostCandidate],
    pools: Sequence[PoolCandidate],
    policy: Policy,
    chance: random.Random,
) -> Explanation:
    """Carries the searches for each of the `wishes` out, one after the other; the last is for all that was asked for."""
    found: dict[int, Destination] = {}
    report = Report()
    for wish in wishes:
        for turn in turns(wish, hosts):
            report = Report()
            for one in destinations(turn, pools, policy, chance, report):
                found.setdefault(one.host.id, one)
    first = next(iter(found.values()), None)
    message = "" if first is not None else report.error(wishes[-1]).message
    judged = _hosts(wishes[-1], list(found), hosts, report)
    seen_from = first.host if first is not None else next(iter(report.without_storage), None)
    return Explanation(first, judged, _pools(wishes[-1], first, seen_from, pools, policy, chance), message)


def _hosts(
    request: Request, found: Sequence[int], hosts: Sequence[HostCandidate], report: Report
) -> tuple[Verdict, ...]:
    order = {host_id: place for place, host_id in enumerate(found, 1)}
    own = {refusal.uuid: refusal for refusal in report.refusals if refusal.kind == "host"}
    clusters = {refusal.uuid: refusal for refusal in report.refusals if refusal.kind == "cluster"}
    bare = {host.id for host in report.without_storage}
    storage = _storage_reason(report.storage)
    made = []
    for host in hosts:
        refusal = own.get(host.uuid)
        cluster = clusters.get(host.cluster_uuid or str(host.cluster_id))
        if host.id in order:
            made.append(Verdict(host.id, order[host.id], True))
        elif refusal is not None:
            made.append(Verdict(host.id, None, True, refusal.rule, refusal.reason))
        elif host.id in bare:
            made.append(Verdict(host.id, None, True, "storage", storage))
        elif cluster is not None:
            reason = f"cluster {cluster.name}: {cluster.reason}"
            made.append(Verdict(host.id, None, False, cluster.rule, reason))
        elif request.host_id is not None:
            made.append(Verdict(host.id, None, False, "place", "another host was asked for"))
        else:
            made.append(Verdict(host.id, None, False, "planner", "the planner left its cluster out"))
    return tuple(made)


def _storage_reason(storage: VolumePlacement | None) -> str:
    reasons = [f"{refusal.kind} {refusal.name}: {refusal.reason}" for refusal in storage.refusals] if storage else []
    text = "reaches no storage pool that can take all volumes"
    return f"{text} ({'; '.join(reasons[:3])})" if reasons else text


def _pools(
    request: Request,
    found: Destination | None,
    host: HostCandidate | None,
    pools: Sequence[PoolCandidate],
    policy: Policy,
    chance: random.Random,
) -> tuple[Verdict, ...]:
    """Each pool for each volume, as seen from the host that was found, or that lacked storage; none without one."""
    if host is None:
        return ()
    allocator = VolumePlacement(request, pools, policy, chance).allocator
    made = []
    for at, volume in enumerate(request.volumes):
        fit, refused = allocator.order(volume, host, pools, policy, chance)
        order = {pool.id: place for place, pool in enumerate(fit, 1)}
        if found is not None:
            # which of them is taken was decided with all volumes together
            taken = found.pools[at].id
            rest = [pool_id for pool_id in order if pool_id != taken]
            order = {pool_id: place for place, pool_id in enumerate([taken, *rest], 1)}
        reasons = {refusal.uuid: refusal for refusal in refused}
        for pool in pools:
            refusal = reasons.get(pool.uuid)
            if pool.id in order or refusal is None:
                made.append(Verdict(pool.id, order.get(pool.id), pool.id in order, volume=at))
            else:
                made.append(Verdict(pool.id, None, True, refusal.rule, refusal.reason, at))
    return tuple(made)


__all__ = ["Explanation", "Verdict", "explain"]
