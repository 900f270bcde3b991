"""Rules of networks, of whatever purpose: their states, whom they conflict with, and what takes them away.

A rule is stored as ``Add`` when it is asked for, ``Active`` once every router of its network that runs has been told
(without one it goes along with the router's start), and ``Revoke`` while it is taken away: routers are told all rules but
those. One that could not be made is gone again; one that could not be taken away stays in ``Revoke``, and is gone when the
routers have been told.

Ports of an address belong to one rule of one purpose. Only firewall rules may be about the ports of others: they say who
comes through, not where to.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, or_, select

from cloudsim.core.errors import RuleConflict
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.services import router_apply
from cloudsim.services.context import Context

table, public_ip = schema.firewall_rule, schema.public_ip

FIREWALL, FORWARDING, STATIC_NAT, LOAD_BALANCING = "Firewall", "PortForwarding", "StaticNat", "LoadBalancing"
INGRESS, EGRESS = "Ingress", "Egress"
#: The parts of routers that rules of a purpose are told with.
PARTS = {FIREWALL: "firewall", FORWARDING: "portforwarding", STATIC_NAT: "ipforwarding", LOAD_BALANCING: "loadbalancer"}

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
_RELATED = select(table.c.id).where(any_of(table.c.related_id, "ids"), _ALIVE)
_REMOVE = (
    table.update()
    .where(any_of(table.c.id, "ids"), _ALIVE)
    .values(removed=bindparam("at", type_=table.c.removed.type), state="Revoke")
)
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
        ctx.tx.execute(_REMOVE, ids=list(ids), at=ctx.now)
        ctx.tx.execute(_UNTAG, ids=list(ids))


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
    """Raises `RuleConflict` where ports of a public address are another rule's, or the address is a machine's whole.

    `but`: the rule that asks. Not for firewall rules, which share the ports of the others.
    """
    if address["static_nat"] and purpose != STATIC_NAT:
        raise RuleConflict(f"public address {address['address']} is used for static NAT")
    for row in of_address(ctx, address["id"]):
        if row["id"] == but or row["purpose"] == FIREWALL or row["state"] == "Revoke":
            continue
        if row["protocol"] == protocol and overlap((start, end), (row["start_port"], row["end_port"])):
            raise RuleConflict(
                f"ports {start} to {end} of {address['address']} are those of rule {row['uuid']} ({row['purpose']})"
            )


# -- what takes rules away


def _take(ctx: Context, rows: Sequence[Row]) -> list[str]:
    """Rules are gone, with the firewall rules that were made for them; answers the jobs that tell the routers."""
    if not rows:
        return []
    ids = [row["id"] for row in rows]
    related = [row["id"] for row in ctx.tx.all(_RELATED, ids=ids)]
    drop(ctx, [*ids, *related])
    parts: dict[int, set[str]] = {}
    for row in rows:
        name = "egress" if row["traffic_type"] == EGRESS else PARTS[row["purpose"]]
        parts.setdefault(row["network_id"], set()).update((name, PARTS[FIREWALL]) if related else (name,))
    return [job for network_id, names in parts.items() for job in router_apply.changed(ctx, network_id, *sorted(names))]


def of_address_gone(ctx: Context, address_id: int) -> list[str]:
    """A public address leaves its network: its rules go; answers the jobs that tell the routers.

    Call it while the address still belongs to the network.
    """
    return _take(ctx, of_address(ctx, address_id))


def of_machine_gone(ctx: Context, vm_id: int) -> list[str]:
    """A machine is gone: the rules that send traffic on to it go; answers the jobs that tell the routers."""
    return _take(ctx, of_machine(ctx, vm_id))


def of_network_gone(ctx: Context, network_id: int) -> None:
    """A network without routers is deleted: its rules go."""
    drop(ctx, [row["id"] for row in ctx.tx.all(_ALL_OF_NETWORK, network_id=network_id)])


def parts_of(rows: Sequence[Row]) -> list[str]:
    """The parts of routers that some rules are told with."""
    return sorted({"egress" if row["traffic_type"] == EGRESS else PARTS[row["purpose"]] for row in rows})
