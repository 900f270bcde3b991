"""Networks moved to an offering of other providers, or of another physical network.

All that a network has (addresses, rules, cards) comes along. Where it goes to another physical network it takes a VLAN
there and gives its own back: machines would be cut off, so none may run in it meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cloudsim.core.errors import InvalidValue
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.jobs.workflow import Workflow, workflow
from cloudsim.services import (
    access,
    guest_network,
    network,
    network_gc,
    network_offering_change,
    network_orders,
    router,
)
from cloudsim.services.context import Context
from cloudsim.services.network_restart import supply
from cloudsim.services.nouns import NETWORK, NETWORK_OFFERING, ZONE

table = schema.network


def _target(ctx: Context, row: Row, offered: Row) -> Row:
    """The physical network that a network goes to with an offering. Raises `InvalidValue`."""
    now = network_orders.offering_of(ctx, row)
    if row["guest_type"] != "Isolated" or (row["vlan"] is not None and now["specify_vlan"]):
        raise InvalidValue("isolated networks move, with VLANs that are chosen for them")
    if offered["id"] == now["id"]:
        raise InvalidValue("the network has that offering already")
    network_offering_change.must_be_like(now, offered)
    missing = {one["name"] for one in now["services"]} - {one["name"] for one in offered["services"]}
    if missing:
        raise InvalidValue(f"network offering {offered['name']} lacks {', '.join(sorted(missing))}: use updateNetwork")
    target = guest_network.choose(ctx, access.row(ctx, ZONE, row["zone_id"]), offered)
    guest_network.check_providers(ctx, offered, target)
    if target["id"] != row["physical_network_id"] and network.in_use(ctx, row["id"]):
        raise InvalidValue(f"virtual machines run in network {row['name']}: stop them before it goes elsewhere")
    return target


def migrate(ctx: Context, row: Row, offered: Row, *, resume: bool) -> str:
    """Orders that a network moves to another offering; `resume`: fine where it has moved already."""
    if not (resume and offered["id"] == row["offering_id"]):
        _target(ctx, row, offered)
    arguments = {"offering_id": offered["id"]}
    return network_orders.order(ctx, row, "network.migrate", "NETWORK.MIGRATE", "moving", arguments)


def _closing(ctx: Context, network_id: int, offering_id: int) -> list[str]:
    """The routers go where the network goes elsewhere."""
    row, offered = access.alive(ctx, NETWORK, network_id), access.alive(ctx, NETWORK_OFFERING, offering_id)
    if row["offering_id"] == offering_id:
        return []
    target = _target(ctx, row, offered)
    return router.remove_all(ctx, network_id) if target["id"] != row["physical_network_id"] else []


def _moving(ctx: Context, network_id: int, offering_id: int) -> Sequence[str]:
    row, offered = access.alive(ctx, NETWORK, network_id), access.alive(ctx, NETWORK_OFFERING, offering_id)
    if row["offering_id"] == offering_id:
        return []
    target, before = _target(ctx, row, offered), network_orders.offering_of(ctx, row)
    if target["id"] != row["physical_network_id"]:
        if row["state"] == "Implemented":
            network_gc.shut_down(ctx, row)
        ctx.tx.update(table, {"id": network_id}, physical_network_id=target["id"])
    ctx.tx.update(table, {"id": network_id}, offering_id=offering_id)
    return network_offering_change.apply(ctx, access.row(ctx, NETWORK, network_id), before, offered)[0]


def _moved(ctx: Context, network_id: int) -> dict[str, Any]:
    access.alive(ctx, NETWORK, network_id)
    return {"network": ctx.present("network", network_id)[0]}


@workflow("network.migrate")
async def _migrate(wf: Workflow[Context], network_id: int, offering_id: int) -> None:
    await wf.ended(await wf.step("closing", _closing, network_id, offering_id))
    await wf.ended(await wf.step("moving", _moving, network_id, offering_id))
    await supply(wf, network_id)
    await wf.finish(_moved, network_id)
