"""Regions: endpoints of clouds that belong together, as they are named here."""

from __future__ import annotations

from urllib.parse import urlsplit

from sqlalchemy import bindparam, delete, select

from cloudsim.core.errors import InvalidValue
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.services.context import Context

table = schema.region

_ALL = select(table).order_by(table.c.number)
_ONE = select(table).where(table.c.number == bindparam("number"))
_DELETE = delete(table).where(table.c.number == bindparam("which"))
#: The region of this cloud itself.
LOCAL = 1


def rows(ctx: Context) -> list[Row]:
    """Every region by number."""
    return ctx.tx.all(_ALL)


def _check(ctx: Context, number: int | None, name: str | None, endpoint: str | None) -> None:
    if number is not None and not 0 < number < 1000:
        raise InvalidValue("the id of a region is a number from 1 to 999")
    if name is not None and not name.strip():
        raise InvalidValue("a region has a name")
    if endpoint is not None:
        parts = urlsplit(endpoint)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InvalidValue(f"endpoint is an http or https URL, not '{endpoint[:64]}'")
    for row in rows(ctx):
        if row["number"] != number and row["name"] == name:
            raise InvalidValue(f"there is a region named '{(name or '')[:64]}' already")


def found(ctx: Context, number: int) -> Row:
    """A region by its number. Raises `InvalidValue`."""
    row = ctx.tx.first(_ONE, number=number)
    if row is None:
        raise InvalidValue(f"there is no region with id {number}")
    return row


def add(ctx: Context, number: int, name: str, endpoint: str) -> Row:
    """Names a region; answers its row. Raises `InvalidValue`."""
    _check(ctx, number, name, endpoint)
    if ctx.tx.first(_ONE, number=number) is not None:
        raise InvalidValue(f"there is a region with id {number} already")
    ctx.tx.insert(table, number=number, name=name, endpoint=endpoint)
    return found(ctx, number)


def update(ctx: Context, number: int, name: str | None, endpoint: str | None) -> Row:
    """Changes what is given; answers the row. Raises `InvalidValue`."""
    row = found(ctx, number)
    _check(ctx, number, name, endpoint)
    ctx.tx.update(table, {"number": number}, name=name or row["name"], endpoint=endpoint or row["endpoint"])
    return found(ctx, number)


def remove(ctx: Context, number: int) -> None:
    """Forgets a region that is not this cloud's own. Raises `InvalidValue`."""
    found(ctx, number)
    if number == LOCAL:
        raise InvalidValue("the region of this cloud itself stays")
    ctx.tx.execute(_DELETE, which=number)
