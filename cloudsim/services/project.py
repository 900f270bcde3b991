"""Projects: lists, making, changing, suspending and deleting them.

What a project has belongs to an account of its own (type 5), which nobody logs in as.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, bindparam, exists, or_, select

from cloudsim.core.caller import PROJECT as PROJECT_TYPE
from cloudsim.core.errors import BadParameter, InvalidValue, OperationFailed, PermissionDenied
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import Big, any_of
from cloudsim.db.virtualmachine import TAGS, grouped
from cloudsim.jobs.job import Order
from cloudsim.jobs.workflow import Workflow, single, workflow
from cloudsim.services import access, account_orders, resource
from cloudsim.services.access import Scope
from cloudsim.services.context import Context
from cloudsim.services.listing import Listing, contains, equals, equals_nocase
from cloudsim.services.nouns import ACCOUNT, PROJECT

project, member, account = schema.project, schema.project_account, schema.account

#: What members are: Admin may change the project, Regular may use it.
ROLES = ("Admin", "Regular")


def _is_member(who: Any) -> Any:
    return exists().where(member.c.project_id == project.c.id, who)


LISTING = Listing(
    project,
    filters={
        "id": equals(project.c.id, "id"),
        "name": equals(project.c.name, "name"),
        "displaytext": contains(project.c.display_text, "displaytext"),
        "state": equals_nocase(project.c.state, "state"),
        "account": _is_member(member.c.account_id == bindparam("account")),
        "user": _is_member(
            or_(
                member.c.user_id == bindparam("user"),
                and_(member.c.user_id.is_(None), member.c.account_id == bindparam("user_account")),
            )
        ),
        "user_account": bindparam("user_account", type_=Big) >= 0,
    },
    keyword=(project.c.name, project.c.display_text),
    owner=(project.c.account_id, project.c.domain_id),
    tag_type="Project",
)
_ROWS = (
    select(
        project,
        account.c.name.label("owner_name"),
        schema.domain.c.uuid.label("domain_uuid"),
        schema.domain.c.name.label("domain_name"),
        schema.domain.c.path.label("domain_path"),
    )
    .select_from(
        project.join(account, project.c.account_id == account.c.id).join(
            schema.domain, project.c.domain_id == schema.domain.c.id
        )
    )
    .where(any_of(project.c.id, "ids"))
)
_ADMINS = (
    select(
        member.c.project_id,
        account.c.name.label("account_name"),
        schema.user.c.uuid.label("user_uuid"),
        schema.user.c.username,
    )
    .select_from(
        member.join(account, member.c.account_id == account.c.id).outerjoin(
            schema.user, member.c.user_id == schema.user.c.id
        )
    )
    .where(any_of(member.c.project_id, "ids"), member.c.role == "Admin")
    .order_by(member.c.id)
)
_NAMED = select(project.c.id).where(
    project.c.domain_id == bindparam("domain_id"), project.c.name == bindparam("name"), project.c.removed.is_(None)
)
_MEMBERS = select(member).where(member.c.project_id == bindparam("project_id")).order_by(member.c.id)


@dataclass(frozen=True, slots=True)
class Entry:
    """A project with what belongs to it."""

    row: Row
    #: Its admins: account_name, and user_uuid and username where it is one user of the account.
    owners: list[Row]
    tags: list[Row]
    used: dict[str, int]
    limits: dict[str, int]


def page(ctx: Context, ids: Sequence[int]) -> list[Entry]:
    """Projects by their row ids, in that order: one statement for each kind of thing."""
    rows = {row["id"]: row for row in ctx.tx.all(_ROWS, ids=ids)}
    owners = grouped(ctx.tx.all(_ADMINS, ids=list(rows)), "project_id")
    tags = grouped(ctx.tx.all(TAGS, kind="Project", ids=list(rows)), "resource_id")
    accounts = [row["account_id"] for row in rows.values()]
    used = resource.used(ctx, "account", accounts)
    limits = resource.Limits(ctx, accounts, [])
    return [
        Entry(
            row,
            owners.get(i, []),
            tags.get(i, []),
            used[row["account_id"]],
            {
                field: limits.of_account(row["account_id"], PROJECT_TYPE, kind)
                for field, kind in resource.kinds().items()
            },
        )
        for i in ids
        if (row := rows.get(i)) is not None
    ]


def scope(ctx: Context, *, domain: Row | None, listall: bool | None, isrecursive: bool | None, by_id: bool) -> Scope:
    """The projects a caller lists: those the caller is in; for admins with listall or an id, all of the domains below."""
    caller = ctx.caller
    admin = caller.is_admin or caller.is_domain_admin
    if admin and (listall or domain is not None or by_id):
        found = access.scope(ctx, domain=domain, listall=listall, isrecursive=isrecursive, by_id=by_id)
        return Scope(found.kind, found.values)
    if domain is not None and domain["id"] != caller.domain_id:
        raise PermissionDenied("that domain is not yours to list")
    return Scope("accounts", {"scope_accounts": [one.account_id for one in caller.projects]})


# -- making and changing


def must_lead(ctx: Context, found: Row) -> None:
    """Raises `PermissionDenied` unless the caller is an admin of the project, or of its domain or one above."""
    caller = ctx.caller
    part = caller.member_of(found["account_id"])
    if part is not None and part.admin:
        return
    if caller.is_admin or (caller.is_domain_admin and access.within(ctx, found["domain_id"])):
        return
    raise PermissionDenied(f"project {found['name']} is changed by its admins")


def _name(ctx: Context, domain_id: int, name: str, own: int | None = None) -> str:
    if not name.strip():
        raise InvalidValue("a project has a name")
    there = ctx.tx.scalar(_NAMED, domain_id=domain_id, name=name)
    if there is not None and there != own:
        raise InvalidValue(f"the domain has a project named '{name[:64]}' already")
    return name


def role_of(text: str | None, default: str = "Regular") -> str:
    """``Admin`` or ``Regular``. Raises `InvalidValue`."""
    for name in ROLES:
        if name.lower() == (text or default).lower():
            return name
    raise InvalidValue(f"roletype is Admin or Regular, not '{(text or '')[:64]}'")


def add_member(
    ctx: Context, project_id: int, account_id: int, user_id: int | None, role: str, role_id: int | None
) -> None:
    """Puts an account, or one of its users, into a project."""
    ctx.tx.insert(
        member,
        project_id=project_id,
        account_id=account_id,
        user_id=user_id,
        role=role,
        project_role_id=role_id,
        created=ctx.now,
    )


def create(ctx: Context, name: str, *, display_text: str | None, owner: Row, user: Row | None) -> tuple[str, str]:
    """Makes a project that an account (or one user of it) leads; answers the uuids of project and job.

    Raises `InvalidValue`, `PermissionDenied`, `LimitReached`.
    """
    caller = ctx.caller
    if not (caller.is_admin or caller.is_domain_admin) and not ctx.settings.flag("allow.user.create.projects"):
        raise PermissionDenied("users may not make projects here (setting allow.user.create.projects)")
    if owner["type"] == PROJECT_TYPE:
        raise InvalidValue("a project cannot own a project")
    domain = access.place(ctx, access.domain_row(ctx, owner["domain_id"])) if owner["id"] != caller.account_id else None
    domain_id = domain["id"] if domain else owner["domain_id"]
    name = _name(ctx, domain_id, name)
    resource.check(ctx, owner, {"project": 1})
    uuid = ctx.uuid()
    account_id = account_orders.insert(
        ctx,
        name=f"PrjAcct-{name}-{domain_id}",
        type=PROJECT_TYPE,
        domain_id=domain_id,
        role_id=None,
        project_uuid=uuid,
        project_name=name,
    )
    made = ctx.tx.insert(
        project,
        uuid=uuid,
        created=ctx.now,
        removed=None,
        name=name,
        display_text=display_text or name,
        account_id=account_id,
        domain_id=domain_id,
        state="Disabled",
    )
    add_member(ctx, made, owner["id"], user["id"] if user else None, "Admin", None)
    row = access.row(ctx, PROJECT, made)
    return uuid, order(ctx, row, "project.create", "PROJECT.CREATE", f"creating project {name}")


def order(ctx: Context, row: Row, workflow_name: str, event: str | None, text: str, /, **arguments: Any) -> str:
    """Orders a job about a project; answers its uuid."""
    return ctx.submit(
        Order(
            command=ctx.command,
            workflow=workflow_name,
            arguments={"project_id": row["id"], **arguments},
            instance_type="Project",
            instance_uuid=row["uuid"],
            lock=f"project:{row['uuid']}",
            event=event,
            event_text=text,
            account_id=row["account_id"],
            domain_id=row["domain_id"],
        )
    )


def _shown(ctx: Context, project_id: int) -> dict[str, Any]:
    return {"project": ctx.present("project", project_id)[0]}


def _set_state(ctx: Context, project_id: int, state: str) -> dict[str, Any]:
    found = access.alive(ctx, PROJECT, project_id)
    ctx.tx.update(project, {"id": project_id}, state=state)
    if state == "Suspended":
        account_orders.stop_machines(ctx, found["account_id"])
    return _shown(ctx, project_id)


single("project.create", lambda ctx, project_id: _set_state(ctx, project_id, "Active"))
single("project.activate", lambda ctx, project_id: _set_state(ctx, project_id, "Active"))
single("project.suspend", lambda ctx, project_id: _set_state(ctx, project_id, "Suspended"))


def activate(ctx: Context, found: Row) -> str:
    """Orders that a project can be used again; answers the job's uuid."""
    must_lead(ctx, found)
    return order(ctx, found, "project.activate", "PROJECT.ACTIVATE", f"activating project {found['name']}")


def suspend(ctx: Context, found: Row) -> str:
    """Orders that nothing can be made in a project, and that its machines stop; answers the job's uuid."""
    must_lead(ctx, found)
    return order(ctx, found, "project.suspend", "PROJECT.SUSPEND", f"suspending project {found['name']}")


def update(
    ctx: Context,
    found: Row,
    *,
    name: str | None,
    display_text: str | None,
    owner: str | None,
    user: Row | None,
    role: str | None,
    swap: bool,
) -> str:
    """Orders a change of a project: its texts, or what a member is. Answers the job's uuid.

    With `swap` the named account (or user) leads the project instead of those who do. Raises `InvalidValue`.
    """
    must_lead(ctx, found)
    arguments: dict[str, Any] = {"display_text": display_text}
    if name is not None:
        arguments["name"] = _name(ctx, found["domain_id"], name, found["id"])
    if owner is not None and user is not None:
        raise InvalidValue("give account or userid, not both")
    if owner is not None or user is not None:
        target = user["account_id"] if user is not None else account_in(ctx, found, str(owner))["id"]
        if not swap and role is None:
            raise InvalidValue("give roletype, or swapowner=true")
        arguments.update(
            account_id=target, user_id=user["id"] if user else None, role=role_of(role, "Admin"), swap=swap
        )
    elif role is not None:
        raise InvalidValue("roletype needs the account or the userid it is for")
    return order(ctx, found, "project.update", "PROJECT.UPDATE", f"updating project {found['name']}", **arguments)


def account_in(ctx: Context, found: Row, name: str) -> Row:
    """An account of a project's domain, by name: whoever leads a project may name it. Raises `InvalidValue`."""
    row = ctx.tx.first(_ACCOUNT, domain_id=found["domain_id"], name=name)
    if row is None or row["type"] == PROJECT_TYPE:
        raise InvalidValue(f"the domain of project {found['name']} has no account '{name[:64]}'")
    return row


_ACCOUNT = select(account).where(
    account.c.domain_id == bindparam("domain_id"), account.c.name == bindparam("name"), account.c.removed.is_(None)
)


def _updated(
    ctx: Context,
    project_id: int,
    display_text: str | None,
    name: str | None = None,
    account_id: int | None = None,
    user_id: int | None = None,
    role: str = "Admin",
    swap: bool = False,
) -> dict[str, Any]:
    found = access.alive(ctx, PROJECT, project_id)
    if name is not None:
        name = _name(ctx, found["domain_id"], name, project_id)
        ctx.tx.update(project, {"id": project_id}, name=name)
        ctx.tx.update(account, {"id": found["account_id"]}, project_name=name)
    if display_text is not None:
        ctx.tx.update(project, {"id": project_id}, display_text=display_text)
    if account_id is not None:
        _change_member(ctx, found, account_id, user_id, role, swap)
    return _shown(ctx, project_id)


def _change_member(ctx: Context, found: Row, account_id: int, user_id: int | None, role: str, swap: bool) -> None:
    members = ctx.tx.all(_MEMBERS, project_id=found["id"])
    mine = next((row for row in members if row["account_id"] == account_id and row["user_id"] == user_id), None)
    if mine is None:
        raise InvalidValue(f"that one is not in project {found['name']}: add it first")
    new = "Admin" if swap else role
    if new == "Admin" and mine["role"] != "Admin":
        resource.check(ctx, access.row(ctx, ACCOUNT, account_id), {"project": 1})
    ctx.tx.update(member, {"id": mine["id"]}, role=new)
    if swap:
        for row in members:
            if row["id"] != mine["id"] and row["role"] == "Admin":
                ctx.tx.update(member, {"id": row["id"]}, role="Regular")
    keep_an_admin(ctx, found)


def keep_an_admin(ctx: Context, found: Row) -> None:
    """Raises `InvalidValue` where a project has no admin left: the last step of each such change."""
    if not any(row["role"] == "Admin" for row in ctx.tx.all(_MEMBERS, project_id=found["id"])):
        raise InvalidValue(f"project {found['name']} would have no admin")


single("project.update", _updated)


# -- deleting


def delete(ctx: Context, found: Row, *, cleanup: bool) -> str:
    """Orders the deletion of a project, with `cleanup` with all it has; answers the job's uuid."""
    must_lead(ctx, found)
    return ctx.submit(
        Order(
            command=ctx.command,
            workflow="project.delete",
            arguments={"project_id": found["id"], "cleanup": cleanup},
            lock=f"project:{found['uuid']}",
            event="PROJECT.DELETE",
            event_text=f"deleting project {found['name']}",
            account_id=found["account_id"],
            domain_id=found["domain_id"],
        )
    )


def _closing(ctx: Context, project_id: int, cleanup: bool) -> list[str]:
    found = access.alive(ctx, PROJECT, project_id)
    if not cleanup:
        has = resource.used(ctx, "account", [found["account_id"]])[found["account_id"]]
        left = [f"{number} of {field}" for field, number in has.items() if number and field in resource.kinds()]
        if left:
            raise OperationFailed(f"project {found['name']} has {', '.join(left)}: remove them, or say cleanup")
    ctx.tx.update(project, {"id": project_id}, state="Disabled")
    return account_orders.close_machines(ctx, found["account_id"])


def _routers(ctx: Context, project_id: int) -> list[str]:
    return account_orders.close_routers(ctx, access.alive(ctx, PROJECT, project_id)["account_id"])


def _leftovers(ctx: Context, project_id: int) -> list[dict[str, Any]]:
    return account_orders.leftovers(ctx, access.alive(ctx, PROJECT, project_id)["account_id"])


def _deleted(ctx: Context, project_id: int, wiped: list[int]) -> dict[str, Any]:
    found = access.alive(ctx, PROJECT, project_id)
    account_orders.leftovers(ctx, found["account_id"])
    account_orders.take_away(ctx, found["account_id"], wiped)
    ctx.tx.execute(_LEAVE, project_id=project_id)
    ctx.tx.execute(_INVITED, project_id=project_id)
    ctx.tx.update(project, {"id": project_id}, removed=ctx.now)
    return {"success": True}


_LEAVE = member.delete().where(member.c.project_id == bindparam("project_id"))
_INVITED = schema.project_invitation.delete().where(schema.project_invitation.c.project_id == bindparam("project_id"))


def _failed(ctx: Context, error: Exception, project_id: int, **_: Any) -> None:
    found = access.row(ctx, PROJECT, project_id)
    if found["removed"] is None and found["state"] == "Disabled":
        ctx.tx.update(project, {"id": project_id}, state="Active")


@workflow("project.delete", failed=_failed)
async def _delete(wf: Workflow[Context], project_id: int, cleanup: bool) -> None:
    await wf.ended(await wf.step("closing", _closing, project_id, cleanup))
    await wf.ended(await wf.step("routers", _routers, project_id))
    wiped = await account_orders.delete_volumes(wf, await wf.step("leftovers", _leftovers, project_id))
    await wf.finish(_deleted, project_id, wiped)


def user_in(ctx: Context, found: Row, name: str) -> Row:
    """A user of a project's domain, by name. Raises `InvalidValue`."""
    row = ctx.tx.first(_USER, domain_id=found["domain_id"], name=name)
    if row is None:
        raise InvalidValue(f"the domain of project {found['name']} has no user '{name[:64]}'")
    return row


_USER = select(schema.user).where(
    schema.user.c.domain_id == bindparam("domain_id"),
    schema.user.c.username == bindparam("name"),
    schema.user.c.removed.is_(None),
)


def user_named(ctx: Context, domain: Row | None, name: str) -> Row:
    """A user by name whom the caller may see. Raises `BadParameter`."""
    row = ctx.tx.first(_USER, domain_id=domain["id"] if domain else ctx.caller.domain_id, name=name)
    if row is None or not access.owns(ctx, row["account_id"], row["domain_id"]):
        raise BadParameter(f"there is no user '{name[:64]}' in that domain")
    return row
