"""Templates and ISOs are public, or their owner's, or given to accounts and projects."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from apiclient import Api
from invariants import check
from people import account, domain, person, refused
from stores import register, register_iso

from cloudsim.server import Server

URL = "http://images.example.com/a.qcow2"


@pytest.fixture
async def people(api: Api, http: aiohttp.ClientSession) -> tuple[Api, Api]:
    """Two accounts of one domain."""
    return await person(api, http, "owner"), await person(api, http, "other")


async def template(api: Api, **given: Any) -> str:
    zone = (await api.basics())["zoneid"]
    made = await register(api, zone, URL, hypervisor="Simulator", **given)
    await until_ready(api, made["id"])
    return made["id"]


async def until_ready(api: Api, id: str, iso: bool = False) -> None:
    import asyncio

    key = "iso" if iso else "template"
    while True:
        row = (await api.call(f"list{key.capitalize()}s", **{f"{key}filter": "self"}, id=id))[key][0]
        if row["isready"]:
            return
        await asyncio.sleep(0.01)


async def names(api: Api, which: str) -> list[str]:
    return [row["id"] for row in (await api.call("listTemplates", templatefilter=which)).get("template", [])]


async def test_a_template_given_to_an_account_is_seen_and_deployed_by_it(
    api: Api, server: Server, people: tuple[Api, Api]
) -> None:
    owner, other = people
    made = await template(owner)
    assert await names(other, "shared") == []
    assert (await refused(other, "deployVirtualMachine", **{**await api.basics(), "templateid": made}))[0] == 431
    assert await owner.call("updateTemplatePermissions", id=made, op="add", accounts="other") == {"success": True}
    for which in ("shared", "sharedexecutable", "executable"):
        assert made in await names(other, which), which
    assert made not in await names(other, "self")
    assert made not in await names(owner, "shared")
    machine = await other.deploy(templateid=made)
    assert machine["templateid"] == made
    await owner.call("updateTemplatePermissions", id=made, op="remove", accounts="other")
    assert await names(other, "shared") == []
    assert (await refused(other, "deployVirtualMachine", **{**await api.basics(), "templateid": made}))[0] == 431
    await check(server)


async def test_its_permissions_are_listed(api: Api, people: tuple[Api, Api]) -> None:
    owner, _ = people
    made = await template(owner)
    await owner.call("updateTemplatePermissions", id=made, op="add", accounts="other")
    body = (await owner.call("listTemplatePermissions", id=made))["templatepermission"]
    assert (body["id"], body["ispublic"], body["account"]) == (made, False, ["other", "owner"])
    await owner.call("updateTemplatePermissions", id=made, op="reset")
    assert (await owner.call("listTemplatePermissions", id=made))["templatepermission"]["account"] == ["owner"]


async def test_it_is_given_to_projects(api: Api, people: tuple[Api, Api]) -> None:
    owner, other = people
    made = await template(owner)
    project = (await api.job("createProject", name="p", displaytext="p"))["project"]["id"]
    await api.job("addAccountToProject", projectid=project, account="other")
    await api.call("updateTemplatePermissions", id=made, op="add", projectids=project)
    body = (await owner.call("listTemplatePermissions", id=made))["templatepermission"]
    assert body["projectids"] == [project]
    rows = (await other.call("listTemplates", templatefilter="shared", projectid=project))["template"]
    assert [row["id"] for row in rows] == [made]
    machine = await other.job("deployVirtualMachine", **{**await api.basics(), "templateid": made}, projectid=project)
    assert machine["virtualmachine"]["projectid"] == project


async def test_only_accounts_of_the_owners_domain_are_given_it(api: Api, people: tuple[Api, Api]) -> None:
    owner, _ = people
    made = await template(owner)
    below = await domain(api, "below")
    await account(api, "elsewhere", domainid=below["id"])
    for given in (
        {"op": "add", "accounts": "elsewhere"},
        {"op": "add", "accounts": "nobody"},
        {"op": "add"},
        {"accounts": "other"},
        {"op": "take", "accounts": "other"},
        {"op": "reset", "accounts": "other"},
    ):
        assert (await refused(owner, "updateTemplatePermissions", id=made, **given))[0] == 431, given
    body = (await owner.call("listTemplatePermissions", id=made))["templatepermission"]
    assert body["account"] == ["owner"]


async def test_what_is_public_is_given_to_nobody(api: Api, people: tuple[Api, Api]) -> None:
    owner, other = people
    made = await template(owner)
    await owner.call("updateTemplatePermissions", id=made, ispublic=True)
    assert made in await names(other, "community")
    assert (await refused(owner, "updateTemplatePermissions", id=made, op="add", accounts="other"))[0] == 431
    assert (await other.deploy(templateid=made))["templateid"] == made


async def test_users_make_nothing_public_where_the_setting_says_so(api: Api, people: tuple[Api, Api]) -> None:
    owner, _ = people
    await api.call("updateConfiguration", name="allow.public.user.templates", value="false")
    made = await template(owner)
    assert (await refused(owner, "updateTemplatePermissions", id=made, ispublic=True))[0] == 431
    zone = (await api.basics())["zoneid"]
    given = {"name": "x", "format": "QCOW2", "hypervisor": "Simulator", "url": URL, "zoneid": zone, "ispublic": True}
    given["ostypeid"] = (await api.call("listOsTypes", description="CentOS 7"))["ostype"][0]["id"]
    assert (await refused(owner, "registerTemplate", **given))[0] == 431
    await api.call("updateTemplatePermissions", id=made, ispublic=True)


async def test_featured_and_extractable_are_for_root_admins(api: Api, people: tuple[Api, Api]) -> None:
    owner, _ = people
    made = await template(owner, isfeatured=True)
    (row,) = (await owner.call("listTemplates", templatefilter="self", id=made))["template"]
    assert row["isfeatured"] is False
    for given in ({"isfeatured": True}, {"isextractable": True}):
        assert (await refused(owner, "updateTemplatePermissions", id=made, **given))[0] == 531
    await api.call("updateTemplatePermissions", id=made, isfeatured=True, isextractable=True, ispublic=True)
    assert made in await names(owner, "featured")


async def test_nobody_else_changes_or_lists_them(api: Api, people: tuple[Api, Api]) -> None:
    owner, other = people
    made = await template(owner)
    for command in ("updateTemplatePermissions", "listTemplatePermissions", "deleteTemplate", "updateTemplate"):
        assert (await refused(other, command, id=made))[0] == 431, command
    await owner.call("updateTemplatePermissions", id=made, op="add", accounts="other")
    for command in ("updateTemplatePermissions", "listTemplatePermissions", "deleteTemplate", "updateTemplate"):
        assert (await refused(other, command, id=made))[0] == 531, command


async def test_isos_are_given_as_templates_are(api: Api, people: tuple[Api, Api]) -> None:
    owner, other = people
    made = await register_iso(owner, (await api.basics())["zoneid"], "http://images.example.com/a.iso")
    await until_ready(owner, made["id"], iso=True)
    machine = await other.deploy()
    asked = {"id": made["id"], "virtualmachineid": machine["id"]}
    assert (await refused(other, "attachIso", **asked))[0] == 431
    await owner.call("updateIsoPermissions", id=made["id"], op="add", accounts="other")
    assert (await owner.call("listIsoPermissions", id=made["id"]))["templatepermission"]["account"] == [
        "other",
        "owner",
    ]
    rows = (await other.call("listIsos", isofilter="sharedexecutable"))["iso"]
    assert [row["id"] for row in rows] == [made["id"]]
    await other.job("attachIso", **asked)
    for command in ("listTemplatePermissions", "updateTemplatePermissions", "deleteTemplate"):
        assert (await refused(owner, command, id=made["id"]))[0] == 431, command


async def test_with_its_account_it_goes(api: Api, server: Server, people: tuple[Api, Api]) -> None:
    owner, other = people
    made = await template(owner)
    await owner.call("updateTemplatePermissions", id=made, op="add", accounts="other")
    rows = (await api.call("listAccounts", name="owner"))["account"]
    await api.job("deleteAccount", id=rows[0]["id"])
    assert await names(other, "shared") == []
    await check(server)
