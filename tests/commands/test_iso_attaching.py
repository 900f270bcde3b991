"""ISOs are put into the drives of virtual machines, and taken out, while they run and while they are stopped."""

from __future__ import annotations

from typing import Any

from apiclient import Api
from invariants import check
from people import refused
from stores import register_iso
from test_isos import ready

from cloudsim.server import Server


def drive(server: Server, machine: dict[str, Any]) -> str | None:
    """What is in the drive on the host."""
    iso = server.simulator.spec(machine["id"])["iso"]
    return iso["uuid"] if iso else None


async def listed(api: Api, machine: dict[str, Any]) -> tuple[str | None, str | None]:
    (row,) = (await api.call("listVirtualMachines", id=machine["id"]))["virtualmachine"]
    return row.get("isoid"), row.get("isoname")


async def test_into_a_machine_that_runs_and_out_again(api: Api, server: Server) -> None:
    iso, machine = await ready(api), await api.deploy()
    made = (await api.job("attachIso", id=iso["id"], virtualmachineid=machine["id"]))["virtualmachine"]
    assert (made["isoid"], made["isoname"], made["isodisplaytext"]) == (iso["id"], "disc", "disc")
    assert drive(server, machine) == iso["id"]
    rows = (await api.call("listVirtualMachines", isoid=iso["id"]))["virtualmachine"]
    assert [row["id"] for row in rows] == [machine["id"]]
    made = (await api.job("detachIso", virtualmachineid=machine["id"]))["virtualmachine"]
    assert "isoid" not in made
    assert drive(server, machine) is None
    types = {row["type"] for row in (await api.call("listEvents", listall=True, pagesize=500, page=1))["event"]}
    assert {"ISO.ATTACH", "ISO.DETACH"} <= types
    await check(server)


async def test_into_one_that_is_stopped_it_is_there_at_the_next_start(api: Api, server: Server) -> None:
    iso, machine = await ready(api), await api.deploy()
    await api.job("stopVirtualMachine", id=machine["id"])
    await api.job("attachIso", id=iso["id"], virtualmachineid=machine["id"])
    assert (await listed(api, machine))[0] == iso["id"]
    assert drive(server, machine) is None
    await api.job("startVirtualMachine", id=machine["id"])
    assert drive(server, machine) == iso["id"]
    await api.job("stopVirtualMachine", id=machine["id"])
    await api.job("detachIso", virtualmachineid=machine["id"])
    await api.job("startVirtualMachine", id=machine["id"])
    assert drive(server, machine) is None


async def test_one_at_a_time_unless_it_is_forced(api: Api, server: Server) -> None:
    first, second, machine = await ready(api), await ready(api), await api.deploy()
    await api.job("attachIso", id=first["id"], virtualmachineid=machine["id"])
    assert (await refused(api, "attachIso", id=second["id"], virtualmachineid=machine["id"]))[0] == 431
    assert drive(server, machine) == first["id"]
    await api.job("attachIso", id=second["id"], virtualmachineid=machine["id"], forced=True)
    assert (drive(server, machine), (await listed(api, machine))[0]) == (second["id"], second["id"])


async def test_what_cannot_be_put_in_is_refused(api: Api) -> None:
    machine = await api.deploy()
    template = (await api.basics())["templateid"]
    assert (await refused(api, "attachIso", id=template, virtualmachineid=machine["id"]))[0] == 431
    assert (await refused(api, "detachIso", virtualmachineid=machine["id"]))[0] == 431
    await api.call("configureSimulator", name="DownloadCommand", value="wait:60000")
    coming = await register_iso(api, machine["zoneid"], "http://images.example.com/a.iso")
    assert (await refused(api, "attachIso", id=coming["id"], virtualmachineid=machine["id"]))[0] == 431
    await api.job("destroyVirtualMachine", id=machine["id"])
    assert (await refused(api, "detachIso", virtualmachineid=machine["id"]))[0] == 431


async def test_a_host_that_says_no_leaves_it_as_it_was(api: Api, server: Server) -> None:
    iso, machine = await ready(api), await api.deploy()
    await api.call("configureSimulator", name="AttachIsoCommand", value="fail:no drive", count=1)
    assert await refused(api, "attachIso", id=iso["id"], virtualmachineid=machine["id"]) == (530, "no drive")
    assert (drive(server, machine), await listed(api, machine)) == (None, (None, None))
    await api.call("configureSimulator", name="AttachIsoCommand", value="lose", count=1)
    await api.job("attachIso", id=iso["id"], virtualmachineid=machine["id"])  # a lost answer is asked for again
    assert drive(server, machine) == iso["id"]
    await check(server)


async def test_snapshots_are_not_in_the_way(api: Api) -> None:
    iso, machine = await ready(api), await api.deploy()
    await api.job("createVMSnapshot", virtualmachineid=machine["id"])
    await api.job("attachIso", id=iso["id"], virtualmachineid=machine["id"])
    assert (await listed(api, machine))[0] == iso["id"]
