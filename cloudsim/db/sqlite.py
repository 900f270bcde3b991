"""SQLite through aiosqlite: the embedded default.

WAL mode: readers never wait for the writer. One connection writes (``BEGIN IMMEDIATE``), a few read. Each transaction is
one trip to the connection's thread. ``synchronous=FULL``: what was answered has reached the disk.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import aiosqlite
from sqlalchemy import Table
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from cloudsim.db.database import (
    Conflict,
    Database,
    DatabaseError,
    DatabaseFull,
    DatabaseUnavailable,
    Transaction,
    WriteTransaction,
)
from cloudsim.db.statement import Compiler

P = ParamSpec("P")
T = TypeVar("T")


def _translated(error: sqlite3.Error) -> Exception:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return DatabaseFull("the disk that holds the database is full")
    if code == sqlite3.SQLITE_CONSTRAINT:
        return Conflict(str(error))
    if code in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
        return DatabaseUnavailable(f"the database file cannot be read or written: {error}")
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return DatabaseUnavailable("the database is locked by another process")
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return DatabaseUnavailable(f"the database file is damaged or is not a database: {error}")
    return DatabaseError(str(error))


class _Read(Transaction):
    def __init__(self, compiler: Compiler, connection: sqlite3.Connection) -> None:
        super().__init__(compiler)
        self._connection = connection

    def _fetch(self, sql: str, values: list[Any]) -> list[Any]:
        return self._connection.execute(sql, values).fetchall()


class _Write(WriteTransaction):
    def __init__(self, compiler: Compiler, connection: sqlite3.Connection) -> None:
        super().__init__(compiler)
        self._connection = connection

    def _fetch(self, sql: str, values: list[Any]) -> list[Any]:
        return self._connection.execute(sql, values).fetchall()

    def _change(self, sql: str, values: list[Any]) -> int:
        return self._connection.execute(sql, values).rowcount

    def _change_many(self, sql: str, values: list[list[Any]]) -> None:
        self._connection.executemany(sql, values)


async def _run(connection: aiosqlite.Connection, function: Callable[[sqlite3.Connection], T]) -> T:
    # aiosqlite's public methods make one trip to its thread for each statement; a transaction here is one trip.
    # `_execute` is how all of them are made. The trip is shielded: a caller that goes away does not undo it half-way.
    return await asyncio.shield(connection._execute(function, connection._conn))  # type: ignore[no-untyped-call,no-any-return]


class SqliteDatabase(Database):
    """One database file."""

    def __init__(self, path: str | Path, readers: int = 3) -> None:
        super().__init__(Compiler(sqlite.dialect(paramstyle="qmark")))  # type: ignore[no-untyped-call]
        self._path = str(path)
        self._readers_wanted = readers
        self._writer: aiosqlite.Connection | None = None
        self._readers: asyncio.LifoQueue[aiosqlite.Connection] = asyncio.LifoQueue()
        self._all: list[aiosqlite.Connection] = []

    async def open(self) -> None:
        """Opens the file, made when it is not there. Raises `DatabaseUnavailable`."""
        try:
            self._writer = await self._connect("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL")
            for _ in range(self._readers_wanted):
                self._readers.put_nowait(await self._connect("PRAGMA query_only=ON"))
        except sqlite3.Error as error:
            await self.close()
            raise _translated(error) from error

    async def _connect(self, *pragmas: str) -> aiosqlite.Connection:
        connection = aiosqlite.connect(self._path, isolation_level=None, cached_statements=600)
        connection.daemon = True  # type: ignore[attr-defined]
        await connection
        self._all.append(connection)
        for pragma in (*pragmas, "PRAGMA foreign_keys=ON", "PRAGMA busy_timeout=5000", "PRAGMA temp_store=MEMORY"):
            await connection.execute_fetchall(pragma)
        return connection

    async def read(self, function: Callable[Concatenate[Transaction, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        compiler = self.compiler

        def run(connection: sqlite3.Connection) -> T:
            connection.execute("BEGIN")
            try:
                return function(_Read(compiler, connection), *args, **kwargs)
            finally:
                connection.execute("ROLLBACK")

        reader = await self._readers.get()
        try:
            return await _run(reader, run)
        except sqlite3.Error as error:
            raise _translated(error) from error
        finally:
            self._readers.put_nowait(reader)

    async def write(
        self, function: Callable[Concatenate[WriteTransaction, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        compiler = self.compiler
        loop = asyncio.get_running_loop()

        def run(connection: sqlite3.Connection) -> T:
            connection.execute("BEGIN IMMEDIATE")
            try:
                tx = _Write(compiler, connection)
                result = function(tx, *args, **kwargs)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            if tx.touched or tx.after_commit:
                loop.call_soon_threadsafe(self._committed, tx)
            return result

        if self._writer is None:
            raise DatabaseUnavailable("the database is closed")
        try:
            return await _run(self._writer, run)
        except sqlite3.Error as error:
            raise _translated(error) from error

    async def create(self, tables: Iterable[Table]) -> None:
        statements = []
        for table in tables:
            statements.append(str(CreateTable(table).compile(dialect=self.compiler.dialect)))
            statements += [
                str(CreateIndex(index).compile(dialect=self.compiler.dialect))
                for index in sorted(table.indexes, key=lambda index: str(index.name))
            ]

        def run(connection: sqlite3.Connection) -> None:
            connection.execute("BEGIN IMMEDIATE")
            for statement in statements:
                connection.execute(statement)
            connection.execute("COMMIT")

        assert self._writer is not None
        await _run(self._writer, run)

    async def stamp(self) -> str | None:
        def run(connection: sqlite3.Connection) -> str | None:
            if not connection.execute("SELECT 1 FROM sqlite_master WHERE name='alembic_version'").fetchone():
                return None
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
            return str(row[0]) if row else None

        assert self._writer is not None
        try:
            return await _run(self._writer, run)
        except sqlite3.Error as error:
            raise _translated(error) from error

    async def close(self) -> None:
        connections, self._all, self._writer = self._all, [], None
        for connection in connections:
            await connection.close()
