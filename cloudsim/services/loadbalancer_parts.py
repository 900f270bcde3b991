"""What routers are told of load balancers: the rules that have machines, and of these machines those that run."""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, or_, select

from cloudsim.agents.base import LoadBalancerConfig
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.db.virtualmachine import grouped
from cloudsim.services import loadbalancer_gone, router_apply, router_parts, rules
from cloudsim.services.context import Context

rule, balancer, member = schema.firewall_rule, schema.load_balancer, schema.load_balancer_vm
vm, nic = schema.vm, schema.nic

Plain = dict[str, Any]

PART = "loadbalancer"
#: States of machines that answer.
ANSWERING = ("Running", "Stopping", "Migrating")

_BALANCERS = (
    select(balancer, schema.ssl_cert.c.fingerprint)
    .select_from(balancer.outerjoin(schema.ssl_cert, balancer.c.cert_id == schema.ssl_cert.c.id))
    .where(any_of(balancer.c.rule_id, "ids"))
)
_MEMBERS = (
    select(member.c.rule_id, member.c.address, vm.c.state, nic.c.ip)
    .select_from(
        member.join(vm, member.c.vm_id == vm.c.id)
        .join(rule, member.c.rule_id == rule.c.id)
        .join(nic, (nic.c.vm_id == vm.c.id) & (nic.c.network_id == rule.c.network_id) & nic.c.removed.is_(None))
    )
    .where(any_of(member.c.rule_id, "ids"), vm.c.removed.is_(None))
    .order_by(member.c.id)
)
_POLICIES = select(schema.lb_stickiness_policy).where(
    any_of(schema.lb_stickiness_policy.c.rule_id, "ids"), schema.lb_stickiness_policy.c.removed.is_(None)
)
_NETWORKS = (
    select(rule.c.network_id)
    .select_from(member.join(rule, member.c.rule_id == rule.c.id))
    .where(
        member.c.vm_id == bindparam("vm_id"),
        rule.c.removed.is_(None),
        or_(rule.c.state == "Add", rule.c.state == "Active"),
    )
    .distinct()
)


def _read(ctx: Context, found: Row, _offered: Row) -> list[Plain]:
    rows = rules.of_network(ctx, found["id"], rules.LOAD_BALANCING)
    if not rows:
        return []
    ids = [row["id"] for row in rows]
    members = grouped(ctx.tx.all(_MEMBERS, ids=ids), "rule_id")
    balancers = {one["rule_id"]: one for one in ctx.tx.all(_BALANCERS, ids=ids)}
    policies = {one["rule_id"]: one for one in ctx.tx.all(_POLICIES, ids=ids)}
    return [
        _setting(row, balancers[row["id"]], members[row["id"]], policies.get(row["id"]))
        for row in rows
        if row["id"] in members
    ]


def _setting(row: Row, own: Row, members: list[Row], policy: Row | None) -> Plain:
    return {
        "rule": row["uuid"],
        "address": row["address"],
        "port": row["start_port"],
        "protocol": own["protocol"] or row["protocol"],
        "algorithm": own["algorithm"],
        "sources": row["cidrs"],
        "members": [
            {"guest": one["address"] or one["ip"], "port": row["private_start"]}
            for one in members
            if one["state"] in ANSWERING
        ],
        "stickiness": None if policy is None else {"method": policy["method"], "params": policy["params"]},
        "certificate": own["fingerprint"],
    }


router_parts.register(router_parts.Part(LoadBalancerConfig, "Lb", _read, loadbalancer_gone.settled))


def machine_moved(ctx: Context, vm_id: int) -> list[str]:
    """A machine has come to a host or left it: the routers whose load balancers it is at are told.

    Answers the jobs that tell them; nobody needs to wait for these.
    """
    found = ctx.tx.all(_NETWORKS, vm_id=vm_id)
    return [job for row in found for job in router_apply.changed(ctx, row["network_id"], PART)]


def machine_gone(ctx: Context, vm_id: int) -> list[str]:
    """A machine is gone for good: it leaves all load balancers; answers the jobs that tell the routers."""
    found = loadbalancer_gone.machine_gone(ctx, vm_id)
    return [job for network_id in found for job in router_apply.changed(ctx, network_id, PART)]
