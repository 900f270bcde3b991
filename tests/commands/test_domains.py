"""Domains: renaming, moving, deleting with what is in them."""

from __future__ import annotations

import aiohttp
from apiclient import Api
from people import account, domain, person, refused


async def test_renaming_and_moving(api: Api, http: aiohttp.ClientSession) -> None:
    top, side = await domain(api, "top"), await domain(api, "side")
    below = await domain(api, "below", top)
    leaf = await domain(api, "leaf", below)
    user = await person(api, http, "user", domainid=leaf["id"])
    head = await person(api, http, "head", 2, domainid=side["id"])
    machine = await user.deploy()
    renamed = (await api.call("updateDomain", id=below["id"], name="renamed", networkdomain="x.example.com"))["domain"]
    assert (renamed["path"], renamed["networkdomain"]) == ("ROOT/top/renamed", "x.example.com")
    assert (await api.call("listDomains", id=leaf["id"]))["domain"][0]["path"] == "ROOT/top/renamed/leaf"
    assert (await refused(head, "stopVirtualMachine", id=machine["id"]))[0] == 431
    moved = (await api.call("moveDomain", domainid=below["id"], parentdomainid=side["id"]))["domain"]
    assert (moved["path"], moved["level"], moved["parentdomainname"]) == ("ROOT/side/renamed", 2, "side")
    (found,) = (await api.call("listDomains", id=leaf["id"]))["domain"]
    assert (found["path"], found["level"]) == ("ROOT/side/renamed/leaf", 3)
    # who sees it follows at once
    assert (await head.job("stopVirtualMachine", id=machine["id"]))["virtualmachine"]["state"] == "Stopped"
    children = await api.call("listDomainChildren", id=side["id"])
    assert [row["name"] for row in children["domain"]] == ["renamed"]
    children = await api.call("listDomainChildren", id=side["id"], isrecursive=True)
    assert [row["name"] for row in children["domain"]] == ["renamed", "leaf"]
    (root,) = (await api.call("listDomains", level=0))["domain"]
    for given in (
        {"domainid": side["id"], "parentdomainid": leaf["id"]},
        {"domainid": side["id"], "parentdomainid": side["id"]},
        {"domainid": root["id"], "parentdomainid": side["id"]},
        {"domainid": below["id"], "parentdomainid": side["id"]},
    ):
        assert (await refused(api, "moveDomain", **given))[0] == 431
    await domain(api, "renamed", top)
    assert (await refused(api, "moveDomain", domainid=below["id"], parentdomainid=top["id"]))[0] == 431
    assert (await refused(api, "updateDomain", id=root["id"], name="tree"))[0] == 431
    assert (await refused(api, "updateDomain", id=top["id"], name="side"))[0] == 431
    assert (await refused(api, "updateDomain", id=top["id"], name="a/b"))[0] == 431


async def test_deleting(api: Api, http: aiohttp.ClientSession) -> None:
    top = await domain(api, "top")
    below = await domain(api, "below", top)
    user = await person(api, http, "user", domainid=below["id"])
    await account(api, "head", 2, domainid=top["id"])
    await user.deploy()
    status, text = await refused(api, "deleteDomain", id=top["id"])
    assert (status, "cleanup" in text) == (530, True)
    assert (await api.call("listDomains", id=top["id"]))["domain"][0]["state"] == "Active"
    await user.call("listZones")
    assert (await api.job("deleteDomain", id=top["id"], cleanup=True))["success"] is True
    assert [row["name"] for row in (await api.call("listDomains"))["domain"]] == ["ROOT"]
    assert await api.call("listVirtualMachines", listall=True) == {}
    assert {row["name"] for row in (await api.call("listAccounts", listall=True))["account"]} == {"admin"}
    assert (await refused(user, "listZones"))[0] == 401
    (root,) = (await api.call("listDomains", level=0))["domain"]
    assert (await refused(api, "deleteDomain", id=root["id"]))[0] == 431
    await domain(api, "top")


async def test_an_admin_keeps_to_the_own_tree(api: Api, http: aiohttp.ClientSession) -> None:
    top, side = await domain(api, "top"), await domain(api, "side")
    below = await domain(api, "below", top)
    roles = {row["name"]: row["id"] for row in (await api.call("listRoles"))["role"]}
    # the default role has no commands for domains: one that has them still ends at the own domain
    made = (await api.call("createRole", name="heads", roleid=roles["Domain Admin"]))["role"]
    for rule in ("createDomain", "updateDomain", "deleteDomain"):
        await api.call("createRolePermission", roleid=made["id"], rule=rule, permission="allow")
    head = await person(api, http, "head", roleid=made["id"], domainid=top["id"])
    await head.call("updateDomain", id=below["id"], name="mine")
    await domain(head, "another", below)
    for command in ("updateDomain", "deleteDomain"):
        assert (await refused(head, command, id=side["id"], name="x"))[0] == 431
    assert (await refused(head, "createDomain", name="x", parentdomainid=side["id"]))[0] == 431
    assert (await refused(head, "deleteDomain", id=top["id"]))[0] == 431
    await head.job("deleteDomain", id=below["id"], cleanup=True)
