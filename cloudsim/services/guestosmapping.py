"""What each version of a hypervisor calls the guest operating systems.

Simulated hosts take a machine whatever its OS type is called; the mappings are kept as planners and clients keep them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, func, select

from cloudsim.core.errors import InvalidValue, OperationFailed, ResourceUnavailable
from cloudsim.core.reference import reference
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.jobs.job import Order
from cloudsim.jobs.workflow import single
from cloudsim.services import access, hypervisor
from cloudsim.services.context import Context
from cloudsim.services.listing import Listing, contains, equals, equals_nocase, like
from cloudsim.services.nouns import GUEST_OS_MAPPING

mapping, os, host = schema.guest_os_mapping, schema.guest_os, schema.host

LISTING = Listing(
    mapping,
    source=mapping.join(os, mapping.c.guest_os_id == os.c.id),
    filters={
        "id": equals(mapping.c.id, "id"),
        "os": equals(mapping.c.guest_os_id, "os"),
        "hypervisor": equals_nocase(mapping.c.hypervisor, "hypervisor"),
        "version": equals(mapping.c.hypervisor_version, "version"),
        "name": contains(os.c.name, "name"),
        "hypervisor_name": contains(mapping.c.hypervisor_name, "hypervisor_name"),
    },
    keyword=(os.c.name, mapping.c.hypervisor_name),
    order=(os.c.name, mapping.c.id),
)
_ROWS = (
    select(mapping, os.c.uuid.label("os_uuid"), os.c.name.label("os_name"))
    .select_from(mapping.join(os, mapping.c.guest_os_id == os.c.id))
    .where(any_of(mapping.c.id, "ids"))
)
_OS_NAMED = select(os).where(func.lower(os.c.name) == bindparam("name"), os.c.removed.is_(None))
_THERE = select(mapping).where(
    mapping.c.guest_os_id == bindparam("os"),
    mapping.c.hypervisor == bindparam("hypervisor"),
    mapping.c.hypervisor_version == bindparam("version"),
    mapping.c.removed.is_(None),
)
_UP = select(host.c.hypervisor_version).where(
    host.c.hypervisor == bindparam("hypervisor"), host.c.status == "Up", host.c.removed.is_(None)
)


def page(ctx: Context, ids: Sequence[int]) -> list[Row]:
    """Mappings with their OS types, in the order of their ids."""
    rows = {row["id"]: row for row in ctx.tx.all(_ROWS, ids=ids)}
    return [rows[row_id] for row_id in ids if row_id in rows]


def _version(name: str, version: str) -> tuple[str, str]:
    """A hypervisor and one of its versions, as they are spelled here. Raises `InvalidValue`."""
    known = {(row["hypervisor"].lower(), row["hypervisorversion"].lower()): row for row in hypervisor.known()}
    if name.lower() not in {one for one, _ in known}:
        raise InvalidValue(f"there is no hypervisor '{name[:64]}'")
    found = known.get((name.lower(), version.lower()))
    if found is None:
        raise InvalidValue(f"there is no version '{version[:64]}' of {name}: see listHypervisorCapabilities")
    return found["hypervisor"], found["hypervisorversion"]


def _order(ctx: Context, workflow: str, uuid: str, event: str, text: str, **arguments: Any) -> str:
    return ctx.submit(
        Order(
            command=ctx.command,
            workflow=workflow,
            arguments=arguments,
            instance_type="GuestOsMapping",
            instance_uuid=uuid,
            event=event,
            event_text=text,
        )
    )


def add(
    ctx: Context,
    *,
    hypervisor_name: str,
    version: str,
    name: str,
    os_row: Row | None,
    display_name: str | None,
    check: bool,
    forced: bool,
) -> tuple[str, str]:
    """Makes a mapping, or with `forced` gives one that is there another name; answers its uuid and the job's.

    Raises `InvalidValue`; with `check` also `OperationFailed` for a name that no host offers.
    """
    hypervisor_name, version = _version(hypervisor_name, version)
    if not name.strip():
        raise InvalidValue("osnameforhypervisor is empty")
    if os_row is None:
        if display_name is None:
            raise InvalidValue("say which OS type: ostypeid or osdisplayname")
        os_row = ctx.tx.first(_OS_NAMED, name=display_name.lower())
        if os_row is None:
            raise InvalidValue(f"there is no OS type named '{display_name[:64]}'")
    if check:
        _must_offer(ctx, hypervisor_name, version, name)
    there = ctx.tx.first(_THERE, os=os_row["id"], hypervisor=hypervisor_name, version=version)
    if there is not None and not forced:
        raise InvalidValue(
            f"{hypervisor_name} {version} has a name for OS type {os_row['name']}: update it, or give forced=true"
        )
    if there is not None:
        made, uuid = there["id"], there["uuid"]
        ctx.tx.update(mapping, {"id": made}, hypervisor_name=name, user_defined=True)
    else:
        uuid = ctx.uuid()
        made = ctx.tx.insert(
            mapping,
            uuid=uuid,
            created=ctx.now,
            removed=None,
            hypervisor=hypervisor_name,
            hypervisor_version=version,
            guest_os_id=os_row["id"],
            hypervisor_name=name,
            user_defined=True,
        )
    text = f"{hypervisor_name} {version} calls {os_row['name']} {name}"
    return uuid, _order(ctx, "guestosmapping.tell", uuid, "GUEST.OS.MAPPING.ADD", text, row_id=made)


def _tell(ctx: Context, row_id: int) -> dict[str, Any]:
    access.alive(ctx, GUEST_OS_MAPPING, row_id)
    return {"guestosmapping": ctx.present("guestosmapping", row_id)[0]}


single("guestosmapping.tell", _tell)


def _own(row: Row) -> None:
    if not row["user_defined"]:
        raise InvalidValue("that mapping came with the server: only those that were added can be changed")


def order_update(ctx: Context, row: Row, name: str, check: bool) -> str:
    """Orders another name for a mapping; answers the job's uuid. Raises `InvalidValue`, `OperationFailed`."""
    _own(row)
    if not name.strip():
        raise InvalidValue("osnameforhypervisor is empty")
    if check:
        _must_offer(ctx, row["hypervisor"], row["hypervisor_version"], name)
    text = f"changing mapping {row['uuid']}"
    event = "GUEST.OS.MAPPING.UPDATE"
    return _order(ctx, "guestosmapping.update", row["uuid"], event, text, row_id=row["id"], name=name)


def _updated(ctx: Context, row_id: int, name: str) -> dict[str, Any]:
    access.alive(ctx, GUEST_OS_MAPPING, row_id)
    ctx.tx.update(mapping, {"id": row_id}, hypervisor_name=name)
    return _tell(ctx, row_id)


single("guestosmapping.update", _updated)


def order_remove(ctx: Context, row: Row) -> str:
    """Orders that a mapping goes away; answers the job's uuid. Raises `InvalidValue`."""
    _own(row)
    text = f"removing mapping {row['uuid']}"
    return _order(ctx, "guestosmapping.remove", row["uuid"], "GUEST.OS.MAPPING.REMOVE", text, row_id=row["id"])


def _removed(ctx: Context, row_id: int) -> dict[str, Any]:
    access.alive(ctx, GUEST_OS_MAPPING, row_id)
    ctx.tx.update(mapping, {"id": row_id}, removed=ctx.now)
    return {"success": True}


single("guestosmapping.remove", _removed)


# -- what hosts offer


def _offered(ctx: Context, name: str, version: str) -> list[str]:
    """The names of guests that the hosts of a version of a hypervisor offer.

    Raises `ResourceUnavailable` where no such host is up, `OperationFailed` where its hypervisor keeps no such list.
    """
    versions = [row["hypervisor_version"] for row in ctx.tx.all(_UP, hypervisor=name)]
    if not versions or (version != "default" and version not in versions):
        raise ResourceUnavailable(f"no host with {name} {version} is up that could be asked")
    if name != "Simulator":
        raise OperationFailed(f"hosts of {name} have no list of guests")
    # a simulated host takes every guest that the reference knows
    return sorted({str(row["name"]) for row in reference("ostypes")})


def _must_offer(ctx: Context, name: str, version: str, guest: str) -> None:
    if guest not in _offered(ctx, name, version):
        raise InvalidValue(f"hosts with {name} {version} offer no guest '{guest[:64]}'")


def order_names(ctx: Context, name: str, version: str, keyword: str | None) -> str:
    """Orders the list of what hosts offer; answers the job's uuid. Raises `InvalidValue`."""
    known = {row["hypervisor"].lower(): row["hypervisor"] for row in hypervisor.known()}
    if name.lower() not in known:
        raise InvalidValue(f"there is no hypervisor '{name[:64]}'")
    return ctx.submit(
        Order(
            command=ctx.command,
            workflow="guestosmapping.names",
            arguments={"name": known[name.lower()], "version": version, "keyword": keyword},
            event="GUEST.OS.HYPERVISOR.NAME.FETCH",
            event_text=f"asking hosts with {name} {version} for their guests",
        )
    )


def _names(ctx: Context, name: str, version: str, keyword: str | None) -> dict[str, Any]:
    word = (keyword or "").lower()
    found = [one for one in _offered(ctx, name, version) if word in one.lower()]
    return {
        "hypervisorguestosnames": {
            "hypervisor": name,
            "hypervisorversion": version,
            "guestoscount": len(found),
            "guestoslist": [{"osdisplayname": one, "osnameforhypervisor": one} for one in found],
        }
    }


single("guestosmapping.names", _names)


__all__ = ["LISTING", "add", "like", "order_names", "order_remove", "order_update", "page"]
