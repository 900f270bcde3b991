"""Templates and ISOs on their way to image stores: what becomes of their rows."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from sqlalchemy import bindparam, func, select

from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import Big
from cloudsim.services import access, download, resource, usage
from cloudsim.services.context import Context
from cloudsim.services.download import Kind
from cloudsim.services.imagefile import Looked
from cloudsim.services.nouns import ACCOUNT, TEMPLATE

placed, template = schema.template_zone, schema.template
KIND = "template"
READY, COMING, ERROR = "DOWNLOADED", "DOWNLOAD_IN_PROGRESS", "DOWNLOAD_ERROR"
#: Bytes of what is registered in a zone whose image store is simulated.
SIMULATED = 1024**3

_PLACE = select(placed).where(placed.c.id == bindparam("place_id", type_=Big))
_READY = select(func.count()).where(
    placed.c.template_id == bindparam("template_id", type_=Big), placed.c.state == READY
)


def is_iso(row: Row) -> bool:
    """Whether a template is an ISO."""
    return bool(row["format"] == "ISO")


def path_of(row: Row) -> str:
    """Where the file of a template lies below the directory of an image store."""
    name = f"{row['uuid']}.{row['format'].lower()}"
    return str(PurePosixPath("template", "tmpl", str(row["account_id"]), str(row["id"]), name))


def place(ctx: Context, row: Row, zone_id: int, store: Row, *, source: str | None = None) -> int:
    """Puts a template into a zone: on its way to an image store, from its URL or from a file. Answers the row's id."""
    path = path_of(row) if store["directory"] else None
    made = ctx.tx.insert(
        placed,
        template_id=row["id"],
        zone_id=zone_id,
        state=COMING,
        percent=0,
        store_id=store["id"],
        created=ctx.now,
        progress=None,
        path=path,
        error=None,
    )
    download.order(
        ctx,
        KIND,
        made,
        store,
        url=row["url"],
        source=source,
        path=path,
        format=row["format"],
        checksum=None if source else row["checksum"],
    )
    tell(ctx, row, "DOWNLOAD.START", "is being downloaded")
    return made


def tell(ctx: Context, row: Row, what: str, text: str, level: str = "INFO") -> None:
    """An event of a template; of ISOs there are none of these."""
    if not is_iso(row):
        ctx.event(
            f"TEMPLATE.{what}",
            f"template {row['name']} {text}",
            level=level,
            resource=("Template", row["uuid"]),
            account_id=row["account_id"],
            domain_id=row["domain_id"],
        )


def _found(ctx: Context, place_id: int) -> tuple[Row, Row]:
    where = ctx.tx.first(_PLACE, place_id=place_id)
    assert where is not None
    return where, access.row(ctx, TEMPLATE, where["template_id"])


def count(ctx: Context, row: Row, size: int) -> None:
    """Notes that a template has so many bytes, where it has more than was known. Raises `LimitReached`."""
    more = size - row["size"]
    if more > 0:
        if row["type"] == "USER":
            resource.check(ctx, access.row(ctx, ACCOUNT, row["account_id"]), {"secondarystorage": more})
        ctx.tx.update(template, {"id": row["id"]}, size=size)


def _counted(ctx: Context, place_id: int, size: int) -> None:
    count(ctx, _found(ctx, place_id)[1], size)


def _progress(ctx: Context, place_id: int, percent: int) -> None:
    ctx.tx.update(placed, {"id": place_id}, percent=percent)


def _done(ctx: Context, place_id: int, found: Looked) -> None:
    where, row = _found(ctx, place_id)
    count(ctx, row, found.virtual_size)
    ctx.tx.update(template, {"id": row["id"]}, size=found.virtual_size, physical_size=found.physical_size)
    ready(ctx, where, row, found.physical_size)
    tell(ctx, row, "DOWNLOAD.SUCCESS", "was downloaded")


def ready(ctx: Context, where: Row, row: Row, size: int) -> None:
    """The file is there: from now on it can be used in its zone, and is paid for."""
    ctx.tx.update(placed, {"id": where["id"]}, state=READY, percent=100, error=None)
    usage.begin(
        ctx,
        usage.ISO if is_iso(row) else usage.TEMPLATE,
        "template_zone",
        {**row, "id": where["id"], "zone_id": where["zone_id"]},
        template_id=row["id"],
        size=size,
    )


def _failed(ctx: Context, place_id: int, why: str) -> None:
    _, row = _found(ctx, place_id)
    ctx.tx.update(placed, {"id": place_id}, state=ERROR, percent=0, error=why, path=None)
    if not ctx.tx.scalar(_READY, template_id=row["id"]):
        ctx.tx.update(template, {"id": row["id"]}, size=0, physical_size=0)
    tell(ctx, row, "DOWNLOAD.FAILED", f"could not be downloaded: {why}", "ERROR")


def _simulated(format: str) -> Looked:
    return Looked(SIMULATED, SIMULATED)


download.KINDS[KIND] = Kind(
    counted=_counted, progress=_progress, done=_done, failed=_failed, simulated=_simulated
)  # fmt: skip


def waiting(ctx: Context, places: list[Row]) -> dict[int, Row]:
    """What is on its way, by the ids of the places it goes to."""
    coming: list[Any] = [row["id"] for row in places if row["state"] == COMING]
    return download.of(ctx, KIND, coming)


__all__ = ["COMING", "ERROR", "KIND", "READY", "count", "is_iso", "path_of", "place", "ready", "tell", "waiting"]
