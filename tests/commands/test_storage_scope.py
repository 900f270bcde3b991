"""What primary storage serves; tags of hosts and storage; who keeps storage."""

from __future__ import annotations

from typing import Any

from apiclient import Api
from invariants import check
from people import refused

from cloudsim.server import Server


async def pools(api: Api, **given: Any) -> list[dict[str, Any]]:
    return (await api.call("listStoragePools", **given))["storagepool"]


async def test_storage_changes_its_scope(api: Api, server: Server) -> None:
    (one, two), clusters = await pools(api), (await api.call("listClusters"))["cluster"]
    change = {"id": one["id"], "scope": "cluster", "clusterid": clusters[0]["id"]}
    assert (await refused(api, "changeStoragePoolScope", **change))[0] == 530
    await api.call("updateStoragePool", id=one["id"], tags="one")
    offering = (await api.call("createDiskOffering", name="d", displaytext="d", disksize=1, tags="one"))[
        "diskoffering"
    ]["id"]
    hosts = {row["clusterid"]: row["id"] for row in (await api.call("listHosts", type="Routing"))["host"]}
    near, far = [await api.deploy(diskofferingid=offering, hostid=hosts[row["id"]]) for row in clusters]
    await api.call("updateStoragePool", id=one["id"], enabled=False)
    for wrong in ({"scope": "region"}, {"scope": "zone"}, {"clusterid": None}, {"clusterid": "x"}):
        assert (await refused(api, "changeStoragePoolScope", **{**change, **wrong}))[0] == 431, wrong
    asked = {"storageid": one["id"], "clusterid": clusters[0]["id"]}
    (affected,) = (await api.call("listAffectedVmsForStorageScopeChange", **asked))["virtualmachine"]
    assert (affected["id"], affected["hostid"], affected["clusterid"]) == (far["id"], far["hostid"], clusters[1]["id"])
    assert near["id"] != affected["id"]
    assert await api.call("listAffectedVmsForStorageScopeChange", **asked, keyword="none such") == {}
    assert (await refused(api, "changeStoragePoolScope", **change))[0] == 536
    await api.job("stopVirtualMachine", id=far["id"])
    await api.job("changeStoragePoolScope", **change)
    (now,) = await pools(api, id=one["id"])
    assert (now["scope"], now["clusterid"]) == ("CLUSTER", clusters[0]["id"])
    assert (await refused(api, "changeStoragePoolScope", **change))[0] == 431
    # what lies there cannot be reached from elsewhere now
    await api.call("updateStoragePool", id=one["id"], enabled=True)
    assert (await refused(api, "startVirtualMachine", id=far["id"], hostid=far["hostid"]))[0] == 533
    await api.call("updateStoragePool", id=one["id"], enabled=False)
    await api.job("changeStoragePoolScope", id=one["id"], scope="ZONE")
    assert "clusterid" not in (await pools(api, id=one["id"]))[0]
    await api.call("updateStoragePool", id=one["id"], enabled=True)
    await api.job("startVirtualMachine", id=far["id"], hostid=far["hostid"])
    await check(server)
    assert two["id"] != one["id"]


async def test_what_storage_can_do_is_asked_of_vmware_only(api: Api) -> None:
    assert (await refused(api, "updateStorageCapabilities", id=(await pools(api))[0]["id"]))[0] == 530


async def test_who_keeps_storage(api: Api) -> None:
    for kind, names in (("primary", ["DefaultPrimary"]), ("image", ["NFS", "SMB", "S3", "Swift"]), ("object", [])):
        found = (await api.call("listStorageProviders", type=kind)).get("dataStoreProvider", [])
        assert [row["name"] for row in found] == names
    assert (await refused(api, "listStorageProviders", type="shoe"))[0] == 431


async def test_changes_of_tags_hold_with_the_next_machine(api: Api) -> None:
    hosts = (await api.call("listHosts", type="Routing"))["host"]
    (one, two) = await pools(api)
    given = {
        "name": "o",
        "displaytext": "o",
        "cpunumber": 1,
        "cpuspeed": 500,
        "memory": 256,
        "hosttags": "gold",
        "tags": "fast",
    }
    offering = (await api.call("createServiceOffering", **given))["serviceoffering"]["id"]
    basics = {**await api.basics(), "serviceofferingid": offering}
    status, text = await refused(api, "deployVirtualMachine", **basics)
    assert (status, "gold" in text) == (533, True)
    for host, pool in ((hosts[0], one), (hosts[3], two)):
        await api.call("updateHost", id=host["id"], hosttags="gold")
        await api.call("updateStoragePool", id=pool["id"], tags="fast")
        machine = await api.deploy(serviceofferingid=offering)
        (root,) = (await api.call("listVolumes", virtualmachineid=machine["id"]))["volume"]
        assert (machine["hostid"], root["storageid"]) == (host["id"], pool["id"])
        await api.call("updateHost", id=host["id"], hosttags="silver")
        await api.call("updateStoragePool", id=pool["id"], tags="slow")
    assert (await refused(api, "deployVirtualMachine", **basics))[0] == 533
    assert {row["name"] for row in (await api.call("listHostTags"))["hosttag"]} == {"silver"}
