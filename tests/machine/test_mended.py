"""What the state machine has found, one by one."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import invariants
import pytest
from cloud_machine import Cloud, forget, new_cloud

from cloudsim.agents.simulator.faults import Rule
from cloudsim.db import schema


@pytest.fixture(scope="module", autouse=True)
def prepared() -> Any:
    yield
    forget()


@pytest.fixture
async def cloud(tmp_path: Path) -> AsyncIterator[Cloud]:
    made = await new_cloud(tmp_path / "data")
    yield made
    await made.close()


async def machine(cloud: Cloud, offering: int = 0, host: int | None = None, who: str = "admin") -> str:
    """A machine that runs (or whatever became of it)."""
    where = {"hostid": cloud.hosts[host]} if host is not None else {}
    asked = {"zoneid": cloud.zone, "templateid": cloud.template, "serviceofferingid": cloud.offerings[offering]}
    cloud.ask(who, "deployVirtualMachine", **asked, **where)
    await cloud.live()
    ((uuid,),) = await cloud.rows("SELECT uuid FROM vm WHERE type = 'User' ORDER BY id DESC LIMIT 1")
    return str(uuid)


async def do(cloud: Cloud, command: str, **given: Any) -> None:
    cloud.ask("admin", command, **given)
    await cloud.live()


async def state(cloud: Cloud, uuid: str) -> str:
    ((found,),) = await cloud.rows(f"SELECT state FROM vm WHERE uuid = '{uuid}'")
    return str(found)


async def test_a_host_that_refused_before_a_crash_is_not_asked_again(cloud: Cloud) -> None:
    """It would do now what it refused then, and nobody would know of it."""
    one = await machine(cloud)
    await do(cloud, "stopVirtualMachine", id=one)
    cloud.server.simulator.add_rule(Rule("StartCommand", "fail", count=1))
    cloud.dies = "after virtualmachine.start/take-back-1"
    await do(cloud, "startVirtualMachine", id=one)
    assert cloud.dies == ""
    assert await state(cloud, one) == "Running"
    await invariants.check(cloud.server)


async def test_a_reboot_that_goes_on_after_a_crash_does_not_shut_down_what_it_started(cloud: Cloud) -> None:
    one = await machine(cloud)
    cloud.server.simulator.add_rule(Rule("StopCommand", "fail", count=1))
    cloud.dies = "after StartCommand"
    await do(cloud, "rebootVirtualMachine", id=one, forced=True)
    assert cloud.dies == ""
    await invariants.check(cloud.server)


async def test_a_host_is_not_fenced_again_when_it_is_back(cloud: Cloud) -> None:
    """One neighbour could not cut the power, the next one could; then the server dies and the host comes back."""
    world = cloud.server.simulator
    world.add_rule(Rule("FenceCommand", "fail", count=1))
    world.set_host(cloud.hosts[0], False)
    cloud.dies = "after host.investigate/fenced"

    def powered_on() -> None:
        with sqlite3.connect(cloud.directory / "simulator.db") as db:
            db.execute("UPDATE hosts SET up = 1, beat = NULL")
        db.close()

    cloud.meanwhile = powered_on
    await cloud.minutes(5)
    assert cloud.dies == ""
    assert all(host.up for host in cloud.server.simulator.hosts() if host.uuid in cloud.hosts)
    await cloud.heal()


async def test_a_machine_that_left_though_its_host_says_no_has_moved(cloud: Cloud) -> None:
    await machine(cloud, host=0)
    cloud.server.simulator.add_rule(Rule("MigrateCommand", "fail_after"))
    await do(cloud, "prepareHostForMaintenance", id=cloud.hosts[0])
    await cloud.rest()
    ((resource_state,),) = await cloud.rows(f"SELECT resource_state FROM host WHERE uuid = '{cloud.hosts[0]}'")
    assert resource_state == "Maintenance"
    await invariants.check(cloud.server)


async def test_a_machine_whose_last_host_is_lost_can_be_expunged(cloud: Cloud) -> None:
    one = await machine(cloud, host=1)
    await do(cloud, "createVMSnapshot", virtualmachineid=one)
    cloud.server.simulator.set_host(cloud.hosts[1], False)
    await cloud.minutes(5)
    assert await state(cloud, one) == "Stopped"
    await do(cloud, "destroyVirtualMachine", id=one, expunge=True)
    assert await state(cloud, one) == "Expunging"
    assert await cloud.rows(f"SELECT 1 FROM vm WHERE uuid = '{one}' AND removed IS NOT NULL")
    await cloud.heal()


async def test_a_machine_of_a_removed_host_starts_elsewhere_only_when_it_was_stopped_there(cloud: Cloud) -> None:
    one = await machine(cloud, host=2)
    cloud.server.simulator.set_network(cloud.hosts[2], False)  # nobody has noticed yet
    await do(cloud, "deleteHost", id=cloud.hosts[2], forced=True)
    await do(cloud, "startVirtualMachine", id=one)
    assert await state(cloud, one) == "Stopped"
    await cloud.rest()
    cloud.server.simulator.set_network(cloud.hosts[2], True)
    await do(cloud, "startVirtualMachine", id=one)
    assert await state(cloud, one) == "Running"
    await cloud.heal()  # what was left there of the cloud's own comes back, too


async def test_a_machine_that_could_not_be_made_uses_nothing(cloud: Cloud) -> None:
    cloud.server.simulator.add_rule(Rule("StartCommand", "fail"))
    one = await machine(cloud)
    assert await state(cloud, one) == "Error"
    await cloud.rest()
    assert await cloud.rows("SELECT 1 FROM usage WHERE kind = 'vm' AND ended IS NULL") == []


async def test_schedules_and_tags_of_snapshots_go_with_their_machine(cloud: Cloud) -> None:
    one = await machine(cloud)
    await do(cloud, "createVMSchedule", virtualmachineid=one, action="STOP", schedule="0 0 * * *", timezone="UTC")
    for _ in range(2):
        await do(cloud, "createVMSnapshot", virtualmachineid=one)
    for (uuid,) in await cloud.rows("SELECT uuid FROM vm_snapshot"):
        tag = {"tags[0].key": "a", "tags[0].value": "b"}
        await do(cloud, "createTags", resourceids=uuid, resourcetype="VMSnapshot", **tag)
    await do(cloud, "deleteVMSnapshot", vmsnapshotid=uuid)
    assert len(await cloud.rows("SELECT 1 FROM tag")) == 1
    await do(cloud, "destroyVirtualMachine", id=one, expunge=True)
    assert await cloud.rows("SELECT 1 FROM tag") == []
    await invariants.check(cloud.server)


@pytest.mark.parametrize("most", [-1, 1])
async def test_going_back_to_a_larger_size_is_within_limits_and_used(most: int, cloud: Cloud) -> None:
    one = await machine(cloud, offering=1, who="user")
    await do(cloud, "createVMSnapshot", virtualmachineid=one)
    await do(cloud, "stopVirtualMachine", id=one)
    await cloud.server.db.write(lambda tx: tx.update(schema.vm, {"uuid": one}, memory=512))
    ((account, domain),) = await cloud.rows(
        "SELECT a.name, d.uuid FROM account a JOIN domain d ON a.domain_id = d.id WHERE a.name = 'user'"
    )
    limit = {"account": account, "domainid": domain, "resourcetype": 9, "max": 700 if most > 0 else -1}
    await do(cloud, "updateResourceLimit", **limit)
    ((snapshot,),) = await cloud.rows("SELECT uuid FROM vm_snapshot")
    await do(cloud, "revertToVMSnapshot", vmsnapshotid=snapshot)
    memory = 512 if most > 0 else 1024
    assert await cloud.rows(f"SELECT memory FROM vm WHERE uuid = '{one}'") == [(memory,)]
    used = await cloud.rows("SELECT memory FROM usage WHERE kind = 'vm' AND type = 2 AND ended IS NULL")
    assert used == [(1024,)]
    await cloud.rest()


async def test_a_server_that_takes_no_jobs_follows_no_schedules(cloud: Cloud) -> None:
    tasks = cloud.server.periodic.tasks
    cloud.server.cloud.server_state = "Maintenance"
    assert tasks["vm-schedules"].paused()
    assert tasks["vmsnapshot-expire"].paused()
