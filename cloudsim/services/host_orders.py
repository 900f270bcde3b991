"""Hosts as administrators ask for them: adding, changing, removing, connecting anew.

A host is reached before it is added, outside any transaction: what it is made of comes back as `Found`, and is written
together with the host. Nothing is kept of a host that could not be reached.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import and_, bindparam, func, or_, select

from cloudsim.agents.base import HostAddress, HostFacts
from cloudsim.core import states
from cloudsim.core.caller import Caller
from cloudsim.core.errors import InvalidValue, OperationFailed
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.placement import HOLDING
from cloudsim.db.types import Big, any_of
from cloudsim.jobs.job import Order
from cloudsim.jobs.workflow import Workflow, workflow
from cloudsim.services import access, dedication, ha, host_state, hypervisor, template
from cloudsim.services import cluster as clusters
from cloudsim.services import pod as pods
from cloudsim.services.cloud_machine import kind_of
from cloudsim.services.context import Cloud, Context
from cloudsim.services.nouns import HOST
from cloudsim.services.vm_plain import address_of, host_address
from cloudsim.services.vm_stop import leave_host

log = logging.getLogger(__name__)

host, vm = schema.host, schema.vm

_SAME = select(host.c.name).where(
    host.c.url == bindparam("url"), host.c.hypervisor == bindparam("hypervisor"), host.c.removed.is_(None)
)
_NAMED = select(host.c.id).where(
    host.c.name == bindparam("name"), host.c.cluster_id == bindparam("cluster_id"), host.c.removed.is_(None)
)
_IN_CLUSTER = select(func.count()).where(
    host.c.cluster_id == bindparam("cluster_id"), host.c.removed.is_(None), host.c.type == "Routing"
)
_HERE = select(vm).where(vm.c.host_id == bindparam("host_id"), vm.c.removed.is_(None), any_of(vm.c.state, "states"))
_BUSY = select(func.count()).where(
    vm.c.host_id == bindparam("host_id"),
    vm.c.removed.is_(None),
    any_of(vm.c.state, "states"),
)
#: Machines that run there, or may.
_DOUBTED = (
    select(vm.c.id)
    .where(
        or_(
            vm.c.host_id == bindparam("host_id"),
            and_(vm.c.power_state == "PowerUnknown", vm.c.power_host_id == bindparam("host_id")),
        ),
        vm.c.removed.is_(None),
        vm.c.power_time > bindparam("fenced", type_=Big),
    )
    .limit(1)
)
#: What a host's driver knows it by; the rest of its details is an administrator's.
_DETAILS = schema.detail.delete().where(
    schema.detail.c.resource_type == "Host",
    schema.detail.c.resource_id == bindparam("host_id"),
    any_of(schema.detail.c.name, "names"),
)

#: How a host begins: it was reached before it is written down.
_ADDED = states.host_status.next(states.host_status.next(None, "AgentConnected"), "Ready")
_CREATED = states.host_resourcestate.next(None, "InternalCreated")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A host as it is asked for: its places, how it is reached."""

    zone: Row
    pod: Row
    cluster: Row | None
    cluster_name: str | None
    hypervisor: str
    url: str
    username: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A host that was reached: how, and what it is made of."""

    address: HostAddress
    facts: HostFacts


def _url(wanted: Wanted, hypervisor: str) -> str:
    """The URL for the driver: a KVM host may be given as ``http://address``, as the reference takes it."""
    try:
        parts = urlsplit(wanted.url.strip())
        name = parts.hostname
    except ValueError:
        raise InvalidValue(f"'{wanted.url[:100]}' is not a URL") from None
    if not parts.scheme:
        raise InvalidValue(f"'{wanted.url[:100]}' is not a URL: it needs a scheme, as in http://sim/c1/h1")
    if hypervisor == "KVM" and parts.scheme in ("http", "https"):
        if not name:
            raise InvalidValue("the URL of a KVM host names the host: http://address, or a libvirt URI")
        user = wanted.username or "root"
        if not user.replace("-", "").replace("_", "").replace(".", "").isalnum() or user.startswith("-"):
            raise InvalidValue("username is the name of a user of the host")
        return f"qemu+ssh://{user}@{f'[{name}]' if ':' in name else name}/system"
    return wanted.url.strip()


def _address(ctx: Context, wanted: Wanted) -> HostAddress:
    """Checks all that can be checked before a host is reached. Raises `InvalidValue`."""
    hypervisor = clusters.hypervisor_named(ctx, wanted.hypervisor)
    clusters.check_place(wanted.zone, wanted.pod, wanted.cluster)
    cluster = wanted.cluster
    if cluster is None:
        if wanted.cluster_name is None:
            raise InvalidValue("a host belongs to a cluster: give clusterid, or clustername")
        cluster = clusters.named(ctx, wanted.pod, wanted.cluster_name)
    elif wanted.cluster_name is not None and wanted.cluster_name != cluster["name"]:
        raise InvalidValue("clusterid and clustername mean different clusters: give one of them")
    if cluster is not None and cluster["hypervisor"] != hypervisor:
        raise InvalidValue(f"cluster {cluster['name']} has hosts of {cluster['hypervisor']}, not of {hypervisor}")
    url = _url(wanted, hypervisor)
    if hypervisor != "Simulator":
        # simulated hosts are as many as are asked for; a real one is there once
        same = ctx.tx.scalar(_SAME, url=url, hypervisor=hypervisor)
        if same is not None:
            raise InvalidValue(f"host {same} has that URL already")
    places = {"zone": wanted.zone["uuid"], "pod": wanted.pod["uuid"]}
    if cluster is not None:
        places["cluster"] = cluster["uuid"]
    return HostAddress(ctx.uuid(), url, hypervisor, {}, places)


async def reach(cloud: Cloud, caller: Caller, wanted: Wanted) -> Found:
    """Reaches a host that is asked for. Raises `InvalidValue`; `AgentError` where it does not answer or cannot serve."""
    address = await cloud.db.read(lambda tx: _address(cloud.context(tx, caller), wanted))
    return Found(address, await cloud.agents.connect(address))


def add(ctx: Context, wanted: Wanted, found: Found, *, tags: Sequence[str], enabled: bool) -> int:
    """Writes a host that was reached, Up, and its cluster where that is new; answers its id. Raises `InvalidValue`."""
    _address(ctx, wanted)
    facts, address = found.facts, found.address
    cluster = wanted.cluster or clusters.named(ctx, wanted.pod, wanted.cluster_name or "")
    if cluster is None:
        cluster = clusters.create(
            ctx, wanted.zone, wanted.pod, wanted.cluster_name or "", address.hypervisor, arch=facts.arch
        )
    if (cluster["arch"] or "x86_64") != facts.arch:
        raise InvalidValue(f"cluster {cluster['name']} has hosts of {cluster['arch']}; this one is {facts.arch}")
    most = hypervisor.limit(ctx, "maxhostspercluster", address.hypervisor, facts.hypervisor_version)
    if most is not None and ctx.tx.scalar(_IN_CLUSTER, cluster_id=cluster["id"]) >= most:
        raise InvalidValue(f"cluster {cluster['name']} has {most} hosts, as many as {address.hypervisor} takes")
    ip = pods.free_address(ctx, wanted.pod) if address.hypervisor == "Simulator" else urlsplit(address.url).hostname
    name = facts.name
    if ctx.tx.scalar(_NAMED, name=name, cluster_id=cluster["id"]) is not None:
        name = f"{name}-{address.uuid[:8]}"
    row_id = ctx.tx.insert(
        host,
        uuid=address.uuid,
        created=ctx.now,
        removed=None,
        name=name,
        type="Routing",
        zone_id=wanted.zone["id"],
        pod_id=wanted.pod["id"],
        cluster_id=cluster["id"],
        hypervisor=address.hypervisor,
        hypervisor_version=facts.hypervisor_version,
        url=address.url,
        ip=ip or "127.0.0.1",
        status=_ADDED,
        resource_state=_CREATED if enabled else states.host_resourcestate.next(_CREATED, "Disable"),
        cpu_sockets=facts.cpu_sockets,
        cpu_cores=facts.cpus,
        cpu_speed=facts.speed,
        memory=facts.memory,
        arch=facts.arch,
        version="4.22.0.0",
        capabilities="hvm",
        tags=list(dict.fromkeys(tags)),
        os_category_id=None,
        last_ping=ctx.now,
        disconnected=None,
        fencing=False,
        update_count=0,
    )
    template.offer(ctx, wanted.zone, address.hypervisor)
    ctx.tx.insert(schema.host_capacity, host_id=row_id, cpu_used=0, memory_used=0, machines=0)
    _write_details(ctx, row_id, facts)
    for note in facts.notes:
        log.info("host %s (%s): %s", name, address.uuid, note)
    return row_id


def _write_details(ctx: Context, row_id: int, facts: HostFacts) -> None:
    kept = {**facts.details, **({"notes": "; ".join(facts.notes)} if facts.notes else {})}
    ctx.tx.execute(_DETAILS, host_id=row_id, names=[*kept, "notes"])
    ctx.tx.insert_many(
        schema.detail,
        [
            {"resource_type": "Host", "resource_id": row_id, "name": key, "value": value, "display": True}
            for key, value in kept.items()
        ],
    )


def update(
    ctx: Context,
    row: Row,
    *,
    name: str | None = None,
    tags: Sequence[str] | None = None,
    category: Row | None = None,
    state: str | None = None,
) -> None:
    """Changes a host; what is None stays. `state` is Enable or Disable. Raises `InvalidValue`."""
    if state is not None:
        row = host_state.want(ctx, row, state.removesuffix("d"), state.lower())
    changed: dict[str, Any] = {}
    if name is not None:
        if not name.strip():
            raise InvalidValue("a host needs a name")
        changed["name"] = name
    if tags is not None:
        changed["tags"] = list(dict.fromkeys(tags))
    if category is not None:
        changed["os_category_id"] = category["id"]
    if changed:
        ctx.tx.update(host, {"id": row["id"]}, **changed)


def delete(ctx: Context, row: Row, *, forced: bool) -> None:
    """Removes a host.

    Without `forced` it must be in maintenance, degraded, or not connected, and run nothing. By force its machines are
    written down as stopped, the host is told to stop them, and HA brings its own back when that was done. One that is
    being emptied, or connected, is not removed at all, and one that does not answer and may still run something not
    before it is fenced, or degraded. Raises `InvalidValue`, `OperationFailed`.
    """
    host_state.wanted(row, "DeleteHost", "removed")
    if not states.host_status.can(row["status"], "Remove"):
        raise InvalidValue(f"host {row['name']} is {row['status']}: try again when that has ended")
    safe = row["resource_state"] in ("Maintenance", "Degraded") or row["status"] in ("Disconnected", "Down", "Alert")
    if not safe and not forced:
        raise InvalidValue(
            f"host {row['name']} is {row['status']} and {row['resource_state']}: put it in maintenance first, "
            "or give forced=true"
        )
    silent = row["status"] != "Up" and row["resource_state"] != "Degraded"
    if silent and ctx.tx.scalar(_DOUBTED, host_id=row["id"], fenced=_fenced(row)):
        raise OperationFailed(
            f"host {row['name']} does not answer, and virtual machines may still run there: wait until it is fenced, or "
            "cut its power and declare it as degraded"
        )
    if ctx.tx.scalar(_BUSY, host_id=row["id"], states=[state for state in HOLDING if state != "Running"]):
        raise OperationFailed(f"virtual machines on host {row['name']} are starting or stopping: try again in a moment")
    machines = ctx.tx.all(_HERE, host_id=row["id"], states=["Running"])
    if machines and not forced:
        raise InvalidValue(f"{len(machines)} virtual machines run on host {row['name']}: give forced=true to stop them")
    for machine in machines:
        # until it has said so, or was fenced, nobody starts them elsewhere
        leave_host(ctx, machine, row["status"] != "Up", "FollowAgentPowerOffReport")
        kind = kind_of(machine)
        ctx.event(
            f"{kind.event}.STOP",
            f"{kind.label} {machine['display_name'] or machine['name']} was stopped: its host is removed",
            level="WARN",
            resource=(kind.instance, machine["uuid"]),
            account_id=machine["account_id"],
            domain_id=machine["domain_id"],
        )
        if row["status"] == "Up":
            ctx.submit(
                Order(
                    command="stopVirtualMachine",
                    workflow="virtualmachine.evict",
                    arguments={"vm_id": machine["id"], "host_id": row["id"]},
                    instance_type=kind.instance,
                    instance_uuid=machine["uuid"],
                    lock=f"vm:{machine['uuid']}",
                    account_id=machine["account_id"],
                    domain_id=machine["domain_id"],
                )
            )
        if ha.protects(ctx, machine):
            ha.bring_back(ctx, machine, "HostRemoved", row["id"])
    dedication.end_of_place(ctx, "Host", row["id"])
    gone = host_state.want(ctx, row, "DeleteHost", "removed")
    host_state.reach(ctx, gone, "Remove", removed=ctx.now)


def _fenced(row: Row) -> int:
    return int(row["fenced"] or 0) if row["status"] == "Down" else 0


def reconnect(ctx: Context, row: Row) -> str:
    """Starts the job that connects a host anew; answers its uuid."""
    return ctx.submit(
        Order(
            command=ctx.command,
            workflow="host.reconnect",
            arguments={"host_id": row["id"]},
            instance_type="Host",
            instance_uuid=row["uuid"],
            lock=f"host:{row['uuid']}",
            event="HOST.RECONNECT",
            event_text=f"connecting host {row['name']} anew",
        )
    )


def _leave(ctx: Context, host_id: int) -> dict[str, Any]:
    row = access.alive(ctx, HOST, host_id)
    if states.host_status.can(row["status"], "ShutdownRequested"):
        host_state.reach(ctx, row, "ShutdownRequested", disconnected=ctx.now)
    return address_of(ctx, host_id)


def _back(ctx: Context, host_id: int, facts: Mapping[str, Any]) -> dict[str, Any]:
    row = access.alive(ctx, HOST, host_id)
    host_state.reach(
        ctx,
        row,
        "AgentConnected",
        "Ready",
        disconnected=None,
        fencing=False,
        last_ping=ctx.now,
        hypervisor_version=facts["version"],
        cpu_sockets=facts["sockets"],
        cpu_cores=facts["cpus"],
        cpu_speed=facts["speed"],
        memory=facts["memory"],
    )
    return {"host": ctx.present("host", host_id)[0]}


@workflow("host.reconnect")
async def run_reconnect(wf: Workflow[Context], host_id: int) -> None:
    """Lets a host go and reaches it again. One that does not answer stays disconnected until it answers a ping."""
    plan = await wf.step("leave", _leave, host_id)
    facts = await wf.connect(host_address(plan))
    await wf.finish(
        _back,
        host_id,
        {
            "version": facts.hypervisor_version,
            "sockets": facts.cpu_sockets,
            "cpus": facts.cpus,
            "speed": facts.speed,
            "memory": facts.memory,
        },
    )


__all__ = ["Found", "Wanted", "add", "delete", "reach", "reconnect", "update"]
