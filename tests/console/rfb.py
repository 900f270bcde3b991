"""An RFB client over a WebSocket: takes pictures, and reads them by comparing with the font."""

from __future__ import annotations

import asyncio
import struct
import zlib
from typing import Any

import aiohttp

from cloudsim.agents.simulator.console import font

RAW, ZLIB = 0, 6
COLUMNS, ROWS = 80, 25
CONTROL, ALT, DELETE, RETURN, BACKSPACE = 0xFFE3, 0xFFE9, 0xFFFF, 0xFF0D, 0xFF08
_GLYPHS = {glyph: chr(font.FIRST + index) for index, glyph in enumerate(font.GLYPHS)}


class Closed(Exception):
    """The server closed the connection."""

    def __init__(self, code: int | None, reason: str) -> None:
        super().__init__(f"{code} {reason}")
        self.code, self.reason = code, reason


class Viewer:
    """One connection; `shake` first."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, encodings: tuple[int, ...] = (RAW,)) -> None:
        self.socket = socket
        self.encodings = encodings
        self.name = ""
        self.rectangles = 0
        self._buffer = bytearray()
        self._inflate = zlib.decompressobj()

    async def shake(self, version: bytes = b"RFB 003.008\n") -> Viewer:
        """Says hello, and what it understands."""
        assert await self._take(12) == b"RFB 003.008\n"
        await self.send(version)
        if version >= b"RFB 003.007":
            (number,) = await self._take(1)
            assert 1 in await self._take(number), "a password is asked for"
            await self.send(b"\x01")
        if version != b"RFB 003.007\n":
            (refused,) = struct.unpack(">I", await self._take(4))
            assert refused == (0 if version >= b"RFB 003.008" else 1)
        await self.send(b"\x01")
        self.width, self.height = struct.unpack(">HH", await self._take(4))
        await self._take(16)
        (length,) = struct.unpack(">I", await self._take(4))
        self.name = (await self._take(length)).decode()
        # 32 bits, red first
        await self.send(struct.pack(">BxxxBBBBHHHBBBxxx", 0, 32, 24, 0, 1, 255, 255, 255, 0, 8, 16))
        await self.send(struct.pack(f">BxH{len(self.encodings)}i", 2, len(self.encodings), *self.encodings))
        self.pixels = bytearray(self.width * self.height * 4)
        return self

    async def send(self, data: bytes) -> None:
        await self.socket.send_bytes(data)

    async def picture(self, *, whole: bool = False) -> None:
        """Asks for what has changed, or for all, and draws it."""
        await self.send(struct.pack(">BBHHHH", 3, not whole, 0, 0, self.width, self.height))
        assert (await self._take(1)) == b"\0"
        (number,) = struct.unpack(">xH", await self._take(3))
        for _ in range(number):
            await self._rectangle()

    async def _rectangle(self) -> None:
        left, top, width, height, encoding = struct.unpack(">HHHHi", await self._take(12))
        if encoding == ZLIB:
            (length,) = struct.unpack(">I", await self._take(4))
            data = self._inflate.decompress(await self._take(length))
        else:
            assert encoding == RAW
            data = await self._take(width * height * 4)
        assert len(data) == width * height * 4
        self.rectangles += 1
        for row in range(height):
            start = ((top + row) * self.width + left) * 4
            self.pixels[start : start + width * 4] = data[row * width * 4 : (row + 1) * width * 4]

    def text(self) -> str:
        """What there is to read: pixels that are no letter of the font are shown as a box."""
        return read(self.pixels, self.width)

    async def sees(self, text: str, seconds: float = 10.0) -> str:
        """Takes pictures until a text is there; answers all there is to read."""
        try:
            async with asyncio.timeout(seconds):
                await self.picture(whole=True)
                while text not in self.text():
                    await self.picture()
        except TimeoutError:
            raise AssertionError(f"{text!r} did not come:\n{self.text()}") from None
        return self.text()

    async def key(self, *keysyms: int) -> None:
        """Presses keys in their order, and lets go of them in the reverse."""
        for down, keysym in [*((1, one) for one in keysyms), *((0, one) for one in reversed(keysyms))]:
            await self.send(struct.pack(">BBxxI", 4, down, keysym))

    async def type(self, text: str) -> None:
        for letter in text:
            await self.key(RETURN if letter == "\n" else ord(letter))

    async def ends(self, seconds: float = 5.0) -> Closed:
        """Waits until the server closes it."""
        async with asyncio.timeout(seconds):
            try:
                while True:
                    await self._more()
            except Closed as closed:
                return closed

    async def _take(self, number: int) -> bytes:
        while len(self._buffer) < number:
            await self._more()
        made = bytes(self._buffer[:number])
        del self._buffer[:number]
        return made

    async def _more(self) -> None:
        message: Any = await self.socket.receive(timeout=20)
        if message.type is not aiohttp.WSMsgType.BINARY:
            raise Closed(self.socket.close_code, str(message.extra or ""))
        self._buffer += message.data


def read(pixels: bytes | bytearray, width: int) -> str:
    """The text in a picture of 80 by 25 letters, four bytes a pixel."""
    lines = []
    for row in range(ROWS):
        line = ""
        for column in range(COLUMNS):
            bits = []
            for y in range(font.HEIGHT):
                start = ((row * font.HEIGHT + y) * width + column * font.WIDTH) * 4
                bits.append(sum(0x80 >> x for x in range(font.WIDTH) if any(pixels[start + 4 * x : start + 4 * x + 3])))
            if bits[-2:] == [0xFF, 0xFF]:  # the cursor
                bits[-2:] = [0, 0]
            line += _GLYPHS.get(bytes(bits), "\u25a1")
        lines.append(line.rstrip())
    return "\n".join(lines).rstrip("\n")
