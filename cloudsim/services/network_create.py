"""Networks made as an API caller asks for them."""

from __future__ import annotations

import ipaddress

from sqlalchemy import Integer, bindparam, select

from cloudsim.core.errors import InvalidValue, PermissionDenied
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.services import (
    access,
    dedication,
    guest_network,
    guest_range,
    guest_vlan,
    network,
    network_orders,
    router,
    shared_network,
)
from cloudsim.services.addressing import ip
from cloudsim.services.context import Context
from cloudsim.services.nouns import DOMAIN

table = schema.network

_VLAN_TAKEN = select(table.c.id).where(
    table.c.zone_id == bindparam("zone_id"), table.c.vlan == bindparam("vlan", type_=Integer), table.c.removed.is_(None)
)


def create(
    ctx: Context,
    *,
    account: Row,
    domain: Row | None,
    zone: Row,
    offered: Row,
    physical: Row | None,
    name: str,
    display_text: str | None,
    gateway: str | None,
    netmask: str | None,
    start: str | None,
    end: str | None,
    vlan: str | None,
    bypass_overlap: bool,
    network_domain: str | None,
    acl_type: str | None,
    subdomain_access: bool | None,
    display: bool,
    dns1: str | None,
    dns2: str | None,
    public_mtu: int | None,
    private_mtu: int | None,
    hide_address_usage: bool,
    external_id: str | None,
    source_nat: str | None,
    router_ip: str | None = None,
) -> Row:
    """Makes a network as an API caller asks for it; answers its row. Raises `InvalidValue`, `PermissionDenied`.

    `domain`: whose a network for a whole domain is, where it is not the account's.
    """
    kind, admin = offered["guest_type"], ctx.caller.is_admin
    if offered["state"] != "Enabled":
        raise InvalidValue(f"network offering {offered['name']} is not enabled")
    if offered["traffic_type"] != "Guest":
        raise InvalidValue(f"network offering {offered['name']} is not for guest networks")
    if offered["for_vpc"]:
        raise InvalidValue(f"network offering {offered['name']} is for tiers of VPCs")
    if offered["zone_ids"] and zone["uuid"] not in offered["zone_ids"]:
        raise InvalidValue(f"network offering {offered['name']} is not available in zone {zone['name']}")
    if zone["allocation_state"] != "Enabled" and not admin:
        raise PermissionDenied(f"zone {zone['name']} is disabled")
    dedication.check_zone(ctx, zone, account)
    if physical is not None and physical["zone_id"] != zone["id"]:
        raise InvalidValue(f"physical network {physical['name']} is in another zone")
    if kind == "Shared" and not admin:
        raise PermissionDenied("shared networks are for root admins to make")
    if acl_type is not None and kind != "Shared" and acl_type == "Domain":
        raise InvalidValue("only shared networks can be for a whole domain")
    basic = zone["network_type"] == "Basic"
    if kind == "Shared" and not basic and not (gateway and netmask and start):
        raise InvalidValue("a shared network needs gateway, netmask, startip and endip")
    if kind == "L2" and (gateway or netmask or start):
        raise InvalidValue("an L2 network has no addresses: leave gateway, netmask, startip and endip out")
    if kind == "Isolated" and start and "SourceNat" in {service["name"] for service in offered["services"]}:
        raise InvalidValue("a network with source NAT gives addresses itself: leave startip and endip out")
    if bool(gateway) != bool(netmask):
        raise InvalidValue("gateway and netmask go together: give both or none")
    gateway, start, end = ip(gateway, "gateway"), ip(start, "startip"), ip(end, "endip") or ip(start, "startip")
    _check_range(gateway, netmask, start, end)
    router_ip = _router_ip(router_ip, kind, start, end)
    number = None if basic else _vlan_number(ctx, zone, offered, vlan, bypass_overlap)
    if number is not None:
        guest_vlan.check_number(ctx, zone, account, number)
    if kind == "Shared" or shared_network.by_default(zone):
        tagged = vlan if (vlan or "untagged").lower() != "untagged" else None
        physical = guest_network.check(ctx, zone, offered, physical, acl_type, gateway or start or tagged)
    made = network.create(
        ctx,
        account=account,
        domain=domain or access.row(ctx, DOMAIN, account["domain_id"]),
        zone=zone,
        offering=offered,
        name=name,
        display_text=display_text or name,
        gateway=gateway,
        netmask=netmask,
        network_domain=network_orders.check_domain(network_domain),
        physical=physical,
        acl_type=acl_type or ("Domain" if kind == "Shared" else "Account"),
        display=display,
        subdomain_access=subdomain_access is not False,
        dns1=ip(dns1, "dns1"),
        dns2=ip(dns2, "dns2"),
        public_mtu=network_orders.mtu(ctx, public_mtu, "public", zone),
        private_mtu=network_orders.mtu(ctx, private_mtu, "private", zone),
        vlan_number=number,
        router_ip=router_ip,
    )
    if number is not None:
        guest_vlan.claim(ctx, made, number)
    if kind == "Shared" and start is not None:
        guest_range.create(
            ctx, zone=zone, network=made, physical=None, pod=None, gateway=gateway, netmask=netmask, start=start,
            end=end, tag=None,
        )  # fmt: skip
        shared_network.reserve(ctx, made)
    elif start is not None:
        ctx.tx.insert(
            schema.vlan,
            uuid=ctx.uuid(),
            created=ctx.now,
            removed=None,
            zone_id=zone["id"],
            pod_id=None,
            physical_network_id=made["physical_network_id"],
            network_id=made["id"],
            type="DirectAttached",
            tag=str(number) if number is not None else "untagged",
            gateway=gateway,
            netmask=netmask,
            start=start,
            end=end,
            for_system_vms=False,
            account_id=None,
            domain_id=None,
        )
    if hide_address_usage:
        network_orders.detail(ctx, made["id"], "hideIpAddressUsage", "true")
    if external_id:
        network_orders.detail(ctx, made["id"], "externalid", external_id)
    if source_nat is not None:
        network_orders.choose_source_nat(ctx, made, source_nat)
    if offered["is_persistent"]:
        made = network.implement(ctx, made)
        router.provide(ctx, made)
    return made


def _check_range(gateway: str | None, netmask: str | None, start: str | None, end: str | None) -> None:
    if gateway is None or netmask is None:
        return
    try:
        cidr = ipaddress.IPv4Network(f"{gateway}/{netmask}", strict=False)
    except ValueError:
        raise InvalidValue(f"'{netmask[:64]}' is not a netmask") from None
    if cidr.prefixlen > 30:
        raise InvalidValue(f"{cidr} has no room for machines")
    if ipaddress.IPv4Address(gateway) in (cidr.network_address, cidr.broadcast_address):
        raise InvalidValue(f"gateway {gateway} is the first or last address of {cidr}")
    if start is None or end is None:
        return
    first, last = ipaddress.IPv4Address(start), ipaddress.IPv4Address(end)
    if first > last or first not in cidr or last not in cidr:
        raise InvalidValue(f"startip to endip is a range within {cidr}")
    if first <= ipaddress.IPv4Address(gateway) <= last:
        raise InvalidValue("the gateway lies between startip and endip")


def _router_ip(text: str | None, kind: str, start: str | None, end: str | None) -> str | None:
    if text is None:
        return None
    if kind != "Shared" or start is None or end is None:
        raise InvalidValue(
            "routerip is for shared networks with a range: the router of another takes its gateway address"
        )
    parsed = ipaddress.IPv4Address(ip(text, "routerip") or "")
    if not ipaddress.IPv4Address(start) <= parsed <= ipaddress.IPv4Address(end):
        raise InvalidValue(f"routerip is one of the addresses from startip {start} to endip {end}")
    return str(parsed)


def _vlan_number(ctx: Context, zone: Row, offered: Row, vlan: str | None, bypass: bool) -> int | None:
    if vlan is None or vlan.lower() == "untagged":
        if vlan is None and offered["specify_vlan"]:
            raise InvalidValue(f"network offering {offered['name']} needs a vlan")
        return None
    if not ctx.caller.is_admin:
        raise PermissionDenied("a vlan is for root admins to choose")
    if not offered["specify_vlan"]:
        raise InvalidValue(f"network offering {offered['name']} chooses the VLAN itself: leave vlan out")
    text = vlan.lower().removeprefix("vlan://")
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 4094:
        raise InvalidValue(f"vlan takes a number from 1 to 4094, not '{vlan[:64]}'")
    if not bypass and ctx.tx.scalar(_VLAN_TAKEN, zone_id=zone["id"], vlan=int(text)) is not None:
        raise InvalidValue(f"VLAN {text} is in use by another network of zone {zone['name']}")
    return int(text)
