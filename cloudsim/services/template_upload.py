"""Templates and ISOs that clients send (see `upload`): their rows."""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, or_, select

from cloudsim.core import states
from cloudsim.core.errors import InvalidValue
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import Big
from cloudsim.services import (
    access,
    imagefile,
    imagefiles,
    imagestore_choice,
    template_download,
    template_register,
    template_rules,
    upload,
)
from cloudsim.services.context import Context
from cloudsim.services.nouns import TEMPLATE
from cloudsim.services.template_delete import places_of
from cloudsim.services.template_register import Registration

template, placed = schema.template, schema.template_zone
KIND = "template"
#: Where the file of a place stands, by the state of its template.
_PLACES = {
    "NotUploaded": "NOT_UPLOADED",
    "UploadInProgress": "UPLOAD_IN_PROGRESS",
    "Active": template_download.READY,
    "UploadError": "UPLOAD_ERROR",
    "UploadAbandoned": "ABANDONED",
}
_LATE = select(template).where(
    or_(template.c.state == "NotUploaded", template.c.state == "UploadInProgress"),
    template.c.created < bindparam("before", type_=Big),
    template.c.removed.is_(None),
)


def request(ctx: Context, want: Registration) -> dict[str, Any]:
    """Stores a template or ISO that is to be sent; answers where and with what it is sent. Raises as `register`."""
    assert want.zones is not None
    (zone,) = want.zones
    where = imagestore_choice.taking(ctx, zone)
    if where["directory"] is not None:
        template_rules.can_be_looked_at(want.format)
    row = template_register.store(ctx, want, state="NotUploaded")
    path = template_download.path_of(row) if where["directory"] else None
    ctx.tx.insert(
        placed,
        template_id=row["id"],
        zone_id=zone["id"],
        state=_PLACES["NotUploaded"],
        percent=0,
        store_id=where["id"],
        created=ctx.now,
        progress=None,
        path=path,
        error=None,
    )
    return upload.params(ctx, KIND, row)


def move(ctx: Context, row: Row, event: str, **values: Any) -> bool:
    """Takes a template on to the state after an event; False where it is not as it was read any more."""
    after = states.template.next(row["state"], event)
    if not ctx.tx.update(template, {"id": row["id"], "state": row["state"]}, state=after):
        return False
    for place in places_of(ctx, row["id"]):
        ctx.tx.update(placed, {"id": place["id"]}, state=_PLACES[after], **values)
    return True


def _begin(ctx: Context, uuid: str, template_id: int) -> upload.Coming:
    row = ctx.tx.first(TEMPLATE.by_uuid, uuid=uuid)
    if row is None or row["id"] != template_id or row["removed"] is not None:
        raise InvalidValue("it was deleted meanwhile")
    if row["state"] != "NotUploaded" or not move(ctx, row, "UploadRequested"):
        raise InvalidValue("it was sent before")
    file = imagefiles.path(ctx, places_of(ctx, row["id"])[0])
    return upload.Coming(row["id"], row["format"], row["checksum"], file)


def _done(ctx: Context, template_id: int, found: imagefile.Looked) -> bool:
    row = access.row(ctx, TEMPLATE, template_id)
    if row["removed"] is not None or row["state"] != "UploadInProgress":
        return False
    move(ctx, row, "OperationSucceeded", percent=100)
    template_download.count(ctx, row, found.virtual_size)
    ctx.tx.update(template, {"id": row["id"]}, size=found.virtual_size, physical_size=found.physical_size)
    template_download.ready(ctx, places_of(ctx, row["id"])[0], row, found.physical_size)
    return True


def _failed(ctx: Context, template_id: int, why: str) -> None:
    row = access.row(ctx, TEMPLATE, template_id)
    if row["removed"] is None and row["state"] == "UploadInProgress":
        move(ctx, row, "OperationFailed", error=why, path=None)
        ctx.tx.update(template, {"id": row["id"]}, size=0, physical_size=0)


upload.KINDS[KIND] = upload.Kind(_begin, _done, _failed, "max.template.iso.size")


def expire(ctx: Context) -> list[str]:
    """Gives up what was not sent in time; answers the files that are to be removed."""
    files = []
    for row in ctx.tx.all(_LATE, before=ctx.now - upload.patience(ctx)):
        files += imagefiles.paths(ctx, places_of(ctx, row["id"]))
        move(ctx, row, "OperationTimeout", error="it was not sent in time", path=None)
        ctx.tx.update(template, {"id": row["id"]}, size=0, physical_size=0)
    return files


__all__ = ["expire", "request"]
