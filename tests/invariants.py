"""What must hold of a server at rest, whatever happened to it: asked of the database and of the simulated world."""

from __future__ import annotations

import asyncio
from typing import Any

from sqlalchemy import text

from cloudsim.server import Server


async def rows(server: Server, sql: str) -> list[tuple[Any, ...]]:
    """Rows of a query."""
    return await server.db.read(lambda tx: tx._fetch(str(text(sql)), []))


async def rest(server: Server) -> None:
    """Waits until no job is unfinished."""
    async with asyncio.timeout(30):
        while server.cloud.jobs.unfinished:
            await asyncio.sleep(0.01)


async def check(server: Server) -> None:
    """Raises AssertionError for whatever does not hold."""
    await rest(server)
    assert await rows(server, "SELECT uuid, state FROM job WHERE state IN ('queued', 'running')") == []
    between = "SELECT uuid, state FROM vm WHERE removed IS NULL AND state IN ('Starting', 'Stopping', 'Expunging')"
    assert await rows(server, between) == []
    between = "SELECT uuid, state FROM volume WHERE removed IS NULL AND state NOT IN ('Ready', 'Allocated', 'Destroy')"
    assert await rows(server, between) == []
    # addresses belong to machines that are there
    stray = "SELECT n.ip FROM nic n JOIN vm v ON n.vm_id = v.id WHERE n.removed IS NULL AND v.removed IS NOT NULL"
    assert await rows(server, stray) == []
    twice = "SELECT network_id, ip FROM nic WHERE removed IS NULL AND ip IS NOT NULL GROUP BY 1, 2 HAVING count(*) > 1"
    assert await rows(server, twice) == []
    # a VLAN that is taken is that of the network which has it
    stray = "SELECT v.vlan FROM vnet v JOIN network n ON v.network_id = n.id WHERE n.removed IS NOT NULL OR n.vlan <> v.vlan"
    assert await rows(server, stray) == []
    # nobody's machines run on hosts that are kept for someone else
    strangers = (
        "SELECT v.uuid FROM dedicated_resource d JOIN vm v ON d.kind = 'Host' AND v.host_id = d.place_id"
        " WHERE d.removed IS NULL AND v.removed IS NULL AND v.type = 'User' AND v.account_id <> d.account_id"
    )
    assert await rows(server, strangers) == []
    stray = "SELECT uuid FROM volume v WHERE removed IS NULL AND vm_id IN (SELECT id FROM vm WHERE removed IS NOT NULL)"
    assert await rows(server, stray) == []
    # a network has one router, or two that stand in for each other; each has its own row, and its cards while it is there
    more = (
        "SELECT n.name, count(*) FROM vm v JOIN network n ON v.network_id = n.id"
        " WHERE v.removed IS NULL AND v.state NOT IN ('Error', 'Destroyed', 'Expunging')"
        " GROUP BY n.name, n.id, n.redundant HAVING count(*) > CASE WHEN n.redundant THEN 2 ELSE 1 END"
    )
    assert await rows(server, more) == []
    bare = "SELECT name FROM vm WHERE type = 'DomainRouter' AND id NOT IN (SELECT vm_id FROM router)"
    assert await rows(server, bare) == []
    stray = (
        "SELECT n.ip FROM system_nic n JOIN vm v ON n.vm_id = v.id WHERE n.removed IS NULL AND v.removed IS NOT NULL"
    )
    assert await rows(server, stray) == []
    # what hosts and pools have given away is what their machines and volumes add up to
    held = await rows(
        server,
        "SELECT c.host_id, c.cpu_used, c.memory_used, c.machines,"
        " coalesce(sum(v.cpu * v.speed), 0), coalesce(sum(v.memory), 0) * 1048576, count(v.id)"
        " FROM host_capacity c LEFT JOIN vm v ON v.host_id = c.host_id AND v.removed IS NULL AND v.state = 'Running'"
        " GROUP BY c.host_id, c.cpu_used, c.memory_used, c.machines",
    )
    for host_id, cpu, memory, machines, true_cpu, true_memory, true_machines in held:
        assert (cpu, memory, machines) == (true_cpu, true_memory, true_machines), host_id
    allocated = await rows(
        server,
        "SELECT p.id, p.allocated, coalesce(sum(v.size), 0) FROM storage_pool p"
        " LEFT JOIN volume v ON v.pool_id = p.id AND v.removed IS NULL GROUP BY p.id, p.allocated",
    )
    for pool_id, size, true_size in allocated:
        assert size == true_size, pool_id
    # the world is as the database says: what should run runs, there and nowhere else, and no volume is left over
    wanted = {
        name: (uuid, state)
        for name, uuid, state in await rows(
            server,
            "SELECT v.instance_name, h.uuid, v.state FROM vm v LEFT JOIN host h ON v.host_id = h.id"
            " WHERE v.removed IS NULL AND v.hypervisor = 'Simulator'",
        )
    }
    running = {machine.name: machine.host for machine in server.simulator.machines() if machine.power == "PowerOn"}
    assert running == {name: uuid for name, (uuid, state) in wanted.items() if state == "Running"}
    known = {uuid for (uuid,) in await rows(server, "SELECT uuid FROM volume WHERE removed IS NULL")}
    assert {volume.uuid for volume in server.simulator.volumes()} <= known
    steps = "SELECT job_id FROM job_step WHERE job_id NOT IN (SELECT id FROM job)"
    assert await rows(server, steps) == []
