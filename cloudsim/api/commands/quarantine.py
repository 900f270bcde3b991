"""Public addresses in quarantine."""

from __future__ import annotations

from cloudsim.api.command import Body, Command, ListCommand
from cloudsim.api.params import boolean, date, string
from cloudsim.api.params import uuid as uuid_param
from cloudsim.api.responses.quarantine import QUARANTINED_IP
from cloudsim.services import quarantine
from cloudsim.services.context import Context


class ListQuarantinedIps(ListCommand, name="listQuarantinedIps", response=QUARANTINED_IP, since="4.19"):
    """Lists public addresses that are kept for who had them last."""

    showinactive = boolean("Whether quarantines that are over are listed as well")
    showremoved = boolean("Whether those that were ended are listed as well")

    def run(self, ctx: Context) -> Body:
        found = quarantine.search(
            ctx,
            self.paging(ctx),
            inactive=bool(self.showinactive),
            removed=bool(self.showremoved),
            keyword=self.keyword,
        )
        return self.answer(ctx, found)


class UpdateQuarantinedIp(Command, name="updateQuarantinedIp", response=QUARANTINED_IP, since="4.19"):
    """Gives the quarantine of a public address another end."""

    enddate = date("When it ends: an instant to come", required=True)
    id = uuid_param()
    ipaddress = string("The address, in the place of the id")

    def run(self, ctx: Context) -> Body:
        row = quarantine.named(ctx, self.id, self.ipaddress)
        return {self.noun: ctx.present("quarantinedips", quarantine.update(ctx, row, self.enddate))[0]}


class RemoveQuarantinedIp(Command, name="removeQuarantinedIp", response=QUARANTINED_IP, since="4.19"):
    """Ends the quarantine of a public address: anybody may have it."""

    removalreason = string("Why", required=True)
    id = uuid_param()
    ipaddress = string("The address, in the place of the id")

    def run(self, ctx: Context) -> Body:
        row = quarantine.named(ctx, self.id, self.ipaddress)
        return {self.noun: ctx.present("quarantinedips", quarantine.remove(ctx, row, self.removalreason))[0]}
