"""Servers that are killed, for tests: made by ``victim.py``, one process for all of them."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import itertools
import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import Future
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path

import pytest


class Victim:
    """A server that is, or was, alive."""

    def __init__(self) -> None:
        #: Process id and endpoint.
        self.ready: Future[tuple[int, str]] = Future()
        self.ended: Future[int] = Future()

    @property
    def returncode(self) -> int | None:
        return self.ended.result() if self.ended.done() else None

    async def wait(self) -> int:
        """Waits for its end; answers minus the signal that killed it."""
        return await asyncio.wait_for(asyncio.wrap_future(self.ended), 30)


class _Nursery:
    def __init__(self) -> None:
        program = [sys.executable, str(Path(__file__).with_name("victim.py"))]
        self.process = subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.victims: dict[str, Victim] = {}
        self.names = itertools.count()
        # tests come and go with their event loops, this stays
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            what, name, *rest = line.split()
            victim = self.victims[name]
            if what == "ready":
                victim.ready.set_result((int(rest[0]), rest[1]))
            else:
                if not victim.ready.done():
                    victim.ready.set_exception(AssertionError("it did not start"))
                victim.ended.set_result(int(rest[0]))

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(10)

    def make(self, directory: Path, boundary: int) -> Victim:
        name = str(next(self.names))
        made = self.victims[name] = Victim()
        assert self.process.stdin is not None
        self.process.stdin.write(f"{name} {boundary} {directory}\n")
        self.process.stdin.flush()
        return made


@cache
def _nursery() -> _Nursery:
    made = _Nursery()
    atexit.register(made.close)
    return made


@asynccontextmanager
async def victim(data_dir: Path, boundary: int) -> AsyncIterator[tuple[Victim, str]]:
    """A server that dies at a boundary (0: at none), and its endpoint."""
    made = _nursery().make(data_dir, boundary)
    pid, endpoint = await asyncio.wait_for(asyncio.wrap_future(made.ready), 60)
    try:
        yield made, endpoint
    finally:
        if made.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        await made.wait()


async def at_each_boundary(
    crash: Callable[[int], Awaitable[bool]], *, stride: int = 1, at_once: int = 3, least: int = 3
) -> None:
    """Has `crash` killed at one boundary after the other, some at the same time, until one answers that it was not.

    `least`: how many boundaries there are at least.
    """
    for first in range(1, 100, stride * at_once):
        numbers = range(first, first + stride * at_once, stride)
        # all of them end before the first that failed is told of: nothing is left behind in a loop that closes
        ended = await asyncio.gather(*(crash(number) for number in numbers), return_exceptions=True)
        for one in ended:
            if isinstance(one, BaseException):
                raise one
        alive = [bool(one) for one in ended]
        # the job that was asked for may end a little before or after those that it set off: the last one says
        if alive[-1]:
            end = numbers[alive.index(True)]
            assert end > least, "the server was not killed where it should have been"
            return
    pytest.fail("no end of boundaries")
