"""The whole life of a volume on PostgreSQL."""

from __future__ import annotations

import asyncio
from pathlib import Path

import zones
from disks import GIB, attach, detach, disk, look
from invariants import check

from cloudsim.agents.simulator.faults import Rule
from cloudsim.db import schema


async def test_volumes_live_on_postgresql(tmp_path: Path, postgres_url: str) -> None:
    async with zones.empty_server(tmp_path, database=postgres_url) as (server, api):
        await zones.basic_zone(api)
        machine = await api.deploy()
        custom = (await api.call("listDiskOfferings", name="Custom"))["diskoffering"][0]["id"]
        volume = await disk(api, diskofferingid=custom, size=2)
        server.simulator.add_rule(Rule("AttachCommand", "lose"))
        ended = await api.wait(
            (await api.call("attachVolume", id=volume["id"], virtualmachineid=machine["id"]))["jobid"]
        )
        assert ended["jobstatus"] == 2
        server.simulator.clear()
        await server.periodic.run_now("volume-doubts")
        await check(server)
        await attach(api, volume, machine)
        assert (await api.job("resizeVolume", id=volume["id"], size=4))["volume"]["size"] == 4 * GIB
        assert (await api.call("listVolumes", id=volume["id"], hostid=machine["hostid"]))["count"] == 1
        await detach(api, volume)
        where = {"zoneid": machine["zoneid"], "scope": "ZONE", "hypervisor": "Simulator"}
        goal = (await api.call("createStoragePool", name="goal", url="nfs://10.9.9.9/goal", **where))["storagepool"][
            "id"
        ]
        assert (await api.call("findStoragePoolsForMigration", id=volume["id"]))["count"] >= 1
        assert (await api.job("migrateVolume", volumeid=volume["id"], storageid=goal))["volume"]["storageid"] == goal
        await api.job("unmanageVolume", id=volume["id"])
        (found,) = (await api.call("listVolumesForImport", storageid=goal))["volumeforimport"]
        back = (await api.job("importVolume", storageid=goal, path=found["path"]))["volume"]
        await api.job("updateVolume", id=back["id"], name="back", chaininfo="none")
        other = (await api.job("createProject", name="shared"))["project"]["id"]
        assert (await api.call("assignVolume", volumeid=back["id"], projectid=other))["volume"]["projectid"] == other
        await api.job("destroyVolume", id=back["id"])
        await api.call("recoverVolume", id=back["id"])
        await api.job("destroyVolume", id=back["id"])
        await server.db.write(lambda tx: tx.update(schema.volume, {"uuid": back["id"]}, destroyed=0))
        await server.periodic.run_now("storage-cleanup")
        await check(server)
        assert await api.call("listVolumes", type="DATADISK", listall=True, projectid="-1") == {}


async def test_volumes_are_uploaded_on_postgresql(tmp_path: Path, postgres_url: str) -> None:
    async with zones.empty_server(tmp_path, database=postgres_url) as (server, api):
        await zones.basic_zone(api)
        machine = await api.deploy()
        url = "http://images.example.com/a.qcow2"
        asked = {"name": "mine", "format": "QCOW2", "url": url, "zoneid": machine["zoneid"]}
        volume = (await api.job("uploadVolume", **asked))["volume"]
        async with asyncio.timeout(20):
            while (row := await look(api, volume))["state"] != "Uploaded":
                await asyncio.sleep(0.05)
        assert (await api.call("listAccounts"))["account"][0]["secondarystoragetotal"] >= 1
        await check(server)
        assert (await attach(api, row, machine))["state"] == "Ready"
        await server.periodic.run_now("volume-sizes")
        assert (await look(api, volume))["physicalsize"] == GIB
        await detach(api, volume)
        given = await api.call("getUploadParamsForVolume", name="sent", format="QCOW2", zoneid=machine["zoneid"])
        assert (await look(api, given["getuploadparams"]))["state"] == "NotUploaded"
        await server.periodic.run_now("uploads")
        await server.periodic.run_now("image-files")
        await check(server)
