"""Pictures that stand for things."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from cloudsim.core.errors import BadParameter, InvalidValue, PermissionDenied
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.services import access, nouns
from cloudsim.services.context import Context
from cloudsim.services.nouns import Noun, Owner

table = schema.resource_icon

#: What can have a picture, by the name the API gives it.
KINDS: dict[str, Noun] = {
    "UserVm": nouns.VIRTUAL_MACHINE,
    "Template": nouns.TEMPLATE,
    "ISO": nouns.TEMPLATE,
    "Network": nouns.NETWORK,
    "Zone": nouns.ZONE,
    "User": nouns.USER,
    "Project": nouns.PROJECT,
    "Account": nouns.ACCOUNT,
    "Domain": nouns.DOMAIN,
    "GuestOsCategory": nouns.GUEST_OS_CATEGORY,
}
_BY_NAME = {name.lower(): name for name in KINDS}
_OF = select(table).where(any_of(table.c.resource_uuid, "uuids"))
_DELETE = table.delete().where(any_of(table.c.resource_uuid, "uuids"))
#: How the pictures begin that browsers show.
_BEGINNINGS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"BM")
#: Bytes.
MOST = 1024 * 1024


def kind_of(text: str) -> str:
    """The kind a client names. Raises `InvalidValue`."""
    found = _BY_NAME.get(text.lower())
    if found is None:
        raise InvalidValue(f"resourcetype takes {', '.join(sorted(KINDS))}, not '{text[:64]}'")
    return found


def checked(text: str) -> str:
    """A picture as Base64. Raises `InvalidValue` for what is none, or too large, or could act by itself."""
    data = text.partition(",")[2] if text.startswith("data:") else text
    # a client may have sent "+" unencoded
    data = data.replace(" ", "+").replace("\n", "")
    try:
        raw = base64.b64decode(data, validate=True)
    except (ValueError, binascii.Error):
        raise InvalidValue("base64image is not Base64") from None
    if len(raw) > MOST:
        raise InvalidValue(f"a picture has up to {MOST} bytes")
    lower = raw.lower()
    if raw.startswith(_BEGINNINGS) or (raw[:4] == b"RIFF" and raw[8:12] == b"WEBP"):
        return data
    if b"<svg" in lower[:1024] and lower.lstrip().startswith((b"<svg", b"<?xml")):
        if b"<script" in lower or b"javascript:" in lower or b"<foreignobject" in lower:
            raise InvalidValue("a picture holds no script")
        return data
    raise InvalidValue("base64image is no PNG, JPEG, GIF, BMP, WebP or SVG")


def _found(ctx: Context, kind: str, uuids: Sequence[str], *, change: bool) -> list[Row]:
    noun = KINDS[kind]
    if not uuids:
        raise BadParameter("parameter resourceids is missing")
    rows = access.find_all(ctx, noun, list(dict.fromkeys(uuids)))
    for row in rows:
        if noun is nouns.TEMPLATE and (row["format"] == "ISO") != (kind == "ISO"):
            raise access.not_found(noun, row["uuid"])
        if change:
            _must_change(ctx, noun, row)
    return rows


def _must_change(ctx: Context, noun: Noun, row: Row) -> None:
    caller = ctx.caller
    if caller.is_admin:
        return
    if noun is nouns.DOMAIN:
        allowed = caller.is_domain_admin and access.within(ctx, row["id"])
    elif noun is nouns.ACCOUNT:
        allowed = access.owns(ctx, row["id"], row["domain_id"])
    else:
        allowed = noun.owner is not Owner.CLOUD and access.owns(ctx, row["account_id"], row["domain_id"])
    if not allowed:
        raise PermissionDenied(f"the picture of {noun.label} {row['uuid']} is not yours to change")


def upload(ctx: Context, kind: str, uuids: Sequence[str], image: str) -> None:
    """Gives things a picture, in the place of one they have. Raises `InvalidValue`, `PermissionDenied`."""
    image = checked(image)
    for row in _found(ctx, kind, uuids, change=True):
        if ctx.tx.update(table, {"resource_uuid": row["uuid"]}, icon=image, created=ctx.now) == 0:
            ctx.tx.insert(table, resource_type=kind, resource_uuid=row["uuid"], created=ctx.now, icon=image)


def remove(ctx: Context, kind: str, uuids: Sequence[str]) -> None:
    """Takes the pictures of things away. Raises `InvalidValue`, `PermissionDenied`."""
    rows = _found(ctx, kind, uuids, change=True)
    if not ctx.tx.execute(_DELETE, uuids=[row["uuid"] for row in rows]):
        raise InvalidValue("none of these has a picture")
    names = ", ".join(str(row["uuid"]) for row in rows)
    ctx.event("DELETE.RESOURCE.ICON", f"the pictures of {KINDS[kind].label} {names} were deleted")


def _icon(row: Row) -> dict[str, Any]:
    return {"base64image": row["icon"], "resourcetype": row["resource_type"], "resourceid": row["resource_uuid"]}


def listed(ctx: Context, kind: str, uuids: Sequence[str]) -> list[dict[str, Any]]:
    """The pictures of things that the caller may see."""
    rows = _found(ctx, kind, uuids, change=False)
    return [_icon(row) for row in ctx.tx.all(_OF, uuids=[row["uuid"] for row in rows])]


def show(ctx: Context, objects: Sequence[dict[str, Any]]) -> None:
    """Adds the pictures to the objects of a page, in one statement."""
    found = {row["resource_uuid"]: row for row in ctx.tx.all(_OF, uuids=[one["id"] for one in objects])}
    for one in objects:
        if one["id"] in found:
            one["icon"] = _icon(found[one["id"]])


__all__ = ["KINDS", "checked", "kind_of", "listed", "remove", "show", "upload"]
