"""Snapshots of volumes: made, listed, gone back to, copied, deleted, and what is refused."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import invariants
from apiclient import Api

from cloudsim.server import Server


async def disk_of(api: Api, machine: dict[str, Any], type_: str = "ROOT") -> dict[str, Any]:
    (found,) = (await api.call("listVolumes", virtualmachineid=machine["id"], type=type_, listall=True))["volume"]
    return found


async def snapshot(api: Api, disk: dict[str, Any], **given: Any) -> dict[str, Any]:
    return (await api.job("createSnapshot", volumeid=disk["id"], **given))["snapshot"]


async def listed(api: Api, **given: Any) -> list[dict[str, Any]]:
    return (await api.call("listSnapshots", **given)).get("snapshot", [])


async def test_of_a_running_machine_and_back(server: Server, api: Api) -> None:
    machine = await api.deploy()
    disk = await disk_of(api, machine)
    server.simulator.content(disk["id"], "then")
    made = await snapshot(api, disk)
    assert (made["state"], made["intervaltype"], made["snapshottype"]) == ("BackedUp", "MANUAL", "MANUAL")
    assert (made["locationtype"], made["virtualsize"]) == ("SECONDARY", disk["size"])
    assert made["name"].startswith(f"{machine['name']}_{disk['name']}_2")
    assert [one["id"] for one in await listed(api)] == [made["id"]]
    server.simulator.content(disk["id"], "now")
    await api.job("stopVirtualMachine", id=machine["id"])
    await api.job("revertSnapshot", id=made["id"])
    assert server.simulator.content(disk["id"]) == "then"
    await invariants.check(server)
    await api.job("deleteSnapshot", id=made["id"])
    assert await listed(api) == []
    assert server.simulator.disk_snapshots() == []
    await invariants.check(server)


async def test_a_url_hands_it_out_for_a_time(server: Server, api: Api, http: aiohttp.ClientSession) -> None:
    made = await snapshot(api, await disk_of(api, await api.deploy()))
    found = (await api.job("extractSnapshot", id=made["id"], zoneid=made["zoneid"]))["snapshot"]
    assert (found["state"], found["extractMode"]) == ("DOWNLOAD_URL_CREATED", "HTTP_DOWNLOAD")
    async with http.get(found["url"]) as answer:
        body = await answer.read()
    assert answer.status == 200
    assert body[:4] == b"QFI\xfb"
    assert int.from_bytes(body[24:32], "big") == made["virtualsize"]
    async with http.get(found["url"], headers={"Range": "bytes=4-7"}) as answer:
        assert (answer.status, await answer.read()) == (206, body[4:8])
    async with http.get(found["url"].replace("/userdata/", "/userdata/x")) as answer:
        assert answer.status == 404
    await api.call("updateConfiguration", name="extract.url.expiration.interval", value=1)
    short = (await api.job("extractSnapshot", id=made["id"], zoneid=made["zoneid"]))["snapshot"]
    await asyncio.sleep(1.1)
    assert (await http.get(short["url"])).status == 404
    await api.job("deleteSnapshot", id=made["id"])
    assert (await http.get(found["url"])).status == 404
