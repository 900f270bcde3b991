"""URLs that templates and ISOs can be fetched from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cloudsim.core.errors import InvalidValue, PermissionDenied
from cloudsim.db.database import Row
from cloudsim.jobs.job import Order
from cloudsim.jobs.workflow import single
from cloudsim.services import access, extract, imagefiles, storageobject
from cloudsim.services.context import Context
from cloudsim.services.nouns import TEMPLATE, ZONE
from cloudsim.services.template_delete import places_of
from cloudsim.services.template_download import READY, is_iso


def order(ctx: Context, row: Row, zone: Row | None, mode: str, url: str | None, *, iso: bool) -> str:
    """Orders a URL that the file can be fetched from; answers the job's uuid. Raises `InvalidValue`, `PermissionDenied`."""
    if is_iso(row) != iso:
        raise InvalidValue(f"{row['name']} is {'a template' if iso else 'an ISO'}: extract it as what it is")
    extract.check(ctx, mode, url)
    _check(ctx, row, zone["id"] if zone else None)
    return ctx.submit(
        Order(
            command=ctx.command,
            workflow="template.extract",
            arguments={"template_id": row["id"], "zone_id": zone["id"] if zone else None},
            instance_type="Iso" if iso else "Template",
            instance_uuid=row["uuid"],
            event="ISO.EXTRACT" if iso else "TEMPLATE.EXTRACT",
            event_text=f"a URL for {row['name']}",
            account_id=row["account_id"],
            domain_id=row["domain_id"],
        )
    )


def _check(ctx: Context, row: Row, zone_id: int | None) -> Row:
    """The place that it is fetched from. Raises `InvalidValue`, `PermissionDenied`."""
    if not ctx.caller.is_admin:
        if not row["is_extractable"]:
            raise PermissionDenied(f"{row['name']} is not extractable")
        if not row["is_public"]:
            access.must_own(ctx, TEMPLATE, row)
    if row["type"] == "SYSTEM":
        raise InvalidValue(f"template {row['name']} is for system virtual machines: it is not extracted")
    places = [place for place in places_of(ctx, row["id"]) if zone_id in (None, place["zone_id"])]
    if not places:
        raise InvalidValue(f"{row['name']} is not in that zone")
    found = next((place for place in places if place["state"] == READY), None)
    if found is None:
        raise InvalidValue(f"{row['name']} is not ready yet")
    return found


def _extracted(ctx: Context, template_id: int, zone_id: int | None) -> dict[str, Any]:
    row = access.alive(ctx, TEMPLATE, template_id)
    place = _check(ctx, row, zone_id)
    zone, noun = access.row(ctx, ZONE, place["zone_id"]), "iso" if is_iso(row) else "template"
    if is_iso(row) and imagefiles.path(ctx, place) is None:
        url = storageobject.simulated_url(ctx, zone["id"], row["format"])
    else:
        url = extract.url_for(ctx, "Template", row, zone["id"], row["format"].lower())
    return {noun: extract.answer(ctx, noun.title(), row, zone, url, "secondary")}


single("template.extract", _extracted)


@extract.serves("Template")
def _file(ctx: Context, template_id: int, zone_id: int | None) -> extract.Served | None:
    """The file of a template or an ISO; None where it is not there any more."""
    row = access.row(ctx, TEMPLATE, template_id)
    places = [place for place in places_of(ctx, template_id) if place["zone_id"] == zone_id and place["state"] == READY]
    if row["removed"] is not None or not places:
        return None
    file, name = imagefiles.path(ctx, places[0]), f"{row['name']}.{row['format'].lower()}"
    if file is not None:
        return extract.Served(name, row["size"], path=Path(file))
    return extract.Served(name, row["size"], text=f"template {row['uuid']}\n")


__all__ = ["order"]
