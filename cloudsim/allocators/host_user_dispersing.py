"""``userdispersing``: an account's machines far apart, so that one host's failure takes few of them."""

from __future__ import annotations

import random

from cloudsim.allocators.base import HostCandidate, Policy
from cloudsim.allocators.host_base import HostOrder


class UserDispersing(HostOrder):
    """Fewest machines of the account first."""

    def arrange(self, hosts: list[HostCandidate], policy: Policy, chance: random.Random) -> list[HostCandidate]:
        return sorted(hosts, key=lambda host: host.account_machines)
