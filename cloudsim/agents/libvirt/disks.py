"""Disks of machines that run: given, taken, resized. Written for a thread, as `machines`."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

from cloudsim.agents.base import CommandFailed, DiskSpec
from cloudsim.agents.libvirt import machines
from cloudsim.agents.libvirt.calls import Gate
from cloudsim.agents.libvirt.domain_xml import disk_xml, serial_of
from cloudsim.agents.libvirt.library import load


def attach(connection: Any, gate: Gate, uuid: str, name: str, spec: DiskSpec, path: str, command: str) -> None:
    """Gives a machine that runs one more disk. One that it has is fine."""
    domain = _running(connection, uuid, name)
    if _find(domain, spec.uuid) is not None:
        return
    gate.check()
    domain.attachDeviceFlags(disk_xml(spec, path), _flags())
    machines.remember(domain, command, "AttachCommand")


def detach(connection: Any, gate: Gate, uuid: str, name: str, volume: str) -> None:
    """Asks a machine's guest to give a disk back; `has` tells when it has."""
    domain = machines.find(connection, uuid, name)
    if domain is None or not machines.is_active(domain):
        return
    found = _find(domain, volume)
    if found is not None:
        gate.check()
        domain.detachDeviceFlags(ET.tostring(found, encoding="unicode"), _flags())


def has(connection: Any, _gate: Gate, uuid: str, name: str, volume: str) -> bool:
    """Whether a machine that runs has a disk."""
    domain = machines.find(connection, uuid, name)
    return domain is not None and machines.is_active(domain) and _find(domain, volume) is not None


def resize(connection: Any, gate: Gate, uuid: str, name: str, volume: str, size: int) -> None:
    """Gives a disk of a machine that runs another size (bytes)."""
    domain = _running(connection, uuid, name)
    found = _find(domain, volume)
    target = found.find("target") if found is not None else None
    if target is None:
        raise CommandFailed(f"virtual machine {name} does not have volume {volume}")
    gate.check()
    domain.blockResize(target.get("dev", ""), size, load().VIR_DOMAIN_BLOCK_RESIZE_BYTES)


def _running(connection: Any, uuid: str, name: str) -> Any:
    domain = machines.find(connection, uuid, name)
    if domain is None or not machines.is_active(domain):
        raise CommandFailed(f"virtual machine {name} does not run on this host")
    return domain


def _flags() -> int:
    libvirt = load()
    return int(libvirt.VIR_DOMAIN_AFFECT_LIVE | libvirt.VIR_DOMAIN_AFFECT_CONFIG)


def _find(domain: Any, volume: str) -> ET.Element | None:
    """The element of a disk; a disk is known by its serial number."""
    root = ET.fromstring(domain.XMLDesc(0))  # noqa: S314 - comes from libvirt, which has parsed it itself
    for found in root.iterfind("./devices/disk"):
        if found.findtext("serial") == serial_of(volume):
            return found
    return None
