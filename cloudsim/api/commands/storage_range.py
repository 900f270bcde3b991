"""Ranges of addresses of the storage network."""

from __future__ import annotations

from cloudsim.api.command import AsyncCommand, Body, ListCommand, id_of
from cloudsim.api.params import integer, ref, string
from cloudsim.api.responses.base import SUCCESS
from cloudsim.api.responses.ranges import STORAGE_RANGE
from cloudsim.services import nouns, storage_range
from cloudsim.services.context import Context


class CreateStorageNetworkIpRange(
    AsyncCommand,
    name="createStorageNetworkIpRange",
    response=STORAGE_RANGE,
    event="STORAGE.IP.RANGE.CREATE",
    since="3.0.0",
):
    """Makes a range of addresses that secondary storage machines of a pod have on the storage network."""

    gateway = string(required=True)
    netmask = string(required=True)
    podid = ref(nouns.POD, required=True)
    startip = string(required=True)
    endip = string()
    vlan = integer("Its VLAN; without one it is untagged")

    def run(self, ctx: Context) -> Body:
        job = storage_range.create(
            ctx,
            self.podid,
            gateway=self.gateway,
            netmask=self.netmask,
            start=self.startip,
            end=self.endip,
            vlan=self.vlan,
        )
        return {"jobid": job}


class ListStorageNetworkIpRange(ListCommand, name="listStorageNetworkIpRange", response=STORAGE_RANGE, since="3.0.0"):
    """Lists the ranges of addresses of the storage network."""

    id = ref(nouns.STORAGE_RANGE)
    podid = ref(nouns.POD)
    zoneid = ref(nouns.ZONE)

    def run(self, ctx: Context) -> Body:
        return self.select(
            ctx, storage_range.LISTING, id=id_of(self.id), pod=id_of(self.podid), zone=id_of(self.zoneid)
        )


class UpdateStorageNetworkIpRange(
    AsyncCommand,
    name="updateStorageNetworkIpRange",
    response=STORAGE_RANGE,
    event="STORAGE.IP.RANGE.UPDATE",
    since="3.0.0",
):
    """Changes a range of the storage network."""

    id = ref(nouns.STORAGE_RANGE, required=True)
    endip = string()
    netmask = string()
    startip = string()
    vlan = integer("Its VLAN")

    def run(self, ctx: Context) -> Body:
        job = storage_range.update(
            ctx, self.id, netmask=self.netmask, start=self.startip, end=self.endip, vlan=self.vlan
        )
        return {"jobid": job}


class DeleteStorageNetworkIpRange(
    AsyncCommand,
    name="deleteStorageNetworkIpRange",
    response=SUCCESS,
    event="STORAGE.IP.RANGE.DELETE",
    since="3.0.0",
):
    """Removes a range of the storage network that no machine has an address of."""

    id = ref(nouns.STORAGE_RANGE, required=True)

    def run(self, ctx: Context) -> Body:
        return {"jobid": storage_range.delete(ctx, self.id)}
