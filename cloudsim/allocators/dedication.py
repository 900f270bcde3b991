"""Places that are kept for one account or domain: who may use them, and who is to use them first."""

from __future__ import annotations

from collections.abc import Sequence

from cloudsim.allocators.base import Dedication, HostCandidate, Request


def entitled(request: Request, dedication: Dedication) -> bool:
    """Whether the machine's owner is the one that a place is dedicated to, or in the domain that it is.

    The cloud's own machines serve a zone whomever it is dedicated to; the parts of it that are dedicated are not theirs.
    """
    if request.is_system and dedication.kind == "Zone":
        return True
    if dedication.account_id is not None:
        return request.account_id == dedication.account_id
    return dedication.domain_id in request.domain_ids


def dedicated(request: Request, host: HostCandidate) -> str | None:
    """Not dedicated to others: neither itself nor the cluster, pod or zone that it is in."""
    for one in host.dedications:
        if not entitled(request, one):
            what = "is" if one.kind == "Host" else f"its {one.kind.lower()} is"
            return f"{what} dedicated to {one.owner}"
    return None


def own_first(request: Request, hosts: Sequence[HostCandidate]) -> list[Sequence[HostCandidate]]:
    """The hosts to try, in turns: those dedicated to the machine's owner, then all of them.

    A machine that is sent to a host has no choice, and the cloud's own machines have no place of their own.
    """
    if request.host_id is None and not request.is_system:
        own = [host for host in hosts if host.dedications and dedicated(request, host) is None]
        if own and len(own) < len(hosts):
            return [own, hosts]
    return [hosts]
