"""Whatever is asked of networks, addresses, rules, cards and disks, in any order, with hosts and a server that fail.

No address is given twice, no rule is left without its address, no volume is on two machines, and the simulated routers
enforce exactly what the lists show: after each step, and after the server was killed at any of them (see `network_cloud`).
"""

from __future__ import annotations

from typing import Any

import pytest
from cloud_machine import forget
from happening import Happening, few, run_machine, some
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule
from network_cloud import NetworkCloud

#: How many runs there are in the normal suite: each has more to compare than those of `test_state_machine`.
EXAMPLES = 12


class Machine(Happening):
    """Networks and disks, and what they are for."""

    kind = NetworkCloud

    @initialize(offerings=st.lists(few, min_size=1, max_size=3), owner=few, furnished=st.booleans())
    def begin(self, offerings: list[int], owner: int, furnished: bool) -> None:
        cloud = self.cloud
        for _ in range(2 if furnished else 1):
            self.then(cloud.make_network(owner), True)
        for offering in offerings:
            self.run(cloud.deploy_in(0, offering, 1 if furnished else 0))
        self.run(cloud.rest())
        self.then(cloud.disk(0, 0, 0), True)
        self.then(cloud.address(0, 0), True)
        if furnished:
            # static NAT with a port, a load balancer with a machine, what goes out and comes in, a forwarded port
            for what, number in ((4, 0), (5, 0), (3, 0), (6, 0), (1, 0), (2, 3), (0, 0)):
                self.then(cloud.rule(what, number, 0, 0), True)
            self.then(cloud.change_rule(4, 1, 0), True)
            self.then(cloud.disk(1, 0, 0), False)

    @rule(number=few, wait=st.booleans())
    def make_network(self, number: int, wait: bool) -> None:
        self.then(self.cloud.make_network(number), wait)

    @rule(network=few, offering=few, more=few, wait=st.booleans())
    def deploy(self, network: int, offering: int, more: int, wait: bool) -> None:
        self.then(self.cloud.deploy_in(network, offering, more), wait)

    @rule(which=some, number=few, wait=st.booleans())
    def operate(self, which: int, number: int, wait: bool) -> None:
        self.then(self.cloud.operate(which, number), wait)

    @rule(which=some, number=few, wait=st.booleans())
    def change_network(self, which: int, number: int, wait: bool) -> None:
        self.then(self.cloud.change_network(which, number), wait)

    @rule(which=some, number=few, wait=st.booleans())
    def own(self, which: int, number: int, wait: bool) -> None:
        self.then(self.cloud.own(which, number), wait)

    @rule(which=few, number=few, wait=st.booleans())
    def address(self, which: int, number: int, wait: bool) -> None:
        self.then(self.cloud.address(which, number), wait)

    @rule(which=some, number=few, port=few, machine=few, wait=st.booleans())
    def make_rule(self, which: int, number: int, port: int, machine: int, wait: bool) -> None:
        self.then(self.cloud.rule(which, number, port, machine), wait)

    @rule(which=some, number=few, port=few, machine=few, wait=st.booleans())
    def make_another_rule(self, which: int, number: int, port: int, machine: int, wait: bool) -> None:
        self.then(self.cloud.rule(which, number, port, machine), wait)

    @rule(which=some, number=few, machine=few, wait=st.booleans())
    def change_rule(self, which: int, number: int, machine: int, wait: bool) -> None:
        self.then(self.cloud.change_rule(which, number, machine), wait)

    @rule(which=some, number=few, network=few, wait=st.booleans())
    def card(self, which: int, number: int, network: int, wait: bool) -> None:
        self.then(self.cloud.card(which, number, network), wait)

    @rule(which=some, number=few, machine=few, wait=st.booleans())
    def disk(self, which: int, number: int, machine: int, wait: bool) -> None:
        self.then(self.cloud.disk(which, number, machine), wait)

    @rule(which=some, number=few, machine=few, wait=st.booleans())
    def another_disk(self, which: int, number: int, machine: int, wait: bool) -> None:
        self.then(self.cloud.disk(which, number, machine), wait)

    @rule(which=few, number=few, wait=st.booleans())
    def restore(self, which: int, number: int, wait: bool) -> None:
        self.then(self.cloud.restore(which, number), wait)

    @rule(which=some, wait=st.booleans())
    def delete_owner(self, which: int, wait: bool) -> None:
        if which < 3:
            self.then(self.cloud.delete_owner(which), wait)

    @rule(which=few, number=few, wait=st.booleans())
    def volume_snapshot(self, which: int, number: int, wait: bool) -> None:
        self.then(self.cloud.volume_snapshot(which, number), wait)


@pytest.fixture
def prepared() -> Any:
    yield
    forget()


def test_whatever_happens_to_networks_and_disks(prepared: None) -> None:
    run_machine(Machine, EXAMPLES)
