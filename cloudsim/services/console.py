"""Consoles: who may look at the screen of a machine, once, and for how long.

`create` answers a URL with a token: an unguessable text of which only the hash is stored, bound to the user, to the login
it was asked for with, and to the machine. The first connection that brings it takes the session (`acquire`, one
statement that changes one row or none, so that of two that come at once one is refused). From then on the session lives
until its connection ends, or until `ended` finds that it must: the user or the account was disabled, the user logged out,
or the machine does not run there any more.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from sqlalchemy import and_, bindparam, or_, select

from cloudsim.agents.base import HostAddress
from cloudsim.core.errors import PermissionDenied
from cloudsim.core.ids import is_uuid, secret
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import Big, any_of
from cloudsim.services import access, identity, management_server
from cloudsim.services.context import Context
from cloudsim.services.listing import Listing, Page, equals
from cloudsim.services.nouns import CLOUD_MACHINE, CONSOLE_SESSION, DOMAIN, VIRTUAL_MACHINE
from cloudsim.services.vm_plain import address_of, host_address

table, vm, host, user = schema.console_session, schema.vm, schema.host, schema.user

#: Where the page is, and where it connects to, as the reference has them.
PAGE = "/resource/noVNC/vnc.html"
SOCKET = "websockify"
#: The command whose right is needed.
COMMAND = "createConsoleEndpoint"
#: States of a machine in which it has a screen.
ALIVE = ("Running", "Migrating")
HOUR = 3_600_000

LISTING = Listing(
    table,
    filters={
        "id": equals(table.c.id, "id"),
        "account": equals(table.c.account_id, "account"),
        "user": equals(table.c.user_id, "user"),
        "mine": equals(table.c.user_id, "mine"),
        "host": equals(table.c.host_id, "host"),
        "vm": equals(table.c.vm_id, "vm"),
        "creator": equals(table.c.creator_address, "creator"),
        "client": equals(table.c.client_address, "client"),
        "since": table.c.created >= bindparam("since", type_=Big),
        "until": table.c.created <= bindparam("until", type_=Big),
        "active": table.c.removed.is_(None),
        "acquired": table.c.acquired.is_not(None),
        "unacquired": table.c.acquired.is_(None),
    },
    source=table.join(vm, table.c.vm_id == vm.c.id),
    keyword=(vm.c.display_name, vm.c.name),
    # those that have ended are listed as well
    base=(or_(table.c.removed.is_(None), table.c.removed.is_not(None)),),
    order=(table.c.created.desc(), table.c.id.desc()),
    owner=(table.c.account_id, table.c.domain_id),
)
_ROWS = (
    select(
        table,
        user.c.uuid.label("user_uuid"),
        user.c.username,
        schema.account.c.uuid.label("account_uuid"),
        schema.account.c.name.label("account_name"),
        schema.domain.c.uuid.label("domain_uuid"),
        schema.domain.c.name.label("domain_name"),
        schema.domain.c.path.label("domain_path"),
        vm.c.uuid.label("vm_uuid"),
        vm.c.name.label("vm_name"),
        vm.c.display_name.label("vm_display_name"),
        host.c.uuid.label("host_uuid"),
        host.c.name.label("host_name"),
    )
    .select_from(
        table.join(user, table.c.user_id == user.c.id)
        .join(schema.account, table.c.account_id == schema.account.c.id)
        .join(schema.domain, table.c.domain_id == schema.domain.c.id)
        .join(vm, table.c.vm_id == vm.c.id)
        .outerjoin(host, table.c.host_id == host.c.id)
    )
    .where(any_of(table.c.id, "ids"))
)
#: Sessions with all that decides whether they may go on.
_LIVE = select(
    table,
    user.c.state.label("user_state"),
    user.c.removed.label("user_removed"),
    schema.account.c.state.label("account_state"),
    schema.account.c.removed.label("account_removed"),
    schema.domain.c.state.label("domain_state"),
    schema.session.c.digest.label("login_alive"),
    vm.c.uuid.label("vm_uuid"),
    vm.c.name.label("vm_name"),
    vm.c.instance_name,
    vm.c.state.label("vm_state"),
    vm.c.host_id.label("vm_host_id"),
    vm.c.removed.label("vm_removed"),
    vm.c.type.label("vm_type"),
    vm.c.account_id.label("vm_account_id"),
    vm.c.domain_id.label("vm_domain_id"),
).select_from(
    table.join(user, table.c.user_id == user.c.id)
    .join(schema.account, table.c.account_id == schema.account.c.id)
    .join(schema.domain, table.c.domain_id == schema.domain.c.id)
    .join(vm, table.c.vm_id == vm.c.id)
    .outerjoin(schema.session, table.c.login == schema.session.c.digest)
)
_BY_UUID = select(table).where(table.c.uuid == bindparam("uuid"))
_BY_DIGEST = _LIVE.where(table.c.digest == bindparam("digest"))
_BY_IDS = _LIVE.where(any_of(table.c.id, "ids"))
_ACQUIRE = (
    table.update()
    .where(table.c.id == bindparam("which"), table.c.acquired.is_(None), table.c.removed.is_(None))
    .values(
        acquired=bindparam("at", type_=Big),
        client_address=bindparam("client"),
        server_uuid=bindparam("server"),
    )
)
_END = (
    table.update()
    .where(any_of(table.c.id, "ids"), table.c.removed.is_(None))
    .values(removed=bindparam("at", type_=Big))
)
_OF_SERVER = table.update().where(table.c.removed.is_(None), table.c.server_uuid == bindparam("server"))
_OF_SERVER = _OF_SERVER.values(removed=bindparam("at", type_=Big))
_OVERDUE = (
    table.update()
    .where(table.c.removed.is_(None), table.c.acquired.is_(None), table.c.expires <= bindparam("now", type_=Big))
    .values(removed=table.c.expires)
)
_SERVED = select(table.c.server_uuid).distinct().where(and_(table.c.removed.is_(None), table.c.acquired.is_not(None)))
_FORGET = table.delete().where(table.c.removed <= bindparam("before", type_=Big))

#: What whoever brings a token is told, whatever is wrong with it: it says nothing about the machine.
REFUSED = "this console link has been used, has expired, or is not yours; ask for another one"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the console of a machine is to be had."""

    url: str
    token: str
    host: str
    port: str
    path: str
    extra: str | None


@dataclass(frozen=True, slots=True)
class Grant:
    """A session that a connection has taken: the screen of which machine it may show."""

    id: int
    uuid: str
    host: HostAddress
    machine: str
    name: str


class Unavailable(Exception):
    """There is no console to be had now; the text says why."""


# ---- asking for one


def create(ctx: Context, uuid: str, extra: str | None) -> Endpoint:
    """Makes a session for the console of a machine. Raises `Unavailable`; `BadParameter` for an id that names nothing.

    Machines of others, the cloud's own (for all but root admins) and ids that name nothing are refused alike.
    """
    machine = _machine(ctx, uuid)
    if machine["state"] not in ALIVE or machine["host_id"] is None:
        raise Unavailable(f"the machine must run for its console to be shown; it is {machine['state']}")
    token = secret(64)
    settings = ctx.settings
    ctx.tx.insert(
        table,
        uuid=ctx.uuid(),
        created=ctx.now,
        removed=None,
        user_id=ctx.caller.user_id,
        account_id=ctx.caller.account_id,
        domain_id=ctx.caller.domain_id,
        vm_id=machine["id"],
        host_id=machine["host_id"],
        digest=digest(token),
        extra=digest(extra) if extra else None,
        expires=ctx.now + max(1000, settings.number("consoleproxy.session.timeout")),
        login=ctx.session,
        creator_address=ctx.remote or None,
        acquired=None,
        client_address=None,
        server_uuid=None,
    )
    base = _base(ctx)
    parts = urlsplit(base)
    port = str(parts.port or (443 if parts.scheme == "https" else 80))
    query = {
        "autoconnect": "true",
        "show_dot": str(settings.flag("novnc.console.show.dot")).lower(),
        "port": port,
        "token": token,
        **({"extra": extra} if extra else {}),
    }
    url = f"{base}{PAGE}?" + "&".join(f"{name}={quote(text, safe='')}" for name, text in query.items())
    return Endpoint(url, token, parts.hostname or "", port, SOCKET, extra)


def _machine(ctx: Context, uuid: str) -> Row:
    """The machine that the caller may see the screen of."""
    if ctx.caller.is_admin and is_uuid(uuid):
        found = ctx.tx.first(CLOUD_MACHINE.by_uuid, uuid=uuid)
        if found is not None:
            return found
        return access.find(ctx, VIRTUAL_MACHINE, uuid)
    found = ctx.tx.first(VIRTUAL_MACHINE.by_uuid, uuid=uuid)
    if found is None or not access.may_see(ctx, VIRTUAL_MACHINE, found):
        raise Unavailable("Permission denied")
    try:
        access.must_own(ctx, VIRTUAL_MACHINE, found)
    except PermissionDenied:
        raise Unavailable("Permission denied") from None
    return found


def _base(ctx: Context) -> str:
    """The server as the client calls it; ``consoleproxy.url.domain`` and ``consoleproxy.sslEnabled`` say otherwise."""
    base = ctx.base or ctx.cloud.base_url
    parts = urlsplit(base)
    domain = ctx.settings.text("consoleproxy.url.domain").strip()
    secure = ctx.settings.flag("consoleproxy.sslEnabled")
    if not domain and not secure:
        return base
    host, port = parts.hostname or "", parts.port
    if domain.startswith("*."):
        host = host.replace(".", "-").replace(":", "-") + domain[1:]
    elif domain:
        host = domain
    if ":" in host:
        host = f"[{host}]"
    scheme = "https" if secure else parts.scheme
    return f"{scheme}://{host}" + (f":{port}" if port else "")


def digest(text: str) -> str:
    """How a token is stored."""
    return hashlib.sha256(text.encode()).hexdigest()


# ---- connecting


def _why_not(row: Row, now: int) -> str:
    """Why a session may not go on, or begin; empty where it may."""
    states = (row["user_state"], row["account_state"], row["domain_state"])
    if row["removed"] is not None:
        return "the console session has ended"
    if (
        row["user_removed"] is not None
        or row["account_removed"] is not None
        or states != ("enabled", "enabled", "Active")
    ):
        return "its user may not use the cloud any more"
    if row["vm_removed"] is not None or row["vm_state"] not in ALIVE:
        return f"the machine is {str(row['vm_state']).lower()}"
    if row["vm_host_id"] != row["host_id"] and row["vm_state"] != "Migrating":
        return "the machine has moved to another host: open its console again"
    if row["acquired"] is None and row["expires"] <= now:
        return "the token has expired"
    return ""


def _may(ctx: Context, row: Row) -> bool:
    """Whether the user of a session may still ask for that console."""
    caller = identity.by_user_id(ctx.tx, row["user_id"])
    if caller is None or not caller.may(COMMAND):
        return False
    if row["vm_type"] != "User":
        return caller.is_admin
    theirs = ctx.as_caller(caller)
    theirs.command = COMMAND
    return access.owns(theirs, row["vm_account_id"], row["vm_domain_id"])


def usable(ctx: Context, token: str, extra: str, client: str) -> Row | None:
    """The session that a token opens, if nobody has opened it and it may still be; None otherwise."""
    if not 0 < len(token) <= 255:
        return None
    row = ctx.tx.first(_BY_DIGEST, digest=digest(token))
    if row is None or row["acquired"] is not None or _why_not(row, ctx.now):
        return None
    if row["login"] is not None and row["login_alive"] is None:
        return None
    if row["extra"] is not None and not hmac.compare_digest(row["extra"], digest(extra)):
        return None
    if ctx.settings.flag("novnc.console.sourceip.check.enabled") and client != row["creator_address"]:
        return None
    return row if _may(ctx, row) else None


def acquire(ctx: Context, token: str, extra: str, client: str) -> Grant:
    """Takes the session that a token opens. Raises `Unavailable`, with one text for every reason."""
    row = usable(ctx, token, extra, client)
    if row is None:
        raise Unavailable(REFUSED)
    taken = ctx.tx.execute(
        _ACQUIRE, which=row["id"], at=ctx.now, client=client or None, server=ctx.cloud.server_uuid
    )  # fmt: skip
    if not taken:
        raise Unavailable(REFUSED)
    address = host_address(address_of(ctx, row["host_id"]))
    return Grant(row["id"], row["uuid"], address, row["vm_uuid"], row["instance_name"])


def ended(ctx: Context, ids: Sequence[int], *, thorough: bool) -> dict[int, str]:
    """Those among some sessions that must end, and why. `thorough`: the rights of their users are looked at as well."""
    found = dict.fromkeys(ids, "the console session is gone")
    for row in ctx.tx.all(_BY_IDS, ids=list(ids)):
        found[row["id"]] = _why_not(row, ctx.now)
        if thorough and not found[row["id"]] and not _may(ctx, row):
            found[row["id"]] = "its user may not see this machine any more"
    return {row_id: reason for row_id, reason in found.items() if reason}


def end(ctx: Context, *ids: int) -> None:
    """Notes that sessions have ended."""
    ctx.tx.execute(_END, ids=list(ids), at=ctx.now)


# ---- looking after


def end_of_server(ctx: Context, server_uuid: str) -> None:
    """Ends the sessions that a server had when it was last there."""
    ctx.tx.execute(_OF_SERVER, server=server_uuid, at=ctx.now)


def clean(ctx: Context) -> None:
    """Ends the sessions that nobody opened in time and those of servers that died; forgets those that ended long ago
    (``console.session.cleanup.retention.hours``).
    """
    tx = ctx.tx
    tx.execute(_OVERDUE, now=ctx.now)
    living = management_server.living(ctx.cloud, tx)
    for row in tx.all(_SERVED):
        if row["server_uuid"] not in living:
            end_of_server(ctx, row["server_uuid"])
    hours = ctx.settings.number("console.session.cleanup.retention.hours")
    if hours >= 0:
        tx.execute(_FORGET, before=ctx.now - hours * HOUR)


# ---- lists


def rows(ctx: Context, ids: Sequence[int]) -> list[Row]:
    """Sessions, with the names of what they are about."""
    return ctx.tx.all(_ROWS, ids=ids)


def find(ctx: Context, uuid: str) -> Row:
    """A session, also one that has ended. Raises `BadParameter`."""
    found = ctx.tx.first(_BY_UUID, uuid=uuid)
    mine = found is not None and found["user_id"] == ctx.caller.user_id
    if found is None or not (mine or (_is_admin(ctx) and access.may_see(ctx, CONSOLE_SESSION, found))):
        raise access.not_found(CONSOLE_SESSION, uuid)
    return found


def page(
    ctx: Context, given: Mapping[str, Any], page: Page, *, uuid: str | None, domain: Row | None, isrecursive: bool
) -> tuple[list[int], int]:
    """Ids of sessions under some conditions: a user's own; of admins, those of their domain, or of one below it."""
    given = dict(given)
    if uuid is not None:
        given["id"] = find(ctx, uuid)["id"]
        return LISTING.page(ctx, given, page)
    if not _is_admin(ctx):
        given["mine"] = ctx.caller.user_id
    elif domain is None:
        domain = access.row(ctx, DOMAIN, ctx.caller.domain_id)
    return LISTING.page(ctx, given, page, access.scope(ctx, domain=domain, isrecursive=isrecursive))


def _is_admin(ctx: Context) -> bool:
    return ctx.caller.is_admin or ctx.caller.is_domain_admin
