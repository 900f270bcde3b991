"""What must not be: refused with the right code, and the database is afterwards, byte for byte, what it was before."""

from __future__ import annotations

from typing import Any

import pytest
from access_cast import Cast

pytestmark = pytest.mark.asyncio(loop_scope="module")

GHOST = "00000000-1111-4222-8333-444444444444"
PERSON = {"email": "a@example.com", "firstname": "A", "lastname": "B", "password": "a password"}
MID = {"domainid": "@domain"}
OWNER = {"account": "owner", **MID}
RULE = {"rules[0].rule": "list*", "rules[0].permission": "allow", "rules[1].permission": "allow"}

#: what is wrong: the code, the command and its parameters, by the root admin
REFUSED: dict[str, tuple[int, str, dict[str, Any]]] = {
    # -- nobody is left who could undo it
    "the last root admin gets a user's role": (431, "updateAccount", {"id": "@admin", "roleid": "@User"}),
    "the last root admin gets a role that only reads": (431, "updateAccount", {"id": "@admin", "roleid": "@Read-Only"}),
    "the last root admin's account is disabled": (431, "disableAccount", {"id": "@admin", "lock": False}),
    "the last root admin's account is locked": (431, "disableAccount", {"id": "@admin", "lock": True}),
    "the last root admin's account is deleted": (431, "deleteAccount", {"id": "@admin"}),
    "the last root admin is disabled": (431, "disableUser", {"id": "@root.user"}),
    "the last root admin is locked": (431, "lockUser", {"id": "@root.user"}),
    "the last root admin is deleted": (431, "deleteUser", {"id": "@root.user"}),
    # -- rules
    "a rule that is no name": (
        431,
        "createRolePermission",
        {"roleid": "@role", "rule": "list Zones", "permission": "allow"},
    ),
    "a role of an unknown type": (431, "createRole", {"name": "new", "type": "Emperor"}),
    "a default role is changed": (
        531,
        "createRolePermission",
        {"roleid": "@User", "rule": "get*", "permission": "allow"},
    ),
    "a default role is deleted": (531, "deleteRole", {"id": "@User"}),
    # -- limits
    "an account's limit below what it has": (431, "updateResourceLimit", {**OWNER, "resourcetype": 0, "max": 0}),
    "a project's limit below what it has": (
        431,
        "updateResourceLimit",
        {"projectid": "@project", "resourcetype": 0, "max": 0},
    ),
    "a domain's limit below what is in it": (431, "updateResourceLimit", {**MID, "resourcetype": 0, "max": 1}),
    "a limit below -1": (431, "updateResourceLimit", {**OWNER, "resourcetype": 0, "max": -2}),
    "a limit of an unknown kind": (431, "updateResourceLimit", {**OWNER, "resourcetype": 99, "max": 5}),
    "a limit of the ROOT domain": (431, "updateResourceLimit", {"domainid": "@root", "resourcetype": 0, "max": 5}),
    "a limit of nobody": (431, "updateResourceLimit", {"account": "nobody", **MID, "resourcetype": 0, "max": 5}),
    # -- in use
    "a domain with accounts": (530, "deleteDomain", {"id": "@domain"}),
    "the ROOT domain": (431, "deleteDomain", {"id": "@root", "cleanup": True}),
    "an account that leads a project": (431, "deleteAccount", {"id": "@account.owner"}),
    "a project with machines": (530, "deleteProject", {"id": "@project"}),
    "a network with machines": (530, "deleteNetwork", {"id": "@network"}),
    "user data of a machine": (536, "deleteUserData", {"id": "@used.userdata"}),
    "a project role of a member": (431, "deleteProjectRole", {"id": "@used.projectrole", "projectid": "@project"}),
    "a role of an account": (531, "deleteRole", {"id": "@used.role"}),
    "a zone with hosts": (536, "deleteZone", {"id": "@zone"}),
    "a pod with hosts": (536, "deletePod", {"id": "@pod"}),
    "a cluster with hosts": (536, "deleteCluster", {"id": "@cluster"}),
    "a host that runs": (431, "deleteHost", {"id": "@host"}),
    "a physical network with networks": (536, "deletePhysicalNetwork", {"id": "@physicalnetwork"}),
    # -- taken, or nothing that could be
    "a user name that is taken, with a new account": (
        431,
        "createAccount",
        {**PERSON, **MID, "account": "new", "username": "owner", "accounttype": 0},
    ),
    "an account name that is taken, with a new user": (
        431,
        "createAccount",
        {**PERSON, **MID, "account": "owner", "username": "new", "accounttype": 0},
    ),
    "a root admin below the root": (431, "createAccount", {**PERSON, **MID, "username": "new", "accounttype": 1}),
    "an account with a role that is not there": (
        431,
        "createAccount",
        {**PERSON, **MID, "username": "new", "roleid": GHOST},
    ),
    "an account with an id that is none": (
        431,
        "createAccount",
        {**PERSON, **MID, "username": "new", "accounttype": 0, "accountid": "x"},
    ),
    "an account whose user has an id that is none": (
        431,
        "createAccount",
        {**PERSON, **MID, "username": "new", "accounttype": 0, "userid": "x"},
    ),
    "a user of no account": (431, "createUser", {**PERSON, **MID, "account": "nobody", "username": "new"}),
    "a user name that is taken": (431, "createUser", {**PERSON, **OWNER, "username": "other"}),
    "a user gets a name that is taken": (431, "updateUser", {"id": "@user", "username": "other", "firstname": "New"}),
    "a user gets one key of two": (431, "updateUser", {"id": "@user", "userapikey": "x", "firstname": "New"}),
    "a user moves to another domain": (431, "moveUser", {"id": "@user", "accountid": "@account.beside"}),
    "a domain name that is taken": (431, "createDomain", {"name": "leaf", "parentdomainid": "@domain"}),
    "a domain name with a slash": (431, "createDomain", {"name": "a/b"}),
    "a domain below itself": (431, "moveDomain", {"domainid": "@domain", "parentdomainid": "@domain.top.mid.leaf"}),
    "a domain gets a name that is taken": (
        431,
        "updateDomain",
        {"id": "@domain", "name": "side", "networkdomain": "x.example.com"},
    ),
    "a project name that is taken": (431, "createProject", {"name": "shared", **OWNER}),
    "a project gets an owner who is not in it": (
        431,
        "updateProject",
        {"id": "@project", "account": "nobody", "displaytext": "new"},
    ),
    "a member who is one already": (431, "addAccountToProject", {"projectid": "@project", "account": "member"}),
    "a member of another domain": (431, "addAccountToProject", {"projectid": "@project", "account": "beside"}),
    "a group name that is taken": (431, "createInstanceGroup", {"name": "mine", **OWNER}),
    "a key pair's name that is taken": (431, "createSSHKeyPair", {"name": "mine", **OWNER}),
    "a public key that is none": (431, "registerSSHKeyPair", {"name": "new", "publickey": "nonsense", **OWNER}),
    "user data that is not base64": (431, "registerUserData", {"name": "new", "userdata": "%%%", **OWNER}),
    "a tag twice, with another thing": (
        431,
        "createTags",
        {"resourceids": "@volume,@virtualmachine", "resourcetype": "UserVm", "tags[0].key": "a", "tags[0].value": "b"},
    ),
    "a tag that is on one of two": (
        431,
        "createTags",
        {
            "resourceids": "@used.machine,@virtualmachine",
            "resourcetype": "UserVm",
            "tags[0].key": "a",
            "tags[0].value": "b",
        },
    ),
    "events of which one is not there": (431, "deleteEvents", {"ids": f"@event,{GHOST}"}),
    "a setting that is not there": (431, "updateConfiguration", {"name": "no.such.setting", "value": "1"}),
    "a setting that is no number": (431, "updateConfiguration", {"name": "expunge.delay", "value": "soon"}),
}


@pytest.fixture(scope="module")
def more() -> dict[str, str]:
    return {}


async def names(cast: Cast, more: dict[str, str]) -> dict[str, str]:
    """What is in use, beside the cast."""
    if more:
        return more
    api, project = cast.api, cast.names["account"]["project"]
    own = {"account": "owner", "domainid": cast.names["account"]["domain"]}
    data = (await api.call("registerUserData", name="used", userdata="b3RoZXI=", **own))["userdata"]["id"]
    where = {"networkids": cast.names["account"]["network"], "startvm": False, **own}
    more["used.machine"] = (await api.deploy(userdataid=data, **where))["id"]
    more["used.userdata"] = data
    part = (await api.call("createProjectRole", name="used", projectid=project))["projectrole"]["id"]
    await api.job("addAccountToProject", projectid=project, account="other", projectroleid=part)
    more["used.projectrole"] = part
    role = (await api.call("createRole", name="used", type="User"))["role"]["id"]
    await api.call("createAccount", "POST", **PERSON, username="used", roleid=role)
    more["used.role"] = role
    roles = {one["name"]: one["id"] for one in (await api.call("listRoles"))["role"]}
    more |= {"User": roles["User"], "Read-Only": roles["Read-Only Admin - Default"]}
    (admin,) = (await api.call("listAccounts", name="admin"))["account"]
    more |= {"admin": admin["id"], "root.user": admin["user"][0]["id"]}
    return more


@pytest.mark.parametrize("what", REFUSED)
async def test_what_must_not_be(what: str, cast: Cast, more: dict[str, str]) -> None:
    known = {**cast.names["account"], **await names(cast, more)}
    code, command, given = REFUSED[what]
    sent = dict(given)
    for name, value in given.items():
        if isinstance(value, str) and value.startswith("@"):
            sent[name] = ",".join(known[one[1:]] if one.startswith("@") else one for one in value.split(","))
    before = cast.digest()
    status, body = await cast.send("root", command, sent)
    if "jobid" in body:
        ended = await cast.api.wait(body["jobid"])
        status, body = ended["jobresultcode"] or 200, ended["jobresult"]
    assert (status, cast.digest() == before) == (code, True), body
    assert body["errortext"]
