"""Security groups: what machines of an account let in and out.

Each account has a group named ``default``, which is made when it is first needed and stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, func, select

from cloudsim.core.errors import BadParameter, InvalidValue, ResourceInUse
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.db.virtualmachine import TAGS, grouped
from cloudsim.services import access
from cloudsim.services.context import Context
from cloudsim.services.listing import Listing, equals
from cloudsim.services.nouns import SECURITY_GROUP

table, rule, member = schema.security_group, schema.security_group_rule, schema.security_group_vm
DEFAULT = "default"
_ALLOWED = table.alias("allowed")
_ALLOWED_OWNER = schema.account.alias("allowed_owner")

LISTING = Listing(
    table,
    filters={
        "id": equals(table.c.id, "id"),
        "name": equals(table.c.name, "name"),
        "machine": table.c.id.in_(select(member.c.group_id).where(member.c.vm_id == bindparam("machine"))),
    },
    keyword=(table.c.name, table.c.description),
    owner=(table.c.account_id, table.c.domain_id),
    tag_type="SecurityGroup",
)
_ROWS = (
    select(
        table,
        schema.account.c.name.label("account_name"),
        schema.account.c.project_uuid,
        schema.account.c.project_name,
        schema.domain.c.uuid.label("domain_uuid"),
        schema.domain.c.name.label("domain_name"),
        schema.domain.c.path.label("domain_path"),
    )
    .select_from(
        table.join(schema.account, table.c.account_id == schema.account.c.id).join(
            schema.domain, table.c.domain_id == schema.domain.c.id
        )
    )
    .where(any_of(table.c.id, "ids"))
)
_RULES = (
    select(
        rule,
        _ALLOWED.c.name.label("allowed_name"),
        _ALLOWED_OWNER.c.name.label("account_name"),
        _ALLOWED_OWNER.c.project_uuid,
        _ALLOWED_OWNER.c.project_name,
    )
    .select_from(
        rule.outerjoin(_ALLOWED, rule.c.allowed_id == _ALLOWED.c.id).outerjoin(
            _ALLOWED_OWNER, _ALLOWED.c.account_id == _ALLOWED_OWNER.c.id
        )
    )
    .where(any_of(rule.c.group_id, "ids"), rule.c.removed.is_(None))
    .order_by(rule.c.id)
)
_MEMBERS = (
    select(member.c.group_id, schema.vm.c.uuid)
    .select_from(member.join(schema.vm, member.c.vm_id == schema.vm.c.id))
    .where(any_of(member.c.group_id, "ids"), schema.vm.c.removed.is_(None))
    .order_by(schema.vm.c.id)
)
_NAMED = select(table).where(
    table.c.account_id == bindparam("account_id"), table.c.name == bindparam("name"), table.c.removed.is_(None)
)
_USED = (
    select(func.count())
    .select_from(member.join(schema.vm, member.c.vm_id == schema.vm.c.id))
    .where(member.c.group_id == bindparam("group_id"), schema.vm.c.removed.is_(None))
)
_NAMING = (
    select(table.c.name)
    .select_from(rule.join(table, rule.c.group_id == table.c.id))
    .where(
        rule.c.allowed_id == bindparam("group_id"), rule.c.group_id != bindparam("group_id"), rule.c.removed.is_(None)
    )
    .limit(1)
)
_OWN_RULES = select(rule.c.id).where(rule.c.group_id == bindparam("group_id"), rule.c.removed.is_(None))
_UNTAG = schema.tag.delete().where(
    schema.tag.c.resource_type == bindparam("kind"), any_of(schema.tag.c.resource_id, "ids")
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A group with what belongs to it."""

    row: Row
    tags: list[Row]
    rules: list[Row]
    #: Tags of the rules, by the rule's id.
    rule_tags: dict[int, list[Row]]
    #: uuids of the machines in it.
    machines: list[str]


def page(ctx: Context, ids: Sequence[int]) -> list[Entry]:
    """Groups with their rules, machines and tags, in the order of their ids."""
    rows = {row["id"]: row for row in ctx.tx.all(_ROWS, ids=ids)}
    rules = grouped(ctx.tx.all(_RULES, ids=ids), "group_id")
    members = grouped(ctx.tx.all(_MEMBERS, ids=ids), "group_id")
    tags = grouped(ctx.tx.all(TAGS, kind="SecurityGroup", ids=ids), "resource_id")
    of_rules = [row["id"] for one in rules.values() for row in one]
    rule_tags = grouped(ctx.tx.all(TAGS, kind="SecurityGroupRule", ids=of_rules), "resource_id")
    return [
        Entry(
            rows[i],
            tags.get(i, []),
            rules.get(i, []),
            rule_tags,
            [row["uuid"] for row in members.get(i, [])],
        )
        for i in ids
        if i in rows
    ]


def _name(ctx: Context, account_id: int, name: str) -> str:
    if not name.strip():
        raise InvalidValue("a security group has a name")
    if name.lower() == DEFAULT:
        raise InvalidValue(f"the name {DEFAULT} is for the group that every account has")
    if ctx.tx.first(_NAMED, account_id=account_id, name=name) is not None:
        raise InvalidValue(f"the account has a security group named '{name[:64]}' already")
    return name


def _insert(ctx: Context, owner: Row, name: str, description: str | None) -> int:
    uuid = ctx.uuid()
    made = ctx.tx.insert(
        table,
        uuid=uuid,
        created=ctx.now,
        removed=None,
        name=name,
        description=description,
        account_id=owner["id"],
        domain_id=owner["domain_id"],
    )
    _tell(ctx, "SG.CREATE", {**owner, "account_id": owner["id"], "uuid": uuid}, f"security group {name} was made")
    return made


def _tell(ctx: Context, event: str, row: Row, text: str) -> None:
    ctx.event(
        event,
        text,
        resource=("SecurityGroup", row["uuid"]),
        account_id=row["account_id"],
        domain_id=row["domain_id"],
    )


def create(ctx: Context, owner: Row, name: str, description: str | None) -> int:
    """Makes a group; answers its id. Raises `InvalidValue`."""
    return _insert(ctx, owner, _name(ctx, owner["id"], name), description)


def has_default(ctx: Context, account_id: int) -> bool:
    """Whether an account's default group is made already."""
    return ctx.tx.first(_NAMED, account_id=account_id, name=DEFAULT) is not None


def default_of(ctx: Context, owner: Row) -> Row:
    """The default group of an account, made where there is none yet."""
    found = ctx.tx.first(_NAMED, account_id=owner["id"], name=DEFAULT)
    if found is None:
        found = access.row(ctx, SECURITY_GROUP, _insert(ctx, owner, DEFAULT, "Default Security Group"))
    return found


def named(ctx: Context, owner: Row, name: str) -> Row:
    """An account's group of that name. Raises `InvalidValue`."""
    if name.lower() == DEFAULT:
        return default_of(ctx, owner)
    found = ctx.tx.first(_NAMED, account_id=owner["id"], name=name)
    if found is None:
        raise InvalidValue(f"account {owner['name']} has no security group named '{name[:64]}'")
    return found


def update(ctx: Context, row: Row, *, name: str | None, uuid: str | None) -> None:
    """Renames a group, or gives it another id. Raises `InvalidValue`, `PermissionDenied`."""
    access.must_own(ctx, SECURITY_GROUP, row)
    changes = {}
    if name is not None and name != row["name"]:
        if row["name"] == DEFAULT:
            raise InvalidValue("the default security group keeps its name")
        changes["name"] = _name(ctx, row["account_id"], name)
    if uuid is not None and uuid != row["uuid"]:
        if ctx.tx.first(SECURITY_GROUP.by_uuid, uuid=uuid) is not None:
            raise BadParameter("customid is the id of another security group")
        changes["uuid"] = uuid
    if changes:
        ctx.tx.update(table, {"id": row["id"]}, **changes)
    _tell(ctx, "SG.UPDATE", {**row, **changes}, f"security group {row['name']} was changed")


def remove(ctx: Context, row: Row) -> None:
    """Deletes a group that no machine is in and no other group names. Raises `InvalidValue`, `ResourceInUse`."""
    access.must_own(ctx, SECURITY_GROUP, row)
    if row["name"] == DEFAULT:
        raise InvalidValue("the default security group stays as long as its account")
    machines = ctx.tx.scalar(_USED, group_id=row["id"])
    if machines:
        raise ResourceInUse(f"{machines} virtual machine(s) are in security group {row['name']}")
    naming = ctx.tx.scalar(_NAMING, group_id=row["id"])
    if naming is not None:
        raise ResourceInUse(f"rules of security group {naming} name security group {row['name']}")
    forget(ctx, row)
    _tell(ctx, "SG.DELETE", row, f"security group {row['name']} was deleted")


def forget(ctx: Context, row: Row) -> None:
    """Removes a group with its rules and their tags, whoever names it."""
    rules = [one["id"] for one in ctx.tx.all(_OWN_RULES, group_id=row["id"])]
    for rule_id in rules:
        ctx.tx.update(rule, {"id": rule_id}, removed=ctx.now)
    ctx.tx.execute(_UNTAG, kind="SecurityGroupRule", ids=rules)
    ctx.tx.execute(_UNTAG, kind="SecurityGroup", ids=[row["id"]])
    ctx.tx.update(table, {"id": row["id"]}, removed=ctx.now)
