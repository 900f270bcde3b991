"""What is in the drive of a libvirt machine, changed while it runs."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

from cloudsim.agents.base import CommandFailed
from cloudsim.agents.libvirt.calls import Gate
from cloudsim.agents.libvirt.domain_xml import drive
from cloudsim.agents.libvirt.library import load
from cloudsim.agents.libvirt.machines import find, is_active, remember, remembered


def change(connection: Any, gate: Gate, uuid: str, name: str, path: str | None, forced: bool, command: str) -> None:
    """Puts a file into the drive of a machine that runs, or takes out what is in it (`path` None)."""
    libvirt = load()
    domain = find(connection, uuid, name)
    if domain is None or not is_active(domain):
        raise CommandFailed(f"virtual machine {name} does not run on this host")
    if command in dict(remembered(domain)):
        return
    there = ET.fromstring(domain.XMLDesc(0))  # noqa: S314 - comes from libvirt, which has parsed it itself
    found = there.find("./devices/disk[@device='cdrom']/target")
    if found is None:
        raise CommandFailed(f"virtual machine {name} has no drive: it gets one at its next start")
    type_ = there.find("./os/type")
    element = drive(path, type_.get("arch", "x86_64") if type_ is not None else "x86_64")
    target = element.find("target")
    assert target is not None
    target.attrib.update(found.attrib)
    gate.check()
    flags = libvirt.VIR_DOMAIN_DEVICE_MODIFY_LIVE | (libvirt.VIR_DOMAIN_DEVICE_MODIFY_FORCE if forced else 0)
    domain.updateDeviceFlags(ET.tostring(element, encoding="unicode"), flags)
    remember(domain, command, "AttachIsoCommand")
