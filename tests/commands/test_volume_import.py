"""What lies on storage is taken in as a volume, and volumes are let go of."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import invariants
from apiclient import Api, Refused
from disks import GIB, attach, detach, disk, new_offering, offering, on_host
from people import person, refused

from cloudsim.agents.simulator.faults import Rule
from cloudsim.server import Server


async def left(api: Api, server: Server, **given: Any) -> tuple[dict[str, Any], str]:
    """A volume as it was, and the path where it was left."""
    volume = await attach(api, await disk(api, **given), await api.deploy())
    server.simulator.content(volume["id"], "mine")
    await detach(api, volume)
    await api.job("unmanageVolume", id=volume["id"])
    return volume, volume["path"]


async def found(api: Api, pool: str, **given: Any) -> list[str]:
    rows = (await api.call("listVolumesForImport", storageid=pool, **given)).get("volumeforimport", [])
    return [row["path"] for row in rows]


async def test_let_go_found_and_taken_in(server: Server, api: Api) -> None:
    volume, path = await left(api, server)
    assert await api.call("listVolumes", id=volume["id"]) == {}
    pool = volume["storageid"]
    (row,) = (await api.call("listVolumesForImport", storageid=pool))["volumeforimport"]
    assert (row["path"], row["virtualsize"], row["storageid"]) == (path, 5 * GIB, pool)
    assert await found(api, pool, path="else") == await found(api, pool, keyword="nothing") == []
    made = (await api.job("importVolume", storageid=pool, path=path, name="back"))["volume"]
    assert (made["name"], made["state"], made["size"], made["storageid"]) == ("back", "Ready", 5 * GIB, pool)
    assert await found(api, pool) == []
    machine = await api.deploy()
    await attach(api, made, machine)
    assert server.simulator.content(made["id"]) == "mine"
    assert on_host(server, machine)[made["id"]] == 1
    await invariants.check(server)


async def test_what_is_refused(server: Server, api: Api, http: aiohttp.ClientSession) -> None:
    fresh = await disk(api)
    assert (await refused(api, "unmanageVolume", id=fresh["id"]))[0] == 431
    used = await attach(api, fresh, await api.deploy())
    assert (await refused(api, "unmanageVolume", id=used["id"]))[0] == 431
    volume, path = await left(api, server)
    given = {"storageid": volume["storageid"], "path": path}
    for wrong in (
        {"path": "nothing"}, {"path": used["path"]}, {"diskofferingid": await offering(api)},
        {"diskofferingid": (await new_offering(api, customized=True, tags="other"))["id"]},
    ):  # fmt: skip
        assert (await refused(api, "importVolume", **{**given, **wrong}))[0] == 431
    user = await person(api, http, "someone")
    assert (await refused(user, "importVolume", **given))[0] == 432
    who = {"account": "someone", "domainid": (await api.call("listDomains", name="ROOT"))["domain"][0]["id"]}
    await api.call("updateResourceLimit", resourcetype=2, max=0, **who)
    assert (await refused(api, "importVolume", **given, **who))[0] == 535
    server.simulator.add_rule(Rule("GetVolumesOnStorageCommand", "fail", count=1))
    assert (await refused(api, "listVolumesForImport", storageid=volume["storageid"]))[0] == 530
    server.simulator.add_rule(Rule("ImportVolumeCommand", "fail", count=1))
    assert (await refused(api, "importVolume", **given))[0] == 530
    await api.job("importVolume", **given)
    await invariants.check(server)


async def test_taken_in_once(server: Server, api: Api) -> None:
    volume, path = await left(api, server)

    async def one() -> int:
        try:
            await api.job("importVolume", storageid=volume["storageid"], path=path)
        except Refused as error:
            return error.status
        return 200

    assert sorted(await asyncio.gather(*(one() for _ in range(20)))) == [200] + [431] * 19
    await invariants.check(server)
