"""Primary storage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from sqlalchemy import and_, bindparam, func, or_, select

from cloudsim.core.errors import InvalidValue, OperationFailed, ResourceInUse
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.db.virtualmachine import DETAILS, grouped
from cloudsim.services import cluster as clusters
from cloudsim.services.context import Context
from cloudsim.services.listing import Listing, equals

pool, host = schema.storage_pool, schema.host

#: The states the reference knows.
STATES = (
    "Initial Initialized Creating Attaching Up PrepareForMaintenance ErrorInMaintenance CancelMaintenance Maintenance "
    "Disabled Removed"
).split()
SCOPES = ("CLUSTER", "ZONE", "REGION", "HOST")
#: The schemes of URLs and what they make.
TYPES = {
    "nfs": "NetworkFilesystem",
    "filesystem": "Filesystem",
    "file": "Filesystem",
    "dir": "Filesystem",
    "sharedmountpoint": "SharedMountPoint",
    "rbd": "RBD",
}
#: What a pool holds where nobody says: as much as the reference's simulated storage.
CAPACITY = 1024**4
#: The detail that is told under a name of its own.
IOPS = "capacityiops"

LISTING = Listing(
    pool,
    filters={
        "id": equals(pool.c.id, "id"),
        "name": equals(pool.c.name, "name"),
        "zone": equals(pool.c.zone_id, "zone"),
        "pod": equals(pool.c.pod_id, "pod"),
        "cluster": equals(pool.c.cluster_id, "cluster"),
        # what a host can reach: the pools of its cluster, and those of its whole zone
        "host": or_(
            pool.c.cluster_id.in_(select(host.c.cluster_id).where(host.c.id == bindparam("host"))),
            and_(
                pool.c.scope == "ZONE",
                pool.c.zone_id.in_(select(host.c.zone_id).where(host.c.id == bindparam("host"))),
            ),
        ),
        "address": equals(pool.c.address, "address"),
        "path": equals(pool.c.path, "path"),
        "scope": equals(pool.c.scope, "scope"),
        "status": equals(pool.c.status, "status"),
        "none": pool.c.id < 0,
    },
    keyword=(pool.c.name, pool.c.type),
)
_ROWS = (
    select(
        pool,
        schema.zone.c.uuid.label("zone_uuid"),
        schema.zone.c.name.label("zone_name"),
        schema.pod.c.uuid.label("pod_uuid"),
        schema.pod.c.name.label("pod_name"),
        schema.cluster.c.uuid.label("cluster_uuid"),
        schema.cluster.c.name.label("cluster_name"),
    )
    .select_from(
        pool.join(schema.zone, pool.c.zone_id == schema.zone.c.id)
        .outerjoin(schema.pod, pool.c.pod_id == schema.pod.c.id)
        .outerjoin(schema.cluster, pool.c.cluster_id == schema.cluster.c.id)
    )
    .where(any_of(pool.c.id, "ids"))
)
_SAME = select(pool).where(
    pool.c.zone_id == bindparam("zone_id"), pool.c.path == bindparam("path"), pool.c.removed.is_(None)
)
_UP = (
    select(host.c.id, host.c.cluster_id, host.c.hypervisor)
    .where(
        host.c.zone_id == bindparam("zone_id"),
        host.c.status == "Up",
        host.c.removed.is_(None),
        host.c.type == "Routing",
    )
    .order_by(host.c.id)
)
#: What lies there, and what is on its way there.
_SNAPSHOTS = select(func.count()).where(schema.snapshot_store.c.pool_id == bindparam("pool_id"))
_VOLUMES = select(func.count()).where(
    or_(
        schema.volume.c.pool_id == bindparam("pool_id"),
        schema.volume.c.target_pool_id == bindparam("pool_id"),
    ),
    schema.volume.c.removed.is_(None),
)


@dataclass(frozen=True, slots=True)
class Place:
    """What a URL of a pool says."""

    type: str
    address: str
    path: str


def place_of(url: str) -> Place:
    """``nfs://server/path``, ``filesystem:/path``, ``dir:/path``, ... Raises `InvalidValue`."""
    try:
        parts = urlsplit(url.strip())
        host_name = parts.hostname or ""
    except ValueError:
        raise InvalidValue(f"'{url[:100]}' is not a URL") from None
    kind = TYPES.get(parts.scheme.lower())
    if kind is None:
        raise InvalidValue(f"the URL of a storage pool begins with {', '.join(f'{name}:' for name in TYPES)}")
    if parts.query or parts.fragment:
        raise InvalidValue("the URL of a storage pool ends with its path")
    path = parts.path
    if kind == "RBD":
        path = path.strip("/")
    elif not path.startswith("/") or not path.strip("/"):
        raise InvalidValue(
            f"the URL of a storage pool needs a path: {parts.scheme}:{'//server' if kind[0] == 'N' else ''}/path"
        )
    elif ".." in path.split("/"):
        raise InvalidValue("the path of a storage pool may not lead upwards")
    if kind in ("NetworkFilesystem", "RBD") and not (host_name and path):
        raise InvalidValue(f"the URL of that storage needs a server and a path: {parts.scheme}://server/path")
    return Place(kind, host_name or "localhost", path.rstrip("/") if kind != "RBD" else path)


def page(ctx: Context, ids: Sequence[int]) -> list[tuple[Row, dict[str, str]]]:
    """Pools with their places and details, in the order of their ids."""
    rows = {row["id"]: row for row in ctx.tx.all(_ROWS, ids=ids)}
    details = grouped(ctx.tx.all(DETAILS, kind="StoragePool", ids=ids), "resource_id")
    return [
        (rows[row_id], {detail["name"]: detail["value"] for detail in details.get(row_id, [])})
        for row_id in ids
        if row_id in rows
    ]


def _check_place(ctx: Context, place: Place, zone_id: int, cluster_id: int | None, but: int = 0) -> None:
    """Raises `InvalidValue` where another pool that the same hosts reach is in that place."""
    for row in ctx.tx.all(_SAME, zone_id=zone_id, path=place.path):
        near = cluster_id is None or row["cluster_id"] in (None, cluster_id)
        if row["id"] != but and near and (row["address"], row["type"]) == (place.address, place.type):
            raise InvalidValue(f"storage pool {row['name']} has that address and path already")


def create(
    ctx: Context,
    *,
    name: str,
    url: str,
    zone: Row,
    pod: Row | None,
    cluster: Row | None,
    scope: str,
    hypervisor: str | None,
    provider: str | None,
    capacity: int | None,
    iops: int | None,
    tags: Sequence[str],
    managed: bool,
    details: Mapping[str, str],
) -> int:
    """Makes a pool of a cluster or of a whole zone; answers its id."""
    place = place_of(url)
    if not name.strip():
        raise InvalidValue("a storage pool needs a name")
    if provider is not None and provider.lower() != "defaultprimary":
        raise InvalidValue(f"the provider of primary storage is DefaultPrimary, not '{provider[:64]}'")
    if capacity is not None and capacity <= 0:
        raise InvalidValue("capacitybytes starts at 1")
    if iops is not None and iops <= 0:
        raise InvalidValue("capacityiops starts at 1")
    if scope == "CLUSTER":
        if cluster is None or pod is None:
            raise InvalidValue("storage of the scope cluster needs clusterid and podid; scope=zone serves a whole zone")
        clusters.check_place(zone, pod, cluster)
        hypervisor = cluster["hypervisor"]
    elif scope == "ZONE":
        if cluster is not None or pod is not None:
            raise InvalidValue("storage of the scope zone has no pod and no cluster")
        if hypervisor is None:
            raise InvalidValue("storage of the scope zone needs the hypervisor that it serves")
        hypervisor = clusters.hypervisor_named(ctx, hypervisor)
    else:
        raise InvalidValue("storage is added for a cluster or for a zone")
    _check_place(ctx, place, zone["id"], cluster["id"] if cluster else None)
    reach = [
        row
        for row in ctx.tx.all(_UP, zone_id=zone["id"])
        if row["hypervisor"] == hypervisor and (cluster is None or row["cluster_id"] == cluster["id"])
    ]
    if not reach:
        raise OperationFailed(f"no {hypervisor} host is up there that could use the storage: add one first")
    row_id = ctx.tx.insert(
        pool,
        uuid=ctx.uuid(),
        created=ctx.now,
        removed=None,
        name=name,
        zone_id=zone["id"],
        pod_id=pod["id"] if pod else None,
        cluster_id=cluster["id"] if cluster else None,
        type=place.type,
        scope=scope,
        hypervisor=hypervisor,
        address=place.address,
        path=place.path,
        provider="DefaultPrimary",
        capacity=capacity or CAPACITY,
        used=0,
        allocated=0,
        status="Up",
        tags=list(dict.fromkeys(tags)),
        managed=managed,
    )
    kept = {**details, **({IOPS: str(iops)} if iops else {})}
    ctx.tx.insert_many(
        schema.detail,
        [
            {"resource_type": "StoragePool", "resource_id": row_id, "name": key, "value": value, "display": True}
            for key, value in kept.items()
        ],
    )
    return row_id


def update(
    ctx: Context,
    row: Row,
    *,
    name: str | None = None,
    url: str | None = None,
    capacity: int | None = None,
    iops: int | None = None,
    tags: Sequence[str] | None = None,
    enabled: bool | None = None,
    details: Mapping[str, str] | None = None,
) -> None:
    """Changes a pool; what is None stays. Raises `InvalidValue`, `OperationFailed`."""
    changed: dict[str, object] = {}
    if name is not None:
        if not name.strip():
            raise InvalidValue("a storage pool needs a name")
        changed["name"] = name
    if tags is not None:
        changed["tags"] = list(dict.fromkeys(tags))
    if capacity is not None:
        if capacity < max(row["allocated"], 1):
            raise InvalidValue(f"{row['allocated']} bytes of the storage are given away: capacitybytes can not be less")
        changed["capacity"] = capacity
    if enabled is not None:
        if row["status"] not in ("Up", "Disabled"):
            raise OperationFailed(f"storage that is {row['status']} is neither enabled nor disabled")
        changed["status"] = "Up" if enabled else "Disabled"
    if url is not None:
        if row["status"] not in ("Disabled", "Maintenance"):
            raise OperationFailed("the URL of storage is changed while it is disabled or in maintenance")
        place = place_of(url)
        if place.type != row["type"]:
            raise InvalidValue(f"the storage is a {row['type']}; a {place.type} is another")
        _check_place(ctx, place, row["zone_id"], row["cluster_id"], row["id"])
        changed.update(address=place.address, path=place.path)
    if changed:
        ctx.tx.update(pool, {"id": row["id"]}, **changed)
    if iops is not None and iops <= 0:
        raise InvalidValue("capacityiops starts at 1")
    for key, value in {**(details or {}), **({IOPS: str(iops)} if iops else {})}.items():
        where = {"resource_type": "StoragePool", "resource_id": row["id"], "name": key}
        if ctx.tx.update(schema.detail, where, value=value) == 0:
            ctx.tx.insert(schema.detail, **where, value=value, display=True)


def delete(ctx: Context, row: Row, *, forced: bool) -> None:
    """Removes a pool.

    Raises `ResourceInUse` where volumes or snapshots lie on it, `InvalidValue` for one that is Up without `forced`.
    """
    volumes = ctx.tx.scalar(_VOLUMES, pool_id=row["id"])
    if volumes:
        raise ResourceInUse(f"{volumes} volumes lie on storage pool {row['name']}: move or expunge them first")
    kept = ctx.tx.scalar(_SNAPSHOTS, pool_id=row["id"])
    if kept:
        raise ResourceInUse(f"{kept} snapshots lie on storage pool {row['name']}: delete or archive them first")
    if not forced and row["status"] not in ("Maintenance", "Disabled"):
        raise InvalidValue(f"storage pool {row['name']} is {row['status']}: disable it first, or give forced=true")
    ctx.tx.update(pool, {"id": row["id"]}, removed=ctx.now, status="Removed")


__all__ = ["CAPACITY", "IOPS", "LISTING", "SCOPES", "STATES", "Place", "create", "delete", "page", "place_of", "update"]
