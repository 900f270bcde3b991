"""Rules of networks, and what their routers have not been told yet."""

from __future__ import annotations

from sqlalchemy import Index

from cloudsim.db.schema.base import data, flag, number, ref, required, resource, table, text

# rules of all purposes: ports of one address conflict whatever they are used for
firewall_rule = resource(
    "firewall_rule",
    # Firewall, PortForwarding, StaticNat or LoadBalancing
    required("purpose"),
    # Ingress or Egress
    required("traffic_type"),
    # Staged, Add, Active or Revoke
    required("state"),
    ref("network_id", "network"),
    # None for egress
    ref("public_ip_id", "public_ip", optional=True),
    ref("account_id", "account"),
    ref("domain_id", "domain"),
    # tcp, udp, icmp, all, or the number of another one
    required("protocol"),
    number("start_port"),
    number("end_port"),
    # -1: any
    number("icmp_type"),
    number("icmp_code"),
    # lists of CIDRs; empty: not said
    data("cidrs", nullable=False),
    data("destinations", nullable=False),
    # where traffic is sent on to
    ref("vm_id", "vm", optional=True),
    text("guest_ip"),
    number("private_start"),
    number("private_end"),
    # the rule that this firewall rule was made for, and goes with
    ref("related_id", "firewall_rule", optional=True),
    flag("display", True),
)

# parts of what routers enforce that changed since they were told of them
router_untold = table(
    "router_untold",
    ref("vm_id", "vm", index=False),
    required("part"),
    # counted up with each change
    number("version", nullable=False, default=1),
    Index("uq_router_untold", "vm_id", "part", unique=True),
)
