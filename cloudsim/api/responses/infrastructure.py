"""Pods, clusters, hosts, storage pools and OS types, as clients read them."""

from __future__ import annotations

from collections.abc import Sequence

from cloudsim.api.responses.base import Object, Response, ordered, shown
from cloudsim.api.responses.zone import CAPACITY
from cloudsim.core.clock import to_wire
from cloudsim.services import cluster, host_view, ostype, pod, storagepool
from cloudsim.services.context import Context, Row

_RANGE = Response("ipranges", string="cidr endip forsystemvms gateway startip vlanid")
POD = Response(
    "pod",
    boolean="hasannotations",
    list="endip forsystemvms startip vlanid",
    string="allocationstate gateway id name netmask storageaccessgroups zoneid zonename zonestorageaccessgroups",
    nested={"capacity": ("list", CAPACITY), "ipranges": ("list", _RANGE)},
)
CLUSTER = Response(
    "cluster",
    boolean="hasannotations",
    map="resourcedetails",
    string="allocationstate arch clustertype cpuovercommitratio extensionid extensionname hypervisortype id "
    "managedstate memoryovercommitratio name ovm3vip podid podname podstorageaccessgroups "
    "storageaccessgroups zoneid zonename zonestorageaccessgroups",
    nested={"capacity": ("list", CAPACITY)},
)
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
OS_TYPE = Response(
    "ostype", boolean="fordisplay isuserdefined", string="description id name oscategoryid oscategoryname"
)
_GPU_GROUP = Response("gpugroup", string="gpugroupname", list="vgpu")
HOST = Response(
    "host",
    boolean="encryptionsupported hahost hasannotations hasenoughcapacity instanceconversionsupported "
    "islocalstorageactive istagarule suitableformigration ueficapability",
    date="created disconnected lastannotated lastpinged removed",
    double="cpuloadaverage",
    hostharesponse="hostha",
    integer="cpunumber cpusockets",
    long="cpuallocatedvalue cpuspeed disksizeallocated disksizetotal gputotal gpuused memoryallocated "
    "memoryallocatedbytes memorytotal memoryused networkkbsread networkkbswrite",
    map="details",
    outofbandmanagementresponse="outofbandmanagement",
    status="state",
    string="annotation arch capabilities clusterid clustername clusterstorageaccessgroups clustertype "
    "cpuallocated cpuallocatedpercentage cpuallocatedwithoverprovisioning cpuused cpuwithoverprovisioning "
    "events explicithosttags extensionid extensionname hosttags hypervisor hypervisorversion id "
    "implicithosttags ipaddress managementserverid managementservername memoryallocatedpercentage "
    "memorywithoverprovisioning name oscategoryid oscategoryname podid podname podstorageaccessgroups "
    "resourcestate storageaccessgroups username version virtualmachineid zoneid zonename "
    "zonestorageaccessgroups",
    type="type",
    nested={"gpugroup": ("list", _GPU_GROUP)},
)


@POD.presents
def present_pods(ctx: Context, ids: Sequence[int]) -> list[Object]:
    """Pods with their address ranges."""
    return [_pod(row) for row in pod.page(ctx, ids)]


def _pod(row: Row) -> Object:
    ranges = [
        {
            "startip": part["start"],
            "endip": part.get("end") or part["start"],
            "forsystemvms": "1" if part.get("forsystemvms") else "0",
            "vlanid": f"vlan://{part.get('vlan') or 'untagged'}",
        }
        for part in row["ranges"]
    ]
    return shown(
        id=row["uuid"],
        name=row["name"],
        zoneid=row["zone_uuid"],
        zonename=row["zone_name"],
        gateway=row["gateway"],
        netmask=row["netmask"],
        ipranges=ranges,
        **{name: [part[name] for part in ranges] for name in ("startip", "endip", "forsystemvms", "vlanid")},
        allocationstate=row["allocation_state"],
        hasannotations=False,
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
                hasannotations=False,
            )
        )
    return made


@STORAGE_POOL.presents
def present_pools(ctx: Context, ids: Sequence[int]) -> list[Object]:
    """Storage pools with what is promised of them."""
    factor = ctx.settings.raw("storage.overprovisioning.factor") or "1.0"
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
            disksizetotal=row["capacity"],
            disksizeallocated=row["allocated"],
            disksizeused=row["used"],
            tags=",".join(row["tags"]) or None,
            state=row["status"],
            scope=row["scope"],
            overprovisionfactor=factor,
            storagecapabilities={},
            managed=row["managed"],
            details=details or None,
            hypervisor=row["hypervisor"],
            provider=row["provider"],
            hasannotations=False,
            istagarule=False,
        )
        for row, details in storagepool.page(ctx, ids)
    ]


@OS_TYPE.presents
def present_os_types(ctx: Context, ids: Sequence[int]) -> list[Object]:
    """OS types with their categories."""
    return [
        shown(
            id=row["uuid"],
            name=row["name"],
            oscategoryid=row["category_uuid"],
            oscategoryname=row["category_name"],
            description=row["name"],
            isuserdefined=row["user_defined"],
            fordisplay=row["for_display"],
        )
        for row in ostype.page(ctx, ids)
    ]


@HOST.presents
def present_hosts(ctx: Context, ids: Sequence[int]) -> list[Object]:
    """Hosts with what is promised of them."""
    return [_host(ctx, row) for row in ordered(host_view.rows(ctx, ids), ids)]


def _host(ctx: Context, row: Row) -> Object:
    place = ("Cluster", row["cluster_id"] or 0)
    cpu = ctx.settings.share("cpu.overprovisioning.factor", place) or 1.0
    memory = ctx.settings.share("mem.overprovisioning.factor", place) or 1.0
    speed = (row["cpu_cores"] or 0) * (row["cpu_speed"] or 0)
    total = row["memory"] or 0
    used_cpu, used_memory = row["cpu_used"] or 0, row["memory_used"] or 0
    cpu_share = f"{100 * used_cpu / (speed * cpu):.2f}%" if speed else "0%"
    memory_share = f"{100 * used_memory / (total * memory):.2f}%" if total else "0%"
    labels = ",".join(row["tags"]) or None
    return shown(
        id=row["uuid"],
        name=row["name"],
        state=row["status"],
        disconnected=to_wire(row["disconnected"]) if row["disconnected"] else None,
        type=row["type"],
        ipaddress=row["ip"],
        zoneid=row["zone_uuid"],
        zonename=row["zone_name"],
        podid=row["pod_uuid"],
        podname=row["pod_name"],
        version=row["version"],
        hypervisor=row["hypervisor"],
        cpusockets=row["cpu_sockets"],
        cpunumber=row["cpu_cores"],
        cpuspeed=row["cpu_speed"],
        cpuallocated=cpu_share,
        cpuallocatedvalue=used_cpu,
        cpuallocatedpercentage=cpu_share,
        cpuallocatedwithoverprovisioning=cpu_share,
        cpuwithoverprovisioning=f"{speed * cpu:.0f}",
        memorytotal=total,
        memorywithoverprovisioning=f"{total * memory:.0f}",
        memoryallocated=used_memory,
        memoryallocatedpercentage=memory_share,
        memoryallocatedbytes=used_memory,
        capabilities=row["capabilities"],
        lastpinged=to_wire(row["last_ping"]) if row["last_ping"] else None,
        managementserverid=ctx.cloud.server_uuid if row["status"] == "Up" else None,
        clusterid=row["cluster_uuid"],
        clustername=row["cluster_name"],
        clustertype=row["cluster_type"],
        islocalstorageactive=False,
        created=to_wire(row["created"]),
        hosttags=labels,
        explicithosttags=labels,
        istagarule=False,
        oscategoryid=row["category_uuid"],
        oscategoryname=row["category_name"],
        hostha={"haenable": False, "hastate": "Disabled"},
        outofbandmanagement={"enabled": False, "powerstate": "Disabled"},
        resourcestate=row["resource_state"],
        hypervisorversion=row["hypervisor_version"],
        hahost=False,
        ueficapability=False,
        arch=row["arch"] or "x86_64",
        hasannotations=False,
    )
