"""URLs that templates and ISOs can be fetched from."""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, select

from cloudsim.core.clock import to_wire
from cloudsim.core.errors import InvalidValue, PermissionDenied
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import Big
from cloudsim.jobs.job import Order
from cloudsim.jobs.workflow import single
from cloudsim.services import access, imagefiles, signed_url, storageobject
from cloudsim.services.context import Context
from cloudsim.services.nouns import ACCOUNT, TEMPLATE, ZONE
from cloudsim.services.template_delete import places_of
from cloudsim.services.template_download import KIND, READY, is_iso

MODES = ("HTTP_DOWNLOAD",)
placed = schema.template_zone
_PLACE = select(placed).where(placed.c.id == bindparam("place_id", type_=Big))


def order(ctx: Context, row: Row, zone: Row | None, mode: str, url: str | None, *, iso: bool) -> str:
    """Orders a URL that the file can be fetched from; answers the job's uuid. Raises `InvalidValue`, `PermissionDenied`."""
    if is_iso(row) != iso:
        raise InvalidValue(f"{row['name']} is {'a template' if iso else 'an ISO'}: extract it as what it is")
    if mode.upper() not in MODES:
        raise InvalidValue(f"mode takes {', '.join(MODES)}, not '{mode[:32]}': files are fetched, not sent")
    if url is not None:
        raise InvalidValue("url goes with a mode that sends the file somewhere, and there is none")
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
        if ctx.settings.flag("disable.extraction"):
            raise PermissionDenied("nothing can be extracted here (setting disable.extraction)")
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
    zone, owner = access.row(ctx, ZONE, place["zone_id"]), access.row(ctx, ACCOUNT, row["account_id"])
    until = ctx.now + max(1, ctx.settings.number("extract.url.expiration.interval")) * 1000
    name = f"{row['uuid']}.{row['format'].lower()}"
    if imagefiles.path(ctx, place) is not None:
        word = signed_url.seal(ctx.cloud, {"kind": KIND, "id": place["id"]}, until)
        url = f"{signed_url.base(ctx.cloud)}{signed_url.DOWNLOAD}{word}/{name}"
    else:
        url = storageobject.simulated_url(ctx, zone["id"], row["format"])
    return {
        "iso" if is_iso(row) else "template": {
            "id": row["uuid"],
            "name": row["name"],
            "extractId": ctx.uuid(),
            "extractMode": MODES[0],
            "accountid": owner["uuid"],
            "state": "DOWNLOAD_URL_CREATED",
            "status": "Completed",
            "uploadpercentage": 100,
            "storagetype": "secondary",
            "url": url,
            "created": to_wire(ctx.now),
            "zoneid": zone["uuid"],
            "zonename": zone["name"],
        }
    }


single("template.extract", _extracted)


def file_of(ctx: Context, place_id: int) -> str | None:
    """The file that a URL leads to; None where it is not there any more."""
    place = ctx.tx.first(_PLACE, place_id=place_id)
    if place is None or place["state"] != READY:
        return None
    if access.row(ctx, TEMPLATE, place["template_id"])["removed"] is not None:
        return None
    return imagefiles.path(ctx, place)


__all__ = ["MODES", "file_of", "order"]
