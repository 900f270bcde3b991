"""``firstfit``: hosts in the order they were added, so that the first ones fill up before the last are used."""

from __future__ import annotations

import random

from cloudsim.allocators.base import HostCandidate, Policy
from cloudsim.allocators.host_base import HostOrder


class FirstFit(HostOrder):
    """The order given, which is by id."""

    def arrange(self, hosts: list[HostCandidate], policy: Policy, chance: random.Random) -> list[HostCandidate]:
        return hosts
