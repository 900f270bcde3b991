"""Any sequence of commands, faults, crashes and restarts keeps the world in order."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from simulator_helpers import GIB, JumpingClock, check, destroy, host, new_id, start, stop, volume

from cloudsim.agents.base import AgentError, Command, CommandFailed, DeleteVolume, Ping, RebootMachine
from cloudsim.agents.simulator import KINDS, Rule, SimulatorDriver
from cloudsim.core.ids import Ids

HOSTS = [host(name, memory=str(4 * GIB)) for name in ("h1", "h2", "h3")]
MACHINES = [f"m{number}" for number in range(6)]

which_host = st.integers(0, len(HOSTS) - 1)
which_machine = st.sampled_from(MACHINES)
which_volume = st.sampled_from(["v1", "v2"])
steps = st.lists(
    st.one_of(
        st.tuples(st.just("start"), which_host, which_machine, st.integers(1, 3), st.sampled_from([(), ("v1",)])),
        st.tuples(st.just("stop"), which_host, which_machine, st.booleans()),
        st.tuples(st.just("reboot"), which_host, which_machine),
        st.tuples(st.just("destroy"), which_host, which_machine),
        st.tuples(st.just("create"), which_host, which_volume),
        st.tuples(st.just("delete"), which_host, which_volume),
        st.tuples(st.just("power"), which_host, st.booleans()),
        st.tuples(st.just("rule"), st.sampled_from(sorted(set(KINDS) - {"hang"})), st.integers(1, 2)),
        st.tuples(st.just("again"), st.integers(0, 50)),
        st.tuples(st.just("restart")),
    ),
    max_size=60,
)


def command_of(step: tuple[Any, ...]) -> Command:
    match step:
        case ("start", _, name, gibs, disks):
            return start(name, memory=gibs * GIB, disks=disks)
        case ("stop", _, name, forced):
            return stop(name, forced=forced)
        case ("reboot", _, name):
            return RebootMachine(new_id(), name, f"i-2-{name}-VM")
        case ("destroy", _, name):
            return destroy(name)
        case ("create", _, name):
            return volume(name)
        case (_, _, name):
            return DeleteVolume(new_id(), name, name, "pool-1")
    raise AssertionError(step)


def state(driver: SimulatorDriver) -> tuple[Any, ...]:
    return driver.hosts(), driver.machines(), driver.volumes()


async def carry_out(driver: SimulatorDriver, at: int, command: Command, answers: dict[str, Any]) -> None:
    """Executes the command; checks what its answer or failure promises. `answers`: those that were truly given."""
    before, rules = state(driver), driver.rules()
    try:
        answer = await driver.execute(HOSTS[at], command)
    except AgentError as error:
        used = {old.kind for old, new in zip(rules, driver.rules(), strict=True) if old != new}
        if isinstance(error, CommandFailed) and "fail_after" not in used:
            assert state(driver) == before, "a failure changes nothing"
    else:
        used = {old.kind for old, new in zip(rules, driver.rules(), strict=True) if old != new}
        if command.id in answers:
            assert answer == answers[command.id], "asked again it answers the same"
            assert state(driver) == before, "asked again it does nothing"
        elif "answer" in used:
            assert state(driver) == before, "it only pretends"
        else:
            answers[command.id] = answer


async def play(path: Path, sequence: list[tuple[Any, ...]]) -> None:
    driver = SimulatorDriver(path, JumpingClock(), Ids(seed=1))
    await driver.open()
    for address in HOSTS:
        await driver.connect(address)
    asked: list[tuple[int, Command]] = []
    answers: dict[str, Any] = {}
    for step in sequence:
        match step:
            case ("power", number, up):
                driver.set_host(HOSTS[number].uuid, up)
            case ("rule", kind, count):
                driver.add_rule(Rule("*", kind, count=count))
            case ("restart",):
                before = state(driver), driver.rules()
                await driver.close()
                driver = SimulatorDriver(path, JumpingClock(), Ids(seed=1))
                await driver.open()
                assert (state(driver), driver.rules()) == before
            case ("again", number):
                if asked:
                    at, command = asked[number % len(asked)]
                    await carry_out(driver, at, command, answers)
            case _:
                at, command = step[1], command_of(step)
                asked.append((at, command))
                await carry_out(driver, at, command, answers)
        check(driver)
    driver.clear()
    for address in HOSTS:
        driver.set_host(address.uuid, up=True)
        seen = await driver.execute(address, Ping("p"))
        here = [one for one in driver.machines() if one.host == address.uuid]
        assert seen["machines"] == {one.name: one.power for one in here}
    await driver.close()


@settings(max_examples=60, deadline=None)
@given(steps)
def test_the_world_stays_in_order(sequence: list[tuple[Any, ...]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(play(Path(folder) / "world.db", sequence))
