"""What must hold of a server at rest, whatever happened to it: asked of the database and of the simulated world."""

from __future__ import annotations

import asyncio
from typing import Any

import invariants_console
import invariants_snapshot
from invariants_addresses import check_addresses
from invariants_balancers import check_balancers
from invariants_images import check_images
from invariants_networks import check_cards, check_entries
from invariants_rules import check_rules
from invariants_volumes import check_volume_records, check_volumes
from sqlalchemy import text

from cloudsim.server import Server


async def rows(server: Server, sql: str) -> list[tuple[Any, ...]]:
    """Rows of a query."""
    return await server.db.read(lambda tx: tx._fetch(str(text(sql)), []))


async def none(server: Server, sql: str) -> None:
    """Raises AssertionError where a query finds anything."""
    found = await rows(server, sql)
    assert found == [], f"{sql}: {found}"


async def rest(server: Server) -> None:
    """Waits until no job is unfinished."""
    async with asyncio.timeout(30):
        while server.cloud.jobs.unfinished:
            await asyncio.sleep(0.01)


async def check(server: Server) -> None:
    """Raises AssertionError for whatever does not hold of a server at rest whose hosts all answer."""
    await rest(server)
    await check_records(server)
    between = "SELECT uuid, state FROM vm WHERE removed IS NULL AND state = 'Expunging'"
    await none(server, between)
    await check_world(server)
    await check_addresses(server)
    await invariants_console.check(server)
    await check_cards(server)
    await check_entries(server)
    await check_images(server)


async def check_records(server: Server) -> None:
    """What holds of the database at rest even while hosts are broken; what they hinder stays Expunging."""
    await none(server, "SELECT uuid, state, workflow FROM job WHERE state IN ('queued', 'running')")
    between = "SELECT uuid, state FROM vm WHERE removed IS NULL AND state IN ('Starting', 'Stopping', 'Migrating')"
    await none(server, between)
    between = "SELECT uuid, state FROM volume WHERE removed IS NULL AND state NOT IN ('Ready', 'Allocated', 'Destroy',"
    between += " 'UploadOp', 'NotUploaded', 'Uploaded', 'UploadError', 'UploadAbandoned')"
    await none(server, between)
    # addresses belong to machines that are there
    stray = "SELECT n.ip FROM nic n JOIN vm v ON n.vm_id = v.id WHERE n.removed IS NULL AND v.removed IS NOT NULL"
    await none(server, stray)
    twice = "SELECT network_id, ip FROM nic WHERE removed IS NULL AND ip IS NOT NULL GROUP BY 1, 2 HAVING count(*) > 1"
    await none(server, twice)
    # a VLAN that is taken is that of the network which has it
    stray = "SELECT v.vlan FROM vnet v JOIN network n ON v.network_id = n.id WHERE n.removed IS NOT NULL OR n.vlan <> v.vlan"
    await none(server, stray)
    # nobody's machines run on hosts that are kept for someone else
    strangers = (
        "SELECT v.uuid FROM dedicated_resource d JOIN vm v ON d.kind = 'Host' AND v.host_id = d.place_id"
        " WHERE d.removed IS NULL AND v.removed IS NULL AND v.type = 'User' AND v.account_id <> d.account_id"
    )
    await none(server, strangers)
    stray = "SELECT uuid FROM volume v WHERE removed IS NULL AND vm_id IN (SELECT id FROM vm WHERE removed IS NOT NULL)"
    await none(server, stray)
    # a network has one router, or two that stand in for each other; each has its own row, and its cards while it is there
    more = (
        "SELECT n.name, count(*) FROM vm v JOIN network n ON v.network_id = n.id"
        " WHERE v.removed IS NULL AND v.state NOT IN ('Error', 'Destroyed', 'Expunging')"
        " GROUP BY n.name, n.id, n.redundant HAVING count(*) > CASE WHEN n.redundant THEN 2 ELSE 1 END"
    )
    await none(server, more)
    bare = "SELECT name FROM vm WHERE type = 'DomainRouter' AND id NOT IN (SELECT vm_id FROM router)"
    await none(server, bare)
    stray = (
        "SELECT n.ip FROM system_nic n JOIN vm v ON n.vm_id = v.id WHERE n.removed IS NULL AND v.removed IS NOT NULL"
    )
    await none(server, stray)
    # what hosts and pools have given away is what their machines and volumes add up to
    held = await rows(
        server,
        "SELECT c.host_id, c.cpu_used, c.memory_used, c.machines,"
        " coalesce(sum(v.cpu * v.speed), 0), coalesce(sum(v.memory), 0) * 1048576, count(v.id)"
        " FROM host_capacity c LEFT JOIN vm v ON v.host_id = c.host_id AND v.removed IS NULL AND v.state = 'Running'"
        " GROUP BY c.host_id, c.cpu_used, c.memory_used, c.machines",
    )
    for host_id, cpu, memory, machines, true_cpu, true_memory, true_machines in held:
        assert (cpu, memory, machines) == (true_cpu, true_memory, true_machines), (
            host_id,
            cpu,
            memory,
            machines,
            true_cpu,
            true_memory,
            true_machines,
        )
    allocated = await rows(
        server,
        "SELECT p.id, p.allocated, coalesce(sum(v.size), 0) FROM storage_pool p"
        " LEFT JOIN volume v ON v.pool_id = p.id AND v.removed IS NULL GROUP BY p.id, p.allocated",
    )
    kept = dict(
        await rows(
            server,
            "SELECT pool_id, sum(physical_size) FROM snapshot_store WHERE pool_id IS NOT NULL GROUP BY pool_id",
        )
    )
    for pool_id, size, true_size in ((row[0], row[1], row[2] + kept.get(row[0], 0)) for row in allocated):
        assert size == true_size, (pool_id, size, true_size)
    steps = "SELECT job_id FROM job_step WHERE job_id NOT IN (SELECT id FROM job)"
    await none(server, steps)
    await _check_places(server)
    await _check_snapshots(server)
    await invariants_snapshot.check_records(server, rows)
    await _check_usage(server)
    await check_rules(server)
    await check_volume_records(server)
    await check_balancers(server)


async def _check_places(server: Server) -> None:
    """What is somewhere is there, and what is nowhere takes nothing."""
    wrong = "SELECT uuid, state, host_id FROM vm WHERE removed IS NULL AND (state = 'Running') <> (host_id IS NOT NULL)"
    await none(server, wrong)
    wrong = (
        "SELECT v.uuid, h.uuid, h.status FROM vm v JOIN host h ON v.host_id = h.id"
        " WHERE v.removed IS NULL AND (h.removed IS NOT NULL OR h.status = 'Down')"
    )
    await none(server, wrong)
    wrong = "SELECT uuid, resource_state, fencing FROM host WHERE resource_state = 'PrepareForMaintenance' OR fencing"
    await none(server, wrong)
    wrong = (
        "SELECT h.uuid, v.uuid FROM host h JOIN vm v ON v.host_id = h.id"
        " WHERE h.resource_state = 'Maintenance' AND v.removed IS NULL"
    )
    await none(server, wrong)
    # HA works for machines that are down and shall not be
    wrong = (
        "SELECT w.vm_id, v.state FROM ha_work w JOIN vm v ON w.vm_id = v.id"
        " WHERE v.removed IS NOT NULL OR v.state <> 'Stopped'"
    )
    await none(server, wrong)
    # a network that is there has the VLAN it says, and nobody else's address
    wrong = (
        "SELECT n.uuid, n.vlan FROM network n LEFT JOIN vnet t ON t.network_id = n.id"
        " WHERE n.removed IS NULL AND n.state = 'Implemented' AND n.guest_type = 'Isolated' AND t.id IS NULL"
    )
    await none(server, wrong)
    # one that is given back stays until its routers have been told
    wrong = (
        "SELECT address, state FROM public_ip WHERE state NOT IN ('Free', 'Allocated', 'Reserved')"
        " AND NOT (state = 'Releasing' AND network_id IN (SELECT v.network_id FROM router_untold u"
        " JOIN vm v ON u.vm_id = v.id WHERE u.part = 'addresses' AND v.removed IS NULL))"
    )
    await none(server, wrong)
    wrong = (
        "SELECT CAST(t.vlan AS TEXT), n.state FROM vnet t JOIN network n ON t.network_id = n.id"
        " WHERE n.guest_type = 'Isolated' AND n.state <> 'Implemented'"
        " UNION SELECT p.address, n.state FROM public_ip p JOIN network n ON p.network_id = n.id"
        " WHERE n.removed IS NOT NULL OR p.state NOT IN ('Allocated', 'Releasing')"
        " UNION SELECT p.address, a.state FROM public_ip p JOIN account a ON p.account_id = a.id WHERE a.removed IS NOT NULL"
    )
    await none(server, wrong)
    for table in ("network", "vm", "volume", "vm_snapshot", "vm_schedule"):
        await none(
            server,
            f"SELECT t.uuid FROM {table} t JOIN account a ON t.account_id = a.id"
            " WHERE t.removed IS NULL AND a.removed IS NOT NULL",
        )
    wrong = (
        "SELECT s.uuid FROM vm_schedule s JOIN vm v ON s.vm_id = v.id WHERE s.removed IS NULL AND v.removed IS NOT NULL"
        " UNION SELECT t.uuid FROM tag t LEFT JOIN vm_snapshot s ON t.resource_id = s.id"
        " WHERE t.resource_type = 'VMSnapshot' AND (s.id IS NULL OR s.removed IS NOT NULL)"
    )
    await none(server, wrong)
    limits = (
        "SELECT a.uuid, l.max, count(v.id) FROM resource_limit l"
        " JOIN account a ON l.owner_type = 'Account' AND l.owner_id = a.id"
        " JOIN vm v ON v.account_id = a.id AND v.removed IS NULL AND v.type = 'User'"
        " AND v.state NOT IN ('Destroyed', 'Expunging', 'Error')"
        " WHERE l.type = 0 AND l.tag = '' AND l.max >= 0 GROUP BY a.uuid, l.max HAVING count(v.id) > l.max"
    )
    await none(server, limits)


async def _check_snapshots(server: Server) -> None:
    """Snapshots of machines: at rest, one current at most, each with a machine that is there and a parent that is."""
    wrong = "SELECT uuid, state FROM vm_snapshot WHERE removed IS NULL AND state NOT IN ('Ready', 'Error')"
    await none(server, wrong)
    wrong = 'SELECT vm_id FROM vm_snapshot WHERE removed IS NULL AND "current" GROUP BY vm_id HAVING count(*) > 1'
    await none(server, wrong)
    wrong = (
        "SELECT s.uuid FROM vm_snapshot s JOIN vm v ON s.vm_id = v.id WHERE s.removed IS NULL AND v.removed IS NOT NULL"
    )
    await none(server, wrong)
    wrong = (
        "SELECT s.uuid, p.uuid FROM vm_snapshot s JOIN vm_snapshot p ON s.parent_id = p.id"
        " WHERE s.removed IS NULL AND (p.removed IS NOT NULL OR p.vm_id <> s.vm_id)"
    )
    await none(server, wrong)


async def _check_usage(server: Server) -> None:
    """Intervals: what is used has an open one, what is not has none, and none runs into the next."""
    wrong = "SELECT type, uuid, started, ended FROM usage WHERE ended < started"
    await none(server, wrong)
    wrong = (
        "SELECT a.type, a.uuid, a.started, a.ended, b.started"
        " FROM usage a JOIN usage b ON a.kind = b.kind AND a.type = b.type AND a.row_id = b.row_id AND a.id < b.id"
        " AND a.kind <> 'vmsnapshot'"
        " WHERE a.ended IS NULL OR a.ended > b.started"
    )
    await none(server, wrong)
    open_ = "SELECT row_id FROM usage WHERE ended IS NULL AND kind = '{}' AND type = {}"
    running = "SELECT id, uuid FROM vm WHERE type = 'User' AND removed IS NULL AND state = 'Running'"
    have = {row_id for (row_id,) in await rows(server, open_.format("vm", 1))}
    wanted = dict(await rows(server, running))
    assert have == set(wanted), (have, wanted)
    there = (
        "SELECT id, state FROM vm WHERE type = 'User' AND removed IS NULL"
        " AND state NOT IN ('Destroyed', 'Expunging', 'Error')"
    )
    have = {row_id for (row_id,) in await rows(server, open_.format("vm", 2))}
    wanted = dict(await rows(server, there))
    assert have == set(wanted), (have, wanted)
    # one that could not be deleted is in Error and still there
    wanted = dict(await rows(server, "SELECT id, state FROM vm_snapshot WHERE removed IS NULL"))
    have = {row_id for (row_id,) in await rows(server, open_.format("vmsnapshot", 25))}
    assert {row_id for row_id, state in wanted.items() if state == "Ready"} <= have <= set(wanted), (wanted, have)
    gone = (
        "SELECT u.uuid FROM usage u JOIN volume v ON u.kind = 'volume' AND u.row_id = v.id"
        " WHERE u.ended IS NULL AND v.removed IS NOT NULL"
        " UNION SELECT u.uuid FROM usage u JOIN network n ON u.kind = 'network' AND u.row_id = n.id"
        " WHERE u.ended IS NULL AND n.removed IS NOT NULL"
        " UNION SELECT u.uuid FROM usage u JOIN nic n ON u.kind = 'nic' AND u.row_id = n.id"
        " WHERE u.ended IS NULL AND n.removed IS NOT NULL"
    )
    await none(server, gone)


async def check_world(server: Server, healed: bool = True) -> None:
    """The world is as the database says; while hosts are broken (not `healed`), where the database knows at all."""
    machines = server.simulator.machines()
    for host in server.simulator.hosts():
        assert host.used == server.simulator.host_memory_used(host.uuid), host
    await check_volumes(server, healed)
    wanted = {
        name: (uuid, doubt, state)
        for name, uuid, doubt, state in await rows(
            server,
            "SELECT v.instance_name, h.uuid, d.uuid, v.state FROM vm v LEFT JOIN host h ON v.host_id = h.id"
            " LEFT JOIN host d ON v.power_host_id = d.id"
            " WHERE v.removed IS NULL AND v.hypervisor = 'Simulator'",
        )
    }
    running = {machine.name: machine.host for machine in machines if machine.power == "PowerOn"}
    if not healed:
        # one that runs where it should not is known to be in doubt there
        for name, host_uuid in running.items():
            assert name in wanted, f"{name} is gone and runs on {host_uuid}"
            assert host_uuid in wanted[name][:2], f"{name} runs on {host_uuid}, known as {wanted[name]}"
        return
    # what should run runs, there and nowhere else, and no volume is left over
    wanted_there = {name: uuid for name, (uuid, _, state) in wanted.items() if state == "Running"}
    assert running == wanted_there, (running, wanted_there)
    # with the size and on the pools that the database says
    sizes = {one.name: (one.cpus, one.memory // 2**20) for one in machines if one.power == "PowerOn"}
    sql = "SELECT instance_name, cpu, memory FROM vm WHERE removed IS NULL AND state = 'Running'"
    wanted_sizes = {name: (cpu, memory) for name, cpu, memory in await rows(server, sql) if name in sizes}
    assert sizes == wanted_sizes, (sizes, wanted_sizes)
    sql = "SELECT d.uuid, p.uuid FROM volume d JOIN storage_pool p ON d.pool_id = p.id WHERE d.removed IS NULL"
    places = {volume.uuid: volume.pool for volume in server.simulator.volumes()}
    elsewhere = [one for one in await rows(server, sql) if places.get(one[0], one[1]) != one[1]]
    assert not elsewhere, elsewhere
    known = dict(
        await rows(
            server,
            "SELECT d.uuid, CASE WHEN v.hypervisor = 'Simulator' THEN d.state END"
            " FROM volume d LEFT JOIN vm v ON d.vm_id = v.id"
            " WHERE d.removed IS NULL",
        )
    )
    there = {volume.uuid for volume in server.simulator.volumes()}
    assert there <= set(known), there - set(known)
    lost = {uuid for uuid, state in known.items() if state == "Ready"} - there
    assert not lost, lost
    known = dict(
        await rows(
            server,
            "SELECT s.uuid, CASE WHEN v.hypervisor = 'Simulator' THEN s.state END"
            " FROM vm_snapshot s JOIN vm v ON s.vm_id = v.id WHERE s.removed IS NULL",
        )
    )
    there = {snapshot.uuid for snapshot in server.simulator.snapshots()}
    assert there <= set(known), there - set(known)
    lost = {uuid for uuid, state in known.items() if state == "Ready"} - there
    assert not lost, lost
    await invariants_snapshot.check_world(server, rows)
