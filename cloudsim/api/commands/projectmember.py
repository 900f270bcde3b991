"""Members of projects, invitations, and the roles of projects."""

from __future__ import annotations

from cloudsim.api.command import AsyncCommand, Body, Command, DomainList, ListCommand, id_of
from cloudsim.api.params import boolean, ref, string, strings, uuid
from cloudsim.api.responses import project as responses
from cloudsim.core.errors import InvalidValue
from cloudsim.services import access, project, project_member
from cloudsim.services.access import EVERYTHING
from cloudsim.services.context import Context, Row
from cloudsim.services.nouns import ACCOUNT, PROJECT, PROJECT_INVITATION, PROJECT_ROLE, PROJECT_RULE, USER

_MAIL = "Without effect: this server sends no mail, an invited account finds its invitation in the list"


class AddAccountToProject(AsyncCommand, name="addAccountToProject", event="PROJECT.ACCOUNT.ADD", since="3.0.0"):
    """Puts an account into a project, or invites it where the cloud asks for invitations."""

    projectid = ref(PROJECT, required=True)
    account = string("The name of the account, in the project's domain")
    email = string(_MAIL)
    projectroleid = ref(PROJECT_ROLE, "The role of the project it gets")
    roletype = string("Admin or Regular")

    def run(self, ctx: Context) -> Body:
        if self.account is None:
            raise InvalidValue("give account: an invitation by mail alone cannot be sent")
        project.must_lead(ctx, self.projectid)
        job = project_member.add(
            ctx,
            self.projectid,
            who=project.account_in(ctx, self.projectid, self.account),
            user_row=None,
            role_type=self.roletype,
            project_role=self.projectroleid,
        )
        return {"jobid": job}


class AddUserToProject(AsyncCommand, name="addUserToProject", event="PROJECT.USER.ADD", since="4.14"):
    """Puts one user into a project, or invites the user where the cloud asks for invitations."""

    projectid = ref(PROJECT, required=True)
    username = string("The name of the user, in the project's domain", required=True)
    email = string(_MAIL)
    projectroleid = ref(PROJECT_ROLE, "The role of the project the user gets")
    roletype = string("Admin or Regular")

    def run(self, ctx: Context) -> Body:
        project.must_lead(ctx, self.projectid)
        user = project.user_in(ctx, self.projectid, self.username)
        job = project_member.add(
            ctx,
            self.projectid,
            who=access.row(ctx, ACCOUNT, user["account_id"]),
            user_row=user,
            role_type=self.roletype,
            project_role=self.projectroleid,
        )
        return {"jobid": job}


class DeleteAccountFromProject(
    AsyncCommand, name="deleteAccountFromProject", event="PROJECT.ACCOUNT.REMOVE", since="3.0.0"
):
    """Takes an account out of a project."""

    account = string("The name of the account", required=True)
    projectid = ref(PROJECT, required=True)

    def run(self, ctx: Context) -> Body:
        who = project.account_in(ctx, self.projectid, self.account)
        return {"jobid": project_member.remove(ctx, self.projectid, account_row=who, user_row=None)}


class DeleteUserFromProject(AsyncCommand, name="deleteUserFromProject", event="PROJECT.USER.REMOVE", since="4.15.0"):
    """Takes a user out of a project."""

    projectid = ref(PROJECT, required=True)
    userid = ref(USER, required=True)

    def run(self, ctx: Context) -> Body:
        who = access.row(ctx, ACCOUNT, self.userid["account_id"])
        return {"jobid": project_member.remove(ctx, self.projectid, account_row=who, user_row=self.userid)}


class ListProjectAccounts(
    ListCommand, name="listProjectAccounts", response=responses.PROJECT, noun="projectaccount", since="3.0.0"
):
    """Lists the members of a project."""

    projectid = ref(PROJECT, required=True)
    account = string("Only the account of this name")
    projectroleid = ref(PROJECT_ROLE, "Only members with this role of the project")
    role = string("Only members who are this: Admin or Regular")
    userid = ref(USER, "Only this user")

    def run(self, ctx: Context) -> Body:
        given = {
            "keyword": self.keyword,
            "project": self.projectid["id"],
            "account": self.account,
            "projectrole": id_of(self.projectroleid),
            "role": self.role.lower() if self.role else None,
            "user": id_of(self.userid),
        }
        ids, count = project_member.LISTING.page(ctx, given, self.paging(ctx))
        return self.body(responses.members(ctx, ids), count)


class ListProjectInvitations(DomainList, name="listProjectInvitations", response=responses.INVITATION, since="3.0.0"):
    """Lists invitations: those the caller got; for those who lead a project, with projectid, those it sent."""

    account = string()
    activeonly = boolean("Whether only those that can still be accepted are listed")
    id = ref(PROJECT_INVITATION)
    projectid = ref(PROJECT)
    state = string()
    userid = ref(USER, "Only those this user got")

    def run(self, ctx: Context) -> Body:
        wanted = access.scope(
            ctx,
            account=self.account,
            domain=self.domainid,
            listall=self.listall,
            isrecursive=self.isrecursive,
            by_id=self.id is not None,
        )
        # an invitation that is named was looked up: the caller may see it
        scope = EVERYTHING if self.id else project_member.invitation_scope(ctx, wanted, self.projectid)
        given = {
            "keyword": self.keyword,
            "id": id_of(self.id),
            "project": id_of(self.projectid),
            "user": id_of(self.userid),
            "state": self.state.lower() if self.state else None,
            "active": project_member.earliest(ctx) if self.activeonly else None,
        }
        return self.answer(ctx, project_member.INVITATIONS.page(ctx, given, self.paging(ctx), scope))


class UpdateProjectInvitation(
    AsyncCommand, name="updateProjectInvitation", event="PROJECT.INVITATION.UPDATE", since="3.0.0"
):
    """Accepts or declines an invitation."""

    projectid = uuid("The project", required=True)
    accept = boolean("Whether it is accepted (true if not said)", default=True)
    account = string("The account that is invited; the caller's where nothing is said")
    token = string("What an invitation that was sent says", secret=True)
    userid = ref(USER, "The user who is invited")

    def run(self, ctx: Context) -> Body:
        # whoever is invited is not a member yet: the invitation shows the project
        found = ctx.tx.first(PROJECT.by_uuid, uuid=self.projectid)
        if found is None:
            raise access.not_found(PROJECT, self.projectid)
        job = project_member.answer(
            ctx,
            found,
            account_name=self.account,
            user_row=self.userid,
            token=self.token,
            accept=self.accept,
        )
        return {"jobid": job}


class DeleteProjectInvitation(
    AsyncCommand, name="deleteProjectInvitation", event="PROJECT.INVITATION.REMOVE", since="3.0.0"
):
    """Takes an invitation back, or throws away one that the caller got."""

    id = ref(PROJECT_INVITATION, required=True)

    def run(self, ctx: Context) -> Body:
        return {"jobid": project_member.withdraw(ctx, self.id)}


# -- roles


class _OfProject(Command):
    response = responses.PROJECT_ROLE
    projectid: Row

    def one(self, ctx: Context, row_id: int) -> Body:
        """The answer for one role."""
        return {"projectrole": responses.role(access.row(ctx, PROJECT_ROLE, row_id), self.projectid)}


class CreateProjectRole(_OfProject, name="createProjectRole", event="PROJECT.ROLE.CREATE", since="4.15.0"):
    """Makes a role of a project: its rules limit what members who have it may do there."""

    name = string(required=True)
    projectid = ref(PROJECT, required=True)
    description_ = string()

    def run(self, ctx: Context) -> Body:
        return self.one(ctx, project_member.create_role(ctx, self.projectid, self.name, self.description_))


class ListProjectRoles(ListCommand, name="listProjectRoles", response=responses.PROJECT_ROLE, since="4.15.0"):
    """Lists the roles of a project."""

    projectid = ref(PROJECT, required=True)
    name = string()
    projectroleid = ref(PROJECT_ROLE)

    def run(self, ctx: Context) -> Body:
        given = {
            "keyword": self.keyword,
            "project": self.projectid["id"],
            "id": id_of(self.projectroleid),
            "name": self.name,
        }
        ids, count = project_member.ROLES.page(ctx, given, self.paging(ctx))
        return self.body([responses.role(access.row(ctx, PROJECT_ROLE, i), self.projectid) for i in ids], count)


class UpdateProjectRole(_OfProject, name="updateProjectRole", event="PROJECT.ROLE.UPDATE", since="4.15.0"):
    """Changes a role of a project."""

    id = ref(PROJECT_ROLE, required=True)
    projectid = ref(PROJECT, required=True)
    description_ = string()
    name = string()

    def run(self, ctx: Context) -> Body:
        project_member.update_role(ctx, self.projectid, self.id, self.name, self.description_)
        return self.one(ctx, self.id["id"])


class DeleteProjectRole(Command, name="deleteProjectRole", event="PROJECT.ROLE.DELETE", since="4.15.0"):
    """Deletes a role of a project that no member has."""

    id = ref(PROJECT_ROLE, required=True)
    projectid = ref(PROJECT, required=True)

    def run(self, ctx: Context) -> Body:
        project_member.remove_role(ctx, self.projectid, self.id)
        return {"success": True}


class CreateProjectRolePermission(
    Command,
    name="createProjectRolePermission",
    response=responses.PROJECT_RULE,
    event="PROJECT.ROLE.PERMISSION.CREATE",
    since="4.15.0",
):
    """Puts a rule behind those of a project role."""

    permission = string("allow or deny", required=True)
    projectid = ref(PROJECT, required=True)
    projectroleid = ref(PROJECT_ROLE, required=True)
    rule = string("The name of a command, or a pattern with *", required=True)
    description_ = string()

    def run(self, ctx: Context) -> Body:
        made = project_member.add_rule(
            ctx, self.projectid, self.projectroleid, self.rule, self.permission, self.description_
        )
        return {"projectrolepermission": responses.rule(made, self.projectid)}


class ListProjectRolePermissions(
    Command, name="listProjectRolePermissions", response=responses.PROJECT_RULE, since="4.15.0"
):
    """Lists the rules of a project's roles in their order: the first that fits a command decides."""

    reads = True

    projectid = ref(PROJECT, required=True)
    projectroleid = ref(PROJECT_ROLE)

    def run(self, ctx: Context) -> Body:
        found = [
            responses.rule(row, self.projectid) for row in project_member.rules(ctx, self.projectid, self.projectroleid)
        ]
        return {"count": len(found), "projectrolepermission": found} if found else {}


class UpdateProjectRolePermission(
    Command, name="updateProjectRolePermission", event="PROJECT.ROLE.PERMISSION.UPDATE", since="4.15.0"
):
    """Changes what a rule says, or the order of all rules of a project role."""

    projectid = ref(PROJECT, required=True)
    projectroleid = ref(PROJECT_ROLE, required=True)
    permission = string("allow or deny")
    projectrolepermissionid = ref(PROJECT_RULE, "The rule that is changed")
    ruleorder = strings("The ids of all rules of the role in their new order")

    def run(self, ctx: Context) -> Body:
        project_member.change_rule(
            ctx,
            self.projectid,
            self.projectroleid,
            self.projectrolepermissionid,
            self.permission,
            self.ruleorder,
        )
        return {"success": True}


class DeleteProjectRolePermission(
    Command, name="deleteProjectRolePermission", event="PROJECT.ROLE.PERMISSION.DELETE", since="4.15.0"
):
    """Takes a rule off its project role."""

    id = ref(PROJECT_RULE, required=True)
    projectid = ref(PROJECT, required=True)

    def run(self, ctx: Context) -> Body:
        project_member.remove_rule(ctx, self.projectid, self.id)
        return {"success": True}
