"""Templates and ISOs, as they are listed: one entry for each zone that has one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import BigInteger, Table, and_, bindparam, exists, func, or_, select, type_coerce
from sqlalchemy import cast as sql_cast

from cloudsim.core.errors import InvalidValue
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.db.virtualmachine import DETAILS, TAGS, grouped
from cloudsim.services import imagestore_choice, template_download
from cloudsim.services.access import EVERYTHING, Scope
from cloudsim.services.context import Context
from cloudsim.services.listing import Listing, Page, equals, equals_nocase

template, placed = schema.template, schema.template_zone

#: Whose templates are listed, and which.
FILTERS = ("featured", "self", "selfexecutable", "sharedexecutable", "executable", "community", "shared", "all")
#: Those that show only what can be deployed at once.
_READY = ("featured", "selfexecutable", "sharedexecutable", "community")
#: Those that leave the templates of the cloud's own machines out.
_NO_SYSTEM = ("featured", "selfexecutable")

#: The id of an entry is the template's id and, above it, the zone's (0: it is in no zone), so that a template's own id
#: is an entry as well: the template in the first of its zones.
_ZONE = 2**32


def entry_id(template_id: int, zone_id: int) -> int:
    """The id of the entry of a template in a zone."""
    return template_id + zone_id * _ZONE


_LATER = placed.alias("later")
_ENTRIES = (
    select(
        (
            template.c.id + func.coalesce(sql_cast(placed.c.zone_id, BigInteger), 0) * type_coerce(_ZONE, BigInteger)
        ).label("id"),
        template.c.id.label("template_id"),
        template.c.name,
        template.c.display_text,
        template.c.format,
        template.c.type,
        template.c.hypervisor,
        template.c.arch,
        template.c.is_public,
        template.c.is_featured,
        template.c.is_bootable,
        template.c.account_id,
        template.c.domain_id,
        template.c.source_template_id,
        template.c.for_cks,
        template.c.removed.label("gone"),
        template.c.sort_key,
        placed.c.zone_id,
        placed.c.state.label("download"),
        placed.c.store_id,
        schema.guest_os.c.category_id,
        schema.account.c.type.label("account_type"),
        schema.domain.c.path.label("domain_path"),
        (exists().where(_LATER.c.template_id == template.c.id, _LATER.c.zone_id < placed.c.zone_id).label("again")),
    )
    .select_from(
        template.outerjoin(placed, placed.c.template_id == template.c.id)
        .join(schema.guest_os, template.c.guest_os_id == schema.guest_os.c.id)
        .join(schema.account, template.c.account_id == schema.account.c.id)
        .join(schema.domain, template.c.domain_id == schema.domain.c.id)
    )
    .subquery("entries")
)
_E = _ENTRIES.c
_OPEN = _E.is_public.is_(True)


def _own(kind: str) -> Any:
    """The same conditions as those of other lists, by the names of their values in `access.Scope`."""
    if kind == "account":
        return _E.account_id == bindparam("scope_account", type_=BigInteger)
    if kind == "accounts":
        return any_of(_E.account_id, "scope_accounts")
    if kind == "domain":
        return _E.domain_id == bindparam("scope_domain", type_=BigInteger)
    return and_(_E.domain_path >= bindparam("scope_path"), _E.domain_path < bindparam("scope_end"))


_KINDS = ("account", "accounts", "domain", "subtree")


def _shared(kind: str) -> Any:
    """That a template was given to one of the accounts that are meant."""
    given, holder = schema.launch_permission, schema.account
    found = select(given.c.template_id)
    if kind == "account":
        return _E.template_id.in_(found.where(given.c.account_id == bindparam("scope_account", type_=BigInteger)))
    if kind == "accounts":
        return _E.template_id.in_(found.where(any_of(given.c.account_id, "scope_accounts")))
    found = found.select_from(
        given.join(holder, given.c.account_id == holder.c.id).join(
            schema.domain, holder.c.domain_id == schema.domain.c.id
        )
    )
    if kind == "domain":
        return _E.template_id.in_(found.where(holder.c.domain_id == bindparam("scope_domain", type_=BigInteger)))
    path = schema.domain.c.path
    return _E.template_id.in_(found.where(path >= bindparam("scope_path"), path < bindparam("scope_end")))


LISTING = Listing(
    cast(Table, _ENTRIES),
    filters={
        "id": equals(_E.template_id, "id"),
        "ids": any_of(_E.template_id, "ids"),
        "tagged": any_of(_E.template_id, "tagged"),
        "name": equals(_E.name, "name"),
        "zone": equals(_E.zone_id, "zone"),
        "iso": _E.format == "ISO",
        "image": _E.format != "ISO",
        "alive": _E.gone.is_(None),
        "hypervisor": equals_nocase(_E.hypervisor, "hypervisor"),
        "arch": equals_nocase(func.coalesce(_E.arch, "x86_64"), "arch"),
        "type": equals_nocase(_E.type, "type"),
        "category": equals(_E.category_id, "category"),
        "bootable": equals(_E.is_bootable, "bootable"),
        "public": equals(_E.is_public, "public"),
        "ready": _E.download == "DOWNLOADED",
        "unready": or_(_E.download.is_(None), _E.download != "DOWNLOADED"),
        "users": _E.type != "SYSTEM",
        "unique": ~_E.again,
        "parent": equals(_E.source_template_id, "parent"),
        "cks": equals(_E.for_cks, "cks"),
        "store": equals(_E.store_id, "store"),
        "open": _OPEN,
        "featured": equals(_E.is_featured, "featured"),
        "none": _E.id < 0,
    },
    keyword=(_E.name, _E.display_text),
    order=(_E.sort_key, _E.template_id, _E.zone_id),
    seen={
        **{kind: _own(kind) for kind in _KINDS},
        **{f"open+{kind}": or_(_OPEN, _own(kind), _shared(kind)) for kind in _KINDS},
        **{f"shared+{kind}": _shared(kind) for kind in _KINDS},
        "shared+all": _E.template_id.in_(select(schema.launch_permission.c.template_id)),
    },
)
_TAGGED = select(schema.tag.c.resource_id).where(
    schema.tag.c.resource_type == bindparam("kind"),
    schema.tag.c.key == bindparam("key"),
    schema.tag.c.value == bindparam("value"),
)
_ROWS = (
    select(
        template,
        schema.guest_os.c.uuid.label("os_uuid"),
        schema.guest_os.c.name.label("os_name"),
        schema.account.c.name.label("account_name"),
        schema.account.c.project_uuid,
        schema.account.c.project_name,
        schema.account.c.type.label("account_type"),
        schema.domain.c.uuid.label("domain_uuid"),
        schema.domain.c.name.label("domain_name"),
        schema.domain.c.path.label("domain_path"),
        schema.user_data.c.uuid.label("userdata_uuid"),
        schema.user_data.c.name.label("userdata_name"),
        schema.user_data.c.params.label("userdata_params"),
    )
    .select_from(
        template.join(schema.guest_os, template.c.guest_os_id == schema.guest_os.c.id)
        .join(schema.account, template.c.account_id == schema.account.c.id)
        .join(schema.domain, template.c.domain_id == schema.domain.c.id)
        .outerjoin(
            schema.user_data,
            and_(template.c.userdata_id == schema.user_data.c.id, schema.user_data.c.removed.is_(None)),
        )
    )
    .where(any_of(template.c.id, "ids"))
)
_SOURCES = select(template.c.id, template.c.uuid).where(any_of(template.c.id, "ids"))
_PLACED = (
    select(
        placed,
        schema.zone.c.uuid.label("zone_uuid"),
        schema.zone.c.name.label("zone_name"),
        schema.image_store.c.name.label("store"),
        schema.image_store.c.uuid.label("store_uuid"),
    )
    .select_from(
        placed.join(schema.zone, placed.c.zone_id == schema.zone.c.id).outerjoin(
            schema.image_store, placed.c.store_id == schema.image_store.c.id
        )
    )
    .where(any_of(placed.c.template_id, "ids"))
    .order_by(placed.c.zone_id)
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A template in one zone."""

    row: Row
    #: Its copy in the zone, with the zone's uuid and name; None where no zone has it.
    place: Row | None
    details: dict[str, str]
    tags: list[Row]
    source: str | None
    #: What is on its way to the zone.
    coming: Row | None = None


_BROUGHT = select(template.c.id).where(
    template.c.hypervisor == bindparam("hypervisor"),
    or_(template.c.type == "BUILTIN", template.c.type == "SYSTEM"),
    template.c.removed.is_(None),
    ~exists().where(placed.c.template_id == template.c.id, placed.c.zone_id == bindparam("zone_id")),
)


def search(
    ctx: Context,
    page_: Page,
    scope: Scope,
    which: str,
    *,
    iso: bool,
    owned: bool,
    id: Row | None,
    ready: bool | None = None,
    removed: bool | None = None,
    unique: bool | None = None,
    tags: Mapping[str, str] | None = None,
    **given: Any,
) -> tuple[list[int], int]:
    """Entries that the filter `which` shows the caller, and how many there are.

    `scope` is whose templates were asked for; `owned` says that it was one account in one domain.
    """
    if which not in FILTERS:
        raise InvalidValue(f"a filter of templates is one of {', '.join(FILTERS)}, not '{which[:64]}'")
    caller = ctx.caller
    plain = not caller.is_admin and not caller.is_domain_admin
    if which == "all" and plain:
        raise InvalidValue("the filter 'all' is for administrators")
    if id is not None and (id["format"] == "ISO") != iso:
        raise InvalidValue(f"{id['name']} is {'a template' if iso else 'an ISO'}: list it as what it is")
    only_ready = which in _READY or (which == "executable" and owned and not plain)
    conditions: dict[str, Any] = {
        "iso" if iso else "image": True,
        "id": id["id"] if id else None,
        "alive": None if removed else True,
        "unique": True if unique else None,
        "users": True if which in _NO_SYSTEM else None,
        **given,
    }
    if only_ready or ready:
        conditions["ready"] = True
    elif ready is False:
        conditions["unready"] = True
    if tags:
        conditions["tagged"] = _tagged(ctx, "ISO" if iso else "Template", tags)
    seen = EVERYTHING
    if id is None:
        seen = _seen(ctx, scope, which)
        if which in ("featured", "community"):
            conditions.update(open=True, featured=which == "featured")
    return LISTING.page(ctx, conditions, page_, seen)


def _seen(ctx: Context, scope: Scope, which: str) -> Scope:
    """What a filter makes of the scope that was asked for."""
    if which in ("self", "selfexecutable"):
        return scope
    if which in ("shared", "sharedexecutable"):
        return Scope(f"shared+{scope.kind}", scope.values)
    if which == "executable" and scope.kind != "all":
        return Scope(f"open+{scope.kind}", scope.values)
    if which == "all" and not ctx.caller.is_admin:
        path = ctx.caller.domain_path
        return Scope("open+subtree", {"scope_path": path, "scope_end": path[:-1] + "0"})
    return EVERYTHING


def _tagged(ctx: Context, kind: str, tags: Mapping[str, str]) -> list[int]:
    """Ids of what has one of the tags."""
    found: set[int] = set()
    for key, value in tags.items():
        found.update(row["resource_id"] for row in ctx.tx.all(_TAGGED, kind=kind, key=key, value=value))
    return sorted(found)


def page(ctx: Context, ids: Sequence[int]) -> list[Entry]:
    """Entries in the order of their ids; a template's own id means the first of its zones."""
    wanted = [(entry % _ZONE, entry // _ZONE) for entry in ids]
    own = sorted({template_id for template_id, _ in wanted})
    rows = {row["id"]: row for row in ctx.tx.all(_ROWS, ids=own)}
    places = grouped(ctx.tx.all(_PLACED, ids=own), "template_id")
    details = grouped(ctx.tx.all(DETAILS, kind="Template", ids=own), "resource_id")
    tags = grouped([*ctx.tx.all(TAGS, kind="Template", ids=own), *ctx.tx.all(TAGS, kind="ISO", ids=own)], "resource_id")
    above = {row["source_template_id"] for row in rows.values()} - {None}
    sources = {row["id"]: row["uuid"] for row in ctx.tx.all(_SOURCES, ids=sorted(above))} if above else {}
    coming = template_download.waiting(ctx, [place for found in places.values() for place in found])
    made = []
    for template_id, zone_id in wanted:
        row = rows.get(template_id)
        if row is None:
            continue
        place = next((one for one in places.get(template_id, []) if zone_id in (0, one["zone_id"])), None)
        made.append(
            Entry(
                row,
                place,
                {detail["name"]: detail["value"] for detail in details.get(template_id, [])},
                tags.get(template_id, []),
                sources.get(row["source_template_id"]),
                coming.get(place["id"]) if place is not None else None,
            )
        )
    return made


def offer(ctx: Context, zone: Row, hypervisor: str) -> None:
    """Gives a zone that has secondary storage the templates the server brings for a hypervisor; twice is as once."""
    for row in ctx.tx.all(_BROUGHT, hypervisor=hypervisor, zone_id=zone["id"]):
        store = imagestore_choice.choose(ctx, zone["id"])
        if store is None:
            return
        ctx.tx.insert(
            placed,
            template_id=row["id"],
            zone_id=zone["id"],
            state="DOWNLOADED",
            percent=100,
            store_id=store["id"],
            created=ctx.now,
            progress=None,
        )


__all__ = ["FILTERS", "LISTING", "Entry", "entry_id", "page", "search"]
