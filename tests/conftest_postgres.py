"""A real PostgreSQL on loopback, from Debian's package, for the tests that ask for one."""

from __future__ import annotations

import asyncio
import itertools
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

_NUMBER = itertools.count()


def _user() -> dict[str, Any]:
    # PostgreSQL refuses to run as root
    if os.getuid() != 0:
        return {}
    entry = pwd.getpwnam("postgres")
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a PostgreSQL server, without a database's name."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    assert found, "PostgreSQL is not installed: scripts/test installs Debian's package postgresql"
    programs, user, port = found[-1], _user(), _free_port()
    directory = Path(tempfile.mkdtemp(prefix="cloudsim-postgres-"))
    if user:
        os.chown(directory, user["user"], user["group"])
    data = directory / "data"
    made = subprocess.run(
        [programs / "initdb", "-D", data, "-U", "cloudsim", "-A", "trust", "-E", "UTF8", "--no-locale", "-N"],
        capture_output=True,
        text=True,
        cwd=directory,
        **user,
    )
    assert made.returncode == 0, made.stderr
    settings = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": directory, "fsync": "off"}
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    log = (directory / "log").open("w")
    server = subprocess.Popen([programs / "postgres", "-D", data, *options], stderr=log, cwd=directory, **user)
    try:
        until = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                text = (directory / "log").read_text()
                ended = server.poll() is not None or time.monotonic() > until
                assert not ended, f"PostgreSQL did not start: {text}"
                time.sleep(0.05)
        yield f"postgresql://cloudsim@127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(20)
        log.close()
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
async def postgres_url(postgres: str) -> str:
    """The URL of an empty database of its own."""
    import asyncpg

    name = f"test{next(_NUMBER)}"
    for attempt in range(50):
        try:
            connection = await asyncpg.connect(f"{postgres}/postgres")
            break
        except asyncpg.CannotConnectNowError:
            assert attempt < 49
            await asyncio.sleep(0.1)
    try:
        await connection.execute(f"CREATE DATABASE {name}")
    finally:
        await connection.close()
    return f"{postgres}/{name}"
