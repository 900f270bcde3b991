"""The volumes of a new virtual machine: what is asked for, and their rows."""

from __future__ import annotations

from cloudsim.core.errors import InvalidValue
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.services import access, usage
from cloudsim.services import hypervisor as hypervisors
from cloudsim.services.context import Context
from cloudsim.services.nouns import DISK_OFFERING
from cloudsim.services.virtualmachine import GIB
from cloudsim.services.vm_deployment import Deployment, DiskRequest, hypervisor_of

volume = schema.volume
MOST_DATA_DISKS = 6


def disks_of(ctx: Context, want: Deployment) -> list[DiskRequest]:
    """The volumes of the machine, the root disk first. Raises `InvalidValue`."""
    is_iso = want.template["format"] == "ISO"
    disks = []
    if is_iso:
        if want.disk_offering is None:
            raise InvalidValue("deploying from an ISO needs diskofferingid for the root disk")
        disks.append(DiskRequest("ROOT", want.disk_offering, _size(ctx, want.disk_offering, want.size)))
    else:
        offering = want.root_offering or access.row(ctx, DISK_OFFERING, want.offering["disk_offering_id"])
        size = max(int(want.template["size"]), int(want.offering["root_disk_size"] or 0))
        if want.root_offering is not None:
            size = max(size, _overridden(want, want.root_offering))
        if want.root_size is not None:
            if want.root_size * GIB < want.template["size"]:
                least = -(-int(want.template["size"]) // GIB)
                raise InvalidValue(f"rootdisksize must be at least the size of the template, {least} GiB")
            size = want.root_size * GIB
        disks.append(DiskRequest("ROOT", offering, size, want.template))
        if want.disk_offering is not None:
            disks.append(DiskRequest("DATADISK", want.disk_offering, _size(ctx, want.disk_offering, want.size)))
    for offering, size_gib in want.data_disks:
        disks.append(DiskRequest("DATADISK", offering, _size(ctx, offering, size_gib)))
    most = hypervisors.limit(ctx, "maxdatavolumeslimit", hypervisor_of(want), None) or MOST_DATA_DISKS
    if len(disks) > most + 1:
        raise InvalidValue(f"a virtual machine may have up to {most} data disks (see listHypervisorCapabilities)")
    return disks


def _overridden(want: Deployment, offering: Row) -> int:
    """The least size of a root disk of an offering other than the service offering's. Raises `InvalidValue`."""
    own = offering["id"] == want.offering["disk_offering_id"]
    if want.offering["disk_offering_strictness"] and not own:
        raise InvalidValue(f"service offering {want.offering['name']} allows no other disk offering for the root disk")
    if offering["compute_only"] and not own:
        raise InvalidValue(f"disk offering {offering['name']} belongs to a service offering")
    if offering["customized"] and want.root_size is None and not own:
        raise InvalidValue(f"disk offering {offering['name']} is custom: give rootdisksize")
    return int(offering["size"] or 0)


def _size(ctx: Context, offering: Row, gib: int | None) -> int:
    """The size in bytes of a volume of an offering; `gib` where the user chooses."""
    if offering["compute_only"]:
        raise InvalidValue(f"disk offering {offering['name']} belongs to a service offering")
    if not offering["customized"]:
        return int(offering["size"])
    if gib is None:
        raise InvalidValue(f"disk offering {offering['name']} is custom: give a size in GiB")
    least = ctx.settings.number("custom.diskoffering.size.min") or 1
    most = ctx.settings.number("custom.diskoffering.size.max") or 1024
    if not least <= gib <= most:
        raise InvalidValue(f"the size of a custom disk must be between {least} and {most} GiB")
    return gib * GIB


def add_volume(ctx: Context, want: Deployment, vm_id: int, device: int, disk: DiskRequest) -> None:
    """Stores a volume of a new machine."""
    offering = disk.offering
    uuid = ctx.uuid()
    name = f"ROOT-{vm_id}" if disk.kind == "ROOT" else f"DATA-{vm_id}" + (f"-{device}" if device > 1 else "")
    made = ctx.tx.insert(
        volume,
        uuid=uuid,
        created=ctx.now,
        removed=None,
        name=name,
        account_id=want.account["id"],
        domain_id=want.domain["id"],
        zone_id=want.zone["id"],
        pool_id=None,
        vm_id=vm_id,
        type=disk.kind,
        device_id=device,
        size=disk.size,
        path=None,
        template_id=disk.template["id"] if disk.template else None,
        disk_offering_id=offering["id"] if offering else None,
        service_offering_id=want.offering["id"] if disk.kind == "ROOT" else None,
        state="Allocated",
        update_count=0,
        provisioning=offering["provisioning"] if offering else "thin",
        display=want.display,
        is_system=False,
        delete_protection=False,
        min_iops=offering["min_iops"] if offering else None,
        max_iops=offering["max_iops"] if offering else None,
        attached=None,
        updated=ctx.now,
        destroyed=None,
    )
    usage.begin(
        ctx,
        usage.VOLUME,
        "volume",
        {
            "id": made,
            "uuid": uuid,
            "name": name,
            "account_id": want.account["id"],
            "domain_id": want.domain["id"],
            "zone_id": want.zone["id"],
        },
        offering_id=offering["id"] if offering else None,
        template_id=disk.template["id"] if disk.template else None,
        vm_id=vm_id,
        size=disk.size,
    )
