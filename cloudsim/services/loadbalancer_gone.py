"""The end of load balancer rules and of their machines' part in them, whoever takes them away."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, select

from cloudsim.db import schema
from cloudsim.db.types import Big, any_of
from cloudsim.services import loadbalancer_address, rules
from cloudsim.services.context import Context

rule, balancer, member = schema.firewall_rule, schema.load_balancer, schema.load_balancer_vm

_LEAVING = select(rule.c.id).where(
    rule.c.network_id == bindparam("network_id"),
    rule.c.purpose == rules.LOAD_BALANCING,
    rule.c.state == "Revoke",
    rule.c.removed.is_(None),
)
_THOSE = select(balancer.c.rule_id).where(any_of(balancer.c.rule_id, "ids"))
_OF_MACHINE = (
    select(rule.c.id, rule.c.network_id)
    .select_from(member.join(rule, member.c.rule_id == rule.c.id))
    .where(member.c.vm_id == bindparam("vm_id"), rule.c.removed.is_(None))
    .distinct()
)
_LEFT = select(member.c.rule_id).where(any_of(member.c.rule_id, "ids")).distinct()
_LEAVE = member.delete().where(member.c.vm_id == bindparam("which", type_=Big))
_EMPTY = member.delete().where(any_of(member.c.rule_id, "ids"))
_END_POLICIES = [
    table.update()
    .where(any_of(table.c.rule_id, "ids"), table.c.removed.is_(None))
    .values(removed=bindparam("at", type_=table.c.removed.type))
    for table in (schema.lb_stickiness_policy, schema.lb_health_check_policy)
]
_UNCERTIFY = balancer.update().where(any_of(balancer.c.rule_id, "ids")).values(cert_id=None)


def ended(ctx: Context, ids: Sequence[int]) -> None:
    """Rules are gone: what belongs to those of load balancers goes with them (others are passed over)."""
    ids = [row["rule_id"] for row in ctx.tx.all(_THOSE, ids=list(ids))]
    if not ids:
        return
    ctx.tx.execute(_EMPTY, ids=ids)
    for statement in _END_POLICIES:
        ctx.tx.execute(statement, ids=ids, at=ctx.now)
    ctx.tx.execute(_UNCERTIFY, ids=ids)


rules.ENDED.append(ended)


def leave(ctx: Context, ids: Sequence[int]) -> None:
    """Rules whose routers know it are gone, with the firewall rules and the addresses that were theirs alone."""
    if not ids:
        return
    rules.drop(ctx, [*ids, *(row["id"] for row in rules.related(ctx, ids))])
    loadbalancer_address.give_back(ctx, ids)


def settled(ctx: Context, network_id: int) -> None:
    """Every router of a network knows the newest: rules that were on their way out are gone."""
    leave(ctx, [row["id"] for row in ctx.tx.all(_LEAVING, network_id=network_id)])


def machine_gone(ctx: Context, vm_id: int) -> list[int]:
    """A machine is gone for good: no load balancer has it any more. Answers the networks whose routers must know."""
    found = ctx.tx.all(_OF_MACHINE, vm_id=vm_id)
    if not found:
        return []
    ctx.tx.execute(_LEAVE, which=vm_id)
    ids = [row["id"] for row in found]
    left = {row["rule_id"] for row in ctx.tx.all(_LEFT, ids=ids)}
    for row_id in ids:
        if row_id not in left:
            ctx.tx.update(rule, {"id": row_id, "state": "Active"}, state="Add")
    return sorted({row["network_id"] for row in found})
