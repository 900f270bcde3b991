"""How a virtual machine stops, step by step; how one is stopped that runs where it should not."""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam

from cloudsim.agents.base import CommandFailed, HostUnreachable, StopMachine
from cloudsim.core.errors import CloudError, InvalidValue
from cloudsim.db import schema
from cloudsim.db import virtualmachine as db
from cloudsim.db.database import Row
from cloudsim.jobs.workflow import Workflow, workflow
from cloudsim.services import (
    elastic_ip,
    loadbalancer_parts,
    placement,
    router,
    securitygroup_apply,
    system_network,
    usage,
)
from cloudsim.services.context import Context
from cloudsim.services.nouns import VIRTUAL_MACHINE
from cloudsim.services.virtualmachine import move
from cloudsim.services.vm_plain import MIB, Plain, address_of, host_address, living, result

vm, nic = schema.vm, schema.nic
#: Seconds that a guest has to go by itself where no setting says it.
STOP_WAIT = 60.0

_NO_HA = schema.ha_work.delete().where(schema.ha_work.c.vm_id == bindparam("vm_id"))


def stopping(ctx: Context, vm_id: int) -> Plain:
    """The beginning of a stop; answers what `run_stop` needs, nothing where the machine is stopped already."""
    row = living(ctx, vm_id)
    if row["state"] == "Stopped":
        return {}
    if row["state"] not in ("Running", "Stopping"):
        raise InvalidValue(f"a virtual machine in state {row['state']} cannot be stopped")
    move(ctx, row, "StopRequested")
    return {
        "host": address_of(ctx, row["host_id"]),
        "uuid": row["uuid"],
        "name": row["instance_name"],
        "wait": _stop_wait(ctx),
    }


def _stop_wait(ctx: Context) -> float:
    """How long a guest has to go by itself: ``StopCommand=<seconds>`` of the setting ``commands.timeout``."""
    for part in ctx.settings.text("commands.timeout").split(","):
        name, _, seconds = part.partition("=")
        if name.strip() == StopMachine.wire and seconds.strip().isdecimal():
            return float(seconds)
    return STOP_WAIT


def stopped(ctx: Context, vm_id: int, known: bool, shown: bool = True) -> Plain:
    """The end of a stop; `known`: the host said that the machine does not run there. Answers the job's result."""
    row = living(ctx, vm_id)
    if row["state"] == "Stopping":
        leave_host(ctx, row, known)
    elif row["state"] == "Stopped":
        ctx.tx.execute(_NO_HA, vm_id=vm_id)  # who asks for a stop wants no HA
    return result(ctx, vm_id) if shown else {}


def leave_host(ctx: Context, row: Row, known: bool, event: str = "OperationSucceeded") -> None:
    """Takes a machine off its host (state after `event`); `known`: the host said that it does not run there.

    A doubt about another host, which it may have moved to, stays.
    """
    host_id = row["host_id"]
    if host_id is not None:
        placement.release(ctx, host_id, row["cpu"] * row["speed"], row["memory"] * MIB)
    usage.end(ctx, "vm", row["id"], usage.RUNNING_VM)
    doubt = None if known else host_id
    if row["power_state"] == "PowerUnknown" and row["power_host_id"] not in (None, host_id):
        doubt = row["power_host_id"]  # it may have moved there before its answer was lost
    move(
        ctx,
        row,
        event,
        host_id=None,
        last_host_id=host_id,
        power_state="PowerOff" if doubt is None else "PowerUnknown",
        # a host that was asked to stop it has not begun to run it since
        power_time=ctx.now if doubt is None else row["power_time"],
        power_host_id=doubt,
        vnc_port=None,
    )
    cards = db.nics_of(ctx.tx, row["id"])
    for card in cards:
        ctx.tx.update(nic, {"uuid": card["uuid"]}, state="Allocated")
    if any(card["guest_type"] == "Shared" for card in cards):
        securitygroup_apply.moved(ctx, row["id"])
        elastic_ip.stops(ctx, row["id"])
    if row["type"] == "User":
        loadbalancer_parts.machine_moved(ctx, row["id"])
    elif row["type"] == router.TYPE:
        router.left(ctx, row)
    else:
        system_network.release(ctx, row["id"])


def stop_failed(ctx: Context, error: CloudError, vm_id: int, **_: Any) -> None:
    """Undoes a stop that is under way."""
    row = ctx.tx.first(VIRTUAL_MACHINE.by_id, row_id=vm_id)
    if row is not None and row["state"] == "Stopping":
        move(ctx, row, "OperationFailed")


async def run_stop(wf: Workflow[Context], plan: Plain, forced: bool, prefix: str = "") -> bool:
    """Makes a host stop a machine; False where only a forced stop of a host that does not answer was asked for."""
    host = host_address(plan["host"])
    if not forced:
        try:
            command_id = wf.command_id(prefix + "shutdown")
            await wf.call(host, StopMachine(command_id, plan["uuid"], plan["name"], wait=plan.get("wait", STOP_WAIT)))
            return True
        except CommandFailed:
            pass  # the guest does not go by itself
    try:
        await wf.call(host, StopMachine(wf.command_id(prefix + "off"), plan["uuid"], plan["name"], forced=True))
    except HostUnreachable:
        if not forced:
            raise
        return False
    return True


@workflow("virtualmachine.stop", failed=stop_failed)
async def stop(wf: Workflow[Context], vm_id: int, forced: bool = False) -> None:
    """Stops a machine; one that is stopped already is fine."""
    plan = await wf.step("stopping", stopping, vm_id)
    known = await run_stop(wf, plan, forced) if plan else True
    await wf.finish(stopped, vm_id, known)


def _evicting(ctx: Context, vm_id: int, host_id: int) -> Plain:
    row = ctx.tx.first(VIRTUAL_MACHINE.by_id, row_id=vm_id)
    if row is None:
        return {}
    if row["removed"] is None and row["host_id"] == host_id and row["state"] in ("Running", "Starting", "Stopping"):
        return {}  # it belongs there by now
    return {"host": address_of(ctx, host_id), "uuid": row["uuid"], "name": row["instance_name"]}


def clear_doubt(ctx: Context, vm_id: int) -> None:
    """A host has said that a machine does not run there."""
    ctx.tx.update(vm, {"id": vm_id}, power_state="PowerOff", power_time=ctx.now, power_host_id=None)


def _evicted(ctx: Context, vm_id: int, host_id: int) -> Plain:
    row = ctx.tx.first(VIRTUAL_MACHINE.by_id, row_id=vm_id)
    if row is not None and row["host_id"] is None and row["power_host_id"] == host_id:
        clear_doubt(ctx, vm_id)
    return {"success": True}


@workflow("virtualmachine.evict")
async def evict(wf: Workflow[Context], vm_id: int, host_id: int) -> None:
    """Stops a machine that a host reports and that should not run there (its start was given up when nobody answered)."""
    plan = await wf.step("check", _evicting, vm_id, host_id)
    if plan:
        await wf.call(
            host_address(plan["host"]), StopMachine(wf.command_id("off"), plan["uuid"], plan["name"], forced=True)
        )
    await wf.finish(_evicted, vm_id, host_id)
