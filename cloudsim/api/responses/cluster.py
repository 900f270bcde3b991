"""Clusters, as clients read them."""

from __future__ import annotations

from collections.abc import Sequence

from cloudsim.api.responses.base import Object, Response, shown
from cloudsim.api.responses.capacity import CAPACITY
from cloudsim.services import cluster
from cloudsim.services.context import Context

CLUSTER = Response(
    "cluster",
    boolean="hasannotations",
    map="resourcedetails",
    string="allocationstate arch clustertype cpuovercommitratio extensionid extensionname hypervisortype id "
    "managedstate memoryovercommitratio name ovm3vip podid podname podstorageaccessgroups "
    "storageaccessgroups zoneid zonename zonestorageaccessgroups",
    nested={"capacity": ("list", CAPACITY)},
)


@CLUSTER.presents
def present_clusters(ctx: Context, ids: Sequence[int]) -> list[Object]:
    """Clusters with the factors their hosts are over-provisioned by."""
    made = []
    for row, details in cluster.page(ctx, ids):
        place = ("Cluster", row["id"])
        cpu = str(ctx.settings.share("cpu.overprovisioning.factor", place) or 1.0)
        memory = str(ctx.settings.share("mem.overprovisioning.factor", place) or 1.0)
        made.append(
            shown(
                id=row["uuid"],
                name=row["name"],
                podid=row["pod_uuid"],
                podname=row["pod_name"],
                zoneid=row["zone_uuid"],
                zonename=row["zone_name"],
                hypervisortype=row["hypervisor"],
                clustertype=row["type"],
                allocationstate=row["allocation_state"],
                managedstate=row["managed_state"],
                cpuovercommitratio=cpu,
                memoryovercommitratio=memory,
                resourcedetails={"cpuOvercommitRatio": cpu, "memoryOvercommitRatio": memory, **details},
                arch=row["arch"] or "x86_64",
                hasannotations=ctx.annotated(row["uuid"]),
            )
        )
    return made
