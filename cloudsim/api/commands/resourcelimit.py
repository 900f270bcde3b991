"""How much of each kind of resource accounts, domains and projects may have."""

from __future__ import annotations

from cloudsim.api.command import Body, Command, DomainList
from cloudsim.api.params import integer, long, ref, string
from cloudsim.api.responses.resourcelimit import RESOURCE_COUNT, RESOURCE_LIMIT, entry
from cloudsim.services import resource
from cloudsim.services.context import Context
from cloudsim.services.listing import has_keyword
from cloudsim.services.nouns import DOMAIN, PROJECT


class ListResourceLimits(DomainList, name="listResourceLimits", response=RESOURCE_LIMIT):
    """Lists the limits of an account, a domain or a project; of the own account where nothing is said."""

    account = string()
    id = long("The row of a limit; not used: limits are named by whose they are and by type")
    projectid = ref(PROJECT)
    resourcetype = integer("The number of the type of resource")
    resourcetypename = string("The name of the type of resource")
    tag = string("The tag whose limits are listed", since="4.20.0")

    def run(self, ctx: Context) -> Body:
        kind = resource.kind_of(self.resourcetype, self.resourcetypename)
        who = resource.holder(ctx, self.domainid, self.account, self.projectid)
        found = [
            one
            for one in resource.limits_of(ctx, who, kind, self.tag)
            if has_keyword(self.keyword, one[0].name, one[1])
        ]
        return self.part(ctx, [entry(who, one, tag, max=most) for one, tag, most in found])


class UpdateResourceLimit(Command, name="updateResourceLimit", response=RESOURCE_LIMIT, event="RESOURCE.LIMIT.UPDATE"):
    """Says how much of a type of resource an account, a domain or a project may have."""

    resourcetype = integer("The number of the type of resource", required=True)
    account = string()
    domainid = ref(DOMAIN)
    max = long("How many (GiB of storage, MB of memory); -1 or nothing: as much as there is")
    projectid = ref(PROJECT)
    tag = string("The host tag or storage tag that is limited", since="4.20.0")

    def run(self, ctx: Context) -> Body:
        kind = resource.kind_of(self.resourcetype, None)
        assert kind is not None
        who = resource.holder(ctx, self.domainid, self.account, self.projectid)
        most = resource.UNLIMITED if self.max is None else self.max
        resource.set_limit(ctx, who, kind, most, self.tag or "")
        return {"resourcelimit": entry(who, kind, self.tag or "", max=most)}


class UpdateResourceCount(Command, name="updateResourceCount", response=RESOURCE_COUNT):
    """Counts what an account, a domain or a project has (storage in bytes).

    Counts are made anew each time, so there is nothing that could be wrong and had to be corrected.
    """

    domainid = ref(DOMAIN, required=True)
    account = string()
    projectid = ref(PROJECT)
    resourcetype = integer("The number of the type of resource; all where none is given")
    tag = string("The tag whose resources are counted", since="4.20.0")

    def run(self, ctx: Context) -> Body:
        kind = resource.kind_of(self.resourcetype, None)
        project = self.projectid if self.account is None else None
        who = resource.holder(ctx, None if project else self.domainid, self.account, project)
        found = [
            entry(who, one, self.tag or "", resourcecount=number)
            for one, number in resource.counts(ctx, who, kind, self.tag or "")
        ]
        return {"count": len(found), "resourcecount": found}
