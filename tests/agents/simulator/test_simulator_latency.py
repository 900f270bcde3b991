"""How long things take: reading the text, drawing from it, and waiting on the clock."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from statistics import mean, median, pstdev

import pytest
from simulator_helpers import JumpingClock, host, start, stop

from cloudsim.agents.base import HostUnreachable, Ping
from cloudsim.agents.simulator import SimulatorDriver, parse_latency
from cloudsim.core.ids import Ids

H1 = host("h1")


def drawn(text: str, command: str = "X", number: int = 20_000) -> list[float]:
    latencies, chance = parse_latency(text), random.Random(3)
    return [latencies.draw(command, chance) for _ in range(number)]


def test_nothing_takes_time_by_default() -> None:
    assert set(drawn("", number=10)) == {0.0}
    assert set(drawn(" ; ", number=10)) == {0.0}
    assert set(drawn("Y=constant:1", number=10)) == {0.0}


def test_constant() -> None:
    assert set(drawn("X=constant:0.25", number=10)) == {0.25}


def test_uniform() -> None:
    values = drawn("X=uniform:1:3")
    assert 1 <= min(values) < 1.01
    assert 2.99 < max(values) <= 3
    assert mean(values) == pytest.approx(2, abs=0.02)


def test_normal() -> None:
    values = drawn("X=normal:2.0:0.5")
    assert mean(values) == pytest.approx(2, abs=0.02)
    assert pstdev(values) == pytest.approx(0.5, abs=0.02)
    assert min(drawn("X=normal:0:1")) == 0


def test_lognormal() -> None:
    values = drawn("X=lognormal:2:0.5")
    assert min(values) > 0
    assert median(values) == pytest.approx(2, rel=0.03)
    assert mean(values) > 2.1


def test_exponential() -> None:
    values = drawn("X=exponential:1.5")
    assert min(values) >= 0
    assert mean(values) == pytest.approx(1.5, rel=0.03)
    assert set(drawn("exponential:0", number=10)) == {0.0}


def test_which_entry_counts() -> None:
    text = "StartCommand = constant:2 ; *=constant:0.5"
    assert drawn(text, "StartCommand", 1) == [2]
    assert drawn(text, "StopCommand", 1) == [0.5]
    assert drawn("StartCommand=constant:2;constant:0.5", "StopCommand", 1) == [0.5]
    assert drawn("StartCommand=constant:0;constant:0.5", "StartCommand", 1) == [0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("StartCommand=gamma:1", "'gamma' is none of constant, exponential, lognormal, normal, uniform"),
        ("StartCommand=uniform:1", "form uniform:lowest:highest"),
        ("StartCommand=constant:1:2", "form constant:seconds"),
        ("StartCommand=constant:soon", "seconds 'soon' is not a number"),
        ("StartCommand=constant:", "seconds '' is not a number"),
        ("StartCommand=constant:-1", "0 or more"),
        ("StartCommand=constant:inf", "finite"),
        ("StartCommand=constant:nan", "finite"),
        ("StartCommand=uniform:3:1", "lowest is above highest"),
        ("=constant:1", "name"),
        ("X=constant:1;X=constant:2", "X is given twice"),
        ("constant:1;*=constant:2", "given twice"),
        ("nonsense", "'nonsense' is none of"),
    ],
)
def test_what_makes_no_sense(text: str, message: str) -> None:
    with pytest.raises(ValueError, match="latency") as caught:
        parse_latency(text)
    assert message in str(caught.value)


def test_the_driver_says_so_at_once(path: Path, clock: JumpingClock) -> None:
    with pytest.raises(ValueError, match="gamma"):
        SimulatorDriver(path, clock, Ids(), latency="X=gamma:1")
    assert not path.exists()


async def test_the_clock_is_waited_on(path: Path, clock: JumpingClock) -> None:
    text = "StartCommand=uniform:1:3;PingCommand=constant:0;StartupCommand=constant:9;*=constant:0.1"
    slept = []
    for _ in range(2):
        clock.slept.clear()
        driver = SimulatorDriver(path, clock, Ids(seed=5), latency=text)
        await driver.open()
        await driver.connect(H1)
        await driver.execute(H1, start())
        await driver.execute(H1, stop())
        await driver.execute(H1, Ping("p"))
        await driver.close()
        slept.append(tuple(clock.slept))
    assert slept[0] == slept[1], "a seed repeats it"
    assert (slept[0][0], slept[0][2]) == (9, 0.1)
    assert 1 <= slept[0][1] <= 3


async def test_closing_while_a_command_waits(path: Path, clock: JumpingClock) -> None:
    driver = SimulatorDriver(path, clock, Ids(seed=5), latency="StartCommand=constant:1")
    await driver.open()
    task = asyncio.create_task(driver.execute(H1, start()))
    await asyncio.sleep(0)
    await driver.close()
    with pytest.raises(HostUnreachable, match="closed"):
        await task
