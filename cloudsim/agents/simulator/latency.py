"""How long a simulated host takes: distributions of seconds, one for each command.

They are written as one line of text, entries parted by semicolons, so that they fit into one setting::

    StartCommand=normal:2.0:0.5;StopCommand=uniform:1:3;*=constant:0.1

An entry is ``command=distribution:number:number``; the command is CloudStack's name of it. ``*`` (or no name at all)
stands for every command without an entry of its own. All numbers are seconds, and never is less than 0 drawn:

=============================  ==================================================================================
``constant:seconds``           always the same
``uniform:lowest:highest``     evenly between the two
``normal:mean:deviation``      the bell curve, cut off at 0
``lognormal:median:sigma``     median seconds and the deviation of the logarithm: a long tail to the right
``exponential:mean``           memoryless waiting with that mean
=============================  ==================================================================================
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

Draw = Callable[[random.Random, tuple[float, ...]], float]

#: Distribution -> the names of its numbers, and how one value is drawn.
_DISTRIBUTIONS: dict[str, tuple[tuple[str, ...], Draw]] = {
    "constant": (("seconds",), lambda _chance, n: n[0]),
    "uniform": (("lowest", "highest"), lambda chance, n: chance.uniform(n[0], n[1])),
    "normal": (("mean", "deviation"), lambda chance, n: chance.gauss(n[0], n[1])),
    "lognormal": (("median", "sigma"), lambda chance, n: n[0] * math.exp(chance.gauss(0.0, n[1]))),
    "exponential": (("mean",), lambda chance, n: chance.expovariate(1.0 / n[0]) if n[0] else 0.0),
}


@dataclass(frozen=True, slots=True)
class Distribution:
    """One distribution of seconds with its numbers, in the order of the table above."""

    kind: str
    numbers: tuple[float, ...]

    def draw(self, chance: random.Random) -> float:
        """One value, in seconds, at least 0."""
        return max(0.0, _DISTRIBUTIONS[self.kind][1](chance, self.numbers))


@dataclass(frozen=True, slots=True)
class Latencies:
    """The distributions by command name; `*` for those that are not named. Empty: nothing ever takes time."""

    by_command: Mapping[str, Distribution] = field(default_factory=dict)

    def draw(self, command: str, chance: random.Random) -> float:
        """How many seconds this call of `command` takes."""
        found = self.by_command.get(command) or self.by_command.get("*")
        return found.draw(chance) if found else 0.0


def parse(text: str) -> Latencies:
    """Reads the line described above. ``ValueError`` says which entry is wrong, and how it should look."""
    found: dict[str, Distribution] = {}
    for entry in filter(None, (part.strip() for part in text.split(";"))):
        name, equals, what = entry.partition("=")
        command, what = (name.strip(), what.strip()) if equals else ("*", entry)
        if not command:
            raise ValueError(f"latency {entry!r}: a command's name (or *) is missing before the =")
        if command in found:
            raise ValueError(f"latency {entry!r}: {command} is given twice")
        found[command] = _distribution(entry, what)
    return Latencies(found)


def _distribution(entry: str, text: str) -> Distribution:
    kind, *parts = (part.strip() for part in text.split(":"))
    if kind not in _DISTRIBUTIONS:
        raise ValueError(f"latency {entry!r}: {kind!r} is none of {', '.join(sorted(_DISTRIBUTIONS))}")
    names = _DISTRIBUTIONS[kind][0]
    if len(parts) != len(names):
        raise ValueError(f"latency {entry!r}: it takes the form {':'.join((kind, *names))}")
    numbers = tuple(_seconds(entry, name, part) for name, part in zip(names, parts, strict=True))
    if kind == "uniform" and numbers[0] > numbers[1]:
        raise ValueError(f"latency {entry!r}: lowest is above highest")
    return Distribution(kind, numbers)


def _seconds(entry: str, name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"latency {entry!r}: {name} {text!r} is not a number") from None
    if not math.isfinite(value) or value < 0:
        raise ValueError(f"latency {entry!r}: {name} must be a finite number, 0 or more")
    return value
