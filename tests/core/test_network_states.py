"""The states of networks and network cards: every pair of a state and an event, defined or refused."""

from __future__ import annotations

import pytest

from cloudsim.core import states
from cloudsim.core.reference import reference

PAIRS = [
    (machine.kind, state, event)
    for machine in (states.network, states.nic)
    for state in sorted(machine.states)
    for event in sorted(machine.events)
]


@pytest.mark.parametrize(("kind", "state", "event"), PAIRS)
def test_every_pair(kind: str, state: str, event: str) -> None:
    machine = {"network": states.network, "nic": states.nic}[kind]
    after = {(before, what): then for before, what, then in reference("states")[kind]}.get((state, event))
    assert machine.can(state, event) is (after is not None)
    if after is not None:
        assert machine.next(state, event) == after
        return
    with pytest.raises(states.IllegalTransition) as caught:
        machine.next(state, event)
    assert state in caught.value.message
    assert event in caught.value.message


def test_an_idle_network_is_as_before_its_first_machine() -> None:
    state = "Allocated"
    for event in ("ImplementNetwork", "OperationSucceeded", "DestroyNetwork", "OperationSucceeded"):
        state = states.network.next(state, event)
    assert state == "Allocated"
