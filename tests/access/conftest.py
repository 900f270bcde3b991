"""The cast of the matrix, on a server of its own."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from access_cast import Cast
from apiclient import Api, admin_keys
from options import make_config

from cloudsim.server import Server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cast(seeded_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cast]:
    directory = tmp_path_factory.mktemp("cast") / "data"
    shutil.copytree(seeded_dir, directory)
    server = Server(make_config(directory))
    await server.start()
    try:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
            made = Cast(server, Api(http, server.url, *admin_keys(directory)), http)
            await made.build()
            server.periodic.close()
            made.forget()
            yield made
    finally:
        await server.stop()
