"""Primary storage pools, as clients read them."""

from __future__ import annotations

from collections.abc import Sequence

from cloudsim.api.responses.base import Object, Response, shown
from cloudsim.core.clock import to_wire
from cloudsim.services import storagepool
from cloudsim.services.context import Context

STORAGE_POOL = Response(
    "storagepool",
    boolean="hasannotations istagarule managed suitableformigration",
    date="created",
    long="allocatediops capacitybytes capacityiops disksizeallocated disksizetotal disksizeused usediops",
    map="details storagecapabilities storagecustomstats",
    storagepoolstatus="state",
    string="clusterid clustername hypervisor id ipaddress name nfsmountopts overprovisionfactor path podid "
    "podname provider scope storageaccessgroups tags type zoneid zonename",
)


@STORAGE_POOL.presents
def present_pools(ctx: Context, ids: Sequence[int]) -> list[Object]:
    """Storage pools with what is promised of them."""
    return [
        shown(
            id=row["uuid"],
            zoneid=row["zone_uuid"],
            zonename=row["zone_name"],
            podid=row["pod_uuid"],
            podname=row["pod_name"],
            name=row["name"],
            ipaddress=row["address"],
            path=row["path"],
            created=to_wire(row["created"]),
            type=row["type"],
            clusterid=row["cluster_uuid"],
            clustername=row["cluster_name"],
            capacitybytes=row["capacity"],
            capacityiops=int(details[storagepool.IOPS]) if storagepool.IOPS in details else None,
            disksizetotal=row["capacity"],
            disksizeallocated=row["allocated"],
            disksizeused=row["used"],
            tags=",".join(row["tags"]) or None,
            state=row["status"],
            scope=row["scope"],
            overprovisionfactor=ctx.settings.raw(
                "storage.overprovisioning.factor", ("StoragePool", row["id"]), ("Zone", row["zone_id"])
            )
            or "1.0",
            storagecapabilities={},
            managed=row["managed"],
            details={key: value for key, value in details.items() if key != storagepool.IOPS} or None,
            hypervisor=row["hypervisor"],
            provider=row["provider"],
            hasannotations=ctx.annotated(row["uuid"]),
            istagarule=False,
        )
        for row, details in storagepool.page(ctx, ids)
    ]
