"""Service, disk and network offerings over the wire."""

from __future__ import annotations

from typing import Any

import pytest
from apiclient import Api, Refused

COMPUTE = {"name": "mine", "displaytext": "Mine", "cpunumber": 2, "cpuspeed": 200, "memory": 256}


async def refused(api: Api, command: str, **given: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        await api.call(command, **given)
    return caught.value


async def test_a_service_offering_is_made_used_changed_and_deleted(api: Api) -> None:
    made = (await api.call("createServiceOffering", **COMPUTE, rootdisksize=7, offerha=True))["serviceoffering"]
    assert (made["cpunumber"], made["memory"], made["rootdisksize"], made["offerha"]) == (2, 256, 7, True)
    machine = await api.deploy(serviceofferingid=made["id"])
    assert (machine["cpunumber"], machine["memory"]) == (2, 256)
    (volume,) = (await api.call("listVolumes", virtualmachineid=machine["id"]))["volume"]
    assert volume["size"] == 7 * 2**30
    changed = (await api.call("updateServiceOffering", id=made["id"], name="renamed", state="Inactive"))[
        "serviceoffering"
    ]
    assert (changed["name"], changed["state"]) == ("renamed", "Inactive")
    assert await api.call("listServiceOfferings", name="renamed") == {}
    assert (await api.call("listServiceOfferings", name="renamed", state="all"))["count"] == 1
    assert await api.call("deleteServiceOffering", id=made["id"]) == {"success": True}
    assert await api.call("listServiceOfferings", id=made["id"]) == {}
    (machine,) = (await api.call("listVirtualMachines", id=machine["id"]))["virtualmachine"]
    assert machine["serviceofferingname"] == "renamed"


async def test_a_custom_offering_holds_its_bounds(api: Api) -> None:
    bounds = {"mincpunumber": 1, "maxcpunumber": 2, "minmemory": 128, "maxmemory": 256, "cpuspeed": 100}
    made = await api.call("createServiceOffering", name="custom", displaytext="c", customized=True, **bounds)
    offering = made["serviceoffering"]
    assert offering["iscustomized"] is True
    given = {"details[0].cpuNumber": 2, "details[0].memory": 256}
    machine = await api.deploy(serviceofferingid=offering["id"], **given)
    assert (machine["cpunumber"], machine["memory"], machine["cpuspeed"]) == (2, 256, 100)
    found = await api.call("listServiceOfferings", cpunumber=2, memory=200)
    assert offering["id"] in {row["id"] for row in found["serviceoffering"]}
    found = await api.call("listServiceOfferings", cpunumber=3, keyword="custom")
    assert found == {}


@pytest.mark.parametrize(
    "given",
    [
        {"memory": None},
        {"memory": 16},
        {"cpunumber": 0},
        {"networkrate": -1},
        {"issystem": True},
        {"systemvmtype": "domainrouter"},
        {"mincpunumber": 1},
        {"customized": True},
        {"diskofferingstrictness": True},
        {"gpucount": 1},
        {"miniops": 5},
        {"bytesreadrate": 10, "bytesreadratemax": 5},
        {"storagetype": "cloud"},
        {"deploymentplanner": "NoSuchPlanner"},
    ],
)
async def test_a_service_offering_that_cannot_be(api: Api, given: dict[str, Any]) -> None:
    before = (await api.call("listServiceOfferings"))["count"]
    values = {**COMPUTE, **given}
    error = await refused(api, "createServiceOffering", **{key: one for key, one in values.items() if one is not None})
    if "memory" in given and given["memory"] is None:
        return  # a custom offering without bounds cannot have a fixed number of CPUs
    assert error.status == 431
    assert (await api.call("listServiceOfferings"))["count"] == before


async def test_system_offerings_are_listed_apart_and_stay(api: Api) -> None:
    found = (await api.call("listServiceOfferings", issystem=True, systemvmtype="domainrouter"))["serviceoffering"]
    assert all(row["issystem"] for row in found)
    assert (await refused(api, "deleteServiceOffering", id=found[0]["id"])).status == 431


async def test_disk_offerings(api: Api) -> None:
    made = (await api.call("createDiskOffering", name="d", displaytext="d", disksize=3, tags="fast"))["diskoffering"]
    assert (made["disksize"], made["tags"]) == (3, "fast")
    pool = (await api.call("listStoragePools"))["storagepool"][0]
    fit = (await api.call("listDiskOfferings", storageid=pool["id"]))["diskoffering"]
    assert made["id"] not in {row["id"] for row in fit}
    await api.call("updateDiskOffering", id=made["id"], tags="", displaytext="no tags")
    fit = (await api.call("listDiskOfferings", storageid=pool["id"]))["diskoffering"]
    assert made["id"] in {row["id"] for row in fit}
    assert (await refused(api, "createDiskOffering", name="x", displaytext="x")).status == 431
    assert (
        await refused(api, "createDiskOffering", name="x", displaytext="x", disksize=1, customized=True)
    ).status == 431
    assert await api.call("deleteDiskOffering", id=made["id"]) == {"success": True}
    assert (await refused(api, "deleteDiskOffering", id=made["id"])).status == 431


async def test_a_network_offering_in_use_stays(api: Api) -> None:
    given = {"guestiptype": "Isolated", "traffictype": "Guest", "supportedservices": "Dhcp,Dns,SourceNat"}
    made = (await api.call("createNetworkOffering", name="n", displaytext="n", **given))["networkoffering"]
    assert made["state"] == "Disabled"
    assert {service["name"] for service in made["service"]} == {"Dhcp", "Dns", "SourceNat"}
    zone = (await api.call("listZones"))["zone"][0]["id"]
    wanted = {"name": "net", "zoneid": zone, "networkofferingid": made["id"]}
    assert (await refused(api, "createNetwork", **wanted)).status == 431
    await api.call("updateNetworkOffering", id=made["id"], state="Enabled")
    network = (await api.call("createNetwork", **wanted))["network"]
    assert (await refused(api, "deleteNetworkOffering", id=made["id"])).status == 536
    await api.job("deleteNetwork", id=network["id"])
    assert await api.call("deleteNetworkOffering", id=made["id"]) == {"success": True}
    assert (
        await refused(api, "createNetworkOffering", name="o", **{**given, "supportedservices": "Magic"})
    ).status == 431
