"""The verbs that act on virtual machines, written for a thread: each takes a connection and the call's gate.

They bring about a final state, so asking for it a second time changes nothing; and each domain remembers the commands
that were carried out on it, so an id that was seen already is answered and not carried out again, even by another
server.
"""

from __future__ import annotations

import logging
import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Any

from cloudsim.agents.base import Answer, CommandFailed
from cloudsim.agents.libvirt.calls import Gate
from cloudsim.agents.libvirt.domain_xml import NAMESPACE, PREFIX, metadata, read_metadata, vnc_port
from cloudsim.agents.libvirt.library import has_code, load, one_line

log = logging.getLogger(__name__)

#: Makes the domain's XML from the commands that it shall remember.
Define = Callable[[list[tuple[str, str]]], str]


def read_own(domain: Any) -> tuple[str, list[tuple[str, str]]] | None:
    """Our metadata of a domain (hostname and commands); None where the domain is not a machine of this product."""
    libvirt = load()
    try:
        return read_metadata(domain.metadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, NAMESPACE, 0))
    except libvirt.libvirtError as error:
        if has_code(error, "NO_DOMAIN_METADATA", "NO_DOMAIN"):
            return None
        raise


def find(connection: Any, uuid: str, name: str) -> Any:
    """The domain, or None. Raises `CommandFailed` where a domain of that name or uuid is not this machine."""
    domain = _look_up(connection.lookupByUUIDString, uuid) or _look_up(connection.lookupByName, name)
    if domain is None:
        return None
    if domain.UUIDString().lower() != uuid.lower() or domain.name() != name or read_own(domain) is None:
        raise CommandFailed(f"the host has a domain named {domain.name()} that is not this virtual machine")
    return domain


def start(connection: Any, gate: Gate, uuid: str, name: str, memory: int, command: str, define: Define) -> Answer:
    """Defines the domain anew and runs it. `memory`: what the host must have left, in bytes."""
    libvirt = load()
    domain = find(connection, uuid, name)
    before: str | None = None
    done: list[tuple[str, str]] = []
    if domain is not None:
        done = remembered(domain)
        if command in dict(done) or is_active(domain):
            return _running(gate, domain)
        before = domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE)
    _check_memory(connection, memory)
    text = define(done)
    gate.check()
    domain = connection.defineXML(text)
    try:
        gate.check()
        domain.create()
    except Exception as error:
        if not (isinstance(error, libvirt.libvirtError) and is_active(domain)):  # else somebody was quicker
            _undo(connection, domain, before)
            raise
    remember(domain, command, "StartCommand")
    return _running(gate, domain)


def pull_plug(connection: Any, gate: Gate, uuid: str, name: str, command: str) -> None:
    """Forces the machine off."""
    domain = find(connection, uuid, name)
    if domain is None or command in dict(remembered(domain)):
        return
    gate.check()
    _destroy(domain)
    remember(domain, command, "StopCommand")


def ask_off(connection: Any, gate: Gate, uuid: str, name: str, command: str) -> bool:
    """Presses the machine's power button. Answers whether there is nothing to wait for."""
    libvirt = load()
    domain = find(connection, uuid, name)
    if domain is None or command in dict(remembered(domain)) or not is_active(domain):
        return True
    gate.check()
    try:
        domain.shutdown()
    except libvirt.libvirtError as error:
        if not has_code(error, "OPERATION_INVALID", "NO_DOMAIN"):
            raise
    return False


def is_off(connection: Any, _gate: Gate, uuid: str, name: str, command: str) -> bool:
    """Whether the machine is off by now; if so, the stop is remembered as carried out."""
    domain = find(connection, uuid, name)
    if domain is not None and is_active(domain):
        return False
    if domain is not None:
        remember(domain, command, "StopCommand")
    return True


def reboot(connection: Any, gate: Gate, uuid: str, name: str, command: str) -> None:
    """Resets the machine, at most once for each `command`: it is remembered first, and forgotten where it failed."""
    libvirt = load()
    domain = find(connection, uuid, name)
    done = remembered(domain) if domain is not None else []
    if command in dict(done):
        return
    if domain is None or not is_active(domain):
        raise CommandFailed(f"virtual machine {name} does not run on this host")
    gate.check()
    write_done(domain, [*done, (command, "RebootCommand")])
    try:
        domain.reset(0)
    except libvirt.libvirtError:
        write_done(domain, done)
        raise


def destroy(connection: Any, gate: Gate, uuid: str, name: str) -> None:
    """Forces the machine off and removes its definition with all that libvirt keeps for it."""
    domain = find(connection, uuid, name)
    if domain is None:
        return
    gate.check()
    _destroy(domain)
    gate.check()
    _undefine(domain)


def scale(connection: Any, gate: Gate, uuid: str, name: str, cpus: int, memory: int, command: str) -> None:
    """Gives a running machine more CPUs and memory (bytes), as far as its domain was defined to take up more.

    Where the domain refuses one of the two it is as it was.
    """
    libvirt = load()
    domain = find(connection, uuid, name)
    if domain is None or not is_active(domain):
        raise CommandFailed(f"virtual machine {name} does not run on this host")
    if command in dict(remembered(domain)):
        return
    _, _, had, had_cpus, _ = domain.info()
    wanted = memory >> 10
    if wanted > domain.maxMemory():
        raise CommandFailed(f"virtual machine {name} was started with at most {domain.maxMemory() >> 10} MiB of memory")
    _check_memory(connection, max(0, (wanted - int(had)) << 10))
    live = libvirt.VIR_DOMAIN_AFFECT_LIVE
    gate.check()
    if cpus != had_cpus:
        domain.setVcpusFlags(cpus, live)
    try:
        if wanted != had:
            domain.setMemoryFlags(wanted, live)
    except libvirt.libvirtError as error:
        try:
            domain.setVcpusFlags(had_cpus, live)
        except libvirt.libvirtError:
            log.info("%s keeps %d CPUs: they cannot be taken away again", name, cpus)
        raise CommandFailed(f"virtual machine {name} takes up no more memory: {one_line(str(error))}") from None
    remember(domain, command, "ScaleVmCommand")


def forget_elsewhere(connection: Any, gate: Gate, uuid: str) -> bool:
    """For a machine that is to be started on another host: whether it runs here. If not, its definition is removed."""
    domain = _look_up(connection.lookupByUUIDString, uuid)
    if domain is None or read_own(domain) is None:
        return False
    if is_active(domain):
        return True
    gate.check()
    _undefine(domain)
    return False


def power_states(connection: Any, _gate: Gate) -> dict[str, str]:
    """The power state of each machine of this product, by instance name."""
    libvirt = load()
    states: dict[str, str] = {}
    for domain in connection.listAllDomains():
        try:
            if read_own(domain) is not None:
                states[domain.name()] = _power(libvirt, domain.state()[0])
        except libvirt.libvirtError as error:
            if not has_code(error, "NO_DOMAIN"):  # it went while we looked
                raise
    return states


def remember(domain: Any, command: str, verb: str) -> None:
    """Writes into the domain that the command was carried out. Where that fails, the domain's state has to tell."""
    libvirt = load()
    try:
        write_done(domain, [*remembered(domain), (command, verb)])
    except libvirt.libvirtError as error:
        log.info("%s %s cannot be remembered: %s", verb, command, one_line(str(error)))


def _power(libvirt: Any, state: int) -> str:
    if state in (libvirt.VIR_DOMAIN_SHUTOFF, libvirt.VIR_DOMAIN_CRASHED):
        return "PowerOff"
    return "PowerUnknown" if state == libvirt.VIR_DOMAIN_NOSTATE else "PowerOn"


def _look_up(how: Callable[[str], Any], key: str) -> Any:
    libvirt = load()
    try:
        return how(key)
    except libvirt.libvirtError as error:
        if has_code(error, "NO_DOMAIN"):
            return None
        raise


def is_active(domain: Any) -> bool:
    """Whether the domain is on."""
    libvirt = load()
    try:
        return bool(domain.isActive())
    except libvirt.libvirtError as error:
        if has_code(error, "NO_DOMAIN"):
            return False
        raise


def _running(gate: Gate, domain: Any) -> Answer:
    libvirt = load()
    try:
        if domain.state()[0] == libvirt.VIR_DOMAIN_PAUSED:
            gate.check()
            domain.resume()
        return {"power": "PowerOn", "vnc_port": vnc_port(domain.XMLDesc(0))}
    except libvirt.libvirtError as error:
        if has_code(error, "NO_DOMAIN"):
            return {"power": "PowerOn", "vnc_port": None}
        raise


def _check_memory(connection: Any, wanted: int) -> None:
    libvirt = load()
    try:
        figures = connection.getMemoryStats(libvirt.VIR_NODE_MEMORY_STATS_ALL_CELLS)
        left = sum(int(figures.get(key, 0)) for key in ("free", "buffers", "cached")) << 10
    except libvirt.libvirtError:  # the test hypervisor: what it has, less what our machines have
        running = [domain for domain in connection.listAllDomains() if is_active(domain) and read_own(domain)]
        left = (int(connection.getInfo()[1]) << 20) - (sum(int(domain.maxMemory()) for domain in running) << 10)
    if wanted > left:
        raise CommandFailed(f"the host has {max(left, 0) >> 20} MiB of memory left, {wanted >> 20} MiB are needed")


def remembered(domain: Any) -> list[tuple[str, str]]:
    """The commands that the domain remembers, as (id, verb)."""
    own = read_own(domain)
    return own[1] if own else []


def write_done(domain: Any, commands: list[tuple[str, str]]) -> None:
    """Has the domain remember these commands, (id, verb), and no others."""
    libvirt = load()
    own = read_own(domain)
    if own is None:
        return
    flags = libvirt.VIR_DOMAIN_AFFECT_CONFIG | (libvirt.VIR_DOMAIN_AFFECT_LIVE if is_active(domain) else 0)
    element = metadata(own[0], commands)
    element.tag = "machine"  # libvirt puts it into the namespace itself
    domain.setMetadata(
        libvirt.VIR_DOMAIN_METADATA_ELEMENT, ET.tostring(element, encoding="unicode"), PREFIX, NAMESPACE, flags
    )


def _destroy(domain: Any) -> None:
    libvirt = load()
    try:
        if domain.isActive():
            domain.destroy()
    except libvirt.libvirtError as error:
        if not has_code(error, "OPERATION_INVALID", "NO_DOMAIN"):  # it went off by itself meanwhile
            raise


def _undefine(domain: Any) -> None:
    libvirt = load()
    most = libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE | libvirt.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
    more = libvirt.VIR_DOMAIN_UNDEFINE_NVRAM | libvirt.VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA
    for flags in (most | more, most, 0):  # not every hypervisor knows all of them
        try:
            domain.undefineFlags(flags)
            return
        except libvirt.libvirtError as error:
            if has_code(error, "NO_DOMAIN"):
                return
            if not flags or not has_code(error, "INVALID_ARG", "NO_SUPPORT"):
                raise


def _undo(connection: Any, domain: Any, before: str | None) -> None:
    """After a start that failed: the definition as it was before. What went wrong is told, not what goes wrong here."""
    libvirt = load()
    try:
        if before is None:
            _undefine(domain)
        else:
            connection.defineXML(before)
    except libvirt.libvirtError:
        return
