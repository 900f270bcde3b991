"""New volumes: empty ones of a disk offering, or with what a snapshot holds; attached at once where that is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cloudsim.agents.base import CreateVolumeFromSnapshot
from cloudsim.core.errors import AgentTimeout, CloudError, InvalidValue, PermissionDenied
from cloudsim.db.database import Row
from cloudsim.db.placement import allocate
from cloudsim.jobs.workflow import Workflow, workflow
from cloudsim.services import (
    access,
    dedication,
    snapshot,
    snapshot_workflows,
    volume_attach,
    volume_delete,
    volume_orders,
    volume_place,
)
from cloudsim.services.context import Context
from cloudsim.services.nouns import DISK_OFFERING, SNAPSHOT, VIRTUAL_MACHINE, VOLUME
from cloudsim.services.virtualmachine import GIB
from cloudsim.services.vm_plain import Plain


@dataclass(frozen=True, slots=True)
class Wanted:
    """A new volume, as it was asked for. `size` in GiB."""

    account: Row
    zone: Row
    offering: Row | None
    #: What it holds at first.
    snapshot: Row | None = None
    name: str | None = None
    size: int | None = None
    min_iops: int | None = None
    max_iops: int | None = None
    display: bool = True
    uuid: str | None = None
    machine: Row | None = None


def check_place(ctx: Context, account: Row, zone: Row) -> None:
    """Raises `PermissionDenied` where an account can have no volumes in a zone."""
    if zone["allocation_state"] != "Enabled" and not ctx.caller.is_admin:
        raise PermissionDenied(f"zone {zone['name']} is disabled")
    dedication.check_zone(ctx, zone, account)


def create(ctx: Context, want: Wanted) -> tuple[str, str]:
    """Stores a volume and the job that ends its making; answers the uuids of both.

    Raises `InvalidValue`, `PermissionDenied`, `LimitReached`; nothing is stored then.
    """
    check_place(ctx, want.account, want.zone)
    made_of: dict[str, Any] = {}
    offering, least_size = want.offering, 0
    if want.snapshot is not None:
        snapshot.ready_place(ctx, want.snapshot, want.zone["id"])
        offering, made_of = _from(ctx, want.snapshot, offering)
        least_size = int(want.snapshot["size"])
    if offering is None:
        raise InvalidValue("say what the volume is made of: diskofferingid, or snapshotid")
    if want.offering is not None or not offering["compute_only"]:
        volume_orders.check_offering(ctx, offering, want.account, want.zone)
    size = _size(ctx, offering, want, least_size)
    least, most = volume_orders.iops_of(offering, want.min_iops, want.max_iops)
    if want.uuid is not None and ctx.tx.first(VOLUME.by_uuid, uuid=want.uuid) is not None:
        raise InvalidValue("customid is the id of another volume")
    volume_orders.check_limits(ctx, want.account["id"], offering, volumes=1, size=size)
    uuid = want.uuid or ctx.uuid()
    row = volume_orders.insert(
        ctx,
        want.account,
        want.zone["id"],
        want.name or f"DATA-{uuid}",
        size,
        uuid=uuid,
        disk_offering_id=offering["id"],
        provisioning=offering["provisioning"],
        display=want.display,
        min_iops=least,
        max_iops=most,
        **made_of,
    )
    arguments: dict[str, Any] = {}
    if want.machine is not None:
        volume_attach.check(ctx, volume_orders.full(ctx, row), want.machine, None)
        arguments["vm_id"] = want.machine["id"]
    if want.snapshot is not None:
        arguments["snapshot_id"] = want.snapshot["id"]
    job = volume_orders.order(ctx, row, "volume.create", "VOLUME.CREATE", "creating", arguments, machine=want.machine)
    return row["uuid"], job


def _from(ctx: Context, found: Row, offering: Row | None) -> tuple[Row | None, dict[str, Any]]:
    """The disk offering of a volume made from a snapshot, and what it has of the one that the snapshot was made of."""
    old = access.row(ctx, VOLUME, found["volume_id"])
    if offering is None and old["disk_offering_id"] is not None:
        offering = access.row(ctx, DISK_OFFERING, old["disk_offering_id"])
    return offering, {
        "snapshot_id": found["id"],
        "template_id": found["template_id"] if old["type"] == "ROOT" else None,
    }


def _size(ctx: Context, offering: Row, want: Wanted, least: int) -> int:
    """The bytes of the new volume: never less than its snapshot's (`least`). Raises `InvalidValue`."""
    if not least:
        return volume_orders.size_of(ctx, offering, want.size)
    own = 0
    # without an offering of its own it is as large as its snapshot: clients say a size all the same
    given = want.size if want.offering is not None or offering["customized"] else None
    if offering["customized"] and given is not None:
        own = volume_orders.size_of(ctx, offering, given)
        if own < least:
            raise InvalidValue(f"the snapshot holds {-(-least // GIB)} GiB: the volume cannot be smaller")
    elif not offering["customized"] and not offering["compute_only"]:
        own = volume_orders.size_of(ctx, offering, given)
    elif given is not None:
        raise InvalidValue(f"disk offering {offering['name']} sets no size to choose: leave size out")
    return volume_orders.check_size(ctx, max(own, least))


def _made(ctx: Context, volume_id: int) -> dict[str, Any]:
    volume_orders.alive(ctx, volume_id)
    return volume_orders.result(ctx, volume_id)


# -- from a snapshot


def _placing(ctx: Context, volume_id: int, vm_id: int | None, snapshot_id: int) -> Plain:
    """Takes room for a volume, where a host reaches the snapshot as well."""
    row = volume_orders.alive(ctx, volume_id)
    found = access.alive(ctx, SNAPSHOT, snapshot_id)
    copy = snapshot.ready_place(ctx, found, row["zone_id"])
    machine = access.alive(ctx, VIRTUAL_MACHINE, vm_id) if vm_id is not None else None
    pool = None
    if machine is not None and copy["pool_id"] is None:
        pool = volume_place.pool_for(ctx, machine, row)
    if pool is None:
        pool = volume_place.pool_near(ctx, row, found["hypervisor"], copy["pool_id"])
    allocate(ctx.tx, pool.id, row["size"])
    volume_orders.move(ctx, row, "CreateRequested", pool_id=pool.id)
    return {
        "host": snapshot_workflows.reaching(ctx, pool.id),
        "volume": [row["uuid"], row["name"], pool.uuid, row["size"]],
        "snapshot": found["uuid"],
        "copy": snapshot_workflows.place_of(copy),
        "limit": ctx.settings.number("create.volume.from.snapshot.wait") or None,
    }


def _copied(ctx: Context, volume_id: int, path: str) -> Plain:
    volume_orders.move(ctx, volume_orders.alive(ctx, volume_id), "OperationSucceeded", path=path)
    return volume_orders.result(ctx, volume_id)


async def _copy(wf: Workflow[Context], plan: Plain) -> str:
    copy, (uuid, name, pool, size) = plan["copy"], plan["volume"]
    command = CreateVolumeFromSnapshot(
        wf.command_id("copy"), uuid, name, pool, size, plan["snapshot"], copy["path"], copy["place"], copy["url"]
    )
    return str((await snapshot_workflows.tell(wf, plan["host"], command, timeout=plan["limit"]))["path"])


def _failed(
    ctx: Context, error: CloudError, volume_id: int, vm_id: int | None = None, snapshot_id: int | None = None
) -> None:
    """A volume that could not be filled, or attached at once, is not kept."""
    row = ctx.tx.first(VOLUME.by_id, row_id=volume_id)
    if row is not None and row["state"] == "Creating" and row["vm_id"] is None:
        values: dict[str, Any] = {}
        if not isinstance(error, AgentTimeout):
            allocate(ctx.tx, row["pool_id"], -row["size"])
            values["pool_id"] = None
        volume_orders.move(ctx, row, "OperationFailed", **values)
    if vm_id is not None:
        volume_attach.attach_failed(ctx, error, volume_id, vm_id)
    volume_delete.drop(ctx, volume_id)


@workflow("volume.create", failed=_failed)
async def run(wf: Workflow[Context], volume_id: int, vm_id: int | None = None, snapshot_id: int | None = None) -> None:
    """Ends the making of a volume: fills it, and attaches it, where that was asked for."""
    if snapshot_id is not None:
        plan = await wf.step("placing", _placing, volume_id, vm_id, snapshot_id)
        path = await _copy(wf, plan) if not wf.done("copied") else ""
        if vm_id is None:
            await wf.finish(_copied, volume_id, path)
            return
        await wf.step("copied", _copied, volume_id, path)
    elif vm_id is None:
        await wf.finish(_made, volume_id)
        return
    await volume_attach.run_attach(wf, volume_id, vm_id, None)
