"""A command is carried out once: asked again, after a restart, after a kill, at the same time, much later."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from simulator_helpers import GIB, JumpingClock, check, destroy, host, machine, new_id, power, start, stop, volume

import cloudsim
from cloudsim.agents.base import CommandFailed, CreateVolume, DeleteVolume, RebootMachine, StartMachine
from cloudsim.agents.simulator import SimulatorDriver, records
from cloudsim.core.clock import SystemClock
from cloudsim.core.ids import Ids

H1, H2 = host("h1"), host("h2")


async def test_asked_again_nothing_is_done(driver: SimulatorDriver) -> None:
    created, started, stopped = volume("v1"), start("m1"), stop("m1")
    reboot, gone = RebootMachine("r", "m1", "i-2-m1-VM"), destroy("m1")
    answers = [await driver.execute(H1, one) for one in (created, started, reboot, stopped, gone)]
    await driver.execute(H1, DeleteVolume(new_id(), "v1", "v1", "pool-1"))
    before = driver.machines(), driver.volumes(), driver.hosts()
    assert [await driver.execute(H1, one) for one in (created, started, reboot, stopped, gone)] == answers
    assert (driver.machines(), driver.volumes(), driver.hosts()) == before
    assert before[:2] == ([], [])


async def test_a_late_stop_does_not_stop_what_was_started_since(driver: SimulatorDriver) -> None:
    stopped = stop()
    await driver.execute(H1, start())
    await driver.execute(H1, stopped)
    await driver.execute(H1, start())
    assert await driver.execute(H1, stopped) == {"power": "PowerOff"}
    assert power(driver) == {"m1": (H1.uuid, "PowerOn")}


async def test_a_failure_is_not_remembered(driver: SimulatorDriver) -> None:
    command = start(disks=("v1",))
    with pytest.raises(CommandFailed):
        await driver.execute(H1, command)
    await driver.execute(H1, volume("v1"))
    assert (await driver.execute(H1, command))["power"] == "PowerOn"


async def test_an_id_used_for_something_else(driver: SimulatorDriver) -> None:
    command = start()
    await driver.execute(H1, command)
    with pytest.raises(CommandFailed, match="was 'StartCommand host-h1' before"):
        await driver.execute(H2, command)
    with pytest.raises(CommandFailed, match="was 'StartCommand host-h1' before"):
        await driver.execute(H1, stop(command=command.id))
    made = volume("v1")
    assert await driver.execute(H1, made) == await driver.execute(H2, made), "all hosts share the pools"


async def test_asked_twice_at_once(path: Path, clock: JumpingClock) -> None:
    driver = SimulatorDriver(path, clock, Ids(seed=1), latency="*=uniform:0:1")
    await driver.open()
    command = start()
    answers = await asyncio.gather(*(driver.execute(H1, command) for _ in range(20)))
    assert all(answer == answers[0] for answer in answers)
    assert driver.host_memory_used(H1.uuid) == GIB
    check(driver)
    await driver.close()


async def test_after_the_file_is_opened_again(driver: SimulatorDriver) -> None:
    commands = [volume("v1"), start("m1", disks=("v1",)), stop("m1")]
    answers = [await driver.execute(H1, one) for one in commands]
    await driver.execute(H1, start("m1"))
    before = driver.machines(), driver.volumes(), driver.hosts()
    await driver.close()
    await driver.open()
    assert [await driver.execute(H1, one) for one in commands] == answers
    assert (driver.machines(), driver.volumes(), driver.hosts()) == before


async def test_what_is_remembered_stays_bounded(
    driver: SimulatorDriver, clock: JumpingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "FULL", 100)
    monkeypatch.setattr(records, "LOOK_EVERY", 10)
    driver._world.records._until_look = 10

    def remembered() -> int:
        counts = [f"(SELECT count(*) FROM {table})" for table in records.TABLES]
        number: int = driver._world.db.execute(f"SELECT {' + '.join(counts)}").fetchone()[0]
        return number

    for number in range(1, 1001):
        await driver.execute(H1, volume(f"v{number}", command=f"c{number}"))
        assert min(number, 100) <= remembered() <= 300
        if number % 70 == 0:
            await driver.close()
            await driver.open()
            driver._world.records._until_look = 10
    for number in range(901, 1001):
        with pytest.raises(CommandFailed, match="before"):
            await driver.execute(H1, DeleteVolume(f"c{number}", f"v{number}", "", ""))
    clock.milliseconds += records.LONG
    for number in range(30):
        await driver.execute(H1, volume(f"w{number}"))
        clock.milliseconds += records.LONG // 10
    assert remembered() < 60


async def test_a_failed_transaction_leaves_the_tables_right(
    driver: SimulatorDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tables change places inside a transaction that does not come about: the next must not be misled."""
    monkeypatch.setattr(records, "FULL", 1)
    driver._world.records._until_look = 1
    await driver.connect(H1)

    def undone() -> None:
        with driver._world.transaction():
            driver._world.records.add("x", "what", {}, None, 1)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        undone()
    assert driver._world.records._parts.newer == 0
    assert not driver._world.records.has("x")
    await driver.execute(H1, volume("v1", command="y"))
    assert driver._world.records.has("y")


_VICTIM = """
import asyncio, sys
sys.path.insert(0, sys.argv[2])
from simulator_helpers import GIB, destroy, host, start, stop, volume
from cloudsim.agents.simulator import SimulatorDriver
from cloudsim.core.clock import SystemClock
from cloudsim.core.ids import Ids

async def main():
    driver = SimulatorDriver(sys.argv[1], SystemClock(), Ids())
    await driver.open()
    at = host("h1", memory=str(1 << 50))
    await driver.connect(at)
    print("ready", flush=True)
    number = 0
    while True:
        number += 1
        await driver.execute(at, volume(f"v{number}", command=f"create-{number}"))
        await driver.execute(at, start(f"m{number}", disks=(f"v{number}",), command=f"start-{number}"))
        if number % 3 == 0:
            await driver.execute(at, stop(f"m{number}", command=f"stop-{number}"))
        sys.stdout.write(f"{number}\\n")
        sys.stdout.flush()

asyncio.run(main())
"""


def killed_after(rounds: int, path: Path) -> int:
    """Lets another process carry out commands and kills it; returns how many rounds it has told of."""
    victim = subprocess.Popen(
        [sys.executable, "-c", _VICTIM, str(path), str(Path(__file__).parent)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(cloudsim.__file__).parents[1])},
    )
    with victim:
        assert victim.stdout is not None
        assert victim.stdout.readline() == "ready\n"
        for _ in range(rounds):
            victim.stdout.readline()
        victim.send_signal(signal.SIGKILL)
        return rounds + victim.stdout.read().count("\n")


@pytest.mark.parametrize("rounds", [1, 40, 333])
async def test_killed_in_the_middle(path: Path, rounds: int) -> None:
    told = killed_after(rounds, path)
    driver = SimulatorDriver(path, SystemClock(), Ids())
    await driver.open()
    check(driver)
    at = host("h1", memory=str(1 << 50))
    machines = power(driver)
    assert told <= len(machines) <= told + 1
    assert len(machines) <= len(driver.volumes()) <= told + 1
    for number in range(1, told + 1):
        assert machines[f"m{number}"][1] == ("PowerOff" if number % 3 == 0 else "PowerOn")
    before = driver.machines(), driver.volumes(), driver.hosts()
    for number in random.Random(rounds).sample(range(1, told + 1), min(told, 20)):
        assert (await driver.execute(at, volume(f"v{number}", command=f"create-{number}")))["path"] == f"v{number}"
        assert (await driver.execute(at, start(f"m{number}", command=f"start-{number}")))["power"] == "PowerOn"
    assert (driver.machines(), driver.volumes(), driver.hosts()) == before, "what was answered had been done"
    last = told + 1
    await driver.execute(at, volume(f"v{last}", command=f"create-{last}"))
    await driver.execute(at, start(f"m{last}", disks=(f"v{last}",), command=f"start-{last}"))
    assert len(driver.machines()) == len(driver.volumes()) == last, "the interrupted one can be asked again"
    check(driver)
    await driver.close()


async def test_specs_of_every_kind_can_be_stored(driver: SimulatorDriver) -> None:
    from types import MappingProxyType

    spec = replace(machine("m1"), details=MappingProxyType({"a": "b"}))
    await driver.execute(H1, StartMachine("s", spec))
    await driver.execute(H1, CreateVolume("v", "v", "n", "p", 0))
    assert driver.volumes()[0].template is None
