"""Settings, capabilities, events, keys and changing a machine, over the wire."""

from __future__ import annotations

import base64

import aiohttp
import pytest
from apiclient import Api, Refused, admin_keys
from invariants import check
from people import domain, person, refused

from cloudsim.server import Server


async def test_a_setting_holds_at_once_and_after_a_restart(
    api: Api, server: Server, http: aiohttp.ClientSession
) -> None:
    (before,) = (await api.call("listConfigurations", name="default.page.size"))["configuration"]
    assert before["value"] == before["defaultvalue"] == "500"
    made = (await api.call("updateConfiguration", name="default.page.size", value="3"))["configuration"]
    assert made["value"] == "3"
    assert len((await api.call("listOsTypes"))["ostype"]) == 3
    await server.stop()
    again = Server(server.config)
    await again.start()
    try:
        other = Api(http, again.url, *admin_keys(again.config.data_dir))
        assert len((await other.call("listOsTypes"))["ostype"]) == 3
        await other.call("resetConfiguration", name="default.page.size")
        assert len((await other.call("listOsTypes"))["ostype"]) > 3
    finally:
        await again.stop()


async def test_a_setting_of_a_zone_leaves_the_others_alone(api: Api) -> None:
    zone = (await api.call("listZones"))["zone"][0]["id"]
    await api.call("updateConfiguration", name="use.external.dns", value="true", zoneid=zone)
    (there,) = (await api.call("listConfigurations", name="use.external.dns", zoneid=zone))["configuration"]
    (everywhere,) = (await api.call("listConfigurations", name="use.external.dns"))["configuration"]
    assert (there["value"], everywhere["value"]) == ("true", "false")


async def test_all_settings_are_listed(api: Api) -> None:
    assert (await api.call("listConfigurations"))["count"] == 891


@pytest.mark.parametrize(
    ("name", "value"), [("expunge.delay", "soon"), ("no.such.setting", "1"), ("allow.user.create.projects", "perhaps")]
)
async def test_a_setting_that_cannot_be(api: Api, name: str, value: str) -> None:
    with pytest.raises(Refused) as caught:
        await api.call("updateConfiguration", name=name, value=value)
    assert caught.value.status == 431


async def test_capabilities_follow_the_settings(api: Api) -> None:
    assert (await api.call("listCapabilities"))["capability"]["allowuserviewdestroyedvm"] is False
    await api.call("updateConfiguration", name="allow.user.view.destroyed.vm", value="true")
    assert (await api.call("listCapabilities"))["capability"]["allowuserviewdestroyedvm"] is True


async def test_the_events_of_an_operation_belong_together(api: Api) -> None:
    machine = await api.deploy(name="told")
    events = (await api.call("listEvents", resourceid=machine["id"], type="VM.CREATE"))["event"]
    assert {event["state"] for event in events} >= {"Scheduled", "Started", "Completed"}
    assert {event["resourcename"] for event in events} == {"told"}
    first = next(event for event in events if event["state"] == "Scheduled")
    assert all(event["parentid"] == first["id"] for event in events if event is not first)
    assert (await api.call("listEvents", startid=first["id"]))["count"] == len(events)
    await api.call("archiveEvents", ids=first["id"])
    assert (await api.call("listEvents", startid=first["id"]))["count"] == len(events) - 1
    assert (await api.call("listEvents", archived=True))["count"] == 1
    await api.call("deleteEvents", ids=first["id"])
    assert await api.call("listEvents", archived=True) == {}
    with pytest.raises(Refused):
        await api.call("deleteEvents")


async def test_new_keys_take_the_place_of_the_old(api: Api, http: aiohttp.ClientSession) -> None:
    (user,) = (await api.call("listUsers", username="admin"))["user"]
    keys = (await api.call("getUserKeys", id=user["id"]))["userkeys"]
    assert (keys["apikey"], keys["secretkey"]) == (api.key, api.secret)
    new = (await api.call("registerUserKeys", id=user["id"]))["userkeys"]
    with pytest.raises(Refused) as caught:
        await api.call("listZones")
    assert caught.value.status == 401
    other = Api(http, api.endpoint, new["apikey"], new["secretkey"])
    assert (await other.call("listZones"))["count"] == 1


async def test_key_pairs(api: Api) -> None:
    pair = (await api.call("createSSHKeyPair", name="mine"))["keypair"]
    assert "PRIVATE KEY" in pair["privatekey"]
    machine = await api.deploy(keypair="mine")
    assert machine["keypairs"] == "mine"
    with pytest.raises(Refused):
        await api.call("createSSHKeyPair", name="mine")
    with pytest.raises(Refused):
        await api.call("registerSSHKeyPair", name="bad", publickey="ssh-rsa nonsense")
    assert await api.call("deleteSSHKeyPair", name="mine") == {"success": True}
    assert await api.call("listSSHKeyPairs") == {}


async def test_a_machine_is_changed(api: Api) -> None:
    data = base64.b64encode(b"#cloud-config").decode()
    machine = await api.deploy(name="one")
    other = await api.deploy(name="two")
    changed = await api.call("updateVirtualMachine", id=machine["id"], displayname="shown", group="g", userdata=data)
    assert changed["virtualmachine"]["displayname"] == "shown"
    assert changed["virtualmachine"]["group"] == "g"
    told = (await api.call("getVirtualMachineUserData", virtualmachineid=machine["id"]))["virtualmachineuserdata"]
    assert told == {"virtualmachineid": machine["id"], "userdata": data}
    for given in (
        {"name": "two"},
        {"name": "-no"},
        {"userdata": "%%%"},
        {"details[0].a": "b"},
        {"securitygroupids": "x"},
    ):
        with pytest.raises(Refused) as caught:
            await api.call("updateVirtualMachine", id=machine["id"], **given)
        assert caught.value.status == 431
    await api.call("updateVirtualMachine", id=other["id"], deleteprotection=True)
    with pytest.raises(Refused):
        await api.job("destroyVirtualMachine", id=other["id"])


@pytest.mark.parametrize("given", [{"customid": "11111111-1111-4111-8111-111111111111"}, {"instancename": "other-1"}])
async def test_what_a_host_knows_a_machine_by_changes_only_while_it_is_stopped(
    api: Api, server: Server, given: dict[str, str]
) -> None:
    machine = await api.deploy()
    with pytest.raises(Refused) as caught:
        await api.call("updateVirtualMachine", id=machine["id"], **given)
    assert caught.value.status == 431
    await api.job("stopVirtualMachine", id=machine["id"])
    changed = (await api.call("updateVirtualMachine", id=machine["id"], **given))["virtualmachine"]
    assert set(given.values()) <= {changed["id"], changed["instancename"]}
    await api.job("startVirtualMachine", id=changed["id"])
    await check(server)
    await api.job("destroyVirtualMachine", id=changed["id"], expunge=True)
    await check(server)


async def test_an_admin_of_a_domain_has_to_do_with_its_settings_only(api: Api, http: aiohttp.ClientSession) -> None:
    top = await domain(api, "top")
    side = await domain(api, "side")
    head = await person(api, http, "head", 2, domainid=top["id"])
    name = "allow.public.user.templates"
    made = (await head.call("updateConfiguration", name=name, value="false"))["configuration"]
    assert made["value"] == "false"
    (everywhere,) = (await api.call("listConfigurations", name=name))["configuration"]
    (there,) = (await api.call("listConfigurations", name=name, domainid=top["id"]))["configuration"]
    (own,) = (await head.call("listConfigurations", name=name))["configuration"]
    assert (everywhere["value"], there["value"], own["value"]) == ("true", "false", "false")
    zone = (await api.places())["zoneid"]
    assert (await refused(head, "updateConfiguration", name=name, value="false", zoneid=zone))[0] == 531
    assert (await refused(head, "listConfigurations", zoneid=zone))[0] == 531
    assert (await refused(head, "updateConfiguration", name=name, value="false", domainid=side["id"]))[0] == 431
