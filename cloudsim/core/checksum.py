"""Checksums of files as clients give them.

>>> parse("{SHA-256}5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03").algorithm
'sha256'
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any

#: By what they are called in braces; without braces it is MD5.
ALGORITHMS = {
    "MD5": "md5",
    "SHA-1": "sha1",
    "SHA-224": "sha224",
    "SHA-256": "sha256",
    "SHA-384": "sha384",
    "SHA-512": "sha512",
}
_FORM = re.compile(r"(?:\{([A-Za-z0-9-]+)\})?([0-9A-Fa-f]+)")


@dataclass(frozen=True, slots=True)
class Checksum:
    """What a file shall add up to."""

    algorithm: str
    digest: str

    def begin(self) -> Any:
        """A new hash, to be fed with the file."""
        return hashlib.new(self.algorithm, usedforsecurity=False)


def parse(text: str) -> Checksum:
    """Reads ``{ALGORITHM}digits``, or the digits of an MD5 sum alone. Raises ``ValueError``."""
    found = _FORM.fullmatch(text.strip())
    names = ", ".join(ALGORITHMS)
    if found is None:
        raise ValueError(f"a checksum is written as {{SHA-256}} and its hexadecimal digits ({names})")
    name = (found[1] or "MD5").upper()
    if name not in ALGORITHMS:
        raise ValueError(f"checksums are made by {names}, not by {name[:32]}")
    made = Checksum(ALGORITHMS[name], found[2].lower())
    length = made.begin().digest_size * 2
    if len(made.digest) != length:
        raise ValueError(f"a checksum of {name} has {length} hexadecimal digits, not {len(made.digest)}")
    return made
