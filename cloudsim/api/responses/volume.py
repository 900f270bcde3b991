"""Volumes, as clients read them."""

from __future__ import annotations

from collections.abc import Sequence

from cloudsim.api.responses.base import Object, Response, owner, shown
from cloudsim.api.responses.tag import TAG, tags
from cloudsim.core.caller import domain_path_text
from cloudsim.core.clock import to_wire
from cloudsim.services import stats, volume
from cloudsim.services.context import Context, Row

VOLUME = Response(
    "volume",
    boolean="deleteprotection destroyed displayvolume hasannotations isextractable quiescevm supportsstoragesnapshot",
    date="attached created",
    long="deviceid diskBytesReadRate diskBytesWriteRate diskIopsReadRate diskIopsWriteRate diskioread "
    "diskiowrite diskkbsread diskkbswrite maxiops miniops physicalsize size virtualsize",
    map="volumecheckresult volumerepairresult",
    string="account chaininfo clusterid clustername diskofferingdisplaytext diskofferingid diskofferingname "
    "domain domainid domainpath encryptformat externaluuid hypervisor id isodisplaytext isoid isoname "
    "name path podid podname project projectid provisioningtype serviceofferingdisplaytext "
    "serviceofferingid serviceofferingname snapshotid state status storage storageid storagetype "
    "templatedisplaytext templateid templatename type utilization virtualmachineid vmdisplayname vmname "
    "vmstate vmtype zoneid zonename",
    nested={"tags": ("set", TAG)},
)


@VOLUME.presents
def present(ctx: Context, ids: Sequence[int]) -> list[Object]:
    """Volumes; where they lie is told to root admins only."""
    return [_volume(ctx, *found) for found in volume.page(ctx, ids)]


def _volume(ctx: Context, row: Row, tag_rows: list[Row]) -> Object:
    full = ctx.caller.is_admin
    own = not row["offering_compute_only"]
    return shown(
        id=row["uuid"],
        name=row["name"],
        zoneid=row["zone_uuid"],
        zonename=row["zone_name"],
        type=row["type"],
        deviceid=row["device_id"],
        virtualmachineid=row["vm_uuid"],
        templateid=row["template_uuid"],
        templatename=row["template_name"],
        templatedisplaytext=row["template_text"],
        vmname=row["vm_name"],
        vmdisplayname=row["vm_display_name"],
        vmstate=row["vm_state"],
        vmtype=row["vm_type"],
        provisioningtype=row["provisioning"],
        size=row["size"],
        miniops=row["min_iops"],
        maxiops=row["max_iops"],
        created=to_wire(row["created"]),
        state=row["state"],
        **owner(row),
        domainid=row["domain_uuid"],
        domain=row["domain_name"],
        domainpath=domain_path_text(row["domain_path"]),
        storagetype=row["offering_storage_type"] or "shared",
        **stats.disk(ctx.cloud.observed.volumes.get(row["uuid"], {})),
        hypervisor=row["vm_hypervisor"] or row["pool_hypervisor"] or "None",
        diskofferingid=row["offering_uuid"] if own else None,
        diskofferingname=row["offering_name"] if own else None,
        diskofferingdisplaytext=row["offering_display_text"] if own else None,
        diskBytesReadRate=row["offering_bytes_read_rate"],
        diskBytesWriteRate=row["offering_bytes_write_rate"],
        diskIopsReadRate=row["offering_iops_read_rate"],
        diskIopsWriteRate=row["offering_iops_write_rate"],
        serviceofferingid=row["service_uuid"],
        serviceofferingname=row["service_name"],
        serviceofferingdisplaytext=row["service_text"],
        storage=row["pool_name"] if full else None,
        storageid=row["pool_uuid"] if full else None,
        attached=to_wire(row["attached"]) if row["attached"] else None,
        destroyed=row["state"] in ("Destroy", "Expunging", "Expunged"),
        isextractable=row["type"] == "DATADISK" or bool(row["template_extractable"]),
        displayvolume=row["display"] if full else None,
        path=row["path"] if full else None,
        chaininfo=row["chain_info"] if full else None,
        snapshotid=row["snapshot_uuid"],
        quiescevm=False,
        supportsstoragesnapshot=False,
        deleteprotection=row["delete_protection"],
        clusterid=row["cluster_uuid"] if full else None,
        clustername=row["cluster_name"] if full else None,
        podid=row["pod_uuid"] if full else None,
        podname=row["pod_name"] if full else None,
        tags=tags(tag_rows, "Volume", row["uuid"]),
        hasannotations=ctx.annotated(row["uuid"]),
    )
