"""Domains, accounts and users: who sees and touches what."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from apiclient import Api, Refused

PERSON = {"email": "a@example.com", "firstname": "A", "lastname": "B", "password": "a password"}


async def person(api: Api, http: aiohttp.ClientSession, name: str, type_: int = 0, **given: Any) -> Api:
    """A caller with an account of its own."""
    made = (await api.call("createAccount", "POST", **PERSON, username=name, accounttype=type_, **given))["account"]
    keys = (await api.call("registerUserKeys", id=made["user"][0]["id"]))["userkeys"]
    return Api(http, api.endpoint, keys["apikey"], keys["secretkey"])


async def refused(api: Api, command: str, **given: Any) -> int:
    with pytest.raises(Refused) as caught:
        await api.call(command, **given)
    return caught.value.status


async def volume(api: Api) -> dict[str, Any]:
    """What makes a volume."""
    small = (await api.call("listDiskOfferings", name="Small"))["diskoffering"][0]["id"]
    return {"name": "v", "diskofferingid": small, "zoneid": (await api.basics())["zoneid"]}


async def test_a_user_sees_and_touches_the_own_account_only(api: Api, http: aiohttp.ClientSession) -> None:
    one, other = await person(api, http, "one"), await person(api, http, "other")
    machine = await one.deploy()
    assert machine["account"] == "one"
    assert "hostid" not in machine
    assert (await one.call("listVirtualMachines"))["count"] == 1
    assert await other.call("listVirtualMachines", listall=True) == {}
    for command in ("stopVirtualMachine", "destroyVirtualMachine", "rebootVirtualMachine"):
        assert await refused(other, command, id=machine["id"]) == 431
    assert await refused(other, "updateVirtualMachine", id=machine["id"], displayname="mine now") == 431
    assert await refused(other, "listNics", virtualmachineid=machine["id"]) == 431
    assert await refused(other, "getVirtualMachineUserData", virtualmachineid=machine["id"]) == 431
    network = machine["nic"][0]["networkid"]
    assert await refused(other, "deleteNetwork", id=network) == 431
    assert await other.call("listNetworks", listall=True) == {}
    tags = {"resourceids": machine["id"], "resourcetype": "UserVm", "tags[0].key": "a", "tags[0].value": "b"}
    assert await refused(other, "createTags", **tags) == 431
    (user,) = (await api.call("listUsers", username="one"))["user"]
    assert await refused(other, "getUserKeys", id=user["id"]) == 432
    assert await refused(other, "updateConfiguration", name="expunge.delay", value="1") == 432
    assert (await api.call("listVirtualMachines", account="one", domainid=user["domainid"]))["count"] == 1


async def test_a_domain_admin_sees_what_is_below(api: Api, http: aiohttp.ClientSession) -> None:
    top = (await api.call("createDomain", name="top"))["domain"]
    below = (await api.call("createDomain", name="below", parentdomainid=top["id"]))["domain"]
    assert (below["path"], below["level"]) == ("ROOT/top/below", 2)
    head = await person(api, http, "head", 2, domainid=top["id"])
    user = await person(api, http, "user", 0, domainid=below["id"])
    outside = await person(api, http, "outside")
    machine = await user.deploy()
    await outside.deploy()
    assert (await head.call("listVirtualMachines", listall=True))["count"] == 1
    assert [row["name"] for row in (await head.call("listDomains"))["domain"]] == ["top", "below"]
    assert (await head.call("listAccounts", listall=True))["count"] == 2
    assert (await head.job("stopVirtualMachine", id=machine["id"]))["virtualmachine"]["state"] == "Stopped"
    (found,) = (await api.call("listAccounts", name="user"))["account"]
    assert (found["vmtotal"], found["vmstopped"], found["vmrunning"]) == (1, 1, 0)
    offering = await api.call(
        "createServiceOffering", name="o", displaytext="o", cpunumber=1, cpuspeed=1, memory=64, domainid=top["id"]
    )
    uuid = offering["serviceoffering"]["id"]
    assert (await user.call("listServiceOfferings", id=uuid))["count"] == 1
    assert await refused(outside, "listServiceOfferings", id=uuid) == 431
    assert uuid not in {row["id"] for row in (await outside.call("listServiceOfferings"))["serviceoffering"]}


async def test_names_are_taken_once(api: Api) -> None:
    await api.call("createAccount", "POST", **PERSON, username="one", accounttype=0)
    assert await refused(api, "createAccount", **PERSON, username="one", accounttype=0) == 431
    assert await refused(api, "createAccount", **PERSON, username="two", accounttype=9) == 431
    assert await refused(api, "createAccount", **PERSON, username="two") == 431
    assert await refused(api, "createUser", **PERSON, username="one", account="admin") == 431
    await api.call("createUser", "POST", **PERSON, username="two", account="admin")
    assert await refused(api, "createDomain", name="a/b") == 431
    await api.call("createDomain", name="a")
    assert await refused(api, "createDomain", name="a") == 431


async def test_the_id_of_what_was_removed_is_an_empty_list_to_those_who_saw_it(
    api: Api, http: aiohttp.ClientSession
) -> None:
    """Clients look there whether something is gone."""
    one, other = await person(api, http, "one"), await person(api, http, "other")
    uuid = (await one.job("createVolume", **await volume(api)))["volume"]["id"]
    await one.call("deleteVolume", id=uuid)
    assert await one.call("listVolumes", id=uuid) == {} == await api.call("listVolumes", id=uuid)
    assert await refused(other, "listVolumes", id=uuid) == 431
    assert await refused(one, "listVolumes", id=uuid.replace("-", "")) == 431
    assert await refused(one, "listSnapshots", volumeid=uuid) == 431
    assert await refused(one, "deleteVolume", id=uuid) == 431


async def test_ids_are_looked_for_among_ones_own(api: Api, http: aiohttp.ClientSession) -> None:
    one = await person(api, http, "one")
    given = await volume(api)
    made = [(await who.job("createVolume", **given))["volume"]["id"] for who in (api, one)]
    for more, seen in (({}, made[:1]), ({"listall": True}, made)):
        found = (await api.call("listVolumes", ids=",".join(made), **more))["volume"]
        assert [row["id"] for row in found] == seen
