"""Policies that make snapshots of volumes: when, how many are kept, and what becomes of times that were missed."""

from __future__ import annotations

from typing import Any

import aiohttp
import invariants
import pytest
from apiclient import Api
from people import person, refused
from test_snapshots import disk_of, listed

from cloudsim.db import schema
from cloudsim.jobs import cron
from cloudsim.server import Server
from cloudsim.services.snapshot_policy import cron_of

HOURLY = {"intervaltype": "hourly", "schedule": "10", "timezone": "UTC", "maxsnaps": 2}


async def policy(api: Api, disk: dict[str, Any], **given: Any) -> dict[str, Any]:
    made = await api.call("createSnapshotPolicy", volumeid=disk["id"], **{**HOURLY, **given})
    return made["snapshotpolicy"]


async def policies(api: Api, **given: Any) -> list[dict[str, Any]]:
    return (await api.call("listSnapshotPolicies", **given)).get("snapshotpolicy", [])


async def comes(server: Server, ago: int = 1000) -> None:
    """The next time of every policy is now."""
    due = server.clock.now() - ago
    for (row_id,) in await invariants.rows(server, "SELECT id FROM snapshot_policy WHERE removed IS NULL"):
        await server.db.write(lambda tx, row_id=row_id: tx.update(schema.snapshot_policy, {"id": row_id}, due=due))
    await server.periodic.run_now("snapshot-policies")
    await invariants.rest(server)


async def due(server: Server) -> int:
    ((found,),) = await invariants.rows(server, "SELECT due FROM snapshot_policy WHERE removed IS NULL")
    return int(found)


async def test_one_is_made_when_the_time_comes_and_the_oldest_goes(server: Server, api: Api) -> None:
    disk = await disk_of(api, await api.deploy())
    made = await policy(api, disk, **{"tags[0].key": "by", "tags[0].value": "policy"})
    assert (made["intervaltype"], made["maxsnaps"], made["schedule"], made["fordisplay"]) == (0, 2, "10", True)
    assert (made["volumeid"], made["volumename"], made["tags"][0]["value"]) == (disk["id"], disk["name"], "policy")
    await server.periodic.run_now("snapshot-policies")
    assert await listed(api) == []
    seen = []
    for _ in range(3):
        await comes(server)
        seen.append((await listed(api))[-1]["id"])
    found = await listed(api, **{"tags[0].key": "by", "tags[0].value": "policy"})
    assert [one["id"] for one in found] == seen[1:]
    assert {(one["intervaltype"], one["snapshottype"], one["state"]) for one in found} == {
        ("HOURLY", "RECURRING", "BackedUp")
    }
    # those made by hand do not count
    await api.job("createSnapshot", volumeid=disk["id"])
    await comes(server)
    assert len(await listed(api, snapshottype="recurring")) == 2
    assert len(await listed(api, snapshottype="MANUAL")) == 1
    assert len(await listed(api, volumeid=disk["id"], intervaltype="hourly")) == 2
    assert await listed(api, volumeid=disk["id"], intervaltype="DAILY") == []
    await invariants.check(server)


async def test_what_was_missed_is_left_out_and_the_next_time_counts(server: Server, api: Api) -> None:
    disk = await disk_of(api, await api.deploy())
    await policy(api, disk)
    await comes(server, ago=2 * 3_600_000)
    assert await listed(api) == []
    at = await due(server)
    assert at > server.clock.now()
    assert at == cron.next_time("10 * * * *", "UTC", server.clock.now())


@pytest.mark.parametrize(
    ("interval", "schedule", "cron_text"),
    [
        ("HOURLY", "07", "7 * * * *"),
        ("DAILY", "30:04", "30 4 * * *"),
        ("WEEKLY", "0:23:1", "0 23 * * 0"),
        ("WEEKLY", "0:23:7", "0 23 * * 6"),
        ("MONTHLY", "59:0:28", "59 0 28 * *"),
    ],
)
async def test_the_form_of_schedules(interval: str, schedule: str, cron_text: str) -> None:
    assert cron_of(interval, schedule) == cron_text


async def test_the_time_zone_counts(server: Server, api: Api) -> None:
    disk = await disk_of(api, await api.deploy())
    made = await policy(api, disk, intervaltype="DAILY", schedule="15:02", timezone="asia/tokyo")
    assert (made["timezone"], made["intervaltype"]) == ("Asia/Tokyo", 1)
    assert await due(server) % 86_400_000 == (17 * 60 + 15) * 60_000


@pytest.mark.parametrize(
    "wrong",
    [
        {"schedule": "60"},
        {"schedule": "1:2"},
        {"schedule": "x"},
        {"intervaltype": "DAILY", "schedule": "0:24"},
        {"intervaltype": "WEEKLY", "schedule": "0:0:8"},
        {"intervaltype": "WEEKLY", "schedule": "0:0:0"},
        {"intervaltype": "MONTHLY", "schedule": "0:0:29"},
        {"intervaltype": "YEARLY"},
        {"timezone": "Nowhere/Never"},
        {"maxsnaps": 0},
        {"maxsnaps": 9},
        {"maxsnaps": ""},
        {"usestoragereplication": True},
        {"tags[0].key": "", "tags[0].value": "x"},
    ],
)
async def test_bad_input(wrong: dict[str, Any], api: Api) -> None:
    disk = await disk_of(api, await api.deploy(startvm=False))
    assert (await refused(api, "createSnapshotPolicy", volumeid=disk["id"], **{**HOURLY, **wrong}))[0] == 431
    assert await policies(api, volumeid=disk["id"]) == []


async def test_no_more_are_kept_than_the_account_may_have(api: Api, http: aiohttp.ClientSession) -> None:
    owner = await person(api, http, "owner")
    await api.call("updateConfiguration", name="max.account.snapshots", value=1)
    disk = await disk_of(owner, await owner.deploy())
    status, text = await refused(owner, "createSnapshotPolicy", volumeid=disk["id"], **HOURLY)
    assert (status, "may have 1 snapshots" in text) == (431, True)


async def test_one_for_each_interval_a_second_changes_it(api: Api) -> None:
    disk = await disk_of(api, await api.deploy())
    made = await policy(api, disk)
    again = await policy(api, disk, schedule="20", maxsnaps=1)
    assert (again["id"], again["schedule"], again["maxsnaps"]) == (made["id"], "20", 1)
    await policy(api, disk, intervaltype="MONTHLY", schedule="0:0:1")
    assert {one["intervaltype"] for one in await policies(api, volumeid=disk["id"])} == {0, 3}


async def test_hidden_renamed_deleted(server: Server, api: Api) -> None:
    disk = await disk_of(api, await api.deploy())
    made = await policy(api, disk)
    other = "11111111-2222-4333-8444-555555555555"
    changed = await api.job("updateSnapshotPolicy", id=made["id"], fordisplay=False, customid=other)
    assert (changed["snapshotpolicy"]["id"], changed["snapshotpolicy"]["fordisplay"]) == (other, False)
    assert await policies(api, fordisplay=True) == []
    assert [one["id"] for one in await policies(api, fordisplay=False)] == [other]
    assert (await refused(api, "updateSnapshotPolicy", fordisplay=True))[0] == 431
    assert (await refused(api, "deleteSnapshotPolicies"))[0] == 431
    await comes(server)
    await api.call("deleteSnapshotPolicies", id=other)
    await comes(server)
    assert await policies(api) == []
    assert len(await listed(api)) == 1
    types = {one["type"] for one in (await api.call("listEvents", keyword="snapshot polic"))["event"]}
    assert types >= {"SNAPSHOTPOLICY.CREATE", "SNAPSHOTPOLICY.UPDATE", "SNAPSHOTPOLICY.DELETE"}


async def test_they_go_with_the_volume(server: Server, api: Api) -> None:
    machine = await api.deploy()
    await policy(api, await disk_of(api, machine))
    await comes(server)
    await api.job("destroyVirtualMachine", id=machine["id"], expunge=True)
    assert await policies(api, listall=True) == []
    assert len(await listed(api)) == 1  # snapshots outlive their volume
    await invariants.check(server)


async def test_what_cannot_be_made_is_told(server: Server, api: Api) -> None:
    disk = await disk_of(api, await api.deploy(startvm=False))
    await policy(api, disk)
    await comes(server)
    assert await listed(api) == []
    (event,) = (await api.call("listEvents", type="SNAPSHOT.CREATE"))["event"]
    assert (event["level"], "made no snapshot" in event["description"]) == ("WARN", True)


async def test_whose_they_are(api: Api, http: aiohttp.ClientSession) -> None:
    owner, other = await person(api, http, "owner"), await person(api, http, "other")
    disk = await disk_of(owner, await owner.deploy())
    made = await policy(owner, disk)
    assert (await refused(other, "createSnapshotPolicy", volumeid=disk["id"], **HOURLY))[0] == 431
    assert (await refused(other, "deleteSnapshotPolicies", ids=made["id"]))[0] == 431
    assert (await refused(other, "updateSnapshotPolicy", id=made["id"], fordisplay=False))[0] == 431
    assert await policies(other, listall=True) == []
    assert [one["id"] for one in await policies(owner)] == [made["id"]]
    assert [one["id"] for one in await policies(api, listall=True)] == [made["id"]]
