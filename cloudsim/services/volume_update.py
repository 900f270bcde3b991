"""What a volume is called, how it is shown and kept, and whose it is; what administrators correct of it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, select

from cloudsim.core import states
from cloudsim.core.errors import InvalidValue
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.placement import allocate
from cloudsim.db.types import Big
from cloudsim.jobs.workflow import single
from cloudsim.services import access, usage, volume_create, volume_orders
from cloudsim.services.context import Context
from cloudsim.services.nouns import ACCOUNT, STORAGE_POOL, VOLUME, ZONE
from cloudsim.services.vm_plain import Plain

_SNAPSHOT = (
    select(schema.snapshot.c.id)
    .where(schema.snapshot.c.volume_id == bindparam("volume_id", type_=Big), schema.snapshot.c.removed.is_(None))
    .limit(1)
)
#: What a root admin alone changes.
_CORRECTIONS = ("path", "state", "pool_id", "display", "uuid", "chain_info")


def update(ctx: Context, row: Row, given: dict[str, Any]) -> str:
    """Orders that columns of a volume change (those in `given`); answers the job's uuid. Raises `InvalidValue`."""
    if not given:
        raise InvalidValue("say what changes of the volume")
    if not ctx.caller.is_admin and any(name in given for name in _CORRECTIONS):
        raise InvalidValue("name and deleteprotection may be changed; the rest is for root admins")
    _check(ctx, row, given)
    return volume_orders.order(
        ctx,
        row,
        "volume.update",
        "VOLUME.UPDATE",
        "updating",
        {"given": given},
        machine=volume_orders.machine_with(ctx, row),
    )


def _check(ctx: Context, row: Row, given: dict[str, Any]) -> None:
    """Raises `InvalidValue` where a volume cannot be that."""
    if (
        "uuid" in given
        and given["uuid"] != row["uuid"]
        and ctx.tx.first(VOLUME.by_uuid, uuid=given["uuid"]) is not None
    ):
        raise InvalidValue("customid is the id of another volume")
    if not given.keys() & {"path", "state", "pool_id"}:
        return
    volume_orders.must_rest(row, "it is not corrected now")
    after = {**row, **given}
    if "state" in given and given["state"] not in states.volume.states:
        raise InvalidValue(f"there is no state {given['state'][:64]} of volumes")
    if after["state"] not in volume_orders.AT_REST:
        raise InvalidValue("a volume at rest is Ready or Allocated; the other states come and go by themselves")
    if (after["state"] == "Ready") != (after["pool_id"] is not None and after["path"] is not None):
        raise InvalidValue("a volume that is Ready has a storageid and a path, one that is Allocated has neither")
    if "pool_id" in given:
        pool = access.row(ctx, STORAGE_POOL, given["pool_id"])
        if pool["zone_id"] != row["zone_id"]:
            raise InvalidValue(f"storage pool {pool['name']} is in another zone")


def _updated(ctx: Context, volume_id: int, given: dict[str, Any]) -> Plain:
    row = volume_orders.alive(ctx, volume_id)
    _check(ctx, row, given)
    if "pool_id" in given and given["pool_id"] != row["pool_id"]:
        if row["pool_id"] is not None:
            allocate(ctx.tx, row["pool_id"], -row["size"])
        allocate(ctx.tx, given["pool_id"], row["size"])
    volume_orders.write(ctx, row, **given)
    return volume_orders.result(ctx, volume_id)


single("volume.update", _updated)


def assign(ctx: Context, row: Row, account: Row) -> None:
    """Gives a volume that no machine has to another account.

    Raises `InvalidValue`, `PermissionDenied`, `LimitReached`; nothing has changed then.
    """
    if row["vm_id"] is not None:
        raise InvalidValue(
            f"volume {row['name']} is attached to a virtual machine: assignVirtualMachine takes it along"
        )
    volume_orders.must_rest(row, "its owner stays")
    volume_orders.refuse_in_doubt(ctx, row)
    old = access.row(ctx, ACCOUNT, row["account_id"])
    if account["id"] == old["id"]:
        raise InvalidValue(f"volume {row['name']} is of account {old['name']} already")
    if account["state"].lower() != "enabled":
        raise InvalidValue(f"account {account['name']} is {account['state']}")
    if ctx.tx.scalar(_SNAPSHOT, volume_id=row["id"]) is not None:
        raise InvalidValue(f"volume {row['name']} has snapshots: delete them first")
    zone = access.row(ctx, ZONE, row["zone_id"])
    volume_create.check_place(ctx, account, zone)
    offering = volume_orders.offering_of(ctx, row)
    if offering is not None and not offering["compute_only"]:
        volume_orders.check_offering(ctx, {**offering, "state": "Active"}, account, zone)
    volume_orders.check_limits(ctx, account["id"], offering, volumes=1, size=row["size"])
    owner = {"account_id": account["id"], "domain_id": account["domain_id"]}
    usage.end(ctx, "volume", row["id"])
    row = volume_orders.write(ctx, row, **owner)
    ctx.tx.update(schema.tag, {"resource_type": "Volume", "resource_id": row["id"]}, **owner)
    volume_orders.begin_usage(ctx, row)
    ctx.event(
        "VOLUME.UPDATE",
        f"volume {row['name']} went from account {old['name']} to {account['name']}",
        resource=("Volume", row["uuid"]),
        **owner,
    )
