"""Places that are kept for one account or domain: who may use them, and who is to use them first."""

from __future__ import annotations

from collections.abc import Sequence

from cloudsim.allocators.affinity import EXPLICIT_DEDICATION
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
    """Not dedicated to others: neither itself nor the cluster, pod or zone that it is in.

    A user's machine is in what is dedicated to its owner, a whole zone excepted, only as a member of the affinity group
    of that dedication (of the narrowest, where there are several); and such a member is nowhere else.
    """
    for one in host.dedications:
        if not entitled(request, one):
            return f"{_what(one)} dedicated to {one.owner}"
    if not request.is_user:
        return None
    groups = [group for group in request.affinity if group.kind == EXPLICIT_DEDICATION]
    narrowest = min(host.dedications, key=lambda one: _KINDS.index(one.kind), default=None)
    if groups:
        if narrowest is None or all(group.id != narrowest.group_id for group in groups):
            return f"is not dedicated to affinity group {groups[0].name}"
    elif narrowest is not None and narrowest.kind != "Zone":
        return f"{_what(narrowest)} dedicated to {narrowest.owner}: only machines of its affinity group go there"
    return None


#: From the narrowest to the widest.
_KINDS = ("Host", "Cluster", "Pod", "Zone")


def _what(one: Dedication) -> str:
    return "is" if one.kind == "Host" else f"its {one.kind.lower()} is"


def own_first(request: Request, hosts: Sequence[HostCandidate]) -> list[Sequence[HostCandidate]]:
    """The hosts to try, in turns: those dedicated to the router's owner, then all of them.

    A machine that is sent to a host has no choice, nor has one of a user: its affinity groups say where it goes. The
    cloud's own machines have no place of their own.
    """
    if request.host_id is None and not request.is_system and not request.is_user:
        own = [host for host in hosts if host.dedications and dedicated(request, host) is None]
        if own and len(own) < len(hosts):
            return [own, hosts]
    return [hosts]
