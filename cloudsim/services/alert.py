"""Alerts: what root admins should look at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, delete, select

from cloudsim.core.errors import InvalidValue
from cloudsim.core.reference import reference
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import Big, any_of
from cloudsim.jobs.job import Order
from cloudsim.jobs.workflow import single
from cloudsim.services.context import Context
from cloudsim.services.listing import Listing, equals

table = schema.alert

#: CloudStack's numbers of the types that this server raises itself.
HOST, MACHINE, ROUTER = 7, 8, 9
#: Those about the cloud's own machines, by the type of machine.
OWN_MACHINES = {"ConsoleProxy": 10, "SecondaryStorageVm": 19, "DomainRouter": ROUTER}

LISTING = Listing(
    table,
    filters={
        "id": equals(table.c.id, "id"),
        "ids": any_of(table.c.id, "ids"),
        "type": equals(table.c.type, "type"),
        "name": equals(table.c.name, "name"),
        "since": table.c.created >= bindparam("since", type_=Big),
        "until": table.c.created <= bindparam("until", type_=Big),
        "fresh": table.c.archived.is_(False),
    },
    keyword=(table.c.description, table.c.name),
    order=(table.c.created.desc(), table.c.id.desc()),
)
_ROWS = select(table).where(any_of(table.c.id, "ids"))
_DELETE = delete(table).where(any_of(table.c.id, "ids"))


def rows(ctx: Context, ids: Sequence[int]) -> list[Row]:
    """Alerts."""
    return ctx.tx.all(_ROWS, ids=ids)


def types() -> list[dict[str, Any]]:
    """Every type: ``alerttypeid`` and ``name``."""
    found: list[dict[str, Any]] = reference("alerttypes")
    return found


def name_of(number: int) -> str | None:
    """The name of a type; None for an unknown one."""
    return next((str(one["name"]) for one in types() if one["alerttypeid"] == number), None)


def raise_(ctx: Context, number: int, text: str, *, zone_id: int | None = None, pod_id: int | None = None) -> int:
    """Writes an alert; answers its row id."""
    return ctx.tx.insert(
        table,
        uuid=ctx.uuid(),
        created=ctx.now,
        removed=None,
        type=number,
        name=name_of(number) or "ALERT.USERALERT",
        description=text,
        zone_id=zone_id,
        pod_id=pod_id,
        archived=False,
    )


def generate(ctx: Context, number: int, name: str, text: str, zone: Row | None, pod: Row | None) -> str:
    """Orders an alert of a caller's words; answers the job's uuid. Raises `InvalidValue`."""
    if not name.strip():
        raise InvalidValue("an alert has a name")
    return ctx.submit(
        Order(
            command=ctx.command,
            workflow="alert.generate",
            arguments={
                "number": number,
                "name": name,
                "text": text,
                "zone_id": zone["id"] if zone else None,
                "pod_id": pod["id"] if pod else None,
            },
            event="ALERT.GENERATE",
            event_text=f"raising alert {name}",
        )
    )


def _generated(
    ctx: Context, number: int, name: str, text: str, zone_id: int | None, pod_id: int | None
) -> dict[str, Any]:
    made = raise_(ctx, number, text, zone_id=zone_id, pod_id=pod_id)
    ctx.tx.update(table, {"id": made}, name=name)
    return {"success": True}


single("alert.generate", _generated)


def chosen(
    ctx: Context, rows: Sequence[Row] | None, number: int | None, since: int | None, until: int | None
) -> list[int]:
    """The row ids of alerts that a client names. Raises `InvalidValue`."""
    if not rows and number is None and since is None and until is None:
        raise InvalidValue("say which alerts: ids, type, startdate or enddate")
    if since is not None and until is not None and since > until:
        raise InvalidValue("startdate is after enddate")
    ids = [row["id"] for row in rows] if rows else None
    return LISTING.ids(ctx, {"ids": ids, "type": number, "since": since, "until": until})


def archive(ctx: Context, ids: Sequence[int]) -> None:
    """Marks alerts as seen: lists leave them out."""
    for row_id in ids:
        ctx.tx.update(table, {"id": row_id}, archived=True)


def remove(ctx: Context, ids: Sequence[int]) -> None:
    """Deletes alerts for good."""
    ctx.tx.execute(_DELETE, ids=list(ids))
