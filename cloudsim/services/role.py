"""Roles of accounts: ordered rules of what their users may call. Root admins make them; the default ones stay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import bindparam, delete, func, select

from cloudsim.core.errors import InvalidValue, PermissionDenied
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.services import access, identity, rights
from cloudsim.services.context import Context
from cloudsim.services.listing import Listing, equals, equals_nocase
from cloudsim.services.nouns import ROLE

role, permission = schema.role, schema.role_permission

#: What accounts of a role are.
TYPES = ("Admin", "ResourceAdmin", "DomainAdmin", "User")

LISTING = Listing(
    role,
    filters={
        "id": equals(role.c.id, "id"),
        "name": equals_nocase(role.c.name, "name"),
        "type": equals(role.c.type, "type"),
        "state": equals_nocase(role.c.state, "state"),
        "public": role.c.is_public.is_(True),
    },
    keyword=(role.c.name, role.c.description),
)
_ROWS = select(role).where(any_of(role.c.id, "ids"))
_NAMED = select(role).where(
    func.lower(role.c.name) == bindparam("name"), role.c.type == bindparam("type"), role.c.removed.is_(None)
)
_USED = select(func.count()).where(schema.account.c.role_id == bindparam("role_id"), schema.account.c.removed.is_(None))
_RULES_OF = (
    select(permission)
    .where(permission.c.role_id == bindparam("role_id"))
    .order_by(permission.c.sort_order, permission.c.id)
)
_EVERY_RULE = (
    select(permission)
    .select_from(permission.join(role, permission.c.role_id == role.c.id))
    .where(role.c.removed.is_(None))
    .order_by(permission.c.role_id, permission.c.sort_order, permission.c.id)
)
_FORGET = delete(permission).where(permission.c.role_id == bindparam("role_id"))
_FORGET_ONE = delete(permission).where(permission.c.id == bindparam("row_id"))


def rows(ctx: Context, ids: Sequence[int]) -> list[Row]:
    """Roles."""
    return ctx.tx.all(_ROWS, ids=ids)


def rules(ctx: Context, found: Row | None) -> list[tuple[Row, Row]]:
    """The rules of a role (of all, without one) in their order, each with its role."""
    if found is not None:
        return [(row, found) for row in ctx.tx.all(_RULES_OF, role_id=found["id"])]
    every = ctx.tx.all(_EVERY_RULE)
    by_id = {row["id"]: row for row in rows(ctx, sorted({one["role_id"] for one in every}))}
    return [(row, by_id[row["role_id"]]) for row in every]


def _root(ctx: Context) -> None:
    if not ctx.caller.is_admin:
        raise PermissionDenied("roles are made and changed by root admins")


def _changeable(ctx: Context, found: Row) -> None:
    _root(ctx)
    if found["is_default"]:
        raise PermissionDenied(f"role {found['name']} is one of the default roles, which stay as they are")
    rights.must_cover(ctx, identity.rules_of(ctx.tx, found["id"], disabled=True), f"role {found['name']}")


def _name(ctx: Context, name: str, type_: str, own: int | None = None) -> str:
    if not name.strip():
        raise InvalidValue("a role has a name")
    there = ctx.tx.first(_NAMED, name=name.lower(), type=type_)
    if there is not None and there["id"] != own:
        raise InvalidValue(f"there is a role named '{name[:64]}' of type {type_} already")
    return name


def _type(text: str) -> str:
    for name in TYPES:
        if name.lower() == text.lower():
            return name
    raise InvalidValue(f"type of a role is one of {', '.join(TYPES)}, not '{text[:64]}'")


def _insert(ctx: Context, name: str, type_: str, description: str | None, public: bool, event: str) -> int:
    uuid = ctx.uuid()
    made = ctx.tx.insert(
        role,
        uuid=uuid,
        name=name,
        type=type_,
        description=description,
        is_default=False,
        is_public=public,
        state="enabled",
        created=ctx.now,
        removed=None,
    )
    ctx.event(event, f"role {name} was made", resource=("Role", uuid))
    return made


def _add_rules(ctx: Context, role_id: int, entries: Sequence[tuple[str, str, str | None]]) -> None:
    seen: set[str] = set()
    for rule, _, _ in entries:
        if rule.lower() in seen:
            raise InvalidValue(f"rule '{rule}' stands there twice")
        seen.add(rule.lower())
    ctx.tx.insert_many(
        permission,
        [
            {
                "uuid": ctx.uuid(),
                "role_id": role_id,
                "rule": rule,
                "permission": what,
                "sort_order": order,
                "description": text,
            }
            for order, (rule, what, text) in enumerate(entries)
        ],
    )


def _check(ctx: Context, role_id: int) -> None:
    """After each change of rules: not more than the caller has, and never so that nobody could undo it."""
    rights.must_cover(ctx, identity.rules_of(ctx.tx, role_id, disabled=True), "such a role")
    rights.keep_a_root_admin(ctx)


def create(
    ctx: Context, name: str, *, type_: str | None, like: Row | None, description: str | None, public: bool | None
) -> int:
    """Makes a role of a type without rules, or with those of another role; answers its id. Raises `InvalidValue`."""
    _root(ctx)
    if (type_ is None) == (like is None):
        raise InvalidValue("give either type, or roleid of a role whose rules it shall have")
    kind = _type(type_) if type_ is not None else str(like["type"] if like else "")
    is_public = public if public is not None else bool(like["is_public"]) if like else True
    made = _insert(ctx, _name(ctx, name, kind), kind, description, is_public, "ROLE.CREATE")
    if like is not None:
        own = ctx.tx.all(_RULES_OF, role_id=like["id"])
        _add_rules(ctx, made, [(one["rule"], one["permission"], one["description"]) for one in own])
        _check(ctx, made)
    return made


def import_role(
    ctx: Context,
    name: str,
    *,
    type_: str | None,
    entries: Sequence[Mapping[str, str]],
    description: str | None,
    public: bool | None,
    forced: bool,
) -> int:
    """Makes a role with its rules in one go; `forced`: in the place of one of that name and type.

    Each entry has ``rule``, ``permission`` and maybe ``description``. Raises `InvalidValue`.
    """
    _root(ctx)
    if type_ is None:
        raise InvalidValue("give the type of the role")
    kind = _type(type_)
    wanted = []
    for entry in entries:
        if not entry.get("rule") or not entry.get("permission"):
            raise InvalidValue("each of the rules has a rule and a permission")
        wanted.append(
            (rights.check_rule(entry["rule"]), rights.check_permission(entry["permission"]), entry.get("description"))
        )
    there = ctx.tx.first(_NAMED, name=name.lower(), type=kind)
    if there is None:
        made = _insert(
            ctx, _name(ctx, name, kind), kind, description, True if public is None else public, "ROLE.IMPORT"
        )
    else:
        if not forced:
            raise InvalidValue(f"there is a role named '{name[:64]}' already: forced takes its place")
        _changeable(ctx, there)
        made = there["id"]
        values = {"description": description, "is_public": public}
        ctx.tx.update(role, {"id": made}, name=name, **{key: one for key, one in values.items() if one is not None})
        ctx.tx.execute(_FORGET, role_id=made)
        ctx.event("ROLE.IMPORT", f"role {name} was imported anew", resource=("Role", there["uuid"]))
    _add_rules(ctx, made, wanted)
    _check(ctx, made)
    return made


def update(
    ctx: Context,
    found: Row,
    *,
    name: str | None,
    type_: str | None,
    description: str | None,
    public: bool | None,
) -> None:
    """Changes what is given. Raises `InvalidValue`; `PermissionDenied` for a default role."""
    if found["is_default"] and (name, type_, description) == (None, None, None) and public is not None:
        _root(ctx)  # who may see a default role is the cloud's own affair
    else:
        _changeable(ctx, found)
    kind = _type(type_) if type_ is not None else found["type"]
    if kind != found["type"] and ctx.tx.scalar(_USED, role_id=found["id"]):
        raise InvalidValue(f"role {found['name']} has accounts: its type stays")
    values = {
        "name": _name(ctx, name, kind, found["id"]) if name is not None else found["name"],
        "type": kind,
        "description": description if description is not None else found["description"],
        "is_public": public if public is not None else found["is_public"],
    }
    ctx.tx.update(role, {"id": found["id"]}, **values)
    ctx.event("ROLE.UPDATE", f"role {values['name']} was changed", resource=("Role", found["uuid"]))


def set_state(ctx: Context, found: Row, state: str) -> None:
    """Enables or disables a role: the accounts of a disabled one may do nothing. Raises as `update`."""
    _changeable(ctx, found)
    ctx.tx.update(role, {"id": found["id"]}, state=state)
    rights.keep_a_root_admin(ctx)
    event = "ROLE.ENABLE" if state == "enabled" else "ROLE.DISABLE"
    ctx.event(event, f"role {found['name']} is {state}", resource=("Role", found["uuid"]))


def remove(ctx: Context, found: Row) -> None:
    """Deletes a role that no account has. Raises `PermissionDenied`."""
    _changeable(ctx, found)
    used = ctx.tx.scalar(_USED, role_id=found["id"])
    if used:
        raise PermissionDenied(f"role {found['name']} has {used} account(s): give them another one first")
    ctx.tx.execute(_FORGET, role_id=found["id"])
    ctx.tx.update(role, {"id": found["id"]}, removed=ctx.now)
    ctx.event("ROLE.DELETE", f"role {found['name']} was deleted", resource=("Role", found["uuid"]))


def add_rule(ctx: Context, found: Row, rule: str, what: str, description: str | None) -> Row:
    """Puts a rule behind those a role has; answers its row. Raises `InvalidValue`, `PermissionDenied`."""
    _changeable(ctx, found)
    text, what = rights.check_rule(rule), rights.check_permission(what)
    there = ctx.tx.all(_RULES_OF, role_id=found["id"])
    if any(one["rule"].lower() == text.lower() for one in there):
        raise InvalidValue(f"role {found['name']} has a rule '{text}' already")
    values = {
        "uuid": ctx.uuid(),
        "role_id": found["id"],
        "rule": text,
        "permission": what,
        "sort_order": 1 + max((one["sort_order"] for one in there), default=-1),
        "description": description,
    }
    made = ctx.tx.insert(permission, values)
    _check(ctx, found["id"])
    ctx.event("ROLE.PERMISSION.CREATE", f"role {found['name']}: {what} {text}", resource=("Role", found["uuid"]))
    return {**values, "id": made}


def change_rule(ctx: Context, found: Row, rule: Row | None, what: str | None, order: Sequence[str] | None) -> None:
    """Changes what one rule says, or the order of all. Raises `InvalidValue`, `PermissionDenied`."""
    _changeable(ctx, found)
    if order is not None and (rule is not None or what is not None):
        raise InvalidValue("give ruleorder, or ruleid and permission")
    if order is not None:
        there = ctx.tx.all(_RULES_OF, role_id=found["id"])
        for number, row in enumerate(rights.ordered(there, order)):
            ctx.tx.update(permission, {"id": row["id"]}, sort_order=number)
    else:
        if rule is None or what is None:
            raise InvalidValue("give ruleorder, or ruleid and permission")
        if rule["role_id"] != found["id"]:
            raise InvalidValue("that rule is another role's")
        ctx.tx.update(permission, {"id": rule["id"]}, permission=rights.check_permission(what))
    _check(ctx, found["id"])
    ctx.event("ROLE.PERMISSION.UPDATE", f"rules of role {found['name']} were changed", resource=("Role", found["uuid"]))


def remove_rule(ctx: Context, rule: Row) -> None:
    """Takes a rule off its role. Raises `InvalidValue`, `PermissionDenied`."""
    found = access.row(ctx, ROLE, rule["role_id"])
    _changeable(ctx, found)
    ctx.tx.execute(_FORGET_ONE, row_id=rule["id"])
    _check(ctx, found["id"])
    ctx.event(
        "ROLE.PERMISSION.DELETE", f"role {found['name']}: {rule['rule']} was removed", resource=("Role", found["uuid"])
    )
