"""The end of snapshots of volumes: deleted, or gone with their account."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, select

from cloudsim.agents.base import DeleteVolumeSnapshot
from cloudsim.core.errors import AgentTimeout, CloudError, OperationFailed
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import Big
from cloudsim.jobs.workflow import Workflow, workflow
from cloudsim.services import snapshot, usage
from cloudsim.services import snapshot_orders as orders
from cloudsim.services.context import Context
from cloudsim.services.snapshot_workflows import begin_usage, place_of, reaching, row_there, tell, worker
from cloudsim.services.vm_plain import Plain

table, store, volume = schema.snapshot, schema.snapshot_store, schema.volume
_VOLUME_UUID = select(volume.c.uuid).where(volume.c.id == bindparam("volume_id", type_=Big))
_UNTAG = schema.tag.delete().where(
    schema.tag.c.resource_type == "Snapshot", schema.tag.c.resource_id == bindparam("row_id")
)
_OF_ACCOUNT = (
    select(table)
    .where(table.c.account_id == bindparam("account_id", type_=Big), table.c.removed.is_(None))
    .order_by(table.c.id)
)


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
    row = row_there(ctx, snapshot_id)
    if row is None or row["state"] not in ("Destroying", "Error"):
        return {"copies": []}
    return {"copies": removal(ctx, row, zone_id)}


def _deleted(ctx: Context, snapshot_id: int) -> Plain:
    row = row_there(ctx, snapshot_id)
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
    row = row_there(ctx, snapshot_id)
    if row is None or row["state"] != "Destroying":
        return
    # what was left over before takes no room
    left = [one for one in snapshot.places(ctx, [snapshot_id]) if one["state"] == "Destroying" and one["physical_size"]]
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
