"""What the tests of the simulator share: a clock that jumps, and short ways to write commands."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable
from typing import TypeVar

from cloudsim.agents.base import (
    CreateVolume,
    DestroyMachine,
    DiskSpec,
    HostAddress,
    MachineSpec,
    NicSpec,
    StartMachine,
    StopMachine,
)
from cloudsim.agents.simulator import SimulatorDriver

T = TypeVar("T")

GIB = 1 << 30
_numbers = itertools.count(1)


class JumpingClock:
    """Sleeping moves the time forward at once; what was slept is in `slept`. With `stopped`, sleepers never wake."""

    def __init__(self) -> None:
        self.milliseconds = 1_700_000_000_000
        self.slept: list[float] = []
        self.stopped = False

    def now(self) -> int:
        return self.milliseconds

    def monotonic(self) -> float:
        return self.milliseconds / 1000

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if self.stopped:
            await asyncio.get_running_loop().create_future()
        self.milliseconds += int(seconds * 1000)
        await asyncio.sleep(0)

    async def within(self, seconds: float, what: Awaitable[T]) -> T:
        return await what


def new_id(what: str = "command") -> str:
    return f"{what}-{next(_numbers)}"


def host(name: str = "h1", **details: str) -> HostAddress:
    places = {"zone": "zone-1", "pod": "pod-1", "cluster": f"cluster-of-{name}"}
    return HostAddress(f"host-{name}", f"sim://zone/{name}", details=details, places=places)


def volume(uuid: str = "v1", size: int = GIB, command: str | None = None) -> CreateVolume:
    return CreateVolume(command or new_id(), uuid, f"ROOT-{uuid}", "pool-1", size, "template-1")


def machine(uuid: str = "m1", memory: int = GIB, disks: tuple[str, ...] = (), **details: str) -> MachineSpec:
    return MachineSpec(
        uuid,
        f"i-2-{uuid}-VM",
        uuid,
        1,
        500,
        memory,
        disks=tuple(DiskSpec(disk, disk, "pool-1", GIB) for disk in disks),
        nics=(NicSpec(f"nic-{uuid}", "02:00:00:00:00:01", "10.1.1.1", "255.255.255.0", "10.1.1.254", "vlan://101"),),
        userdata="aGVsbG8=",
        details=details,
    )


def start(uuid: str = "m1", command: str | None = None, **spec: object) -> StartMachine:
    return StartMachine(command or new_id(), machine(uuid, **spec))  # type: ignore[arg-type]


def stop(uuid: str = "m1", forced: bool = False, wait: float = 60.0, command: str | None = None) -> StopMachine:
    return StopMachine(command or new_id(), uuid, f"i-2-{uuid}-VM", forced, wait)


def destroy(uuid: str = "m1", command: str | None = None) -> DestroyMachine:
    return DestroyMachine(command or new_id(), uuid, f"i-2-{uuid}-VM")


def power(driver: SimulatorDriver) -> dict[str, tuple[str, str]]:
    """uuid -> (host, power state) of all machines, each of which must be there once."""
    machines = driver.machines()
    found = {one.uuid: (one.host, one.power) for one in machines}
    assert len(found) == len(machines)
    return found


def check(driver: SimulatorDriver) -> None:
    """What must hold of a world at any time."""
    on = [one.uuid for one in driver.machines() if one.power == "PowerOn"]
    assert len(on) == len(set(on)), "a machine runs twice"
    for one in driver.hosts():
        assert one.used == driver.host_memory_used(one.uuid)
        assert one.used <= one.memory * one.overcommit
        assert one.up or one.used == 0
