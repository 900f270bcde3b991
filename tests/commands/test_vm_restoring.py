"""A fresh root disk: `restoreVirtualMachine`, and each reboot of a machine with a volatile offering."""

from __future__ import annotations

import asyncio
from typing import Any

import invariants
from apiclient import Api
from people import refused
from sqlalchemy import select

from cloudsim.agents.simulator.faults import Rule
from cloudsim.db import schema
from cloudsim.server import Server

GIB = 1024**3


async def root(api: Api, machine: dict[str, Any]) -> dict[str, Any]:
    (found,) = (await api.call("listVolumes", virtualmachineid=machine["id"], type="ROOT", listall=True))["volume"]
    return found


async def iso(server: Server, bootable: bool = True) -> str:
    """The id of an ISO that is there in every zone."""

    def make(tx: Any) -> None:
        image = dict(tx.first(select(schema.template).limit(1)))
        zones = tx.all(select(schema.template_zone).where(schema.template_zone.c.template_id == image.pop("id")))
        image.update(uuid="15000000-0000-4000-8000-000000000000", name="iso", format="ISO", type="USER", hypervisor="None",
                     is_bootable=bootable, size=GIB)  # fmt: skip
        made = tx.insert(schema.template, **image)
        for zone in zones:
            tx.insert(schema.template_zone, **{**zone, "id": None, "template_id": made})

    await server.db.write(make)
    return "15000000-0000-4000-8000-000000000000"


async def volatile(api: Api) -> str:
    made = await api.call(
        "createServiceOffering",
        name="volatile",
        displaytext="v",
        cpunumber=1,
        cpuspeed=500,
        memory=512,
        isvolatile=True,
    )
    return made["serviceoffering"]["id"]


async def test_a_running_machine_gets_a_fresh_root_disk_and_runs_again(server: Server, api: Api) -> None:
    machine = await api.deploy(**{"details[0].mine": "kept"})
    old = await root(api, machine)
    server.simulator.content(old["id"], "written before")
    restored = (await api.job("restoreVirtualMachine", virtualmachineid=machine["id"]))["virtualmachine"]
    assert (restored["state"], restored["templateid"]) == ("Running", machine["templateid"])
    assert (restored["ipaddress"], restored["details"]["mine"]) == (machine["ipaddress"], "kept")
    fresh = await root(api, machine)
    assert fresh["id"] != old["id"]
    assert (fresh["name"], fresh["size"], fresh["state"]) == (old["name"], old["size"], "Ready")
    assert server.simulator.content(fresh["id"]) != "written before"
    (before,) = (await api.call("listVolumes", id=old["id"]))["volume"]
    assert (before["state"], before.get("virtualmachineid")) == ("Destroy", None)
    await invariants.check(server)


async def test_a_stopped_machine_stays_stopped(server: Server, api: Api) -> None:
    machine = await api.deploy()
    await api.job("stopVirtualMachine", id=machine["id"])
    restored = (await api.job("restoreVirtualMachine", virtualmachineid=machine["id"]))["virtualmachine"]
    assert restored["state"] == "Stopped"
    assert (await root(api, machine))["state"] == "Allocated"
    await api.job("startVirtualMachine", id=machine["id"])
    await invariants.check(server)


async def test_the_old_disk_is_expunged_where_that_is_asked_for(server: Server, api: Api) -> None:
    machine = await api.deploy()
    old = await root(api, machine)
    await api.job("restoreVirtualMachine", virtualmachineid=machine["id"], expunge=True)
    assert old["id"] not in {volume.uuid for volume in server.simulator.volumes()}
    assert await api.call("listVolumes", id=old["id"]) == {}
    await invariants.check(server)


async def test_or_it_is_wiped_when_its_time_is_over(server: Server, api: Api) -> None:
    machine = await api.deploy()
    old = await root(api, machine)
    await api.job("restoreVirtualMachine", virtualmachineid=machine["id"])
    await server.periodic.run_now("storage-cleanup")
    await invariants.rest(server)
    assert old["id"] in {volume.uuid for volume in server.simulator.volumes()}
    await server.db.write(lambda tx: tx.update(schema.volume, {"state": "Destroy"}, destroyed=1))
    server.simulator.add_rule(Rule("DeleteCommand", "fail", count=1))
    for state in ("Destroy", None):  # where it fails it is tried again
        await server.periodic.run_now("storage-cleanup")
        await invariants.check(server)
        found = await invariants.rows(
            server, f"SELECT state FROM volume WHERE removed IS NULL AND uuid = '{old['id']}'"
        )
        assert found == ([(state,)] if state else [])
    assert old["id"] not in {volume.uuid for volume in server.simulator.volumes()}
    assert (await root(api, machine))["state"] == "Ready"


async def test_another_size_and_another_disk_offering(api: Api) -> None:
    machine = await api.deploy()
    before = await root(api, machine)
    larger = before["size"] // GIB + 3
    await api.job("restoreVirtualMachine", virtualmachineid=machine["id"], rootdisksize=larger)
    assert (await root(api, machine))["size"] == larger * GIB
    # what was asked for once stays
    await api.job("restoreVirtualMachine", virtualmachineid=machine["id"])
    assert (await root(api, machine))["size"] == larger * GIB
    offering = (await api.call("listDiskOfferings", name="Medium"))["diskoffering"][0]
    await api.job("restoreVirtualMachine", virtualmachineid=machine["id"], diskofferingid=offering["id"])
    fresh = await root(api, machine)
    assert (fresh["diskofferingid"], fresh["size"]) == (offering["id"], offering["disksize"] * GIB)
    given = {"details[0].rootdisksize": larger, "details[0].minIops": 100, "details[0].maxIops": 200}
    await api.job("restoreVirtualMachine", virtualmachineid=machine["id"], **given)
    fresh = await root(api, machine)
    assert (fresh["size"], fresh["miniops"], fresh["maxiops"]) == (larger * GIB, 100, 200)


async def test_to_an_iso_with_an_empty_root_disk(server: Server, api: Api) -> None:
    machine = await api.deploy()
    image = await iso(server)
    restored = (await api.job("restoreVirtualMachine", virtualmachineid=machine["id"], templateid=image))[
        "virtualmachine"
    ]
    assert (restored["state"], restored["templateid"]) == ("Running", image)
    assert (await root(api, machine)).get("templateid") is None
    back = await api.job("restoreVirtualMachine", virtualmachineid=machine["id"], templateid=machine["templateid"])
    assert back["virtualmachine"]["templateid"] == machine["templateid"]
    await invariants.check(server)


async def test_what_is_refused_leaves_the_machine_as_it_was(server: Server, api: Api) -> None:
    machine = await api.deploy()
    bad_iso = await iso(server, bootable=False)
    custom = (await api.call("listDiskOfferings", name="Custom"))["diskoffering"][0]["id"]
    before = await invariants.rows(server, "SELECT * FROM vm"), await invariants.rows(server, "SELECT * FROM volume")
    for given in (
        {"rootdisksize": 0},
        {"rootdisksize": 1, "details[0].rootdisksize": 20},
        {"details[0].rootdisksize": "much"},
        {"details[0].else": "1"},
        {"details[0].minIops": 5, "details[0].maxIops": 4},
        {"diskofferingid": custom},
        {"templateid": bad_iso},
        {"templateid": machine["id"]},
        {"diskofferingid": machine["id"]},
    ):
        status, text = await refused(api, "restoreVirtualMachine", virtualmachineid=machine["id"], **given)
        assert status == 431, (given, text)
    assert (await refused(api, "restoreVirtualMachine"))[0] == 431
    after = await invariants.rows(server, "SELECT * FROM vm"), await invariants.rows(server, "SELECT * FROM volume")
    assert after == before


async def test_neither_restored_nor_reset_while_there_are_snapshots(api: Api) -> None:
    machine = await api.deploy(serviceofferingid=await volatile(api))
    made = (await api.job("createVMSnapshot", virtualmachineid=machine["id"]))["vmsnapshot"]
    for command, name in (("restoreVirtualMachine", "virtualmachineid"), ("rebootVirtualMachine", "id")):
        status, text = await refused(api, command, **{name: machine["id"]})
        assert (status, "snapshots" in text) == (431, True)
    await api.job("deleteVMSnapshot", vmsnapshotid=made["id"])
    await api.job("restoreVirtualMachine", virtualmachineid=machine["id"])


async def test_a_destroyed_machine_is_not_restored(api: Api) -> None:
    machine = await api.deploy()
    await api.job("destroyVirtualMachine", id=machine["id"])
    assert (await refused(api, "restoreVirtualMachine", virtualmachineid=machine["id"]))[0] == 431


async def test_each_reboot_of_a_volatile_machine_gives_it_a_fresh_root_disk(server: Server, api: Api) -> None:
    machine = await api.deploy(serviceofferingid=await volatile(api))
    disks = [(await root(api, machine))["id"]]
    for forced in (False, True):
        again = (await api.job("rebootVirtualMachine", id=machine["id"], forced=forced))["virtualmachine"]
        assert again["state"] == "Running"
        disks.append((await root(api, machine))["id"])
    assert len(set(disks)) == 3
    await api.job("stopVirtualMachine", id=machine["id"])
    await api.job("startVirtualMachine", id=machine["id"])
    assert (await root(api, machine))["id"] == disks[-1]
    await api.job("stopVirtualMachine", id=machine["id"])
    assert (await refused(api, "rebootVirtualMachine", id=machine["id"]))[0] == 431
    assert (await root(api, machine))["id"] == disks[-1]
    await invariants.check(server)


async def test_a_machine_that_is_not_volatile_keeps_its_disk_at_a_reboot(api: Api) -> None:
    machine = await api.deploy()
    before = await root(api, machine)
    await api.job("rebootVirtualMachine", id=machine["id"])
    assert (await root(api, machine))["id"] == before["id"]


async def test_it_is_restoring_meanwhile_and_is_stopped_where_the_old_disk_cannot_go(server: Server, api: Api) -> None:
    machine = await api.deploy()
    old = await root(api, machine)
    server.simulator.add_rule(Rule("DeleteCommand", "fail", count=1, seconds=0.2))
    job = await api.call("restoreVirtualMachine", virtualmachineid=machine["id"], expunge=True)
    states = set()
    while (await api.call("queryAsyncJobResult", jobid=job["jobid"]))["jobstatus"] == 0:
        states.add((await api.call("listVirtualMachines", id=machine["id"]))["virtualmachine"][0]["state"])
    assert "Restoring" in states
    assert (await api.wait(job["jobid"]))["jobstatus"] == 2
    (found,) = (await api.call("listVirtualMachines", id=machine["id"]))["virtualmachine"]
    assert found["state"] == "Stopped"
    assert (await api.call("listVolumes", id=old["id"]))["volume"][0]["state"] == "Destroy"
    await api.job("startVirtualMachine", id=machine["id"])
    await invariants.check(server)


async def test_several_at_once_are_done_one_after_the_other(server: Server, api: Api) -> None:
    machine = await api.deploy()
    await asyncio.gather(
        *(api.job("restoreVirtualMachine", virtualmachineid=machine["id"], expunge=True) for _ in range(4)),
        api.job("rebootVirtualMachine", id=machine["id"]),
    )
    (found,) = (await api.call("listVirtualMachines", id=machine["id"]))["virtualmachine"]
    assert found["state"] == "Running"
    assert (await root(api, machine))["state"] == "Ready"
    await invariants.check(server)


async def test_the_storage_limit_holds(api: Api) -> None:
    await api.call("createAccount", "POST", email="a@b.c", firstname="a", lastname="b", password="a password",
                   username="small", accounttype=0)  # fmt: skip
    (who,) = (await api.call("listAccounts", name="small", listall=True))["account"]
    machine = await api.deploy(account="small", domainid=who["domainid"])
    size = (await root(api, machine))["size"] // GIB
    await api.call("updateResourceLimit", account="small", domainid=who["domainid"], resourcetype=10, max=size + 1)
    given = {"virtualmachineid": machine["id"], "rootdisksize": size + 2}
    assert (await refused(api, "restoreVirtualMachine", **given))[0] == 535
    await api.job("restoreVirtualMachine", virtualmachineid=machine["id"])
