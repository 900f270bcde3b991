"""Files that can be fetched under the URLs of `services.extract`."""

from __future__ import annotations

from aiohttp import web

from cloudsim.core.caller import Caller
from cloudsim.core.diskimage.blank import blank
from cloudsim.services import extract
from cloudsim.services.context import Cloud


class Files:
    """Answers requests below `extract.ROOT`."""

    def __init__(self, cloud: Cloud, admin: Caller) -> None:
        self._cloud = cloud
        self._admin = admin

    async def handle(self, request: web.BaseRequest, path: str) -> web.StreamResponse:
        """One request; parts of a file can be asked for."""
        if request.method not in ("GET", "HEAD"):
            return web.Response(status=405, headers={"Allow": "GET"})
        token = path.removeprefix(extract.ROOT).partition("/")[0]
        found = await self._cloud.db.read(lambda tx: extract.find(self._cloud.context(tx, self._admin), token))
        if found is None:
            return web.Response(status=404, text="there is nothing here: the URL is over, or what it was for is gone\n")
        name = found.filename.encode("ascii", "replace").decode().replace('"', "_").replace("\\", "_")
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Content-Type": "application/octet-stream"}
        if found.path is not None:
            return web.FileResponse(found.path, headers=headers)
        body = blank(found.size, found.text.encode())
        return _part(request, body, headers)


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
