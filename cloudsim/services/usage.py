"""How long who used what: an interval opens and closes in the transaction of the operation that causes it.

Records are made from the intervals when they are asked for, one for each day (setting
``usage.stats.job.aggregation.range``, minutes): no run of a usage server has to be waited for, and none can be missed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Integer, bindparam, or_, select

from cloudsim.core.errors import InvalidValue
from cloudsim.core.reference import reference
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import Big, any_of
from cloudsim.services.access import Scope
from cloudsim.services.context import Context
from cloudsim.services.listing import Listing, equals

table = schema.usage

#: CloudStack's numbers of the types that this server writes.
RUNNING_VM, ALLOCATED_VM, IP_ADDRESS, VOLUME, NETWORK_OFFERING, NETWORK = 1, 2, 3, 6, 13, 30
TEMPLATE, ISO, SNAPSHOT, VM_SNAPSHOT, PORT_FORWARDING, LOAD_BALANCER = 7, 8, 9, 25, 12, 11
HOUR = 3_600_000

LISTING = Listing(
    table,
    filters={
        "type": equals(table.c.type, "type"),
        "uuid": equals(table.c.uuid, "uuid"),
        "until": table.c.started < bindparam("until", type_=Big),
        "since": or_(table.c.ended.is_(None), table.c.ended > bindparam("since", type_=Big)),
    },
    keyword=(table.c.name,),
    owner=(table.c.account_id, table.c.domain_id),
)
_OPEN = (
    table.update()
    .where(
        table.c.kind == bindparam("of_kind"),
        table.c.row_id == bindparam("of_row", type_=Big),
        table.c.ended.is_(None),
        or_(table.c.type == bindparam("of_type"), bindparam("of_type", type_=Integer) == 0),
    )
    .values(ended=bindparam("at", type_=Big))
)
_OLD = table.delete().where(table.c.ended < bindparam("before", type_=Big))
_ROWS = (
    select(
        table,
        schema.account.c.uuid.label("account_uuid"),
        schema.account.c.name.label("account_name"),
        schema.account.c.project_uuid,
        schema.account.c.project_name,
        schema.domain.c.uuid.label("domain_uuid"),
        schema.domain.c.name.label("domain_name"),
        schema.domain.c.path.label("domain_path"),
        schema.zone.c.uuid.label("zone_uuid"),
        schema.service_offering.c.uuid.label("service_uuid"),
        schema.disk_offering.c.uuid.label("disk_uuid"),
        schema.network_offering.c.uuid.label("offered_uuid"),
        schema.template.c.uuid.label("template_uuid"),
        schema.vm.c.uuid.label("vm_uuid"),
        schema.network.c.uuid.label("network_uuid"),
        schema.guest_os.c.uuid.label("os_uuid"),
        schema.guest_os.c.name.label("os_name"),
    )
    .select_from(
        table.join(schema.account, table.c.account_id == schema.account.c.id)
        .join(schema.domain, table.c.domain_id == schema.domain.c.id)
        .outerjoin(schema.zone, table.c.zone_id == schema.zone.c.id)
        .outerjoin(
            schema.service_offering, (table.c.kind == "vm") & (table.c.offering_id == schema.service_offering.c.id)
        )
        .outerjoin(
            schema.disk_offering, (table.c.kind == "volume") & (table.c.offering_id == schema.disk_offering.c.id)
        )
        .outerjoin(
            schema.network_offering,
            ((table.c.kind == "nic") | (table.c.kind == "network"))
            & (table.c.offering_id == schema.network_offering.c.id),
        )
        .outerjoin(schema.template, table.c.template_id == schema.template.c.id)
        .outerjoin(schema.guest_os, schema.template.c.guest_os_id == schema.guest_os.c.id)
        .outerjoin(schema.vm, table.c.vm_id == schema.vm.c.id)
        .outerjoin(schema.network, table.c.network_id == schema.network.c.id)
    )
    .where(any_of(table.c.id, "ids"))
)


def types() -> list[dict[str, Any]]:
    """Every type of usage: ``id`` and ``name``."""
    found: list[dict[str, Any]] = reference("usagetypes")
    return found


# -- intervals


def begin(ctx: Context, type_: int, kind: str, row: Row, **more: Any) -> None:
    """Somebody uses a thing (a row of the table `kind`) from now on."""
    ctx.tx.insert(
        table,
        {
            "type": type_,
            "account_id": row["account_id"],
            "domain_id": row["domain_id"],
            "zone_id": row.get("zone_id"),
            "kind": kind,
            "row_id": row["id"],
            "uuid": row["uuid"],
            "name": row.get("name"),
            "offering_id": None,
            "template_id": None,
            "vm_id": None,
            "network_id": None,
            "size": None,
            "cpus": None,
            "speed": None,
            "memory": None,
            "is_default": False,
            "is_source_nat": False,
            "started": ctx.now,
            "ended": None,
            **more,
        },
    )


def end(ctx: Context, kind: str, row_id: int, type_: int = 0) -> None:
    """A thing is not used any more: for one type of usage, or for all."""
    ctx.tx.execute(_OPEN, of_kind=kind, of_row=row_id, of_type=type_, at=ctx.now)


def machine(ctx: Context, type_: int, row: Row) -> None:
    """A user's machine is there, or runs, from now on."""
    if row["type"] == "User":
        begin(
            ctx,
            type_,
            "vm",
            {**row, "name": row["display_name"] or row["name"]},
            offering_id=row["service_offering_id"],
            template_id=row["template_id"],
            vm_id=row["id"],
            cpus=row["cpu"],
            speed=row["speed"],
            memory=row["memory"],
        )


def purge(ctx: Context, days: int) -> None:
    """Forgets what ended longer ago than some days. Raises `InvalidValue`."""
    if days < 1:
        raise InvalidValue("interval is a number of days, at least 1")
    ctx.tx.execute(_OLD, before=ctx.now - days * 24 * HOUR)


# -- records


@dataclass(frozen=True, slots=True)
class Record:
    """One interval, or the part of it that lies in one day."""

    row: Row
    start: int
    end: int

    @property
    def hours(self) -> float:
        """How long, in hours."""
        return (self.end - self.start) / HOUR


def records(ctx: Context, scope: Scope, since: int, until: int, **given: Any) -> list[Record]:
    """What was used from `since` until `until` (milliseconds), in pieces of the aggregation range. Raises `InvalidValue`."""
    if since >= until:
        raise InvalidValue("startdate is before enddate")
    ids = LISTING.ids(ctx, {**given, "since": since, "until": until}, scope)
    rows = {row["id"]: row for row in ctx.tx.all(_ROWS, ids=ids)}
    step = max(1, ctx.settings.number("usage.stats.job.aggregation.range") or 1440) * 60_000
    return [piece for i in ids if i in rows for piece in _pieces(rows[i], since, min(until, ctx.now), step)]


def _pieces(row: Row, since: int, until: int, step: int) -> Iterator[Record]:
    start, end_ = max(row["started"], since), min(row["ended"] or until, until)
    while start < end_:
        edge = min((start // step + 1) * step, end_)
        yield Record(row, start, edge)
        start = edge
