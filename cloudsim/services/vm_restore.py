"""A fresh root disk for a machine: `restoreVirtualMachine`, and every reboot of a machine with a volatile offering.

The machine is stopped where it runs, and is Restoring while its root disk is exchanged. Until the one transaction that
exchanges it, it has its old disk, and after it the new one: a crash or a failure leaves it with one of the two. The old
disk stays destroyed until it is wiped, or is expunged at once where that is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, select

from cloudsim.agents.base import DeleteVolume
from cloudsim.core.errors import CloudError, InvalidValue
from cloudsim.db import schema
from cloudsim.db import virtualmachine as db
from cloudsim.db.database import Row
from cloudsim.db.placement import allocate
from cloudsim.jobs.workflow import Workflow, workflow
from cloudsim.services import (
    access,
    resource,
    snapshot_policy,
    usage,
    vm_orders,
    vm_password,
    vm_plain,
    vm_reboot,
    vm_start,
    vm_stop,
    vmsnapshot,
)
from cloudsim.services.context import Context
from cloudsim.services.nouns import ACCOUNT, DISK_OFFERING, SERVICE_OFFERING, TEMPLATE, VIRTUAL_MACHINE, ZONE
from cloudsim.services.virtualmachine import GIB, move

volume, vm, detail = schema.volume, schema.vm, schema.detail
Plain = dict[str, Any]
#: What may be said of the new root disk as details.
DETAILS = ("rootdisksize", "minIops", "maxIops")

_READY = select(schema.template_zone.c.id).where(
    schema.template_zone.c.template_id == bindparam("template_id"),
    schema.template_zone.c.zone_id == bindparam("zone_id"),
    schema.template_zone.c.state == "DOWNLOADED",
)


def restore(
    ctx: Context,
    row: Row,
    *,
    image: Row | None,
    disk_offering: Row | None,
    size: int | None,
    details: Mapping[str, str],
    expunge: bool,
) -> str:
    """Orders a fresh root disk, of the machine's own template or of another, or an empty one for an ISO.

    `size` in GiB; answers the job's uuid. Raises `InvalidValue`, `LimitReached`.
    """
    wanted: Plain = {
        "image_id": image["id"] if image is not None else None,
        "offering_id": disk_offering["id"] if disk_offering is not None else None,
        "size": size,
        **_numbers(details, size),
    }
    if expunge:
        vm_orders.must_be_admin(ctx, "expunge")
    _plan(ctx, row, wanted)
    return vm_orders.order(
        ctx, row, "virtualmachine.restore", "VM.RESTORE", "restoring", {"wanted": wanted, "expunge": expunge}
    )


def _numbers(details: Mapping[str, str], size: int | None) -> Plain:
    found: Plain = {}
    for name, text in details.items():
        known = next((one for one in DETAILS if one.lower() == name.lower()), None)
        if known is None:
            raise InvalidValue(f"details takes {', '.join(DETAILS)} here, not '{name[:64]}'")
        if not text.isascii() or not text.isdigit() or not 0 < int(text) < 2**30:
            raise InvalidValue(f"details[0].{known} takes a number above 0, not '{text[:32]}'")
        found[known] = int(text)
    if size is not None and "rootdisksize" in found:
        raise InvalidValue("give rootdisksize once: by itself, or as a detail")
    made = {"min_iops": found.get("minIops"), "max_iops": found.get("maxIops")}
    if made["min_iops"] and made["max_iops"] and made["min_iops"] > made["max_iops"]:
        raise InvalidValue("minIops is above maxIops")
    return {**made, **({"size": found["rootdisksize"]} if "rootdisksize" in found else {})}


def _plan(ctx: Context, row: Row, wanted: Mapping[str, Any]) -> Plain:
    """The new root disk: what of it is other than of the old. Raises where there cannot be one."""
    if row["state"] not in ("Running", "Stopped"):
        raise InvalidValue(f"a virtual machine in state {row['state']} is not restored: it runs or is stopped")
    vmsnapshot.refuse_while_any(ctx, row["id"], "its root disk stays")
    old = next((disk for disk in db.volumes_of(ctx.tx, row["id"]) if disk["type"] == "ROOT"), None)
    if old is None:
        raise InvalidValue("the virtual machine has no root disk")
    image = _image(ctx, row, wanted["image_id"])
    is_iso = image["format"] == "ISO"
    offering = access.row(ctx, DISK_OFFERING, wanted["offering_id"] or old["disk_offering_id"])
    if wanted["offering_id"]:
        _check_offering(ctx, row, offering, wanted["size"])
    least = 0 if is_iso else int(image["size"])
    size = int(old["size"])
    if wanted["size"] is not None:
        size = wanted["size"] * GIB
        if size < least:
            raise InvalidValue(f"rootdisksize must be at least the size of the template, {-(-least // GIB)} GiB")
    elif wanted["offering_id"] and offering["size"]:
        size = int(offering["size"])
    size = max(size, least)
    owner = access.row(ctx, ACCOUNT, row["account_id"])
    resource.check(ctx, owner, {"primarystorage": size - int(old["size"])})
    return {
        "old": old,
        "image": image,
        "changes": {
            "size": size,
            "template_id": None if is_iso else image["id"],
            "disk_offering_id": offering["id"],
            "provisioning": offering["provisioning"],
            "min_iops": wanted["min_iops"] or (offering if wanted["offering_id"] else old)["min_iops"],
            "max_iops": wanted["max_iops"] or (offering if wanted["offering_id"] else old)["max_iops"],
        },
    }


def _image(ctx: Context, row: Row, image_id: int | None) -> Row:
    image = access.row(ctx, TEMPLATE, image_id or row["template_id"])
    if image["removed"] is not None:
        raise InvalidValue(f"template {image['name']} is gone: name another with templateid")
    if image["type"] in ("SYSTEM", "ROUTING"):
        raise InvalidValue(f"template {image['name']} is for system virtual machines")
    if image["format"] != "ISO" and image["hypervisor"].lower() != row["hypervisor"].lower():
        raise InvalidValue(f"template {image['name']} is for hypervisor {image['hypervisor']}, not {row['hypervisor']}")
    if image["format"] == "ISO" and not image["is_bootable"]:
        raise InvalidValue(f"ISO {image['name']} is not bootable")
    if ctx.tx.scalar(_READY, template_id=image["id"], zone_id=row["zone_id"]) is None:
        raise InvalidValue(f"template {image['name']} is not ready in the zone of the virtual machine")
    return image


def _check_offering(ctx: Context, row: Row, offering: Row, size: int | None) -> None:
    service = access.row(ctx, SERVICE_OFFERING, row["service_offering_id"])
    if service["disk_offering_strictness"] and offering["id"] != service["disk_offering_id"]:
        raise InvalidValue(f"service offering {service['name']} allows no other disk offering for the root disk")
    zone = access.row(ctx, ZONE, row["zone_id"])
    if offering["compute_only"] and offering["id"] != service["disk_offering_id"]:
        raise InvalidValue(f"disk offering {offering['name']} belongs to a service offering")
    if offering["state"] != "Active" or (offering["zone_ids"] and zone["uuid"] not in offering["zone_ids"]):
        raise InvalidValue(f"disk offering {offering['name']} is not available in zone {zone['name']}")
    if offering["customized"] and size is None:
        raise InvalidValue(f"disk offering {offering['name']} is custom: give rootdisksize")


# -- what then happens

_NONE: Plain = {"image_id": None, "offering_id": None, "size": None, "min_iops": None, "max_iops": None}


def _begin(ctx: Context, vm_id: int, wanted: Plain, reboot: bool) -> Plain:
    row = access.alive(ctx, VIRTUAL_MACHINE, vm_id)
    if reboot and row["state"] != "Running":
        raise InvalidValue(f"a virtual machine in state {row['state']} cannot be rebooted")
    _plan(ctx, row, wanted)
    return vm_stop.stopping(ctx, vm_id) if row["state"] == "Running" else {}


def _restoring(ctx: Context, vm_id: int, known: bool) -> None:
    vm_stop.stopped(ctx, vm_id, known, False)
    move(ctx, access.alive(ctx, VIRTUAL_MACHINE, vm_id), "RestoringRequested")


def _exchange(ctx: Context, vm_id: int, wanted: Plain, expunge: bool) -> Plain:
    """Gives the machine a new root disk (made at its next start) in the place of the old; answers what to delete."""
    row = access.alive(ctx, VIRTUAL_MACHINE, vm_id)
    plan = _plan(ctx, {**row, "state": "Stopped"}, wanted)
    old, image = plan["old"], plan["image"]
    kept = {column.name: old[column.name] for column in volume.c if column.name != "id"}
    uuid = ctx.uuid()
    gone = old["pool_id"] is None
    ctx.tx.update(
        volume,
        {"id": old["id"]},
        vm_id=None,
        device_id=None,
        attached=None,
        state="Expunged" if gone else "Destroy",
        destroyed=ctx.now,
        removed=ctx.now if gone else None,
        updated=ctx.now,
        update_count=old["update_count"] + 1,
    )
    made = ctx.tx.insert(
        volume,
        **{
            **kept,
            **plan["changes"],
            "uuid": uuid,
            "created": ctx.now,
            "updated": ctx.now,
            "state": "Allocated",
            "pool_id": None,
            "path": None,
            "update_count": 0,
        },
    )
    fresh = ctx.tx.first(_VOLUME, volume_id=made)
    assert fresh is not None
    usage.begin(
        ctx,
        usage.VOLUME,
        "volume",
        fresh,
        offering_id=fresh["disk_offering_id"],
        template_id=fresh["template_id"],
        vm_id=vm_id,
        size=fresh["size"],
    )
    usage.end(ctx, "volume", old["id"])
    ctx.tx.update(vm, {"id": vm_id}, **_of_image(row, image), updated=ctx.now)
    if image["password_enabled"]:
        vm_password.give(ctx, row, vm_password.make(ctx))
    if wanted["size"] is not None:
        where = {"resource_type": "UserVm", "resource_id": vm_id, "name": "rootdisksize"}
        ctx.tx.update(detail, where, value=str(wanted["size"]))
    host_id = None if gone or not expunge else vm_plain.host_for_pool(ctx, old["pool_id"])
    if host_id is None:
        return {}
    return {
        "host": vm_plain.address_of(ctx, host_id),
        "id": old["id"],
        "uuid": old["uuid"],
        "path": old["path"] or old["uuid"],
        "pool": old["pool_uuid"],
    }


_VOLUME = select(volume).where(volume.c.id == bindparam("volume_id"))


def _of_image(row: Row, image: Row) -> Plain:
    """What of a machine changes with its image; its own settings stay."""
    if image["id"] == row["template_id"]:
        return {}
    return {
        "template_id": image["id"],
        "iso_id": image["id"] if image["format"] == "ISO" else None,
        "guest_os_id": image["guest_os_id"],
        "password_enabled": image["password_enabled"],
        "arch": image["arch"] or row["arch"],
    }


def _restored(ctx: Context, vm_id: int, deleted: int | None) -> None:
    if deleted is not None:
        old = ctx.tx.first(_VOLUME, volume_id=deleted)
        assert old is not None
        if old["removed"] is None:
            allocate(ctx.tx, old["pool_id"], -old["size"])
            ctx.tx.update(volume, {"id": deleted}, state="Expunged", removed=ctx.now, updated=ctx.now)
            snapshot_policy.volume_gone(ctx, deleted)
    move(ctx, access.alive(ctx, VIRTUAL_MACHINE, vm_id), "RestoringSuccess")


def _shown(ctx: Context, vm_id: int) -> Plain:
    return vm_password.shown(ctx, vm_id, vm_plain.result(ctx, vm_id))


def _running(ctx: Context, vm_id: int, answer: Plain, paths: Mapping[str, str]) -> Plain:
    return vm_password.shown(ctx, vm_id, vm_start.started(ctx, vm_id, answer, paths))


def _failed(ctx: Context, error: CloudError, vm_id: int, **_: Any) -> None:
    row = ctx.tx.first(VIRTUAL_MACHINE.by_id, row_id=vm_id)
    if row is not None and row["removed"] is None and row["state"] == "Restoring":
        move(ctx, row, "RestoringFailed")
        return
    vm_reboot.reboot_failed(ctx, error, vm_id)


@workflow("virtualmachine.restore", failed=_failed)
async def run(
    wf: Workflow[Context],
    vm_id: int,
    wanted: Plain | None = None,
    expunge: bool = False,
    reboot: bool = False,
) -> None:
    """Stops the machine where it runs, exchanges its root disk, and starts it again where it ran."""
    wanted = wanted or _NONE
    plan = await wf.step("begin", _begin, vm_id, wanted, reboot)
    known = await vm_stop.run_stop(wf, plan, False) if plan else True
    await wf.step("restoring", _restoring, vm_id, known)
    old = await wf.step("exchange", _exchange, vm_id, wanted, expunge)
    if old:
        command = DeleteVolume(wf.command_id("delete"), old["uuid"], old["path"], old["pool"])
        await wf.call(vm_plain.host_address(old["host"]), command)
    await wf.step("restored", _restored, vm_id, old["id"] if old else None)
    if not plan:
        await wf.finish(_shown, vm_id)
        return
    answer, paths = await vm_start.run_start(wf, vm_id, {}, "again-")
    await wf.finish(_running, vm_id, answer, paths)
