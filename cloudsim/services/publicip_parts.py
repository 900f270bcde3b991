"""What routers are told of public addresses: which are theirs, and which are machines'."""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, or_, select

from cloudsim.agents.base import IpAssoc, SetStaticNatRules
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.services import publicip_orders, router_parts
from cloudsim.services.context import Context

table, vlan = schema.public_ip, schema.vlan

_OF_NETWORK = (
    select(table, vlan.c.gateway, vlan.c.netmask, vlan.c.tag)
    .select_from(table.join(vlan, table.c.vlan_id == vlan.c.id))
    .where(
        table.c.network_id == bindparam("network_id"),
        or_(table.c.state == "Allocated", table.c.state == "Allocating"),
        table.c.removed.is_(None),
    )
    .order_by(table.c.source_nat.desc(), table.c.id)
)


def _addresses(ctx: Context, found: Row, _offered: Row) -> list[dict[str, Any]]:
    return [
        {
            "address": row["address"],
            "netmask": row["netmask"],
            "gateway": row["gateway"],
            "vlan": row["tag"],
            "source_nat": bool(row["source_nat"]),
        }
        for row in ctx.tx.all(_OF_NETWORK, network_id=found["id"])
    ]


def _static(ctx: Context, found: Row, _offered: Row) -> list[dict[str, Any]]:
    return [
        {"address": row["address"], "guest": row["vm_ip"]}
        for row in ctx.tx.all(_OF_NETWORK, network_id=found["id"])
        if row["static_nat"]
    ]


router_parts.register(
    router_parts.Part(IpAssoc, "SourceNat StaticNat PortForwarding Lb Firewall", _addresses, publicip_orders.settled)
)
router_parts.register(router_parts.Part(SetStaticNatRules, "StaticNat", _static))
