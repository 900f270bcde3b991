"""The life of a virtual machine: stop, reboot, destroy, recover, a new owner, a lease, new passwords and keys."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path
from typing import Any

import aiohttp
import invariants
import pytest
import zones
from apiclient import Api, Refused
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from people import account, domain, keyed, person, refused

from cloudsim.server import Server

DAY = 86_400_000
DEAF = {"details[0].simulator.ignore_shutdown": "true"}


async def machine_of(api: Api, machine: dict[str, Any]) -> dict[str, Any]:
    (found,) = (await api.call("listVirtualMachines", id=machine["id"]))["virtualmachine"]
    return found


async def setting(api: Api, name: str, value: Any) -> None:
    await api.call("updateConfiguration", name=name, value=value)


async def events(server: Server, start: str) -> list[str]:
    found = await invariants.rows(server, f"SELECT type FROM event WHERE type LIKE '{start}%' ORDER BY id")
    return [type_ for (type_,) in found]


async def state(server: Server) -> list[list[tuple[Any, ...]]]:
    """All that a refused request could have changed."""
    tables = ("vm", "volume", "nic", "network", "usage", "detail", "public_ip", "security_group_vm", "tag")
    return [await invariants.rows(server, f"SELECT * FROM {name} ORDER BY 1") for name in tables]


# -- stop, reboot, destroy, recover


async def test_a_stop_asks_the_guest_and_forces_it_after_a_time(server: Server, api: Api) -> None:
    await setting(api, "commands.timeout", "StartCommand=5, StopCommand=0")
    machine = await api.deploy(**DEAF)
    async with asyncio.timeout(10):
        stopped = (await api.job("stopVirtualMachine", id=machine["id"]))["virtualmachine"]
    assert stopped["state"] == "Stopped"
    await invariants.check(server)


async def test_a_reboot_keeps_the_machine_where_it_is(server: Server, api: Api) -> None:
    machine = await api.deploy()
    for forced in (False, True):
        again = (await api.job("rebootVirtualMachine", id=machine["id"], forced=forced))["virtualmachine"]
        assert (again["state"], again["hostid"], again["ipaddress"]) == (
            "Running", machine["hostid"], machine["ipaddress"],
        )  # fmt: skip
    await api.job("stopVirtualMachine", id=machine["id"])
    assert (await refused(api, "rebootVirtualMachine", id=machine["id"]))[0] == 431
    await invariants.check(server)


async def test_destroying_keeps_disk_and_address_until_the_machine_is_expunged(server: Server, api: Api) -> None:
    machine = await api.deploy()
    (disk,) = (await api.call("listVolumes", virtualmachineid=machine["id"]))["volume"]
    await api.job("destroyVirtualMachine", id=machine["id"])
    assert disk["id"] in {volume.uuid for volume in server.simulator.volumes()}
    taken = {**await api.basics(), "networkids": machine["nic"][0]["networkid"], "ipaddress": machine["ipaddress"]}
    assert (await refused(api, "deployVirtualMachine", **taken))[0] == 431
    await api.job("expungeVirtualMachine", id=machine["id"])
    assert disk["id"] not in {volume.uuid for volume in server.simulator.volumes()}
    assert (await api.deploy(**taken))["ipaddress"] == machine["ipaddress"]
    await invariants.check(server)


async def test_a_destroyed_machine_is_recovered_with_its_disk(server: Server, api: Api) -> None:
    machine = await api.deploy()
    (disk,) = (await api.call("listVolumes", virtualmachineid=machine["id"]))["volume"]
    server.simulator.content(disk["id"], "mine")
    await api.job("destroyVirtualMachine", id=machine["id"])
    back = (await api.call("recoverVirtualMachine", id=machine["id"]))["virtualmachine"]
    assert back["state"] == "Stopped"
    await api.job("startVirtualMachine", id=machine["id"])
    assert server.simulator.content(disk["id"]) == "mine"
    assert (await refused(api, "recoverVirtualMachine", id=machine["id"]))[0] == 431
    await invariants.check(server)


async def test_a_protected_machine_is_not_destroyed(api: Api) -> None:
    machine = await api.deploy(startvm=False)
    await api.call("updateVirtualMachine", id=machine["id"], deleteprotection=True)
    assert (await refused(api, "destroyVirtualMachine", id=machine["id"]))[0] == 431
    await api.call("updateVirtualMachine", id=machine["id"], deleteprotection=False)
    await api.job("destroyVirtualMachine", id=machine["id"])


async def test_owners_act_on_theirs_and_admins_on_all(api: Api, http: aiohttp.ClientSession) -> None:
    owner, other = await person(api, http, "owner"), await person(api, http, "other")
    machine = await owner.deploy()
    for command in (
        "stopVirtualMachine",
        "rebootVirtualMachine",
        "destroyVirtualMachine",
        "resetPasswordForVirtualMachine",
    ):
        assert (await refused(other, command, id=machine["id"]))[0] == 431
    assert (await refused(other, "restoreVirtualMachine", virtualmachineid=machine["id"]))[0] == 431
    await owner.job("stopVirtualMachine", id=machine["id"])
    await api.job("startVirtualMachine", id=machine["id"])
    await owner.job("rebootVirtualMachine", id=machine["id"])
    await api.job("destroyVirtualMachine", id=machine["id"])


# -- another owner


async def test_a_stopped_machine_gets_another_owner_with_its_disks(
    server: Server, api: Api, http: aiohttp.ClientSession
) -> None:
    made = await account(api, "next")
    offering = (await api.call("listDiskOfferings", name="Small"))["diskoffering"][0]["id"]
    machine = await api.deploy(diskofferingid=offering, group="fleet")
    await api.job("stopVirtualMachine", id=machine["id"])
    where = {"account": "next", "domainid": made["domainid"]}
    moved = (await api.call("assignVirtualMachine", virtualmachineid=machine["id"], **where))["virtualmachine"]
    assert (moved["account"], moved["instancename"]) == ("next", machine["instancename"])
    assert "group" not in moved
    # the default network of the new owner, as none was named
    assert [card["networkname"] for card in moved["nic"]] == ["next-network"]
    assert moved["nic"][0]["isdefault"] is True
    owner = await keyed(api, http, made["user"][0]["id"])
    volumes = (await owner.call("listVolumes", virtualmachineid=machine["id"]))["volume"]
    assert {(volume["account"], volume["type"]) for volume in volumes} == {("next", "ROOT"), ("next", "DATADISK")}
    assert (await owner.job("startVirtualMachine", id=machine["id"]))["virtualmachine"]["state"] == "Running"
    open_ = (
        "SELECT DISTINCT a.name FROM usage u JOIN account a ON u.account_id = a.id"
        " WHERE u.ended IS NULL AND u.kind IN ('vm', 'volume', 'nic')"
    )
    assert await invariants.rows(server, open_) == [("next",)]
    assert await events(server, "VM.MOVE") == ["VM.MOVE"]
    await invariants.check(server)


async def test_in_networks_that_are_named_or_to_a_project(server: Server, api: Api) -> None:
    project = (await api.job("createProject", name="p", displaytext="p"))["project"]
    zone = (await api.basics())["zoneid"]
    kind = (await api.call("listNetworkOfferings", name="DefaultIsolatedNetworkOfferingWithSourceNatService"))[
        "networkoffering"
    ][0]["id"]
    networks = [
        (await api.call("createNetwork", zoneid=zone, networkofferingid=kind, name=name, projectid=project["id"]))[
            "network"
        ]["id"]
        for name in ("a", "b")
    ]
    machine = await api.deploy(startvm=False)
    given = {"virtualmachineid": machine["id"], "projectid": project["id"], "networkids": ",".join(networks)}
    moved = (await api.call("assignVirtualMachine", **given))["virtualmachine"]
    assert (moved["projectid"], [card["networkid"] for card in moved["nic"]]) == (project["id"], networks)
    await invariants.check(server)


async def test_schedules_and_tags_go_along(api: Api) -> None:
    made = await account(api, "next")
    where = {"account": "next", "domainid": made["domainid"]}
    machine = await api.deploy(startvm=False)
    await api.call(
        "createVMSchedule", virtualmachineid=machine["id"], action="START", schedule="0 0 * * *", timezone="UTC"
    )
    tag = {"resourceids": machine["id"], "resourcetype": "UserVm", "tags[0].key": "a", "tags[0].value": "b"}
    await api.job("createTags", **tag)
    moved = (await api.call("assignVirtualMachine", virtualmachineid=machine["id"], **where))["virtualmachine"]
    assert [found["account"] for found in moved["tags"]] == ["next"]
    assert (await api.call("listVMSchedule", virtualmachineid=machine["id"]))["count"] == 1


async def test_a_machine_in_a_shared_network_stays_in_it_with_groups_of_its_new_owner(tmp_path: Path) -> None:
    async with zones.empty_server(tmp_path) as (server, api):
        zone = await zones.secured_zone(api)
        made = await account(api, "next")
        where = {"account": "next", "domainid": made["domainid"]}
        machine = await api.deploy()
        await api.job("stopVirtualMachine", id=machine["id"])
        moved = (await api.call("assignVirtualMachine", virtualmachineid=machine["id"], **where))["virtualmachine"]
        ((before,), (after,)) = machine["nic"], moved["nic"]
        assert after["networkid"] == zone["networkid"]
        assert (after["ipaddress"], after["macaddress"]) == (before["ipaddress"], before["macaddress"])
        assert [group["account"] for group in moved["securitygroup"]] == ["next"]
        group = (await api.call("createSecurityGroup", name="web", **where))["securitygroup"]["id"]
        back = {"account": machine["account"], "domainid": machine["domainid"]}
        given = {"virtualmachineid": machine["id"], "securitygroupids": group}
        assert (await refused(api, "assignVirtualMachine", **given, **back))[0] == 531
        await api.call("assignVirtualMachine", virtualmachineid=machine["id"], **back)
        moved = (await api.call("assignVirtualMachine", **given, **where))["virtualmachine"]
        assert "web" in {found["name"] for found in moved["securitygroup"]}
        await api.job("startVirtualMachine", id=machine["id"])
        await invariants.check(server)


async def test_no_new_owner_where_a_rule_says_no(server: Server, api: Api, http: aiohttp.ClientSession) -> None:
    made = await account(api, "next")
    where = {"account": "next", "domainid": made["domainid"]}
    running = await api.deploy()
    stopped = await api.deploy(startvm=False)
    snapshotted = await api.deploy()
    await api.job("stopVirtualMachine", id=snapshotted["id"])
    await api.job("createVMSnapshot", virtualmachineid=snapshotted["id"])
    mine = stopped["nic"][0]["networkid"]
    me = {"account": stopped["account"], "domainid": stopped["domainid"]}
    before = await state(server)
    for status, machine, given in (
        (431, running, where),
        (431, snapshotted, where),
        (431, stopped, me),
        (431, stopped, {}),
        (431, stopped, {"account": "next"}),
        (431, stopped, {"account": "nobody", "domainid": made["domainid"]}),
        (531, stopped, {**where, "networkids": mine}),
        (431, stopped, {**where, "securitygroupids": "11111111-1111-1111-1111-111111111111"}),
    ):
        assert (await refused(api, "assignVirtualMachine", virtualmachineid=machine["id"], **given))[0] == status, given
    assert await state(server) == before
    await api.call("updateResourceLimit", **where, resourcetype=0, max=0)
    before = await state(server)
    assert (await refused(api, "assignVirtualMachine", virtualmachineid=stopped["id"], **where))[0] == 535
    assert await state(server) == before
    user = await keyed(api, http, made["user"][0]["id"])
    with pytest.raises(Refused):
        await user.call("assignVirtualMachine", virtualmachineid=stopped["id"], **where)
    assert await state(server) == before


async def test_of_two_new_owners_at_once_the_machine_has_the_last_and_all_adds_up(server: Server, api: Api) -> None:
    made = [await account(api, name) for name in ("one", "two")]
    machine = await api.deploy(startvm=False)
    answers = await asyncio.gather(
        *(
            api.raw(
                "assignVirtualMachine", virtualmachineid=machine["id"], account=row["name"], domainid=row["domainid"]
            )
            for row in made * 2
        ),
        api.raw("startVirtualMachine", id=machine["id"]),
    )
    assert {status for status, _ in answers} <= {200, 431}
    found = await machine_of(api, machine)
    (disk,) = (await api.call("listVolumes", virtualmachineid=machine["id"], listall=True))["volume"]
    assert disk["account"] == found["account"]
    assert len(found["nic"]) == 1
    await invariants.check(server)


async def test_domain_admins_move_machines_within_their_domain(api: Api, http: aiohttp.ClientSession) -> None:
    below = await domain(api, "below")
    boss = await person(api, http, "boss", 2, domainid=below["id"])
    for name in ("one", "two"):
        await account(api, name, domainid=below["id"])
    machine = await boss.deploy(startvm=False, account="one", domainid=below["id"])
    where = {"account": "two", "domainid": below["id"]}
    assert (await boss.call("assignVirtualMachine", virtualmachineid=machine["id"], **where))["virtualmachine"][
        "account"
    ] == "two"
    foreign = await api.deploy(startvm=False)
    assert (await refused(boss, "assignVirtualMachine", virtualmachineid=foreign["id"], **where))[0] == 431


# -- leases


async def over(server: Server, machine: dict[str, Any]) -> None:
    """Lets a lease be over, and what follows happen."""
    uuid = machine["id"]
    await server.db.write(lambda tx: tx._change(f"UPDATE vm SET lease_expiry = 1 WHERE uuid = '{uuid}'", []))
    await server.periodic.run_now("vm-leases")
    await invariants.rest(server)


async def leased(api: Api, action: str, **given: Any) -> dict[str, Any]:
    await setting(api, "instance.lease.enabled", "true")
    return await api.deploy(leaseduration=3, leaseexpiryaction=action, **given)


async def test_a_lease_is_told_and_listed(api: Api) -> None:
    machine = await leased(api, "STOP", startvm=False)
    assert (machine["leaseduration"], machine["leaseexpiryaction"]) == (3, "STOP")
    assert machine["leaseexpirydate"]
    without = await api.deploy(startvm=False)
    assert "leaseexpirydate" not in without
    found = (await api.call("listVirtualMachines", leased=True))["virtualmachine"]
    assert [row["id"] for row in found] == [machine["id"]]


async def test_when_it_is_over_the_machine_is_stopped_or_destroyed(server: Server, api: Api) -> None:
    for action, state_ in (("STOP", "Stopped"), ("DESTROY", "Destroyed")):
        machine = await leased(api, action)
        await server.periodic.run_now("vm-leases")
        assert (await machine_of(api, machine))["state"] == "Running"
        await over(server, machine)
        found = await machine_of(api, machine)
        assert (found["state"], found.get("leaseexpirydate")) == (state_, None)
    assert await events(server, "VM.LEASE") == ["VM.LEASE.EXPIRED"] * 2
    await invariants.check(server)


async def test_a_protected_machine_stays_when_its_lease_is_over(server: Server, api: Api) -> None:
    machine = await leased(api, "DESTROY", startvm=False)
    await api.call("updateVirtualMachine", id=machine["id"], deleteprotection=True)
    await over(server, machine)
    assert (await machine_of(api, machine))["state"] == "Stopped"


async def test_an_offering_brings_a_lease_and_the_request_lifts_it(api: Api) -> None:
    await setting(api, "instance.lease.enabled", "true")
    offering = await api.call(
        "createServiceOffering", name="leased", displaytext="l", cpunumber=1, cpuspeed=500, memory=512,
        leaseduration=5, leaseexpiryaction="DESTROY",
    )  # fmt: skip
    given = {"serviceofferingid": offering["serviceoffering"]["id"], "startvm": False}
    machine = await api.deploy(**given)
    assert (machine["leaseduration"], machine["leaseexpiryaction"]) == (5, "DESTROY")
    assert "leaseduration" not in await api.deploy(**given, leaseduration=-1)
    assert (await api.deploy(**given, leaseduration=2, leaseexpiryaction="STOP"))["leaseduration"] == 2


async def test_a_lease_is_prolonged_or_lifted_while_it_lasts(server: Server, api: Api) -> None:
    machine = await leased(api, "STOP", startvm=False)
    update = {"id": machine["id"], "leaseduration": 30, "leaseexpiryaction": "DESTROY"}
    changed = (await api.call("updateVirtualMachine", **update))["virtualmachine"]
    assert (changed["leaseduration"], changed["leaseexpiryaction"]) == (30, "DESTROY")
    lifted = (await api.call("updateVirtualMachine", id=machine["id"], leaseduration=-1))["virtualmachine"]
    assert "leaseduration" not in lifted
    assert await events(server, "VM.LEASE") == ["VM.LEASE.DISABLED"]
    assert (await refused(api, "updateVirtualMachine", **update))[0] == 431
    never = await api.deploy(startvm=False)
    assert (await refused(api, "updateVirtualMachine", **{**update, "id": never["id"]}))[0] == 431


async def test_a_lease_has_a_duration_and_an_action(api: Api) -> None:
    await setting(api, "instance.lease.enabled", "true")
    basics = await api.basics()
    for given in (
        {"leaseduration": 0, "leaseexpiryaction": "STOP"},
        {"leaseduration": 36501, "leaseexpiryaction": "STOP"},
        {"leaseduration": -2, "leaseexpiryaction": "STOP"},
        {"leaseduration": 3},
        {"leaseexpiryaction": "STOP"},
        {"leaseduration": 3, "leaseexpiryaction": "SLEEP"},
    ):
        assert (await refused(api, "deployVirtualMachine", **basics, **given))[0] == 431, given


async def test_leases_are_told_of_before_and_cancelled_when_switched_off(server: Server, api: Api) -> None:
    machine = await leased(api, "STOP", startvm=False)
    await server.periodic.run_now("vm-lease-events")
    await setting(api, "instance.lease.enabled", "false")
    await server.periodic.run_now("vm-leases")
    assert await events(server, "VM.LEASE") == ["VM.LEASE.EXPIRING", "VM.LEASE.CANCELLED"]
    assert "leaseduration" not in await machine_of(api, machine)
    await setting(api, "instance.lease.enabled", "true")
    await over(server, machine)
    assert len(await events(server, "VM.LEASE")) == 2
    await setting(api, "instance.lease.enabled", "false")
    assert "leaseduration" not in await api.deploy(startvm=False, leaseduration=3, leaseexpiryaction="STOP")


# -- passwords, keys, user data


async def takes_passwords(server: Server) -> None:
    await server.db.write(lambda tx: tx._change("UPDATE template SET password_enabled = TRUE", []))


async def test_a_password_is_told_once_and_then_to_who_has_the_key(server: Server, api: Api) -> None:
    await takes_passwords(server)
    pair = (await api.call("createSSHKeyPair", name="mine"))["keypair"]
    machine = await api.deploy(keypair="mine")
    assert len(machine["password"]) == 6
    assert "password" not in await machine_of(api, machine)
    key: Any = load_pem_private_key(pair["privatekey"].encode(), None)

    async def told() -> str:
        answer = (await api.call("getVMPassword", id=machine["id"]))["password"]["encryptedpassword"]
        return key.decrypt(base64.b64decode(answer), padding.PKCS1v15()).decode()

    assert await told() == machine["password"]
    assert (await refused(api, "resetPasswordForVirtualMachine", id=machine["id"]))[0] == 431
    await api.job("stopVirtualMachine", id=machine["id"])
    again = (await api.job("resetPasswordForVirtualMachine", id=machine["id"]))["virtualmachine"]["password"]
    assert again != machine["password"]
    assert await told() == again
    chosen = await api.job("resetPasswordForVirtualMachine", id=machine["id"], password="of my choice")
    assert chosen["virtualmachine"]["password"] == await told() == "of my choice"
    rows = str(await invariants.rows(server, "SELECT password FROM vm"))
    assert "of my choice" not in rows
    assert "of my choice" not in str(await invariants.rows(server, "SELECT arguments FROM job"))


async def test_only_where_the_template_takes_one(api: Api) -> None:
    machine = await api.deploy(startvm=False)
    assert "password" not in machine
    assert (await refused(api, "resetPasswordForVirtualMachine", id=machine["id"]))[0] == 431
    assert (await refused(api, "getVMPassword", id=machine["id"]))[0] == 431


async def test_other_keys_for_a_stopped_machine(server: Server, api: Api) -> None:
    await takes_passwords(server)
    for name in ("one", "two"):
        await api.call("createSSHKeyPair", name=name)
    machine = await api.deploy(keypair="one")
    assert (await refused(api, "resetSSHKeyForVirtualMachine", id=machine["id"], keypair="two"))[0] == 431
    await api.job("stopVirtualMachine", id=machine["id"])
    changed = (await api.job("resetSSHKeyForVirtualMachine", id=machine["id"], keypairs="two,one"))["virtualmachine"]
    assert (changed["keypairs"], len(changed["password"])) == ("two,one", 6)
    for name in ("one", "two"):
        assert len((await api.call("listVirtualMachines", keypair=name))["virtualmachine"]) == 1
    for name in ("on", "one,", "%", "___"):
        assert await api.call("listVirtualMachines", keypair=name) == {}
    for given in ({}, {"keypair": "three"}):
        assert (await refused(api, "resetSSHKeyForVirtualMachine", id=machine["id"], **given))[0] == 431
    assert (await machine_of(api, machine))["keypairs"] == "two,one"


async def test_other_user_data_for_a_stopped_machine(api: Api) -> None:
    machine = await api.deploy(userdata="b25l")
    reset = {"id": machine["id"], "userdata": "dHdv"}
    assert (await refused(api, "resetUserDataForVirtualMachine", **reset))[0] == 431
    await api.job("stopVirtualMachine", id=machine["id"])
    await api.call("resetUserDataForVirtualMachine", **reset)
    (found,) = (await api.call("listVirtualMachines", id=machine["id"], userdata=True))["virtualmachine"]
    assert found["userdata"] == "dHdv"
    kept = (await api.call("registerUserData", name="kept", userdata="a2VwdA=="))["userdata"]["id"]
    changed = await api.call("resetUserDataForVirtualMachine", id=machine["id"], userdataid=kept)
    assert changed["virtualmachine"]["userdataid"] == kept
    assert len((await api.call("listVirtualMachines", userdataid=kept))["virtualmachine"]) == 1
    for given in ({}, {"userdata": "***"}, {"userdata": "b25l", "userdataid": kept}):
        assert (await refused(api, "resetUserDataForVirtualMachine", id=machine["id"], **given))[0] == 431


async def test_a_list_of_those_in_isolated_networks_or_in_none(api: Api) -> None:
    machine = await api.deploy(startvm=False)
    found = (await api.call("listVirtualMachines", forvirtualnetwork=True))["virtualmachine"]
    assert [row["id"] for row in found] == [machine["id"]]
    assert await api.call("listVirtualMachines", forvirtualnetwork=False) == {}


async def test_what_is_given_away_is_counted_anew(server: Server, api: Api, http: aiohttp.ClientSession) -> None:
    await api.deploy()
    await server.db.write(lambda tx: tx._change("UPDATE host_capacity SET memory_used = 1, machines = 5", []))
    assert await api.job("cleanVMReservations") == {"success": True}
    await invariants.check(server)
    assert (await refused(await person(api, http, "user"), "cleanVMReservations"))[0] == 432
