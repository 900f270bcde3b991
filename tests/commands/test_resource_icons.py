"""Pictures that stand for things."""

from __future__ import annotations

import base64
from typing import Any

import aiohttp
import pytest
from apiclient import Api
from people import domain, person, refused, role

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"\0" * 40).decode()
SVG = base64.b64encode(b"<svg xmlns='http://www.w3.org/2000/svg'/>").decode()
RIGHTS = ("list*", "deployVirtualMachine", "queryAsyncJobResult", "uploadResourceIcon", "deleteResourceIcon")


async def icons(api: Api, kind: str, uuid: str) -> list[dict[str, Any]]:
    return (await api.call("listResourceIcon", resourcetype=kind, resourceids=uuid)).get("icon", [])


async def test_a_machine_has_a_picture(api: Api, http: aiohttp.ClientSession) -> None:
    mine = await role(api, "mine", "User", *RIGHTS)
    one, other = [await person(api, http, name, roleid=mine["id"]) for name in ("one", "other")]
    machine = await one.deploy(startvm=False)
    on = {"resourcetype": "uservm", "resourceids": machine["id"]}
    assert await icons(one, "UserVm", machine["id"]) == []
    await one.call("uploadResourceIcon", "POST", **on, base64image=PNG)
    await one.call("uploadResourceIcon", "POST", **on, base64image="data:image/svg+xml;base64," + SVG)
    picture = {"base64image": SVG, "resourcetype": "UserVm", "resourceid": machine["id"]}
    assert await icons(one, "UserVm", machine["id"]) == [picture]
    assert (await one.call("listVirtualMachines", showicon=True))["virtualmachine"][0]["icon"] == picture
    assert "icon" not in (await one.call("listVirtualMachines"))["virtualmachine"][0]
    for command in ("listResourceIcon", "uploadResourceIcon", "deleteResourceIcon"):
        assert (await refused(other, command, **on, base64image=PNG))[0] == 431
    await one.call("deleteResourceIcon", **on)
    assert (await refused(one, "deleteResourceIcon", **on))[0] == 431
    assert "icon" not in (await one.call("listVirtualMachines", showicon=True))["virtualmachine"][0]


async def test_each_kind_shows_its_picture_where_it_is_asked_for(api: Api, http: aiohttp.ClientSession) -> None:
    await api.deploy(startvm=False)
    project = (await api.job("createProject", name="p", displaytext="p"))["project"]
    for kind, command, noun, given in (
        ("Zone", "listZones", "zone", {}),
        ("Network", "listNetworks", "network", {}),
        ("Template", "listTemplates", "template", {"templatefilter": "featured"}),
        ("User", "listUsers", "user", {}),
        ("Account", "listAccounts", "account", {}),
        ("Domain", "listDomains", "domain", {}),
        ("Project", "listProjects", "project", {"id": project["id"]}),
        ("GuestOsCategory", "listOsCategories", "oscategory", {}),
    ):
        before = (await api.call(command, **given, showicon=True))[noun][0]
        assert "icon" not in before
        on = {"resourcetype": kind, "resourceids": before["id"]}
        await api.call("uploadResourceIcon", "POST", **on, base64image=PNG)
        (after,) = (row for row in (await api.call(command, **given, showicon=True))[noun] if row["id"] == before["id"])
        assert after["icon"]["base64image"] == PNG, kind
        await api.call("deleteResourceIcon", "POST", **on)
        assert "icon" not in (await api.call(command, **given, showicon=True))[noun][0], kind


async def test_whose_pictures_are_whose(api: Api, http: aiohttp.ClientSession) -> None:
    mine = await role(api, "mine", "User", *RIGHTS, "listZones")
    one = await person(api, http, "one", roleid=mine["id"])
    zone, template = (await api.places())["zoneid"], (await api.basics())["templateid"]
    for kind, uuid in (("Zone", zone), ("Template", template)):
        assert (await refused(one, "uploadResourceIcon", resourcetype=kind, resourceids=uuid, base64image=PNG))[
            0
        ] == 531
    assert (await refused(one, "uploadResourceIcon", resourcetype="ISO", resourceids=template, base64image=PNG))[
        0
    ] == 431
    mine_user = (await one.call("listUsers"))["user"][0]["id"]
    await one.call("uploadResourceIcon", "POST", resourcetype="User", resourceids=mine_user, base64image=PNG)
    below = await domain(api, "below")
    chief = await role(api, "chief", "DomainAdmin", *RIGHTS)
    admin = await person(api, http, "chief", 2, domainid=below["id"], roleid=chief["id"])
    await admin.call("uploadResourceIcon", "POST", resourcetype="Domain", resourceids=below["id"], base64image=PNG)
    root = (await api.call("listDomains", name="ROOT"))["domain"][0]["id"]
    assert (await refused(admin, "uploadResourceIcon", resourcetype="Domain", resourceids=root, base64image=PNG))[
        0
    ] == 431


@pytest.mark.parametrize(
    "image",
    [
        "not base64!",
        base64.b64encode(b"just text").decode(),
        base64.b64encode(b"<svg><script>alert(1)</script></svg>").decode(),
        base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"\0" * 1024 * 1024).decode(),
        "A" * 2097153,
    ],
)
async def test_what_is_no_picture(api: Api, image: str) -> None:
    zone = (await api.places())["zoneid"]
    given = {"resourcetype": "Zone", "resourceids": zone}
    assert (await refused(api, "uploadResourceIcon", **given, base64image=image))[0] == 431
    assert await icons(api, "Zone", zone) == []
    assert (await refused(api, "uploadResourceIcon", **{**given, "resourcetype": "Shoe"}, base64image=PNG))[0] == 431
