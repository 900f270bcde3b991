"""Consoles of a server that is a process of its own, and is told to stop, or killed."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from apiclient import Api, admin_keys
from rfb import Closed
from test_console import connects, endpoint, viewer


@asynccontextmanager
async def serving(data_dir: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    made = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "cloudsim.cli", "serve", "--data-dir", str(data_dir), "--port", "0",
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert made.stderr is not None
        line = b""
        while b"is ready at" not in line:
            line = await asyncio.wait_for(made.stderr.readline(), 30)
            assert line, "it did not start"
        yield made
    finally:
        if made.returncode is None:
            made.kill()
        await made.wait()


def calling(http: aiohttp.ClientSession, data_dir: Path) -> Api:
    told = json.loads((data_dir / "endpoint").read_text())["endpoint"]
    return Api(http, told, *admin_keys(data_dir))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
async def test_what_is_left_of_consoles(number: signal.Signals, data_dir: Path, http: aiohttp.ClientSession) -> None:
    async with serving(data_dir) as process:
        api = calling(http, data_dir)
        machine = await api.deploy(name="web1")
        unused, used = await endpoint(api, machine), await endpoint(api, machine)
        async with viewer(http, used) as seen:
            await seen.sees("web1 login:")
            clock = asyncio.get_running_loop()
            started = clock.time()
            process.send_signal(number)
            closed: Closed = await seen.ends()
            assert closed.code == (1001 if number is signal.SIGTERM else 1006)
            assert clock.time() - started < 2.0
        await asyncio.wait_for(process.wait(), 10)
    async with serving(data_dir):
        api = calling(http, data_dir)
        sessions = (await api.call("listConsoleSessions", activeonly=True))["consolesession"]
        assert ["acquired" in one for one in sessions] == [False]
        for made, status in ((used, 403), (unused, 101), (unused, 403)):
            made["websocket"]["port"] = api.endpoint.split(":")[2].partition("/")[0]
            assert await connects(http, made) == status
