"""How much of storage volumes take: asked of hosts every ``volume.stats.interval`` milliseconds, and kept in memory."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, select

from cloudsim.agents.base import AgentError, ListPoolVolumes
from cloudsim.core.caller import Caller
from cloudsim.db import schema
from cloudsim.db.types import Big
from cloudsim.services.context import Cloud
from cloudsim.services.observed import Figures
from cloudsim.services.vm_plain import Plain, address_of, host_address, host_for_pool

log = logging.getLogger(__name__)

volume, pool = schema.volume, schema.storage_pool
#: Seconds in which a host has to tell of a pool, and how many pools are asked for at a time.
SECONDS, WIDTH = 60.0, 4

_POOLS = select(pool.c.id, pool.c.uuid).where(pool.c.status == "Up", pool.c.removed.is_(None)).order_by(pool.c.id)
_VOLUMES = select(volume.c.uuid, volume.c.path).where(
    volume.c.pool_id == bindparam("pool_id", type_=Big), volume.c.path.is_not(None), volume.c.removed.is_(None)
)


async def look(cloud: Cloud, admin: Caller) -> None:
    """Asks a host of each pool what lies there."""

    def pools(tx: Any) -> list[tuple[int, str, Plain]]:
        ctx = cloud.context(tx, admin)
        found = [(row["id"], row["uuid"], host_for_pool(ctx, row["id"])) for row in tx.all(_POOLS)]
        return [(row_id, uuid, address_of(ctx, host)) for row_id, uuid, host in found if host is not None]

    turns = asyncio.Semaphore(WIDTH)

    async def one(pool_id: int, uuid: str, host: Plain) -> dict[str, Figures]:
        async with turns:
            try:
                command = ListPoolVolumes(cloud.ids.uuid(), uuid)
                answer = await cloud.agents.once(host_address(host), command, timeout=SECONDS)
            except AgentError as error:
                log.info("host %s does not tell what lies in pool %s: %s", host["uuid"], uuid, error)
                return {}
            rows = await cloud.db.read(lambda tx: tx.all(_VOLUMES, pool_id=pool_id))
            return _known(rows, answer["volumes"])

    found: dict[str, Figures] = {}
    for sizes in await asyncio.gather(*(one(*place) for place in await cloud.db.read(pools))):
        found.update(sizes)
    cloud.observed.volume_sizes = found


def _known(rows: Sequence[Figures], there: Sequence[Figures]) -> dict[str, Figures]:
    """The sizes of what lies in a pool, by the uuids of its volumes."""
    names = {row["path"]: row["uuid"] for row in rows}
    return {
        names[one["path"]]: {"size": one["size"], "physical_size": one["physical_size"]}
        for one in there
        if one["path"] in names
    }


__all__ = ["look"]
