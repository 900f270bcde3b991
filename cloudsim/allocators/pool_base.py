"""What all storage allocators share: the rules leave pools out, the allocator arranges those that are left."""

from __future__ import annotations

import random
from collections.abc import Sequence

from cloudsim.allocators.base import HostCandidate, Policy, PoolCandidate, Refusal, VolumeRequest
from cloudsim.allocators.pool_rules import pool_refusal


class PoolOrder:
    """A storage allocator: the rules, then `arrange`. An allocator of one's own needs no more than `arrange`."""

    #: Of the host, only what it reaches and its hypervisor are asked about, so that hosts of a cluster with the same
    #: pools get the same answer and `find` asks once. An allocator that looks at more sets this to False.
    same_for_cluster = True

    def arrange(self, pools: list[PoolCandidate], policy: Policy, chance: random.Random) -> list[PoolCandidate]:
        """The pools, all of which can take the volume, best first. The list is the caller's: leave it or change it."""
        raise NotImplementedError

    def order(
        self,
        volume: VolumeRequest,
        host: HostCandidate,
        pools: Sequence[PoolCandidate],
        policy: Policy,
        chance: random.Random,
    ) -> tuple[list[PoolCandidate], list[Refusal]]:
        """See `base.StorageAllocator`."""
        fit: list[PoolCandidate] = []
        refusals: list[Refusal] = []
        for pool in pools:
            refusal = pool_refusal(volume, host, pool, policy)
            if refusal is None:
                fit.append(pool)
            else:
                refusals.append(refusal)
        return (self.arrange(fit, policy, chance) if len(fit) > 1 else fit), refusals
