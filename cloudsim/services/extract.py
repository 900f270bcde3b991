"""URLs under which volumes, templates and snapshots can be fetched from this server, for a time.

A URL names what it is for and until when, sealed with the server's own key: nothing is stored, so nothing has to be
cleaned up, a restarted server (or another one with the same key) serves it as well, and nobody can make one up. What is
no longer there is no longer served. Each noun says with `serves` how its file is found.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cloudsim.core.clock import to_wire
from cloudsim.core.errors import InvalidValue, PermissionDenied
from cloudsim.db.database import Row
from cloudsim.services import access, signed_url
from cloudsim.services.context import Context
from cloudsim.services.nouns import ACCOUNT

MODES = ("HTTP_DOWNLOAD", "FTP_UPLOAD")
#: Under which path of the server the URLs are.
ROOT = "/userdata/"
_PURPOSE = "extract"


@dataclass(frozen=True, slots=True)
class Served:
    """What is sent: a file, or, for what lies on simulated storage, an empty disk of `size` bytes."""

    #: As the file is called for whom fetches it, e.g. ``ROOT-12.qcow2``.
    filename: str
    size: int
    path: Path | None = None
    #: What is written at the start of a simulated disk.
    text: str = ""


#: Finds the file of a thing by its row id and the zone's; None where it is gone.
Finder = Callable[[Context, int, int | None], Served | None]
_FINDERS: dict[str, Finder] = {}


def serves(kind: str) -> Callable[[Finder], Finder]:
    """Registers how the file of one kind (Volume, Template, Snapshot) is found."""

    def register(function: Finder) -> Finder:
        _FINDERS[kind] = function
        return function

    return register


def check(ctx: Context, mode: str | None = None, url: str | None = None) -> None:
    """Raises where nothing may be fetched: `PermissionDenied` by setting disable.extraction, `InvalidValue` for a mode
    that this server does not have.
    """
    if ctx.settings.flag("disable.extraction") and not ctx.caller.is_admin:
        raise PermissionDenied("nothing is handed out here (setting disable.extraction)")
    word = (mode or MODES[0]).upper()
    if word not in MODES:
        raise InvalidValue(f"a mode is one of {', '.join(MODES)}, not '{word[:64]}'")
    if word != MODES[0] or url is not None:
        raise InvalidValue(
            "this server sends nothing to URLs: mode HTTP_DOWNLOAD, without url, answers one to fetch it from"
        )


def url_for(ctx: Context, kind: str, row: Row, zone_id: int | None, extension: str) -> str:
    """A URL for a thing, good for ``extract.url.expiration.interval`` seconds."""
    until = ctx.now + (ctx.settings.number("extract.url.expiration.interval") or 14400) * 1000
    what = {"for": _PURPOSE, "kind": kind, "id": row["id"], "zone": zone_id}
    token = signed_url.seal(ctx.cloud, what, until)
    # clients decode it before they fetch it, so it is written without anything to decode
    filename = re.sub(r"[^A-Za-z0-9._-]+", "-", row["name"][:100])
    return f"{signed_url.base(ctx.cloud)}{ROOT}{token}/{filename}.{extension}"


def answer(ctx: Context, kind: str, row: Row, zone: Row | None, url: str, storage: str = "image") -> dict[str, Any]:
    """The response object for a thing of account `account_id` that can be fetched from `url`."""
    made = {
        "id": row["uuid"],
        "name": row["name"],
        "accountid": access.row(ctx, ACCOUNT, row["account_id"])["uuid"],
        "created": to_wire(ctx.now),
        "extractId": ctx.uuid(),
        "extractMode": MODES[0],
        "state": "DOWNLOAD_URL_CREATED",
        "status": "DOWNLOAD_URL_CREATED",
        "storagetype": storage,
        "resultstring": f"{kind} can be fetched from the URL",
        "uploadpercentage": 0,
        "url": url,
    }
    return made if zone is None else {**made, "zoneid": zone["uuid"], "zonename": zone["name"]}


def find(ctx: Context, token: str) -> Served | None:
    """What a URL's token is for; None where it was not made here, is over, or names what is gone."""
    meant = signed_url.read(ctx.cloud, token)
    if meant is None or meant.get("for") != _PURPOSE:
        return None
    finder = _FINDERS.get(str(meant["kind"]))
    return None if finder is None else finder(ctx, meant["id"], meant["zone"])
