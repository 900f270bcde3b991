"""What hosts report of what is used on them: the newest figures, in memory. They come with the pings.

A server that was just started knows none until it has pinged its hosts; nothing else depends on them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

#: Names to numbers, as `agents.base.Ping` and `agents.base.MachineStats` tell them.
Figures = dict[str, Any]


@dataclass
class Observed:
    """The newest figures."""

    #: By the host's uuid: ``cpu`` (percent), ``memory`` (bytes), ``load``, ``net_read_kb``, ``net_write_kb``.
    hosts: dict[str, Figures] = field(default_factory=dict)
    #: By the machine's uuid, see `agents.base.MachineStats`: what it used since the look before; and since its start.
    machines: dict[str, Figures] = field(default_factory=dict)
    totals: dict[str, Figures] = field(default_factory=dict)
    #: The same of volumes, by their uuids.
    volumes: dict[str, Figures] = field(default_factory=dict)
    volume_totals: dict[str, Figures] = field(default_factory=dict)
    #: ``size`` (bytes of the disk) and ``physical_size`` (bytes that it takes) of volumes in pools, by their uuids.
    volume_sizes: dict[str, Figures] = field(default_factory=dict)


__all__ = ["Figures", "Observed"]
