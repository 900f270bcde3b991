"""State machines, as data: ``[state, event, next state]`` from the wire contract, made total.

A table is total: an event that a state does not define is refused by name, never ignored and never a surprise.

>>> virtualmachine.next("Running", "StopRequested")
'Stopping'
"""

from __future__ import annotations

from functools import cached_property

from cloudsim.core.errors import CloudError
from cloudsim.core.reference import reference


class IllegalTransition(CloudError):
    """The object is in a state in which this cannot happen to it."""

    errorcode = 431
    cserrorcode = 4350


class Machine:
    """One kind of object's states."""

    def __init__(self, kind: str, noun: str, extra: tuple[tuple[str, str, str], ...] = ()) -> None:
        self.kind = kind
        self.noun = noun
        self._extra = extra

    @cached_property
    def table(self) -> dict[tuple[str | None, str], str]:
        """(state, event) to next state; None is the state of what is not there yet."""
        rows = [*reference("states")[self.kind], *self._extra]
        return {(state, event): after for state, event, after in rows}

    @cached_property
    def states(self) -> frozenset[str]:
        """Every state there is."""
        return frozenset(state for state, _ in self.table if state is not None) | frozenset(self.table.values())

    @cached_property
    def events(self) -> frozenset[str]:
        """Every event there is."""
        return frozenset(event for _, event in self.table)

    def next(self, state: str | None, event: str) -> str:
        """The state after `event`. Raises `IllegalTransition`, naming both."""
        after = self.table.get((state, event))
        if after is None:
            raise IllegalTransition(f"{self.noun} in state {state} cannot take {event}")
        return after

    def can(self, state: str | None, event: str) -> bool:
        """Whether `event` is defined in `state`."""
        return (state, event) in self.table


#: ``Error`` is where a machine ends that could never be made (its first start failed for want of room); the reference
#: reaches it from ``Stopped`` and from ``Starting``.
virtualmachine = Machine(
    "virtualmachine",
    "a virtual machine",
    (("Starting", "OperationFailedToError", "Error"), ("Expunging", "OperationSucceeded", "Expunging")),
)
volume = Machine("volume", "a volume")
vmsnapshot = Machine("vmsnapshot", "a virtual machine snapshot")
#: One that could never be made is removed from ``Error``.
snapshot = Machine("snapshot", "a snapshot", (("Error", "DestroyRequested", "Destroyed"),))
network = Machine("network", "a network")
nic = Machine("nic", "a network card")
template = Machine("template", "a template")
host_status = Machine("host_status", "a host")
host_resourcestate = Machine("host_resourcestate", "a host")
host_ha = Machine("host_ha", "the HA of a host")
