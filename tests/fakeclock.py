"""A clock that stands still until it is moved: ten minutes of a cloud's life in milliseconds."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


class FakeClock:
    """Implements `cloudsim.core.clock.Clock`. Who sleeps wakes when `advance` has reached the end of the sleep."""

    def __init__(self, start: int = 1_800_000_000_000) -> None:
        #: How much longer than usual nothing must move before time goes on: more where steps take longer.
        self.patience = 1
        self.milliseconds = start
        self._order = itertools.count()
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []

    def now(self) -> int:
        return self.milliseconds

    def monotonic(self) -> float:
        return self.milliseconds / 1000

    async def sleep(self, seconds: float) -> None:
        waked: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.milliseconds + int(seconds * 1000), next(self._order), waked))
        await waked

    async def within(self, seconds: float, what: Awaitable[T]) -> T:
        task = asyncio.ensure_future(what)
        limit = asyncio.ensure_future(self.sleep(seconds))
        try:
            await asyncio.wait({task, limit}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            raise TimeoutError
        finally:
            task.cancel()
            limit.cancel()

    def next(self) -> int | None:
        """When the next sleeper wakes."""
        while self._sleepers and self._sleepers[0][2].done():
            heapq.heappop(self._sleepers)
        return self._sleepers[0][0] if self._sleepers else None

    def advance(self, to: int) -> None:
        """Moves the time to an instant and wakes all whose sleep is over by then."""
        self.milliseconds = max(self.milliseconds, to)
        while self._sleepers and (self._sleepers[0][2].done() or self._sleepers[0][0] <= self.milliseconds):
            _, _, waked = heapq.heappop(self._sleepers)
            if not waked.done():
                waked.set_result(None)

    async def until(
        self, done: Callable[[], bool], limit: int | None = None, moves: Callable[[], object] = lambda: None
    ) -> None:
        """Lets the cloud live until `done`: whenever nothing moves any more, the next sleeper is waked.

        Nobody whose sleep ends after `limit` is waked: what still waits for that is left under way, once `moves` has
        told the same for a while.
        """
        quiet, told = 0, moves()
        async with asyncio.timeout(60.0):
            while not done():
                before = self.next()
                await asyncio.sleep(0.002)
                still = self.next()
                quiet, told = (quiet + 1 if still == before and told == moves() else 0), moves()
                if done() or still is None:
                    continue
                # what is far away is mostly the end of somebody's patience: what takes a moment must not seem to hang
                near = still - self.milliseconds < 1000
                if limit is not None and still > limit:
                    if quiet > 60:
                        return
                elif quiet > (0 if near else 15) * self.patience + self.patience - 1:
                    self.advance(still)
                    quiet = 0
