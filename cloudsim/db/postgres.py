"""PostgreSQL through asyncpg: the second engine (extra ``cloudsim-server[postgresql]``).

A transaction function is plain code; it runs in a greenlet, and each statement switches back to the event loop for as
long as the driver waits for the server: SQLAlchemy's own technique, and its function.

Writes take one advisory lock: they run one after the other, as on SQLite, also when several servers share a database.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

import asyncpg
from sqlalchemy import Table
from sqlalchemy.dialects.postgresql import asyncpg as dialect
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlalchemy.util import await_only, greenlet_spawn

from cloudsim.db.database import (
    Conflict,
    Database,
    DatabaseError,
    DatabaseFull,
    DatabaseUnavailable,
    Transaction,
    WriteTransaction,
    plain,
)
from cloudsim.db.schema.base import for_postgresql
from cloudsim.db.statement import Compiler

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

#: The advisory lock that writers take ("cloudsim" as a number, read once more nowhere).
WRITERS = 0x636C6F756473696D
TRIES = 5
#: Where servers tell each other which tables a commit has changed.
CHANNEL = "cloudsim_committed"


def _translated(error: Exception) -> Exception:
    if isinstance(error, asyncpg.IntegrityConstraintViolationError):
        return Conflict(str(error))
    if isinstance(error, asyncpg.DiskFullError):
        return DatabaseFull("the disk that holds the database is full")
    if isinstance(error, asyncpg.PostgresConnectionError | asyncpg.InterfaceError | OSError):
        return DatabaseUnavailable(f"the PostgreSQL server cannot be reached: {error}")
    return DatabaseError(str(error))


class _Asyncpg(WriteTransaction):
    """Serves both kinds: a read runs in a ``READ ONLY`` transaction, which PostgreSQL itself enforces."""

    def __init__(self, compiler: Compiler, connection: asyncpg.Connection) -> None:
        super().__init__(compiler)
        self._connection = connection

    def _fetch(self, sql: str, values: list[Any]) -> list[Any]:
        return cast("list[Any]", await_only(self._connection.fetch(sql, *values)))

    def _change(self, sql: str, values: list[Any]) -> int:
        status = cast(str, await_only(self._connection.execute(sql, *values)))
        return int(status.rsplit(" ", 1)[-1])

    def _change_many(self, sql: str, values: list[list[Any]]) -> None:
        await_only(self._connection.executemany(sql, values))


def _called(function: Callable[..., T], tx: Transaction, args: tuple[Any, ...], kwargs: dict[str, Any]) -> T:
    return plain(function(tx, *args, **kwargs))


class PostgresDatabase(Database):
    """One database of a PostgreSQL server."""

    shared = True

    def __init__(self, url: str, readers: int = 4) -> None:
        super().__init__(Compiler(dialect.dialect()))  # type: ignore[no-untyped-call]
        self._url = url
        self._size = readers + 1
        self._pool: asyncpg.Pool | None = None
        self._writing = asyncio.Lock()
        self._name = secrets.token_hex(8)
        self._ear: asyncpg.Connection | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    async def open(self) -> None:
        """Connects. Raises `DatabaseUnavailable`."""
        try:
            self._pool = await asyncpg.create_pool(
                self._url, min_size=2, max_size=self._size, statement_cache_size=1000, command_timeout=60
            )
        except (asyncpg.PostgresError, OSError) as error:
            raise DatabaseUnavailable(f"cannot connect to PostgreSQL: {error}") from error
        await self._hear()

    # -- other servers on the same database

    async def _hear(self) -> None:
        """Listens to what others commit, on a connection of its own."""
        try:
            ear = await asyncpg.connect(self._url, command_timeout=60)
            await ear.add_listener(CHANNEL, self._heard)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            raise DatabaseUnavailable(f"cannot connect to PostgreSQL: {error}") from error
        ear.add_termination_listener(self._deaf)
        self._ear = ear

    def _deaf(self, _: object) -> None:
        if not self._closed:
            self._spawn(self._hear_again())

    async def _hear_again(self) -> None:
        self._forget(None)
        pause = 0.1
        while not self._closed:
            try:
                await self._hear()
            except DatabaseUnavailable as error:
                log.warning("what other servers change is not heard: %s", error)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await asyncio.Event().wait()
                pause = min(pause * 2, 10.0)
                continue
            # what was missed meanwhile is not known: everything may have changed
            self._forget(None)
            return

    def _heard(self, _: object, __: int, ___: str, payload: object) -> None:
        name, _, tables = str(payload).partition(" ")
        if name != self._name:
            self._forget(set(tables.split(",")))

    def _forget(self, tables: set[str] | None) -> None:
        for names, call in self._listeners:
            if call not in self._here_only and (tables is None or not names.isdisjoint(tables)):
                call()
        for names, later in self._elsewhere:
            if tables is None or not names.isdisjoint(tables):
                self._spawn(later())

    def _spawn(self, what: Awaitable[None]) -> None:
        task: asyncio.Task[None] = asyncio.ensure_future(what)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("after a change of another server", exc_info=task.exception())

    def _told(self, touched: set[str]) -> set[str]:
        """The tables that somebody keeps something of in memory."""
        return {
            table
            for table in touched
            if any(table in names and call not in self._here_only for names, call in self._listeners)
            or any(table in names for names, _ in self._elsewhere)
        }

    # -- transactions

    async def read(self, function: Callable[Concatenate[Transaction, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            async with (
                self._connected.acquire() as connection,
                connection.transaction(isolation="repeatable_read", readonly=True),
            ):
                return cast(
                    T, await greenlet_spawn(_called, function, _Asyncpg(self.compiler, connection), args, kwargs)
                )
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            raise _translated(error) from error

    async def glance(
        self, function: Callable[Concatenate[Transaction, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        return await self.read(function, *args, **kwargs)

    async def write(
        self, function: Callable[Concatenate[WriteTransaction, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        async def run() -> T:
            for attempt in range(TRIES):
                begun: list[WriteTransaction] = []
                try:
                    async with self._writing, self._connected.acquire() as connection:
                        tx = _Asyncpg(self.compiler, connection)
                        async with connection.transaction():
                            await connection.execute("SELECT pg_advisory_xact_lock($1)", WRITERS)
                            result = cast(T, await greenlet_spawn(_called, function, tx, args, kwargs))
                            told = self._told(tx.touched)
                            if told:
                                text = f"{self._name} {','.join(sorted(told))}"
                                await connection.execute("SELECT pg_notify($1, $2)", CHANNEL, text)
                            begun.append(tx)
                            self._under_way.append(tx)
                    self._committed(tx)
                    return result
                except (asyncpg.SerializationError, asyncpg.DeadlockDetectedError):
                    if attempt == TRIES - 1:
                        raise
                finally:
                    for one in begun:
                        self._under_way.remove(one)
            raise AssertionError("unreachable")

        try:
            # Shielded: a caller that goes away does not leave it unknown whether the commit was made.
            return await asyncio.shield(run())
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            raise _translated(error) from error

    async def create(self, tables: Iterable[Table], stamp: str) -> None:
        for_postgresql()
        async with self._connected.acquire() as connection, connection.transaction():
            for table in tables:
                await connection.execute(str(CreateTable(table).compile(dialect=self.compiler.dialect)))
                for index in sorted(table.indexes, key=lambda index: str(index.name)):
                    await connection.execute(str(CreateIndex(index).compile(dialect=self.compiler.dialect)))
            await connection.execute("INSERT INTO alembic_version (version_num) VALUES ($1)", stamp)

    async def stamp(self) -> str | None:
        if await self._connected.fetchval("SELECT to_regclass('alembic_version')") is None:
            return None
        return cast("str | None", await self._connected.fetchval("SELECT version_num FROM alembic_version"))

    async def close(self) -> None:
        self._closed = True
        ear, self._ear = self._ear, None
        for task in list(self._tasks):
            task.cancel()
        if ear is not None:
            await ear.close()
        pool, self._pool = self._pool, None
        if pool is not None:
            await cast(Awaitable[None], pool.close())

    @property
    def _connected(self) -> asyncpg.Pool:
        if self._pool is None:
            raise DatabaseUnavailable("the database is closed")
        return self._pool
