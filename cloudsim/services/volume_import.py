"""Volumes that lie on storage and are nobody's yet: listed, taken in; and volumes that are let go of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import bindparam, select

from cloudsim.agents.base import AdoptVolume, AgentError, HostUnreachable, ListPoolVolumes
from cloudsim.core.errors import AgentTimeout, CloudError, InvalidValue, OperationFailed, ResourceUnavailable
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.placement import allocate
from cloudsim.db.types import Big
from cloudsim.jobs.workflow import Workflow, single, workflow
from cloudsim.services import access, placement, volume_create, volume_orders
from cloudsim.services.context import Cloud, Context
from cloudsim.services.listing import has_keyword
from cloudsim.services.nouns import STORAGE_POOL, VOLUME, ZONE
from cloudsim.services.snapshot_workflows import reaching
from cloudsim.services.vm_plain import Plain, host_address

_KNOWN = select(schema.volume.c.path).where(
    schema.volume.c.pool_id == bindparam("pool_id", type_=Big),
    schema.volume.c.path.is_not(None),
    schema.volume.c.removed.is_(None),
)
_CUSTOM = (
    select(schema.disk_offering)
    .where(
        schema.disk_offering.c.customized.is_(True),
        schema.disk_offering.c.compute_only.is_(False),
        schema.disk_offering.c.state == "Active",
        schema.disk_offering.c.removed.is_(None),
    )
    .order_by(schema.disk_offering.c.id)
)
_SNAPSHOT = (
    select(schema.snapshot.c.id)
    .where(schema.snapshot.c.volume_id == bindparam("volume_id", type_=Big), schema.snapshot.c.removed.is_(None))
    .limit(1)
)


async def look(cloud: Cloud, context: Any, uuid: str) -> list[Plain]:
    """What a host sees in a pool (its uuid; nothing for one that is not there). `context` makes one of a transaction.

    Raises `ResourceUnavailable`, `OperationFailed`.
    """

    def host(tx: Any) -> Plain | None:
        ctx: Context = context(tx)
        pool = ctx.tx.first(STORAGE_POOL.by_uuid, uuid=uuid)
        return None if pool is None else reaching(ctx, pool["id"])

    plain = await cloud.db.read(host)
    if plain is None:
        return []
    command = ListPoolVolumes(cloud.ids.uuid(), uuid)
    try:
        found: list[Plain] = (await cloud.agents.once(host_address(plain), command))["volumes"]
    except HostUnreachable as error:
        raise ResourceUnavailable(f"host {plain['name']} does not answer: {error}") from None
    except AgentError as error:
        raise OperationFailed(f"host {plain['name']}: {error}") from None
    return found


def unknown(
    ctx: Context, pool: Row, found: Sequence[Plain], path: str | None = None, keyword: str | None = None
) -> list[Plain]:
    """What of that is no volume yet."""
    known = {row["path"] for row in ctx.tx.all(_KNOWN, pool_id=pool["id"])}
    return [
        one
        for one in found
        if one["path"] not in known and path in (None, one["path"]) and has_keyword(keyword, one["name"], one["path"])
    ]


def take_in(
    ctx: Context, pool: Row, found: Sequence[Plain], path: str, account: Row, *, name: str | None, offering: Row | None
) -> str:
    """Orders that what lies in a pool under a path becomes a volume of an account; answers the job's uuid.

    Raises `InvalidValue`, `PermissionDenied`, `LimitReached`.
    """
    zone = access.row(ctx, ZONE, pool["zone_id"])
    volume_create.check_place(ctx, account, zone)
    if pool["status"] != "Up":
        raise InvalidValue(f"storage pool {pool['name']} is in status {pool['status']}, not Up")
    there = next(iter(unknown(ctx, pool, found, path)), None)
    if there is None:
        raise InvalidValue(
            f"nothing that is not a volume already lies at '{path[:100]}' in storage pool {pool['name']}"
        )
    size = volume_orders.check_size(ctx, int(there["size"]))
    offering = _offering(ctx, pool, account, zone, offering)
    volume_orders.check_limits(ctx, account["id"], offering, volumes=1, size=size)
    row = volume_orders.insert(
        ctx,
        account,
        zone["id"],
        name or there["name"],
        size,
        disk_offering_id=offering["id"],
        provisioning=offering["provisioning"],
        pool_id=pool["id"],
        path=path,
    )
    allocate(ctx.tx, pool["id"], size)
    row = volume_orders.move(ctx, row, "CreateRequested")
    return volume_orders.order(ctx, row, "volume.import", "VOLUME.IMPORT", "taking in", {"path": path})


def _offering(ctx: Context, pool: Row, account: Row, zone: Row, offering: Row | None) -> Row:
    """The disk offering of a volume that is taken in: a custom one that its pool fits. Raises `InvalidValue`."""
    if offering is not None:
        volume_orders.check_offering(ctx, offering, account, zone)
        if not offering["customized"]:
            raise InvalidValue(f"disk offering {offering['name']} is not custom: the volume keeps its size")
        if not _fits(pool, offering):
            raise InvalidValue(f"storage pool {pool['name']} is not what disk offering {offering['name']} asks for")
        return offering
    for one in for_everybody(ctx):
        if _fits(pool, one):
            return one
    raise InvalidValue("there is no custom disk offering for everybody that fits: name one with diskofferingid")


def for_everybody(ctx: Context) -> Iterator[Row]:
    """The custom disk offerings that everybody may use everywhere, for volumes that come as they are."""
    for one in ctx.tx.all(_CUSTOM):
        if not one["domain_ids"] and not one["zone_ids"] and not one["encrypt"]:
            yield one


def _fits(pool: Row, offering: Row) -> bool:
    local = offering["storage_type"] == "local"
    return local == (pool["scope"] == "HOST") and placement.tags(offering["tags"]) <= frozenset(pool["tags"])


def _look(ctx: Context, volume_id: int, path: str) -> Plain:
    row = volume_orders.alive(ctx, volume_id)
    return {"host": reaching(ctx, row["pool_id"]), "volume": [row["uuid"], row["name"], path, row["pool_uuid"]]}


def _taken_in(ctx: Context, volume_id: int, path: str) -> Plain:
    volume_orders.move(ctx, volume_orders.alive(ctx, volume_id), "OperationSucceeded", path=path)
    return volume_orders.result(ctx, volume_id)


def _failed(ctx: Context, error: CloudError, volume_id: int, **_: Any) -> None:
    """It is no volume; what lies there can be taken in again, under the name that it has then."""
    row = ctx.tx.first(VOLUME.by_id, row_id=volume_id)
    if row is not None and row["removed"] is None and row["state"] == "Creating":
        volume_orders.gone(ctx, row)


@workflow("volume.import", failed=_failed)
async def run(wf: Workflow[Context], volume_id: int, path: str) -> None:
    """Makes what lies on storage a volume."""
    plan = await wf.step("look", _look, volume_id, path)
    uuid, name, old, pool = plan["volume"]
    try:
        answer = await wf.call(host_address(plan["host"]), AdoptVolume(wf.command_id("adopt"), uuid, name, old, pool))
    except HostUnreachable as error:
        raise AgentTimeout(f"host {plan['host']['name']}: {error}") from None
    except AgentError as error:
        raise OperationFailed(f"host {plan['host']['name']}: {error}") from None
    await wf.finish(_taken_in, volume_id, answer["path"])


# -- let go


def unmanage(ctx: Context, row: Row) -> str:
    """Orders that a volume is forgotten and left where it lies; answers the job's uuid. Raises `InvalidValue`."""
    _check(ctx, row)
    return volume_orders.order(ctx, row, "volume.unmanage", "VOLUME.UNMANAGE", "letting go of")


def _check(ctx: Context, row: Row) -> None:
    if row["vm_id"] is not None:
        raise InvalidValue(f"volume {row['name']} is attached to a virtual machine: detach it first")
    volume_orders.must_rest(row, "it is kept")
    volume_orders.refuse_in_doubt(ctx, row)
    if row["path"] is None:
        raise InvalidValue(f"volume {row['name']} lies nowhere: deleteVolume forgets it")
    if row["delete_protection"]:
        raise InvalidValue(f"volume {row['name']} is protected from deletion (deleteprotection)")
    if ctx.tx.scalar(_SNAPSHOT, volume_id=row["id"]) is not None:
        raise InvalidValue(f"volume {row['name']} has snapshots: delete them first")
    offering = volume_orders.offering_of(ctx, row)
    if offering is not None and offering["encrypt"]:
        raise InvalidValue(f"volume {row['name']} is encrypted: nobody could read it any more")


def _unmanaged(ctx: Context, volume_id: int) -> Plain:
    row = volume_orders.alive(ctx, volume_id)
    _check(ctx, row)
    volume_orders.gone(ctx, row)
    return {"success": True}


single("volume.unmanage", _unmanaged)
