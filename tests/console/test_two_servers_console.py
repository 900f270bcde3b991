"""Consoles of two servers on one PostgreSQL: a token works once at whichever, and what one ends the other closes."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from apiclient import Api
from options import make_config
from people import account, keyed
from test_console import connects, endpoint, viewer

from cloudsim.server import Server


@pytest.fixture
async def servers(tmp_path: Path, postgres_url: str) -> AsyncIterator[list[Server]]:
    made: list[Server] = []
    for name in ("one", "two"):
        if made:  # secrets in the database are sealed with a key that both have
            (tmp_path / name).mkdir()
            shutil.copy(tmp_path / "one" / "key", tmp_path / name / "key")
        made.append(Server(make_config(tmp_path / name, database=postgres_url, **{"integration-port": 0})))
        await made[-1].start()
    yield made
    for server in made:
        await server.stop()


async def test_two_servers(servers: list[Server], http: aiohttp.ClientSession, tmp_path: Path) -> None:
    one, two = servers
    key, secret = await one.db.read(_admin, one)
    first, second = Api(http, one.url, key, secret), Api(http, two.url, key, secret)
    who = await account(first, "owner")
    owner = await keyed(first, http, who["user"][0]["id"])
    machine = await owner.deploy(name="web1")
    # asked for at one, used at the other: the hosts are the same
    asked = await endpoint(Api(http, two.url, owner.key, owner.secret), machine)
    asked["websocket"]["port"] = str(one.port)
    async with viewer(http, asked) as seen:
        await seen.sees("web1 login:")
        asked["websocket"]["port"] = str(two.port)
        assert await connects(http, asked) == 403
        (listed,) = (await second.call("listConsoleSessions", activeonly=True))["consolesession"]
        assert listed["virtualmachineid"] == machine["id"]
        await second.job("disableUser", id=who["user"][0]["id"])
        assert (await seen.ends()).code == 4000
    async with asyncio.timeout(5):
        while "consolesession" in await second.call("listConsoleSessions", activeonly=True):
            await asyncio.sleep(0.05)


def _admin(tx, server: Server) -> tuple[str, str]:  # type: ignore[no-untyped-def]
    from sqlalchemy import select

    from cloudsim.db.schema import user

    row = tx.first(select(user).where(user.c.username == "admin"))
    return row["api_key"], server.cloud.cipher.open(row["secret_key"])
