"""Addresses of shared networks: each is a row of a range of the network, given to one machine at a time.

In a basic zone every pod has ranges of its own: a machine's address there is known only when its pod is.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import bindparam, select

from cloudsim.allocators.base import Request
from cloudsim.core.errors import InsufficientAddresses, InvalidValue, ResourceInUse
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.services import access, publicip_pool, usage
from cloudsim.services.context import Context
from cloudsim.services.nouns import ZONE

network, nic, vlan, public_ip = schema.network, schema.nic, schema.vlan, schema.public_ip
SECURITY_GROUP = "SecurityGroup"

_RANGES = (
    select(vlan)
    .where(vlan.c.network_id == bindparam("network_id"), vlan.c.removed.is_(None))
    .order_by(vlan.c.id)
)  # fmt: skip
_FREE = (
    select(public_ip)
    .where(public_ip.c.vlan_id == bindparam("vlan_id"), public_ip.c.state == "Free")
    .order_by(public_ip.c.id)
    .limit(1)
)
_NAMED = (
    select(public_ip, vlan.c.pod_id, vlan.c.gateway, vlan.c.netmask, vlan.c.tag)
    .select_from(public_ip.join(vlan, public_ip.c.vlan_id == vlan.c.id))
    .where(
        vlan.c.network_id == bindparam("network_id"),
        vlan.c.removed.is_(None),
        public_ip.c.address == bindparam("address"),
    )
)
_CARD = select(nic.c.id).where(
    nic.c.network_id == bindparam("network_id"), nic.c.ip == bindparam("ip"), nic.c.removed.is_(None)
)
_GIVEN = (
    select(public_ip.c.address)
    .where(any_of(public_ip.c.vlan_id, "ids"), public_ip.c.state != "Free", public_ip.c.state != "Reserved")
    .limit(1)
)
_ADDRESSES = select(public_ip.c.id).where(any_of(public_ip.c.vlan_id, "ids"))
_OF_ZONE = (
    select(network, schema.network_offering.c.services.label("offered"))
    .select_from(network.join(schema.network_offering, network.c.offering_id == schema.network_offering.c.id))
    .where(
        network.c.zone_id == bindparam("zone_id"),
        network.c.guest_type == "Shared",
        network.c.traffic_type == "Guest",
        network.c.removed.is_(None),
    )
    .order_by(network.c.id)
)
_HOSTS = select(schema.host.c.id, schema.host.c.pod_id).where(
    schema.host.c.zone_id == bindparam("zone_id"), schema.host.c.removed.is_(None)
)


def secured(offered: Sequence[dict[str, Any]]) -> bool:
    """Whether the services of a network offering have security groups among them."""
    return any(service["name"] == SECURITY_GROUP for service in offered)


def ranges(ctx: Context, network_id: int) -> list[Row]:
    """The ranges of a network."""
    return ctx.tx.all(_RANGES, network_id=network_id)


def of_zone(ctx: Context, zone: Row) -> list[Row]:
    """The networks that a zone's machines are in where none is named: with security groups in an advanced zone."""
    found = ctx.tx.all(_OF_ZONE, zone_id=zone["id"])
    return found if zone["network_type"] == "Basic" else [row for row in found if secured(row["offered"])]


def by_default(zone: Row) -> bool:
    """Whether machines of a zone are in shared networks where none is named."""
    return bool(zone["network_type"] == "Basic" or zone["security_groups"])


def has_free(ctx: Context, network_id: int) -> bool:
    """Whether an address of a network is free."""
    return any(ctx.tx.first(_FREE, vlan_id=part["id"]) is not None for part in ranges(ctx, network_id))


def take(
    ctx: Context,
    found: Row,
    owner: Row,
    *,
    wanted: str | None = None,
    pod_id: int | None = None,
    system: bool = False,
) -> Row:
    """Gives a machine an address of a network: `wanted`, or the first that is free (of the pod's ranges, in a pod).

    Answers the address with ``gateway``, ``netmask`` and ``tag`` of its range. Raises `InvalidValue`,
    `InsufficientAddresses`.
    """
    row = _wanted(ctx, found, wanted, system) if wanted is not None else _first(ctx, found, pod_id)
    ctx.tx.update(
        public_ip,
        {"id": row["id"]},
        state="Allocated",
        account_id=owner["account_id"],
        domain_id=owner["domain_id"],
        is_system=system,
        allocated=ctx.now,
    )
    if not system:
        usage.begin(
            ctx,
            usage.IP_ADDRESS,
            "public_ip",
            {**owner, "id": row["id"], "uuid": row["uuid"], "name": row["address"], "zone_id": found["zone_id"]},
            network_id=found["id"],
        )
    return row


def _first(ctx: Context, found: Row, pod_id: int | None) -> Row:
    for part in ranges(ctx, found["id"]):
        if pod_id is None or part["pod_id"] == pod_id:
            row = ctx.tx.first(_FREE, vlan_id=part["id"])
            if row is not None:
                return {**row, **{name: part[name] for name in ("pod_id", "gateway", "netmask", "tag")}}
    where = "" if pod_id is None else " in the pod"
    raise InsufficientAddresses(f"network {found['name']} has no free address left{where}")


def check(ctx: Context, found: Row, wanted: str) -> None:
    """Raises `InvalidValue` where an address is not free, or in no range of a network."""
    _wanted(ctx, found, wanted, False)


def _wanted(ctx: Context, found: Row, wanted: str, system: bool) -> Row:
    try:
        address = str(ipaddress.IPv4Address(wanted))
    except ValueError:
        raise InvalidValue(f"'{wanted[:64]}' is not an IPv4 address") from None
    row = ctx.tx.first(_NAMED, network_id=found["id"], address=address)
    if row is None:
        raise InvalidValue(f"{address} is in no range of network {found['name']}")
    if (
        row["state"] not in (("Free", "Reserved") if system else ("Free",))
        or ctx.tx.scalar(_CARD, network_id=found["id"], ip=address) is not None
    ):
        raise InvalidValue(f"{address} is in use in network {found['name']}")
    return row


def release(ctx: Context, network_id: int, address: str | None) -> None:
    """Takes an address back; None, or one that is in no range, is fine."""
    if address is None:
        return
    row = ctx.tx.first(_NAMED, network_id=network_id, address=address)
    if row is not None:
        free(ctx, row["id"])


def reserve(ctx: Context, found: Row) -> None:
    """Keeps the address that a network's router was given at its making (``routerip``), while no router has it."""
    row = ctx.tx.first(_NAMED, network_id=found["id"], address=found["router_ip"]) if found["router_ip"] else None
    if row is not None and row["state"] == "Free":
        ctx.tx.update(public_ip, {"id": row["id"]}, state="Reserved")


def free(ctx: Context, address_id: int) -> None:
    """Takes an address back by its row."""
    usage.end(ctx, "public_ip", address_id)
    ctx.tx.update(
        public_ip,
        {"id": address_id},
        state="Free",
        account_id=None,
        domain_id=None,
        is_system=False,
        allocated=None,
    )


def card(ctx: Context, found: Row, owner: Row, wanted: str | None, *, system: bool = False) -> dict[str, str | None]:
    """Address, netmask and gateway of a new card; in a basic zone it has none before its pod is known."""
    zone = access.row(ctx, ZONE, found["zone_id"])
    if zone["network_type"] == "Basic" and wanted is None:
        return {"ip": None, "netmask": None, "gateway": None}
    row = take(ctx, found, owner, wanted=wanted, system=system)
    return {"ip": row["address"], "netmask": row["netmask"], "gateway": row["gateway"]}


# -- pods


def within_pods(ctx: Context, row: Row, cards: Sequence[Row], request: Request, *, stay: bool = False) -> Request:
    """Keeps a machine that is placed off the pods in which one of its networks has no address for it.

    A machine that was asked for with an address is first tried where that address is; with `stay` it keeps the
    addresses it has. Raises `InsufficientAddresses` where no pod has one.
    """
    for one in cards:
        parts = [part for part in ranges(ctx, one["network_id"]) if one["guest_type"] == "Shared"]
        if not any(part["pod_id"] is not None for part in parts):
            continue
        held = ctx.tx.first(_NAMED, network_id=one["network_id"], address=one["ip"]) if one["ip"] else None
        asked = row["last_host_id"] is None and row["state"] != "Starting"
        if held is not None and (stay or asked):
            fit = {held["pod_id"]}
        else:
            fit = {part["pod_id"] for part in parts if ctx.tx.first(_FREE, vlan_id=part["id"]) is not None}
            fit |= {held["pod_id"]} if held is not None else set()
        request = _only(ctx, row, request, fit, one["network_name"])
    return request


def only_pods_with_addresses(ctx: Context, row: Row, found: Row, request: Request) -> Request:
    """Keeps one of the cloud's own machines off the pods in which a network has no free address."""
    parts = ranges(ctx, found["id"])
    if not any(part["pod_id"] is not None for part in parts):
        return request
    fit = {part["pod_id"] for part in parts if ctx.tx.first(_FREE, vlan_id=part["id"]) is not None}
    return _only(ctx, row, request, fit, found["name"])


def _only(ctx: Context, row: Row, request: Request, fit: set[int], name: str) -> Request:
    if not fit:
        raise InsufficientAddresses(f"network {name} has no free address left")
    reason = f"network {name} has no free address in its pod"
    away = {
        one["id"]: reason for one in ctx.tx.all(_HOSTS, zone_id=row["zone_id"]) if one["pod_id"] not in fit
    }  # fmt: skip
    return replace(request, avoid={**away, **request.avoid})


def settle(ctx: Context, row: Row, one: Row, found: Row, pod_id: int) -> None:
    """Gives a card the address of the pod that its machine was placed in, where it has none of that pod."""
    parts = ranges(ctx, found["id"])
    if not any(part["pod_id"] is not None for part in parts):
        return
    if one["ip"] is not None:
        held = ctx.tx.first(_NAMED, network_id=found["id"], address=one["ip"])
        if held is not None and held["pod_id"] == pod_id:
            return
        release(ctx, found["id"], one["ip"])
    made = take(ctx, found, row, pod_id=pod_id, system=row["type"] != "User")
    ctx.tx.update(nic, {"id": one["id"]}, ip=made["address"], netmask=made["netmask"], gateway=made["gateway"])
    if one["ip"] is not None:
        ctx.tx.update(
            public_ip, {"vm_id": row["id"], "network_id": found["id"], "vm_ip": one["ip"]}, vm_ip=made["address"]
        )


# -- the end


def drop(ctx: Context, found: Row) -> None:
    """Removes the ranges of a network that goes. Raises `ResourceInUse` while an address is given away."""
    ids = [part["id"] for part in ranges(ctx, found["id"])]
    given = ctx.tx.first(_GIVEN, ids=ids)
    if given is not None:
        raise ResourceInUse(f"address {given['address']} of network {found['name']} is given away")
    publicip_pool.forget(ctx, [row["id"] for row in ctx.tx.all(_ADDRESSES, ids=ids)])
    ctx.tx.update(vlan, {"network_id": found["id"]}, removed=ctx.now)
