"""Pools for all volumes of a machine at once, as seen from one host after another.

Each volume asks the storage allocator in turn, the pools as full as the volumes before would leave them, so that
several volumes in one pool add up and an allocator that spreads them does. When a choice leaves the next volume
without room, another is tried.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from operator import itemgetter

from cloudsim.allocators import registry
from cloudsim.allocators.base import HostCandidate, Policy, PoolCandidate, Refusal, Request, StorageAllocator
from cloudsim.allocators.pool_rules import reaches

#: How many times pools are put in order before a first choice that leads nowhere is no longer replaced by another.
#: Volumes that together hardly fit can be divided among pools in very many ways: worth looking for, but not for ever.
TRIES = 300


class VolumePlacement:
    """Pools for the volumes of one request, host after host."""

    def __init__(self, request: Request, pools: Sequence[PoolCandidate], policy: Policy, chance: random.Random) -> None:
        self.volumes = request.volumes
        self.policy = policy
        self.chance = chance
        self.allocator: StorageAllocator = registry.storage_allocator(policy.storage_algorithm or policy.algorithm)
        #: Why pools were left out; each reason once, however many hosts reach the pool.
        self.refusals: dict[Refusal, None] = {}
        self.by_id = {pool.id: pool for pool in pools}
        self.local: list[PoolCandidate] = []
        #: Shared pools, by the cluster that reaches them (None: a pod or the zone), and where in `pools`.
        self.shared: dict[int | None, list[tuple[int, PoolCandidate]]] = {}
        for position, pool in enumerate(pools):
            if pool.scope == "HOST":
                self.local.append(pool)
            else:
                cluster_id = None if pool.scope == "ZONE" else pool.cluster_id
                self.shared.setdefault(cluster_id, []).append((position, pool))
        #: The shared pools a host reaches, by its zone, pod and cluster.
        self._near: dict[tuple[int, int, int], list[PoolCandidate]] = {}
        # Volumes that lie somewhere have no choice; of the others the biggest choose first, which wastes least room.
        self.turns = sorted(
            range(len(self.volumes)), key=lambda at: (self.volumes[at].pool_id is None, -self.volumes[at].size)
        )
        self._same_for_cluster = getattr(self.allocator, "same_for_cluster", False) and not any(
            volume.local or (volume.pool_id is not None and self._is_local(volume.pool_id)) for volume in self.volumes
        )
        #: Clusters (and hypervisors) whose hosts all reach too little.
        self._hopeless: set[tuple[int, int, int, str]] = set()
        self._tries = TRIES
        #: Whether the host being looked at has had its reason noted: one dead end is told, not all of them.
        self._told = False

    def _is_local(self, pool_id: int) -> bool:
        pool = self.by_id.get(pool_id)
        return pool is not None and pool.scope == "HOST"

    def find(self, host: HostCandidate) -> tuple[PoolCandidate, ...] | None:
        """A pool for each volume, in the volumes' order, for a machine on `host`; None: there is no way."""
        place = (host.zone_id, host.pod_id, host.cluster_id)
        if (*place, host.hypervisor) in self._hopeless:
            return None
        near = self._near.get(place)
        if near is None:
            own, wide = self.shared.get(host.cluster_id, []), self.shared.get(None, [])
            both = own if not wide else sorted(own + wide, key=itemgetter(0))
            near = self._near[place] = [pool for _, pool in both if reaches(host, pool)]
        if self.local:
            near = near + [pool for pool in self.local if reaches(host, pool)]
        self._told = False
        chosen: dict[int, PoolCandidate] = {}
        if self._place(0, host, near, chosen):
            return tuple(self.by_id[chosen[at].id] for at in range(len(self.volumes)))
        if self._same_for_cluster:
            self._hopeless.add((*place, host.hypervisor))
        return None

    def _place(
        self, turn: int, host: HostCandidate, near: list[PoolCandidate], chosen: dict[int, PoolCandidate]
    ) -> bool:
        """Finds pools for the volumes from `turn` on, going back to another choice when one leads nowhere."""
        if turn == len(self.turns):
            return True
        self._tries -= 1
        at = self.turns[turn]
        volume = self.volumes[at]
        among = near
        if volume.pool_id is not None:
            pool = self.by_id.get(volume.pool_id)
            among = [] if pool is None else [pool]
        fit, refused = self.allocator.order(volume, host, among, self.policy, self.chance)
        if not fit:
            self._refuse(host, volume.pool_id, refused)
            return False
        last = turn + 1 == len(self.turns)
        for pool in fit:
            chosen[at] = pool
            after = near
            if volume.pool_id is None and not last:
                fuller = replace(pool, allocated=pool.allocated + volume.size, account_volumes=pool.account_volumes + 1)
                after = [fuller if other.id == pool.id else other for other in near]
            if self._place(turn + 1, host, after, chosen):
                return True
            if volume.pool_id is not None or self._tries <= 0:
                return False
        return False

    def _refuse(self, host: HostCandidate, pool_id: int | None, refused: list[Refusal]) -> None:
        if self._told:
            return
        self._told = True
        if refused:
            self.refusals.update(dict.fromkeys(refused))
        elif pool_id is not None:
            wanted = str(pool_id)
            gone = Refusal("pool", wanted, wanted, "a volume lies in this pool, which is not in this zone", "chosen")
            self.refusals[gone] = None
        else:
            reason = "could take the machine but reaches no storage pool"
            self.refusals[Refusal("host", host.uuid, host.name, reason, "reach")] = None
