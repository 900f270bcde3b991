"""What must hold of network cards, their addresses, and what routers know of them, of a server at rest."""

from __future__ import annotations

import invariants

from cloudsim.server import Server


async def check_cards(server: Server) -> None:
    """Cards and addresses: none in between, none twice, and machines that run have exactly those that are listed."""
    wrong = "SELECT uuid, state FROM nic WHERE removed IS NULL AND state NOT IN ('Allocated', 'Reserved')"
    await invariants.none(server, wrong)
    twice = (
        "SELECT network_id, ip FROM (SELECT network_id, ip FROM nic WHERE removed IS NULL AND ip IS NOT NULL"
        " UNION ALL SELECT network_id, ip FROM nic_secondary_ip WHERE removed IS NULL) AS every"
        " GROUP BY 1, 2 HAVING count(*) > 1"
    )
    await invariants.none(server, twice)
    stray = (
        "SELECT s.ip FROM nic_secondary_ip s JOIN nic n ON s.nic_id = n.id"
        " WHERE s.removed IS NULL AND (n.removed IS NOT NULL OR NOT n.has_secondary)"
    )
    await invariants.none(server, stray)
    several = (
        "SELECT v.uuid FROM nic n JOIN vm v ON n.vm_id = v.id WHERE n.removed IS NULL AND v.type = 'User'"
        " GROUP BY v.uuid HAVING sum(CASE WHEN n.is_default THEN 1 ELSE 0 END) <> 1"
    )
    await invariants.none(server, several)
    found = await invariants.rows(
        server,
        "SELECT v.uuid, n.mac, n.pending FROM vm v JOIN nic n ON n.vm_id = v.id"
        " WHERE v.type = 'User' AND v.state = 'Running' AND v.hypervisor = 'Simulator'"
        " AND (n.removed IS NULL OR n.pending IS NOT NULL)",
    )
    doubted = {uuid for uuid, _, pending in found if pending is not None}
    wanted: dict[str, set[str]] = {}
    for uuid, mac, _ in found:
        wanted.setdefault(uuid, set()).add(mac)
    for uuid, macs in wanted.items():
        if uuid not in doubted:
            assert {one["mac"] for one in server.simulator.nics(uuid)} == macs, uuid


async def check_entries(server: Server) -> None:
    """Routers that run hand out what the cards of the machines in their network have, and know their names."""
    untold = {
        uuid
        for (uuid,) in await invariants.rows(server, "SELECT v.uuid FROM router_untold u JOIN vm v ON u.vm_id = v.id")
    }
    routers = await invariants.rows(
        server,
        "SELECT v.uuid, v.network_id, n.network_domain FROM vm v JOIN network n ON v.network_id = n.id"
        " WHERE v.type = 'DomainRouter' AND v.removed IS NULL AND v.state = 'Running'",
    )
    for uuid, network_id, domain in routers:
        if uuid in untold:
            continue
        cards = await invariants.rows(
            server,
            "SELECT n.mac, n.ip, v.name FROM nic n JOIN vm v ON n.vm_id = v.id"
            " WHERE n.removed IS NULL AND v.removed IS NULL AND v.type = 'User' AND n.ip IS NOT NULL"
            f" AND (v.host_id IS NOT NULL OR v.last_host_id IS NOT NULL) AND n.network_id = {network_id}",
        )
        parts = server.simulator.router(uuid)
        if "dhcp" in parts:
            known = {(one["mac"], one["address"], one["hostname"]) for one in parts["dhcp"]}
            assert known == set(cards), (known, cards)
        if "dns" in parts:
            names = {(one["name"], one["address"]) for one in parts["dns"]}
            assert names == {(f"{name}.{domain}", ip) for _, ip, name in cards}, (names, cards)
