"""How a virtual machine is destroyed and expunged, step by step."""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, select

from cloudsim.agents.base import DeleteVolume, DestroyMachine
from cloudsim.core.errors import CloudError, InvalidValue
from cloudsim.db import schema
from cloudsim.db import virtualmachine as db
from cloudsim.db.placement import allocate
from cloudsim.db.types import Big
from cloudsim.jobs.workflow import Workflow, workflow
from cloudsim.services import (
    access,
    affinitygroup,
    loadbalancer_parts,
    nic_secondary,
    router,
    rules,
    securitygroup_member,
    shared_network,
    snapshot_policy,
    static_nat,
    system_network,
    usage,
)
from cloudsim.services.context import Context
from cloudsim.services.nouns import HOST
from cloudsim.services.virtualmachine import move
from cloudsim.services.vm_plain import Plain, address_of, host_address, host_for_pool, living, result
from cloudsim.services.vm_stop import run_stop, stop_failed, stopped, stopping

vm, volume, nic = schema.vm, schema.volume, schema.nic

_POOL_HOST = (
    select(schema.host.c.id)
    .where(
        schema.host.c.zone_id == bindparam("zone_id"),
        schema.host.c.hypervisor == bindparam("hypervisor"),
        schema.host.c.status == "Up",
        schema.host.c.removed.is_(None),
    )
    .order_by(schema.host.c.id)
    .limit(1)
)
_NO_SNAPSHOTS = (
    schema.vm_snapshot.update()
    .where(schema.vm_snapshot.c.vm_id == bindparam("vm_id"), schema.vm_snapshot.c.removed.is_(None))
    .values(state="Removed", current=False, removed=bindparam("at", type_=Big))
)
_NO_SNAPSHOT_TAGS = schema.tag.delete().where(
    schema.tag.c.resource_type == "VMSnapshot",
    schema.tag.c.resource_id.in_(
        select(schema.vm_snapshot.c.id).where(schema.vm_snapshot.c.vm_id == bindparam("vm_id"))
    ),
)
_NO_SNAPSHOTS_USED = (
    schema.usage.update()
    .where(
        schema.usage.c.vm_id == bindparam("vm_id"),
        schema.usage.c.kind == "vmsnapshot",
        schema.usage.c.ended.is_(None),
    )
    .values(ended=bindparam("at", type_=Big))
)
_NO_SCHEDULES = (
    schema.vm_schedule.update()
    .where(schema.vm_schedule.c.vm_id == bindparam("vm_id"), schema.vm_schedule.c.removed.is_(None))
    .values(removed=bindparam("at", type_=Big), due=None)
)
_DELETE_DETAILS = schema.detail.delete().where(
    schema.detail.c.resource_type == "UserVm", schema.detail.c.resource_id == bindparam("vm_id")
)
_DELETE_TAGS = schema.tag.delete().where(
    schema.tag.c.resource_type == "UserVm", schema.tag.c.resource_id == bindparam("vm_id")
)


def _destroying(ctx: Context, vm_id: int) -> Plain:
    row = living(ctx, vm_id)
    if row["state"] in ("Running", "Stopping"):
        return stopping(ctx, vm_id)
    if row["state"] in ("Stopped", "Destroyed", "Expunging", "Error"):
        return {}
    raise InvalidValue(f"a virtual machine in state {row['state']} cannot be destroyed")


def _destroyed(ctx: Context, vm_id: int, known: bool, volume_ids: list[int], shown: bool) -> Plain:
    stopped(ctx, vm_id, known, shown=False)
    row = living(ctx, vm_id)
    if row["state"] == "Stopped":
        row = move(ctx, row, "DestroyRequested", destroyed=ctx.now)
        usage.end(ctx, "vm", vm_id)
    elif row["state"] == "Error":
        row = move(ctx, row, "ExpungeOperation", destroyed=ctx.now)
    if row["type"] == router.TYPE:
        router.gone(ctx, row)
    for volume_id in volume_ids:
        ctx.tx.update(volume, {"id": volume_id, "vm_id": vm_id}, state="Destroy", destroyed=ctx.now)
    return result(ctx, vm_id) if shown else {}


def _destroy_failed(ctx: Context, error: CloudError, vm_id: int, **_: Any) -> None:
    # What is Expunging stays so: the periodic expunge takes it up again.
    stop_failed(ctx, error, vm_id)


@workflow("virtualmachine.destroy", failed=_destroy_failed)
async def destroy(
    wf: Workflow[Context], vm_id: int, expunge: bool = False, volume_ids: list[int] | None = None
) -> None:
    """Stops a machine where it runs and marks it destroyed; with `expunge` removes it for good."""
    plan = await wf.step("destroying", _destroying, vm_id)
    if not wf.done("destroyed"):
        known = await run_stop(wf, plan, True) if plan else True
        if not expunge:
            await wf.finish(_destroyed, vm_id, known, volume_ids or [], True)
            return
        await wf.step("destroyed", _destroyed, vm_id, known, volume_ids or [], False)
    await run_expunge(wf, vm_id)
    await wf.finish(_expunged, vm_id)


def _expunging(ctx: Context, vm_id: int) -> Plain:
    row = living(ctx, vm_id)
    if row["state"] not in ("Destroyed", "Expunging", "Error"):
        raise InvalidValue(f"a virtual machine in state {row['state']} cannot be expunged")
    if row["state"] != "Expunging":
        row = move(ctx, row, "ExpungeOperation")
    ids = {host_id for host_id in (row["last_host_id"], row["power_host_id"], row["host_id"]) if host_id}
    # what is off or gone for good cannot be asked to forget it, and runs nothing
    hosts = [
        host_id
        for host_id in sorted(ids)
        if (there := access.row(ctx, HOST, host_id))["removed"] is None and there["status"] != "Down"
    ]
    removable = [
        disk
        for disk in db.volumes_of(ctx.tx, vm_id)
        if disk["type"] == "ROOT" or disk["state"] == "Destroy" or disk["path"] is None
    ]
    reaching = next(
        (found for disk in removable if disk["pool_id"] and (found := host_for_pool(ctx, disk["pool_id"]))),
        ctx.tx.scalar(_POOL_HOST, zone_id=row["zone_id"], hypervisor=row["hypervisor"]) or row["last_host_id"],
    )
    return {
        "uuid": row["uuid"],
        "name": row["instance_name"],
        "hosts": [address_of(ctx, host_id) for host_id in hosts],
        "storage_host": address_of(ctx, reaching) if reaching else None,
        "volumes": [
            {"id": disk["id"], "uuid": disk["uuid"], "path": disk["path"] or disk["uuid"], "pool": disk["pool_uuid"]}
            for disk in removable
        ],
    }


async def run_expunge(wf: Workflow[Context], vm_id: int) -> None:
    """Removes a machine and its volumes from hosts and storage."""
    plan = await wf.step("expunging", _expunging, vm_id)
    for host in plan["hosts"]:
        await wf.call(
            host_address(host), DestroyMachine(wf.command_id(f"undefine-{host['id']}"), plan["uuid"], plan["name"])
        )
    for disk in plan["volumes"]:
        if disk["pool"] is not None and plan["storage_host"] is not None:
            await wf.call(
                host_address(plan["storage_host"]),
                DeleteVolume(wf.command_id(f"delete-{disk['id']}"), disk["uuid"], disk["path"], disk["pool"]),
            )


def _expunged(ctx: Context, vm_id: int) -> Plain:
    """Gives everything back: addresses, storage; data disks that were not asked to go are kept, detached."""
    row = living(ctx, vm_id)
    shown = result(ctx, vm_id)
    for disk in db.volumes_of(ctx.tx, vm_id):
        if disk["type"] == "ROOT" or disk["state"] == "Destroy" or disk["path"] is None:
            if disk["pool_id"] is not None:
                allocate(ctx.tx, disk["pool_id"], -disk["size"])
            ctx.tx.update(volume, {"id": disk["id"]}, state="Expunged", removed=ctx.now, updated=ctx.now)
            usage.end(ctx, "volume", disk["id"])
            snapshot_policy.volume_gone(ctx, disk["id"])
        else:
            ctx.tx.update(volume, {"id": disk["id"]}, vm_id=None, device_id=None, attached=None, updated=ctx.now)
    static_nat.machine_gone(ctx, vm_id)
    for card in db.nics_of(ctx.tx, vm_id):
        nic_secondary.free_all(ctx, card)
        ctx.tx.update(nic, {"uuid": card["uuid"]}, removed=ctx.now, state="Deallocating")
        usage.end(ctx, "nic", card["id"])
        if card["guest_type"] == "Shared":
            shared_network.release(ctx, card["network_id"], card["ip"])
            securitygroup_member.leave(ctx, vm_id)
    if row["type"] != "User":
        system_network.release(ctx, vm_id)
    affinitygroup.leave(ctx, row)
    rules.of_machine_gone(ctx, vm_id)
    loadbalancer_parts.machine_gone(ctx, vm_id)
    usage.end(ctx, "vm", vm_id)
    ctx.tx.update(
        vm,
        {"id": vm_id, "update_count": row["update_count"]},
        removed=ctx.now,
        updated=ctx.now,
        host_id=None,
        power_state="PowerOff",
        power_host_id=None,
        update_count=row["update_count"] + 1,
    )
    ctx.tx.execute(_NO_SNAPSHOT_TAGS, vm_id=vm_id)
    ctx.tx.execute(_NO_SNAPSHOTS, vm_id=vm_id, at=ctx.now)
    ctx.tx.execute(_NO_SNAPSHOTS_USED, vm_id=vm_id, at=ctx.now)
    ctx.tx.execute(_NO_SCHEDULES, vm_id=vm_id, at=ctx.now)
    ctx.tx.execute(_DELETE_DETAILS, vm_id=vm_id)
    ctx.tx.execute(_DELETE_TAGS, vm_id=vm_id)
    if row["type"] == router.TYPE:
        shown["router"]["state"] = "Destroyed"  # what clients of routers know of one that is gone
    return shown


def _gone(ctx: Context, vm_id: int) -> Plain:
    _expunged(ctx, vm_id)
    return {"success": True}


@workflow("virtualmachine.expunge")
async def expunge(wf: Workflow[Context], vm_id: int) -> None:
    """Removes a destroyed machine for good."""
    await run_expunge(wf, vm_id)
    await wf.finish(_gone, vm_id)
