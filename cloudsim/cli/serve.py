"""``cloudsim serve``: the server, until SIGTERM or SIGINT."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys

from cloudsim.core import logs
from cloudsim.core.config import Config


def run(config: Config) -> int:
    """Serves; answers 0 after a clean stop, 1 where the server could not start."""
    # what is read and made at the start nearly all stays: looking through it again and again takes a tenth of a second
    gc.disable()
    from cloudsim.server import Server, StartError, log_ids

    logs.configure(config["log-level"], config["log-format"] == "json", log_ids)

    async def serve() -> int:
        server = Server(config)
        stop = server.end
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        try:
            await server.start()
        except StartError as error:
            print(f"cloudsim: {error}", file=sys.stderr)
            return 1
        # What is there now stays: the collector need not look at it again and again.
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)
        gc.enable()
        print(f"cloudsim is ready at {server.url} (data in {config.data_dir})", file=sys.stderr, flush=True)
        await stop.wait()
        print("cloudsim stops", file=sys.stderr, flush=True)
        await server.stop()
        return 0

    try:
        import uvloop
    except ImportError:
        return asyncio.run(serve())
    return uvloop.run(serve())
