"""What virtual machines and volumes use: asked of their hosts now and then, kept in memory, and samples kept for a while.

Hosts count from the start of a machine. Told, and kept as samples, is what was used since the look before; what a
machine used since its start is kept beside it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, delete, select

from cloudsim.agents.base import AgentError, MachineStats
from cloudsim.core.clock import to_wire
from cloudsim.core.errors import InvalidValue
from cloudsim.db import schema
from cloudsim.db.database import Row, Transaction, WriteTransaction
from cloudsim.db.types import Big, any_of
from cloudsim.services import host, metrics
from cloudsim.services.context import Cloud, Context
from cloudsim.services.observed import Figures

log = logging.getLogger(__name__)

table, vm, volume = schema.stats, schema.vm, schema.volume

#: Seconds a host may take to tell.
SECONDS = 20.0
#: How many samples are written at once: others write in between.
BATCH = 500
#: Figures that count up, of machines and of disks.
COUNTED = ("net_read_kb", "net_write_kb", "disk_read_kb", "disk_write_kb", "disk_read_ops", "disk_write_ops")
OF_DISKS = ("read_kb", "write_kb", "read_ops", "write_ops")
#: What a sample holds, in this order: there are many of them.
PACKED = {
    "vm": ("cpu", *COUNTED, "memory_kb", "free_memory_kb", "target_memory_kb"),
    "volume": OF_DISKS,
}

_MACHINES = select(vm.c.id, vm.c.uuid, vm.c.instance_name, vm.c.type).where(any_of(vm.c.instance_name, "names"))
_VOLUMES = select(volume.c.id, volume.c.uuid, volume.c.is_system).where(any_of(volume.c.uuid, "uuids"))
_OLD = (
    select(table.c.id)
    .where(table.c.kind == bindparam("of_kind"), table.c.taken < bindparam("before", type_=Big))
    .limit(4 * BATCH)
)
_FORGET = delete(table).where(any_of(table.c.id, "ids"))
_TAKEN = (
    select(table.c.row_id, table.c.taken, table.c.figures)
    .where(
        table.c.kind == bindparam("of_kind"),
        any_of(table.c.row_id, "ids"),
        table.c.taken >= bindparam("since", type_=Big),
        table.c.taken <= bindparam("until", type_=Big),
    )
    .order_by(table.c.row_id, table.c.taken)
)
_NAMED = {
    "vm": select(vm.c.id, vm.c.uuid, vm.c.name, vm.c.display_name).where(any_of(vm.c.id, "ids")),
    "volume": select(volume.c.id, volume.c.uuid, volume.c.name).where(any_of(volume.c.id, "ids")),
}


# -- taking


def since(now: Mapping[str, Any], before: Mapping[str, Any] | None, names: Iterable[str]) -> Figures:
    """What was used since the look before; one that counts less than before was started anew."""
    made = dict(now)
    for name in names:
        if name in now and before is not None and before.get(name, 0) <= now[name]:
            made[name] = now[name] - before.get(name, 0)
    return made


async def look(cloud: Cloud) -> None:
    """Asks every host that is Up what its machines use, ten at a time."""
    turns = asyncio.Semaphore(10)
    at = cloud.clock.now()

    async def one(row: Row, address: Any) -> dict[str, Figures]:
        async with turns:
            try:
                answer = await cloud.agents.once(address, MachineStats(f"stats:{row['uuid']}:{at}"), timeout=SECONDS)
            except AgentError as error:
                log.info("host %s does not tell what its machines use: %s", row["uuid"], error)
                return {}
            machines: dict[str, Figures] = answer["machines"]
            return machines

    up = [found for found in await cloud.db.read(host.addresses) if found[0]["status"] == "Up"]
    found: dict[str, Figures] = {}
    for machines in await asyncio.gather(*(one(row, address) for row, address in up)):
        found.update(machines)
    rows = await cloud.db.read(lambda tx: tx.all(_MACHINES, names=list(found)) if found else [])
    _remember(cloud, {row["uuid"]: found[row["instance_name"]] for row in rows})
    await _keep_machines(cloud, rows, at)


def _remember(cloud: Cloud, machines: Mapping[str, Figures]) -> None:
    seen = cloud.observed
    disks: dict[str, Figures] = {}
    for figures in machines.values():
        disks.update(figures.pop("disks", {}))
    seen.machines = {uuid: since(now, seen.totals.get(uuid), COUNTED) for uuid, now in machines.items()}
    seen.volumes = {uuid: since(now, seen.volume_totals.get(uuid), OF_DISKS) for uuid, now in disks.items()}
    seen.totals, seen.volume_totals = dict(machines), disks


async def _keep_machines(cloud: Cloud, rows: Sequence[Row], at: int) -> None:
    kept = cloud.settings.number("vm.stats.max.retention.time") * 60_000
    only_users = cloud.settings.flag("vm.stats.user.vm.only")
    wanted = [row for row in rows if row["type"] == "User" or not only_users] if kept > 0 else []
    await _keep(cloud, "vm", [(row["id"], cloud.observed.machines[row["uuid"]]) for row in wanted], at, kept)


async def keep_volumes(cloud: Cloud) -> None:
    """Keeps a sample of what is read from volumes and written to them."""
    at, seen = cloud.clock.now(), cloud.observed.volumes
    if not cloud.settings.flag("vm.disk.stats.retention.enabled"):
        return
    kept = cloud.settings.number("vm.disk.stats.max.retention.time") * 60_000
    rows = await cloud.db.read(lambda tx: tx.all(_VOLUMES, uuids=list(seen)) if seen and kept > 0 else [])
    only_users = cloud.settings.flag("vm.stats.user.vm.only")
    wanted = [row for row in rows if row["uuid"] in seen and not (only_users and row["is_system"])]
    await _keep(cloud, "volume", [(row["id"], seen[row["uuid"]]) for row in wanted], at, kept)


async def _keep(cloud: Cloud, kind: str, samples: Sequence[tuple[int, Figures]], at: int, kept: int) -> None:
    """Writes samples of one look, and forgets those older than `kept` milliseconds. Others write in between."""
    names = PACKED[kind]
    made = [
        {"kind": kind, "row_id": row_id, "taken": at, "figures": [figures.get(name) for name in names]}
        for row_id, figures in samples
    ]
    for start in range(0, len(made), BATCH):
        await cloud.db.write(_insert, made[start : start + BATCH])
        await cloud.clock.sleep(0)
    while ids := await cloud.db.read(_old, kind, at - max(0, kept)):
        await cloud.db.write(_forget, ids)
        await cloud.clock.sleep(0)


def _insert(tx: WriteTransaction, samples: list[dict[str, Any]]) -> None:
    tx.insert_many(table, samples)


def _old(tx: Transaction, kind: str, before: int) -> list[int]:
    return [row["id"] for row in tx.all(_OLD, of_kind=kind, before=before)]


def _forget(tx: WriteTransaction, ids: list[int]) -> None:
    tx.execute(_FORGET, ids=ids)


# -- telling

#: Fields of the wire and the figures they show.
_OF_MACHINE = {
    "networkkbsread": "net_read_kb",
    "networkkbswrite": "net_write_kb",
    "diskkbsread": "disk_read_kb",
    "diskkbswrite": "disk_write_kb",
    "diskioread": "disk_read_ops",
    "diskiowrite": "disk_write_ops",
    "memorykbs": "memory_kb",
    "memoryintfreekbs": "free_memory_kb",
    "memorytargetkbs": "target_memory_kb",
}
_OF_VOLUME = {
    "diskkbsread": "read_kb",
    "diskkbswrite": "write_kb",
    "diskioread": "read_ops",
    "diskiowrite": "write_ops",
}


def machine(figures: Mapping[str, Any]) -> dict[str, Any]:
    """A machine's figures, as clients read them."""
    made = {field: figures[name] for field, name in _OF_MACHINE.items() if name in figures}
    return {"cpuused": f"{figures['cpu']:g}%", **made} if "cpu" in figures else made


def disk(figures: Mapping[str, Any]) -> dict[str, Any]:
    """A volume's figures, as clients read them; zeros where nothing was told of it."""
    return {field: figures.get(name, 0) for field, name in _OF_VOLUME.items()}


def accumulate(ctx: Context, objects: Sequence[dict[str, Any]], wanted: bool | None) -> None:
    """Where it is wanted (or set), puts what machines used since their start in the place of what they used lately."""
    if not (ctx.settings.flag("vm.stats.increment.metrics") if wanted is None else wanted):
        return
    for one in objects:
        total = ctx.cloud.observed.totals.get(one["id"])
        if total is not None and one.get("state") == "Running":
            one.update(machine(total))


def _sample_of_machine(figures: Mapping[str, Any]) -> dict[str, Any]:
    made = machine(figures)
    wide = metrics.readable(made)
    return {**made, **{key: wide[key] for key in ("networkread", "networkwrite", "diskiopstotal") if key in wide}}


def _sample_of_volume(figures: Mapping[str, Any]) -> dict[str, Any]:
    made = disk(figures)
    return {**made, "diskiopstotal": made["diskioread"] + made["diskiowrite"]}


_SAMPLES: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "vm": _sample_of_machine,
    "volume": _sample_of_volume,
}


def history(ctx: Context, kind: str, ids: Sequence[int], start: int | None, end: int | None) -> list[dict[str, Any]]:
    """The samples of machines (kind vm) or volumes, oldest first, between two instants. Raises `InvalidValue`."""
    if start is not None and end is not None and start > end:
        raise InvalidValue("startdate is after enddate")
    rows = {row["id"]: row for row in ctx.tx.all(_NAMED[kind], ids=ids)}
    taken: dict[int, list[dict[str, Any]]] = {}
    for row in ctx.tx.all(_TAKEN, of_kind=kind, ids=ids, since=start or 0, until=end if end is not None else ctx.now):
        figures = {name: value for name, value in zip(PACKED[kind], row["figures"], strict=False) if value is not None}
        sample = {"timestamp": to_wire(row["taken"]), **_SAMPLES[kind](figures)}
        taken.setdefault(row["row_id"], []).append(sample)
    made = []
    for row_id in ids:
        if row_id in rows:
            row = rows[row_id]
            shown = {"id": row["uuid"], "name": row["name"]}
            if row.get("display_name"):
                shown["displayname"] = row["display_name"]
            made.append({**shown, "stats": taken.get(row_id, [])})
    return made
