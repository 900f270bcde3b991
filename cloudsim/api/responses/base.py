"""Declarations of response objects, and the registry that turns rows of a noun into them."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from cloudsim.api.words import describe
from cloudsim.services.context import Context

Object = dict[str, Any]
Present = Callable[[Context, Sequence[int]], list[Object]]


class Response:
    """The fields of one kind of response object, by CloudStack's types.

    >>> POD = Response("pod", string="id name", boolean="hasannotations", nested={"capacity": ("list", CAPACITY)})
    """

    def __init__(
        self,
        name: str,
        *,
        nested: Mapping[str, tuple[str, Response | None]] | None = None,
        words: Mapping[str, str] | None = None,
        **types: str,
    ) -> None:
        self.name = name
        #: Field name to type.
        self.fields: dict[str, str] = {}
        for type_name, names in types.items():
            for field in names.split():
                self.fields[field] = type_name
        self.nested: dict[str, Response | None] = {}
        for field, (type_name, response) in (nested or {}).items():
            self.fields[field] = type_name
            self.nested[field] = response
        self._words = dict(words or {})
        self._present: Present | None = None

    def description(self, field: str) -> str:
        """What a field tells, in a phrase."""
        return self._words.get(field) or describe(field)

    def presents(self, function: Present) -> Present:
        """Marks the function that makes these objects from row ids."""
        self._present = function
        _PRESENTERS[self.name] = function
        return function


_PRESENTERS: dict[str, Present] = {}

#: Delete and the like.
SUCCESS = Response("success", boolean="success", string="displaytext jobid", integer="jobstatus")


@cache
def _load() -> None:
    package = importlib.import_module("cloudsim.api.responses")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package.__name__}.{module.name}")


def present(ctx: Context, noun: str, ids: Sequence[int]) -> list[Object]:
    """The response objects of rows of a noun: what services are given as `Cloud.present`."""
    _load()
    return _PRESENTERS[noun](ctx, ids)


def shown(**fields: Any) -> Object:
    """An object without the fields that hold nothing: what is not there is not sent."""
    return {name: value for name, value in fields.items() if value is not None}


def owner(row: Mapping[str, Any], name: str = "account_name") -> Object:
    """Whose a thing is: its account (by the column `name`), or the project that the account stands for."""
    if row["project_uuid"] is not None:
        return {"projectid": row["project_uuid"], "project": row["project_name"]}
    return {} if row[name] is None else {"account": row[name]}


def ordered(rows: Sequence[Mapping[str, Any]], ids: Sequence[int]) -> list[Any]:
    """Rows in the order of their ids."""
    by_id = {row["id"]: row for row in rows}
    return [by_id[row_id] for row_id in ids if row_id in by_id]
