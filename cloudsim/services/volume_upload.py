"""Volumes that are brought: fetched from a URL, or sent by a client. They lie on an image store until they are attached.

The reference takes one that could not be fetched back to Allocated and shows it as UploadError; here it is in that state,
so that nobody takes it for an empty disk.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, or_, select

from cloudsim.core.errors import InvalidValue
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import Big
from cloudsim.jobs.workflow import single
from cloudsim.services import (
    access,
    download,
    imagefiles,
    imagestore_choice,
    resource,
    template_rules,
    upload,
    volume_create,
    volume_file,
    volume_import,
    volume_orders,
)
from cloudsim.services.context import Context
from cloudsim.services.imagefile import Looked
from cloudsim.services.nouns import ACCOUNT, VOLUME

#: Bytes of what is fetched to a simulated image store.
SIMULATED = 1024**3
FORMATS = ("QCOW2", "RAW", "VHD", "VHDX", "VMDK", "OVA")
#: The setting of how many GiB the file of a volume may have.
MOST = "storage.max.volume.upload.size"

_LATE = (
    select(schema.volume)
    .where(
        or_(schema.volume.c.state == "NotUploaded", schema.volume.c.state == "UploadInProgress"),
        schema.volume.c.created < bindparam("before", type_=Big),
        schema.volume.c.removed.is_(None),
    )
    .order_by(schema.volume.c.id)
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A volume that is to be brought, as it was asked for."""

    name: str
    account: Row
    zone: Row
    format: str
    offering: Row | None = None
    #: The image store it goes to, where one is named.
    store: Row | None = None
    checksum: str | None = None
    #: None: it is sent.
    url: str | None = None


def _store(ctx: Context, want: Wanted) -> tuple[Row, Row]:
    """Stores the rows of a volume and of its file."""
    if not want.name.strip():
        raise InvalidValue("a volume needs a name")
    format = want.format.upper()
    if format not in FORMATS:
        raise InvalidValue(f"volumes are taken as {', '.join(FORMATS)}, not as {want.format[:32]}")
    if want.url is not None:
        template_rules.check_ending(want.url, format)
    checksum = template_rules.checked_sum(want.checksum)
    volume_create.check_place(ctx, want.account, want.zone)
    offering = _offering(ctx, want)
    store = imagestore_choice.taking(ctx, want.zone, want.store)
    if store["directory"] is not None:
        template_rules.can_be_looked_at(format)
    volume_orders.check_limits(ctx, want.account["id"], offering, volumes=1)
    row = volume_orders.insert(
        ctx,
        want.account,
        want.zone["id"],
        want.name,
        0,
        state="UploadOp" if want.url is not None else "NotUploaded",
        disk_offering_id=offering["id"],
        provisioning=offering["provisioning"],
        min_iops=offering["min_iops"],
        max_iops=offering["max_iops"],
    )
    state = volume_file.COMING if want.url is not None else volume_file.NOT_SENT
    file = volume_file.insert(ctx, row, store, state, format=format, checksum=checksum, url=want.url)
    if want.url is not None:
        download.order(
            ctx,
            volume_file.KIND,
            file["id"],
            store,
            url=want.url,
            path=file["path"],
            format=format,
            checksum=checksum,
        )
    return row, file


def _offering(ctx: Context, want: Wanted) -> Row:
    offering = want.offering
    if offering is None:
        offering = next(volume_import.for_everybody(ctx), None)
        if offering is None:
            raise InvalidValue("there is no custom disk offering for everybody: name one with diskofferingid")
        return offering
    volume_orders.check_offering(ctx, offering, want.account, want.zone)
    if not offering["customized"]:
        raise InvalidValue(
            f"disk offering {offering['name']} is not custom: the volume has the size that it comes with"
        )
    if offering["encrypt"]:
        raise InvalidValue(f"disk offering {offering['name']} encrypts, and what is uploaded is not encrypted")
    return offering


def fetch(ctx: Context, want: Wanted) -> tuple[str, str]:
    """Stores a volume, and orders that it is fetched from its URL; answers its uuid and the job's.

    Raises `BadParameter`, `InvalidValue`, `PermissionDenied`, `LimitReached`, `OperationFailed`; nothing is stored then.
    """
    row, _ = _store(ctx, want)
    return row["uuid"], volume_orders.order(ctx, row, "volume.upload", "VOLUME.UPLOAD", "uploading")


single("volume.upload", volume_orders.result)


def request(ctx: Context, want: Wanted) -> dict[str, Any]:
    """Stores a volume that is to be sent; answers where and with what it is sent. Raises as `fetch`."""
    row, _ = _store(ctx, want)
    _tell(ctx, row, "is to be sent")
    return upload.params(ctx, volume_file.KIND, row)


def _tell(ctx: Context, row: Row, text: str, level: str = "INFO") -> None:
    ctx.event(
        "VOLUME.UPLOAD",
        f"volume {row['name']} {text}",
        level=level,
        resource=("Volume", row["uuid"]),
        account_id=row["account_id"],
        domain_id=row["domain_id"],
    )


# -- what becomes of it


def _counted(ctx: Context, file_id: int, size: int) -> None:
    file = volume_file.one(ctx, file_id)
    more = size - file["physical_size"]
    if more > 0:
        row = access.row(ctx, VOLUME, file["volume_id"])
        resource.check(ctx, access.row(ctx, ACCOUNT, row["account_id"]), {"secondarystorage": more})
        volume_file.change(ctx, file, physical_size=size)


def _progress(ctx: Context, file_id: int, percent: int) -> None:
    volume_file.change(ctx, volume_file.one(ctx, file_id), percent=percent)


def _there(ctx: Context, file: Row, found: Looked) -> None:
    """Raises `LimitReached`, and `InvalidValue` for a disk that is too large."""
    row = access.row(ctx, VOLUME, file["volume_id"])
    size = volume_orders.check_size(ctx, found.virtual_size)
    _counted(ctx, file["id"], found.physical_size)
    volume_file.change(ctx, file, state=volume_file.READY, percent=100, physical_size=found.physical_size)
    row = volume_orders.move(ctx, row, "OperationSucceeded", size=size)
    volume_file.begin_usage(ctx, row, volume_file.one(ctx, file["id"]))
    _tell(ctx, row, "was uploaded")


def _done(ctx: Context, file_id: int, found: Looked) -> None:
    _there(ctx, volume_file.one(ctx, file_id), found)


def _failed(ctx: Context, file_id: int, why: str) -> None:
    file = volume_file.one(ctx, file_id)
    _not_there(ctx, file, access.row(ctx, VOLUME, file["volume_id"]), volume_file.ERROR, why, "UploadError")


def _not_there(ctx: Context, file: Row, row: Row, file_state: str, why: str, state: str) -> None:
    volume_file.change(ctx, file, state=file_state, percent=0, error=why, path=None, physical_size=0)
    _tell(ctx, volume_orders.write(ctx, row, state=state), f"could not be uploaded: {why}", "ERROR")


def _simulated(format: str) -> Looked:
    return Looked(SIMULATED, SIMULATED)


download.KINDS[volume_file.KIND] = download.Kind(
    counted=_counted, progress=_progress, done=_done, failed=_failed, simulated=_simulated, most=MOST
)


# -- of what is sent


def _begin(ctx: Context, uuid: str, volume_id: int) -> upload.Coming:
    row = ctx.tx.first(VOLUME.by_uuid, uuid=uuid)
    if row is None or row["id"] != volume_id or row["removed"] is not None:
        raise InvalidValue("it was deleted meanwhile")
    file = volume_file.of(ctx, volume_id)
    if row["state"] != "NotUploaded" or file is None:
        raise InvalidValue("it was sent before")
    volume_orders.move(ctx, row, "UploadRequested")
    volume_file.change(ctx, file, state=volume_file.SENDING)
    return upload.Coming(volume_id, file["format"], file["checksum"], imagefiles.path(ctx, file))


def _sending(ctx: Context, volume_id: int) -> Row | None:
    """The row of the file of a volume that is being sent; None where it was given up or deleted meanwhile."""
    row = access.row(ctx, VOLUME, volume_id)
    there = row["removed"] is None and row["state"] == "UploadInProgress"
    return volume_file.of(ctx, volume_id) if there else None


def _sent(ctx: Context, volume_id: int, found: Looked) -> bool:
    file = _sending(ctx, volume_id)
    if file is None:
        return False
    _there(ctx, file, found)
    return True


def _not_sent(ctx: Context, volume_id: int, why: str) -> None:
    file = _sending(ctx, volume_id)
    if file is not None:
        _not_there(ctx, file, access.row(ctx, VOLUME, volume_id), "UPLOAD_ERROR", why, "UploadError")


upload.KINDS[volume_file.KIND] = upload.Kind(_begin, _sent, _not_sent, MOST)


def expire(ctx: Context) -> list[str]:
    """Gives up what was not sent in time; answers the files that are to be removed."""
    files = []
    for row in ctx.tx.all(_LATE, before=ctx.now - upload.patience(ctx)):
        file = volume_file.of(ctx, row["id"])
        if file is None:
            continue
        files += volume_file.paths(ctx, row["id"])
        begun = row["state"] == "UploadInProgress"
        file_state, state = ("UPLOAD_ERROR", "UploadError") if begun else (volume_file.ABANDONED, "UploadAbandoned")
        _not_there(ctx, file, row, file_state, "it was not sent in time", state)
    return files


__all__ = ["Wanted", "expire", "fetch", "request"]
