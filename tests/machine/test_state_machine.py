"""Whatever is asked of a cloud and whatever becomes of its hosts, in any order: what must hold holds (see `happening`)."""

from __future__ import annotations

from typing import Any

import pytest
from cloud_machine import forget
from happening import Happening, few, run_machine, some
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule


class Machine(Happening):
    """Machines, their networks' routers, and hosts."""

    @initialize(offerings=st.lists(st.tuples(few, few), min_size=1, max_size=3))
    def begin(self, offerings: list[tuple[int, int]]) -> None:
        for offering, who in offerings:
            self.run(self.cloud.deploy(offering, who, 0))
        self.run(self.cloud.rest())

    @rule(offering=few, who=few, more=few, wait=st.booleans())
    def deploy(self, offering: int, who: int, more: int, wait: bool) -> None:
        self.then(self.cloud.deploy(offering, who, more), wait)

    @rule(which=some, number=few, wait=st.booleans())
    def operate(self, which: int, number: int, wait: bool) -> None:
        self.then(self.cloud.operate(which, number), wait)

    @rule(which=some, number=few, wait=st.booleans())
    def operate_again(self, which: int, number: int, wait: bool) -> None:
        self.then(self.cloud.operate(which, number), wait)

    @rule(which=few, number=few, wait=st.booleans())
    def snapshot(self, which: int, number: int, wait: bool) -> None:
        self.then(self.cloud.snapshot(which, number), wait)

    @rule(which=st.integers(0, 4), number=few, where=few, wait=st.booleans())
    def move(self, which: int, number: int, where: int, wait: bool) -> None:
        self.then(self.cloud.move(which, number, where), wait)

    @rule(which=st.integers(0, 9), number=some, other=few, wait=st.booleans())
    def disk(self, which: int, number: int, other: int, wait: bool) -> None:
        self.then(self.cloud.disk(which, number, other), wait)

    @rule(which=st.integers(0, 9), number=some, other=few, wait=st.booleans())
    def disk_again(self, which: int, number: int, other: int, wait: bool) -> None:
        self.then(self.cloud.disk(which, number, other), wait)

    @rule(which=st.integers(0, 5), number=few, offering=few, wait=st.booleans())
    def scale(self, which: int, number: int, offering: int, wait: bool) -> None:
        self.then(self.cloud.scale(which, number, offering), wait)

    @rule(which=few, number=few, wait=st.booleans())
    def affinity(self, which: int, number: int, wait: bool) -> None:
        self.then(self.cloud.affinity(which, number), wait)

    @rule(number=few, who=st.integers(0, 2), wait=st.booleans())
    def hand_over(self, number: int, who: int, wait: bool) -> None:
        self.then(self.cloud.hand_over(number, who), wait)

    @rule(which=few, number=few, wait=st.booleans())
    def restore(self, which: int, number: int, wait: bool) -> None:
        self.then(self.cloud.restore(which, number), wait)

    @rule(which=some, number=few)
    def schedule(self, which: int, number: int) -> None:
        self.then(self.cloud.schedule(which, number), True)

    @rule(which=some, number=st.integers(0, 7), wait=st.booleans())
    def host(self, which: int, number: int, wait: bool) -> None:
        self.then(self.cloud.host(which, number), wait)

    @rule(which=some, number=few, wait=st.booleans())
    def own(self, which: int, number: int, wait: bool) -> None:
        self.then(self.cloud.own(which, number), wait)

    @rule(number=few, cleanup=st.booleans(), wait=st.booleans())
    def network(self, number: int, cleanup: bool, wait: bool) -> None:
        self.then(self.cloud.network(number, cleanup), wait)

    @rule(which=st.integers(0, 1), wait=st.booleans())
    def delete_owner(self, which: int, wait: bool) -> None:
        self.then(self.cloud.delete_owner(which), wait)


@pytest.fixture
def prepared() -> Any:
    yield
    forget()


def test_whatever_happens(prepared: None) -> None:
    run_machine(Machine)
