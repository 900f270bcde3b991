"""Virtual machines as statements: whole pages of them with all that belongs to them, in a fixed number of queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, func, select

from cloudsim.db import schema
from cloudsim.db.database import Row, Transaction
from cloudsim.db.types import any_of

vm = schema.vm
nic = schema.nic
network = schema.network
volume = schema.volume

#: The columns that clients read; a page is quicker without the others.
_SHOWN = (
    "id uuid created updated name display_name instance_name account_id domain_id hypervisor arch state cpu speed memory "
    "ha_enabled display delete_protection dynamically_scalable password_enabled boot_type boot_mode keypairs"
).split()
_VIEW: Any = (
    select(
        *(vm.c[name] for name in _SHOWN),
        schema.account.c.name.label("account_name"),
        schema.account.c.type.label("account_type"),
        schema.domain.c.uuid.label("domain_uuid"),
        schema.domain.c.name.label("domain_name"),
        schema.domain.c.path.label("domain_path"),
        schema.user.c.uuid.label("user_uuid"),
        schema.user.c.username,
        schema.zone.c.uuid.label("zone_uuid"),
        schema.zone.c.name.label("zone_name"),
        schema.host.c.uuid.label("host_uuid"),
        schema.host.c.name.label("host_name"),
        schema.host.c.status.label("host_status"),
        schema.host.c.resource_state.label("host_resource_state"),
        schema.template.c.uuid.label("template_uuid"),
        schema.template.c.name.label("template_name"),
        schema.template.c.display_text.label("template_text"),
        schema.template.c.type.label("template_type"),
        schema.template.c.format.label("template_format"),
        schema.service_offering.c.uuid.label("offering_uuid"),
        schema.service_offering.c.name.label("offering_name"),
        schema.guest_os.c.uuid.label("os_uuid"),
        schema.guest_os.c.name.label("os_name"),
        schema.instance_group.c.uuid.label("group_uuid"),
        schema.instance_group.c.name.label("group_name"),
        schema.user_data.c.uuid.label("userdata_uuid"),
        schema.user_data.c.name.label("userdata_name"),
    )
    .select_from(
        vm.join(schema.account, vm.c.account_id == schema.account.c.id)
        .join(schema.domain, vm.c.domain_id == schema.domain.c.id)
        .join(schema.user, vm.c.user_id == schema.user.c.id)
        .join(schema.zone, vm.c.zone_id == schema.zone.c.id)
        .join(schema.template, vm.c.template_id == schema.template.c.id)
        .join(schema.service_offering, vm.c.service_offering_id == schema.service_offering.c.id)
        .join(schema.guest_os, vm.c.guest_os_id == schema.guest_os.c.id)
        .outerjoin(schema.host, vm.c.host_id == schema.host.c.id)
        .outerjoin(schema.instance_group, vm.c.group_id == schema.instance_group.c.id)
        .outerjoin(schema.user_data, vm.c.userdata_id == schema.user_data.c.id)
    )
    .where(any_of(vm.c.id, "ids"))
)
NICS = (
    select(
        nic.c.vm_id,
        nic.c.uuid,
        nic.c.mac,
        nic.c.ip,
        nic.c.netmask,
        nic.c.gateway,
        nic.c.ip6,
        nic.c.ip6_gateway,
        nic.c.ip6_cidr,
        nic.c.device_id,
        nic.c.is_default,
        nic.c.broadcast_uri,
        nic.c.isolation_uri,
        nic.c.mtu,
        nic.c.dhcp_options,
        nic.c.enabled,
        network.c.id.label("network_id"),
        network.c.uuid.label("network_uuid"),
        network.c.name.label("network_name"),
        network.c.traffic_type,
        network.c.guest_type,
    )
    .select_from(nic.join(network, nic.c.network_id == network.c.id))
    .where(any_of(nic.c.vm_id, "ids"), nic.c.removed.is_(None))
    .order_by(nic.c.vm_id, nic.c.device_id)
)
_VOLUMES = (
    select(
        volume.c.vm_id,
        volume.c.type,
        volume.c.device_id,
        schema.storage_pool.c.type.label("pool_type"),
        schema.disk_offering.c.uuid.label("offering_uuid"),
        schema.disk_offering.c.name.label("offering_name"),
    )
    .select_from(
        volume.outerjoin(schema.storage_pool, volume.c.pool_id == schema.storage_pool.c.id).outerjoin(
            schema.disk_offering, volume.c.disk_offering_id == schema.disk_offering.c.id
        )
    )
    .where(any_of(volume.c.vm_id, "ids"), volume.c.removed.is_(None))
    .order_by(volume.c.vm_id, volume.c.device_id)
)
DETAILS = select(schema.detail).where(
    schema.detail.c.resource_type == bindparam("kind"), any_of(schema.detail.c.resource_id, "ids")
)
TAGS = (
    select(
        schema.tag,
        schema.account.c.name.label("account_name"),
        schema.domain.c.uuid.label("domain_uuid"),
        schema.domain.c.name.label("domain_name"),
        schema.domain.c.path.label("domain_path"),
    )
    .select_from(
        schema.tag.join(schema.account, schema.tag.c.account_id == schema.account.c.id).join(
            schema.domain, schema.tag.c.domain_id == schema.domain.c.id
        )
    )
    .where(schema.tag.c.resource_type == bindparam("kind"), any_of(schema.tag.c.resource_id, "ids"))
    .order_by(schema.tag.c.id)
)
_NEXT = select(func.max(vm.c.id).label("newest"))
_NAME_TAKEN = (
    select(vm.c.id)
    .select_from(vm.join(nic, nic.c.vm_id == vm.c.id))
    .where(
        vm.c.name == bindparam("name"),
        vm.c.removed.is_(None),
        nic.c.removed.is_(None),
        any_of(nic.c.network_id, "networks"),
        vm.c.id != bindparam("but"),
    )
    .limit(1)
)
_VOLUMES_OF = (
    select(
        volume,
        schema.storage_pool.c.uuid.label("pool_uuid"),
        schema.disk_offering.c.tags.label("offering_tags"),
        schema.disk_offering.c.storage_type.label("storage_type"),
        schema.template.c.uuid.label("template_uuid"),
    )
    .select_from(
        volume.outerjoin(schema.storage_pool, volume.c.pool_id == schema.storage_pool.c.id)
        .outerjoin(schema.disk_offering, volume.c.disk_offering_id == schema.disk_offering.c.id)
        .outerjoin(schema.template, volume.c.template_id == schema.template.c.id)
    )
    .where(volume.c.vm_id == bindparam("vm_id"), volume.c.removed.is_(None))
    .order_by(volume.c.device_id)
)


@dataclass(frozen=True, slots=True)
class Machines:
    """A page of virtual machines: their rows, and by vm id what belongs to them."""

    rows: list[Row]
    nics: dict[int, list[Row]]
    volumes: dict[int, list[Row]]
    details: dict[int, list[Row]]
    tags: dict[int, list[Row]]


def grouped(rows: list[Row], key: str) -> dict[int, list[Row]]:
    """Rows by the value of a column."""
    made: dict[int, list[Row]] = {}
    for row in rows:
        made.setdefault(row[key], []).append(row)
    return made


def page(tx: Transaction, ids: Sequence[int]) -> Machines:
    """The machines of these ids, in their order, in five statements."""
    rows = {row["id"]: row for row in tx.all(_VIEW, ids=ids)}
    return Machines(
        rows=[rows[row_id] for row_id in ids if row_id in rows],
        nics=grouped(tx.all(NICS, ids=ids), "vm_id"),
        volumes=grouped(tx.all(_VOLUMES, ids=ids), "vm_id"),
        details=grouped(tx.all(DETAILS, kind="UserVm", ids=ids), "resource_id"),
        tags=grouped(tx.all(TAGS, kind="UserVm", ids=ids), "resource_id"),
    )


def next_id(tx: Transaction) -> int:
    """The id the next machine has: rows are never removed and one transaction writes at a time."""
    return int(tx.scalar(_NEXT) or 0) + 1


def name_taken(tx: Transaction, name: str, networks: Sequence[int], but: int = 0) -> bool:
    """Whether another machine with this host name has a card in one of these networks."""
    return tx.scalar(_NAME_TAKEN, name=name, networks=networks, but=but) is not None


def volumes_of(tx: Transaction, vm_id: int) -> list[Row]:
    """A machine's volumes with pool and template uuids, by device."""
    return tx.all(_VOLUMES_OF, vm_id=vm_id)


def nics_of(tx: Transaction, vm_id: int) -> list[Row]:
    """A machine's network cards with their networks, by device."""
    return tx.all(NICS, ids=[vm_id])


def details_of(tx: Transaction, kind: str, row_id: int) -> dict[str, str]:
    """The details of one row: name to value."""
    return {row["name"]: row["value"] for row in tx.all(DETAILS, kind=kind, ids=[row_id])}
