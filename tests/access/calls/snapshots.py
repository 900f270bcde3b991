"""Snapshots and schedules of virtual machines."""

from __future__ import annotations

from typing import Any

from access_cast import Cast
from access_rows import Row, thing

from cloudsim.db import schema


def _machine(cast: Cast, owner: dict[str, Any]) -> int:
    return cast.one("SELECT id FROM vm WHERE uuid = ?", cast.id("virtualmachine", owner))[0]


@thing("vmsnapshot", needs=("virtualmachine",))
async def _snapshot(cast: Cast, **owner: Any) -> str:
    given = {"vm_id": _machine(cast, owner), "type": "Disk", "state": "Ready", "current": True}
    return await cast.insert(schema.vm_snapshot, **given, **cast.owned(owner))


@thing("vmschedule", needs=("virtualmachine",))
async def _schedule(cast: Cast, **owner: Any) -> str:
    given = {"vm_id": _machine(cast, owner), "schedule": "0 0 * * *", "timezone": "UTC", "action": "STOP"}
    return await cast.insert(schema.vm_schedule, **given, **cast.owned(owner))


READY = "UPDATE volume SET state = 'Ready' WHERE vm_id = (SELECT id FROM vm WHERE uuid = :id)"
WHEN = {"schedule": "0 0 * * *", "timezone": "UTC"}

ROWS = [
    Row("createVMSnapshot", "virtualmachine", by="virtualmachineid", given=READY),
    Row("deleteVMSnapshot", "vmsnapshot", by="vmsnapshotid"),
    Row("revertToVMSnapshot", "vmsnapshot", by="vmsnapshotid"),
    Row("listVMSnapshot", "vmsnapshot", by="vmsnapshotid", key="id"),
    Row("createVMSchedule", "virtualmachine", by="virtualmachineid", action="STOP", **WHEN),
    Row("updateVMSchedule", "vmschedule", description="else"),
    Row("deleteVMSchedule", "vmschedule", virtualmachineid="@virtualmachine"),
    Row("listVMSchedule", "vmschedule", virtualmachineid="@virtualmachine"),
]
