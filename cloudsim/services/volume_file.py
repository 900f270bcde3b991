"""The files of uploaded volumes on image stores: there until they were copied to primary storage, or are deleted."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from sqlalchemy import bindparam, select

from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import Big
from cloudsim.services import download, imagefiles, usage
from cloudsim.services.context import Context

table = schema.volume_store
#: What the files are to `services.download`, and how their usage is kept.
KIND, USED = "volume", "volume_store"
COMING, READY, ERROR, ABANDONED = "DOWNLOAD_IN_PROGRESS", "DOWNLOADED", "DOWNLOAD_ERROR", "ABANDONED"
NOT_SENT, SENDING = "NOT_UPLOADED", "UPLOAD_IN_PROGRESS"

_OF = select(table).where(table.c.volume_id == bindparam("volume_id", type_=Big))
_ONE = select(table).where(table.c.id == bindparam("file_id", type_=Big))
_DROP = table.delete().where(table.c.id == bindparam("file_id", type_=Big))


def of(ctx: Context, volume_id: int) -> Row | None:
    """The row of a volume's file; None for one that was not uploaded, or was copied since."""
    return ctx.tx.first(_OF, volume_id=volume_id)


def one(ctx: Context, file_id: int) -> Row:
    """A row that is there."""
    found = ctx.tx.first(_ONE, file_id=file_id)
    assert found is not None
    return found


def path_of(row: Row, format: str) -> str:
    """Where the file of a volume lies below the directory of an image store."""
    name = f"{row['uuid']}.{format.lower()}"
    return str(PurePosixPath(imagefiles.VOLUMES, str(row["account_id"]), str(row["id"]), name))


def insert(
    ctx: Context, row: Row, store: Row, state: str, *, format: str, checksum: str | None, url: str | None
) -> Row:
    """Stores the row of a file that is to come to an image store, and answers it."""
    made = ctx.tx.insert(
        table,
        volume_id=row["id"],
        store_id=store["id"],
        state=state,
        percent=0,
        created=ctx.now,
        format=format,
        checksum=checksum,
        url=url,
        path=path_of(row, format) if store["directory"] else None,
        physical_size=0,
        error=None,
    )
    return one(ctx, made)


def change(ctx: Context, file: Row, **values: Any) -> None:
    """Changes columns."""
    ctx.tx.update(table, {"id": file["id"]}, **values)


def begin_usage(ctx: Context, row: Row, file: Row) -> None:
    """The file is there, and paid for, from now on."""
    usage.begin(ctx, usage.VOLUME_SECONDARY, USED, {**row, "id": file["id"]}, size=file["physical_size"])


def end_usage(ctx: Context, volume_id: int) -> None:
    """Nobody uses the file any more."""
    file = of(ctx, volume_id)
    if file is not None:
        usage.end(ctx, USED, file["id"])


def paths(ctx: Context, volume_id: int) -> list[str]:
    """Where the file of a volume lies; nothing where there is none, or its store is simulated."""
    file = of(ctx, volume_id)
    return imagefiles.paths(ctx, [file]) if file is not None else []


def source(ctx: Context, volume_id: int) -> dict[str, Any]:
    """What a host needs to make a volume of its file: ``file`` (None in a simulated store) and ``format``."""
    file = of(ctx, volume_id)
    assert file is not None
    return {"file": imagefiles.path(ctx, file), "format": file["format"]}


def forget(ctx: Context, volume_id: int) -> list[str]:
    """Takes the row of a volume's file away, and what brings it; answers the files that are to be removed."""
    file = of(ctx, volume_id)
    if file is None:
        return []
    found = imagefiles.paths(ctx, [file])
    download.drop(ctx, KIND, [file["id"]])
    usage.end(ctx, USED, file["id"])
    ctx.tx.execute(_DROP, file_id=file["id"])
    return found
