"""``firstfit``: pools in the order they were added."""

from __future__ import annotations

import random

from cloudsim.allocators.base import Policy, PoolCandidate
from cloudsim.allocators.pool_base import PoolOrder


class FirstFit(PoolOrder):
    """The order given, which is by id."""

    def arrange(self, pools: list[PoolCandidate], policy: Policy, chance: random.Random) -> list[PoolCandidate]:
        return pools
