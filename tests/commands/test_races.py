"""Many at once: what can be taken once is taken once, limits hold to the last place, and nothing is used that is gone.

Counted afterwards in the database, and at the simulated hosts by `invariants.check`.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import aiohttp
import pytest
from apiclient import Api, Refused
from invariants import check, rows
from people import PERSON, account, domain, keyed

from cloudsim.server import Server
from cloudsim.services import passwords

MANY = 200
KEY = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQC7 me"


async def outcome(api: Api, command: str, **given: Any) -> int:
    """200, or the error's code: of the call or of its job."""
    try:
        answer = await api.call(command, "POST", **given)
        if "jobid" in answer:
            while not (ended := await api.call("queryAsyncJobResult", jobid=answer["jobid"]))["jobstatus"]:
                await asyncio.sleep(0.3)  # hundreds wait
            return int(ended["jobresultcode"] or 200)
    except Refused as error:
        return error.status
    return 200


async def at_once(*calls: Any) -> Counter[int]:
    """How many of the calls ended with each code."""
    return Counter(await asyncio.gather(*calls))


async def one(server: Server, sql: str) -> Any:
    """The only value of a query."""
    ((value,),) = await rows(server, sql)
    return value


async def isolated(api: Api, name: str = "DefaultIsolatedNetworkOfferingWithSourceNatService") -> dict[str, Any]:
    offering = (await api.call("listNetworkOfferings", name=name))["networkoffering"][0]["id"]
    return {"networkofferingid": offering, "zoneid": (await api.places())["zoneid"]}


# -- what there is little of


async def test_guest_addresses(api: Api, server: Server) -> None:
    given = {**await isolated(api), "name": "small", "gateway": "10.9.9.1", "netmask": "255.255.255.248"}
    network = (await api.call("createNetwork", **given))["network"]["id"]
    machine = {**await api.basics(), "networkids": network, "startvm": False}
    found = await at_once(*(outcome(api, "deployVirtualMachine", **machine) for _ in range(MANY)))
    assert found == {200: 5, 533: MANY - 5}
    ips = await rows(server, "SELECT ip FROM nic WHERE removed IS NULL ORDER BY ip")
    assert [ip for (ip,) in ips] == [f"10.9.9.{number}" for number in range(2, 7)]
    assert await one(server, "SELECT count(*) FROM vm WHERE removed IS NULL") == 5
    assert await one(server, "SELECT count(*) FROM volume WHERE removed IS NULL") == 5
    await check(server)


async def persistent(api: Api) -> dict[str, Any]:
    """How a network is asked for that takes its VLAN and its public address at once."""
    services = ("Dhcp", "Dns", "SourceNat")
    given: dict[str, Any] = {"guestiptype": "Isolated", "traffictype": "GUEST", "supportedservices": ",".join(services)}
    for number, service in enumerate(services):
        given[f"serviceproviderlist[{number}].service"] = service
        given[f"serviceproviderlist[{number}].provider"] = "VirtualRouter"
    more = {"name": "at once", "displaytext": "at once", "ispersistent": True, "enable": True}
    made = (await api.call("createNetworkOffering", "POST", **given, **more))["networkoffering"]
    return {**await isolated(api), "networkofferingid": made["id"], "name": "net"}


async def test_vlans(api: Api, server: Server) -> None:
    (wire,) = (await api.call("listPhysicalNetworks"))["physicalnetwork"]
    await api.job("updatePhysicalNetwork", id=wire["id"], vlan="100-102")
    given = await persistent(api)
    found = await at_once(*(outcome(api, "createNetwork", **given) for _ in range(MANY)))
    assert found == {200: 3, 533: MANY - 3}
    used = await rows(server, "SELECT vlan FROM vnet WHERE network_id IS NOT NULL ORDER BY vlan")
    assert [vlan for (vlan,) in used] == [100, 101, 102]
    there = await rows(server, "SELECT vlan FROM network WHERE removed IS NULL AND name = 'net' ORDER BY vlan")
    assert there == used
    await check(server)


async def test_public_addresses(api: Api, server: Server) -> None:
    keep = "(SELECT id FROM public_ip WHERE state = 'Free' ORDER BY id LIMIT 3)"
    sql = f"UPDATE public_ip SET state = 'Reserved' WHERE state = 'Free' AND id NOT IN {keep}"
    await server.db.write(lambda tx: tx._change(sql, []))
    given = await persistent(api)
    found = await at_once(*(outcome(api, "createNetwork", **given) for _ in range(MANY)))
    assert found == {200: 3, 533: MANY - 3}
    assert await one(server, "SELECT count(*) FROM public_ip WHERE state = 'Free'") == 0
    assert await one(server, "SELECT count(DISTINCT network_id) FROM public_ip WHERE source_nat") == 3
    assert await one(server, "SELECT count(*) FROM network WHERE removed IS NULL AND name = 'net'") == 3
    await check(server)


async def test_addresses_acquired(api: Api, server: Server) -> None:
    keep = "(SELECT id FROM public_ip WHERE state = 'Free' ORDER BY id LIMIT 50)"
    sql = f"UPDATE public_ip SET state = 'Reserved' WHERE state = 'Free' AND id NOT IN {keep}"
    await server.db.write(lambda tx: tx._change(sql, []))
    network = (await api.call("createNetwork", name="mine", **await isolated(api)))["network"]["id"]
    found = await at_once(*(outcome(api, "associateIpAddress", networkid=network) for _ in range(MANY)))
    assert found == {200: 50, 533: MANY - 50}
    assert await one(server, "SELECT count(*) FROM public_ip WHERE state = 'Allocated' AND NOT is_system") == 50
    assert await one(server, "SELECT count(*) FROM public_ip WHERE source_nat") == 1
    assert await one(server, "SELECT count(*) FROM public_ip WHERE state = 'Free'") == 0
    await check(server)


async def test_an_address_is_one_machines(api: Api, server: Server) -> None:
    machines = [await api.deploy() for _ in range(3)]
    network = machines[0]["nic"][0]["networkid"]
    mine = (await api.job("associateIpAddress", networkid=network))["ipaddress"]["id"]
    given = [{"ipaddressid": mine, "virtualmachineid": machine["id"]} for machine in machines]
    found = await at_once(*(outcome(api, "enableStaticNat", **given[number % 3]) for number in range(MANY)))
    assert set(found) == {200, 537}
    assert await one(server, "SELECT count(*) FROM public_ip WHERE static_nat") == 1
    # released while others use it: nothing is left of what they did
    using = [outcome(api, "enableStaticNat", **given[number % 3]) for number in range(MANY - 1)]
    using.insert(60, outcome(api, "disassociateIpAddress", id=mine))
    found = await at_once(*using)
    assert set(found) <= {200, 431, 537}
    assert await one(server, "SELECT count(*) FROM public_ip WHERE static_nat OR vm_id IS NOT NULL") == 0
    await check(server)


# -- limits

#: number of the kind, its table, and how one is asked for
LIMITED = [
    (0, "vm", "deployVirtualMachine"),
    (6, "network", "createNetwork"),
    (1, "public_ip", "associateIpAddress"),
    (2, "volume", "createVolume"),
    (10, "volume", "createVolume"),
]


async def asked_for(api: Api, command: str) -> dict[str, Any]:
    """What a command is called with, whoever calls it; a volume has 1 GiB."""
    if command == "createNetwork":
        return {"name": "same", **await isolated(api)}
    if command == "createVolume":
        (custom,) = (await api.call("listDiskOfferings", name="Custom"))["diskoffering"]
        zone = (await api.places())["zoneid"]
        return {"name": "same", "zoneid": zone, "diskofferingid": custom["id"], "size": 1}
    return {**await api.basics(), "startvm": False} if command == "deployVirtualMachine" else {}


@pytest.mark.parametrize("level", ["account", "domain", "project"])
@pytest.mark.parametrize(
    ("kind", "table", "command"), LIMITED, ids=[f"{command}-{kind}" for kind, _, command in LIMITED]
)
async def test_a_limit_of_20(
    kind: int, table: str, command: str, level: str, api: Api, http: aiohttp.ClientSession, server: Server
) -> None:
    top = await domain(api, "top")
    made = [await account(api, name, domainid=top["id"]) for name in ("first", "second")]
    callers = [await keyed(api, http, one["user"][0]["id"]) for one in made]
    given = await asked_for(api, command)
    where: dict[str, Any] = {"account": "first", "domainid": top["id"]}
    if level == "domain":
        where = {"domainid": top["id"]}
    if level == "project":
        project = (await callers[0].job("createProject", name="shared"))["project"]["id"]
        await callers[0].job("addAccountToProject", projectid=project, account="second")
        where = {"projectid": project}
        given["projectid"] = project
    others = [(6, -1), (0, -1), (8, -1), (9, -1), (2, -1), (10, -1), (kind, 20)]
    for other, most in others:
        await api.call("updateResourceLimit", resourcetype=other, max=most, **where)
    if level == "domain":
        for name in ("first", "second"):
            for other in (0, 2, 6, 8, 9, 10):
                await api.call("updateResourceLimit", resourcetype=other, max=-1, account=name, domainid=top["id"])
    who = callers[:1] if level == "account" else callers
    more: list[dict[str, Any]] = [{} for _ in who]
    if command == "associateIpAddress":  # each for a network of the caller's own
        net = {**await isolated(api), "name": "theirs", **given}
        more = [{"networkid": (await one.call("createNetwork", **net))["network"]["id"]} for one in who]
    found = await at_once(
        *(outcome(who[number % len(who)], command, **given, **more[number % len(who)]) for number in range(MANY))
    )
    assert found == {200: 20, 535: MANY - 20}
    below = f"domain_id = (SELECT id FROM domain WHERE uuid = '{top['id']}')"
    alone = "AND acl_type = 'Account'" if table == "network" else ""
    assert await one(server, f"SELECT count(*) FROM {table} WHERE removed IS NULL AND {below} {alone}") == 20
    await check(server)


# -- names


async def test_names(api: Api, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "hashed", lambda _: "*")  # hundreds of hashes take a minute
    top = await domain(api, "top")
    owner = await account(api, "owner", domainid=top["id"])
    own = {"account": "owner", "domainid": top["id"]}
    zone = {"dns1": "10.0.0.1", "internaldns1": "10.0.0.1", "networktype": "Advanced"}
    machine = {**await api.basics(), **own, "startvm": False}
    await api.call("updateResourceLimit", resourcetype=0, max=-1, **own)
    for command, given, table, column in (
        ("createAccount", {**PERSON, "accounttype": 0, "domainid": top["id"], "username": "same"}, "account", "name"),
        ("createUser", {**PERSON, **own, "username": "other"}, "user", "username"),
        ("createDomain", {"parentdomainid": top["id"]}, "domain", "name"),
        ("createProject", own, "project", "name"),
        ("createZone", zone, "zone", "name"),
        ("createRole", {"type": "User"}, "role", "name"),
        ("deployVirtualMachine", machine, "vm", "name"),
        ("createInstanceGroup", own, "instance_group", "name"),
        ("registerSSHKeyPair", {**own, "publickey": KEY}, "ssh_keypair", "name"),
    ):
        name = given.get("username", "same")
        found = await at_once(*(outcome(api, command, **{"name": "same", **given}) for _ in range(MANY)))
        assert found == {200: 1, 431: MANY - 1}, command
        there = f"SELECT count(*) FROM \"{table}\" WHERE removed IS NULL AND {column} = '{name}'"
        assert await one(server, there) == 1, command
    assert owner["id"]
    await check(server)


# -- what is deleted while others use it


async def test_user_data_goes_or_is_used(api: Api, server: Server) -> None:
    data = (await api.call("registerUserData", name="mine", userdata="VGVzdFVzZXJEYXRh"))["userdata"]["id"]
    given = {**await api.basics(), "startvm": False, "userdataid": data}
    using = [outcome(api, "deployVirtualMachine", **given) for _ in range(MANY - 1)]
    using.insert(60, outcome(api, "deleteUserData", id=data))
    await at_once(*using)
    stray = (
        "SELECT count(*) FROM vm v JOIN user_data d ON v.userdata_id = d.id"
        " WHERE v.removed IS NULL AND d.removed IS NOT NULL"
    )
    assert await one(server, stray) == 0
    await check(server)


async def test_a_network_goes_or_is_used(api: Api, server: Server) -> None:
    network = (await api.call("createNetwork", name="mine", **await isolated(api)))["network"]["id"]
    given = {**await api.basics(), "startvm": False, "networkids": network}
    using = [outcome(api, "deployVirtualMachine", **given) for _ in range(MANY - 1)]
    using.insert(60, outcome(api, "deleteNetwork", id=network))
    found = await at_once(*using)
    assert set(found) <= {200, 431, 530, 534, 536}
    stray = "SELECT count(*) FROM nic c JOIN network n ON c.network_id = n.id WHERE c.removed IS NULL AND n.removed > 0"
    assert await one(server, stray) == 0
    await check(server)


@pytest.mark.parametrize("what", ["account", "domain", "project"])
async def test_nothing_is_left_of_an_owner_that_went(
    what: str, api: Api, http: aiohttp.ClientSession, server: Server
) -> None:
    top = await domain(api, "top")
    owner = await account(api, "owner", domainid=top["id"])
    own: dict[str, Any] = {"account": "owner", "domainid": top["id"]}
    end: tuple[str, dict[str, Any]] = ("deleteAccount", {"id": owner["id"]})
    if what == "domain":
        end = ("deleteDomain", {"id": top["id"], "cleanup": True})
    if what == "project":
        project = (await api.job("createProject", name="shared", **own))["project"]["id"]
        own, end = {"projectid": project}, ("deleteProject", {"id": project, "cleanup": True})
    machine, net = {**await api.basics(), "startvm": False, **own}, {**await isolated(api), "name": "mine", **own}
    using = []
    for number in range(MANY - 1):
        using.append(
            outcome(api, "createInstanceGroup", name=f"g{number}", **own) if number % 3 == 0
            else outcome(api, "createNetwork", **net) if number % 3 == 1
            else outcome(api, "deployVirtualMachine", **machine)
        )  # fmt: skip
    using.insert(60, outcome(api, end[0], **end[1]))
    found = await at_once(*using)
    assert 500 not in found
    await check(server)
    gone = "(SELECT id FROM account WHERE removed IS NOT NULL)"
    for table in ("instance_group", "network", "vm", "volume"):
        left = f"SELECT count(*) FROM {table} WHERE removed IS NULL AND account_id IN {gone}"
        assert await one(server, left) == 0, table
    there = f"SELECT count(*) FROM account WHERE removed IS NULL AND uuid = '{owner['id']}'"
    assert await one(server, there) == (1 if what == "project" else 0)
