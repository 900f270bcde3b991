"""Volumes, as they are listed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.db.virtualmachine import TAGS, grouped
from cloudsim.services.context import Context
from cloudsim.services.listing import Listing, equals, equals_nocase

volume, vm, pool = schema.volume, schema.vm, schema.storage_pool

LISTING = Listing(
    volume,
    source=volume.outerjoin(vm, volume.c.vm_id == vm.c.id)
    .outerjoin(pool, volume.c.pool_id == pool.c.id)
    .outerjoin(schema.disk_offering, volume.c.disk_offering_id == schema.disk_offering.c.id),
    filters={
        "id": equals(volume.c.id, "id"),
        "ids": any_of(volume.c.id, "ids"),
        "name": equals(volume.c.name, "name"),
        "state": equals_nocase(volume.c.state, "state"),
        "type": equals_nocase(volume.c.type, "type"),
        "zone": equals(volume.c.zone_id, "zone"),
        "pod": equals(pool.c.pod_id, "pod"),
        "cluster": equals(pool.c.cluster_id, "cluster"),
        "host": equals(vm.c.host_id, "host"),
        "vm": equals(volume.c.vm_id, "vm"),
        "storage": equals(pool.c.uuid, "storage"),
        "offering": equals(volume.c.disk_offering_id, "offering"),
        "service": equals(volume.c.service_offering_id, "service"),
        "display": equals(volume.c.display, "display"),
        "encrypted": equals(schema.disk_offering.c.encrypt, "encrypted"),
        "users": volume.c.is_system.is_(False),
        "none": volume.c.id < 0,
    },
    keyword=(volume.c.name, volume.c.type, volume.c.state),
    owner=(volume.c.account_id, volume.c.domain_id),
    tag_type="Volume",
)
_ROWS = (
    select(
        volume,
        schema.zone.c.uuid.label("zone_uuid"),
        schema.zone.c.name.label("zone_name"),
        schema.account.c.name.label("account_name"),
        schema.account.c.project_uuid,
        schema.account.c.project_name,
        schema.account.c.type.label("account_type"),
        schema.domain.c.uuid.label("domain_uuid"),
        schema.domain.c.name.label("domain_name"),
        schema.domain.c.path.label("domain_path"),
        vm.c.uuid.label("vm_uuid"),
        vm.c.type.label("vm_type"),
        vm.c.name.label("vm_name"),
        vm.c.display_name.label("vm_display_name"),
        vm.c.state.label("vm_state"),
        vm.c.hypervisor.label("vm_hypervisor"),
        pool.c.uuid.label("pool_uuid"),
        pool.c.name.label("pool_name"),
        pool.c.hypervisor.label("pool_hypervisor"),
        schema.cluster.c.uuid.label("cluster_uuid"),
        schema.cluster.c.name.label("cluster_name"),
        schema.pod.c.uuid.label("pod_uuid"),
        schema.pod.c.name.label("pod_name"),
        schema.template.c.uuid.label("template_uuid"),
        schema.template.c.name.label("template_name"),
        schema.template.c.display_text.label("template_text"),
        schema.template.c.is_extractable.label("template_extractable"),
        schema.snapshot.c.uuid.label("snapshot_uuid"),
        schema.service_offering.c.uuid.label("service_uuid"),
        schema.service_offering.c.name.label("service_name"),
        schema.service_offering.c.display_text.label("service_text"),
        *(
            schema.disk_offering.c[name].label(f"offering_{name}")
            for name in (
                "uuid", "name", "display_text", "storage_type", "bytes_read_rate", "bytes_write_rate", "iops_read_rate",
                "iops_write_rate", "compute_only",
            )
        ),
    )
    .select_from(
        volume.join(schema.zone, volume.c.zone_id == schema.zone.c.id)
        .join(schema.account, volume.c.account_id == schema.account.c.id)
        .join(schema.domain, volume.c.domain_id == schema.domain.c.id)
        .outerjoin(vm, volume.c.vm_id == vm.c.id)
        .outerjoin(pool, volume.c.pool_id == pool.c.id)
        .outerjoin(schema.cluster, pool.c.cluster_id == schema.cluster.c.id)
        .outerjoin(schema.pod, pool.c.pod_id == schema.pod.c.id)
        .outerjoin(schema.template, volume.c.template_id == schema.template.c.id)
        .outerjoin(schema.snapshot, volume.c.snapshot_id == schema.snapshot.c.id)
        .outerjoin(schema.service_offering, volume.c.service_offering_id == schema.service_offering.c.id)
        .outerjoin(schema.disk_offering, volume.c.disk_offering_id == schema.disk_offering.c.id)
    )
    .where(any_of(volume.c.id, "ids"))
)  # fmt: skip


def page(ctx: Context, ids: Sequence[int]) -> list[tuple[Row, list[Row]]]:
    """Volumes with their machines, pools, offerings and owners, and their tags."""
    rows: dict[Any, Row] = {row["id"]: row for row in ctx.tx.all(_ROWS, ids=ids)}
    tags = grouped(ctx.tx.all(TAGS, kind="Volume", ids=ids), "resource_id")
    return [(rows[row_id], tags.get(row_id, [])) for row_id in ids if row_id in rows]
