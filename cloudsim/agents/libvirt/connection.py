"""The way to one host: its URI, and the connection that is opened when it is needed and opened again after it died.

No task ever touches one of libvirt's objects. They live in the threads of `Calls`, and a connection is never closed
while a call may be inside it: it is let go, and libvirt closes it when the last thread that holds it is done. (A
connection whose call had no answer in time is let go too; the next call opens a new one.)
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlsplit

from cloudsim.agents.base import AgentError, CommandFailed, HostUnreachable
from cloudsim.agents.libvirt.calls import Calls, Gate
from cloudsim.agents.libvirt.library import load, one_line, translate
from cloudsim.core.clock import Clock

log = logging.getLogger(__name__)

T = TypeVar("T")
#: Blocking work on a host; the first argument is a ``libvirt.virConnect``.
Work = Callable[[Any, Gate], T]

#: Seconds between two signs of life, and how many may be missing.
KEEPALIVE = (5, 3)
SCHEMES = frozenset({"test", "qemu", "qemu+unix", "qemu+ssh", "qemu+tls", "qemu+tcp"})
#: What may follow the ``?``. Others (such as ``command``) would have libvirt run programs of the URI's choice.
PARAMETERS = frozenset({"socket", "mode", "keyfile", "known_hosts", "known_hosts_verify", "no_tty", "proxy", "pkipath"})


def check_uri(uri: str) -> str:
    """The URI to open. Raises `CommandFailed` for one that this driver does not speak to."""
    try:
        parts = urlsplit(uri)
        password = parts.password
    except ValueError:
        raise CommandFailed("the host's URL cannot be read") from None
    if parts.scheme not in SCHEMES:
        raise CommandFailed(f"the host's URL must begin with one of {', '.join(sorted(SCHEMES))}")
    if password is not None:
        raise CommandFailed("the host's URL must not hold a password")
    if (parts.hostname or "").startswith("-") or (parts.username or "").startswith("-"):
        raise CommandFailed("the host's URL names no host")
    given = {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
    if not given <= PARAMETERS:
        raise CommandFailed(f"the host's URL has parameters that are not allowed: {', '.join(given - PARAMETERS)}")
    if parts.scheme == "qemu+ssh" and "no_tty" not in given:
        return uri + ("&" if parts.query else "?") + "no_tty=1"
    return uri


def is_test(uri: str) -> bool:
    """Whether the host is libvirt's ``test`` hypervisor, which runs nothing."""
    return urlsplit(uri).scheme == "test"


def is_remote(uri: str) -> bool:
    """Whether the host is another computer than this one."""
    return bool(urlsplit(uri).hostname)


class _Dead(AgentError):
    """The connection died while it was not used: nothing was done."""


class Connection:
    """One host. `timeout`: seconds that one call to libvirt, and the opening, may take."""

    def __init__(self, uri: str, clock: Clock, timeout: float) -> None:
        self.uri = check_uri(uri)
        self.timeout = timeout
        self._calls = Calls(clock, f"libvirt {urlsplit(uri).scheme}")
        self._opening = asyncio.Lock()
        self._handle: Any = None

    @property
    def opened(self) -> bool:
        """Whether the host was reached, and was not lost since."""
        return self._handle is not None

    async def run(self, work: Work[T], *, limit: float | None = None) -> T:
        """What `work` returns, after at most `limit` seconds. Raises `CommandFailed`, `HostUnreachable`."""
        limit = self.timeout if limit is None else limit
        try:
            await self._open(limit)
            try:
                return await self._calls.run(lambda gate: self._use(work, gate), limit)
            except _Dead:
                await self._open(limit)
                return await self._calls.run(lambda gate: self._use(work, gate), limit)
        except _Dead as error:
            raise HostUnreachable(str(error)) from None
        except HostUnreachable:
            self.let_go()
            raise

    def let_go(self) -> None:
        """Forgets the connection. Never blocks: closing it is the business of a thread of its own."""
        box, self._handle = [self._handle], None
        threading.Thread(target=box.clear, name="libvirt-close", daemon=True).start()

    def close(self) -> None:
        """Gives up all calls and forgets the connection. Never blocks."""
        self._calls.drop("the driver is closed")
        self.let_go()

    async def _open(self, limit: float) -> None:
        async with self._opening:
            if self._handle is None:
                await self._calls.run(self._connect, limit)

    def _connect(self, gate: Gate) -> None:
        libvirt = load()
        try:
            handle = libvirt.open(self.uri)
        except libvirt.libvirtError as error:
            raise HostUnreachable(one_line(str(error))) from None
        try:
            handle.setKeepAlive(*KEEPALIVE)
        except libvirt.libvirtError:
            log.debug("connections to %s cannot be kept alive", urlsplit(self.uri).scheme)
        gate.check()
        self._handle = handle

    def _use(self, work: Work[T], gate: Gate) -> T:
        libvirt = load()
        handle = self._handle
        try:
            if handle is None or not handle.isAlive():
                self._lost(handle)
                raise _Dead("the connection to the host was lost")
            return work(handle, gate)
        except libvirt.libvirtError as error:
            alive = _alive(libvirt, handle)
            if not alive:
                self._lost(handle)
            raise translate(error, alive=alive) from None

    def _lost(self, handle: Any) -> None:
        if self._handle is handle:
            self._handle = None


def _alive(libvirt: Any, handle: Any) -> bool:
    try:
        return bool(handle.isAlive())
    except libvirt.libvirtError:
        return False
