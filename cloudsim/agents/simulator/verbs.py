"""What each command does to the world. Every function runs inside the transaction that also records its answer.

They take the world, the uuid of the host and the command, answer what the contract says, and raise `CommandFailed`
before anything is changed.
"""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import Any

import orjson

from cloudsim.agents.base import (
    Answer,
    AttachIso,
    AttachVolume,
    CheckVolume,
    Command,
    CommandFailed,
    CreateMachineSnapshot,
    CreateVolume,
    DeleteMachineSnapshot,
    DeleteVolume,
    DestroyMachine,
    DetachVolume,
    FenceHost,
    HostUnreachable,
    InvestigateHost,
    MachineStats,
    MigrateMachine,
    MigrateVolume,
    Ping,
    PlugNic,
    PowerHost,
    RebootMachine,
    ResizeVolume,
    RevertMachineSnapshot,
    RouterCommand,
    ScaleMachine,
    SetSecurityRules,
    StartMachine,
    StopMachine,
    UnplugNic,
)
from cloudsim.agents.simulator import disk_snapshots, nics, routing, security, volumes
from cloudsim.agents.simulator.drive import attach_iso
from cloudsim.agents.simulator.figures import figures, host_figures, shares
from cloudsim.agents.simulator.world import Action, World

#: A machine with this detail set to ``true`` does not shut down when it is asked to; only `forced` stops it.
IGNORE_SHUTDOWN = "simulator.ignore_shutdown"
#: A machine with this detail set to ``true`` has no PV tools: it cannot take up more CPU or memory while it runs.
NO_PV_TOOLS = "simulator.no_pv_tools"


def vnc_port(uuid: str) -> int:
    """Where the machine's console would be: the same port each time, 5900 and up."""
    return 5900 + zlib.crc32(uuid.encode()) % 10_000


def ping(world: World, host: str, command: Ping) -> Answer:
    """The power states of all machines that the host knows, and what they use of it together."""
    rows = world.db.execute("SELECT name, power FROM machines WHERE host = ?", (host,))
    answer: Answer = {"machines": dict(rows.fetchall())}
    if command.figures:
        found = world.host(host)
        running = world.machines("WHERE host = ? AND power = 'PowerOn'", host)
        answer["figures"] = host_figures(running, found.cpus if found else 1, world.clock.now())
    return answer


def machine_stats(world: World, host: str, command: MachineStats) -> Answer:
    """Figures of the running machines among those named, of all when none is named."""
    wanted = set(command.names)
    running = world.machines("WHERE host = ? AND power = 'PowerOn'", host)
    now = world.clock.now()
    specs = dict(
        world.db.execute("SELECT uuid, spec FROM machines WHERE host = ? AND power = 'PowerOn'", (host,)).fetchall()
    )
    found: dict[str, Any] = {}
    for one in running:
        if not wanted or one.name in wanted:
            found[one.name] = made = figures(one, now)
            made["disks"] = shares(made, [disk["uuid"] for disk in orjson.loads(specs[one.uuid])["disks"]])
    return {"machines": found}


def investigate_host(world: World, _host: str, command: InvestigateHost) -> Answer:
    """What a neighbour sees of a host: its answers, and its heartbeats on the storage they share."""
    try:
        found = world.settled(command.target)
    except LookupError:
        return {"answers": False, "heartbeat": None}
    beats = found.up and found.beat is None
    return {"answers": found.up and found.network, "heartbeat": world.clock.now() if beats else found.beat}


def fence_host(world: World, _host: str, command: FenceHost) -> Answer:
    """Cuts a host's power."""
    try:
        world.switch(command.target, False)
    except LookupError:
        raise CommandFailed(f"There is no simulated host {command.target}") from None
    return {}


def power_host(world: World, host: str, command: PowerHost) -> Answer:
    """What a host's controller does. It has power of its own: it answers whatever the host is."""
    try:
        up = world.settled(host).up
        if command.action in ("OFF", "SOFT", "CYCLE", "RESET"):
            world.switch(host, False)
        if command.action == "ON" or (up and command.action in ("CYCLE", "RESET")):
            world.switch(host, True)
    except LookupError as error:
        raise CommandFailed(str(error)) from None
    return {"power": "On" if world.settled(host).up else "Off"}


def create_volume(world: World, _host: str, command: CreateVolume) -> Answer:
    """Makes the volume. One of that uuid that is already there as asked for is fine; any other is in the way."""
    db = world.db
    row = db.execute("SELECT pool, path, size FROM volumes WHERE uuid = ?", (command.uuid,)).fetchone()
    if row is None:
        db.execute(
            "INSERT INTO volumes (uuid, name, pool, path, size, template, content) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                *(command.uuid, command.name, command.pool, command.uuid, command.size, command.template),
                disk_snapshots.content_of(world, command.template),
            ),
        )
        return {"path": command.uuid, "size": command.size}
    if (row[0], row[2]) != (command.pool, command.size):
        raise CommandFailed(f"Volume {command.uuid} is there already, with {row[2]} bytes in pool {row[0]}")
    return {"path": row[1], "size": row[2]}


def delete_volume(world: World, _host: str, command: DeleteVolume) -> Answer:
    """Removes the volume, if it is there, and the snapshots of which nothing is left then."""
    world.db.execute("DELETE FROM volumes WHERE uuid = ?", (command.uuid,))
    for found in world.snapshots("WHERE instr(disks, ?)", command.uuid):
        left = [uuid for uuid in found.disks if uuid != command.uuid]
        if not any(world.db.execute("SELECT 1 FROM volumes WHERE uuid = ?", (uuid,)).fetchone() for uuid in left):
            world.db.execute("DELETE FROM snapshots WHERE uuid = ?", (found.uuid,))
    return {}


def start_machine(world: World, host: str, command: StartMachine) -> Answer:
    """Turns the machine on here. Its disks must be there, it must not run elsewhere, and there must be memory."""
    db = world.db
    spec = command.machine
    answer: Answer = {"power": "PowerOn", "vnc_port": vnc_port(spec.uuid)}
    row = db.execute("SELECT host, power FROM machines WHERE uuid = ?", (spec.uuid,)).fetchone()
    if row is not None and row[1] == "PowerOn":
        if row[0] != host:
            raise CommandFailed(f"Virtual machine {spec.name} runs on host {row[0]}")
        if spec.security is not None:
            security.put(db, spec.uuid, spec.security)
        routing.start(db, spec)
        return answer
    for disk in spec.disks:
        volumes.claim(db, spec.uuid, spec.name, disk)
    memory, overcommit, used = db.execute(
        "SELECT memory, overcommit, used FROM hosts WHERE uuid = ?", (host,)
    ).fetchone()
    if used + spec.memory > memory * overcommit:
        raise CommandFailed(
            f"Virtual machine {spec.name} needs {spec.memory} bytes of memory; "
            f"{used} of {int(memory * overcommit)} are in use on host {host}"
        )
    routing.start(db, spec)
    spec = replace(spec, router=None)  # kept by parts
    deaf = spec.details.get(IGNORE_SHUTDOWN, "").lower() == "true"
    db.execute(
        "INSERT INTO machines (uuid, name, host, power, cpus, memory, since, deaf, spec)"
        " VALUES (?, ?, ?, 'PowerOn', ?, ?, ?, ?, ?) ON CONFLICT (uuid) DO UPDATE SET name = excluded.name,"
        " host = excluded.host, power = excluded.power, cpus = excluded.cpus, memory = excluded.memory,"
        " since = excluded.since, deaf = excluded.deaf, spec = excluded.spec",
        (spec.uuid, spec.name, host, spec.cpus, spec.memory, world.clock.now(), deaf, orjson.dumps(spec, default=dict)),
    )
    db.execute("UPDATE hosts SET used = used + ? WHERE uuid = ?", (spec.memory, host))
    return answer


def stop_machine(world: World, host: str, command: StopMachine) -> Answer:
    """Turns the machine off, if it runs here. A guest that ignores the request is only stopped by force."""
    row = running(world, host, command.uuid)
    if row is not None:
        memory, deaf = row
        if deaf and not command.forced:
            raise CommandFailed(f"Virtual machine {command.name} did not shut down within {command.wait:g} s")
        world.db.execute(
            "UPDATE machines SET power = 'PowerOff', content = '', since = ? WHERE uuid = ?",
            (world.clock.now(), command.uuid),
        )
        _release(world, host, memory)
    return {"power": "PowerOff"}


def reboot_machine(world: World, host: str, command: RebootMachine) -> Answer:
    """Restarts the guest, which must run here."""
    if running(world, host, command.uuid) is None:
        raise CommandFailed(f"Virtual machine {command.name} does not run on host {host}")
    world.db.execute("UPDATE machines SET content = '', since = ? WHERE uuid = ?", (world.clock.now(), command.uuid))
    return {"power": "PowerOn"}


def migrate_machine(world: World, host: str, command: MigrateMachine) -> Answer:
    """Moves a running machine to another host that is up and has the memory for it."""
    row = running(world, host, command.uuid)
    if row is None:
        raise CommandFailed(f"Virtual machine {command.name} does not run on host {host}")
    memory = row[0]
    target = world.db.execute("SELECT memory, overcommit, used FROM hosts WHERE uuid = ?", (command.target,)).fetchone()
    try:
        world.require_up(command.target)
    except HostUnreachable:
        raise CommandFailed(f"Host {command.target} does not answer") from None
    if target[2] + memory > target[0] * target[1]:
        raise CommandFailed(
            f"Virtual machine {command.name} needs {memory} bytes of memory; "
            f"{target[2]} of {int(target[0] * target[1])} are in use on host {command.target}"
        )
    for uuid, pool in command.disks:
        if not world.db.execute("UPDATE volumes SET pool = ? WHERE uuid = ?", (pool, uuid)).rowcount:
            raise CommandFailed(f"There is no volume {uuid}")
    world.db.execute("UPDATE machines SET host = ? WHERE uuid = ?", (command.target, command.uuid))
    _release(world, host, memory)
    _release(world, command.target, -memory)
    return {"vnc_port": vnc_port(command.uuid)}


def scale_machine(world: World, host: str, command: ScaleMachine) -> Answer:
    """Gives a running machine more, if the host has the memory and the guest has PV tools."""
    row = running(world, host, command.uuid)
    if row is None:
        raise CommandFailed(f"Virtual machine {command.name} does not run on host {host}")
    (stored,) = world.db.execute("SELECT spec FROM machines WHERE uuid = ?", (command.uuid,)).fetchone()
    spec = orjson.loads(stored)
    if str(spec["details"].get(NO_PV_TOOLS, "")).lower() == "true":
        raise CommandFailed(f"Virtual machine {command.name} has no PV tools: it cannot change its size while it runs")
    memory, overcommit, used = world.db.execute(
        "SELECT memory, overcommit, used FROM hosts WHERE uuid = ?", (host,)
    ).fetchone()
    more = command.memory - row[0]
    if used + more > memory * overcommit:
        raise CommandFailed(
            f"Virtual machine {command.name} needs {more} bytes of memory more; "
            f"{used} of {int(memory * overcommit)} are in use on host {host}"
        )
    spec.update(cpus=command.cpus, speed=command.speed, memory=command.memory)
    world.db.execute(
        "UPDATE machines SET cpus = ?, memory = ?, spec = ? WHERE uuid = ?",
        (command.cpus, command.memory, orjson.dumps(spec), command.uuid),
    )
    _release(world, host, -more)
    return {}


def set_security_rules(world: World, host: str, command: SetSecurityRules) -> Answer:
    """Enforces other rules for a machine, which must run here."""
    if running(world, host, command.uuid) is None:
        raise CommandFailed(f"Virtual machine {command.name} does not run on host {host}")
    security.put(world.db, command.uuid, command.security)
    return {}


def tell_router(world: World, host: str, command: RouterCommand) -> Answer:
    """Gives a virtual router, which must run here, one part of what it does."""
    if running(world, host, command.uuid) is None:
        raise CommandFailed(f"Router {command.name} does not run on host {host}")
    routing.put(world.db, command.uuid, command.part, command.settings)
    return {}


def destroy_machine(world: World, host: str, command: DestroyMachine) -> Answer:
    """Forgets the machine, if this host is the one that knows it."""
    row = running(world, host, command.uuid)
    if row is not None:
        _release(world, host, row[0])
    if world.db.execute("DELETE FROM machines WHERE uuid = ? AND host = ?", (command.uuid, host)).rowcount:
        world.db.execute("DELETE FROM snapshots WHERE machine = ?", (command.uuid,))
        routing.forget(world.db, command.uuid)
    return {}


def create_machine_snapshot(world: World, host: str, command: CreateMachineSnapshot) -> Answer:
    """Keeps what the disks hold and, where it is asked for, the memory of a machine that runs here."""
    db = world.db
    memory = None
    if command.memory:
        if running(world, host, command.uuid) is None:
            raise CommandFailed(f"Virtual machine {command.name} does not run on host {host}: its memory holds nothing")
        memory = world.content(command.uuid)
    held = {}
    for uuid, pool in command.disks:
        row = db.execute("SELECT content FROM volumes WHERE uuid = ? AND pool = ?", (uuid, pool)).fetchone()
        if row is None:
            raise CommandFailed(f"There is no volume {uuid} in pool {pool}")
        held[uuid] = row[0]
    db.execute(
        "INSERT OR REPLACE INTO snapshots (uuid, name, machine, parent, memory, taken, disks) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (command.snapshot, command.snapshot_name, command.uuid, command.parent, memory, world.clock.now(),
         orjson.dumps(held)),
    )  # fmt: skip
    return {}


def revert_machine_snapshot(world: World, host: str, command: RevertMachineSnapshot) -> Answer:
    """Puts back what the snapshot kept."""
    found = next(iter(world.snapshots("WHERE uuid = ? AND machine = ?", command.snapshot, command.uuid)), None)
    if found is None:
        raise CommandFailed(f"There is no snapshot {command.snapshot_name} of virtual machine {command.name}")
    runs = running(world, host, command.uuid) is not None
    if runs and found.memory is None:
        raise CommandFailed(f"Snapshot {command.snapshot_name} has no memory, and the virtual machine runs")
    for uuid, _pool in command.disks:
        if uuid in found.disks:
            world.db.execute("UPDATE volumes SET content = ? WHERE uuid = ?", (found.disks[uuid], uuid))
    if runs:
        world.db.execute("UPDATE machines SET content = ? WHERE uuid = ?", (found.memory, command.uuid))
    return {}


def delete_machine_snapshot(world: World, _host: str, command: DeleteMachineSnapshot) -> Answer:
    """Forgets the snapshot; those that followed it follow its parent."""
    for found in world.snapshots("WHERE uuid = ? AND machine = ?", command.snapshot, command.uuid):
        world.db.execute("UPDATE snapshots SET parent = ? WHERE parent = ?", (found.parent, found.uuid))
        world.db.execute("DELETE FROM snapshots WHERE uuid = ?", (found.uuid,))
    return {}


def running(world: World, host: str, uuid: str) -> tuple[int, bool] | None:
    """The memory in bytes and the deafness of a machine that runs on the host; None if it does not."""
    query = "SELECT memory, deaf FROM machines WHERE uuid = ? AND host = ? AND power = 'PowerOn'"
    row = world.db.execute(query, (uuid, host)).fetchone()
    return None if row is None else (row[0], bool(row[1]))


def _release(world: World, host: str, memory: int) -> None:
    world.db.execute("UPDATE hosts SET used = used - ? WHERE uuid = ?", (memory, host))


#: The verbs that only look. Nothing is remembered of them.
LOOKING: dict[type[Command], Action] = {
    Ping: ping,
    MachineStats: machine_stats,
    InvestigateHost: investigate_host,
}

#: The verbs that change something.
DOING: dict[type[Command], Action] = {
    CreateVolume: create_volume,
    DeleteVolume: delete_volume,
    StartMachine: start_machine,
    StopMachine: stop_machine,
    RebootMachine: reboot_machine,
    MigrateMachine: migrate_machine,
    MigrateVolume: volumes.migrate_volume,
    AttachVolume: volumes.attach_volume,
    DetachVolume: volumes.detach_volume,
    ResizeVolume: volumes.resize_volume,
    CheckVolume: volumes.check_volume,
    ScaleMachine: scale_machine,
    SetSecurityRules: set_security_rules,
    PlugNic: nics.plug_nic,
    UnplugNic: nics.unplug_nic,
    **dict.fromkeys(RouterCommand.__subclasses__(), tell_router),
    AttachIso: attach_iso,
    DestroyMachine: destroy_machine,
    CreateMachineSnapshot: create_machine_snapshot,
    RevertMachineSnapshot: revert_machine_snapshot,
    DeleteMachineSnapshot: delete_machine_snapshot,
    FenceHost: fence_host,
    PowerHost: power_host,
    **disk_snapshots.DOING,
}

#: The verbs that a host's controller carries out: they need no host that is up.
OUT_OF_BAND = frozenset((PowerHost,))

#: The pools are shared by all hosts: one and the same volume command may be asked of any of them.
SHARED: frozenset[type[Command]] = frozenset(
    (CreateVolume, DeleteVolume, MigrateVolume, ResizeVolume, CheckVolume, *disk_snapshots.DOING)
)


def pretended(world: World, host: str, command: Command) -> dict[str, Any]:
    """What the command would answer if it went well. Nothing is done; looking is looking."""
    match command:
        case CreateVolume():
            return {"path": command.uuid, "size": command.size}
        case StartMachine():
            return {"power": "PowerOn", "vnc_port": vnc_port(command.machine.uuid)}
        case StopMachine():
            return {"power": "PowerOff"}
        case RebootMachine():
            return {"power": "PowerOn"}
        case MigrateMachine():
            return {"vnc_port": vnc_port(command.uuid)}
        case MigrateVolume():
            return {"path": command.path}
        case ResizeVolume():
            return {"size": command.size}
        case CheckVolume():
            return {"check": {}, "repair": {}}
        case Ping() | MachineStats() | InvestigateHost():
            return LOOKING[type(command)](world, host, command)
        case PowerHost():
            return {"power": "On" if world.settled(host).up else "Off"}
        case _:
            return disk_snapshots.pretended(command)
