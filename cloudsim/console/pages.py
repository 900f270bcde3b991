"""What a browser loads: the page of a console, and its scripts. Nothing of it comes from another host."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from aiohttp import web

from cloudsim.console import novnc

_TYPES = {"html": "text/html; charset=utf-8", "js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8"}
_OWN = ("console.js", "console.css")
#: Sent with every answer.
SAFE = {
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@cache
def _own(name: str) -> bytes:
    return (files("cloudsim.console") / "page" / name).read_bytes()


def _policy(host: str) -> str:
    """What the page may do: load scripts and pictures from here, and connect to here."""
    sockets = f" ws://{host} wss://{host}" if host else ""
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
        f"connect-src 'self'{sockets}; frame-ancestors 'self'; base-uri 'none'; form-action 'none'"
    )


def script(path: str) -> web.Response:
    """A script or style sheet: ours below ``app/``, else noVNC's."""
    folder, _, name = path.partition("/")
    try:
        body = _own(name) if folder == "app" and name in _OWN else novnc.files().get(path)
    except novnc.Missing as error:
        return text(503, str(error))
    if body is None:
        return text(404, "there is nothing here")
    headers = {"Content-Type": _TYPES[path.rpartition(".")[2]], "Cache-Control": "no-cache", **SAFE}
    return web.Response(body=body, headers=headers)


def page(host: str) -> web.Response:
    """The page itself, for a server that its client calls `host`."""
    headers = {
        "Content-Type": _TYPES["html"],
        "Cache-Control": "no-store",
        "Content-Security-Policy": _policy(host),
        **SAFE,
    }
    return web.Response(body=_own("vnc.html"), headers=headers)


def text(status: int, words: str, **headers: str) -> web.Response:
    """A plain answer."""
    return web.Response(status=status, text=words + "\n", headers={"Cache-Control": "no-store", **SAFE, **headers})
