"""Accounts: making, changing, disabling and deleting them with all they own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, delete, func, or_, select

from cloudsim.agents.base import DeleteVolume
from cloudsim.core.caller import ADMIN, DOMAIN_ADMIN, PROJECT, RESOURCE_ADMIN, USER
from cloudsim.core.errors import InvalidValue, OperationFailed, PermissionDenied
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.placement import allocate
from cloudsim.db.types import Big
from cloudsim.jobs.job import Order
from cloudsim.jobs.workflow import Workflow, single, workflow
from cloudsim.services import (
    access,
    affinitygroup,
    dedication,
    guest_vlan,
    identity,
    network_delete,
    public_range,
    publicip_orders,
    rights,
    router,
    securitygroup_member,
    snapshot_policy,
    snapshot_workflows,
    sslcert,
    template_delete,
    usage,
    vm_plain,
    webhook,
)
from cloudsim.services import user as users
from cloudsim.services.context import Context
from cloudsim.services.network_orders import check_domain
from cloudsim.services.nouns import ACCOUNT
from cloudsim.services.virtualmachine import lock as machine_lock

account = schema.account

_NAMED = select(account.c.id).where(
    account.c.domain_id == bindparam("domain_id", type_=Big),
    account.c.name == bindparam("name"),
    account.c.removed.is_(None),
)
_ROLE = (
    select(schema.role)
    .where(schema.role.c.type == bindparam("type"), schema.role.c.is_default.is_(True), schema.role.c.removed.is_(None))
    .order_by(schema.role.c.id)
)
#: The type of a role's accounts, and the other way round.
TYPES = {"User": USER, "Admin": ADMIN, "DomainAdmin": DOMAIN_ADMIN, "ResourceAdmin": RESOURCE_ADMIN}
_ROLE_TYPES = {number: name for name, number in TYPES.items()}

_PROJECTS = select(func.count()).select_from(
    schema.project_account.join(schema.project, schema.project_account.c.project_id == schema.project.c.id)
).where(
    schema.project_account.c.account_id == bindparam("account_id"),
    schema.project_account.c.role == "Admin",
    schema.project.c.removed.is_(None),
)  # fmt: skip


def _alive_of(table: Any) -> Any:
    return (
        select(table)
        .where(table.c.account_id == bindparam("account_id"), table.c.removed.is_(None))
        .order_by(table.c.id)
    )


_MACHINES, _VOLUMES, _NETWORKS, _USERS = (
    _alive_of(table) for table in (schema.vm, schema.volume, schema.network, schema.user)
)
_POOL = select(schema.storage_pool.c.uuid).where(schema.storage_pool.c.id == bindparam("pool_id"))
_ADDRESSES = select(schema.public_ip).where(schema.public_ip.c.account_id == bindparam("account_id"))


def _role(ctx: Context, role: Row | None, type_: int | None) -> Row:
    """The role of an account: what is given, or the default one of a type. Nobody gives more than the own role has."""
    if role is None:
        if type_ is None:
            raise InvalidValue("say what the account may do: roleid, or accounttype")
        if type_ not in _ROLE_TYPES:
            raise InvalidValue("accounttype is 0 (user), 1 (root admin), 2 (domain admin) or 3 (resource admin)")
        role = ctx.tx.first(_ROLE, type=_ROLE_TYPES[type_])
        if role is None:
            raise InvalidValue(f"there is no role of type {_ROLE_TYPES[type_]}")
    wanted = TYPES[role["type"]]
    if type_ is not None and type_ != wanted:
        raise InvalidValue(f"role {role['name']} is not for accounts of type {type_}")
    if role["state"] != "enabled":
        raise InvalidValue(f"role {role['name']} is disabled")
    if not ctx.caller.is_admin and wanted not in (USER, DOMAIN_ADMIN):
        raise PermissionDenied("only a root admin can make accounts that may do more than a domain admin")
    rights.must_cover(ctx, identity.rules_of(ctx.tx, role["id"]), f"role {role['name']}")
    return role


def _name(ctx: Context, domain_id: int, name: str, own: int | None = None) -> str:
    text = name.strip()
    if not text:
        raise InvalidValue("account cannot be empty")
    there = ctx.tx.scalar(_NAMED, domain_id=domain_id, name=text)
    if there is not None and there != own:
        raise InvalidValue(f"the domain has an account named '{text[:64]}' already")
    return text


def _details(ctx: Context, account_id: int, details: Mapping[str, str] | None) -> None:
    table = schema.detail
    for key, value in (details or {}).items():
        where = {"resource_type": "Account", "resource_id": account_id, "name": key}
        if not ctx.tx.update(table, where, value=value):
            ctx.tx.insert(table, **where, value=value, display=True)


def insert(ctx: Context, **given: Any) -> int:
    """A row with the defaults of all that is not given; answers its id."""
    return ctx.tx.insert(
        account,
        {
            "uuid": ctx.uuid(),
            "created": ctx.now,
            "removed": None,
            "state": "enabled",
            "network_domain": None,
            "default_zone_id": None,
            "is_default": False,
            "api_key_access": None,
            "project_uuid": None,
            "project_name": None,
            "needs_cleanup": False,
            **given,
        },
    )


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

    `user` is what `user.create` takes beside the account.
    """
    place = access.place(ctx, domain_)
    role = _role(ctx, role, type_)
    name = _name(ctx, place["id"], name or str(user["username"]))
    if TYPES[role["type"]] == ADMIN and place["parent_id"] is not None:
        raise InvalidValue("a root admin's account is in the ROOT domain")
    if uuid is not None and ctx.tx.first(ACCOUNT.by_uuid, uuid=uuid) is not None:
        raise InvalidValue("accountid is the id of another account")
    made = insert(
        ctx,
        uuid=uuid or ctx.uuid(),
        name=name,
        type=TYPES[role["type"]],
        domain_id=place["id"],
        role_id=role["id"],
        network_domain=check_domain(network_domain),
    )
    _details(ctx, made, details)
    row = access.row(ctx, ACCOUNT, made)
    users.create(ctx, row, **user)
    _tell(ctx, row, "ACCOUNT.CREATE", "was created")
    return made


def _tell(ctx: Context, row: Row, event: str, text: str) -> None:
    ctx.event(
        event,
        f"account {row['name']} {text}",
        resource=("Account", row["uuid"]),
        account_id=row["id"],
        domain_id=row["domain_id"],
    )


def named(ctx: Context, row: Row | None, domain_: Row | None, name: str | None) -> Row:
    """The account that id, or account and domainid, name. Raises `InvalidValue`, `BadParameter`."""
    if row is not None:
        found = row
    elif name is not None and domain_ is not None:
        found = access.account_of(ctx, domain_, name)
    else:
        raise InvalidValue("give id, or account and domainid")
    if found["type"] == PROJECT:
        raise access.not_found(ACCOUNT, found["uuid"])
    return found


def update(
    ctx: Context,
    found: Row,
    *,
    name: str | None,
    network_domain: str | None,
    role: Row | None,
    details: Mapping[str, str] | None,
    key_access: str | None,
) -> None:
    """Changes what is given ("" takes the network domain away). Raises `InvalidValue`, `PermissionDenied`."""
    rights.may_change_account(ctx, found)
    values: dict[str, Any] = {}
    if name is not None:
        values["name"] = _name(ctx, found["domain_id"], name, found["id"])
    if network_domain is not None:
        values["network_domain"] = check_domain(network_domain or None)
    if role is not None and role["id"] != found["role_id"]:
        role = _role(ctx, role, None)
        if TYPES[role["type"]] == ADMIN and access.domain_row(ctx, found["domain_id"])["parent_id"] is not None:
            raise InvalidValue("a root admin's account is in the ROOT domain")
        values.update(role_id=role["id"], type=TYPES[role["type"]])
    if key_access is not None:
        if not ctx.caller.is_admin:
            raise PermissionDenied("apikeyaccess is for root admins to change")
        values["api_key_access"] = None if key_access == "Inherit" else key_access
    if values:
        ctx.tx.update(account, {"id": found["id"]}, **values)
    _details(ctx, found["id"], details)
    rights.keep_a_root_admin(ctx)
    _tell(ctx, found, "ACCOUNT.UPDATE", "was changed")


def _may_stop(ctx: Context, found: Row) -> None:
    if found["id"] == ctx.caller.account_id:
        raise InvalidValue("nobody can lock, disable or delete the own account")
    if found["is_default"]:
        raise InvalidValue(f"account {found['name']} is the cloud's own and stays as it is")
    rights.may_change_account(ctx, found)


def enable(ctx: Context, found: Row) -> None:
    """Lets an account's users call again. Raises `InvalidValue`, `PermissionDenied`."""
    rights.may_change_account(ctx, found)
    if found["needs_cleanup"]:
        raise InvalidValue(f"account {found['name']} is being deleted")
    ctx.tx.update(account, {"id": found["id"]}, state="enabled")
    _tell(ctx, found, "ACCOUNT.ENABLE", "is enabled")


def lock(ctx: Context, found: Row) -> None:
    """Keeps an account's users from calling; its machines run on. Raises `InvalidValue`, `PermissionDenied`."""
    _may_stop(ctx, found)
    if found["state"] == "disabled":
        raise InvalidValue(f"account {found['name']} is disabled, which is more than locked")
    _close(ctx, found, "locked")


def _close(ctx: Context, found: Row, state: str) -> None:
    ctx.tx.update(account, {"id": found["id"]}, state=state)
    identity.end_sessions(ctx, [row["id"] for row in ctx.tx.all(_USERS, account_id=found["id"])])
    rights.keep_a_root_admin(ctx)
    _tell(ctx, found, "ACCOUNT.DISABLE", f"is {state}")


def disable(ctx: Context, found: Row, *, lock_only: bool) -> str:
    """Orders that an account is locked, or disabled, which stops its machines too; answers the job's uuid."""
    _may_stop(ctx, found)
    return _order(ctx, found, "account.disable", {"lock": lock_only}, None, "")


def _disabled(ctx: Context, account_id: int, lock: bool) -> dict[str, Any]:
    found = access.alive(ctx, ACCOUNT, account_id)
    _close(ctx, found, "locked" if lock else "disabled")
    if not lock:
        stop_machines(ctx, account_id)
    return {"account": ctx.present("account", account_id)[0]}


def stop_machines(ctx: Context, account_id: int) -> None:
    """Orders that what runs of an account stops."""
    for row in ctx.tx.all(_MACHINES, account_id=account_id):
        if row["type"] == "User" and row["state"] in ("Running", "Starting", "Migrating"):
            ctx.submit(_machine_order(row, "stopVirtualMachine", "virtualmachine.stop", "VM.STOP", {}))


single("account.disable", _disabled)


def _order(ctx: Context, found: Row, name: str, more: Mapping[str, Any], event: str | None, text: str) -> str:
    return ctx.submit(
        Order(
            command=ctx.command or "deleteAccount",
            workflow=name,
            arguments={"account_id": found["id"], **more},
            instance_type="Account",
            instance_uuid=found["uuid"],
            lock=f"account:{found['uuid']}",
            event=event,
            event_text=text,
            account_id=found["id"],
            domain_id=found["domain_id"],
        )
    )


def mark_default_zone(ctx: Context, found: Row, zone: Row) -> str:
    """Orders that an account's machines go to a zone where none is said; answers the job's uuid."""
    rights.may_change_account(ctx, found)
    text = f"giving account {found['name']} the default zone {zone['name']}"
    return _order(ctx, found, "account.zone", {"zone_id": zone["id"]}, "ACCOUNT.MARK.DEFAULT.ZONE", text)


def _zone_marked(ctx: Context, account_id: int, zone_id: int) -> dict[str, Any]:
    access.alive(ctx, ACCOUNT, account_id)
    ctx.tx.update(account, {"id": account_id}, default_zone_id=zone_id)
    return {"account": ctx.present("account", account_id)[0]}


single("account.zone", _zone_marked)


# -- deleting


def remove(ctx: Context, found: Row) -> str:
    """Orders the deletion of an account with all it owns; answers the job's uuid. Raises `InvalidValue`."""
    if found["type"] == PROJECT:
        raise access.not_found(ACCOUNT, found["uuid"])
    _may_stop(ctx, found)
    if ctx.tx.scalar(_PROJECTS, account_id=found["id"]):
        raise InvalidValue(f"account {found['name']} owns projects: give them to others or delete them first")
    return order_removal(ctx, found)


def order_removal(ctx: Context, found: Row) -> str:
    """The job that deletes an account, whatever may be said against it; answers its uuid."""
    text = f"deleting account {found['name']}"
    return _order(ctx, found, "account.delete", {}, "ACCOUNT.DELETE", text)


def _machine_order(row: Row, command: str, name: str, event: str, more: Mapping[str, Any]) -> Order:
    """Of a user's machine."""
    return Order(
        command=command,
        workflow=name,
        arguments={"vm_id": row["id"], **more},
        instance_type="VirtualMachine",
        instance_uuid=row["uuid"],
        lock=machine_lock(row),
        event=event,
        event_text=f"virtual machine {row['display_name'] or row['name']} with its account",
        account_id=row["account_id"],
        domain_id=row["domain_id"],
    )


def close_machines(ctx: Context, account_id: int) -> list[str]:
    """Orders that all machines of an account are removed for good, with their disks; answers the jobs' uuids."""
    volumes: dict[int, list[int]] = {}
    for disk in ctx.tx.all(_VOLUMES, account_id=account_id):
        if disk["vm_id"] is not None and disk["type"] == "DATADISK":
            volumes.setdefault(disk["vm_id"], []).append(disk["id"])
    return [
        ctx.submit(
            _machine_order(
                row,
                "destroyVirtualMachine",
                "virtualmachine.destroy",
                "VM.DESTROY",
                {"expunge": True, "volume_ids": volumes.get(row["id"], [])},
            )
        )
        for row in ctx.tx.all(_MACHINES, account_id=account_id)
        if row["type"] == "User"
    ]


def close_routers(ctx: Context, account_id: int) -> list[str]:
    """Orders, once its machines are gone, that the routers of an account's networks go; answers the jobs' uuids."""
    jobs = []
    for row in ctx.tx.all(_NETWORKS, account_id=account_id):
        jobs += router.remove_all(ctx, row["id"])
    return jobs


def _closing(ctx: Context, account_id: int) -> list[str]:
    """Nobody acts for the account from here on; answers the jobs that remove its machines."""
    found = access.alive(ctx, ACCOUNT, account_id)
    rights_before = found["type"] == ADMIN
    ctx.tx.update(account, {"id": account_id}, state="disabled", needs_cleanup=True)
    if rights_before:
        rights.keep_a_root_admin(ctx)
    identity.end_sessions(ctx, [row["id"] for row in ctx.tx.all(_USERS, account_id=account_id)])
    return close_machines(ctx, account_id)


def leftovers(ctx: Context, account_id: int) -> list[dict[str, Any]]:
    """The volumes that no machine has and the copies of snapshots, each with what a host needs to delete it.

    Raises where machines are left, or a snapshot is being made.
    """
    machines = ctx.tx.all(_MACHINES, account_id=account_id)
    if machines:
        names = ", ".join(row["display_name"] or row["name"] for row in machines[:5])
        raise OperationFailed(f"{len(machines)} virtual machine(s) could not be removed: {names}")
    found = []
    for disk in ctx.tx.all(_VOLUMES, account_id=account_id):
        plan: dict[str, Any] = {"id": disk["id"], "uuid": disk["uuid"], "host": None}
        if disk["path"] and disk["pool_id"]:
            host_id = vm_plain.host_for_pool(ctx, disk["pool_id"])
            if host_id is not None:
                plan.update(
                    host=vm_plain.address_of(ctx, host_id),
                    path=disk["path"],
                    pool=ctx.tx.scalar(_POOL, pool_id=disk["pool_id"]),
                )
        found.append(plan)
    return [*found, *snapshot_workflows.of_account(ctx, account_id)]


async def delete_volumes(wf: Workflow[Context], plans: Sequence[Mapping[str, Any]]) -> None:
    """Deletes volumes and copies of snapshots from storage."""
    for plan in plans:
        if "place" in plan:
            await snapshot_workflows.remove_copy(wf, plan)
        elif plan["host"] is not None:
            await wf.call(
                vm_plain.host_address(plan["host"]),
                DeleteVolume(wf.command_id(f"delete-{plan['id']}"), plan["uuid"], plan["path"], plan["pool"]),
            )


def _delete_of(table: Any) -> Any:
    return delete(table).where(table.c.account_id == bindparam("account_id"))


_TAGS, _MEMBERSHIPS, _INVITATIONS = (
    _delete_of(table) for table in (schema.tag, schema.project_account, schema.project_invitation)
)
_LIMITS = delete(schema.resource_limit).where(
    schema.resource_limit.c.owner_type == "Account", schema.resource_limit.c.owner_id == bindparam("account_id")
)
_DETAILS = delete(schema.detail).where(
    schema.detail.c.resource_type == "Account", schema.detail.c.resource_id == bindparam("account_id")
)
_SETTINGS = delete(schema.configuration).where(
    schema.configuration.c.scope == "Account", schema.configuration.c.scope_id == bindparam("account_id")
)
#: What is marked as removed with its account.
_KEPT = (schema.ssh_keypair, schema.user_data, schema.instance_group)


def take_away(ctx: Context, account_id: int) -> None:
    """Gives back all that an account without machines owns, and removes it."""
    for disk in ctx.tx.all(_VOLUMES, account_id=account_id):
        if disk["pool_id"] is not None:
            allocate(ctx.tx, disk["pool_id"], -disk["size"])
        ctx.tx.update(schema.volume, {"id": disk["id"]}, state="Expunged", removed=ctx.now, updated=ctx.now)
        usage.end(ctx, "volume", disk["id"])
        snapshot_policy.volume_gone(ctx, disk["id"])
    snapshot_workflows.account_gone(ctx, account_id)
    securitygroup_member.forget_account(ctx, account_id)
    sslcert.forget_account(ctx, account_id)
    for row in ctx.tx.all(_NETWORKS, account_id=account_id):
        network_delete.deleted(ctx, row["id"])
    for row in ctx.tx.all(_ADDRESSES, account_id=account_id):
        publicip_orders.let_go(ctx, row)
    for table in _KEPT:
        for row in ctx.tx.all(_ALIVE[table.name], account_id=account_id):
            ctx.tx.update(table, {"id": row["id"]}, removed=ctx.now)
    # their files, if there are any, are removed by the next clean-up of the image stores
    template_delete.take_all(ctx, account_id)
    webhook.account_gone(ctx, account_id)
    for row in ctx.tx.all(_USERS, account_id=account_id):
        users.forget(ctx, row)
    for statement in (_TAGS, _MEMBERSHIPS, _INVITATIONS, _LIMITS, _DETAILS, _SETTINGS):
        ctx.tx.execute(statement, account_id=account_id)
    dedication.end_of_owner(ctx, "account", account_id)
    affinitygroup.forget_account(ctx, account_id)
    guest_vlan.end_of_account(ctx, account_id)
    public_range.end_of_account(ctx, account_id)
    ctx.tx.update(account, {"id": account_id}, removed=ctx.now, needs_cleanup=False)


_ALIVE = {table.name: _alive_of(table) for table in _KEPT}


def _deleted(ctx: Context, account_id: int) -> dict[str, Any]:
    access.alive(ctx, ACCOUNT, account_id)
    leftovers(ctx, account_id)
    take_away(ctx, account_id)
    return {"success": True}


@workflow("account.delete")
async def _delete(wf: Workflow[Context], account_id: int) -> None:
    await wf.ended(await wf.step("closing", _closing, account_id))
    await wf.ended(await wf.step("routers", close_routers, account_id))
    await delete_volumes(wf, await wf.step("leftovers", leftovers, account_id))
    await wf.finish(_deleted, account_id)


_HALF = (
    select(account)
    .where(account.c.needs_cleanup.is_(True), account.c.removed.is_(None))
    .order_by(account.c.id)
)  # fmt: skip
_UNDER_WAY = select(func.count()).where(
    schema.job.c.workflow == "account.delete",
    schema.job.c.instance_uuid == bindparam("uuid"),
    or_(schema.job.c.state == "queued", schema.job.c.state == "running"),
)


def due(ctx: Context) -> int:
    """Orders again the deletion of accounts that did not come to its end; answers how many there are."""
    rows = [row for row in ctx.tx.all(_HALF) if not ctx.tx.scalar(_UNDER_WAY, uuid=row["uuid"])]
    for row in rows:
        order_removal(ctx, row)
    return len(rows)
