"""Hosts: reaching them, pinging them, and what their reports mean for the machines that should run there.

What was asked for (`vm.state`) and what a host reports (`vm.power_state`) are kept apart. A report changes the wanted
state only where nothing is under way for the machine and the report was asked for after its last change.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from sqlalchemy import and_, bindparam, exists, or_, select

from cloudsim.agents.base import AgentError, HostAddress, Ping
from cloudsim.core import states
from cloudsim.core.caller import Caller
from cloudsim.db import schema
from cloudsim.db.database import Row, Transaction
from cloudsim.db.types import any_of
from cloudsim.jobs.job import Order
from cloudsim.services import alert, fencing, ha, investigation
from cloudsim.services.context import Cloud, Context
from cloudsim.services.vm_workflows import leave_host

log = logging.getLogger(__name__)

host, vm, job = schema.host, schema.vm, schema.job

_HOSTS = (
    select(
        host,
        schema.zone.c.uuid.label("zone_uuid"),
        schema.pod.c.uuid.label("pod_uuid"),
        schema.cluster.c.uuid.label("cluster_uuid"),
    )
    .select_from(
        host.join(schema.zone, host.c.zone_id == schema.zone.c.id)
        .outerjoin(schema.pod, host.c.pod_id == schema.pod.c.id)
        .outerjoin(schema.cluster, host.c.cluster_id == schema.cluster.c.id)
    )
    .where(host.c.removed.is_(None), host.c.type == "Routing")
    .order_by(host.c.id)
)
_DETAILS = select(schema.detail).where(schema.detail.c.resource_type == "Host")
_IDLE = ~exists().where(and_(job.c.lock == "vm:" + vm.c.uuid, or_(job.c.state == "queued", job.c.state == "running")))
#: Machines that should run on a host and that nothing is under way for.
_HERE = (
    select(vm, host.c.cluster_id)
    .select_from(vm.join(host, vm.c.host_id == host.c.id))
    .where(vm.c.host_id == bindparam("host_id"), vm.c.state == "Running", vm.c.removed.is_(None), _IDLE)
)
_BY_NAMES = select(vm).where(any_of(vm.c.instance_name, "names"), _IDLE)

#: Seconds a host may take to answer a ping.
PING_SECONDS = 20.0


def addresses(tx: Transaction) -> list[tuple[Row, HostAddress]]:
    """Every host that runs machines, and how to reach it."""
    details: dict[int, dict[str, str]] = {}
    for row in tx.all(_DETAILS):
        details.setdefault(row["resource_id"], {})[row["name"]] = row["value"]
    return [
        (
            row,
            HostAddress(
                row["uuid"],
                row["url"],
                row["hypervisor"],
                details.get(row["id"], {}),
                {kind: row[f"{kind}_uuid"] for kind in ("zone", "pod", "cluster") if row[f"{kind}_uuid"]},
            ),
        )
        for row in tx.all(_HOSTS)
    ]


async def connect_all(cloud: Cloud, admin: Caller) -> None:
    """Reaches every host once, all at the same time; those that take longer than a moment are left to the pings."""

    async def connect(address: HostAddress) -> None:
        try:
            await cloud.agents.connect(address)
        except AgentError as error:
            log.warning("host %s (%s) cannot be reached: %s", address.uuid, address.url, error)

    tasks = [asyncio.ensure_future(connect(address)) for _, address in await cloud.db.read(addresses)]
    if tasks:
        await asyncio.wait(tasks, timeout=0.5)


async def ping_all(cloud: Cloud, admin: Caller) -> None:
    """Pings every host, ten at a time."""
    turns = asyncio.Semaphore(10)

    async def one(row: Row, address: HostAddress) -> None:
        async with turns:
            await ping(cloud, admin, row, address)

    await asyncio.gather(*(one(row, address) for row, address in await cloud.db.read(addresses)))
    await cloud.db.write(lambda tx: _after(cloud.context(tx, admin)))


def _after(ctx: Context) -> None:
    """What hosts that are down still hold, and what HA has not brought back yet."""
    while fencing.clear(ctx):
        pass
    investigation.leftovers(ctx)
    ha.due(ctx)


async def ping(cloud: Cloud, admin: Caller, row: Row, address: HostAddress) -> None:
    """Asks one host what runs on it, and writes down what that means."""
    asked = cloud.clock.now()
    try:
        if row["status"] not in ("Up", "Connecting"):
            await cloud.agents.connect(address, timeout=PING_SECONDS)
        answer = await cloud.agents.once(address, Ping(f"ping:{row['uuid']}:{asked}"), timeout=PING_SECONDS)
    except AgentError as error:
        reason = str(error)
        await cloud.db.write(lambda tx: _silent(cloud.context(tx, admin), row["id"], asked, reason))
        return
    report: dict[str, str] = answer["machines"]
    await cloud.db.write(lambda tx: _heard(cloud.context(tx, admin), row["id"], asked, report))


def _fresh(ctx: Context, host_id: int) -> Row | None:
    row = ctx.tx.first(_ONE, host_id=host_id)
    return row if row is not None and row["removed"] is None else None


_ONE = select(host).where(host.c.id == bindparam("host_id"))


def _silent(ctx: Context, host_id: int, asked: int, why: str) -> None:
    row = _fresh(ctx, host_id)
    if row is None:
        return
    limit = ctx.settings.number("ping.interval") * (ctx.settings.share("ping.timeout") or 2.5) * 1000
    if asked - (row["last_ping"] or 0) < limit:
        return
    if row["status"] == "Down":
        if not fencing.doubted(ctx, row):
            return
        _move(ctx, row, "AgentConnected")  # it was switched on again, and given something to run
        row = _fresh(ctx, host_id) or row
    if states.host_status.can(row["status"], "PingTimeout"):
        _move(ctx, row, "PingTimeout", disconnected=ctx.now)
        log.warning("host %s (%s) does not answer: %s", row["name"], row["uuid"], why)
        text = f"host {row['name']} ({row['uuid']}) does not answer"
        alert.raise_(ctx, alert.HOST, text, zone_id=row["zone_id"], pod_id=row["pod_id"])
        ctx.event(
            "HOST.DISCONNECT", f"host {row['name']} does not answer", level="WARN", resource=("Host", row["uuid"])
        )
        row = _fresh(ctx, host_id) or row
    if row["resource_state"] not in investigation.RESTS or fencing.doubted(ctx, row):
        investigation.order(ctx, row)


def _move(ctx: Context, row: Row, event: str, **values: Any) -> None:
    after = states.host_status.next(row["status"], event)
    ctx.tx.update(
        host,
        {"id": row["id"], "update_count": row["update_count"]},
        status=after,
        update_count=row["update_count"] + 1,
        **values,
    )


def _heard(ctx: Context, host_id: int, asked: int, report: Mapping[str, str]) -> None:
    row = _fresh(ctx, host_id)
    # what was asked before it was found silent, or fenced, says nothing of what it is now
    if row is None or row["fencing"] or asked <= (row["disconnected"] or 0):
        return
    away = row["status"] != "Up"
    if not away:
        ctx.tx.update(host, {"id": host_id}, last_ping=asked)
    elif row["status"] in ("Alert", "Disconnected", "Connecting", "Down"):
        if row["status"] == "Down":
            if investigation.under_way(ctx, row):
                return  # its machines are still being taken off it
            _move(ctx, row, "AgentConnected")
            row = _fresh(ctx, host_id) or row
        event = "Ready" if row["status"] == "Connecting" else "Ping"
        _move(ctx, row, event, last_ping=asked, disconnected=None, trouble=None)
        ctx.event("HOST.RECONNECT", f"host {row['name']} answers again", resource=("Host", row["uuid"]))
        ha.host_back(ctx, host_id)
    _missing(ctx, host_id, asked, report, "HostDown" if away else "MachineDown")
    _strangers(ctx, host_id, asked, report)


def _missing(ctx: Context, host_id: int, asked: int, report: Mapping[str, str], reason: str) -> None:
    """Machines that should run here and do not: they have stopped. Nobody asked for that, so HA brings its own back.

    What went down with its host (`reason` HostDown) is; a guest that has shut down by itself where the setting
    ``ha.vm.restart.hostup`` says so.
    """
    restart = reason == "HostDown" or ctx.settings.flag("ha.vm.restart.hostup")
    for row in ctx.tx.all(_HERE, host_id=host_id):
        if (row["updated"] or 0) >= asked:
            continue
        if report.get(row["instance_name"]) == "PowerOn":
            if row["power_state"] != "PowerOn":  # it has not moved, as was feared
                ctx.tx.update(vm, {"id": row["id"]}, power_state="PowerOn", power_host_id=host_id, power_time=asked)
            continue
        leave_host(ctx, row, True, "FollowAgentPowerOffReport")
        if restart and ha.protects(ctx, row):
            ha.bring_back(ctx, row, reason)
        ctx.event(
            "VM.STOP",
            f"virtual machine {row['display_name'] or row['name']} was found stopped on its host",
            level="WARN",
            resource=("VirtualMachine", row["uuid"]),
            account_id=row["account_id"],
            domain_id=row["domain_id"],
        )


def _strangers(ctx: Context, host_id: int, asked: int, report: Mapping[str, str]) -> None:
    """Machines of this cloud that run here and should not: a start that was given up when nobody answered."""
    running = [name for name, power in report.items() if power == "PowerOn"]
    for row in ctx.tx.all(_BY_NAMES, names=running) if running else ():
        at_home = row["removed"] is None and row["host_id"] == host_id
        if at_home or (row["updated"] or 0) >= asked:
            continue
        log.warning("virtual machine %s runs on a host where it should not; stopping it there", row["uuid"])
        ctx.submit(
            Order(
                command="stopVirtualMachine",
                workflow="virtualmachine.evict",
                arguments={"vm_id": row["id"], "host_id": host_id},
                instance_type="VirtualMachine",
                instance_uuid=row["uuid"],
                lock=f"vm:{row['uuid']}",
                account_id=row["account_id"],
                domain_id=row["domain_id"],
            )
        )


__all__ = ["addresses", "connect_all", "ping", "ping_all"]
