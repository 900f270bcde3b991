"""Pods."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, func, select

from cloudsim.core.errors import InvalidValue, ResourceInUse
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.services import access, address_plan, addressing, dedication, pod_range
from cloudsim.services.context import Context
from cloudsim.services.listing import Listing, equals
from cloudsim.services.nouns import POD

pod = schema.pod

LISTING = Listing(
    pod,
    filters={
        "id": equals(pod.c.id, "id"),
        "name": equals(pod.c.name, "name"),
        "zone": equals(pod.c.zone_id, "zone"),
        "state": equals(pod.c.allocation_state, "state"),
        "none": pod.c.id < 0,
    },
    keyword=(pod.c.name,),
    order=(pod.c.name, pod.c.id),
)
_ROWS = (
    select(pod, schema.zone.c.uuid.label("zone_uuid"), schema.zone.c.name.label("zone_name"))
    .select_from(pod.join(schema.zone, pod.c.zone_id == schema.zone.c.id))
    .where(any_of(pod.c.id, "ids"))
)
_NAMED = select(pod.c.id).where(
    pod.c.zone_id == bindparam("zone_id"), pod.c.name == bindparam("name"), pod.c.removed.is_(None)
)
_TAKEN_BY_SYSTEM = select(schema.system_nic.c.ip).where(
    schema.system_nic.c.pod_id == bindparam("pod_id"), schema.system_nic.c.removed.is_(None)
)
_OTHERS = select(pod).where(
    pod.c.zone_id == bindparam("zone_id"), pod.c.id != bindparam("but"), pod.c.removed.is_(None)
)
#: What keeps a pod from being removed.
_IN_POD = {
    label: select(func.count()).where(table.c.pod_id == bindparam("pod_id"), table.c.removed.is_(None))
    for label, table in (
        ("hosts", schema.host),
        ("clusters", schema.cluster),
        ("storage pools", schema.storage_pool),
        ("ranges of addresses", schema.vlan),
        ("ranges of the storage network", schema.storage_range),
    )
}


def page(ctx: Context, ids: Sequence[int]) -> list[Row]:
    """Pods with the names of their zones, in the order of their ids."""
    rows = {row["id"]: row for row in ctx.tx.all(_ROWS, ids=ids)}
    return [rows[row_id] for row_id in ids if row_id in rows]


def free_address(ctx: Context, row: Row) -> str | None:
    """The first address of a pod for a host; None when all are taken."""
    return pod_range.free(ctx, row, system=False)


def create(
    ctx: Context,
    zone: Row,
    name: str,
    *,
    gateway: str | None,
    netmask: str | None,
    start: str | None,
    end: str | None,
    enabled: bool,
) -> int:
    """Makes a pod; answers its id. Raises `InvalidValue`."""
    _check_name(ctx, zone["id"], name)
    if gateway is None or netmask is None or start is None:
        raise InvalidValue("a pod needs gateway, netmask and startip")
    gateway = addressing.ip(gateway, "gateway") or ""
    within = addressing.network(gateway, netmask)
    found = addressing.address_range(gateway, netmask, start, end or str(within.broadcast_address - 1))
    _check_others(ctx, zone["id"], 0, within)
    address_plan.check(ctx, zone["id"], found, ("pod", 0))
    row_id = ctx.tx.insert(
        pod,
        uuid=ctx.uuid(),
        created=ctx.now,
        removed=None,
        name=name,
        zone_id=zone["id"],
        gateway=gateway,
        netmask=str(within.netmask),
        ranges=[_part(found)],
        allocation_state="Enabled" if enabled else "Disabled",
    )
    ctx.event("POD.CREATE", f"pod {name} is made", resource=("Pod", access.row(ctx, POD, row_id)["uuid"]))
    return row_id


def _part(found: addressing.Range) -> dict[str, Any]:
    return {"start": str(found.start), "end": str(found.end), "forsystemvms": False, "vlan": "untagged"}


def update(
    ctx: Context,
    row: Row,
    *,
    name: str | None = None,
    gateway: str | None = None,
    netmask: str | None = None,
    start: str | None = None,
    end: str | None = None,
    state: str | None = None,
) -> None:
    """Changes a pod; what is None stays. Raises `InvalidValue`, `ResourceInUse` for addresses that hosts have."""
    changed: dict[str, Any] = {}
    if name is not None and name != row["name"]:
        _check_name(ctx, row["zone_id"], name)
        changed["name"] = name
    if state is not None:
        changed["allocation_state"] = state
    if any(value is not None for value in (gateway, netmask, start, end)):
        at = addressing.ip(gateway, "gateway") or row["gateway"]
        within = addressing.network(at, netmask or row["netmask"])
        _check_others(ctx, row["zone_id"], row["id"], within)
        first, *others = row["ranges"]
        found = addressing.address_range(at, str(within.netmask), start or first["start"], end or first.get("end"))
        for other in others:
            addressing.address_range(at, str(within.netmask), other["start"], other.get("end"))
            if found.overlaps(addressing.stored(other["start"], other.get("end"))):
                raise InvalidValue(f"the pod has the addresses {other['start']}-{other.get('end')} in another range")
        address_plan.check(ctx, row["zone_id"], found, ("pod", 0))
        ranges = [{**first, "start": str(found.start), "end": str(found.end)}, *others]
        parts = [addressing.stored(part["start"], part.get("end")) for part in ranges]
        before = [addressing.stored(part["start"], part.get("end")) for part in row["ranges"]]
        for address in pod_range.addresses(ctx, row["id"]):
            if any(part.overlaps(address) for part in before) and not any(part.overlaps(address) for part in parts):
                raise ResourceInUse(f"address {address.start} of the pod is in use and would be outside")
        changed.update(gateway=at, netmask=str(within.netmask), ranges=ranges)
    if changed:
        ctx.tx.update(pod, {"id": row["id"]}, **changed)
    ctx.event("POD.EDIT", f"pod {row['name']} is changed", resource=("Pod", row["uuid"]))


def delete(ctx: Context, row: Row) -> None:
    """Removes a pod that has no clusters and no storage. Raises `ResourceInUse`."""
    for label, statement in _IN_POD.items():
        number = ctx.tx.scalar(statement, pod_id=row["id"])
        if number:
            raise ResourceInUse(f"pod {row['name']} has {number} {label}: remove them first")
    pod_range.check_unused(ctx, row)
    dedication.end_of_place(ctx, "Pod", row["id"])
    ctx.tx.update(pod, {"id": row["id"]}, removed=ctx.now)
    ctx.event("POD.DELETE", f"pod {row['name']} is removed", resource=("Pod", row["uuid"]))


def _check_name(ctx: Context, zone_id: int, name: str) -> None:
    if not name.strip():
        raise InvalidValue("a pod needs a name")
    if ctx.tx.scalar(_NAMED, zone_id=zone_id, name=name) is not None:
        raise InvalidValue(f"the zone has a pod named '{name}' already")


def _check_others(ctx: Context, zone_id: int, but: int, within: ipaddress.IPv4Network) -> None:
    for other in ctx.tx.all(_OTHERS, zone_id=zone_id, but=but):
        if within.overlaps(addressing.network(other["gateway"], other["netmask"])):
            raise InvalidValue(f"{within} overlaps the addresses of pod {other['name']}")


__all__ = ["LISTING", "create", "delete", "free_address", "page", "update"]
