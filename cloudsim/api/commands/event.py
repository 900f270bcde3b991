"""Events."""

from __future__ import annotations

from cloudsim.api.command import Body, Command, ScopedList
from cloudsim.api.params import boolean, date, integer, ref, refs, string
from cloudsim.api.responses.base import SUCCESS
from cloudsim.api.responses.event import EVENT, EVENT_TYPE
from cloudsim.core.errors import InvalidValue
from cloudsim.core.reference import reference
from cloudsim.services import event_log
from cloudsim.services.context import Context
from cloudsim.services.nouns import EVENT as EVENT_NOUN


class ListEvents(ScopedList, name="listEvents", response=EVENT):
    """Lists events, the newest first."""

    archived = boolean("Whether archived events are listed instead", since="4.19.0")
    duration = integer("Only operations that took longer than this (seconds); goes with entrytime")
    enddate = date()
    entrytime = integer("How far back to look for long operations (seconds); goes with duration")
    id = ref(EVENT_NOUN)
    level = string(values=("INFO", "WARN", "ERROR"))
    resourceid = string(since="4.17.0")
    resourcetype = string(since="4.17.0")
    startdate = date()
    startid = ref(EVENT_NOUN, "Only the events of the operation that began with this one")
    state = string("Only events in this state", values=("Created", "Scheduled", "Started", "Completed"), since="4.21.0")
    type = string()

    def run(self, ctx: Context) -> Body:
        if (self.duration is None) != (self.entrytime is None):
            raise InvalidValue("duration and entrytime go together: give both or none")
        scope = self.scope(ctx, by_id=self.id is not None or self.startid is not None or self.resourceid is not None)
        given = {
            "keyword": self.keyword,
            "id": self.id["id"] if self.id else None,
            "type": self.type.lower() if self.type else None,
            "level": self.level.lower() if self.level else None,
            "state": self.state.lower() if self.state else None,
            "archived": bool(self.archived),
            "display": None if ctx.caller.is_admin else True,
            "start": (self.startid["start_id"] or self.startid["id"]) if self.startid else None,
            "resource": self.resourceid,
            "resourcetype": self.resourcetype.lower() if self.resourcetype else None,
            "since": self.startdate,
            "until": self.enddate,
            "ids": event_log.older(ctx, self.entrytime, self.duration) if self.duration is not None else None,
        }
        return self.answer(ctx, event_log.LISTING.page(ctx, given, self.paging(ctx), scope))


class ListEventTypes(Command, name="listEventTypes", response=EVENT_TYPE, reads=True):
    """Lists the types of events."""

    def run(self, ctx: Context) -> Body:
        names = reference("eventtypes")
        return {"count": len(names), "eventtype": [{"name": name} for name in names]}


class _Events(Command):
    """What says which events."""

    enddate = date("Only events up to this instant")
    ids = refs(EVENT_NOUN)
    startdate = date("Only events from this instant on")


class ArchiveEvents(_Events, name="archiveEvents", response=SUCCESS):
    """Archives events: lists leave them out unless they are asked for."""

    type = string()

    def run(self, ctx: Context) -> Body:
        event_log.archive(ctx, self.ids, self.type, self.startdate, self.enddate)
        return {"success": True}


class DeleteEvents(_Events, name="deleteEvents", response=SUCCESS):
    """Deletes events for good."""

    type = string()

    def run(self, ctx: Context) -> Body:
        event_log.remove(ctx, self.ids, self.type, self.startdate, self.enddate)
        return {"success": True}
