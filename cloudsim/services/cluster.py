"""Clusters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, func, select

from cloudsim.core.errors import InvalidValue, ResourceInUse
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.db.virtualmachine import DETAILS, grouped
from cloudsim.services import access, dedication
from cloudsim.services.context import Context
from cloudsim.services.listing import Listing, equals, equals_nocase
from cloudsim.services.nouns import CLUSTER

cluster = schema.cluster

LISTING = Listing(
    cluster,
    filters={
        "id": equals(cluster.c.id, "id"),
        "name": equals(cluster.c.name, "name"),
        "zone": equals(cluster.c.zone_id, "zone"),
        "pod": equals(cluster.c.pod_id, "pod"),
        "hypervisor": equals_nocase(cluster.c.hypervisor, "hypervisor"),
        "type": equals_nocase(cluster.c.type, "type"),
        "state": equals(cluster.c.allocation_state, "state"),
        "managed": equals(cluster.c.managed_state, "managed"),
        "arch": equals_nocase(cluster.c.arch, "arch"),
        "none": cluster.c.id < 0,
    },
    keyword=(cluster.c.name, cluster.c.hypervisor),
    order=(cluster.c.name, cluster.c.id),
)
_ROWS = (
    select(
        cluster,
        schema.zone.c.uuid.label("zone_uuid"),
        schema.zone.c.name.label("zone_name"),
        schema.pod.c.uuid.label("pod_uuid"),
        schema.pod.c.name.label("pod_name"),
    )
    .select_from(
        cluster.join(schema.zone, cluster.c.zone_id == schema.zone.c.id).join(
            schema.pod, cluster.c.pod_id == schema.pod.c.id
        )
    )
    .where(any_of(cluster.c.id, "ids"))
)
_NAMED = select(cluster).where(
    cluster.c.pod_id == bindparam("pod_id"), cluster.c.name == bindparam("name"), cluster.c.removed.is_(None)
)
_HOSTS_IN, _POOLS_IN = (
    select(func.count()).where(table.c.cluster_id == bindparam("cluster_id"), table.c.removed.is_(None))
    for table in (schema.host, schema.storage_pool)
)

#: The processor architectures that hosts may have.
ARCHS = ("x86_64", "aarch64", "i686", "s390x")


def page(ctx: Context, ids: Sequence[int]) -> list[tuple[Row, dict[str, str]]]:
    """Clusters with the names of their places, and their details, in the order of their ids."""
    rows = {row["id"]: row for row in ctx.tx.all(_ROWS, ids=ids)}
    details = grouped(ctx.tx.all(DETAILS, kind="Cluster", ids=ids), "resource_id")
    return [
        (rows[row_id], {detail["name"]: detail["value"] for detail in details.get(row_id, [])})
        for row_id in ids
        if row_id in rows
    ]


def hypervisor_named(ctx: Context, name: str) -> str:
    """The hypervisor as it is written. Raises `InvalidValue` where this server has no driver for it."""
    known = {one.lower(): one for one in ctx.cloud.agents.hypervisors}
    found = known.get(name.lower())
    if found is None:
        raise InvalidValue(f"this server runs machines on {', '.join(known.values())}, not on '{name[:64]}'")
    return found


def named(ctx: Context, pod: Mapping[str, Any], name: str) -> Row | None:
    """The cluster of a pod with that name."""
    return ctx.tx.first(_NAMED, pod_id=pod["id"], name=name)


def check_place(zone: Row, pod: Row, cluster: Row | None = None) -> None:
    """Raises `InvalidValue` where a pod is not in the zone, or a cluster not in the pod."""
    if pod["zone_id"] != zone["id"]:
        raise InvalidValue(f"pod {pod['name']} is not in zone {zone['name']}")
    if cluster is not None and cluster["pod_id"] != pod["id"]:
        raise InvalidValue(f"cluster {cluster['name']} is not in pod {pod['name']}")


def create(
    ctx: Context,
    zone: Row,
    pod: Row,
    name: str,
    hypervisor: str,
    *,
    type: str = "CloudManaged",
    enabled: bool = True,
    arch: str | None = None,
) -> Row:
    """Makes an empty cluster that this server manages."""
    check_place(zone, pod)
    hypervisor = hypervisor_named(ctx, hypervisor)
    if not name.strip():
        raise InvalidValue("a cluster needs a name")
    if named(ctx, pod, name) is not None:
        raise InvalidValue(f"pod {pod['name']} has a cluster named '{name}' already")
    row_id = ctx.tx.insert(
        cluster,
        uuid=ctx.uuid(),
        created=ctx.now,
        removed=None,
        name=name,
        zone_id=zone["id"],
        pod_id=pod["id"],
        hypervisor=hypervisor,
        type=type,
        allocation_state="Enabled" if enabled else "Disabled",
        managed_state="Managed",
        arch=arch or "x86_64",
    )
    return access.row(ctx, CLUSTER, row_id)


def update(ctx: Context, row: Row, *, name: str | None = None, hypervisor: str | None = None, **values: Any) -> None:
    """Changes a cluster; what is None stays. Raises `InvalidValue`, `ResourceInUse`."""
    changed = {key: value for key, value in values.items() if value is not None}
    if name is not None:
        same = named(ctx, {"id": row["pod_id"]}, name)
        if not name.strip() or (same is not None and same["id"] != row["id"]):
            raise InvalidValue(f"a cluster needs a name that no other cluster of its pod has, not '{name[:64]}'")
        changed["name"] = name
    if hypervisor is not None and hypervisor_named(ctx, hypervisor) != row["hypervisor"]:
        _check_empty(ctx, row, "change its hypervisor")
        changed["hypervisor"] = hypervisor_named(ctx, hypervisor)
    if changed:
        ctx.tx.update(cluster, {"id": row["id"]}, **changed)


def delete(ctx: Context, row: Row) -> None:
    """Removes a cluster. Raises `ResourceInUse` where it has hosts or storage."""
    _check_empty(ctx, row, "delete it")
    dedication.end_of_place(ctx, "Cluster", row["id"])
    ctx.tx.update(cluster, {"id": row["id"]}, removed=ctx.now)


def _check_empty(ctx: Context, row: Row, what: str) -> None:
    for statement, label in ((_HOSTS_IN, "hosts"), (_POOLS_IN, "storage pools")):
        number = ctx.tx.scalar(statement, cluster_id=row["id"])
        if number:
            raise ResourceInUse(f"cluster {row['name']} has {number} {label}: remove them first to {what}")


def type_of(text: str) -> str:
    """The cluster type as it is written. Raises `InvalidValue` for one that no hypervisor of this server's has."""
    if text.lower() != "cloudmanaged":
        raise InvalidValue(f"clusters of this server's hypervisors are CloudManaged, not '{text[:64]}'")
    return "CloudManaged"


__all__ = [
    "ARCHS",
    "LISTING",
    "check_place",
    "create",
    "delete",
    "hypervisor_named",
    "named",
    "page",
    "type_of",
    "update",
]
