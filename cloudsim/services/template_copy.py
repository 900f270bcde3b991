"""Templates and ISOs of one zone, brought to others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam

from cloudsim.core.errors import InvalidValue, OperationFailed, PermissionDenied
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import Big
from cloudsim.jobs.job import Order
from cloudsim.jobs.workflow import Workflow, workflow
from cloudsim.services import access, imagefiles, imagestore_choice, template_download
from cloudsim.services.context import Context
from cloudsim.services.nouns import TEMPLATE, ZONE
from cloudsim.services.template import entry_id
from cloudsim.services.template_delete import places_of
from cloudsim.services.template_download import COMING, ERROR, READY, is_iso

placed = schema.template_zone
_DROP = placed.delete().where(placed.c.id == bindparam("place_id", type_=Big))


def order(ctx: Context, row: Row, source: Row | None, targets: Sequence[Row], *, iso: bool) -> str:
    """Orders that it comes to more zones; answers the job's uuid. Raises `InvalidValue`, `PermissionDenied`."""
    if is_iso(row) != iso:
        raise InvalidValue(f"{row['name']} is {'a template' if iso else 'an ISO'}: copy it as what it is")
    access.must_own(ctx, TEMPLATE, row)
    if not targets:
        raise InvalidValue("say where it is copied to: destzoneid or destzoneids")
    _check(ctx, row, source["id"] if source else None, targets)
    return ctx.submit(
        Order(
            command=ctx.command,
            workflow="template.copy",
            arguments={
                "template_id": row["id"],
                "source_id": source["id"] if source else None,
                "target_ids": [zone["id"] for zone in targets],
            },
            instance_type="Iso" if iso else "Template",
            instance_uuid=row["uuid"],
            event="ISO.COPY" if iso else "TEMPLATE.COPY",
            event_text=f"copying {row['name']} to {', '.join(zone['name'] for zone in targets)}",
            account_id=row["account_id"],
            domain_id=row["domain_id"],
        )
    )


def _check(ctx: Context, row: Row, source_id: int | None, targets: Sequence[Row]) -> Row:
    """The place that it is copied from. Raises `InvalidValue`, `PermissionDenied`."""
    if row["type"] == "SYSTEM":
        raise InvalidValue(f"template {row['name']} is for system virtual machines: each zone gets its own")
    places = places_of(ctx, row["id"])
    there = [place for place in places if place["state"] == READY and source_id in (None, place["zone_id"])]
    if not there:
        raise InvalidValue(f"{row['name']} is not ready in {'that' if source_id else 'any'} zone")
    for zone in targets:
        if zone["allocation_state"] != "Enabled" and not ctx.caller.is_admin:
            raise PermissionDenied(f"zone {zone['name']} is disabled")
        if zone["id"] == source_id:
            raise InvalidValue("the zone to copy to is the one to copy from")
    return there[0]


def _begin(ctx: Context, template_id: int, source_id: int | None, target_ids: list[int]) -> list[int]:
    """Puts it into the zones that lack it; answers the places to wait for."""
    row = access.alive(ctx, TEMPLATE, template_id)
    zones = [access.alive(ctx, ZONE, zone_id) for zone_id in target_ids]
    source = _check(ctx, row, source_id, zones)
    file = imagefiles.path(ctx, source)
    places = {place["zone_id"]: place for place in places_of(ctx, template_id)}
    made = []
    for zone in zones:
        old = places.get(zone["id"])
        if old is not None and old["state"] != ERROR:
            made.append(int(old["id"]))  # it is there, or on its way
            continue
        store = imagestore_choice.choose(ctx, zone["id"])
        if store is None:
            raise OperationFailed(f"zone {zone['name']} has no secondary storage that takes something new")
        if store["directory"] is not None and file is None and not row["url"]:
            raise OperationFailed(f"{row['name']} lies on a simulated image store: there is nothing to be copied")
        if old is not None:
            ctx.tx.execute(_DROP, place_id=old["id"])
        made.append(template_download.place(ctx, row, zone["id"], store, source=file))
    return made


def _look(ctx: Context, template_id: int, places: list[int]) -> bool:
    """Whether all have come. Raises `OperationFailed` where one does not come."""
    there = {place["id"]: place for place in places_of(ctx, template_id)}
    for place_id in places:
        if place_id not in there:
            raise OperationFailed("it was deleted meanwhile")
        if there[place_id]["state"] == ERROR:
            raise OperationFailed(there[place_id]["error"] or "it could not be copied")
    return all(there[place_id]["state"] != COMING for place_id in places)


def _copied(ctx: Context, template_id: int, target_ids: list[int]) -> dict[str, Any]:
    row = access.alive(ctx, TEMPLATE, template_id)
    noun = "iso" if is_iso(row) else "template"
    return {noun: ctx.present(noun, entry_id(template_id, target_ids[0]))[0]}


@workflow("template.copy")
async def copy(wf: Workflow[Context], template_id: int, source_id: int | None, target_ids: list[int]) -> None:
    """Orders the copies, and waits for them."""
    places = await wf.step("begin", _begin, template_id, source_id, target_ids)
    await wf.until(_look, template_id, places)
    await wf.finish(_copied, template_id, target_ids)


__all__ = ["order"]
