"""Volumes: qcow2 files made by ``qemu-img``, in ``<storage>/<pool>/<volume's uuid>.qcow2``.

A volume appears under its name only when it is complete: it is made under another name, written to the disk, and
renamed. Whatever is killed in the middle, there is a whole volume or none, and what is left over of an earlier try is
removed by the next one. Templates lie on an image store that this server reaches, or else in
``<storage>/templates/<template's uuid>.qcow2``, and are copied whole; so are copies of snapshots of volumes, in
``<storage>/snapshots/<uuid of the pool or image store>/<snapshot's uuid>.qcow2``.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from cloudsim.agents.base import CommandFailed
from cloudsim.agents.libvirt.calls import Calls, Gate
from cloudsim.agents.libvirt.domain_xml import check_name
from cloudsim.agents.libvirt.library import one_line
from cloudsim.core.clock import Clock
from cloudsim.core.diskimage import QCOW2, BadImage, file_reader, inspect

T = TypeVar("T")

TEMPLATES, SNAPSHOTS = "templates", "snapshots"
SUFFIX = ".qcow2"
#: What ``qemu-img`` calls the formats of templates.
_QEMU = {QCOW2: "qcow2", "RAW": "raw", "VHD": "vpc", "VMDK": "vmdk"}


class Storage:
    """The volumes below `root`. `timeout`: seconds that one look at the file system may take."""

    def __init__(self, root: str, clock: Clock, timeout: float) -> None:
        self._root = Path(root)
        self._calls = Calls(clock, "storage")
        self._timeout = timeout
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @staticmethod
    def file_name(uuid: str) -> str:
        """What `CreateVolume` answers as the path of a volume: the name of its file in its pool."""
        return check_name(uuid, "volume") + SUFFIX

    def locate(self, pool: str, path: str) -> Path:
        """Where a volume lies on the host. Raises `CommandFailed` for names that might lead elsewhere."""
        if check_name(pool, "storage pool") in (TEMPLATES, SNAPSHOTS):
            raise CommandFailed(f"a storage pool cannot be named {pool}")
        return self._root / pool / check_name(path, "volume")

    async def create(
        self, uuid: str, pool: str, size: int, template: str | None, *, file: str | None = None, format: str = QCOW2
    ) -> tuple[str, int]:
        """Makes a volume of at least `size` bytes, empty or as a copy of a template (empty, too, where the template is
        not on this host). Answers its path in the pool and its size. One that is there is left as it is.

        `file`: where the template lies on an image store, in that format; it must be there.
        """
        name = self.file_name(uuid)
        target = self.locate(pool, name)
        source = self._root / TEMPLATES / (check_name(template, "template") + SUFFIX) if template else None
        if file is not None:
            source = Path(file)
            if format not in _QEMU:
                raise CommandFailed(f"volumes are made of templates in {', '.join(_QEMU)}, not in {format}")
            if not await self._files(source.is_file):
                raise CommandFailed("the file of the template is not on its image store")
        if size <= 0:
            raise CommandFailed("the size of a volume must be positive")
        async with self._lock(target):
            if not await self._files(target.is_file):
                await self._make(target, size, source, format if file is not None else QCOW2)
            return name, int((await self._info(target))["virtual-size"])

    async def delete(self, pool: str, path: str) -> None:
        """Removes a volume, and what may be left of a try to make it."""
        target = self.locate(pool, path)
        async with self._lock(target):
            await self._files(lambda: _remove(target))

    async def snapshot(self, pool: str, path: str, name: str) -> None:
        """Keeps what a volume that nobody uses holds now. A snapshot of that name that is there is left as it is."""
        target = await self._there(pool, path)
        async with self._lock(target):
            if name not in await self._snapshots(target):
                await _run("snapshot", "-q", "-c", name, str(target))

    async def revert(self, pool: str, path: str, name: str) -> bool:
        """Takes a volume that nobody uses back to a snapshot; False where it has none of that name."""
        target = await self._there(pool, path)
        async with self._lock(target):
            if name not in await self._snapshots(target):
                return False
            await _run("snapshot", "-q", "-a", name, str(target))
            return True

    async def forget(self, pool: str, path: str, name: str) -> None:
        """Removes a snapshot of a volume that nobody uses, if it is there."""
        target = self.locate(pool, path)
        async with self._lock(target):
            if await self._files(target.is_file) and name in await self._snapshots(target):
                await _run("snapshot", "-q", "-d", name, str(target))

    async def snapshots(self, pool: str, path: str) -> dict[str, bool]:
        """The snapshots that a volume has, each with whether the memory of its machine is in it, too."""
        return await self._snapshots(await self._there(pool, path))

    def template(self, uuid: str) -> Path:
        """Where a template lies on the host."""
        return self._root / TEMPLATES / (check_name(uuid, "template") + SUFFIX)

    def kept(self, place: str, uuid: str) -> Path:
        """Where the copy of a volume's snapshot lies that is in a pool or on an image store."""
        return self._root / SNAPSHOTS / check_name(place, "place") / (check_name(uuid, "snapshot") + SUFFIX)

    async def copy(
        self, source: Path, target: Path, *, size: int = 0, within: str | None = None, again: bool = False
    ) -> tuple[int, int]:
        """Makes a whole file of what another holds, or held in its own snapshot `within`, with `size` bytes at least.

        A target that is there is left as it is, unless `again` puts a new one in its place. Answers the bytes of its
        disk and those it takes. Raises `CommandFailed` where there is no source.
        """
        async with self._lock(target):
            if again or not await self._files(target.is_file):
                if not await self._files(source.is_file):
                    raise CommandFailed(f"there is no {source.name} in {source.parent.name}")
                part = _part(target)
                await self._files(lambda: _prepare(target))
                try:
                    chosen = ("-l", f"snapshot.name={within}") if within else ()
                    await _run("convert", "-U", "-f", "qcow2", *chosen, "-O", "qcow2", str(source), str(part))
                    if size > int((await self._info(part))["virtual-size"]):
                        await _run("resize", "-q", "-f", "qcow2", str(part), str(size))
                    await self._files(lambda: _publish(part, target), limit=600.0)
                finally:
                    await self._files(lambda: part.unlink(missing_ok=True))
            info = await self._info(target)
            return int(info["virtual-size"]), int(info["actual-size"])

    async def remove(self, target: Path) -> None:
        """Removes a file, and what may be left of a try to make it."""
        async with self._lock(target):
            await self._files(lambda: _remove(target))

    async def _there(self, pool: str, path: str) -> Path:
        target = self.locate(pool, path)
        if not await self._files(target.is_file):
            raise CommandFailed(f"there is no volume {path} in pool {pool}")
        return target

    async def _snapshots(self, target: Path) -> dict[str, bool]:
        found = (await self._info(target)).get("snapshots", ())
        return {item["name"]: int(item["vm-state-size"]) > 0 for item in found}

    async def migrate(self, pool: str, target: str, path: str) -> None:
        """Moves a volume that nothing uses to another pool. One that is there whole is fine; the old one goes last."""
        source, goal = self.locate(pool, path), self.locate(target, path)
        async with self._lock(goal):
            if not await self._files(goal.is_file):
                if not await self._files(source.is_file):
                    raise CommandFailed(f"there is no volume {path} in pool {pool}")
                part = _part(goal)
                await self._files(lambda: _prepare(goal))
                try:
                    await _run("convert", "-f", "qcow2", "-O", "qcow2", str(source), str(part))
                    await self._files(lambda: _publish(part, goal), limit=600.0)
                finally:
                    await self._files(lambda: part.unlink(missing_ok=True))
            if source != goal:
                await self._files(lambda: _remove(source))

    def close(self) -> None:
        """Gives up what is under way. Never blocks."""
        self._calls.drop("the driver is closed")

    async def _make(self, target: Path, size: int, source: Path | None, format: str) -> None:
        part = _part(target)
        await self._files(lambda: _prepare(target))
        try:
            if source is not None and await self._files(source.is_file):
                # before any tool opens it, for that would open what it refers to
                held = await self._files(lambda: _inspected(source, format))
                await _run("convert", "-f", _QEMU[format], "-O", "qcow2", str(source), str(part))
                if size > held:
                    await _run("resize", "-q", "-f", "qcow2", str(part), str(size))
            else:
                await _run("create", "-q", "-f", "qcow2", str(part), str(size))
            await self._files(lambda: _publish(part, target), limit=600.0)
        finally:
            await self._files(lambda: part.unlink(missing_ok=True))

    async def _info(self, path: Path) -> dict[str, Any]:
        text = await _run("info", "-U", "-f", "qcow2", "--output=json", str(path))
        info: dict[str, Any] = json.loads(text)
        return info

    async def _files(self, work: Callable[[], T], *, limit: float | None = None) -> T:
        def carry_out(_gate: Gate) -> T:
            try:
                return work()
            except OSError as error:
                raise CommandFailed(f"storage: {error.strerror or type(error).__name__}") from None

        return await self._calls.run(carry_out, limit or self._timeout)

    def _lock(self, target: Path) -> asyncio.Lock:
        return self._locks.setdefault(str(target), asyncio.Lock())


def _inspected(path: Path, format: str) -> int:
    """The bytes of the disk that a template holds. Raises `CommandFailed` where it is not one to be used."""
    with path.open("rb") as file:
        try:
            return inspect(file_reader(file), os.fstat(file.fileno()).st_size, format).virtual_size or 0
        except BadImage as error:
            raise CommandFailed(f"the template is not used: {error}") from None


def _part(target: Path) -> Path:
    return target.with_name(f".{target.name}.part")


def _prepare(target: Path) -> None:
    """A leftover is removed, not reused: a ``qemu-img`` that outlived its server may still write to it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    _part(target).unlink(missing_ok=True)


def _publish(part: Path, target: Path) -> None:
    for path, flags in ((part, os.O_RDWR), (target.parent, os.O_RDONLY | os.O_DIRECTORY)):
        if path is not part:
            part.rename(target)
        handle = os.open(path, flags)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _remove(target: Path) -> None:
    _part(target).unlink(missing_ok=True)
    target.unlink(missing_ok=True)


async def _run(*arguments: str) -> bytes:
    """What ``qemu-img`` prints. It is killed when the task is cancelled. Raises `CommandFailed` where it fails."""
    try:
        process = await asyncio.create_subprocess_exec(
            "qemu-img",
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    except OSError:
        raise CommandFailed("qemu-img cannot be run: install it (Debian package qemu-utils)") from None
    try:
        output, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise CommandFailed(one_line(errors.decode(errors="replace")) or "qemu-img failed")
    return output
