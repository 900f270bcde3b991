"""Another offering for a network that is there: services come and go, and rules go with the services that they are of."""

from __future__ import annotations

from sqlalchemy import bindparam, select

from cloudsim.core.errors import InvalidValue
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.services import access, guest_network, network, network_orders, router, router_apply, rules, usage
from cloudsim.services.context import Context
from cloudsim.services.nouns import NETWORK, PHYSICAL_NETWORK, VIRTUAL_MACHINE

table, rule = schema.network, schema.firewall_rule

_RULES = select(rule).where(rule.c.network_id == bindparam("network_id"), rule.c.removed.is_(None)).order_by(rule.c.id)
_CARDS = (
    select(schema.nic)
    .select_from(schema.nic.join(schema.vm, schema.nic.c.vm_id == schema.vm.c.id))
    .where(
        schema.nic.c.network_id == bindparam("network_id"), schema.nic.c.removed.is_(None), schema.vm.c.type == "User"
    )
)


def _names(offered: Row) -> set[str]:
    return {str(service["name"]) for service in offered["services"]}


def must_be_like(now: Row, offered: Row) -> None:
    """Raises `InvalidValue` for an offering that is not enabled, or of another kind than the present one."""
    if offered["state"] != "Enabled":
        raise InvalidValue(f"network offering {offered['name']} is not enabled")
    for column, what in (
        ("guest_type", "another kind of network"),
        ("traffic_type", "another traffic"),
        ("specify_vlan", "VLANs chosen another way"),
        ("for_vpc", "a VPC"),
    ):
        if offered[column] != now[column]:
            raise InvalidValue(f"network offering {offered['name']} is for {what}")


def check(ctx: Context, row: Row, offered: Row, *, forced: bool) -> None:
    """Whether a network may get another offering. Raises `InvalidValue`.

    `forced`: rules of services that it loses go with them.
    """
    now = network_orders.offering_of(ctx, row)
    must_be_like(now, offered)
    if offered["tags"] != now["tags"]:
        raise InvalidValue(f"network offering {offered['name']} is for another physical network: use migrateNetwork")
    if ("SecurityGroup" in _names(now)) != ("SecurityGroup" in _names(offered)):
        raise InvalidValue("security groups of a network neither come nor go with another offering")
    guest_network.check_providers(ctx, offered, access.row(ctx, PHYSICAL_NETWORK, row["physical_network_id"]))
    lost = _names(now) - _names(offered)
    addresses = ctx.tx.all(network_orders.PUBLIC_OF, network_id=row["id"])
    if "SourceNat" in lost and any(one["source_nat"] for one in addresses):
        raise InvalidValue(f"network offering {offered['name']} has no source NAT, and the network uses it")
    if "StaticNat" in lost and any(one["static_nat"] for one in addresses):
        raise InvalidValue(
            f"network offering {offered['name']} has no static NAT, and an address of the network uses it"
        )
    held = _rules_of(ctx, row["id"], lost)
    if held and not forced:
        kinds = ", ".join(sorted({one["purpose"] for one in held}))
        raise InvalidValue(
            f"network offering {offered['name']} would take away {len(held)} rule(s) ({kinds}): say so with forced=true"
        )


def _rules_of(ctx: Context, network_id: int, services: set[str]) -> list[Row]:
    return [row for row in ctx.tx.all(_RULES, network_id=network_id) if rules.SERVICES[row["purpose"]] in services]


def apply(ctx: Context, row: Row, before: Row, after: Row) -> tuple[list[str], bool]:
    """What follows from another offering that a network has by now.

    Answers the jobs to wait for, and whether they remove routers of the wrong kind; else they tell those that stay what
    they do from now on.
    """
    lost = _names(before) - _names(after)
    rules.take(ctx, _rules_of(ctx, row["id"], lost))
    _count_anew(ctx, row, after)
    if row["state"] == "Implemented" and "SourceNat" in _names(after):
        network.take_source_nat(ctx, row)
    if after["is_persistent"] and row["state"] == "Allocated":
        row = network.implement(ctx, {**row, "offering_id": after["id"]})
        router.provide(ctx, row)
    kinds = [(router.served(one), network.redundant(one)) for one in (before, after)]
    nat = ["SourceNat" in _names(one) for one in (before, after)]
    if kinds[0] == kinds[1] and nat[0] == nat[1]:
        return router_apply.changed_all(ctx, row["id"]), False
    ctx.tx.update(table, {"id": row["id"]}, redundant=kinds[1][1])
    return router.remove_all(ctx, row["id"]), True


def _count_anew(ctx: Context, row: Row, after: Row) -> None:
    """The network and the cards in it use the new offering from now on."""
    now = access.row(ctx, NETWORK, row["id"])
    usage.end(ctx, "network", row["id"])
    usage.begin(ctx, usage.NETWORK, "network", now, offering_id=after["id"], network_id=row["id"])
    for card in ctx.tx.all(_CARDS, network_id=row["id"]):
        usage.end(ctx, "nic", card["id"])
        owner = access.row(ctx, VIRTUAL_MACHINE, card["vm_id"])
        network.begin_usage(ctx, owner, card["id"], now, card["is_default"])
