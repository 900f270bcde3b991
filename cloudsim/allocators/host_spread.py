"""``spread``, horizontal scaling, and ``firstfitleastconsumed``: the emptiest host first, so that all carry alike."""

from __future__ import annotations

import random

from cloudsim.allocators.base import HostCandidate, Policy
from cloudsim.allocators.capacity import host_used
from cloudsim.allocators.host_base import HostOrder


class Spread(HostOrder):
    """Most free capacity first, in the sense of ``host.capacityType.to.order.clusters``."""

    def arrange(self, hosts: list[HostCandidate], policy: Policy, chance: random.Random) -> list[HostCandidate]:
        return sorted(hosts, key=lambda host: host_used(host, policy))
