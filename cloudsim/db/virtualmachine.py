"""Virtual machines as statements: whole pages of them with all that belongs to them, in a fixed number of queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Text, and_, bindparam, cast, func, literal_column, null, or_, select, union_all

from cloudsim.db import schema
from cloudsim.db.database import Row, Transaction
from cloudsim.db.types import any_of

vm = schema.vm
nic = schema.nic
network = schema.network
volume = schema.volume

#: The columns that clients read; a page is quicker without the others.
_SHOWN = (
    "id uuid created updated name display_name instance_name account_id domain_id user_id zone_id host_id template_id "
    "iso_id service_offering_id guest_os_id group_id userdata_id hypervisor arch state cpu speed memory ha_enabled display "
    "delete_protection dynamically_scalable password_enabled boot_type boot_mode keypairs lease_expiry lease_action "
    "lease_state in_affinity_groups"
).split()
_ROWS: Any = select(*(vm.c[name] for name in _SHOWN)).where(any_of(vm.c.id, "ids"))
#: What many machines have in common is read once for all of them, and not joined to each: kind, table, columns.
_COMMON: dict[str, tuple[Any, tuple[str, ...]]] = {
    "account": (schema.account, ("name", "project_uuid", "project_name")),
    "domain": (schema.domain, ("uuid", "name", "path")),
    "user": (schema.user, ("uuid", "username")),
    "zone": (schema.zone, ("uuid", "name")),
    "host": (schema.host, ("uuid", "name", "status", "resource_state")),
    "template": (schema.template, ("uuid", "name", "display_text", "type", "format")),
    "offering": (schema.service_offering, ("uuid", "name")),
    "os": (schema.guest_os, ("uuid", "name")),
    "group": (schema.instance_group, ("uuid", "name")),
    "userdata": (schema.user_data, ("uuid", "name")),
    "network": (schema.network, ("uuid", "name", "traffic_type", "guest_type")),
    "pool": (schema.storage_pool, ("type",)),
    "disk": (schema.disk_offering, ("uuid", "name")),
}
_WIDTH = max(len(names) for _, names in _COMMON.values())


def _branch(kind: str, table: Any, names: Sequence[str]) -> Any:
    columns = [cast(table.c[name], Text) for name in names] + [cast(null(), Text)] * (_WIDTH - len(names))
    labelled = (column.label(f"value{number}") for number, column in enumerate(columns))
    return select(literal_column(f"'{kind}'").label("kind"), table.c.id, *labelled).where(any_of(table.c.id, kind))


_IN_COMMON = union_all(*(_branch(kind, table, names) for kind, (table, names) in _COMMON.items()))
_CARDS = (
    select(
        *(
            nic.c[name]
            for name in (
                "id vm_id uuid network_id mac ip netmask gateway ip6 ip6_gateway ip6_cidr device_id is_default "
                "broadcast_uri isolation_uri mtu dhcp_options has_secondary"
            ).split()
        )
    )
    .where(any_of(nic.c.vm_id, "ids"), nic.c.removed.is_(None))
    .order_by(nic.c.vm_id, nic.c.device_id)
)
NICS = (
    select(
        nic.c.id,
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
        nic.c.state,
        nic.c.has_secondary,
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
_SECONDARY = (
    select(schema.nic_secondary_ip)
    .where(any_of(schema.nic_secondary_ip.c.nic_id, "cards"), schema.nic_secondary_ip.c.removed.is_(None))
    .order_by(schema.nic_secondary_ip.c.id)
)
_VOLUMES = (
    select(volume.c.vm_id, volume.c.type, volume.c.device_id, volume.c.pool_id, volume.c.disk_offering_id)
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
        schema.account.c.project_uuid,
        schema.account.c.project_name,
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
_SECURITY_GROUPS = (
    select(
        schema.security_group_vm.c.vm_id,
        schema.security_group.c.uuid,
        schema.security_group.c.name,
        schema.security_group.c.description,
    )
    .select_from(
        schema.security_group_vm.join(
            schema.security_group, schema.security_group_vm.c.group_id == schema.security_group.c.id
        )
    )
    .where(any_of(schema.security_group_vm.c.vm_id, "ids"))
    .order_by(schema.security_group.c.id)
)
_AFFINITY_GROUPS = (
    select(
        schema.affinity_group_vm.c.vm_id,
        schema.affinity_group.c.uuid,
        schema.affinity_group.c.name,
        schema.affinity_group.c.description,
        schema.account.c.name.label("account_name"),
    )
    .select_from(
        schema.affinity_group_vm.join(
            schema.affinity_group, schema.affinity_group_vm.c.group_id == schema.affinity_group.c.id
        ).join(schema.account, schema.affinity_group.c.account_id == schema.account.c.id)
    )
    .where(any_of(schema.affinity_group_vm.c.vm_id, "ids"))
    .order_by(schema.affinity_group.c.id)
)
_NEXT = select(func.max(vm.c.id).label("newest"))
_NAMED_IN = network.alias("named_in")
_NAME_TAKEN = (
    select(vm.c.id)
    .select_from(
        vm.join(nic, nic.c.vm_id == vm.c.id)
        .join(network, nic.c.network_id == network.c.id)
        .join(
            _NAMED_IN,
            or_(
                _NAMED_IN.c.id == network.c.id,
                # the networks of one owner with the same domain are served by one name space
                and_(
                    _NAMED_IN.c.network_domain == network.c.network_domain,
                    _NAMED_IN.c.account_id == network.c.account_id,
                    _NAMED_IN.c.zone_id == network.c.zone_id,
                ),
            ),
        )
    )
    .where(
        vm.c.name == bindparam("name"),
        vm.c.removed.is_(None),
        nic.c.removed.is_(None),
        any_of(_NAMED_IN.c.id, "networks"),
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
    #: Secondary addresses, by the id of their card.
    secondary: dict[int, list[Row]]
    volumes: dict[int, list[Row]]
    details: dict[int, list[Row]]
    tags: dict[int, list[Row]]
    #: Security groups, by vm id: looked up where a network on the page may have them.
    security: dict[int, list[Row]]
    #: Affinity groups, by vm id: looked up for the machines that are in some.
    affinity: dict[int, list[Row]]
    #: What machines have in common, by kind (account, domain, user, zone, host, template, offering, os, group,
    #: userdata, network, pool, disk) and id.
    common: dict[str, dict[int, Row]]


def grouped(rows: list[Row], key: str) -> dict[int, list[Row]]:
    """Rows by the value of a column."""
    made: dict[int, list[Row]] = {}
    for row in rows:
        made.setdefault(row[key], []).append(row)
    return made


def page(tx: Transaction, ids: Sequence[int]) -> Machines:
    """The machines of these ids, in their order, in six statements."""
    rows = {row["id"]: row for row in tx.all(_ROWS, ids=ids)}
    cards, volumes = tx.all(_CARDS, ids=ids), tx.all(_VOLUMES, ids=ids)
    wanted: dict[str, set[int]] = {
        "account": {row["account_id"] for row in rows.values()},
        "domain": {row["domain_id"] for row in rows.values()},
        "user": {row["user_id"] for row in rows.values()},
        "zone": {row["zone_id"] for row in rows.values()},
        "host": {row["host_id"] for row in rows.values()},
        "template": {row[column] for row in rows.values() for column in ("template_id", "iso_id")},
        "offering": {row["service_offering_id"] for row in rows.values()},
        "os": {row["guest_os_id"] for row in rows.values()},
        "group": {row["group_id"] for row in rows.values()},
        "userdata": {row["userdata_id"] for row in rows.values()},
        "network": {row["network_id"] for row in cards},
        "pool": {row["pool_id"] for row in volumes},
        "disk": {row["disk_offering_id"] for row in volumes},
    }
    common = _common(tx, {kind: [row_id for row_id in found if row_id] for kind, found in wanted.items()})
    shared = any(row["guest_type"] == "Shared" for row in common["network"].values())
    grouping = [row_id for row_id, row in rows.items() if row["in_affinity_groups"]]
    return Machines(
        rows=[rows[row_id] for row_id in ids if row_id in rows],
        nics=grouped(cards, "vm_id"),
        secondary=secondary_of(tx, cards),
        volumes=grouped(volumes, "vm_id"),
        details=grouped(tx.all(DETAILS, kind="UserVm", ids=ids), "resource_id"),
        tags=grouped(tx.all(TAGS, kind="UserVm", ids=ids), "resource_id"),
        security=grouped(tx.all(_SECURITY_GROUPS, ids=ids), "vm_id") if shared else {},
        affinity=grouped(tx.all(_AFFINITY_GROUPS, ids=grouping), "vm_id") if grouping else {},
        common=common,
    )


def _common(tx: Transaction, wanted: dict[str, list[int]]) -> dict[str, dict[int, Row]]:
    found: dict[str, dict[int, Row]] = {kind: {} for kind in _COMMON}
    for row in tx.all(_IN_COMMON, wanted):
        names = _COMMON[row["kind"]][1]
        found[row["kind"]][row["id"]] = {name: row[f"value{number}"] for number, name in enumerate(names)}
    return found


def next_id(tx: Transaction) -> int:
    """The id the next machine has: rows are never removed and one transaction writes at a time."""
    return int(tx.scalar(_NEXT) or 0) + 1


def name_taken(tx: Transaction, name: str, networks: Sequence[int], but: int = 0) -> bool:
    """Whether another machine with this host name has a card in one of these networks, or in one of the same domain."""
    return tx.scalar(_NAME_TAKEN, name=name, networks=networks, but=but) is not None


def volumes_of(tx: Transaction, vm_id: int) -> list[Row]:
    """A machine's volumes with pool and template uuids, by device."""
    return tx.all(_VOLUMES_OF, vm_id=vm_id)


def nics_of(tx: Transaction, vm_id: int) -> list[Row]:
    """A machine's network cards with their networks, by device."""
    return tx.all(NICS, ids=[vm_id])


def secondary_of(tx: Transaction, cards: Sequence[Row]) -> dict[int, list[Row]]:
    """The secondary addresses of cards, by the card's id; no statement where none has any."""
    wanted = [card["id"] for card in cards if card["has_secondary"]]
    return grouped(tx.all(_SECONDARY, cards=wanted), "nic_id") if wanted else {}


def details_of(tx: Transaction, kind: str, row_id: int) -> dict[str, str]:
    """The details of one row: name to value."""
    return {row["name"]: row["value"] for row in tx.all(DETAILS, kind=kind, ids=[row_id])}
