"""SQLite through aiosqlite: the embedded default.

WAL mode: readers never wait for the writer. One connection writes (``BEGIN IMMEDIATE``), a few read.
``synchronous=FULL``: what was answered has reached the disk.

Where the work is done follows from what it costs. With several threads each statement gives up the interpreter's lock and
waits to get it back, which takes longer than the statement. So the statements of a write run on the event loop's thread
(some hundred microseconds in all), and the commit, which waits for the disk, in the connection's thread. Writes that were
asked for meanwhile share the next commit, each under its own savepoint: the disk is waited for once for all of them. A
`read` runs in the thread of one of the readers, for it may be long; a `glance` on the event loop's.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Concatenate, NamedTuple, ParamSpec, TypeVar

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
    plain,
)
from cloudsim.db.statement import Compiler

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

#: How long nothing must have been written before the log is emptied into the database.
PAUSE_SECONDS = 0.5
#: No further write joins a batch after so many seconds: the event loop has other things to do.
BATCH_SECONDS = 0.004
#: How long to wait for another process that holds the write lock.
BUSY_SECONDS = 5.0


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


def _commit(connection: sqlite3.Connection) -> None:
    connection.execute("COMMIT")


def _settle(future: asyncio.Future[Any], result: Any = None, *, error: BaseException | None = None) -> None:
    if future.done():
        return
    if error is not None:
        future.set_exception(error)
        future.exception()  # looked at: a caller that has gone away leaves no complaint
    else:
        future.set_result(result)


async def _run(connection: aiosqlite.Connection, function: Callable[[sqlite3.Connection], T]) -> T:
    # aiosqlite's public methods make one trip to its thread for each statement; a transaction here is one trip.
    # `_execute` is how all of them are made. The trip is shielded: a caller that goes away does not undo it half-way.
    return await asyncio.shield(connection._execute(function, connection._conn))  # type: ignore[no-untyped-call]


class _Wanted(NamedTuple):
    """A write that waits for its turn."""

    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    future: asyncio.Future[Any]


class SqliteDatabase(Database):
    """One database file."""

    def __init__(self, path: str | Path, readers: int = 2) -> None:
        super().__init__(Compiler(sqlite.dialect(paramstyle="qmark")))
        self._path = str(path)
        self._readers_wanted = readers
        self._writer: aiosqlite.Connection | None = None
        self._glancer: aiosqlite.Connection | None = None
        self._readers: asyncio.LifoQueue[aiosqlite.Connection] = asyncio.LifoQueue()
        self._all: list[aiosqlite.Connection] = []
        self._wanted: deque[_Wanted] = deque()
        #: Transactions so far.
        self._begun = 0
        self._writing: asyncio.Task[None] | None = None
        self._pause: asyncio.TimerHandle | None = None
        self._checkpointing: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Opens the file, made when it is not there. Raises `DatabaseUnavailable`."""
        try:
            # readable by its owner only, and with it what SQLite puts beside it
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
        except OSError as error:
            raise DatabaseUnavailable(f"the database file cannot be opened: {error.strerror}") from error
        try:
            self._writer = await self._connect("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL")
            await self._writer.execute_fetchall("PRAGMA busy_timeout=0")
            for _ in range(self._readers_wanted):
                self._readers.put_nowait(await self._connect("PRAGMA query_only=ON"))
            self._glancer = await self._connect("PRAGMA query_only=ON")
        except sqlite3.Error as error:
            await self.close()
            raise _translated(error) from error

    async def _connect(self, *pragmas: str) -> aiosqlite.Connection:
        # used by the connection's thread and by the event loop's, never by both at a time
        connection = aiosqlite.connect(self._path, isolation_level=None, cached_statements=600, check_same_thread=False)
        connection.daemon = True  # type: ignore[attr-defined]
        await connection
        self._all.append(connection)
        for pragma in (*pragmas, "PRAGMA foreign_keys=ON", "PRAGMA busy_timeout=5000", "PRAGMA temp_store=MEMORY"):
            await connection.execute_fetchall(pragma)
        return connection

    # -- reading

    def _read(self, connection: sqlite3.Connection, function: Callable[..., T], args: Any, kwargs: Any) -> T:
        connection.execute("BEGIN")
        try:
            self._begun += 1
            tx = _Read(self.compiler, connection)
            tx.connections, tx.queries = len(self._all), self._begun
            return plain(function(tx, *args, **kwargs))
        finally:
            connection.execute("ROLLBACK")

    async def read(self, function: Callable[Concatenate[Transaction, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        reader = await self._readers.get()
        try:
            return await _run(reader, lambda connection: self._read(connection, function, args, kwargs))
        except sqlite3.Error as error:
            raise _translated(error) from error
        finally:
            self._readers.put_nowait(reader)

    async def glance(
        self, function: Callable[Concatenate[Transaction, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        if self._glancer is None:
            raise DatabaseUnavailable("the database is closed")
        try:
            return self._read(self._glancer._conn, function, args, kwargs)
        except sqlite3.Error as error:
            raise _translated(error) from error

    # -- writing

    async def write(
        self, function: Callable[Concatenate[WriteTransaction, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        if self._writer is None:
            raise DatabaseUnavailable("the database is closed")
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._wanted.append(_Wanted(function, args, kwargs, future))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all())
        # A caller that goes away leaves its write to be made: whether it was made is never in between.
        return await asyncio.shield(future)

    async def _write_all(self) -> None:
        """Makes the writes that wait, batch after batch, until none is left."""
        try:
            while self._wanted and self._writer is not None:
                await self._write_batch(self._writer)
        finally:
            self._writing = None
            while self._wanted and self._writer is None:
                _settle(self._wanted.popleft().future, error=DatabaseUnavailable("the database is closed"))
            self._rest()

    def _rest(self) -> None:
        """Plans a checkpoint for when nothing was written for a moment: reading past a long log is slow."""
        if self._pause is not None:
            self._pause.cancel()
        self._pause = asyncio.get_running_loop().call_later(PAUSE_SECONDS, self._begin_checkpoint)

    def _begin_checkpoint(self) -> None:
        self._pause = None
        if self._writer is not None and self._checkpointing is None:
            self._checkpointing = asyncio.create_task(self._checkpoint())

    async def _checkpoint(self) -> None:
        reader = await self._readers.get()
        try:
            await _run(reader, lambda connection: connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall())
        except sqlite3.Error as error:  # the log stays as long as it is; the next writes try again
            log.warning("the write-ahead log could not be emptied: %s", error)
        finally:
            self._readers.put_nowait(reader)
            self._checkpointing = None

    async def _write_batch(self, writer: aiosqlite.Connection) -> None:
        connection = writer._conn
        try:
            await self._begin(connection)
        except sqlite3.Error as error:
            _settle(self._wanted.popleft().future, error=_translated(error))
            return
        made: list[tuple[_Wanted, Any, BaseException | None, _Write]] = []
        fatal: BaseException | None = None
        until = time.monotonic() + BATCH_SECONDS
        while self._wanted and fatal is None:
            one = self._wanted.popleft()
            tx = _Write(self.compiler, connection)
            result, failed = None, None
            try:
                connection.execute("SAVEPOINT one")
                result = plain(one.function(tx, *one.args, **one.kwargs))
                connection.execute("RELEASE one")
            except BaseException as error:
                failed = _translated(error) if isinstance(error, sqlite3.Error) else error
                try:
                    connection.execute("ROLLBACK TO one")
                    connection.execute("RELEASE one")
                except sqlite3.Error:  # the whole transaction is gone: a full disk, an I/O error
                    fatal = failed
            made.append((one, result, failed, tx))
            if time.monotonic() > until:
                break
        if fatal is None:
            try:
                self._under_way = [tx for _, _, failed, tx in made if failed is None]
                if self._under_way:
                    await _run(writer, _commit)
                else:
                    connection.execute("ROLLBACK")
            except sqlite3.Error as error:
                fatal = _translated(error)
            finally:  # those who listen are told below, before anybody else runs
                self._under_way = []
        if fatal is not None and connection.in_transaction:
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
        for one, result, failed, tx in made:
            if fatal is None and failed is None and (tx.touched or tx.after_commit):
                try:
                    self._committed(tx)
                except Exception:
                    log.exception("after a commit")
            wrong = failed or fatal
            if wrong is not None:
                _settle(one.future, error=wrong)
            else:
                _settle(one.future, result)

    async def _begin(self, connection: sqlite3.Connection) -> None:
        # no waiting inside SQLite, which would hold up everything: another process may hold the lock for a while
        loop = asyncio.get_running_loop()
        until = loop.time() + BUSY_SECONDS
        while True:
            try:
                connection.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if getattr(error, "sqlite_errorcode", 0) & 0xFF != sqlite3.SQLITE_BUSY or loop.time() > until:
                    raise
            await asyncio.sleep(0.01)  # noqa: TID251

    async def create(self, tables: Iterable[Table], stamp: str) -> None:
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
            connection.execute("INSERT INTO alembic_version (version_num) VALUES (?)", (stamp,))
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
        if self._writing is not None:
            await asyncio.wait([self._writing])
        if self._pause is not None:
            self._pause.cancel()
        if self._checkpointing is not None:
            await asyncio.wait([self._checkpointing])
        connections, self._all, self._writer, self._glancer = self._all, [], None, None
        for connection in connections:
            await connection.close()
