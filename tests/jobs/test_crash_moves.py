"""Killed with SIGKILL at each step of a migration or a scaling, a server started again ends it, once."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from apiclient import Api, admin_keys
from invariants import check
from options import make_config
from test_crash import victim

from cloudsim.db import schema
from cloudsim.server import Server

GIB = 1024**3
#: What is asked for, and the state that it ends in.
OPERATIONS = {
    "migrate": ("migrateVirtualMachine", "Running"),
    "migrate-with-disk": ("migrateVirtualMachineWithVolume", "Running"),
    "migrate-storage": ("migrateVirtualMachine", "Stopped"),
    "scale": ("scaleVirtualMachine", "Running"),
    "scale-elsewhere": ("scaleVirtualMachine", "Running"),
    "scale-stopped": ("scaleVirtualMachine", "Stopped"),
}


async def prepare(server: Server, api: Api, operation: str) -> dict[str, Any]:
    """Makes a machine and all that is needed; answers the parameters of the command."""
    hosts = sorted(
        (await api.call("listHosts", type="Routing"))["host"], key=lambda row: (row["clustername"], row["name"])
    )
    await api.call("updateConfiguration", name="enable.dynamic.scale.vm", value=True)
    await server.db.write(lambda tx: tx.update(schema.template, {"type": "BUILTIN"}, dynamically_scalable=True))
    big = await api.call("createServiceOffering", name="big", displaytext="b", cpunumber=2, cpuspeed=1000, memory=2048)
    machine = await api.deploy(hostid=hosts[0]["id"])
    pool = await api.call(
        "createStoragePool", name="other", url="nfs://10.9.9.9/other", zoneid=hosts[0]["zoneid"], scope="ZONE",
        hypervisor="Simulator",
    )  # fmt: skip
    (disk,) = (await api.call("listVolumes", virtualmachineid=machine["id"]))["volume"]
    if operation in ("migrate-storage", "scale-stopped"):
        await api.job("stopVirtualMachine", id=machine["id"])
    if operation == "scale-elsewhere":
        await server.db.write(lambda tx: tx.update(schema.host, {"uuid": hosts[0]["id"]}, memory=2 * GIB))
    target = {"virtualmachineid": machine["id"], "hostid": hosts[1]["id"]}
    return {
        "migrate": target,
        "migrate-with-disk": {
            **target, "migrateto[0].volume": disk["id"], "migrateto[0].pool": pool["storagepool"]["id"],
        },
        "migrate-storage": {"virtualmachineid": machine["id"], "storageid": pool["storagepool"]["id"]},
    }.get(operation, {"id": machine["id"], "serviceofferingid": big["serviceoffering"]["id"]})  # fmt: skip


async def crash_once(
    source: Path, directory: Path, boundary: int, operation: str, given: dict[str, Any], http: aiohttp.ClientSession
) -> bool:
    """One round; answers whether the server was still alive at the end, i.e. there are no more boundaries."""
    command, state = OPERATIONS[operation]
    shutil.copytree(source, directory)
    jobid = None
    async with victim(directory, boundary) as (process, endpoint):
        api = Api(http, endpoint, *admin_keys(directory))
        try:
            jobid = (await api.call(command, **given))["jobid"]
            await api.wait(jobid)
            return True
        except (aiohttp.ClientError, ConnectionError):
            await process.wait()
            assert process.returncode == -9
    server = Server(make_config(directory))
    await server.start()
    try:
        api = Api(http, server.url, *admin_keys(directory))
        if jobid is not None:
            ended = await api.wait(jobid)
            assert ended["jobstatus"] == 1, ended
            row = ended["jobresult"]["virtualmachine"]
            assert row["state"] == state
            if "hostid" in given:
                assert row["hostid"] == given["hostid"]
            if "serviceofferingid" in given:
                assert (row["cpunumber"], row["memory"]) == (2, 2048)
        await check(server)
    finally:
        await server.stop()
    return False


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_killed_at_each_step_of_a_move(
    operation: str, data_dir: Path, tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    server = Server(make_config(data_dir))
    await server.start()
    try:
        given = await prepare(server, Api(http, server.url, *admin_keys(data_dir)), operation)
    finally:
        await server.stop()
    for boundary in range(1, 40):
        directory = tmp_path / f"crash{boundary}"
        if await crash_once(data_dir, directory, boundary, operation, given, http):
            assert boundary > (1 if operation == "scale-stopped" else 3), (
                "the server was not killed where it should have been"
            )
            return
        shutil.rmtree(directory)
        await asyncio.sleep(0)
    pytest.fail("no end of boundaries")
