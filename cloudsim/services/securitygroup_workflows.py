"""Rules of security groups: added and taken away, and how hosts are told of them.

A machine whose host could not be told is noted, and tried again periodically.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, select

from cloudsim.agents.base import SetSecurityRules
from cloudsim.core.errors import CloudError, OperationFailed
from cloudsim.db import schema
from cloudsim.jobs.workflow import Workflow, workflow
from cloudsim.services import access, vm_plain
from cloudsim.services import securitygroup_apply as apply
from cloudsim.services.context import Context
from cloudsim.services.nouns import SECURITY_GROUP, SECURITY_GROUP_RULE, VIRTUAL_MACHINE

vm, rule, pending = schema.vm, schema.security_group_rule, schema.security_group_pending

Plain = dict[str, Any]

_PENDING = (
    select(vm.c.id, vm.c.uuid, vm.c.account_id, vm.c.domain_id, vm.c.state)
    .select_from(pending.join(vm, pending.c.vm_id == vm.c.id))
    .order_by(vm.c.id)
)
_TOLD = pending.delete().where(pending.c.vm_id == bindparam("which"))
_NOTED = select(pending.c.id).where(pending.c.vm_id == bindparam("which"))
_THERE = select(rule).where(
    rule.c.group_id == bindparam("group_id"), rule.c.direction == bindparam("direction"), rule.c.removed.is_(None)
)
_UNTAG = schema.tag.delete().where(
    schema.tag.c.resource_type == "SecurityGroupRule", schema.tag.c.resource_id == bindparam("which")
)


def _planned(ctx: Context, vm_id: int) -> Plain:
    row = ctx.tx.first(VIRTUAL_MACHINE.by_id, row_id=vm_id)
    if row is None or row["removed"] is not None or row["state"] != "Running" or row["host_id"] is None:
        return {}
    return {
        "host": vm_plain.address_of(ctx, row["host_id"]),
        "uuid": row["uuid"],
        "name": row["instance_name"],
        "rules": apply.rules_of(ctx, vm_id),
    }


def _told(ctx: Context, vm_id: int) -> Plain:
    ctx.tx.execute(_TOLD, which=vm_id)
    return {"success": True}


def _not_told(ctx: Context, error: CloudError, vm_id: int) -> None:
    if ctx.tx.scalar(_NOTED, which=vm_id) is None:
        ctx.tx.insert(pending, vm_id=vm_id)


@workflow(apply.WORKFLOW, failed=_not_told)
async def _tell(wf: Workflow[Context], vm_id: int) -> None:
    plan = await wf.step("rules", _planned, vm_id)
    if plan:
        command = SetSecurityRules(wf.command_id("tell"), plan["uuid"], plan["name"], apply.spec(plan["rules"]))
        await wf.call(vm_plain.host_address(plan["host"]), command)
    await wf.finish(_told, vm_id)


def due(ctx: Context) -> int:
    """Orders again that hosts are told which could not be told; answers how many machines that are."""
    rows = ctx.tx.all(_PENDING)
    for row in rows:
        if row["state"] not in ("Running", "Migrating"):
            ctx.tx.execute(_TOLD, which=row["id"])
    return len(apply.order(ctx, [row for row in rows if row["state"] == "Running"]))


# -- rules added and taken away


def _authorized(
    ctx: Context,
    group_id: int,
    direction: str,
    protocol: str,
    start: int | None,
    end: int | None,
    cidrs: list[str],
    allowed: list[int],
) -> Plain:
    """Stores the rules that are not there yet; answers them and the jobs that tell hosts."""
    group = access.alive(ctx, SECURITY_GROUP, group_id)
    there = {
        (row["protocol"], row["start"], row["end"], row["cidr"], row["allowed_id"])
        for row in ctx.tx.all(_THERE, group_id=group_id, direction=direction)
    }
    wanted: list[tuple[str | None, int | None]] = [(cidr, None) for cidr in cidrs]
    wanted += [(None, access.alive(ctx, SECURITY_GROUP, row_id)["id"]) for row_id in allowed]
    made = [
        ctx.tx.insert(
            rule,
            uuid=ctx.uuid(),
            created=ctx.now,
            removed=None,
            group_id=group_id,
            account_id=group["account_id"],
            domain_id=group["domain_id"],
            direction=direction,
            protocol=protocol,
            start=start,
            end=end,
            cidr=cidr,
            allowed_id=allowed_id,
        )
        for cidr, allowed_id in dict.fromkeys(wanted)
        if (protocol, start, end, cidr, allowed_id) not in there
    ]
    if not made:
        raise OperationFailed(f"security group {group['name']} lets all of that through already")
    return {"rules": made, "jobs": apply.changed(ctx, [group_id])}


def _shown(ctx: Context, group_id: int, direction: str, rules: list[int]) -> Plain:
    access.alive(ctx, SECURITY_GROUP, group_id)
    (group,) = ctx.present("securitygroup", group_id)
    uuids = {row["uuid"] for row in ctx.tx.all(_THERE, group_id=group_id, direction=direction) if row["id"] in rules}
    for key in ("ingressrule", "egressrule"):
        group[key] = [one for one in group[key] if one["ruleid"] in uuids]
    return {"securitygroup": group}


@workflow("securitygroup.authorize")
async def _authorize(wf: Workflow[Context], group_id: int, direction: str, **arguments: Any) -> None:
    stored = await wf.step("store", _authorized, group_id, direction, **arguments)
    await wf.ended(stored["jobs"])
    await wf.finish(_shown, group_id, direction, stored["rules"])


def _revoked(ctx: Context, rule_id: int) -> list[str]:
    row = access.alive(ctx, SECURITY_GROUP_RULE, rule_id)
    ctx.tx.update(rule, {"id": rule_id}, removed=ctx.now)
    ctx.tx.execute(_UNTAG, which=rule_id)
    return apply.changed(ctx, [row["group_id"]])


def _done(ctx: Context) -> Plain:
    return {"success": True}


@workflow("securitygroup.revoke")
async def _revoke(wf: Workflow[Context], rule_id: int) -> None:
    await wf.ended(await wf.step("remove", _revoked, rule_id))
    await wf.finish(_done)
