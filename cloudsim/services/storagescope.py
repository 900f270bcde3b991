"""Primary storage that serves a whole zone instead of one cluster, or the other way round."""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, func, select

from cloudsim.core.errors import InvalidValue, OperationFailed, ResourceInUse
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.jobs.job import Order
from cloudsim.jobs.workflow import single
from cloudsim.services import access
from cloudsim.services import cluster as clusters
from cloudsim.services.context import Context
from cloudsim.services.listing import Listing
from cloudsim.services.nouns import CLUSTER, POD, STORAGE_POOL, ZONE

pool, vm, volume, host = schema.storage_pool, schema.vm, schema.volume, schema.host

SCOPES = ("CLUSTER", "ZONE")
#: Machines with a volume on the pool, that are or last were on a host of another cluster.
_ON_POOL = vm.c.id.in_(
    select(volume.c.vm_id).where(
        volume.c.pool_id == bindparam("pool"), volume.c.removed.is_(None), volume.c.vm_id.is_not(None)
    )
)
_ELSEWHERE = func.coalesce(vm.c.host_id, vm.c.last_host_id).in_(
    select(host.c.id).where(host.c.cluster_id != bindparam("cluster"))
)
_AFFECTED = (vm.c.removed.is_(None), _ON_POOL, _ELSEWHERE)
AFFECTED = Listing(vm, filters={"pool": _ON_POOL, "cluster": _ELSEWHERE}, keyword=(vm.c.name, vm.c.display_name))
_ROWS = (
    select(
        vm.c.id,
        vm.c.uuid,
        vm.c.name,
        vm.c.type,
        host.c.uuid.label("host_uuid"),
        host.c.name.label("host_name"),
        schema.cluster.c.uuid.label("cluster_uuid"),
        schema.cluster.c.name.label("cluster_name"),
    )
    .select_from(
        vm.join(host, func.coalesce(vm.c.host_id, vm.c.last_host_id) == host.c.id).join(
            schema.cluster, host.c.cluster_id == schema.cluster.c.id
        )
    )
    .where(*_AFFECTED)
)
_HELD = select(func.count()).select_from(vm).where(*_AFFECTED, vm.c.host_id.is_not(None))


def affected(ctx: Context, row: Row, cluster: Row, keyword: str | None) -> list[Row]:
    """The machines that could not reach a pool that serves one cluster only, with their hosts."""
    clusters.check_place(access.row(ctx, ZONE, row["zone_id"]), access.row(ctx, POD, cluster["pod_id"]), cluster)
    ids = AFFECTED.ids(ctx, {"keyword": keyword, "pool": row["id"], "cluster": cluster["id"]})
    wanted = set(ids)
    return [one for one in ctx.tx.all(_ROWS, pool=row["id"], cluster=cluster["id"]) if one["id"] in wanted]


def _check(ctx: Context, row: Row, scope: str, cluster: Row | None) -> None:
    if row["scope"] not in SCOPES:
        raise InvalidValue(f"storage pool {row['name']} is of one host: that stays")
    if row["scope"] == scope:
        raise InvalidValue(f"storage pool {row['name']} is of the scope {scope.lower()} already")
    if row["status"] != "Disabled":
        raise OperationFailed(f"storage pool {row['name']} is {row['status']}: disable it first")
    if scope == "ZONE":
        if cluster is not None:
            raise InvalidValue("storage of a whole zone has no cluster")
        return
    if cluster is None:
        raise InvalidValue("storage of a cluster needs clusterid")
    if cluster["zone_id"] != row["zone_id"] or cluster["hypervisor"] != row["hypervisor"]:
        raise InvalidValue(f"cluster {cluster['name']} is of another zone or hypervisor than the storage")
    number = ctx.tx.scalar(_HELD, pool=row["id"], cluster=cluster["id"])
    if number:
        raise ResourceInUse(
            f"{number} virtual machine(s) with volumes on {row['name']} run in other clusters: stop or move them first"
        )


def order(ctx: Context, row: Row, scope: str, cluster: Row | None) -> str:
    """Orders another scope for a pool; answers the job's uuid. Raises `InvalidValue`, `OperationFailed`, `ResourceInUse`."""
    if scope.upper() not in SCOPES:
        raise InvalidValue(f"scope takes {', '.join(SCOPES)}, not '{scope[:32]}'")
    _check(ctx, row, scope.upper(), cluster)
    return ctx.submit(
        Order(
            command=ctx.command,
            workflow="storagepool.scope",
            arguments={
                "pool_id": row["id"],
                "scope": scope.upper(),
                "cluster_id": cluster["id"] if cluster is not None else None,
            },
            instance_type="StoragePool",
            instance_uuid=row["uuid"],
            lock=f"storagepool:{row['uuid']}",
            event="CHANGE.STORAGE.POOL.SCOPE",
            event_text=f"storage pool {row['name']} becomes of the scope {scope.lower()}",
        )
    )


def _changed(ctx: Context, pool_id: int, scope: str, cluster_id: int | None) -> dict[str, Any]:
    row = access.alive(ctx, STORAGE_POOL, pool_id)
    cluster = access.alive(ctx, CLUSTER, cluster_id) if cluster_id is not None else None
    _check(ctx, row, scope, cluster)
    pod_id = cluster["pod_id"] if cluster is not None else None
    ctx.tx.update(pool, {"id": pool_id}, scope=scope, cluster_id=cluster_id, pod_id=pod_id)
    return {"success": True}


single("storagepool.scope", _changed)


def ask_capabilities(row: Row) -> None:
    """Asks hosts what a pool can do. Raises `OperationFailed` where its kind has nothing to ask for.

    As in the reference that is NFS storage that VMware hosts have mounted: whether it copies files by itself.
    """
    if row["type"] != "NetworkFilesystem" or row["hypervisor"] != "VMware":
        raise OperationFailed(
            f"storage pool {row['name']} is {row['type']} of {row['hypervisor']} hosts: only what VMware hosts can do "
            "with NFS is asked for"
        )
