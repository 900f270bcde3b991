"""Ranges of addresses beside those of guests: public ones that are kept, of pods, of the storage network, portable."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
from apiclient import Api, admin_keys
from invariants import check, rows
from options import make_config
from people import domain, person, refused

from cloudsim.server import Server

PUBLIC = {"gateway": "172.31.1.1", "netmask": "255.255.255.0", "startip": "172.31.1.10", "endip": "172.31.1.12"}
POD = {"gateway": "172.16.0.1", "netmask": "255.255.0.0"}
STORAGE = {"gateway": "172.20.0.1", "netmask": "255.255.255.0", "startip": "172.20.0.10", "endip": "172.20.0.12"}
PORTABLE = {"gateway": "172.30.0.1", "netmask": "255.255.255.0", "startip": "172.30.0.10", "endip": "172.30.0.19"}
#: What no range may be, given over one that is fine in the network 172.x.0.0/24 with the gateway .1.
MALFORMED: tuple[dict[str, Any], ...] = (
    {"gateway": "172.20.0"},
    {"gateway": "::1"},
    {"netmask": "255.0.255.0"},
    {"netmask": "255.255.255.255"},
    {"startip": "ten"},
    {"startip": "172.99.0.10"},
    {"endip": "172.99.0.20"},
    {"startip": "{}.12", "endip": "{}.10"},
    {"startip": "{}.1"},
    {"startip": "{}.0"},
    {"endip": "{}.255"},
    {"endip": "10.0.0.0/8"},
    {"vlan": 5000},
    {"vlan": 0},
    {"vlan": 100},
)


def malformed(fine: dict[str, Any]) -> list[dict[str, Any]]:
    """`fine` with one thing wrong, each."""
    net = fine["startip"].rpartition(".")[0]
    changed = ({k: v.format(net) if isinstance(v, str) else v for k, v in one.items()} for one in MALFORMED)
    return [{**fine, **one} for one in changed]


async def public(api: Api, **given: Any) -> dict[str, Any]:
    where = await api.places()
    return (await api.call("createVlanIpRange", zoneid=where["zoneid"], **{**PUBLIC, **given}))["vlan"]


async def source_nat(api: Api, one: Api, name: str = "n") -> str:
    """The public address of a network with a machine in it."""
    zone = await api.basics()
    offering = (await api.call("listNetworkOfferings", guestiptype="Isolated", forvpc=False))["networkoffering"]
    offered = next(item["id"] for item in offering if "SourceNat" in {s["name"] for s in item["service"]})
    made = (await one.call("createNetwork", zoneid=zone["zoneid"], networkofferingid=offered, name=name))["network"]
    await one.job("deployVirtualMachine", **zone, networkids=made["id"])
    (address,) = (await one.call("listPublicIpAddresses", associatednetworkid=made["id"]))["publicipaddress"]
    return address["ipaddress"]


# -- public


async def test_addresses_of_a_kept_range_go_to_its_owner(api: Api, http: aiohttp.ClientSession, server: Server) -> None:
    d = await domain(api, "d")
    ann, bob = await person(api, http, "ann", domainid=d["id"]), await person(api, http, "bob", domainid=d["id"])
    made = await public(api, startip="172.31.1.10", endip="172.31.1.11")
    kept = (await api.call("dedicatePublicIpRange", id=made["id"], domainid=d["id"], account="ann"))["vlan"]
    assert (kept["id"], kept["account"], kept["domainid"]) == (made["id"], "ann", d["id"])
    (listed,) = (await api.call("listVlanIpRanges", account="ann", domainid=d["id"]))["vlaniprange"]
    assert listed == kept
    assert await source_nat(api, ann) == "172.31.1.10"
    assert (await source_nat(api, bob)).startswith("198.18.")
    assert await source_nat(api, ann, "m") == "172.31.1.11"
    await api.call("updateConfiguration", name="use.system.public.ips", value=False)
    job = await ended(api, ann)
    assert (job["jobstatus"], job["jobresult"]["errorcode"]) == (2, 533)
    await api.call("updateConfiguration", name="use.system.public.ips", value=True)
    assert (await source_nat(api, ann, "o")).startswith("198.18.")
    # once it is released it is everybody's; what is taken stays with whom has it
    assert await api.call("releasePublicIpRange", id=made["id"]) == {"success": True}
    assert "account" not in (await api.call("listVlanIpRanges", id=made["id"]))["vlaniprange"][0]
    assert (await refused(api, "releasePublicIpRange", id=made["id"]))[0] == 431
    assert (await api.call("listPublicIpAddresses", ipaddress="172.31.1.10", listall=True))["count"] == 1
    await check(server)


async def ended(api: Api, one: Api) -> dict[str, Any]:
    """How a deployment into a new network of a caller's ended."""
    zone = await api.basics()
    offering = (await api.call("listNetworkOfferings", guestiptype="Isolated", forvpc=False))["networkoffering"]
    offered = next(item["id"] for item in offering if "SourceNat" in {s["name"] for s in item["service"]})
    made = (await one.call("createNetwork", zoneid=zone["zoneid"], networkofferingid=offered, name="no"))["network"]
    return await one.wait((await one.call("deployVirtualMachine", **zone, networkids=made["id"]))["jobid"])


async def test_a_range_of_a_domain(api: Api, http: aiohttp.ClientSession, server: Server) -> None:
    d = await domain(api, "d")
    ann, stranger = await person(api, http, "ann", domainid=d["id"]), await person(api, http, "stranger")
    made = await public(api)
    kept = (await api.call("dedicatePublicIpRange", id=made["id"], domainid=d["id"]))["vlan"]
    assert ("account" in kept, kept["domain"]) == (False, "d")
    assert (await source_nat(api, stranger)).startswith("198.18.")
    assert await source_nat(api, ann) == "172.31.1.10"
    # nor does a network of a stranger get an address of it that is asked for
    zone = (await api.call("listZones"))["zone"][0]["id"]
    offering = (await api.call("listNetworkOfferings", guestiptype="Isolated", forvpc=False))["networkoffering"]
    offered = next(item["id"] for item in offering if "SourceNat" in {s["name"] for s in item["service"]})
    given = {"zoneid": zone, "networkofferingid": offered, "name": "x", "sourcenatipaddress": "172.31.1.12"}
    assert (await refused(stranger, "createNetwork", **given))[0] == 431
    await api.job("deleteDomain", id=d["id"], cleanup=True)
    assert "domain" not in (await api.call("listVlanIpRanges", id=made["id"]))["vlaniprange"][0]
    await check(server)


async def test_public_ranges_that_cannot_be_kept(api: Api, http: aiohttp.ClientSession) -> None:
    d = await domain(api, "d")
    ann = await person(api, http, "ann", domainid=d["id"])
    bob = await person(api, http, "bob")
    (seeded,) = (await api.call("listVlanIpRanges"))["vlaniprange"]
    await source_nat(api, bob)
    status, text = await refused(api, "dedicatePublicIpRange", id=seeded["id"], domainid=d["id"])
    assert (status, "someone else" in text) == (431, True)
    system = await public(api, forsystemvms=True)
    assert (await refused(api, "dedicatePublicIpRange", id=system["id"], domainid=d["id"]))[0] == 431
    other = {"gateway": "172.31.2.1", "startip": "172.31.2.10", "endip": "172.31.2.60"}
    made = await public(api, **other)
    for given in ({"domainid": "x"}, {}, {"domainid": d["id"], "account": "bob"}):
        assert (await refused(api, "dedicatePublicIpRange", id=made["id"], **given))[0] == 431, given
    assert (await refused(ann, "dedicatePublicIpRange", id=made["id"], domainid=d["id"]))[0] == 432
    # more than the account may have
    assert (await refused(api, "dedicatePublicIpRange", id=made["id"], domainid=d["id"], account="ann"))[0] == 535
    await api.call("dedicatePublicIpRange", id=made["id"], domainid=d["id"])
    status, text = await refused(api, "dedicatePublicIpRange", id=made["id"], domainid=d["id"])
    assert (status, "already" in text) == (431, True)
    assert (await refused(api, "updateVlanIpRange", id=made["id"], forsystemvms=True))[0] == 431


async def test_many_want_one_public_range(api: Api) -> None:
    made = await public(api)
    domains = [await domain(api, f"d{number}") for number in range(8)]
    asked = (api.call("dedicatePublicIpRange", id=made["id"], domainid=one["id"]) for one in domains)
    ended = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(one, dict) for one in ended) == 1


# -- of pods


async def pod_of(api: Api) -> dict[str, Any]:
    return (await api.call("listPods"))["pod"][0]


async def more(api: Api, pod: dict[str, Any], start: str, end: str | None = None, **given: Any) -> dict[str, Any]:
    """Another range of the pod."""
    made = await api.job(
        "createManagementNetworkIpRange", podid=pod["id"], startip=start, endip=end, **{**POD, **given}
    )
    return made["pod"]


async def test_ranges_of_a_pod(api: Api, server: Server) -> None:
    pod = await pod_of(api)
    made = await more(api, pod, "172.16.20.1", "172.16.20.3", forsystemvms=True, vlan="2000")
    assert made["startip"] == ["172.16.0.2", "172.16.20.1"]
    assert made["ipranges"][1] == {
        "startip": "172.16.20.1",
        "endip": "172.16.20.3",
        "forsystemvms": "1",
        "vlanid": "vlan://2000",
    }
    assert (await more(api, pod, "172.16.21.1"))["endip"][2] == "172.16.21.1"
    given = {"podid": pod["id"], "currentstartip": "172.16.21.1", "currentendip": "172.16.21.1"}
    await api.job("updatePodManagementNetworkIpRange", **given, newendip="172.16.21.9")
    assert (await pod_of(api))["endip"][2] == "172.16.21.9"
    gone = {"podid": pod["id"], "startip": "172.16.21.1", "endip": "172.16.21.9", "vlan": "untagged"}
    assert await api.job("deleteManagementNetworkIpRange", **gone) == {"success": True}
    assert (await pod_of(api))["endip"] == ["172.16.15.254", "172.16.20.3"]
    assert (await refused(api, "deleteManagementNetworkIpRange", **gone))[0] == 431
    await check(server)


async def test_ranges_of_a_pod_that_cannot_be(api: Api, http: aiohttp.ClientSession) -> None:
    pod = await pod_of(api)
    fine = {**POD, "podid": pod["id"], "startip": "172.16.20.1", "endip": "172.16.20.9"}
    wrong = (
        *({**fine, **one} for one in ({"gateway": "172.16.0.2"}, {"netmask": "255.255.255.0"}, {"netmask": "x"})),
        *(
            {**fine, **one}
            for one in ({"startip": "172.17.0.1"}, {"endip": "172.16.19.1"}, {"endip": "172.16.255.255"})
        ),
        *({**fine, **one} for one in ({"startip": "172.16.15.254"}, {"startip": "172.16.0.1"}, {"startip": "a"})),
        *({**fine, "vlan": vlan} for vlan in ("0", "5000", "x", "100", "20-30")),
        {**fine, "podid": "x"},
    )
    for given in wrong:
        assert (await refused(api, "createManagementNetworkIpRange", **given))[0] == 431, given
    user = await person(api, http, "u")
    assert (await refused(user, "createManagementNetworkIpRange", **fine))[0] == 432
    await more(api, pod, "172.16.20.1", "172.16.20.9")
    assert (await refused(api, "createManagementNetworkIpRange", **fine))[0] == 431
    current = {"podid": pod["id"], "currentstartip": "172.16.20.1", "currentendip": "172.16.20.9"}
    for given in (
        {},
        {"newstartip": "172.16.15.1"},
        {"newendip": "172.16.19.1"},
        {"newendip": "172.17.0.1"},
        {"newendip": "172.16.20.10", "currentendip": "172.16.20.8"},
    ):
        assert (await refused(api, "updatePodManagementNetworkIpRange", **{**current, **given}))[0] == 431, given
    # hosts have addresses of the first
    first = {"podid": pod["id"], "startip": "172.16.0.2", "endip": "172.16.15.254"}
    assert (await refused(api, "deleteManagementNetworkIpRange", **first, vlan="untagged"))[0] == 536
    assert (await refused(api, "deleteManagementNetworkIpRange", **first, vlan="5"))[0] == 431
    current = {"podid": pod["id"], "currentstartip": "172.16.0.2", "currentendip": "172.16.15.254"}
    assert (await refused(api, "updatePodManagementNetworkIpRange", **current, newstartip="172.16.1.1"))[0] == 536
    gone = {"podid": pod["id"], "startip": "172.16.20.1", "endip": "172.16.20.9", "vlan": "untagged"}
    await api.job("deleteManagementNetworkIpRange", **gone)
    assert len((await pod_of(api))["ipranges"]) == 1


async def test_the_last_range_of_a_pod_stays(api: Api) -> None:
    zone = {"dns1": "10.0.0.1", "internaldns1": "10.0.0.1", "networktype": "Advanced", "name": "z"}
    made = (await api.call("createZone", **zone))["zone"]["id"]
    given = {"gateway": "10.9.0.1", "netmask": "255.255.255.0", "startip": "10.9.0.2", "endip": "10.9.0.9"}
    pod = (await api.call("createPod", zoneid=made, name="p", **given))["pod"]
    gone = {"podid": pod["id"], "startip": "10.9.0.2", "endip": "10.9.0.9", "vlan": "untagged"}
    status, text = await refused(api, "deleteManagementNetworkIpRange", **gone)
    assert (status, "no other range" in text) == (431, True)


async def running(api: Api, server: Server, kind: str) -> dict[str, Any]:
    """A system machine of a kind that runs."""
    await server.periodic.run_now("system-vms")
    async with asyncio.timeout(30):
        while True:
            found = (await api.call("listSystemVms", systemvmtype=kind)).get("systemvm", [])
            if found and found[0]["state"] == "Running":
                return found[0]
            await asyncio.sleep(0.02)


async def restarted(api: Api, machine: dict[str, Any]) -> dict[str, Any]:
    await api.job("stopSystemVm", id=machine["id"])
    return (await api.job("startSystemVm", id=machine["id"]))["systemvm"]


async def test_the_clouds_own_machines_get_what_is_kept_for_them(api: Api, server: Server) -> None:
    proxy, pod = await running(api, server, "consoleproxy"), await pod_of(api)
    await more(api, pod, "172.16.20.1", forsystemvms=True)
    assert (await restarted(api, proxy))["privateip"] == "172.16.20.1"
    gone = {"podid": pod["id"], "startip": "172.16.20.1", "endip": "172.16.20.1", "vlan": "untagged"}
    assert (await refused(api, "deleteManagementNetworkIpRange", **gone))[0] == 536
    # that range is full; with the strict setting there is nothing else
    storage = await running(api, server, "secondarystoragevm")
    assert (await restarted(api, storage))["privateip"] != "172.16.20.1"
    name = "system.vm.management.ip.reservation.mode.strictness"
    await api.call("updateConfiguration", name=name, value=True)
    await api.job("stopSystemVm", id=storage["id"])
    status, text = await refused(api, "startSystemVm", id=storage["id"])
    assert (status, "no free address" in text) == (533, True)
    # a host gets none of them
    where = await api.places()
    (host,) = (await api.call("addHost", **where, hypervisor="Simulator", url="http://sim/c/h"))["host"]
    assert host["ipaddress"] not in ("172.16.20.1", "172.16.0.1")
    held = await rows(server, "SELECT ip FROM system_nic WHERE removed IS NULL AND kind = 'Management'")
    assert (host["ipaddress"],) not in held


# -- addresses of pods for use outside


async def test_addresses_are_acquired_and_released(api: Api, http: aiohttp.ClientSession, server: Server) -> None:
    where = await api.places()
    made = (await api.call("acquirePodIpAddress", zoneid=where["zoneid"]))["podipaddress"]
    assert set(made) == {"id", "ipaddress", "podid", "gateway", "cidr", "hostmac"}
    assert (made["cidr"], made["gateway"]) == ("172.16.0.0/16", "172.16.0.1")
    given = {"zoneid": where["zoneid"], "podid": where["podid"]}
    asked = await asyncio.gather(*(api.call("acquirePodIpAddress", **given) for _ in range(30)))
    found = [one["podipaddress"]["ipaddress"] for one in asked] + [made["ipaddress"]]
    held = await rows(server, "SELECT ip FROM system_nic WHERE removed IS NULL AND pod_id IS NOT NULL")
    hosts = await rows(server, "SELECT ip FROM host WHERE removed IS NULL")
    everything = [*found, *(ip for (ip,) in (*held, *hosts))]
    assert len(everything) == len(set(everything))
    (host,) = (await api.call("addHost", **await api.places(), hypervisor="Simulator", url="http://sim/c/h"))["host"]
    assert host["ipaddress"] not in found
    assert await api.call("releasePodIpAddress", id=made["id"]) == {"success": True}
    for given in ({"id": made["id"]}, {"id": 99999}, {"id": "x"}, {}):
        assert (await refused(api, "releasePodIpAddress", **given))[0] == 431, given
    for given in ({}, {"zoneid": "x"}, {"zoneid": where["zoneid"], "podid": where["zoneid"]}):
        assert (await refused(api, "acquirePodIpAddress", **given))[0] == 431, given
    user = await person(api, http, "u")
    assert (await refused(user, "acquirePodIpAddress", zoneid=where["zoneid"]))[0] == 432


# -- of the storage network


async def storage(api: Api, **given: Any) -> dict[str, Any]:
    where = await api.places()
    made = await api.job("createStorageNetworkIpRange", podid=where["podid"], **{**STORAGE, **given})
    return made["storagenetworkiprange"]


async def test_ranges_of_the_storage_network(api: Api, server: Server) -> None:
    where = await api.places()
    made = await storage(api, vlan=50)
    assert made == {
        "id": made["id"],
        "podid": where["podid"],
        "zoneid": where["zoneid"],
        "vlan": 50,
        **STORAGE,
    }
    for given in (
        {},
        {"id": made["id"]},
        {"podid": where["podid"]},
        {"zoneid": where["zoneid"]},
        {"keyword": "172.20"},
    ):
        found = await api.call("listStorageNetworkIpRange", **given)
        assert found == {"count": 1, "storagenetworkiprange": [made]}, given
    assert await api.call("listStorageNetworkIpRange", keyword="nothing") == {}
    given = {"id": made["id"], "endip": "172.20.0.20", "vlan": 51, "netmask": "255.255.0.0"}
    changed = (await api.job("updateStorageNetworkIpRange", **given))["storagenetworkiprange"]
    assert changed == {**made, "endip": "172.20.0.20", "vlan": 51, "netmask": "255.255.0.0"}
    assert (await refused(api, "deletePod", id=where["podid"]))[0] == 536
    assert await api.job("deleteStorageNetworkIpRange", id=made["id"]) == {"success": True}
    assert await api.call("listStorageNetworkIpRange") == {}
    assert (await refused(api, "deleteStorageNetworkIpRange", id=made["id"]))[0] == 431
    await check(server)


async def test_storage_ranges_that_cannot_be(api: Api, http: aiohttp.ClientSession, server: Server) -> None:
    where = await api.places()
    pod = {"gateway": "172.16.0.1", "netmask": "255.255.0.0", "startip": "172.16.15.1", "endip": "172.16.16.1"}
    public = {"gateway": "198.18.0.1", "netmask": "255.255.252.0", "startip": "198.18.0.9", "endip": "198.18.0.9"}
    for given in (*malformed(STORAGE), pod, public):
        assert (await refused(api, "createStorageNetworkIpRange", podid=where["podid"], **given))[0] == 431, given
    assert (await refused(api, "createStorageNetworkIpRange", podid="x", **STORAGE))[0] == 431
    user = await person(api, http, "u")
    assert (await refused(user, "createStorageNetworkIpRange", podid=where["podid"], **STORAGE))[0] == 432
    made = await storage(api)
    assert (await refused(api, "createStorageNetworkIpRange", podid=where["podid"], **STORAGE))[0] == 431
    for given in ({"startip": "172.20.0.13"}, {"endip": "172.21.0.1"}, {"netmask": "x"}, {"vlan": 0}, {"vlan": 200}):
        assert (await refused(api, "updateStorageNetworkIpRange", id=made["id"], **given))[0] == 431, given
    # others may not take its addresses
    given = {**STORAGE, "zoneid": where["zoneid"]}
    assert (await refused(api, "createVlanIpRange", **given))[0] == 431
    assert (await refused(api, "createPortableIpRange", regionid=1, **STORAGE))[0] == 431
    # without storage traffic there are none
    (kind,) = [
        one
        for one in (await api.call("listTrafficTypes", physicalnetworkid=await wire(api)))["traffictype"]
        if one["traffictype"] == "Storage"
    ]
    await api.job("deleteStorageNetworkIpRange", id=made["id"])
    await api.job("deleteTrafficType", id=kind["id"])
    status, text = await refused(api, "createStorageNetworkIpRange", podid=where["podid"], **STORAGE)
    assert (status, "storage traffic" in text) == (431, True)
    assert await rows(server, "SELECT count(*) FROM storage_range WHERE removed IS NULL") == [(0,)]


async def wire(api: Api) -> str:
    return (await api.call("listPhysicalNetworks"))["physicalnetwork"][0]["id"]


async def test_secondary_storage_has_a_card_in_the_storage_network(api: Api, server: Server) -> None:
    machine = await running(api, server, "secondarystoragevm")
    made = await storage(api, startip="172.20.0.10", endip="172.20.0.11")
    await restarted(api, machine)
    cards = "SELECT ip, vlan FROM system_nic WHERE kind = 'Storage' AND removed IS NULL"
    assert await rows(server, cards) == [("172.20.0.10", None)]
    assert (await refused(api, "deleteStorageNetworkIpRange", id=made["id"]))[0] == 536
    for given in ({"startip": "172.20.0.11"}, {"vlan": 50}, {"netmask": "255.255.0.0"}):
        assert (await refused(api, "updateStorageNetworkIpRange", id=made["id"], **given))[0] == 536, given
    await api.job("updateStorageNetworkIpRange", id=made["id"], endip="172.20.0.10")
    await restarted(api, await running(api, server, "consoleproxy"))
    assert len(await rows(server, cards)) == 1
    await api.job("stopSystemVm", id=machine["id"])
    assert await rows(server, cards) == []
    await api.job("deleteStorageNetworkIpRange", id=made["id"])
    started = (await api.job("startSystemVm", id=machine["id"]))["systemvm"]
    assert started["state"] == "Running"
    assert await rows(server, cards) == []


# -- portable


async def test_portable_ranges(api: Api, http: aiohttp.ClientSession, server: Server) -> None:
    made = (await api.job("createPortableIpRange", regionid=1, vlan="60", **PORTABLE))["portableiprange"]
    addresses = made.pop("portableipaddress")
    assert made == {"id": made["id"], "regionid": 1, "vlan": "vlan://60", **PORTABLE}
    assert addresses[0] == {"regionid": 1, "ipaddress": "172.30.0.10", "state": "Free"}
    assert [one["ipaddress"] for one in addresses] == [f"172.30.0.{number}" for number in range(10, 20)]
    for given, count in (({}, 1), ({"id": made["id"]}, 1), ({"regionid": 1}, 1), ({"regionid": 2}, None)):
        assert (await api.call("listPortableIpRanges", **given)).get("count") == count, given
    for given in (*malformed(PORTABLE), {**PORTABLE, "regionid": 7}, PORTABLE, {**PORTABLE, "endip": None}):
        assert (await refused(api, "createPortableIpRange", **{"regionid": 1, **given}))[0] == 431, given
    user = await person(api, http, "u")
    assert (await refused(user, "createPortableIpRange", regionid=1, **PORTABLE))[0] == 432
    assert await rows(server, "SELECT count(*) FROM portable_ip") == [(10,)]
    await server.db.write(lambda tx: tx._change("UPDATE portable_ip SET state = 'Allocated' WHERE id = 1", []))
    assert (await refused(api, "deletePortableIpRange", id=made["id"]))[0] == 536
    await server.db.write(lambda tx: tx._change("UPDATE portable_ip SET state = 'Free' WHERE id = 1", []))
    assert await api.job("deletePortableIpRange", id=made["id"]) == {"success": True}
    assert await api.call("listPortableIpRanges") == {}
    assert await rows(server, "SELECT count(*) FROM portable_ip") == [(0,)]
    assert (await refused(api, "deletePortableIpRange", id=made["id"]))[0] == 431
    await check(server)


async def test_many_make_the_same_range(api: Api, server: Server) -> None:
    """Of each kind one is made; the others are refused, in the call or in the job."""
    where, pod = await api.places(), await pod_of(api)
    given = {**POD, "podid": pod["id"], "startip": "172.16.20.1", "endip": "172.16.20.9"}
    for command, values in (
        ("createPortableIpRange", {"regionid": 1, **PORTABLE}),
        ("createStorageNetworkIpRange", {"podid": where["podid"], **STORAGE}),
        ("createManagementNetworkIpRange", given),
    ):
        asked = await asyncio.gather(*(api.call(command, **values) for _ in range(8)), return_exceptions=True)
        ended = await asyncio.gather(*(api.wait(one["jobid"]) for one in asked if isinstance(one, dict)))
        assert [one["jobstatus"] for one in ended].count(1) == 1, command
    for table in ("portable_range", "storage_range"):
        assert await rows(server, f"SELECT count(*) FROM {table}") == [(1,)]
    assert await rows(server, "SELECT count(*) FROM portable_ip") == [(10,)]
    assert len((await pod_of(api))["ipranges"]) == 2
    await check(server)


async def test_what_was_asked_for_is_done_after_a_stop(data_dir: Path, http: aiohttp.ClientSession) -> None:
    """The server stops right after it has answered; the next start does the rest, once."""
    server = Server(make_config(data_dir))
    await server.start()
    api = Api(http, server.url, *admin_keys(data_dir))
    pod, root = await pod_of(api), (await api.call("listDomains", name="ROOT"))["domain"][0]["id"]
    management = {**POD, "podid": pod["id"], "startip": "172.16.20.1", "endip": "172.16.20.9"}
    asked = await asyncio.gather(
        api.call("createPortableIpRange", regionid=1, **PORTABLE),
        api.call("createStorageNetworkIpRange", podid=pod["id"], **STORAGE),
        api.call("createManagementNetworkIpRange", **management),
        api.call("dedicatePod", podid=pod["id"], domainid=root),
    )
    await server.stop()
    server = Server(make_config(data_dir))
    await server.start()
    try:
        api = Api(http, server.url, *admin_keys(data_dir))
        ended = [await api.wait(one["jobid"]) for one in asked]
        assert [one["jobstatus"] for one in ended] == [1] * 4
        for table, number in (("portable_ip", 10), ("storage_range", 1), ("dedicated_resource", 1)):
            assert await rows(server, f"SELECT count(*) FROM {table}") == [(number,)]
        assert len((await pod_of(api))["ipranges"]) == 2
        await check(server)
    finally:
        await server.stop()
