"""Load balancers: what their rules have beside what all rules have, their machines, policies and certificates."""

from __future__ import annotations

from sqlalchemy import Index

from cloudsim.db.schema.base import data, flag, number, ref, required, resource, table, text, unique_alive

# one for each rule whose purpose is LoadBalancing; its private port and sources are in the rule itself
load_balancer = table(
    "load_balancer",
    ref("rule_id", "firewall_rule", index=False),
    required("name"),
    text("description"),
    # roundrobin, leastconn or source
    required("algorithm"),
    # tcp, udp, tcp-proxy or ssl; None: not said, it is tcp
    text("protocol"),
    # the certificate that connections are opened with, where the protocol is ssl
    ref("cert_id", "ssl_cert", optional=True),
    # whether its address was taken for it, and goes with it
    flag("own_address"),
    Index("uq_load_balancer_rule", "rule_id", unique=True),
)

load_balancer_vm = table(
    "load_balancer_vm",
    ref("rule_id", "firewall_rule", index=False),
    ref("vm_id", "vm"),
    # a secondary address of its card; empty: the card's own
    required("address"),
    Index("uq_load_balancer_vm", "rule_id", "vm_id", "address", unique=True),
)

lb_stickiness_policy = resource(
    "lb_stickiness_policy",
    ref("rule_id", "firewall_rule"),
    # the owner of the rule
    ref("account_id", "account"),
    ref("domain_id", "domain"),
    required("name"),
    text("description"),
    # LbCookie, AppCookie or SourceBased
    required("method"),
    data("params", nullable=False),
    flag("display", True),
)

lb_health_check_policy = resource(
    "lb_health_check_policy",
    ref("rule_id", "firewall_rule"),
    ref("account_id", "account"),
    ref("domain_id", "domain"),
    text("description"),
    required("ping_path"),
    # seconds
    number("response_timeout", nullable=False),
    number("interval", nullable=False),
    number("healthy", nullable=False),
    number("unhealthy", nullable=False),
    flag("display", True),
    # a rule has one
    unique_alive("uq_lb_health_check_policy_rule", "rule_id"),
)

ssl_cert = resource(
    "ssl_cert",
    ref("account_id", "account"),
    ref("domain_id", "domain"),
    required("name"),
    required("certificate"),
    text("chain"),
    required("fingerprint"),
    # sealed
    required("private_key"),
    text("password"),
)
