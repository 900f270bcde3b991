"""Killed with SIGKILL at each step of a volume's life, a server started again ends every job, once, and leaks nothing."""

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
from victims import at_each_boundary, victim

from cloudsim.server import Server

#: What is asked for, what with, and what is seen of the volume in the end.
OPERATIONS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "attach-new": (
        "attachVolume",
        {"id": "new", "virtualmachineid": "machine"},
        {"state": "Ready", "vmstate": "Running"},
    ),
    "attach": ("attachVolume", {"id": "free", "virtualmachineid": "machine"}, {"state": "Ready", "vmstate": "Running"}),
    "attach-far": (
        "attachVolume",
        {"id": "far", "virtualmachineid": "machine"},
        {"state": "Ready", "virtualmachineid": "machine"},
    ),
    "detach": ("detachVolume", {"id": "used"}, {"state": "Ready", "virtualmachineid": None}),
    "create-attached": ("createVolume", {"virtualmachineid": "machine", "diskofferingid": "small", "name": "made"}, {}),
    "create-from-snapshot": ("createVolume", {"snapshotid": "snapshot", "name": "made"}, {"state": "Ready"}),
    "resize": ("resizeVolume", {"id": "used", "size": 9}, {"size": 9 * 1024**3}),
    "change-offering": (
        "changeOfferingForVolume",
        {"id": "used", "diskofferingid": "tagged", "automigrate": True},
        {"storageid": "goal", "size": 6 * 1024**3},
    ),
    "migrate": ("migrateVolume", {"volumeid": "free", "storageid": "last"}, {"storageid": "last"}),
    "expunge": ("destroyVolume", {"id": "free", "expunge": True}, {"state": "Expunged"}),
}


async def prepare(server: Server, api: Api) -> dict[str, str]:
    """A machine that runs, and volumes in every condition; answers their ids."""
    hosts = sorted(
        (await api.call("listHosts", type="Routing"))["host"], key=lambda row: (row["clustername"], row["name"])
    )
    zone = hosts[0]["zoneid"]
    ids = {"machine": (await api.deploy(hostid=hosts[0]["id"]))["id"]}
    other = (await api.deploy(hostid=hosts[2]["id"]))["id"]
    for name, host in (("near", hosts[0]), ("away", hosts[2]), ("goal", hosts[0])):
        where = {"zoneid": zone, "podid": host["podid"], "clusterid": host["clusterid"], "scope": "CLUSTER"}
        made = await api.call("createStoragePool", name=name, url=f"nfs://10.9.9.9/{name}", tags=name, **where)
        ids[name] = made["storagepool"]["id"]
    offering = (await api.call("listDiskOfferings", name="Custom"))["diskoffering"][0]["id"]
    ids["small"] = (await api.call("listDiskOfferings", name="Small"))["diskoffering"][0]["id"]
    tagged = {"name": "tagged", "displaytext": "t", "disksize": 6, "tags": "goal"}
    ids["tagged"] = (await api.call("createDiskOffering", **tagged))["diskoffering"]["id"]
    for name in ("new", "free", "used", "far"):
        given = {"name": name, "zoneid": zone, "diskofferingid": offering, "size": 2}
        ids[name] = (await api.job("createVolume", **given))["volume"]["id"]
    for name in ("free", "used", "far"):
        await api.job("attachVolume", id=ids[name], virtualmachineid=ids["machine"])
    for name in ("free", "far"):
        await api.job("detachVolume", id=ids[name])
    where = {"zoneid": zone, "scope": "ZONE", "hypervisor": "Simulator"}
    ids["last"] = (await api.call("createStoragePool", name="last", url="nfs://10.9.9.9/last", **where))["storagepool"][
        "id"
    ]
    ids["snapshot"] = (await api.job("createSnapshot", volumeid=ids["used"]))["snapshot"]["id"]
    await api.job("migrateVolume", volumeid=ids["far"], storageid=ids["away"])
    assert other
    return ids


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, seeded_dir: Path) -> tuple[Path, dict[str, str]]:
    """A data directory with all that, and the ids."""
    directory = tmp_path_factory.mktemp("volumes") / "data"
    shutil.copytree(seeded_dir, directory)

    async def make() -> dict[str, str]:
        server = Server(make_config(directory))
        await server.start()
        try:
            async with aiohttp.ClientSession() as http:
                return await prepare(server, Api(http, server.url, *admin_keys(directory)))
        finally:
            await server.stop()

    return directory, asyncio.new_event_loop().run_until_complete(make())


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_killed_at_each_step_of_a_volume(
    operation: str, prepared: tuple[Path, dict[str, str]], tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    source, ids = prepared
    command, asked, seen = OPERATIONS[operation]
    given = {name: ids.get(value, value) if isinstance(value, str) else value for name, value in asked.items()}

    async def crash(boundary: int) -> bool:
        """One round; answers whether the server was still alive at the end."""
        directory = tmp_path / str(boundary)
        shutil.copytree(source, directory)
        jobid = None
        async with victim(directory, boundary) as (process, endpoint):
            api = Api(http, endpoint, *admin_keys(directory))
            try:
                jobid = (await api.call(command, **given))["jobid"]
                await api.wait(jobid)
                alive = True
            except (aiohttp.ClientError, ConnectionError):
                alive = False
                await process.wait()
        server = Server(make_config(directory))
        await server.start()
        try:
            api = Api(http, server.url, *admin_keys(directory))
            if jobid is not None:
                ended = await api.wait(jobid)
                assert ended["jobstatus"] == 1, ended
                row = ended["jobresult"]["volume"]
                for name, value in seen.items():
                    assert row.get(name) == (ids.get(value, value) if isinstance(value, str) else value), (name, row)
            await check(server)
        finally:
            await server.stop()
            shutil.rmtree(directory)
        return alive

    await at_each_boundary(crash)


async def test_killed_while_it_is_deleted(
    prepared: tuple[Path, dict[str, str]], tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    source, ids = prepared

    async def crash(boundary: int) -> bool:
        directory = tmp_path / str(boundary)
        shutil.copytree(source, directory)
        async with victim(directory, boundary) as (process, endpoint):
            try:
                await Api(http, endpoint, *admin_keys(directory)).call("deleteVolume", id=ids["free"])
                alive = True
            except (aiohttp.ClientError, ConnectionError):
                alive = False
                await process.wait()
        server = Server(make_config(directory))
        await server.start()
        try:
            await check(server)
            there = {one.uuid for one in server.simulator.volumes()}
            listed = (await Api(http, server.url, *admin_keys(directory)).call("listVolumes", name="free")).get(
                "volume", []
            )
            assert (ids["free"] in there) == bool(listed) == False  # noqa: E712
        finally:
            await server.stop()
            shutil.rmtree(directory)
        return alive

    await at_each_boundary(crash)
