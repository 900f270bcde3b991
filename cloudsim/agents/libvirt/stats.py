"""The figures of running machines.

Network and disk figures count from the machine's start. The CPU's is the share of all its processors that it used
since it was looked at before; the first look at a machine answers 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from cloudsim.agents.libvirt.calls import Gate
from cloudsim.agents.libvirt.library import has_code, load
from cloudsim.agents.libvirt.machines import read_own
from cloudsim.core.ids import is_uuid

Figures = dict[str, Any]


def read(connection: Any, _gate: Gate, names: tuple[str, ...]) -> dict[str, tuple[str, Figures]]:
    """For each running machine of this product (only `names`, if there are any): its uuid and its raw figures, which
    are those of the contract except for ``cpu_time`` (nanoseconds) and ``cpus``. Runs in a thread.
    """
    libvirt = load()
    found: dict[str, tuple[str, Figures]] = {}
    for domain, raw in _all(connection):
        try:
            name = domain.name()
            if (names and name not in names) or not domain.isActive() or read_own(domain) is None:
                continue
            found[name] = (domain.UUIDString(), _figures(domain.info(), raw))
        except libvirt.libvirtError as error:
            if not has_code(error, "NO_DOMAIN"):  # it went while we looked
                raise
    return found


def read_host(connection: Any, _gate: Gate) -> Figures:
    """What is used of the host, as far as its hypervisor tells: ``cpu_time`` and ``cpu_busy`` (nanoseconds since it
    started), ``memory`` (bytes). Runs in a thread.
    """
    libvirt = load()
    made: Figures = {}
    try:
        times = connection.getCPUStats(libvirt.VIR_NODE_CPU_STATS_ALL_CPUS, 0)
        made["cpu_time"] = sum(times.values())
        made["cpu_busy"] = made["cpu_time"] - times.get("idle", 0) - times.get("iowait", 0)
    except libvirt.libvirtError:
        pass  # the hypervisor does not know
    try:
        memory = connection.getMemoryStats(libvirt.VIR_NODE_MEMORY_STATS_ALL_CELLS, 0)
        free = sum(memory.get(part, 0) for part in ("free", "buffers", "cached"))
        made["memory"] = max(0, memory["total"] - free) * 1024
    except (libvirt.libvirtError, KeyError):
        pass
    return made


def host_percent(figures: Figures, before: Figures | None) -> float | None:
    """CPU use of a host in percent since the look `before`; None where nothing can be said."""
    if before is None or "cpu_time" not in figures or "cpu_time" not in before:
        return None
    passed = float(figures["cpu_time"] - before["cpu_time"])
    if passed <= 0:
        return None
    share = 100 * float(figures["cpu_busy"] - before["cpu_busy"]) / passed
    return round(min(100.0, max(0.0, share)), 2)


def to_percent(figures: Figures, before: tuple[float, float] | None, now: float) -> float:
    """CPU use in percent (0 to 100). `before`: the cpu_time and the instant (monotonic seconds) of the look before."""
    if before is None or now <= before[1]:
        return 0.0
    used = (float(figures["cpu_time"]) - before[0]) / 1e9
    share = 100 * used / ((now - before[1]) * max(1, int(figures["cpus"])))
    return round(min(100.0, max(0.0, share)), 2)


def _all(connection: Any) -> list[tuple[Any, Mapping[str, Any]]]:
    libvirt = load()
    groups = (
        libvirt.VIR_DOMAIN_STATS_STATE
        | libvirt.VIR_DOMAIN_STATS_BALLOON
        | libvirt.VIR_DOMAIN_STATS_INTERFACE
        | libvirt.VIR_DOMAIN_STATS_BLOCK
    )
    nowait = libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT  # a domain that hangs must not hold up the others
    for flags in (nowait, 0):
        try:
            return list(connection.getAllDomainStats(groups, flags))
        except libvirt.libvirtError as error:
            if not has_code(error, "INVALID_ARG", "NO_SUPPORT"):
                raise
    return [(domain, {}) for domain in connection.listAllDomains()]


def _figures(info: list[int], raw: Mapping[str, Any]) -> Figures:
    _, maximum, current, cpus, cpu_time = info[:5]

    def total(kind: str, figure: str) -> int:
        return sum(int(raw.get(f"{kind}.{number}.{figure}", 0)) for number in range(int(raw.get(f"{kind}.count", 0))))

    return {
        "cpu_time": cpu_time,
        "cpus": cpus,
        "net_read_kb": total("net", "rx.bytes") >> 10,
        "net_write_kb": total("net", "tx.bytes") >> 10,
        "disk_read_kb": total("block", "rd.bytes") >> 10,
        "disk_write_kb": total("block", "wr.bytes") >> 10,
        "disk_read_ops": total("block", "rd.reqs"),
        "disk_write_ops": total("block", "wr.reqs"),
        "memory_kb": int(raw.get("balloon.maximum", maximum)),
        "free_memory_kb": int(raw.get("balloon.unused", 0)),
        "target_memory_kb": int(raw.get("balloon.current", current)),
        "disks": _disks(raw),
    }


def _disks(raw: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """The figures of each disk whose file is named after a volume."""
    found = {}
    for number in range(int(raw.get("block.count", 0))):
        uuid = PurePosixPath(str(raw.get(f"block.{number}.path", ""))).stem
        if is_uuid(uuid):
            read, written, reads, writes = (
                int(raw.get(f"block.{number}.{name}", 0)) for name in ("rd.bytes", "wr.bytes", "rd.reqs", "wr.reqs")
            )
            found[uuid] = {"read_kb": read >> 10, "write_kb": written >> 10, "read_ops": reads, "write_ops": writes}
    return found
