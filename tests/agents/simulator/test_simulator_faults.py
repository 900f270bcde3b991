"""Faults on order: each kind, counts, chances, places, and that they outlive the process."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from simulator_helpers import JumpingClock, host, new_id, power, start, stop, volume

from cloudsim.agents.base import CommandFailed, HostAddress, HostUnreachable, MachineStats, Ping
from cloudsim.agents.simulator import KINDS, Rule, SimulatorDriver
from cloudsim.core.ids import Ids

H1, H2 = host("h1"), host("h2")


async def test_delay(driver: SimulatorDriver, clock: JumpingClock) -> None:
    driver.add_rule(Rule("StartCommand", "delay", seconds=2.5))
    driver.add_rule(Rule("*", "delay", seconds=1))
    assert (await driver.execute(H1, start()))["power"] == "PowerOn"
    assert await driver.execute(H1, stop()) == {"power": "PowerOff"}
    assert clock.slept == [3.5, 1]


async def test_fail(driver: SimulatorDriver, clock: JumpingClock) -> None:
    rule = driver.add_rule(Rule("StartCommand", "fail", seconds=3, text="out of order"))
    command = start()
    with pytest.raises(CommandFailed, match="out of order"):
        await driver.execute(H1, command)
    assert clock.slept == [3]
    assert driver.machines() == []
    assert driver.remove_rule(rule)
    assert (await driver.execute(H1, command))["power"] == "PowerOn"


async def test_fail_after(driver: SimulatorDriver) -> None:
    driver.add_rule(Rule("StartCommand", "fail_after", text="so it seems", count=1))
    command = start()
    for _ in range(2):
        with pytest.raises(CommandFailed, match="so it seems"):
            await driver.execute(H1, command)
        assert power(driver) == {"m1": (H1.uuid, "PowerOn")}
    assert (await driver.execute(H1, start()))["power"] == "PowerOn"


async def test_lose(driver: SimulatorDriver) -> None:
    driver.add_rule(Rule("StartCommand", "lose", count=2))
    command = start()
    for _ in range(2):
        with pytest.raises(HostUnreachable):
            await driver.execute(H1, command)
        assert power(driver) == {"m1": (H1.uuid, "PowerOn")}
    await driver.execute(H1, stop())
    assert (await driver.execute(H1, command))["power"] == "PowerOn", "the answer of then"
    assert power(driver) == {"m1": (H1.uuid, "PowerOff")}


async def test_lose_hides_a_failure(driver: SimulatorDriver) -> None:
    driver.add_rule(Rule("StartCommand", "lose", count=1))
    command = start(disks=("nowhere",))
    with pytest.raises(HostUnreachable):
        await driver.execute(H1, command)
    with pytest.raises(CommandFailed, match="no volume nowhere"):
        await driver.execute(H1, command)


async def test_drop(driver: SimulatorDriver) -> None:
    driver.add_rule(Rule("*", "drop", count=2, host=H1.uuid))
    await driver.execute(H2, Ping("p"))
    with pytest.raises(HostUnreachable):
        await driver.execute(H1, Ping("p"))
    with pytest.raises(HostUnreachable):
        await driver.execute(H1, start())
    assert driver.machines() == []
    assert await driver.execute(H1, Ping("p")) == {"machines": {}}


async def test_hang(driver: SimulatorDriver) -> None:
    driver.add_rule(Rule("StartCommand", "hang", count=1))
    command = start()
    task = asyncio.create_task(driver.execute(H1, command))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not task.done()
    await driver.execute(H1, volume())
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert driver.machines() == []
    assert (await driver.execute(H1, command))["power"] == "PowerOn"


async def test_closing_ends_what_hangs(driver: SimulatorDriver) -> None:
    driver.add_rule(Rule("*", "hang", count=2))
    tasks = [asyncio.create_task(driver.execute(H1, start())), asyncio.create_task(driver.connect(H2))]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await driver.close()
    for task in tasks:
        with pytest.raises(HostUnreachable, match="closed"):
            await task
    await driver.open()


async def test_a_cancelled_wait_has_done_nothing(driver: SimulatorDriver, clock: JumpingClock) -> None:
    driver.add_rule(Rule("StartCommand", "delay", seconds=10))
    clock.stopped = True
    task = asyncio.create_task(driver.execute(H1, start()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert driver.machines() == []


async def test_answer(driver: SimulatorDriver) -> None:
    answer = {"path": "elsewhere", "result": True}
    rule = driver.add_rule(Rule("CreateObjectCommand", "answer", answer=answer))
    command = volume("v1", 100)
    assert await driver.execute(H1, command) == {"path": "elsewhere", "size": 100}
    assert driver.volumes() == []
    driver.remove_rule(rule)
    assert await driver.execute(H1, command) == {"path": "v1", "size": 100}
    driver.add_rule(Rule("*", "answer"))
    await driver.connect(H1)
    assert (await driver.execute(H1, start()))["power"] == "PowerOn"
    assert await driver.execute(H1, stop()) == {"power": "PowerOff"}
    assert await driver.execute(H1, Ping("p")) == {"machines": {}}
    assert driver.machines() == []


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"hang"}))
async def test_looking_can_go_wrong_as_well(driver: SimulatorDriver, kind: str) -> None:
    driver.add_rule(Rule("GetVmStatsCommand", kind, count=1))
    expected: type[Exception] | None = {
        "fail": CommandFailed,
        "fail_after": CommandFailed,
        "lose": HostUnreachable,
        "drop": HostUnreachable,
    }.get(kind)
    if expected is not None:
        with pytest.raises(expected):
            await driver.execute(H1, MachineStats("s"))
    assert await driver.execute(H1, MachineStats("s")) == {"machines": {}}


@pytest.mark.parametrize("kind", ["fail", "fail_after", "lose", "drop"])
async def test_connecting_can_go_wrong_as_well(driver: SimulatorDriver, kind: str) -> None:
    driver.add_rule(Rule("StartupCommand", kind, count=1, text="not now"))
    with pytest.raises(CommandFailed if kind.startswith("fail") else HostUnreachable, match="not now"):
        await driver.connect(H1)
    assert (await driver.connect(H1)).cpus == 4


async def test_what_was_done_is_neither_refused_nor_pretended(driver: SimulatorDriver) -> None:
    command = start()
    answer = await driver.execute(H1, command)
    for kind in ("fail", "fail_after", "answer"):
        driver.add_rule(Rule("StartCommand", kind, count=1, answer={"power": "PowerOff"}))
    assert await driver.execute(H1, command) == answer
    assert [rule.count for rule in driver.rules()] == [1, 1, 1]
    driver.add_rule(Rule("StartCommand", "drop", count=1))
    with pytest.raises(HostUnreachable):
        await driver.execute(H1, command)
    assert await driver.execute(H1, command) == answer


async def test_a_host_that_is_down_uses_no_rule_up(driver: SimulatorDriver) -> None:
    await driver.connect(H1)
    driver.set_host(H1.uuid, up=False)
    rule = driver.add_rule(Rule("*", "fail", count=1))
    for call in (driver.execute(H1, start()), driver.connect(H1)):
        with pytest.raises(HostUnreachable):
            await call
    assert (driver.rule(rule) or Rule("*", "fail")).count == 1


async def test_counts_are_kept_in_the_file(driver: SimulatorDriver, path: Path) -> None:
    rule = driver.add_rule(Rule("StartCommand", "fail", count=3, text="no"))
    endless = driver.add_rule(Rule("StopCommand", "fail"))
    for left in (2, 1, 0):
        with pytest.raises(CommandFailed, match="no"):
            await driver.execute(H1, start())
        found = driver.rule(rule)
        assert found is not None
        assert (found.id, found.count) == (rule, left)
        remaining = sqlite3.connect(path).execute("SELECT remaining FROM rules WHERE id = ?", (rule,)).fetchone()
        assert remaining == (left,)
        rules = driver.rules()
        await driver.close()
        await driver.open()
        assert driver.rules() == rules
    await driver.execute(H1, start())
    for _ in range(3):
        with pytest.raises(CommandFailed):
            await driver.execute(H1, stop())
    assert [(one.id, one.count) for one in driver.rules()] == [(rule, 0), (endless, None)]
    assert driver.remove_rule(rule)
    assert not driver.remove_rule(rule)
    assert driver.rule(rule) is None
    assert driver.add_rule(Rule("*", "delay")) > endless, "ids are never used again"


async def test_the_first_that_does_more_than_wait_decides(driver: SimulatorDriver, clock: JumpingClock) -> None:
    driver.add_rule(Rule("*", "delay", seconds=1, count=9))
    driver.add_rule(Rule("StartCommand", "fail", text="first", seconds=2, count=9))
    driver.add_rule(Rule("StartCommand", "drop", count=9))
    with pytest.raises(CommandFailed, match="first"):
        await driver.execute(H1, start())
    assert clock.slept == [3]
    assert [rule.count for rule in driver.rules()] == [8, 8, 9]


async def hits(driver: SimulatorDriver, calls: int) -> list[bool]:
    found = []
    for _ in range(calls):
        try:
            await driver.execute(H1, Ping("p"))
            found.append(False)
        except HostUnreachable:
            found.append(True)
    return found


async def test_probability(tmp_path: Path, clock: JumpingClock) -> None:
    seen = []
    for name in ("a", "b"):
        driver = SimulatorDriver(tmp_path / name, clock, Ids(seed=7))
        await driver.open()
        driver.add_rule(Rule("*", "drop", probability=0.25, host=H1.uuid))
        await driver.execute(H2, Ping("p"))
        seen.append(await hits(driver, 400))
        await driver.close()
    assert seen[0] == seen[1], "a seed repeats it"
    assert 60 <= sum(seen[0]) <= 140


async def test_never_and_always(driver: SimulatorDriver) -> None:
    never = driver.add_rule(Rule("*", "drop", probability=0.0, count=5))
    assert not any(await hits(driver, 50))
    assert (driver.rule(never) or Rule("*", "drop")).count == 5
    driver.add_rule(Rule("*", "drop", probability=1.0))
    assert all(await hits(driver, 50))


@pytest.mark.parametrize(
    ("places", "hit"),
    [
        ({}, True),
        ({"host": "u1"}, True),
        ({"host": "u2"}, False),
        ({"cluster": "c1"}, True),
        ({"cluster": "c2"}, False),
        ({"pod": "p1"}, True),
        ({"pod": "p2"}, False),
        ({"zone": "z1"}, True),
        ({"zone": "z2"}, False),
        ({"zone": "z1", "pod": "p1", "cluster": "c1", "host": "u1"}, True),
        ({"zone": "z1", "pod": "p1", "cluster": "c2"}, False),
    ],
)
async def test_places(driver: SimulatorDriver, places: dict[str, str], hit: bool) -> None:
    address = HostAddress("u1", "sim://z/h", places={"zone": "z1", "pod": "p1", "cluster": "c1"})
    driver.add_rule(Rule("PingCommand", "fail", **places))  # type: ignore[arg-type]
    await driver.execute(address, volume())
    if hit:
        with pytest.raises(CommandFailed):
            await driver.execute(address, Ping("p"))
    else:
        await driver.execute(address, Ping("p"))


async def test_an_address_without_places(driver: SimulatorDriver) -> None:
    driver.add_rule(Rule("*", "fail", zone="z1"))
    await driver.execute(HostAddress("u1", "sim://z/h"), Ping("p"))


def test_putting_takes_the_place_of_the_same(driver: SimulatorDriver) -> None:
    first = driver.put_rule(Rule("StartCommand", "fail", zone="z1", count=1))
    other = driver.put_rule(Rule("StartCommand", "fail", zone="z2", count=2))
    assert driver.put_rule(Rule("StartCommand", "drop", zone="z1", count=7)) == first
    assert [(one.id, one.kind, one.count) for one in driver.rules()] == [(first, "drop", 7), (other, "fail", 2)]


def test_clearing(driver: SimulatorDriver) -> None:
    def fill() -> None:
        driver.clear()
        for places in ({}, {"zone": "z1"}, {"zone": "z1", "host": "h1"}, {"zone": "z2", "host": "h2"}):
            driver.add_rule(Rule("*", "fail", **places))  # type: ignore[arg-type]

    fill()
    assert driver.clear(zone="z1") == 2
    assert len(driver.rules()) == 2
    fill()
    assert driver.clear(zone="z1", host="h1") == 1
    assert driver.clear(pod="p1") == 0
    assert driver.clear() == 3
    assert driver.rules() == []


@pytest.mark.parametrize(
    "fields",
    [
        {"command": ""},
        {"kind": "explode"},
        {"seconds": -1},
        {"seconds": float("nan")},
        {"seconds": float("inf")},
        {"probability": 1.5},
        {"probability": float("nan")},
        {"count": -1},
    ],
)
def test_rules_that_make_no_sense(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        Rule(**{"command": "*", "kind": "fail", **fields})


async def test_a_rule_for_graceful_stops(driver: SimulatorDriver) -> None:
    await driver.execute(H1, start())
    driver.add_rule(Rule("StopCommand", "fail", count=1, text="the guest does not answer"))
    with pytest.raises(CommandFailed, match="the guest"):
        await driver.execute(H1, stop(command=new_id()))
    assert power(driver) == {"m1": (H1.uuid, "PowerOn")}
