"""Firewall and forwarding rules, as clients read them."""

from __future__ import annotations

from collections.abc import Sequence

from cloudsim.api.responses.base import Object, Response, shown
from cloudsim.api.responses.tag import TAG, tags
from cloudsim.services import rule_view
from cloudsim.services.context import Context, Row

FIREWALL_RULE = Response(
    "firewallrule",
    boolean="fordisplay",
    integer="endport icmpcode icmptype startport",
    string="cidrlist destcidrlist id ipaddress ipaddressid networkid protocol state traffictype",
    nested={"tags": ("list", TAG)},
    words={"traffictype": "Ingress or Egress"},
)
FORWARDING_RULE = Response(
    "portforwardingrule",
    boolean="fordisplay",
    string="cidrlist id ipaddress ipaddressid networkid privateendport privateport protocol publicendport "
    "publicport state virtualmachinedisplayname virtualmachineid virtualmachinename vmguestip",
    nested={"tags": ("list", TAG)},
)
IP_FORWARDING_RULE = Response(
    "ipforwardingrule",
    boolean="fordisplay",
    string="cidrlist id ipaddress ipaddressid networkid privateendport privateport protocol publicendport "
    "publicport state virtualmachinedisplayname virtualmachineid virtualmachinename vmguestip",
    nested={"tags": ("list", TAG)},
)


def _state(row: Row) -> str:
    return "Deleting" if row["state"] == "Revoke" else str(row["state"])


@FIREWALL_RULE.presents
def present(ctx: Context, ids: Sequence[int]) -> list[Object]:
    """Firewall rules of both directions."""
    return [
        shown(
            id=row["uuid"],
            protocol=row["protocol"],
            startport=row["start_port"],
            endport=row["end_port"],
            icmptype=row["icmp_type"],
            icmpcode=row["icmp_code"],
            ipaddressid=row["address_uuid"],
            ipaddress=row["address"],
            networkid=row["network_uuid"],
            state=_state(row),
            cidrlist=",".join(row["cidrs"]),
            destcidrlist=",".join(row["destinations"]),
            traffictype=row["traffic_type"],
            fordisplay=row["display"] if ctx.caller.is_admin else None,
            tags=tags(found, "FirewallRule", row["uuid"]),
        )
        for row, found in rule_view.page(ctx, ids, "FirewallRule")
    ]


def _forwarding(ctx: Context, ids: Sequence[int]) -> list[Object]:
    return [
        shown(
            id=row["uuid"],
            protocol=row["protocol"],
            publicport=str(row["start_port"]),
            publicendport=str(row["end_port"]),
            privateport=str(row["private_start"]),
            privateendport=str(row["private_end"]),
            virtualmachineid=row["vm_uuid"],
            virtualmachinename=row["vm_name"],
            virtualmachinedisplayname=row["vm_display_name"] or row["vm_name"],
            vmguestip=row["guest_ip"],
            ipaddressid=row["address_uuid"],
            ipaddress=row["address"],
            networkid=row["network_uuid"],
            state=_state(row),
            cidrlist=",".join(row["cidrs"]),
            fordisplay=row["display"] if ctx.caller.is_admin else None,
            tags=tags(found, "PortForwardingRule", row["uuid"]),
        )
        for row, found in rule_view.page(ctx, ids, "PortForwardingRule")
    ]


FORWARDING_RULE.presents(_forwarding)
IP_FORWARDING_RULE.presents(_forwarding)
