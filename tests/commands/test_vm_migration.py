"""Live migration by root admins: where to, with or without disks, what is refused, waiting for memory, crashes and races."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import invariants
import pytest
from apiclient import Api, Refused, admin_keys
from moves import GIB, crowd, disk_on, hosts, picture, pool, seen, setting, small, until
from options import make_config
from people import person, refused

from cloudsim.agents.simulator.faults import Rule
from cloudsim.db import schema
from cloudsim.server import Server


async def at(server: Server, machine: dict[str, Any]) -> str:
    """The host that the simulated world runs a machine on: one, or the test fails."""
    (found,) = [m for m in server.simulator.machines() if m.uuid == machine["id"] and m.power == "PowerOn"]
    return found.host


async def migrate(api: Api, machine: dict[str, Any], **given: Any) -> dict[str, Any]:
    return dict((await api.job("migrateVirtualMachine", virtualmachineid=machine["id"], **given))["virtualmachine"])


async def candidates(api: Api, machine: dict[str, Any], **given: Any) -> dict[str, tuple[bool, bool]]:
    found = await api.call("findHostsForMigration", virtualmachineid=machine["id"], **given)
    return {row["name"]: (row["suitableformigration"], row["requiresStorageMotion"]) for row in found.get("host", [])}


async def test_a_running_machine_moves_to_the_host_that_is_named(server: Server, api: Api) -> None:
    there = await hosts(api)
    machine = await api.deploy(hostid=there[0]["id"])
    server.simulator.content(machine["id"], "in memory")
    moved = await migrate(api, machine, hostid=there[1]["id"])
    assert (moved["state"], moved["hostid"]) == ("Running", there[1]["id"])
    assert await at(server, machine) == there[1]["id"]
    assert server.simulator.content(machine["id"]) == "in memory"
    events = (await api.call("listEvents", type="VM.MIGRATE"))["event"]
    assert {event["state"] for event in events} == {"Scheduled", "Started", "Completed"}
    await invariants.check(server)


async def test_a_machine_moves_to_another_cluster_if_its_storage_is_of_the_zone(server: Server, api: Api) -> None:
    there = await hosts(api)
    machine = await api.deploy(hostid=there[0]["id"])
    moved = await migrate(api, machine, hostid=there[2]["id"])
    assert moved["hostid"] == there[2]["id"]
    await invariants.check(server)


async def test_autoselect_stays_in_the_cluster_unless_the_setting_says_otherwise(server: Server, api: Api) -> None:
    there = await hosts(api)
    machine = await api.deploy(hostid=there[0]["id"])
    assert (await migrate(api, machine, autoselect=True))["hostid"] == there[1]["id"]
    await api.call("updateHost", id=there[0]["id"], allocationstate="Disable")
    before = await picture(server)
    assert (await refused(api, "migrateVirtualMachine", virtualmachineid=machine["id"], autoselect=True))[0] == 533
    assert await picture(server) == before
    await setting(api, "migrate.vm.across.clusters", True)
    assert (await migrate(api, machine, autoselect=True))["hostid"] in (there[2]["id"], there[3]["id"])
    await invariants.check(server)


async def test_hosts_for_a_migration_are_found_with_their_suitability(server: Server, api: Api) -> None:
    there = await hosts(api)
    names = [row["name"] for row in there]
    machine = await api.deploy(hostid=there[0]["id"])
    assert await candidates(api, machine) == dict.fromkeys(names[1:], (True, False))
    await api.call("updateHost", id=there[1]["id"], allocationstate="Disable")
    await small(server, there[2], 16)
    found = await candidates(api, machine)
    assert found == {names[1]: (False, False), names[2]: (False, False), names[3]: (True, False)}
    assert next(iter(found)) == names[3], "those that fit come first"
    assert await candidates(api, machine, keyword=names[3]) == {names[3]: (True, False)}
    page = await api.call("findHostsForMigration", virtualmachineid=machine["id"], page=2, pagesize=2)
    assert (page["count"], len(page["host"])) == (3, 1)
    assert page["host"][0].keys() >= {"id", "hypervisor", "clusterid", "cpunumber", "memorytotal", "resourcestate"}
    await api.job("stopVirtualMachine", id=machine["id"])
    assert (await refused(api, "findHostsForMigration", virtualmachineid=machine["id"]))[0] == 431


async def clustered(server: Server, api: Api, **given: Any) -> tuple[dict[str, Any], list[dict[str, Any]], list[str]]:
    """A machine whose disk lies in a pool of its cluster alone, the hosts, and a pool of each cluster."""
    there = await hosts(api)
    pools = [await pool(api, f"pool{number}", there[number]) for number in (0, 2)]
    for one in (await api.call("listStoragePools"))["storagepool"]:
        if one["scope"] == "ZONE":
            await api.call("updateStoragePool", id=one["id"], enabled=False)
    machine = await api.deploy(hostid=there[0]["id"], **given)
    assert (await disk_on(api, machine))["storageid"] == pools[0]
    return machine, there, pools


async def test_a_host_that_does_not_reach_the_disks_needs_storage_motion(server: Server, api: Api) -> None:
    machine, there, pools = await clustered(server, api)
    names = [row["name"] for row in there]
    assert await candidates(api, machine) == {names[1]: (True, False), names[2]: (True, True), names[3]: (True, True)}
    before = await picture(server)
    status, text = await refused(api, "migrateVirtualMachine", virtualmachineid=machine["id"], hostid=there[2]["id"])
    assert (status, "migrateVirtualMachineWithVolume" in text) == (431, True)
    assert await picture(server) == before
    disk = await disk_on(api, machine)
    server.simulator.content(disk["id"], "on disk")
    given = {"virtualmachineid": machine["id"], "hostid": there[2]["id"]}
    moved = (await api.job("migrateVirtualMachineWithVolume", **given))["virtualmachine"]
    assert (moved["state"], moved["hostid"]) == ("Running", there[2]["id"])
    disk = await disk_on(api, machine)
    assert (disk["state"], disk["storageid"]) == ("Ready", pools[1])
    assert server.simulator.content(disk["id"]) == "on disk"
    (real,) = [volume for volume in server.simulator.volumes() if volume.uuid == disk["id"]]
    assert real.pool == pools[1]
    await invariants.check(server)


async def test_without_storage_motion_other_clusters_are_out_of_reach(server: Server, api: Api) -> None:
    machine, there, _ = await clustered(server, api)
    found = await api.call("listHypervisorCapabilities", hypervisor="Simulator")
    for row in found["hypervisorCapabilities"]:
        await api.call("updateHypervisorCapabilities", id=row["id"], storagemotionenabled=False)
    assert await candidates(api, machine) == {there[1]["name"]: (True, False)}
    before = await picture(server)
    for command in ("migrateVirtualMachine", "migrateVirtualMachineWithVolume"):
        assert (await refused(api, command, virtualmachineid=machine["id"], hostid=there[2]["id"]))[0] == 431
    assert await picture(server) == before


async def test_volumes_go_to_the_pools_that_are_chosen(server: Server, api: Api) -> None:
    there = await hosts(api)
    data = (await api.call("listDiskOfferings", name="Small"))["diskoffering"][0]["id"]
    machine = await api.deploy(hostid=there[0]["id"], diskofferingid=data)
    one, two = await pool(api, "one"), await pool(api, "two")
    disks = {row["type"]: row for row in (await api.call("listVolumes", virtualmachineid=machine["id"]))["volume"]}
    given = {
        "virtualmachineid": machine["id"],
        "hostid": there[1]["id"],
        "migrateto[0].volume": disks["ROOT"]["id"],
        "migrateto[0].pool": one,
        "migrateto[1].volume": disks["DATADISK"]["id"],
        "migrateto[1].pool": two,
    }
    await api.job("migrateVirtualMachineWithVolume", **given)
    disks = {row["type"]: row for row in (await api.call("listVolumes", virtualmachineid=machine["id"]))["volume"]}
    assert (disks["ROOT"]["storageid"], disks["DATADISK"]["storageid"]) == (one, two)
    assert {v.uuid: v.pool for v in server.simulator.volumes() if v.pool in (one, two)} == {
        disks["ROOT"]["id"]: one, disks["DATADISK"]["id"]: two,
    }  # fmt: skip
    # one that moves to any host, and takes one of its disks along
    del given["hostid"], given["migrateto[1].volume"], given["migrateto[1].pool"]
    await api.job("migrateVirtualMachineWithVolume", autoselect=True, **{**given, "migrateto[0].pool": two})
    assert (await disk_on(api, machine))["storageid"] == two
    assert (await seen(api, machine))["hostid"] == there[0]["id"]
    await invariants.check(server)


async def test_the_disks_of_a_stopped_machine_move_to_another_pool(server: Server, api: Api) -> None:
    machine = await api.deploy()
    disk = await disk_on(api, machine)
    server.simulator.content(disk["id"], "kept")
    await api.job("stopVirtualMachine", id=machine["id"])
    other, third = await pool(api, "other"), await pool(api, "third")
    moved = await migrate(api, machine, storageid=other)
    assert moved["state"] == "Stopped"
    given = {"migrateto[0].volume": disk["id"], "migrateto[0].pool": third}
    await api.job("migrateVirtualMachineWithVolume", virtualmachineid=machine["id"], **given)
    assert (await disk_on(api, machine))["storageid"] == third
    assert server.simulator.content(disk["id"]) == "kept"
    await invariants.check(server)
    await api.job("startVirtualMachine", id=machine["id"])
    await invariants.check(server)


async def test_room_is_held_in_both_pools_while_a_disk_moves(server: Server, api: Api) -> None:
    machine = await api.deploy()
    disk = await disk_on(api, machine)
    await api.job("stopVirtualMachine", id=machine["id"])
    other = await pool(api, "other")
    server.simulator.add_rule(Rule("MigrateVolumeCommand", kind="delay", seconds=0.5))
    job = await api.call("migrateVirtualMachine", virtualmachineid=machine["id"], storageid=other)
    await until(api, machine, "Migrating")
    assert (await disk_on(api, machine))["state"] == "Migrating"
    for _ in range(2):
        held = dict(await invariants.rows(server, "SELECT uuid, allocated FROM storage_pool"))
        assert (held[other], held[disk["storageid"]] >= disk["size"]) == (disk["size"], True)
        await server.periodic.run_now("capacity")
    assert (await refused(api, "deleteStoragePool", id=other, forced=True))[0] == 536
    assert (await api.wait(job["jobid"]))["jobstatus"] == 1
    await invariants.check(server)


async def test_a_failed_move_of_a_disk_leaves_all_as_it_was(server: Server, api: Api) -> None:
    machine = await api.deploy()
    await api.job("stopVirtualMachine", id=machine["id"])
    other = await pool(api, "other")
    server.simulator.add_rule(Rule("MigrateVolumeCommand", "fail", text="no space"))
    disk = await disk_on(api, machine)
    status, text = await refused(api, "migrateVirtualMachine", virtualmachineid=machine["id"], storageid=other)
    assert (status, "no space" in text) == (530, True)
    assert (await disk_on(api, machine))["storageid"] == disk["storageid"]
    assert (await seen(api, machine))["state"] == "Stopped"
    await invariants.check(server)


async def test_what_is_refused_leaves_everything_as_it_was(server: Server, api: Api) -> None:
    there = await hosts(api)
    machine, stopped = await api.deploy(hostid=there[0]["id"]), await api.deploy()
    fresh = await api.deploy(startvm=False)
    await api.job("stopVirtualMachine", id=stopped["id"])
    other = await pool(api, "other")
    await api.call("updateHost", id=there[2]["id"], allocationstate="Disable")
    await api.job("prepareHostForMaintenance", id=there[3]["id"])
    await small(server, there[1], 16)
    disk = await disk_on(api, machine)
    one, both = "migrateVirtualMachine", "migrateVirtualMachineWithVolume"
    vm, to = {"virtualmachineid": machine["id"]}, {"migrateto[0].volume": disk["id"], "migrateto[0].pool": other}
    still = {"virtualmachineid": stopped["id"]}
    unknown = "00000000-0000-4000-8000-000000000000"
    refusals: list[tuple[str, dict[str, Any], int]] = [
        (one, vm, 431),  # nowhere
        (one, {}, 431),
        (one, {**vm, "hostid": there[0]["id"]}, 431),  # it runs there
        (one, {**vm, "hostid": there[2]["id"]}, 431),  # disabled
        (one, {**vm, "hostid": there[3]["id"]}, 431),  # in maintenance
        (one, {**vm, "hostid": there[1]["id"]}, 533),  # too small, for good
        (one, {**vm, "hostid": unknown}, 431),
        (one, {**vm, "hostid": "x"}, 431),
        (one, {**vm, "autoselect": "perhaps"}, 431),
        (one, {**vm, "hostid": there[1]["id"], "storageid": other}, 431),  # one of the two
        (one, {**vm, "storageid": other}, 431),  # it runs
        (one, {**still, "hostid": there[1]["id"]}, 431),  # it does not run
        (one, {**still, "autoselect": True}, 431),
        (one, {**still, "storageid": (await disk_on(api, stopped))["storageid"]}, 431),  # it lies there
        (one, {"virtualmachineid": fresh["id"], "storageid": other}, 431),  # it has no disk yet
        (both, vm, 431),
        (both, {**vm, "hostid": there[1]["id"], "migrateto[0].volume": disk["id"]}, 431),  # no pool
        (both, {**vm, "hostid": there[1]["id"], **to, "migrateto[0].pool": unknown}, 431),
        (both, {**vm, "hostid": there[1]["id"], **to, "migrateto[0].volume": unknown}, 431),
        (both, {**still, "hostid": there[1]["id"]}, 431),  # stopped: only its disks
        (both, {**still, **to}, 431),  # the disk of another
        (both, still, 431),
        (both, {**vm, "autoselect": True}, 431),  # no disk would move
    ]
    before = await picture(server)
    for command, given, status in refusals:
        assert (await refused(api, command, **given))[0] == status, (command, given)
    assert await picture(server) == before


async def test_hosts_of_other_hypervisors_and_dedicated_ones_are_refused(server: Server, api: Api) -> None:
    there = await hosts(api)
    machine = await api.deploy(hostid=there[0]["id"])
    await server.db.write(lambda tx: tx.update(schema.host, {"uuid": there[1]["id"]}, hypervisor="KVM"))
    root = (await api.call("listDomains", name="ROOT"))["domain"][0]["id"]
    other = (await api.call("createDomain", name="theirs", parentdomainid=root))["domain"]["id"]
    await api.job("dedicateHost", hostid=there[2]["id"], domainid=other)
    before = await picture(server)
    for host, status in ((there[1], 431), (there[2], 533)):
        given = {"virtualmachineid": machine["id"], "hostid": host["id"]}
        assert (await refused(api, "migrateVirtualMachine", **given))[0] == status
    assert await picture(server) == before
    assert await candidates(api, machine) == {there[2]["name"]: (False, False), there[3]["name"]: (True, False)}


async def test_a_machine_on_local_storage_stays_on_its_host(server: Server, api: Api) -> None:
    there = await hosts(api)
    machine = await api.deploy(hostid=there[0]["id"])
    disk = await disk_on(api, machine)
    other = await pool(api, "other")
    await server.db.write(lambda tx: tx.update(schema.storage_pool, {"uuid": disk["storageid"]}, scope="HOST"))
    before = await picture(server)
    to = {"migrateto[0].volume": disk["id"], "migrateto[0].pool": other}
    for command, given in (("migrateVirtualMachine", {}), ("migrateVirtualMachineWithVolume", to)):
        status, text = await refused(api, command, virtualmachineid=machine["id"], hostid=there[1]["id"], **given)
        assert (status, "local storage" in text) == (431, True)
    assert await picture(server) == before
    assert {fit for fit, _ in (await candidates(api, machine)).values()} == {False}


async def test_a_pool_without_room_is_refused(server: Server, api: Api) -> None:
    there = await hosts(api)
    machine = await api.deploy(hostid=there[0]["id"])
    tiny, disk = await pool(api, "tiny"), await disk_on(api, machine)
    await server.db.write(lambda tx: tx.update(schema.storage_pool, {"uuid": tiny}, capacity=GIB // 64))
    before = await picture(server)
    to = {"migrateto[0].volume": disk["id"], "migrateto[0].pool": tiny}
    given = {"virtualmachineid": machine["id"], "hostid": there[1]["id"], **to}
    assert (await refused(api, "migrateVirtualMachineWithVolume", **given))[0] == 533
    assert await picture(server) == before


async def test_disks_with_snapshots_of_the_machine_stay(server: Server, api: Api) -> None:
    there = await hosts(api)
    machine = await api.deploy(hostid=there[0]["id"])
    other, disk = await pool(api, "other"), await disk_on(api, machine)
    await api.job("createVMSnapshot", virtualmachineid=machine["id"])
    to = {"migrateto[0].volume": disk["id"], "migrateto[0].pool": other}
    given = {"virtualmachineid": machine["id"], "hostid": there[1]["id"], **to}
    assert (await refused(api, "migrateVirtualMachineWithVolume", **given))[0] == 431
    await api.job("stopVirtualMachine", id=machine["id"])
    assert (await refused(api, "migrateVirtualMachine", virtualmachineid=machine["id"], storageid=other))[0] == 431


async def test_migration_is_for_root_admins(server: Server, api: Api, http: aiohttp.ClientSession) -> None:
    user = await person(api, http, "user")
    machine = await user.deploy()
    for command in ("migrateVirtualMachine", "migrateVirtualMachineWithVolume", "findHostsForMigration"):
        with pytest.raises(Refused) as caught:
            await user.call(command, virtualmachineid=machine["id"], autoselect=True)
        assert caught.value.status == 432


# -- waiting for memory


async def full(server: Server, api: Api) -> tuple[dict[str, Any], dict[str, Any], list[dict[str, Any]]]:
    """A machine, and one that has all the memory of the second host, which has room for one."""
    there = await hosts(api)
    machine, other = await api.deploy(hostid=there[0]["id"]), await api.deploy(hostid=there[1]["id"])
    await crowd(server, there[1])
    return machine, other, there


async def test_it_waits_in_migrating_until_memory_is_free(server: Server, api: Api) -> None:
    machine, other, there = await full(server, api)
    await setting(api, "migrate.retry.interval", 1)
    job = await api.call("migrateVirtualMachine", virtualmachineid=machine["id"], hostid=there[1]["id"])
    waiting = await until(api, machine, "Migrating")
    assert waiting["hostid"] == there[0]["id"]
    assert await at(server, machine) == there[0]["id"]
    capacity = await invariants.rows(server, "SELECT * FROM host_capacity")
    await server.periodic.run_now("capacity")
    assert await invariants.rows(server, "SELECT * FROM host_capacity") == capacity, "it has room where it is, once"
    await api.job("stopVirtualMachine", id=other["id"])
    assert (await api.wait(job["jobid"]))["jobstatus"] == 1
    assert (await seen(api, machine))["hostid"] == there[1]["id"]
    await invariants.check(server)


async def test_the_wait_survives_a_restart(data_dir: Path, http: aiohttp.ClientSession) -> None:
    server = Server(make_config(data_dir))
    await server.start()
    api = Api(http, server.url, *admin_keys(data_dir))
    machine, other, there = await full(server, api)
    await setting(api, "migrate.retry.interval", 3)
    job = await api.call("migrateVirtualMachine", virtualmachineid=machine["id"], hostid=there[1]["id"])
    await until(api, machine, "Migrating")
    await server.stop()
    server = Server(make_config(data_dir))
    await server.start()
    try:
        api = Api(http, server.url, *admin_keys(data_dir))
        assert (await seen(api, machine))["state"] == "Migrating"
        await api.job("stopVirtualMachine", id=other["id"])
        assert (await api.wait(job["jobid"]))["jobstatus"] == 1
        assert (await seen(api, machine))["hostid"] == there[1]["id"]
        await invariants.check(server)
    finally:
        await server.stop()


async def test_jobs_that_wait_hold_no_worker_from_others(data_dir: Path, http: aiohttp.ClientSession) -> None:
    server = Server(make_config(data_dir))
    await server.start()
    try:
        api = Api(http, server.url, *admin_keys(data_dir))
        machine, other, there = await full(server, api)
        server.cloud.jobs._slots = asyncio.Semaphore(1)
        job = await api.call("migrateVirtualMachine", virtualmachineid=machine["id"], hostid=there[1]["id"])
        await until(api, machine, "Migrating")
        await api.job("stopVirtualMachine", id=other["id"])
        await refused(api, "rebootVirtualMachine", id=other["id"])  # it is stopped
        await api.job("stopVirtualMachine", id=machine["id"])
        assert (await api.wait(job["jobid"]))["jobstatus"] == 2
    finally:
        await server.stop()


async def test_it_gives_up_after_migratewait(server: Server, api: Api) -> None:
    machine, _, there = await full(server, api)
    await setting(api, "migrate.retry.interval", 1)
    await setting(api, "migratewait", 1)
    status, text = await refused(api, "migrateVirtualMachine", virtualmachineid=machine["id"], hostid=there[1]["id"])
    assert (status, "migratewait" in text) == (533, True)
    assert (await seen(api, machine))["state"] == "Running"
    assert await at(server, machine) == there[0]["id"]
    await invariants.check(server)


async def test_it_waits_no_longer_when_its_owner_stops_it(server: Server, api: Api) -> None:
    machine, _, there = await full(server, api)
    job = await api.call("migrateVirtualMachine", virtualmachineid=machine["id"], hostid=there[1]["id"])
    await until(api, machine, "Migrating")
    stopped = (await api.job("stopVirtualMachine", id=machine["id"]))["virtualmachine"]
    assert stopped["state"] == "Stopped"
    assert (await api.wait(job["jobid"]))["jobstatus"] == 2
    await invariants.check(server)


async def test_two_migrations_to_the_last_free_place(server: Server, api: Api) -> None:
    there = await hosts(api)
    machines = [await api.deploy(hostid=there[0]["id"]) for _ in range(2)]
    await crowd(server, there[1], machines[0]["memory"])
    await setting(api, "migrate.retry.interval", 1)
    await setting(api, "migratewait", 1)
    jobs = [
        await api.call("migrateVirtualMachine", virtualmachineid=machine["id"], hostid=there[1]["id"])
        for machine in machines
    ]
    ended = await asyncio.gather(*(api.wait(job["jobid"]) for job in jobs))
    assert sorted(job["jobstatus"] for job in ended) == [1, 2]
    assert sorted([(await seen(api, machine))["hostid"] for machine in machines]) == sorted(
        row["id"] for row in there[:2]
    )
    await invariants.check(server)


async def test_a_migration_and_a_stop_come_one_after_the_other(server: Server, api: Api) -> None:
    there = await hosts(api)
    machine = await api.deploy(hostid=there[0]["id"])
    stop = await api.call("stopVirtualMachine", id=machine["id"])
    given = {"virtualmachineid": machine["id"], "hostid": there[1]["id"]}
    assert (await refused(api, "migrateVirtualMachine", **given))[0] == 431
    await api.wait(stop["jobid"])
    assert (await seen(api, machine))["state"] == "Stopped"
    await invariants.check(server)


# -- hosts that die meanwhile


async def test_the_target_dies(server: Server, api: Api) -> None:
    there = await hosts(api)
    machine = await api.deploy(hostid=there[0]["id"])
    server.simulator.set_host(there[1]["id"], False)
    status, _ = await refused(api, "migrateVirtualMachine", virtualmachineid=machine["id"], hostid=there[1]["id"])
    assert status == 530
    assert (await seen(api, machine))["hostid"] == await at(server, machine) == there[0]["id"]


async def test_the_source_dies_before_it_has_sent_it(server: Server, api: Api) -> None:
    there = await hosts(api)
    machine = await api.deploy(hostid=there[0]["id"])
    server.simulator.set_network(there[0]["id"], False)
    status, _ = await refused(api, "migrateVirtualMachine", virtualmachineid=machine["id"], hostid=there[1]["id"])
    assert status == 530
    assert (await seen(api, machine))["state"] == "Running"
    server.simulator.set_network(there[0]["id"], True)
    await invariants.check(server)


async def test_an_answer_that_is_lost_on_both_sides_never_makes_it_run_twice(server: Server, api: Api) -> None:
    """It has moved; nobody knows. Then its old host says that it is not there, and the new one is silent."""
    there = await hosts(api)
    ha = await api.call(
        "createServiceOffering", name="ha", displaytext="ha", cpunumber=1, cpuspeed=100, memory=64, offerha=True
    )
    machine = await api.deploy(hostid=there[0]["id"], serviceofferingid=ha["serviceoffering"]["id"])
    server.simulator.add_rule(Rule("MigrateCommand", "lose"))
    server.simulator.add_rule(Rule("PingCommand", "drop", host=there[1]["id"]))
    status, _ = await refused(api, "migrateVirtualMachine", virtualmachineid=machine["id"], hostid=there[1]["id"])
    assert status == 530
    assert await at(server, machine) == there[1]["id"]
    for _ in range(3):
        await server.periodic.run_now("host-ping")
        await invariants.rest(server)
        assert await at(server, machine) == there[1]["id"], "it is started nowhere else"
    server.simulator.clear()
    await server.periodic.run_now("host-ping")
    await server.periodic.run_now("host-ping")
    await invariants.rest(server)
    assert (await seen(api, machine))["hostid"] == there[1]["id"], "the host that reports it has it"
    await invariants.check(server)
