"""Templates and ISOs that clients send: a row, a URL with a signature, and the file that comes in one request.

What is sent is written, looked at and counted as what is downloaded. A request that never comes, or never ends, is given
up after ``upload.operation.timeout`` minutes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from sqlalchemy import bindparam, or_, select

from cloudsim.core import checksum, states
from cloudsim.core.caller import Caller
from cloudsim.core.clock import to_wire
from cloudsim.core.diskimage import MOST
from cloudsim.core.errors import CloudError, InvalidValue, OperationFailed
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import Big
from cloudsim.services import (
    imagefile,
    imagefiles,
    imagestore_choice,
    signed_url,
    template_download,
    template_register,
    template_rules,
    transfer,
)
from cloudsim.services.context import Cloud, Context
from cloudsim.services.nouns import TEMPLATE
from cloudsim.services.template_delete import places_of
from cloudsim.services.template_register import Registration
from cloudsim.services.transfer import State, TransferError

template, placed = schema.template, schema.template_zone
GIB = 1024**3
MINUTE = 60_000
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
    where = imagestore_choice.choose(ctx, zone["id"])
    if where is None:
        raise OperationFailed(f"zone {zone['name']} has no secondary storage that takes something new")
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
    until = ctx.now + _patience(ctx)
    url = f"{signed_url.base(ctx.cloud)}{signed_url.UPLOAD}{row['uuid']}"
    metadata = signed_url.seal(ctx.cloud, {"template": row["id"]}, until)
    expires = str(to_wire(until))
    return {
        "id": row["uuid"],
        "postURL": url,
        "metadata": metadata,
        "expires": expires,
        "signature": signed_url.sign(ctx.cloud, metadata, signed_url.UPLOAD + row["uuid"], expires),
    }


def _patience(ctx: Context) -> int:
    return max(1, ctx.settings.number("upload.operation.timeout")) * MINUTE


def move(ctx: Context, row: Row, event: str, **values: Any) -> bool:
    """Takes a template on to the state after an event; False where it is not as it was read any more."""
    after = states.template.next(row["state"], event)
    if not ctx.tx.update(template, {"id": row["id"], "state": row["state"]}, state=after):
        return False
    for place in places_of(ctx, row["id"]):
        ctx.tx.update(placed, {"id": place["id"]}, state=_PLACES[after], **values)
    return True


def begin(ctx: Context, uuid: str, metadata: str, signature: str, expires: str) -> tuple[Row, Row, str | None]:
    """A request that brings a file: its template, its place, and the file to write. Raises `InvalidValue`."""
    found = signed_url.read(ctx.cloud, metadata)
    if found is None or not signed_url.signed(ctx.cloud, signature, metadata, signed_url.UPLOAD + uuid, expires):
        raise InvalidValue("the signature is wrong, or has expired")
    row = ctx.tx.first(TEMPLATE.by_uuid, uuid=uuid)
    if row is None or row["id"] != found.get("template") or row["removed"] is not None:
        raise InvalidValue("it was deleted meanwhile")
    if row["state"] != "NotUploaded" or not move(ctx, row, "UploadRequested"):
        raise InvalidValue("it was sent before")
    place = places_of(ctx, row["id"])[0]
    return {**row, "state": "UploadInProgress"}, place, imagefiles.path(ctx, place)


def _done(ctx: Context, row: Row, place: Row, found: imagefile.Looked) -> bool:
    fresh = ctx.tx.first(TEMPLATE.by_uuid, uuid=row["uuid"])
    if fresh is None or not move(ctx, fresh, "OperationSucceeded", percent=100):
        return False
    template_download.count(ctx, fresh, found.virtual_size)
    ctx.tx.update(template, {"id": row["id"]}, size=found.virtual_size, physical_size=found.physical_size)
    template_download.ready(ctx, place, fresh, found.physical_size)
    return True


def _failed(ctx: Context, row: Row, why: str) -> None:
    fresh = ctx.tx.first(TEMPLATE.by_uuid, uuid=row["uuid"])
    if fresh is not None and fresh["state"] == "UploadInProgress":
        move(ctx, fresh, "OperationFailed", error=why[:500], path=None)
        ctx.tx.update(template, {"id": row["id"]}, size=0, physical_size=0)


async def accept(
    cloud: Cloud,
    admin: Caller,
    workshop: transfer.Workshop,
    uuid: str,
    given: tuple[str, str, str],
    length: int | None,
    parts: AsyncIterator[bytes],
) -> None:
    """Takes the file of a template that is sent: metadata, signature and expiry are `given`. Raises `CloudError`."""
    row, place, file = await cloud.db.write(lambda tx: begin(cloud.context(tx, admin), uuid, *given))
    most = cloud.settings.number("max.template.iso.size") * GIB or MOST
    state, final = State(), Path(file) if file is not None else None
    try:
        if length is not None and length > most:
            raise TransferError(f"the file has {length} bytes; the limit is {most}")
        if final is None:
            found = await _thrown_away(parts, most)
        else:
            found = await _written(workshop, row, final, state, parts, most)
        if not await cloud.db.write(lambda tx: _done(cloud.context(tx, admin), row, place, found)):
            raise TransferError("it was given up, or deleted, meanwhile")
    except BaseException as error:
        state.stop.set()
        if final is not None:
            await workshop.run(transfer.remove, final, transfer.part_of(final), transfer.expanded_of(final))
        why = error.message if isinstance(error, CloudError) else str(error) or "the client broke off"
        await cloud.db.write(lambda tx: _failed(cloud.context(tx, admin), row, why))
        if isinstance(error, TransferError):
            raise InvalidValue(str(error)) from None
        raise


async def _thrown_away(parts: AsyncIterator[bytes], most: int) -> imagefile.Looked:
    """Simulated stores hold no bytes: they are counted."""
    size = 0
    async for data in parts:
        size += len(data)
        if size > most:
            raise TransferError(f"more is sent than the limit of {most} bytes")
    if not size:
        raise TransferError("nothing was sent")
    return imagefile.Looked(size, size)


async def _written(
    workshop: transfer.Workshop, row: Row, final: Path, state: State, parts: AsyncIterator[bytes], most: int
) -> imagefile.Looked:
    wanted = checksum.parse(row["checksum"]) if row["checksum"] else None
    digest = wanted.begin() if wanted is not None else None
    part = transfer.part_of(final)
    await transfer.receive(workshop, parts, part, state, most=most, digest=digest)
    if wanted is not None:
        transfer.check_digest(wanted, digest)
    found = await workshop.run(imagefile.look, part, row["format"], most, transfer.expanded_of(final), state)
    await workshop.run(transfer.publish, part, final)
    return found


def expire(ctx: Context) -> list[str]:
    """Gives up what was not sent in time; answers the files that are to be removed."""
    files = []
    for row in ctx.tx.all(_LATE, before=ctx.now - _patience(ctx)):
        files += imagefiles.paths(ctx, places_of(ctx, row["id"]))
        move(ctx, row, "OperationTimeout", error="it was not sent in time", path=None)
        ctx.tx.update(template, {"id": row["id"]}, size=0, physical_size=0)
    return files


__all__ = ["accept", "expire", "request"]
