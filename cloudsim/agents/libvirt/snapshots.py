"""Snapshots of virtual machines: internal ones of their qcow2 disks, each named by the snapshot's uuid.

Of a machine that runs QEMU makes them, through libvirt, with the memory; of one that is off ``qemu-img`` does (see
`storage`). What counts lies in the disks: libvirt's own notes of a snapshot stay on the host where it was made, so they
are written anew where a running machine needs them and its host has none. Written for a thread, as `machines`.
"""

from __future__ import annotations

import logging
import xml.etree.ElementTree as ET
from typing import Any

from cloudsim.agents.base import CommandFailed
from cloudsim.agents.libvirt import machines
from cloudsim.agents.libvirt.calls import Gate
from cloudsim.agents.libvirt.library import has_code, load, one_line

log = logging.getLogger(__name__)


def runs(connection: Any, _gate: Gate, uuid: str, name: str) -> bool:
    """Whether the machine is on, on this host."""
    domain = machines.find(connection, uuid, name)
    return domain is not None and machines.is_active(domain)


def create(connection: Any, gate: Gate, uuid: str, name: str, snapshot: str, command: str) -> None:
    """Keeps disks and memory of a machine that runs. One that is there is left as it is."""
    domain = _running(connection, uuid, name)
    if command in dict(machines.remembered(domain)) or _find(domain, snapshot) is not None:
        return
    gate.check()
    domain.snapshotCreateXML(_text(snapshot, memory=True), 0)
    machines.remember(domain, command, "CreateVMSnapshotCommand")


def revert(connection: Any, gate: Gate, uuid: str, name: str, snapshot: str, command: str, memory: bool) -> None:
    """Takes a machine that runs back to disks and memory of a snapshot. `memory`: whether the snapshot has it."""
    domain = _running(connection, uuid, name)
    done = machines.remembered(domain)
    if command in dict(done):
        return
    if not memory:
        raise CommandFailed("the snapshot has no memory, and the virtual machine runs")
    found = _find(domain, snapshot) or _noted(domain, snapshot, memory=True)
    gate.check()
    domain.revertToSnapshot(found, load().VIR_DOMAIN_SNAPSHOT_REVERT_RUNNING)
    # what was remembered went back as well
    machines.write_done(domain, [*done, (command, "RevertToVMSnapshotCommand")])


def delete(connection: Any, gate: Gate, uuid: str, name: str, snapshot: str, memory: bool) -> None:
    """Removes a snapshot of a machine that runs from its disks."""
    domain = _running(connection, uuid, name)
    found = _find(domain, snapshot) or _noted(domain, snapshot, memory=memory)
    gate.check()
    found.delete(0)


def forget(connection: Any, gate: Gate, uuid: str, name: str, snapshot: str) -> None:
    """Removes libvirt's notes of a snapshot that is not in the disks any more."""
    domain = machines.find(connection, uuid, name)
    found = _find(domain, snapshot) if domain is not None else None
    if found is None:
        return
    gate.check()
    try:
        found.delete(load().VIR_DOMAIN_SNAPSHOT_DELETE_METADATA_ONLY)
    except load().libvirtError as error:
        log.info("notes of snapshot %s stay: %s", snapshot, one_line(str(error)))


def _running(connection: Any, uuid: str, name: str) -> Any:
    domain = machines.find(connection, uuid, name)
    if domain is None or not machines.is_active(domain):
        raise CommandFailed(f"virtual machine {name} does not run on this host")
    return domain


def _find(domain: Any, snapshot: str) -> Any:
    libvirt = load()
    try:
        return domain.snapshotLookupByName(snapshot)
    except libvirt.libvirtError as error:
        if has_code(error, "NO_DOMAIN_SNAPSHOT", "NO_DOMAIN"):
            return None
        raise


def _noted(domain: Any, snapshot: str, *, memory: bool) -> Any:
    """libvirt's notes of a snapshot that is in the disks, written from what the machine is now."""
    libvirt = load()
    current = domain.XMLDesc(libvirt.VIR_DOMAIN_XML_SECURE | libvirt.VIR_DOMAIN_XML_MIGRATABLE)
    return domain.snapshotCreateXML(
        _text(snapshot, memory=memory, noted=current), libvirt.VIR_DOMAIN_SNAPSHOT_CREATE_REDEFINE
    )


def _text(snapshot: str, *, memory: bool, noted: str | None = None) -> str:
    root = ET.Element("domainsnapshot")
    ET.SubElement(root, "name").text = snapshot
    ET.SubElement(root, "memory", snapshot="internal" if memory else "no")
    if noted is not None:
        ET.SubElement(root, "state").text = "running" if memory else "shutoff"
        ET.SubElement(root, "creationTime").text = "0"
        root.append(ET.fromstring(noted))  # noqa: S314 - comes from libvirt, which has parsed it itself
    return ET.tostring(root, encoding="unicode")
