"""Alerts."""

from __future__ import annotations

from cloudsim.api.command import AsyncCommand, Body, Command, ListCommand, id_of
from cloudsim.api.params import date, ref, refs, short, string
from cloudsim.api.responses.alert import ALERT
from cloudsim.core.errors import InvalidValue
from cloudsim.services import alert
from cloudsim.services.context import Context
from cloudsim.services.nouns import ALERT as NOUN
from cloudsim.services.nouns import POD, ZONE


def _type(text: str | None) -> int | None:
    if text is None:
        return None
    if text.isascii() and text.isdigit() and len(text) < 6:
        return int(text)
    for one in alert.types():
        if one["name"] == text.upper():
            return int(one["alerttypeid"])
    raise InvalidValue(f"there is no type of alerts '{text[:64]}'")


class ListAlerts(ListCommand, name="listAlerts", response=ALERT):
    """Lists alerts, the newest first."""

    id = ref(NOUN)
    name = string(since="4.3")
    type = string("The number or the name of a type")

    def run(self, ctx: Context) -> Body:
        return self.select(ctx, alert.LISTING, id=id_of(self.id), name=self.name, type=_type(self.type), fresh=True)


class _Chosen(Command):
    enddate = date("Only alerts until this date")
    ids = refs(NOUN)
    startdate = date("Only alerts from this date on")
    type = string("The number or the name of a type")

    def chosen(self, ctx: Context) -> list[int]:
        """The row ids of those that are meant."""
        return alert.chosen(ctx, self.ids, _type(self.type), self.startdate, self.enddate)


class ArchiveAlerts(_Chosen, name="archiveAlerts"):
    """Marks alerts as seen."""

    def run(self, ctx: Context) -> Body:
        alert.archive(ctx, self.chosen(ctx))
        return {"success": True}


class DeleteAlerts(_Chosen, name="deleteAlerts"):
    """Deletes alerts."""

    def run(self, ctx: Context) -> Body:
        alert.remove(ctx, self.chosen(ctx))
        return {"success": True}


class GenerateAlert(AsyncCommand, name="generateAlert", event="ALERT.GENERATE", since="4.3"):
    """Raises an alert."""

    description_ = string("What it says", required=True, length=999)
    name = string("Its name", required=True)
    type = short("The number of its type", required=True)
    podid = ref(POD)
    zoneid = ref(ZONE)

    def run(self, ctx: Context) -> Body:
        return {"jobid": alert.generate(ctx, self.type, self.name, self.description_, self.zoneid, self.podid)}


class ListAlertTypes(Command, name="listAlertTypes", response=ALERT, reads=True):
    """Lists the types of alerts."""

    def run(self, ctx: Context) -> Body:
        found = alert.types()
        return {"count": len(found), "alerttype": found}
