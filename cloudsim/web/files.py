"""Files of image stores, handed out and taken under signed URLs: ``/client/download/`` and ``/client/upload/``."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from aiohttp import BodyPartReader, MultipartReader, web

from cloudsim.core.errors import CloudError
from cloudsim.db.database import DatabaseError
from cloudsim.services import identity, signed_url, template_extract, template_upload
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

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._executor = ThreadPoolExecutor(WIDTH, "uploads")
        self._workshop = Workshop(self._executor)
        self._sending = 0

    def close(self) -> None:
        """Lets its threads go."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    async def handle(self, request: web.BaseRequest, path: str) -> web.StreamResponse:
        """One request."""
        if path.startswith(signed_url.DOWNLOAD):
            if request.method not in ("GET", "HEAD"):
                return web.Response(status=405, headers={"Allow": "GET"})
            return await self._hand_out(path.removeprefix(signed_url.DOWNLOAD).partition("/")[0])
        if request.method == "OPTIONS":
            return web.Response(headers=_CORS)
        if request.method != "POST":
            return web.Response(status=405, headers={"Allow": "POST, OPTIONS"})
        return await self._take(request, path.removeprefix(signed_url.UPLOAD))

    async def _hand_out(self, word: str) -> web.StreamResponse:
        cloud = self._cloud
        meant = signed_url.read(cloud, word)
        if meant is None:
            return web.Response(status=403, text="the URL is not valid, or not any more\n")

        def look(tx: Any) -> str | None:
            admin = identity.by_user_id(tx, 2)
            assert admin is not None
            return template_extract.file_of(cloud.context(tx, admin), int(str(meant["id"])))

        file = await cloud.db.read(look)
        if file is None:
            return web.Response(status=404, text="the file is not there any more\n")
        return web.FileResponse(file, chunk_size=_PART, headers={"Content-Type": "application/octet-stream"})

    async def _take(self, request: web.BaseRequest, uuid: str) -> web.StreamResponse:
        cloud, headers = self._cloud, request.headers
        given = (headers.get("X-metadata", ""), headers.get("X-signature", ""), headers.get("X-expires", ""))
        if not all(given) or len(uuid) > 40:
            return web.Response(status=403, text="X-metadata, X-signature and X-expires are missing\n", headers=_CORS)
        if self._sending >= WIDTH:
            return web.Response(status=503, text="too many files are being sent\n", headers=_CORS)
        admin = await cloud.db.read(lambda tx: identity.by_user_id(tx, 2))
        assert admin is not None
        self._sending += 1
        try:
            parts, length = await _parts(request)
            await template_upload.accept(cloud, admin, self._workshop, uuid, given, length, parts)
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
