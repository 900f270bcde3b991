"""Snapshots of volumes, step by step.

Each place that may hold a copy has its row before a host is asked to make one there, and keeps it until a host has said
that there is none any more: nothing is left over unknown, whatever fails or dies in between.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, or_, select

from cloudsim.agents.base import (
    AgentError,
    Answer,
    Command,
    CommandFailed,
    CopyVolumeSnapshot,
    CreateVolumeSnapshot,
    DeleteVolumeSnapshot,
    RevertVolumeSnapshot,
)
from cloudsim.core import states
from cloudsim.core.errors import AgentTimeout, CloudError, InvalidValue, OperationFailed, ResourceUnavailable
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.placement import allocate
from cloudsim.db.types import Big
from cloudsim.jobs.workflow import Workflow, workflow
from cloudsim.services import access, snapshot, snapshot_policy, usage
from cloudsim.services import snapshot_orders as orders
from cloudsim.services.context import Context
from cloudsim.services.nouns import SNAPSHOT, VM_SNAPSHOT
from cloudsim.services.vm_plain import Plain, address_of, host_address, host_for_pool

table, store, volume, job = schema.snapshot, schema.snapshot_store, schema.volume, schema.job

_WORKER = (
    select(schema.host.c.id)
    .where(
        schema.host.c.zone_id == bindparam("zone_id", type_=Big),
        schema.host.c.hypervisor == bindparam("hypervisor"),
        schema.host.c.type == "Routing",
        schema.host.c.status == "Up",
        schema.host.c.removed.is_(None),
    )
    .order_by(schema.host.c.id)
    .limit(1)
)
#: The jobs that a host makes snapshots for, oldest first.
_WORKING = (
    select(job.c.uuid)
    .select_from(table.join(job, job.c.instance_uuid == table.c.uuid))
    .where(
        table.c.host_id == bindparam("host_id", type_=Big),
        table.c.removed.is_(None),
        or_(job.c.state == "queued", job.c.state == "running"),
    )
    .order_by(job.c.id)
)
_UNTAG = schema.tag.delete().where(
    schema.tag.c.resource_type == "Snapshot", schema.tag.c.resource_id == bindparam("row_id")
)


def worker(ctx: Context, zone_id: int, hypervisor: str) -> Plain:
    """The address of a host that works on the image stores of a zone. Raises `ResourceUnavailable`."""
    host_id = ctx.tx.scalar(_WORKER, zone_id=zone_id, hypervisor=hypervisor)
    if host_id is None:
        raise ResourceUnavailable(f"no {hypervisor} host of the zone is Up to work on its image stores")
    return address_of(ctx, host_id)


def reaching(ctx: Context, pool_id: int) -> Plain:
    """The address of a host that reaches a pool. Raises `ResourceUnavailable`."""
    host_id = host_for_pool(ctx, pool_id)
    if host_id is None:
        raise ResourceUnavailable("no host that reaches the storage of the volume is Up")
    return address_of(ctx, host_id)


def place_of(row: Row) -> Plain:
    """A copy as plain data: its id, what it lies in, and under which path."""
    return {
        "id": row["id"],
        "place": row["pool_uuid"] or row["store_uuid"],
        "url": row["store_url"] or "",
        "path": row["path"] or "",
    }


def move_volume(ctx: Context, volume_id: int, event: str, **values: Any) -> None:
    """Takes a volume to the state after `event`, where it is still there. Raises `IllegalTransition`."""
    disk = orders.volume_of(ctx, volume_id)
    if disk is not None:
        changed = {"state": states.volume.next(disk["state"], event), "update_count": disk["update_count"] + 1}
        ctx.tx.update(volume, {"id": volume_id}, updated=ctx.now, **changed, **values)


def _ends(ctx: Context, volume_id: int, state: str, event: str) -> None:
    """Takes a volume out of a state of passage, where it is still in it."""
    disk = orders.volume_of(ctx, volume_id)
    if disk is not None and disk["state"] == state:
        move_volume(ctx, volume_id, event)


def _row(ctx: Context, snapshot_id: int) -> Row | None:
    """A snapshot that is there, for `failed` functions."""
    row = ctx.tx.first(SNAPSHOT.by_id, row_id=snapshot_id)
    return row if row is not None and row["removed"] is None else None


def shown(ctx: Context, snapshot_id: int) -> Plain:
    """The result of a job about a snapshot."""
    return {"snapshot": ctx.present("snapshot", snapshot_id)[0]}


async def tell(wf: Workflow[Context], host: Plain, command: Command, *, timeout: float | None = None) -> Answer:
    """Has a host carry something out. Raises `OperationFailed` where it says no, `HostUnreachable` where nobody knows."""
    try:
        return await wf.call(host_address(host), command, timeout=timeout)
    except CommandFailed as error:
        raise OperationFailed(f"host {host['name']}: {error}") from None


# -- create


def _begin(ctx: Context, snapshot_id: int, kept_id: int | None) -> Plain:
    """The plan; or the jobs to wait for, where the host makes as many snapshots as it may already (`waits`)."""
    row = access.alive(ctx, SNAPSHOT, snapshot_id)
    disk = orders.volume_of(ctx, row["volume_id"])
    if disk is None:
        raise InvalidValue("the volume is gone by now: no snapshot is made of it")
    kept = None if kept_id is None else access.alive(ctx, VM_SNAPSHOT, kept_id)
    owner = orders.check_volume(ctx, disk, kept=kept is not None)
    if kept is not None:
        orders.check_kept(kept, disk)
    if owner is not None and owner["state"] == "Running":
        host, machine = address_of(ctx, owner["host_id"]), owner["instance_name"]
    else:
        host, machine = reaching(ctx, disk["pool_id"]), None
    most = ctx.settings.number("concurrent.snapshots.threshold.perhost")
    working = [found["uuid"] for found in ctx.tx.all(_WORKING, host_id=host["id"])] if most > 0 else []
    if most > 0 and len(working) >= most:
        return {"waits": working[:1]}
    ctx.tx.update(table, {"id": snapshot_id}, host_id=host["id"], size=disk["size"])
    move_volume(ctx, disk["id"], "SnapshotRequested")
    copies = snapshot.places(ctx, [snapshot_id])
    primary = next((one for one in copies if one["role"] == "Primary"), None)
    if primary is None:
        # on the way to an image store it takes no room that counts
        primary_id = orders.put(ctx, snapshot_id, row["zone_id"], 0, pool_id=disk["pool_id"], store_id=None)
    else:
        primary_id = primary["id"]
        # it may have moved or grown meanwhile
        orders.change(ctx, primary_id, pool_id=disk["pool_id"], physical_size=disk["size"])
    return {
        "host": host,
        "machine": machine,
        "uuid": row["uuid"],
        "name": row["name"],
        "volume": [disk["uuid"], disk["path"] or disk["uuid"], disk["pool_uuid"]],
        "quiesce": row["quiesced"],
        "kept": [kept["uuid"], kept["name"]] if kept is not None else None,
        "primary": primary_id,
        "wait": ctx.settings.number("backup.snapshot.wait") or None,
    }


def _taken(ctx: Context, snapshot_id: int, primary: int, answer: Plain) -> None:
    """It is in the pool: the volume goes on."""
    row = access.alive(ctx, SNAPSHOT, snapshot_id)
    _ends(ctx, row["volume_id"], "Snapshotting", "OperationSucceeded")
    row = snapshot.move(ctx, row, "OperationSucceeded")
    size = {"physical_size": answer["size"]} if row["location"] == snapshot.PRIMARY else {}
    orders.change(ctx, primary, state="Ready", path=answer["path"], **size)


def _kept(ctx: Context, snapshot_id: int) -> Plain:
    """It stays in the pool."""
    row = access.alive(ctx, SNAPSHOT, snapshot_id)
    snapshot.move(ctx, row, "OperationNotPerformed", host_id=None)
    begin_usage(ctx, row)
    snapshot_policy.prune(ctx, row)
    return shown(ctx, snapshot_id)


def begin_usage(ctx: Context, row: Row) -> None:
    """A snapshot is used from now on: as large as its copies or, by usage.snapshot.virtualsize.select, as its volume."""
    size = sum(one["physical_size"] for one in snapshot.places(ctx, [row["id"]]) if one["state"] == "Ready")
    if ctx.settings.flag("usage.snapshot.virtualsize.select"):
        size = row["size"]
    usage.begin(ctx, usage.SNAPSHOT, "snapshot", row, template_id=row["template_id"], size=size)


def _later(ctx: Context, snapshot_id: int) -> Plain:
    """It is backed up by a job of its own."""
    row = access.alive(ctx, SNAPSHOT, snapshot_id)
    orders.order(ctx, row, "snapshot.backup", None, f"backing up snapshot {row['name']}")
    return shown(ctx, snapshot_id)


def _not_created(ctx: Context, error: CloudError, snapshot_id: int, **_: Any) -> None:
    row = _row(ctx, snapshot_id)
    if row is None:
        return
    if row["state"] == "Creating":
        _ends(ctx, row["volume_id"], "Snapshotting", "OperationFailed")
        give_up(ctx, row)
    else:
        _not_backed_up(ctx, error, snapshot_id)


def give_up(ctx: Context, row: Row) -> None:
    """One that could not be made is in Error: it takes no room any more, and what there may be of it is removed with it."""
    snapshot.move(ctx, row, "OperationFailed", host_id=None)
    for one in snapshot.places(ctx, [row["id"]]):
        orders.change(ctx, one["id"], state="Destroying", physical_size=0)


def drop_unfinished(ctx: Context, row: Row) -> None:
    """Copies that were not made take no room any more; what there may be of them is removed (see `snapshot_cleanup`)."""
    for one in snapshot.places(ctx, [row["id"]]):
        if one["state"] == "Copying":
            orders.change(ctx, one["id"], state="Destroying", physical_size=0)


@workflow("snapshot.create", failed=_not_created)
async def create(
    wf: Workflow[Context], snapshot_id: int, async_backup: bool = False, kept_id: int | None = None
) -> None:
    """Makes a snapshot in the pool of its volume, and copies it to where it is wanted."""
    number = 0
    while "waits" in (plan := await wf.step(f"begin-{number}", _begin, snapshot_id, kept_id)):
        await wf.ended(plan["waits"])
        number += 1
    uuid, path, pool = plan["volume"]
    command = CreateVolumeSnapshot(
        wf.command_id("create"),
        plan["uuid"],
        plan["name"],
        volume=uuid,
        volume_path=path,
        pool=pool,
        machine=plan["machine"],
        quiesce=plan["quiesce"],
        machine_snapshot=tuple(plan["kept"]) if plan["kept"] else None,
    )
    answer = await tell(wf, plan["host"], command, timeout=plan["wait"])
    await wf.step("taken", _taken, snapshot_id, plan["primary"], answer)
    if not await wf.step("backup", _copies_wanted, snapshot_id, not async_backup):
        await wf.finish(_kept, snapshot_id)
    elif async_backup:
        await wf.finish(_later, snapshot_id)
    else:
        await run_backup(wf, snapshot_id)


# -- back up


def _copies_wanted(ctx: Context, snapshot_id: int, now: bool) -> bool:
    """Whether it goes to image stores; `now`: it is on its way from here on."""
    row = access.alive(ctx, SNAPSHOT, snapshot_id)
    if row["location"] == snapshot.PRIMARY:
        return False
    if now:
        snapshot.move(ctx, row, "BackupToSecondary")
    return True


def transfer(ctx: Context, snapshot_id: int) -> Plain:
    """From where to where it is copied: in the zone of its volume first, from there to others."""
    row = access.alive(ctx, SNAPSHOT, snapshot_id)
    copies = snapshot.places(ctx, [snapshot_id])
    return {
        "uuid": row["uuid"],
        "volume": ctx.tx.scalar(_VOLUME_UUID, volume_id=row["volume_id"]),
        "sources": [place_of(one) for one in copies if one["state"] == "Ready"],
        "pools": [place_of(one) for one in copies if one["role"] == "Primary"],
        "targets": [
            {**place_of(one), "host": worker(ctx, one["zone_id"], row["hypervisor"])}
            for one in copies
            if one["state"] == "Copying"
        ],
        "host": next((reaching(ctx, one["pool_id"]) for one in copies if one["role"] == "Primary"), None),
        "wait": ctx.settings.number("backup.snapshot.wait") or None,
    }


_VOLUME_UUID = select(volume.c.uuid).where(volume.c.id == bindparam("volume_id", type_=Big))


def copied(ctx: Context, copy_id: int, answer: Plain) -> None:
    """A copy is where it shall be."""
    orders.change(ctx, copy_id, state="Ready", path=answer["path"], physical_size=answer["size"])


async def run_transfer(wf: Workflow[Context], plan: Plain) -> None:
    """Makes the copies that are wanted, each in a step of its own."""
    sources = list(plan["sources"])
    for target in plan["targets"]:
        name = f"copy-{target['id']}"
        command = CopyVolumeSnapshot(
            wf.command_id(name),
            plan["uuid"],
            sources[-1]["path"],
            sources[-1]["place"],
            target["place"],
            source_url=sources[-1]["url"],
            target_url=target["url"],
        )
        # what lies in a pool is copied by a host that reaches it
        host = target["host"] if sources[-1]["url"] or plan["host"] is None else plan["host"]
        answer = await tell(wf, host, command, timeout=plan["wait"])
        await wf.step(name, copied, target["id"], answer)
        sources.append({**target, "path": answer["path"]})


def _backed_up(ctx: Context, snapshot_id: int, left: list[int]) -> Plain:
    """It is where it shall be. Copies that could not be removed from pools (`left`) are removed by `snapshot_cleanup`."""
    row = access.alive(ctx, SNAPSHOT, snapshot_id)
    for one in snapshot.places(ctx, [snapshot_id]):
        if one["id"] in left:
            orders.change(ctx, one["id"], state="Destroying", physical_size=0)
        elif one["role"] == "Primary":
            orders.drop(ctx, one["id"])
    row = snapshot.move(ctx, row, "OperationSucceeded", host_id=None, location=snapshot.SECONDARY)
    usage.end(ctx, "snapshot", row["id"])
    begin_usage(ctx, row)
    snapshot_policy.prune(ctx, row)
    return shown(ctx, snapshot_id)


async def run_backup(wf: Workflow[Context], snapshot_id: int) -> None:
    """Copies a snapshot from its pool to where it is wanted, and removes it from the pool: the rest of a job."""
    plan = await wf.step("transfer", transfer, snapshot_id)
    await run_transfer(wf, plan)
    left = []
    for one in plan["pools"]:
        command = DeleteVolumeSnapshot(
            wf.command_id(f"leave-{one['id']}"), plan["uuid"], one["path"], one["place"], volume=plan["volume"]
        )
        try:
            await wf.call(host_address(plan["host"]), command)
        except AgentError:
            left.append(one["id"])  # it is safe elsewhere by now
    await wf.finish(_backed_up, snapshot_id, left)


def _not_backed_up(ctx: Context, error: CloudError, snapshot_id: int, **_: Any) -> None:
    row = _row(ctx, snapshot_id)
    if row is None:
        return
    if row["state"] == "CreatedOnPrimary":
        row = snapshot.move(ctx, row, "BackupToSecondary")
    if row["state"] == "BackingUp":
        give_up(ctx, row)


@workflow("snapshot.backup", failed=_not_backed_up)
async def backup(wf: Workflow[Context], snapshot_id: int) -> None:
    """Copies a snapshot from its pool to image stores, where its making did not wait for that."""
    await wf.step("backup", _copies_wanted, snapshot_id, True)
    await run_backup(wf, snapshot_id)


# -- revert


def _reverting(ctx: Context, snapshot_id: int) -> Plain:
    row = access.alive(ctx, SNAPSHOT, snapshot_id)
    disk, _ = orders.check_revert(ctx, row)
    place = snapshot.ready_place(ctx, row)
    move_volume(ctx, disk["id"], "RevertSnapshotRequested")
    return {
        "host": reaching(ctx, disk["pool_id"]),
        "uuid": row["uuid"],
        "from": place_of(place),
        "volume": [disk["uuid"], disk["path"] or disk["uuid"], disk["pool_uuid"]],
    }


def _reverted(ctx: Context, snapshot_id: int) -> Plain:
    row = access.alive(ctx, SNAPSHOT, snapshot_id)
    disk = orders.volume_of(ctx, row["volume_id"])
    if disk is not None:
        move_volume(ctx, disk["id"], "OperationSucceeded", size=row["size"])
        if disk["size"] != row["size"]:
            allocate(ctx.tx, disk["pool_id"], row["size"] - disk["size"])
            usage.end(ctx, "volume", disk["id"])
            usage.begin(
                ctx,
                usage.VOLUME,
                "volume",
                disk,
                offering_id=disk["disk_offering_id"],
                template_id=disk["template_id"],
                vm_id=disk["vm_id"],
                size=row["size"],
            )
    return shown(ctx, snapshot_id)


def _not_reverted(ctx: Context, error: CloudError, snapshot_id: int) -> None:
    row = ctx.tx.first(SNAPSHOT.by_id, row_id=snapshot_id)
    if row is not None:
        _ends(ctx, row["volume_id"], "RevertSnapshotting", "OperationFailed")


@workflow("snapshot.revert", failed=_not_reverted)
async def revert(wf: Workflow[Context], snapshot_id: int) -> None:
    """Takes a volume back to a snapshot, its size as well."""
    plan = await wf.step("begin", _reverting, snapshot_id)
    uuid, path, pool = plan["volume"]
    found = plan["from"]
    command = RevertVolumeSnapshot(
        wf.command_id("revert"), plan["uuid"], found["path"], found["place"], uuid, path, pool, found["url"]
    )
    await tell(wf, plan["host"], command)
    await wf.finish(_reverted, snapshot_id)


# -- delete


def removal(ctx: Context, row: Row, zone_id: int | None = None) -> list[Plain]:
    """What hosts are told to remove the copies of a snapshot, in one zone or all. Raises `ResourceUnavailable`."""
    made = []
    for one in snapshot.places(ctx, [row["id"]]):
        if zone_id is not None and one["zone_id"] != zone_id:
            continue
        ctx.tx.update(store, {"id": one["id"]}, state="Destroying")
        made.append(told_to_remove(ctx, row, one))
    return made


def told_to_remove(ctx: Context, row: Row, one: Row) -> Plain:
    """What a host is told to remove a copy, and which host. Raises `ResourceUnavailable`."""
    in_pool = one["role"] == "Primary"
    host = reaching(ctx, one["pool_id"]) if in_pool else worker(ctx, one["zone_id"], row["hypervisor"])
    volume_uuid = ctx.tx.scalar(_VOLUME_UUID, volume_id=row["volume_id"])
    return {**place_of(one), "host": host, "uuid": row["uuid"], "volume": volume_uuid}


async def run_removal(wf: Workflow[Context], copies: list[Plain]) -> None:
    """Removes copies, one after the other, each in a step of its own."""
    for one in copies:
        await remove_copy(wf, one)
        await wf.step(f"remove-{one['id']}", removed_copy, one["id"])


async def remove_copy(wf: Workflow[Context], one: Mapping[str, Any]) -> None:
    """Has a host remove a copy, as `told_to_remove` says it."""
    name = f"remove-{one['id']}"
    command = DeleteVolumeSnapshot(
        wf.command_id(name), one["uuid"], one["path"], one["place"], one["url"], one["volume"]
    )
    await tell(wf, one["host"], command)


def removed_copy(ctx: Context, copy_id: int) -> None:
    """A copy is gone."""
    orders.drop(ctx, copy_id)


def gone(ctx: Context, row: Row) -> None:
    """A snapshot is no more."""
    event = "DestroyRequested" if row["state"] == "Error" else "OperationSucceeded"
    snapshot.move(ctx, row, event, removed=ctx.now)
    ctx.tx.execute(_UNTAG, row_id=row["id"])
    usage.end(ctx, "snapshot", row["id"])


def _deleting(ctx: Context, snapshot_id: int, zone_id: int | None) -> Plain:
    row = _row(ctx, snapshot_id)
    if row is None:
        return {"copies": []}
    orders.check_deletable(ctx, row, zone_id)
    copies = removal(ctx, row, zone_id)
    if row["state"] != "Error":
        snapshot.move(ctx, row, "DestroyRequested")
    return {"copies": copies}


def _deleted(ctx: Context, snapshot_id: int) -> Plain:
    row = _row(ctx, snapshot_id)
    if row is not None and row["state"] in ("Destroying", "Error"):
        if snapshot.places(ctx, [snapshot_id]):
            row = snapshot.move(ctx, row, "OperationFailed")  # other zones have it: it is there as before
            usage.end(ctx, "snapshot", row["id"])
            begin_usage(ctx, row)
        else:
            gone(ctx, row)
    return {"success": True}


def _not_deleted(ctx: Context, error: CloudError, snapshot_id: int, **_: Any) -> None:
    """It stays. A copy of which nobody knows whether it is still there is never used again: see `snapshot_cleanup`."""
    row = _row(ctx, snapshot_id)
    if row is None or row["state"] != "Destroying":
        return
    left = [one for one in snapshot.places(ctx, [snapshot_id]) if one["state"] == "Destroying" and one["path"]]
    for one in left[1:] if isinstance(error, AgentTimeout) else left:
        ctx.tx.update(store, {"id": one["id"]}, state="Ready")
    snapshot.move(ctx, row, "OperationFailed")


@workflow("snapshot.delete", failed=_not_deleted)
async def delete(wf: Workflow[Context], snapshot_id: int, zone_id: int | None = None) -> None:
    """Removes a snapshot wherever it lies, or in one zone; without any copy left it is gone."""
    plan = await wf.step("begin", _deleting, snapshot_id, zone_id)
    await run_removal(wf, plan["copies"])
    await wf.finish(_deleted, snapshot_id)


# -- with an account


def of_account(ctx: Context, account_id: int) -> list[Plain]:
    """What hosts are told to remove the snapshots of an account. Raises `OperationFailed` while one is being made."""
    made = []
    for row in ctx.tx.all(_OF_ACCOUNT, account_id=account_id):
        if row["state"] not in ("BackedUp", "Error"):
            raise OperationFailed(f"snapshot {row['name']} is {row['state']}: the account goes when that is over")
        made += [told_to_remove(ctx, row, one) for one in snapshot.places(ctx, [row["id"]])]
    return made


def account_gone(ctx: Context, account_id: int) -> None:
    """The snapshots of an account are no more."""
    for row in ctx.tx.all(_OF_ACCOUNT, account_id=account_id):
        for one in snapshot.places(ctx, [row["id"]]):
            orders.drop(ctx, one["id"])
        gone(ctx, row if row["state"] == "Error" else snapshot.move(ctx, row, "DestroyRequested"))


_OF_ACCOUNT = (
    select(table)
    .where(table.c.account_id == bindparam("account_id", type_=Big), table.c.removed.is_(None))
    .order_by(table.c.id)
)
