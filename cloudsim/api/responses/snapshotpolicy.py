"""Policies that make snapshots of volumes, as clients read them."""

from __future__ import annotations

from collections.abc import Sequence

from cloudsim.api.responses.base import Object, Response
from cloudsim.api.responses.tag import TAG, tags
from cloudsim.services import snapshot_policy
from cloudsim.services.context import Context

SNAPSHOT_POLICY = Response(
    "snapshotpolicy",
    boolean="fordisplay hasannotations",
    int="maxsnaps",
    integer="jobstatus",
    set="storage zone",
    short="intervaltype",
    string="id jobid schedule timezone volumeid volumename",
    nested={"tags": ("set", TAG)},
    words={"intervaltype": "The interval: 0 HOURLY, 1 DAILY, 2 WEEKLY, 3 MONTHLY"},
)


@SNAPSHOT_POLICY.presents
def present(ctx: Context, ids: Sequence[int]) -> list[Object]:
    """Policies with their volumes and zones."""
    return [
        {
            "id": row["uuid"],
            "volumeid": row["volume_uuid"],
            "volumename": row["volume_name"],
            "schedule": row["schedule"],
            "intervaltype": snapshot_policy.TYPES.index(row["interval_type"]),
            "maxsnaps": row["max_snaps"],
            "timezone": row["timezone"],
            "fordisplay": row["display"],
            "zone": [{"id": zone["uuid"], "name": zone["name"]} for zone in zones],
            "storage": [],
            "tags": tags(found, "SnapshotPolicy", row["uuid"]),
            "hasannotations": ctx.annotated(row["uuid"]),
        }
        for row, zones, found in snapshot_policy.page(ctx, ids)
    ]
