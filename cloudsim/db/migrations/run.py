"""Runs the migrations with Alembic, and writes new ones."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import alembic.command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy.pool import NullPool

HERE = Path(__file__).parent
#: So that no two servers upgrade one PostgreSQL at the same time.
_LOCK = 0x636C6F7564


def config(connection: Connection) -> Config:
    """Alembic's configuration for one connection."""
    made = Config()
    made.set_main_option("script_location", str(HERE))
    made.attributes["connection"] = connection
    return made


def migrate(connection: Connection, target: str = "head") -> None:
    """Brings the database behind `connection`, whose transaction has begun, to `target`."""
    alembic.command.upgrade(config(connection), target)


def sqlite_engine(path: str) -> Any:
    """An engine whose transactions hold changes of tables as well."""
    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool)

    @event.listens_for(engine, "connect")
    def connected(connection: Any, _: Any) -> None:
        # the driver would begin transactions by itself, and not before changes of tables
        connection.isolation_level = None

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _sqlite(path: str, target: str) -> None:
    engine = sqlite_engine(path)
    with engine.begin() as connection:
        migrate(connection, target)
    engine.dispose()


async def upgrade(place: str, target: str = "head") -> None:
    """Brings a database (the path of a file, or ``postgresql://...``) to `target`, in one transaction."""
    if not place.startswith(("postgresql://", "postgres://")):
        await asyncio.to_thread(_sqlite, place, target)
        return
    from sqlalchemy.ext.asyncio import create_async_engine

    engine = create_async_engine("postgresql+asyncpg://" + place.partition("://")[2], poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            await connection.run_sync(migrate, target)
    finally:
        await engine.dispose()


def write(message: str) -> list[str]:
    """Writes the next migration from what `cloudsim.db.schema` has more than the migrations make; answers its path."""
    from alembic.script import ScriptDirectory

    engine = sqlite_engine(":memory:")
    with engine.begin() as connection:
        migrate(connection)
        settings = config(connection)
        last = ScriptDirectory.from_config(settings).get_current_head() or "0000"
        made: Any = alembic.command.revision(settings, message, autogenerate=True, rev_id=f"{int(last) + 1:04}")
    return [script.path for script in (made if isinstance(made, list) else [made]) if script is not None]
