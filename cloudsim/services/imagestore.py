"""Secondary storage: where templates and ISOs lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit, urlunsplit

from sqlalchemy import bindparam, func, select

from cloudsim.core.errors import InvalidValue, ResourceInUse
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.services import template
from cloudsim.services.context import Context
from cloudsim.services.listing import Listing, equals, equals_nocase

store = schema.image_store

LISTING = Listing(
    store,
    filters={
        "id": equals(store.c.id, "id"),
        "name": equals(store.c.name, "name"),
        "protocol": equals_nocase(store.c.protocol, "protocol"),
        "provider": equals_nocase(store.c.provider, "provider"),
        "readonly": equals(store.c.read_only, "readonly"),
        "zone": equals(store.c.zone_id, "zone"),
    },
    keyword=(store.c.name, store.c.provider),
)
_ROWS = (
    select(store, schema.zone.c.uuid.label("zone_uuid"), schema.zone.c.name.label("zone_name"))
    .select_from(store.outerjoin(schema.zone, store.c.zone_id == schema.zone.c.id))
    .where(any_of(store.c.id, "ids"))
)

PROVIDERS = ("NFS", "SMB")
PROTOCOLS = ("nfs", "cifs")
_placed = schema.template_zone
_SAME = select(store.c.id).where(store.c.url == bindparam("url"), store.c.removed.is_(None))
_HYPERVISORS = (
    select(schema.cluster.c.hypervisor)
    .where(schema.cluster.c.zone_id == bindparam("zone_id"), schema.cluster.c.removed.is_(None))
    .distinct()
)
_TEMPLATES = (
    select(func.count())
    .select_from(_placed.join(schema.template, _placed.c.template_id == schema.template.c.id))
    .where(
        _placed.c.store == bindparam("url"),
        schema.template.c.removed.is_(None),
        schema.template.c.type != "BUILTIN",
        schema.template.c.type != "SYSTEM",
    )
)
_DROP_PLACED = _placed.delete().where(_placed.c.store == bindparam("url"))


def page(ctx: Context, ids: Sequence[int]) -> list[Row]:
    """Image stores with the names of their zones, in the order of their ids."""
    rows = {row["id"]: row for row in ctx.tx.all(_ROWS, ids=ids)}
    return [rows[row_id] for row_id in ids if row_id in rows]


def create(
    ctx: Context, *, name: str | None, url: str | None, zone: Row | None, provider: str, details: Mapping[str, str]
) -> int:
    """Adds secondary storage; answers its id. The zone gets the templates that the server brings. Raises `InvalidValue`."""
    known = {one.lower(): one for one in PROVIDERS}
    if provider.lower() not in known:
        raise InvalidValue(f"secondary storage is kept by {', '.join(PROVIDERS)}, not by '{provider[:64]}'")
    provider = known[provider.lower()]
    if zone is None:
        raise InvalidValue("that secondary storage serves a zone: give zoneid")
    protocol = _protocol(url)
    url = _without_password(url or "")
    if ctx.tx.scalar(_SAME, url=url) is not None:
        raise InvalidValue("there is an image store with that URL already")
    row_id = ctx.tx.insert(
        store,
        uuid=ctx.uuid(),
        created=ctx.now,
        removed=None,
        name=name or url,
        url=url,
        protocol=protocol,
        provider=provider,
        scope="ZONE",
        zone_id=zone["id"],
        read_only=False,
    )
    ctx.tx.insert_many(
        schema.detail,
        [
            {"resource_type": "ImageStore", "resource_id": row_id, "name": key, "value": value, "display": False}
            for key, value in details.items()
        ],
    )
    for hypervisor in ctx.tx.all(_HYPERVISORS, zone_id=zone["id"]):
        template.offer(ctx, zone, hypervisor["hypervisor"])
    return row_id


def _protocol(url: str | None) -> str:
    if not url:
        raise InvalidValue("secondary storage needs a URL such as nfs://server/path")
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        raise InvalidValue(f"'{url[:100]}' is not a URL") from None
    if parts.scheme.lower() not in PROTOCOLS or not host or not parts.path.strip("/"):
        raise InvalidValue("the URL of secondary storage is nfs://server/path or cifs://server/path")
    return parts.scheme.lower()


def _without_password(url: str) -> str:
    """A URL as it is kept and shown: who mounts the store is told the password by other means."""
    parts = urlsplit(url)
    query = "&".join(one for one in parts.query.split("&") if not one.lower().startswith("password="))
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query=query))


def update(ctx: Context, row: Row, *, name: str | None, read_only: bool | None) -> None:
    """Changes an image store; what is None stays. Raises `InvalidValue`."""
    if name is not None and not name.strip():
        raise InvalidValue("an image store needs a name")
    changed = {key: value for key, value in (("name", name), ("read_only", read_only)) if value is not None}
    if changed:
        ctx.tx.update(store, {"id": row["id"]}, **changed)


def delete(ctx: Context, row: Row) -> None:
    """Removes an image store that no template but the server's own lies on. Raises `ResourceInUse`."""
    number = ctx.tx.scalar(_TEMPLATES, url=row["url"])
    if number:
        raise ResourceInUse(f"{number} templates or ISOs lie on image store {row['name']}: remove them first")
    ctx.tx.execute(_DROP_PLACED, url=row["url"])
    ctx.tx.update(store, {"id": row["id"]}, removed=ctx.now)


__all__ = ["LISTING", "PROTOCOLS", "PROVIDERS", "create", "delete", "page", "update"]
