"""Snapshots of volumes in more places: in other zones, on an image store instead of their pool, with whom fetches them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cloudsim.core.errors import CloudError, InvalidValue
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.jobs.workflow import Workflow, single, workflow
from cloudsim.services import access, extract, resource, snapshot, usage
from cloudsim.services import snapshot_orders as orders
from cloudsim.services import snapshot_workflows as steps
from cloudsim.services.cloud_machine import HYPERVISOR
from cloudsim.services.context import Context
from cloudsim.services.nouns import SNAPSHOT, ZONE
from cloudsim.services.vm_plain import Plain

store = schema.snapshot_store


# -- copy


def copy(ctx: Context, row: Row, zones: Sequence[Row], source: Row | None) -> str:
    """Orders copies of a snapshot in other zones; answers the job's uuid.

    Raises `InvalidValue`, `LimitReached`, `ResourceUnavailable`.
    """
    if not zones:
        raise InvalidValue("say where it is copied to: destzoneids")
    check_idle(row)
    orders.check_zones(ctx, zones)
    source_id = source["id"] if source is not None else row["zone_id"]
    _source(ctx, row, source_id)
    there = {one["zone_id"] for one in snapshot.places(ctx, [row["id"]])}
    for zone in zones:
        if zone["id"] in there:
            raise InvalidValue(f"snapshot {row['name']} is in zone {zone['name']} already")
    account = orders.check_owner(ctx, row["account_id"])
    resource.check(ctx, account, {"secondarystorage": row["size"] * len(zones)})
    for zone in zones:
        orders.put(
            ctx, row["id"], zone["id"], row["size"], pool_id=None, store_id=orders.store_in(ctx, zone["id"])["id"]
        )
    snapshot.move(ctx, row, "CopyingRequested")
    names = ", ".join(zone["name"] for zone in zones)
    arguments = {"source_id": source_id}
    return orders.order(
        ctx, row, "snapshot.copy", "SNAPSHOT.COPY", f"copying snapshot {row['name']} to {names}", arguments
    )


def check_idle(row: Row) -> None:
    """Raises `InvalidValue` where a snapshot is not one that something can be done with."""
    if row["state"] != "BackedUp":
        raise InvalidValue(f"snapshot {row['name']} is {row['state']}, not BackedUp")


def _source(ctx: Context, row: Row, zone_id: int) -> Row:
    """The copy on an image store of a zone. Raises `InvalidValue`."""
    for one in snapshot.places(ctx, [row["id"]]):
        if one["zone_id"] == zone_id and one["role"] == "Image" and one["state"] == "Ready":
            return one
    raise InvalidValue(
        f"snapshot {row['name']} does not lie on an image store of that zone: archiveSnapshot brings it there"
    )


def _copying(ctx: Context, snapshot_id: int, source_id: int) -> Plain:
    row = access.alive(ctx, SNAPSHOT, snapshot_id)
    return {**steps.transfer(ctx, snapshot_id), "sources": [steps.place_of(_source(ctx, row, source_id))]}


def _copied(ctx: Context, snapshot_id: int) -> Plain:
    row = access.alive(ctx, SNAPSHOT, snapshot_id)
    row = snapshot.move(ctx, row, "OperationSucceeded")
    usage.end(ctx, "snapshot", row["id"])
    steps.begin_usage(ctx, row)
    return steps.shown(ctx, snapshot_id)


def _not_copied(ctx: Context, error: CloudError, snapshot_id: int, **_: Any) -> None:
    row = ctx.tx.first(SNAPSHOT.by_id, row_id=snapshot_id)
    if row is not None and row["state"] == "Copying":
        steps.drop_unfinished(ctx, row)
        snapshot.move(ctx, row, "OperationFailed")


@workflow("snapshot.copy", failed=_not_copied)
async def copy_to_zones(wf: Workflow[Context], snapshot_id: int, source_id: int) -> None:
    """Copies a snapshot to image stores of other zones, one after the other."""
    plan = await wf.step("begin", _copying, snapshot_id, source_id)
    await steps.run_transfer(wf, plan)
    await wf.finish(_copied, snapshot_id)


# -- archive


def archive(ctx: Context, row: Row) -> str:
    """Orders that a snapshot in a storage pool goes to an image store; answers the job's uuid.

    Raises `InvalidValue`, `LimitReached`, `ResourceUnavailable`.
    """
    check_idle(row)
    if row["location"] != snapshot.PRIMARY:
        raise InvalidValue(f"snapshot {row['name']} lies on an image store already")
    account = orders.check_owner(ctx, row["account_id"])
    resource.check(ctx, account, {"secondarystorage": row["size"]})
    found = orders.store_in(ctx, row["zone_id"])
    orders.put(ctx, row["id"], row["zone_id"], row["size"], pool_id=None, store_id=found["id"])
    snapshot.move(ctx, row, "BackupToSecondary")
    # the wire knows no type of events for it
    return orders.order(ctx, row, "snapshot.archive", None, f"archiving snapshot {row['name']}")


def _not_archived(ctx: Context, error: CloudError, snapshot_id: int) -> None:
    """It lies in its pool, as before."""
    row = ctx.tx.first(SNAPSHOT.by_id, row_id=snapshot_id)
    if row is not None and row["state"] == "BackingUp":
        steps.drop_unfinished(ctx, row)
        snapshot.move(ctx, row, "OperationNotPerformed", host_id=None)


@workflow("snapshot.archive", failed=_not_archived)
async def archive_one(wf: Workflow[Context], snapshot_id: int) -> None:
    """Copies a snapshot from its pool to an image store, and removes it from the pool."""
    await steps.run_backup(wf, snapshot_id)


# -- extract


def order_extract(ctx: Context, row: Row, zone: Row) -> str:
    """Orders a URL that a snapshot can be fetched from; answers the job's uuid.

    Raises `InvalidValue`, `PermissionDenied`.
    """
    extract.check(ctx)
    check_idle(row)
    if row["hypervisor"] != HYPERVISOR:
        raise InvalidValue(f"snapshots of {row['hypervisor']} lie on its hosts: this server cannot hand them out")
    _source(ctx, row, zone["id"])
    text = f"handing out snapshot {row['name']}"
    return orders.order(ctx, row, "snapshot.extract", "SNAPSHOT.EXTRACT", text, {"zone_id": zone["id"]})


def _extracted(ctx: Context, snapshot_id: int, zone_id: int) -> Plain:
    row, zone = access.alive(ctx, SNAPSHOT, snapshot_id), access.alive(ctx, ZONE, zone_id)
    _source(ctx, row, zone_id)
    url = extract.url_for(ctx, "Snapshot", row, zone_id, "qcow2")
    return {"snapshot": extract.answer(ctx, "Snapshot", row, zone, url)}


@extract.serves("Snapshot")
def _file(ctx: Context, snapshot_id: int, zone_id: int | None) -> extract.Served | None:
    row = ctx.tx.first(SNAPSHOT.by_id, row_id=snapshot_id)
    if row is None or row["removed"] is not None or zone_id is None:
        return None
    try:
        _source(ctx, row, zone_id)
    except InvalidValue:
        return None
    return extract.Served(f"{row['name']}.qcow2", row["size"], text=f"snapshot {row['uuid']}\n")


single("snapshot.extract", _extracted)
