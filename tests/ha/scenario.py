"""Scenarios of high availability: what a cloud is made of, what befalls it, and the log of what it did.

A scenario is a file in ``scenarios/`` with three parts (``[setup]``, ``[play]`` and ``[log]``) and a sentence above them.

Setup, a line each:

* ``host NAME [cluster] [tags=a,b]``: a simulated host (there are four clusters at most; ``c1`` where none is named);
* ``machine NAME HOST [ha]``: a virtual machine that runs there, with or without HA;
* ``setting NAME VALUE``: a global setting.

Play: ``MM:SS WHAT``; the clock goes from one line to the next, and every minute all hosts are pinged:

* ``power HOST on|off``, ``network HOST on|off``, ``storage HOST on|off``: what happens to a host;
* ``shutdown MACHINE``: its guest shuts down by itself; ``start``, ``stop``, ``force-stop``, ``destroy MACHINE``: its owner
  asks for that; a job that fails says so in the log;
* ``fault COMMAND KIND [HOST] [count=N]``, ``heal``: fault rules of the simulator, see docs/simulator.rst;
* ``kill``: the management server dies as it is and is started again; ``kill at STEP``: it dies when a step of that name
  of a workflow has been recorded;
* ``maintenance HOST``, ``cancel-maintenance HOST``;
* ``end``: the last minute.

The log has, with the time, each change of a host's status, of a machine's state or place, each order that goes to a host
to start, to stop or to fence, and each alert. After each minute the invariants hold: database and world agree, and no
machine ever ran twice (asked of the world, at every order).

``CLOUDSIM_WRITE_LOGS=1 pytest tests/ha`` writes the logs anew: read the difference before you keep it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import invariants
from apiclient import Api, Refused, admin_keys
from fakeclock import FakeClock
from options import make_config

from cloudsim.agents.base import Command, FenceHost, HostAddress, StartMachine, StopMachine
from cloudsim.agents.simulator.faults import Rule
from cloudsim.core.ids import Ids
from cloudsim.server import Server

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
            minutes, seconds = time.split(":")
            found.play.append((int(minutes) * MINUTE + int(seconds) * 1000, words))
        else:
            found.title += text + "\n"
    return found


def write(scenario: Scenario, log: list[str]) -> None:
    """Puts a new log in the file."""
    head = scenario.path.read_text().partition("[log]")[0]
    scenario.path.write_text(head + "[log]\n" + "\n".join(log) + "\n")


class Killed(BaseException):
    """The server died here."""


class Player:
    """Plays one scenario on a real server, simulated hosts and a fake clock."""

    def __init__(self, scenario: Scenario, directory: Path, session: aiohttp.ClientSession) -> None:
        self.scenario = scenario
        self.directory = directory
        self.session = session
        self.clock = FakeClock()
        self.start = self.clock.now()
        self.log: list[str] = []
        self.hosts: dict[str, str] = {}
        self.machines: dict[str, str] = {}
        self.server: Server
        self.api: Api
        self._pending: list[tuple[str, str]] = []
        self._states: dict[str, str] = {}
        self._alerts = 0
        self._orders: list[str] = []
        self._die_at = ""

    # -- the log

    def note(self, text: str) -> None:
        """A line of the log."""
        passed = (self.clock.now() - self.start) // 1000
        self.log.append(f"{passed // 60:02}:{passed % 60:02} {text}")

    def name(self, uuid: str) -> str:
        """What the scenario calls a host or a machine."""
        names = {value: key for key, value in (*self.hosts.items(), *self.machines.items())}
        return names.get(uuid, "?")

    def _ordered(self, host: HostAddress, command: Command) -> None:
        if isinstance(command, FenceHost):
            self._orders.append(f"{self.name(host.uuid)} is told to cut the power of {self.name(command.target)}")
        elif isinstance(command, StartMachine) and command.machine.uuid in self.machines.values():
            self._orders.append(f"{self.name(host.uuid)} is told to start {self.name(command.machine.uuid)}")
        elif isinstance(command, StopMachine) and command.uuid in self.machines.values():
            how = "pull the plug of" if command.forced else "shut down"
            self._orders.append(f"{self.name(host.uuid)} is told to {how} {self.name(command.uuid)}")
        running = [machine.uuid for machine in self.server.simulator.machines() if machine.power == "PowerOn"]
        assert len(running) == len(set(running)), "a machine runs twice"

    async def look(self) -> None:
        """Writes down what is different from the last look."""
        fences = [text for text in self._orders if "cut the power" in text]
        others = [text for text in dict.fromkeys(self._orders) if text not in fences]
        for text in (*dict.fromkeys(fences), *sorted(others)):
            self.note(text)
        self._orders.clear()
        hosts = await invariants.rows(
            self.server, "SELECT uuid, status, resource_state FROM host WHERE removed IS NULL"
        )
        for uuid, status, resource_state in sorted(hosts, key=lambda row: self.name(row[0])):
            if uuid in self.hosts.values():
                text = status if resource_state == "Enabled" else f"{status}, {resource_state}"
                self._changed(f"host {self.name(uuid)}", text)
        machines = await invariants.rows(
            self.server, "SELECT v.uuid, v.state, h.uuid FROM vm v LEFT JOIN host h ON v.host_id = h.id"
        )
        for uuid, state, host in sorted(machines, key=lambda row: self.name(row[0])):
            if uuid in self.machines.values():
                self._changed(f"machine {self.name(uuid)}", state + (f" on {self.name(host)}" if host else ""))
        alerts = await invariants.rows(self.server, "SELECT description FROM alert ORDER BY id")
        texts = []
        for (text,) in alerts[self._alerts :]:
            for name, uuid in (*self.hosts.items(), *self.machines.items()):
                text = text.replace(f" ({uuid})", "").replace(uuid, name)
            texts.append(f"alert: {text}")
        for text in sorted(texts):
            self.note(text)
        self._alerts = len(alerts)

    def _changed(self, what: str, state: str) -> None:
        before = self._states.get(what)
        if before != state:
            if before is not None:
                self.note(f"{what}: {before} -> {state}")
            self._states[what] = state

    # -- the server

    async def serve(self) -> None:
        """Starts the server on the data that is there."""
        self.server = Server(make_config(self.directory, seed=False), clock=self.clock, ids=Ids(7))
        starting = asyncio.ensure_future(self.server.start())
        await self.clock.until(starting.done)
        await starting
        self.server.periodic.close()
        self.api = Api(self.session, self.server.url, *admin_keys(self.directory))
        driver: Any = self.server.simulator
        execute = driver.execute

        async def watched(host: HostAddress, command: Command) -> Any:
            self._ordered(host, command)
            return await execute(host, command)

        driver.execute = watched
        engine: Any = self.server.cloud.jobs
        run_step = engine.run_step

        async def step(job: Any, name: str, *args: Any, **kwargs: Any) -> Any:
            result = await run_step(job, name, *args, **kwargs)
            if self._die_at and name == self._die_at:
                self._dead.set()
                await asyncio.Event().wait()
            return result

        engine.run_step = step

    async def die(self) -> None:
        """Ends the server as a kill does: nothing it has under way goes on, nothing is written any more."""
        engine: Any = self.server.cloud.jobs
        engine._closing = True
        for task in list(engine._tasks):
            task.cancel()
        await asyncio.gather(*engine._tasks, return_exceptions=True)
        await self.server.stop()

    def idle(self) -> bool:
        """Whether nothing is under way."""
        return not self.server.cloud.jobs.unfinished

    async def live(self, what: Callable[[], Any] | None = None) -> None:
        """Does something and lets the cloud come to rest; dies and is started again where the scenario says so."""
        self._dead = asyncio.Event()
        task = asyncio.ensure_future(what()) if what is not None else None
        await self.clock.until(lambda: self._dead.is_set() or ((task is None or task.done()) and self.idle()))
        if self._dead.is_set():
            step, self._die_at = self._die_at, ""
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
            self.note(f"the management server dies after {step}")
            await self.die()
            await self.serve()
            self._dead = asyncio.Event()
            await self.clock.until(self.idle)
        elif task is not None:
            await task

    # -- what a scenario says

    async def build(self) -> None:
        """Makes what the setup names."""
        from cloudsim.services import sample_zone

        def seed(tx: Any) -> None:
            sample_zone.build(self.server.cloud.context(tx, self.server._admin(tx)))

        await self.server.db.write(seed)
        zones = await self.api.call("listZones")
        for host in (await self.api.call("listHosts", type="Routing"))["host"]:
            self._spare = [*getattr(self, "_spare", []), host]
        clusters: dict[str, list[dict[str, Any]]] = {}
        for host in self._spare:
            clusters.setdefault(host["clusterid"], []).append(host)
        free = list(clusters.values())
        taken: dict[str, list[dict[str, Any]]] = {}
        self._zone = zones["zone"][0]["id"]
        offers = {}
        for ha in (False, True):
            made = await self.api.call(
                "createServiceOffering",
                name=f"ha={ha}",
                displaytext="x",
                cpunumber=1,
                cpuspeed=500,
                memory=512,
                offerha=ha,
            )
            offers[ha] = made["serviceoffering"]["id"]
        basics = await self.api.basics()
        for what, *words in self.scenario.setup:
            if what == "host":
                name, *more = words
                cluster = next((word for word in more if "=" not in word), "c1")
                if cluster not in taken:
                    taken[cluster] = free.pop(0)
                if taken[cluster]:
                    self.hosts[name] = taken[cluster].pop(0)["id"]
                else:
                    self.hosts[name] = await self._another(cluster, name)
                tags = next((word[5:] for word in more if word.startswith("tags=")), None)
                self._cluster_of = {**getattr(self, "_cluster_of", {}), name: cluster}
                await self.api.call("updateHost", id=self.hosts[name], name=name, hosttags=tags)
            elif what == "setting":
                await self.api.call("updateConfiguration", name=words[0], value=words[1])
            elif what == "machine":
                for rest in [host for group in (*taken.values(), *free) for host in group]:
                    await self.api.call("deleteHost", id=rest["id"], forced=True)
                taken = {key: [] for key in taken}
                free = []
                name, host, *ha = words
                given = {**basics, "serviceofferingid": offers[bool(ha)], "hostid": self.hosts[host], "name": name}
                await self.live(lambda name=name, given=given: self._deploy(name, given))
        await self.live()
        await self.ping()
        await self.look()
        self._orders.clear()
        self.log.clear()
        self.start = self.clock.now()

    async def _deploy(self, name: str, given: dict[str, Any]) -> None:
        self.machines[name] = (await self.api.call("deployVirtualMachine", **given))["id"]

    async def _another(self, cluster: str, name: str) -> str:
        near = next(self.hosts[other] for other, where in self._cluster_of.items() if where == cluster)
        (row,) = (await self.api.call("listHosts", id=near))["host"]
        made = await self.api.call(
            "addHost", zoneid=row["zoneid"], podid=row["podid"], clusterid=row["clusterid"], hypervisor="Simulator",
            url=f"http://sim/{cluster}/{name}", username="x", password="x",
        )  # fmt: skip
        return str(made["host"][0]["id"])

    async def ping(self) -> None:
        """Pings all hosts, as the periodic task does each minute."""
        await self.live(lambda: self.server.periodic.run_now("host-ping"))

    async def play(self) -> list[str]:
        """Plays; answers the log."""
        await self.serve()
        await self.build()
        minute = 1
        for at, words in self.scenario.play:
            while minute * MINUTE <= at:
                self.clock.advance(self.start + minute * MINUTE)
                await self.ping()
                await self.look()
                minute += 1
            self.clock.advance(self.start + at)
            if words[0] == "end":
                break
            await self.act(words)
            await self.look()
        await invariants.check(self.server)
        await self.server.stop()
        return self.log

    async def act(self, words: list[str]) -> None:
        """One line of the play."""
        what, *rest = words
        world = self.server.simulator
        if what in ("power", "network", "storage"):
            {"power": world.set_host, "network": world.set_network, "storage": world.set_storage}[what](
                self.hosts[rest[0]], rest[1] == "on"
            )
        elif what == "shutdown":
            world.shut_down(self.machines[rest[0]])
        elif what == "fault":
            named = [word for word in rest[2:] if "=" not in word]
            count = next((int(word[6:]) for word in rest if word.startswith("count=")), None)
            world.add_rule(Rule(rest[0], rest[1], host=self.hosts[named[0]] if named else None, count=count))
        elif what == "heal":
            world.clear()
        elif what == "kill" and rest:
            self._die_at = rest[1]
        elif what == "kill":
            self.note("the management server dies")
            await self.die()
            await self.serve()
            await self.live()
        elif what == "later":
            await self._ask(rest, wait=False)
        else:
            await self._ask(words)

    async def _ask(self, words: list[str], wait: bool = True) -> None:
        what, name = words
        command, given = {
            "start": ("startVirtualMachine", {}),
            "stop": ("stopVirtualMachine", {}),
            "force-stop": ("stopVirtualMachine", {"forced": True}),
            "destroy": ("destroyVirtualMachine", {}),
            "maintenance": ("prepareHostForMaintenance", {}),
            "cancel-maintenance": ("cancelHostMaintenance", {}),
        }[what]
        target = self.machines.get(name) or self.hosts[name]

        async def ask() -> None:
            try:
                answer = await self.api.call(command, id=target, **given)
            except Refused as error:
                self.note(f"{what} {name} is refused: {error.text}")
                return
            self._pending.append((f"{what} {name}", answer["jobid"]))

        await self.live(ask)
        if wait:
            for label, job in self._pending:
                ended = await self.api.call("queryAsyncJobResult", jobid=job)
                if ended["jobstatus"] == 2:
                    text = ended["jobresult"]["errortext"]
                    for known, uuid in (*self.hosts.items(), *self.machines.items()):
                        text = text.replace(uuid, known)
                    self.note(f"{label} failed: {text}")
            self._pending.clear()


def scenarios() -> list[Path]:
    """Every scenario's file."""
    return sorted(HERE.glob("*.txt"))


def writes() -> bool:
    """Whether logs are to be written anew."""
    return bool(os.environ.get("CLOUDSIM_WRITE_LOGS"))
