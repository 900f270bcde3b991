"""Servers that share a PostgreSQL database tell each other what they have changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import asyncpg
import pytest

from cloudsim.db import schema
from cloudsim.db.postgres import PostgresDatabase
from cloudsim.db.upgrade import prepare


async def until(wanted: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not wanted():
            await asyncio.sleep(0.01)


async def test_commits_are_told_to_the_others(postgres_url: str) -> None:
    one, other = PostgresDatabase(postgres_url), PostgresDatabase(postgres_url)
    await one.open()
    await other.open()
    try:
        await prepare(one, postgres_url)
        heard: list[str] = []

        async def later() -> None:
            heard.append("later")

        for name, database in (("one", one), ("other", other)):
            database.listen({"region"}, lambda name=name: heard.append(name))  # type: ignore[misc]
        other.listen({"region"}, lambda: heard.append("here only"), here_only=True)
        other.listen_elsewhere({"region"}, later)

        def add(number: int) -> Callable[[Any], Any]:
            return lambda tx: tx.insert(schema.region, number=number, name="n", endpoint="e")

        await one.write(add(10))
        await until(lambda: len(heard) >= 3)
        assert sorted(heard) == ["later", "one", "other"]
        heard.clear()
        # what is undone is not told, nor what nobody keeps anything of

        def undone(tx: Any) -> None:
            add(11)(tx)
            raise ValueError

        with pytest.raises(ValueError):
            await one.write(undone)
        await one.write(lambda tx: tx.update(schema.zone, {"id": 0}, name="x"))
        # a listener that was cut off forgets everything, and hears again
        connection = await asyncpg.connect(postgres_url)
        ended = await connection.fetchval(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query LIKE 'LISTEN %'"
        )
        await connection.close()
        assert ended == 2
        # (when it notices, and when it hears again)
        await until(lambda: min(heard.count(name) for name in ("one", "other", "later")) == 2)
        heard.clear()
        await other.write(add(12))
        await until(lambda: len(heard) >= 3)
        assert sorted(heard) == ["here only", "one", "other"]
    finally:
        await other.close()
        await one.close()
