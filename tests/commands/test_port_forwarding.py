"""Port forwarding: traffic to ports of a public address reaches the machine that a rule names."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from apiclient import Api
from invariants import check, rows
from people import refused
from rulebook import ANYONE, USUAL, Place, network, offering, place

from cloudsim.api.command import commands
from cloudsim.server import Server


@pytest.fixture
async def here(api: Api, server: Server) -> Place:
    return await place(api, server)


async def listed(api: Api, **given: object) -> list[dict[str, object]]:
    return (await api.call("listPortForwardingRules", **given)).get("portforwardingrule", [])


async def test_a_port_reaches_the_machine_from_anywhere(here: Place, api: Api, server: Server) -> None:
    made = await here.forward(22, 2222)
    assert {key: made[key] for key in ("publicport", "publicendport", "privateport", "privateendport", "state")} == {
        "publicport": "22", "publicendport": "22", "privateport": "2222", "privateendport": "2222", "state": "Active",
    }  # fmt: skip
    assert (made["virtualmachineid"], made["vmguestip"], made["networkid"]) == (
        here.machine["id"], here.guest, here.network,
    )  # fmt: skip
    assert (made["ipaddress"], made["cidrlist"], made["protocol"]) == (here.address["ipaddress"], "", "tcp")
    assert await here.comes_in(22) == (here.guest, 2222)
    assert await here.comes_in(23) is None
    assert await here.comes_in(22, protocol="udp") is None
    # the firewall was opened with it, and closes with it
    (opened,) = (await api.call("listFirewallRules"))["firewallrule"]
    assert (opened["startport"], opened["cidrlist"]) == (22, "0.0.0.0/0")
    assert await api.job("deletePortForwardingRule", id=made["id"]) == {"success": True}
    assert await here.comes_in(22) is None
    assert await api.call("listFirewallRules") == {}
    assert await listed(api) == []
    types = {event["type"] for event in (await api.call("listEvents"))["event"]}
    assert {"NET.RULEADD", "NET.RULEDELETE"} <= types
    await check(server)


async def test_traffic_from_a_network_reaches_another_port_of_the_machine(here: Place, api: Api) -> None:
    await here.forward(22, 2222, openfirewall=False)
    assert await here.comes_in(22, "10.1.2.3") is None
    await here.open(22, cidrlist="10.0.0.0/8")
    assert await here.comes_in(22, "10.1.2.3") == (here.guest, 2222)
    assert await here.comes_in(22, ANYONE) is None
    # the rule itself may be for some networks only
    await here.forward(80, cidrlist="172.16.0.0/12", protocol="TCP")
    assert await here.comes_in(80, "172.16.9.9") == (here.guest, 80)
    assert await here.comes_in(80, ANYONE) is None


async def test_a_range_reaches_as_many_ports(here: Place) -> None:
    made = await here.forward(8000, 9000, publicendport=8010, privateendport=9010, protocol="udp")
    assert (made["publicendport"], made["privateendport"]) == ("8010", "9010")
    assert await here.comes_in(8000, protocol="udp") == (here.guest, 9000)
    assert await here.comes_in(8010, protocol="udp") == (here.guest, 9010)
    assert await here.comes_in(8011, protocol="udp") is None


@pytest.mark.parametrize(
    "given",
    [
        {"protocol": "icmp"},
        {"protocol": "all"},
        {"publicport": 0},
        {"privateport": 65536},
        {"publicport": 30, "publicendport": 29},
        {"privateport": 30, "privateendport": 29},
        {"publicendport": 30},
        {"privateendport": 30},
        {"vmguestip": "10.254.254.254"},
        {"cidrlist": "10.0.0.1"},
        {"virtualmachineid": "00000000-0000-4000-8000-000000000000"},
    ],
)
async def test_what_breaks_a_rule_is_refused(here: Place, server: Server, given: dict[str, object]) -> None:
    asked = {
        "ipaddressid": here.address["id"], "virtualmachineid": here.machine["id"], "protocol": "tcp",
        "publicport": 22, "privateport": 22, **given,
    }  # fmt: skip
    assert (await refused(here.api, "createPortForwardingRule", **asked))[0] == 431
    assert await rows(server, "SELECT count(*) FROM firewall_rule") == [(0,)]


async def test_ports_of_an_address_belong_to_one_rule(here: Place, api: Api, server: Server) -> None:
    await here.forward(20, publicendport=30, privateendport=30)
    given = {"ipaddressid": here.address["id"], "virtualmachineid": here.machine["id"], "privateport": 1}
    for port in (20, 25, 30):
        asked = {**given, "publicport": port, "protocol": "tcp"}
        assert (await refused(api, "createPortForwardingRule", **asked))[0] == 537
    await here.forward(25, protocol="udp")
    await here.forward(31)
    # the firewall may have been opened for somebody already: then it stays as it is
    await here.open(40, cidrlist="10.0.0.0/8")
    await here.forward(40)
    assert await here.comes_in(40, "10.0.0.1") == (here.guest, 40)
    assert await here.comes_in(40) is None
    answers = await asyncio.gather(
        *(api.raw("createPortForwardingRule", **given, publicport=50, protocol="tcp") for _ in range(20))
    )
    assert sorted(status for status, _ in answers) == [200] + [537] * 19
    await check(server)


async def test_the_machine_must_be_in_the_network_of_the_address(here: Place, api: Api, server: Server) -> None:
    other = await place(api, server, networkids=await network(api, await offering(api, *USUAL)))
    given = {"ipaddressid": here.address["id"], "protocol": "tcp", "publicport": 22, "privateport": 22}
    status, text = await refused(api, "createPortForwardingRule", **given, virtualmachineid=other.machine["id"])
    assert (status, "no address in the network" in text) == (431, True)
    mine = {**given, "virtualmachineid": here.machine["id"]}
    assert (await refused(api, "createPortForwardingRule", **mine, networkid=other.network))[0] == 431
    (made,) = [await api.job("createPortForwardingRule", **mine, networkid=here.network)]
    assert made["portforwardingrule"]["networkid"] == here.network
    await api.job("destroyVirtualMachine", id=here.machine["id"])
    asked = {**mine, "publicport": 23}
    assert (await refused(api, "createPortForwardingRule", **asked))[0] == 431
    # it may come back, and its rules with it; expunged, it takes them along
    assert len(await listed(api)) == 1
    await api.job("expungeVirtualMachine", id=here.machine["id"])
    assert await listed(api) == []
    assert await here.comes_in(22) is None
    await check(server)


async def test_where_a_rule_sends_to_can_change(here: Place, api: Api, server: Server) -> None:
    made = await here.forward(22)
    second = await api.deploy(networkids=here.network)
    guest = second["nic"][0]["ipaddress"]
    (changed,) = (
        await api.job("updatePortForwardingRule", id=made["id"], virtualmachineid=second["id"], privateport=2022)
    ).values()
    assert (changed["vmguestip"], changed["privateport"], changed["privateendport"]) == (guest, "2022", "2022")
    assert await here.comes_in(22) == (guest, 2022)
    await api.job("updatePortForwardingRule", id=made["id"], cidrlist="10.0.0.0/8", fordisplay=False)
    assert await here.comes_in(22) is None
    assert await here.comes_in(22, "10.0.0.1") == (guest, 2022)
    for given in (
        {"privateport": 1, "privateendport": 2}, {"privateendport": 2}, {"vmguestip": here.guest}, {"cidrlist": "x"},
    ):  # fmt: skip
        assert (await refused(api, "updatePortForwardingRule", id=made["id"], **given))[0] == 431, given
    assert "NET.RULEMODIFY" in {event["type"] for event in (await api.call("listEvents"))["event"]}
    await check(server)


async def test_an_address_serves_one_purpose_where_the_offering_says_so(api: Api, server: Server) -> None:
    offered = await offering(api, *USUAL, conservemode=False)
    here = await place(api, server, networkids=await network(api, offered))
    given = {"ipaddressid": here.address["id"], "virtualmachineid": here.machine["id"], "protocol": "tcp"}
    status, text = await refused(api, "createPortForwardingRule", **given, publicport=22, privateport=22)
    assert (status, "source NAT" in text) == (431, True)


async def test_a_machine_with_rules_stays_with_its_owner(here: Place, api: Api) -> None:
    await here.forward(22)
    await api.job("stopVirtualMachine", id=here.machine["id"])
    await api.call("createAccount", "POST", email="a@example.com", firstname="A", lastname="B", password="a password",
                   username="other", accounttype=0)  # fmt: skip
    domain = (await api.call("listDomains", level=0))["domain"][0]["id"]
    given = {"virtualmachineid": here.machine["id"], "account": "other", "domainid": domain}
    status, text = await refused(api, "assignVirtualMachine", **given)
    assert (status, "sends traffic on" in text) == (431, True)


async def test_rules_are_used_until_they_go(here: Place, api: Api, server: Server) -> None:
    made = await here.forward(22)
    await api.job("deletePortForwardingRule", id=made["id"])
    found = "SELECT type, uuid, ended IS NULL FROM usage WHERE kind = 'firewall_rule'"
    assert await rows(server, found) == [(12, made["id"], 0)]
    kept = await here.forward(23)
    today = datetime.now(UTC)
    span = {"startdate": f"{today:%Y-%m-%d}", "enddate": f"{today + timedelta(days=1):%Y-%m-%d}", "type": 12}
    records = (await api.call("listUsageRecords", **span))["usagerecord"]
    assert kept["id"] in {record["usageid"] for record in records}


async def test_lists_by_address_network_and_tag(here: Place, api: Api, server: Server) -> None:
    other = await place(api, server, networkids=await network(api, await offering(api, *USUAL)))
    mine, theirs = await here.forward(22), await other.forward(22)
    assert [row["id"] for row in await listed(api, ipaddressid=other.address["id"])] == [theirs["id"]]
    assert [row["id"] for row in await listed(api, networkid=here.network)] == [mine["id"]]
    await api.job("createTags", resourcetype="PortForwardingRule", resourceids=mine["id"],
                  **{"tags[0].key": "k", "tags[0].value": "v"})  # fmt: skip
    assert [row["id"] for row in await listed(api, **{"tags[0].key": "k", "tags[0].value": "v"})] == [mine["id"]]
    assert (await refused(api, "listPortForwardingRules", id="b2608610-5736-4d77-81af-5a1b042c8f55"))[0] == 431


async def test_a_network_that_loses_the_service_loses_the_rules(here: Place, api: Api, server: Server) -> None:
    await here.forward(22)
    without = await offering(api, "Dhcp", "Dns", "SourceNat", "Firewall")
    await api.job("updateNetwork", id=here.network, networkofferingid=without)
    assert await listed(api) == []
    assert await here.comes_in(22) is None
    await check(server)


async def test_static_nat_rules_are_for_addresses_with_static_nat(here: Place, api: Api) -> None:
    given = {"ipaddressid": here.address["id"], "protocol": "tcp", "startport": 22}
    status, text = await refused(api, "createIpForwardingRule", **given)
    assert (status, "static NAT" in text) == (537, True)
    assert await api.call("listIpForwardingRules") == {}
    unknown = "00000000-0000-4000-8000-000000000000"
    assert (await refused(api, "deleteIpForwardingRule", id=unknown))[0] == 431


@pytest.mark.skipif(
    not {"enablestaticnat", "associateipaddress"} <= set(commands()), reason="static NAT is not there yet"
)
async def test_ports_of_an_address_with_static_nat_open_one_by_one(here: Place, api: Api, server: Server) -> None:
    acquired = (await api.job("associateIpAddress", networkid=here.network))["ipaddress"]
    await api.call("enableStaticNat", ipaddressid=acquired["id"], virtualmachineid=here.machine["id"])
    here.address = acquired
    given = {"ipaddressid": acquired["id"], "protocol": "tcp", "startport": 22, "endport": 24}
    made = (await api.job("createIpForwardingRule", **given))["ipforwardingrule"]
    assert (made["publicport"], made["privateendport"], made["vmguestip"]) == ("22", "24", here.guest)
    assert await here.comes_in(23) == (here.guest, 23)
    assert await here.comes_in(25) is None
    assert (await refused(api, "createIpForwardingRule", **{**given, "startport": 24}))[0] == 537
    for command, more in (
        ("listIpForwardingRules", {"virtualmachineid": here.machine["id"]}), ("listIpForwardingRules", {"id": made["id"]}),
    ):  # fmt: skip
        assert (await api.call(command, **more))["ipforwardingrule"] == [made]
    forwarded = {"virtualmachineid": here.machine["id"], "publicport": 99, "privateport": 99, "protocol": "tcp"}
    assert (await refused(api, "createPortForwardingRule", ipaddressid=acquired["id"], **forwarded))[0] == 431
    assert await api.job("deleteIpForwardingRule", id=made["id"]) == {"success": True}
    assert await here.comes_in(23) is None
    await check(server)
