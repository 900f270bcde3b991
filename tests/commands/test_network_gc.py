"""Networks that nobody uses: noted, then shut down, and made real again by their next machine."""

from __future__ import annotations

import asyncio
from typing import Any

from apiclient import Api
from invariants import check, none, rest, rows
from test_nics import add, card, network, shared

from cloudsim.db import schema
from cloudsim.server import Server

WAIT = 600_000


async def look(server: Server) -> None:
    """The garbage collection looks once."""
    await server.periodic.run_now("network-gc")
    await rest(server)


async def passes(server: Server, ago: int = WAIT + 1000) -> None:
    """The networks that are idle have been it for longer."""
    values = {"idle_since": server.clock.now() - ago}
    for (row_id,) in await rows(server, "SELECT id FROM network WHERE idle_since IS NOT NULL"):
        await server.db.write(lambda tx, row_id=row_id: tx.update(schema.network, {"id": row_id}, **values))


async def listed(api: Api, net: dict[str, Any]) -> dict[str, Any]:
    return (await api.call("listNetworks", id=net["id"]))["network"][0]


async def routers(api: Api, net: dict[str, Any]) -> int:
    return len((await api.call("listRouters", networkid=net["id"], listall=True)).get("router", []))


async def test_an_idle_network_is_shut_down_in_two_steps_and_its_next_machine_makes_it_real(
    api: Api, server: Server
) -> None:
    net = await network(api, "net", 9)
    machine = await api.deploy(networkids=net["id"])
    before = await listed(api, net)
    await api.job("stopVirtualMachine", id=machine["id"])
    await look(server)
    assert ((await listed(api, net))["state"], await routers(api, net)) == ("Implemented", 1)
    await look(server)  # it is not idle for long enough yet
    assert (await listed(api, net))["state"] == "Implemented"
    await passes(server)
    await look(server)
    now = await listed(api, net)
    assert (now["state"], await routers(api, net)) == ("Allocated", 0)
    assert {"vlan", "broadcasturi"}.isdisjoint(now)
    await none(server, "SELECT vlan FROM vnet WHERE network_id IS NOT NULL OR taken IS NOT NULL")
    # what was given to it stays: its public address, the address of the machine's card
    (address,) = (await api.call("listPublicIpAddresses", associatednetworkid=net["id"]))["publicipaddress"]
    assert address["issourcenat"]
    (nic,) = (await api.call("listNics", virtualmachineid=machine["id"]))["nic"]
    assert nic["ipaddress"] == machine["ipaddress"]
    assert "broadcasturi" not in nic
    await check(server)
    started = (await api.job("startVirtualMachine", id=machine["id"]))["virtualmachine"]
    now = await listed(api, net)
    assert (now["state"], await routers(api, net)) == ("Implemented", 1)
    assert started["nic"][0]["broadcasturi"] == now["broadcasturi"]
    assert server.simulator.nics(machine["id"])[0]["broadcast_uri"] == now["broadcasturi"]
    (again,) = (await api.call("listPublicIpAddresses", associatednetworkid=net["id"]))["publicipaddress"]
    assert again["id"] == address["id"]
    assert before["state"] == "Implemented"
    await check(server)


async def test_a_network_with_a_machine_stays_and_one_that_is_used_again_is_not_idle(api: Api, server: Server) -> None:
    net = await network(api, "net", 9)
    machine = await api.deploy(networkids=net["id"])
    for _ in range(2):
        await look(server)
        await passes(server)
    assert (await listed(api, net))["state"] == "Implemented"
    await api.job("stopVirtualMachine", id=machine["id"])
    await look(server)
    await api.job("startVirtualMachine", id=machine["id"])
    await api.job("stopVirtualMachine", id=machine["id"])
    await passes(server)  # it was in use between the two looks: it is idle since now only
    await look(server)
    assert (await listed(api, net))["state"] == "Implemented"
    await passes(server)
    await look(server)
    assert (await listed(api, net))["state"] == "Allocated"
    await check(server)


async def test_persistent_and_shared_networks_stay(api: Api, server: Server) -> None:
    given = {"name": "lasting", "displaytext": "lasting", "guestiptype": "Isolated", "traffictype": "Guest"}
    services = ("Dhcp", "Dns", "SourceNat")
    given |= {f"serviceproviderlist[{number}].service": name for number, name in enumerate(services)}
    given |= {f"serviceproviderlist[{number}].provider": "VirtualRouter" for number in range(len(services))}
    offered = await api.call(
        "createNetworkOffering", "POST", **given, supportedservices=",".join(services), ispersistent=True
    )
    await api.call("updateNetworkOffering", id=offered["networkoffering"]["id"], state="Enabled")
    lasting = await network(api, "lasting", 9, "lasting")
    await rest(server)
    together = await shared(api)
    machine = await api.deploy(networkids=together["id"])
    await api.job("stopVirtualMachine", id=machine["id"])
    for _ in range(3):
        await look(server)
        await passes(server)
    assert ((await listed(api, lasting))["state"], await routers(api, lasting)) == ("Implemented", 1)
    assert (await listed(api, together))["state"] == "Setup"
    await check(server)


async def test_machines_that_start_meanwhile_keep_it(api: Api, server: Server) -> None:
    net = await network(api, "net", 9)
    machines = await asyncio.gather(*(api.deploy(networkids=net["id"]) for _ in range(3)))
    await asyncio.gather(*(api.job("stopVirtualMachine", id=one["id"]) for one in machines))
    await look(server)
    await passes(server)
    starts = [api.job("startVirtualMachine", id=one["id"]) for one in machines]
    await asyncio.gather(look(server), *starts)
    assert ((await listed(api, net))["state"], await routers(api, net)) == ("Implemented", 1)
    await check(server)


async def test_a_network_that_lost_its_last_card_goes_too(api: Api, server: Server) -> None:
    machine = await api.deploy()
    net = await network(api, "second", 9)
    machine = await add(api, machine, net)
    given = {"virtualmachineid": machine["id"], "nicid": card(machine, net)["id"]}
    await api.job("removeNicFromVirtualMachine", **given)
    await look(server)
    await passes(server)
    await look(server)
    assert ((await listed(api, net))["state"], await routers(api, net)) == ("Allocated", 0)
    machine = await add(api, machine, net)
    assert ((await listed(api, net))["state"], await routers(api, net)) == ("Implemented", 1)
    await check(server)
