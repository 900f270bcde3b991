"""``random``, the default: any host that can take the machine, each as likely as the next."""

from __future__ import annotations

import random

from cloudsim.allocators.base import HostCandidate, Policy
from cloudsim.allocators.host_base import HostOrder
from cloudsim.allocators.shuffle import shuffled


class Random(HostOrder):
    """A new order each time."""

    def arrange(self, hosts: list[HostCandidate], policy: Policy, chance: random.Random) -> list[HostCandidate]:
        return shuffled(hosts, chance)
