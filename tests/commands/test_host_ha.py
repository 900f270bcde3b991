"""High availability of hosts: the states, the providers, and what an administrator says."""

from __future__ import annotations

from typing import Any

import aiohttp
import invariants
import pytest
from apiclient import Api
from people import person, refused
from test_out_of_band import GIVEN, act

from cloudsim.core import states
from cloudsim.core.reference import reference
from cloudsim.core.states import IllegalTransition
from cloudsim.server import Server

WELL = {"health": True, "activity": True, "recover": True, "fence": True}


async def guarded(api: Api, home: str | None = None) -> str:
    """A host that HA looks after."""
    home = home or (await api.call("listHosts", type="Routing"))["host"][0]["id"]
    await api.job("configureHAForHost", hostid=home, provider="simulatorhaprovider")
    await api.job("enableHAForHost", hostid=home)
    return home


async def of(api: Api, home: str) -> dict[str, Any]:
    ((row,),) = [(await api.call("listHostHAResources", hostid=home))["hostha"]]
    return row


async def go(server: Server, api: Api, home: str, *until: str, turns: int = 30) -> list[str]:
    """The states a host goes through until it is in one of `until`."""
    seen: list[str] = []
    for _ in range(turns):
        # what would take a second takes none
        await server.db.write(
            lambda tx: tx._change("UPDATE host_ha SET since = since - 60000, looked = looked - 60000", [])
        )
        await server.periodic.run_now("host-ha")
        state = (await of(api, home))["hastate"]
        if not seen or seen[-1] != state:
            seen.append(state)
        if state in until:
            return seen
    raise AssertionError(seen)


def test_the_states_are_total() -> None:
    """Every state and event: the next one as the contract has it, or a refusal by name."""
    known = {(state, event): after for state, event, after in reference("states")["host_ha"]}
    for state in states.host_ha.states:
        for event in states.host_ha.events:
            if (state, event) in known:
                assert states.host_ha.next(state, event) == known[state, event]
            else:
                with pytest.raises(IllegalTransition, match=event):
                    states.host_ha.next(state, event)


async def test_it_is_configured_then_enabled(server: Server, api: Api) -> None:
    home = (await api.call("listHosts", type="Routing"))["host"][0]["id"]
    assert await api.call("listHostHAResources") == {}
    for hypervisor, provider in (("KVM", "kvmhaprovider"), ("simulator", "simulatorhaprovider")):
        found = await api.call("listHostHAProviders", hypervisor=hypervisor)
        assert found == {"count": 1, "haprovider": [{"haprovider": provider}]}
    assert (await refused(api, "listHostHAProviders", hypervisor="Abacus"))[0] == 431
    assert (await refused(api, "enableHAForHost", hostid=home))[0] == 431
    assert (await refused(api, "configureHAForHost", hostid=home, provider="kvmhaprovider"))[0] == 431
    assert (await refused(api, "configureHAForHost", hostid=home, provider="none"))[0] == 431
    made = (await api.job("configureHAForHost", hostid=home, provider="SimulatorHAProvider"))["hostha"]
    shown = {"hostid": home, "haenable": False, "hastate": "Disabled", "haprovider": "simulatorhaprovider"}
    assert made == {**shown, "status": True}
    on = (await api.job("enableHAForHost", hostid=home))["hostha"]
    assert (on["haenable"], on["hastate"]) == (True, "Available")
    (row,) = (await api.call("listHosts", id=home))["host"]
    assert row["hostha"] == {"haenable": True, "hastate": "Available", "haprovider": "simulatorhaprovider"}
    assert await go(server, api, home, "Available") == ["Available"]
    for kind, place in (("Zone", {"zoneid": row["zoneid"]}), ("Cluster", {"clusterid": row["clusterid"]})):
        assert (await api.job(f"disableHAFor{kind}", **place)) == {"success": True}
        assert (await of(api, home))["hastate"] == "Disabled"
        assert await go(server, api, home, "Disabled") == ["Disabled"]
        assert (await api.job(f"enableHAFor{kind}", **place)) == {"success": True}
        assert (await of(api, home))["hastate"] == "Available"
    await api.job("prepareHostForMaintenance", id=home)
    assert await go(server, api, home, "Ineligible") == ["Ineligible"]
    await api.job("cancelHostMaintenance", id=home)
    assert await go(server, api, home, "Available") == ["Available"]
    off = (await api.job("disableHAForHost", hostid=home))["hostha"]
    assert (off["haenable"], off["hastate"]) == (False, "Disabled")


@pytest.mark.parametrize(
    ("said", "until", "states"),
    [
        ({}, "Available", ["Available"]),
        ({"health": False}, "Degraded", ["Suspect", "Degraded"]),
        ({"health": False, "activity": False}, "Recovered", ["Suspect", "Recovering", "Recovered"]),
        (
            {"health": False, "activity": False, "recover": False},
            "Fenced",
            ["Suspect", "Recovering", "Fencing", "Fenced"],
        ),
    ],
)
async def test_what_is_simulated_happens(
    server: Server, api: Api, said: dict[str, bool], until: str, states: list[str]
) -> None:
    home = await guarded(api)
    await api.call("configureSimulatorHAProviderState", hostid=home, **{**WELL, **said})
    assert await go(server, api, home, until) == states
    found = await api.call("listSimulatorHAStateTransitions", hostid=home)
    told = [row["hastate"] for row in reversed(found.get("hastatetransition", []))]
    assert [state for state in dict.fromkeys(told) if state != "Checking"] == (states if said else [])
    if until == "Fenced":
        (row,) = (await api.call("listHosts", id=home))["host"]
        assert (row["state"], row["resourcestate"]) == ("Down", "Maintenance")
        assert not next(one.up for one in server.simulator.hosts() if one.uuid == home)
        # the way back: power, and the end of the maintenance
        await api.call("configureOutOfBandManagement", hostid=home, **GIVEN)
        await api.job("enableOutOfBandManagementForHost", hostid=home)
        await act(api, home, "ON")
        await api.call("configureSimulatorHAProviderState", hostid=home, **WELL)
        assert await go(server, api, home, "Ineligible") == ["Ineligible"]
        await server.periodic.run_now("host-ping")
        await api.job("cancelHostMaintenance", id=home)
        assert await go(server, api, home, "Available") == ["Available"]
        (row,) = (await api.call("listHosts", id=home))["host"]
        assert (row["state"], row["resourcestate"]) == ("Up", "Enabled")
    await invariants.check(server)


async def test_a_degraded_host_is_looked_at_again(server: Server, api: Api) -> None:
    home = await guarded(api)
    await api.call("configureSimulatorHAProviderState", hostid=home, **{**WELL, "health": False})
    await go(server, api, home, "Degraded")
    assert await go(server, api, home, "Suspect") == ["Suspect"]
    await api.call("configureSimulatorHAProviderState", hostid=home, **WELL)
    assert await go(server, api, home, "Available") == ["Available"]


async def test_a_fence_that_fails_is_tried_again(server: Server, api: Api) -> None:
    home = await guarded(api)
    machine = await api.deploy(hostid=home)
    dead = {"health": False, "activity": False, "recover": False, "fence": False}
    await api.call("configureSimulatorHAProviderState", hostid=home, **dead)
    await go(server, api, home, "Fencing")
    for _ in range(3):
        assert await go(server, api, home, "Fencing") == ["Fencing"]
    rows = await invariants.rows(server, "SELECT fencing, status FROM host WHERE uuid = '" + home + "'")
    assert rows == [(0, "Up")]
    alerts = (await api.call("listAlerts"))["alert"]
    assert len([row for row in alerts if "could not fence" in row["description"]]) == 1
    (row,) = (await api.call("listVirtualMachines", id=machine["id"]))["virtualmachine"]
    assert row["state"] == "Running"
    await api.job("disableHAForHost", hostid=home)
    assert (await of(api, home))["hastate"] == "Disabled"
    await invariants.check(server)


async def test_a_dead_host_is_power_cycled_and_its_machines_come_back(server: Server, api: Api) -> None:
    home = await guarded(api)
    offering = await api.call(
        "createServiceOffering", name="ha", displaytext="ha", cpunumber=1, cpuspeed=100, memory=64, offerha=True
    )
    machine = await api.deploy(serviceofferingid=offering["serviceoffering"]["id"], hostid=home)
    server.simulator.set_host(home, False)
    server.simulator._world.db.execute("UPDATE hosts SET beat = beat - 120000")
    assert await go(server, api, home, "Recovered") == ["Suspect", "Recovering", "Recovered"]
    assert next(one.up for one in server.simulator.hosts() if one.uuid == home)
    await server.periodic.run_now("host-ping")
    await invariants.rest(server)
    (row,) = (await api.call("listVirtualMachines", id=machine["id"]))["virtualmachine"]
    assert row["state"] == "Running"
    assert await go(server, api, home, "Available") == ["Available"]
    await invariants.check(server)


async def test_who_may(api: Api, http: aiohttp.ClientSession) -> None:
    home = await guarded(api)
    someone = await person(api, http, "someone")
    assert (await refused(someone, "disableHAForHost", hostid=home))[0] == 432
    assert (await refused(someone, "listHostHAResources"))[0] == 432
