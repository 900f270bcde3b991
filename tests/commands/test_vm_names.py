"""The names of virtual machines: the internal one, the one to show, the host name; and what else can be changed when."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import invariants
from apiclient import Api
from people import account, keyed, refused

from cloudsim.server import Server


async def machine_of(api: Api, machine: dict[str, Any]) -> dict[str, Any]:
    (found,) = (await api.call("listVirtualMachines", id=machine["id"]))["virtualmachine"]
    return found


async def network(api: Api, name: str, **given: Any) -> str:
    zone = (await api.basics())["zoneid"]
    offering = (await api.call("listNetworkOfferings", name="DefaultIsolatedNetworkOfferingWithSourceNatService"))[
        "networkoffering"
    ][0]["id"]
    made = await api.call(
        "createNetwork", zoneid=zone, networkofferingid=offering, name=name, displaytext=name, **given
    )
    return made["network"]["id"]


async def instancename_flag(api: Api) -> None:
    await api.call("updateConfiguration", name="vm.instancename.flag", value="true")


async def test_each_name_has_a_default(api: Api) -> None:
    bare = await api.deploy(startvm=False)
    assert bare["name"] == bare["displayname"] == f"VM-{bare['id']}"
    named = await api.deploy(startvm=False, name="web")
    assert (named["name"], named["displayname"]) == ("web", "web")
    shown = await api.deploy(startvm=False, displayname="My web server!")
    assert (shown["name"], shown["displayname"]) == (f"VM-{shown['id']}", "My web server!")
    assert shown["instancename"].endswith("-VM")


async def test_the_internal_name_is_unique_and_stays(api: Api) -> None:
    one, two = await api.deploy(startvm=False), await api.deploy(startvm=False)
    assert one["instancename"] != two["instancename"]
    await api.call("updateVirtualMachine", id=one["id"], name="other", displayname="other")
    assert (await machine_of(api, one))["instancename"] == one["instancename"]
    status, _ = await refused(api, "updateVirtualMachine", id=one["id"], instancename=two["instancename"])
    assert status == 431


async def test_the_name_to_show_is_free(api: Api) -> None:
    one = await api.deploy(startvm=False, displayname="twice, with spaces & signs")
    two = await api.deploy(startvm=False, displayname="twice, with spaces & signs")
    assert one["displayname"] == two["displayname"]


async def test_a_host_name_is_as_rfc_1123_says(api: Api) -> None:
    basics = await api.basics()
    for bad in ("-a", "a-", "a_b", "a.b", "a b", "123", "a" * 64, "é"):
        status, text = await refused(api, "deployVirtualMachine", **basics, name=bad)
        assert (status, "host name" in text) == (431, True), bad
    for good in ("a", "1a", "A-1", "a" * 63):
        assert (await api.deploy(startvm=False, name=good))["name"] == good


async def test_a_host_name_is_there_once_in_a_network_domain(api: Api) -> None:
    one, same, other = [
        await network(api, name, networkdomain=domain)
        for name, domain in (("one", "x.example"), ("same", "x.example"), ("other", "y.example"))
    ]
    machine = await api.deploy(startvm=False, name="web", networkids=one)
    basics = await api.basics()
    for place in (one, same):
        status, text = await refused(api, "deployVirtualMachine", **basics, name="web", networkids=place)
        assert (status, "network domain" in text) == (431, True)
    second = await api.deploy(startvm=False, name="web", networkids=other)
    third = await api.deploy(startvm=False, name="db", networkids=same)
    assert (await refused(api, "updateVirtualMachine", id=third["id"], name="web"))[0] == 431
    assert (await machine_of(api, third))["name"] == "db"
    # the name is free again when its machine is gone
    await api.job("destroyVirtualMachine", id=machine["id"], expunge=True)
    await api.call("updateVirtualMachine", id=third["id"], name="web")
    assert (await machine_of(api, second))["name"] == "web"


async def test_of_many_that_ask_for_a_name_at_once_one_gets_it(api: Api) -> None:
    place = await network(api, "one")
    given = {**await api.basics(), "name": "web", "networkids": place, "startvm": False}
    answers = await asyncio.gather(*(api.raw("deployVirtualMachine", **given) for _ in range(8)))
    assert sorted(status for status, _ in answers) == [200] + [431] * 7


async def test_a_project_has_names_of_its_own_once_each(api: Api) -> None:
    project = (await api.job("createProject", name="p", displaytext="p"))["project"]
    one, two = [await network(api, name, projectid=project["id"], networkdomain="p.example") for name in ("a", "b")]
    mine = await network(api, "c", networkdomain="p.example")
    await api.deploy(startvm=False, name="web", projectid=project["id"], networkids=one)
    given = {**await api.basics(), "name": "web", "projectid": project["id"]}
    assert (await refused(api, "deployVirtualMachine", **given, networkids=two))[0] == 431
    await api.deploy(startvm=False, name="web", networkids=mine)


async def test_the_internal_name_ends_with_the_name_to_show(api: Api) -> None:
    await instancename_flag(api)
    machine = await api.deploy(displayname="web-1")
    _, owner, number, *rest = machine["instancename"].split("-")
    assert (machine["instancename"], rest) == (f"i-{owner}-{number}-web-1", ["web", "1"])
    assert machine["name"] == "web-1"
    assert (await api.deploy(startvm=False))["instancename"].endswith("-VM")
    named = await api.deploy(startvm=False, displayname="web-2", name="host")
    assert (named["name"], named["instancename"].endswith("-web-2")) == ("host", True)


async def test_or_the_request_fails_where_it_cannot(server: Server, api: Api) -> None:
    await instancename_flag(api)
    basics = await api.basics()
    await api.deploy(startvm=False, displayname="web")
    before = await invariants.rows(server, "SELECT * FROM vm")
    for bad in ("My web server!", "-a", "a" * 64, "12"):
        status, text = await refused(api, "deployVirtualMachine", **basics, displayname=bad)
        assert (status, "vm.instancename.flag" in text) == (431, True)
    status, text = await refused(api, "deployVirtualMachine", **basics, displayname="web", name="other")
    assert (status, "already" in text) == (431, True)
    assert await invariants.rows(server, "SELECT * FROM vm") == before


async def test_the_internal_name_is_shown_to_root_admins_only(api: Api, http: aiohttp.ClientSession) -> None:
    made = await account(api, "user")
    user = await keyed(api, http, made["user"][0]["id"])
    machine = await user.deploy(startvm=False)
    assert "instancename" not in machine
    assert "instancename" not in await machine_of(user, machine)
    assert (await machine_of(api, machine))["instancename"].startswith("i-")
    assert (await user.raw("updateVirtualMachine", id=machine["id"], instancename="x"))[0] == 200  # not theirs to give
    assert (await machine_of(api, machine))["instancename"] != "x"


async def test_what_can_be_changed_while_it_runs(api: Api) -> None:
    machine = await api.deploy()
    os = (await api.call("listOsTypes", pagesize=5, page=1))["ostype"][-1]["id"]
    group = "fleet"
    await api.call(
        "updateVirtualMachine", id=machine["id"], name="web", displayname="Web", group=group, ostypeid=os, haenable=True,
        userdata="aGVsbG8=", displayvm=False, deleteprotection=True,
    )  # fmt: skip
    found = await machine_of(api, machine)
    assert (found["name"], found["displayname"], found["group"], found["ostypeid"]) == ("web", "Web", group, os)
    assert (found["haenable"], found["displayvm"], found["deleteprotection"]) == (True, False, True)
    told = await api.call("getVirtualMachineUserData", virtualmachineid=machine["id"])
    assert told["virtualmachineuserdata"]["userdata"] == "aGVsbG8="


async def test_what_needs_a_stopped_machine(server: Server, api: Api) -> None:
    machine = await api.deploy()
    other = "7d3fbb3f-64a1-4b43-8b1c-7f6e2a7e4a11"
    changes: list[dict[str, Any]] = [
        {"details[0].a": "b"},
        {"cleanupdetails": True},
        {"isdynamicallyscalable": not machine["isdynamicallyscalable"]},
        {"customid": other},
        {"instancename": "renamed"},
    ]
    before = await invariants.rows(server, "SELECT * FROM vm"), await invariants.rows(server, "SELECT * FROM detail")
    for given in changes:
        status, text = await refused(api, "updateVirtualMachine", id=machine["id"], **given)
        assert (status, "stopped" in text) == (431, True), given
    after = await invariants.rows(server, "SELECT * FROM vm"), await invariants.rows(server, "SELECT * FROM detail")
    assert before == after
    await api.job("stopVirtualMachine", id=machine["id"])
    await api.call("updateVirtualMachine", id=machine["id"], **{"details[0].a": "b"})
    assert (await machine_of(api, machine))["details"]["a"] == "b"
    await api.call("updateVirtualMachine", id=machine["id"], cleanupdetails=True)
    assert "a" not in (await machine_of(api, machine))["details"]
    await api.call("updateVirtualMachine", id=machine["id"], customid=other, instancename="renamed")
    assert (await machine_of(api, {"id": other}))["instancename"] == "renamed"


async def test_extra_configuration_where_it_is_allowed(api: Api) -> None:
    machine = await api.deploy(startvm=False)
    assert (await refused(api, "updateVirtualMachine", id=machine["id"], extraconfig="a%3Db"))[0] == 431
    assert (await refused(api, "deployVirtualMachine", **await api.basics(), extraconfig="a%3Db"))[0] == 431
    hidden = {**await api.basics(), "details[0].extraconfig-1": "a=b"}
    assert (await refused(api, "deployVirtualMachine", **hidden))[0] == 431
    await api.call("updateConfiguration", name="enable.additional.vm.configuration", value="true")
    changed = await api.call("updateVirtualMachine", id=machine["id"], extraconfig="a%3Db")
    assert changed["virtualmachine"]["details"]["extraconfig-1"] == "a=b"
    assert (await api.deploy(startvm=False, extraconfig="c%3Dd"))["details"]["extraconfig-1"] == "c=d"
