"""VMDK files that hold all of a disk."""

from __future__ import annotations

import re
import struct

from cloudsim.core.diskimage.source import SECTOR, BadImage, Source, harmless


def vmdk(source: Source) -> int | None:
    """Looks at an image; answers the bytes of its disk. Raises `BadImage`."""
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
    harmless(match[2], "the image", flat=True)
