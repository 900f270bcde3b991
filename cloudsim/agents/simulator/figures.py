"""Figures of a simulated virtual machine: plausible, and a function of its uuid and of the time alone. Those of a host
are what its machines add up to.

Each machine has rates of its own, taken from its uuid. Traffic counters grow with them since the machine was turned on
(or rebooted), as those of a real one do; its load goes up and down in a wave with a period of its own.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from typing import Any

from cloudsim.agents.simulator.world import Machine


def figures(machine: Machine, now: int) -> dict[str, Any]:
    """The figures that `MachineStats` answers for one running machine at the instant `now` (milliseconds)."""
    seed = zlib.crc32(machine.uuid.encode())
    seconds = max(0, now - machine.since) // 1000
    period = 300 + seed % 3300
    wave = (1 + math.sin(2 * math.pi * ((now / 1000 + seed % 10_007) % period) / period)) / 2
    memory = machine.memory // 1024
    free = int(memory * (0.7 - 0.5 * wave))

    def grown(shift: int, fastest: int) -> int:
        return seconds * (1 + (seed >> shift) % fastest)

    return {
        "cpu": round(2 + (10 + seed % 80) * wave, 2),
        "net_read_kb": grown(1, 200),
        "net_write_kb": grown(4, 100),
        "disk_read_kb": grown(7, 400),
        "disk_write_kb": grown(10, 300),
        "disk_read_ops": grown(13, 40),
        "disk_write_ops": grown(16, 30),
        "memory_kb": memory,
        "free_memory_kb": free,
        "target_memory_kb": memory,
    }


def host_figures(machines: Sequence[Machine], cpus: int, now: int) -> dict[str, Any]:
    """What the running `machines` use of their host with `cpus` processors, as `Ping` answers it."""
    found = [(one, figures(one, now)) for one in machines]
    busy = sum(one["cpu"] * machine.cpus for machine, one in found) / 100
    return {
        "cpu": round(min(100.0, 100 * busy / max(1, cpus)), 2),
        "memory": sum(one["memory_kb"] - one["free_memory_kb"] for _, one in found) * 1024,
        "load": round(busy, 2),
        "net_read_kb": sum(one["net_read_kb"] for _, one in found),
        "net_write_kb": sum(one["net_write_kb"] for _, one in found),
    }


def shares(made: dict[str, Any], disks: Sequence[str]) -> dict[str, dict[str, int]]:
    """A machine's disk traffic, in equal parts for each of its disks; the first has what is left over."""
    found: dict[str, dict[str, int]] = {uuid: {} for uuid in disks}
    for name in ("read_kb", "write_kb", "read_ops", "write_ops"):
        whole = made[f"disk_{name}"]
        for number, uuid in enumerate(disks):
            part, left = divmod(whole, len(disks))
            found[uuid][name] = part + (left if number == 0 else 0)
    return found
