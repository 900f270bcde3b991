"""Quarantine: a released address is kept for who had it, as long as the setting says, or an admin."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from apiclient import Api
from invariants import check, rows
from people import account, domain, keyed, person, refused

from cloudsim.server import Server

SETTING = "public.ip.address.quarantine.duration"


async def network(api: Api) -> str:
    (offered,) = (await api.call("listNetworkOfferings", name="DefaultIsolatedNetworkOfferingWithSourceNatService"))[
        "networkoffering"
    ]
    (zone,) = (await api.call("listZones"))["zone"]
    return (await api.call("createNetwork", zoneid=zone["id"], networkofferingid=offered["id"], name="n"))["network"][
        "id"
    ]


async def acquire(api: Api, net: str, **given: Any) -> dict[str, Any]:
    return (await api.job("associateIpAddress", networkid=net, **given))["ipaddress"]


async def kept(api: Api, **given: Any) -> list[dict[str, Any]]:
    return (await api.call("listQuarantinedIps", **given)).get("quarantinedips", [])


@pytest.fixture
async def released(api: Api, http: aiohttp.ClientSession) -> tuple[Api, Api, dict[str, Any]]:
    """Two people, and an address that the first has released."""
    await api.call("updateConfiguration", name=SETTING, value=10)
    first, second = [await person(api, http, name) for name in ("first", "second")]
    net = await network(first)
    await acquire(first, net)
    mine = await acquire(first, net)
    await first.job("disassociateIpAddress", id=mine["id"])
    return first, second, mine


async def test_kept_for_who_had_it(api: Api, released: tuple[Api, Api, dict[str, Any]], server: Server) -> None:
    first, second, mine = released
    (row,) = await kept(api)
    assert (row["ipaddress"], row["previousownername"]) == (mine["ipaddress"], "first")
    started, ends = (datetime.fromisoformat(row[name]) for name in ("created", "enddate"))
    assert ends - started == timedelta(minutes=10)
    net = await network(second)
    status, text = await refused(second, "associateIpAddress", networkid=net, ipaddress=mine["ipaddress"])
    assert (status, "quarantine" in text) == (431, True)
    for _ in range(3):
        assert (await acquire(second, net))["ipaddress"] != mine["ipaddress"], "nor does anybody get it by chance"
    assert mine["id"] not in {row["id"] for row in await free(second)}
    assert mine["id"] in {row["id"] for row in await free(first)}
    again = await acquire(first, await network(first), ipaddress=mine["ipaddress"])
    assert again["id"] == mine["id"]
    assert await kept(api) == [], "who had it has it again"
    assert len(await kept(api, showinactive=True)) == 1
    await check(server)


async def free(api: Api) -> list[dict[str, Any]]:
    return (await api.call("listPublicIpAddresses", state="Free"))["publicipaddress"]


async def test_an_admin_ends_it(api: Api, released: tuple[Api, Api, dict[str, Any]], server: Server) -> None:
    _, second, mine = released
    (row,) = await kept(api)
    assert (await refused(api, "removeQuarantinedIp", id=row["id"]))[0] == 431, "it takes a reason"
    gone = (await api.call("removeQuarantinedIp", ipaddress=mine["ipaddress"], removalreason="needed"))[
        "quarantinedips"
    ]
    assert (gone["id"], gone["removalreason"]) == (row["id"], "needed")
    assert {"removed", "removeraccountid"} <= set(gone)
    assert await kept(api) == []
    assert len(await kept(api, showremoved=True)) == 1
    assert (await acquire(second, await network(second), ipaddress=mine["ipaddress"]))["id"] == mine["id"]
    await check(server)


async def test_it_takes_another_end(api: Api, released: tuple[Api, Api, dict[str, Any]], server: Server) -> None:
    _, second, mine = released
    (row,) = await kept(api, keyword=mine["ipaddress"])
    later = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%S+0000")
    assert (await api.call("updateQuarantinedIp", id=row["id"], enddate=later))["quarantinedips"]["enddate"] == later
    for broken in (
        {"id": row["id"], "enddate": "2020-01-01"},
        {"enddate": later},
        {"id": row["id"]},
        {"ipaddress": "9.9.9.9", "enddate": later},
        {"id": "11111111-2222-3333-4444-555555555555", "enddate": later},
    ):
        assert (await refused(api, "updateQuarantinedIp", **broken))[0] == 431, broken
    # over: anybody may have it
    await server.db.write(lambda tx: tx._change("UPDATE quarantined_ip SET ends = 1", []))
    assert await kept(api) == []
    assert (await refused(api, "updateQuarantinedIp", id=row["id"], enddate=later))[0] == 431
    assert (await acquire(second, await network(second), ipaddress=mine["ipaddress"]))["id"] == mine["id"]
    await check(server)


async def test_who_sees_it(api: Api, http: aiohttp.ClientSession, server: Server) -> None:
    top, other = await domain(api, "top"), await domain(api, "other")
    # the setting of a domain goes before the global one
    await api.call("updateConfiguration", name=SETTING, value=10, domainid=top["id"])
    made = await account(api, "one", domainid=top["id"])
    owner = await keyed(api, http, made["user"][0]["id"])
    net = await network(owner)
    await acquire(owner, net)
    await owner.job("disassociateIpAddress", id=(await acquire(owner, net))["id"])
    assert len(await kept(api)) == 1
    assert (await refused(owner, "listQuarantinedIps"))[0] == 432, "a command for admins"
    role = (await api.call("createRole", name="keeper", type="DomainAdmin"))["role"]["id"]
    await api.call("createRolePermission", roleid=role, rule="*QuarantinedIp*", permission="allow")
    heads = [
        await person(api, http, f"head{number}", roleid=role, domainid=where["id"])
        for number, where in enumerate((top, other))
    ]
    (row,) = await kept(heads[0])
    assert await kept(heads[1]) == []
    given = {"id": row["id"], "removalreason": "x"}
    assert (await refused(heads[1], "removeQuarantinedIp", **given))[0] == 431
    assert (await refused(heads[1], "removeQuarantinedIp", ipaddress=row["ipaddress"], removalreason="x"))[0] == 431
    assert (await heads[0].call("removeQuarantinedIp", **given))["quarantinedips"]["id"] == row["id"]
    # elsewhere the setting is 0
    mine = await network(api)
    await acquire(api, mine)
    await api.job("disassociateIpAddress", id=(await acquire(api, mine))["id"])
    assert await rows(server, "SELECT count(*) FROM quarantined_ip") == [(1,)]
    await check(server)
