"""The client for URLs of others, against real servers on loopback."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from cloudsim.core.clock import SystemClock
from cloudsim.outgoing import Client, Failed, Limits, OutgoingError, Refused, TimedOut, TooLarge

LOOPBACK = "127.0.0.0/8"
SHORT = Limits(connect=1.0, header=0.3, idle=0.3, size=1000)


async def nobody(name: str) -> list[str]:
    raise OSError(f"no {name}")


def client(allowed: str = LOOPBACK, lookup: Callable[[str], Awaitable[list[str]]] = nobody) -> Client:
    return Client(SystemClock(), lambda: allowed, lookup)


@asynccontextmanager
async def serving(handler: Any, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    runner = web.ServerRunner(web.Server(handler), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


@asynccontextmanager
async def raw(talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]) -> AsyncIterator[int]:
    """A server that says whatever it likes."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def fetch(one: Client, url: str, limits: Limits = SHORT, method: str = "GET", **given: Any) -> bytes:
    async with one.request(method, url, limits=limits, **given) as response:
        return b"".join([part async for part in response.parts()])


async def hello(request: web.BaseRequest) -> web.Response:
    body = await request.read()
    return web.Response(text=f"{request.method} {request.path_qs} {request.headers.get('Host')} {body.decode()}")


async def test_a_server_within_the_allowed_sites_is_reached_and_no_other() -> None:
    async with serving(hello) as port:
        url = f"http://127.0.0.1:{port}/a?b=c%2Fd"
        assert await fetch(client(), url) == f"GET /a?b=c%2Fd 127.0.0.1:{port} ".encode()
        sent = await fetch(client(), url, method="POST", data=b"text")
        assert sent == f"POST /a?b=c%2Fd 127.0.0.1:{port} text".encode()
        for allowed in ("", "10.0.0.0/8"):
            with pytest.raises(Refused, match=r"secstorage\.allowed\.internal\.sites"):
                await fetch(client(allowed), url)


async def test_the_environment_names_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1/")
    async with serving(hello) as port:
        assert await fetch(client(), f"http://127.0.0.1:{port}/")


async def test_a_name_is_resolved_once_and_the_connection_goes_where_was_looked() -> None:
    """DNS rebinding: a second answer would lead elsewhere, but nobody asks for it."""
    asked = []

    async def rebinding(name: str) -> list[str]:
        asked.append(name)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    async with serving(hello) as port:
        answer = await fetch(client(LOOPBACK, rebinding), f"http://images.example:{port}/")
        # the server was told the name, not the address
        assert answer == f"GET / images.example:{port} ".encode()
    assert asked == ["images.example"]


async def test_a_name_that_passed_before_is_checked_again() -> None:
    answers = [["93.184.216.34"], ["127.0.0.1"]]

    async def rebinding(_: str) -> list[str]:
        return answers.pop(0)

    one = client("", rebinding)
    await one.check("http://images.example/")
    with pytest.raises(Refused):
        await fetch(one, "http://images.example/")


@pytest.mark.parametrize("answer", [["93.184.216.34", "127.0.0.1"], ["::ffff:127.0.0.1"], ["169.254.169.254"], ["::1"]])
async def test_one_closed_address_of_a_name_closes_it(answer: list[str]) -> None:
    async def lookup(_: str) -> list[str]:
        return answer

    for url in ("http://images.example/", "https://images.example/"):
        with pytest.raises(Refused):
            await fetch(client("", lookup), url)
        with pytest.raises(Refused):
            await client("", lookup).check(url)


async def test_names_without_address_and_ports_of_the_internet() -> None:
    async def public(_: str) -> list[str]:
        return ["93.184.216.34"]

    with pytest.raises(Failed, match="no address"):
        await fetch(client(), "http://nowhere.example/")
    with pytest.raises(Refused, match="port 22"):
        await client("", public).check("http://images.example:22/")
    await client("", public).check("http://images.example:8080/")
    # the system's own resolver knows this one
    with pytest.raises(Refused):
        await fetch(Client(SystemClock(), lambda: ""), "http://localhost/")


async def test_redirects_are_followed_under_the_same_checks() -> None:
    seen = []

    async def handler(request: web.BaseRequest) -> web.Response:
        seen.append((request.method, request.path, request.headers.get("X-Key")))
        place = {
            "/": "/there",
            "/there": f"http://other.example:{port}/end",
            "/inner": "http://10.0.0.1/",
            "/metadata": "http://169.254.169.254/latest/meta-data/",
            "/odd": "http://2130706433/",
            "/file": "file:///etc/passwd",
            "/user": f"http://a:b@127.0.0.1:{port}/end",
            "/circle": "/circle",
            "/broken": "http://[",
            "/post": "/end",
        }.get(request.path)
        if place is None:
            return web.Response(text="end")
        return web.Response(status=307 if request.path == "/" else 302, headers={"Location": place})

    async def lookup(_: str) -> list[str]:
        return ["127.0.0.1"]

    async with serving(handler) as port:
        base = f"http://127.0.0.1:{port}"
        one = client(LOOPBACK, lookup)
        assert await fetch(one, base + "/", headers={"X-Key": "secret"}) == b"end"
        # the other origin is not told what was meant for the first
        assert seen == [("GET", "/", "secret"), ("GET", "/there", "secret"), ("GET", "/end", None)]
        for path in ("/inner", "/metadata", "/odd", "/file", "/user", "/circle", "/broken"):
            with pytest.raises(Refused):
                await fetch(one, base + path)
        seen.clear()
        assert await fetch(one, base + "/post", method="POST", data=b"x") == b"end"
        assert [method for method, _, _ in seen] == ["POST", "GET"]
        async with one.request("POST", base + "/post", limits=Limits(redirects=0)) as response:
            assert response.status == 302


async def test_nothing_goes_on_forever() -> None:
    async def stalled(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        await asyncio.sleep(5)

    async def dripping(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        for number in range(500):
            writer.write(f"X-{number}: y\r\n".encode())
            await writer.drain()
            await asyncio.sleep(0.01)

    async def endless_line(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nX: ")
        while True:
            writer.write(b"y" * 10_000)
            await writer.drain()

    async def stops(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
        await asyncio.sleep(5)

    async def breaks_off(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")

    async def endless_body(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"a\r\n0123456789\r\n" * 50)
            await writer.drain()
            await asyncio.sleep(0)

    async def says_much(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n")

    async def nonsense(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")

    cases: list[tuple[Any, type[OutgoingError]]] = [
        (stalled, TimedOut),
        (dripping, TimedOut),
        (endless_line, Failed),
        (stops, TimedOut),
        (breaks_off, Failed),
        (endless_body, TooLarge),
        (says_much, TooLarge),
        (nonsense, Failed),
    ]
    for talk, error in cases:
        async with raw(talk) as port, asyncio.timeout(3):
            with pytest.raises(error):
                await fetch(client(), f"http://127.0.0.1:{port}/")
    # a body that comes slowly but steadily ends with the limit for all of it

    async def steady(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.05)

    async with raw(steady) as port:
        with pytest.raises(TimedOut, match="longer than"):
            await fetch(client(), f"http://127.0.0.1:{port}/", Limits(total=0.3))
    with pytest.raises(Failed, match="cannot be reached"):
        await fetch(client(), f"http://127.0.0.1:{port}/")


async def test_an_error_of_the_reader_stays_what_it_is() -> None:
    async with serving(hello) as port:
        for error in (ValueError, OSError, TimeoutError):
            with pytest.raises(error) as caught:
                async with client().request("GET", f"http://127.0.0.1:{port}/", limits=Limits(total=5)):
                    raise error("mine")
            assert not isinstance(caught.value, OutgoingError)


async def test_what_is_not_read_waits_at_the_other_side() -> None:
    sent = 0

    async def much(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 300000000\r\n\r\n")
        while True:
            writer.write(b"x" * 100_000)
            await writer.drain()
            sent += 100_000

    async with (
        raw(much) as port,
        client().request("GET", f"http://127.0.0.1:{port}/", limits=Limits(size=2**40)) as response,
    ):
        parts = response.parts()
        for _ in range(3):
            assert len(await anext(parts)) <= 64 * 1024
        await asyncio.sleep(0.2)
        # what sockets and one buffer hold, not what there is
        assert sent < 30_000_000


async def test_compressed_transfers_are_not_unpacked() -> None:
    async def handler(request: web.BaseRequest) -> web.Response:
        assert request.headers["Accept-Encoding"] == "identity"
        return web.Response(body=b"\x1f\x8bwhatever", headers={"Content-Encoding": "gzip"})

    async with serving(handler) as port:
        assert await fetch(client(), f"http://127.0.0.1:{port}/") == b"\x1f\x8bwhatever"


def _certificate(directory: Path, name: str) -> ssl.SSLContext:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name), x509.IPAddress(ip_address("127.0.0.9"))]), False
        )
        .sign(key, hashes.SHA256())
    )
    file = directory / "both.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


async def test_certificates_are_checked_for_the_name_unless_that_is_switched_off(tmp_path: Path) -> None:
    names = []
    context = _certificate(tmp_path, "images.example")
    context.sni_callback = lambda _, name, __: names.append(name)

    async def lookup(_: str) -> list[str]:
        return ["127.0.0.1"]

    async with serving(hello, context) as port:
        url = f"https://images.example:{port}/"
        with pytest.raises(Failed, match="certificate"):
            await fetch(client(LOOPBACK, lookup), url)
        assert await fetch(client(LOOPBACK, lookup), url, verify=False) == f"GET / images.example:{port} ".encode()
        assert names == ["images.example", "images.example"]

        async def down(_: web.BaseRequest) -> web.Response:
            return web.Response(status=302, headers={"Location": f"http://images.example:{plain}/"})

        async with serving(hello) as plain, serving(down, context) as secure:
            with pytest.raises(Refused, match="from https to http"):
                await fetch(client(LOOPBACK, lookup), f"https://images.example:{secure}/", verify=False)


async def test_the_first_bytes_of_a_body() -> None:
    async def handler(_: web.BaseRequest) -> web.Response:
        return web.Response(body=bytes(range(256)) * 100)

    async with (
        serving(handler) as port,
        client().request("GET", f"http://127.0.0.1:{port}/", limits=Limits(size=10**6)) as response,
    ):
        assert response.length == 25600
        start = await response.start(300)
        assert start == bytes(range(256)) + bytes(range(44))
        rest = b"".join([part async for part in response.parts()])
    assert hashlib.sha256(start + rest).digest() == hashlib.sha256(bytes(range(256)) * 100).digest()
