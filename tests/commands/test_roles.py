"""Roles: ordered rules, who may change them, and that nobody gets more than the one who gives has."""

from __future__ import annotations

import aiohttp
from apiclient import Api
from people import account, keyed, person, refused, role


async def test_the_first_rule_that_fits_decides(api: Api, http: aiohttp.ClientSession) -> None:
    made = await role(api, "readers", "User", "!listVolumes", "list*", "!listZones")
    caller = await person(api, http, "reader", roleid=made["id"])
    await caller.call("listZones")
    assert (await refused(caller, "listVolumes"))[0] == 432
    assert (await refused(caller, "deployVirtualMachine"))[0] == 432
    rules = (await api.call("listRolePermissions", roleid=made["id"]))["rolepermission"]
    assert [(row["rule"], row["permission"]) for row in rules] == [
        ("listVolumes", "deny"),
        ("list*", "allow"),
        ("listZones", "deny"),
    ]
    turned = ",".join(row["id"] for row in reversed(rules))
    await api.call("updateRolePermission", roleid=made["id"], ruleorder=turned)
    assert (await refused(caller, "listZones"))[0] == 432
    await caller.call("listVolumes")
    await api.call("updateRolePermission", roleid=made["id"], ruleid=rules[2]["id"], permission="allow")
    await caller.call("listZones")
    await api.call("deleteRolePermission", id=rules[1]["id"])
    assert (await refused(caller, "listTemplates", templatefilter="all"))[0] == 432


async def test_a_disabled_role_lets_nothing_through(api: Api, http: aiohttp.ClientSession) -> None:
    made = await role(api, "some", "User", "list*")
    caller = await person(api, http, "one", roleid=made["id"])
    await api.call("disableRole", id=made["id"])
    assert (await refused(caller, "listZones"))[0] == 432
    assert (await refused(api, "createAccount", email="a", firstname="a", lastname="b", password="p",
                          username="two", roleid=made["id"]))[0] == 431  # fmt: skip
    await api.call("enableRole", id=made["id"])
    await caller.call("listZones")


async def test_default_roles_stay(api: Api) -> None:
    roles = {row["name"]: row for row in (await api.call("listRoles"))["role"]}
    assert len(roles) == 9
    for command in ("deleteRole", "disableRole", "updateRole"):
        assert (await refused(api, command, id=roles["User"]["id"], name="else"))[0] == 531
    assert (await refused(api, "createRolePermission", roleid=roles["User"]["id"], rule="list*", permission="allow"))[
        0
    ] == 531
    rules = (await api.call("listRolePermissions", roleid=roles["User"]["id"]))["rolepermission"]
    assert len(rules) == 252


async def test_the_first_four_are_known_by_number_as_well(api: Api) -> None:
    names = [(await api.call("listRoles", id=number))["role"][0]["name"] for number in range(1, 5)]
    assert names == ["Root Admin", "Resource Admin", "Domain Admin", "User"]
    rules = (await api.call("listRolePermissions", roleid=4))["rolepermission"]
    assert len(rules) == 252
    for number in (0, 5, "04", -1):
        assert (await refused(api, "listRoles", id=number))[0] == 431


async def test_bad_rules_are_refused_and_nothing_is_half_made(api: Api) -> None:
    for rule in ("list Zones", "list;*", "listZonés"):
        given = {"rules[0].rule": "list*", "rules[0].permission": "allow"}
        given.update({"rules[1].rule": rule, "rules[1].permission": "allow"})
        assert (await refused(api, "importRole", name="bad", type="User", **given))[0] == 431
    assert "role" not in await api.call("listRoles", name="bad")
    made = await role(api, "one", "User", "list*")
    where = {"roleid": made["id"], "permission": "allow"}
    for rule in ("someRule*", "aCommandOfAnotherServer"):  # roles are written for more servers than this one
        kept = (await api.call("createRolePermission", rule=rule, **where))["rolepermission"]
        await api.call("deleteRolePermission", id=kept["id"])
    assert (await refused(api, "createRolePermission", rule="LIST*", **where))[0] == 431
    assert (await refused(api, "createRolePermission", rule="get*", **{**where, "permission": "maybe"}))[0] == 431
    (rule,) = (await api.call("listRolePermissions", roleid=made["id"]))["rolepermission"]
    assert (await refused(api, "updateRolePermission", roleid=made["id"]))[0] == 431
    assert (await refused(api, "updateRolePermission", roleid=made["id"], ruleorder=f"{rule['id']},{rule['id']}"))[
        0
    ] == 431
    assert (await refused(api, "createRole", name="one", type="User"))[0] == 431
    assert (await refused(api, "createRole", name="two", type="Emperor"))[0] == 431
    assert (await refused(api, "createRole", name="two"))[0] == 431
    # importing again takes forced
    given = {"rules[0].rule": "get*", "rules[0].permission": "allow"}
    assert (await refused(api, "importRole", name="one", type="User", **given))[0] == 431
    again = (await api.call("importRole", "POST", name="one", type="User", forced=True, **given))["role"]
    assert again["id"] == made["id"]
    assert [r["rule"] for r in (await api.call("listRolePermissions", roleid=made["id"]))["rolepermission"]] == ["get*"]


async def test_a_role_in_use_stays_and_keeps_its_type(api: Api, http: aiohttp.ClientSession) -> None:
    made = await role(api, "some", "User", "list*")
    await account(api, "one", roleid=made["id"])
    assert (await refused(api, "deleteRole", id=made["id"]))[0] == 531
    assert (await refused(api, "updateRole", id=made["id"], type="Admin"))[0] == 431
    copied = (await api.call("createRole", name="copy", roleid=made["id"]))["role"]
    assert copied["type"] == "User"
    assert len((await api.call("listRolePermissions", roleid=copied["id"]))["rolepermission"]) == 1
    await api.call("deleteRole", id=copied["id"])
    assert (await refused(api, "listRolePermissions", roleid=copied["id"]))[0] == 431


async def test_nobody_gives_more_than_the_own_role_has(api: Api, http: aiohttp.ClientSession) -> None:
    little = await role(api, "little", "Admin", "list*", "*Role*", "createAccount", "registerUserKeys", "getUserKeys",
                        "updateUser", "updateAccount", "enableUser", "disableUser", "lockUser",
                        "queryAsyncJobResult")  # fmt: skip
    limited = await person(api, http, "limited", roleid=little["id"])
    (admin,) = (await api.call("listUsers", username="admin"))["user"]
    for command in ("getUserKeys", "registerUserKeys", "lockUser", "disableUser", "updateUser"):
        status, text = await refused(limited, command, id=admin["id"], password="mine now")
        assert (status, "more than you" in text) == (531, True), command
    assert (await refused(limited, "importRole", name="more", type="User",
                          **{"rules[0].rule": "*", "rules[0].permission": "allow"}))[0] == 531  # fmt: skip
    assert (await refused(limited, "createRolePermission", roleid=little["id"], rule="deploy*", permission="allow"))[
        0
    ] == 531
    roles = {row["name"]: row for row in (await api.call("listRoles"))["role"]}
    (mine,) = (await api.call("listAccounts", name="limited", listall=True))["account"]
    assert (await refused(limited, "updateAccount", id=mine["id"], roleid=roles["Root Admin"]["id"]))[0] == 531
    assert (await refused(limited, "createRole", name="root", roleid=roles["Root Admin"]["id"]))[0] == 531
    # what is not more may be changed
    reader = await account(api, "reader", roleid=(await role(api, "reader", "User", "listZones"))["id"])
    keys = (await limited.call("registerUserKeys", id=reader["user"][0]["id"]))["userkeys"]
    assert keys["secretkey"]


async def test_the_last_root_admin_cannot_be_locked_out(api: Api, http: aiohttp.ClientSession) -> None:
    roles = {row["name"]: row for row in (await api.call("listRoles"))["role"]}
    (admin,) = (await api.call("listAccounts", name="admin"))["account"]
    for name in ("Read-Only Admin - Default", "User"):
        status, text = await refused(api, "updateAccount", id=admin["id"], roleid=roles[name]["id"])
        assert (status, "no root admin" in text) == (431, True)
    # with a second one it is possible
    second = await account(api, "second", 1)
    other = await keyed(api, http, second["user"][0]["id"])
    await api.call("updateAccount", id=admin["id"], roleid=roles["Read-Only Admin - Default"]["id"])
    assert (await refused(api, "updateAccount", id=admin["id"], roleid=roles["Root Admin"]["id"]))[0] == 432
    await other.call("updateAccount", id=admin["id"], roleid=roles["Root Admin"]["id"])
    # a role of one's own counts by what it allows
    own = await role(api, "own", "Admin", "*")
    await other.call("updateAccount", id=admin["id"], roleid=own["id"])
    await api.job("disableAccount", id=second["id"], lock=True)
    (everything,) = (await api.call("listRolePermissions", roleid=own["id"]))["rolepermission"]
    status, text = await refused(api, "deleteRolePermission", id=everything["id"])
    assert (status, "no root admin" in text) == (431, True)
    assert (await refused(api, "disableRole", id=own["id"]))[0] == 431
    await api.call("listZones")
