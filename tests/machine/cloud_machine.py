"""A small cloud under test: a real server, simulated hosts and a fake clock, to which anything may happen at any time.

`Cloud` has one method for each kind of thing that people, hosts or fate do. All of them take numbers that choose among
what is there, so that a run can be told (and made shorter) as a list of numbers. `rest` lets the cloud come to rest and
checks what must hold even while hosts are broken; `heal` mends the hosts, lets the cloud find out and checks everything.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, ClassVar

import aiohttp
import invariants
from apiclient import Api, admin_keys
from fakeclock import FakeClock
from options import make_config
from people import account, keyed

from cloudsim.agents.base import Command, HostAddress, StartMachine
from cloudsim.agents.simulator import verbs
from cloudsim.agents.simulator.faults import Rule
from cloudsim.core.ids import Ids
from cloudsim.db import schema
from cloudsim.server import Server

MINUTE = 60_000
HOSTS = 4
#: Offerings: MHz, MB, HA.
OFFERINGS = {"small": (500, 512, False), "ha": (500, 1024, True), "big": (2000, 5000, False)}
#: How many machines the account with a limit may have.
MOST = 3
#: What hosts are told, as fault rules name it.
WIRES = sorted({command.wire for command in (*verbs.DOING, *verbs.LOOKING)} | {"StartupCommand"})
KINDS = ("fail", "fail_after", "lose", "drop", "hang", "delay", "answer")
#: A host that says it stopped, moved, cut or deleted something and did not: nobody can keep a promise on that.
TRUSTED = {
    "StopCommand", "FenceCommand", "MigrateCommand", "DestroyCommand", "DeleteCommand", "CheckOnHostCommand",
    "AttachCommand", "DettachCommand", "ResizeVolumeCommand", "MigrateVolumeCommand",
    "DeleteVMSnapshotCommand", "CreateVMSnapshotCommand", "PingCommand", "StartupCommand", "CreateObjectCommand",
}  # fmt: skip
#: The periodic tasks that a minute may bring.
TASKS = (
    "host-ping",
    "expunge",
    "system-vms",
    "vm-schedules",
    "vmsnapshot-expire",
    "account-cleanup",
    "security-groups",
    "volume-doubts",
)
MACHINE_OPS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("startVirtualMachine", {}),
    ("stopVirtualMachine", {}),
    ("stopVirtualMachine", {"forced": True}),
    ("rebootVirtualMachine", {}),
    ("rebootVirtualMachine", {"forced": True}),
    ("destroyVirtualMachine", {}),
    ("destroyVirtualMachine", {"expunge": True}),
    ("recoverVirtualMachine", {}),
    ("expungeVirtualMachine", {}),
    ("updateVirtualMachine", {"haenable": True}),
    ("updateVirtualMachine", {"haenable": False, "displayname": "other"}),
)
DISK_OPS = (
    "createVolume",
    "createVolume",
    "attachVolume",
    "attachVolume",
    "detachVolume",
    "resizeVolume",
    "migrateVolume",
    "destroyVolume",
    "recoverVolume",
    "deleteVolume",
)
HOST_OPS = (
    "prepareHostForMaintenance",
    "cancelHostMaintenance",
    "reconnectHost",
    "updateHost",
    "deleteHost",
    "declareHostAsDegraded",
    "cancelHostAsDegraded",
)
CLOUD_OPS = (
    "startRouter",
    "stopRouter",
    "rebootRouter",
    "destroyRouter",
    "stopSystemVm",
    "destroySystemVm",
    "migrateSystemVm",
)
AFFINITY = ("host anti-affinity", "host affinity", "non-strict host anti-affinity", "non-strict host affinity")
SCHEDULES = ("START", "STOP", "REBOOT", "FORCE_STOP", "FORCE_REBOOT")

_ANY_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d+\.\d+\.\d+\.\d+|\d+")


class Errors(logging.Handler):
    """Collects what the server logs as an error: nothing that may happen to it is one."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(self.format(record))


class Cloud:
    """The cloud, its server and its people. `log` tells what was done and what came of it."""

    #: The periodic tasks that a minute brings.
    tasks: ClassVar[tuple[str, ...]] = TASKS
    #: How many jobs of each kind there were, and how they ended, and how often requests were refused.
    counts: ClassVar[Counter[str]] = Counter()

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.clock = FakeClock()
        self.log: list[str] = []
        self.http: aiohttp.ClientSession
        self.server: Server
        self.keys: dict[str, tuple[str, str]] = {}
        self.project = ""
        self.offerings: list[str] = []
        self.zone = self.template = ""
        self.hosts: list[str] = []
        #: Where the server dies next, and what happens then: for tests of one thing.
        self.dies = ""
        self.meanwhile: Callable[[], None] | None = None
        self._lives = 0
        self._fuse = 0
        self._busy = 0
        self._dead = asyncio.Event()
        self._asked: set[asyncio.Task[None]] = set()
        self._wrong: list[str] = []
        self.errors = Errors()

    # -- the server's life

    async def serve(self) -> None:
        """Starts the server on the data that is there."""
        self._lives += 1
        self._dead = asyncio.Event()
        server = self.server = Server(
            make_config(self.directory, seed=False), clock=self.clock, ids=Ids(1000 + self._lives)
        )
        starting = asyncio.ensure_future(server.start())
        await self.clock.until(starting.done)
        await starting
        server.periodic.close()
        self._watch(server)

    def _watch(self, server: Server) -> None:
        driver: Any = server.simulator
        engine: Any = server.cloud.jobs
        database: Any = server.db
        execute, run_step, run_finish = driver.execute, engine.run_step, engine.run_finish

        async def executed(host: HostAddress, command: Command) -> Any:
            await self._burn(f"before {command.wire}")
            self._look(host, command)
            answer = await execute(host, command)
            await self._burn(f"after {command.wire}")
            return answer

        def step(function: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
            async def wrapped(job: Any, what: Any, *args: Any, **kwargs: Any) -> Any:
                name = what if isinstance(what, str) else "finish"
                await self._burn(f"before {job.workflow}/{name}")
                result = await function(job, what, *args, **kwargs)
                await self._burn(f"after {job.workflow}/{name}")
                return result

            return wrapped

        def counted(function: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
            async def wrapped(*args: Any, **kwargs: Any) -> Any:
                self._busy += 1
                try:
                    return await function(*args, **kwargs)
                finally:
                    self._busy -= 1

            return wrapped

        driver.execute = executed
        engine.run_step, engine.run_finish = step(run_step), step(run_finish)
        for name in ("read", "write", "glance"):
            setattr(database, name, counted(getattr(database, name)))

    async def _burn(self, where: str) -> None:
        """One boundary passed; the server dies at the one that was chosen."""
        if self._dead.is_set():
            await asyncio.Event().wait()
        if self._fuse > 0 or where == self.dies:
            self._fuse -= 1
            if self._fuse == 0 or where == self.dies:
                self.dies = ""
                self.log.append(f"the server dies {where}")
                self._dead.set()
                await asyncio.Event().wait()

    def _look(self, host: HostAddress, command: Command) -> None:
        """No machine is told to run where it runs elsewhere; none runs twice."""
        on = [one for one in self.server.simulator.machines() if one.power == "PowerOn"]
        if len({one.uuid for one in on}) != len(on):
            self._wrong.append(f"a machine runs twice at {command}")
        if isinstance(command, StartMachine):
            elsewhere = [one.host for one in on if one.uuid == command.machine.uuid and one.host != host.uuid]
            if elsewhere:
                self._wrong.append(f"{command.machine.name} is started on {host.uuid} and runs on {elsewhere}")

    async def die(self) -> None:
        """Ends the server as a kill does: nothing it has under way goes on."""
        self._dead.set()
        engine: Any = self.server.cloud.jobs
        engine._closing = True
        tasks = [*engine._tasks, *self._asked]
        for task in tasks:
            task.cancel()
        left = (await asyncio.wait(tasks, timeout=10))[1] if tasks else ()
        assert not left, [task.get_stack() for task in left]
        self._asked.clear()
        await self.server.stop()
        self._busy = 0
        if self.meanwhile is not None:
            self.meanwhile()
        await self.serve()

    async def _until(self, done: Callable[[], bool]) -> None:
        """Lets the cloud live. The clock moves when nothing else does: no query, no request."""
        quiet, last = 0, self.clock.next()
        async with asyncio.timeout(60):
            while not done() and not self._dead.is_set():
                await asyncio.sleep(0.0005)
                now = self.clock.next()
                quiet = quiet + 1 if self._busy == 0 and now == last else 0
                last = now
                if quiet >= 4 and now is not None and not done():
                    self.clock.advance(now)
                    quiet = 0

    async def live(self) -> None:
        """Until nothing is under way; a server that dies on the way is started again."""
        while True:
            await self._until(lambda: not self._asked and not self.server.cloud.jobs.unfinished)
            if not self._dead.is_set():
                return
            self._fuse = 0
            await self.die()

    # -- what is asked

    def api(self, who: str) -> Api:
        """A caller."""
        return Api(self.http, self.server.url, *self.keys[who])

    def ask(self, who: str, command: str, **given: Any) -> None:
        """Sends a request; what comes of it is logged."""

        async def send() -> None:
            try:
                status, text = await self.api(who).raw(command, "POST", **given)
            except (aiohttp.ClientError, OSError) as error:
                self.log.append(f"{command}: {type(error).__name__}")
                return
            body = next(iter(json.loads(text).values()))
            shown = "accepted" if status == 200 else body.get("errortext", text)[:160]
            self.log.append(f"{who}: {command} {given}: {status} {shown}")
            self.counts[f"{command} {'asked' if status == 200 else _ANY_ID.sub('*', shown)[:90]}"] += 1
            if status == 530 and "internal error" in text.lower():
                self._wrong.append(f"{command}: {text}")

        task = asyncio.ensure_future(send())
        self._asked.add(task)
        task.add_done_callback(self._asked.discard)

    async def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Of the database."""
        return await invariants.rows(self.server, sql)

    async def one(self, sql: str, number: int) -> str | None:
        """One of the uuids that a query finds, in the order of their ids."""
        found = await self.rows(sql)
        return found[number % len(found)][0] if found else None

    async def deploy(self, offering: int, who: int, more: int) -> None:
        """A machine is deployed."""
        given: dict[str, Any] = {
            "zoneid": self.zone,
            "templateid": self.template,
            "serviceofferingid": self.offerings[offering % len(self.offerings)],
        }
        name = ("admin", "user", "other", "admin")[who % 4]
        if name not in self.keys:
            name = "admin"
        there = f"SELECT 1 FROM project WHERE uuid = '{self.project}' AND removed IS NULL"
        if who % 4 == 3 and await self.rows(there):
            given["projectid"] = self.project
        if more == 1:
            given["startvm"] = False
        elif more == 2:
            given["details[0].simulator.ignore_shutdown"] = True
        elif more == 3 and name == "admin":
            given["hostid"] = await self.one(
                "SELECT uuid FROM host WHERE removed IS NULL AND type = 'Routing'", offering
            )
        self.ask(name, "deployVirtualMachine", **given)

    _MACHINES = "SELECT uuid FROM vm WHERE removed IS NULL AND type = 'User' ORDER BY id"

    async def operate(self, which: int, number: int) -> None:
        """Something is asked of a machine."""
        found = await self.one(self._MACHINES, number)
        if found is not None:
            command, given = MACHINE_OPS[which % len(MACHINE_OPS)]
            self.ask("admin", command, id=found, **given)

    async def snapshot(self, which: int, number: int) -> None:
        """A snapshot is made, gone back to, or deleted."""
        if which % 4 < 2:
            found = await self.one(self._MACHINES, number)
            if found is not None:
                self.ask("admin", "createVMSnapshot", virtualmachineid=found, snapshotmemory=which % 4 == 1)
            return
        found = await self.one("SELECT uuid FROM vm_snapshot WHERE removed IS NULL ORDER BY id", number)
        if found is not None:
            self.ask("admin", "revertToVMSnapshot" if which % 4 == 2 else "deleteVMSnapshot", vmsnapshotid=found)

    _DISKS = "SELECT uuid FROM volume WHERE removed IS NULL AND is_system = FALSE ORDER BY id"

    async def disk(self, which: int, number: int, other: int) -> None:
        """A volume is made, attached, detached, resized, moved, destroyed, recovered, or deleted."""
        machine, volume = await self.one(self._MACHINES, other), await self.one(self._DISKS, number)
        which %= len(DISK_OPS)
        command = DISK_OPS[which]
        if command == "createVolume":
            offering = await self.one("SELECT uuid FROM disk_offering WHERE name = 'Custom'", 0)
            given = {"diskofferingid": offering, "size": 1 + other, "name": "disk", "zoneid": self.zone}
            self.ask("admin", command, **given, **({"virtualmachineid": machine} if machine and which else {}))
        elif volume is not None:
            given = {"id": volume}
            if command == "attachVolume":
                given["virtualmachineid"] = machine
            elif command == "resizeVolume":
                given |= {"size": 1 + other, "shrinkok": True}
            elif command == "destroyVolume":
                given["expunge"] = other % 2 == 1
            elif command == "migrateVolume":
                pool = await self.one("SELECT uuid FROM storage_pool WHERE removed IS NULL ORDER BY id", other)
                given = {"volumeid": volume, "storageid": pool, "livemigrate": True}
            self.ask("admin", command, **given)

    async def move(self, which: int, number: int, where: int) -> None:
        """A machine moves to another host, its disks to another pool, or both."""
        found, host = await self.one(self._MACHINES, number), self.hosts[where % HOSTS]
        if found is None:
            return
        disk = await self.one(
            "SELECT d.uuid FROM volume d JOIN vm v ON d.vm_id = v.id"
            f" WHERE v.uuid = '{found}' AND d.removed IS NULL ORDER BY d.id",
            number,
        )
        pool = await self.one("SELECT uuid FROM storage_pool WHERE removed IS NULL ORDER BY id", where)
        motion = {"migrateto[0].volume": disk, "migrateto[0].pool": pool}
        command, given = (
            ("migrateVirtualMachine", {"hostid": host}),
            ("migrateVirtualMachine", {"autoselect": True}),
            ("migrateVirtualMachine", {"storageid": pool}),
            ("migrateVirtualMachineWithVolume", {"hostid": host, **(motion if where % 2 else {})}),
            ("migrateVirtualMachineWithVolume", motion),
        )[which % 5]
        self.ask("admin", command, virtualmachineid=found, **given)

    async def scale(self, which: int, number: int, offering: int) -> None:
        """A machine gets another offering, while it runs or not."""
        found = await self.one(self._MACHINES, number)
        if found is not None:
            command = ("scaleVirtualMachine", "scaleVirtualMachine", "changeServiceForVirtualMachine")[which % 3]
            given = {"automigrate": False} if which % 2 else {}
            self.ask(
                "admin", command, id=found, serviceofferingid=self.offerings[offering % len(self.offerings)], **given
            )

    async def affinity(self, which: int, number: int) -> None:
        """A group is made or deleted, or a machine gets other groups."""
        groups = [
            uuid for (uuid,) in await self.rows("SELECT uuid FROM affinity_group WHERE removed IS NULL ORDER BY id")
        ]
        if which % 4 == 0 or not groups:
            kind = AFFINITY[number % len(AFFINITY)]
            self.ask("admin", "createAffinityGroup", name=f"{kind} {len(groups)} {self.clock.now()}", type=kind)
        elif which % 4 == 1:
            self.ask("admin", "deleteAffinityGroup", id=groups[number % len(groups)])
        else:
            found = await self.one(self._MACHINES, number)
            if found is not None:
                wanted = groups[number % len(groups)] if which % 4 == 2 else ""
                self.ask("admin", "updateVMAffinityGroup", id=found, affinitygroupids=wanted)

    async def hand_over(self, number: int, who: int) -> None:
        """A machine, that is stopped by then or not, becomes someone else's."""
        found = await self.one(self._MACHINES, number)
        ((domain,),) = await self.rows("SELECT uuid FROM domain WHERE path = '/'")
        if found is not None:
            to = (
                {"projectid": self.project}
                if who % 3 == 2
                else {"account": ("user", "other")[who % 3], "domainid": domain}
            )
            self.ask("admin", "assignVirtualMachine", virtualmachineid=found, **to)

    async def restore(self, which: int, number: int) -> None:
        """A machine is made anew, or loses or gets back what it had at deployment."""
        found = await self.one(self._MACHINES, number)
        if found is not None:
            given = ({}, {"templateid": self.template}, {"expunge": True}, {"rootdisksize": 9})[which % 4]
            self.ask("admin", "restoreVirtualMachine", virtualmachineid=found, **given)

    async def schedule(self, which: int, number: int) -> None:
        """A machine gets a schedule that is due every other minute."""
        found = await self.one(self._MACHINES, number)
        if found is not None:
            action = SCHEDULES[which % len(SCHEDULES)]
            given = {"action": action, "schedule": "*/2 * * * *", "timezone": "UTC"}
            self.ask("admin", "createVMSchedule", virtualmachineid=found, **given)

    async def host(self, which: int, number: int) -> None:
        """Something is asked of a host."""
        command, uuid = HOST_OPS[which % len(HOST_OPS)], self.hosts[number % HOSTS]
        given: dict[str, Any] = {}
        if command == "updateHost":
            given["allocationstate"] = ("Disable", "Enable")[number // HOSTS % 2]
        ((status,),) = await self.rows(f"SELECT status FROM host WHERE uuid = '{uuid}'")
        if command == "declareHostAsDegraded" and status != "Up":
            self.power(number, 0, False)  # who says that it is broken has looked
        if command == "deleteHost":
            # the first two stay, so that there is a cloud
            if number % HOSTS < HOSTS - 2:
                return
            given["forced"] = number >= HOSTS
            if status != "Up":
                self.power(number, 0, False)
        self.ask("admin", command, id=uuid, **given)

    async def own(self, which: int, number: int) -> None:
        """Something is asked of a machine of the cloud's own."""
        command = CLOUD_OPS[which % len(CLOUD_OPS)]
        kind = "= 'DomainRouter'" if "Router" in command else "IN ('ConsoleProxy', 'SecondaryStorageVm')"
        found = await self.one(f"SELECT uuid FROM vm WHERE removed IS NULL AND type {kind} ORDER BY id", number)
        if found is not None and command == "migrateSystemVm":
            self.ask("admin", command, virtualmachineid=found, autoselect=True)
        elif found is not None:
            self.ask("admin", command, id=found)

    async def network(self, number: int, cleanup: bool) -> None:
        """A network is restarted."""
        found = await self.one(
            "SELECT uuid FROM network WHERE removed IS NULL AND guest_type = 'Isolated' ORDER BY id", number
        )
        if found is not None:
            self.ask("admin", "restartNetwork", id=found, cleanup=cleanup)

    async def delete_owner(self, which: int) -> None:
        """An account, or the project, is deleted with all that it has."""
        if which % 2:
            self.ask("admin", "deleteProject", id=self.project, cleanup=True)
            return
        name = "user" if which == 2 else "other"
        found = await self.one(f"SELECT uuid FROM account WHERE name = '{name}' AND removed IS NULL", 0)
        if found is not None:
            self.keys.pop(name, None)
            self.ask("admin", "deleteAccount", id=found)

    # -- what happens

    def fault(self, wire: int, kind: int, count: int, host: int) -> None:
        """A host, or all of them, will do something wrong."""
        what = KINDS[kind % len(KINDS)]
        if what == "answer" and WIRES[wire % len(WIRES)] in TRUSTED:
            what = "fail"
        where = self.hosts[host] if host < HOSTS else None
        rule = Rule(WIRES[wire % len(WIRES)], what, seconds=3.0 if what == "delay" else 0.0, count=count, host=where)
        self.log.append(f"fault: {rule.command} {what} x{count} on {where or 'all hosts'}")
        self.server.simulator.add_rule(rule)

    def power(self, number: int, what: int, on: bool) -> None:
        """A host loses its power, network or storage, or gets it back."""
        world = self.server.simulator
        name = ("power", "network", "storage")[what % 3]
        self.log.append(f"host {self.hosts[number % HOSTS]}: {name} {'on' if on else 'off'}")
        {"power": world.set_host, "network": world.set_network, "storage": world.set_storage}[name](
            self.hosts[number % HOSTS], on
        )

    def guest_off(self, number: int) -> None:
        """A guest shuts down by itself."""
        running = sorted(one.uuid for one in self.server.simulator.machines() if one.power == "PowerOn")
        if running:
            self.log.append(f"guest {running[number % len(running)]} shuts down")
            self.server.simulator.shut_down(running[number % len(running)])

    def kill_at(self, boundary: int) -> None:
        """The server will die at a boundary from here on."""
        self._fuse = boundary

    async def kill(self) -> None:
        """The server dies as it is."""
        self.log.append("the server dies")
        await self.die()

    async def minutes(self, count: int) -> None:
        """Time passes, and the periodic tasks run, whatever else is under way."""
        for _ in range(count):
            if self._dead.is_set():
                break
            self.clock.advance(self.clock.now() + MINUTE)
            for name in self.tasks:
                task = asyncio.ensure_future(self.server.periodic.run_now(name))
                self._asked.add(task)  # type: ignore[arg-type]
                task.add_done_callback(self._asked.discard)
                await self._until(task.done)
                if self._dead.is_set():
                    break
        await self.live()
        self.log.append(f"{count} minutes pass")

    # -- what must hold

    async def rest(self) -> None:
        """Comes to rest; checks what holds whatever hosts do."""
        await self.live()
        self._right()
        await invariants.check_records(self.server)
        await invariants.check_world(self.server, healed=False)

    def _right(self) -> None:
        assert not self._wrong, self._wrong
        assert not self.errors.texts, self.errors.texts

    async def heal(self) -> None:
        """Mends every host, lets the cloud find out, finishes what was left, and checks everything."""
        self._fuse = 0
        await self.live()
        world = self.server.simulator
        world.clear()
        for uuid in self.hosts:
            world.set_network(uuid, True)
            world.set_storage(uuid, True)
            if not world._world.settled(uuid).up:
                world.set_host(uuid, True)
        self.log.append("all hosts are mended")
        await self.rows("SELECT 1")
        await self.minutes(3)
        # what waits for its time: tries of HA, what is left half expunged
        self.clock.advance(self.clock.now() + 20 * MINUTE)
        await self.minutes(3)
        await self.live()
        self._right()
        await invariants.check(self.server)

    async def close(self) -> None:
        """The end."""
        for workflow, state, result in await self.rows("SELECT workflow, state, result FROM job"):
            text = "" if state == "succeeded" else f": {json.loads(result or '{}').get('errortext', '')}"
            self.counts[f"{workflow} {state}{_ANY_ID.sub('*', text)[:90]}"] += 1
        for task in list(self._asked):
            task.cancel()
        await self.server.stop()
        await self.http.close()


# -- the cloud that each run begins with


async def _build(directory: Path) -> dict[str, Any]:
    cloud = Cloud(directory)
    cloud.http = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
    cloud.server = Server(make_config(directory), clock=cloud.clock, ids=Ids(7))
    starting = asyncio.ensure_future(cloud.server.start())
    await cloud.clock.until(starting.done)
    await starting
    cloud.server.periodic.close()
    cloud.keys["admin"] = admin_keys(directory)
    api = cloud.api("admin")
    old = (await api.call("listHosts", type="Routing"))["host"]
    clusters = list(dict.fromkeys(host["clusterid"] for host in old))
    for number in range(HOSTS):
        near = next(host for host in old if host["clusterid"] == clusters[number % 2])
        places = {key: near[key] for key in ("zoneid", "podid", "clusterid")}
        url = f"http://sim/c{number % 2}/h{number}"
        made = await api.call("addHost", **places, hypervisor="Simulator", url=url, username="x", password="x")
        cloud.hosts.append(made["host"][0]["id"])
    for host in old:
        await api.call("deleteHost", id=host["id"], forced=True)
    for name, (speed, memory, ha) in OFFERINGS.items():
        given = {"cpunumber": 1, "cpuspeed": speed, "memory": memory, "offerha": ha}
        made = await api.call("createServiceOffering", name=name, displaytext=name, **given)
        cloud.offerings.append(made["serviceoffering"]["id"])
    # so that running machines grow; and a second pool for what moves
    await cloud.server.db.write(lambda tx: tx.update(schema.template, {"type": "BUILTIN"}, dynamically_scalable=True))
    await api.call("updateConfiguration", name="enable.dynamic.scale.vm", value=True)
    (zone,) = {host["zoneid"] for host in old}
    more = {"scope": "ZONE", "hypervisor": "Simulator", "url": "nfs://10.9.9.9/more", "name": "more"}
    await api.call("createStoragePool", zoneid=zone, **more)
    for name in ("user", "other"):
        made = await account(api, name)
        person = await keyed(api, cloud.http, made["user"][0]["id"])
        cloud.keys[name] = (person.key, person.secret)
        if name == "user":
            await api.call("updateResourceLimit", account=name, domainid=made["domainid"], resourcetype=0, max=MOST)
    answer = await api.call("createProject", name="p", displaytext="p")
    await cloud.live()
    basics = await api.basics()
    for name, value in (("expunge.delay", 240), ("vmsnapshot.max", 3), ("wait", 120), ("restart.retry.interval", 120)):
        await api.call("updateConfiguration", name=name, value=value)
    await cloud.minutes(1)
    made = {
        "keys": cloud.keys, "hosts": cloud.hosts, "offerings": cloud.offerings, "project": answer["id"],
        "zone": basics["zoneid"], "template": basics["templateid"], "now": cloud.clock.now(),
    }  # fmt: skip
    await cloud.close()
    return made


_prepared: dict[str, Any] = {}


async def new_cloud(directory: Path, kind: type[Cloud] | None = None) -> Cloud:
    """A cloud that runs in a directory; the first call in a process prepares what all begin with."""
    if not _prepared:
        source = Path(tempfile.mkdtemp(prefix="cloudsim-machine-"))
        _prepared.update(await _build(source / "data"), source=source)
    shutil.copytree(_prepared["source"] / "data", directory)
    cloud = (kind or Cloud)(directory)
    cloud.clock.advance(_prepared["now"] + 1000)
    cloud.http = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
    cloud.keys = dict(_prepared["keys"])
    for name in ("hosts", "offerings", "project", "zone", "template"):
        setattr(cloud, name, _prepared[name])
    await cloud.serve()
    return cloud


def forget() -> None:
    """Removes what was prepared."""
    if _prepared:
        shutil.rmtree(_prepared["source"], ignore_errors=True)
        _prepared.clear()
