"""The HTTP side of the API: ``/client/api``, GET and POST."""

from __future__ import annotations

import itertools
import logging
import time

from aiohttp import web

from cloudsim.api import origin, query, render
from cloudsim.api.dispatch import Answer, Dispatcher, Request, current_request
from cloudsim.api.params import Parameters
from cloudsim.core.errors import BadParameter, CloudError

log = logging.getLogger("cloudsim.access")


class Endpoint:
    """Answers the requests of one socket; `trusted` for the integration port. `port`: where all else is served."""

    def __init__(self, dispatcher: Dispatcher, *, trusted: bool = False, port: int = 0) -> None:
        self._dispatcher = dispatcher
        self._trusted = trusted
        self._port = port
        self._numbers = itertools.count(1)
        #: (command, status) to number of requests and seconds spent, for the metrics.
        self.counts: dict[tuple[str, int], list[float]] = {}

    async def handle(self, http: web.BaseRequest) -> web.StreamResponse:
        """One request."""
        started = time.perf_counter()
        current_request.set(str(next(self._numbers)))
        parameters = Parameters()
        try:
            if http.method == "POST":
                parameters = query.parse(_query_of(http), await _form(http))
            elif http.method in ("GET", "HEAD"):
                parameters = query.parse(_query_of(http))
            else:
                return web.Response(status=405, headers={"Allow": "GET, POST"})
        except CloudError as error:
            answer = Answer(error.errorcode, b"", render.XML)
            as_json = "response=json" in http.raw_path.lower()
            answer.body = render.render("errorresponse", render.error_body(error, as_json), as_json)
            answer.content_type = render.JSON if as_json else render.XML
        else:
            cookies = dict(http.cookies) if "Cookie" in http.headers else {}
            answer = await self._dispatcher.answer(
                Request(
                    parameters,
                    http.method,
                    cookies,
                    self._remote(http),
                    origin.base(http.scheme, http.headers, self._port),
                    trusted=self._trusted,
                    foreign=bool(cookies) and origin.from_another_site(http.headers),
                )
            )
        response = web.Response(status=answer.status, body=answer.body, headers={"Content-Type": answer.content_type})
        for name, value in answer.cookies.items():
            if value:
                response.set_cookie(
                    name,
                    value,
                    path="/client",
                    httponly=True,
                    samesite=self._same_site(),
                    secure=http.secure or origin.encrypted(http.headers),
                )
            else:
                response.del_cookie(name, path="/client")
        spent = time.perf_counter() - started
        count = self.counts.get((answer.command, answer.status))
        if count is None:
            count = self.counts[answer.command, answer.status] = [0, 0.0]
        count[0] += 1
        count[1] += spent
        if log.isEnabledFor(logging.DEBUG):
            log.debug("%s %s %d %.1f ms", http.method, answer.command or "-", answer.status, spent * 1000)
        return response

    def _remote(self, http: web.BaseRequest) -> str:
        return origin.address(http.remote or "", http.headers, self._dispatcher.cloud.settings)

    def _same_site(self) -> str:
        """Whether a cookie goes along with requests that other sites start (never without any limit)."""
        text = self._dispatcher.cloud.settings.text("api.sessionkey.cookie.samesite")
        return text if text in ("Lax", "Strict") else "Lax"


def _query_of(http: web.BaseRequest) -> str:
    return http.raw_path.partition("?")[2].partition("#")[0]


async def _form(http: web.BaseRequest) -> str:
    if http.content_type not in ("application/x-www-form-urlencoded", "application/octet-stream", ""):
        raise BadParameter(f"send parameters as application/x-www-form-urlencoded, not as {http.content_type[:80]}")
    try:
        body = await http.read()
    except web.HTTPRequestEntityTooLarge:
        raise BadParameter(f"the body is over the limit of {query.BODY_LIMIT} bytes") from None
    try:
        return body.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        raise BadParameter("the body is not UTF-8") from None
