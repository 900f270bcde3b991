"""The addresses that a cloud's own networks have, whoever they are for: no two ranges may have one of them."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import bindparam, select

from cloudsim.core.errors import InvalidValue
from cloudsim.db import schema
from cloudsim.services.addressing import Range, stored, tagged
from cloudsim.services.context import Context

pod, vlan, storage, portable = schema.pod, schema.vlan, schema.storage_range, schema.portable_range

_EVERYWHERE = {
    "pod": select(pod).where(pod.c.removed.is_(None)),
    "public": select(vlan).where(
        vlan.c.type == "VirtualNetwork", vlan.c.portable_range_id.is_(None), vlan.c.removed.is_(None)
    ),
    "storage": select(storage).where(storage.c.removed.is_(None)),
}
_IN_ZONE = {
    "pod": _EVERYWHERE["pod"].where(pod.c.zone_id == bindparam("zone_id")),
    "public": _EVERYWHERE["public"].where(vlan.c.zone_id == bindparam("zone_id")),
    "storage": _EVERYWHERE["storage"].where(storage.c.zone_id == bindparam("zone_id")),
}
_PORTABLE = select(portable).where(portable.c.removed.is_(None))
_VNET = (
    select(schema.vnet.c.vlan)
    .select_from(
        schema.vnet.join(schema.physical_network, schema.vnet.c.physical_network_id == schema.physical_network.c.id)
    )
    .where(schema.vnet.c.vlan == bindparam("number"))
    .limit(1)
)
_VNET_IN_ZONE = _VNET.where(schema.physical_network.c.zone_id == bindparam("zone_id"))


def _ranges(ctx: Context, zone_id: int | None) -> Iterator[tuple[str, int, Range, str]]:
    where = _EVERYWHERE if zone_id is None else _IN_ZONE
    values = {} if zone_id is None else {"zone_id": zone_id}
    for row in ctx.tx.all(where["pod"], values):
        for part in row["ranges"]:
            yield "pod", row["id"], stored(part["start"], part.get("end")), f"a range of pod {row['name']}"
    for row in ctx.tx.all(where["public"], values):
        if row["start"] is not None:
            yield "public", row["id"], stored(row["start"], row["end"]), "a range of public addresses"
    for row in ctx.tx.all(where["storage"], values):
        yield "storage", row["id"], stored(row["start"], row["end"]), "a range of the storage network"
    for row in ctx.tx.all(_PORTABLE):
        yield "portable", row["id"], stored(row["start"], row["end"]), "a range of portable addresses"


def check(ctx: Context, zone_id: int | None, found: Range, but: tuple[str, int] = ("", 0)) -> None:
    """Raises `InvalidValue` where a range has an address of another one of the zone (None: of any zone).

    `but` is what is not compared with: kind (pod, public, storage, portable) and id; with the id 0 the whole kind.
    """
    for kind, row_id, theirs, label in _ranges(ctx, zone_id):
        if kind == but[0] and but[1] in (0, row_id):
            continue
        if found.overlaps(theirs):
            raise InvalidValue(f"{found} overlaps {theirs}, {label}")


def check_vlan(ctx: Context, zone_id: int | None, number: int | None) -> None:
    """Raises `InvalidValue` for a VLAN that guest networks of the zone (None: of any zone) may get."""
    if number is None:
        return
    if zone_id is None:
        found = ctx.tx.first(_VNET, number=number)
    else:
        found = ctx.tx.first(_VNET_IN_ZONE, number=number, zone_id=zone_id)
    if found is not None:
        raise InvalidValue(f"VLAN {number} belongs to those that networks of accounts get")


def number_of(tag: str) -> int | None:
    """The VLAN of a stored tag (``vlan://50``), None for an untagged one."""
    return next(iter(tagged([tag])), None)
