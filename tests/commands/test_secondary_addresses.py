"""Secondary addresses of network cards: given, shown, taken back; each address of a network is one card's only."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest
from apiclient import Api, Refused
from invariants import check
from people import person, refused
from test_nics import network, shared

from cloudsim.server import Server
from cloudsim.services import nic_use


async def give(api: Api, card: dict[str, Any], **given: Any) -> dict[str, Any]:
    return (await api.job("addIpToNic", nicid=card["id"], **given))["nicsecondaryip"]


async def shown(api: Api, machine: dict[str, Any]) -> list[str]:
    """The secondary addresses of a machine's first card, as both lists show them."""
    (card,) = (await api.call("listNics", virtualmachineid=machine["id"]))["nic"]
    (found,) = (await api.call("listVirtualMachines", id=machine["id"]))["virtualmachine"]
    assert found["nic"][0]["secondaryip"] == card["secondaryip"]
    return [one["ipaddress"] for one in card["secondaryip"]]


async def test_an_address_is_given_shown_and_taken_back(api: Api, server: Server) -> None:
    net = await network(api, "net", 9)
    machine = await api.deploy(networkids=net["id"])
    (card,) = machine["nic"]
    asked = await api.call("addIpToNic", nicid=card["id"], ipaddress="10.9.9.60")
    job = await api.wait(asked["jobid"])
    assert job["jobinstancetype"] == "IpAddress"
    assert job["jobresult"]["nicsecondaryip"] == {
        "id": asked["id"], "ipaddress": "10.9.9.60", "nicid": card["id"], "networkid": net["id"]
    }  # fmt: skip
    chosen = await give(api, card)
    assert chosen["ipaddress"].startswith("10.9.9.")
    assert await shown(api, machine) == ["10.9.9.60", chosen["ipaddress"]]
    assert await api.job("removeIpFromNic", id=asked["id"]) == {"success": True}
    assert await shown(api, machine) == [chosen["ipaddress"]]
    assert (await refused(api, "removeIpFromNic", id=asked["id"]))[0] == 431
    other = await api.deploy(networkids=net["id"], ipaddress="10.9.9.60")
    assert other["ipaddress"] == "10.9.9.60"
    for kind in ("ASSIGN", "UNASSIGN"):
        events = (await api.call("listEvents", type=f"NIC.SECONDARY.IP.{kind}", state="Completed"))["event"]
        assert len(events) == (2 if kind == "ASSIGN" else 1)
    await check(server)


async def test_an_address_belongs_to_one_card_whether_first_or_secondary(api: Api, server: Server) -> None:
    net = await network(api, "net", 9)
    machine, other = await api.deploy(networkids=net["id"]), await api.deploy(networkids=net["id"])
    given = (await give(api, machine["nic"][0]))["ipaddress"]
    for taken in (other["ipaddress"], machine["ipaddress"], given, "10.9.9.1", "10.9.8.1", "nonsense", "10.9.9.255"):
        assert (await refused(api, "addIpToNic", nicid=other["nic"][0]["id"], ipaddress=taken))[0] == 431
    assert (await refused(api, "deployVirtualMachine", **await api.basics(), networkids=net["id"], ipaddress=given))[
        0
    ] == 431
    await api.job("stopVirtualMachine", id=other["id"])
    assert (await refused(api, "updateVmNicIp", nicid=other["nic"][0]["id"], ipaddress=given))[0] == 431
    flat = await network(api, "flat", 0, "DefaultL2NetworkOffering")
    bare = await api.deploy(networkids=flat["id"])
    assert "no addresses" in (await refused(api, "addIpToNic", nicid=bare["nic"][0]["id"]))[1]
    assert await shown(api, other) == []
    await check(server)


async def test_only_so_many_as_the_setting_says(api: Api, server: Server) -> None:
    await api.call("updateConfiguration", name="vm.network.nic.max.secondary.ipaddresses", value="2")
    card = (await api.deploy())["nic"][0]
    await give(api, card)
    second = await give(api, card)
    status, text = await refused(api, "addIpToNic", nicid=card["id"])
    assert (status, "2 secondary addresses" in text) == (431, True)
    await api.job("removeIpFromNic", id=second["id"])
    await give(api, card)
    await check(server)


async def test_many_ask_for_one_address_and_exactly_one_has_it(api: Api, server: Server) -> None:
    net = await network(api, "net", 9)
    machines = await asyncio.gather(*(api.deploy(networkids=net["id"], startvm=False) for _ in range(4)))

    async def ask(card: dict[str, Any]) -> bool:
        try:
            await give(api, card, ipaddress="10.9.9.99" if not card["ipaddress"].endswith(".99") else "10.9.9.98")
        except Refused:
            return False
        return True

    won = await asyncio.gather(*(ask(machine["nic"][0]) for machine in machines for _ in range(50)))
    assert sum(won) == len({one for machine in machines for one in await shown(api, machine)}) >= 1
    assert sum(won) <= 2
    await check(server)


async def test_in_a_shared_network_it_is_one_of_its_range(api: Api, server: Server) -> None:
    net = await shared(api)
    machine = await api.deploy(networkids=net["id"])
    left = {f"10.7.7.{last}" for last in range(10, 14)} - {machine["ipaddress"]}
    (router,) = (await api.call("listRouters", networkid=net["id"], listall=True))["router"]
    left -= {router["guestipaddress"]}
    got = {(await give(api, machine["nic"][0]))["ipaddress"] for _ in left}
    assert got == left
    assert (await refused(api, "addIpToNic", nicid=machine["nic"][0]["id"]))[0] == 533
    # with the machine all of them go
    await api.job("destroyVirtualMachine", id=machine["id"], expunge=True)
    again = await asyncio.gather(*(api.deploy(networkids=net["id"]) for _ in range(len(left) + 1)))
    assert {one["ipaddress"] for one in again} == left | {machine["ipaddress"]}
    await check(server)


async def test_they_go_with_their_card(api: Api, server: Server) -> None:
    machine = await api.deploy()
    net = await network(api, "second", 9)
    asked = {"virtualmachineid": machine["id"], "networkid": net["id"]}
    machine = (await api.job("addNicToVirtualMachine", **asked))["virtualmachine"]
    (card,) = [one for one in machine["nic"] if one["networkid"] == net["id"]]
    await give(api, card, ipaddress="10.9.9.60")
    await api.job("removeNicFromVirtualMachine", virtualmachineid=machine["id"], nicid=card["id"])
    other = await api.deploy(networkids=net["id"], ipaddress="10.9.9.60")
    assert other["ipaddress"] == "10.9.9.60"
    await check(server)


async def test_a_rule_that_leads_to_an_address_holds_it(
    api: Api, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = await api.deploy()
    net = await network(api, "second", 9)
    asked = {"virtualmachineid": machine["id"], "networkid": net["id"]}
    machine = (await api.job("addNicToVirtualMachine", **asked))["virtualmachine"]
    (card,) = [one for one in machine["nic"] if one["networkid"] == net["id"]]
    address = await give(api, card)
    held = [lambda ctx, row, ip: "a rule of a test" if ip in (None, address["ipaddress"]) else None]
    monkeypatch.setattr(nic_use, "QUESTIONS", held)
    gone = {"virtualmachineid": machine["id"], "nicid": card["id"]}
    for command, given in (("removeIpFromNic", {"id": address["id"]}), ("removeNicFromVirtualMachine", gone)):
        status, text = await refused(api, command, **given)
        assert (status, "a rule of a test" in text) == (431, True)
    monkeypatch.setattr(nic_use, "QUESTIONS", [])
    await api.job("removeNicFromVirtualMachine", **gone)
    await check(server)


async def test_addresses_of_others(api: Api, http: aiohttp.ClientSession, server: Server) -> None:
    one, two = await person(api, http, "one"), await person(api, http, "two")
    address = await give(one, (await one.deploy())["nic"][0])
    status, text = await refused(two, "removeIpFromNic", id=address["id"])
    missing = await refused(two, "removeIpFromNic", id="0b8cd8cc-5e02-4b6c-8bb2-a2a4d1b6e3b1")
    assert (status, text.replace(address["id"], "")) == (missing[0], missing[1].replace(missing[1].split()[-1], ""))
    await check(server)
