"""Projects: members, what belongs to them, invitations, roles, states, deletion."""

from __future__ import annotations

import time
from typing import Any

import aiohttp
import pytest
from apiclient import Api
from people import account, domain, person, refused, role

from cloudsim.db import sqlite


async def test_members_share_what_a_project_has(api: Api, http: aiohttp.ClientSession) -> None:
    lead, member, outside = [await person(api, http, name) for name in ("lead", "member", "outside")]
    project = (await lead.job("createProject", name="p", displaytext="P"))["project"]
    assert (project["state"], project["owner"], project["projectaccountname"]) == (
        "Active",
        [{"account": "lead"}],
        "PrjAcct-p-1",
    )
    for command, given in (
        ("listProjectAccounts", {"projectid": project["id"]}),
        ("listVirtualMachines", {"projectid": project["id"]}),
        ("suspendProject", {"id": project["id"]}),
        ("addAccountToProject", {"projectid": project["id"], "account": "outside"}),
        ("deployVirtualMachine", {**await member.basics(), "projectid": project["id"]}),
    ):
        assert (await refused(member, command, **given))[0] == 431, command
    await lead.job("addAccountToProject", projectid=project["id"], account="member")
    machine = await member.deploy(projectid=project["id"])
    assert (machine["project"], machine["projectid"]) == ("p", project["id"])
    assert "account" not in machine
    for caller in (lead, member):
        assert await caller.call("listVirtualMachines", listall=True) == {}
        for given in ({"projectid": project["id"]}, {"projectid": "-1"}, {"id": machine["id"]}):
            assert (await caller.call("listVirtualMachines", **given))["count"] == 1, given
        (network,) = (await caller.call("listNetworks", projectid=project["id"]))["network"]
        assert network["project"] == "p"
    assert await outside.call("listVirtualMachines", projectid="-1") == {}
    assert (await refused(outside, "stopVirtualMachine", id=machine["id"]))[0] == 431
    assert await api.call("listVirtualMachines", listall=True) == {}
    assert (await api.call("listVirtualMachines", listall=True, projectid="-1"))["count"] == 1
    await lead.job("stopVirtualMachine", id=machine["id"])
    roles = {
        row["account"]: row["role"]
        for row in (await lead.call("listProjectAccounts", projectid=project["id"]))["projectaccount"]
    }
    assert roles == {"lead": "Admin", "member": "Regular"}
    # a regular member uses the project and does not change it
    for command, given in (
        ("updateProject", {"id": project["id"], "displaytext": "mine"}),
        ("deleteProject", {"id": project["id"]}),
        ("addAccountToProject", {"projectid": project["id"], "account": "outside"}),
        ("deleteAccountFromProject", {"projectid": project["id"], "account": "lead"}),
    ):
        assert (await refused(member, command, **given))[0] == 531, command
    await member.job("deleteAccountFromProject", projectid=project["id"], account="member")
    assert (await refused(member, "listVirtualMachines", projectid=project["id"]))[0] == 431
    assert (await refused(lead, "deleteAccountFromProject", projectid=project["id"], account="lead"))[0] == 431
    assert (await refused(api, "deleteAccount", id=(await api.call("listAccounts", name="lead"))["account"][0]["id"]))[
        0
    ] == 431


async def test_who_has_left_is_out_from_the_moment_that_can_be_seen(
    api: Api, http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead, member = await person(api, http, "lead"), await person(api, http, "member")
    project = (await lead.job("createProject", name="p", displaytext="P"))["project"]
    commit = sqlite._commit

    def seen_early(connection: Any) -> None:
        commit(connection)
        time.sleep(0.2)  # readers see it, and the server's own loop has not heard of it yet

    monkeypatch.setattr(sqlite, "_commit", seen_early)
    for _ in range(3):
        await lead.job("addAccountToProject", projectid=project["id"], account="member")
        await member.job("deleteAccountFromProject", projectid=project["id"], account="member")
        assert (await refused(member, "listVirtualMachines", projectid=project["id"]))[0] == 431


async def test_swapping_the_owner(api: Api, http: aiohttp.ClientSession) -> None:
    lead, member = await person(api, http, "lead"), await person(api, http, "member")
    project = (await lead.job("createProject", name="p"))["project"]
    assert (await refused(lead, "updateProject", id=project["id"], account="member"))[0] == 431
    await lead.job("addAccountToProject", projectid=project["id"], account="member")
    changed = (await lead.job("updateProject", id=project["id"], account="member", name="q", displaytext="text"))[
        "project"
    ]
    assert (changed["name"], changed["displaytext"], changed["owner"]) == ("q", "text", [{"account": "member"}])
    assert (await refused(lead, "suspendProject", id=project["id"]))[0] == 531
    await member.job("updateProject", id=project["id"], account="lead", roletype="Admin", swapowner=False)
    (found,) = (await lead.call("listProjects"))["project"]
    assert {one["account"] for one in found["owner"]} == {"lead", "member"}
    await member.job("updateProject", id=project["id"], account="member", roletype="Regular")
    assert (await refused(lead, "updateProject", id=project["id"], account="lead", roletype="Regular"))[0] == 431
    # what belongs to it is told with the new name
    machine = await lead.deploy(projectid=project["id"], startvm=False)
    assert machine["project"] == "q"


async def test_invitations(api: Api, http: aiohttp.ClientSession) -> None:
    await api.call("updateConfiguration", name="project.invite.required", value="true")
    # the default role of users has no commands for single users in projects
    every = await role(api, "every", "User", "*")
    lead, member, other = [await person(api, http, name, roleid=every["id"]) for name in ("lead", "member", "other")]
    project = (await lead.job("createProject", name="p"))["project"]
    where = {"projectid": project["id"]}
    await lead.job("addAccountToProject", account="member", **where)
    assert (await refused(lead, "addAccountToProject", account="member", **where))[0] == 431
    assert (await refused(member, "listProjectAccounts", **where))[0] == 431
    (invitation,) = (await member.call("listProjectInvitations", activeonly=True))["projectinvitation"]
    assert (invitation["state"], invitation["project"], invitation["account"]) == ("Pending", "p", "member")
    assert await other.call("listProjectInvitations") == {}
    assert (await refused(other, "deleteProjectInvitation", id=invitation["id"]))[0] == 431
    assert (await lead.call("listProjectInvitations", **where))["count"] == 1
    assert (await refused(other, "updateProjectInvitation", account="member", **where))[0] == 431
    assert (await refused(other, "updateProjectInvitation", **where))[0] == 431
    await member.job("updateProjectInvitation", account="member", **where)
    await member.call("listProjectAccounts", **where)
    assert (await refused(member, "updateProjectInvitation", account="member", **where))[0] == 431
    assert (await member.call("listProjectInvitations"))["projectinvitation"][0]["state"] == "Completed"
    await lead.job("addUserToProject", username="other", **where)
    await other.job("updateProjectInvitation", accept=False, **where)
    assert (await other.call("listProjectInvitations"))["projectinvitation"][0]["state"] == "Declined"
    await lead.job("addAccountToProject", account="other", **where)
    await api.call("updateConfiguration", name="project.invite.timeout", value="0")
    states = [row["state"] for row in (await other.call("listProjectInvitations"))["projectinvitation"]]
    assert states == ["Declined", "Expired"]
    assert (await refused(other, "updateProjectInvitation", account="other", **where))[0] == 431
    for row in (await lead.call("listProjectInvitations", **where))["projectinvitation"]:
        await lead.job("deleteProjectInvitation", id=row["id"])
    assert await lead.call("listProjectInvitations", **where) == {}


async def test_roles_of_a_project_limit_its_members(api: Api, http: aiohttp.ClientSession) -> None:
    # the default role of users has no commands for roles of projects
    every = await role(api, "every", "User", "*")
    lead, member = [await person(api, http, name, roleid=every["id"]) for name in ("lead", "member")]
    project = (await lead.job("createProject", name="p"))["project"]
    other = (await member.job("createProject", name="other"))["project"]
    where = {"projectid": project["id"]}
    made = (await lead.call("createProjectRole", name="watcher", description="looks", **where))["projectrole"]
    for rule, what in (("stop*", "deny"), ("rebootVirtualMachine", "deny")):
        await lead.call("createProjectRolePermission", projectroleid=made["id"], rule=rule, permission=what, **where)
    rules = (await lead.call("listProjectRolePermissions", projectroleid=made["id"], **where))["projectrolepermission"]
    assert [row["rule"] for row in rules] == ["stop*", "rebootVirtualMachine"]
    await lead.job("addAccountToProject", account="member", projectroleid=made["id"], **where)
    machine = await member.deploy(**where)
    assert (await refused(member, "stopVirtualMachine", id=machine["id"]))[0] == 431
    own = await member.deploy()
    await member.job("stopVirtualMachine", id=own["id"])
    first = {"projectroleid": made["id"], "projectrolepermissionid": rules[0]["id"], **where}
    await lead.call("updateProjectRolePermission", permission="allow", **first)
    await member.job("stopVirtualMachine", id=machine["id"])
    order = ",".join(row["id"] for row in reversed(rules))
    await lead.call("updateProjectRolePermission", projectroleid=made["id"], ruleorder=order, **where)
    # neither members nor those who lead other projects change it
    for caller in (member,):
        assert (await refused(caller, "createProjectRole", name="x", **where))[0] == 531
    assert (await refused(member, "deleteProjectRole", id=made["id"], projectid=other["id"]))[0] == 431
    assert (await refused(lead, "deleteProjectRole", id=made["id"], **where))[0] == 431
    assert (await refused(lead, "createProjectRole", name="watcher", **where))[0] == 431
    await lead.call("updateProjectRole", id=made["id"], name="else", **where)
    await lead.call("deleteProjectRolePermission", id=rules[0]["id"], **where)
    await lead.job("deleteAccountFromProject", account="member", **where)
    await lead.call("deleteProjectRole", id=made["id"], **where)
    assert await lead.call("listProjectRoles", **where) == {}


async def test_suspending_and_deleting(api: Api, http: aiohttp.ClientSession) -> None:
    lead = await person(api, http, "lead")
    project = (await lead.job("createProject", name="p"))["project"]
    machine = await lead.deploy(projectid=project["id"])
    assert (await lead.job("suspendProject", id=project["id"]))["project"]["state"] == "Suspended"
    assert (await refused(lead, "deployVirtualMachine", **{**await lead.basics(), "projectid": project["id"]}))[
        0
    ] == 431
    assert (await lead.job("activateProject", id=project["id"]))["project"]["state"] == "Active"
    await lead.job("stopVirtualMachine", id=machine["id"])
    status, text = await refused(lead, "deleteProject", id=project["id"])
    assert (status, "cleanup" in text) == (530, True)
    assert (await lead.call("listProjects"))["project"][0]["state"] == "Active"
    await lead.job("deleteProject", id=project["id"], cleanup=True)
    assert await lead.call("listProjects") == {}
    assert await api.call("listVirtualMachines", listall=True, projectid="-1") == {}
    assert await api.call("listNetworks", listall=True, projectid="-1") == {}
    assert (await refused(lead, "listProjectAccounts", projectid=project["id"]))[0] == 431
    await lead.job("createProject", name="p")


async def test_who_makes_projects_and_how_many(api: Api, http: aiohttp.ClientSession) -> None:
    far = await domain(api, "far")
    lead = await person(api, http, "lead")
    await account(api, "else", domainid=far["id"])
    me = (await lead.call("listAccounts"))["account"][0]
    await api.call("updateResourceLimit", account="lead", domainid=me["domainid"], resourcetype=5, max=1)
    project = (await lead.job("createProject", name="p"))["project"]
    assert (await refused(lead, "createProject", name="q"))[0] == 535
    assert (await refused(api, "createProject", name="p"))[0] == 431
    assert (await refused(lead, "addAccountToProject", projectid=project["id"], account="else"))[0] == 431
    await api.call("updateConfiguration", name="allow.user.create.projects", value="false")
    await api.call("updateResourceLimit", account="lead", domainid=me["domainid"], resourcetype=5, max=9)
    assert (await refused(lead, "createProject", name="q"))[0] == 531
    made = (await api.job("createProject", name="q", account="lead", domainid=me["domainid"]))["project"]
    assert made["owner"] == [{"account": "lead"}]
    one: dict[str, Any] = (await api.job("createProject", name="r", userid=me["user"][0]["id"]))["project"]
    assert one["owner"] == [{"account": "lead", "userid": me["user"][0]["id"], "user": "lead"}]
    assert {row["name"] for row in (await lead.call("listProjects"))["project"]} == {"p", "q", "r"}
    assert await api.call("listProjects") == {}
    assert (await api.call("listProjects", listall=True))["count"] == 3
    assert (await api.call("listProjects", listall=True, username="lead"))["count"] == 3
    assert (await api.call("listProjects", account="lead", domainid=me["domainid"]))["count"] == 3
