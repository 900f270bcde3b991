"""``UserConcentratedPodPlanner``: an account's machines in few pods, so that they are near each other."""

from __future__ import annotations

import random
from collections import Counter

from cloudsim.allocators.base import Policy
from cloudsim.allocators.planner_first_fit import ClusterCapacity, FirstFitPlanner


class UserConcentratedPodPlanner(FirstFitPlanner):
    """Clusters of the pod that has most of the account's machines first; within a pod the emptiest first."""

    def arrange(self, clusters: list[ClusterCapacity], policy: Policy, chance: random.Random) -> list[ClusterCapacity]:
        """See `FirstFitPlanner.arrange`."""
        machines: Counter[int] = Counter()
        first: dict[int, int] = {}
        for position, cluster in enumerate(clusters):
            machines[cluster.pod_id] += cluster.account_machines
            first.setdefault(cluster.pod_id, position)

        def key(cluster: ClusterCapacity) -> tuple[int, int]:
            # Pods with as many machines follow each other, but pods with none are not kept together.
            count = machines[cluster.pod_id]
            return -count, first[cluster.pod_id] if count else 0

        return sorted(clusters, key=key)
