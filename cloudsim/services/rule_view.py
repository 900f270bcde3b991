"""Rules of networks as they are listed: firewall and egress rules, port forwarding, static NAT rules."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.db.virtualmachine import TAGS, grouped
from cloudsim.services import rules
from cloudsim.services.context import Context
from cloudsim.services.listing import Listing, equals

table = rules.table


def _listing(purpose: str, traffic: str, tag_type: str | None) -> Listing:
    return Listing(
        table,
        filters={
            "id": equals(table.c.id, "id"),
            "address": equals(table.c.public_ip_id, "address"),
            "network": equals(table.c.network_id, "network"),
            "machine": equals(table.c.vm_id, "machine"),
            "display": equals(table.c.display, "display"),
        },
        base=(table.c.purpose == purpose, table.c.traffic_type == traffic, table.c.removed.is_(None)),
        keyword=(table.c.protocol, table.c.state),
        owner=(table.c.account_id, table.c.domain_id),
        tag_type=tag_type,
    )


INGRESS = _listing(rules.FIREWALL, rules.INGRESS, "FirewallRule")
EGRESS = _listing(rules.FIREWALL, rules.EGRESS, "FirewallRule")
FORWARDING = _listing(rules.FORWARDING, rules.INGRESS, "PortForwardingRule")
STATIC = _listing(rules.STATIC_NAT, rules.INGRESS, None)

_ROWS = (
    select(
        table,
        schema.network.c.uuid.label("network_uuid"),
        schema.public_ip.c.uuid.label("address_uuid"),
        schema.public_ip.c.address,
        schema.vm.c.uuid.label("vm_uuid"),
        schema.vm.c.name.label("vm_name"),
        schema.vm.c.display_name.label("vm_display_name"),
    )
    .select_from(
        table.join(schema.network, table.c.network_id == schema.network.c.id)
        .outerjoin(schema.public_ip, table.c.public_ip_id == schema.public_ip.c.id)
        .outerjoin(schema.vm, table.c.vm_id == schema.vm.c.id)
    )
    .where(any_of(table.c.id, "ids"))
)


def page(ctx: Context, ids: Sequence[int], tag_type: str) -> list[tuple[Row, list[Row]]]:
    """Rules with their networks, addresses and machines, and their tags."""
    found = {row["id"]: row for row in ctx.tx.all(_ROWS, ids=ids)}
    tags = grouped(ctx.tx.all(TAGS, kind=tag_type, ids=ids), "resource_id")
    return [(found[i], tags.get(i, [])) for i in ids if i in found]
