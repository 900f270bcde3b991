"""From the rules of networks to their routers: who must be told of what, and the jobs that tell them.

What changes (`changed`) is noted for each router that runs, part by part, in the transaction that changes it, and a job
of the router's own tells it: such jobs wait for whatever else happens to the router, and read what is to be told when it
is their turn, so one that still waits does for all changes until then. What has been told is struck off the list, unless it
changed meanwhile; what could not be told stays on it, and is tried again periodically (`due`).

A router that does not run has nothing on the list: its next start brings everything along.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import bindparam, func, select

from cloudsim.agents.base import CommandFailed
from cloudsim.core.errors import OperationFailed
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.jobs.job import Order
from cloudsim.jobs.workflow import Workflow, workflow
from cloudsim.services import access, router, router_parts, vm_plain
from cloudsim.services.context import Context
from cloudsim.services.nouns import HOST, NETWORK, VIRTUAL_MACHINE

vm, host, job, untold = schema.vm, schema.host, schema.job, schema.router_untold

WORKFLOW = "router.rules"
#: States in which a router has been told something, or is about to be.
_TOLD = ("Starting", "Running", "Stopping", "Migrating")

Plain = dict[str, Any]

_ROUTER = (vm.c.id, vm.c.uuid, vm.c.account_id, vm.c.domain_id, vm.c.state, vm.c.network_id)
_OF = (
    select(*_ROUTER)
    .where(vm.c.network_id == bindparam("network_id"), any_of(vm.c.state, "states"), vm.c.removed.is_(None))
    .order_by(vm.c.id)
)
_QUEUED = select(job.c.uuid).where(
    job.c.workflow == WORKFLOW, job.c.state == "queued", job.c.instance_uuid == bindparam("uuid")
)
_NOTES = select(untold).where(untold.c.vm_id == bindparam("vm_id")).order_by(untold.c.part)
_NOTED = select(untold).where(untold.c.vm_id == bindparam("vm_id"), any_of(untold.c.part, "parts"))
_DROP = untold.delete().where(
    untold.c.vm_id == bindparam("vm_id"), untold.c.part == bindparam("name"), untold.c.version == bindparam("read")
)
_DROP_ALL = untold.delete().where(untold.c.vm_id == bindparam("vm_id"))
_LEFT = (
    select(func.count())
    .select_from(untold.join(vm, untold.c.vm_id == vm.c.id))
    .where(
        vm.c.network_id == bindparam("network_id"),
        untold.c.part == bindparam("name"),
        any_of(vm.c.state, "states"),
        vm.c.removed.is_(None),
    )
)
_DUE = (
    select(*_ROUTER, host.c.status.label("host_status"))
    .select_from(vm.outerjoin(host, vm.c.host_id == host.c.id))
    .where(vm.c.id.in_(select(untold.c.vm_id)))
    .order_by(vm.c.id)
)
_FAILED = select(job.c.result, job.c.instance_uuid).where(
    any_of(job.c.uuid, "jobs"), any_of(job.c.state, "states")
)  # fmt: skip


def changed(ctx: Context, network_id: int, *parts: str) -> list[str]:
    """Parts of what the routers of a network do have changed: orders that those that run are told.

    Answers the jobs to wait for: `Workflow.ended`, then `check`.
    """
    return [_noted(ctx, row, parts) for row in ctx.tx.all(_OF, network_id=network_id, states=_TOLD)]


def changed_all(ctx: Context, network_id: int) -> list[str]:
    """As `changed`, for everything that they do."""
    return changed(ctx, network_id, *router_parts.load())


def note(ctx: Context, row: Row, *parts: str) -> str:
    """As `changed`, for one router that is on a host; answers the job."""
    return _noted(ctx, row, parts)


def _noted(ctx: Context, row: Row, parts: Sequence[str]) -> str:
    there = {note["part"]: note for note in ctx.tx.all(_NOTED, vm_id=row["id"], parts=list(parts))}
    for name in parts:
        if name in there:
            ctx.tx.update(untold, {"id": there[name]["id"]}, version=there[name]["version"] + 1)
        else:
            ctx.tx.insert(untold, vm_id=row["id"], part=name, version=1)
    return _order(ctx, row)


def _order(ctx: Context, row: Row) -> str:
    """The job that tells a router what is noted for it; answers its uuid."""
    # one that waits for its turn will read it then
    waiting: str | None = ctx.tx.scalar(_QUEUED, uuid=row["uuid"])
    return waiting or ctx.submit(
        Order(
            command=ctx.command or "restartNetwork",
            workflow=WORKFLOW,
            arguments={"vm_id": row["id"]},
            instance_type=router.TYPE,
            instance_uuid=row["uuid"],
            lock=f"vm:{row['uuid']}",
            account_id=row["account_id"],
            domain_id=row["domain_id"],
        )
    )


def check(ctx: Context, jobs: Sequence[str]) -> None:
    """Raises `OperationFailed` where one of the jobs that `changed` answered could not tell its router."""
    if not jobs:
        return
    failed = ctx.tx.first(_FAILED, jobs=list(jobs), states=["failed", "cancelled"])
    if failed is not None:
        text = (failed["result"] or {}).get("errortext", "the job was cancelled")
        raise OperationFailed(f"the router of the network could not be told: {text}")


def due(ctx: Context) -> int:
    """Orders again that routers are told what they could not be told; answers how many routers that are."""
    ordered = 0
    for row in ctx.tx.all(_DUE):
        if row["state"] not in _TOLD:
            names = [note["part"] for note in ctx.tx.all(_NOTES, vm_id=row["id"])]
            ctx.tx.execute(_DROP_ALL, vm_id=row["id"])
            _settle(ctx, row["network_id"], names)
        elif row["state"] == "Running" and row["host_status"] == "Up":
            # (where its host does not answer, jobs that try would only keep it from being brought back elsewhere)
            _order(ctx, row)
            ordered += 1
    return ordered


# -- the job


def _planned(ctx: Context, vm_id: int) -> Plain:
    """What is to be told to which host; nothing to a router that does not run."""
    notes = ctx.tx.all(_NOTES, vm_id=vm_id)
    row = ctx.tx.first(VIRTUAL_MACHINE.by_id, row_id=vm_id)
    if row is None or not notes:
        return {}
    plan: Plain = {"network": row["network_id"], "read": {note["part"]: note["version"] for note in notes}}
    if row["state"] != "Running" or row["host_id"] is None:
        return plan
    if access.row(ctx, HOST, row["host_id"])["status"] == "Down":
        raise OperationFailed("its host is down")
    content = router_parts.content(ctx, access.row(ctx, NETWORK, row["network_id"]), plan["read"])
    named = {"uuid": row["uuid"], "name": row["instance_name"]}
    return {**plan, "host": vm_plain.address_of(ctx, row["host_id"]), "router": named, "content": content}


def _told(ctx: Context, vm_id: int, plan: Plain) -> Plain:
    for name, version in plan.get("read", {}).items():
        ctx.tx.execute(_DROP, vm_id=vm_id, name=name, read=version)
    if plan:
        _settle(ctx, plan["network"], plan["read"])
    return {"success": True}


def _settle(ctx: Context, network_id: int, names: Iterable[str]) -> None:
    for name in names:
        part = router_parts.load().get(name)
        if part is not None and part.settled is not None and not untold_of(ctx, network_id, name):
            part.settled(ctx, network_id)


def untold_of(ctx: Context, network_id: int, name: str) -> bool:
    """Whether a router of a network that runs is still to be told a part."""
    return bool(ctx.tx.scalar(_LEFT, network_id=network_id, name=name, states=_TOLD))


def _runs(ctx: Context, vm_id: int, host: str) -> bool:
    row = ctx.tx.first(VIRTUAL_MACHINE.by_id, row_id=vm_id)
    if row is None or row["state"] != "Running" or row["host_id"] is None:
        return False
    return bool(vm_plain.address_of(ctx, row["host_id"])["uuid"] == host)


@workflow(WORKFLOW)
async def _tell(wf: Workflow[Context], vm_id: int) -> None:
    plan = await wf.step("changed", _planned, vm_id)
    for name, settings in plan.get("content", {}).items():
        told = router_parts.command(name, wf.command_id(name), plan["router"], settings)
        try:
            await wf.call(vm_plain.host_address(plan["host"]), told)
        except CommandFailed:
            # one that went off meanwhile brings everything along when it starts again
            if await wf.step(f"refused-{name}", _runs, vm_id, plan["host"]["uuid"]):
                raise
            break
    await wf.finish(_told, vm_id, plan)
