"""Volumes that are looked into: handed out under a URL, or checked and repaired."""

from __future__ import annotations

from cloudsim.agents.base import CheckVolume, CommandFailed, HostUnreachable
from cloudsim.core.errors import AgentTimeout, InvalidValue, OperationFailed, PermissionDenied
from cloudsim.db import volume as db
from cloudsim.db.database import Row
from cloudsim.jobs.workflow import Workflow, single, workflow
from cloudsim.services import access, extract, volume_orders
from cloudsim.services.context import Context
from cloudsim.services.nouns import TEMPLATE, ZONE
from cloudsim.services.snapshot_workflows import reaching
from cloudsim.services.vm_plain import Plain, host_address
from cloudsim.services.volume_orders import machine_with


def _unused(ctx: Context, row: Row, what: str) -> None:
    """Raises `InvalidValue` where something uses a volume, or it holds nothing; `ResourceUnavailable` in doubt."""
    volume_orders.must_rest(row, what)
    if row["path"] is None:
        raise InvalidValue(f"volume {row['name']} holds nothing yet")
    volume_orders.refuse_in_doubt(ctx, row)
    machine = machine_with(ctx, row)
    if machine is not None and machine["state"] != "Stopped":
        raise InvalidValue(f"volume {row['name']} is used by a virtual machine: stop it, or detach the volume")
    if machine is not None:
        volume_orders.refuse_unknown_power(ctx, machine)


# -- extract


def order(ctx: Context, row: Row, zone: Row, mode: str, url: str | None) -> str:
    """Orders a URL that a volume can be fetched from; answers the job's uuid.

    Raises `InvalidValue`, `PermissionDenied`, `ResourceUnavailable`.
    """
    extract.check(ctx, mode, url)
    if row["zone_id"] != zone["id"]:
        raise InvalidValue(f"volume {row['name']} is not in zone {zone['name']}")
    if row["type"] == "ROOT" and row["template_id"] is not None and not ctx.caller.is_admin:
        template = access.row(ctx, TEMPLATE, row["template_id"])
        if not template["is_extractable"]:
            raise PermissionDenied(f"template {template['name']} of the volume is not extractable")
    _unused(ctx, row, "it cannot be fetched")
    machine = machine_with(ctx, row)
    return volume_orders.order(ctx, row, "volume.extract", "VOLUME.EXTRACT", "handing out", machine=machine)


def _extracted(ctx: Context, volume_id: int) -> Plain:
    row = volume_orders.alive(ctx, volume_id)
    _unused(ctx, row, "it cannot be fetched")
    url = extract.url_for(ctx, "Volume", row, row["zone_id"], "qcow2")
    return {"volume": extract.answer(ctx, "Volume", row, access.row(ctx, ZONE, row["zone_id"]), url, "primary")}


single("volume.extract", _extracted)


@extract.serves("Volume")
def _file(ctx: Context, volume_id: int, _zone_id: int | None) -> extract.Served | None:
    """Nothing of a volume that is gone, or that a machine writes to by now."""
    row = db.one(ctx.tx, volume_id)
    if row is None or row["removed"] is not None or row["state"] != "Ready" or row["path"] is None:
        return None
    machine = machine_with(ctx, row)
    if machine is not None and machine["state"] != "Stopped":
        return None
    hypervisor = machine["hypervisor"] if machine is not None else row["pool_hypervisor"] or ""
    for driver in ctx.cloud.agents.drivers:
        path = driver.file_of(row["pool_uuid"], row["path"])
        if path is not None and hypervisor in ("", "Any", *driver.hypervisors) and path.is_file():
            return extract.Served(f"{row['name']}.qcow2", row["size"], path=path)
    return extract.Served(f"{row['name']}.qcow2", row["size"], text=f"volume {row['uuid']}\n")


# -- check


def check(ctx: Context, row: Row, repair: str | None) -> str:
    """Orders that a volume is checked, and mended as `repair` (leaks or all) says; answers the job's uuid.

    Raises `InvalidValue`, `ResourceUnavailable`.
    """
    _unused(ctx, row, "it is not checked now")
    arguments = {"vm_id": row["vm_id"], "repair": repair}
    machine = machine_with(ctx, row)
    return volume_orders.order(ctx, row, "volume.check", "VOLUME.CHECK", "checking", arguments, machine=machine)


def _look(ctx: Context, volume_id: int, vm_id: int | None) -> Plain:
    row = volume_orders.held(ctx, volume_id, vm_id)
    _unused(ctx, row, "it is not checked now")
    return {"host": reaching(ctx, row["pool_id"]), "volume": [row["uuid"], row["path"], row["pool_uuid"]]}


def _checked(ctx: Context, volume_id: int, found: Plain) -> Plain:
    made = volume_orders.result(ctx, volume_id)
    made["volume"]["volumecheckresult"] = found["check"]
    if found["repair"]:
        made["volume"]["volumerepairresult"] = found["repair"]
    return made


@workflow("volume.check")
async def run(wf: Workflow[Context], volume_id: int, vm_id: int | None, repair: str | None = None) -> None:
    """Has a host look whether a volume is whole."""
    plan = await wf.step("look", _look, volume_id, vm_id)
    uuid, path, pool = plan["volume"]
    command = CheckVolume(wf.command_id("check"), uuid, path, pool, repair)
    try:
        found = await wf.call(host_address(plan["host"]), command)
    except CommandFailed as error:
        raise OperationFailed(f"host {plan['host']['name']}: {error}") from None
    except HostUnreachable as error:
        raise AgentTimeout(f"host {plan['host']['name']}: {error}") from None
    await wf.finish(_checked, volume_id, found)
