"""Public addresses, as they are listed.

Who asks for more than those that are given away sees the free ones as well that the account may have.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import and_, bindparam, or_, select

from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.db.virtualmachine import TAGS, grouped
from cloudsim.services import public_range, quarantine
from cloudsim.services.access import Scope
from cloudsim.services.context import Context
from cloudsim.services.listing import Listing, equals, equals_nocase

public_ip, vlan = schema.public_ip, schema.vlan
_OWNER = schema.account.alias("owner")
_SHARED = schema.network.alias("shared")
_RULE = schema.firewall_rule
_BALANCED = select(_RULE.c.public_ip_id).where(
    _RULE.c.purpose == "LoadBalancing", _RULE.c.public_ip_id.is_not(None), _RULE.c.removed.is_(None)
)

LISTING = Listing(
    public_ip,
    source=public_ip.join(vlan, public_ip.c.vlan_id == vlan.c.id),
    filters={
        "id": equals(public_ip.c.id, "id"),
        "address": equals(public_ip.c.address, "address"),
        "allocated": public_ip.c.allocated.is_not(None),
        "state": equals_nocase(public_ip.c.state, "state"),
        "zone": equals(public_ip.c.zone_id, "zone"),
        "network": or_(equals(public_ip.c.network_id, "network"), equals(vlan.c.network_id, "network")),
        "physical": equals(vlan.c.physical_network_id, "physical"),
        "sourcenat": equals(public_ip.c.source_nat, "sourcenat"),
        "staticnat": equals(public_ip.c.static_nat, "staticnat"),
        "display": equals(public_ip.c.display, "display"),
        "systemvms": equals(vlan.c.for_system_vms, "systemvms"),
        "virtual": vlan.c.type == "VirtualNetwork",
        "direct": vlan.c.type == "DirectAttached",
        "vlan": equals(vlan.c.uuid, "vlan"),
        "balanced": public_ip.c.id.in_(_BALANCED),
        "unbalanced": public_ip.c.id.not_in(_BALANCED),
        "none": public_ip.c.id < 0,
    },
    keyword=(public_ip.c.address,),
    owner=(public_ip.c.account_id, public_ip.c.domain_id),
    tag_type="PublicIpAddress",
    seen={
        "available": or_(
            public_ip.c.account_id == bindparam("scope_account"),
            and_(public_ip.c.state == "Free", any_of(public_ip.c.vlan_id, "scope_ranges"), ~quarantine.KEPT),
        )
    },
)
_NAT = schema.vm.alias("nat")
_ROWS = (
    select(
        public_ip,
        _NAT.c.uuid.label("nat_uuid"),
        _NAT.c.name.label("nat_name"),
        _NAT.c.display_name.label("nat_display_name"),
        vlan.c.uuid.label("vlan_uuid"),
        vlan.c.tag.label("vlan_tag"),
        vlan.c.type.label("vlan_type"),
        vlan.c.for_system_vms,
        schema.physical_network.c.uuid.label("physical_uuid"),
        schema.zone.c.uuid.label("zone_uuid"),
        schema.zone.c.name.label("zone_name"),
        vlan.c.network_id.label("shared_id"),
        _SHARED.c.uuid.label("shared_uuid"),
        schema.network.c.uuid.label("network_uuid"),
        schema.network.c.name.label("network_name"),
        _OWNER.c.name.label("account_name"),
        _OWNER.c.project_uuid,
        _OWNER.c.project_name,
        _OWNER.c.type.label("account_type"),
        schema.domain.c.uuid.label("domain_uuid"),
        schema.domain.c.name.label("domain_name"),
        schema.domain.c.path.label("domain_path"),
    )
    .select_from(
        public_ip.join(vlan, public_ip.c.vlan_id == vlan.c.id)
        .join(schema.physical_network, vlan.c.physical_network_id == schema.physical_network.c.id)
        .join(schema.zone, public_ip.c.zone_id == schema.zone.c.id)
        .outerjoin(schema.network, public_ip.c.network_id == schema.network.c.id)
        .outerjoin(_NAT, public_ip.c.vm_id == _NAT.c.id)
        .outerjoin(_SHARED, vlan.c.network_id == _SHARED.c.id)
        .outerjoin(_OWNER, public_ip.c.account_id == _OWNER.c.id)
        .outerjoin(schema.domain, public_ip.c.domain_id == schema.domain.c.id)
    )
    .where(any_of(public_ip.c.id, "ids"))
)

_ZONES = select(schema.zone.c.id).where(schema.zone.c.removed.is_(None))
_SYSTEM = (
    select(schema.system_nic.c.public_ip_id, schema.vm.c.uuid, schema.vm.c.name, schema.vm.c.type)
    .select_from(schema.system_nic.join(schema.vm, schema.system_nic.c.vm_id == schema.vm.c.id))
    .where(
        any_of(schema.system_nic.c.public_ip_id, "ids"),
        schema.system_nic.c.removed.is_(None),
        schema.vm.c.type != "DomainRouter",
    )
)
_RULED = (
    select(_RULE.c.public_ip_id)
    .where(any_of(_RULE.c.public_ip_id, "ids"), _RULE.c.removed.is_(None), _RULE.c.state != "Revoke")
    .distinct()
)
_HOLDERS = (
    select(
        schema.nic.c.network_id,
        schema.nic.c.ip,
        schema.vm.c.uuid,
        schema.vm.c.name,
        schema.vm.c.display_name,
    )
    .select_from(schema.nic.join(schema.vm, schema.nic.c.vm_id == schema.vm.c.id))
    .where(
        any_of(schema.nic.c.network_id, "networks"),
        any_of(schema.nic.c.ip, "addresses"),
        schema.nic.c.removed.is_(None),
    )
)


def available(ctx: Context, zone: Row | None, account: Row) -> Scope:
    """What an account has, and what of the free it may have."""
    zones = [zone["id"]] if zone is not None else [row["id"] for row in ctx.tx.all(_ZONES)]
    ranges = [
        range_id for one in zones for range_id in public_range.open_to(ctx, one, account["id"], account["domain_id"])
    ]
    kept = {"kept_for": account["id"], "kept_at": ctx.now}
    return Scope("available", {"scope_account": account["id"], "scope_ranges": ranges, **kept})


def ruled(ctx: Context, ids: Sequence[int]) -> set[int]:
    """Which addresses have rules."""
    return {row["public_ip_id"] for row in ctx.tx.all(_RULED, ids=ids)}


def system_machines(ctx: Context, found: Sequence[tuple[Row, list[Row]]]) -> dict[int, Row]:
    """The cloud's own machines that have addresses, by the addresses' row ids."""
    ids = [row["id"] for row, _ in found if row["is_system"]]
    return {row["public_ip_id"]: row for row in ctx.tx.all(_SYSTEM, ids=ids)} if ids else {}


def holders(ctx: Context, found: Sequence[tuple[Row, list[Row]]]) -> dict[int, Row]:
    """The machines that have addresses of shared networks, by the addresses' row ids."""
    shared = [row for row, _ in found if row["shared_id"] is not None and row["state"] != "Free"]
    if not shared:
        return {}
    given = {"networks": list({row["shared_id"] for row in shared}), "addresses": [row["address"] for row in shared]}
    cards = {(card["network_id"], card["ip"]): card for card in ctx.tx.all(_HOLDERS, given)}
    return {
        row["id"]: cards[row["shared_id"], row["address"]]
        for row in shared
        if (row["shared_id"], row["address"]) in cards
    }


def page(ctx: Context, ids: Sequence[int]) -> list[tuple[Row, list[Row]]]:
    """Addresses with their ranges, networks and owners, and their tags."""
    rows: dict[Any, Row] = {row["id"]: row for row in ctx.tx.all(_ROWS, ids=ids)}
    tags = grouped(ctx.tx.all(TAGS, kind="PublicIpAddress", ids=ids), "resource_id")
    return [(rows[row_id], tags.get(row_id, [])) for row_id in ids if row_id in rows]
