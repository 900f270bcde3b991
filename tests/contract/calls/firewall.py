"""Firewall and forwarding rules: how their sampled commands are called."""

from __future__ import annotations

from typing import Any

from apiclient import Api
from sample_calls import Calls, calls


async def place(api: Api) -> tuple[dict[str, Any], str]:
    """A machine, and the id of its network's public address."""
    machine = await api.deploy()
    found = await api.call("listPublicIpAddresses", associatednetworkid=machine["nic"][0]["networkid"])
    return machine, found["publicipaddress"][0]["id"]


async def tagged(api: Api, kind: str, rule: dict[str, Any]) -> str:
    given = {"tags[0].key": "k", "tags[0].value": "v"}
    await api.job("createTags", resourcetype=kind, resourceids=rule["id"], **given)
    return str(rule["id"])


async def opened(api: Api, address: str) -> str:
    given = {"ipaddressid": address, "protocol": "tcp", "startport": 22, "endport": 22}
    return await tagged(api, "FirewallRule", (await api.job("createFirewallRule", **given))["firewallrule"])


async def forwarded(api: Api, machine: dict[str, Any], address: str) -> str:
    given = {"ipaddressid": address, "virtualmachineid": machine["id"], "protocol": "tcp"}
    made = await api.job("createPortForwardingRule", publicport=22, privateport=22, **given)
    return await tagged(api, "PortForwardingRule", made["portforwardingrule"])


@calls("createFirewallRule")
async def _open(api: Api) -> Calls:
    _, address = await place(api)
    return [{"ipaddressid": address, "protocol": "TCP", "startport": 22, "endport": 22, "cidrlist": "0.0.0.0/0"}]


@calls("createEgressFirewallRule")
async def _egress(api: Api) -> Calls:
    machine, _ = await place(api)
    return [{"networkid": machine["nic"][0]["networkid"], "protocol": "All", "cidrlist": "0.0.0.0/0"}]


@calls("createPortForwardingRule")
async def _forward(api: Api) -> Calls:
    machine, address = await place(api)
    given = {"ipaddressid": address, "virtualmachineid": machine["id"], "protocol": "TCP"}
    return [{**given, "publicport": 22, "privateport": 22, "openfirewall": "false"}]


@calls("listFirewallRules", "deleteFirewallRule")
async def _firewall(api: Api) -> Calls:
    _, address = await place(api)
    return [{"id": await opened(api, address)}]


@calls("listPortForwardingRules", "deletePortForwardingRule")
async def _forwarding(api: Api) -> Calls:
    return [{"id": await forwarded(api, *await place(api))}]
