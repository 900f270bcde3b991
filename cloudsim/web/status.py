"""``/healthz``, ``/readyz`` and ``/metrics``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from cloudsim.web.figures import Figures


class Status:
    """Answers whatever is not the API. `figures` tells what the server is doing."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures
        self._started = time.time()  # noqa: TID251

    async def handle(self, request: web.BaseRequest, path: str) -> web.StreamResponse:
        """One request."""
        if request.method not in ("GET", "HEAD"):
            return web.Response(status=405, headers={"Allow": "GET"})
        if path == "/healthz":
            return web.Response(text="ok\n")
        if path == "/readyz":
            ready = self._figures.ready
            return web.Response(status=200 if ready else 503, text="ready\n" if ready else "starting\n")
        if path == "/metrics":
            from cloudsim.web.metrics import exposition

            body, content_type = exposition(self._figures)
            return web.Response(body=body, headers={"Content-Type": content_type})
        if path in ("/", "/client", "/client/"):
            return web.Response(text="cloudsim: the API is at /client/api\n")
        return web.Response(status=404, text="there is nothing here; the API is at /client/api\n")
