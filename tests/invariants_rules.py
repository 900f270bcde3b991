"""What must hold of the rules of networks: of each by itself, and of what routers do about them."""

from __future__ import annotations

from cloudsim.core.caller import Caller
from cloudsim.server import Server
from cloudsim.services import identity, router_parts
from cloudsim.services.nouns import NETWORK


async def check_rules(server: Server) -> None:
    """Raises AssertionError for rules without what they are about, twofold ones, and routers that do other things."""
    from invariants import none, rows

    wrong = (
        "SELECT uuid, purpose, state FROM firewall_rule WHERE removed IS NULL AND state = 'Add'"
        # a load balancer without machines has done nothing yet
        " AND (purpose <> 'LoadBalancing' OR id IN (SELECT rule_id FROM load_balancer_vm))"
    )
    await none(server, wrong)
    stray = (
        "SELECT r.uuid FROM firewall_rule r JOIN network n ON r.network_id = n.id"
        " LEFT JOIN public_ip p ON r.public_ip_id = p.id LEFT JOIN vm v ON r.vm_id = v.id"
        " LEFT JOIN firewall_rule o ON r.related_id = o.id"
        " WHERE r.removed IS NULL AND (n.removed IS NOT NULL OR v.removed IS NOT NULL OR o.removed IS NOT NULL"
        " OR (r.traffic_type = 'Ingress') = (p.id IS NULL) OR p.network_id <> r.network_id OR p.state <> 'Allocated')"
    )
    await none(server, stray)
    twice = (
        "SELECT a.uuid, b.uuid FROM firewall_rule a JOIN firewall_rule b ON a.public_ip_id = b.public_ip_id AND a.id < b.id"
        " AND a.protocol = b.protocol AND a.start_port <= b.end_port AND b.start_port <= a.end_port"
        " WHERE a.purpose <> 'Firewall' AND b.purpose <> 'Firewall' AND a.removed IS NULL AND b.removed IS NULL"
        " AND a.state <> 'Revoke' AND b.state <> 'Revoke'"
    )
    await none(server, twice)
    tags = (
        "SELECT t.uuid FROM tag t JOIN firewall_rule r ON t.resource_id = r.id"
        " WHERE t.resource_type IN ('FirewallRule', 'PortForwardingRule') AND r.removed IS NOT NULL"
    )
    await none(server, tags)
    used = (
        "SELECT u.uuid FROM usage u JOIN firewall_rule r ON u.row_id = r.id"
        " WHERE u.kind = 'firewall_rule' AND u.ended IS NULL AND r.removed IS NOT NULL"
    )
    await none(server, used)
    # routers that run and have nothing still to be told do what the rules say, no more and no less
    running = await rows(
        server,
        "SELECT uuid, network_id FROM vm WHERE type = 'DomainRouter' AND state = 'Running' AND removed IS NULL"
        " AND id NOT IN (SELECT vm_id FROM router_untold)",
    )
    for uuid, network_id in running:

        def meant(tx: object, network_id: int = network_id) -> router_parts.Plain:
            admin = identity.by_user_id(tx, 2)  # type: ignore[arg-type]
            assert isinstance(admin, Caller)
            ctx = server.cloud.context(tx, admin)  # type: ignore[arg-type]
            network = ctx.tx.first(NETWORK.by_id, row_id=network_id)
            assert network is not None
            return router_parts.of_network(ctx, network)

        assert server.simulator.router(uuid) == await server.db.read(meant), uuid
