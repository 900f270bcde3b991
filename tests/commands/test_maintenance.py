"""Hosts and storage that shall rest, and machines that move for it."""

from __future__ import annotations

import asyncio
from typing import Any

from apiclient import Api
from people import refused
from test_system_vms import running

from cloudsim.server import Server


async def hosts(api: Api) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in (await api.call("listHosts", type="Routing"))["host"]}


async def settled(api: Api, **given: Any) -> list[dict[str, Any]]:
    for _ in range(500):
        rows = (await api.call("listVirtualMachines", listall=True, **given))["virtualmachine"]
        if all(row["state"] in ("Running", "Stopped") for row in rows):
            return rows
        await asyncio.sleep(0.02)
    raise AssertionError(rows)


async def test_a_host_is_emptied_before_it_rests(server: Server, api: Api) -> None:
    await server.periodic.run_now("system-vms")
    await running(api)
    machines = [await api.deploy() for _ in range(4)]
    home = machines[0]["hostid"]
    capacity = {row["type"]: row["capacityused"] for row in (await api.call("listCapacity"))["capacity"]}
    rested = (await api.job("prepareHostForMaintenance", id=home))["host"]
    assert rested["resourcestate"] == "Maintenance"
    for row in await settled(api):
        assert (row["state"], row["hostid"] != home) == ("Running", True)
    assert all(row["hostid"] != home for row in await running(api))
    at = {machine.name: machine.host for machine in server.simulator.machines() if machine.power == "PowerOn"}
    assert len(at) == 7
    assert home not in at.values()
    assert {row["type"]: row["capacityused"] for row in (await api.call("listCapacity"))["capacity"]} == capacity
    assert server.simulator.host_memory_used(home) == 0
    # nothing starts there, and what is known of the hosts stays true
    more = [await api.deploy() for _ in range(3)]
    assert home not in {row["hostid"] for row in more}
    await server.periodic.run_now("host-ping")
    await server.periodic.run_now("capacity")
    assert {row["state"] for row in await settled(api)} == {"Running"}
    assert (await refused(api, "prepareHostForMaintenance", id=home))[0] == 431
    back = (await api.job("cancelHostMaintenance", id=home))["host"]
    assert back["resourcestate"] == "Enabled"
    assert (await refused(api, "cancelHostMaintenance", id=home))[0] == 431
    await api.job("stopVirtualMachine", id=machines[0]["id"])
    await api.job("startVirtualMachine", id=machines[0]["id"], hostid=home)
    await api.job("prepareHostForMaintenance", id=home)
    await api.call("deleteHost", id=home)
    assert home not in await hosts(api)


async def test_a_host_that_cannot_be_emptied(server: Server, api: Api) -> None:
    machine = await api.deploy()
    home = machine["hostid"]
    rule = await api.call("configureSimulator", name="MigrateCommand", value="fail:no way", hostid=home)
    status, text = await refused(api, "prepareHostForMaintenance", id=home)
    assert (status, "could not leave" in text) == (530, True)
    assert (await hosts(api))[home]["resourcestate"] == "ErrorInMaintenance"
    (row,) = await settled(api)
    assert (row["state"], row["hostid"]) == ("Running", home)
    await api.job("cancelHostMaintenance", id=home)
    await api.call("cleanupSimulatorMock", id=rule["simulatormock"]["id"])
    # the answer is lost, the machine has moved: found where it is
    rule = await api.call("configureSimulator", name="MigrateCommand", value="lose", hostid=home, count=10)
    await api.job("prepareHostForMaintenance", id=home)
    (row,) = await settled(api)
    assert (row["state"], row["hostid"] != home) == ("Running", True)
    await server.periodic.run_now("host-ping")
    await asyncio.sleep(0.1)
    assert (await settled(api))[0]["state"] == "Running"


async def test_a_broken_host(server: Server, api: Api) -> None:
    offering = await api.call(
        "createServiceOffering", name="ha", displaytext="ha", cpunumber=1, cpuspeed=100, memory=64, offerha=True
    )
    first = await api.deploy(serviceofferingid=offering["serviceoffering"]["id"])
    home = first["hostid"]
    second = await api.deploy(hostid=home)
    assert (await refused(api, "declareHostAsDegraded", id=home))[0] == 431
    server.simulator.set_host(home, False)
    await api.call("updateConfiguration", name="ping.interval", value="1")
    for _ in range(400):
        await server.periodic.run_now("host-ping")
        if (await hosts(api))[home]["state"] == "Alert":
            break
        await asyncio.sleep(0.05)
    assert (await hosts(api))[home]["state"] == "Alert"
    assert (await refused(api, "prepareHostForMaintenance", id=home))[0] == 431
    broken = (await api.job("declareHostAsDegraded", id=home))["host"]
    assert broken["resourcestate"] == "Degraded"
    rows = {row["id"]: row for row in await settled(api)}
    for _ in range(300):
        rows = {row["id"]: row for row in await settled(api)}
        if rows[first["id"]]["state"] == "Running":
            break
        await asyncio.sleep(0.02)
    assert (rows[first["id"]]["state"], rows[first["id"]]["hostid"] != home) == ("Running", True)
    assert rows[second["id"]]["state"] == "Stopped"
    await api.job("startVirtualMachine", id=second["id"])
    assert (await api.job("cancelHostAsDegraded", id=home))["host"]["resourcestate"] == "Enabled"
    assert (await refused(api, "cancelHostAsDegraded", id=home))[0] == 431


async def test_storage_rests(api: Api) -> None:
    machine = await api.deploy()
    stopped = await api.deploy(startvm=False)
    (volume,) = (await api.call("listVolumes", virtualmachineid=machine["id"]))["volume"]
    pool = volume["storageid"]
    rested = (await api.job("enableStorageMaintenance", id=pool))["storagepool"]
    assert rested["state"] == "Maintenance"
    rows = {row["id"]: row["state"] for row in await settled(api)}
    assert set(rows.values()) == {"Stopped"}
    assert (await refused(api, "startVirtualMachine", id=machine["id"]))[0] == 533
    assert (await refused(api, "enableStorageMaintenance", id=pool))[0] == 431
    assert (await refused(api, "deleteStoragePool", id=pool))[0] == 536
    back = (await api.job("cancelStorageMaintenance", id=pool))["storagepool"]
    assert back["state"] == "Up"
    rows = {row["id"]: row["state"] for row in await settled(api)}
    assert rows == {machine["id"]: "Running", stopped["id"]: "Stopped"}
    assert (await refused(api, "cancelStorageMaintenance", id=pool))[0] == 431
    assert (await refused(api, "syncStoragePool", id=pool))[0] == 431


async def test_moving_a_system_vm(server: Server, api: Api) -> None:
    await server.periodic.run_now("system-vms")
    proxy = (await running(api))[0]
    cluster = {row["clusterid"] for row in (await hosts(api)).values() if row["id"] == proxy["hostid"]}
    others = [
        row["id"] for row in (await hosts(api)).values() if row["clusterid"] in cluster and row["id"] != proxy["hostid"]
    ]
    moved = (await api.job("migrateSystemVm", virtualmachineid=proxy["id"], hostid=others[0]))["systemvm"]
    assert (moved["state"], moved["hostid"], moved["publicip"]) == ("Running", others[0], proxy["publicip"])
    anywhere = (await api.job("migrateSystemVm", virtualmachineid=proxy["id"], autoselect=True))["systemvm"]
    assert anywhere["hostid"] != others[0]
    assert (await refused(api, "migrateSystemVm", virtualmachineid=proxy["id"]))[0] == 431
    assert (await refused(api, "migrateSystemVm", virtualmachineid=proxy["id"], hostid=anywhere["hostid"]))[0] == 431
    offering = (await api.call("listServiceOfferings", issystem=True, systemvmtype=proxy["systemvmtype"]))[
        "serviceoffering"
    ][0]
    assert (await refused(api, "scaleSystemVm", id=proxy["id"], serviceofferingid=offering["id"]))[0] == 431
    await api.job("stopSystemVm", id=proxy["id"])
    assert (await api.job("scaleSystemVm", id=proxy["id"], serviceofferingid=offering["id"]))["systemvm"]
