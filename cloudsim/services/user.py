"""Users: lists, making, changing and deleting them, and their keys."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, delete, func, select

from cloudsim.core.caller import ADMIN
from cloudsim.core.errors import BadParameter, InvalidValue, PermissionDenied
from cloudsim.core.ids import secret
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import Big, any_of
from cloudsim.jobs.job import Order
from cloudsim.jobs.workflow import single
from cloudsim.services import access, identity, rights
from cloudsim.services.context import Context
from cloudsim.services.listing import Listing, equals, equals_nocase
from cloudsim.services.nouns import USER

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
        "access": func.coalesce(user.c.api_key_access, "Inherit") == bindparam("access"),
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


def mandated(ctx: Context, row: Row) -> bool:
    """Whether the settings of a user's domain ask for a second factor."""
    place = ("Domain", row["domain_id"])
    return ctx.settings.flag("enable.user.2fa", place) and ctx.settings.flag("mandate.user.2fa", place)


#: What apikeyaccess takes.
ACCESS = ("Enabled", "Disabled", "Inherit")

_NAMED = select(user.c.id).where(
    user.c.domain_id == bindparam("domain_id", type_=Big),
    user.c.username == bindparam("name"),
    user.c.removed.is_(None),
)
#: What no password is the hash of.
_NOTHING_FITS = "*"
_KEYED = select(user.c.id).where(user.c.api_key == bindparam("api_key"))
_MEMBER = schema.project_account
_LEAVE = delete(_MEMBER).where(_MEMBER.c.user_id == bindparam("user_id"))
_UNLOCK = delete(schema.login_failure).where(schema.login_failure.c.user_id == bindparam("user_id"))


def check_name(ctx: Context, domain_id: int, username: str, own: int | None = None) -> str:
    """A user name that is free in a domain. Raises `InvalidValue`."""
    name = username.strip()
    if not name:
        raise InvalidValue("username cannot be empty")
    there = ctx.tx.scalar(_NAMED, domain_id=domain_id, name=name)
    if there is not None and there != own:
        raise InvalidValue(f"the domain has a user named '{name[:64]}' already")
    return name


def check_password(ctx: Context, password: str, username: str, domain_id: int) -> None:
    """Raises `InvalidValue` where a password breaks the rules of its domain (settings ``password.policy.*``)."""
    place = ("Domain", domain_id)
    rules: tuple[tuple[str, int, str], ...] = (
        ("length", len(password), "characters"),
        ("digits", sum(one.isdigit() for one in password), "digits"),
        ("lowercase.letters", sum(one.islower() for one in password), "lower-case letters"),
        ("uppercase.letters", sum(one.isupper() for one in password), "upper-case letters"),
        ("special.characters", sum(not one.isalnum() for one in password), "special characters"),
    )
    for name, has, what in rules:
        least = ctx.settings.number(f"password.policy.minimum.{name}", place)
        if has < least:
            raise InvalidValue(f"a password needs at least {least} {what}")
    if (
        not ctx.settings.flag("password.policy.allowPasswordToContainUsername", place)
        and username.lower() in password.lower()
    ):
        raise InvalidValue("a password must not contain the user name")
    pattern = ctx.settings.text("password.policy.regex", place)
    try:
        fits = not pattern or re.fullmatch(pattern, password) is not None
    except re.error:
        raise InvalidValue("setting password.policy.regex is not a regular expression") from None
    if not fits:
        raise InvalidValue("the password does not fit the pattern that is set (setting password.policy.regex)")


def create(
    ctx: Context,
    owner: Row,
    *,
    username: str,
    password: str,
    plain: str,
    firstname: str,
    lastname: str,
    email: str,
    timezone: str | None,
    uuid: str | None,
) -> int:
    """Makes a user of an account; `password` as it is stored, `plain` to check it. Answers the id. Raises `InvalidValue`."""
    username = check_name(ctx, owner["domain_id"], username)
    check_password(ctx, plain, username, owner["domain_id"])
    if uuid is not None and ctx.tx.first(USER.by_uuid, uuid=uuid) is not None:
        raise InvalidValue("userid is the id of another user")
    uuid = uuid or ctx.uuid()
    made = ctx.tx.insert(
        user,
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
        api_key_access=None,
        two_factor=None,
        two_factor_secret=None,
        two_factor_verified=False,
        two_factor_mandated=False,
        two_factor_step=0,
    )
    _tell(ctx, "USER.CREATE", f"user {username} was created", uuid, owner["id"], owner["domain_id"])
    return made


def account_for(ctx: Context, domain_: Row | None, name: str) -> Row:
    """The account a user is made in. Raises where the caller may not act for it, or the account may do more."""
    found = access.account_of(ctx, domain_, name)
    if found["type"] == ADMIN and not ctx.caller.is_admin:
        raise PermissionDenied("only a root admin can make users of a root admin's account")
    rights.must_cover_account(ctx, found, f"account {found['name']}")
    return found


def _tell(ctx: Context, event: str, text: str, uuid: str, account_id: int, domain_id: int) -> None:
    ctx.event(event, text, resource=("User", uuid), account_id=account_id, domain_id=domain_id)


def _changed(ctx: Context, found: Row, event: str, text: str, **values: Any) -> None:
    ctx.tx.update(user, {"id": found["id"]}, **values)
    _tell(ctx, event, f"user {found['username']} {text}", found["uuid"], found["account_id"], found["domain_id"])


def keys(ctx: Context, found: Row) -> tuple[str | None, str | None]:
    """API key and secret key of a user, None where there are none. Raises `PermissionDenied`."""
    rights.may_change_user(ctx, found, "read the keys of")
    sealed = found["secret_key"]
    return found["api_key"], ctx.cloud.cipher.open(sealed) if sealed else None


def by_key(ctx: Context, api_key: str) -> int:
    """The row id of the user with an API key. Raises `BadParameter` where there is none that the caller may see."""
    row_id = ctx.tx.scalar(_KEYED, api_key=api_key)
    row = access.row(ctx, USER, row_id) if row_id is not None else None
    if row is None or row["removed"] is not None or not access.may_see(ctx, USER, row):
        raise BadParameter("there is no user with that API key")
    return int(row["id"])


def register_keys(ctx: Context, found: Row) -> tuple[str, str]:
    """Gives a user new keys; those before are no longer taken. Answers API key and secret key."""
    rights.may_change_user(ctx, found, "give keys to")
    api_key, secret_key = secret(), secret()
    sealed = ctx.cloud.cipher.seal(secret_key)
    _changed(ctx, found, "REGISTER.USER.KEY", "has new keys", api_key=api_key, secret_key=sealed)
    return api_key, secret_key


def update(
    ctx: Context,
    found: Row,
    *,
    texts: dict[str, str | None],
    username: str | None,
    password: str | None,
    plain: str | None,
    current: bool | None,
    api_key: str | None,
    secret_key: str | None,
    key_access: str | None,
    mandate_two_factor: bool | None,
) -> None:
    """Changes what is given. `texts`: firstname, lastname, email, timezone; `password` as it is stored and `plain`;
    `current`: whether the current password that was given is right. Raises `InvalidValue`, `PermissionDenied`.
    """
    caller = ctx.caller
    rights.may_change_user(ctx, found)
    values: dict[str, Any] = {}
    for name, text in texts.items():
        if text is not None:
            if not text.strip() and name != "timezone":
                raise InvalidValue(f"{name} cannot be empty")
            values[name] = text
    if username is not None:
        values["username"] = check_name(ctx, found["domain_id"], username, found["id"])
    if password is not None and plain is not None:
        if found["source"] != "native":
            raise InvalidValue(f"the password of user {found['username']} is kept elsewhere ({found['source']})")
        if current is False or (current is None and not (caller.is_admin or caller.is_domain_admin)):
            raise InvalidValue("currentpassword is missing or wrong")
        check_password(ctx, plain, str(values.get("username", found["username"])), found["domain_id"])
        values["password"] = password
    if (api_key is None) != (secret_key is None):
        raise InvalidValue("userapikey and usersecretkey go together: give both or none")
    if api_key is not None and secret_key is not None:
        there = ctx.tx.scalar(_KEYED, api_key=api_key)
        if there is not None and there != found["id"]:
            raise InvalidValue("that userapikey is taken")
        values.update(api_key=api_key, secret_key=ctx.cloud.cipher.seal(secret_key))
    if key_access is not None:
        if not caller.is_admin:
            raise PermissionDenied("apikeyaccess is for root admins to change")
        values["api_key_access"] = None if key_access == "Inherit" else key_access
    if mandate_two_factor is not None:
        if not (caller.is_admin or caller.is_domain_admin):
            raise PermissionDenied("mandate2fa is for admins to change")
        if mandate_two_factor and not ctx.settings.flag("enable.user.2fa", ("Domain", found["domain_id"])):
            raise InvalidValue("second factors are switched off (setting enable.user.2fa)")
        values["two_factor_mandated"] = mandate_two_factor
    if values:
        _changed(ctx, found, "USER.UPDATE", "was changed", **values)
    if "password" in values:
        if found["id"] != caller.user_id:
            identity.end_sessions(ctx, [found["id"]])
        else:
            identity.end_other_sessions(ctx)


def set_state(ctx: Context, found: Row, state: str) -> None:
    """Enables, disables or locks a user; only a user who is not disabled can be locked. Raises `InvalidValue`."""
    if found["id"] == ctx.caller.user_id and state != "enabled":
        raise InvalidValue("nobody can lock or disable the own user")
    rights.may_change_user(ctx, found)
    if state == "locked" and found["state"] == "disabled":
        raise InvalidValue(f"user {found['username']} is disabled, which is more than locked")
    event = {"enabled": "USER.ENABLE", "disabled": "USER.DISABLE", "locked": "USER.LOCK"}[state]
    ctx.tx.execute(_UNLOCK, user_id=found["id"])
    if state != "enabled":
        identity.end_sessions(ctx, [found["id"]])
    _changed(ctx, found, event, f"is {state}", state=state)
    rights.keep_a_root_admin(ctx)


def disable(ctx: Context, found: Row) -> str:
    """Orders the disabling of a user; answers the job's uuid. Raises as `set_state`."""
    if found["id"] == ctx.caller.user_id:
        raise InvalidValue("nobody can lock or disable the own user")
    rights.may_change_user(ctx, found)
    return ctx.submit(
        Order(
            command=ctx.command,
            workflow="user.disable",
            arguments={"user_id": found["id"]},
            instance_type="User",
            instance_uuid=found["uuid"],
            account_id=found["account_id"],
            domain_id=found["domain_id"],
        )
    )


def _disabled(ctx: Context, user_id: int) -> dict[str, Any]:
    set_state(ctx, access.alive(ctx, USER, user_id), "disabled")
    return {"user": ctx.present("user", user_id)[0]}


single("user.disable", _disabled)


def forget(ctx: Context, found: Row) -> None:
    """Takes a user away: keys, sessions, memberships in projects; who did what stays told."""
    identity.end_sessions(ctx, [found["id"]])
    ctx.tx.execute(_LEAVE, user_id=found["id"])
    ctx.tx.execute(_UNLOCK, user_id=found["id"])
    ctx.tx.update(
        user,
        {"id": found["id"]},
        removed=ctx.now,
        api_key=None,
        secret_key=None,
        password=_NOTHING_FITS,
        two_factor_secret=None,
    )


def remove(ctx: Context, found: Row) -> None:
    """Deletes a user. Raises `InvalidValue`, `PermissionDenied`."""
    if found["is_default"]:
        raise InvalidValue(f"user {found['username']} is the cloud's own and stays")
    if found["id"] == ctx.caller.user_id:
        raise InvalidValue("nobody can delete the own user")
    rights.may_change_user(ctx, found)
    forget(ctx, found)
    _tell(
        ctx,
        "USER.DELETE",
        f"user {found['username']} was deleted",
        found["uuid"],
        found["account_id"],
        found["domain_id"],
    )
    rights.keep_a_root_admin(ctx)


def move(ctx: Context, found: Row, account: Row | None, name: str | None) -> None:
    """Makes a user one of another account of the same domain. Raises `InvalidValue`, `PermissionDenied`."""
    if (account is None) == (name is None):
        raise InvalidValue("give either accountid or account")
    rights.may_change_user(ctx, found, "move")
    if found["is_default"] or found["id"] == ctx.caller.user_id:
        raise InvalidValue("neither the own user nor the cloud's own can be moved")
    if account is None:
        account = access.account_of(ctx, access.domain_row(ctx, found["domain_id"]), name)
    if account["domain_id"] != found["domain_id"]:
        raise InvalidValue("a user can be moved within the domain only")
    if account["id"] == found["account_id"]:
        raise InvalidValue(f"user {found['username']} is in account {account['name']} already")
    if account["state"] != "enabled":
        raise InvalidValue(f"account {account['name']} is {account['state']}")
    rights.must_cover_account(ctx, account, f"account {account['name']}")
    identity.end_sessions(ctx, [found["id"]])
    ctx.tx.execute(_LEAVE, user_id=found["id"])
    _changed(ctx, found, "USER.MOVE", f"is in account {account['name']} now", account_id=account["id"])
    rights.keep_a_root_admin(ctx)
