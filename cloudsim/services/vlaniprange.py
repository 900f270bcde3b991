"""Ranges of addresses: listing, changing, removing; making those of public addresses (others: `guest_range`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, func, select

from cloudsim.core.errors import InvalidValue, ResourceInUse
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.services import access, address_plan, addressing, publicip_pool
from cloudsim.services.context import Context
from cloudsim.services.listing import Listing, equals
from cloudsim.services.nouns import VLAN_RANGE

vlan, public_ip, physical = schema.vlan, schema.public_ip, schema.physical_network
#: How many addresses one range may have.
MOST = 65_536

LISTING = Listing(
    vlan,
    filters={
        "id": equals(vlan.c.id, "id"),
        "zone": equals(vlan.c.zone_id, "zone"),
        "pod": equals(vlan.c.pod_id, "pod"),
        "physical": equals(vlan.c.physical_network_id, "physical"),
        "network": equals(vlan.c.network_id, "network"),
        "type": equals(vlan.c.type, "type"),
        "tag": equals(vlan.c.tag, "tag"),
        "account": equals(vlan.c.account_id, "account"),
        "domain": equals(vlan.c.domain_id, "domain"),
        "none": vlan.c.id < 0,
    },
    base=(vlan.c.portable_range_id.is_(None),),
    keyword=(vlan.c.tag, vlan.c.gateway, vlan.c.start),
)
_ROWS = (
    select(
        vlan,
        schema.zone.c.uuid.label("zone_uuid"),
        schema.pod.c.uuid.label("pod_uuid"),
        schema.pod.c.name.label("pod_name"),
        physical.c.uuid.label("physical_uuid"),
        schema.network.c.uuid.label("network_uuid"),
        schema.account.c.name.label("account_name"),
        schema.account.c.project_uuid,
        schema.account.c.project_name,
        schema.domain.c.uuid.label("domain_uuid"),
        schema.domain.c.name.label("domain_name"),
        schema.domain.c.path.label("domain_path"),
    )
    .select_from(
        vlan.join(schema.zone, vlan.c.zone_id == schema.zone.c.id)
        .join(physical, vlan.c.physical_network_id == physical.c.id)
        .outerjoin(schema.pod, vlan.c.pod_id == schema.pod.c.id)
        .outerjoin(schema.network, vlan.c.network_id == schema.network.c.id)
        .outerjoin(schema.account, vlan.c.account_id == schema.account.c.id)
        .outerjoin(schema.domain, vlan.c.domain_id == schema.domain.c.id)
    )
    .where(any_of(vlan.c.id, "ids"))
)
_PUBLIC = (
    select(physical)
    .select_from(physical.join(schema.traffic_type, schema.traffic_type.c.physical_network_id == physical.c.id))
    .where(
        physical.c.zone_id == bindparam("zone_id"),
        physical.c.removed.is_(None),
        schema.traffic_type.c.type == "Public",
        schema.traffic_type.c.removed.is_(None),
    )
    .order_by(physical.c.id)
)
_OTHERS = select(vlan).where(
    vlan.c.zone_id == bindparam("zone_id"),
    vlan.c.id != bindparam("but"),
    vlan.c.portable_range_id.is_(None),
    vlan.c.removed.is_(None),
)
_VNET = (
    select(schema.vnet.c.vlan)
    .select_from(schema.vnet.join(physical, schema.vnet.c.physical_network_id == physical.c.id))
    .where(physical.c.zone_id == bindparam("zone_id"), physical.c.removed.is_(None))
)
_ADDRESSES = select(public_ip.c.id, public_ip.c.address, public_ip.c.state).where(
    public_ip.c.vlan_id == bindparam("vlan_id"), public_ip.c.removed.is_(None)
)
_TAKEN = select(func.count()).where(
    public_ip.c.vlan_id == bindparam("vlan_id"), public_ip.c.state != "Free", public_ip.c.removed.is_(None)
)


def page(ctx: Context, ids: Sequence[int]) -> list[Row]:
    """Ranges with their places and owners, in the order of their ids."""
    rows = {row["id"]: row for row in ctx.tx.all(_ROWS, ids=ids)}
    return [rows[row_id] for row_id in ids if row_id in rows]


def create(
    ctx: Context,
    *,
    zone: Row,
    network: Row | None,
    gateway: str | None,
    netmask: str | None,
    start: str | None,
    end: str | None,
    tag: str | None,
    system: bool,
    account: Row | None,
    domain: Row | None,
) -> int:
    """Makes a range of public addresses of a zone; answers its id. Raises `InvalidValue`.

    `network` is the physical network; the one with public traffic where it is None. `account` or `domain`: whose alone
    the range is.
    """
    if network is None:
        network = ctx.tx.first(_PUBLIC, zone_id=zone["id"])
        if network is None:
            raise InvalidValue(f"no physical network of zone {zone['name']} carries public traffic")
    elif network["zone_id"] != zone["id"]:
        raise InvalidValue(f"physical network {network['name']} is not in zone {zone['name']}")
    if gateway is None or netmask is None or start is None:
        raise InvalidValue("a range of addresses needs gateway, netmask and startip")
    if system and account is not None:
        raise InvalidValue("a range for the cloud's own machines belongs to no account")
    gateway = addressing.ip(gateway, "gateway") or ""
    found = addressing.address_range(gateway, netmask, start, end)
    stored = addressing.vlan_tag(tag)
    check(ctx, zone["id"], 0, gateway, netmask, found, stored, None)
    row_id = ctx.tx.insert(
        vlan,
        uuid=ctx.uuid(),
        created=ctx.now,
        removed=None,
        zone_id=zone["id"],
        pod_id=None,
        physical_network_id=network["id"],
        network_id=None,
        type="VirtualNetwork",
        tag=stored,
        gateway=gateway,
        netmask=str(addressing.network(gateway, netmask).netmask),
        start=str(found.start),
        end=str(found.end),
        for_system_vms=system,
        account_id=account["id"] if account else None,
        domain_id=account["domain_id"] if account else domain["id"] if domain else None,
    )
    fill(ctx, zone["id"], row_id, found.addresses())
    ctx.event("VLAN.IP.RANGE.CREATE", f"range {found} is made", resource=named(ctx, row_id))
    return row_id


def named(ctx: Context, row_id: int) -> tuple[str, str]:
    """A range as events name it."""
    return "VlanIpRange", str(access.row(ctx, VLAN_RANGE, row_id)["uuid"])


def check(
    ctx: Context,
    zone_id: int,
    but: int,
    gateway: str,
    netmask: str,
    found: addressing.Range,
    tag: str,
    network_id: int | None,
) -> None:
    """Whether a range may be beside the others of its zone (but `but`). Raises `InvalidValue`.

    Ranges of shared networks (`network_id`) matter to one another on one VLAN and in one network only.
    """
    if int(found.end) - int(found.start) >= MOST:
        raise InvalidValue(f"a range has {MOST} addresses at most")
    within = addressing.network(gateway, netmask)
    for other in ctx.tx.all(_OTHERS, zone_id=zone_id, but=but):
        if other["network_id"] != network_id and other["tag"] != tag:
            continue
        theirs = addressing.stored(other["start"], other["end"])
        if found.overlaps(theirs):
            raise InvalidValue(f"{found} overlaps the range {theirs} of the zone")
        around = addressing.network(other["gateway"], other["netmask"])
        if within.overlaps(around) and (within != around or gateway != other["gateway"]):
            raise InvalidValue(f"{within} overlaps {around} of another range, with another gateway or netmask")
        if within == around and tag != other["tag"]:
            raise InvalidValue(f"{within} is on {other['tag']} already, and not on {tag}")
    if network_id is None:  # those of other public ranges were looked at
        address_plan.check(ctx, zone_id, found, ("public", 0))
    number = addressing.tagged([tag]) if network_id is None else set()
    if number & {one["vlan"] for one in ctx.tx.all(_VNET, zone_id=zone_id)}:
        raise InvalidValue(f"{tag} belongs to the VLANs that networks of accounts get")


def fill(ctx: Context, zone_id: int, vlan_id: int, addresses: Sequence[str]) -> None:
    """Stores the addresses of a range, free."""
    ctx.tx.insert_many(
        public_ip,
        [
            {
                "uuid": ctx.uuid(),
                "created": ctx.now,
                "removed": None,
                "address": address,
                "zone_id": zone_id,
                "vlan_id": vlan_id,
                "state": "Free",
                "account_id": None,
                "domain_id": None,
                "network_id": None,
                "source_nat": False,
                "static_nat": False,
                "is_system": False,
                "is_portable": False,
                "display": True,
                "allocated": None,
            }
            for address in addresses
        ],
    )


def update(ctx: Context, row: Row, *, system: bool | None, **given: str | None) -> None:
    """Changes a range of public addresses; what is None stays. Raises `InvalidValue`, `ResourceInUse`."""
    at, mask, found = wanted(row, **given)
    check(ctx, row["zone_id"], row["id"], at, mask, found, row["tag"], None)
    change(ctx, row, at, mask, found, system)


def wanted(
    row: Row, *, gateway: str | None, netmask: str | None, start: str | None, end: str | None
) -> tuple[str, str, addressing.Range]:
    """Gateway, netmask and addresses of a range after a change. Raises `InvalidValue`."""
    at = addressing.ip(gateway, "gateway") or row["gateway"]
    mask = netmask or row["netmask"]
    return at, mask, addressing.address_range(at, mask, start or row["start"], end or row["end"])


def change(
    ctx: Context, row: Row, gateway: str, netmask: str, found: addressing.Range, system: bool | None = None
) -> None:
    """Makes a range what was checked. Raises `ResourceInUse` for addresses that are given away."""
    addresses = set(found.addresses())
    there = ctx.tx.all(_ADDRESSES, vlan_id=row["id"])
    taken = [one for one in there if one["state"] != "Free"]
    if (gateway != row["gateway"] or netmask != row["netmask"]) and taken:
        raise ResourceInUse(f"{len(taken)} addresses of the range are given away: gateway and netmask stay")
    gone = [one for one in there if one["address"] not in addresses]
    for one in gone:
        if one["state"] != "Free":
            raise ResourceInUse(f"address {one['address']} is given away and would be outside the range")
    publicip_pool.forget(ctx, [one["id"] for one in gone])
    held = {one["address"] for one in there}
    fill(ctx, row["zone_id"], row["id"], [address for address in found.addresses() if address not in held])
    changed: dict[str, Any] = {"gateway": gateway, "netmask": str(addressing.network(gateway, netmask).netmask)}
    changed.update(start=str(found.start), end=str(found.end))
    if system is not None:
        if system and (row["account_id"] is not None or row["domain_id"] is not None):
            raise InvalidValue("the range is dedicated: release it first")
        if system and taken:
            raise ResourceInUse("addresses of the range are given away: it cannot be kept for the cloud's own machines")
        changed["for_system_vms"] = system
    ctx.tx.update(vlan, {"id": row["id"]}, **changed)
    ctx.event("VLAN.IP.RANGE.UPDATE", f"range {found} is changed", resource=("VlanIpRange", row["uuid"]))


def delete(ctx: Context, row: Row) -> None:
    """Removes a range none of whose addresses is given away. Raises `ResourceInUse`."""
    taken = ctx.tx.scalar(_TAKEN, vlan_id=row["id"])
    if taken:
        raise ResourceInUse(f"{taken} addresses of the range are given away: release them first")
    publicip_pool.forget(ctx, [one["id"] for one in ctx.tx.all(_ADDRESSES, vlan_id=row["id"])])
    ctx.tx.update(vlan, {"id": row["id"]}, removed=ctx.now)
    text = f"range {row['start']}-{row['end']} is removed"
    ctx.event("VLAN.IP.RANGE.DELETE", text, resource=("VlanIpRange", row["uuid"]))


__all__ = ["LISTING", "change", "check", "create", "delete", "fill", "named", "page", "update", "wanted"]
