"""Who may see and touch what: the one access check, and the scope of lists.

"Not there" and "not yours" read the same: from the answer nobody can tell whether an id exists.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from sqlalchemy import bindparam, select

from cloudsim.core.caller import Caller
from cloudsim.core.errors import BadParameter, CloudError, InvalidValue, PermissionDenied, ResourceUnavailable
from cloudsim.core.ids import is_uuid
from cloudsim.db.database import Row
from cloudsim.db.schema import account as account_table
from cloudsim.db.schema import domain as domain_table
from cloudsim.db.schema import launch_permission, network_permission
from cloudsim.db.types import any_of
from cloudsim.services.context import Context
from cloudsim.services.nouns import (
    ACCOUNT,
    AFFINITY_GROUP,
    DOMAIN,
    JOB,
    KEPT,
    NETWORK,
    PROJECT,
    ROLE,
    TEMPLATE,
    VIRTUAL_MACHINE,
    WEBHOOK,
    Noun,
    Owner,
)

#: Clients know the first four roles by number: root admin, resource admin, domain admin, user.
FIRST_ROLES = ("1", "2", "3", "4")
_PATH = select(domain_table.c.path).where(domain_table.c.id == bindparam("domain_id"))
_PATHS = select(domain_table.c.path).where(any_of(domain_table.c.uuid, "uuids"))
_SHARED = (
    select(launch_permission.c.id)
    .where(
        launch_permission.c.template_id == bindparam("template_id"), any_of(launch_permission.c.account_id, "accounts")
    )
    .limit(1)
)
_PERMITTED = (
    select(network_permission.c.id)
    .where(
        network_permission.c.network_id == bindparam("network_id"), any_of(network_permission.c.account_id, "accounts")
    )
    .limit(1)
)
_ACCOUNT = select(account_table).where(
    account_table.c.domain_id == bindparam("domain_id"),
    account_table.c.name == bindparam("name"),
    account_table.c.removed.is_(None),
)


class Unknown(BadParameter):
    """An id names nothing, or nothing that the caller may see."""

    def __init__(self, noun: Noun, uuid: str) -> None:
        super().__init__(f"there is no {noun.label} with id {uuid[:64]}")
        self.noun = noun
        self.uuid = uuid


def not_found(noun: Noun, uuid: str) -> CloudError:
    """What a client is told of an id that names nothing, or nothing it may see."""
    return Unknown(noun, uuid)


def was_there(ctx: Context, unknown: Unknown) -> bool:
    """Whether an id names something of a kind in `KEPT` that was removed, and that the caller might have seen."""
    if unknown.noun not in KEPT:
        return False
    row = ctx.tx.first(unknown.noun.by_uuid_ever, uuid=unknown.uuid)
    return row is not None and row["removed"] is not None and may_see(ctx, unknown.noun, row)


def domain_path(ctx: Context, domain_id: int) -> str:
    """``/`` or ``/a/b/``."""
    return str(ctx.tx.scalar(_PATH, domain_id=domain_id))


def within(ctx: Context, domain_id: int) -> bool:
    """Whether a domain is the caller's or below it."""
    caller = ctx.caller
    return domain_id == caller.domain_id or domain_path(ctx, domain_id).startswith(caller.domain_path)


def may_see(ctx: Context, noun: Noun, row: Row) -> bool:
    """Whether the caller may see a row of a noun at all."""
    caller = ctx.caller
    if caller.is_admin or noun.owner is Owner.CLOUD:
        return True
    if noun is JOB and row["user_id"] == caller.user_id:
        return True  # whoever asked for it may know how it ended, also when what it was about is out of sight by then
    if noun.owner is Owner.DOMAINS:
        if not row["domain_ids"]:
            return True
        paths = [found["path"] for found in ctx.tx.all(_PATHS, uuids=row["domain_ids"])]
        if caller.is_domain_admin and any(path.startswith(caller.domain_path) for path in paths):
            return True  # made for a domain below
        return any(caller.domain_path.startswith(path) for path in paths)
    if noun.owner is Owner.OF_PROJECT:
        if row.get("account_id") == caller.account_id and row.get("user_id") in (None, caller.user_id):
            return True
        found = ctx.tx.first(PROJECT.by_id, row_id=row["project_id"])
        return found is not None and may_see(ctx, PROJECT, found)
    if noun.owner is Owner.OF_WEBHOOK:
        found = ctx.tx.first(WEBHOOK.by_id, row_id=row["webhook_id"])
        return found is not None and found["removed"] is None and may_see(ctx, WEBHOOK, found)
    if noun.owner is Owner.OF_MACHINE:
        found = ctx.tx.first(VIRTUAL_MACHINE.by_id, row_id=row["vm_id"])
        return found is not None and found["removed"] is None and may_see(ctx, VIRTUAL_MACHINE, found)
    if noun.owner is Owner.PROJECT:
        return owns(ctx, row["account_id"], row["domain_id"])
    if noun.owner is Owner.DOMAIN:
        if caller.is_domain_admin:
            return str(row["path"]).startswith(caller.domain_path)
        return bool(row["id"] == caller.domain_id)
    if noun.owner is Owner.SHARED and (row["is_public"] or row["is_featured"]):
        return True
    if noun in (NETWORK, AFFINITY_GROUP) and row["acl_type"] == "Domain" and _given(ctx, row):
        return True
    if owns(ctx, row["id"] if noun is ACCOUNT else row["account_id"], row["domain_id"]):
        return True
    if noun is NETWORK:
        return permitted(ctx, row["id"], [caller.account_id, *(one.account_id for one in caller.projects)])
    return noun is TEMPLATE and _shared(ctx, row)


def permitted(ctx: Context, network_id: int, accounts: Sequence[int]) -> bool:
    """Whether the owner of a network lets one of some accounts use it."""
    return ctx.tx.scalar(_PERMITTED, network_id=network_id, accounts=accounts) is not None


def _shared(ctx: Context, row: Row) -> bool:
    """Whether a template was given to the caller's account, or to a project the caller is in."""
    accounts = [ctx.caller.account_id, *(one.account_id for one in ctx.caller.projects if one.may(ctx.command))]
    return ctx.tx.scalar(_SHARED, template_id=row["id"], accounts=accounts) is not None


def _given(ctx: Context, row: Row) -> bool:
    """Whether what is for a whole domain is for the caller's."""
    if row["domain_id"] == ctx.caller.domain_id:
        return True
    return bool(row["subdomain_access"]) and ctx.caller.domain_path.startswith(domain_path(ctx, row["domain_id"]))


def owns(ctx: Context, account_id: int, domain_id: int) -> bool:
    """Whether the caller may act for an account of a domain."""
    caller = ctx.caller
    if caller.is_admin or account_id == caller.account_id:
        return True
    if caller.is_domain_admin and within(ctx, domain_id):
        return True
    part = caller.member_of(account_id)
    return part is not None and part.may(ctx.command)


def find(ctx: Context, noun: Noun, uuid: str) -> Row:
    """The row that `uuid` names. Raises `BadParameter` where there is none, or none the caller may see."""
    if noun is ROLE and uuid in FIRST_ROLES:
        row = ctx.tx.first(noun.by_id, row_id=int(uuid))
    else:
        row = ctx.tx.first(noun.by_uuid, uuid=uuid)
    if row is None or not may_see(ctx, noun, row):
        raise not_found(noun, uuid)
    return row


def find_all(ctx: Context, noun: Noun, uuids: list[str]) -> list[Row]:
    """The rows of several ids, in their order; raises for the first that is not there."""
    rows = {row["uuid"]: row for row in ctx.tx.all(noun.by_uuids, uuids=uuids)}
    for uuid in uuids:
        if uuid not in rows or not may_see(ctx, noun, rows[uuid]):
            raise not_found(noun, uuid)
    return [rows[uuid] for uuid in uuids]


def row(ctx: Context, noun: Noun, row_id: int) -> Row:
    """The row of a noun by its own id: for what is already known to be allowed."""
    found = ctx.tx.first(noun.by_id, row_id=row_id)
    if found is None:
        raise not_found(noun, str(row_id))
    return found


def alive(ctx: Context, noun: Noun, row_id: int) -> Row:
    """A row by its id, for jobs: raises `ResourceUnavailable` where it was removed since the job was asked for."""
    found = row(ctx, noun, row_id)
    if found["removed"] is not None:
        raise ResourceUnavailable(f"the {noun.label} was removed meanwhile")
    return found


def must_own(ctx: Context, noun: Noun, found: Row) -> None:
    """Raises `PermissionDenied` where the caller sees the object (it is public) but may not change it."""
    if not owns(ctx, found["account_id"], found["domain_id"]):
        raise PermissionDenied(f"{noun.label} {found['uuid']} belongs to another account")


def account_of(ctx: Context, domain: Row | None, name: str | None, project: Row | None = None) -> Row:
    """The account that something is made for: the caller's, `name` in `domain` where the caller may act for it, or the
    one that stands for `project`.
    """
    caller = ctx.caller
    if project is not None:
        if name is not None:
            raise InvalidValue("give account or projectid, not both")
        if project["state"] != "Active":
            raise InvalidValue(f"project {project['name']} is {project['state'].lower()}: nothing can be made in it")
        return row(ctx, ACCOUNT, project["account_id"])
    if name is None:
        if domain is not None and domain["id"] != caller.domain_id:
            raise InvalidValue("domainid says which domain an account is in: give account as well")
        return row(ctx, ACCOUNT, caller.account_id)
    domain_id = domain["id"] if domain is not None else caller.domain_id
    found = ctx.tx.first(_ACCOUNT, domain_id=domain_id, name=name)
    if found is None or not owns(ctx, found["id"], found["domain_id"]):
        raise BadParameter(f"there is no account '{name[:64]}' in that domain")
    return found


def place(ctx: Context, given: Row | None) -> Row:
    """The domain something is made in: the caller's, or one below it. Raises `PermissionDenied`, `InvalidValue`."""
    found = given if given is not None else row(ctx, DOMAIN, ctx.caller.domain_id)
    if not ctx.caller.is_admin and not within(ctx, found["id"]):
        raise PermissionDenied(f"domain {found['name']} is not yours")
    if found["state"] != "Active":
        raise InvalidValue(f"domain {found['name']} is {found['state']}")
    return found


class Projects(Enum):
    """What a list does with that which projects own."""

    WITH = "with"
    WITHOUT = "without"
    ONLY = "only"


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose rows a list shows: the name of a condition, and its values."""

    #: all, account, accounts, domain or subtree
    kind: str
    values: dict[str, Any] = field(default_factory=dict)
    projects: Projects = Projects.WITH


EVERYTHING = Scope("all")


def _subtree(path: str, projects: Projects) -> Scope:
    # every path that starts with `path`: from it up to the same text with its last "/" counted one up
    return Scope("subtree", {"scope_path": path, "scope_end": path[:-1] + "0"}, projects)


def account_scope(account_id: int) -> Scope:
    """The rows of one account."""
    return Scope("account", {"scope_account": account_id})


def scope(
    ctx: Context,
    *,
    account: str | None = None,
    domain: Row | None = None,
    project: Row | str | None = None,
    listall: bool | None = None,
    isrecursive: bool | None = None,
    by_id: bool = False,
) -> Scope:
    """What a list command's account, domainid, projectid, listall and isrecursive mean, for every noun alike.

    A user sees the own account. An admin sees the own account too, unless `listall` (all below the own domain; for root
    admins all there is), `domain` (that domain; with `isrecursive` also those below; with `account` that account) or an
    id is asked for. What projects own is listed for `project`, for all of them with -1, and where an id is given.
    """
    caller: Caller = ctx.caller
    admin = caller.is_admin or caller.is_domain_admin
    if isinstance(project, dict):
        if account is not None:
            raise InvalidValue("give account or projectid, not both")
        return account_scope(project["account_id"])
    every = project == "-1"
    projects = Projects.ONLY if every else Projects.WITH if by_id else Projects.WITHOUT
    if account is not None:
        found = ctx.tx.first(_ACCOUNT, domain_id=domain["id"] if domain else caller.domain_id, name=account)
        if found is None or not owns(ctx, found["id"], found["domain_id"]):
            raise BadParameter(f"there is no account '{account[:64]}' in that domain")
        return account_scope(found["id"])
    if not admin:
        if domain is not None and domain["id"] != caller.domain_id:
            raise PermissionDenied("that domain is not yours to list")
        parts = [one.account_id for one in caller.projects if one.may(ctx.command)]
        if every:
            return Scope("accounts", {"scope_accounts": parts})
        if by_id and parts:
            return Scope("accounts", {"scope_accounts": [caller.account_id, *parts]})
        return account_scope(caller.account_id)
    if domain is not None:
        if isrecursive:
            return _subtree(domain["path"], projects)
        return Scope("domain", {"scope_domain": domain["id"]}, projects)
    if listall or isrecursive or by_id or every:
        return Scope("all", {}, projects) if caller.is_admin else _subtree(caller.domain_path, projects)
    return account_scope(caller.account_id)


def domain_row(ctx: Context, domain_id: int) -> Row:
    """A domain by its row id."""
    return row(ctx, DOMAIN, domain_id)


def custom_id(text: str | None) -> str | None:
    """A uuid of the caller's choice (``customid``), in lower case. Raises `InvalidValue`."""
    if text is None:
        return None
    if not is_uuid(text):
        raise InvalidValue("customid takes a uuid")
    return text.lower()
