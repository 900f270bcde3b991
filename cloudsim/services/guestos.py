"""Guest operating systems and categories that administrators add, change and take away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, delete, func, select

from cloudsim.core.errors import InvalidValue, ResourceInUse
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.jobs.job import Order
from cloudsim.jobs.workflow import single
from cloudsim.services import access
from cloudsim.services.context import Context
from cloudsim.services.nouns import GUEST_OS, GUEST_OS_CATEGORY

os, category, detail = schema.guest_os, schema.guest_os_category, schema.detail

_NAMED = select(os.c.id).where(func.lower(os.c.name) == bindparam("name"), os.c.removed.is_(None))
_TEMPLATES = select(func.count()).where(
    schema.template.c.guest_os_id == bindparam("row_id"), schema.template.c.removed.is_(None)
)
_MACHINES = select(func.count()).where(schema.vm.c.guest_os_id == bindparam("row_id"), schema.vm.c.removed.is_(None))
_DROP_DETAILS = delete(detail).where(detail.c.resource_type == "GuestOs", detail.c.resource_id == bindparam("row_id"))
_mapping = schema.guest_os_mapping
_DROP_MAPPINGS = (
    _mapping.update()
    .where(_mapping.c.guest_os_id == bindparam("row_id"), _mapping.c.removed.is_(None))
    .values(removed=bindparam("now", type_=_mapping.c.removed.type))
)
_CATEGORY_NAMED = select(category.c.id).where(
    func.lower(category.c.name) == bindparam("name"), category.c.removed.is_(None)
)
_IN_CATEGORY = select(func.count()).where(os.c.category_id == bindparam("row_id"), os.c.removed.is_(None))


def _name(ctx: Context, name: str, own: int | None = None) -> str:
    if not name.strip():
        raise InvalidValue("an OS type has a name")
    there = ctx.tx.scalar(_NAMED, name=name.lower())
    if there not in (None, own):
        raise InvalidValue(f"there is an OS type named '{name[:64]}' already")
    return name


def _details(ctx: Context, row_id: int, details: Mapping[str, str] | None) -> None:
    if details is None:
        return
    ctx.tx.execute(_DROP_DETAILS, row_id=row_id)
    ctx.tx.insert_many(
        detail,
        [
            {"resource_type": "GuestOs", "resource_id": row_id, "name": key, "value": value, "display": True}
            for key, value in details.items()
        ],
    )


def add(
    ctx: Context,
    category_row: Row,
    name: str,
    *,
    short_name: str | None,
    shown: bool,
    details: Mapping[str, str] | None,
) -> tuple[str, str]:
    """Makes an OS type; answers its uuid and that of the job that tells of it. Raises `InvalidValue`."""
    uuid = ctx.uuid()
    made = ctx.tx.insert(
        os,
        uuid=uuid,
        created=ctx.now,
        removed=None,
        category_id=category_row["id"],
        name=_name(ctx, name),
        short_name=short_name,
        user_defined=True,
        for_display=shown,
    )
    _details(ctx, made, details)
    return uuid, _order(ctx, "guestos.tell", uuid, "GUEST.OS.ADD", f"adding OS type {name}", row_id=made)


def _order(ctx: Context, workflow: str, uuid: str, event: str, text: str, **arguments: Any) -> str:
    return ctx.submit(
        Order(
            command=ctx.command,
            workflow=workflow,
            arguments=arguments,
            instance_type="GuestOs",
            instance_uuid=uuid,
            event=event,
            event_text=text,
        )
    )


def _tell(ctx: Context, row_id: int) -> dict[str, Any]:
    access.alive(ctx, GUEST_OS, row_id)
    return {"ostype": ctx.present("ostype", row_id)[0]}


single("guestos.tell", _tell)


def _own(row: Row) -> None:
    if not row["user_defined"]:
        raise InvalidValue(f"OS type {row['name']} came with the server: only those that were added can be changed")


def order_update(
    ctx: Context,
    row: Row,
    *,
    name: str | None,
    category_row: Row | None,
    shown: bool | None,
    details: Mapping[str, str] | None,
) -> str:
    """Orders a change of an OS type that was added; answers the job's uuid. Raises `InvalidValue`."""
    _own(row)
    changed: dict[str, Any] = {}
    if name is not None:
        changed["name"] = _name(ctx, name, row["id"])
    if category_row is not None:
        changed["category_id"] = category_row["id"]
    if shown is not None:
        changed["for_display"] = shown
    return _order(
        ctx,
        "guestos.update",
        row["uuid"],
        "GUEST.OS.UPDATE",
        f"changing OS type {row['name']}",
        row_id=row["id"],
        changed=changed,
        details=dict(details) if details is not None else None,
    )


def _updated(ctx: Context, row_id: int, changed: dict[str, Any], details: dict[str, str] | None) -> dict[str, Any]:
    access.alive(ctx, GUEST_OS, row_id)
    if "name" in changed:
        _name(ctx, changed["name"], row_id)
    if "category_id" in changed:
        access.alive(ctx, GUEST_OS_CATEGORY, changed["category_id"])
    if changed:
        ctx.tx.update(os, {"id": row_id}, **changed)
    _details(ctx, row_id, details)
    return _tell(ctx, row_id)


single("guestos.update", _updated)


def _unused(ctx: Context, row: Row) -> None:
    templates, machines = (ctx.tx.scalar(used, row_id=row["id"]) for used in (_TEMPLATES, _MACHINES))
    if templates or machines:
        raise ResourceInUse(
            f"{templates} template(s) and {machines} virtual machine(s) have OS type {row['name']}: give them another"
        )


def order_remove(ctx: Context, row: Row) -> str:
    """Orders that an OS type that was added goes away; answers the job's uuid.

    Raises `InvalidValue`, and `ResourceInUse` where a template or a machine has it.
    """
    _own(row)
    _unused(ctx, row)
    text = f"removing OS type {row['name']}"
    return _order(ctx, "guestos.remove", row["uuid"], "GUEST.OS.REMOVE", text, row_id=row["id"])


def _removed(ctx: Context, row_id: int) -> dict[str, Any]:
    _unused(ctx, access.alive(ctx, GUEST_OS, row_id))
    ctx.tx.execute(_DROP_MAPPINGS, row_id=row_id, now=ctx.now)
    ctx.tx.execute(_DROP_DETAILS, row_id=row_id)
    ctx.tx.update(os, {"id": row_id}, removed=ctx.now)
    return {"success": True}


single("guestos.remove", _removed)


# -- categories


def _category_name(ctx: Context, name: str, own: int | None = None) -> str:
    if not name.strip():
        raise InvalidValue("an OS category has a name")
    there = ctx.tx.scalar(_CATEGORY_NAMED, name=name.lower())
    if there not in (None, own):
        raise InvalidValue(f"there is an OS category named '{name[:64]}' already")
    return name


def _tell_of(ctx: Context, what: str, uuid: str, text: str) -> None:
    ctx.event(f"GUEST.OS.CATEGORY.{what}", text, resource=("GuestOsCategory", uuid))


def add_category(ctx: Context, name: str, featured: bool) -> int:
    """Makes an OS category; answers its row id. Raises `InvalidValue`."""
    uuid = ctx.uuid()
    made = ctx.tx.insert(
        category,
        uuid=uuid,
        created=ctx.now,
        removed=None,
        name=_category_name(ctx, name),
        featured=featured,
        sort_key=0,
    )
    _tell_of(ctx, "ADD", uuid, f"OS category {name} was added")
    return made


def update_category(ctx: Context, row: Row, *, name: str | None, featured: bool | None, sort_key: int | None) -> None:
    """Changes an OS category; what is None stays. Raises `InvalidValue`."""
    if name is not None:
        _category_name(ctx, name, row["id"])
    given = {"name": name, "featured": featured, "sort_key": sort_key}
    changed = {key: value for key, value in given.items() if value is not None}
    if changed:
        ctx.tx.update(category, {"id": row["id"]}, **changed)
    _tell_of(ctx, "UPDATE", row["uuid"], f"OS category {row['name']} was changed")


def delete_category(ctx: Context, row: Row) -> None:
    """Takes an empty OS category away; hosts that prefer it prefer none then. Raises `ResourceInUse`."""
    number = ctx.tx.scalar(_IN_CATEGORY, row_id=row["id"])
    if number:
        raise ResourceInUse(f"{number} OS type(s) are in category {row['name']}: move or remove them first")
    ctx.tx.update(schema.host, {"os_category_id": row["id"]}, os_category_id=None)
    ctx.tx.update(category, {"id": row["id"]}, removed=ctx.now)
    _tell_of(ctx, "DELETE", row["uuid"], f"OS category {row['name']} was deleted")


__all__ = ["add", "add_category", "delete_category", "order_remove", "order_update", "update_category"]
