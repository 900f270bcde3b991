"""The driver of simulated hosts: as slow and as unreliable as it was told to be, and never doing a thing twice.

A call goes through these steps: the fault rules are asked, the latency (and what the rules add) is waited, then the
verb is carried out together with the record of its answer, in one transaction that no other call can get into. A call
that is cancelled while it waits has done nothing.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar

from cloudsim.agents.base import (
    Answer,
    Command,
    CommandFailed,
    ConsoleStream,
    HostAddress,
    HostFacts,
    HostUnreachable,
    PowerHost,
    StopMachine,
    Unsupported,
)
from cloudsim.agents.simulator import latency as latencies
from cloudsim.agents.simulator import nics, routing, security, verbs
from cloudsim.agents.simulator.console.consoles import Consoles
from cloudsim.agents.simulator.facts import facts_of, host_from
from cloudsim.agents.simulator.faults import Faults, Rule
from cloudsim.agents.simulator.world import DiskSnapshot, Host, Machine, Snapshot, Volume, World
from cloudsim.core.clock import Clock
from cloudsim.core.ids import Ids

#: The name by which rules and latencies mean the connecting of a host.
CONNECT = "StartupCommand"
#: The same for the opening of a console.
CONSOLE = "GetVncPortCommand"


class SimulatorDriver:
    """Implements `cloudsim.agents.base.Driver` for hosts that exist in a file only.

    `path` is that file (``:memory:`` for a world that ends with the driver); `latency` is the text that
    `cloudsim.agents.simulator.latency` describes, with ``ValueError`` where it is wrong.
    """

    hypervisors: ClassVar[tuple[str, ...]] = ("Simulator",)
    verbs: ClassVar[frozenset[type[Command]]] = frozenset((*verbs.DOING, *verbs.LOOKING))

    def __init__(self, path: str | os.PathLike[str], clock: Clock, ids: Ids, *, latency: str = "") -> None:
        self._clock = clock
        self._chance = ids.random
        self._latencies = latencies.parse(latency)
        self._world = World(path, clock)
        self._faults = Faults(self._world, ids.random)
        self._consoles = Consoles(self._world, clock)
        self._seen: set[str] = set()
        self._hanging: set[asyncio.Future[None]] = set()

    # ---- the contract

    async def open(self) -> None:
        """Opens the world, or makes it. `HostUnreachable` where its file cannot be used."""
        self._world.open()
        with _agent_errors("The list of fault rules"):
            self._faults.load()

    async def close(self) -> None:
        """Closes the world. Calls that hang end with `HostUnreachable`, and so do those that wait, when they go on."""
        self._consoles.close()
        self._world.close()
        for hanging in self._hanging:
            if not hanging.done():
                hanging.set_exception(HostUnreachable("The simulator is closed"))

    async def connect(self, host: HostAddress) -> HostFacts:
        """Reaches the host, which comes into being when it is seen for the first time.

        `CommandFailed` for an address that is not a simulated host's, `HostUnreachable` when it is down. Fault rules
        and latencies know this as ``StartupCommand``.
        """
        with _agent_errors("The address"):
            found = self._see(host)
            await self._unremembered(CONNECT, host)
        return facts_of(found, host.details)

    def file_of(self, pool: str, path: str) -> Path | None:
        """None: simulated volumes are no files."""
        return None

    async def console(self, host: HostAddress, uuid: str, name: str) -> ConsoleStream:
        """The screen of a machine; fault rules and latencies know this as ``GetVncPortCommand``."""
        with _agent_errors("The console"):
            await self._unremembered(CONSOLE, host)
            return self._consoles.open(host.uuid, uuid, name)

    async def execute(self, host: HostAddress, command: Command) -> Answer:
        """Carries out one command, as `cloudsim.agents.base` tells of each.

        A host that was never connected is made then. A rule of the kind ``lose`` hides a failure, too.
        """
        if type(command) not in self.verbs:
            raise Unsupported(f"The simulator does not know {command.wire}")
        with _agent_errors(command.wire):
            return await self._execute(host, command)

    # ---- looking at and tampering with the world

    def hosts(self) -> list[Host]:
        """All simulated hosts."""
        return self._world.hosts()

    def machines(self) -> list[Machine]:
        """All simulated virtual machines, with host and power state."""
        for host in self._world.hosts("WHERE beat IS NOT NULL AND up"):
            self._world.settled(host.uuid)
        return self._world.machines()

    def volumes(self) -> list[Volume]:
        """All simulated volumes."""
        return self._world.volumes()

    def disks(self) -> dict[str, list[dict[str, Any]]]:
        """The disks of each machine that is on, as `DiskSpec` has them, by the machine's uuid."""
        return self._world.disks()

    def spec(self, uuid: str) -> dict[str, Any]:
        """How a machine was last started, with what was changed since. ``LookupError``: there is none."""
        return self._world.spec(uuid)

    def security(self, uuid: str) -> dict[str, Any] | None:
        """The rules that are enforced for a machine (``ingress`` and ``egress``); None: everything gets through."""
        return security.get(self._world.db, uuid)

    def permits(
        self, uuid: str, direction: str, protocol: str, peer: str, port: int | None = None, code: int | None = None
    ) -> bool:
        """Whether a packet would get through to a machine or from it; see `security.permits`."""
        return security.permits(self.security(uuid), direction, protocol, peer, port, code)

    def nics(self, uuid: str) -> list[dict[str, Any]]:
        """The network cards that a machine has, by device. ``LookupError``: no such machine."""
        return nics.cards(self._world, uuid)

    def router(self, uuid: str) -> routing.Parts:
        """All that a virtual router does, by parts (see `routing`); nothing where it does not run."""
        return routing.get(self._world.db, uuid)

    def snapshots(self) -> list[Snapshot]:
        """All snapshots of simulated virtual machines."""
        return self._world.snapshots()

    def disk_snapshots(self) -> list[DiskSnapshot]:
        """All copies of snapshots of simulated volumes."""
        return self._world.disk_snapshots()

    def images(self) -> list[tuple[str, str]]:
        """uuid and image store of each template that was made of a simulated disk."""
        return self._world.images()

    def content(self, uuid: str, word: str | None = None) -> str:
        """What a volume, or the memory of a machine, holds; with `word`, what its guest has just written there."""
        return self._world.content(uuid, word)

    def screen(self, uuid: str) -> str | None:
        """What is to be read on a machine's screen; None where nobody has looked at it since it was started."""
        return self._consoles.text(uuid)

    def host_memory_used(self, uuid: str) -> int:
        """The bytes of memory that the machines which are on have on that host."""
        return self._world.memory_used(uuid)

    def set_host(self, uuid: str, up: bool) -> None:
        """Crashes a host (all it runs goes off, it is unreachable) or revives it. ``LookupError``: no such host."""
        self._world.set_host(uuid, up)

    def set_network(self, uuid: str, reachable: bool) -> None:
        """Cuts a host off, while what it runs goes on, or connects it again. ``LookupError``: no such host."""
        self._world.set_network(uuid, reachable)

    def set_storage(self, uuid: str, reachable: bool) -> None:
        """Takes its storage from a host (it cuts its own power after a minute) or gives it back. ``LookupError``."""
        self._world.set_storage(uuid, reachable)

    def shut_down(self, uuid: str) -> None:
        """The guest of a machine shuts down by itself. ``LookupError``: no such machine runs."""
        self._world.shut_down(uuid)

    def add_rule(self, rule: Rule) -> int:
        """Adds a fault rule behind the others; returns its id."""
        return self._faults.add(rule)

    def put_rule(self, rule: Rule) -> int:
        """Adds a fault rule, in the place of one for the same command and places, as `configureSimulator` does."""
        return self._faults.put(rule)

    def rule(self, rule_id: int) -> Rule | None:
        """One fault rule, with what is left of its count; None when there is none."""
        return self._faults.get(rule_id)

    def rules(self) -> list[Rule]:
        """All fault rules, in the order in which they are tried."""
        return self._faults.all()

    def remove_rule(self, rule_id: int) -> bool:
        """Removes a fault rule; whether there was one."""
        return self._faults.remove(rule_id) == 1

    def pretend(self, wire: str, place: HostAddress) -> tuple[float, Rule | None]:
        """How long something takes that no host carries out, and the fault that it meets, if there is one on order."""
        rule = self._faults.hit(wire, place, again=False) if self._faults else None
        seconds = self._latencies.draw(wire, self._chance) + (rule.seconds if rule else 0.0)
        return seconds, rule if rule is not None and rule.kind != "delay" else None

    def clear(
        self, *, zone: str | None = None, pod: str | None = None, cluster: str | None = None, host: str | None = None
    ) -> int:
        """Removes the fault rules that are written for all the places given (uuids), or all; returns how many."""
        wanted = (zone, pod, cluster, host)
        return self._faults.remove(
            *(
                rule.id
                for rule in self._faults.all()
                if all(want in (None, has) for want, has in zip(wanted, rule.scope()[1:], strict=True))
            )
        )

    # ---- how

    async def _execute(self, host: HostAddress, command: Command) -> Answer:
        out_of_band = type(command) in verbs.OUT_OF_BAND
        if host.uuid not in self._seen and not out_of_band:
            self._see(host)
        rule = None
        if self._faults:
            if not out_of_band:
                self._world.require_up(host.uuid)
            rule = self._faults.hit(command.wire, host, self._world.records.has(command.id))
        await self._obstacles(command.wire, rule)
        if isinstance(command, StopMachine) and not command.forced:
            await self._shut_down(host, command)
        match rule:
            case Rule(kind="answer"):
                if not out_of_band:
                    self._world.require_up(host.uuid)
                usual = verbs.pretended(self._world, host.uuid, command)
                told = rule.answer or {}
                return {key: told.get(key, value) for key, value in usual.items()}
            case Rule(kind="fail_after"):
                return self._carry_out(host, command, failure=rule.text)
            case Rule(kind="lose"):
                with suppress(CommandFailed):
                    self._carry_out(host, command)
                raise HostUnreachable(rule.text)
        return self._carry_out(host, command)

    def _carry_out(self, host: HostAddress, command: Command, failure: str | None = None) -> Answer:
        kind = type(command)
        looking = verbs.LOOKING.get(kind)
        if isinstance(command, PowerHost) and command.action == "STATUS":
            if failure is not None:
                raise CommandFailed(failure)
            return verbs.power_host(self._world, host.uuid, command)
        if looking is None:
            about = "" if kind in verbs.SHARED else host.uuid
            off = kind in verbs.OUT_OF_BAND
            return self._world.once(host.uuid, about, command, verbs.DOING[kind], failure, off=off)
        self._world.require_up(host.uuid)
        if failure is not None:
            raise CommandFailed(failure)
        return looking(self._world, host.uuid, command)

    def _see(self, address: HostAddress) -> Host:
        """The host as the world has it, after it was made or changed to what the address says."""
        known = self._world.host(address.uuid)
        host = host_from(address, known)
        if known is not None:
            self._world.require_up(address.uuid)
        if host != known:
            self._world.put_host(host)
        self._seen.add(address.uuid)
        return host

    async def _unremembered(self, name: str, host: HostAddress) -> None:
        """The obstacles before something that is no command, and so is not done again under the same id."""
        rule = self._faults.hit(name, host, again=False) if self._faults else None
        await self._obstacles(name, rule)
        self._world.require_up(host.uuid)
        if rule is not None and rule.kind in ("lose", "fail_after"):
            raise HostUnreachable(rule.text) if rule.kind == "lose" else CommandFailed(rule.text)

    async def _obstacles(self, command: str, rule: Rule | None) -> None:
        """Waits the latency and what the rule adds to it, then does what the rule has in store before the command."""
        seconds = self._latencies.draw(command, self._chance) + (rule.seconds if rule else 0.0)
        if seconds > 0:
            await self._clock.sleep(seconds)
        match rule:
            case Rule(kind="fail"):
                raise CommandFailed(rule.text)
            case Rule(kind="drop"):
                raise HostUnreachable(rule.text)
            case Rule(kind="hang"):
                await self._hang()

    async def _hang(self) -> None:
        if not self._world.is_open:
            raise HostUnreachable("The simulator is closed")
        never: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._hanging.add(never)
        try:
            await never
        finally:
            self._hanging.discard(never)

    async def _shut_down(self, host: HostAddress, command: StopMachine) -> None:
        """Waits for a guest that will not go. Whether it still runs then (a forced stop may come) the verb looks."""
        if self._world.records.has(command.id):
            return
        self._world.require_up(host.uuid)
        row = verbs.running(self._world, host.uuid, command.uuid)
        if row is not None and row[1]:
            await self._clock.sleep(command.wait)


@contextmanager
def _agent_errors(what: str) -> Iterator[None]:
    """Turns what SQLite raises into what a driver may raise."""
    try:
        yield
    except sqlite3.Error as error:
        raise HostUnreachable(f"The simulated world does not answer: {error}") from error
    except (ArithmeticError, TypeError, ValueError) as error:
        raise CommandFailed(f"{what} cannot be understood: {error}") from error
