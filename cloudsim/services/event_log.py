"""Events as their owners ask for them: list, archive, delete."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, delete, or_, select

from cloudsim.core.errors import InvalidValue
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import Big, any_of
from cloudsim.services import access
from cloudsim.services.access import EVERYTHING
from cloudsim.services.context import Context
from cloudsim.services.listing import Listing, equals, equals_nocase
from cloudsim.services.nouns import EVENT

event = schema.event
_START = event.alias("start")

LISTING = Listing(
    event,
    filters={
        "id": equals(event.c.id, "id"),
        "ids": any_of(event.c.id, "ids"),
        "type": equals_nocase(event.c.type, "type"),
        "level": equals_nocase(event.c.level, "level"),
        "state": equals_nocase(event.c.state, "state"),
        "archived": equals(event.c.archived, "archived"),
        "display": equals(event.c.display, "display"),
        "start": or_(event.c.start_id == bindparam("start", type_=Big), event.c.id == bindparam("start", type_=Big)),
        "resource": equals(event.c.resource_uuid, "resource"),
        "resourcetype": equals_nocase(event.c.resource_type, "resourcetype"),
        "since": event.c.created >= bindparam("since", type_=Big),
        "until": event.c.created <= bindparam("until", type_=Big),
        "none": event.c.id < 0,
    },
    keyword=(event.c.type, event.c.description, event.c.level),
    owner=(event.c.account_id, event.c.domain_id),
    order=(event.c.created.desc(), event.c.id.desc()),
)
_ROWS = (
    select(
        event,
        _START.c.uuid.label("start_uuid"),
        schema.user.c.username,
        schema.account.c.name.label("account_name"),
        schema.account.c.project_uuid,
        schema.account.c.project_name,
        schema.account.c.type.label("account_type"),
        schema.domain.c.uuid.label("domain_uuid"),
        schema.domain.c.name.label("domain_name"),
        schema.domain.c.path.label("domain_path"),
    )
    .select_from(
        event.join(schema.user, event.c.user_id == schema.user.c.id)
        .join(schema.account, event.c.account_id == schema.account.c.id)
        .join(schema.domain, event.c.domain_id == schema.domain.c.id)
        .outerjoin(_START, event.c.start_id == _START.c.id)
    )
    .where(any_of(event.c.id, "ids"))
)
_DELETE = delete(event).where(any_of(event.c.id, "ids"))
_MOST = 10_000

#: Kinds of resources whose names events show: the table, and its column for the name.
_NAMED = {
    "VirtualMachine": (schema.vm, schema.vm.c.display_name),
    "Network": (schema.network, schema.network.c.name),
    "Volume": (schema.volume, schema.volume.c.name),
    "Template": (schema.template, schema.template.c.name),
    "ServiceOffering": (schema.service_offering, schema.service_offering.c.name),
    "DiskOffering": (schema.disk_offering, schema.disk_offering.c.name),
    "NetworkOffering": (schema.network_offering, schema.network_offering.c.name),
    "Account": (schema.account, schema.account.c.name),
    "User": (schema.user, schema.user.c.username),
    "Domain": (schema.domain, schema.domain.c.name),
    "Zone": (schema.zone, schema.zone.c.name),
    "Host": (schema.host, schema.host.c.name),
    "IpAddress": (schema.public_ip, schema.public_ip.c.address),
}
_NAMES = {
    kind: select(table.c.uuid, column.label("name")).where(any_of(table.c.uuid, "uuids"))
    for kind, (table, column) in _NAMED.items()
}


def rows(ctx: Context, ids: Sequence[int]) -> list[Row]:
    """Events with who did them and whose they are."""
    return ctx.tx.all(_ROWS, ids=ids)


def resource_names(ctx: Context, found: Sequence[Row]) -> dict[str, str]:
    """The names of what events are about, by uuid: one statement for each kind of thing."""
    wanted: dict[str, set[str]] = {}
    for row in found:
        if row["resource_type"] in _NAMES and row["resource_uuid"]:
            wanted.setdefault(row["resource_type"], set()).add(row["resource_uuid"])
    names: dict[str, str] = {}
    for kind, uuids in wanted.items():
        names.update((row["uuid"], row["name"]) for row in ctx.tx.all(_NAMES[kind], uuids=sorted(uuids)) if row["name"])
    return names


def older(ctx: Context, entry_time: int, duration: int) -> list[int]:
    """Ids of operations that began and had not ended `duration` seconds after, among those of the last `entry_time`."""
    since = ctx.now - entry_time * 1000
    started = ctx.tx.all(_BEGUN, since=since)
    ended = {row["start_id"]: row["created"] for row in ctx.tx.all(_ENDED, since=since)}
    return [
        row["id"]
        for row in started
        if ended.get(row["start_id"] or row["id"], ctx.now) - row["created"] > duration * 1000
    ]


_BEGUN = select(event.c.id, event.c.start_id, event.c.created).where(
    event.c.state == "Started", event.c.created >= bindparam("since", type_=Big)
)
_ENDED = select(event.c.start_id, event.c.created).where(
    event.c.state == "Completed", event.c.start_id.is_not(None), event.c.created >= bindparam("since", type_=Big)
)


def _chosen(
    ctx: Context, chosen: Sequence[Row] | None, type_: str | None, since: int | None, until: int | None
) -> list[int]:
    if not chosen and type_ is None and since is None and until is None:
        raise InvalidValue("say which events: ids, type, startdate or enddate")
    if since is not None and until is not None and since > until:
        raise InvalidValue("startdate is after enddate")
    for row in chosen or ():
        access.must_own(ctx, EVENT, row)
    given = {
        "ids": [row["id"] for row in chosen] if chosen else None,
        "type": type_.lower() if type_ else None,
        "since": since,
        "until": until,
    }
    scope = EVERYTHING if chosen else access.scope(ctx, listall=True)
    return LISTING.ids(ctx, given, scope)


def archive(
    ctx: Context, chosen: Sequence[Row] | None, type_: str | None, since: int | None, until: int | None
) -> None:
    """Marks events as archived: lists leave them out unless they are asked for."""
    for row_id in _chosen(ctx, chosen, type_, since, until):
        ctx.tx.update(event, {"id": row_id}, archived=True)


def remove(ctx: Context, chosen: Sequence[Row] | None, type_: str | None, since: int | None, until: int | None) -> None:
    """Deletes events for good."""
    ids = _chosen(ctx, chosen, type_, since, until)
    for start in range(0, len(ids), _MOST):
        ctx.tx.execute(_DELETE, ids=ids[start : start + _MOST])
