"""Public addresses as accounts ask for them: acquired, released, reserved, changed.

An address is its account's from the moment it is asked for (``Allocating``) until the routers of its network have let go
of it (``Releasing``, then ``Free``). What a router could not be told is told later; an address that is on its way out is
free then.
"""

from __future__ import annotations

import ipaddress
from typing import Any

from sqlalchemy import bindparam, select

from cloudsim.core.errors import (
    BadParameter,
    CloudError,
    InvalidValue,
    PermissionDenied,
    ResourceUnavailable,
)
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.jobs.job import Order
from cloudsim.jobs.workflow import Workflow, workflow
from cloudsim.services import (
    access,
    dedication,
    network,
    portable_ip,
    public_range,
    publicip_pool,
    region,
    resource,
    router_apply,
    rules,
    static_nat,
)
from cloudsim.services.context import Context
from cloudsim.services.nouns import NETWORK, NETWORK_OFFERING, PUBLIC_IP, VLAN_RANGE, ZONE

table, vlan = schema.public_ip, schema.vlan
PART = "addresses"
#: Services that a shared network needs one of for public addresses of its own.
_USES = frozenset(("SourceNat", "StaticNat", "Firewall", "PortForwarding", "Lb"))

_IN_ZONE = (
    select(table)
    .select_from(table.join(vlan, table.c.vlan_id == vlan.c.id))
    .where(
        table.c.zone_id == bindparam("zone_id"),
        table.c.address == bindparam("address"),
        vlan.c.type == "VirtualNetwork",
        vlan.c.portable_range_id.is_(None),
        vlan.c.removed.is_(None),
        table.c.removed.is_(None),
    )
)
_NAMED = select(table).where(table.c.address == bindparam("address"), table.c.removed.is_(None)).order_by(table.c.id)
_ISOLATED = (
    select(schema.network)
    .where(
        schema.network.c.account_id == bindparam("account_id"),
        schema.network.c.zone_id == bindparam("zone_id"),
        schema.network.c.traffic_type == "Guest",
        schema.network.c.guest_type == "Isolated",
        schema.network.c.removed.is_(None),
    )
    .order_by(schema.network.c.id)
)
_LEAVING = select(table).where(table.c.network_id == bindparam("network_id"), table.c.state == "Releasing")

Plain = dict[str, Any]


# -- acquired


def associate(
    ctx: Context,
    *,
    account: Row,
    zone: Row | None,
    found: Row | None,
    wanted: str | None,
    portable: bool,
    region_id: int | None,
    display: bool,
) -> tuple[str, str]:
    """Gives an account an address (`wanted`, or one that is free) for a network; answers its uuid and the job's.

    Raises `InvalidValue`, `PermissionDenied`, `InsufficientAddresses`, `LimitReached`; nothing is taken then.
    """
    if zone is not None and found is not None and found["zone_id"] != zone["id"]:
        raise InvalidValue(f"network {found['name']} is in another zone")
    if zone is None and found is None:
        raise InvalidValue("give networkid or zoneid")
    zone = zone or access.row(ctx, ZONE, (found or {})["zone_id"])
    if zone["allocation_state"] != "Enabled" and not ctx.caller.is_admin:
        raise PermissionDenied(f"zone {zone['name']} is disabled")
    dedication.check_zone(ctx, zone, account)
    if found is None and zone["network_type"] == "Advanced":
        found = only_network(ctx, account, zone)
    offered = check_network(ctx, account, found) if found is not None else None
    address = _chosen(ctx, account, zone, wanted, portable, region_id)
    if address["state"] != "Reserved":
        resource.check(ctx, account, {"ip": 1})
    # the first address of a network that has source NAT and no address for it yet is that
    nat = (
        found is not None
        and offered is not None
        and not portable
        and any(service["name"] == "SourceNat" for service in offered["services"])
        and not network.has_source_nat(ctx, found["id"])
    )
    owner = {"account_id": account["id"], "domain_id": account["domain_id"]}
    address = publicip_pool.give(
        ctx, address, owner, network=found, state="Allocating", source_nat=bool(nat), display=display
    )
    if portable:
        portable_ip.told(ctx, address, found)
    jobs = router_apply.changed(ctx, found["id"], PART) if found is not None else []
    event = "PORTABLE.IPASSIGN" if portable else "NET.IPASSIGN"
    text = f"acquiring public address {address['address']}" + (f" for network {found['name']}" if found else "")
    job = _order(ctx, address, "publicip.associate", event, text, jobs=jobs, since=ctx.now)
    return address["uuid"], job


def only_network(ctx: Context, account: Row, zone: Row) -> Row:
    """The only isolated network of an account in a zone. Raises `InvalidValue`."""
    networks = ctx.tx.all(_ISOLATED, account_id=account["id"], zone_id=zone["id"])
    if len(networks) == 1:
        return networks[0]
    if networks:
        raise InvalidValue("the account has several isolated networks in this zone: say which with networkid")
    raise InvalidValue(f"account {account['name']} has no isolated network in zone {zone['name']}")


def check_network(ctx: Context, account: Row, found: Row) -> Row:
    """The offering of a network that an account may have public addresses for. Raises `InvalidValue`, `PermissionDenied`."""
    if not network.may_use(ctx, found, account):
        raise PermissionDenied(f"network {found['name']} may not be used by account {account['name']}")
    offered = access.row(ctx, NETWORK_OFFERING, found["offering_id"])
    services = {service["name"] for service in offered["services"]}
    if found["guest_type"] == "Isolated" and "SourceNat" not in services:
        raise InvalidValue(f"network {found['name']} has no source NAT: it takes no public addresses")
    if found["guest_type"] == "Shared" and not services & _USES:
        raise InvalidValue(f"shared network {found['name']} has no service that takes public addresses")
    if found["guest_type"] == "L2":
        raise InvalidValue("an L2 network takes no public addresses")
    return offered


def _chosen(ctx: Context, account: Row, zone: Row, wanted: str | None, portable: bool, region_id: int | None) -> Row:
    if wanted is not None:
        try:
            wanted = str(ipaddress.IPv4Address(wanted))
        except ValueError:
            raise InvalidValue(f"'{wanted[:64]}' is not an IPv4 address") from None
    if portable:
        return portable_ip.take(ctx, region_id if region_id is not None else region.LOCAL, zone, wanted)
    if region_id is not None:
        region.found(ctx, region_id)
    if wanted is None:
        return public_range.free(ctx, zone["id"], account["id"], account["domain_id"])
    row = ctx.tx.first(_IN_ZONE, zone_id=zone["id"], address=wanted)
    if row is None:
        raise InvalidValue(f"{wanted} is not a public address of zone {zone['name']}")
    mine = row["state"] == "Reserved" and row["account_id"] == account["id"]
    if row["state"] != "Free" and not mine:
        raise InvalidValue(f"public address {wanted} is in use")
    public_range.check_address(ctx, row, account["id"], account["domain_id"])
    return row


def _order(ctx: Context, address: Row, name: str, event: str, text: str, **arguments: Any) -> str:
    return ctx.submit(
        Order(
            command=ctx.command,
            workflow=name,
            arguments={"uuid": address["uuid"], **arguments},
            instance_type="IpAddress",
            instance_uuid=address["uuid"],
            lock=f"publicip:{address['uuid']}",
            event=event,
            event_text=text,
            account_id=address["account_id"],
            domain_id=address["domain_id"],
        )
    )


def shown(ctx: Context, row_id: int) -> Plain:
    """An address as commands that make or change it answer it."""
    return {"ipaddress": ctx.present("publicipaddress", row_id)[0]}


def _acquiring(ctx: Context, uuid: str, since: int) -> Row | None:
    """The address while it is still the one that was asked for."""
    row = ctx.tx.first(PUBLIC_IP.by_uuid, uuid=uuid)
    return row if row is not None and row["state"] == "Allocating" and row["allocated"] == since else None


def _associated(ctx: Context, uuid: str, jobs: list[str], since: int) -> Plain:
    router_apply.check(ctx, jobs)
    row = _acquiring(ctx, uuid, since)
    if row is None:
        raise ResourceUnavailable("the public address was taken back meanwhile")
    ctx.tx.update(table, {"id": row["id"]}, state="Allocated")
    return shown(ctx, row["id"])


def _not_associated(ctx: Context, error: CloudError, uuid: str, jobs: list[str], since: int) -> None:
    row = _acquiring(ctx, uuid, since)
    if row is not None:
        publicip_pool.free(ctx, row, told=True)
        if row["network_id"] is not None:  # a router may have it
            router_apply.changed(ctx, row["network_id"], PART)


@workflow("publicip.associate", failed=_not_associated)
async def _associate(wf: Workflow[Context], uuid: str, jobs: list[str], since: int) -> None:
    if jobs:
        await wf.ended(jobs)
    await wf.finish(_associated, uuid, jobs, since)


# -- released


def named(ctx: Context, row: Row | None, address: str | None) -> Row:
    """The address that is meant, by its row or as clients write it. Raises `BadParameter`, `InvalidValue`."""
    if row is None and address is None:
        raise InvalidValue("give id or ipaddress")
    if row is not None:
        if address is not None and row["address"] != address:
            raise InvalidValue("id and ipaddress name different addresses")
        return row
    for one in ctx.tx.all(_NAMED, address=address):
        if one["account_id"] is not None and access.may_see(ctx, PUBLIC_IP, one):
            return one
    raise BadParameter(f"there is no public IP address {str(address)[:64]}")


def disassociate(ctx: Context, row: Row) -> str:
    """Releases an address, with its rules; answers the job's uuid. Raises `InvalidValue`."""
    access.must_own(ctx, PUBLIC_IP, row)
    if row["is_system"]:
        raise InvalidValue(f"public address {row['address']} is the system's: it goes with its virtual machine")
    if access.row(ctx, VLAN_RANGE, row["vlan_id"])["type"] != "VirtualNetwork":
        raise InvalidValue(f"{row['address']} is an address of a shared network: it goes with its virtual machine")
    if row["state"] not in ("Allocated", "Releasing", "Reserved"):
        raise InvalidValue(f"public address {row['address']} is {row['state']}")
    found = access.row(ctx, NETWORK, row["network_id"]) if row["network_id"] is not None else None
    if found is not None and row["source_nat"]:
        offered = access.row(ctx, NETWORK_OFFERING, found["offering_id"])
        if any(service["name"] == "SourceNat" for service in offered["services"]):
            raise InvalidValue(f"network {found['name']} uses public address {row['address']} for source NAT")
    jobs = rules.of_address_gone(ctx, row["id"])
    jobs += static_nat.address_gone(ctx, row)
    ctx.tx.update(table, {"id": row["id"]}, state="Releasing", static_nat=False, vm_id=None, vm_ip=None)
    if found is not None:
        jobs += router_apply.changed(ctx, found["id"], PART)
    event = "PORTABLE.IPRELEASE" if row["is_portable"] else "NET.IPRELEASE"
    text = f"releasing public address {row['address']}"
    return _order(ctx, row, "publicip.disassociate", event, text, jobs=sorted(set(jobs)), since=row["allocated"])


def _disassociated(ctx: Context, uuid: str, jobs: list[str], since: int) -> Plain:
    row = ctx.tx.first(PUBLIC_IP.by_uuid, uuid=uuid)
    if row is not None and row["state"] == "Releasing" and row["allocated"] == since:
        router_apply.check(ctx, jobs)
        publicip_pool.free(ctx, row, told=True)
    return {"success": True}


@workflow("publicip.disassociate")
async def _disassociate(wf: Workflow[Context], uuid: str, jobs: list[str], since: int) -> None:
    if jobs:
        await wf.ended(jobs)
    await wf.finish(_disassociated, uuid, jobs, since)


def settled(ctx: Context, network_id: int) -> None:
    """Every router knows: the addresses of a network that were on their way out are free."""
    for row in ctx.tx.all(_LEAVING, network_id=network_id):
        publicip_pool.free(ctx, row, told=True)


def let_go(ctx: Context, row: Row) -> None:
    """An account that goes has an address no more, nor its rules."""
    rules.of_address_gone(ctx, row["id"])
    publicip_pool.free(ctx, row)
    if row["network_id"] is not None:
        router_apply.changed(ctx, row["network_id"], PART, static_nat.PART)


# -- reserved


def reserve(ctx: Context, uuid: str, account: Row, *, display: bool) -> int:
    """Keeps a free address for an account that has no use for it yet; answers its row id.

    Raises `BadParameter`, `InvalidValue`, `LimitReached`.
    """
    row = ctx.tx.first(PUBLIC_IP.by_uuid, uuid=uuid)
    if row is None or not _may_have(ctx, row, account):
        raise access.not_found(PUBLIC_IP, uuid)
    if row["state"] != "Free":
        raise InvalidValue(f"public address {row['address']} is {row['state']}")
    public_range.check_address(ctx, row, account["id"], account["domain_id"])
    resource.check(ctx, account, {"ip": 1})
    owner = {"account_id": account["id"], "domain_id": account["domain_id"]}
    publicip_pool.give(ctx, row, owner, network=None, state="Reserved", display=display)
    ctx.event(
        "NET.IPRESERVE",
        f"public address {row['address']} is reserved",
        resource=("IpAddress", uuid),
        **owner,
    )
    return int(row["id"])


def _may_have(ctx: Context, row: Row, account: Row) -> bool:
    if row["state"] != "Free":
        return row["account_id"] is not None and access.may_see(ctx, PUBLIC_IP, row)
    whose = (row["zone_id"], account["id"], account["domain_id"])
    return row["vlan_id"] in public_range.open_to(ctx, *whose)


def release(ctx: Context, row: Row) -> None:
    """Lets go of a reserved address. Raises `InvalidValue`."""
    access.must_own(ctx, PUBLIC_IP, row)
    if row["state"] != "Reserved" or row["account_id"] is None:
        raise InvalidValue(f"public address {row['address']} is {row['state']}, not reserved")
    publicip_pool.free(ctx, row)


# -- changed


def update(ctx: Context, row: Row, *, custom_id: str | None, display: bool | None) -> str:
    """Gives an address another uuid, shows or hides it; answers the job's uuid. Raises `InvalidValue`."""
    access.must_own(ctx, PUBLIC_IP, row)
    if row["account_id"] is None:
        raise InvalidValue(f"public address {row['address']} is nobody's")
    wanted = access.custom_id(custom_id)
    if wanted is not None and wanted != row["uuid"] and ctx.tx.first(PUBLIC_IP.by_uuid, uuid=wanted) is not None:
        raise InvalidValue("customid is the id of another public address")
    text = f"changing public address {row['address']}"
    return _order(ctx, row, "publicip.update", "NET.IPUPDATE", text, wanted=wanted, display=display)


def _updated(ctx: Context, uuid: str, wanted: str | None, display: bool | None) -> Plain:
    row = ctx.tx.first(PUBLIC_IP.by_uuid, uuid=uuid)
    if row is None or row["account_id"] is None:
        raise ResourceUnavailable("the public address was released meanwhile")
    if wanted is not None and wanted != uuid and ctx.tx.first(PUBLIC_IP.by_uuid, uuid=wanted) is not None:
        raise InvalidValue("customid is the id of another public address")
    changed: Plain = {"uuid": wanted or uuid}
    if display is not None:
        changed["display"] = display
    ctx.tx.update(table, {"id": row["id"]}, **changed)
    return shown(ctx, row["id"])


@workflow("publicip.update")
async def _update(wf: Workflow[Context], uuid: str, wanted: str | None, display: bool | None) -> None:
    await wf.finish(_updated, uuid, wanted, display)
