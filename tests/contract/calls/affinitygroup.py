"""Affinity groups: how their sampled commands are called."""

from __future__ import annotations

from typing import Any

from apiclient import Api
from sample_calls import Calls, calls

KIND = "host anti-affinity"


async def group(api: Api, name: str = "web", **given: Any) -> dict[str, Any]:
    return (await api.job("createAffinityGroup", name=name, type=KIND, **given))["affinitygroup"]


@calls("createAffinityGroup")
async def _create(api: Api) -> Calls:
    project = (await api.job("createProject", name="p", displaytext="p"))["project"]
    return [{"name": "web", "type": KIND}, {"name": "web", "type": KIND, "projectid": project["id"]}]


@calls("deleteAffinityGroup")
async def _delete(api: Api) -> Calls:
    return [{"id": (await group(api))["id"]}]


@calls("listAffinityGroups")
async def _list(api: Api) -> Calls:
    project = (await api.job("createProject", name="p", displaytext="p"))["project"]
    made = await group(api, projectid=project["id"])
    await api.deploy(affinitygroupids=made["id"], projectid=project["id"])
    return [{"projectid": project["id"]}]


@calls("updateVMAffinityGroup")
async def _update(api: Api) -> Calls:
    machine = await api.deploy(startvm=False)
    await api.job("startVirtualMachine", id=machine["id"])
    await api.job("stopVirtualMachine", id=machine["id"])
    project = (await api.job("createProject", name="p", displaytext="p"))["project"]
    other = await api.deploy(startvm=False, projectid=project["id"])
    theirs = await group(api, projectid=project["id"])
    return [
        {"id": machine["id"], "affinitygroupids": (await group(api))["id"]},
        {"id": machine["id"]},
        {"id": other["id"], "affinitygroupids": theirs["id"]},
    ]
