"""Placement by racks: hosts and pools are called after the rack they are in (``r1-h2``, ``r1-disks``).

A planner, a host allocator and a storage allocator of one's own, each no more than the order that it makes: what must
not be (affinity, dedication, tags, room) the rules of the server have left out before.
"""

from cloudsim.allocators.host_base import HostOrder
from cloudsim.allocators.planner_first_fit import FirstFitPlanner
from cloudsim.allocators.pool_base import PoolOrder


def rack(name):
    """``r1`` of ``r1-h2``."""
    return name.partition("-")[0]


class LastClusterFirst(FirstFitPlanner):
    """The planner ``LastClusterFirst``: the newest cluster before the older ones."""

    def arrange(self, clusters, policy, chance):
        return sorted(clusters, key=lambda cluster: -cluster.id)


class ByRack(HostOrder):
    """The host allocator ``byrack``: the rack with the most machines first, in it the host with the fewest."""

    def arrange(self, hosts, policy, chance):
        machines = {}
        for host in hosts:
            machines[rack(host.name)] = machines.get(rack(host.name), 0) + host.machines
        return sorted(hosts, key=lambda host: (-machines[rack(host.name)], host.machines, host.name))


class NearestDisks(PoolOrder):
    """The storage allocator ``byrack``: pools of the host's own rack first."""

    #: The answer is not the same for all hosts of a cluster.
    same_for_cluster = False

    def order(self, volume, host, pools, policy, chance):
        fit, refused = super().order(volume, host, pools, policy, chance)
        return sorted(fit, key=lambda pool: rack(pool.name) != rack(host.name)), refused

    def arrange(self, pools, policy, chance):
        return pools
