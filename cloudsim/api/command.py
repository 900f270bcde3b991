"""Commands: one class declares everything there is to know of one, and the registry finds them all.

>>> class ListPods(OwnedList, name="listPods", noun="pod", response=responses.POD):
...     \"\"\"Lists pods.\"\"\"
...
...     id = ref(POD)
...
...     def run(self, ctx): ...

`run` works in one transaction: one that only reads for `ListCommand` and whatever says ``reads=True``, one that may
write for all others. It answers the body of the response.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Sequence
from functools import cache
from typing import Any, ClassVar

from cloudsim.api.params import Given, Param, Parameters, boolean, integer, mapping, ref, string
from cloudsim.api.responses.base import SUCCESS, Response
from cloudsim.core.caller import Caller
from cloudsim.services import access, resourceicon
from cloudsim.services.access import Scope
from cloudsim.services.context import Cloud, Context, Row
from cloudsim.services.listing import Listing, Page, page_of, tags_of
from cloudsim.services.nouns import DOMAIN, PROJECT

Body = dict[str, Any]


def id_of(row: Row | None) -> int | None:
    """The row id of what a parameter named; None where it was not given."""
    return None if row is None else int(row["id"])


class Command:
    """One API command.

    Class arguments: `name` on the wire; `response`, what it answers; `event`, the type of the event it raises; `noun`,
    the key of its answer where it is not the response's own name; `reads`, whether it changes nothing; `since`, the
    version that brought it; `ours`, the reason why it exists where the reference has no such command.
    """

    name: ClassVar[str] = ""
    response: ClassVar[Response] = SUCCESS
    noun: ClassVar[str] = ""
    event: ClassVar[str | None] = None
    reads: ClassVar[bool] = False
    #: Whether it looks at a few rows only, so that it may run at once instead of in a reader's thread.
    brief: ClassVar[bool] = True
    is_async: ClassVar[bool] = False
    since: ClassVar[str | None] = None
    ours: ClassVar[str] = ""
    #: Tables whose commits make an answer of this command old; empty: answers are not kept.
    cached: ClassVar[frozenset[str]] = frozenset()
    #: Whether it takes no right of a role, because it is part of logging in.
    everyone: ClassVar[bool] = False
    #: What its answer is wrapped in, where the reference does not call it after the command.
    envelope: ClassVar[str] = ""
    params: ClassVar[dict[str, Param]] = {}
    #: What `before` found.
    prepared: dict[str, Any]

    def __init_subclass__(
        cls,
        *,
        name: str | None = None,
        response: Response | None = None,
        noun: str | None = None,
        event: str | None = None,
        reads: bool | None = None,
        since: str | None = None,
        ours: str | None = None,
        cached: frozenset[str] | None = None,
    ) -> None:
        super().__init_subclass__()
        params: dict[str, Param] = {}
        for base in reversed(cls.__mro__):
            if base is not cls and "params" in vars(base):
                # its own fields are no longer all there: `name` is the command's by now
                params.update(vars(base)["params"])
                continue
            for attribute, value in vars(base).items():
                if isinstance(value, Param):
                    params[attribute] = value
                elif attribute in params:
                    del params[attribute]
        cls.params = params
        cls.name = name or ""
        cls.response = response or cls.response
        cls.noun = noun or cls.response.name
        cls.event = event
        if reads is not None:
            cls.reads = reads
        cls.since = since
        cls.ours = ours or ""
        cls.cached = cached or frozenset()

    def __init__(self, ctx: Context, given: Given) -> None:
        """Reads every parameter. Raises what `Param.read` raises."""
        values = self.__dict__
        admin = ctx.caller.is_admin
        values["prepared"] = given.prepared if isinstance(given, Parameters) else {}
        for attribute, param in self.params.items():
            values[attribute] = param.default if param.admin and not admin else param.read(ctx, given)

    @classmethod
    def carry_out(cls, ctx: Context, given: Given) -> Body:
        """Reads the parameters and runs; answers the body."""
        return cls(ctx, given).run(ctx)

    @classmethod
    async def before(cls, cloud: Cloud, caller: Caller, parameters: Parameters) -> None:
        """Does what takes long (a password hash, reaching a host), outside the transaction that carries it out.

        May leave what it found in ``parameters.prepared``, where no client can put anything; `run` finds it as
        ``self.prepared``. May raise.
        """

    def run(self, ctx: Context) -> Body:
        """Carries it out."""
        raise NotImplementedError

    @classmethod
    def outcome(cls, body: Body) -> None:
        """Looks at the answer once the transaction is durable. May raise: what was written stays."""

    @classmethod
    async def settled(cls, cloud: Cloud, body: Body) -> Body:
        """Waits for what the answer shall tell of, once the transaction is durable; answers the body. May raise."""
        return body

    @classmethod
    def keeps(cls, parameters: Given) -> bool:
        """Whether the answer for these parameters depends on the tables in `cached` alone."""
        return bool(cls.cached)

    @classmethod
    def open_to(cls, caller: Caller) -> bool:
        """Whether a caller may call it: by the role, or because everybody who is known may."""
        return cls.everyone or caller.may(cls.name)

    @classmethod
    def root(cls) -> str:
        """What its answer is wrapped in."""
        return cls.envelope or cls.name.lower() + "response"

    @classmethod
    def description(cls) -> str:
        """Its help text: the first paragraph of the docstring."""
        return " ".join((cls.__doc__ or "").strip().split("\n\n")[0].split())

    @classmethod
    def related(cls) -> str:
        """Names of the commands that answer the same kind of thing, separated by commas."""
        same = [other.name for other in commands().values() if other.response is cls.response and other is not cls]
        return ",".join(same) if cls.response is not SUCCESS else ""


class AsyncCommand(Command):
    """One whose work is a job: `run` stores it and answers ``jobid``, and ``id`` where it made something."""

    is_async = True


class ListCommand(Command):
    """A list: keyword, page and pagesize, and no changes."""

    reads = True
    brief = False

    keyword = string()
    page = integer()
    pagesize = integer()

    @classmethod
    def carry_out(cls, ctx: Context, given: Given) -> Body:
        """As `Command.carry_out`; the id of what was removed is an empty list: clients look there whether it is gone."""
        try:
            return super().carry_out(ctx, given)
        except access.Unknown as unknown:
            if unknown.uuid == given.get("id") and access.was_there(ctx, unknown):
                return {}
            raise

    def paging(self, ctx: Context) -> Page:
        """The part that is asked for."""
        return page_of(ctx, self.page, self.pagesize)

    def answer(self, ctx: Context, found: tuple[list[int], int]) -> Body:
        """The body for a page of ids and the total: an empty list is an empty object."""
        ids, count = found
        objects = ctx.present(self.response.name, *ids)
        if getattr(self, "showicon", None):
            resourceicon.show(ctx, objects)
        return self.body(objects, count)

    def body(self, objects: list[dict[str, Any]], count: int | None = None) -> Body:
        """The body for response objects that are already made."""
        if not objects and not count:
            return {}
        body: Body = {"count": len(objects) if count is None else count}
        if objects:
            body[self.noun] = objects
        return body

    def part(self, ctx: Context, objects: Sequence[dict[str, Any]]) -> Body:
        """The body for the page that is asked for of objects that are all there already."""
        page = self.paging(ctx)
        return self.body(list(objects[page.offset : page.offset + page.limit]), len(objects))

    def select(self, ctx: Context, listing: Listing, **conditions: Any) -> Body:
        """The body for a listing under conditions; those that are None do not count."""
        return self.answer(ctx, listing.page(ctx, {"keyword": self.keyword, **conditions}, self.paging(ctx)))


class DomainList(ListCommand):
    """A list limited by domainid, isrecursive and listall."""

    domainid = ref(DOMAIN)
    isrecursive = boolean()
    listall = boolean()


class ScopedList(DomainList):
    """A list of what accounts and projects own: account and projectid as well."""

    account = string()
    projectid = ref(PROJECT, "The project whose things are listed; -1: those of all projects", also=("-1",))

    def scope(self, ctx: Context, *, by_id: bool = False, listall: bool = False) -> Scope:
        """Whose rows were asked for, see `access.scope`."""
        return access.scope(
            ctx,
            account=self.account,
            domain=self.domainid,
            project=self.projectid,
            listall=self.listall or listall,
            isrecursive=self.isrecursive,
            by_id=by_id,
        )

    def select(self, ctx: Context, listing: Listing, **conditions: Any) -> Body:
        scope = self.scope(ctx, by_id=bool(conditions.get("id")))
        given = {"keyword": self.keyword, **conditions}
        return self.answer(ctx, listing.page(ctx, given, self.paging(ctx), scope, self.tag_pairs()))

    def tag_pairs(self) -> list[tuple[str, str]]:
        """The tags of which a row must have one."""
        return []


class OwnedList(ScopedList):
    """A list of what can have tags."""

    tags = mapping()

    def tag_pairs(self) -> list[tuple[str, str]]:
        return tags_of(self.tags)


@cache
def commands() -> dict[str, type[Command]]:
    """Every command by its lower-cased name, found by walking ``api/commands``."""
    package = importlib.import_module("cloudsim.api.commands")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package.__name__}.{module.name}")
    found: dict[str, type[Command]] = {}

    def walk(cls: type[Command]) -> None:
        for sub in cls.__subclasses__():
            if sub.name:
                if sub.name.lower() in found and found[sub.name.lower()] is not sub:
                    raise ValueError(f"command {sub.name} is declared twice")
                found[sub.name.lower()] = sub
            walk(sub)

    walk(Command)
    return dict(sorted(found.items()))
