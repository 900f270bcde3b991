"""User data of templates: how its sampled commands are called."""

from __future__ import annotations

from apiclient import Api
from sample_calls import Calls, calls


@calls("linkUserDataToTemplate")
async def _link(api: Api) -> Calls:
    data = (await api.call("registerUserData", name="mine", userdata="VGVzdFVzZXJEYXRh"))["userdata"]["id"]
    template = (await api.basics())["templateid"]
    return [{"templateid": template, "userdataid": data}, {"templateid": template}]
