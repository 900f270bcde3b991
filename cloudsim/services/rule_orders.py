"""Rules of networks made, changed and taken away: the jobs that wait until the routers have been told.

A rule is checked and stored in the transaction of its request, which also orders that the routers are told; its job ends
when they have been. The rule jobs of a network run one after the other; those that were asked for at once wait for one and
the same telling, so that a hundred rules do not mean a hundred lists of a hundred.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cloudsim.core.errors import CloudError, OperationFailed, ResourceUnavailable
from cloudsim.db.database import Row
from cloudsim.jobs.job import Order
from cloudsim.jobs.workflow import Workflow, workflow
from cloudsim.services import access, router_apply, rules, usage
from cloudsim.services.context import Context
from cloudsim.services.nouns import NETWORK, NETWORK_RULE

table = rules.table

Plain = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """How rules of one kind are shown, and what their events are called."""

    noun: str
    #: Event types: made, taken away, changed.
    made: str
    gone: str
    changed: str
    label: str


INGRESS = Kind("firewallrule", "FIREWALL.OPEN", "FIREWALL.CLOSE", "FIREWALL.UPDATE", "firewall rule")
EGRESS = Kind(
    "firewallrule",
    "FIREWALL.EGRESS.OPEN",
    "FIREWALL.EGRESS.CLOSE",
    "FIREWALL.EGRESS.UPDATE",
    "egress firewall rule",
)
FORWARDING = Kind("portforwardingrule", "NET.RULEADD", "NET.RULEDELETE", "NET.RULEMODIFY", "port forwarding rule")
STATIC = Kind("ipforwardingrule", "NET.RULEADD", "NET.RULEDELETE", "NET.RULEMODIFY", "static NAT rule")


def kind_of(row: Row) -> Kind:
    """The kind of a rule."""
    if row["purpose"] == rules.FORWARDING:
        return FORWARDING
    if row["purpose"] == rules.STATIC_NAT:
        return STATIC
    return EGRESS if row["traffic_type"] == rules.EGRESS else INGRESS


def _order(ctx: Context, row: Row, verb: str, event: str, text: str, arguments: Plain) -> str:
    found = access.row(ctx, NETWORK, row["network_id"])
    return ctx.submit(
        Order(
            command=ctx.command,
            workflow=f"rule.{verb}",
            arguments={"rule_id": row["id"], **arguments},
            instance_type=NETWORK_RULE.type,
            instance_uuid=row["uuid"],
            lock=f"rules:{found['uuid']}",
            event=event,
            event_text=f"{text} {kind_of(row).label} {row['uuid']}",
            account_id=row["account_id"],
            domain_id=row["domain_id"],
        )
    )


def create(ctx: Context, rule_id: int) -> tuple[str, str]:
    """Orders that a rule that was stored (`rules.add`) comes to its routers; answers its uuid and the job's."""
    row = access.row(ctx, NETWORK_RULE, rule_id)
    jobs = router_apply.changed(ctx, row["network_id"], *rules.parts_of(rules.with_related(ctx, row)))
    return row["uuid"], _order(ctx, row, "create", kind_of(row).made, "making", {"jobs": jobs})


def delete(ctx: Context, row: Row) -> str:
    """Orders that a rule goes, with the firewall rule that was made for it; answers the job's uuid.

    What is on its way out already is tried again.
    """
    found = rules.with_related(ctx, row)
    for one in found:
        ctx.tx.update(table, {"id": one["id"]}, state="Revoke")
    jobs = router_apply.changed(ctx, row["network_id"], *rules.parts_of(found))
    return _order(ctx, row, "delete", kind_of(row).gone, "removing", {"jobs": jobs})


def update(ctx: Context, row: Row, changes: Mapping[str, Any]) -> str:
    """Orders that a rule changes; `changes` has columns that do not stay as they are. Answers the job's uuid."""
    return _order(ctx, row, "update", kind_of(row).changed, "changing", {"changes": dict(changes)})


def shown(ctx: Context, rule_id: int) -> Plain:
    """The result of a job that made or changed a rule."""
    noun = kind_of(access.alive(ctx, NETWORK_RULE, rule_id)).noun
    return {noun: ctx.present(noun, rule_id)[0]}


# -- made


def _made(ctx: Context, rule_id: int, jobs: Sequence[str]) -> Plain:
    router_apply.check(ctx, jobs)
    row = access.alive(ctx, NETWORK_RULE, rule_id)
    for one in rules.with_related(ctx, row):
        if one["state"] == "Add":
            ctx.tx.update(table, {"id": one["id"]}, state="Active")
    if row["purpose"] == rules.FORWARDING:
        found = access.row(ctx, NETWORK, row["network_id"])
        more = {"zone_id": found["zone_id"], "name": row["uuid"]}
        usage.begin(ctx, usage.PORT_FORWARDING, "firewall_rule", {**row, **more}, network_id=found["id"])
    return shown(ctx, rule_id)


def _not_made(ctx: Context, error: CloudError, rule_id: int, **_: Any) -> None:
    """The rule is gone again; a router that knows of it is told so."""
    row = ctx.tx.first(NETWORK_RULE.by_id, row_id=rule_id)
    if row is not None and row["removed"] is None:
        rules.take(ctx, [row])


@workflow("rule.create", failed=_not_made)
async def _create(wf: Workflow[Context], rule_id: int, jobs: list[str]) -> None:
    await wf.ended(jobs)
    await wf.finish(_made, rule_id, jobs)


# -- taken away


def _deleted(ctx: Context, rule_id: int, jobs: Sequence[str]) -> Plain:
    router_apply.check(ctx, jobs)
    row = access.row(ctx, NETWORK_RULE, rule_id)
    rules.drop(ctx, [one["id"] for one in rules.with_related(ctx, row)])
    return {"success": True}


@workflow("rule.delete")
async def _delete(wf: Workflow[Context], rule_id: int, jobs: list[str]) -> None:
    await wf.ended(jobs)
    await wf.finish(_deleted, rule_id, jobs)


# -- changed


def _store(ctx: Context, rule_id: int, changes: Plain) -> Plain:
    """Writes the changes; answers what was there before, and the jobs that tell the routers."""
    row = access.alive(ctx, NETWORK_RULE, rule_id)
    if row["state"] == "Revoke":
        raise ResourceUnavailable("the rule is being removed")
    if changes.get("vm_id") is not None:
        rules.check_target(ctx, row["network_id"], changes["vm_id"], changes["guest_ip"])
    ctx.tx.update(table, {"id": rule_id}, **changes)
    told = set(changes) - {"display", "uuid"}
    jobs = router_apply.changed(ctx, row["network_id"], *rules.parts_of([row])) if told else []
    return {"before": {name: row[name] for name in changes}, "jobs": jobs}


def _changed(ctx: Context, rule_id: int, jobs: Sequence[str]) -> Plain:
    router_apply.check(ctx, jobs)
    return shown(ctx, rule_id)


def _put_back(ctx: Context, rule_id: int, before: Plain) -> None:
    row = ctx.tx.first(NETWORK_RULE.by_id, row_id=rule_id)
    if row is not None and row["removed"] is None:
        ctx.tx.update(table, {"id": rule_id}, **before)
        router_apply.changed(ctx, row["network_id"], *rules.parts_of([row]))


@workflow("rule.update")
async def _update(wf: Workflow[Context], rule_id: int, changes: Plain) -> None:
    stored = await wf.step("store", _store, rule_id, changes)
    await wf.ended(stored["jobs"])
    try:
        await wf.finish(_changed, rule_id, stored["jobs"])
    except OperationFailed:
        await wf.step("back", _put_back, rule_id, stored["before"])
        raise
