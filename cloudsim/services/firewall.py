"""Firewall rules: who comes in at public addresses, and who gets out of a network."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, select

from cloudsim.core.errors import InvalidValue, PermissionDenied, RuleConflict
from cloudsim.db.database import Row
from cloudsim.services import access, rule_orders, rule_request, rules
from cloudsim.services.context import Context
from cloudsim.services.nouns import NETWORK
from cloudsim.services.rule_parts import ANYWHERE
from cloudsim.services.securitygroup_rule import protocol_of

table = rules.table

_INGRESS = select(table).where(
    table.c.public_ip_id == bindparam("place"),
    table.c.purpose == rules.FIREWALL,
    table.c.state != "Revoke",
    table.c.removed.is_(None),
)
_EGRESS = select(table).where(
    table.c.network_id == bindparam("place"),
    table.c.purpose == rules.FIREWALL,
    table.c.traffic_type == rules.EGRESS,
    table.c.state != "Revoke",
    table.c.removed.is_(None),
)


def _matched(
    protocol: str, start: int | None, end: int | None, icmp_type: int | None, icmp_code: int | None
) -> dict[str, Any]:
    stored = protocol_of(protocol)
    first, last = rule_request.span(stored, start, end)
    type_, code = rule_request.icmp(stored, icmp_type, icmp_code)
    return {"protocol": stored, "start_port": first, "end_port": last, "icmp_type": type_, "icmp_code": code}


def check_type(ctx: Context, text: str | None) -> None:
    """Raises `InvalidValue` for what is no type of rule that can be asked for, `PermissionDenied` for one of the cloud."""
    if text is None or text.lower() == "user":
        return
    if text.lower() != "system":
        raise InvalidValue(f"type takes user or system, not '{text[:64]}'")
    if not ctx.caller.is_admin:
        raise PermissionDenied("firewall rules of type system are the cloud's own")
    raise InvalidValue("firewall rules of type system come with what they are for: this cloud's routers need none")


def _check_new(found: Sequence[Row], wanted: dict[str, Any], sources: list[str], destinations: list[str]) -> None:
    """Raises `RuleConflict` where a rule lets a part of this through already, for one of the same networks."""
    for row in found:
        if row["protocol"] != wanted["protocol"]:
            continue
        if row["protocol"] == "icmp":
            same = (row["icmp_type"], row["icmp_code"]) == (wanted["icmp_type"], wanted["icmp_code"])
        else:
            same = rules.overlap(
                (row["start_port"], row["end_port"]), (wanted["start_port"], wanted["end_port"])
            )  # fmt: skip
        if same and _shared(row["cidrs"], sources) and _shared(row["destinations"], destinations):
            raise RuleConflict(f"rule {row['uuid']} is about the same {row['protocol']} traffic already")


def _shared(first: list[str], second: list[str]) -> bool:
    return not {*first, *second} or not {*first}.isdisjoint(second)


def _store(ctx: Context, address: Row, network: Row, **values: Any) -> int:
    return rules.add(
        ctx,
        purpose=rules.FIREWALL,
        network_id=network["id"],
        public_ip_id=address["id"],
        account_id=address["account_id"],
        domain_id=address["domain_id"],
        **values,
    )


def open_for(ctx: Context, address: Row, network: Row, rule_id: int, protocol: str, start: int, end: int) -> None:
    """Lets everybody in at the ports of another rule, which this one goes with; nothing where the network has no firewall.

    Raises `RuleConflict`.
    """
    if not rule_request.has_service(ctx, network, "Firewall"):
        return
    values = {"protocol": protocol, "start_port": start, "end_port": end}
    found = ctx.tx.all(_INGRESS, place=address["id"])
    if any(values.items() <= row.items() for row in found):
        return  # whoever made that rule said who comes in there
    _check_new(found, values, ANYWHERE, [])
    _store(ctx, address, network, cidrs=ANYWHERE, related_id=rule_id, **values)


def create(
    ctx: Context,
    address: Row,
    *,
    protocol: str,
    start: int | None,
    end: int | None,
    icmp_type: int | None,
    icmp_code: int | None,
    cidrs: Sequence[str] | None,
    display: bool,
) -> tuple[str, str]:
    """Lets traffic in at a public address; answers the rule's uuid and the job's.

    Raises `InvalidValue`, `PermissionDenied`, `RuleConflict`.
    """
    network = rule_request.network_of(ctx, address, "Firewall")
    values = _matched(protocol, start, end, icmp_type, icmp_code)
    sources = rule_request.cidrs(cidrs) or ANYWHERE
    _check_new(ctx.tx.all(_INGRESS, place=address["id"]), values, sources, [])
    made = _store(ctx, address, network, cidrs=sources, display=display, **values)
    return rule_orders.create(ctx, made)


def create_egress(
    ctx: Context,
    network: Row,
    *,
    protocol: str,
    start: int | None,
    end: int | None,
    icmp_type: int | None,
    icmp_code: int | None,
    cidrs: Sequence[str] | None,
    destinations: Sequence[str] | None,
    display: bool,
) -> tuple[str, str]:
    """Lets traffic out of a network, or keeps it in where the network's offering lets all out.

    Answers the rule's uuid and the job's. Raises `InvalidValue`, `PermissionDenied`, `RuleConflict`.
    """
    access.must_own(ctx, NETWORK, network)
    rule_request.check_service(ctx, network, "Firewall")
    if network["guest_type"] != "Isolated":
        raise InvalidValue(f"network {network['name']} is not isolated: egress rules are for isolated networks")
    values = _matched(protocol, start, end, icmp_type, icmp_code)
    sources = _inside(network, rule_request.cidrs(cidrs))
    targets = rule_request.cidrs(destinations, "destcidrlist")
    _check_new(ctx.tx.all(_EGRESS, place=network["id"]), values, sources, targets)
    made = rules.add(
        ctx,
        purpose=rules.FIREWALL,
        traffic_type=rules.EGRESS,
        network_id=network["id"],
        account_id=network["account_id"],
        domain_id=network["domain_id"],
        cidrs=sources,
        destinations=targets,
        display=display,
        **values,
    )
    return rule_orders.create(ctx, made)


def _inside(network: Row, sources: list[str]) -> list[str]:
    """Parts of a network that a rule is for: all of it where nothing, or everything, was said. Raises `InvalidValue`."""
    whole = ipaddress.IPv4Network(f"{network['gateway']}/{network['netmask']}", strict=False)
    if not sources or "0.0.0.0/0" in sources:
        return [str(whole)]
    for text in sources:
        if not ipaddress.IPv4Network(text, strict=False).subnet_of(whole):
            raise InvalidValue(f"cidrlist of an egress rule has parts of {whole}, and {text} is none")
    return sources
