"""What all that is asked of volumes shares: locks, states, offerings, sizes, and jobs.

A volume's jobs are ordered by the lock of the machine that has it, and by its own where none has. Which one that is may
change between asking and doing, so every job looks again (`held`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam

from cloudsim.core import states
from cloudsim.core.errors import InvalidValue, OperationFailed, PermissionDenied, ResourceUnavailable
from cloudsim.db import schema
from cloudsim.db import volume as db
from cloudsim.db.database import Row
from cloudsim.jobs.job import Order
from cloudsim.services import access, resource, snapshot_policy, usage
from cloudsim.services.context import Context
from cloudsim.services.nouns import ACCOUNT, DISK_OFFERING, DOMAIN, HOST, VIRTUAL_MACHINE, VOLUME
from cloudsim.services.placement import tags
from cloudsim.services.virtualmachine import GIB

table = schema.volume
#: Nothing is being done with it.
AT_REST = ("Allocated", "Ready")

_UNTAG = schema.tag.delete().where(
    schema.tag.c.resource_type == "Volume", schema.tag.c.resource_id == bindparam("row_id")
)
_NO_DETAILS = schema.detail.delete().where(
    schema.detail.c.resource_type == "Volume", schema.detail.c.resource_id == bindparam("row_id")
)


# -- jobs and states


def lock(row: Row, machine: Row | None) -> str:
    """The lock that orders the jobs of a volume."""
    return f"vm:{machine['uuid']}" if machine is not None else f"volume:{row['uuid']}"


def machine_with(ctx: Context, row: Row) -> Row | None:
    """The machine that has a volume."""
    return access.row(ctx, VIRTUAL_MACHINE, row["vm_id"]) if row["vm_id"] is not None else None


def order(
    ctx: Context,
    row: Row,
    workflow: str,
    event: str,
    text: str,
    arguments: Mapping[str, Any] | None = None,
    *,
    machine: Row | None = None,
) -> str:
    """Starts a workflow of a volume, behind the others of its `machine` or of its own; answers the job's uuid."""
    return ctx.submit(
        Order(
            command=ctx.command,
            workflow=workflow,
            arguments={"volume_id": row["id"], **(arguments or {})},
            instance_type="Volume",
            instance_uuid=row["uuid"],
            lock=lock(row, machine),
            event=event,
            event_text=f"{text} volume {row['name']}",
            account_id=row["account_id"],
            domain_id=row["domain_id"],
        )
    )


def alive(ctx: Context, volume_id: int) -> Row:
    """A volume that is there, with its pool. Raises `ResourceUnavailable`."""
    found = db.one(ctx.tx, volume_id)
    if found is None or found["removed"] is not None:
        raise ResourceUnavailable("the volume was removed meanwhile")
    return found


def full(ctx: Context, row: Row) -> Row:
    """A volume that was looked up, with its pool."""
    return alive(ctx, row["id"])


def held(ctx: Context, volume_id: int, vm_id: int | None) -> Row:
    """A volume that a machine still has (None: none has it), as it was when the job was asked for."""
    row = alive(ctx, volume_id)
    if row["vm_id"] != vm_id:
        raise InvalidValue(f"volume {row['name']} was {'attached' if row['vm_id'] else 'detached'} meanwhile")
    return row


def move(ctx: Context, row: Row, event: str, **values: Any) -> Row:
    """Takes a volume to the state after `event`. Raises `IllegalTransition`, `OperationFailed`."""
    return write(ctx, row, state=states.volume.next(row["state"], event), **values)


def write(ctx: Context, row: Row, **values: Any) -> Row:
    """Changes columns, unless somebody else changed the volume first. Raises `OperationFailed`."""
    changed = {"update_count": row["update_count"] + 1, "updated": ctx.now, **values}
    if ctx.tx.update(table, {"id": row["id"], "update_count": row["update_count"]}, **changed) != 1:
        raise OperationFailed(f"volume {row['uuid']} was changed by someone else meanwhile")
    return {**row, **changed}


def result(ctx: Context, volume_id: int) -> dict[str, Any]:
    """What jobs of a volume end with."""
    return {"volume": ctx.present("volume", volume_id)[0]}


def must_rest(row: Row, what: str) -> None:
    """Raises `InvalidValue` where something is being done with a volume, or it is destroyed.

    `ResourceUnavailable` while it is put right after a host did not answer.
    """
    if row["state"] not in AT_REST:
        raise InvalidValue(f"volume {row['name']} is in state {row['state']}: {what}")
    if row["target_pool_id"] is not None or row["resizing"] is not None:
        raise ResourceUnavailable(
            f"a host did not answer when volume {row['name']} was to be moved or resized: {what} before it does"
        )


def refuse_in_doubt(ctx: Context, row: Row) -> None:
    """Raises `ResourceUnavailable` while a host that did not answer may have it with another machine."""
    doubt = row["doubt_vm_id"]
    if doubt is not None and doubt != row["vm_id"]:
        name = access.row(ctx, VIRTUAL_MACHINE, doubt)["instance_name"]
        raise ResourceUnavailable(
            f"virtual machine {name} may still have volume {row['name']}: its host did not answer, and is asked again"
        )


def doubtful_host(ctx: Context, machine: Row) -> Row | None:
    """The host that a stopped machine may still run on, because it did not answer; None: it runs nowhere."""
    if machine["state"] == "Stopped" and machine["power_state"] == "PowerUnknown" and machine["power_host_id"]:
        host = access.row(ctx, HOST, machine["power_host_id"])
        if (host["fenced"] or 0) < (machine["power_time"] or 0):
            return host
    return None


def refuse_unknown_power(ctx: Context, machine: Row) -> None:
    """Raises `ResourceUnavailable` where a stopped machine may still run on a host that did not answer."""
    host = doubtful_host(ctx, machine)
    if host is not None:
        raise ResourceUnavailable(
            f"the virtual machine may still run on host {host['name']}, which does not answer: its disks stay"
        )


# -- offerings, sizes, limits


def check_offering(ctx: Context, offering: Row, account: Row, zone: Row) -> None:
    """Raises `InvalidValue`, `PermissionDenied` where an account cannot have volumes of a disk offering in a zone."""
    if offering["compute_only"]:
        raise InvalidValue(f"disk offering {offering['name']} belongs to a service offering")
    if offering["state"] != "Active":
        raise InvalidValue(f"disk offering {offering['name']} is {offering['state']}")
    if offering["zone_ids"] and zone["uuid"] not in offering["zone_ids"]:
        raise InvalidValue(f"disk offering {offering['name']} is not available in zone {zone['name']}")
    if offering["storage_type"] == "local" and not zone["local_storage"]:
        raise InvalidValue(f"zone {zone['name']} has no local storage, which disk offering {offering['name']} asks for")
    if offering["domain_ids"]:
        own = access.domain_path(ctx, account["domain_id"])
        among = [ctx.tx.first(DOMAIN.by_uuid, uuid=uuid) for uuid in offering["domain_ids"]]
        if not any(found is not None and own.startswith(found["path"]) for found in among):
            raise PermissionDenied(
                f"disk offering {offering['name']} may not be used in the domain of account {account['name']}"
            )


def size_of(ctx: Context, offering: Row, gib: int | None) -> int:
    """The bytes of a volume of an offering; `gib` where the user chooses. Raises `InvalidValue`."""
    if not offering["customized"]:
        if gib is not None and gib * GIB != offering["size"]:
            raise InvalidValue(f"disk offering {offering['name']} sets the size: leave size out")
        return check_size(ctx, int(offering["size"]))
    if gib is None:
        raise InvalidValue(f"disk offering {offering['name']} is custom: give a size in GiB")
    least = ctx.settings.number("custom.diskoffering.size.min") or 1
    most = ctx.settings.number("custom.diskoffering.size.max") or 1024
    if not least <= gib <= most:
        raise InvalidValue(f"the size of a custom disk must be between {least} and {most} GiB")
    return check_size(ctx, gib * GIB)


def check_size(ctx: Context, size: int) -> int:
    """That size. Raises `InvalidValue` where no volume may be so large."""
    most = ctx.settings.number("storage.max.volume.size") or 2000
    if not 0 < size <= most * GIB:
        raise InvalidValue(f"a volume has between 1 and {most} GiB (setting storage.max.volume.size)")
    return size


def iops_of(offering: Row, least: int | None, most: int | None) -> tuple[int | None, int | None]:
    """The operations a second of a volume: the offering's, or the user's where it leaves them open. `InvalidValue`."""
    if not offering["customized_iops"]:
        if least is not None or most is not None:
            raise InvalidValue(
                f"disk offering {offering['name']} sets the operations a second: leave miniops and maxiops out"
            )
        return offering["min_iops"], offering["max_iops"]
    if least is None and most is None:
        return 0, 0
    if most is None or most <= 0:
        raise InvalidValue("maxiops must be above 0")
    least = most if least is None else least
    if not 0 <= least <= most:
        raise InvalidValue("miniops is between 0 and maxiops")
    return least, most


def check_limits(ctx: Context, account_id: int, offering: Row | None, *, volumes: int = 0, size: int = 0) -> None:
    """Raises `LimitReached` where an account may not have so many volumes, or bytes of storage, more."""
    account = access.row(ctx, ACCOUNT, account_id)
    names = sorted(tags(offering["tags"])) if offering is not None else []
    resource.check(ctx, account, {"volume": volumes, "primarystorage": size}, tags={"storage": names})


def offering_of(ctx: Context, row: Row) -> Row | None:
    """The disk offering of a volume."""
    return access.row(ctx, DISK_OFFERING, row["disk_offering_id"]) if row["disk_offering_id"] else None


def change_offering(ctx: Context, row: Row, offering: Row) -> Row:
    """Gives a volume another disk offering; it keeps its size, and the operations a second that the user chose."""
    values: dict[str, Any] = {"disk_offering_id": offering["id"], "provisioning": offering["provisioning"]}
    if not offering["customized_iops"]:
        values |= {"min_iops": offering["min_iops"], "max_iops": offering["max_iops"]}
    row = write(ctx, row, **values)
    usage.end(ctx, "volume", row["id"])
    begin_usage(ctx, row)
    return row


# -- coming and going


def insert(ctx: Context, account: Row, zone_id: int, name: str, size: int, **values: Any) -> Row:
    """Stores a volume (Allocated, a data disk, nowhere) and answers it."""
    row_id = ctx.tx.insert(
        table,
        {
            "uuid": ctx.uuid(),
            "created": ctx.now,
            "removed": None,
            "name": name,
            "account_id": account["id"],
            "domain_id": account["domain_id"],
            "zone_id": zone_id,
            "pool_id": None,
            "vm_id": None,
            "type": "DATADISK",
            "device_id": None,
            "size": size,
            "path": None,
            "template_id": None,
            "disk_offering_id": None,
            "service_offering_id": None,
            "state": "Allocated",
            "update_count": 0,
            "provisioning": "thin",
            "display": True,
            "is_system": False,
            "delete_protection": False,
            "min_iops": None,
            "max_iops": None,
            "attached": None,
            "updated": ctx.now,
            "destroyed": None,
            **values,
        },
    )
    row = access.row(ctx, VOLUME, row_id)
    begin_usage(ctx, row)
    return row


def begin_usage(ctx: Context, row: Row) -> None:
    """A volume is somebody's from now on, as large as it is."""
    usage.begin(
        ctx,
        usage.VOLUME,
        "volume",
        row,
        offering_id=row["disk_offering_id"],
        template_id=row["template_id"],
        vm_id=row["vm_id"],
        size=row["size"],
    )


def forget(ctx: Context, row: Row) -> None:
    """What goes with a volume that is gone for good."""
    usage.end(ctx, "volume", row["id"])
    snapshot_policy.volume_gone(ctx, row["id"])
    ctx.tx.execute(_UNTAG, row_id=row["id"])
    ctx.tx.execute(_NO_DETAILS, row_id=row["id"])
