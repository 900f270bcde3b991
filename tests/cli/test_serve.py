"""The command line and the server as a process: starting, telling, stopping, and what it says when it cannot."""

from __future__ import annotations

import asyncio
import configparser
import json
import os
import shutil
import signal
import socket
import sqlite3
import stat
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from apiclient import Api, admin_keys

CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("CLOUDSIM_")}


async def cloudsim(*arguments: str, cwd: Path | None = None, **environment: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "cloudsim.cli", *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env={**CLEAN, **environment}, cwd=cwd,
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


@asynccontextmanager
async def serving(data_dir: Path, *arguments: str, **environment: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "cloudsim.cli", "serve", "--data-dir", str(data_dir), "--port", "0", *arguments,
        stderr=asyncio.subprocess.PIPE, env={**CLEAN, **environment},
    )  # fmt: skip
    try:
        assert process.stderr is not None
        lines = []
        while not lines or "is ready at" not in lines[-1]:
            lines.append((await asyncio.wait_for(process.stderr.readline(), 30)).decode())
            assert lines[-1], "".join(lines)
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def endpoint(data_dir: Path) -> str:
    return json.loads((data_dir / "endpoint").read_text())["endpoint"]


async def test_from_an_empty_directory_to_a_clean_stop(tmp_path: Path, http: aiohttp.ClientSession) -> None:
    data = tmp_path / "new" / "data"
    async with serving(data) as process:
        base = endpoint(data).removesuffix("/client/api")
        for path in ("/readyz", "/healthz"):
            async with http.get(base + path) as response:
                assert response.status == 200
        status, out, _ = await cloudsim("env", "--data-dir", str(data), "--format", "json")
        facts = json.loads(out)
        assert (status, set(facts)) == (0, {"endpoint", "apikey", "secretkey"})
        api = Api(http, facts["endpoint"], facts["apikey"], facts["secretkey"])
        assert (await api.call("listZones"))["count"] == 1
        async with http.get(base + "/metrics") as response:
            text = await response.text()
        assert 'cloudsim_requests_total{command="listZones",status="200"} 1.0' in text
        assert 'cloudsim_task_runs_total{task="host-ping"}' in text
        started = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 15) == 0
        assert time.monotonic() - started < 10
    assert stat.S_IMODE((data / "key").stat().st_mode) == 0o600
    assert stat.S_IMODE(data.stat().st_mode) == 0o700


async def test_sigint_stops_with_a_job_under_way_and_the_next_start_ends_it(
    data_dir: Path, http: aiohttp.ClientSession
) -> None:
    async with serving(data_dir, "--simulator-latency", "StartCommand=constant:60") as process:
        api = Api(http, endpoint(data_dir), *admin_keys(data_dir))
        answer = await api.call("deployVirtualMachine", **await api.basics())
        await asyncio.sleep(0.2)
        process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(process.wait(), 10) == 0
    async with serving(data_dir):
        api.endpoint = endpoint(data_dir)
        assert (await api.wait(answer["jobid"]))["jobstatus"] == 1


async def test_a_server_without_a_zone(tmp_path: Path, http: aiohttp.ClientSession) -> None:
    data = tmp_path / "data"
    async with serving(data, "--no-seed"):
        api = Api(http, endpoint(data), *admin_keys(data))
        assert await api.call("listZones") == {}
        assert (await api.call("listServiceOfferings"))["count"] == 2
        assert [row["username"] for row in (await api.call("listUsers"))["user"]] == ["admin"]


async def test_the_forms_of_env(data_dir: Path) -> None:
    async with serving(data_dir):
        key, secret = admin_keys(data_dir)
        where = ("env", "--data-dir", str(data_dir), "--format")
        _, shell, _ = await cloudsim(*where, "shell")
        assert f"export CLOUDSTACK_ENDPOINT={endpoint(data_dir)}\n" in shell
        assert f"export CLOUDSTACK_KEY={key}\n" in shell
        _, text, _ = await cloudsim(*where, "cloudstack.ini")
        ini = configparser.ConfigParser()
        ini.read_string(text)
        assert dict(ini["cloudstack"]) == {"endpoint": endpoint(data_dir), "key": key, "secret": secret}
        _, text, _ = await cloudsim(*where, "cloudmonkey")
        assert f"[cloudsim]\nurl = {endpoint(data_dir)}\n" in text
        status, _, err = await cloudsim(*where, "json", "--user", "nobody")
        assert (status, "nobody" in err) == (1, True)


async def test_env_of_a_directory_that_is_none(tmp_path: Path) -> None:
    status, out, err = await cloudsim("env", "--data-dir", str(tmp_path))
    assert (status, out, "data directory" in err) == (1, "", True)


async def test_help_version_and_completion() -> None:
    for arguments, word in (
        (["--help"], "serve"),
        (["serve", "--help"], "--integration-port"),
        (["--version"], "cloudsim"),
        (["completion", "bash"], "complete"),
        (["completion", "zsh"], "#compdef"),
    ):
        status, out, _ = await cloudsim(*arguments)
        assert status == 0
        assert word in out


# -- options


async def test_where_each_option_comes_from(tmp_path: Path) -> None:
    (tmp_path / "cloudsim.conf").write_text("[cloudsim]\nport = 1111\nhost = 0.0.0.0\nlog-level = debug\n")
    status, out, _ = await cloudsim(
        "config", "show", "--port", "3333", cwd=tmp_path, CLOUDSIM_PORT="2222", CLOUDSIM_HOST="::1",
        CLOUDSIM_ADMIN_PASSWORD="hidden",
    )  # fmt: skip
    lines = {line.split(" = ")[0].strip(): line.split(" = ", 1)[1] for line in out.splitlines()}
    assert status == 0
    assert lines["port"].split() == ["3333", "#", "flag"]
    assert lines["host"].split() == ["::1", "#", "environment", "CLOUDSIM_HOST"]
    assert lines["log-level"].split() == ["debug", "#", "file", "cloudsim.conf"]
    assert lines["integration-port"].split() == ["0", "#", "default"]
    assert "hidden" not in out


async def test_the_file_of_the_distribution_holds_the_defaults(tmp_path: Path) -> None:
    from cloudsim.core.config import BY_NAME

    text = (Path(__file__).parents[2] / "conf" / "cloudsim.conf").read_text()
    told = {line[2:].split(" = ")[0]: line.split(" = ", 1)[1] for line in text.splitlines() if line.startswith("# ")
            and " = " in line}  # fmt: skip
    assert set(told) == set(BY_NAME)
    for name, option in BY_NAME.items():
        if option.default != "":
            assert (
                told[name] == str(option.default).lower() if isinstance(option.default, bool) else str(option.default)
            )


@pytest.mark.parametrize(
    ("arguments", "environment", "text", "words"),
    [
        (["--port", "99999"], {}, "", ["port", "flag", "99999"]),
        ([], {"CLOUDSIM_PORT": "x"}, "", ["port", "CLOUDSIM_PORT", "x"]),
        ([], {}, "[cloudsim]\nlog-level = loud\n", ["log-level", "cloudsim.conf", "loud"]),
        ([], {}, "[cloudsim]\nsped = 1\n", ["sped", "unknown"]),
        ([], {}, "[other]\nx = 1\n", ["other", "cloudsim"]),
        ([], {}, "port = 1\n", ["cloudsim.conf"]),
        (["--config", "nowhere.conf"], {}, "", ["nowhere.conf"]),
    ],
)
async def test_options_that_cannot_be(
    tmp_path: Path, arguments: list[str], environment: dict[str, str], text: str, words: list[str]
) -> None:
    if text:
        (tmp_path / "cloudsim.conf").write_text(text)
    status, _, err = await cloudsim("serve", *arguments, cwd=tmp_path, **environment)
    assert status == 2
    assert "Traceback" not in err
    for word in words:
        assert word in err


# -- what keeps a server from starting


async def refused(data_dir: Path, *arguments: str) -> str:
    status, _, err = await cloudsim("serve", "--data-dir", str(data_dir), *arguments)
    assert status == 1
    assert "Traceback" not in err
    return err


async def test_a_port_in_use(data_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        err = await refused(data_dir, "--port", str(port))
    assert f"port {port}" in err
    assert "--port" in err


async def test_a_data_directory_in_use(data_dir: Path) -> None:
    async with serving(data_dir):
        assert "another server uses" in await refused(data_dir, "--port", "0")


async def test_a_database_of_a_newer_version(data_dir: Path) -> None:
    with sqlite3.connect(data_dir / "cloudsim.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    assert "newer" in await refused(data_dir, "--port", "0")


async def test_a_file_that_is_no_database(data_dir: Path) -> None:
    (data_dir / "cloudsim.db").write_bytes(b"not a database at all" * 1000)
    for more in ("cloudsim.db-wal", "cloudsim.db-shm"):
        (data_dir / more).unlink(missing_ok=True)
    assert "not a database" in await refused(data_dir, "--port", "0")


async def test_a_data_directory_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "data directory" in await refused(tmp_path / "file", "--port", "0")


# -- logs


async def test_no_secret_reaches_the_log(data_dir: Path, http: aiohttp.ClientSession) -> None:
    key, secret = admin_keys(data_dir)
    async with serving(data_dir, "--log-level", "debug", "--log-format", "json") as process:
        api = Api(http, endpoint(data_dir), key, secret)
        await api.deploy(userdata="c2VjcmV0LXVzZXJkYXRh", password="hunter2hunter2")
        form = {"command": "login", "username": "admin", "password": "password", "response": "json"}
        async with http.post(api.endpoint, data=form) as response:
            session = (await response.json(content_type=None))["loginresponse"]["sessionkey"]
        process.send_signal(signal.SIGTERM)
        assert process.stderr is not None
        text = (await process.stderr.read()).decode()
        await process.wait()
    assert '"request"' in text
    for word in (secret, key, "c2VjcmV0LXVzZXJkYXRh", "hunter2hunter2", session, "Traceback"):
        assert word not in text
    database = b"".join(path.read_bytes() for path in data_dir.glob("cloudsim.db*"))
    for word in (secret, "hunter2hunter2", session):
        assert word.encode() not in database or word == session
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    assert all({"time", "level", "logger", "message"} <= set(line) for line in lines)


@pytest.mark.parametrize(
    "text",
    [
        "GET /client/api?command=x&signature=abc%3D&apiKey=def",
        "password=hunter2 next",
        '{"secretkey": "hunter2"}',
        "postgresql://user:hunter2@localhost/db",
    ],
)
def test_secrets_are_taken_out(text: str) -> None:
    from cloudsim.core.logs import without_secrets

    clean = without_secrets(text)
    assert "***" in clean
    for word in ("abc", "def", "hunter2"):
        assert word not in clean


# -- a full disk


@pytest.mark.skipif(
    os.geteuid() != 0 or not Path("/dev/shm").is_dir(), reason="needs root to mount a small file system"
)
async def test_a_full_disk(data_dir: Path, tmp_path: Path, http: aiohttp.ClientSession) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = await asyncio.create_subprocess_exec("mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(small))
    if await mounted.wait() != 0:
        pytest.skip("this machine lets nobody mount a small file system")
    try:
        data = small / "data"
        shutil.copytree(data_dir, data)
        async with serving(data) as process:
            api = Api(http, endpoint(data), *admin_keys(data))
            basics = await api.basics()
            machine = await api.deploy()
            filler = small / "filler"
            with filler.open("wb", buffering=0) as file, pytest.raises(OSError):
                while True:
                    file.write(b"x" * 4096)
            codes = set()
            for _ in range(200):
                status, text = await api.raw("deployVirtualMachine", **basics)
                codes.add(status)
                if status != 200:
                    body = json.loads(text)["deployvirtualmachineresponse"]
                    assert body["errorcode"] == 530
                    assert "disk" in body["errortext"]
                    break
            assert 530 in codes
            # what was there is there, can be read, and the server works again when there is room
            assert (await api.call("listVirtualMachines", id=machine["id"]))["count"] == 1
            filler.unlink()
            await asyncio.sleep(1)
            assert (await api.deploy())["state"] == "Running"
            process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(process.wait(), 15) == 0
    finally:
        await (await asyncio.create_subprocess_exec("umount", "-l", str(small))).wait()
