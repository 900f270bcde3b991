"""Affinity groups: what says which machines belong on one host, or on none together. What they mean is in `allocators`.

A group is an account's; one of type ``ExplicitDedication`` may be for a whole domain (it is the account ``system``'s
then), and stands for places that are kept for its owner.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import and_, bindparam, case, exists, or_, select

from cloudsim.allocators import affinity as kinds
from cloudsim.allocators.base import AffinityGroup
from cloudsim.core.errors import InvalidValue, PermissionDenied
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.placement import HOLDING
from cloudsim.db.types import Big, any_of
from cloudsim.db.virtualmachine import grouped
from cloudsim.services import access
from cloudsim.services.access import Scope
from cloudsim.services.context import Context
from cloudsim.services.listing import Listing, equals
from cloudsim.services.nouns import ACCOUNT, AFFINITY_GROUP

table, member, vm = schema.affinity_group, schema.affinity_group_vm, schema.vm
dedicated = schema.dedicated_resource

EXPLICIT_DEDICATION = kinds.EXPLICIT_DEDICATION
TYPES = (
    kinds.HOST_ANTI_AFFINITY,
    kinds.HOST_AFFINITY,
    kinds.NON_STRICT_ANTI_AFFINITY,
    kinds.NON_STRICT_AFFINITY,
    EXPLICIT_DEDICATION,
)

_GIVEN = and_(table.c.acl_type == "Domain", any_of(table.c.domain_id, "scope_domains"))
LISTING = Listing(
    table,
    filters={
        "id": equals(table.c.id, "id"),
        "name": equals(table.c.name, "name"),
        "type": equals(table.c.type, "type"),
        "machine": table.c.id.in_(select(member.c.group_id).where(member.c.vm_id == bindparam("machine"))),
    },
    keyword=(table.c.name, table.c.type),
    owner=(table.c.account_id, table.c.domain_id),
    seen={
        "account+": or_(table.c.account_id == bindparam("scope_account"), _GIVEN),
        "accounts+": or_(any_of(table.c.account_id, "scope_accounts"), _GIVEN),
    },
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
_MEMBERS = (
    select(member.c.group_id, vm.c.id, vm.c.uuid, vm.c.account_id, vm.c.domain_id)
    .select_from(member.join(vm, member.c.vm_id == vm.c.id))
    .where(any_of(member.c.group_id, "ids"), vm.c.removed.is_(None))
    .order_by(vm.c.id)
)
_DEDICATED = (
    select(
        dedicated.c.group_id,
        dedicated.c.kind,
        case(
            (dedicated.c.kind == "Host", schema.host.c.uuid),
            (dedicated.c.kind == "Cluster", schema.cluster.c.uuid),
            (dedicated.c.kind == "Pod", schema.pod.c.uuid),
            else_=schema.zone.c.uuid,
        ).label("place_uuid"),
    )
    .select_from(
        dedicated.outerjoin(schema.zone, dedicated.c.place_id == schema.zone.c.id)
        .outerjoin(schema.pod, dedicated.c.place_id == schema.pod.c.id)
        .outerjoin(schema.cluster, dedicated.c.place_id == schema.cluster.c.id)
        .outerjoin(schema.host, dedicated.c.place_id == schema.host.c.id)
    )
    .where(any_of(dedicated.c.group_id, "ids"), dedicated.c.removed.is_(None))
    .order_by(dedicated.c.id)
)
_NAMED = select(table).where(
    table.c.account_id == bindparam("account_id"),
    table.c.domain_id == bindparam("domain_id"),
    table.c.name == bindparam("name"),
    table.c.removed.is_(None),
)
_GIVEN_NAMED = select(table).where(table.c.name == bindparam("name"), table.c.removed.is_(None), _GIVEN)
_OF_TYPE = select(table).where(
    table.c.account_id == bindparam("account_id"),
    table.c.domain_id == bindparam("domain_id"),
    table.c.type == bindparam("type"),
    table.c.removed.is_(None),
)
_OF_ACCOUNT = select(table).where(table.c.account_id == bindparam("account_id"), table.c.removed.is_(None))
_OF_DOMAIN = select(table).where(
    table.c.domain_id == bindparam("domain_id"), table.c.acl_type == "Domain", table.c.removed.is_(None)
)
_OF_MACHINE = (
    select(table)
    .select_from(member.join(table, member.c.group_id == table.c.id))
    .where(member.c.vm_id == bindparam("vm_id"), table.c.removed.is_(None))
    .order_by(table.c.id)
)
_LEAVE = member.delete().where(member.c.vm_id == bindparam("which", type_=Big))
_EMPTY = member.delete().where(member.c.group_id == bindparam("which", type_=Big))
_STILL_IN_SOME = (
    vm.update()
    .where(any_of(vm.c.id, "ids"))
    .values(in_affinity_groups=exists().where(member.c.vm_id == vm.c.id).correlate(vm))
)
_SYSTEM = select(schema.account).where(schema.account.c.name == "system", schema.account.c.is_default.is_(True))
_ABOVE = select(schema.domain.c.id, schema.domain.c.path).where(schema.domain.c.removed.is_(None))
#: Where the other machines of groups are. One that moves has a place at both ends.
_THERE = select(member.c.group_id, member.c.vm_id, vm.c.host_id, vm.c.last_host_id, vm.c.state).select_from(
    member.join(vm, member.c.vm_id == vm.c.id)
).where(
    any_of(member.c.group_id, "ids"),
    vm.c.id != bindparam("but", type_=Big),
    vm.c.removed.is_(None),
    vm.c.host_id.is_not(None),
    or_(*(vm.c.state == state for state in HOLDING)),
)  # fmt: skip


# -- looking at groups


def page(ctx: Context, ids: Sequence[int]) -> tuple[list[Row], dict[int, list[Row]], dict[int, list[Row]]]:
    """Groups in the order of their ids; their machines, those that the caller may see, and the places they stand for."""
    rows = {row["id"]: row for row in ctx.tx.all(_ROWS, ids=ids)}
    members = ctx.tx.all(_MEMBERS, ids=ids)
    if any(row["acl_type"] == "Domain" for row in rows.values()):
        members = [row for row in members if access.owns(ctx, row["account_id"], row["domain_id"])]
    explicit = [row_id for row_id, row in rows.items() if row["type"] == EXPLICIT_DEDICATION]
    places = ctx.tx.all(_DEDICATED, ids=explicit) if explicit else []
    return [rows[i] for i in ids if i in rows], grouped(members, "group_id"), grouped(places, "group_id")


def domains_of(ctx: Context, account: Row) -> list[int]:
    """The domain of an account and those above."""
    path = access.domain_path(ctx, account["domain_id"])
    return [row["id"] for row in ctx.tx.all(_ABOVE) if path.startswith(row["path"])]


def with_given(ctx: Context, scope: Scope) -> Scope:
    """A scope of accounts, with the groups that are for the domains these accounts are in."""
    if scope.kind == "account":
        owner = access.row(ctx, ACCOUNT, scope.values["scope_account"])
    elif scope.kind == "accounts":
        owner = access.row(ctx, ACCOUNT, ctx.caller.account_id)
    else:
        return scope
    return Scope(f"{scope.kind}+", {**scope.values, "scope_domains": domains_of(ctx, owner)}, scope.projects)


def of_machine(ctx: Context, vm_id: int) -> list[Row]:
    """The groups that a machine is in."""
    return ctx.tx.all(_OF_MACHINE, vm_id=vm_id)


def placing(ctx: Context, groups: Sequence[Row], vm_id: int | None) -> tuple[AffinityGroup, ...]:
    """Groups as the rules see them: with where their machines are, the one that is placed left out."""
    if not groups:
        return ()
    there: dict[int, Counter[int]] = {group["id"]: Counter() for group in groups}
    kind_of = {group["id"]: group["type"] for group in groups}
    for row in ctx.tx.all(_THERE, ids=list(there), but=vm_id or 0):
        there[row["group_id"]][row["host_id"]] += 1
        apart = kind_of[row["group_id"]] in (kinds.HOST_ANTI_AFFINITY, kinds.NON_STRICT_ANTI_AFFINITY)
        if apart and row["state"] == "Migrating" and row["last_host_id"] is not None:
            there[row["group_id"]][row["last_host_id"]] += 1
    return tuple(AffinityGroup(group["id"], group["type"], group["name"], there[group["id"]]) for group in groups)


# -- making and ending them


def create(
    ctx: Context, *, account: Row | None, domain: Row | None, name: str, kind: str, description: str | None
) -> int:
    """Makes a group of an account, or without one of a whole `domain`; answers its id.

    Raises `InvalidValue`, `PermissionDenied`.
    """
    if kind not in TYPES:
        raise InvalidValue(f"type takes {', '.join(TYPES)}, not '{kind[:64]}'")
    if kind == EXPLICIT_DEDICATION and not ctx.caller.is_admin:
        raise PermissionDenied(f"only root admins make affinity groups of type {EXPLICIT_DEDICATION}")
    if account is None and kind != EXPLICIT_DEDICATION:
        raise InvalidValue(f"affinity groups of type {kind} are for one account: give account as well")
    if not name.strip():
        raise InvalidValue("an affinity group has a name")
    owner = account if account is not None else system_account(ctx)
    domain_id = owner["domain_id"] if domain is None or account is not None else domain["id"]
    if ctx.tx.first(_NAMED, account_id=owner["id"], domain_id=domain_id, name=name) is not None:
        whose = "account" if account is not None else "domain"
        raise InvalidValue(f"the {whose} has an affinity group named '{name[:64]}' already")
    return ctx.tx.insert(
        table,
        uuid=ctx.uuid(),
        created=ctx.now,
        removed=None,
        name=name,
        description=description,
        type=kind,
        account_id=owner["id"],
        domain_id=domain_id,
        acl_type="Domain" if account is None else "Account",
        subdomain_access=account is None,
    )


def system_account(ctx: Context) -> Row:
    """The account that groups for whole domains belong to."""
    found = ctx.tx.first(_SYSTEM)
    assert found is not None
    return found


def of_dedication(ctx: Context, domain: Row, account: Row | None) -> int:
    """The group for the machines that go to what is kept for an account or a domain, made where there is none."""
    owner = account if account is not None else system_account(ctx)
    found = ctx.tx.first(_OF_TYPE, account_id=owner["id"], domain_id=domain["id"], type=EXPLICIT_DEDICATION)
    if found is not None:
        return int(found["id"])
    name = f"DedicatedGrp-{account['name']}" if account is not None else f"DedicatedGrp-domain-{domain['name']}"
    number, free = 1, name
    while ctx.tx.first(_NAMED, account_id=owner["id"], domain_id=domain["id"], name=free) is not None:
        number, free = number + 1, f"{name}-{number + 1}"
    made = ctx.tx.insert(
        table,
        uuid=ctx.uuid(),
        created=ctx.now,
        removed=None,
        name=free,
        description="dedicated resources group",
        type=EXPLICIT_DEDICATION,
        account_id=owner["id"],
        domain_id=domain["id"],
        acl_type="Domain" if account is None else "Account",
        subdomain_access=account is None,
    )
    tell(ctx, "AG.CREATE", access.row(ctx, AFFINITY_GROUP, made), "was made")
    return made


def forget(ctx: Context, group: Row) -> None:
    """Removes a group; its machines are in it no more."""
    members = [row["id"] for row in ctx.tx.all(_MEMBERS, ids=[group["id"]])]
    ctx.tx.execute(_EMPTY, which=group["id"])
    if members:
        ctx.tx.execute(_STILL_IN_SOME, ids=members)
    ctx.tx.update(table, {"id": group["id"]}, removed=ctx.now)


def forget_account(ctx: Context, account_id: int) -> None:
    """Removes the groups of an account that goes."""
    for group in ctx.tx.all(_OF_ACCOUNT, account_id=account_id):
        forget(ctx, group)


def forget_domain(ctx: Context, domain_id: int) -> None:
    """Removes the groups that are for all of a domain that goes."""
    for group in ctx.tx.all(_OF_DOMAIN, domain_id=domain_id):
        forget(ctx, group)


def tell(ctx: Context, event: str, group: Row, what: str) -> None:
    """Records that something was done with a group."""
    ctx.event(
        event,
        f"affinity group {group['name']} {what}",
        resource=("AffinityGroup", group["uuid"]),
        account_id=group["account_id"],
        domain_id=group["domain_id"],
    )


# -- the machines in them


def chosen(ctx: Context, account: Row, ids: Sequence[str], names: Sequence[str]) -> list[Row]:
    """Groups that a machine of an account is to be in, by their ids or by their names.

    Raises `InvalidValue`, `BadParameter`, `PermissionDenied`.
    """
    if ids and names:
        raise InvalidValue("give affinitygroupids or affinitygroupnames, not both")
    if not ids and not names:
        return []
    above = domains_of(ctx, account)
    found = access.find_all(ctx, AFFINITY_GROUP, list(dict.fromkeys(ids)))
    for name in dict.fromkeys(names):
        own = ctx.tx.first(_NAMED, account_id=account["id"], domain_id=account["domain_id"], name=name)
        own = own or ctx.tx.first(_GIVEN_NAMED, name=name, scope_domains=above)
        if own is None:
            raise InvalidValue(f"account {account['name']} has no affinity group named '{name[:64]}'")
        found.append(own)
    for row in found:
        usable = row["domain_id"] in above if row["acl_type"] == "Domain" else row["account_id"] == account["id"]
        if not usable:
            raise PermissionDenied(f"affinity group {row['name']} belongs to another account than the machine")
    return list({row["id"]: row for row in found}.values())


def join(ctx: Context, vm_id: int, groups: Sequence[Row]) -> None:
    """Puts a machine in groups that it is not in yet."""
    if groups:
        ctx.tx.insert_many(member, [{"vm_id": vm_id, "group_id": group["id"]} for group in groups])
        ctx.tx.update(vm, {"id": vm_id}, in_affinity_groups=True)


def leave(ctx: Context, row: Row) -> None:
    """Takes a machine out of all groups."""
    if row["in_affinity_groups"]:
        ctx.tx.execute(_LEAVE, which=row["id"])
        ctx.tx.update(vm, {"id": row["id"]}, in_affinity_groups=False)


def replace(ctx: Context, row: Row, groups: Sequence[Row]) -> None:
    """Makes these the groups of a machine, and tells which it joined and left."""
    had = {group["id"]: group for group in of_machine(ctx, row["id"])}
    has = {group["id"]: group for group in groups}
    leave(ctx, row)
    join(ctx, row["id"], groups)
    name = row["display_name"] or row["name"]
    for event, changed, what in (
        ("AG.REMOVE", had.keys() - has, "left by"),
        ("AG.ASSIGN", has.keys() - had, "joined by"),
    ):
        for group_id in sorted(changed):
            tell(ctx, event, had.get(group_id) or has[group_id], f"was {what} virtual machine {name}")
