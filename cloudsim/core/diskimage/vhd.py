"""VHD, fixed and dynamic."""

from __future__ import annotations

import struct

from cloudsim.core.diskimage.source import SECTOR, BadImage, Source, not_another


def vhd(source: Source) -> int | None:
    """Looks at an image; answers the bytes of its disk. Raises `BadImage`."""
    head = source.some(0, SECTOR)
    dynamic = head[:8] == b"conectix"
    if not dynamic:
        not_another(source.some(0, 4096), "VHD")
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
