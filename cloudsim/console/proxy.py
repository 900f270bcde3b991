"""The way from a browser to a machine's screen: a WebSocket whose token has taken the session, and the driver's stream.

What comes from either side is handed to the other as it is; each side waits for the other, so that nothing piles up.
Pings keep a connection that is still alive through whatever counts idle time on the way, and find one that is not.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import parse_qs

from aiohttp import WSMsgType, web

from cloudsim.agents.base import AgentError, CommandFailed, ConsoleStream
from cloudsim.console import PATHS, pages
from cloudsim.core.caller import Caller
from cloudsim.db.database import DatabaseError, Transaction
from cloudsim.services import console
from cloudsim.services.context import Cloud, Context

log = logging.getLogger(__name__)

T = TypeVar("T")

_FOLDER, _SOCKET = PATHS

#: Bytes that one message of a browser may have, and that are handed to it at once.
MESSAGE = 1 << 18
CHUNK = 1 << 16
#: Seconds between pings; a browser has half of that to answer.
PING = 20.0
#: Seconds that a browser may take to read what it is sent.
PATIENCE = 30.0
#: Seconds between two looks at whether sessions may go on, where nothing has changed; and at least between two.
LOOK, LOOK_SOON = 10.0, 0.2
#: Why connections are closed (RFC 6455: 4000 and up are ours).
ENDED, NOT_RFB, GOING_AWAY = 4000, 4001, 1001
#: Tables whose changes may end a session.
TABLES = ("console_session", "user", "account", "domain", "vm")


@dataclass(eq=False)
class _Live:
    """One connection."""

    grant: console.Grant
    stream: ConsoleStream
    socket: web.WebSocketResponse
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    code: int = 1000
    reason: str = ""

    def close(self, code: int, reason: str) -> None:
        """Has it closed, for the first reason that is given."""
        if not self.closing.is_set():
            self.code, self.reason = code, reason
            self.closing.set()


class Consoles:
    """Pages and connections of one server. `address` tells where a request comes from."""

    def __init__(self, cloud: Cloud, admin: Caller, address: Callable[[web.BaseRequest], str]) -> None:
        self._cloud = cloud
        self._admin = admin
        self._address = address
        self._live: dict[int, _Live] = {}
        self._opening = 0
        self._closed = False
        self._changed = asyncio.Event()
        self._looking: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Ends what this server had when it was last there, and listens to changes."""
        await self._write(lambda ctx: console.end_of_server(ctx, self._cloud.server_uuid))
        self._cloud.db.listen(TABLES, self._changed.set)

    async def close(self) -> None:
        """Closes every connection, within a second."""
        self._closed = True
        if self._looking is not None:
            self._looking.cancel()
        for live in list(self._live.values()):
            live.close(GOING_AWAY, "the server stops")
        with suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                while self._live:
                    await self._cloud.clock.sleep(0.01)

    @property
    def number(self) -> int:
        """How many connections there are."""
        return len(self._live)

    async def handle(self, request: web.BaseRequest, path: str) -> web.StreamResponse:
        """One request for an address that begins as `PATHS` say."""
        if request.method != "GET":
            return pages.text(405, "ask for it with GET", Allow="GET")
        if path == _SOCKET:
            return await self._connect(request)
        if path == console.PAGE:
            return await self._page(request)
        return pages.script(path.removeprefix(_FOLDER)) if path.startswith(_FOLDER) else pages.text(404, "nothing here")

    # ---- the page

    async def _page(self, request: web.BaseRequest) -> web.StreamResponse:
        """The page, where its token can still be used: looking at it does not use it, only connecting does."""
        token, extra = _tokens(request)
        client = self._address(request)

        def look(tx: Transaction) -> bool:
            return console.usable(self._context(tx), token, extra, client) is not None

        if not await self._cloud.db.glance(look):
            return pages.text(403, console.REFUSED)
        return pages.page(request.headers.get("Host", ""))

    # ---- connections

    async def _connect(self, request: web.BaseRequest) -> web.StreamResponse:
        socket = web.WebSocketResponse(
            protocols=("binary",), heartbeat=PING, max_msg_size=MESSAGE, compress=False, timeout=0.5
        )
        if not socket.can_prepare(request):
            return pages.text(426, "this is for WebSockets")
        most = self._cloud.settings.number("consoleproxy.session.max")
        if self._closed or (0 < most <= len(self._live) + self._opening):
            return pages.text(503, "there are too many consoles open; try again later")
        self._opening += 1
        try:
            token, extra = _tokens(request)
            client = self._address(request)
            grant = await self._write(lambda ctx: console.acquire(ctx, token, extra, client))
            try:
                stream = await self._cloud.agents.console(grant.host, grant.machine, grant.name)
            except AgentError as error:
                await self._write(lambda ctx: console.end(ctx, grant.id))
                log.warning("console of %s: %s", grant.name, error)
                return pages.text(502, "the console of the machine cannot be reached; ask for another one")
            live = self._live[grant.id] = _Live(grant, stream, socket)
        except console.Unavailable as error:
            return pages.text(403, str(error))
        finally:
            self._opening -= 1
        log.info("console of %s opened, session %s", grant.name, grant.uuid)
        try:
            await self._serve(live, request)
        finally:
            self._live.pop(grant.id, None)
            stream.close()
            log.info("console of %s closed, session %s: %s", grant.name, grant.uuid, live.reason or "by its user")
            with suppress(DatabaseError):
                await self._write(lambda ctx: console.end(ctx, grant.id))
        return socket

    async def _serve(self, live: _Live, request: web.BaseRequest) -> None:
        socket = live.socket
        await socket.prepare(request)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.get_running_loop().create_task(self._look())
        self._changed.set()
        tasks = [
            asyncio.get_running_loop().create_task(work)
            for work in (self._to_browser(live), self._to_machine(live), live.closing.wait())
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            live.close(1000, "")
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            with suppress(ConnectionError, TimeoutError):
                async with asyncio.timeout(1.0):
                    await socket.close(code=live.code, message=live.reason.encode()[:120])

    async def _to_browser(self, live: _Live) -> None:
        while True:
            try:
                data = await live.stream.read()
            except AgentError as error:
                live.close(ENDED, str(error))
                return
            if not data:
                live.close(ENDED, "the screen of the machine is gone")
                return
            for start in range(0, len(data), CHUNK):
                try:
                    await self._cloud.clock.within(PATIENCE, live.socket.send_bytes(data[start : start + CHUNK]))
                except (ConnectionError, TimeoutError):
                    live.close(GOING_AWAY, "the browser does not answer")
                    return

    async def _to_machine(self, live: _Live) -> None:
        async for message in live.socket:
            if message.type is not WSMsgType.BINARY:
                live.close(1003, "only bytes are taken")
                return
            try:
                await live.stream.write(message.data)
            except CommandFailed as error:
                live.close(NOT_RFB, str(error))
                return
            except AgentError as error:
                live.close(ENDED, str(error))
                return

    # ---- looking after them

    async def _look(self) -> None:
        """Closes what may not go on, while there is any connection."""
        clock = self._cloud.clock
        thorough = False
        while self._live:
            self._changed.clear()
            found: dict[int, str] = {}
            try:
                found = await self._cloud.db.read(self._ended, list(self._live), thorough)
            except DatabaseError as error:
                log.warning("consoles are not looked after: %s", error)
            for row_id, reason in found.items():
                if row_id in self._live:
                    self._live[row_id].close(ENDED, reason)
            await clock.sleep(LOOK_SOON)
            thorough = False
            try:
                await clock.within(LOOK, self._changed.wait())
            except TimeoutError:
                thorough = True

    def _ended(self, tx: Transaction, ids: list[int], thorough: bool) -> dict[int, str]:
        return console.ended(self._context(tx), ids, thorough=thorough)

    def _context(self, tx: Transaction) -> Context:
        return self._cloud.context(tx, self._admin)

    async def _write(self, work: Callable[[Context], T]) -> T:
        return await self._cloud.db.write(lambda tx: work(self._context(tx)))


def _tokens(request: web.BaseRequest) -> tuple[str, str]:
    """The token and the extra word of an address."""
    given = parse_qs(request.raw_path.partition("?")[2][:4096])
    return given.get("token", [""])[0], given.get("extra", [""])[0]
