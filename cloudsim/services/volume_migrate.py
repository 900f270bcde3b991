"""Volumes move to other storage pools: while nothing uses them, or (`livemigrate`) while their machine runs.

Until it has moved a volume has its room in both pools. When nobody knows whether it did (the host does not answer), it
counts as being where it was, keeps its room in both, and is brought back as soon as a host answers (`volume_doubt`).
"""

from __future__ import annotations

from typing import Any

from cloudsim.agents.base import CommandFailed, HostUnreachable, MigrateVolume
from cloudsim.allocators.base import PoolCandidate, Refusal, Request
from cloudsim.allocators.pool_rules import pool_refusal
from cloudsim.core.errors import AgentTimeout, CloudError, InsufficientStorage, InvalidValue, OperationFailed
from cloudsim.db import virtualmachine as vm_db
from cloudsim.db.database import Row
from cloudsim.db.placement import allocate
from cloudsim.jobs.workflow import Workflow, workflow
from cloudsim.services import access, storagepool, vm_request, vmsnapshot, volume_orders
from cloudsim.services.context import Context
from cloudsim.services.nouns import ACCOUNT, DISK_OFFERING, STORAGE_POOL, VOLUME, ZONE
from cloudsim.services.snapshot_workflows import reaching
from cloudsim.services.vm_migration import motion
from cloudsim.services.vm_placing import ROOM, Places, volume_request
from cloudsim.services.vm_plain import Plain, address_of, host_address
from cloudsim.services.volume_orders import alive, held, machine_with, move
from cloudsim.services.volume_place import reaching_all

# -- where one may go


class Targets:
    """The pools of a volume's zone, and the hosts that must reach the one it goes to: any of them is enough."""

    def __init__(self, ctx: Context, row: Row, machine: Row | None) -> None:
        self._row = row
        if machine is None:
            kind = row["pool_hypervisor"] if row["pool_hypervisor"] != "Any" else None
            self.places = Places(ctx, row, Request(cpus=0, speed=0, memory=0, hypervisor=kind or ""))
            self.hosts = [one for one in self.places.hosts.values() if kind in (None, "", one.hypervisor)]
            return
        others = [disk for disk in vm_db.volumes_of(ctx.tx, machine["id"]) if disk["id"] != row["id"]]
        self.places = Places(ctx, machine, vm_request.of(ctx, machine, others, moves=True))
        if machine["host_id"] is not None:
            self.hosts = [self.places.hosts[machine["host_id"]]]
        else:
            self.hosts = reaching_all(self.places, machine["hypervisor"], others)

    def refusal(self, pool: PoolCandidate, offering: Row | None = None) -> Refusal | None:
        """Why the volume, of another `offering` where that is given, cannot lie in a pool; None: it can."""
        row = self._row
        if offering is not None:
            row = {**row, "offering_tags": offering["tags"], "storage_type": offering["storage_type"]}
        asked = volume_request(row, None)
        found: list[Refusal] = []
        for host in self.hosts:
            refusal = pool_refusal(asked, host, pool, self.places.policy)
            if refusal is None:
                return None
            found.append(refusal)
        if not found:
            return Refusal("pool", pool.uuid, pool.name, "no host reaches it together with the other disks", "reach")
        return next((one for one in found if one.rule != "reach"), found[0])

    def best(self, offering: Row) -> PoolCandidate:
        """The emptiest pool that can take the volume with another offering. Raises `InsufficientStorage`."""
        pools = sorted(self.places.pools.values(), key=lambda one: one.allocated / (one.total or 1))
        for pool in pools:
            if pool.id != self._row["pool_id"] and self.refusal(pool, offering) is None:
                return pool
        raise InsufficientStorage(
            f"no storage pool can take volume {self._row['name']} with disk offering {offering['name']}"
        )


def pools_for(ctx: Context, row: Row, keyword: str | None) -> list[tuple[int, bool]]:
    """Ids of the pools of a volume's zone but its own, with whether it could move there; those that fit first."""
    row = volume_orders.full(ctx, row)
    if row["state"] != "Ready":
        raise InvalidValue(f"volume {row['name']} is in state {row['state']}: only one that is Ready can be moved")
    machine = machine_with(ctx, row)
    if machine is not None and machine["state"] == "Running" and not motion(ctx, machine["hypervisor"]):
        return []
    targets = Targets(ctx, row, machine)
    named = set(storagepool.LISTING.ids(ctx, {"keyword": keyword, "zone": row["zone_id"]}))
    found = [
        (pool.id, targets.refusal(pool) is None)
        for pool in targets.places.pools.values()
        if pool.id in named and pool.id != row["pool_id"]
    ]
    return sorted(found, key=lambda one: (not one[1], one[0]))


# -- migrate


def migrate(ctx: Context, row: Row, pool: Row, *, live: bool, offering: Row | None) -> str:
    """Orders that a volume moves to another pool, and gets another disk offering; answers the job's uuid.

    Raises `InvalidValue`, `InsufficientStorage`, `ResourceUnavailable`.
    """
    row = volume_orders.full(ctx, row)
    _check(ctx, row, pool["id"], live, offering)
    machine = machine_with(ctx, row)
    arguments = {
        "vm_id": row["vm_id"],
        "pool_id": pool["id"],
        "live": live,
        "offering_id": offering["id"] if offering is not None else None,
    }
    return volume_orders.order(ctx, row, "volume.migrate", "VOLUME.MIGRATE", "moving", arguments, machine=machine)


def _check(ctx: Context, row: Row, pool_id: int, live: bool, offering: Row | None) -> None:
    check_still(ctx, row, live)
    if pool_id == row["pool_id"]:
        raise InvalidValue(f"volume {row['name']} lies in that storage pool already")
    if offering is not None:
        account, zone = access.row(ctx, ACCOUNT, row["account_id"]), access.row(ctx, ZONE, row["zone_id"])
        if row["type"] != "ROOT" or not offering["compute_only"]:
            volume_orders.check_offering(ctx, offering, account, zone)
        if not offering["customized"] and offering["size"] not in (0, row["size"]):
            raise InvalidValue(
                f"disk offering {offering['name']} is for another size than volume {row['name']} has: resize it first"
            )
    targets = Targets(ctx, row, machine_with(ctx, row))
    pool = targets.places.pool(pool_id)
    refusal = targets.refusal(pool, offering)
    if refusal is not None:
        text = f"storage pool {pool.name} cannot take volume {row['name']}: {refusal.reason}"
        raise InsufficientStorage(text) if refusal.rule in ROOM else InvalidValue(text)


def check_still(ctx: Context, row: Row, live: bool) -> None:
    """Raises `InvalidValue`, `ResourceUnavailable` where a volume cannot move, wherever it were to go."""
    if row["state"] != "Ready":
        raise InvalidValue(f"volume {row['name']} is in state {row['state']}: only one that is Ready can be moved")
    if row["pool_scope"] == "HOST":
        raise InvalidValue(f"volume {row['name']} lies on local storage: it stays there")
    if not ctx.settings.flag("enable.storage.migration"):
        raise InvalidValue("no volume is moved here (setting enable.storage.migration)")
    volume_orders.must_rest(row, "it cannot be moved")
    volume_orders.refuse_in_doubt(ctx, row)
    machine = machine_with(ctx, row)
    if machine is None:
        return
    if machine["state"] not in ("Running", "Stopped"):
        raise InvalidValue(f"a virtual machine in state {machine['state']} keeps its volumes where they are")
    vmsnapshot.refuse_while_any(ctx, machine["id"], "its disks stay where they are")
    volume_orders.refuse_unknown_power(ctx, machine)
    if machine["state"] == "Running":
        if not live:
            raise InvalidValue(f"volume {row['name']} is used by a virtual machine that runs: give livemigrate=true")
        if not motion(ctx, machine["hypervisor"]):
            raise InvalidValue(
                f"hypervisor {machine['hypervisor']} moves no disks of running virtual machines (storagemotionenabled)"
            )


def leave(ctx: Context, row: Row, pool_id: int) -> Plain:
    """Takes the room in another pool; answers what a host has to do. The checks come before."""
    machine = machine_with(ctx, row)
    runs = machine is not None and machine["state"] == "Running"
    allocate(ctx.tx, pool_id, row["size"])
    move(ctx, row, "MigrationRequested", target_pool_id=pool_id)
    target = access.row(ctx, STORAGE_POOL, pool_id)["uuid"]
    made: Plain = {
        "host": reaching(ctx, row["pool_id"]),
        "volume": [row["uuid"], row["path"], row["pool_uuid"], target],
        "limit": ctx.settings.number("migratewait") or 3600,
    }
    if runs:
        assert machine is not None
        made |= {
            "host": address_of(ctx, machine["host_id"]),
            "machine": [machine["uuid"], machine["instance_name"]],
        }
    return made


def arrive(ctx: Context, volume_id: int, path: str | None, **values: Any) -> Row:
    """The volume lies in the other pool, and only there."""
    row = alive(ctx, volume_id)
    allocate(ctx.tx, row["pool_id"], -row["size"])
    moved = {"pool_id": row["target_pool_id"], "target_pool_id": None, "path": path or row["path"]}
    return move(ctx, row, "OperationSucceeded", **moved, **values)


def stay(ctx: Context, error: CloudError, volume_id: int, **_: Any) -> None:
    """The volume lies where it was; as long as nobody knows, it keeps its room in both."""
    row = ctx.tx.first(VOLUME.by_id, row_id=volume_id)
    if row is None or row["state"] != "Migrating":
        return
    values: dict[str, Any] = {}
    if not isinstance(error, AgentTimeout):
        allocate(ctx.tx, row["target_pool_id"], -row["size"])
        values["target_pool_id"] = None
    move(ctx, row, "OperationFailed", **values)


async def carry(wf: Workflow[Context], plan: Plain) -> str | None:
    """Has a host move a volume; answers its path then. Raises `OperationFailed`, `AgentTimeout`."""
    machine = tuple(plan["machine"]) if "machine" in plan else None
    uuid, path, pool, target = plan["volume"]
    command = MigrateVolume(wf.command_id("move"), uuid, path, pool, target, machine)
    try:
        return (await wf.call(host_address(plan["host"]), command, timeout=plan["limit"])).get("path")
    except CommandFailed as error:
        raise OperationFailed(f"host {plan['host']['name']}: {error}") from None
    except HostUnreachable as error:
        raise AgentTimeout(f"host {plan['host']['name']}: {error}") from None


def _begin(ctx: Context, volume_id: int, vm_id: int | None, pool_id: int, live: bool, offering_id: int | None) -> Plain:
    row = held(ctx, volume_id, vm_id)
    offering = access.alive(ctx, DISK_OFFERING, offering_id) if offering_id is not None else None
    _check(ctx, row, pool_id, live, offering)
    return leave(ctx, row, pool_id)


def _moved(ctx: Context, volume_id: int, path: str | None, offering_id: int | None) -> Plain:
    arrive(ctx, volume_id, path)
    row = alive(ctx, volume_id)
    if offering_id is not None:
        volume_orders.change_offering(ctx, row, access.row(ctx, DISK_OFFERING, offering_id))
    return volume_orders.result(ctx, volume_id)


@workflow("volume.migrate", failed=stay)
async def run(
    wf: Workflow[Context],
    volume_id: int,
    vm_id: int | None,
    pool_id: int,
    live: bool = False,
    offering_id: int | None = None,
) -> None:
    """Moves a volume to another pool."""
    plan = await wf.step("leaving", _begin, volume_id, vm_id, pool_id, live, offering_id)
    path = await carry(wf, plan)
    await wf.finish(_moved, volume_id, path, offering_id)
