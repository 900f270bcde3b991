"""The port: what the rest of the product knows of a database.

>>> await db.read(lambda tx: tx.all(ZONES))
>>> await db.write(reserve, vm_id)

`read` and `write` take a plain function whose first argument is the transaction. It must do nothing but compute and ask
the database, for it may be run again (PostgreSQL: after a serialization failure) and, on SQLite, may run in another
thread. Whatever it raises undoes the transaction and is raised to the caller.

One write runs at a time, on both engines: a rule checked in a transaction still holds when it commits.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Table
from sqlalchemy.sql import ClauseElement

from cloudsim.db.statement import Compiler, Statement

P = ParamSpec("P")
T = TypeVar("T")

#: One row: column name to value. Whole numbers, text, booleans, None, and plain data for JSON columns.
Row = dict[str, Any]


class DatabaseError(Exception):
    """The base of what the layer raises."""


class Conflict(DatabaseError):
    """A uniqueness or reference rule of the schema would be broken."""


class DatabaseFull(DatabaseError):
    """The disk that holds the database is full. Nothing was changed."""


class DatabaseUnavailable(DatabaseError):
    """The database cannot be reached or opened; the text says why and what to do."""


class Transaction(ABC):
    """Runs statements. Made by `Database`, valid only inside the function it was given to."""

    #: Of an embedded database: how many connections this process has to it, how many transactions it has begun.
    connections = 0
    queries = 0

    def __init__(self, compiler: Compiler) -> None:
        self._compiler = compiler

    @property
    def dialect(self) -> str:
        """Which kind of database it is: sqlite or postgresql."""
        return str(self._compiler.dialect.name)

    @abstractmethod
    def _fetch(self, sql: str, values: list[Any]) -> list[Any]:
        """Rows of a statement, as tuples."""

    def all(self, clause: ClauseElement, values: Mapping[str, Any] | None = None, /, **more: Any) -> list[Row]:
        """Every row."""
        statement = self._compiler.statement(clause)
        return statement.rows(self._fetch(statement.sql, statement.bind({**values, **more} if values else more)))

    def first(self, clause: ClauseElement, values: Mapping[str, Any] | None = None, /, **more: Any) -> Row | None:
        """The first row, or None."""
        rows = self.all(clause, values, **more)
        return rows[0] if rows else None

    def scalar(self, clause: ClauseElement, values: Mapping[str, Any] | None = None, /, **more: Any) -> Any:
        """The first column of the first row, or None."""
        for row in self.all(clause, values, **more):
            return next(iter(row.values()))
        return None


class WriteTransaction(Transaction):
    """A transaction that may change rows."""

    def __init__(self, compiler: Compiler) -> None:
        super().__init__(compiler)
        #: Names of the tables that were changed.
        self.touched: set[str] = set()
        self.after_commit: list[Callable[[], None]] = []

    @abstractmethod
    def _change(self, sql: str, values: list[Any]) -> int:
        """Runs a statement and answers how many rows it changed."""

    @abstractmethod
    def _change_many(self, sql: str, values: list[list[Any]]) -> None:
        """Runs a statement once for each list of values."""

    def on_commit(self, call: Callable[[], None]) -> None:
        """`call` runs on the event loop once the transaction is durable, never when it is undone."""
        self.after_commit.append(call)

    def execute(self, clause: ClauseElement, values: Mapping[str, Any] | None = None, /, **more: Any) -> int:
        """Runs an update or delete; answers how many rows it changed."""
        statement = self._compiler.statement(clause)
        self._touch(statement)
        return self._change(statement.sql, statement.bind({**values, **more} if values else more))

    def insert(self, table: Table, values: Mapping[str, Any] | None = None, /, **more: Any) -> int:
        """Adds a row; answers its id (0 for a table without ids). Raises `Conflict`."""
        row = {**values, **more} if values else more
        statement = self._compiler.insert(table, tuple(row))
        self._touch(statement)
        if statement.columns:
            return int(self._fetch(statement.sql, statement.bind(row))[0][0])
        self._change(statement.sql, statement.bind(row))
        return 0

    def insert_many(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Adds rows that all have the same columns."""
        if not rows:
            return
        keys = tuple(rows[0])
        statement = self._compiler.insert(table, keys)
        self._touch(statement)
        sql = statement.sql.split(" RETURNING ")[0]
        self._change_many(sql, [statement.bind(row) for row in rows])

    def update(self, table: Table, where: Mapping[str, Any], /, **values: Any) -> int:
        """Changes the rows whose columns equal those of `where`; answers how many there were."""
        statement = self._compiler.update(table, tuple(where), tuple(values))
        self._touch(statement)
        return self._change(statement.sql, statement.bind({**values, **{"w_" + k: v for k, v in where.items()}}))

    def _touch(self, statement: Statement) -> None:
        if statement.writes is not None:
            self.touched.add(statement.writes)


def plain(result: T) -> T:
    """What a transaction's function returned. Raises `TypeError` for what would still have to be awaited."""
    if isinstance(result, Awaitable):
        if isinstance(result, Coroutine):
            result.close()
        raise TypeError("a transaction is a plain function: it cannot await, so it can wait for nothing outside")
    return result


class Database(ABC):
    """A database that is open."""

    #: Whether other servers may use it at the same time.
    shared = False

    def __init__(self, compiler: Compiler) -> None:
        self.compiler = compiler
        #: When it was opened, in milliseconds; the server says it.
        self.opened = 0
        self._listeners: list[tuple[frozenset[str], Callable[[], None]]] = []
        #: Of those, what is not told of commits of other servers.
        self._here_only: set[Callable[[], None]] = set()
        self._elsewhere: list[tuple[frozenset[str], Callable[[], Awaitable[None]]]] = []
        #: Transactions whose commits are under way.
        self._under_way: list[WriteTransaction] = []

    @abstractmethod
    async def read(self, function: Callable[Concatenate[Transaction, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs `function` on one consistent view of the data."""

    @abstractmethod
    async def glance(
        self, function: Callable[Concatenate[Transaction, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """As `read`, for what looks at a few rows by their keys: it may hold up everything else while it runs."""

    @abstractmethod
    async def write(
        self, function: Callable[Concatenate[WriteTransaction, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Runs `function` in a transaction; it has been made durable when this returns."""

    @abstractmethod
    async def close(self) -> None:
        """Lets go of every connection."""

    @abstractmethod
    async def create(self, tables: Iterable[Table], stamp: str) -> None:
        """Makes the tables and indexes of an empty database."""

    @abstractmethod
    async def stamp(self) -> str | None:
        """The schema version the database holds, None when it is empty."""

    def listen(self, tables: Iterable[str], call: Callable[[], None], *, here_only: bool = False) -> None:
        """`call` runs on the event loop after each commit that changed one of `tables` (for what is kept in memory).

        Commits of other servers that share the database count too, unless `here_only`.
        """
        self._listeners.append((frozenset(tables), call))
        if here_only:
            self._here_only.add(call)

    def listen_elsewhere(self, tables: Iterable[str], call: Callable[[], Awaitable[None]]) -> None:
        """`call` runs when another server that shares the database has changed one of `tables`.

        On SQLite there is no other server.
        """
        self._elsewhere.append((frozenset(tables), call))

    def committing(self, tables: frozenset[str]) -> bool:
        """Whether a commit here that changes one of `tables` is under way.

        Readers may see it already, and who listens has not been told: what is kept in memory is not to be used now.
        """
        return any(not tables.isdisjoint(tx.touched) for tx in self._under_way)

    def _committed(self, tx: WriteTransaction) -> None:
        for tables, call in self._listeners:
            if not tables.isdisjoint(tx.touched):
                call()
        for call in tx.after_commit:
            call()
