"""Where a machine would go, and why nowhere else: what a placement would decide, without deciding it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from cloudsim.allocators.explain import Explanation, Verdict, explain
from cloudsim.core.errors import InvalidValue
from cloudsim.db import virtualmachine as db
from cloudsim.db.database import Row
from cloudsim.services import access, affinitygroup, placement, shared_network, vm_request
from cloudsim.services.context import Context
from cloudsim.services.nouns import SERVICE_OFFERING, ZONE
from cloudsim.services.placement import Candidates
from cloudsim.services.vm_deploy import sketch
from cloudsim.services.vm_deployment import Deployment

Object = dict[str, Any]


def of_new(ctx: Context, want: Deployment) -> Object:
    """What deploying a machine would decide. Raises what `vm_deploy.deploy` does for the same parameters.

    Networks are not asked for: where a shared one has addresses does not count.
    """
    row, disks = sketch(ctx, want)
    groups = affinitygroup.chosen(ctx, want.account, want.affinity_group_ids, want.affinity_group_names)
    where = {f"{kind}_id": place["id"] for kind in ("host", "cluster", "pod") if (place := getattr(want, kind))}
    request = vm_request.of(ctx, row, disks, groups=groups, **where)
    return _explained(ctx, row, disks, request, want.planner or want.offering["deployment_planner"])


def of_machine(
    ctx: Context,
    row: Row,
    *,
    host: Row | None = None,
    cluster: Row | None = None,
    pod: Row | None = None,
    planner: str | None = None,
    consider_last_host: bool | None = None,
) -> Object:
    """What the next start of a stopped machine would decide, or a live migration of one that runs.

    Raises `InvalidValue` where it can be neither started nor moved, `InsufficientAddresses`.
    """
    if row["state"] not in ("Stopped", "Running"):
        raise InvalidValue(f"a virtual machine in state {row['state']} is placed nowhere: it must be stopped or run")
    disks, cards = db.volumes_of(ctx.tx, row["id"]), db.nics_of(ctx.tx, row["id"])
    runs = row["state"] == "Running"
    where = {f"{kind}_id": place["id"] for kind, place in (("host", host), ("cluster", cluster), ("pod", pod)) if place}
    request = vm_request.of(
        ctx, row, disks, moves=runs, avoid={row["host_id"]: "the machine comes from there"} if runs else None, **where
    )
    if any(card["guest_type"] == "Shared" for card in cards):
        request = shared_network.within_pods(ctx, row, cards, request, stay=runs)
    own = access.row(ctx, SERVICE_OFFERING, row["service_offering_id"])["deployment_planner"]
    last = row["last_host_id"] if not runs and consider_last_host is not False else None
    return _explained(ctx, row, disks, request, planner or (None if runs else own), last, moves=runs)


def _explained(
    ctx: Context,
    row: Row,
    disks: Sequence[Row],
    request: Any,
    planner: str | None,
    last_host_id: int | None = None,
    *,
    moves: bool = False,
) -> Object:
    among = placement.candidates(ctx, request, zone_id=row["zone_id"], account_id=row["account_id"], planner=planner)
    wishes = [among.request] if moves else placement.wishes(ctx, among.request, last_host_id)
    found = explain(wishes, among.hosts, among.pools, among.rules, ctx.chance)
    zone = access.row(ctx, ZONE, row["zone_id"])
    made: Object = {
        "zoneid": zone["uuid"],
        "zonename": zone["name"],
        "algorithm": among.rules.algorithm,
        "deploymentplanner": among.rules.planner,
        "found": found.found is not None,
        "host": _hosts(found, among),
        "storagepool": _pools(found, among, disks),
    }
    if found.found is not None:
        made |= {"hostid": found.found.host.uuid, "hostname": found.found.host.name}
    else:
        made["reason"] = found.message
    return made


def _verdict(one: Verdict) -> Object:
    made: Object = {"considered": one.considered, "chosen": one.order == 1}
    if one.order is not None:
        made["order"] = one.order
    if one.rule:
        made |= {"rule": one.rule, "reason": one.reason}
    return made


def _hosts(found: Explanation, among: Candidates) -> list[Object]:
    """Those that would do in their order, then the others."""
    hosts = {host.id: host for host in among.hosts}
    made = []
    for one in sorted(found.hosts, key=lambda verdict: (verdict.order is None, verdict.order or verdict.id)):
        host = hosts[one.id]
        place = {"id": host.uuid, "name": host.name, "clustername": host.cluster_name, "clusterid": host.cluster_uuid}
        made.append({**place, **_verdict(one)})
    return made


def _pools(found: Explanation, among: Candidates, disks: Sequence[Row]) -> list[Object]:
    pools = {pool.id: pool for pool in among.pools}
    made = []
    for one in sorted(
        found.pools, key=lambda verdict: (verdict.volume, verdict.order is None, verdict.order or verdict.id)
    ):
        verdict = _verdict(replace(one, order=one.order if found.found is not None else None))
        pool = pools[one.id]
        made.append({"id": pool.uuid, "name": pool.name, "volume": disks[one.volume]["name"], **verdict})
    return made
