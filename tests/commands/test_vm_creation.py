"""Creating virtual machines: from what, where, with which disks, cards, sizes and data."""

from __future__ import annotations

import base64
from typing import Any

import aiohttp
import invariants
import pytest
from apiclient import Api
from people import account, keyed, person, refused
from test_vm_names import network
from test_vm_restoring import iso

from cloudsim.server import Server

GIB = 1024**3
SENT = base64.b64encode(b"#cloud-config\n").decode()


async def disk_offering(api: Api, name: str) -> str:
    return (await api.call("listDiskOfferings", name=name))["diskoffering"][0]["id"]


async def volumes(api: Api, machine: dict[str, Any]) -> list[tuple[str, int]]:
    found = (await api.call("listVolumes", virtualmachineid=machine["id"], listall=True))["volume"]
    return [(row["type"], row["size"] // GIB) for row in sorted(found, key=lambda row: row["deviceid"])]


async def userdata(api: Api, machine: dict[str, Any]) -> str:
    told = await api.call("getVirtualMachineUserData", virtualmachineid=machine["id"])
    return told["virtualmachineuserdata"]["userdata"]


async def offering(api: Api, **given: Any) -> str:
    made = await api.call("createServiceOffering", "POST", name="made", displaytext="made", **given)
    return made["serviceoffering"]["id"]


# -- from what, where


async def test_from_a_template_started_or_not(server: Server, api: Api) -> None:
    running, stopped = await api.deploy(), await api.deploy(startvm=False)
    assert (running["state"], stopped["state"]) == ("Running", "Stopped")
    assert "hostid" not in stopped
    assert (await api.job("startVirtualMachine", id=stopped["id"]))["virtualmachine"]["state"] == "Running"
    await invariants.check(server)


async def test_from_an_iso_with_an_empty_root_disk_of_a_disk_offering(server: Server, api: Api) -> None:
    given = {**await api.basics(), "templateid": await iso(server)}
    small = await disk_offering(api, "Small")
    assert (await refused(api, "deployVirtualMachine", **given, hypervisor="Simulator"))[0] == 431
    assert (await refused(api, "deployVirtualMachine", **given, diskofferingid=small))[0] == 431
    other = {**given, "hypervisor": "xen", "diskofferingid": small}
    assert (await refused(api, "deployVirtualMachine", **other))[0] == 431
    machine = await api.deploy(**given, hypervisor="simulator", diskofferingid=small)
    assert (machine["state"], machine["hypervisor"]) == ("Running", "Simulator")
    size = (await api.call("listDiskOfferings", id=small))["diskoffering"][0]["disksize"]
    assert await volumes(api, machine) == [("ROOT", size)]
    custom = await api.deploy(
        **given, hypervisor="Simulator", diskofferingid=await disk_offering(api, "Custom"), size=7
    )
    assert await volumes(api, custom) == [("ROOT", 7)]
    await invariants.check(server)


async def test_on_a_place_that_an_admin_chooses(api: Api, http: aiohttp.ClientSession) -> None:
    hosts = (await api.call("listHosts", type="Routing"))["host"]
    for host in hosts[:2]:
        assert (await api.deploy(hostid=host["id"]))["hostid"] == host["id"]
    places = await api.places()
    (pods, clusters) = [row["podid"] for row in hosts], [row["clusterid"] for row in hosts]
    machine = await api.deploy(podid=places["podid"])
    assert machine["hostid"] in {row["id"] for row, pod in zip(hosts, pods, strict=True) if pod == places["podid"]}
    machine = await api.deploy(clusterid=places["clusterid"])
    inside = {row["id"] for row, cluster in zip(hosts, clusters, strict=True) if cluster == places["clusterid"]}
    assert machine["hostid"] in inside
    assert (await refused(api, "deployVirtualMachine", **await api.basics(), hostid=machine["id"]))[0] == 431
    user = await person(api, http, "user")
    # a user has no say in it
    assert (await user.deploy(hostid=hosts[0]["id"]))["state"] == "Running"


async def test_hypervisor_and_customid(api: Api) -> None:
    basics = await api.basics()
    uuid = "7d3fbb3f-64a1-4b43-8b1c-7f6e2a7e4a11"
    assert (await api.deploy(startvm=False, customid=uuid, hypervisor="simulator"))["id"] == uuid
    for given in ({"customid": uuid}, {"customid": "x"}, {"hypervisor": "KVM"}):
        assert (await refused(api, "deployVirtualMachine", **basics, **given))[0] == 431


# -- disks


async def test_with_data_disks(server: Server, api: Api) -> None:
    small, custom = await disk_offering(api, "Small"), await disk_offering(api, "Custom")
    size = (await api.call("listDiskOfferings", id=small))["diskoffering"][0]["disksize"]
    machine = await api.deploy(
        diskofferingid=small,
        **{
            "datadisksdetails[0].diskofferingid": custom,
            "datadisksdetails[0].size": 3,
            "datadisksdetails[1].diskofferingid": small,
        },
    )
    assert (await volumes(api, machine))[1:] == [("DATADISK", size), ("DATADISK", 3), ("DATADISK", size)]
    await invariants.check(server)


async def test_with_a_root_disk_of_another_size_or_offering(api: Api) -> None:
    basics = await api.basics()
    (_, usual) = (await volumes(api, await api.deploy(startvm=False)))[0]
    machine = await api.deploy(startvm=False, rootdisksize=usual + 10)
    assert await volumes(api, machine) == [("ROOT", usual + 10)]
    told = {"details[0].rootDiskSize": usual + 3}  # as Marvin says it
    assert await volumes(api, await api.deploy(startvm=False, **told)) == [("ROOT", usual + 3)]
    medium = await disk_offering(api, "Medium")
    larger = (await api.call("listDiskOfferings", id=medium))["diskoffering"][0]["disksize"]
    machine = await api.deploy(startvm=False, overridediskofferingid=medium)
    assert await volumes(api, machine) == [("ROOT", max(usual, larger))]
    custom = await disk_offering(api, "Custom")
    machine = await api.deploy(startvm=False, overridediskofferingid=custom, rootdisksize=usual + 1)
    assert await volumes(api, machine) == [("ROOT", usual + 1)]
    strict = await offering(
        api, cpunumber=1, cpuspeed=500, memory=512, diskofferingid=medium, diskofferingstrictness=True
    )
    for given in (
        {"rootdisksize": 0},
        {"details[0].rootdisksize": 0},
        {"details[0].rootdisksize": "x"},
        {"details[0].rootdisksize": "9" * 40},
        {"overridediskofferingid": custom},
        {"diskofferingid": custom},
        {"serviceofferingid": strict, "overridediskofferingid": custom, "rootdisksize": 50},
        {"datadisksdetails[0].size": 3},
        {"datadisksdetails[0].diskofferingid": custom, "datadisksdetails[0].size": "x"},
    ):
        assert (await refused(api, "deployVirtualMachine", **{**basics, **given}))[0] == 431, given


# -- network cards


async def test_with_cards_in_several_networks(api: Api) -> None:
    one, two = await network(api, "one"), await network(api, "two")
    machine = await api.deploy(networkids=f"{two},{one}")
    assert [(card["networkid"], card["isdefault"]) for card in machine["nic"]] == [(two, True), (one, False)]


async def test_with_addresses_and_mac_addresses_of_choice(server: Server, api: Api) -> None:
    one, two = await network(api, "one"), await network(api, "two")
    machine = await api.deploy(
        **{
            "iptonetworklist[0].networkid": one,
            "iptonetworklist[0].ip": "10.1.1.77",
            "iptonetworklist[0].mac": "02:11:22:33:44:55",
            "iptonetworklist[1].networkid": two,
        }
    )
    assert (machine["ipaddress"], machine["nic"][0]["macaddress"]) == ("10.1.1.77", "02:11:22:33:44:55")
    single = await api.deploy(networkids=two, ipaddress="10.1.1.88", macaddress="02-11-22-33-44-66")
    assert (single["ipaddress"], single["nic"][0]["macaddress"]) == ("10.1.1.88", "02:11:22:33:44:66")
    default = await api.deploy(account="admin", domainid=machine["domainid"], networkids=one, ipaddress="10.1.1.78")
    assert default["ipaddress"] == "10.1.1.78"
    basics = await api.basics()
    for given in (
        {"networkids": one, "ipaddress": "10.1.1.77"},
        {"networkids": one, "ipaddress": "10.9.9.9"},
        {"networkids": one, "ipaddress": machine["nic"][0]["gateway"]},
        {"networkids": one, "ipaddress": "x"},
        {"networkids": one, "macaddress": "02:11:22:33:44:55"},
        {"networkids": one, "macaddress": "03:11:22:33:44:77"},
        {"networkids": one, "macaddress": "x"},
        {"networkids": one, "iptonetworklist[0].networkid": two},
        {"iptonetworklist[0].ip": "10.1.1.9"},
        {"iptonetworklist[0].networkid": one, "iptonetworklist[1].networkid": one},
        {"networkids": "11111111-1111-1111-1111-111111111111"},
    ):
        assert (await refused(api, "deployVirtualMachine", **basics, **given))[0] == 431, given
    await invariants.check(server)


async def test_with_dhcp_options_for_a_card_it_has(api: Api) -> None:
    one, two = await network(api, "one"), await network(api, "two")
    given = {"dhcpoptionsnetworklist[0].networkid": one, "dhcpoptionsnetworklist[0].dhcp:114": "url"}
    machine = await api.deploy(startvm=False, networkids=one, **given)
    assert machine["nic"][0]["extradhcpoption"] == [{"codename": "url", "code": 114, "value": "url"}]
    assert (await refused(api, "deployVirtualMachine", **await api.basics(), networkids=two, **given))[0] == 431


async def test_not_in_a_network_of_others(api: Api, http: aiohttp.ClientSession) -> None:
    theirs = await network(api, "theirs")
    user = await person(api, http, "user")
    assert (await refused(user, "deployVirtualMachine", **await user.basics(), networkids=theirs))[0] == 431


async def test_security_groups_only_where_the_zone_has_them(api: Api) -> None:
    status, text = await refused(api, "deployVirtualMachine", **await api.basics(), securitygroupnames="default")
    assert (status, "security groups" in text) == (431, True)


# -- the machine itself


async def test_boot_type_boot_mode_keyboard_and_details(api: Api) -> None:
    machine = await api.deploy(
        startvm=False,
        boottype="UEFI",
        bootmode="SECURE",
        keyboard="de",
        nicmultiqueuenumber=-1,
        **{"details[0].a": "b"},
    )
    assert (machine["boottype"], machine["bootmode"].lower()) == ("UEFI", "secure")
    assert {name: machine["details"][name] for name in ("a", "keyboard", "nic.multiqueue.number")} == {
        "a": "b", "keyboard": "de", "nic.multiqueue.number": "-1",
    }  # fmt: skip
    basics = await api.basics()
    for given in ({"boottype": "BIOS", "bootmode": "SECURE"}, {"boottype": "x"}, {"bootmode": "x"}, {"keyboard": "x"}):
        assert (await refused(api, "deployVirtualMachine", **basics, **given))[0] == 431, given


async def test_details_that_are_for_root_admins(api: Api, http: aiohttp.ClientSession) -> None:
    user = await person(api, http, "user")
    given = {"details[0].cpuOvercommitRatio": "9"}
    assert (await refused(user, "deployVirtualMachine", **await user.basics(), **given))[0] == 531
    await api.deploy(startvm=False, **given)


async def test_a_custom_offering_takes_what_the_machine_shall_have(api: Api) -> None:
    free = await offering(api, customized=True)
    machine = await api.deploy(
        serviceofferingid=free,
        **{"details[0].cpuNumber": 2, "details[0].cpuSpeed": 300, "details[0].memory": 640},
    )
    assert (machine["cpunumber"], machine["cpuspeed"], machine["memory"]) == (2, 300, 640)
    basics = {**await api.basics(), "serviceofferingid": free}
    for given in (
        {},
        {"details[0].cpuNumber": 2, "details[0].cpuSpeed": 300},
        {"details[0].cpuNumber": 0, "details[0].cpuSpeed": 300, "details[0].memory": 640},
        {"details[0].cpuNumber": "x", "details[0].cpuSpeed": 300, "details[0].memory": 640},
    ):
        assert (await refused(api, "deployVirtualMachine", **basics, **given))[0] == 431, given
    await api.call("updateConfiguration", name="vm.serviceoffering.cpu.cores.max", value=1)
    given = {"details[0].cpuNumber": 2, "details[0].cpuSpeed": 300, "details[0].memory": 640}
    assert (await refused(api, "deployVirtualMachine", **basics, **given))[0] == 431


async def test_within_the_ranges_of_a_constrained_one(api: Api) -> None:
    ranged = await offering(
        api, customized=True, cpuspeed=300, mincpunumber=1, maxcpunumber=2, minmemory=256, maxmemory=512
    )
    machine = await api.deploy(serviceofferingid=ranged, **{"details[0].cpuNumber": 2, "details[0].memory": 512})
    assert (machine["cpunumber"], machine["cpuspeed"], machine["memory"]) == (2, 300, 512)
    basics = {**await api.basics(), "serviceofferingid": ranged}
    for cpus, memory in ((3, 512), (2, 513), (1, 255)):
        given = {"details[0].cpuNumber": cpus, "details[0].memory": memory}
        assert (await refused(api, "deployVirtualMachine", **basics, **given))[0] == 431
    given = {"details[0].cpuNumber": 1, "details[0].memory": 256, "details[0].cpuSpeed": 999}
    assert (await refused(api, "deployVirtualMachine", **basics, **given))[0] == 431


# -- what the guest is told


async def test_user_data_by_get_and_post_or_registered(api: Api) -> None:
    assert await userdata(api, await api.deploy(startvm=False, userdata=SENT)) == SENT
    answer = await api.call("deployVirtualMachine", "POST", **await api.basics(), startvm=False, userdata=SENT)
    await api.wait(answer["jobid"])
    assert await userdata(api, answer) == SENT
    kept = (await api.call("registerUserData", name="kept", userdata=SENT, params="a,b"))["userdata"]["id"]
    machine = await api.deploy(startvm=False, userdataid=kept, **{"userdatadetails[0].a": "1"})
    assert (machine["userdataid"], machine["userdataname"]) == (kept, "kept")
    assert await userdata(api, machine) == SENT
    basics = await api.basics()
    for given in ({"userdata": "***"}, {"userdata": SENT, "userdataid": kept}, {"userdata": "QUFB" * 20000}):
        body = {**basics, **given}
        assert (await refused(api, "deployVirtualMachine", **body))[0] == 431


@pytest.mark.parametrize("policy", ["ALLOWOVERRIDE", "APPEND", "DENYOVERRIDE"])
async def test_user_data_that_the_template_brings(api: Api, policy: str) -> None:
    basics = await api.basics()
    brought = (await api.call("registerUserData", name="brought", userdata="YnJvdWdodA=="))["userdata"]["id"]
    linked = {"templateid": basics["templateid"], "userdataid": brought, "userdatapolicy": policy}
    await api.call("linkUserDataToTemplate", **linked)
    assert await userdata(api, await api.deploy(startvm=False)) == "YnJvdWdodA=="
    if policy == "DENYOVERRIDE":
        assert (await refused(api, "deployVirtualMachine", **basics, userdata=SENT))[0] == 431
        return
    data = base64.b64decode(await userdata(api, await api.deploy(startvm=False, userdata=SENT)))
    assert b"#cloud-config" in data
    assert (b"brought" in data) is (policy == "APPEND")


async def test_key_pairs_and_tags_of_the_template(api: Api) -> None:
    basics = await api.basics()
    for name in ("one", "two"):
        await api.call("createSSHKeyPair", name=name)
    tag = {"resourceids": basics["templateid"], "resourcetype": "Template", "tags[0].key": "os", "tags[0].value": "x"}
    await api.job("createTags", **tag)
    machine = await api.deploy(startvm=False, keypairs="one,two", copyimagetags=True)
    assert machine["keypairs"] == "one,two"
    assert [(found["key"], found["value"]) for found in machine["tags"]] == [("os", "x")]
    assert (await api.deploy(startvm=False))["tags"] == []
    assert (await refused(api, "deployVirtualMachine", **basics, keypair="three"))[0] == 431


async def test_a_password_where_the_template_takes_one(server: Server, api: Api) -> None:
    await server.db.write(lambda tx: tx._change("UPDATE template SET password_enabled = TRUE", []))
    assert len((await api.deploy())["password"]) == 6
    await api.call("updateConfiguration", name="vm.password.length", value=12)
    assert len((await api.deploy(startvm=False))["password"]) == 12
    assert (await api.deploy(password="of my choice"))["password"] == "of my choice"


# -- for whom


async def test_for_another_account_within_its_limits(server: Server, api: Api, http: aiohttp.ClientSession) -> None:
    made = await account(api, "small")
    where = {"account": "small", "domainid": made["domainid"]}
    machine = await api.deploy(startvm=False, **where)
    assert machine["account"] == "small"
    await api.call("updateResourceLimit", **where, resourcetype=0, max=1)
    before = await invariants.rows(server, "SELECT * FROM vm"), await invariants.rows(server, "SELECT * FROM volume")
    assert (await refused(api, "deployVirtualMachine", **await api.basics(), **where))[0] == 535
    user = await keyed(api, http, made["user"][0]["id"])
    assert (await refused(user, "deployVirtualMachine", **await user.basics(), account="admin"))[0] == 431
    after = await invariants.rows(server, "SELECT * FROM vm"), await invariants.rows(server, "SELECT * FROM volume")
    assert before == after
