"""Projects."""

from __future__ import annotations

from cloudsim.api.command import AsyncCommand, Body, DomainList
from cloudsim.api.params import boolean, mapping, ref, string, strings
from cloudsim.api.responses.project import PROJECT
from cloudsim.core.errors import InvalidValue
from cloudsim.services import access, project
from cloudsim.services.context import Context
from cloudsim.services.listing import like, tags_of
from cloudsim.services.nouns import ACCOUNT, DOMAIN, USER
from cloudsim.services.nouns import PROJECT as NOUN


class ListProjects(DomainList, name="listProjects", response=PROJECT, since="3.0.0"):
    """Lists the projects the caller is in; for admins with listall all of the domains below."""

    account = string("Only those this account is in")
    details = strings("What to tell of each; all of it is always told")
    displaytext = string("A part of the text")
    id = ref(NOUN)
    name = string()
    showicon = boolean()
    state = string()
    tags = mapping()
    username = string("Only those this user is in")

    def run(self, ctx: Context) -> Body:
        scope = project.scope(
            ctx,
            domain=self.domainid,
            listall=self.listall or self.account is not None,
            isrecursive=self.isrecursive or (self.account is not None and self.domainid is not None),
            by_id=self.id is not None,
        )
        given = {
            "keyword": self.keyword,
            "id": self.id["id"] if self.id else None,
            "name": self.name,
            "displaytext": like(self.displaytext) if self.displaytext else None,
            "state": self.state.lower() if self.state else None,
        }
        if self.account is not None:
            given["account"] = access.account_of(ctx, self.domainid, self.account)["id"]
        if self.username is not None:
            user = project.user_named(ctx, self.domainid, self.username)
            given.update(user=user["id"], user_account=user["account_id"])
        return self.answer(ctx, project.LISTING.page(ctx, given, self.paging(ctx), scope, tags_of(self.tags)))


class CreateProject(AsyncCommand, name="createProject", response=PROJECT, event="PROJECT.CREATE", since="3.0.0"):
    """Makes a project."""

    name = string(required=True)
    account = string("The account that leads it; the caller's where none is given")
    accountid = ref(ACCOUNT, "The account that leads it")
    displaytext = string()
    domainid = ref(DOMAIN)
    userid = ref(USER, "The one user who leads it", since="4.15.0")

    def run(self, ctx: Context) -> Body:
        if sum(one is not None for one in (self.account, self.accountid)) > 1:
            raise InvalidValue("give account or accountid, not both")
        owner = self.accountid
        if owner is None and self.userid is not None and self.account is None:
            owner = access.row(ctx, ACCOUNT, self.userid["account_id"])
        if owner is None:
            owner = access.account_of(ctx, self.domainid, self.account)
        if self.userid is not None and self.userid["account_id"] != owner["id"]:
            raise InvalidValue("userid is not a user of that account")
        uuid, job = project.create(ctx, self.name, display_text=self.displaytext, owner=owner, user=self.userid)
        return {"id": uuid, "jobid": job}


class UpdateProject(AsyncCommand, name="updateProject", response=PROJECT, event="PROJECT.UPDATE", since="3.0.0"):
    """Changes a project's texts, or what one of its members is."""

    id = ref(NOUN, required=True)
    account = string("The member who is changed")
    displaytext = string()
    name = string(since="4.19.0")
    roletype = string("What the member is: Admin or Regular")
    swapowner = boolean(
        "Whether the member leads the project in the place of those who do (true if not said)", default=True
    )
    userid = ref(USER, "The member who is changed, where one user of an account is it")

    def run(self, ctx: Context) -> Body:
        return {
            "jobid": project.update(
                ctx,
                self.id,
                name=self.name,
                display_text=self.displaytext,
                owner=self.account,
                user=self.userid,
                role=self.roletype,
                swap=self.swapowner and self.roletype is None,
            )
        }


class DeleteProject(AsyncCommand, name="deleteProject", event="PROJECT.DELETE", since="3.0.0"):
    """Deletes a project."""

    id = ref(NOUN, required=True)
    cleanup = boolean("Whether all it has is removed with it; else it must have nothing", since="4.16.0")

    def run(self, ctx: Context) -> Body:
        return {"jobid": project.delete(ctx, self.id, cleanup=bool(self.cleanup))}


class ActivateProject(AsyncCommand, name="activateProject", response=PROJECT, event="PROJECT.ACTIVATE", since="3.0.0"):
    """Lets a suspended project be used again."""

    envelope = "activaterojectresponse"

    id = ref(NOUN, required=True)

    def run(self, ctx: Context) -> Body:
        return {"jobid": project.activate(ctx, self.id)}


class SuspendProject(AsyncCommand, name="suspendProject", response=PROJECT, event="PROJECT.SUSPEND", since="3.0.0"):
    """Suspends a project: its machines stop, and nothing can be made in it."""

    id = ref(NOUN, required=True)

    def run(self, ctx: Context) -> Body:
        return {"jobid": project.suspend(ctx, self.id)}
