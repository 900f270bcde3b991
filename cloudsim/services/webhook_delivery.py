"""What webhooks were told, and the telling of one event: its payload, its headers, its tries."""

from __future__ import annotations

import asyncio
import base64
import hmac
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import bindparam, delete, select

from cloudsim.core.errors import BadParameter, InvalidValue, PermissionDenied
from cloudsim.db import schema
from cloudsim.db.database import Row, WriteTransaction
from cloudsim.db.types import Big, any_of
from cloudsim.outgoing import Limits, OutgoingError
from cloudsim.services import access
from cloudsim.services.context import Cloud, Context
from cloudsim.services.listing import Listing, equals
from cloudsim.services.nouns import WEBHOOK

table, hooks = schema.webhook_delivery, schema.webhook

LISTING = Listing(
    table,
    source=table.join(hooks, table.c.webhook_id == hooks.c.id),
    base=(hooks.c.removed.is_(None),),
    filters={
        "id": equals(table.c.id, "id"),
        "webhook": equals(table.c.webhook_id, "webhook"),
        "server": equals(table.c.server_uuid, "server"),
        "type": equals(table.c.event_type, "type"),
        "since": table.c.started >= bindparam("since", type_=Big),
        "until": table.c.ended <= bindparam("until", type_=Big),
    },
    keyword=(table.c.payload,),
    owner=(hooks.c.account_id, hooks.c.domain_id),
    order=(table.c.id.desc(),),
)
_ROWS = (
    select(table, hooks.c.uuid.label("webhook_uuid"), hooks.c.name.label("webhook_name"))
    .select_from(table.join(hooks, table.c.webhook_id == hooks.c.id))
    .where(any_of(table.c.id, "ids"))
)
_DELETE = delete(table).where(any_of(table.c.id, "ids"))
_SERVER = select(table.c.id).where(table.c.server_uuid == bindparam("server")).limit(1)
_TOO_MANY = (
    select(table.c.id)
    .where(table.c.webhook_id == bindparam("webhook_id"))
    .order_by(table.c.id.desc())
    .limit(10_000)
    .offset(bindparam("most", type_=Big))
)
_ALIVE = select(hooks.c.id).where(hooks.c.removed.is_(None))

#: So many deliveries that somebody asks for are made at a time.
at_once = asyncio.Semaphore(5)
#: The type of the event that a test tells of.
TEST = "TEST.WEBHOOK"
#: Characters of an answer that are kept.
KEPT = 4000


def rows(ctx: Context, ids: Sequence[int]) -> list[Row]:
    """Deliveries with the webhooks they went to."""
    return ctx.tx.all(_ROWS, ids=ids)


# -- telling


@dataclass(frozen=True, slots=True)
class Call:
    """One payload for one URL."""

    url: str
    payload: str
    event_type: str
    event_uuid: str
    account_uuid: str
    secret_key: str | None
    verify: bool
    tries: int
    timeout: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it."""

    headers: str
    success: bool
    response: str
    started: int
    ended: int


def payload_of(event: Row) -> str:
    """An event as receivers read it: JSON; `event` has the uuids of its user, account and project beside its own."""
    moment = time.strftime("%Y-%m-%d %H:%M:%S +0000", time.gmtime(event["created"] // 1000))
    told = {
        "project": event["project_uuid"],
        "user": event["user_uuid"],
        "account": event["account_uuid"],
        "event": event["type"],
        "status": event["state"],
        "entity": event["resource_type"],
        "entityuuid": event["resource_uuid"],
        "description": event["description"],
        "eventDateTime": moment,
    }
    return orjson.dumps({name: value for name, value in told.items() if value is not None}).decode()


def signature(payload: str, secret_key: str) -> str:
    """HMAC-SHA256 of a payload in Base64: what the header X-CS-Signature holds."""
    return base64.b64encode(hmac.digest(secret_key.encode(), payload.encode(), "sha256")).decode()


def _is_json(text: str) -> bool:
    try:
        return isinstance(orjson.loads(text), dict | list)
    except orjson.JSONDecodeError:
        return False


def headers_of(call: Call) -> dict[str, str]:
    """The headers of a delivery."""
    made = {
        "X-CS-Event-ID": call.event_uuid,
        "X-CS-Event": call.event_type,
        "User-Agent": f"CS-Hookshot/{call.account_uuid}",
        "Content-Type": ("application/json" if _is_json(call.payload) else "text/plain") + "; charset=UTF-8",
    }
    if call.secret_key:
        made["X-CS-Signature"] = signature(call.payload, call.secret_key)
    return made


def limits_of(cloud: Cloud, domain_id: int) -> tuple[int, float]:
    """Tries and seconds for each, by the settings of the domain of a webhook."""
    place = ("Domain", domain_id)
    tries = cloud.settings.number("webhook.delivery.tries", place)
    return max(1, min(tries, 20)), max(1, min(cloud.settings.number("webhook.delivery.timeout", place), 300))


async def tell(cloud: Cloud, call: Call) -> Outcome:
    """Sends a payload, and again where it does not arrive; never raises for what the other side does."""
    headers = headers_of(call)
    limits = Limits(
        connect=call.timeout, header=call.timeout, idle=call.timeout, total=call.timeout, size=KEPT * 4, redirects=0
    )
    success, text, started = False, "", cloud.clock.now()
    for number in range(call.tries):
        if number:
            await cloud.clock.sleep(min(0.25 * 2**number, 5.0))
        started = cloud.clock.now()
        try:
            async with cloud.outgoing.request(
                "POST", call.url, headers=headers, data=call.payload.encode(), verify=call.verify, limits=limits
            ) as response:
                success = 200 <= response.status < 300
                body = (await response.start(KEPT * 4)).decode("utf-8", "replace")
                text = body if success else f"HTTP status {response.status}: {body}"
        except OutgoingError as error:
            success, text = False, f"failed: {error}"
        if success:
            break
    shown = "\n".join(f"{name}: {value}" for name, value in headers.items())
    # PostgreSQL keeps no NUL in a text
    return Outcome(shown, success, text[:KEPT].replace("\x00", "\ufffd"), started, cloud.clock.now())


def record(tx: WriteTransaction, cloud: Cloud, uuid: str, webhook_id: int, call: Call, outcome: Outcome) -> int:
    """Writes a delivery down; answers its id."""
    return tx.insert(
        table,
        uuid=uuid,
        webhook_id=webhook_id,
        event_uuid=call.event_uuid or None,
        event_type=call.event_type,
        server_uuid=cloud.server_uuid,
        headers=outcome.headers,
        payload=call.payload,
        success=outcome.success,
        response=outcome.response,
        started=outcome.started,
        ended=outcome.ended,
    )


def prune(tx: WriteTransaction, webhook_id: int, most: int) -> None:
    """Keeps the newest `most` deliveries of a webhook."""
    ids = [row["id"] for row in tx.all(_TOO_MANY, webhook_id=webhook_id, most=max(0, most))]
    if ids:
        tx.execute(_DELETE, ids=ids)


def prune_all(ctx: Context) -> None:
    """Keeps what the setting ``webhook.deliveries.limit`` says of each webhook."""
    most = ctx.settings.number("webhook.deliveries.limit")
    for row in ctx.tx.all(_ALIVE):
        prune(ctx.tx, row["id"], most)


# -- what the API asks for


def conditions(
    ctx: Context, delivery: Row | None, hook: Row | None, server: str | None, since: int | None, until: int | None
) -> dict[str, Any]:
    """The conditions of a list of deliveries. Raises `InvalidValue`, `BadParameter`, `PermissionDenied`."""
    if since is not None and until is not None and until < since:
        raise InvalidValue("enddate is before startdate")
    if server is not None:
        if not ctx.caller.is_admin:
            raise PermissionDenied("managementserverid is for root admins")
        if server != ctx.cloud.server_uuid and ctx.tx.scalar(_SERVER, server=server) is None:
            raise BadParameter(f"there is no management server with id {server}")
    return {
        "id": delivery["id"] if delivery else None,
        "webhook": hook["id"] if hook else None,
        "server": server,
        "since": since,
        "until": until,
    }


def remove(ctx: Context, given: dict[str, Any]) -> int:
    """Deletes the deliveries that fit; answers how many. Raises `InvalidValue` where nothing says which."""
    if all(value is None for value in given.values()):
        raise InvalidValue("say which deliveries: id, webhookid, managementserverid, startdate or enddate")
    ids = LISTING.ids(ctx, given, access.scope(ctx, listall=True, by_id=True))
    for start in range(0, len(ids), 5000):
        ctx.tx.execute(_DELETE, ids=ids[start : start + 5000])
    return len(ids)


@dataclass(frozen=True, slots=True)
class Test:
    """A delivery that somebody asks for."""

    call: Call
    #: The webhook it is for, and whether it is written down (because it tells of an event once more).
    webhook: Row | None
    kept: bool


def test(
    ctx: Context,
    *,
    delivery: Row | None,
    hook: Row | None,
    url: str | None,
    payload: str | None,
    secret_key: str | None,
    verify: bool | None,
) -> Test:
    """What is to be sent: a delivery once more, something to a webhook, or something to a URL.

    Raises `InvalidValue`, `PermissionDenied`.
    """
    if delivery is None and hook is None and not url:
        raise InvalidValue("give id, webhookid or payloadurl")
    caller = ctx.caller
    changed = hook is not None or delivery is None
    if hook is None and delivery is not None:
        hook = access.row(ctx, WEBHOOK, delivery["webhook_id"])
    stored: str | None = None
    if hook is not None:
        access.must_own(ctx, WEBHOOK, hook)
        # the secret of a webhook goes to the webhook's own place only
        elsewhere = changed and url is not None and url != hook["payload_url"]
        if hook["secret_key"] and not elsewhere:
            stored = ctx.cloud.cipher.open(hook["secret_key"])
    tries, timeout = limits_of(ctx.cloud, hook["target_domain_id"] if hook else caller.domain_id)
    target = (url if changed and url else None) or (hook["payload_url"] if hook else url) or ""
    text = delivery["payload"] if delivery is not None else payload or '{"message": "a test of this webhook"}'
    call = Call(
        url=target,
        payload=text,
        event_type=delivery["event_type"] if delivery else TEST,
        event_uuid=(delivery["event_uuid"] or "") if delivery else "",
        account_uuid=caller.account_uuid,
        secret_key=(secret_key if changed and secret_key else None) or stored,
        verify=bool(verify if changed and verify is not None else hook["ssl_verification"] if hook else False),
        tries=tries,
        timeout=timeout,
    )
    return Test(call, hook, delivery is not None)


def tested(ctx: Context, given: Test, outcome: Outcome) -> tuple[int | None, Row]:
    """Writes down a delivery that told of an event once more; answers its id, None for a mere test, and what it was."""
    call, hook = given.call, given.webhook
    if given.kept and hook is not None:
        hook = access.alive(ctx, WEBHOOK, hook["id"])
        made = record(ctx.tx, ctx.cloud, ctx.uuid(), hook["id"], call, outcome)
        prune(ctx.tx, hook["id"], max(1, ctx.settings.number("webhook.deliveries.limit")))
        return made, {}
    return None, {
        "uuid": ctx.uuid(),
        "event_uuid": call.event_uuid or None,
        "event_type": call.event_type,
        "server_uuid": ctx.cloud.server_uuid,
        "headers": outcome.headers,
        "payload": call.payload,
        "success": outcome.success,
        "response": outcome.response,
        "started": outcome.started,
        "ended": outcome.ended,
        "webhook_uuid": hook["uuid"] if hook else None,
        "webhook_name": hook["name"] if hook else None,
    }
