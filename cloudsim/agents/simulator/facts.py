"""What a simulated host is made of, from its address.

The defaults are those of CloudStack's simulator: 4 cores of 8000 MHz and 8 GiB of memory. They are overridden by what
the host was given before (it is in the world), then by the URL, then by the host's details. A URL carries them in its
query (``sim://zone/host?memory=17179869184``) or as the last part of its path, the way CloudStack's simulator reads
them (``http://sim/cpucore=8&memory=17179869184``).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

from cloudsim.agents.base import CommandFailed, HostAddress, HostFacts
from cloudsim.agents.simulator.world import Host

CPUS = 4
SPEED_MHZ = 8000
MEMORY = 8 << 30
STORAGE = 1 << 40
VERSION = "cloudsim"

#: The details that are read, with the names that CloudStack's simulator has for them in URLs.
_KEYS = {
    "name": "name",
    "cpus": "cpus",
    "cpucore": "cpus",
    "speed": "speed",
    "cpuspeed": "speed",
    "cpu_sockets": "cpu_sockets",
    "memory": "memory",
    "memory_overcommit": "memory_overcommit",
    "storage": "storage",
    "localstorage": "storage",
    "hypervisor_version": "hypervisor_version",
}


def host_from(address: HostAddress, known: Host | None) -> Host:
    """The host as it shall be in the world. `CommandFailed` for a URL or a detail that makes no sense."""
    given = _given(address)
    base = known or Host(
        address.uuid, address.url, f"SimulatedAgent.{address.uuid}", CPUS, SPEED_MHZ, 1, MEMORY, 1.0, STORAGE, VERSION
    )
    return Host(
        uuid=address.uuid,
        url=address.url,
        name=given.get("name") or base.name,
        cpus=_whole(given, "cpus", base.cpus),
        speed=_whole(given, "speed", base.speed),
        sockets=_whole(given, "cpu_sockets", base.sockets),
        memory=_whole(given, "memory", base.memory),
        overcommit=_factor(given, "memory_overcommit", base.overcommit),
        storage=_whole(given, "storage", base.storage),
        version=given.get("hypervisor_version") or base.version,
        up=base.up,
        used=base.used,
        network=base.network,
        beat=base.beat,
    )


def facts_of(host: Host, details: Mapping[str, str]) -> HostFacts:
    """What the server is told of the host; of its details those that the simulator reads are kept."""
    return HostFacts(
        name=host.name,
        hypervisor="Simulator",
        hypervisor_version=host.version,
        cpus=host.cpus,
        speed=host.speed,
        memory=host.memory,
        cpu_sockets=host.sockets,
        details={key: value for key, value in details.items() if key in _KEYS},
    )


def _given(address: HostAddress) -> dict[str, str]:
    try:
        url = urlsplit(address.url)
    except ValueError as error:
        raise CommandFailed(f"{address.url!r} is not a URL: {error}") from error
    if url.scheme not in ("sim", "http", "https"):
        raise CommandFailed(f"{address.url!r} is not a simulated host: its URL begins with sim:// or http://sim")
    inline = "&".join((url.path.rpartition("/")[2], url.query))
    pairs = [*parse_qsl(inline, keep_blank_values=True), *address.details.items()]
    return {_KEYS[key.lower()]: value for key, value in pairs if key.lower() in _KEYS and value}


def _whole(given: Mapping[str, str], key: str, default: int) -> int:
    text = given.get(key)
    if text is None:
        return default
    try:
        value = int(text)
    except ValueError:
        value = 0
    if not 0 < value < 1 << 62:
        raise CommandFailed(f"A simulated host's {key} must be a whole number above 0, not {text!r}")
    return value


def _factor(given: Mapping[str, str], key: str, default: float) -> float:
    text = given.get(key)
    if text is None:
        return default
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not (math.isfinite(value) and value > 0):
        raise CommandFailed(f"A simulated host's {key} must be a number above 0, not {text!r}")
    return value
