"""Domains, accounts, users, roles, projects and their members, limits, second factors."""

from __future__ import annotations

from typing import Any

from access_cast import Cast
from access_rows import Row, thing
from access_rule import ABOVE, IN_PROJECT, OWNERS

from cloudsim.db import schema


@thing("user", projects=False)
async def _user(cast: Cast, **_: Any) -> str:
    return cast.names["account"]["user.owner"]


@thing("account", projects=False)
async def _account(cast: Cast, **_: Any) -> str:
    return cast.names["account"]["account.owner"]


@thing("domain", owned="domain")
async def _domain(cast: Cast, **owner: Any) -> str:
    return cast.id("domain", owner)


@thing("project", owned="project")
async def _project(cast: Cast, **owner: Any) -> str:
    return cast.id("project", owner)


@thing("projectrole", owned="project")
async def _project_role(cast: Cast, **owner: Any) -> str:
    given = {"name": "readers", "projectid": cast.id("project", owner)}
    return (await cast.api.call("createProjectRole", **given))["projectrole"]["id"]


@thing("projectrule", owned="project", needs=("projectrole",))
async def _project_rule(cast: Cast, **owner: Any) -> str:
    where = {"projectid": cast.id("project", owner), "projectroleid": cast.id("projectrole", owner)}
    made = await cast.api.call("createProjectRolePermission", rule="list*", permission="deny", **where)
    return made["projectrolepermission"]["id"]


@thing("invitation", owned="project")
async def _invitation(cast: Cast, **owner: Any) -> str:
    (project,) = cast.one("SELECT id FROM project WHERE uuid = ?", cast.id("project", owner))
    (account, domain) = cast.one("SELECT id, domain_id FROM account WHERE name = 'other'")
    given = {"project_id": project, "account_id": account, "domain_id": domain}
    return await cast.insert(schema.project_invitation, state="Pending", role="Regular", **given)


@thing("role", owned="cloud")
async def _role(cast: Cast, **_: Any) -> str:
    return (await cast.api.call("createRole", name="mine", type="User"))["role"]["id"]


@thing("rule", owned="cloud", needs=("role",))
async def _rule(cast: Cast, **owner: Any) -> str:
    given = {"roleid": cast.id("role", owner), "rule": "list*", "permission": "allow"}
    return (await cast.api.call("createRolePermission", **given))["rolepermission"]["id"]


ASKED: dict[str, Any] = {"why": "who is invited answers; for all others there is nothing to answer"}
ASKED |= {"sees": (*IN_PROJECT, "other"), "only": ("other",), "otherwise": 431}
PERSON = {"email": "a@example.com", "firstname": "A", "lastname": "B", "password": "a password", "username": "made"}
LEAD = {"only": OWNERS, "why": "projects are changed by their admins and by those above"}
LEFT = "DELETE FROM project_account WHERE account_id = (SELECT id FROM account WHERE uuid = :id)"
UP = {"only": ABOVE, "why": "accounts and users are changed by admins above"}
SELF = {"only": ("root", "above", "owner"), "why": "users change themselves, and are changed by admins above"}
OWN = "users see what is theirs: other users of the account are for admins to see"
INVITED = {"sees": (*IN_PROJECT, "other"), "why": "whoever is invited sees the invitation as well"}

ROWS = [
    # -- domains
    Row("createDomain", name="made"),
    Row("createDomain", "domain", by="parentdomainid", name="made"),
    Row("updateDomain", "domain", networkdomain="x.example.com"),
    Row("moveDomain", "domain", by="domainid", parentdomainid="@domain.top.side"),
    Row("deleteDomain", "domain", cleanup=True),
    Row("listDomains", "domain"),
    Row("listDomainChildren", "domain", key="parentdomainid", listed=False),
    # -- accounts
    Row("createAccount", accounttype=0, spread=False, **PERSON),
    Row("createAccount", "domain", by="domainid", accounttype=0, **PERSON),
    Row("updateAccount", "account", networkdomain="x.example.com", **UP),
    Row("deleteAccount", "account", given=LEFT, **UP),
    Row("disableAccount", "account", lock=False, **UP),
    Row("enableAccount", "account", **UP),
    Row("lockAccount", "domain", by="domainid", account="@account", **UP),
    Row("markDefaultZoneForAccount", "domain", by="domainid", account="@account", zoneid="@zone"),
    Row("listAccounts", "account"),
    # -- users
    Row("createUser", "domain", by="domainid", account="@account", **PERSON),
    Row("updateUser", "user", firstname="Else", **SELF),
    Row("deleteUser", "user", **UP),
    Row("disableUser", "user", **UP),
    Row("enableUser", "user", **UP),
    Row("lockUser", "user", **UP),
    Row("moveUser", "user", account="other"),
    Row("getUserKeys", "user", **SELF),
    Row("registerUserKeys", "user", **SELF),
    Row("listUsers", "user"),
    # -- second factors
    Row("setupUserTwoFactorAuthentication", answers=431, why="the setting enable.user.2fa is off"),
    Row("validateUserTwoFactorAuthenticationCode", codefor2fa="1", answers=431, why="nobody set up a factor"),
    Row("listUserTwoFactorAuthenticatorProviders"),
    # -- roles
    Row("createRole", name="made", type="User"),
    Row("importRole", name="made", type="User", **{"rules[0].rule": "list*", "rules[0].permission": "allow"}),
    Row("updateRole", "role", description="else"),
    Row("deleteRole", "role"),
    Row("enableRole", "role"),
    Row("disableRole", "role"),
    Row("listRoles", "role"),
    Row("createRolePermission", "role", by="roleid", rule="get*", permission="allow"),
    Row("updateRolePermission", "role", by="roleid", ruleid="@rule", permission="deny"),
    Row("deleteRolePermission", "rule"),
    Row("listRolePermissions", "role", by="roleid"),
    # -- projects
    Row("createProject", name="made", spread=False),
    Row("updateProject", "project", displaytext="else", **LEAD),
    Row("suspendProject", "project", **LEAD),
    Row("activateProject", "project", given="UPDATE project SET state = 'Suspended' WHERE uuid = :id", **LEAD),
    Row("deleteProject", "project", cleanup=True, **LEAD),
    Row("listProjects", "project"),
    Row("addAccountToProject", "project", by="projectid", account="other", **LEAD),
    Row("addUserToProject", "project", by="projectid", username="other", **LEAD),
    Row("deleteAccountFromProject", "project", by="projectid", account="member"),
    Row("deleteUserFromProject", "project", by="projectid", userid="@user.member"),
    Row("listProjectAccounts", "project", by="projectid"),
    Row("createProjectRole", "project", by="projectid", name="made", **LEAD),
    Row("updateProjectRole", "projectrole", projectid="@project", name="else", **LEAD),
    Row("deleteProjectRole", "projectrole", projectid="@project", **LEAD),
    Row("listProjectRoles", "projectrole", by="projectroleid", projectid="@project"),
    Row(
        "createProjectRolePermission",
        "projectrole",
        by="projectroleid",
        projectid="@project",
        rule="get*",
        permission="deny",
        **LEAD,
    ),
    Row(
        "updateProjectRolePermission",
        "projectrule",
        by="projectrolepermissionid",
        projectid="@project",
        projectroleid="@projectrole",
        permission="allow",
        **LEAD,
    ),
    Row("deleteProjectRolePermission", "projectrule", projectid="@project", **LEAD),
    Row("listProjectRolePermissions", "projectrole", by="projectroleid", projectid="@project"),
    Row("listProjectInvitations", "invitation", listed=False, **INVITED),
    Row("deleteProjectInvitation", "invitation", sees=INVITED["sees"], only=(*OWNERS, "other"), why="see above"),
    Row("updateProjectInvitation", "project", by="projectid", **ASKED),
    # -- limits
    Row("updateResourceLimit", "account", by="ignored", resourcetype=0, max=5, account="@account", domainid="@domain"),
    Row("listResourceLimits"),
    Row("updateResourceCount", "domain", by="domainid"),
]
