"""Dedicated ranges of public addresses: how their sampled commands are called."""

from __future__ import annotations

from apiclient import Api
from sample_calls import Calls, calls


async def _range(api: Api) -> dict[str, str]:
    where = await api.places()
    given = {"gateway": "172.31.1.1", "netmask": "255.255.255.0", "startip": "172.31.1.10", "endip": "172.31.1.20"}
    made = (await api.call("createVlanIpRange", zoneid=where["zoneid"], vlan="10", forvirtualnetwork=True, **given))[
        "vlan"
    ]
    root = (await api.call("listDomains", name="ROOT"))["domain"][0]["id"]
    return {"id": made["id"], "domainid": root, "account": "admin"}


@calls("dedicatePublicIpRange")
async def _dedicate(api: Api) -> Calls:
    return [await _range(api)]


@calls("releasePublicIpRange")
async def _release(api: Api) -> Calls:
    given = await _range(api)
    await api.call("dedicatePublicIpRange", **given)
    return [{"id": given["id"]}]
