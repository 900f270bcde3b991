"""Ranges of portable addresses: they belong to a region, and may serve a network of any of its zones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, func, select

from cloudsim.core.errors import InvalidValue, ResourceInUse
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.db.virtualmachine import grouped
from cloudsim.jobs.job import Order
from cloudsim.jobs.workflow import single
from cloudsim.services import access, address_plan, addressing, region
from cloudsim.services.context import Context
from cloudsim.services.listing import Listing, equals
from cloudsim.services.nouns import PORTABLE_RANGE

table, address = schema.portable_range, schema.portable_ip
#: How many addresses one range may have.
MOST = 65_536

LISTING = Listing(
    table,
    filters={"id": equals(table.c.id, "id"), "region": equals(table.c.region, "region")},
    keyword=(table.c.tag, table.c.gateway, table.c.start),
)
_ROWS = select(table).where(any_of(table.c.id, "ids"))
_ADDRESSES = (
    select(
        address,
        schema.account.c.uuid.label("account_uuid"),
        schema.domain.c.uuid.label("domain_uuid"),
        schema.zone.c.uuid.label("zone_uuid"),
        schema.physical_network.c.uuid.label("physical_uuid"),
        schema.network.c.uuid.label("network_uuid"),
    )
    .select_from(
        address.outerjoin(schema.account, address.c.account_id == schema.account.c.id)
        .outerjoin(schema.domain, address.c.domain_id == schema.domain.c.id)
        .outerjoin(schema.zone, address.c.zone_id == schema.zone.c.id)
        .outerjoin(schema.physical_network, address.c.physical_network_id == schema.physical_network.c.id)
        .outerjoin(schema.network, address.c.network_id == schema.network.c.id)
    )
    .where(any_of(address.c.range_id, "ids"))
    .order_by(address.c.id)
)
_TAGGED = select(schema.vlan.c.id).where(schema.vlan.c.tag == bindparam("tag"), schema.vlan.c.removed.is_(None))
_TAKEN = select(func.count()).where(address.c.range_id == bindparam("range_id"), address.c.state != "Free")
_DROP = address.delete().where(address.c.range_id == bindparam("which"))


def page(ctx: Context, ids: Sequence[int]) -> list[tuple[Row, list[Row]]]:
    """Ranges with their addresses, in the order of their ids."""
    rows = {row["id"]: row for row in ctx.tx.all(_ROWS, ids=ids)}
    addresses = grouped(ctx.tx.all(_ADDRESSES, ids=ids), "range_id")
    return [(rows[row_id], addresses.get(row_id, [])) for row_id in ids if row_id in rows]


def _checked(
    ctx: Context, region_id: int, gateway: str, netmask: str, start: str, end: str, vlan: str | None
) -> tuple[dict[str, Any], addressing.Range]:
    region.found(ctx, region_id)
    gateway = addressing.ip(gateway, "gateway") or ""
    found = addressing.address_range(gateway, netmask, start, end)
    if int(found.end) - int(found.start) >= MOST:
        raise InvalidValue(f"a range has {MOST} addresses at most")
    address_plan.check(ctx, None, found)
    tag = addressing.vlan_tag(vlan)
    number = address_plan.number_of(tag)
    address_plan.check_vlan(ctx, None, number)
    if number is not None and ctx.tx.first(_TAGGED, tag=tag) is not None:
        raise InvalidValue(f"VLAN {number} has a range of addresses of a zone")
    values = {
        "region": region_id,
        "gateway": gateway,
        "netmask": str(addressing.network(gateway, netmask).netmask),
        "start": str(found.start),
        "end": str(found.end),
        "tag": tag,
    }
    return values, found


def create(ctx: Context, **given: Any) -> str:
    """Orders a range; answers the job's uuid. Raises `InvalidValue`."""
    _checked(ctx, **given)
    uuid, text = ctx.uuid(), f"making portable range {given['start']}-{given['end']}"
    return _order(ctx, "create", uuid, text, uuid=uuid, given=given)


def _created(ctx: Context, uuid: str, given: dict[str, Any]) -> dict[str, Any]:
    values, found = _checked(ctx, **given)
    made = ctx.tx.insert(table, {"uuid": uuid, "created": ctx.now, "removed": None, **values})
    nobody = dict.fromkeys(("account_id", "domain_id", "zone_id", "physical_network_id", "network_id", "allocated"))
    ctx.tx.insert_many(
        address, [{"range_id": made, "address": text, "state": "Free", **nobody} for text in found.addresses()]
    )
    return {"portableiprange": ctx.present("portableiprange", made)[0]}


def _check_unused(ctx: Context, row: Row) -> None:
    number = ctx.tx.scalar(_TAKEN, range_id=row["id"])
    if number:
        raise ResourceInUse(f"{number} addresses of the range are given away: release them first")


def delete(ctx: Context, row: Row) -> str:
    """Orders that a range goes; answers the job's uuid. Raises `ResourceInUse`."""
    _check_unused(ctx, row)
    text = f"removing portable range {row['start']}-{row['end']}"
    return _order(ctx, "delete", row["uuid"], text, range_id=row["id"])


def _deleted(ctx: Context, range_id: int) -> dict[str, Any]:
    _check_unused(ctx, access.alive(ctx, PORTABLE_RANGE, range_id))
    ctx.tx.execute(_DROP, which=range_id)
    ctx.tx.update(table, {"id": range_id}, removed=ctx.now)
    return {"success": True}


def _order(ctx: Context, verb: str, instance: str, text: str, **arguments: Any) -> str:
    return ctx.submit(
        Order(
            command=ctx.command,
            workflow=f"portablerange.{verb}",
            arguments=arguments,
            instance_type="PortableIpRange",
            instance_uuid=instance,
            lock=f"portablerange:{instance}",
            event=f"PORTABLE.IP.RANGE.{verb.upper()}",
            event_text=text,
        )
    )


single("portablerange.create", _created)
single("portablerange.delete", _deleted)
