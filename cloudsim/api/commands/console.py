"""Consoles of machines."""

from __future__ import annotations

from cloudsim.api.command import Body, Command, ListCommand, id_of
from cloudsim.api.params import boolean, date, ref, string, uuid
from cloudsim.api.responses.console import CONSOLE_ENDPOINT, CONSOLE_SESSION, endpoint
from cloudsim.services import console
from cloudsim.services.context import Context
from cloudsim.services.nouns import ACCOUNT, DOMAIN, HOST, USER, VIRTUAL_MACHINE


class CreateConsoleEndpoint(Command, name="createConsoleEndpoint", response=CONSOLE_ENDPOINT, since="4.18.0"):
    """Answers a URL that shows the console of a running machine, once."""

    virtualmachineid = uuid(
        "The machine; root admins may name system virtual machines and routers as well", required=True
    )
    token = string("A word that whoever connects must bring as well, as extra")

    def run(self, ctx: Context) -> Body:
        try:
            found = console.create(ctx, self.virtualmachineid, self.token)
        except console.Unavailable as error:
            return {"consoleendpoint": {"success": False, "details": str(error)}}
        return {"consoleendpoint": endpoint(found)}


class ListConsoleSessions(ListCommand, name="listConsoleSessions", response=CONSOLE_SESSION, since="4.21.0"):
    """Lists sessions of consoles, the newest first: those that go on and those that have ended."""

    id = uuid()
    accountid = ref(ACCOUNT)
    userid = ref(USER)
    domainid = ref(DOMAIN, "The domain whose sessions are listed; the caller's own if not given")
    isrecursive = boolean("Whether those of the domains below are listed as well", default=False)
    hostid = ref(HOST, "Only sessions of machines that ran on this host; for root admins", admin=True)
    virtualmachineid = ref(VIRTUAL_MACHINE)
    startdate = date("Only sessions that were made at this instant or later")
    enddate = date("Only sessions that were made up to this instant")
    activeonly = boolean("Whether sessions that have ended are left out", default=False)
    acquired = boolean("Only those that somebody connected to, or only those that nobody did")
    clientaddress = string("Only sessions that somebody connected to from this address")
    consoleendpointcreatoraddress = string("Only sessions that were asked for from this address")

    def run(self, ctx: Context) -> Body:
        given = {
            "keyword": self.keyword,
            "account": id_of(self.accountid),
            "user": id_of(self.userid),
            "host": id_of(self.hostid),
            "vm": id_of(self.virtualmachineid),
            "since": self.startdate,
            "until": self.enddate,
            "active": self.activeonly or None,
            "acquired": True if self.acquired is True else None,
            "unacquired": True if self.acquired is False else None,
            "client": self.clientaddress,
            "creator": self.consoleendpointcreatoraddress,
        }
        found = console.page(
            ctx, given, self.paging(ctx), uuid=self.id, domain=self.domainid, isrecursive=self.isrecursive
        )
        return self.answer(ctx, found)
