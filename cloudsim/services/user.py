"""Users: lists, and their keys."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from cloudsim.core.errors import PermissionDenied
from cloudsim.core.ids import secret
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.services import access
from cloudsim.services.context import Context
from cloudsim.services.listing import Listing, equals, equals_nocase

user, account = schema.user, schema.account

LISTING = Listing(
    user,
    source=user.join(account, user.c.account_id == account.c.id),
    filters={
        "id": equals(user.c.id, "id"),
        "username": equals(user.c.username, "username"),
        "state": equals_nocase(user.c.state, "state"),
        "accounttype": equals(account.c.type, "accounttype"),
        "source": equals_nocase(user.c.source, "source"),
        "people": account.c.is_default.is_(False) | (user.c.username != "system"),
        "none": user.c.id < 0,
    },
    keyword=(user.c.username, user.c.firstname, user.c.lastname, user.c.email),
    owner=(user.c.account_id, user.c.domain_id),
)
_ROWS = (
    select(
        user,
        account.c.uuid.label("account_uuid"),
        account.c.name.label("account_name"),
        account.c.type.label("account_type"),
        schema.role.c.uuid.label("role_uuid"),
        schema.role.c.name.label("role_name"),
        schema.role.c.type.label("role_type"),
        schema.domain.c.uuid.label("domain_uuid"),
        schema.domain.c.name.label("domain_name"),
        schema.domain.c.path.label("domain_path"),
    )
    .select_from(
        user.join(account, user.c.account_id == account.c.id)
        .join(schema.domain, user.c.domain_id == schema.domain.c.id)
        .outerjoin(schema.role, account.c.role_id == schema.role.c.id)
    )
    .where(any_of(user.c.id, "ids"))
)


def rows(ctx: Context, ids: Sequence[int]) -> list[Row]:
    """Users with their accounts, roles and domains."""
    return ctx.tx.all(_ROWS, ids=ids)


def must_be_below(ctx: Context, found: Row) -> None:
    """Raises `PermissionDenied` where the caller is neither the user nor an admin above."""
    caller = ctx.caller
    if found["id"] == caller.user_id:
        return
    if found["is_default"] and not caller.is_admin:
        raise PermissionDenied("the keys of the cloud's own users are for root admins")
    if not (caller.is_admin or caller.is_domain_admin) or not access.owns(ctx, found["account_id"], found["domain_id"]):
        raise PermissionDenied(f"user {found['username']} is not yours")


def keys(ctx: Context, found: Row) -> tuple[str | None, str | None]:
    """API key and secret key of a user, None where there are none."""
    must_be_below(ctx, found)
    sealed = found["secret_key"]
    return found["api_key"], ctx.cloud.cipher.open(sealed) if sealed else None


def register_keys(ctx: Context, found: Row) -> tuple[str, str]:
    """Gives a user new keys; those before are no longer taken. Answers API key and secret key."""
    must_be_below(ctx, found)
    api_key, secret_key = secret(), secret()
    ctx.tx.update(user, {"id": found["id"]}, api_key=api_key, secret_key=ctx.cloud.cipher.seal(secret_key))
    ctx.event(
        "REGISTER.USER.KEY",
        f"user {found['username']} has new keys",
        resource=("User", found["uuid"]),
        account_id=found["account_id"],
        domain_id=found["domain_id"],
    )
    return api_key, secret_key
