"""Public addresses: acquired, reserved, released, portable ones; who may have which, and what the router answers for."""

from __future__ import annotations

from typing import Any

from apiclient import Api
from invariants import check
from people import refused

from cloudsim.server import Server

ISOLATED = "DefaultIsolatedNetworkOfferingWithSourceNatService"


async def network(api: Api, name: str = "mine", offering: str = ISOLATED, **given: Any) -> dict[str, Any]:
    (offered,) = (await api.call("listNetworkOfferings", name=offering))["networkoffering"]
    where = {"zoneid": (await api.places())["zoneid"], "networkofferingid": offered["id"], "name": name}
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
