"""Attaching volumes to machines, and detaching them: in the database alone where the machine is stopped.

A volume that lies nowhere yet gets a place on storage that the machine's host reaches; one that lies out of reach is
moved there first, unless it is on local storage. From the first step of an attaching on the volume counts as the
machine's: nobody else can have it, and its place among the machine's disks is taken.

When nobody knows whether a host did what it was asked (it does not answer), the volume is in *doubt*: what the list says is
made true on the host as soon as it answers (`volume_doubt`), and until then nothing is done with the volume that would be
wrong if the machine had it.
"""

from __future__ import annotations

from typing import Any

from cloudsim.agents.base import (
    AttachVolume,
    CommandFailed,
    CreateVolume,
    DetachVolume,
    DiskSpec,
    HostUnreachable,
    MigrateVolume,
)
from cloudsim.core.errors import (
    AgentTimeout,
    CloudError,
    InvalidValue,
    OperationFailed,
    PermissionDenied,
    ResourceUnavailable,
)
from cloudsim.db import virtualmachine as vm_db
from cloudsim.db import volume as db
from cloudsim.db.database import Row
from cloudsim.db.placement import allocate
from cloudsim.jobs.workflow import Workflow, workflow
from cloudsim.services import access, hypervisor, vmsnapshot, volume_orders, volume_place
from cloudsim.services.context import Context
from cloudsim.services.nouns import HOST, VIRTUAL_MACHINE, VOLUME
from cloudsim.services.vm_disks import MOST_DATA_DISKS
from cloudsim.services.vm_plain import Plain, address_of, host_address, host_for_pool
from cloudsim.services.volume_orders import alive, held, move, write

#: The place among a machine's disks that its CD-ROM drive has.
_CDROM = 3
_HELD = "it is neither attached nor detached now"


# -- attach


def attach(ctx: Context, row: Row, machine: Row, device: int | None) -> str:
    """Orders that a machine gets a volume, as its disk number `device` or as any; answers the job's uuid.

    Raises `InvalidValue`, `PermissionDenied`, `ResourceUnavailable`.
    """
    check(ctx, volume_orders.full(ctx, row), machine, device)
    arguments = {"vm_id": machine["id"], "device": device}
    return volume_orders.order(ctx, row, "volume.attach", "VOLUME.ATTACH", "attaching", arguments, machine=machine)


def check(ctx: Context, row: Row, machine: Row, device: int | None) -> int:
    """The number that the disk gets. Raises what `attach` raises."""
    if machine["state"] not in ("Running", "Stopped"):
        raise InvalidValue(f"a virtual machine in state {machine['state']} gets no volumes: it must run or be stopped")
    if row["vm_id"] is not None:
        raise InvalidValue(f"volume {row['name']} is attached to a virtual machine already")
    volume_orders.must_rest(row, _HELD)
    if row["type"] != "DATADISK":
        raise InvalidValue(f"volume {row['name']} is of type {row['type']}: only data disks are attached")
    if row["zone_id"] != machine["zone_id"]:
        raise InvalidValue(f"volume {row['name']} is in another zone than the virtual machine")
    if row["account_id"] != machine["account_id"]:
        raise PermissionDenied(f"volume {row['name']} and the virtual machine belong to different accounts")
    vmsnapshot.refuse_while_any(ctx, machine["id"], "no volume is attached to it")
    volume_orders.refuse_unknown_power(ctx, machine)
    volume_orders.refuse_in_doubt(ctx, row)
    if row["pool_id"] is not None:
        volume_place.check_pool(machine, row)
    if machine["state"] == "Running" and AttachVolume not in ctx.cloud.agents.driver(machine["hypervisor"]).verbs:
        raise InvalidValue(f"hosts of hypervisor {machine['hypervisor']} attach no volumes to running virtual machines")
    return _device(ctx, row, machine, device)


def most_disks(ctx: Context, machine: Row) -> int:
    """How many data disks a machine may have: what the hypervisor of its host takes."""
    host_id = machine["host_id"] or machine["last_host_id"]
    version = access.row(ctx, HOST, host_id)["hypervisor_version"] if host_id is not None else None
    return hypervisor.limit(ctx, "maxdatavolumeslimit", machine["hypervisor"], version) or MOST_DATA_DISKS


def _device(ctx: Context, row: Row, machine: Row, device: int | None) -> int:
    disks = vm_db.volumes_of(ctx.tx, machine["id"])
    taken = {disk["device_id"] for disk in disks}
    if device == 0:
        if 0 in taken:
            raise InvalidValue("the virtual machine has a root disk already")
        if machine["state"] != "Stopped":
            raise InvalidValue("a root disk is attached to a stopped virtual machine")
        if row["pool_id"] is None:
            raise InvalidValue(f"volume {row['name']} holds nothing yet: it cannot be a root disk")
        return 0
    most = most_disks(ctx, machine)
    if sum(disk["type"] == "DATADISK" for disk in disks) >= most:
        raise InvalidValue(f"a virtual machine may have up to {most} data disks (see listHypervisorCapabilities)")
    last = most + 1  # the root disk and the CD-ROM drive have places as well
    if device is None:
        free = (number for number in range(1, last + 1) if number != _CDROM and number not in taken)
        found = next(free, None)
        if found is None:
            raise InvalidValue("the virtual machine has no place left for a disk")
        return found
    if not 0 < device <= last or device == _CDROM:
        raise InvalidValue(f"deviceid is 0 (the root disk), or 1 to {last} without {_CDROM}")
    if device in taken:
        raise InvalidValue(f"the virtual machine has a disk {device} already")
    return device


def _attaching(ctx: Context, volume_id: int, vm_id: int, device: int | None) -> Plain:
    """Makes the volume the machine's; answers what hosts have to do for that."""
    row, machine = alive(ctx, volume_id), access.alive(ctx, VIRTUAL_MACHINE, vm_id)
    number = check(ctx, row, machine, device)
    runs = machine["state"] == "Running"
    own: Plain = {"vm_id": vm_id, "device_id": number}
    if number == 0:
        own["type"] = "ROOT"
    disks = vm_db.volumes_of(ctx.tx, vm_id)
    plan: Plain = {}
    if row["path"] is None:
        if not volume_place.placed(disks) and not runs:
            write(ctx, row, attached=ctx.now, **own)  # it comes into being at the machine's first start
            return {}
        plan["create"] = _place(ctx, machine, row, own)
    elif not volume_place.within_reach(ctx, machine, row):
        plan["migrate"] = _approach(ctx, machine, row, own)
    elif not runs:
        write(ctx, row, attached=ctx.now, **own)
        return {}
    else:
        move(ctx, row, "AttachRequested", **own)
    plan["disk"] = {"uuid": row["uuid"], "path": row["path"], "pool": row["pool_uuid"], "size": row["size"]}
    plan["disk"]["device"] = number
    if runs:
        plan["host"] = address_of(ctx, machine["host_id"])
        plan["machine"] = [machine["uuid"], machine["instance_name"]]
    return plan


def _place(ctx: Context, machine: Row, row: Row, own: Plain) -> Plain:
    """Takes room for a volume that lies nowhere yet."""
    if row["pool_id"] is not None:  # an earlier try may have made it there
        if not volume_place.within_reach(ctx, machine, row):
            raise ResourceUnavailable(
                f"volume {row['name']} may lie in storage pool {row['pool_name']}, which the virtual machine does not reach"
            )
        pool_id, pool_uuid = row["pool_id"], row["pool_uuid"]
        move(ctx, row, "CreateRequested", **own)
    else:
        pool = volume_place.pool_for(ctx, machine, row)
        pool_id, pool_uuid = pool.id, pool.uuid
        allocate(ctx.tx, pool_id, row["size"])
        move(ctx, row, "CreateRequested", pool_id=pool_id, **own)
    host_id = machine["host_id"] or _reaching(ctx, pool_id, row)
    return {"host": address_of(ctx, host_id), "pool": pool_uuid, "name": row["name"], "template": row["template_uuid"]}


def _approach(ctx: Context, machine: Row, row: Row, own: Plain) -> Plain:
    """Takes room for a volume where the machine reaches it."""
    if row["pool_scope"] == "HOST":
        raise InvalidValue(f"volume {row['name']} lies on local storage of another host: it cannot be moved from there")
    if not ctx.settings.flag("enable.storage.migration"):
        raise InvalidValue(
            f"the virtual machine does not reach the storage of volume {row['name']}, and no volume is moved here "
            "(setting enable.storage.migration)"
        )
    host = _reaching(ctx, row["pool_id"], row)
    pool = volume_place.pool_for(ctx, machine, row)
    allocate(ctx.tx, pool.id, row["size"])
    move(ctx, row, "MigrationRequested", target_pool_id=pool.id, **own)
    return {
        "host": address_of(ctx, host),
        "target": pool.uuid,
        "limit": ctx.settings.number("migratewait") or 3600,
    }


def _reaching(ctx: Context, pool_id: int, row: Row) -> int:
    found = host_for_pool(ctx, pool_id)
    if found is None:
        raise ResourceUnavailable(f"no host that is Up reaches the storage of volume {row['name']}")
    return found


def settle(ctx: Context, volume_id: int, path: str | None, moved: bool, goes_on: bool) -> Row:
    """A volume was made, or moved; `goes_on`: the host of the machine is to get it yet."""
    row = alive(ctx, volume_id)
    values: Plain = {"path": path or row["path"]}
    if moved:
        allocate(ctx.tx, row["pool_id"], -row["size"])
        values |= {"pool_id": row["target_pool_id"], "target_pool_id": None}
    row = move(ctx, row, "OperationSucceeded", **values)
    if goes_on:
        row = move(ctx, row, "AttachRequested")
    return row


def _made(ctx: Context, volume_id: int, path: str | None, moved: bool) -> Plain:
    settle(ctx, volume_id, path, moved, True)
    row = alive(ctx, volume_id)
    return {"path": row["path"], "pool": row["pool_uuid"]}


def _attached(ctx: Context, volume_id: int, path: str | None = None, moved: bool = False) -> Plain:
    row = alive(ctx, volume_id)
    if row["state"] in ("Creating", "Migrating"):
        row = settle(ctx, volume_id, path, moved, False)
    if row["state"] == "Attaching":
        row = move(ctx, row, "OperationSucceeded", attached=ctx.now)
    elif row["attached"] is None:
        write(ctx, row, attached=ctx.now)
    return volume_orders.result(ctx, volume_id)


def attach_failed(ctx: Context, error: CloudError, volume_id: int, vm_id: int, **_: Any) -> None:
    """The volume is nobody's again, unless it was not this job that made it the machine's."""
    row = ctx.tx.first(VOLUME.by_id, row_id=volume_id)
    if row is None or row["removed"] is not None or row["vm_id"] != vm_id or row["state"] in volume_orders.AT_REST:
        return
    values: Plain = {"vm_id": None, "device_id": None, "attached": None, "type": "DATADISK"}
    unknown = isinstance(error, AgentTimeout)
    if row["state"] == "Migrating":
        if not unknown:
            allocate(ctx.tx, row["target_pool_id"], -row["size"])
            values["target_pool_id"] = None
    elif row["state"] == "Attaching" and unknown:
        values["doubt_vm_id"] = vm_id
    elif row["state"] == "Creating" and not unknown:
        # nothing was made; else it may lie there, so its room stays counted and it is found again
        allocate(ctx.tx, row["pool_id"], -row["size"])
        values["pool_id"] = None
    move(ctx, row, "OperationFailed", **values)


async def run_attach(wf: Workflow[Context], volume_id: int, vm_id: int, device: int | None) -> None:
    """The steps of an attaching, to the job's end."""
    plan = await wf.step("attaching", _attaching, volume_id, vm_id, device)
    if not plan:
        await wf.finish(_attached, volume_id)
        return
    disk = dict(plan["disk"])
    path: str | None = None
    made, moves = plan.get("create"), plan.get("migrate")
    try:
        if made is not None and not wf.done("made"):
            asked = CreateVolume(
                wf.command_id("create"), disk["uuid"], made["name"], made["pool"], disk["size"], made["template"]
            )
            path = (await wf.call(host_address(made["host"]), asked))["path"]
        elif moves is not None and not wf.done("made"):
            going = MigrateVolume(wf.command_id("move"), disk["uuid"], disk["path"], disk["pool"], moves["target"])
            path = (await wf.call(host_address(moves["host"]), going, timeout=moves["limit"])).get("path")
        if "machine" not in plan:
            await wf.finish(_attached, volume_id, path, moves is not None)
            return
        if made is not None or moves is not None:
            disk |= await wf.step("made", _made, volume_id, path, moves is not None)
        uuid, name = plan["machine"]
        spec = DiskSpec(disk["uuid"], disk["path"], disk["pool"], disk["size"], disk["device"], "DATADISK")
        await wf.call(host_address(plan["host"]), AttachVolume(wf.command_id("attach"), uuid, name, spec))
    except CommandFailed as error:
        raise OperationFailed(f"the host refused: {error}") from None
    except HostUnreachable as error:
        raise AgentTimeout(f"the host does not answer: {error}") from None
    await wf.finish(_attached, volume_id)


@workflow("volume.attach", failed=attach_failed)
async def run(wf: Workflow[Context], volume_id: int, vm_id: int, device: int | None = None) -> None:
    """Attaches a volume to a machine."""
    await run_attach(wf, volume_id, vm_id, device)


# -- detach


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
    volume_orders.must_rest(row, _HELD)
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
async def run_detach(wf: Workflow[Context], volume_id: int, vm_id: int) -> None:
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
