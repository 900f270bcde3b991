"""What a deployment asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cloudsim.core.errors import InvalidValue
from cloudsim.db.database import Row
from cloudsim.services import template_rules


@dataclass(slots=True)
class CardRequest:
    """A network card that is asked for."""

    network: Row
    ip: str | None = None
    mac: str | None = None
    dhcp_options: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class DiskRequest:
    """A volume that is asked for; `size` in bytes."""

    kind: str
    offering: Row | None
    size: int
    template: Row | None = None
    min_iops: int | None = None
    max_iops: int | None = None


@dataclass(slots=True)
class Deployment:
    """All that was asked for, checked and looked up by the command."""

    zone: Row
    offering: Row
    template: Row
    account: Row
    domain: Row
    name: str | None = None
    display_name: str | None = None
    display: bool = True
    uuid: str | None = None
    hypervisor: str | None = None
    disk_offering: Row | None = None
    #: GiB
    size: int | None = None
    root_size: int | None = None
    root_offering: Row | None = None
    data_disks: Sequence[tuple[Row, int | None]] = ()
    cards: Sequence[CardRequest] = ()
    group: str | None = None
    #: uuids, or names.
    security_group_ids: Sequence[str] = ()
    security_group_names: Sequence[str] = ()
    affinity_group_ids: Sequence[str] = ()
    affinity_group_names: Sequence[str] = ()
    keypairs: Sequence[str] = ()
    userdata: str | None = None
    userdata_row: Row | None = None
    userdata_details: Mapping[str, str] | None = None
    details: Mapping[str, str] = field(default_factory=dict)
    password: str | None = None
    boot_type: str | None = None
    boot_mode: str | None = None
    boot_into_setup: bool | None = None
    dynamic_scaling: bool | None = None
    lease_duration: int | None = None
    lease_action: str | None = None
    copy_tags: bool = False
    start: bool = True
    host: Row | None = None
    cluster: Row | None = None
    pod: Row | None = None
    planner: str | None = None


def hypervisor_of(want: Deployment) -> str:
    """The hypervisor of the machine: its template's, or that given for an ISO. Raises `InvalidValue`."""
    own = str(want.template["hypervisor"])
    if want.template["format"] == "ISO":
        if not want.hypervisor:
            raise InvalidValue("deploying from an ISO needs hypervisor")
        return template_rules.hypervisor_of(want.hypervisor)
    if want.hypervisor and want.hypervisor.lower() != own.lower():
        raise InvalidValue(f"template {want.template['name']} is for hypervisor {own}, not {want.hypervisor}")
    return own


def root_size(given: int | None, details: Mapping[str, str]) -> int | None:
    """GiB of the root disk: those of rootdisksize, or of the detail of that name. Raises `InvalidValue`."""
    if given is not None:
        return given
    text = next((value for name, value in details.items() if name.lower() == "rootdisksize"), None)
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or not 0 < int(text[:10]) < 2**30:
        raise InvalidValue(f"details[0].rootdisksize takes a number of GiB above 0, not '{text[:32]}'")
    return int(text)
