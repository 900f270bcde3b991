"""The two states of a host: every pair of state and event does what the table says, or is refused."""

from __future__ import annotations

import asyncio
from typing import Any

import invariants
import pytest
from apiclient import Api, Refused
from people import person, refused

from cloudsim.core import states
from cloudsim.core.states import IllegalTransition, Machine
from cloudsim.server import Server
from cloudsim.services import host as hosts
from cloudsim.services.host import Report

RESOURCE = "Enabled Disabled PrepareForMaintenance Maintenance ErrorInPrepareForMaintenance ErrorInMaintenance Degraded"
#: What an administrator can ask for: the event, and the call that means it.
ASKED: dict[str, tuple[str, dict[str, Any]]] = {
    "Enable": ("updateHost", {"allocationstate": "Enable"}),
    "Disable": ("updateHost", {"allocationstate": "Disable"}),
    "AdminAskMaintenance": ("prepareHostForMaintenance", {}),
    "AdminCancelMaintenance": ("cancelHostMaintenance", {}),
    "DeclareHostDegraded": ("declareHostAsDegraded", {}),
    "EnableDegradedHost": ("cancelHostAsDegraded", {}),
    "DeleteHost": ("deleteHost", {"forced": True}),
}


async def added(api: Api, **given: Any) -> dict[str, Any]:
    made = await api.call("addHost", **await api.places(), hypervisor="Simulator", url="http://sim/c/h", **given)
    return made["host"][0]


async def put(server: Server, uuid: str, **values: Any) -> None:
    from cloudsim.db import schema

    await server.db.write(lambda tx: tx.update(schema.host, {"uuid": uuid}, **values))


async def row(server: Server, uuid: str) -> tuple[str, str, bool]:
    sql = f"SELECT status, resource_state, removed IS NOT NULL FROM host WHERE uuid = '{uuid}'"
    ((status, state, removed),) = await invariants.rows(server, sql)
    return status, state, bool(removed)


@pytest.mark.parametrize("machine", [states.host_status, states.host_resourcestate], ids=lambda one: one.kind)
def test_every_pair_is_defined_or_refused_by_name(machine: Machine) -> None:
    refusals = 0
    for state in (None, *machine.states):
        for event in machine.events:
            if machine.can(state, event):
                assert machine.next(state, event) in machine.states
            else:
                refusals += 1
                with pytest.raises(IllegalTransition) as caught:
                    machine.next(state, event)
                assert (caught.value.errorcode, caught.value.cserrorcode) == (431, 4350)
                assert str(state) in caught.value.message
                assert event in caught.value.message
    assert refusals > 50


@pytest.mark.parametrize("event", ASKED)
async def test_what_is_asked_in_each_resource_state(server: Server, api: Api, event: str) -> None:
    command, given = ASKED[event]
    for state in RESOURCE.split():
        host = (await added(api))["id"]
        status = "Alert" if event == "DeclareHostDegraded" else "Up"
        await put(server, host, resource_state=state, status=status)
        if not states.host_resourcestate.can(state, event):
            assert (await refused(api, command, id=host, **given))[0] == 431, (state, event)
            assert await row(server, host) == (status, state, False)
            continue
        answer = await api.call(command, id=host, **given)
        if "jobid" in answer:
            assert (await api.wait(answer["jobid"]))["jobstatus"] == 1, (state, event)
        after = states.host_resourcestate.next(state, event)
        if after == "PrepareForMaintenance":
            after = "Maintenance"  # nothing runs there, so that it is empty at once
        if event == "DeclareHostDegraded":
            status = "Down"  # its neighbours see nothing of it, and cut its power
        gone = event == "DeleteHost"
        assert await row(server, host) == ("Removed" if gone else status, after, gone), (state, event)


@pytest.mark.parametrize("status", ["Up", "Connecting", "Disconnected", "Alert", "Down", "Rebalancing"])
async def test_what_pings_mean_in_each_status(server: Server, api: Api, status: str) -> None:
    host = (await added(api))["id"]
    ((host_id,),) = await invariants.rows(server, f"SELECT id FROM host WHERE uuid = '{host}'")
    now = server.clock.now()
    admin = server._admin
    caller = await server.db.read(admin)
    silence = Report(host_id, host, now, None, why="nothing")

    async def after(report: Report, **values: Any) -> str:
        await put(server, host, status=status, **values)
        await hosts.take(server.cloud, caller, [report])
        return (await row(server, host))[0]

    # silent, but not for long
    assert await after(silence, last_ping=now - 1000, disconnected=now - 1000) == status
    # for longer than it may be
    event = "WaitedTooLong" if status == "Disconnected" else "PingTimeout"
    long_ago = now - 10_000_000
    expected = states.host_status.next(status, event) if states.host_status.can(status, event) else status
    assert await after(silence, last_ping=long_ago, disconnected=long_ago) == expected
    # it answers again
    answer = Report(host_id, host, now, {}, {"cpu": 1.0})
    assert await after(answer, last_ping=long_ago, disconnected=long_ago) == "Up"
    # removing it
    await put(server, host, status=status)
    if states.host_status.can(status, "Remove"):
        await api.call("deleteHost", id=host, forced=True)
        assert (await row(server, host))[::2] == ("Removed", True)
    else:
        assert (await refused(api, "deleteHost", id=host, forced=True))[0] == 431


async def test_a_disconnected_host_waits_before_it_is_an_alert(server: Server, api: Api) -> None:
    host = (await added(api))["id"]
    server.simulator.set_network(host, False)
    assert (await refused(api, "reconnectHost", id=host))[0] == 530
    assert (await row(server, host))[0] == "Disconnected"
    await api.call("updateConfiguration", name="ping.interval", value="0")
    await server.periodic.run_now("host-ping")
    assert (await row(server, host))[0] == "Disconnected"
    before = (await api.call("listAlerts")).get("count", 0)
    await api.call("updateConfiguration", name="alert.wait", value="0")
    for _ in range(2):
        await server.periodic.run_now("host-ping")
        assert (await row(server, host))[0] == "Alert"
        assert (await api.call("listAlerts", type=7))["count"] == before + 1
    listed = (await api.call("listHosts", id=host))["host"][0]
    assert (listed["state"], "disconnected" in listed, "managementserverid" in listed) == ("Alert", True, False)
    server.simulator.set_network(host, True)
    await server.periodic.run_now("host-ping")
    listed = (await api.call("listHosts", id=host))["host"][0]
    assert (listed["state"], "disconnected" in listed) == ("Up", False)
    assert (await api.call("listAlerts", type=7))["count"] == before + 2
    assert (await api.job("reconnectHost", id=host))["host"]["state"] == "Up"


async def test_maintenance_is_cancelled_while_machines_leave(server: Server, api: Api) -> None:
    machine = await api.deploy()
    home = machine["hostid"]
    rule = await api.call("configureSimulator", name="MigrateCommand", value="wait:3000", hostid=home)
    started = await api.call("prepareHostForMaintenance", id=home)
    for _ in range(200):
        if (await row(server, home))[1] == "PrepareForMaintenance":
            break
        await asyncio.sleep(0.01)
    assert (await refused(api, "updateHost", id=home, allocationstate="Disable"))[0] == 431
    assert (await refused(api, "prepareHostForMaintenance", id=home))[0] == 431
    assert (await refused(api, "deleteHost", id=home, forced=True))[0] == 431
    assert (await api.job("cancelHostMaintenance", id=home))["host"]["resourcestate"] == "Enabled"
    ended = await api.wait(started["jobid"])
    assert (ended["jobstatus"], "cancelled" in ended["jobresult"]["errortext"]) == (2, True)
    assert (await row(server, home))[1] == "Enabled"
    await api.call("cleanupSimulatorMock", id=rule["simulatormock"]["id"])
    await invariants.check(server)


async def test_one_machine_that_cannot_leave_is_told_before_the_others_have_left(server: Server, api: Api) -> None:
    first = await api.deploy()
    home = first["hostid"]
    await api.deploy(hostid=home)
    await api.call("configureSimulator", name="MigrateCommand", value="fail:no way", hostid=home, count=1)
    await api.call("configureSimulator", name="MigrateCommand", value="wait:1000", zoneid=first["zoneid"])
    started = await api.call("prepareHostForMaintenance", id=home)
    seen = set()
    while (await api.call("queryAsyncJobResult", jobid=started["jobid"]))["jobstatus"] == 0:
        seen.add((await row(server, home))[1])
        await asyncio.sleep(0.01)
    assert (await row(server, home))[1] == "ErrorInMaintenance"
    # asked again it goes on with what is left
    assert (await api.job("prepareHostForMaintenance", id=home))["host"]["resourcestate"] == "Maintenance"
    assert "ErrorInPrepareForMaintenance" in seen
    await invariants.check(server)


async def test_only_root_admins_change_hosts(api: Api, http: Any) -> None:
    user = await person(api, http, "someone")
    host = (await added(api))["id"]
    for command, given in ASKED.values():
        with pytest.raises(Refused) as caught:
            await user.call(command, id=host, **given)
        assert caught.value.status == 432
        assert (await refused(api, command, id="2d0ea6b5-0000-4000-8000-000000000000", **given))[0] == 431
