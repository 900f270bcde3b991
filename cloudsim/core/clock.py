"""The one source of time. Everything that reads the time or waits takes a ``Clock``."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Protocol, TypeVar

T = TypeVar("T")


class Clock(Protocol):
    """What the product needs of time. Instants are integers: milliseconds since 1970-01-01 UTC."""

    def now(self) -> int:
        """The present instant, in milliseconds."""

    def monotonic(self) -> float:
        """Seconds from an arbitrary start, never going back: for durations."""

    async def sleep(self, seconds: float) -> None:
        """Waits."""

    async def within(self, seconds: float, what: Awaitable[T]) -> T:
        """The result of `what`, or ``TimeoutError`` after `seconds`."""


class SystemClock:
    """The machine's own time."""

    def now(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)  # noqa: TID251

    async def within(self, seconds: float, what: Awaitable[T]) -> T:
        async with asyncio.timeout(seconds):
            return await what


def to_wire(milliseconds: int | None) -> str | None:
    """An instant as clients read it: ``2026-11-23T08:27:41+0000``."""
    if milliseconds is None:
        return None
    return _second(milliseconds // 1000)


@lru_cache(maxsize=10_000)
def _second(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S+0000", time.gmtime(seconds))


def from_datetime(value: datetime) -> int:
    """A ``datetime`` (UTC where it names no zone) as an instant."""
    return int((value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp() * 1000)
