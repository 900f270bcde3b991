"""Hosts, as they are listed."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sqlalchemy import Text, and_, bindparam, exists, func, select, type_coerce

from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.db.virtualmachine import DETAILS
from cloudsim.services.context import Context
from cloudsim.services.listing import Listing, equals, equals_nocase
from cloudsim.services.nouns import HOST

host = schema.host

LISTING = Listing(
    host,
    filters={
        "id": equals(host.c.id, "id"),
        "name": equals(host.c.name, "name"),
        "zone": equals(host.c.zone_id, "zone"),
        "pod": equals(host.c.pod_id, "pod"),
        "cluster": equals(host.c.cluster_id, "cluster"),
        "hypervisor": equals_nocase(host.c.hypervisor, "hypervisor"),
        "type": equals_nocase(host.c.type, "type"),
        "state": equals_nocase(host.c.status, "state"),
        "resource": equals_nocase(host.c.resource_state, "resource"),
        "arch": equals_nocase(host.c.arch, "arch"),
        "none": host.c.id < 0,
        "kept": type_coerce(host.c.tags, Text).like(bindparam("kept")),
        "not_kept": ~type_coerce(host.c.tags, Text).like(bindparam("not_kept")),
        "controlled": exists().where(and_(schema.oobm.c.host_id == host.c.id, schema.oobm.c.enabled)),
        "uncontrolled": ~exists().where(and_(schema.oobm.c.host_id == host.c.id, schema.oobm.c.enabled)),
        "power": func.coalesce(
            select(schema.oobm.c.power_state).where(schema.oobm.c.host_id == host.c.id).scalar_subquery(), "Disabled"
        )
        == bindparam("power"),
    },
    keyword=(host.c.name, host.c.status, host.c.type),
)
_ROWS = (
    select(
        host,
        schema.zone.c.uuid.label("zone_uuid"),
        schema.zone.c.name.label("zone_name"),
        schema.pod.c.uuid.label("pod_uuid"),
        schema.pod.c.name.label("pod_name"),
        schema.cluster.c.uuid.label("cluster_uuid"),
        schema.cluster.c.name.label("cluster_name"),
        schema.cluster.c.type.label("cluster_type"),
        schema.guest_os_category.c.uuid.label("category_uuid"),
        schema.guest_os_category.c.name.label("category_name"),
        schema.host_capacity.c.cpu_used,
        schema.host_capacity.c.memory_used,
    )
    .select_from(
        host.join(schema.zone, host.c.zone_id == schema.zone.c.id)
        .outerjoin(schema.pod, host.c.pod_id == schema.pod.c.id)
        .outerjoin(schema.cluster, host.c.cluster_id == schema.cluster.c.id)
        .outerjoin(schema.guest_os_category, host.c.os_category_id == schema.guest_os_category.c.id)
        .outerjoin(schema.host_capacity, schema.host_capacity.c.host_id == host.c.id)
    )
    .where(any_of(host.c.id, "ids"))
)


def rows(ctx: Context, ids: Sequence[int]) -> list[Row]:
    """Hosts with their places and what is promised of them."""
    return ctx.tx.all(_ROWS, ids=ids)


def details(ctx: Context, ids: Sequence[int]) -> dict[int, dict[str, str]]:
    """What was found out about hosts when they were reached, and what an administrator set."""
    found: dict[int, dict[str, str]] = {}
    for row in ctx.tx.all(DETAILS, kind="Host", ids=ids):
        found.setdefault(row["resource_id"], {})[row["name"]] = row["value"]
    return found


def kept(ctx: Context) -> str:
    """The pattern of the tags of hosts that are kept for HA (setting ``ha.tag``)."""
    tag = json.dumps(ctx.settings.text("ha.tag"))
    return f"%{tag}%"


def cluster_of(ctx: Context, vm: Row) -> int | None:
    """The cluster a virtual machine runs in; None where it runs nowhere."""
    if vm["host_id"] is None:
        return None
    found = ctx.tx.first(HOST.by_id, row_id=vm["host_id"])
    return None if found is None else found["cluster_id"]
