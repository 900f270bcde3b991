"""Snapshots of volumes, as they are listed: one entry for each place that a copy of one lies in.

A snapshot is made in the pool of its volume and, unless it was asked for there, copied to an image store; it outlives its
volume. `snapshot_orders` is about what is asked of them, `snapshot_workflows` about how that is done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import BigInteger, Table, and_, bindparam, exists, func, or_, select, type_coerce
from sqlalchemy import cast as sql_cast

from cloudsim.core import states
from cloudsim.core.errors import InvalidValue, OperationFailed
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import Big, any_of
from cloudsim.db.virtualmachine import TAGS, grouped
from cloudsim.services.context import Context
from cloudsim.services.listing import Listing, equals

table, store, volume = schema.snapshot, schema.snapshot_store, schema.volume

MANUAL = "MANUAL"
#: What policies make, and how `listSnapshots` names all of it.
RECURRING = ("HOURLY", "DAILY", "WEEKLY", "MONTHLY")
PRIMARY, SECONDARY = "PRIMARY", "SECONDARY"
#: While it is in one of these, a machine has no snapshot made of it.
BUSY = ("Allocated", "Creating", "CreatedOnPrimary", "BackingUp")

#: The id of an entry is the snapshot's id and, above it, the copy's (0: there is none yet), so that a snapshot's own id
#: is an entry as well: the snapshot in the first of its places.
_COPY = 2**32
_OTHER = store.alias("other")
_IN_PLACE = and_(store.c.snapshot_id == table.c.id, store.c.state == "Ready")
_ENTRIES = (
    select(
        (table.c.id + func.coalesce(sql_cast(store.c.id, BigInteger), 0) * type_coerce(_COPY, BigInteger)).label("id"),
        table.c.id.label("snapshot_id"),
        table.c.name,
        table.c.volume_id,
        table.c.account_id,
        table.c.domain_id,
        table.c.interval_type,
        table.c.policy_id,
        table.c.removed.label("gone"),
        func.coalesce(store.c.zone_id, table.c.zone_id).label("zone_id"),
        store.c.role,
        store.c.pool_id,
        store.c.store_id,
        exists()
        .where(_OTHER.c.snapshot_id == table.c.id, _OTHER.c.state == "Ready", _OTHER.c.id < store.c.id)
        .label("again"),
    )
    .select_from(table.outerjoin(store, _IN_PLACE))
    .subquery("entries")
)
_E = _ENTRIES.c
LISTING = Listing(
    cast(Table, _ENTRIES),
    filters={
        "id": equals(_E.snapshot_id, "id"),
        "ids": any_of(_E.snapshot_id, "ids"),
        "tagged": any_of(_E.snapshot_id, "tagged"),
        "name": equals(_E.name, "name"),
        "volume": equals(_E.volume_id, "volume"),
        "zone": equals(_E.zone_id, "zone"),
        "types": any_of(_E.interval_type, "types"),
        "role": equals(_E.role, "role"),
        "pool": equals(_E.pool_id, "pool"),
        "store": equals(_E.store_id, "store"),
        "unique": ~_E.again,
    },
    keyword=(_E.name,),
    base=(_E.gone.is_(None),),
    order=(_E.id,),
    owner=(_E.account_id, _E.domain_id),
)
_TAGGED = select(schema.tag.c.resource_id).where(
    schema.tag.c.resource_type == "Snapshot",
    schema.tag.c.key == bindparam("key"),
    schema.tag.c.value == bindparam("value"),
)
_ROWS = (
    select(
        table,
        volume.c.uuid.label("volume_uuid"),
        volume.c.name.label("volume_name"),
        volume.c.type.label("volume_type"),
        volume.c.state.label("volume_state"),
        volume.c.removed.label("volume_removed"),
        schema.zone.c.uuid.label("zone_uuid"),
        schema.zone.c.name.label("zone_name"),
        schema.account.c.name.label("account_name"),
        schema.account.c.project_uuid,
        schema.account.c.project_name,
        schema.domain.c.uuid.label("domain_uuid"),
        schema.domain.c.name.label("domain_name"),
        schema.domain.c.path.label("domain_path"),
        schema.guest_os.c.uuid.label("os_uuid"),
        schema.guest_os.c.name.label("os_name"),
    )
    .select_from(
        table.join(volume, table.c.volume_id == volume.c.id)
        .join(schema.zone, table.c.zone_id == schema.zone.c.id)
        .join(schema.account, table.c.account_id == schema.account.c.id)
        .join(schema.domain, table.c.domain_id == schema.domain.c.id)
        .outerjoin(schema.guest_os, table.c.guest_os_id == schema.guest_os.c.id)
    )
    .where(any_of(table.c.id, "ids"))
)
_PLACES = (
    select(
        store,
        schema.zone.c.uuid.label("zone_uuid"),
        schema.zone.c.name.label("zone_name"),
        schema.storage_pool.c.uuid.label("pool_uuid"),
        schema.storage_pool.c.name.label("pool_name"),
        schema.image_store.c.uuid.label("store_uuid"),
        schema.image_store.c.name.label("store_name"),
        schema.image_store.c.url.label("store_url"),
    )
    .select_from(
        store.join(schema.zone, store.c.zone_id == schema.zone.c.id)
        .outerjoin(schema.storage_pool, store.c.pool_id == schema.storage_pool.c.id)
        .outerjoin(schema.image_store, store.c.store_id == schema.image_store.c.id)
    )
    .where(any_of(store.c.snapshot_id, "ids"))
    .order_by(store.c.id)
)
_BUSY_OF = (
    select(table.c.name)
    .select_from(table.join(volume, table.c.volume_id == volume.c.id))
    .where(
        volume.c.vm_id == bindparam("vm_id", type_=Big),
        table.c.removed.is_(None),
        or_(*(table.c.state == state for state in BUSY)),
    )
    .limit(1)
)

_ANY_OF = (
    select(volume.c.name)
    .select_from(table.join(volume, table.c.volume_id == volume.c.id))
    .where(volume.c.vm_id == bindparam("vm_id", type_=Big), table.c.removed.is_(None))
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A snapshot in one place."""

    row: Row
    #: The copy, with what it lies in; None where there is none yet.
    place: Row | None
    #: How many copies there are.
    copies: int
    tags: list[Row]


def types(snapshottype: str | None, intervaltype: str | None) -> list[str] | None:
    """The interval types that are asked for. Raises `InvalidValue`."""
    if snapshottype is not None:
        word = snapshottype.upper()
        if word == "RECURRING":
            return list(RECURRING)
    elif intervaltype is not None:
        word = intervaltype.upper()
    else:
        return None
    if word in ("TEMPLATE", "GROUP"):
        return []
    if word not in (MANUAL, *RECURRING):
        raise InvalidValue(
            f"a type of snapshots is {MANUAL}, RECURRING, TEMPLATE, GROUP or one of {', '.join(RECURRING)}, "
            f"not '{word[:64]}'"
        )
    return [word]


def tagged(ctx: Context, tags: Mapping[str, str]) -> list[int]:
    """Ids of the snapshots that have one of the tags."""
    found: set[int] = set()
    for key, value in tags.items():
        found.update(row["resource_id"] for row in ctx.tx.all(_TAGGED, key=key, value=value))
    return sorted(found)


def page(ctx: Context, ids: Sequence[int]) -> list[Entry]:
    """Entries in the order of their ids; a snapshot's own id means the first of its places."""
    wanted = [(entry % _COPY, entry // _COPY) for entry in ids]
    own = sorted({snapshot_id for snapshot_id, _ in wanted})
    rows = {row["id"]: row for row in ctx.tx.all(_ROWS, ids=own)}
    found = grouped(places(ctx, own), "snapshot_id")
    tags = grouped(ctx.tx.all(TAGS, kind="Snapshot", ids=own), "resource_id")
    made = []
    for snapshot_id, copy_id in wanted:
        row = rows.get(snapshot_id)
        if row is not None:
            ready = [one for one in found.get(snapshot_id, []) if one["state"] == "Ready"]
            place = next((one for one in ready if copy_id in (0, one["id"])), None)
            made.append(Entry(row, place, len(ready), tags.get(snapshot_id, [])))
    return made


def places(ctx: Context, ids: Sequence[int]) -> list[Row]:
    """The copies of snapshots, those under way as well, with what they lie in; oldest first."""
    return ctx.tx.all(_PLACES, ids=list(ids))


def ready_place(ctx: Context, row: Row, zone_id: int | None = None) -> Row:
    """The copy that something can be made of: one in the pool before one on an image store. Raises `InvalidValue`.

    In `zone_id`, or where the volume was.
    """
    wanted = row["zone_id"] if zone_id is None else zone_id
    ready = [one for one in places(ctx, [row["id"]]) if one["state"] == "Ready" and one["zone_id"] == wanted]
    if row["state"] not in ("BackedUp", "Copying") or not ready:
        raise InvalidValue(f"snapshot {row['name']} is {row['state']}, or has no copy in that zone")
    return min(ready, key=lambda one: (one["role"] != "Primary", one["id"]))


def move(ctx: Context, row: Row, event: str, **values: Any) -> Row:
    """Takes a snapshot to the state after `event`. Raises `IllegalTransition`, `OperationFailed`."""
    changed = {"state": states.snapshot.next(row["state"], event), "update_count": row["update_count"] + 1, **values}
    if ctx.tx.update(table, {"id": row["id"], "update_count": row["update_count"]}, **changed) != 1:
        raise OperationFailed(f"snapshot {row['uuid']} was changed by someone else meanwhile")
    return {**row, **changed}


def refuse_while_any(ctx: Context, vm_id: int, what: str) -> None:
    """Raises `InvalidValue` where there are snapshots of a machine's volumes."""
    name = ctx.tx.scalar(_ANY_OF, vm_id=vm_id)
    if name is not None:
        raise InvalidValue(f"volume {name} of the virtual machine has snapshots (deleteSnapshot removes them): {what}")


def refuse_while_made(ctx: Context, vm_id: int, what: str) -> None:
    """Raises `OperationFailed` while a snapshot of one of a machine's volumes is made."""
    name = ctx.tx.scalar(_BUSY_OF, vm_id=vm_id)
    if name is not None:
        raise OperationFailed(f"snapshot {name} of a volume of the virtual machine is being made: {what}")
