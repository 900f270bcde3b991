"""Who may use a template or ISO: everybody, its owner, or the accounts and projects it was given to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, select

from cloudsim.core.caller import ADMIN, DOMAIN_ADMIN, PROJECT
from cloudsim.core.errors import BadParameter, InvalidValue, PermissionDenied
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import Big, any_of
from cloudsim.services import access, template_rules
from cloudsim.services.context import Context
from cloudsim.services.nouns import ACCOUNT, DOMAIN, TEMPLATE
from cloudsim.services.template_download import is_iso

template, table, account = schema.template, schema.launch_permission, schema.account
OPERATIONS = ("add", "remove", "reset")

_ACCOUNT = select(account).where(
    account.c.domain_id == bindparam("domain_id", type_=Big),
    account.c.name == bindparam("name"),
    account.c.removed.is_(None),
)
_GIVEN = (
    select(account.c.id, account.c.name, account.c.type, account.c.project_uuid)
    .select_from(table.join(account, table.c.account_id == account.c.id))
    .where(table.c.template_id == bindparam("template_id", type_=Big), account.c.removed.is_(None))
    .order_by(account.c.id)
)
_RESET = table.delete().where(table.c.template_id == bindparam("template_id", type_=Big))
_TAKE = table.delete().where(
    table.c.template_id == bindparam("template_id", type_=Big), any_of(table.c.account_id, "accounts")
)


def given(ctx: Context, row: Row) -> list[Row]:
    """The accounts that a template was given to, those that stand for projects among them."""
    return ctx.tx.all(_GIVEN, template_id=row["id"])


def may_use(ctx: Context, row: Row, owner: Row) -> bool:
    """Whether an account may use a template: it is public, its own, of a domain it is an admin of, or was given to it."""
    if row["is_public"] or row["is_featured"] or row["account_id"] == owner["id"] or owner["type"] == ADMIN:
        return True
    if owner["type"] == DOMAIN_ADMIN:
        path = access.domain_path(ctx, owner["domain_id"])
        if access.domain_path(ctx, row["domain_id"]).startswith(path):
            return True
    return any(one["id"] == owner["id"] for one in given(ctx, row))


def listed(ctx: Context, row: Row, *, iso: bool) -> dict[str, Any]:
    """Who a template was given to, as clients read it. Raises `InvalidValue`, `PermissionDenied`."""
    _as_what_it_is(row, iso)
    if not row["is_public"]:
        access.must_own(ctx, TEMPLATE, row)
    owner = access.row(ctx, ACCOUNT, row["account_id"])
    found = given(ctx, row)
    names = [one["name"] for one in found if one["type"] != PROJECT]
    projects = [one["project_uuid"] for one in found if one["type"] == PROJECT]
    if not row["is_public"]:
        if owner["type"] == PROJECT:
            projects.append(owner["project_uuid"])
        else:
            names.append(owner["name"])
    shown: dict[str, Any] = {"id": row["uuid"], "ispublic": row["is_public"]}
    domain = access.row(ctx, DOMAIN, row["domain_id"])
    shown["domainid"] = domain["uuid"]
    if names:
        shown["account"] = names
    if projects:
        shown["projectids"] = projects
    return shown


def _as_what_it_is(row: Row, iso: bool) -> None:
    if is_iso(row) != iso:
        raise InvalidValue(
            f"{row['name']} is {'a template' if iso else 'an ISO'}, not {'an ISO' if iso else 'a template'}"
        )


def update(
    ctx: Context,
    row: Row,
    *,
    iso: bool,
    op: str | None,
    accounts: Sequence[str] | None,
    projects: Sequence[Row] | None,
    public: bool | None,
    featured: bool | None,
    extractable: bool | None,
) -> None:
    """Changes who may use a template. Raises `InvalidValue`, `BadParameter`, `PermissionDenied`; then nothing changed."""
    _as_what_it_is(row, iso)
    access.must_own(ctx, TEMPLATE, row)
    if row["type"] == "SYSTEM":
        raise InvalidValue(f"template {row['name']} is for system virtual machines: nobody else uses it")
    named = bool(accounts) or bool(projects)
    if op is not None and op.lower() not in OPERATIONS:
        raise InvalidValue(f"op takes {', '.join(OPERATIONS)}, not '{op[:32]}'")
    if named and op is None:
        raise InvalidValue("say with op what happens to the accounts or projects: add, remove or reset")
    if op is not None and op.lower() != "reset" and not named:
        raise InvalidValue("op needs accounts or projectids")
    if op is not None and op.lower() == "reset" and named:
        raise InvalidValue("reset takes it from all: name no accounts or projects")
    values = _values(ctx, row, public, featured, extractable)
    if op is not None and op.lower() == "add" and values.get("is_public", row["is_public"]):
        raise InvalidValue(f"{row['name']} is public: everybody may use it already")
    ids = _accounts(ctx, row, accounts or (), projects or ())
    if values:
        ctx.tx.update(template, {"id": row["id"]}, **values)
    if op is not None:
        _change(ctx, row, op.lower(), ids)
    ctx.event(
        "ISO.UPDATE" if iso else "TEMPLATE.UPDATE",
        f"who may use {'ISO' if iso else 'template'} {row['name']} was changed",
        resource=("Iso" if iso else "Template", row["uuid"]),
        account_id=row["account_id"],
        domain_id=row["domain_id"],
    )


def _values(
    ctx: Context, row: Row, public: bool | None, featured: bool | None, extractable: bool | None
) -> dict[str, bool]:
    values = {}
    if public is not None:
        template_rules.may_publish(ctx, access.row(ctx, ACCOUNT, row["account_id"]), public)
        values["is_public"] = public
    if featured is not None:
        if not ctx.caller.is_admin:
            raise PermissionDenied("isfeatured is for root admins to change")
        values["is_featured"] = featured
    if extractable is not None:
        if not ctx.caller.is_admin and not is_iso(row):
            raise PermissionDenied("isextractable of templates is for root admins to change")
        values["is_extractable"] = extractable
    return values


def _accounts(ctx: Context, row: Row, names: Sequence[str], projects: Sequence[Row]) -> list[int]:
    """The accounts that are named, of the domain that the owner is in, and those that stand for projects."""
    ids = []
    for name in dict.fromkeys(names):
        found = ctx.tx.first(_ACCOUNT, domain_id=row["domain_id"], name=name)
        if found is None or found["type"] == PROJECT:
            raise BadParameter(f"there is no account '{name[:64]}' in the domain of {row['name']}'s owner")
        ids.append(int(found["id"]))
    ids += [int(project["account_id"]) for project in projects]
    return [one for one in ids if one != row["account_id"]]


def _change(ctx: Context, row: Row, op: str, ids: Sequence[int]) -> None:
    if op == "reset":
        ctx.tx.execute(_RESET, template_id=row["id"])
        return
    ctx.tx.execute(_TAKE, template_id=row["id"], accounts=list(ids))
    if op == "add":
        ctx.tx.insert_many(
            table, [{"template_id": row["id"], "account_id": one, "created": ctx.now} for one in dict.fromkeys(ids)]
        )


__all__ = ["OPERATIONS", "given", "listed", "may_use", "update"]
