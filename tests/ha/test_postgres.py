"""High availability on PostgreSQL: the same logs, and two servers that share a database."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import invariants
import pytest
import scenario
import script
from options import make_config

from cloudsim.server import Server

PLAYED = (
    "power_lost",
    "guarded_and_fenced",
    "start_after_fence_dies",
    "removed_and_silent",
    "room_when_the_host_is_back",
)


@pytest.mark.parametrize("name", PLAYED)
async def test_the_log_is_the_same(name: str, tmp_path: Path, postgres_url: str, http: aiohttp.ClientSession) -> None:
    read = script.read(script.HERE / f"{name}.txt")
    assert await scenario.Player(read, tmp_path / "data", http, postgres_url).play() == read.log


async def test_two_servers_look_into_a_host_once(tmp_path: Path, postgres_url: str) -> None:
    first = Server(make_config(tmp_path / "first", database=postgres_url))
    await first.start()
    # the key that seals secrets is shared, as an administrator of two servers does it
    (tmp_path / "second").mkdir(mode=0o700)
    (tmp_path / "second" / "key").write_bytes((tmp_path / "first" / "key").read_bytes())
    (tmp_path / "second" / "key").chmod(0o600)
    second = Server(make_config(tmp_path / "second", database=postgres_url))
    await second.start()
    try:
        # each has a world of its own; the host is dead in both
        dead = first.simulator.hosts()[0].uuid
        for server in (first, second):
            server.periodic.close()
            server.simulator.set_host(dead, False)
            server.simulator._world.db.execute("UPDATE hosts SET beat = beat - 120000")
        await first.db.write(
            lambda tx: tx._change("UPDATE host SET last_ping = last_ping - 600000 WHERE uuid = $1", [dead])
        )
        await asyncio.gather(*(server.periodic.run_now("host-ping") for server in (first, second) for _ in range(2)))
        for server in (first, second):
            await invariants.rest(server)
        looked = await invariants.rows(first, "SELECT state FROM job WHERE workflow = 'host.investigate'")
        assert looked == [("succeeded",)]
        told = await invariants.rows(first, "SELECT description FROM alert WHERE description LIKE '%does not answer'")
        assert len(told) == 1
        assert await invariants.rows(first, f"SELECT status, fencing FROM host WHERE uuid = '{dead}'") == [
            ("Down", False)
        ]
    finally:
        await second.stop()
        await first.stop()
