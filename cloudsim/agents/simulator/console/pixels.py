"""Letters as pixels, in the form that an RFB client asks for."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from cloudsim.agents.simulator.console import font
from cloudsim.agents.simulator.console.screen import COLUMNS, CURSOR, ROWS, Line

WIDTH, HEIGHT = COLUMNS * font.WIDTH, ROWS * font.HEIGHT

#: Red, green and blue of the colours of letters, and of what is behind them.
COLOURS = ((0xAA, 0xAA, 0xAA), (0xFF, 0xFF, 0xFF), (0x55, 0xDD, 0x55))
BACKGROUND = (0, 0, 0)

_FORM = struct.Struct(">BBBBHHHBBBxxx")


@dataclass(frozen=True, slots=True)
class Form:
    """How a pixel is written: bits, byte order, and where each colour lies in it."""

    bits: int = 32
    depth: int = 24
    big_endian: bool = False
    maximum: tuple[int, int, int] = (255, 255, 255)
    shift: tuple[int, int, int] = (16, 8, 0)

    def pack(self) -> bytes:
        """As the protocol writes it."""
        return _FORM.pack(self.bits, self.depth, self.big_endian, 1, *self.maximum, *self.shift)

    def pixel(self, colour: tuple[int, int, int]) -> bytes:
        """One pixel of a colour."""
        value = 0
        for part, most, shift in zip(colour, self.maximum, self.shift, strict=True):
            value |= (part * most + 127) // 255 << shift
        return (value & ((1 << self.bits) - 1)).to_bytes(self.bits // 8, "big" if self.big_endian else "little")


def unpack(data: bytes) -> Form:
    """The form that a client asks for. ``ValueError`` for one without true colours, or that makes no sense."""
    bits, depth, big, true, *rest = _FORM.unpack(data)
    if bits not in (8, 16, 32) or not true or max(rest[3:]) >= bits:
        raise ValueError("pixels must have true colours of 8, 16 or 32 bits")
    return Form(bits, depth, bool(big), (rest[0], rest[1], rest[2]), (rest[3], rest[4], rest[5]))


class Painter:
    """Draws letters in one form; remembers what it has drawn."""

    def __init__(self, form: Form) -> None:
        self._back = form.pixel(BACKGROUND)
        self._inks = [form.pixel(colour) for colour in COLOURS]
        self._drawn: dict[tuple[int, int], tuple[bytes, ...]] = {}

    def rectangle(self, lines: list[Line], left: int, right: int) -> bytes:
        """The pixels of the letters from column `left` up to `right` of some lines."""
        made: list[bytes] = []
        for codes, colours in lines:
            cells = [self._cell(codes[at], colours[at]) for at in range(left, right)]
            made.extend(b"".join(cell[row] for cell in cells) for row in range(font.HEIGHT))
        return b"".join(made)

    def _cell(self, code: int, colour: int) -> tuple[bytes, ...]:
        found = self._drawn.get((code, colour))
        if found is None:
            ink, back = self._inks[(colour & ~CURSOR) % len(self._inks)], self._back
            rows = list(font.glyph(code))
            if colour & CURSOR:
                rows[-2:] = [0xFF, 0xFF]
            found = self._drawn[code, colour] = tuple(
                b"".join(ink if row & (0x80 >> bit) else back for bit in range(font.WIDTH)) for row in rows
            )
        return found
