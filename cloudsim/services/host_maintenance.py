"""Hosts that shall rest: maintenance, which their machines leave before, and hosts that are declared broken."""

from __future__ import annotations

import logging
from typing import Any

from sqlalchemy import bindparam, func, or_, select

from cloudsim.core.errors import InvalidValue, OperationFailed
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.placement import HOLDING
from cloudsim.db.types import any_of
from cloudsim.jobs.job import Order
from cloudsim.jobs.workflow import Workflow, single, workflow
from cloudsim.services import access, fencing, ha, vm_migration
from cloudsim.services.context import Context
from cloudsim.services.host_state import want, wanted
from cloudsim.services.nouns import HOST
from cloudsim.services.vm_stop import leave_host

log = logging.getLogger(__name__)

host, vm = schema.host, schema.vm

_HERE = (
    select(vm)
    .where(vm.c.host_id == bindparam("host_id"), vm.c.removed.is_(None), any_of(vm.c.state, "states"))
    .order_by(vm.c.id)
)
_LEFT = select(func.count()).where(
    or_(
        vm.c.host_id == bindparam("host_id"),
        (vm.c.last_host_id == bindparam("host_id")) & (vm.c.state == "Migrating") & vm.c.host_id.is_not(None),
    ),
    vm.c.removed.is_(None),
    any_of(vm.c.state, "states"),
)

#: States in which a host's machines are leaving it.
PREPARING = ("PrepareForMaintenance", "ErrorInPrepareForMaintenance")


def _order(ctx: Context, row: Row, workflow_name: str, event: str | None, text: str, *, alone: bool = True) -> str:
    return ctx.submit(
        Order(
            command=ctx.command,
            workflow=workflow_name,
            arguments={"host_id": row["id"]},
            instance_type="Host",
            instance_uuid=row["uuid"],
            lock=f"host:{row['uuid']}" if alone else None,
            event=event,
            event_text=f"{text} host {row['name']}",
        )
    )


def _shown(ctx: Context, host_id: int) -> dict[str, Any]:
    return {"host": ctx.present("host", host_id)[0]}


# -- maintenance


def prepare(ctx: Context, row: Row) -> str:
    """Orders that a host's machines move away and it goes to maintenance; answers the job's uuid. Raises `InvalidValue`."""
    wanted(row, "AdminAskMaintenance", "put in maintenance")
    if row["resource_state"] != "Degraded" and row["status"] != "Up":
        raise InvalidValue(
            f"host {row['name']} is {row['status']}: its machines cannot leave it; declare it as degraded instead"
        )
    return _order(ctx, row, "host.maintain", "MAINT.PREPARE", "preparing maintenance of")


def _asked(ctx: Context, host_id: int) -> list[str]:
    """No machine starts there from here on; answers the jobs that move those that run there."""
    row = access.alive(ctx, HOST, host_id)
    want(ctx, row, "AdminAskMaintenance", "put in maintenance")
    return [
        vm_migration.order(ctx, machine, "VM.MIGRATE", source_id=host_id)
        for machine in ctx.tx.all(_HERE, host_id=host_id, states=list(HOLDING))
    ]


def _settle(ctx: Context, host_id: int) -> int:
    """Maintenance where nothing is left; else an error state, and how much is left. -1: it was cancelled meanwhile."""
    row = access.alive(ctx, HOST, host_id)
    left = int(ctx.tx.scalar(_LEFT, host_id=host_id, states=list(HOLDING)))
    if row["resource_state"] in PREPARING:
        want(ctx, row, "UnableToMaintain" if left else "InternalEnterMaintenance", "put in maintenance")
    elif row["resource_state"] != "Maintenance":
        return -1
    return left


@workflow("host.maintain")
async def _maintain(wf: Workflow[Context], host_id: int) -> None:
    await wf.ended(await wf.step("asked", _asked, host_id))
    left = await wf.step("settle", _settle, host_id)
    if left < 0:
        raise OperationFailed("maintenance of the host was cancelled while its machines were leaving it")
    if left:
        raise OperationFailed(f"{left} virtual machine(s) could not leave the host: see their jobs for the reasons")
    await wf.finish(_shown, host_id)


def cancel(ctx: Context, row: Row) -> str:
    """Orders that a host takes machines again; answers the job's uuid. Raises `InvalidValue`."""
    wanted(row, "AdminCancelMaintenance", "taken out of maintenance")
    # a preparation that is under way holds the host: this must not wait for its end
    alone = row["resource_state"] not in PREPARING
    return _order(ctx, row, "host.cancel-maintenance", "MAINT.CANCEL", "ending maintenance of", alone=alone)


def _cancelled(ctx: Context, host_id: int) -> dict[str, Any]:
    row = access.alive(ctx, HOST, host_id)
    want(ctx, row, "AdminCancelMaintenance", "taken out of maintenance")
    return _shown(ctx, host_id)


single("host.cancel-maintenance", _cancelled)


# -- degraded


def declare_degraded(ctx: Context, row: Row) -> str:
    """Orders that a host that does not answer counts as broken; answers the job's uuid. Raises `InvalidValue`."""
    wanted(row, "DeclareHostDegraded", "declared as degraded")
    _check_silent(row)
    return _order(ctx, row, "host.degrade", "HOST.DECLARE.DEGRADED", "declaring as degraded")


def _check_silent(row: Row) -> None:
    if row["status"] not in ("Alert", "Disconnected", "Down"):
        raise InvalidValue(f"host {row['name']} is {row['status']}: only one that does not answer can be degraded")


def _degraded(ctx: Context, host_id: int, asked: int) -> dict[str, Any]:
    """Its machines do not run any more: the admin has said so. Those with high availability start elsewhere."""
    row = access.alive(ctx, HOST, host_id)
    want(ctx, row, "DeclareHostDegraded", "declared as degraded")
    if asked:
        fencing.mark_down(ctx, host_id, asked)
        while fencing.clear(ctx, host_id):
            pass
        return _shown(ctx, host_id)
    _check_silent(row)  # one that answers again runs what it runs
    ctx.tx.update(host, {"id": host_id}, fenced=ctx.now)
    for machine in ctx.tx.all(_HERE, host_id=host_id, states=["Running"]):
        leave_host(ctx, machine, True, "FollowAgentPowerOffReport")
        if ha.protects(ctx, machine):
            ha.bring_back(ctx, machine, "HostDown", host_id)
    return _shown(ctx, host_id)


def _before(ctx: Context, host_id: int) -> dict[str, Any]:
    row = access.alive(ctx, HOST, host_id)
    wanted(row, "DeclareHostDegraded", "declared as degraded")
    _check_silent(row)
    return fencing.how(ctx, row)


@workflow("host.degrade")
async def _degrade(wf: Workflow[Context], host_id: int) -> None:
    """Cuts the power of a host where somebody can, and takes the admin's word that nothing runs there where nobody can."""
    plan = await wf.step("before", _before, host_id)
    asked = plan["now"]
    try:
        await fencing.fence(wf, plan)
    except OperationFailed as error:
        log.warning("a host is declared as degraded: %s; the administrator's word has to do", error.message)
        asked = 0
    await wf.finish(_degraded, host_id, asked)


def cancel_degraded(ctx: Context, row: Row) -> str:
    """Orders that a degraded host may serve again; answers the job's uuid. Raises `InvalidValue`."""
    wanted(row, "EnableDegradedHost", "enabled: it is not degraded")
    return _order(ctx, row, "host.undegrade", "HOST.CANCEL.DEGRADED", "enabling degraded")


def _undegraded(ctx: Context, host_id: int) -> dict[str, Any]:
    row = access.alive(ctx, HOST, host_id)
    want(ctx, row, "EnableDegradedHost", "enabled: it is not degraded")
    return _shown(ctx, host_id)


single("host.undegrade", _undegraded)
