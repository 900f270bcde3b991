"""The contract between the management server and what runs virtual machines.

A **driver** speaks to hosts of one hypervisor. The server gives it a `HostAddress` and a `Command`; the driver carries
the command out on that host and answers with a dict of plain JSON data (the keys are told at each command).

Rules that every driver keeps:

* **Once.** `Command.id` names the command for good. A command that was carried out and is asked again answers again what
  it answered, and does nothing. (The server asks again when an answer was lost or after it was restarted.)
* **Final state.** Commands say what shall be, not what to change, wherever that is possible: stopping a virtual machine
  that does not run succeeds, starting one that runs here succeeds.
* **Failures.** `CommandFailed`: the host says no (nothing was changed, or what was changed was undone).
  `HostUnreachable`: nobody knows whether it was done; asking again with the same id is safe. Nothing else is raised.
* A driver knows neither the database nor the API. Sizes are in bytes, CPU speed in MHz, times in seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol

Answer = dict[str, Any]


class AgentError(Exception):
    """The base of what a driver raises. Its text is shown to an administrator."""


class CommandFailed(AgentError):
    """The host refused or could not carry out the command, and is as it was before."""


class HostUnreachable(AgentError):
    """No answer: the host is down, the way to it is broken, or the answer was lost."""


class Unsupported(CommandFailed):
    """This driver does not have that verb; see `Driver.verbs`."""


@dataclass(frozen=True, slots=True)
class HostAddress:
    """Which host, and how to reach it."""

    uuid: str
    #: ``sim://zone/host`` or a libvirt URI such as ``qemu:///system`` or ``test:///default``.
    url: str
    hypervisor: str = "Simulator"
    #: What the driver itself asked to be remembered when the host was added (see `Driver.connect`).
    details: Mapping[str, str] = field(default_factory=dict)
    #: For fault rules of the simulator: uuids of the places the host is in (keys: zone, pod, cluster).
    places: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DiskSpec:
    """One disk of a virtual machine."""

    uuid: str
    #: Where the volume lies in its pool, as `CreateVolume` answered it.
    path: str
    pool: str
    size: int
    device: int = 0
    type: str = "ROOT"
    #: ``virtio``, ``scsi``, ``sata`` or ``ide``, as the guest has drivers for it.
    bus: str = "virtio"


@dataclass(frozen=True, slots=True)
class IsoSpec:
    """An ISO in the drive of a virtual machine."""

    uuid: str
    name: str
    #: Its file, where this server can reach it; None: it lies on simulated storage.
    path: str | None = None
    bootable: bool = True


@dataclass(frozen=True, slots=True)
class NicSpec:
    """One network card of a virtual machine."""

    uuid: str
    mac: str
    ip: str | None
    netmask: str | None
    gateway: str | None
    #: ``vlan://101`` or None for a network without isolation.
    broadcast_uri: str | None
    device: int = 0
    default: bool = True
    dns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SecurityRule:
    """Traffic that is let through."""

    #: ``tcp``, ``udp``, ``icmp``, ``all``, or the number of another protocol.
    protocol: str
    #: First and last port; type and code of ICMP (-1: any); None where the protocol has neither.
    start: int | None
    end: int | None
    #: CIDRs on the other side.
    peers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SecuritySpec:
    """What a host lets through to a machine and from it. Without egress rules all may go out."""

    ingress: tuple[SecurityRule, ...] = ()
    egress: tuple[SecurityRule, ...] = ()


@dataclass(frozen=True, slots=True)
class MachineSpec:
    """All that a host needs to run a virtual machine."""

    uuid: str
    #: The instance name, such as ``i-2-3-VM``: unique, never changed.
    name: str
    hostname: str
    cpus: int
    #: MHz of one CPU.
    speed: int
    memory: int
    os: str = ""
    arch: str = "x86_64"
    boot_type: str = "Bios"
    boot_mode: str = "Legacy"
    disks: tuple[DiskSpec, ...] = ()
    nics: tuple[NicSpec, ...] = ()
    #: Base64 text as the API received it, or None.
    userdata: str | None = None
    ssh_public_key: str | None = None
    details: Mapping[str, str] = field(default_factory=dict)
    #: None: the host lets everything through.
    security: SecuritySpec | None = None
    #: Of virtual routers: all parts of what they do (see `RouterCommand`), each whole. None for any other machine.
    router: Mapping[str, tuple[Mapping[str, Any], ...]] | None = None
    #: What is in its drive; None: nothing.
    iso: IsoSpec | None = None


@dataclass(frozen=True, slots=True)
class Command:
    """The base of the verbs. `id` is unique for good: job uuid and step."""

    #: CloudStack's name of the verb, which the simulator's fault rules are written with.
    wire: ClassVar[str] = "Command"
    id: str


@dataclass(frozen=True, slots=True)
class Ping(Command):
    """Is the host alive, and what runs on it? Never remembered: each call looks anew.

    Answer: ``{"machines": {instance name: power state}}``; power states are PowerOn, PowerOff, PowerUnknown. With
    `figures` also ``"figures"``: what is used of the host, as far as the driver can tell: ``{"cpu": percent, "memory":
    bytes, "load": float, "net_read_kb": int, "net_write_kb": int}``.
    """

    wire: ClassVar[str] = "PingCommand"
    figures: bool = False


@dataclass(frozen=True, slots=True)
class CreateVolume(Command):
    """Makes a volume, empty or as a copy of a template. Answer: ``{"path": str, "size": int}``."""

    wire: ClassVar[str] = "CreateObjectCommand"
    uuid: str
    name: str
    pool: str
    size: int
    #: uuid of the template to copy, None for an empty volume.
    template: str | None = None
    #: The template's file and its format, where this server can reach it.
    file: str | None = None
    format: str = "QCOW2"


@dataclass(frozen=True, slots=True)
class DeleteVolume(Command):
    """Removes a volume; one that is not there is fine. Answer: ``{}``."""

    wire: ClassVar[str] = "DeleteCommand"
    uuid: str
    path: str
    pool: str


@dataclass(frozen=True, slots=True)
class MigrateVolume(Command):
    """Moves a volume to another pool, with what it holds. Answer: ``{"path": str}``.

    With `machine` (uuid and instance name) that machine runs on this host and has the volume; else nothing uses it. One
    that is there already is fine. Fails where it is in neither pool, or its machine does not run here.
    """

    wire: ClassVar[str] = "MigrateVolumeCommand"
    uuid: str
    path: str
    pool: str
    #: The pool it goes to.
    target: str
    machine: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class ResizeVolume(Command):
    """Makes a volume larger or smaller, as large as `size` says. Answer: ``{"size": int}``, its size then.

    With `machine` (uuid and instance name) that machine runs on this host and has the volume; else nothing uses it.
    Fails where the volume is not there, or its machine does not run here.
    """

    wire: ClassVar[str] = "ResizeVolumeCommand"
    uuid: str
    path: str
    pool: str
    size: int
    machine: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class CheckVolume(Command):
    """Looks whether a volume that nothing uses is whole, and mends it. Answer: ``{"check": {...}, "repair": {...}}``.

    Names to texts: what was found (``leaks``, ``corruptions``, ``check-errors``, ...), and the same after the repair, empty
    where nothing was to be mended. `repair`: None, ``leaks`` or ``all``.
    """

    wire: ClassVar[str] = "CheckAndRepairVolumeCommand"
    uuid: str
    path: str
    pool: str
    repair: str | None = None


@dataclass(frozen=True, slots=True)
class AttachVolume(Command):
    """Gives a machine that runs here one more disk, while it runs. Answer: ``{}``.

    One that it has already is fine. Fails where the machine does not run here, where the volume is not there, and where
    another machine that is on has it.
    """

    wire: ClassVar[str] = "AttachCommand"
    uuid: str
    name: str
    disk: DiskSpec


@dataclass(frozen=True, slots=True)
class DetachVolume(Command):
    """Takes a disk from a machine, while it runs. Answer: ``{}``.

    A disk that it does not have, and a machine that does not run here, are fine.
    """

    wire: ClassVar[str] = "DettachCommand"
    uuid: str
    name: str
    #: The volume's.
    volume: str
    path: str
    pool: str


@dataclass(frozen=True, slots=True)
class StartMachine(Command):
    """Runs the virtual machine on this host. Answer: ``{"power": "PowerOn", "vnc_port": int | None}``.

    Fails where the host has no memory left for it, or where the same machine runs on another host of this driver.
    """

    wire: ClassVar[str] = "StartCommand"
    machine: MachineSpec


@dataclass(frozen=True, slots=True)
class StopMachine(Command):
    """Stops it. `forced`: pull the plug; else ask the guest, and fail when it does not go in `wait` seconds.

    Answer: ``{"power": "PowerOff"}``. A machine that the host does not know is stopped.
    """

    wire: ClassVar[str] = "StopCommand"
    uuid: str
    name: str
    forced: bool = False
    wait: float = 60.0


@dataclass(frozen=True, slots=True)
class RebootMachine(Command):
    """Restarts the guest where it is. Answer: ``{"power": "PowerOn"}``. Fails when it does not run here."""

    wire: ClassVar[str] = "RebootCommand"
    uuid: str
    name: str


@dataclass(frozen=True, slots=True)
class MigrateMachine(Command):
    """Moves a machine that runs here to another host of this driver, while it runs. Answer: ``{"vnc_port": int | None}``.

    Fails where the other host has no room for it or does not answer: the machine runs here then, as before. With `disks`
    those move along to other pools, with what they hold; all of it or nothing.
    """

    wire: ClassVar[str] = "MigrateCommand"
    uuid: str
    name: str
    #: uuid and URL of the host it goes to.
    target: str
    target_url: str
    #: uuid of each volume that moves, and the pool it goes to.
    disks: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ScaleMachine(Command):
    """Gives a machine that runs here more CPUs and memory, while it runs. Answer: ``{}``.

    Fails where the host has no memory left for it, or the guest cannot take it up (it has no PV tools).
    """

    wire: ClassVar[str] = "ScaleVmCommand"
    uuid: str
    name: str
    cpus: int
    #: MHz of one CPU.
    speed: int
    #: Bytes.
    memory: int


@dataclass(frozen=True, slots=True)
class SetSecurityRules(Command):
    """Enforces other rules for a machine that runs here, in the place of those before. Answer: ``{}``.

    Fails when it does not run here. A start brings its rules along, and a migration takes them to the other host.
    """

    wire: ClassVar[str] = "SecurityGroupRulesCmd"
    uuid: str
    name: str
    security: SecuritySpec


@dataclass(frozen=True, slots=True)
class PlugNic(Command):
    """Gives a machine that runs here one more network card, while it runs. Answer: ``{}``.

    A card with that MAC address that it has already is fine. Fails when the machine does not run here.
    """

    wire: ClassVar[str] = "PlugNicCommand"
    uuid: str
    name: str
    nic: NicSpec


@dataclass(frozen=True, slots=True)
class UnplugNic(Command):
    """Takes a network card from a machine that runs here, while it runs. Answer: ``{}``.

    A card that it does not have is fine. Fails when the machine does not run here.
    """

    wire: ClassVar[str] = "UnPlugNicCommand"
    uuid: str
    name: str
    nic: NicSpec


@dataclass(frozen=True, slots=True)
class RouterCommand(Command):
    """The base of what virtual routers are told: one whole part of what they do, in the place of what was there.

    Answer: ``{}``. Fails when the router does not run on this host. A start brings all parts along, a migration takes
    them to the other host, and a router that goes off forgets them. There is one subclass for each part.
    """

    #: The part's name, as in `MachineSpec.router`.
    part: ClassVar[str] = ""
    #: The router machine's.
    uuid: str
    name: str
    #: None: the router does nothing of the kind.
    settings: tuple[Mapping[str, Any], ...] | None


@dataclass(frozen=True, slots=True)
class SetFirewallRules(RouterCommand):
    """Who may come in at public addresses. Nobody may where no rule of an address says so.

    Each setting: ``address``, ``protocol``, ``start``, ``end`` (ports, or None), ``type``, ``code`` (of ICMP, -1: any),
    ``sources`` (CIDRs).
    """

    wire: ClassVar[str] = "SetFirewallRulesCommand"
    part: ClassVar[str] = "firewall"


@dataclass(frozen=True, slots=True)
class SetEgressRules(RouterCommand):
    """Who may go out; the first setting that fits a packet decides.

    Each setting: ``action`` (allow or deny), ``protocol``, ``start``, ``end``, ``type``, ``code``, ``sources`` (CIDRs of
    the network), ``destinations``.
    """

    wire: ClassVar[str] = "SetFirewallRulesCommand"
    part: ClassVar[str] = "egress"


@dataclass(frozen=True, slots=True)
class SetPortForwardingRules(RouterCommand):
    """Ports of public addresses that are those of machines.

    Each setting: ``address``, ``protocol``, ``start``, ``end``, ``sources`` (CIDRs; empty: all), ``guest`` (the machine's
    address), ``guest_start``, ``guest_end``.
    """

    wire: ClassVar[str] = "SetPortForwardingRulesCommand"
    part: ClassVar[str] = "portforwarding"


@dataclass(frozen=True, slots=True)
class SetStaticNatRules(RouterCommand):
    """Public addresses that are those of machines. Each setting: ``address``, ``guest``."""

    wire: ClassVar[str] = "SetStaticNatRulesCommand"
    part: ClassVar[str] = "staticnat"


@dataclass(frozen=True, slots=True)
class SetForwardedPorts(RouterCommand):
    """Ports of public addresses with static NAT (`SetStaticNatRules`) that are asked for one by one.

    Each setting: ``address``, ``protocol``, ``start``, ``end``, ``sources`` (CIDRs; empty: all), ``guest``.
    """

    wire: ClassVar[str] = "SetStaticNatRulesCommand"
    part: ClassVar[str] = "ipforwarding"


@dataclass(frozen=True, slots=True)
class LoadBalancerConfig(RouterCommand):
    """Connections to ports of public addresses that are spread over several machines.

    Each setting: ``rule`` (its uuid), ``address``, ``port``, ``protocol`` (tcp, udp, tcp-proxy, ssl), ``algorithm``
    (roundrobin, leastconn, source), ``sources`` (CIDRs; empty: all), ``members`` (those that run, each with ``guest``, an
    address, and ``port``), ``stickiness`` (None, or ``method`` and ``params``), ``certificate`` (None, or its fingerprint).
    """

    wire: ClassVar[str] = "LoadBalancerConfigCommand"
    part: ClassVar[str] = "loadbalancer"


@dataclass(frozen=True, slots=True)
class IpAssoc(RouterCommand):
    """The public addresses that the router answers for.

    Each setting: ``address``, ``netmask``, ``gateway``, ``vlan`` (``vlan://50``), ``source_nat`` (what the machines
    of the network come from).
    """

    wire: ClassVar[str] = "IpAssocCommand"
    part: ClassVar[str] = "addresses"


@dataclass(frozen=True, slots=True)
class DhcpEntries(RouterCommand):
    """The addresses that the router hands out."""

    wire: ClassVar[str] = "DhcpEntryCommand"
    part: ClassVar[str] = "dhcp"


@dataclass(frozen=True, slots=True)
class DnsEntries(RouterCommand):
    """The names that the router knows."""

    wire: ClassVar[str] = "DnsMasqConfigCommand"
    part: ClassVar[str] = "dns"


@dataclass(frozen=True, slots=True)
class AttachIso(Command):
    """Puts an ISO into the drive of a machine that runs here, or takes out what is in it (`iso` None). Answer: ``{}``.

    What was in it is taken out; with `forced` also where the guest has locked the drive. Fails when the machine does not
    run here, or where the host cannot reach the file. A start brings its ISO along.
    """

    wire: ClassVar[str] = "AttachIsoCommand"
    uuid: str
    name: str
    iso: IsoSpec | None
    forced: bool = False


@dataclass(frozen=True, slots=True)
class DestroyMachine(Command):
    """Forgets the machine's definition on this host (forced off where it runs; volumes stay). Answer: ``{}``."""

    wire: ClassVar[str] = "DestroyCommand"
    uuid: str
    name: str


@dataclass(frozen=True, slots=True)
class CreateMachineSnapshot(Command):
    """Keeps what a machine's disks hold, and with `memory` (it must run) what its memory holds. Answer: ``{}``.

    All disks at one instant; `quiesce`: the guest is asked to write its buffers first. `parent`: uuid of the snapshot
    that the machine is at, None for the first. Fails where a disk of the machine is not there.
    """

    wire: ClassVar[str] = "CreateVMSnapshotCommand"
    #: The machine's.
    uuid: str
    name: str
    #: The snapshot's own uuid and name.
    snapshot: str
    snapshot_name: str
    #: uuid and pool of each disk.
    disks: tuple[tuple[str, str], ...]
    memory: bool = False
    quiesce: bool = False
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class RevertMachineSnapshot(Command):
    """Takes a machine's disks back to what a snapshot kept, and a running machine its memory, too. Answer: ``{}``.

    A machine that runs goes on from where the snapshot was taken, and only one with memory can do that; one that is
    stopped stays stopped.
    """

    wire: ClassVar[str] = "RevertToVMSnapshotCommand"
    uuid: str
    name: str
    snapshot: str
    snapshot_name: str
    disks: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class DeleteMachineSnapshot(Command):
    """Forgets a snapshot; those made after it stay as they are. One that is not there is fine. Answer: ``{}``."""

    wire: ClassVar[str] = "DeleteVMSnapshotCommand"
    uuid: str
    name: str
    snapshot: str
    snapshot_name: str
    disks: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class CreateVolumeSnapshot(Command):
    """Keeps what a volume holds now, in its own pool. Answer: ``{"path": str, "size": bytes that it takes}``.

    `machine` is the instance name of the machine that runs with it on this host, None where none does; `quiesce`: its guest
    is asked to write its buffers first. A snapshot of that uuid that is there already is fine. Fails where the volume is not
    there.
    """

    wire: ClassVar[str] = "CreateObjectCommand"
    #: The snapshot's own uuid and name.
    uuid: str
    name: str
    volume: str
    volume_path: str
    pool: str
    machine: str | None = None
    quiesce: bool = False
    #: uuid and name of a snapshot of the machine: what the volume held then is kept, not what it holds now.
    machine_snapshot: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class CopyVolumeSnapshot(Command):
    """Copies a snapshot to an image store. Answer: ``{"path": str, "size": bytes that it takes}``.

    One that is there already is fine. Fails where there is none at `source`.
    """

    wire: ClassVar[str] = "BackupSnapshotCommand"
    uuid: str
    path: str
    #: uuid of the pool or image store that it is copied from, and of the image store that it is copied to.
    source: str
    target: str
    #: URLs of those that are image stores.
    source_url: str = ""
    target_url: str = ""


@dataclass(frozen=True, slots=True)
class DeleteVolumeSnapshot(Command):
    """Removes the copy of a snapshot in a pool or on an image store. One that is not there is fine. Answer: ``{}``."""

    wire: ClassVar[str] = "DeleteCommand"
    uuid: str
    path: str
    #: uuid of the pool or the image store, and the URL of an image store.
    place: str
    url: str = ""
    #: The volume that a snapshot in a pool is of.
    volume: str = ""


@dataclass(frozen=True, slots=True)
class RevertVolumeSnapshot(Command):
    """Puts back into a volume, which no machine runs with, what a snapshot kept, its size as well. Answer: ``{}``.

    Fails where the snapshot or the volume is not there.
    """

    wire: ClassVar[str] = "RevertSnapshotCommand"
    uuid: str
    path: str
    place: str
    volume: str
    volume_path: str
    pool: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class CreateVolumeFromSnapshot(Command):
    """Makes a volume that holds what a snapshot kept; `size` is as large as that or larger.

    Answer: ``{"path": str, "size": int}``. Fails where the snapshot is not there.
    """

    wire: ClassVar[str] = "CreateVolumeFromSnapshotCommand"
    uuid: str
    name: str
    pool: str
    size: int
    snapshot: str
    path: str
    #: uuid of the pool or image store that the snapshot lies in, and the URL of an image store.
    place: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class CreateTemplateFromDisk(Command):
    """Makes a template on an image store from a volume that no machine runs with, or from a snapshot.

    Answer: ``{"path": str, "size": bytes of the disk, "physical_size": bytes that it takes, "format": str}``. Fails where
    the disk is not there.
    """

    wire: ClassVar[str] = "CreatePrivateTemplateFromVolumeCommand"
    #: The template's.
    uuid: str
    #: uuid and URL of the image store.
    store: str
    store_url: str
    #: uuid of the volume or snapshot, its path, and the pool or image store it lies in.
    disk: str
    path: str
    place: str
    #: Whether `disk` is a snapshot.
    snapshot: bool = False
    url: str = ""


@dataclass(frozen=True, slots=True)
class DeleteTemplateFile(Command):
    """Removes a template that was made on an image store. One that is not there is fine. Answer: ``{}``."""

    wire: ClassVar[str] = "DeleteCommand"
    uuid: str
    path: str
    store: str
    store_url: str = ""


@dataclass(frozen=True, slots=True)
class InvestigateHost(Command):
    """Asks one host what it sees of another, which does not answer the server. Never remembered.

    Answer: ``{"answers": bool, "heartbeat": int | None}``: whether it answers its neighbour, and when (ms) it last wrote
    its heartbeat to the storage that both reach; None where it never did.
    """

    wire: ClassVar[str] = "CheckOnHostCommand"
    #: uuid and URL of the host in question.
    target: str
    target_url: str


@dataclass(frozen=True, slots=True)
class FenceHost(Command):
    """Makes sure that another host runs nothing any more: this host cuts its power. Answer: ``{}``.

    One that is off already is fine. When it has been answered, no machine runs on the other host.
    """

    wire: ClassVar[str] = "FenceCommand"
    target: str
    target_url: str


@dataclass(frozen=True, slots=True)
class PowerHost(Command):
    """Asks a simulated host's controller to do something to its power; it answers also when the host is off or cut off.

    `action`: ON, OFF, CYCLE, RESET, SOFT, STATUS. Answer: ``{"power": "On" | "Off"}``, as it is then.
    """

    wire: ClassVar[str] = "PowerCommand"
    action: str


@dataclass(frozen=True, slots=True)
class MachineStats(Command):
    """Figures of running machines, never remembered.

    Answer: ``{"machines": {instance name: {"cpu": percent, "net_read_kb": int, "net_write_kb": int, "disk_read_kb": int,
    "disk_write_kb": int, "disk_read_ops": int, "disk_write_ops": int, "memory_kb": int, "free_memory_kb": int,
    "target_memory_kb": int, "disks": {volume uuid: {"read_kb": int, "write_kb": int, "read_ops": int, "write_ops":
    int}}}}}``. Traffic is counted from the machine's start; ``disks`` may be missing.
    """

    wire: ClassVar[str] = "GetVmStatsCommand"
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HostFacts:
    """What a host is made of, read when it is added and when it reconnects."""

    name: str
    hypervisor: str
    hypervisor_version: str
    cpus: int
    #: MHz of one core.
    speed: int
    memory: int
    cpu_sockets: int = 1
    arch: str = "x86_64"
    #: Free text for logs and for the host's details: e.g. why hardware acceleration is not used.
    notes: tuple[str, ...] = ()
    details: Mapping[str, str] = field(default_factory=dict)


class ConsoleStream(Protocol):
    """The screen and keyboard of a machine, as bytes of the RFB protocol: what its server sends and is sent.

    The server asks for no password: whoever has the stream has been let in.
    """

    async def read(self) -> bytes:
        """What comes next, as soon as there is something; empty when the machine's screen is gone."""

    async def write(self, data: bytes) -> None:
        """Takes what the viewer sends; waits while that is more than the machine reads. `CommandFailed`: nonsense."""

    def close(self) -> None:
        """Ends it; fine when it has ended."""


class Driver(Protocol):
    """One kind of hypervisor. One object serves all hosts of that kind, from many tasks at once."""

    #: The `hypervisor` names whose hosts it serves, e.g. ``("Simulator",)``.
    hypervisors: ClassVar[tuple[str, ...]]
    #: The commands it can carry out.
    verbs: ClassVar[frozenset[type[Command]]]

    async def open(self) -> None:
        """Called once before anything else."""

    async def close(self) -> None:
        """Called once at the end; returns within a second or two whatever its hosts do."""

    async def connect(self, host: HostAddress) -> HostFacts:
        """Reaches the host and reads what it is made of."""

    def file_of(self, pool: str, path: str) -> Path | None:
        """The file of a volume, where it is one that this server may read; None where there is no such thing."""

    async def execute(self, host: HostAddress, command: Command) -> Answer:
        """Carries out one command. Time limits are the caller's: it must be possible to cancel this call."""

    async def console(self, host: HostAddress, uuid: str, name: str) -> ConsoleStream:
        """Opens the screen of a machine that runs on this host, beside others that look at it.

        Fails when it does not run here, or its screen cannot be reached from this server.
        """
