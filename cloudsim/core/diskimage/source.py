"""The bytes of an image, and what is checked of more than one format."""

from __future__ import annotations

from collections.abc import Callable

#: Answers the bytes of a file at an offset, fewer where it ends.
Read = Callable[[int, int], bytes]

SECTOR = 512


class BadImage(Exception):
    """The image is not taken; the text says why."""


class Source:
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

    def part(self, offset: int, size: int) -> Source:
        """A file within the file."""
        return Source(self._read, size, self._start + offset)


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


def not_another(head: bytes, kind: str) -> None:
    """Raises `BadImage` where a head is that of another kind of image than is said."""
    for magic, name in _MAGICS:
        if head.startswith(magic):
            raise BadImage(f"the image is said to be {kind}, and begins like {name}")
    if head[64:68] == b"\x7f\x10\xda\xbe":
        raise BadImage(f"the image is said to be {kind}, and begins like VDI")
    # VMware's descriptions are also found after blanks and comments
    if head[:4096].lstrip(b"\x00 \t\r\n").startswith(b"# Disk DescriptorFile"):
        raise BadImage(f"the image is said to be {kind}, and begins like VMDK")


def harmless(name: str, what: str, *, flat: bool = False) -> None:
    """Raises `BadImage` where a name leads out of the place it is in."""
    parts = name.replace("\\", "/").split("/")
    if not name or not name.isprintable() or ".." in parts or parts[0] == "" or ":" in name or name.startswith("-"):
        raise BadImage(f"{what} names a file that leads elsewhere")
    if flat and len(parts) > 1:
        raise BadImage(f"{what} names a file that leads elsewhere")
