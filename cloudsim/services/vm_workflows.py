"""What happens to virtual machines, step by step: start, stop, reboot, destroy, expunge.

Each step's changes are one transaction with the step's record; commands to hosts carry ids that a host executes once.
A machine's jobs are ordered by its lock, so within a workflow only the host itself (a report, a ping) may have changed
the row meanwhile; every change of state names the state it expects.

When a host says no to a start, the next host is tried. When nobody knows what became of a command (`HostUnreachable`),
no other host is tried: the machine might run twice. It is then left stopped with its power state unknown on that host, and
is started again only after that host has said that it does not run there.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from sqlalchemy import and_, bindparam, or_, select

from cloudsim.agents.base import (
    CommandFailed,
    CreateVolume,
    DeleteVolume,
    DestroyMachine,
    DiskSpec,
    HostAddress,
    HostUnreachable,
    MachineSpec,
    NicSpec,
    RebootMachine,
    StartMachine,
    StopMachine,
)
from cloudsim.core import states
from cloudsim.core.errors import (
    CloudError,
    InsufficientCapacity,
    InsufficientServers,
    InvalidValue,
    OperationFailed,
    ResourceUnavailable,
)
from cloudsim.db import schema
from cloudsim.db import virtualmachine as db
from cloudsim.db.database import Row
from cloudsim.db.placement import allocate
from cloudsim.db.types import Big
from cloudsim.jobs.workflow import Workflow, workflow
from cloudsim.services import (
    access,
    affinitygroup,
    network,
    placement,
    resource,
    router,
    securitygroup_apply,
    securitygroup_member,
    shared_network,
    system_network,
    usage,
    vm_password,
    vm_request,
)
from cloudsim.services.cloud_machine import HYPERVISOR
from cloudsim.services.context import Context
from cloudsim.services.nouns import ACCOUNT, GUEST_OS, HOST, NETWORK, VIRTUAL_MACHINE
from cloudsim.services.virtualmachine import move

vm, volume, nic = schema.vm, schema.volume, schema.nic
MIB = 1024 * 1024
#: How many hosts are tried before a start is given up.
TRIES = 3
#: Seconds that a guest has to go by itself where no setting says it.
STOP_WAIT = 60.0

Plain = dict[str, Any]

_PLACES = (
    select(
        schema.host,
        schema.zone.c.uuid.label("zone_uuid"),
        schema.pod.c.uuid.label("pod_uuid"),
        schema.cluster.c.uuid.label("cluster_uuid"),
    )
    .select_from(
        schema.host.join(schema.zone, schema.host.c.zone_id == schema.zone.c.id)
        .outerjoin(schema.pod, schema.host.c.pod_id == schema.pod.c.id)
        .outerjoin(schema.cluster, schema.host.c.cluster_id == schema.cluster.c.id)
    )
    .where(schema.host.c.id == bindparam("host_id"))
)
_POOL_HOST = (
    select(schema.host.c.id)
    .where(
        schema.host.c.zone_id == bindparam("zone_id"),
        schema.host.c.hypervisor == bindparam("hypervisor"),
        schema.host.c.status == "Up",
        schema.host.c.removed.is_(None),
    )
    .order_by(schema.host.c.id)
    .limit(1)
)

_REACHES = (
    select(schema.host.c.id)
    .select_from(
        schema.storage_pool.join(
            schema.host,
            and_(
                schema.host.c.zone_id == schema.storage_pool.c.zone_id,
                or_(
                    schema.storage_pool.c.cluster_id.is_(None),
                    schema.storage_pool.c.cluster_id == schema.host.c.cluster_id,
                ),
            ),
        )
    )
    .where(
        schema.storage_pool.c.id == bindparam("pool_id"),
        schema.host.c.status == "Up",
        schema.host.c.removed.is_(None),
    )
    .order_by(schema.host.c.id)
    .limit(1)
)


# -- what steps hand to each other: plain data


def address_of(ctx: Context, host_id: int) -> Plain:
    """A host's address as plain data; `host_address` makes it whole again."""
    row = ctx.tx.first(_PLACES, host_id=host_id)
    if row is None:
        raise ResourceUnavailable("the host is gone")
    return {
        "id": row["id"],
        "uuid": row["uuid"],
        "name": row["name"],
        "url": row["url"],
        "hypervisor": row["hypervisor"],
        "details": db.details_of(ctx.tx, "Host", host_id),
        "places": {name: row[f"{name}_uuid"] for name in ("zone", "pod", "cluster") if row[f"{name}_uuid"] is not None},
    }


def host_for_pool(ctx: Context, pool_id: int) -> int | None:
    """A host that is Up and reaches a storage pool; None where there is none."""
    found = ctx.tx.scalar(_REACHES, pool_id=pool_id)
    return None if found is None else int(found)


def host_address(plain: Mapping[str, Any]) -> HostAddress:
    """The address that `address_of` took apart."""
    return HostAddress(plain["uuid"], plain["url"], plain["hypervisor"], plain["details"], plain["places"])


def _machine(ctx: Context, row: Row) -> Plain:
    """A machine as plain data, as its host needs it."""
    disks = db.volumes_of(ctx.tx, row["id"])
    cards = db.nics_of(ctx.tx, row["id"])
    if row["type"] != "User":
        cards = [*cards, *system_network.cards(ctx, row["id"], len(cards))]
    os = access.row(ctx, GUEST_OS, row["guest_os_id"])
    zone = ctx.tx.first(_ZONE, zone_id=row["zone_id"]) or {}
    return {
        "uuid": row["uuid"],
        "name": row["instance_name"],
        "hostname": row["name"],
        "cpus": row["cpu"],
        "speed": row["speed"],
        "memory": row["memory"] * MIB,
        "os": os["name"],
        "arch": row["arch"] or "x86_64",
        "boot_type": row["boot_type"],
        "boot_mode": row["boot_mode"],
        "userdata": row["userdata"],
        "ssh_public_key": row["ssh_public_key"],
        "details": db.details_of(ctx.tx, "UserVm", row["id"]),
        "disks": [
            {
                "id": disk["id"],
                "uuid": disk["uuid"],
                "name": disk["name"],
                "path": disk["path"],
                "pool": disk["pool_uuid"],
                "size": disk["size"],
                "device": disk["device_id"],
                "type": disk["type"],
                "template": disk["template_uuid"],
            }
            for disk in disks
        ],
        "nics": [
            {
                "uuid": card["uuid"],
                "mac": card["mac"],
                "ip": card["ip"],
                "netmask": card["netmask"],
                "gateway": card["gateway"],
                "broadcast_uri": card["broadcast_uri"],
                "device": card["device_id"],
                "default": card["is_default"],
                "dns": [text for text in (zone.get("dns1"), zone.get("dns2")) if text],
            }
            for card in cards
        ],
    }


_NO_HA = schema.ha_work.delete().where(schema.ha_work.c.vm_id == bindparam("vm_id"))
_ZONE = select(schema.zone).where(schema.zone.c.id == bindparam("zone_id"))


def _spec(plain: Plain, paths: Mapping[str, str], security: Plain | None = None) -> MachineSpec:
    parts = dict(plain)
    if security is not None:
        parts["security"] = securitygroup_apply.spec(security)
    parts["disks"] = tuple(
        DiskSpec(
            disk["uuid"], disk["path"] or paths[disk["uuid"]], disk["pool"], disk["size"], disk["device"], disk["type"]
        )
        for disk in plain["disks"]
    )
    parts["nics"] = tuple(NicSpec(**{**card, "dns": tuple(card["dns"])}) for card in plain["nics"])
    return MachineSpec(**parts)


def _vm(ctx: Context, vm_id: int) -> Row:
    row = ctx.tx.first(VIRTUAL_MACHINE.by_id, row_id=vm_id)
    if row is None or row["removed"] is not None:
        raise InvalidValue("the virtual machine is gone")
    return row


def result(ctx: Context, vm_id: int, noun: str | None = None) -> Plain:
    """The job result every operation on a machine ends with; `noun`: as what it is shown, where not as what it is."""
    noun = noun or _PRESENTED.get(_vm(ctx, vm_id)["type"], "virtualmachine")
    return {noun: ctx.present(noun, vm_id)[0]}


_PRESENTED = {"ConsoleProxy": "systemvm", "SecondaryStorageVm": "systemvm", "DomainRouter": "router"}


# -- start


def _check_running_limits(ctx: Context, row: Row) -> None:
    """Where only what runs counts, a start needs room within the limits of its owner. Raises `LimitReached`."""
    if row["type"] == "User" and ctx.settings.flag("resource.count.running.vms.only"):
        owner = access.row(ctx, ACCOUNT, row["account_id"])
        resource.check(ctx, owner, {"cpu": row["cpu"], "memory": row["memory"]})


def _check_start(ctx: Context, vm_id: int) -> Plain:
    """What must be settled before a start: a host that may still run the machine."""
    row = _vm(ctx, vm_id)
    if row["state"] == "Running":
        raise InvalidValue("the virtual machine runs already")
    if not states.virtualmachine.can(row["state"], "StartRequested"):
        raise InvalidValue(f"a virtual machine in state {row['state']} cannot be started")
    _check_running_limits(ctx, row)
    if row["power_state"] == "PowerUnknown" and row["power_host_id"] is not None:
        doubt = access.row(ctx, HOST, row["power_host_id"])
        if (doubt["status"] in ("Down", "Removed") or doubt["resource_state"] == "Degraded") and (
            doubt["fenced"] or 0
        ) >= (row["power_time"] or 0):
            return {}  # it was fenced since: nothing runs there
        return {"doubt": address_of(ctx, row["power_host_id"]), "uuid": row["uuid"], "name": row["instance_name"]}
    return {}


def _clear_doubt(ctx: Context, vm_id: int) -> None:
    ctx.tx.update(vm, {"id": vm_id}, power_state="PowerOff", power_time=ctx.now, power_host_id=None)


def _reserve(
    ctx: Context, vm_id: int, avoid: list[int], places: Mapping[str, Any], waited: list[str] | None = None
) -> Plain:
    """Chooses a host and storage, takes the room, makes the networks real, and moves the machine to Starting.

    Where a network lacks a router it answers the jobs to wait for (`routers`) and leaves the room to the router.
    """
    row = _vm(ctx, vm_id)
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
    plan: Plain = {"host": address_of(ctx, found.host.id), "machine": _machine(ctx, _vm(ctx, vm_id))}
    if shared:
        plan["groups"] = securitygroup_apply.groups_of(ctx, vm_id)
        plan["security"] = securitygroup_apply.rules_of(ctx, vm_id) if plan["groups"] else None
    return plan


async def _place(wf: Workflow[Context], vm_id: int, avoid: list[int], places: Plain, name: str) -> Plain:
    """`_reserve`, once the networks of the machine have their routers. Raises `ResourceUnavailable`."""
    plan = await wf.step(name, _reserve, vm_id, avoid, places)
    for turn in range(1, router.TURNS + 1):
        if "routers" not in plan:
            return plan
        await wf.ended(plan["routers"])
        plan = await wf.step(f"{name}-{turn}", _reserve, vm_id, avoid, places, plan["routers"])
    raise ResourceUnavailable(router.GONE)


def _take_back(ctx: Context, vm_id: int, refused: bool) -> None:
    """Gives the room on a host back. `refused`: that host has said that the machine does not run there."""
    row = _vm(ctx, vm_id)
    if row["host_id"] is not None:
        placement.release(ctx, row["host_id"], row["cpu"] * row["speed"], row["memory"] * MIB)
    values: Plain = {"host_id": None}
    if refused:
        values.update(power_state="PowerOff", power_host_id=None, power_time=ctx.now)
    else:
        values["power_time"] = ctx.now  # until now it may have been started
    ctx.tx.update(vm, {"id": vm_id}, **values)


def started(ctx: Context, vm_id: int, answer: Plain, paths: Mapping[str, str], shown: bool = True) -> Plain:
    """The end of a start: what the host answered is written down. Answers the job's result."""
    row = _vm(ctx, vm_id)
    move(
        ctx,
        row,
        "OperationSucceeded",
        last_host_id=row["host_id"],
        power_state="PowerOn",
        power_time=ctx.now,
        power_host_id=row["host_id"],
        vnc_port=answer.get("vnc_port"),
        bootinto_setup=None,
    )
    first = row["last_host_id"] is None
    usage.machine(ctx, usage.RUNNING_VM, row)
    if row["type"] == router.TYPE:
        router.started(ctx, row)
    if answer.get("groups"):
        securitygroup_apply.moved(ctx, vm_id, answer["groups"])
    for disk in db.volumes_of(ctx.tx, vm_id):
        if disk["state"] == "Creating":
            ctx.tx.update(
                volume,
                {"id": disk["id"]},
                state="Ready",
                path=paths.get(disk["uuid"], disk["path"]),
                update_count=disk["update_count"] + 1,
                attached=ctx.now if disk["type"] == "DATADISK" else None,
                updated=ctx.now,
            )
    if not shown:
        return {}
    made = result(ctx, vm_id)
    return vm_password.shown(ctx, vm_id, made) if first else made


def start_failed(ctx: Context, error: CloudError, vm_id: int, first: bool = False, **_: Any) -> None:
    """Undoes a start; a new machine (`first`) that never ran ends in Error."""
    row = ctx.tx.first(VIRTUAL_MACHINE.by_id, row_id=vm_id)
    if row is None or row["removed"] is not None:
        return
    hopeless = first and row["last_host_id"] is None
    if row["state"] == "Starting":
        if row["host_id"] is not None:
            _take_back(ctx, vm_id, refused=False)
        row = move(ctx, _vm(ctx, vm_id), "OperationFailedToError" if hopeless else "OperationFailed")
    elif row["state"] == "Stopped" and hopeless:
        row = move(ctx, row, "OperationFailedToError")
    if row["state"] == "Error":
        affinitygroup.leave(ctx, row)
        usage.end(ctx, "vm", vm_id)
    _put_volumes_back(ctx, vm_id)
    if row["type"] == router.TYPE:
        router.start_failed(ctx, row, error)


def _put_volumes_back(ctx: Context, vm_id: int) -> None:
    # A volume that may have been made keeps its pool, so that it is found again and its room stays counted.
    for disk in db.volumes_of(ctx.tx, vm_id):
        if disk["state"] == "Creating":
            ctx.tx.update(volume, {"id": disk["id"]}, state="Allocated", update_count=disk["update_count"] + 1)


async def run_start(wf: Workflow[Context], vm_id: int, places: Plain, prefix: str = "") -> tuple[Plain, dict[str, str]]:
    """The steps from a stopped machine to one that a host has started; answers what the host said, and volume paths."""
    doubt = await wf.step(prefix + "check", _check_start, vm_id)
    if doubt and not wf.done(prefix + "clear"):
        try:
            await wf.call(
                host_address(doubt["doubt"]),
                StopMachine(wf.command_id(prefix + "doubt"), doubt["uuid"], doubt["name"], forced=True),
            )
        except HostUnreachable:
            raise ResourceUnavailable(
                f"the virtual machine may still run on host {doubt['doubt']['name']}, which does not answer"
            ) from None
        await wf.step(prefix + "clear", _clear_doubt, vm_id)
    avoid: list[int] = list(places.get("avoid", ()))
    refusal = ""
    for attempt in range(1, TRIES + 1):
        try:
            plan = await _place(wf, vm_id, avoid, places, f"{prefix}reserve-{attempt}")
        except InsufficientCapacity as error:
            if not refusal:
                raise
            raise InsufficientServers(f"{error.message} (before that: {refusal})") from None
        if wf.done(f"{prefix}take-back-{attempt}"):  # it has refused before a crash: it is not asked again
            avoid.append(plan["host"]["id"])
            refusal = f"host {plan['host']['name']} refused before"
            continue
        host = host_address(plan["host"])
        try:
            paths = {}
            for disk in plan["machine"]["disks"]:
                if disk["path"] is None:
                    # a volume that is there already is fine: it is named by its uuid
                    made = await wf.call(
                        host,
                        CreateVolume(
                            wf.command_id(f"{prefix}volume-{attempt}-{disk['id']}"),
                            disk["uuid"],
                            disk["name"],
                            disk["pool"],
                            disk["size"],
                            disk["template"],
                        ),
                    )
                    paths[disk["uuid"]] = made["path"]
            command_id = wf.command_id(f"{prefix}start-{attempt}")
            spec = _spec(plan["machine"], paths, plan.get("security"))
            answer = await wf.call(host, StartMachine(command_id, spec))
            return {**answer, "groups": plan["groups"]} if plan.get("groups") else answer, paths
        except CommandFailed as error:
            refusal = f"host {plan['host']['name']}: {error}"
            # whatever it says it may have done half of it: no other host is tried before this one has stopped it
            undo = StopMachine(
                wf.command_id(f"{prefix}undo-{attempt}"), plan["machine"]["uuid"], plan["machine"]["name"], forced=True
            )
            await wf.call(host, undo)
            avoid.append(plan["host"]["id"])
            await wf.step(f"{prefix}take-back-{attempt}", _take_back, vm_id, True)
    raise OperationFailed(f"no host could start the virtual machine; {refusal}")


def _made(ctx: Context, vm_id: int) -> Plain:
    return vm_password.shown(ctx, vm_id, result(ctx, vm_id))


@workflow("virtualmachine.start", failed=start_failed)
async def start(wf: Workflow[Context], vm_id: int, first: bool = False, start: bool = True, **places: Any) -> None:
    """Starts a machine; as the `first` start of a new one, which may be left stopped (``startvm=false``)."""
    if not start:
        await wf.finish(_made, vm_id)
        return
    answer, paths = await run_start(wf, vm_id, places)
    await wf.finish(started, vm_id, answer, paths)


# -- stop


def stopping(ctx: Context, vm_id: int) -> Plain:
    """The beginning of a stop; answers what `run_stop` needs, nothing where the machine is stopped already."""
    row = _vm(ctx, vm_id)
    if row["state"] == "Stopped":
        return {}
    if row["state"] not in ("Running", "Stopping"):
        raise InvalidValue(f"a virtual machine in state {row['state']} cannot be stopped")
    move(ctx, row, "StopRequested")
    return {
        "host": address_of(ctx, row["host_id"]),
        "uuid": row["uuid"],
        "name": row["instance_name"],
        "wait": _stop_wait(ctx),
    }


def _stop_wait(ctx: Context) -> float:
    """How long a guest has to go by itself: ``StopCommand=<seconds>`` of the setting ``commands.timeout``."""
    for part in ctx.settings.text("commands.timeout").split(","):
        name, _, seconds = part.partition("=")
        if name.strip() == StopMachine.wire and seconds.strip().isdecimal():
            return float(seconds)
    return STOP_WAIT


def stopped(ctx: Context, vm_id: int, known: bool, shown: bool = True) -> Plain:
    """The end of a stop; `known`: the host said that the machine does not run there. Answers the job's result."""
    row = _vm(ctx, vm_id)
    if row["state"] == "Stopping":
        leave_host(ctx, row, known)
    elif row["state"] == "Stopped":
        ctx.tx.execute(_NO_HA, vm_id=vm_id)  # who asks for a stop wants no HA
    return result(ctx, vm_id) if shown else {}


def leave_host(ctx: Context, row: Row, known: bool, event: str = "OperationSucceeded") -> None:
    """Takes a machine off its host (state after `event`); `known`: the host said that it does not run there.

    A doubt about another host, which it may have moved to, stays.
    """
    host_id = row["host_id"]
    if host_id is not None:
        placement.release(ctx, host_id, row["cpu"] * row["speed"], row["memory"] * MIB)
    usage.end(ctx, "vm", row["id"], usage.RUNNING_VM)
    doubt = None if known else host_id
    if row["power_state"] == "PowerUnknown" and row["power_host_id"] not in (None, host_id):
        doubt = row["power_host_id"]  # it may have moved there before its answer was lost
    move(
        ctx,
        row,
        event,
        host_id=None,
        last_host_id=host_id,
        power_state="PowerOff" if doubt is None else "PowerUnknown",
        # a host that was asked to stop it has not begun to run it since
        power_time=ctx.now if doubt is None else row["power_time"],
        power_host_id=doubt,
        vnc_port=None,
    )
    cards = db.nics_of(ctx.tx, row["id"])
    for card in cards:
        ctx.tx.update(nic, {"uuid": card["uuid"]}, state="Allocated")
    if any(card["guest_type"] == "Shared" for card in cards):
        securitygroup_apply.moved(ctx, row["id"])
    if row["type"] == router.TYPE:
        router.left(ctx, row)
    elif row["type"] != "User":
        system_network.release(ctx, row["id"])


def _stop_failed(ctx: Context, error: CloudError, vm_id: int, **_: Any) -> None:
    row = ctx.tx.first(VIRTUAL_MACHINE.by_id, row_id=vm_id)
    if row is not None and row["state"] == "Stopping":
        move(ctx, row, "OperationFailed")


async def run_stop(wf: Workflow[Context], plan: Plain, forced: bool, prefix: str = "") -> bool:
    """Makes a host stop a machine; False where only a forced stop of a host that does not answer was asked for."""
    host = host_address(plan["host"])
    if not forced:
        try:
            command_id = wf.command_id(prefix + "shutdown")
            await wf.call(host, StopMachine(command_id, plan["uuid"], plan["name"], wait=plan.get("wait", STOP_WAIT)))
            return True
        except CommandFailed:
            pass  # the guest does not go by itself
    try:
        await wf.call(host, StopMachine(wf.command_id(prefix + "off"), plan["uuid"], plan["name"], forced=True))
    except HostUnreachable:
        if not forced:
            raise
        return False
    return True


@workflow("virtualmachine.stop", failed=_stop_failed)
async def stop(wf: Workflow[Context], vm_id: int, forced: bool = False) -> None:
    """Stops a machine; one that is stopped already is fine."""
    plan = await wf.step("stopping", stopping, vm_id)
    known = await run_stop(wf, plan, forced) if plan else True
    await wf.finish(stopped, vm_id, known)


# -- reboot


def _rebooting(ctx: Context, vm_id: int) -> Plain:
    row = _vm(ctx, vm_id)
    if row["state"] != "Running" or row["host_id"] is None:
        raise InvalidValue(f"a virtual machine in state {row['state']} cannot be rebooted")
    return {"host": address_of(ctx, row["host_id"]), "uuid": row["uuid"], "name": row["instance_name"]}


def _rebooted(ctx: Context, vm_id: int) -> Plain:
    ctx.tx.update(vm, {"id": vm_id}, updated=ctx.now, power_state="PowerOn", power_time=ctx.now)
    return result(ctx, vm_id)


def reboot_failed(ctx: Context, error: CloudError, vm_id: int, **_: Any) -> None:
    """Undoes a stop or a start that is under way."""
    _stop_failed(ctx, error, vm_id)
    start_failed(ctx, error, vm_id)


@workflow("virtualmachine.reboot", failed=reboot_failed)
async def reboot(wf: Workflow[Context], vm_id: int, forced: bool = False, boot_into_setup: bool = False) -> None:
    """Restarts the guest in place, or by stopping and starting the machine where that is asked for."""
    plan = await wf.step("check", _rebooting, vm_id)
    if not forced:
        await wf.call(host_address(plan["host"]), RebootMachine(wf.command_id("reboot"), plan["uuid"], plan["name"]))
        await wf.finish(_rebooted, vm_id)
        return
    plan = await wf.step("stopping", stopping, vm_id)
    if not wf.done("stopped"):  # else it runs again by now, perhaps
        known = await run_stop(wf, plan, False)
        await wf.step("stopped", stopped, vm_id, known, False)
    answer, paths = await run_start(wf, vm_id, {}, "again-")
    await wf.finish(started, vm_id, answer, paths)


# -- destroy and expunge


def _destroying(ctx: Context, vm_id: int) -> Plain:
    row = _vm(ctx, vm_id)
    if row["state"] in ("Running", "Stopping"):
        return stopping(ctx, vm_id)
    if row["state"] in ("Stopped", "Destroyed", "Expunging", "Error"):
        return {}
    raise InvalidValue(f"a virtual machine in state {row['state']} cannot be destroyed")


def _destroyed(ctx: Context, vm_id: int, known: bool, volume_ids: list[int], shown: bool) -> Plain:
    stopped(ctx, vm_id, known, shown=False)
    row = _vm(ctx, vm_id)
    if row["state"] == "Stopped":
        row = move(ctx, row, "DestroyRequested", destroyed=ctx.now)
        usage.end(ctx, "vm", vm_id)
    elif row["state"] == "Error":
        row = move(ctx, row, "ExpungeOperation", destroyed=ctx.now)
    if row["type"] == router.TYPE:
        router.gone(ctx, row)
    for volume_id in volume_ids:
        ctx.tx.update(volume, {"id": volume_id, "vm_id": vm_id}, state="Destroy", destroyed=ctx.now)
    return result(ctx, vm_id) if shown else {}


def _destroy_failed(ctx: Context, error: CloudError, vm_id: int, **_: Any) -> None:
    # What is Expunging stays so: the periodic expunge takes it up again.
    _stop_failed(ctx, error, vm_id)


@workflow("virtualmachine.destroy", failed=_destroy_failed)
async def destroy(
    wf: Workflow[Context], vm_id: int, expunge: bool = False, volume_ids: list[int] | None = None
) -> None:
    """Stops a machine where it runs and marks it destroyed; with `expunge` removes it for good."""
    plan = await wf.step("destroying", _destroying, vm_id)
    if not wf.done("destroyed"):
        known = await run_stop(wf, plan, True) if plan else True
        if not expunge:
            await wf.finish(_destroyed, vm_id, known, volume_ids or [], True)
            return
        await wf.step("destroyed", _destroyed, vm_id, known, volume_ids or [], False)
    await run_expunge(wf, vm_id)
    await wf.finish(_expunged, vm_id)


def _expunging(ctx: Context, vm_id: int) -> Plain:
    row = _vm(ctx, vm_id)
    if row["state"] not in ("Destroyed", "Expunging", "Error"):
        raise InvalidValue(f"a virtual machine in state {row['state']} cannot be expunged")
    if row["state"] != "Expunging":
        row = move(ctx, row, "ExpungeOperation")
    ids = {host_id for host_id in (row["last_host_id"], row["power_host_id"], row["host_id"]) if host_id}
    # what is off or gone for good cannot be asked to forget it, and runs nothing
    hosts = [
        host_id
        for host_id in sorted(ids)
        if (there := access.row(ctx, HOST, host_id))["removed"] is None and there["status"] != "Down"
    ]
    removable = [
        disk
        for disk in db.volumes_of(ctx.tx, vm_id)
        if disk["type"] == "ROOT" or disk["state"] == "Destroy" or disk["path"] is None
    ]
    reaching = next(
        (found for disk in removable if disk["pool_id"] and (found := host_for_pool(ctx, disk["pool_id"]))),
        ctx.tx.scalar(_POOL_HOST, zone_id=row["zone_id"], hypervisor=row["hypervisor"]) or row["last_host_id"],
    )
    return {
        "uuid": row["uuid"],
        "name": row["instance_name"],
        "hosts": [address_of(ctx, host_id) for host_id in hosts],
        "storage_host": address_of(ctx, reaching) if reaching else None,
        "volumes": [
            {"id": disk["id"], "uuid": disk["uuid"], "path": disk["path"] or disk["uuid"], "pool": disk["pool_uuid"]}
            for disk in removable
        ],
    }


async def run_expunge(wf: Workflow[Context], vm_id: int) -> None:
    """Removes a machine and its volumes from hosts and storage."""
    plan = await wf.step("expunging", _expunging, vm_id)
    for host in plan["hosts"]:
        await wf.call(
            host_address(host), DestroyMachine(wf.command_id(f"undefine-{host['id']}"), plan["uuid"], plan["name"])
        )
    for disk in plan["volumes"]:
        if disk["pool"] is not None and plan["storage_host"] is not None:
            await wf.call(
                host_address(plan["storage_host"]),
                DeleteVolume(wf.command_id(f"delete-{disk['id']}"), disk["uuid"], disk["path"], disk["pool"]),
            )


def _expunged(ctx: Context, vm_id: int) -> Plain:
    """Gives everything back: addresses, storage; data disks that were not asked to go are kept, detached."""
    row = _vm(ctx, vm_id)
    shown = result(ctx, vm_id)
    for disk in db.volumes_of(ctx.tx, vm_id):
        if disk["type"] == "ROOT" or disk["state"] == "Destroy" or disk["path"] is None:
            if disk["pool_id"] is not None:
                allocate(ctx.tx, disk["pool_id"], -disk["size"])
            ctx.tx.update(volume, {"id": disk["id"]}, state="Expunged", removed=ctx.now, updated=ctx.now)
            usage.end(ctx, "volume", disk["id"])
        else:
            ctx.tx.update(volume, {"id": disk["id"]}, vm_id=None, device_id=None, attached=None, updated=ctx.now)
    for card in db.nics_of(ctx.tx, vm_id):
        ctx.tx.update(nic, {"uuid": card["uuid"]}, removed=ctx.now, state="Deallocating")
        usage.end(ctx, "nic", card["id"])
        if card["guest_type"] == "Shared":
            shared_network.release(ctx, card["network_id"], card["ip"])
            securitygroup_member.leave(ctx, vm_id)
    if row["type"] != "User":
        system_network.release(ctx, vm_id)
    affinitygroup.leave(ctx, row)
    usage.end(ctx, "vm", vm_id)
    ctx.tx.update(
        vm,
        {"id": vm_id, "update_count": row["update_count"]},
        removed=ctx.now,
        updated=ctx.now,
        host_id=None,
        power_state="PowerOff",
        power_host_id=None,
        update_count=row["update_count"] + 1,
    )
    ctx.tx.execute(_NO_SNAPSHOT_TAGS, vm_id=vm_id)
    ctx.tx.execute(_NO_SNAPSHOTS, vm_id=vm_id, at=ctx.now)
    ctx.tx.execute(_NO_SNAPSHOTS_USED, vm_id=vm_id, at=ctx.now)
    ctx.tx.execute(_NO_SCHEDULES, vm_id=vm_id, at=ctx.now)
    ctx.tx.execute(_DELETE_DETAILS, vm_id=vm_id)
    ctx.tx.execute(_DELETE_TAGS, vm_id=vm_id)
    if row["type"] == router.TYPE:
        shown["router"]["state"] = "Destroyed"  # what clients of routers know of one that is gone
    return shown


def _gone(ctx: Context, vm_id: int) -> Plain:
    _expunged(ctx, vm_id)
    return {"success": True}


_NO_SNAPSHOTS = (
    schema.vm_snapshot.update()
    .where(schema.vm_snapshot.c.vm_id == bindparam("vm_id"), schema.vm_snapshot.c.removed.is_(None))
    .values(state="Removed", current=False, removed=bindparam("at", type_=Big))
)
_NO_SNAPSHOT_TAGS = schema.tag.delete().where(
    schema.tag.c.resource_type == "VMSnapshot",
    schema.tag.c.resource_id.in_(
        select(schema.vm_snapshot.c.id).where(schema.vm_snapshot.c.vm_id == bindparam("vm_id"))
    ),
)
_NO_SNAPSHOTS_USED = (
    schema.usage.update()
    .where(
        schema.usage.c.vm_id == bindparam("vm_id"),
        schema.usage.c.kind == "vmsnapshot",
        schema.usage.c.ended.is_(None),
    )
    .values(ended=bindparam("at", type_=Big))
)
_NO_SCHEDULES = (
    schema.vm_schedule.update()
    .where(schema.vm_schedule.c.vm_id == bindparam("vm_id"), schema.vm_schedule.c.removed.is_(None))
    .values(removed=bindparam("at", type_=Big), due=None)
)
_DELETE_DETAILS = schema.detail.delete().where(
    schema.detail.c.resource_type == "UserVm", schema.detail.c.resource_id == bindparam("vm_id")
)
_DELETE_TAGS = schema.tag.delete().where(
    schema.tag.c.resource_type == "UserVm", schema.tag.c.resource_id == bindparam("vm_id")
)


@workflow("virtualmachine.expunge")
async def expunge(wf: Workflow[Context], vm_id: int) -> None:
    """Removes a destroyed machine for good."""
    await run_expunge(wf, vm_id)
    await wf.finish(_gone, vm_id)


# -- machines found where they should not be


def _evicting(ctx: Context, vm_id: int, host_id: int) -> Plain:
    row = ctx.tx.first(VIRTUAL_MACHINE.by_id, row_id=vm_id)
    if row is None:
        return {}
    if row["removed"] is None and row["host_id"] == host_id and row["state"] in ("Running", "Starting", "Stopping"):
        return {}  # it belongs there by now
    return {"host": address_of(ctx, host_id), "uuid": row["uuid"], "name": row["instance_name"]}


def _evicted(ctx: Context, vm_id: int, host_id: int) -> Plain:
    row = ctx.tx.first(VIRTUAL_MACHINE.by_id, row_id=vm_id)
    if row is not None and row["host_id"] is None and row["power_host_id"] == host_id:
        _clear_doubt(ctx, vm_id)
    return {"success": True}


@workflow("virtualmachine.evict")
async def evict(wf: Workflow[Context], vm_id: int, host_id: int) -> None:
    """Stops a machine that a host reports and that should not run there (its start was given up when nobody answered)."""
    plan = await wf.step("check", _evicting, vm_id, host_id)
    if plan:
        await wf.call(
            host_address(plan["host"]), StopMachine(wf.command_id("off"), plan["uuid"], plan["name"], forced=True)
        )
    await wf.finish(_evicted, vm_id, host_id)
