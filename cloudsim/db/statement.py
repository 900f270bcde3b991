"""SQLAlchemy compiles, the driver executes.

Compiling a statement costs some hundred microseconds, so each is compiled once for each engine: statements are made at
import time (or memoised by their shape, see `db.listing`) and take their values by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Boolean, Float, Insert
from sqlalchemy.engine import Dialect
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.compiler import SQLCompiler

from cloudsim.db.types import Processor

#: Driver rows to dicts.
Rows = Callable[[list[Any]], list[dict[str, Any]]]


class Statement:
    """One compiled statement: its text, and how values go in and come out."""

    __slots__ = ("_binds", "_defaults", "_reader", "_results", "columns", "sql", "writes")

    def __init__(self, compiled: SQLCompiler, dialect: Dialect) -> None:
        if compiled.post_compile_params:
            raise TypeError(f"not a fixed statement (use any_of for lists): {compiled}")
        self.sql: str = compiled.string
        #: The table it changes, None for a query.
        self.writes: str | None = None
        processors: Mapping[str, Processor] = compiled._bind_processors  # type: ignore[assignment]
        self._binds: list[tuple[str, Processor | None]] = [
            (name, processors.get(name)) for name in compiled.positiontup or ()
        ]
        self._defaults: dict[str, Any] = {
            name: value for name, value in compiled.params.items() if not repr(value).startswith("symbol")
        }
        self.columns: list[str] = [column.keyname for column in compiled._result_columns]
        #: By position, the columns whose stored form is not their Python form; None: a yes or no.
        self._results: dict[int, Processor | None] = {}
        self._reader: Rows | None = None
        for position, column in enumerate(compiled._result_columns):
            if isinstance(column.type, Float):  # drivers answer floats as they are
                continue
            processor = column.type.dialect_impl(dialect).result_processor(dialect, None)
            if processor is not None:
                self._results[position] = None if isinstance(column.type, Boolean) else processor

    def bind(self, values: Mapping[str, Any]) -> list[Any]:
        """The values in the order the driver wants them. Raises KeyError for one that is missing."""
        bound = []
        for name, processor in self._binds:
            value = values[name] if name in values else self._defaults[name]
            bound.append(value if processor is None else processor(value))
        return bound

    def rows(self, raw: list[Any]) -> list[dict[str, Any]]:
        """Driver rows as dicts by column name."""
        if self._reader is None:
            self._reader = self._make_reader()
        return self._reader(raw)

    def _make_reader(self) -> Rows:
        """A function for just these columns: naming each value where it stands takes half the time of ``zip``."""
        if not self.columns:
            return lambda raw: []
        names = [f"c{position}" for position in range(len(self.columns))]
        values = list(names)
        for position, processor in self._results.items():
            name = names[position]
            stored = f"{name} != 0" if processor is None else f"p{position}({name})"
            values[position] = f"None if {name} is None else {stored}"
        row = ", ".join(f"{column!r}: {value}" for column, value in zip(self.columns, values, strict=True))
        scope = {f"p{position}": processor for position, processor in self._results.items()}
        code = f"lambda raw: [{{{row}}} for {', '.join(names)}, in raw]"
        made: Rows = eval(code, scope)  # noqa: S307 - made of names of columns, quoted, and numbers
        return made


class Compiler:
    """The statements of one engine, each compiled once."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self._statements: dict[int, tuple[ClauseElement, Statement]] = {}
        self._inserts: dict[tuple[str, tuple[str, ...]], Statement] = {}
        self._updates: dict[tuple[str, tuple[str, ...], tuple[str, ...]], Statement] = {}

    def statement(self, clause: ClauseElement) -> Statement:
        """The compiled form of a fixed clause."""
        known = self._statements.get(id(clause))
        if known is None:
            if len(self._statements) > 4000:  # a caller makes statements as it goes: stay bounded
                self._statements.clear()
            known = self._statements[id(clause)] = (clause, self._compile(clause))
        return known[1]

    def insert(self, table: Any, keys: tuple[str, ...]) -> Statement:
        """An insert of these columns, answering the new row's id where the table has one."""
        known = self._inserts.get((table.name, keys))
        if known is None:
            clause: Any = Insert(table)
            if "id" in table.c:
                clause = clause.returning(table.c.id)
            known = self._inserts[table.name, keys] = self._compile(clause, column_keys=list(keys))
            known.writes = table.name
        return known

    def update(self, table: Any, where: tuple[str, ...], keys: tuple[str, ...]) -> Statement:
        """An update of `keys` where each column of `where` equals the value bound as ``w_<column>``."""
        known = self._updates.get((table.name, where, keys))
        if known is None:
            from sqlalchemy import bindparam

            clause = table.update().values({key: bindparam(key, type_=table.c[key].type) for key in keys})
            for column in where:
                clause = clause.where(table.c[column] == bindparam("w_" + column, type_=table.c[column].type))
            known = self._updates[table.name, where, keys] = self._compile(clause)
            known.writes = table.name
        return known

    def _compile(self, clause: Any, **options: Any) -> Statement:
        made = Statement(clause.compile(dialect=self.dialect, **options), self.dialect)
        if getattr(clause, "is_dml", False):
            made.writes = clause.table.name
        return made
