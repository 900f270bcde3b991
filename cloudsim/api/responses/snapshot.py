"""Snapshots of volumes, as clients read them: one object for each place that has a copy."""

from __future__ import annotations

from collections.abc import Sequence

from cloudsim.api.responses.base import Object, Response, owner, shown
from cloudsim.api.responses.tag import TAG, tags
from cloudsim.core.caller import domain_path_text
from cloudsim.core.clock import to_wire
from cloudsim.services import snapshot
from cloudsim.services.context import Context, Row

SNAPSHOT = Response(
    "snapshot",
    boolean="hasannotations revertable",
    date="created",
    integer="jobstatus",
    long="chainsize physicalsize virtualsize",
    map="downloaddetails",
    state="state",
    string="account datastoreid datastorename datastorestate datastoretype domain domainid domainpath id intervaltype "
    "jobid locationtype name osdisplayname ostypeid project projectid snapshottype status volumeid volumename "
    "volumestate volumetype zoneid zonename",
    nested={"tags": ("set", TAG)},
)

SNAPSHOT_DETAILS = Response("volumeiScsiName", string="jobid volumeiScsiName", integer="jobstatus")


@SNAPSHOT.presents
def present(ctx: Context, ids: Sequence[int]) -> list[Object]:
    """Snapshots by the ids of their entries (see `snapshot.LISTING`)."""
    return [_entry(ctx, entry) for entry in snapshot.page(ctx, ids)]


def _entry(ctx: Context, entry: snapshot.Entry) -> Object:
    row, place = entry.row, entry.place
    chain = ctx.settings.flag("snapshot.show.chain.size")
    return shown(
        id=row["uuid"],
        name=row["name"],
        created=to_wire(row["created"]),
        state=row["state"],
        status=row["state"],
        snapshottype=row["interval_type"] if row["interval_type"] == snapshot.MANUAL else "RECURRING",
        intervaltype=row["interval_type"],
        volumeid=row["volume_uuid"],
        volumename=row["volume_name"],
        volumetype=row["volume_type"],
        volumestate=row["volume_state"],
        virtualsize=row["size"],
        physicalsize=place["physical_size"] if place else 0,
        # each copy is whole: a chain is as long as its last link
        chainsize=(place["physical_size"] if place else 0) if chain else None,
        revertable=row["volume_removed"] is None and place is not None,
        zoneid=place["zone_uuid"] if place else row["zone_uuid"],
        zonename=place["zone_name"] if place else row["zone_name"],
        locationtype=_location(place["role"] if place else None),
        ostypeid=row["os_uuid"],
        osdisplayname=row["os_name"],
        **(_store(place) if place and ctx.caller.is_admin else {}),
        **owner(row),
        domainid=row["domain_uuid"],
        domain=row["domain_name"],
        domainpath=domain_path_text(row["domain_path"]),
        tags=tags(entry.tags, "Snapshot", row["uuid"]),
        hasannotations=ctx.annotated(row["uuid"]),
    )


def _location(role: str | None) -> str | None:
    return {"Primary": snapshot.PRIMARY, "Image": snapshot.SECONDARY}.get(role or "")


def _store(place: Row) -> Object:
    """What the copy lies in: for root admins."""
    return {
        "datastoreid": place["pool_uuid"] or place["store_uuid"],
        "datastorename": place["pool_name"] or place["store_name"],
        "datastoretype": place["role"],
        "datastorestate": place["state"],
        "downloaddetails": {"downloadState": "DOWNLOADED", "downloadPercent": "100"} if place["store_id"] else None,
    }
