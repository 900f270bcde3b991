"""The life of virtual machines: how its sampled commands are called."""

from __future__ import annotations

from apiclient import Api
from people import PERSON
from sample_calls import Calls, calls


@calls("restoreVirtualMachine")
async def _restore(api: Api) -> Calls:
    return [{"virtualmachineid": (await api.deploy())["id"]}]


@calls("assignVirtualMachine")
async def _assign(api: Api) -> Calls:
    machine = await api.deploy()
    await api.job("stopVirtualMachine", id=machine["id"])
    owner = (await api.call("createAccount", "POST", **PERSON, username="next", accounttype=0))["account"]
    await api.deploy(account="next", domainid=owner["domainid"])
    return [{"virtualmachineid": machine["id"], "account": "next", "domainid": owner["domainid"]}]
