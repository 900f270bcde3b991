"""Schedules of virtual machines: what is done when, once, and what becomes of times that were missed."""

from __future__ import annotations

from typing import Any

import aiohttp
import invariants
import pytest
from apiclient import Api
from people import person, refused, role

from cloudsim.db import schema
from cloudsim.server import Server

DAILY = {"schedule": "0 3 * * *", "timezone": "UTC"}


async def schedule(api: Api, machine: dict[str, Any], action: str, **given: Any) -> dict[str, Any]:
    made = await api.call("createVMSchedule", virtualmachineid=machine["id"], action=action, **{**DAILY, **given})
    return made["vmschedule"]


async def change(server: Server, **values: int) -> None:
    for (row_id,) in await invariants.rows(server, "SELECT id FROM vm_schedule WHERE removed IS NULL"):
        await server.db.write(lambda tx, row_id=row_id: tx.update(schema.vm_schedule, {"id": row_id}, **values))


async def comes(server: Server, ago: int = 1000) -> None:
    """The next time of every schedule is now."""
    await change(server, due=server.clock.now() - ago)
    await server.periodic.run_now("vm-schedules")
    await invariants.rest(server)


async def state(api: Api, machine: dict[str, Any]) -> str:
    (found,) = (await api.call("listVirtualMachines", id=machine["id"]))["virtualmachine"]
    return str(found["state"])


async def jobs(server: Server) -> int:
    ((count,),) = await invariants.rows(server, "SELECT count(*) FROM job")
    return int(count)


@pytest.mark.parametrize(
    ("action", "before", "after"),
    [
        ("start", "Stopped", "Running"),
        ("stop", "Running", "Stopped"),
        ("force_stop", "Running", "Stopped"),
        ("reboot", "Running", "Running"),
        ("FORCE_REBOOT", "Running", "Running"),
    ],
)
async def test_it_is_done_when_its_time_comes_and_once(
    action: str, before: str, after: str, server: Server, api: Api
) -> None:
    machine = await api.deploy()
    if before == "Stopped":
        await api.job("stopVirtualMachine", id=machine["id"])
    made = await schedule(api, machine, action, description="nightly")
    assert (made["action"], made["enabled"], made["description"]) == (action.upper(), True, "nightly")
    count = await jobs(server)
    await server.periodic.run_now("vm-schedules")
    assert await jobs(server) == count
    await comes(server)
    assert await jobs(server) == count + 1
    assert await state(api, machine) == after
    await server.periodic.run_now("vm-schedules")
    assert await jobs(server) == count + 1
    type_ = f"VM.SCHEDULE.{action.upper().replace('_', '.')}"
    assert (await api.call("listEvents", type=type_))["count"] == 1


async def test_what_makes_no_sense_then_is_left_out(server: Server, api: Api) -> None:
    machine = await api.deploy()
    await schedule(api, machine, "START")
    count = await jobs(server)
    await comes(server)
    assert await jobs(server) == count
    (event,) = (await api.call("listEvents", type="VM.SCHEDULE.START"))["event"]
    assert event["level"] == "WARN"


async def test_what_was_missed_long_ago_is_left_out(server: Server, api: Api) -> None:
    machine = await api.deploy()
    await schedule(api, machine, "STOP")
    await comes(server, ago=2 * 3_600_000)
    assert await state(api, machine) == "Running"
    await comes(server, ago=600_000)
    assert await state(api, machine) == "Stopped"


async def test_disabled_ended_and_deleted_ones_do_nothing(server: Server, api: Api) -> None:
    machine = await api.deploy()
    made = await schedule(api, machine, "STOP", enabled=False)
    await comes(server)
    assert await state(api, machine) == "Running"
    changed = await api.call(
        "updateVMSchedule", id=made["id"], enabled=True, schedule="0 4 * * 1", timezone="asia/tokyo"
    )
    assert (changed["vmschedule"]["enabled"], changed["vmschedule"]["timezone"]) == (True, "Asia/Tokyo")
    await api.call("deleteVMSchedule", virtualmachineid=machine["id"], id=made["id"])
    await comes(server)
    assert await state(api, machine) == "Running"
    assert await api.call("listVMSchedule", virtualmachineid=machine["id"]) == {}


async def test_the_last_time_before_its_end(server: Server, api: Api) -> None:
    machine = await api.deploy()
    await schedule(api, machine, "STOP", schedule="0 0 1 1 *", enddate="2100-06-01")
    await change(server, end=server.clock.now() + 1)
    await comes(server)
    ((due,),) = await invariants.rows(server, "SELECT due FROM vm_schedule")
    assert due is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"schedule": "every day"},
        {"schedule": "* * * *"},
        {"timezone": "Nowhere/Never"},
        {"action": "explode"},
        {"startdate": "2001-01-01"},
        {"enddate": "2001-01-01"},
        {"startdate": "2090-01-02", "enddate": "2090-01-01"},
    ],
)
async def test_bad_input(wrong: dict[str, str], api: Api) -> None:
    machine = await api.deploy(startvm=False)
    given = {"action": "start", **DAILY, **wrong}
    assert (await refused(api, "createVMSchedule", virtualmachineid=machine["id"], **given))[0] == 431
    assert await api.call("listVMSchedule", virtualmachineid=machine["id"]) == {}
    made = await schedule(api, machine, "start")
    if "action" not in wrong:
        assert (await refused(api, "updateVMSchedule", id=made["id"], **wrong))[0] == 431
        assert (await api.call("listVMSchedule", virtualmachineid=machine["id"]))["vmschedule"] == [made]


async def test_whose_they_are(server: Server, api: Api, http: aiohttp.ClientSession) -> None:
    everything = (await role(api, "everything", "User", "*"))["id"]
    owner, other = [await person(api, http, name, roleid=everything) for name in ("owner", "other")]
    machine, foreign = await owner.deploy(), await other.deploy()
    made = await schedule(owner, machine, "stop")
    assert (await refused(other, "listVMSchedule", virtualmachineid=machine["id"]))[0] == 431
    assert (await refused(other, "updateVMSchedule", id=made["id"], enabled=False))[0] == 431
    assert (await refused(other, "deleteVMSchedule", virtualmachineid=foreign["id"], id=made["id"]))[0] == 431
    second = await schedule(other, foreign, "stop")
    assert (await refused(api, "deleteVMSchedule", virtualmachineid=machine["id"], id=second["id"]))[0] == 431
    await owner.job("destroyVirtualMachine", id=machine["id"])
    await comes(server)
    assert (await state(api, machine), await state(api, foreign)) == ("Destroyed", "Stopped")
