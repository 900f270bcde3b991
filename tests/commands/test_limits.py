"""Resource limits: what they are, what they stop, also when many ask at once; counts against what is there."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import Any

import aiohttp
from apiclient import Api, Refused
from people import account, domain, keyed, person, refused

from cloudsim.server import Server


async def limits(api: Api, **given: Any) -> dict[str, int]:
    found = (await api.call("listResourceLimits", **given))["resourcelimit"]
    return {row["resourcetypename"]: row["max"] for row in found}


async def counts(api: Api, **given: Any) -> dict[str, int]:
    found = (await api.call("updateResourceCount", **given))["resourcecount"]
    return {row["resourcetypename"]: row["resourcecount"] for row in found}


async def test_limits_of_accounts_domains_and_projects(api: Api, http: aiohttp.ClientSession) -> None:
    top = await domain(api, "top")
    made = await account(api, "one", domainid=top["id"])
    caller = await keyed(api, http, made["user"][0]["id"])
    own = await limits(caller)
    assert len(own) == 17
    assert (own["user_vm"], own["cpu"], own["memory"], own["primary_storage"], own["project"]) == (
        20,
        40,
        40960,
        200,
        10,
    )
    assert set((await limits(api)).values()) == {-1}
    assert (await limits(api, domainid=top["id"]))["user_vm"] == -1
    assert (await limits(api, domainid=top["id"], resourcetype=5)) == {"project": 50}
    assert (await limits(caller, resourcetypename="volume")) == {"volume": 20}
    where = {"account": "one", "domainid": top["id"]}
    await api.call("updateResourceLimit", **where, resourcetype=0, max=1)
    assert (await limits(api, **where, resourcetype=0)) == {"user_vm": 1}
    await api.call("updateConfiguration", name="max.account.volumes", value="7")
    assert (await limits(caller))["volume"] == 7
    (row,) = (await caller.call("listAccounts"))["account"]
    assert (row["vmlimit"], row["vmtotal"], row["vmavailable"], row["volumelimit"]) == ("1", 0, "1", "7")
    machine = await caller.deploy()
    assert (await refused(caller, "deployVirtualMachine", **await caller.basics()))[0] == 535
    assert (await caller.call("listVirtualMachines"))["count"] == 1
    (row,) = (await caller.call("listAccounts"))["account"]
    assert (row["vmtotal"], row["vmavailable"], row["cputotal"], row["memorytotal"], row["volumetotal"]) == (
        1,
        "0",
        1,
        512,
        1,
    )
    assert (row["networktotal"], row["iptotal"], row["primarystoragetotal"]) == (1, 1, 2)
    # what is destroyed does not count; to have it again, it must fit
    await caller.job("destroyVirtualMachine", id=machine["id"])
    second = await caller.deploy()
    assert (await refused(api, "recoverVirtualMachine", id=machine["id"]))[0] == 535
    await api.call("updateResourceLimit", **where, resourcetype=0, max=2)
    await api.call("recoverVirtualMachine", id=machine["id"])
    assert (await counts(api, **where))["user_vm"] == 2
    for given in (
        {"resourcetype": 0, "max": 1},
        {"resourcetype": 0, "max": -2},
        {"resourcetype": 99, "max": 1},
        {"resourcetype": 0, "max": 5, "tag": "no-such"},
    ):
        assert (await refused(api, "updateResourceLimit", **where, **given))[0] == 431, given
    root = (await api.call("listDomains", level=0))["domain"][0]["id"]
    assert (await refused(api, "updateResourceLimit", account="admin", domainid=root, resourcetype=0, max=5))[0] == 431
    assert second["id"]


async def test_a_domain_limits_all_below(api: Api, http: aiohttp.ClientSession) -> None:
    top = await domain(api, "top")
    below = await domain(api, "below", top)
    one, two = [await person(api, http, name, domainid=below["id"]) for name in ("one", "two")]
    head = await person(api, http, "head", 2, domainid=top["id"])
    await api.call("updateResourceLimit", domainid=top["id"], resourcetype=0, max=2)
    # a domain below has no more than the one above
    assert (await limits(api, domainid=below["id"], resourcetype=0)) == {"user_vm": 2}
    assert (await refused(api, "updateResourceLimit", domainid=below["id"], resourcetype=0, max=3))[0] == 431
    await one.deploy()
    await two.deploy()
    status, text = await refused(one, "deployVirtualMachine", **await one.basics())
    assert (status, "domain" in text) == (535, True)
    (row,) = (await api.call("listDomains", id=top["id"]))["domain"]
    assert (row["vmlimit"], row["vmtotal"], row["vmavailable"]) == ("2", 2, "0")
    assert (await counts(api, domainid=top["id"], resourcetype=0)) == {"user_vm": 2}
    # admins of a domain set what is below them, not their own
    await head.call("updateResourceLimit", account="one", domainid=below["id"], resourcetype=0, max=5)
    await head.call("updateResourceLimit", domainid=below["id"], resourcetype=2, max=50)
    assert (await refused(head, "updateResourceLimit", domainid=top["id"], resourcetype=0, max=50))[0] == 531
    assert (await refused(head, "updateResourceLimit", account="head", domainid=top["id"], resourcetype=0, max=50))[
        0
    ] == 531
    assert (await refused(one, "updateResourceLimit", resourcetype=0, max=50))[0] == 432
    # moving what is in a domain below another limit
    side = await domain(api, "side")
    await api.call("updateResourceLimit", domainid=side["id"], resourcetype=0, max=1)
    status, text = await refused(api, "moveDomain", domainid=below["id"], parentdomainid=side["id"])
    assert (status, "more of vm" in text) == (431, True)
    assert (await api.call("listDomains", id=below["id"]))["domain"][0]["path"] == "ROOT/top/below"


async def test_every_kind_stops_at_its_limit(api: Api, http: aiohttp.ClientSession) -> None:
    made = await account(api, "one")
    caller = await keyed(api, http, made["user"][0]["id"])
    where = {"account": "one", "domainid": made["domainid"]}
    basics = await caller.basics()
    for kind, most in ((8, 0), (9, 511), (2, 0), (10, 1), (6, 0)):
        await api.call("updateResourceLimit", **where, resourcetype=kind, max=most)
        status, text = await refused(caller, "deployVirtualMachine", **basics)
        assert status == 535, (kind, text)
        await api.call("updateResourceLimit", **where, resourcetype=kind, max=-1)
    # the address is taken when the network is first used: the machine stays stopped
    await api.call("updateResourceLimit", **where, resourcetype=1, max=0)
    assert (await refused(caller, "deployVirtualMachine", **basics))[0] == 535
    await api.call("updateResourceLimit", **where, resourcetype=1, max=1)
    await caller.deploy()


async def test_only_what_runs_counts_where_it_is_set_so(api: Api, http: aiohttp.ClientSession) -> None:
    await api.call("updateConfiguration", name="resource.count.running.vms.only", value="true")
    made = await account(api, "one")
    caller = await keyed(api, http, made["user"][0]["id"])
    await api.call("updateResourceLimit", account="one", domainid=made["domainid"], resourcetype=8, max=1)
    first = await caller.deploy()
    second = await caller.deploy(startvm=False)
    assert (await refused(caller, "startVirtualMachine", id=second["id"]))[0] == 535
    await caller.job("stopVirtualMachine", id=first["id"])
    await caller.job("startVirtualMachine", id=second["id"])


async def test_tags_have_limits_of_their_own(api: Api, http: aiohttp.ClientSession) -> None:
    await api.call("updateConfiguration", name="resource.limit.host.tags", value="gold,silver")
    made = await account(api, "one")
    caller = await keyed(api, http, made["user"][0]["id"])
    where = {"account": "one", "domainid": made["domainid"]}
    offering = (
        await api.call(
            "createServiceOffering", name="g", displaytext="g", cpunumber=1, cpuspeed=100, memory=64, hosttags="gold"
        )
    )["serviceoffering"]["id"]
    for row in (await api.call("listHosts", type="Routing"))["host"]:
        await api.call("updateHost", id=row["id"], hosttags="gold")
    await api.call("updateResourceLimit", **where, resourcetype=0, tag="gold", max=1)
    await caller.deploy(serviceofferingid=offering)
    basics = {**await caller.basics(), "serviceofferingid": offering}
    status, text = await refused(caller, "deployVirtualMachine", **basics)
    assert (status, "gold" in text) == (535, True)
    await caller.deploy()
    assert (await counts(api, **where, resourcetype=0, tag="gold")) == {"user_vm": 1}
    (row,) = (await caller.call("listAccounts"))["account"]
    tagged = {(one["tag"], one["resourcetypename"]): (one["limit"], one["total"]) for one in row["taggedresources"]}
    assert tagged["gold", "user_vm"] == (1, 1)
    assert tagged["silver", "user_vm"] == (-1, 0)
    found = await api.call("listResourceLimits", **where, resourcetype=0, tag="gold")
    assert [(one["tag"], one["max"]) for one in found["resourcelimit"]] == [("gold", 1)]


async def test_200_at_once_at_a_limit_of_20(api: Api, http: aiohttp.ClientSession, server: Server) -> None:
    made = await account(api, "one")
    caller = await keyed(api, http, made["user"][0]["id"])
    basics = {**await caller.basics(), "startvm": False}

    async def one() -> int:
        try:
            await caller.job("deployVirtualMachine", **basics)
        except Refused as error:
            return int(error.code or 0)
        return 200

    outcomes = await asyncio.gather(*(one() for _ in range(200)))
    assert (outcomes.count(200), outcomes.count(535)) == (20, 180)
    assert (await caller.call("listVirtualMachines"))["count"] == 20
    with sqlite3.connect(server.config.data_dir / "cloudsim.db") as connection:
        assert connection.execute("SELECT count(*) FROM vm WHERE removed IS NULL").fetchone() == (20,)
        assert connection.execute("SELECT count(*), count(DISTINCT ip) FROM nic WHERE removed IS NULL").fetchone() == (
            20,
            20,
        )
        assert connection.execute("SELECT count(*) FROM volume WHERE removed IS NULL").fetchone() == (20,)


async def test_names_are_taken_once_by_200_at_once(api: Api) -> None:
    async def one(command: str, **given: Any) -> int:
        status, _ = await api.raw(command, "POST", **given)
        return status

    top = await domain(api, "top")
    outcomes = await asyncio.gather(*(one("createDomain", name="same", parentdomainid=top["id"]) for _ in range(200)))
    assert (outcomes.count(200), outcomes.count(431)) == (1, 199)
    outcomes = await asyncio.gather(*(one("createRole", name="same", type="User") for _ in range(200)))
    assert (outcomes.count(200), outcomes.count(431)) == (1, 199)
    outcomes = await asyncio.gather(*(one("createProject", name="same") for _ in range(200)))
    assert (outcomes.count(200), outcomes.count(431)) == (1, 199)
