"""Calls for the samples of virtual routers."""

from __future__ import annotations

from apiclient import Api
from sample_calls import Calls, calls


async def router(api: Api) -> str:
    await api.deploy()
    return (await api.call("listRouters", listall=True))["router"][0]["id"]


@calls("listRouters")
async def _list(api: Api) -> Calls:
    await router(api)
    return [{"listall": True, "fetchhealthcheckresults": True}]


@calls("stopRouter", "rebootRouter", "destroyRouter")
async def _running(api: Api) -> Calls:
    return [{"id": await router(api)}]


@calls("startRouter")
async def _stopped(api: Api) -> Calls:
    found = await router(api)
    await api.job("stopRouter", id=found)
    return [{"id": found}]
