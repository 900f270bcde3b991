"""Tags."""

from __future__ import annotations

from cloudsim.api.command import AsyncCommand, Body, ScopedList
from cloudsim.api.params import mapping, string, strings
from cloudsim.api.responses.base import SUCCESS
from cloudsim.api.responses.tag import TAG
from cloudsim.services import tag
from cloudsim.services.context import Context


class CreateTags(AsyncCommand, name="createTags", response=SUCCESS, event="CREATE_TAGS", since="4.0.0"):
    """Puts tags on things."""

    resourceids = strings("Ids of the things to tag", required=True)
    resourcetype = string("The kind of things: " + ", ".join(sorted(tag.KINDS)), required=True)
    tags = mapping("Keys and values", required=True)
    customer = string("Without effect: who asked for the tag")

    def run(self, ctx: Context) -> Body:
        return {"jobid": tag.create(ctx, tag.kind_of(self.resourcetype), self.resourceids, self.tags)}


class DeleteTags(AsyncCommand, name="deleteTags", response=SUCCESS, event="DELETE_TAGS", since="4.0.0"):
    """Takes tags off things: those given, or all of them."""

    resourceids = strings("Ids of the tagged things", required=True)
    resourcetype = string("The kind of things: " + ", ".join(sorted(tag.KINDS)), required=True)
    tags = mapping("Keys and values; a key without a value fits whatever its value is")

    def run(self, ctx: Context) -> Body:
        return {"jobid": tag.remove(ctx, tag.kind_of(self.resourcetype), self.resourceids, self.tags)}


class ListTags(ScopedList, name="listTags", response=TAG, since="4.0.0"):
    """Lists tags."""

    customer = string("Without effect: tags do not keep who asked for them")
    key = string()
    resourceid = string("Only the tags of this thing")
    resourcetype = string("Only the tags of this kind of things")
    value = string()

    def run(self, ctx: Context) -> Body:
        scope = self.scope(ctx, by_id=self.resourceid is not None)
        found = tag.search(
            ctx,
            self.paging(ctx),
            scope,
            kind=tag.kind_of(self.resourcetype) if self.resourcetype else None,
            resource=self.resourceid,
            key=self.key,
            value=self.value,
            keyword=self.keyword,
        )
        return self.answer(ctx, found)
