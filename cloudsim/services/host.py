"""Hosts: reaching them, pinging them, and what their reports mean for the machines that should run there.

What was asked for (`vm.state`) and what a host reports (`vm.power_state`) are kept apart. A report changes the wanted
state only where nothing is under way for the machine and the report was asked for after its last change.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import and_, bindparam, exists, or_, select

from cloudsim.agents.base import AgentError, HostAddress, Ping
from cloudsim.core import states
from cloudsim.core.caller import Caller
from cloudsim.db import schema
from cloudsim.db.database import Row, Transaction
from cloudsim.db.types import any_of
from cloudsim.jobs.job import Order
from cloudsim.services import alert, fencing, ha, host_state, investigation, nouns, vm_migration
from cloudsim.services.cloud_machine import kind_of
from cloudsim.services.context import Cloud, Context
from cloudsim.services.observed import Figures
from cloudsim.services.vm_stop import leave_host

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
#: Machines that should run on some hosts; those among them that nothing is under way for.
_HERE = select(vm.c.id, vm.c.host_id, vm.c.instance_name, vm.c.power_state, vm.c.power_host_id).where(
    any_of(vm.c.host_id, "hosts"), vm.c.state == "Running", vm.c.removed.is_(None)
)
_STILL_HERE = (
    select(vm, host.c.cluster_id)
    .select_from(vm.join(host, vm.c.host_id == host.c.id))
    .where(any_of(vm.c.id, "ids"), vm.c.state == "Running", vm.c.removed.is_(None), _IDLE)
)
_BY_NAMES = select(vm).where(any_of(vm.c.instance_name, "names"), _IDLE)
_THESE = select(host).where(any_of(host.c.id, "ids"), host.c.removed.is_(None))
_SEEN = (
    host.update()
    .where(any_of(host.c.id, "ids"), host.c.status == "Up", host.c.removed.is_(None))
    .values(last_ping=bindparam("at", type_=host.c.last_ping.type))
)

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
            command = Ping(f"first:{address.uuid}:{cloud.clock.now()}", figures=True)
            answer = await cloud.agents.once(address, command, timeout=PING_SECONDS)
            cloud.observed.hosts[address.uuid] = answer.get("figures") or {}
        except AgentError as error:
            log.warning("host %s (%s) cannot be reached: %s", address.uuid, address.url, error)

    tasks = [asyncio.ensure_future(connect(address)) for _, address in await cloud.db.read(addresses)]
    if tasks:
        await asyncio.wait(tasks, timeout=0.5)


@dataclass(frozen=True, slots=True)
class Report:
    """What came of pinging one host."""

    host_id: int
    uuid: str
    #: When it was asked, in milliseconds.
    asked: int
    #: Instance name to power state; None: it did not answer.
    machines: Mapping[str, str] | None
    figures: Figures = field(default_factory=dict)
    why: str = ""


async def ping_all(cloud: Cloud, admin: Caller) -> None:
    """Pings every host, ten at a time. What they say is written down for all that have answered by then."""
    turns = asyncio.Semaphore(10)

    async def one(row: Row, address: HostAddress) -> Report:
        async with turns:
            return await ping(cloud, row, address)

    found = await cloud.db.read(addresses)
    waiting = {asyncio.ensure_future(one(row, address)) for row, address in found}
    try:
        while waiting:
            done, waiting = await asyncio.wait(waiting, timeout=1.0)
            await take(cloud, admin, sorted((task.result() for task in done), key=lambda report: report.host_id))
    finally:
        for task in waiting:
            task.cancel()
    there = {address.uuid for _, address in found}
    for uuid in set(cloud.observed.hosts) - there:
        del cloud.observed.hosts[uuid]
    await cloud.db.write(lambda tx: _after(cloud.context(tx, admin)))


def _after(ctx: Context) -> None:
    """What hosts that are down still hold, and what HA has not brought back yet."""
    while fencing.clear(ctx):
        pass
    investigation.leftovers(ctx)
    ha.due(ctx)


async def ping(cloud: Cloud, row: Row, address: HostAddress) -> Report:
    """Asks one host what runs on it and what is used of it."""
    asked = cloud.clock.now()
    try:
        if row["status"] not in ("Up", "Connecting"):
            await cloud.agents.connect(address, timeout=PING_SECONDS)
        command = Ping(f"ping:{row['uuid']}:{asked}", figures=True)
        answer = await cloud.agents.once(address, command, timeout=PING_SECONDS)
    except AgentError as error:
        return Report(row["id"], row["uuid"], asked, None, why=str(error))
    return Report(row["id"], row["uuid"], asked, answer["machines"], answer.get("figures") or {})


async def take(cloud: Cloud, admin: Caller, reports: Sequence[Report]) -> None:
    """Writes down what reports mean: one look and one change for all of them."""
    if not reports:
        return
    for report in reports:
        if report.machines is None:
            cloud.observed.hosts.pop(report.uuid, None)
        else:
            cloud.observed.hosts[report.uuid] = report.figures
    found = await cloud.db.read(_compare, reports)
    await cloud.db.write(lambda tx: _write(cloud.context(tx, admin), reports, found))


@dataclass(slots=True)
class Compared:
    """How what hosts report differs from what is known."""

    #: Ids of machines that should run there and seem not to.
    missing: list[int] = field(default_factory=list)
    #: Ids of those that run there, though nobody was sure.
    settled: list[int] = field(default_factory=list)
    #: Ids of those that may have moved elsewhere, which nobody could tell.
    doubts: list[int] = field(default_factory=list)
    #: Instance names of those that run there and seem not to belong.
    strangers: dict[str, Report] = field(default_factory=dict)


def _compare(tx: Transaction, reports: Sequence[Report]) -> Compared:
    by_host = {report.host_id: report for report in reports if report.machines is not None}
    found = Compared()
    at_home: set[str] = set()
    for row in tx.all(_HERE, hosts=list(by_host)) if by_host else ():
        runs = (by_host[row["host_id"]].machines or {}).get(row["instance_name"]) == "PowerOn"
        if runs:
            at_home.add(row["instance_name"])
        if vm_migration.doubted(row) is not None:
            found.doubts.append(row["id"])
        elif not runs:
            found.missing.append(row["id"])
        elif row["power_state"] != "PowerOn":
            found.settled.append(row["id"])
    found.strangers = {
        name: report
        for report in by_host.values()
        for name, power in (report.machines or {}).items()
        if power == "PowerOn" and name not in at_home
    }
    return found


def _write(ctx: Context, reports: Sequence[Report], found: Compared) -> None:
    rows = {row["id"]: row for row in ctx.tx.all(_THESE, ids=[report.host_id for report in reports])}
    heard: dict[int, Report] = {}
    for report in reports:
        row = rows.get(report.host_id)
        if row is None:
            continue
        if report.machines is None:
            _silent(ctx, row, report)
        # what was asked before it was found silent, or fenced, says nothing of what it is now
        elif not row["fencing"] and report.asked > (row["disconnected"] or 0) and _heard(ctx, row, report):
            heard[row["id"]] = report
    up = [row_id for row_id in heard if rows[row_id]["status"] == "Up"]
    if up:
        ctx.tx.execute(_SEEN, ids=up, at=min(heard[row_id].asked for row_id in up))
    if found.doubts:
        _doubts(ctx, found.doubts, heard)
    if found.missing or found.settled:
        _differing(ctx, [*found.missing, *found.settled], heard, up)
    if found.strangers:
        _strangers(ctx, {name: report for name, report in found.strangers.items() if report.host_id in heard})


def _silent(ctx: Context, row: Row, report: Report) -> None:
    """A host that is silent for too long goes to Alert, and is looked into."""
    settings = ctx.settings
    limit = settings.number("ping.interval") * (settings.share("ping.timeout") or 2.5) * 1000
    if report.asked - (row["last_ping"] or 0) < limit:
        return
    event = "PingTimeout"
    if row["status"] == "Disconnected":
        waited = report.asked - (row["disconnected"] or 0) >= settings.number("alert.wait") * 1000
        event = "WaitedTooLong" if waited else ""
    if row["status"] == "Down":
        if not fencing.doubted(ctx, row):
            return
        # it was switched on again, and given something to run
        row = host_state.reach(ctx, row, "AgentConnected")
    if row["status"] != "Alert" and states.host_status.can(row["status"], event):
        row = host_state.reach(ctx, row, event, disconnected=row["disconnected"] or ctx.now)
        log.warning("host %s (%s) does not answer: %s", row["name"], row["uuid"], report.why)
        text = f"host {row['name']} ({row['uuid']}) does not answer"
        alert.raise_(ctx, alert.HOST, text, zone_id=row["zone_id"], pod_id=row["pod_id"])
        ctx.event(
            "HOST.DISCONNECT", f"host {row['name']} does not answer", level="WARN", resource=("Host", row["uuid"])
        )
    if row["resource_state"] not in investigation.RESTS or fencing.doubted(ctx, row):
        investigation.order(ctx, row)


def _heard(ctx: Context, row: Row, report: Report) -> bool:
    """A host has answered; one that was away is connected anew. Whether what it says counts."""
    if row["status"] == "Up":
        return True
    if row["status"] == "Down" and investigation.under_way(ctx, row):
        return False  # its machines are still being taken off it
    if not states.host_status.can(row["status"], "AgentConnected"):
        return False
    host_state.reach(ctx, row, "AgentConnected", "Ready", last_ping=report.asked, disconnected=None, trouble=None)
    ctx.event("HOST.RECONNECT", f"host {row['name']} answers again", resource=("Host", row["uuid"]))
    if row["status"] in ("Alert", "Down"):
        text = f"host {row['name']} ({row['uuid']}) answers again"
        alert.raise_(ctx, alert.HOST, text, zone_id=row["zone_id"], pod_id=row["pod_id"])
    ha.host_back(ctx, row["id"])
    return True


def _doubts(ctx: Context, ids: list[int], heard: Mapping[int, Report]) -> None:
    """Machines that may have moved: one that runs at home, or not where it may have gone, has stayed."""
    for row in ctx.tx.all(_STILL_HERE, ids=ids):
        there = vm_migration.doubted(row)
        if there is None:
            continue
        name = row["instance_name"]
        runs = {
            host_id: report.machines is not None and report.machines.get(name) == "PowerOn"
            for host_id, report in heard.items()
            if host_id in (row["host_id"], there) and report.asked > (row["updated"] or 0)
        }
        if runs.get(there):
            continue  # that host has a stranger: it follows
        other = ctx.tx.first(nouns.HOST.by_id, row_id=there)
        gone = other is None or other["removed"] is not None or other["status"] == "Down"
        if runs.get(row["host_id"]) or there in runs or gone:
            vm_migration.stayed_after_all(ctx, row)


def _differing(ctx: Context, ids: list[int], heard: Mapping[int, Report], up: Sequence[int]) -> None:
    """Machines of which a host says something else than what is known.

    Those that should run on their host and do not have stopped. Nobody asked for that, so HA brings its own back: what
    went down with its host is; a guest that has shut down by itself where the setting ``ha.vm.restart.hostup`` says so.
    """
    for row in ctx.tx.all(_STILL_HERE, ids=ids):
        report = heard.get(row["host_id"])
        if report is None or report.machines is None or (row["updated"] or 0) >= report.asked:
            continue
        if report.machines.get(row["instance_name"]) == "PowerOn":
            if row["power_state"] != "PowerOn":  # it has not moved, as was feared
                values = {"power_state": "PowerOn", "power_host_id": row["host_id"], "power_time": report.asked}
                ctx.tx.update(vm, {"id": row["id"]}, **values)
            continue
        reason = "MachineDown" if row["host_id"] in up else "HostDown"
        leave_host(ctx, row, True, "FollowAgentPowerOffReport")
        if (reason == "HostDown" or ctx.settings.flag("ha.vm.restart.hostup")) and ha.protects(ctx, row):
            ha.bring_back(ctx, row, reason)
        kind = kind_of(row)
        ctx.event(
            f"{kind.event}.STOP",
            f"{kind.label} {row['display_name'] or row['name']} was found stopped on its host",
            level="WARN",
            resource=(kind.instance, row["uuid"]),
            account_id=row["account_id"],
            domain_id=row["domain_id"],
        )


def _strangers(ctx: Context, running: Mapping[str, Report]) -> None:
    """Machines of this cloud that run where they should not: a start that was given up when nobody answered."""
    for row in ctx.tx.all(_BY_NAMES, names=list(running)) if running else ():
        report = running[row["instance_name"]]
        at_home = row["removed"] is None and row["host_id"] == report.host_id
        if at_home or (row["updated"] or 0) >= report.asked:
            continue
        if row["state"] == "Running" and vm_migration.doubted(row) == report.host_id:
            vm_migration.follow(ctx, row, report.host_id)
            continue
        log.warning("virtual machine %s runs on a host where it should not; stopping it there", row["uuid"])
        ctx.submit(
            Order(
                command="stopVirtualMachine",
                workflow="virtualmachine.evict",
                arguments={"vm_id": row["id"], "host_id": report.host_id},
                instance_type=kind_of(row).instance,
                instance_uuid=row["uuid"],
                lock=f"vm:{row['uuid']}",
                account_id=row["account_id"],
                domain_id=row["domain_id"],
            )
        )


__all__ = ["Report", "addresses", "connect_all", "ping", "ping_all", "take"]
