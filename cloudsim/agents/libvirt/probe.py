"""What a host is made of, and what runs machines on it.

That ``/dev/kvm`` exists says little: inside another virtual machine it may be there and yet refuse every processor
model but the poorest, or stop the guest at its first instruction. So the probe asks libvirt what the host claims, and
then has it run a domain without a disk for a moment, with the very processor that machines would get. Where KVM does
not pass, QEMU's emulation (TCG) is tried the same way; the facts say which it is, and why.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping
from typing import Any

from cloudsim.agents.base import CommandFailed, HostFacts
from cloudsim.agents.libvirt.calls import Gate
from cloudsim.agents.libvirt.domain_xml import Profile, probe_xml
from cloudsim.agents.libvirt.library import load, one_line
from cloudsim.core.ids import secret

#: Seconds that a domain must keep running to pass.
SETTLE = 0.3
#: MHz to reckon with where the host does not tell its speed.
UNKNOWN_SPEED = 2000
#: `HostFacts.details` ``acceleration`` of each domain type.
ACCELERATION = {"kvm": "kvm", "qemu": "tcg", "test": "none", None: "none"}


def read_facts(connection: Any, gate: Gate, details: Mapping[str, str]) -> HostFacts:
    """Reads and probes a host; takes some seconds. Of its `details`, ``domain_type`` (``kvm`` or ``qemu``) restricts
    the probe and ``bridge`` names the bridge of its machines. Runs in a thread.
    """
    arch, megabytes, cpus, speed, nodes, sockets = connection.getInfo()[:6]
    notes: list[str] = []
    if not speed:
        notes.append(f"the host does not tell its CPU speed; {UNKNOWN_SPEED} MHz assumed")
    if bridge := details.get("bridge"):
        notes.append(f"machines share the bridge {bridge}: VLANs are not kept apart")
    if connection.getType() == "TEST":
        profile = Profile("test", None, arch)
        notes.append("libvirt's test hypervisor: no guest really runs")
    else:
        profile = _probe(connection, gate, arch, details.get("domain_type"), notes)
    version = int(connection.getVersion())
    return HostFacts(
        name=connection.getHostname(),
        hypervisor="KVM",
        hypervisor_version=f"{version // 1_000_000}.{version // 1000 % 1000}.{version % 1000}",
        cpus=cpus,
        speed=speed or UNKNOWN_SPEED,
        memory=_memory(connection, megabytes << 20),
        cpu_sockets=max(1, nodes * sockets),
        arch=arch,
        notes=tuple(notes),
        details=to_details(profile),
    )


def to_details(profile: Profile) -> dict[str, str]:
    """The profile as the details of a host, to be read by `from_details`."""
    return {
        "acceleration": ACCELERATION[profile.domain_type],
        "cpu_mode": profile.cpu_mode or "default",
        "arch": profile.arch,
    }


def from_details(details: Mapping[str, str], *, test: bool) -> Profile | None:
    """The profile of a host that was probed earlier, None where its details do not hold one."""
    kind = {"kvm": "kvm", "tcg": "qemu", "none": "test" if test else None}.get(details.get("acceleration", ""))
    mode, arch = details.get("cpu_mode"), details.get("arch")
    if kind is None or mode is None or arch is None or test is not (kind == "test"):
        return None
    return Profile(kind, None if mode == "default" else mode, arch)


def _memory(connection: Any, told: int) -> int:
    """Bytes. The kernel's own figure where there is one: libvirt's adds up what was there when the host was booted."""
    libvirt = load()
    try:
        return int(connection.getMemoryStats(libvirt.VIR_NODE_MEMORY_STATS_ALL_CELLS)["total"]) << 10
    except (libvirt.libvirtError, KeyError):
        return told


def _probe(connection: Any, gate: Gate, arch: str, wanted: str | None, notes: list[str]) -> Profile:
    if wanted not in (None, "kvm", "qemu"):
        raise CommandFailed("the host's detail domain_type must be kvm or qemu")
    offered = _offered(connection.getCapabilities(), arch)
    for kind in ("kvm", "qemu"):
        name = ACCELERATION[kind]
        if wanted not in (None, kind):
            notes.append(f"{name} is not used: the host's details say {wanted}")
            continue
        if kind not in offered:
            notes.append(f"{name} is not used: the host does not offer it")
            continue
        mode = _cpu_mode(connection, arch, kind)
        failure = _try(connection, gate, arch, kind, mode)
        if failure is None:
            if kind == "qemu":
                notes.append("machines are emulated (TCG), without hardware acceleration")
            return Profile(kind, mode, arch)
        notes.append(f"{name} is not used: trying it with the CPU {mode or 'default'} failed: {failure}")
    return Profile(None, None, arch)


def _offered(capabilities: str, arch: str) -> set[str]:
    guests = ET.fromstring(capabilities).findall(f"./guest/arch[@name='{arch}']")  # noqa: S314 - comes from libvirt
    return {domain.get("type", "") for guest in guests for domain in guest.findall("domain")}


def _cpu_mode(connection: Any, arch: str, kind: str) -> str | None:
    """The best processor that the host claims to give: the host's own model, or all that can be emulated."""
    libvirt = load()
    try:
        text = connection.getDomainCapabilities(None, arch, None, kind)
    except libvirt.libvirtError:
        return None
    modes = ET.fromstring(text).findall("./cpu/mode[@supported='yes']")  # noqa: S314 - comes from libvirt
    supported = {mode.get("name") for mode in modes}
    best = ("host-model", "host-passthrough") if kind == "kvm" else ("maximum",)
    return next((mode for mode in best if mode in supported), None)


def _try(connection: Any, gate: Gate, arch: str, kind: str, mode: str | None) -> str | None:
    """None if a domain like that runs, else why not."""
    libvirt = load()
    gate.check()
    name = f"cloudsim-probe-{secret(12).strip('-_')}"
    try:
        # it dies with the connection, so a server that is killed meanwhile leaves nothing behind
        domain = connection.createXML(probe_xml(name, kind, mode, arch), libvirt.VIR_DOMAIN_START_AUTODESTROY)
    except libvirt.libvirtError as error:
        if not connection.isAlive():
            raise
        return one_line(str(error), 300)
    try:
        gate.wait(SETTLE)
        state = domain.state()[0]
    finally:
        try:
            domain.destroy()
        except libvirt.libvirtError:
            state = libvirt.VIR_DOMAIN_SHUTOFF
    return None if state == libvirt.VIR_DOMAIN_RUNNING else "the guest did not keep running"
