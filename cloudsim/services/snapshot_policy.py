"""Policies that make snapshots of volumes: every hour, day, week or month, so many of which are kept.

As with schedules of machines the next time of each is stored, and what is due is ordered in the transaction that stores
the time after it. What was missed (the server was down) is left out: the next time counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, select

from cloudsim.core.errors import BadParameter, CloudError, InvalidValue
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import Big, any_of
from cloudsim.db.virtualmachine import TAGS, grouped
from cloudsim.jobs import cron
from cloudsim.jobs.job import Order
from cloudsim.jobs.workflow import single
from cloudsim.services import access, resource, snapshot
from cloudsim.services import snapshot_orders as orders
from cloudsim.services.context import Context
from cloudsim.services.listing import Listing, equals
from cloudsim.services.nouns import ACCOUNT, SNAPSHOT_POLICY, VOLUME

table, volume = schema.snapshot_policy, schema.volume

#: Every type by its number on the wire.
TYPES = snapshot.RECURRING
#: How many are carried out in one transaction.
AT_ONCE = 100
_KIND = "SnapshotPolicy"

LISTING = Listing(
    table,
    filters={
        "id": equals(table.c.id, "id"),
        "volume": equals(table.c.volume_id, "volume"),
        "display": equals(table.c.display, "display"),
    },
    keyword=(table.c.schedule, table.c.interval_type),
    owner=(table.c.account_id, table.c.domain_id),
)
_ROWS = (
    select(table, volume.c.uuid.label("volume_uuid"), volume.c.name.label("volume_name"))
    .select_from(table.join(volume, table.c.volume_id == volume.c.id))
    .where(any_of(table.c.id, "ids"))
)
_ZONES = select(schema.zone).where(any_of(schema.zone.c.id, "ids")).order_by(schema.zone.c.id)
_SAME = select(table).where(
    table.c.volume_id == bindparam("volume_id", type_=Big),
    table.c.interval_type == bindparam("interval_type"),
    table.c.removed.is_(None),
)
_DUE = (
    select(table)
    .where(table.c.due <= bindparam("now", type_=Big), table.c.removed.is_(None))
    .order_by(table.c.due, table.c.id)
    .limit(AT_ONCE)
)
_OF_VOLUME = select(table).where(table.c.volume_id == bindparam("volume_id", type_=Big), table.c.removed.is_(None))
_MADE = (
    select(schema.snapshot)
    .where(
        schema.snapshot.c.policy_id == bindparam("policy_id", type_=Big),
        schema.snapshot.c.state == "BackedUp",
        schema.snapshot.c.removed.is_(None),
    )
    .order_by(schema.snapshot.c.created.desc(), schema.snapshot.c.id.desc())
)
_UNTAG = schema.tag.delete().where(
    schema.tag.c.resource_type == _KIND, schema.tag.c.resource_id == bindparam("row_id", type_=Big)
)


def page(ctx: Context, ids: Sequence[int]) -> list[tuple[Row, list[Row], list[Row]]]:
    """Policies with their volumes, the zones that copies go to, and their tags."""
    rows = {row["id"]: row for row in ctx.tx.all(_ROWS, ids=ids)}
    wanted = sorted({zone_id for row in rows.values() for zone_id in row["zone_ids"]})
    zones = {row["id"]: row for row in ctx.tx.all(_ZONES, ids=wanted)} if wanted else {}
    tags = grouped(ctx.tx.all(TAGS, kind=_KIND, ids=ids), "resource_id")
    return [
        (rows[i], [zones[one] for one in rows[i]["zone_ids"] if one in zones], tags.get(i, []))
        for i in ids
        if i in rows
    ]


# -- what clients ask for


def create(
    ctx: Context,
    disk: Row,
    *,
    interval: str,
    schedule: str,
    timezone: str,
    keep: int,
    display: bool | None,
    zones: Sequence[Row],
    tags: Mapping[str, str] | None,
) -> int:
    """Makes the policy of an interval for a volume, or changes the one there is; answers its row id.

    Raises `InvalidValue`, `PermissionDenied`.
    """
    _check_volume(ctx, disk)
    interval = interval.upper()
    expression = cron_of(interval, schedule)
    zone = _timezone(timezone)
    _check_keep(ctx, disk, interval, keep)
    orders.check_zones(ctx, zones)
    orders.check_tags(tags or {})
    account = orders.check_owner(ctx, disk["account_id"])
    more = [found["id"] for found in zones if found["id"] != disk["zone_id"]]
    values: dict[str, Any] = {
        "schedule": ":".join(schedule.split(":")),
        "timezone": zone,
        "max_snaps": keep,
        "zone_ids": more,
        "due": cron.next_time(expression, zone, ctx.now),
    }
    there = ctx.tx.first(_SAME, volume_id=disk["id"], interval_type=interval)
    if there is not None:
        ctx.tx.update(table, {"id": there["id"]}, **values, display=there["display"] if display is None else display)
        row_id = int(there["id"])
        _tell(ctx, there, disk, "SNAPSHOTPOLICY.UPDATE", "was changed")
    else:
        row_id = ctx.tx.insert(
            table,
            **values,
            uuid=ctx.uuid(),
            created=ctx.now,
            removed=None,
            volume_id=disk["id"],
            account_id=account["id"],
            domain_id=account["domain_id"],
            interval_type=interval,
            display=display is not False,
        )
        _tell(ctx, access.row(ctx, SNAPSHOT_POLICY, row_id), disk, "SNAPSHOTPOLICY.CREATE", "was made")
    if tags:
        ctx.tx.execute(_UNTAG, row_id=row_id)
        orders.tag(ctx, _KIND, access.row(ctx, SNAPSHOT_POLICY, row_id), tags)
    return row_id


def _check_volume(ctx: Context, disk: Row) -> None:
    if disk["state"] not in ("Ready", "Allocated", "Snapshotting", "Creating", "Attaching", "Resizing", "Migrating"):
        raise InvalidValue(f"volume {disk['name']} is {disk['state']}: no snapshots of it are planned")
    machine = orders.machine_of(ctx, disk)
    if disk["is_system"] or (machine is not None and machine["type"] != "User"):
        raise InvalidValue("no snapshots are made of the volumes of the cloud's own machines")


def cron_of(interval: str, schedule: str) -> str:
    """The cron expression of a schedule in CloudStack's form: MM, MM:HH or MM:HH:DD. Raises `InvalidValue`."""
    forms = {"HOURLY": "MM", "DAILY": "MM:HH", "WEEKLY": "MM:HH:DD", "MONTHLY": "MM:HH:DD"}
    if interval not in forms:
        raise InvalidValue(f"an interval is one of {', '.join(TYPES)}, not '{interval[:64]}'")
    parts = schedule.split(":")
    most = {"HOURLY": (59,), "DAILY": (59, 23), "WEEKLY": (59, 23, 7), "MONTHLY": (59, 23, 28)}[interval]
    numbers = [int(part) if part.isascii() and part.isdigit() and len(part) < 3 else -1 for part in parts]
    low = (0, 0, 1)
    if len(numbers) != len(most) or not all(low[i] <= numbers[i] <= most[i] for i in range(len(most))):
        days = {"WEEKLY": ", DD from 1 (Sunday) to 7", "MONTHLY": ", DD from 1 to 28"}.get(interval, "")
        raise InvalidValue(f"the schedule of an interval {interval} is {forms[interval]}{days}; not '{schedule[:64]}'")
    minute, hour, day = (*numbers, None, None)[:3]
    return {
        "HOURLY": f"{minute} * * * *",
        "DAILY": f"{minute} {hour} * * *",
        "WEEKLY": f"{minute} {hour} * * {(day or 1) - 1}",
        "MONTHLY": f"{minute} {hour} {day} * *",
    }[interval]


def _timezone(name: str) -> str:
    try:
        return cron.check_timezone(name)
    except ValueError as error:
        raise InvalidValue(str(error)) from None


def _check_keep(ctx: Context, disk: Row, interval: str, keep: int) -> None:
    """Raises `InvalidValue` where so many snapshots may not be kept."""
    setting = f"snapshot.max.{interval.lower()}"
    most = ctx.settings.number(setting)
    if keep < 1 or keep > most:
        raise InvalidValue(f"maxsnaps is from 1 to {most} for an interval {interval} (setting {setting})")
    account = access.row(ctx, ACCOUNT, disk["account_id"])
    kind = resource.kinds()["snapshot"]
    above = resource.line(ctx, access.domain_path(ctx, account["domain_id"]))
    limits = resource.Limits(ctx, [account["id"]], [row["id"] for row in above])
    whose = ((limits.of_account(account["id"], account["type"], kind), f"account {account['name']}"),
             (limits.of_domain(above, kind), f"domain {above[0]['name']}"))  # fmt: skip
    for limit, name in whose:
        if limit != resource.UNLIMITED and keep > limit:
            raise InvalidValue(f"{name} may have {limit} snapshots: maxsnaps cannot be {keep}")


def order_update(ctx: Context, row: Row, *, display: bool | None, uuid: str | None) -> str:
    """Orders that a policy is shown or not, or gets another uuid; answers the job's uuid. Raises `InvalidValue`."""
    uuid = access.custom_id(uuid)
    if uuid is not None and uuid != row["uuid"] and ctx.tx.first(_ANY_BY_UUID, uuid=uuid) is not None:
        raise InvalidValue("customid: another snapshot policy has that id")
    return ctx.submit(
        Order(
            command=ctx.command,
            workflow="snapshotpolicy.update",
            arguments={"policy_id": row["id"], "display": display, "uuid": uuid},
            instance_type=SNAPSHOT_POLICY.type,
            instance_uuid=row["uuid"],
            lock=f"snapshotpolicy:{row['uuid']}",
            event="SNAPSHOTPOLICY.UPDATE",
            event_text=f"changing the {row['interval_type'].lower()} snapshot policy",
            account_id=row["account_id"],
            domain_id=row["domain_id"],
        )
    )


_ANY_BY_UUID = select(table.c.id).where(table.c.uuid == bindparam("uuid"))


def _update(ctx: Context, policy_id: int, display: bool | None, uuid: str | None) -> dict[str, Any]:
    row = access.alive(ctx, SNAPSHOT_POLICY, policy_id)
    values = {"display": row["display"] if display is None else display, "uuid": uuid or row["uuid"]}
    if values["uuid"] != row["uuid"] and ctx.tx.first(_ANY_BY_UUID, uuid=values["uuid"]) is not None:
        raise InvalidValue("customid: another snapshot policy has that id")
    ctx.tx.update(table, {"id": policy_id}, **values)
    return {"snapshotpolicy": ctx.present("snapshotpolicy", policy_id)[0]}


single("snapshotpolicy.update", _update)


def delete(ctx: Context, rows: Sequence[Row]) -> None:
    """Removes policies; the snapshots they made stay. Raises `BadParameter` where none is named."""
    if not rows:
        raise BadParameter("say which policies: id or ids")
    for row in {one["id"]: one for one in rows}.values():
        remove(ctx, row)
        _tell(ctx, row, access.row(ctx, VOLUME, row["volume_id"]), "SNAPSHOTPOLICY.DELETE", "was deleted")


def remove(ctx: Context, row: Row) -> None:
    """A policy is no more."""
    ctx.tx.update(table, {"id": row["id"]}, removed=ctx.now, due=None)
    ctx.tx.execute(_UNTAG, row_id=row["id"])


def volume_gone(ctx: Context, volume_id: int) -> None:
    """A volume is no more, and neither are its policies."""
    for row in ctx.tx.all(_OF_VOLUME, volume_id=volume_id):
        remove(ctx, row)


def _tell(ctx: Context, row: Row, disk: Row, type_: str, text: str, level: str = "INFO") -> None:
    ctx.event(
        type_,
        f"the {row['interval_type'].lower()} snapshot policy of volume {disk['name']} {text}",
        level=level,
        resource=(_KIND, row["uuid"]),
        account_id=row["account_id"],
        domain_id=row["domain_id"],
    )


# -- what time brings


def follow(ctx: Context) -> int:
    """Orders the snapshots that are due; answers how many policies were looked at."""
    found = ctx.tx.all(_DUE, now=ctx.now)
    late = 2000 * max(60, ctx.settings.number("snapshot.poll.interval"))
    for row in found:
        disk = access.row(ctx, VOLUME, row["volume_id"])
        if disk["removed"] is not None:
            remove(ctx, row)
            continue
        expression = cron_of(row["interval_type"], row["schedule"])
        ctx.tx.update(table, {"id": row["id"]}, due=cron.next_time(expression, row["timezone"], ctx.now))
        if row["due"] >= ctx.now - late and disk["state"] != "Destroy":
            _carry_out(ctx, row, disk)
    return len(found)


def _carry_out(ctx: Context, row: Row, disk: Row) -> None:
    ctx.command = "createSnapshot"
    tags = {tag["key"]: tag["value"] for tag in ctx.tx.all(TAGS, kind=_KIND, ids=[row["id"]])}
    zones = ctx.tx.all(_ZONES, ids=row["zone_ids"]) if row["zone_ids"] else []
    zones = [zone for zone in zones if zone["removed"] is None]
    try:
        # whatever is refused is refused before anything is written
        orders.create(ctx, disk, zones=zones, tags=tags, policy=row)
    except CloudError as error:
        _tell(ctx, row, disk, "SNAPSHOT.CREATE", f"made no snapshot: {error.message}", "WARN")


def prune(ctx: Context, made: Row) -> None:
    """Orders that the oldest snapshots of a policy are deleted, where a new one makes them more than are kept."""
    if made["policy_id"] is None:
        return
    row = access.row(ctx, SNAPSHOT_POLICY, made["policy_id"])
    for old in ctx.tx.all(_MADE, policy_id=row["id"])[row["max_snaps"] :]:
        ctx.command = "deleteSnapshot"
        orders.delete(ctx, old)
