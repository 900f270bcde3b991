"""Who may use templates and ISOs."""

from __future__ import annotations

from cloudsim.api.command import Body, Command
from cloudsim.api.params import boolean, ref, refs, string, strings
from cloudsim.api.responses.base import SUCCESS
from cloudsim.api.responses.template_permission import TEMPLATE_PERMISSION
from cloudsim.services import template_permission
from cloudsim.services.context import Context
from cloudsim.services.nouns import PROJECT, TEMPLATE


class _Update(Command):
    id = ref(TEMPLATE, required=True)
    accounts = strings("Names of accounts in the domain of its owner")
    isextractable = boolean()
    isfeatured = boolean()
    ispublic = boolean()
    op = string("What happens to the accounts and projects: " + ", ".join(template_permission.OPERATIONS))
    projectids = refs(PROJECT, "The projects")

    def change(self, ctx: Context, iso: bool) -> Body:
        """Changes who may use it."""
        template_permission.update(
            ctx,
            self.id,
            iso=iso,
            op=self.op,
            accounts=self.accounts,
            projects=self.projectids,
            public=self.ispublic,
            featured=self.isfeatured,
            extractable=self.isextractable,
        )
        return {"success": True}


class UpdateTemplatePermissions(_Update, name="updateTemplatePermissions", response=SUCCESS):
    """Changes who may use a template: everybody, or also some accounts and projects."""

    def run(self, ctx: Context) -> Body:
        return self.change(ctx, False)


class UpdateIsoPermissions(_Update, name="updateIsoPermissions", response=SUCCESS):
    """Changes who may use an ISO: everybody, or also some accounts and projects."""

    def run(self, ctx: Context) -> Body:
        return self.change(ctx, True)


class ListTemplatePermissions(Command, name="listTemplatePermissions", response=TEMPLATE_PERMISSION, reads=True):
    """Lists the accounts and projects that may use a template."""

    id = ref(TEMPLATE, required=True)

    def run(self, ctx: Context) -> Body:
        return {"templatepermission": template_permission.listed(ctx, self.id, iso=False)}


class ListIsoPermissions(Command, name="listIsoPermissions", response=TEMPLATE_PERMISSION, reads=True):
    """Lists the accounts and projects that may use an ISO."""

    id = ref(TEMPLATE, required=True)

    def run(self, ctx: Context) -> Body:
        return {"templatepermission": template_permission.listed(ctx, self.id, iso=True)}
