"""Ranges of addresses of the storage network: secondary storage machines have a card with one of them."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, select

from cloudsim.core.errors import InsufficientAddresses, InvalidValue, ResourceInUse
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.jobs.job import Order
from cloudsim.jobs.workflow import single
from cloudsim.services import access, address_plan, addressing
from cloudsim.services.context import Context
from cloudsim.services.listing import Listing, equals
from cloudsim.services.nouns import POD, STORAGE_RANGE

table, card, physical, kind = schema.storage_range, schema.system_nic, schema.physical_network, schema.traffic_type

LISTING = Listing(
    table,
    filters={
        "id": equals(table.c.id, "id"),
        "zone": equals(table.c.zone_id, "zone"),
        "pod": equals(table.c.pod_id, "pod"),
    },
    keyword=(table.c.start, table.c.end, table.c.gateway),
)
_ROWS = (
    select(table, schema.zone.c.uuid.label("zone_uuid"), schema.pod.c.uuid.label("pod_uuid"))
    .select_from(
        table.join(schema.zone, table.c.zone_id == schema.zone.c.id).join(schema.pod, table.c.pod_id == schema.pod.c.id)
    )
    .where(any_of(table.c.id, "ids"))
)
_TYPE = (
    select(kind.c.id)
    .select_from(kind.join(physical, kind.c.physical_network_id == physical.c.id))
    .where(
        physical.c.zone_id == bindparam("zone_id"),
        kind.c.type == "Storage",
        kind.c.removed.is_(None),
        physical.c.removed.is_(None),
    )
    .limit(1)
)
_OF_POD = select(table).where(table.c.pod_id == bindparam("pod_id"), table.c.removed.is_(None)).order_by(table.c.id)
_TAKEN = select(card.c.ip).where(
    card.c.pod_id == bindparam("pod_id"), card.c.kind == "Storage", card.c.removed.is_(None)
)


def page(ctx: Context, ids: Sequence[int]) -> list[Row]:
    """Ranges with their places, in the order of their ids."""
    rows = {row["id"]: row for row in ctx.tx.all(_ROWS, ids=ids)}
    return [rows[row_id] for row_id in ids if row_id in rows]


def take(ctx: Context, pod_id: int) -> dict[str, Any] | None:
    """A free address of a pod's storage network, as a card has it; None for a pod without such ranges.

    Raises `InsufficientAddresses`.
    """
    ranges = ctx.tx.all(_OF_POD, pod_id=pod_id)
    used = {row["ip"] for row in ctx.tx.all(_TAKEN, pod_id=pod_id)}
    for row in ranges:
        for number in range(int(ipaddress.IPv4Address(row["start"])), int(ipaddress.IPv4Address(row["end"])) + 1):
            if (text := str(ipaddress.IPv4Address(number))) not in used:
                vlan = None if row["vlan"] is None else str(row["vlan"])
                return {"ip": text, "netmask": row["netmask"], "gateway": row["gateway"], "vlan": vlan}
    if ranges:
        raise InsufficientAddresses("the storage network of the pod has no free address")
    return None


def _checked(
    ctx: Context, where: Row, gateway: str, netmask: str, start: str, end: str | None, vlan: int | None, but: int = 0
) -> dict[str, Any]:
    if ctx.tx.first(_TYPE, zone_id=where["zone_id"]) is None:
        raise InvalidValue("no physical network of the zone carries storage traffic")
    gateway = addressing.ip(gateway, "gateway") or ""
    found = addressing.address_range(gateway, netmask, start, end)
    address_plan.check(ctx, where["zone_id"], found, ("storage", but) if but else ("", 0))
    if vlan is not None and vlan not in addressing.VLANS:
        raise InvalidValue("vlan takes a number from 1 to 4094")
    address_plan.check_vlan(ctx, where["zone_id"], vlan)
    mask = str(addressing.network(gateway, netmask).netmask)
    return {"gateway": gateway, "netmask": mask, "start": str(found.start), "end": str(found.end), "vlan": vlan}


def create(ctx: Context, where: Row, **given: Any) -> str:
    """Orders a range for a pod; answers the job's uuid. Raises `InvalidValue`."""
    _checked(ctx, where, **given)
    uuid = ctx.uuid()
    return _order(ctx, "create", uuid, "making a range", pod_id=where["id"], uuid=uuid, given=given)


def _created(ctx: Context, pod_id: int, uuid: str, given: dict[str, Any]) -> dict[str, Any]:
    where = access.alive(ctx, POD, pod_id)
    made = ctx.tx.insert(
        table,
        {
            "uuid": uuid,
            "created": ctx.now,
            "removed": None,
            "zone_id": where["zone_id"],
            "pod_id": pod_id,
            **_checked(ctx, where, **given),
        },
    )
    return _told(ctx, made)


def _told(ctx: Context, range_id: int) -> dict[str, Any]:
    return {"storagenetworkiprange": ctx.present("storagenetworkiprange", range_id)[0]}


def _used(ctx: Context, row: Mapping[str, Any]) -> list[addressing.Range]:
    own = addressing.stored(row["start"], row["end"])
    cards = (addressing.stored(one["ip"], None) for one in ctx.tx.all(_TAKEN, pod_id=row["pod_id"]))
    return [one for one in cards if own.overlaps(one)]


def _changed(ctx: Context, row: Row, given: Mapping[str, Any]) -> dict[str, Any]:
    values = {name: row[name] for name in ("gateway", "netmask", "start", "end", "vlan")}
    values.update({name: value for name, value in given.items() if value is not None})
    where = access.alive(ctx, POD, row["pod_id"])
    new = _checked(ctx, where, **values, but=row["id"])
    used = _used(ctx, row)
    if used and any(new[name] != row[name] for name in ("netmask", "vlan")):
        raise ResourceInUse(f"{len(used)} addresses of the range are in use: netmask and VLAN stay")
    after = addressing.stored(new["start"], new["end"])
    for one in used:
        if not after.overlaps(one):
            raise ResourceInUse(f"address {one.start} is in use and would be outside the range")
    return new


def update(ctx: Context, row: Row, **given: Any) -> str:
    """Orders that a range is changed; what is None stays. Answers the job's uuid.

    Raises `InvalidValue`, `ResourceInUse`.
    """
    _changed(ctx, row, given)
    return _order(ctx, "update", row["uuid"], "changing a range", range_id=row["id"], given=given)


def _updated(ctx: Context, range_id: int, given: dict[str, Any]) -> dict[str, Any]:
    row = access.alive(ctx, STORAGE_RANGE, range_id)
    ctx.tx.update(table, {"id": range_id}, **_changed(ctx, row, given))
    return _told(ctx, range_id)


def _check_unused(ctx: Context, row: Row) -> None:
    used = _used(ctx, row)
    if used:
        raise ResourceInUse(f"{len(used)} addresses of the range are in use")


def delete(ctx: Context, row: Row) -> str:
    """Orders that a range goes; answers the job's uuid. Raises `ResourceInUse`."""
    _check_unused(ctx, row)
    return _order(ctx, "delete", row["uuid"], "removing a range", range_id=row["id"])


def _deleted(ctx: Context, range_id: int) -> dict[str, Any]:
    _check_unused(ctx, access.alive(ctx, STORAGE_RANGE, range_id))
    ctx.tx.update(table, {"id": range_id}, removed=ctx.now)
    return {"success": True}


def _order(ctx: Context, verb: str, instance: str, text: str, **arguments: Any) -> str:
    return ctx.submit(
        Order(
            command=ctx.command,
            workflow=f"storagerange.{verb}",
            arguments=arguments,
            instance_type="StorageNetworkIpRange",
            instance_uuid=instance,
            lock=f"storagerange:{instance}",
            event=f"STORAGE.IP.RANGE.{verb.upper()}",
            event_text=f"{text} of the storage network",
        )
    )


single("storagerange.create", _created)
single("storagerange.update", _updated)
single("storagerange.delete", _deleted)
