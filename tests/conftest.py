"""Fixtures: a real server on loopback, and a client for it."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest
from apiclient import Api, admin_keys
from options import make_config

from cloudsim.server import Server

pytest_plugins = ["conftest_postgres"]


@pytest.fixture(scope="session")
def seeded_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data directory as a first start leaves it, to be copied."""
    directory = tmp_path_factory.mktemp("seeded") / "data"

    async def first_start() -> None:
        server = Server(make_config(directory))
        await server.start()
        await server.stop()

    asyncio.new_event_loop().run_until_complete(first_start())
    yield directory


@pytest.fixture
def data_dir(tmp_path: Path, seeded_dir: Path) -> Path:
    """A data directory of a seeded server, for one test."""
    directory = tmp_path / "data"
    shutil.copytree(seeded_dir, directory)
    return directory


@pytest.fixture
async def server(data_dir: Path) -> AsyncIterator[Server]:
    """A server with the seeded zone, in this process."""
    made = Server(make_config(data_dir))
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """A client session."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield session


@pytest.fixture
async def api(server: Server, http: aiohttp.ClientSession) -> Api:
    """The admin, calling the seeded server."""
    key, secret = admin_keys(server.config.data_dir)
    return Api(http, server.url, key, secret)
