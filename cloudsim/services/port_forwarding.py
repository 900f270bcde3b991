"""Port forwarding rules: ports of public addresses that are those of machines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cloudsim.core.errors import InvalidValue
from cloudsim.db.database import Row
from cloudsim.services import access, firewall, rule_orders, rule_request, rules
from cloudsim.services.context import Context
from cloudsim.services.nouns import VIRTUAL_MACHINE
from cloudsim.services.securitygroup_rule import protocol_of


def _protocol(text: str) -> str:
    found = protocol_of(text)
    if found not in ("tcp", "udp"):
        raise InvalidValue(f"ports are forwarded for tcp and udp, not {found}")
    return found


def create(
    ctx: Context,
    address: Row,
    machine: Row,
    *,
    network: Row | None,
    protocol: str,
    public: tuple[int, int | None],
    private: tuple[int, int | None],
    guest_ip: str | None,
    cidrs: Sequence[str] | None,
    open_firewall: bool,
    display: bool,
) -> tuple[str, str]:
    """Sends ports of a public address on to a machine; answers the rule's uuid and the job's.

    `open_firewall`: everybody is let in at those ports. Raises `InvalidValue`, `PermissionDenied`, `RuleConflict`.
    """
    found = rule_request.network_of(ctx, address, "PortForwarding")
    if network is not None and network["id"] != found["id"]:
        raise InvalidValue(
            f"networkid is for addresses of VPCs: {address['address']} is one of network {found['name']} already"
        )
    access.must_own(ctx, VIRTUAL_MACHINE, machine)
    stored = _protocol(protocol)
    start, end = rule_request.ports(*public, "publicport", "publicendport")
    first, last = rule_request.ports(*private, "privateport", "privateendport")
    if end - start != last - first:
        raise InvalidValue("publicport to publicendport and privateport to privateendport are equally many ports")
    sources = rule_request.cidrs(cidrs)
    rules.check_ports(ctx, address, rules.FORWARDING, stored, start, end)
    rules.check_conserve(ctx, address, found, rules.FORWARDING)
    guest = rules.check_target(ctx, found["id"], machine["id"], guest_ip)
    made = rules.add(
        ctx,
        purpose=rules.FORWARDING,
        network_id=found["id"],
        public_ip_id=address["id"],
        account_id=address["account_id"],
        domain_id=address["domain_id"],
        protocol=stored,
        start_port=start,
        end_port=end,
        cidrs=sources,
        vm_id=machine["id"],
        guest_ip=guest,
        private_start=first,
        private_end=last,
        display=display,
    )
    if open_firewall:
        firewall.open_for(ctx, address, found, made, stored, start, end)
    return rule_orders.create(ctx, made)


def update(
    ctx: Context,
    row: Row,
    *,
    private: tuple[int | None, int | None],
    machine: Row | None,
    guest_ip: str | None,
    cidrs: Sequence[str] | None,
    display: bool | None,
    uuid: str | None,
) -> str:
    """Changes where a rule sends to, and whom it is for; what is None stays. Answers the job's uuid.

    Raises `InvalidValue`, `PermissionDenied`.
    """
    changes: dict[str, Any] = {}
    if private != (None, None):
        start, end = private
        if start is None:
            raise InvalidValue("privateendport goes with privateport: give both")
        first, last = rule_request.ports(start, end, "privateport", "privateendport")
        if last - first != row["end_port"] - row["start_port"]:
            raise InvalidValue("publicport to publicendport and privateport to privateendport are equally many ports")
        changes.update(private_start=first, private_end=last)
    if machine is not None or guest_ip is not None:
        if machine is not None:
            access.must_own(ctx, VIRTUAL_MACHINE, machine)
        vm_id = row["vm_id"] if machine is None else machine["id"]
        changes.update(vm_id=vm_id, guest_ip=rules.check_target(ctx, row["network_id"], vm_id, guest_ip))
    if cidrs is not None:
        changes["cidrs"] = rule_request.cidrs(cidrs)
    changes.update(rules.plain_changes(display, uuid))
    return rule_orders.update(ctx, row, changes)
