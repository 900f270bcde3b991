"""Consoles: how their sampled commands are called."""

from __future__ import annotations

from apiclient import Api
from sample_calls import Calls, calls


@calls("createConsoleEndpoint")
async def _console(api: Api) -> Calls:
    running, stopped = await api.deploy(), await api.deploy(startvm=False)
    return [{"virtualmachineid": running["id"]}, {"virtualmachineid": stopped["id"]}]
