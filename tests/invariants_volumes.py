"""What must hold of volumes at rest, in the database and on the simulated hosts."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text

from cloudsim.server import Server


async def _rows(server: Server, sql: str) -> list[tuple[Any, ...]]:
    return await server.db.read(lambda tx: tx._fetch(str(text(sql)), []))


async def check_volumes(server: Server, healed: bool) -> None:
    """No volume on two machines, and each running machine has on its host the disks that are listed, where they are.

    While hosts are broken (not `healed`): no volume on two machines that are on, but for those known to be in doubt.
    """
    found = await _rows(
        server,
        "SELECT d.uuid, v.uuid, d.device_id, d.doubt_vm_id, d.size, p.uuid FROM volume d"
        " JOIN vm v ON d.vm_id = v.id LEFT JOIN storage_pool p ON d.pool_id = p.id"
        " WHERE d.removed IS NULL AND v.state = 'Running' AND v.hypervisor = 'Simulator'",
    )
    holders: dict[str, list[str]] = {}
    for machine, disks in server.simulator.disks().items():
        for disk in disks:
            holders.setdefault(disk["uuid"], []).append(machine)
    twice = {disk: machines for disk, machines in holders.items() if len(machines) > 1}
    assert twice == {}, twice
    if not healed:
        return
    doubts = await _rows(server, "SELECT uuid FROM volume WHERE removed IS NULL AND doubt_vm_id IS NOT NULL")
    assert doubts == [], doubts
    listed = {(disk, machine): device for disk, machine, device, *_ in found}
    real = {
        (disk["uuid"], machine): disk["device"] for machine, disks in server.simulator.disks().items() for disk in disks
    }
    assert listed == real, (listed, real)
    sizes = {volume.uuid: (volume.size, volume.pool) for volume in server.simulator.volumes()}
    known = await _rows(
        server,
        "SELECT d.uuid, d.size, p.uuid FROM volume d JOIN storage_pool p ON d.pool_id = p.id"
        " WHERE d.removed IS NULL AND d.state = 'Ready'",
    )
    for uuid, size, pool in known:
        if uuid in sizes:
            assert sizes[uuid] == (size, pool), (uuid, size, pool, sizes[uuid])


async def check_volume_records(server: Server) -> None:
    """Attached is what has a machine and a number; what is destroyed is neither used nor somebody's."""
    wrong = (
        "SELECT uuid, state FROM volume WHERE removed IS NULL AND"
        " ((vm_id IS NULL) <> (device_id IS NULL) OR target_pool_id IS NOT NULL OR (state = 'Ready' AND pool_id IS NULL))"
    )
    assert await _rows(server, wrong) == []
    other = (
        "SELECT d.uuid FROM volume d JOIN vm v ON d.vm_id = v.id"
        " WHERE d.removed IS NULL AND (d.account_id <> v.account_id OR d.zone_id <> v.zone_id) AND v.type = 'User'"
    )
    assert await _rows(server, other) == []
    roots = (
        "SELECT vm_id FROM volume WHERE removed IS NULL AND vm_id IS NOT NULL AND ((type = 'ROOT') <> (device_id = 0))"
    )
    assert await _rows(server, roots) == []
    unused = (
        "SELECT d.uuid FROM volume d LEFT JOIN usage u ON u.kind = 'volume' AND u.row_id = d.id AND u.ended IS NULL"
        " WHERE d.removed IS NULL AND d.is_system = {0} AND d.state = 'Ready' AND d.vm_id IS NULL AND u.id IS NULL"
    )
    assert await _rows(server, unused.format("FALSE")) == []
    limits = (
        "SELECT a.uuid, l.max, count(v.id) FROM resource_limit l"
        " JOIN account a ON l.owner_type = 'Account' AND l.owner_id = a.id"
        " JOIN volume v ON v.account_id = a.id AND v.removed IS NULL AND v.state NOT IN ('Destroy', 'Expunged')"
        " LEFT JOIN vm m ON v.vm_id = m.id"
        " WHERE l.type = 2 AND l.tag = '' AND l.max >= 0 AND (m.id IS NULL OR m.state NOT IN"
        " ('Destroyed', 'Expunging', 'Error')) GROUP BY a.uuid, l.max HAVING count(v.id) > l.max"
    )
    assert await _rows(server, limits) == []
