"""A virtual machine as libvirt wants it told: the domain's XML, made as a tree and never from pieces of text.

Every domain carries an element of our own namespace in its metadata. It says three things: that the domain is a
machine of this product (others on the same host are neither listed nor touched), how its owner calls it, and which
commands were carried out on it last - so that a server that was restarted does not carry one out again.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cloudsim.agents.base import CommandFailed, DiskSpec, MachineSpec, NicSpec
from cloudsim.core.ids import is_uuid, secret

NAMESPACE = "urn:cloudsim:machine:1"
PREFIX = "cloudsim"
#: How many commands a domain remembers.
REMEMBERED = 16
#: What may be the name of a machine, a pool or a volume: it becomes part of a path.
SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")

ET.register_namespace(PREFIX, NAMESPACE)


@dataclass(frozen=True, slots=True)
class Profile:
    """How machines are run on a host, as `probe` found out."""

    #: libvirt's domain type: ``kvm``, ``qemu`` (emulation by TCG), ``test``; None where nothing can be run.
    domain_type: str | None
    #: The mode of the ``cpu`` element; None for the hypervisor's default.
    cpu_mode: str | None
    #: The host's own architecture.
    arch: str


def check_name(name: str, what: str) -> str:
    """`name`, if it is harmless as a part of a path. Raises `CommandFailed`; `what` says what it names."""
    if not SAFE.fullmatch(name):
        raise CommandFailed(f"not a valid name of a {what}: {name[:64]!r}")
    return name


def machine_xml(
    machine: MachineSpec,
    profile: Profile,
    *,
    paths: Mapping[str, str],
    bridge: str | None = None,
    console_log: str | None = None,
    done: Sequence[tuple[str, str]] = (),
) -> str:
    """The XML that defines `machine` on a host. `paths`: where each disk (by uuid) lies on the host; `bridge`: the
    host's bridge for network cards, None for QEMU's user mode network; `console_log`: the file that the serial
    console is written to as well; `done`: the commands to remember, as (id, verb). Raises `CommandFailed`.
    """
    if not is_uuid(machine.uuid):
        raise CommandFailed(f"not a uuid: {machine.uuid[:64]!r}")
    check_name(machine.name, "virtual machine")
    plain = profile.domain_type == "test"
    native = machine.arch == profile.arch
    domain = _domain(
        machine.name,
        (profile.domain_type or "qemu") if plain or native else "qemu",
        None if plain else machine.arch,
        profile.cpu_mode if native else None,
        machine.memory,
        machine.cpus,
    )
    _add(domain, "uuid", machine.uuid)
    domain.append(metadata(machine.hostname, done, wrapped=True))
    _boot(domain, machine)
    _add(domain, "clock", offset="localtime" if machine.os.lower().startswith("windows") else "utc")
    for event, action in (("on_poweroff", "destroy"), ("on_reboot", "restart"), ("on_crash", "destroy")):
        _add(domain, event, action)
    devices = _add(domain, "devices")
    for disk in sorted(machine.disks, key=lambda disk: disk.device):
        _disk(devices, disk, paths[disk.uuid])
    devices.append(drive(machine.iso.path if machine.iso is not None else None, machine.arch))
    if machine.arch not in _WITH_IDE or any(disk.bus == "scsi" for disk in machine.disks):
        _add(devices, "controller", type="scsi", index="0", model="virtio-scsi")
    for nic in sorted(machine.nics, key=lambda nic: nic.device):
        _nic(devices, nic, bridge, plain=plain)
    _console(devices, console_log)
    if not plain:
        _add(devices, "rng", model="virtio").append(_element("backend", "/dev/urandom", model="random"))
    return ET.tostring(domain, encoding="unicode")


def probe_xml(name: str, domain_type: str, cpu_mode: str | None, arch: str) -> str:
    """The smallest domain of that type: it has no disk, and only its firmware runs."""
    domain = _domain(name, domain_type, arch, cpu_mode, 32 << 20, 1)
    _add(_add(domain, "devices"), "memballoon", model="none")
    return ET.tostring(domain, encoding="unicode")


def nic_xml(nic: NicSpec, bridge: str | None, *, plain: bool) -> str:
    """One network card, to be attached to a running domain; `plain`: on libvirt's test hypervisor."""
    devices = ET.Element("devices")
    _nic(devices, nic, bridge, plain=plain)
    return ET.tostring(devices[0], encoding="unicode")


def metadata(hostname: str, done: Sequence[tuple[str, str]], *, wrapped: bool = False) -> ET.Element:
    """Our element (`wrapped`: inside ``metadata``), remembering the last `REMEMBERED` of the commands `done`."""
    own = ET.Element(f"{{{NAMESPACE}}}machine", {"hostname": hostname})
    for command, verb in done[-REMEMBERED:]:
        _add(own, "done", command=command, verb=verb)
    if not wrapped:
        return own
    outer = ET.Element("metadata")
    outer.append(own)
    return outer


def read_metadata(text: str) -> tuple[str, list[tuple[str, str]]]:
    """The hostname and the commands (id, verb) of our element, as libvirt answers it."""
    own = ET.fromstring(text)  # noqa: S314 - comes from libvirt, which has parsed it itself
    done = [(item.get("command", ""), item.get("verb", "")) for item in own if item.tag.rpartition("}")[2] == "done"]
    return own.get("hostname", ""), done


def vnc_port(text: str) -> int | None:
    """The port of the VNC console in the XML of a running domain."""
    graphics = ET.fromstring(text).find("./devices/graphics[@type='vnc']")  # noqa: S314 - see above
    port = graphics.get("port", "") if graphics is not None else ""
    return int(port) if port.isdigit() and int(port) > 0 else None


def _domain(name: str, kind: str, arch: str | None, cpu_mode: str | None, memory: int, cpus: int) -> ET.Element:
    domain = ET.Element("domain", {"type": kind})
    _add(domain, "name", name)
    _add(domain, "memory", str(memory), unit="b")
    _add(domain, "vcpu", str(cpus))
    _add(_add(domain, "os"), "type", "hvm", **({"arch": arch} if arch else {}))
    _add(_add(domain, "features"), "acpi")
    if cpu_mode:
        _add(domain, "cpu", mode=cpu_mode)
    return domain


def _boot(domain: ET.Element, machine: MachineSpec) -> None:
    system = domain.find("os")
    features = domain.find("features")
    assert system is not None
    assert features is not None
    if machine.arch in ("x86_64", "i686"):
        _add(features, "apic")
    if machine.boot_type.upper() == "UEFI":
        system.set("firmware", "efi")
        kind = system.find("type")
        if kind is not None and machine.arch == "x86_64":
            kind.set("machine", "q35")
        if machine.boot_mode.upper() == "SECURE":
            _add(system, "loader", secure="yes")
            _add(features, "smm", state="on")
    elif machine.boot_type.upper() != "BIOS":
        raise CommandFailed(f"boot type {machine.boot_type} is not known")
    if machine.iso is not None and machine.iso.bootable:
        _add(system, "boot", dev="cdrom")
    _add(system, "boot", dev="hd")


def _disk(devices: ET.Element, spec: DiskSpec, path: str) -> None:
    if not 0 <= spec.device < 26:
        raise CommandFailed(f"a machine has no room for a disk number {spec.device}")
    disk = _add(devices, "disk", type="file", device="disk")
    _add(disk, "driver", name="qemu", type="qcow2")
    _add(disk, "source", file=path)
    bus, name = _target(spec)
    _add(disk, "target", dev=name, bus=bus)
    _add(disk, "serial", spec.uuid.replace("-", "")[:20])


#: How disks are called by their bus. The drive for ISOs is the third of IDE.
_PREFIX = {"virtio": "vd", "scsi": "sd", "sata": "sd", "ide": "hd"}
_IDE = ("hda", "hdb", "hdd")
_WITH_IDE = ("x86_64", "i686")


def _target(spec: DiskSpec) -> tuple[str, str]:
    """The bus and the name of a disk; there is room for three beside the drive on IDE, the others are on virtio."""
    if spec.bus not in _PREFIX:
        raise CommandFailed(f"disks are on {', '.join(_PREFIX)}, not on {spec.bus[:16]}")
    if spec.bus == "ide" and spec.device < len(_IDE):
        return "ide", _IDE[spec.device]
    bus = "virtio" if spec.bus == "ide" else spec.bus
    return bus, _PREFIX[bus] + chr(ord("a") + spec.device)


def drive(path: str | None, arch: str) -> ET.Element:
    """The drive for ISOs, with what is in it."""
    element = _element("disk", type="file", device="cdrom")
    _add(element, "driver", name="qemu", type="raw")
    if path is not None:
        _add(element, "source", file=path)
    if arch in _WITH_IDE:
        _add(element, "target", dev="hdc", bus="ide")
    else:
        _add(element, "target", dev="sdz", bus="scsi")
    _add(element, "readonly")
    return element


def _nic(devices: ET.Element, spec: NicSpec, bridge: str | None, *, plain: bool) -> None:
    kind = "network" if plain else "bridge" if bridge else "user"
    nic = _add(devices, "interface", type=kind)
    _add(nic, "mac", address=spec.mac)
    if plain:
        _add(nic, "source", network="default")
    elif bridge:
        _add(nic, "source", bridge=bridge)
    _add(nic, "model", type="virtio")


def _console(devices: ET.Element, log: str | None) -> None:
    for name in ("serial", "console"):
        port = _add(devices, name, type="pty")
        if log and name == "serial":
            _add(port, "log", file=log, append="on")
        _add(port, "target", port="0")
    # nobody knows the password: this product is let past it (see `console`), others on the host are not
    graphics = _add(
        devices, "graphics", type="vnc", port="-1", autoport="yes", listen="127.0.0.1", passwd=secret(8)
    )  # fmt: skip
    _add(graphics, "listen", type="address", address="127.0.0.1")
    _add(_add(devices, "video"), "model", type="vga")


def _element(tag: str, text: str | None = None, /, **attributes: str) -> ET.Element:
    element = ET.Element(tag, attributes)
    element.text = text
    return element


def _add(parent: ET.Element, tag: str, text: str | None = None, /, **attributes: str) -> ET.Element:
    element = _element(tag, text, **attributes)
    parent.append(element)
    return element
