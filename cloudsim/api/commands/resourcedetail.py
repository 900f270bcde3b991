"""Details of things."""

from __future__ import annotations

from cloudsim.api.command import AsyncCommand, Body, Command, ScopedList
from cloudsim.api.params import boolean, mapping, string
from cloudsim.api.responses.base import Response
from cloudsim.services import resourcedetail
from cloudsim.services.context import Context

RESOURCE_DETAIL = Response(
    "resourcedetail",
    string="account customer domain domainid domainpath key project projectid resourceid resourcetype value",
)
DETAIL_OPTIONS = Response("detailoptions", map="details")


class AddResourceDetail(AsyncCommand, name="addResourceDetail", event="CREATE_RESOURCE_DETAILS"):
    """Sets details of a thing."""

    details = mapping("Names and values", required=True)
    resourceid = string("The thing", required=True)
    resourcetype = string("The kind of the thing", required=True)
    fordisplay = boolean("Whether others than root admins are told (true if not said)", since="4.4", default=True)

    def run(self, ctx: Context) -> Body:
        kind = resourcedetail.kind_of(self.resourcetype)
        return {"jobid": resourcedetail.add(ctx, kind, self.resourceid, self.details, self.fordisplay)}


class RemoveResourceDetail(AsyncCommand, name="removeResourceDetail", event="DELETE_RESOURCE_DETAILS"):
    """Takes a detail off a thing, or all of them."""

    resourceid = string("The thing", required=True)
    resourcetype = string("The kind of the thing", required=True)
    key = string("The name of the detail; all of them where none is given")

    def run(self, ctx: Context) -> Body:
        kind = resourcedetail.kind_of(self.resourcetype)
        return {"jobid": resourcedetail.remove(ctx, kind, self.resourceid, self.key)}


class ListResourceDetails(ScopedList, name="listResourceDetails", response=RESOURCE_DETAIL, since="4.2"):
    """Lists details: of one thing, or those of a name on all things of a kind."""

    resourcetype = string("The kind of the things", required=True)
    fordisplay = boolean("Only those that others than root admins are told", since="4.3")
    key = string("The name of the details")
    resourceid = string("The thing")
    value = string("Only those with this value", since="4.4")

    def run(self, ctx: Context) -> Body:
        kind = resourcedetail.kind_of(self.resourcetype)
        found = resourcedetail.search(
            ctx,
            kind,
            self.scope(ctx),
            uuid=self.resourceid,
            key=self.key,
            value=self.value,
            display=self.fordisplay,
            keyword=self.keyword,
        )
        return self.part(
            ctx,
            [{"resourceid": uuid, "resourcetype": kind, "key": key, "value": value} for uuid, key, value in found],
        )


class ListDetailOptions(Command, name="listDetailOptions", response=DETAIL_OPTIONS, reads=True, since="4.13"):
    """Lists the names of details that mean something for a kind of thing, with the values to choose from."""

    resourcetype = string("The kind of the things", required=True)
    resourceid = string("A thing: only what means something for its hypervisor")

    def run(self, ctx: Context) -> Body:
        return {"detailoptions": {"details": resourcedetail.options(ctx, self.resourcetype, self.resourceid)}}
