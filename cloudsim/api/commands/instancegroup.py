"""Groups that an account puts its virtual machines in."""

from __future__ import annotations

from cloudsim.api.command import Body, Command, ScopedList, id_of
from cloudsim.api.params import ref, string
from cloudsim.api.responses.instancegroup import INSTANCE_GROUP
from cloudsim.services import access, instancegroup
from cloudsim.services.context import Context
from cloudsim.services.nouns import DOMAIN, PROJECT
from cloudsim.services.nouns import INSTANCE_GROUP as NOUN


class CreateInstanceGroup(Command, name="createInstanceGroup", response=INSTANCE_GROUP):
    """Makes an instance group."""

    name = string(required=True)
    account = string()
    domainid = ref(DOMAIN)
    projectid = ref(PROJECT)

    def run(self, ctx: Context) -> Body:
        owner = access.account_of(ctx, self.domainid, self.account, self.projectid)
        made = instancegroup.create(ctx, owner, self.name)
        return {"instancegroup": ctx.present("instancegroup", made)[0]}


class UpdateInstanceGroup(Command, name="updateInstanceGroup", response=INSTANCE_GROUP):
    """Renames an instance group."""

    id = ref(NOUN, required=True)
    name = string()

    def run(self, ctx: Context) -> Body:
        instancegroup.update(ctx, self.id, self.name)
        return {"instancegroup": ctx.present("instancegroup", self.id["id"])[0]}


class DeleteInstanceGroup(Command, name="deleteInstanceGroup"):
    """Deletes an instance group; its virtual machines are in none then."""

    id = ref(NOUN, required=True)

    def run(self, ctx: Context) -> Body:
        instancegroup.remove(ctx, self.id)
        return {"success": True}


class ListInstanceGroups(ScopedList, name="listInstanceGroups", response=INSTANCE_GROUP):
    """Lists instance groups."""

    id = ref(NOUN)
    name = string()

    def run(self, ctx: Context) -> Body:
        return self.select(ctx, instancegroup.LISTING, id=id_of(self.id), name=self.name)
