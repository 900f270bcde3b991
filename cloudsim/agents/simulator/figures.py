"""Figures of a simulated virtual machine: plausible, and a function of its uuid and of the time alone.

Each machine has rates of its own, taken from its uuid. Traffic counters grow with them since the machine was turned on
(or rebooted), as those of a real one do; its load goes up and down in a wave with a period of its own.
"""

from __future__ import annotations

import math
import zlib
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
