"""What roles let their accounts do, compared: nobody may give, change or take over what is more than the own role has."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from sqlalchemy import select

from cloudsim.core.caller import ADMIN, allowed
from cloudsim.core.errors import InvalidValue, PermissionDenied
from cloudsim.core.reference import reference
from cloudsim.db.database import Row
from cloudsim.db.schema import account, role, user
from cloudsim.services import access, identity
from cloudsim.services.context import Context
from cloudsim.services.nouns import ACCOUNT

Rules = tuple[tuple[str, bool], ...]

#: What the last root admin must be able to do, so that nothing is ever out of everybody's reach.
VITAL = ("listRoles", "updateRolePermission", "updateAccount", "enableAccount", "enableUser", "updateUser")

_ADMINS = (
    select(account.c.role_id)
    .distinct()
    .select_from(user.join(account, user.c.account_id == account.c.id).join(role, account.c.role_id == role.c.id))
    .where(
        account.c.type == ADMIN,
        account.c.name != "system",
        account.c.removed.is_(None),
        account.c.state == "enabled",
        user.c.removed.is_(None),
        user.c.state == "enabled",
        role.c.state == "enabled",
    )
)


@lru_cache(maxsize=256)
def covers(mine: Rules, other: Rules) -> bool:
    """Whether a list of rules allows every command that another one allows."""
    return all(allowed(name, mine) for name in reference("commands") if allowed(name, other))


def must_cover(ctx: Context, other: Rules, what: str) -> None:
    """Raises `PermissionDenied` where rules allow what the caller's own do not."""
    if not covers(ctx.caller.rules, other):
        raise PermissionDenied(f"{what} may do more than you may")


def must_cover_account(ctx: Context, found: Row, what: str) -> None:
    """Raises `PermissionDenied` where the users of an account may do what the caller may not: by the rules of its role,
    also while the role is disabled, or because it is a root admin's, who sees all there is.
    """
    if found["type"] == ADMIN and not ctx.caller.is_admin:
        raise PermissionDenied(f"{what} may do more than you may")
    must_cover(ctx, identity.rules_of(ctx.tx, found["role_id"], disabled=True), what)


def may_change_user(ctx: Context, found: Row, what: str = "change") -> None:
    """Raises `PermissionDenied` unless the caller is the user, or an admin above whose role holds all of the user's."""
    caller = ctx.caller
    if found["id"] == caller.user_id:
        return
    if found["is_default"] and not caller.is_admin:
        raise PermissionDenied("the cloud's own users are for root admins")
    admin = caller.is_admin or caller.is_domain_admin
    if not admin or not access.owns(ctx, found["account_id"], found["domain_id"]):
        raise PermissionDenied(f"user {found['username']} is not yours to {what}")
    must_cover_account(ctx, access.row(ctx, ACCOUNT, found["account_id"]), f"user {found['username']}")


def may_change_account(ctx: Context, found: Row) -> None:
    """Raises `PermissionDenied` unless the caller is an admin above whose role holds all that the account's does."""
    caller = ctx.caller
    if found["is_default"] and found["name"] == "system":
        raise PermissionDenied("the cloud's own account stays as it is")
    admin = caller.is_admin or caller.is_domain_admin
    if not admin or not access.owns(ctx, found["id"], found["domain_id"]):
        raise PermissionDenied(f"account {found['name']} is not yours to change")
    must_cover_account(ctx, found, f"account {found['name']}")


def keep_a_root_admin(ctx: Context) -> None:
    """Raises `InvalidValue` where nobody is left who could undo what was done: the last step of each such change."""
    for row in ctx.tx.all(_ADMINS):
        rules = identity.rules_of(ctx.tx, row["role_id"])
        if all(allowed(name, rules) for name in VITAL):
            return
    raise InvalidValue("that would leave no root admin who can undo it")


def check_rule(rule: str) -> str:
    """A rule: the name of a command, there or not, or a pattern with ``*``. Raises `InvalidValue`."""
    text = rule.strip()
    if not text or not all(letter.isalnum() or letter in "*_" for letter in text) or not text.isascii():
        raise InvalidValue(f"a rule is the name of a command, or a pattern with *, not '{rule[:64]}'")
    return text


def check_permission(text: str) -> str:
    """``allow`` or ``deny``. Raises `InvalidValue`."""
    if text.lower() not in ("allow", "deny"):
        raise InvalidValue(f"permission is allow or deny, not '{text[:64]}'")
    return text.lower()


def ordered(there: Sequence[Row], wanted: Sequence[str]) -> list[Row]:
    """Rules in a new order, named by all their ids. Raises `InvalidValue`."""
    by_uuid = {row["uuid"]: row for row in there}
    if len(wanted) != len(by_uuid) or set(wanted) != set(by_uuid):
        raise InvalidValue("ruleorder takes the ids of all rules of the role, each once")
    return [by_uuid[one] for one in wanted]
