"""Each verb: what it answers, what it changes, and when it refuses."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from simulator_helpers import GIB, JumpingClock, destroy, host, machine, new_id, power, start, stop, volume

from cloudsim.agents.base import (
    AttachVolume,
    CheckVolume,
    Command,
    CommandFailed,
    CreateMachineSnapshot,
    CreateVolume,
    DeleteMachineSnapshot,
    DeleteVolume,
    DestroyMachine,
    DetachVolume,
    Driver,
    FenceHost,
    HostUnreachable,
    InvestigateHost,
    MachineStats,
    MigrateMachine,
    MigrateVolume,
    Ping,
    PowerHost,
    RebootMachine,
    ResizeVolume,
    RevertMachineSnapshot,
    RouterCommand,
    ScaleMachine,
    SetSecurityRules,
    StartMachine,
    StopMachine,
    Unsupported,
)
from cloudsim.agents.simulator import SimulatorDriver

H1, H2 = host("h1"), host("h2")


def test_it_is_a_driver_with_all_verbs(driver: SimulatorDriver) -> None:
    as_driver: Driver = driver
    assert as_driver.hypervisors == ("Simulator",)
    assert as_driver.verbs == {
        Ping,
        CreateVolume,
        DeleteVolume,
        StartMachine,
        StopMachine,
        RebootMachine,
        DestroyMachine,
        MachineStats,
        MigrateMachine,
        SetSecurityRules,
        InvestigateHost,
        FenceHost,
        CreateMachineSnapshot,
        RevertMachineSnapshot,
        DeleteMachineSnapshot,
        PowerHost,
        ScaleMachine,
        AttachVolume,
        DetachVolume,
        ResizeVolume,
        CheckVolume,
        MigrateVolume,
        *RouterCommand.__subclasses__(),
    }


async def test_an_unknown_verb(driver: SimulatorDriver) -> None:
    @dataclass(frozen=True, slots=True)
    class Dance(Command):
        wire = "DanceCommand"

    with pytest.raises(Unsupported, match="DanceCommand"):
        await driver.execute(H1, Dance("1"))


async def test_volumes(driver: SimulatorDriver) -> None:
    answer = await driver.execute(H1, volume("v1", 5 * GIB))
    assert answer == {"path": "v1", "size": 5 * GIB}
    (one,) = driver.volumes()
    assert (one.uuid, one.name, one.pool, one.size, one.template) == ("v1", "ROOT-v1", "pool-1", 5 * GIB, "template-1")
    assert await driver.execute(H2, volume("v1", 5 * GIB)) == answer, "it is there as asked for"
    with pytest.raises(CommandFailed, match="v1 is there already"):
        await driver.execute(H1, volume("v1", 6 * GIB))
    assert await driver.execute(H1, DeleteVolume(new_id(), "v1", "v1", "pool-1")) == {}
    assert await driver.execute(H1, DeleteVolume(new_id(), "v1", "v1", "pool-1")) == {}
    assert driver.volumes() == []


async def test_starting(driver: SimulatorDriver, path: Path) -> None:
    await driver.execute(H1, volume("v1"))
    answer = await driver.execute(H1, start(disks=("v1",)))
    assert answer["power"] == "PowerOn"
    assert 5900 <= answer["vnc_port"] < 16_000
    assert power(driver) == {"m1": (H1.uuid, "PowerOn")}
    assert driver.host_memory_used(H1.uuid) == GIB
    assert await driver.execute(H1, start(disks=("v1",))) == answer, "it runs here already"
    assert driver.host_memory_used(H1.uuid) == GIB
    spec = json.loads(sqlite3.connect(path).execute("SELECT spec FROM machines").fetchone()[0])
    assert spec["nics"][0]["mac"] == "02:00:00:00:00:01"
    assert spec["disks"][0]["uuid"] == "v1"


async def test_starting_needs_its_disks(driver: SimulatorDriver) -> None:
    await driver.execute(H1, volume("v1"))
    with pytest.raises(CommandFailed, match="no volume v2"):
        await driver.execute(H1, start(disks=("v1", "v2")))
    assert driver.machines() == []


async def test_starting_needs_memory(driver: SimulatorDriver) -> None:
    small = host("small", memory=str(4 * GIB))
    await driver.connect(small)
    for number in range(4):
        await driver.execute(small, start(f"m{number}"))
    with pytest.raises(CommandFailed, match="memory"):
        await driver.execute(small, start("m4"))
    await driver.execute(small, stop("m2"))
    await driver.execute(small, start("m4"))
    assert driver.host_memory_used(small.uuid) == 4 * GIB


async def test_memory_can_be_over_committed(driver: SimulatorDriver) -> None:
    big = host("big", memory=str(2 * GIB), memory_overcommit="1.5")
    await driver.connect(big)
    for number in range(3):
        await driver.execute(big, start(f"m{number}"))
    with pytest.raises(CommandFailed):
        await driver.execute(big, start("m3", memory=1))


async def test_a_machine_runs_once(driver: SimulatorDriver) -> None:
    await driver.execute(H1, start())
    with pytest.raises(CommandFailed, match="runs on host host-h1"):
        await driver.execute(H2, start())
    await driver.execute(H1, stop())
    await driver.execute(H2, start(memory=2 * GIB))
    assert power(driver) == {"m1": (H2.uuid, "PowerOn")}
    assert driver.host_memory_used(H1.uuid) == 0
    assert driver.host_memory_used(H2.uuid) == 2 * GIB


async def test_stopping(driver: SimulatorDriver) -> None:
    assert await driver.execute(H1, stop()) == {"power": "PowerOff"}, "unknown here"
    await driver.execute(H1, start())
    assert await driver.execute(H2, stop(forced=True)) == {"power": "PowerOff"}
    assert power(driver) == {"m1": (H1.uuid, "PowerOn")}, "another host's machine is left alone"
    assert await driver.execute(H1, stop()) == {"power": "PowerOff"}
    assert await driver.execute(H1, stop()) == {"power": "PowerOff"}
    assert power(driver) == {"m1": (H1.uuid, "PowerOff")}
    assert driver.host_memory_used(H1.uuid) == 0


async def test_a_guest_that_will_not_shut_down(driver: SimulatorDriver, clock: JumpingClock) -> None:
    spec = replace(machine(), details={"simulator.ignore_shutdown": "true"})
    await driver.execute(H1, StartMachine(new_id(), spec))
    with pytest.raises(CommandFailed, match="did not shut down within 45 s"):
        await driver.execute(H1, stop(wait=45))
    assert clock.slept == [45]
    assert power(driver) == {"m1": (H1.uuid, "PowerOn")}
    await driver.execute(H1, stop(forced=True))
    assert clock.slept == [45]
    assert power(driver) == {"m1": (H1.uuid, "PowerOff")}
    await driver.execute(H1, stop())
    assert clock.slept == [45], "nothing to wait for"


async def test_scaling(driver: SimulatorDriver) -> None:
    small = host("small", memory=str(2 * GIB))
    await driver.connect(small)
    scale = ScaleMachine(new_id(), "m1", "i-2-m1-VM", 2, 1000, 2 * GIB)
    with pytest.raises(CommandFailed, match="does not run"):
        await driver.execute(small, scale)
    await driver.execute(small, start())
    assert [await driver.execute(small, scale) for _ in range(2)] == [{}, {}], "once"
    (one,) = driver.machines()
    assert (one.cpus, one.memory, driver.host_memory_used(small.uuid)) == (2, 2 * GIB, 2 * GIB)
    with pytest.raises(CommandFailed, match="bytes of memory more"):
        await driver.execute(small, replace(scale, id=new_id(), memory=3 * GIB))
    await driver.execute(small, stop())
    assert driver.host_memory_used(small.uuid) == 0


async def test_a_guest_without_pv_tools_does_not_scale(driver: SimulatorDriver) -> None:
    spec = replace(machine(), details={"simulator.no_pv_tools": "true"})
    await driver.execute(H1, StartMachine(new_id(), spec))
    with pytest.raises(CommandFailed, match="PV tools"):
        await driver.execute(H1, ScaleMachine(new_id(), "m1", "i-2-m1-VM", 2, 1000, 2 * GIB))
    assert driver.host_memory_used(H1.uuid) == GIB


async def test_volumes_move_with_what_they_hold(driver: SimulatorDriver) -> None:
    await driver.execute(H1, volume("v1"))
    driver.content("v1", "kept")
    move = MigrateVolume(new_id(), "v1", "v1", "pool-1", "pool-2")
    assert await driver.execute(H1, move) == {"path": "v1"}
    assert await driver.execute(H2, move) == {"path": "v1"}, "asked of another host, it is the same"
    assert await driver.execute(H1, replace(move, id=new_id())) == {"path": "v1"}, "it is there already"
    assert ([one.pool for one in driver.volumes()], driver.content("v1")) == (["pool-2"], "kept")
    with pytest.raises(CommandFailed, match="no volume"):
        await driver.execute(H1, replace(move, id=new_id(), target="pool-3"))


async def test_a_machine_moves_with_its_disks_or_not_at_all(driver: SimulatorDriver) -> None:
    await driver.execute(H1, volume("v1"))
    await driver.connect(H2)
    await driver.execute(H1, start(disks=("v1",)))
    go = MigrateMachine(new_id(), "m1", "i-2-m1-VM", H2.uuid, H2.url, (("v1", "pool-2"), ("v2", "pool-2")))
    with pytest.raises(CommandFailed, match="no volume v2"):
        await driver.execute(H1, go)
    assert (power(driver), driver.volumes()[0].pool) == ({"m1": (H1.uuid, "PowerOn")}, "pool-1")
    await driver.execute(H1, replace(go, id=new_id(), disks=go.disks[:1]))
    assert (power(driver), driver.volumes()[0].pool) == ({"m1": (H2.uuid, "PowerOn")}, "pool-2")


async def test_rebooting(driver: SimulatorDriver) -> None:
    again = RebootMachine(new_id(), "m1", "i-2-m1-VM")
    with pytest.raises(CommandFailed, match="does not run"):
        await driver.execute(H1, again)
    await driver.execute(H1, start())
    assert await driver.execute(H1, again) == {"power": "PowerOn"}
    with pytest.raises(CommandFailed):
        await driver.execute(H2, RebootMachine(new_id(), "m1", "i-2-m1-VM"))


async def test_destroying(driver: SimulatorDriver) -> None:
    await driver.execute(H1, volume("v1"))
    await driver.execute(H1, start(disks=("v1",)))
    assert await driver.execute(H2, destroy()) == {}
    assert power(driver) == {"m1": (H1.uuid, "PowerOn")}
    assert await driver.execute(H1, destroy()) == {}
    assert await driver.execute(H1, destroy()) == {}
    assert driver.machines() == []
    assert driver.host_memory_used(H1.uuid) == 0
    assert len(driver.volumes()) == 1


async def test_ping(driver: SimulatorDriver) -> None:
    await driver.execute(H1, start("m1"))
    await driver.execute(H1, start("m2"))
    await driver.execute(H2, start("m3"))
    assert await driver.execute(H1, Ping("p")) == {"machines": {"i-2-m1-VM": "PowerOn", "i-2-m2-VM": "PowerOn"}}
    await driver.execute(H1, stop("m2"))
    await driver.execute(H1, destroy("m1"))
    assert await driver.execute(H1, Ping("p")) == {"machines": {"i-2-m2-VM": "PowerOff"}}, "it is never remembered"


async def test_figures(driver: SimulatorDriver, clock: JumpingClock) -> None:
    for name in ("m1", "m2", "m3"):
        await driver.execute(H1, start(name))
    await driver.execute(H1, stop("m3"))
    clock.milliseconds += 60_000
    first = (await driver.execute(H1, MachineStats("s")))["machines"]
    assert sorted(first) == ["i-2-m1-VM", "i-2-m2-VM"]
    assert (await driver.execute(H1, MachineStats("s")))["machines"] == first
    one = first["i-2-m1-VM"]
    assert 0 <= one["cpu"] <= 100
    assert one["memory_kb"] == GIB // 1024
    assert 0 < one["free_memory_kb"] < one["memory_kb"]
    for name in ("read_kb", "write_kb", "read_ops", "write_ops"):
        assert sum(disk[name] for disk in one["disks"].values()) in (0, one[f"disk_{name}"])
    used = (await driver.execute(H1, Ping("p", figures=True)))["figures"]
    assert used["net_read_kb"] == sum(row["net_read_kb"] for row in first.values())
    assert used["memory"] == sum(row["memory_kb"] - row["free_memory_kb"] for row in first.values()) * 1024
    assert 0 < used["cpu"] <= 100
    clock.milliseconds += 60_000
    later = (await driver.execute(H1, MachineStats("s", names=("i-2-m1-VM", "i-2-none-VM"))))["machines"]
    assert list(later) == ["i-2-m1-VM"]
    for counter in ("net_read_kb", "net_write_kb", "disk_read_kb", "disk_write_kb", "disk_read_ops", "disk_write_ops"):
        assert later["i-2-m1-VM"][counter] > one[counter] > 0


async def test_what_cannot_be_stored_fails(driver: SimulatorDriver) -> None:
    with pytest.raises(CommandFailed):
        await driver.execute(H1, volume("v1", size=1 << 70))
    with pytest.raises(CommandFailed):
        await driver.execute(H1, volume("\ud800"))
    assert driver.volumes() == []


async def test_a_closed_driver_is_unreachable(driver: SimulatorDriver) -> None:
    await driver.execute(H1, volume("v1"))
    await driver.close()
    with pytest.raises(HostUnreachable):
        await driver.execute(H1, volume("v2"))
    with pytest.raises(HostUnreachable):
        await driver.connect(H2)
    await driver.open()
    assert len(driver.volumes()) == 1
