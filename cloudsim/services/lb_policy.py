"""What policies of load balancers have in common: who sees them, and their other ids."""

from __future__ import annotations

from typing import Any

from cloudsim.core.errors import BadParameter
from cloudsim.db.database import Row
from cloudsim.jobs.job import Order
from cloudsim.jobs.workflow import single
from cloudsim.services import access
from cloudsim.services.context import Context
from cloudsim.services.nouns import LB_HEALTH_CHECK_POLICY, LB_STICKINESS_POLICY, LOAD_BALANCER_RULE, Noun

_NOUNS = {noun.name: noun for noun in (LB_STICKINESS_POLICY, LB_HEALTH_CHECK_POLICY)}


def update(ctx: Context, noun: Noun, policy: Row, event: str, *, display: bool | None, uuid: str | None) -> str:
    """Shows or hides a policy, or gives it another id; answers the job's uuid.

    Raises `BadParameter`, `PermissionDenied`.
    """
    access.must_own(ctx, noun, policy)
    other = uuid if uuid != policy["uuid"] else None
    if other is not None and ctx.tx.first(noun.by_uuid, uuid=other) is not None:
        raise BadParameter(f"customid is the id of another {noun.label}")
    changes = {name: value for name, value in (("display", display), ("uuid", other)) if value is not None}
    return ctx.submit(
        Order(
            command=ctx.command,
            workflow="loadbalancer.policy",
            arguments={"noun": noun.name, "policy_id": policy["id"], "changes": changes},
            instance_type=noun.type,
            instance_uuid=other or policy["uuid"],
            event=event,
            event_text=f"changing {noun.label} {policy['uuid']}",
            account_id=policy["account_id"],
            domain_id=policy["domain_id"],
        )
    )


def _updated(ctx: Context, noun: str, policy_id: int, changes: dict[str, Any]) -> dict[str, Any]:
    kind = _NOUNS[noun]
    access.alive(ctx, kind, policy_id)
    if "uuid" in changes and ctx.tx.first(kind.by_uuid, uuid=changes["uuid"]) is not None:
        raise BadParameter(f"customid is the id of another {kind.label}")
    if changes:
        ctx.tx.update(kind.table, {"id": policy_id}, **changes)
    return {noun: ctx.present(noun, policy_id)[0]}


single("loadbalancer.policy", _updated)


def rule_of(ctx: Context, policy: Row) -> Row:
    """The rule that a policy is of."""
    return access.row(ctx, LOAD_BALANCER_RULE, policy["rule_id"])
