"""Plays a scenario on a real server, simulated hosts and a fake clock; `script` tells how one is written."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import invariants
from apiclient import Api, Refused, admin_keys
from fakeclock import FakeClock
from options import make_config
from script import MINUTE, Scenario, moment

from cloudsim.agents.base import (
    Command,
    FenceHost,
    HostAddress,
    MigrateMachine,
    PowerHost,
    StartMachine,
    StopMachine,
)
from cloudsim.agents.simulator import SimulatorDriver
from cloudsim.agents.simulator.faults import Rule
from cloudsim.core.ids import Ids
from cloudsim.server import Server


class Watched(Server):
    """A server whose orders to hosts and whose steps are seen, those at its start as well."""

    player: Player

    def _more_drivers(self) -> list[Any]:
        self.player.watch_driver(self.simulator)
        return []

    async def _listen(self, directory: Path) -> None:
        self.player.watch_engine(self.cloud.jobs)
        await super()._listen(directory)


class Player:
    """Plays one scenario on a real server, simulated hosts and a fake clock."""

    def __init__(self, scenario: Scenario, directory: Path, session: aiohttp.ClientSession, database: str = "") -> None:
        self.database = database
        self.scenario = scenario
        self.directory = directory
        self.session = session
        self.clock = FakeClock()
        self.clock.patience = 6 if database else 2
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
        self._away = 0
        #: When a server that died comes back; None: it is there.
        self.back: int | None = None
        self._moves = 0
        self._dead = asyncio.Event()
        self._guards: list[str] = []
        self._ha_jobs = 0
        self._last = False
        self._line = 0

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
        elif isinstance(command, MigrateMachine) and command.uuid in self.machines.values():
            target = self.name(command.target)
            self._orders.append(f"{self.name(host.uuid)} is told to move {self.name(command.uuid)} to {target}")
        elif isinstance(command, PowerHost) and command.action != "STATUS":
            self._orders.append(f"the controller of {self.name(host.uuid)} is told {command.action}")
        self._once()

    def _once(self) -> None:
        running = [machine.uuid for machine in self.server.simulator.machines() if machine.power == "PowerOn"]
        assert len(running) == len(set(running)), "a machine runs twice"

    async def look(self) -> None:
        """Writes down what is different from the last look."""
        self._once()
        for label, job in list(self._pending):
            ((state, result),) = await invariants.rows(
                self.server, f"SELECT state, result FROM job WHERE uuid = '{job}'"
            )
            if state in ("succeeded", "failed"):
                self._pending.remove((label, job))
            if state == "failed":
                self.note(f"{label} failed: {self._plain(json.loads(result)['errortext'])}")
        fences = [text for text in self._orders if "cut the power" in text or "controller" in text]
        others = [text for text in dict.fromkeys(self._orders) if text not in fences]
        for text in (*dict.fromkeys(fences), *sorted(others)):
            self.note(text)
        self._orders.clear()
        hosts = await invariants.rows(self.server, "SELECT uuid, status, resource_state FROM host")
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
        guards = await invariants.rows(
            self.server, "SELECT h.uuid, g.state FROM host_ha g JOIN host h ON g.host_id = h.id"
        )
        for uuid, state in sorted(guards, key=lambda row: self.name(row[0])):
            self._changed(f"HA of host {self.name(uuid)}", state)
        taken = await invariants.rows(
            self.server,
            f"SELECT id, instance_uuid FROM job WHERE workflow = 'virtualmachine.ha' AND id > {self._ha_jobs} ORDER BY id",
        )
        if taken:
            self._ha_jobs = taken[-1][0]
            self.note("HA takes up: " + ", ".join(self.name(uuid) for _, uuid in taken))
        alerts = await invariants.rows(self.server, "SELECT description FROM alert ORDER BY id")
        texts = []
        for (text,) in alerts[self._alerts :]:
            texts.append(f"alert: {self._plain(text)}")
        for text in sorted(texts):
            self.note(text)
        self._alerts = len(alerts)

    def _plain(self, text: str) -> str:
        for name, uuid in (*self.hosts.items(), *self.machines.items()):
            text = text.replace(f" ({uuid})", "").replace(uuid, name)
        return text.replace("\n", " / ")

    def _changed(self, what: str, state: str) -> None:
        before = self._states.get(what)
        if before != state:
            if before is not None:
                self.note(f"{what}: {before} -> {state}")
            self._states[what] = state

    # -- the server

    async def serve(self) -> None:
        """Starts the server on the data that is there."""
        where = {"database": self.database} if self.database else {}
        self.server = Watched(make_config(self.directory, seed=False, **where), clock=self.clock, ids=Ids(7))
        self.server.player = self  # type: ignore[attr-defined]
        starting = asyncio.ensure_future(self.server.start())
        await self.clock.until(starting.done)
        await starting
        self.server.periodic.close()
        if self.database:
            ((key, sealed),) = await invariants.rows(
                self.server, "SELECT api_key, secret_key FROM \"user\" WHERE username = 'admin'"
            )
            self.api = Api(self.session, self.server.url, key, self.server.cloud.cipher.open(sealed))
        else:
            self.api = Api(self.session, self.server.url, *admin_keys(self.directory))

    def watch_driver(self, driver: Any) -> None:
        """Sees every order that goes to a host."""
        execute = driver.execute

        async def watched(host: HostAddress, command: Command) -> Any:
            self._moves += 1
            self._ordered(host, command)
            try:
                return await execute(host, command)
            finally:
                self._moves += 1

        driver.execute = watched

    def watch_engine(self, engine: Any) -> None:
        """Sees every step, and stops the server after that of which the scenario says so."""
        run_step = engine.run_step

        async def step(job: Any, name: str, *args: Any, **kwargs: Any) -> Any:
            if self._last:
                await asyncio.Event().wait()  # nothing is done after the last step
            last = name == self._die_at
            self._last = last
            result = await run_step(job, name, *args, **kwargs)
            self._moves += 1
            if last:
                self._dead.set()
                await asyncio.Event().wait()
            return result

        engine.run_step = step

    async def die(self) -> None:
        """Ends the server as a kill does: nothing it has under way goes on, nothing is written any more."""
        engine: Any = self.server.cloud.jobs
        engine._closing = True
        self._last = False
        for task in list(engine._tasks):
            task.cancel()
        await asyncio.gather(*engine._tasks, return_exceptions=True)
        await self.server.stop()
        if self._away:
            self.back = self.clock.now() + self._away
        else:
            await self.serve()
            await self.live()

    def idle(self) -> bool:
        """Whether nothing is under way."""
        return not self.server.cloud.jobs.unfinished

    def limit(self) -> int:
        """When the next ping is due, or the next line of the play."""
        ping = self.start + ((self.clock.now() - self.start) // MINUTE + 1) * MINUTE - 1
        return min(ping, self._line) if self._line > self.clock.now() else ping

    async def live(self, what: Callable[[], Any] | None = None, limit: int | None = None) -> None:
        """Does something and lets the cloud come to rest; dies and is started again where the scenario says so."""
        self._dead = asyncio.Event()
        task = asyncio.ensure_future(what()) if what is not None else None
        await self.clock.until(
            lambda: self._dead.is_set() or ((task is None or task.done()) and self.idle()),
            self.limit() if limit is None else limit,
            lambda: (self._moves, task is not None and task.done()),
        )
        if self._dead.is_set():
            step, self._die_at = self._die_at, ""
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
            await self.look()
            self.note(f"the management server dies after {step}")
            await self.die()
        elif task is not None and task.done():
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
        await self.api.call("updateConfiguration", name="vm.allocation.algorithm", value="firstfit")
        offers = {}
        memory = (self._spare[0]["memorytotal"] * 6 // 10) >> 20
        for ha, big in ((False, False), (True, False), (False, True), (True, True)):
            made = await self.api.call(
                "createServiceOffering",
                name=f"ha={ha} {big}",
                displaytext="x",
                cpunumber=1,
                cpuspeed=500,
                memory=memory if big else 128,
                offerha=ha,
            )
            offers[ha, big] = made["serviceoffering"]["id"]
        basics = {**await self.api.basics(), "networkids": await self._flat()}
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
            elif what == "group":
                kind = " ".join(words[1:])
                await self.live(
                    lambda kind=kind, name=words[0]: self.api.call("createAffinityGroup", name=name, type=kind)
                )
            elif what == "machine":
                for rest in [host for group in (*taken.values(), *free) for host in group]:
                    await self.api.call("deleteHost", id=rest["id"], forced=True)
                taken = {key: [] for key in taken}
                free = []
                name, host, *more = words
                offer = offers["ha" in more, "big" in more]
                given = {**basics, "serviceofferingid": offer, "hostid": self.hosts[host], "name": name}
                given["affinitygroupnames"] = next((word[6:] for word in more if word.startswith("group=")), None)
                await self.live(lambda name=name, given=given: self._deploy(name, given))
            elif what == "system":
                await self.live(lambda: self.server.periodic.run_now("system-vms"))
                for row in (await self.api.call("listSystemVms"))["systemvm"]:
                    self.machines["proxy" if row["systemvmtype"] == "consoleproxy" else "ssvm"] = row["id"]
            elif what == "oobm":
                given = {"driver": "simulator", "address": "10.0.0.1", "port": 623, "username": "x", "password": "x"}
                await self.api.call("configureOutOfBandManagement", hostid=self.hosts[words[0]], **given)
                await self._job("enableOutOfBandManagementForHost", hostid=self.hosts[words[0]])
            elif what == "guard":
                self._guards.append(words[0])
                await self._job("configureHAForHost", hostid=self.hosts[words[0]], provider="simulatorhaprovider")
                await self._job("enableHAForHost", hostid=self.hosts[words[0]])
        await self.live()
        await self.ping()
        await self.look()
        self._orders.clear()
        self.log.clear()
        self.start = self.clock.now()

    async def _job(self, command: str, **given: Any) -> None:
        async def ask() -> None:
            await self.api.call(command, **given)

        await self.live(ask)

    async def _flat(self) -> str:
        """A network without a router: of machines only what the setup names is there."""
        offering = await self.api.call(
            "createNetworkOffering", name="flat", displaytext="flat", guestiptype="L2", traffictype="Guest", enable=True
        )
        wanted = {"zoneid": self._zone, "networkofferingid": offering["networkoffering"]["id"], "name": "flat"}
        return str((await self.api.call("createNetwork", **wanted))["network"]["id"])

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
        """Pings all hosts, as the periodic task does each minute, and lets the other tasks have their turns."""
        await self.live(lambda: self.server.periodic.run_now("host-ping"))
        for _ in range(4 if self._guards else 0):
            if self.back is not None:
                return
            await self.look()
            await self.live(lambda: self.server.periodic.run_now("host-ha"))
            self.clock.advance(self.clock.now() + 2000)

    async def play(self) -> list[str]:
        """Plays; answers the log."""
        await self.serve()
        await self.build()
        self._minute = 1
        for at, words in self.scenario.play:
            await self._pass(at)
            if words[0] == "end":
                break
            await self.act(words)
            if self.back is None:
                await self.look()
        await invariants.check(self.server)
        await self.server.stop()
        return self.log

    async def _pass(self, at: int) -> None:
        """Lets the time pass until `at`, with a ping each minute while the server is there."""
        self._line = self.start + at
        while True:
            due = self._minute * MINUTE
            if self.back is not None:
                due = min(due, self.back - self.start)
            if due > at:
                break
            self.clock.advance(self.start + due)
            if due == self._minute * MINUTE:
                self._minute += 1
            if self.back is not None:
                if self.clock.now() < self.back:
                    continue
                self.back, self._away = None, 0
                self.note("the management server is started again")
                await self.serve()
                await self.live()
            await self.ping()
            if self.back is None:
                await self.look()
        self.clock.advance(self.start + at)

    async def act(self, words: list[str]) -> None:
        """One line of the play."""
        what, *rest = words
        if what in ("power", "network", "storage", "shutdown", "fault", "heal"):
            if self.back is None:
                self._befall(self.server.simulator, what, rest)
            else:
                world = SimulatorDriver(self.directory / "simulator.db", self.clock, Ids(1))
                await world.open()
                self._befall(world, what, rest)
                await world.close()
        elif what == "kill":
            self._away = moment(rest[-1]) if "away" in rest else 0
            if rest[:1] == ["at"]:
                self._die_at = rest[1]
            else:
                self.note("the management server dies")
                await self.die()
        elif what == "later":
            await self._ask(rest, wait=False)
        else:
            await self._ask(words)

    def _befall(self, world: SimulatorDriver, what: str, rest: list[str]) -> None:
        """What happens to the world, whether the server is there or not."""
        if what in ("power", "network", "storage"):
            {"power": world.set_host, "network": world.set_network, "storage": world.set_storage}[what](
                self.hosts[rest[0]], rest[1] == "on"
            )
        elif what == "shutdown":
            world.shut_down(self.machines[rest[0]])
        elif what == "fault":
            named = [word for word in rest[2:] if "=" not in word]
            given = dict(word.split("=", 1) for word in rest[2:] if "=" in word)
            count = int(given["count"]) if "count" in given else None
            answer = json.loads(given["answer"]) if "answer" in given else None
            where = self.hosts[named[0]] if named else None
            world.add_rule(
                Rule(rest[0], rest[1], float(given.get("seconds", 0)), host=where, count=count, answer=answer)
            )
        else:
            world.clear()

    async def _ask(self, words: list[str], wait: bool = True) -> None:
        what, name, *rest = words
        command, key, given = {
            "start": ("startVirtualMachine", "id", {}),
            "stop": ("stopVirtualMachine", "id", {}),
            "force-stop": ("stopVirtualMachine", "id", {"forced": True}),
            "reboot": ("rebootVirtualMachine", "id", {}),
            "destroy": ("destroyVirtualMachine", "id", {}),
            "maintenance": ("prepareHostForMaintenance", "id", {}),
            "cancel-maintenance": ("cancelHostMaintenance", "id", {}),
            "reconnect": ("reconnectHost", "id", {}),
            "degrade": ("declareHostAsDegraded", "id", {}),
            "cancel-degraded": ("cancelHostAsDegraded", "id", {}),
            "delete": ("deleteHost", "id", {}),
            "force-delete": ("deleteHost", "id", {"forced": True}),
            "action": ("issueOutOfBandManagementPowerAction", "hostid", {"action": rest[0] if rest else ""}),
            "guard": ("enableHAForHost", "hostid", {}),
            "unguard": ("disableHAForHost", "hostid", {}),
        }[what]
        target = self.machines.get(name) or self.hosts[name]

        async def ask() -> None:
            try:
                answer = await self.api.call(command, **{key: target}, **given)
            except Refused as error:
                self.note(f"{' '.join(words)} is refused: {self._plain(error.text)}")
                return
            if "jobid" in answer:
                self._pending.append((" ".join(words), answer["jobid"]))

        await ask()
        await self.live(None, None if wait else self.clock.now())
