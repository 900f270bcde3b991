"""Pods."""

from __future__ import annotations

from cloudsim.api.command import Body, ListCommand, id_of
from cloudsim.api.params import boolean, ref, string
from cloudsim.api.responses.pod import POD
from cloudsim.services import capacity, nouns, pod
from cloudsim.services.context import Context

_STATES = ("Enabled", "Disabled")


class ListPods(ListCommand, name="listPods", response=POD):
    """Lists pods."""

    allocationstate = string(values=_STATES)
    id = ref(nouns.POD)
    name = string()
    showcapacities = boolean("Whether the capacities of each are told as well")
    storageaccessgroup = string("Only those of this group: there are no such groups here", since="4.21.0")
    zoneid = ref(nouns.ZONE)

    def run(self, ctx: Context) -> Body:
        body = self.select(
            ctx,
            pod.LISTING,
            id=id_of(self.id),
            name=self.name,
            zone=id_of(self.zoneid),
            state=self.allocationstate,
            none=True if self.storageaccessgroup else None,
        )
        if self.showcapacities:
            capacity.add(ctx, "pod", body.get("pod", []))
        return body
