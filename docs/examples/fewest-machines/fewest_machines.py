"""A host allocator: the host that runs the fewest virtual machines first, however big they are."""

from cloudsim.allocators.host_base import HostOrder


class FewestMachines(HostOrder):
    """For ``vm.allocation.algorithm`` = ``fewestmachines``."""

    def arrange(self, hosts, policy, chance):
        """`hosts` can all take the machine (the rules have left out those that cannot); answers them best first."""
        return sorted(hosts, key=lambda host: host.machines)
