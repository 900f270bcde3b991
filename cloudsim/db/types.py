"""Column types and one operator that read the same on both engines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
from sqlalchemy import ARRAY, BigInteger, Integer, Text, bindparam
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import ColumnElement
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import Boolean, TypeDecorator, TypeEngine

#: Row ids and every other whole number that may pass 2**31: sizes in bytes, instants in milliseconds.
Big = BigInteger().with_variant(Integer(), "sqlite")


class Json(TypeDecorator[Any]):
    """Plain JSON data, stored as text on either engine."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else orjson.dumps(value).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else orjson.loads(value)


class _Array(TypeDecorator[Any]):
    """A list as one bind parameter: an array on PostgreSQL, a JSON text on SQLite."""

    impl = Text
    cache_ok = True

    def __init__(self, of: type[TypeEngine[Any]]) -> None:
        super().__init__()
        self.of = of

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(ARRAY(self.of))
        return dialect.type_descriptor(Text())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        return list(value) if dialect.name == "postgresql" else orjson.dumps(list(value)).decode()


class any_of(ColumnElement[bool]):
    """``column IN :name`` where `name` is bound to a list of any length, so that the statement is compiled once.

    >>> select(vm).where(any_of(vm.c.id, "ids"))
    """

    inherit_cache = False
    type = Boolean()

    def __init__(self, column: ColumnElement[Any], name: str) -> None:
        self.column = column
        number = isinstance(column.type, Integer)
        self.values: ColumnElement[Any] = bindparam(name, type_=_Array(BigInteger if number else Text))

    def self_group(self, against: Any = None) -> any_of:
        # not as a boolean column, which SQLAlchemy compares with 1 on SQLite: no index could be used then
        return self


@compiles(any_of, "sqlite")
def _any_of_sqlite(element: any_of, compiler: SQLCompiler, **kw: Any) -> str:
    column, values = compiler.process(element.column, **kw), compiler.process(element.values, **kw)
    return f"{column} IN (SELECT value FROM json_each({values}))"


@compiles(any_of, "postgresql")
def _any_of_postgresql(element: any_of, compiler: SQLCompiler, **kw: Any) -> str:
    return f"{compiler.process(element.column, **kw)} = ANY ({compiler.process(element.values, **kw)})"


Processor = Callable[[Any], Any]
