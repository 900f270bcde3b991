"""Moving machines between hosts while they run, alone or with their disks, and emptying hosts that way.

A machine that is sent to a host whose memory others have now waits in Migrating, and holds nothing there: it is tried
again every ``migrate.retry.interval`` seconds, or when another job of the machine comes, and given up after
``migratewait`` seconds. Until it has moved it has its place on the host it comes from as well.

When nobody knows whether it has gone (neither host answers) it counts as running where it came from, with a doubt about
the other host (`power_host_id`): it is started nowhere before that host has said that it does not run there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, func, select

from cloudsim.agents.base import AgentError, CommandFailed, HostUnreachable, MigrateMachine, Ping
from cloudsim.core import states
from cloudsim.core.errors import (
    AgentTimeout,
    CloudError,
    InsufficientCapacity,
    InsufficientServers,
    InvalidValue,
    OperationFailed,
)
from cloudsim.db import placement as places_db
from cloudsim.db import schema
from cloudsim.db import virtualmachine as db
from cloudsim.db.database import Row
from cloudsim.jobs.job import Order
from cloudsim.jobs.workflow import Workflow, workflow
from cloudsim.services import access, host_state, hypervisor, placement, vmsnapshot
from cloudsim.services.cloud_machine import kind_of
from cloudsim.services.context import Context
from cloudsim.services.nouns import HOST, VIRTUAL_MACHINE
from cloudsim.services.virtualmachine import lock, move
from cloudsim.services.vm_placing import MIB, Places, refuse, request_for
from cloudsim.services.vm_plain import Plain, address_of, host_address, result

vm, volume, job = schema.vm, schema.volume, schema.job

_QUEUED = select(func.count()).where(job.c.lock == bindparam("lock"), job.c.state == "queued")


def order(
    ctx: Context,
    row: Row,
    event: str,
    *,
    host: Row | None = None,
    source_id: int | None = None,
    noun: str | None = None,
    **more: Any,
) -> str:
    """Orders that a running machine moves to a host, or to any that has room; answers the job's uuid.

    With `source_id` it is fine if the machine does not run on that host any more when its turn comes. `noun`: as what the
    result shows it, where not as what it is. `more`: as `migrate` takes it.
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
                **more,
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


# -- what is asked for


def check_running(ctx: Context, row: Row) -> None:
    """Raises `InvalidValue` for a machine that cannot move, wherever it were to go."""
    if row["state"] != "Running":
        raise InvalidValue(f"a virtual machine in state {row['state']} cannot be migrated: it must run")
    if MigrateMachine not in ctx.cloud.agents.driver(row["hypervisor"]).verbs:
        raise InvalidValue(f"hosts of hypervisor {row['hypervisor']} do not migrate virtual machines here")
    source = access.row(ctx, HOST, row["host_id"])
    if source["resource_state"] == "PrepareForMaintenance":
        raise InvalidValue(
            f"host {source['name']} is being emptied for maintenance: the virtual machine leaves it anyway"
        )


def motion(ctx: Context, name: str) -> bool:
    """Whether machines of a hypervisor can move together with their disks (`updateHypervisorCapabilities`)."""
    return bool(hypervisor.limit(ctx, "storagemotionenabled", name, None))


def migrate_to(ctx: Context, row: Row, host: Row | None) -> str:
    """Orders that a running machine moves to a host, or to any of its cluster; answers the job's uuid.

    Raises `InvalidValue`, `InsufficientServers` where the host could not take it. One that only lacks memory now is
    waited for.
    """
    check_running(ctx, row)
    _look(ctx, row, host["id"] if host else None, {}, False)
    return order(ctx, row, "VM.MIGRATE", host=host, waits=True)


def migrate_with_volumes(ctx: Context, row: Row, host: Row | None, to: Mapping[int, int]) -> str:
    """Orders that a running machine moves with disks: those in `to` (ids of volumes and pools), and those that the host
    does not reach. Answers the job's uuid. Raises `InvalidValue`, `InsufficientServers`, `InsufficientStorage`.
    """
    check_running(ctx, row)
    if not motion(ctx, row["hypervisor"]):
        raise InvalidValue(
            f"virtual machines of hypervisor {row['hypervisor']} cannot move with their disks (storagemotionenabled)"
        )
    vmsnapshot.refuse_while_any(ctx, row["id"], "its disks stay where they are")
    _look(ctx, row, host["id"] if host else None, to, True)
    return order(
        ctx, row, "VM.MIGRATE", host=host, to={str(key): pool for key, pool in to.items()}, storage=True, waits=True
    )


def _look(
    ctx: Context, row: Row, host_id: int | None, to: Mapping[int, int | None], storage: bool
) -> tuple[dict[int, int | None], bool]:
    """Which volumes move where (None: wherever there is room), and whether it waits for memory of the host.

    Raises `InvalidValue`, `InsufficientServers`, `InsufficientStorage` where it can never go there.
    """
    disks = db.volumes_of(ctx.tx, row["id"])
    places = Places(ctx, row, request_for(ctx, row, disks, host_id=host_id, to=to))
    if any(disk["state"] != "Ready" for disk in disks):
        raise InvalidValue("a disk of the virtual machine is not ready: something else is done with it")
    for disk in places.local(disks):
        raise InvalidValue(f"volume {disk['name']} lies on local storage: the virtual machine cannot leave its host")
    moving = {key: pool for key, pool in to.items() if any(d["id"] == key and d["pool_id"] != pool for d in disks)}
    if host_id is None:
        for pool_id in moving.values():
            if pool_id is not None:
                places.pool(pool_id)
        if storage and not moving:
            raise InvalidValue("no disk would move: migrateVirtualMachine does that")
        return moving, False
    if host_id == row["host_id"]:
        raise InvalidValue("the virtual machine runs on that host already")
    host = places.hosts.get(host_id)
    if host is None:
        raise InvalidValue("the host is in another zone, or runs no virtual machines")
    refusal = places.refusal(host)
    waits = refusal is not None and places.waits(refusal, host)
    if refusal is not None and not waits:
        refuse(refusal)
    far = [disk for disk in places.unreached(host, disks) if disk["id"] not in moving]
    if far and not storage:
        raise InvalidValue(
            f"host {host.name} does not reach the storage of volume {far[0]['name']}: "
            "migrateVirtualMachineWithVolume moves disks along"
        )
    moving.update(dict.fromkeys((disk["id"] for disk in far), None))
    if storage and not moving:
        raise InvalidValue("no disk has to move for that: migrateVirtualMachine does it")
    places.check_pools(host, disks, moving)
    for disk in far:
        if not places.any_pool(host, disk):
            raise InvalidValue(f"host {host.name} reaches no storage pool that can take volume {disk['name']}")
    return moving, waits


# -- what happens


def _reserve(
    ctx: Context,
    vm_id: int,
    host_id: int | None,
    source_id: int | None,
    to: Mapping[str, int] | None = None,
    storage: bool = False,
    waits: bool = False,
) -> Plain:
    """Takes room on another host and moves the machine to Migrating; nothing where it has left already.

    Where it waits for memory it is in Migrating, and the answer says how long to wait (`wait`, seconds) and until when.
    """
    row = access.alive(ctx, VIRTUAL_MACHINE, vm_id)
    if source_id is not None and (row["host_id"] != source_id or row["state"] != "Running"):
        return {}
    if source_id is None:
        check_running(ctx, row)
    if row["state"] != "Running":
        raise InvalidValue(f"a virtual machine in state {row['state']} cannot be migrated: it must run")
    if storage:
        vmsnapshot.refuse_while_any(ctx, vm_id, "its disks stay where they are")
    moving, full = _look(ctx, row, host_id, {int(key): pool for key, pool in (to or {}).items()}, storage)
    if full and waits:
        move(ctx, row, "MigrationRequested", last_host_id=None)  # it has no place but where it is
        seconds = ctx.settings.number("migratewait") or 3600
        return _wait(ctx, ctx.now + seconds * 1000)
    return _take(ctx, row, host_id, moving, anywhere=source_id is not None)


def _wait(ctx: Context, until: int) -> Plain:
    interval = ctx.settings.number("migrate.retry.interval") or 120
    return {"wait": max(0.0, min(interval, (until - ctx.now) / 1000)), "until": until}


def _again(ctx: Context, vm_id: int, host_id: int, until: int, to: Mapping[str, int] | None, storage: bool) -> Plain:
    """One more try of a machine that waits. Raises what ends the wait."""
    row = access.alive(ctx, VIRTUAL_MACHINE, vm_id)
    if row["state"] != "Migrating":
        raise OperationFailed(f"the virtual machine became {row['state']} while it waited")
    if ctx.tx.scalar(_QUEUED, lock=lock(row)):
        raise OperationFailed("the virtual machine waits no longer: something else was asked of it meanwhile")
    source = access.row(ctx, HOST, row["host_id"])
    if source["status"] == "Down":
        raise OperationFailed(f"host {source['name']}, which the virtual machine was to leave, went down")
    moving, full = _look(ctx, row, host_id, {int(key): pool for key, pool in (to or {}).items()}, storage)
    if not full:
        return _take(ctx, row, host_id, moving)
    if ctx.now >= until:
        target = access.row(ctx, HOST, host_id)
        raise InsufficientServers(
            f"host {target['name']} has had no memory left for the virtual machine since the migration was asked for "
            "(setting migratewait)"
        )
    return _wait(ctx, until)


def _take(
    ctx: Context, row: Row, host_id: int | None, moving: Mapping[int, int | None], *, anywhere: bool = False
) -> Plain:
    """Takes the room. `anywhere`: other clusters than its own will do, where its own has none."""
    disks = db.volumes_of(ctx.tx, row["id"])
    source = access.row(ctx, HOST, row["host_id"])
    planned = {
        "zone_id": row["zone_id"],
        "account_id": row["account_id"],
        "sizes": [disk["size"] for disk in disks],
        "new": [disk["id"] in moving for disk in disks],
    }
    if host_id is not None:
        found = placement.reserve(ctx, request_for(ctx, row, disks, host_id=host_id, to=moving), **planned)
    else:
        try:
            near = request_for(ctx, row, disks, cluster_id=source["cluster_id"], to=moving)
            found = placement.reserve(ctx, near, **planned)
        except InsufficientCapacity:
            if not anywhere and not ctx.settings.flag("migrate.vm.across.clusters", ("Zone", row["zone_id"])):
                raise
            found = placement.reserve(ctx, request_for(ctx, row, disks, to=moving), **planned)
        Places(ctx, row, request_for(ctx, row, disks, to=moving)).check_pools(
            found.host, [{**disk, "size": 0} for disk in disks], moving
        )
    goes = []
    for disk, pool in zip(disks, found.pools, strict=True):
        if disk["id"] in moving:
            moved = {
                "state": states.volume.next(disk["state"], "MigrationRequested"),
                "update_count": disk["update_count"] + 1,
            }
            ctx.tx.update(volume, {"id": disk["id"]}, target_pool_id=pool.id, **moved)
            goes.append([disk["uuid"], pool.uuid])
    move(ctx, row, "MigrationRequested", host_id=found.host.id, last_host_id=row["host_id"])
    return {
        "source": address_of(ctx, row["host_id"]),
        "target": address_of(ctx, found.host.id),
        "uuid": row["uuid"],
        "name": row["instance_name"],
        "disks": goes,
        "limit": ctx.settings.number("migratewait") or 3600,
    }


def settle_volumes(ctx: Context, vm_id: int, *, moved: bool, paths: Mapping[str, str] | None = None) -> None:
    """Ends the move of a machine's volumes: room is held in one pool again, the new one or the old."""
    for disk in db.volumes_of(ctx.tx, vm_id):
        target = disk["target_pool_id"]
        if target is None:
            continue
        values: dict[str, Any] = {"target_pool_id": None, "updated": ctx.now, "update_count": disk["update_count"] + 1}
        if disk["state"] == "Migrating":
            values["state"] = states.volume.next("Migrating", "OperationSucceeded" if moved else "OperationFailed")
        if moved:
            values |= {"pool_id": target, "path": (paths or {}).get(disk["uuid"], disk["path"])}
        places_db.allocate(ctx.tx, disk["pool_id"] if moved else target, -disk["size"])
        ctx.tx.update(volume, {"id": disk["id"]}, **values)


def arrive(ctx: Context, row: Row, vnc_port: int | None) -> None:
    """A migrating machine runs on the host it went to."""
    settle_volumes(ctx, row["id"], moved=True)
    target = access.row(ctx, HOST, row["host_id"])
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


def _moved(ctx: Context, vm_id: int, plan: Plain, vnc_port: int | None, noun: str | None = None) -> Plain:
    row = access.alive(ctx, VIRTUAL_MACHINE, vm_id)
    if row["state"] == "Migrating":
        placement.release(ctx, plan["source"]["id"], row["cpu"] * row["speed"], row["memory"] * MIB)
        arrive(ctx, row, vnc_port)
    return result(ctx, vm_id, noun)


def stay(ctx: Context, row: Row, *, unknown: bool = False) -> None:
    """A migrating machine runs where it came from; what was taken on the other host is given back.

    `unknown`: nobody has said so; the other host keeps a doubt, and room for the disks.
    """
    if not unknown:
        settle_volumes(ctx, row["id"], moved=False)
    if row["last_host_id"] is None:  # it only waited
        move(ctx, row, "OperationFailed", last_host_id=row["host_id"])
        return
    placement.release(ctx, row["host_id"], row["cpu"] * row["speed"], row["memory"] * MIB)
    doubt = {"power_state": "PowerUnknown", "power_host_id": row["host_id"], "power_time": ctx.now} if unknown else {}
    move(ctx, row, "OperationFailed", host_id=row["last_host_id"], **doubt)


def follow(ctx: Context, row: Row, host_id: int) -> None:
    """A machine whose migration nobody knew the end of is reported by the host it went to: it has moved."""
    target = access.row(ctx, HOST, host_id)
    cpu, memory = row["cpu"] * row["speed"], row["memory"] * MIB
    placement.release(ctx, row["host_id"], cpu, memory)
    places_db.take(ctx.tx, host_id, cpu, memory)
    settle_volumes(ctx, row["id"], moved=True)
    move(
        ctx,
        row,
        "AgentReportMigrated",
        host_id=host_id,
        last_host_id=row["host_id"],
        pod_id=target["pod_id"],
        power_state="PowerOn",
        power_time=ctx.now,
        power_host_id=host_id,
    )
    kind = kind_of(row)
    ctx.event(
        "VM.MIGRATE",
        f"{kind.label} {row['display_name'] or row['name']} was found on host {target['name']}: it has moved",
        resource=(kind.instance, row["uuid"]),
        account_id=row["account_id"],
        domain_id=row["domain_id"],
    )


def doubted(row: Row) -> int | None:
    """The host that a running machine may have moved to, though it counts as running elsewhere; None: there is no doubt."""
    there: int | None = row["power_host_id"]
    unknown = row["power_state"] == "PowerUnknown" and row["host_id"] is not None
    return there if unknown and there != row["host_id"] else None


def stayed_after_all(ctx: Context, row: Row) -> None:
    """Ends the doubt about a machine: the host it might have moved to does not run it."""
    settle_volumes(ctx, row["id"], moved=False)
    ctx.tx.update(vm, {"id": row["id"]}, power_state="PowerOn", power_host_id=row["host_id"], power_time=ctx.now)


def _stayed(ctx: Context, error: CloudError, vm_id: int, source_id: int | None = None, **_: Any) -> None:
    source = ctx.tx.first(HOST.by_id, row_id=source_id) if source_id is not None else None
    if source is not None and states.host_resourcestate.can(source["resource_state"], "UnableToMigrate"):
        host_state.want(ctx, source, "UnableToMigrate", "emptied")  # it is told before the others have gone
    row = ctx.tx.first(VIRTUAL_MACHINE.by_id, row_id=vm_id)
    if row is not None and row["state"] == "Migrating":
        stay(ctx, row, unknown=isinstance(error, AgentTimeout))


@workflow("virtualmachine.migrate", failed=_stayed)
async def migrate(
    wf: Workflow[Context],
    vm_id: int,
    host_id: int | None,
    source_id: int | None,
    noun: str | None = None,
    to: dict[str, int] | None = None,
    storage: bool = False,
    waits: bool = False,
) -> None:
    """Moves a running machine; with `storage` its disks as well: those in `to`, and those the host does not reach."""
    plan = await wf.step("reserve", _reserve, vm_id, host_id, source_id, to, storage, waits)
    turn = 0
    while "wait" in plan:
        assert host_id is not None
        turn += 1
        await wf.sleep(f"pause-{turn}", plan["wait"])
        plan = await wf.step(f"reserve-{turn}", _again, vm_id, host_id, plan["until"], to, storage)
    if not plan:
        await wf.finish(result, vm_id, noun)
        return
    answer = await run_migration(wf, plan)
    await wf.finish(_moved, vm_id, plan, answer.get("vnc_port"), noun)


async def run_migration(wf: Workflow[Context], plan: Plain) -> Plain:
    """Has a host send a machine to another. Raises `OperationFailed` where it stayed, `AgentTimeout`: nobody knows."""
    command = MigrateMachine(
        wf.command_id("migrate"),
        plan["uuid"],
        plan["name"],
        plan["target"]["uuid"],
        plan["target"]["url"],
        tuple((uuid, pool) for uuid, pool in plan.get("disks", ())),
    )
    try:
        return await wf.call(host_address(plan["source"]), command, timeout=plan.get("limit"))
    except (CommandFailed, HostUnreachable) as error:
        # it may have gone before the answer was lost, or whatever the host says: where it runs, it has moved
        there = await _arrived(wf, plan)
        if there:
            return {}
        if isinstance(error, CommandFailed):
            raise OperationFailed(f"host {plan['source']['name']}: {error}") from None
        text = f"host {plan['source']['name']} does not answer"
        raise (AgentTimeout(text) if there is None else OperationFailed(text)) from None


async def _arrived(wf: Workflow[Context], plan: Plain) -> bool | None:
    """Whether the other host runs it; None: it does not answer either."""
    try:
        report = await wf.call(host_address(plan["target"]), Ping(wf.command_id("look")))
    except AgentError:
        return None
    return bool(report["machines"].get(plan["name"]) == "PowerOn")
