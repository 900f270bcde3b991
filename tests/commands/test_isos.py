"""ISOs are registered, booted from and deleted."""

from __future__ import annotations

from typing import Any

import aiohttp
from apiclient import Api
from invariants import check
from people import person, refused
from stores import os_type, register_iso, until, zone

from cloudsim.server import Server

URL = "http://images.example.com/a.iso"


async def ready(api: Api, **given: Any) -> dict[str, Any]:
    """An ISO that is ready in the seeded zone."""
    made = await register_iso(api, (await api.basics())["zoneid"], URL, **given)
    return await until(api, made["id"], "DOWNLOADED", iso=True)


async def boot(api: Api, iso: str) -> dict[str, Any]:
    disks = (await api.call("listDiskOfferings", name="Small"))["diskoffering"]
    return await api.deploy(templateid=iso, diskofferingid=disks[0]["id"], hypervisor="Simulator")


async def test_a_machine_boots_from_an_iso(api: Api, server: Server) -> None:
    made = await ready(api)
    assert (made["status"], made["bootable"], made["format"]) == ("Successfully Installed", True, "ISO")
    machine = await boot(api, made["id"])
    assert (machine["isoid"], machine["isoname"]) == (made["id"], "disc")
    assert server.simulator.spec(machine["id"])["iso"]["uuid"] == made["id"]
    await check(server)


async def test_one_that_is_not_bootable_needs_no_os_type_and_boots_nothing(api: Api) -> None:
    made = await ready(api, bootable=False, ostypeid=None)
    assert (made["bootable"], made["ostypename"]) == (False, "None")
    rows = (await api.call("listIsos", isofilter="self", bootable=True)).get("iso", [])
    assert made["id"] not in [row["id"] for row in rows]


async def test_what_is_wrong_is_refused(api: Api) -> None:
    given = {"name": "x", "url": URL, "zoneid": (await api.basics())["zoneid"], "ostypeid": await os_type(api)}
    for wrong in ({"url": "ftp://127.0.0.1/a.iso"}, {"url": "http://images.example.com/a.img"}, {"ostypeid": None},
                  {"checksum": "x"}, {"directdownload": True}, {"zoneid": None}, {"arch": "vax"}):  # fmt: skip
        assert (await refused(api, "registerIso", **{**given, **wrong}))[0] == 431, wrong


async def test_an_iso_is_changed_copied_and_deleted(api: Api, server: Server) -> None:
    made = await ready(api)
    row = (await api.call("updateIso", id=made["id"], name="b", bootable=False))["iso"]
    assert (row["name"], row["bootable"]) == ("b", False)
    second = await zone(api, "second")
    await api.call("addImageStore", provider="NFS", url="nfs://s/second", zoneid=second)
    assert (await api.job("copyIso", id=made["id"], destzoneid=second))["iso"]["zoneid"] == second
    for command in ("updateTemplate", "deleteTemplate", "copyTemplate"):
        given = {"destzoneid": second} if command.startswith("copy") else {}
        assert (await refused(api, command, id=made["id"], **given))[0] == 431, command
    assert await api.job("deleteIso", id=made["id"]) == {"success": True}
    await check(server)


async def test_one_that_a_machine_has_is_not_deleted(api: Api) -> None:
    made = await ready(api)
    machine = await api.deploy()
    await api.job("attachIso", id=made["id"], virtualmachineid=machine["id"])
    assert (await refused(api, "deleteIso", id=made["id"]))[0] == 431
    await api.job("detachIso", virtualmachineid=machine["id"])
    await api.job("deleteIso", id=made["id"])


async def test_users_see_their_own(api: Api, http: aiohttp.ClientSession) -> None:
    made = await ready(api)
    user = await person(api, http, "user")
    assert (await refused(user, "updateIso", id=made["id"], name="x"))[0] == 431
    mine = await ready_of(user, api)
    rows = (await user.call("listIsos", isofilter="self"))["iso"]
    assert [row["id"] for row in rows] == [mine]


async def ready_of(user: Api, api: Api) -> str:
    return (await register_iso(user, (await api.basics())["zoneid"], URL))["id"]
