"""What routers are told of firewall, egress and forwarding rules."""

from __future__ import annotations

from typing import Any

from cloudsim.agents.base import SetEgressRules, SetFirewallRules, SetForwardedPorts, SetPortForwardingRules
from cloudsim.db.database import Row
from cloudsim.services import router_parts, rules
from cloudsim.services.context import Context

Plain = dict[str, Any]

ANYWHERE = ["0.0.0.0/0"]


def _matched(row: Row) -> Plain:
    return {
        "protocol": row["protocol"],
        "start": row["start_port"],
        "end": row["end_port"],
        "type": row["icmp_type"],
        "code": row["icmp_code"],
    }


def _firewall(ctx: Context, found: Row, _offered: Row) -> list[Plain]:
    return [
        {"address": row["address"], **_matched(row), "sources": row["cidrs"] or ANYWHERE}
        for row in rules.of_network(ctx, found["id"], rules.FIREWALL)
    ]


def _egress(ctx: Context, found: Row, offered: Row) -> list[Plain]:
    usual, other = ("allow", "deny") if offered["egress_default_allow"] else ("deny", "allow")
    last = {"action": usual, "protocol": "all", "start": None, "end": None, "type": None, "code": None}
    return [
        *(
            {
                "action": other,
                **_matched(row),
                "sources": row["cidrs"] or ANYWHERE,
                "destinations": row["destinations"] or ANYWHERE,
            }
            for row in rules.of_network(ctx, found["id"], rules.FIREWALL, rules.EGRESS)
        ),
        {**last, "sources": ANYWHERE, "destinations": ANYWHERE},
    ]


def _forwarding(ctx: Context, found: Row, _offered: Row) -> list[Plain]:
    return [
        {
            "address": row["address"],
            "protocol": row["protocol"],
            "start": row["start_port"],
            "end": row["end_port"],
            "sources": row["cidrs"],
            "guest": row["guest_ip"],
            "guest_start": row["private_start"],
            "guest_end": row["private_end"],
        }
        for row in rules.of_network(ctx, found["id"], rules.FORWARDING)
    ]


def _forwarded(ctx: Context, found: Row, _offered: Row) -> list[Plain]:
    return [
        {
            "address": row["address"],
            "protocol": row["protocol"],
            "start": row["start_port"],
            "end": row["end_port"],
            "sources": row["cidrs"],
            "guest": row["guest_ip"],
        }
        for row in rules.of_network(ctx, found["id"], rules.STATIC_NAT)
    ]


for part in (
    router_parts.Part(SetFirewallRules, "Firewall", _firewall, rules.settled(rules.FIREWALL)),
    router_parts.Part(SetEgressRules, "Firewall", _egress, rules.settled(rules.FIREWALL, rules.EGRESS)),
    router_parts.Part(SetPortForwardingRules, "PortForwarding", _forwarding, rules.settled(rules.FORWARDING)),
    router_parts.Part(SetForwardedPorts, "StaticNat", _forwarded, rules.settled(rules.STATIC_NAT)),
):
    router_parts.register(part)
