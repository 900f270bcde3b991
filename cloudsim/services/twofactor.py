"""The second factor of a login: a code of the time (TOTP, RFC 6238), or a fixed PIN."""

from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor import InvalidToken
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from cloudsim.core.errors import InvalidValue, SecondFactorMissing
from cloudsim.core.ids import secret_bytes, secret_pin
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.services import access, identity, rights
from cloudsim.services.context import Context
from cloudsim.services.nouns import USER

#: Seconds a code holds, its digits, and how many codes before and after the present one are taken (clocks differ).
STEP, DIGITS, DRIFT = 30, 6, 1


@dataclass(frozen=True, slots=True)
class Provider:
    """A kind of second factor."""

    name: str
    description: str


PROVIDERS = (
    Provider("totp", "Codes of an authenticator application, new every 30 seconds"),
    Provider("staticpin", "A PIN that stays the same"),
)


def providers(ctx: Context, name: str | None) -> list[Provider]:
    """What can be set up here (setting ``user.2fa.providers.exclude``)."""
    without = {text.strip().lower() for text in ctx.settings.text("user.2fa.providers.exclude").split(",")}
    return [one for one in PROVIDERS if one.name not in without and (name is None or one.name == name.lower())]


def setup(ctx: Context, user: Row | None, *, enable: bool, provider: str | None) -> tuple[Row, str | None]:
    """Sets up the caller's second factor, or takes one away; answers the user and the new secret, told this once.

    It holds from the first right code on. Raises `InvalidValue`, `PermissionDenied`, `SecondFactorMissing`.
    """
    caller = ctx.caller
    found = user if user is not None else access.row(ctx, USER, caller.user_id)
    if enable:
        return found, _enable(ctx, found, provider)
    who = identity.who(ctx.tx, caller.user_id) if ctx.session is not None else None
    if who is not None and identity.lacks_code(ctx, who):
        raise SecondFactorMissing("give the code of your second factor before you take one away")
    if found["id"] != caller.user_id:
        if who is not None and identity.asks_second_factor(ctx.settings, who) == "setup":
            raise SecondFactorMissing("set up your own second factor before you take away another one")
        rights.may_change_user(ctx, found)
    ctx.tx.update(
        schema.user,
        {"id": found["id"]},
        two_factor=None,
        two_factor_secret=None,
        two_factor_verified=False,
        two_factor_step=0,
    )
    _tell(ctx, found, "has no second factor any more")
    return found, None


def _enable(ctx: Context, found: Row, provider: str | None) -> str:
    if found["id"] != ctx.caller.user_id:
        raise InvalidValue("everybody sets up the own second factor")
    place = ("Domain", found["domain_id"])
    if not ctx.settings.flag("enable.user.2fa", place):
        raise InvalidValue("second factors are switched off (setting enable.user.2fa)")
    if found["two_factor_verified"]:
        raise InvalidValue("a second factor is set up already: take it away first")
    name = (provider or ctx.settings.text("user.2fa.default.provider", place) or "totp").lower()
    if not providers(ctx, name):
        raise InvalidValue(f"provider takes {', '.join(one.name for one in providers(ctx, None))}, not '{name[:64]}'")
    code = base64.b32encode(secret_bytes(20)).decode() if name == "totp" else secret_pin(DIGITS)
    ctx.tx.update(
        schema.user,
        {"id": found["id"]},
        two_factor=name,
        two_factor_secret=ctx.cloud.cipher.seal(code),
        two_factor_verified=False,
        two_factor_step=0,
    )
    _tell(ctx, found, f"sets up a second factor ({name})")
    return code


def _tell(ctx: Context, found: Row, text: str) -> None:
    ctx.event(
        "USER.UPDATE",
        f"user {found['username']} {text}",
        resource=("User", found["uuid"]),
        account_id=found["account_id"],
        domain_id=found["domain_id"],
    )


def right_step(ctx: Context, found: Row, code: str) -> int | None:
    """The step of time that a code belongs to (0 for a PIN); None where it is wrong, or was taken before."""
    secret = ctx.cloud.cipher.open(found["two_factor_secret"])
    if found["two_factor"] != "totp":
        return 0 if hmac.compare_digest(secret.encode(), code.encode()) else None
    if len(code) != DIGITS or not code.isascii() or not code.isdigit():
        return None
    # SHA-1 is what authenticator applications know; TOTP does not need more of it
    totp = TOTP(base64.b32decode(secret), DIGITS, SHA1(), STEP, enforce_key_length=False)  # noqa: S303
    now = ctx.now // 1000 // STEP
    # a code counts once: who looked over a shoulder comes too late
    for step in range(max(now - DRIFT, found["two_factor_step"] + 1), now + DRIFT + 1):
        try:
            totp.verify(code.encode(), step * STEP)
        except InvalidToken:
            continue
        return step
    return None


def validate(ctx: Context, code: str) -> bool:
    """Takes the caller's code: the session may do everything from here on. False where it is wrong, which is counted."""
    found = access.row(ctx, USER, ctx.caller.user_id)
    if found["two_factor"] is None:
        raise InvalidValue("no second factor is set up")
    step = right_step(ctx, found, code)
    if step is None:
        who = identity.who(ctx.tx, found["id"])
        if who is not None:
            identity.count_failure(ctx, who)
        return False
    if not found["two_factor_verified"] or step:
        ctx.tx.update(schema.user, {"id": found["id"]}, two_factor_verified=True, two_factor_step=step)
    identity.verified(ctx, ctx.session)
    return True
