"""Public addresses and static NAT: how their sampled commands are called."""

from __future__ import annotations

from typing import Any

from apiclient import Api
from sample_calls import Calls, calls


async def _acquired(api: Api) -> tuple[dict[str, Any], dict[str, Any]]:
    """A machine, and an address acquired for its network."""
    machine = await api.deploy()
    made = await api.job("associateIpAddress", networkid=machine["nic"][0]["networkid"])
    return machine, made["ipaddress"]


@calls("associateIpAddress")
async def _associate(api: Api) -> Calls:
    machine = await api.deploy()
    where = {"zoneid": machine["zoneid"]}
    project = {"projectid": (await api.job("createProject", name="shared"))["project"]["id"]}
    name = "DefaultIsolatedNetworkOfferingWithSourceNatService"
    (offered,) = (await api.call("listNetworkOfferings", name=name))["networkoffering"]
    given = {"name": "theirs", "networkofferingid": offered["id"], **where, **project}
    theirs = (await api.call("createNetwork", **given))["network"]["id"]
    return [{"networkid": machine["nic"][0]["networkid"], **where}, {"networkid": theirs, **where, **project}]


@calls("disassociateIpAddress")
async def _disassociate(api: Api) -> Calls:
    _, mine = await _acquired(api)
    return [{"id": mine["id"]}]


@calls("enableStaticNat")
async def _enable(api: Api) -> Calls:
    machine, mine = await _acquired(api)
    return [{"ipaddressid": mine["id"], "virtualmachineid": machine["id"]}]
