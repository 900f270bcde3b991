"""The files of templates and ISOs on real image stores: where they lie, and those that nobody has a row for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from sqlalchemy import select

from cloudsim.core.errors import OperationFailed
from cloudsim.db import schema
from cloudsim.db.database import Row, Transaction
from cloudsim.db.types import any_of
from cloudsim.services import transfer
from cloudsim.services.context import Cloud, Context

T = TypeVar("T")

placed, store = schema.template_zone, schema.image_store

_STORES = select(store.c.id, store.c.directory).where(any_of(store.c.id, "ids"))
_REAL = select(store.c.directory).where(store.c.directory.is_not(None), store.c.removed.is_(None))
_KNOWN = (
    select(store.c.directory, placed.c.path)
    .select_from(placed.join(store, placed.c.store_id == store.c.id))
    .where(placed.c.path.is_not(None), store.c.directory.is_not(None))
)
#: Seconds that a look at, or a removal from, an image store may take.
LIMIT = 60.0
#: Seconds for which a file that no row is for is left alone.
AGE = 3600.0
#: What belongs to this server in the directory of an image store.
FOLDER = "template/tmpl"


def paths(ctx: Context, places: Sequence[Row]) -> list[str]:
    """The files of some places, as far as their stores hold files."""
    ids = sorted({place["store_id"] for place in places if place["path"] and place["store_id"]})
    directories = {row["id"]: row["directory"] for row in ctx.tx.all(_STORES, ids=ids)} if ids else {}
    return [
        str(Path(directory) / place["path"])
        for place in places
        if place["path"] and (directory := directories.get(place["store_id"]))
    ]


def path(ctx: Context, place: Row) -> str | None:
    """The file of one place; None where its store is simulated."""
    return next(iter(paths(ctx, [place])), None)


async def remove(files: Sequence[Path]) -> None:
    """Removes files, with what lies beside them of a download. Raises `OperationFailed` where that cannot be done."""

    def carry_out() -> None:
        for file in files:
            transfer.remove(file, transfer.part_of(file), transfer.expanded_of(file))

    if files:
        await in_thread(carry_out)


async def in_thread(work: Callable[[], T]) -> T:
    """Does what may block on an image store in a thread. Raises `OperationFailed`."""
    try:
        return await asyncio.wait_for(asyncio.to_thread(work), LIMIT)
    except TimeoutError:
        raise OperationFailed("the image store does not answer") from None
    except OSError as error:
        raise OperationFailed(f"the image store cannot be used: {error.strerror or type(error).__name__}") from None


# -- what was left


async def sweep(cloud: Cloud) -> int:
    """Removes the files that no row is for, as a kill may leave them; answers how many there were.

    What was written to in the last hour is left alone: its row may be about to be there.
    """
    directories, known = await cloud.db.read(_look)
    if not directories:
        return 0
    before = time.time() - AGE  # noqa: TID251 - as the file system counts
    found = await in_thread(lambda: _left(directories, known, before))
    # what came to be known while we looked is not left over
    _, known = await cloud.db.read(_look)
    left = [file for file in found if str(file) not in known]
    if left:
        await in_thread(lambda: transfer.remove(*left))
    return len(left)


def _look(tx: Transaction) -> tuple[list[str], set[str]]:
    """The directories of stores, and every file that there is a row for or may be soon."""
    finals = [Path(row["directory"]) / row["path"] for row in tx.all(_KNOWN)]
    known = {str(one) for final in finals for one in (final, transfer.part_of(final), transfer.expanded_of(final))}
    return [row["directory"] for row in tx.all(_REAL)], known


def _left(directories: Sequence[str], known: set[str], before: float) -> list[Path]:
    return [
        file
        for directory in directories
        for file in (Path(directory) / FOLDER).glob("*/*/*")
        if str(file) not in known and file.is_file() and file.stat().st_mtime < before
    ]


__all__ = ["FOLDER", "in_thread", "path", "paths", "remove", "sweep"]
