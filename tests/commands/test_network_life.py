"""Networks from offerings of one's own: made, changed to other offerings, restarted, deleted; in projects; many at once."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import aiohttp
import pytest
from apiclient import Api, Refused
from invariants import check, none, rest, rows
from people import domain, person, refused
from test_nics import ISOLATED, network, shared

from cloudsim.server import Server

NAT = ("Dhcp", "Dns", "UserData", "SourceNat", "StaticNat", "PortForwarding", "Firewall", "Lb")


async def offering(
    api: Api, name: str, services: tuple[str, ...] = NAT, *, enable: bool = True, **given: Any
) -> dict[str, Any]:
    """An offering whose services are the virtual router's."""
    asked: dict[str, Any] = {"name": name, "displaytext": name, "guestiptype": "Isolated", "traffictype": "GUEST"}
    for number, service in enumerate(services):
        asked[f"serviceproviderlist[{number}].service"] = service
        asked[f"serviceproviderlist[{number}].provider"] = "VirtualRouter"
    asked |= {"supportedservices": ",".join(services) or None, **given}
    made = (await api.call("createNetworkOffering", "POST", **asked))["networkoffering"]
    if enable:
        await api.call("updateNetworkOffering", id=made["id"], state="Enabled")
    return made


async def listed(api: Api, net: dict[str, Any]) -> dict[str, Any]:
    return (await api.call("listNetworks", id=net["id"]))["network"][0]


async def parts(api: Api, server: Server, net: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    await rest(server)
    (router,) = (await api.call("listRouters", networkid=net["id"], listall=True))["router"]
    return server.simulator.router(router["id"])


async def forwarded(api: Api, net: dict[str, Any], machine: dict[str, Any]) -> None:
    """Port 80 of the network's address is the machine's."""
    (address,) = (await api.call("listPublicIpAddresses", associatednetworkid=net["id"]))["publicipaddress"]
    given = {"protocol": "tcp", "publicport": 80, "privateport": 8080, "virtualmachineid": machine["id"]}
    await api.job("createPortForwardingRule", ipaddressid=address["id"], openfirewall=False, **given)


@pytest.mark.parametrize(
    ("kind", "services", "given", "state", "routers"),
    [
        ("Isolated", NAT, {}, "Implemented", 1),
        ("Isolated", ("Dhcp", "Dns"), {}, "Implemented", 1),
        ("Isolated", (), {}, "Implemented", 0),
        ("Isolated", NAT, {"ispersistent": True, "conservemode": False, "egressdefaultpolicy": True}, "Implemented", 1),
        ("Isolated", NAT, {"specifyvlan": True}, "Implemented", 1),
        ("Shared", ("Dhcp", "Dns", "UserData"), {"specifyvlan": True, "specifyipranges": True}, "Setup", 1),
        ("Shared", (), {"specifyvlan": True, "specifyipranges": True}, "Setup", 0),
        ("L2", (), {}, "Implemented", 0),
        ("L2", (), {"specifyvlan": True}, "Implemented", 0),
    ],
)
async def test_networks_of_offerings_of_ones_own(
    api: Api, server: Server, kind: str, services: tuple[str, ...], given: dict[str, Any], state: str, routers: int
) -> None:
    await offering(api, "own", services, guestiptype=kind, **given)
    place: dict[str, Any] = {"gateway": "10.9.9.1", "netmask": "255.255.255.0"} if kind != "L2" else {}
    if kind == "Shared":
        place |= {"startip": "10.9.9.10", "endip": "10.9.9.20"}
    if given.get("specifyvlan"):
        place["vlan"] = "4000"
    (offered,) = (await api.call("listNetworkOfferings", name="own"))["networkoffering"]
    (zone,) = (await api.call("listZones"))["zone"]
    net = (await api.call("createNetwork", name="net", zoneid=zone["id"], networkofferingid=offered["id"], **place))[
        "network"
    ]
    assert net["ispersistent"] is bool(given.get("ispersistent"))
    assert net["networkofferingconservemode"] is given.get("conservemode", True)
    assert net["egressdefaultpolicy"] is bool(given.get("egressdefaultpolicy"))
    await rest(server)
    if given.get("ispersistent"):
        assert net["state"] == "Implemented"
        assert (await api.call("listRouters", networkid=net["id"], listall=True))["router"][0]["state"] == "Running"
    machine = await api.deploy(networkids=net["id"])
    assert ("ipaddress" in machine) is (kind != "L2")
    now = await listed(api, net)
    assert (now["state"], now["type"]) == (state, kind)
    assert (now["vlan"] == "4000") is bool(given.get("specifyvlan"))
    assert {service["name"] for service in now["service"]} == set(services)
    assert len((await api.call("listRouters", networkid=net["id"], listall=True)).get("router", [])) == routers
    await api.job("destroyVirtualMachine", id=machine["id"], expunge=True)
    assert await api.job("deleteNetwork", id=net["id"]) == {"success": True}
    await none(server, "SELECT vlan FROM vnet WHERE network_id IS NOT NULL OR taken IS NOT NULL")
    await check(server)


@pytest.mark.parametrize(
    "given",
    [
        {"servicecapabilitylist[0].service": "Lb", "servicecapabilitylist[0].capabilitytype": "Nonsense"},
        {"servicecapabilitylist[0].service": "Vpn", "servicecapabilitylist[0].capabilitytype": "VpnTypes"},
        {"servicecapabilitylist[0].service": "SourceNat", "servicecapabilitylist[0].capabilitytype": "RedundantRouter",
         "servicecapabilitylist[0].capabilityvalue": "perhaps"},
        {"servicecapabilitylist[0].service": "Dhcp", "servicecapabilitylist[0].capabilitytype": "ExtraDhcpOptions",
         "servicecapabilitylist[0].capabilityvalue": "true"},
        {"serviceproviderlist[20].service": "Dhcp", "serviceproviderlist[20].provider": "ConfigDrive"},
        {"serviceproviderlist[20].service": "Dhcp", "serviceproviderlist[20].provider": "VirtualRouter"},
        {"serviceproviderlist[20].service": "Dhcp", "serviceproviderlist[20].provider": "Netscaler"},
        {"serviceproviderlist[20].service": "Vpn", "serviceproviderlist[20].provider": "VirtualRouter"},
        {"supportedservices": "Dhcp,SecurityGroup"},
        {"supportedservices": "Magic"},
        {"guestiptype": "Shared"},
        {"guestiptype": "Shared", "specifyvlan": True, "specifyipranges": True, "ispersistent": True},
        {"guestiptype": "L2"},
    ],
)  # fmt: skip
async def test_offerings_that_cannot_be(api: Api, given: dict[str, Any]) -> None:
    before = (await api.call("listNetworkOfferings"))["count"]
    with pytest.raises(Refused) as caught:
        await offering(api, "own", **given)
    assert caught.value.status == 431
    assert (await api.call("listNetworkOfferings"))["count"] == before


async def test_a_choice_of_capabilities_is_shown_and_has_its_effect(api: Api, server: Server) -> None:
    chosen = {"service": "SourceNat", "capabilitytype": "RedundantRouter", "capabilityvalue": "true"}
    made = await offering(api, "two", **{f"servicecapabilitylist[0].{name}": value for name, value in chosen.items()})
    (nat,) = [service for service in made["service"] if service["name"] == "SourceNat"]
    assert (nat["capability"][0]["name"], nat["capability"][0]["value"]) == ("RedundantRouter", "true")
    net = await network(api, "net", 9, "two")
    await api.deploy(networkids=net["id"])
    await rest(server)
    assert len((await api.call("listRouters", networkid=net["id"], listall=True))["router"]) == 2
    await check(server)


async def test_services_come_with_another_offering_and_go_with_it(api: Api, server: Server) -> None:
    less = await offering(api, "less", ("Dhcp", "SourceNat", "Firewall"))
    net = await network(api, "net", 9)
    machine = await api.deploy(networkids=net["id"])
    await forwarded(api, net, machine)
    assert {"dns", "portforwarding"} <= set(await parts(api, server, net))
    change = {"id": net["id"], "networkofferingid": less["id"]}
    status, text = await refused(api, "updateNetwork", **change)
    assert (status, "PortForwarding" in text) == (431, True)
    assert len((await parts(api, server, net))["portforwarding"]) == 1
    changed = (await api.job("updateNetwork", **change, forced=True))["network"]
    assert {service["name"] for service in changed["service"]} == {"Dhcp", "SourceNat", "Firewall"}
    assert await api.call("listPortForwardingRules", networkid=net["id"]) == {}
    assert {"dns", "portforwarding"}.isdisjoint(await parts(api, server, net))
    (before,) = (await api.call("listNetworkOfferings", name=ISOLATED))["networkoffering"]
    await api.job("updateNetwork", id=net["id"], networkofferingid=before["id"])
    assert (await parts(api, server, net))["portforwarding"] == []
    assert len((await parts(api, server, net))["dns"]) == 1
    used = "SELECT count(*) FROM usage WHERE type = 13 AND row_id = (SELECT max(id) FROM nic WHERE is_default)"
    assert (await rows(server, used))[0][0] >= 1
    await check(server)


async def test_a_network_gets_a_router_or_loses_it_with_its_offering(api: Api, server: Server) -> None:
    bare, more = await offering(api, "bare", ()), await offering(api, "more", ("Dhcp", "Dns"))
    net = await network(api, "net", 9, "bare")
    await api.deploy(networkids=net["id"])
    for offered, routers in ((more, 1), (bare, 0), (more, 1)):
        await api.job("updateNetwork", id=net["id"], networkofferingid=offered["id"])
        await rest(server)
        assert len((await api.call("listRouters", networkid=net["id"], listall=True)).get("router", [])) == routers
        await check(server)


async def test_offerings_that_a_network_cannot_change_to(api: Api, server: Server) -> None:
    net = await network(api, "net", 9)
    await api.deploy(networkids=net["id"])
    disabled = await offering(api, "disabled", enable=False)
    vlan = await offering(api, "vlan", specifyvlan=True)
    plain = await offering(api, "plain", ("Dhcp", "Dns"))
    (flat,) = (await api.call("listNetworkOfferings", name="DefaultL2NetworkOffering"))["networkoffering"]
    for other in (disabled, vlan, plain, flat):
        assert (await refused(api, "updateNetwork", id=net["id"], networkofferingid=other["id"], forced=True))[0] == 431
    assert (await listed(api, net))["networkofferingname"] == ISOLATED
    await check(server)


async def test_a_network_that_becomes_persistent_is_real_at_once(api: Api, server: Server) -> None:
    lasting = await offering(api, "lasting", ispersistent=True)
    net = await network(api, "net", 9)
    changed = (await api.job("updateNetwork", id=net["id"], networkofferingid=lasting["id"]))["network"]
    assert changed["state"] == "Implemented"
    await rest(server)
    assert len((await api.call("listRouters", networkid=net["id"], listall=True))["router"]) == 1
    await check(server)


@pytest.mark.parametrize("given", [{}, {"cleanup": True}, {"makeredundant": True}])
async def test_rules_come_along_when_a_network_is_restarted(api: Api, server: Server, given: dict[str, Any]) -> None:
    net = await network(api, "net", 9)
    machine = await api.deploy(networkids=net["id"])
    await forwarded(api, net, machine)
    before = await parts(api, server, net)
    assert await api.job("restartNetwork", id=net["id"], **given) == {"success": True}
    await rest(server)
    for router in (await api.call("listRouters", networkid=net["id"], listall=True))["router"]:
        assert server.simulator.router(router["id"]) == before
    await check(server)


async def test_networks_in_projects_and_domains(api: Api, http: aiohttp.ClientSession, server: Server) -> None:
    place = await domain(api, "place")
    one = await person(api, http, "one", domainid=place["id"])
    project = (await one.job("createProject", name="club", displaytext="club"))["project"]
    net = await network(one, "ours", 9, projectid=project["id"])
    assert (net["project"], "account" in net) == ("club", False)
    machine = await one.deploy(networkids=net["id"], projectid=project["id"])
    assert machine["project"] == "club"
    assert (await refused(one, "deployVirtualMachine", **await one.basics(), networkids=net["id"]))[0] == 531
    theirs = await shared(api, acltype="Domain", domainid=place["id"])
    assert (await one.deploy(networkids=theirs["id"]))["ipaddress"].startswith("10.7.7.")
    two = await person(api, http, "two")
    assert (await refused(two, "deployVirtualMachine", **await two.basics(), networkids=theirs["id"]))[0] == 431
    await check(server)


async def test_vlans_and_ranges_that_are_taken(api: Api, server: Server) -> None:
    await shared(api)
    with pytest.raises(Refused) as caught:
        await shared(api)
    assert (caught.value.status, "777" in caught.value.text) == (431, True)
    await network(api, "net", 9)
    # networks of their own do not know each other: the same addresses are fine
    await network(api, "twin", 9)
    await check(server)


async def test_two_hundred_callers_at_once(api: Api, server: Server) -> None:
    machine = await api.deploy()
    nets = await asyncio.gather(*(network(api, f"net{number}", number) for number in range(4)))

    async def ask(number: int) -> None:
        with contextlib.suppress(Refused):  # the card may be there already
            await api.call("addNicToVirtualMachine", virtualmachineid=machine["id"], networkid=nets[number % 4]["id"])

    await asyncio.gather(*(ask(number) for number in range(200)))
    await rest(server)
    made = "SELECT count(*) FROM job WHERE workflow = 'virtualmachine.addnic' AND state = 'succeeded'"
    assert await rows(server, made) == [(4,)]
    (now,) = (await api.call("listVirtualMachines", id=machine["id"]))["virtualmachine"]
    assert len(now["nic"]) == len({nic["deviceid"] for nic in now["nic"]}) == 5
    await check(server)
