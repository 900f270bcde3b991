"""Who a key, a session or a password belongs to."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, or_, select

from cloudsim.core.caller import ADMIN, Caller, Membership
from cloudsim.core.errors import LoginFailed
from cloudsim.core.ids import secret
from cloudsim.core.settings import Settings
from cloudsim.db.database import Row, Transaction, WriteTransaction
from cloudsim.db.schema import (
    account,
    console_session,
    domain,
    login_failure,
    project,
    project_account,
    project_role_permission,
    role,
    role_permission,
    session,
    user,
)
from cloudsim.db.types import any_of
from cloudsim.services import passwords
from cloudsim.services.context import Cloud, Context

_WHO = (
    select(
        user.c.id.label("user_id"),
        user.c.uuid.label("user_uuid"),
        user.c.username,
        user.c.password,
        user.c.firstname,
        user.c.lastname,
        user.c.timezone,
        user.c.state.label("user_state"),
        user.c.secret_key,
        user.c.api_key,
        user.c.api_key_access.label("user_access"),
        user.c.two_factor,
        user.c.two_factor_secret,
        user.c.two_factor_verified,
        user.c.two_factor_mandated,
        account.c.api_key_access.label("account_access"),
        account.c.id.label("account_id"),
        account.c.uuid.label("account_uuid"),
        account.c.name.label("account_name"),
        account.c.type.label("account_type"),
        account.c.state.label("account_state"),
        account.c.role_id,
        domain.c.id.label("domain_id"),
        domain.c.uuid.label("domain_uuid"),
        domain.c.path.label("domain_path"),
        domain.c.state.label("domain_state"),
    )
    .select_from(user.join(account, user.c.account_id == account.c.id).join(domain, account.c.domain_id == domain.c.id))
    .where(user.c.removed.is_(None), account.c.removed.is_(None), domain.c.removed.is_(None))
)
_BY_KEY = _WHO.where(user.c.api_key == bindparam("api_key"))
_BY_ID = _WHO.where(user.c.id == bindparam("user_id"))
_BY_NAME = _WHO.where(user.c.username == bindparam("username"), user.c.domain_id == bindparam("domain_id"))
_DOMAIN_BY_PATH = select(domain.c.id).where(domain.c.path == bindparam("path"), domain.c.removed.is_(None))
_DOMAIN_BY_UUID = select(domain.c.id).where(domain.c.uuid == bindparam("uuid"), domain.c.removed.is_(None))
_RULES = (
    select(role_permission.c.rule, role_permission.c.permission)
    .select_from(role_permission.join(role, role_permission.c.role_id == role.c.id))
    .where(role_permission.c.role_id == bindparam("role_id"), role.c.state == "enabled")
    .order_by(role_permission.c.sort_order, role_permission.c.id)
)
_RULES_OF_ANY = (
    select(role_permission.c.rule, role_permission.c.permission)
    .where(role_permission.c.role_id == bindparam("role_id"))
    .order_by(role_permission.c.sort_order, role_permission.c.id)
)
_SESSION = select(session).where(session.c.digest == bindparam("digest"))

_PROJECTS = (
    select(
        project.c.id.label("project_id"),
        project.c.account_id.label("owner_id"),
        project_account.c.user_id,
        project_account.c.role,
        project_account.c.project_role_id,
    )
    .select_from(project_account.join(project, project_account.c.project_id == project.c.id))
    .where(
        project_account.c.account_id == bindparam("account_id"),
        or_(project_account.c.user_id.is_(None), project_account.c.user_id == bindparam("user_id")),
        project.c.removed.is_(None),
    )
    .order_by(project_account.c.id)
)
_PROJECT_RULES = (
    select(project_role_permission.c.rule, project_role_permission.c.permission)
    .where(
        project_role_permission.c.project_role_id == bindparam("role_id"), project_role_permission.c.removed.is_(None)
    )
    .order_by(project_role_permission.c.sort_order, project_role_permission.c.id)
)

#: Tables whose changes may change who somebody is.
TABLES = (
    "user",
    "account",
    "domain",
    "role",
    "role_permission",
    "session",
    "project",
    "project_account",
    "project_role",
    "project_role_permission",
)

#: Seconds a session lives without a request: what the reference tells at login.
SESSION_SECONDS = 1800


@dataclass(frozen=True, slots=True)
class Identity:
    """A user who may call, with the secret that signs the calls."""

    caller: Caller
    secret_key: str
    row: Row


@dataclass(frozen=True, slots=True)
class Session:
    """A login that has not ended."""

    caller: Caller
    session_key: str
    used: int
    #: Why it may not do everything yet: ``verify`` (a code is missing), ``setup`` (a factor must be set up), or nothing.
    lacks: str = ""


def rules_of(tx: Transaction, role_id: int | None, *, disabled: bool = False) -> tuple[tuple[str, bool], ...]:
    """A role's rules in their order; a disabled role has none, unless `disabled` asks for what it would have."""
    if role_id is None:
        return ()
    rows = tx.all(_RULES_OF_ANY if disabled else _RULES, role_id=role_id)
    return tuple((row["rule"], row["permission"].lower() == "allow") for row in rows)


def _memberships(tx: Transaction, user_id: int, account_id: int) -> tuple[Membership, ...]:
    found: dict[int, Membership] = {}
    for row in tx.all(_PROJECTS, user_id=user_id, account_id=account_id):
        rules = None
        if row["project_role_id"] is not None:
            rules = tuple(
                (rule["rule"], rule["permission"] == "allow")
                for rule in tx.all(_PROJECT_RULES, role_id=row["project_role_id"])
            )
        part = Membership(row["project_id"], row["owner_id"], row["role"] == "Admin", rules)
        # a user's own part counts before that of the whole account
        if row["user_id"] is not None or part.project_id not in found:
            found[part.project_id] = part
    return tuple(found.values())


def _caller(tx: Transaction, row: Row) -> Caller:
    return Caller(
        user_id=row["user_id"],
        user_uuid=row["user_uuid"],
        username=row["username"],
        account_id=row["account_id"],
        account_uuid=row["account_uuid"],
        account_name=row["account_name"],
        account_type=row["account_type"],
        domain_id=row["domain_id"],
        domain_uuid=row["domain_uuid"],
        domain_path=row["domain_path"],
        role_id=row["role_id"],
        rules=rules_of(tx, row["role_id"]),
        projects=_memberships(tx, row["user_id"], row["account_id"]),
    )


def _enabled(row: Row) -> bool:
    states = (row["user_state"], row["account_state"], row["domain_state"])
    return states == ("enabled", "enabled", "Active")


def _keys_allowed(settings: Settings, row: Row) -> bool:
    """Whether a user may sign with keys: as the user has it, else the account, else the domain or the cloud."""
    said = row["user_access"] or row["account_access"]
    if said is not None:
        return bool(said == "Enabled")
    return settings.flag("api.key.access", ("Domain", row["domain_id"]))


def by_api_key(tx: Transaction, api_key: str, cloud: Cloud) -> Identity | None:
    """Who signs with this key; None for an unknown key and for whoever is disabled."""
    row = tx.first(_BY_KEY, api_key=api_key)
    if row is None or not _enabled(row) or not row["secret_key"] or not _keys_allowed(cloud.settings, row):
        return None
    return Identity(_caller(tx, row), cloud.cipher.open(row["secret_key"]), row)


def by_user_id(tx: Transaction, user_id: int) -> Caller | None:
    """A user by row id, whatever the state: jobs go on when their user is disabled."""
    row = tx.first(_BY_ID, user_id=user_id)
    return None if row is None else _caller(tx, row)


def digest(cookie: str) -> str:
    """How a session's cookie is stored."""
    return hashlib.sha256(cookie.encode()).hexdigest()


def asks_second_factor(settings: Settings, row: Row) -> str:
    """What a login with the right password still lacks: ``verify``, ``setup`` or nothing."""
    place = ("Domain", row["domain_id"])
    if not settings.flag("enable.user.2fa", place):
        return ""
    if row["two_factor"] is not None and row["two_factor_verified"]:
        return "verify"
    return "setup" if row["two_factor_mandated"] or settings.flag("mandate.user.2fa", place) else ""


def by_cookie(tx: Transaction, cookie: str, now: int, settings: Settings) -> Session | None:
    """The session a cookie stands for, where it has not run out."""
    row = tx.first(_SESSION, digest=digest(cookie))
    if row is None or row["used"] + SESSION_SECONDS * 1000 < now:
        return None
    who = tx.first(_BY_ID, user_id=row["user_id"])
    if who is None or not _enabled(who):
        return None
    lacks = asks_second_factor(settings, who)
    if lacks == "verify" and row["verified"]:
        lacks = ""
    return Session(_caller(tx, who), row["session_key"], row["used"], lacks)


def candidate(tx: Transaction, username: str, path: str | None, domain_uuid: str | None) -> Row | None:
    """The row of who wants to log in, if there is one; the password is checked outside the transaction (it takes long)."""
    if domain_uuid:
        domain_id = tx.scalar(_DOMAIN_BY_UUID, uuid=domain_uuid)
    else:
        trimmed = (path or "").strip("/")
        domain_id = tx.scalar(_DOMAIN_BY_PATH, path=f"/{trimmed}/" if trimmed else "/")
    if domain_id is None:
        return None
    row = tx.first(_BY_NAME, username=username, domain_id=domain_id)
    return row if row is not None and _enabled(row) else None


async def login(
    cloud: Cloud, username: str, password: str, path: str | None, domain_uuid: str | None
) -> tuple[dict[str, Any], str, str]:
    """Checks a password and opens a session; answers the login response, the cookie and the session key.

    Raises `LoginFailed`, with one text for every reason and after the same time. Users (not root admins) who fail too
    often in a row are disabled (setting ``incorrect.login.attempts.allowed``).
    """
    row = await cloud.db.read(candidate, username, path, domain_uuid)
    right = await passwords.matches(row["password"] if row else None, password)
    if row is None:
        raise LoginFailed(_WRONG)
    if not right:
        await cloud.db.write(lambda tx: count_failure(cloud.context(tx, _caller(tx, row)), row))
        raise LoginFailed(_WRONG)
    cookie, session_key = secret(43), secret(27)
    now = cloud.clock.now()
    lacks = asks_second_factor(cloud.settings, row)

    def store(tx: WriteTransaction) -> None:
        tx.insert(
            session,
            digest=digest(cookie),
            user_id=row["user_id"],
            session_key=session_key,
            created=now,
            used=now,
            verified=lacks != "verify",
        )
        ctx = cloud.context(tx, _caller(tx, row))
        if lacks != "verify":
            ctx.tx.execute(_FORGIVE, user_id=row["user_id"])
        ctx.event("USER.LOGIN", f"user {row['username']} logged in", resource=("User", row["user_uuid"]))

    await cloud.db.write(store)
    body = {
        "username": row["username"],
        "userid": row["user_uuid"],
        "domainid": row["domain_uuid"],
        "timeout": SESSION_SECONDS,
        "account": row["account_name"],
        "firstname": row["firstname"],
        "lastname": row["lastname"],
        "type": str(row["account_type"]),
        "timezone": row["timezone"] or "UTC",
        "timezoneoffset": "0.0",
        "registered": "false",
        "sessionkey": session_key,
        "is2faenabled": "true" if lacks else "false",
        "is2faverified": "false" if lacks else "true",
        "issuerfor2fa": cloud.settings.text("user.2fa.issuer", ("Domain", row["domain_id"])) or "CloudStack",
    }
    if lacks:
        body["providerfor2fa"] = row["two_factor"] or ""
    return body, cookie, session_key


_WRONG = "the user name, the password or the domain is wrong"


def count_failure(ctx: Context, row: Row) -> None:
    """Notes a wrong password or code; the user is disabled where there were too many in a row."""
    user_id, most = row["user_id"], ctx.settings.number("incorrect.login.attempts.allowed")
    failures = 1 + int(ctx.tx.scalar(_FAILURES, user_id=user_id) or 0)
    if not ctx.tx.update(login_failure, {"user_id": user_id}, count=failures, last=ctx.now):
        ctx.tx.insert(login_failure, user_id=user_id, count=failures, last=ctx.now)
    if 0 < most <= failures and row["account_type"] != ADMIN and row["user_state"] == "enabled":
        ctx.tx.update(user, {"id": user_id}, state="disabled")
        ctx.tx.execute(_END_ALL, user_ids=[user_id])
        ctx.event(
            "USER.DISABLE",
            f"user {row['username']} failed to log in {failures} times and is disabled",
            level="WARN",
            resource=("User", row["user_uuid"]),
        )


_FAILURES = select(login_failure.c.count).where(login_failure.c.user_id == bindparam("user_id"))
_FORGIVE = login_failure.delete().where(login_failure.c.user_id == bindparam("user_id"))


def who(tx: Transaction, user_id: int) -> Row | None:
    """All that is known of a user who may call."""
    return tx.first(_BY_ID, user_id=user_id)


def lacks_code(ctx: Context, row: Row) -> bool:
    """Whether the caller's session still lacks the code of the second factor."""
    if ctx.session is None or asks_second_factor(ctx.settings, row) != "verify":
        return False
    found = ctx.tx.first(_SESSION, digest=ctx.session)
    return found is None or not found["verified"]


def verified(ctx: Context, session_digest: str | None) -> None:
    """Notes that the second factor of the caller was right, in this session."""
    ctx.tx.execute(_FORGIVE, user_id=ctx.caller.user_id)
    if session_digest is not None:
        ctx.tx.update(session, {"digest": session_digest}, verified=True)


_TOUCH = session.update().where(session.c.digest == bindparam("which")).values(used=bindparam("at"))
_END = session.delete().where(session.c.digest == bindparam("which"))
_END_ALL = session.delete().where(any_of(session.c.user_id, "user_ids"))
_OLD = session.delete().where(session.c.used < bindparam("before"))


#: What was asked for with a login ends with it.
_CONSOLES = console_session.update().where(console_session.c.removed.is_(None))
_CONSOLES = _CONSOLES.values(removed=bindparam("at", type_=console_session.c.removed.type))
_END_CONSOLES = _CONSOLES.where(console_session.c.login == bindparam("which"))
_END_ALL_CONSOLES = _CONSOLES.where(any_of(console_session.c.user_id, "user_ids"), console_session.c.login.is_not(None))
_END_OTHER_CONSOLES = _CONSOLES.where(
    console_session.c.user_id == bindparam("user"), console_session.c.login != bindparam("kept")
)
_END_OTHERS = session.delete().where(session.c.user_id == bindparam("user"), session.c.digest != bindparam("kept"))


def end_sessions(ctx: Context, user_ids: Sequence[int]) -> None:
    """Ends all sessions of users, everywhere."""
    ctx.tx.execute(_END_ALL, user_ids=list(user_ids))
    ctx.tx.execute(_END_ALL_CONSOLES, user_ids=list(user_ids), at=ctx.now)


def end_other_sessions(ctx: Context) -> None:
    """Ends the sessions of the caller but the one that the request came with."""
    ctx.tx.execute(_END_OTHERS, user=ctx.caller.user_id, kept=ctx.session or "")
    ctx.tx.execute(_END_OTHER_CONSOLES, user=ctx.caller.user_id, kept=ctx.session or "", at=ctx.now)


async def touch(cloud: Cloud, cookie: str) -> None:
    """Notes that a session is in use."""
    now = cloud.clock.now()
    await cloud.db.write(lambda tx: tx.execute(_TOUCH, which=digest(cookie), at=now))


async def logout(cloud: Cloud, cookie: str) -> None:
    """Ends a session, and whatever sessions have run out."""
    before = cloud.clock.now() - SESSION_SECONDS * 1000

    def end(tx: WriteTransaction) -> None:
        row = tx.first(_SESSION, digest=digest(cookie))
        caller = by_user_id(tx, row["user_id"]) if row is not None else None
        if caller is not None:
            text = f"user {caller.username} logged out"
            cloud.context(tx, caller).event("USER.LOGOUT", text, resource=("User", caller.user_uuid))
        tx.execute(_END, which=digest(cookie))
        tx.execute(_END_CONSOLES, which=digest(cookie), at=cloud.clock.now())
        tx.execute(_OLD, before=before)

    await cloud.db.write(end)
