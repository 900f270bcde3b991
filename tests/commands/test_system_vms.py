"""System virtual machines: made when a zone is enabled, looked after, and what admins do with them."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import Any

import aiohttp
from apiclient import Api
from people import person, refused

from cloudsim.server import Server


async def running(api: Api, number: int = 2, **given: Any) -> list[dict[str, Any]]:
    for _ in range(500):
        found = (await api.call("listSystemVms", state="Running", **given)).get("systemvm", [])
        if len(found) == number:
            return found
        await asyncio.sleep(0.02)
    raise AssertionError(await api.call("listSystemVms"))


async def test_an_enabled_zone_has_them(server: Server, api: Api, http: aiohttp.ClientSession) -> None:
    private = (await api.call("listCapacity", type=5))["capacity"][0]["capacityused"]
    public = (await api.call("listCapacity", type=4))["capacity"][0]["capacityused"]
    memory = (await api.call("listCapacity", type=0))["capacity"][0]["capacityused"]
    assert await api.call("listSystemVms") == {}
    await server.periodic.run_now("system-vms")
    await server.periodic.run_now("system-vms")
    machines = await running(api)
    assert {row["systemvmtype"] for row in machines} == {"consoleproxy", "secondarystoragevm"}
    for kind, number in (("publicip", 2), ("privateip", 2), ("linklocalip", 2), ("publicmacaddress", 2)):
        assert len({row[kind] for row in machines}) == number
    for row in machines:
        assert (row["agentstate"], row["hostcontrolstate"], row["hypervisor"]) == ("Up", "Enabled", "Simulator")
    assert (await api.call("listCapacity", type=5))["capacity"][0]["capacityused"] == private + 2
    assert (await api.call("listCapacity", type=4))["capacity"][0]["capacityused"] == public + 2
    assert (await api.call("listCapacity", type=0))["capacity"][0]["capacityused"] == memory + (1024 + 512) * 2**20
    # they are nobody's machines
    assert await api.call("listVirtualMachines", listall=True) == {}
    assert await api.call("listVolumes", listall=True) == {}
    assert (await api.call("listVolumes", listall=True, listsystemvms=True))["count"] == 2
    (root,) = (await api.call("listDomains", level=0))["domain"]
    assert (root["vmtotal"], root["volumetotal"]) == (0, 0)
    for command in ("stopVirtualMachine", "destroyVirtualMachine", "updateVirtualMachine"):
        assert (await refused(api, command, id=machines[0]["id"], displayname="x"))[0] == 431
    machine = await api.deploy()
    assert (await refused(api, "stopSystemVm", id=machine["id"]))[0] == 431
    user = await person(api, http, "user")
    assert (await refused(user, "listSystemVms"))[0] == 432
    (found,) = (await api.call("listSystemVms", systemvmtype="consoleproxy"))["systemvm"]
    assert found["name"].startswith("v-")
    assert (
        await api.call("listSystemVms", hostid=(await api.call("listHosts", type="Routing"))["host"][0]["id"])
        is not None
    )


async def test_what_admins_do_with_them(server: Server, api: Api) -> None:
    await server.periodic.run_now("system-vms")
    proxy, storage = sorted(await running(api), key=lambda row: row["systemvmtype"])
    stopped = (await api.job("stopSystemVm", id=proxy["id"]))["systemvm"]
    assert stopped["state"] == "Stopped"
    assert "publicip" not in stopped
    offering = await api.call(
        "createServiceOffering", name="big", displaytext="big", cpunumber=1, cpuspeed=500, memory=2048,
        issystem=True, systemvmtype="consoleproxy",
    )  # fmt: skip
    big = offering["serviceoffering"]["id"]
    assert (await refused(api, "changeServiceForSystemVm", id=storage["id"], serviceofferingid=big))[0] == 431
    changed = (await api.call("changeServiceForSystemVm", id=proxy["id"], serviceofferingid=big))["systemvm"]
    assert changed["serviceofferingname"] == "big"
    started = (await api.job("startSystemVm", id=proxy["id"]))["systemvm"]
    assert (started["state"], started["name"]) == ("Running", proxy["name"])
    assert (await refused(api, "startSystemVm", id=proxy["id"]))[0] == 431
    assert (await refused(api, "changeServiceForSystemVm", id=proxy["id"], serviceofferingid=big))[0] == 431
    for forced in (False, True):
        assert (await api.job("rebootSystemVm", id=proxy["id"], forced=forced))["systemvm"]["state"] == "Running"
    await api.job("destroySystemVm", id=proxy["id"])
    await server.periodic.run_now("system-vms")
    anew = [row for row in await running(api) if row["systemvmtype"] == "consoleproxy"]
    assert anew[0]["id"] != proxy["id"]
    with sqlite3.connect(server.config.data_dir / "cloudsim.db") as connection:
        held = "SELECT count(*) FROM public_ip WHERE is_system"
        cards = "SELECT count(*) FROM system_nic WHERE removed IS NULL"
        assert (connection.execute(held).fetchone(), connection.execute(cards).fetchone()) == ((2,), (6,))


async def test_what_stands_still_is_started_and_what_failed_made_anew(server: Server, api: Api) -> None:
    await server.periodic.run_now("system-vms")
    proxy, _ = sorted(await running(api), key=lambda row: row["systemvmtype"])
    await api.job("stopSystemVm", id=proxy["id"], forced=True)
    await server.periodic.run_now("system-vms")
    assert proxy["id"] in {row["id"] for row in await running(api)}
    await api.job("destroySystemVm", id=proxy["id"])
    rule = await api.call("configureSimulator", name="StartCommand", value="fail:no way")
    await server.periodic.run_now("system-vms")
    for _ in range(500):
        states = {row["state"] for row in (await api.call("listSystemVms", systemvmtype="consoleproxy"))["systemvm"]}
        if states == {"Error"}:
            break
        await asyncio.sleep(0.02)
    assert states == {"Error"}
    await api.call("cleanupSimulatorMock", id=rule["simulatormock"]["id"])
    for _ in range(200):
        await server.periodic.run_now("system-vms")
        found = (await api.call("listSystemVms", systemvmtype="consoleproxy")).get("systemvm", [])
        if [row["state"] for row in found] == ["Running"]:
            break
        await asyncio.sleep(0.02)
    assert [row["state"] for row in found] == ["Running"]


async def test_a_disabled_zone_gets_none(server: Server, api: Api) -> None:
    await api.call("updateZone", id=(await api.places())["zoneid"], allocationstate="Disabled")
    await server.periodic.run_now("system-vms")
    await asyncio.sleep(0.1)
    assert await api.call("listSystemVms") == {}
