"""Makes a small QCOW2 image: a disk that is empty but for a text at its start."""

from __future__ import annotations

import struct

_BITS = 16
_CLUSTER = 1 << _BITS
#: Clusters that one second-level table points to, and bytes of disk they hold.
_ENTRIES = _CLUSTER // 8
_COPIED = 1 << 63


def blank(size: int, text: bytes = b"") -> bytes:
    """An image (version 2) of a disk of `size` bytes; `text`, of 64 KiB at most, is at the disk's start."""
    text = text[: min(size, _CLUSTER)]
    tables = -(-size // (_CLUSTER * _ENTRIES)) or 1
    l1_clusters = -(-tables * 8 // _CLUSTER)
    # header, table of references, their counts, first table; where there is a text, a second table and the text
    l2_at = (3 + l1_clusters) * _CLUSTER
    clusters = 3 + l1_clusters + (2 if text else 0)
    head = struct.pack(">4sIQIIQIIQQIIQ", b"QFI\xfb", 2, 0, 0, _BITS, size, 0, tables, 3 * _CLUSTER, _CLUSTER, 1, 0, 0)
    parts = [
        head.ljust(_CLUSTER, b"\0"),
        struct.pack(">Q", 2 * _CLUSTER).ljust(_CLUSTER, b"\0"),
        (struct.pack(">H", 1) * clusters).ljust(_CLUSTER, b"\0"),
        (struct.pack(">Q", l2_at | _COPIED) if text else b"").ljust(l1_clusters * _CLUSTER, b"\0"),
    ]
    if text:
        parts += [struct.pack(">Q", (l2_at + _CLUSTER) | _COPIED).ljust(_CLUSTER, b"\0"), text.ljust(_CLUSTER, b"\0")]
    return b"".join(parts)
