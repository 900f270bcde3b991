"""The database layer, on both engines."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from cloudsim.db import schema
from cloudsim.db.database import Conflict, Database
from cloudsim.db.postgres import PostgresDatabase
from cloudsim.db.sqlite import SqliteDatabase
from cloudsim.db.types import any_of
from cloudsim.db.upgrade import DatabaseTooNew, prepare

CATEGORY = schema.guest_os_category
ALL = select(CATEGORY).order_by(CATEGORY.c.id)
SOME = select(CATEGORY).where(any_of(CATEGORY.c.name, "names")).order_by(CATEGORY.c.id)


@pytest.fixture(params=["sqlite", "postgresql"])
async def db(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    made: Any
    if request.param == "sqlite":
        made = SqliteDatabase(tmp_path / "test.db")
    else:
        # the event loop runs already: the fixture of the session is taken, and the database made here
        import asyncpg

        server = request.getfixturevalue("postgres")
        name = f"layer{abs(hash(request.node.nodeid))}"
        connection = await asyncpg.connect(f"{server}/postgres")
        await connection.execute(f"CREATE DATABASE {name}")
        await connection.close()
        made = PostgresDatabase(f"{server}/{name}")
    await made.open()
    assert await prepare(made, "here") == "created"
    yield made
    await made.close()


def add(tx: Any, name: str, sort_key: int = 0) -> int:
    return tx.insert(CATEGORY, uuid=f"uuid-{name}", name=name, featured=True, created=1, sort_key=sort_key)


async def names(db: Database) -> list[str]:
    return [row["name"] for row in await db.read(lambda tx: tx.all(ALL))]


async def test_the_version_is_kept(db: Database) -> None:
    assert await db.stamp() == schema.VERSION
    assert await prepare(db, "here") == "current"


async def test_a_newer_database_is_refused(db: Database) -> None:
    await db.write(lambda tx: tx._change("UPDATE alembic_version SET version_num = '9999'", []))
    with pytest.raises(DatabaseTooNew, match="newer"):
        await prepare(db, "here")


async def test_what_is_written_is_read(db: Database) -> None:
    made = await db.write(add, "Linux")
    row = await db.glance(lambda tx: tx.first(SOME, names=["Linux", "other"]))
    assert row is not None
    assert (row["id"], row["featured"], row["created"]) == (made, True, 1)
    assert await db.read(lambda tx: tx.all(SOME, names=[])) == []


async def test_a_failed_write_leaves_nothing(db: Database) -> None:
    def fails(tx: Any) -> None:
        add(tx, "half")
        raise LookupError("as wanted")

    with pytest.raises(LookupError):
        await db.write(fails)
    assert await names(db) == []


async def test_the_others_of_a_group_are_kept_when_one_fails(db: Database) -> None:
    await db.write(add, "taken")

    def one(tx: Any, number: int) -> None:
        add(tx, f"n{number}")
        if number % 3 == 0:
            add(tx, "taken")

    ended = await asyncio.gather(*(db.write(one, number) for number in range(30)), return_exceptions=True)
    assert [isinstance(error, Conflict) for error in ended] == [number % 3 == 0 for number in range(30)]
    assert set(await names(db)) == {"taken"} | {f"n{number}" for number in range(30) if number % 3}


async def test_no_count_is_lost(db: Database) -> None:
    made = await db.write(add, "counter")

    def count(tx: Any) -> None:
        row = tx.first(select(CATEGORY).where(CATEGORY.c.name == "counter"))
        tx.update(CATEGORY, {"id": made}, sort_key=row["sort_key"] + 1)

    await asyncio.gather(*(db.write(count) for _ in range(200)))
    (row,) = await db.read(lambda tx: tx.all(ALL))
    assert row["sort_key"] == 200


async def test_a_transaction_cannot_await(db: Database) -> None:
    async def waits(tx: Any) -> None:
        await asyncio.sleep(0)

    for run in (db.read, db.write):
        with pytest.raises(TypeError, match="plain function"):
            await run(waits)  # type: ignore[operator]


async def test_a_read_cannot_write(db: Database) -> None:
    with pytest.raises(Exception, match=r"(?i)read|insert"):
        await db.read(add, "no")  # type: ignore[arg-type]
    assert await names(db) == []


async def test_who_listens_is_told_after_the_commit(db: Database) -> None:
    told: list[str] = []
    db.listen(["guest_os_category"], lambda: told.append("changed"))
    await db.read(lambda tx: tx.all(ALL))
    assert told == []
    await db.write(add, "new")
    assert told == ["changed"]
    with pytest.raises(Conflict):
        await db.write(add, "new")
    assert told == ["changed"]


async def test_many_rows_at_once(db: Database) -> None:
    rows = [{"uuid": f"u{n}", "name": f"n{n}", "featured": False, "created": 2**40, "sort_key": n} for n in range(500)]
    await db.write(lambda tx: tx.insert_many(CATEGORY, rows))
    assert len(await names(db)) == 500
    assert len(await db.read(lambda tx: tx.all(SOME, names=[f"n{n}" for n in range(0, 500, 5)]))) == 100
