"""Static NAT rules of old: ports of an address with static NAT that are opened one by one."""

from __future__ import annotations

from collections.abc import Sequence

from cloudsim.core.errors import InvalidValue, RuleConflict
from cloudsim.db.database import Row
from cloudsim.services import firewall, rule_orders, rule_request, rules
from cloudsim.services.context import Context
from cloudsim.services.securitygroup_rule import protocol_of


def create(
    ctx: Context,
    address: Row,
    *,
    protocol: str,
    start: int,
    end: int | None,
    cidrs: Sequence[str] | None,
    open_firewall: bool,
) -> tuple[str, str]:
    """Opens ports of an address with static NAT; answers the rule's uuid and the job's.

    Raises `InvalidValue`, `PermissionDenied`, `RuleConflict`.
    """
    found = rule_request.network_of(ctx, address, "StaticNat")
    if not address["static_nat"] or address.get("vm_id") is None:
        raise RuleConflict(f"public address {address['address']} has no static NAT: enableStaticNat comes first")
    stored = protocol_of(protocol)
    if stored not in ("tcp", "udp"):
        raise InvalidValue(f"ports are opened for tcp and udp, not {stored}")
    first, last = rule_request.ports(start, end, "startport", "endport")
    sources = rule_request.cidrs(cidrs)
    rules.check_ports(ctx, address, rules.STATIC_NAT, stored, first, last)
    made = rules.add(
        ctx,
        purpose=rules.STATIC_NAT,
        network_id=found["id"],
        public_ip_id=address["id"],
        account_id=address["account_id"],
        domain_id=address["domain_id"],
        protocol=stored,
        start_port=first,
        end_port=last,
        cidrs=sources,
        vm_id=address["vm_id"],
        guest_ip=rules.check_target(ctx, found["id"], address["vm_id"], address.get("vm_ip")),
        private_start=first,
        private_end=last,
    )
    if open_firewall:
        firewall.open_for(ctx, address, found, made, stored, first, last)
    return rule_orders.create(ctx, made)
