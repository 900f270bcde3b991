"""What lies on storage, as a browser of files shows it: the templates of image stores, the volumes of storage pools.

Simulated storage holds no bytes; its files are what the database says lies there, under the paths that the reference
gives them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, select

from cloudsim.core.clock import to_wire
from cloudsim.core.errors import BadParameter, InvalidValue, ResourceUnavailable
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.jobs.job import Order
from cloudsim.jobs.workflow import single
from cloudsim.services import access
from cloudsim.services.context import Context
from cloudsim.services.nouns import IMAGE_STORE

placed, template, volume = schema.template_zone, schema.template, schema.volume
kept = schema.snapshot_store

_ON_STORE = (
    select(
        template.c.id,
        template.c.uuid,
        template.c.name,
        template.c.account_id,
        template.c.format,
        template.c.physical_size,
        placed.c.created,
    )
    .select_from(placed.join(template, placed.c.template_id == template.c.id))
    .where(placed.c.store_id == bindparam("store_id"), template.c.removed.is_(None), placed.c.state == "DOWNLOADED")
    .order_by(template.c.id)
)
_ON_POOL = (
    select(volume, template.c.format)
    .select_from(volume.outerjoin(template, volume.c.template_id == template.c.id))
    .where(volume.c.pool_id == bindparam("pool_id"), volume.c.removed.is_(None), volume.c.state != "Allocated")
    .order_by(volume.c.id)
)
_SNAPSHOTS = (
    select(
        schema.snapshot.c.uuid,
        schema.snapshot.c.name,
        schema.snapshot.c.account_id,
        schema.snapshot.c.volume_id,
        kept.c.path,
        kept.c.physical_size,
        kept.c.created,
    )
    .select_from(kept.join(schema.snapshot, kept.c.snapshot_id == schema.snapshot.c.id))
    .where(kept.c.state == "Ready")
    .order_by(kept.c.id)
)
_KEEPER = (
    select(schema.system_nic.c.ip, schema.vm.c.zone_id)
    .select_from(schema.vm.join(schema.system_nic, schema.system_nic.c.vm_id == schema.vm.c.id))
    .where(
        schema.vm.c.type == "SecondaryStorageVm",
        schema.vm.c.state == "Running",
        schema.vm.c.removed.is_(None),
        schema.system_nic.c.kind == "Public",
        schema.system_nic.c.removed.is_(None),
    )
    .order_by(schema.vm.c.id)
)
_ON_STORE_KEPT = _SNAPSHOTS.where(kept.c.store_id == bindparam("which"))
_ON_POOL_KEPT = _SNAPSHOTS.where(kept.c.pool_id == bindparam("which"))
#: The folders that an image store has when nothing lies there.
_FOLDERS = ("template/tmpl", "snapshots", "volumes")


@dataclass(frozen=True, slots=True)
class File:
    """A file: its path, and what it is of."""

    path: str
    size: int
    created: int
    format: str
    #: template, volume or snapshot
    kind: str
    uuid: str
    name: str


def _store_files(ctx: Context, row: Row) -> list[File]:
    made: dict[int, File] = {}
    for one in ctx.tx.all(_ON_STORE, store_id=row["id"]):
        path = f"template/tmpl/{one['account_id']}/{one['id']}/{one['uuid']}.{one['format'].lower()}"
        # a store of the whole region has one copy for all zones
        made[one["id"]] = File(
            path, one["physical_size"], one["created"], one["format"], "template", one["uuid"], one["name"]
        )
    return [*made.values(), *_snapshots(ctx, _ON_STORE_KEPT, row)]


def _snapshots(ctx: Context, statement: Any, row: Row) -> list[File]:
    """The copies of snapshots that lie on an image store or in a storage pool."""
    return [
        File(
            one["path"] if one["path"] and "/" in one["path"] else f"snapshots/{one['volume_id']}/{one['uuid']}",
            one["physical_size"],
            one["created"],
            "RAW",
            "snapshot",
            one["uuid"],
            one["name"],
        )
        for one in ctx.tx.all(statement, which=row["id"])
    ]


def _pool_files(ctx: Context, row: Row) -> list[File]:
    volumes = [
        File(
            one["path"] or one["uuid"],
            one["size"],
            one["created"],
            one["format"] if one["format"] not in (None, "ISO") else "RAW",
            "volume",
            one["uuid"],
            one["name"],
        )
        for one in ctx.tx.all(_ON_POOL, pool_id=row["id"])
    ]
    return [*volumes, *_snapshots(ctx, _ON_POOL_KEPT, row)]


def _path(text: str | None) -> str:
    parts = [part for part in (text or "").split("/") if part]
    if ".." in parts or "." in parts:
        raise InvalidValue("a path names folders; it does not lead upwards")
    return "/".join(parts)


def _listed(
    files: Iterable[File], folders: Iterable[str], text: str | None, keyword: str | None
) -> list[dict[str, Any]]:
    path = _path(text)
    under = f"{path}/" if path else ""
    word = (keyword or "").lower()
    found: dict[str, dict[str, Any]] = {}
    there = not path
    for one in folders:
        if f"{one}/".startswith(under):
            there = True
            name = one[len(under) :].partition("/")[0]
            if name:
                found[name] = {"name": name, "isdirectory": True, "size": 0}
    for file in files:
        if file.path == path:
            found[file.path.rpartition("/")[2]] = _shown(file)
            there = True
        elif file.path.startswith(under):
            there = True
            name, slash, _ = file.path[len(under) :].partition("/")
            found[name] = {"name": name, "isdirectory": True, "size": 0} if slash else _shown(file)
    if not there:
        raise InvalidValue(f"there is nothing at path '{path[:100]}'")
    return [found[name] for name in sorted(found) if word in name.lower()]


def _shown(file: File) -> dict[str, Any]:
    return {
        "name": file.path.rpartition("/")[2],
        "isdirectory": False,
        "size": file.size,
        "format": file.format,
        "created": file.created,
        f"{file.kind}id": file.uuid,
        f"{file.kind}name": file.name,
    }


def on_store(ctx: Context, row: Row, path: str | None, keyword: str | None) -> list[dict[str, Any]]:
    """What is in a folder of an image store. Raises `InvalidValue` for a path where nothing is."""
    return _listed(_store_files(ctx, row), _FOLDERS, path, keyword)


def on_pool(ctx: Context, row: Row, path: str | None, keyword: str | None) -> list[dict[str, Any]]:
    """What is in a folder of a storage pool. Raises `InvalidValue` for a path where nothing is."""
    return _listed(_pool_files(ctx, row), (), path, keyword)


def _file(ctx: Context, row: Row, path: str | None) -> File:
    wanted = _path(path)
    for one in _store_files(ctx, row):
        if one.path == wanted:
            return one
    raise BadParameter(f"image store {row['name']} has no file '{wanted[:100]}'")


def order_download(ctx: Context, row: Row, path: str | None) -> str:
    """Orders a URL that a file of an image store can be fetched from; answers the job's uuid. Raises `BadParameter`."""
    file = _file(ctx, row, path)
    return ctx.submit(
        Order(
            command=ctx.command,
            workflow="imagestore.download",
            arguments={"store_id": row["id"], "path": file.path},
            instance_type="ImageStore",
            instance_uuid=row["uuid"],
            event="IMAGE.STORE.OBJECT.DOWNLOAD",
            event_text=f"a URL for {file.path} of image store {row['name']}",
        )
    )


def _downloaded(ctx: Context, store_id: int, path: str) -> dict[str, Any]:
    row = access.alive(ctx, IMAGE_STORE, store_id)
    file = _file(ctx, row, path)
    keepers = [one for one in ctx.tx.all(_KEEPER) if row["zone_id"] in (None, one["zone_id"])]
    if not keepers:
        raise ResourceUnavailable("no secondary storage VM runs that could hand the file out")
    return {
        "imagestoreobject": {
            "id": file.uuid,
            "name": file.name,
            "extractMode": "HTTP_DOWNLOAD",
            "state": "DOWNLOAD_URL_CREATED",
            "storagetype": row["protocol"],
            "url": f"http://{keepers[0]['ip']}/userdata/{ctx.uuid()}.{file.format.lower()}",
            "created": to_wire(ctx.now),
        }
    }


single("imagestore.download", _downloaded)


__all__ = ["on_pool", "on_store", "order_download"]
