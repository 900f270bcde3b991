"""Settings with values of their own for a zone, cluster, storage pool, image store, account or domain; secrets."""

from __future__ import annotations

from typing import Any

import aiohttp
from apiclient import Api
from invariants import rows
from people import account, domain, keyed, person, refused

from cloudsim.server import Server


async def value(api: Api, name: str, **place: Any) -> str | None:
    (found,) = (await api.call("listConfigurations", name=name, **place))["configuration"]
    return found.get("value")


async def set_(api: Api, name: str, value: str, **place: Any) -> None:
    made = (await api.call("updateConfiguration", name=name, value=value, **place))["configuration"]
    assert made.get("value") == value


async def test_each_scope_has_values_of_its_own_and_keeps_them(
    api: Api, server: Server, http: aiohttp.ClientSession
) -> None:
    one = await account(api, "one")
    places = await api.places()
    scopes = {
        "zoneid": places["zoneid"],
        "clusterid": places["clusterid"],
        "storageid": (await api.call("listStoragePools"))["storagepool"][0]["id"],
        "imagestoreuuid": (await api.call("listImageStores"))["imagestore"][0]["id"],
        "accountid": one["id"],
        "domainid": (await domain(api, "below"))["id"],
    }
    name = "expunge.workers"
    plain = await value(api, name)
    for number, (parameter, uuid) in enumerate(scopes.items(), 50):
        await set_(api, name, str(number), **{parameter: uuid})
    assert await value(api, name) == plain
    await server.stop()
    again = Server(server.config)
    await again.start()
    try:
        other = Api(http, again.url, api.key, api.secret)
        for number, (parameter, uuid) in enumerate(scopes.items(), 50):
            assert await value(other, name, **{parameter: uuid}) == str(number), parameter
            reset = {"imagestoreid" if parameter == "imagestoreuuid" else parameter: uuid}
            await other.call("resetConfiguration", name=name, **reset)
        for parameter, uuid in scopes.items():
            assert await value(other, name, **{parameter: uuid}) == plain, parameter
        assert await rows(again, "SELECT count(*) FROM configuration WHERE name = 'expunge.workers'") == [(0,)]
        assert (await refused(other, "updateConfiguration", name=name, value="1", **places))[0] == 431
        assert (await refused(other, "updateConfiguration", name=name, value="1", imagestoreuuid=one["id"]))[0] == 431
    finally:
        await again.stop()


async def test_a_place_has_the_value_of_what_it_is_part_of(api: Api) -> None:
    places = await api.places()
    store = (await api.call("listImageStores"))["imagestore"][0]["id"]
    pool = (await api.call("listStoragePools"))["storagepool"][0]["id"]
    inside = ({"clusterid": places["clusterid"]}, {"storageid": pool}, {"imagestoreuuid": store})
    name = "expunge.workers"
    await set_(api, name, "7", zoneid=places["zoneid"])
    for place in inside:
        assert await value(api, name, **place) == "7"
    await set_(api, name, "8", storageid=pool)
    again = (await api.call("resetConfiguration", name=name, storageid=pool))["configuration"]
    assert again["value"] == "7"


async def test_domains_below_have_the_values_of_those_above_where_that_is_wanted(api: Api) -> None:
    above = await domain(api, "above")
    below = await domain(api, "below", above)
    lowest = await domain(api, "lowest", below)
    one = await account(api, "one", domainid=lowest["id"])
    name = "allow.user.create.projects"
    await set_(api, name, "false", domainid=above["id"])
    assert await value(api, name, domainid=lowest["id"]) == "true"
    await set_(api, "enable.domain.settings.for.child.domain", "true")
    assert await value(api, name, domainid=lowest["id"]) == "false"
    assert await value(api, name, accountid=one["id"]) == "true"
    await set_(api, "enable.account.settings.for.domain", "true")
    assert await value(api, name, accountid=one["id"]) == "false"
    await set_(api, name, "true", domainid=below["id"])
    assert await value(api, name, accountid=one["id"]) == "true"
    assert (await api.call("resetConfiguration", name=name, domainid=below["id"]))["configuration"]["value"] == "false"
    other = await domain(api, "other")
    await api.call("moveDomain", domainid=lowest["id"], parentdomainid=other["id"])
    assert await value(api, name, domainid=lowest["id"]) == "true"


async def test_values_of_places_rule_there_and_nowhere_else(api: Api, http: aiohttp.ClientSession) -> None:
    """Zone and cluster: how much of a host is given away. Storage pool: how full it gets."""
    clusters = (await api.call("listClusters"))["cluster"]
    zone = clusters[0]["zoneid"]
    await set_(api, "mem.overprovisioning.factor", "2.0", clusterid=clusters[0]["id"])
    await set_(api, "cpu.overprovisioning.factor", "3.0", zoneid=zone)
    found = {row["id"]: row for row in (await api.call("listClusters"))["cluster"]}
    assert found[clusters[0]["id"]]["memoryovercommitratio"] == "2.0"
    assert found[clusters[1]["id"]]["memoryovercommitratio"] == "1.0"
    # nothing is placed in a cluster that is full by its own threshold
    await set_(api, "cluster.memory.allocated.capacity.disablethreshold", "0.0", clusterid=clusters[0]["id"])
    homes = {(await api.deploy())["hostid"] for _ in range(4)}
    hosts = (await api.call("listHosts", type="Routing"))["host"]
    assert {row["clusterid"] for row in hosts if row["id"] in homes} == {clusters[1]["id"]}
    await set_(api, "cluster.memory.allocated.capacity.disablethreshold", "0.0", zoneid=zone)
    assert (await refused(api, "deployVirtualMachine", **await api.basics()))[0] == 533
    await api.call("resetConfiguration", name="cluster.memory.allocated.capacity.disablethreshold", zoneid=zone)
    pools = (await api.call("listStoragePools"))["storagepool"]
    await set_(api, "pool.storage.allocated.capacity.disablethreshold", "0.0", storageid=pools[0]["id"])
    for _ in range(3):
        machine = await api.deploy()
        (root,) = (await api.call("listVolumes", virtualmachineid=machine["id"]))["volume"]
        assert root["storageid"] == pools[1]["id"]
    await set_(api, "storage.overprovisioning.factor", "4.0", storageid=pools[0]["id"])
    factors = {row["id"]: row["overprovisionfactor"] for row in (await api.call("listStoragePools"))["storagepool"]}
    assert factors == {pools[0]["id"]: "4.0", pools[1]["id"]: "2"}


async def test_a_threshold_of_an_image_store(api: Api, server: Server) -> None:
    (first,) = (await api.call("listImageStores"))["imagestore"]
    second = await api.call("addImageStore", provider="NFS", url="nfs://s/two", zoneid=first["zoneid"])
    third = await api.call("addImageStore", provider="NFS", url="nfs://s/three", zoneid=first["zoneid"])
    await set_(api, "secondary.storage.capacity.threshold", "0.0000001", imagestoreuuid=second["imagestore"]["id"])
    for one in (second, third):
        await api.call("updateImageStore", id=one["imagestore"]["id"], capacitybytes=2**40)
    await api.call("deleteImageStore", id=first["id"])
    found = await rows(server, "SELECT s.url FROM template_zone p JOIN image_store s ON p.store_id = s.id ORDER BY 1")
    assert found == [("nfs://s/three",), ("nfs://s/two",)]


async def test_values_of_accounts_and_domains_rule(api: Api, http: aiohttp.ClientSession) -> None:
    """Domain: how passwords must be. Account: who may call from where."""
    below = await domain(api, "below")
    one = await account(api, "one", domainid=below["id"])
    caller = await keyed(api, http, one["user"][0]["id"])
    await set_(api, "password.policy.minimum.length", "30", domainid=below["id"])
    person_ = {"email": "a@example.com", "firstname": "A", "lastname": "B", "password": "Short1.", "accounttype": 0}
    assert (await refused(api, "createAccount", username="two", domainid=below["id"], **person_))[0] == 431
    await api.call("createAccount", "POST", username="two", **person_)
    other = await person(api, http, "other")
    await set_(api, "api.source.cidr.checks.enabled", "true")
    await set_(api, "api.allowed.source.cidr.list", "10.0.0.0/8", accountid=one["id"])
    assert (await refused(caller, "listZones"))[0] == 401
    await other.call("listZones")
    await api.call("resetConfiguration", name="api.allowed.source.cidr.list", accountid=one["id"])
    await set_(api, "api.allowed.source.cidr.list", "10.0.0.0/8", domainid=below["id"])
    assert (await refused(caller, "listZones"))[0] == 401
    await other.call("listZones")


async def test_secrets_are_sealed_and_told_to_nobody(api: Api, server: Server, http: aiohttp.ClientSession) -> None:
    name = "alert.smtp.password"
    made = (await api.call("updateConfiguration", name=name, value="very secret"))["configuration"]
    assert "value" not in made
    (listed,) = (await api.call("listConfigurations", name=name))["configuration"]
    assert "value" not in listed
    assert not [row for row in (await api.call("listEvents"))["event"] if "very secret" in row["description"]]
    ((stored,),) = await rows(server, f"SELECT value FROM configuration WHERE name = '{name}'")
    assert "very secret" not in stored
    assert server.cloud.settings.text(name) == "very secret"
    # what an older version left as it was is sealed with the next start
    await server.db.write(lambda tx: tx._change("UPDATE configuration SET value = 'plain'", []))
    await server.stop()
    again = Server(server.config)
    await again.start()
    try:
        assert again.cloud.settings.text(name) == "plain"
        ((stored,),) = await rows(again, f"SELECT value FROM configuration WHERE name = '{name}'")
        assert again.cloud.cipher.open(stored.removeprefix("sealed:")) == "plain"
        await Api(http, again.url, api.key, api.secret).call("resetConfiguration", name=name)
        assert again.cloud.settings.text(name) == ""
    finally:
        await again.stop()


async def test_groups_of_settings(api: Api) -> None:
    found = (await api.call("listConfigurationGroups"))["configurationgroup"]
    assert [row["precedence"] for row in found] == list(range(1, 11))
    assert found[0] == {"name": "Access", "precedence": 1, "subgroup": found[0]["subgroup"]}
    assert found[0]["subgroup"][:2] == [{"name": "Account", "precedence": 1}, {"name": "Domain", "precedence": 2}]
    (one,) = (await api.call("listConfigurationGroups", group="storage"))["configurationgroup"]
    for sub in one["subgroup"]:
        assert await api.call("listConfigurations", group="Storage", subgroup=sub["name"]) != {}
