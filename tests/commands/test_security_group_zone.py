"""An advanced zone with security groups: machines are in its shared networks, and in no others."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import zones
from apiclient import Api
from invariants import check, rest
from people import person, refused

from cloudsim.server import Server


@pytest.fixture
async def cloud(tmp_path: Path) -> AsyncIterator[tuple[Server, Api]]:
    async with zones.empty_server(tmp_path) as made:
        yield made


async def shared(api: Api, made: dict[str, Any], name: str, number: int, **given: Any) -> dict[str, Any]:
    """A further network with the addresses 10.NUMBER.0.10 and .11."""
    wanted = {
        "zoneid": made["zoneid"], "name": name, "vlan": str(700 + number), "gateway": f"10.{number}.0.1",
        "netmask": "255.255.255.0", "startip": f"10.{number}.0.10", "endip": f"10.{number}.0.11",
        "networkofferingid": await zones.offering(api, zones.SECURED),
    }  # fmt: skip
    return (await api.call("createNetwork", **{**wanted, **given}))["network"]


async def test_from_nothing_to_a_machine(cloud: tuple[Server, Api], http: aiohttp.ClientSession) -> None:
    server, api = cloud
    made = await zones.secured_zone(api)
    (zone,) = (await api.call("listZones"))["zone"]
    assert (zone["networktype"], zone["securitygroupsenabled"]) == ("Advanced", True)
    assert (await api.call("listCapabilities"))["capability"]["securitygroupsenabled"] is True
    for row in await zones.system_vms(api, made["zoneid"]):
        assert row["publicip"].startswith("10.2.0.")
    machine = await api.deploy()
    (card,) = machine["nic"]
    assert (card["networkid"], card["broadcasturi"]) == (made["networkid"], "vlan://77")
    assert 10 <= zones.last(card["ipaddress"]) <= 200
    assert [group["name"] for group in machine["securitygroup"]] == ["default"]
    assert server.simulator.security(machine["id"]) == {"ingress": [], "egress": []}
    user = await person(api, http, "anna")
    theirs = await user.deploy(networkids=made["networkid"])
    assert theirs["securitygroup"][0]["account"] == "anna"
    assert theirs["securitygroup"][0]["id"] != machine["securitygroup"][0]["id"]
    await check(server)


async def test_an_address_is_known_before_the_start(cloud: tuple[Server, Api]) -> None:
    _, api = cloud
    await zones.secured_zone(api)
    waiting = await api.deploy(startvm=False, ipaddress="10.2.0.99")
    assert waiting["nic"][0]["ipaddress"] == "10.2.0.99"
    started = (await api.job("startVirtualMachine", id=waiting["id"]))["virtualmachine"]
    assert started["nic"][0]["ipaddress"] == "10.2.0.99"


async def test_the_first_network_with_an_address_is_taken(cloud: tuple[Server, Api]) -> None:
    _, api = cloud
    made = await zones.secured_zone(api, end=12)
    first = await api.deploy(startvm=False)
    assert first["nic"][0]["networkid"] == made["networkid"]
    status, text = await refused(api, "deployVirtualMachine", **await api.basics())
    assert (status, "address" in text) == (533, True)
    second = await shared(api, made, "second", 3)
    held = [await api.deploy(startvm=False) for _ in range(2)]
    assert {machine["nic"][0]["networkid"] for machine in held} == {second["id"]}
    assert (await refused(api, "deployVirtualMachine", **await api.basics()))[0] == 533


async def test_what_the_zone_does_not_allow(cloud: tuple[Server, Api]) -> None:
    _, api = cloud
    made = await zones.secured_zone(api)
    for name in ("DefaultIsolatedNetworkOfferingWithSourceNatService", "DefaultL2NetworkOffering"):
        given = {"zoneid": made["zoneid"], "name": "n", "networkofferingid": await zones.offering(api, name)}
        assert (await refused(api, "createNetwork", **given))[0] == 431, name
    plain = await shared(api, made, "plain", 4, networkofferingid=await zones.offering(api, zones.PLAIN))
    second = await shared(api, made, "second", 5)
    wanted = await api.basics()
    for given in (
        {"networkids": plain["id"]},
        {"networkids": plain["id"], "securitygroupnames": "default"},
        {"networkids": f"{made['networkid']},{plain['id']}"},
        {"networkids": f"{made['networkid']},{second['id']}", "securitygroupnames": "default"},
    ):
        assert (await refused(api, "deployVirtualMachine", **wanted, **given))[0] == 431, given
    both = await api.deploy(networkids=f"{made['networkid']},{second['id']}")
    assert [card["networkid"] for card in both["nic"]] == [made["networkid"], second["id"]]


async def test_a_zone_without_security_groups_has_none(api: Api) -> None:
    where = await api.places()
    given = {
        "zoneid": where["zoneid"], "name": "n", "vlan": "2000", "gateway": "10.5.0.1", "netmask": "255.255.255.0",
        "startip": "10.5.0.10", "endip": "10.5.0.20",
    }  # fmt: skip
    secured = await zones.offering(api, zones.SECURED)
    assert (await refused(api, "createNetwork", **given, networkofferingid=secured))[0] == 431
    assert (await refused(api, "deployVirtualMachine", **await api.basics(), securitygroupnames="default"))[0] == 431
    machine = await api.deploy(startvm=False)
    status, text = await refused(api, "updateVirtualMachine", id=machine["id"], securitygroupnames="default")
    assert (status, "security groups" in text) == (431, True)


async def test_rules_that_name_a_group_let_in_the_secondary_addresses_of_its_machines(
    cloud: tuple[Server, Api],
) -> None:
    server, api = cloud
    await zones.secured_zone(api)
    one, two = await api.deploy(), await api.deploy()
    given = {"securitygroupname": "default", "protocol": "tcp", "startport": 22, "endport": 22}
    group = {"usersecuritygrouplist[0].account": "admin", "usersecuritygrouplist[0].group": "default"}
    await api.job("authorizeSecurityGroupIngress", **given, **group)
    asked = {"direction": "ingress", "protocol": "tcp", "port": 22}
    address = (await api.job("addIpToNic", nicid=one["nic"][0]["id"]))["nicsecondaryip"]
    await rest(server)
    assert server.simulator.permits(two["id"], peer=address["ipaddress"], **asked)
    (listed,) = (await api.call("listPublicIpAddresses", ipaddress=address["ipaddress"], forvirtualnetwork=False))[
        "publicipaddress"
    ]
    assert listed["virtualmachineid"] == one["id"]
    await api.job("removeIpFromNic", id=address["id"])
    await rest(server)
    assert not server.simulator.permits(two["id"], peer=address["ipaddress"], **asked)
    assert server.simulator.permits(two["id"], peer=one["ipaddress"], **asked)
    await check(server)
