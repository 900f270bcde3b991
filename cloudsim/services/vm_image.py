"""What a virtual machine boots from, as its host needs it: the file of its template, what is in its drive, its buses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, select

from cloudsim.core import paravirtual
from cloudsim.db import schema
from cloudsim.db import virtualmachine as db
from cloudsim.db.database import Row
from cloudsim.db.types import Big
from cloudsim.services import access, imagefiles
from cloudsim.services.context import Context
from cloudsim.services.nouns import TEMPLATE

placed = schema.template_zone
_PLACE = select(placed).where(
    placed.c.template_id == bindparam("template_id", type_=Big),
    placed.c.zone_id == bindparam("zone_id", type_=Big),
    placed.c.state == "DOWNLOADED",
)
#: Details of a template that its machines take with them.
CONTROLLERS = (paravirtual.ROOT_DETAIL, paravirtual.DATA_DETAIL)


def buses(row: Row, os: str, details: Mapping[str, str]) -> tuple[str, str]:
    """The buses of a machine's root disk and of its data disks."""
    uefi = (row["boot_type"] or "").upper() == "UEFI"
    return paravirtual.buses(os, details, arch=row["arch"] or "x86_64", uefi=uefi)


def controllers(ctx: Context, template_id: int) -> dict[str, str]:
    """What the details of a template say of the buses of its machines' disks."""
    wanted = {name.lower(): name for name in CONTROLLERS}
    found = db.details_of(ctx.tx, "Template", template_id)
    return {wanted[name.lower()]: value for name, value in found.items() if name.lower() in wanted}


def iso_of(ctx: Context, row: Row) -> dict[str, Any] | None:
    """What is in the drive of a machine, as plain data; None: nothing."""
    return iso(ctx, row["iso_id"], row["zone_id"]) if row["iso_id"] is not None else None


def iso(ctx: Context, iso_id: int, zone_id: int) -> dict[str, Any]:
    """An ISO as plain data, with its file in a zone."""
    image = access.row(ctx, TEMPLATE, iso_id)
    place = ctx.tx.first(_PLACE, template_id=iso_id, zone_id=zone_id)
    path = imagefiles.path(ctx, place) if place is not None else None
    return {"uuid": image["uuid"], "name": image["name"], "path": path, "bootable": image["is_bootable"]}


def file_of(ctx: Context, row: Row, disk: Row) -> dict[str, Any]:
    """The file of the template that a volume is yet to be made of, where it lies on a real image store."""
    if disk["path"] is not None or disk["template_id"] is None:
        return {}
    place = ctx.tx.first(_PLACE, template_id=disk["template_id"], zone_id=row["zone_id"])
    file = imagefiles.path(ctx, place) if place is not None else None
    return {"file": file, "format": access.row(ctx, TEMPLATE, disk["template_id"])["format"]} if file else {}


__all__ = ["CONTROLLERS", "buses", "controllers", "file_of", "iso", "iso_of"]
