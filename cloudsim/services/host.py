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
from cloudsim.services import alert, ha, host_state, investigation, nouns, vm_migration
from cloudsim.services.cloud_machine import kind_of
from cloudsim.services.context import Cloud, Context
from cloudsim.services.observed import Figures
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
            await take(cloud, admin, [task.result() for task in done])
    finally:
        for task in waiting:
            task.cancel()
    there = {address.uuid for _, address in found}
    for uuid in set(cloud.observed.hosts) - there:
        del cloud.observed.hosts[uuid]
    await cloud.db.write(lambda tx: _after(cloud.context(tx, admin)))


def _after(ctx: Context) -> None:
    """What hosts that are down still hold, and what HA has not brought back yet."""
    while investigation.clear(ctx):
        pass
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
    missing, strangers, doubts = await cloud.db.read(_compare, reports)
    await cloud.db.write(lambda tx: _write(cloud.context(tx, admin), reports, missing, strangers, doubts))


def _compare(tx: Transaction, reports: Sequence[Report]) -> tuple[list[int], dict[str, Report], list[int]]:
    """Ids of machines that should run on these hosts and seem not to; names of those that run and seem not to belong.

    And ids of machines that may have moved elsewhere, which nobody could tell.
    """
    by_host = {report.host_id: report for report in reports if report.machines is not None}
    missing: list[int] = []
    doubts: list[int] = []
    at_home: set[str] = set()
    for row in tx.all(_HERE, hosts=list(by_host)) if by_host else ():
        machines = by_host[row["host_id"]].machines or {}
        if machines.get(row["instance_name"]) == "PowerOn":
            at_home.add(row["instance_name"])
        if vm_migration.doubted(row) is not None:
            doubts.append(row["id"])
        elif machines.get(row["instance_name"]) != "PowerOn":
            missing.append(row["id"])
    strangers = {
        name: report
        for report in by_host.values()
        for name, power in (report.machines or {}).items()
        if power == "PowerOn" and name not in at_home
    }
    return missing, strangers, doubts


def _write(
    ctx: Context,
    reports: Sequence[Report],
    missing: list[int],
    strangers: Mapping[str, Report],
    doubts: list[int],
) -> None:
    rows = {row["id"]: row for row in ctx.tx.all(_THESE, ids=[report.host_id for report in reports])}
    # what a host says while its power is cut does not count
    rows = {row_id: row for row_id, row in rows.items() if not row["fencing"]}
    heard = {report.host_id: report for report in reports if report.machines is not None and report.host_id in rows}
    if heard:
        ctx.tx.execute(_SEEN, ids=list(heard), at=min(report.asked for report in heard.values()))
    for report in reports:
        row = rows.get(report.host_id)
        if row is None:
            continue
        if report.machines is None:
            _silent(ctx, row, report)
        elif row["status"] != "Up":
            _back(ctx, row, report)
    if doubts:
        _doubts(ctx, doubts, heard)
    if missing:
        _missing(ctx, missing, heard)
    if strangers:
        _strangers(ctx, {name: report for name, report in strangers.items() if report.host_id in heard})


def _silent(ctx: Context, row: Row, report: Report) -> None:
    """A host that is silent for too long goes to Alert: nobody can tell whether it is down."""
    settings = ctx.settings
    if row["status"] == "Disconnected":
        event, since, limit = "WaitedTooLong", row["disconnected"], settings.number("alert.wait") * 1000.0
    else:
        event, since = "PingTimeout", row["last_ping"]
        limit = settings.number("ping.interval") * (settings.share("ping.timeout") or 2.5) * 1000
    if report.asked - (since or 0) < limit or row["status"] == "Down":
        return
    if row["status"] == "Alert":
        if row["resource_state"] != "Maintenance":
            investigation.order(ctx, row)
        return
    if not states.host_status.can(row["status"], event):
        return
    host_state.reach(ctx, row, event, disconnected=row["disconnected"] or ctx.now)
    log.warning("host %s (%s) does not answer: %s", row["name"], row["uuid"], report.why)
    text = f"host {row['name']} ({row['uuid']}) does not answer"
    alert.raise_(ctx, alert.HOST, text, zone_id=row["zone_id"], pod_id=row["pod_id"])
    ctx.event("HOST.DISCONNECT", f"host {row['name']} does not answer", level="WARN", resource=("Host", row["uuid"]))
    if row["resource_state"] != "Maintenance":
        investigation.order(ctx, row)


def _back(ctx: Context, row: Row, report: Report) -> None:
    """A host that was away answers: it is connected anew."""
    if not states.host_status.can(row["status"], "AgentConnected"):
        return
    host_state.reach(ctx, row, "AgentConnected", "Ready", last_ping=report.asked, disconnected=None)
    ctx.event("HOST.RECONNECT", f"host {row['name']} answers again", resource=("Host", row["uuid"]))
    if row["status"] in ("Alert", "Down"):
        text = f"host {row['name']} ({row['uuid']}) answers again"
        alert.raise_(ctx, alert.HOST, text, zone_id=row["zone_id"], pod_id=row["pod_id"])


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


def _missing(ctx: Context, ids: list[int], heard: Mapping[int, Report]) -> None:
    """Machines that should run on their host and do not: they have stopped.

    Nobody asked for that, so HA brings those back that it protects.
    """
    for row in ctx.tx.all(_STILL_HERE, ids=ids):
        report = heard.get(row["host_id"])
        if report is None or report.machines is None or report.machines.get(row["instance_name"]) == "PowerOn":
            continue
        if (row["updated"] or 0) >= report.asked:
            continue
        leave_host(ctx, row, True, "FollowAgentPowerOffReport")
        if ha.protects(ctx, row):
            ha.bring_back(ctx, row, "MachineDown")
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
