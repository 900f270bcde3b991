"""Selectors of secondary storage: scripts that name the store for what is new in a zone, one for each purpose.

They are kept and their syntax is checked; what is new here goes to the store that ``image.store.allocation.algorithm``
chooses.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, select

from cloudsim.core.errors import InvalidValue
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.services.context import Context
from cloudsim.services.listing import Listing, equals

table = schema.storage_selector

TYPES = ("ISO", "SNAPSHOT", "TEMPLATE", "VOLUME")
LISTING = Listing(
    table,
    filters={
        "zone": equals(table.c.zone_id, "zone"),
        "type": equals(table.c.type, "type"),
        "there": table.c.removed.is_(None),
    },
    # those that were removed are listed where they are asked for
    base=(table.c.removed.is_(None) | table.c.removed.is_not(None),),
    keyword=(table.c.name, table.c.description),
)
_ROWS = (
    select(table, schema.zone.c.uuid.label("zone_uuid"))
    .select_from(table.join(schema.zone, table.c.zone_id == schema.zone.c.id))
    .where(any_of(table.c.id, "ids"))
)
_SAME = select(table.c.id).where(
    table.c.zone_id == bindparam("zone_id"), table.c.type == bindparam("type"), table.c.removed.is_(None)
)
_PAIRS = {")": "(", "]": "[", "}": "{"}


def rows(ctx: Context, ids: Sequence[int]) -> list[Row]:
    """Selectors with their zones."""
    return ctx.tx.all(_ROWS, ids=ids)


def kind_of(text: str) -> str:
    """The purpose that a client names. Raises `InvalidValue`."""
    if text.upper() not in TYPES:
        raise InvalidValue(f"type takes {', '.join(TYPES)}, not '{text[:64]}'")
    return text.upper()


def checked(rule: str) -> str:
    """A script whose texts are closed and whose brackets match. Raises `InvalidValue`."""
    if not rule.strip():
        raise InvalidValue("heuristicrule is empty")
    opened: list[str] = []
    quote, escaped = "", False
    for sign in rule:
        if quote:
            if escaped:
                escaped = False
            elif sign == "\\":
                escaped = True
            elif sign == quote:
                quote = ""
            elif sign == "\n" and quote != "`":
                break
        elif sign in "\"'`":
            quote = sign
        elif sign in "([{":
            opened.append(sign)
        elif sign in _PAIRS and (not opened or opened.pop() != _PAIRS[sign]):
            raise InvalidValue(f"heuristicrule is no script: '{sign}' closes nothing")
    if quote:
        raise InvalidValue("heuristicrule is no script: a text in it does not end")
    if opened:
        raise InvalidValue(f"heuristicrule is no script: '{opened[-1]}' is not closed")
    return rule


def create(ctx: Context, *, name: str, description: str, zone: Row, kind: str, rule: str) -> int:
    """Keeps a selector; answers its row id. Raises `InvalidValue` where the zone has one for that purpose."""
    kind = kind_of(kind)
    if not name.strip():
        raise InvalidValue("a selector has a name")
    if ctx.tx.scalar(_SAME, zone_id=zone["id"], type=kind) is not None:
        raise InvalidValue(f"zone {zone['name']} has a selector for {kind} already")
    return ctx.tx.insert(
        table,
        uuid=ctx.uuid(),
        created=ctx.now,
        removed=None,
        name=name,
        description=description,
        zone_id=zone["id"],
        type=kind,
        rule=checked(rule),
    )


def update(ctx: Context, row: Row, rule: str) -> None:
    """Gives a selector another rule. Raises `InvalidValue`."""
    ctx.tx.update(table, {"id": row["id"]}, rule=checked(rule))


def remove(ctx: Context, row: Row) -> None:
    """Takes a selector away."""
    ctx.tx.update(table, {"id": row["id"]}, removed=ctx.now)
