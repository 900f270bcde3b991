"""Firewall and forwarding rules, and what simulated routers enforce of them."""

from __future__ import annotations

from typing import Any

from access_cast import Cast
from access_rows import Row, thing

from cloudsim.db import schema

TCP = {"protocol": "tcp", "start_port": 22, "end_port": 22, "private_start": 22, "private_end": 22}
#: A network that a router makes rules for, and an address of it that is in use.
ASSOCIATED = (
    "UPDATE public_ip SET state = 'Allocated', static_nat = 0, network_id = (SELECT n.id FROM network n"
    " WHERE n.account_id = public_ip.account_id AND n.guest_type = 'Isolated' ORDER BY n.id LIMIT 1) WHERE uuid = :id"
)

TRANSLATED = (
    "static_nat = 1, vm_id = (SELECT v.id FROM vm v JOIN nic c ON c.vm_id = v.id WHERE v.account_id = public_ip.account_id"
    " AND v.type = 'User' AND c.network_id = (SELECT n.id FROM network n WHERE n.account_id = public_ip.account_id"
    " AND n.guest_type = 'Isolated' ORDER BY n.id LIMIT 1) LIMIT 1)"
)


async def _rule(cast: Cast, owner: dict[str, Any], **given: Any) -> str:
    (network,) = cast.one("SELECT id FROM network WHERE uuid = ?", cast.id("network", owner))
    (address,) = cast.one("SELECT id FROM public_ip WHERE uuid = ?", cast.id("publicipaddress", owner))
    (machine,) = cast.one("SELECT id FROM vm WHERE uuid = ?", cast.id("virtualmachine", owner))
    values = {"state": "Active", "traffic_type": "Ingress", "network_id": network, "public_ip_id": address, **TCP}
    more = {"vm_id": machine if given["purpose"] != "Firewall" else None, "guest_ip": "10.1.1.2"}
    return await cast.insert(
        schema.firewall_rule, **{**values, **more, "cidrs": [], "destinations": [], **given}, **cast.owned(owner)
    )


NEEDS = ("network", "publicipaddress", "virtualmachine")


@thing("firewallrule", needs=NEEDS)
async def _firewall(cast: Cast, **owner: Any) -> str:
    return await _rule(cast, owner, purpose="Firewall")


@thing("egressfirewallrule", needs=NEEDS)
async def _egress(cast: Cast, **owner: Any) -> str:
    return await _rule(cast, owner, purpose="Firewall", traffic_type="Egress", public_ip_id=None)


@thing("portforwardingrule", needs=NEEDS)
async def _forwarding(cast: Cast, **owner: Any) -> str:
    return await _rule(cast, owner, purpose="PortForwarding", start_port=23, end_port=23)


@thing("ipforwardingrule", needs=NEEDS)
async def _static(cast: Cast, **owner: Any) -> str:
    return await _rule(cast, owner, purpose="StaticNat", start_port=24, end_port=24)


PORT = {"protocol": "tcp", "startport": 8080}

ROWS = [
    Row("createFirewallRule", "publicipaddress", by="ipaddressid", given=ASSOCIATED, **PORT),
    Row("updateFirewallRule", "firewallrule"),
    Row("deleteFirewallRule", "firewallrule"),
    Row("listFirewallRules", "firewallrule"),
    Row("createEgressFirewallRule", "network", by="networkid", **PORT),
    Row("updateEgressFirewallRule", "egressfirewallrule"),
    Row("deleteEgressFirewallRule", "egressfirewallrule"),
    Row("listEgressFirewallRules", "egressfirewallrule"),
    Row(
        "createPortForwardingRule", "publicipaddress", by="ipaddressid", given=ASSOCIATED, protocol="tcp",
        publicport=80, privateport=80, virtualmachineid="@virtualmachine",
    ),
    Row("updatePortForwardingRule", "portforwardingrule", privateport=25),
    Row("deletePortForwardingRule", "portforwardingrule"),
    Row("listPortForwardingRules", "portforwardingrule"),
    Row(
        "createIpForwardingRule", "publicipaddress", by="ipaddressid", protocol="tcp", startport=26,
        given=ASSOCIATED.replace("static_nat = 0", TRANSLATED),
    ),
    Row("deleteIpForwardingRule", "ipforwardingrule"),
    Row("listIpForwardingRules", "ipforwardingrule"),
    Row("listSimulatedRouterRules"),
]  # fmt: skip
