"""Files that clients send: a row, a URL with a signature, and the file that comes in one request.

What is sent is written, looked at and counted as what is downloaded. A request that never comes, or never ends, is given
up after ``upload.operation.timeout`` minutes. What a file is for (its *kind*) says what becomes of it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cloudsim.core import checksum
from cloudsim.core.caller import Caller
from cloudsim.core.clock import to_wire
from cloudsim.core.diskimage import MOST
from cloudsim.core.errors import CloudError, InvalidValue
from cloudsim.db.database import Row
from cloudsim.services import imagefile, signed_url, transfer
from cloudsim.services.context import Cloud, Context
from cloudsim.services.imagefile import Looked
from cloudsim.services.transfer import State, TransferError

GIB = 1024**3
MINUTE = 60_000


@dataclass(frozen=True, slots=True)
class Coming:
    """A file that a request brings."""

    #: The id of what it is for.
    row_id: int
    format: str
    checksum: str | None
    #: Where it is written; None: to a simulated store.
    path: str | None


@dataclass(frozen=True, slots=True)
class Kind:
    """What becomes of the files of one kind."""

    #: A request begins, for what has that uuid and id. Raises `InvalidValue` where nothing is awaited.
    begin: Callable[[Context, str, int], Coming]
    #: It is there; answers False where it was given up meanwhile. Raises `LimitReached`, `InvalidValue`.
    done: Callable[[Context, int, Looked], bool]
    #: It does not come; why.
    failed: Callable[[Context, int, str], None]
    #: The setting of how many GiB it may have.
    most: str


KINDS: dict[str, Kind] = {}


def patience(ctx: Context) -> int:
    """Milliseconds in which a file is to be sent."""
    return max(1, ctx.settings.number("upload.operation.timeout")) * MINUTE


def params(ctx: Context, kind: str, row: Row) -> dict[str, Any]:
    """Where, and with what, the file for a row of a kind is sent."""
    until = ctx.now + patience(ctx)
    url = f"{signed_url.base(ctx.cloud)}{signed_url.UPLOAD}{row['uuid']}"
    metadata = signed_url.seal(ctx.cloud, {kind: row["id"]}, until)
    expires = str(to_wire(until))
    return {
        "id": row["uuid"],
        "postURL": url,
        "metadata": metadata,
        "expires": expires,
        "signature": signed_url.sign(ctx.cloud, metadata, signed_url.UPLOAD + row["uuid"], expires),
    }


def _begin(ctx: Context, uuid: str, metadata: str, signature: str, expires: str) -> tuple[Kind, Coming]:
    found = signed_url.read(ctx.cloud, metadata)
    if found is None or not signed_url.signed(ctx.cloud, signature, metadata, signed_url.UPLOAD + uuid, expires):
        raise InvalidValue("the signature is wrong, or has expired")
    for name, kind in KINDS.items():
        if name in found:
            return kind, kind.begin(ctx, uuid, int(found[name]))
    raise InvalidValue("the metadata are of something else")


async def accept(
    cloud: Cloud,
    admin: Caller,
    workshop: transfer.Workshop,
    uuid: str,
    given: tuple[str, str, str],
    length: int | None,
    parts: AsyncIterator[bytes],
) -> None:
    """Takes a file that is sent: metadata, signature and expiry are `given`. Raises `CloudError`."""
    kind, coming = await cloud.db.write(lambda tx: _begin(cloud.context(tx, admin), uuid, *given))
    most = cloud.settings.number(kind.most) * GIB or MOST
    state, final = State(), Path(coming.path) if coming.path is not None else None
    try:
        if length is not None and length > most:
            raise TransferError(f"the file has {length} bytes; the limit is {most}")
        if final is None:
            found = await _thrown_away(parts, most)
        else:
            found = await _written(workshop, coming, final, state, parts, most)
        if not await cloud.db.write(lambda tx: kind.done(cloud.context(tx, admin), coming.row_id, found)):
            raise TransferError("it was given up, or deleted, meanwhile")
    except BaseException as error:
        state.stop.set()
        if final is not None:
            await workshop.run(transfer.remove, final, transfer.part_of(final), transfer.expanded_of(final))
        why = error.message if isinstance(error, CloudError) else str(error) or "the client broke off"
        await cloud.db.write(lambda tx: kind.failed(cloud.context(tx, admin), coming.row_id, why[:500]))
        if isinstance(error, TransferError):
            raise InvalidValue(str(error)) from None
        raise


async def _thrown_away(parts: AsyncIterator[bytes], most: int) -> Looked:
    """Simulated stores hold no bytes: they are counted."""
    size = 0
    async for data in parts:
        size += len(data)
        if size > most:
            raise TransferError(f"more is sent than the limit of {most} bytes")
    if not size:
        raise TransferError("nothing was sent")
    return Looked(size, size)


async def _written(
    workshop: transfer.Workshop, coming: Coming, final: Path, state: State, parts: AsyncIterator[bytes], most: int
) -> Looked:
    wanted = checksum.parse(coming.checksum) if coming.checksum else None
    digest = wanted.begin() if wanted is not None else None
    part = transfer.part_of(final)
    await transfer.receive(workshop, parts, part, state, most=most, digest=digest)
    if wanted is not None:
        transfer.check_digest(wanted, digest)
    found = await workshop.run(imagefile.look, part, coming.format, most, transfer.expanded_of(final), state)
    await workshop.run(transfer.publish, part, final)
    return found


__all__ = ["KINDS", "Coming", "Kind", "accept", "params", "patience"]
