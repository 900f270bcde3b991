"""Disk images that come from outside, looked at before any tool opens them.

A disk image may name other files (a backing file, an external data file, extents, a parent), and a tool that opens it
opens those too, whatever they are. So an image is read here first, only its head and a few places the head points to,
and refused where it refers to anything, is encrypted, is not what it is said to be, or claims what cannot be.

>>> inspect(bytes_reader(data), len(data), "QCOW2").virtual_size
10737418240
"""

from __future__ import annotations

import bz2
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from cloudsim.core.diskimage.ova import ova
from cloudsim.core.diskimage.qcow2 import qcow2
from cloudsim.core.diskimage.source import BadImage, Read, Source, harmless, not_another
from cloudsim.core.diskimage.vhd import vhd
from cloudsim.core.diskimage.vmdk import vmdk

#: What no disk is larger than.
MOST = 64 * 2**40
#: How much of a compressed file is unpacked to look at its beginning.
HEAD = 256 * 1024

QCOW2, RAW, VMDK, VHD, OVA, ISO = "QCOW2", "RAW", "VMDK", "VHD", "OVA", "ISO"
FORMATS = (QCOW2, RAW, VMDK, VHD, OVA, ISO)


@dataclass(frozen=True, slots=True)
class Image:
    """What an image says of itself."""

    format: str
    #: Bytes of the disk; None where only the expanded file can tell.
    virtual_size: int | None
    #: gz, bz2, zip, or nothing.
    compression: str = ""


def bytes_reader(data: bytes) -> Read:
    """A reader of bytes in memory."""
    return lambda offset, length: data[offset : offset + length]


def file_reader(file: BinaryIO) -> Read:
    """A reader of an open file."""

    def read(offset: int, length: int) -> bytes:
        file.seek(offset)
        return file.read(length)

    return read


def inspect(read: Read, size: int, declared: str, *, most: int = MOST) -> Image:
    """Looks at an image of `size` bytes that is said to be in a format (one of `FORMATS`), perhaps compressed.

    Of a compressed file the beginning is looked at: it is to be looked at again when it is expanded. Raises `BadImage`.
    """
    kind = declared.upper()
    if kind not in FORMATS:
        raise BadImage(f"images of the format {declared[:16]} are not taken ({', '.join(FORMATS)} are)")
    if size <= 0:
        raise BadImage("the image is empty")
    if size > most:
        raise BadImage(f"the image has {size} bytes; the limit is {most}")
    head = read(0, HEAD)
    compression = compression_of(head)
    if compression:
        inner = Source(bytes_reader(expanded(head, compression)), None)
        return Image(kind, _checked(inner, kind, most), compression)
    return Image(kind, _checked(Source(read, size), kind, most))


def compression_of(head: bytes) -> str:
    """gz, bz2 or zip; nothing where the bytes begin like none of them."""
    if head[:3] == b"\x1f\x8b\x08":
        return "gz"
    if head[:3] == b"BZh" and head[4:10] == b"1AY&SY":
        return "bz2"
    return "zip" if head[:4] == b"PK\x03\x04" else ""


def expanded(head: bytes, compression: str) -> bytes:
    """The beginning of what a compressed file holds, at most `HEAD` bytes of it. Raises `BadImage`."""
    try:
        if compression == "gz":
            found = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(head, HEAD)
        elif compression == "bz2":
            found = bz2.BZ2Decompressor().decompress(head, HEAD)
        else:
            found = _first_of_zip(head)
    except (zlib.error, OSError, ValueError, EOFError, struct.error):
        raise BadImage(f"the file begins like {compression}, and is none") from None
    if compression_of(found):
        raise BadImage("the image is compressed twice")
    return found


def _first_of_zip(head: bytes) -> bytes:
    flags, method = struct.unpack_from("<HH", head, 6)
    packed, name, extra = struct.unpack_from("<I4xHH", head, 18)
    if flags & 1:
        raise BadImage("the zip file is encrypted")
    start = 30 + name + extra
    harmless(head[30 : 30 + name].decode("utf-8", "replace"), "the zip file")
    data = head[start:] if flags & 8 or packed == 0xFFFFFFFF else head[start : start + packed]
    if method == 0:
        return data[:HEAD]
    if method == 8:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, HEAD)
    raise BadImage("the zip file is compressed in a way that is not known here")


def _checked(source: Source, kind: str, most: int) -> int | None:
    found = _CHECKS[kind](source)
    if found is not None and not 0 < found <= most:
        raise BadImage(f"the image says that its disk has {found} bytes; between 1 and {most} are taken")
    return found


def _raw(source: Source) -> int | None:
    not_another(source.some(0, 4096), RAW)
    return source.size


def _iso(source: Source) -> int | None:
    not_another(source.some(0, 4096), ISO)
    # the descriptors of volumes begin at the 16th sector; the first one need not be the primary one
    for number in range(16, 48):
        found = source.some(number * 2048, 7)
        if found[1:6] != b"CD001":
            break
        if found[0] == 255:
            break
        if found[0] == 1:
            return source.size
    raise BadImage("the image is said to be ISO, and has no volume descriptor of ISO 9660")


_CHECKS: dict[str, Callable[[Source], int | None]] = {
    QCOW2: qcow2,
    RAW: _raw,
    VMDK: vmdk,
    VHD: vhd,
    OVA: ova,
    ISO: _iso,
}

__all__ = ["FORMATS", "QCOW2", "BadImage", "Image", "bytes_reader", "file_reader", "inspect"]
