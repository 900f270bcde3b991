"""Schedules of virtual machines, as clients read them."""

from __future__ import annotations

from collections.abc import Sequence

from cloudsim.api.responses.base import Object, Response, ordered, shown
from cloudsim.core.clock import to_wire
from cloudsim.services import vmschedule
from cloudsim.services.context import Context

VM_SCHEDULE = Response(
    "vmschedule",
    action="action",
    boolean="enabled",
    date="created enddate startdate",
    string="description id schedule timezone virtualmachineid",
)


@VM_SCHEDULE.presents
def present(ctx: Context, ids: Sequence[int]) -> list[Object]:
    """Schedules."""
    return [
        shown(
            id=row["uuid"],
            virtualmachineid=row["vm_uuid"],
            description=row["description"],
            schedule=row["schedule"],
            timezone=row["timezone"],
            action=row["action"],
            enabled=row["enabled"],
            startdate=to_wire(row["start"]),
            enddate=to_wire(row["end"]),
            created=to_wire(row["created"]),
        )
        for row in ordered(vmschedule.rows(ctx, ids), ids)
    ]
