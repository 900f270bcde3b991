"""libvirt's Python binding, loaded at first use and prepared once for the whole process.

Three things must be so before the first connection is opened: libvirt no longer writes its errors to stderr, its event
loop is registered, and a thread runs that loop (without it no connection can be kept alive, and a host that died in
silence would never be noticed).
"""

from __future__ import annotations

import threading
from typing import Any

from cloudsim.agents.base import AgentError, CommandFailed, HostUnreachable

MISSING = "libvirt hosts need the package libvirt-python; install it with: pip install 'cloudsim-server[libvirt]'"

_lock = threading.Lock()
_ready = False


def load() -> Any:
    """The module ``libvirt``, ready for use. Raises `CommandFailed` where it is not installed. Safe in any thread."""
    global _ready
    try:
        import libvirt
    except ImportError:
        raise CommandFailed(MISSING) from None
    if not hasattr(libvirt, "virEventRegisterDefaultImpl"):  # some other thing of that name
        raise CommandFailed(MISSING)
    with _lock:
        if not _ready:
            libvirt.registerErrorHandler(_say_nothing, None)
            libvirt.virEventRegisterDefaultImpl()
            threading.Thread(target=_run_events, args=(libvirt,), name="libvirt-events", daemon=True).start()
            _ready = True
    return libvirt


def _say_nothing(_context: object, _error: object) -> None:
    """Stands in for libvirt's own handler, which prints each error: errors are raised as exceptions as well."""


def _run_events(libvirt: Any) -> None:
    pause = threading.Event()
    while True:
        try:
            libvirt.virEventRunDefaultImpl()
        except libvirt.libvirtError:
            pause.wait(0.2)


def has_code(error: Exception, *names: str) -> bool:
    """Whether a ``libvirtError`` has one of the codes, named without ``VIR_ERR_``: ``has_code(e, "NO_DOMAIN")``."""
    libvirt = load()
    code = getattr(error, "get_error_code", int)()
    return any(code == getattr(libvirt, f"VIR_ERR_{name}", None) for name in names)


def translate(error: Exception, *, alive: bool) -> AgentError:
    """What the contract wants raised for a ``libvirtError``: `HostUnreachable` where the way to the host broke
    (`alive`: whether the connection still stands), else `CommandFailed`. The text is one line.
    """
    libvirt = load()
    broken = (libvirt.VIR_FROM_RPC, libvirt.VIR_FROM_REMOTE)
    text = one_line(str(error))
    if not alive or getattr(error, "get_error_domain", int)() in broken or has_code(error, "RPC", "NO_CONNECT"):
        return HostUnreachable(text)
    return CommandFailed(text)


def one_line(text: str, most: int = 500) -> str:
    """`text` without line breaks, at most `most` characters of it."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"
