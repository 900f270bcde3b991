"""Networks changed."""

from __future__ import annotations

import ipaddress
from typing import Any

from cloudsim.core.errors import InvalidValue
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.jobs.workflow import Workflow, workflow
from cloudsim.services import access, network, network_orders, router, router_apply, rules
from cloudsim.services.addressing import ip
from cloudsim.services.context import Context
from cloudsim.services.network_restart import supply
from cloudsim.services.nouns import NETWORK, NETWORK_OFFERING, ZONE

table = schema.network


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
        changes["network_domain"] = network_orders.check_domain(network_domain)
        if network_domain != row["network_domain"] and ctx.tx.scalar(network_orders.RUNNING, network_id=row["id"]):
            raise InvalidValue("the DNS domain of a network can change only while no virtual machine runs in it")
    for name, value in (("public", public_mtu), ("private", private_mtu)):
        if value is not None:
            changes[f"{name}_mtu"] = network_orders.mtu(ctx, value, name, zone)
    if guest_cidr is not None:
        changes["cidr"] = _reserved(ctx, row, guest_cidr)
    if offered is not None and offered["id"] != row["offering_id"]:
        _check_offering(ctx, row, offered)
        changes["offering_id"] = offered["id"]
    ip(source_nat, "sourcenatipaddress")
    arguments = {"changes": changes, "source_nat": source_nat, "hide": hide_address_usage}
    return network_orders.order(ctx, row, "network.update", "NETWORK.UPDATE", "changing", arguments)


def _check_offering(ctx: Context, row: Row, offered: Row) -> None:
    now = network_orders.offering_of(ctx, row)
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
    if "SourceNat" in had - has and any(
        one["source_nat"] for one in ctx.tx.all(network_orders.PUBLIC_OF, network_id=row["id"])
    ):
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
    for card in ctx.tx.all(network_orders.ADDRESSES, network_id=row["id"]):
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
        network_orders.choose_source_nat(ctx, row, source_nat)
    if hide is not None:
        network_orders.detail(ctx, network_id, "hideIpAddressUsage", str(hide).lower())
    if "offering_id" not in changes:
        return None
    before, after = network_orders.offering_of(ctx, row), access.row(ctx, NETWORK_OFFERING, changes["offering_id"])
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
        await supply(wf, network_id)
    elif "offering_id" in changes:  # routers that stay do from now on what the other offering says
        await wf.ended(await wf.step("tell", router_apply.changed_all, network_id))
    await wf.finish(_updated, network_id)
