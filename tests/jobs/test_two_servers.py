"""Two servers on one PostgreSQL: what one has begun is its own while it lives, and the other's when it has died."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from apiclient import Api
from invariants import rest, rows
from options import make_config

from cloudsim.server import Server

PERIOD = {"cluster.heartbeat.interval": 200, "cluster.heartbeat.threshold": 4000}


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def calling(http: aiohttp.ClientSession, port: int) -> Api:
    return Api(http, f"http://127.0.0.1:{port}/client/api", None, None)  # type: ignore[arg-type]


class Pair:
    """Two servers in this process, each with its simulated world."""

    def __init__(self, http: aiohttp.ClientSession, directory: Path, url: str) -> None:
        self.http, self.directory, self.url = http, directory, url
        self.servers: dict[str, Server] = {}

    async def start(self, name: str) -> tuple[Server, Api]:
        port = free_port()
        made = Server(make_config(self.directory / name, database=self.url, **{"integration-port": port}))
        self.servers[name] = made
        await made.start()
        return made, calling(self.http, port)


@pytest.fixture
async def pair(tmp_path: Path, postgres_url: str, http: aiohttp.ClientSession) -> AsyncIterator[Pair]:
    made = Pair(http, tmp_path, postgres_url)
    yield made
    for server in made.servers.values():
        await server.stop()


@asynccontextmanager
async def process(directory: Path, url: str, port: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """A server of its own process."""
    options = ("--data-dir", str(directory), "--port", "0", "--integration-port", str(port), "--database", url)
    made = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "cloudsim.cli", "serve", *options, stderr=asyncio.subprocess.PIPE
    )
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


async def jobs(server: Server) -> dict[str, tuple[str, str]]:
    """State and server of each job."""
    return {
        uuid: (state, owner) for uuid, state, owner in await rows(server, "SELECT uuid, state, server_uuid FROM job")
    }


async def begun(server: Server, job: str) -> None:
    """Waits until the hosts are asked for something: what was to be reserved is."""
    async with asyncio.timeout(20):
        while (await jobs(server))[job][0] != "running":
            await asyncio.sleep(0.02)


async def slow(api: Api, wait: int) -> tuple[str, str, str]:
    """A machine that takes long to start, and is stopped afterwards: its id, and the two jobs."""
    await api.deploy()  # the router is there from now on
    await api.call("configureSimulator", name="StartCommand", value=f"wait:{wait}")
    made = await api.call("deployVirtualMachine", **await api.basics())
    stop = await api.call("stopVirtualMachine", id=made["id"])
    return made["id"], made["jobid"], stop["jobid"]


async def test_jobs_of_a_server_that_was_killed(tmp_path: Path, pair: Pair) -> None:
    port = free_port()
    async with process(tmp_path / "victim", pair.url, port) as victim:
        other, api = await pair.start("other")
        for name, value in PERIOD.items():
            await api.call("updateConfiguration", name=name, value=value)
        machine, start, stop = await slow(calling(pair.http, port), 60_000)
        await begun(other, start)
        # while it lives nobody takes what it has
        assert await other.cloud.jobs.take_over() == 0
        dead = (await jobs(other))[start][1]
        assert dead != other.cloud.server_uuid
        victim.kill()
        await victim.wait()
        for job in (start, stop):
            assert (await api.wait(job, 30))["jobstatus"] == 1
    assert {(await jobs(other))[job] for job in (start, stop)} == {("succeeded", other.cloud.server_uuid)}
    (found,) = (await api.call("listVirtualMachines", id=machine))["virtualmachine"]
    assert found["state"] == "Stopped"
    # no step was recorded twice, each job was started once and ended once
    told = await rows(
        other,
        "SELECT state, count(*) FROM event WHERE start_id IN (SELECT start_event_id FROM job"
        f" WHERE uuid IN ('{start}', '{stop}')) GROUP BY state ORDER BY state",
    )
    assert told == [("Completed", 2), ("Started", 2)]


async def test_what_is_under_way_stays_where_it_is(pair: Pair) -> None:
    one, api = await pair.start("one")
    two, other = await pair.start("two")
    _, start, stop = await slow(api, 1500)
    _, at_other, _ = await slow(other, 1500)
    await asyncio.gather(begun(one, start), begun(one, at_other))
    assert [await server.cloud.jobs.take_over() for server in (one, two)] == [0, 0]
    # another that starts leaves them too
    three, _ = await pair.start("three")
    assert three.cloud.jobs.unfinished == 0
    await asyncio.gather(rest(one), rest(two))
    found = await jobs(one)
    assert found[start] == found[stop] == ("succeeded", one.cloud.server_uuid)
    assert found[at_other] == ("succeeded", two.cloud.server_uuid)


async def test_a_server_that_was_thought_dead_leaves_what_was_taken(pair: Pair) -> None:
    one, api = await pair.start("one")
    two, _ = await pair.start("two")
    machine, start, stop = await slow(api, 1500)
    await begun(one, start)
    silent = f"UPDATE management_server SET heartbeat = 0 WHERE uuid = '{one.cloud.server_uuid}'"
    await two.db.write(lambda tx: tx._change(silent, []))
    taken = [await server.cloud.jobs.take_over() for server in (two, two)]
    assert taken in ([2, 0], [0, 0])  # its own look may have been first
    await rest(two)
    done = await jobs(two)
    assert done[start] == done[stop] == ("succeeded", two.cloud.server_uuid)
    steps = await rows(two, "SELECT job_id, name, created FROM job_step ORDER BY 1, 2")
    await rest(one)
    assert await jobs(two) == done
    assert await rows(two, "SELECT job_id, name, created FROM job_step ORDER BY 1, 2") == steps
    assert (one.cloud.jobs.outcomes["failed"], two.cloud.jobs.outcomes["succeeded"]) == (0, 2)
    (found,) = (await api.call("listVirtualMachines", id=machine))["virtualmachine"]
    assert found["state"] == "Stopped"
    # and it works on
    assert (await api.job("startVirtualMachine", id=machine))["virtualmachine"]["state"] == "Running"


async def test_a_job_is_cancelled_through_the_other_server(pair: Pair) -> None:
    one, api = await pair.start("one")
    two, other = await pair.start("two")
    _, start, stop = await slow(api, 1000)
    await begun(one, start)
    assert (await other.call("cancelAsyncJob", jobid=stop))["success"] is True
    await rest(one)
    assert (one.cloud.jobs.unfinished, two.cloud.jobs.unfinished) == (0, 0)
    found = await jobs(one)
    assert (found[start][0], found[stop][0]) == ("succeeded", "cancelled")


async def test_one_of_two_takes_what_a_third_left(pair: Pair) -> None:
    third, api = await pair.start("third")
    _, start, stop = await slow(api, 3000)
    await begun(third, start)
    third.cloud.jobs._closing = True
    await third.cloud.jobs.close(0)
    await third.stop()
    one, _ = await pair.start("one")
    two, _ = await pair.start("two")
    assert (await asyncio.gather(one.cloud.jobs.take_over(), two.cloud.jobs.take_over())) == [0, 0]
    await asyncio.gather(rest(one), rest(two))
    found = await jobs(one)
    assert found[start] == found[stop] == ("succeeded", one.cloud.server_uuid)
