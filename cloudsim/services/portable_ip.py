"""Portable addresses given to networks, and taken along from one to another.

One that is given away is a public address of the network's zone, of a range that stands there for the portable one; both
go when it comes back.
"""

from __future__ import annotations

from sqlalchemy import bindparam, select

from cloudsim.core.errors import InsufficientAddresses, InvalidValue
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.services import access, publicip_pool, region
from cloudsim.services.context import Context
from cloudsim.services.nouns import PUBLIC_IP

portable, ranges, public_ip, vlan = schema.portable_ip, schema.portable_range, schema.public_ip, schema.vlan

_IN_REGION = portable.join(ranges, portable.c.range_id == ranges.c.id)
_FREE = (
    select(portable)
    .select_from(_IN_REGION)
    .where(ranges.c.region == bindparam("region"), ranges.c.removed.is_(None), portable.c.state == "Free")
    .order_by(portable.c.id)
    .limit(1)
)
_NAMED = (
    select(portable)
    .select_from(_IN_REGION)
    .where(
        ranges.c.region == bindparam("region"),
        ranges.c.removed.is_(None),
        portable.c.address == bindparam("address"),
    )
)
_RANGE = select(ranges).where(ranges.c.id == bindparam("range_id"))
_STANDS = select(vlan).where(
    vlan.c.zone_id == bindparam("zone_id"),
    vlan.c.portable_range_id == bindparam("range_id"),
    vlan.c.removed.is_(None),
)
_STAND = select(vlan.c.portable_range_id, vlan.c.physical_network_id).where(vlan.c.id == bindparam("vlan_id"))
_PUBLIC = (
    select(schema.physical_network.c.id)
    .select_from(
        schema.physical_network.join(
            schema.traffic_type, schema.traffic_type.c.physical_network_id == schema.physical_network.c.id
        )
    )
    .where(
        schema.physical_network.c.zone_id == bindparam("zone_id"),
        schema.physical_network.c.removed.is_(None),
        schema.traffic_type.c.type == "Public",
        schema.traffic_type.c.removed.is_(None),
    )
    .order_by(schema.physical_network.c.id)
)


def take(ctx: Context, region_id: int, zone: Row, wanted: str | None) -> Row:
    """A free portable address of a region, `wanted` or the first, as a free public address of a zone.

    Raises `InvalidValue`, `InsufficientAddresses`.
    """
    region.found(ctx, region_id)
    if wanted is not None:
        found = ctx.tx.first(_NAMED, region=region_id, address=wanted)
        if found is None:
            raise InvalidValue(f"{wanted} is not a portable address of region {region_id}")
        if found["state"] != "Free":
            raise InvalidValue(f"portable address {wanted} is in use")
    else:
        found = ctx.tx.first(_FREE, region=region_id)
        if found is None:
            raise InsufficientAddresses(f"no portable address of region {region_id} is free")
    made = ctx.tx.insert(
        public_ip,
        uuid=ctx.uuid(),
        created=ctx.now,
        removed=None,
        address=found["address"],
        zone_id=zone["id"],
        vlan_id=_range_in(ctx, zone, found["range_id"]),
        state="Free",
        account_id=None,
        domain_id=None,
        network_id=None,
        source_nat=False,
        static_nat=False,
        is_system=False,
        is_portable=True,
        display=True,
        allocated=None,
        vm_id=None,
        vm_ip=None,
    )
    return access.row(ctx, PUBLIC_IP, made)


def _range_in(ctx: Context, zone: Row, range_id: int) -> int:
    """What stands in a zone for a portable range; made where nothing does."""
    there = ctx.tx.first(_STANDS, zone_id=zone["id"], range_id=range_id)
    if there is not None:
        return int(there["id"])
    physical = ctx.tx.scalar(_PUBLIC, zone_id=zone["id"])
    if physical is None:
        raise InvalidValue(f"no physical network of zone {zone['name']} carries public traffic")
    row = ctx.tx.first(_RANGE, range_id=range_id) or {}
    return ctx.tx.insert(
        vlan,
        uuid=ctx.uuid(),
        created=ctx.now,
        removed=None,
        zone_id=zone["id"],
        pod_id=None,
        physical_network_id=physical,
        network_id=None,
        type="VirtualNetwork",
        **{name: row[name] for name in ("tag", "gateway", "netmask", "start", "end")},
        for_system_vms=False,
        account_id=None,
        domain_id=None,
        portable_range_id=range_id,
    )


def told(ctx: Context, address: Row, network: Row | None) -> None:
    """The portable range shows who has an address, and where."""
    range_id, physical = _where(ctx, address)
    ctx.tx.update(
        portable,
        {"range_id": range_id, "address": address["address"]},
        state="Allocated",
        account_id=address["account_id"],
        domain_id=address["domain_id"],
        zone_id=address["zone_id"],
        physical_network_id=physical,
        network_id=network["id"] if network is not None else None,
        allocated=address["allocated"],
    )


def _where(ctx: Context, address: Row) -> tuple[int, int]:
    row = ctx.tx.first(_STAND, vlan_id=address["vlan_id"]) or {}
    return row["portable_range_id"], row["physical_network_id"]


def transfer(ctx: Context, address: Row, network: Row, zone: Row) -> Row:
    """Takes a portable address without rules along to another network, perhaps of another zone; answers its row."""
    vlan_id = _range_in(ctx, zone, _where(ctx, address)[0])
    changed = {"zone_id": zone["id"], "vlan_id": vlan_id, "network_id": network["id"]}
    ctx.tx.update(public_ip, {"id": address["id"]}, **changed)
    made = {**address, **changed}
    if vlan_id != address["vlan_id"]:
        publicip_pool.leave_zone(ctx, address["vlan_id"])
    told(ctx, made, network)
    ctx.event(
        "PORTABLE.IP.TRANSFER",
        f"portable address {address['address']} went to network {network['name']}",
        resource=("IpAddress", address["uuid"]),
        account_id=address["account_id"],
        domain_id=address["domain_id"],
    )
    return made


__all__ = ["take", "told", "transfer"]
