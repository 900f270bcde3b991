"""What is asked of a virtual machine that is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cloudsim.core.errors import InvalidValue, PermissionDenied
from cloudsim.db import virtualmachine as db
from cloudsim.db.database import Row
from cloudsim.jobs.job import Order
from cloudsim.services import access, resource, usage
from cloudsim.services.context import Context
from cloudsim.services.nouns import ACCOUNT, SERVICE_OFFERING
from cloudsim.services.virtualmachine import lock, move


def order(
    ctx: Context, row: Row, workflow: str, event: str, text: str, arguments: Mapping[str, Any] | None = None
) -> str:
    """Starts a workflow of a machine, behind the others of the same machine; answers the job's uuid."""
    return ctx.submit(
        Order(
            command=ctx.command,
            workflow=workflow,
            arguments={"vm_id": row["id"], **(arguments or {})},
            instance_type="VirtualMachine",
            instance_uuid=row["uuid"],
            lock=lock(row),
            event=event,
            event_text=f"{text} virtual machine {row['display_name'] or row['name']}",
            account_id=row["account_id"],
            domain_id=row["domain_id"],
        )
    )


def start(
    ctx: Context,
    row: Row,
    *,
    host: Row | None = None,
    cluster: Row | None = None,
    pod: Row | None = None,
    planner: str | None = None,
    consider_last_host: bool | None = None,
    boot_into_setup: bool | None = None,
) -> str:
    """Starts a stopped machine: on `host` or within a place where an admin says so, else where it ran last if it can."""
    arguments: dict[str, Any] = {}
    for name, place in (("host_id", host), ("cluster_id", cluster), ("pod_id", pod)):
        if place is not None:
            arguments[name] = place["id"]
    if planner:
        arguments["planner"] = planner
    if consider_last_host is False:
        arguments["last_host"] = False
    if boot_into_setup:
        arguments["boot_into_setup"] = True
    return order(ctx, row, "virtualmachine.start", "VM.START", "starting", arguments)


def stop(ctx: Context, row: Row, *, forced: bool = False) -> str:
    """Stops a machine: asks the guest and pulls the plug when it does not go; `forced`: pulls the plug at once."""
    if forced and not ctx.caller.is_admin and not ctx.settings.flag("allow.user.force.stop.vm"):
        raise PermissionDenied("users may not force a stop here (setting allow.user.force.stop.vm)")
    return order(ctx, row, "virtualmachine.stop", "VM.STOP", "stopping", {"forced": forced})


def reboot(ctx: Context, row: Row, *, forced: bool = False, boot_into_setup: bool = False) -> str:
    """Restarts the guest where it runs; `forced`: stops and starts the machine.

    With a volatile offering the machine gets a fresh root disk.
    """
    if access.row(ctx, SERVICE_OFFERING, row["service_offering_id"])["is_volatile"]:
        return order(ctx, row, "virtualmachine.restore", "VM.REBOOT", "rebooting", {"reboot": True})
    return order(
        ctx,
        row,
        "virtualmachine.reboot",
        "VM.REBOOT",
        "rebooting",
        {"forced": forced, "boot_into_setup": boot_into_setup},
    )


def must_be_admin(ctx: Context, what: str) -> None:
    """Raises `PermissionDenied` where a user may not `what` (setting ``allow.user.expunge.recover.vm``)."""
    caller = ctx.caller
    if caller.is_admin or caller.is_domain_admin:
        return
    if not ctx.settings.flag("allow.user.expunge.recover.vm", ("Account", caller.account_id)):
        raise PermissionDenied(f"users may not {what} here (setting allow.user.expunge.recover.vm)")


def destroy(ctx: Context, row: Row, *, expunge: bool = False, volumes: Sequence[Row] = ()) -> str:
    """Destroys a machine; its room stays its own until `expunge.delay` is over, or not at all with `expunge`."""
    if row["delete_protection"]:
        raise InvalidValue("the virtual machine is protected from deletion (deleteprotection)")
    if expunge:
        must_be_admin(ctx, "expunge")
    for found in volumes:
        if found["vm_id"] != row["id"] or found["type"] != "DATADISK":
            raise InvalidValue(f"volume {found['uuid']} is not a data disk of this virtual machine")
        if found["delete_protection"]:
            raise InvalidValue(f"volume {found['uuid']} is protected from deletion")
    arguments = {"expunge": expunge, "volume_ids": [found["id"] for found in volumes]}
    return order(ctx, row, "virtualmachine.destroy", "VM.DESTROY", "destroying", arguments)


def expunge(ctx: Context, row: Row) -> str:
    """Removes a destroyed machine for good."""
    must_be_admin(ctx, "expunge")
    if row["state"] not in ("Destroyed", "Expunging", "Error"):
        raise InvalidValue(f"a virtual machine in state {row['state']} must be destroyed before it is expunged")
    return order(ctx, row, "virtualmachine.expunge", "VM.EXPUNGE", "expunging")


def recover(ctx: Context, row: Row) -> None:
    """Takes a destroyed machine back to Stopped."""
    must_be_admin(ctx, "recover")
    if row["state"] != "Destroyed":
        raise InvalidValue(f"only a destroyed virtual machine can be recovered; this one is {row['state']}")
    root = [disk for disk in db.volumes_of(ctx.tx, row["id"]) if disk["type"] == "ROOT"]
    resource.check(
        ctx,
        access.row(ctx, ACCOUNT, row["account_id"]),
        {
            "vm": 1,
            "cpu": row["cpu"],
            "memory": row["memory"],
            "volume": len(root),
            "primarystorage": sum(disk["size"] for disk in root),
        },
    )
    move(ctx, row, "RecoveryRequested", destroyed=None)
    usage.machine(ctx, usage.ALLOCATED_VM, row)
    ctx.event(
        "VM.RECOVER",
        f"virtual machine {row['display_name'] or row['name']} was recovered",
        resource=("VirtualMachine", row["uuid"]),
        account_id=row["account_id"],
        domain_id=row["domain_id"],
    )
