"""The screens of all machines that somebody has looked at: made at the first look, gone with the machine's run."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from contextlib import suppress
from typing import Any

import orjson

from cloudsim.agents.base import AgentError, CommandFailed
from cloudsim.agents.simulator.console.guest import Guest
from cloudsim.agents.simulator.console.rfb import Connection
from cloudsim.agents.simulator.world import World
from cloudsim.core.clock import Clock

#: Screens that are remembered though nobody looks at them.
REMEMBERED = 500
#: Seconds between two looks at the machines whose screens are looked at.
PERIOD = 0.25

_Run = tuple[int, dict[str, Any]]


class Consoles:
    """Screens by the uuids of their machines. What machines do is read from the world."""

    def __init__(self, world: World, clock: Clock) -> None:
        self._world = world
        self._clock = clock
        self._guests: OrderedDict[str, Guest] = OrderedDict()
        self._open: dict[Connection, tuple[str, str]] = {}
        self._watching: asyncio.Task[None] | None = None

    def open(self, host: str, uuid: str, name: str) -> Connection:
        """A connection to the screen of a machine. `CommandFailed` where it does not run on that host."""
        run = self._run(host, uuid)
        if run is None:
            raise CommandFailed(f"Virtual machine {name} does not run on host {host}")
        made = Connection(self._guest(uuid, run), self._clock)
        self._open[made] = (host, uuid)
        if self._watching is None or self._watching.done():
            self._watching = asyncio.get_running_loop().create_task(self._watch())
        return made

    def text(self, uuid: str) -> str | None:
        """What is to be read on a machine's screen; None where nobody has looked at it."""
        guest = self._guests.get(uuid)
        return None if guest is None else guest.screen.text()

    def close(self) -> None:
        """Ends all connections."""
        if self._watching is not None:
            self._watching.cancel()
        for connection in self._open:
            connection.close()
        self._open.clear()
        self._guests.clear()

    def _guest(self, uuid: str, run: _Run) -> Guest:
        booted, spec = run
        guest = self._guests.get(uuid)
        if guest is None:
            guest = self._guests[uuid] = Guest(spec, booted, self._clock.now)
            self._forget()
        elif guest.booted != booted:
            guest.restart(spec, booted)
        guest.spec = spec
        self._guests.move_to_end(uuid)
        return guest

    def _forget(self) -> None:
        """Forgets the screens that were not looked at for the longest time."""
        for uuid in list(self._guests):
            if len(self._guests) <= REMEMBERED:
                return
            if not self._guests[uuid].watchers:
                del self._guests[uuid]

    def _run(self, host: str, uuid: str) -> _Run | None:
        """When a machine that runs on a host was started, and what it is; None where it does not run there."""
        self._world.require_up(host)
        row = self._world.db.execute(
            "SELECT since, spec FROM machines WHERE uuid = ? AND host = ? AND power = 'PowerOn'", (uuid, host)
        ).fetchone()
        return None if row is None else (row[0], orjson.loads(row[1]))

    async def _watch(self) -> None:
        """Ends what shows machines that run there no more, and shows anew what was started anew."""
        while self._open:
            await self._clock.sleep(PERIOD)
            for connection, (host, uuid) in list(self._open.items()):
                run: _Run | None = None
                with suppress(AgentError):
                    run = self._run(host, uuid)
                if run is None or connection.ended:
                    connection.close()
                    self._open.pop(connection, None)
                else:
                    self._guest(uuid, run)
