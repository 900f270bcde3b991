"""Management servers: what is told of them, how they are put to rest, several on one database, and their end."""

from __future__ import annotations

import asyncio
import os
import socket
import sqlite3
import sys
from pathlib import Path
from typing import Any

import aiohttp
import invariants
import pytest
from apiclient import Api, Refused, admin_keys
from options import make_config
from people import person, refused

from cloudsim.server import Server

RESTING = ("prepareForShutdown", "cancelShutdown", "prepareForMaintenance", "cancelMaintenance", "readyForShutdown",
           "triggerShutdown")  # fmt: skip


async def own(api: Api) -> dict[str, Any]:
    (one,) = (await api.call("listManagementServers"))["managementserver"]
    return one


async def ask(api: Api, command: str, server: str, **given: Any) -> dict[str, Any]:
    return (await api.call(command, managementserverid=server, **given))[command.lower()]


async def slow_job(api: Api, milliseconds: int) -> str:
    """A job that takes some time."""
    await api.call("configureSimulator", name="StartCommand", value=f"wait:{milliseconds}")
    return (await api.call("deployVirtualMachine", **await api.basics()))["jobid"]


async def until(api: Api, server: str, state: str) -> dict[str, Any]:
    for _ in range(400):
        rows = (await api.call("listManagementServers", id=server))["managementserver"]
        if rows[0]["state"] == state:
            return rows[0]
        await asyncio.sleep(0.02)
    raise AssertionError(rows)


async def test_what_is_told_of_a_server(server: Server, api: Api) -> None:
    one = await own(api)
    hosts = {row["id"] for row in (await api.call("listHosts"))["host"]}
    assert (one["id"], one["state"], one["name"]) == (server.cloud.server_uuid, "Up", socket.gethostname())
    assert (set(one["agents"]), one["agentscount"], one["pendingjobscount"]) == (hosts, len(hosts), 0)
    assert (one["javaversion"], one["serviceip"]) == (".".join(map(str, sys.version_info[:3])), "127.0.0.1")
    assert one["lastserverstop"] <= one["lastserverstart"]
    assert (await api.call("listManagementServers", name="nobody")) == {}
    assert (await api.call("listManagementServers", peers=True))["managementserver"][0]["peers"] == []
    (figures,) = (await api.call("listManagementServersMetrics"))["managementserver"]
    assert (figures["agentcount"], figures["availableprocessors"]) == (len(hosts), os.cpu_count())
    assert 1 << 20 < figures["heapmemoryused"] < figures["heapmemorytotal"]
    threads = [figures[f"threads{kind}count"] for kind in ("runnable", "blocked", "waiting")]
    assert sum(threads) <= figures["threadstotalcount"]
    assert (len(figures["systemloadaverages"]), len(figures["systemcycleusage"])) == (3, 3)
    assert figures["dbislocal"] is True
    (brief,) = (await api.call("listManagementServersMetrics", system=False))["managementserver"]
    assert set(figures) - set(brief) == {name for name in figures if name.startswith("system")} | {"cpuload"}
    host = (await api.call("listHosts"))["host"][0]
    assert (host["managementserverid"], host["managementservername"]) == (one["id"], one["name"])


async def test_figures_of_the_database_and_of_usage(api: Api) -> None:
    found = (await api.call("listDbMetrics"))["dbMetrics"]
    assert found["version"] == f"SQLite {sqlite3.sqlite_version}"
    assert (found["connections"], found["replicas"]) == (4, [])
    more = (await api.call("listDbMetrics"))["dbMetrics"]
    assert more["queries"] > found["queries"] > 0
    await api.deploy()
    usage = (await api.call("listUsageServerMetrics"))["usageMetrics"]
    assert (usage["state"], usage["lastsuccessfuljob"][:2]) == ("Up", "20")


async def test_a_server_that_prepares_takes_no_jobs(server: Server, api: Api) -> None:
    me = (await own(api))["id"]
    job = await slow_job(api, 1500)
    told = await ask(api, "prepareForShutdown", me)
    assert (told["state"], told["pendingjobscount"]) == ("PreparingForShutDown", 1)
    assert (told["readyforshutdown"], told["shutdowntriggered"], told["maintenanceinitiated"]) == (False, False, False)
    with pytest.raises(Refused) as caught:
        await api.call("deployVirtualMachine", **await api.basics())
    assert (caught.value.code, caught.value.cscode) == (530, 4250)
    # what is no job goes on, and so do jobs that were there
    await api.call("createServiceOffering", name="o", displaytext="o", cpunumber=1, cpuspeed=1, memory=64)
    for command in ("prepareForShutdown", "prepareForMaintenance", "cancelMaintenance"):
        assert (await refused(api, command, managementserverid=me))[0] == 530
    assert (await api.wait(job))["jobstatus"] == 1
    await until(api, me, "ReadyToShutDown")
    assert (await ask(api, "readyForShutdown", me))["readyforshutdown"] is True
    assert (await ask(api, "cancelShutdown", me))["state"] == "Up"
    assert (await ask(api, "readyForShutdown", me))["readyforshutdown"] is False
    await api.call("configureSimulator", name="StartCommand", value="wait:0")
    assert (await api.deploy())["state"] == "Running"
    assert (await refused(api, "cancelShutdown", managementserverid=me))[0] == 530
    types = [row["type"] for row in (await api.call("listEvents", pagesize=50, page=1))["event"]]
    assert {"MS.SHUTDOWN.PREPARE", "MS.SHUTDOWN.CANCEL"} <= set(types)
    await invariants.check(server)


async def test_maintenance_holds_over_a_restart(data_dir: Path, http: aiohttp.ClientSession) -> None:
    server = Server(make_config(data_dir))
    await server.start()
    api = Api(http, server.url, *admin_keys(data_dir))
    me = (await own(api))["id"]
    assert (await ask(api, "prepareForMaintenance", me, algorithm="shuffle"))["maintenanceinitiated"] is True
    await until(api, me, "Maintenance")
    await server.stop()
    server = Server(make_config(data_dir))
    await server.start()
    try:
        api = Api(http, server.url, *admin_keys(data_dir))
        one = await own(api)
        assert (one["id"], one["state"], "lastserverstop" in one) == (me, "Maintenance", True)
        assert (await refused(api, "deployVirtualMachine", **await api.basics()))[0] == 530
        assert (await ask(api, "cancelMaintenance", me, rebalance=True))["state"] == "Up"
        assert (await api.deploy())["state"] == "Running"
    finally:
        await server.stop()


@pytest.mark.parametrize("forced", [False, True])
async def test_maintenance_whose_time_is_over(server: Server, api: Api, forced: bool) -> None:
    me = (await own(api))["id"]
    await api.call("updateConfiguration", name="management.server.maintenance.timeout", value="0")
    job = await slow_job(api, 3000)
    assert (await ask(api, "prepareForMaintenance", me, forced=forced))["pendingjobscount"] == 1
    await until(api, me, "Maintenance" if forced else "Up")
    assert (await api.wait(job))["jobstatus"] == 1


async def test_refusals(server: Server, api: Api, http: aiohttp.ClientSession) -> None:
    me = (await own(api))["id"]
    user = await person(api, http, "someone")
    for command in RESTING:
        assert (await refused(api, command))[0] == 431
        assert (await refused(api, command, managementserverid="2d0ea6b5-0000-4000-8000-000000000000"))[0] == 431
        assert (await refused(user, command, managementserverid=me))[0] == 432
    assert (await refused(api, "prepareForMaintenance", managementserverid=me, algorithm="best"))[0] == 431
    assert (await refused(api, "removeManagementServer", id=me))[0] == 431
    assert (await own(api))["state"] == "Up"


async def test_the_end_of_a_process(data_dir: Path, http: aiohttp.ClientSession) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "cloudsim.cli", "serve", "--data-dir", str(data_dir), "--port", "0",
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stderr is not None
        line = b""
        while b"is ready at" not in line:
            line = await asyncio.wait_for(process.stderr.readline(), 30)
            assert line
        api = Api(http, line.split(b"is ready at ")[1].split()[0].decode(), *admin_keys(data_dir))
        me = (await own(api))["id"]
        job = await slow_job(api, 1500)
        told = await ask(api, "triggerShutdown", me)
        assert (told["state"], told["shutdowntriggered"]) == ("ShuttingDown", True)
        assert told["pendingjobscount"] in (1, 2)  # the network's router has one of its own
        assert (await refused(api, "cancelShutdown", managementserverid=me))[0] == 530
        assert await asyncio.wait_for(process.wait(), 30) == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    # the job ended before the server did, and the next start is Up
    with sqlite3.connect(data_dir / "cloudsim.db") as database:
        assert database.execute("SELECT state FROM job WHERE uuid = ?", (job,)).fetchone() == ("succeeded",)
    server = Server(make_config(data_dir))
    await server.start()
    try:
        one = await own(Api(http, server.url, *admin_keys(data_dir)))
        assert (one["state"], one["lastserverstop"] <= one["lastserverstart"]) == ("Up", True)
    finally:
        await server.stop()


async def test_a_server_that_was_killed(data_dir: Path, http: aiohttp.ClientSession) -> None:
    with sqlite3.connect(data_dir / "cloudsim.db") as database:
        database.execute("UPDATE management_server SET stopped = NULL, heartbeat = 1000000000000")
    server = Server(make_config(data_dir))
    await server.start()
    try:
        assert (await own(Api(http, server.url, *admin_keys(data_dir))))["lastserverstop"] == "2001-09-09T01:46:40+0000"
    finally:
        await server.stop()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


async def test_two_servers_on_one_database(postgres_url: str, tmp_path: Path, http: aiohttp.ClientSession) -> None:
    def made(name: str) -> Server:
        return Server(make_config(tmp_path / name, database=postgres_url, **{"integration-port": free_port()}))

    def calling(server: Server) -> Api:
        return Api(http, f"http://127.0.0.1:{server.integration_port}/client/api", None, None)  # type: ignore[arg-type]

    first, second = made("one"), made("two")
    await first.start()
    await second.start()
    try:
        api, other = calling(first), calling(second)
        a, b = first.cloud.server_uuid, second.cloud.server_uuid
        rows = (await api.call("listManagementServers", peers=True))["managementserver"]
        assert [(row["id"], row["state"], row["peers"][0]["id"]) for row in rows] == [(a, "Up", b), (b, "Up", a)]
        assert (await api.call("listInfrastructure"))["infrastructure"]["managementservers"] == 2
        metrics = {row["id"]: row for row in (await api.call("listManagementServersMetrics"))["managementserver"]}
        assert metrics[a]["dbislocal"] is False
        assert (await api.call("listDbMetrics"))["dbMetrics"]["uptime"] >= 0
        # one is asked through the other
        await ask(api, "prepareForMaintenance", b)
        await until(other, b, "Maintenance")
        for _ in range(200):
            if second.cloud.server_state == "Maintenance":
                break
            await asyncio.sleep(0.02)
        basics = await api.basics()
        assert (await refused(other, "deployVirtualMachine", **basics))[0] == 530
        assert (await api.deploy())["state"] == "Running"
        assert (await ask(api, "cancelMaintenance", b))["state"] == "Up"
        # one ends because the other was asked
        await ask(api, "triggerShutdown", b)
        await asyncio.wait_for(second.end.wait(), 10)
        await second.stop()
        await until(api, b, "Down")
        assert (await refused(api, "prepareForShutdown", managementserverid=b))[0] == 530
        assert (await api.call("removeManagementServer", id=b)) == {"success": True}
        assert (await own(api))["id"] == a
        second = made("two")
        await second.start()
        assert (await until(api, b, "Up"))["id"] == b
    finally:
        await second.stop()
        await first.stop()
