"""Networks that their owners let others use: those may have machines in them, and nothing more."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from apiclient import Api
from invariants import check, rows
from people import account, domain, keyed, refused, role
from test_nics import add, card, network

from cloudsim.server import Server


@pytest.fixture
async def cast(api: Api, http: aiohttp.ClientSession) -> dict[str, Any]:
    """Two accounts of one domain, one of another, and a network of the first."""
    place, elsewhere = await domain(api, "place"), await domain(api, "elsewhere")
    made: dict[str, Any] = {}
    # a role of one's own: those of a fresh installation leave these commands to root admins
    free = (await role(api, "free", "User", "*"))["id"]
    for name, where in (("one", place), ("two", place), ("three", elsewhere)):
        row = await account(api, name, domainid=where["id"], roleid=free)
        made[name] = await keyed(api, http, row["user"][0]["id"])
        made[f"{name} id"] = row["id"]
    made["net"] = await network(made["one"], "lent", 9)
    return made


async def permissions(api: Api, net: dict[str, Any]) -> list[str]:
    found = (await api.call("listNetworkPermissions", networkid=net["id"])).get("networkpermission", [])
    return [one.get("account") or one["project"] for one in found]


async def seen(api: Api, **given: Any) -> list[str]:
    return [one["name"] for one in (await api.call("listNetworks", **given)).get("network", [])]


async def test_an_account_that_is_let_in_has_machines_there_and_changes_nothing(
    server: Server, cast: dict[str, Any]
) -> None:
    one, two, net = cast["one"], cast["two"], cast["net"]
    assert (await refused(two, "deployVirtualMachine", **await two.basics(), networkids=net["id"]))[0] == 431
    assert await seen(two) == []
    assert await one.call("createNetworkPermissions", networkid=net["id"], accounts="two") == {"success": True}
    assert await one.call("createNetworkPermissions", networkid=net["id"], accountids=cast["two id"]) == {
        "success": True
    }
    (told,) = (await one.call("listNetworkPermissions", networkid=net["id"]))["networkpermission"]
    who = {"account": "two", "accountid": cast["two id"], "domain": "place", "domainid": told["domainid"]}
    assert told == {"networkid": net["id"], **who}
    assert await seen(two) == await seen(two, networkfilter="shared") == await seen(two, id=net["id"]) == ["lent"]
    assert await seen(two, networkfilter="account") == []
    assert await seen(one, networkfilter="shared") == []
    machine = await two.deploy(networkids=net["id"])
    assert machine["ipaddress"].startswith("10.9.9.")
    assert await seen(two, canusefordeploy=True) == ["lent"]
    flat = await network(two, "flat", 0, "DefaultL2NetworkOffering")
    other = await two.deploy(networkids=flat["id"])
    assert card(await add(two, other, net), net)["ipaddress"].startswith("10.9.9.")
    for command, given in (
        ("deleteNetwork", {"id": net["id"]}),
        ("updateNetwork", {"id": net["id"], "name": "mine"}),
        ("restartNetwork", {"id": net["id"]}),
        ("createNetworkPermissions", {"networkid": net["id"], "accounts": "two"}),
        ("resetNetworkPermissions", {"networkid": net["id"]}),
        ("listNetworkPermissions", {"networkid": net["id"]}),
    ):
        assert (await refused(two, command, **given))[0] == 531, command
    # what is in a network that is lent holds it
    assert (await refused(one, "deleteNetwork", id=net["id"]))[0] == 530
    await check(server)


async def test_who_is_shut_out_again_keeps_the_machines_and_makes_no_more(server: Server, cast: dict[str, Any]) -> None:
    one, two, net = cast["one"], cast["two"], cast["net"]
    await one.call("createNetworkPermissions", networkid=net["id"], accounts="two")
    machine = await two.deploy(networkids=net["id"])
    await one.call("removeNetworkPermissions", networkid=net["id"], accountids=cast["two id"])
    await one.call("removeNetworkPermissions", networkid=net["id"], accounts="two")  # it is gone already
    assert await permissions(one, net) == []
    assert (await refused(two, "deployVirtualMachine", **await two.basics(), networkids=net["id"]))[0] == 431
    await two.job("stopVirtualMachine", id=machine["id"])
    await two.job("startVirtualMachine", id=machine["id"])
    await one.call("createNetworkPermissions", networkid=net["id"], accounts="two")
    await one.call("resetNetworkPermissions", networkid=net["id"])
    assert await permissions(one, net) == []
    assert await seen(two) == []
    await check(server)


async def test_a_project_is_let_in(api: Api, server: Server, cast: dict[str, Any]) -> None:
    one, two, net = cast["one"], cast["two"], cast["net"]
    project = (await two.job("createProject", name="club", displaytext="club"))["project"]
    assert (await refused(one, "createNetworkPermissions", networkid=net["id"], projectids=project["id"]))[0] == 431
    await api.call("createNetworkPermissions", networkid=net["id"], projectids=project["id"])
    (told,) = (await one.call("listNetworkPermissions", networkid=net["id"]))["networkpermission"]
    assert (told["project"], told["projectid"], "account" in told) == ("club", project["id"], False)
    machine = await two.deploy(networkids=net["id"], projectid=project["id"])
    assert machine["project"] == "club"
    assert (await refused(two, "deployVirtualMachine", **await two.basics(), networkids=net["id"]))[0] == 531
    assert await seen(two, projectid=project["id"]) == ["lent"]
    await check(server)


async def test_what_cannot_be_lent_and_to_whom(api: Api, server: Server, cast: dict[str, Any]) -> None:
    one, net = cast["one"], cast["net"]
    for given in (
        {},
        {"accounts": "nobody"},
        {"accounts": "three"},
        {"accountids": cast["three id"]},
        {"accountids": "0b8cd8cc-5e02-4b6c-8bb2-a2a4d1b6e3b1"},
        {"accounts": "two", "accountids": cast["two id"]},
        {"accounts": "one"},
        {"projectids": "0b8cd8cc-5e02-4b6c-8bb2-a2a4d1b6e3b1"},
    ):
        assert (await refused(one, "createNetworkPermissions", networkid=net["id"], **given))[0] == 431, given
    assert (await refused(api, "createNetworkPermissions", networkid=net["id"], accountids=cast["three id"]))[0] == 431
    (offered,) = (await api.call("listNetworkOfferings", name="DefaultSharedNetworkOffering"))["networkoffering"]
    (zone,) = (await api.call("listZones"))["zone"]
    range_ = {
        "gateway": "10.7.7.1",
        "netmask": "255.255.255.0",
        "startip": "10.7.7.10",
        "endip": "10.7.7.13",
        "vlan": 777,
    }
    given = {"name": "all", "zoneid": zone["id"], "networkofferingid": offered["id"], **range_}
    shared = (await api.call("createNetwork", **given))["network"]
    assert (await refused(api, "createNetworkPermissions", networkid=shared["id"], accountids=cast["two id"]))[0] == 431
    assert await permissions(one, net) == []
    await check(server)


async def test_permissions_go_with_the_account_and_with_the_network(
    api: Api, server: Server, cast: dict[str, Any]
) -> None:
    one, net = cast["one"], cast["net"]
    await one.call("createNetworkPermissions", networkid=net["id"], accounts="two")
    await api.job("deleteAccount", id=cast["two id"])
    assert await permissions(one, net) == []
    await account(api, "four", domainid=(await api.call("listDomains", name="place"))["domain"][0]["id"])
    await one.call("createNetworkPermissions", networkid=net["id"], accounts="four")
    await one.job("deleteNetwork", id=net["id"])
    assert await rows(server, "SELECT id FROM network_permission") == []
    await check(server)
