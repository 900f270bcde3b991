"""Servers that kill themselves with SIGKILL at the n-th boundary of their workflows: before a job's first step, after each
step, after each command to a host, and after each piece of work on an image store.

What lies between the end of one of those and the beginning of the next is nothing that lasts: to die there is to die at
the boundary before.

Run as ``python victim.py``: for each line ``NAME N DATA_DIR`` on its input it forks such a server (N = 0: one that never
does), so that what a server imports is imported once for all. It says ``ready NAME PID ENDPOINT`` and ``ended NAME CODE``.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any

# what a server imports when it needs it
import apscheduler.schedulers.asyncio  # noqa: F401

import cloudsim.services.download_worker
import cloudsim.services.periodic
import cloudsim.services.webhook_worker
import cloudsim.web.files
import cloudsim.web.status  # noqa: F401
from cloudsim.agents.dispatch import Agents
from cloudsim.core.config import load
from cloudsim.jobs.engine import Engine
from cloudsim.jobs.job import Job
from cloudsim.server import Server
from cloudsim.services.transfer import Workshop

left = 0


def boundary() -> None:
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)


def mortal(function: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def wrapped(owner: Any, first: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(first, Job) and not first.steps:
            boundary()
        result = await function(owner, first, *args, **kwargs)
        boundary()
        return result

    return wrapped


def say(*words: object) -> None:
    # one write of a short line: others write to the same pipe
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


async def serve(name: str, directory: str) -> None:
    server = Server(load({"data-dir": directory, "port": 0}, {}))
    await server.start()
    say("ready", name, os.getpid(), server.url)
    await asyncio.Event().wait()


def main() -> None:
    global left
    for owner, names in ((Engine, ("run_step", "run_finish", "_fail")), (Agents, ("ask",)), (Workshop, ("run",))):
        for name in names:
            setattr(owner, name, mortal(getattr(owner, name)))
    alive: dict[int, str] = {}

    def reap(*_: object) -> None:
        while alive:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:  # another signal came in between, and that call has heard of the last one
                return
            if not pid:
                return
            say("ended", alive.pop(pid), os.waitstatus_to_exitcode(status))

    signal.signal(signal.SIGCHLD, reap)
    gc.freeze()
    for line in sys.stdin:
        name, number, directory = line.rstrip("\n").split(" ", 2)
        signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGCHLD,))
        pid = os.fork()
        if not pid:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGCHLD,))
            left = int(number)
            try:
                asyncio.run(serve(name, directory))
            finally:
                os._exit(1)
        alive[pid] = name
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGCHLD,))
    for pid in alive:
        os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
