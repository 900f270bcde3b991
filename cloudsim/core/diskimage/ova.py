"""OVA: an archive of a description and of disks."""

from __future__ import annotations

import re

from cloudsim.core.diskimage.source import SECTOR, BadImage, Source, harmless
from cloudsim.core.diskimage.vmdk import vmdk


def ova(source: Source) -> int | None:
    """Looks at an image; answers the bytes of its disk. Raises `BadImage`."""
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
                total += vmdk(source.part(start, length)) or 0
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
    harmless(name, "the OVA", flat=True)
    return name, length


def _ovf(text: str, names: set[str] | None) -> None:
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise BadImage("the description in the OVA defines entities")
    if "<" not in text or "Envelope" not in text:
        raise BadImage("the description in the OVA is none")
    for match in re.finditer(r"""<(?:\w+:)?File\b[^>]*?\bhref\s*=\s*(["'])(.*?)\1""", text):
        harmless(match[2], "the OVA", flat=True)
        if names is not None and match[2] not in names:
            raise BadImage("the OVA refers to other files")
