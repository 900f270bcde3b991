"""``spread`` and ``firstfitleastconsumed``: the emptiest pool first, so that all carry alike."""

from __future__ import annotations

import random

from cloudsim.allocators.base import Policy, PoolCandidate
from cloudsim.allocators.capacity import pool_used
from cloudsim.allocators.pool_base import PoolOrder


class Spread(PoolOrder):
    """Most free capacity first."""

    def arrange(self, pools: list[PoolCandidate], policy: Policy, chance: random.Random) -> list[PoolCandidate]:
        return sorted(pools, key=pool_used)
