"""How a virtual machine is rebooted, step by step."""

from __future__ import annotations

from typing import Any

from cloudsim.agents.base import RebootMachine
from cloudsim.core.errors import CloudError, InvalidValue
from cloudsim.db import schema
from cloudsim.jobs.workflow import Workflow, workflow
from cloudsim.services.context import Context
from cloudsim.services.vm_plain import Plain, address_of, host_address, living, result
from cloudsim.services.vm_start import run_start, start_failed, started
from cloudsim.services.vm_stop import run_stop, stop_failed, stopped, stopping

vm = schema.vm


def _rebooting(ctx: Context, vm_id: int) -> Plain:
    row = living(ctx, vm_id)
    if row["state"] != "Running" or row["host_id"] is None:
        raise InvalidValue(f"a virtual machine in state {row['state']} cannot be rebooted")
    return {"host": address_of(ctx, row["host_id"]), "uuid": row["uuid"], "name": row["instance_name"]}


def _rebooted(ctx: Context, vm_id: int) -> Plain:
    ctx.tx.update(vm, {"id": vm_id}, updated=ctx.now, power_state="PowerOn", power_time=ctx.now)
    return result(ctx, vm_id)


def reboot_failed(ctx: Context, error: CloudError, vm_id: int, **_: Any) -> None:
    """Undoes a stop or a start that is under way."""
    stop_failed(ctx, error, vm_id)
    start_failed(ctx, error, vm_id)


@workflow("virtualmachine.reboot", failed=reboot_failed)
async def reboot(wf: Workflow[Context], vm_id: int, forced: bool = False, boot_into_setup: bool = False) -> None:
    """Restarts the guest in place, or by stopping and starting the machine where that is asked for."""
    plan = await wf.step("check", _rebooting, vm_id)
    if not forced:
        await wf.call(host_address(plan["host"]), RebootMachine(wf.command_id("reboot"), plan["uuid"], plan["name"]))
        await wf.finish(_rebooted, vm_id)
        return
    plan = await wf.step("stopping", stopping, vm_id)
    if not wf.done("stopped"):  # else it runs again by now, perhaps
        known = await run_stop(wf, plan, False)
        await wf.step("stopped", stopped, vm_id, known, False)
    answer, paths = await run_start(wf, vm_id, {}, "again-")
    await wf.finish(started, vm_id, answer, paths)
