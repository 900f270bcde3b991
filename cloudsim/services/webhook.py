"""Webhooks: who is told of events over HTTP. How they are told is in ``webhook_delivery`` and ``webhook_worker``."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, delete, func, select

from cloudsim.core.caller import ADMIN, DOMAIN_ADMIN
from cloudsim.core.errors import InvalidValue, PermissionDenied
from cloudsim.db import schema
from cloudsim.db.database import Row, WriteTransaction
from cloudsim.db.types import any_of
from cloudsim.outgoing import Failed, Refused
from cloudsim.services import access
from cloudsim.services.context import Cloud, Context
from cloudsim.services.listing import Listing, equals
from cloudsim.services.nouns import ACCOUNT, WEBHOOK

table, deliveries = schema.webhook, schema.webhook_delivery
_target = schema.domain.alias("target")

#: Whose events are told: the owner's; those of a domain and the ones below; all.
LOCAL, DOMAIN, GLOBAL = SCOPES = ("Local", "Domain", "Global")
ENABLED, DISABLED = STATES = ("Enabled", "Disabled")

LISTING = Listing(
    table,
    filters={
        "id": equals(table.c.id, "id"),
        "name": equals(table.c.name, "name"),
        "scope": equals(table.c.scope, "scope"),
        "state": equals(table.c.state, "state"),
    },
    keyword=(table.c.name,),
    owner=(table.c.account_id, table.c.domain_id),
)
_ROWS = (
    select(
        table,
        schema.account.c.name.label("account_name"),
        schema.account.c.project_uuid,
        schema.account.c.project_name,
        _target.c.uuid.label("domain_uuid"),
        _target.c.name.label("domain_name"),
        _target.c.path.label("domain_path"),
    )
    .select_from(
        table.join(schema.account, table.c.account_id == schema.account.c.id).join(
            _target, table.c.target_domain_id == _target.c.id
        )
    )
    .where(any_of(table.c.id, "ids"))
)
_SAME_URL = select(table.c.id).where(
    table.c.account_id == bindparam("account_id"), table.c.payload_url == bindparam("url"), table.c.removed.is_(None)
)
_LAST_EVENT = select(func.max(schema.event.c.id))
_FORGET = delete(deliveries).where(deliveries.c.webhook_id == bindparam("webhook_id"))
_OF_ACCOUNT = select(table).where(table.c.account_id == bindparam("account_id"), table.c.removed.is_(None))
_OF_DOMAIN = select(table).where(table.c.target_domain_id == bindparam("domain_id"), table.c.removed.is_(None))


def rows(ctx: Context, ids: Sequence[int]) -> list[Row]:
    """Webhooks with their owners and the domains they are for."""
    return ctx.tx.all(_ROWS, ids=ids)


def full_url(text: str | None) -> str | None:
    """A payload URL; http where nothing is said."""
    if not text or text.lower().startswith(("http://", "https://")):
        return text
    return f"http://{text}"


async def check_url(cloud: Cloud, text: str | None) -> None:
    """Raises `InvalidValue` for a URL that leads where none may; a name that nobody knows yet may come to be known."""
    url = full_url(text)
    # what is too long or holds control characters is refused when the parameter is read
    if url and len(url) <= 262 and url.isprintable():
        try:
            await cloud.outgoing.check(url)
        except Refused as error:
            raise InvalidValue(f"payloadurl: {error}") from None
        except Failed:
            pass


def may_have(account_type: int, scope: str) -> bool:
    """Whether accounts of a type may know of the events of a scope."""
    return scope == LOCAL or account_type == ADMIN or (scope == DOMAIN and account_type == DOMAIN_ADMIN)


def check_scope(owner: Row, scope: str) -> None:
    """Raises `InvalidValue` where the events of a scope are more than an account may know of."""
    if not may_have(owner["type"], scope):
        raise InvalidValue(f"account {owner['name']} cannot have webhooks of scope {scope}")


def _url(ctx: Context, owner: Row, url: str, own: int | None = None) -> str:
    there = ctx.tx.scalar(_SAME_URL, account_id=owner["id"], url=url)
    if there is not None and there != own:
        raise InvalidValue("the account has a webhook with that payloadurl already")
    return url


def _ssl(url: str, verify: bool) -> bool:
    if verify and not url.lower().startswith("https://"):
        raise InvalidValue("sslverification is for URLs that begin with https://")
    return verify


def owner_for(ctx: Context, domain: Row | None, account: str | None, project: Row | None, scope: str) -> Row:
    """The account a webhook is made for: domainid alone names the domain that one of scope Domain is for."""
    if scope == DOMAIN and account is None and project is None:
        return access.row(ctx, ACCOUNT, ctx.caller.account_id)
    return access.account_of(ctx, domain, account, project)


def create(
    ctx: Context,
    owner: Row,
    *,
    name: str,
    description: str | None,
    url: str,
    scope: str,
    domain: Row | None,
    secret_key: str | None,
    verify: bool,
    state: str,
) -> int:
    """Makes a webhook, which is told of what happens from here on; answers its id.

    Raises `InvalidValue`, `PermissionDenied`.
    """
    if not name.strip():
        raise InvalidValue("a webhook has a name")
    check_scope(owner, scope)
    target = owner["domain_id"]
    if scope == DOMAIN and domain is not None:
        if not (ctx.caller.is_admin or access.within(ctx, domain["id"])):
            raise PermissionDenied(f"domain {domain['name']} is not yours")
        place = access.domain_path(ctx, owner["domain_id"])
        if not access.domain_path(ctx, domain["id"]).startswith(place):
            raise InvalidValue(f"domain {domain['name']} is not below that of account {owner['name']}")
        target = domain["id"]
    return ctx.tx.insert(
        table,
        uuid=ctx.uuid(),
        created=ctx.now,
        removed=None,
        name=name,
        description=description,
        account_id=owner["id"],
        domain_id=owner["domain_id"],
        scope=scope,
        target_domain_id=target,
        payload_url=_url(ctx, owner, url),
        secret_key=ctx.cloud.cipher.seal(secret_key) if secret_key else None,
        ssl_verification=_ssl(url, verify),
        state=state,
        last_event_id=ctx.tx.scalar(_LAST_EVENT) or 0,
        teller=None,
        teller_until=0,
    )


def update(
    ctx: Context,
    found: Row,
    *,
    name: str | None,
    description: str | None,
    url: str | None,
    scope: str | None,
    secret_key: str | None,
    verify: bool | None,
    state: str | None,
) -> None:
    """Changes what is given ("" takes the secret key away). Raises `InvalidValue`, `PermissionDenied`.

    One that is enabled is told of what happens from then on, not of what happened while it was disabled.
    """
    access.must_own(ctx, WEBHOOK, found)
    owner = access.row(ctx, ACCOUNT, found["account_id"])
    if name is not None and not name.strip():
        raise InvalidValue("a webhook has a name")
    values: dict[str, object] = {}
    if scope is not None:
        check_scope(owner, scope)
        values["scope"] = scope
        if scope != DOMAIN:
            values["target_domain_id"] = owner["domain_id"]
    if url is not None:
        values["payload_url"] = _url(ctx, owner, url, found["id"])
    if verify is not None:
        values["ssl_verification"] = verify
    _ssl(url or found["payload_url"], found["ssl_verification"] if verify is None else verify)
    if secret_key is not None:
        values["secret_key"] = ctx.cloud.cipher.seal(secret_key) if secret_key.strip() else None
    if state is not None and state != found["state"]:
        values["state"] = state
        if state == ENABLED:
            values["last_event_id"] = ctx.tx.scalar(_LAST_EVENT) or 0
    given = {"name": name, "description": description}
    values.update((key, text) for key, text in given.items() if text is not None)
    if values:
        ctx.tx.update(table, {"id": found["id"]}, **values)


def remove(ctx: Context, found: Row) -> None:
    """Deletes a webhook with its deliveries. Raises `PermissionDenied`."""
    access.must_own(ctx, WEBHOOK, found)
    _gone(ctx.tx, found, ctx.now)


def _gone(tx: WriteTransaction, found: Row, now: int) -> None:
    tx.execute(_FORGET, webhook_id=found["id"])
    tx.update(table, {"id": found["id"]}, removed=now, secret_key=None)


def account_gone(ctx: Context, account_id: int) -> None:
    """Deletes the webhooks of an account that goes."""
    for row in ctx.tx.all(_OF_ACCOUNT, account_id=account_id):
        _gone(ctx.tx, row, ctx.now)


def domain_gone(ctx: Context, domain_id: int) -> None:
    """Deletes the webhooks that are for a domain that goes."""
    for row in ctx.tx.all(_OF_DOMAIN, domain_id=domain_id):
        _gone(ctx.tx, row, ctx.now)
