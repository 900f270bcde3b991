"""Affinity groups: which machines belong on one host, or on none together."""

from __future__ import annotations

from cloudsim.api.command import AsyncCommand, Body, ListCommand, ScopedList, id_of
from cloudsim.api.params import ref, string, strings
from cloudsim.api.responses.affinitygroup import AFFINITY_GROUP, AFFINITY_GROUP_TYPE
from cloudsim.api.responses.base import SUCCESS
from cloudsim.api.responses.virtualmachine import VIRTUAL_MACHINE
from cloudsim.core.errors import InvalidValue
from cloudsim.services import access, affinitygroup, affinitygroup_workflows
from cloudsim.services.context import Context
from cloudsim.services.listing import has_keyword
from cloudsim.services.nouns import AFFINITY_GROUP as NOUN
from cloudsim.services.nouns import DOMAIN, PROJECT
from cloudsim.services.nouns import VIRTUAL_MACHINE as VM

_KINDS = "The type: " + ", ".join(affinitygroup.TYPES)


class CreateAffinityGroup(AsyncCommand, name="createAffinityGroup", response=AFFINITY_GROUP, event="AG.CREATE"):
    """Makes an affinity group."""

    name = string(required=True)
    type = string(_KINDS, required=True)
    account = string("The account it is for; without it and with domainid it is for a whole domain")
    description_ = string("What it is for")
    domainid = ref(DOMAIN)
    projectid = ref(PROJECT)

    def run(self, ctx: Context) -> Body:
        account = None
        if self.account is not None or self.projectid is not None or self.domainid is None:
            account = access.account_of(ctx, self.domainid, self.account, self.projectid)
        elif not ctx.caller.is_admin:
            raise InvalidValue("domainid says which domain an account is in: give account as well")
        uuid, job = affinitygroup_workflows.create(
            ctx,
            account=account,
            domain=self.domainid,
            name=self.name,
            kind=self.type,
            description=self.description_,
        )
        return {"id": uuid, "jobid": job}


class DeleteAffinityGroup(AsyncCommand, name="deleteAffinityGroup", response=SUCCESS, event="AG.DELETE"):
    """Deletes an affinity group; its virtual machines are in it no more.

    With one of type ExplicitDedication, the dedications that it stands for end.
    """

    id = ref(NOUN, "Its id; or its name with name")
    account = string("The account it belongs to, where it is named with name")
    domainid = ref(DOMAIN)
    name = string("Its name; or its id with id")
    projectid = ref(PROJECT)

    def run(self, ctx: Context) -> Body:
        if (self.id is None) == (self.name is None):
            raise InvalidValue("say which affinity group: id or name, one of them")
        found = self.id
        if found is None:
            of_domain = self.account is None and self.projectid is None and ctx.caller.is_admin
            inside = None if of_domain else self.domainid
            owner = access.account_of(ctx, inside, self.account, self.projectid)
            found = affinitygroup_workflows.named(ctx, owner, self.domainid if of_domain else None, self.name)
        return {"jobid": affinitygroup_workflows.delete(ctx, found)}


class ListAffinityGroups(ScopedList, name="listAffinityGroups", response=AFFINITY_GROUP):
    """Lists affinity groups; those that are for the account's domain among them."""

    id = ref(NOUN)
    name = string()
    type = string(_KINDS)
    virtualmachineid = ref(VM, "Only those that this virtual machine is in")

    def run(self, ctx: Context) -> Body:
        given = {
            "keyword": self.keyword,
            "id": id_of(self.id),
            "name": self.name,
            "type": self.type,
            "machine": id_of(self.virtualmachineid),
        }
        # who sees a machine, or a group, sees it in the list
        known = self.virtualmachineid is not None or (self.id is not None and self.id["acl_type"] == "Domain")
        scope = (
            access.EVERYTHING if known else affinitygroup.with_given(ctx, self.scope(ctx, by_id=self.id is not None))
        )
        return self.answer(ctx, affinitygroup.LISTING.page(ctx, given, self.paging(ctx), scope))


class ListAffinityGroupTypes(ListCommand, name="listAffinityGroupTypes", response=AFFINITY_GROUP_TYPE):
    """Lists the types that affinity groups may have."""

    def run(self, ctx: Context) -> Body:
        return self.part(ctx, [{"type": kind} for kind in affinitygroup.TYPES if has_keyword(self.keyword, kind)])


class UpdateVMAffinityGroup(AsyncCommand, name="updateVMAffinityGroup", response=VIRTUAL_MACHINE, event="VM.UPDATE"):
    """Says which affinity groups a stopped virtual machine is in; without any it is in none."""

    envelope = "updatevirtualmachineresponse"

    id = ref(VM, required=True)
    affinitygroupids = strings()
    affinitygroupnames = strings()

    def run(self, ctx: Context) -> Body:
        ids, names = self.affinitygroupids or (), self.affinitygroupnames or ()
        return {"jobid": affinitygroup_workflows.change(ctx, self.id, ids, names)}
