"""Hosts and virtual machines as plain data, as the steps of a workflow hand them to each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import and_, bindparam, or_, select

from cloudsim.agents.base import DiskSpec, HostAddress, IsoSpec, MachineSpec, NicSpec
from cloudsim.core.errors import InvalidValue, ResourceUnavailable
from cloudsim.db import schema
from cloudsim.db import virtualmachine as db
from cloudsim.db.database import Row
from cloudsim.services import access, router, router_parts, securitygroup_apply, system_network, vm_image
from cloudsim.services.context import Context
from cloudsim.services.nouns import GUEST_OS, NETWORK, VIRTUAL_MACHINE

MIB = 1024 * 1024

Plain = dict[str, Any]

_PLACES = (
    select(
        schema.host,
        schema.zone.c.uuid.label("zone_uuid"),
        schema.pod.c.uuid.label("pod_uuid"),
        schema.cluster.c.uuid.label("cluster_uuid"),
    )
    .select_from(
        schema.host.join(schema.zone, schema.host.c.zone_id == schema.zone.c.id)
        .outerjoin(schema.pod, schema.host.c.pod_id == schema.pod.c.id)
        .outerjoin(schema.cluster, schema.host.c.cluster_id == schema.cluster.c.id)
    )
    .where(schema.host.c.id == bindparam("host_id"))
)

_REACHES = (
    select(schema.host.c.id)
    .select_from(
        schema.storage_pool.join(
            schema.host,
            and_(
                schema.host.c.zone_id == schema.storage_pool.c.zone_id,
                or_(
                    schema.storage_pool.c.cluster_id.is_(None),
                    schema.storage_pool.c.cluster_id == schema.host.c.cluster_id,
                ),
            ),
        )
    )
    .where(
        schema.storage_pool.c.id == bindparam("pool_id"),
        schema.host.c.status == "Up",
        schema.host.c.removed.is_(None),
    )
    .order_by(schema.host.c.id)
    .limit(1)
)


def address_of(ctx: Context, host_id: int) -> Plain:
    """A host's address as plain data; `host_address` makes it whole again."""
    row = ctx.tx.first(_PLACES, host_id=host_id)
    if row is None:
        raise ResourceUnavailable("the host is gone")
    return {
        "id": row["id"],
        "uuid": row["uuid"],
        "name": row["name"],
        "url": row["url"],
        "hypervisor": row["hypervisor"],
        "details": db.details_of(ctx.tx, "Host", host_id),
        "places": {name: row[f"{name}_uuid"] for name in ("zone", "pod", "cluster") if row[f"{name}_uuid"] is not None},
    }


def host_for_pool(ctx: Context, pool_id: int) -> int | None:
    """A host that is Up and reaches a storage pool; None where there is none."""
    found = ctx.tx.scalar(_REACHES, pool_id=pool_id)
    return None if found is None else int(found)


def host_address(plain: Mapping[str, Any]) -> HostAddress:
    """The address that `address_of` took apart."""
    return HostAddress(plain["uuid"], plain["url"], plain["hypervisor"], plain["details"], plain["places"])


def machine_of(ctx: Context, row: Row) -> Plain:
    """A machine as plain data, as its host needs it."""
    disks = db.volumes_of(ctx.tx, row["id"])
    cards = db.nics_of(ctx.tx, row["id"])
    if row["type"] != "User":
        cards = [*cards, *system_network.cards(ctx, row["id"], len(cards))]
    parts = None
    if row["type"] == router.TYPE:
        parts = router_parts.of_network(ctx, access.row(ctx, NETWORK, row["network_id"]))
    os = access.row(ctx, GUEST_OS, row["guest_os_id"])
    zone = ctx.tx.first(_ZONE, zone_id=row["zone_id"]) or {}
    details = db.details_of(ctx.tx, "UserVm", row["id"])
    root, data = vm_image.buses(row, os["name"], details)
    return {
        "uuid": row["uuid"],
        "name": row["instance_name"],
        "hostname": row["name"],
        "cpus": row["cpu"],
        "speed": row["speed"],
        "memory": row["memory"] * MIB,
        "os": os["name"],
        "arch": row["arch"] or "x86_64",
        "boot_type": row["boot_type"],
        "boot_mode": row["boot_mode"],
        "userdata": row["userdata"],
        "ssh_public_key": row["ssh_public_key"],
        "details": details,
        "iso": vm_image.iso_of(ctx, row),
        "disks": [
            {
                "id": disk["id"],
                "uuid": disk["uuid"],
                "name": disk["name"],
                "path": disk["path"],
                "pool": disk["pool_uuid"],
                "size": disk["size"],
                "device": disk["device_id"],
                "type": disk["type"],
                "template": disk["template_uuid"],
                "bus": root if disk["type"] == "ROOT" else data,
                **vm_image.file_of(ctx, row, disk),
            }
            for disk in disks
        ],
        "nics": [card_of(card, zone) for card in cards],
        "router": parts,
    }


def card_of(card: Row, zone: Row) -> Plain:
    """A network card as plain data, as the host of its machine needs it; `nic_spec` makes it whole again."""
    return {
        "uuid": card["uuid"],
        "mac": card["mac"],
        "ip": card["ip"],
        "netmask": card["netmask"],
        "gateway": card["gateway"],
        "broadcast_uri": card["broadcast_uri"],
        "device": card["device_id"],
        "default": card["is_default"],
        "dns": [text for text in (zone.get("dns1"), zone.get("dns2")) if text],
    }


def nic_spec(card: Mapping[str, Any]) -> NicSpec:
    """The card that `card_of` took apart."""
    return NicSpec(**{**card, "dns": tuple(card["dns"])})


_ZONE = select(schema.zone).where(schema.zone.c.id == bindparam("zone_id"))


def spec_of(plain: Plain, paths: Mapping[str, str], security: Plain | None = None) -> MachineSpec:
    """The specification that `machine_of` took apart; `paths` of new volumes by uuid, `security` rules of its groups."""
    parts = dict(plain)
    if security is not None:
        parts["security"] = securitygroup_apply.spec(security)
    if plain.get("router") is not None:
        parts["router"] = router_parts.spec(plain["router"])
    parts["disks"] = tuple(
        DiskSpec(
            disk["uuid"],
            disk["path"] or paths[disk["uuid"]],
            disk["pool"],
            disk["size"],
            disk["device"],
            disk["type"],
            disk.get("bus", "virtio"),
        )
        for disk in plain["disks"]
    )
    if parts.get("iso"):
        parts["iso"] = IsoSpec(**parts["iso"])
    parts["nics"] = tuple(nic_spec(card) for card in plain["nics"])
    return MachineSpec(**parts)


def living(ctx: Context, vm_id: int) -> Row:
    """The row of a machine that is not removed. Raises `InvalidValue`."""
    row = ctx.tx.first(VIRTUAL_MACHINE.by_id, row_id=vm_id)
    if row is None or row["removed"] is not None:
        raise InvalidValue("the virtual machine is gone")
    return row


def result(ctx: Context, vm_id: int, noun: str | None = None) -> Plain:
    """The job result every operation on a machine ends with; `noun`: as what it is shown, where not as what it is."""
    noun = noun or _PRESENTED.get(living(ctx, vm_id)["type"], "virtualmachine")
    return {noun: ctx.present(noun, vm_id)[0]}


_PRESENTED = {"ConsoleProxy": "systemvm", "SecondaryStorageVm": "systemvm", "DomainRouter": "router"}
