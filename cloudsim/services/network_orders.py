"""Networks as their owners ask for them: lists, making, changing, restarting, deleting."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Integer, and_, bindparam, func, or_, select

from cloudsim.core.errors import InvalidValue, OperationFailed, PermissionDenied
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.db.virtualmachine import DETAILS, TAGS, grouped
from cloudsim.jobs.job import Order
from cloudsim.jobs.workflow import Workflow, workflow
from cloudsim.services import (
    access,
    dedication,
    guest_network,
    guest_range,
    guest_vlan,
    network,
    public_range,
    publicip_pool,
    resource,
    router,
    router_apply,
    rules,
    shared_network,
    usage,
)
from cloudsim.services.access import Scope
from cloudsim.services.addressing import ip
from cloudsim.services.context import Context
from cloudsim.services.listing import Listing, Page, equals, equals_nocase, tags_of
from cloudsim.services.nouns import ACCOUNT, DOMAIN, NETWORK, NETWORK_OFFERING, ZONE

table, offering = schema.network, schema.network_offering

#: Whose networks a list shows (``networkfilter``).
FILTERS = ("all", "account", "domain", "accountdomain", "shared")
_OWN = table.c.account_id == bindparam("scope_account")
_GIVEN = and_(table.c.acl_type == "Domain", any_of(table.c.domain_id, "scope_domains"))

LISTING = Listing(
    table,
    source=table.join(offering, table.c.offering_id == offering.c.id),
    filters={
        "id": equals(table.c.id, "id"),
        "name": equals(table.c.name, "name"),
        "acltype": equals_nocase(table.c.acl_type, "acltype"),
        "display": equals(table.c.display, "display"),
        "system": equals(table.c.is_system, "system"),
        "offering": equals(table.c.offering_id, "offering"),
        "physical": equals(table.c.physical_network_id, "physical"),
        "restart": equals(table.c.restart_required, "restart"),
        "ranges": equals(table.c.specify_ip_ranges, "ranges"),
        "traffic": equals_nocase(table.c.traffic_type, "traffic"),
        "type": equals_nocase(table.c.guest_type, "type"),
        "vlan": equals(table.c.vlan, "vlan"),
        "zone": equals(table.c.zone_id, "zone"),
        "vpc": equals(offering.c.for_vpc, "vpc"),
        "offerings": any_of(table.c.offering_id, "offerings"),
        "guest": table.c.traffic_type == "Guest",
        "nodomain": table.c.acl_type != "Domain",
        "none": table.c.id < 0,
    },
    keyword=(table.c.name, table.c.display_text),
    owner=(table.c.account_id, table.c.domain_id),
    tag_type="Network",
    seen={"account+": or_(_OWN, _GIVEN), "given": _GIVEN},
)
_OFFERED = select(offering.c.id, offering.c.services)
_ABOVE = select(schema.domain.c.id, schema.domain.c.path)
_ROWS = (
    select(
        table,
        schema.zone.c.uuid.label("zone_uuid"),
        schema.zone.c.name.label("zone_name"),
        schema.zone.c.dns1.label("zone_dns1"),
        schema.zone.c.dns2.label("zone_dns2"),
        schema.physical_network.c.uuid.label("physical_uuid"),
        schema.account.c.name.label("account_name"),
        schema.account.c.project_uuid,
        schema.account.c.project_name,
        schema.account.c.type.label("account_type"),
        schema.domain.c.uuid.label("domain_uuid"),
        schema.domain.c.name.label("domain_name"),
        schema.domain.c.path.label("domain_path"),
        *(
            offering.c[name].label(f"offering_{name}")
            for name in (
                "uuid", "name", "display_text", "conserve_mode", "availability", "services", "specify_vlan",
                "is_persistent", "egress_default_allow", "internet_protocol", "for_vpc",
            )
        ),
    )
    .select_from(
        table.join(offering, table.c.offering_id == offering.c.id)
        .join(schema.zone, table.c.zone_id == schema.zone.c.id)
        .join(schema.account, table.c.account_id == schema.account.c.id)
        .join(schema.domain, table.c.domain_id == schema.domain.c.id)
        .outerjoin(schema.physical_network, table.c.physical_network_id == schema.physical_network.c.id)
    )
    .where(any_of(table.c.id, "ids"))
)  # fmt: skip
#: Of users' machines: a network with only its routers is empty.
_MACHINES = schema.nic.join(schema.vm, schema.nic.c.vm_id == schema.vm.c.id)
_CARDS = (
    select(func.count())
    .select_from(_MACHINES)
    .where(
        schema.nic.c.network_id == bindparam("network_id"), schema.nic.c.removed.is_(None), schema.vm.c.type == "User"
    )
)
_RUNNING = (
    select(func.count())
    .select_from(_MACHINES)
    .where(
        schema.nic.c.network_id == bindparam("network_id"),
        schema.nic.c.removed.is_(None),
        schema.vm.c.type == "User",
        or_(*(schema.vm.c.state == state for state in ("Running", "Starting", "Stopping", "Migrating"))),
    )
)
_ADDRESSES = (
    select(schema.nic.c.ip)
    .select_from(_MACHINES)
    .where(
        schema.nic.c.network_id == bindparam("network_id"),
        schema.nic.c.removed.is_(None),
        schema.nic.c.ip.is_not(None),
        schema.vm.c.type == "User",
    )
)
_VLAN_TAKEN = select(table.c.id).where(
    table.c.zone_id == bindparam("zone_id"), table.c.vlan == bindparam("vlan", type_=Integer), table.c.removed.is_(None)
)
_PUBLIC = select(schema.public_ip).where(
    schema.public_ip.c.zone_id == bindparam("zone_id"), schema.public_ip.c.address == bindparam("address")
)
_PUBLIC_OF = select(schema.public_ip).where(
    schema.public_ip.c.network_id == bindparam("network_id"), schema.public_ip.c.removed.is_(None)
)
_PHYSICAL_VNETS = select(schema.vnet).where(schema.vnet.c.network_id == bindparam("network_id"))
_DOMAIN_NAME = re.compile(r"(?=.{1,190}$)([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)(\.[A-Za-z0-9-]{1,63})*")


def search(
    ctx: Context,
    page: Page,
    scope: Scope,
    tags: dict[str, str] | None,
    *,
    which: str | None,
    services: Sequence[str],
    can_use: bool | None,
    **given: Any,
) -> tuple[list[int], int]:
    """Networks of a scope: ids of the page, and how many there are.

    An account's list also has the networks given to its domain, unless `which` (``networkfilter``) says otherwise.
    """
    which = (which or "all").lower()
    if which not in FILTERS:
        raise InvalidValue(f"networkfilter takes {', '.join(FILTERS)}, not '{which[:64]}'")
    if services:
        wanted = {service.lower() for service in services}
        rows = ctx.tx.all(_OFFERED)
        given["offerings"] = [
            row["id"] for row in rows if wanted <= {str(service["name"]).lower() for service in row["services"]}
        ]
    if can_use is False:
        given["none"] = True
    elif can_use:
        given["guest"] = True
    if which == "shared":
        given["type"] = "shared"
    if which == "account":
        given["nodomain"] = True
    elif scope.kind == "account":
        owner = access.row(ctx, ACCOUNT, scope.values["scope_account"])
        path = access.domain_path(ctx, owner["domain_id"])
        above = [row["id"] for row in ctx.tx.all(_ABOVE) if path.startswith(row["path"])]
        kind = "given" if which == "domain" else "account+"
        values = {"scope_domains": above}
        scope = Scope(kind, values if kind == "given" else {**scope.values, **values})
    return LISTING.page(ctx, given, page, scope, tags_of(tags))


def page(ctx: Context, ids: Sequence[int]) -> list[tuple[Row, list[Row], dict[str, str]]]:
    """Networks with their zones, offerings and owners; their tags and details."""
    rows = {row["id"]: row for row in ctx.tx.all(_ROWS, ids=ids)}
    tags = grouped(ctx.tx.all(TAGS, kind="Network", ids=ids), "resource_id")
    details = grouped(ctx.tx.all(DETAILS, kind="Network", ids=ids), "resource_id")
    return [
        (rows[i], tags.get(i, []), {one["name"]: one["value"] for one in details.get(i, [])}) for i in ids if i in rows
    ]


def check_domain(name: str | None) -> str | None:
    """A DNS domain of a network. Raises `InvalidValue`."""
    if name is not None and not _DOMAIN_NAME.fullmatch(name):
        raise InvalidValue(
            f"'{name[:64]}' is not a DNS domain: labels of letters, digits and hyphens, with dots between"
        )
    return name


def _mtu(ctx: Context, value: int | None, name: str, zone: Row) -> int | None:
    if value is None:
        return None
    if not ctx.caller.is_admin and not ctx.settings.flag("allow.end.users.to.specify.vr.mtu", ("Zone", zone["id"])):
        raise PermissionDenied("users may not set the MTU here (setting allow.end.users.to.specify.vr.mtu)")
    most = ctx.settings.number(f"vr.{name}.interface.max.mtu", ("Zone", zone["id"])) or 1500
    if not 68 <= value <= most:
        raise InvalidValue(f"{name}mtu is between 68 and {most} (setting vr.{name}.interface.max.mtu)")
    return value


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
        network_domain=check_domain(network_domain),
        physical=physical,
        acl_type=acl_type or ("Domain" if kind == "Shared" else "Account"),
        display=display,
        subdomain_access=subdomain_access is not False,
        dns1=ip(dns1, "dns1"),
        dns2=ip(dns2, "dns2"),
        public_mtu=_mtu(ctx, public_mtu, "public", zone),
        private_mtu=_mtu(ctx, private_mtu, "private", zone),
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
        _detail(ctx, made["id"], "hideIpAddressUsage", "true")
    if external_id:
        _detail(ctx, made["id"], "externalid", external_id)
    if source_nat is not None:
        _choose_source_nat(ctx, made, source_nat)
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


def _detail(ctx: Context, network_id: int, name: str, value: str) -> None:
    where = {"resource_type": "Network", "resource_id": network_id, "name": name}
    if ctx.tx.update(schema.detail, where, value=value) == 0:
        ctx.tx.insert(schema.detail, **where, value=value, display=True)


def _choose_source_nat(ctx: Context, found: Row, address: str) -> None:
    """Makes an address the network's source NAT address: a free one, or one that the network has already."""
    row = ctx.tx.first(_PUBLIC, zone_id=found["zone_id"], address=ip(address, "sourcenatipaddress"))
    if row is None:
        raise InvalidValue(f"{address} is not a public address of the zone")
    mine = row["network_id"] == found["id"]
    if not mine and row["state"] != "Free":
        raise InvalidValue(f"public address {address} is in use")
    if row["static_nat"]:
        raise InvalidValue(f"public address {address} is used for static NAT")
    if not mine:
        public_range.check_address(ctx, row, found["account_id"], found["domain_id"])
        resource.check(ctx, access.row(ctx, ACCOUNT, found["account_id"]), {"ip": 1})
    for other in ctx.tx.all(_PUBLIC_OF, network_id=found["id"]):
        if other["source_nat"] and other["id"] != row["id"]:
            ctx.tx.update(schema.public_ip, {"id": other["id"]}, source_nat=False)
    if mine:
        ctx.tx.update(schema.public_ip, {"id": row["id"]}, source_nat=True)
    else:
        publicip_pool.give(ctx, row, found, network=found, source_nat=True)
    router.source_nat_changed(ctx, found["id"])
    router_apply.changed(ctx, found["id"], "addresses")


# -- what is asked of a network that is there


def _order(ctx: Context, row: Row, name: str, event: str, text: str, arguments: dict[str, Any]) -> str:
    access.must_own(ctx, NETWORK, row)
    return ctx.submit(
        Order(
            command=ctx.command,
            workflow=name,
            arguments={"network_id": row["id"], **arguments},
            instance_type="Network",
            instance_uuid=row["uuid"],
            lock=f"network:{row['uuid']}",
            event=event,
            event_text=f"{text} network {row['name']}",
            account_id=row["account_id"],
            domain_id=row["domain_id"],
        )
    )


def delete(ctx: Context, row: Row, *, forced: bool) -> str:
    """Deletes a network without machines; its addresses and its VLAN become free."""
    if forced and not ctx.caller.is_admin:
        raise PermissionDenied("forced is for root admins")
    return _order(ctx, row, "network.delete", "NETWORK.DELETE", "deleting", {})


def empty(ctx: Context, network_id: int) -> list[str]:
    """Orders that the routers of a network without machines go; answers the jobs. Raises `OperationFailed`."""
    row = access.alive(ctx, NETWORK, network_id)
    cards = ctx.tx.scalar(_CARDS, network_id=network_id)
    if cards:
        raise OperationFailed(f"network {row['name']} has {cards} virtual machine(s): destroy and expunge them first")
    return router.remove_all(ctx, network_id)


def deleted(ctx: Context, network_id: int) -> dict[str, Any]:
    """Deletes a network that is empty, with its addresses and its VLAN. Raises `OperationFailed`."""
    row = access.alive(ctx, NETWORK, network_id)
    if ctx.tx.scalar(_CARDS, network_id=network_id):
        raise OperationFailed(f"network {row['name']} got a virtual machine meanwhile")
    left = router.of_network(ctx, network_id)
    if left:
        raise OperationFailed(f"router {left[0]['name']} of network {row['name']} could not be removed: see its job")
    rules.of_network_gone(ctx, network_id)
    for address in ctx.tx.all(_PUBLIC_OF, network_id=network_id):
        publicip_pool.free(ctx, address)
    shared_network.drop(ctx, row)
    for vnet in ctx.tx.all(_PHYSICAL_VNETS, network_id=network_id):
        ctx.tx.update(schema.vnet, {"id": vnet["id"]}, network_id=None, taken=None)
    ctx.tx.update(table, {"id": network_id}, removed=ctx.now, state="Destroy")
    usage.end(ctx, "network", network_id)
    return {"success": True}


@workflow("network.delete")
async def _delete(wf: Workflow[Context], network_id: int) -> None:
    await wf.ended(await wf.step("emptying", empty, network_id))
    await wf.finish(deleted, network_id)


def restart(ctx: Context, row: Row, *, cleanup: bool, redundant: bool, live: bool) -> str:
    """Makes an implemented network anew: what it needs and has lost is given to it again.

    `cleanup`: its routers are made anew; `redundant`: and there are two from then on; `live`: they are only patched.
    """
    if redundant and not _can_be_redundant(ctx, row):
        raise InvalidValue("only the router of an isolated network with source NAT can get a second one beside it")
    if live and (cleanup or redundant):
        raise InvalidValue("livepatch leaves the routers where they are: leave cleanup and makeredundant out")
    arguments = {"cleanup": cleanup or redundant, "redundant": redundant, "live": live}
    return _order(ctx, row, "network.restart", "NETWORK.RESTART", "restarting", arguments)


def _can_be_redundant(ctx: Context, row: Row) -> bool:
    offered = _offering_of(ctx, row)
    nat = any(service["name"] == "SourceNat" for service in offered["services"])
    return row["guest_type"] == "Isolated" and nat and router.served(offered)


def _restarting(ctx: Context, network_id: int, cleanup: bool, redundant: bool, live: bool) -> list[str]:
    row = access.alive(ctx, NETWORK, network_id)
    if row["state"] not in ("Implemented", "Setup"):
        raise InvalidValue(f"network {row['name']} is {row['state']}: only one that is in use can be restarted")
    if any(service["name"] == "SourceNat" for service in _offering_of(ctx, row)["services"]):
        network.take_source_nat(ctx, row)
        router.source_nat_changed(ctx, network_id)
    if redundant:
        ctx.tx.update(table, {"id": network_id}, redundant=True)
    if live:
        router.patch_all(ctx, network_id)
        return []
    return router.remove_all(ctx, network_id) if cleanup else router_apply.changed_all(ctx, network_id)


def _restarted(ctx: Context, network_id: int, told: Sequence[str] = ()) -> dict[str, Any]:
    access.alive(ctx, NETWORK, network_id)
    router_apply.check(ctx, told)
    ctx.tx.update(table, {"id": network_id}, restart_required=False)
    return {"success": True}


def _offering_of(ctx: Context, row: Row) -> Row:
    return access.row(ctx, NETWORK_OFFERING, row["offering_id"])


@workflow("network.restart")
async def _restart(
    wf: Workflow[Context], network_id: int, cleanup: bool = False, redundant: bool = False, live: bool = False
) -> None:
    jobs = await wf.step("restarting", _restarting, network_id, cleanup, redundant, live)
    await wf.ended(jobs)
    if not live:
        await _supply(wf, network_id)
    await wf.finish(_restarted, network_id, [] if cleanup else jobs)


def _provide(ctx: Context, network_id: int) -> list[str]:
    return router.provide(ctx, access.alive(ctx, NETWORK, network_id))


async def _supply(wf: Workflow[Context], network_id: int) -> None:
    """Until a network has the routers that it should have."""
    jobs = await wf.step("routers", _provide, network_id)
    await router.ready(wf, network_id, jobs)


def update(
    ctx: Context,
    row: Row,
    *,
    offered: Row | None,
    guest_cidr: str | None,
    hide_address_usage: bool | None,
    source_nat: str | None,
    public_mtu: int | None,
    private_mtu: int | None,
    network_domain: str | None,
    **columns: Any,
) -> str:
    """Changes a network; what is None stays. Raises `InvalidValue`, `PermissionDenied`."""
    zone = access.row(ctx, ZONE, row["zone_id"])
    changes = {key: value for key, value in columns.items() if value is not None}
    for name in ("dns1", "dns2"):
        ip(changes.get(name), name)
    if network_domain is not None:
        changes["network_domain"] = check_domain(network_domain)
        if network_domain != row["network_domain"] and ctx.tx.scalar(_RUNNING, network_id=row["id"]):
            raise InvalidValue("the DNS domain of a network can change only while no virtual machine runs in it")
    for name, value in (("public", public_mtu), ("private", private_mtu)):
        if value is not None:
            changes[f"{name}_mtu"] = _mtu(ctx, value, name, zone)
    if guest_cidr is not None:
        changes["cidr"] = _reserved(ctx, row, guest_cidr)
    if offered is not None and offered["id"] != row["offering_id"]:
        _check_offering(ctx, row, offered)
        changes["offering_id"] = offered["id"]
    ip(source_nat, "sourcenatipaddress")
    arguments = {"changes": changes, "source_nat": source_nat, "hide": hide_address_usage}
    return _order(ctx, row, "network.update", "NETWORK.UPDATE", "changing", arguments)


def _check_offering(ctx: Context, row: Row, offered: Row) -> None:
    now = _offering_of(ctx, row)
    if offered["state"] != "Enabled":
        raise InvalidValue(f"network offering {offered['name']} is not enabled")
    for column, what in (
        ("guest_type", "another kind of network"),
        ("traffic_type", "another traffic"),
        ("specify_vlan", "VLANs chosen another way"),
        ("for_vpc", "a VPC"),
        ("tags", "another physical network"),
    ):
        if offered[column] != now[column]:
            raise InvalidValue(f"network offering {offered['name']} is for {what}")
    had, has = ({service["name"] for service in one["services"]} for one in (now, offered))
    if "SourceNat" in had - has and any(one["source_nat"] for one in ctx.tx.all(_PUBLIC_OF, network_id=row["id"])):
        raise InvalidValue(f"network offering {offered['name']} has no source NAT, and the network uses it")


def _reserved(ctx: Context, row: Row, text: str) -> str:
    """The part of an isolated network that machines get addresses from; the rest is reserved."""
    if row["guest_type"] != "Isolated" or row["gateway"] is None:
        raise InvalidValue("guestvmcidr is for isolated networks with addresses")
    whole = ipaddress.IPv4Network(f"{row['gateway']}/{row['netmask']}", strict=False)
    try:
        part = ipaddress.IPv4Network(text)
    except ValueError:
        raise InvalidValue(f"guestvmcidr takes a CIDR, not '{text[:64]}'") from None
    if not part.subnet_of(whole):
        raise InvalidValue(f"guestvmcidr is a part of {whole}")
    if part.prefixlen > 30:
        raise InvalidValue("guestvmcidr has no room for machines")
    for card in ctx.tx.all(_ADDRESSES, network_id=row["id"]):
        if ipaddress.IPv4Address(card["ip"]) not in part:
            raise InvalidValue(f"a virtual machine has {card['ip']}, which is not in {part}")
    return str(part)


def _updating(
    ctx: Context, network_id: int, changes: dict[str, Any], source_nat: str | None, hide: bool | None
) -> list[str] | None:
    """Changes it; answers the jobs that remove routers of the wrong kind, None where routers stay as they are.

    Rules for services that the network has no more go.
    """
    row = access.alive(ctx, NETWORK, network_id)
    if "cidr" in changes:
        _reserved(ctx, row, changes["cidr"])
    if changes:
        ctx.tx.update(table, {"id": network_id}, **changes)
    if source_nat is not None:
        _choose_source_nat(ctx, row, source_nat)
    if hide is not None:
        _detail(ctx, network_id, "hideIpAddressUsage", str(hide).lower())
    if "offering_id" not in changes:
        return None
    before, after = _offering_of(ctx, row), access.row(ctx, NETWORK_OFFERING, changes["offering_id"])
    rules.of_services_gone(ctx, network_id, {service["name"] for service in after["services"]})
    kinds = [(router.served(one), network.redundant(one)) for one in (before, after)]
    if kinds[0] == kinds[1]:
        return None
    ctx.tx.update(table, {"id": network_id}, redundant=kinds[1][1])
    return router.remove_all(ctx, network_id)


def _updated(ctx: Context, network_id: int) -> dict[str, Any]:
    access.alive(ctx, NETWORK, network_id)
    return {"network": ctx.present("network", network_id)[0]}


@workflow("network.update")
async def _update(
    wf: Workflow[Context], network_id: int, changes: dict[str, Any], source_nat: str | None, hide: bool | None
) -> None:
    removed = await wf.step("changed", _updating, network_id, changes, source_nat, hide)
    if removed:
        await wf.ended(removed)
        await _supply(wf, network_id)
    elif "offering_id" in changes:  # routers that stay do from now on what the other offering says
        await wf.ended(await wf.step("tell", router_apply.changed_all, network_id))
    await wf.finish(_updated, network_id)
