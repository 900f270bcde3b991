"""Moving machines between hosts while they run, and emptying hosts that way."""

from __future__ import annotations

from typing import Any

from cloudsim.agents.base import AgentError, CommandFailed, HostUnreachable, MigrateMachine, Ping
from cloudsim.core import states
from cloudsim.core.errors import AgentTimeout, CloudError, InvalidValue, OperationFailed
from cloudsim.db import virtualmachine as db
from cloudsim.db.database import Row
from cloudsim.jobs.job import Order
from cloudsim.jobs.workflow import Workflow, workflow
from cloudsim.services import access, host_state, placement, shared_network, vm_request
from cloudsim.services.cloud_machine import kind_of
from cloudsim.services.context import Context
from cloudsim.services.nouns import HOST, VIRTUAL_MACHINE
from cloudsim.services.virtualmachine import lock, move
from cloudsim.services.vm_workflows import MIB, Plain, address_of, host_address, result


def order(
    ctx: Context,
    row: Row,
    event: str,
    *,
    host: Row | None = None,
    source_id: int | None = None,
    noun: str | None = None,
) -> str:
    """Orders that a running machine moves to a host, or to any that has room; answers the job's uuid.

    With `source_id` it is fine if the machine does not run on that host any more when its turn comes. `noun`: as what the
    result shows it, where not as what it is.
    """
    kind = kind_of(row)
    return ctx.submit(
        Order(
            command=ctx.command or "migrateVirtualMachine",
            workflow="virtualmachine.migrate",
            arguments={
                "vm_id": row["id"],
                "host_id": host["id"] if host else None,
                "source_id": source_id,
                **({"noun": noun} if noun else {}),
            },
            instance_type=kind.instance,
            instance_uuid=row["uuid"],
            lock=lock(row),
            event=event,
            event_text=f"migrating {kind.label} {row['display_name'] or row['name']}",
            account_id=row["account_id"],
            domain_id=row["domain_id"],
        )
    )


def _reserve(ctx: Context, vm_id: int, host_id: int | None, source_id: int | None) -> Plain:
    """Takes room on another host and moves the machine to Migrating; nothing where it has left already."""
    row = access.alive(ctx, VIRTUAL_MACHINE, vm_id)
    if source_id is not None and (row["host_id"] != source_id or row["state"] != "Running"):
        return {}
    if row["state"] != "Running":
        raise InvalidValue(f"a virtual machine in state {row['state']} cannot be migrated: it must run")
    if host_id == row["host_id"]:
        raise InvalidValue("the virtual machine runs on that host already")
    disks = db.volumes_of(ctx.tx, vm_id)
    source = address_of(ctx, row["host_id"])
    request = shared_network.within_pods(
        ctx,
        row,
        db.nics_of(ctx.tx, vm_id),
        vm_request.of(
            ctx,
            row,
            disks,
            host_id=host_id,
            # the cloud's own machines have addresses of their pod
            pod_id=None if row["type"] == "User" else row["pod_id"],
            avoid={row["host_id"]: "the machine comes from there"},
            moves=True,
        ),
        stay=True,
    )
    found = placement.reserve(
        ctx,
        request,
        zone_id=row["zone_id"],
        account_id=row["account_id"],
        sizes=[disk["size"] for disk in disks],
        new=[False] * len(disks),
    )
    move(ctx, row, "MigrationRequested", host_id=found.host.id, last_host_id=row["host_id"])
    return {
        "source": source,
        "target": address_of(ctx, found.host.id),
        "uuid": row["uuid"],
        "name": row["instance_name"],
    }


def _moved(ctx: Context, vm_id: int, plan: Plain, vnc_port: int | None, noun: str | None = None) -> Plain:
    row = access.alive(ctx, VIRTUAL_MACHINE, vm_id)
    if row["state"] == "Migrating":
        placement.release(ctx, plan["source"]["id"], row["cpu"] * row["speed"], row["memory"] * MIB)
        target = access.row(ctx, HOST, plan["target"]["id"])
        move(
            ctx,
            row,
            "OperationSucceeded",
            pod_id=target["pod_id"],
            power_state="PowerOn",
            power_time=ctx.now,
            power_host_id=target["id"],
            vnc_port=vnc_port,
        )
    return result(ctx, vm_id, noun)


def _stayed(ctx: Context, error: CloudError, vm_id: int, source_id: int | None = None, **_: Any) -> None:
    source = ctx.tx.first(HOST.by_id, row_id=source_id) if source_id is not None else None
    if source is not None and states.host_resourcestate.can(source["resource_state"], "UnableToMigrate"):
        host_state.want(ctx, source, "UnableToMigrate", "emptied")  # it is told before the others have gone
    row = ctx.tx.first(VIRTUAL_MACHINE.by_id, row_id=vm_id)
    if row is not None and row["state"] == "Migrating":
        placement.release(ctx, row["host_id"], row["cpu"] * row["speed"], row["memory"] * MIB)
        doubt: Plain = {}
        if isinstance(error, AgentTimeout):
            # it may have moved, or be moving: nothing starts it elsewhere before its target has been asked
            doubt = {"power_state": "PowerUnknown", "power_host_id": row["host_id"], "power_time": ctx.now}
        move(ctx, row, "OperationFailed", host_id=row["last_host_id"], **doubt)


@workflow("virtualmachine.migrate", failed=_stayed)
async def migrate(
    wf: Workflow[Context], vm_id: int, host_id: int | None, source_id: int | None, noun: str | None = None
) -> None:
    """Moves a running machine."""
    plan = await wf.step("reserve", _reserve, vm_id, host_id, source_id)
    if not plan:
        await wf.finish(result, vm_id, noun)
        return
    command = MigrateMachine(
        wf.command_id("migrate"), plan["uuid"], plan["name"], plan["target"]["uuid"], plan["target"]["url"]
    )
    try:
        answer = await wf.call(host_address(plan["source"]), command)
    except (CommandFailed, HostUnreachable) as error:
        # it may have gone before the answer was lost, or whatever the host says: where it runs, it has moved
        if not await _arrived(wf, plan):
            if isinstance(error, CommandFailed):
                raise OperationFailed(f"host {plan['source']['name']}: {error}") from None
            raise AgentTimeout(f"host {plan['source']['name']} does not answer") from None
        answer = {}
    await wf.finish(_moved, vm_id, plan, answer.get("vnc_port"), noun)


async def _arrived(wf: Workflow[Context], plan: Plain) -> bool:
    try:
        report = await wf.call(host_address(plan["target"]), Ping(wf.command_id("look")))
    except AgentError:
        return False
    return bool(report["machines"].get(plan["name"]) == "PowerOn")
