"""Snapshots of machines whose host, owner or place changes meanwhile."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import invariants
import pytest
from cloud_machine import Cloud, forget, new_cloud
from test_mended import do, machine, state

from cloudsim.agents.simulator.faults import Rule


@pytest.fixture(scope="module", autouse=True)
def prepared() -> Any:
    yield
    forget()


@pytest.fixture
async def cloud(tmp_path: Path) -> AsyncIterator[Cloud]:
    made = await new_cloud(tmp_path / "data")
    yield made
    await made.close()


async def snapshots(cloud: Cloud) -> list[tuple[str, str]]:
    """Uuid and state of each that is there."""
    return [
        (u, s) for u, s in await cloud.rows("SELECT uuid, state FROM vm_snapshot WHERE removed IS NULL ORDER BY id")
    ]


async def root(cloud: Cloud, uuid: str) -> str:
    found = await cloud.rows(f"SELECT d.uuid FROM volume d JOIN vm v ON d.vm_id = v.id WHERE v.uuid = '{uuid}'")
    return str(found[0][0])


async def test_one_that_ha_has_brought_back_elsewhere_can_go_back(cloud: Cloud) -> None:
    one = await machine(cloud, offering=1, host=1)
    disk = await root(cloud, one)
    cloud.server.simulator.content(disk, "then")
    await do(cloud, "createVMSnapshot", virtualmachineid=one)
    cloud.server.simulator.content(disk, "now")
    cloud.server.simulator.set_host(cloud.hosts[1], False)
    await cloud.minutes(6)
    ((host,),) = await cloud.rows(f"SELECT h.uuid FROM vm v JOIN host h ON v.host_id = h.id WHERE v.uuid = '{one}'")
    assert host != cloud.hosts[1]
    await do(cloud, "stopVirtualMachine", id=one)
    ((found, _),) = await snapshots(cloud)
    await do(cloud, "revertToVMSnapshot", vmsnapshotid=found)
    assert cloud.server.simulator.content(disk) == "then"
    await cloud.heal()


@pytest.mark.parametrize(
    ("command", "wire", "after"),
    [
        ("createVMSnapshot", "CreateVMSnapshotCommand", ["Ready", "Error"]),
        ("revertToVMSnapshot", "RevertToVMSnapshotCommand", ["Ready"]),
        ("deleteVMSnapshot", "DeleteVMSnapshotCommand", ["Error"]),
    ],
)
@pytest.mark.parametrize("kind", ["fail", "drop", "lose", "hang"])
async def test_a_host_that_fails_meanwhile(command: str, wire: str, after: list[str], kind: str, cloud: Cloud) -> None:
    """What could not be done is told, nothing is left in between, and asking again when the host is well succeeds."""
    one = await machine(cloud)
    await do(cloud, "createVMSnapshot", virtualmachineid=one, snapshotmemory=True)
    ((found, _),) = await snapshots(cloud)
    given = {"virtualmachineid": one} if command == "createVMSnapshot" else {"vmsnapshotid": found}
    cloud.server.simulator.add_rule(Rule(wire, kind))
    await do(cloud, command, **given)
    assert [s for _, s in await snapshots(cloud)] == after
    await cloud.rest()
    cloud.server.simulator.clear()
    await do(cloud, command, **given)
    for uuid, _ in await snapshots(cloud):
        await do(cloud, "deleteVMSnapshot", vmsnapshotid=uuid)
    assert await snapshots(cloud) == []
    await invariants.check(cloud.server)
    assert cloud.server.simulator.snapshots() == []


async def test_a_destroyed_machine_comes_back_with_them(cloud: Cloud) -> None:
    one = await machine(cloud)
    await do(cloud, "createVMSnapshot", virtualmachineid=one)
    await do(cloud, "destroyVirtualMachine", id=one)
    await do(cloud, "recoverVirtualMachine", id=one)
    ((found, _),) = await snapshots(cloud)
    await do(cloud, "revertToVMSnapshot", vmsnapshotid=found)
    assert (await state(cloud, one), await snapshots(cloud)) == ("Stopped", [(found, "Ready")])
    await invariants.check(cloud.server)


async def test_they_go_with_the_account_even_while_one_is_made(cloud: Cloud) -> None:
    one = await machine(cloud, who="other")
    await do(cloud, "createVMSnapshot", virtualmachineid=one)
    cloud.server.simulator.add_rule(Rule("CreateVMSnapshotCommand", "delay", seconds=30))
    cloud.ask("admin", "createVMSnapshot", virtualmachineid=one)
    await cloud.delete_owner(0)
    await cloud.live()
    assert await snapshots(cloud) == []
    assert await cloud.rows("SELECT 1 FROM account WHERE name = 'other' AND removed IS NULL") == []
    await invariants.check(cloud.server)


async def test_a_machine_destroyed_meanwhile(cloud: Cloud) -> None:
    one = await machine(cloud)
    await do(cloud, "createVMSnapshot", virtualmachineid=one)
    ((found, _),) = await snapshots(cloud)
    cloud.ask("admin", "destroyVirtualMachine", id=one, expunge=True)
    for command in ("revertToVMSnapshot", "deleteVMSnapshot"):
        cloud.ask("admin", command, vmsnapshotid=found)
    cloud.ask("admin", "createVMSnapshot", virtualmachineid=one)
    await cloud.live()
    assert await snapshots(cloud) == []
    await cloud.rest()
    await invariants.check(cloud.server)
