"""``UserDispersingPlanner``: an account's machines in many clusters, so that no one failure takes them all."""

from __future__ import annotations

import random

from cloudsim.allocators.base import Policy
from cloudsim.allocators.planner_first_fit import ClusterCapacity, FirstFitPlanner


class UserDispersingPlanner(FirstFitPlanner):
    """Clusters with the smallest part of the account's machines first.

    ``vm.user.dispersion.weight`` mixes that part with how full the cluster is: with 1 only the machines count, with 0
    only the capacity. Equals stay emptiest first.
    """

    def arrange(self, clusters: list[ClusterCapacity], policy: Policy, chance: random.Random) -> list[ClusterCapacity]:
        """See `FirstFitPlanner.arrange`."""
        weight = policy.dispersion_weight
        machines = sum(cluster.account_machines for cluster in clusters) or 1
        return sorted(
            clusters,
            key=lambda cluster: (
                weight * cluster.account_machines / machines + (1 - weight) * cluster.used_share(policy)
            ),
        )
