"""Pods."""

from __future__ import annotations

from cloudsim.api.command import Body, Command, ListCommand, id_of
from cloudsim.api.params import boolean, ref, string, strings
from cloudsim.api.responses.base import SUCCESS
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


class CreatePod(Command, name="createPod", response=POD, event="POD.CREATE"):
    """Makes a pod: a network that hosts and the cloud's own machines have addresses in."""

    name = string(required=True)
    zoneid = ref(nouns.ZONE, required=True)
    allocationstate = string(values=_STATES)
    endip = string()
    gateway = string()
    netmask = string()
    startip = string()
    storageaccessgroups = strings("Groups of storage: there are no such groups here", since="4.21.0")

    def run(self, ctx: Context) -> Body:
        made = pod.create(
            ctx,
            self.zoneid,
            self.name,
            gateway=self.gateway,
            netmask=self.netmask,
            start=self.startip,
            end=self.endip,
            enabled=self.allocationstate != "Disabled",
        )
        return {"pod": ctx.present("pod", made)[0]}


class UpdatePod(Command, name="updatePod", response=POD, event="POD.EDIT"):
    """Changes a pod."""

    id = ref(nouns.POD, required=True)
    allocationstate = string(values=_STATES)
    endip = string()
    gateway = string()
    name = string()
    netmask = string()
    startip = string()

    def run(self, ctx: Context) -> Body:
        pod.update(
            ctx,
            self.id,
            name=self.name,
            gateway=self.gateway,
            netmask=self.netmask,
            start=self.startip,
            end=self.endip,
            state=self.allocationstate,
        )
        return {"pod": ctx.present("pod", self.id["id"])[0]}


class DeletePod(Command, name="deletePod", response=SUCCESS, event="POD.DELETE"):
    """Removes a pod that is empty."""

    id = ref(nouns.POD, required=True)

    def run(self, ctx: Context) -> Body:
        pod.delete(ctx, self.id)
        return {"success": True}
