"""Capacities."""

from __future__ import annotations

from cloudsim.api.command import Body, ListCommand
from cloudsim.api.params import boolean, integer, ref, string
from cloudsim.api.responses.capacity import CAPACITY_ADVISED
from cloudsim.core.errors import InvalidValue
from cloudsim.services import capacity, nouns
from cloudsim.services.context import Context


class ListCapacity(ListCommand, name="listCapacity", response=CAPACITY_ADVISED):
    """Lists how much room zones, pods and clusters have, and how much of it is taken."""

    clusterid = ref(nouns.CLUSTER, since="3.0.0")
    fetchlatest = boolean("Whether figures are counted anew; they always are", since="3.0.0")
    podid = ref(nouns.POD)
    sortby = string("usage: the places one level below, those that are used most first", since="3.0.0")
    tag = string("Only what hosts or storage pools with this tag have", since="4.20.0")
    type = integer(
        "The kind of room: " + ", ".join(f"{number} {name}" for number, name in sorted(capacity.NAMES.items()))
    )
    zoneid = ref(nouns.ZONE)

    def run(self, ctx: Context) -> Body:
        if self.sortby is not None and self.sortby.lower() != "usage":
            raise InvalidValue("capacities are sorted by usage or not at all")
        if self.type is not None and self.type not in capacity.NAMES:
            raise InvalidValue(f"there is no kind of capacity with number {self.type}")
        level, within = "", None
        for name, given in (("zone", self.zoneid), ("pod", self.podid), ("cluster", self.clusterid)):
            if given is not None:
                level, within = name, given
        found = capacity.table(
            ctx,
            level,
            within,
            kind=self.type,
            tag=self.tag,
            below=self.sortby is not None and level != "cluster",
        )
        if self.keyword:
            found = [one for one in found if self.keyword.lower() in one["name"].lower()]
        return self.part(ctx, found)
