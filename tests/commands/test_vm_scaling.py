"""Other service offerings: for stopped machines, and for running ones, which grow where they are or move to grow."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import invariants
import pytest
from apiclient import Api, Refused
from moves import crowd, disk_on, hosts, picture, pool, seen, setting, small
from people import account, keyed, person, refused

from cloudsim.agents.simulator.faults import Rule
from cloudsim.db import schema
from cloudsim.server import Server


async def offering(
    api: Api, name: str, cpu: int | None = 1, speed: int | None = 500, memory: int | None = 512, **given: Any
) -> str:
    """The id of a new service offering."""
    made = await api.call(
        "createServiceOffering", name=name, displaytext=name, cpunumber=cpu, cpuspeed=speed, memory=memory, **given
    )  # fmt: skip
    return str(made["serviceoffering"]["id"])


async def scalable(server: Server, api: Api, **given: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A running machine that may be scaled (1 CPU of 500 MHz, 512 MB), on the first host; and the hosts."""
    await setting(api, "enable.dynamic.scale.vm", True)
    await server.db.write(lambda tx: tx.update(schema.template, {"type": "BUILTIN"}, dynamically_scalable=True))
    there = await hosts(api)
    given = {"hostid": there[0]["id"], "serviceofferingid": await offering(api, "small"), **given}
    machine = await api.deploy(**given)
    assert machine["isdynamicallyscalable"]
    return machine, there


async def scale(api: Api, machine: dict[str, Any], serviceofferingid: str, **given: Any) -> dict[str, Any]:
    made = await api.job("scaleVirtualMachine", id=machine["id"], serviceofferingid=serviceofferingid, **given)
    return dict(made["virtualmachine"])


def size(row: dict[str, Any]) -> tuple[int, int, int]:
    return row["cpunumber"], row["cpuspeed"], row["memory"]


def real(server: Server, machine: dict[str, Any]) -> tuple[str, int, int]:
    """Host, CPUs and MB of a machine in the simulated world."""
    (found,) = [one for one in server.simulator.machines() if one.uuid == machine["id"] and one.power == "PowerOn"]
    return found.host, found.cpus, found.memory // (1024 * 1024)


# -- stopped


async def test_a_stopped_machine_gets_another_offering(server: Server, api: Api) -> None:
    ha = await offering(api, "ha", 2, 600, 256, offerha=True)
    machine = await api.deploy()
    await api.job("stopVirtualMachine", id=machine["id"])
    changed = await api.call("changeServiceForVirtualMachine", id=machine["id"], serviceofferingid=ha)
    assert size(changed["virtualmachine"]) == (2, 600, 256)
    assert (changed["virtualmachine"]["serviceofferingid"], changed["virtualmachine"]["haenable"]) == (ha, True)
    await api.job("startVirtualMachine", id=machine["id"])
    assert real(server, machine)[1:] == (2, 256)
    assert (await api.call("listEvents", type="VM.UPGRADE"))["event"][0]["state"] == "Completed"
    await invariants.check(server)


async def test_scale_does_the_same_as_a_job_and_smaller_is_fine(server: Server, api: Api) -> None:
    tiny = await offering(api, "tiny", 1, 100, 64)
    machine = await api.deploy()
    await api.job("stopVirtualMachine", id=machine["id"])
    assert size(await scale(api, machine, tiny)) == (1, 100, 64)
    never = await api.deploy(startvm=False)
    assert size(await scale(api, never, tiny)) == (1, 100, 64)
    await invariants.check(server)


async def test_custom_offerings_take_their_size_from_details(server: Server, api: Api) -> None:
    free = await offering(api, "free", None, None, None, customized=True)
    bounds = {"mincpunumber": 1, "maxcpunumber": 4, "minmemory": 64, "maxmemory": 1024}
    bound = await offering(api, "bound", None, 300, None, **bounds)
    machine = await api.deploy()
    await api.job("stopVirtualMachine", id=machine["id"])
    what = {"id": machine["id"]}
    given = {"details[0].cpuNumber": 3, "details[0].cpuSpeed": 700, "details[0].memory": 300}
    changed = await api.call("changeServiceForVirtualMachine", **what, serviceofferingid=free, **given)
    assert size(changed["virtualmachine"]) == (3, 700, 300)
    assert changed["virtualmachine"]["details"] == {"cpuNumber": "3", "cpuSpeed": "700", "memory": "300"}
    # another size of the same offering
    given["details[0].memory"] = 301
    changed = await api.call("changeServiceForVirtualMachine", **what, serviceofferingid=free, **given)
    assert changed["virtualmachine"]["memory"] == 301
    before = await picture(server)
    refusals: list[tuple[str, dict[str, Any]]] = [
        (free, given),  # the size it has
        (free, {"details[0].cpuNumber": 3}),  # speed and memory are missing
        (free, {**given, "details[0].memory": "much"}),
        (free, {**given, "details[0].memory": 0}),
        (bound, {"details[0].cpuNumber": 5, "details[0].memory": 100}),
        (bound, {"details[0].cpuNumber": 1, "details[0].memory": 63}),
        (bound, {"details[0].cpuNumber": 1, "details[0].memory": 64, "details[0].cpuSpeed": 400}),  # it is fixed
    ]
    for one, details in refusals:
        for command in ("changeServiceForVirtualMachine", "scaleVirtualMachine"):
            assert (await refused(api, command, **what, serviceofferingid=one, **details))[0] == 431, details
    assert await picture(server) == before
    inside = {"details[0].cpuNumber": 4, "details[0].memory": 64}
    changed = await api.call("changeServiceForVirtualMachine", **what, serviceofferingid=bound, **inside)
    assert changed["virtualmachine"]["details"] == {"cpuNumber": "4", "memory": "64"}
    plain = (await api.basics())["serviceofferingid"]
    changed = await api.call("changeServiceForVirtualMachine", **what, serviceofferingid=plain)
    assert changed["virtualmachine"]["details"] == {}, "a fixed offering has no details of its own"


async def test_what_is_refused_leaves_everything_as_it_was(server: Server, api: Api) -> None:
    local = await offering(api, "local", storagetype="local")
    disk = (await api.call("createDiskOffering", name="d", displaytext="d", disksize=1))["diskoffering"]["id"]
    strict = await offering(api, "strict", diskofferingid=disk, diskofferingstrictness=True)
    gone = await offering(api, "gone")
    await api.call("deleteServiceOffering", id=gone)
    system = (await api.call("listServiceOfferings", issystem=True))["serviceoffering"][0]["id"]
    fits, same = await offering(api, "fits"), (await api.basics())["serviceofferingid"]
    machine, running = await api.deploy(), await api.deploy()
    await api.job("stopVirtualMachine", id=machine["id"])
    destroyed = await api.deploy(startvm=False)
    await api.job("destroyVirtualMachine", id=destroyed["id"])
    before = await picture(server)
    for command in ("changeServiceForVirtualMachine", "scaleVirtualMachine"):
        refusals: list[dict[str, Any]] = [
            {"serviceofferingid": fits},
            {"id": machine["id"]},
            {"id": machine["id"], "serviceofferingid": "00000000-0000-4000-8000-000000000000"},
            {"id": machine["id"], "serviceofferingid": gone},
            {"id": machine["id"], "serviceofferingid": same},
            {"id": machine["id"], "serviceofferingid": local},
            {"id": machine["id"], "serviceofferingid": strict},
            {"id": machine["id"], "serviceofferingid": system},
            {"id": machine["id"], "serviceofferingid": fits, "miniops": "many"},
            {"id": machine["id"], "serviceofferingid": fits, "maxiops": -1},
            {"id": machine["id"], "serviceofferingid": fits, "automigrate": "perhaps"},
            {"id": machine["id"], "serviceofferingid": fits, "shrinkok": "perhaps"},
            {"id": machine["id"], "serviceofferingid": fits, "details[x].memory": 1},
            {"id": destroyed["id"], "serviceofferingid": fits},
        ]
        for given in refusals:
            assert (await refused(api, command, **given))[0] == 431, (command, given)
    # running: only scaleVirtualMachine
    assert (await refused(api, "changeServiceForVirtualMachine", id=running["id"], serviceofferingid=fits))[0] == 431
    assert await picture(server) == before


async def test_the_owners_limits_count_the_difference(server: Server, api: Api, http: aiohttp.ClientSession) -> None:
    made = await account(api, "limited")
    user = await keyed(api, http, made["user"][0]["id"])
    four, five = await offering(api, "four", 4), await offering(api, "five", 5)
    machine = await user.deploy()
    await user.job("stopVirtualMachine", id=machine["id"])
    where = {"account": "limited", "domainid": made["domainid"]}
    await api.call("updateResourceLimit", resourcetype=8, max=4, **where)
    await user.call("changeServiceForVirtualMachine", id=machine["id"], serviceofferingid=four)
    before = await picture(server)
    for command in ("changeServiceForVirtualMachine", "scaleVirtualMachine"):
        assert (await refused(user, command, id=machine["id"], serviceofferingid=five))[0] == 535
    assert await picture(server) == before


async def test_others_machines_are_not_there(server: Server, api: Api, http: aiohttp.ClientSession) -> None:
    owner, other = await person(api, http, "owner"), await person(api, http, "other")
    machine = await owner.deploy(startvm=False)
    fits = await offering(api, "fits")
    for command in ("changeServiceForVirtualMachine", "scaleVirtualMachine"):
        status, text = await refused(other, command, id=machine["id"], serviceofferingid=fits)
        assert (status, "no virtual machine with id" in text) == (431, True)
    await owner.call("changeServiceForVirtualMachine", id=machine["id"], serviceofferingid=fits)


async def test_usage_follows(server: Server, api: Api) -> None:
    machine, _ = await scalable(server, api)
    await scale(api, machine, await offering(api, "big", 2, 500, 1024))
    sql = "SELECT type, cpus, memory, ended IS NULL FROM usage WHERE kind = 'vm' AND uuid = '{}' ORDER BY id"
    found = [tuple(row) for row in await invariants.rows(server, sql.format(machine["id"]))]
    assert found == [(2, 1, 512, 0), (1, 1, 512, 0), (2, 2, 1024, 1), (1, 2, 1024, 1)]


async def test_snapshots_with_memory_keep_the_offering(server: Server, api: Api) -> None:
    machine, _ = await scalable(server, api)
    big = await offering(api, "big", 2, 500, 1024)
    made = await api.job("createVMSnapshot", virtualmachineid=machine["id"], snapshotmemory=True)
    before = await picture(server)
    assert (await refused(api, "scaleVirtualMachine", id=machine["id"], serviceofferingid=big))[0] == 431
    assert await picture(server) == before
    await api.job("stopVirtualMachine", id=machine["id"])
    assert (await refused(api, "changeServiceForVirtualMachine", id=machine["id"], serviceofferingid=big))[0] == 431
    await api.job("deleteVMSnapshot", vmsnapshotid=made["vmsnapshot"]["id"])
    await api.job("createVMSnapshot", virtualmachineid=machine["id"])
    await api.call("changeServiceForVirtualMachine", id=machine["id"], serviceofferingid=big)


# -- the disk offering that comes with it


async def test_the_root_disk_keeps_its_offering_unless_the_setting_says_otherwise(server: Server, api: Api) -> None:
    custom = await offering(api, "iops", customizediops=True, tags="fast")
    await setting(api, "match.storage.pool.tags.with.disk.offering", False)
    machine = await api.deploy()
    fast = await pool(api, "fast", tags="fast")
    await api.job("stopVirtualMachine", id=machine["id"])
    disk = await disk_on(api, machine)
    plain = (await api.basics())["serviceofferingid"]
    await api.call("changeServiceForVirtualMachine", id=machine["id"], serviceofferingid=custom, miniops=5)
    assert (await disk_on(api, machine))["storageid"] == disk["storageid"]
    await api.call("changeServiceForVirtualMachine", id=machine["id"], serviceofferingid=plain)
    await setting(api, "allow.diskoffering.change.during.scale.vm", True)
    given = {"id": machine["id"], "serviceofferingid": custom}
    before = await picture(server)
    status, text = await refused(api, "changeServiceForVirtualMachine", **given)
    assert (status, "automigrate" in text) == (431, True)
    assert (await refused(api, "changeServiceForVirtualMachine", **given, miniops=9, maxiops=8))[0] == 431
    assert await picture(server) == before
    await api.call("changeServiceForVirtualMachine", **given, automigrate=True, miniops=100, maxiops=200)
    await invariants.check(server)
    disk = await disk_on(api, machine)
    assert (disk["storageid"], disk["miniops"], disk["maxiops"]) == (fast, 100, 200)


async def test_the_root_disk_becomes_smaller_only_if_that_is_said(server: Server, api: Api) -> None:
    await setting(api, "allow.diskoffering.change.during.scale.vm", True)
    large, less = await offering(api, "large", rootdisksize=9), await offering(api, "less", rootdisksize=8)
    machine = await api.deploy(startvm=False, serviceofferingid=large)
    given = {"id": machine["id"], "serviceofferingid": less}
    before = await picture(server)
    assert (await refused(api, "changeServiceForVirtualMachine", **given))[0] == 431
    assert await picture(server) == before
    await api.call("changeServiceForVirtualMachine", **given, shrinkok=True)
    assert (await disk_on(api, machine))["size"] == 8 * 1024**3
    await api.job("startVirtualMachine", id=machine["id"])
    assert (await refused(api, "scaleVirtualMachine", id=machine["id"], serviceofferingid=large))[0] in (431, 531)
    await invariants.check(server)


# -- running


async def test_a_running_machine_grows_on_its_host(server: Server, api: Api) -> None:
    machine, there = await scalable(server, api)
    big = await offering(api, "big", 2, 500, 1024)
    grown = await scale(api, machine, big)
    assert (grown["state"], grown["hostid"], grown["serviceofferingid"]) == ("Running", there[0]["id"], big)
    assert size(grown) == (2, 500, 1024)
    assert real(server, machine) == (there[0]["id"], 2, 1024)
    await invariants.check(server)
    await server.periodic.run_now("capacity")
    await invariants.check(server)
    await api.job("stopVirtualMachine", id=machine["id"])
    await invariants.check(server)


async def test_a_running_machine_of_a_custom_offering_grows(server: Server, api: Api) -> None:
    free = await offering(api, "free", None, None, None, customized=True)
    first = {"details[0].cpuNumber": 1, "details[0].cpuSpeed": 500, "details[0].memory": 256}
    machine, _ = await scalable(server, api, serviceofferingid=free, **first)
    grown = await scale(api, machine, free, **{**first, "details[0].memory": 512})
    assert (grown["memory"], grown["details"]["memory"]) == (512, "512")
    less = {**first, "details[0].memory": 511}
    assert (await refused(api, "scaleVirtualMachine", id=machine["id"], serviceofferingid=free, **less))[0] == 431
    await invariants.check(server)


async def test_it_moves_within_its_cluster_where_its_host_is_full(server: Server, api: Api) -> None:
    machine, there = await scalable(server, api)
    await crowd(server, there[0])
    grown = await scale(api, machine, await offering(api, "big", 2, 500, 1024))
    assert (grown["state"], grown["hostid"], size(grown)) == ("Running", there[1]["id"], (2, 500, 1024))
    assert real(server, machine) == (there[1]["id"], 2, 1024)
    await server.periodic.run_now("capacity")
    await invariants.check(server)


async def test_it_moves_where_the_host_tags_of_the_offering_are(server: Server, api: Api) -> None:
    machine, there = await scalable(server, api)
    await api.call("updateHost", id=there[1]["id"], hosttags="gold")
    grown = await scale(api, machine, await offering(api, "gold", 2, hosttags="gold"))
    assert grown["hostid"] == there[1]["id"]


async def test_where_nothing_has_room_it_stays_as_it_was(server: Server, api: Api) -> None:
    machine, there = await scalable(server, api)
    big = await offering(api, "big", 2, 500, 1024)
    await crowd(server, there[0])
    await small(server, there[1], 16)
    before = await picture(server)
    status, text = await refused(api, "scaleVirtualMachine", id=machine["id"], serviceofferingid=big)
    assert (status, "no other host of its cluster" in text) == (533, True)
    assert await picture(server) == before


async def test_a_running_machine_only_grows_and_only_where_all_is_marked(server: Server, api: Api) -> None:
    machine, _ = await scalable(server, api)
    big, less = await offering(api, "big", 2, 500, 1024), await offering(api, "less", 2, 500, 511)
    slower, unmarked = (
        await offering(api, "slow", 2, 499, 1024),
        await offering(api, "un", 2, dynamicscalingenabled=False),
    )

    async def no(one: str, status: int) -> None:
        before = await picture(server)
        assert (await refused(api, "scaleVirtualMachine", id=machine["id"], serviceofferingid=one))[0] == status
        assert await picture(server) == before

    for one in (less, slower, unmarked):
        await no(one, 431)
    await setting(api, "enable.dynamic.scale.vm", False)
    await no(big, 531)
    await setting(api, "enable.dynamic.scale.vm", True)
    await server.db.write(lambda tx: tx.update(schema.template, {"type": "BUILTIN"}, dynamically_scalable=False))
    await no(big, 431)
    await server.db.write(lambda tx: tx.update(schema.template, {"type": "BUILTIN"}, dynamically_scalable=True))
    await api.job("stopVirtualMachine", id=machine["id"])
    await api.call("updateVirtualMachine", id=machine["id"], isdynamicallyscalable=False)
    await api.job("startVirtualMachine", id=machine["id"])
    await no(big, 431)


async def test_without_pv_tools_it_stays_as_it_was_after_scale_retry_tries(server: Server, api: Api) -> None:
    machine, _ = await scalable(server, api, **{"details[0].simulator.no_pv_tools": "true"})
    big = await offering(api, "big", 2, 500, 1024)
    before = await picture(server)
    status, text = await refused(api, "scaleVirtualMachine", id=machine["id"], serviceofferingid=big)
    assert (status, "PV tools" in text) == (530, True)
    after = await picture(server)
    assert {name: after[name] for name in after if name != "vm"} == {
        name: before[name] for name in before if name != "vm"
    }
    assert size(await seen(api, machine)) == (1, 500, 512)
    await invariants.check(server)


@pytest.mark.parametrize(("tries", "grows"), [(2, True), (1, False)])
async def test_scale_retry_is_how_often_it_is_tried(server: Server, api: Api, tries: int, grows: bool) -> None:
    machine, _ = await scalable(server, api)
    await setting(api, "scale.retry", tries)
    server.simulator.add_rule(Rule("ScaleVmCommand", "fail", count=1))
    big = await offering(api, "big", 2, 500, 1024)
    if grows:
        assert size(await scale(api, machine, big)) == (2, 500, 1024)
    else:
        assert (await refused(api, "scaleVirtualMachine", id=machine["id"], serviceofferingid=big))[0] == 530
    await invariants.check(server)


async def test_a_migration_to_grow_that_fails_leaves_it_as_it_was(server: Server, api: Api) -> None:
    machine, there = await scalable(server, api)
    await crowd(server, there[0])
    server.simulator.add_rule(Rule("MigrateCommand", "fail"))
    big = await offering(api, "big", 2, 500, 1024)
    assert (await refused(api, "scaleVirtualMachine", id=machine["id"], serviceofferingid=big))[0] == 530
    row = await seen(api, machine)
    assert (row["state"], row["hostid"], size(row)) == ("Running", there[0]["id"], (1, 500, 512))
    await server.periodic.run_now("capacity")
    await invariants.check(server)


async def test_what_is_counted_is_right_while_it_moves_to_grow(server: Server, api: Api) -> None:
    machine, there = await scalable(server, api)
    await crowd(server, there[0])
    server.simulator.add_rule(Rule("MigrateCommand", "delay", seconds=0.5))
    big = await offering(api, "big", 2, 500, 1024)
    job = await api.call("scaleVirtualMachine", id=machine["id"], serviceofferingid=big)
    async with asyncio.timeout(10):
        while (await seen(api, machine))["state"] != "Migrating":
            await asyncio.sleep(0.01)
    held = await invariants.rows(server, "SELECT * FROM host_capacity")
    await server.periodic.run_now("capacity")
    assert await invariants.rows(server, "SELECT * FROM host_capacity") == held
    assert (await api.wait(job["jobid"]))["jobstatus"] == 1
    await invariants.check(server)


async def test_two_scalings_within_a_limit_for_one(server: Server, api: Api, http: aiohttp.ClientSession) -> None:
    made = await account(api, "limited")
    user = await keyed(api, http, made["user"][0]["id"])
    await setting(api, "enable.dynamic.scale.vm", True)
    await server.db.write(lambda tx: tx.update(schema.template, {"type": "BUILTIN"}, dynamically_scalable=True))
    one, two = await offering(api, "one"), await offering(api, "two", 2)
    machines = [await user.deploy(serviceofferingid=one) for _ in range(2)]
    await api.call("updateResourceLimit", resourcetype=8, max=3, account="limited", domainid=made["domainid"])
    server.simulator.add_rule(Rule("ScaleVmCommand", "delay", seconds=0.2))
    scaled = (user.job("scaleVirtualMachine", id=m["id"], serviceofferingid=two) for m in machines)
    ended = await asyncio.gather(*scaled, return_exceptions=True)
    assert [one.status for one in ended if isinstance(one, Refused)] == [535]
    await invariants.check(server)


async def test_a_running_system_machine_grows(server: Server, api: Api) -> None:
    await server.periodic.run_now("system-vms")
    async with asyncio.timeout(20):
        while not (
            found := (await api.call("listSystemVms", state="Running", systemvmtype="consoleproxy")).get("systemvm")
        ):
            await asyncio.sleep(0.02)
    given = {"issystem": True, "systemvmtype": "consoleproxy"}
    big = await offering(api, "big", 2, 1000, 2048, **given)
    assert (await refused(api, "scaleSystemVm", id=found[0]["id"], serviceofferingid=big))[0] == 431
    await setting(api, "enable.dynamic.scale.vm", True)
    made = await api.job("scaleSystemVm", id=found[0]["id"], serviceofferingid=big)
    assert (made["systemvm"]["state"], made["systemvm"]["serviceofferingid"]) == ("Running", big)
    assert real(server, found[0])[1:] == (2, 2048)
    await invariants.check(server)
