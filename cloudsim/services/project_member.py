"""Who is in a project: accounts and users, invitations, and the project's own roles."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from typing import Any

from sqlalchemy import and_, bindparam, delete, or_, select

from cloudsim.core.errors import BadParameter, InvalidValue, PermissionDenied
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import Big, any_of
from cloudsim.jobs.workflow import single
from cloudsim.services import access, identity, project, resource, rights
from cloudsim.services.access import Scope
from cloudsim.services.context import Context
from cloudsim.services.listing import Listing, equals, equals_nocase
from cloudsim.services.nouns import ACCOUNT, PROJECT, PROJECT_ROLE

member, invitation = schema.project_account, schema.project_invitation
role, rule = schema.project_role, schema.project_role_permission
account, user = schema.account, schema.user

LISTING = Listing(
    member,
    filters={
        "project": equals(member.c.project_id, "project"),
        "account": member.c.account_id.in_(select(account.c.id).where(account.c.name == bindparam("account"))),
        "user": equals(member.c.user_id, "user"),
        "role": equals_nocase(member.c.role, "role"),
        "projectrole": equals(member.c.project_role_id, "projectrole"),
    },
    source=member.join(account, member.c.account_id == account.c.id),
    keyword=(account.c.name,),
)
_ROWS = (
    select(
        member,
        schema.project.c.uuid.label("project_uuid"),
        schema.project.c.name.label("project_name"),
        account.c.uuid.label("account_uuid"),
        account.c.name.label("account_name"),
        account.c.type.label("account_type"),
        user.c.uuid.label("user_uuid"),
        user.c.username,
        role.c.uuid.label("role_uuid"),
        schema.domain.c.uuid.label("domain_uuid"),
        schema.domain.c.name.label("domain_name"),
        schema.domain.c.path.label("domain_path"),
    )
    .select_from(
        member.join(schema.project, member.c.project_id == schema.project.c.id)
        .join(account, member.c.account_id == account.c.id)
        .join(schema.domain, account.c.domain_id == schema.domain.c.id)
        .outerjoin(user, member.c.user_id == user.c.id)
        .outerjoin(role, member.c.project_role_id == role.c.id)
    )
    .where(any_of(member.c.id, "ids"))
)
_USERS = select(user.c.id, user.c.account_id).where(any_of(user.c.account_id, "ids"), user.c.removed.is_(None))
_SAME = select(member).where(
    member.c.project_id == bindparam("project_id"), member.c.account_id == bindparam("account_id")
)
_GO = delete(member).where(member.c.id == bindparam("row_id"))


def rows(ctx: Context, ids: Sequence[int]) -> list[tuple[Row, list[int]]]:
    """Members, each with the row ids of the users it stands for."""
    found = {row["id"]: row for row in ctx.tx.all(_ROWS, ids=ids)}
    users: dict[int, list[int]] = {}
    for one in ctx.tx.all(_USERS, ids=sorted({row["account_id"] for row in found.values()})):
        users.setdefault(one["account_id"], []).append(one["id"])
    return [
        (row, [row["user_id"]] if row["user_id"] is not None else users.get(row["account_id"], []))
        for i in ids
        if (row := found.get(i)) is not None
    ]


def _role_in(found: Row, given: Row | None) -> int | None:
    if given is None:
        return None
    if given["project_id"] != found["id"]:
        raise InvalidValue("that project role is another project's")
    return int(given["id"])


def add(
    ctx: Context,
    found: Row,
    *,
    who: Row,
    user_row: Row | None,
    role_type: str | None,
    project_role: Row | None,
) -> str:
    """Orders that an account (`who`), or one of its users, becomes a member; where ``project.invite.required``, that it
    is invited. Answers the job's uuid. Raises `InvalidValue`, `PermissionDenied`.
    """
    project.must_lead(ctx, found)
    arguments = {
        "account_id": who["id"],
        "user_id": user_row["id"] if user_row else None,
        "role": project.role_of(role_type),
        "role_id": _role_in(found, project_role),
    }
    event = "PROJECT.USER.ADD" if user_row else "PROJECT.ACCOUNT.ADD"
    name = user_row["username"] if user_row else who["name"]
    return project.order(ctx, found, "project.add", event, f"adding {name} to project {found['name']}", **arguments)


def _check_new(ctx: Context, found: Row, account_id: int, user_id: int | None) -> None:
    for row in ctx.tx.all(_SAME, project_id=found["id"], account_id=account_id):
        if row["user_id"] in (None, user_id):
            raise InvalidValue(f"that one is in project {found['name']} already")


def _added(
    ctx: Context, project_id: int, account_id: int, user_id: int | None, role: str, role_id: int | None
) -> dict[str, Any]:
    found = access.alive(ctx, PROJECT, project_id)
    who = access.alive(ctx, ACCOUNT, account_id)
    if who["domain_id"] != found["domain_id"]:
        raise InvalidValue(f"account {who['name']} is in another domain than project {found['name']}")
    _check_new(ctx, found, account_id, user_id)
    if not ctx.settings.flag("project.invite.required"):
        if role == "Admin":
            resource.check(ctx, who, {"project": 1})
        project.add_member(ctx, project_id, account_id, user_id, role, role_id)
        return {"success": True}
    for row in ctx.tx.all(_PENDING, project_id=project_id, account_id=account_id):
        if row["user_id"] == user_id:
            if not _is_late(ctx, row):
                raise InvalidValue(f"that one is invited to project {found['name']} already")
            ctx.tx.update(invitation, {"id": row["id"]}, state="Expired")
    ctx.tx.insert(
        invitation,
        uuid=ctx.uuid(),
        created=ctx.now,
        removed=None,
        project_id=project_id,
        domain_id=found["domain_id"],
        account_id=account_id,
        user_id=user_id,
        email=None,
        token=None,
        state="Pending",
        role=role,
        project_role_id=role_id,
    )
    return {"success": True}


single("project.add", _added)


def remove(ctx: Context, found: Row, *, account_row: Row, user_row: Row | None) -> str:
    """Orders that a member leaves; whoever is one may leave by the own will. Answers the job's uuid."""
    own = account_row["id"] == ctx.caller.account_id and (user_row is None or user_row["id"] == ctx.caller.user_id)
    if not own:
        project.must_lead(ctx, found)
    event = "PROJECT.USER.REMOVE" if user_row else "PROJECT.ACCOUNT.REMOVE"
    name = user_row["username"] if user_row else account_row["name"]
    return project.order(
        ctx,
        found,
        "project.remove",
        event,
        f"removing {name} from project {found['name']}",
        account_id=account_row["id"],
        user_id=user_row["id"] if user_row else None,
    )


def _removed(ctx: Context, project_id: int, account_id: int, user_id: int | None) -> dict[str, Any]:
    found = access.alive(ctx, PROJECT, project_id)
    gone = [row for row in ctx.tx.all(_SAME, project_id=project_id, account_id=account_id) if row["user_id"] == user_id]
    if not gone:
        raise InvalidValue(f"that one is not in project {found['name']}")
    for row in gone:
        ctx.tx.execute(_GO, row_id=row["id"])
    project.keep_an_admin(ctx, found)
    return {"success": True}


single("project.remove", _removed)


# -- invitations

_PENDING = select(invitation).where(
    invitation.c.project_id == bindparam("project_id"),
    invitation.c.account_id == bindparam("account_id"),
    invitation.c.state == "Pending",
    invitation.c.removed.is_(None),
)
INVITATIONS = Listing(
    invitation,
    filters={
        "id": equals(invitation.c.id, "id"),
        "project": equals(invitation.c.project_id, "project"),
        "state": equals_nocase(invitation.c.state, "state"),
        "user": equals(invitation.c.user_id, "user"),
        "active": and_(invitation.c.state == "Pending", invitation.c.created >= bindparam("active", type_=Big)),
    },
    source=invitation.join(schema.project, invitation.c.project_id == schema.project.c.id).outerjoin(
        account, invitation.c.account_id == account.c.id
    ),
    keyword=(schema.project.c.name, account.c.name),
    owner=(invitation.c.account_id, invitation.c.domain_id),
    seen={
        "mine": and_(
            invitation.c.account_id == bindparam("scope_account"),
            or_(invitation.c.user_id.is_(None), invitation.c.user_id == bindparam("scope_user")),
        ),
        "led": any_of(invitation.c.project_id, "scope_projects"),
    },
)
_INVITATION_ROWS = (
    select(
        invitation,
        schema.project.c.uuid.label("project_uuid"),
        schema.project.c.name.label("project_name"),
        account.c.name.label("account_name"),
        user.c.uuid.label("user_uuid"),
        schema.domain.c.uuid.label("domain_uuid"),
        schema.domain.c.name.label("domain_name"),
        schema.domain.c.path.label("domain_path"),
    )
    .select_from(
        invitation.join(schema.project, invitation.c.project_id == schema.project.c.id)
        .join(schema.domain, invitation.c.domain_id == schema.domain.c.id)
        .outerjoin(account, invitation.c.account_id == account.c.id)
        .outerjoin(user, invitation.c.user_id == user.c.id)
    )
    .where(any_of(invitation.c.id, "ids"))
)


def _is_late(ctx: Context, row: Row) -> bool:
    return bool(row["created"] + ctx.settings.number("project.invite.timeout") * 1000 < ctx.now)


def earliest(ctx: Context) -> int:
    """The instant from which on invitations still hold (setting ``project.invite.timeout``)."""
    return ctx.now - ctx.settings.number("project.invite.timeout") * 1000


def invitations(ctx: Context, ids: Sequence[int]) -> list[tuple[Row, str]]:
    """Invitations with their projects, each with its state now."""
    found = {row["id"]: row for row in ctx.tx.all(_INVITATION_ROWS, ids=ids)}
    return [
        (row, "Expired" if row["state"] == "Pending" and _is_late(ctx, row) else row["state"])
        for i in ids
        if (row := found.get(i)) is not None
    ]


def invitation_scope(ctx: Context, wanted: Scope, of: Row | None) -> Scope:
    """The invitations of a list: those a project's admin sent, for the project; else those that the scope's owners got."""
    if of is not None:
        project.must_lead(ctx, of)
        return Scope("led", {"scope_projects": [of["id"]]})
    if wanted.kind == "account" and wanted.values["scope_account"] == ctx.caller.account_id:
        return Scope("mine", {**wanted.values, "scope_user": ctx.caller.user_id})
    return wanted


def _invited(ctx: Context, found: Row, account_name: str | None, user_row: Row | None, token: str | None) -> Row | None:
    """The account whose invitation is answered; None where a token says which it is."""
    if user_row is not None:
        if user_row["id"] != ctx.caller.user_id and not access.owns(ctx, user_row["account_id"], user_row["domain_id"]):
            raise PermissionDenied("that invitation is another user's")
        return access.row(ctx, ACCOUNT, user_row["account_id"])
    if account_name is not None:
        return access.account_of(ctx, access.domain_row(ctx, found["domain_id"]), account_name)
    return access.row(ctx, ACCOUNT, ctx.caller.account_id) if token is None else None


def answer(
    ctx: Context, found: Row, *, account_name: str | None, user_row: Row | None, token: str | None, accept: bool
) -> str:
    """Orders that an invitation is accepted or declined; answers the job's uuid. Raises `InvalidValue`."""
    try:
        who = _invited(ctx, found, account_name, user_row, token)
    except (BadParameter, PermissionDenied):
        if not access.may_see(ctx, PROJECT, found):
            raise access.not_found(PROJECT, found["uuid"]) from None
        raise
    chosen = None
    for row in ctx.tx.all(_OF_PROJECT, project_id=found["id"]):
        if who is not None:
            user_id = user_row["id"] if user_row else None
            if row["account_id"] == who["id"] and (
                row["user_id"] == user_id or (user_row is None and row["user_id"] == ctx.caller.user_id)
            ):
                chosen = row
        elif token is not None and row["token"] and hmac.compare_digest(row["token"], identity.digest(token)):
            chosen = row
    if chosen is None or _is_late(ctx, chosen):
        if not access.may_see(ctx, PROJECT, found):
            raise access.not_found(PROJECT, found["uuid"])
        raise InvalidValue(f"there is no open invitation to project {found['name']} for that one")
    text = "accepting" if accept else "declining"
    return project.order(
        ctx,
        found,
        "project.answer",
        "PROJECT.INVITATION.UPDATE",
        f"{text} an invitation to project {found['name']}",
        invitation_id=chosen["id"],
        account_id=who["id"] if who else ctx.caller.account_id,
        accept=accept,
    )


_OF_PROJECT = select(invitation).where(
    invitation.c.project_id == bindparam("project_id"),
    invitation.c.state == "Pending",
    invitation.c.removed.is_(None),
)
_INVITATION = select(invitation).where(invitation.c.id == bindparam("row_id"))


def _answered(ctx: Context, project_id: int, invitation_id: int, account_id: int, accept: bool) -> dict[str, Any]:
    found = access.alive(ctx, PROJECT, project_id)
    row = ctx.tx.first(_INVITATION, row_id=invitation_id)
    if row is None or row["state"] != "Pending" or row["removed"] is not None or _is_late(ctx, row):
        raise InvalidValue("the invitation is not open any more")
    if accept:
        _check_new(ctx, found, account_id, row["user_id"])
        if row["role"] == "Admin":
            resource.check(ctx, access.row(ctx, ACCOUNT, account_id), {"project": 1})
        project.add_member(ctx, project_id, account_id, row["user_id"], row["role"], row["project_role_id"])
    ctx.tx.update(invitation, {"id": row["id"]}, state="Completed" if accept else "Declined")
    return {"success": True}


single("project.answer", _answered)


def withdraw(ctx: Context, row: Row) -> str:
    """Orders that an invitation is taken back by those who lead the project, or thrown away by who got it."""
    found = access.row(ctx, PROJECT, row["project_id"])
    mine = row["account_id"] == ctx.caller.account_id and row["user_id"] in (None, ctx.caller.user_id)
    if not mine:
        project.must_lead(ctx, found)
    return project.order(
        ctx,
        found,
        "project.withdraw",
        "PROJECT.INVITATION.REMOVE",
        f"removing an invitation to project {found['name']}",
        invitation_id=row["id"],
    )


def _withdrawn(ctx: Context, project_id: int, invitation_id: int) -> dict[str, Any]:
    ctx.tx.update(invitation, {"id": invitation_id}, removed=ctx.now)
    return {"success": True}


single("project.withdraw", _withdrawn)


# -- roles within a project

ROLES = Listing(
    role,
    filters={
        "id": equals(role.c.id, "id"),
        "project": equals(role.c.project_id, "project"),
        "name": equals(role.c.name, "name"),
    },
    keyword=(role.c.name, role.c.description),
)
_ROLE_NAMED = select(role.c.id).where(
    role.c.project_id == bindparam("project_id"), role.c.name == bindparam("name"), role.c.removed.is_(None)
)
_RULES = (
    select(rule, role.c.uuid.label("role_uuid"), role.c.name.label("role_name"))
    .select_from(rule.join(role, rule.c.project_role_id == role.c.id))
    .where(rule.c.project_id == bindparam("project_id"), rule.c.removed.is_(None), role.c.removed.is_(None))
    .order_by(rule.c.project_role_id, rule.c.sort_order, rule.c.id)
)
_USED = select(member.c.id).where(member.c.project_role_id == bindparam("role_id")).limit(1)


def _lead(ctx: Context, found: Row, given: Row | None = None) -> None:
    project.must_lead(ctx, found)
    if given is not None and given["project_id"] != found["id"]:
        raise InvalidValue("that belongs to another project")


def _role_name(ctx: Context, found: Row, name: str, own: int | None = None) -> str:
    if not name.strip():
        raise InvalidValue("a project role has a name")
    there = ctx.tx.scalar(_ROLE_NAMED, project_id=found["id"], name=name)
    if there is not None and there != own:
        raise InvalidValue(f"project {found['name']} has a role named '{name[:64]}' already")
    return name


def _tell(ctx: Context, event: str, text: str, found: Row) -> None:
    ctx.event(
        event,
        text,
        resource=("Project", found["uuid"]),
        account_id=found["account_id"],
        domain_id=found["domain_id"],
    )


def create_role(ctx: Context, found: Row, name: str, description: str | None) -> int:
    """Makes a role of a project, without rules: it limits nothing yet. Raises `InvalidValue`, `PermissionDenied`."""
    _lead(ctx, found)
    name = _role_name(ctx, found, name)
    made = ctx.tx.insert(
        role,
        uuid=ctx.uuid(),
        created=ctx.now,
        removed=None,
        name=name,
        description=description,
        project_id=found["id"],
    )
    _tell(ctx, "PROJECT.ROLE.CREATE", f"project {found['name']} has a role {name}", found)
    return made


def update_role(ctx: Context, found: Row, given: Row, name: str | None, description: str | None) -> None:
    """Changes name or description. Raises `InvalidValue`, `PermissionDenied`."""
    _lead(ctx, found, given)
    ctx.tx.update(
        role,
        {"id": given["id"]},
        name=given["name"] if name is None else _role_name(ctx, found, name, given["id"]),
        description=given["description"] if description is None else description,
    )
    _tell(ctx, "PROJECT.ROLE.UPDATE", f"role {given['name']} of project {found['name']} was changed", found)


def remove_role(ctx: Context, found: Row, given: Row) -> None:
    """Deletes a role that no member has. Raises `InvalidValue`, `PermissionDenied`."""
    _lead(ctx, found, given)
    if ctx.tx.scalar(_USED, role_id=given["id"]) is not None:
        raise InvalidValue(f"role {given['name']} has members: give them another one first")
    ctx.tx.update(rule, {"project_role_id": given["id"]}, removed=ctx.now)
    ctx.tx.update(role, {"id": given["id"]}, removed=ctx.now)
    _tell(ctx, "PROJECT.ROLE.DELETE", f"role {given['name']} of project {found['name']} was deleted", found)


def rules(ctx: Context, found: Row, given: Row | None) -> list[Row]:
    """The rules of a project's roles (of one of them) in their order, with ``role_uuid`` and ``role_name``."""
    if given is not None and given["project_id"] != found["id"]:
        raise InvalidValue("that belongs to another project")
    return [
        row
        for row in ctx.tx.all(_RULES, project_id=found["id"])
        if given is None or row["project_role_id"] == given["id"]
    ]


def add_rule(ctx: Context, found: Row, given: Row, text: str, what: str, description: str | None) -> Row:
    """Puts a rule behind those of a project role; answers its row. Raises `InvalidValue`, `PermissionDenied`."""
    _lead(ctx, found, given)
    text, what = rights.check_rule(text), rights.check_permission(what)
    there = rules(ctx, found, given)
    if any(row["rule"].lower() == text.lower() for row in there):
        raise InvalidValue(f"role {given['name']} has a rule '{text}' already")
    ctx.tx.insert(
        rule,
        uuid=ctx.uuid(),
        created=ctx.now,
        removed=None,
        project_role_id=given["id"],
        project_id=found["id"],
        rule=text,
        permission=what,
        sort_order=1 + max((row["sort_order"] for row in there), default=-1),
        description=description,
    )
    _tell(ctx, "PROJECT.ROLE.PERMISSION.CREATE", f"role {given['name']}: {what} {text}", found)
    return rules(ctx, found, given)[-1]


def change_rule(
    ctx: Context, found: Row, given: Row, one: Row | None, what: str | None, order: Sequence[str] | None
) -> None:
    """Changes what one rule says, or the order of all. Raises `InvalidValue`, `PermissionDenied`."""
    _lead(ctx, found, given)
    if (order is None) == (one is None) or (order is not None and what is not None):
        raise InvalidValue("give ruleorder, or projectrolepermissionid and permission")
    if order is not None:
        for number, row in enumerate(rights.ordered(rules(ctx, found, given), order)):
            ctx.tx.update(rule, {"id": row["id"]}, sort_order=number)
    elif one is not None:
        if what is None:
            raise InvalidValue("give ruleorder, or projectrolepermissionid and permission")
        if one["project_role_id"] != given["id"]:
            raise InvalidValue("that rule is another role's")
        ctx.tx.update(rule, {"id": one["id"]}, permission=rights.check_permission(what))
    _tell(ctx, "PROJECT.ROLE.PERMISSION.UPDATE", f"rules of role {given['name']} were changed", found)


def remove_rule(ctx: Context, found: Row, one: Row) -> None:
    """Takes a rule off its project role. Raises `InvalidValue`, `PermissionDenied`."""
    _lead(ctx, found, one)
    ctx.tx.update(rule, {"id": one["id"]}, removed=ctx.now)
    of = access.row(ctx, PROJECT_ROLE, one["project_role_id"])
    _tell(ctx, "PROJECT.ROLE.PERMISSION.DELETE", f"role {of['name']}: {one['rule']} was removed", found)
