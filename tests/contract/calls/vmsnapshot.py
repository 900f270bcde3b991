"""Snapshots of virtual machines: how their sampled commands are called."""

from __future__ import annotations

from typing import Any

from apiclient import Api
from sample_calls import Calls, calls


async def snapshot(api: Api, machine: dict[str, Any] | None = None, **given: Any) -> dict[str, Any]:
    machine = machine or await api.deploy()
    return (await api.job("createVMSnapshot", virtualmachineid=machine["id"], **given))["vmsnapshot"]


@calls("createVMSnapshot")
async def _create(api: Api) -> Calls:
    machine = await api.deploy()
    await snapshot(api, machine)
    return [{"virtualmachineid": machine["id"], "snapshotmemory": True, "name": "x", "description": "y"}]


@calls("listVMSnapshot")
async def _list(api: Api) -> Calls:
    machine = await api.deploy()
    await snapshot(api, machine)
    await snapshot(api, machine, snapshotmemory=True)
    return [{"virtualmachineid": machine["id"]}]


@calls("revertToVMSnapshot", "deleteVMSnapshot")
async def _of_one(api: Api) -> Calls:
    return [{"vmsnapshotid": (await snapshot(api, snapshotmemory=True))["id"]}]
