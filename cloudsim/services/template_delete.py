"""Templates and ISOs go: from a zone or from all, with their files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import bindparam, func, or_, select

from cloudsim.core.errors import InvalidValue, PermissionDenied
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import Big, any_of
from cloudsim.jobs.job import Order
from cloudsim.jobs.workflow import Workflow, workflow
from cloudsim.services import access, download, imagefiles, usage
from cloudsim.services.context import Context
from cloudsim.services.nouns import TEMPLATE
from cloudsim.services.template_download import KIND, is_iso

placed, template, vm = schema.template_zone, schema.template, schema.vm

_PLACES = select(placed).where(placed.c.template_id == bindparam("template_id", type_=Big)).order_by(placed.c.id)
_HERE = placed.delete().where(any_of(placed.c.id, "places"))
_LEFT = select(func.count()).where(placed.c.template_id == bindparam("template_id", type_=Big))
_USERS = (
    select(vm.c.display_name, vm.c.name)
    .where(
        or_(
            vm.c.template_id == bindparam("template_id", type_=Big), vm.c.iso_id == bindparam("template_id", type_=Big)
        ),
        or_(vm.c.zone_id == bindparam("zone_id", type_=Big), bindparam("zone_id", type_=Big) == 0),
        vm.c.removed.is_(None),
        vm.c.state != "Expunging",
    )
    .order_by(vm.c.id)
)
_INSERTED = (
    select(vm.c.display_name, vm.c.name)
    .where(
        vm.c.iso_id == bindparam("template_id", type_=Big),
        or_(vm.c.zone_id == bindparam("zone_id", type_=Big), bindparam("zone_id", type_=Big) == 0),
        vm.c.removed.is_(None),
        vm.c.state != "Expunging",
    )
    .order_by(vm.c.id)
)
_DETAILS = schema.detail.delete().where(
    schema.detail.c.resource_type == "Template", schema.detail.c.resource_id == bindparam("template_id", type_=Big)
)
_TAGS = schema.tag.delete().where(
    or_(schema.tag.c.resource_type == "Template", schema.tag.c.resource_type == "ISO"),
    schema.tag.c.resource_id == bindparam("template_id", type_=Big),
)
_PERMISSIONS = schema.launch_permission.delete().where(
    schema.launch_permission.c.template_id == bindparam("template_id", type_=Big)
)


def order(ctx: Context, row: Row, zone: Row | None, *, forced: bool = False, system: bool = False) -> str:
    """Orders that a template or ISO goes, from one zone or from all; answers the job's uuid.

    `forced`: although machines were made of it; `system`: although it is the cloud's own. Raises `InvalidValue`,
    `PermissionDenied`.
    """
    access.must_own(ctx, TEMPLATE, row)
    _check(ctx, row, zone["id"] if zone else None, forced, system)
    iso = is_iso(row)
    return ctx.submit(
        Order(
            command=ctx.command,
            workflow="template.delete",
            arguments={
                "template_id": row["id"],
                "zone_id": zone["id"] if zone else None,
                "forced": forced,
                "system": system,
            },
            instance_type="Iso" if iso else "Template",
            instance_uuid=row["uuid"],
            lock=f"template:{row['uuid']}",
            event="ISO.DELETE" if iso else "TEMPLATE.DELETE",
            event_text=f"deleting {'ISO' if iso else 'template'} {row['name']}",
            account_id=row["account_id"],
            domain_id=row["domain_id"],
        )
    )


def _check(ctx: Context, row: Row, zone_id: int | None, forced: bool, system: bool) -> None:
    what = "ISO" if is_iso(row) else "template"
    if row["type"] in ("SYSTEM", "BUILTIN", "ROUTING"):
        if not ctx.caller.is_admin:
            raise PermissionDenied(f"{what} {row['name']} is the cloud's own")
        if row["type"] == "SYSTEM" and not system:
            raise InvalidValue(f"template {row['name']} is for system virtual machines: give issystem to delete it")
    if zone_id is not None and not any(place["zone_id"] == zone_id for place in places_of(ctx, row["id"])):
        raise InvalidValue(f"{what} {row['name']} is not in that zone")
    statement = _INSERTED if forced and not is_iso(row) else _USERS
    users = ctx.tx.all(statement, template_id=row["id"], zone_id=zone_id or 0)
    if users:
        names = ", ".join(one["display_name"] or one["name"] for one in users[:5])
        raise InvalidValue(f"{what} {row['name']} is in use by {len(users)} virtual machine(s): {names}")


def places_of(ctx: Context, template_id: int) -> list[Row]:
    """Where a template is, or is on its way to."""
    return ctx.tx.all(_PLACES, template_id=template_id)


def take(ctx: Context, row: Row, zone_id: int | None = None) -> list[str]:
    """Takes a template out of a zone or of all, and with the last one away; answers the files that are to be removed."""
    places = [place for place in places_of(ctx, row["id"]) if zone_id in (None, place["zone_id"])]
    found = imagefiles.paths(ctx, places)
    ids: list[Any] = [place["id"] for place in places]
    download.drop(ctx, KIND, ids)
    for place in places:
        usage.end(ctx, "template_zone", place["id"])
    ctx.tx.execute(_HERE, places=ids)
    if zone_id is None or not ctx.tx.scalar(_LEFT, template_id=row["id"]):
        ctx.tx.update(template, {"id": row["id"]}, removed=ctx.now, state="Inactive")
        for statement in (_DETAILS, _TAGS, _PERMISSIONS):
            ctx.tx.execute(statement, template_id=row["id"])
    return found


_OF_ACCOUNT = select(template).where(
    template.c.account_id == bindparam("account_id", type_=Big), template.c.removed.is_(None)
)
_GIVEN_TO = schema.launch_permission.delete().where(
    schema.launch_permission.c.account_id == bindparam("account_id", type_=Big)
)


def take_all(ctx: Context, account_id: int) -> list[str]:
    """Takes all templates and ISOs of an account away, and what others gave it; answers the files to be removed."""
    ctx.tx.execute(_GIVEN_TO, account_id=account_id)
    return [file for row in ctx.tx.all(_OF_ACCOUNT, account_id=account_id) for file in take(ctx, row)]


def _taken(ctx: Context, template_id: int, zone_id: int | None, forced: bool, system: bool) -> list[str]:
    row = access.alive(ctx, TEMPLATE, template_id)
    _check(ctx, row, zone_id, forced, system)
    return take(ctx, row, zone_id)


def _gone(ctx: Context) -> dict[str, Any]:
    return {"success": True}


@workflow("template.delete")
async def delete(
    wf: Workflow[Context], template_id: int, zone_id: int | None = None, forced: bool = False, system: bool = False
) -> None:
    """Takes the rows away, then the files: what is killed in between goes on with them."""
    files = await wf.step("taken", _taken, template_id, zone_id, forced, system)
    await imagefiles.remove([Path(text) for text in files])
    await wf.finish(_gone)


__all__ = ["order", "places_of", "take", "take_all"]
