"""The one source of identity and chance: seedable, so that a run can be repeated."""

from __future__ import annotations

import random
import re
import secrets
import uuid


class Ids:
    """Makes uuids and random choices. With a `seed` the same sequence each time (tests only: guessable).

    Secrets never come from here: see `secret`, which always asks the operating system.
    """

    def __init__(self, seed: int | None = None) -> None:
        self.random: random.Random = random.SystemRandom() if seed is None else random.Random(seed)
        self._seeded = seed is not None

    def uuid(self) -> str:
        """A new version 4 uuid, in its text form of 36 characters."""
        if self._seeded:
            return str(uuid.UUID(int=self.random.getrandbits(128), version=4))
        return str(uuid.uuid4())  # noqa: TID251


def secret(length: int = 86) -> str:
    """An unguessable text of `length` URL-safe characters: API keys, secret keys, session keys.

    86 is the length of the keys that CloudStack hands out.
    """
    return secrets.token_urlsafe(length)[:length]


def secret_bytes(length: int) -> bytes:
    """Unguessable bytes."""
    return secrets.token_bytes(length)


def secret_pin(digits: int) -> str:
    """An unguessable number, with its leading zeros."""
    return str(secrets.randbelow(10**digits)).zfill(digits)


def is_uuid(text: str) -> bool:
    """Whether `text` has the form of a uuid (8-4-4-4-12 hexadecimal digits)."""
    return _UUID.fullmatch(text) is not None


_UUID = re.compile(r"[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}")
