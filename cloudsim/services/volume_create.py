"""New volumes: empty ones of a disk offering, attached at once where that is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cloudsim.core.errors import CloudError, InvalidValue, PermissionDenied
from cloudsim.db.database import Row
from cloudsim.jobs.workflow import Workflow, workflow
from cloudsim.services import dedication, volume_attach, volume_delete, volume_orders
from cloudsim.services.context import Context
from cloudsim.services.nouns import VOLUME


@dataclass(frozen=True, slots=True)
class Wanted:
    """A new volume, as it was asked for. `size` in GiB."""

    account: Row
    zone: Row
    offering: Row
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
    volume_orders.check_offering(ctx, want.offering, want.account, want.zone)
    size = volume_orders.size_of(ctx, want.offering, want.size)
    least, most = volume_orders.iops_of(want.offering, want.min_iops, want.max_iops)
    if want.uuid is not None and ctx.tx.first(VOLUME.by_uuid, uuid=want.uuid) is not None:
        raise InvalidValue("customid is the id of another volume")
    volume_orders.check_limits(ctx, want.account["id"], want.offering, volumes=1, size=size)
    uuid = want.uuid or ctx.uuid()
    row = volume_orders.insert(
        ctx,
        want.account,
        want.zone["id"],
        want.name or f"DATA-{uuid}",
        size,
        uuid=uuid,
        disk_offering_id=want.offering["id"],
        provisioning=want.offering["provisioning"],
        display=want.display,
        min_iops=least,
        max_iops=most,
    )
    if want.machine is not None:
        volume_attach.check(ctx, volume_orders.full(ctx, row), want.machine, None)
    arguments = {"vm_id": want.machine["id"]} if want.machine is not None else {}
    job = volume_orders.order(ctx, row, "volume.create", "VOLUME.CREATE", "creating", arguments, machine=want.machine)
    return row["uuid"], job


def _made(ctx: Context, volume_id: int) -> dict[str, Any]:
    volume_orders.alive(ctx, volume_id)
    return volume_orders.result(ctx, volume_id)


def _failed(ctx: Context, error: CloudError, volume_id: int, vm_id: int | None = None, **_: Any) -> None:
    """A volume that could not be attached at once is not kept."""
    if vm_id is not None:
        volume_attach.attach_failed(ctx, error, volume_id, vm_id)
        volume_delete.drop(ctx, volume_id)


@workflow("volume.create", failed=_failed)
async def run(wf: Workflow[Context], volume_id: int, vm_id: int | None = None) -> None:
    """Ends the making of a volume; attaches it where that was asked for."""
    if vm_id is None:
        await wf.finish(_made, volume_id)
        return
    await volume_attach.run_attach(wf, volume_id, vm_id, None)
