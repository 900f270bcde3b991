"""Networks, addresses, cards and tags over the wire."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from apiclient import Api, Refused
from invariants import check

from cloudsim.server import Server


async def wanted(api: Api, **given: Any) -> dict[str, Any]:
    name = "DefaultIsolatedNetworkOfferingWithSourceNatService"
    offering = (await api.call("listNetworkOfferings", name=name))["networkoffering"][0]["id"]
    zone = (await api.call("listZones"))["zone"][0]["id"]
    return {"name": "net", "zoneid": zone, "networkofferingid": offering, **given}


async def test_a_network_from_its_first_machine_to_its_end(api: Api, server: Server) -> None:
    free = (await api.call("listPublicIpAddresses", allocatedonly=False, state="Free", pagesize=1, page=1))["count"]
    given = await wanted(api, gateway="10.9.9.1", netmask="255.255.255.0")
    network = (await api.call("createNetwork", **given))["network"]
    assert (network["state"], network["cidr"]) == ("Allocated", "10.9.9.0/24")
    assert await api.call("listPublicIpAddresses", associatednetworkid=network["id"]) == {}
    machine = await api.deploy(networkids=network["id"])
    assert machine["nic"][0]["ipaddress"].startswith("10.9.9.")
    (now,) = (await api.call("listNetworks", id=network["id"]))["network"]
    assert now["state"] == "Implemented"
    assert now["broadcasturi"] == f"vlan://{now['vlan']}"
    (address,) = (await api.call("listPublicIpAddresses", associatednetworkid=network["id"]))["publicipaddress"]
    assert address["issourcenat"] is True
    (nic,) = (await api.call("listNics", virtualmachineid=machine["id"]))["nic"]
    assert nic["networkid"] == network["id"]
    assert (await api.job("restartNetwork", id=network["id"], cleanup=True)) == {"success": True}
    with pytest.raises(Refused) as caught:
        await api.job("deleteNetwork", id=network["id"])
    assert caught.value.status == 530
    await api.job("destroyVirtualMachine", id=machine["id"], expunge=True)
    assert (await api.job("deleteNetwork", id=network["id"])) == {"success": True}
    assert await api.call("listNetworks", keyword="net") == {}
    left = (await api.call("listPublicIpAddresses", allocatedonly=False, state="Free", pagesize=1, page=1))["count"]
    assert left == free
    await check(server)


async def test_a_part_of_a_network_is_reserved(api: Api) -> None:
    given = await wanted(api, gateway="10.9.9.1", netmask="255.255.255.0")
    network = (await api.call("createNetwork", **given))["network"]
    changed = (await api.job("updateNetwork", id=network["id"], guestvmcidr="10.9.9.0/26"))["network"]
    assert (changed["cidr"], changed["networkcidr"]) == ("10.9.9.0/26", "10.9.9.0/24")
    machines = await asyncio.gather(*(api.deploy(networkids=network["id"]) for _ in range(10)))
    assert all(int(one["nic"][0]["ipaddress"].rsplit(".", 1)[1]) < 64 for one in machines)
    for bad in ("10.9.8.0/26", "10.9.9.0/31", "nonsense"):
        with pytest.raises(Refused) as caught:
            await api.call("updateNetwork", id=network["id"], guestvmcidr=bad)
        assert caught.value.status == 431


@pytest.mark.parametrize(
    "given",
    [
        {"gateway": "10.9.9.1"},
        {"gateway": "10.9.9.1", "netmask": "255.0.255.0"},
        {"gateway": "10.9.9.0", "netmask": "255.255.255.0"},
        {"gateway": "10.9.9.1", "netmask": "255.255.255.255"},
        {"vlan": "100"},
        {"acltype": "Domain"},
        {"networkdomain": "-no-"},
        {"ip6cidr": "fd00::/64"},
        {"vpcid": "0b8cd8cc-5e02-4b6c-8bb2-a2a4d1b6e3b1"},
        {"publicmtu": 9999999},
        {"dns1": "not an address"},
    ],
)
async def test_a_network_that_cannot_be(api: Api, given: dict[str, Any]) -> None:
    with pytest.raises(Refused) as caught:
        await api.call("createNetwork", **await wanted(api, **given))
    assert caught.value.status == 431
    assert await api.call("listNetworks", listall=True) == {}


async def test_tags(api: Api) -> None:
    machine = await api.deploy()
    given = {"resourceids": machine["id"], "resourcetype": "uservm", "tags[0].key": "env", "tags[0].value": "it"}
    await api.job("createTags", **given)
    (tag,) = (await api.call("listTags", resourcetype="UserVm", key="env"))["tag"]
    assert (tag["value"], tag["resourceid"], tag["resourcetype"]) == ("it", machine["id"], "UserVm")
    (found,) = (await api.call("listVirtualMachines", **{"tags[0].key": "env", "tags[0].value": "it"}))[
        "virtualmachine"
    ]
    assert found["id"] == machine["id"]
    assert await api.call("listVirtualMachines", **{"tags[0].key": "env", "tags[0].value": "other"}) == {}
    with pytest.raises(Refused):
        await api.job("createTags", **given)
    await api.job("deleteTags", resourceids=machine["id"], resourcetype="UserVm", **{"tags[0].key": "env"})
    assert await api.call("listTags", listall=True) == {}
    with pytest.raises(Refused) as caught:
        await api.call("createTags", **{**given, "resourcetype": "Nonsense"})
    assert caught.value.status == 431
