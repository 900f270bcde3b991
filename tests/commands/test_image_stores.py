"""Secondary storage: adding, changing, choosing, moving, browsing and removing it."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest
from apiclient import Api
from invariants import check, rows
from people import person, refused

from cloudsim.server import Server

S3 = {"accesskey": "a", "secretkey": "very secret", "bucket": "b", "endpoint": "s3.example.com"}


async def stores(api: Api, **given: Any) -> list[dict[str, Any]]:
    return (await api.call("listImageStores", **given)).get("imagestore", [])


async def second(api: Api, path: str = "two") -> dict[str, Any]:
    zone = (await api.places())["zoneid"]
    return (await api.call("addImageStore", provider="NFS", url=f"nfs://s/{path}", zoneid=zone))["imagestore"]


async def lying(server: Server) -> dict[str, int]:
    """How many templates lie on each store, by the store's name."""
    found = await rows(
        server,
        "SELECT s.name, count(*) FROM template_zone p JOIN image_store s ON p.store_id = s.id GROUP BY s.name",
    )
    return dict(found)


async def test_a_store_is_changed(api: Api, server: Server) -> None:
    (first,) = await stores(api)
    assert "disksizetotal" not in first
    changed = (await api.call("updateImageStore", id=first["id"], name="one", readonly=True, capacitybytes=10**12))[
        "imagestore"
    ]
    assert (changed["name"], changed["readonly"], changed["disksizetotal"]) == ("one", True, 10**12)
    assert changed["disksizeused"] == 2 * 2 * 2**30
    assert await stores(api, readonly=True, name="one") == [changed]
    (capacity,) = (await api.call("listCapacity", type=6))["capacity"]
    assert (capacity["capacityused"], capacity["capacitytotal"]) == (2 * 2 * 2**30, 10**12)
    assert await stores(api, readonly=False) == []
    for given in ({"name": " "}, {"capacitybytes": 0}, {"capacitybytes": 5}):
        assert (await refused(api, "updateImageStore", id=first["id"], **given))[0] == 431, given
    (template,) = (await api.call("listTemplates", templatefilter="featured"))["template"]
    assert template["downloaddetails"][0]["datastore"] == "one"


async def test_what_is_new_goes_to_a_store_that_takes_it(api: Api, server: Server) -> None:
    (first,) = await stores(api)
    full, other = await second(api, "full"), await second(api)
    await api.call("updateImageStore", id=full["id"], capacitybytes=1)
    await api.call("updateImageStore", id=first["id"], readonly=True)
    assert await lying(server) == {"secondary1": 2}
    # the server's own templates go to another store with the removal of theirs
    await api.call("deleteImageStore", id=first["id"])
    await api.call("updateImageStore", id=full["id"], readonly=False)
    assert sum((await lying(server)).values()) == 2
    assert first["id"] not in {row["id"] for row in await stores(api)}
    await api.deploy()
    await check(server)
    assert other["id"] in {row["id"] for row in await stores(api)}


async def test_a_store_with_templates_of_users_stays(api: Api, server: Server) -> None:
    (first,) = await stores(api)
    await server.db.write(lambda tx: tx._change("UPDATE template SET type = 'USER' WHERE type = 'BUILTIN'", []))
    assert (await refused(api, "deleteImageStore", id=first["id"]))[0] == 536
    target = await second(api)
    await api.job("migrateSecondaryStorageData", srcpool=first["id"], destpools=target["id"])
    await api.call("deleteImageStore", id=first["id"])
    assert (await refused(api, "deleteImageStore", id=target["id"]))[0] == 536


async def test_templates_move(api: Api, server: Server) -> None:
    (first,), target = await stores(api), await second(api)
    move = {"srcpool": first["id"], "destpools": target["id"]}
    done = (await api.job("migrateSecondaryStorageData", **move, migrationtype="balance"))["imagestore"]
    assert (done["migrationtype"], done["success"]) == ("balance", True)
    assert await lying(server) == {"secondary1": 1, "nfs://s/two": 1}
    await api.job("migrateSecondaryStorageData", **move)
    assert await lying(server) == {"nfs://s/two": 2}
    template = (await api.basics())["templateid"]
    back = {"srcpool": target["id"], "destpool": first["id"]}
    await api.job("migrateResourceToAnotherSecondaryStorage", **back, templates=template)
    assert await lying(server) == {"nfs://s/two": 1, "secondary1": 1}
    assert (await refused(api, "migrateResourceToAnotherSecondaryStorage", **back, templates=template))[0] == 431
    assert (await refused(api, "migrateResourceToAnotherSecondaryStorage", **back, snapshots=template))[0] == 431
    assert (await refused(api, "migrateResourceToAnotherSecondaryStorage", **back))[0] == 431
    await api.deploy()


async def test_what_does_not_move(api: Api, server: Server) -> None:
    (first,), target = await stores(api), await second(api)
    move = {"srcpool": first["id"], "destpools": target["id"]}
    for given in ({"destpools": first["id"]}, {"migrationtype": "some"}, {"destpools": "x"}):
        assert (await refused(api, "migrateSecondaryStorageData", **{**move, **given}))[0] == 431, given
    zone = (await api.call("createZone", name="z2", networktype="Advanced", dns1="9.9.9.9", internaldns1="9.9.9.9"))[
        "zone"
    ]
    far = (await api.call("addImageStore", provider="NFS", url="nfs://s/far", zoneid=zone["id"]))["imagestore"]
    assert (await refused(api, "migrateSecondaryStorageData", **{**move, "destpools": far["id"]}))[0] == 431
    await api.call("updateImageStore", id=target["id"], readonly=True)
    status, text = await refused(api, "migrateSecondaryStorageData", **move)
    assert (status, "only read" in text) == (530, True)
    await api.call("updateImageStore", id=target["id"], readonly=False, capacitybytes=10)
    assert (await refused(api, "migrateSecondaryStorageData", **move))[0] == 530
    assert await lying(server) == {"secondary1": 2}


async def test_two_moves_at_once(api: Api, server: Server) -> None:
    (first,), one, two = await stores(api), await second(api, "one"), await second(api)
    moves = (api.job("migrateSecondaryStorageData", srcpool=first["id"], destpools=to["id"]) for to in (one, two))
    await asyncio.gather(*moves)
    assert sum((await lying(server)).values()) == 2


async def test_files_of_stores_and_pools(api: Api, server: Server) -> None:
    (store,) = await stores(api)

    async def names(path: str | None = None) -> list[str]:
        found = await api.call("listImageStoreObjects", id=store["id"], path=path)
        return [row["name"] for row in found.get("datastoreobject", [])]

    assert await names() == ["snapshots", "template", "volumes"]
    assert await names("volumes") == []
    path = "template"
    while not (await names(path))[0].endswith(".vhd"):
        path += "/" + (await names(path))[0]
    file = (await api.call("listImageStoreObjects", id=store["id"], path=path))["datastoreobject"][0]
    assert (file["isdirectory"], file["size"], file["format"]) == (False, 2 * 2**30, "VHD")
    assert file["templatename"].startswith("SystemVM")
    full = f"{path}/{file['name']}"
    assert await names(full) == [file["name"]]
    for wrong in ("nowhere", "template/../volumes"):
        assert (await refused(api, "listImageStoreObjects", id=store["id"], path=wrong))[0] == 431
    assert (await refused(api, "downloadImageStoreObject", id=store["id"], path=path))[0] == 431
    # nobody hands files out before a secondary storage VM runs
    assert (await refused(api, "downloadImageStoreObject", id=store["id"], path=full))[0] == 534
    zone = (await api.places())["zoneid"]
    for state in ("Disabled", "Enabled"):
        await api.call("updateZone", id=zone, allocationstate=state)
    async with asyncio.timeout(20):
        while (await api.call("listSystemVms", systemvmtype="secondarystoragevm", state="Running")) == {}:
            await asyncio.sleep(0.02)
    made = (await api.job("downloadImageStoreObject", id=store["id"], path=full))["imagestoreobject"]
    assert (made["id"], made["state"], made["url"][-4:]) == (file["templateid"], "DOWNLOAD_URL_CREATED", ".vhd")
    machine = await api.deploy(name="told")
    (root,) = (await api.call("listVolumes", virtualmachineid=machine["id"]))["volume"]
    files = (await api.call("listStoragePoolObjects", id=root["storageid"]))["datastoreobject"]
    assert [row["volumename"] for row in files if row["volumeid"] == root["id"]] == [root["name"]]
    assert (await refused(api, "listStoragePoolObjects", id=root["storageid"], path="x"))[0] == 431


async def test_object_stores_stand_alone(api: Api, server: Server) -> None:
    (nfs,) = await stores(api)
    assert (await refused(api, "addImageStoreS3", **S3))[0] == 431
    for wrong in ({"provider": "NFS"}, {"provider": "S3"}, {"provider": "Swift"}):
        assert (await refused(api, "updateCloudToUseObjectStore", **wrong))[0] == 431
    assert await lying(server) == {"secondary1": 2}
    details = {}
    for number, (key, value) in enumerate(S3.items()):
        details |= {f"details[{number}].key": key, f"details[{number}].value": value}
    made = (await api.call("updateCloudToUseObjectStore", provider="s3", name="objects", **details))["imagestore"]
    assert (made["scope"], made["protocol"], made["providername"]) == ("REGION", "s3", "S3")
    assert "zoneid" not in made
    assert await stores(api) == [made]
    (staging,) = (await api.call("listSecondaryStagingStores"))["imagestore"]
    assert staging["id"] == nfs["id"]
    assert await lying(server) == {"objects": 2}
    await api.deploy()
    stored = dict(await rows(server, "SELECT name, value FROM detail WHERE resource_type = 'ImageStore'"))
    assert stored["bucket"] == "b"
    assert server.cloud.cipher.open(stored["secretkey"]) == "very secret"
    assert (await refused(api, "addImageStore", provider="NFS", url="nfs://s/x", zoneid=nfs["zoneid"]))[0] == 431
    assert (await refused(api, "addSwift", url="http://swift.example.com/v1"))[0] == 431
    assert (await refused(api, "deleteImageStore", id=nfs["id"]))[0] == 431
    assert (await refused(api, "deleteSecondaryStagingStore", id=made["id"]))[0] == 431
    await api.call("deleteSecondaryStagingStore", id=nfs["id"])
    cache = (await api.call("createSecondaryStagingStore", url="nfs://s/cache", zoneid=nfs["zoneid"]))[
        "secondarystorage"
    ]
    assert (await api.call("listSecondaryStagingStores", zoneid=nfs["zoneid"]))["imagestore"] == [cache]
    for given in ({"scope": "REGION"}, {"provider": "S3"}, {"zoneid": None}, {"url": "nfs://s/cache"}, {"url": "x"}):
        given = {"url": "nfs://s/other", "zoneid": nfs["zoneid"], **given}
        assert (await refused(api, "createSecondaryStagingStore", **given))[0] == 431, given


async def test_swift_and_plain_secondary_storage(api: Api) -> None:
    (first,) = await stores(api)
    zone = first["zoneid"]
    added = (await api.call("addSecondaryStorage", url="cifs://s/share", zoneid=zone))["secondarystorage"]
    assert (added["protocol"], added["providername"]) == ("cifs", "SMB")
    for given in (
        {"url": "cifs://s/share", "zoneid": zone},
        {"url": "nfs://s/x"},
        {"url": "ftp://s/x", "zoneid": zone},
    ):
        assert (await refused(api, "addSecondaryStorage", **given))[0] == 431, given
    for row in (added, first):
        await api.call("deleteImageStore", id=row["id"])
    assert await api.call("listSwifts") == {}
    made = (await api.call("addSwift", url="http://swift.example.com/v1", account="a", key="k"))["secondarystorage"]
    assert (await api.call("listSwifts"))["imagestore"] == [made]
    await api.deploy()
    assert (await refused(api, "addImageStore", provider="Swift", url="http://other/v1", zoneid=zone))[0] == 431


@pytest.mark.parametrize("lack", ["accesskey", "secretkey", "bucket", "endpoint"])
async def test_s3_needs(api: Api, lack: str) -> None:
    (first,) = await stores(api)
    await api.call("deleteImageStore", id=first["id"])
    given = {name: value for name, value in S3.items() if name != lack}
    assert (await refused(api, "addImageStoreS3", **given))[0] == 431
    made = (await api.call("addImageStoreS3", **S3, usehttps=True))["imagestore"]
    assert made["url"] == "s3://s3.example.com/b"
    assert (await refused(api, "addImageStoreS3", **S3))[0] == 431


async def test_selectors(api: Api, http: aiohttp.ClientSession) -> None:
    zone = (await api.places())["zoneid"]
    rule = "if (template.format === 'QCOW2') { secondaryStorages[0].id; }"
    given = {"name": "mine", "description": "text", "type": "template", "zoneid": zone, "heuristicrule": rule}
    made = (await api.call("createSecondaryStorageSelector", "POST", **given))["heuristics"]
    assert (made["type"], made["heuristicrule"], made["zoneid"]) == ("TEMPLATE", rule, zone)
    for wrong in ({}, {"type": "SHOE"}, {"type": "ISO", "heuristicrule": "if (x) {"},
                  {"type": "ISO", "heuristicrule": "x)"}, {"type": "ISO", "heuristicrule": "'open"},
                  {"type": "ISO", "name": " "}):  # fmt: skip
        assert (await refused(api, "createSecondaryStorageSelector", **{**given, **wrong}))[0] == 431, wrong
    assert (await refused(api, "updateSecondaryStorageSelector", id=made["id"], heuristicrule="("))[0] == 431
    await api.call("updateSecondaryStorageSelector", id=made["id"], heuristicrule="a")
    assert (await api.call("listSecondaryStorageSelectors", zoneid=zone, type="TEMPLATE"))["heuristics"][0][
        "heuristicrule"
    ] == "a"
    assert (await refused(await person(api, http, "one"), "listSecondaryStorageSelectors", zoneid=zone))[0] == 432
    await api.call("removeSecondaryStorageSelector", id=made["id"])
    assert await api.call("listSecondaryStorageSelectors", zoneid=zone) == {}
    (gone,) = (await api.call("listSecondaryStorageSelectors", zoneid=zone, showremoved=True))["heuristics"]
    assert "removed" in gone
    await api.call("createSecondaryStorageSelector", "POST", **given)
