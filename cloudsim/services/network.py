"""Networks as virtual machines need them: which one, its addresses, and making it real on first use."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

from sqlalchemy import and_, bindparam, func, select, union_all

from cloudsim.core.errors import BadParameter, InsufficientAddresses, InvalidValue
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.services import (
    access,
    guest_network,
    guest_vlan,
    public_range,
    publicip_pool,
    resource,
    shared_network,
    usage,
)
from cloudsim.services.context import Context
from cloudsim.services.nouns import ACCOUNT, NETWORK, NETWORK_OFFERING, VIRTUAL_MACHINE

network, nic, public_ip, vlan = schema.network, schema.nic, schema.public_ip, schema.vlan
secondary = schema.nic_secondary_ip

_OF_ACCOUNT = (
    select(network)
    .where(
        network.c.account_id == bindparam("account_id"),
        network.c.zone_id == bindparam("zone_id"),
        network.c.traffic_type == "Guest",
        network.c.guest_type == "Isolated",
        network.c.removed.is_(None),
    )
    .order_by(network.c.id)
)
_OFFERING = (
    select(schema.network_offering)
    .where(
        schema.network_offering.c.removed.is_(None),
        schema.network_offering.c.state == "Enabled",
        schema.network_offering.c.guest_type == "Isolated",
        schema.network_offering.c.availability == "Required",
        schema.network_offering.c.for_vpc.is_(False),
        schema.network_offering.c.specify_vlan.is_(False),
    )
    .order_by(schema.network_offering.c.id)
)
_TAKEN = union_all(
    *(
        select(one.c.id).where(
            one.c.network_id == bindparam("network_id"), one.c.ip == bindparam("ip"), one.c.removed.is_(None)
        )
        for one in (nic, secondary)
    )
)
_ALL_TAKEN = union_all(
    *(
        select(one.c.ip).where(
            one.c.network_id == bindparam("network_id"), one.c.ip.is_not(None), one.c.removed.is_(None)
        )
        for one in (nic, secondary)
    )
)
_NEWEST_NIC = select(func.max(nic.c.id).label("newest"))
#: States of machines that need no network.
AT_REST = ("Stopped", "Destroyed", "Expunging", "Error")
#: Cards of users' machines that run or are about to.
_IN_USE = (
    select(nic.c.id)
    .select_from(nic.join(schema.vm, nic.c.vm_id == schema.vm.c.id))
    .where(
        nic.c.network_id == bindparam("network_id"),
        nic.c.removed.is_(None),
        schema.vm.c.type == "User",
        schema.vm.c.removed.is_(None),
        and_(*(schema.vm.c.state != state for state in AT_REST)),
    )
    .limit(1)
)
_MAC = select(nic.c.id).where(nic.c.mac == bindparam("mac"), nic.c.removed.is_(None))


def default_for(ctx: Context, account: Row, domain: Row, zone: Row) -> Row:
    """The network a machine gets when none is named: the account's only isolated one, made when there is none.

    In a basic zone and one with security groups it is a shared network that has an address to give.
    """
    if shared_network.by_default(zone):
        return _shared_for(ctx, account, zone)
    found = ctx.tx.all(_OF_ACCOUNT, account_id=account["id"], zone_id=zone["id"])
    if len(found) == 1:
        return found[0]
    if found:
        raise InvalidValue("the account has several isolated networks in this zone: say which with networkids")
    offering = ctx.tx.first(_OFFERING)
    if offering is None:
        raise InvalidValue("no isolated network offering is enabled and required: name a network with networkids")
    return create(
        ctx,
        account=account,
        domain=domain,
        zone=zone,
        offering=offering,
        name=f"{account['name']}-network",
        display_text=f"{account['name']}-network",
    )


def _shared_for(ctx: Context, account: Row, zone: Row) -> Row:
    usable = [found for found in shared_network.of_zone(ctx, zone) if may_use(ctx, found, account)]
    if not usable:
        raise InvalidValue(f"zone {zone['name']} has no network for its machines yet: a root admin makes one")
    for found in usable:
        if zone["network_type"] == "Basic" or shared_network.has_free(ctx, found["id"]):
            return found
    raise InsufficientAddresses(f"no shared network of zone {zone['name']} has a free address left")


def create(
    ctx: Context,
    *,
    account: Row,
    domain: Row,
    zone: Row,
    offering: Row,
    name: str,
    display_text: str,
    gateway: str | None = None,
    netmask: str | None = None,
    network_domain: str | None = None,
    physical: Row | None = None,
    acl_type: str = "Account",
    display: bool = True,
    subdomain_access: bool = True,
    dns1: str | None = None,
    dns2: str | None = None,
    public_mtu: int | None = None,
    private_mtu: int | None = None,
    vlan_number: int | None = None,
    router_ip: str | None = None,
) -> Row:
    """Makes a network (state Allocated; nothing is taken before its first machine starts); answers its row."""
    if acl_type == "Account":
        resource.check(ctx, account, {"network": 1})
    cidr = None
    if gateway is not None and netmask is not None:
        cidr = str(ipaddress.ip_network(f"{gateway}/{netmask}", strict=False))
    elif offering["guest_type"] == "Isolated":
        cidr = zone["guest_cidr"] or "10.1.1.0/24"
        parsed = ipaddress.ip_network(cidr, strict=False)
        gateway, netmask = str(parsed[1]), str(parsed.netmask)
    if physical is None:
        physical = guest_network.choose(ctx, zone, offering)
    untagged = "vlan://untagged" if offering["guest_type"] == "Shared" else None
    uuid = ctx.uuid()
    made = ctx.tx.insert(
        network,
        uuid=uuid,
        created=ctx.now,
        removed=None,
        name=name,
        display_text=display_text,
        zone_id=zone["id"],
        physical_network_id=physical["id"],
        offering_id=offering["id"],
        account_id=account["id"],
        domain_id=domain["id"],
        traffic_type=offering["traffic_type"],
        guest_type=offering["guest_type"],
        state="Setup" if vlan_number is not None or offering["guest_type"] == "Shared" else "Allocated",
        gateway=gateway,
        netmask=netmask,
        cidr=cidr,
        broadcast_uri=untagged if vlan_number is None else f"vlan://{vlan_number}",
        vlan=vlan_number,
        network_domain=network_domain or domain_suffix(ctx, account),
        acl_type=acl_type,
        subdomain_access=subdomain_access,
        restart_required=False,
        redundant=redundant(offering),
        display=display,
        is_system=False,
        specify_ip_ranges=offering["specify_ip_ranges"],
        dns1=dns1,
        dns2=dns2,
        router_ip=router_ip,
        public_mtu=public_mtu,
        private_mtu=private_mtu,
        update_count=0,
        idle_since=None,
    )
    ctx.event(
        "NETWORK.CREATE",
        f"network {name} was created",
        resource=("Network", uuid),
        account_id=account["id"],
        domain_id=domain["id"],
    )
    row = access.row(ctx, NETWORK, made)
    if row["traffic_type"] == "Guest":
        usage.begin(ctx, usage.NETWORK, "network", row, offering_id=row["offering_id"], network_id=made)
    return row


def redundant(offering: Row) -> bool:
    """Whether networks of an offering have two routers."""
    return any(
        one["name"].lower() == "redundantrouter" and str(one["value"]).lower() == "true"
        for service in offering["services"]
        for one in service.get("capability", ())
    )


def domain_suffix(ctx: Context, account: Row) -> str:
    """The DNS domain of an account's networks: the account's own, else one made from its id."""
    return (
        account["network_domain"] or f"cs{account['id']}{ctx.settings.text('guest.domain.suffix') or 'cloud.internal'}"
    )


def may_use(ctx: Context, found: Row, account: Row) -> bool:
    """Whether an account's machines may have a card in a network."""
    if found["account_id"] == account["id"]:
        return True
    if found["acl_type"] == "Domain":
        paths = access.domain_path(ctx, account["domain_id"]), access.domain_path(ctx, found["domain_id"])
        return paths[0] == paths[1] or (found["subdomain_access"] and paths[0].startswith(paths[1]))
    return False


def check_card(ctx: Context, found: Row, ip: str | None, mac: str | None) -> None:
    """Whether a card with an address, and a MAC address, of its owner's choice may be made in a network.

    Raises `InvalidValue`, and `InsufficientAddresses` where any address would do and none is free.
    """
    if mac is not None and ctx.tx.scalar(_MAC, mac=mac) is not None:
        raise InvalidValue(f"MAC address {mac} is in use")
    if found["guest_type"] != "Shared":
        address(ctx, found, ip)
    elif ip is not None:
        shared_network.check(ctx, found, ip)
    elif not shared_network.has_free(ctx, found["id"]):
        raise InsufficientAddresses(f"network {found['name']} has no free address left")


def add_card(
    ctx: Context,
    vm_id: int,
    found: Row,
    device: int,
    *,
    ip: str | None = None,
    mac: str | None = None,
    default: bool = False,
    dhcp_options: Mapping[str, str] | None = None,
    state: str = "Allocated",
) -> int:
    """Gives a machine a card in a network, with an address of its own; answers the card's id.

    Raises `InvalidValue` for an address that is not free or not in the network, `InsufficientAddresses`.
    """
    if mac is not None and ctx.tx.scalar(_MAC, mac=mac) is not None:
        raise InvalidValue(f"MAC address {mac} is in use")
    card = int(ctx.tx.scalar(_NEWEST_NIC) or 0) + 1
    owner = access.row(ctx, VIRTUAL_MACHINE, vm_id)
    if found["guest_type"] == "Shared":
        place = shared_network.card(ctx, found, owner, ip)
    else:
        place = {"ip": address(ctx, found, ip), "netmask": found["netmask"], "gateway": found["gateway"]}
    ctx.tx.insert(
        nic,
        id=card,
        uuid=ctx.uuid(),
        created=ctx.now,
        removed=None,
        vm_id=vm_id,
        network_id=found["id"],
        mac=mac or mac_address(found["zone_id"], card),
        **place,
        ip6=None,
        ip6_gateway=None,
        ip6_cidr=None,
        device_id=device,
        is_default=default,
        state=state,
        broadcast_uri=found["broadcast_uri"],
        isolation_uri=found["broadcast_uri"],
        mtu=found["private_mtu"],
        dhcp_options=dict(dhcp_options or {}),
        enabled=True,
        has_secondary=False,
        pending=None,
    )
    begin_usage(ctx, owner, card, found, default)
    return card


def begin_usage(ctx: Context, owner: Row, card: int, found: Row, default: bool) -> None:
    """A card of a machine (`owner`) uses the offering of its network from now on."""
    usage.begin(
        ctx,
        usage.NETWORK_OFFERING,
        "nic",
        {**owner, "id": card, "uuid": owner["uuid"], "name": found["name"]},
        offering_id=found["offering_id"],
        vm_id=owner["id"],
        network_id=found["id"],
        is_default=default,
    )


def mac_address(zone_id: int, card: int) -> str:
    """A MAC address of our own range (locally administered), never given twice: from the zone and the card's id."""
    return ":".join(f"{byte:02x}" for byte in (2, zone_id % 256, *card.to_bytes(4, "big")))


def address(ctx: Context, found: Row, wanted: str | None = None) -> str | None:
    """A free address of a network that is not shared: `wanted`, or one by chance.

    None in a network without addresses (L2).
    """
    if found["cidr"] is None:
        if wanted is not None:
            raise InvalidValue(f"network {found['name']} has no addresses to give")
        return None
    cidr = ipaddress.IPv4Network(found["cidr"])
    if wanted is not None:
        return _wanted(ctx, found, cidr, wanted)
    first, size = int(cidr.network_address), cidr.num_addresses
    for _ in range(12):
        candidate = str(ipaddress.IPv4Address(first + ctx.chance.randrange(1, max(2, size - 1))))
        if (
            candidate not in (found["gateway"], found["router_ip"])
            and ctx.tx.scalar(_TAKEN, network_id=found["id"], ip=candidate) is None
        ):
            return candidate
    taken = {row["ip"] for row in ctx.tx.all(_ALL_TAKEN, network_id=found["id"])}
    taken |= {found["gateway"], found["router_ip"]}
    free = [text for number in range(1, size - 1) if (text := str(ipaddress.IPv4Address(first + number))) not in taken]
    if not free:
        raise InsufficientAddresses(f"network {found['name']} ({cidr}) has no free address left")
    return ctx.chance.choice(free)


def _wanted(ctx: Context, found: Row, cidr: ipaddress.IPv4Network, wanted: str) -> str:
    try:
        parsed = ipaddress.IPv4Address(wanted)
    except ValueError:
        raise InvalidValue(f"'{wanted[:64]}' is not an IPv4 address") from None
    if parsed not in cidr or parsed in (cidr.network_address, cidr.broadcast_address):
        raise InvalidValue(f"{wanted} is not an address of network {found['name']} ({cidr})")
    if (
        str(parsed) in (found["gateway"], found["router_ip"])
        or ctx.tx.scalar(_TAKEN, network_id=found["id"], ip=str(parsed)) is not None
    ):
        raise InvalidValue(f"{wanted} is in use in network {found['name']}")
    return str(parsed)


def in_use(ctx: Context, network_id: int) -> bool:
    """Whether a machine runs in a network, or is about to."""
    return ctx.tx.scalar(_IN_USE, network_id=network_id) is not None


def implement(ctx: Context, found: Row) -> Row:
    """Makes an allocated network real: a VLAN and, where its offering has source NAT, a public address.

    Raises `InsufficientAddresses`. All in the caller's transaction: there is no state between.
    """
    if found["idle_since"] is not None:
        ctx.tx.update(network, {"id": found["id"]}, idle_since=None)
        found = {**found, "idle_since": None}
    if found["state"] not in ("Allocated", "Setup") or found["guest_type"] == "Shared":
        return found  # a shared network is as real as it gets when it is made
    values: dict[str, Any] = {"state": "Implemented", "idle_since": None}
    offering = access.row(ctx, NETWORK_OFFERING, found["offering_id"])
    if found["vlan"] is None and not offering["specify_vlan"]:
        number = guest_vlan.take(ctx, found)
        values.update(vlan=number, broadcast_uri=f"vlan://{number}")
    if any(service["name"] == "SourceNat" for service in offering["services"]):
        take_source_nat(ctx, found)
    ctx.tx.update(network, {"id": found["id"]}, **values)
    return {**found, **values}


def has_source_nat(ctx: Context, network_id: int) -> bool:
    """Whether a network has its source NAT address."""
    return ctx.tx.scalar(_SOURCE_NAT, network_id=network_id) is not None


def take_source_nat(ctx: Context, found: Row) -> None:
    """Gives a network its source NAT address, where it has none yet."""
    if has_source_nat(ctx, found["id"]):
        return
    free = public_range.free(ctx, found["zone_id"], found["account_id"], found["domain_id"])
    resource.check(ctx, access.row(ctx, ACCOUNT, found["account_id"]), {"ip": 1})
    publicip_pool.give(ctx, free, found, network=found, source_nat=True)
    ctx.event(
        "NET.IPASSIGN",
        f"public address {free['address']} was given to network {found['name']} for source NAT",
        resource=("IpAddress", free["uuid"]),
        account_id=found["account_id"],
        domain_id=found["domain_id"],
    )


_SOURCE_NAT = select(public_ip.c.id).where(
    public_ip.c.network_id == bindparam("network_id"), public_ip.c.source_nat.is_(True), public_ip.c.removed.is_(None)
)


__all__ = ["BadParameter", "add_card", "address", "create", "default_for", "implement", "may_use"]
