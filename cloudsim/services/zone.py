"""Zones."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import and_, bindparam, func, or_, select

from cloudsim.core.errors import InvalidValue, ResourceInUse
from cloudsim.core.ids import secret
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.db.virtualmachine import DETAILS, TAGS, grouped
from cloudsim.services import access, addressing, capacity, dedication, system_vm
from cloudsim.services.access import Scope
from cloudsim.services.context import Context
from cloudsim.services.listing import Listing, Page, equals, tags_of
from cloudsim.services.nouns import ZONE

zone = schema.zone

_DEDICATED = schema.dedicated_resource
_ABOVE = select(schema.domain.c.id).where(
    func.substr(bindparam("scope_path"), 1, func.length(schema.domain.c.path)) == schema.domain.c.path
)
#: Zones dedicated to the own domain or one above it, and not to another account there.
_MINE = and_(
    zone.c.domain_id.in_(_ABOVE),
    zone.c.id.not_in(
        select(_DEDICATED.c.place_id).where(
            _DEDICATED.c.kind == "Zone",
            _DEDICATED.c.removed.is_(None),
            _DEDICATED.c.account_id.is_not(None),
            _DEDICATED.c.account_id != bindparam("scope_account"),
        )
    ),
)
#: Those of the people whom a domain admin looks after.
_BELOW = zone.c.domain_id.in_(
    select(schema.domain.c.id).where(
        schema.domain.c.path >= bindparam("scope_path"), schema.domain.c.path < bindparam("scope_end")
    )
)

LISTING = Listing(
    zone,
    filters={
        "id": equals(zone.c.id, "id"),
        "ids": any_of(zone.c.id, "ids"),
        "name": equals(zone.c.name, "name"),
        "networktype": equals(zone.c.network_type, "networktype"),
        "domain": or_(zone.c.domain_id.is_(None), zone.c.domain_id == bindparam("domain")),
        "enabled": zone.c.allocation_state == "Enabled",
    },
    keyword=(zone.c.name, zone.c.description),
    order=(zone.c.sort_key, zone.c.id),
    tag_type="Zone",
    seen={
        "visible": or_(zone.c.domain_id.is_(None), _MINE),
        "visible+": or_(zone.c.domain_id.is_(None), _MINE, _BELOW),
    },
)
_ROWS = (
    select(zone, schema.domain.c.uuid.label("domain_uuid"), schema.domain.c.name.label("domain_name"))
    .select_from(zone.outerjoin(schema.domain, zone.c.domain_id == schema.domain.c.id))
    .where(any_of(zone.c.id, "ids"))
)
_ARCHS = (
    select(schema.cluster.c.zone_id, func.count(schema.cluster.c.arch.distinct()).label("archs"))
    .where(any_of(schema.cluster.c.zone_id, "ids"), schema.cluster.c.removed.is_(None))
    .group_by(schema.cluster.c.zone_id)
)

_NAMED = select(zone.c.id).where(zone.c.name == bindparam("name"), zone.c.removed.is_(None))
_NETWORKS = select(schema.physical_network).where(
    schema.physical_network.c.zone_id == bindparam("zone_id"), schema.physical_network.c.removed.is_(None)
)
#: What keeps a zone from being removed.
_IN_ZONE = {
    label: select(func.count()).where(table.c.zone_id == bindparam("zone_id"), table.c.removed.is_(None))
    for label, table in (
        ("virtual machines", schema.vm),
        ("volumes", schema.volume),
        ("networks", schema.network),
        ("hosts", schema.host),
        ("clusters", schema.cluster),
        ("pods", schema.pod),
        ("storage pools", schema.storage_pool),
        ("image stores", schema.image_store),
        ("ranges of addresses", schema.vlan),
        ("physical networks", schema.physical_network),
    )
}
_PLACED = schema.template_zone
_DOMAIN = re.compile(
    r"(?=.{1,190}$)[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*"
)


def search(
    ctx: Context,
    page_: Page,
    tags: Mapping[str, Any] | None,
    *,
    id: Row | None,
    ids: Sequence[Row] | None,
    **given: Any,
) -> tuple[list[int], int]:
    """Ids of the zones that are asked for and the caller may see, and how many there are."""
    domain = given.pop("domain", None)
    available = given.pop("available", None)
    conditions: dict[str, Any] = {
        **given,
        "id": id["id"] if id else None,
        "ids": [row["id"] for row in ids] if ids else None,
        "domain": domain["id"] if domain else None,
    }
    scope = Scope("all")
    if not ctx.caller.is_admin:
        path = ctx.caller.domain_path
        values = {"scope_path": path, "scope_account": ctx.caller.account_id}
        scope = Scope("visible", values)
        if ctx.caller.is_domain_admin:
            scope = Scope("visible+", {**values, "scope_end": path[:-1] + "0"})
        if not available:
            conditions["enabled"] = True
    return LISTING.page(ctx, conditions, page_, scope, tags_of(tags))


def page(ctx: Context, ids: Sequence[int]) -> list[tuple[Row, list[Row], list[Row], int]]:
    """Zones in the order of their ids, each with its tags, details and number of CPU architectures."""
    rows = {row["id"]: row for row in ctx.tx.all(_ROWS, ids=ids)}
    tags = grouped(ctx.tx.all(TAGS, kind="Zone", ids=ids), "resource_id")
    details = grouped(ctx.tx.all(DETAILS, kind="Zone", ids=ids), "resource_id")
    archs = {row["zone_id"]: row["archs"] for row in ctx.tx.all(_ARCHS, ids=ids)}
    return [(rows[i], tags.get(i, []), details.get(i, []), archs.get(i, 0)) for i in ids if i in rows]


def add_capacities(ctx: Context, zone_objects: list[dict[str, Any]]) -> None:
    """Adds its capacities to each zone's response object."""
    capacity.add(ctx, "zone", zone_objects)


def create(ctx: Context, *, name: str, security_groups: bool, owner: Row | None, **given: Any) -> int:
    """Makes a zone; answers its id. Raises `InvalidValue`."""
    checked = _checked(given)
    _check_name(ctx, name)
    if given["network_type"] == "Basic" and checked.get("guest_cidr"):
        raise InvalidValue("a basic zone has no networks of accounts: leave guestcidraddress out")
    if given["network_type"] == "Advanced" and given["type"] != "Edge" and not checked.get("guest_cidr"):
        checked["guest_cidr"] = "10.1.1.0/24"
    row_id = ctx.tx.insert(
        zone,
        {
            "uuid": ctx.uuid(),
            "created": ctx.now,
            "removed": None,
            "name": name,
            "description": None,
            "security_groups": security_groups,
            "domain_id": None,
            "dhcp_provider": "VirtualRouter",
            "token": secret(32),
            "sort_key": 0,
            "mac_sequence": 1,
            **checked,
        },
    )
    if owner is not None:
        dedication.write(ctx, "Zone", access.row(ctx, ZONE, row_id), owner["id"], None)
    ctx.event("ZONE.CREATE", f"zone {name} is made", resource=("Zone", access.row(ctx, ZONE, row_id)["uuid"]))
    return row_id


def update(
    ctx: Context,
    row: Row,
    *,
    name: str | None = None,
    public: bool | None = None,
    details: Mapping[str, str] | None = None,
    **given: Any,
) -> None:
    """Changes a zone; what is None stays. Raises `InvalidValue`, `ResourceInUse`."""
    changed = {key: value for key, value in _checked(given).items() if value is not None}
    if name is not None and name != row["name"]:
        _check_name(ctx, name)
        changed["name"] = name
    if public:
        dedication.end_of_place(ctx, "Zone", row["id"])
    if changed.get("allocation_state") == "Enabled" and row["allocation_state"] != "Enabled":
        _check_complete(ctx, row)
    if changed.get("guest_cidr") and row["network_type"] == "Basic":
        raise InvalidValue("a basic zone has no networks of accounts: leave guestcidraddress out")
    if changed:
        ctx.tx.update(zone, {"id": row["id"]}, **changed)
    if changed.get("allocation_state") == "Enabled":
        system_vm.look_after_zone(ctx, {**row, **changed})
    for key, value in (details or {}).items():
        where = {"resource_type": "Zone", "resource_id": row["id"], "name": key}
        if ctx.tx.update(schema.detail, where, value=value) == 0:
            ctx.tx.insert(schema.detail, **where, value=value, display=True)
    ctx.event("ZONE.EDIT", f"zone {row['name']} is changed", resource=("Zone", row["uuid"]))


def delete(ctx: Context, row: Row) -> None:
    """Removes a zone that is empty. Raises `ResourceInUse`, naming what is in it."""
    for label, statement in _IN_ZONE.items():
        number = ctx.tx.scalar(statement, zone_id=row["id"])
        if number:
            raise ResourceInUse(f"zone {row['name']} has {number} {label}: remove them first")
    ctx.tx.execute(_PLACED.delete().where(_PLACED.c.zone_id == bindparam("which")), which=row["id"])
    dedication.end_of_place(ctx, "Zone", row["id"])
    ctx.tx.update(zone, {"id": row["id"]}, removed=ctx.now)
    ctx.event("ZONE.DELETE", f"zone {row['name']} is removed", resource=("Zone", row["uuid"]))


def _check_name(ctx: Context, name: str) -> None:
    if not name.strip():
        raise InvalidValue("a zone needs a name")
    if ctx.tx.scalar(_NAMED, name=name) is not None:
        raise InvalidValue(f"there is a zone named '{name}' already")


def _check_complete(ctx: Context, row: Row) -> None:
    networks = ctx.tx.all(_NETWORKS, zone_id=row["id"])
    if not networks:
        raise InvalidValue(f"zone {row['name']} has no physical network: make one before you enable the zone")
    if row["network_type"] == "Advanced" and not any(one["state"] == "Enabled" for one in networks):
        raise InvalidValue(f"no physical network of zone {row['name']} is enabled: enable one before the zone")


def _checked(given: Mapping[str, Any]) -> dict[str, Any]:
    made = dict(given)
    for name in ("dns1", "dns2", "internal_dns1", "internal_dns2"):
        if made.get(name) is not None:
            made[name] = addressing.ip(made[name], name.replace("_", ""))
    for name in ("ip6dns1", "ip6dns2"):
        if made.get(name) is not None:
            try:
                made[name] = str(ipaddress.IPv6Address(made[name]))
            except ValueError:
                raise InvalidValue(f"{name} takes an IPv6 address, not '{made[name][:64]}'") from None
    if made.get("guest_cidr") is not None:
        made["guest_cidr"] = addressing.cidr(made["guest_cidr"], "guestcidraddress")
    if made.get("domain") is not None and not _DOMAIN.fullmatch(made["domain"]):
        raise InvalidValue(f"domain takes a DNS name such as cs1.example.com, not '{made['domain'][:64]}'")
    return made
