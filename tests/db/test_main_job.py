"""The main job on PostgreSQL: the same server, another engine."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
from apiclient import Api
from invariants import check
from options import make_config
from sqlalchemy import select

from cloudsim.core.keyfile import KeyFile
from cloudsim.db import schema
from cloudsim.server import Server


async def caller(server: Server, http: aiohttp.ClientSession) -> Api:
    row = await server.db.read(lambda tx: tx.first(select(schema.user).where(schema.user.c.username == "admin")))
    return Api(http, server.url, row["api_key"], KeyFile(server.config.data_dir / "key").open(row["secret_key"]))


async def test_a_machine_lives_on_postgresql(tmp_path: Path, postgres_url: str, http: aiohttp.ClientSession) -> None:
    config = make_config(tmp_path / "data", database=postgres_url)
    server = Server(config)
    await server.start()
    try:
        api = await caller(server, http)
        machine = await api.deploy(name="first")
        assert machine["state"] == "Running"
        machines = await asyncio.gather(*(api.deploy() for _ in range(50)))
        assert len({one["nic"][0]["ipaddress"] for one in machines}) == 50
        assert (await api.job("stopVirtualMachine", id=machine["id"]))["virtualmachine"]["state"] == "Stopped"
        await check(server)
    finally:
        await server.stop()
    server = Server(config)
    await server.start()
    try:
        api = await caller(server, http)
        (found,) = (await api.call("listVirtualMachines", id=machine["id"]))["virtualmachine"]
        assert (found["name"], found["state"]) == ("first", "Stopped")
        assert (await api.job("startVirtualMachine", id=machine["id"]))["virtualmachine"]["state"] == "Running"
        await api.job("destroyVirtualMachine", id=machine["id"], expunge=True)
        assert (await api.call("listVirtualMachines"))["count"] == 50
        for command in (
            "listNetworks",
            "listVolumes",
            "listEvents",
            "listAccounts",
            "listDomains",
            "listHosts",
            "listTags",
        ):
            await api.call(command, listall=True)
        await check(server)
    finally:
        await server.stop()


async def test_routers_live_on_postgresql(tmp_path: Path, postgres_url: str, http: aiohttp.ClientSession) -> None:
    server = Server(make_config(tmp_path / "data", database=postgres_url))
    await server.start()
    try:
        api = await caller(server, http)
        machine = await api.deploy()
        where = machine["nic"][0]["networkid"]
        for given in ({"healthchecksfailed": False}, {"version": "4.10.0"}, {"fetchhealthcheckresults": True}):
            assert (await api.call("listRouters", listall=True, networkid=where, **given))["count"] == 1
        await api.job("restartNetwork", id=where, makeredundant=True)
        pair = (await api.call("listRouters", listall=True))["router"]
        assert {row["redundantstate"] for row in pair} == {"PRIMARY", "BACKUP"}
        for row in pair:
            await api.job("destroyRouter", id=row["id"])
        await api.job("destroyVirtualMachine", id=machine["id"], expunge=True)
        await api.job("deleteNetwork", id=where)
        await check(server)
    finally:
        await server.stop()
