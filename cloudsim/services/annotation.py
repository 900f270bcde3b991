"""Comments on things: whoever may see the thing may comment on it and read the comments, but those for admins only."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, select

from cloudsim.core.errors import InvalidValue, PermissionDenied
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.services import access, nouns
from cloudsim.services.access import EVERYTHING, Scope
from cloudsim.services.context import Cloud, Context
from cloudsim.services.listing import Listing, Page, equals
from cloudsim.services.nouns import Noun, Owner

table = schema.annotation

#: What can have comments, by the name the API gives it.
KINDS: dict[str, Noun] = {
    "VM": nouns.VIRTUAL_MACHINE,
    "VOLUME": nouns.VOLUME,
    "INSTANCE_GROUP": nouns.INSTANCE_GROUP,
    "SSH_KEYPAIR": nouns.SSH_KEYPAIR,
    "USER_DATA": nouns.USER_DATA,
    "NETWORK": nouns.NETWORK,
    "PUBLIC_IP_ADDRESS": nouns.PUBLIC_IP,
    "TEMPLATE": nouns.TEMPLATE,
    "ISO": nouns.TEMPLATE,
    "SERVICE_OFFERING": nouns.SERVICE_OFFERING,
    "DISK_OFFERING": nouns.DISK_OFFERING,
    "NETWORK_OFFERING": nouns.NETWORK_OFFERING,
    "ZONE": nouns.ZONE,
    "POD": nouns.POD,
    "CLUSTER": nouns.CLUSTER,
    "HOST": nouns.HOST,
    "DOMAIN": nouns.DOMAIN,
    "PRIMARY_STORAGE": nouns.STORAGE_POOL,
    "SECONDARY_STORAGE": nouns.IMAGE_STORE,
    "SYSTEM_VM": nouns.SYSTEM_VM,
    "VR": nouns.ROUTER,
}

LISTING = Listing(
    table,
    filters={
        "id": equals(table.c.uuid, "id"),
        "kind": equals(table.c.entity_type, "kind"),
        "entity": equals(table.c.entity_uuid, "entity"),
        "user": equals(table.c.user_id, "user"),
        "open": table.c.admins_only.is_(False),
    },
    keyword=(table.c.annotation,),
    seen={"own": table.c.user_id == bindparam("scope_user")},
)
_ROWS = (
    select(table, schema.user.c.uuid.label("user_uuid"), schema.user.c.username)
    .select_from(table.join(schema.user, table.c.user_id == schema.user.c.id))
    .where(any_of(table.c.id, "ids"))
)
_BY_UUID = select(table).where(table.c.uuid == bindparam("uuid"), table.c.removed.is_(None))
_ALL = select(table.c.entity_uuid, table.c.admins_only).where(table.c.removed.is_(None))
_OF = select(table.c.admins_only).where(table.c.entity_uuid == bindparam("entity"), table.c.removed.is_(None))


async def follow(cloud: Cloud) -> None:
    """Loads which things have comments, so that lists can tell without asking."""
    for row in await cloud.db.read(lambda tx: tx.all(_ALL)):
        cloud.annotated[row["entity_uuid"]] = cloud.annotated.get(row["entity_uuid"], True) and row["admins_only"]


def _follow(ctx: Context, entity: str) -> None:
    """After a change: what is kept in memory follows when the change is durable."""
    rows = ctx.tx.all(_OF, entity=entity)
    known = ctx.cloud.annotated

    def hold() -> None:
        if rows:
            known[entity] = all(row["admins_only"] for row in rows)
        else:
            known.pop(entity, None)

    ctx.tx.on_commit(hold)


def kind_of(text: str) -> str:
    """The kind a client names. Raises `InvalidValue`."""
    if text.upper() not in KINDS:
        raise InvalidValue(f"entitytype takes {', '.join(sorted(KINDS))}, not '{text[:64]}'")
    return text.upper()


def _entity(ctx: Context, kind: str, uuid: str) -> Row:
    noun = KINDS[kind]
    if noun.owner is Owner.CLOUD and not ctx.caller.is_admin:
        raise access.not_found(noun, uuid)
    return access.find(ctx, noun, uuid)


def rows(ctx: Context, ids: Sequence[int]) -> list[tuple[Row, str | None]]:
    """Comments with who wrote them, each with the name of what it is on."""
    found = {row["id"]: row for row in ctx.tx.all(_ROWS, ids=ids)}
    names: dict[str, str] = {}
    for kind in {row["entity_type"] for row in found.values()}:
        uuids = sorted({row["entity_uuid"] for row in found.values() if row["entity_type"] == kind})
        for row in ctx.tx.all(KINDS[kind].by_uuids, uuids=uuids):
            names[row["uuid"]] = row.get("instance_name") or row.get("name") or row.get("address") or ""
    return [(found[i], names.get(found[i]["entity_uuid"]) or None) for i in ids if i in found]


def add(ctx: Context, kind: str, uuid: str, text: str, admins_only: bool) -> int:
    """Writes a comment; answers its row id. Raises `InvalidValue`, `PermissionDenied`, `BadParameter`."""
    if not text.strip():
        raise InvalidValue("annotation says something")
    if admins_only and not ctx.caller.is_admin:
        raise PermissionDenied("comments for admins only are written by root admins")
    entity = _entity(ctx, kind, uuid)
    made = ctx.tx.insert(
        table,
        uuid=ctx.uuid(),
        created=ctx.now,
        removed=None,
        entity_type=kind,
        entity_uuid=entity["uuid"],
        user_id=ctx.caller.user_id,
        annotation=text,
        admins_only=admins_only,
    )
    _follow(ctx, entity["uuid"])
    ctx.event("ANNOTATION.CREATE", f"a comment was written on {KINDS[kind].label} {uuid}")
    return made


def search(
    ctx: Context, page: Page, *, kind: str | None, entity: str | None, which: str, user: Row | None, **given: str | None
) -> tuple[list[int], int]:
    """Comments: ids of the page, and how many there are. Without an entity, the caller's own (root admins: all)."""
    if (kind is None) != (entity is None):
        raise InvalidValue("entitytype and entityid go together: give both or none")
    scope = EVERYTHING
    if kind is not None and entity is not None:
        entity = _entity(ctx, kind, entity)["uuid"]
    if which == "self" or (entity is None and not ctx.caller.is_admin):
        scope = Scope("own", {"scope_user": ctx.caller.user_id})
    conditions = {
        **given,
        "kind": kind,
        "entity": entity,
        "user": user["id"] if user else None,
        "open": None if ctx.caller.is_admin else True,
    }
    return LISTING.page(ctx, conditions, page, scope)


def _mine(ctx: Context, uuid: str) -> Row:
    row = ctx.tx.first(_BY_UUID, uuid=uuid)
    if row is None or (row["user_id"] != ctx.caller.user_id and not ctx.caller.is_admin):
        raise access.not_found(nouns.ANNOTATION, uuid)
    return row


def remove(ctx: Context, uuid: str) -> int:
    """Deletes a comment of the caller's (root admins: any); answers its row id. Raises `BadParameter`."""
    row = _mine(ctx, uuid)
    ctx.tx.update(table, {"id": row["id"]}, removed=ctx.now)
    _follow(ctx, row["entity_uuid"])
    ctx.event("ANNOTATION.REMOVE", f"a comment on {row['entity_uuid']} was removed")
    return int(row["id"])


def show(ctx: Context, uuid: str, admins_only: bool) -> int:
    """Says who may read a comment; answers its row id. Raises `PermissionDenied`, `BadParameter`."""
    if not ctx.caller.is_admin:
        raise PermissionDenied("who reads a comment is for root admins to say")
    row = _mine(ctx, uuid)
    ctx.tx.update(table, {"id": row["id"]}, admins_only=admins_only)
    _follow(ctx, row["entity_uuid"])
    return int(row["id"])
