"""Bringing a file to an image store: from a URL, or from another image store. Nothing here knows the database.

A file is written under another name (``.NAME.part``), looked at, written to the disk and renamed: whatever is killed in the
middle, under its own name there is a whole file that was looked at, or none. What lies in the part file may be gone on with
where the other side says that it is still the same file: it is asked for the rest *if* its validator is the one it had
(RFC 9110: a strong entity tag, or a time of change that lies before the answer). Blocking work is done in threads, in
blocks, one of which is read while the one before is written.
"""

from __future__ import annotations

import asyncio
import os
import re
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, TypeVar

from cloudsim.core.checksum import Checksum
from cloudsim.outgoing import Client, Failed, Limits, OutgoingError, Refused, Response, TooLarge

T = TypeVar("T")

#: Bytes that go to a thread at a time.
BLOCK = 2 * 1024 * 1024
#: Statuses of HTTP that may be gone at another try.
_PASSING = frozenset((408, 425, 429))
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


class TransferError(Exception):
    """The file was not brought; the text may be told to a client. `again`: another try may bring it."""

    def __init__(self, text: str, *, again: bool = False) -> None:
        super().__init__(text)
        self.again = again


@dataclass(slots=True)
class State:
    """How far a file has come."""

    #: What the other side calls this version of the file; None: it cannot be gone on with.
    validator: str | None = None
    #: Its length, where the other side said it.
    total: int | None = None
    #: Bytes in the part file, and how many of them are certainly on the disk.
    received: int = 0
    safe: int = 0
    #: Bytes that were worked on in any way: while these grow it comes on.
    moved: int = 0
    #: Whether it is whole, and only to be written down as such.
    ended: bool = False
    #: Set when nobody waits for it any more: threads look at it between blocks.
    stop: threading.Event = field(default_factory=threading.Event)


class Workshop:
    """Runs blocking work in threads of its own, so that a store that hangs keeps nobody else waiting."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def run(self, work: Callable[..., T], *args: Any) -> T:
        """What `work` returns. Raises `TransferError` where the store cannot be used."""
        future = asyncio.get_running_loop().run_in_executor(self._executor, work, *args)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            # a thread is not left alone with a file that others close or remove
            await asyncio.wait([future], timeout=5.0)
            raise
        except OSError as error:
            raise TransferError(f"the image store cannot be used: {error.strerror or type(error).__name__}") from None


def part_of(final: Path) -> Path:
    """Where a file is written before it has its name."""
    return final.with_name(f".{final.name}.part")


def expanded_of(final: Path) -> Path:
    """Where a compressed file is expanded to."""
    return final.with_name(f".{final.name}.expanded.part")


def remove(*paths: Path) -> None:
    """Removes files, and the folder they were in where it is empty then; what is not there is fine."""
    for path in paths:
        path.unlink(missing_ok=True)
    for folder in {path.parent for path in paths}:
        try:
            folder.rmdir()
        except OSError:
            continue


# -- what the other side says of a file


def validator_of(response: Response) -> str | None:
    """What tells this version of a file from others, as ``If-Range`` takes it; None where nothing does for certain."""
    tag = response.headers.get("ETag", "").strip()
    if tag.startswith('"') and len(tag) > 2:
        return tag
    changed, sent = response.headers.get("Last-Modified", "").strip(), response.headers.get("Date", "").strip()
    try:
        # what was changed in the second of the answer may change again within it
        if changed and sent and (parsedate_to_datetime(sent) - parsedate_to_datetime(changed)).total_seconds() >= 1:
            return changed
    except (TypeError, ValueError):
        return None
    return None


def _same(response: Response, validator: str) -> bool:
    """Whether an answer with a part is of the version that was asked for: not every server keeps to ``If-Range``."""
    name = "ETag" if validator.startswith('"') else "Last-Modified"
    return response.headers.get(name, validator).strip() == validator


def _refuse(response: Response) -> None:
    status = response.status
    if 300 <= status < 400:
        raise TransferError(
            "the other side redirects, and redirects are not followed (setting store.download.follow.redirects)"
        )
    if status not in (200, 206):
        raise TransferError(f"the other side answers {status}", again=status >= 500 or status in _PASSING)
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise TransferError("the other side sends the file in an encoding that was not asked for")


# -- from a URL


async def fetch(
    client: Client,
    workshop: Workshop,
    url: str,
    part: Path,
    state: State,
    *,
    limits: Limits,
    digest: Any = None,
    begun: Callable[[State], Awaitable[None]],
) -> None:
    """Writes a file to `part`, or the rest of it as `state` says; feeds `digest` with all of it.

    `begun` is called when a version of the file is begun, before anything of it is written. Raises `TransferError`; what
    lies in the part file then is what `state` says.
    """
    file = await workshop.run(_open, part, state)
    try:
        if digest is not None and state.received:
            await workshop.run(_digest, file, state.received, digest, state)
        await _receive(client, workshop, url, file, state, limits, digest, begun)
        await workshop.run(os.fsync, file)
        state.safe = state.received
    finally:
        await workshop.run(os.close, file)


def _open(part: Path, state: State) -> int:
    part.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(part, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    known = state.safe if state.validator else 0
    state.received = state.safe = min(known, os.fstat(file).st_size)
    os.ftruncate(file, state.received)
    os.lseek(file, state.received, os.SEEK_SET)
    return file


async def _receive(
    client: Client,
    workshop: Workshop,
    url: str,
    file: int,
    state: State,
    limits: Limits,
    digest: Any,
    begun: Callable[[State], Awaitable[None]],
) -> None:
    headers = {"User-Agent": "cloudsim"}
    if state.received and state.validator:
        headers.update({"Range": f"bytes={state.received}-", "If-Range": state.validator})
    try:
        async with client.request("GET", url, headers=headers, limits=limits) as response:
            if response.status == 416 and state.received:
                await _anew(workshop, file, state)
                raise TransferError("the file is shorter than it was", again=True)
            _refuse(response)
            if response.status == 206:
                await _check_part(workshop, response, file, state)
            else:
                if state.received:
                    await _anew(workshop, file, state)
                    if digest is not None:
                        raise TransferError("the file is another one than before", again=True)
                state.validator, state.total = validator_of(response), response.length
            if (state.total or 0) > limits.size:
                raise TooLarge(f"the file has {state.total} bytes; the limit is {limits.size}")
            await workshop.run(_check_room, file, state)
            await begun(state)
            await _write_all(workshop, response, file, state, limits, digest)
    except (Refused, TooLarge) as error:
        raise TransferError(str(error)) from None
    except OutgoingError as error:
        raise TransferError(str(error), again=isinstance(error, Failed)) from None
    if state.total is not None and state.received != state.total:
        raise TransferError(f"{state.received} of {state.total} bytes were sent", again=True)


async def _anew(workshop: Workshop, file: int, state: State) -> None:
    """Forgets what lies in the part file: it is of another version."""
    state.validator, state.total, state.received, state.safe = None, None, 0, 0
    await workshop.run(_empty, file)


def _empty(file: int) -> None:
    os.ftruncate(file, 0)
    os.lseek(file, 0, os.SEEK_SET)


async def _check_part(workshop: Workshop, response: Response, file: int, state: State) -> None:
    found = _RANGE.fullmatch(response.headers.get("Content-Range", "").strip())
    if not state.received or state.validator is None:
        raise TransferError("the other side sends a part that was not asked for")
    if (
        found is None
        or int(found[1]) != state.received
        or int(found[2]) != int(found[3]) - 1
        or (state.total is not None and int(found[3]) != state.total)
        or not _same(response, state.validator)
    ):
        await _anew(workshop, file, state)
        raise TransferError("the file has changed since its beginning was sent", again=True)
    state.total = int(found[3])


def _check_room(file: int, state: State) -> None:
    """Raises `TransferError` where the file cannot fit: better before than when the store is full."""
    found = os.fstatvfs(file)
    needed = (state.total or 0) - state.received
    if needed > found.f_bavail * found.f_frsize:
        raise TransferError(f"the image store has no room for {needed} bytes")


async def _write_all(
    workshop: Workshop, response: Response, file: int, state: State, limits: Limits, digest: Any
) -> None:
    """Reads the body, a block ahead of the thread that writes it."""
    writing: asyncio.Future[None] | None = None
    block: list[bytes] = []
    size, left = 0, limits.size - state.received
    try:
        async for data in response.parts():
            block.append(data)
            size += len(data)
            left -= len(data)
            if left < 0:
                raise TooLarge(f"the other side sends more than the limit of {limits.size} bytes")
            if size >= BLOCK:
                if writing is not None:
                    await writing
                writing = asyncio.ensure_future(workshop.run(_write, file, block, digest, state))
                block, size = [], 0
        if writing is not None:
            await writing
        writing = None
        if block:
            await workshop.run(_write, file, block, digest, state)
    finally:
        if writing is not None:
            # what was received in good order stays, whatever ended the reading
            await asyncio.wait([writing])
            if not writing.cancelled():
                writing.exception()


def _write(file: int, block: list[bytes], digest: Any, state: State) -> None:
    for data in block:
        view = memoryview(data)
        while view:
            if state.stop.is_set():
                raise TransferError("it was given up", again=True)
            view = view[os.write(file, view) :]
        if digest is not None:
            digest.update(data)
        state.received += len(data)
        state.moved += len(data)


def _digest(file: int, size: int, digest: Any, state: State) -> None:
    """Feeds a hash with the beginning of a file, whose place it leaves as it is."""
    at = 0
    while at < size:
        if state.stop.is_set():
            raise TransferError("it was given up", again=True)
        data = os.pread(file, min(BLOCK, size - at), at)
        if not data:
            raise TransferError("the part file is shorter than it was", again=True)
        digest.update(data)
        at += len(data)
        state.moved += len(data)


def check_digest(checksum: Checksum, digest: Any) -> None:
    """Raises `TransferError` where a file is not what its checksum says."""
    if digest.hexdigest() != checksum.digest:
        raise TransferError(f"the checksum of the file is {digest.hexdigest()}, not {checksum.digest}")


# -- from another store


def copy(source: Path, part: Path, state: State) -> None:
    """Copies a file of another image store to `part`, from its beginning."""
    part.parent.mkdir(parents=True, exist_ok=True)
    with source.open("rb") as there, part.open("wb") as here:
        state.total = os.fstat(there.fileno()).st_size
        state.received = 0
        _check_room(here.fileno(), state)
        while data := there.read(BLOCK):
            if state.stop.is_set():
                raise TransferError("it was given up", again=True)
            here.write(data)
            state.received += len(data)
            state.moved += len(data)
        here.flush()
        os.fsync(here.fileno())


def publish(part: Path, final: Path) -> None:
    """Gives a file that is whole, and on the disk, its name."""
    part.rename(final)
    for folder in (final.parent, final.parent.parent):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


__all__ = ["State", "TransferError", "Workshop", "check_digest", "copy", "expanded_of", "fetch", "part_of",
           "publish", "remove"]  # fmt: skip
