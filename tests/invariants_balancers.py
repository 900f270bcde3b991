"""What must hold of load balancers; that routers do what their rules say is part of `invariants_rules`."""

from __future__ import annotations

from cloudsim.server import Server


async def check_balancers(server: Server) -> None:
    """Raises AssertionError for rules, machines, policies and certificates that do not belong together."""
    from invariants import none

    rule = "r.removed IS NULL AND r.purpose = 'LoadBalancing'"
    halves = (
        "SELECT r.uuid FROM firewall_rule r LEFT JOIN load_balancer b ON b.rule_id = r.id"
        " WHERE (r.purpose = 'LoadBalancing') = (b.id IS NULL)"
    )
    await none(server, halves)
    # routers know rules with machines, and these only
    members = "(SELECT rule_id FROM load_balancer_vm)"
    await none(server, f"SELECT uuid FROM firewall_rule r WHERE {rule} AND state = 'Add' AND id IN {members}")
    await none(server, f"SELECT uuid FROM firewall_rule r WHERE {rule} AND state = 'Active' AND id NOT IN {members}")
    stray = (
        "SELECT m.id FROM load_balancer_vm m JOIN firewall_rule r ON m.rule_id = r.id JOIN vm v ON m.vm_id = v.id"
        " LEFT JOIN nic n ON n.vm_id = v.id AND n.network_id = r.network_id AND n.removed IS NULL"
        " WHERE r.removed IS NOT NULL OR v.removed IS NOT NULL OR n.id IS NULL"
    )
    await none(server, stray)
    for policy in ("lb_stickiness_policy", "lb_health_check_policy"):
        await none(
            server,
            f"SELECT p.uuid FROM {policy} p JOIN firewall_rule r ON p.rule_id = r.id"
            " WHERE p.removed IS NULL AND r.removed IS NOT NULL",
        )
        await none(server, f"SELECT rule_id FROM {policy} WHERE removed IS NULL GROUP BY rule_id HAVING count(*) > 1")
    certificates = (
        "SELECT r.uuid FROM load_balancer b JOIN firewall_rule r ON b.rule_id = r.id JOIN ssl_cert c ON b.cert_id = c.id"
        " WHERE r.removed IS NOT NULL OR c.removed IS NOT NULL OR c.account_id <> r.account_id OR b.protocol <> 'ssl'"
    )
    await none(server, certificates)
    await none(server, "SELECT uuid FROM ssl_cert WHERE removed IS NOT NULL AND private_key <> ''")
    unused = (
        "SELECT r.uuid FROM firewall_rule r LEFT JOIN usage u"
        " ON u.kind = 'firewall_rule' AND u.row_id = r.id AND u.type = 11 AND u.ended IS NULL"
        f" WHERE {rule} AND u.id IS NULL"
    )
    await none(server, unused)
