"""Whether routers are well, as far as it can be told from what their hosts last reported and what they were started with.

Checks that would look inside a router (its disks, its daemons) do not exist here: simulated routers have none.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from cloudsim import CLOUDSTACK_VERSION
from cloudsim.core.caller import Caller
from cloudsim.core.errors import OperationFailed
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.services import host as hosts
from cloudsim.services.context import Cloud, Context

vm, table, host = schema.vm, schema.router, schema.host

CONNECTIVITY, VERSION = "connectivity.test", "router_version_check.py"

_RUNNING = (
    select(
        vm.c.id, vm.c.zone_id, vm.c.state, vm.c.power_state, vm.c.power_time, vm.c.updated, table.c.template_version,
        table.c.software_version, host.c.status.label("host_status"), host.c.name.label("host_name"),
    )
    .select_from(vm.join(table, table.c.vm_id == vm.c.id).join(host, vm.c.host_id == host.c.id))
    .where(vm.c.state == "Running", vm.c.removed.is_(None))
)  # fmt: skip


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def requires_upgrade(ctx: Context, row: Row) -> bool:
    """Whether a router was started from an older template than the cloud asks for."""
    own = row["template_version"]
    return own is not None and _numbers(own) < _numbers(ctx.settings.text("minreq.sysvmtemplate.version"))


def results(ctx: Context, row: Row) -> list[dict[str, Any]]:
    """The checks of one router (`row` as `router_orders.page` has it): none where it does not run, or they are off.

    Each: name, type (basic or advanced), success, details, at (milliseconds).
    """
    if row["state"] != "Running" or not ctx.settings.flag("router.health.checks.enabled", ("Zone", row["zone_id"])):
        return []
    at = row["power_time"] or row["updated"]
    reached = row["power_state"] == "PowerOn" and row["host_status"] == "Up"
    current = row["software_version"] == CLOUDSTACK_VERSION and not requires_upgrade(ctx, row)
    made = [
        {
            "name": CONNECTIVITY,
            "type": "basic",
            "success": reached,
            "details": f"host {row['host_name']} is {row['host_status']} and reports {row['power_state']}",
            "at": at,
        },
        {
            "name": VERSION,
            "type": "advanced",
            "success": current,
            "details": f"template {row['template_version']}, software {row['software_version']}",
            "at": at,
        },
    ]
    out = {name.strip() for name in ctx.settings.text("router.health.checks.to.exclude").split(",")}
    return [one for one in made if one["name"] not in out]


def failed(ctx: Context, row: Row) -> bool:
    """Whether a check of a router failed."""
    return any(not one["success"] for one in results(ctx, row))


def failing(ctx: Context) -> list[int]:
    """The row ids of all routers of which a check failed."""
    return [row["id"] for row in ctx.tx.all(_RUNNING) if failed(ctx, row)]


def must_be_checked(ctx: Context, row: Row) -> None:
    """Raises `OperationFailed` where checks are off, or the router does not run."""
    if not ctx.settings.flag("router.health.checks.enabled", ("Zone", row["zone_id"])):
        raise OperationFailed("routers are not checked here (setting router.health.checks.enabled)")
    if row["state"] != "Running":
        raise OperationFailed(f"router {row['name']} is {row['state']}: only one that runs can be checked")


async def ask(cloud: Cloud, caller: Caller, host_id: int) -> None:
    """Asks a router's host what runs on it; what it says, or that it does not answer, is written down."""
    for row, address in await cloud.db.read(hosts.addresses):
        if row["id"] == host_id:
            await hosts.take(cloud, caller, [await hosts.ping(cloud, row, address)])
