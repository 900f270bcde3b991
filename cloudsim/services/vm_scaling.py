"""Scaling: another service offering for a machine, while it runs.

It grows on its host where that has room, else on another host of the cluster, to which it is moved first. From the first
step on the machine counts with its new size everywhere (limits, capacity); what it was is kept in ``vm.scaling`` until
the host has carried it out, and put back where that fails.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from cloudsim.agents.base import CommandFailed, HostUnreachable, MigrateMachine, ScaleMachine
from cloudsim.allocators.host_rules import host_refusal
from cloudsim.core.errors import (
    AgentTimeout,
    CloudError,
    InsufficientCapacity,
    InsufficientServers,
    InvalidValue,
    OperationFailed,
    PermissionDenied,
)
from cloudsim.db import placement as places_db
from cloudsim.db import schema
from cloudsim.db import virtualmachine as db
from cloudsim.db.database import Row
from cloudsim.jobs.job import Order
from cloudsim.jobs.workflow import Workflow, workflow
from cloudsim.services import access, cloud_machine, placement, vm_offering, volume_resize
from cloudsim.services.cloud_machine import kind_of
from cloudsim.services.context import Context
from cloudsim.services.nouns import SERVICE_OFFERING, TEMPLATE, VIRTUAL_MACHINE
from cloudsim.services.virtualmachine import lock, move
from cloudsim.services.vm_migration import arrive, run_migration
from cloudsim.services.vm_offering import Change
from cloudsim.services.vm_placing import MIB, Places, request_for
from cloudsim.services.vm_plain import Plain, address_of, host_address, result

vm = schema.vm


def order(ctx: Context, row: Row, offering: Row, change: Change, *, noun: str | None = None) -> str:
    """Orders that a machine gets another offering, running or stopped; answers the job's uuid.

    Raises `InvalidValue`, `PermissionDenied`, `LimitReached` where that cannot be.
    """
    _check(ctx, row, offering, change.details)
    root = row["type"] == "User" and vm_offering.root_resize(ctx, row, offering, change) is not None
    return ctx.submit(
        Order(
            command=ctx.command,
            workflow="virtualmachine.scale",
            arguments={
                "vm_id": row["id"],
                "offering_id": offering["id"],
                "change": {name: getattr(change, name) for name in Change.__slots__}
                | {"details": dict(change.details)},
                **({"noun": noun} if noun else {}),
                **({"root": True} if root else {}),
            },
            instance_type=kind_of(row).instance,
            instance_uuid=row["uuid"],
            lock=lock(row),
            event="VM.UPGRADE" if row["type"] == "User" else None,
            event_text=f"scaling virtual machine {row['display_name'] or row['name']}",
            account_id=row["account_id"],
            domain_id=row["domain_id"],
        )
    )


def _check(ctx: Context, row: Row, offering: Row, details: Mapping[str, str]) -> tuple[int, int, int]:
    """The new size. Raises what `order` raises."""
    if row["type"] != "User":
        cloud_machine.check_offering(row, offering)
        size = (offering["cpu_number"], offering["cpu_speed"], offering["memory"])
    else:
        size = vm_offering.check(ctx, row, offering, details)
    if row["state"] == "Running":
        _check_running(ctx, row, offering, size)
    return size


def _check_running(ctx: Context, row: Row, offering: Row, size: tuple[int, int, int]) -> None:
    if not ctx.settings.flag("enable.dynamic.scale.vm", ("Zone", row["zone_id"])):
        text = "virtual machines are not scaled while they run here (setting enable.dynamic.scale.vm): stop it first"
        raise PermissionDenied(text) if row["type"] == "User" else InvalidValue(text)
    if not offering["dynamic_scaling"]:
        raise InvalidValue(
            f"service offering {offering['name']} is not for virtual machines that are scaled while they run"
        )
    if row["type"] == "User":
        if not access.row(ctx, TEMPLATE, row["template_id"])["dynamically_scalable"]:
            raise InvalidValue(
                "the template of the virtual machine is not marked as dynamically scalable: stop it first"
            )
        if not row["dynamically_scalable"]:
            raise InvalidValue("the virtual machine is not dynamically scalable: stop it first")
    if ScaleMachine not in ctx.cloud.agents.driver(row["hypervisor"]).verbs:
        raise InvalidValue(f"hosts of hypervisor {row['hypervisor']} do not scale running virtual machines")
    before = (row["cpu"], row["speed"], row["memory"])
    if any(new < old for new, old in zip(size, before, strict=True)) or size == before:
        raise InvalidValue(
            f"a running virtual machine can only grow: it has {before[0]} CPUs of {before[1]} MHz and {before[2]} MB, "
            f"and would have {size[0]} of {size[1]} MHz and {size[2]} MB"
        )


# -- what happens


def _root(ctx: Context, vm_id: int, offering_id: int, change: Plain) -> Plain:
    """The root disk that has to be resized first, and to what; nothing where it keeps its size."""
    row = access.alive(ctx, VIRTUAL_MACHINE, vm_id)
    if row["type"] != "User" or row["state"] not in ("Running", "Stopped"):
        return {}
    offering, asked = access.alive(ctx, SERVICE_OFFERING, offering_id), Change(**change)
    _check(ctx, row, offering, asked.details)
    found = vm_offering.root_resize(ctx, row, offering, asked)
    return {} if found is None else {"volume_id": found[0], "wanted": asdict(found[1])}


def _root_resized(ctx: Context, volume_id: int, size: int | None) -> None:
    if size is not None:
        volume_resize.settle(ctx, volume_id, size)


def _begin(ctx: Context, vm_id: int, offering_id: int, change: Plain) -> Plain:
    """Changes a stopped machine at once; takes the room that a running one needs, on its host or on another."""
    row = access.alive(ctx, VIRTUAL_MACHINE, vm_id)
    offering = access.alive(ctx, SERVICE_OFFERING, offering_id)
    asked = Change(**change)
    if row["type"] != "User" and row["state"] != "Running":
        cloud_machine.change_offering(ctx, row, offering)
        return {}
    if row["state"] == "Stopped":
        vm_offering.change_stopped(ctx, row, offering, asked)
        return {}
    size = _check(ctx, row, offering, asked.details)
    root = vm_offering.root_change(ctx, row, offering, asked)[0] if row["type"] == "User" else {}
    target = _room(ctx, row, offering, size)
    before = {name: row[name] for name in ("service_offering_id", "cpu", "speed", "memory")}
    values: Plain = {
        "service_offering_id": offering["id"],
        "cpu": size[0],
        "speed": size[1],
        "memory": size[2],
        "scaling": before,
    }
    plan: Plain = {
        "target": address_of(ctx, target),
        "uuid": row["uuid"],
        "name": row["instance_name"],
        "size": size,
        "root": root,
        "tries": max(1, ctx.settings.number("scale.retry") or 1),
    }
    if target == row["host_id"]:
        _write(ctx, row, **values)
    else:
        plan |= {"source": address_of(ctx, row["host_id"]), "limit": ctx.settings.number("migratewait") or 3600}
        move(ctx, row, "MigrationRequested", host_id=target, last_host_id=row["host_id"], **values)
    return plan


def _room(ctx: Context, row: Row, offering: Row, size: tuple[int, int, int]) -> int:
    """Takes the room for a running machine's new size; answers the host's id. Raises `InsufficientServers`."""
    disks = db.volumes_of(ctx.tx, row["id"])
    cpu, memory = row["cpu"] * row["speed"], row["memory"] * MIB
    request = request_for(ctx, row, disks, offering=offering, size=size)
    places = Places(ctx, row, request)
    home = places.hosts[row["host_id"]]
    without = replace(
        home, cpu_used=home.cpu_used - cpu, memory_used=home.memory_used - memory, machines=home.machines - 1
    )
    refusal = host_refusal(replace(places.request, avoid={}), without)
    if refusal is None:
        places_db.take(ctx.tx, home.id, size[0] * size[1] - cpu, size[2] * MIB - memory, 0)
        return home.id
    why = f"host {home.name} cannot give the virtual machine more: {refusal.reason}"
    if places.local(disks):
        raise InsufficientServers(f"{why}; its disks are on local storage, so it cannot move to another")
    if MigrateMachine not in ctx.cloud.agents.driver(row["hypervisor"]).verbs:
        raise InsufficientServers(why)
    try:
        found = placement.reserve(
            ctx,
            request_for(ctx, row, disks, cluster_id=home.cluster_id, offering=offering, size=size),
            zone_id=row["zone_id"],
            account_id=row["account_id"],
            sizes=[disk["size"] for disk in disks],
            new=[False] * len(disks),
        )
    except InsufficientCapacity as error:
        raise InsufficientServers(f"{why}; and no other host of its cluster can take it: {error.message}") from None
    return found.host.id


def _write(ctx: Context, row: Row, **values: Any) -> None:
    where = {"id": row["id"], "update_count": row["update_count"]}
    if ctx.tx.update(vm, where, update_count=row["update_count"] + 1, updated=ctx.now, **values) != 1:
        raise OperationFailed(f"virtual machine {row['uuid']} was changed by someone else meanwhile")


def _arrived(ctx: Context, vm_id: int, source_id: int, vnc_port: int | None) -> None:
    """It runs on the other host, as big as it was: its room where it came from is given back."""
    row = access.alive(ctx, VIRTUAL_MACHINE, vm_id)
    if row["state"] == "Migrating":
        before = row["scaling"]
        placement.release(ctx, source_id, before["cpu"] * before["speed"], before["memory"] * MIB)
        arrive(ctx, row, vnc_port)
        ctx.event(
            "VM.MIGRATE",
            f"virtual machine {row['display_name'] or row['name']} was moved to a host where it can grow",
            resource=(kind_of(row).instance, row["uuid"]),
            account_id=row["account_id"],
            domain_id=row["domain_id"],
        )


def _scaled(ctx: Context, vm_id: int, offering_id: int, change: Plain, root: Plain, noun: str | None) -> Plain:
    row = access.alive(ctx, VIRTUAL_MACHINE, vm_id)
    if row["scaling"] is not None:
        _write(ctx, row, scaling=None)
        if row["type"] == "User":
            offering = access.row(ctx, SERVICE_OFFERING, offering_id)
            vm_offering.settle(ctx, {**row, "scaling": None}, offering, change["details"], root)
    return result(ctx, vm_id, noun)


def _unscaled(ctx: Context, error: CloudError, vm_id: int, **_: Any) -> None:
    """The machine is as it was, and has the room it had; a root disk that was resized already keeps its size."""
    for disk in db.volumes_of(ctx.tx, vm_id):
        if disk["state"] == "Resizing":
            volume_resize.resize_failed(ctx, error, disk["id"])
    row = ctx.tx.first(VIRTUAL_MACHINE.by_id, row_id=vm_id)
    if row is None or row["scaling"] is None:
        return
    before = {**row["scaling"], "scaling": None}
    cpu, memory = row["cpu"] * row["speed"], row["memory"] * MIB
    if row["state"] == "Migrating":
        placement.release(ctx, row["host_id"], cpu, memory)
        unknown = isinstance(error, AgentTimeout)
        doubt = (
            {"power_state": "PowerUnknown", "power_host_id": row["host_id"], "power_time": ctx.now} if unknown else {}
        )
        move(ctx, row, "OperationFailed", host_id=row["last_host_id"], **before, **doubt)
        return
    if row["host_id"] is not None:
        less_cpu = before["cpu"] * before["speed"] - cpu
        places_db.take(ctx.tx, row["host_id"], less_cpu, before["memory"] * MIB - memory, 0)
    _write(ctx, row, **before)


@workflow("virtualmachine.scale", failed=_unscaled)
async def scale(
    wf: Workflow[Context], vm_id: int, offering_id: int, change: Plain, noun: str | None = None, root: bool = False
) -> None:
    """Gives a machine another offering; a running one grows on its host, or on another of its cluster."""
    if root:
        disk = await wf.step("root", _root, vm_id, offering_id, change)
        if disk:
            size = await volume_resize.steps(wf, disk["volume_id"], vm_id, disk["wanted"])
            await wf.step("resized", _root_resized, disk["volume_id"], size)
    plan = await wf.step("begin", _begin, vm_id, offering_id, change)
    if not plan:
        await wf.finish(result, vm_id, noun)
        return
    if "source" in plan:
        answer = await run_migration(wf, plan)
        await wf.step("arrived", _arrived, vm_id, plan["source"]["id"], answer.get("vnc_port"))
    target, (cpus, speed, memory) = plan["target"], plan["size"]
    for attempt in range(1, plan["tries"] + 1):
        command = ScaleMachine(wf.command_id(f"scale-{attempt}"), plan["uuid"], plan["name"], cpus, speed, memory * MIB)
        try:
            await wf.call(host_address(target), command)
            break
        except CommandFailed as error:
            if attempt == plan["tries"]:
                raise OperationFailed(f"host {target['name']}: {error}") from None
        except HostUnreachable as error:
            raise AgentTimeout(f"host {target['name']}: {error}") from None
    await wf.finish(_scaled, vm_id, offering_id, change, plan["root"], noun)
