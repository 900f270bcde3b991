"""A real HTTP server on loopback that hands out images, and can stall, cut and lie.

>>> async with ImageServer() as images:
...     images["/a.qcow2"] = File(qcow2(2**30))
...     images["/b.raw"] = File(data, cut=100_000)
"""

from __future__ import annotations

import asyncio
import hashlib
import struct
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


def qcow2(virtual: int, filling: int = 0, *, backing: bytes = b"") -> bytes:
    """A QCOW2 image of a disk of so many bytes, with so many bytes behind its tables; `backing`: the file it refers to."""
    cluster = 65536
    entries = -(-virtual // (cluster * (cluster // 8)))
    header = struct.pack(
        ">4sIQIIQIIQQIIQ",
        b"QFI\xfb", 2, 72 if backing else 0, len(backing), 16, virtual, 0, entries, cluster * 3, cluster, 1, 0, 0,
    )  # fmt: skip
    body = bytearray(cluster * 4)
    body[: len(header)] = header
    body[72 : 72 + len(backing)] = backing
    struct.pack_into(">Q", body, cluster, cluster * 2)
    return bytes(body) + bytes(number % 251 for number in range(251)) * (filling // 251)


def iso(size: int = 200_000) -> bytes:
    """An ISO image."""
    made = bytearray(max(size, 20 * 2048))
    made[16 * 2048 : 16 * 2048 + 7] = b"\x01CD001\x01"
    made[17 * 2048 : 17 * 2048 + 7] = b"\xffCD001\x01"
    return bytes(made)


@dataclass
class File:
    """What is at a path, and how it is handed out."""

    data: bytes
    #: The entity tag; "": none. None: made of the data.
    tag: str | None = None
    status: int = 200
    #: Where it redirects to.
    location: str = ""
    #: The connection breaks after so many bytes, at the first so many requests.
    cut: int = 0
    cuts: int = 10**6
    #: Nothing more comes after so many bytes, until `go` is set.
    stall: int = -1
    #: The length that is said, where it is not the true one; chunked: none is.
    length: int | None = None
    chunked: bool = False
    #: Whether parts are given, and whether If-Range is kept to.
    ranges: bool = True
    heeds: bool = True
    #: What becomes of it after the first request.
    then: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    go: asyncio.Event = field(default_factory=asyncio.Event)
    #: The headers of the requests that came.
    asked: list[dict[str, str]] = field(default_factory=list)

    def entity(self) -> str:
        """The entity tag of what is handed out now."""
        return f'"{hashlib.md5(self.data).hexdigest()}"' if self.tag is None else self.tag


class ImageServer(dict[str, File]):
    """Files by their paths."""

    async def __aenter__(self) -> ImageServer:
        self._runner = web.ServerRunner(web.Server(self._handle), shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        for file in self.values():
            file.go.set()
        await self._runner.cleanup()

    def url(self, path: str) -> str:
        """The URL of a path."""
        return f"http://127.0.0.1:{self.port}{path}"

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        file = self.get(request.path)
        if file is None:
            return web.Response(status=404)
        file.asked.append(dict(request.headers))
        if file.location:
            return web.Response(status=302, headers={"Location": file.location})
        if file.status != 200:
            return web.Response(status=file.status)
        return await self._send(request, file)

    async def _send(self, request: web.BaseRequest, file: File) -> web.StreamResponse:
        data, tag, start = file.data, file.entity(), 0
        if file.then is not None:
            file.data, file.then = file.then, None
        wanted = request.headers.get("Range", "")
        if file.ranges and wanted and (not file.heeds or request.headers.get("If-Range", tag) == tag):
            start = int(wanted.removeprefix("bytes=").partition("-")[0])
            if start >= len(data):
                return web.Response(status=416)
        response = web.StreamResponse(status=206 if start else 200)
        response.headers.update({**({"ETag": tag} if tag else {}), **file.headers})
        if start:
            response.headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        if file.chunked:
            response.enable_chunked_encoding()
        else:
            response.content_length = file.length if file.length is not None else len(data) - start
        await response.prepare(request)
        await self._body(request, response, file, data, start)
        return response

    async def _body(
        self, request: web.BaseRequest, response: web.StreamResponse, file: File, data: bytes, start: int
    ) -> None:
        end = len(data)
        cut = file.cut and len(file.asked) <= file.cuts
        if cut:
            end = min(end, start + file.cut)
        at = start
        transport: Any = request.transport
        while at < end:
            stop = min(end, at + 65536)
            if 0 <= file.stall < stop:
                stop = max(at, min(stop, file.stall))
            await response.write(data[at:stop])
            at = stop
            if at == file.stall and not file.go.is_set():
                await file.go.wait()
        if cut and end < len(data):
            transport.abort()
