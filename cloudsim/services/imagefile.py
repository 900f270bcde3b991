"""The file of a template or ISO when it has come: is it what it is said to be? Compressed ones are expanded."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import zipfile
import zlib
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from cloudsim.core.diskimage import BadImage, Image, file_reader, inspect
from cloudsim.services.transfer import BLOCK, State, TransferError


@dataclass(frozen=True, slots=True)
class Looked:
    """What a file was found to be: bytes of its disk, and of itself."""

    virtual_size: int
    physical_size: int


def look(path: Path, format: str, most: int, expanded: Path, state: State) -> Looked:
    """Looks at a file, which is replaced by what it holds (`most` bytes) where it is compressed. Raises `TransferError`."""
    try:
        found = _inspected(path, format)
        if found.compression:
            _expand(path, found.compression, expanded, most, state)
            found = _inspected(expanded, format)
            if found.compression:
                raise BadImage("the image is compressed twice")
            expanded.replace(path)
    except BadImage as error:
        raise TransferError(str(error)) from None
    size = path.stat().st_size
    return Looked(found.virtual_size or size, size)


def _inspected(path: Path, format: str) -> Image:
    with path.open("rb") as file:
        return inspect(file_reader(file), os.fstat(file.fileno()).st_size, format)


def _expand(path: Path, compression: str, expanded: Path, most: int, state: State) -> None:
    written = 0
    try:
        with _opened(path, compression) as source, expanded.open("wb") as target:
            while data := _read(source):
                if state.stop.is_set():
                    raise TransferError("it was given up", again=True)
                written += len(data)
                if written > most:
                    raise BadImage(f"the image is larger than the limit of {most} bytes when it is expanded")
                target.write(data)
                state.moved += len(data)
            target.flush()
            os.fsync(target.fileno())
    except (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, NotImplementedError, RuntimeError):
        raise BadImage(f"the file begins like {compression}, and cannot be expanded") from None


def _read(source: BinaryIO) -> bytes:
    try:
        return source.read(BLOCK)
    except OSError as error:
        if error.errno is not None:
            raise
        raise EOFError from None  # what is no such file, in the words of gzip and bz2


def _opened(path: Path, compression: str) -> AbstractContextManager[BinaryIO]:
    if compression == "gz":
        return cast(AbstractContextManager[BinaryIO], gzip.open(path, "rb"))
    if compression == "bz2":
        return cast(AbstractContextManager[BinaryIO], bz2.open(path, "rb"))
    return _Member(path)


class _Member:
    """The one file that a zip file holds."""

    def __init__(self, path: Path) -> None:
        self._archive = zipfile.ZipFile(path)

    def __enter__(self) -> BinaryIO:
        found = [one for one in self._archive.infolist() if not one.is_dir()]
        if len(found) != 1:
            self._archive.close()
            raise BadImage(f"the zip file holds {len(found)} files, not one")
        return cast(BinaryIO, self._archive.open(found[0]))

    def __exit__(self, *_: object) -> None:
        self._archive.close()


__all__ = ["Looked", "look"]
