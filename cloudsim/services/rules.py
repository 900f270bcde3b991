"""Rules of networks, of whatever purpose: their states, whom they conflict with, and what takes them away.

A rule is stored as ``Add`` when it is asked for, ``Active`` once every router of its network that runs has been told
(without one it goes along with the router's start), and ``Revoke`` while it is taken away: routers are told all rules but
those. One that could not be made is gone again; one that could not be taken away stays in ``Revoke``, and is gone when the
routers have been told.

Ports of an address belong to one rule of one purpose. Only firewall rules may be about the ports of others: they say who
comes through, not where to.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import bindparam, or_, select

from cloudsim.core.errors import InvalidValue, RuleConflict
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import Big, any_of
from cloudsim.services import access, nic_secondary, router_apply
from cloudsim.services.context import Context
from cloudsim.services.nouns import NETWORK_OFFERING, VIRTUAL_MACHINE

table, public_ip = schema.firewall_rule, schema.public_ip

FIREWALL, FORWARDING, STATIC_NAT, LOAD_BALANCING = "Firewall", "PortForwarding", "StaticNat", "LoadBalancing"
INGRESS, EGRESS = "Ingress", "Egress"
#: ``(ctx, row ids)``: what takes away what belongs to rules that are gone, in that transaction.
ENDED: list[Callable[[Context, Sequence[int]], None]] = []
#: The parts of routers that rules of a purpose are told with.
PARTS = {FIREWALL: "firewall", FORWARDING: "portforwarding", STATIC_NAT: "ipforwarding", LOAD_BALANCING: "loadbalancer"}

#: The services of networks that rules of a purpose need.
SERVICES = {FIREWALL: "Firewall", FORWARDING: "PortForwarding", STATIC_NAT: "StaticNat", LOAD_BALANCING: "Lb"}

_ALIVE = table.c.removed.is_(None)
_OF_NETWORK = (
    select(table, public_ip.c.address)
    .select_from(table.outerjoin(public_ip, table.c.public_ip_id == public_ip.c.id))
    .where(
        table.c.network_id == bindparam("network_id"),
        table.c.purpose == bindparam("purpose"),
        table.c.traffic_type == bindparam("traffic"),
        _ALIVE,
    )
    .order_by(table.c.id)
)
_LEAVING = select(table.c.id).where(
    table.c.network_id == bindparam("network_id"),
    table.c.purpose == bindparam("purpose"),
    table.c.traffic_type == bindparam("traffic"),
    table.c.state == "Revoke",
    _ALIVE,
)
_OF_ADDRESS = select(table).where(table.c.public_ip_id == bindparam("address_id"), _ALIVE).order_by(table.c.id)
_OF_MACHINE = select(table).where(table.c.vm_id == bindparam("vm_id"), _ALIVE).order_by(table.c.id)
_ALL_OF_NETWORK = select(table).where(table.c.network_id == bindparam("network_id"), _ALIVE).order_by(table.c.id)
_RELATED = select(table).where(any_of(table.c.related_id, "ids"), _ALIVE)
_REMOVE = (
    table.update()
    .where(any_of(table.c.id, "ids"), _ALIVE)
    .values(removed=bindparam("at", type_=table.c.removed.type), state="Revoke")
)
_END_USAGE = (
    schema.usage.update()
    .where(schema.usage.c.kind == "firewall_rule", any_of(schema.usage.c.row_id, "ids"), schema.usage.c.ended.is_(None))
    .values(ended=bindparam("at", type_=Big))
)
_TAKEN = select(table.c.id).where(table.c.uuid == bindparam("uuid"))
_CARD = select(schema.nic).where(
    schema.nic.c.vm_id == bindparam("vm_id"),
    schema.nic.c.network_id == bindparam("network_id"),
    schema.nic.c.removed.is_(None),
)
#: States of machines that no rule can be made for.
_LOST = ("Destroyed", "Expunging", "Error")
_UNTAG = schema.tag.delete().where(
    or_(*(schema.tag.c.resource_type == kind for kind in ("FirewallRule", "PortForwardingRule", "LoadBalancer"))),
    any_of(schema.tag.c.resource_id, "ids"),
)


def of_network(ctx: Context, network_id: int, purpose: str, traffic: str = INGRESS) -> list[Row]:
    """The rules of a purpose that the routers of a network enforce, with the `address` of each."""
    found = ctx.tx.all(_OF_NETWORK, network_id=network_id, purpose=purpose, traffic=traffic)
    return [row for row in found if row["state"] in ("Add", "Active")]


def of_address(ctx: Context, address_id: int) -> list[Row]:
    """All rules of a public address."""
    return ctx.tx.all(_OF_ADDRESS, address_id=address_id)


def of_machine(ctx: Context, vm_id: int) -> list[Row]:
    """All rules that send traffic on to a machine (by their own column; members of load balancers are not among them)."""
    return ctx.tx.all(_OF_MACHINE, vm_id=vm_id)


def add(ctx: Context, **values: Any) -> int:
    """Stores a rule that its routers are to be told of; answers its row id. Check it before."""
    return ctx.tx.insert(
        table,
        {
            **{column.name: None for column in table.c if column.name != "id"},
            "uuid": ctx.uuid(),
            "created": ctx.now,
            "traffic_type": INGRESS,
            "state": "Add",
            "cidrs": [],
            "destinations": [],
            "display": True,
            **values,
        },
    )


def drop(ctx: Context, ids: Sequence[int]) -> None:
    """Rules are gone, with their tags: the routers know, or are told by whoever calls this."""
    if ids:
        ctx.tx.execute(_END_USAGE, ids=list(ids), at=ctx.now)
        ctx.tx.execute(_REMOVE, ids=list(ids), at=ctx.now)
        ctx.tx.execute(_UNTAG, ids=list(ids))
        for end in ENDED:
            end(ctx, ids)


def settled(purpose: str, traffic: str = INGRESS) -> Any:
    """For `router_parts.Part`: every router knows, so the rules of a purpose that were on their way out are gone."""

    def gone(ctx: Context, network_id: int) -> None:
        found = ctx.tx.all(_LEAVING, network_id=network_id, purpose=purpose, traffic=traffic)
        drop(ctx, [row["id"] for row in found])

    return gone


# -- conflicts


def overlap(first: tuple[int | None, int | None], second: tuple[int | None, int | None]) -> bool:
    """Whether two ranges of ports have one in common; without ports it is all of them."""
    if first[0] is None or second[0] is None:
        return True
    return first[0] <= (second[1] or second[0]) and second[0] <= (first[1] or first[0])


def check_ports(
    ctx: Context, address: Row, purpose: str, protocol: str, start: int | None, end: int | None, but: int | None = None
) -> None:
    """Raises `RuleConflict` where ports of a public address are another rule's (`but`: not this one's).

    `InvalidValue` where the address has static NAT. Not for firewall rules, which share the ports of the others.
    """
    if address["static_nat"] and purpose != STATIC_NAT:
        raise InvalidValue(f"public address {address['address']} is used for static NAT")
    for row in of_address(ctx, address["id"]):
        if row["id"] == but or row["purpose"] == FIREWALL or row["state"] == "Revoke":
            continue
        if row["protocol"] == protocol and overlap((start, end), (row["start_port"], row["end_port"])):
            raise RuleConflict(
                f"ports {start} to {end} of {address['address']} are those of rule {row['uuid']} ({row['purpose']})"
            )


def check_conserve(ctx: Context, address: Row, found: Row, purpose: str) -> None:
    """Raises `InvalidValue` where a network's addresses serve one purpose each, and this one serves another."""
    if access.row(ctx, NETWORK_OFFERING, found["offering_id"])["conserve_mode"]:
        return
    other = next((row for row in of_address(ctx, address["id"]) if row["purpose"] not in (FIREWALL, purpose)), None)
    if address["source_nat"] or other is not None:
        uses = "source NAT" if other is None else other["purpose"]
        raise InvalidValue(
            f"public address {address['address']} is used for {uses}, and network {found['name']} (by its offering) uses "
            "each address for one thing"
        )


def check_target(ctx: Context, network_id: int, vm_id: int, guest_ip: str | None) -> str:
    """The address at which a rule reaches a machine in a network: `guest_ip`, or its first one. Raises `InvalidValue`."""
    machine = access.row(ctx, VIRTUAL_MACHINE, vm_id)
    if machine["removed"] is not None or machine["state"] in _LOST:
        raise InvalidValue(f"virtual machine {machine['name']} is {machine['state']}")
    card = ctx.tx.first(_CARD, vm_id=vm_id, network_id=network_id)
    if card is None or card["ip"] is None:
        raise InvalidValue(f"virtual machine {machine['name']} has no address in the network of the public address")
    if guest_ip not in (None, card["ip"], *secondary(ctx, card)):
        raise InvalidValue(f"virtual machine {machine['name']} does not have {str(guest_ip)[:64]} in that network")
    return str(guest_ip or card["ip"])


def secondary(ctx: Context, card: Row) -> list[str]:
    """The addresses that a card has besides its own."""
    return [row["ip"] for row in nic_secondary.of_card(ctx, card["id"])]


def plain_changes(ctx: Context, row: Row, display: bool | None, uuid: str | None) -> dict[str, Any]:
    """What can change of every rule; None: it stays. Raises `InvalidValue` for the id of another one."""
    if uuid is not None and ctx.tx.scalar(_TAKEN, uuid=uuid) not in (None, row["id"]):
        raise InvalidValue(f"there is or was a rule with id {uuid}: customid takes a new one")
    return {name: value for name, value in (("display", display), ("uuid", uuid)) if value is not None}


# -- what takes rules away


def with_related(ctx: Context, row: Row) -> list[Row]:
    """A rule, and the firewall rule that was made for it and is still there."""
    return [row, *ctx.tx.all(_RELATED, ids=[row["id"]])]


def related(ctx: Context, ids: Sequence[int]) -> list[Row]:
    """The firewall rules that were made for some rules and are still there."""
    return ctx.tx.all(_RELATED, ids=list(ids))


def take(ctx: Context, rows: Sequence[Row]) -> list[str]:
    """Rules are gone, with the firewall rules that were made for them; answers the jobs that tell the routers."""
    if not rows:
        return []
    found = {row["id"]: row for row in (*rows, *ctx.tx.all(_RELATED, ids=[row["id"] for row in rows]))}
    drop(ctx, list(found))
    by_network: dict[int, list[Row]] = {}
    for row in found.values():
        by_network.setdefault(row["network_id"], []).append(row)
    return [
        job for network_id, some in by_network.items() for job in router_apply.changed(ctx, network_id, *parts_of(some))
    ]


def of_address_gone(ctx: Context, address_id: int) -> list[str]:
    """A public address leaves its network: its rules go; answers the jobs that tell the routers.

    Call it while the address still belongs to the network.
    """
    return take(ctx, of_address(ctx, address_id))


def of_machine_gone(ctx: Context, vm_id: int) -> list[str]:
    """A machine is gone: the rules that send traffic on to it go; answers the jobs that tell the routers."""
    return take(ctx, of_machine(ctx, vm_id))


def of_network_gone(ctx: Context, network_id: int) -> None:
    """A network without routers is deleted: its rules go."""
    drop(ctx, [row["id"] for row in ctx.tx.all(_ALL_OF_NETWORK, network_id=network_id)])


def parts_of(rows: Sequence[Row]) -> list[str]:
    """The parts of routers that some rules are told with."""
    return sorted({"egress" if row["traffic_type"] == EGRESS else PARTS[row["purpose"]] for row in rows})
