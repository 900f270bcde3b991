"""Security groups, their rules, and the machines in them."""

from __future__ import annotations

from sqlalchemy import Index

from cloudsim.db.schema.base import number, ref, required, resource, table, text, unique_alive

security_group = resource(
    "security_group",
    required("name"),
    text("description"),
    ref("account_id", "account"),
    ref("domain_id", "domain"),
    unique_alive("uq_security_group_name", "account_id", "name"),
)

security_group_rule = resource(
    "security_group_rule",
    ref("group_id", "security_group"),
    # the owner of the group
    ref("account_id", "account"),
    ref("domain_id", "domain"),
    # ingress or egress
    required("direction"),
    # tcp, udp, icmp, all, or the number of another one
    required("protocol"),
    # ports; type and code of ICMP
    number("start"),
    number("end"),
    # one of them: who is let through
    text("cidr"),
    ref("allowed_id", "security_group", optional=True),
)

security_group_vm = table(
    "security_group_vm",
    ref("vm_id", "vm", index=False),
    ref("group_id", "security_group"),
    Index("uq_security_group_vm", "vm_id", "group_id", unique=True),
)

# machines whose host could not be told of the newest rules
security_group_pending = table(
    "security_group_pending",
    ref("vm_id", "vm", index=False),
    Index("uq_security_group_pending", "vm_id", unique=True),
)
