"""What the cloud is told to be made of: planners, protocols, isolation, options of details; small commands of admins."""

from __future__ import annotations

import base64
import hashlib
import hmac

import aiohttp
from apiclient import Api
from invariants import rows
from people import account, domain, keyed, person, refused, role

from cloudsim.server import Server


async def test_planners_and_words_of_networks(api: Api) -> None:
    planners = {row["name"] for row in (await api.call("listDeploymentPlanners"))["deploymentPlanner"]}
    assert {"FirstFitPlanner", "UserDispersingPlanner", "UserConcentratedPodPlanner"} <= planners
    first = (await api.call("listDeploymentPlanners", keyword="firstfit"))["deploymentPlanner"]
    assert first == [{"name": "FirstFitPlanner"}]
    methods = [row["name"] for row in (await api.call("listNetworkIsolationMethods"))["isolationmethod"]]
    assert methods[:2] == ["VLAN", "VXLAN"]
    protocols = {
        row["index"]: row
        for row in (await api.call("listNetworkProtocols", option="protocolnumber"))["networkprotocol"]
    }
    assert (protocols[6]["name"], protocols[17]["name"]) == ("TCP", "UDP")
    icmp = {row["index"]: row for row in (await api.call("listNetworkProtocols", option="ICMPTYPE"))["networkprotocol"]}
    assert icmp[3]["details"]["1"] == "Host unreachable"
    assert (await refused(api, "listNetworkProtocols", option="x"))[0] == 431
    (guest,) = (await api.call("listTrafficTypeImplementors", traffictype="guest"))["traffictypeimplementorresponse"]
    assert guest["traffictype"] == "Guest"
    assert (await api.call("listTrafficTypeImplementors"))["count"] == 5
    assert (await refused(api, "listTrafficTypeImplementors", traffictype="x"))[0] == 431


async def test_options_of_details(api: Api, http: aiohttp.ClientSession) -> None:
    every = await role(api, "every", "User", "*")
    one, other = [await person(api, http, name, roleid=every["id"]) for name in ("one", "other")]
    machine = await one.deploy(startvm=False)
    kvm = (await api.call("listDetailOptions", resourcetype="Template"))["detailoptions"]["details"]
    assert "virtio" in kvm["rootDiskController"]
    simulated = await one.call("listDetailOptions", resourcetype="VirtualMachine", resourceid=machine["id"])
    assert "us" in simulated["detailoptions"]["details"]["keyboard"]
    assert "rootDiskController" not in simulated["detailoptions"]["details"]
    assert "cpuOvercommitRatio" not in simulated["detailoptions"]["details"]
    assert (
        "cpuOvercommitRatio" in (await api.call("listDetailOptions", resourcetype="UserVm"))["detailoptions"]["details"]
    )
    assert (await refused(other, "listDetailOptions", resourcetype="UserVm", resourceid=machine["id"]))[0] == 431
    assert (await refused(one, "listDetailOptions", resourcetype="Shoe"))[0] == 431


async def test_a_user_is_found_by_the_key(api: Api, http: aiohttp.ClientSession) -> None:
    one = await person(api, http, "one")
    found = (await api.call("getUser", userapikey=one.key))["user"]
    assert (found["username"], "secretkey" in found) == ("one", False)
    assert (await refused(api, "getUser", userapikey="nobody's"))[0] == 431
    below = await domain(api, "below")
    chief = await role(api, "chief", "DomainAdmin", "*")
    admin = await person(api, http, "chief", 2, domainid=below["id"], roleid=chief["id"])
    assert (await refused(admin, "getUser", userapikey=one.key))[0] == 431
    assert (await admin.call("getUser", userapikey=admin.key))["user"]["username"] == "chief"


async def test_the_cloud_is_known_by_a_signed_identifier(api: Api, http: aiohttp.ClientSession) -> None:
    made = await account(api, "one")
    user = made["user"][0]["id"]
    assert (await refused(api, "getCloudIdentifier", userid=user))[0] == 431
    one, other = await keyed(api, http, user), await person(api, http, "other")
    told = (await one.call("getCloudIdentifier", userid=user))["cloudidentifier"]
    digest = hmac.digest(one.secret.encode(), told["cloudidentifier"].encode(), hashlib.sha1)
    assert told == {
        "userid": user,
        "cloudidentifier": told["cloudidentifier"],
        "signature": base64.b64encode(digest).decode(),
    }
    assert (await refused(other, "getCloudIdentifier", userid=user))[0] == 431


async def test_what_is_enabled_is_what_settings_and_parts_say(api: Api) -> None:
    mine = (await api.call("listAccounts", name="admin"))["account"][0]["id"]
    asked = {"id": mine}
    name = "allow.domain.admins.to.create.tagged.offerings"
    allowed = await api.call("isAccountAllowedToCreateOfferingsWithTags", **asked)
    assert allowed == {"isallowed": {"isallowed": False}}
    await api.call("updateConfiguration", name=name, value="true", accountid=mine)
    assert (await api.call("isAccountAllowedToCreateOfferingsWithTags", **asked)) == {"isallowed": {"isallowed": True}}
    assert (await api.call("quotaIsEnabled"))["isenabled"]["isenabled"] is False
    assert (await api.call("cloudianIsEnabled"))["cloudianisenabled"] == {"enabled": False}


async def test_domain_admins_give_tags_where_that_is_allowed(api: Api, http: aiohttp.ClientSession) -> None:
    below = await domain(api, "below")
    chief = await person(api, http, "chief", 2, domainid=below["id"])
    given = {"name": "d", "displaytext": "d", "disksize": 1, "domainid": below["id"]}
    size = {"name": "s", "displaytext": "s", "cpunumber": 1, "cpuspeed": 500, "memory": 256, "domainid": below["id"]}
    disk = (await chief.call("createDiskOffering", **given))["diskoffering"]["id"]
    service = (await chief.call("createServiceOffering", **size))["serviceoffering"]["id"]
    tagged = (
        ("createDiskOffering", {**given, "tags": "x"}),
        ("createServiceOffering", {**size, "hosttags": "x"}),
        ("createServiceOffering", {**size, "tags": "x"}),
        ("updateDiskOffering", {"id": disk, "tags": "x"}),
        ("updateServiceOffering", {"id": service, "hosttags": "x"}),
    )
    for command, wanted in tagged:
        assert (await refused(chief, command, **wanted))[0] == 431, command
    mine = (await api.call("listAccounts", name="chief", listall=True))["account"][0]["id"]
    name = "allow.domain.admins.to.create.tagged.offerings"
    await api.call("updateConfiguration", name=name, value="true", accountid=mine)
    for command, wanted in tagged:
        await chief.call(command, **wanted)


async def test_passwords_of_hosts_are_sealed(api: Api, server: Server) -> None:
    (host, *_), places = (await api.call("listHosts", type="Routing"))["host"], await api.places()
    given = {"username": "root", "password": "very secret"}
    await api.call("updateHostPassword", "POST", hostid=host["id"], **given)
    await api.call("updateHostPassword", "POST", clusterid=places["clusterid"], **given)
    for wrong in (
        {},
        {"hostid": host["id"], "clusterid": places["clusterid"]},
        {"hostid": host["id"], "username": " "},
    ):
        assert (await refused(api, "updateHostPassword", **{**given, **wrong}))[0] == 431, wrong
    assert (await refused(api, "updateHostPassword", hostid=host["id"], update_passwd_on_host=True, **given))[0] == 530
    stored = await rows(server, "SELECT value FROM detail WHERE resource_type = 'HostLogin' AND name = 'password'")
    assert len(stored) == 2
    assert {server.cloud.cipher.open(value) for (value,) in stored} == {"very secret"}
    assert "very secret" not in str(await api.call("listHosts")) + str(await api.call("listEvents"))


async def test_a_host_is_released(api: Api) -> None:
    host = (await api.call("listHosts", type="Routing"))["host"][0]["id"]
    assert (await api.job("releaseHostReservation", id=host))["success"] is True
    assert (await refused(api, "releaseHostReservation", id="x"))[0] == 431
