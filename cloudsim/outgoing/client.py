"""The one client for URLs that others name.

>>> async with client.request("GET", url, limits=Limits(size=2**40)) as response:
...     async for part in response.parts():
...         await file.write(part)

A name is resolved here, every address it has is checked, and the connection goes to one of these: nobody is asked twice,
so that no second answer can lead elsewhere. Redirects are followed one by one under the same checks. Proxies of the
environment, cookies and compressed transfers are not used. What is not read yet waits at the other side.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from cloudsim.core.clock import Clock
from cloudsim.outgoing.addresses import Address, parsed, permitted, sites, within
from cloudsim.outgoing.errors import Failed, OutgoingError, Refused, TimedOut, TooLarge
from cloudsim.outgoing.urls import PORTS, Target, target

T = TypeVar("T")

#: Answers the addresses of a name.
Lookup = Callable[[str], Awaitable[Sequence[str]]]

_REDIRECTS = frozenset((301, 302, 303, 307, 308))
#: Headers of ours that another origin may see.
_HARMLESS = frozenset(("accept", "accept-encoding", "content-type", "range", "user-agent"))
_LINE = 8190


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may take, in seconds and bytes."""

    #: Until the connection stands, TLS and the look-up of the name included.
    connect: float = 10.0
    #: From the first byte of a request to the last one of the headers of its answer, the connection included.
    header: float = 30.0
    #: Without a byte of the body.
    idle: float = 30.0
    #: For all of it; None: as long as it goes on.
    total: float | None = None
    #: Bytes of the body.
    size: int = 16 * 1024 * 1024
    redirects: int = 5
    #: Bytes that are read at a time: more for what is large.
    part: int = 64 * 1024


class Response:
    """An answer whose body has not been read yet."""

    def __init__(self, answer: aiohttp.ClientResponse, clock: Clock, limits: Limits) -> None:
        self._answer = answer
        self._clock = clock
        self._limits = limits
        #: Bytes read so far.
        self.received = 0

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self._answer.status

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers of the answer."""
        return self._answer.headers

    @property
    def url(self) -> str:
        """Where it came from, after redirects."""
        return str(self._answer.url)

    @property
    def length(self) -> int | None:
        """How many bytes the other side says it sends."""
        return self._answer.content_length

    async def parts(self) -> AsyncIterator[bytes]:
        """The body, part by part. Raises `TooLarge`, `TimedOut`, `Failed` (also where it ends too early)."""
        if (self.length or 0) > self._limits.size:
            raise TooLarge(f"the other side sends {self.length} bytes; the limit is {self._limits.size}")
        while True:
            with _errors():
                part = await self._clock.within(self._limits.idle, self._answer.content.read(self._limits.part))
            if not part:
                return
            self.received += len(part)
            if self.received > self._limits.size:
                raise TooLarge(f"the other side sends more than the limit of {self._limits.size} bytes")
            yield part

    async def start(self, most: int) -> bytes:
        """The first `most` bytes of the body; more is not read."""
        found = bytearray()
        while len(found) < most:
            with _errors():
                part = await self._clock.within(self._limits.idle, self._answer.content.read(most - len(found)))
            if not part:
                break
            found += part
        return bytes(found)


class _errors:
    """Says in our words what went wrong below."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if error is None or isinstance(error, OutgoingError):
            return
        if isinstance(error, TimeoutError):
            raise TimedOut("the other side took too long") from None
        if isinstance(error, aiohttp.ClientConnectorCertificateError):
            raise Failed("the certificate of the other side is not trusted") from None
        if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ClientSSLError):
            raise Failed("the other side cannot be reached") from None
        if isinstance(error, aiohttp.InvalidURL):
            raise Refused("the URL cannot be read") from None
        if isinstance(error, aiohttp.ClientError | OSError | ValueError):
            raise Failed("the other side broke off, or does not speak HTTP") from None


@asynccontextmanager
async def _within(seconds: float) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds) as limit:
            yield
    except TimeoutError:
        if not limit.expired():
            raise
        raise TimedOut(f"it took longer than {seconds:g} seconds") from None


class Client:
    """Makes requests. `allowed` tells the CIDRs beyond the public internet that they may go to (the setting
    ``secstorage.allowed.internal.sites``), asked for each request; `lookup` resolves names.
    """

    def __init__(self, clock: Clock, allowed: Callable[[], str], lookup: Lookup | None = None) -> None:
        self._clock = clock
        self._allowed = allowed
        self._lookup = lookup or _system

    async def check(self, url: str, *, resolve: bool = True) -> Target:
        """Reads a URL and looks whether it may be used. Raises `Refused`; with `resolve`, `Failed` for unknown names."""
        found = target(url)
        if found.address is not None:
            self._check(found, [found.address])
        elif resolve:
            with _errors():
                await self._clock.within(Limits().connect, self._addresses(found))
        return found

    @asynccontextmanager
    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        data: bytes | None = None,
        verify: bool = True,
        limits: Limits | None = None,
    ) -> AsyncIterator[Response]:
        """One request. `verify`: whether certificates are checked. Raises what is in ``cloudsim.outgoing.errors``."""
        limits = limits or Limits()
        async with AsyncExitStack() as stack:
            if limits.total is not None:
                # whatever is done with the answer counts too
                await stack.enter_async_context(_within(limits.total))
            answer = await self._follow(stack, method, url, dict(headers or {}), data, verify, limits)
            yield Response(answer, self._clock, limits)

    async def _follow(
        self,
        stack: AsyncExitStack,
        method: str,
        url: str,
        headers: dict[str, str],
        data: bytes | None,
        verify: bool,
        limits: Limits,
    ) -> aiohttp.ClientResponse:
        where = target(url)
        for turn in range(limits.redirects + 1):
            one = await stack.enter_async_context(AsyncExitStack())
            with _errors():
                answer = await self._clock.within(
                    limits.header, self._once(one, method, where, headers, data, verify, limits)
                )
            place = answer.headers.get("Location")
            if answer.status not in _REDIRECTS or place is None or limits.redirects == 0:
                return answer
            await one.aclose()
            if turn == limits.redirects:
                break
            before, where = where, self._next(where, place)
            if where.origin != before.origin:
                headers = {name: value for name, value in headers.items() if name.lower() in _HARMLESS}
            if answer.status == 303 or (answer.status in (301, 302) and method not in ("GET", "HEAD")):
                method, data = ("HEAD" if method == "HEAD" else "GET"), None
                headers = {name: value for name, value in headers.items() if name.lower() != "content-type"}
        raise Refused(f"more than {limits.redirects} redirects")

    @staticmethod
    def _next(before: Target, place: str) -> Target:
        try:
            where = target(before.url.join(URL(place, encoded=place.isascii())))
        except ValueError:
            raise Refused("the other side redirects to what cannot be read") from None
        if before.secure and not where.secure:
            raise Refused("the other side redirects from https to http")
        return where

    async def _once(
        self,
        stack: AsyncExitStack,
        method: str,
        where: Target,
        headers: Mapping[str, str],
        data: bytes | None,
        verify: bool,
        limits: Limits,
    ) -> aiohttp.ClientResponse:
        if where.address is not None:
            self._check(where, [where.address])  # aiohttp asks no resolver for these
        connector = aiohttp.TCPConnector(
            resolver=_Checked(lambda: self._addresses(where)),
            use_dns_cache=False,
            force_close=True,
            limit=1,
            ssl=verify,
        )
        session = await stack.enter_async_context(
            aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None, connect=limits.connect, sock_connect=limits.connect),
                auto_decompress=False,
                trust_env=False,
                max_line_size=_LINE,
                max_field_size=_LINE,
                read_bufsize=limits.part,
                skip_auto_headers=("User-Agent", "Accept-Encoding"),
            )
        )
        return await stack.enter_async_context(
            session.request(
                method,
                where.url,
                headers={"Accept-Encoding": "identity", **headers},
                data=data,
                allow_redirects=False,
            )
        )

    async def _addresses(self, where: Target) -> list[Address]:
        """The addresses of a name. Raises `Refused` where one of them is not allowed, `Failed` where there are none."""
        try:
            texts = await self._lookup(where.host)
        except (OSError, UnicodeError):
            texts = ()
        found = [parsed(text) for text in texts]
        addresses = [address for address in found if address is not None]
        if not addresses or len(addresses) != len(found):
            raise Failed(f"the name {where.host[:100]} has no address")
        self._check(where, addresses)
        return addresses

    def _check(self, where: Target, addresses: Sequence[Address]) -> None:
        allowed = sites(self._allowed())
        for address in addresses:
            if not permitted(address, allowed):
                raise Refused(
                    f"{where.host[:100]} is not a place of the public internet, nor one of those in the setting "
                    "secstorage.allowed.internal.sites"
                )
            if where.port not in PORTS and not within(address, allowed):
                raise Refused(f"port {where.port} is not one of {', '.join(str(port) for port in sorted(PORTS))}")


class _Checked(AbstractResolver):
    """Gives aiohttp the addresses that were checked: what it connects to is what was looked at."""

    def __init__(self, addresses: Callable[[], Awaitable[Sequence[Address]]]) -> None:
        self._addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=str(address),
                port=port,
                family=socket.AF_INET6 if address.version == 6 else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for address in await self._addresses()
        ]

    async def close(self) -> None:
        return None


async def _system(name: str) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(name, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))
