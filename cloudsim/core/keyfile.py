"""Secrets at rest: sealed with a key that lies beside the database, readable by its owner only."""

from __future__ import annotations

import base64
import os
import stat
from pathlib import Path


class KeyFile:
    """AES-GCM under the key of a file that is made when it is not there.

    Raises `ValueError` for a file that others than its owner may read.
    """

    def __init__(self, path: Path) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self._aead = AESGCM(_key(path))

    def seal(self, text: str) -> str:
        """The stored form of a secret."""
        nonce = os.urandom(12)
        return base64.b64encode(nonce + self._aead.encrypt(nonce, text.encode(), None)).decode()

    def open(self, sealed: str) -> str:
        """The secret again. Raises `ValueError` where it was sealed with another key."""
        from cryptography.exceptions import InvalidTag

        raw = base64.b64decode(sealed)
        try:
            return self._aead.decrypt(raw[:12], raw[12:], None).decode()
        except InvalidTag:
            raise ValueError("the key file is not the one that this database's secrets were sealed with") from None


def _key(path: Path) -> bytes:
    try:
        with path.open("rb") as there:
            if stat.S_IMODE(os.fstat(there.fileno()).st_mode) & 0o077:
                raise ValueError("others than its owner may read it: chmod 600 it, and think of whom has read it")
            return base64.b64decode(there.read())
    except FileNotFoundError:
        pass
    key = os.urandom(32)
    temporary = path.with_name(path.name + ".new")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(base64.b64encode(key))
        file.flush()
        os.fsync(file.fileno())
    os.rename(temporary, path)
    return key
