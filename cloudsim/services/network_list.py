"""Networks, listed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import and_, bindparam, or_, select

from cloudsim.core.errors import InvalidValue
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.db.virtualmachine import DETAILS, TAGS, grouped
from cloudsim.services import access
from cloudsim.services.access import Scope
from cloudsim.services.context import Context
from cloudsim.services.listing import Listing, Page, equals, equals_nocase, tags_of
from cloudsim.services.nouns import ACCOUNT

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
