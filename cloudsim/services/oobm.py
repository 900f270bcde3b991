"""Out-of-band management: the controllers of hosts' power, which answer also when the host does not.

It counts for a host when it is enabled for the host, and neither for its cluster nor for its zone disabled. The password
of a controller is kept sealed, in the table and in the steps of jobs alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, select

from cloudsim.agents.outofband import Controller
from cloudsim.core.errors import InvalidValue
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.services.context import Context
from cloudsim.services.vm_plain import Plain, address_of, host_address

table, host, detail = schema.oobm, schema.host, schema.detail

#: The detail of a zone or a cluster that switches it off for all hosts there.
SWITCH = "outOfBandManagementEnabled"

OF_HOST = select(table).where(table.c.host_id == bindparam("host_id"))
_FLAG = select(detail.c.value).where(
    detail.c.resource_type == bindparam("kind"),
    detail.c.resource_id == bindparam("place_id"),
    detail.c.name == bindparam("name"),
)
_UNSET = detail.delete().where(
    detail.c.resource_type == bindparam("kind"),
    detail.c.resource_id == bindparam("place_id"),
    detail.c.name == bindparam("name"),
)
_ROWS = (
    select(table, host.c.uuid.label("host_uuid"), host.c.zone_id, host.c.cluster_id, host.c.name.label("host_name"))
    .select_from(table.join(host, host.c.id == table.c.host_id))
    .where(any_of(table.c.host_id, "ids"))
)
_THERE = (
    select(table.c.host_id)
    .select_from(table.join(host, host.c.id == table.c.host_id))
    .where(host.c.removed.is_(None), table.c.enabled)
)
_IN_PLACE = {
    "Zone": _THERE.where(host.c.zone_id == bindparam("place_id")),
    "Cluster": _THERE.where(host.c.cluster_id == bindparam("place_id")),
}
_DISABLED = table.update().where(any_of(table.c.host_id, "ids")).values(power_state="Disabled")


def switched_on(ctx: Context, kind: str, place_id: int | None, name: str) -> bool:
    """Whether a zone or a cluster (`kind`) has a switch on; it is on until somebody switches it off."""
    return place_id is None or ctx.tx.scalar(_FLAG, kind=kind, place_id=place_id, name=name) != "false"


def switch(ctx: Context, kind: str, place_id: int, name: str, on: bool) -> None:
    """Switches something on or off for a zone or a cluster."""
    ctx.tx.execute(_UNSET, kind=kind, place_id=place_id, name=name)
    ctx.tx.insert(
        detail,
        resource_type=kind,
        resource_id=place_id,
        name=name,
        value="true" if on else "false",
        display=False,
    )


def counts(ctx: Context, row: Mapping[str, Any], name: str = SWITCH) -> bool:
    """Whether a host's zone and cluster leave it switched on."""
    return switched_on(ctx, "Cluster", row["cluster_id"], name) and switched_on(ctx, "Zone", row["zone_id"], name)


def enabled(ctx: Context, row: Row) -> Row | None:
    """The controller of a host, where it is configured and counts."""
    found = ctx.tx.first(OF_HOST, host_id=row["id"])
    return found if found is not None and found["enabled"] and counts(ctx, row) else None


def plan(ctx: Context, row: Row) -> Plain | None:
    """How the controller of a host is reached, as plain data; None where it has none that counts."""
    found = enabled(ctx, row)
    return None if found is None else plain(ctx, found)


def plain(ctx: Context, found: Row) -> Plain:
    """How a configured controller is reached, as plain data; `controller` makes it whole again."""
    settings = ctx.settings
    return {
        "host": address_of(ctx, found["host_id"]),
        "driver": found["driver"],
        "address": found["address"],
        "port": found["port"],
        "username": found["username"],
        "password": found["password"],
        "path": settings.text("outofbandmanagement.ipmitool.path"),
        "interface": settings.text("outofbandmanagement.ipmitool.interface"),
        "retries": settings.text("outofbandmanagement.ipmitool.retries"),
    }


def controller(plan: Mapping[str, Any]) -> Controller:
    """The controller that `plain` took apart."""
    return Controller(**{**plan, "host": host_address(plan["host"])})


def timeout(ctx: Context) -> int:
    """Seconds that an action may take."""
    return ctx.settings.number("outofbandmanagement.action.timeout") or 60


def learned(ctx: Context, host_id: int, power: str) -> None:
    """Writes down the power state that a controller told; Unknown where it told nothing."""
    found = ctx.tx.first(OF_HOST, host_id=host_id)
    row = ctx.tx.first(_HOST, host_id=host_id)
    if found is None or row is None:
        return
    after = power if found["enabled"] and row["removed"] is None and counts(ctx, row) else "Disabled"
    if after == found["power_state"]:
        return
    ctx.tx.update(table, {"host_id": host_id}, power_state=after, power_time=ctx.now)
    ctx.event(
        "HOST.OOBM.POWERSTATE.TRANSITION",
        f"power of host {row['name']}: {found['power_state']} before, {after} now",
        resource=("Host", row["uuid"]),
    )


def rows(ctx: Context, ids: Sequence[int]) -> list[Row]:
    """Configured controllers, by the ids of their hosts, with what their hosts are called."""
    return ctx.tx.all(_ROWS, ids=ids)


def in_place(ctx: Context, kind: str, place_id: int) -> list[int]:
    """The ids of the hosts of a zone or a cluster whose controllers are enabled."""
    return [int(row["host_id"]) for row in ctx.tx.all(_IN_PLACE[kind], place_id=place_id)]


def disable(ctx: Context, ids: Sequence[int]) -> None:
    """Nothing is known any more of the power of these hosts."""
    ctx.tx.execute(_DISABLED, ids=ids)


def require(ctx: Context, row: Row) -> Row:
    """The configuration of a host's controller. Raises `InvalidValue` where it has none."""
    found = ctx.tx.first(OF_HOST, host_id=row["id"])
    if found is None:
        raise InvalidValue(f"host {row['name']} has no out-of-band management: configure it first")
    return found


_HOST = select(host).where(host.c.id == bindparam("host_id"))
