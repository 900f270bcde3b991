"""Volumes: how their sampled commands are called."""

from __future__ import annotations

import itertools
from typing import Any

from apiclient import Api
from sample_calls import Calls, calls

_NUMBERS = itertools.count()


async def _pool(api: Api, **given: Any) -> dict[str, Any]:
    """A pool of the first cluster."""
    name = f"pool{next(_NUMBERS)}"
    where = {**await api.places(), "scope": "CLUSTER", "url": f"nfs://10.9.9.9/{name}", "capacityiops": 1000}
    made = await api.call("createStoragePool", name=name, tags=name, **where, **given)
    return dict(made["storagepool"])


async def _offering(api: Api, **given: Any) -> str:
    """One that leaves the operations a second open, for a pool of the first cluster."""
    name = f"offering{next(_NUMBERS)}"
    tags = (await _pool(api))["name"]
    made = await api.call(
        "createDiskOffering", name=name, displaytext=name, disksize=1, customizediops=True, tags=tags, **given
    )
    return str(made["diskoffering"]["id"])


async def _asked(api: Api) -> dict[str, Any]:
    return {"name": "made", "zoneid": (await api.places())["zoneid"], "diskofferingid": await _offering(api)}


async def _disk(api: Api) -> dict[str, Any]:
    return dict((await api.job("createVolume", **await _asked(api)))["volume"])


async def _machine(api: Api) -> dict[str, Any]:
    """One that runs in the first cluster."""
    return await api.deploy(clusterid=(await api.places())["clusterid"])


async def _attached(api: Api) -> dict[str, Any]:
    volume, machine = await _disk(api), await _machine(api)
    await api.job("attachVolume", id=volume["id"], virtualmachineid=machine["id"])
    return volume


async def _free(api: Api) -> dict[str, Any]:
    """A volume on storage that no machine has."""
    volume = await _attached(api)
    await api.job("detachVolume", id=volume["id"])
    return volume


async def _root(api: Api) -> tuple[dict[str, Any], dict[str, Any]]:
    """The root disk of a stopped machine, and the machine."""
    machine = await _machine(api)
    await api.job("stopVirtualMachine", id=machine["id"])
    (root,) = (await api.call("listVolumes", virtualmachineid=machine["id"]))["volume"]
    return root, machine


@calls("createVolume")
async def _create(api: Api) -> Calls:
    project = (await api.job("createProject", name=f"project{next(_NUMBERS)}"))["project"]["id"]
    return [await _asked(api), {**await _asked(api), "projectid": project}]


@calls("attachVolume")
async def _attach(api: Api) -> Calls:
    root, machine = await _root(api)
    await api.job("detachVolume", id=root["id"])
    free = {"id": (await _disk(api))["id"], "virtualmachineid": (await _machine(api))["id"]}
    return [free, {"id": root["id"], "virtualmachineid": machine["id"], "deviceid": 0}]


@calls("detachVolume")
async def _detach(api: Api) -> Calls:
    return [{"id": (await _attached(api))["id"]}, {"id": (await _root(api))[0]["id"]}]


@calls("deleteVolume")
async def _delete(api: Api) -> Calls:
    return [{"id": (await _disk(api))["id"]}]


@calls("destroyVolume")
async def _destroy(api: Api) -> Calls:
    return [{"id": (await _free(api))["id"], "expunge": True}]


@calls("migrateVolume")
async def _migrate(api: Api) -> Calls:
    return [{"volumeid": (await _root(api))[0]["id"], "storageid": (await _pool(api))["id"]}]


@calls("findStoragePoolsForMigration")
async def _find(api: Api) -> Calls:
    await _pool(api)
    return [{"id": (await _free(api))["id"]}]


@calls("updateVolume")
async def _update(api: Api) -> Calls:
    return [{"id": (await _disk(api))["id"], "deleteprotection": True}]


@calls("extractVolume")
async def _extract(api: Api) -> Calls:
    zone = (await api.places())["zoneid"]
    return [{"id": (await _free(api))["id"], "zoneid": zone, "mode": "HTTP_DOWNLOAD"}]
