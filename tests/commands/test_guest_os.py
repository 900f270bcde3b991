"""Guest operating systems, their categories, what hypervisors call them, and what hypervisors can do."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest
from apiclient import Api, Refused
from invariants import check, rows
from people import person, refused, role

from cloudsim.server import Server


async def category(api: Api, name: str = "Mine") -> dict[str, Any]:
    return (await api.call("addOsCategory", name=name))["oscategory"]


async def os_type(api: Api, title: str, **given: Any) -> dict[str, Any]:
    if "oscategoryid" not in given:
        given["oscategoryid"] = (await api.call("listOsCategories", name="Other"))["oscategory"][0]["id"]
    return (await api.job("addGuestOs", osdisplayname=title, **given))["ostype"]


async def test_an_os_type_is_added_changed_and_removed(api: Api, server: Server, http: aiohttp.ClientSession) -> None:
    mine = await category(api)
    made = await os_type(
        api, "Plan 9", oscategoryid=mine["id"], name="p9", **{"details[0].key": "a", "details[0].value": "b"}
    )
    assert (made["description"], made["name"], made["oscategoryname"]) == ("Plan 9", "p9", "Mine")
    assert (made["isuserdefined"], made["fordisplay"]) == (True, True)
    assert (await api.call("listOsTypes", oscategoryid=mine["id"]))["ostype"] == [made]
    assert (await refused(api, "addGuestOs", oscategoryid=mine["id"], osdisplayname="plan 9"))[0] == 431
    assert (await refused(api, "addGuestOs", oscategoryid=mine["id"], osdisplayname=" "))[0] == 431
    assert (await refused(api, "addGuestOs", oscategoryid=made["id"], osdisplayname="x"))[0] == 431
    other = await category(api, "Else")
    changed = (
        await api.job(
            "updateGuestOs", id=made["id"], osdisplayname="Plan 10", oscategoryid=other["id"], forDisplay=False
        )
    )["ostype"]
    assert (changed["description"], changed["oscategoryname"], changed["fordisplay"]) == ("Plan 10", "Else", False)
    assert (await api.call("listOsTypes", fordisplay=False))["ostype"] == [changed]
    (brought,) = (await api.call("listOsTypes", description="CentOS 5.6 (64"))["ostype"]
    for command in ("updateGuestOs", "removeGuestOs"):
        assert (await refused(api, command, id=brought["id"], osdisplayname="x"))[0] == 431
    assert (await refused(api, "updateGuestOs", id=made["id"], osdisplayname=brought["description"]))[0] == 431
    every = await role(api, "every", "User", "list*")
    assert (await refused(await person(api, http, "one", roleid=every["id"]), "addGuestOs"))[0] == 432
    await api.job("removeGuestOs", id=made["id"])
    assert (await refused(api, "listOsTypes", id=made["id"]))[0] == 431
    assert await rows(server, "SELECT count(*) FROM detail WHERE resource_type = 'GuestOs'") == [(0,)]
    await os_type(api, "Plan 10")


async def test_one_name_is_given_once(api: Api, server: Server) -> None:
    home = (await api.call("listOsCategories", name="Other"))["oscategory"][0]["id"]
    calls = (api.call("addGuestOs", oscategoryid=home, osdisplayname="Plan 9") for _ in range(5))
    ended = await asyncio.gather(*calls, return_exceptions=True)
    assert sum(isinstance(one, Refused) for one in ended) == 4
    await check(server)
    assert (await api.call("listOsTypes", description="Plan 9"))["count"] == 1


async def test_an_os_type_in_use_stays(api: Api, server: Server) -> None:
    made = await os_type(api, "Plan 9")
    machine = await api.deploy(startvm=False)
    await api.call("updateVirtualMachine", id=machine["id"], ostypeid=made["id"])
    assert (await refused(api, "removeGuestOs", id=made["id"]))[0] == 536
    await api.job("destroyVirtualMachine", id=machine["id"], expunge=True)
    await server.db.write(
        lambda tx: tx._change(
            f"UPDATE template SET guest_os_id = (SELECT id FROM guest_os WHERE uuid = '{made['id']}')", []
        )
    )
    assert (await refused(api, "removeGuestOs", id=made["id"]))[0] == 536


async def test_categories(api: Api, server: Server) -> None:
    made = await category(api)
    assert made["isfeatured"] is False
    assert (await refused(api, "addOsCategory", name="mine"))[0] == 431
    assert (await refused(api, "updateOsCategory", id=made["id"], name="Debian"))[0] == 431
    changed = (await api.call("updateOsCategory", id=made["id"], name="First", isfeatured=True, sortkey=-1))[
        "oscategory"
    ]
    assert (changed["name"], changed["isfeatured"]) == ("First", True)
    assert (await api.call("listOsCategories"))["oscategory"][0]["id"] == made["id"]
    inside = await os_type(api, "Plan 9", oscategoryid=made["id"])
    host = (await api.call("listHosts", type="Routing"))["host"][0]["id"]
    await api.call("updateHost", id=host, oscategoryid=made["id"])
    assert (await refused(api, "deleteOsCategory", id=made["id"]))[0] == 536
    await api.job("removeGuestOs", id=inside["id"])
    await api.call("deleteOsCategory", id=made["id"])
    assert (await refused(api, "updateOsCategory", id=made["id"], name="x"))[0] == 431
    assert await rows(server, "SELECT count(*) FROM host WHERE os_category_id IS NOT NULL") == [(0,)]
    await category(api, "First")


async def test_mappings(api: Api) -> None:
    every = await api.call("listGuestOsMapping", hypervisor="simulator")
    assert every["count"] == (await api.call("listOsTypes"))["count"]
    first = every["guestosmapping"][0]
    assert (first["hypervisorversion"], first["isuserdefined"]) == ("default", "false")
    assert first["osdisplayname"] == first["osnameforhypervisor"]
    for command in ("updateGuestOsMapping", "removeGuestOsMapping"):
        assert (await refused(api, command, id=first["id"], osnameforhypervisor="x"))[0] == 431
    mine = await os_type(api, "Plan 9")
    given = {"hypervisor": "kvm", "hypervisorversion": "default", "osnameforhypervisor": "plan9"}
    made = (await api.job("addGuestOsMapping", **given, ostypeid=mine["id"]))["guestosmapping"]
    assert (made["hypervisor"], made["ostypeid"], made["isuserdefined"]) == ("KVM", mine["id"], "true")
    for wrong in (
        {},
        {"ostypeid": mine["id"]},
        {"osdisplayname": "no such"},
        {"ostypeid": mine["id"], "hypervisor": "Abacus"},
        {"ostypeid": mine["id"], "hypervisorversion": "0.1"},
        {"ostypeid": mine["id"], "osnameforhypervisor": " "},
    ):
        assert (await refused(api, "addGuestOsMapping", **{**given, **wrong}))[0] == 431, wrong
    again = await api.job(
        "addGuestOsMapping", **{**given, "osnameforhypervisor": "p9"}, osdisplayname="plan 9", forced=True
    )
    assert (again["guestosmapping"]["id"], again["guestosmapping"]["osnameforhypervisor"]) == (made["id"], "p9")
    await api.job("updateGuestOsMapping", id=made["id"], osnameforhypervisor="nine")
    (found,) = (await api.call("listGuestOsMapping", osnameforhypervisor="NIN", hypervisor="KVM"))["guestosmapping"]
    assert found["id"] == made["id"]
    await api.job("removeGuestOsMapping", id=made["id"])
    assert await api.call("listGuestOsMapping", hypervisor="KVM") == {}
    await api.job("addGuestOsMapping", **given, ostypeid=mine["id"])
    await api.job("removeGuestOs", id=mine["id"])
    assert await api.call("listGuestOsMapping", hypervisor="KVM") == {}


async def test_what_hosts_offer(api: Api) -> None:
    asked = {"hypervisor": "Simulator", "hypervisorversion": "default"}
    found = (await api.job("getHypervisorGuestOsNames", **asked, keyword="CentOS 5.6"))["hypervisorguestosnames"]
    assert found["guestoscount"] == len(found["guestoslist"]) > 0
    assert {"osdisplayname": "CentOS 5.6 (64-bit)", "osnameforhypervisor": "CentOS 5.6 (64-bit)"} in found[
        "guestoslist"
    ]
    assert (await refused(api, "getHypervisorGuestOsNames", hypervisor="Simulator", hypervisorversion="0.1"))[0] == 534
    assert (await refused(api, "getHypervisorGuestOsNames", hypervisor="KVM", hypervisorversion="default"))[0] == 534
    mine = await os_type(api, "Plan 9")
    given = {**asked, "ostypeid": mine["id"], "osmappingcheckenabled": True}
    assert (await refused(api, "addGuestOsMapping", **given, osnameforhypervisor="Plan 9"))[0] == 431
    await api.job("addGuestOsMapping", **given, osnameforhypervisor="Other (64-bit)")


async def capabilities(api: Api) -> dict[str, Any]:
    return (await api.call("listHypervisorCapabilities", hypervisor="Simulator"))["hypervisorCapabilities"][0]


async def test_a_limit_of_guests_rules_once_it_is_set(api: Api, server: Server, http: aiohttp.ClientSession) -> None:
    entry = await capabilities(api)
    assert entry["maxguestslimit"] == 50
    for _ in range(3):
        await api.deploy()
    changed = await api.call(
        "updateHypervisorCapabilities", id=entry["id"], maxguestslimit=1, storagemotionenabled=False
    )
    assert changed["hypervisorcapabilities"] == {**entry, "maxguestslimit": 1, "storagemotionenabled": False}
    assert await capabilities(api) == changed["hypervisorcapabilities"]
    home = (await api.call("listVirtualMachines"))["virtualmachine"][0]["hostid"]
    status, text = await refused(api, "deployVirtualMachine", **await api.basics(), hostid=home)
    assert (status, "its limit is 1" in text) == (533, True)
    await server.stop()
    again = Server(server.config)
    await again.start()
    try:
        other = Api(http, again.url, api.key, api.secret)
        assert (await capabilities(other))["maxguestslimit"] == 1
        assert (await refused(other, "deployVirtualMachine", **await other.basics(), hostid=home))[0] == 533
        await other.call("updateHypervisorCapabilities", id=entry["id"], maxguestslimit=9)
        await other.deploy(hostid=home)
    finally:
        await again.stop()


async def test_limits_of_disks_and_hosts(api: Api) -> None:
    disk = (await api.call("listDiskOfferings", name="Small"))["diskoffering"][0]["id"]

    def disks(number: int) -> dict[str, Any]:
        return {f"datadisksdetails[{one}].diskofferingid": disk for one in range(number)}

    named = {"hypervisor": "simulator", "hypervisorversion": "DEFAULT"}
    await api.call("updateHypervisorCapabilities", **named, maxdatavolumeslimit=2, maxhostspercluster=3)
    given = {**await api.basics(), "startvm": False}
    status, text = await refused(api, "deployVirtualMachine", **given, **disks(3))
    assert (status, "2 data disks" in text) == (431, True)
    await api.deploy(startvm=False, **disks(2))
    place = {**await api.places(), "hypervisor": "Simulator", "username": "root", "password": "x"}
    await api.call("addHost", **place, url="http://sim/c1/h3")
    assert (await refused(api, "addHost", **place, url="http://sim/c1/h4"))[0] == 431


async def test_changes_at_once_are_all_kept(api: Api, server: Server) -> None:
    entry = (await capabilities(api))["id"]
    names = ("maxguestslimit", "maxhostspercluster", "maxdatavolumeslimit")
    await asyncio.gather(*(api.call("updateHypervisorCapabilities", id=entry, **{name: 77}) for name in names))
    changed = await capabilities(api)
    assert [changed[name] for name in names] == [77, 77, 77]
    ((stored,),) = await rows(server, "SELECT changed FROM hypervisor_capability")
    assert all(f'"{name}":77' in stored for name in names)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"hypervisor": "Simulator"},
        {"hypervisor": "Abacus", "hypervisorversion": "1"},
        {"id": "11111111-1111-4111-8111-111111111111"},
        {"hypervisor": "Simulator", "hypervisorversion": "default", "maxguestslimit": 0},
        {"hypervisor": "Simulator", "hypervisorversion": "default", "maxhostspercluster": -3},
    ],
)
async def test_capabilities_that_cannot_be(api: Api, given: dict[str, Any]) -> None:
    before = await capabilities(api)
    assert (await refused(api, "updateHypervisorCapabilities", **given))[0] == 431
    assert await capabilities(api) == before
