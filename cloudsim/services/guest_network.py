"""What zones allow of the networks that their machines share."""

from __future__ import annotations

from sqlalchemy import bindparam, select

from cloudsim.core.errors import InvalidValue
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.services import shared_network
from cloudsim.services.context import Context

physical_network, provider = schema.physical_network, schema.network_provider

_CARRIES_GUESTS = (
    select(physical_network)
    .select_from(
        physical_network.join(schema.traffic_type, schema.traffic_type.c.physical_network_id == physical_network.c.id)
    )
    .where(
        physical_network.c.zone_id == bindparam("zone_id"),
        physical_network.c.removed.is_(None),
        physical_network.c.state == "Enabled",
        schema.traffic_type.c.type == "Guest",
        schema.traffic_type.c.removed.is_(None),
    )
    .order_by(physical_network.c.id)
)
_ENABLED = select(provider.c.name, provider.c.services).where(
    provider.c.physical_network_id == bindparam("network_id"),
    provider.c.state == "Enabled",
    provider.c.removed.is_(None),
)


def choose(ctx: Context, zone: Row, offered: Row) -> Row:
    """The physical network that networks of an offering go to: the zone's only one for guests, else by their tags.

    Raises `InvalidValue`.
    """
    found = ctx.tx.all(_CARRIES_GUESTS, zone_id=zone["id"])
    if not found:
        raise InvalidValue(f"zone {zone['name']} has no enabled physical network that carries guest traffic")
    if len(found) == 1:
        return found[0]
    wanted = set(offered["tags"] or ())
    if not wanted:
        raise InvalidValue(
            f"zone {zone['name']} has {len(found)} physical networks for guests, and network offering "
            f"{offered['name']} has no tags that say which"
        )
    for row in found:
        if wanted <= {tag.strip() for tag in (row["tags"] or "").split(",")}:
            return row
    raise InvalidValue(f"no physical network of zone {zone['name']} has the tags {', '.join(sorted(wanted))}")


def check(
    ctx: Context, zone: Row, offered: Row, physical: Row | None, acl_type: str | None, addresses: str | None
) -> Row:
    """Whether a network of an offering may be made in a zone; answers the physical network it goes to.

    Raises `InvalidValue`.
    """
    shared, secured = offered["guest_type"] == "Shared", shared_network.secured(offered["services"])
    names = {service["name"] for service in offered["services"]}
    if zone["network_type"] == "Basic":
        _check_basic(ctx, zone, shared, names, acl_type, addresses)
    elif zone["security_groups"]:
        if not shared or "SourceNat" in names:
            raise InvalidValue("an advanced zone with security groups has shared networks without source NAT only")
    elif secured:
        raise InvalidValue(f"zone {zone['name']} has no security groups, and offering {offered['name']} needs them")
    if physical is None:
        physical = choose(ctx, zone, offered)
    check_providers(ctx, offered, physical)
    return physical


def _check_basic(
    ctx: Context, zone: Row, shared: bool, names: set[str], acl_type: str | None, addresses: str | None
) -> None:
    if not shared or "SourceNat" in names:
        raise InvalidValue("a basic zone has one shared network without source NAT, and no others")
    if acl_type is not None and acl_type != "Domain":
        raise InvalidValue("the network of a basic zone is for everybody: acltype is Domain")
    if addresses:
        raise InvalidValue("the network of a basic zone gets its addresses with the ranges of pods (createVlanIpRange)")
    if shared_network.of_zone(ctx, zone):
        raise InvalidValue(f"basic zone {zone['name']} has its network already")


def check_providers(ctx: Context, offered: Row, physical: Row) -> None:
    """Raises `InvalidValue` where nobody who may provides a service on a physical network."""
    enabled = {row["name"] for row in ctx.tx.all(_ENABLED, network_id=physical["id"])}
    for service in offered["services"]:
        wanted = [one["name"] for one in service.get("provider", [])]
        if wanted and not enabled.intersection(wanted):
            raise InvalidValue(
                f"service {service['name']} needs provider {' or '.join(wanted)} enabled on physical network "
                f"{physical['name']}"
            )
