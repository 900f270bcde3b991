"""Viewers that send nonsense, too much, or nothing: they are let go, and nobody else notices."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from apiclient import Api
from rfb import Viewer
from test_console import endpoint, socket_url, viewer

from cloudsim.server import Server


@pytest.fixture
async def machine(api: Api) -> dict[str, Any]:
    return await api.deploy(name="web1")


@pytest.fixture
async def bystander(
    api: Api, http: aiohttp.ClientSession, machine: dict[str, Any], server: Server
) -> AsyncIterator[Viewer]:
    """Somebody who looks at the same machine, and sees it to the end."""
    async with viewer(http, await endpoint(api, machine)) as seen:
        await seen.sees("login:")
        yield seen
        await seen.type("still there")
        await seen.sees("login: still there")
        async with asyncio.timeout(5):
            while server.consoles.number > 1:
                await asyncio.sleep(0.02)


NONSENSE = {
    "no version": b"GET / HTTP/1.1\r\n\r\n",
    "no number": b"RFB abc.def\n",
    "no such security": b"RFB 003.008\n\x13",
    "no such message": b"RFB 003.008\n\x01\x01\xff" + bytes(100),
    "a form without colours": b"RFB 003.008\n\x01\x01\0\0\0\0" + bytes(16),
    "shifts that are too wide": b"RFB 003.008\n\x01\x01" + bytes(4) + b"\x08\x08\0\1" + bytes(6) + b"\x63\0\0" + bytes(3),
    "a clipboard of two gigabytes": b"RFB 003.008\n\x01\x01" + struct.pack(">BxxxI", 6, (1 << 31) - 1),
}  # fmt: skip


@pytest.mark.parametrize("what", NONSENSE)
async def test_nonsense_is_not_taken(
    what: str, api: Api, http: aiohttp.ClientSession, machine: dict[str, Any], bystander: Viewer
) -> None:
    async with http.ws_connect(socket_url(await endpoint(api, machine))) as socket:
        await socket.send_bytes(NONSENSE[what])
        assert (await Viewer(socket).ends()).code == 4001


async def test_messages_that_are_too_large_or_no_bytes(
    api: Api, http: aiohttp.ClientSession, machine: dict[str, Any], bystander: Viewer
) -> None:
    for sent, code in ((b"x" * (1 << 20), 1009), ("text", 1003)):
        async with http.ws_connect(socket_url(await endpoint(api, machine))) as socket:
            await (socket.send_bytes(sent) if isinstance(sent, bytes) else socket.send_str(sent))
            assert (await Viewer(socket).ends()).code == code


async def test_a_flood_of_keys_and_requests_holds_nobody_up(
    api: Api, http: aiohttp.ClientSession, machine: dict[str, Any], bystander: Viewer
) -> None:
    async with viewer(http, await endpoint(api, machine)) as loud:
        wanted = struct.pack(">BBHHHH", 3, 0, 0, 0, 640, 400)
        keys = struct.pack(">BBxxI", 4, 1, ord("x")) * 1000

        async def flood() -> None:
            for _ in range(200):
                await loud.send(wanted + keys)

        flooding = asyncio.ensure_future(flood())
        slowest = 0.0
        for _ in range(10):
            started = asyncio.get_running_loop().time()
            await api.call("listZones")
            slowest = max(slowest, asyncio.get_running_loop().time() - started)
        flooding.cancel()
        assert slowest < 1.0
    await bystander.key(0xFFE3, ord("u"))


async def test_a_viewer_that_does_not_read_is_let_go(
    api: Api, machine: dict[str, Any], server: Server, bystander: Viewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cloudsim.console.proxy.PATIENCE", 0.5)
    made = await endpoint(api, machine)
    told = made["websocket"]
    reader, writer = await asyncio.open_connection(told["host"], int(told["port"]), limit=1024)
    writer.write(
        f"GET /websockify?token={told['token']} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
    )
    await reader.readuntil(b"\r\n\r\n")
    writer.transport.pause_reading()
    whole = struct.pack(">BBHHHH", 3, 0, 0, 0, 640, 400)

    def frame(data: bytes) -> bytes:
        return bytes((0x82, 0x80 | len(data))) + bytes(4) + data

    writer.write(frame(b"RFB 003.008\n\x01\x01"))
    async with asyncio.timeout(20):
        while server.consoles.number > 1:
            writer.write(frame(whole))
            await asyncio.sleep(0.02)
    writer.close()


async def test_connections_that_are_not_websockets(
    api: Api, http: aiohttp.ClientSession, machine: dict[str, Any]
) -> None:
    made = await endpoint(api, machine)
    async with http.get(socket_url(made).replace("ws:", "http:")) as answer:
        assert answer.status == 426
    async with viewer(http, made) as seen:
        await seen.picture()


async def test_half_a_handshake(
    api: Api, http: aiohttp.ClientSession, machine: dict[str, Any], bystander: Viewer
) -> None:
    socket = await http.ws_connect(socket_url(await endpoint(api, machine)))
    await socket.send_bytes(b"RFB 00")
    # the browser is gone without a word
    assert socket._response.connection is not None
    assert socket._response.connection.transport is not None
    socket._response.connection.transport.abort()
