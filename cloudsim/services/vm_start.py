"""How a virtual machine starts, step by step.

When a host says no to a start, the next host is tried. When nobody knows what became of a command (`HostUnreachable`),
no other host is tried: the machine might run twice. It is then left stopped with its power state unknown on that host, and
is started again only after that host has said that it does not run there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam

from cloudsim.agents.base import CommandFailed, CreateVolume, HostUnreachable, StartMachine, StopMachine
from cloudsim.core import states
from cloudsim.core.errors import (
    CloudError,
    InsufficientCapacity,
    InsufficientServers,
    InvalidValue,
    OperationFailed,
    ResourceUnavailable,
)
from cloudsim.db import schema
from cloudsim.db import virtualmachine as db
from cloudsim.jobs.workflow import Workflow, workflow
from cloudsim.services import (
    access,
    affinitygroup,
    elastic_ip,
    loadbalancer_parts,
    router,
    securitygroup_apply,
    usage,
    vm_password,
)
from cloudsim.services.context import Context
from cloudsim.services.nouns import HOST, VIRTUAL_MACHINE
from cloudsim.services.virtualmachine import move
from cloudsim.services.vm_plain import Plain, address_of, host_address, living, result, spec_of
from cloudsim.services.vm_reserve import check_running_limits, place, take_back
from cloudsim.services.vm_stop import clear_doubt

vm, volume = schema.vm, schema.volume
#: How many hosts are tried before a start is given up.
TRIES = 3


def _check_start(ctx: Context, vm_id: int) -> Plain:
    """What must be settled before a start: a host that may still run the machine."""
    row = living(ctx, vm_id)
    if row["state"] == "Running":
        raise InvalidValue("the virtual machine runs already")
    if not states.virtualmachine.can(row["state"], "StartRequested"):
        raise InvalidValue(f"a virtual machine in state {row['state']} cannot be started")
    check_running_limits(ctx, row)
    if row["power_state"] == "PowerUnknown" and row["power_host_id"] is not None:
        doubt = access.row(ctx, HOST, row["power_host_id"])
        if (doubt["status"] in ("Down", "Removed") or doubt["resource_state"] == "Degraded") and (
            doubt["fenced"] or 0
        ) >= (row["power_time"] or 0):
            return {}  # it was fenced since: nothing runs there
        return {"doubt": address_of(ctx, row["power_host_id"]), "uuid": row["uuid"], "name": row["instance_name"]}
    return {}


_NO_HA = schema.ha_work.delete().where(schema.ha_work.c.vm_id == bindparam("vm_id"))


def started(ctx: Context, vm_id: int, answer: Plain, paths: Mapping[str, str], shown: bool = True) -> Plain:
    """The end of a start: what the host answered is written down. Answers the job's result."""
    row = living(ctx, vm_id)
    move(
        ctx,
        row,
        "OperationSucceeded",
        last_host_id=row["host_id"],
        power_state="PowerOn",
        power_time=ctx.now,
        power_host_id=row["host_id"],
        vnc_port=answer.get("vnc_port"),
        bootinto_setup=None,
    )
    first = row["last_host_id"] is None
    if not first:
        ctx.tx.execute(_NO_HA, vm_id=vm_id)  # it runs, whoever has started it
    usage.machine(ctx, usage.RUNNING_VM, row)
    if row["type"] == router.TYPE:
        router.started(ctx, row)
    if answer.get("groups"):
        securitygroup_apply.moved(ctx, vm_id, answer["groups"])
    if row["type"] == "User":
        loadbalancer_parts.machine_moved(ctx, vm_id)
    for disk in db.volumes_of(ctx.tx, vm_id):
        if disk["state"] == "Creating":
            ctx.tx.update(
                volume,
                {"id": disk["id"]},
                state="Ready",
                path=paths.get(disk["uuid"], disk["path"]),
                update_count=disk["update_count"] + 1,
                attached=ctx.now if disk["type"] == "DATADISK" else None,
                updated=ctx.now,
            )
    if not shown:
        return {}
    made = result(ctx, vm_id)
    return vm_password.shown(ctx, vm_id, made) if first else made


def start_failed(ctx: Context, error: CloudError, vm_id: int, first: bool = False, **_: Any) -> None:
    """Undoes a start; a new machine (`first`) that never ran ends in Error."""
    row = ctx.tx.first(VIRTUAL_MACHINE.by_id, row_id=vm_id)
    if row is None or row["removed"] is not None:
        return
    hopeless = first and row["last_host_id"] is None
    if row["state"] == "Starting":
        if row["host_id"] is not None:
            take_back(ctx, vm_id, refused=False)
        elastic_ip.stops(ctx, vm_id)
        row = move(ctx, living(ctx, vm_id), "OperationFailedToError" if hopeless else "OperationFailed")
    elif row["state"] == "Stopped" and hopeless:
        row = move(ctx, row, "OperationFailedToError")
    if row["state"] == "Error":
        affinitygroup.leave(ctx, row)
        usage.end(ctx, "vm", vm_id)
    _put_volumes_back(ctx, vm_id)
    if row["type"] == router.TYPE:
        router.start_failed(ctx, row, error)


def _put_volumes_back(ctx: Context, vm_id: int) -> None:
    # A volume that may have been made keeps its pool, so that it is found again and its room stays counted.
    for disk in db.volumes_of(ctx.tx, vm_id):
        if disk["state"] == "Creating":
            ctx.tx.update(volume, {"id": disk["id"]}, state="Allocated", update_count=disk["update_count"] + 1)


async def run_start(wf: Workflow[Context], vm_id: int, places: Plain, prefix: str = "") -> tuple[Plain, dict[str, str]]:
    """The steps from a stopped machine to one that a host has started; answers what the host said, and volume paths."""
    doubt = await wf.step(prefix + "check", _check_start, vm_id)
    if doubt and not wf.done(prefix + "clear"):
        try:
            await wf.call(
                host_address(doubt["doubt"]),
                StopMachine(wf.command_id(prefix + "doubt"), doubt["uuid"], doubt["name"], forced=True),
            )
        except HostUnreachable:
            raise ResourceUnavailable(
                f"the virtual machine may still run on host {doubt['doubt']['name']}, which does not answer"
            ) from None
        await wf.step(prefix + "clear", clear_doubt, vm_id)
    avoid: list[int] = list(places.get("avoid", ()))
    refusal = ""
    for attempt in range(1, TRIES + 1):
        try:
            plan = await place(wf, vm_id, avoid, places, f"{prefix}reserve-{attempt}")
        except InsufficientCapacity as error:
            if not refusal:
                raise
            raise InsufficientServers(f"{error.message} (before that: {refusal})") from None
        if wf.done(f"{prefix}take-back-{attempt}"):  # it has refused before a crash: it is not asked again
            avoid.append(plan["host"]["id"])
            refusal = f"host {plan['host']['name']} refused before"
            continue
        host = host_address(plan["host"])
        try:
            paths = {}
            for disk in plan["machine"]["disks"]:
                if disk["path"] is None:
                    # a volume that is there already is fine: it is named by its uuid
                    made = await wf.call(
                        host,
                        CreateVolume(
                            wf.command_id(f"{prefix}volume-{attempt}-{disk['id']}"),
                            disk["uuid"],
                            disk["name"],
                            disk["pool"],
                            disk["size"],
                            disk["template"],
                            disk.get("file"),
                            disk.get("format") or "QCOW2",
                        ),
                    )
                    paths[disk["uuid"]] = made["path"]
            command_id = wf.command_id(f"{prefix}start-{attempt}")
            spec = spec_of(plan["machine"], paths, plan.get("security"))
            answer = await wf.call(host, StartMachine(command_id, spec))
            return {**answer, "groups": plan["groups"]} if plan.get("groups") else answer, paths
        except CommandFailed as error:
            refusal = f"host {plan['host']['name']}: {error}"
            # whatever it says it may have done half of it: no other host is tried before this one has stopped it
            undo = StopMachine(
                wf.command_id(f"{prefix}undo-{attempt}"), plan["machine"]["uuid"], plan["machine"]["name"], forced=True
            )
            await wf.call(host, undo)
            avoid.append(plan["host"]["id"])
            await wf.step(f"{prefix}take-back-{attempt}", take_back, vm_id, True)
    raise OperationFailed(f"no host could start the virtual machine; {refusal}")


def _made(ctx: Context, vm_id: int) -> Plain:
    return vm_password.shown(ctx, vm_id, result(ctx, vm_id))


@workflow("virtualmachine.start", failed=start_failed)
async def start(wf: Workflow[Context], vm_id: int, first: bool = False, start: bool = True, **places: Any) -> None:
    """Starts a machine; as the `first` start of a new one, which may be left stopped (``startvm=false``)."""
    if not start:
        await wf.finish(_made, vm_id)
        return
    answer, paths = await run_start(wf, vm_id, places)
    await wf.finish(started, vm_id, answer, paths)
