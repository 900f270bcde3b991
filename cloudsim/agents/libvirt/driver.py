"""The driver itself: which host, which verb, and who else is at the same machine right now.

The work is done elsewhere (`machines`, `stats`, `probe` in threads; `storage` by ``qemu-img``). Here commands on the
same machine are put in a row, whatever hosts they go to, and waits are made with the clock.
"""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import ClassVar
from weakref import WeakValueDictionary

from cloudsim.agents import base
from cloudsim.agents.base import AgentError, Answer, Command, CommandFailed, HostAddress, HostFacts, Unsupported
from cloudsim.agents.libvirt import console, disk_snapshots, drive, machines, nics, probe, snapshots, stats
from cloudsim.agents.libvirt.connection import Connection, is_remote, is_test
from cloudsim.agents.libvirt.domain_xml import Profile, check_name, machine_xml
from cloudsim.agents.libvirt.storage import Storage
from cloudsim.core.clock import Clock
from cloudsim.core.ids import is_uuid

#: Seconds between two looks at a machine that was asked to shut down.
POLL = 0.5
#: Seconds that another host has for the question whether a machine runs there.
ELSEWHERE = 5.0
#: Seconds that QEMU has to write the memory of a machine, or to read it; the caller has limits of its own.
MEMORY = 3600.0

_Snapshot = base.CreateMachineSnapshot | base.RevertMachineSnapshot | base.DeleteMachineSnapshot


class LibvirtDriver:
    """Hosts by libvirt URI: ``qemu:///system``, ``qemu+ssh://…/system``, ``test:///default``.

    `timeout`: seconds that one call to libvirt may take. `storage`: the directory of pools and templates; a host that
    is another computer needs it shared at the same path, and says so by its detail ``storage`` = ``shared``.
    `console_logs`: a directory on the hosts that the machines' serial consoles are written to (``<instance
    name>.log``), None for none.

    A host's details that an administrator may set: ``bridge`` (the bridge of the machines' network cards; without it
    they have QEMU's user mode network), ``domain_type`` (``kvm`` or ``qemu``: use nothing else), ``storage``.
    """

    hypervisors: ClassVar[tuple[str, ...]] = ("KVM",)
    verbs: ClassVar[frozenset[type[Command]]] = frozenset(
        {
            base.Ping,
            base.CreateVolume,
            base.DeleteVolume,
            base.MigrateVolume,
            base.StartMachine,
            base.StopMachine,
            base.RebootMachine,
            base.ScaleMachine,
            base.AttachIso,
            base.DestroyMachine,
            base.PlugNic,
            base.UnplugNic,
            base.MachineStats,
            base.CreateMachineSnapshot,
            base.RevertMachineSnapshot,
            base.DeleteMachineSnapshot,
            *disk_snapshots.VERBS,
        }
    )

    def __init__(
        self,
        clock: Clock,
        *,
        timeout: float = 60.0,
        storage: str = "/var/lib/cloudsim/images",
        console_logs: str | None = None,
    ) -> None:
        self._clock = clock
        self._timeout = timeout
        self._storage = Storage(storage, clock, timeout)
        self._console_logs = Path(console_logs) if console_logs else None
        self._connections: dict[str, Connection] = {}
        self._profiles: dict[str, Profile] = {}
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._looks: dict[tuple[str, str], tuple[float, float]] = {}
        self._host_looks: dict[str, stats.Figures] = {}

    async def open(self) -> None:
        """Does nothing: libvirt is loaded, and a host connected, when it is needed."""

    async def close(self) -> None:
        """Gives up all that is under way and lets all connections go; never blocks."""
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()
        self._storage.close()

    async def connect(self, host: HostAddress) -> HostFacts:
        """Reads the host's facts and finds out, by trying, whether it runs machines with KVM. Takes some seconds."""
        facts = await self._connection(host).run(partial(probe.read_facts, details=dict(host.details)))
        profile = probe.from_details(facts.details, test=is_test(host.url))
        self._profiles[host.url] = profile or Profile(None, None, facts.arch)
        return facts

    def file_of(self, pool: str, path: str) -> Path | None:
        """The qcow2 file of a volume."""
        try:
            return self._storage.locate(pool, path)
        except CommandFailed:
            return None

    async def execute(self, host: HostAddress, command: Command) -> Answer:
        """See `cloudsim.agents.base`. Raises `CommandFailed`, `HostUnreachable`, `Unsupported`."""
        match command:
            case base.Ping():
                return await self._ping(host, command)
            case base.MachineStats():
                return await self._stats(host, command)
            case base.CreateVolume():
                return await self._create_volume(host, command)
            case base.DeleteVolume():
                return await self._delete_volume(host, command)
            case base.MigrateVolume():
                return await self._migrate_volume(host, command)
            case base.ScaleMachine(uuid=uuid, name=name):
                async with self._alone(uuid, name):
                    await self._connection(host).run(
                        partial(
                            machines.scale,
                            uuid=uuid,
                            name=name,
                            cpus=command.cpus,
                            memory=command.memory,
                            command=command.id,
                        )
                    )
                    return {}
            case base.AttachIso(uuid=uuid, name=name):
                async with self._alone(uuid, name):
                    await self._attach_iso(host, command)
                    return {}
            case base.StartMachine(machine=machine):
                async with self._alone(machine.uuid, machine.name):
                    return await self._start(host, command)
            case base.StopMachine(uuid=uuid, name=name):
                async with self._alone(uuid, name):
                    return await self._stop(host, command)
            case base.RebootMachine(uuid=uuid, name=name):
                async with self._alone(uuid, name):
                    await self._connection(host).run(partial(machines.reboot, uuid=uuid, name=name, command=command.id))
                    return {"power": "PowerOn"}
            case base.DestroyMachine(uuid=uuid, name=name):
                async with self._alone(uuid, name):
                    await self._connection(host).run(partial(machines.destroy, uuid=uuid, name=name))
                    return {}
            case base.PlugNic() | base.UnplugNic():
                async with self._alone(command.uuid, command.name):
                    await self._plug(host, command)
                    return {}
            case base.CreateMachineSnapshot() | base.RevertMachineSnapshot() | base.DeleteMachineSnapshot():
                async with self._alone(command.uuid, command.name):
                    await self._snapshot(host, command)
                    return {}
        if type(command) in disk_snapshots.VERBS:
            if is_test(host.url):
                raise Unsupported(f"libvirt's test hypervisor has no disks: {command.wire} cannot be carried out")
            self._check_storage(host)
            return await disk_snapshots.execute(self._storage, command)
        raise Unsupported(f"libvirt hosts do not have {command.wire}")

    async def _start(self, host: HostAddress, command: base.StartMachine) -> Answer:
        machine = command.machine
        profile = await self._profile(host)
        if profile.domain_type is None:
            raise CommandFailed("this host can run no virtual machines: neither KVM nor QEMU's emulation works on it")
        define = partial(
            machine_xml,
            machine,
            profile,
            paths={disk.uuid: str(self._storage.locate(disk.pool, disk.path)) for disk in machine.disks},
            bridge=host.details.get("bridge"),
            console_log=str(self._console_logs / f"{machine.name}.log") if self._console_logs else None,
        )
        await self._check_elsewhere(host, machine.uuid)
        return await self._connection(host).run(
            partial(
                machines.start,
                uuid=machine.uuid,
                name=machine.name,
                memory=machine.memory,
                command=command.id,
                define=lambda done: define(done=done),
            )
        )

    async def _attach_iso(self, host: HostAddress, command: base.AttachIso) -> None:
        path = None
        if command.iso is not None:
            if command.iso.path is None:
                raise CommandFailed(f"ISO {command.iso.name} has no file that this host could reach")
            self._check_storage(host)
            path = command.iso.path
        work = partial(
            drive.change,
            uuid=command.uuid,
            name=command.name,
            path=path,
            forced=command.forced,
            command=command.id,
        )
        await self._connection(host).run(work)

    async def console(self, host: HostAddress, uuid: str, name: str) -> base.ConsoleStream:
        """QEMU's VNC server. Raises `CommandFailed` for a host that is another computer: libvirt hands no sockets over
        the network.
        """
        if is_test(host.url):
            raise Unsupported("libvirt's test hypervisor has no consoles")
        if is_remote(host.url):
            raise Unsupported("the console of a virtual machine on another computer cannot be reached through libvirt")
        check_name(name, "virtual machine")
        found = await self._connection(host).run(partial(console.connect, uuid=uuid, name=name))
        return await console.stream(found)

    async def _check_elsewhere(self, host: HostAddress, uuid: str) -> None:
        """A host that cannot be asked is passed over: whether to start without knowing is for the caller to decide."""
        others = [other for url, other in self._connections.items() if url != host.url and other.opened]
        question = partial(machines.forget_elsewhere, uuid=uuid)
        answers = await asyncio.gather(
            *(other.run(question, limit=min(ELSEWHERE, self._timeout)) for other in others), return_exceptions=True
        )
        for answer in answers:
            if answer is True:
                raise CommandFailed("the virtual machine runs on another host")
            if isinstance(answer, BaseException) and not isinstance(answer, AgentError):
                raise answer

    async def _stop(self, host: HostAddress, command: base.StopMachine) -> Answer:
        connection = self._connection(host)
        uuid, name, once = command.uuid, command.name, command.id
        if command.forced:
            await connection.run(partial(machines.pull_plug, uuid=uuid, name=name, command=once))
            return {"power": "PowerOff"}
        end = self._clock.monotonic() + command.wait
        if await connection.run(partial(machines.ask_off, uuid=uuid, name=name, command=once)):
            return {"power": "PowerOff"}
        while not await connection.run(partial(machines.is_off, uuid=uuid, name=name, command=once)):
            left = end - self._clock.monotonic()
            if left <= 0:
                raise CommandFailed(f"the guest did not shut down within {command.wait:g} s")
            await self._clock.sleep(min(POLL, left))
        return {"power": "PowerOff"}

    async def _snapshot(self, host: HostAddress, command: _Snapshot) -> None:
        """Snapshots of a machine that runs are QEMU's business; those of one that is off, of the volumes'."""
        if not is_uuid(command.snapshot):
            raise CommandFailed(f"not a uuid: {command.snapshot[:64]!r}")
        if is_test(host.url):
            raise Unsupported(f"libvirt's test hypervisor has no disks: {command.wire} cannot be carried out")
        self._check_storage(host)
        connection, storage, name = self._connection(host), self._storage, command.snapshot
        uuid, machine = command.uuid, command.name
        running = await connection.run(partial(snapshots.runs, uuid=uuid, name=machine))
        disks = [(pool, storage.file_name(uuid)) for uuid, pool in command.disks]
        match command:
            case base.CreateMachineSnapshot() if running:
                if not command.memory:
                    raise CommandFailed(
                        "KVM keeps the disks of a virtual machine that runs together with its memory only"
                    )
                work = partial(snapshots.create, uuid=uuid, name=machine, snapshot=name, command=command.id)
                await connection.run(work, limit=MEMORY)
            case base.CreateMachineSnapshot():
                if command.memory:
                    raise CommandFailed(f"virtual machine {command.name} does not run on this host")
                for pool, path in disks:
                    await storage.snapshot(pool, path, name)
            case base.RevertMachineSnapshot():
                held = [await storage.snapshots(pool, path) for pool, path in disks]
                if not any(name in found for found in held):
                    raise CommandFailed(f"there is no snapshot {command.snapshot_name} in the disks of {command.name}")
                if running:
                    memory = any(found.get(name, False) for found in held)
                    work = partial(
                        snapshots.revert, uuid=uuid, name=machine, snapshot=name, command=command.id, memory=memory
                    )
                    await connection.run(work, limit=MEMORY)
                    return
                for pool, path in disks:
                    await storage.revert(pool, path, name)
            case base.DeleteMachineSnapshot() if running:
                held = [await storage.snapshots(pool, path) for pool, path in disks]
                if any(name in found for found in held):
                    memory = any(found.get(name, False) for found in held)
                    work = partial(snapshots.delete, uuid=uuid, name=machine, snapshot=name, memory=memory)
                    await connection.run(work, limit=MEMORY)
                await connection.run(partial(snapshots.forget, uuid=uuid, name=machine, snapshot=name))
            case base.DeleteMachineSnapshot():
                for pool, path in disks:
                    await storage.forget(pool, path, name)
                await connection.run(partial(snapshots.forget, uuid=uuid, name=machine, snapshot=name))

    async def _plug(self, host: HostAddress, command: base.PlugNic | base.UnplugNic) -> None:
        connection = self._connection(host)
        if isinstance(command, base.PlugNic):
            bridge = host.details.get("bridge")
            work = partial(nics.plug, bridge=bridge, plain=is_test(host.url))
        else:
            work = partial(nics.unplug)
        known = partial(work, uuid=command.uuid, name=command.name, nic=command.nic, command=command.id)
        await connection.run(known)

    async def _ping(self, host: HostAddress, command: base.Ping) -> Answer:
        answer: Answer = {"machines": await self._connection(host).run(machines.power_states)}
        if command.figures:
            found = await self._connection(host).run(stats.read_host)
            cpu = stats.host_percent(found, self._host_looks.get(host.url))
            self._host_looks[host.url] = found
            made = {"cpu": cpu, "memory": found.get("memory")}
            answer["figures"] = {name: value for name, value in made.items() if value is not None}
        return answer

    async def _stats(self, host: HostAddress, command: base.MachineStats) -> Answer:
        found = await self._connection(host).run(partial(stats.read, names=command.names))
        now = self._clock.monotonic()
        answer: dict[str, stats.Figures] = {}
        for name, (uuid, figures) in found.items():
            percent = stats.to_percent(figures, self._looks.get((host.url, uuid)), now)
            self._looks[host.url, uuid] = (float(figures.pop("cpu_time")), now)
            del figures["cpus"]
            answer[name] = {"cpu": percent, **figures}
        if not command.names:
            known = {uuid for uuid, _ in found.values()}
            for key in [key for key in self._looks if key[0] == host.url and key[1] not in known]:
                del self._looks[key]
        return {"machines": answer}

    async def _create_volume(self, host: HostAddress, command: base.CreateVolume) -> Answer:
        if is_test(host.url):
            name = self._storage.file_name(command.uuid)
            self._storage.locate(command.pool, name)
            return {"path": name, "size": command.size}
        self._check_storage(host)
        path, size = await self._storage.create(
            command.uuid, command.pool, command.size, command.template, file=command.file, format=command.format
        )
        return {"path": path, "size": size}

    async def _delete_volume(self, host: HostAddress, command: base.DeleteVolume) -> Answer:
        if is_test(host.url):
            self._storage.locate(command.pool, command.path)
            return {}
        self._check_storage(host)
        if command.path != self._storage.file_name(command.uuid):
            raise CommandFailed("the volume's path does not belong to its uuid")
        await self._storage.delete(command.pool, command.path)
        return {}

    async def _migrate_volume(self, host: HostAddress, command: base.MigrateVolume) -> Answer:
        name = self._storage.file_name(command.uuid)
        if is_test(host.url):
            self._storage.locate(command.target, name)
            return {"path": name}
        self._check_storage(host)
        if command.path != name:
            raise CommandFailed("the volume's path does not belong to its uuid")
        await self._storage.migrate(command.pool, command.target, name)
        return {"path": name}

    def _check_storage(self, host: HostAddress) -> None:
        if is_remote(host.url) and host.details.get("storage") != "shared":
            raise CommandFailed("volumes of a remote host need storage that is shared with this server (see details)")

    async def _profile(self, host: HostAddress) -> Profile:
        known = self._profiles.get(host.url) or probe.from_details(host.details, test=is_test(host.url))
        if known is None:
            await self.connect(host)
            known = self._profiles[host.url]
        return known

    def _connection(self, host: HostAddress) -> Connection:
        found = self._connections.get(host.url)
        if found is None:
            found = self._connections[host.url] = Connection(host.url, self._clock, self._timeout)
        return found

    def _alone(self, uuid: str, name: str) -> asyncio.Lock:
        """The lock of a machine. Raises `CommandFailed` where it has no proper name or uuid."""
        if not is_uuid(uuid):
            raise CommandFailed(f"not a uuid: {uuid[:64]!r}")
        check_name(name, "virtual machine")
        return self._locks.setdefault(uuid.lower(), asyncio.Lock())
