"""Scenarios of high availability: what a cloud is made of, what befalls it, and the log of what it did.

A scenario is a file in ``scenarios/`` with three parts (``[setup]``, ``[play]`` and ``[log]``) and a sentence above them.

Setup, a line each:

* ``host NAME [cluster] [tags=a,b]``: a simulated host (there are four clusters at most; ``c1`` where none is named);
* ``group NAME TYPE``: an affinity group;
* ``machine NAME HOST [ha] [big] [group=NAME]``: a virtual machine that runs there, with or without HA; a big one fills
  most of a host;
* ``system``: the cloud's own machines, called ``proxy`` and ``ssvm``;
* ``oobm HOST``: the host has out-of-band management; ``guard HOST``: host HA looks after it;
* ``setting NAME VALUE``: a global setting.

Play: ``MM:SS WHAT``; the clock goes from one line to the next, and every minute all hosts are pinged:

* ``power HOST on|off``, ``network HOST on|off``, ``storage HOST on|off``: what happens to a host;
* ``shutdown MACHINE``: its guest shuts down by itself; ``start``, ``stop``, ``force-stop``, ``reboot``, ``destroy
  MACHINE``: its owner asks for that; a job that fails says so in the log;
* ``fault COMMAND KIND [HOST] [count=N] [seconds=N] [answer=JSON]``, ``heal``: fault rules of the simulator, see
  docs/simulator.rst;
* ``kill [away MM:SS]``: the management server dies as it is and is started again, at once or after that time;
  ``kill at STEP [away MM:SS]``: it dies when a step of that name of a workflow has been recorded;
* ``maintenance``, ``cancel-maintenance``, ``reconnect``, ``degrade``, ``cancel-degraded``, ``delete``,
  ``force-delete``, ``guard``, ``unguard HOST``; ``action HOST ON|OFF|CYCLE``: of its out-of-band management;
* ``later WHAT``: as above, without waiting for the end of the job (put a fault ``hang`` in its way);
* ``end``: the last minute.

The log has, with the time, each change of a host's status, of its HA, of a machine's state or place, each order that goes
to a host to start, to stop, to move or to fence, which machines HA takes up, in their order, and each alert. No machine
ever runs twice (asked of the world, at every order), and at the end the invariants hold: database and world agree.

``CLOUDSIM_WRITE_LOGS=1 pytest tests/ha`` writes the logs anew: read the difference before you keep it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

MINUTE = 60_000
HERE = Path(__file__).parent / "scenarios"


@dataclass
class Scenario:
    """A file, read."""

    path: Path
    title: str
    setup: list[list[str]] = field(default_factory=list)
    play: list[tuple[int, list[str]]] = field(default_factory=list)
    log: list[str] = field(default_factory=list)


def read(path: Path) -> Scenario:
    """Reads a scenario's file."""
    found = Scenario(path, "")
    part = ""
    for line in path.read_text().splitlines():
        text = line.strip()
        if text.startswith("["):
            part = text
        elif part == "[log]":
            if text:
                found.log.append(text)
        elif not text or text.startswith("#"):
            continue
        elif part == "[setup]":
            found.setup.append(text.split())
        elif part == "[play]":
            time, *words = text.split()
            found.play.append((moment(time), words))
        else:
            found.title += text + "\n"
    return found


def write(scenario: Scenario, log: list[str]) -> None:
    """Puts a new log in the file."""
    head = scenario.path.read_text().partition("[log]")[0]
    scenario.path.write_text(head + "[log]\n" + "\n".join(log) + "\n")


def moment(text: str) -> int:
    """``MM:SS`` in milliseconds."""
    minutes, seconds = text.split(":")
    return int(minutes) * MINUTE + int(seconds) * 1000


def scenarios() -> list[Path]:
    """Every scenario's file."""
    return sorted(HERE.glob("*.txt"))


def writes() -> bool:
    """Whether logs are to be written anew."""
    return bool(os.environ.get("CLOUDSIM_WRITE_LOGS"))
