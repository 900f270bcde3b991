"""QCOW2, of versions 2 and 3."""

from __future__ import annotations

import struct

from cloudsim.core.diskimage.source import BadImage, Source

#: Known incompatible features: dirty, compression type, extended L2 entries.
_DIRTY, _CORRUPT, _EXTERNAL = 1, 2, 4
_KNOWN = _DIRTY | 8 | 16
_DATA_FILE, _ENCRYPTION, _BACKING = 0x44415441, 0x0537BE77, 0xE2792ACA


def qcow2(source: Source) -> int | None:
    """Looks at an image; answers the bytes of its disk. Raises `BadImage`."""
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


def _extensions(source: Source, offset: int, cluster: int) -> None:
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
