"""Lists: a page of ids under named conditions, with the total. Rows and what belongs to them are fetched for the page.

A `Listing` declares every condition its command knows. The statement for one combination of them is made once; only
values differ from request to request, so nothing is compiled while clients wait.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Table, and_, bindparam, func, or_, select
from sqlalchemy.sql import ClauseElement

from cloudsim.core.errors import BadParameter
from cloudsim.db.schema import detail, domain, project, tag
from cloudsim.db.types import any_of
from cloudsim.services.access import EVERYTHING, Projects, Scope
from cloudsim.services.context import Context

Filter = ColumnElement[bool]


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list: `limit` rows from `offset`."""

    offset: int = 0
    limit: int = 500


def page_of(ctx: Context, page: int | None, pagesize: int | None) -> Page:
    """What page and pagesize mean. Raises `BadParameter` for one without the other, or too large a page."""
    most = ctx.settings.number("default.page.size") or 500
    if page is None and pagesize is None:
        return Page(0, most)
    if page is None or pagesize is None:
        raise BadParameter("page and pagesize go together: give both or none")
    if pagesize > most or pagesize == -1:
        raise BadParameter(f"pagesize may be up to {most} (setting default.page.size)")
    if page < 1 or pagesize < 1:
        raise BadParameter("page and pagesize start at 1")
    return Page(min((page - 1) * pagesize, 2**62), pagesize)


def equals(column: Any, name: str) -> Filter:
    """``column = :name``."""
    made: Filter = column == bindparam(name, type_=column.type)
    return made


def equals_nocase(column: Any, name: str) -> Filter:
    """``lower(column) = :name``; the value must come in lower case."""
    made: Filter = func.lower(column) == bindparam(name)
    return made


def contains(column: Any, name: str) -> Filter:
    """Whether the column contains the text bound to `name`, without regard to case (give the value through `like`)."""
    made: Filter = func.lower(column).like(bindparam(name), escape="\\")
    return made


def like(text: str) -> str:
    """A text as the value of `contains`."""
    escaped = text.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def has_keyword(keyword: str | None, *texts: str | None) -> bool:
    """Whether a keyword is in one of some texts, as `contains` has it, for lists that are made without a `Listing`."""
    return keyword is None or any(keyword.lower() in text.lower() for text in texts if text)


class Listing:
    """The query of one list command.

    `filters` maps a condition's name to its clause, whose bind parameters must be named after it. `keyword` are the
    columns that a keyword is looked for in. `owner` are the account and domain columns of what has an owner.
    """

    def __init__(
        self,
        table: Table,
        *,
        filters: Mapping[str, Filter] | None = None,
        keyword: Sequence[Any] = (),
        source: Any = None,
        base: Sequence[Filter] = (),
        order: Sequence[Any] = (),
        owner: tuple[Any, Any] | None = None,
        tag_type: str | None = None,
        seen: Mapping[str, Filter] | None = None,
    ) -> None:
        self.table = table
        self._source = source if source is not None else table
        self._filters = dict(filters or {})
        if keyword:
            self._filters["keyword"] = or_(*(contains(column, "keyword") for column in keyword))
        self._base = list(base)
        if "removed" in table.c and not any("removed" in str(clause) for clause in base):
            self._base.append(table.c.removed.is_(None))
        self._order = list(order) or [table.c.id]
        self._tag_type = tag_type
        #: More scopes than the common ones, by kind.
        self._scopes: dict[str, Filter] = dict(seen or {})
        self._projects: dict[Projects, Filter] = {}
        if owner is not None:
            account_id, domain_id = owner
            self._scopes["account"] = account_id == bindparam("scope_account")
            self._scopes["accounts"] = any_of(account_id, "scope_accounts")
            in_projects = account_id.in_(select(project.c.account_id))
            self._projects = {Projects.ONLY: in_projects, Projects.WITHOUT: ~in_projects}
            self._scopes["domain"] = domain_id == bindparam("scope_domain")
            self._scopes["subtree"] = domain_id.in_(
                select(domain.c.id).where(
                    and_(domain.c.path >= bindparam("scope_path"), domain.c.path < bindparam("scope_end"))
                )
            )
        self._made: dict[tuple[frozenset[str], str, Projects, int], tuple[ClauseElement, ClauseElement]] = {}

    def page(
        self,
        ctx: Context,
        given: Mapping[str, Any],
        page: Page,
        scope: Scope = EVERYTHING,
        tags: Sequence[tuple[str, str]] = (),
    ) -> tuple[list[int], int]:
        """Ids of the page, and how many rows there are in all. Conditions whose value is None are left out."""
        values = {name: value for name, value in given.items() if value is not None}
        if "keyword" in values:
            values["keyword"] = like(values["keyword"])
        shape = (frozenset(values), scope.kind, scope.projects, len(tags))
        made = self._made.get(shape)
        if made is None:
            if len(self._made) > 500:
                self._made.clear()
            made = self._made[shape] = self._statements(*shape)
        values.update(scope.values)
        for number, (key, value) in enumerate(tags):
            values[f"tag_key_{number}"] = key
            values[f"tag_value_{number}"] = value
        ids = [row["id"] for row in ctx.tx.all(made[0], {**values, "limit": page.limit, "offset": page.offset})]
        if page.offset == 0 and len(ids) < page.limit:
            return ids, len(ids)
        return ids, int(ctx.tx.scalar(made[1], values))

    def ids(self, ctx: Context, given: Mapping[str, Any], scope: Scope = EVERYTHING) -> list[int]:
        """Every id, for callers inside the server."""
        return self.page(ctx, given, Page(0, 2**31), scope)[0]

    def _statements(
        self, names: frozenset[str], kind: str, projects: Projects, tags: int
    ) -> tuple[ClauseElement, ClauseElement]:
        where = [*self._base, *(self._filters[name] for name in sorted(names))]
        if kind != "all":
            where.append(self._scopes[kind])
        if projects in self._projects:
            where.append(self._projects[projects])
        if tags:
            # one of several is enough
            one_of = or_(
                *(
                    and_(tag.c.key == bindparam(f"tag_key_{number}"), tag.c.value == bindparam(f"tag_value_{number}"))
                    for number in range(tags)
                )
            )
            tagged = select(tag.c.resource_id).where(tag.c.resource_type == (self._tag_type or ""), one_of)
            where.append(self.table.c.id.in_(tagged))
        ids = select(self.table.c.id).select_from(self._source).where(*where).order_by(*self._order)
        ids = ids.limit(bindparam("limit", type_=BigInteger)).offset(bindparam("offset", type_=BigInteger))
        return ids, select(func.count()).select_from(self._source).where(*where)


def tags_of(value: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """The tags parameter of a list command (a parsed map parameter) as (key, value) pairs."""
    return [] if not value else [(str(key), str(text)) for key, text in value.items()]


__all__ = [
    "Filter",
    "Listing",
    "Page",
    "contains",
    "detail",
    "equals",
    "equals_nocase",
    "has_keyword",
    "like",
    "page_of",
    "tags_of",
]
