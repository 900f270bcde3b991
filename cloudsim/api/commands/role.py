"""Roles and their rules."""

from __future__ import annotations

from cloudsim.api.command import Body, Command, ListCommand, id_of
from cloudsim.api.params import boolean, mappings, ref, string, strings
from cloudsim.api.responses import role as responses
from cloudsim.services import role
from cloudsim.services.context import Context
from cloudsim.services.nouns import ROLE, ROLE_PERMISSION


class ListRoles(ListCommand, name="listRoles", response=responses.ROLE, since="4.9.0"):
    """Lists roles."""

    id = ref(ROLE)
    name = string()
    state = string()
    type = string(values=role.TYPES)

    def run(self, ctx: Context) -> Body:
        return self.select(
            ctx,
            role.LISTING,
            id=id_of(self.id),
            name=self.name.lower() if self.name else None,
            state=self.state.lower() if self.state else None,
            type=self.type,
            public=None if ctx.caller.is_admin else True,
        )


class _RoleCommand(Command):
    response = responses.ROLE

    def one(self, ctx: Context, row_id: int) -> Body:
        """The answer for one role."""
        made = ctx.present("role", row_id)[0]
        del made["isdefault"]  # the reference tells it in lists only
        return {"role": made}


class CreateRole(_RoleCommand, name="createRole", event="ROLE.CREATE", since="4.9.0"):
    """Makes a role: of a type, without rules; or like another role."""

    name = string(required=True)
    description_ = string()
    ispublic = boolean("Whether domain admins may see and give it; true where it is not said")
    roleid = ref(ROLE, "The role whose type and rules it gets")
    type = string("What its accounts are", values=role.TYPES)

    def run(self, ctx: Context) -> Body:
        return self.one(
            ctx,
            role.create(
                ctx,
                self.name,
                type_=self.type,
                like=self.roleid,
                description=self.description_,
                public=self.ispublic,
            ),
        )


class ImportRole(_RoleCommand, name="importRole", event="ROLE.IMPORT", since="4.15.0"):
    """Makes a role with its rules in one go."""

    name = string(required=True)
    rules = mappings(
        "Its rules in their order: rule, permission (allow or deny) and description of each", required=True
    )
    description_ = string()
    forced = boolean("Whether it takes the place of a role of that name and type")
    ispublic = boolean("Whether domain admins may see and give it; true where it is not said")
    type = string("What its accounts are", values=role.TYPES)

    def run(self, ctx: Context) -> Body:
        return self.one(
            ctx,
            role.import_role(
                ctx,
                self.name,
                type_=self.type,
                entries=self.rules,
                description=self.description_,
                public=self.ispublic,
                forced=bool(self.forced),
            ),
        )


class UpdateRole(_RoleCommand, name="updateRole", event="ROLE.UPDATE", since="4.9.0"):
    """Changes a role that is not one of the default ones."""

    id = ref(ROLE, required=True)
    description_ = string()
    ispublic = boolean("Whether domain admins may see and give it")
    name = string()
    type = string("What its accounts are; stays while it has any", values=role.TYPES)

    def run(self, ctx: Context) -> Body:
        role.update(
            ctx,
            self.id,
            name=self.name,
            type_=self.type,
            description=self.description_,
            public=self.ispublic,
        )
        return self.one(ctx, self.id["id"])


class DeleteRole(Command, name="deleteRole", event="ROLE.DELETE", since="4.9.0"):
    """Deletes a role that no account has."""

    id = ref(ROLE, required=True)

    def run(self, ctx: Context) -> Body:
        role.remove(ctx, self.id)
        return {"success": True}


class EnableRole(Command, name="enableRole", event="ROLE.ENABLE", since="4.20.0"):
    """Enables a role."""

    id = ref(ROLE, required=True)

    def run(self, ctx: Context) -> Body:
        role.set_state(ctx, self.id, "enabled")
        return {"success": True}


class DisableRole(Command, name="disableRole", event="ROLE.DISABLE", since="4.20.0"):
    """Disables a role: its accounts may do nothing until it is enabled again."""

    id = ref(ROLE, required=True)

    def run(self, ctx: Context) -> Body:
        role.set_state(ctx, self.id, "disabled")
        return {"success": True}


class ListRolePermissions(Command, name="listRolePermissions", response=responses.ROLE_PERMISSION, since="4.9.0"):
    """Lists the rules of a role in their order: the first that fits a command decides."""

    reads = True

    roleid = ref(ROLE)

    def run(self, ctx: Context) -> Body:
        found = [responses.rule(row, of) for row, of in role.rules(ctx, self.roleid)]
        return {"count": len(found), "rolepermission": found} if found else {}


class CreateRolePermission(
    Command,
    name="createRolePermission",
    response=responses.ROLE_PERMISSION,
    event="ROLE.PERMISSION.CREATE",
    since="4.9.0",
):
    """Puts a rule behind those that a role has."""

    permission = string("allow or deny", required=True)
    roleid = ref(ROLE, required=True)
    rule = string("The name of a command, or a pattern with *", required=True)
    description_ = string()

    def run(self, ctx: Context) -> Body:
        made = role.add_rule(ctx, self.roleid, self.rule, self.permission, self.description_)
        return {"rolepermission": responses.rule(made, self.roleid, named=False)}


class UpdateRolePermission(Command, name="updateRolePermission", event="ROLE.PERMISSION.UPDATE", since="4.9.0"):
    """Changes what a rule says, or the order of all rules of a role."""

    roleid = ref(ROLE, required=True)
    permission = string("allow or deny", since="4.11")
    ruleid = ref(ROLE_PERMISSION, "The rule that is changed", since="4.11")
    ruleorder = strings("The ids of all rules of the role in their new order")

    def run(self, ctx: Context) -> Body:
        role.change_rule(ctx, self.roleid, self.ruleid, self.permission, self.ruleorder)
        return {"success": True}


class DeleteRolePermission(Command, name="deleteRolePermission", event="ROLE.PERMISSION.DELETE", since="4.9.0"):
    """Takes a rule off its role."""

    id = ref(ROLE_PERMISSION, required=True)

    def run(self, ctx: Context) -> Body:
        role.remove_rule(ctx, self.id)
        return {"success": True}
