"""What must hold of public addresses at rest."""

from __future__ import annotations

from typing import Any

import invariants

from cloudsim.server import Server


async def check_addresses(server: Server) -> None:
    """Raises AssertionError for an address that is not whose it says, or that routers serve otherwise."""
    # what is free is nobody's, what is not is somebody's
    await invariants.none(
        server,
        "SELECT address, state FROM public_ip WHERE state = 'Free' AND (account_id IS NOT NULL OR network_id IS NOT NULL"
        " OR vm_id IS NOT NULL OR source_nat OR static_nat OR is_system OR is_portable)",
    )
    await invariants.none(server, "SELECT address FROM public_ip WHERE state = 'Allocated' AND account_id IS NULL")
    await invariants.none(server, "SELECT address FROM public_ip WHERE state IN ('Allocating', 'Releasing')")
    twice = "SELECT network_id FROM public_ip WHERE source_nat GROUP BY network_id HAVING count(*) > 1"
    await invariants.none(server, twice)
    # static NAT is to an address that the machine has in that network
    await invariants.none(
        server,
        "SELECT p.address, p.vm_ip FROM public_ip p WHERE (p.static_nat OR p.vm_id IS NOT NULL) AND NOT (p.static_nat"
        " AND EXISTS (SELECT 1 FROM nic c JOIN vm v ON c.vm_id = v.id WHERE c.removed IS NULL AND v.removed IS NULL"
        " AND v.id = p.vm_id AND c.network_id = p.network_id))",
    )
    await invariants.none(
        server,
        "SELECT vm_id, network_id, vm_ip FROM public_ip WHERE static_nat GROUP BY 1, 2, 3 HAVING count(*) > 1",
    )
    # what the system gave belongs to a machine that runs
    await invariants.none(
        server,
        "SELECT p.address FROM public_ip p JOIN vm v ON p.vm_id = v.id WHERE p.is_system AND v.state <> 'Running'",
    )
    # a portable address is of its range, and of one place
    joined = "portable_ip o JOIN vlan v ON v.portable_range_id = o.range_id JOIN public_ip p ON p.vlan_id = v.id"
    given = f"SELECT o.id FROM {joined} AND p.address = o.address"
    await invariants.none(
        server, f"SELECT address, state FROM portable_ip WHERE (state = 'Allocated') <> (id IN ({given}))"
    )
    given = given.replace("o.id", "p.id")
    await invariants.none(server, f"SELECT address FROM public_ip WHERE is_portable <> (id IN ({given}))")
    await _check_used(server)
    await _check_routers(server)


async def _check_used(server: Server) -> None:
    sql = "SELECT id FROM public_ip WHERE state <> 'Free' AND account_id IS NOT NULL AND network_id IS NOT NULL"
    held = {row_id for (row_id,) in await invariants.rows(server, sql)}
    sql = "SELECT row_id FROM usage WHERE kind = 'public_ip' AND ended IS NULL"
    used = {row_id for (row_id,) in await invariants.rows(server, sql)}
    assert held <= used, held - used
    free = {row_id for (row_id,) in await invariants.rows(server, "SELECT id FROM public_ip WHERE state = 'Free'")}
    assert not used & free, used & free


async def _check_routers(server: Server) -> None:
    """Simulated routers answer for the addresses of their networks, and send on what is machines'."""
    sql = (
        "SELECT v.uuid, v.network_id FROM vm v WHERE v.type = 'DomainRouter' AND v.state = 'Running' AND v.removed IS NULL"
        " AND v.hypervisor = 'Simulator' AND v.id NOT IN (SELECT vm_id FROM router_untold)"
    )
    for uuid, network in await invariants.rows(server, sql):
        parts: dict[str, Any] = server.simulator.router(uuid)
        sql = f"SELECT address, static_nat, vm_ip FROM public_ip WHERE network_id = {network} AND state = 'Allocated'"
        held = await invariants.rows(server, sql)
        if "addresses" in parts:
            assert {one["address"] for one in parts["addresses"]} == {address for address, *_ in held}, (uuid, held)
        if "staticnat" in parts:
            wanted = {(address, guest) for address, nat, guest in held if nat}
            assert {(one["address"], one["guest"]) for one in parts["staticnat"]} == wanted, (uuid, wanted)
