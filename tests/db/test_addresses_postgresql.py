"""Public addresses on PostgreSQL: what is taken at once is taken once, and the router has what the lists show."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
from apiclient import Api
from invariants import check, rows
from options import make_config

from cloudsim.server import Server


async def test_addresses_live_on_postgresql(tmp_path: Path, postgres_url: str, http: aiohttp.ClientSession) -> None:
    server = Server(make_config(tmp_path, database=postgres_url))
    await server.start()
    try:
        ((key, sealed),) = await rows(server, "SELECT api_key, secret_key FROM \"user\" WHERE username = 'admin'")
        api = Api(http, server.url, key, server.cloud.cipher.open(sealed))
        await api.call("updateConfiguration", name="public.ip.address.quarantine.duration", value=10)
        portable = {"startip": "10.66.0.2", "endip": "10.66.0.4", "gateway": "10.66.0.1", "netmask": "255.255.255.0"}
        await api.job("createPortableIpRange", regionid=1, vlan="62", **portable)
        machine = await api.deploy()
        net = machine["nic"][0]["networkid"]

        async def acquire(**given: Any) -> dict[str, Any]:
            return (await api.job("associateIpAddress", networkid=net, **given))["ipaddress"]

        made = await asyncio.gather(*(acquire() for _ in range(8)), acquire(isportable=True))
        assert len({one["ipaddress"] for one in made}) == 9
        given = {"virtualmachineid": machine["id"]}
        asked = [api.raw("enableStaticNat", ipaddressid=one["id"], **given) for one in made]
        assert sorted(status for status, _ in await asyncio.gather(*asked)) == [200] + [537] * 8
        await check(server)
        (mine,) = (await api.call("listPublicIpAddresses", isstaticnat=True))["publicipaddress"]
        await api.job("disableStaticNat", ipaddressid=mine["id"])
        await asyncio.gather(*(api.job("disassociateIpAddress", id=one["id"]) for one in made))
        kept = await api.call("listQuarantinedIps")
        assert kept["count"] == 8, "all but the portable one"
        free = await api.call(
            "listPublicIpAddresses", allocatedonly=False, account="admin", domainid=machine["domainid"]
        )
        assert free["count"] > 8
        await acquire()
        await check(server)
    finally:
        await server.stop()
