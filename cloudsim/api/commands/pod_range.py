"""Ranges of a pod's addresses, and addresses taken from them."""

from __future__ import annotations

from cloudsim.api.command import AsyncCommand, Body, Command
from cloudsim.api.params import boolean, long, ref, string
from cloudsim.api.responses.base import SUCCESS
from cloudsim.api.responses.pod import POD
from cloudsim.api.responses.ranges import POD_ADDRESS, pod_address
from cloudsim.services import access, nouns, pod_range
from cloudsim.services.context import Context


class CreateManagementNetworkIpRange(
    AsyncCommand,
    name="createManagementNetworkIpRange",
    response=POD,
    event="MANAGEMENT.IP.RANGE.CREATE",
    since="4.11.0.0",
):
    """Gives a pod more addresses for hosts and the cloud's own machines."""

    gateway = string("The gateway of the pod", required=True)
    netmask = string("The netmask of the pod", required=True)
    podid = ref(nouns.POD, required=True)
    startip = string(required=True)
    endip = string()
    forsystemvms = boolean("Whether it is kept for the cloud's own machines")
    vlan = string("Its VLAN, or untagged")

    def run(self, ctx: Context) -> Body:
        job = pod_range.create(
            ctx,
            self.podid,
            gateway=self.gateway,
            netmask=self.netmask,
            start=self.startip,
            end=self.endip,
            vlan=self.vlan,
            system=bool(self.forsystemvms),
        )
        return {"jobid": job}


class UpdatePodManagementNetworkIpRange(
    AsyncCommand,
    name="updatePodManagementNetworkIpRange",
    response=SUCCESS,
    event="MANAGEMENT.IP.RANGE.UPDATE",
    since="4.16.0.0",
):
    """Changes where a range of a pod's addresses begins and ends."""

    currentendip = string(required=True)
    currentstartip = string(required=True)
    podid = ref(nouns.POD, required=True)
    newendip = string()
    newstartip = string()

    def run(self, ctx: Context) -> Body:
        job = pod_range.update(
            ctx, self.podid, self.currentstartip, self.currentendip, start=self.newstartip, end=self.newendip
        )
        return {"jobid": job}


class DeleteManagementNetworkIpRange(
    AsyncCommand,
    name="deleteManagementNetworkIpRange",
    response=SUCCESS,
    event="MANAGEMENT.IP.RANGE.DELETE",
    since="4.11.0.0",
):
    """Takes a range that is not in use from a pod; one stays."""

    endip = string(required=True)
    podid = ref(nouns.POD, required=True)
    startip = string(required=True)
    vlan = string("Its VLAN, or untagged", required=True)

    def run(self, ctx: Context) -> Body:
        return {"jobid": pod_range.delete(ctx, self.podid, self.startip, self.endip, self.vlan)}


class AcquirePodIpAddress(Command, name="acquirePodIpAddress", response=POD_ADDRESS):
    """Takes an address of a pod, for use outside: no host and no machine of the cloud gets it."""

    zoneid = string(required=True)
    podid = string("The id of the pod; without it, the first of the zone that has a free address")

    def run(self, ctx: Context) -> Body:
        zone = access.find(ctx, nouns.ZONE, self.zoneid)
        pod = access.find(ctx, nouns.POD, self.podid) if self.podid else None
        return {POD_ADDRESS.name: pod_address(pod_range.acquire(ctx, zone, pod))}


class ReleasePodIpAddress(Command, name="releasePodIpAddress", response=SUCCESS):
    """Gives an acquired address of a pod back."""

    id = long("The number it was acquired with", required=True)

    def run(self, ctx: Context) -> Body:
        pod_range.let_go(ctx, self.id)
        return {"success": True}
