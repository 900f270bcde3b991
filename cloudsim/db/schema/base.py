"""What every table of the schema is made with."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, Column, Float, ForeignKey, Index, Integer, MetaData, String, Table, Text
from sqlalchemy import text as sql

from cloudsim.db.types import Big, Json

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_N_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_ALIVE = sql("removed IS NULL")


def table(name: str, *columns: Any) -> Table:
    """A table whose rows have an `id` of their own."""
    return Table(name, metadata, Column("id", Big, primary_key=True), *columns)


def resource(name: str, *columns: Any) -> Table:
    """A table of things that clients name by uuid, and that are kept as removed when they are gone."""
    return table(
        name,
        Column("uuid", String(40), nullable=False, unique=True),
        Column("created", Big, nullable=False),
        Column("removed", Big),
        *columns,
    )


def text(name: str, **options: Any) -> Column[Any]:
    """A text of any length."""
    return Column(name, Text, **options)


def required(name: str) -> Column[Any]:
    """A text that is always there."""
    return Column(name, Text, nullable=False)


def number(name: str, **options: Any) -> Column[Any]:
    """A small whole number."""
    return Column(name, Integer, **options)


def big(name: str, **options: Any) -> Column[Any]:
    """A size in bytes, an instant in milliseconds, a row id."""
    return Column(name, Big, **options)


def real(name: str, **options: Any) -> Column[Any]:
    """A share or a factor."""
    return Column(name, Float, **options)


def flag(name: str, default: bool = False) -> Column[Any]:
    """A yes or no."""
    return Column(name, Boolean, nullable=False, default=default)


def maybe(name: str) -> Column[Any]:
    """A yes, a no, or nothing said."""
    return Column(name, Boolean)


def data(name: str, **options: Any) -> Column[Any]:
    """Plain JSON data."""
    return Column(name, Json, **options)


def ref(name: str, target: str, *, optional: bool = False, index: bool = True) -> Column[Any]:
    """The id of a row of another table."""
    return Column(name, Big, ForeignKey(f"{target}.id"), nullable=optional, index=index)


def unique_alive(name: str, *columns: str) -> Index:
    """No two rows that are there have the same values in these columns; rows that were removed do not count."""
    return Index(name, *columns, unique=True, sqlite_where=_ALIVE, info={"where": _ALIVE})


def for_postgresql() -> None:
    """Tells the indexes what PostgreSQL needs to know. Said at the start, it would load PostgreSQL's part for nobody."""
    for one in metadata.tables.values():
        for index in one.indexes:
            if "where" in index.info:
                index.kwargs["postgresql_where"] = index.info["where"]


__all__ = [
    "Column",
    "Index",
    "big",
    "data",
    "flag",
    "for_postgresql",
    "maybe",
    "metadata",
    "number",
    "real",
    "ref",
    "required",
    "resource",
    "table",
    "text",
    "unique_alive",
]
