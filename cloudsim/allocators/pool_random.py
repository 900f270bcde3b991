"""``random``, the default: any pool that can take the volume, each as likely as the next."""

from __future__ import annotations

import random

from cloudsim.allocators.base import Policy, PoolCandidate
from cloudsim.allocators.pool_base import PoolOrder
from cloudsim.allocators.shuffle import shuffled


class Random(PoolOrder):
    """A new order each time."""

    def arrange(self, pools: list[PoolCandidate], policy: Policy, chance: random.Random) -> list[PoolCandidate]:
        return shuffled(pools, chance)
