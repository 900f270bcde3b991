"""ISOs in the drives of virtual machines: one at a time, put in and taken out while they run or are stopped."""

from __future__ import annotations

from typing import Any

from cloudsim.agents.base import AttachIso, IsoSpec
from cloudsim.core.errors import InvalidValue, ResourceUnavailable
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.jobs.workflow import Workflow, workflow
from cloudsim.services import access, template_permission, vm_image, vm_orders, vm_plain
from cloudsim.services.cloud_machine import HYPERVISOR
from cloudsim.services.context import Context
from cloudsim.services.nouns import ACCOUNT, TEMPLATE, VIRTUAL_MACHINE
from cloudsim.services.template_delete import places_of
from cloudsim.services.template_download import READY, is_iso

vm = schema.vm
Plain = dict[str, Any]


def attach(ctx: Context, row: Row, image: Row, *, forced: bool) -> str:
    """Orders that an ISO is put into a machine's drive; answers the job's uuid. `forced`: what is in it is taken out.

    Raises `InvalidValue`.
    """
    _check(ctx, row, image, forced)
    arguments = {"iso_id": image["id"], "forced": forced}
    text = f"putting ISO {image['name']} into"
    return vm_orders.order(ctx, row, "virtualmachine.attachiso", "ISO.ATTACH", text, arguments)


def detach(ctx: Context, row: Row, *, forced: bool) -> str:
    """Orders that what is in a machine's drive is taken out; answers the job's uuid. Raises `InvalidValue`."""
    _check_out(row)
    text = "taking the ISO out of"
    return vm_orders.order(ctx, row, "virtualmachine.detachiso", "ISO.DETACH", text, {"forced": forced})


def _check_state(row: Row) -> None:
    if row["state"] not in ("Running", "Stopped"):
        raise InvalidValue(f"the virtual machine is {row['state']}: its drive is opened while it runs or is stopped")


def _check_out(row: Row) -> None:
    _check_state(row)
    if row["iso_id"] is None:
        raise InvalidValue("there is no ISO in the virtual machine's drive")


def _check(ctx: Context, row: Row, image: Row, forced: bool) -> None:
    _check_state(row)
    if not is_iso(image):
        raise InvalidValue(f"{image['name']} is a template, not an ISO")
    if not template_permission.may_use(ctx, image, access.row(ctx, ACCOUNT, row["account_id"])):
        raise InvalidValue(f"the owner of the virtual machine may not use ISO {image['name']}")
    places = places_of(ctx, image["id"])
    if not any(place["zone_id"] == row["zone_id"] and place["state"] == READY for place in places):
        raise InvalidValue(f"ISO {image['name']} is not ready in the zone of the virtual machine")
    if row["hypervisor"] != HYPERVISOR and vm_image.iso(ctx, image["id"], row["zone_id"])["path"] is None:
        raise InvalidValue(
            f"ISO {image['name']} lies on a simulated image store: hosts of {row['hypervisor']} need a file"
        )
    if row["iso_id"] is not None and not forced:
        raise InvalidValue("there is an ISO in the virtual machine's drive: detach it, or say forced")


def _host(ctx: Context, row: Row) -> Plain:
    """What a host needs to know, where the machine runs on one."""
    if row["state"] != "Running":
        return {}
    return {"host": vm_plain.address_of(ctx, row["host_id"]), "uuid": row["uuid"], "name": row["instance_name"]}


def _attaching(ctx: Context, vm_id: int, iso_id: int, forced: bool) -> Plain:
    row, image = access.alive(ctx, VIRTUAL_MACHINE, vm_id), access.alive(ctx, TEMPLATE, iso_id)
    _check(ctx, row, image, forced)
    plan = _host(ctx, row)
    return {**plan, "iso": vm_image.iso(ctx, iso_id, row["zone_id"])} if plan else {}


def _attached(ctx: Context, vm_id: int, iso_id: int) -> Plain:
    access.alive(ctx, TEMPLATE, iso_id)
    ctx.tx.update(vm, {"id": vm_id}, iso_id=iso_id, updated=ctx.now)
    return vm_plain.result(ctx, vm_id)


def _detaching(ctx: Context, vm_id: int) -> Plain:
    row = access.alive(ctx, VIRTUAL_MACHINE, vm_id)
    _check_out(row)
    return _host(ctx, row)


def _detached(ctx: Context, vm_id: int) -> Plain:
    ctx.tx.update(vm, {"id": vm_id}, iso_id=None, updated=ctx.now)
    return vm_plain.result(ctx, vm_id)


async def _change(wf: Workflow[Context], plan: Plain, step: str, iso: Plain | None, forced: bool) -> None:
    command = AttachIso(wf.command_id(step), plan["uuid"], plan["name"], IsoSpec(**iso) if iso else None, forced)
    await wf.call(vm_plain.host_address(plan["host"]), command)


@workflow("virtualmachine.attachiso")
async def run_attach(wf: Workflow[Context], vm_id: int, iso_id: int, forced: bool = False) -> None:
    """Puts an ISO into a machine's drive; one that was deleted meanwhile is taken out again."""
    plan = await wf.step("attaching", _attaching, vm_id, iso_id, forced)
    if plan:
        await _change(wf, plan, "attach", plan["iso"], forced)
    try:
        await wf.finish(_attached, vm_id, iso_id)
    except ResourceUnavailable:
        if plan:
            await _change(wf, plan, "take-out", None, True)
        raise


@workflow("virtualmachine.detachiso")
async def run_detach(wf: Workflow[Context], vm_id: int, forced: bool = False) -> None:
    """Takes what is in a machine's drive out."""
    plan = await wf.step("detaching", _detaching, vm_id)
    if plan:
        await _change(wf, plan, "detach", None, forced)
    await wf.finish(_detached, vm_id)


__all__ = ["attach", "detach"]
