"""Files that are handed out under the URLs of `services.extract`, and taken under those of `services.upload`."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor

from aiohttp import BodyPartReader, MultipartReader, web

from cloudsim.core.caller import Caller
from cloudsim.core.diskimage.blank import blank
from cloudsim.core.errors import CloudError
from cloudsim.db.database import DatabaseError
from cloudsim.services import extract, signed_url, upload
from cloudsim.services.context import Cloud
from cloudsim.services.transfer import TransferError, Workshop

log = logging.getLogger(__name__)

#: What browsers of other origins (the pages of an official client) may send.
_CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST, OPTIONS",
    "Access-Control-Allow-Headers": "x-requested-with, Content-Type, origin, X-signature, X-metadata, X-expires",
}
#: How many files are sent to this server at once.
WIDTH = 4
_PART = 1024 * 1024


class Files:
    """Answers these URLs."""

    def __init__(self, cloud: Cloud, admin: Caller) -> None:
        self._cloud = cloud
        self._admin = admin
        self._executor = ThreadPoolExecutor(WIDTH, "uploads")
        self._workshop = Workshop(self._executor)
        self._sending = 0

    def close(self) -> None:
        """Lets its threads go."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    async def handle(self, request: web.BaseRequest, path: str) -> web.StreamResponse:
        """One request."""
        if path.startswith(extract.ROOT):
            if request.method not in ("GET", "HEAD"):
                return web.Response(status=405, headers={"Allow": "GET"})
            return await self._hand_out(request, path.removeprefix(extract.ROOT).partition("/")[0])
        if request.method == "OPTIONS":
            return web.Response(headers=_CORS)
        if request.method != "POST":
            return web.Response(status=405, headers={"Allow": "POST, OPTIONS"})
        return await self._take(request, path.removeprefix(signed_url.UPLOAD))

    async def _hand_out(self, request: web.BaseRequest, token: str) -> web.StreamResponse:
        """A file, or the part of it that is asked for."""
        found = await self._cloud.db.read(lambda tx: extract.find(self._cloud.context(tx, self._admin), token))
        if found is None:
            return web.Response(status=404, text="there is nothing here: the URL is over, or what it was for is gone\n")
        name = found.filename.encode("ascii", "replace").decode().replace('"', "_").replace("\\", "_")
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Content-Type": "application/octet-stream"}
        if found.path is not None:
            return web.FileResponse(found.path, chunk_size=_PART, headers=headers)
        return _part(request, blank(found.size, found.text.encode()), headers)

    async def _take(self, request: web.BaseRequest, uuid: str) -> web.StreamResponse:
        cloud, headers = self._cloud, request.headers
        given = (headers.get("X-metadata", ""), headers.get("X-signature", ""), headers.get("X-expires", ""))
        if not all(given) or len(uuid) > 40:
            return web.Response(status=403, text="X-metadata, X-signature and X-expires are missing\n", headers=_CORS)
        if self._sending >= WIDTH:
            return web.Response(status=503, text="too many files are being sent\n", headers=_CORS)
        self._sending += 1
        try:
            parts, length = await _parts(request)
            await upload.accept(cloud, self._admin, self._workshop, uuid, given, length, parts)
        except (CloudError, TransferError) as error:
            return web.Response(status=400, text=f"{error}\n", headers=_CORS)
        except ValueError:
            return web.Response(status=400, text="the form cannot be read\n", headers=_CORS)
        except DatabaseError as error:
            log.error("an upload: %s", error)
            return web.Response(status=503, text="the database cannot be reached\n", headers=_CORS)
        finally:
            self._sending -= 1
        return web.Response(text="uploaded\n", headers=_CORS)


async def _parts(request: web.BaseRequest) -> tuple[AsyncIterator[bytes], int | None]:
    """The file that is sent, and its length where that is known: the body, or the first file of a form."""
    if not request.content_type.startswith("multipart/"):
        return request.content.iter_any(), request.content_length
    form = MultipartReader(request.headers, request.content)
    while (part := await form.next()) is not None:
        if isinstance(part, BodyPartReader) and part.filename:
            return _of_form(part), None
    raise ValueError("no file")


async def _of_form(part: BodyPartReader) -> AsyncIterator[bytes]:
    while data := await part.read_chunk(_PART):
        yield bytes(data)


def _part(request: web.BaseRequest, body: bytes, headers: dict[str, str]) -> web.Response:
    """A body, or the part of it that is asked for."""
    headers["Accept-Ranges"] = "bytes"
    try:
        wanted = request.http_range
    except ValueError:
        return web.Response(status=416, headers={"Content-Range": f"bytes */{len(body)}"})
    if wanted.start is None and wanted.stop is None:
        return web.Response(body=body, headers=headers)
    start, stop, _ = wanted.indices(len(body))
    if start >= stop:
        return web.Response(status=416, headers={"Content-Range": f"bytes */{len(body)}"})
    headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(body)}"
    return web.Response(status=206, body=body[start:stop], headers=headers)
