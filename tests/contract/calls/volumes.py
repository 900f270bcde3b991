"""Volumes: how their sampled commands are called."""

from __future__ import annotations

from typing import Any

from apiclient import Api
from sample_calls import Calls, calls

from calls.basics import data_disk


async def _disk(api: Api, **given: Any) -> dict[str, Any]:
    zone = (await api.places())["zoneid"]
    made = await api.job("createVolume", name="made", zoneid=zone, **{**await data_disk(api), **given})
    return dict(made["volume"])


async def _attached(api: Api) -> dict[str, Any]:
    volume, machine = await _disk(api), await api.deploy()
    await api.job("attachVolume", id=volume["id"], virtualmachineid=machine["id"])
    return volume


@calls("createVolume")
async def _create(api: Api) -> Calls:
    open_ = await api.call("createDiskOffering", name="o", displaytext="o", disksize=1, customizediops=True)
    return [{"name": "made", "zoneid": (await api.places())["zoneid"], "diskofferingid": open_["diskoffering"]["id"]}]


@calls("attachVolume")
async def _attach(api: Api) -> Calls:
    return [{"id": (await _disk(api))["id"], "virtualmachineid": (await api.deploy())["id"]}]


@calls("detachVolume")
async def _detach(api: Api) -> Calls:
    return [{"id": (await _attached(api))["id"]}]


@calls("deleteVolume")
async def _delete(api: Api) -> Calls:
    return [{"id": (await _disk(api))["id"]}]


@calls("destroyVolume")
async def _destroy(api: Api) -> Calls:
    volume = await _attached(api)
    await api.job("detachVolume", id=volume["id"])
    return [{"id": volume["id"], "expunge": True}]
