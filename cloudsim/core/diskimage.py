"""Disk images that come from outside, looked at before any tool opens them.

A disk image may name other files (a backing file, an external data file, extents, a parent), and a tool that opens it
opens those too, whatever they are. So an image is read here first, only its head and a few places the head points to,
and refused where it refers to anything, is encrypted, is not what it is said to be, or claims what cannot be.

>>> inspect(bytes_reader(data), len(data), "QCOW2").virtual_size
10737418240
"""

from __future__ import annotations

import bz2
import re
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

#: Answers the bytes of a file at an offset, fewer where it ends.
Read = Callable[[int, int], bytes]

SECTOR = 512
#: What no disk is larger than.
MOST = 64 * 2**40
#: How much of a compressed file is unpacked to look at its beginning.
HEAD = 256 * 1024

QCOW2, RAW, VMDK, VHD, OVA, ISO = "QCOW2", "RAW", "VMDK", "VHD", "OVA", "ISO"
FORMATS = (QCOW2, RAW, VMDK, VHD, OVA, ISO)


class BadImage(Exception):
    """The image is not taken; the text says why."""


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
        inner = _Source(bytes_reader(expanded(head, compression)), None)
        return Image(kind, _checked(inner, kind, most), compression)
    return Image(kind, _checked(_Source(read, size), kind, most))


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
    _harmless(head[30 : 30 + name].decode("utf-8", "replace"), "the zip file")
    data = head[start:] if flags & 8 or packed == 0xFFFFFFFF else head[start : start + packed]
    if method == 0:
        return data[:HEAD]
    if method == 8:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, HEAD)
    raise BadImage("the zip file is compressed in a way that is not known here")


class _Source:
    """The bytes of an image; `size` None: only its beginning is there."""

    def __init__(self, read: Read, size: int | None, start: int = 0) -> None:
        self._read = read
        self.size = size
        self._start = start

    def at(self, offset: int, length: int, what: str) -> bytes:
        """Exactly so many bytes. Raises `BadImage`."""
        found = self._read(self._start + offset, length) if self.fits(offset, length) else b""
        if len(found) != length:
            raise BadImage(f"the file ends in the middle of {what}")
        return found

    def some(self, offset: int, length: int) -> bytes:
        """Up to so many bytes."""
        if self.size is not None:
            length = max(0, min(length, self.size - offset))
        return self._read(self._start + offset, length)

    def fits(self, offset: int, length: int) -> bool:
        """Whether a part lies within the file, as far as can be known."""
        return offset >= 0 and length >= 0 and (self.size is None or offset + length <= self.size)

    def part(self, offset: int, size: int) -> _Source:
        """A file within the file."""
        return _Source(self._read, size, self._start + offset)


def _checked(source: _Source, kind: str, most: int) -> int | None:
    found = _CHECKS[kind](source)
    if found is not None and not 0 < found <= most:
        raise BadImage(f"the image says that its disk has {found} bytes; between 1 and {most} are taken")
    return found


#: How files of other kinds begin: what is said to be raw must not be one that a tool would take for something else.
_MAGICS = (
    (b"QFI\xfb", "QCOW2"),
    (b"KDMV", "VMDK"),
    (b"COWD", "VMDK"),
    (b"# Disk DescriptorFile", "VMDK"),
    (b"conectix", "VHD"),
    (b"vhdxfile", "VHDX"),
    (b"QED\x00", "QED"),
    (b"LUKS\xba\xbe", "LUKS"),
    (b"WithoutFreeSpace", "Parallels"),
    (b"WithouFreSpacExt", "Parallels"),
    (b"OOOM", "user-mode Linux COW"),
    (b"Bochs Virtual HD Image", "Bochs"),
    (b"#!/bin/sh\n#V2.0 Format\n", "cloop"),
    (b"BEGN", "DMG"),
)


def _not_another(head: bytes, kind: str) -> None:
    for magic, name in _MAGICS:
        if head.startswith(magic):
            raise BadImage(f"the image is said to be {kind}, and begins like {name}")
    if head[64:68] == b"\x7f\x10\xda\xbe":
        raise BadImage(f"the image is said to be {kind}, and begins like VDI")
    # VMware's descriptions are also found after blanks and comments
    if head[:4096].lstrip(b"\x00 \t\r\n").startswith(b"# Disk DescriptorFile"):
        raise BadImage(f"the image is said to be {kind}, and begins like VMDK")


def _raw(source: _Source) -> int | None:
    _not_another(source.some(0, 4096), RAW)
    return source.size


def _iso(source: _Source) -> int | None:
    _not_another(source.some(0, 4096), ISO)
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


# -- QCOW2

#: Known incompatible features: dirty, compression type, extended L2 entries.
_DIRTY, _CORRUPT, _EXTERNAL = 1, 2, 4
_KNOWN = _DIRTY | 8 | 16
_DATA_FILE, _ENCRYPTION, _BACKING = 0x44415441, 0x0537BE77, 0xE2792ACA


def _qcow2(source: _Source) -> int | None:
    head = source.some(0, 112).ljust(112, b"\x00")
    if head[:4] != b"QFI\xfb":
        raise BadImage("the image is said to be QCOW2, and does not begin so")
    version, backing, backing_length, cluster_bits, size, crypt, l1_size, l1_at, refs_at, refs, snapshots, snaps_at = (
        struct.unpack_from(">IQIIQIIQQIIQ", head, 4)
    )
    if version not in (2, 3):
        raise BadImage(f"QCOW2 of version {version} is not taken (2 and 3 are)")
    source.at(0, 72 if version == 2 else 104, "its header")
    if not 9 <= cluster_bits <= 21:
        raise BadImage(f"the clusters of the image have 2^{cluster_bits} bytes; 2^9 to 2^21 are taken")
    cluster = 1 << cluster_bits
    if backing or backing_length:
        raise BadImage("the image refers to other files: it has a backing file")
    if crypt:
        raise BadImage("the image is encrypted")
    length, features = 72, 0
    if version == 3:
        features, order, length = struct.unpack_from(">Q16xII", head, 72)
        if order > 6:
            raise BadImage("the image counts references in a way that is not known")
        if features & _EXTERNAL:
            raise BadImage("the image refers to other files: its data lie in an external one")
        if features & _CORRUPT:
            raise BadImage("the image is marked as corrupt")
        if features & ~_KNOWN:
            raise BadImage(f"the image has features that are not known here ({features & ~_KNOWN:#x})")
        if not 104 <= length <= min(cluster, 4096) or length % 8:
            raise BadImage(f"the header of the image says it has {length} bytes")
    if bool(features & 8) != (length > 104 and head[104] != 0) or (features & 8 and head[104] != 1):
        raise BadImage("the image is compressed in a way that is not known here")
    _extensions(source, length, cluster)
    entry = cluster // (16 if features & 16 else 8)
    if features & 16 and cluster_bits < 14:
        raise BadImage("clusters with extended entries have 2^14 bytes or more")
    needed = -(-size // (cluster * entry)) if size else 0
    if l1_size < needed:
        raise BadImage("the first table of the image does not fit its size")
    for what, offset, extent in (
        ("first table", l1_at, l1_size * 8),
        ("table of references", refs_at, refs * cluster),
        ("list of snapshots", snaps_at if snapshots else 0, 40 * snapshots),
    ):
        if offset % cluster or extent > 32 * 2**20 or not source.fits(offset, extent):
            raise BadImage(f"the {what} of the image does not lie within it")
    if refs == 0 or refs_at == 0 or (l1_size and l1_at == 0) or snapshots > 65536:
        raise BadImage("the header of the image makes no sense")
    return int(size)


def _extensions(source: _Source, offset: int, cluster: int) -> None:
    """The optional parts after the header: known ones may be harmful, others only need to lie within the cluster."""
    while True:
        found = source.some(offset, 8)
        if len(found) < 8 or offset + 8 > cluster:
            return
        kind, length = struct.unpack(">II", found)
        if kind == 0:
            return
        if kind == _DATA_FILE:
            raise BadImage("the image refers to other files: it names an external data file")
        if kind == _ENCRYPTION:
            raise BadImage("the image is encrypted")
        if kind == _BACKING:
            raise BadImage("the image refers to other files: it names the format of a backing file")
        offset += 8 + -(-length // 8) * 8
        if offset > cluster:
            raise BadImage("the header of the image is longer than its first cluster")


# -- VMDK


def _vmdk(source: _Source) -> int | None:
    head = source.some(0, SECTOR)
    if head[:4] != b"KDMV":
        if head[:4] == b"COWD" or head.lstrip().startswith(b"# Disk DescriptorFile"):
            raise BadImage("the image refers to other files: only VMDK files that hold all of the disk are taken")
        raise BadImage("the image is said to be VMDK, and does not begin so")
    source.at(0, SECTOR, "its header")
    version, _, capacity, grain, at, length, per_table = struct.unpack_from("<IIQQQQI", head, 4)
    compressed = struct.unpack_from("<H", head, 77)[0]
    if version not in (1, 2, 3) or compressed > 1:
        raise BadImage(f"VMDK of version {version} is not taken")
    if not 8 <= grain <= 2**16 or grain & (grain - 1) or not 0 < per_table <= 2**16:
        raise BadImage("the header of the image makes no sense")
    if not at or not 0 < length <= 2048 or not source.fits(at * SECTOR, length * SECTOR):
        raise BadImage("the image holds no description of itself")
    _vmdk_description(source.at(at * SECTOR, length * SECTOR, "its description"), capacity)
    return int(capacity * SECTOR)


def _vmdk_description(data: bytes, capacity: int) -> None:
    text = data.rstrip(b"\x00").decode("latin-1")
    if not text.startswith("# Disk DescriptorFile") or "\x00" in text:
        raise BadImage("the image holds no description of itself")
    extents = []
    for line in text.splitlines():
        name, separator, value = (part.strip() for part in line.partition("="))
        lower = name.lower()
        if separator and lower == "parentcid" and value.lower() != "ffffffff":
            raise BadImage("the image refers to other files: it has a parent")
        if lower.startswith(("parentfilenamehint", "changetrackpath")):
            raise BadImage("the image refers to other files")
        if separator and lower == "createtype" and value.strip('"') not in ("monolithicSparse", "streamOptimized"):
            raise BadImage("only VMDK files of the types monolithicSparse and streamOptimized are taken")
        if re.match(r"(RW|RDONLY|NOACCESS)\s", line):
            extents.append(line)
    if len(extents) != 1:
        raise BadImage("the image refers to other files: it has not exactly one extent")
    match = re.fullmatch(r'(?:RW|RDONLY)\s+(\d{1,15})\s+SPARSE\s+"([^"]*)"\s*', extents[0])
    if match is None or int(match[1]) != capacity:
        raise BadImage("the extent of the image does not fit its header")
    _harmless(match[2], "the image", flat=True)


# -- VHD


def _vhd(source: _Source) -> int | None:
    head = source.some(0, SECTOR)
    dynamic = head[:8] == b"conectix"
    if not dynamic:
        _not_another(source.some(0, 4096), VHD)
        if source.size is None:
            return None  # a fixed disk has nothing but its end that tells
        head = source.some(max(0, source.size - SECTOR), SECTOR)
        if head[:8] != b"conectix":
            raise BadImage("the image is said to be VHD, and has no footer of one")
    footer = head.ljust(SECTOR, b"\x00")
    _checksum(footer, 64, "footer")
    version, at = struct.unpack_from(">IQ", footer, 12)
    size, kind = struct.unpack_from(">Q", footer, 48)[0], struct.unpack_from(">I", footer, 60)[0]
    if version != 0x00010000:
        raise BadImage("VHD of this version is not taken")
    if kind == 4:
        raise BadImage("the image refers to other files: it is the difference to a parent")
    if kind != (3 if dynamic else 2):
        raise BadImage(f"VHD of type {kind} is not taken here")
    if dynamic:
        table = source.at(at, 1024, "its header") if at % SECTOR == 0 else b""
        if table[:8] != b"cxsparse":
            raise BadImage("the image has no header of a dynamic VHD")
        _checksum(table, 36, "header")
        blocks_at, _, blocks, block = struct.unpack_from(">QIII", table, 16)
        if not SECTOR <= block <= 2**28 or block & (block - 1) or blocks * block < size or blocks > 2**26:
            raise BadImage("the blocks of the image do not fit its size")
        if not source.fits(blocks_at, blocks * 4):
            raise BadImage("the table of the image does not lie within it")
    elif source.size is not None and size > source.size - SECTOR:
        raise BadImage("the image ends before its disk does")
    return int(size)


def _checksum(block: bytes, at: int, what: str) -> None:
    given = struct.unpack_from(">I", block, at)[0]
    if (~(sum(block) - sum(block[at : at + 4]))) & 0xFFFFFFFF != given:
        raise BadImage(f"the checksum of the {what} of the image is wrong")


# -- OVA


def _ova(source: _Source) -> int | None:
    offset, disks, description, total = 0, 0, "", 0
    names: set[str] = set()
    while len(names) <= 1000:
        head = source.some(offset, SECTOR)
        if len(head) < SECTOR or not any(head):
            break
        name, length = _member(head, first=not names)
        if name in names:
            raise BadImage("the OVA holds two files of one name")
        start = offset + SECTOR
        if not names:
            if not name.lower().endswith(".ovf"):
                raise BadImage("an OVA begins with its description (.ovf)")
            if length > 4 * 2**20:
                raise BadImage("the description in the OVA is too long")
            description = source.some(start, length).decode("utf-8", "replace")
        elif name.lower().endswith(".vmdk") and (source.size is not None or source.some(start, SECTOR)):
            if not source.fits(start, length):
                raise BadImage("the file ends in the middle of a disk")
            if source.size is not None:
                total += _vmdk(source.part(start, length)) or 0
            disks += 1
        names.add(name)
        offset = start + -(-length // SECTOR) * SECTOR
    if not names:
        raise BadImage("the image is said to be OVA, and is no archive")
    _ovf(description, names if source.size is not None else None)
    if source.size is None:
        return None
    if not disks:
        raise BadImage("the OVA holds no disk (.vmdk)")
    return total


def _member(head: bytes, *, first: bool) -> tuple[str, int]:
    try:
        given = int(head[148:156].rstrip(b"\x00 ") or b"x", 8)
        length = int(head[124:136].strip(b"\x00 ") or b"0", 8)
        name = head[:100].split(b"\x00")[0].decode("ascii")
    except ValueError:
        what = "the image is said to be OVA, and is no archive" if first else "the archive in the OVA is damaged"
        raise BadImage(what) from None
    if sum(head[:148]) + 8 * 0x20 + sum(head[156:]) != given or length < 0:
        raise BadImage("the archive in the OVA is damaged")
    if head[156:157] not in (b"0", b"\x00"):
        raise BadImage("an OVA holds plain files only")
    _harmless(name, "the OVA", flat=True)
    return name, length


def _ovf(text: str, names: set[str] | None) -> None:
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise BadImage("the description in the OVA defines entities")
    if "<" not in text or "Envelope" not in text:
        raise BadImage("the description in the OVA is none")
    for match in re.finditer(r"""<(?:\w+:)?File\b[^>]*?\bhref\s*=\s*(["'])(.*?)\1""", text):
        _harmless(match[2], "the OVA", flat=True)
        if names is not None and match[2] not in names:
            raise BadImage("the OVA refers to other files")


def _harmless(name: str, what: str, *, flat: bool = False) -> None:
    parts = name.replace("\\", "/").split("/")
    if not name or not name.isprintable() or ".." in parts or parts[0] == "" or ":" in name or name.startswith("-"):
        raise BadImage(f"{what} names a file that leads elsewhere")
    if flat and len(parts) > 1:
        raise BadImage(f"{what} names a file that leads elsewhere")


_CHECKS: dict[str, Callable[[_Source], int | None]] = {
    QCOW2: _qcow2,
    RAW: _raw,
    VMDK: _vmdk,
    VHD: _vhd,
    OVA: _ova,
    ISO: _iso,
}
