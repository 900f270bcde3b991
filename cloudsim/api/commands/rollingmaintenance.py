"""Rolling maintenance of hosts."""

from __future__ import annotations

from cloudsim.api.command import AsyncCommand, Body
from cloudsim.api.params import boolean, integer, refs, string
from cloudsim.api.responses.base import Response
from cloudsim.services import nouns, rolling_maintenance
from cloudsim.services.context import Context

_UPDATED = Response("hostsupdated", string="enddate hostid hostname output startdate")
_SKIPPED = Response("hostsskipped", string="hostid hostname reason")
ROLLING = Response(
    "rollingmaintenance",
    string="details",
    boolean="success",
    nested={"hostsupdated": ("list", _UPDATED), "hostsskipped": ("list", _SKIPPED)},
)


class StartRollingMaintenance(
    AsyncCommand, name="startRollingMaintenance", response=ROLLING, event="HOST.ROLLING.MAINTENANCE"
):
    """Puts hosts in maintenance one after another, each until its virtual machines have left it, and takes them back."""

    clusterids = refs(nouns.CLUSTER)
    forced = boolean("Whether it goes on with the others when a host could not be emptied")
    hostids = refs(nouns.HOST)
    payload = string("What scripts on the hosts are given: hosts have no scripts here")
    podids = refs(nouns.POD)
    timeout = integer("Seconds for each stage of the scripts on a host: hosts have no scripts here")
    zoneids = refs(nouns.ZONE)

    def run(self, ctx: Context) -> Body:
        given = {"zone": self.zoneids, "pod": self.podids, "cluster": self.clusterids, "host": self.hostids}
        return {"jobid": rolling_maintenance.start(ctx, given, forced=bool(self.forced))}
