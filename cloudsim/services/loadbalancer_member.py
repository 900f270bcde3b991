"""The machines of load balancer rules: assigned, taken away, listed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import bindparam, or_, select

from cloudsim.core.errors import InvalidValue
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.services import access, loadbalancer, rules
from cloudsim.services.context import Context
from cloudsim.services.listing import has_keyword
from cloudsim.services.loadbalancer_change import Change
from cloudsim.services.nouns import NETWORK, VIRTUAL_MACHINE

vm, nic = schema.vm, schema.nic
rule, member = schema.firewall_rule, schema.load_balancer_vm

#: States of machines that are gone, or as good as that.
LEFT = ("Destroyed", "Expunging", "Error")

_OF_RULE = (
    select(member.c.vm_id, member.c.address, vm.c.state, nic.c.ip)
    .select_from(
        member.join(rule, member.c.rule_id == rule.c.id)
        .join(vm, member.c.vm_id == vm.c.id)
        .join(nic, (nic.c.vm_id == vm.c.id) & (nic.c.network_id == rule.c.network_id) & nic.c.removed.is_(None))
    )
    .where(member.c.rule_id == bindparam("rule_id"), vm.c.removed.is_(None))
    .order_by(member.c.id)
)
_CARD = select(nic).where(
    nic.c.vm_id == bindparam("vm_id"), nic.c.network_id == bindparam("network_id"), nic.c.removed.is_(None)
)
_OF_NETWORK = (
    select(vm.c.id, vm.c.state, vm.c.name, vm.c.display_name, vm.c.account_id)
    .select_from(nic.join(vm, nic.c.vm_id == vm.c.id))
    .where(
        nic.c.network_id == bindparam("network_id"),
        nic.c.removed.is_(None),
        vm.c.type == "User",
        vm.c.removed.is_(None),
    )
    .order_by(vm.c.id)
)
_HELD = (
    select(loadbalancer.balancer.c.name)
    .select_from(
        member.join(rule, member.c.rule_id == rule.c.id).join(
            loadbalancer.balancer, loadbalancer.balancer.c.rule_id == rule.c.id
        )
    )
    .where(
        member.c.vm_id == bindparam("vm_id"),
        rule.c.network_id == bindparam("network_id"),
        rule.c.removed.is_(None),
        or_(bindparam("address") == "*", member.c.address == bindparam("address")),
    )
    .limit(1)
)

Pair = tuple[int, str]


def _asked(
    ctx: Context, row: Row, machines: Sequence[Row], addresses: Sequence[Mapping[str, str]]
) -> dict[int, tuple[Row, list[str | None]]]:
    """The machines that are named, each with the addresses that are named with it (None: its card's own)."""
    if not machines and not addresses:
        raise InvalidValue("say which virtual machines: virtualmachineids or vmidipmap")
    wanted: dict[int, tuple[Row, list[str | None]]] = {one["id"]: (one, [None]) for one in machines}
    uuids = [entry.get("vmid", "") for entry in addresses]
    if not all(uuids):
        raise InvalidValue("each entry of vmidipmap has a vmid, and the vmip that is meant")
    named = {one["uuid"]: one for one in access.find_all(ctx, VIRTUAL_MACHINE, list(dict.fromkeys(uuids)))}
    for entry in addresses:
        one = named[entry["vmid"]]
        wanted.setdefault(one["id"], (one, []))[1].append(entry.get("vmip") or None)
    for one, _ in wanted.values():
        access.must_own(ctx, VIRTUAL_MACHINE, one)
    return wanted


def _place(ctx: Context, row: Row, machine: Row, address: str | None) -> str:
    """An address of a machine in the network of a rule, as it is stored (empty: its card's own). Raises `InvalidValue`."""
    name = machine["display_name"] or machine["name"]
    card = ctx.tx.first(_CARD, vm_id=machine["id"], network_id=row["network_id"])
    if card is None:
        found = access.row(ctx, NETWORK, row["network_id"])
        raise InvalidValue(f"virtual machine {name} is not in network {found['name']} of the load balancer rule")
    if address is None or address == card["ip"]:
        return ""
    if address not in rules.secondary(ctx, card):
        raise InvalidValue(f"virtual machine {name} does not have address {address[:64]} in the network of the rule")
    return address


def assign(ctx: Context, row: Row, machines: Sequence[Row], addresses: Sequence[Mapping[str, str]]) -> str:
    """Has connections spread over machines as well; answers the job's uuid. Raises `InvalidValue`, `PermissionDenied`."""
    change = Change(ctx, row)
    there = {(one["vm_id"], one["address"]) for one in ctx.tx.all(_OF_RULE, rule_id=row["id"])}
    joining: dict[Pair, None] = {}
    for machine, places in _asked(ctx, row, machines, addresses).values():
        name = machine["display_name"] or machine["name"]
        if machine["state"] in LEFT:
            raise InvalidValue(f"virtual machine {name} is {machine['state']}")
        for place in places:
            pair = machine["id"], _place(ctx, row, machine, place)
            if pair in there:
                raise InvalidValue(
                    f"virtual machine {name} is assigned to load balancer rule {change.own['name']} already"
                )
            joining[pair] = None
    change.join(joining)
    return change.order("LB.ASSIGN.TO.RULE", f"assigning {len(joining)} virtual machine(s) to")


def remove(ctx: Context, row: Row, machines: Sequence[Row], addresses: Sequence[Mapping[str, str]]) -> str:
    """Takes machines away from a rule, or addresses of theirs; answers the job's uuid.

    Raises `InvalidValue`, `PermissionDenied`.
    """
    change = Change(ctx, row)
    there = [(one["vm_id"], one["address"]) for one in ctx.tx.all(_OF_RULE, rule_id=row["id"])]
    leaving: dict[Pair, None] = {}
    for machine, places in _asked(ctx, row, machines, addresses).values():
        for place in places:
            if place is None:
                found = [pair for pair in there if pair[0] == machine["id"]]
            else:
                pair = machine["id"], _place(ctx, row, machine, place)
                found = [pair] if pair in there else []
            if not found:
                name = machine["display_name"] or machine["name"]
                raise InvalidValue(f"virtual machine {name} is not assigned to load balancer rule {change.own['name']}")
            leaving.update(dict.fromkeys(found))
    change.leave(leaving)
    return change.order("LB.REMOVE.FROM.RULE", f"taking {len(leaving)} virtual machine(s) from")


def listed(ctx: Context, row: Row, *, applied: bool, keyword: str | None) -> dict[int, list[str]]:
    """The machines of a rule with the addresses that connections go to; without `applied` those that it could get."""
    members: dict[int, list[str]] = {}
    for one in ctx.tx.all(_OF_RULE, rule_id=row["id"]):
        members.setdefault(one["vm_id"], []).append(one["address"] or one["ip"])
    there = ctx.tx.all(_OF_NETWORK, network_id=row["network_id"])
    return {
        one["id"]: members.get(one["id"], [])
        for one in there
        if (one["id"] in members) == applied
        and one["state"] not in LEFT
        and has_keyword(keyword, one["name"], one["display_name"])
        and (applied or one["account_id"] == row["account_id"])
    }


def held(ctx: Context, card: Row, address: str | None) -> str | None:
    """What holds an address of a card (None: any of them), in words; None where no load balancer does."""
    place = "*" if address is None else "" if address == card["ip"] else address
    name = ctx.tx.scalar(_HELD, vm_id=card["vm_id"], network_id=card["network_id"], address=place)
    return None if name is None else f"load balancer rule {name}"
