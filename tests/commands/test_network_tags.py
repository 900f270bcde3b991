"""Tags of network offerings and of physical networks: which one a network goes to."""

from __future__ import annotations

from typing import Any

from apiclient import Api
from people import refused


async def physical(api: Api, zoneid: str, name: str, vlan: str, tags: str | None, *traffic: str) -> str:
    given = {"zoneid": zoneid, "name": name, "vlan": vlan, "tags": tags}
    made = (await api.job("createPhysicalNetwork", **given))["physicalnetwork"]["id"]
    for one in traffic:
        await api.job("addTrafficType", physicalnetworkid=made, traffictype=one)
    await api.job("updatePhysicalNetwork", id=made, state="Enabled")
    return str(made)


async def offering(api: Api, name: str, tags: str | None = None) -> str:
    given: dict[str, Any] = {"name": name, "displaytext": name, "guestiptype": "L2", "traffictype": "Guest"}
    made = await api.call("createNetworkOffering", **given, tags=tags, enable=True)
    return str(made["networkoffering"]["id"])


async def network(api: Api, zoneid: str, offered: str) -> dict[str, Any]:
    return (await api.call("createNetwork", zoneid=zoneid, networkofferingid=offered, name="n"))["network"]


async def test_tags_say_which_physical_network(api: Api) -> None:
    zone = (await api.call("createZone", name="z", networktype="Advanced", dns1="9.9.9.9", internaldns1="9.9.9.9"))[
        "zone"
    ]
    plain, fast = await offering(api, "plain"), await offering(api, "fast", "fast")
    assert (await refused(api, "createNetwork", zoneid=zone["id"], networkofferingid=plain, name="n"))[0] == 431
    await physical(api, zone["id"], "outside", "100-109", None, "Public")
    only = await physical(api, zone["id"], "slow", "200-209", None, "Guest")
    # one that carries no guests does not count, and the only one that does is taken whatever its tags
    for offered in (plain, fast):
        assert (await network(api, zone["id"], offered))["physicalnetworkid"] == only
    second = await physical(api, zone["id"], "quick", "300-309", "fast", "Guest")
    assert (await network(api, zone["id"], fast))["physicalnetworkid"] == second
    status, text = await refused(api, "createNetwork", zoneid=zone["id"], networkofferingid=plain, name="n")
    assert (status, "tags" in text) == (431, True)
    other = await offering(api, "other", "green")
    status, text = await refused(api, "createNetwork", zoneid=zone["id"], networkofferingid=other, name="n")
    assert (status, "green" in text) == (431, True)
    assert (await api.call("listNetworks", zoneid=zone["id"]))["count"] == 3
