"""What simulated routers do, read from their hosts and not from the database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy import bindparam, select

from cloudsim.agents.simulator import SimulatorDriver
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.services.context import Cloud, Context
from cloudsim.services.listing import has_keyword

vm = schema.vm
_ROUTERS = (
    select(
        vm.c.uuid,
        vm.c.name,
        schema.network.c.uuid.label("network_uuid"),
        schema.host.c.uuid.label("host_uuid"),
    )
    .select_from(
        vm.join(schema.network, vm.c.network_id == schema.network.c.id).join(
            schema.host, vm.c.host_id == schema.host.c.id
        )
    )
    .where(vm.c.type == "DomainRouter", vm.c.removed.is_(None))
    .order_by(vm.c.id)
)
_ONE = _ROUTERS.where(vm.c.uuid == bindparam("uuid"))
_OF_NETWORK = _ROUTERS.where(vm.c.network_id == bindparam("network_id"))


def routers(ctx: Context, router: Row | None, network: Row | None) -> list[Row]:
    """The routers on hosts that are asked for: one, those of a network, or all."""
    if router is None:
        return ctx.tx.all(_ROUTERS) if network is None else ctx.tx.all(_OF_NETWORK, network_id=network["id"])
    found = ctx.tx.all(_ONE, uuid=router["uuid"])
    return [row for row in found if network is None or row["network_uuid"] == network["uuid"]]


def enforced(cloud: Cloud, found: Sequence[Row], part: str | None, keyword: str | None) -> list[dict[str, Any]]:
    """What routers do, one object for each part of each. Call it on the event loop."""
    driver = cast(SimulatorDriver, cloud.agents.driver("Simulator"))
    return [
        {
            "routerid": row["uuid"],
            "routername": row["name"],
            "networkid": row["network_uuid"],
            "hostid": row["host_uuid"],
            "part": name,
            "setting": settings,
        }
        for row in found
        for name, settings in driver.router(row["uuid"]).items()
        if part in (None, name) and has_keyword(keyword, name, row["name"])
    ]
