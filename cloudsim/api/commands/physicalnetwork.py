"""Physical networks."""

from __future__ import annotations

from cloudsim.api.command import Body, ListCommand, id_of
from cloudsim.api.params import ref, string
from cloudsim.api.responses.physicalnetwork import PHYSICAL_NETWORK
from cloudsim.services import nouns, physicalnetwork
from cloudsim.services.context import Context


class ListPhysicalNetworks(ListCommand, name="listPhysicalNetworks", response=PHYSICAL_NETWORK, since="3.0.0"):
    """Lists physical networks."""

    id = ref(nouns.PHYSICAL_NETWORK)
    name = string()
    zoneid = ref(nouns.ZONE)

    def run(self, ctx: Context) -> Body:
        return self.select(ctx, physicalnetwork.LISTING, id=id_of(self.id), name=self.name, zone=id_of(self.zoneid))
