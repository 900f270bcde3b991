"""A server that kills itself with SIGKILL at the n-th boundary of its workflows: before or after a step, or a command.

Run as ``python victim.py DATA_DIR N``; prints its endpoint when it is ready. N = 0: never.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from cloudsim.agents.dispatch import Agents
from cloudsim.core.config import load
from cloudsim.jobs.engine import Engine
from cloudsim.server import Server

left = int(sys.argv[2])


def boundary() -> None:
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)


def mortal(function: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def wrapped(*args: Any, **kwargs: Any) -> Any:
        boundary()
        result = await function(*args, **kwargs)
        boundary()
        return result

    return wrapped


async def main() -> None:
    for owner, names in ((Engine, ("run_step", "run_finish", "_fail")), (Agents, ("ask",))):
        for name in names:
            setattr(owner, name, mortal(getattr(owner, name)))
    server = Server(load({"data-dir": sys.argv[1], "port": 0}, {}))
    await server.start()
    print(server.url, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    assert Path(sys.argv[1]).is_dir()
    asyncio.run(main())
