"""Hosts, as clients read them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from cloudsim.api.responses import availability
from cloudsim.api.responses.base import Object, Response, ordered, shown
from cloudsim.core import states
from cloudsim.core.clock import to_wire
from cloudsim.services import capacity, host_ha, host_view, oobm
from cloudsim.services.context import Context, Row

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
#: A host that a machine could move to: all of a host, and what that would take.
MIGRATION_HOST = Response("host", boolean="requiresStorageMotion")
MIGRATION_HOST.fields.update(HOST.fields)
MIGRATION_HOST.nested.update(HOST.nested)


@cache
def _events(status: str) -> str:
    """The events that a status reacts to."""
    return "; ".join(sorted(event for event in states.host_status.events if states.host_status.can(status, event)))


@HOST.presents
def present_hosts(ctx: Context, ids: Sequence[int]) -> list[Object]:
    """Hosts with what is promised of them."""
    details = host_view.details(ctx, ids)
    guards = {row["host_id"]: availability.guard(row) for row in host_ha.rows(ctx, ids)}
    powers = {row["host_id"]: availability.power(row) for row in oobm.rows(ctx, ids)}
    return [
        _host(
            ctx,
            row,
            details.get(row["id"]),
            guards.get(row["id"], {"haenable": False, "hastate": "Disabled"}),
            powers.get(row["id"], {"enabled": False, "powerstate": "Disabled"}),
        )
        for row in ordered(host_view.rows(ctx, ids), ids)
    ]


def _host(ctx: Context, row: Row, details: dict[str, str] | None, ha: Object, controller: Object) -> Object:
    tag = ctx.settings.text("ha.tag")
    place = ("Cluster", row["cluster_id"] or 0)
    cpu = ctx.settings.share("cpu.overprovisioning.factor", place) or 1.0
    memory = ctx.settings.share("mem.overprovisioning.factor", place) or 1.0
    speed = (row["cpu_cores"] or 0) * (row["cpu_speed"] or 0)
    total = row["memory"] or 0
    used_cpu, used_memory = row["cpu_used"] or 0, row["memory_used"] or 0
    cpu_share = f"{100 * used_cpu / (speed * cpu):.2f}%" if speed else "0%"
    memory_share = f"{100 * used_memory / (total * memory):.2f}%" if total else "0%"
    labels = ",".join(row["tags"]) or None
    seen = ctx.cloud.observed.hosts.get(row["uuid"], {}) if row["status"] == "Up" else {}
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
        cpuused=f"{capacity.decimal(seen['cpu'])}%" if "cpu" in seen else None,
        cpuloadaverage=seen.get("load"),
        networkkbsread=seen.get("net_read_kb"),
        networkkbswrite=seen.get("net_write_kb"),
        memoryused=seen.get("memory"),
        cpuwithoverprovisioning=f"{speed * cpu:.0f}",
        memorytotal=total,
        memorywithoverprovisioning=f"{total * memory:.0f}",
        memoryallocated=used_memory,
        memoryallocatedpercentage=memory_share,
        memoryallocatedbytes=used_memory,
        capabilities=row["capabilities"],
        lastpinged=to_wire(row["last_ping"]) if row["last_ping"] else None,
        managementserverid=ctx.cloud.server_uuid if row["status"] == "Up" else None,
        managementservername=ctx.cloud.server_name if row["status"] == "Up" else None,
        clusterid=row["cluster_uuid"],
        clustername=row["cluster_name"],
        clustertype=row["cluster_type"],
        islocalstorageactive=False,
        events=_events(row["status"]),
        created=to_wire(row["created"]),
        hosttags=labels,
        explicithosttags=labels,
        istagarule=False,
        oscategoryid=row["category_uuid"],
        oscategoryname=row["category_name"],
        hostha=ha,
        outofbandmanagement=controller,
        resourcestate=row["resource_state"],
        details=details,
        hypervisorversion=row["hypervisor_version"],
        hahost=bool(tag) and tag in row["tags"],
        ueficapability=False,
        arch=row["arch"] or "x86_64",
        hasannotations=ctx.annotated(row["uuid"]),
    )
