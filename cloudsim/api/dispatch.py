"""One request, from its parameters to the bytes of its answer.

Who calls is looked up once and kept until something about users, accounts, domains or roles changes. Parameters are read
and the command is run in one transaction. Whatever goes wrong ends as an error object of the wire contract.
"""

from __future__ import annotations

import hmac
import logging
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Protocol

from cloudsim.api import origin, render, signature
from cloudsim.api.command import Body, Command, commands
from cloudsim.api.params import Parameters
from cloudsim.core.caller import Caller
from cloudsim.core.errors import (
    BadParameter,
    CloudError,
    InternalError,
    InvalidValue,
    OperationFailed,
    ResourceUnavailable,
    SecondFactorMissing,
    Unauthenticated,
    UnknownCommand,
)
from cloudsim.services import identity
from cloudsim.services.context import Cloud, Context
from cloudsim.services.faults import translated

log = logging.getLogger(__name__)

#: The number of the request that is being answered, for log lines.
current_request: ContextVar[str | None] = ContextVar("current_request", default=None)


@dataclass(slots=True)
class Request:
    """What the HTTP part hands over."""

    parameters: Parameters
    method: str = "GET"
    cookies: dict[str, str] = field(default_factory=dict)
    #: The address it came from: the nearest one that is no trusted proxy's.
    remote: str = ""
    #: The server as its client calls it: ``http://cloud:8080``.
    base: str = ""
    #: From the integration port: nobody signs, everything is allowed.
    trusted: bool = False
    #: Whether a page of another site started it, so that its cookies prove nothing.
    foreign: bool = False


@dataclass(slots=True)
class Answer:
    """What the HTTP part sends."""

    status: int
    body: bytes
    content_type: str
    #: Cookies to set; an empty value ends one.
    cookies: dict[str, str] = field(default_factory=dict)
    #: For metrics: the declared name of the command, if there is one.
    command: str = ""


class OpenCommand(Protocol):
    """A command that nobody has to be known for: login and logout."""

    async def __call__(self, dispatcher: Dispatcher, request: Request) -> tuple[Body, dict[str, str]]:
        """Answers the body and the cookies to set."""


class Dispatcher:
    """Answers requests."""

    def __init__(self, cloud: Cloud, integration_caller: Caller) -> None:
        self.cloud = cloud
        self._commands = commands()
        self._integration_caller = integration_caller
        self._identities: dict[str, identity.Identity | None] = {}
        self._sessions: dict[str, identity.Session | None] = {}
        self._generation = 0
        cloud.db.listen(identity.TABLES, self._forget)
        #: Answers of commands that declare what makes them old.
        self._kept: dict[tuple[Any, ...], Answer] = {}
        self._kept_generation: dict[str, int] = {}
        for tables in {command.cached for command in self._commands.values() if command.cached}:
            cloud.db.listen(tables | set(identity.TABLES) | {"configuration"}, self._drop_kept)

    def _forget(self) -> None:
        self._generation += 1
        self._identities.clear()
        self._sessions.clear()

    def _drop_kept(self) -> None:
        self._generation += 1
        self._kept.clear()

    async def answer(self, request: Request) -> Answer:
        """Never raises."""
        parameters = request.parameters
        parameters.remote, parameters.base = request.remote, request.base
        name = parameters.get("command")
        as_json = parameters.get("response", "").lower() == "json"
        known = self._commands.get(name.lower()) if name else None
        try:
            if not name:
                raise UnknownCommand("the request names no command")
            lower = name.lower()
            if lower in OPEN:
                body, cookies = await OPEN[lower](self, request)
                answer = self._ok(lower + "response", body, as_json)
                answer.cookies = cookies
                answer.command = lower
                return answer
            caller = await self._authenticate(request)
            self._check_source(caller, request)
            if self.cloud.settings.flag("api.throttling.enabled") and not caller.is_admin:
                self.cloud.api_limits.count(caller.account_id, self.cloud.clock.now(), self.cloud.settings)
            if known is None or not known.open_to(caller):
                raise UnknownCommand(f"there is no command '{name[:100]}', or your role does not have it")
            answer = await self._run(known, caller, parameters, as_json)
            answer.command = known.name
            return answer
        except CloudError as error:
            failure = error
        except Exception as error:
            failure = translated(error) or InternalError()
            if isinstance(failure, InternalError):
                log.exception("command %s", known.name if known else "?")
        body = render.error_body(failure, as_json)
        return Answer(
            failure.errorcode,
            render.render(known.root() if known else render.root_of(name), body, as_json),
            render.JSON if as_json else render.XML,
            command=known.name if known else "",
        )

    def _ok(self, root: str, body: Body, as_json: bool) -> Answer:
        return Answer(200, render.render(root, body, as_json), render.JSON if as_json else render.XML)

    async def _run(self, command: type[Command], caller: Caller, parameters: Parameters, as_json: bool) -> Answer:
        db = self.cloud.db
        if command.is_async and self.cloud.server_state != "Up":
            raise OperationFailed(f"this management server is {self.cloud.server_state}: it takes no new jobs")
        if command.cached and command.keeps(parameters):
            key = (
                command.name,
                caller.user_id,
                as_json,
                *sorted(item for item in parameters.items() if item[0] not in _NOT_PARAMETERS),
            )
            makes_old = command.cached | _IDENTITY | {"configuration"}
            fresh = not db.committing(makes_old)
            kept = self._kept.get(key)
            if kept is not None and fresh:
                return kept
            generation = self._generation
            body = await db.read(self._carry_out, command, caller, parameters)
            answer = self._ok(command.root(), body, as_json)
            fresh = fresh and generation == self._generation and not db.committing(makes_old)
            if fresh and len(answer.body) < 100_000:
                if len(self._kept) >= 2000:
                    self._kept.clear()
                self._kept[key] = answer
            return answer
        if getattr(command.before, "__func__", None) is not _NOTHING:
            await command.before(self.cloud, caller, parameters)
        run = db.write if not command.reads else db.glance if command.brief else db.read
        body = await run(self._carry_out, command, caller, parameters)
        command.outcome(body)
        if getattr(command.settled, "__func__", None) is not _AT_ONCE:
            body = await command.settled(self.cloud, body)
        return self._ok(command.root(), body, as_json)

    def _carry_out(self, tx: Any, command: type[Command], caller: Caller, parameters: Parameters) -> Body:
        ctx: Context = self.cloud.context(tx, caller)
        ctx.command = command.name
        ctx.session, ctx.remote, ctx.base = parameters.session, parameters.remote, parameters.base
        return command.carry_out(ctx, parameters)

    # -- who calls

    async def _authenticate(self, request: Request) -> Caller:
        if request.trusted:
            return self._integration_caller
        parameters = request.parameters
        key = parameters.get("apikey")
        if key:
            given = parameters.get("signature")
            if not given:
                raise Unauthenticated
            found = await self._identity(key)
            if found is None:
                # as much work as for a known key
                signature.verify(_spelled(parameters), given, "-")
                raise Unauthenticated
            if not signature.verify(_spelled(parameters), given, found.secret_key):
                raise Unauthenticated
            if signature.expired(parameters.get("signatureversion"), parameters.get("expires"), self.cloud.clock.now()):
                raise Unauthenticated
            return found.caller
        cookie = request.cookies.get("JSESSIONID")
        if cookie:
            session = await self._session(cookie)
            if session is not None and self._has_session_key(session, request):
                if session.lacks and parameters["command"].lower() not in SECOND_FACTOR:
                    raise SecondFactorMissing(_LACKS[session.lacks])
                parameters.session = identity.digest(cookie)
                return session.caller
        raise Unauthenticated

    def _check_source(self, caller: Caller, request: Request) -> None:
        """Raises `Unauthenticated` for a caller whose account may not call from there."""
        settings = self.cloud.settings
        if request.trusted or not settings.flag("api.source.cidr.checks.enabled"):
            return
        allowed = settings.text(
            "api.allowed.source.cidr.list", ("Account", caller.account_id), ("Domain", caller.domain_id)
        )
        if not origin.within(request.remote, allowed):
            log.warning("account %s may not call from %s", caller.account_name, request.remote)
            raise Unauthenticated

    def _has_session_key(self, session: identity.Session, request: Request) -> bool:
        """Whether a request proves that it is not another site's that only brought the cookie."""
        where = self.cloud.settings.text("api.sessionkey.check.locations")
        right = session.session_key.encode()
        parameter, cookie = (
            hmac.compare_digest(right, (place.get("sessionkey") or "").encode())
            for place in (request.parameters, request.cookies)
        )
        if where == "CookieOrParameter":
            return parameter or (cookie and not request.foreign)
        return parameter and (cookie or where == "ParameterOnly")

    async def _identity(self, key: str) -> identity.Identity | None:
        fresh = not self.cloud.db.committing(_IDENTITY)
        if fresh and key in self._identities:
            return self._identities[key]
        generation = self._generation
        found = await self.cloud.db.glance(identity.by_api_key, key, self.cloud)
        if fresh and generation == self._generation and not self.cloud.db.committing(_IDENTITY):
            if len(self._identities) > 10_000:
                self._identities.clear()
            self._identities[key] = found
        return found

    async def _session(self, cookie: str) -> identity.Session | None:
        now = self.cloud.clock.now()
        fresh = not self.cloud.db.committing(_IDENTITY)
        known = self._sessions.get(cookie) if fresh else None
        if known is None:
            generation = self._generation
            known = await self.cloud.db.glance(identity.by_cookie, cookie, now, self.cloud.settings)
            if known is None:
                return None
            if fresh and generation == self._generation and not self.cloud.db.committing(_IDENTITY):
                self._sessions[cookie] = known
        if known.used + identity.SESSION_SECONDS * 1000 < now:
            self._sessions.pop(cookie, None)
            return None
        if known.used + 60_000 < now:
            await identity.touch(self.cloud, cookie)
        return known


_NOTHING = Command.before.__func__  # type: ignore[attr-defined]
_AT_ONCE = Command.settled.__func__  # type: ignore[attr-defined]

_IDENTITY = frozenset(identity.TABLES)

#: Parts of a request that say who asks, not what.
_NOT_PARAMETERS = frozenset(
    ("apikey", "signature", "command", "signatureversion", "expires", "sessionkey", "response", "_")
)


def _spelled(parameters: Parameters) -> dict[str, str]:
    names = parameters.names
    return {**parameters.others, **{names[lower]: value for lower, value in parameters.items()}}


async def _login(dispatcher: Dispatcher, request: Request) -> tuple[Body, dict[str, str]]:
    given = request.parameters
    if request.method != "POST":
        raise InvalidValue("send login as a POST request: a password must not stand in an address")
    for name in ("username", "password"):
        if not given.get(name):
            raise BadParameter(f"parameter {name} is missing")
    body, cookie, session_key = await identity.login(
        dispatcher.cloud, given["username"], given["password"], given.get("domain"), given.get("domainid")
    )
    return body, {"JSESSIONID": cookie, "sessionkey": session_key}


async def _logout(dispatcher: Dispatcher, request: Request) -> tuple[Body, dict[str, str]]:
    cookie = request.cookies.get("JSESSIONID")
    if cookie:
        await identity.logout(dispatcher.cloud, cookie)
    return {"description": "success"}, {"JSESSIONID": "", "sessionkey": ""}


#: What a login that still lacks its second factor may call.
SECOND_FACTOR = frozenset(
    "validateusertwofactorauthenticationcode setupusertwofactorauthentication listusertwofactorauthenticatorproviders "
    "listcapabilities listapis".split()
)
_LACKS = {
    "verify": "give the code of your second factor first (validateUserTwoFactorAuthenticationCode)",
    "setup": "set up a second factor first (setupUserTwoFactorAuthentication)",
}

OPEN: dict[str, OpenCommand] = {"login": _login, "logout": _logout}

__all__ = ["Answer", "Dispatcher", "Request", "ResourceUnavailable"]
