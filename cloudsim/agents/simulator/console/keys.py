"""A keyboard: which keys are down, and what was typed. Keys come as X11's numbers for them (keysyms), as RFB has them."""

from __future__ import annotations

BACKSPACE, TAB, RETURN = "\b", "\t", "\n"
#: What Ctrl with Alt and Delete types.
REBOOT = "reboot"

_CONTROL = frozenset((0xFFE3, 0xFFE4))
_ALT = frozenset((0xFFE7, 0xFFE8, 0xFFE9, 0xFFEA))
_DELETE = frozenset((0xFFFF, 0xFF9F))
_HELD = _CONTROL | _ALT
_NAMED = {
    0xFF08: BACKSPACE,
    0xFFFF: BACKSPACE,
    0xFF09: TAB,
    0xFF0D: RETURN,
    0xFF8D: RETURN,
    0xFF80: " ",
    # the numeric keypad
    **{0xFFB0 + digit: str(digit) for digit in range(10)},
    0xFFAA: "*",
    0xFFAB: "+",
    0xFFAD: "-",
    0xFFAE: ".",
    0xFFAF: "/",
}


class Keyboard:
    """Remembers the keys that are held."""

    def __init__(self) -> None:
        self._held: set[int] = set()

    def key(self, down: bool, keysym: int) -> str:
        """What pressing or letting go of a key types: a letter, a control character (Ctrl and a letter), `BACKSPACE`,
        `TAB`, `RETURN`, `REBOOT`, or nothing.
        """
        if keysym in _HELD:
            (self._held.add if down else self._held.discard)(keysym)
            return ""
        if not down:
            return ""
        control, alt = bool(self._held & _CONTROL), bool(self._held & _ALT)
        if control and alt and keysym in _DELETE:
            return REBOOT
        if alt:
            return ""
        if control:
            letter = chr(keysym).lower() if 0x40 <= keysym <= 0x7A else ""
            return chr(ord(letter) - 0x60) if "a" <= letter <= "z" else ""
        if keysym in _NAMED:
            return _NAMED[keysym]
        if 0x20 <= keysym <= 0x7E:
            return chr(keysym)
        # other letters: Latin-1 by themselves, all others with a mark; the font shows none of them
        return "?" if 0xA0 <= keysym <= 0xFF or keysym & 0xFF000000 == 0x01000000 else ""
