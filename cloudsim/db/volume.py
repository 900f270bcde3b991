"""Volumes as statements."""

from __future__ import annotations

from sqlalchemy import bindparam, select

from cloudsim.db import schema
from cloudsim.db.database import Row, Transaction
from cloudsim.db.types import Big

volume, pool = schema.volume, schema.storage_pool

_ONE = (
    select(
        volume,
        pool.c.uuid.label("pool_uuid"),
        pool.c.name.label("pool_name"),
        pool.c.zone_id.label("pool_zone_id"),
        pool.c.pod_id.label("pool_pod_id"),
        pool.c.cluster_id.label("pool_cluster_id"),
        pool.c.scope.label("pool_scope"),
        pool.c.status.label("pool_status"),
        pool.c.hypervisor.label("pool_hypervisor"),
        schema.disk_offering.c.tags.label("offering_tags"),
        schema.disk_offering.c.storage_type.label("storage_type"),
        schema.template.c.uuid.label("template_uuid"),
    )
    .select_from(
        volume.outerjoin(pool, volume.c.pool_id == pool.c.id)
        .outerjoin(schema.disk_offering, volume.c.disk_offering_id == schema.disk_offering.c.id)
        .outerjoin(schema.template, volume.c.template_id == schema.template.c.id)
    )
    .where(volume.c.id == bindparam("volume_id", type_=Big))
)
_AT = select(volume.c.id).where(
    volume.c.vm_id == bindparam("vm_id", type_=Big),
    volume.c.device_id == bindparam("device"),
    volume.c.removed.is_(None),
)


def one(tx: Transaction, volume_id: int) -> Row | None:
    """A volume with its pool (``pool_...``), its offering's tags and storage type, and its template's uuid."""
    return tx.first(_ONE, volume_id=volume_id)


def at(tx: Transaction, vm_id: int, device: int) -> int | None:
    """The id of the volume that a machine has as its disk of that number."""
    found: int | None = tx.scalar(_AT, vm_id=vm_id, device=device)
    return found


__all__ = ["at", "one"]
