"""What must hold at rest of snapshots of volumes, their policies, and templates that were made of disks."""

from __future__ import annotations

from typing import Any

from cloudsim.server import Server


async def check_records(server: Server, rows: Any) -> None:
    """What holds of the database; `rows` answers a query."""

    async def none(sql: str) -> None:
        found = await rows(server, sql)
        assert found == [], f"{sql}: {found}"

    await none("SELECT uuid, state FROM snapshot WHERE removed IS NULL AND state NOT IN ('BackedUp', 'Error')")
    await none("SELECT uuid FROM snapshot WHERE removed IS NULL AND host_id IS NOT NULL")
    await none("SELECT uuid, state FROM snapshot WHERE removed IS NOT NULL AND state <> 'Destroyed'")
    # copies belong to snapshots that are there, lie in one place, and are ready or to be removed
    await none(
        "SELECT c.id, c.state FROM snapshot_store c JOIN snapshot s ON c.snapshot_id = s.id"
        " WHERE s.removed IS NOT NULL OR c.state NOT IN ('Ready', 'Destroying') OR (s.state = 'Error' AND c.state = 'Ready')"
        " OR (c.role = 'Primary') <> (c.pool_id IS NOT NULL) OR (c.role = 'Image') <> (c.store_id IS NOT NULL)"
    )
    await none(
        "SELECT s.uuid FROM snapshot s WHERE s.removed IS NULL AND s.state = 'BackedUp'"
        " AND NOT EXISTS (SELECT 1 FROM snapshot_store c WHERE c.snapshot_id = s.id)"
    )
    # one that is there is used, and nothing else is
    await none(
        "SELECT s.uuid FROM snapshot s WHERE (s.removed IS NULL AND s.state = 'BackedUp') <>"
        " (SELECT count(*) = 1 FROM usage u WHERE u.kind = 'snapshot' AND u.row_id = s.id AND u.ended IS NULL)"
    )
    await none(
        "SELECT p.uuid FROM snapshot_policy p JOIN volume v ON p.volume_id = v.id"
        " WHERE p.removed IS NULL AND (v.removed IS NOT NULL OR p.due IS NULL OR p.account_id <> v.account_id)"
    )
    await none(
        "SELECT t.uuid FROM tag t LEFT JOIN snapshot s ON t.resource_id = s.id"
        " WHERE t.resource_type = 'Snapshot' AND (s.id IS NULL OR s.removed IS NOT NULL)"
        " UNION SELECT t.uuid FROM tag t LEFT JOIN snapshot_policy p ON t.resource_id = p.id"
        " WHERE t.resource_type = 'SnapshotPolicy' AND (p.id IS NULL OR p.removed IS NOT NULL)"
    )
    # what is made of a disk is there, or was given up
    await none(
        "SELECT t.uuid, z.state FROM template t JOIN template_zone z ON z.template_id = t.id"
        " WHERE z.state = 'NOT_DOWNLOADED' OR (z.state = 'ABANDONED' AND t.removed IS NULL)"
    )


async def check_world(server: Server, rows: Any) -> None:
    """The simulated world has the copies that the database says, and no others but those it is going to remove."""
    there = {(one.uuid, one.place) for one in server.simulator.disk_snapshots()}
    known = {
        (uuid, place): state
        for uuid, place, state in await rows(
            server,
            "SELECT s.uuid, coalesce(p.uuid, i.uuid), c.state FROM snapshot_store c JOIN snapshot s ON c.snapshot_id = s.id"
            " LEFT JOIN storage_pool p ON c.pool_id = p.id LEFT JOIN image_store i ON c.store_id = i.id"
            " WHERE s.hypervisor = 'Simulator'",
        )
    }
    assert there <= set(known), there - set(known)
    lost = {copy for copy, state in known.items() if state == "Ready"} - there
    assert not lost, lost
    images = set(server.simulator.images())
    known_images = set(
        await rows(
            server,
            "SELECT t.uuid, i.uuid FROM template_zone z JOIN template t ON z.template_id = t.id"
            " JOIN image_store i ON z.store_id = i.id",
        )
    )
    assert images <= known_images, images - known_images
