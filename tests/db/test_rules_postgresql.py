"""Rules of networks on PostgreSQL: what is asked for at once is decided once, and the router does what the lists show."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
from apiclient import Api
from invariants import check, rows
from options import make_config
from rulebook import place

from cloudsim.server import Server


async def test_rules_live_on_postgresql(tmp_path: Path, postgres_url: str, http: aiohttp.ClientSession) -> None:
    server = Server(make_config(tmp_path, database=postgres_url))
    await server.start()
    try:
        ((key, sealed),) = await rows(server, "SELECT api_key, secret_key FROM \"user\" WHERE username = 'admin'")
        api = Api(http, server.url, key, server.cloud.cipher.open(sealed))
        here = await place(api, server)
        given = {"ipaddressid": here.address["id"], "virtualmachineid": here.machine["id"], "protocol": "tcp"}
        asked = [api.raw("createPortForwardingRule", **given, publicport=22, privateport=2222) for _ in range(10)]
        assert sorted(status for status, _ in await asyncio.gather(*asked)) == [200] + [537] * 9
        await check(server)
        assert await here.comes_in(22) == (here.guest, 2222)
        await here.egress(startport=80, destcidrlist="198.51.100.0/24")
        assert await here.gets_out(80, "198.51.100.9")
        (rule,) = (await api.call("listPortForwardingRules", networkid=here.network))["portforwardingrule"]
        await api.job("updatePortForwardingRule", id=rule["id"], privateport=23, cidrlist="10.0.0.0/8")
        assert await here.comes_in(22, "10.0.0.1") == (here.guest, 23)
        await api.job("deletePortForwardingRule", id=rule["id"])
        assert await here.comes_in(22, "10.0.0.1") is None
        await server.periodic.run_now("router-rules")
        await check(server)
    finally:
        await server.stop()
