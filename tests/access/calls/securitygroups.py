"""Security groups."""

from __future__ import annotations

from typing import Any

from access_cast import Cast
from access_rows import Row, thing

from cloudsim.db import schema


@thing("securitygroup")
async def _group(cast: Cast, **owner: Any) -> str:
    return await cast.insert(schema.security_group, name="mine", **cast.owned(owner))


async def _rule(cast: Cast, owner: dict[str, Any], direction: str) -> str:
    (group,) = cast.one("SELECT id FROM security_group WHERE uuid = ?", cast.id("securitygroup", owner))
    given = {"group_id": group, "direction": direction, "protocol": "tcp", "cidr": "10.0.0.0/8", "start": 1, "end": 2}
    return await cast.insert(schema.security_group_rule, **given, **cast.owned(owner))


@thing("ingressrule", needs=("securitygroup",))
async def _ingress(cast: Cast, **owner: Any) -> str:
    return await _rule(cast, owner, "ingress")


@thing("egressrule", needs=("securitygroup",))
async def _egress(cast: Cast, **owner: Any) -> str:
    return await _rule(cast, owner, "egress")


WEB = {"protocol": "tcp", "startport": 80, "endport": 80, "cidrlist": "10.0.0.0/8"}

ROWS = [
    Row("createSecurityGroup", name="made"),
    Row("updateSecurityGroup", "securitygroup", name="else"),
    Row("deleteSecurityGroup", "securitygroup"),
    Row("listSecurityGroups", "securitygroup"),
    Row("authorizeSecurityGroupIngress", "securitygroup", by="securitygroupid", **WEB),
    Row("authorizeSecurityGroupEgress", "securitygroup", by="securitygroupid", **WEB),
    Row("revokeSecurityGroupIngress", "ingressrule"),
    Row("revokeSecurityGroupEgress", "egressrule"),
]
