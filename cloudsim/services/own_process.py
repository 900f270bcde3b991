"""What this process is and uses: facts and figures of the server that runs in it, from the operating system."""

from __future__ import annotations

import contextlib
import os
import platform
import socket
import threading
from typing import Any

KIB = 1024


def name() -> str:
    """The name of the computer."""
    return socket.gethostname()


def facts() -> dict[str, Any]:
    """What does not change while it runs, by the columns of ``management_server``."""
    return {
        "name": name(),
        "os": _os(),
        "kernel": platform.release(),
        "runtime": platform.python_version(),
        "runtime_maker": platform.python_implementation(),
        "booted": _booted(),
    }


def address(host: str) -> str:
    """The address that a server which listens on `host` is found at."""
    if host not in ("0.0.0.0", "::"):  # noqa: S104
        return host
    # no packet is sent: the system only says which of its addresses it would take
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))
        return str(probe.getsockname()[0])
    return "127.0.0.1"


def _os() -> str:
    with contextlib.suppress(OSError):
        return platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    return platform.system()


def _lines(path: str) -> list[str]:
    with contextlib.suppress(OSError), open(path, encoding="ascii", errors="replace") as file:
        return file.read().splitlines()
    return []


def _booted() -> int | None:
    for line in _lines("/proc/stat"):
        if line.startswith("btime "):
            return int(line.split()[1]) * 1000
    return None


def _sizes(path: str) -> dict[str, int]:
    """Lines such as ``MemTotal:  16384 kB``, in bytes."""
    found = {}
    for line in _lines(path):
        key, _, text = line.partition(":")
        parts = text.split()
        if len(parts) == 2 and parts[1] == "kB":
            found[key] = int(parts[0]) * KIB
    return found


def _threads() -> dict[str, int]:
    states = ""
    with contextlib.suppress(OSError):
        for thread in os.listdir("/proc/self/task"):
            for line in _lines(f"/proc/self/task/{thread}/stat"):
                states += line.rpartition(")")[2].split()[0]
    return {
        "threadstotalcount": len(states) or threading.active_count(),
        "threadsdaemoncount": sum(thread.daemon for thread in threading.enumerate()),
        "threadsrunnablecount": states.count("R"),
        "threadsblockedcount": states.count("D"),
        "threadsteminatedcount": states.count("Z") + states.count("X"),
        "threadswaitingcount": states.count("S"),
    }


def _gb(size: int) -> str:
    return f"{size / KIB**3:.2f} GB"


def figures() -> dict[str, Any]:
    """What it uses now, by the names of the wire."""
    memory, own = _sizes("/proc/meminfo"), _sizes("/proc/self/status")
    total, free = memory.get("MemTotal", 0), memory.get("MemAvailable", 0)
    cpus = os.cpu_count() or 1
    loads = [round(load, 2) for load in os.getloadavg()]
    ticks = next((line.split()[1:] for line in _lines("/proc/stat") if line.startswith("cpu ")), [])
    speeds = [float(line.partition(":")[2]) for line in _lines("/proc/cpuinfo") if line.startswith("cpu MHz")]
    return {
        "availableprocessors": cpus,
        "heapmemoryused": own.get("VmRSS", 0),
        "heapmemorytotal": total,
        **_threads(),
        "systemmemorytotal": _gb(total),
        "systemmemoryfree": _gb(free),
        "systemmemoryused": _gb(total - free),
        "systemmemoryvirtualsize": _gb(own.get("VmSize", 0)),
        "systemtotalcpucycles": round(sum(speeds), 2),
        "systemloadaverages": loads,
        # user, system and idle time of all processors since the computer was started
        "systemcycleusage": [int(ticks[index]) for index in (0, 2, 3)] if len(ticks) > 3 else [],
        "cpuload": f"{min(100.0, 100 * loads[0] / cpus):.2f} %",
        "loginfo": "",
    }
