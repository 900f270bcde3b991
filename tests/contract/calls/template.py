"""Templates and ISOs: how their sampled commands are called."""

from __future__ import annotations

from typing import Any

from apiclient import Api
from sample_calls import Calls, calls
from stores import os_type, register, until


async def made(api: Api, **given: Any) -> dict[str, Any]:
    """A template that is ready in the seeded zone."""
    zone = (await api.basics())["zoneid"]
    found = await register(api, zone, "http://images.example.com/a.qcow2", hypervisor="Simulator", **given)
    return await until(api, found["id"], "DOWNLOADED")


@calls("registerTemplate")
async def _register(api: Api) -> Calls:
    given = {"name": "a", "format": "vhd", "hypervisor": "simulator", "ostypeid": await os_type(api)}
    given["zoneid"] = (await api.basics())["zoneid"]
    return [{**given, "url": "http://images.example.com/a.vhd.bz2"}]


@calls("registerIso")
async def _iso(api: Api) -> Calls:
    given = {"name": "a", "ostypeid": await os_type(api), "zoneid": (await api.basics())["zoneid"]}
    return [{**given, "url": "http://images.example.com/a.iso"}]


@calls("updateTemplate")
async def _update(api: Api) -> Calls:
    first, second = await made(api), await made(api)
    return [{"id": first["id"], "displaytext": "b", "name": "c", "passwordenabled": True},
            {"id": second["id"], "isdynamicallyscalable": True}]  # fmt: skip


@calls("deleteTemplate")
async def _delete(api: Api) -> Calls:
    return [{"id": (await made(api))["id"]}]


@calls("updateTemplatePermissions")
async def _permissions(api: Api) -> Calls:
    return [{"id": (await made(api))["id"], "isextractable": True, "isfeatured": True, "ispublic": True}]
