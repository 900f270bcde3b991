"""Lists with figures: how their sampled commands are called."""

from __future__ import annotations

import asyncio

from apiclient import Api
from sample_calls import Calls, calls

from calls.basics import data_disk, with_a_machine


@calls("listVirtualMachinesMetrics", "listVolumesMetrics")
async def _with_a_machine(api: Api) -> Calls:
    await api.deploy(**await data_disk(api))
    return [{"listall": True}]


@calls("listStoragePoolsMetrics")
async def _pools(api: Api) -> Calls:
    limits = {"capacityiops": 7, "details[0].key": "a", "details[0].value": "b"}
    made = await api.call("createStoragePool", **await api.places(), **limits, name="made", url="nfs://10.1.1.1/one")
    return [{"id": made["storagepool"]["id"]}]


@calls("listVirtualMachines")
async def _machines(api: Api) -> Calls:
    """Once their hosts have told what they use."""
    given = await with_a_machine(api)
    for _ in range(400):
        found = (await api.call("listVirtualMachines"))["virtualmachine"]
        if all("cpuused" in one for one in found):
            return given
        await asyncio.sleep(0.02)
    raise AssertionError("nothing was told of the machine")
