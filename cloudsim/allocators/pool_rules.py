"""What a storage pool must be for a volume to lie there: one rule a function, each with its reason in figures.

A volume that lies in a pool already stays there: only that pool is asked about, and only whether it serves and whether
the host reaches it. Its room is taken already, and tags that have changed since do not move it.
"""

# Every rule is called with the same arguments, whether it looks at them or not.

from __future__ import annotations

from collections.abc import Callable

from cloudsim.allocators.base import HostCandidate, Policy, PoolCandidate, Refusal, VolumeRequest
from cloudsim.allocators.text import gigabytes, percent, words

PoolRule = Callable[[VolumeRequest, HostCandidate, PoolCandidate, Policy], str | None]


def reaches(host: HostCandidate, pool: PoolCandidate) -> bool:
    """Whether machines on `host` can use `pool`: by its scope: the zone, the cluster or the host."""
    if host.zone_id != pool.zone_id:
        return False
    if pool.scope == "ZONE":
        return True
    if pool.scope == "HOST" and pool.host_id is not None:
        return pool.host_id == host.id
    if pool.cluster_id is not None:
        return pool.cluster_id == host.cluster_id
    return pool.pod_id is not None and pool.pod_id == host.pod_id


def chosen(volume: VolumeRequest, host: HostCandidate, pool: PoolCandidate, policy: Policy) -> str | None:
    """The pool the volume lies in, if it lies in one."""
    return None if volume.pool_id is None or volume.pool_id == pool.id else "the volume lies in another pool"


def status(volume: VolumeRequest, host: HostCandidate, pool: PoolCandidate, policy: Policy) -> str | None:
    """Serving: not in maintenance, not being removed."""
    return None if pool.status == "Up" else f"is in status {pool.status}, not Up"


def reach(volume: VolumeRequest, host: HostCandidate, pool: PoolCandidate, policy: Policy) -> str | None:
    """Within reach of the host."""
    return None if reaches(host, pool) else f"host {host.name} does not reach this pool of scope {pool.scope}"


def kind(volume: VolumeRequest, host: HostCandidate, pool: PoolCandidate, policy: Policy) -> str | None:
    """Local storage where the offering says local, shared storage where it says shared."""
    if volume.local:
        return None if pool.scope == "HOST" else "needs local storage, is shared"
    return None if pool.scope != "HOST" else "needs shared storage, is local to one host"


def hypervisor(volume: VolumeRequest, host: HostCandidate, pool: PoolCandidate, policy: Policy) -> str | None:
    """Made for the host's hypervisor, or for any."""
    if not pool.hypervisor or pool.hypervisor in (host.hypervisor, "Any"):
        return None
    return f"is for hypervisor {pool.hypervisor}, the host has {host.hypervisor}"


def tags(volume: VolumeRequest, host: HostCandidate, pool: PoolCandidate, policy: Policy) -> str | None:
    """Every storage tag of the offering; tags that nobody asked for do not matter."""
    if not volume.tags or volume.tags <= pool.tags:
        return None
    return f"lacks the storage tags {words(volume.tags - pool.tags)}"


def room(volume: VolumeRequest, host: HostCandidate, pool: PoolCandidate, policy: Policy) -> str | None:
    """Enough not yet given away, over-provisioning included."""
    free = pool.total - pool.allocated
    return None if volume.size <= free else f"needs {gigabytes(volume.size)}, {gigabytes(max(free, 0))} free"


def threshold(volume: VolumeRequest, host: HostCandidate, pool: PoolCandidate, policy: Policy) -> str | None:
    """Not given away beyond its disable threshold, this volume included; exactly the threshold is still allowed."""
    limit = policy.storage_disable_threshold if pool.disable_threshold is None else pool.disable_threshold
    if pool.total <= 0 or (share := (pool.allocated + volume.size) / pool.total) <= limit:
        return None
    return (
        f"{percent(share)} would be allocated with {gigabytes(volume.size)} more, its disable threshold is "
        f"{percent(limit)}"
    )


#: Rules for a volume that needs a place.
POOL_RULES: tuple[PoolRule, ...] = (status, reach, kind, hypervisor, tags, room, threshold)
#: Rules for a volume that has one.
STAYING_RULES: tuple[PoolRule, ...] = (chosen, status, reach)


def pool_refusal(volume: VolumeRequest, host: HostCandidate, pool: PoolCandidate, policy: Policy) -> Refusal | None:
    """The first rule's reason why `pool` cannot take the volume for a machine on `host`, or None: it can."""
    for rule in POOL_RULES if volume.pool_id is None else STAYING_RULES:
        reason = rule(volume, host, pool, policy)
        if reason is not None:
            return Refusal("pool", pool.uuid, pool.name, reason, getattr(rule, "__name__", ""))
    return None
