"""Snapshots of volumes, their policies, and templates made of disks, on PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import zones
from invariants import check, rest

from cloudsim.agents.simulator.faults import Rule
from cloudsim.db import schema


async def test_snapshots_live_on_postgresql(tmp_path: Path, postgres_url: str) -> None:
    async with zones.empty_server(tmp_path, database=postgres_url) as (server, api):
        await zones.basic_zone(api)
        machine = await api.deploy()
        (disk,) = (await api.call("listVolumes", virtualmachineid=machine["id"]))["volume"]
        tags = {"tags[0].key": "a", "tags[0].value": "b"}
        one = (await api.job("createSnapshot", volumeid=disk["id"], name="one", **tags))["snapshot"]
        two = (await api.job("createSnapshot", volumeid=disk["id"], name="two", locationtype="PRIMARY"))["snapshot"]
        for given, count in (
            ({"showunique": True, "snapshottype": "manual", "volumeid": disk["id"], "zoneid": disk["zoneid"]}, 2),
            ({"locationtype": "PRIMARY", "storageid": two["datastoreid"], "listall": True}, 1),
            ({"imagestoreid": one["datastoreid"], "ids": f"{one['id']},{two['id']}", **tags}, 1),
            ({"keyword": "w", "page": 1, "pagesize": 1}, 1),
        ):
            assert (await api.call("listSnapshots", **given))["count"] == count, given
        when = {"intervaltype": "HOURLY", "schedule": "1", "timezone": "UTC", "maxsnaps": 1}
        made = (await api.call("createSnapshotPolicy", volumeid=disk["id"], **when, **tags))["snapshotpolicy"]
        for _ in range(2):
            due = server.clock.now() - 1000
            await server.db.write(lambda tx, due=due: tx.update(schema.snapshot_policy, {"uuid": made["id"]}, due=due))
            await server.periodic.run_now("snapshot-policies")
            await rest(server)
        assert (await api.call("listSnapshots", snapshottype="RECURRING"))["count"] == 1
        assert (await api.call("listSnapshotPolicies", volumeid=disk["id"], fordisplay=True))["count"] == 1
        await api.call("updateConfiguration", name="concurrent.snapshots.threshold.perhost", value=1)
        server.simulator.add_rule(Rule("BackupSnapshotCommand", "fail", count=1))
        failed = await api.wait((await api.call("createSnapshot", volumeid=disk["id"]))["jobid"])
        assert failed["jobstatus"] == 2
        await server.periodic.run_now("snapshot-cleanup")
        await check(server)
        image = {"name": "made", "ostypeid": machine["ostypeid"], "snapshotid": one["id"]}
        assert (await api.job("createTemplate", **image))["template"]["isready"]
        await api.job("archiveSnapshot", id=two["id"])
        await api.job("stopVirtualMachine", id=machine["id"])
        await api.job("revertSnapshot", id=two["id"])
        await api.call("updateResourceCount", domainid=one["domainid"])
        await server.periodic.run_now("capacity")
        await api.job("destroyVirtualMachine", id=machine["id"], expunge=True)
        await api.job("deleteSnapshot", id=one["id"])
        await check(server)
