"""Rolling maintenance: hosts go to maintenance and come back one after another, while their machines run elsewhere.

The reference runs scripts on each host before, in and after its maintenance. Hosts have none here: what is done is the
moving of machines, and the time in which a host can be worked on is none. A host that cannot be emptied is taken back.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from cloudsim.core.clock import to_wire
from cloudsim.core.errors import InvalidValue, OperationFailed
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.jobs.job import Order
from cloudsim.jobs.workflow import Workflow, workflow
from cloudsim.services import host_maintenance, host_state
from cloudsim.services.context import Context
from cloudsim.services.nouns import HOST

host = schema.host

Plain = dict[str, Any]

#: What may be named, and the column of hosts that it means.
KINDS = {"zone": "zone_id", "pod": "pod_id", "cluster": "cluster_id", "host": "id"}
_HOSTS = {
    kind: select(host.c.id)
    .where(any_of(host.c[column], "ids"), host.c.removed.is_(None), host.c.type == "Routing")
    .order_by(host.c.cluster_id, host.c.id)
    for kind, column in KINDS.items()
}


def start(ctx: Context, given: dict[str, list[Row] | None], *, forced: bool) -> str:
    """Orders it for the hosts of places of one kind, or for hosts; answers the job's uuid. Raises `InvalidValue`."""
    named = {kind: rows for kind, rows in given.items() if rows}
    if len(named) != 1:
        raise InvalidValue("give one of hostids, clusterids, podids and zoneids")
    ((kind, rows),) = named.items()
    if not ctx.tx.all(_HOSTS[kind], ids=[row["id"] for row in rows]):
        raise InvalidValue("there are no hosts that run virtual machines")
    return ctx.submit(
        Order(
            command=ctx.command,
            workflow="host.rolling-maintenance",
            arguments={"kind": kind, "ids": [row["id"] for row in rows], "forced": forced},
            lock="rolling-maintenance",
            event=f"{kind.upper()}.ROLLING.MAINTENANCE",
            event_text=f"rolling maintenance of {len(rows)} {kind}(s)",
        )
    )


def _chosen(ctx: Context, kind: str, ids: list[int]) -> list[int]:
    return [row["id"] for row in ctx.tx.all(_HOSTS[kind], ids=ids)]


def _begin(ctx: Context, host_id: int) -> Plain:
    """Orders maintenance of the next host, or says why it is passed over."""
    row = ctx.tx.first(HOST.by_id, row_id=host_id)
    if row is None or row["removed"] is not None:
        return {"skipped": {"hostid": str(host_id), "hostname": "", "reason": "it is not there any more"}}
    made = {"hostid": row["uuid"], "hostname": row["name"]}
    if row["status"] != "Up" or row["resource_state"] != "Enabled":
        return {"skipped": {**made, "reason": f"it is {row['status']} and {row['resource_state']}"}}
    ctx.command = "prepareHostForMaintenance"
    job = host_maintenance.prepare(ctx, row)
    return {"job": job, "host": {**made, "startdate": to_wire(ctx.now)}}


def _end(ctx: Context, host_id: int, begun: Plain) -> Plain:
    """Takes the host back; answers what became of it."""
    row = ctx.tx.first(HOST.by_id, row_id=host_id)
    if row is None or row["removed"] is not None:
        return {"skipped": {**_named(begun), "reason": "it was removed meanwhile"}}
    rested = row["resource_state"] == "Maintenance"
    if rested or row["resource_state"] in (*host_maintenance.PREPARING, "ErrorInMaintenance"):
        host_state.want(ctx, row, "AdminCancelMaintenance", "taken out of maintenance")
    if rested:
        return {"updated": {**begun["host"], "enddate": to_wire(ctx.now), "output": "there are no scripts on it"}}
    return {"skipped": {**_named(begun), "reason": f"its machines could not leave it: it was {row['resource_state']}"}}


def _named(begun: Plain) -> Plain:
    return {name: begun["host"][name] for name in ("hostid", "hostname")}


def _told(_: Context, updated: list[Plain], skipped: list[Plain]) -> Plain:
    text = f"{len(updated)} host(s) were in maintenance, {len(skipped)} were passed over"
    made = {"success": True, "details": text, "hostsupdated": updated, "hostsskipped": skipped}
    return {"rollingmaintenance": made}


@workflow("host.rolling-maintenance")
async def _roll(wf: Workflow[Context], kind: str, ids: list[int], forced: bool) -> None:
    updated: list[Plain] = []
    skipped: list[Plain] = []
    for host_id in await wf.step("chosen", _chosen, kind, ids):
        begun = await wf.step(f"begin:{host_id}", _begin, host_id)
        if "skipped" in begun:
            skipped.append(begun["skipped"])
            continue
        await wf.ended([begun["job"]])
        ended = await wf.step(f"end:{host_id}", _end, host_id, begun)
        if "updated" in ended:
            updated.append(ended["updated"])
            continue
        skipped.append(ended["skipped"])
        if not forced:
            one = ended["skipped"]
            raise OperationFailed(f"host {one['hostname']}: {one['reason']}; give forced=true to go on with the others")
    await wf.finish(_told, updated, skipped)
