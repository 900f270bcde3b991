"""The screen of a domain: QEMU's own VNC server, reached through a socket that libvirt hands over.

The domain's VNC display has a password that nobody is told, so nobody else on the host can look. libvirt lets whoever may
manage the domain past it.
"""

from __future__ import annotations

import asyncio
import os
import socket
from typing import Any

from cloudsim.agents.base import CommandFailed
from cloudsim.agents.libvirt import machines
from cloudsim.agents.libvirt.calls import Gate
from cloudsim.agents.libvirt.library import load

CHUNK = 1 << 16


def connect(connection: Any, gate: Gate, uuid: str, name: str) -> socket.socket:
    """A socket to the VNC server of a domain that runs here. Raises `CommandFailed`."""
    libvirt = load()
    domain = machines.find(connection, uuid, name)
    if domain is None or not machines.is_active(domain):
        raise CommandFailed(f"virtual machine {name} does not run on this host")
    gate.check()
    made = domain.openGraphicsFD(0, libvirt.VIR_DOMAIN_OPEN_GRAPHICS_SKIPAUTH)
    try:
        return socket.socket(fileno=made)
    except OSError:
        os.close(made)
        raise CommandFailed("the console is not to be had through a socket") from None


class SocketStream:
    """A `cloudsim.agents.base.ConsoleStream` over a socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def read(self) -> bytes:
        """What the VNC server sends; empty when it is gone."""
        try:
            return await self._reader.read(CHUNK)
        except OSError:
            return b""

    async def write(self, data: bytes) -> None:
        """Sends to the VNC server, at its pace."""
        try:
            self._writer.write(data)
            await self._writer.drain()
        except OSError:
            self.close()

    def close(self) -> None:
        """Closes the socket."""
        self._writer.close()


async def stream(made: socket.socket) -> SocketStream:
    """The stream over a socket that is connected."""
    made.setblocking(False)
    return SocketStream(*await asyncio.open_unix_connection(sock=made))
