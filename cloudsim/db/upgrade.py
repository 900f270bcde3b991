"""The version of a database's schema: made at the newest, upgraded from an older one, refused where it is newer.

The version stands in the table ``alembic_version``, as Alembic keeps it.
"""

from __future__ import annotations

import re

from sqlalchemy import Column, MetaData, String, Table, select

from cloudsim.db import schema
from cloudsim.db.database import Database, DatabaseError, DatabaseUnavailable

_VERSION = Table("alembic_version", MetaData(), Column("version_num", String(32), primary_key=True, nullable=False))
#: The password in a database's URL: no message holds it.
_PASSWORD = re.compile(r"(//[^/@:]*):[^/@]*@")


class DatabaseTooNew(DatabaseUnavailable):
    """The database was made by a newer version of this program."""


async def prepare(database: Database, place: str) -> str:
    """Makes an empty database ready (tables and version in one transaction); and brings an older one to this schema.

    Answers ``created``, ``upgraded`` or ``current``.
    Raises `DatabaseTooNew`, or `DatabaseUnavailable` for tables of something else; `place` names it in messages.
    """
    name = _PASSWORD.sub(r"\1@", place)
    stamp = await database.stamp()
    if stamp == schema.VERSION:
        return "current"
    if stamp is not None and stamp < schema.VERSION:
        from cloudsim.db.migrations.run import upgrade

        try:
            await upgrade(place)
        except Exception as error:
            raise DatabaseUnavailable(
                f"the database {name} could not be brought from schema {stamp} to {schema.VERSION}, and is as it was: "
                f"{error}"
            ) from error
        return "upgraded"
    if stamp is not None:
        raise DatabaseTooNew(
            f"the database {name} has schema {stamp}, and this version knows {schema.VERSION} at most: "
            "it was made by a newer cloudsim; use that one, or another data directory"
        )
    try:
        await database.read(lambda tx: tx.first(select(schema.domain.c.id)))
    except DatabaseError:
        await database.create([*schema.metadata.sorted_tables, _VERSION], schema.VERSION)
        return "created"
    raise DatabaseUnavailable(f"the database {name} has tables but no version: it is not one that this program made")
