"""Network cards and their addresses: how their sampled commands are called."""

from __future__ import annotations

from apiclient import Api
from sample_calls import Calls, calls


@calls("addIpToNic")
async def _add(api: Api) -> Calls:
    return [{"nicid": (await api.deploy())["nic"][0]["id"]}]


@calls("removeIpFromNic")
async def _remove(api: Api) -> Calls:
    card = (await api.deploy())["nic"][0]
    return [{"id": (await api.call("addIpToNic", nicid=card["id"]))["id"]}]
