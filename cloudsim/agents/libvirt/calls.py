"""Blocking calls that nobody has to wait for.

A call into libvirt blocks its thread, and where the host is sick it may block for good. So each call has a daemon
thread of its own, which can be *given up*: the task that waits goes on (its time was over, or it was cancelled), the
thread is left to itself and its result, should one come, is thrown away. A thread of a pool could not be treated like
that: it would be lost to the pool, and the interpreter would wait for it at its exit.

A call of several steps is given a `Gate` and asks it before each step that changes something, so that what was given up
does not go on changing the host later on.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from cloudsim.agents.base import AgentError, CommandFailed, HostUnreachable
from cloudsim.core.clock import Clock

log = logging.getLogger(__name__)

T = TypeVar("T")


class GivenUp(Exception):
    """Inside a call's thread: nobody waits for the call any more."""


class Gate:
    """Shut when a call is given up."""

    def __init__(self) -> None:
        self._shut = threading.Event()

    def shut(self) -> None:
        """No further step of the call may be taken."""
        self._shut.set()

    def check(self) -> None:
        """Raises `GivenUp` when the gate is shut."""
        if self._shut.is_set():
            raise GivenUp

    def wait(self, seconds: float) -> None:
        """Waits (in the call's thread); raises `GivenUp` when the gate is shut meanwhile."""
        if self._shut.wait(seconds):
            raise GivenUp


class Calls:
    """The blocking calls to one host: at most `width` at a time, and none any more while `stuck` given up ones hang."""

    def __init__(self, clock: Clock, name: str, *, width: int = 5, stuck: int = 8) -> None:
        self._clock = clock
        self._name = name
        self._turn = asyncio.Semaphore(width)
        self._most_stuck = stuck
        self._given_up: set[threading.Thread] = set()
        self._waiting: set[asyncio.Future[Any]] = set()

    async def run(self, work: Callable[[Gate], T], limit: float) -> T:
        """What `work` returns, run in a thread. Raises the `AgentError` that it raises, `CommandFailed` for anything
        else it raises, `HostUnreachable` after `limit` seconds. `work` must return plain data.
        """
        async with self._turn:
            self._given_up = {thread for thread in self._given_up if thread.is_alive()}
            if len(self._given_up) >= self._most_stuck:
                raise HostUnreachable(f"{len(self._given_up)} earlier calls to this host still hang")
            loop = asyncio.get_running_loop()
            future: asyncio.Future[T] = loop.create_future()
            gate = Gate()
            thread = threading.Thread(
                target=self._carry_out, args=(work, gate, loop, future), name=self._name, daemon=True
            )
            self._waiting.add(future)
            thread.start()
            try:
                return await self._clock.within(limit, future)
            except TimeoutError:
                raise HostUnreachable(f"no answer within {limit:g} s") from None
            finally:
                gate.shut()
                self._waiting.discard(future)
                if future.cancelled() or not future.done():
                    self._given_up.add(thread)

    def drop(self, reason: str) -> None:
        """Gives up all calls that are under way: whoever waits gets `HostUnreachable` with `reason`."""
        for future in list(self._waiting):
            if not future.done():
                future.set_exception(HostUnreachable(reason))

    def _carry_out(
        self, work: Callable[[Gate], T], gate: Gate, loop: asyncio.AbstractEventLoop, future: asyncio.Future[T]
    ) -> None:
        outcome: Any = None
        failure: AgentError | None = None
        try:
            outcome = work(gate)
        except GivenUp:
            return
        except AgentError as error:
            failure = type(error)(*error.args)  # a new one: its traceback would keep libvirt's objects alive
        except Exception as error:
            log.exception("a call to %s went wrong", self._name)
            failure = CommandFailed(f"the libvirt driver failed ({type(error).__name__}); see the server's log")
        try:
            loop.call_soon_threadsafe(_deliver, future, outcome, failure)
        except RuntimeError:
            log.debug("%s: the event loop was closed before the answer came", self._name)


def _deliver(future: asyncio.Future[Any], outcome: Any, failure: AgentError | None) -> None:
    if future.done():
        return
    if failure is None:
        future.set_result(outcome)
    else:
        future.set_exception(failure)
