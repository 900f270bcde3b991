"""What happens to network cards, step by step: plugged in and out where their machine runs.

Where nobody knows whether a host heard (`HostUnreachable`), the database has the card as it was before and notes what the
host is to be told (``pending``); that is done again until it is answered (`due`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, select

from cloudsim.agents.base import CommandFailed, PlugNic, UnplugNic
from cloudsim.core import states
from cloudsim.core.errors import CloudError, ResourceUnavailable
from cloudsim.db import schema
from cloudsim.db import virtualmachine as db
from cloudsim.db.database import Row
from cloudsim.jobs.job import Order
from cloudsim.jobs.workflow import Workflow, single, workflow
from cloudsim.services import access, network, nic_orders, nic_secondary, router, securitygroup_member, usage
from cloudsim.services import shared_network as shared
from cloudsim.services.cloud_machine import HYPERVISOR
from cloudsim.services.context import Context
from cloudsim.services.nouns import NETWORK, NIC, VIRTUAL_MACHINE, ZONE
from cloudsim.services.virtualmachine import lock
from cloudsim.services.vm_plain import Plain, address_of, card_of, host_address, living, nic_spec, result

table, vm = schema.nic, schema.vm

_PENDING = (
    select(vm.c.id, vm.c.uuid, vm.c.account_id, vm.c.domain_id, vm.c.state)
    .select_from(table.join(vm, table.c.vm_id == vm.c.id))
    .where(table.c.pending.is_not(None))
    .order_by(vm.c.id)
    .distinct()
)
_PENDING_OF = (
    select(table)
    .where(table.c.vm_id == bindparam("vm_id"), table.c.pending.is_not(None))
    .order_by(table.c.id)
)  # fmt: skip
_REPAIRS = select(schema.job.c.id).where(
    schema.job.c.workflow == "virtualmachine.repairnics",
    schema.job.c.instance_uuid == bindparam("uuid"),
    (schema.job.c.state == "queued") | (schema.job.c.state == "running"),
)


def _machine(ctx: Context, row: Row, card: Row) -> Plain:
    """What a host is told of a card of a machine that it runs."""
    return {
        "host": address_of(ctx, row["host_id"]),
        "uuid": row["uuid"],
        "name": row["instance_name"],
        "nic_id": card["id"],
        "nic": card_of(card, access.row(ctx, ZONE, row["zone_id"])),
    }


def _move(ctx: Context, card: Row, event: str, **values: Any) -> None:
    ctx.tx.update(table, {"id": card["id"]}, state=states.nic.next(card["state"], event), **values)


def _forget(ctx: Context, row: Row, card: Row, pending: str | None = None) -> None:
    """A card is gone, with all its addresses; `pending`: its host may not know yet."""
    nic_secondary.free_all(ctx, card)
    ctx.tx.update(table, {"id": card["id"]}, removed=ctx.now, state="Deallocating", pending=pending)
    usage.end(ctx, "nic", card["id"])
    found = access.row(ctx, NETWORK, card["network_id"])
    if found["guest_type"] == "Shared":
        shared.release(ctx, found["id"], card["ip"])
    securitygroup_member.card_left(ctx, row)


# -- added


def _adding(
    ctx: Context,
    vm_id: int,
    network_id: int,
    ip: str | None,
    mac: str | None,
    dhcp_options: Mapping[str, str],
    waited: list[str] | None = None,
) -> Plain:
    """Makes the card; answers what the host is told, nothing where the machine is stopped.

    Where the machine runs and its new network lacks a router: the jobs to wait for (`routers`), and nothing is made.
    """
    row, found = living(ctx, vm_id), access.alive(ctx, NETWORK, network_id)
    nic_orders.check_new(ctx, row, found, ip, mac)
    runs = row["state"] == "Running"
    if runs:
        found = network.implement(ctx, found)
        jobs = router.require(ctx, found, waited)[0] if row["hypervisor"] == HYPERVISOR else []
        if jobs:
            return {"routers": jobs}
    devices = {card["device_id"] for card in db.nics_of(ctx.tx, vm_id)}
    device = next(number for number in range(len(devices) + 1) if number not in devices)
    state = states.nic.next("Allocated", "ReservationRequested") if runs else "Allocated"
    made = network.add_card(
        ctx, vm_id, found, device, ip=ip, mac=mac, default=not devices, dhcp_options=dhcp_options, state=state
    )
    if not runs:
        securitygroup_member.card_came(ctx, row, found)
    return _machine(ctx, row, access.row(ctx, NIC, made)) if runs else {}


def _added(ctx: Context, vm_id: int, nic_id: int | None) -> Plain:
    row = living(ctx, vm_id)
    if nic_id is not None:
        card = access.row(ctx, NIC, nic_id)
        _move(ctx, card, "OperationCompleted")
        securitygroup_member.card_came(ctx, row, access.row(ctx, NETWORK, card["network_id"]))
    ctx.tx.update(vm, {"id": vm_id}, updated=ctx.now)
    return result(ctx, vm_id)


def _refused(ctx: Context, nic_id: int) -> None:
    """A host said no: the card that is under way is not, and nothing is left to tell."""
    card = access.row(ctx, NIC, nic_id)
    if card["state"] == "Reserving":
        _forget(ctx, access.row(ctx, VIRTUAL_MACHINE, card["vm_id"]), card)
    elif card["state"] == "Releasing":
        _move(ctx, card, "OperationFailed")


def _under_way(ctx: Context, vm_id: int, state: str) -> list[Row]:
    cards = [access.row(ctx, NIC, card["id"]) for card in db.nics_of(ctx.tx, vm_id)]
    return [card for card in cards if card["state"] == state]


def _not_added(ctx: Context, error: CloudError, vm_id: int, **_: Any) -> None:
    for card in _under_way(ctx, vm_id, "Reserving"):  # the host may have it
        _forget(ctx, access.row(ctx, VIRTUAL_MACHINE, vm_id), card, "unplug")


async def _tell(wf: Workflow[Context], plan: Plain, verb: type[PlugNic | UnplugNic]) -> None:
    command = verb(wf.command_id("tell"), plan["uuid"], plan["name"], nic_spec(plan["nic"]))
    try:
        await wf.call(host_address(plan["host"]), command)
    except CommandFailed:
        await wf.step("refused", _refused, plan["nic_id"])
        raise


@workflow("virtualmachine.addnic", failed=_not_added)
async def _add(wf: Workflow[Context], vm_id: int, network_id: int, **wanted: Any) -> None:
    plan = await wf.step("card", _adding, vm_id, network_id, **wanted)
    turn = 0
    while "routers" in plan:
        turn += 1
        if turn > router.TURNS:
            raise ResourceUnavailable(router.GONE)
        await wf.ended(plan["routers"])
        plan = await wf.step(f"card-{turn}", _adding, vm_id, network_id, **wanted, waited=plan["routers"])
    if plan:
        await _tell(wf, plan, PlugNic)
    await wf.finish(_added, vm_id, plan.get("nic_id"))


# -- removed


def _removing(ctx: Context, vm_id: int, nic_id: int) -> Plain:
    row, card = living(ctx, vm_id), access.alive(ctx, NIC, nic_id)
    nic_orders.check_removal(ctx, row, card)
    if row["state"] != "Running":
        return {}
    _move(ctx, card, "ReleaseRequested")
    return _machine(ctx, row, card)


def _removed(ctx: Context, vm_id: int, nic_id: int) -> Plain:
    _forget(ctx, living(ctx, vm_id), access.alive(ctx, NIC, nic_id))
    ctx.tx.update(vm, {"id": vm_id}, updated=ctx.now)
    return result(ctx, vm_id)


def _not_removed(ctx: Context, error: CloudError, vm_id: int, **_: Any) -> None:
    for card in _under_way(ctx, vm_id, "Releasing"):  # the host may have it no more
        _move(ctx, card, "OperationFailed", pending="plug")


@workflow("virtualmachine.removenic", failed=_not_removed)
async def _remove(wf: Workflow[Context], vm_id: int, nic_id: int) -> None:
    plan = await wf.step("releasing", _removing, vm_id, nic_id)
    if plan:
        await _tell(wf, plan, UnplugNic)
    await wf.finish(_removed, vm_id, nic_id)


# -- told again


def due(ctx: Context) -> int:
    """Orders that hosts are told again of cards that they may not have heard of; answers of how many machines."""
    ordered = 0
    for row in ctx.tx.all(_PENDING):
        if row["state"] == "Running" and ctx.tx.scalar(_REPAIRS, uuid=row["uuid"]) is None:
            ctx.submit(
                Order(
                    command="addNicToVirtualMachine",
                    workflow="virtualmachine.repairnics",
                    arguments={"vm_id": row["id"]},
                    instance_type="VirtualMachine",
                    instance_uuid=row["uuid"],
                    lock=lock(row),
                    account_id=row["account_id"],
                    domain_id=row["domain_id"],
                )
            )
            ordered += 1
        elif row["state"] not in ("Running", "Starting", "Stopping", "Migrating"):
            _told(ctx, row["id"], None)  # its next start says it all
    return ordered


def _repairing(ctx: Context, vm_id: int) -> list[Plain]:
    row = ctx.tx.first(VIRTUAL_MACHINE.by_id, row_id=vm_id)
    if row is None or row["removed"] is not None or row["state"] != "Running":
        return []
    cards = ctx.tx.all(_PENDING_OF, vm_id=vm_id)
    return [{**_machine(ctx, row, card), "plug": card["pending"] == "plug"} for card in cards]


def _told(ctx: Context, vm_id: int, nic_ids: list[int] | None) -> Plain:
    for card in ctx.tx.all(_PENDING_OF, vm_id=vm_id):
        if nic_ids is None or card["id"] in nic_ids:
            ctx.tx.update(table, {"id": card["id"]}, pending=None)
    return {"success": True}


@workflow("virtualmachine.repairnics")
async def _repair(wf: Workflow[Context], vm_id: int) -> None:
    plans = await wf.step("cards", _repairing, vm_id)
    for plan in plans:
        verb = PlugNic if plan["plug"] else UnplugNic
        command = verb(wf.command_id(f"tell-{plan['nic_id']}"), plan["uuid"], plan["name"], nic_spec(plan["nic"]))
        await wf.call(host_address(plan["host"]), command)
    await wf.finish(_told, vm_id, [plan["nic_id"] for plan in plans])


# -- changed, in one step


def _made_default(ctx: Context, vm_id: int, nic_id: int) -> Plain:
    row, card = living(ctx, vm_id), access.alive(ctx, NIC, nic_id)
    nic_orders.check_default(ctx, row, card)
    for one in db.nics_of(ctx.tx, vm_id):
        default = one["id"] == nic_id
        if one["is_default"] != default:
            ctx.tx.update(table, {"id": one["id"]}, is_default=default)
            usage.end(ctx, "nic", one["id"])
            network.begin_usage(ctx, row, one["id"], access.row(ctx, NETWORK, one["network_id"]), default)
    ctx.tx.update(vm, {"id": vm_id}, updated=ctx.now)
    return result(ctx, vm_id)


single("virtualmachine.defaultnic", _made_default)


def _address_changed(ctx: Context, vm_id: int, nic_id: int, ip: str | None) -> Plain:
    row, card = living(ctx, vm_id), access.alive(ctx, NIC, nic_id)
    found = nic_orders.check_address(ctx, row, card, ip)
    if ip is None or ip != card["ip"]:
        if found["guest_type"] == "Shared":
            place = shared.card(ctx, found, row, ip)
            shared.release(ctx, found["id"], card["ip"])
        else:
            place = {"ip": network.address(ctx, found, ip)}
        ctx.tx.update(table, {"id": nic_id}, **place)
        ctx.tx.update(vm, {"id": vm_id}, updated=ctx.now)
    return result(ctx, vm_id)


single("virtualmachine.nicip", _address_changed)
