"""``userdispersing``: an account's volumes far apart, so that one pool's failure takes few of them."""

from __future__ import annotations

import random

from cloudsim.allocators.base import Policy, PoolCandidate
from cloudsim.allocators.pool_base import PoolOrder


class UserDispersing(PoolOrder):
    """Fewest volumes of the account first."""

    def arrange(self, pools: list[PoolCandidate], policy: Policy, chance: random.Random) -> list[PoolCandidate]:
        return sorted(pools, key=lambda pool: pool.account_volumes)
