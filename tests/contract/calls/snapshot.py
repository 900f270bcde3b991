"""Snapshots of volumes: how their sampled commands are called."""

from __future__ import annotations

from typing import Any

from apiclient import Api
from sample_calls import Calls, calls


async def disk(api: Api) -> str:
    machine = await api.deploy()
    (found,) = (await api.call("listVolumes", virtualmachineid=machine["id"]))["volume"]
    return str(found["id"])


async def snapshot(api: Api, **given: Any) -> dict[str, Any]:
    tags = {"tags[0].key": "type", "tags[0].value": "manual"}
    return (await api.job("createSnapshot", volumeid=await disk(api), **tags, **given))["snapshot"]


@calls("createSnapshot")
async def _create(api: Api) -> Calls:
    project = (await api.job("createProject", name="p", displaytext="p"))["project"]
    machine = await api.deploy(projectid=project["id"])
    (found,) = (await api.call("listVolumes", virtualmachineid=machine["id"], projectid=project["id"]))["volume"]
    return [{"volumeid": await disk(api)}, {"volumeid": found["id"]}]


@calls("listSnapshots")
async def _list(api: Api) -> Calls:
    await snapshot(api)
    await _create_in_project(api)
    return [{"listall": True}, {"projectid": "-1"}]


async def _create_in_project(api: Api) -> None:
    (_, given) = await _create(api)
    await api.job("createSnapshot", **given)


@calls("deleteSnapshot")
async def _of_one(api: Api) -> Calls:
    return [{"id": (await snapshot(api))["id"]}]


@calls("createTemplate")
async def _template(api: Api) -> Calls:
    machine = await api.deploy()
    await api.job("stopVirtualMachine", id=machine["id"])
    (found,) = (await api.call("listVolumes", virtualmachineid=machine["id"]))["volume"]
    given = {"name": "made", "ostypeid": machine["ostypeid"], "displaytext": "d", "volumeid": found["id"]}
    return [{**given, "isextractable": False, "details[0].key": "a", "details[0].value": "b"}]
