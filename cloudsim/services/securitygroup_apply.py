"""From security groups to hosts: the rules of a machine, and the jobs that tell its host of them.

A machine starts with its rules. When they change while it runs (rules are added or taken away, or a machine that they
name by its group comes or goes) a job of its own tells its host: such jobs wait for whatever else happens to the
machine, and read the rules when it is their turn (`securitygroup_workflows`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, select, union_all

from cloudsim.agents.base import SecurityRule, SecuritySpec
from cloudsim.db import schema
from cloudsim.db.database import Row
from cloudsim.db.types import any_of
from cloudsim.jobs.job import Order
from cloudsim.services.context import Context

vm, nic = schema.vm, schema.nic
rule, member = schema.security_group_rule, schema.security_group_vm
WORKFLOW = "virtualmachine.rules"

Plain = dict[str, Any]

_GROUPS = select(member.c.group_id).where(member.c.vm_id == bindparam("vm_id"))
_RULES = (
    select(rule)
    .where(rule.c.group_id.in_(select(member.c.group_id).where(member.c.vm_id == bindparam("vm_id"))))
    .where(rule.c.removed.is_(None))
    .order_by(rule.c.id)
)
# what machines of a group can be reached at: those that are on a host
_ADDRESSES = union_all(
    *(
        select(member.c.group_id, one.c.ip)
        .select_from(member.join(vm, member.c.vm_id == vm.c.id).join(one, one.c.vm_id == vm.c.id))
        .where(
            any_of(member.c.group_id, "groups"),
            vm.c.host_id.is_not(None),
            vm.c.removed.is_(None),
            one.c.removed.is_(None),
            one.c.ip.is_not(None),
        )
        for one in (nic, schema.nic_secondary_ip)
    )
)
_MACHINES = (
    select(vm.c.id, vm.c.uuid, vm.c.account_id, vm.c.domain_id)
    .where(
        vm.c.id.in_(select(member.c.vm_id).where(any_of(member.c.group_id, "groups"))),
        vm.c.host_id.is_not(None),
        vm.c.removed.is_(None),
    )
    .order_by(vm.c.id)
)
_NAMING = (
    select(rule.c.group_id)
    .where(any_of(rule.c.allowed_id, "groups"), rule.c.removed.is_(None))
    .distinct()
)  # fmt: skip
_QUEUED = select(schema.job.c.uuid, schema.job.c.instance_uuid).where(
    schema.job.c.workflow == WORKFLOW, schema.job.c.state == "queued", any_of(schema.job.c.instance_uuid, "uuids")
)


# -- the rules of a machine


def rules_of(ctx: Context, vm_id: int) -> Plain:
    """What the host of a machine shall enforce, as plain data: rules of all its groups, groups as addresses."""
    rows = ctx.tx.all(_RULES, vm_id=vm_id)
    named = sorted({row["allowed_id"] for row in rows if row["allowed_id"] is not None})
    peers: dict[int, set[str]] = {}
    for row in ctx.tx.all(_ADDRESSES, groups=named) if named else ():
        peers.setdefault(row["group_id"], set()).add(f"{row['ip']}/32")
    made: dict[str, dict[tuple[Any, ...], set[str]]] = {"ingress": {}, "egress": {}}
    for row in rows:
        key = (row["protocol"], row["start"], row["end"])
        given = peers.get(row["allowed_id"], set()) if row["cidr"] is None else {row["cidr"]}
        made[row["direction"]].setdefault(key, set()).update(given)
    return {
        direction: [
            {"protocol": protocol, "start": start, "end": end, "peers": sorted(found)}
            for (protocol, start, end), found in parts.items()
        ]
        for direction, parts in made.items()
    }


def spec(plain: Mapping[str, Any]) -> SecuritySpec:
    """The rules that `rules_of` took apart."""
    made = {
        direction: tuple(SecurityRule(one["protocol"], one["start"], one["end"], tuple(one["peers"])) for one in rules)
        for direction, rules in plain.items()
    }
    return SecuritySpec(made["ingress"], made["egress"])


def groups_of(ctx: Context, vm_id: int) -> list[int]:
    """The groups that a machine is in."""
    return [row["group_id"] for row in ctx.tx.all(_GROUPS, vm_id=vm_id)]


# -- who is told


def changed(ctx: Context, groups: Sequence[int]) -> list[str]:
    """The rules of groups changed: orders that the hosts of their machines are told; answers the jobs' uuids."""
    return order(ctx, ctx.tx.all(_MACHINES, groups=groups))


def moved(ctx: Context, vm_id: int, groups: Sequence[int] | None = None) -> list[str]:
    """A machine came to a host or left it: orders that those are told whose rules name its groups."""
    found = groups_of(ctx, vm_id) if groups is None else groups
    naming = [row["group_id"] for row in ctx.tx.all(_NAMING, groups=found)] if found else []
    if not naming:
        return []
    return order(ctx, [row for row in ctx.tx.all(_MACHINES, groups=naming) if row["id"] != vm_id])


def order(ctx: Context, machines: Sequence[Row]) -> list[str]:
    """The jobs that tell the hosts of machines; answers their uuids."""
    # one that waits for its turn will read the rules then, with this change
    waiting = {
        row["instance_uuid"]: row["uuid"]
        for row in (ctx.tx.all(_QUEUED, uuids=[row["uuid"] for row in machines]) if machines else ())
    }
    return [
        waiting.get(row["uuid"])
        or ctx.submit(
            Order(
                command=ctx.command or "authorizeSecurityGroupIngress",
                workflow=WORKFLOW,
                arguments={"vm_id": row["id"]},
                instance_type="VirtualMachine",
                instance_uuid=row["uuid"],
                lock=f"vm:{row['uuid']}",
                account_id=row["account_id"],
                domain_id=row["domain_id"],
            )
        )
        for row in machines
    ]
