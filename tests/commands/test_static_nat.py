"""Static NAT: a public address that is one machine's, at the simulated router as in the lists."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from apiclient import Api, Refused
from invariants import check, rest, rows
from people import person, refused

from cloudsim.agents.simulator import routing
from cloudsim.server import Server

OPEN = {"protocol": "tcp", "startport": 1, "endport": 65535}


async def acquire(api: Api, network: str) -> dict[str, Any]:
    return (await api.job("associateIpAddress", networkid=network))["ipaddress"]


async def shown(api: Api, address: dict[str, Any]) -> dict[str, Any]:
    (found,) = (await api.call("listPublicIpAddresses", id=address["id"]))["publicipaddress"]
    return found


async def target(api: Api, server: Server, network: str, address: str, port: int = 22) -> str | None:
    """The machine's address that a packet from outside comes to at the router."""
    await rest(server)
    (router,) = (await api.call("listRouters", networkid=network, listall=True))["router"]
    found = routing.inbound(server.simulator.router(router["id"]), address, "tcp", port, "8.8.8.8")
    return found and found[0]


async def test_all_that_arrives_goes_to_the_machine(api: Api, server: Server) -> None:
    machine = await api.deploy()
    card = machine["nic"][0]
    net = card["networkid"]
    mine = await acquire(api, net)
    assert await api.call("enableStaticNat", ipaddressid=mine["id"], virtualmachineid=machine["id"]) == {
        "success": True
    }
    row = await shown(api, mine)
    assert (row["isstaticnat"], row["virtualmachineid"], row["virtualmachinename"]) == (
        True, machine["id"], machine["name"],
    )  # fmt: skip
    assert (row["vmipaddress"], row["virtualmachinetype"]) == (card["ipaddress"], "User")
    (found,) = (await api.call("listVirtualMachines", id=machine["id"]))["virtualmachine"]
    assert (found["publicip"], found["publicipid"]) == (mine["ipaddress"], mine["id"])
    assert (found["nic"][0]["publicip"], found["nic"][0]["publicipid"]) == (mine["ipaddress"], mine["id"])
    (nic,) = (await api.call("listNics", virtualmachineid=machine["id"]))["nic"]
    assert nic["publicip"] == mine["ipaddress"]
    assert await target(api, server, net, mine["ipaddress"]) is None, "the firewall of the address is closed"
    await api.job("createFirewallRule", ipaddressid=mine["id"], **OPEN)
    for port in (22, 80, 40000):
        assert await target(api, server, net, mine["ipaddress"], port) == card["ipaddress"]
    assert (await shown(api, mine))["hasrules"] is True
    await check(server)
    # off and on again, on a new router as well
    await api.job("stopVirtualMachine", id=machine["id"])
    await api.job("startVirtualMachine", id=machine["id"])
    await api.job("restartNetwork", id=net, cleanup=True)
    assert await target(api, server, net, mine["ipaddress"]) == card["ipaddress"]
    # the same once more changes nothing
    await api.call("enableStaticNat", ipaddressid=mine["id"], virtualmachineid=machine["id"])
    assert (await api.call("listEvents", type="STATICNAT.ENABLE"))["count"] == 1
    assert await api.job("disableStaticNat", ipaddressid=mine["id"]) == {"success": True}
    assert await target(api, server, net, mine["ipaddress"]) is None
    row = await shown(api, mine)
    assert (row["isstaticnat"], row["hasrules"], "virtualmachineid" in row, row["state"]) == (
        False, False, False, "Allocated",
    )  # fmt: skip
    assert (await refused(api, "disableStaticNat", ipaddressid=mine["id"]))[0] == 431
    await check(server)


async def test_conflicts(api: Api, server: Server) -> None:
    machine, other = await api.deploy(), await api.deploy()
    net = machine["nic"][0]["networkid"]
    mine, second = await acquire(api, net), await acquire(api, net)
    given = {"ipaddressid": mine["id"], "virtualmachineid": machine["id"]}
    forward = {"protocol": "tcp", "publicport": 22, "privateport": 22, "virtualmachineid": machine["id"]}
    made = (await api.job("createPortForwardingRule", ipaddressid=mine["id"], **forward))["portforwardingrule"]
    with pytest.raises(Refused) as caught:
        await api.call("enableStaticNat", **given)
    assert (caught.value.status, caught.value.cscode) == (537, 9999)
    await api.job("deletePortForwardingRule", id=made["id"])
    await api.call("enableStaticNat", **given)
    before = await rows(server, "SELECT * FROM public_ip ORDER BY id")
    for broken in (
        {"ipaddressid": mine["id"], "virtualmachineid": other["id"]},
        {"ipaddressid": second["id"], "virtualmachineid": machine["id"]},
    ):
        assert (await refused(api, "enableStaticNat", **broken))[0] == 537
    assert (await refused(api, "createPortForwardingRule", ipaddressid=mine["id"], **forward))[0] == 431
    assert await rows(server, "SELECT * FROM public_ip ORDER BY id") == before
    await check(server)


async def test_what_is_refused(api: Api, http: aiohttp.ClientSession, server: Server) -> None:
    machine = await api.deploy()
    net = machine["nic"][0]["networkid"]
    (source,) = (await api.call("listPublicIpAddresses", issourcenat=True))["publicipaddress"]
    mine = await acquire(api, net)
    owner = await person(api, http, "owner")
    away = await owner.deploy(**await api.basics())
    stranger = await person(api, http, "stranger")
    given = {"ipaddressid": mine["id"], "virtualmachineid": machine["id"]}
    before = await rows(server, "SELECT * FROM public_ip ORDER BY id")
    nobody = "11111111-2222-3333-4444-555555555555"
    for broken in (
        {"ipaddressid": None},
        {"virtualmachineid": None},
        {"ipaddressid": nobody},
        {"virtualmachineid": nobody},
        {"networkid": nobody},
        {"networkid": away["nic"][0]["networkid"]},
        {"ipaddressid": source["id"]},
        {"virtualmachineid": away["id"]},
        {"vmguestip": "10.1.1.77"},
        {"vmguestip": "x"},
    ):
        assert (await refused(api, "enableStaticNat", **{**given, **broken}))[0] == 431, broken
    assert (await refused(stranger, "enableStaticNat", **given))[0] == 431
    assert (await refused(stranger, "disableStaticNat", ipaddressid=mine["id"]))[0] == 431
    assert (await refused(api, "disableStaticNat", ipaddressid=mine["id"]))[0] == 431
    await api.job("destroyVirtualMachine", id=machine["id"])
    assert (await refused(api, "enableStaticNat", **given))[0] == 431
    assert await rows(server, "SELECT * FROM public_ip ORDER BY id") == before
    await check(server)


async def test_released_with_its_static_nat(api: Api, server: Server) -> None:
    machine = await api.deploy()
    net = machine["nic"][0]["networkid"]
    mine = await acquire(api, net)
    guest = {"vmguestip": machine["nic"][0]["ipaddress"], "networkid": net}
    await api.call("enableStaticNat", ipaddressid=mine["id"], virtualmachineid=machine["id"], **guest)
    await api.job("createFirewallRule", ipaddressid=mine["id"], **OPEN)
    await api.job("disassociateIpAddress", id=mine["id"])
    assert await target(api, server, net, mine["ipaddress"]) is None
    assert await api.call("listFirewallRules", listall=True) == {}
    (found,) = (await api.call("listVirtualMachines", id=machine["id"]))["virtualmachine"]
    assert "publicip" not in found
    await check(server)


async def test_the_machine_goes(api: Api, server: Server) -> None:
    machine = await api.deploy()
    net = machine["nic"][0]["networkid"]
    mine = await acquire(api, net)
    await api.call("enableStaticNat", ipaddressid=mine["id"], virtualmachineid=machine["id"])
    assert (await refused(api, "assignVirtualMachine", virtualmachineid=machine["id"], account="admin"))[0] == 431
    await api.job("createFirewallRule", ipaddressid=mine["id"], **OPEN)
    await api.job("destroyVirtualMachine", id=machine["id"])
    assert (await shown(api, mine))["isstaticnat"] is True, "it may be recovered"
    await api.job("expungeVirtualMachine", id=machine["id"])
    row = await shown(api, mine)
    assert (row["state"], row["isstaticnat"], row["hasrules"]) == ("Allocated", False, False)
    assert await target(api, server, net, mine["ipaddress"]) is None
    await check(server)


async def test_only_a_machine_without_a_public_address_is_handed_over(
    api: Api, http: aiohttp.ClientSession, server: Server
) -> None:
    await person(api, http, "owner")
    root = (await api.call("listDomains", name="ROOT"))["domain"][0]["id"]
    machine, other = await api.deploy(), await api.deploy()
    mine = await acquire(api, machine["nic"][0]["networkid"])
    await api.call("enableStaticNat", ipaddressid=mine["id"], virtualmachineid=machine["id"])
    for one in (machine, other):
        await api.job("stopVirtualMachine", id=one["id"])
    to = {"account": "owner", "domainid": root}
    status, text = await refused(api, "assignVirtualMachine", virtualmachineid=machine["id"], **to)
    assert (status, "static NAT" in text) == (431, True)
    await api.call("assignVirtualMachine", virtualmachineid=other["id"], **to)
    await check(server)
