"""Schedules of virtual machines: how their sampled commands are called."""

from __future__ import annotations

from typing import Any

from apiclient import Api
from sample_calls import Calls, calls

EVERY = {"action": "start", "schedule": "0 0 1 * *", "timezone": "UTC", "enddate": "2031-01-01 00:00:00"}


async def schedule(api: Api) -> dict[str, Any]:
    machine = await api.deploy(startvm=False)
    return (await api.call("createVMSchedule", virtualmachineid=machine["id"], **EVERY))["vmschedule"]


@calls("createVMSchedule")
async def _create(api: Api) -> Calls:
    return [{"virtualmachineid": (await api.deploy(startvm=False))["id"], **EVERY}]


@calls("updateVMSchedule")
async def _update(api: Api) -> Calls:
    return [{"id": (await schedule(api))["id"], "description": "x"}]


@calls("listVMSchedule", "deleteVMSchedule")
async def _of_machine(api: Api) -> Calls:
    return [{"virtualmachineid": (await schedule(api))["virtualmachineid"]}]
