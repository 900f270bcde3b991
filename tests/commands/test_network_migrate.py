"""Networks moved to offerings of other providers or of another physical network."""

from __future__ import annotations

from apiclient import Api
from invariants import check, rest
from people import refused
from test_network_life import NAT, forwarded, listed, offering, parts
from test_network_tags import physical
from test_nics import network

from cloudsim.server import Server


async def test_a_network_moves_to_another_physical_network_while_no_machine_runs(api: Api, server: Server) -> None:
    net = await network(api, "net", 9)
    machine = await api.deploy(networkids=net["id"])
    await forwarded(api, net, machine)
    before = await listed(api, net)
    (zone,) = (await api.call("listZones"))["zone"]
    where = await physical(api, zone["id"], "quick", "3000-3009", "fast", "Guest")
    elsewhere = await offering(api, "elsewhere", (*NAT, "Vpn"), tags="fast")
    move = {"networkid": net["id"], "networkofferingid": elsewhere["id"]}
    assert "provider" in (await refused(api, "migrateNetwork", **move))[1]
    (element,) = [
        one
        for provider in (await api.call("listNetworkServiceProviders", physicalnetworkid=where, name="VirtualRouter"))[
            "networkserviceprovider"
        ]
        for one in (await api.call("listVirtualRouterElements", nspid=provider["id"]))["virtualrouterelement"]
    ]
    await api.job("configureVirtualRouterElement", id=element["id"], enabled=True)
    await api.job("updateNetworkServiceProvider", id=element["nspid"], state="Enabled")
    status, text = await refused(api, "migrateNetwork", **move)
    assert (status, "stop them" in text) == (431, True)
    await api.job("stopVirtualMachine", id=machine["id"])
    moved = (await api.job("migrateNetwork", **move))["network"]
    assert (moved["physicalnetworkid"], moved["state"], moved["networkofferingname"]) == (
        where,
        "Allocated",
        "elsewhere",
    )
    await rest(server)
    await check(server)
    assert (await refused(api, "migrateNetwork", **move))[0] == 431
    assert (await api.job("migrateNetwork", **move, resume=True))["network"]["id"] == net["id"]
    started = (await api.job("startVirtualMachine", id=machine["id"]))["virtualmachine"]
    assert started["ipaddress"] == machine["ipaddress"]
    now = await listed(api, net)
    assert int(now["vlan"]) in range(3000, 3010)
    assert now["vlan"] != before["vlan"]
    assert len((await parts(api, server, net))["portforwarding"]) == 1
    await check(server)


async def test_offerings_that_a_network_does_not_move_to(api: Api, server: Server) -> None:
    net = await network(api, "net", 9)
    for other in (
        await offering(api, "less", ("Dhcp", "SourceNat")),
        await offering(api, "off", enable=False),
        await offering(api, "vlan", specifyvlan=True),
        {"id": net["networkofferingid"]},
    ):
        assert (await refused(api, "migrateNetwork", networkid=net["id"], networkofferingid=other["id"]))[0] == 431
    flat = await network(api, "flat", 0, "DefaultL2NetworkOffering")
    more = await offering(api, "more", (*NAT, "Vpn"))
    assert (await refused(api, "migrateNetwork", networkid=flat["id"], networkofferingid=more["id"]))[0] == 431
    # on the same physical network machines run on
    machine = await api.deploy(networkids=net["id"])
    await api.job("migrateNetwork", networkid=net["id"], networkofferingid=more["id"])
    assert (await listed(api, net))["networkofferingname"] == "more"
    assert (await api.call("listVirtualMachines", id=machine["id"]))["virtualmachine"][0]["state"] == "Running"
    await check(server)
