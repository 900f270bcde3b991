"""Templates that are made of volumes and of snapshots."""

from __future__ import annotations

from typing import Any

import invariants
from apiclient import Api
from test_snapshots import disk_of, snapshot

from cloudsim.server import Server


async def os_type(api: Api) -> str:
    return str((await api.call("listOsTypes", page=1, pagesize=1))["ostype"][0]["id"])


async def template(api: Api, **given: Any) -> dict[str, Any]:
    made = await api.job("createTemplate", **{"name": "made", "ostypeid": await os_type(api), **given})
    return made["template"]


async def test_of_a_stopped_machine_and_deployed_at_once(server: Server, api: Api) -> None:
    machine = await api.deploy()
    disk = await disk_of(api, machine)
    server.simulator.content(disk["id"], "installed")
    await api.job("stopVirtualMachine", id=machine["id"])
    made = await template(api, volumeid=disk["id"], displaytext="words", passwordenabled=True, requireshvm=False)
    assert (made["isready"], made["status"], made["size"]) == (True, "Download Complete", disk["size"])
    assert (made["displaytext"], made["passwordenabled"], made["requireshvm"]) == ("words", True, False)
    assert (made["templatetype"], made["sourcetemplateid"]) == ("USER", machine["templateid"])
    again = await api.deploy(templateid=made["id"])
    assert server.simulator.content((await disk_of(api, again))["id"]) == "installed"
    await invariants.check(server)


async def test_of_a_snapshot_while_the_machine_runs(server: Server, api: Api) -> None:
    machine = await api.deploy()
    disk = await disk_of(api, machine)
    server.simulator.content(disk["id"], "then")
    kept = await snapshot(api, disk)
    server.simulator.content(disk["id"], "now")
    made = await template(api, snapshotid=kept["id"])
    again = await api.deploy(templateid=made["id"])
    assert server.simulator.content((await disk_of(api, again))["id"]) == "then"
