"""Accounts and domains: lists with what they use, and making them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Integer, and_, bindparam, case, func, select

from cloudsim.core.caller import ADMIN, DOMAIN_ADMIN, RESOURCE_ADMIN, USER
from cloudsim.core.errors import InvalidValue, PermissionDenied
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import Big, any_of
from cloudsim.services import access
from cloudsim.services.context import Context
from cloudsim.services.listing import Listing, equals, equals_nocase
from cloudsim.services.network_orders import check_domain
from cloudsim.services.nouns import ACCOUNT, DOMAIN

account, domain = schema.account, schema.domain

LISTING = Listing(
    account,
    filters={
        "id": equals(account.c.id, "id"),
        "name": equals(account.c.name, "name"),
        "state": equals_nocase(account.c.state, "state"),
        "type": equals(account.c.type, "type"),
        "people": account.c.is_default.is_(False) | (account.c.name != "system"),
        "none": account.c.id < 0,
    },
    keyword=(account.c.name,),
    owner=(account.c.id, account.c.domain_id),
    tag_type="Account",
)
DOMAINS = Listing(
    domain,
    filters={
        "id": equals(domain.c.id, "id"),
        "name": equals(domain.c.name, "name"),
        "level": equals(domain.c.level, "level"),
        "none": domain.c.id < 0,
    },
    keyword=(domain.c.name,),
    order=(domain.c.path, domain.c.id),
    seen={
        "account": domain.c.id == bindparam("scope_domain", type_=Big),
        "below": and_(domain.c.path >= bindparam("scope_path"), domain.c.path < bindparam("scope_end")),
    },
)
_ROWS = (
    select(
        account,
        schema.role.c.uuid.label("role_uuid"),
        schema.role.c.name.label("role_name"),
        schema.role.c.type.label("role_type"),
        domain.c.uuid.label("domain_uuid"),
        domain.c.name.label("domain_name"),
        domain.c.path.label("domain_path"),
        schema.zone.c.uuid.label("default_zone_uuid"),
    )
    .select_from(
        account.join(domain, account.c.domain_id == domain.c.id)
        .outerjoin(schema.role, account.c.role_id == schema.role.c.id)
        .outerjoin(schema.zone, account.c.default_zone_id == schema.zone.c.id)
    )
    .where(any_of(account.c.id, "ids"))
)
_USERS = select(schema.user.c.id, schema.user.c.account_id).where(
    any_of(schema.user.c.account_id, "ids"), schema.user.c.removed.is_(None)
)
_DOMAINS = select(domain).where(any_of(domain.c.id, "ids"))
_TREE = select(domain.c.id, domain.c.uuid, domain.c.name, domain.c.path).where(domain.c.removed.is_(None))


def _count(table: Any, owner: str, *where: Any, **sums: Any) -> Any:
    column = table.c[owner]
    figures = [func.sum(value, type_=Integer).label(name) for name, value in sums.items()]
    return (
        select(column.label("owner"), func.count().label("total"), *figures)
        .where(any_of(column, "ids"), table.c.removed.is_(None), *where)
        .group_by(column)
    )


def _counts(owner: str) -> dict[str, Any]:
    vm, volume = schema.vm, schema.volume
    alive = and_(*(vm.c.state != state for state in ("Destroyed", "Expunging", "Error")))
    return {
        "vm": _count(
            vm,
            owner,
            alive,
            running=case((vm.c.state == "Running", 1), else_=0),
            stopped=case((vm.c.state == "Stopped", 1), else_=0),
            cpu=vm.c.cpu,
            memory=vm.c.memory,
        ),
        "volume": _count(volume, owner, volume.c.state != "Expunged", size=volume.c.size / 2**20),
        "network": _count(schema.network, owner),
        "ip": _count(schema.public_ip, owner, schema.public_ip.c.state == "Allocated"),
        "template": _count(schema.template, owner, schema.template.c.type == "USER"),
    }


_OF_ACCOUNTS = _counts("account_id")
_OF_DOMAINS = _counts("domain_id")

#: Kinds of resources that have a limit, by the name the API's fields begin with.
KINDS = (
    "vm", "ip", "volume", "snapshot", "backup", "backupstorage", "template", "project", "network", "vpc", "cpu",
    "memory", "gpu", "primarystorage", "secondarystorage", "bucket", "objectstorage",
)  # fmt: skip


def _used(ctx: Context, statements: dict[str, Any], ids: Sequence[int]) -> dict[int, dict[str, int]]:
    """What each owner has: one statement for each kind of thing."""
    made: dict[int, dict[str, int]] = {row_id: dict.fromkeys((*KINDS, "running", "stopped"), 0) for row_id in ids}
    for kind, statement in statements.items():
        for row in ctx.tx.all(statement, ids=ids):
            mine = made[row["owner"]]
            mine[kind] = row["total"]
            if kind == "vm":
                for name in ("running", "stopped", "cpu", "memory"):
                    mine[name] = int(row[name] or 0)
            elif kind == "volume":
                mine["primarystorage"] = int(row["size"] or 0) // 1024
    return made


def page(ctx: Context, ids: Sequence[int]) -> list[tuple[Row, dict[str, int], list[int]]]:
    """Accounts, what each has (numbers by kind; memory in MB, storage in GB), and the ids of its users."""
    rows = {row["id"]: row for row in ctx.tx.all(_ROWS, ids=ids)}
    used = _used(ctx, _OF_ACCOUNTS, list(rows))
    users: dict[int, list[int]] = {}
    for row in ctx.tx.all(_USERS, ids=list(rows)):
        users.setdefault(row["account_id"], []).append(row["id"])
    return [(rows[i], used[i], users.get(i, [])) for i in ids if i in rows]


def domains(ctx: Context, ids: Sequence[int]) -> list[tuple[Row, Row | None, bool, dict[str, int]]]:
    """Domains, each with its parent, whether it has children, and what it and those below it have."""
    rows = {row["id"]: row for row in ctx.tx.all(_DOMAINS, ids=ids)}
    tree = ctx.tx.all(_TREE)
    by_id = {row["id"]: row for row in tree}
    used = _used(ctx, _OF_DOMAINS, list(by_id))
    made = []
    for row_id in ids:
        if row_id not in rows:
            continue
        row = rows[row_id]
        below = [one["id"] for one in tree if str(one["path"]).startswith(row["path"])]
        total = {kind: sum(used[one][kind] for one in below) for kind in used.get(row_id, dict.fromkeys(KINDS, 0))}
        made.append((row, by_id.get(row["parent_id"]), len(below) > 1, total))
    return made


# -- making


_NAMED = select(account.c.id).where(
    account.c.domain_id == bindparam("domain_id", type_=Big),
    account.c.name == bindparam("name"),
    account.c.removed.is_(None),
)
_USER = select(schema.user.c.id).where(
    schema.user.c.domain_id == bindparam("domain_id", type_=Big),
    schema.user.c.username == bindparam("name"),
    schema.user.c.removed.is_(None),
)
_CHILD = select(domain.c.id).where(
    domain.c.parent_id == bindparam("parent_id", type_=Big),
    domain.c.name == bindparam("name"),
    domain.c.removed.is_(None),
)
_ROLE = (
    select(schema.role)
    .where(schema.role.c.type == bindparam("type"), schema.role.c.is_default.is_(True), schema.role.c.removed.is_(None))
    .order_by(schema.role.c.id)
)
#: The type of a role's accounts, and the other way round.
ACCOUNT_TYPES = {"User": USER, "Admin": ADMIN, "DomainAdmin": DOMAIN_ADMIN, "ResourceAdmin": RESOURCE_ADMIN}
_ROLE_TYPES = {number: name for name, number in ACCOUNT_TYPES.items()}


def _place(ctx: Context, given: Row | None) -> Row:
    """The domain something is made in: the caller's, or one below it."""
    found = given if given is not None else access.row(ctx, DOMAIN, ctx.caller.domain_id)
    if not ctx.caller.is_admin and not access.within(ctx, found["id"]):
        raise PermissionDenied(f"domain {found['name']} is not yours")
    if found["state"] != "Active":
        raise InvalidValue(f"domain {found['name']} is {found['state']}")
    return found


def _role(ctx: Context, role: Row | None, type_: int | None) -> Row:
    if role is None:
        if type_ is None:
            raise InvalidValue("say what the account may do: roleid, or accounttype")
        if type_ not in _ROLE_TYPES:
            raise InvalidValue("accounttype is 0 (user), 1 (root admin), 2 (domain admin) or 3 (resource admin)")
        role = ctx.tx.first(_ROLE, type=_ROLE_TYPES[type_])
        if role is None:
            raise InvalidValue(f"there is no role of type {_ROLE_TYPES[type_]}")
    wanted = ACCOUNT_TYPES[role["type"]]
    if type_ is not None and type_ != wanted:
        raise InvalidValue(f"role {role['name']} is not for accounts of type {type_}")
    if role["state"] != "enabled":
        raise InvalidValue(f"role {role['name']} is disabled")
    if not ctx.caller.is_admin and wanted not in (USER, DOMAIN_ADMIN):
        raise PermissionDenied("only a root admin can make accounts that may do more than a domain admin")
    return role


def _text(value: str, what: str) -> str:
    if not value.strip():
        raise InvalidValue(f"{what} cannot be empty")
    return value.strip()


def create(
    ctx: Context,
    *,
    name: str | None,
    domain_: Row | None,
    role: Row | None,
    type_: int | None,
    network_domain: str | None,
    details: Mapping[str, str] | None,
    uuid: str | None,
    user: Mapping[str, Any],
) -> int:
    """Makes an account and its first user; answers the account's id. Raises `InvalidValue`, `PermissionDenied`.

    `user` is what `add_user` takes beside the account.
    """
    place = _place(ctx, domain_)
    role = _role(ctx, role, type_)
    name = _text(name or str(user["username"]), "account")
    if ACCOUNT_TYPES[role["type"]] == ADMIN and place["parent_id"] is not None:
        raise InvalidValue("a root admin's account is in the ROOT domain")
    if ctx.tx.scalar(_NAMED, domain_id=place["id"], name=name) is not None:
        raise InvalidValue(f"domain {place['name']} has an account named '{name[:64]}' already")
    made = ctx.tx.insert(
        account,
        uuid=uuid or ctx.uuid(),
        created=ctx.now,
        removed=None,
        name=name,
        type=ACCOUNT_TYPES[role["type"]],
        domain_id=place["id"],
        role_id=role["id"],
        state="enabled",
        network_domain=check_domain(network_domain),
        default_zone_id=None,
        is_default=False,
    )
    for key, value in (details or {}).items():
        ctx.tx.insert(schema.detail, resource_type="Account", resource_id=made, name=key, value=value, display=True)
    row = access.row(ctx, ACCOUNT, made)
    add_user(ctx, row, **user)
    ctx.event(
        "ACCOUNT.CREATE",
        f"account {name} was created",
        resource=("Account", row["uuid"]),
        account_id=made,
        domain_id=place["id"],
    )
    return made


def add_user(
    ctx: Context,
    owner: Row,
    *,
    username: str,
    password: str,
    firstname: str,
    lastname: str,
    email: str,
    timezone: str | None,
    uuid: str | None,
) -> int:
    """Makes a user of an account; `password` as it is stored. Answers the user's id. Raises `InvalidValue`."""
    username = _text(username, "username")
    if ctx.tx.scalar(_USER, domain_id=owner["domain_id"], name=username) is not None:
        raise InvalidValue(f"the domain has a user named '{username[:64]}' already")
    uuid = uuid or ctx.uuid()
    made = ctx.tx.insert(
        schema.user,
        uuid=uuid,
        created=ctx.now,
        removed=None,
        username=username,
        password=password,
        firstname=firstname,
        lastname=lastname,
        email=email,
        timezone=timezone,
        state="enabled",
        account_id=owner["id"],
        domain_id=owner["domain_id"],
        api_key=None,
        secret_key=None,
        is_default=False,
        source="native",
    )
    ctx.event(
        "USER.CREATE",
        f"user {username} was created",
        resource=("User", uuid),
        account_id=owner["id"],
        domain_id=owner["domain_id"],
    )
    return made


def account_for_user(ctx: Context, domain_: Row | None, name: str) -> Row:
    """The account a user is made in. Raises where the caller may not act for it."""
    found = access.account_of(ctx, domain_, name)
    if found["type"] == ADMIN and not ctx.caller.is_admin:
        raise PermissionDenied("only a root admin can make users of a root admin's account")
    return found


def create_domain(ctx: Context, name: str, *, parent: Row | None, network_domain: str | None, uuid: str | None) -> int:
    """Makes a domain below another; answers its id. Raises `InvalidValue`, `PermissionDenied`."""
    above = _place(ctx, parent)
    name = _text(name, "name")
    if "/" in name:
        raise InvalidValue("the name of a domain has no '/'")
    if ctx.tx.scalar(_CHILD, parent_id=above["id"], name=name) is not None:
        raise InvalidValue(f"domain {above['name']} has a domain named '{name[:64]}' already")
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
    ctx.event("DOMAIN.CREATE", f"domain {name} was created", resource=("Domain", uuid), domain_id=made)
    return made
