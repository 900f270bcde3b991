"""VLANs of guest networks: which are free, whose they are, and ranges of them that are kept for one account."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Integer, bindparam, select

from cloudsim.core.errors import InsufficientAddresses, InvalidValue, ResourceInUse
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.jobs.job import Order
from cloudsim.jobs.workflow import single
from cloudsim.services import access, addressing
from cloudsim.services.context import Context
from cloudsim.services.listing import Listing, equals
from cloudsim.services.nouns import GUEST_VLAN_RANGE

vnet, table, network, physical = schema.vnet, schema.guest_range, schema.network, schema.physical_network

LISTING = Listing(
    vnet,
    source=vnet.join(physical, vnet.c.physical_network_id == physical.c.id),
    filters={
        "id": equals(vnet.c.id, "id"),
        "vlan": equals(vnet.c.vlan, "vlan"),
        "zone": equals(physical.c.zone_id, "zone"),
        "physical": equals(vnet.c.physical_network_id, "physical"),
        "allocated": vnet.c.network_id.is_not(None),
    },
    keyword=(physical.c.name,),
    order=(vnet.c.physical_network_id, vnet.c.vlan),
)
RANGES = Listing(
    table,
    source=table.join(physical, table.c.physical_network_id == physical.c.id),
    filters={
        "id": equals(table.c.id, "id"),
        "first": equals(table.c.first, "first"),
        "last": equals(table.c.last, "last"),
        "zone": equals(physical.c.zone_id, "zone"),
        "physical": equals(table.c.physical_network_id, "physical"),
        "account": equals(table.c.account_id, "account"),
        "domain": equals(table.c.domain_id, "domain"),
    },
    base=(table.c.removed.is_(None),),
    keyword=(physical.c.name,),
)
_OWNER = (
    schema.account.c.name.label("account_name"),
    schema.account.c.project_uuid,
    schema.account.c.project_name,
    schema.domain.c.uuid.label("domain_uuid"),
    schema.domain.c.name.label("domain_name"),
    schema.domain.c.path.label("domain_path"),
)
_WHOSE = schema.account.join(schema.domain, schema.account.c.domain_id == schema.domain.c.id)
_ROWS = (
    select(
        vnet,
        physical.c.uuid.label("physical_uuid"),
        physical.c.name.label("physical_name"),
        schema.zone.c.uuid.label("zone_uuid"),
        schema.zone.c.name.label("zone_name"),
        network.c.uuid.label("network_uuid"),
        network.c.name.label("network_name"),
        *_OWNER,
    )
    .select_from(
        vnet.join(physical, vnet.c.physical_network_id == physical.c.id)
        .join(schema.zone, physical.c.zone_id == schema.zone.c.id)
        .outerjoin(network, vnet.c.network_id == network.c.id)
        .outerjoin(table, vnet.c.guest_range_id == table.c.id)
        # whose it is: kept for, else used by
        .outerjoin(
            schema.account,
            (table.c.account_id == schema.account.c.id)
            | (table.c.id.is_(None) & (network.c.account_id == schema.account.c.id)),
        )
        .outerjoin(schema.domain, schema.account.c.domain_id == schema.domain.c.id)
    )
    .where(any_of(vnet.c.id, "ids"))
)
_RANGE_ROWS = (
    select(table, physical.c.zone_id, *_OWNER)
    .select_from(
        table.join(physical, table.c.physical_network_id == physical.c.id).join(
            _WHOSE, table.c.account_id == schema.account.c.id
        )
    )
    .where(any_of(table.c.id, "ids"))
)
_FREE = (
    select(vnet)
    .where(
        vnet.c.physical_network_id == bindparam("physical_network_id"),
        vnet.c.network_id.is_(None),
        vnet.c.guest_range_id.is_(None),
    )
    .order_by(vnet.c.vlan)
    .limit(1)
)
_MINE = select(table.c.id).where(
    table.c.physical_network_id == bindparam("physical_network_id"),
    table.c.account_id == bindparam("account_id"),
    table.c.removed.is_(None),
)
_FREE_OF = (
    select(vnet)
    .where(any_of(vnet.c.guest_range_id, "ranges"), vnet.c.network_id.is_(None))
    .order_by(vnet.c.vlan)
    .limit(1)
)
_WITHIN = (
    select(vnet.c.id, vnet.c.vlan, vnet.c.guest_range_id, network.c.account_id)
    .select_from(vnet.outerjoin(network, vnet.c.network_id == network.c.id))
    .where(
        vnet.c.physical_network_id == bindparam("physical_network_id"),
        vnet.c.vlan >= bindparam("first", type_=Integer),
        vnet.c.vlan <= bindparam("last", type_=Integer),
    )
    .order_by(vnet.c.vlan)
)
_CHOSEN = select(network.c.vlan).where(
    network.c.physical_network_id == bindparam("physical_network_id"),
    network.c.account_id != bindparam("account_id"),
    network.c.removed.is_(None),
    network.c.vlan >= bindparam("first", type_=Integer),
    network.c.vlan <= bindparam("last", type_=Integer),
)
_MARK = (
    vnet.update()
    .where(any_of(vnet.c.id, "ids"))
    .values(guest_range_id=bindparam("range_id", type_=vnet.c.guest_range_id.type))
)
_OPEN = vnet.update().where(vnet.c.guest_range_id == bindparam("which")).values(guest_range_id=None)
_OF_ACCOUNT = select(table).where(table.c.account_id == bindparam("account_id"), table.c.removed.is_(None))
_OF_PHYSICAL = select(table).where(
    table.c.physical_network_id == bindparam("physical_network_id"), table.c.removed.is_(None)
)
_KEPT = (
    select(table.c.account_id)
    .select_from(table.join(physical, table.c.physical_network_id == physical.c.id))
    .where(
        physical.c.zone_id == bindparam("zone_id"),
        table.c.removed.is_(None),
        table.c.first <= bindparam("number", type_=Integer),
        table.c.last >= bindparam("number", type_=Integer),
    )
)
_CLAIM = (
    vnet.update()
    .where(
        vnet.c.physical_network_id == bindparam("where"),
        vnet.c.vlan == bindparam("number", type_=Integer),
        vnet.c.network_id.is_(None),
    )
    .values(
        network_id=bindparam("which", type_=vnet.c.network_id.type), taken=bindparam("now", type_=vnet.c.taken.type)
    )
)


def page(ctx: Context, ids: Sequence[int]) -> list[Row]:
    """VLANs with their places, networks and owners, in the order of their ids."""
    rows = {row["id"]: row for row in ctx.tx.all(_ROWS, ids=ids)}
    return [rows[row_id] for row_id in ids if row_id in rows]


def ranges(ctx: Context, ids: Sequence[int]) -> list[Row]:
    """Dedicated ranges with their owners, in the order of their ids."""
    rows = {row["id"]: row for row in ctx.tx.all(_RANGE_ROWS, ids=ids)}
    return [rows[row_id] for row_id in ids if row_id in rows]


# -- networks take them


def take(ctx: Context, found: Row) -> int:
    """A free VLAN for a network, which has it from here on: of its owner's ranges first, never of others'.

    Raises `InsufficientAddresses`.
    """
    where, owner = found["physical_network_id"], found["account_id"]
    mine = [row["id"] for row in ctx.tx.all(_MINE, physical_network_id=where, account_id=owner)]
    free = ctx.tx.first(_FREE_OF, ranges=mine) if mine else None
    if free is None and (not mine or ctx.settings.flag("use.system.guest.vlans", ("Account", owner))):
        free = ctx.tx.first(_FREE, physical_network_id=where)
    if free is None:
        raise InsufficientAddresses(f"no VLAN is free for network {found['name']}")
    ctx.tx.update(vnet, {"id": free["id"]}, network_id=found["id"], taken=ctx.now)
    return int(free["vlan"])


def check_number(ctx: Context, zone: Row, account: Row, number: int) -> None:
    """Raises `InvalidValue` for a VLAN that is kept for another account."""
    if any(row["account_id"] != account["id"] for row in ctx.tx.all(_KEPT, zone_id=zone["id"], number=number)):
        raise InvalidValue(f"VLAN {number} is dedicated to another account")


def claim(ctx: Context, found: Row, number: int) -> None:
    """Notes that a network has a VLAN that was chosen for it, so that no other gets it."""
    ctx.tx.execute(_CLAIM, where=found["physical_network_id"], number=number, which=found["id"], now=ctx.now)


# -- keeping them for an account


def parse(text: str) -> tuple[int, int]:
    """The first and last of a range such as ``100-110``. Raises `InvalidValue`."""
    numbers = addressing.vlans(text)
    if not numbers or max(numbers) - min(numbers) + 1 != len(numbers):
        raise InvalidValue(f"a range of VLANs is written as 100-110, not '{text[:64]}'")
    return min(numbers), max(numbers)


def dedicate(ctx: Context, where: Row, text: str, account: Row) -> int:
    """Keeps a range of a physical network's VLANs for an account; answers its id. Raises `InvalidValue`."""
    methods = where["isolation_methods"]
    if methods and "VLAN" not in methods.split(","):
        raise InvalidValue(
            f"networks on physical network {where['name']} have no VLANs: they are kept apart by {methods}"
        )
    first, last = parse(text)
    place = {"physical_network_id": where["id"], "first": first, "last": last}
    there = ctx.tx.all(_WITHIN, place)
    if len(there) != last - first + 1:
        raise InvalidValue(f"VLANs {first}-{last} are not all among those of physical network {where['name']}")
    for one in there:
        if one["guest_range_id"] is not None:
            raise InvalidValue(f"VLAN {one['vlan']} is dedicated already")
        if one["account_id"] not in (None, account["id"]):
            raise InvalidValue(f"VLAN {one['vlan']} is used by a network of another account")
    chosen = ctx.tx.scalar(_CHOSEN, {**place, "account_id": account["id"]})
    if chosen is not None:
        raise InvalidValue(f"VLAN {chosen} is used by a network of another account")
    uuid = ctx.uuid()
    made = ctx.tx.insert(
        table,
        uuid=uuid,
        created=ctx.now,
        removed=None,
        account_id=account["id"],
        domain_id=account["domain_id"],
        **place,
    )
    ctx.tx.execute(_MARK, ids=[one["id"] for one in there], range_id=made)
    text = f"VLANs {first}-{last} are dedicated to {account['name']}"
    ctx.event("GUESTVLANRANGE.DEDICATE", text, resource=("GuestVlanRange", uuid))
    return made


def release(ctx: Context, row: Row) -> str:
    """Orders that a dedicated range is everybody's again; answers the job's uuid."""
    return ctx.submit(
        Order(
            command=ctx.command,
            workflow="guestvlanrange.release",
            arguments={"range_id": row["id"]},
            instance_type="GuestVlanRange",
            instance_uuid=row["uuid"],
            lock=f"guestvlanrange:{row['uuid']}",
            event="GUESTVLANRANGE.RELEASE",
            event_text=f"releasing VLANs {row['first']}-{row['last']}",
        )
    )


def _released(ctx: Context, range_id: int) -> dict[str, Any]:
    _end(ctx, access.alive(ctx, GUEST_VLAN_RANGE, range_id))
    return {"success": True}


single("guestvlanrange.release", _released)


def _end(ctx: Context, row: Row) -> None:
    # networks that have VLANs of it keep them
    ctx.tx.execute(_OPEN, which=row["id"])
    ctx.tx.update(table, {"id": row["id"]}, removed=ctx.now)


def end_of_account(ctx: Context, account_id: int) -> None:
    """Releases what was kept for an account that goes."""
    for row in ctx.tx.all(_OF_ACCOUNT, account_id=account_id):
        _end(ctx, row)


def end_of_physical(ctx: Context, network_id: int) -> None:
    """Releases what was kept of a physical network that goes."""
    for row in ctx.tx.all(_OF_PHYSICAL, physical_network_id=network_id):
        _end(ctx, row)


def check_kept(ctx: Context, network_id: int, wanted: set[int]) -> None:
    """Raises `ResourceInUse` where VLANs that are dedicated would not be among the physical network's any more."""
    for row in ctx.tx.all(_OF_PHYSICAL, physical_network_id=network_id):
        gone = [number for number in range(row["first"], row["last"] + 1) if number not in wanted]
        if gone:
            raise ResourceInUse(f"VLAN {gone[0]} is dedicated to an account: release it first")
