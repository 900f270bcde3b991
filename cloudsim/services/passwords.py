"""Passwords: argon2 hashes, made and checked in a thread (each takes some hundredths of a second and 19 MiB).

The parameters are the smaller of OWASP's two recommendations for argon2id.
"""

from __future__ import annotations

import asyncio
from functools import cache
from typing import Any

from cloudsim.core.ids import secret


@cache
def _hasher() -> Any:
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


@cache
def _nobody() -> str:
    # what is checked where there is no such user, so that the answer takes as long
    return str(_hasher().hash(secret(20)))


#: One at a time: a flood of logins must not take the memory and the cores.
_turn = asyncio.Semaphore(1)


def hashed(password: str) -> str:
    """The stored form of a password."""
    return str(_hasher().hash(password))


async def hash_later(password: str) -> str:
    """`hashed`, without holding up the server."""
    async with _turn:
        return await asyncio.to_thread(hashed, password)


async def prepare(parameters: Any) -> None:
    """For commands that take a password: leaves its stored form in ``parameters.prepared`` before their transaction."""
    text = parameters.get("password")
    if text and len(text) <= 255:
        parameters.prepared["password"] = await hash_later(text)


def _matches(stored: str | None, password: str) -> bool:
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        return bool(_hasher().verify(stored or _nobody(), password)) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


async def matches(stored: str | None, password: str) -> bool:
    """Whether a password is the one that was stored; never, where nothing is stored."""
    async with _turn:
        return await asyncio.to_thread(_matches, stored, password)
