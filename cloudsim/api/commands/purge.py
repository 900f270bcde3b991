"""Forgetting what was expunged."""

from __future__ import annotations

from cloudsim.api.command import AsyncCommand, Body
from cloudsim.api.params import date, long, string
from cloudsim.services import purge
from cloudsim.services.context import Context


class PurgeExpungedResources(
    AsyncCommand, name="purgeExpungedResources", event="PURGE.EXPUNGED.RESOURCES", since="4.20"
):
    """Forgets virtual machines that were expunged, with their cards and volumes; events and usage stay."""

    batchsize = long("How many are forgotten at a time (if not said: setting expunged.resources.purge.batch.size)")
    enddate = date("Only what was expunged until then")
    resourcetype = string("VirtualMachine")
    startdate = date("Only what was expunged from then on")

    def run(self, ctx: Context) -> Body:
        return {"jobid": purge.order(ctx, self.resourcetype, self.startdate, self.enddate, self.batchsize)}
