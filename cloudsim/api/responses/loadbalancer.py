"""Load balancer rules, their machines and policies, as clients read them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cloudsim.api.responses.base import Object, Response, owner, shown
from cloudsim.api.responses.tag import TAG, tags
from cloudsim.core.caller import domain_path_text
from cloudsim.services import lb_healthcheck, lb_stickiness, loadbalancer
from cloudsim.services.context import Context, Row

LOAD_BALANCER = Response(
    "loadbalancer",
    string="account algorithm cidrlist description domain domainid domainpath id jobid name networkid privateport "
    "project projectid protocol publicip publicipid publicport state zoneid zonename",
    boolean="fordisplay",
    integer="jobstatus",
    nested={"tags": ("list", TAG)},
    words={
        "algorithm": "How a machine is chosen for a connection",
        "cidrlist": "The addresses that connections are taken from, separated by commas; all if there are none",
        "protocol": "tcp, udp, tcp-proxy or ssl",
        "state": "Add (without machines, or until routers know), Active or Deleting",
    },
)
INSTANCES = Response("lbrulevmidip", list="lbvmipaddresses", integer="jobstatus", string="jobid",
                     uservmresponse="loadbalancerruleinstance")  # fmt: skip
_POLICY = "account domain domainid jobid lbruleid zoneid"
STICKINESS = Response(
    "stickinesspolicies",
    string=f"{_POLICY} description name state",
    integer="jobstatus",
    nested={
        "stickinesspolicy": (
            "list",
            Response(
                "stickinesspolicy", string="description id methodname name state", boolean="fordisplay", map="params"
            ),
        )
    },
)
HEALTH_CHECKS = Response(
    "healthcheckpolicies",
    string=_POLICY,
    integer="jobstatus",
    nested={
        "healthcheckpolicy": (
            "list",
            Response(
                "healthcheckpolicy",
                string="description id pingpath state",
                boolean="fordisplay",
                int="healthcheckinterval healthcheckthresshold responsetime unhealthcheckthresshold",
            ),
        )
    },
)


def _state(row: Row) -> str:
    return "Deleting" if row["state"] == "Revoke" else str(row["state"])


@LOAD_BALANCER.presents
def present(ctx: Context, ids: Sequence[int]) -> list[Object]:
    """Load balancer rules."""
    return [_rule(*found) for found in loadbalancer.page(ctx, ids)]


def _rule(row: Row, tag_rows: list[Row]) -> Object:
    return shown(
        id=row["uuid"],
        name=row["name"],
        description=row["description"],
        publicipid=row["address_uuid"],
        publicip=row["address"],
        publicport=str(row["start_port"]),
        privateport=str(row["private_start"]),
        algorithm=row["algorithm"],
        cidrlist=",".join(row["cidrs"]) or None,
        networkid=row["network_uuid"],
        **owner(row),
        domainid=row["domain_uuid"],
        domain=row["domain_name"],
        domainpath=domain_path_text(row["domain_path"]),
        state=_state(row),
        zoneid=row["zone_uuid"],
        zonename=row["zone_name"],
        protocol=row["lb_protocol"],
        tags=tags(tag_rows, "LoadBalancer", row["uuid"]),
        fordisplay=row["display"],
    )


def _in_rules(
    ctx: Context, policies: Sequence[Row], key: str, fields: Callable[[Row], Mapping[str, Any]]
) -> list[Object]:
    """One object for each policy, which tells of its rule and holds what `fields` tells of the policy."""
    rules = {row["id"]: row for row, _ in loadbalancer.page(ctx, list({one["rule_id"] for one in policies}))}
    return [
        {
            **_of_rule(rules[one["rule_id"]]),
            key: [
                shown(
                    id=one["uuid"],
                    description=one["description"],
                    **fields(one),
                    state=_state(rules[one["rule_id"]]),
                    fordisplay=one["display"],
                )
            ],
        }
        for one in policies
    ]


def _of_rule(row: Row) -> Object:
    """What the lists of a rule's policies begin with."""
    return shown(
        lbruleid=row["uuid"],
        account=row["account_name"],
        domainid=row["domain_uuid"],
        domain=row["domain_name"],
        zoneid=row["zone_uuid"],
    )


@STICKINESS.presents
def present_stickiness(ctx: Context, ids: Sequence[int]) -> list[Object]:
    """Stickiness policies, each in an object that tells of its rule."""
    return _in_rules(ctx, lb_stickiness.rows(ctx, ids), "stickinesspolicy", _stickiness)


def _stickiness(row: Row) -> Object:
    return {"name": row["name"], "methodname": row["method"], "params": row["params"]}


@HEALTH_CHECKS.presents
def present_health_checks(ctx: Context, ids: Sequence[int]) -> list[Object]:
    """Health check policies, each in an object that tells of its rule."""
    return _in_rules(ctx, lb_healthcheck.rows(ctx, ids), "healthcheckpolicy", _health_check)


def _health_check(row: Row) -> Object:
    return {
        "pingpath": row["ping_path"],
        "responsetime": row["response_timeout"],
        "healthcheckinterval": row["interval"],
        "healthcheckthresshold": row["healthy"],
        "unhealthcheckthresshold": row["unhealthy"],
    }


def policies_of(ctx: Context, rule: Row, objects: Sequence[Object], key: str) -> Object:
    """All policies of one rule, in one object that tells of it."""
    ((row, _),) = loadbalancer.page(ctx, [rule["id"]])
    return {**_of_rule(row), key: [one for found in objects for one in found[key]]}
