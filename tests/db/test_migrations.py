"""Migrations: they end at the schema that fresh databases are made with, keep what is there, and happen whole or not."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine, inspect, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from cloudsim.db import schema
from cloudsim.db.database import Database, DatabaseUnavailable
from cloudsim.db.migrations import run
from cloudsim.db.postgres import PostgresDatabase
from cloudsim.db.sqlite import SqliteDatabase
from cloudsim.db.upgrade import prepare


class Place:
    """A database of either engine: by the product's way, and by SQLAlchemy's."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.postgres = where.startswith("postgresql://")

    def open(self) -> Database:
        return PostgresDatabase(self.where) if self.postgres else SqliteDatabase(self.where)

    async def look(self, function: Callable[[Connection], Any]) -> Any:
        """What `function` of a connection answers."""
        if self.postgres:
            engine = create_async_engine(self.where.replace("://", "+asyncpg://"), poolclass=NullPool)
            async with engine.begin() as connection:
                found = await connection.run_sync(function)
            await engine.dispose()
            return found
        plain = create_engine(f"sqlite:///{self.where}", poolclass=NullPool)
        with plain.begin() as connection:
            return function(connection)

    async def prepare(self) -> str:
        database = self.open()
        await database.open()
        try:
            return await prepare(database, self.where)
        finally:
            await database.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "sqlite":
        return Place(str(tmp_path / "cloudsim.db"))
    return Place(request.getfixturevalue("postgres_url"))


def differences(connection: Connection) -> list[Any]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return [
        found
        for found in compare_metadata(context, schema.metadata)
        # what SQLite calls INTEGER and BIGINT is the same to it
        if not (found[0] == "remove_table" and found[1].name == "alembic_version")
    ]


async def test_migrations_make_what_the_schema_says(place: Place) -> None:
    await run.upgrade(place.where)
    assert await place.look(differences) == []
    assert await place.prepare() == "current"


async def test_a_fresh_database_is_what_the_schema_says(place: Place) -> None:
    assert await place.prepare() == "created"
    assert await place.look(differences) == []


async def test_what_is_there_is_kept_and_brought_along(place: Place) -> None:
    await run.upgrade(place.where, "0001")

    def fill(connection: Connection) -> None:
        zone = {column.name: None for column in schema.zone.c} | {
            "id": 1, "uuid": "z", "created": 5, "name": "old", "network_type": "Basic", "type": "Core",
            "security_groups": False, "local_storage": False, "allocation_state": "Enabled", "token": "t",
            "sort_key": 0, "mac_sequence": 1,
        }  # fmt: skip
        connection.execute(schema.zone.insert(), zone)
        connection.execute(text("INSERT INTO domain (id, uuid, created, name, path, level, state) VALUES "
                                "(1, 'd', 5, 'ROOT', '/', 0, 'Active')"))  # fmt: skip

    await place.look(fill)
    assert await place.prepare() == "upgraded"
    assert await place.look(differences) == []
    assert await place.look(lambda connection: connection.scalar(text("SELECT name FROM zone"))) == "old"
    assert await place.prepare() == "current"


async def test_stores_of_templates_become_image_stores(tmp_path: Path) -> None:
    place = Place(str(tmp_path / "cloudsim.db"))
    await run.upgrade(place.where, "0001")
    with sqlite3.connect(place.where) as connection:
        for template, store in ((1, "nfs://a/b"), (2, "nfs://a/b"), (3, None)):
            connection.execute(
                "INSERT INTO template_zone (template_id, zone_id, state, percent, store, created) VALUES (?,1,'R',0,?,9)",
                (template, store),
            )
    assert await place.prepare() == "upgraded"
    with sqlite3.connect(place.where) as connection:
        found = connection.execute("SELECT name, protocol, provider, zone_id, created FROM image_store").fetchall()
        copies = connection.execute("SELECT template_id, store_id, role FROM template_zone p LEFT JOIN image_store s "
                                    "ON p.store_id = s.id ORDER BY 1").fetchall()  # fmt: skip
    assert found == [("nfs://a/b", "nfs", "NFS", 1, 9)]
    assert copies == [(1, 1, "Image"), (2, 1, "Image"), (3, None, None)]


async def test_os_types_that_are_there_have_names_for_the_simulator(tmp_path: Path) -> None:
    place = Place(str(tmp_path / "cloudsim.db"))
    await run.upgrade(place.where, "0006")
    with sqlite3.connect(place.where) as connection:
        connection.execute("INSERT INTO guest_os (id, uuid, category_id, name, user_defined, for_display, created) "
                           "VALUES (7, 'u', 1, 'Plan 9', 0, 1, 5)")  # fmt: skip
    assert await place.prepare() == "upgraded"
    with sqlite3.connect(place.where) as connection:
        found = connection.execute("SELECT hypervisor, hypervisor_version, guest_os_id, hypervisor_name, user_defined "
                                   "FROM guest_os_mapping").fetchall()  # fmt: skip
    assert found == [("Simulator", "default", 7, "Plan 9", 0)]


async def test_zones_of_domains_become_dedicated(place: Place) -> None:
    await run.upgrade(place.where, "0001")

    def fill(connection: Connection) -> None:
        connection.execute(
            text(
                "INSERT INTO domain (id, uuid, created, name, path, level, state) VALUES (1, 'd', 5, 'D', '/', 0, 'A')"
            )
        )
        for number, domain, removed in ((1, 1, None), (2, None, None), (3, 1, 9)):
            zone = {column.name: None for column in schema.zone.c} | {
                "id": number, "uuid": f"z{number}", "created": 5, "removed": removed, "name": "z", "network_type": "Basic",
                "type": "Core", "security_groups": False, "local_storage": False, "allocation_state": "Enabled",
                "token": "t", "sort_key": 0, "mac_sequence": 1, "domain_id": domain,
            }  # fmt: skip
            connection.execute(schema.zone.insert(), zone)

    await place.look(fill)
    assert await place.prepare() == "upgraded"
    asked = text("SELECT kind, place_id, zone_id, domain_id, account_id, removed FROM dedicated_resource")
    found = await place.look(lambda connection: [tuple(row) for row in connection.execute(asked)])
    assert found == [("Zone", 1, 1, 1, None, None)]


async def test_an_upgrade_that_fails_changes_nothing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    await run.upgrade(place.where, "0001")
    from alembic import op

    def fails(*_: Any, **__: Any) -> None:
        raise RuntimeError("the disk is gone")

    with monkeypatch.context() as patched:
        patched.setattr(op, "create_index", fails)
        with pytest.raises(DatabaseUnavailable, match="the disk is gone"):
            await place.prepare()
    assert not await place.look(lambda connection: inspect(connection).has_table("image_store"))
    assert await place.prepare() == "upgraded"


async def test_two_servers_upgrade_one_database(postgres_url: str) -> None:
    await run.upgrade(postgres_url, "0001")
    await asyncio.gather(*(run.upgrade(postgres_url) for _ in range(3)))
    assert await Place(postgres_url).prepare() == "current"


async def test_passwords_of_databases_stay_secret(tmp_path: Path) -> None:
    place = Place(str(tmp_path / "cloudsim.db"))
    database = place.open()
    await database.open()
    await prepare(database, place.where)
    await database.write(lambda tx: tx._change("UPDATE alembic_version SET version_num = '9999'", []))
    with pytest.raises(DatabaseUnavailable) as caught:
        await prepare(database, "postgresql://me:hidden@there/name")
    await database.close()
    assert "hidden" not in str(caught.value)
    assert "me@there/name" in str(caught.value)


def test_a_fast_start_does_without_alembic(tmp_path: Path) -> None:
    code = f"""
import asyncio, sys
sys.path.insert(0, {str(Path(__file__).parent.parent)!r})
from pathlib import Path
from options import make_config
from cloudsim.server import Server
async def main():
    server = Server(make_config(Path({str(tmp_path / "data")!r})))
    await server.start()
    await server.stop()
asyncio.run(main())
print([name for name in ("alembic", "libvirt", "asyncpg", "pytest") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


def test_the_next_migration_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is missing today, so the one that is written changes nothing."""
    import shutil

    copy = tmp_path / "migrations"
    shutil.copytree(run.HERE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(run, "HERE", copy)
    (path,) = run.write("what changes")
    written = Path(path).read_text()
    assert f'down_revision = "{schema.VERSION}"' in written.replace("'", '"')
    assert "pass" in written
