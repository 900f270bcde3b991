"""Network offerings and the services networks can have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, func, select

from cloudsim.core.errors import InvalidValue, ResourceInUse
from cloudsim.core.reference import reference
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.services import access, network_capability, offering
from cloudsim.services.context import Context
from cloudsim.services.listing import Listing, Page, contains, equals, equals_nocase, like
from cloudsim.services.nouns import NETWORK_OFFERING

table = schema.network_offering
STATES = ("Enabled", "Disabled")
AVAILABILITY = ("Optional", "Required")
GUEST_TYPES = ("Isolated", "Shared", "L2")

LISTING = Listing(
    table,
    filters={
        "id": equals(table.c.id, "id"),
        "name": equals(table.c.name, "name"),
        "displaytext": contains(func.coalesce(table.c.display_text, ""), "displaytext"),
        "availability": equals_nocase(table.c.availability, "availability"),
        "vpc": equals(table.c.for_vpc, "vpc"),
        "guest": equals_nocase(table.c.guest_type, "guest"),
        "default": equals(table.c.is_default, "default"),
        "ranges": equals(table.c.specify_ip_ranges, "ranges"),
        "specifyvlan": equals(table.c.specify_vlan, "specifyvlan"),
        "state": equals_nocase(table.c.state, "state"),
        "traffic": equals_nocase(table.c.traffic_type, "traffic"),
        "hidden": ~any_of(table.c.id, "hidden"),
        "none": table.c.id < 0,
    },
    keyword=(table.c.name, table.c.display_text),
    order=(table.c.sort_key, table.c.id),
)
_LIMITS = select(
    table.c.id, table.c.domain_ids, table.c.zone_ids, table.c.services, table.c.tags, table.c.guest_type,
    table.c.specify_vlan, table.c.for_vpc,
).where(table.c.removed.is_(None))  # fmt: skip
_ROWS = (
    select(table, schema.service_offering.c.uuid.label("router_uuid"))
    .select_from(table.outerjoin(schema.service_offering, table.c.service_offering_id == schema.service_offering.c.id))
    .where(any_of(table.c.id, "ids"))
)
_USED = (
    select(func.count())
    .select_from(schema.network)
    .where(schema.network.c.offering_id == bindparam("offering_id"), schema.network.c.removed.is_(None))
)
_NAME = select(table.c.id).where(table.c.name == bindparam("name"), table.c.removed.is_(None))
_ROUTER = (
    select(schema.service_offering.c.id)
    .where(schema.service_offering.c.system_vm_type == "domainrouter", schema.service_offering.c.removed.is_(None))
    .order_by(schema.service_offering.c.id)
)


def search(
    ctx: Context,
    page: Page,
    *,
    domain: Row | None,
    zone: Row | None,
    network: Row | None,
    services: Sequence[str],
    source_nat: bool | None,
    tagged: bool | None,
    tags: str | None,
    displaytext: str | None,
    **given: Any,
) -> tuple[list[int], int]:
    """Network offerings: ids of the page, and how many there are. `network`: those it could change to."""
    wanted = {service.lower() for service in services}
    now = access.row(ctx, NETWORK_OFFERING, network["offering_id"]) if network else None

    def fits(row: Row) -> bool:
        names = {str(service["name"]).lower() for service in row["services"]}
        if not wanted <= names:
            return False
        if source_nat is not None and ("sourcenat" in names) != source_nat:
            return False
        if tagged is not None and bool(row["tags"]) != tagged:
            return False
        if tags is not None and tags not in row["tags"]:
            return False
        if now is not None:
            if row["id"] == now["id"]:
                return False
            return all(row[column] == now[column] for column in ("guest_type", "specify_vlan", "for_vpc", "tags"))
        return True

    hidden = offering.hidden(ctx, ctx.tx.all(_LIMITS), domain=domain, zone=zone, fits=fits)
    values = {**given, "hidden": hidden or None, "displaytext": like(displaytext) if displaytext else None}
    return LISTING.page(ctx, values, page)


def rows(ctx: Context, ids: Sequence[int]) -> list[Row]:
    """Network offerings, with the uuid of their routers' service offering."""
    return ctx.tx.all(_ROWS, ids=ids)


def supported(service: str | None, provider: str | None) -> list[dict[str, Any]]:
    """The services networks can have, each with who provides it. Raises `InvalidValue` for an unknown service."""
    known = reference("networkservices")
    if service is not None and service.lower() not in {one["name"].lower() for one in known}:
        raise InvalidValue(f"there is no network service named '{service[:64]}'")
    return [
        one
        for one in known
        if (service is None or one["name"].lower() == service.lower())
        and (provider is None or provider.lower() in (name.lower() for name in one["provider"]))
    ]


def _services(
    names: Sequence[str], providers: Sequence[Mapping[str, str]], capabilities: Sequence[Mapping[str, str]]
) -> list[dict[str, Any]]:
    """The services of an offering, as the API shows them. Raises `InvalidValue`."""
    known = {one["name"].lower(): one for one in reference("networkservices")}
    network_capability.check(names, capabilities)
    chosen: dict[str, list[str]] = {}
    for name in names:
        found = known.get(name.lower())
        if found is None:
            raise InvalidValue(f"there is no network service named '{name[:64]}'")
        chosen[found["name"]] = []
    for entry in providers:
        service, provider = known.get(entry.get("service", "").lower()), entry.get("provider", "")
        if service is None or service["name"] not in chosen:
            raise InvalidValue("serviceproviderlist names a service that supportedservices does not have")
        match = next((one for one in service["provider"] if one.lower() == provider.lower()), None)
        if match is None:
            raise InvalidValue(f"'{provider[:64]}' does not provide {service['name']}")
        if match in chosen[service["name"]]:
            raise InvalidValue(f"serviceproviderlist names provider {match} of {service['name']} twice")
        chosen[service["name"]].append(match)
        if service["name"] != "Lb" and len(chosen[service["name"]]) > 1:
            raise InvalidValue(f"service {service['name']} has one provider in an offering, not several")
    made: list[dict[str, Any]] = []
    for service_name, whose in chosen.items():
        entry_: dict[str, Any] = {
            "name": service_name,
            "provider": [{"name": one} for one in whose or _default_provider(known[service_name.lower()])],
        }
        values = [
            {"name": one["capabilitytype"], "value": one["capabilityvalue"], "canchooseservicecapability": False}
            for one in capabilities
            if one.get("service", "").lower() == service_name.lower() and "capabilitytype" in one
            and "capabilityvalue" in one
        ]  # fmt: skip
        if values:
            entry_["capability"] = values
        made.append(entry_)
    return made


def _default_provider(service: Mapping[str, Any]) -> list[str]:
    providers = service["provider"]
    return ["VirtualRouter"] if "VirtualRouter" in providers else list(providers[:1])


def create(
    ctx: Context,
    name: str,
    *,
    display_text: str | None,
    guest_type: str,
    traffic_type: str,
    services: Sequence[str],
    providers: Sequence[Mapping[str, str]],
    capabilities: Sequence[Mapping[str, str]],
    availability: str | None,
    specify_vlan: bool,
    specify_ip_ranges: bool,
    router: Row | None,
    tags: str | None,
    enable: bool,
    network_rate: int | None,
    places: Mapping[str, list[str]],
    shown: Mapping[str, Any],
    **columns: Any,
) -> int:
    """Makes a network offering (disabled, unless `enable`); answers its id. Raises `InvalidValue`."""
    if not name.strip():
        raise InvalidValue("an offering needs a name")
    if ctx.tx.scalar(_NAME, name=name) is not None:
        raise InvalidValue(f"there is a network offering named '{name[:64]}' already")
    if traffic_type.lower() != "guest":
        raise InvalidValue(f"traffictype takes Guest, not '{traffic_type[:64]}'")
    if availability == "Required" and guest_type != "Isolated":
        raise InvalidValue("only an offering of isolated networks can be required")
    if guest_type == "Shared" and not (specify_vlan or columns.get("for_vpc")):
        raise InvalidValue("an offering of shared networks needs specifyvlan=true")
    if guest_type == "Shared" and not specify_ip_ranges:
        raise InvalidValue("an offering of shared networks needs specifyipranges=true")
    if guest_type == "L2" and (services or specify_ip_ranges):
        raise InvalidValue("an L2 network has no services and no addresses")
    if guest_type != "Shared" and any(service.lower() == "securitygroup" for service in services):
        raise InvalidValue("security groups are for shared networks")
    if guest_type == "Shared" and columns.get("is_persistent"):
        raise InvalidValue("shared networks are real from the start: leave ispersistent out")
    if network_rate is not None and network_rate < 0:
        raise InvalidValue("networkrate cannot be below 0")
    if router is not None and router["system_vm_type"] != "domainrouter":
        raise InvalidValue(f"service offering {router['name']} is not for routers")
    made = ctx.tx.insert(
        table,
        uuid=ctx.uuid(),
        created=ctx.now,
        removed=None,
        name=name,
        display_text=display_text or name,
        traffic_type="Guest",
        guest_type=guest_type,
        state="Enabled" if enable else "Disabled",
        availability=availability or "Optional",
        network_rate=network_rate if network_rate is not None else ctx.settings.number("network.throttling.rate"),
        is_default=False,
        is_system=False,
        specify_vlan=specify_vlan,
        specify_ip_ranges=specify_ip_ranges,
        services=_services(services, providers, capabilities),
        shown=dict(shown),
        tags=[one.strip() for one in (tags or "").split(",") if one.strip()],
        service_offering_id=router["id"] if router else ctx.tx.scalar(_ROUTER) if services else None,
        sort_key=0,
        **places,
        **columns,
    )
    uuid = access.row(ctx, NETWORK_OFFERING, made)["uuid"]
    ctx.event("NETWORK.OFFERING.CREATE", f"created network offering {name}", resource=("NetworkOffering", uuid))
    return made


def update(ctx: Context, row: Row, *, tags: str | None, **columns: Any) -> None:
    """Changes a network offering; what is None stays. Raises `InvalidValue`."""
    given = {key: value for key, value in columns.items() if value is not None}
    if tags is not None:
        given["tags"] = [one.strip() for one in tags.split(",") if one.strip()]
    if given.get("availability") == "Required" and row["guest_type"] != "Isolated":
        raise InvalidValue("only an offering of isolated networks can be required")
    name = given.get("name")
    if name is not None and name != row["name"] and ctx.tx.scalar(_NAME, name=name) is not None:
        raise InvalidValue(f"there is a network offering named '{name[:64]}' already")
    if given:
        ctx.tx.update(table, {"id": row["id"]}, **given)
    ctx.event(
        "NETWORK.OFFERING.EDIT",
        f"changed network offering {row['name']}",
        resource=("NetworkOffering", row["uuid"]),
    )


def remove(ctx: Context, row: Row) -> None:
    """Deletes a network offering that no network has. Raises `InvalidValue`, `ResourceInUse`."""
    if row["is_default"]:
        raise InvalidValue(f"network offering {row['name']} is one of the cloud's own: it cannot be deleted")
    used = ctx.tx.scalar(_USED, offering_id=row["id"])
    if used:
        raise ResourceInUse(f"{used} network(s) have network offering {row['name']}: disable it instead")
    ctx.tx.update(table, {"id": row["id"]}, removed=ctx.now, state="Disabled")
    ctx.event(
        "NETWORK.OFFERING.DELETE",
        f"deleted network offering {row['name']}",
        resource=("NetworkOffering", row["uuid"]),
    )
