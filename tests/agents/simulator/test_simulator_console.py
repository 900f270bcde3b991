"""The simulated screen by itself: letters, keys, pixels, and the protocol in its versions and forms."""

from __future__ import annotations

import asyncio
import struct

import pytest
from simulator_helpers import JumpingClock

from cloudsim.agents.base import CommandFailed
from cloudsim.agents.simulator.console import font, keys, pixels
from cloudsim.agents.simulator.console.guest import Guest
from cloudsim.agents.simulator.console.keys import Keyboard
from cloudsim.agents.simulator.console.rfb import Connection
from cloudsim.agents.simulator.console.screen import BLANK, COLUMNS, CURSOR, ROWS, Screen

SPEC = {
    "uuid": "00000000-0000-4000-8000-000000000001", "name": "i-2-3-VM", "hostname": "web1", "cpus": 2, "speed": 1000,
    "memory": 1 << 30, "os": "Debian", "arch": "x86_64", "boot_type": "Bios", "boot_mode": "Legacy", "disks": [],
    "nics": [],
}  # fmt: skip


def test_a_screen_scrolls_wraps_and_takes_letters_back() -> None:
    screen = Screen()
    screen.write("x" * (COLUMNS + 1))
    assert screen.text() == "x" * COLUMNS + "\nx"
    screen.write("\b\b")
    assert screen.text() == "x" * (COLUMNS - 1)
    screen.clear()
    screen.write("".join(f"{number}\n" for number in range(ROWS + 5)))
    assert screen.text().split("\n")[0] == "6"
    screen.clear()
    screen.write("a\tb\u20ac")
    assert screen.text() == "a       b?"
    codes, colours = screen.lines()[0]
    assert [at for at in range(COLUMNS) if colours[at] & CURSOR] == [10]
    assert codes[10] == BLANK


@pytest.mark.parametrize(
    ("pressed", "typed"),
    [
        ([0x61], "a"),
        ([0x41], "A"),
        ([0xFF0D], "\n"),
        ([0xFF8D], "\n"),
        ([0xFF08], "\b"),
        ([0xFFB7], "7"),
        ([0xFFE3, 0x63], "\x03"),
        ([0xFFE4, 0x43], "\x03"),
        ([0xFFE3, 0xFFE9, 0xFFFF], keys.REBOOT),
        ([0xFFE9, 0x61], ""),
        ([0xFFE1], ""),
        ([0xFFBE], ""),
        ([0xE4], "?"),
        ([0x010020AC], "?"),
    ],
)
def test_what_keys_type(pressed: list[int], typed: str) -> None:
    keyboard = Keyboard()
    assert [keyboard.key(True, one) for one in pressed][-1] == typed
    assert all(keyboard.key(False, one) == "" for one in pressed)
    assert keyboard.key(True, 0x62) == "b"


def test_the_guest_shows_what_is_true_and_knows_a_few_words() -> None:
    clock = JumpingClock()
    card = {
        "device": 0,
        "mac": "02:00:00:00:00:01",
        "ip": "10.1.1.5",
        "netmask": "255.255.255.0",
        "gateway": "10.1.1.1",
    }
    disk = {"device": 0, "size": 5 << 30, "type": "ROOT"}
    guest = Guest({**SPEC, "nics": [card], "disks": [disk]}, clock.now(), clock.now)
    assert "eth0  02:00:00:00:00:01  10.1.1.5/24  gateway 10.1.1.1" in guest.screen.text()
    assert "vda  5.0 GiB  ROOT" in guest.screen.text()

    def enters(line: str) -> str:
        for letter in line + "\n":
            guest.typed(letter)
        return guest.screen.text()

    enters("root")
    assert "pass word" not in enters("pass word")
    clock.milliseconds += 90_061_000
    enters("clear")
    assert "up 1 days, 01:01:01" in enters("uptime")
    assert "nonsense: not found" in enters("nonsense 'quote")
    guest.typed("x")
    guest.typed("\x15")
    guest.typed("\x03")
    assert guest.screen.text().endswith("^C\nroot@web1:~$")
    assert enters("exit").endswith("web1 login:")
    assert enters("").endswith("web1 login:\nweb1 login:")
    iso = {"uuid": "u", "name": "Debian netinst", "path": None, "bootable": True}
    assert "from ISO Debian netinst" in Guest({**SPEC, "iso": iso}, 0, clock.now).screen.text()
    # a machine without anything
    assert "there is nothing to boot from" in Guest(SPEC, 0, clock.now).screen.text()


async def shaken(version: bytes = b"RFB 003.008\n") -> tuple[Connection, Guest]:
    clock = JumpingClock()
    guest = Guest(SPEC, clock.now(), clock.now)
    made = Connection(guest, clock)
    assert await made.read() == b"RFB 003.008\n"
    await made.write(version)
    if version < b"RFB 003.007\n":
        assert await made.read() == struct.pack(">I", 1)
    else:
        assert await made.read() == b"\x01\x01"
        await made.write(b"\x01")
        if version >= b"RFB 003.008\n":
            assert await made.read() == bytes(4)
    await made.write(b"\x01")
    told = await made.read()
    assert struct.unpack(">HH", told[:4]) == (pixels.WIDTH, pixels.HEIGHT)
    assert told[24:] == b"web1 (i-2-3-VM)"
    return made, guest


@pytest.mark.parametrize("version", [b"RFB 003.003\n", b"RFB 003.007\n", b"RFB 003.008\n", b"RFB 003.889\n"])
async def test_every_version_of_the_protocol(version: bytes) -> None:
    connection, _ = await shaken(version)
    await connection.write(struct.pack(">BBHHHH", 3, 0, 0, 0, 640, 400))
    picture = await connection.read()
    assert len(picture) == 4 + ROWS * (12 + 640 * font.HEIGHT * 4)


@pytest.mark.parametrize(
    ("form", "white"),
    [
        ((8, 8, 0, 1, 7, 7, 3, 0, 3, 6), b"\xff"),
        ((16, 16, 0, 1, 31, 63, 31, 11, 5, 0), b"\xff\xff"),
        ((16, 16, 1, 1, 31, 63, 31, 11, 5, 0), b"\xff\xff"),
        ((32, 24, 1, 1, 255, 255, 255, 16, 8, 0), b"\0\xff\xff\xff"),
        ((32, 24, 0, 1, 255, 255, 255, 0, 8, 16), b"\xff\xff\xff\0"),
    ],
)
async def test_pixels_come_in_the_form_that_is_asked_for(form: tuple[int, ...], white: bytes) -> None:
    connection, _ = await shaken()
    await connection.write(struct.pack(">BxxxBBBBHHHBBBxxx", 0, *form))
    await connection.write(struct.pack(">BBHHHH", 3, 0, 0, 0, 640, 400))
    drawn = (await connection.read())[16:]
    size = form[0] // 8
    # the first line, in bright letters
    assert {drawn[at : at + size] for at in range(0, 640 * size * font.HEIGHT, size)} == {white, bytes(size)}


async def test_bytes_come_in_pieces_of_any_size() -> None:
    connection, guest = await shaken()
    clipboard = struct.pack(">BxxxI", 6, 5000) + b"c" * 5000
    extended = struct.pack(">Bxxxi", 6, -2000) + b"c" * 2000
    mouse = struct.pack(">BBHH", 5, 1, 10, 10)
    encodings = struct.pack(">BxH2i", 2, 2, 0, -239)
    for byte in clipboard + mouse + extended + encodings + struct.pack(">BBxxI", 4, 1, ord("q")):
        await connection.write(bytes([byte]))
    assert guest.screen.text().endswith("login: q")


async def test_a_picture_is_made_when_something_changes() -> None:
    connection, guest = await shaken()
    wanted = struct.pack(">BBHHHH", 3, 1, 0, 0, 640, 400)
    await connection.write(wanted)
    await connection.read()
    await connection.write(wanted)
    waiting = asyncio.ensure_future(connection.read())
    await asyncio.sleep(0.01)
    assert not waiting.done()
    guest.typed("q")
    picture = await waiting
    # the letter and the cursor behind it
    assert struct.unpack(">xxH", picture[:4]) == (1,)
    assert struct.unpack(">HHHHi", picture[4:16])[2:4] == (2 * font.WIDTH, font.HEIGHT)
    connection.close()
    assert await connection.read() == b""
    with pytest.raises(CommandFailed):
        other, _ = await shaken()
        await other.write(b"\x63")
