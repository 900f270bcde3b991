"""Changes of templates and ISOs that are there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, func, select

from cloudsim.core.errors import InvalidValue, PermissionDenied
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import Big
from cloudsim.services import access, template_rules
from cloudsim.services.context import Context
from cloudsim.services.nouns import TEMPLATE
from cloudsim.services.template_download import is_iso
from cloudsim.services.template_rules import ISO

template, detail = schema.template, schema.detail

_NO_DETAILS = detail.delete().where(
    detail.c.resource_type == "Template", detail.c.resource_id == bindparam("template_id", type_=Big)
)
_MACHINES = select(func.count()).where(
    schema.vm.c.template_id == bindparam("template_id", type_=Big), schema.vm.c.removed.is_(None)
)


def update(
    ctx: Context,
    row: Row,
    *,
    iso: bool,
    guest_os: Row | None,
    force_os: bool,
    details: Mapping[str, str] | None,
    clean_details: bool,
    **given: Any,
) -> None:
    """Changes what is given and not None. Raises `InvalidValue`, `PermissionDenied`; then nothing was changed."""
    if is_iso(row) != iso:
        raise InvalidValue(f"{row['name']} is {'a template' if iso else 'an ISO'}: update it as what it is")
    access.must_own(ctx, TEMPLATE, row)
    if row["type"] == "SYSTEM" and not ctx.caller.is_admin:
        raise PermissionDenied(f"template {row['name']} is the cloud's own")
    values = {name: value for name, value in given.items() if value is not None}
    routing, type_ = values.pop("routing", None), values.pop("type", None)
    if "name" in values and not values["name"].strip():
        raise InvalidValue("a template or ISO needs a name")
    if "format" in values:
        values["format"] = _format(row, values["format"])
    if "arch" in values:
        values["arch"] = template_rules.arch_of(values["arch"])
    if "tag" in values and not ctx.caller.is_admin:
        raise PermissionDenied("templatetag is for root admins to give")
    if "for_cks" in values and not ctx.caller.is_admin:
        raise PermissionDenied("forcks is for root admins to change")
    if type_ is not None or routing is not None:
        values["type"] = _type(ctx, row, type_, routing)
    if guest_os is not None:
        values["guest_os_id"] = _os(ctx, row, guest_os, force_os)
    if clean_details and details:
        raise InvalidValue("cleanupdetails takes all details away: give none with it")
    if values:
        ctx.tx.update(template, {"id": row["id"]}, **values)
    if clean_details or details:
        ctx.tx.execute(_NO_DETAILS, template_id=row["id"])
    if details:
        ctx.tx.insert_many(
            detail,
            [
                {"resource_type": "Template", "resource_id": row["id"], "name": name, "value": value, "display": True}
                for name, value in details.items()
            ],
        )
    ctx.event(
        "ISO.UPDATE" if iso else "TEMPLATE.UPDATE",
        f"{'ISO' if iso else 'template'} {row['name']} was changed",
        resource=("Iso" if iso else "Template", row["uuid"]),
        account_id=row["account_id"],
        domain_id=row["domain_id"],
    )


def _format(row: Row, text: str) -> str:
    if is_iso(row):
        if text.upper() != ISO:
            raise InvalidValue(f"{row['name']} is an ISO and stays one")
        return ISO
    return template_rules.format_of(row["hypervisor"], text)


def _type(ctx: Context, row: Row, type_: str | None, routing: bool | None) -> str:
    if row["type"] in ("SYSTEM", "BUILTIN") and not ctx.caller.is_admin:
        raise PermissionDenied(f"template {row['name']} is the cloud's own")
    if type_ is None and routing is False:
        return "USER" if row["type"] == "ROUTING" else str(row["type"])
    return template_rules.type_of(ctx, type_, routing)


def _os(ctx: Context, row: Row, guest_os: Row, force: bool) -> int:
    """Machines of a template take its OS type with them: it is not changed below them unless that is asked for."""
    if guest_os["id"] != row["guest_os_id"] and not force:
        machines = ctx.tx.scalar(_MACHINES, template_id=row["id"])
        if machines:
            raise InvalidValue(
                f"{machines} virtual machine(s) were made of {row['name']}: its OS type is changed with forceupdateostype"
            )
    return int(guest_os["id"])


__all__ = ["update"]
