"""``fill``: the fullest pool first, so that big volumes later find room in the others."""

from __future__ import annotations

import random

from cloudsim.allocators.base import Policy, PoolCandidate
from cloudsim.allocators.capacity import pool_used
from cloudsim.allocators.pool_base import PoolOrder


class Fill(PoolOrder):
    """Least free capacity first."""

    def arrange(self, pools: list[PoolCandidate], policy: Policy, chance: random.Random) -> list[PoolCandidate]:
        return sorted(pools, key=lambda pool: -pool_used(pool))
