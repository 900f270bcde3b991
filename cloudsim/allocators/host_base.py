"""What all host allocators share: the rules leave hosts out, the allocator arranges those that are left.

An allocator of one's own needs no more than `arrange`. The guest OS preference comes last, over any arrangement, as in
the reference: hosts that prefer the machine's OS category first, hosts without a preference next, and hosts that
prefer another category last.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from cloudsim.allocators.base import HostCandidate, Policy, Refusal, Request
from cloudsim.allocators.host_rules import host_refusal, rules_for


def preferred(request: Request, hosts: list[HostCandidate]) -> list[HostCandidate]:
    """`hosts` by their guest OS preference, otherwise in the order they have."""
    if all(host.os_category_id is None for host in hosts):
        return hosts
    wanted = request.os_category_id
    return sorted(
        hosts, key=lambda host: 1 if host.os_category_id is None else 0 if host.os_category_id == wanted else 2
    )


class HostOrder:
    """A host allocator: the rules, then `arrange`, then the OS preference."""

    def arrange(self, hosts: list[HostCandidate], policy: Policy, chance: random.Random) -> list[HostCandidate]:
        """The hosts, all of which can take the machine, best first. The list is the caller's: leave it or change it."""
        raise NotImplementedError

    def order(
        self, request: Request, hosts: Sequence[HostCandidate], policy: Policy, chance: random.Random
    ) -> tuple[list[HostCandidate], list[Refusal]]:
        """See `base.HostAllocator`."""
        fit: list[HostCandidate] = []
        refusals: list[Refusal] = []
        rules = rules_for(request)
        for host in hosts:
            refusal = host_refusal(request, host, rules)
            if refusal is None:
                fit.append(host)
            else:
                refusals.append(refusal)
        if len(fit) > 1:
            fit = preferred(request, self.arrange(fit, policy, chance))
        return fit, refusals
