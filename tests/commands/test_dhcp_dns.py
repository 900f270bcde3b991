"""What routers hand out by DHCP and know by DNS, as simulated routers have been told it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from apiclient import Api
from invariants import check, rest, rows
from people import refused
from test_nics import add, card, network, shared

from cloudsim.agents.simulator import Rule
from cloudsim.server import Server


async def parts(api: Api, server: Server, net: dict[str, Any]) -> dict[str, dict[str, dict[str, Any]]]:
    """What the router of a network knows: ``dhcp`` by MAC address and ``dns`` by name."""
    await rest(server)
    (router,) = (await api.call("listRouters", networkid=net["id"], listall=True))["router"]
    found = server.simulator.router(router["id"])
    return {name: {one[key]: one for one in found[name]} for name, key in (("dhcp", "mac"), ("dns", "name"))}


async def test_a_machine_gets_its_lease_and_its_name_before_it_runs(api: Api, server: Server) -> None:
    net = await network(api, "net", 9, networkdomain="lab.example")
    given = {"dhcpoptionsnetworklist[0].networkid": net["id"], "dhcpoptionsnetworklist[0].dhcp:66": "tftp.example"}
    machine = await api.deploy(networkids=net["id"], name="web", **given)
    (nic,) = machine["nic"]
    assert nic["extradhcpoption"] == [{"codename": "tftp-server", "code": 66, "value": "tftp.example"}]
    known = await parts(api, server, net)
    assert known["dhcp"] == {
        nic["macaddress"]: {
            "mac": nic["macaddress"], "address": nic["ipaddress"], "netmask": "255.255.255.0", "gateway": "10.9.9.1",
            "hostname": "web", "domain": "lab.example", "dns": ["10.9.9.1"], "options": {"66": "tftp.example"},
        }
    }  # fmt: skip
    assert known["dns"] == {"web.lab.example": {"name": "web.lab.example", "address": nic["ipaddress"]}}
    found = (await api.call("listSimulatedRouterRules", networkid=net["id"], part="dns"))["simulatedrouterrule"]
    assert found[0]["setting"] == list(known["dns"].values())
    await check(server)


async def test_entries_come_and_go_with_machines_and_cards(api: Api, server: Server) -> None:
    net, second = await network(api, "net", 9), await network(api, "second", 8)
    one, two = await asyncio.gather(*(api.deploy(networkids=net["id"], name=name) for name in ("one", "two")))
    assert {name.split(".")[0] for name in (await parts(api, server, net))["dns"]} == {"one", "two"}
    one = await add(api, one, second)
    extra = card(one, second)
    lease = (await parts(api, server, second))["dhcp"][extra["macaddress"]]
    assert (lease["address"], lease["gateway"]) == (extra["ipaddress"], None)
    # the default card is the one with the gateway
    whose = {"virtualmachineid": one["id"], "nicid": extra["id"]}
    await api.job("updateDefaultNicForVirtualMachine", **whose)
    assert (await parts(api, server, second))["dhcp"][extra["macaddress"]]["gateway"] == "10.9.8.1"
    assert (await parts(api, server, net))["dhcp"][one["nic"][0]["macaddress"]]["gateway"] is None
    await api.job("updateDefaultNicForVirtualMachine", **{**whose, "nicid": one["nic"][0]["id"]})
    await api.job("removeNicFromVirtualMachine", **whose)
    assert (await parts(api, server, second))["dhcp"] == {}
    # a machine that is off keeps its lease; one that is gone has none
    await api.job("stopVirtualMachine", id=two["id"])
    assert len((await parts(api, server, net))["dhcp"]) == 2
    await api.job("updateVmNicIp", nicid=two["nic"][0]["id"], ipaddress="10.9.9.222")
    assert (await parts(api, server, net))["dhcp"][two["nic"][0]["macaddress"]]["address"] == "10.9.9.222"
    await api.call("updateVirtualMachine", id=two["id"], name="three")
    assert {name.split(".")[0] for name in (await parts(api, server, net))["dns"]} == {"one", "three"}
    options = {"dhcpoptionsnetworklist[0].networkid": net["id"], "dhcpoptionsnetworklist[0].dhcp:42": "10.0.0.1"}
    await api.call("updateVirtualMachine", id=two["id"], **options)
    assert (await parts(api, server, net))["dhcp"][two["nic"][0]["macaddress"]]["options"] == {"42": "10.0.0.1"}
    await api.job("destroyVirtualMachine", id=two["id"], expunge=True)
    assert {name.split(".")[0] for name in (await parts(api, server, net))["dns"]} == {"one"}
    await check(server)


async def test_a_router_that_starts_anew_knows_all_of_them(api: Api, server: Server) -> None:
    net = await network(api, "net", 9)
    await asyncio.gather(*(api.deploy(networkids=net["id"]) for _ in range(6)))
    before = await parts(api, server, net)
    assert len(before["dhcp"]) == 6
    for given in ({"cleanup": True}, {"makeredundant": True}):
        await api.job("restartNetwork", id=net["id"], **given)
        await rest(server)
        routers = (await api.call("listRouters", networkid=net["id"], listall=True))["router"]
        assert len(routers) == (2 if "makeredundant" in given else 1)
        for router in routers:
            found = server.simulator.router(router["id"])
            assert {one["mac"]: one for one in found["dhcp"]} == before["dhcp"]
    # both are told of the next machine
    await api.deploy(networkids=net["id"])
    for router in (await api.call("listRouters", networkid=net["id"], listall=True))["router"]:
        assert len(server.simulator.router(router["id"])["dhcp"]) == 7
    await check(server)


@pytest.mark.parametrize("kind", ["fail", "drop", "lose"])
async def test_a_router_that_does_not_hear_is_told_later(api: Api, server: Server, kind: str) -> None:
    net = await network(api, "net", 9)
    await api.deploy(networkids=net["id"])
    rule = server.simulator.add_rule(Rule("DhcpEntryCommand", kind))
    machine = await api.deploy(networkids=net["id"])
    assert machine["state"] == "Running"
    await rest(server)
    assert await rows(server, "SELECT part FROM router_untold ORDER BY part") == [("dhcp",), ("dns",)]
    server.simulator.remove_rule(rule)
    await server.periodic.run_now("router-rules")
    assert len((await parts(api, server, net))["dhcp"]) == 2
    assert await rows(server, "SELECT part FROM router_untold") == []
    await check(server)


async def test_many_at_once_are_all_known(api: Api, server: Server) -> None:
    net = await network(api, "net", 9)
    machines = await asyncio.gather(*(api.deploy(networkids=net["id"]) for _ in range(20)))
    gone = [api.job("destroyVirtualMachine", id=one["id"], expunge=True) for one in machines[:10]]
    await asyncio.gather(*gone, *(api.deploy(networkids=net["id"]) for _ in range(10)))
    assert len((await parts(api, server, net))["dhcp"]) == 20
    await check(server)


async def test_a_shared_network_hands_out_its_own_and_one_without_dhcp_nothing(api: Api, server: Server) -> None:
    net = await shared(api)
    machine = await api.deploy(networkids=net["id"])
    lease = (await parts(api, server, net))["dhcp"][machine["nic"][0]["macaddress"]]
    (zone,) = (await api.call("listZones"))["zone"]
    assert (lease["gateway"], lease["dns"][0]) == ("10.7.7.1", zone["dns1"])
    flat = await network(api, "flat", 0, "DefaultL2NetworkOffering")
    bare = await api.deploy(networkids=flat["id"])
    asked = {"id": bare["id"], "dhcpoptionsnetworklist[0].networkid": flat["id"]}
    assert (await refused(api, "updateVirtualMachine", **asked, **{"dhcpoptionsnetworklist[0].dhcp:66": "x"}))[0] == 431
    (other, *_) = (await api.call("listNetworks", id=net["id"]))["network"]
    given = {**asked, "dhcpoptionsnetworklist[0].networkid": other["id"], "dhcpoptionsnetworklist[0].dhcp:66": "x"}
    assert (await refused(api, "updateVirtualMachine", **given))[0] == 431
    await check(server)
