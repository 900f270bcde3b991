"""The room of a machine that starts: its host, its storage, the routers of its networks; taken and given back."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from cloudsim.core.errors import InsufficientCapacity, InvalidValue, ResourceUnavailable
from cloudsim.db import schema
from cloudsim.db import virtualmachine as db
from cloudsim.db.database import Row
from cloudsim.db.placement import allocate
from cloudsim.jobs.workflow import Workflow
from cloudsim.services import (
    access,
    elastic_ip,
    network,
    placement,
    resource,
    router,
    securitygroup_apply,
    shared_network,
    system_network,
    vm_request,
)
from cloudsim.services.cloud_machine import HYPERVISOR
from cloudsim.services.context import Context
from cloudsim.services.nouns import ACCOUNT, NETWORK
from cloudsim.services.virtualmachine import move
from cloudsim.services.vm_plain import MIB, Plain, address_of, living, machine_of

vm, volume, nic = schema.vm, schema.volume, schema.nic


def check_running_limits(ctx: Context, row: Row) -> None:
    """Where only what runs counts, a start needs room within the limits of its owner. Raises `LimitReached`."""
    if row["type"] == "User" and ctx.settings.flag("resource.count.running.vms.only"):
        owner = access.row(ctx, ACCOUNT, row["account_id"])
        resource.check(ctx, owner, {"cpu": row["cpu"], "memory": row["memory"]})


def _reserve(
    ctx: Context, vm_id: int, avoid: list[int], places: Mapping[str, Any], waited: list[str] | None = None
) -> Plain:
    """Chooses a host and storage, takes the room, makes the networks real, and moves the machine to Starting.

    Where a network lacks a router it answers the jobs to wait for (`routers`) and leaves the room to the router.
    """
    row = living(ctx, vm_id)
    if row["state"] == "Running":
        raise InvalidValue("the virtual machine runs already")
    event = "StartRequested" if row["state"] != "Starting" else "OperationRetry"
    routers: list[str] = []
    ordered = False
    cards = db.nics_of(ctx.tx, vm_id)
    shared = any(card["guest_type"] == "Shared" for card in cards)
    networks: dict[int, Row] = {}
    for card in cards:
        real = networks[card["network_id"]] = network.implement(ctx, access.row(ctx, NETWORK, card["network_id"]))
        ctx.tx.update(
            nic,
            {"uuid": card["uuid"]},
            state="Reserved",
            broadcast_uri=real["broadcast_uri"],
            isolation_uri=real["broadcast_uri"],
        )
        if row["type"] == "User" and row["hypervisor"] == HYPERVISOR:
            jobs, now = router.require(ctx, real, waited)
            routers, ordered = routers + jobs, ordered or now
    if routers and not ordered:  # others have asked for all of it: who asks makes sure that there is room at all
        move(ctx, row, event)
        return {"routers": routers}
    disks = db.volumes_of(ctx.tx, vm_id)
    request = vm_request.of(
        ctx,
        row,
        disks,
        host_id=places.get("host_id"),
        cluster_id=places.get("cluster_id"),
        pod_id=places.get("pod_id"),
        avoid=dict.fromkeys(avoid, "it has just failed this machine"),
        ha=bool(places.get("ha")),
    )
    if shared:
        request = shared_network.within_pods(ctx, row, cards, request)
    elif row["type"] not in ("User", router.TYPE):
        request = system_network.within_pods(ctx, row, request)
    planned = {
        "zone_id": row["zone_id"],
        "account_id": row["account_id"],
        "sizes": [disk["size"] for disk in disks],
        "new": [disk["pool_id"] is None for disk in disks],
        "planner": places.get("planner"),
    }
    others = router.apart(ctx, row) if row["type"] == router.TYPE else {}
    wishes = placement.wishes(ctx, request, row["last_host_id"] if places.get("last_host", True) else None, others)
    for wish in wishes[:-1]:
        with contextlib.suppress(InsufficientCapacity):
            found = placement.reserve(ctx, wish, **planned)
            break
    else:
        found = placement.reserve(ctx, wishes[-1], **planned)
    if routers:
        placement.release(ctx, found.host.id, row["cpu"] * row["speed"], row["memory"] * MIB)
        for disk, pool in zip(disks, found.pools, strict=True):
            if disk["pool_id"] is None:
                allocate(ctx.tx, pool.id, -disk["size"])
        move(ctx, row, event)
        return {"routers": routers}
    for disk, pool in zip(disks, found.pools, strict=True):
        if disk["state"] == "Allocated":
            ctx.tx.update(
                volume, {"id": disk["id"]}, pool_id=pool.id, state="Creating", update_count=disk["update_count"] + 1
            )
    for card in cards:
        if card["guest_type"] == "Shared":
            shared_network.settle(ctx, row, card, networks[card["network_id"]], found.host.pod_id)
    if row["type"] != "User":
        system_network.take(ctx, row, found.host.pod_id)
    move(
        ctx,
        row,
        event,
        host_id=found.host.id,
        pod_id=found.host.pod_id,
        power_state="PowerUnknown",
        power_host_id=found.host.id,
        power_time=ctx.now,
    )
    if shared and row["type"] == "User":
        elastic_ip.starts(ctx, row, db.nics_of(ctx.tx, vm_id))
    plan: Plain = {"host": address_of(ctx, found.host.id), "machine": machine_of(ctx, living(ctx, vm_id))}
    if shared:
        plan["groups"] = securitygroup_apply.groups_of(ctx, vm_id)
        plan["security"] = securitygroup_apply.rules_of(ctx, vm_id) if plan["groups"] else None
    return plan


async def place(wf: Workflow[Context], vm_id: int, avoid: list[int], places: Plain, name: str) -> Plain:
    """`_reserve`, once the networks of the machine have their routers. Raises `ResourceUnavailable`."""
    plan = await wf.step(name, _reserve, vm_id, avoid, places)
    for turn in range(1, router.TURNS + 1):
        if "routers" not in plan:
            return plan
        await wf.ended(plan["routers"])
        plan = await wf.step(f"{name}-{turn}", _reserve, vm_id, avoid, places, plan["routers"])
    raise ResourceUnavailable(router.GONE)


def take_back(ctx: Context, vm_id: int, refused: bool) -> None:
    """Gives the room on a host back. `refused`: that host has said that the machine does not run there."""
    row = living(ctx, vm_id)
    if row["host_id"] is not None:
        placement.release(ctx, row["host_id"], row["cpu"] * row["speed"], row["memory"] * MIB)
    values: Plain = {"host_id": None}
    if refused:
        values.update(power_state="PowerOff", power_host_id=None, power_time=ctx.now)
    else:
        values["power_time"] = ctx.now  # until now it may have been started
    ctx.tx.update(vm, {"id": vm_id}, **values)
