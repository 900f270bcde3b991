"""The verbs that plug network cards into running domains and out of them, written for a thread."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

from cloudsim.agents.base import CommandFailed, NicSpec
from cloudsim.agents.libvirt.calls import Gate
from cloudsim.agents.libvirt.domain_xml import nic_xml
from cloudsim.agents.libvirt.library import load
from cloudsim.agents.libvirt.machines import find, is_active, remember, remembered


def _running(connection: Any, uuid: str, name: str) -> Any:
    domain = find(connection, uuid, name)
    if domain is None or not is_active(domain):
        raise CommandFailed(f"virtual machine {name} does not run on this host")
    return domain


def _interface(domain: Any, mac: str) -> str | None:
    """The XML of the domain's card with that MAC address."""
    devices = ET.fromstring(domain.XMLDesc(0))  # noqa: S314 - comes from libvirt, which has parsed it itself
    for card in devices.iterfind("./devices/interface"):
        address = card.find("mac")
        if address is not None and address.get("address", "").lower() == mac.lower():
            return ET.tostring(card, encoding="unicode")
    return None


def plug(
    connection: Any, gate: Gate, *, uuid: str, name: str, nic: NicSpec, command: str, bridge: str | None, plain: bool
) -> None:
    """Attaches a card to a running domain, unless it has it; `plain`: on libvirt's test hypervisor."""
    domain = _running(connection, uuid, name)
    if command in dict(remembered(domain)) or _interface(domain, nic.mac) is not None:
        return
    gate.check()
    domain.attachDeviceFlags(nic_xml(nic, bridge, plain=plain), load().VIR_DOMAIN_AFFECT_LIVE)
    remember(domain, command, "PlugNicCommand")


def unplug(connection: Any, gate: Gate, *, uuid: str, name: str, nic: NicSpec, command: str) -> None:
    """Detaches a card from a running domain, if it has it."""
    domain = _running(connection, uuid, name)
    if command in dict(remembered(domain)):
        return
    text = _interface(domain, nic.mac)
    if text is None:
        return
    gate.check()
    domain.detachDeviceFlags(text, load().VIR_DOMAIN_AFFECT_LIVE)
    remember(domain, command, "UnPlugNicCommand")
