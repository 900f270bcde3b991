"""What runs on a simulated machine as far as its screen shows: boot messages, a login, a shell of a few words.

All that it tells is true of the machine: its names, addresses, processors, memory and disks, as its host was told them.
Secrets (passwords, keys, user data) are never shown, and what is typed as a password is not echoed.
"""

from __future__ import annotations

import ipaddress
import shlex
from collections.abc import Callable, Mapping
from typing import Any

from cloudsim.agents.simulator.console import keys
from cloudsim.agents.simulator.console.screen import BRIGHT, GREEN, Screen

MIB = 1 << 20
GIB = 1 << 30
#: Letters that a line may have.
LONGEST = 200

_HELP = """\
These words are known:
  help        this list
  hostname    the name of this machine
  uname       what this is
  ip          its network cards
  cpu         its processors and memory
  disks       its disks
  uptime      since when it has been running
  echo TEXT   writes the text
  clear       empties the screen
  reboot      restarts this screen
  exit        ends the session
"""


class Guest:
    """One machine's screen, from its start on. `spec` is what its host was told of it; `clock` tells milliseconds."""

    def __init__(self, spec: Mapping[str, Any], booted: int, clock: Callable[[], int]) -> None:
        self.spec = spec
        #: When the machine was started or rebooted: another instant is another run.
        self.booted = booted
        self._clock = clock
        self.screen = Screen()
        self._mode = self._line = self._user = ""
        #: Called after each change.
        self.watchers: set[Callable[[], None]] = set()
        self._begin(booted)

    @property
    def title(self) -> str:
        """The name of the screen."""
        return f"{self.spec['hostname']} ({self.spec['name']})"

    def restart(self, spec: Mapping[str, Any], booted: int) -> None:
        """The machine was started anew."""
        self.spec, self.booted = spec, booted
        self._begin(booted)
        self._changed()

    def typed(self, text: str) -> None:
        """A key was pressed (see `keys.Keyboard.key`)."""
        if text == keys.REBOOT:
            self._begin(self._clock())
        elif text == keys.RETURN:
            self._enter()
        elif text == keys.BACKSPACE:
            if self._line:
                self._line = self._line[:-1]
                if self._mode != "password":
                    self.screen.write("\b")
        elif text == "\x03":
            self.screen.write("^C\n")
            self._prompt("shell" if self._mode == "shell" else "login")
        elif text == "\x04" and not self._line:
            self.screen.write("\n")
            self._prompt("login")
        elif text == "\x0c" and self._mode == "shell":
            kept, self._line = self._line, ""
            self.screen.clear()
            self._prompt("shell")
            self._line = kept
            self.screen.write(kept)
        elif text == "\x15":
            if self._mode != "password":
                self.screen.write("\b" * len(self._line))
            self._line = ""
        elif text and text >= " " and len(self._line) < LONGEST:
            self._line += text
            if self._mode != "password":
                self.screen.write(text)
        else:
            return
        self._changed()

    # ---- how

    def _changed(self) -> None:
        for watcher in tuple(self.watchers):
            watcher()

    def _begin(self, since: int) -> None:
        self._user, self._since = "", since
        self.screen.clear()
        write = self.screen.write
        write("cloudsim simulated machine\n\n", BRIGHT)
        for name, text in self._facts():
            write(f"{name:<12}{text}\n")
        write(f"\n[ OK ] {self.spec['hostname']} is up\n\n", GREEN)
        self._prompt("login")

    def _facts(self) -> list[tuple[str, str]]:
        spec = self.spec
        return [
            ("Instance", f"{spec['name']}  {spec['uuid']}"),
            ("Host name", spec["hostname"]),
            ("System", f"{spec['os'] or 'unknown'}, {spec['arch']}, {spec['boot_type']} {spec['boot_mode']}"),
            ("Processors", self._processors()),
            ("Memory", f"{spec['memory'] // MIB} MiB"),
            *(("Disk", text) for text in self._disks()),
            *(("Network", text) for text in self._cards()),
            ("Booting", self._boots_from()),
        ]

    def _processors(self) -> str:
        return f"{self.spec['cpus']} x {self.spec['speed']} MHz"

    def _disks(self) -> list[str]:
        return [
            f"vd{chr(ord('a') + disk['device'] % 26)}  {disk['size'] / GIB:.1f} GiB  {disk['type']}"
            for disk in sorted(self.spec["disks"], key=lambda disk: int(disk["device"]))
        ]

    def _cards(self) -> list[str]:
        return [_card(card) for card in sorted(self.spec["nics"], key=lambda card: int(card["device"]))]

    def _boots_from(self) -> str:
        iso = self.spec.get("iso")
        if iso:
            return f"from ISO {iso.get('name') or iso.get('uuid')}"
        return "from hard disk" if self.spec["disks"] else "there is nothing to boot from"

    def _prompt(self, mode: str) -> None:
        self._mode, self._line = mode, ""
        if mode == "login":
            self._user = ""
            self.screen.write(f"{self.spec['hostname']} login: ")
        elif mode == "password":
            self.screen.write("Password: ")
        else:
            self.screen.write(f"{self._user}@{self.spec['hostname']}:~$ ")

    def _enter(self) -> None:
        line, mode = self._line, self._mode
        self.screen.write("\n")
        if mode == "login":
            self._user = line.strip()[:32]
            self._prompt("password" if self._user else "login")
        elif mode == "password":
            self.screen.write(f"\nWelcome, {self._user}. This machine is simulated: any password is right.\n")
            self.screen.write("Type help for the words that are known.\n")
            self._prompt("shell")
        else:
            self._carry_out(line)

    def _carry_out(self, line: str) -> None:
        try:
            words = shlex.split(line)
        except ValueError:
            words = line.split()
        if not words:
            self._prompt("shell")
            return
        word = words[0]
        if word in ("exit", "logout"):
            self.screen.write("\n")
            self._prompt("login")
        elif word == "reboot":
            self._begin(self._clock())
        else:
            if word == "clear":
                self.screen.clear()
            else:
                self.screen.write(self._answer(word, words[1:]))
            self._prompt("shell")

    def _answer(self, word: str, rest: list[str]) -> str:
        match word:
            case "help":
                return _HELP
            case "echo":
                return " ".join(rest) + "\n"
            case "hostname":
                return f"{self.spec['hostname']}\n"
            case "uname":
                return f"cloudsim {self.spec['hostname']} simulated {self.spec['arch']}\n"
            case "ip":
                return "".join(f"{card}\n" for card in self._cards()) or "no network card\n"
            case "cpu":
                return f"{self._processors()}, {self.spec['memory'] // MIB} MiB\n"
            case "disks":
                return "".join(f"{disk}\n" for disk in self._disks()) or "no disk\n"
            case "uptime":
                return f"up {_duration((self._clock() - self._since) // 1000)}\n"
            case _:
                return f"{word[:40]}: not found; type help\n"


def _card(card: Mapping[str, Any]) -> str:
    text = f"eth{card['device']}  {card['mac']}"
    if card["ip"]:
        width = ""
        if card["netmask"]:
            width = f"/{ipaddress.IPv4Network((0, card['netmask'])).prefixlen}"
        text += f"  {card['ip']}{width}"
    if card["gateway"]:
        text += f"  gateway {card['gateway']}"
    return text


def _duration(seconds: int) -> str:
    minutes, second = divmod(max(0, seconds), 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    return f"{days} days, {hour:02}:{minute:02}:{second:02}"
