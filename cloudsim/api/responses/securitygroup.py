"""Security groups, as clients read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cloudsim.api.responses.base import Object, Response, owner, shown
from cloudsim.api.responses.tag import TAG, tags
from cloudsim.core.caller import domain_path_text
from cloudsim.services import securitygroup
from cloudsim.services.context import Context, Row
from cloudsim.services.securitygroup import Entry

_RULE: dict[str, Any] = {
    "integer": "endport icmpcode icmptype startport",
    "string": "account cidr protocol ruleid securitygroupname",
    "nested": {"tags": ("set", TAG)},
}
RULE = Response("securitygrouprule", **_RULE)
#: What a command that lets more through is declared with; its answer has the group with its new rules.
RULE_MADE = Response("securitygroup", **_RULE)
SECURITY_GROUP = Response(
    "securitygroup",
    integer="virtualmachinecount",
    set="virtualmachineids",
    string="account description domain domainid domainpath id name project projectid",
    nested={"egressrule": ("set", RULE), "ingressrule": ("set", RULE), "tags": ("set", TAG)},
)


@SECURITY_GROUP.presents
def present(ctx: Context, ids: Sequence[int]) -> list[Object]:
    """Groups with their rules, machines and owners."""
    return [_group(found) for found in securitygroup.page(ctx, ids)]


def _group(found: Entry) -> Object:
    row = found.row
    rules: dict[str, list[Object]] = {"ingress": [], "egress": []}
    for one in found.rules:
        rules[one["direction"]].append(_rule(one, found.rule_tags.get(one["id"], [])))
    return shown(
        id=row["uuid"],
        name=row["name"],
        description=row["description"],
        **owner(row),
        domainid=row["domain_uuid"],
        domain=row["domain_name"],
        domainpath=domain_path_text(row["domain_path"]),
        ingressrule=rules["ingress"],
        egressrule=rules["egress"],
        tags=tags(found.tags, "SecurityGroup", row["uuid"]),
        virtualmachinecount=len(found.machines),
        virtualmachineids=found.machines,
    )


def _rule(row: Row, tag_rows: list[Row]) -> Object:
    icmp = row["protocol"] == "icmp"
    return shown(
        ruleid=row["uuid"],
        protocol=row["protocol"],
        startport=None if icmp else row["start"],
        endport=None if icmp else row["end"],
        icmptype=row["start"] if icmp else None,
        icmpcode=row["end"] if icmp else None,
        cidr=row["cidr"],
        securitygroupname=row["allowed_name"],
        account=row["account_name"],
        tags=tags(tag_rows, "SecurityGroupRule", row["uuid"]),
    )


def of_machine(row: Row, whose: Object) -> Object:
    """A group as a machine shows it: without rules, as on the reference; `whose` as `base.owner` makes it."""
    made = {"id": row["uuid"], "name": row["name"], **whose}
    if row["description"] is not None:
        made["description"] = row["description"]
    return {**made, "ingressrule": [], "egressrule": [], "tags": [], "virtualmachineids": []}
