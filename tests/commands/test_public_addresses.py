"""Public addresses: acquired, reserved, released, portable ones; who may have which, and what the router answers for."""

from __future__ import annotations

from typing import Any

import aiohttp
from apiclient import Api
from invariants import check, rest, rows
from people import account, domain, keyed, person, refused

from cloudsim.server import Server

ISOLATED = "DefaultIsolatedNetworkOfferingWithSourceNatService"


async def network(api: Api, name: str = "mine", offering: str = ISOLATED, **given: Any) -> dict[str, Any]:
    (offered,) = (await api.call("listNetworkOfferings", name=offering))["networkoffering"]
    (zone,) = (await api.call("listZones"))["zone"]
    where = {"zoneid": zone["id"], "networkofferingid": offered["id"], "name": name}
    return (await api.call("createNetwork", **where, **given))["network"]


async def acquire(api: Api, **given: Any) -> dict[str, Any]:
    return (await api.job("associateIpAddress", **given))["ipaddress"]


async def addresses(api: Api, **given: Any) -> list[dict[str, Any]]:
    return (await api.call("listPublicIpAddresses", **given)).get("publicipaddress", [])


async def answers_for(api: Api, net: dict[str, Any]) -> list[str]:
    """The addresses that the simulated router of a network answers for."""
    found = (await api.call("listSimulatedRouterRules", networkid=net["id"], part="addresses"))["simulatedrouterrule"]
    return [one["address"] for one in found[0]["setting"]]


async def test_acquired_and_released(api: Api, server: Server) -> None:
    machine = await api.deploy()
    net = {"id": machine["nic"][0]["networkid"]}
    (source,) = await addresses(api)
    assert (source["issourcenat"], source["state"], source["associatednetworkid"]) == (True, "Allocated", net["id"])
    zone = (await api.places())["zoneid"]
    asked = await api.call("associateIpAddress", zoneid=zone)
    made = (await api.wait(asked["jobid"]))["jobresult"]["ipaddress"]
    assert made["id"] == asked["id"]
    assert (made["state"], made["issourcenat"], made["isstaticnat"], made["isportable"]) == (
        "Allocated", False, False, False,
    )  # fmt: skip
    assert (made["associatednetworkid"], made["account"], made["hasrules"]) == (net["id"], "admin", False)
    assert await answers_for(api, net) == [source["ipaddress"], made["ipaddress"]]
    assert (await api.call("listAccounts", name="admin"))["account"][0]["iptotal"] == 2
    assert await api.job("disassociateIpAddress", id=made["id"]) == {"success": True}
    assert [one["id"] for one in await addresses(api)] == [source["id"]]
    assert await answers_for(api, net) == [source["ipaddress"]]
    (free,) = await addresses(api, id=made["id"], allocatedonly=False)
    assert (free["state"], "account" in free, "associatednetworkid" in free) == ("Free", False, False)
    told = [one["type"] for one in (await api.call("listEvents", type="NET.IPASSIGN"))["event"]]
    assert len(told) >= 3
    assert (await api.call("listEvents", type="NET.IPRELEASE"))["event"]
    await check(server)


async def test_by_its_address(api: Api, server: Server) -> None:
    net = await network(api)
    (wanted, *_) = await addresses(api, state="Free")
    made = await acquire(api, networkid=net["id"], ipaddress=wanted["ipaddress"])
    assert (made["id"], made["ipaddress"]) == (wanted["id"], wanted["ipaddress"])
    assert made["issourcenat"], "the first address of a network with source NAT is that"
    other = await acquire(api, networkid=net["id"])
    assert not other["issourcenat"]
    assert await api.job("disassociateIpAddress", ipaddress=other["ipaddress"]) == {"success": True}
    assert await refused(api, "disassociateIpAddress", ipaddress=other["ipaddress"]) == (
        431, f"there is no public IP address {other['ipaddress']}",
    )  # fmt: skip
    # its source NAT address is the one that it starts with
    machine = await api.deploy(networkids=net["id"])
    assert machine["nic"][0]["networkid"] == net["id"]
    assert await answers_for(api, net) == [made["ipaddress"]]
    status, text = await refused(api, "disassociateIpAddress", id=made["id"])
    assert (status, "source NAT" in text) == (431, True)
    await check(server)


async def test_what_is_refused(api: Api, server: Server) -> None:
    net = await network(api)
    zone = (await api.places())["zoneid"]
    plain = await network(api, "plain", "DefaultIsolatedNetworkOffering", vlan="77")
    flat = await network(api, "flat", "DefaultL2NetworkOffering")
    other = "11111111-2222-3333-4444-555555555555"
    source = (await acquire(api, networkid=(await network(api, "theirs"))["id"]))["ipaddress"]
    before = await rows(server, "SELECT * FROM public_ip ORDER BY id")
    for status, given in (
        (431, {}),
        (431, {"networkid": other}),
        (431, {"zoneid": other}),
        (431, {"networkid": net["id"], "vpcid": other}),
        (431, {"networkid": net["id"], "ipaddress": "1.2.3"}),
        (431, {"networkid": net["id"], "ipaddress": "9.9.9.9"}),
        (431, {"networkid": net["id"], "ipaddress": source}),
        (431, {"networkid": plain["id"]}),
        (431, {"networkid": flat["id"]}),
        (431, {"networkid": net["id"], "isportable": True, "regionid": 7}),
        (533, {"networkid": net["id"], "isportable": True}),
        (431, {"networkid": net["id"], "account": "nobody"}),
    ):
        assert (await refused(api, "associateIpAddress", **given))[0] == status, given
    second = await network(api, "second")
    assert "several" in (await refused(api, "associateIpAddress", zoneid=zone))[1]
    for command, given in (
        ("disassociateIpAddress", {}),
        ("disassociateIpAddress", {"id": other}),
        ("disassociateIpAddress", {"ipaddress": source}),
        ("releaseIpAddress", {"id": other}),
        ("reserveIpAddress", {"id": other}),
        ("updateIpAddress", {"id": other}),
    ):
        assert (await refused(api, command, **given))[0] == 431, command
    assert second["state"] == "Allocated"
    assert await rows(server, "SELECT * FROM public_ip ORDER BY id") == before
    await check(server)


async def test_whose_it_is(api: Api, http: aiohttp.ClientSession, server: Server) -> None:
    top = await domain(api, "top")
    head = await person(api, http, "head", 2, domainid=top["id"])
    one = await account(api, "one", domainid=top["id"])
    owner = await keyed(api, http, one["user"][0]["id"])
    stranger = await person(api, http, "stranger")
    net = await network(owner)
    # for a network it is the owner's, whoever asks
    made = await acquire(head, networkid=net["id"])
    assert (made["account"], made["domain"]) == ("one", "top")
    assert "vlanid" not in made
    assert "vlanid" in (await addresses(api, id=made["id"]))[0]
    assert [row["id"] for row in await addresses(owner)] == [made["id"]]
    assert await addresses(stranger) == []
    missing = await refused(stranger, "disassociateIpAddress", id=made["id"])
    assert missing == (431, f"there is no public IP address with id {made['id']}")
    assert (await refused(stranger, "disassociateIpAddress", ipaddress=made["ipaddress"]))[0] == 431
    assert (await refused(stranger, "associateIpAddress", networkid=net["id"]))[0] == 431
    assert (await refused(api, "associateIpAddress", networkid=net["id"], account="stranger"))[0] == 531
    await api.call("updateResourceLimit", resourcetype=1, max=2, account="one", domainid=top["id"])
    second = await acquire(owner, networkid=net["id"])
    assert (await refused(owner, "associateIpAddress", networkid=net["id"]))[0] == 535
    # users see which free ones they may have
    free = await addresses(owner, state="Free")
    assert free
    assert second["id"] not in {row["id"] for row in free}
    count = {"retrieveonlyresourcecount": True}
    every = (await owner.call("listPublicIpAddresses", allocatedonly=False, **count))["count"]
    assert every == (await owner.call("listPublicIpAddresses", state="Free", **count))["count"] + 2
    counted = await owner.call("listPublicIpAddresses", **count)
    assert counted == {"count": 2}
    await api.job("disassociateIpAddress", id=second["id"])
    await check(server)


async def test_in_a_project(api: Api, server: Server) -> None:
    project = (await api.job("createProject", name="shared"))["project"]["id"]
    net = await network(api, projectid=project)
    made = await acquire(api, networkid=net["id"], projectid=project)
    assert (made["projectid"], made["project"], "account" in made) == (project, "shared", False)
    assert await addresses(api) == []
    assert [row["id"] for row in await addresses(api, projectid=project)] == [made["id"]]
    await api.job("deleteProject", id=project, cleanup=True)
    assert await addresses(api, id=made["id"]) == []
    await check(server)


async def test_reserved_and_acquired_later(api: Api, http: aiohttp.ClientSession, server: Server) -> None:
    owner = await person(api, http, "owner")
    root = (await api.call("listDomains", name="ROOT"))["domain"][0]["id"]
    whose = {"account": "owner", "domainid": root}
    (free, *_) = await addresses(api, state="Free")
    kept = (await api.call("reserveIpAddress", id=free["id"], **whose))["ipaddress"]
    assert (kept["state"], kept["account"], "associatednetworkid" in kept) == ("Reserved", "owner", False)
    assert (await refused(api, "reserveIpAddress", id=free["id"], **whose))[0] == 431
    assert [row["state"] for row in await addresses(owner)] == ["Reserved"]
    assert (await api.call("listAccounts", name="owner"))["account"][0]["iptotal"] == 1
    # nobody else has it, and nobody gets it by chance
    mine = await network(api)
    assert (await refused(api, "associateIpAddress", networkid=mine["id"], ipaddress=free["ipaddress"]))[0] == 431
    assert (await acquire(api, networkid=mine["id"]))["ipaddress"] != free["ipaddress"]
    net = await network(owner)
    await api.call("updateResourceLimit", resourcetype=1, max=1, **whose)
    made = await acquire(owner, networkid=net["id"], ipaddress=free["ipaddress"])
    assert (made["id"], made["state"]) == (free["id"], "Allocated")
    assert (await refused(api, "releaseIpAddress", id=made["id"]))[0] == 431
    await owner.job("deleteNetwork", id=net["id"])
    assert await addresses(owner) == []
    again = (await api.call("reserveIpAddress", id=free["id"], **whose))["ipaddress"]
    assert await api.call("releaseIpAddress", id=again["id"]) == {"success": True}
    assert (await addresses(api, id=free["id"], allocatedonly=False))[0]["state"] == "Free"
    assert (await api.call("listEvents", type="NET.IPRESERVE", listall=True))["count"] == 2
    await check(server)


async def test_changed(api: Api, http: aiohttp.ClientSession, server: Server) -> None:
    owner = await person(api, http, "owner")
    net = await network(owner)
    await acquire(owner, networkid=net["id"])
    made = await acquire(owner, networkid=net["id"])
    wanted = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
    changed = (await api.job("updateIpAddress", id=made["id"], customid=wanted, fordisplay=False))["ipaddress"]
    assert (changed["id"], changed["fordisplay"], changed["ipaddress"]) == (wanted, False, made["ipaddress"])
    assert len(await addresses(owner)) == 1, "what is not for display is not shown to users"
    assert await addresses(api, id=wanted, fordisplay=False)
    taken = (await addresses(owner))[0]["id"]
    assert (await refused(api, "updateIpAddress", id=wanted, customid=taken))[0] == 431
    assert (await refused(api, "updateIpAddress", id=wanted, customid="short"))[0] == 431
    unseen = (await owner.job("updateIpAddress", id=taken, customid=made["id"], fordisplay=False))["ipaddress"]
    assert unseen["id"] == taken, "users change neither"
    await check(server)


async def test_tags_go_with_it(api: Api, server: Server) -> None:
    net = await network(api)
    await acquire(api, networkid=net["id"])
    made = await acquire(api, networkid=net["id"])
    tag = {"resourcetype": "PublicIpAddress", "resourceids": made["id"], "tags[0].key": "k", "tags[0].value": "v"}
    await api.job("createTags", **tag)
    assert [row["id"] for row in await addresses(api, **{"tags[0].key": "k", "tags[0].value": "v"})] == [made["id"]]
    await api.job("disassociateIpAddress", id=made["id"])
    assert await api.call("listTags") == {}
    assert await acquire(api, networkid=net["id"], ipaddress=made["ipaddress"])
    assert (await addresses(api, id=made["id"]))[0]["tags"] == []
    await check(server)


async def test_usage_and_lists(api: Api, server: Server) -> None:
    net = await network(api)
    source = await acquire(api, networkid=net["id"])
    made = await acquire(api, networkid=net["id"])
    await api.job("disassociateIpAddress", id=made["id"])
    used = await rows(server, f"SELECT type, is_source_nat, ended FROM usage WHERE uuid = '{made['id']}'")
    assert [(kind, bool(nat), ended is not None) for kind, nat, ended in used] == [(3, False, True)]
    used = await rows(server, f"SELECT is_source_nat, ended FROM usage WHERE uuid = '{source['id']}'")
    assert [(bool(nat), ended) for nat, ended in used] == [(True, None)]
    assert [row["id"] for row in await addresses(api, issourcenat=True)] == [source["id"]]
    assert await addresses(api, isstaticnat=True) == []
    assert await addresses(api, forloadbalancing=True) == []
    assert len(await addresses(api, forloadbalancing=False)) == 1
    assert len(await addresses(api, forvirtualnetwork=True)) == 1
    assert await addresses(api, forvirtualnetwork=False) == []
    await server.periodic.run_now("system-vms")
    await rest(server)
    system = await addresses(api, listall=True, forvirtualnetwork=True)
    assert {row["virtualmachinetype"] for row in system if row["issystem"]} == {"ConsoleProxy", "SecondaryStorageVm"}
    held = next(row["id"] for row in system if row["issystem"])
    assert (await refused(api, "disassociateIpAddress", id=held))[0] == 431
    await check(server)


# -- portable ones

RANGE = {"regionid": 1, "startip": "10.66.0.2", "endip": "10.66.0.4", "gateway": "10.66.0.1"}
RANGE |= {"netmask": "255.255.255.0", "vlan": "62"}


async def portables(api: Api) -> dict[str, dict[str, Any]]:
    (found,) = (await api.call("listPortableIpRanges"))["portableiprange"]
    return {one["ipaddress"]: one for one in found["portableipaddress"]}


async def test_portable(api: Api, server: Server) -> None:
    made = (await api.job("createPortableIpRange", **RANGE))["portableiprange"]
    net = await network(api)
    await acquire(api, networkid=net["id"])
    zone = await api.places()
    before = await api.call("listVlanIpRanges")
    mine = await acquire(api, networkid=net["id"], isportable=True, regionid=1)
    assert (mine["ipaddress"], mine["isportable"], mine["issourcenat"]) == ("10.66.0.2", True, False)
    assert (mine["zoneid"], mine["associatednetworkid"]) == (zone["zoneid"], net["id"])
    second = await acquire(api, networkid=net["id"], isportable=True, ipaddress="10.66.0.4")
    assert second["ipaddress"] == "10.66.0.4"
    assert (await refused(api, "associateIpAddress", networkid=net["id"], isportable=True, ipaddress="10.66.0.4"))[
        0
    ] == 431
    assert await api.call("listVlanIpRanges") == before, "what stands for it in the zone is not the zone's own"
    held = (await portables(api))["10.66.0.2"]
    assert (held["state"], held["networkid"], held["zoneid"]) == ("Allocated", net["id"], zone["zoneid"])
    assert (await refused(api, "deletePortableIpRange", id=made["id"]))[0] == 536
    for one in (mine, second):
        await api.job("disassociateIpAddress", id=one["id"])
        assert (await portables(api))[one["ipaddress"]]["state"] == "Free"
        assert (await refused(api, "listPublicIpAddresses", id=one["id"]))[0] == 431
    assert (await api.call("listEvents", type="PORTABLE.IPRELEASE"))["event"]
    assert await rows(server, "SELECT id FROM vlan WHERE portable_range_id IS NOT NULL AND removed IS NULL") == []
    await api.job("deletePortableIpRange", id=made["id"])
    await check(server)


async def test_a_portable_one_goes_along(api: Api, server: Server) -> None:
    await api.job("createPortableIpRange", **RANGE)
    nets = [await network(api, name) for name in ("one", "two")]
    machines = [await api.deploy(networkids=net["id"]) for net in nets]
    mine = await acquire(api, networkid=nets[0]["id"], isportable=True)
    await api.call("enableStaticNat", ipaddressid=mine["id"], virtualmachineid=machines[0]["id"])
    given = {"ipaddressid": mine["id"], "virtualmachineid": machines[1]["id"], "networkid": nets[1]["id"]}
    assert (await refused(api, "enableStaticNat", **given))[0] == 537
    await api.job("disableStaticNat", ipaddressid=mine["id"])
    await api.call("enableStaticNat", **given)
    (moved,) = await addresses(api, id=mine["id"])
    assert (moved["associatednetworkid"], moved["virtualmachineid"]) == (nets[1]["id"], machines[1]["id"])
    assert (await portables(api))[mine["ipaddress"]]["networkid"] == nets[1]["id"]
    await check(server)
    assert mine["ipaddress"] in await answers_for(api, nets[1])
    assert mine["ipaddress"] not in await answers_for(api, nets[0])
    assert (await api.call("listEvents", type="PORTABLE.IP.TRANSFER"))["count"] == 1
    await api.job("disassociateIpAddress", id=mine["id"])
    await check(server)


# -- routers that do not answer


async def test_a_router_that_refuses(api: Api, server: Server) -> None:
    machine = await api.deploy()
    net = {"id": machine["nic"][0]["networkid"]}
    made = await acquire(api, networkid=net["id"])
    held = await rows(server, "SELECT count(*) FROM public_ip WHERE state = 'Allocated'")
    zone = (await api.places())["zoneid"]
    asked = await api.call("configureSimulator", name="IpAssocCommand", value="fail", zoneid=zone)
    assert (await refused(api, "associateIpAddress", networkid=net["id"]))[0] == 530
    assert await rows(server, "SELECT count(*) FROM public_ip WHERE state = 'Allocated'") == held
    assert (await refused(api, "disassociateIpAddress", id=made["id"]))[0] == 530
    (leaving,) = await addresses(api, id=made["id"])
    assert leaving["state"] == "Releasing"
    assert (await refused(api, "enableStaticNat", ipaddressid=made["id"], virtualmachineid=machine["id"]))[0] == 431
    await api.call("cleanupSimulatorMock", id=asked["simulatormock"]["id"])
    await api.job("disassociateIpAddress", id=made["id"])
    assert await addresses(api, id=made["id"]) == []
    await check(server)
    assert len(await answers_for(api, net)) == 1
