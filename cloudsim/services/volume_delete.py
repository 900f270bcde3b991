"""Volumes that go: destroyed (to be recovered until `storage_cleanup` wipes them), or deleted at once."""

from __future__ import annotations

from typing import Any

from cloudsim.core import states
from cloudsim.core.errors import InvalidValue, PermissionDenied
from cloudsim.db import volume as db
from cloudsim.db.database import Row
from cloudsim.jobs.workflow import Workflow, workflow
from cloudsim.services import storage_cleanup, usage, virtualmachine, volume_orders
from cloudsim.services.context import Context
from cloudsim.services.nouns import VIRTUAL_MACHINE
from cloudsim.services.volume_orders import move, write

_EXPUNGE_RECOVER = "allow.user.expunge.recover.volume"


def must_be_admin(ctx: Context, what: str) -> None:
    """Raises `PermissionDenied` where a user may not `what` volumes (setting ``allow.user.expunge.recover.volume``)."""
    caller = ctx.caller
    if not (caller.is_admin or caller.is_domain_admin or ctx.settings.flag(_EXPUNGE_RECOVER)):
        raise PermissionDenied(f"users may not {what} volumes here (setting {_EXPUNGE_RECOVER})")


def _check(ctx: Context, row: Row) -> None:
    """Raises `InvalidValue`, `ResourceUnavailable` where a volume cannot go now."""
    if row["vm_id"] is not None:
        raise InvalidValue(f"volume {row['name']} is attached to a virtual machine: detach it first")
    if row["delete_protection"]:
        raise InvalidValue(f"volume {row['name']} is protected from deletion (deleteprotection)")
    if row["state"] != "Destroy" and (
        row["state"] in ("Creating", "UploadOp") or not states.volume.can(row["state"], "DestroyRequested")
    ):
        raise InvalidValue(f"volume {row['name']} is in state {row['state']}: it cannot be deleted now")
    if row["state"] in volume_orders.AT_REST:
        volume_orders.must_rest(row, "it cannot be deleted")
    volume_orders.refuse_in_doubt(ctx, row)


def _destroyed(ctx: Context, row: Row) -> Row:
    """The volume, destroyed. One that lies nowhere is gone with that."""
    if row["state"] != "Destroy":
        row = move(ctx, row, "DestroyRequested", destroyed=ctx.now)
        usage.end(ctx, "volume", row["id"])
    return row


def _expunged(ctx: Context, row: Row) -> Row:
    row = move(ctx, row, "ExpungingRequested")
    row = move(ctx, row, "OperationSucceeded", removed=ctx.now)
    volume_orders.forget(ctx, row)
    return row


def delete(ctx: Context, row: Row) -> str | None:
    """Deletes a volume for good; answers the job that removes it from storage, None where it lies nowhere.

    Raises `InvalidValue`, `ResourceUnavailable`.
    """
    _check(ctx, row)
    row = _destroyed(ctx, row)
    if row["pool_id"] is not None:
        row = move(ctx, row, "ExpungingRequested")
        return storage_cleanup.order(ctx, row)
    row = _expunged(ctx, row)
    ctx.event(
        "VOLUME.DELETE",
        f"volume {row['name']} was deleted",
        resource=("Volume", row["uuid"]),
        account_id=row["account_id"],
        domain_id=row["domain_id"],
    )
    return None


def drop(ctx: Context, volume_id: int) -> None:
    """A new volume that could not be had as it was asked for is not kept; what lies on storage is wiped in time."""
    row = db.one(ctx.tx, volume_id)
    if row is None or row["removed"] is not None or row["vm_id"] is not None or row["doubt_vm_id"] is not None:
        return
    row = _destroyed(ctx, row)
    if row["pool_id"] is None:
        _expunged(ctx, row)


def destroy(ctx: Context, row: Row, *, expunge: bool) -> str:
    """Orders that a volume is destroyed, with `expunge` for good; answers the job's uuid.

    Raises `InvalidValue`, `PermissionDenied`, `ResourceUnavailable`.
    """
    if expunge:
        must_be_admin(ctx, "expunge")
    elif row["state"] == "Destroy":
        raise InvalidValue(f"volume {row['name']} is destroyed already (expunge=true removes it for good)")
    _check(ctx, row)
    arguments = {"expunge": expunge}
    return volume_orders.order(ctx, row, "volume.destroy", "VOLUME.DESTROY", "destroying", arguments)


def _begin(ctx: Context, volume_id: int, expunge: bool) -> dict[str, Any]:
    row = volume_orders.alive(ctx, volume_id)
    if row["state"] != "Expunging":
        _check(ctx, row)
        row = _destroyed(ctx, row)
    if not expunge:
        return {}
    if row["pool_id"] is None:
        _expunged(ctx, row)
        return {}
    return storage_cleanup.begin(ctx, volume_id)


def _shown(ctx: Context, volume_id: int) -> dict[str, Any]:
    return volume_orders.result(ctx, volume_id)


def _wiped(ctx: Context, volume_id: int) -> dict[str, Any]:
    storage_cleanup.wiped(ctx, volume_id)
    return volume_orders.result(ctx, volume_id)


@workflow("volume.destroy", failed=storage_cleanup.failed)
async def run_destroy(wf: Workflow[Context], volume_id: int, expunge: bool) -> None:
    """Destroys a volume; with `expunge` removes it from storage as well."""
    plan = await wf.step("destroying", _begin, volume_id, expunge)
    if not plan:
        await wf.finish(_shown, volume_id)
        return
    await storage_cleanup.remove(wf, plan)
    await wf.finish(_wiped, volume_id)


def recover(ctx: Context, row: Row) -> None:
    """Takes a destroyed volume back, attached to nothing. Raises `InvalidValue`, `PermissionDenied`, `LimitReached`."""
    must_be_admin(ctx, "recover")
    if row["state"] != "Destroy":
        raise InvalidValue(f"only a destroyed volume can be recovered; this one is {row['state']}")
    machine = ctx.tx.first(VIRTUAL_MACHINE.by_id, row_id=row["vm_id"]) if row["vm_id"] is not None else None
    if machine is not None and virtualmachine.has_unfinished_job(ctx, machine):
        raise InvalidValue("the virtual machine of the volume is being worked on: wait for that")
    offering = volume_orders.offering_of(ctx, row)
    volume_orders.check_limits(ctx, row["account_id"], offering, volumes=1, size=row["size"])
    values: dict[str, Any] = {"destroyed": None, "vm_id": None, "device_id": None, "attached": None, "type": "DATADISK"}
    row = move(ctx, row, "RecoverRequested", **values)
    if row["path"] is None:  # it never lay anywhere: it has no content to be ready with
        row = write(ctx, row, state="Allocated")
    volume_orders.begin_usage(ctx, row)
    ctx.event(
        "VOLUME.RECOVER",
        f"volume {row['name']} was recovered",
        resource=("Volume", row["uuid"]),
        account_id=row["account_id"],
        domain_id=row["domain_id"],
    )
