"""Secondary storage: where templates and ISOs lie, and the staging stores in front of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit, urlunsplit

from sqlalchemy import bindparam, func, select

from cloudsim.core.errors import InvalidValue, ResourceInUse
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.services import access, imagestore_choice, template
from cloudsim.services.context import Context
from cloudsim.services.imagestore_directory import directory_of
from cloudsim.services.listing import Listing, equals, equals_nocase
from cloudsim.services.nouns import IMAGE_STORE, ZONE

store = schema.image_store

#: What a store is for: templates, or copies in front of a store of the whole region.
IMAGE, CACHE = "Image", "ImageCache"
LISTING = Listing(
    store,
    filters={
        "id": equals(store.c.id, "id"),
        "name": equals(store.c.name, "name"),
        "protocol": equals_nocase(store.c.protocol, "protocol"),
        "provider": equals_nocase(store.c.provider, "provider"),
        "readonly": equals(store.c.read_only, "readonly"),
        "zone": equals(store.c.zone_id, "zone"),
        "role": equals(store.c.role, "role"),
    },
    keyword=(store.c.name, store.c.provider),
)
_ROWS = (
    select(store, schema.zone.c.uuid.label("zone_uuid"), schema.zone.c.name.label("zone_name"))
    .select_from(store.outerjoin(schema.zone, store.c.zone_id == schema.zone.c.id))
    .where(any_of(store.c.id, "ids"))
)

#: Providers of a zone's storage by the schemes of their URLs, and those of a whole region's.
ZONE_PROVIDERS = {"nfs": "NFS", "cifs": "SMB", "file": "NFS"}
REGION_PROVIDERS = ("S3", "Swift")
PROVIDERS = ("NFS", "SMB", *REGION_PROVIDERS)
#: Details that nobody is told: they are sealed where they lie.
SECRETS = frozenset(("secretkey", "key", "password"))
_placed = schema.template_zone
_SAME = select(store.c.id).where(store.c.url == bindparam("url"), store.c.removed.is_(None))
_SAME_DIRECTORY = select(store.c.id).where(store.c.directory == bindparam("directory"), store.c.removed.is_(None))
_OTHER = select(store).where(
    store.c.role == IMAGE, store.c.provider != bindparam("provider"), store.c.removed.is_(None)
)
_ZONE_STORES = select(store).where(store.c.role == IMAGE, store.c.scope == "ZONE", store.c.removed.is_(None))
_ZONES = select(schema.zone).where(schema.zone.c.removed.is_(None)).order_by(schema.zone.c.id)
_HYPERVISORS = (
    select(schema.cluster.c.hypervisor)
    .where(schema.cluster.c.zone_id == bindparam("zone_id"), schema.cluster.c.removed.is_(None))
    .distinct()
)
_TEMPLATES = (
    select(func.count())
    .select_from(_placed.join(schema.template, _placed.c.template_id == schema.template.c.id))
    .where(
        _placed.c.store_id == bindparam("which"),
        schema.template.c.removed.is_(None),
        schema.template.c.type != "BUILTIN",
        schema.template.c.type != "SYSTEM",
    )
)
_SNAPSHOTS = select(func.count()).where(schema.snapshot_store.c.store_id == bindparam("which"))
_DROP_PLACED = _placed.delete().where(_placed.c.store_id == bindparam("which"))


def page(ctx: Context, ids: Sequence[int]) -> list[tuple[Row, int | None]]:
    """Image stores with the names of their zones, and the bytes on those whose capacity is known, in the order of ids."""
    rows = {row["id"]: row for row in ctx.tx.all(_ROWS, ids=ids)}
    told = [row_id for row_id, row in rows.items() if row["capacity"] is not None]
    sizes = imagestore_choice.used(ctx, told) if told else {}
    return [(rows[row_id], sizes.get(row_id)) for row_id in ids if row_id in rows]


def create(
    ctx: Context,
    *,
    name: str | None,
    url: str | None,
    zone: Row | None,
    provider: str,
    details: Mapping[str, str],
    role: str = IMAGE,
) -> int:
    """Adds secondary storage of a zone, or of the whole region; answers its id. Raises `InvalidValue`.

    The zones that it serves get the templates that the server brings.
    """
    known = {one.lower(): one for one in PROVIDERS}
    if provider.lower() not in known:
        raise InvalidValue(f"secondary storage is kept by {', '.join(PROVIDERS)}, not by '{provider[:64]}'")
    provider = known[provider.lower()]
    region = provider in REGION_PROVIDERS
    if role == CACHE and provider != "NFS":
        raise InvalidValue("staging stores are kept by NFS")
    if region and zone is not None:
        raise InvalidValue(f"storage kept by {provider} serves the whole region: give no zoneid")
    if not region and zone is None:
        raise InvalidValue("that secondary storage serves a zone: give zoneid")
    directory = directory_of(url, details)
    if directory is not None and (region or role == CACHE):
        raise InvalidValue("only image stores of zones have their files in a directory")
    url, protocol = _object_url(url, provider, details) if region else _url(url)
    url = _without_password(url)
    if ctx.tx.scalar(_SAME, url=url) is not None:
        raise InvalidValue("there is an image store with that URL already")
    if directory is not None and ctx.tx.scalar(_SAME_DIRECTORY, directory=directory) is not None:
        raise InvalidValue("there is an image store in that directory already")
    if role == IMAGE:
        _check_provider(ctx, provider)
    row_id = ctx.tx.insert(
        store,
        uuid=ctx.uuid(),
        created=ctx.now,
        removed=None,
        name=name or url,
        url=url,
        protocol=protocol,
        provider=provider,
        scope="ZONE" if zone is not None else "REGION",
        zone_id=zone["id"] if zone is not None else None,
        read_only=False,
        role=role,
        capacity=None,
        directory=directory,
    )
    seal = ctx.cloud.cipher.seal
    ctx.tx.insert_many(
        schema.detail,
        [
            {
                "resource_type": "ImageStore",
                "resource_id": row_id,
                "name": key,
                "value": seal(value) if key.lower() in SECRETS else value,
                "display": False,
            }
            for key, value in details.items()
        ],
    )
    if role == IMAGE:
        for one in [zone] if zone is not None else ctx.tx.all(_ZONES):
            offer(ctx, one)
    return row_id


def _check_provider(ctx: Context, provider: str) -> None:
    """Stores of a zone and stores of the whole region do not stand side by side, as in the reference."""
    for row in ctx.tx.all(_OTHER, provider=provider):
        if row["provider"] in REGION_PROVIDERS or provider in REGION_PROVIDERS:
            raise InvalidValue(
                f"image store {row['name']} is kept by {row['provider']}: {provider} cannot stand beside it "
                "(updateCloudToUseObjectStore changes from one to the other)"
            )


def offer(ctx: Context, zone: Row) -> None:
    """Gives a zone the templates the server brings for its hypervisors, where it lacks them."""
    for row in ctx.tx.all(_HYPERVISORS, zone_id=zone["id"]):
        template.offer(ctx, zone, row["hypervisor"])


def _url(url: str | None) -> tuple[str, str]:
    if not url:
        raise InvalidValue("secondary storage needs a URL such as nfs://server/path")
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        raise InvalidValue(f"'{url[:100]}' is not a URL") from None
    if parts.scheme.lower() == "file":
        return url, "nfs"
    if parts.scheme.lower() not in ZONE_PROVIDERS or not host or not parts.path.strip("/"):
        raise InvalidValue("the URL of secondary storage is nfs://server/path or cifs://server/path")
    return url, parts.scheme.lower()


def _without_password(url: str) -> str:
    """A URL as it is kept and shown: who mounts the store is told the password by other means."""
    parts = urlsplit(url)
    query = "&".join(one for one in parts.query.split("&") if not one.lower().startswith("password="))
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query=query))


def _object_url(url: str | None, provider: str, details: Mapping[str, str]) -> tuple[str, str]:
    """The URL of an object store: as given, or made of its details."""
    lower = {key.lower(): value for key, value in details.items()}
    if provider == "S3":
        lacking = [name for name in ("accesskey", "secretkey", "bucket") if not lower.get(name)]
        if lacking:
            raise InvalidValue(f"S3 needs the details {', '.join(lacking)}")
        made = url or f"{lower.get('endpoint') or 's3.amazonaws.com'}/{lower['bucket']}"
    else:
        if not url:
            raise InvalidValue("Swift needs a URL such as http://server/v1")
        made = url
    try:
        parts = urlsplit(made if "://" in made else f"{provider.lower()}://{made}")
        host = parts.hostname
    except ValueError:
        host = None
    if not host:
        raise InvalidValue(f"'{made[:100]}' is not the URL of an object store")
    return parts.geturl(), provider.lower()


def update(ctx: Context, row: Row, *, name: str | None, read_only: bool | None, capacity: int | None) -> None:
    """Changes an image store; what is None stays. Raises `InvalidValue`."""
    if name is not None and not name.strip():
        raise InvalidValue("an image store needs a name")
    if capacity is not None:
        lying = imagestore_choice.used(ctx, [row["id"]])[row["id"]]
        if capacity < max(lying, 1):
            raise InvalidValue(f"{lying} bytes lie on image store {row['name']}: capacitybytes cannot be less")
    given = {"name": name, "read_only": read_only, "capacity": capacity}
    changed = {key: value for key, value in given.items() if value is not None}
    if changed:
        ctx.tx.update(store, {"id": row["id"]}, **changed)
    if read_only is not None and read_only != row["read_only"]:
        ctx.event(
            "IMAGE.STORE.ACCESS.UPDATED",
            f"image store {row['name']} is {'only read' if read_only else 'read and written'} now",
            resource=(IMAGE_STORE.type, row["uuid"]),
        )


def delete(ctx: Context, row: Row) -> None:
    """Removes an image store that no template but the server's own lies on. Raises `ResourceInUse`.

    The server's own go to another store of the zone, where there is one that takes them.
    """
    if row["role"] != IMAGE:
        raise InvalidValue(f"{row['name']} is a staging store: deleteSecondaryStagingStore removes it")
    number = ctx.tx.scalar(_TEMPLATES, which=row["id"])
    if number:
        raise ResourceInUse(f"{number} templates or ISOs lie on image store {row['name']}: remove them first")
    number = ctx.tx.scalar(_SNAPSHOTS, which=row["id"])
    if number:
        raise ResourceInUse(f"{number} snapshots lie on image store {row['name']}: remove them first")
    ctx.tx.execute(_DROP_PLACED, which=row["id"])
    ctx.tx.update(store, {"id": row["id"]}, removed=ctx.now)
    for zone in [access.row(ctx, ZONE, row["zone_id"])] if row["zone_id"] else ctx.tx.all(_ZONES):
        offer(ctx, zone)


def delete_staging(ctx: Context, row: Row) -> None:
    """Removes a staging store. Raises `InvalidValue` for another kind of store."""
    if row["role"] != CACHE:
        raise InvalidValue(f"{row['name']} is no staging store")
    ctx.tx.update(store, {"id": row["id"]}, removed=ctx.now)


def to_object_store(
    ctx: Context, *, name: str | None, url: str | None, provider: str, details: Mapping[str, str]
) -> int:
    """Puts a store of the whole region in the place of those of zones; answers its id. Raises `InvalidValue`.

    Those become staging stores, and what lay on them lies on the new one.
    """
    if provider.lower() not in {one.lower() for one in REGION_PROVIDERS}:
        raise InvalidValue(f"an object store is kept by {', '.join(REGION_PROVIDERS)}, not by '{provider[:64]}'")
    before = ctx.tx.all(_ZONE_STORES)
    for row in before:
        if row["directory"] is not None:
            raise InvalidValue(f"image store {row['name']} holds files: they cannot be brought to an object store")
        if row["provider"] != "NFS":
            raise InvalidValue(f"image store {row['name']} is kept by {row['provider']}: only NFS can stage")
        ctx.tx.update(store, {"id": row["id"]}, role=CACHE)
    made = create(ctx, name=name, url=url, zone=None, provider=provider, details=details)
    for row in before:
        ctx.tx.update(_placed, {"store_id": row["id"]}, store_id=made)
    return made


__all__ = ["CACHE", "IMAGE", "LISTING", "PROVIDERS", "create", "delete", "delete_staging", "page", "to_object_store",
           "update"]  # fmt: skip
