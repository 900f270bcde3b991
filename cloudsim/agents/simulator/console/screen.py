"""A text screen of 80 by 25 letters: what a program writes to it, and where the cursor stands."""

from __future__ import annotations

COLUMNS, ROWS = 80, 25
BLANK = 0x20
#: Colours of letters; `CURSOR` is added where the cursor stands.
NORMAL, BRIGHT, GREEN = 0, 1, 2
CURSOR = 0x80

#: One row: the codes of its letters, and their colours.
Line = tuple[bytes, bytes]


class Screen:
    """The letters. `changes` counts what was done to it."""

    def __init__(self) -> None:
        self.changes = 0
        self.clear()

    def clear(self) -> None:
        """Empties it; the cursor stands at the top."""
        self._codes = [bytearray([BLANK] * COLUMNS) for _ in range(ROWS)]
        self._colours = [bytearray([NORMAL] * COLUMNS) for _ in range(ROWS)]
        self._x = self._y = 0
        self.changes += 1

    def write(self, text: str, colour: int = NORMAL) -> None:
        r"""Writes at the cursor. ``\n`` begins a line, ``\b`` takes one letter back; what is no ASCII becomes ``?``."""
        for letter in text:
            if letter == "\n":
                self._x = 0
                self._next_line()
            elif letter == "\b":
                self._back()
            elif letter == "\t":
                self.write(" " * (8 - self._x % 8), colour)
            else:
                self._put(ord(letter) if " " <= letter <= "~" else ord("?"), colour)
        self.changes += 1

    def lines(self) -> list[Line]:
        """Every row as it is now, the cursor with it."""
        shown = [(bytes(codes), bytes(colours)) for codes, colours in zip(self._codes, self._colours, strict=True)]
        codes, colours = shown[self._y]
        at = min(self._x, COLUMNS - 1)
        shown[self._y] = (codes, colours[:at] + bytes([colours[at] | CURSOR]) + colours[at + 1 :])
        return shown

    def text(self) -> str:
        """What there is to read, without blanks at the ends of lines."""
        return "\n".join(codes.decode("ascii").rstrip() for codes in self._codes).rstrip("\n")

    def _put(self, code: int, colour: int) -> None:
        if self._x == COLUMNS:
            self._x = 0
            self._next_line()
        self._codes[self._y][self._x] = code
        self._colours[self._y][self._x] = colour
        self._x += 1

    def _back(self) -> None:
        if self._x == 0 and self._y > 0:
            self._y -= 1
            self._x = COLUMNS
        if self._x > 0:
            self._x -= 1
            self._codes[self._y][self._x] = BLANK
            self._colours[self._y][self._x] = NORMAL

    def _next_line(self) -> None:
        if self._y < ROWS - 1:
            self._y += 1
            return
        del self._codes[0], self._colours[0]
        self._codes.append(bytearray([BLANK] * COLUMNS))
        self._colours.append(bytearray([NORMAL] * COLUMNS))
