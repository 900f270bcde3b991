"""Service and disk offerings, as clients read them."""

from __future__ import annotations

from collections.abc import Sequence

from cloudsim.api.responses.base import Object, Response, ordered, shown
from cloudsim.core.clock import to_wire
from cloudsim.services import offering
from cloudsim.services.context import Context, Row

_LIMITS = " ".join(
    f"disk{unit}{way}Rate{rest}" for unit in ("Bytes", "Iops") for way in ("Read", "Write")
    for rest in ("", "Max", "MaxLength")
)  # fmt: skip
SERVICE_OFFERING = Response(
    "serviceoffering",
    boolean="defaultuse diskofferingstrictness dynamicscalingenabled encryptroot gpudisplay hasannotations "
    "iscustomized iscustomizediops issystem isvolatile limitcpuuse offerha purgeresources",
    date="created",
    integer="cpunumber cpuspeed gpucount hypervisorsnapshotreserve leaseduration memory networkrate",
    long=f"{_LIMITS} maxheads maxiops maxresolutionx maxresolutiony miniops rootdisksize videoram",
    map="serviceofferingdetails",
    string="cacheMode deploymentplanner diskofferingdisplaytext diskofferingid diskofferingname displaytext "
    "domain domainid gpucardid gpucardname hosttags id leaseexpiryaction name provisioningtype state "
    "storagetags storagetype systemvmtype vgpuprofileid vgpuprofilename vspherestoragepolicy zone zoneid",
)
DISK_OFFERING = Response(
    "diskoffering",
    boolean="disksizestrictness displayoffering encrypt hasannotations iscustomized iscustomizediops "
    "suitableforvirtualmachine",
    date="created",
    integer="hypervisorsnapshotreserve",
    long=f"{_LIMITS} disksize maxiops miniops",
    map="details",
    string="cacheMode displaytext domain domainid id name provisioningtype state storagetype tags "
    "vspherestoragepolicy zone zoneid",
)


def _traffic(row: Row, prefix: str = "") -> Object:
    made = {}
    for column in offering.LIMITS.values():
        value = row[prefix + column]
        if value is not None:
            made["disk" + "".join(part.capitalize() for part in column.split("_"))] = value
    return made


def _places(row: Row, domains: dict[str, Row], zones: dict[str, Row], field: str) -> Object:
    own = [domains[uuid] for uuid in row["domain_ids"] if uuid in domains]
    where = [zones[uuid] for uuid in row["zone_ids"] if uuid in zones]
    return {
        "domainid": ",".join(one["uuid"] for one in own) or None,
        "domain": ",".join(one[field] for one in own) or None,
        "zoneid": ",".join(one["uuid"] for one in where) or None,
        "zone": ",".join(one["name"] for one in where) or None,
    }


@SERVICE_OFFERING.presents
def present_service(ctx: Context, ids: Sequence[int]) -> list[Object]:
    """Service offerings; tags and rates of the planner are told to admins only."""
    rows = ordered(offering.service_rows(ctx, ids), ids)
    domains, zones = offering.places(ctx, rows)
    full = ctx.caller.is_admin or ctx.caller.is_domain_admin
    return [
        shown(
            id=row["uuid"],
            name=row["name"],
            state=row["state"],
            displaytext=row["display_text"],
            cpunumber=row["cpu_number"],
            cpuspeed=row["cpu_speed"],
            memory=row["memory"],
            created=to_wire(row["created"]),
            storagetype=row["disk_storage_type"],
            provisioningtype=row["disk_provisioning"],
            offerha=row["offer_ha"],
            limitcpuuse=row["limit_cpu_use"],
            isvolatile=row["is_volatile"],
            storagetags=row["disk_tags"] if full else None,
            hosttags=row["host_tags"] if full else None,
            **_places(row, domains, zones, "name"),
            issystem=row["is_system"],
            defaultuse=row["is_default"],
            systemvmtype=row["system_vm_type"],
            deploymentplanner=row["deployment_planner"],
            networkrate=row["network_rate"],
            **_traffic(row, "disk_"),
            iscustomizediops=row["disk_customized_iops"] if row["disk_min_iops"] is not None else None,
            miniops=row["disk_min_iops"],
            maxiops=row["disk_max_iops"],
            hypervisorsnapshotreserve=row["disk_hypervisor_snapshot_reserve"],
            serviceofferingdetails=row["details"] or None,
            iscustomized=row["cpu_number"] is None or row["memory"] is None,
            cacheMode=row["disk_cache_mode"],
            rootdisksize=row["root_disk_size"] // offering.GIB if row["root_disk_size"] is not None else None,
            dynamicscalingenabled=row["dynamic_scaling"],
            diskofferingstrictness=row["disk_offering_strictness"],
            diskofferingid=row["disk_uuid"],
            diskofferingname=row["disk_name"],
            diskofferingdisplaytext=row["disk_text"],
            encryptroot=row["disk_encrypt"],
            purgeresources=row["purge_resources"],
            leaseduration=row["lease_duration"],
            leaseexpiryaction=row["lease_expiry_action"],
            gpudisplay=False,
            hasannotations=ctx.annotated(row["uuid"]),
        )
        for row in rows
    ]


@DISK_OFFERING.presents
def present_disk(ctx: Context, ids: Sequence[int]) -> list[Object]:
    """Disk offerings."""
    rows = ordered(offering.disk_rows(ctx, ids), ids)
    domains, zones = offering.places(ctx, rows)
    details = offering.disk_details(ctx, ids)
    return [
        shown(
            id=row["uuid"],
            **_places(row, domains, zones, "path"),
            name=row["name"],
            state=row["state"],
            displaytext=row["display_text"],
            disksize=row["size"] // offering.GIB,
            created=to_wire(row["created"]),
            iscustomized=row["customized"],
            iscustomizediops=row["customized_iops"],
            miniops=row["min_iops"],
            maxiops=row["max_iops"],
            tags=row["tags"] if ctx.caller.is_admin else None,
            storagetype=row["storage_type"],
            provisioningtype=row["provisioning"],
            hypervisorsnapshotreserve=row["hypervisor_snapshot_reserve"],
            **_traffic(row),
            cacheMode=row["cache_mode"],
            displayoffering=row["display"],
            disksizestrictness=row["size_strict"],
            encrypt=row["encrypt"],
            details={one["name"]: one["value"] for one in details.get(row["id"], [])} or None,
            hasannotations=ctx.annotated(row["uuid"]),
        )
        for row in rows
    ]
