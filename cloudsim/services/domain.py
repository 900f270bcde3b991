"""Domains: lists, making, renaming, moving and deleting them with what is in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, bindparam, select

from cloudsim.core.errors import InvalidValue, OperationFailed, PermissionDenied
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import Big, any_of
from cloudsim.jobs.job import Order
from cloudsim.jobs.workflow import Workflow, workflow
from cloudsim.services import (
    access,
    account,
    account_orders,
    affinitygroup,
    dedication,
    public_range,
    resource,
    webhook,
)
from cloudsim.services.access import EVERYTHING, Scope
from cloudsim.services.context import Context
from cloudsim.services.listing import Listing, equals
from cloudsim.services.network_orders import check_domain
from cloudsim.services.nouns import DOMAIN
from cloudsim.services.resource import Kind

domain = schema.domain

LISTING = Listing(
    domain,
    filters={
        "id": equals(domain.c.id, "id"),
        "name": equals(domain.c.name, "name"),
        "level": equals(domain.c.level, "level"),
        "parent": equals(domain.c.parent_id, "parent"),
        "start": domain.c.path > bindparam("start"),
        "end": domain.c.path < bindparam("end"),
    },
    keyword=(domain.c.name,),
    order=(domain.c.path, domain.c.id),
    seen={
        "one": domain.c.id == bindparam("scope_domain", type_=Big),
        "below": and_(domain.c.path >= bindparam("scope_path"), domain.c.path < bindparam("scope_end")),
    },
    tag_type="Domain",
)
_ROWS = select(domain).where(any_of(domain.c.id, "ids"))
_TREE = select(domain.c.id, domain.c.uuid, domain.c.name, domain.c.path).where(domain.c.removed.is_(None))
_CHILD = select(domain.c.id).where(
    domain.c.parent_id == bindparam("parent_id", type_=Big),
    domain.c.name == bindparam("name"),
    domain.c.removed.is_(None),
)
_WITHIN = (
    select(domain)
    .where(domain.c.path >= bindparam("start"), domain.c.path < bindparam("end"), domain.c.removed.is_(None))
    .order_by(domain.c.level.desc(), domain.c.id)
)
_ACCOUNTS = (
    select(schema.account)
    .where(any_of(schema.account.c.domain_id, "domains"), schema.account.c.removed.is_(None))
    .order_by(schema.account.c.id)
)


def scope(ctx: Context) -> Scope:
    """The domains a caller may list: all, the own and those below, or the own one."""
    caller = ctx.caller
    if caller.is_admin:
        return EVERYTHING
    if caller.is_domain_admin:
        path = caller.domain_path
        return Scope("below", {"scope_path": path, "scope_end": path[:-1] + "0"})
    return Scope("one", {"scope_domain": caller.domain_id})


@dataclass(frozen=True, slots=True)
class Entry:
    """A domain with what belongs to it."""

    row: Row
    parent: Row | None
    has_children: bool
    #: What it and those below it have, by the kind's field.
    used: dict[str, int]
    limits: dict[str, int]
    details: dict[str, str]
    tagged: list[tuple[Kind, str, int, int]]


def page(ctx: Context, ids: Sequence[int]) -> list[Entry]:
    """Domains by their row ids, in that order: one statement for each kind of thing."""
    rows = {row["id"]: row for row in ctx.tx.all(_ROWS, ids=ids)}
    tree = ctx.tx.all(_TREE)
    by_id = {row["id"]: row for row in tree}
    used = resource.used(ctx, "domain", list(by_id))
    full = {row["id"]: row for row in ctx.tx.all(_ROWS, ids=list(by_id))}
    limits = resource.Limits(ctx, [], list(by_id))
    tags = [(tag, kinds, resource.used(ctx, "domain", list(by_id), tag=tag)) for tag, kinds in account.tags(ctx)]
    details: dict[int, dict[str, str]] = {}
    for row in ctx.tx.all(_DETAILS, ids=list(rows)):
        details.setdefault(row["resource_id"], {})[row["name"]] = row["value"]
    made = []
    for row_id in ids:
        if row_id not in rows:
            continue
        row = rows[row_id]
        below = [one["id"] for one in tree if str(one["path"]).startswith(row["path"])]
        above = [row]
        while above[-1]["parent_id"] in full:
            above.append(full[above[-1]["parent_id"]])
        made.append(
            Entry(
                row,
                by_id.get(row["parent_id"]),
                len(below) > 1,
                {field: sum(used[one][field] for one in below) for field in resource.kinds()},
                {field: limits.of_domain(above, kind) for field, kind in resource.kinds().items()},
                details.get(row_id, {}),
                [
                    (kind, tag, limits.of_domain(above, kind, tag), sum(counts[one][kind.field] for one in below))
                    for tag, kinds, counts in tags
                    for kind in kinds
                ],
            )
        )
    return made


_DETAILS = select(schema.detail).where(
    schema.detail.c.resource_type == "Domain", any_of(schema.detail.c.resource_id, "ids")
)


def _name(ctx: Context, above: Row, name: str, own: int | None = None) -> str:
    text = name.strip()
    if not text:
        raise InvalidValue("name cannot be empty")
    if "/" in text:
        raise InvalidValue("the name of a domain has no '/'")
    there = ctx.tx.scalar(_CHILD, parent_id=above["id"], name=text)
    if there is not None and there != own:
        raise InvalidValue(f"domain {above['name']} has a domain named '{text[:64]}' already")
    return text


def create(ctx: Context, name: str, *, parent: Row | None, network_domain: str | None, uuid: str | None) -> int:
    """Makes a domain below another; answers its id. Raises `InvalidValue`, `PermissionDenied`."""
    above = access.place(ctx, parent)
    name = _name(ctx, above, name)
    if uuid is not None and ctx.tx.first(DOMAIN.by_uuid, uuid=uuid) is not None:
        raise InvalidValue("domainid is the id of another domain")
    uuid = uuid or ctx.uuid()
    made = ctx.tx.insert(
        domain,
        uuid=uuid,
        created=ctx.now,
        removed=None,
        name=name,
        parent_id=above["id"],
        path=f"{above['path']}{name}/",
        level=above["level"] + 1,
        network_domain=check_domain(network_domain),
        state="Active",
    )
    ctx.tx.on_commit(lambda: ctx.settings.above.update({made: above["id"]}))
    ctx.event("DOMAIN.CREATE", f"domain {name} was created", resource=("Domain", uuid), domain_id=made)
    return made


def _own(ctx: Context, found: Row) -> None:
    caller = ctx.caller
    if not (caller.is_admin or caller.is_domain_admin) or not access.within(ctx, found["id"]):
        raise PermissionDenied(f"domain {found['name']} is not yours to change")


def _below(ctx: Context, found: Row) -> list[Row]:
    """A domain and all below it, the deepest first."""
    path = str(found["path"])
    return ctx.tx.all(_WITHIN, start=path, end=path[:-1] + "0")


def _relocate(ctx: Context, found: Row, path: str, level: int) -> None:
    for row in _below(ctx, found):
        ctx.tx.update(
            domain,
            {"id": row["id"]},
            path=path + str(row["path"])[len(found["path"]) :],
            level=row["level"] - found["level"] + level,
        )


def update(ctx: Context, found: Row, *, name: str | None, network_domain: str | None) -> None:
    """Renames a domain, or gives it another network domain ("" takes it away). Raises `InvalidValue`, `PermissionDenied`."""
    _own(ctx, found)
    if name is not None and name.strip() != found["name"]:
        if found["parent_id"] is None:
            raise InvalidValue("the ROOT domain keeps its name")
        above = access.row(ctx, DOMAIN, found["parent_id"])
        name = _name(ctx, above, name, found["id"])
        _relocate(ctx, found, f"{above['path']}{name}/", found["level"])
        ctx.tx.update(domain, {"id": found["id"]}, name=name)
    if network_domain is not None:
        ctx.tx.update(domain, {"id": found["id"]}, network_domain=check_domain(network_domain or None))
    ctx.event(
        "DOMAIN.UPDATE", f"domain {name or found['name']} was changed", resource=("Domain", found["uuid"]),
        domain_id=found["id"],
    )  # fmt: skip


def move(ctx: Context, found: Row, parent: Row) -> None:
    """Puts a domain, with all below it, below another one. Raises `InvalidValue`, `PermissionDenied`."""
    if not ctx.caller.is_admin:
        raise PermissionDenied("domains are moved by root admins")
    if found["parent_id"] is None:
        raise InvalidValue("the ROOT domain stays where it is")
    if str(parent["path"]).startswith(found["path"]):
        raise InvalidValue("a domain cannot be moved below itself")
    if parent["id"] == found["parent_id"]:
        raise InvalidValue(f"domain {found['name']} is below {parent['name']} already")
    access.place(ctx, parent)
    _name(ctx, parent, found["name"])
    _relocate(ctx, found, f"{parent['path']}{found['name']}/", parent["level"] + 1)
    ctx.tx.update(domain, {"id": found["id"]}, parent_id=parent["id"])
    ctx.tx.on_commit(lambda: ctx.settings.above.update({found["id"]: parent["id"]}))
    moved = access.row(ctx, DOMAIN, found["id"])
    _check_limits(ctx, moved)
    dedication.check_moved(ctx, moved["path"])
    ctx.event(
        "DOMAIN.MOVE", f"domain {found['name']} is below {parent['name']} now", resource=("Domain", found["uuid"]),
        domain_id=found["id"],
    )  # fmt: skip


def _check_limits(ctx: Context, moved: Row) -> None:
    """Raises `InvalidValue` where a domain above, which has more now, has more than it may."""
    above = resource.line(ctx, moved["path"])
    limits = resource.Limits(ctx, [], [row["id"] for row in above])
    for number in range(1, len(above)):
        most = {field: limits.of_domain(above[number:], kind) for field, kind in resource.kinds().items()}
        limited = frozenset(field for field, value in most.items() if value != resource.UNLIMITED)
        if not limited:
            continue
        has = resource.used_below(ctx, above[number], limited)
        for field in sorted(limited):
            if has[field] > most[field] * resource.kinds()[field].unit:
                raise InvalidValue(f"domain {above[number]['name']} would have more of {field} than it may")


# -- deleting


def delete(ctx: Context, found: Row, *, cleanup: bool) -> str:
    """Orders the deletion of a domain; `cleanup`: with the accounts and domains in it. Answers the job's uuid.

    Raises `InvalidValue` for the ROOT domain and the caller's own, `PermissionDenied`.
    """
    _own(ctx, found)
    if found["parent_id"] is None:
        raise InvalidValue("the ROOT domain stays")
    if ctx.caller.domain_path.startswith(found["path"]):
        raise InvalidValue("nobody can delete the own domain")
    return ctx.submit(
        Order(
            command=ctx.command,
            workflow="domain.delete",
            arguments={"domain_id": found["id"], "cleanup": cleanup},
            instance_type="Domain",
            instance_uuid=found["uuid"],
            lock=f"domain:{found['uuid']}",
            event="DOMAIN.DELETE",
            event_text=f"deleting domain {found['name']}",
            domain_id=found["id"],
        )
    )


def _closing(ctx: Context, domain_id: int, cleanup: bool) -> list[str]:
    """Nothing new can be made in the domain from here on; answers the jobs that empty it."""
    found = access.alive(ctx, DOMAIN, domain_id)
    below = _below(ctx, found)
    ids = [row["id"] for row in below]
    accounts = ctx.tx.all(_ACCOUNTS, domains=ids)
    if not cleanup and (len(below) > 1 or accounts):
        raise OperationFailed(
            f"domain {found['name']} has {len(below) - 1} domain(s) and {len(accounts)} account(s): "
            "delete them first, or say cleanup"
        )
    for row_id in ids:
        ctx.tx.update(domain, {"id": row_id}, state="Inactive")
    return [account_orders.order_removal(ctx, row) for row in accounts]


def _deleted(ctx: Context, domain_id: int) -> dict[str, Any]:
    found = access.alive(ctx, DOMAIN, domain_id)
    below = _below(ctx, found)
    left = ctx.tx.all(_ACCOUNTS, domains=[row["id"] for row in below])
    if left:
        names = ", ".join(row["name"] for row in left[:5])
        raise OperationFailed(f"{len(left)} account(s) of domain {found['name']} could not be deleted: {names}")
    for row in below:
        dedication.end_of_owner(ctx, "domain", row["id"])
        affinitygroup.forget_domain(ctx, row["id"])
        public_range.end_of_domain(ctx, row["id"])
        ctx.tx.update(domain, {"id": row["id"]}, removed=ctx.now)
        webhook.domain_gone(ctx, row["id"])
        ctx.tx.execute(_LIMITS, domain_id=row["id"])
        ctx.tx.execute(_SETTINGS, domain_id=row["id"])
    return {"success": True}


_LIMITS = schema.resource_limit.delete().where(
    schema.resource_limit.c.owner_type == "Domain", schema.resource_limit.c.owner_id == bindparam("domain_id")
)
_SETTINGS = schema.configuration.delete().where(
    schema.configuration.c.scope == "Domain", schema.configuration.c.scope_id == bindparam("domain_id")
)


def _failed(ctx: Context, error: Exception, domain_id: int, **_: Any) -> None:
    found = access.row(ctx, DOMAIN, domain_id)
    if found["removed"] is None:
        for row in _below(ctx, found):
            ctx.tx.update(domain, {"id": row["id"]}, state="Active")


@workflow("domain.delete", failed=_failed)
async def _delete(wf: Workflow[Context], domain_id: int, cleanup: bool) -> None:
    jobs = await wf.step("closing", _closing, domain_id, cleanup)
    await wf.ended(jobs)
    await wf.finish(_deleted, domain_id)
