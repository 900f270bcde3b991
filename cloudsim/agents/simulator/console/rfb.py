"""The RFB protocol (3.8, also 3.3 and 3.7), the server's side: one connection to a screen.

Nothing here waits for a client: what it sends is taken as it comes, in pieces of any size, and pictures are only made
when somebody takes them, from what the screen is by then. So a slow client gets fewer pictures, and none pile up.
"""

from __future__ import annotations

import asyncio
import struct
import zlib

from cloudsim.agents.base import CommandFailed
from cloudsim.agents.simulator.console import font, pixels
from cloudsim.agents.simulator.console.guest import Guest
from cloudsim.agents.simulator.console.keys import Keyboard
from cloudsim.agents.simulator.console.pixels import HEIGHT, WIDTH, Form, Painter
from cloudsim.agents.simulator.console.screen import COLUMNS, ROWS, Line
from cloudsim.core.clock import Clock

RAW, ZLIB = 0, 6
_VERSION = b"RFB 003.008\n"
#: Bytes of clipboard text that are taken (and forgotten: a text screen has no clipboard).
CLIPBOARD = 1 << 20
#: Seconds between two pictures, at least.
PACE = 1 / 30
#: Messages after which others have their turn.
SLICE = 200


class Connection:
    """A `cloudsim.agents.base.ConsoleStream` to a guest's screen."""

    def __init__(self, guest: Guest, clock: Clock) -> None:
        self.guest = guest
        self._clock = clock
        self._keyboard = Keyboard()
        self._in = bytearray()
        self._out: list[bytes] = [_VERSION]
        self._wake = asyncio.Event()
        self._ended = False
        #: What the client's next bytes are.
        self._expects = self._version
        self._form = Form()
        self._painter = Painter(self._form)
        self._deflate: zlib._Compress | None = None
        self._wanted = False
        self._shown: list[Line | None] = [None] * ROWS
        self._skip = 0
        self._last = -PACE
        guest.watchers.add(self._wake.set)

    @property
    def ended(self) -> bool:
        """Whether it was closed."""
        return self._ended

    # ---- the stream

    async def read(self) -> bytes:
        """What the client is to be sent next; empty when the screen is gone."""
        while True:
            if self._out:
                made, self._out = b"".join(self._out), []
                return made
            if self._ended:
                return b""
            if self._wanted:
                wait = self._last + PACE - self._clock.monotonic()
                if wait > 0:
                    await self._clock.sleep(wait)
                picture = self._picture()
                if picture:
                    self._last = self._clock.monotonic()
                    return picture
            self._wake.clear()
            if not self._out and not self._ended:
                await self._wake.wait()

    async def write(self, data: bytes) -> None:
        """What the client sent. `CommandFailed` where it does not speak RFB."""
        if self._ended:
            return
        self._in += data
        number = 0
        try:
            while self._step():
                number += 1
                if number % SLICE == 0:
                    await self._clock.sleep(0)
        except (ValueError, struct.error) as error:
            raise CommandFailed(f"the client does not speak RFB: {error}") from None
        self._wake.set()

    def close(self) -> None:
        """Ends it; fine where it has ended."""
        self._ended = True
        self._in.clear()
        self.guest.watchers.discard(self._wake.set)
        self._wake.set()

    # ---- what the client says

    def _step(self) -> bool:
        """Takes the next message; whether there was a whole one."""
        if self._ended:
            return False
        if self._skip:
            gone = min(self._skip, len(self._in))
            del self._in[:gone]
            self._skip -= gone
            if self._skip:
                return False
        return bool(self._in) and self._expects()

    def _take(self, number: int) -> bytes | None:
        if len(self._in) < number:
            return None
        made = bytes(self._in[:number])
        del self._in[:number]
        return made

    def _version(self) -> bool:
        told = self._take(12)
        if told is None:
            return False
        if told[:4] != b"RFB " or told[7:8] != b"." or told[11:] != b"\n":
            raise ValueError("it does not begin with the protocol's version")
        if (int(told[4:7]), int(told[8:11])) < (3, 7):
            # the server alone decides, and nothing is confirmed
            self._out.append(struct.pack(">I", 1))
            self._expects = self._init
        else:
            self._confirms = told >= b"RFB 003.008"
            self._out.append(bytes((1, 1)))
            self._expects = self._security
        return True

    def _security(self) -> bool:
        chosen = self._take(1)
        if chosen is None:
            return False
        if chosen != b"\x01":
            raise ValueError("it takes a kind of security that was not offered")
        if self._confirms:
            self._out.append(struct.pack(">I", 0))
        self._expects = self._init
        return True

    def _init(self) -> bool:
        if self._take(1) is None:
            return False
        name = self.guest.title.encode()
        self._out.append(struct.pack(">HH", WIDTH, HEIGHT) + self._form.pack() + struct.pack(">I", len(name)) + name)
        self._expects = self._message
        return True

    def _message(self) -> bool:
        match self._in[0]:
            case 0:
                message = self._take(20)
                if message is not None:
                    self._form = pixels.unpack(message[4:])
                    self._painter = Painter(self._form)
                    self._shown = [None] * ROWS
            case 2:
                if len(self._in) < 4:
                    return False
                (number,) = struct.unpack_from(">H", self._in, 2)
                message = self._take(4 + 4 * number)
                if message is not None:
                    self._encodings(struct.unpack_from(f">{number}i", message, 4))
            case 3:
                message = self._take(10)
                if message is not None:
                    self._wanted = True
                    if not message[1]:
                        self._shown = [None] * ROWS
            case 4:
                message = self._take(8)
                if message is not None:
                    down, keysym = struct.unpack(">xB2xI", message)
                    self.guest.typed(self._keyboard.key(bool(down), keysym))
            case 5:
                message = self._take(6)  # there is no mouse
            case 6:
                message = self._take(8)
                if message is not None:
                    (length,) = struct.unpack(">4xi", message)
                    if abs(length) > CLIPBOARD:
                        raise ValueError("its clipboard is too long")
                    self._skip = abs(length)
            case kind:
                raise ValueError(f"there is no message {kind}")
        return message is not None

    def _encodings(self, known: tuple[int, ...]) -> None:
        if ZLIB in known and self._deflate is None:
            self._deflate = zlib.compressobj(1)
        self._packs = ZLIB in known

    # ---- what it is shown

    _packs = False
    _confirms = True

    def _picture(self) -> bytes:
        """What is not as the client was last shown it; nothing where all is."""
        lines = self.guest.screen.lines()
        rectangles = []
        for top, line in enumerate(lines):
            before = self._shown[top]
            if before == line:
                continue
            left, right = (0, COLUMNS) if before is None else _differ(before, line)
            rectangles.append(self._rectangle(top, line, left, right))
        if not rectangles:
            return b""
        self._shown = list(lines)
        self._wanted = False
        return struct.pack(">xxH", len(rectangles)) + b"".join(rectangles)

    def _rectangle(self, top: int, line: Line, left: int, right: int) -> bytes:
        packed = self._packs and self._deflate is not None
        head = struct.pack(
            ">HHHHi",
            left * font.WIDTH,
            top * font.HEIGHT,
            (right - left) * font.WIDTH,
            font.HEIGHT,
            ZLIB if packed else RAW,
        )
        drawn = self._painter.rectangle([line], left, right)
        if not packed or self._deflate is None:
            return head + drawn
        made = self._deflate.compress(drawn) + self._deflate.flush(zlib.Z_SYNC_FLUSH)
        return head + struct.pack(">I", len(made)) + made


def _differ(before: Line, now: Line) -> tuple[int, int]:
    """The first column in which two lines differ, and the one after the last."""
    columns = [
        at for at in range(COLUMNS) if before[0][at] != now[0][at] or before[1][at] != now[1][at]
    ]  # fmt: skip
    return columns[0], columns[-1] + 1
