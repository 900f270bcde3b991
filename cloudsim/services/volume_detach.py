"""Detaching volumes from machines: in the database alone where the machine is stopped.

Where nobody knows whether a host did it, the volume stays attached and is in doubt, see `volume_attach`.
"""

from __future__ import annotations

from cloudsim.agents.base import CommandFailed, DetachVolume, HostUnreachable
from cloudsim.core.errors import AgentTimeout, CloudError, InvalidValue, OperationFailed
from cloudsim.db import volume as db
from cloudsim.db.database import Row
from cloudsim.jobs.workflow import Workflow, workflow
from cloudsim.services import access, vmsnapshot, volume_orders
from cloudsim.services.context import Context
from cloudsim.services.nouns import VIRTUAL_MACHINE, VOLUME
from cloudsim.services.vm_plain import Plain, address_of, host_address
from cloudsim.services.volume_orders import held, write


def find(ctx: Context, row: Row | None, machine: Row | None, device: int | None) -> Row:
    """The volume that is meant: by its id, or as a disk of a machine. Raises `InvalidValue`."""
    if row is not None:
        if device is not None or machine is not None:
            raise InvalidValue("give id, or virtualmachineid with deviceid")
        return row
    if machine is None or device is None:
        raise InvalidValue("say which volume: id, or virtualmachineid with deviceid")
    found = db.at(ctx.tx, machine["id"], device)
    if found is None:
        raise InvalidValue(f"the virtual machine has no disk {device}")
    return access.row(ctx, VOLUME, found)


def detach(ctx: Context, row: Row) -> str:
    """Orders that a machine gives a volume back; answers the job's uuid. Raises `InvalidValue`, `ResourceUnavailable`."""
    machine = _check_detach(ctx, row)
    arguments = {"vm_id": machine["id"]}
    return volume_orders.order(ctx, row, "volume.detach", "VOLUME.DETACH", "detaching", arguments, machine=machine)


def _check_detach(ctx: Context, row: Row) -> Row:
    """The machine. Raises what `detach` raises."""
    if row["vm_id"] is None:
        raise InvalidValue(f"volume {row['name']} is not attached to a virtual machine")
    machine = access.row(ctx, VIRTUAL_MACHINE, row["vm_id"])
    if row["is_system"] or machine["type"] != "User":
        raise InvalidValue(f"volume {row['name']} is of one of the cloud's own virtual machines")
    volume_orders.must_rest(row, "it is not detached now")
    if machine["state"] not in ("Running", "Stopped"):
        raise InvalidValue(
            f"a virtual machine in state {machine['state']} keeps its volumes: it must run or be stopped"
        )
    if row["type"] == "ROOT" and machine["state"] != "Stopped":
        raise InvalidValue("a root disk is detached from a stopped virtual machine only")
    vmsnapshot.refuse_while_any(ctx, machine["id"], "no volume is detached from it")
    volume_orders.refuse_unknown_power(ctx, machine)
    if machine["state"] == "Running" and DetachVolume not in ctx.cloud.agents.driver(machine["hypervisor"]).verbs:
        raise InvalidValue(
            f"hosts of hypervisor {machine['hypervisor']} detach no volumes from running virtual machines"
        )
    return machine


def _detaching(ctx: Context, volume_id: int, vm_id: int) -> Plain:
    row = held(ctx, volume_id, vm_id)
    machine = _check_detach(ctx, row)
    if machine["state"] == "Stopped":
        return {}
    return {
        "host": address_of(ctx, machine["host_id"]),
        "machine": [machine["uuid"], machine["instance_name"]],
        "disk": [row["uuid"], row["path"], row["pool_uuid"]],
    }


def _detached(ctx: Context, volume_id: int, vm_id: int) -> Plain:
    row = held(ctx, volume_id, vm_id)
    # a root disk is a disk like others once nobody boots from it
    write(ctx, row, vm_id=None, device_id=None, attached=None, type="DATADISK", doubt_vm_id=None)
    return volume_orders.result(ctx, volume_id)


def _not_detached(ctx: Context, error: CloudError, volume_id: int, vm_id: int) -> None:
    row = ctx.tx.first(VOLUME.by_id, row_id=volume_id)
    if isinstance(error, AgentTimeout) and row is not None and row["vm_id"] == vm_id:
        write(ctx, row, doubt_vm_id=vm_id)


@workflow("volume.detach", failed=_not_detached)
async def run(wf: Workflow[Context], volume_id: int, vm_id: int) -> None:
    """Detaches a volume from its machine."""
    plan = await wf.step("detaching", _detaching, volume_id, vm_id)
    if plan:
        uuid, name = plan["machine"]
        command = DetachVolume(wf.command_id("detach"), uuid, name, *plan["disk"])
        try:
            await wf.call(host_address(plan["host"]), command)
        except CommandFailed as error:
            raise OperationFailed(f"host {plan['host']['name']}: {error}") from None
        except HostUnreachable as error:
            raise AgentTimeout(f"host {plan['host']['name']}: {error}") from None
    await wf.finish(_detached, volume_id, vm_id)
