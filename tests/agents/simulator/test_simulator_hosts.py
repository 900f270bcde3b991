"""Connecting, what hosts are made of, and hosts that crash."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from simulator_helpers import GIB, JumpingClock, host, power, start, stop, volume

from cloudsim.agents.base import CommandFailed, HostAddress, HostUnreachable, Ping
from cloudsim.agents.simulator import SimulatorDriver
from cloudsim.core.ids import Ids

H1, H2 = host("h1"), host("h2")


@pytest.mark.parametrize("url", ["sim://zone/h1", "http://sim1/c1/h1", "http://sim"])
async def test_the_defaults(driver: SimulatorDriver, url: str) -> None:
    facts = await driver.connect(HostAddress("u1", url))
    assert facts.name == "SimulatedAgent.u1"
    assert facts.hypervisor == "Simulator"
    assert facts.hypervisor_version == "cloudsim"
    assert (facts.cpus, facts.speed, facts.memory, facts.cpu_sockets) == (4, 8000, 8 * GIB, 1)


async def test_details_and_what_the_world_remembers(driver: SimulatorDriver) -> None:
    details = {
        "cpus": "64",
        "speed": "2400",
        "memory": str(512 * GIB),
        "name": "node-7",
        "cpu_sockets": "2",
        "hypervisor_version": "4.22.0.0-SNAPSHOT",
        "password": "secret",
    }
    first = await driver.connect(HostAddress("u1", "sim://z/h", details=details))
    assert (first.cpus, first.speed, first.memory, first.cpu_sockets) == (64, 2400, 512 * GIB, 2)
    assert (first.name, first.hypervisor_version) == ("node-7", "4.22.0.0-SNAPSHOT")
    assert "password" not in first.details
    assert replace(await driver.connect(HostAddress("u1", "sim://z/h")), details=first.details) == first
    assert (await driver.connect(HostAddress("u1", "sim://z/h", details={"cpus": "8"}))).cpus == 8


@pytest.mark.parametrize(
    "url", ["http://sim/cpucore=8&cpuspeed=2000&memory=1024", "sim://z/h?cpus=8&speed=2000&memory=1024"]
)
async def test_a_url_may_carry_them(driver: SimulatorDriver, url: str) -> None:
    facts = await driver.connect(HostAddress("u1", url))
    assert (facts.cpus, facts.speed, facts.memory) == (8, 2000, 1024)


@pytest.mark.parametrize(
    ("url", "details"),
    [
        ("qemu:///system", {}),
        ("", {}),
        ("http://[sim", {}),
        ("sim://z/h", {"cpus": "many"}),
        ("sim://z/h", {"memory": "0"}),
        ("sim://z/h", {"memory": str(1 << 70)}),
        ("sim://z/h", {"name": "\ud800"}),
        ("sim://z/h", {"memory_overcommit": "nan"}),
        ("sim://z/h", {"memory_overcommit": "twice"}),
    ],
)
async def test_addresses_that_make_no_sense(driver: SimulatorDriver, url: str, details: dict[str, str]) -> None:
    with pytest.raises(CommandFailed):
        await driver.connect(HostAddress("u1", url, details=details))
    assert driver.hosts() == []


async def test_a_host_crashes_and_comes_back(driver: SimulatorDriver, path: Path, clock: JumpingClock) -> None:
    await driver.execute(H1, start("m1"))
    await driver.execute(H1, start("m2"))
    await driver.execute(H2, start("m3"))
    driver.set_host(H1.uuid, up=False)
    assert power(driver) == {
        "m1": (H1.uuid, "PowerOff"),
        "m2": (H1.uuid, "PowerOff"),
        "m3": (H2.uuid, "PowerOn"),
    }
    for call in (driver.connect(H1), driver.execute(H1, Ping("p")), driver.execute(H1, stop("m1"))):
        with pytest.raises(HostUnreachable, match="down"):
            await call
    await driver.execute(H2, start("m1"))

    again = SimulatorDriver(path, clock, Ids(seed=2))
    await driver.close()
    await again.open()
    with pytest.raises(HostUnreachable, match="down"):
        await again.execute(H1, Ping("p"))
    again.set_host(H1.uuid, up=True)
    await again.connect(H1)
    assert await again.execute(H1, Ping("p")) == {"machines": {"i-2-m2-VM": "PowerOff"}}
    await again.execute(H1, start("m2"))
    await again.close()
    await driver.open()


async def test_a_crash_while_a_command_waits(path: Path, clock: JumpingClock) -> None:
    driver = SimulatorDriver(path, clock, Ids(seed=1), latency="StartCommand=constant:5")
    await driver.open()
    await driver.connect(H1)
    sleep = clock.sleep

    async def crash(seconds: float) -> None:
        driver.set_host(H1.uuid, up=False)
        await sleep(seconds)

    clock.sleep = crash  # type: ignore[method-assign]
    with pytest.raises(HostUnreachable, match="down"):
        await driver.execute(H1, start())
    assert driver.machines() == []
    await driver.close()


def test_there_is_no_such_host(driver: SimulatorDriver) -> None:
    with pytest.raises(LookupError):
        driver.set_host("nobody", up=False)


async def test_a_world_that_cannot_be_opened(tmp_path: Path, clock: JumpingClock) -> None:
    (tmp_path / "text").write_text("this is not a database, it is a text of more than a few bytes\n" * 20)
    for path in (tmp_path / "text", tmp_path / "text" / "below", tmp_path):
        with pytest.raises(HostUnreachable, match="cannot be opened"):
            await SimulatorDriver(path, clock, Ids()).open()


async def test_a_world_of_another_version(driver: SimulatorDriver, path: Path) -> None:
    await driver.execute(H1, volume())
    driver._world.db.execute("PRAGMA user_version = 99")
    await driver.close()
    with pytest.raises(HostUnreachable, match="version 99"):
        await driver.open()
    # a file of an older version is brought to this one
    older = sqlite3.connect(path)
    for table, new in (
        ("hosts", ("network", "beat", "shared")),
        ("volumes", ("content", "machine")),
        ("machines", ("content",)),
    ):
        names = ", ".join(row[1] for row in older.execute(f"PRAGMA table_info({table})") if row[1] not in new)
        older.executescript(
            f"CREATE TABLE v1 AS SELECT {names} FROM {table}; DROP TABLE {table}; ALTER TABLE v1 RENAME TO {table}"
        )
    for name in ("snapshots", "router_parts", "disk_snapshots", "images"):
        older.execute(f"DROP TABLE {name}")
    older.execute("PRAGMA user_version = 1")
    older.close()
    await driver.open()
    assert driver.hosts()[0].network


async def test_a_world_that_does_not_answer(driver: SimulatorDriver, path: Path) -> None:
    await driver.connect(H1)
    driver._world.db.execute("PRAGMA busy_timeout = 0")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    command = start()
    with pytest.raises(HostUnreachable, match="locked"):
        await driver.execute(H1, command)
    other.execute("ROLLBACK")
    assert (await driver.execute(H1, command))["power"] == "PowerOn"
    other.execute("ALTER TABLE machines RENAME TO hidden")
    for call in (driver.execute(H1, Ping("p")), driver.execute(H1, start("m2"))):
        with pytest.raises(HostUnreachable, match="does not answer"):
            await call
    other.execute("ALTER TABLE hidden RENAME TO machines")
    other.close()
    await driver.execute(H1, start("m2"))


async def test_a_world_in_memory(clock: JumpingClock) -> None:
    driver = SimulatorDriver(":memory:", clock, Ids())
    await driver.open()
    await driver.execute(H1, start())
    assert len(driver.machines()) == 1
    await driver.close()
