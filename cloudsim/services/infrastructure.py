"""How much there is of the cloud's parts, and how its database and its counting of usage are."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select

from cloudsim.core.clock import to_wire
from cloudsim.db import figures as database
from cloudsim.db import schema
from cloudsim.services import own_process
from cloudsim.services.context import Context


def _count(table: Any, *where: Any) -> Any:
    statement = select(func.count()).select_from(table).where(*where)
    if "removed" in table.c:
        statement = statement.where(table.c.removed.is_(None))
    return statement.scalar_subquery()


_VM = schema.vm
_HOST = schema.host
_COUNTS = select(
    _count(schema.zone).label("zones"),
    _count(schema.pod).label("pods"),
    _count(schema.cluster).label("clusters"),
    _count(_HOST, _HOST.c.type == "Routing").label("hosts"),
    _count(schema.storage_pool).label("storagepools"),
    _count(schema.image_store).label("imagestores"),
    _count(_VM, (_VM.c.type == "ConsoleProxy") | (_VM.c.type == "SecondaryStorageVm")).label("systemvms"),
    _count(_VM, _VM.c.type == "DomainRouter").label("routers"),
    _count(_VM, _VM.c.type == "InternalLoadBalancerVm").label("ilbvms"),
    select(func.coalesce(func.sum(_HOST.c.cpu_sockets), 0))
    .where(_HOST.c.removed.is_(None), _HOST.c.type == "Routing")
    .scalar_subquery()
    .label("cpusockets"),
    _count(schema.management_server).label("managementservers"),
    _count(schema.alert, schema.alert.c.archived.is_(False)).label("alerts"),
)
_USAGE = select(
    func.max(schema.usage.c.started).label("started"),
    func.max(schema.usage.c.ended).label("ended"),
)


def counts(ctx: Context) -> dict[str, int]:
    """How many there are of each part. There are neither backup repositories nor object stores."""
    row = ctx.tx.first(_COUNTS) or {}
    return {**{name: int(number) for name, number in row.items()}, "backuprepositories": 0, "objectstores": 0}


def database_figures(ctx: Context) -> dict[str, Any]:
    """How the database is, as clients read it."""
    found = database.read(ctx.tx, ctx.now, ctx.cloud.db.opened)
    return {"collectiontime": to_wire(ctx.now), "hostname": found.pop("hostname", None) or own_process.name(), **found}


def usage_figures(ctx: Context) -> dict[str, Any]:
    """How the counting of usage is: this server writes it down itself while things happen."""
    row = ctx.tx.first(_USAGE) or {}
    return {
        "collectiontime": to_wire(ctx.now),
        "hostname": own_process.name(),
        "state": "Up",
        "lastheartbeat": to_wire(ctx.now),
        "lastsuccessfuljob": to_wire(max(row.get("started") or 0, row.get("ended") or 0)),
    }
