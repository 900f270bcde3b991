"""How long who used what."""

from __future__ import annotations

from cloudsim.api.command import Body, Command, ListCommand
from cloudsim.api.params import boolean, date, integer, long, ref, string
from cloudsim.api.responses.usage import USAGE, USAGE_TYPE, record
from cloudsim.core.errors import InvalidValue
from cloudsim.services import access, usage
from cloudsim.services.context import Context
from cloudsim.services.nouns import ACCOUNT, DOMAIN, PROJECT


class ListUsageRecords(ListCommand, name="listUsageRecords", response=USAGE):
    """Lists what was used between two dates, in records of a day at most."""

    enddate = date("Until when", required=True)
    startdate = date("From when on", required=True)
    account = string()
    accountid = ref(ACCOUNT)
    domainid = ref(DOMAIN)
    includetags = boolean("Without effect: tags are told where the things are listed")
    isrecursive = boolean(since="4.15")
    oldformat = boolean("Without effect: descriptions have one format")
    projectid = ref(PROJECT)
    type = long("The number of a type of usage")
    usageid = string("The id of what is used")

    def run(self, ctx: Context) -> Body:
        if self.accountid is not None and self.account is not None:
            raise InvalidValue("give account or accountid, not both")
        if self.accountid is not None:
            scope = access.account_scope(self.accountid["id"])
        else:
            # without more, what the caller may see at all is meant
            scope = access.scope(
                ctx,
                account=self.account,
                domain=self.domainid,
                project=self.projectid,
                listall=True,
                isrecursive=self.isrecursive,
                by_id=self.usageid is not None or (self.domainid is None and self.account is None),
            )
        found = usage.records(
            ctx, scope, self.startdate, self.enddate, keyword=self.keyword, type=self.type, uuid=self.usageid
        )
        page = self.paging(ctx)
        return self.body([record(one) for one in found[page.offset : page.offset + page.limit]], len(found))


class ListUsageTypes(Command, name="listUsageTypes", response=USAGE_TYPE, reads=True):
    """Lists the types of usage."""

    def run(self, ctx: Context) -> Body:
        found = [{"id": one["id"], "name": one["name"], "description": _words(one["name"])} for one in usage.types()]
        return {"count": len(found), "usagetype": found}


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize().replace("Vm", "VM").replace("Ip ", "IP ").replace("Iso", "ISO")


class GenerateUsageRecords(Command, name="generateUsageRecords"):
    """Records are made when they are listed: there is nothing that would have to be generated before."""

    domainid = ref(DOMAIN)
    enddate = date("Until when")
    startdate = date("From when on")

    def run(self, ctx: Context) -> Body:
        return {"success": True}


class RemoveRawUsageRecords(Command, name="removeRawUsageRecords", since="4.6.0"):
    """Forgets what was used longer ago than some days."""

    interval = integer("How many days are kept", required=True)

    def run(self, ctx: Context) -> Body:
        usage.purge(ctx, self.interval)
        return {"success": True}
