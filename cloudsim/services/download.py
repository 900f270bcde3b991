"""Files on their way to image stores, as rows: ordered in the transaction that needs them, and brought by `download_worker`.

A row is there from that transaction on until the file is, or was given up: nothing is forgotten when servers die. What a
file is for (its *kind*) says what becomes of it; templates and ISOs are one kind (`template_download`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Text, bindparam, or_, select

from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import Big, any_of
from cloudsim.services.context import Context
from cloudsim.services.imagefile import Looked
from cloudsim.services.transfer import State

table, store = schema.download, schema.image_store

#: How often a file is tried to be fetched, and seconds before the second try (each further one: twice as long).
TRIES, PAUSE = 5, 2.0
#: Seconds after which a server that says nothing of a file is thought to be dead.
LEASE = 30.0


@dataclass(frozen=True, slots=True)
class Kind:
    """What becomes of the files of one kind; every function is given the context and the row id."""

    #: So many bytes are coming, or have come; raises `LimitReached` where there may not be so many.
    counted: Callable[[Context, int, int], None]
    #: So many hundredths have come.
    progress: Callable[[Context, int, int], None]
    #: It is there.
    done: Callable[[Context, int, Looked], None]
    #: It does not come; why.
    failed: Callable[[Context, int, str], None]
    #: What a simulated file of a format is found to be.
    simulated: Callable[[str], Looked]


KINDS: dict[str, Kind] = {}

_ALL = (
    select(
        table,
        store.c.directory,
        schema.zone.c.uuid.label("zone_uuid"),
    )
    .select_from(
        table.join(store, table.c.store_id == store.c.id).outerjoin(schema.zone, store.c.zone_id == schema.zone.c.id)
    )
    .order_by(table.c.id)
)
_ONE = _ALL.where(table.c.id == bindparam("download_id", type_=Big))
_CLAIM = (
    table.update()
    .where(
        table.c.id == bindparam("download_id", type_=Big),
        or_(table.c.server.is_(None), table.c.server == bindparam("me"), table.c.until < bindparam("now", type_=Big)),
    )
    .values(server=bindparam("me"), until=bindparam("lease", type_=Big))
)
_DROP = table.delete().where(table.c.kind == bindparam("of_kind"), any_of(table.c.row_id, "rows"))
_OF = select(table).where(table.c.kind == bindparam("of_kind"), any_of(table.c.row_id, "rows"))


def order(
    ctx: Context,
    kind: str,
    row_id: int,
    into: Row,
    *,
    url: str | None,
    path: str | None,
    format: str,
    checksum: str | None = None,
    source: str | None = None,
) -> None:
    """Orders a file for the image store `into`, of which `path` is the place in it (None where it is simulated)."""
    ctx.tx.insert(
        table,
        kind=kind,
        row_id=row_id,
        store_id=into["id"],
        url=url,
        source=source,
        path=path,
        format=format,
        checksum=checksum,
        created=ctx.now,
        due=ctx.now,
        tries=0,
        server=None,
        until=0,
        validator=None,
        total=None,
        received=0,
        begun=None,
        ends=None,
        outcome=None,
    )


def drop(ctx: Context, kind: str, rows: Sequence[int]) -> None:
    """Takes orders back: whoever fetches them stops, and removes what has come."""
    ctx.tx.execute(_DROP, of_kind=kind, rows=list(rows))


def of(ctx: Context, kind: str, rows: Sequence[int]) -> dict[int, Row]:
    """What is on its way for some rows of a kind."""
    return {row["row_id"]: row for row in ctx.tx.all(_OF, of_kind=kind, rows=list(rows))} if rows else {}


def percent(row: Row, now: int) -> int:
    """How much has come, in hundredths, below 100: of a simulated file by the time, of another as it was last told."""
    if row["begun"] is not None:
        length = max(1, (row["ends"] or now) - row["begun"])
        return int(max(0, min(99, (now - row["begun"]) * 100 // length)))
    return int(min(99, row["received"] * 100 // row["total"])) if row["total"] else 0


# -- for the worker


def pending(tx: Any) -> list[Row]:
    """Everything that is on its way, with the directory of its store and the uuid of its zone."""
    found: list[Row] = tx.all(_ALL)
    return found


def one(ctx: Context, download_id: int) -> Row | None:
    """One of these; None where it was taken back."""
    return ctx.tx.first(_ONE, download_id=download_id)


def claim(ctx: Context, download_id: int) -> Row | None:
    """Takes a file to be fetched by this server; None where another one fetches it, or it was taken back."""
    me, lease = ctx.cloud.server_uuid, ctx.now + int(LEASE * 1000)
    if not ctx.tx.execute(_CLAIM, download_id=download_id, me=me, now=ctx.now, lease=lease):
        return None
    return one(ctx, download_id)


def beat(ctx: Context, row: Row, state: State) -> bool:
    """Says that it is being fetched, and how far it is; False where it is nobody's business here any more.

    Raises `LimitReached` where its owner may not have so much.
    """
    mine = {"id": row["id"], "server": ctx.cloud.server_uuid}
    if not ctx.tx.update(table, mine, **_reached(state), until=ctx.now + int(LEASE * 1000)):
        return False
    kind = KINDS[row["kind"]]
    kind.counted(ctx, row["row_id"], max(state.total or 0, state.received))
    kind.progress(ctx, row["row_id"], percent({"begun": None, "received": state.received, "total": state.total}, 0))
    return True


def _reached(state: State) -> dict[str, Any]:
    return {"validator": state.validator, "total": state.total, "received": state.safe}


def leave(ctx: Context, row: Row) -> None:
    """Lets another server, or this one when it is started again, go on with it."""
    ctx.tx.update(table, {"id": row["id"], "server": ctx.cloud.server_uuid}, server=None, until=0)


def put_off(ctx: Context, row: Row, state: State) -> bool:
    """Has it tried again later; False where it was tried often enough."""
    tries = row["tries"] + 1
    if tries >= TRIES:
        return False
    ctx.tx.update(
        table,
        {"id": row["id"], "server": ctx.cloud.server_uuid},
        server=None,
        until=0,
        tries=tries,
        due=ctx.now + int(PAUSE * 2 ** (tries - 1) * 1000),
        **_reached(state),
    )
    return True


def finish(ctx: Context, row: Row, found: Looked) -> bool:
    """The file is there; False where it was taken back meanwhile. Raises `LimitReached`."""
    if not _ended(ctx, row):
        return False
    KINDS[row["kind"]].done(ctx, row["row_id"], found)
    return True


def give_up(ctx: Context, row: Row, why: str) -> bool:
    """The file does not come; False where it was taken back meanwhile."""
    if not _ended(ctx, row):
        return False
    KINDS[row["kind"]].failed(ctx, row["row_id"], why[:500])
    return True


_END = table.delete().where(
    table.c.id == bindparam("download_id", type_=Big),
    or_(table.c.server.is_(None), table.c.server == bindparam("me")),
)


def _ended(ctx: Context, row: Row) -> bool:
    return bool(ctx.tx.execute(_END, download_id=row["id"], me=ctx.cloud.server_uuid))


# -- of simulated stores

_BEGIN = (
    table.update()
    .where(table.c.id == bindparam("download_id", type_=Big), table.c.begun.is_(None))
    .values(
        begun=bindparam("begun", type_=Big),
        ends=bindparam("ends", type_=Big),
        outcome=bindparam("outcome", type_=Text),
    )
)


def begin(ctx: Context, row: Row, seconds: float, failure: str | None) -> None:
    """A simulated file begins to come: it takes so long, and ends with that failure, or well."""
    ctx.tx.execute(_BEGIN, download_id=row["id"], begun=ctx.now, ends=ctx.now + int(seconds * 1000), outcome=failure)


__all__ = ["KINDS", "Kind", "beat", "begin", "claim", "drop", "finish", "give_up", "leave", "of", "one", "order", "pending",
           "percent", "put_off"]  # fmt: skip
