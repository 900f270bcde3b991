"""What holds a network card or one of its addresses: rules, load balancers and static NAT that lead to it.

Cards and addresses that something leads to are neither removed nor changed.
"""

from __future__ import annotations

from sqlalchemy import and_, bindparam, select

from cloudsim.core.errors import InvalidValue
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.services.context import Context

rule, balanced, public_ip = schema.firewall_rule, schema.load_balancer_vm, schema.public_ip

_HERE = (rule.c.network_id == bindparam("network_id"), rule.c.removed.is_(None), rule.c.state != "Revoke")
_RULES = (
    select(rule.c.purpose, rule.c.uuid, rule.c.guest_ip.label("ip"))
    .where(rule.c.vm_id == bindparam("vm_id"), *_HERE)
    .order_by(rule.c.id)
)
_BALANCERS = (
    select(rule.c.uuid, balanced.c.address.label("ip"))
    .select_from(balanced.join(rule, balanced.c.rule_id == rule.c.id))
    .where(balanced.c.vm_id == bindparam("vm_id"), *_HERE)
    .order_by(rule.c.id)
)
_STATIC = select(public_ip.c.address, public_ip.c.vm_ip.label("ip")).where(
    and_(
        public_ip.c.vm_id == bindparam("vm_id"),
        public_ip.c.network_id == bindparam("network_id"),
        public_ip.c.static_nat.is_(True),
    )
)


def must_be_free(ctx: Context, card: Row, address: str | None = None) -> None:
    """Raises `InvalidValue` where anything leads to a card, or to that address of it."""
    here = {"vm_id": card["vm_id"], "network_id": card["network_id"]}
    for statement, told in (
        (_RULES, "rule {uuid} ({purpose})"),
        (_BALANCERS, "load balancer rule {uuid}"),
        (_STATIC, "static NAT of public address {address}"),
    ):
        for row in ctx.tx.all(statement, here):
            # a load balancer without an address leads to the card's own
            if address is None or (row["ip"] or card["ip"]) == address:
                raise InvalidValue(
                    f"{address or 'the network card'} is in use by {told.format(**row)}: remove that first"
                )


__all__ = ["must_be_free"]
