"""Load balancers on PostgreSQL: what is asked for at once is decided once, and the router does what the lists show."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
from apiclient import Api
from balancers import WEB, Web, ip
from invariants import check, rows
from options import make_config
from people import refused
from rulebook import place

from cloudsim.server import Server


async def test_load_balancers_live_on_postgresql(
    tmp_path: Path, postgres_url: str, http: aiohttp.ClientSession
) -> None:
    server = Server(make_config(tmp_path, database=postgres_url))
    await server.start()
    try:
        ((key, sealed),) = await rows(server, "SELECT api_key, secret_key FROM \"user\" WHERE username = 'admin'")
        api = Api(http, server.url, key, server.cloud.cipher.open(sealed))
        here = Web(**vars(await place(api, server, name="first")))
        second = await here.another(name="second")
        given = {**WEB, "publicipid": here.address["id"]}
        asked = [api.raw("createLoadBalancerRule", **given) for _ in range(10)]
        assert sorted(status for status, _ in await asyncio.gather(*asked)) == [200] + [537] * 9
        (rule,) = (await api.call("listLoadBalancerRules", networkid=here.network, keyword="WE"))["loadbalancerrule"]
        await here.assign(rule, here.machine, second)
        assert set(await here.spread()) == {here.guest, ip(second)}
        sticky = {"lbruleid": rule["id"], "name": "s", "methodname": "SourceBased"}
        await api.job("createLBStickinessPolicy", **sticky)
        assert len(set(await here.spread())) == 1
        await api.call("configureSimulator", name="LoadBalancerConfigCommand", value="fail", count=1)
        changes = {"algorithm": "source", "cidrlist": "10.0.0.0/8", "description": "x"}
        assert (await refused(api, "updateLoadBalancerRule", id=rule["id"], **changes))[0] == 530
        await check(server)
        await here.leave(rule, second)
        await api.job("destroyVirtualMachine", id=here.machine["id"], expunge=True)
        assert (await here.rule(rule))["state"] == "Add"
        await check(server)
        own = (await api.job("createLoadBalancerRule", **WEB, networkid=here.network))["loadbalancer"]
        for one in (own, rule):
            await api.job("deleteLoadBalancerRule", id=one["id"])
        await check(server)
    finally:
        await server.stop()
