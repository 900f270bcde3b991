"""Load balancer rules: how their sampled commands are called."""

from __future__ import annotations

from typing import Any

from apiclient import Api
from sample_calls import Calls, calls


async def place(api: Api) -> tuple[dict[str, Any], dict[str, Any]]:
    """A machine, and what a load balancer rule is asked for with the public address of its network."""
    machine = await api.deploy()
    found = await api.call("listPublicIpAddresses", associatednetworkid=machine["nic"][0]["networkid"])
    given = {"publicipid": found["publicipaddress"][0]["id"], "name": "SSH", "algorithm": "roundrobin"}
    return machine, {**given, "publicport": 2222, "privateport": 22}


async def balanced(api: Api) -> tuple[dict[str, Any], str]:
    """A machine, and the id of a rule with a tag."""
    machine, given = await place(api)
    made = (await api.job("createLoadBalancerRule", **given))["loadbalancer"]
    tag = {"tags[0].key": "LB", "tags[0].value": "40"}
    await api.job("createTags", resourcetype="LoadBalancer", resourceids=made["id"], **tag)
    return machine, str(made["id"])


@calls("createLoadBalancerRule")
async def _create(api: Api) -> Calls:
    _, given = await place(api)
    return [{**given, "account": "admin", "protocol": "TCP"}, {**given, "publicport": 2223, "openfirewall": "false"}]


@calls("listLoadBalancerRules")
async def _list(api: Api) -> Calls:
    await balanced(api)
    return [{"listall": "True"}]


@calls("assignToLoadBalancerRule")
async def _assign(api: Api) -> Calls:
    machine, rule = await balanced(api)
    return [{"id": rule, "virtualmachineids": machine["id"]}]


@calls("deleteLoadBalancerRule")
async def _delete(api: Api) -> Calls:
    return [{"id": (await balanced(api))[1]}]
