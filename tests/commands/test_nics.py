"""Network cards of machines, running and stopped: added, removed, made default, given other addresses."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest
from apiclient import Api, Refused
from invariants import check
from people import domain, person, refused

from cloudsim.agents.simulator import Rule
from cloudsim.server import Server

ISOLATED = "DefaultIsolatedNetworkOfferingWithSourceNatService"


async def network(api: Api, name: str, third: int, offering: str = ISOLATED, **given: Any) -> dict[str, Any]:
    """An isolated network 10.9.<third>.0/24, or one of another offering."""
    (offered,) = (await api.call("listNetworkOfferings", name=offering))["networkoffering"]
    (zone,) = (await api.call("listZones"))["zone"]
    place = {} if "L2" in offering else {"gateway": f"10.9.{third}.1", "netmask": "255.255.255.0"}
    asked = {"name": name, "zoneid": zone["id"], "networkofferingid": offered["id"], **place, **given}
    return (await api.call("createNetwork", **asked))["network"]


async def shared(api: Api, **given: Any) -> dict[str, Any]:
    """A shared network of four addresses."""
    place = {
        "gateway": "10.7.7.1",
        "netmask": "255.255.255.0",
        "startip": "10.7.7.10",
        "endip": "10.7.7.13",
        "vlan": "777",
    }
    return await network(api, "shared", 0, "DefaultSharedNetworkOffering", **{**place, **given})


async def add(api: Api, machine: dict[str, Any], net: dict[str, Any], **given: Any) -> dict[str, Any]:
    asked = {"virtualmachineid": machine["id"], "networkid": net["id"], **given}
    return (await api.job("addNicToVirtualMachine", **asked))["virtualmachine"]


def card(machine: dict[str, Any], net: dict[str, Any]) -> dict[str, Any]:
    """The card of a machine in a network."""
    (found,) = [one for one in machine["nic"] if one["networkid"] == net["id"]]
    return found


async def state(api: Api, net: dict[str, Any]) -> str:
    return (await api.call("listNetworks", id=net["id"]))["network"][0]["state"]


async def test_a_card_is_plugged_into_a_machine_that_runs_and_its_network_gets_its_router_first(
    api: Api, server: Server
) -> None:
    machine, second = await api.deploy(), await network(api, "second", 9)
    given = {"ipaddress": "10.9.9.77", "macaddress": "02:00:00:AA:BB:01", "dhcpoptions[0].dhcp:114": "http://wpad"}
    machine = await add(api, machine, second, **given)
    made = card(machine, second)
    assert (made["ipaddress"], made["macaddress"], made["isdefault"]) == ("10.9.9.77", "02:00:00:aa:bb:01", False)
    assert made["extradhcpoption"] == [{"codename": "url", "code": 114, "value": "http://wpad"}]
    assert made["deviceid"] == "1"
    assert await state(api, second) == "Implemented"
    (router,) = (await api.call("listRouters", networkid=second["id"], listall=True))["router"]
    assert router["state"] == "Running"
    plugged = {one["mac"]: one for one in server.simulator.nics(machine["id"])}
    assert plugged["02:00:00:aa:bb:01"]["ip"] == "10.9.9.77"
    assert plugged["02:00:00:aa:bb:01"]["broadcast_uri"] == made["broadcasturi"]
    # the routers went along with nothing else: the job is the machine's own
    (told,) = (await api.call("listEvents", type="NIC.CREATE", state="Completed"))["event"]
    assert told["resourceid"] == machine["id"]
    machine = (await api.job("removeNicFromVirtualMachine", virtualmachineid=machine["id"], nicid=made["id"]))[
        "virtualmachine"
    ]
    assert len(machine["nic"]) == len(server.simulator.nics(machine["id"])) == 1
    assert (await api.call("listEvents", type="NIC.DELETE", state="Completed"))["count"] == 1
    # its address and its MAC address are free for the next
    await add(api, machine, second, ipaddress="10.9.9.77", macaddress="02:00:00:AA:BB:01")
    await check(server)


async def test_a_stopped_machine_has_the_card_with_its_next_start(api: Api, server: Server) -> None:
    machine, second = await api.deploy(startvm=False), await network(api, "second", 9)
    machine = await add(api, machine, second)
    assert card(machine, second)["ipaddress"].startswith("10.9.9.")
    assert await state(api, second) == "Allocated"
    await api.job("startVirtualMachine", id=machine["id"])
    assert await state(api, second) == "Implemented"
    assert len(server.simulator.nics(machine["id"])) == 2
    await api.job("stopVirtualMachine", id=machine["id"])
    await api.job("removeNicFromVirtualMachine", virtualmachineid=machine["id"], nicid=card(machine, second)["id"])
    await api.job("startVirtualMachine", id=machine["id"])
    assert len(server.simulator.nics(machine["id"])) == 1
    await check(server)


async def test_a_card_in_a_shared_network_and_in_an_l2_network(api: Api, server: Server) -> None:
    machine = await api.deploy()
    both = await shared(api), await network(api, "flat", 0, "DefaultL2NetworkOffering")
    for net in both:
        machine = await add(api, machine, net)
    assert card(machine, both[0])["ipaddress"] in {f"10.7.7.{last}" for last in range(10, 14)}
    assert "ipaddress" not in card(machine, both[1])
    assert [one["deviceid"] for one in machine["nic"]] == ["0", "1", "2"]
    gone = card(machine, both[0])
    await api.job("removeNicFromVirtualMachine", virtualmachineid=machine["id"], nicid=gone["id"])
    other = await api.deploy(networkids=both[0]["id"], ipaddress=gone["ipaddress"])
    assert other["nic"][0]["ipaddress"] == gone["ipaddress"]
    # the device that became free is taken first
    third = await network(api, "third", 3)
    machine = await add(api, machine, third)
    assert card(machine, third)["deviceid"] == "1"
    assert await refused(api, "addNicToVirtualMachine", virtualmachineid=machine["id"], networkid=both[1]["id"]) != ()
    await check(server)


async def test_what_no_card_is_made_of(api: Api, server: Server) -> None:
    machine = await api.deploy()
    second = await network(api, "second", 9)
    flat = await network(api, "flat", 0, "DefaultL2NetworkOffering", networkdomain="flat.example")
    other = await api.deploy(networkids=second["id"], name="twin")
    taken = card(other, second)
    own = {"virtualmachineid": machine["id"], "networkid": second["id"]}
    for given, text in (
        ({"networkid": machine["nic"][0]["networkid"]}, "already"),
        ({"ipaddress": taken["ipaddress"]}, "in use"),
        ({"ipaddress": "10.9.9.1"}, "in use"),
        ({"ipaddress": "10.8.0.1"}, "not an address of"),
        ({"ipaddress": "nonsense"}, "IPv4"),
        ({"macaddress": taken["macaddress"]}, "in use"),
        ({"macaddress": "01:00:5e:00:00:01"}, "multicast"),
        ({"macaddress": "nonsense"}, "MAC"),
        ({"dhcpoptions[0].dhcp:9999": "x"}, "option"),
        ({"dhcpoptions[0].nonsense": "x"}, "option"),
        ({"dhcpoptions[0].dhcp:114": ""}, "value"),
        ({"networkid": flat["id"], "ipaddress": "10.9.9.9"}, "no addresses"),
        ({"networkid": flat["id"], "dhcpoptions[0].dhcp:114": "x"}, "no DHCP"),
    ):
        status, said = await refused(api, "addNicToVirtualMachine", **{**own, **given})
        assert (status, text in said) == (431, True), (given, said)
    twin = await api.deploy(startvm=False, networkids=flat["id"], name="twin")
    status, said = await refused(api, "addNicToVirtualMachine", virtualmachineid=twin["id"], networkid=second["id"])
    assert (status, "twin" in said) == (431, True)
    await api.job("createVMSnapshot", virtualmachineid=machine["id"])
    assert "snapshots" in (await refused(api, "addNicToVirtualMachine", **own))[1]
    await api.job("destroyVirtualMachine", id=other["id"])
    assert "Destroyed" in (await refused(api, "addNicToVirtualMachine", **{**own, "virtualmachineid": other["id"]}))[1]
    (unchanged,) = (await api.call("listVirtualMachines", id=machine["id"]))["virtualmachine"]
    assert len(unchanged["nic"]) == len(server.simulator.nics(machine["id"])) == 1
    await check(server)


async def test_the_default_card_stays_until_another_is_the_default(api: Api, server: Server) -> None:
    machine = await api.deploy()
    second = await network(api, "second", 9)
    machine = await add(api, machine, second)
    first, new = machine["nic"][0], card(machine, second)
    whose = {"virtualmachineid": machine["id"]}
    assert (await refused(api, "removeNicFromVirtualMachine", **whose, nicid=first["id"]))[0] == 431
    assert (await refused(api, "updateDefaultNicForVirtualMachine", **whose, nicid=first["id"]))[0] == 431
    machine = (await api.job("updateDefaultNicForVirtualMachine", **whose, nicid=new["id"]))["virtualmachine"]
    assert [one["isdefault"] for one in machine["nic"]] == [False, True]
    assert machine["ipaddress"] == new["ipaddress"]
    await api.job("removeNicFromVirtualMachine", **whose, nicid=first["id"])
    stranger = await api.deploy(networkids=second["id"])
    for command in ("removeNicFromVirtualMachine", "updateDefaultNicForVirtualMachine"):
        status, text = await refused(api, command, virtualmachineid=stranger["id"], nicid=new["id"])
        assert (status, "not one of this" in text) == (431, True)
    await check(server)


async def test_a_card_of_a_stopped_machine_gets_another_address(api: Api, server: Server) -> None:
    net = await network(api, "net", 9)
    machine, other = await api.deploy(networkids=net["id"]), await api.deploy(networkids=net["id"])
    own = {"nicid": machine["nic"][0]["id"]}
    assert (await refused(api, "updateVmNicIp", **own, ipaddress="10.9.9.50"))[0] == 431
    await api.job("stopVirtualMachine", id=machine["id"])
    changed = (await api.job("updateVmNicIp", **own, ipaddress="10.9.9.50"))["virtualmachine"]
    assert (changed["ipaddress"], changed["nic"][0]["macaddress"]) == ("10.9.9.50", machine["nic"][0]["macaddress"])
    chosen = (await api.job("updateVmNicIp", **own))["virtualmachine"]["ipaddress"]
    assert chosen != "10.9.9.50"
    for bad in (other["nic"][0]["ipaddress"], "10.9.8.9", "10.9.9.1"):
        assert (await refused(api, "updateVmNicIp", **own, ipaddress=bad))[0] == 431
    await api.job("startVirtualMachine", id=machine["id"])
    assert [one["ip"] for one in server.simulator.nics(machine["id"])] == [chosen]
    await check(server)


async def test_a_card_in_a_shared_network_gets_another_address_and_gives_its_own_back(api: Api, server: Server) -> None:
    net = await shared(api)
    machine = await api.deploy(networkids=net["id"], ipaddress="10.7.7.10", startvm=False)
    own = {"nicid": machine["nic"][0]["id"]}
    changed = (await api.job("updateVmNicIp", **own, ipaddress="10.7.7.12"))["virtualmachine"]
    assert changed["ipaddress"] == "10.7.7.12"
    assert (await api.deploy(networkids=net["id"], ipaddress="10.7.7.10"))["ipaddress"] == "10.7.7.10"
    assert (await refused(api, "updateVmNicIp", **own, ipaddress="10.7.7.10"))[0] == 431
    flat = await network(api, "flat", 0, "DefaultL2NetworkOffering")
    bare = await api.deploy(networkids=flat["id"], startvm=False)
    assert "no addresses" in (await refused(api, "updateVmNicIp", nicid=bare["nic"][0]["id"]))[1]
    await check(server)


async def test_cards_and_networks_of_others(api: Api, http: aiohttp.ClientSession, server: Server) -> None:
    below = await domain(api, "below")
    one, two = await person(api, http, "one"), await person(api, http, "two")
    chief = await person(api, http, "chief", 2, domainid=below["id"])
    machine, own = await one.deploy(), await network(one, "own", 9)
    theirs = await network(two, "theirs", 8)
    machine = await add(one, machine, own)
    new = card(machine, own)
    given = {"virtualmachineid": machine["id"], "nicid": new["id"]}
    for stranger in (two, chief):
        assert (
            await refused(stranger, "addNicToVirtualMachine", virtualmachineid=machine["id"], networkid=theirs["id"])
        )[0] == 431
        assert (await refused(stranger, "removeNicFromVirtualMachine", **given))[0] == 431
        for command in ("updateVmNicIp", "addIpToNic"):
            missing = await refused(stranger, command, nicid="0b8cd8cc-5e02-4b6c-8bb2-a2a4d1b6e3b1")
            found = await refused(stranger, command, nicid=new["id"])
            assert (found[0], found[1].replace(new["id"], "")) == (
                missing[0], missing[1].replace("0b8cd8cc-5e02-4b6c-8bb2-a2a4d1b6e3b1", "")
            )  # fmt: skip
    assert (await refused(one, "addNicToVirtualMachine", virtualmachineid=machine["id"], networkid=theirs["id"]))[
        0
    ] == 431
    # not even an admin puts a machine into a network that its owner may not use
    status, _ = await refused(api, "addNicToVirtualMachine", virtualmachineid=machine["id"], networkid=theirs["id"])
    assert status == 531
    await api.job("removeNicFromVirtualMachine", **given)
    await check(server)


@pytest.mark.parametrize("command", ["PlugNicCommand", "UnPlugNicCommand"])
async def test_a_host_that_refuses_leaves_the_cards_as_they_are(api: Api, server: Server, command: str) -> None:
    machine, second = await api.deploy(), await network(api, "second", 9)
    if command.startswith("Un"):
        machine = await add(api, machine, second)
    server.simulator.add_rule(Rule(command, "fail", count=1, text="no way"))
    given = {"virtualmachineid": machine["id"]}
    with pytest.raises(Refused):
        if command.startswith("Un"):
            await api.job("removeNicFromVirtualMachine", **given, nicid=card(machine, second)["id"])
        else:
            await api.job("addNicToVirtualMachine", **given, networkid=second["id"])
    (now,) = (await api.call("listVirtualMachines", id=machine["id"]))["virtualmachine"]
    assert len(now["nic"]) == len(server.simulator.nics(machine["id"])) == len(machine["nic"])
    await check(server)


async def test_one_machine_is_given_one_address_by_many_at_once(api: Api, server: Server) -> None:
    machines = await asyncio.gather(*(api.deploy(startvm=False) for _ in range(4)))
    second = await network(api, "second", 9)
    asked = [
        refused_or_none(
            api, "addNicToVirtualMachine", virtualmachineid=one["id"], networkid=second["id"], ipaddress="10.9.9.5"
        )
        for one in machines
    ]
    ended = await asyncio.gather(*asked)
    assert sorted(one is None for one in ended) == [False, False, False, True]
    await check(server)


async def refused_or_none(api: Api, command: str, **given: Any) -> str | None:
    try:
        await api.job(command, **given)
    except Refused as refusal:
        return refusal.text
    return None
